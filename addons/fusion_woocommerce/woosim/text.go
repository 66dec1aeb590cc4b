package woosim

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

var (
	tagPattern    = regexp.MustCompile(`</?[a-zA-Z!][^>]*>`)
	scriptTag     = regexp.MustCompile(`(?i)</?(script|style|iframe|object|embed|form|input)[^>]*>`)
	eventAttr     = regexp.MustCompile(`(?i)\s+on[a-z]+\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)`)
	looseAmp      = regexp.MustCompile(`&(#\d+;|#x[0-9a-fA-F]+;|[a-zA-Z][a-zA-Z0-9]*;)?`)
	looseLess     = regexp.MustCompile(`<([^a-zA-Z/!]|$)`)
	slugDrop      = regexp.MustCompile(`[^a-z0-9 _-]`)
	slugJoin      = regexp.MustCompile(`[ -]+`)
	entityPattern = regexp.MustCompile(`&.+?;`)
)

func stripTags(s string) string { return tagPattern.ReplaceAllString(s, "") }

// kses cleans HTML as WordPress does for users who may not post anything:
// scripts lose their tags, loose & and < become entities.
func kses(s string) string {
	s = scriptTag.ReplaceAllString(s, "")
	s = tagPattern.ReplaceAllStringFunc(s, func(t string) string { return eventAttr.ReplaceAllString(t, "") })
	s = looseAmp.ReplaceAllStringFunc(s, func(m string) string {
		if m == "&" {
			return "&amp;"
		}
		return m
	})
	return looseLess.ReplaceAllString(s, "&lt;$1")
}

// slugify makes a permalink of a name, as WordPress does.
func slugify(s string) string {
	s = entityPattern.ReplaceAllString(s, "")
	s = strings.ReplaceAll(html.UnescapeString(s), "/", "-")
	for _, d := range []string{"–", "—", "\u00a0"} {
		s = strings.ReplaceAll(s, d, "-")
	}
	s = strings.ReplaceAll(s, "×", "x")
	s = slugDrop.ReplaceAllString(fold(s), "")
	return strings.Trim(slugJoin.ReplaceAllString(s, "-"), "-")
}

// autop wraps text in paragraphs, as WordPress shows descriptions.
func autop(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	var b strings.Builder
	for _, p := range regexp.MustCompile(`\n\s*\n`).Split(s, -1) {
		p = strings.TrimSpace(p)
		if p == "" {
			continue
		}
		if strings.HasPrefix(p, "<p") || strings.HasPrefix(p, "<ul") || strings.HasPrefix(p, "<h") || strings.HasPrefix(p, "<div") {
			b.WriteString(p + "\n")
			continue
		}
		b.WriteString("<p>" + strings.ReplaceAll(p, "\n", "<br />\n") + "</p>\n")
	}
	return b.String()
}

func title(s string) string {
	for i, r := range s {
		return string(unicode.ToUpper(r)) + s[i+len(string(r)):]
	}
	return s
}
