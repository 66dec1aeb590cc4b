package orm

import (
	"encoding/json"
	"testing"
)

// A value of the wrong kind is another error than one of the right kind that is
// wrong, as clients of Odoo expect.
func TestErrorsOfValues(t *testing.T) {
	t.Parallel()
	list := []any{json.Number("1")}
	for kind, values := range map[Kind]map[Code][]any{
		Integer:      {CodeType: {list, map[string]any{}}, CodeValue: {"red", "1.5"}},
		Float:        {CodeType: {list, map[string]any{}}, CodeValue: {"abc"}},
		DateKind:     {CodeType: {list, int64(20240101), true}, CodeValue: {"2024-02-30", "soon"}},
		DatetimeKind: {CodeType: {list, int64(5), true}, CodeValue: {"2024-01-01T10:00:00"}},
		Many2one:     {CodeValue: {"Canada", 1.5, true, map[string]any{"name": "x"}}},
		Many2many:    {CodeValue: {"x", int64(5)}},
	} {
		f := &Field{Name: "f", Label: "F", Kind: kind}
		for code, bad := range values {
			for _, v := range bad {
				if _, err := f.parse(v); !IsCode(err, code) {
					t.Errorf("%s given %T %v: %v, want a %s", kind, v, v, err, code)
				}
			}
		}
	}
}
