package security

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
)

// list is n times the same value.
func list(n int, v any) []any { return slices.Repeat([]any{v}, n) }

// chain joins n conditions by operators that stand where place puts them.
func chain(n int, place func(i int) []any) []any {
	var out []any
	for i := range n {
		out = append(out, place(i)...)
	}
	return append(out, []any{"name", "=", "x"})
}

// probes are calls whose work must grow with what a client sends, not with its
// square. Each gets a size, and makes model, method, positional and named arguments.
var probes = map[string]func(n int) (model, method string, pos []any, kw map[string]any){
	"conditions side by side": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{list(n, []any{"name", "=", "x"})}, nil
	},
	"operators in front": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{append(list(n-1, "|"), list(n, []any{"name", "=", "x"})...)}, nil
	},
	"operators in between": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{chain(n, func(int) []any { return []any{"|", []any{"name", "=", "x"}} })}, nil
	},
	"operators in turns": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{chain(n, func(i int) []any { return []any{[]string{"|", "&"}[i%2], []any{"name", "=", "x"}} })}, nil
	},
	"negations": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{append(append(list(n, "!"), list(n-1, "&")...), list(n, []any{"name", "=", "x"})...)}, nil
	},
	"negations of negations": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{chain(n, func(int) []any { return []any{"!", "|", []any{"name", "=", "x"}} })}, nil
	},
	"ids of a condition": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{[]any{[]any{"id", "in", list(n, int64(1))}}}, nil
	},
	"names of a condition": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{[]any{[]any{"parent_id", "child_of", list(n, "x")}}}, nil
	},
	"conditions on paths": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{list(n, []any{"parent_id.name", "=", "x"})}, nil
	},
	"a wrong domain": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search_count", []any{[]any{[]any{"name", "wrong", list(n, "x")}}}, nil
	},
	"names to search": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "name_search", []any{list(n, "x")}, nil
	},
	"a long name to search": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "name_search", []any{strings.Repeat("x", 8*n)}, nil
	},
	"terms of an order": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "search", []any{[]any{}}, map[string]any{"order": strings.Repeat("name,", n) + "id"}
	},
	"group-bys": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "read_group", []any{[]any{}, []any{}, list(n, "color")}, map[string]any{"lazy": false, "orderby": strings.Repeat("color,", n) + "color"}
	},
	"later group-bys": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "read_group", []any{[]any{}, []any{}, list(n, "color")}, nil
	},
	"aggregates": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "formatted_read_group", []any{[]any{}, []any{"color"}, list(n, "color:sum")}, nil
	},
	"fields to read": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "read", []any{[]any{int64(1)}, list(n, "name")}, nil
	},
	"records to read": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "read", []any{list(n, int64(1)), []any{"name"}}, nil
	},
	"records to look for": func(n int) (string, string, []any, map[string]any) {
		ids := make([]any, n)
		for i := range ids {
			ids[i] = int64(i + 1)
		}
		return "res.partner", "exists", []any{ids}, nil
	},
	"columns to export": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "export_data", []any{[]any{int64(1)}, list(n, "name")}, nil
	},
	"records to export": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "export_data", []any{list(n, int64(1)), []any{"name", "child_ids/name"}}, nil
	},
	"steps of a column": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "export_data", []any{[]any{int64(1)}, []any{strings.Repeat("parent_id/", n) + "name"}}, nil
	},
	"names of fields_get": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "fields_get", []any{list(n, "lang"), list(n, "selection")}, nil
	},
	"names of default_get": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "default_get", []any{list(n, "lang")}, nil
	},
	"keys of a context": func(n int) (string, string, []any, map[string]any) {
		keys, fields := map[string]any{}, map[string]any{"name": map[string]any{}}
		for i := range n {
			keys[fmt.Sprint("k", i)] = i
		}
		for range n / 50 {
			fields = map[string]any{"parent_id": map[string]any{"fields": fields, "context": map[string]any{"a": 1}}}
		}
		return "res.partner", "web_read", []any{[]any{int64(1)}, fields}, map[string]any{"context": keys}
	},
	"links": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "write", []any{[]any{int64(1)}, map[string]any{"category_id": []any{[]any{6, 0, list(n, int64(1))}}}}, nil
	},
	"columns to import": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "load", []any{append([]any{"name"}, list(n, "ref")...), list(2, []any{"x"})}, nil
	},
	"rows that fail": func(n int) (string, string, []any, map[string]any) {
		return "res.partner", "load", []any{[]any{"name", "color"}, list(n, []any{"x", "no number"})}, nil
	},
}

// The work of a call grows with what is sent, or the call is refused: what a call
// of four times the size allocates, and the statements it needs, are about four
// times as much. This is counted while no other test runs.
func TestGrowth(t *testing.T) {
	env := ormtest.New(t, base.Addon())
	if _, err := env.Model("res.partner.category").Create(orm.Values{"name": "x"}); err != nil {
		t.Fatal(err)
	}
	cost := func(probe func(n int) (string, string, []any, map[string]any), n int) (bytes, statements int) {
		model, method, pos, kw := probe(n)
		measure := func() (bytes, statements int) {
			asked := env.Queries()
			bytes = allocated(func() {
				_ = env.Savepoint(func(env *orm.Env) error {
					_, err := rpc.Call(env.WithUser(2), model, method, pos, kw)
					return err
				})
			})
			return bytes, env.Queries() - asked
		}
		measure() // what is kept from now on does not count
		return measure()
	}
	for name, probe := range probes {
		const small, large = 1000, 4000
		b1, q1 := cost(probe, small)
		b2, q2 := cost(probe, large)
		if b2 > 6*b1+1<<20 {
			t.Errorf("%s: %d allocate %d bytes, %d allocate %d", name, small, b1, large, b2)
		}
		if q2 > 5*q1+20 {
			t.Errorf("%s: %d need %d statements, %d need %d", name, small, q1, large, q2)
		}
	}
}

// allocated is how many bytes something allocates.
func allocated(do func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}
