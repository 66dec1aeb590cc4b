package sale_test

import (
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

func TestInvoiceOfAnOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", orm.Values{"default_code": "D1"})
	term := s.create("account.payment.term", orm.Values{"name": "15 days", "line_ids": []orm.Command{orm.CreateLine(orm.Values{"value": "percent", "value_amount": 100, "nb_days": 15})}})
	o := s.confirmed(orm.Values{"client_order_ref": "PO-7", "note": "<p>Thanks</p>", "payment_term_id": term, "reference": "PAY-1"},
		orm.Values{"display_type": "line_section", "name": "Furniture"}, line(p, "2", "50", s.hst), orm.Values{"display_type": "line_section", "name": "Empty"},
		orm.Values{"display_type": "line_section", "name": "More"}, with(line(p, "1", "0.5", s.hst), "name", "Screw"), orm.Values{"display_type": "line_note", "name": "Fragile"})
	s.status(o, "to invoice: to invoice 0/0/2 to invoice 0/0/1")
	m := s.invoice(false, o)[0]
	s.bill(m, "out_invoice 100.5 + 13.07 = 113.57")
	if got := billLines(m); got != "#Furniture | [D1] Desk 2×50 | #More | Screw 1×0.5 | #Fragile" {
		t.Error(got)
	}
	if m.State != account.MoveDraft || m.PartnerID.ID != s.customer || m.Origin != o.Name || m.Ref != "PO-7" || m.PaymentTermID.ID != term || m.PaymentReference != "PAY-1" ||
		m.Narration != "<p>Thanks</p>" || !m.InvoiceDate.IsZero() || m.CurrencyID.ID != s.usd || m.TaxRounding != account.RoundPerLine {
		t.Errorf("invoice: %+v", m)
	}
	s.status(o, "invoiced: invoiced 0/2/0 invoiced 0/1/0")
	amounts := func(want string) {
		t.Helper()
		o := must[*sale.Order](t)(orm.Get[sale.Order](s.env, o.ID, "amount_invoiced", "amount_to_invoice", "invoice_count"))
		if got := fmt.Sprintf("%d: %s, %s left", o.InvoiceCount.Get(), o.AmountInvoiced.Get(), o.AmountToInvoice.Get()); got != want {
			t.Errorf("invoiced %s, not %s", got, want)
		}
	}
	amounts("1: 0, 113.57 left")
	s.refused("nothing to invoice", func() error { _, err := sale.CreateInvoices(s.env, []*sale.Order{o}, true); return err })
	s.post(m)
	amounts("1: 113.57, 0 left")
	later := s.confirmed(nil, line(s.product("Hour", "100", orm.Values{"invoice_policy": "delivery"}), "4", "100", s.hst))
	s.write("sale.order.line", later.Lines.IDs()[0], orm.Values{"qty_delivered": 1})
	ok(t, orm.Load(s.env, []*sale.Order{later}, "amount_to_invoice"))
	if later.AmountToInvoice.Get().String() != "113" {
		t.Errorf("of 4 hours, 1 of them done, %s is to be invoiced", later.AmountToInvoice.Get())
	}
	l := s.get(o.ID).Lines.All()[1]
	if l.UntaxedInvoiced.String() != "100" || !l.UntaxedToInvoice.IsZero() {
		t.Errorf("untaxed: invoiced %s, to invoice %s", l.UntaxedInvoiced, l.UntaxedToInvoice)
	}
	// A credit note gives back what is to be invoiced.
	back := must[[]int64](t)(account.Reverse(s.env, []int64{m.ID}, orm.Date{}, "wrong"))
	s.status(o, "to invoice: to invoice 0/0/2 to invoice 0/0/1")
	ok(t, account.Post(s.env, back...))
	s.status(o, "to invoice: to invoice 0/0/2 to invoice 0/0/1")
	amounts("2: 0, 113.57 left")
	again := s.invoice(false, s.get(o.ID))[0]
	s.status(o, "invoiced: invoiced 0/2/0 invoiced 0/1/0")
	// A cancelled invoice and a deleted one count no more.
	must[any](t)(orm.Invoke(s.env, account.ButtonCancel, []*account.Move{again}))
	s.status(o, "to invoice: to invoice 0/0/2 to invoice 0/0/1")
	third := s.invoice(false, s.get(o.ID))[0]
	s.status(o, "invoiced: invoiced 0/2/0 invoiced 0/1/0")
	ok(t, orm.Delete(s.env, []*account.Move{third}))
	s.status(o, "to invoice: to invoice 0/0/2 to invoice 0/0/1")
	found := must[orm.Records](t)(s.env.Model("sale.order").Search(orm.Leaf("invoice_ids", "=", m.ID), orm.SearchOptions{}))
	if found.ID() != o.ID || found.Len() != 1 {
		t.Errorf("orders of the invoice: %v", found.IDs)
	}
	i := must[*sale.Invoice](t)(orm.Get[sale.Invoice](s.env, m.ID, "sale_order_count"))
	if i.OrderCount.Get() != 1 || i.TeamID.ID != o.TeamID.ID {
		t.Errorf("the invoice is of %d orders, team %d", i.OrderCount.Get(), i.TeamID.ID)
	}
}

func TestCopiesOfInvoices(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := s.confirmed(nil, line(s.product("Desk", "10", nil), "2", "50", s.hst))
	m := s.invoice(false, o)[0]
	must[orm.Records](t)(orm.RecordsOf(s.env, m).Copy(nil)) // of no order
	s.status(o, "invoiced: invoiced 0/2/0")
	s.post(m)
	// Credited and invoiced again, the new invoice is the order's.
	w := must[orm.Records](t)(s.env.WithContext(map[string]any{"active_model": "account.move", "active_ids": []int64{m.ID}}).Model("account.move.reversal").Create(orm.Values{}))
	must[any](t)(w.Do("modify_moves", orm.Args{}))
	s.status(o, "invoiced: invoiced 0/2/0")
	if n := len(s.get(o.ID).InvoiceIDs.IDs()); n != 3 {
		t.Errorf("%d invoices", n)
	}
}

func TestInvoiceByDelivery(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", orm.Values{"invoice_policy": "delivery"})
	q := s.product("Hour", "10", nil)
	o := s.confirmed(nil, line(p, "3", "10", s.hst))
	s.status(o, "no: no 0/0/0")
	s.refused("nothing to invoice", func() error { _, err := sale.CreateInvoices(s.env, []*sale.Order{o}, false); return err })
	deliver := func(qty string) {
		t.Helper()
		s.write("sale.order.line", o.Lines.IDs()[0], orm.Values{"qty_delivered": dec(qty)})
	}
	deliver("1")
	s.status(o, "to invoice: to invoice 1/0/1")
	s.bill(s.invoice(false, s.get(o.ID))[0], "out_invoice 10 + 1.3 = 11.3")
	s.status(o, "no: no 1/1/0")
	deliver("4")
	s.bill(s.invoice(false, s.get(o.ID))[0], "out_invoice 30 + 3.9 = 33.9")
	s.status(o, "invoiced: invoiced 4/4/0")
	// Two were sent back: only a final invoice deducts them, as a credit note.
	deliver("2")
	s.status(o, "to invoice: to invoice 2/4/-2")
	s.refused("nothing to invoice", func() error {
		_, err := sale.CreateInvoices(s.env, []*sale.Order{s.get(o.ID)}, false)
		return err
	})
	refund := s.invoice(true, s.get(o.ID))[0]
	s.bill(refund, "out_refund 20 + 2.6 = 22.6")
	s.post(refund)
	s.status(o, "no: no 2/2/0")
	// What is delivered beyond an order that is invoiced as ordered may be sold.
	more := s.confirmed(nil, line(q, "1", "10", s.hst))
	s.invoice(false, more)
	s.write("sale.order.line", more.Lines.IDs()[0], orm.Values{"qty_delivered": 2})
	s.status(more, "upselling: upselling 2/1/0")
	// The policy of the product decides, also for orders that are confirmed.
	s.write("product.product", q, orm.Values{"invoice_policy": "delivery"})
	s.status(more, "to invoice: to invoice 2/1/1")
	if got := s.get(more.ID).Lines.All()[0].UntaxedToInvoice.String(); got != "20" {
		t.Errorf("untaxed to invoice %s", got)
	}
}

func TestUnitsOnInvoices(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Egg", "1", nil)
	unit, dozen := s.ref("uom.product_uom_unit"), s.ref("uom.product_uom_dozen")
	o := s.confirmed(nil, with(line(p, "2", "12", s.hst), "product_uom_id", dozen))
	m := s.invoice(false, o)[0]
	for _, l := range m.LineIDs.All() {
		if l.DisplayType == account.DisplayProduct {
			if l.UoMID.ID != dozen {
				t.Errorf("unit %d", l.UoMID.ID)
			}
			s.write("account.move.line", l.ID, orm.Values{"product_uom_id": unit, "quantity": 18, "price_unit": 1})
		}
	}
	s.status(o, "to invoice: to invoice 0/1.5/0.5")
	s.bill(m, "out_invoice 18 + 2.34 = 20.34")
	sold := must[*sale.Product](t)(orm.Get[sale.Product](s.env, p, "sales_count"))
	if sold.SalesCount.Get().String() != "24" {
		t.Errorf("sold %s", sold.SalesCount.Get())
	}
}

func TestInvoicesOfSeveralOrders(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	other := s.create("res.partner", orm.Values{"name": "Deco"})
	a := s.confirmed(orm.Values{"client_order_ref": "PO-1"}, line(p, "1", "10", s.hst))
	b := s.confirmed(orm.Values{"client_order_ref": "PO-2"}, line(p, "1", "20", s.hst))
	c := s.confirmed(orm.Values{"partner_id": other}, line(p, "1", "30", s.hst))
	d := s.confirmed(orm.Values{"tax_rounding_method": "round_globally"}, line(p, "1", "40", s.hst))
	ms := s.invoice(false, a, b, c, d)
	if len(ms) != 3 {
		t.Fatalf("%d invoices", len(ms))
	}
	s.bill(ms[0], "out_invoice 30 + 3.9 = 33.9")
	s.bill(ms[1], "out_invoice 30 + 3.9 = 33.9")
	s.bill(ms[2], "out_invoice 40 + 5.2 = 45.2")
	if ms[0].Origin != a.Name+", "+b.Name || ms[0].Ref != "PO-1, PO-2" || ms[2].TaxRounding != account.RoundGlobally {
		t.Errorf("invoice of %s, reference %s, taxes %s", ms[0].Origin, ms[0].Ref, ms[2].TaxRounding)
	}
	if got := must[*sale.Invoice](t)(orm.Get[sale.Invoice](s.env, ms[0].ID, "sale_order_count")); got.OrderCount.Get() != 2 {
		t.Errorf("%d orders", got.OrderCount.Get())
	}
	e, f := s.confirmed(nil, line(p, "1", "1", s.hst)), s.confirmed(nil, line(p, "1", "2", s.hst))
	if n := len(s.wizard(orm.Values{"consolidated_billing": false}, e, f)); n != 2 {
		t.Errorf("one invoice an order makes %d", n)
	}
	draft := s.order(nil, line(p, "1", "1", s.hst))
	s.refused("nothing to invoice", func() error { _, err := sale.CreateInvoices(s.env, []*sale.Order{draft}, false); return err })
}

// parts invoices an order in the quantities given, one invoice each, and shows
// the tax of each.
func (s *shop) parts(o *sale.Order, deliveries ...[]string) string {
	s.Helper()
	var out string
	sum := decimal.Zero
	for _, qtys := range deliveries {
		for i, q := range qtys {
			s.write("sale.order.line", o.Lines.IDs()[i], orm.Values{"qty_delivered": dec(q)})
		}
		m := s.invoice(true, s.get(o.ID))[0]
		tax := m.AmountTax
		if m.MoveType == account.OutRefund {
			tax = tax.Neg()
		}
		sum = sum.Add(tax)
		out += tax.String() + " "
	}
	return out + "= " + sum.String()
}

// The tax amounts of a shop are divided over the invoices of an order, to the
// cent, and add up to the order's.
func TestAmountsOfAShopInParts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.env = s.env.WithContext(map[string]any{account.KeyFullPrecision: true})
	p := s.product("Desk", "10", orm.Values{"invoice_policy": "delivery"})
	gst := s.tax("GST 5%", "5", nil)
	shopLine := func(qty, price string, amounts map[int64]string) orm.Values {
		override, taxes := map[int64]decimal.Decimal{}, []int64{}
		for id, a := range amounts {
			override[id] = dec(a)
			taxes = append(taxes, id)
		}
		return with(line(p, qty, price, taxes...), "tax_override", account.NewTaxOverride(override))
	}
	for name, tc := range map[string]struct {
		rounding string
		lines    []orm.Values
		parts    [][]string
		want     string
	}{
		"whole": {"round_per_line", []orm.Values{shopLine("3", "3.333333", map[int64]string{s.hst: "1.31"})}, [][]string{{"3"}}, "1.31 = 1.31"},
		"in thirds": {"round_per_line", []orm.Values{shopLine("3", "3.333333", map[int64]string{s.hst: "1.31"})},
			[][]string{{"1"}, {"2"}, {"3"}}, "0.44 0.44 0.43 = 1.31"},
		"two lines": {"round_per_line", []orm.Values{shopLine("3", "3", map[int64]string{s.hst: "1", gst: "0.5"}), shopLine("2", "1", map[int64]string{s.hst: "0.25"})},
			[][]string{{"1", "1"}, {"3", "1"}, {"3", "2"}}, "0.63 1 0.12 = 1.75"},
		"globally, whole": {"round_globally", []orm.Values{shopLine("1", "3", map[int64]string{s.hst: "0.333"}), shopLine("1", "3", map[int64]string{s.hst: "0.333"}), shopLine("1", "3", map[int64]string{s.hst: "0.333"})},
			[][]string{{"1", "1", "1"}}, "1 = 1"},
		"globally, line by line": {"round_globally", []orm.Values{shopLine("1", "3", map[int64]string{s.hst: "0.333"}), shopLine("1", "3", map[int64]string{s.hst: "0.333"}), shopLine("1", "3", map[int64]string{s.hst: "0.333"})},
			[][]string{{"1", "0", "0"}, {"1", "1", "0"}, {"1", "1", "1"}}, "0.33 0.33 0.34 = 1"},
		"globally, parts": {"round_globally", []orm.Values{shopLine("3", "1.116667", map[int64]string{s.hst: "0.4355"})},
			[][]string{{"1"}, {"3"}}, "0.15 0.29 = 0.44"},
		"sent back":      {"round_per_line", []orm.Values{shopLine("3", "3", map[int64]string{s.hst: "1"})}, [][]string{{"3"}, {"1"}, {"3"}}, "1 -0.67 0.67 = 1"},
		"less than none": {"round_per_line", []orm.Values{shopLine("2", "-5", map[int64]string{s.hst: "-1.31"})}, [][]string{{"1"}, {"2"}}, "-0.66 -0.65 = -1.31"},
		"some without":   {"round_per_line", []orm.Values{shopLine("2", "10", map[int64]string{s.hst: "2.5"}), line(p, "2", "10", s.hst)}, [][]string{{"1", "1"}, {"2", "2"}}, "2.55 2.55 = 5.1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shop{T: t, env: s.env, customer: s.customer, hst: s.hst}
			o := s.confirmed(orm.Values{"tax_rounding_method": tc.rounding}, tc.lines...)
			if got := s.parts(o, tc.parts...); got != tc.want {
				t.Errorf("the taxes are %s, not %s", got, tc.want)
			}
			o = s.get(o.ID)
			if o.InvoiceStatus != sale.InvoiceInvoiced {
				t.Errorf("the order is %s", o.InvoiceStatus)
			}
		})
	}
	s.T = t
	// An invoice whose amounts were computed anew counts with what it has.
	o := s.confirmed(nil, shopLine("2", "10", map[int64]string{s.hst: "3"}))
	s.write("sale.order.line", o.Lines.IDs()[0], orm.Values{"qty_delivered": 1})
	m := s.invoice(false, s.get(o.ID))[0]
	s.bill(m, "out_invoice 10 + 1.5 = 11.5")
	for _, l := range m.LineIDs.All() {
		if l.DisplayType == account.DisplayProduct {
			s.write("account.move.line", l.ID, orm.Values{"price_unit": dec("10.000001")})
		}
	}
	s.bill(m, "out_invoice 10 + 1.3 = 11.3")
	s.write("sale.order.line", o.Lines.IDs()[0], orm.Values{"qty_delivered": 2})
	s.bill(s.invoice(false, s.get(o.ID))[0], "out_invoice 10 + 1.7 = 11.7")
}
