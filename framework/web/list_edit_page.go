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
)

// showEdit shows the list with inputs in place of its values.
func (l *listHandler) showEdit(list *lines, t *typed, failure string) error {
	p := l.p
	b := l.b
	b.edit, b.state, b.post = true, t, p.at.URL()
	if err := l.suggest(list); err != nil {
		return err
	}
	if err := p.names.load(); err != nil {
		return err
	}
	s := &scopeOf{rec: &record{model: l.rs.Model}, prefix: inputPrefix, vars: b.vars}
	c := b.lines(fieldInfo{Field: l.rowsField()}, &view.Node{Tag: "field", Attrs: []view.Attr{{Name: "name", Value: "rows"}}}, list, s)
	base, err := json.Marshal(b.base)
	if err != nil {
		return err
	}
	out := &formPage{Tree: &formTree{Body: []*node{{Kind: "cell", Cell: c, Wide: true}}}, Edit: true, Post: b.post, Base: string(base), Error: failure,
		CloseURL: p.at.with(editParam, "", "new", "").URL()}
	for _, dl := range b.lists {
		out.Lists = append(out.Lists, dl)
	}
	sortLists(out.Lists)
	return p.show("form", out)
}

// openEdit shows the list for typing, with an empty row when one is wanted.
func (l *listHandler) openEdit() error {
	list, err := l.editRows()
	if err != nil {
		return err
	}
	if l.p.Query("new") != "" {
		r, err := l.newRow("n1")
		if err != nil {
			return err
		}
		list.rows = append(list.rows, r)
	}
	return l.showEdit(list, nil, "")
}

// postEdit stores a typed list, or adds a row to it.
func (l *listHandler) postEdit(do string) error {
	p := l.p
	if ok, err := l.editable(); err != nil || !ok {
		return cmp.Or(err, orm.AccessErrorf("This list cannot be changed here."))
	}
	sub := p.submission()
	t, err := sub.readTyped()
	if err != nil {
		return err
	}
	for input := range t.base {
		if parts := strings.Split(input, "."); len(parts) == 4 {
			if f := l.rs.Model.Fields[parts[3]]; f != nil && f.Comodel != "" {
				p.names.ask(f.Comodel, toIDs(anyList(slices.Concat(t.form[input+"~id"], t.form[input+"~pick"])))...)
			}
		}
	}
	ch := &changes{vals: orm.Values{}, lines: map[string][]string{}, rows: map[string][]string{}}
	cmds, err := sub.lineChanges(t, l.rowsField(), rowsInput, ch)
	if err != nil {
		return err
	}
	if verb, _, _ := strings.Cut(do, ":"); verb == "add" {
		n := 0
		for _, key := range ch.rows["rows"] {
			if k, err := strconv.Atoi(strings.TrimPrefix(key, "n")); err == nil && strings.HasPrefix(key, "n") {
				n = max(n, k)
			}
		}
		key := fmt.Sprintf("n%d", n+1)
		ch.rows["rows"] = append(ch.rows["rows"], key)
		return l.againEdit(t, ch, "")
	}
	if do == "refresh" {
		return l.againEdit(t, ch, "")
	}
	if len(t.errors) > 0 {
		return l.againEdit(t, ch, "Some values could not be read. They are marked below.")
	}
	at := ""
	told, err := p.attempt(func() error { return l.storeRows(cmds, ch, &at) })
	if err != nil {
		return err
	}
	if told != nil {
		p.Status(statusOf(told))
		for _, name := range told.Fields {
			if input := rowsInput + "." + at + "." + name; t.base[input] != "" || t.form.Has(input) {
				t.errors[input] = told.Message
			}
		}
		return l.againEdit(t, ch, told.Message)
	}
	if len(cmds) > 0 {
		p.Session.Tell(server.Note{Kind: "success", Text: "Saved."})
	}
	return p.Redirect(http.StatusSeeOther, p.at.with(editParam, "", "new", "").URL())
}

// againEdit shows a typed list once more.
func (l *listHandler) againEdit(t *typed, ch *changes, failure string) error {
	var ids []int64
	for _, key := range ch.rows["rows"] {
		if id := toID(key); id != 0 {
			ids = append(ids, id)
		}
	}
	list, err := l.p.readLines(l.rowsField(), l.view, &view.Node{Tag: "field"}, ids)
	if err != nil {
		return err
	}
	byKey := map[string]*record{}
	for _, r := range list.rows {
		byKey[r.key] = r
	}
	list.rows = nil
	for _, key := range ch.rows["rows"] {
		gone := t.get(rowsInput+"."+key+"~del") != ""
		r := byKey[key]
		if r == nil && !gone {
			if r, err = l.newRow(key); err != nil {
				return err
			}
		}
		if r != nil {
			list.rows = append(list.rows, r)
		}
	}
	list.total = len(list.rows)
	return l.showEdit(list, t, failure)
}
