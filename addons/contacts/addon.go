// Package contacts is the address book: an application of its own over the
// partners of base. It declares no model; it imports framework/module only.
package contacts

import (
	"embed"

	"fusionsoft.ca/fusion/framework/module"
)

//go:embed views
var files embed.FS

// Addon is the manifest of contacts.
func Addon() module.Addon {
	return module.Addon{
		Name:        "contacts",
		Title:       "Contacts",
		Version:     "19.0.1.0.0",
		Category:    "Sales",
		Summary:     "Centralize your address book",
		Author:      "Fusion",
		License:     "LGPL-3",
		Depends:     []string{"base", "mail"},
		Application: true,
		FS:          files,
		Data:        []string{"views/contact_views.xml"},
	}
}
