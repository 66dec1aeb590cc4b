package sale

import (
	"slices"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Partner adds to a partner what was sold to it.
type Partner struct {
	base.Partner
	OrderIDs   orm.Many[Order]   `orm:"sale_order_ids,inverse=partner_id" label:"Sales Order"`
	OrderCount orm.Deferred[int] `orm:"sale_order_count" label:"Sale Order Count" groups:"sales_team.group_sale_salesman"`
	Warn       string            `orm:"sale_warn,default=no-message" selection:"no-message:No Message,warning:Warning,block:Blocking Message" label:"Sales Warnings"`
	WarnMsg    string            `orm:"sale_warn_msg,text" label:"Message for Sales Order"`
}

// ActionViewSaleOrder opens the orders of a partner and its addresses.
var ActionViewSaleOrder = orm.Method[Partner]{Name: "action_view_sale_order"}

func definePartner(r *orm.Registry) {
	d := orm.Extend[Partner](r, "res.partner")
	d.Compute("sale_order_count", func(env *orm.Env, ps []*Partner) error {
		ids := orm.IDs(env, ps)
		all := env.Sudo().WithContext(map[string]any{"active_test": false})
		family, err := orm.Search[base.Partner](all, orm.Or(orm.Leaf("id", "in", ids), orm.Leaf("commercial_partner_id", "in", ids), orm.Leaf("parent_id", "in", ids)), orm.SearchOptions{})
		if err != nil {
			return err
		}
		n, err := env.Model("sale.order").CountBy("partner_id", orm.And(orm.Leaf("partner_id", "in", orm.IDs(env, family)), orm.Leaf("company_id", "in", env.Companies())))
		if err != nil {
			return err
		}
		sums := map[int64]int{}
		for _, m := range family {
			ups := []int64{m.ID, m.CommercialPartnerID.ID, m.ParentID.ID}
			slices.Sort(ups)
			for _, up := range slices.Compact(ups) {
				sums[up] += n[m.ID]
			}
		}
		for _, p := range ps {
			p.OrderCount.Set(sums[p.ID])
		}
		return nil
	})
	orm.Implement(d, ActionViewSaleOrder, func(env *orm.Env, ps []*Partner, _ orm.Args) (any, error) {
		if err := orm.RecordsOf(env, ps...).One(); err != nil {
			return nil, err
		}
		return map[string]any{"type": "ir.actions.act_window", "name": "Sales Orders", "res_model": "sale.order", "view_mode": "list,form,kanban",
			"domain": []any{[]any{"partner_id", "child_of", ps[0].ID}}, "context": map[string]any{"default_partner_id": ps[0].ID}}, nil
	})
}
