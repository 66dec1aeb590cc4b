package product

import (
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Product is a variant: what stands on order lines and in stock. What it does
// not have itself, such as its name and sales price, is that of its template.
type Product struct {
	orm.Record `orm:"product.product" label:"Product Variant" order:"default_code, name, id"`
	mail.Thread
	mail.ActivityMixin
	TemplateID         orm.Ref[Template]                `orm:"product_tmpl_id,required,index,delegate,ondelete=cascade" label:"Product Template"`
	PriceExtra         orm.Deferred[decimal.Decimal]    `orm:"price_extra,min_digits=Product Price:2" label:"Variant Price Extra" help:"What the attribute values of the variant add to the sales price, together."`
	LstPrice           orm.Deferred[decimal.Decimal]    `orm:"lst_price,min_digits=Product Price:2" label:"Sales Price" help:"The sales price of the variant: that of the template and what the attribute values add to it."`
	DefaultCode        string                           `orm:"default_code,index=btree+trigram,nocopy" label:"Internal Reference"`
	Code               orm.Deferred[string]             `orm:"code" label:"Reference"`
	PartnerRef         orm.Deferred[string]             `orm:"partner_ref" label:"Customer Ref"`
	Active             bool                             `orm:"active,default=true" label:"Active" help:"An archived product is kept, but no longer offered."`
	Barcode            string                           `orm:"barcode,index,nocopy" label:"Barcode" help:"The number in the bar code on the product."`
	PTAVIDs            orm.Many[TemplateAttributeValue] `orm:"product_template_attribute_value_ids,rel=product_variant_combination:product_product_id:product_template_attribute_value_id" label:"Attribute Values"`
	VariantPTAVIDs     orm.Many[TemplateAttributeValue] `orm:"product_template_variant_value_ids,store=false" label:"Variant Values"`
	CombinationIndices string                           `orm:"combination_indices,store,index" label:"Combination Indices"`
	StandardPrice      decimal.Decimal                  `orm:"standard_price,min_digits=Product Price:2,company_dependent" label:"Cost" groups:"base.group_user" help:"What one unit of the product costs, in the currency of the company."`
	Volume             decimal.Decimal                  `orm:"volume,digits=Volume:2,default=0" label:"Volume"`
	Weight             decimal.Decimal                  `orm:"weight,digits=Stock Weight:2,default=0" label:"Weight"`
	PricelistItemCount orm.Deferred[int]                `orm:"pricelist_item_count" label:"Number of price rules"`
	UnitBarcodeIDs     orm.Many[UnitBarcode]            `orm:"product_uom_ids,inverse=product_id" label:"Unit Barcode"`
	AdditionalTagIDs   orm.Many[Tag]                    `orm:"additional_product_tag_ids,rel=product_tag_product_product_rel:product_product_id:product_tag_id" label:"Additional Product Tags"`
	AllTagIDs          orm.Many[Tag]                    `orm:"all_product_tag_ids,store=false" label:"All Product Tags"`
	ImageVariant1920   orm.Deferred[orm.Binary]         `orm:"image_variant_1920,image" label:"Variant Image"`
	ImageVariant1024   orm.Deferred[orm.Binary]         `orm:"image_variant_1024" label:"Variant Image 1024"`
	ImageVariant512    orm.Deferred[orm.Binary]         `orm:"image_variant_512" label:"Variant Image 512"`
	ImageVariant256    orm.Deferred[orm.Binary]         `orm:"image_variant_256" label:"Variant Image 256"`
	ImageVariant128    orm.Deferred[orm.Binary]         `orm:"image_variant_128" label:"Variant Image 128"`
	Image1920          orm.Deferred[orm.Binary]         `orm:"image_1920,image" label:"Image"`
	Image1024          orm.Deferred[orm.Binary]         `orm:"image_1024" label:"Image 1024"`
	Image512           orm.Deferred[orm.Binary]         `orm:"image_512" label:"Image 512"`
	Image256           orm.Deferred[orm.Binary]         `orm:"image_256" label:"Image 256"`
	Image128           orm.Deferred[orm.Binary]         `orm:"image_128" label:"Image 128"`
	IsProductVariant   orm.Deferred[bool]               `orm:"is_product_variant" label:"Is a product variant"`
	DisplayName        orm.Deferred[string]             `orm:"display_name"`

	// Of the template.
	Name            string                               `orm:"name"`
	Type            string                               `orm:"type"`
	ListPrice       decimal.Decimal                      `orm:"list_price"`
	CategID         orm.Ref[Category]                    `orm:"categ_id"`
	UoMID           orm.Ref[uom.UoM]                     `orm:"uom_id"`
	UoMIDs          orm.Many[uom.UoM]                    `orm:"uom_ids"`
	CompanyID       orm.Ref[base.Company]                `orm:"company_id"`
	CurrencyID      orm.Deferred[orm.Ref[base.Currency]] `orm:"currency_id"`
	CostCurrencyID  orm.Deferred[orm.Ref[base.Currency]] `orm:"cost_currency_id"`
	SaleOK          bool                                 `orm:"sale_ok"`
	PurchaseOK      bool                                 `orm:"purchase_ok"`
	DescriptionSale string                               `orm:"description_sale"`
	VariantCount    orm.Deferred[int]                    `orm:"product_variant_count"`
	TagIDs          orm.Many[Tag]                        `orm:"product_tag_ids"`
}

func defineProduct(r *orm.Registry) {
	p := orm.Define[Product](r)
	p.Compute("price_extra", func(_ *orm.Env, ps []*Product) error {
		for _, p := range ps {
			p.PriceExtra.Set(decimal.Zero)
			for _, v := range p.PTAVIDs.All() {
				p.PriceExtra.Set(p.PriceExtra.Get().Add(v.PriceExtra))
			}
		}
		return nil
	}, "product_template_attribute_value_ids.price_extra")
	p.Compute("lst_price", func(env *orm.Env, ps []*Product) error {
		for _, p := range ps {
			price, err := uom.ConvertPrice(env, p.ListPrice, p.UoMID.ID, contextUnit(env))
			if err != nil {
				return err
			}
			p.LstPrice.Set(price.Add(p.PriceExtra.Get()))
		}
		return nil
	}, "list_price", "price_extra", "uom_id")
	p.Inverse("lst_price", func(env *orm.Env, ps []*Product) error {
		if err := orm.Load(env, ps, "price_extra"); err != nil {
			return err
		}
		for _, p := range ps {
			price, err := uom.ConvertPrice(env, p.LstPrice.Get().Sub(p.PriceExtra.Get()), contextUnit(env), p.UoMID.ID)
			if err != nil {
				return err
			}
			if err := orm.RecordsOf(env, p).Write(orm.Values{"list_price": price}); err != nil {
				return err
			}
		}
		return nil
	})
	p.Compute("combination_indices", func(_ *orm.Env, ps []*Product) error {
		for _, p := range ps {
			p.CombinationIndices = combination(p.PTAVIDs.IDs())
		}
		return nil
	}, "product_template_attribute_value_ids")
	p.Compute("product_template_variant_value_ids", func(_ *orm.Env, ps []*Product) error {
		for _, p := range ps {
			var ids []int64
			for _, v := range distinguishingValues(p) {
				ids = append(ids, v.ID)
			}
			p.VariantPTAVIDs.Set(ids...)
		}
		return nil
	}, "product_template_attribute_value_ids.attribute_line_id.product_template_value_ids.ptav_active")
	p.Compute("all_product_tag_ids", func(_ *orm.Env, ps []*Product) error {
		for _, p := range ps {
			ids := append(slices.Clone(p.TagIDs.IDs()), p.AdditionalTagIDs.IDs()...)
			slices.Sort(ids)
			p.AllTagIDs.Set(slices.Compact(ids)...)
		}
		return nil
	}, "product_tag_ids", "additional_product_tag_ids")
	p.SearchBy("all_product_tag_ids", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		join := orm.Or
		if isNegative(op) {
			join = func(ds ...orm.Domain) orm.Domain { return orm.And(ds...) }
		}
		return join(orm.Leaf("product_tag_ids", op, value), orm.Leaf("additional_product_tag_ids", op, value)), nil
	})
	p.Compute("is_product_variant", func(_ *orm.Env, ps []*Product) error {
		for _, p := range ps {
			p.IsProductVariant.Set(true)
		}
		return nil
	})
	p.Compute("pricelist_item_count", func(env *orm.Env, ps []*Product) error {
		counts, err := countItems(env, "product_id", orm.IDs(env, ps))
		for _, p := range ps {
			p.PricelistItemCount.Set(counts[p.ID])
		}
		return err
	})
	defineNames(p)
	defineProductImages(p)
	p.Exclude("combination_unique", "USING btree (product_tmpl_id WITH =, combination_indices WITH =) WHERE (active)", "The product has a variant with these attribute values already.")
	p.Constrain("product_tmpl_id, active, combination_indices", checkSingleVariant)
	p.Constrain("barcode, active", uniqueBarcode)
	p.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs.In(rs.Env.WithContext(map[string]any{keyVariants: false})), list)
			return made.In(rs.Env), err
		}
	})
	p.OnUnlink(unlinkProducts)
	p.OnCopy(copyProducts)
	orm.Implement(p, archive, func(env *orm.Env, ps []*Product, _ orm.Args) (any, error) { return true, switchActive(env, ps, false) })
	orm.Implement(p, unarchive, func(env *orm.Env, ps []*Product, _ orm.Args) (any, error) { return true, switchActive(env, ps, true) })
	orm.Implement(p, toggle, func(env *orm.Env, ps []*Product, _ orm.Args) (any, error) {
		var on, off []*Product
		for _, p := range ps {
			if p.Active {
				off = append(off, p)
			} else {
				on = append(on, p)
			}
		}
		if err := switchActive(env, off, false); err != nil {
			return nil, err
		}
		return true, switchActive(env, on, true)
	})
}

var (
	archive   = orm.Method[Product]{Name: "action_archive"}
	unarchive = orm.Method[Product]{Name: "action_unarchive"}
	toggle    = orm.Method[Product]{Name: "toggle_active"}
)

// contextUnit is the unit of measure in which prices are asked for, 0 for the
// product's own.
func contextUnit(env *orm.Env) int64 {
	switch id := env.Key("uom").(type) {
	case int64:
		return id
	case interface{ Int64() (int64, error) }:
		n, err := id.Int64()
		if err == nil {
			return n
		}
	}
	return 0
}

// checkSingleVariant keeps a template from having two active variants without
// attribute values; those with values are kept apart by the database.
func checkSingleVariant(env *orm.Env, ps []*Product) error {
	var templates []int64
	for _, p := range ps {
		templates = append(templates, p.TemplateID.ID)
	}
	// SQL: counts by template, over variants seen by the user or not.
	twice, err := orm.Rows[int64](env, orm.SQL(`SELECT product_tmpl_id FROM product_product WHERE product_tmpl_id = ANY(?) AND active AND COALESCE(combination_indices, '') = ''
		GROUP BY product_tmpl_id HAVING count(*) > 1`, templates).Reads("product.product"))
	if err != nil || len(twice) == 0 {
		return err
	}
	return orm.ValidationErrorf("“%s” has a variant with these attribute values already.", nameOf(env.Model("product.template").Browse(twice[0])))
}

// uniqueBarcode refuses a barcode that another product of the same company, or
// a packaging, has.
func uniqueBarcode(env *orm.Env, ps []*Product) error {
	var codes []string
	for _, p := range ps {
		if p.Barcode != "" {
			codes = append(codes, p.Barcode)
		}
	}
	if len(codes) == 0 {
		return nil
	}
	others, err := orm.Search[Product](env, orm.Leaf("barcode", "in", codes), orm.SearchOptions{Order: "id"})
	if err != nil {
		return err
	}
	for _, p := range ps {
		for _, o := range others {
			if o.ID != p.ID && p.Active && o.Barcode == p.Barcode && (o.CompanyID.ID == p.CompanyID.ID || !o.CompanyID.IsSet() || !p.CompanyID.IsSet()) {
				return orm.ValidationErrorf("The barcode “%s” belongs to %s already. A barcode can be given to one product only.", p.Barcode, nameOf(orm.RecordsOf(env, o)))
			}
		}
	}
	packs, err := orm.Search[UnitBarcode](env, orm.Leaf("barcode", "in", codes), orm.SearchOptions{Limit: 1}, "uom_id", "product_id.display_name")
	if err != nil || len(packs) == 0 {
		return err
	}
	return orm.ValidationErrorf("The barcode “%s” belongs to the packaging “%s” of %s already.", packs[0].Barcode, packs[0].UoMID.Rec().Name, packs[0].ProductID.Rec().DisplayName.Get())
}

// switchActive archives variants, and their templates when no active variant is
// left to them; or takes both back.
func switchActive(env *orm.Env, ps []*Product, active bool) error {
	if len(ps) == 0 {
		return nil
	}
	if err := orm.RecordsOf(env, ps...).Write(orm.Values{"active": active}); err != nil {
		return err
	}
	var templates []int64
	for _, p := range ps {
		templates = append(templates, p.TemplateID.ID)
	}
	// SQL: templates by whether they have an active variant, seen by the user or not.
	follow, err := orm.Rows[int64](env, orm.SQL(`SELECT t.id FROM product_template t WHERE t.id = ANY(?) AND t.active <> ?
		AND EXISTS (SELECT FROM product_product p WHERE p.product_tmpl_id = t.id AND p.active) = ? ORDER BY t.id`, templates, active, active).
		Reads("product.template", "active").Reads("product.product", "product_tmpl_id", "active"))
	if err != nil {
		return err
	}
	env = env.WithContext(map[string]any{keyVariants: false})
	return env.Model("product.template").Browse(follow...).Write(orm.Values{"active": active})
}

// unlinkProducts deletes a template with its last variant, unless its variants
// are created dynamically.
func unlinkProducts(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		env := rs.Env
		var last []int64
		if env.Key(keyKeepTemplate) != any(internalMark{}) {
			var err error
			// SQL: templates that lose their last variant, seen by the user or not.
			last, err = orm.Rows[int64](env, orm.SQL(`SELECT DISTINCT p.product_tmpl_id FROM product_product p WHERE p.id = ANY(?)
				AND NOT EXISTS (SELECT FROM product_product o WHERE o.product_tmpl_id = p.product_tmpl_id AND o.id <> ALL(?))
				AND NOT EXISTS (SELECT FROM product_template_attribute_line l JOIN product_attribute a ON a.id = l.attribute_id
					WHERE l.product_tmpl_id = p.product_tmpl_id AND l.active AND a.create_variant = 'dynamic')`, rs.IDs, rs.IDs).
				Reads("product.product", "product_tmpl_id").Reads("product.template.attribute.line").Reads("product.attribute", "create_variant"))
			if err != nil {
				return err
			}
		}
		if err := super(rs); err != nil {
			return err
		}
		return env.Model("product.template").Browse(last...).Unlink()
	}
}

// copyProducts copies the template of a variant: the copy is the first variant
// of the new template.
func copyProducts(orm.CopyFunc) orm.CopyFunc {
	return func(rs orm.Records, overrides orm.Values) (orm.Records, error) {
		env := rs.Env
		ps, err := orm.Read[Product](env, rs.IDs)
		if err != nil {
			return rs, err
		}
		out := rs.Browse()
		for _, p := range ps {
			made, err := env.Model("product.template").Browse(p.TemplateID.ID).Copy(overrides)
			if err != nil {
				return rs, err
			}
			t, err := orm.Get[Template](env, made.ID(), "product_variant_id")
			if err != nil {
				return rs, err
			}
			if !t.VariantID.Get().IsSet() { // made dynamically: none yet
				v, err := env.Model("product.product").Create(orm.Values{"product_tmpl_id": t.ID})
				if err != nil {
					return rs, err
				}
				t.VariantID.Set(orm.RefTo[Product](v.ID()))
			}
			out.IDs = append(out.IDs, t.VariantID.Get().ID)
		}
		return out, nil
	}
}
