package stock_test

import (
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func TestCountingAProduct(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp, loc := k.product("Lamp"), k.ref("stock_location_stock")
	counting := k.in(k.env.WithContext(map[string]any{"inventory_mode": true}))
	q := counting.create("stock.quant", orm.Values{"product_id": lamp, "location_id": loc, "inventory_quantity": 10})
	k.equal("a count alone changes nothing", k.stock(lamp), "0 0 0 0 0")
	if v := counting.call(q, "action_apply_inventory"); v != true {
		t.Errorf("the answer is %v", v)
	}
	k.equal("applied", k.stock(lamp), "10 10 10 0 0")
	rec, err := orm.Get[stock.Quant](k.env, q.ID(), "available_quantity")
	k.check(err)
	if !rec.Counted.IsZero() || rec.CountedSet || rec.Available.Get().String() != "10" || rec.LastCountDate.IsZero() {
		t.Errorf("after the count: %+v", rec)
	}
	moves, err := orm.Search[stock.Move](k.env, orm.Leaf("product_id", "=", lamp), orm.SearchOptions{}, "location_id")
	k.check(err)
	if len(moves) != 1 || moves[0].State != stock.MoveDone || !moves[0].IsInventory || moves[0].Quantity.String() != "10" || moves[0].LocationID.Rec().Usage != stock.UsageInventory {
		t.Errorf("moves: %+v", moves)
	}
	again := counting.create("stock.quant", orm.Values{"product_id": lamp, "location_id": loc, "inventory_quantity": 4})
	if again.ID() != q.ID() {
		t.Error("a second quantity of the same product in the same location")
	}
	diff, err := again.Value("inventory_diff_quantity")
	k.check(err)
	if !diff.(decimal.Decimal).Equal(decimal.NewFromInt(-6)) {
		t.Errorf("the difference is %v", diff)
	}
	counting.call(again, "action_clear_inventory_quantity")
	counting.call(again, "action_apply_inventory")
	k.equal("a cleared count changes nothing", k.stock(lamp), "10 10 10 0 0")
	k.check(again.Write(orm.Values{"inventory_quantity_auto_apply": 4}))
	k.equal("at once", k.stock(lamp), "4 4 4 0 0")
	k.refused(again.Write(orm.Values{"quantity": 100}), orm.CodeUser)
	_, err = k.env.Model("stock.quant").Create(orm.Values{"product_id": lamp, "location_id": k.ref("stock_location_customers"), "inventory_quantity": 1})
	k.refused(err, orm.CodeUser)
	k.refused(again.Unlink(), orm.CodeUser)
	k.count(lamp, loc, 0)
	k.equal("none left", k.stock(lamp), "0 0 0 0 0")
	if there, err := again.Exists(); err != nil || there.Len() != 0 {
		t.Errorf("an empty quantity stays: %v, %v", there, err)
	}
	k.count(lamp, loc, 0.5)
	k.equal("a half", k.stock(lamp), "0.5 0.5 0.5 0 0")
}

func TestQuantitiesOfManyProductsTakeThreeStatements(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	loc := k.ref("stock_location_stock")
	var products []int64
	for range 12 {
		products = append(products, k.product("Lamp"))
	}
	for i, p := range products {
		k.count(p, loc, float64(i))
	}
	rs := k.env.Model("product.product").Browse(products...)
	k.check(k.env.Flush())
	ormtest.MaxQueries(t, k.env, 3, func() {
		rows, err := rs.Read("qty_available", "free_qty", "virtual_available", "incoming_qty", "outgoing_qty")
		k.check(err)
		for i, row := range rows {
			if !row["qty_available"].(decimal.Decimal).Equal(decimal.NewFromInt(int64(i))) {
				t.Errorf("product %d has %v", i, row["qty_available"])
			}
		}
	})
	search := func(field, op string, value any, want ...int64) {
		t.Helper()
		found, err := k.env.Model("product.product").Search(orm.And(orm.Leaf("id", "in", products), orm.Leaf(field, op, value)), orm.SearchOptions{Order: "id"})
		k.check(err)
		if !slices.Equal(found.IDs, want) {
			t.Errorf("%s %s %v finds %v, %v is expected", field, op, value, found.IDs, want)
		}
	}
	search("qty_available", ">", 9, products[10:]...)
	search("qty_available", ">=", 10.0, products[10:]...)
	search("free_qty", "<", 2, products[:2]...)
	search("qty_available", "=", 0, products[0])
	search("virtual_available", "!=", 0, products[1:]...)
	search("incoming_qty", "=", false, products...)
	k.confirmed(k.draft("picking_type_in", map[int64]float64{products[3]: 2}))
	search("incoming_qty", ">", 0, products[3])
	_, err := k.env.Model("product.product").Search(orm.Leaf("qty_available", "ilike", "x"), orm.SearchOptions{})
	k.refused(err, orm.CodeUser)
	tmpl, err := rs.Browse(products[5]).Value("product_tmpl_id")
	k.check(err)
	ts := k.env.Model("product.template")
	if v, err := ts.Browse(tmpl.(int64)).Value("qty_available"); err != nil || !v.(decimal.Decimal).Equal(decimal.NewFromInt(5)) {
		t.Errorf("the template has %v, %v", v, err)
	}
	found, err := ts.Search(orm.And(orm.Leaf("id", "=", tmpl), orm.Leaf("qty_available", ">", 4)), orm.SearchOptions{})
	k.check(err)
	if found.Len() != 1 {
		t.Error("the template is not found by its quantity")
	}
}

func TestQuantitiesByWarehouseAndCompany(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	main, err := orm.Get[stock.Warehouse](k.env, k.ref("warehouse0"))
	k.check(err)
	second, err := orm.Get[stock.Warehouse](k.env, k.create("stock.warehouse", orm.Values{"name": "East", "code": "EAST"}).ID())
	k.check(err)
	beta := k.create("res.company", orm.Values{"name": "Beta"}).ID()
	other, err := orm.First[stock.Warehouse](k.env, orm.Leaf("company_id", "=", beta), "")
	k.check(err)
	k.count(lamp, main.LotStockID.ID, 5)
	k.count(lamp, second.LotStockID.ID, 7)
	k.count(lamp, other.LotStockID.ID, 11)
	with := func(keys map[string]any) string { return k.in(k.env.WithContext(keys)).stock(lamp) }
	k.equal("the main company", with(map[string]any{"allowed_company_ids": []any{main.CompanyID.ID}}), "12 12 12 0 0")
	k.equal("the other company", with(map[string]any{"allowed_company_ids": []any{beta}}), "11 11 11 0 0")
	k.equal("both", with(map[string]any{"allowed_company_ids": []any{main.CompanyID.ID, beta}}), "23 23 23 0 0")
	k.equal("east", with(map[string]any{"warehouse_id": second.ID}), "7 7 7 0 0")
	k.equal("east by the older key", with(map[string]any{"warehouse": []any{second.ID}}), "7 7 7 0 0")
	k.equal("a location outside of the warehouse", with(map[string]any{"warehouse_id": second.ID, "location": main.LotStockID.ID}), "0 0 0 0 0")
	d := k.create("stock.picking", orm.Values{"picking_type_id": second.OutTypeID.ID, "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 8}}}})
	p := k.confirmed(d)
	k.equal("the delivery takes from its warehouse only", k.moves(p.ID), "partially_available 7/8; ")
	k.equal("main after", with(map[string]any{"warehouse_id": main.ID}), "5 5 5 0 0")
	k.equal("east after", with(map[string]any{"warehouse_id": second.ID}), "7 -1 0 0 8")
	_, err = k.env.Model("stock.picking").Create(orm.Values{"picking_type_id": main.OutTypeID.ID, "location_id": other.LotStockID.ID, "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 1}}}})
	k.refused(err, orm.CodeUser)
}

func TestTypeCannotChangeOnceMoved(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.env.Model("product.product").Browse(k.product("Lamp"))
	k.check(lamp.Write(orm.Values{"is_storable": false}))
	k.check(lamp.Write(orm.Values{"is_storable": true}))
	k.count(lamp.ID(), k.ref("stock_location_stock"), 6)
	k.refused(lamp.Write(orm.Values{"type": "service"}), orm.CodeUser)
	k.equal("unchanged", k.stock(lamp.ID()), "6 6 6 0 0")
	k.check(lamp.Write(orm.Values{"is_storable": false})) // what is there stays
	k.equal("no longer tracked", k.stock(lamp.ID()), "6 6 6 0 0")
	k.check(lamp.Write(orm.Values{"is_storable": true}))
	paper := k.create("product.product", orm.Values{"name": "Paper", "type": "consu"})
	k.delivery(map[int64]float64{paper.ID(): 1})
	k.refused(paper.Write(orm.Values{"is_storable": true}), orm.CodeUser)
}

func TestReturningAPart(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp, desk := k.product("Lamp"), k.product("Desk")
	for _, p := range []int64{lamp, desk} {
		k.count(p, k.ref("stock_location_stock"), 10)
	}
	p := k.delivery(map[int64]float64{lamp: 4})
	_, err := k.env.Model("stock.return.picking").Create(orm.Values{"picking_id": p.ID})
	k.refused(err, orm.CodeUser)
	k.validate(p)
	ctx := k.in(k.env.WithContext(map[string]any{"active_id": p.ID, "active_ids": []any{p.ID}, "active_model": "stock.picking"}))
	offered, err := ctx.env.Model("stock.return.picking").DefaultGet("picking_id", "product_return_moves")
	k.check(err)
	if cmds, ok := offered["product_return_moves"].([]orm.Command); offered["picking_id"] != p.ID || !ok || len(cmds) != 1 || cmds[0].Values["to_refund"] != true {
		t.Errorf("the wizard opens with %v", offered)
	}
	w := ctx.create("stock.return.picking", orm.Values{})
	lines, err := k.env.Model("stock.return.picking.line").Search(orm.Leaf("wizard_id", "=", w.ID()), orm.SearchOptions{})
	k.check(err)
	_, err = w.Call("action_create_returns", orm.Args{})
	k.refused(err, orm.CodeUser) // no quantity yet
	k.check(lines.Write(orm.Values{"quantity": 5}))
	_, err = w.Call("action_create_returns", orm.Args{})
	k.refused(err, orm.CodeUser) // more than was delivered
	k.check(lines.Write(orm.Values{"quantity": 1}))
	action := ctx.call(w, "action_create_returns").(map[string]any)
	r := k.picking(action["res_id"].(int64))
	k.equal("return", number.ReplaceAllString(r.Name, "#")+" "+number.ReplaceAllString(r.Origin, "#")+" "+r.State+" "+k.moves(r.ID), "WH/IN/# Return of WH/OUT/# assigned assigned 1/1; ")
	m := r.MoveIDs.All()[0]
	if m.OriginReturned.ID != p.MoveIDs.IDs()[0] || !m.ToRefund || r.ReturnID.ID != p.ID {
		t.Errorf("the return does not know what it returns: %+v", m)
	}
	k.equal("expected", k.stock(lamp), "6 7 6 1 0")
	k.validate(r)
	k.equal("back", k.stock(lamp), "7 7 7 0 0")
	all := ctx.create("stock.return.picking", orm.Values{"picking_id": p.ID})
	action = ctx.call(all, "action_create_returns_all").(map[string]any)
	k.equal("the rest", k.moves(action["res_id"].(int64)), "assigned 3/3; ")
	_, err = ctx.create("stock.return.picking", orm.Values{"picking_id": p.ID}).Call("action_create_returns_all", orm.Args{})
	k.refused(err, orm.CodeUser) // all of it is on its way back
	back, err := stock.CreateReturn(k.env, r.ID, []stock.ReturnItem{{Move: m.ID, Quantity: decimal.NewFromInt(1), Keep: true}})
	k.check(err)
	k.equal("the return of a return is a delivery", number.ReplaceAllString(back.Name, "#")+" "+k.moves(back.ID), "WH/OUT/# assigned 1/1; ")
	k.books()
}

func TestScrap(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 6)
	s := k.create("stock.scrap", orm.Values{"product_id": lamp, "scrap_qty": 2, "location_id": k.ref("stock_location_stock")})
	if v := k.call(s, "action_validate"); v != true {
		t.Errorf("the answer is %v", v)
	}
	row, err := s.Read("state", "scrap_qty", "name")
	k.check(err)
	if row[0]["state"] != "done" || row[0]["name"] == "New" {
		t.Errorf("scrap: %v", row[0])
	}
	k.equal("stock", k.stock(lamp), "4 4 4 0 0")
	k.refused(s.Write(orm.Values{"scrap_qty": 1}), orm.CodeUser)
	k.refused(s.Unlink(), orm.CodeUser)
	_, err = s.Call("do_scrap", orm.Args{})
	k.refused(err, orm.CodeUser)
	more := k.create("stock.scrap", orm.Values{"product_id": lamp, "scrap_qty": 5})
	asked := k.call(more, "action_validate").(map[string]any)
	if asked["res_model"] != "stock.warn.insufficient.qty.scrap" || k.stock(lamp) != "4 4 4 0 0" {
		t.Errorf("asked %v, stock %s", asked, k.stock(lamp))
	}
	warning := k.in(k.env.WithContext(asked["context"].(map[string]any))).create("stock.warn.insufficient.qty.scrap", orm.Values{})
	k.call(warning, "action_done")
	k.equal("forced", k.stock(lamp), "-1 -1 -1 0 0")
	_, err = k.create("stock.scrap", orm.Values{"product_id": lamp, "scrap_qty": 0}).Call("action_validate", orm.Args{})
	k.refused(err, orm.CodeUser)
	_, err = k.env.Model("stock.scrap").Create(orm.Values{"product_id": lamp, "scrap_qty": -1})
	k.refused(err, orm.CodeValidation)
}

// A transfer may be made of what was moved, without a plan.
func TestTransferOfOperations(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	rs := k.create("stock.picking", orm.Values{"picking_type_id": k.ref("picking_type_in"), "move_line_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "quantity": 2}}}})
	k.equal("the operation brings its move", k.moves(rs.ID()), "draft 2/0; ")
	if v := k.call(rs, "button_validate"); v != true {
		t.Errorf("the answer is %v", v)
	}
	k.equal("received", k.moves(rs.ID())+k.stock(lamp), "done 2/0; 2 2 2 0 0")
	m := k.picking(rs.ID()).MoveIDs.All()[0]
	k.check(orm.Load(k.env, []*stock.Move{m}, "display_name"))
	k.equal("its name", m.DisplayName.Get(), "Vendors>Stock")
}

func TestUnitOfMovedProducts(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	dozen, err := k.env.Ref("uom.product_uom_dozen")
	k.check(err)
	both := orm.Values{"uom_id": dozen.ID()}
	k.check(k.env.Model("product.product").Browse(k.product("Other")).Write(both))
	k.count(lamp, k.ref("stock_location_stock"), 6)
	k.refused(k.env.Model("product.product").Browse(lamp).Write(both), orm.CodeUser)
	unit, err := k.env.Ref("uom.product_uom_unit")
	k.check(err)
	k.check(k.env.Model("product.product").Browse(lamp).Write(orm.Values{"uom_id": unit.ID()}))
}

// The context keys from_date and to_date ask for the stock of another time.
func TestStockOfAnotherTime(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 6)
	k.validate(k.delivery(map[int64]float64{lamp: 1}))
	late := k.draft("picking_type_in", map[int64]float64{lamp: 10})
	k.check(orm.RecordsOf(k.env, k.picking(late.ID()).MoveIDs.All()...).Write(orm.Values{"date": "2031-01-01 00:00:00"}))
	k.confirmed(late)
	k.equal("now", k.stock(lamp), "5 15 5 10 0")
	for _, tc := range []struct{ key, at, want string }{
		{"to_date", "2020-01-01", "0 0 0 0 0"},
		{"to_date", "2030-01-01 10:00:00", "5 5 5 0 0"},
		{"to_date", "2031-02-01", "5 15 5 10 0"},
		{"from_date", "2031-02-01", "5 5 5 0 0"},
	} {
		k.equal(tc.key+" "+tc.at, k.in(k.env.WithContext(map[string]any{tc.key: tc.at})).stock(lamp), tc.want)
	}
	_, err := k.env.WithContext(map[string]any{"to_date": "soon"}).Model("product.product").Browse(lamp).Read("qty_available")
	k.refused(err, orm.CodeUser)
}
