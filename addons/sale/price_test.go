package sale_test

import (
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"
)

// shown is what people see of a line: its description, price and taxes.
func (s *shop) shown(o *sale.Order, at int) string {
	l := s.get(o.ID).Lines.All()[at]
	names := must[map[int64]string](s.T)(s.env.Model("account.tax").Browse(l.TaxIDs.IDs()...).DisplayNames())
	taxes := []string{}
	for _, id := range l.TaxIDs.IDs() {
		taxes = append(taxes, names[id])
	}
	return fmt.Sprintf("%s %s %v", l.Name, l.PriceUnit, taxes)
}

func TestALineTakesAfterItsProduct(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	widget := s.product("Widget", "10.05", orm.Values{"default_code": "W-01", "description_sale": "Blue\nround"})
	gadget := s.product("Gadget", "33.33", nil)
	o := s.order(nil, orm.Values{"product_id": widget, "product_uom_qty": 2})
	if got := s.shown(o, 0); got != "[W-01] Widget\nBlue\nround 10.05 [HST 13%]" {
		t.Error(got)
	}
	l := o.Lines.All()[0]
	if l.UoMID.ID != s.ref("uom.product_uom_unit") || l.Sequence != 10 || l.State != sale.OrderDraft || !l.QtyToInvoice.IsZero() || l.DeliveredMethod != sale.DeliveredManual {
		t.Errorf("line: %+v", l)
	}
	s.totals(o, "20.1 + 2.61 = 22.71")
	// Another product brings its own description, price and taxes.
	s.write("sale.order.line", l.ID, orm.Values{"product_id": gadget})
	if got := s.shown(o, 0); got != "Gadget 33.33 [HST 13%]" {
		t.Error(got)
	}
	// What is given is kept, what is not is proposed.
	o = s.order(nil, orm.Values{"product_id": widget, "name": "My widget"}, orm.Values{"product_id": widget, "price_unit": 0}, orm.Values{"product_id": widget, "tax_ids": set()},
		orm.Values{"product_id": widget, "product_uom_id": s.ref("uom.product_uom_dozen"), "name": "Dozen"})
	for i, want := range []string{"My widget 10.05 [HST 13%]", "[W-01] Widget\nBlue\nround 0 [HST 13%]", "[W-01] Widget\nBlue\nround 10.05 []", "Dozen 120.6 [HST 13%]"} {
		if got := s.shown(o, i); got != want {
			t.Errorf("line %d: %q, want %q", i, got, want)
		}
	}
	// As people enter them, quantities and discounts have the decimals set for their
	// kind; prices stay as given.
	o = s.order(nil, with(line(widget, "1.333", "33.335", s.hst), "discount", dec("12.345")))
	if l := o.Lines.All()[0]; fmt.Sprintln(l.Quantity, l.PriceUnit, l.Discount) != "1.33 33.335 12.35\n" {
		t.Errorf("%s × %s − %s%%", l.Quantity, l.PriceUnit, l.Discount)
	}
	if name := l.Name; name == "" {
		t.Error("the line has no description")
	}
}

func TestPricelists(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Widget", "10.05", nil)
	q := s.product("Gadget", "33.33", nil)
	list := s.create("product.pricelist", orm.Values{"name": "Base", "currency_id": s.usd, "item_ids": []orm.Command{
		orm.CreateLine(orm.Values{"applied_on": "3_global", "compute_price": "percentage", "percent_price": 10}),
		orm.CreateLine(orm.Values{"applied_on": "0_product_variant", "product_id": p, "compute_price": "fixed", "fixed_price": "9.5", "min_quantity": 5}),
		orm.CreateLine(orm.Values{"applied_on": "0_product_variant", "product_id": p, "compute_price": "fixed", "fixed_price": "9", "min_quantity": 10}),
	}})
	qty := func(product int64, n string) orm.Values {
		return orm.Values{"product_id": product, "product_uom_qty": dec(n)}
	}
	o := s.order(orm.Values{"pricelist_id": list}, qty(q, "1"), qty(p, "1"), qty(p, "5"), qty(p, "10"), line(p, "10", "7"))
	for i, want := range []string{"29.997", "9.045", "9.5", "9", "7"} {
		if got := o.Lines.All()[i].PriceUnit.String(); got != want {
			t.Errorf("line %d costs %s, not %s", i, got, want)
		}
	}
	s.write("sale.order.line", o.Lines.IDs()[1], orm.Values{"product_uom_qty": 12})
	if got := s.get(o.ID).Lines.All()[1].PriceUnit.String(); got != "9" {
		t.Errorf("12 cost %s each", got)
	}
	// Another pricelist changes prices when it is asked to, not by itself.
	euros := s.create("product.pricelist", orm.Values{"name": "Euros", "currency_id": s.eur})
	s.create("res.currency.rate", orm.Values{"currency_id": s.eur, "name": "2026-01-01", "rate": 0.5, "company_id": s.ref("base.main_company")})
	s.write("sale.order", o.ID, orm.Values{"pricelist_id": euros})
	o = s.get(o.ID)
	if o.CurrencyID.ID != s.eur || o.CurrencyRate.String() != "0.5" || o.Lines.All()[0].PriceUnit.String() != "29.997" || o.Lines.All()[0].CurrencyID.ID != s.eur {
		t.Errorf("currency %d at %s, first price %s", o.CurrencyID.ID, o.CurrencyRate, o.Lines.All()[0].PriceUnit)
	}
	s.do(sale.ActionUpdatePrices, o)
	for i, want := range []string{"16.665", "5.025", "5.025", "5.025", "5.025"} {
		if got := s.get(o.ID).Lines.All()[i].PriceUnit.String(); got != want {
			t.Errorf("in euros line %d costs %s, not %s", i, got, want)
		}
	}
	s.do(sale.ActionConfirm, o)
	s.refused("pricelist", func() error {
		return s.env.Model("sale.order").Browse(o.ID).Write(orm.Values{"pricelist_id": list})
	})
}

func TestWhenAnOrderIsExpected(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Widget", "10", nil)
	o := s.confirmed(nil, with(line(p, "1", "10"), "customer_lead", 5), with(line(p, "1", "10"), "customer_lead", 2), orm.Values{"display_type": "line_note", "name": "Thanks"})
	ok(t, orm.Load(s.env, []*sale.Order{o}, "expected_date"))
	if days := o.ExpectedDate.Get().Time().Sub(o.DateOrder.Time()).Hours() / 24; days != 2 {
		t.Errorf("expected %v days after it was ordered", days)
	}
	named := must[map[int64]string](t)(s.env.WithContext(map[string]any{"sale_show_partner_name": true}).Model("sale.order").Browse(o.ID).DisplayNames())
	if named[o.ID] != o.Name+" - Azure Interior" {
		t.Errorf("named %s", named[o.ID])
	}
}

// A value that makes no variant is chosen on the line, which it makes dearer.
func TestValuesThatMakeNoVariant(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	engraving := s.create("product.attribute", orm.Values{"name": "Engraving", "create_variant": "no_variant", "value_ids": []orm.Command{
		orm.CreateLine(orm.Values{"name": "None"}), orm.CreateLine(orm.Values{"name": "Text", "default_extra_price": 3})}})
	values := must[any](t)(s.env.Model("product.attribute").Browse(engraving).Value("value_ids")).([]int64)
	ring := s.product("Ring", "10", orm.Values{"attribute_line_ids": []orm.Command{orm.CreateLine(orm.Values{"attribute_id": engraving, "value_ids": set(values...)})}})
	text := must[orm.Records](t)(s.env.Model("product.template.attribute.value").Search(orm.Leaf("product_attribute_value_id", "=", values[1]), orm.SearchOptions{})).ID()
	list := s.create("product.pricelist", orm.Values{"name": "Less", "currency_id": s.usd, "item_ids": []orm.Command{orm.CreateLine(orm.Values{"compute_price": "percentage", "percent_price": 10})}})
	engraved := orm.Values{"product_id": ring, "product_no_variant_attribute_value_ids": set(text)}
	o := s.order(nil, engraved, orm.Values{"product_id": ring})
	for i, want := range []string{"Ring\nEngraving: Text 13 [HST 13%]", "Ring 10 [HST 13%]"} {
		if got := s.shown(o, i); got != want {
			t.Errorf("line %d: %q, want %q", i, got, want)
		}
	}
	s.write("sale.order.line", o.Lines.IDs()[0], orm.Values{"product_uom_qty": 2})
	if got := s.shown(o, 0); got != "Ring\nEngraving: Text 13 [HST 13%]" {
		t.Error(got)
	}
	if got := s.shown(s.order(orm.Values{"pricelist_id": list}, engraved), 0); got != "Ring\nEngraving: Text 11.7 [HST 13%]" {
		t.Error(got)
	}
	copied := s.get(must[orm.Records](t)(orm.RecordsOf(s.env, o).Copy(nil)).ID())
	ok(t, orm.Load(s.env, copied.Lines.All(), "product_no_variant_attribute_value_ids"))
	if ids := copied.Lines.All()[0].NoVariantIDs.IDs(); len(ids) != 1 {
		t.Errorf("the copy has the values %v", ids)
	}
	// Another product does not come in the value.
	s.write("sale.order.line", o.Lines.IDs()[0], orm.Values{"product_id": s.product("Desk", "5", nil)})
	if got := s.shown(o, 0); got != "Desk 5 [HST 13%]" {
		t.Error(got)
	}
}

func TestAPriceSetByHandStays(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Widget", "10.05", nil)
	q := s.product("Gadget", "33.33", nil)
	o := s.order(nil, line(p, "1", "77", s.hst))
	l := o.Lines.IDs()[0]
	step := func(what, price string, vals orm.Values) {
		t.Helper()
		s.write("sale.order.line", l, vals)
		if got := s.get(o.ID).Lines.All()[0].PriceUnit.String(); got != price {
			t.Errorf("%s: the line costs %s, not %s", what, got, price)
		}
	}
	step("a price given with the line counts as proposed", "10.05", orm.Values{"product_uom_qty": 20})
	step("set by hand", "50", orm.Values{"price_unit": 50, "discount": 10})
	step("another quantity", "50", orm.Values{"product_uom_qty": 3})
	step("another unit", "50", orm.Values{"product_uom_id": s.ref("uom.product_uom_dozen")})
	step("set back by hand", "120.6", orm.Values{"price_unit": dec("120.6"), "product_uom_qty": 2, "product_id": q})
	step("set with the quantity", "7", orm.Values{"price_unit": 7, "product_uom_qty": 4})
	step("another product", "7", orm.Values{"product_id": p})
	if o := s.get(o.ID); o.Lines.All()[0].Discount.String() != "10" {
		t.Errorf("the discount is %s", o.Lines.All()[0].Discount)
	}
	s.do(sale.ActionUpdatePrices, o)
	step("prices updated", "10.05", orm.Values{"product_uom_qty": 5})
	s.totals(o, "50.25 + 6.53 = 56.78")
	copied := s.get(must[orm.Records](t)(orm.RecordsOf(s.env, s.order(nil, line(p, "2", "8", s.hst))).Copy(nil)).ID())
	s.totals(copied, "16 + 2.08 = 18.08")
}

func TestWhatAQuotationIsWorth(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Widget", "10", nil)
	o := s.order(nil, with(line(p, "3", "10", s.hst), "discount", 25), with(line(p, "1", "4", s.hst), "discount", 100), orm.Values{"display_type": "line_note", "name": "Thanks"})
	ok(t, orm.Load(s.env, []*sale.Order{o}, "amount_undiscounted"))
	if o.Undiscounted.Get().String() != "34" || o.ValidityDate != s.env.Today().AddDays(30) {
		t.Errorf("before discounts it is %s, valid until %s", o.Undiscounted.Get(), o.ValidityDate)
	}
	s.write("res.company", s.ref("base.main_company"), orm.Values{"quotation_validity_days": 0})
	if o := s.order(nil); !o.ValidityDate.IsZero() {
		t.Errorf("valid until %s", o.ValidityDate)
	}
	s.refused("Quotations cannot expire", func() error {
		return s.env.Model("res.company").Browse(s.ref("base.main_company")).Write(orm.Values{"quotation_validity_days": -1})
	})
	for _, bad := range []orm.Values{{"display_type": "line_section", "name": "x", "price_unit": 5}, {"display_type": "line_section"}, {"product_uom_qty": 1}} {
		s.refused("", func() error {
			_, err := s.env.Model("sale.order").Create(orm.Values{"partner_id": s.customer, "order_line": []orm.Command{orm.CreateLine(bad)}})
			return err
		})
	}
}

func TestFiscalPositions(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	zero := s.tax("Export 0%", "0", nil)
	vat := s.tax("VAT 20%", "20", orm.Values{"price_include_override": "tax_included"})
	low := s.tax("VAT 10%", "10", orm.Values{"price_include_override": "tax_included"})
	position := s.create("account.fiscal.position", orm.Values{"name": "Abroad", "auto_apply": true, "country_id": s.ref("base.fr"), "tax_ids": []orm.Command{
		orm.CreateLine(orm.Values{"tax_src_id": s.hst, "tax_dest_id": zero}), orm.CreateLine(orm.Values{"tax_src_id": vat, "tax_dest_id": low})}})
	p := s.product("Widget", "10", nil)
	book := s.product("Book", "12", orm.Values{"taxes_id": set(vat)})
	abroad := s.create("res.partner", orm.Values{"name": "Chez Nous", "country_id": s.ref("base.fr")})
	o := s.order(orm.Values{"partner_id": abroad}, orm.Values{"product_id": p}, orm.Values{"product_id": book}, line(p, "1", "10", s.hst))
	if o.FiscalPositionID.ID != position {
		t.Fatalf("the fiscal position is %d", o.FiscalPositionID.ID)
	}
	// A price with 20% tax in it becomes one with 10%.
	for i, want := range []string{"Widget 10 [Export 0%]", "Book 11 [VAT 10%]", "Widget 10 [HST 13%]"} {
		if got := s.shown(o, i); got != want {
			t.Errorf("line %d: %s, want %s", i, got, want)
		}
	}
	// The customer of a quotation changes: the taxes follow when asked to.
	s.write("sale.order", o.ID, orm.Values{"partner_id": s.customer})
	if got := s.shown(o, 0); got != "Widget 10 [Export 0%]" || s.get(o.ID).FiscalPositionID.IsSet() {
		t.Errorf("%s, position %d", got, s.get(o.ID).FiscalPositionID.ID)
	}
	s.do(sale.ActionUpdateTaxes, o)
	if got := s.shown(o, 2) + ", " + s.shown(o, 1); got != "Widget 10 [HST 13%], Book 11 [VAT 20%]" {
		t.Error(got)
	}
}

func TestAnOrderTakesAfterItsCustomer(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	seller := s.user("seller", "sales_team.group_sale_salesman").UID()
	term := s.create("account.payment.term", orm.Values{"name": "15 days", "line_ids": []orm.Command{orm.CreateLine(orm.Values{"value": "percent", "value_amount": 100, "nb_days": 15})}})
	company := s.create("res.partner", orm.Values{"name": "Lumber Inc", "is_company": true, "user_id": seller, "property_payment_term_id": term})
	delivery := s.create("res.partner", orm.Values{"name": "Yard", "parent_id": company, "type": "delivery"})
	invoice := s.create("res.partner", orm.Values{"name": "Books", "parent_id": company, "type": "invoice"})
	person := s.create("res.partner", orm.Values{"name": "Ann", "parent_id": company})
	o := s.order(orm.Values{"partner_id": person})
	if o.InvoiceAddressID.ID != invoice || o.ShippingID.ID != delivery || o.UserID.ID != seller || o.PaymentTermID.ID != term || o.TeamID.ID != s.ref("sales_team.team_sales_department") {
		t.Errorf("addresses %d %d, salesperson %d, terms %d, team %d", o.InvoiceAddressID.ID, o.ShippingID.ID, o.UserID.ID, o.PaymentTermID.ID, o.TeamID.ID)
	}
	if o.Name[0] != 'S' || len(o.Name) != 6 || o.State != sale.OrderDraft || o.CurrencyID.ID != s.usd || o.TaxRounding != sale.RoundPerLine || o.InvoiceStatus != sale.InvoiceNo {
		t.Errorf("order: %+v", o)
	}
	given := s.order(orm.Values{"partner_id": person, "partner_invoice_id": person, "partner_shipping_id": company, "user_id": nil, "payment_term_id": nil, "name": "X-1"})
	if given.InvoiceAddressID.ID != person || given.ShippingID.ID != company || given.UserID.IsSet() || given.PaymentTermID.IsSet() || given.Name != "X-1" {
		t.Errorf("given: %+v", given)
	}
	// Another customer changes what follows from the customer, not the salesperson.
	s.write("sale.order", o.ID, orm.Values{"partner_id": s.customer})
	o = s.get(o.ID)
	if o.InvoiceAddressID.ID != s.customer || o.PaymentTermID.IsSet() || o.UserID.ID != seller {
		t.Errorf("address %d, terms %d, salesperson %d", o.InvoiceAddressID.ID, o.PaymentTermID.ID, o.UserID.ID)
	}
	next := s.order(nil)
	var a, b int
	if _, err := fmt.Sscanf(o.Name+" "+next.Name, "S%05d S%05d", &a, &b); err != nil || b != a+1 {
		t.Errorf("after %s comes %s", o.Name, next.Name)
	}
	s.refused("Customer", func() error { _, err := s.env.Model("sale.order").Create(orm.Values{}); return err })
}
