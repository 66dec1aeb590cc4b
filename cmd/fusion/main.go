// Command fusion is the program: the addons in their order. The command line
// itself is framework/cli; only the demonstration, which sells in a simulated
// store, is here.
package main

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

func main() { cli.Main(program()) }

func program() cli.App {
	return cli.App{
		Name:    "Fusion",
		Version: "19.0.1.0.0",
		Addons: []module.Addon{
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
		},
		Static:   static.Files,
		Commands: []any{&commands{}},
	}
}

// commands are what this program adds to those of every program.
type commands struct {
	Demo demoCmd `cmd:"" help:"Start a complete shop: a private database, all addons, and a simulated WooCommerce store whose orders are imported."`
}
