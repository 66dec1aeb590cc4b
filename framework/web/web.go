// Package web is the generated back office: lists, forms, search, menus,
// actions and wizards, rendered on the server from the views of the addons.
// Pages can be read and saved without JavaScript; the modules in the folder
// static make them nicer over the same JSON-RPC everybody uses. Records are
// reached only as the session's user, through orm, so access is orm's business.
//
// It stands on server, orm, view and expr, and imports no addon: models of
// base and mail are addressed by their names.
package web

import (
	"io/fs"
	"net/http"

	"fusion/framework/server"
)

// Options of the back office.
type Options struct {
	// Name of the program, for titles.
	Name string
	// Static are the style sheet and scripts served below /static/.
	Static fs.FS
}

// Mount adds the pages of the back office to a server.
func Mount(s *server.Server, o Options) {
	if o.Static != nil {
		s.Router.PathPrefix("/static/").Handler(http.StripPrefix("/static/", http.FileServerFS(o.Static))).Methods("GET", "HEAD")
	}
}
