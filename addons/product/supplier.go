package product

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// UnitBarcode is the bar code of a variant in one of its packagings: the box of
// six has another one than the piece.
type UnitBarcode struct {
	orm.Record `orm:"product.uom" label:"Link between products and their UoMs" rec:"barcode"`
	UoMID      orm.Ref[uom.UoM]      `orm:"uom_id,required,index,ondelete=cascade" label:"Unit"`
	ProductID  orm.Ref[Product]      `orm:"product_id,required,index,ondelete=cascade,check_company" label:"Product"`
	Barcode    string                `orm:"barcode,required,nocopy" label:"Barcode"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,index,default=company" label:"Company"`
}

func defineUnitBarcode(r *orm.Registry) {
	b := orm.Define[UnitBarcode](r)
	b.Unique("barcode_uniq", "barcode", "This barcode belongs to another packaging.")
	b.Constrain("barcode", func(env *orm.Env, bs []*UnitBarcode) error {
		codes := make([]string, len(bs))
		for i, b := range bs {
			codes[i] = b.Barcode
		}
		taken, err := orm.First[Product](env, orm.Leaf("barcode", "in", codes), "id", "display_name")
		if err != nil || taken == nil {
			return err
		}
		return orm.ValidationErrorf("The barcode “%s” belongs to %s already.", taken.Barcode, taken.DisplayName.Get())
	})
}

// SupplierInfo is what a vendor calls a product and asks for it.
type SupplierInfo struct {
	orm.Record  `orm:"product.supplierinfo" label:"Supplier Pricelist" order:"sequence, min_qty desc, price, id" rec:"partner_id"`
	PartnerID   orm.Ref[base.Partner]  `orm:"partner_id,required,ondelete=cascade,check_company" label:"Vendor"`
	ProductName string                 `orm:"product_name" label:"Vendor Product Name"`
	ProductCode string                 `orm:"product_code" label:"Vendor Product Code"`
	Sequence    int                    `orm:"sequence,default=1" label:"Sequence"`
	UoMID       orm.Ref[uom.UoM]       `orm:"product_uom_id,store,required,ondelete=restrict" label:"Unit"`
	MinQty      decimal.Decimal        `orm:"min_qty,required,digits=6,default=0" label:"Quantity"`
	Price       decimal.Decimal        `orm:"price,required,digits=6,default=0" label:"Price"`
	CompanyID   orm.Ref[base.Company]  `orm:"company_id,index,default=company" label:"Company"`
	CurrencyID  orm.Ref[base.Currency] `orm:"currency_id,required" label:"Currency"`
	DateStart   orm.Date               `orm:"date_start" label:"Start Date"`
	DateEnd     orm.Date               `orm:"date_end" label:"End Date"`
	ProductID   orm.Ref[Product]       `orm:"product_id,check_company" label:"Product Variant"`
	TemplateID  orm.Ref[Template]      `orm:"product_tmpl_id,store,required,index,ondelete=cascade,check_company" label:"Product Template"`
	Delay       int                    `orm:"delay,required,default=1" label:"Delivery Lead Time"`
	Discount    decimal.Decimal        `orm:"discount,digits=6" label:"Discount (%)"`
}

func defineSupplierInfo(r *orm.Registry) {
	s := orm.Define[SupplierInfo](r)
	s.Compute("product_tmpl_id", func(_ *orm.Env, list []*SupplierInfo) error {
		for _, s := range list {
			if p := s.ProductID.Rec(); p != nil {
				s.TemplateID = p.TemplateID
			}
		}
		return nil
	}, "product_id.product_tmpl_id")
	s.Compute("product_uom_id", func(_ *orm.Env, list []*SupplierInfo) error {
		for _, s := range list {
			if s.UoMID.IsSet() {
				continue
			}
			if t := s.TemplateID.Rec(); t != nil {
				s.UoMID = t.UoMID
			}
		}
		return nil
	}, "product_tmpl_id.uom_id")
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
	ComboID    orm.Ref[ComboChoice]          `orm:"combo_id,required,index,ondelete=cascade" label:"Combo"`
	ProductID  orm.Ref[Product]              `orm:"product_id,required,ondelete=restrict" label:"Product" domain:"[('type', '!=', 'combo')]"`
	LstPrice   orm.Deferred[decimal.Decimal] `orm:"lst_price,related=product_id.lst_price,readonly" label:"Original Price"`
	ExtraPrice decimal.Decimal               `orm:"extra_price,digits=6,default=0" label:"Extra Price"`
}

func defineCombo(r *orm.Registry) {
	orm.Define[ComboChoice](r)
	orm.Define[ComboItem](r)
}
