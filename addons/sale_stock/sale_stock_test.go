package sale_stock_test

import (
	"fmt"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), uom.Addon(), product.Addon(), account.Addon(), sales_team.Addon(), sale.Addon(), stock.Addon(), sale_stock.Addon()}
}

// kit is a database that sells and delivers, and short words for what tests do.
type kit struct {
	t   *testing.T
	env *orm.Env
}

func newKit(t *testing.T) *kit {
	t.Helper()
	return &kit{t, ormtest.New(t, addons()...).WithUser(2)}
}

func (k *kit) check(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *kit) refused(err error, code orm.Code) {
	k.t.Helper()
	if orm.CodeOf(err) != code {
		k.t.Errorf("error is %v, a %s is expected", err, code)
	}
}

func (k *kit) equal(what, got, want string) {
	k.t.Helper()
	if got != want {
		k.t.Errorf("%s: %q, %q is expected", what, got, want)
	}
}

func (k *kit) create(model string, vals orm.Values) int64 {
	k.t.Helper()
	rs, err := k.env.Model(model).Create(vals)
	k.check(err)
	return rs.ID()
}

func (k *kit) ref(xmlid string) int64 {
	k.t.Helper()
	rs, err := k.env.Ref(xmlid)
	k.check(err)
	return rs.ID()
}

// product makes a counted product of which some are on hand.
func (k *kit) product(name string, onHand float64) int64 {
	k.t.Helper()
	p := k.create("product.product", orm.Values{"name": name, "type": "consu", "is_storable": true, "list_price": 100})
	if onHand != 0 {
		k.check(stock.ApplyCounts(k.env, stock.Count{Product: p, Location: k.ref("stock.stock_location_stock"), Quantity: decimal.NewFromFloat(onHand)}))
	}
	return p
}

type item struct {
	product int64
	qty     float64
}

// order makes a quotation.
func (k *kit) order(items ...item) int64 {
	k.t.Helper()
	var lines []any
	for _, i := range items {
		lines = append(lines, []any{0, 0, map[string]any{"product_id": i.product, "product_uom_qty": i.qty, "price_unit": 10}})
	}
	return k.create("sale.order", orm.Values{"partner_id": k.create("res.partner", orm.Values{"name": "Ann"}), "order_line": lines})
}

func (k *kit) call(model string, id int64, method string) any {
	k.t.Helper()
	v, err := k.env.Model(model).Browse(id).Call(method, orm.Args{})
	k.check(err)
	return v
}

func (k *kit) confirmed(items ...item) int64 {
	k.t.Helper()
	o := k.order(items...)
	k.call("sale.order", o, "action_confirm")
	return o
}

func (k *kit) read(order int64) *sale_stock.Order {
	k.t.Helper()
	o, err := orm.Get[sale_stock.Order](k.env, order, "picking_ids.move_ids", "order_line", "delivery_count")
	k.check(err)
	return o
}

// deliveries tells the transfers of an order with their moves.
func (k *kit) deliveries(order int64) string {
	k.t.Helper()
	ps, err := orm.Search[sale_stock.Picking](k.env, orm.Leaf("sale_id", "=", order), orm.SearchOptions{Order: "id"}, "move_ids")
	k.check(err)
	out := ""
	for _, p := range ps {
		out += p.State + ":"
		for _, m := range p.MoveIDs.All() {
			out += fmt.Sprintf(" %s %s/%s", m.State, m.Quantity, m.ProductUomQty)
		}
		out += "; "
	}
	return out
}

// status tells how far an order is and what of its lines is delivered.
func (k *kit) status(order int64) string {
	k.t.Helper()
	o := k.read(order)
	out := o.DeliveryStatus
	for _, l := range o.Lines.All() {
		out += " " + l.QtyDelivered.String()
	}
	return out
}

func (k *kit) lastPicking(order int64) *sale_stock.Picking {
	k.t.Helper()
	p, err := orm.First[sale_stock.Picking](k.env, orm.Leaf("sale_id", "=", order), "id desc", "move_ids")
	k.check(err)
	return p
}

func (k *kit) validate(p *sale_stock.Picking, keys map[string]any) {
	k.t.Helper()
	_, err := k.env.WithContext(keys).Model("stock.picking").Browse(p.ID).Call("button_validate", orm.Args{})
	k.check(err)
}

func TestWhenAnOrderIsExpectedTogether(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	id := k.create("sale.order", orm.Values{"partner_id": k.create("res.partner", orm.Values{"name": "Ann"}), "order_line": []any{
		[]any{0, 0, map[string]any{"product_id": k.product("Lamp", 0), "customer_lead": 5}}, []any{0, 0, map[string]any{"product_id": k.product("Desk", 0), "customer_lead": 2}}}})
	for policy, days := range map[string]float64{"direct": 2, "one": 5} {
		k.check(k.env.Model("sale.order").Browse(id).Write(orm.Values{"picking_policy": policy}))
		o, err := orm.Get[sale_stock.Order](k.env, id, "expected_date")
		k.check(err)
		if got := o.ExpectedDate.Get().Time().Sub(k.env.Now()).Hours() / 24; got < days-0.1 || got > days+0.1 {
			t.Errorf("%s: expected in %v days, not %v", policy, got, days)
		}
	}
}

func TestConfirmingAnOrderMakesItsDelivery(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp", 10)
	paper := k.create("product.product", orm.Values{"name": "Paper", "type": "consu"})
	help := k.create("product.product", orm.Values{"name": "Help", "type": "service"})
	o := k.order(item{lamp, 3}, item{help, 2}, item{paper, 5})
	if d := k.read(o); d.WarehouseID.ID != k.ref("stock.warehouse0") || d.DeliveryCount.Get() != 0 || d.DeliveryStatus != "" || d.PickingPolicy != sale_stock.ShipDirect {
		t.Errorf("a quotation: %+v", d)
	}
	k.call("sale.order", o, "action_confirm")
	k.equal("deliveries", k.deliveries(o), "assigned: assigned 3/3 assigned 5/5; ")
	d := k.read(o)
	p := k.lastPicking(o)
	if d.DeliveryCount.Get() != 1 || p.Origin != d.Name || p.PartnerID.ID != d.ShippingID.ID || p.TypeID.ID != k.ref("stock.picking_type_out") {
		t.Errorf("the delivery of %s: %+v", d.Name, p)
	}
	k.equal("pending", k.status(o), "pending 0 0 0")
	k.validate(p, nil)
	k.equal("delivered", k.status(o), "full 3 0 5")
	if k.read(o).EffectiveDate.IsZero() {
		t.Error("no effective date")
	}
	action, ok := k.call("sale.order", o, "action_view_delivery").(map[string]any)
	if !ok || action["res_id"] != p.ID {
		t.Errorf("the stat button opens %v", action)
	}
	none := k.confirmed(item{help, 1})
	k.equal("services alone need no delivery", k.deliveries(none)+k.status(none), " 0")
}

func TestPartialDeliveriesFlowBack(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp", 10)
	o := k.confirmed(item{lamp, 5})
	p := k.lastPicking(o)
	k.check(orm.RecordsOf(k.env, p.MoveIDs.All()...).Write(orm.Values{"quantity": 2, "picked": true}))
	k.validate(p, map[string]any{"skip_backorder": true})
	k.equal("partial", k.status(o)+" "+k.deliveries(o), "partial 2 done: done 2/2; assigned: assigned 3/3; ")
	k.validate(k.lastPicking(o), nil)
	k.equal("full", k.status(o), "full 5")
}

func TestReturnsLowerWhatIsDelivered(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp", 10)
	o := k.confirmed(item{lamp, 4})
	p := k.lastPicking(o)
	k.validate(p, nil)
	r, err := stock.CreateReturn(k.env, p.ID, []stock.ReturnItem{{Move: p.MoveIDs.IDs()[0], Quantity: decimal.NewFromInt(1)}})
	k.check(err)
	back := k.lastPicking(o)
	if back.ID != r.ID {
		t.Fatal("the return is not the order's")
	}
	k.equal("on its way back", k.status(o), "partial 4")
	k.validate(back, nil)
	k.equal("back", k.status(o), "full 3")
	kept, err := stock.CreateReturn(k.env, p.ID, []stock.ReturnItem{{Move: p.MoveIDs.IDs()[0], Quantity: decimal.NewFromInt(1), Keep: true}})
	k.check(err)
	_, err = k.env.Model("stock.picking").Browse(kept.ID).Call("button_validate", orm.Args{})
	k.check(err)
	k.equal("to be replaced", k.status(o), "full 3")
	free, err := k.env.Model("product.product").Browse(lamp).Value("free_qty")
	k.check(err)
	k.equal("on the shelf again", fmt.Sprint(free), "8")
}

func TestQuantitiesOfConfirmedOrders(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp, desk := k.product("Lamp", 20), k.product("Desk", 20)
	o := k.confirmed(item{lamp, 3})
	line := k.env.Model("sale.order.line").Browse(k.read(o).Lines.IDs()...)
	k.check(line.Write(orm.Values{"product_uom_qty": 5}))
	k.equal("raised", k.deliveries(o), "assigned: assigned 5/5; ")
	k.check(line.Write(orm.Values{"product_uom_qty": 4}))
	k.equal("lowered", k.deliveries(o), "assigned: assigned 4/4; ")
	k.check(k.env.Model("sale.order").Browse(o).Write(orm.Values{"order_line": []any{[]any{0, 0, map[string]any{"product_id": desk, "product_uom_qty": 2}}}}))
	k.equal("a line more", k.deliveries(o), "assigned: assigned 4/4 assigned 2/2; ")
	second := k.env.Model("sale.order.line").Browse(k.read(o).Lines.IDs()[1])
	k.check(second.Write(orm.Values{"product_uom_qty": 0}))
	k.equal("a line less", k.deliveries(o), "assigned: assigned 4/4 cancel 0/2; ")
	k.refused(line.Write(orm.Values{"product_id": desk}), orm.CodeUser)
	if v, err := line.Value("product_updatable"); err != nil || v != false {
		t.Errorf("the product of a line under way can be replaced: %v, %v", v, err)
	}
	k.validate(k.lastPicking(o), nil)
	k.refused(line.Write(orm.Values{"product_uom_qty": 3}), orm.CodeUser)
	k.check(line.Write(orm.Values{"product_uom_qty": 6}))
	k.equal("raised after the delivery", k.deliveries(o), "done: done 4/4 cancel 0/2; assigned: assigned 2/2; ")
	k.equal("status", k.status(o), "partial 4 0")
}

func TestCancellingAnOrderCancelsWhatIsOpen(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp", 10)
	o := k.confirmed(item{lamp, 5})
	p := k.lastPicking(o)
	k.check(orm.RecordsOf(k.env, p.MoveIDs.All()...).Write(orm.Values{"quantity": 2, "picked": true}))
	k.validate(p, map[string]any{"skip_backorder": true})
	k.call("sale.order", o, "action_cancel")
	k.equal("cancelled", k.deliveries(o), "done: done 2/2; cancel: cancel 0/3; ")
	free, err := k.env.Model("product.product").Browse(lamp).Value("free_qty")
	k.check(err)
	k.equal("free again", fmt.Sprint(free), "8")
	k.call("sale.order", o, "action_draft")
	k.call("sale.order", o, "action_confirm")
	k.equal("confirmed again: the rest", k.deliveries(o), "done: done 2/2; cancel: cancel 0/3; assigned: assigned 3/3; ")
}

func TestUnitsAndOrdersOfDozens(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp", 30)
	o := k.create("sale.order", orm.Values{"partner_id": k.create("res.partner", orm.Values{"name": "Ann"}), "order_line": []any{
		[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 2, "product_uom_id": k.ref("uom.product_uom_dozen"), "price_unit": 100}}}})
	k.call("sale.order", o, "action_confirm")
	k.equal("in the unit of the product", k.deliveries(o), "assigned: assigned 24/24; ")
	k.validate(k.lastPicking(o), nil)
	k.equal("in the unit of the line", k.status(o), "full 2")
}

func TestOrdersOfSeveralWarehousesAndDates(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp", 5)
	east := k.create("stock.warehouse", orm.Values{"name": "East", "code": "EAST"})
	a, b := k.order(item{lamp, 2}), k.order(item{lamp, 2})
	k.check(k.env.Model("sale.order").Browse(b).Write(orm.Values{"warehouse_id": east, "commitment_date": "2030-05-04 10:00:00", "picking_policy": "one"}))
	_, err := k.env.Model("sale.order").Browse(a, b).Call("action_confirm", orm.Args{})
	k.check(err)
	k.equal("main", k.deliveries(a), "assigned: assigned 2/2; ")
	k.equal("east has none", k.deliveries(b), "confirmed: confirmed 0/2; ")
	if p := k.lastPicking(b); p.ScheduledDate.String() != "2030-05-04 10:00:00" || p.MoveType != stock.ShipOne {
		t.Errorf("the delivery is planned for %s, %s", p.ScheduledDate, p.MoveType)
	}
	k.refused(k.env.Model("sale.order").Browse(a).Write(orm.Values{"warehouse_id": east}), orm.CodeUser)
	other := k.create("res.partner", orm.Values{"name": "Warehouse of Ann"})
	k.check(k.env.Model("sale.order").Browse(a).Write(orm.Values{"partner_shipping_id": other}))
	if p := k.lastPicking(a); p.PartnerID.ID != other {
		t.Error("the delivery does not follow the address")
	}
}

func TestASalesmanConfirmsWithoutRightsToTheInventory(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp", 5)
	u := k.create("res.users", orm.Values{"name": "Sam", "login": "sam", "group_ids": []any{[]any{4, k.ref("base.group_user")}, []any{4, k.ref("sales_team.group_sale_salesman")}}})
	sam := &kit{t, k.env.WithUser(u)}
	partner := k.create("res.partner", orm.Values{"name": "Ann"})
	o := sam.create("sale.order", orm.Values{"partner_id": partner, "user_id": u, "order_line": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 3}}}})
	sam.call("sale.order", o, "action_confirm")
	sam.equal("sees the delivery", sam.deliveries(o), "assigned: assigned 3/3; ")
	_, err := sam.env.Model("stock.picking").Browse(sam.lastPicking(o).ID).Call("button_validate", orm.Args{})
	k.refused(err, orm.CodeAccess)
}

func TestConfirmingManyLinesTakesNoQueryPerLine(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	var few, many []item
	for i := range 30 {
		p := k.product(fmt.Sprintf("Lamp %02d", i), 50)
		many = append(many, item{p, float64(1 + i)})
	}
	few = many[:3]
	cost := func(items []item) int {
		o := k.order(items...)
		k.check(k.env.Flush())
		before := k.env.Queries()
		k.call("sale.order", o, "action_confirm")
		k.check(k.env.Flush())
		return k.env.Queries() - before
	}
	a, b := cost(few), cost(many)
	t.Logf("confirming takes %d queries", b)
	if b > a {
		t.Errorf("3 lines take %d queries, 30 take %d", a, b)
	}
	if b > 120 {
		t.Errorf("confirming takes %d queries", b)
	}
}
