package orm

import (
	"context"
	"strings"
	"testing"
)

type firm struct {
	Record   `orm:"res.company"`
	Name     string    `orm:"name"`
	ParentID Ref[firm] `orm:"parent_id"`
	Path     string    `orm:"parent_path"`
}

type client struct {
	Record `orm:"t.client" label:"Client"`
	Name   string    `orm:"name"`
	Firm   Ref[firm] `orm:"company_id"`
}

type clerk struct {
	Record `orm:"t.clerk"`
	Name   string     `orm:"name"`
	Firm   Ref[firm]  `orm:"company_id"`
	Firms  Many[firm] `orm:"company_ids,rel=t_clerk_firm:clerk_id:firm_id"`
}

type deal struct {
	Record  `orm:"t.deal"`
	Name    string       `orm:"name"`
	Firm    Ref[firm]    `orm:"company_id"`
	Client  Ref[client]  `orm:"client_id,check_company"`
	Payer   Ref[client]  `orm:"payer_id,store,check_company"`
	Others  Many[client] `orm:"other_ids,check_company,rel=t_deal_client:deal_id:client_id"`
	Clerk   Ref[clerk]   `orm:"clerk_id,check_company"`
	Witness Ref[client]  `orm:"witness_id"`
}

// A record may only be combined with records of its company, of one above it,
// or of none, wherever the field says check_company.
func TestCompaniesAreNotMixed(t *testing.T) {
	t.Parallel()
	r := NewRegistry()
	r.Begin("t")
	Define[firm](r)
	Define[client](r)
	Define[clerk](r)
	Define[deal](r).Compute("payer_id", func(_ *Env, ds []*deal) error {
		for _, d := range ds {
			d.Payer = RefTo[client](d.Client.ID)
		}
		return nil
	}, "client_id")
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	e := must[*Env](t)(testDBOf(t, r).Begin(context.Background(), System()))
	t.Cleanup(e.Rollback)
	a := must[Records](t)(e.Model("res.company").Create(Values{"name": "A"})).ID()
	free := must[Records](t)(e.Model("t.client").Create(Values{"name": "free"})).ID()
	must[Records](t)(e.Model("t.deal").Create(Values{"company_id": a, "client_id": free}))
	if err := e.Flush(); err != nil { // checked while there was one company
		t.Fatal(err)
	}
	b := must[Records](t)(e.Model("res.company").Create(Values{"name": "B"})).ID()
	below := must[Records](t)(e.Model("res.company").Create(Values{"name": "A1", "parent_id": a})).ID()
	ofA := must[Records](t)(e.Model("t.client").Create(Values{"name": "of A", "company_id": a})).ID()
	ofB := must[Records](t)(e.Model("t.client").Create(Values{"name": "of B", "company_id": b})).ID()
	both := must[Records](t)(e.Model("t.clerk").Create(Values{"name": "both", "company_id": b, "company_ids": []Command{SetIDs(a, b)}})).ID()
	onlyB := must[Records](t)(e.Model("t.clerk").Create(Values{"name": "only B", "company_id": b, "company_ids": []Command{SetIDs(b)}})).ID()
	for name, tc := range map[string]struct {
		vals Values
		want string // what the refusal names; "": none
	}{
		"of its own":            {Values{"company_id": a, "client_id": ofA, "clerk_id": both}, ""},
		"of none":               {Values{"company_id": b, "client_id": free}, ""},
		"of one above":          {Values{"company_id": below, "client_id": ofA}, ""},
		"not of one below":      {Values{"company_id": a, "client_id": must[Records](t)(e.Model("t.client").Create(Values{"name": "of A1", "company_id": below})).ID()}, "client_id"},
		"of another":            {Values{"company_id": a, "client_id": ofB}, "(client_id): Client “of B”"},
		"computed from another": {Values{"company_id": a, "client_id": ofB}, "(payer_id): Client “of B”"},
		"a list":                {Values{"company_id": a, "other_ids": []Command{SetIDs(free, ofB)}}, "(other_ids): Client “of B”"},
		"by several companies":  {Values{"company_id": a, "clerk_id": onlyB}, "(clerk_id)"},
		"of no company itself":  {Values{"client_id": ofA}, "client_id"},
		"an unchecked field":    {Values{"company_id": a, "witness_id": ofB}, ""},
	} {
		err := e.Savepoint(func(e *Env) error {
			_, err := e.Model("t.deal").Create(tc.vals)
			return err
		})
		if tc.want == "" && err != nil || tc.want != "" && (CodeOf(err) != CodeUser || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := must[Records](t)(e.Model("t.deal").Create(Values{"company_id": a, "client_id": ofA}))
	if err := e.Savepoint(func(*Env) error { return good.Write(Values{"company_id": b}) }); CodeOf(err) != CodeUser {
		t.Errorf("moved to another company: %v", err)
	}
}
