package render

import (
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// InputPrefix begins the name of every input: f.name for a field, f.lines.7.name for one of line 7 (n1, n2, …
// are new lines). What belongs to an input follows a tilde: f.partner_id~id.
const InputPrefix = "f."

// Posted is a posted form: what was typed, what the page had shown, and what
// was wrong with it.
type Posted struct {
	Form   url.Values
	Base   map[string]string
	Errors map[string]string
	Picks  map[string][]Choice
	Extra  map[string]map[string]any // values of new lines, by prefix
}

// Get is the text of an input.
func (t *Posted) Get(input string) string {
	if t == nil {
		return ""
	}
	return t.Form.Get(input)
}

// Value is what was posted for an input, in the form base keeps it. A
// many2one is its id, or "?" and a text still to be looked up.
func (t *Posted) Value(f *orm.Field, input string) string {
	switch f.Kind {
	case orm.Many2one:
		if pick := t.Get(input + "~pick"); pick != "" {
			return pick
		}
		text := strings.TrimSpace(t.Get(input))
		switch text {
		case "":
			return ""
		case t.Get(input + "~nm"):
			return t.Get(input + "~id")
		}
		return "?" + text
	case orm.Many2many, orm.One2many:
		ids := slices.Clone(t.Form[input+"~id"])
		slices.Sort(ids)
		if add := strings.TrimSpace(t.Get(input + "~add")); add != "" {
			ids = append(ids, "?"+add)
		}
		return strings.Join(ids, ",")
	case orm.BinaryKind:
		if t.Get(input+"~clear") != "" {
			return "clear"
		}
		return t.Get(input + "~file") // set by the reader of the form
	}
	return strings.ReplaceAll(t.Get(input), "\r\n", "\n")
}

// Touched reports whether an input was on the page and is not as it was shown.
func (t *Posted) Touched(f *orm.Field, input string) bool {
	if t == nil {
		return false
	}
	was, shown := t.Base[input]
	if !shown {
		return false
	}
	if _, posted := t.Form[input]; !posted && f.Kind != orm.Boolean && !f.X2many() && f.Kind != orm.BinaryKind && t.Get(input+"~pick") == "" {
		return false
	}
	return t.Value(f, input) != was
}
