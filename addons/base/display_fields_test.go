package base_test

import (
	"fmt"
	"slices"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

func TestHints(t *testing.T) {
	t.Parallel()
	env := newEnv(t).WithUser(2)
	create := func(model string, vals orm.Values) orm.Records {
		t.Helper()
		return must[orm.Records](t)(env.Model(model).Create(vals))
	}
	is := func(rs orm.Records, field string, want any) {
		t.Helper()
		if got := must[any](t)(rs.Value(field)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s of %s: %v, want %v", field, rs, got, want)
		}
	}
	ref := func(xmlid string) orm.Records {
		t.Helper()
		return must[orm.Records](t)(env.Ref(xmlid))
	}

	a := create("res.partner", orm.Values{"name": "A", "vat": "BE0477472701", "company_registry": "7"})
	child := create("res.partner", orm.Values{"name": "child", "parent_id": a.ID(), "type": "invoice"})
	is(a, "same_vat_partner_id", nil)
	b := create("res.partner", orm.Values{"name": "B", "vat": "BE0477472701", "company_registry": "7"})
	is(a, "same_vat_partner_id", b.ID())
	is(b, "same_company_registry_partner_id", a.ID())
	is(child, "same_vat_partner_id", nil)
	is(child, "type_address_label", "Invoice Address")
	is(a, "type_address_label", "Address")
	is(a, "vat_label", "EIN") // as the company's country has it

	u := create("res.users", orm.Values{"name": "U", "login": "u", "password": "secret-u"})
	is(u, "state", "new")
	is(u, "active_partner", true)
	if _, err := base.Authenticate(env.Sudo(), "u", "secret-u"); err != nil {
		t.Fatal(err)
	}
	is(u, "state", "active")
	for value, want := range map[string]int{"active": 1, "new": 0} {
		if n := must[int](t)(env.Model("res.users").SearchCount(orm.And(orm.Leaf("id", "=", u.ID()), orm.Leaf("state", "=", value)), 0)); n != want {
			t.Errorf("%d users are %s, want %d", n, value, want)
		}
	}

	main := env.Model("res.company").Browse(env.Company())
	branch := create("res.company", orm.Values{"name": "Branch", "parent_id": main.ID()})
	is(branch, "parent_ids", []int64{main.ID(), branch.ID()})
	is(main, "all_child_ids", []int64{branch.ID()})
	is(main, "is_company_details_empty", true)
	if err := main.Write(orm.Values{"company_details": "<p>Main Street 1</p>"}); err != nil {
		t.Fatal(err)
	}
	is(main, "is_company_details_empty", false)

	is(ref("base.fr"), "image_url", "/base/static/img/country_flags/fr.png")
	is(ref("base.gp"), "image_url", "/base/static/img/country_flags/fr.png")
	is(ref("base.aq"), "image_url", nil)
	user := ref("base.group_user").ID()
	first := create("res.groups", orm.Values{"name": "first", "implied_ids": []orm.Command{orm.SetIDs(user)}})
	second := create("res.groups", orm.Values{"name": "second", "implied_ids": []orm.Command{orm.SetIDs(first.ID())}})
	ids, _ := must[any](t)(second.Value("all_implied_ids")).([]int64)
	for _, id := range []int64{second.ID(), first.ID(), user} {
		if !slices.Contains(ids, id) {
			t.Errorf("second implies %v, not %d", ids, id)
		}
	}
	is(ref("base.model_res_users"), "inherited_model_ids", []int64{ref("base.model_res_partner").ID()})
	is(ref("base.field_res_partner__barcode"), "company_dependent", true)
	is(ref("base.field_res_partner__company_type"), "selection", "[('person', 'Person'), ('company', 'Company')]")
}
