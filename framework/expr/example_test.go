package expr_test

import (
	"fmt"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
)

// An expression reads what its caller hands it, and nothing else.
func Example() {
	vars := map[string]any{"state": "draft", "amount": int64(120), "groups": []any{"sale", "stock"}}
	for _, src := range []string{
		"state == 'draft' and amount > 100",
		"[g.upper() for g in groups if g != 'stock']",
		"{'default_name': 'Order %s' % amount, 'ids': [(4, 7), (5, 0, 0)]}",
		"stat == 'draft'",
		"__import__('os')",
	} {
		v, err := expr.Eval(src, vars)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(v)
	}
	// Output:
	// true
	// [SALE]
	// map[default_name:Order 120 ids:[[4 7] [5 0 0]]]
	// unknown name "stat" (did you mean "state"?), at line 1 column 1 of "stat == 'draft'"
	// name "__import__" is not allowed: names may not start with two underscores, at line 1 column 1 of "__import__('os')"
}

// Domains of views and record rules may look at the day and the user.
func ExampleDomain() {
	vars := expr.TimeVars(time.Date(2026, 3, 15, 9, 30, 0, 0, time.UTC))
	vars["uid"] = int64(2)
	d, err := expr.Domain("['|', ('user_id', '=', uid), ('date', '<', (context_today() - relativedelta(months=1)).strftime('%Y-%m-%d'))]", vars)
	fmt.Println(d, err)
	// Output: [| [user_id = 2] [date < 2026-02-15]] <nil>
}

// What is evaluated often, such as the modifiers of each line of a list, is
// compiled once. A Cache does that by itself.
func ExampleCompile() {
	p, err := expr.Compile("state not in ('draft', 'sent')")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, state := range []string{"draft", "sale"} {
		invisible, err := p.Bool(map[string]any{"state": state})
		fmt.Println(state, invisible, err)
	}
	// Output:
	// draft false <nil>
	// sale true <nil>
}
