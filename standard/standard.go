// Package standard is Fusion's program as a value: the standard addons in their
// order, and the files of the back office. cmd/fusion is made of it, and so is a
// program of another module that adds addons of its own. It stands on all addons;
// only programs and tests import it.
package standard

import (
	_ "time/tzdata" // time zones on machines that have none

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/contacts"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sale_management"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/cli"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/static"
)

// Program is the program with the standard addons and, after them, more. What it
// gives is the caller's to change before cli.Main gets it: the name, the version,
// commands.
func Program(more ...module.Addon) cli.App {
	list := []module.Addon{
		base.Addon(),
		mail.Addon(),
		contacts.Addon(),
		uom.Addon(),
		product.Addon(),
		account.Addon(),
		sales_team.Addon(),
		sale.Addon(),
		sale_management.Addon(),
		stock.Addon(),
		sale_stock.Addon(),
		woocommerce.Addon(),
	}
	return cli.App{
		Name:    "Fusion",
		Version: "19.0.1.0.0",
		Addons:  append(list, more...),
		Static:  static.Files,
	}
}
