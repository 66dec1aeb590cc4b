package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/action"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/listing"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/search"
)

// bulk does something with the selected records of a list, or runs the action
// the page asked about.
func (p *page) bulk() error {
	p.Activate(p.at.Params)
	act, err := p.Load(p.at)
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
	p.Enter(act)
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
	told, err := p.Attempt(func() error {
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
	ids, err := l.Selected(form)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		p.Session.Tell(server.Note{Kind: "warning", Text: "Select records first."})
		return p.Redirect(http.StatusSeeOther, p.at.URL())
	}
	back := p.at.With(search.SelectParam, "")
	if do == "export" {
		content, err := l.CSV(ids)
		if err != nil {
			return err
		}
		return p.sendFile(act.Name+".csv", "text/csv; charset=utf-8", content, false)
	}
	if do == "delete" && form.Get(address.ConfirmParam) == "" {
		return p.confirm(fmt.Sprintf("Delete %s of %s? This cannot be undone.", convert.Count(len(ids), "record", "records"), act.Name), "Delete", true, back.URL())
	}
	if key, ok := strings.CutPrefix(do, "btn:"); ok {
		if n := render.FindButton(l.View, key); n != nil && n.Attr("confirm") != "" && form.Get(address.ConfirmParam) == "" {
			return p.confirm(n.Attr("confirm"), "Go on", false, back.URL())
		}
	}
	var result any
	told, err = p.Attempt(func() error {
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

func (p *page) runAsked(act *action.Action, do string) error {
	if do != "run" {
		return server.Errorf(http.StatusBadRequest, "Nothing can be posted here.")
	}
	var result any
	told, err := p.Attempt(func() error {
		var err error
		result, err = p.RunServer(act.ID, "", nil)
		return err
	})
	if err != nil {
		return err
	}
	back, ok := p.at.Parent()
	if !ok {
		back = address.Address{}
	}
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
		return p.Redirect(http.StatusSeeOther, back.URL())
	}
	return p.follow(result, back)
}

// postRow presses a button of one row.
func (l *listHandler) postRow(arg string) error {
	p := l.p
	back := p.at.With(search.SelectParam, "")
	if q := rowConfirm(l.View, arg); q != "" && p.form.Get(address.ConfirmParam) == "" {
		return p.confirm(q, "Go on", false, back.URL())
	}
	var result any
	told, err := p.Attempt(func() error {
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
	p, rs := l.p, l.Records.Browse(ids...)
	note := func(kind, verb string) {
		p.Session.Tell(server.Note{Kind: kind, Text: convert.Count(len(ids), "record", "records") + " " + verb + "."})
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
		return p.RunServer(convert.ID(id), l.Action.Model, ids)
	case "print":
		rows, err := p.env().Sudo().Model("ir.actions.report").Browse(convert.ID(id)).Read("report_name", "model")
		if err != nil {
			return nil, err
		}
		return map[string]any{"type": "ir.actions.report", "report_name": rows[0]["report_name"], "docids": ids}, nil
	case "window":
		return p.BoundWindow(convert.ID(id), l.Action.Model, ids)
	case "btn":
		n := render.FindButton(l.View, id)
		if n == nil {
			return nil, orm.UserErrorf("The page is out of date. Load it again.")
		}
		return p.Press(n, rs, nil)
	}
	return nil, server.Errorf(http.StatusBadRequest, "There is no bulk action “%s”.", convert.Shorten(what, 40))
}

// postFavourite keeps or forgets a favourite; false when do is neither.
func (l *listHandler) postFavourite(do string) (bool, error) {
	verb, id, _ := strings.Cut(do, ":")
	var err error
	switch verb {
	case "favourite":
		err = l.KeepFavourite(l.p.form)
	case "forget":
		err = l.ForgetFavourite(convert.ID(id))
	default:
		return false, nil
	}
	if err == nil {
		l.p.Session.Tell(server.Note{Kind: "success", Text: map[string]string{"favourite": "Favourite kept.", "forget": "Favourite forgotten."}[verb]})
	}
	return true, err
}

// finish adds what surrounds the rows.
func (l *listHandler) finish(out *render.ListView, kind string) error {
	p := l.p
	can, err := p.Rights(l.Action.Model)
	if err != nil {
		return err
	}
	flag := func(name string) bool {
		v, ok := p.env().Key(name).(bool)
		return l.View.Root.Flag(name, true) && (!ok || v)
	}
	if can.Create && flag("create") && !l.Records.Model.Transient {
		out.Create = l.RecordAddress("new", nil).URL()
	}
	if typing, err := l.Editable(); err != nil {
		return err
	} else if typing && kind == "list" {
		if len(out.Rows) > 0 {
			out.Edit = l.EditURL(false)
		}
		if out.Create != "" && !slices.Contains(l.Action.Modes, "form") {
			out.Create = l.EditURL(true)
		}
	}
	out.Help = l.Action.Help
	out.Kanban = kind == "kanban"
	out.Post = p.at.URL()
	if out.Search != nil {
		out.Hidden = out.Search.Hidden
	}
	for _, m := range l.Action.Modes {
		if m == "form" {
			continue
		}
		out.Modes = append(out.Modes, render.ModeLink{Kind: m, URL: p.at.With(address.ViewParam, m, search.PageParam, "").URL(), Current: m == kind})
	}
	if len(out.Modes) < 2 {
		out.Modes = nil
	}
	if kind != "list" {
		return nil
	}
	if l.Records.Model.HasActive() && can.Write && !l.Fields["active"].ReadonlyForUser && l.Fields["active"].Field != nil {
		out.Actions = append(out.Actions, render.Choice{Value: "archive", Label: "Archive"}, render.Choice{Value: "unarchive", Label: "Unarchive"})
	}
	if can.Unlink && flag("delete") {
		out.Actions = append(out.Actions, render.Choice{Value: "delete", Label: "Delete"})
	}
	if export, err := p.env().InAnyGroup("base.group_allow_export"); err != nil {
		return err
	} else if export {
		out.Actions = append([]render.Choice{{Value: "export", Label: "Export CSV"}}, out.Actions...)
	}
	bound, err := p.Bound(l.Action.Model, "list")
	if err != nil {
		return err
	}
	out.Actions = append(out.Actions, bound...)
	for _, h := range l.View.Root.Elements("header") {
		s := &render.Scope{Rec: &render.Record{Model: l.Records.Model}, Vars: l.Builder.Vars, Fields: l.Fields}
		for _, k := range h.Elements("button") {
			l.Builder.Buttons = slices.Index(render.ButtonsOf(l.View.Root), k)
			out.Header = append(out.Header, l.Builder.Node(k, s)...)
		}
	}
	out.Selecting = len(out.Actions)+len(out.Header) > 0 && (len(out.Rows) > 0 || out.Total > 0)
	out.SelectURL = p.at.With(search.SelectParam, map[bool]string{true: "", false: "all"}[out.Selected]).URL()
	return nil
}

// listHandler answers requests about a list.
type listHandler struct {
	*listing.List
	p *page
}

func (p *page) list(act *action.Action, kind string) (*listHandler, error) {
	l, err := listing.New(p.Reader, p.at, act, kind)
	return &listHandler{l, p}, err
}

// pressRow presses a button of a row: "12:3:action_retry".
func (l *listHandler) pressRow(arg string) (any, error) {
	id, key, _ := strings.Cut(arg, ":")
	n := render.FindButton(l.View, key)
	if n == nil || convert.ID(id) == 0 {
		return nil, orm.UserErrorf("The page is out of date. Load it again.")
	}
	return l.p.PressLine(n, l.Records.Browse(convert.ID(id)), l.View)
}

// rowConfirm is the question a button of a row asks, "" for none.
func rowConfirm(v *view.View, arg string) string {
	_, key, _ := strings.Cut(arg, ":")
	if n := render.FindButton(v, key); n != nil {
		return n.Attr("confirm")
	}
	return ""
}
