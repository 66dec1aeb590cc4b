package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
)

// formPage is a form as the templates show it.
type formPage struct {
	Tree      *formTree
	Edit      bool
	New       bool
	Dialog    bool
	Post      string // where the form goes
	Base      string // JSON of what was shown
	Version   string // of the record, to notice other people's changes
	Carry     []hidden
	Lists     []dataList
	EditURL   string
	NewURL    string
	CloseURL  string
	Actions   []choice // further actions: duplicate, archive, …
	CanEdit   bool
	Prev      string
	Next      string
	Position  string
	Error     string
	Conflict  bool
	Panels    []template.HTML
	Name      string
	Archived  bool
	Hint      string // why computed values are missing
	ModelName string
	RecordID  int64
	Focus     string
}

// recordForm is one record being shown, typed in or posted.
type recordForm struct {
	p    *submission
	act  *action
	rs   orm.Records
	view *view.View
	id   int64
	can  perms

	hint     string // why what follows from the typed values is not shown
	conflict bool   // somebody else changed the record
	focus    string // prefix of the line just added
}

// recordHandler answers requests about one record.
type recordHandler struct {
	*recordForm
	p *page
}

// newRecordForm finds the action, the view and the record of the address.
func (p *page) newRecordForm() (*recordHandler, error) {
	p.activate(p.at.params)
	act, err := p.loadAction(p.at)
	if err != nil {
		return nil, err
	}
	if act.Type != "ir.actions.act_window" {
		return nil, server.Errorf(http.StatusNotFound, "“%s” has no records.", act.Name)
	}
	p.enter(act)
	p.dialog = act.Dialog
	f := &recordHandler{&recordForm{p: p.submission(), act: act, id: toID(p.Var("id"))}, p}
	rs, err := p.env.Lookup(act.Model)
	if err != nil {
		return nil, err
	}
	if f.view, err = p.view(act.Model, "form", act.Views["form"]); err != nil {
		return nil, err
	}
	if f.can, err = p.rights(act.Model); err != nil {
		return nil, err
	}
	// Archived records and lines are shown where they are linked to.
	f.rs = rs.Browse()
	if f.id != 0 {
		f.rs = rs.Browse(f.id)
	} else if !f.can.Create {
		return nil, rs.CheckAccess(orm.OpCreate)
	}
	return f, nil
}

// openRecord shows a record, or an empty form for a new one.
func (p *page) openRecord() error {
	f, err := p.newRecordForm()
	if err != nil {
		return err
	}
	edit := f.id == 0 || p.dialog && f.editable() || p.Query(editParam) == "1" && f.editable()
	var rec *record
	if f.id == 0 {
		if rec, err = f.blank(); err != nil {
			return err
		}
	} else if rec, err = p.readForm(f.rs, f.view); err != nil {
		return err
	}
	return f.show(rec, edit, nil, "")
}

func (f *recordForm) editable() bool {
	return f.can.Write && f.view.Root.Flag("edit", true) && f.p.flag("edit")
}

// show writes the form page.
func (f *recordHandler) show(rec *record, edit bool, state *typed, failure string) error {
	p := f.p
	b, err := p.builder()
	if err != nil {
		return err
	}
	b.edit, b.state, b.post = edit, state, p.at.URL()
	if d, ok := rec.vals["write_date"].(orm.Datetime); ok {
		b.stamp = strconv.FormatInt(d.Time().UnixMilli(), 36)
	}
	if err := p.offers(b, f.view, rec); err != nil {
		return err
	}
	if err := p.names.load(); err != nil {
		return err
	}
	out := &formPage{Tree: b.form(f.view, rec), Edit: edit, New: f.id == 0, Dialog: p.dialog, Post: p.at.URL(), Error: failure,
		Version: version(rec), ModelName: f.act.Model, RecordID: f.id, Hint: f.hint, Conflict: f.conflict, Focus: f.focus}
	if state != nil { // the version the form was opened at, whatever was tried since
		out.Version = p.form.Get("_version")
	}
	out.Name = str(rec.vals["display_name"])
	if f.id == 0 {
		out.Name = "New"
	}
	p.title = out.Name
	if p.dialog {
		p.title = f.act.Name
	}
	if s := f.view.Root.Attr("string"); p.dialog && p.title == "" {
		p.title = s
	}
	if edit {
		out.Carry = carry(state, b.base)
		raw, err := json.Marshal(b.base)
		if err != nil {
			return err
		}
		out.Base = string(raw)
		for _, l := range b.lists {
			out.Lists = append(out.Lists, l)
		}
		sortLists(out.Lists)
	}
	f.around(out, rec)
	if f.id != 0 {
		if out.Panels, err = p.panels(out.Tree.Panels, f.rs); err != nil {
			return err
		}
	}
	return p.show("form", out)
}

// around fills in what stands around the form.
func (f *recordHandler) around(out *formPage, rec *record) {
	p := f.p
	out.CanEdit = f.id != 0 && f.editable()
	out.EditURL = p.at.with(editParam, "1").URL()
	out.CloseURL = p.closed(p.at).URL()
	if !p.dialog {
		out.CloseURL = p.at.with(editParam, "").URL()
		if f.id == 0 {
			out.CloseURL = p.backURL()
		}
	}
	transient := f.rs.Model.Transient
	if f.can.Create && f.view.Root.Flag("create", true) && p.flag("create") && !transient && f.id != 0 && !p.dialog {
		path := strings.TrimSuffix(p.at.path, "/"+fmt.Sprint(f.id)) + "/new"
		out.NewURL = place{path: path, params: p.at.with(editParam, "", resParam, "").params, up: p.at.up}.URL()
	}
	if f.id == 0 || transient || p.dialog {
		return
	}
	if f.can.Create && f.view.Root.Flag("duplicate", true) && f.view.Root.Flag("create", true) && p.flag("create") {
		out.Actions = append(out.Actions, choice{"duplicate", "Duplicate"})
	}
	if fi, ok := p.fields[f.act.Model]["active"]; ok && f.can.Write && !fi.ReadonlyForUser {
		if rec.vals["active"] == true {
			out.Actions = append(out.Actions, choice{"archive", "Archive"})
		} else {
			out.Actions = append(out.Actions, choice{"unarchive", "Unarchive"})
			out.Archived = true
		}
	}
	if f.can.Unlink && f.view.Root.Flag("delete", true) && p.flag("delete") {
		out.Actions = append(out.Actions, choice{"delete", "Delete"})
	}
	if bound, err := p.boundActions(f.act.Model, "form"); err == nil {
		out.Actions = append(out.Actions, bound...)
	}
	if err := f.neighbours(out); err != nil {
		p.env.Log().Debug("neighbours of a record", "error", err.Error())
	}
}

// neighbours finds the records before and after this one in the list it was
// opened from.
func (f *recordHandler) neighbours(out *formPage) error {
	p := f.p
	at := int(toID(p.Query(resParam)))
	up, ok := p.at.parent()
	if at <= 0 || !ok || !strings.HasPrefix(p.at.path, up.path+"/") {
		return nil
	}
	l, err := newListing(p.actions, up, f.act, "list")
	if err != nil {
		return err
	}
	if err := l.sorted(); err != nil {
		return err
	}
	d, _, _ := l.search.compile(l.q)
	d = orm.And(f.act.Domain, d)
	offset := max(at-2, 0)
	found, err := l.rs.Search(d, orm.SearchOptions{Offset: offset, Limit: at - offset + 1, Order: l.order})
	if err != nil {
		return err
	}
	i := at - 1 - offset
	if i >= len(found.IDs) || found.IDs[i] != f.id {
		return nil // the list is not what it was
	}
	total, err := l.rs.SearchCount(d, 0)
	if err != nil {
		return err
	}
	out.Position = fmt.Sprintf("%d / %d", at, total)
	to := func(id int64, at int) string {
		pl := p.at.with(resParam, fmt.Sprint(at), editParam, "")
		pl.path = up.path + "/" + fmt.Sprint(id)
		return pl.URL()
	}
	if i > 0 {
		out.Prev = to(found.IDs[i-1], at-1)
	}
	if i+1 < len(found.IDs) {
		out.Next = to(found.IDs[i+1], at+1)
	}
	return nil
}

// version names the state of a record.
func version(rec *record) string {
	d, ok := rec.vals["write_date"].(orm.Datetime)
	if !ok || d.IsZero() {
		return ""
	}
	return d.Time().Format(time.RFC3339Nano)
}

// carry hands on what was typed for fields that are hidden now, so that it is
// there again, and saved, when they come back.
func carry(t *typed, base map[string]string) []hidden {
	if t == nil {
		return nil
	}
	keep := url.Values{}
	for input, was := range t.base {
		if _, shown := base[input]; shown {
			continue
		}
		if list := inLines(input); list != "" {
			if _, shown := base[inputPrefix+list]; shown {
				continue // a line that is gone
			}
		}
		for k, v := range t.form {
			if k == input || strings.HasPrefix(k, input+"~") {
				keep[k] = v
			}
		}
		base[input] = was
	}
	return hiddenOf(keep)
}

// inLines is the x2many field an input of a line belongs to, "" for others.
func inLines(input string) string {
	list, _, ok := strings.Cut(strings.TrimPrefix(input, inputPrefix), ".")
	if !ok {
		return ""
	}
	return list
}
