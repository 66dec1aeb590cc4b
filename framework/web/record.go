package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/forms"
	"fusionsoft.ca/fusion/framework/web/listing"
	"fusionsoft.ca/fusion/framework/web/render"
)

// recordHandler answers requests about one record.
type recordHandler struct {
	*forms.Form
	p *page
}

// record finds the action and the record of the address.
func (p *page) record() (*recordHandler, error) {
	p.Activate(p.at.Params)
	act, err := p.Load(p.at)
	if err != nil {
		return nil, err
	}
	if act.Type != "ir.actions.act_window" {
		return nil, server.Errorf(http.StatusNotFound, "“%s” has no records.", act.Name)
	}
	p.Enter(act)
	p.dialog = act.Dialog
	f, err := forms.New(p.submission(), act, convert.ID(p.Var("id")))
	return &recordHandler{f, p}, err
}

// openRecord shows a record, or an empty form for a new one.
func (p *page) openRecord() error {
	f, err := p.record()
	if err != nil {
		return err
	}
	edit := f.ID == 0 || p.dialog && f.Editable() || p.Query(address.EditParam) == "1" && f.Editable()
	var rec *render.Record
	if f.ID == 0 {
		if rec, err = f.Blank(); err != nil {
			return err
		}
	} else if rec, err = p.ReadForm(f.Records, f.View); err != nil {
		return err
	}
	return f.show(rec, edit, nil, "")
}

// show writes the form page.
func (f *recordHandler) show(rec *render.Record, edit bool, state *render.Posted, failure string) error {
	p := f.p
	b, err := p.Builder()
	if err != nil {
		return err
	}
	b.Edit, b.Posted, b.Post = edit, state, p.at.URL()
	if d, ok := rec.Values["write_date"].(orm.Datetime); ok {
		b.Version = strconv.FormatInt(d.Time().UnixMilli(), 36)
	}
	if err := p.Offer(b, f.View, rec); err != nil {
		return err
	}
	if err := p.Names.Load(); err != nil {
		return err
	}
	out := &render.FormPage{Tree: b.Form(f.View, rec), Edit: edit, New: f.ID == 0, Dialog: p.dialog, Post: p.at.URL(), Error: failure,
		Version: forms.Version(rec), ModelName: f.Action.Model, RecordID: f.ID, Hint: f.Hint, Conflict: f.Conflict, Focus: f.Focus}
	if state != nil { // the version the form was opened at, whatever was tried since
		out.Version = p.form.Get("_version")
	}
	out.Name = convert.Text(rec.Values["display_name"])
	if f.ID == 0 {
		out.Name = "New"
	}
	p.title = out.Name
	if p.dialog {
		p.title = f.Action.Name
	}
	if s := f.View.Root.Attr("string"); p.dialog && p.title == "" {
		p.title = s
	}
	if edit {
		out.Carry = forms.Carry(state, b.Shown)
		raw, err := json.Marshal(b.Shown)
		if err != nil {
			return err
		}
		out.Base = string(raw)
		for _, l := range b.Lists {
			out.Lists = append(out.Lists, l)
		}
		render.SortLists(out.Lists)
	}
	if err := f.around(out, rec); err != nil {
		return err
	}
	if f.ID != 0 {
		if out.Panels, err = p.panels(out.Tree.Panels, f.Records); err != nil {
			return err
		}
	}
	return p.show("form", out)
}

// around fills in what stands around the form.
func (f *recordHandler) around(out *render.FormPage, rec *render.Record) error {
	p := f.p
	out.CanEdit = f.ID != 0 && f.Editable()
	out.EditURL = p.at.With(address.EditParam, "1").URL()
	out.CloseURL = p.closed(p.at).URL()
	if !p.dialog {
		out.CloseURL = p.at.With(address.EditParam, "").URL()
		if f.ID == 0 {
			out.CloseURL = p.backURL()
		}
	}
	transient := f.Records.Model.Transient
	if f.Rights.Create && f.View.Root.Flag("create", true) && p.Flag("create") && !transient && f.ID != 0 && !p.dialog {
		path := strings.TrimSuffix(p.at.Path, "/"+fmt.Sprint(f.ID)) + "/new"
		out.NewURL = address.Address{Path: path, Params: p.at.With(address.EditParam, "", address.ResParam, "").Params, Up: p.at.Up}.URL()
	}
	if f.ID == 0 || transient || p.dialog {
		return nil
	}
	if f.Rights.Create && f.View.Root.Flag("duplicate", true) && f.View.Root.Flag("create", true) && p.Flag("create") {
		out.Actions = append(out.Actions, render.Choice{Value: "duplicate", Label: "Duplicate"})
	}
	known, err := p.Fields(f.Action.Model)
	if err != nil {
		return err
	}
	if fi, ok := known["active"]; ok && f.Rights.Write && !fi.ReadonlyForUser {
		if rec.Values["active"] == true {
			out.Actions = append(out.Actions, render.Choice{Value: "archive", Label: "Archive"})
		} else {
			out.Actions = append(out.Actions, render.Choice{Value: "unarchive", Label: "Unarchive"})
			out.Archived = true
		}
	}
	if f.Rights.Unlink && f.View.Root.Flag("delete", true) && p.Flag("delete") {
		out.Actions = append(out.Actions, render.Choice{Value: "delete", Label: "Delete"})
	}
	if bound, err := p.Bound(f.Action.Model, "form"); err == nil {
		out.Actions = append(out.Actions, bound...)
	}
	if err := f.neighbours(out); err != nil {
		p.env().Log().Debug("neighbours of a record", "error", err.Error())
	}
	return nil
}

// neighbours finds the records before and after this one in the list it was
// opened from.
func (f *recordHandler) neighbours(out *render.FormPage) error {
	p := f.p
	at := int(convert.ID(p.Query(address.ResParam)))
	up, ok := p.at.Parent()
	if at <= 0 || !ok || !strings.HasPrefix(p.at.Path, up.Path+"/") {
		return nil
	}
	l, err := listing.New(p.Reader, up, f.Action, "list")
	if err != nil {
		return err
	}
	if err := l.Sorted(); err != nil {
		return err
	}
	d, _, _ := l.Search.Compile(l.Query)
	d = orm.And(f.Action.Domain, d)
	offset := max(at-2, 0)
	found, err := l.Records.Search(d, orm.SearchOptions{Offset: offset, Limit: at - offset + 1, Order: l.Order})
	if err != nil {
		return err
	}
	i := at - 1 - offset
	if i >= len(found.IDs) || found.IDs[i] != f.ID {
		return nil // the list is not what it was
	}
	total, err := l.Records.SearchCount(d, 0)
	if err != nil {
		return err
	}
	out.Position = fmt.Sprintf("%d / %d", at, total)
	to := func(id int64, at int) string {
		pl := p.at.With(address.ResParam, fmt.Sprint(at), address.EditParam, "")
		pl.Path = up.Path + "/" + fmt.Sprint(id)
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
