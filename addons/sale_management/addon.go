// Package sale_management makes quotations quicker: templates that fill their
// lines, and optional products that are offered with them. It imports sale and
// what sale imports.
package sale_management

import (
	"embed"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

//go:embed security views
var files embed.FS

// Addon is the manifest of sale_management.
func Addon() module.Addon {
	return module.Addon{
		Name:        "sale_management",
		Title:       "Sales Management",
		Version:     "19.0.1.0.0",
		Category:    "Sales/Sales",
		Summary:     "Templates of quotations and optional products",
		Author:      "Fusion",
		License:     "LGPL-3",
		Depends:     []string{"base", "mail", "uom", "product", "account", "sales_team", "sale"},
		Application: true,
		FS:          files,
		Data: []string{
			"security/sale_management_groups.xml",
			"security/ir.model.access.csv",
			"security/sale_management_security.xml",
			"views/sale_order_template_views.xml",
			"views/sale_order_views.xml",
			"views/sale_management_menus.xml",
		},
		Define: define,
	}
}

func define(r *orm.Registry) {
	defineTemplate(r)
	defineOption(r)
	defineOrder(r)
}
