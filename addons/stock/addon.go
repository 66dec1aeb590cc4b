// Package stock keeps the inventory: warehouses and their locations, transfers
// and the moves in them, the quantities on hand and those reserved, backorders,
// returns, scrap and inventory counts. It imports base, mail, product and uom,
// and nothing of the addons that sell, buy or ship.
package stock

import (
	"embed"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

//go:embed data migrations security views
var files embed.FS

// Addon is the manifest of stock.
func Addon() module.Addon {
	return module.Addon{
		Name:        "stock",
		Title:       "Inventory",
		Version:     "19.0.1.0.0",
		Category:    "Inventory/Inventory",
		Summary:     "Warehouses, transfers and the quantities on hand",
		Author:      "Fusion",
		License:     "LGPL-3",
		Depends:     []string{"base", "mail", "product", "uom"},
		Application: true,
		FS:          files,
		Data: []string{
			"security/stock_groups.xml",
			"security/ir.model.access.csv",
			"security/stock_security.xml",
			"data/stock_data.xml",
			"data/stock_reports.xml",
			"data/stock_cron.xml",
			"views/stock_wizard_views.xml",
			"views/stock_picking_views.xml",
			"views/stock_move_views.xml",
			"views/stock_quant_views.xml",
			"views/stock_warehouse_views.xml",
			"views/product_views.xml",
			"views/stock_menus.xml",
		},
		Define:   define,
		PostInit: postInit,
	}
}

func define(r *orm.Registry) {
	defineLocation(r)
	defineWarehouse(r)
	definePickingType(r)
	defineProduct(r)
	definePicking(r)
	defineMove(r)
	defineMoveLine(r)
	defineQuant(r)
	defineScrap(r)
	defineScrapWarning(r)
	defineReturn(r)
	defineBackorder(r)
	defineCompany(r)
}

// postInit gives the companies that exist at installation a warehouse, and
// the table of moves the index by which the forecast finds open moves.
func postInit(env *orm.Env) error {
	companies, err := env.Sudo().Model("res.company").Search(orm.Leaf("active", "in", []any{true, false}), orm.SearchOptions{Order: "id"})
	if err != nil {
		return err
	}
	if err := setupCompanies(env, companies.IDs); err != nil {
		return err
	}
	// SQL: an index of some rows.
	_, err = env.Exec(orm.SQL(`CREATE INDEX IF NOT EXISTS stock_move_open_index ON stock_move (product_id) WHERE state IN ('waiting', 'confirmed', 'partially_available', 'assigned')`).
		Reads("stock.move"))
	return err
}
