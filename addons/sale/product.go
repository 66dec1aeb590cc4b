package sale

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Template adds to a product how it is sold.
type Template struct {
	product.Template
	InvoicePolicy string                        `orm:"invoice_policy,default=order,tracking" selection:"order:Ordered quantities,delivery:Delivered quantities" label:"Invoicing Policy" help:"Ordered quantities: what the customer ordered is invoiced. Delivered quantities: what was delivered is invoiced."`
	ServiceType   string                        `orm:"service_type,default=manual" selection:"manual:Manually set quantities on order" label:"Track Service"`
	LineWarn      string                        `orm:"sale_line_warn,required,default=no-message" selection:"no-message:No Message,warning:Warning,block:Blocking Message" label:"Sales Order Line"`
	LineWarnMsg   string                        `orm:"sale_line_warn_msg,text" label:"Message for Sales Order Line"`
	SalesCount    orm.Deferred[decimal.Decimal] `orm:"sales_count,digits=2" label:"Sold" help:"Units sold by confirmed orders of the last year."`
}

// Product is a variant as it stands on an order line.
type Product struct {
	product.Product
	InvoicePolicy string                        `orm:"invoice_policy"`
	SalesCount    orm.Deferred[decimal.Decimal] `orm:"sales_count,digits=2" label:"Sold"`
}

// The methods that open what confirmed orders sold of products.
var (
	ActionViewSales        = orm.Method[Template]{Name: "action_view_sales"}
	ActionViewVariantSales = orm.Method[Product]{Name: "action_view_sales"}
)

func defineProduct(r *orm.Registry) {
	t := orm.Extend[Template](r, "product.template")
	t.Compute("sales_count", func(env *orm.Env, ts []*Template) error {
		sold, err := unitsSold(env, true, orm.IDs(env, ts))
		for _, t := range ts {
			t.SalesCount.Set(sold[t.ID])
		}
		return err
	})
	orm.Implement(t, ActionViewSales, func(env *orm.Env, ts []*Template, _ orm.Args) (any, error) {
		return viewSales("product_id.product_tmpl_id", orm.IDs(env, ts)), nil
	})
	p := orm.Extend[Product](r, "product.product")
	p.Compute("sales_count", func(env *orm.Env, ps []*Product) error {
		sold, err := unitsSold(env, false, orm.IDs(env, ps))
		for _, p := range ps {
			p.SalesCount.Set(sold[p.ID])
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

// unitsSold sums, by a path from the variant, what confirmed orders of the last
// year sold, in the products' own units, as far as the user may read the orders.
func unitsSold(env *orm.Env, templates bool, ids []int64) (map[int64]decimal.Decimal, error) {
	out := map[int64]decimal.Decimal{}
	lines := env.Model("sale.order.line")
	if ok, err := lines.HasAccess(orm.OpRead); err != nil || !ok {
		return out, err
	}
	all := env.Sudo().WithContext(map[string]any{"active_test": false})
	by := "id"
	if templates {
		by = "product_tmpl_id"
	}
	variants, err := orm.Search[product.Product](all, orm.Leaf(by, "in", ids), orm.SearchOptions{}, "product_tmpl_id.uom_id")
	if err != nil {
		return nil, err
	}
	known := map[any]*product.Product{}
	for _, v := range variants {
		known[v.ID] = v
	}
	groups, err := lines.ReadGroup(orm.And(orm.Leaf("product_id", "in", orm.IDs(env, variants)), orm.Leaf("state", "=", "sale"), orm.Leaf("company_id", "in", env.Companies()),
		orm.Leaf("order_id.date_order", ">=", env.Today().AddDays(-365).String())), []string{"product_id", "product_uom_id"}, []string{"product_uom_qty:sum"}, orm.GroupOptions{})
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		v, sold := known[g.Keys[0]], g.Values["product_uom_qty:sum"]
		qty, isNumber := sold.(decimal.Decimal)
		unit, isUnit := g.Keys[1].(int64)
		if v == nil || !isNumber || !isUnit {
			continue
		}
		in, err := orm.Get[uom.UoM](all, unit)
		if err != nil {
			return nil, err
		}
		own := v.TemplateID.Rec().UoMID.Rec()
		id := v.ID
		if templates {
			id = v.TemplateID.ID
		}
		out[id] = out[id].Add(qty.Mul(in.Factor).Div(own.Factor))
	}
	for id, qty := range out {
		out[id] = qty.Round(2)
	}
	return out, nil
}
