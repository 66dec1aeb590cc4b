package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
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

// refused checks that an error is for the user and says what it should.
func refused(t *testing.T, err error, says string) {
	t.Helper()
	if err == nil || orm.CodeOf(err) == "" || !strings.Contains(err.Error(), says) {
		t.Fatalf("got %v, want a refusal that says %q", err, says)
	}
}

// books are the books of the main company, in US dollars, with a customer.
type books struct {
	*testing.T
	env      *orm.Env
	customer int64
	usd, eur int64
	tax15    int64 // the company's default tax
}

func newBooks(t *testing.T) *books {
	t.Helper()
	b := &books{T: t, env: ormtest.New(t, addons()...)}
	b.usd, b.eur = b.ref("base.USD"), b.ref("base.EUR")
	main := b.env.Model("res.company").Browse(b.ref("base.main_company"))
	if own := must[any](t)(main.Value("currency_id")); own != b.usd {
		t.Fatalf("the main company's currency is %v, not the dollar (%d)", own, b.usd)
	}
	ok(t, b.env.Model("res.currency").Browse(b.eur).Write(orm.Values{"active": true}))
	b.tax15 = must[any](t)(main.Value("account_sale_tax_id")).(int64)
	b.customer = b.partner("Azure Interior")
	return b
}

func (b *books) ref(xmlid string) int64 {
	b.Helper()
	return must[orm.Records](b.T)(b.env.Ref(xmlid)).ID()
}

func (b *books) create(model string, vals orm.Values) int64 {
	b.Helper()
	return must[orm.Records](b.T)(b.env.Model(model).Create(vals)).ID()
}

func (b *books) partner(name string) int64 {
	b.Helper()
	return b.create("res.partner", orm.Values{"name": name})
}

// tax makes a percentage on sales.
func (b *books) tax(name, percent string, more ...orm.Values) int64 {
	b.Helper()
	vals := orm.Values{"name": name, "amount_type": "percent", "amount": dec(percent), "type_tax_use": "sale"}
	for _, m := range more {
		for k, v := range m {
			vals[k] = v
		}
	}
	return b.create("account.tax", vals)
}

// rate sets how many euros a dollar buys from a day on.
func (b *books) rate(day string, euros float64) {
	b.Helper()
	b.create("res.currency.rate", orm.Values{"currency_id": b.eur, "name": day, "rate": euros, "company_id": b.ref("base.main_company")})
}

func (b *books) account(code string) int64 {
	b.Helper()
	rs := must[orm.Records](b.T)(b.env.Model("account.account").Search(orm.And(orm.Leaf("code", "=", code), orm.Leaf("company_ids", "in", []int64{b.env.Company()})), orm.SearchOptions{}))
	ok(b.T, rs.One())
	return rs.ID()
}

// line is one line of a document: price, quantity and taxes.
func line(price, quantity string, taxes ...int64) orm.Values {
	return orm.Values{"name": "Item", "price_unit": dec(price), "quantity": dec(quantity), "tax_ids": []orm.Command{orm.SetIDs(taxes...)}}
}

func with(vals, more orm.Values) orm.Values {
	vals = vals.Clone()
	for k, v := range more {
		vals[k] = v
	}
	return vals
}

// document makes a draft of a type, with values and lines.
func (b *books) document(kind string, vals orm.Values, lines ...orm.Values) int64 {
	b.Helper()
	full := orm.Values{"move_type": kind, "partner_id": b.customer, "invoice_date": "2026-03-15"}
	for k, v := range vals {
		full[k] = v
	}
	var cmds []orm.Command
	for _, l := range lines {
		cmds = append(cmds, orm.CreateLine(l))
	}
	full["invoice_line_ids"] = cmds
	return b.create("account.move", full)
}

func (b *books) invoice(lines ...orm.Values) int64 {
	b.Helper()
	return b.document("out_invoice", nil, lines...)
}

func (b *books) posted(lines ...orm.Values) int64 {
	b.Helper()
	id := b.invoice(lines...)
	ok(b.T, account.Post(b.env, id))
	return id
}

func (b *books) move(id int64) *account.Move {
	b.Helper()
	return must[*account.Move](b.T)(orm.Get[account.Move](b.env, id, "line_ids.account_id", "line_ids.currency_id"))
}

// items shows the items of an entry, one a line: kind, account, balance, and
// the amount in currency where it is another one.
func (b *books) items(id int64) string {
	b.Helper()
	var out []string
	sum := decimal.Zero
	for _, l := range b.move(id).LineIDs.All() {
		if l.DisplayType == account.DisplayLineSection || l.DisplayType == account.DisplayLineNote {
			continue
		}
		s := fmt.Sprintf("%s %s %s", l.DisplayType, l.AccountID.Rec().Code, l.Balance)
		if l.CurrencyID.ID != b.usd {
			s += fmt.Sprintf(" (%s %s)", l.AmountCurrency, l.CurrencyID.Rec().Name)
		} else if !l.AmountCurrency.Equal(l.Balance) {
			s += fmt.Sprintf(" but %s in currency", l.AmountCurrency)
		}
		if !l.Debit.Sub(l.Credit).Equal(l.Balance) {
			s += " but debit − credit is another"
		}
		out = append(out, s)
		sum = sum.Add(l.Balance)
	}
	if !sum.IsZero() {
		out = append(out, "UNBALANCED by "+sum.String())
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func (b *books) expect(id int64, items ...string) {
	b.Helper()
	slices.Sort(items)
	if got := b.items(id); got != strings.Join(items, "\n") {
		b.Errorf("the items are\n%s\nbut should be\n%s", got, strings.Join(items, "\n"))
	}
}

// totals shows untaxed + tax = total, what is due and the payment state.
func (b *books) totals(id int64) string {
	b.Helper()
	m := b.move(id)
	return fmt.Sprintf("%s + %s = %s, due %s %s", m.AmountUntaxed, m.AmountTax, m.AmountTotal, m.AmountResidual, m.PaymentState)
}

func (b *books) shows(id int64, want string) {
	b.Helper()
	if got := b.totals(id); got != want {
		b.Errorf("the totals are %s, not %s", got, want)
	}
}

// pay registers a payment on posted documents and returns its id.
func (b *books) pay(vals orm.Values, docs ...int64) int64 {
	b.Helper()
	w := must[orm.Records](b.T)(b.env.WithContext(map[string]any{"active_model": "account.move", "active_ids": docs}).Model("account.payment.register").Create(vals))
	action := must[any](b.T)(w.Do("action_create_payments", orm.Args{})).(map[string]any)
	id, _ := action["res_id"].(int64)
	return id
}

func (b *books) user(login string, groups ...string) int64 {
	b.Helper()
	var ids []int64
	for _, g := range append([]string{"base.group_user"}, groups...) {
		ids = append(ids, b.ref(g))
	}
	company := b.ref("base.main_company")
	return must[orm.Records](b.T)(b.env.WithContext(map[string]any{"no_reset_password": true}).Model("res.users").Create(orm.Values{"name": login, "login": login,
		"group_ids": []orm.Command{orm.SetIDs(ids...)}, "company_id": company, "company_ids": []orm.Command{orm.SetIDs(company)}})).ID()
}

// lines are the ids of the product lines of a document, in order.
func (b *books) lines(id int64) []int64 {
	b.Helper()
	rs := must[orm.Records](b.T)(b.env.Model("account.move.line").Search(orm.And(orm.Leaf("move_id", "=", id), orm.Leaf("display_type", "=", "product")), orm.SearchOptions{Order: "id"}))
	return rs.IDs
}

// product makes a product of a price and returns the id of its variant.
func (b *books) product(name, price string, more ...orm.Values) int64 {
	b.Helper()
	unit := b.ref("uom.product_uom_unit")
	vals := orm.Values{"name": name, "list_price": dec(price), "categ_id": b.ref("product.product_category_goods"), "uom_id": unit}
	for _, m := range more {
		vals = with(vals, m)
	}
	return b.create("product.product", vals)
}

func itoa(id int64) string { return fmt.Sprint(id) }
