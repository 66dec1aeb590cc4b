package woocommerce

import (
	"fmt"
	"html"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"
)

func (imp *orderImport) money(d decimal.Decimal) string {
	return money(d, imp.cur.places, imp.o.Currency)
}

// createDocuments makes the sale order and, if it is confirmed, its invoice, and refuses
// them when they do not equal what the store charged.
func (imp *orderImport) createDocuments() (string, error) {
	head, lines, err := imp.prepare()
	if err != nil {
		return "", err
	}
	var order *sale.Order
	if imp.rec != nil && imp.rec.SaleID.IsSet() {
		// cancelled earlier, and alive in the store again
		if order, err = imp.rewriteOrder(head, lines); err != nil {
			return "", err
		}
	} else {
		cmds := make([]orm.Command, len(lines))
		for i, l := range lines {
			cmds[i] = orm.CreateLine(l)
		}
		head["order_line"] = cmds
		made, err := imp.env.Model("sale.order").Create(head)
		if err != nil {
			return "", err
		}
		if order, err = orm.Get[sale.Order](imp.env, made.ID()); err != nil {
			return "", err
		}
	}
	return imp.confirmAndInvoice(order)
}

// confirmAndInvoice confirms an order that is not yet, compares it with the store, and
// invoices it. A quotation is left to a person.
func (imp *orderImport) confirmAndInvoice(order *sale.Order) (string, error) {
	if order.State != sale.OrderSale && imp.o.Class.Confirmed() {
		if _, err := orm.Invoke(imp.env, sale.ActionConfirm, []*sale.Order{order}); err != nil {
			return "", err
		}
	}
	if err := orm.Reload(imp.env, []*sale.Order{order}, "order_line"); err != nil {
		return "", err
	}
	imp.bind(order.Lines.All())
	if err := imp.compare("sale order", order.AmountUntaxed, order.AmountTax, order.AmountTotal, order.CurrencyID.ID); err != nil {
		return "", err
	}
	if err := imp.compareShipping(order); err != nil {
		return "", err
	}
	imp.vals["sale_order_id"], imp.vals["partner_id"] = order.ID, order.PartnerID.ID
	imp.vals["taken_total"], imp.vals["change_refused"] = order.AmountTotal, false
	if order.State != sale.OrderSale {
		imp.vals["open_lines"] = openLines(&imp.o)
		return order.Name, nil
	}
	imp.vals["open_lines"] = nil
	return order.Name, imp.invoice(order)
}

// prepare gathers the values of the sale order and of its lines. What lacks is
// told all at once.
func (imp *orderImport) prepare() (head orm.Values, lines []orm.Values, err error) {
	lacks := &missingRecords{}
	if err := imp.checkCurrency(lacks); err != nil {
		return nil, nil, err
	}
	pricelist, err := pricelistOf(imp.env, imp.inst, imp.cur.id)
	if err != nil {
		return nil, nil, err
	}
	if pricelist == 0 {
		lacks.currency = imp.cur.id
	}
	taxes, err := imp.taxes(lacks)
	if err != nil {
		return nil, nil, err
	}
	products, err := imp.products(lacks)
	if err != nil {
		return nil, nil, err
	}
	if lacks.currency != 0 || lacks.rates || len(lacks.products) > 0 {
		return nil, nil, lacks
	}
	who, err := orderPartnersOf(imp.env, imp.inst, &imp.o)
	if err != nil {
		return nil, nil, err
	}
	for i := range imp.o.Lines {
		lines = append(lines, imp.line(i, products, taxes))
	}
	head = orm.Values{"company_id": imp.inst.CompanyID.ID, "partner_id": who.partner, "partner_invoice_id": who.invoice, "partner_shipping_id": who.delivery,
		"pricelist_id": pricelist, "currency_id": imp.cur.id, "client_order_ref": imp.o.Number, "origin": imp.inst.Name + " #" + imp.o.Number,
		"date_order": orm.DatetimeOf(imp.o.Created), "tax_rounding_method": "round_per_line", "user_id": nil,
		"woo_number": imp.o.Number, "woo_payment": imp.o.Payment.Title}
	if imp.o.Created.IsZero() {
		head["date_order"] = orm.DatetimeOf(imp.env.Now())
	}
	if imp.o.Remark != "" {
		head["note"] = "<p>" + strings.ReplaceAll(html.EscapeString(imp.o.Remark), "\n", "<br>") + "</p>"
	}
	if imp.inst.WarehouseID.IsSet() {
		head["warehouse_id"] = imp.inst.WarehouseID.ID
	}
	if imp.inst.FiscalPosition.IsSet() {
		head["fiscal_position_id"] = imp.inst.FiscalPosition.ID
	}
	return head, lines, nil
}

// checkCurrency makes sure that the order's currency can be booked.
func (imp *orderImport) checkCurrency(lacks *missingRecords) error {
	if imp.cur.id == 0 {
		return holdf("The currency %s is not known here. Add it under Settings, Currencies, then import the order again.", imp.o.Currency)
	}
	if !imp.cur.active {
		lacks.currency, lacks.inactive = imp.cur.id, true
	}
	own, err := base.CompanyCurrency(imp.env, imp.inst.CompanyID.ID)
	if err != nil || own == imp.cur.id {
		return err
	}
	rates, err := imp.env.Sudo().Model("res.currency.rate").SearchCount(orm.And(orm.Leaf("currency_id", "in", []int64{imp.cur.id, own}), orm.Leaf("company_id", "in", []any{imp.inst.CompanyID.ID, false})), 1)
	if err != nil {
		return err
	}
	if rates == 0 {
		return holdf("There is no exchange rate for %s, so the order cannot be booked. Enter one under Settings, Currencies, then import the order again.", imp.o.Currency)
	}
	return nil
}

// taxes are the ERP's taxes of the order's rates, by rate id.
func (imp *orderImport) taxes(lacks *missingRecords) (map[int64]int64, error) {
	if len(imp.o.Rates) == 0 {
		return nil, nil
	}
	maps, err := taxMaps(imp.env, imp.inst)
	if err != nil {
		return nil, err
	}
	out := map[int64]int64{}
	for _, r := range imp.o.Rates {
		m := findRate(maps, r.ID, r.Percent)
		if m == nil || !m.TaxID.IsSet() {
			lacks.rates = true
			continue
		}
		out[r.ID] = m.TaxID.ID
	}
	return out, nil
}

// lineProduct is the product a line is sold as.
type lineProduct struct{ product, unit int64 }

// products are the products of the lines, by the line's place.
func (imp *orderImport) products(lacks *missingRecords) (map[int]lineProduct, error) {
	byRemote, err := imp.productMaps()
	if err != nil {
		return nil, err
	}
	chosen := map[int]int64{}
	var ids []int64
	for i, l := range imp.o.Lines {
		id := int64(0)
		switch l.Kind {
		case ordermap.Note:
			continue
		case ordermap.Shipping:
			id, err = imp.specialProduct(imp.inst.ShippingID.ID, "Shipping Product")
		case ordermap.Fee:
			id, err = imp.specialProduct(imp.inst.FeeID.ID, "Fee Product")
		case ordermap.Rounding:
			id, err = imp.specialProduct(imp.inst.RoundingID.ID, "Rounding Product")
		default:
			id, err = imp.goodsProduct(l, byRemote, lacks)
		}
		if err != nil {
			return nil, err
		}
		if id == 0 {
			continue // it lacks, and is fetched before the order is tried again
		}
		chosen[i] = id
		ids = append(ids, id)
	}
	// SQL: the units of all products of an order, archived or gone, in one statement.
	rows, err := orm.Rows[[2]int64](imp.env, orm.SQL("SELECT p.id, t.uom_id FROM product_product p JOIN product_template t ON t.id = p.product_tmpl_id WHERE p.id = ANY(?)", ids).
		Reads("product.product", "product_tmpl_id").Reads("product.template", "uom_id"))
	if err != nil {
		return nil, err
	}
	units := map[int64]int64{}
	for _, r := range rows {
		units[r[0]] = r[1]
	}
	out := map[int]lineProduct{}
	for i, id := range chosen {
		if out[i], err = lineProductOf(id, units); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// productMaps reads the mapping of the order's products.
func (imp *orderImport) productMaps() (map[int64]*ProductMap, error) {
	var remote []any
	for _, l := range imp.o.Lines {
		if id := remoteID(l); l.Kind == ordermap.Product && id != 0 {
			remote = append(remote, id)
		}
	}
	out := map[int64]*ProductMap{}
	if len(remote) == 0 {
		return out, nil
	}
	list, err := orm.Search[ProductMap](imp.env, orm.And(orm.Leaf("instance_id", "=", imp.inst.ID), orm.Leaf("woo_id", "in", remote)), orm.SearchOptions{})
	for _, m := range list {
		out[m.RemoteID] = m
	}
	return out, err
}

// specialProduct is the product of lines that are no goods.
func (imp *orderImport) specialProduct(id int64, label string) (int64, error) {
	if id == 0 {
		return 0, holdf("The instance %s has no %s. Choose one under Policies, then import the order again.", imp.inst.Name, label)
	}
	return id, nil
}

// goodsProduct is the product of a line of goods: the mapped one, else what the policy
// for unknown products says.
func (imp *orderImport) goodsProduct(l ordermap.Line, byRemote map[int64]*ProductMap, lacks *missingRecords) (int64, error) {
	id := remoteID(l)
	m := byRemote[id]
	if m != nil && m.ProductID.IsSet() {
		return m.ProductID.ID, nil
	}
	if id != 0 && !imp.tried[id] && (m == nil || imp.inst.UnknownProduct == UnknownCreate) {
		lacks.products = append(lacks.products, l)
		return 0, nil
	}
	if imp.inst.UnknownProduct == UnknownHold {
		if id == 0 {
			return 0, holdf("The product of “%s” was deleted in the store, so nobody can tell which product it is. Set Unknown Product of the instance to the placeholder product, then import the order again.", l.Name)
		}
		return 0, holdf("The product “%s” (SKU %s, store id %d) is not mapped. Map it under Product Mapping, then import the order again.", l.Name, orNone(l.SKU), id)
	}
	// There is nothing to make a product of once the store has deleted it.
	return imp.specialProduct(imp.inst.PlaceholderID.ID, "Placeholder Product")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// lineProductOf adds the unit of measure of a product.
func lineProductOf(id int64, units map[int64]int64) (lineProduct, error) {
	unit, ok := units[id]
	if !ok {
		return lineProduct{}, fmt.Errorf("product %d has gone", id)
	}
	return lineProduct{id, unit}, nil
}

// line are the values of a line of the sale order.
func (imp *orderImport) line(i int, products map[int]lineProduct, taxes map[int64]int64) orm.Values {
	l := imp.o.Lines[i]
	name := strings.Join(append([]string{l.Name}, l.Details...), "\n")
	if l.Kind == ordermap.Note {
		return orm.Values{"display_type": "line_note", "name": name, "sequence": 10 + i}
	}
	override := map[int64]decimal.Decimal{}
	ids := []int64{}
	for _, x := range l.Taxes {
		id := taxes[x.RateID]
		if _, ok := override[id]; !ok {
			ids = append(ids, id)
		}
		override[id] = override[id].Add(x.Amount) // two rates of the store may be one tax here
	}
	return orm.Values{"product_id": products[i].product, "product_uom_id": products[i].unit, "name": name, "product_uom_qty": l.Quantity, "price_unit": l.Price,
		"discount": l.Discount, "tax_ids": []orm.Command{orm.SetIDs(ids...)}, "tax_override": account.NewTaxOverride(override), "sequence": 10 + i}
}

// bind ties the store's lines to those of the sale order: those that were
// there before to what they were tied to, the others in their order to the
// lines that are new.
func (imp *orderImport) bind(lines []*sale.OrderLine) {
	var fresh []int64
	for _, l := range lines {
		if !imp.had[l.ID] {
			fresh = append(fresh, l.ID)
		}
	}
	imp.binds = []orm.Values{}
	for _, l := range imp.o.Lines {
		b := orm.Values{"line_key": l.Key, "woo_line_id": l.LineID, "kind": string(l.Kind), "name": l.Name, "quantity": l.Quantity, "total": l.Total,
			"woo_product_id": l.ProductID, "woo_variation_id": l.VariationID}
		if id, ok := imp.bound[l.Key]; ok {
			b["sale_line_id"] = id
		} else if len(fresh) > 0 {
			b["sale_line_id"], fresh = fresh[0], fresh[1:]
		}
		imp.binds = append(imp.binds, b)
	}
}

// compare refuses a document that does not equal what the store charged.
func (imp *orderImport) compare(what string, untaxed, tax, total decimal.Decimal, currency int64) error {
	w := imp.o.Totals
	if currency != imp.cur.id {
		return holdf("The %s would be in another currency than the store's %s.", what, imp.o.Currency)
	}
	if untaxed.Equal(w.Untaxed) && tax.Equal(w.Tax) && total.Equal(w.Total) {
		return nil
	}
	return holdf("The %s would come to %s without tax, %s of tax and %s in all, but the store charged %s, %s and %s. Check the taxes that the store's rates are mapped to, then import the order again.",
		what, imp.money(untaxed), imp.money(tax), imp.money(total), imp.money(w.Untaxed), imp.money(w.Tax), imp.money(w.Total))
}

// compareShipping compares what is charged for shipping, without tax.
func (imp *orderImport) compareShipping(order *sale.Order) error {
	want, got := decimal.Zero, decimal.Zero
	for _, l := range imp.o.Lines {
		if l.Kind == ordermap.Shipping {
			want = want.Add(l.Total)
		}
	}
	ids := map[int64]bool{}
	for _, b := range imp.binds {
		if id, ok := b["sale_line_id"].(int64); ok && b["kind"] == string(ordermap.Shipping) {
			ids[id] = true
		}
	}
	for _, l := range order.Lines.All() {
		if ids[l.ID] {
			got = got.Add(l.PriceSubtotal)
		}
	}
	if got.Equal(want) {
		return nil
	}
	return holdf("The sale order would charge %s for shipping, but the store charged %s.", imp.money(got), imp.money(want))
}

// pricelistOf is a pricelist of the company in a currency, 0 when there is none.
func pricelistOf(env *orm.Env, inst *Instance, currency int64) (int64, error) {
	return orm.Memo(env, "woo.pricelist:"+itoa(inst.ID)+":"+itoa(currency), func() (int64, error) {
		rs, err := env.Model("product.pricelist").Search(orm.And(orm.Leaf("currency_id", "=", currency), orm.Leaf("company_id", "in", []any{false, inst.CompanyID.ID})), orm.SearchOptions{Limit: 1, Order: "sequence, id"})
		return rs.ID(), err
	})
}

// enableCurrency makes a currency usable: active, and with a pricelist.
func enableCurrency(env *orm.Env, inst *Instance, currency int64, activate bool) error {
	if activate {
		if err := env.Model("res.currency").Browse(currency).Write(orm.Values{"active": true}); err != nil {
			return err
		}
	}
	old, err := pricelistOf(env, inst, currency)
	if err != nil || old != 0 {
		return err
	}
	c, err := orm.Get[base.Currency](env, currency)
	if err != nil {
		return err
	}
	_, err = env.Model("product.pricelist").Create(orm.Values{"name": "WooCommerce " + c.Name, "currency_id": currency, "company_id": inst.CompanyID.ID})
	return err
}
