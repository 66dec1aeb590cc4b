package stock_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
)

// user makes a user of the main company with groups beside that of employees.
func (k *kit) user(login string, groups ...string) *kit {
	k.t.Helper()
	var links []any
	for _, g := range append([]string{"base.group_user"}, groups...) {
		rs, err := k.env.Ref(g)
		k.check(err)
		links = append(links, []any{4, rs.ID()})
	}
	u := k.create("res.users", orm.Values{"name": login, "login": login, "group_ids": links})
	return k.in(k.env.WithUser(u.ID()))
}

func TestRightsOfTheInventory(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	loc := k.ref("stock_location_stock")
	plain, clerk, manager := k.user("plain"), k.user("clerk", "stock.group_stock_user"), k.user("manager", "stock.group_stock_manager")

	// A plain employee sees how much there is, and touches nothing.
	k.count(lamp, loc, 5)
	k.equal("seen by an employee", plain.stock(lamp), "5 5 5 0 0")
	_, err := plain.env.Model("stock.picking").Search(nil, orm.SearchOptions{})
	k.refused(err, orm.CodeAccess)
	_, err = plain.env.Model("stock.quant").Create(orm.Values{"product_id": lamp, "location_id": loc, "inventory_quantity": 100})
	k.refused(err, orm.CodeAccess)
	q, err := orm.First[stock.Quant](k.env, orm.Leaf("product_id", "=", lamp), "location_id desc")
	k.check(err)
	_, err = plain.env.Model("stock.quant").Browse(q.ID).Call("action_apply_inventory", orm.Args{})
	k.refused(err, orm.CodeAccess)
	d := k.draft("picking_type_out", map[int64]float64{lamp: 1})
	for _, method := range []string{"action_confirm", "button_validate", "action_cancel", "do_unreserve"} {
		_, err = plain.env.Model("stock.picking").Browse(d.ID()).Call(method, orm.Args{})
		k.refused(err, orm.CodeAccess)
	}
	if names, err := plain.env.Model("stock.warehouse").Browse(k.ref("warehouse0")).DisplayNames(); err != nil || len(names) != 1 {
		t.Errorf("an employee does not see the warehouse: %v", err)
	}

	// A clerk counts, receives and delivers, and does not configure.
	clerk.count(lamp, loc, 8)
	p := clerk.delivery(map[int64]float64{lamp: 3})
	clerk.validate(p)
	k.equal("delivered by the clerk", clerk.stock(lamp), "5 5 5 0 0")
	_, err = clerk.env.Model("stock.warehouse").Create(orm.Values{"name": "East", "code": "EAST"})
	k.refused(err, orm.CodeAccess)
	k.refused(clerk.env.Model("stock.location").Browse(loc).Write(orm.Values{"name": "Elsewhere"}), orm.CodeAccess)
	k.refused(clerk.env.Model("stock.picking.type").Browse(k.ref("picking_type_out")).Write(orm.Values{"create_backorder": "never"}), orm.CodeAccess)

	// What a client says in its context opens nothing.
	cheat := clerk.in(clerk.env.WithContext(map[string]any{"stock_bulk": map[string]any{}}))
	k.refused(cheat.env.Model("stock.move").Browse(p.MoveIDs.IDs()...).Write(orm.Values{"state": "draft"}), orm.CodeUser)

	manager.create("stock.warehouse", orm.Values{"name": "East", "code": "EAST"})
}

func TestCompaniesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	beta := k.create("res.company", orm.Values{"name": "Beta"}).ID()
	w, err := orm.First[stock.Warehouse](k.env, orm.Leaf("company_id", "=", beta), "")
	k.check(err)
	k.count(lamp, w.LotStockID.ID, 4)
	p := k.confirmed(k.create("stock.picking", orm.Values{"picking_type_id": w.OutTypeID.ID, "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 1}}}}))
	clerk := k.user("clerk", "stock.group_stock_user")
	k.equal("nothing of the other company", clerk.stock(lamp), "0 0 0 0 0")
	for model, d := range map[string]orm.Domain{"stock.picking": nil, "stock.move": orm.Leaf("state", "!=", "done"), "stock.warehouse": orm.Leaf("company_id", "=", beta), "stock.quant": orm.Leaf("quantity", ">", 0)} {
		n, err := clerk.env.Model(model).SearchCount(d, 0)
		k.check(err)
		if n != 0 {
			t.Errorf("%d records of %s are another company's", n, model)
		}
	}
	_, err = clerk.env.Model("stock.picking").Browse(p.ID).Call("button_validate", orm.Args{})
	k.refused(err, orm.CodeAccess)
	_, err = clerk.env.Model("stock.picking").Create(orm.Values{"picking_type_id": w.OutTypeID.ID, "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 1}}}})
	k.refused(err, orm.CodeAccess)
}
