// Package action finds the actions of a database, as far as they are for the user, and
// runs those that are not pages: the methods of buttons, and server actions. Which
// action a page shows, and what was changed about it, stands in its address.
package action

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// Action is what opens a page.
type Action struct {
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
	ByModel    bool       // made from /web/model/…
}

// Shown are the kinds of views that can be shown.
func Shown() []string { return []string{"list", "kanban", "form"} }

type actionKey string

type (
	actionRef   string
	actionFound struct {
		id   int64
		kind string
	}
)

// SplitModes reads the kinds of views of an action: "list,form", where a tree is a list.
func SplitModes(s string) []string {
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

// ViewKind is the first kind of view of the action that can be shown, or the one
// the address asks for.
func (a *Action) ViewKind(asked string) string {
	if slices.Contains(a.Modes, asked) {
		return asked
	}
	for _, m := range a.Modes {
		if slices.Contains(Shown(), m) {
			return m
		}
	}
	if len(a.Modes) > 0 {
		return a.Modes[0]
	}
	return "list"
}

// Slug is how the action is named in an address.
func (a *Action) Slug() string {
	if a.ByModel || a.ID == 0 {
		return "model/" + a.Model
	}
	return fmt.Sprintf("action/%d", a.ID)
}

type actionLeads string
