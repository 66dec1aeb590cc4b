// Package product holds what is bought and sold: product templates and their
// variants, made from attributes, the categories they belong to, and the
// pricelists that say what they cost to whom. It imports base, mail and uom,
// and nothing of the addons that sell, buy, keep or account for products.
package product

import (
	"embed"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

//go:embed data migrations security views
var files embed.FS

// Addon is the manifest of product.
func Addon() module.Addon {
	return module.Addon{
		Name:     "product",
		Title:    "Products & Pricelists",
		Version:  "19.0.1.0.0",
		Category: "Sales/Sales",
		Summary:  "Products, their variants and their prices",
		Author:   "Fusion",
		License:  "LGPL-3",
		Depends:  []string{"base", "mail", "uom"},
		FS:       files,
		Data: []string{
			"data/product_data.xml",
			"security/product_groups.xml",
			"security/ir.model.access.csv",
			"security/product_security.xml",
			"views/product_attribute_views.xml",
			"views/product_pricelist_views.xml",
			"views/product_views.xml",
			"views/product_category_views.xml",
		},
		Define: define,
	}
}

func define(r *orm.Registry) {
	defineCategory(r)
	defineTag(r)
	defineAttribute(r)
	defineTemplate(r)
	defineProduct(r)
	defineUnitBarcode(r)
	defineSupplierInfo(r)
	defineCombo(r)
	definePricelist(r)
	definePartner(r)
}
