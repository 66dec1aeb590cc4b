package jobs

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// failure is an error as it is kept: River stores its text in a jsonb column, which
// takes neither NUL nor invalid UTF-8. A job whose error could not be stored would stay
// "running", and no other of its key would be queued.
type failure struct{ error }

func (f failure) Error() string { return cleanText(f.error.Error()) }

// Unwrap keeps what River looks for: that a job gives up, or is to be tried later.
func (f failure) Unwrap() error { return f.error }

// longestText is how much of an error is kept, in bytes: some hold a whole web page.
const longestText = 8000

var secretTexts = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@`), "${1}***@"},
	{regexp.MustCompile(`(?i)\b((?:[a-z]+_)*(?:key|secret|token|password|passwd|signature|nonce)(?:=|%3D))[^&\s"']+`), "${1}***"},
	{regexp.MustCompile(`(?i)\b((?:basic|bearer) )[a-z0-9+/=._~-]{8,}`), "${1}***"},
}

// cleanText makes a text fit to be stored and shown: no NUL, valid UTF-8, not too long,
// and without what looks like a secret.
func cleanText(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	for _, t := range secretTexts {
		s = t.find.ReplaceAllString(s, t.put)
	}
	if len(s) <= longestText {
		return s
	}
	cut := longestText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
