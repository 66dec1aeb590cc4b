package product

import (
	"fusion/addons/base"
	"fusion/framework/orm"
)

// Partner adds to a partner the pricelist it buys at.
type Partner struct {
	base.Partner
	PricelistID orm.Ref[Pricelist] `orm:"property_product_pricelist" label:"Pricelist"`
}

func definePartner(r *orm.Registry) {
	orm.Extend[Partner](r, "res.partner")
}
