package base_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	partner := func(name string, vals orm.Values) int64 {
		t.Helper()
		vals["name"] = name
		return must[orm.Records](t)(env.Model("res.partner").Create(vals)).ID()
	}
	company := partner("Azure", orm.Values{"is_company": true})
	invoices := partner("Accounting", orm.Values{"parent_id": company, "type": "invoice"})
	partner("Zone 2", orm.Values{"parent_id": company, "type": "delivery"})
	ann := partner("Ann", orm.Values{"parent_id": company})
	home := partner("Home", orm.Values{"parent_id": ann, "type": "delivery"})
	branch := partner("Branch", orm.Values{"parent_id": company, "is_company": true})
	partner("Store", orm.Values{"parent_id": branch, "type": "delivery"})
	old := partner("Old dock", orm.Values{"parent_id": ann, "type": "delivery", "active": false})
	alone := partner("Bo", orm.Values{})
	for name, tc := range map[string]struct {
		of, invoice, delivery, contact int64
	}{
		"company":           {company, invoices, home, company},
		"person in it":      {ann, invoices, home, ann},
		"address itself":    {home, invoices, home, ann},
		"archived itself":   {old, invoices, old, ann},
		"branch has others": {branch, branch, 0, branch},
		"nobody else":       {alone, alone, alone, alone},
	} {
		got := must[map[string]int64](t)(base.AddressesOf(env, []int64{tc.of}, "invoice", "delivery", "contact"))
		if got["invoice"] != tc.invoice || tc.delivery != 0 && got["delivery"] != tc.delivery || got["contact"] != tc.contact {
			t.Errorf("%s: %v, want %v", name, got, tc)
		}
	}
	before := env.Queries()
	must[map[string]int64](t)(base.AddressesOf(env, []int64{home}, "invoice", "delivery"))
	if n := env.Queries() - before; n > 1 {
		t.Errorf("%d statements", n)
	}
}
