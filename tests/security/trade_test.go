package security

import (
	"errors"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/standard"
)

// allAddons is every addon there is, in the order of their dependencies.
func allAddons() []module.Addon {
	return standard.Program().Addons
}

// trade is the business of a small firm, as far as the addons of a database
// know it: of everything there is something, and it hangs together.
type trade struct {
	env  *orm.Env
	errs []error
	ids  map[string]int64 // records made, by a name
}

// doTrade makes the records of a firm.
func doTrade(t *testing.T, db *orm.DB) map[string]int64 {
	t.Helper()
	d := &trade{ids: map[string]int64{}}
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		d.env = env.WithUser(2).Sudo()
		d.people()
		d.goods()
		d.books()
		d.sales()
		d.transfers()
		d.store()
		return errors.Join(d.errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return d.ids
}

func (d *trade) has(model string) bool {
	_, ok := d.env.Registry().Model(model)
	return ok
}

func (d *trade) note(err error) {
	if err != nil {
		d.errs = append(d.errs, err)
	}
}

// make creates a record and keeps its id under a name.
func (d *trade) make(name, model string, vals orm.Values) int64 {
	made, err := d.env.Model(model).Create(vals)
	d.note(err)
	if err != nil {
		return 0
	}
	d.ids[name] = made.ID()
	return made.ID()
}

// ref is the id of a record of an addon's data.
func (d *trade) ref(xmlid string) int64 {
	rs, err := d.env.Ref(xmlid)
	d.note(err)
	if err != nil {
		return 0
	}
	return rs.ID()
}

func (d *trade) call(model string, id int64, method string, kw map[string]any) any {
	v, err := d.env.Model(model).Browse(id).Call(method, orm.Args{Kw: kw})
	d.note(err)
	return v
}

func (d *trade) people() {
	firm := d.make("firm", "res.partner", orm.Values{"name": "Firm", "is_company": true, "email": "firm@else.example", "vat": "X1"})
	d.make("ann", "res.partner", orm.Values{"name": "Ann", "parent_id": firm, "email": "ann@else.example",
		"category_id": []any{[]any{0, 0, map[string]any{"name": "Friends"}}}, "bank_ids": []any{[]any{0, 0, map[string]any{"acc_number": "CH123"}}}})
	d.make("bank", "res.partner.bank", orm.Values{"acc_number": "CH124", "partner_id": d.ref("base.main_partner")})
	d.make("file", "ir.attachment", orm.Values{"name": "ann.txt", "raw": []byte("about Ann"), "res_model": "res.partner", "res_id": d.ids["ann"]})
	if !d.has("mail.message") {
		return
	}
	me := d.env.PartnerID()
	d.call("res.partner", d.ids["ann"], "message_post", map[string]any{"body": "Hello", "message_type": "comment", "subtype_xmlid": "mail.mt_comment", "partner_ids": []any{d.ids["firm"], me}})
	d.call("res.partner", d.ids["ann"], "message_subscribe", map[string]any{"partner_ids": []any{me}})
	d.call("res.partner", d.ids["ann"], "activity_schedule", map[string]any{"summary": "Call"})
	d.make("template", "mail.template", orm.Values{"name": "Greeting", "model_id": d.ref("base.model_res_partner"), "subject": "Hello {{ object.name }}"})
	rows, err := ormtest.Texts(d.env, "SELECT m.id FROM mail_message m WHERE m.model = 'res.partner' AND m.res_id = ? ORDER BY m.id DESC LIMIT 1", d.ids["ann"])
	d.note(err)
	if len(rows) > 0 {
		_, err = d.env.Exec(orm.SQL("INSERT INTO mail_mail (mail_message_id, state, email_to) VALUES (?, 'exception', 'x@else.example')", ormtest.Int(rows[0][0])))
		d.note(err)
	}
}

func (d *trade) goods() {
	if !d.has("product.template") {
		return
	}
	categ := d.make("categ", "product.category", orm.Values{"name": "Furniture"})
	size := d.make("size", "product.attribute", orm.Values{"name": "Size", "value_ids": []any{[]any{0, 0, map[string]any{"name": "Small"}}, []any{0, 0, map[string]any{"name": "Large"}}}})
	values, err := d.env.Model("product.attribute.value").Search(orm.Leaf("attribute_id", "=", size), orm.SearchOptions{})
	d.note(err)
	d.make("desk", "product.template", orm.Values{"name": "Desk", "categ_id": categ, "list_price": 100,
		"attribute_line_ids": []any{[]any{0, 0, map[string]any{"attribute_id": size, "value_ids": []any{[]any{6, 0, anyIDs(values.IDs)}}}}},
		"product_tag_ids":    []any{[]any{0, 0, map[string]any{"name": "New"}}},
	})
	d.make("lamp", "product.product", orm.Values{"name": "Lamp", "type": "consu", "list_price": 100, "categ_id": categ, "default_code": "LAMP"})
	d.make("rare", "product.product", orm.Values{"name": "Rare", "type": "consu"})
	lamp, err := d.env.Model("product.product").Browse(d.ids["lamp"]).ValueID("product_tmpl_id")
	d.note(err)
	d.ids["lamp template"] = lamp
	d.make("pricelist", "product.pricelist", orm.Values{"name": "Friends", "item_ids": []any{
		[]any{0, 0, map[string]any{"applied_on": "1_product", "product_tmpl_id": d.ids["lamp template"], "compute_price": "fixed", "fixed_price": 90}},
		[]any{0, 0, map[string]any{"applied_on": "0_product_variant", "product_tmpl_id": d.ids["lamp template"], "product_id": d.ids["lamp"], "compute_price": "fixed", "fixed_price": 80}}}})
}

func anyIDs(ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

func (d *trade) books() {
	if !d.has("account.move") {
		return
	}
	line := []any{[]any{0, 0, map[string]any{"name": "Work", "quantity": 1, "price_unit": 100}}}
	for name, kind := range map[string]string{"invoice": "out_invoice", "bill": "in_invoice", "second invoice": "out_invoice"} {
		id := d.make(name, "account.move", orm.Values{"move_type": kind, "partner_id": d.ids["firm"], "invoice_date": d.env.Today(), "ref": name, "invoice_line_ids": line})
		d.call("account.move", id, "action_post", nil)
	}
	d.make("draft invoice", "account.move", orm.Values{"move_type": "out_invoice", "partner_id": d.ids["firm"], "invoice_line_ids": line})
	d.pay("invoice", 60)
	credit := d.make("credit", "account.move", orm.Values{"move_type": "out_refund", "partner_id": d.ids["firm"], "invoice_date": d.env.Today(), "invoice_line_ids": line})
	d.call("account.move", credit, "action_post", nil)
}

func (d *trade) pay(invoice string, amount int) {
	w, err := d.env.WithContext(map[string]any{"active_model": "account.move", "active_ids": []int64{d.ids[invoice]}}).Model("account.payment.register").Create(orm.Values{"amount": amount})
	d.note(err)
	if err == nil {
		_, err = w.Call("action_create_payments", orm.Args{})
		d.note(err)
	}
}

func (d *trade) sales() {
	if !d.has("sale.order") {
		return
	}
	if d.has("stock.picking") {
		d.note(d.env.Model("product.product").Browse(d.ids["lamp"], d.ids["rare"]).Write(orm.Values{"is_storable": true}))
		d.note(stock.ApplyCounts(d.env, stock.Count{Product: d.ids["lamp"], Location: d.ref("stock.stock_location_stock"), Quantity: decimal.NewFromInt(20)}))
	}
	line := func(n int) []any {
		return []any{[]any{0, 0, map[string]any{"product_id": d.ids["lamp"], "product_uom_qty": n, "price_unit": 10}}}
	}
	d.make("quotation", "sale.order", orm.Values{"partner_id": d.ids["ann"], "order_line": line(1)})
	order := d.make("order", "sale.order", orm.Values{"partner_id": d.ids["ann"], "order_line": line(4), "user_id": int64(2)})
	d.call("sale.order", order, "action_confirm", nil)
	w, err := d.env.WithContext(map[string]any{"active_model": "sale.order", "active_ids": []int64{order}}).Model("sale.advance.payment.inv").Create(orm.Values{"advance_payment_method": "percentage", "amount": 50})
	d.note(err)
	if err != nil {
		return
	}
	_, err = w.Call("create_invoices", orm.Args{})
	d.note(err)
	v, err := d.env.Model("sale.order").Browse(order).Value("invoice_ids")
	d.note(err)
	if ids, _ := v.([]int64); len(ids) > 0 {
		d.ids["order invoice"] = ids[0]
		d.call("account.move", ids[0], "action_post", nil)
		d.pay("order invoice", 1)
	}
}

func (d *trade) transfers() {
	if !d.has("stock.picking") {
		return
	}
	if d.ids["lamp"] != 0 && !d.has("sale.order") {
		d.note(d.env.Model("product.product").Browse(d.ids["lamp"], d.ids["rare"]).Write(orm.Values{"is_storable": true}))
		d.note(stock.ApplyCounts(d.env, stock.Count{Product: d.ids["lamp"], Location: d.ref("stock.stock_location_stock"), Quantity: decimal.NewFromInt(20)}))
	}
	transfer := func(name, product string, n int, more orm.Values) int64 {
		t, err := orm.Get[stock.PickingType](d.env, d.ref("stock.picking_type_out"))
		d.note(err)
		if err != nil {
			return 0
		}
		from, to := t.SourceID.ID, t.DestID.ID
		if to == 0 {
			to = d.ref("stock.stock_location_customers")
		}
		vals := orm.Values{"partner_id": d.ids["ann"], "picking_type_id": t.ID, "location_id": from, "location_dest_id": to, "scheduled_date": "2020-01-01 00:00:00",
			"move_ids": []any{[]any{0, 0, map[string]any{"product_id": d.ids[product], "product_uom_qty": n, "location_id": from, "location_dest_id": to}}}}
		for k, v := range more {
			vals[k] = v
		}
		return d.make(name, "stock.picking", vals)
	}
	transfer("draft", "lamp", 1, nil)
	d.call("stock.picking", transfer("ready", "lamp", 1, nil), "action_confirm", nil)
	d.call("stock.picking", d.ids["ready"], "action_assign", nil)
	done := transfer("done", "lamp", 2, nil)
	d.call("stock.picking", done, "action_confirm", nil)
	d.call("stock.picking", done, "action_assign", nil)
	d.call("stock.picking", done, "button_validate", nil)
	p, err := orm.Get[stock.Picking](d.env, done, "move_ids")
	d.note(err)
	if err == nil {
		back, err := stock.CreateReturn(d.env, done, []stock.ReturnItem{{Move: p.MoveIDs.IDs()[0], Quantity: decimal.NewFromInt(1)}})
		d.note(err)
		if err == nil {
			d.ids["return"] = back.ID
		}
	}
	d.call("stock.picking", transfer("waiting", "rare", 1, orm.Values{"backorder_id": d.ids["ready"]}), "action_confirm", nil)
	d.make("scrap", "stock.scrap", orm.Values{"product_id": d.ids["lamp"], "scrap_qty": 1})
}

func (d *trade) store() {
	if !d.has("woo.instance") {
		return
	}
	shop := d.make("shop", "woo.instance", orm.Values{"name": "Shop", "url": "https://shop.example", "consumer_key": "ck_1", "consumer_secret": "cs_1"})
	d.make("map", "woo.product.map", orm.Values{"instance_id": shop, "woo_id": 1, "woo_name": "Lamp", "state": "mapped", "product_id": d.ids["lamp"]})
	d.make("loose map", "woo.product.map", orm.Values{"instance_id": shop, "woo_id": 2, "woo_name": "Desk", "suggested_product_id": d.ids["lamp"]})
	d.make("woo order", "woo.order", orm.Values{"instance_id": shop, "company_id": d.env.Company(), "woo_id": 1, "number": "1", "state": "imported", "sale_order_id": d.ids["order"]})
	d.make("held", "woo.order", orm.Values{"instance_id": shop, "company_id": d.env.Company(), "woo_id": 2, "number": "2", "state": "held"})
	d.make("log", "woo.sync.log", orm.Values{"instance_id": shop, "company_id": d.env.Company(), "direction": "woo_to_odoo", "sync_type": "order", "state": "failed", "message": "It failed."})
	d.make("woo customer", "woo.customer", orm.Values{"instance_id": shop, "company_id": d.env.Company(), "woo_customer_id": 1, "store_key": "1", "woo_email": "ann@else.example", "partner_id": d.ids["ann"]})
	d.make("tax map", "woo.tax.map", orm.Values{"instance_id": shop, "company_id": d.env.Company(), "woo_rate_id": 1, "name": "VAT"})
}
