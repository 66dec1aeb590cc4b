// Package account keeps the books: accounts, journals, taxes, invoices and
// other journal entries, payments and their reconciliation. Tax arithmetic is
// done by account/taxcalc. It imports base, mail, product and uom, and nothing
// of the addons that sell or deliver.
package account

import (
	"embed"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

//go:embed data security views
var files embed.FS

// Addon is the manifest of account.
func Addon() module.Addon {
	return module.Addon{
		Name:        "account",
		Title:       "Invoicing",
		Version:     "19.0.1.0.0",
		Category:    "Accounting/Accounting",
		Summary:     "Invoices, credit notes, payments and the entries behind them",
		Author:      "Fusion",
		License:     "LGPL-3",
		Depends:     []string{"base", "mail", "product", "uom"},
		Application: true,
		FS:          files,
		Data: []string{
			"security/account_groups.xml",
			"security/ir.model.access.csv",
			"security/account_security.xml",
			"data/account_payment_term_data.xml",
			"data/account_reports.xml",
			"views/account_move_views.xml",
			"views/account_payment_views.xml",
			"views/account_configuration_views.xml",
			"views/res_partner_views.xml",
			"views/product_views.xml",
			"views/account_menus.xml",
		},
		Define:   define,
		PostInit: postInit,
	}
}

func define(r *orm.Registry) {
	defineAccount(r)
	defineJournal(r)
	defineTax(r)
	defineFiscalPosition(r)
	definePaymentTerm(r)
	defineMove(r)
	defineMoveLine(r)
	defineReconcile(r)
	definePayment(r)
	defineCompany(r)
	definePartner(r)
	defineProduct(r)
	defineReversal(r)
	definePaymentRegister(r)
}
