package orm

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestLooseValues(t *testing.T) {
	t.Parallel()
	for _, v := range []any{7, int64(7), 7.0, json.Number("7"), []any{json.Number("7"), "Ida"}} {
		if got := AsID(v); got != 7 {
			t.Errorf("%T %v is id %d", v, v, got)
		}
	}
	for _, v := range []any{nil, false, true, "7", 7.5, json.Number("7.5"), []any{}, map[string]any{"id": 7}} {
		if got := AsID(v); got != 0 {
			t.Errorf("%T %v is id %d", v, v, got)
		}
	}
	if got := AsIDs([]any{json.Number("3"), "x", 5}); !slices.Equal(got, []int64{3, 5}) {
		t.Errorf("ids %v", got)
	}
	for _, v := range []any{1.5, "1.5", json.Number("1.5")} {
		if d, ok := AsDecimal(v); !ok || d.String() != "1.5" {
			t.Errorf("%T %v is %s, %v", v, v, d, ok)
		}
	}
	if _, ok := AsDecimal("one"); ok {
		t.Error("a word is a number")
	}
	if CellInt("") != 0 || CellInt("12") != 12 {
		t.Error("cells are read wrong")
	}
}

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
