// Package sale_stock delivers what is sold: confirming an order makes the
// transfer to the customer, and what the warehouse delivers flows back to the
// lines of the order. It imports base, mail, product, uom, sale and stock, and
// nothing of the addons that ship or connect shops.
package sale_stock

import (
	"embed"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

//go:embed migrations security views
var files embed.FS

// Addon is the manifest of sale_stock.
func Addon() module.Addon {
	return module.Addon{
		Name:        "sale_stock",
		Title:       "Sales and Warehouse Management",
		Version:     "19.0.1.0.0",
		Category:    "Hidden",
		Summary:     "Deliveries of sales orders",
		Author:      "Fusion",
		License:     "LGPL-3",
		Depends:     []string{"sale", "stock"},
		AutoInstall: true,
		FS:          files,
		Data: []string{
			"security/ir.model.access.csv",
			"views/sale_order_views.xml",
			"views/stock_picking_views.xml",
		},
		Define: define,
	}
}

func define(r *orm.Registry) {
	defineStock(r)
	defineOrder(r)
	defineLine(r)
}
