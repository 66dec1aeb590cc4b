package sale_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// The statements of an order, its confirmation and its invoice do not grow
// with its lines.
func TestStatementsOfLongOrders(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	products := make([]int64, 10)
	for i := range products {
		products[i] = s.product("Product", "10.5", nil)
	}
	imported := s.env.WithContext(map[string]any{account.KeyFullPrecision: true, "tracking_disable": true})
	cost := func(env *orm.Env, n int, given bool) (create, confirm, invoice int) {
		var lines []orm.Command
		for i := range n {
			l := orm.Values{"product_id": products[i%10], "product_uom_qty": i + 1}
			if given {
				l = with(line(products[i%10], "2", "9.99", s.hst), "name", "Product", "product_uom_id", s.ref("uom.product_uom_unit"), "tax_override",
					account.NewTaxOverride(map[int64]decimal.Decimal{s.hst: dec("2.5").Add(decimal.New(int64(i), -2))}))
			}
			lines = append(lines, orm.CreateLine(l))
		}
		head := orm.Values{"partner_id": s.customer, "order_line": lines}
		if given {
			for _, f := range []string{"user_id", "team_id", "payment_term_id", "fiscal_position_id", "pricelist_id"} {
				head[f] = nil
			}
			head["partner_invoice_id"], head["partner_shipping_id"], head["name"], head["tax_rounding_method"] = s.customer, s.customer, "X", "round_per_line"
		}
		ok(t, env.Flush())
		count := func(f func()) int {
			before := env.Queries()
			f()
			ok(t, env.Flush())
			return env.Queries() - before
		}
		var o *sale.Order
		create = count(func() {
			rs := must[orm.Records](t)(env.Model("sale.order").Create(head))
			ok(t, env.Flush())
			o = must[*sale.Order](t)(orm.Get[sale.Order](env, rs.ID()))
		})
		confirm = count(func() { must[any](t)(orm.Invoke(env, sale.ActionConfirm, []*sale.Order{o})) })
		invoice = count(func() { must[[]*account.Move](t)(sale.CreateInvoices(env, []*sale.Order{o}, false)) })
		return create, confirm, invoice
	}
	for name, tc := range map[string]struct {
		env   *orm.Env
		given bool
		most  [3]int
	}{
		"by hand":  {s.env, false, [3]int{48, 16, 28}},
		"imported": {imported, true, [3]int{24, 8, 26}},
	} {
		cost(tc.env, 30, tc.given) // reads what a unit of work keeps
		a, b, c := cost(tc.env, 2, tc.given)
		x, y, z := cost(tc.env, 30, tc.given)
		if x > a || y > b || z > c || x > tc.most[0] || y > tc.most[1] || z > tc.most[2] {
			t.Errorf("%s: 2 lines take %d + %d + %d statements, 30 lines %d + %d + %d", name, a, b, c, x, y, z)
		}
	}
}
