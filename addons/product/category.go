package product

import (
	"fusion/framework/orm"
)

// Category is where a product stands in the tree of products.
type Category struct {
	orm.Record   `orm:"product.category" label:"Product Category" order:"complete_name" rec:"complete_name"`
	Name         string             `orm:"name,required,index" label:"Name"`
	CompleteName string             `orm:"complete_name,store" label:"Complete Name"`
	ParentID     orm.Ref[Category]  `orm:"parent_id,index,ondelete=cascade" label:"Parent Category"`
	ParentPath   string             `orm:"parent_path,index,nocopy" label:"Parent Path"`
	ChildIDs     orm.Many[Category] `orm:"child_id,inverse=parent_id" label:"Child Categories"`
	ProductCount int                `orm:"product_count" label:"# Products" help:"The number of products under this category, those of the categories below it included."`
}

func defineCategory(r *orm.Registry) {
	orm.Define[Category](r)
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
