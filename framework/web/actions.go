package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

// Parameters with which an address carries an action that has no record, or
// what a button changed about one that has.
const (
	nameParam    = "name"
	domainParam  = "domain"  // JSON
	contextParam = "ctx"     // JSON
	modesParam   = "modes"   // list,form
	viewsParam   = "views"   // kind:id, …
	limitParam   = "limit"   // rows a page
	dialogParam  = "dialog"  // 1: a page of its own to be finished or left
	searchParam  = "sview"   // id of the search view
	viewParam    = "view"    // kind shown
	resParam     = "at"      // position of a record in its search
	editParam    = "edit"    // 1: the form takes input
	confirmParam = "confirm" // 1: asked and answered
)

// action is what opens a page.
type action struct {
	ID         int64
	Type       string
	Name       string
	Model      string
	Domain     orm.Domain
	Context    map[string]any
	Modes      []string
	Views      map[string]int64
	SearchView int64
	Limit      int
	ResID      int64
	Dialog     bool
	Help       template.HTML
	Tag        string
	Params     map[string]any
	URL        string
	record     orm.Values // the stored action
	byModel    bool       // made from /web/model/…
}

// shows are the kinds of views that can be shown.
func shows() []string { return []string{"list", "kanban", "form"} }

type actionKey string

type (
	actionRef   string
	actionFound struct {
		id   int64
		kind string
	}
)

func splitModes(s string) []string {
	var out []string
	for _, m := range strings.Split(s, ",") {
		if m = strings.TrimSpace(m); m == "tree" {
			m = "list"
		}
		if m != "" && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// mayComeFromAddress keeps keys that switch off safeguards, or belong to the
// session, out of links.
func mayComeFromAddress(key string) bool {
	return !slices.Contains([]string{"uid", "lang", "tz", "allowed_company_ids", "tracking_disable", "mail_notrack", "mail_create_nolog",
		"mail_create_nosubscribe", "install_mode", "uninstall", "bin_size", "no_reset_password"}, key) &&
		!strings.HasPrefix(key, "_")
}

// kind is the first kind of view of the action that can be shown, or the one
// the address asks for.
func (a *action) kind(asked string) string {
	if slices.Contains(a.Modes, asked) {
		return asked
	}
	for _, m := range a.Modes {
		if slices.Contains(shows(), m) {
			return m
		}
	}
	if len(a.Modes) > 0 {
		return a.Modes[0]
	}
	return "list"
}

// slug is how the action is named in an address.
func (a *action) slug() string {
	if a.byModel || a.ID == 0 {
		return "model/" + a.Model
	}
	return fmt.Sprintf("action/%d", a.ID)
}

type actionLeads string

func jsonText(v any) string {
	b, err := server.EncodeJSON(exprValue(v))
	if err != nil {
		return ""
	}
	return string(b)
}

func decodeJSON(s string, v any) error {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	return d.Decode(v)
}
