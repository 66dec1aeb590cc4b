package sale

import (
	"fmt"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"
)

// Template adds to a product how it is sold.
type Template struct {
	product.Template
	InvoicePolicy string          `orm:"invoice_policy,default=order,tracking" selection:"order:Ordered quantities,delivery:Delivered quantities" label:"Invoicing Policy" help:"Ordered quantities: what the customer ordered is invoiced. Delivered quantities: what was delivered is invoiced."`
	ServiceType   string          `orm:"service_type,default=manual" selection:"manual:Manually set quantities on order" label:"Track Service"`
	LineWarn      string          `orm:"sale_line_warn,required,default=no-message" selection:"no-message:No Message,warning:Warning,block:Blocking Message" label:"Sales Order Line"`
	LineWarnMsg   string          `orm:"sale_line_warn_msg,text" label:"Message for Sales Order Line"`
	SalesCount    decimal.Decimal `orm:"sales_count,digits=2" label:"Sold" help:"Units sold by confirmed orders of the last year."`
}

// Product is a variant as it stands on an order line.
type Product struct {
	product.Product
	InvoicePolicy string          `orm:"invoice_policy"`
	SalesCount    decimal.Decimal `orm:"sales_count,digits=2" label:"Sold"`
}

// The methods that open what confirmed orders sold of products.
var (
	ActionViewSales        = orm.Method[Template]{Name: "action_view_sales"}
	ActionViewVariantSales = orm.Method[Product]{Name: "action_view_sales"}
)

func defineProduct(r *orm.Registry) {
	t := orm.Extend[Template](r, "product.template")
	t.Compute("sales_count", func(env *orm.Env, ts []*Template) error {
		sold, err := unitsSold(env, "p.product_tmpl_id", orm.IDs(env, ts))
		for _, t := range ts {
			t.SalesCount = sold[t.ID]
		}
		return err
	})
	orm.Implement(t, ActionViewSales, func(env *orm.Env, ts []*Template, _ orm.Args) (any, error) {
		return viewSales("product_id.product_tmpl_id", orm.IDs(env, ts)), nil
	})
	p := orm.Extend[Product](r, "product.product")
	p.Compute("sales_count", func(env *orm.Env, ps []*Product) error {
		sold, err := unitsSold(env, "p.id", orm.IDs(env, ps))
		for _, p := range ps {
			p.SalesCount = sold[p.ID]
		}
		return err
	})
	orm.Implement(p, ActionViewVariantSales, func(env *orm.Env, ps []*Product, _ orm.Args) (any, error) {
		return viewSales("product_id", orm.IDs(env, ps)), nil
	})
}

// viewSales is the action that shows order lines, by a path to the products.
func viewSales(path string, ids []int64) any {
	return map[string]any{"type": "ir.actions.act_window", "name": "Sales", "res_model": "sale.order.line", "view_mode": "list,form",
		"domain": []any{[]any{"state", "=", "sale"}, []any{path, "in", ids}}}
}

// unitsSold sums, by a column of the variant p, what confirmed orders of the
// last year sold, in the products' own units.
func unitsSold(env *orm.Env, by string, ids []int64) (map[int64]decimal.Decimal, error) {
	rows, err := env.Query(fmt.Sprintf(`SELECT %[1]s, sum(l.product_uom_qty * u.factor / own.factor)
		FROM sale_order_line l JOIN sale_order o ON o.id = l.order_id JOIN product_product p ON p.id = l.product_id
		JOIN product_template t ON t.id = p.product_tmpl_id JOIN uom_uom u ON u.id = l.product_uom_id JOIN uom_uom own ON own.id = t.uom_id
		WHERE %[1]s = ANY(?) AND l.state = 'sale' AND l.company_id = ANY(?) AND o.date_order >= ? GROUP BY 1`, by),
		ids, env.Companies(), env.Today().AddDays(-365).String())
	if err != nil {
		return nil, err
	}
	out := make(map[int64]decimal.Decimal, len(rows))
	for _, row := range rows {
		out[orm.CellInt(row[0])] = orm.CellDecimal(row[1]).Round(2)
	}
	return out, nil
}
