package sale // want package:"models base.thread, res.partner, sale.order, sale.order.line"

import (
	"base"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

type Order struct {
	orm.Record `orm:"sale.order"`
	Partner    orm.Ref[base.Partner] `orm:"partner_id"`
	Lines      orm.Many[Line]        `orm:"order_line,inverse=order_id"`
	Until      string                `orm:"until"`
	Total      float64               `orm:"total,store"`
}

type Line struct {
	orm.Record `orm:"sale.order.line"`
	Order      orm.Ref[Order] `orm:"order_id"`
	Price      float64        `orm:"price"`
}

// partner extends base's.
type partner struct {
	base.Partner
	Limit float64 `orm:"credit_limit"`
}

func Addon() module.Addon {
	return module.Addon{Name: "sale", Depends: []string{"base"}, Define: define}
}

func define(r *orm.Registry) {
	d := orm.Define[Order](r).Inherit("base.thread")
	orm.Define[Line](r)
	orm.Extend[partner](r, "res.partner")
	d.Compute("total", nil, "order_line.price", "order_line.prise", "message_count") // want `sale.order.line has no field "prise"; did you mean "price"\?`
}

func use(env *orm.Env, o *Order, name string) error {
	orm.First[Order](env, orm.Leaf("untill", "=", 1), "until desc, totl")                                 // want `sale.order has no field "untill"; did you mean "until"\?` `sale.order has no field "totl"`
	orm.Search[Order](env, orm.Leaf("partner_id.credit_limit", ">", 1), orm.SearchOptions{})              // of the extension
	orm.Search[base.Partner](env, orm.Leaf("credit_limits", ">", 1), orm.SearchOptions{})                 // want `res.partner has no field "credit_limits"`
	orm.Search[Order](env, orm.Leaf("until", ">", 1), orm.SearchOptions{Order: "untl"})                   // want `sale.order has no field "untl"`
	orm.Search[Order](env, orm.Leaf("order_line", "any", orm.Leaf("until", "=", 1)), orm.SearchOptions{}) // want `sale.order.line has no field "until"`
	here := orm.And(orm.Leaf("message_count", "=", 1), orm.Leaf("price", "=", 1))                         // want `sale.order has no field "price"`
	orders := env.Model("sale.order")
	found, err := orders.Search(here, orm.SearchOptions{})
	if err != nil {
		return err
	}
	vals := orm.Values{"until": 1, "order_line": []orm.Command{orm.CreateLine(orm.Values{"prize": 1})}} // want `sale.order.line has no field "prize"`
	vals["partner_idd"] = 1                                                                             // want `sale.order has no field "partner_idd"`
	vals[name] = 1
	if err := found.Browse(1).Write(vals); err != nil {
		return err
	}
	orm.RecordsOf(env, o).Create(orm.Values{"totel": 1})                                     // want `sale.order has no field "totel"; did you mean "total"\?`
	found.ReadGroup(nil, []string{"until:month", "utnil"}, []string{"__count", "total:sum"}) // want `sale.order has no field "utnil"`
	orm.SQL("SELECT 1").Reads("sale.order", "untill")                                        // want `sale.order has no field "untill"`
	_, err = env.Model("unseen.model").Read("whatever")
	return err
}

func hooks(d *orm.Def[Order], other orm.Values) {
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if vals.Has("until", "untill") { // want `sale.order has no field "untill"`
				vals["pric"] = vals.ID("partner_id") // want `sale.order has no field "pric"`
			}
			return super(rs, vals)
		}
	})
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for _, vals := range list {
				vals.ID("price") // want `sale.order has no field "price"`
			}
			return super(rs, list)
		}
	})
	other.ID("price")
	other.ID("prise_all") // want `no model has a field "prise_all"`
}
