// Package mail gives records a conversation: messages and notes, followers,
// the history of tracked fields, activities, mail templates, and the queue of
// outgoing mail. Models embed [Thread] and [ActivityMixin]. It imports the base
// addon and the framework's orm, module and route, never HTTP; what the back office
// shows of it is the panel of the package chatter.
package mail

import (
	"embed"

	"fusionsoft.ca/fusion/addons/mail/chatter"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
)

//go:embed data security views
var files embed.FS

// Addon is the manifest of mail.
func Addon() module.Addon {
	return module.Addon{
		Name:     "mail",
		Title:    "Discuss",
		Version:  "19.0.1.0.0",
		Category: "Productivity",
		Summary:  "Chatter, followers, activities and outgoing mail",
		Author:   "Fusion",
		License:  "LGPL-3",
		Depends:  []string{"base"},
		FS:       files,
		Data: []string{
			"security/mail_security.xml",
			"security/ir.model.access.csv",
			"data/mail_message_subtype_data.xml",
			"data/mail_activity_type_data.xml",
			"data/ir_cron_data.xml",
			"views/mail_message_views.xml",
			"views/mail_activity_views.xml",
			"views/mail_mail_views.xml",
			"views/mail_template_views.xml",
			"views/ir_mail_server_views.xml",
			"views/res_partner_views.xml",
			"views/mail_menus.xml",
		},
		Define: define,
		Panels: map[string]route.Panel{"chatter": chatter.Panel()},
	}
}

func define(r *orm.Registry) {
	defineServer(r)
	defineSubtypes(r)
	defineMessages(r)
	defineFollowers(r)
	defineTracking(r)
	defineActivities(r)
	defineThread(r)
	defineActivityMixin(r)
	defineMail(r)
	defineTemplate(r)
	definePartner(r)
}
