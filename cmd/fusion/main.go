// Command fusion is the program: the addons in their order, and what they
// bring beyond models and data. The command line itself is framework/cli; only
// the demonstration, which sells in a simulated store, is here.
package main

import (
	_ "time/tzdata" // time zones on machines that have none

	"fusion/addons/account"
	"fusion/addons/base"
	"fusion/addons/contacts"
	woocommerce "fusion/addons/fusion_woocommerce"
	"fusion/addons/fusion_woocommerce/controllers"
	"fusion/addons/mail"
	"fusion/addons/product"
	"fusion/addons/sale"
	"fusion/addons/sale_management"
	"fusion/addons/sale_stock"
	"fusion/addons/sales_team"
	"fusion/addons/stock"
	"fusion/addons/uom"
	"fusion/framework/cli"
	"fusion/framework/module"
	"fusion/framework/server"
	"fusion/framework/web"
	"fusion/static"
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
		Auth: server.Auth{
			Login:    base.Authenticate,
			Password: base.CheckCredentials,
			Key:      base.CheckAPIKey,
			Stamp:    base.SessionStamp,
			Context:  base.UserContext,
		},
		Routes:   []func(*server.Server){controllers.Mount},
		Jobs:     woocommerce.Jobs(),
		Web:      web.Options{Name: "Fusion", Static: static.Files},
		Commands: []any{&commands{}},
	}
}

// commands are what this program adds to those of every program.
type commands struct {
	Demo demoCmd `cmd:"" help:"Start a complete shop: a private database, all addons, and a simulated WooCommerce store whose orders are imported."`
}
