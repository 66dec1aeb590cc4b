package importexport_test

import (
	"testing"

	"fusionsoft.ca/fusion/framework/importexport"
)

// No text is a formula in a spreadsheet, numbers stay numbers, and nothing is lost
// on the way out and in.
func TestCells(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "@x": "'@x", "+x": "'+x", "-x": "'-x", "\tx": "'\tx", "\rx": "'\rx", "-": "'-", "=": "'=", "-1+cmd|' /C calc'!A0": "'-1+cmd|' /C calc'!A0", "+1-HYPERLINK(1)": "'+1-HYPERLINK(1)",
		"'=1": "''=1", "''@": "'''@", "'-5": "''-5",
		"-5.2": "-5.2", "+32 2": "+32 2", "-.5": "-.5", "-1,234.50": "-1,234.50", "a=b": "a=b", "": "", "'quoted'": "'quoted'", "it's": "it's", "é": "é",
	} {
		got := importexport.PlainCell(in)
		if got != want {
			t.Errorf("%q is exported as %q, want %q", in, got, want)
		}
		if back := importexport.FromCell(got); back != in {
			t.Errorf("%q is exported as %q and imported as %q", in, got, back)
		}
	}
}
