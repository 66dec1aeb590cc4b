package product

import (
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// When the variants of an attribute's values are made.
const (
	Always    = "always"
	Dynamic   = "dynamic"
	NoVariant = "no_variant"
)

// Attribute is a property in which the variants of a product may differ.
type Attribute struct {
	orm.Record    `orm:"product.attribute" label:"Product Attribute" order:"sequence, id"`
	Name          string                   `orm:"name,required,translate" label:"Attribute"`
	Active        bool                     `orm:"active,default=true" label:"Active"`
	Sequence      int                      `orm:"sequence,index,default=20" label:"Sequence" help:"Determine the display order"`
	CreateVariant string                   `orm:"create_variant,required,default=always" selection:"always:Instantly,dynamic:Dynamically,no_variant:Never" label:"Variant Creation" help:"Instantly: all variants are made as soon as the attribute is added to a product. Dynamically: a variant is made when it is first sold. Never: the choice is noted on the order line only."`
	DisplayType   string                   `orm:"display_type,required,default=radio" selection:"radio:Radio,pills:Pills,select:Select,color:Color,multi:Multi-checkbox" label:"Display Type"`
	ValueIDs      orm.Many[AttributeValue] `orm:"value_ids,inverse=attribute_id,copy" label:"Values"`
	LineIDs       orm.Many[AttributeLine]  `orm:"attribute_line_ids,inverse=attribute_id" label:"Lines"`
	TemplateIDs   orm.Many[Template]       `orm:"product_tmpl_ids,store=false" label:"Related Products"`
	ProductCount  orm.Deferred[int]        `orm:"number_related_products" label:"Related Products Count"`
}

// AttributeValue is one of the values an attribute can have.
type AttributeValue struct {
	orm.Record        `orm:"product.attribute.value" label:"Attribute Value" order:"attribute_id, sequence, id"`
	Name              string                  `orm:"name,required,translate" label:"Value"`
	Sequence          int                     `orm:"sequence,index" label:"Sequence" help:"Determine the display order"`
	AttributeID       orm.Ref[Attribute]      `orm:"attribute_id,required,index,ondelete=cascade" label:"Attribute"`
	LineIDs           orm.Many[AttributeLine] `orm:"pav_attribute_line_ids,rel=product_attribute_value_product_template_attribute_line_rel:product_attribute_value_id:product_template_attribute_line_id,nocopy" label:"Lines"`
	DefaultExtraPrice decimal.Decimal         `orm:"default_extra_price,digits=6" label:"Default Extra Price"`
	IsCustom          bool                    `orm:"is_custom" label:"Free text" help:"Allow customers to set their own value"`
	HTMLColor         string                  `orm:"html_color" label:"Color" help:"The color shown for the value when the attribute is displayed as colors."`
	DisplayType       string                  `orm:"display_type,related=attribute_id.display_type,readonly" label:"Display Type"`
	Color             int                     `orm:"color" label:"Color Index"`
	Active            bool                    `orm:"active,default=true" label:"Active"`
	DisplayName       orm.Deferred[string]    `orm:"display_name"`
}

// AttributeLine says which values of an attribute a template comes in.
type AttributeLine struct {
	orm.Record  `orm:"product.template.attribute.line" label:"Product Template Attribute Line" order:"sequence, attribute_id, id" rec:"attribute_id"`
	Active      bool                             `orm:"active,default=true" label:"Active"`
	TemplateID  orm.Ref[Template]                `orm:"product_tmpl_id,required,index,ondelete=cascade" label:"Product Template"`
	Sequence    int                              `orm:"sequence,default=10" label:"Sequence"`
	AttributeID orm.Ref[Attribute]               `orm:"attribute_id,required,index,ondelete=restrict" label:"Attribute"`
	ValueIDs    orm.Many[AttributeValue]         `orm:"value_ids,rel=product_attribute_value_product_template_attribute_line_rel:product_template_attribute_line_id:product_attribute_value_id" label:"Values" domain:"[('attribute_id', '=', attribute_id)]"`
	ValueCount  int                              `orm:"value_count,store" label:"Value Count"`
	PTAVIDs     orm.Many[TemplateAttributeValue] `orm:"product_template_value_ids,inverse=attribute_line_id" label:"Product Attribute Values"`
}

// TemplateAttributeValue is a value a template comes in, with what it adds to
// the price. It outlives its line as long as a variant is made of it.
type TemplateAttributeValue struct {
	orm.Record  `orm:"product.template.attribute.value" label:"Product Template Attribute Value" order:"attribute_line_id, product_attribute_value_id, id"`
	Active      bool                    `orm:"ptav_active,default=true" label:"Active"`
	Name        string                  `orm:"name,related=product_attribute_value_id.name,readonly" label:"Value"`
	ValueID     orm.Ref[AttributeValue] `orm:"product_attribute_value_id,required,index,ondelete=cascade" label:"Attribute Value"`
	LineID      orm.Ref[AttributeLine]  `orm:"attribute_line_id,required,index,ondelete=cascade" label:"Attribute Line"`
	PriceExtra  decimal.Decimal         `orm:"price_extra,digits=6,default=0" label:"Value Price Extra" help:"What the value adds to the sales price of the product."`
	TemplateID  orm.Ref[Template]       `orm:"product_tmpl_id,related=attribute_line_id.product_tmpl_id,store,index" label:"Product Template"`
	AttributeID orm.Ref[Attribute]      `orm:"attribute_id,related=attribute_line_id.attribute_id,store,index" label:"Attribute"`
	ProductIDs  orm.Many[Product]       `orm:"ptav_product_variant_ids,rel=product_variant_combination:product_template_attribute_value_id:product_product_id" label:"Related Variants"`
	HTMLColor   string                  `orm:"html_color,related=product_attribute_value_id.html_color" label:"HTML Color Index"`
	IsCustom    bool                    `orm:"is_custom,related=product_attribute_value_id.is_custom" label:"Custom Value"`
	DisplayType string                  `orm:"display_type,related=product_attribute_value_id.display_type,readonly" label:"Display Type"`
	Color       int                     `orm:"color" label:"Color"`
	DisplayName orm.Deferred[string]    `orm:"display_name"`
}

func defineAttribute(r *orm.Registry) {
	a := orm.Define[Attribute](r)
	a.Compute("product_tmpl_ids, number_related_products", func(_ *orm.Env, as []*Attribute) error {
		for _, a := range as {
			var ids []int64
			for _, l := range a.LineIDs.All() {
				if l.Active && l.ValueCount > 0 && !slices.Contains(ids, l.TemplateID.ID) {
					ids = append(ids, l.TemplateID.ID)
				}
			}
			a.TemplateIDs.Set(ids...)
			a.ProductCount.Set(len(ids))
		}
		return nil
	}, "attribute_line_ids.active", "attribute_line_ids.value_count", "attribute_line_ids.product_tmpl_id")
	a.Check("check_multi_checkbox_no_variant", "display_type <> 'multi' OR create_variant = 'no_variant'", "Of an attribute shown as check boxes, customers choose several values: it can never make variants. Set its variant creation to Never.")
	a.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if mode, ok := vals["create_variant"].(string); ok {
				as, err := orm.Read[Attribute](rs.Env.Sudo(), rs.IDs, "product_tmpl_ids")
				if err != nil {
					return err
				}
				for _, a := range as {
					if a.CreateVariant != mode && len(a.TemplateIDs.IDs()) > 0 {
						return orm.UserErrorf("The variant creation of the attribute “%s” cannot change any more: it is used on %s.", a.Name, namesOf(orm.RecordsOf(rs.Env, a.TemplateIDs.All()...)))
					}
				}
			}
			return super(rs, vals)
		}
	})
	a.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			as, err := orm.Read[Attribute](rs.Env.Sudo(), rs.IDs, "product_tmpl_ids")
			if err != nil {
				return err
			}
			for _, a := range as {
				if len(a.TemplateIDs.IDs()) > 0 {
					return orm.UserErrorf("The attribute “%s” cannot be deleted: it is used on %s. Remove it from them first.", a.Name, namesOf(orm.RecordsOf(rs.Env, a.TemplateIDs.All()...)))
				}
			}
			return super(rs)
		}
	})
	defineAttributeValue(r)
	defineLine(r)
	definePTAV(r)
}

func defineAttributeValue(r *orm.Registry) {
	v := orm.Define[AttributeValue](r)
	v.Compute("display_name", func(env *orm.Env, vs []*AttributeValue) error {
		for _, v := range vs {
			v.DisplayName.Set(v.Name)
			if env.Flag("show_attribute", true) && v.AttributeID.IsSet() {
				v.DisplayName.Set(v.AttributeID.Rec().Name + ": " + v.Name)
			}
		}
		return nil
	}, "name", "attribute_id.name")
	v.Unique("value_company_uniq", "name, attribute_id", "The attribute has a value of this name already.")
	// used are the products that come in a value.
	used := func(env *orm.Env, value int64) (orm.Records, error) {
		ls, err := orm.Search[AttributeLine](env.Sudo(), orm.Leaf("value_ids", "in", []int64{value}), orm.SearchOptions{})
		ids := make([]int64, len(ls))
		for i, l := range ls {
			ids[i] = l.TemplateID.ID
		}
		return env.Model("product.template").Browse(ids...), err
	}
	v.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if _, moved := vals["attribute_id"]; moved {
				before, err := orm.Read[AttributeValue](rs.Env.Sudo(), rs.IDs)
				if err != nil {
					return err
				}
				if err := super(rs, vals); err != nil {
					return err
				}
				after, err := orm.Read[AttributeValue](rs.Env.Sudo(), rs.IDs)
				if err != nil {
					return err
				}
				for i, v := range after {
					ts, err := used(rs.Env, v.ID)
					if err != nil {
						return err
					}
					if v.AttributeID.ID != before[i].AttributeID.ID && ts.Len() > 0 {
						return orm.UserErrorf("The attribute of the value “%s” cannot change: the value is used on %s.", v.Name, namesOf(ts))
					}
				}
				return nil
			}
			return super(rs, vals)
		}
	})
	v.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			var free, kept []int64
			for _, id := range rs.IDs {
				ts, err := used(rs.Env, id)
				if err != nil {
					return err
				}
				if ts.Len() > 0 {
					return orm.UserErrorf("The value “%s” cannot be deleted: it is used on %s. Remove it from them first.", nameOf(rs.Browse(id)), namesOf(ts))
				}
				used, err := withArchived(rs.Env).Sudo().Model("product.product").SearchCount(orm.Leaf("product_template_attribute_value_ids.product_attribute_value_id", "=", id), 1)
				if err != nil {
					return err
				}
				if used > 0 {
					kept = append(kept, id)
				} else {
					free = append(free, id)
				}
			}
			if err := rs.Browse(kept...).Write(orm.Values{"active": false}); err != nil { // archived variants are made of them
				return err
			}
			if len(free) == 0 {
				return nil
			}
			return super(rs.Browse(free...))
		}
	})
}
