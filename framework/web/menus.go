package web

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

// menu is an entry of the menu as the user sees it.
type menu struct {
	ID       int64
	Name     string
	URL      string // "" for a mere heading
	Current  bool
	Children []*menu

	action string // "model,id"
	parent int64
}

// Initials stand for the icon of an application.
func (m *menu) Initials() string {
	words := strings.Fields(m.Name)
	out := ""
	for _, w := range words {
		if out += string([]rune(w)[:1]); len(words) > 1 && len([]rune(out)) == 2 {
			break
		}
	}
	if len(words) == 1 && len([]rune(words[0])) > 1 {
		out = string([]rune(words[0])[:2])
	}
	return out
}

// Hue colours an application's tile, the same one every time.
func (m *menu) Hue() int {
	h := 0
	for _, r := range m.Name {
		h = (h*31 + int(r)) % 360
	}
	return h
}

// loadMenus finds the applications the user may open: what groups allow, what leads
// somewhere, and whose model the user may read.
func loadMenus(rd *viewdata.Reader) ([]*menu, error) {
	if _, known := rd.Env().Registry().Model("ir.ui.menu"); !known {
		return nil, nil
	}
	sudo := rd.Env().Sudo()
	found, err := sudo.Model("ir.ui.menu").Search(nil, orm.SearchOptions{Order: "sequence, id"})
	if err != nil {
		return nil, err
	}
	rows, err := found.Read("name", "parent_id", "action", "group_ids")
	if err != nil {
		return nil, err
	}
	mine, err := rd.Env().Groups()
	if err != nil {
		return nil, err
	}
	all := map[int64]*menu{}
	var order []*menu
	var windows []int64
	for _, r := range rows {
		groups, _ := r["group_ids"].([]int64)
		if len(groups) > 0 && !slices.ContainsFunc(groups, func(g int64) bool { return mine[g] }) {
			continue
		}
		m := &menu{ID: convert.ID(r["id"]), Name: convert.Text(r["name"]), parent: convert.ID(r["parent_id"]), action: convert.Text(r["action"])}
		all[m.ID] = m
		order = append(order, m)
		if id, ok := strings.CutPrefix(m.action, "ir.actions.act_window,"); ok {
			windows = append(windows, convert.ID(id))
		}
	}
	acts, err := menuActions(rd, windows)
	if err != nil {
		return nil, err
	}
	var roots []*menu
	for _, m := range order {
		if m.action != "" {
			model, id, _ := strings.Cut(m.action, ",")
			a, window := acts[convert.ID(id)], model == "ir.actions.act_window"
			if !window || a.allowed {
				slug := id
				if a.path != "" && window {
					slug = a.path
				}
				m.URL = "/web/action/" + slug + "?" + address.MenuParam + "=" + fmt.Sprint(m.ID)
			}
		}
		if m.parent == 0 {
			roots = append(roots, m)
		} else if up := all[m.parent]; up != nil {
			up.Children = append(up.Children, m)
		}
	}
	roots = prune(roots)
	for _, m := range roots {
		if m.URL == "" {
			m.URL = firstURL(m)
		}
	}
	return roots, nil
}

type menuAction struct {
	path    string
	allowed bool
}

// menuActions tells which window actions of menus the user may open.
func menuActions(rd *viewdata.Reader, ids []int64) (map[int64]menuAction, error) {
	out := map[int64]menuAction{}
	if len(ids) == 0 {
		return out, nil
	}
	slices.Sort(ids)
	there, err := rd.Env().Sudo().Model("ir.actions.act_window").Browse(slices.Compact(ids)...).Exists()
	if err != nil {
		return nil, err
	}
	rows, err := there.Read("res_model", "path")
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		a := menuAction{path: convert.Text(r["path"])}
		if can, err := rd.Rights(convert.Text(r["res_model"])); err == nil {
			a.allowed = can.Read
		} else if !orm.IsCode(err, orm.CodeUser) { // the model of an addon that is gone
			return nil, err
		}
		out[convert.ID(r["id"])] = a
	}
	return out, nil
}

// prune leaves out headings with nothing below them.
func prune(list []*menu) []*menu {
	return slices.DeleteFunc(list, func(m *menu) bool {
		m.Children = prune(m.Children)
		return m.URL == "" && len(m.Children) == 0
	})
}

func firstURL(m *menu) string {
	if m.URL != "" {
		return m.URL
	}
	for _, c := range m.Children {
		if u := firstURL(c); u != "" {
			return u
		}
	}
	return ""
}

// findMenu marks the entry the page belongs to and gives its root: the entry
// named in the address, else the first one that opens the action.
func findMenu(roots []*menu, id int64, action string) (root *menu) {
	var hit func(m *menu, test func(*menu) bool) bool
	hit = func(m *menu, test func(*menu) bool) bool {
		if test(m) {
			m.Current = true
			return true
		}
		for _, c := range m.Children {
			if hit(c, test) {
				m.Current = true
				return true
			}
		}
		return false
	}
	tests := []func(*menu) bool{func(m *menu) bool { return id != 0 && m.ID == id }, func(m *menu) bool { return action != "" && m.action == action }}
	for _, test := range tests {
		for _, r := range roots {
			if hit(r, test) {
				return r
			}
		}
	}
	return nil
}
