package product

import (
	"github.com/shopspring/decimal"

	"fusion/addons/base"
	"fusion/addons/mail"
	"fusion/addons/uom"
	"fusion/framework/orm"
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
	orm.Record `orm:"product.template" label:"Product" order:"is_favorite desc, name, id" search:"name"`
	mail.Thread
	mail.ActivityMixin
	Name                string                  `orm:"name,required,translate,index,tracking" label:"Name"`
	Sequence            int                     `orm:"sequence,default=1" label:"Sequence" help:"Gives the sequence order when displaying a product list"`
	Description         string                  `orm:"description,html,translate" label:"Description"`
	DescriptionPurchase string                  `orm:"description_purchase,text,translate" label:"Purchase Description"`
	DescriptionSale     string                  `orm:"description_sale,text,translate" label:"Sales Description" help:"What customers read about the product on quotations, orders and invoices."`
	Type                string                  `orm:"type,required,default=consu" selection:"consu:Goods,service:Service,combo:Combo" label:"Product Type" help:"Goods are tangible materials and merchandise. A service is not. A combo is a choice of several products sold as one."`
	ComboIDs            orm.Many[ComboChoice]   `orm:"combo_ids,rel=product_combo_product_template_rel:product_template_id:product_combo_id" label:"Combo Choices"`
	CategID             orm.Ref[Category]       `orm:"categ_id,required,index,ondelete=restrict" label:"Product Category"`
	CurrencyID          orm.Ref[base.Currency]  `orm:"currency_id" label:"Currency"`
	CostCurrencyID      orm.Ref[base.Currency]  `orm:"cost_currency_id" label:"Cost Currency"`
	ListPrice           decimal.Decimal         `orm:"list_price,digits=Product Price:2,default=1,tracking" label:"Sales Price" help:"Price at which the product is sold to customers."`
	StandardPrice       decimal.Decimal         `orm:"standard_price" label:"Cost" groups:"base.group_user" help:"What one unit of the product costs, in the currency of the company."`
	Volume              decimal.Decimal         `orm:"volume" label:"Volume"`
	VolumeUoMName       string                  `orm:"volume_uom_name" label:"Volume unit of measure label"`
	Weight              decimal.Decimal         `orm:"weight" label:"Weight"`
	WeightUoMName       string                  `orm:"weight_uom_name" label:"Weight unit of measure label"`
	SaleOK              bool                    `orm:"sale_ok,default=true" label:"Sales"`
	PurchaseOK          bool                    `orm:"purchase_ok,default=true" label:"Purchase"`
	UoMID               orm.Ref[uom.UoM]        `orm:"uom_id,required,ondelete=restrict" label:"Unit of Measure" help:"Default unit of measure used for all stock operations."`
	UoMName             string                  `orm:"uom_name,related=uom_id.name,readonly" label:"Unit of Measure Name"`
	UoMCategoryID       orm.Ref[uom.Category]   `orm:"uom_category_id,related=uom_id.category_id,readonly" label:"UoM Category"`
	UoMPOID             orm.Ref[uom.UoM]        `orm:"uom_po_id,required,ondelete=restrict" label:"Purchase Unit" help:"Default unit of measure used for purchase orders. It must be in the same category as the default unit of measure."`
	CompanyID           orm.Ref[base.Company]   `orm:"company_id,index" label:"Company"`
	PackagingIDs        orm.Many[Packaging]     `orm:"packaging_ids,store=false" label:"Product Packages"`
	SellerIDs           orm.Many[SupplierInfo]  `orm:"seller_ids,inverse=product_tmpl_id,copy" label:"Vendors"`
	Active              bool                    `orm:"active,default=true" label:"Active" help:"An archived product is kept, but no longer offered."`
	Color               int                     `orm:"color" label:"Color Index"`
	IsFavorite          bool                    `orm:"is_favorite" label:"Favorite"`
	IsProductVariant    bool                    `orm:"is_product_variant" label:"Is a product variant"`
	LineIDs             orm.Many[AttributeLine] `orm:"attribute_line_ids,inverse=product_tmpl_id,copy" label:"Product Attributes"`
	ValidLineIDs        orm.Many[AttributeLine] `orm:"valid_product_template_attribute_line_ids,store=false" label:"Valid Product Attribute Lines"`
	VariantIDs          orm.Many[Product]       `orm:"product_variant_ids,inverse=product_tmpl_id" label:"Products"`
	VariantID           orm.Ref[Product]        `orm:"product_variant_id" label:"Product"`
	VariantCount        int                     `orm:"product_variant_count" label:"# Product Variants"`
	Barcode             string                  `orm:"barcode" label:"Barcode"`
	DefaultCode         string                  `orm:"default_code,store" label:"Internal Reference"`
	PricelistItemCount  int                     `orm:"pricelist_item_count" label:"Number of price rules"`
	TagIDs              orm.Many[Tag]           `orm:"product_tag_ids,rel=product_tag_product_template_rel:product_template_id:product_tag_id" label:"Product Tags"`
	Configurable        bool                    `orm:"has_configurable_attributes" label:"Is a configurable product"`
	Image1920           orm.Binary              `orm:"image_1920,image" label:"Image"`
	Image1024           orm.Binary              `orm:"image_1024,related=image_1920,readonly" label:"Image 1024"`
	Image512            orm.Binary              `orm:"image_512,related=image_1920,readonly" label:"Image 512"`
	Image256            orm.Binary              `orm:"image_256,related=image_1920,readonly" label:"Image 256"`
	Image128            orm.Binary              `orm:"image_128,related=image_1920,readonly" label:"Image 128"`
	DisplayName         string                  `orm:"display_name"`
}

func defineTemplate(r *orm.Registry) {
	orm.Define[Template](r)
}
