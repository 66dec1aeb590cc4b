package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
)

func TestPaymentTerms(t *testing.T) {
	t.Parallel()
	type part = orm.Values
	for name, tc := range map[string]struct {
		lines []part
		day   string
		total string
		want  string
	}{
		"two parts":                 {[]part{{"value": "percent", "value_amount": 30, "nb_days": 0}, {"value": "percent", "value_amount": 70, "nb_days": 30}}, "2025-01-31", "113", "2025-01-31 33.9, 2025-03-02 79.1"},
		"thirds of a cent":          {[]part{{"value": "percent", "value_amount": 33.33}, {"value": "percent", "value_amount": 33.33, "nb_days": 30}, {"value": "percent", "value_amount": 33.34, "nb_days": 60}}, "2026-01-01", "0.10", "2026-01-01 0.03, 2026-01-31 0.03, 2026-03-02 0.04"},
		"a deposit, then the rest":  {[]part{{"value": "fixed", "value_amount": 20}, {"value": "percent", "value_amount": 100, "nb_days": 10}}, "2026-01-01", "113", "2026-01-01 20, 2026-01-11 93"},
		"after the end of month":    {[]part{{"value": "percent", "value_amount": 100, "nb_days": 5, "delay_type": "days_after_end_of_month"}}, "2026-02-10", "10", "2026-03-05 10"},
		"end of the next month":     {[]part{{"value": "percent", "value_amount": 100, "nb_days": 0, "delay_type": "days_after_end_of_next_month"}}, "2026-01-31", "10", "2026-02-28 10"},
		"on the tenth":              {[]part{{"value": "percent", "value_amount": 100, "nb_days": 30, "delay_type": "days_end_of_month_on_the", "days_next_month": 10}}, "2026-01-15", "10", "2026-03-10 10"},
		"the end of a later month":  {[]part{{"value": "percent", "value_amount": 100, "nb_days": 30, "delay_type": "days_end_of_month_on_the", "days_next_month": 0}}, "2026-01-15", "10", "2026-02-28 10"},
		"the 31st of a short month": {[]part{{"value": "percent", "value_amount": 100, "nb_days": 0, "delay_type": "days_end_of_month_on_the", "days_next_month": 31}}, "2026-01-15", "10", "2026-02-28 10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBooks(t)
			var cmds []orm.Command
			for _, l := range tc.lines {
				cmds = append(cmds, orm.CreateLine(l))
			}
			term := b.create("account.payment.term", orm.Values{"name": name, "line_ids": cmds})
			id := b.document("out_invoice", orm.Values{"invoice_payment_term_id": term, "invoice_date": tc.day}, line(tc.total, "1"))
			m := b.move(id)
			var got []string
			last := ""
			for _, l := range m.LineIDs.All() {
				if l.DisplayType == account.DisplayPaymentTerm {
					got = append(got, fmt.Sprintf("%s %s", l.DateMaturity, l.Balance))
					last = max(last, l.DateMaturity.String())
				}
			}
			slices.Sort(got)
			if s := strings.Join(got, ", "); s != tc.want || m.DueDate.String() != last {
				t.Errorf("due %s, last on %s; want %s", s, m.DueDate, tc.want)
			}
		})
	}
}

func TestPaymentTermsOfPartners(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	ok(t, b.env.Model("res.partner").Browse(b.customer).Write(orm.Values{"property_payment_term_id": b.ref("account.account_payment_term_30days")}))
	id := b.invoice(line("10", "1"))
	if m := b.move(id); m.DueDate.String() != "2026-04-14" {
		t.Errorf("due on %s", m.DueDate)
	}
	ok(t, b.env.Model("account.move").Browse(id).Write(orm.Values{"invoice_date": "2026-04-01"}))
	if m := b.move(id); m.DueDate.String() != "2026-05-01" || m.Date.String() != "2026-04-01" {
		t.Errorf("moved, due on %s, booked on %s", m.DueDate, m.Date)
	}
	ok(t, b.env.Model("account.move").Browse(id).Write(orm.Values{"invoice_payment_term_id": nil, "invoice_date_due": "2026-04-20"}))
	if m := b.move(id); m.DueDate.String() != "2026-04-20" {
		t.Errorf("by hand due on %s", m.DueDate)
	}
	_, err := b.env.Model("account.payment.term").Create(orm.Values{"name": "Half", "line_ids": []orm.Command{orm.CreateLine(orm.Values{"value": "percent", "value_amount": 50})}})
	refused(t, err, "100%")
	_, err = b.env.Model("account.payment.term").Create(orm.Values{"name": "Fixed", "line_ids": []orm.Command{orm.CreateLine(orm.Values{"value": "fixed", "value_amount": 50})}})
	refused(t, err, "100%")
}

// What documents take from a customer is the company's, for its contacts too.
func TestContactsShareCommercialProperties(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	term := b.create("account.payment.term", orm.Values{"name": "30 days", "line_ids": []orm.Command{orm.CreateLine(orm.Values{"value": "percent", "value_amount": 100, "nb_days": 30})}})
	company := b.create("res.partner", orm.Values{"name": "Lumber Inc", "is_company": true})
	before := b.create("res.partner", orm.Values{"name": "Ann", "parent_id": company})
	ok(t, b.env.Model("res.partner").Browse(company).Write(orm.Values{"property_payment_term_id": term}))
	after := b.create("res.partner", orm.Values{"name": "Bob", "parent_id": company})
	moved := b.create("res.partner", orm.Values{"name": "Cid"})
	ok(t, b.env.Model("res.partner").Browse(moved).Write(orm.Values{"parent_id": company}))
	branch := b.create("res.partner", orm.Values{"name": "Branch", "is_company": true, "parent_id": company})
	for id, want := range map[int64]any{before: term, after: term, moved: term, branch: nil} {
		if got := must[any](t)(b.env.Model("res.partner").Browse(id).Value("property_payment_term_id")); got != want {
			t.Errorf("contact %d has the terms %v, not %v", id, got, want)
		}
	}
}

func TestWhenAnInvoiceIsDue(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	today := b.env.Today()
	id := b.create("account.move", orm.Values{"move_type": "out_invoice", "partner_id": b.customer, "invoice_line_ids": []orm.Command{orm.CreateLine(line("10", "1"))}})
	if m := b.move(id); m.DueDate != today || !m.InvoiceDate.IsZero() {
		t.Errorf("the draft of %s is due on %s", m.InvoiceDate, m.DueDate)
	}
	term := b.create("account.payment.term", orm.Values{"name": "Halves", "line_ids": []orm.Command{
		orm.CreateLine(orm.Values{"value": "percent", "value_amount": 50}), orm.CreateLine(orm.Values{"value": "percent", "value_amount": 50, "nb_days": 30})}})
	id = b.document("out_invoice", orm.Values{"invoice_date": "2026-01-01", "invoice_payment_term_id": term}, line("10.01", "1"))
	names := func() (out []string) {
		ls := must[[]*account.MoveLine](t)(orm.Search[account.MoveLine](b.env, orm.Leaf("move_id", "=", id), orm.SearchOptions{Order: "sequence, date_maturity, id"}))
		for _, l := range ls {
			out = append(out, fmt.Sprint(l.Sequence, " ", l.Name, " ", l.Balance))
		}
		return out
	}
	if got := strings.Join(names(), ", "); got != "100 Item -10.01, 12000 installment #1 5.01, 12000 installment #2 5" {
		t.Error(got)
	}
	ok(t, account.Post(b.env, id))
	if got := strings.Join(names(), ", "); got != "100 Item -10.01, 12000 INV/2026/00001 installment #1 5.01, 12000 INV/2026/00001 installment #2 5" {
		t.Error(got)
	}
}

func TestFiscalPositions(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	export := b.create("account.account", orm.Values{"code": "400900", "name": "Exports", "account_type": "income"})
	abroad := b.create("account.account", orm.Values{"code": "121800", "name": "Receivables abroad", "account_type": "asset_receivable"})
	zero := b.tax("Zero", "0")
	position := func(name string, vals orm.Values) int64 {
		t.Helper()
		return b.create("account.fiscal.position", with(orm.Values{"name": name, "tax_ids": []orm.Command{orm.CreateLine(orm.Values{"tax_src_id": b.tax15, "tax_dest_id": zero})},
			"account_ids": []orm.Command{orm.CreateLine(orm.Values{"account_src_id": b.account("400000"), "account_dest_id": export}), orm.CreateLine(orm.Values{"account_src_id": b.account("121000"), "account_dest_id": abroad})}}, vals))
	}
	canada := b.ref("base.ca")
	quebec := must[orm.Records](t)(b.env.Model("res.country.state").Search(orm.And(orm.Leaf("country_id", "=", canada), orm.Leaf("code", "=", "QC")), orm.SearchOptions{})).ID()
	position("Canada", orm.Values{"auto_apply": true, "country_id": canada})
	position("Quebec", orm.Values{"auto_apply": true, "country_id": canada, "state_ids": []orm.Command{orm.SetIDs(quebec)}})
	position("Montreal", orm.Values{"auto_apply": true, "country_id": canada, "zip_from": "1000", "zip_to": "20000"})
	own := position("Own", nil)
	name := func(id int64) string {
		t.Helper()
		m := b.move(id)
		if !m.FiscalPositionID.IsSet() {
			return "none"
		}
		return must[any](t)(b.env.Model("account.fiscal.position").Browse(m.FiscalPositionID.ID).Value("name")).(string)
	}
	for want, vals := range map[string]orm.Values{
		"none":     {"country_id": b.ref("base.us")},
		"Canada":   {"country_id": canada, "zip": "300"},
		"Quebec":   {"country_id": canada, "state_id": quebec},
		"Montreal": {"country_id": canada, "state_id": quebec, "zip": "9999"},
		"Own":      {"country_id": canada, "property_account_position_id": own},
	} {
		partner := b.create("res.partner", with(vals, orm.Values{"name": want}))
		if got := name(b.document("out_invoice", orm.Values{"partner_id": partner}, line("1", "1"))); got != want {
			t.Errorf("position %s instead of %s", got, want)
		}
	}
	p := b.product("Pen", "100", orm.Values{"taxes_id": []orm.Command{orm.SetIDs(b.tax15)}})
	id := b.document("out_invoice", orm.Values{"fiscal_position_id": own}, orm.Values{"product_id": p, "price_unit": 100})
	b.expect(id, "product 400900 -100", "tax 400900 0", "payment_term 121800 100")
}
