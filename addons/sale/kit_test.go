package sale_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shop is the main company, which sells in US dollars, with a customer and a
// tax of 13%.
type shop struct {
	*testing.T
	env      *orm.Env
	customer int64
	hst      int64
	usd, eur int64
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{T: t, env: ormtest.New(t, addons()...)}
	s.usd, s.eur = s.ref("base.USD"), s.ref("base.EUR")
	ok(t, s.env.Model("res.currency").Browse(s.eur).Write(orm.Values{"active": true}))
	s.customer = s.create("res.partner", orm.Values{"name": "Azure Interior"})
	s.hst = s.tax("HST 13%", "13", nil)
	return s
}

func (s *shop) ref(xmlid string) int64 {
	s.Helper()
	return must[orm.Records](s.T)(s.env.Ref(xmlid)).ID()
}

func (s *shop) create(model string, vals orm.Values) int64 {
	s.Helper()
	return must[orm.Records](s.T)(s.env.Model(model).Create(vals)).ID()
}

func (s *shop) tax(name, percent string, more orm.Values) int64 {
	s.Helper()
	vals := orm.Values{"name": name, "amount_type": "percent", "amount": dec(percent), "type_tax_use": "sale"}
	for k, v := range more {
		vals[k] = v
	}
	return s.create("account.tax", vals)
}

// product makes a product with the tax of 13%, invoiced as ordered.
func (s *shop) product(name, price string, more orm.Values) int64 {
	s.Helper()
	vals := orm.Values{"name": name, "list_price": dec(price), "type": "service", "taxes_id": set(s.hst)}
	for k, v := range more {
		vals[k] = v
	}
	return s.create("product.product", vals)
}

func set(ids ...int64) []orm.Command { return []orm.Command{orm.SetIDs(ids...)} }

// line is one line of an order with a price of its own.
func line(product int64, qty, price string, taxes ...int64) orm.Values {
	return orm.Values{"product_id": product, "product_uom_qty": dec(qty), "price_unit": dec(price), "tax_ids": set(taxes...)}
}

func with(vals orm.Values, pairs ...any) orm.Values {
	vals = vals.Clone()
	for i := 0; i < len(pairs); i += 2 {
		vals[pairs[i].(string)] = pairs[i+1]
	}
	return vals
}

func (s *shop) order(head orm.Values, lines ...orm.Values) *sale.Order {
	s.Helper()
	vals := orm.Values{"partner_id": s.customer}
	for k, v := range head {
		vals[k] = v
	}
	var cmds []orm.Command
	for _, l := range lines {
		cmds = append(cmds, orm.CreateLine(l))
	}
	vals["order_line"] = cmds
	return s.get(s.create("sale.order", vals))
}

func (s *shop) get(id int64) *sale.Order {
	s.Helper()
	return must[*sale.Order](s.T)(orm.Get[sale.Order](s.env, id, "order_line.tax_ids", "invoice_ids"))
}

func (s *shop) confirmed(head orm.Values, lines ...orm.Values) *sale.Order {
	s.Helper()
	o := s.order(head, lines...)
	s.do(sale.ActionConfirm, o)
	return s.get(o.ID)
}

func (s *shop) do(m orm.Method[sale.Order], os ...*sale.Order) any {
	s.Helper()
	return must[any](s.T)(orm.Invoke(s.env, m, os))
}

// refused runs what must fail, undoes it, and checks what the user is told.
func (s *shop) refused(says string, f func() error) {
	s.Helper()
	err := s.env.Savepoint(func(*orm.Env) error { return f() })
	if err == nil || orm.CodeOf(err) == "" || !strings.Contains(err.Error(), says) {
		s.Fatalf("got %v, want a refusal that says %q", err, says)
	}
}

// totals shows untaxed + tax = total of an order.
func (s *shop) totals(o *sale.Order, want string) {
	s.Helper()
	o = s.get(o.ID)
	if got := fmt.Sprintf("%s + %s = %s", o.AmountUntaxed, o.AmountTax, o.AmountTotal); got != want {
		s.Errorf("the totals are %s, not %s", got, want)
	}
}

// status shows the invoice status of an order and of its product lines: of
// each the quantity delivered, invoiced, to invoice.
func (s *shop) status(o *sale.Order, want string) {
	s.Helper()
	o = s.get(o.ID)
	parts := []string{o.InvoiceStatus + ":"}
	for _, l := range o.Lines.All() {
		if l.DisplayType == "" {
			parts = append(parts, fmt.Sprintf("%s %s/%s/%s", l.InvoiceStatus, l.QtyDelivered, l.QtyInvoiced, l.QtyToInvoice))
		}
	}
	if got := strings.Join(parts, " "); got != want {
		s.Errorf("the status is %q, not %q", got, want)
	}
}

func (s *shop) invoice(final bool, os ...*sale.Order) []*account.Move {
	s.Helper()
	ms := must[[]*account.Move](s.T)(sale.CreateInvoices(s.env, os, final))
	ok(s.T, orm.Reload(s.env, ms, "line_ids.tax_ids"))
	return ms
}

// bill shows an invoice: its type, untaxed + tax = total.
func (s *shop) bill(m *account.Move, want string) {
	s.Helper()
	m = must[*account.Move](s.T)(orm.Get[account.Move](s.env, m.ID))
	if got := fmt.Sprintf("%s %s + %s = %s", m.MoveType, m.AmountUntaxed, m.AmountTax, m.AmountTotal); got != want {
		s.Errorf("the invoice is %s, not %s", got, want)
	}
}

// lines shows the lines people see of an invoice.
func billLines(m *account.Move) string {
	var out []string
	for _, l := range m.LineIDs.All() {
		switch l.DisplayType {
		case account.DisplayProduct:
			out = append(out, fmt.Sprintf("%s %s×%s", l.Name, l.Quantity, l.PriceUnit))
		case account.DisplayLineSection, account.DisplayLineNote:
			out = append(out, "#"+l.Name)
		}
	}
	return strings.Join(out, " | ")
}

func (s *shop) post(ms ...*account.Move) {
	s.Helper()
	ok(s.T, account.Post(s.env, orm.IDs(s.env, ms)...))
}

func (s *shop) write(model string, id int64, vals orm.Values) {
	s.Helper()
	ok(s.T, s.env.Model(model).Browse(id).Write(vals))
}

// user makes a user of groups, and gives the environment it works in.
func (s *shop) user(login string, groups ...string) *orm.Env {
	s.Helper()
	var ids []int64
	for _, g := range append([]string{"base.group_user"}, groups...) {
		ids = append(ids, s.ref(g))
	}
	company := s.ref("base.main_company")
	id := must[orm.Records](s.T)(s.env.WithContext(map[string]any{"no_reset_password": true}).Model("res.users").Create(orm.Values{"name": login, "login": login,
		"group_ids": set(ids...), "company_id": company, "company_ids": set(company)})).ID()
	return s.env.WithUser(id)
}

// wizard runs the invoicing wizard on orders and returns the new invoices.
func (s *shop) wizard(vals orm.Values, os ...*sale.Order) []*account.Move {
	s.Helper()
	before := map[int64]bool{}
	for _, o := range os {
		for _, id := range s.get(o.ID).InvoiceIDs.IDs() {
			before[id] = true
		}
	}
	env := s.env.WithContext(map[string]any{"active_model": "sale.order", "active_ids": orm.IDs(s.env, os)})
	w := must[orm.Records](s.T)(env.Model("sale.advance.payment.inv").Create(vals))
	must[any](s.T)(w.Do("create_invoices", orm.Args{}))
	var ids []int64
	for _, o := range os {
		for _, id := range s.get(o.ID).InvoiceIDs.IDs() {
			if !before[id] {
				before[id] = true
				ids = append(ids, id)
			}
		}
	}
	return must[[]*account.Move](s.T)(orm.Read[account.Move](s.env, ids, "line_ids.tax_ids"))
}

// deposit asks a part of an order in advance.
func (s *shop) deposit(o *sale.Order, method, amount string) *account.Move {
	s.Helper()
	field := map[string]string{"percentage": "amount", "fixed": "fixed_amount"}[method]
	return s.wizard(orm.Values{"advance_payment_method": method, field: dec(amount)}, o)[0]
}
