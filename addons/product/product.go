package product

import (
	"github.com/shopspring/decimal"

	"fusion/addons/base"
	"fusion/addons/mail"
	"fusion/addons/uom"
	"fusion/framework/orm"
)

// Product is a variant: what stands on order lines and in stock. What it does
// not have itself, such as its name and sales price, is that of its template.
type Product struct {
	orm.Record `orm:"product.product" label:"Product Variant" order:"default_code, name, id" search:"name,default_code,barcode"`
	mail.Thread
	mail.ActivityMixin
	TemplateID         orm.Ref[Template]                `orm:"product_tmpl_id,required,index,delegate,ondelete=cascade" label:"Product Template"`
	PriceExtra         decimal.Decimal                  `orm:"price_extra" label:"Variant Price Extra" help:"This is the sum of the extra price of all attributes"`
	LstPrice           decimal.Decimal                  `orm:"lst_price" label:"Sales Price" help:"The sales price of the variant: that of the template and what the attribute values add to it."`
	DefaultCode        string                           `orm:"default_code,index,nocopy" label:"Internal Reference"`
	Code               string                           `orm:"code" label:"Reference"`
	PartnerRef         string                           `orm:"partner_ref" label:"Customer Ref"`
	Active             bool                             `orm:"active,default=true" label:"Active" help:"An archived product is kept, but no longer offered."`
	Barcode            string                           `orm:"barcode,index,nocopy" label:"Barcode" help:"International Article Number used for product identification."`
	PTAVIDs            orm.Many[TemplateAttributeValue] `orm:"product_template_attribute_value_ids,rel=product_variant_combination:product_product_id:product_template_attribute_value_id" label:"Attribute Values"`
	VariantPTAVIDs     orm.Many[TemplateAttributeValue] `orm:"product_template_variant_value_ids,store=false" label:"Variant Values"`
	CombinationIndices string                           `orm:"combination_indices,store,index" label:"Combination Indices"`
	StandardPrice      decimal.Decimal                  `orm:"standard_price,digits=Product Price:2,default=0" label:"Cost" groups:"base.group_user" help:"What one unit of the product costs, in the currency of the company."`
	Volume             decimal.Decimal                  `orm:"volume,digits=Volume:2,default=0" label:"Volume"`
	Weight             decimal.Decimal                  `orm:"weight,digits=Stock Weight:2,default=0" label:"Weight"`
	PricelistItemCount int                              `orm:"pricelist_item_count" label:"Number of price rules"`
	PackagingIDs       orm.Many[Packaging]              `orm:"packaging_ids,inverse=product_id,copy" label:"Product Packages"`
	AdditionalTagIDs   orm.Many[Tag]                    `orm:"additional_product_tag_ids,rel=product_tag_product_product_rel:product_product_id:product_tag_id" label:"Additional Product Tags"`
	AllTagIDs          orm.Many[Tag]                    `orm:"all_product_tag_ids,store=false" label:"All Product Tags"`
	VariantImage       orm.Binary                       `orm:"image_variant_1920,image" label:"Variant Image"`
	Image1920          orm.Binary                       `orm:"image_1920,image" label:"Image"`
	IsProductVariant   bool                             `orm:"is_product_variant" label:"Is a product variant"`
	DisplayName        string                           `orm:"display_name"`

	// Of the template.
	Name            string                 `orm:"name"`
	Type            string                 `orm:"type"`
	ListPrice       decimal.Decimal        `orm:"list_price"`
	CategID         orm.Ref[Category]      `orm:"categ_id"`
	UoMID           orm.Ref[uom.UoM]       `orm:"uom_id"`
	UoMPOID         orm.Ref[uom.UoM]       `orm:"uom_po_id"`
	CompanyID       orm.Ref[base.Company]  `orm:"company_id"`
	CurrencyID      orm.Ref[base.Currency] `orm:"currency_id"`
	CostCurrencyID  orm.Ref[base.Currency] `orm:"cost_currency_id"`
	SaleOK          bool                   `orm:"sale_ok"`
	PurchaseOK      bool                   `orm:"purchase_ok"`
	DescriptionSale string                 `orm:"description_sale"`
	VariantCount    int                    `orm:"product_variant_count"`
}

func defineProduct(r *orm.Registry) {
	orm.Define[Product](r)
}
