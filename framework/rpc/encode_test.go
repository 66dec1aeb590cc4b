package rpc

import (
	"math"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

func TestFloatsKeepTheirPoint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		want  string
	}{
		{10.0, "10.0"}, {0.0, "0.0"}, {-3.0, "-3.0"}, {0.1, "0.1"}, {1e16, "1e+16"}, {123456789012345.0, "123456789012345.0"}, {1e-5, "1e-05"}, {0.0001, "0.0001"},
		{10, "10"}, {int64(7), "7"}, {nil, "null"}, {"<a & b>", `"<a & b>"`}, {false, "false"},
		{map[string]any{"b": 1.0, "a": []any{2.0, 2, []float64{3}}}, `{"a":[2.0,2,[3.0]],"b":1.0}`},
		{[]orm.Values{{"price": 5.0, "qty": int64(5)}}, `[{"price":5.0,"qty":5}]`},
		{[]int64{}, "[]"}, {map[string]map[string]any{"x": {"y": 1.5}}, `{"x":{"y":1.5}}`},
	} {
		got, err := encode(c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("%v is %s (%v), want %s", c.value, got, err, c.want)
		}
	}
	if _, err := encode([]any{math.NaN()}); err == nil {
		t.Error("a float that is no number is no error")
	}
}
