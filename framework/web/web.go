// Package web is the generated back office: lists, forms, search, menus,
// actions and wizards, rendered on the server from the views of the addons.
// Pages can be read and saved without JavaScript; the modules in the folder
// static make them nicer over the same routes and the JSON-RPC everybody uses.
//
// This package is the shell: routes, sessions, the layout with its menu, and the
// answers to requests. What it shows is made in the packages below it, each of which
// stands on those under it only:
//
//	web                   a page: one request being answered
//	├── listing  search   the records of an action, and what is searched for
//	├── forms             posted forms: read, stored, previewed
//	│   └── action        which action a page shows, and what buttons run
//	│       └── viewdata  views, fields, rights, records and names, as the user
//	└── render            views and records as what templates write; no database
//	    └── locale  convert  address
//
// Business records are reached as the user only; the system's rights serve to read
// views, menus, actions and the names of linked records. What is shown beside a form
// is made by panels of addons (panel.go); the back office knows no addon.
package web

import (
	"html/template"
	"io/fs"
	"net/http"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/viewstore"
	"fusionsoft.ca/fusion/framework/web/render"
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
	w := &web{Options: o, srv: s, templates: render.Templates(), assets: fingerprint(o.Static)}
	if o.Static != nil {
		files := http.StripPrefix("/static/", http.FileServerFS(o.Static))
		s.Router.PathPrefix("/static/").Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Cache-Control", "max-age=3600")
			files.ServeHTTP(rw, r)
		})).Methods("GET", "HEAD")
	}
	w.routes()
}
