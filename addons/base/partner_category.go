package base

import (
	"math/rand/v2"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// PartnerCategory is a tag of partners; tags form a tree.
type PartnerCategory struct {
	orm.Record  `orm:"res.partner.category" label:"Partner Tags" order:"name, id"`
	Name        string                    `orm:"name,required,translate" label:"Name"`
	Color       int                       `orm:"color" label:"Color"`
	ParentID    orm.Ref[PartnerCategory]  `orm:"parent_id,index,ondelete=cascade" label:"Category"`
	ChildIDs    orm.Many[PartnerCategory] `orm:"child_ids,inverse=parent_id" label:"Child Tags"`
	Active      bool                      `orm:"active,default=true" label:"Active" help:"The active field allows you to hide the category without removing it."`
	ParentPath  string                    `orm:"parent_path,index,nocopy" label:"Parent Path"`
	PartnerIDs  orm.Many[Partner]         `orm:"partner_ids,rel=res_partner_res_partner_category_rel:category_id:partner_id,nocopy" label:"Partners"`
	DisplayName orm.Deferred[string]      `orm:"display_name"`
}

// PartnerIndustry is what a company does.
type PartnerIndustry struct {
	orm.Record `orm:"res.partner.industry" label:"Industry" order:"name"`
	Name       string `orm:"name,translate" label:"Name"`
	FullName   string `orm:"full_name,translate" label:"Full Name"`
	Active     bool   `orm:"active,default=true" label:"Active"`
}

func definePartnerCategories(r *orm.Registry) {
	c := orm.Define[PartnerCategory](r)
	c.Default("color", func(*orm.Env) (any, error) { return int64(1 + rand.IntN(11)), nil })
	c.Compute("display_name", categoryNames, "name", "parent_id.name")
	c.SearchBy("display_name", func(env *orm.Env, op string, value any) (orm.Domain, error) {
		d := orm.Leaf("name", op, value)
		if !strings.HasSuffix(op, "like") || strings.HasPrefix(op, "not ") {
			return d, nil
		}
		// the name of a tag is part of the names of those below it
		found, err := env.Model("res.partner.category").Search(d, orm.SearchOptions{})
		return orm.Leaf("id", "child_of", found.IDs), err
	})
	c.Constrain("parent_id", func(env *orm.Env, cs []*PartnerCategory) error {
		ok, err := acyclic(env, "res.partner.category", "parent_id", orm.IDs(env, cs))
		if err == nil && !ok {
			return orm.ValidationErrorf("You can not create recursive tags.")
		}
		return err
	})
	orm.Define[PartnerIndustry](r)
}

// categoryNames are those of the tags from the top of the tree down.
func categoryNames(env *orm.Env, cs []*PartnerCategory) error {
	names := map[int64]*PartnerCategory{}
	level := cs
	for len(level) > 0 {
		var up []int64
		for _, c := range level {
			names[c.ID] = c
			if c.ParentID.IsSet() && names[c.ParentID.ID] == nil {
				up = append(up, c.ParentID.ID)
			}
		}
		if len(up) == 0 {
			break
		}
		var err error
		if level, err = orm.Read[PartnerCategory](env.Sudo(), up); err != nil {
			return err
		}
	}
	for _, c := range cs {
		parts := []string{}
		for at, n := c, 0; at != nil && n < 100; at, n = names[at.ParentID.ID], n+1 {
			parts = append([]string{at.Name}, parts...)
		}
		c.DisplayName.Set(strings.Join(parts, " / "))
	}
	return nil
}
