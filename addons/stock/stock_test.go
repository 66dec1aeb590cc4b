package stock_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), uom.Addon(), product.Addon(), stock.Addon()}
}

// number is the part of a reference that goes up.
var number = regexp.MustCompile(`[0-9]{5}$`)

// kit is a database with the inventory, and short words for what tests do.
type kit struct {
	t   *testing.T
	env *orm.Env
}

func newKit(t *testing.T) *kit {
	t.Helper()
	return &kit{t, ormtest.New(t, addons()...)}
}

// in is the same kit seen by another environment.
func (k *kit) in(env *orm.Env) *kit { return &kit{k.t, env} }

func (k *kit) check(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// refused expects an error of a code.
func (k *kit) refused(err error, code orm.Code) {
	k.t.Helper()
	if orm.CodeOf(err) != code {
		k.t.Errorf("error is %v, a %s is expected", err, code)
	}
}

func (k *kit) create(model string, vals orm.Values) orm.Records {
	k.t.Helper()
	rs, err := k.env.Model(model).Create(vals)
	k.check(err)
	return rs
}

func (k *kit) ref(xmlid string) int64 {
	k.t.Helper()
	rs, err := k.env.Ref("stock." + xmlid)
	k.check(err)
	return rs.ID()
}

// product makes a product whose quantities are counted.
func (k *kit) product(name string) int64 {
	k.t.Helper()
	return k.create("product.product", orm.Values{"name": name, "type": "consu", "is_storable": true}).ID()
}

func (k *kit) count(product, location int64, qty float64) {
	k.t.Helper()
	k.check(stock.ApplyCounts(k.env, stock.Count{Product: product, Location: location, Quantity: decimal.NewFromFloat(qty)}))
}

// delivery makes a confirmed delivery of some of each product.
func (k *kit) delivery(qty map[int64]float64) *stock.Picking {
	k.t.Helper()
	return k.confirmed(k.draft("picking_type_out", qty))
}

func (k *kit) draft(kind string, qty map[int64]float64) orm.Records {
	k.t.Helper()
	var moves []any
	for p, q := range qty {
		moves = append(moves, []any{0, 0, map[string]any{"product_id": p, "product_uom_qty": q}})
	}
	return k.create("stock.picking", orm.Values{"picking_type_id": k.ref(kind), "move_ids": moves})
}

func (k *kit) confirmed(rs orm.Records) *stock.Picking {
	k.t.Helper()
	k.call(rs, "action_confirm")
	return k.picking(rs.ID())
}

func (k *kit) picking(id int64) *stock.Picking {
	k.t.Helper()
	p, err := orm.Get[stock.Picking](k.env, id, "move_ids", "move_line_ids", "backorder_ids")
	k.check(err)
	return p
}

func (k *kit) call(rs orm.Records, method string) any {
	k.t.Helper()
	v, err := rs.Call(method, orm.Args{})
	k.check(err)
	return v
}

func (k *kit) validate(p *stock.Picking) any {
	k.t.Helper()
	return k.call(k.env.Model("stock.picking").Browse(p.ID), "button_validate")
}

// take enters what was taken in hand of the only move of a transfer.
func (k *kit) take(p *stock.Picking, qty float64) {
	k.t.Helper()
	k.check(orm.RecordsOf(k.env, p.MoveIDs.All()[0]).Write(orm.Values{"quantity": qty, "picked": true}))
}

// stock tells on hand, forecast, free, incoming and outgoing of a product.
func (k *kit) stock(product int64) string {
	k.t.Helper()
	p, err := orm.Get[stock.Product](k.env, product, "qty_available", "virtual_available", "free_qty", "incoming_qty", "outgoing_qty")
	k.check(err)
	return fmt.Sprint(p.QtyAvailable.Get(), " ", p.VirtualAvailable.Get(), " ", p.FreeQty.Get(), " ", p.IncomingQty.Get(), " ", p.OutgoingQty.Get())
}

// moves tells state, demand and quantity of the moves of a transfer.
func (k *kit) moves(picking int64) string {
	k.t.Helper()
	ms, err := orm.Search[stock.Move](k.env, orm.Leaf("picking_id", "=", picking), orm.SearchOptions{Order: "id"})
	k.check(err)
	out := ""
	for _, m := range ms {
		out += fmt.Sprintf("%s %s/%s; ", m.State, m.Quantity, m.ProductUomQty)
	}
	return out
}

// books makes sure that what quants say is reserved is what lines hold.
func (k *kit) books() {
	k.t.Helper()
	rows, err := ormtest.Texts(k.env, `SELECT product_id, location_id, sum(r), sum(l) FROM (
			SELECT product_id, location_id, reserved_quantity AS r, 0 AS l FROM stock_quant
			UNION ALL SELECT ml.product_id, ml.location_id, 0, ml.quantity_product_uom FROM stock_move_line ml JOIN stock_move m ON m.id = ml.move_id
				JOIN stock_location loc ON loc.id = ml.location_id JOIN product_product p ON p.id = ml.product_id JOIN product_template t ON t.id = p.product_tmpl_id
				WHERE m.state NOT IN ('done', 'cancel') AND t.is_storable AND loc.usage = 'internal') x
		GROUP BY 1, 2 HAVING sum(r) <> sum(l)`)
	k.check(err)
	if len(rows) > 0 {
		k.t.Errorf("reserved and held quantities differ (product, location, reserved, held): %v", rows)
	}
}

func (k *kit) equal(what, got, want string) {
	k.t.Helper()
	if got != want {
		k.t.Errorf("%s: %q, %q is expected", what, got, want)
	}
}

func TestInstallationGivesTheCompanyAWarehouse(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	w, err := orm.Get[stock.Warehouse](k.env, k.ref("warehouse0"), "lot_stock_id", "view_location_id", "out_type_id.sequence_id", "in_type_id", "int_type_id")
	k.check(err)
	k.equal("code and name", w.Code+" "+w.Name, "WH My Company")
	k.equal("locations", w.LotStockID.Rec().CompleteName+" "+w.ViewLocationID.Rec().CompleteName, "WH/Stock WH")
	if w.LotStockID.ID != k.ref("stock_location_stock") || w.OutTypeID.ID != k.ref("picking_type_out") || w.InTypeID.ID != k.ref("picking_type_in") || w.IntTypeID.ID != k.ref("picking_type_internal") {
		t.Errorf("the external ids lead elsewhere: %+v", w)
	}
	k.equal("numbers", w.OutTypeID.Rec().SequenceID.Rec().Prefix, "WH/OUT/")
	if w.OutTypeID.Rec().ReturnTypeID.ID != w.InTypeID.ID {
		t.Error("deliveries do not come back as receipts")
	}
	for xmlid, name := range map[string]string{"stock_location_customers": "Partners/Customers", "stock_location_suppliers": "Partners/Vendors", "location_inventory": "Virtual Locations/Inventory adjustment", "stock_location_scrapped": "Virtual Locations/Scrap"} {
		l, err := orm.Get[stock.Location](k.env, k.ref(xmlid))
		k.check(err)
		k.equal(xmlid, l.CompleteName, name)
	}
	n, err := k.env.Model("stock.warehouse").SearchCount(nil, 0)
	k.check(err)
	if n != 1 {
		t.Errorf("%d warehouses for one company", n)
	}
}

func TestANewCompanyGetsItsOwnWarehouse(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c := k.create("res.company", orm.Values{"name": "Beta Company"}).ID()
	w, err := orm.First[stock.Warehouse](k.env, orm.Leaf("company_id", "=", c), "", "lot_stock_id", "out_type_id")
	k.check(err)
	k.equal("warehouse", w.Code+"|"+w.Name, "Beta |Beta Company")
	k.equal("stock", w.LotStockID.Rec().CompleteName, "Beta /Stock")
	if w.OutTypeID.Rec().CompanyID.ID != c || w.LotStockID.Rec().CompanyID.ID != c {
		t.Error("the operations are another company's")
	}
	_, err = k.env.Model("stock.warehouse").Create(orm.Values{"name": "Second", "code": "Beta ", "company_id": c})
	k.refused(err, orm.CodeValidation)
}

func TestRenamingAWarehouseRenumbersItsTransfers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	w := k.env.Model("stock.warehouse").Browse(k.ref("warehouse0"))
	k.check(w.Write(orm.Values{"code": "MTL"}))
	l, err := orm.Get[stock.Location](k.env, k.ref("stock_location_stock"))
	k.check(err)
	k.equal("location", l.CompleteName, "MTL/Stock")
	p := k.delivery(map[int64]float64{k.product("Lamp"): 1})
	k.equal("number", number.ReplaceAllString(p.Name, "#"), "MTL/OUT/#")
	k.refused(w.Write(orm.Values{"active": false}), orm.CodeUser)
}
