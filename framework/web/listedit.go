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

// A list whose view says editable is typed in as a whole: its rows are the
// lines of a form that belongs to no record.

// rowsInput names the lines.
const rowsInput = inputPrefix + "rows"

// rowsField stands for the field the lines would be in.
func (l *listing) rowsField() *orm.Field {
	return &orm.Field{Name: "rows", Kind: orm.One2many, Comodel: l.act.Model, Label: l.act.Name, Stored: true}
}

// editable reports whether the list may be typed in.
func (l *listing) editable() (bool, error) {
	can, err := l.p.rights(l.act.Model)
	return l.view.Root.Attr("editable") != "" && can.Write && l.view.Root.Flag("edit", true) && l.p.flag("edit"), err
}

// editRows reads the rows of the page the list is on.
func (l *listing) editRows() (*lines, error) {
	if err := l.sorted(); err != nil {
		return nil, err
	}
	d, _, _ := l.search.compile(l.q)
	found, err := l.rs.Search(orm.And(l.act.Domain, d), orm.SearchOptions{Limit: min(l.act.Limit, maxLines), Offset: (l.q.Page - 1) * l.act.Limit, Order: l.order})
	if err != nil {
		return nil, err
	}
	return l.p.readLines(l.rowsField(), l.view, &view.Node{Tag: "field"}, found.IDs)
}

// showEdit shows the list with inputs in place of its values.
func (l *listing) showEdit(list *lines, t *typed, failure string) error {
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

// suggest loads the names the inputs of relations suggest.
func (l *listing) suggest(list *lines) error {
	f := &recordForm{p: l.p, act: l.act, rs: l.rs}
	for _, n := range l.view.Fields() {
		fi, ok := l.fields[n.Name()]
		if !ok || !fi.Relational() || fi.ReadonlyForUser || l.b.columnHidden(n, nil) || n.Attr("optional") == "hide" {
			continue
		}
		for _, r := range list.rows {
			if err := f.suggest(l.b, fi, n, r.scope(l.b.vars, l.b.vars)); err != nil {
				return err
			}
		}
	}
	return nil
}

// openEdit shows the list for typing, with an empty row when one is wanted.
func (l *listing) openEdit() error {
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

// newRow is an empty row with its defaults.
func (l *listing) newRow(key string) (*record, error) {
	fields, err := l.p.fieldsRead(l.act.Model, l.view.FieldNames())
	if err != nil {
		return nil, err
	}
	given, err := l.p.defaultsOf(l.rs, fields)
	if err != nil {
		return nil, err
	}
	return l.p.newLine(l.rs.Model, key, given), nil
}

// postEdit stores a typed list, or adds a row to it.
func (l *listing) postEdit(do string) error {
	p := l.p
	if ok, err := l.editable(); err != nil || !ok {
		return cmp.Or(err, orm.AccessErrorf("This list cannot be changed here."))
	}
	t, err := p.readTyped()
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
	cmds, err := p.lineChanges(t, l.rowsField(), rowsInput, ch)
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

// storeRows carries out what was typed, one row after another; at is the row
// being stored.
func (l *listing) storeRows(cmds []orm.Command, ch *changes, at *string) error {
	fresh := 0
	for _, c := range cmds {
		*at = fmt.Sprint(c.ID)
		rs := l.rs.Browse()
		if c.Op == orm.CmdUpdate {
			rs = l.rs.Browse(c.ID)
		}
		err := rs.CheckReferences(c.Values)
		if err != nil {
			return err
		}
		switch c.Op {
		case orm.CmdCreate:
			*at = ch.lines["rows"][fresh]
			fresh++
			_, err = l.rs.Create(c.Values)
		case orm.CmdUpdate:
			err = rs.Write(c.Values)
		case orm.CmdDelete:
			err = l.rs.Browse(c.ID).Unlink()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// againEdit shows a typed list once more.
func (l *listing) againEdit(t *typed, ch *changes, failure string) error {
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

// editURL is the list for typing; with fresh, an empty row is there.
func (l *listing) editURL(fresh bool) string {
	pl := place{path: l.p.at.path, params: l.q.values(l.p.at.params), up: l.p.at.up}
	pairs := []string{editParam, "1"}
	if fresh {
		pairs = append(pairs, "new", "1")
	}
	return pl.with(pairs...).URL()
}

// rowButton is a button of the rows of a list: pressed, it names its record.
type rowButton struct {
	*button
	Value string
}

// rowButtons are the buttons of one row, key naming the record in the form.
func (b *builder) rowButtons(root *view.Node, vars map[string]any, prefix string) []rowButton {
	var out []rowButton
	for i, n := range buttonsOf(root) {
		if !slices.Contains(root.Children, n) || !b.allowed(n) || b.truth(n.Attr("invisible"), vars) || b.truth(n.Attr("column_invisible"), b.vars) ||
			n.Attr("type") == "action" && !b.leads(n.Name()) {
			continue
		}
		bt := &button{Key: buttonKey(i+1, n), Label: n.Attr("string"), Title: n.Attr("title"), Confirm: n.Attr("confirm")}
		if bt.Label == "" {
			bt.Label = n.Attr("title")
		}
		if bt.Label == "" {
			bt.Label = strings.TrimSpace(n.InnerText())
		}
		if bt.Label == "" {
			bt.Label = n.Name()
		}
		out = append(out, rowButton{bt, prefix + bt.Key})
	}
	return out
}

// pressRow presses a button of a row: "12:3:action_retry".
func (l *listing) pressRow(arg string) (any, error) {
	id, key, _ := strings.Cut(arg, ":")
	n := findButton(l.view, key)
	if n == nil || toID(id) == 0 {
		return nil, orm.UserErrorf("The page is out of date. Load it again.")
	}
	return l.p.pressLine(n, l.rs.Browse(toID(id)), l.view)
}

// pressLine presses a button that stands in a list on one of its records.
func (p *page) pressLine(n *view.Node, rs orm.Records, v *view.View) (any, error) {
	if !p.nodeAllowed(n) {
		return nil, orm.AccessErrorf("This button is reserved to certain groups.")
	}
	recs, err := p.read(rs, v)
	if err != nil {
		return nil, err
	}
	return p.press(n, rs, recs[0].scope(p.vars(), nil))
}

// rowConfirm is the question a button of a row asks, "" for none.
func rowConfirm(v *view.View, arg string) string {
	_, key, _ := strings.Cut(arg, ":")
	if n := findButton(v, key); n != nil {
		return n.Attr("confirm")
	}
	return ""
}

// lineButton finds a button in the lines of a form: "line_ids:12:1:action_x".
func (f *recordForm) lineButton(arg string) (n *view.Node, list *view.View, rs orm.Records, err error) {
	name, rest, _ := strings.Cut(arg, ":")
	id, key, _ := strings.Cut(rest, ":")
	fi := f.rs.Model.Fields[name]
	stale := orm.UserErrorf("The page is out of date. Load it again.")
	if fi == nil || !fi.X2many() || toID(id) == 0 {
		return nil, nil, rs, stale
	}
	for _, at := range f.view.Fields() {
		if at.Name() != name {
			continue
		}
		if list, err = f.p.listOf(fi, at); err != nil || list == nil {
			return nil, nil, rs, err
		}
		if n = findButton(list, key); n != nil {
			return n, list, f.p.env.Model(fi.Comodel).Browse(toID(id)), nil
		}
	}
	return nil, nil, rs, stale
}

// pressedLine presses a button in the lines of a form.
func (f *recordForm) pressedLine(arg string) (any, error) {
	n, list, rs, err := f.lineButton(arg)
	if err != nil {
		return nil, err
	}
	return f.p.pressLine(n, rs, list)
}
