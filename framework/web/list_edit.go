package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/forms"
	"fusionsoft.ca/fusion/framework/web/listing"
	"fusionsoft.ca/fusion/framework/web/render"
)

// showEdit shows the list with inputs in place of its values.
func (l *listHandler) showEdit(list *render.Lines, t *render.Posted, failure string) error {
	p := l.p
	b := l.Builder
	b.Edit, b.Posted, b.Post = true, t, p.at.URL()
	if err := l.Suggest(list); err != nil {
		return err
	}
	if err := p.Names.Load(); err != nil {
		return err
	}
	s := &render.Scope{Rec: &render.Record{Model: l.Records.Model}, Prefix: render.InputPrefix, Vars: b.Vars}
	c := b.Lines(render.Field{Field: l.RowsField()}, &view.Node{Tag: "field", Attrs: []view.Attr{{Name: "name", Value: "rows"}}}, list, s)
	base, err := json.Marshal(b.Shown)
	if err != nil {
		return err
	}
	out := &render.FormPage{Tree: &render.FormTree{Body: []*render.Node{{Kind: "cell", Cell: c, Wide: true}}}, Edit: true, Post: b.Post, Base: string(base), Error: failure,
		CloseURL: p.at.With(address.EditParam, "", "new", "").URL()}
	for _, dl := range b.Lists {
		out.Lists = append(out.Lists, dl)
	}
	render.SortLists(out.Lists)
	return p.show("form", out)
}

// openEdit shows the list for typing, with an empty row when one is wanted.
func (l *listHandler) openEdit() error {
	list, err := l.EditRows()
	if err != nil {
		return err
	}
	if l.p.Query("new") != "" {
		r, err := l.NewRow("n1")
		if err != nil {
			return err
		}
		list.Rows = append(list.Rows, r)
	}
	return l.showEdit(list, nil, "")
}

// postEdit stores a typed list, or adds a row to it.
func (l *listHandler) postEdit(do string) error {
	p := l.p
	if ok, err := l.Editable(); err != nil || !ok {
		return cmp.Or(err, orm.AccessErrorf("This list cannot be changed here."))
	}
	sub := p.submission()
	t, err := sub.Posted()
	if err != nil {
		return err
	}
	for input := range t.Base {
		if parts := strings.Split(input, "."); len(parts) == 4 {
			if f := l.Records.Model.Fields[parts[3]]; f != nil && f.Comodel != "" {
				p.Names.Ask(f.Comodel, convert.IDs(convert.List(slices.Concat(t.Form[input+"~id"], t.Form[input+"~pick"])))...)
			}
		}
	}
	ch := &forms.Changes{Values: orm.Values{}, Lines: map[string][]string{}, Rows: map[string][]string{}}
	cmds, err := sub.LineChanges(t, l.RowsField(), listing.RowsInput, ch)
	if err != nil {
		return err
	}
	if verb, _, _ := strings.Cut(do, ":"); verb == "add" {
		n := 0
		for _, key := range ch.Rows["rows"] {
			if k, err := strconv.Atoi(strings.TrimPrefix(key, "n")); err == nil && strings.HasPrefix(key, "n") {
				n = max(n, k)
			}
		}
		key := fmt.Sprintf("n%d", n+1)
		ch.Rows["rows"] = append(ch.Rows["rows"], key)
		return l.againEdit(t, ch, "")
	}
	if do == "refresh" {
		return l.againEdit(t, ch, "")
	}
	if len(t.Errors) > 0 {
		return l.againEdit(t, ch, "Some values could not be read. They are marked below.")
	}
	at := ""
	told, err := p.Attempt(func() error { return l.StoreRows(cmds, ch, &at) })
	if err != nil {
		return err
	}
	if told != nil {
		p.Status(statusOf(told))
		for _, name := range told.Fields {
			if input := listing.RowsInput + "." + at + "." + name; t.Base[input] != "" || t.Form.Has(input) {
				t.Errors[input] = told.Message
			}
		}
		return l.againEdit(t, ch, told.Message)
	}
	if len(cmds) > 0 {
		p.Session.Tell(server.Note{Kind: "success", Text: "Saved."})
	}
	return p.Redirect(http.StatusSeeOther, p.at.With(address.EditParam, "", "new", "").URL())
}

// againEdit shows a typed list once more.
func (l *listHandler) againEdit(t *render.Posted, ch *forms.Changes, failure string) error {
	var ids []int64
	for _, key := range ch.Rows["rows"] {
		if id := convert.ID(key); id != 0 {
			ids = append(ids, id)
		}
	}
	list, err := l.p.ReadLines(l.RowsField(), l.View, &view.Node{Tag: "field"}, ids)
	if err != nil {
		return err
	}
	byKey := map[string]*render.Record{}
	for _, r := range list.Rows {
		byKey[r.Key] = r
	}
	list.Rows = nil
	for _, key := range ch.Rows["rows"] {
		gone := t.Get(listing.RowsInput+"."+key+"~del") != ""
		r := byKey[key]
		if r == nil && !gone {
			if r, err = l.NewRow(key); err != nil {
				return err
			}
		}
		if r != nil {
			list.Rows = append(list.Rows, r)
		}
	}
	list.Total = len(list.Rows)
	return l.showEdit(list, t, failure)
}
