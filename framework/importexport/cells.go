package importexport

import (
	"regexp"
	"strings"
)

var (
	// What a spreadsheet would take for a formula, behind any number of quotes, so
	// that a quote that was there before is told from one that was added.
	formulaLike = regexp.MustCompile("^'*[=+@\t\r-]")
	signed      = regexp.MustCompile(`^[+-][0-9., ]*[0-9]$`)
)

// PlainCell keeps a spreadsheet from taking a text for a formula: a quote in front
// makes it a text. Numbers with a sign stay as they are.
func PlainCell(text string) string {
	if formulaLike.MatchString(text) && !signed.MatchString(text) {
		return "'" + text
	}
	return text
}

// FromCell takes away the quote that PlainCell has added.
func FromCell(text string) string {
	if rest, quoted := strings.CutPrefix(text, "'"); quoted && formulaLike.MatchString(rest) {
		return rest
	}
	return text
}
