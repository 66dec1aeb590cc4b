package woocommerce

import (
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// An order of a store is resolved by who manages stores, or may change the sale
// order that came of it; who only reads both may not.
func TestWhoResolvesAnOrder(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	inst := connect(t, env, "https://shop.example", nil)
	user := func(login string, groups ...string) *orm.Env {
		var ids []int64
		for _, g := range groups {
			ids = append(ids, must(env.Ref(g))(t).ID())
		}
		return env.WithUser(must(env.Model("res.users").Create(orm.Values{"name": login, "login": login, "group_ids": []orm.Command{orm.SetIDs(ids...)}}))(t).ID())
	}
	reader, manager := user("reader", "fusion_woocommerce.group_woo_user"), user("manager", "fusion_woocommerce.group_woo_manager")
	seller := user("seller", "fusion_woocommerce.group_woo_user", "sales_team.group_sale_salesman_all_leads")
	partner := must(env.Model("res.partner").Create(orm.Values{"name": "Customer"}))(t).ID()
	sold := must(env.Model("sale.order").Create(orm.Values{"partner_id": partner}))(t).ID()
	order := func(remote int64, sale any) int64 {
		return must(env.Model("woo.order").Create(orm.Values{"instance_id": inst.ID, "company_id": inst.CompanyID.ID, "woo_id": remote, "sale_order_id": sale, "attention": "look"}))(t).ID()
	}
	with, without := order(1, sold), order(2, nil)
	for _, tc := range []struct {
		who   string
		env   *orm.Env
		order int64
		may   bool
	}{{"reader", reader, with, false}, {"reader", reader, without, false}, {"seller", seller, with, true}, {"seller", seller, without, false}, {"manager", manager, with, true}, {"manager", manager, without, true}} {
		rs := env.Model("woo.order").Browse(tc.order)
		if err := rs.Write(orm.Values{"attention": "look"}); err != nil {
			t.Fatal(err)
		}
		err := env.Savepoint(func(*orm.Env) error {
			_, err := rs.In(tc.env).Call(Resolved.Name, orm.Args{})
			return err
		})
		left := must(rs.Value("attention"))(t) == "look"
		if (err == nil) != tc.may || left == tc.may || err != nil && !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("the %s resolves order %d: %v, and it is still marked: %v", tc.who, tc.order, err, left)
		}
	}
}
