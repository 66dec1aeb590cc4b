package sale_test

import (
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

func TestDownPayments(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	gst := s.tax("GST 5%", "5", nil)
	eco := s.tax("Eco", "0.25", orm.Values{"amount_type": "fixed"})
	vat := s.tax("VAT 20%", "20", orm.Values{"price_include_override": "tax_included"})
	p := s.product("Desk", "10", nil)
	given := account.NewTaxOverride(map[int64]decimal.Decimal{s.hst: dec("13.11")})
	for name, tc := range map[string]struct {
		lines          []orm.Values
		method, amount string
		down, rest     string
	}{
		"30%":             {[]orm.Values{line(p, "2", "50", s.hst), line(p, "1", "0.5", s.hst)}, "percentage", "30", "out_invoice 30.15 + 3.92 = 34.07", "out_invoice 70.35 + 9.15 = 79.5"},
		"22.60":           {[]orm.Values{line(p, "2", "50", s.hst), line(p, "1", "0.5", s.hst)}, "fixed", "22.6", "out_invoice 20 + 2.6 = 22.6", "out_invoice 80.5 + 10.47 = 90.97"},
		"an odd amount":   {[]orm.Values{line(p, "3", "9.99", s.hst)}, "fixed", "10", "out_invoice 8.85 + 1.15 = 10", "out_invoice 21.12 + 2.75 = 23.87"},
		"two taxes":       {[]orm.Values{line(p, "1", "100", s.hst), line(p, "1", "50", gst)}, "percentage", "50", "out_invoice 75 + 7.75 = 82.75", "out_invoice 75 + 7.75 = 82.75"},
		"in the price":    {[]orm.Values{line(p, "1", "120", vat)}, "percentage", "25", "out_invoice 25 + 5 = 30", "out_invoice 75 + 15 = 90"},
		"a fixed tax":     {[]orm.Values{line(p, "4", "10", eco, gst)}, "percentage", "50", "out_invoice 20.5 + 1 = 21.5", "out_invoice 19.5 + 2 = 21.5"},
		"without taxes":   {[]orm.Values{line(p, "3", "3.33")}, "fixed", "5", "out_invoice 5 + 0 = 5", "out_invoice 4.99 + 0 = 4.99"},
		"everything":      {[]orm.Values{line(p, "1", "100", s.hst)}, "percentage", "100", "out_invoice 100 + 13 = 113", "out_invoice 0 + 0 = 0"},
		"with a discount": {[]orm.Values{with(line(p, "1", "100", s.hst), "discount", dec("10"))}, "percentage", "10", "out_invoice 9 + 1.17 = 10.17", "out_invoice 81 + 10.53 = 91.53"},
		"a shop's taxes":  {[]orm.Values{with(line(p, "1", "100", s.hst), "tax_override", given)}, "percentage", "30", "out_invoice 30 + 3.93 = 33.93", "out_invoice 70 + 9.18 = 79.18"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shop{T: t, env: s.env, customer: s.customer, hst: s.hst, usd: s.usd}
			o := s.confirmed(nil, tc.lines...)
			total := o.AmountTotal
			m := s.deposit(o, tc.method, tc.amount)
			s.bill(m, tc.down)
			if got := s.get(o.ID); !got.AmountTotal.Equal(total) || got.InvoiceStatus != sale.InvoiceToInvoice {
				t.Errorf("the order is of %s now, %s", got.AmountTotal, got.InvoiceStatus)
			}
			s.post(m)
			s.bill(s.wizard(orm.Values{}, o)[0], tc.rest)
			if got := s.get(o.ID).InvoiceStatus; got != "invoiced" {
				t.Errorf("the order is %s", got)
			}
		})
	}
}

func TestLinesOfDownPayments(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	o := s.confirmed(nil, line(p, "2", "50", s.hst), with(line(p, "1", "0.5", s.hst), "sequence", 20))
	show := func() string {
		out := ""
		for _, l := range s.get(o.ID).Lines.All() {
			out += fmt.Sprintf("%s %t %s×%s to invoice %s | ", l.DisplayType, l.IsDownpayment, l.Quantity, l.PriceUnit, l.QtyToInvoice)
		}
		return out
	}
	m := s.deposit(o, "percentage", "30")
	if got, want := show(), " false 2×50 to invoice 2 |  false 1×0.5 to invoice 1 | line_section true 0×0 to invoice 0 |  true 0×30.15 to invoice -1 | "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// Without its invoice there is nothing to deduct, and the line may go.
	ok(t, orm.Delete(s.env, []*account.Move{m}))
	s.status(o, "to invoice: to invoice 0/0/2 to invoice 0/0/1 invoiced 0/0/0")
	s.env.Model("sale.order.line").Browse(s.get(o.ID).Lines.IDs()[3]).Unlink()
	first := s.deposit(o, "percentage", "10")
	second := s.deposit(s.get(o.ID), "fixed", "22.6")
	s.post(first, second)
	if got := s.get(o.ID); len(got.Lines.IDs()) != 5 {
		t.Errorf("%d lines", len(got.Lines.IDs()))
	}
	// A regular invoice that does not deduct leaves them for later.
	s.bill(s.wizard(orm.Values{"deduct_down_payments": false}, o)[0], "out_invoice 100.5 + 13.07 = 113.57")
	last := s.wizard(orm.Values{}, o)[0]
	s.bill(last, "out_refund 30.05 + 3.91 = 33.96")
	if got := billLines(last); got != "#Down Payments | Down payment of 10% 1×10.05 | Down payment 1×20" {
		t.Error(got)
	}
	s.status(o, "invoiced: invoiced 0/2/0 invoiced 0/1/0 invoiced 0/0/0 invoiced 0/0/0")
	locked := s.confirmed(nil, line(p, "1", "100", s.hst))
	s.do(sale.ActionLock, locked)
	s.bill(s.deposit(locked, "percentage", "50"), "out_invoice 50 + 6.5 = 56.5")
}

func TestTheInvoicingWizard(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	a, b := s.confirmed(nil, line(p, "1", "100", s.hst)), s.confirmed(nil, line(p, "1", "50", s.hst))
	run := func(vals orm.Values, ids ...int64) func() error {
		return func() error {
			env := s.env.WithContext(map[string]any{"active_model": "sale.order", "active_ids": ids})
			w, err := env.Model("sale.advance.payment.inv").Create(vals)
			if err != nil {
				return err
			}
			_, err = w.Do("create_invoices", orm.Args{})
			return err
		}
	}
	s.refused("must be positive", run(orm.Values{"advance_payment_method": "percentage", "amount": 0}, a.ID))
	s.refused("must be positive", run(orm.Values{"advance_payment_method": "fixed", "fixed_amount": -5}, a.ID))
	s.refused("one order at a time", run(orm.Values{"advance_payment_method": "percentage", "amount": 10}, a.ID, b.ID))
	s.refused("no amount", run(orm.Values{"advance_payment_method": "percentage", "amount": 10}, s.confirmed(nil, line(p, "1", "0")).ID))
	env := s.env.WithContext(map[string]any{"active_model": "sale.order", "active_ids": []int64{a.ID}})
	w := must[orm.Records](t)(env.Model("sale.advance.payment.inv").Create(orm.Values{"advance_payment_method": "fixed", "fixed_amount": 50}))
	facts := func() string {
		row := must[[]orm.Values](t)(w.Read("count", "has_down_payments", "currency_id", "amount_invoiced", "display_draft_invoice_warning", "display_invoice_amount_warning"))[0]
		return fmt.Sprintln(row["count"], row["has_down_payments"], row["currency_id"] == s.usd, row["amount_invoiced"], row["display_draft_invoice_warning"], row["display_invoice_amount_warning"])
	}
	if got := facts(); got != "1 false true 0 false false\n" {
		t.Error(got)
	}
	action := must[any](t)(w.Do("create_invoices", orm.Args{})).(map[string]any)
	if action["res_model"] != "account.move" || action["res_id"] != s.get(a.ID).InvoiceIDs.IDs()[0] {
		t.Errorf("it opens %v", action)
	}
	if got := facts(); got != "1 true true 0 true false\n" {
		t.Error(got)
	}
	s.post(must[[]*account.Move](t)(orm.Read[account.Move](s.env, s.get(a.ID).InvoiceIDs.IDs()))...)
	ok(t, w.Write(orm.Values{"fixed_amount": 70}))
	if got := facts(); got != "1 true true 50 false true\n" {
		t.Error(got)
	}
	drafts := must[any](t)(w.Do("view_draft_invoices", orm.Args{})).(map[string]any)
	if drafts["res_id"] != nil {
		t.Errorf("drafts: %v", drafts)
	}
}
