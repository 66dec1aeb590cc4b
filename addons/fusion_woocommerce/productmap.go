package woocommerce

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// ProductMap ties a product or variation of a store to one of the ERP. There
// is one for everything the store sells, also for what is not tied yet.
type ProductMap struct {
	orm.Record     `orm:"woo.product.map" label:"WooCommerce Product" order:"woo_name, id" rec:"woo_name" search:"woo_name,woo_sku"`
	InstanceID     orm.Ref[Instance]             `orm:"instance_id,required,ondelete=cascade" label:"Instance"`
	CompanyID      orm.Ref[base.Company]         `orm:"company_id,required,default=company" label:"Company"`
	ProductID      orm.Ref[product.Product]      `orm:"product_id,index,ondelete=set_null" label:"Product"`
	TemplateID     orm.Ref[product.Template]     `orm:"product_tmpl_id,related=product_id.product_tmpl_id,readonly" label:"Product Template"`
	ProductCode    string                        `orm:"default_code,related=product_id.default_code,readonly" label:"Internal Reference"`
	ProductPrice   orm.Deferred[decimal.Decimal] `orm:"lst_price,related=product_id.lst_price,readonly" label:"Sales Price"`
	RemoteID       int64                         `orm:"woo_id,required" label:"Store ID" help:"Id of the product, or of the variation."`
	WooProductID   int64                         `orm:"woo_product_id,index" label:"Store Product ID"`
	WooParentID    int64                         `orm:"woo_parent_id" label:"Store Parent ID"`
	WooVariationID int64                         `orm:"woo_variation_id" label:"Store Variation ID"`
	Type           string                        `orm:"woo_product_type,required,default=simple" selection:"simple:Simple,variable:Variable,variation:Variation,grouped:Grouped,external:External,other:Other" label:"Type"`
	IsVariation    bool                          `orm:"is_variation" label:"Is a Variation"`
	Name           string                        `orm:"woo_name,index=trigram" label:"Store Name"`
	SKU            string                        `orm:"woo_sku,index=btree+trigram" label:"Store SKU"`
	Regular        decimal.Decimal               `orm:"woo_regular_price" label:"Regular Price"`
	HasRegular     bool                          `orm:"woo_has_price" label:"Has a Price" help:"A product without a price cannot be bought; one with price 0 is free."`
	Sale           decimal.Decimal               `orm:"woo_sale_price" label:"Sale Price"`
	HasSale        bool                          `orm:"woo_on_sale" label:"Has a Sale Price"`
	SaleFrom       orm.Datetime                  `orm:"woo_sale_from" label:"Sale From"`
	SaleTo         orm.Datetime                  `orm:"woo_sale_to" label:"Sale To"`
	ManageStock    string                        `orm:"woo_manage_stock" selection:"true:Counted,false:Not counted,parent:By the parent" label:"Stock"`
	Stock          decimal.Decimal               `orm:"woo_stock" label:"Store Stock"`
	BaseRegular    string                        `orm:"base_regular,readonly,nocopy" label:"Price Last Agreed" help:"The regular price when both ends last had the same."`
	BaseSale       string                        `orm:"base_sale,readonly,nocopy" label:"Sale Price Last Agreed"`
	WrittenStamp   int64                         `orm:"written_stamp,readonly,nocopy" label:"Last Written To" help:"When this system last wrote to the product in the store, in microseconds: what the store said before is out of date."`
	PushedQty      decimal.Decimal               `orm:"last_pushed_qty,readonly,nocopy" label:"Last Stock Sent"`
	PushedAt       orm.Datetime                  `orm:"stock_pushed_at,readonly,nocopy" label:"Stock Sent On"`
	TaxClass       string                        `orm:"woo_tax_class" label:"Tax Class"`
	Virtual        bool                          `orm:"woo_virtual" label:"Virtual"`
	Status         string                        `orm:"woo_status" label:"Store Status"`
	Permalink      string                        `orm:"permalink" label:"Link"`
	Modified       orm.Datetime                  `orm:"woo_modified" label:"Changed in Store"`
	SyncPrice      bool                          `orm:"sync_price,default=true" label:"Sync Price"`
	SyncInventory  bool                          `orm:"sync_inventory,default=true" label:"Sync Inventory"`
	SyncImages     bool                          `orm:"sync_images,default=true" label:"Sync Images"`
	SuggestedID    orm.Ref[product.Product]      `orm:"suggested_product_id,ondelete=set_null" label:"Suggested Product"`
	Score          float64                       `orm:"suggestion_score" label:"Likeness"`
	Reason         string                        `orm:"suggestion_reason" label:"Why"`
	State          string                        `orm:"state,required,default=unmapped,index" selection:"unmapped:Unmapped,mapped:Mapped,conflict:Conflict,error:Error,ignored:Ignored" label:"Status"`
}

// The buttons of a mapping.
var (
	AcceptSuggestion = orm.Method[ProductMap]{Name: "action_accept_suggestion"}
	IgnoreProduct    = orm.Method[ProductMap]{Name: "action_ignore"}
	Unmap            = orm.Method[ProductMap]{Name: "action_unmap"}
)

func defineProductMap(r *orm.Registry) {
	d := orm.Define[ProductMap](r)
	d.Unique("instance_remote", "instance_id, woo_id", "This product of the store is listed already.")
	orm.Implement(d, AcceptSuggestion, func(env *orm.Env, recs []*ProductMap, _ orm.Args) (any, error) {
		for _, m := range recs {
			if !m.SuggestedID.IsSet() {
				return nil, orm.UserErrorf("There is no suggestion for %s. Choose its product by hand.", m.Name)
			}
			m.ProductID = m.SuggestedID
		}
		return true, orm.Save(env, recs, "product_id")
	})
	orm.Implement(d, IgnoreProduct, func(env *orm.Env, recs []*ProductMap, _ orm.Args) (any, error) {
		return true, orm.RecordsOf(env, recs...).Write(orm.Values{"state": ProductIgnored})
	})
	orm.Implement(d, Unmap, func(env *orm.Env, recs []*ProductMap, _ orm.Args) (any, error) {
		return true, orm.RecordsOf(env, recs...).Write(orm.Values{"product_id": nil, "state": ProductUnmapped})
	})
	// A product chosen or taken away decides the state, whoever does it; orders
	// that waited for it are tried again.
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, v orm.Values) error {
			p, given := v["product_id"]
			if !given {
				return super(rs, v)
			}
			mapped := p != nil && p != false && p != int64(0)
			if v["state"] == nil {
				v = v.Clone()
				v["state"] = "unmapped"
				if mapped {
					v["state"] = "mapped"
				}
			}
			if err := super(rs, v); err != nil || !mapped {
				return err
			}
			maps, err := orm.Read[ProductMap](rs.Env.Sudo(), rs.IDs)
			if err != nil {
				return err
			}
			var instances []int64
			for _, m := range maps {
				instances = append(instances, m.InstanceID.ID)
			}
			return retryHeld(rs.Env, instances)
		}
	})
}
