package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestCompare holds the judge of the corpus to telling right from wrong: a
// matcher that accepts everything would pass every case.
func TestCompare(t *testing.T) {
	t.Parallel()
	s := &scope{world: &world{client: &client{db: "one"}, refs: map[string]int64{"p": 7, "q": 8}, groups: map[string][]string{"both": {"p", "q"}}},
		vars: map[string]any{"n": "INV/0009"}, token: "tok"}
	decode := func(text string) (v any) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return v
	}
	for _, c := range []struct{ want, right, wrong string }{
		{`1`, `1.0`, `true`}, {`true`, `true`, `1`}, {`null`, `null`, `false`}, {`2.5`, `2.5000000001`, `2.50001`}, {`"a"`, `"a"`, `"A"`},
		{`[1, 2]`, `[1, 2]`, `[2, 1]`}, {`[1]`, `[1]`, `[1, 1]`}, {`{"a": 1}`, `{"a": 1}`, `{"a": 1, "b": 2}`}, {`{"a": 1}`, `{"a": 1}`, `{}`},
		{`"$ref:p"`, `7`, `8`}, {`"$ref:unknown"`, ``, `7`}, {`"$group:both"`, `[7, 8]`, `[7]`}, {`"$db"`, `"one"`, `"two"`}, {`"x$run"`, `"xtok"`, `"x$run"`}, {`"$run x"`, `"tok x"`, `"$run x"`},
		{`"$$db"`, `"$db"`, `"one"`}, {`"$next:n"`, `"INV/0010"`, `"INV/0009"`},
		{`"$id"`, `3`, `0`}, {`"$int"`, `0`, `0.5`}, {`"$number"`, `0.5`, `"0.5"`}, {`"$str"`, `""`, `false`}, {`"$bool"`, `false`, `0`},
		{`"$list"`, `[]`, `{}`}, {`"$object"`, `{}`, `[]`}, {`"$ids"`, `[1]`, `["1"]`}, {`"$date"`, `"2026-01-31"`, `"2026-01-31 00:00:00"`},
		{`"$datetime"`, `"2026-01-31 00:00:00"`, `"2026-01-31"`}, {`"$base64"`, `"QUI="`, `"QUI"`}, {`"$re:S\\d+"`, `"S1"`, `"XS1"`}, {`"$unheard"`, ``, `"$unheard"`},
		{`{"$subset": {"a": 1}}`, `{"a": 1, "b": 2}`, `{"b": 2}`}, {`{"$keys": ["a"]}`, `{"a": 1}`, `{}`}, {`{"$nokeys": ["a"]}`, `{}`, `{"a": 1}`},
		{`{"$unordered": [1, 2]}`, `[2, 1]`, `[1, 1]`}, {`{"$contains": [1]}`, `[2, 1]`, `[2]`}, {`{"$contains": "b"}`, `"abc"`, `"ac"`}, {`{"$excludes": [1]}`, `[2]`, `[1]`},
		{`{"$len": 2}`, `[1, 1]`, `[1]`}, {`{"$oneof": [1, 2]}`, `2`, `3`}, {`{"$all": ["$id", 2]}`, `2`, `3`}, {`{"$not": 1}`, `2`, `1`}, {`{"$approx": [1, 0.1]}`, `1.05`, `1.2`},
		{`{"$unheard": 1}`, ``, `1`},
	} {
		if c.right != "" {
			if bad := s.compare(decode(c.want), decode(c.right), "at"); len(bad) > 0 {
				t.Errorf("%s refuses %s: %v", c.want, c.right, bad)
			}
		}
		if bad := s.compare(decode(c.want), decode(c.wrong), "at"); len(bad) == 0 {
			t.Errorf("%s accepts %s", c.want, c.wrong)
		}
	}

	refused := func(name, message string) map[string]any {
		return map[string]any{"code": json.Number("0"), "message": "Odoo Server Error", "data": map[string]any{
			"name": name, "message": message, "debug": "", "arguments": []any{message}, "context": map[string]any{}}}
	}
	want := map[string]any{"kind": "error", "code": json.Number("0"), "name": "odoo.exceptions.UserError", "message": "No.", "arguments": []any{"No."}, "text": "exact"}
	if bad := s.judgeError(want, refused("odoo.exceptions.UserError", "No.")); len(bad) > 0 {
		t.Errorf("the right error is refused: %v", bad)
	}
	for _, wrong := range []any{nil, refused("odoo.exceptions.AccessError", "No."), refused("odoo.exceptions.UserError", "Yes."), map[string]any{"code": json.Number("0")}} {
		if len(s.judgeError(want, wrong)) == 0 {
			t.Errorf("the error %s passes", fmt.Sprint(wrong))
		}
	}
}
