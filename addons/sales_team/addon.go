// Package sales_team holds what every selling addon shares: the sales teams
// and the groups of sales people. It imports base and mail only.
package sales_team

import (
	"embed"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

//go:embed data security views
var files embed.FS

// Addon is the manifest of sales_team.
func Addon() module.Addon {
	return module.Addon{
		Name:     "sales_team",
		Title:    "Sales Teams",
		Version:  "19.0.1.0.0",
		Category: "Sales/Sales",
		Summary:  "Sales teams and the groups of sales people",
		Author:   "Fusion",
		License:  "LGPL-3",
		Depends:  []string{"base", "mail"},
		FS:       files,
		Data: []string{
			"security/sales_team_groups.xml",
			"security/ir.model.access.csv",
			"security/sales_team_security.xml",
			"data/crm_team_data.xml",
			"views/crm_team_views.xml",
		},
		Define: define,
	}
}

// Team is a group of people who sell together.
type Team struct {
	orm.Record `orm:"crm.team" label:"Sales Team" order:"sequence, create_date desc, id desc"`
	Name       string                 `orm:"name,required,translate" label:"Sales Team"`
	Sequence   int                    `orm:"sequence,default=10" label:"Sequence"`
	Active     bool                   `orm:"active,default=true" label:"Active"`
	CompanyID  orm.Ref[base.Company]  `orm:"company_id,index" label:"Company"`
	CurrencyID orm.Ref[base.Currency] `orm:"currency_id,related=company_id.currency_id,readonly" label:"Currency"`
	UserID     orm.Ref[base.User]     `orm:"user_id" label:"Team Leader"`
	MemberIDs  orm.Many[base.User]    `orm:"member_ids,rel=crm_team_member_rel:crm_team_id:user_id" label:"Salespersons"`
	Color      int                    `orm:"color" label:"Color Index"`
}

// Tag marks quotations, orders and other documents of selling.
type Tag struct {
	orm.Record `orm:"crm.tag" label:"CRM Tag" order:"id"`
	Name       string `orm:"name,required,translate" label:"Tag Name"`
	Color      int    `orm:"color" label:"Color"`
}

func define(r *orm.Registry) {
	orm.Define[Team](r)
	orm.Define[Tag](r).Unique("name_uniq", "name", "A tag of this name exists already.")
}

// TeamOf is the team a user sells for in a company: the first the user leads
// or belongs to, else the first of the company. 0 means there is none.
func TeamOf(env *orm.Env, user, company int64) (int64, error) {
	env = env.Sudo()
	here := orm.Leaf("company_id", "in", []any{false, company})
	if user != 0 {
		t, err := orm.First[Team](env, orm.And(here, orm.Or(orm.Leaf("user_id", "=", user), orm.Leaf("member_ids", "in", []int64{user}))), "")
		if err != nil {
			return 0, err
		}
		if t != nil {
			return t.ID, nil
		}
	}
	t, err := orm.First[Team](env, here, "")
	if err != nil || t == nil {
		return 0, err
	}
	return t.ID, nil
}
