package mail

import (
	"html"
	"regexp"
	"strings"
)

var (
	tags       = regexp.MustCompile(`<[^>]*>`)
	blockBreak = regexp.MustCompile(`(?i)<(br|/p|/div|/li|/tr|/h[1-6])[^>]*>`)
	blanks     = regexp.MustCompile(`[ \t]+`)
	opensBlock = regexp.MustCompile(`(?i)^\s*<(p|div|table|ul|ol|h[1-6]|blockquote|pre|section|article|hr)\b`)
)

// paragraph puts text that is not in a block of its own into one.
func paragraph(body string) string {
	if strings.TrimSpace(body) == "" || opensBlock.MatchString(body) {
		return body
	}
	return "<p>" + body + "</p>"
}

// fromText makes HTML of plain text: escaped, with its line breaks.
func fromText(s string) string {
	return strings.ReplaceAll(html.EscapeString(s), "\n", "<br>")
}

// plainText is what people read of an HTML text.
func plainText(body string) string {
	s := blockBreak.ReplaceAllString(body, "\n")
	s = html.UnescapeString(tags.ReplaceAllString(s, ""))
	lines := strings.Split(blanks.ReplaceAllString(s, " "), "\n")
	var out []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, l)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

func shorten(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
