// Package base is the addon every other addon stands on: partners, companies,
// users, groups, currencies, countries, languages, and the ir.* models in which
// the framework keeps its own records (models, views, menus, actions, crons,
// sequences, attachments, parameters, jobs). It imports the framework's orm,
// module, expr, cron, jobs, outbound, report and route only, never HTTP.
package base

import (
	"embed"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
)

//go:embed data security views
var files embed.FS

// Addon is the manifest of base.
func Addon() module.Addon {
	return module.Addon{
		Name:     "base",
		Title:    "Base",
		Version:  "19.0.1.0.0",
		Category: "Hidden",
		Summary:  "The kernel of Fusion, needed by all addons",
		Author:   "Fusion",
		License:  "LGPL-3",
		FS:       files,
		Data: []string{
			"data/ir_module_category_data.xml",
			"data/res_currency_data.xml",
			"data/res_country_data.xml",
			"data/res.country.state.csv",
			"data/res_country_group_data.xml",
			"data/res_lang_data.xml",
			"data/res_company_data.xml",
			"security/base_groups.xml",
			"data/res_users_data.xml",
			"security/ir.model.access.csv",
			"security/base_security.xml",
			"data/res_partner_data.xml",
			"data/decimal_precision_data.xml",
			"data/ir_config_parameter_data.xml",
			"views/res_partner_views.xml",
			"views/res_company_views.xml",
			"views/res_users_views.xml",
			"views/res_currency_views.xml",
			"views/res_country_views.xml",
			"views/res_lang_views.xml",
			"views/ir_model_views.xml",
			"views/ir_ui_views.xml",
			"views/ir_actions_views.xml",
			"views/ir_technical_views.xml",
			"views/menus.xml",
			"data/ir_cron_data.xml",
		},
		Define: define,
		Auth:   &route.Auth{Login: Authenticate, Program: AuthenticateProgram, Password: CheckCredentials, Key: CheckAPIKey, Stamp: SessionStamp, Context: UserContext},
	}
}

func define(r *orm.Registry) {
	r.SetPolicy(policy{})
	defineModules(r)
	defineGroups(r)
	defineCurrency(r)
	defineCountry(r)
	defineLang(r)
	definePartner(r)
	definePartnerPictures(r)
	definePartnerCategories(r)
	defineBanks(r)
	defineCompany(r)
	defineUsers(r)
	defineAPIKeys(r)
	defineKeyWizard(r)
	defineModels(r)
	defineAccess(r)
	defineUI(r)
	defineActions(r)
	defineCron(r)
	defineAutoVacuum(r)
	defineDisplayFields(r)
	defineJobs(r)
	defineSequence(r)
	defineAttachment(r)
	defineParameters(r)
	definePrecision(r)
}
