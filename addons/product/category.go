package product

import (
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// Category is where a product stands in the tree of products.
type Category struct {
	orm.Record   `orm:"product.category" label:"Product Category" order:"complete_name" rec:"complete_name"`
	Name         string             `orm:"name,required,index" label:"Name"`
	CompleteName string             `orm:"complete_name,store" label:"Complete Name"`
	ParentID     orm.Ref[Category]  `orm:"parent_id,index,ondelete=cascade" label:"Parent Category"`
	ParentPath   string             `orm:"parent_path,index,nocopy" label:"Parent Path"`
	ChildIDs     orm.Many[Category] `orm:"child_id,inverse=parent_id" label:"Child Categories"`
	ProductCount orm.Deferred[int]  `orm:"product_count" label:"# Products" help:"The number of products in this category and in those below it."`
}

func defineCategory(r *orm.Registry) {
	c := orm.Define[Category](r)
	c.Compute("complete_name", completeNames, "name", "parent_id.complete_name")
	c.Compute("product_count", countProducts)
	c.OnNameCreate(func(orm.NameCreateFunc) orm.NameCreateFunc {
		return func(rs orm.Records, name string) (orm.NamedID, error) {
			made, err := rs.Create(orm.Values{"name": name})
			if err != nil {
				return orm.NamedID{}, err
			}
			names, err := made.DisplayNames()
			return orm.NamedID{ID: made.ID(), Name: names[made.ID()]}, err
		}
	})
	c.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			if rs.Env.Flag("uninstall", false) {
				return super(rs)
			}
			for _, xmlid := range []string{"product.product_category_goods", "product.product_category_services", "product.product_category_expenses"} {
				kept, ok, err := rs.Env.FindRef(xmlid)
				if err != nil {
					return err
				}
				for _, id := range rs.IDs {
					if ok && id == kept.ID() {
						return orm.UserErrorf("The product category “%s” cannot be deleted, since new products start in it. You can rename it.", nameOf(kept))
					}
				}
			}
			return super(rs)
		}
	})
}

// completeNames joins the names from the top of the tree. A parent in the same
// batch is followed in memory, since its own value is not stored yet.
func completeNames(_ *orm.Env, cs []*Category) error {
	batch := make(map[int64]*Category, len(cs))
	for _, c := range cs {
		batch[c.ID] = c
	}
	for _, c := range cs {
		names := []string{c.Name}
		up := c
		for depth := 0; up.ParentID.IsSet() && depth <= len(cs); depth++ {
			next := batch[up.ParentID.ID]
			if next == nil {
				names = append(names, up.ParentID.Rec().CompleteName)
				break
			}
			names, up = append(names, next.Name), next
		}
		for i, j := 0, len(names)-1; i < j; i, j = i+1, j-1 {
			names[i], names[j] = names[j], names[i]
		}
		c.CompleteName = strings.Join(names, " / ")
	}
	return nil
}

func countProducts(env *orm.Env, cs []*Category) error {
	counts, err := env.Model("product.template").CountBy("categ_id", orm.Leaf("categ_id", "child_of", orm.IDs(env, cs)))
	if err != nil {
		return err
	}
	var below []int64
	for id := range counts {
		below = append(below, id)
	}
	paths, err := orm.Read[Category](env.Sudo(), below)
	if err != nil {
		return err
	}
	for _, c := range cs {
		c.ProductCount.Set(0)
		for _, d := range paths {
			if strings.HasPrefix(d.ParentPath, c.ParentPath) {
				c.ProductCount.Set(c.ProductCount.Get() + counts[d.ID])
			}
		}
	}
	return nil
}

// Tag marks templates and variants for people to find them by.
type Tag struct {
	orm.Record  `orm:"product.tag" label:"Product Tag" order:"sequence, id"`
	Name        string             `orm:"name,required,translate" label:"Name"`
	Sequence    int                `orm:"sequence,default=10" label:"Sequence"`
	Color       string             `orm:"color,default=#3C3C3C" label:"Color"`
	TemplateIDs orm.Many[Template] `orm:"product_template_ids,rel=product_tag_product_template_rel:product_tag_id:product_template_id" label:"Product Templates"`
	ProductIDs  orm.Many[Product]  `orm:"product_product_ids,rel=product_tag_product_product_rel:product_tag_id:product_product_id" label:"Product Variants"`
}

func defineTag(r *orm.Registry) {
	t := orm.Define[Tag](r)
	t.Unique("name_uniq", "name", "A product tag of this name exists already.")
}
