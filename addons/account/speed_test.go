package account_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// The statements of a document do not grow with its lines.
func TestStatementsOfLongDocuments(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	tax := b.tax("HST 13%", "13")
	products := make([]int64, 10)
	for i := range products {
		products[i] = b.product("Product", "10.5")
	}
	cost := func(n int) (create, post int) {
		lines := make([]orm.Values, n)
		for i := range lines {
			lines[i] = line("1.07", "3", b.tax15)
			lines[i]["price_unit"] = dec("1.07").Add(dec("0.13").Mul(decimal.NewFromInt(int64(i))))
			switch i % 3 {
			case 0:
				lines[i]["tax_ids"] = []orm.Command{orm.SetIDs(tax)}
			case 1:
				lines[i] = orm.Values{"product_id": products[i%10]}
			}
		}
		ok(t, b.env.Flush())
		before := b.env.Queries()
		id := b.invoice(lines...)
		ok(t, b.env.Flush())
		middle := b.env.Queries()
		ok(t, account.Post(b.env, id))
		ok(t, b.env.Flush())
		return middle - before, b.env.Queries() - middle
	}
	cost(30) // reads what a unit of work keeps, all products among it
	c3, p3 := cost(3)
	c30, p30 := cost(30)
	if c30 > c3 || p30 > p3 || c30 > 50 || p30 > 55 {
		t.Errorf("3 lines take %d + %d statements, 30 lines %d + %d", c3, p3, c30, p30)
	}
}

// BenchmarkInvoice makes and posts invoices of thirty lines, each in a unit of
// work of its own.
func BenchmarkInvoice(b *testing.B) {
	db := ormtest.DB(b, addons()...)
	ctx := b.Context()
	var customer, tax int64
	err := db.Run(ctx, orm.System(), func(env *orm.Env) error {
		p, err := env.Model("res.partner").Create(orm.Values{"name": "Azure"})
		if err != nil {
			return err
		}
		x, err := env.Model("account.tax").Create(orm.Values{"name": "13%", "amount": 13})
		customer, tax = p.ID(), x.ID()
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	var lines []orm.Command
	for i := range 30 {
		lines = append(lines, orm.CreateLine(line(decimal.NewFromInt(int64(i)).String(), "2", tax)))
	}
	for b.Loop() {
		err := db.Run(ctx, orm.System(), func(env *orm.Env) error {
			m, err := env.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "partner_id": customer, "invoice_date": "2026-05-01", "invoice_line_ids": lines})
			if err != nil {
				return err
			}
			return account.Post(env, m.ID())
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
