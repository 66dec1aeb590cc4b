package product

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Packaging is a box a variant comes in.
type Packaging struct {
	orm.Record `orm:"product.packaging" label:"Product Packaging" order:"product_id, sequence, id"`
	Name       string                `orm:"name,required" label:"Product Packaging"`
	Sequence   int                   `orm:"sequence,default=1" label:"Sequence"`
	ProductID  orm.Ref[Product]      `orm:"product_id,required,index,ondelete=cascade,check_company" label:"Product"`
	Quantity   decimal.Decimal       `orm:"qty,digits=6,default=1" label:"Contained Quantity" help:"Quantity of products contained in the packaging."`
	Barcode    string                `orm:"barcode,nocopy" label:"Barcode"`
	UoMID      orm.Ref[uom.UoM]      `orm:"product_uom_id,related=product_id.uom_id,readonly" label:"Unit of Measure"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,index" label:"Company"`
}

func definePackaging(r *orm.Registry) {
	p := orm.Define[Packaging](r)
	p.Check("positive_qty", "qty > 0", "The quantity a packaging contains must be more than zero.")
	p.Unique("barcode_uniq", "barcode", "This barcode belongs to another packaging.")
}

// SupplierInfo is what a vendor calls a product and asks for it.
type SupplierInfo struct {
	orm.Record  `orm:"product.supplierinfo" label:"Supplier Pricelist" order:"sequence, min_qty desc, price, id" rec:"partner_id"`
	PartnerID   orm.Ref[base.Partner]  `orm:"partner_id,required,ondelete=cascade,check_company" label:"Vendor"`
	ProductName string                 `orm:"product_name" label:"Vendor Product Name"`
	ProductCode string                 `orm:"product_code" label:"Vendor Product Code"`
	Sequence    int                    `orm:"sequence,default=1" label:"Sequence"`
	UoMID       orm.Ref[uom.UoM]       `orm:"product_uom_id,related=product_tmpl_id.uom_po_id,readonly" label:"Unit of Measure"`
	MinQty      decimal.Decimal        `orm:"min_qty,required,digits=6,default=0" label:"Quantity"`
	Price       decimal.Decimal        `orm:"price,required,digits=6,default=0" label:"Price"`
	CompanyID   orm.Ref[base.Company]  `orm:"company_id,index,default=company" label:"Company"`
	CurrencyID  orm.Ref[base.Currency] `orm:"currency_id,required" label:"Currency"`
	DateStart   orm.Date               `orm:"date_start" label:"Start Date"`
	DateEnd     orm.Date               `orm:"date_end" label:"End Date"`
	ProductID   orm.Ref[Product]       `orm:"product_id,check_company" label:"Product Variant"`
	TemplateID  orm.Ref[Template]      `orm:"product_tmpl_id,index,ondelete=cascade,check_company" label:"Product Template"`
	Delay       int                    `orm:"delay,required,default=1" label:"Delivery Lead Time"`
	Discount    decimal.Decimal        `orm:"discount,digits=6" label:"Discount (%)"`
}

func defineSupplierInfo(r *orm.Registry) {
	s := orm.Define[SupplierInfo](r)
	s.Default("currency_id", func(env *orm.Env) (any, error) { return base.CompanyCurrency(env, env.Company()) })
}

// ComboChoice is a list of products of which a combo contains one.
type ComboChoice struct {
	orm.Record `orm:"product.combo" label:"Product Combo" order:"sequence, id"`
	Name       string                `orm:"name,required" label:"Name"`
	Sequence   int                   `orm:"sequence,default=10" label:"Sequence"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,index" label:"Company"`
	ItemIDs    orm.Many[ComboItem]   `orm:"combo_item_ids,inverse=combo_id,copy" label:"Combo Items"`
}

// ComboItem is one of the products of a choice.
type ComboItem struct {
	orm.Record `orm:"product.combo.item" label:"Product Combo Item" order:"id" rec:"product_id"`
	ComboID    orm.Ref[ComboChoice] `orm:"combo_id,required,index,ondelete=cascade" label:"Combo"`
	ProductID  orm.Ref[Product]     `orm:"product_id,required,ondelete=restrict" label:"Product" domain:"[('type', '!=', 'combo')]"`
	LstPrice   decimal.Decimal      `orm:"lst_price,related=product_id.lst_price,readonly" label:"Original Price"`
	ExtraPrice decimal.Decimal      `orm:"extra_price,digits=6,default=0" label:"Extra Price"`
}

func defineCombo(r *orm.Registry) {
	orm.Define[ComboChoice](r)
	orm.Define[ComboItem](r)
}
