// Package uom holds units of measure, which refer to each other, and exact
// conversion of quantities and prices between units. It imports the base addon
// and the framework's orm and module only.
package uom

import (
	"embed"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

//go:embed data migrations security views
var files embed.FS

// Addon is the manifest of uom.
func Addon() module.Addon {
	return module.Addon{
		Name:     "uom",
		Title:    "Units of measure",
		Version:  "19.0.1.0.0",
		Category: "Sales/Sales",
		Summary:  "Units of measure and the conversion between them",
		Author:   "Fusion",
		License:  "LGPL-3",
		Depends:  []string{"base"},
		FS:       files,
		Data: []string{
			"security/uom_groups.xml",
			"security/ir.model.access.csv",
			"data/uom_data.xml",
			"views/uom_views.xml",
		},
		Define: define,
	}
}

func define(r *orm.Registry) {
	defineUoM(r)
}
