package product

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// The types of products.
const (
	Goods   = "consu"
	Service = "service"
	Combo   = "combo"
)

// Template is a product as people see it: one thing in a catalogue, which may
// come in several variants. Fields that belong to the variant (reference,
// barcode, cost, weight, volume) are those of the only variant, and empty when
// there are several.
type Template struct {
	orm.Record `orm:"product.template" label:"Product" order:"is_favorite desc, name, id"`
	mail.Thread
	mail.ActivityMixin
	Name                string                               `orm:"name,required,translate,index=btree+trigram,tracking" label:"Name"`
	Sequence            int                                  `orm:"sequence,default=1" label:"Sequence" help:"Where the product stands in lists of products."`
	Description         string                               `orm:"description,html,translate" label:"Description"`
	DescriptionPurchase string                               `orm:"description_purchase,text,translate" label:"Purchase Description"`
	DescriptionSale     string                               `orm:"description_sale,text,translate" label:"Sales Description" help:"What customers read about the product on quotations, orders and invoices."`
	Type                string                               `orm:"type,required,default=consu" selection:"consu:Goods,service:Service,combo:Combo" label:"Product Type" help:"Goods are things that can be held. A service is not. A combo is a choice of several products sold as one."`
	ComboIDs            orm.Many[ComboChoice]                `orm:"combo_ids,rel=product_combo_product_template_rel:product_template_id:product_combo_id" label:"Combo Choices"`
	CategID             orm.Ref[Category]                    `orm:"categ_id,index" label:"Product Category"`
	CurrencyID          orm.Deferred[orm.Ref[base.Currency]] `orm:"currency_id" label:"Currency"`
	CostCurrencyID      orm.Deferred[orm.Ref[base.Currency]] `orm:"cost_currency_id" label:"Cost Currency"`
	ListPrice           decimal.Decimal                      `orm:"list_price,min_digits=Product Price:2,default=1,tracking" label:"Sales Price" help:"The price at which the product is sold to customers without a pricelist."`
	StandardPrice       orm.Deferred[decimal.Decimal]        `orm:"standard_price,min_digits=Product Price:2" label:"Cost" groups:"base.group_user" help:"What one unit of the product costs, in the currency of the company."`
	Volume              orm.Deferred[decimal.Decimal]        `orm:"volume,digits=Volume:2" label:"Volume"`
	VolumeUoMName       orm.Deferred[string]                 `orm:"volume_uom_name" label:"Volume unit of measure label"`
	Weight              orm.Deferred[decimal.Decimal]        `orm:"weight,digits=Stock Weight:2" label:"Weight"`
	WeightUoMName       orm.Deferred[string]                 `orm:"weight_uom_name" label:"Weight unit of measure label"`
	SaleOK              bool                                 `orm:"sale_ok,default=true" label:"Sales"`
	PurchaseOK          bool                                 `orm:"purchase_ok,default=true" label:"Purchase"`
	UoMID               orm.Ref[uom.UoM]                     `orm:"uom_id,required,ondelete=restrict,tracking" label:"Unit of Measure" help:"The unit in which the product is counted and priced."`
	UoMName             string                               `orm:"uom_name,related=uom_id.name,readonly" label:"Unit of Measure Name"`
	UoMIDs              orm.Many[uom.UoM]                    `orm:"uom_ids,rel=product_template_uom_uom_rel:product_template_id:uom_uom_id" label:"Packagings" help:"Other units in which the product can be sold and bought, such as packs and boxes."`
	CompanyID           orm.Ref[base.Company]                `orm:"company_id,index" label:"Company"`
	SellerIDs           orm.Many[SupplierInfo]               `orm:"seller_ids,inverse=product_tmpl_id,copy" label:"Vendors"`
	Active              bool                                 `orm:"active,default=true" label:"Active" help:"An archived product is kept, but no longer offered."`
	Color               int                                  `orm:"color" label:"Color Index"`
	IsFavorite          bool                                 `orm:"is_favorite" label:"Favorite"`
	IsProductVariant    orm.Deferred[bool]                   `orm:"is_product_variant" label:"Is a product variant"`
	LineIDs             orm.Many[AttributeLine]              `orm:"attribute_line_ids,inverse=product_tmpl_id,copy" label:"Product Attributes"`
	ValidLineIDs        orm.Many[AttributeLine]              `orm:"valid_product_template_attribute_line_ids,store=false" label:"Valid Product Attribute Lines"`
	VariantIDs          orm.Many[Product]                    `orm:"product_variant_ids,inverse=product_tmpl_id" label:"Products"`
	VariantID           orm.Deferred[orm.Ref[Product]]       `orm:"product_variant_id" label:"Product"`
	VariantCount        orm.Deferred[int]                    `orm:"product_variant_count" label:"# Product Variants"`
	Barcode             orm.Deferred[string]                 `orm:"barcode" label:"Barcode"`
	DefaultCode         string                               `orm:"default_code,store,nocopy" label:"Internal Reference"`
	PricelistItemCount  orm.Deferred[int]                    `orm:"pricelist_item_count" label:"Number of price rules"`
	TagIDs              orm.Many[Tag]                        `orm:"product_tag_ids,rel=product_tag_product_template_rel:product_template_id:product_tag_id" label:"Product Tags"`
	Configurable        orm.Deferred[bool]                   `orm:"has_configurable_attributes" label:"Is a configurable product"`
	Image1920           orm.Deferred[orm.Binary]             `orm:"image_1920,image" label:"Image"`
	Image1024           orm.Deferred[orm.Binary]             `orm:"image_1024" label:"Image 1024"`
	Image512            orm.Deferred[orm.Binary]             `orm:"image_512" label:"Image 512"`
	Image256            orm.Deferred[orm.Binary]             `orm:"image_256" label:"Image 256"`
	Image128            orm.Deferred[orm.Binary]             `orm:"image_128" label:"Image 128"`
	DisplayName         orm.Deferred[string]                 `orm:"display_name"`
}

func defineTemplate(r *orm.Registry) {
	t := orm.Define[Template](r)
	t.Default("uom_id", func(env *orm.Env) (any, error) { return defaultRef(env, "uom.product_uom_unit") })
	t.Compute("currency_id", func(env *orm.Env, ts []*Template) error {
		for _, t := range ts {
			company := t.CompanyID.ID
			if company == 0 {
				company = env.Company()
			}
			id, err := base.CompanyCurrency(env, company)
			if err != nil {
				return err
			}
			t.CurrencyID.Set(orm.RefTo[base.Currency](id))
		}
		return nil
	}, "company_id")
	t.Compute("cost_currency_id", func(env *orm.Env, ts []*Template) error {
		id, err := base.CompanyCurrency(env, env.Company())
		for _, t := range ts {
			t.CostCurrencyID.Set(orm.RefTo[base.Currency](id))
		}
		return err
	})
	t.Compute("is_product_variant", func(_ *orm.Env, ts []*Template) error {
		for _, t := range ts {
			t.IsProductVariant.Set(false)
		}
		return nil
	})
	t.Compute("weight_uom_name, volume_uom_name", func(env *orm.Env, ts []*Template) error {
		weight, volume, err := measureNames(env)
		for _, t := range ts {
			t.WeightUoMName.Set(weight)
			t.VolumeUoMName.Set(volume)
		}
		return err
	})
	t.Compute("valid_product_template_attribute_line_ids, has_configurable_attributes", func(_ *orm.Env, ts []*Template) error {
		for _, t := range ts {
			var valid []int64
			t.Configurable.Set(false)
			for _, l := range t.LineIDs.All() {
				if l.ValueCount == 0 || !l.Active {
					continue
				}
				valid = append(valid, l.ID)
				t.Configurable.Set(t.Configurable.Get() || l.ValueCount > 1 || l.AttributeID.Rec().CreateVariant == Dynamic || l.AttributeID.Rec().DisplayType == DisplayMulti)
			}
			t.ValidLineIDs.Set(valid...)
		}
		return nil
	}, "attribute_line_ids.value_count", "attribute_line_ids.active", "attribute_line_ids.attribute_id.create_variant", "attribute_line_ids.attribute_id.display_type")
	t.Compute("product_variant_id, product_variant_count", func(env *orm.Env, ts []*Template) error {
		seen := map[int64][]int64{}
		for _, t := range ts {
			seen[t.ID] = t.VariantIDs.IDs()
			if ids := seen[t.ID]; len(ids) > 0 {
				t.VariantID.Set(orm.RefTo[Product](ids[0]))
			}
		}
		err := orm.KeepReadable(env, "product.product", seen)
		for _, t := range ts {
			t.VariantCount.Set(len(seen[t.ID]))
		}
		return err
	}, "product_variant_ids")
	t.Compute("display_name", func(env *orm.Env, ts []*Template) error {
		for _, t := range ts {
			t.DisplayName.Set(withCode(env, t.Name, t.DefaultCode))
		}
		return nil
	}, "name", "default_code")
	t.SearchBy("display_name", func(env *orm.Env, op string, value any) (orm.Domain, error) {
		if !env.Flag("search_product_product", value != nil && value != false && value != "") {
			return orm.Leaf("name", op, value), nil
		}
		byVariant := orm.Leaf("product_variant_ids", "any", orm.Leaf("display_name", positive(op), value))
		if isNegative(op) {
			return orm.And(orm.Leaf("name", op, value), orm.Not(byVariant)), nil
		}
		return orm.Or(orm.Leaf("name", op, value), byVariant), nil
	})
	t.Compute("pricelist_item_count", func(env *orm.Env, ts []*Template) error {
		counts, err := countItems(env, "product_tmpl_id", orm.IDs(env, ts))
		for _, t := range ts {
			t.PricelistItemCount.Set(counts[t.ID])
		}
		return err
	})
	defineVariantFields(t)
	base.KeepSizes(t, "image_")
	t.Constrain("uom_id, uom_ids", func(env *orm.Env, ts []*Template) error {
		if err := orm.Load(env, ts, "uom_id", "uom_ids"); err != nil {
			return err
		}
		for _, t := range ts {
			for _, pack := range t.UoMIDs.All() {
				if !pack.Comparable(t.UoMID.Rec()) {
					return orm.ValidationErrorf("“%s” cannot be packed in %s: it is counted in %s, and the two units of measure have no reference unit in common.", t.Name, pack.Name, t.UoMID.Rec().Name)
				}
			}
		}
		return nil
	})
	t.Constrain("type, combo_ids", func(env *orm.Env, ts []*Template) error {
		if err := orm.Load(env, ts, "combo_ids"); err != nil {
			return err
		}
		for _, t := range ts {
			if t.Type == Combo && len(t.ComboIDs.IDs()) == 0 {
				return orm.ValidationErrorf("The combo “%s” needs at least one choice of products.", t.Name)
			}
		}
		return nil
	})
	t.OnCreate(createTemplates)
	t.OnWrite(writeTemplates)
	t.OnUnlink(unlinkTemplates)
	t.OnCopyData(base.MarkCopies)
	t.OnCopy(copyTemplates)
	t.OnNameSearch(searchTemplates)
	orm.Implement(t, CreateVariant, createVariantByCall)
}

// defaultRef is the record of an external id as a default, nil when it is gone.
func defaultRef(env *orm.Env, xmlid string) (any, error) {
	rs, ok, err := env.FindRef(xmlid)
	if err != nil || !ok {
		return nil, err
	}
	return rs.ID(), nil
}

// measureNames are the names of the units in which weights and volumes are kept.
func measureNames(env *orm.Env) (weight, volume string, err error) {
	weight, volume = "kg", "m³"
	lbs, _, err := base.GetParam(env, "product.weight_in_lbs")
	if err != nil {
		return "", "", err
	}
	feet, _, err := base.GetParam(env, "product.volume_in_cubic_feet")
	if lbs == "1" {
		weight = "lb"
	}
	if feet == "1" {
		volume = "ft³"
	}
	return weight, volume, err
}

// withCode puts the internal reference before a name, unless the context says
// display_default_code = False.
func withCode(env *orm.Env, name, code string) string {
	switch {
	case code == "" || !env.Flag("display_default_code", true):
		return name
	case env.Flag(base.FormattedName, false):
		return name + "\t--" + code + "--"
	}
	return "[" + code + "] " + name
}
