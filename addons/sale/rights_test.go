package sale_test

import (
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"
)

func TestRightsOfSalespeople(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	ann := s.user("ann", "sales_team.group_sale_salesman")
	bob := s.user("bob", "sales_team.group_sale_salesman_all_leads")
	boss := s.user("boss", "sales_team.group_sale_manager")
	clerk := s.user("clerk", "account.group_account_invoice")
	plain := s.user("plain")
	mine := s.order(orm.Values{"user_id": ann.UID()}, line(p, "1", "10", s.hst))
	free := s.order(orm.Values{"user_id": nil}, line(p, "1", "10", s.hst))
	bobs := s.order(orm.Values{"user_id": bob.UID()}, line(p, "1", "10", s.hst))
	all := []int64{mine.ID, free.ID, bobs.ID}
	for name, tc := range map[string]struct {
		env  *orm.Env
		want int
	}{"own": {ann, 2}, "all": {bob, 3}, "manager": {boss, 3}, "invoicing": {clerk, 3}} {
		n := must[int](t)(tc.env.Model("sale.order").SearchCount(orm.Leaf("id", "in", all), 0))
		lines := must[int](t)(tc.env.Model("sale.order.line").SearchCount(orm.Leaf("order_id", "in", all), 0))
		if n != tc.want || lines != tc.want {
			t.Errorf("%s sees %d orders and %d lines, not %d", name, n, lines, tc.want)
		}
	}
	denied := func(name string, f func() error) {
		t.Helper()
		if err := s.env.Savepoint(func(*orm.Env) error { return f() }); orm.CodeOf(err) != orm.CodeAccess {
			t.Errorf("%s: %v", name, err)
		}
	}
	as := func(env *orm.Env, o *sale.Order, m orm.Method[sale.Order]) error {
		_, err := env.Model("sale.order").Browse(o.ID).Call(m.Name, orm.Args{})
		return err
	}
	denied("a plain user reads orders", func() error { _, err := plain.Model("sale.order").Search(nil, orm.SearchOptions{}); return err })
	denied("a colleague's order is confirmed", func() error { return as(ann, bobs, sale.ActionConfirm) })
	denied("a colleague's line is changed", func() error {
		return ann.Model("sale.order.line").Browse(bobs.Lines.IDs()[0]).Write(orm.Values{"price_unit": 1})
	})
	locked := s.confirmed(orm.Values{"user_id": bob.UID(), "partner_id": s.create("res.partner", orm.Values{"name": "Another"})}, line(p, "1", "10"))
	err := s.env.Savepoint(func(*orm.Env) error {
		return ann.Model("sale.order").Browse(locked.ID).Write(orm.Values{"pricelist_id": 1})
	})
	if orm.CodeOf(err) != orm.CodeAccess || strings.Contains(err.Error(), locked.Name) {
		t.Errorf("what is not allowed is refused before the order is looked at: %v", err)
	}
	denied("a colleague's order is invoiced", func() error {
		_, err := sale.CreateInvoices(ann, []*sale.Order{bobs}, false)
		return err
	})
	denied("an order is given away and read", func() error {
		return ann.Model("sale.order").Browse(mine.ID).Write(orm.Values{"user_id": bob.UID()})
	})
	denied("a salesman deletes", func() error { return ann.Model("sale.order").Browse(mine.ID).Unlink() })
	ok(t, as(ann, mine, sale.ActionConfirm))
	ok(t, as(bob, bobs, sale.ActionConfirm))
	// Who sells makes draft invoices, but does not post them, and sees only the own.
	m := must[[]*account.Move](t)(sale.CreateInvoices(ann, []*sale.Order{mine}, false))[0]
	theirs := must[[]*account.Move](t)(sale.CreateInvoices(bob, []*sale.Order{bobs}, false))[0]
	if m.UserID.ID != ann.UID() {
		t.Errorf("the invoice is of user %d", m.UserID.ID)
	}
	denied("a salesman posts", func() error { return account.Post(ann, m.ID) })
	denied("a salesman writes an invoice", func() error { return ann.Model("account.move").Browse(m.ID).Write(orm.Values{"ref": "x"}) })
	if row := must[[]orm.Values](t)(ann.Model("account.move").Browse(m.ID).Read("amount_total", "invoice_line_ids")); len(row[0]["invoice_line_ids"].([]int64)) != 1 {
		t.Errorf("the salesman sees %v of the own invoice", row)
	}
	denied("a salesman reads a colleague's invoice", func() error { _, err := ann.Model("account.move").Browse(theirs.ID).Read("name"); return err })
	bill := s.create("account.move", orm.Values{"move_type": "in_invoice", "partner_id": s.customer, "invoice_date": "2026-03-01", "invoice_line_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "x", "price_unit": 5})}})
	denied("a salesman reads bills of vendors", func() error { _, err := bob.Model("account.move").Browse(bill).Read("name"); return err })
	if _, err := clerk.Model("account.move").Browse(bill, m.ID, theirs.ID).Read("name"); err != nil {
		t.Errorf("who keeps the books: %v", err)
	}
	ok(t, account.Post(clerk, m.ID))
	s.status(mine, "invoiced: invoiced 0/1/0")
	ok(t, boss.Model("sale.order").Browse(free.ID).Unlink())
	// The boss of sales keeps the products too.
	ok(t, boss.Model("product.product").Browse(p).Write(orm.Values{"list_price": 11}))
	denied("a salesman changes prices", func() error { return ann.Model("product.product").Browse(p).Write(orm.Values{"list_price": 12}) })
	count := must[*sale.Partner](t)(orm.Get[sale.Partner](bob, s.customer, "sale_order_count", "sale_order_ids"))
	if count.OrderCount.Get() != 2 || len(count.OrderIDs.IDs()) != 2 {
		t.Errorf("the customer has %d orders, %v", count.OrderCount.Get(), count.OrderIDs.IDs())
	}
}

func TestPortalUsersSeeTheirOrders(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	company := s.ref("base.main_company")
	portal := func(name string) (*orm.Env, int64) {
		u := must[orm.Records](t)(s.env.WithContext(map[string]any{"no_reset_password": true}).Model("res.users").Create(orm.Values{"name": name, "login": name,
			"group_ids": set(s.ref("base.group_portal")), "company_id": company, "company_ids": set(company)}))
		partner := must[any](t)(u.Value("partner_id")).(int64)
		return s.env.WithUser(u.ID()), partner
	}
	ann, annPartner := portal("ann")
	bob, _ := portal("bob")
	o := s.order(orm.Values{"partner_id": annPartner}, line(p, "1", "10", s.hst))
	for name, tc := range map[string]struct {
		env  *orm.Env
		want int
	}{"ann": {ann, 1}, "bob": {bob, 0}} {
		n := must[int](t)(tc.env.Model("sale.order").SearchCount(nil, 0))
		lines := must[int](t)(tc.env.Model("sale.order.line").SearchCount(nil, 0))
		if n != tc.want || lines != tc.want {
			t.Errorf("%s sees %d orders, %d lines", name, n, lines)
		}
	}
	if err := ann.Model("sale.order").Browse(o.ID).Write(orm.Values{"note": "x"}); orm.CodeOf(err) != orm.CodeAccess {
		t.Errorf("a portal user writes: %v", err)
	}
	bare := s.order(orm.Values{"partner_id": annPartner})
	before := must[int](t)(s.env.Model("mail.message").SearchCount(nil, 0))
	if _, err := ann.Model("sale.order").Browse(bare.ID).Call(sale.ActionUpdatePrices.Name, orm.Args{}); orm.CodeOf(err) != orm.CodeAccess {
		t.Errorf("a portal user prices an order: %v", err)
	}
	if n := must[int](t)(s.env.Model("mail.message").SearchCount(nil, 0)); n != before {
		t.Error("a portal user has left a note on an order")
	}
}

func TestTwoCompanies(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	main := s.ref("base.main_company")
	s.create("res.currency.rate", orm.Values{"currency_id": s.eur, "name": "2020-01-01", "rate": 0.8, "company_id": main})
	other := s.create("res.company", orm.Values{"name": "Paris", "currency_id": s.eur})
	there := s.env.WithContext(map[string]any{"allowed_company_ids": []any{other}})
	paris := &shop{T: t, env: there, customer: s.customer, usd: s.usd, eur: s.eur}
	tva := must[orm.Records](t)(there.Model("account.tax").Create(orm.Values{"name": "TVA 20%", "amount": 20, "type_tax_use": "sale", "company_id": other})).ID()
	// One product, sold by both, with the taxes of both.
	p := s.product("Desk", "10", orm.Values{"taxes_id": set(s.hst, tva)})
	here, abroad := s.order(nil, orm.Values{"product_id": p}), paris.order(nil, orm.Values{"product_id": p})
	s.totals(here, "10 + 1.3 = 11.3")
	paris.totals(abroad, "10 + 2 = 12")
	if here.CompanyID.ID != main || abroad.CompanyID.ID != other || abroad.CurrencyID.ID != s.eur || abroad.Lines.All()[0].CompanyID.ID != other {
		t.Errorf("companies %d and %d, currency %d", here.CompanyID.ID, abroad.CompanyID.ID, abroad.CurrencyID.ID)
	}
	paris.do(sale.ActionConfirm, abroad)
	m := paris.invoice(false, paris.get(abroad.ID))[0]
	paris.bill(m, "out_invoice 10 + 2 = 12")
	if m.CompanyID.ID != other || m.CurrencyID.ID != s.eur {
		t.Errorf("invoice of company %d in currency %d", m.CompanyID.ID, m.CurrencyID.ID)
	}
	// Made from the other company, the invoice is still the order's.
	s.do(sale.ActionConfirm, here)
	ms := must[[]*account.Move](t)(sale.CreateInvoices(there, []*sale.Order{s.get(here.ID)}, false))
	if ms[0].CompanyID.ID != main {
		t.Errorf("invoice of company %d", ms[0].CompanyID.ID)
	}
	ann := s.user("ann", "sales_team.group_sale_salesman_all_leads")
	if n := must[int](t)(ann.Model("sale.order").SearchCount(orm.Leaf("id", "in", []int64{here.ID, abroad.ID}), 0)); n != 1 {
		t.Errorf("a user of one company sees %d orders", n)
	}
	only := s.create("res.partner", orm.Values{"name": "Only Paris", "company_id": other})
	s.refused("Customer (partner_id)", func() error {
		_, err := s.env.Model("sale.order").Create(orm.Values{"partner_id": only, "company_id": main})
		return err
	})
	s.refused("Taxes (tax_ids)", func() error {
		_, err := s.env.Model("sale.order").Create(orm.Values{"partner_id": s.customer, "company_id": main, "order_line": []orm.Command{orm.CreateLine(line(p, "1", "1", tva))}})
		return err
	})
}

func TestOrdersInAnotherCurrency(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.create("res.currency.rate", orm.Values{"currency_id": s.eur, "name": "2020-01-01", "rate": 0.5, "company_id": s.ref("base.main_company")})
	list := s.create("product.pricelist", orm.Values{"name": "Euros", "currency_id": s.eur})
	p := s.product("Desk", "10", nil)
	o := s.confirmed(orm.Values{"pricelist_id": list}, orm.Values{"product_id": p, "product_uom_qty": 3})
	s.totals(o, "15 + 1.95 = 16.95")
	if o.CurrencyID.ID != s.eur || !o.CurrencyRate.Equal(dec("0.5")) {
		t.Errorf("currency %d at %s", o.CurrencyID.ID, o.CurrencyRate)
	}
	m := s.invoice(false, o)[0]
	s.bill(m, "out_invoice 15 + 1.95 = 16.95")
	if m.CurrencyID.ID != s.eur {
		t.Errorf("invoice in currency %d", m.CurrencyID.ID)
	}
	s.post(m)
	m = must[*account.Move](t)(orm.Get[account.Move](s.env, m.ID))
	if m.UntaxedSigned.String() != "30" {
		t.Errorf("booked %s", m.UntaxedSigned)
	}
	l := s.get(o.ID).Lines.All()[0]
	if l.UntaxedInvoiced.String() != "15" || !l.UntaxedToInvoice.IsZero() {
		t.Errorf("untaxed invoiced %s, to invoice %s", l.UntaxedInvoiced, l.UntaxedToInvoice)
	}
	// A currency may be given without a pricelist.
	bare := s.order(orm.Values{"currency_id": s.eur, "pricelist_id": nil}, orm.Values{"product_id": p})
	if bare.CurrencyID.ID != s.eur || bare.Lines.All()[0].PriceUnit.String() != "5" {
		t.Errorf("currency %d, price %s", bare.CurrencyID.ID, bare.Lines.All()[0].PriceUnit)
	}
}
