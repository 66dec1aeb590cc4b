package base_test

import (
	"fmt"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

type tariff struct {
	orm.Record `orm:"test.tariff" label:"Tariff" order:"name"`
	Name       string                `orm:"name"`
	Code       string                `orm:"code,company_dependent"`
	Price      decimal.Decimal       `orm:"price,digits=12:2,company_dependent"`
	Free       bool                  `orm:"free,company_dependent"`
	Contact    orm.Ref[base.Partner] `orm:"contact_id,company_dependent"`
}

// A company-dependent field has a value in each company; what is read, searched,
// sorted, grouped and copied is that of the current one.
func TestCompanyDependentFields(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, base.Addon(), module.Addon{Name: "tariffs", Version: "19.0.1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) { orm.Define[tariff](r) }})
	one := env.Company()
	two := must[orm.Records](t)(env.Model("res.company").Create(orm.Values{"name": "Two"})).ID()
	p := must[orm.Records](t)(env.Model("res.partner").Create(orm.Values{"name": "P"}, orm.Values{"name": "Q"}))
	first, second := env.WithCompany(one), env.WithCompany(two)
	rs := must[orm.Records](t)(first.Model("test.tariff").Create(
		orm.Values{"name": "a", "code": "A1", "price": "10.50", "free": true, "contact_id": p.IDs[0]},
		orm.Values{"name": "b", "code": "B1", "price": 3}))
	a := rs.Browse(rs.IDs[0])
	if err := a.In(second).Write(orm.Values{"code": "A2", "price": "99", "contact_id": p.IDs[1]}); err != nil {
		t.Fatal(err)
	}
	look := func(e *orm.Env) string {
		t.Helper()
		rows := must[[]orm.Values](t)(rs.In(e).ReadWire([]string{"code", "price", "free", "contact_id"}, true))
		out := ""
		for _, r := range rows {
			out += fmt.Sprint(r["code"], " ", r["price"], " ", r["free"], " ", r["contact_id"], "; ")
		}
		return out
	}
	if got, want := look(first), fmt.Sprintf("A1 10.5 true [%d P]; B1 3.0 false false; ", p.IDs[0]); got != want {
		t.Errorf("first company: %s, want %s", got, want)
	}
	if got, want := look(second), fmt.Sprintf("A2 99.0 false [%d Q]; false 0.0 false false; ", p.IDs[1]); got != want {
		t.Errorf("second company: %s, want %s", got, want)
	}
	names := func(e *orm.Env, d orm.Domain, order string) string {
		t.Helper()
		found := must[orm.Records](t)(e.Model("test.tariff").Search(d, orm.SearchOptions{Order: order}))
		out := ""
		for _, r := range must[[]orm.Values](t)(found.Read("name")) {
			out += fmt.Sprint(r["name"])
		}
		return out
	}
	for _, c := range []struct {
		d                   orm.Domain
		order, first, other string
	}{
		{orm.Leaf("code", "=", "A1"), "", "a", ""},
		{orm.Leaf("code", "=like", "A%"), "", "a", "a"},
		{orm.Leaf("code", "=", false), "", "", "b"},
		{orm.Leaf("code", "!=", "A1"), "", "b", "ab"},
		{orm.Leaf("price", ">", 5), "", "a", "a"},
		{orm.Leaf("price", "<", 5), "", "b", "b"},
		{orm.Leaf("price", "=", 0), "", "", "b"},
		{orm.Leaf("free", "=", true), "", "a", ""},
		{orm.Leaf("free", "=", false), "", "b", "ab"},
		{orm.Leaf("contact_id", "=", p.IDs[0]), "", "a", ""},
		{orm.Leaf("contact_id.name", "=", "Q"), "", "", "a"},
		{orm.Leaf("contact_id", "=", false), "", "b", "b"},
		{nil, "price", "ba", "ba"},
		{nil, "code desc", "ba", "ba"},
	} {
		if got := names(first, c.d, c.order); got != c.first {
			t.Errorf("first company, %v %s: %q, want %q", c.d, c.order, got, c.first)
		}
		if got := names(second, c.d, c.order); got != c.other {
			t.Errorf("second company, %v %s: %q, want %q", c.d, c.order, got, c.other)
		}
	}
	groups := must[[]orm.Group](t)(second.Model("test.tariff").ReadGroup(nil, []string{"contact_id"}, []string{"price:sum"}, orm.GroupOptions{}))
	if len(groups) != 2 {
		t.Errorf("groups %v", groups)
	}

	// ir.default gives companies without a value theirs; an empty value that was
	// written stays empty.
	if _, err := env.Model("ir.default").Do("set", orm.Args{Pos: []any{"test.tariff", "code", "DEF"}}); err != nil {
		t.Fatal(err)
	}
	b := rs.Browse(rs.IDs[1])
	if got := must[any](t)(b.In(second).Value("code")); got != "DEF" {
		t.Errorf("default of the second company: %v", got)
	}
	if got := must[any](t)(b.In(first).Value("code")); got != "B1" {
		t.Errorf("value of the first company beside the default: %v", got)
	}
	if got := names(second, orm.Leaf("code", "=", "DEF"), ""); got != "b" {
		t.Errorf("searching the default finds %q", got)
	}
	if err := b.In(second).Write(orm.Values{"code": false}); err != nil {
		t.Fatal(err)
	}
	if got := must[any](t)(b.In(second).Value("code")); got != nil {
		t.Errorf("an empty value in place of the default: %v", got)
	}
	// What a many2one pointed at may go; the value is none then, and no company's
	// record keeps it from being deleted.
	if err := env.Model("res.partner").Browse(p.IDs[1]).Unlink(); err != nil {
		t.Fatal(err)
	}
	if got := must[[]orm.Values](t)(a.In(second).ReadWire([]string{"contact_id"}, true)); got[0]["contact_id"] != false {
		t.Errorf("a deleted contact: %v", got)
	}
	// A copy takes the value of the company it is made in.
	dup := must[orm.Records](t)(a.In(second).Copy(nil))
	if got := must[any](t)(dup.Value("code")); got != "A2" {
		t.Errorf("the copy has %v", got)
	}
	if got := must[any](t)(dup.In(first).Value("code")); got != "DEF" {
		t.Errorf("the copy has %v in the other company", got)
	}
}
