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

func (t *taking) money(d decimal.Decimal) string { return money(d, t.cur.places, t.o.Currency) }

// document makes the confirmed sale order and its draft invoice, and refuses
// them when they do not equal what the store charged.
func (t *taking) document() (string, error) {
	head, lines, err := t.prepare()
	if err != nil {
		return "", err
	}
	var order *sale.Order
	if t.rec != nil && t.rec.SaleID.IsSet() {
		// cancelled earlier, and alive in the store again
		if order, err = t.rewrite(head, lines); err != nil {
			return "", err
		}
	} else {
		cmds := make([]orm.Command, len(lines))
		for i, l := range lines {
			cmds[i] = orm.CreateLine(l)
		}
		head["order_line"] = cmds
		made, err := t.env.Model("sale.order").Create(head)
		if err != nil {
			return "", err
		}
		if order, err = orm.Get[sale.Order](t.env, made.ID()); err != nil {
			return "", err
		}
	}
	return t.finish(order)
}

// finish confirms an order, compares it with the store, and invoices it.
func (t *taking) finish(order *sale.Order) (string, error) {
	if _, err := orm.Invoke(t.env, sale.ActionConfirm, []*sale.Order{order}); err != nil {
		return "", err
	}
	if err := orm.Reload(t.env, []*sale.Order{order}, "order_line"); err != nil {
		return "", err
	}
	t.bind(order.Lines.All())
	if err := t.compare("sale order", order.AmountUntaxed, order.AmountTax, order.AmountTotal, order.CurrencyID.ID); err != nil {
		return "", err
	}
	if err := t.compareShipping(order); err != nil {
		return "", err
	}
	t.vals["sale_order_id"], t.vals["partner_id"] = order.ID, order.PartnerID.ID
	return order.Name, t.invoice(order)
}

// prepare gathers the values of the sale order and of its lines. What lacks is
// told all at once.
func (t *taking) prepare() (head orm.Values, lines []orm.Values, err error) {
	lacks := &lacking{}
	if err := t.checkCurrency(lacks); err != nil {
		return nil, nil, err
	}
	pricelist, err := pricelistOf(t.env, t.inst, t.cur.id)
	if err != nil {
		return nil, nil, err
	}
	if pricelist == 0 {
		lacks.currency = t.cur.id
	}
	taxes, err := t.taxes(lacks)
	if err != nil {
		return nil, nil, err
	}
	products, err := t.products(lacks)
	if err != nil {
		return nil, nil, err
	}
	if lacks.currency != 0 || len(lacks.rates) > 0 || len(lacks.products) > 0 {
		return nil, nil, lacks
	}
	who, err := buyerOf(t.env, t.inst, &t.o)
	if err != nil {
		return nil, nil, err
	}
	for i := range t.o.Lines {
		lines = append(lines, t.line(i, products, taxes))
	}
	head = orm.Values{"company_id": t.inst.CompanyID.ID, "partner_id": who.partner, "partner_invoice_id": who.invoice, "partner_shipping_id": who.delivery,
		"pricelist_id": pricelist, "currency_id": t.cur.id, "client_order_ref": t.o.Number, "origin": t.inst.Name + " #" + t.o.Number,
		"date_order": orm.DatetimeOf(t.o.Created), "tax_rounding_method": "round_per_line", "user_id": nil,
		"woo_number": t.o.Number, "woo_payment": t.o.Payment.Title}
	if t.o.Created.IsZero() {
		head["date_order"] = orm.DatetimeOf(t.env.Now())
	}
	if t.o.Remark != "" {
		head["note"] = "<p>" + strings.ReplaceAll(html.EscapeString(t.o.Remark), "\n", "<br>") + "</p>"
	}
	if t.inst.WarehouseID.IsSet() {
		head["warehouse_id"] = t.inst.WarehouseID.ID
	}
	if t.inst.FiscalPosition.IsSet() {
		head["fiscal_position_id"] = t.inst.FiscalPosition.ID
	}
	return head, lines, nil
}

// checkCurrency makes sure that the order's currency can be booked.
func (t *taking) checkCurrency(lacks *lacking) error {
	if t.cur.id == 0 {
		return holdf("The currency %s is not known here. Add it under Settings, Currencies, then import the order again.", t.o.Currency)
	}
	if !t.cur.active {
		lacks.currency, lacks.inactive = t.cur.id, true
	}
	own, err := base.CompanyCurrency(t.env, t.inst.CompanyID.ID)
	if err != nil || own == t.cur.id {
		return err
	}
	rates, err := t.env.Sudo().Model("res.currency.rate").SearchCount(orm.And(orm.Leaf("currency_id", "in", []int64{t.cur.id, own}), orm.Leaf("company_id", "in", []any{t.inst.CompanyID.ID, false})), 1)
	if err != nil {
		return err
	}
	if rates == 0 {
		return holdf("There is no exchange rate for %s, so the order cannot be booked. Enter one under Settings, Currencies, then import the order again.", t.o.Currency)
	}
	return nil
}

// taxes are the ERP's taxes of the order's rates, by rate id.
func (t *taking) taxes(lacks *lacking) (map[int64]int64, error) {
	if len(t.o.Rates) == 0 {
		return nil, nil
	}
	maps, err := taxMaps(t.env, t.inst)
	if err != nil {
		return nil, err
	}
	out := map[int64]int64{}
	for _, r := range t.o.Rates {
		m := findRate(maps, r.ID, r.Percent)
		if m == nil || !m.TaxID.IsSet() {
			lacks.rates = append(lacks.rates, r)
			continue
		}
		out[r.ID] = m.TaxID.ID
	}
	return out, nil
}

// sold is the product a line is sold as.
type sold struct{ product, unit int64 }

// products are the products of the lines, by the line's place.
func (t *taking) products(lacks *lacking) (map[int]sold, error) {
	byRemote, err := t.mapped()
	if err != nil {
		return nil, err
	}
	chosen := map[int]int64{}
	var ids []int64
	for i, l := range t.o.Lines {
		id := int64(0)
		switch l.Kind {
		case ordermap.Note:
			continue
		case ordermap.Shipping:
			id, err = t.special(t.inst.ShippingID.ID, "Shipping Product")
		case ordermap.Fee:
			id, err = t.special(t.inst.FeeID.ID, "Fee Product")
		case ordermap.Rounding:
			id, err = t.special(t.inst.RoundingID.ID, "Rounding Product")
		default:
			id, err = t.goods(l, byRemote, lacks)
		}
		if err != nil {
			return nil, err
		}
		chosen[i] = id
		ids = append(ids, id)
	}
	// SQL: the units of all products of an order, archived or gone, in one statement.
	rows, err := orm.Rows[[2]int64](t.env, orm.SQL("SELECT p.id, t.uom_id FROM product_product p JOIN product_template t ON t.id = p.product_tmpl_id WHERE p.id = ANY(?)", ids).
		Reads("product.product", "product_tmpl_id").Reads("product.template", "uom_id"))
	if err != nil {
		return nil, err
	}
	units := map[int64]int64{}
	for _, r := range rows {
		units[r[0]] = r[1]
	}
	out := map[int]sold{}
	for i, id := range chosen {
		if out[i], err = soldAs(id, units); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// mapped reads the mapping of the order's products.
func (t *taking) mapped() (map[int64]*ProductMap, error) {
	var remote []any
	for _, l := range t.o.Lines {
		if id := remoteID(l); l.Kind == ordermap.Product && id != 0 {
			remote = append(remote, id)
		}
	}
	out := map[int64]*ProductMap{}
	if len(remote) == 0 {
		return out, nil
	}
	list, err := orm.Search[ProductMap](t.env, orm.And(orm.Leaf("instance_id", "=", t.inst.ID), orm.Leaf("woo_id", "in", remote)), orm.SearchOptions{})
	for _, m := range list {
		out[m.RemoteID] = m
	}
	return out, err
}

// special is the product of lines that are no goods.
func (t *taking) special(id int64, label string) (int64, error) {
	if id == 0 {
		return 0, holdf("The instance %s has no %s. Choose one under Policies, then import the order again.", t.inst.Name, label)
	}
	return id, nil
}

// goods is the product of a line of goods: the mapped one, else what the policy
// for unknown products says.
func (t *taking) goods(l ordermap.Line, byRemote map[int64]*ProductMap, lacks *lacking) (int64, error) {
	id := remoteID(l)
	m := byRemote[id]
	if m != nil && m.ProductID.IsSet() {
		return m.ProductID.ID, nil
	}
	if id != 0 && !t.tried[id] && (m == nil || t.inst.UnknownProduct == "create") {
		lacks.products = append(lacks.products, l)
		return 0, nil
	}
	if t.inst.UnknownProduct == "hold" {
		if id == 0 {
			return 0, holdf("The product of “%s” was deleted in the store, so nobody can tell which product it is. Set Unknown Product of the instance to the placeholder product, then import the order again.", l.Name)
		}
		return 0, holdf("The product “%s” (SKU %s, store id %d) is not mapped. Map it under Product Mapping, then import the order again.", l.Name, orNone(l.SKU), id)
	}
	// There is nothing to make a product of once the store has deleted it.
	return t.special(t.inst.PlaceholderID.ID, "Placeholder Product")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// soldAs adds the unit of measure of a product.
func soldAs(id int64, units map[int64]int64) (sold, error) {
	unit, ok := units[id]
	if !ok {
		return sold{}, fmt.Errorf("product %d has gone", id)
	}
	return sold{id, unit}, nil
}

// line are the values of a line of the sale order.
func (t *taking) line(i int, products map[int]sold, taxes map[int64]int64) orm.Values {
	l := t.o.Lines[i]
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
func (t *taking) bind(lines []*sale.OrderLine) {
	var fresh []int64
	for _, l := range lines {
		if !t.had[l.ID] {
			fresh = append(fresh, l.ID)
		}
	}
	t.binds = []orm.Values{}
	for _, l := range t.o.Lines {
		b := orm.Values{"line_key": l.Key, "woo_line_id": l.LineID, "kind": string(l.Kind), "name": l.Name, "quantity": l.Quantity, "total": l.Total}
		if id, ok := t.bound[l.Key]; ok {
			b["sale_line_id"] = id
		} else if len(fresh) > 0 {
			b["sale_line_id"], fresh = fresh[0], fresh[1:]
		}
		t.binds = append(t.binds, b)
	}
}

// compare refuses a document that does not equal what the store charged.
func (t *taking) compare(what string, untaxed, tax, total decimal.Decimal, currency int64) error {
	w := t.o.Totals
	if currency != t.cur.id {
		return holdf("The %s would be in another currency than the store's %s.", what, t.o.Currency)
	}
	if untaxed.Equal(w.Untaxed) && tax.Equal(w.Tax) && total.Equal(w.Total) {
		return nil
	}
	return holdf("The %s would come to %s without tax, %s of tax and %s in all, but the store charged %s, %s and %s. Check the taxes that the store's rates are mapped to, then import the order again.",
		what, t.money(untaxed), t.money(tax), t.money(total), t.money(w.Untaxed), t.money(w.Tax), t.money(w.Total))
}

// compareShipping compares what is charged for shipping, without tax.
func (t *taking) compareShipping(order *sale.Order) error {
	want, got := decimal.Zero, decimal.Zero
	for _, l := range t.o.Lines {
		if l.Kind == ordermap.Shipping {
			want = want.Add(l.Total)
		}
	}
	ids := map[int64]bool{}
	for _, b := range t.binds {
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
	return holdf("The sale order would charge %s for shipping, but the store charged %s.", t.money(got), t.money(want))
}

// pricelistOf is a pricelist of the company in a currency, 0 when there is none.
func pricelistOf(env *orm.Env, inst *Instance, currency int64) (int64, error) {
	return orm.Memo(env, "woo.pricelist:"+itoa(inst.ID)+":"+itoa(currency), func() (int64, error) {
		rs, err := env.Model("product.pricelist").Search(orm.And(orm.Leaf("currency_id", "=", currency), orm.Leaf("company_id", "in", []any{false, inst.CompanyID.ID})), orm.SearchOptions{Limit: 1, Order: "sequence, id"})
		return rs.ID(), err
	})
}

// openCurrency makes a currency usable: active, and with a pricelist.
func openCurrency(env *orm.Env, inst *Instance, currency int64, activate bool) error {
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
