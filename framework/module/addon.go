// Package module turns a list of addons into an installed database: the
// manifests and their dependency order, the schema, the data files (Odoo's XML
// and CSV), external ids, install, upgrade and uninstall. It stands on orm,
// view and expr; of routes and jobs it knows that manifests have them.
package module

import (
	"io/fs"

	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
)

// Addon is the manifest of an addon: everything it brings, and all that the
// framework needs to know of it. It is a plain value: standard.Program lists the addons
// of the program. What serves a database serves what the addons installed there
// bring, and follows when one is installed or removed.
type Addon struct {
	Name        string // technical name, as in external ids
	Title       string // name shown to people
	Version     string // e.g. 19.0.1.0.0
	Category    string // of the list of applications, as "Sales"
	Summary     string // one line for that list
	Author      string
	License     string   // as "LGPL-3"
	Depends     []string // technical names of the addons it stands on
	Data        []string // files of FS loaded at install and upgrade, in order
	Demo        []string // files loaded after Data when demonstration data is wanted
	Application bool     // something users start from, rather than a part
	AutoInstall bool     // install as soon as all dependencies are
	// FS holds Data, Demo and what they name, and the folder static, whose files
	// browsers get below /<name>/static/; an embed.FS.
	FS fs.FS
	// Define declares the models; it runs in dependency order.
	Define func(*orm.Registry)
	// PreInit runs once, at the first installation, when the tables exist and
	// before the data is loaded.
	PreInit func(*orm.Env) error
	// PostInit runs once, after the data of the first installation.
	PostInit func(*orm.Env) error
	// Migrations run on upgrade, in order of version, before the schema is
	// brought up to date (Pre) and after the data is loaded (Post). SQL scripts
	// migrations/<version>/pre-*.sql and post-*.sql of FS run with them.
	Migrations []Migration
	// Routes are the addresses at which it answers.
	Routes []route.Route
	// Pages make the bodies of client actions, by tag.
	Pages map[string]route.Page
	// Panels stand beside the forms whose views ask for them by an element of their
	// name.
	Panels map[string]route.Panel
	// Jobs do background work, by the names of jobs.
	Jobs map[string]jobs.Handler
	// Auth is how users are recognised, of the one addon that has users.
	Auth *route.Auth
}

// Migration changes data between two versions of an addon. It runs when the
// installed version is lower than Version.
type Migration struct {
	Version string               // to which it leads
	Pre     func(*orm.Env) error // tables are still as before; nil: nothing to do
	Post    func(*orm.Env) error // schema and data are the new ones; nil: nothing to do
}
