package sale

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Partner adds to a partner what was sold to it.
type Partner struct {
	base.Partner
	OrderIDs   orm.Many[Order] `orm:"sale_order_ids,inverse=partner_id" label:"Sales Order"`
	OrderCount int             `orm:"sale_order_count" label:"Sale Order Count" groups:"sales_team.group_sale_salesman"`
	Warn       string          `orm:"sale_warn,default=no-message" selection:"no-message:No Message,warning:Warning,block:Blocking Message" label:"Sales Warnings"`
	WarnMsg    string          `orm:"sale_warn_msg,text" label:"Message for Sales Order"`
}

// ActionViewSaleOrder opens the orders of a partner and its addresses.
var ActionViewSaleOrder = orm.Method[Partner]{Name: "action_view_sale_order"}

func definePartner(r *orm.Registry) {
	d := orm.Extend[Partner](r, "res.partner")
	d.Compute("sale_order_count", func(env *orm.Env, ps []*Partner) error {
		ids := orm.IDs(env, ps)
		rows, err := env.Query(`SELECT up.id, count(DISTINCT o.id) FROM res_partner up
			JOIN res_partner p ON p.id = up.id OR p.commercial_partner_id = up.id OR p.parent_id = up.id
			JOIN sale_order o ON o.partner_id = p.id WHERE up.id = ANY(?) AND o.company_id = ANY(?) GROUP BY 1`, ids, env.Companies())
		if err != nil {
			return err
		}
		n := map[int64]int64{}
		for _, row := range rows {
			n[orm.CellInt(row[0])] = orm.CellInt(row[1])
		}
		for _, p := range ps {
			p.OrderCount = int(n[p.ID])
		}
		return nil
	})
	// Quotations that became nothing go with their customer.
	d.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			open, err := rs.Env.Sudo().Model("sale.order").Search(orm.And(orm.Leaf("partner_id", "in", rs.IDs), orm.Leaf("state", "in", []any{"draft", "cancel"})), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := open.Unlink(); err != nil {
				return err
			}
			return super(rs)
		}
	})
	orm.Implement(d, ActionViewSaleOrder, func(env *orm.Env, ps []*Partner, _ orm.Args) (any, error) {
		if err := orm.RecordsOf(env, ps...).One(); err != nil {
			return nil, err
		}
		return map[string]any{"type": "ir.actions.act_window", "name": "Sales Orders", "res_model": "sale.order", "view_mode": "list,form,kanban",
			"domain": []any{[]any{"partner_id", "child_of", ps[0].ID}}, "context": map[string]any{"default_partner_id": ps[0].ID}}, nil
	})
}
