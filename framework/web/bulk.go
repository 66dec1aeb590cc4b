package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

const maxBulk = 100000 // records one bulk action takes

// bulk does something with the selected records of a list, or runs the action
// the page asked about.
func (p *page) bulk() error {
	p.activate(p.at.params)
	act, err := p.loadAction(p.at)
	if err != nil {
		return err
	}
	form, err := p.posted()
	if err != nil {
		return err
	}
	do := form.Get("_do")
	switch act.Type {
	case "ir.actions.client":
		return p.openClient(act)
	case "ir.actions.server":
		return p.runAsked(act, do)
	case "ir.actions.act_window":
	default:
		return server.Errorf(http.StatusBadRequest, "Nothing can be posted here.")
	}
	p.enter(act)
	p.title = act.Name
	l, err := p.list(act, "list")
	if err != nil {
		return err
	}
	if form.Has("_base") {
		return l.postEdit(do)
	}
	if arg, ok := strings.CutPrefix(do, "row:"); ok {
		return l.postRow(arg)
	}
	var done bool
	told, err := p.attempt(func() error {
		var err error
		done, err = l.postFavourite(do)
		return err
	})
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
	}
	if err != nil || done || told != nil {
		return cmp.Or(err, p.Redirect(http.StatusSeeOther, p.at.URL()))
	}
	ids, err := l.selected(form)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		p.Session.Tell(server.Note{Kind: "warning", Text: "Select records first."})
		return p.Redirect(http.StatusSeeOther, p.at.URL())
	}
	back := p.at.with(selectParam, "")
	if do == "export" {
		content, err := l.csv(ids)
		if err != nil {
			return err
		}
		return p.sendFile(act.Name+".csv", "text/csv; charset=utf-8", content, false)
	}
	if do == "delete" && form.Get(confirmParam) == "" {
		return p.confirm(fmt.Sprintf("Delete %s of %s? This cannot be undone.", count(len(ids), "record", "records"), act.Name), "Delete", true, back.URL())
	}
	if key, ok := strings.CutPrefix(do, "btn:"); ok {
		if n := findButton(l.view, key); n != nil && n.Attr("confirm") != "" && form.Get(confirmParam) == "" {
			return p.confirm(n.Attr("confirm"), "Go on", false, back.URL())
		}
	}
	var result any
	told, err = p.attempt(func() error {
		var err error
		result, err = l.do(do, ids)
		return err
	})
	if err != nil {
		return err
	}
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
		return p.Redirect(http.StatusSeeOther, back.URL())
	}
	return p.follow(result, back)
}

func (p *page) runAsked(act *action, do string) error {
	if do != "run" {
		return server.Errorf(http.StatusBadRequest, "Nothing can be posted here.")
	}
	var result any
	told, err := p.attempt(func() error {
		var err error
		result, err = p.runServer(act.ID, "", nil)
		return err
	})
	if err != nil {
		return err
	}
	back, ok := p.at.parent()
	if !ok {
		back = place{}
	}
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
		return p.Redirect(http.StatusSeeOther, back.URL())
	}
	return p.follow(result, back)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// postRow presses a button of one row.
func (l *listHandler) postRow(arg string) error {
	p := l.p
	back := p.at.with(selectParam, "")
	if q := rowConfirm(l.view, arg); q != "" && p.form.Get(confirmParam) == "" {
		return p.confirm(q, "Go on", false, back.URL())
	}
	var result any
	told, err := p.attempt(func() error {
		var err error
		result, err = l.pressRow(arg)
		return err
	})
	if err != nil {
		return err
	}
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
		return p.Redirect(http.StatusSeeOther, back.URL())
	}
	return p.follow(result, back)
}

// do carries out a bulk action.
func (l *listHandler) do(what string, ids []int64) (any, error) {
	p, rs := l.p, l.rs.Browse(ids...)
	note := func(kind, verb string) {
		p.Session.Tell(server.Note{Kind: kind, Text: count(len(ids), "record", "records") + " " + verb + "."})
	}
	switch what {
	case "delete":
		err := rs.Unlink()
		if err == nil {
			note("success", "deleted")
		}
		return nil, err
	case "archive", "unarchive":
		err := rs.Write(orm.Values{"active": what == "unarchive"})
		if err == nil {
			note("success", what+"d")
		}
		return nil, err
	}
	kind, id, _ := strings.Cut(what, ":")
	switch kind {
	case "server":
		return p.runServer(toID(id), l.act.Model, ids)
	case "print":
		rows, err := p.env.Sudo().Model("ir.actions.report").Browse(toID(id)).Read("report_name", "model")
		if err != nil {
			return nil, err
		}
		return map[string]any{"type": "ir.actions.report", "report_name": rows[0]["report_name"], "docids": ids}, nil
	case "window":
		return p.boundWindow(toID(id), l.act.Model, ids)
	case "btn":
		n := findButton(l.view, id)
		if n == nil {
			return nil, orm.UserErrorf("The page is out of date. Load it again.")
		}
		return p.press(n, rs, nil)
	}
	return nil, server.Errorf(http.StatusBadRequest, "There is no bulk action “%s”.", shorten(what, 40))
}

// postFavourite keeps or forgets a favourite; false when do is neither.
func (l *listHandler) postFavourite(do string) (bool, error) {
	verb, id, _ := strings.Cut(do, ":")
	var err error
	switch verb {
	case "favourite":
		err = l.keepFavourite(l.p.form)
	case "forget":
		err = l.p.env.Model("ir.filters").Browse(toID(id)).Unlink()
	default:
		return false, nil
	}
	if err == nil {
		l.p.Session.Tell(server.Note{Kind: "success", Text: map[string]string{"favourite": "Favourite kept.", "forget": "Favourite forgotten."}[verb]})
	}
	return true, err
}

// finish adds what surrounds the rows.
func (l *listHandler) finish(out *listView, kind string) error {
	p := l.p
	can, err := p.rights(l.act.Model)
	if err != nil {
		return err
	}
	flag := func(name string) bool {
		v, ok := p.env.Key(name).(bool)
		return l.view.Root.Flag(name, true) && (!ok || v)
	}
	if can.Create && flag("create") && !l.rs.Model.Transient {
		out.Create = l.recordPlace("new", nil).URL()
	}
	if typing, err := l.editable(); err != nil {
		return err
	} else if typing && kind == "list" {
		if len(out.Rows) > 0 {
			out.Edit = l.editURL(false)
		}
		if out.Create != "" && !slices.Contains(l.act.Modes, "form") {
			out.Create = l.editURL(true)
		}
	}
	out.Help = l.act.Help
	out.Kanban = kind == "kanban"
	out.Post = p.at.URL()
	if out.Search != nil {
		out.Hidden = out.Search.Hidden
	}
	for _, m := range l.act.Modes {
		if m == "form" {
			continue
		}
		out.Modes = append(out.Modes, modeLink{Kind: m, URL: p.at.with(viewParam, m, pageParam, "").URL(), Current: m == kind})
	}
	if len(out.Modes) < 2 {
		out.Modes = nil
	}
	if kind != "list" {
		return nil
	}
	if l.rs.Model.HasActive() && can.Write && !l.fields["active"].ReadonlyForUser && l.fields["active"].Field != nil {
		out.Actions = append(out.Actions, choice{"archive", "Archive"}, choice{"unarchive", "Unarchive"})
	}
	if can.Unlink && flag("delete") {
		out.Actions = append(out.Actions, choice{"delete", "Delete"})
	}
	if export, err := p.env.InAnyGroup("base.group_allow_export"); err != nil {
		return err
	} else if export {
		out.Actions = append([]choice{{"export", "Export CSV"}}, out.Actions...)
	}
	bound, err := p.boundActions(l.act.Model, "list")
	if err != nil {
		return err
	}
	out.Actions = append(out.Actions, bound...)
	for _, h := range l.view.Root.Elements("header") {
		s := &scopeOf{rec: &record{model: l.rs.Model}, vars: l.b.vars, fields: l.fields}
		for _, k := range h.Elements("button") {
			l.b.buttons = slices.Index(buttonsOf(l.view.Root), k)
			out.Header = append(out.Header, l.b.node(k, s)...)
		}
	}
	out.Selecting = len(out.Actions)+len(out.Header) > 0 && (len(out.Rows) > 0 || out.Total > 0)
	out.SelectURL = p.at.with(selectParam, map[bool]string{true: "", false: "all"}[out.Selected]).URL()
	return nil
}

// listHandler answers requests about a list.
type listHandler struct {
	*listing
	p *page
}

func (p *page) list(act *action, kind string) (*listHandler, error) {
	l, err := newListing(p.actions, p.at, act, kind)
	return &listHandler{l, p}, err
}
