package product

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// Pricelist says what products cost some customers, in one currency.
type Pricelist struct {
	orm.Record `orm:"product.pricelist" label:"Pricelist" order:"sequence, id, name" search:"name,currency_id"`
	mail.Thread
	mail.ActivityMixin
	Name            string                      `orm:"name,required,translate,tracking" label:"Pricelist Name"`
	Active          bool                        `orm:"active,default=true" label:"Active" help:"An archived pricelist is kept, but no longer offered."`
	Sequence        int                         `orm:"sequence,default=16" label:"Sequence"`
	CurrencyID      orm.Ref[base.Currency]      `orm:"currency_id,required,tracking" label:"Currency"`
	CompanyID       orm.Ref[base.Company]       `orm:"company_id,index,tracking,default=company" label:"Company"`
	CountryGroupIDs orm.Many[base.CountryGroup] `orm:"country_group_ids,rel=res_country_group_pricelist_rel:pricelist_id:res_country_group_id" label:"Country Groups" help:"Customers of these countries buy at this pricelist, unless they have one of their own."`
	ItemIDs         orm.Many[PricelistItem]     `orm:"item_ids,inverse=pricelist_id,copy" label:"Pricelist Rules"`
	DisplayName     orm.Deferred[string]        `orm:"display_name"`
}

// What a rule applies to; the more particular rule wins.
const (
	OnGlobal   = "3_global"
	OnCategory = "2_product_category"
	OnTemplate = "1_product"
	OnVariant  = "0_product_variant"
)

// How a rule makes a price.
const (
	Fixed      = "fixed"
	Percentage = "percentage"
	Formula    = "formula"
)

// What a percentage or a formula starts from.
const (
	BaseListPrice = "list_price"
	BaseCost      = "standard_price"
	BasePricelist = "pricelist"
)

// PricelistItem is one rule of a pricelist. Amounts are in the currency of the
// pricelist and for one unit of measure of the product.
type PricelistItem struct {
	orm.Record      `orm:"product.pricelist.item" label:"Pricelist Rule" order:"applied_on, min_quantity desc, categ_id desc, id desc"`
	PricelistID     orm.Ref[Pricelist]            `orm:"pricelist_id,required,index,ondelete=cascade" label:"Pricelist"`
	CompanyID       orm.Ref[base.Company]         `orm:"company_id,related=pricelist_id.company_id,store" label:"Company"`
	CurrencyID      orm.Ref[base.Currency]        `orm:"currency_id,related=pricelist_id.currency_id,store" label:"Currency"`
	DateStart       orm.Datetime                  `orm:"date_start" label:"Start Date" help:"From when on the rule applies."`
	DateEnd         orm.Datetime                  `orm:"date_end" label:"End Date" help:"Until when the rule applies."`
	MinQuantity     decimal.Decimal               `orm:"min_quantity,digits=Product Unit:2,default=0" label:"Min. Quantity" help:"For the rule to apply, the quantity must be at least this, in the unit of measure of the product."`
	AppliedOn       string                        `orm:"applied_on,required,default=3_global" selection:"3_global:All Products,2_product_category:Product Category,1_product:Product,0_product_variant:Product Variant" label:"Apply On"`
	DisplayApplied  string                        `orm:"display_applied_on,required,default=1_product" selection:"1_product:Product,2_product_category:Category" label:"Display Applied On"`
	CategID         orm.Ref[Category]             `orm:"categ_id,ondelete=cascade" label:"Product Category" help:"The rule applies to products of this category and those below it."`
	TemplateID      orm.Ref[Template]             `orm:"product_tmpl_id,index,ondelete=cascade,check_company" label:"Product"`
	ProductID       orm.Ref[Product]              `orm:"product_id,index,ondelete=cascade,check_company" label:"Product Variant"`
	Base            string                        `orm:"base,required,default=list_price" selection:"list_price:Sales Price,standard_price:Cost,pricelist:Other Pricelist" label:"Based on"`
	BasePricelistID orm.Ref[Pricelist]            `orm:"base_pricelist_id,check_company" label:"Other Pricelist"`
	ComputePrice    string                        `orm:"compute_price,required,index,default=fixed" selection:"fixed:Fixed Price,percentage:Discount,formula:Formula" label:"Compute Price"`
	FixedPrice      decimal.Decimal               `orm:"fixed_price,min_digits=Product Price:2,default=0" label:"Fixed Price"`
	PercentPrice    decimal.Decimal               `orm:"percent_price,digits=6,default=0" label:"Percentage Price"`
	PriceDiscount   decimal.Decimal               `orm:"price_discount,digits=2,default=0" label:"Price Discount" help:"The discount in percent; a negative one makes the price higher."`
	PriceMarkup     orm.Deferred[decimal.Decimal] `orm:"price_markup,digits=2" label:"Markup" help:"What is added to the cost, in percent: the discount with its sign turned."`
	PriceRound      decimal.Decimal               `orm:"price_round,min_digits=Product Price:2,default=0" label:"Price Rounding" help:"The price is rounded to a multiple of this, after the discount and before the extra fee."`
	PriceSurcharge  decimal.Decimal               `orm:"price_surcharge,min_digits=Product Price:2,default=0" label:"Extra Fee" help:"What is added to the price after the discount, or taken off when it is negative."`
	MinMargin       decimal.Decimal               `orm:"price_min_margin,min_digits=Product Price:2,default=0" label:"Min. Price Margin" help:"The least that the price is above what it starts from."`
	MaxMargin       decimal.Decimal               `orm:"price_max_margin,min_digits=Product Price:2,default=0" label:"Max. Price Margin" help:"The most that the price is above what it starts from."`
	Name            orm.Deferred[string]          `orm:"name" label:"Name"`
	Price           orm.Deferred[string]          `orm:"price" label:"Price"`
}

func definePricelist(r *orm.Registry) {
	p := orm.Define[Pricelist](r)
	p.Default("currency_id", func(env *orm.Env) (any, error) { return base.CompanyCurrency(env, env.Company()) })
	p.Compute("display_name", func(_ *orm.Env, ps []*Pricelist) error {
		for _, p := range ps {
			p.DisplayName.Set(p.Name)
			if c := p.CurrencyID.Rec(); c != nil {
				p.DisplayName.Set(p.DisplayName.Get() + " (" + c.Name + ")")
			}
		}
		return nil
	}, "name", "currency_id.name")
	p.OnCopyData(base.MarkCopies)
	p.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			uses, err := orm.Search[PricelistItem](withArchived(rs.Env).Sudo(), orm.And(orm.Leaf("base", "=", BasePricelist),
				orm.Leaf("base_pricelist_id", "in", rs.IDs), orm.Leaf("pricelist_id", "not in", rs.IDs)), orm.SearchOptions{Limit: 1})
			if err != nil {
				return err
			}
			if len(uses) > 0 {
				return orm.UserErrorf("The pricelist “%s” cannot be deleted: prices of “%s” are based on it. Change those first.", nameOf(rs.Browse(uses[0].BasePricelistID.ID)), nameOf(rs.Browse(uses[0].PricelistID.ID)))
			}
			return super(rs)
		}
	})
	defineItem(r)
}

func defineItem(r *orm.Registry) {
	i := orm.Define[PricelistItem](r)
	i.Compute("price_markup", func(_ *orm.Env, is []*PricelistItem) error {
		for _, i := range is {
			i.PriceMarkup.Set(i.PriceDiscount.Neg())
		}
		return nil
	}, "price_discount")
	i.Inverse("price_markup", func(env *orm.Env, is []*PricelistItem) error {
		for _, i := range is {
			i.PriceDiscount = i.PriceMarkup.Get().Neg()
		}
		return orm.Save(env, is, "price_discount")
	})
	i.Compute("name, price", describeItems, "applied_on", "categ_id.complete_name", "product_tmpl_id.display_name", "product_id.display_name",
		"compute_price", "fixed_price", "percent_price", "price_discount", "price_surcharge", "base", "base_pricelist_id.display_name", "currency_id.name")
	i.Constrain("base, base_pricelist_id, pricelist_id, compute_price", checkBase)
	i.Constrain("date_start, date_end", func(_ *orm.Env, is []*PricelistItem) error {
		for _, i := range is {
			if !i.DateStart.IsZero() && !i.DateEnd.IsZero() && !i.DateStart.Time().Before(i.DateEnd.Time()) {
				return orm.ValidationErrorf("The pricelist rule ends on %s, before it starts on %s.", i.DateEnd, i.DateStart)
			}
		}
		return nil
	})
	i.Constrain("price_min_margin, price_max_margin", func(_ *orm.Env, is []*PricelistItem) error {
		for _, i := range is {
			if !i.MinMargin.IsZero() && !i.MaxMargin.IsZero() && i.MinMargin.GreaterThan(i.MaxMargin) {
				return orm.ValidationErrorf("The minimum margin of a pricelist rule (%s) must not be above its maximum margin (%s).", i.MinMargin, i.MaxMargin)
			}
		}
		return nil
	})
	i.Constrain("applied_on, categ_id, product_tmpl_id, product_id", func(_ *orm.Env, is []*PricelistItem) error {
		for _, i := range is {
			switch {
			case i.AppliedOn == OnCategory && !i.CategID.IsSet():
				return orm.ValidationErrorf("Choose the product category to which the pricelist rule applies.")
			case i.AppliedOn == OnTemplate && !i.TemplateID.IsSet():
				return orm.ValidationErrorf("Choose the product to which the pricelist rule applies.")
			case i.AppliedOn == OnVariant && !i.ProductID.IsSet():
				return orm.ValidationErrorf("Choose the product variant to which the pricelist rule applies.")
			}
		}
		return nil
	})
	i.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			full := make([]orm.Values, len(list))
			for k, vals := range list {
				full[k] = cleanRule(vals, true)
			}
			return super(rs, full)
		}
	})
	i.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error { return super(rs, cleanRule(vals, false)) }
	})
}

// cleanRule drops from a rule the product or category it does not apply
// to, and says of a new rule what it applies to when that was not said.
func cleanRule(vals orm.Values, fresh bool) orm.Values {
	vals = vals.Clone()
	on := vals.Text("applied_on")
	if on == "" && fresh {
		on = OnGlobal
		for _, c := range []struct{ field, on string }{{"categ_id", OnCategory}, {"product_tmpl_id", OnTemplate}, {"product_id", OnVariant}} {
			if vals.IsSet(c.field) {
				on = c.on
			}
		}
		vals["applied_on"] = on
	}
	drop := map[string][]string{OnGlobal: {"product_id", "product_tmpl_id", "categ_id"}, OnCategory: {"product_id", "product_tmpl_id"}, OnTemplate: {"product_id", "categ_id"}, OnVariant: {"categ_id"}}[on]
	for _, field := range drop {
		vals[field] = nil
	}
	if fresh && !vals.IsSet("display_applied_on") && on == OnCategory {
		vals["display_applied_on"] = OnCategory
	}
	return vals
}

// checkBase makes sure that a rule based on another pricelist names it, and
// that no pricelist is based on itself in a circle.
func checkBase(env *orm.Env, is []*PricelistItem) error {
	for _, i := range is {
		if i.Base != BasePricelist || i.ComputePrice == Fixed {
			continue
		}
		if !i.BasePricelistID.IsSet() {
			return orm.ValidationErrorf("Choose the other pricelist on which the pricelist rule is based.")
		}
		// SQL: recursive.
		loop, err := orm.Row[bool](env, orm.SQL(`WITH RECURSIVE up(id) AS (SELECT ?::bigint
				UNION SELECT i.base_pricelist_id FROM product_pricelist_item i JOIN up ON i.pricelist_id = up.id
				WHERE i.base = 'pricelist' AND i.compute_price <> 'fixed' AND i.base_pricelist_id IS NOT NULL)
			SELECT EXISTS (SELECT FROM up WHERE id = ?)`, i.BasePricelistID.ID, i.PricelistID.ID).Reads("product.pricelist.item"))
		if err != nil {
			return err
		}
		if loop {
			return orm.ValidationErrorf("The pricelist “%s” cannot be based on itself, be it through other pricelists.", nameOf(env.Model("product.pricelist").Browse(i.PricelistID.ID)))
		}
	}
	return nil
}

func describeItems(env *orm.Env, is []*PricelistItem) error {
	for _, i := range is {
		switch i.AppliedOn {
		case OnCategory:
			i.Name.Set("Category: " + nameIf(i.CategID, func(c *Category) string { return c.CompleteName }))
		case OnTemplate:
			i.Name.Set("Product: " + nameIf(i.TemplateID, func(t *Template) string { return t.DisplayName.Get() }))
		case OnVariant:
			i.Name.Set("Variant: " + nameIf(i.ProductID, func(p *Product) string { return p.DisplayName.Get() }))
		default:
			i.Name.Set("All Products")
		}
		from := map[string]string{BaseListPrice: "sales price", BaseCost: "product cost"}[i.Base]
		if i.Base == BasePricelist {
			from = nameIf(i.BasePricelistID, func(p *Pricelist) string { return p.DisplayName.Get() })
		}
		currency := nameIf(i.CurrencyID, func(c *base.Currency) string { return c.Name })
		switch i.ComputePrice {
		case Fixed:
			i.Price.Set(i.FixedPrice.StringFixed(2) + " " + currency)
		case Percentage:
			i.Price.Set(i.PercentPrice.String() + " % discount on " + from)
		default:
			change, word := i.PriceDiscount, " % discount on "
			if change.IsNegative() {
				change, word = change.Neg(), " % markup on "
			}
			i.Price.Set(change.String() + word + from)
			if !i.PriceSurcharge.IsZero() {
				i.Price.Set(i.Price.Get() + " and " + i.PriceSurcharge.StringFixed(2) + " " + currency + " extra fee")
			}
		}
	}
	return nil
}

func nameIf[T any](ref orm.Ref[T], name func(*T) string) string {
	if rec := ref.Rec(); rec != nil {
		return name(rec)
	}
	return ""
}

// countItems counts the pricelist rules of products by the field that names them.
func countItems(env *orm.Env, field string, ids []int64) (map[int64]int, error) {
	return env.Model("product.pricelist.item").CountBy(field, orm.And(orm.Leaf(field, "in", ids), orm.Leaf("pricelist_id.active", "=", true)))
}
