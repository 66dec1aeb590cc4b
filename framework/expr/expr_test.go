package expr_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fusionsoft.ca/fusion/framework/expr"
)

func vars() map[string]any {
	v := expr.TimeVars(time.Date(2026, 3, 31, 15, 4, 5, 0, time.UTC))
	for k, x := range map[string]any{
		"state": "sent", "amount": 12.5, "qty": 3, "partner_id": int64(7), "name": "SO042", "active": true,
		"note": false, "tag_ids": []any{int64(1), int64(2)}, "date_order": "2026-03-30 08:00:00",
		"parent":  map[string]any{"state": "draft", "company_id": int64(1)},
		"context": map[string]any{"active_id": int64(9), "show": true},
		"uid":     int64(2), "empty": nil,
		"ref": expr.Func(func(args []any, _ map[string]any) (any, error) {
			if args[0] == "base.main_company" {
				return int64(1), nil
			}
			return nil, errors.New("no record base.nope")
		}),
		"user": user{},
	} {
		v[k] = x
	}
	return v
}

type user struct{}

func (user) AttrNames() []string { return []string{"id", "company_ids", "has_group"} }
func (user) Attr(name string) (any, bool, error) {
	switch name {
	case "id":
		return int64(2), true, nil
	case "company_ids":
		return map[string]any{"ids": []int64{1, 3}}, true, nil
	case "has_group":
		return expr.Func(func(args []any, _ map[string]any) (any, error) { return args[0] == "base.group_user", nil }), true, nil
	}
	return nil, false, nil
}

func TestEval(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]any{
		"1": int64(1), "-3 + 2*5": int64(7), "7 / 2": 3.5, "7 // 2": int64(3), "True + 1": int64(2), "1e3": 1000.0,
		"None": nil, "'a' 'b'": "ab", `"it's"`: "it's", `r'\d+'`: `\d+`, `'\d'`: `\d`, "'é\\u00e9'": "éé",
		"(1, 'a', [None])":                                                                   []any{int64(1), "a", []any{nil}},
		"{'a': 1, 'b': {'c': []}}":                                                           map[string]any{"a": int64(1), "b": map[string]any{"c": []any{}}},
		"[(6, 0, [ref('base.main_company')])]":                                               []any{[]any{int64(6), int64(0), []any{int64(1)}}},
		"[Command.set([1, 2])]":                                                              []any{[]any{int64(6), int64(0), []any{int64(1), int64(2)}}},
		"[Command.create({'name': 'x'})]":                                                    []any{[]any{int64(0), int64(0), map[string]any{"name": "x"}}},
		"[Command.link(4), Command.clear()]":                                                 []any{[]any{int64(4), int64(4), int64(0)}, []any{int64(5), int64(0), int64(0)}},
		"time.strftime('%Y-%m-%d')":                                                          "2026-03-31",
		"time.strftime('%Y-01-01')":                                                          "2026-01-01",
		"(context_today() - relativedelta(months=1)).strftime('%Y-%m-%d')":                   "2026-02-28",
		"(context_today() + relativedelta(day=1, months=+1)).strftime('%d/%m')":              "01/04",
		"(datetime.datetime.now() - datetime.timedelta(days=7)).strftime('%Y-%m-%d %H:%M')":  "2026-03-24 15:04",
		"(datetime.date.today() + timedelta(weeks=1)).isoformat()":                           "2026-04-07",
		"datetime.datetime.combine(context_today(), datetime.time(0,0,0)).strftime('%H:%M')": "00:00",
		"(datetime.date(2026,3,31) - datetime.date(2026,3,1)).days":                          int64(30),
		"datetime.now().year":                                                                int64(2026), "'%s-%d' % (name, qty)": "SO042-3", "'{}'.format(qty)": "3",
		"'%05d|%-4s|%.2f|%+d|%x|%r|%%|%5.1f' % (qty, 'ab', 2.345, 3, 255, 'q', 12.5)": "00003|ab  |2.35|+3|ff|'q'|%| 12.5",
		"'%(n)s-%(d)03d' % {'n': name, 'd': qty, 'unused': 1}":                        "SO042-003",
		"'%d %s %s' % (2.9, True, None)":                                              "2 True None", "'%s' % [1, 'a']": `[1, "a"]`,
		"[x * 2 for x in tag_ids if x > 1]": []any{int64(4)}, "{k: 1 for k in ['a']}": map[string]any{"a": int64(1)},
		"name[0:2]": "SO", "name[-1]": "2", "tag_ids[0]": int64(1), "context['active_id']": int64(9),
		"context.get('missing', 5)": int64(5), "user.company_ids.ids": []any{int64(1), int64(3)},
		"sum(tag_ids)": int64(3), "len(name)": int64(5), "set([1,1,2])": []any{int64(1), int64(2)}, "round(2.675, 1)": 2.7,
		"1 if active else 2": int64(1), "max(1, qty)": int64(3), "sorted([3,1])": []any{int64(1), int64(3)},
		"\n  [1,\n   2, # two\n  ]\n": []any{int64(1), int64(2)},
	} {
		got, err := expr.Eval(src, vars())
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s:\n%s", src, d)
		}
	}
}

func TestBool(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]bool{
		"state not in ('draft','sent')": false, "state in ('draft', 'sent')": true, "not active": false,
		"state == 'sent' and qty > 2": true, "parent.state == 'draft'": true, "context.get('show')": true,
		"context.get('x')": false, "0 < qty <= 3": true, "1 < qty < 3": false, "qty == 3 == 3.0": true,
		"note is False": true, "note is not False": false, "empty is None": true, "note == None": false,
		"not note": true, "qty <> 3": false, "active == 1": true, "False == 0": true,
		"date_order < now": true, "date_order < context_today()": true, "note < current_date": true, "empty > 'a'": false,
		"note and note < 'x'": false, "7 in [partner_id]": true, "partner_id in tag_ids": false,
		"'O0' in name": true, "user.has_group('base.group_user')": true, "name.startswith('SO')": true,
		"[] or {} or ''": false, "tag_ids == [1, 2]": true, "tag_ids == (1, 2)": false, "uid == 2": true,
		"state == 'a' or\n state == 'sent'": true, "a in b if False else True": true,
		"not 1 < 2 < 3": false, "[x for x in [1,2,3] if 1 < x < 3] == [2]": true, "1 in [1] in [[1]]": true,
		"context_today() == '2026-03-31'": true, "context_today().weekday() == 1": true, "False > -1": true, "empty < 1": true,
	} {
		v := vars()
		v["a"], v["b"] = 1, []any{}
		got, err := expr.Bool(src, v)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v", src, got, err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"stat == 'x'":              `unknown name "stat" (did you mean "state"?), at line 1 column 1 of "stat == 'x'"`,
		"state == 'x' and\n foo":   `unknown name "foo", at line 2 column 2 of "foo"`,
		"parent.stat":              `unknown name "stat" (did you mean "state"?), at line 1 column 8`,
		"user.compny_ids":          `unknown attribute "compny_ids" (did you mean "company_ids"?)`,
		"":                         "expression is empty",
		"1 +":                      "ends too early",
		"(1, 2":                    `"(" is never closed, at line 1 column 1`,
		"[1)":                      `")" does not close the "["`,
		"'abc":                     "string is not closed",
		"lambda x: x":              `"lambda" is not allowed`,
		"__import__('os')":         "may not start with two underscores",
		"().__class__":             "may not start with two underscores",
		"open('/etc/passwd')":      `unknown name "open"`,
		"x = 1":                    "syntax error",
		"f'{x}'":                   "string prefix",
		"'a' * 10**9":              "syntax error",
		"'a' * 1000000000":         "too large",
		"[0] * 300000":             "too large",
		"range(1000000000)":        "too many",
		"[x for x in 'a'.elems()]": "no method",
		"tag_ids.append(3)":        "no method",
		"1 / 0":                    "division by zero",
		"1 < 'a'":                  "cannot compare",
		"ref('base.nope')":         "no record base.nope, at line 1 column 1",
		"state.foo":                "no attribute",
		"(name)()":                 "invalid call",
		"[1][5]":                   "out of range",
		"[len][0](name)":           "only a name or a method",
		"9223372036854775807 + 1":  "too large",
		"relativedelta(month_s=1)": `unknown argument "month_s" (did you mean "months"?)`,
		"context_today() + 1":      "unsupported operation",
		"Command.creat({})":        `did you mean "create"`,
		"'%s%s%s' % (name,) * 2":   "more places than values",
		"'%s' % (1, 2)":            "fewer places than values",
		"'%d' % 'x'":               "takes a whole number",
		"'50%' % ()":               "incomplete",
		"'%(a)s' % {'b': 1}":       `no "a"`,
		"'%99999d' % 1":            "too large",
		"'%y' % 1":                 "unknown conversion %y",
		"[y for x in range(9999) for y in range(9999)]":                                    "too ",
		"[[[[0]*1000][0]*1000][0]*1000]":                                                   "too large",
		"[x+x for x in [[x+x for x in ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'*2000]][0]]]": "too large",
		"'a'.join(['']*19999).replace('', 'bbbbbbbbbbbbbbbbbbb')":                          "too large",
	} {
		_, err := expr.Eval(src, vars())
		var e *expr.Error
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &e) {
			t.Errorf("%s:\n got %v\nwant %s", src, err, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for src, want := range map[string][]string{
		"state not in ('draft','sent') and not active":   {"state", "active"},
		"parent.state == 'x' or context.get('y')":        {"parent.state", "context"},
		"[x.a for x in line_ids if x > y]":               {"line_ids", "y"},
		"[('a', '=', partner_id), ('b', '=', f(k=uid))]": {"partner_id", "f", "uid"},
		"len(name) > 3 and True":                         {"name"},
		"0 < qty < maxi":                                 {"qty", "maxi"},
		"user.company_id.id":                             {"user.company_id.id"},
	} {
		got, err := expr.Names(src)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: got %v, %v", src, got, err)
		}
	}
}

func TestDomain(t *testing.T) {
	t.Parallel()
	leaf := func(a ...any) []any { return a }
	for src, want := range map[string][]any{
		"[]": {}, "False": {},
		"[('state', '=', 'draft'), ['qty', '<>', 3]]":            {leaf("state", "=", "draft"), leaf("qty", "!=", int64(3))},
		"['|', ('a', '=', uid), '!', ('b.c', 'not  in', [1])]":   {"|", leaf("a", "=", int64(2)), "!", leaf("b.c", "not in", []any{int64(1)})},
		"[('d', '>=', context_today() - relativedelta(days=1))]": {leaf("d", ">=", "2026-03-30")},
		"[('line_ids', 'any', [('qty', '>', 0)])]":               {leaf("line_ids", "any", []any{leaf("qty", ">", int64(0))})},
		"[(1, '=', 1)]":                     {leaf(int64(1), "=", int64(1))},
		"[('a', '=', 1)] + [('b', '=', 2)]": {leaf("a", "=", int64(1)), leaf("b", "=", int64(2))},
	} {
		got, err := expr.Domain(src, vars())
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", src, err, d)
		}
	}
	for src, want := range map[string]string{
		"['|', ('a','=',1)]": "need 1 more", "[('a','=')]": "three parts", "[('a','ilik',1)]": `"ilik"`,
		"['x']": "neither", "5": "must be a list", "[(5,'=',1)]": "must be a text", "[3]": "must be a condition",
	} {
		if _, err := expr.Domain(src, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestLeaves(t *testing.T) {
	t.Parallel()
	got, err := expr.Leaves("['|', ('partner_id.name', 'ilike', self),\n ('line_ids', 'any', [('x', '=', 1)])] + ([('y', 'in', (1, -2))] if z else [])")
	want := []expr.Leaf{
		{Path: "partner_id.name", Operator: "ilike", Line: 1},
		{Path: "line_ids", Operator: "any", Line: 2, Sub: []expr.Leaf{{Path: "x", Operator: "=", Value: int64(1), Literal: true, Line: 2}}},
		{Path: "y", Operator: "in", Value: []any{int64(1), int64(-2)}, Literal: true, Line: 2},
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
	items, err := expr.Items("{'group_by': 'state:month', 'default_x': uid}")
	if d := cmp.Diff([]expr.Item{{"group_by", "state:month", true}, {"default_x", nil, false}}, items); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestParseCall(t *testing.T) {
	t.Parallel()
	got, err := expr.ParseCall("# nightly\nmodel._cron_sync('orders', limit=100, opts={'a': [1, True]})\n")
	want := &expr.Call{Method: "_cron_sync", Args: []any{"orders"},
		Kwargs: map[string]any{"limit": int64(100), "opts": map[string]any{"a": []any{int64(1), true}}}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
	for _, src := range []string{"action = records._cron_sync()", "\n# all\nif records:\n    action = records._cron_sync()\n", "record._cron_sync()", "action=model._cron_sync()"} {
		if got, err := expr.ParseCall(src); err != nil || got.Method != "_cron_sync" {
			t.Errorf("%q: %v, %v", src, got, err)
		}
	}
	for _, src := range []string{"action == model.x()", "x = model.x()", "model.x", "env.x()", "model.search([]).x()", "model.x(y)", "model.a()\nmodel.b()", "f()"} {
		if _, err := expr.ParseCall(src); err == nil {
			t.Errorf("%q: no error", src)
		}
	}
	if err := expr.CheckCall("model._cron_sinc()", []string{"_cron_sync"}); err == nil || !strings.Contains(err.Error(), `did you mean "_cron_sync"`) {
		t.Errorf("%v", err)
	}
	if err := expr.CheckCall("model._cron_sync()", []string{"_cron_sync"}); err != nil {
		t.Error(err)
	}
}

func TestHostile(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"[[x==y for x in range(9999)] for y in range(9999)]", "[('a'*60000).replace('a','b') for x in range(19999)]",
		"[sorted(range(9999)) for x in range(9999)]", "{tuple(range(9999)): 1 for x in range(9999)}",
		"[str([0]*19999) for x in range(9999)]", "[x in ('a'*60000) for x in ['b'*3000]*60 for y in range(999)]",
		"['%s' % range(19999) for x in range(9999)]", "1" + strings.Repeat("*9999999999", 2500), "1 << 99999999",
		strings.Repeat("-", 20000) + "1", strings.Repeat("not ", 7000) + "1", strings.Repeat("[", 100) + strings.Repeat("]", 100),
		strings.Repeat("a if b else ", 2000) + "1", strings.Repeat(" ", 40000) + "1", "1e308*10",
		"'%(a)s%(a)s%(a)s%(a)s' % {'a': 'x'*60000}", "('x'*999).join(['']*999)",
	} {
		if v, err := expr.Eval(src, map[string]any{"a": 1, "b": 0}); err == nil {
			t.Errorf("%.60s: %.60v", src, v)
		}
	}
}

func TestFieldNamedAsFunction(t *testing.T) {
	t.Parallel()
	if got, err := expr.Eval("sum + len('ab')", map[string]any{"sum": 3}); err != nil || got != int64(5) {
		t.Error(got, err)
	}
}

func TestCacheConcurrent(t *testing.T) {
	t.Parallel()
	var c expr.Cache
	done := make(chan error)
	for i := range 8 {
		go func() {
			got, err := c.Eval("qty * 2", map[string]any{"qty": i})
			if err == nil && got != int64(2*i) {
				err = errors.New("wrong result")
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"partner": "partner_id", "stat": "state", "zzz": "", "Name": "name", "nmae": "name", "satte": "state", "name": ""} {
		if got := expr.Suggest(in, []string{"name", "partner_id", "state"}); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

func TestRepr(t *testing.T) {
	t.Parallel()
	type kind string
	for want, v := range map[string]any{
		"None": nil, "True": true, "3": int64(3), "3.0": 3.0, "1e+16": 1e16, "0.5": json.Number("0.5"), "7": json.Number("7"), "1000.0": json.Number("1e3"),
		`'it'`: "it", `"it's"`: "it's", `'a\\b'`: `a\b`, "'draft'": kind("draft"),
		"[1, 'a', []]": []any{1, "a", []any{}}, "{'a': None, 'b': {}}": map[string]any{"b": map[string]any{}, "a": nil},
	} {
		if got := expr.Repr(v); got != want {
			t.Errorf("%#v: %s, want %s", v, got, want)
		}
	}
	for want, v := range map[string]any{"it's": "it's", "draft": kind("draft"), "1e3": json.Number("1e3"), "2.0": 2.0, "False": false} {
		if got := expr.Str(v); got != want {
			t.Errorf("%#v as a text: %s, want %s", v, got, want)
		}
	}
}

func FuzzEval(f *testing.F) {
	for _, s := range []string{"state not in ('a',)", "0 < qty < 5", "[x*9 for x in tag_ids]", "'%s' % name", "{'a':(1,)}['a']",
		"context_today()+relativedelta(days=qty)", "name[::-1]", "a is not b", "'a' 'b' in \"c\"", "((((", "not not -~1", "name.replace('','x')"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		v, err := expr.Eval(src, vars())
		var e *expr.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("untyped error %v", err)
		}
		if err != nil && v != nil {
			t.Fatal("both a value and an error")
		}
		_, _ = expr.Names(src)
		_, _ = expr.Leaves(src)
		_, _ = expr.Items(src)
		_, _ = expr.ParseCall(src)
		_, _ = expr.Domain(src, vars())
	})
}

func BenchmarkBool(b *testing.B) {
	var c expr.Cache
	v := map[string]any{"state": "sent", "qty": 4}
	for b.Loop() {
		if _, err := c.Bool("state not in ('draft', 'sent') or qty > 3", v); err != nil {
			b.Fatal(err)
		}
	}
}
