package convert

import (
	"testing"

	"fusionsoft.ca/fusion/framework/expr"
)

func TestPythonText(t *testing.T) {
	t.Parallel()
	in := []any{"&", []any{"name", "ilike", `O'Ha\ra`}, []any{"a", "in", []any{int64(1), false, true, 1.5}}}
	text := Python(in)
	if text != `['&', ['name', 'ilike', 'O\'Ha\\ra'], ['a', 'in', [1, False, True, 1.5]]]` {
		t.Error(text)
	}
	back, err := expr.Domain(text, nil)
	if err != nil || JSON(back) != JSON(in) {
		t.Errorf("%v %v", back, err)
	}
}
