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
	if CellInt("") != 0 || CellInt("12") != 12 || !CellDecimal("").IsZero() || CellDecimal("0.30").String() != "0.3" {
		t.Error("cells are read wrong")
	}
}
