// Package web is the generated back office: lists, forms, search, menus,
// actions and wizards, rendered on the server from the views of the addons.
// Pages can be read and saved without JavaScript; the modules in the folder
// static make them nicer over the same routes and the JSON-RPC everybody uses.
//
// The way of a page: a route makes a page value (page.go), finds the action
// (actions.go) and its views (views.go), reads records as the session's user
// (data.go), turns view and values into a tree without touching the database
// (list.go, form.go, cells.go) and writes it with the templates. A posted form
// goes the other way (post.go). Business records are reached as the user only;
// the system's rights serve to read views, menus, actions and the names of
// linked records.
//
// It stands on server, report, orm, view and expr, and knows no addon: what is shown
// beside a form is made by panels of addons (panel.go).
package web

import (
	"html/template"
	"io/fs"
	"net/http"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/viewstore"
)

// Options of the back office.
type Options struct {
	// Name of the program, for titles.
	Name string
	// Static are the style sheet and scripts served below /static/.
	Static fs.FS
	// Pages are the client actions of addons, by tag.
	Pages map[string]route.Page
	// Panels are the parts of record pages that addons make, by name.
	Panels map[string]route.Panel
}

// web is the mounted back office: what all requests share.
type web struct {
	Options
	srv       *server.Server
	templates *template.Template
	exprs     expr.Cache
	views     viewstore.Store
	assets    string // changes with the static files
}

// Mount adds the pages of the back office to a server.
func Mount(s *server.Server, o Options) {
	if o.Name == "" {
		o.Name = "Fusion"
	}
	w := &web{Options: o, srv: s, templates: parseTemplates(), assets: fingerprint(o.Static)}
	if o.Static != nil {
		files := http.StripPrefix("/static/", http.FileServerFS(o.Static))
		s.Router.PathPrefix("/static/").Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Cache-Control", "max-age=3600")
			files.ServeHTTP(rw, r)
		})).Methods("GET", "HEAD")
	}
	w.routes()
}
