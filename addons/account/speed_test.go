package account_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"fusion/addons/account"
	"fusion/framework/orm"
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
	cost(3) // reads what a unit of work keeps
	c3, p3 := cost(3)
	c30, p30 := cost(30)
	if c30 > c3 || p30 > p3 || c30 > 50 || p30 > 55 {
		t.Errorf("3 lines take %d + %d statements, 30 lines %d + %d", c3, p3, c30, p30)
	}
}
