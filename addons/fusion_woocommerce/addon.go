// Package woocommerce is the addon fusion_woocommerce: it keeps any number of
// WooCommerce stores and the ERP in step. wcapi speaks to a store, ordermap
// turns a store's order into ERP terms, matching finds products; this package
// holds the models and the flows, and controllers answers the store's
// webhooks. Nothing here knows HTTP but through wcapi.
package woocommerce

import (
	"embed"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

//go:embed data migrations security views
var files embed.FS

// version is that of the addon.
const version = "19.0.1.0.1"

// Addon is the manifest.
func Addon() module.Addon {
	return module.Addon{
		Name:        "fusion_woocommerce",
		Title:       "Fusion WooCommerce",
		Version:     version,
		Category:    "Sales",
		Summary:     "Bidirectional sync with WooCommerce stores",
		Author:      "Fusion Central",
		License:     "LGPL-3",
		Depends:     []string{"sale_management", "stock", "account", "contacts", "mail", "sale_stock"},
		Application: true,
		FS:          files,
		Data: []string{
			"security/woo_groups.xml",
			"security/ir.model.access.csv",
			"security/woo_rules.xml",
			"data/woo_carriers.xml",
			"data/woo_partner.xml",
			"data/woo_products.xml",
			"data/woo_crons.xml",
			"data/woo_mail_templates.xml",
			"views/woo_instance_views.xml",
			"views/woo_product_map_views.xml",
			"views/woo_order_views.xml",
			"views/woo_customer_views.xml",
			"views/woo_log_views.xml",
			"views/woo_outbox_views.xml",
			"views/woo_shipment_views.xml",
			"views/woo_refund_views.xml",
			"views/woo_conflict_views.xml",
			"views/woo_config_views.xml",
			"views/sale_order_views.xml",
			"views/woo_menus.xml",
		},
		Define: define,
		Routes: append(controllers.Routes(Receive), controllers.APIRoutes(api())...),
		Jobs:   Jobs(),
	}
}

func define(r *orm.Registry) {
	defineCarrier(r)
	defineInstance(r)
	orm.Define[Check](r)
	defineProductMap(r)
	defineOrder(r)
	defineCustomer(r)
	defineTaxMap(r)
	defineStatusMap(r)
	definePaymentMap(r)
	defineEvent(r)
	defineLog(r)
	defineOutbox(r)
	defineShipment(r)
	defineRefund(r)
	defineConflict(r)
	defineExtensions(r)
}
