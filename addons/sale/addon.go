// Package sale turns quotations into orders and orders into invoices: prices
// from pricelists, taxes and totals, confirmation, down payments, and what of
// an order is delivered and invoiced. It imports base, mail, product, uom,
// sales_team and account, and nothing of the addons that deliver.
package sale

import (
	"embed"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

//go:embed data migrations security views
var files embed.FS

// Addon is the manifest of sale.
func Addon() module.Addon {
	return module.Addon{
		Name:        "sale",
		Title:       "Sales",
		Version:     "19.0.1.0.0",
		Category:    "Sales/Sales",
		Summary:     "Quotations, orders and the invoices they become",
		Author:      "Fusion",
		License:     "LGPL-3",
		Depends:     []string{"base", "mail", "uom", "product", "account", "sales_team"},
		Application: true,
		FS:          files,
		Data: []string{
			"security/ir.model.access.csv",
			"security/sale_security.xml",
			"data/ir_sequence_data.xml",
			"data/mail_message_subtype_data.xml",
			"views/sale_wizard_views.xml",
			"views/sale_order_line_views.xml",
			"views/sale_order_views.xml",
			"views/product_views.xml",
			"views/res_partner_views.xml",
			"views/account_move_views.xml",
			"views/sale_menus.xml",
		},
		Define: define,
	}
}

func define(r *orm.Registry) {
	defineProduct(r)
	definePartner(r)
	defineCompany(r)
	defineOrder(r)
	defineLine(r)
	defineInvoice(r)
	defineAdvance(r)
}
