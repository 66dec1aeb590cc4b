package web

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
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
	can, err := l.rights(l.act.Model)
	return l.view.Root.Attr("editable") != "" && can.Write && l.view.Root.Flag("edit", true) && l.flag("edit"), err
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
	return l.readLines(l.rowsField(), l.view, &view.Node{Tag: "field"}, found.IDs)
}

// suggest loads the names the inputs of relations suggest.
func (l *listing) suggest(list *lines) error {
	for _, n := range l.view.Fields() {
		fi, ok := l.fields[n.Name()]
		if !ok || !fi.Relational() || fi.ReadonlyForUser || l.b.columnHidden(n, nil) || n.Attr("optional") == "hide" {
			continue
		}
		for _, r := range list.rows {
			if err := l.actions.suggest(l.b, fi, n, r.scope(l.b.vars, l.b.vars)); err != nil {
				return err
			}
		}
	}
	return nil
}

// newRow is an empty row with its defaults.
func (l *listing) newRow(key string) (*record, error) {
	fields, err := l.fieldsRead(l.act.Model, l.view.FieldNames())
	if err != nil {
		return nil, err
	}
	given, err := l.defaultsOf(l.rs, fields)
	if err != nil {
		return nil, err
	}
	return l.newLine(l.rs.Model, key, given), nil
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

// editURL is the list for typing; with fresh, an empty row is there.
func (l *listing) editURL(fresh bool) string {
	pl := place{path: l.at.path, params: l.q.values(l.at.params), up: l.at.up}
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

// pressRow presses a button of a row: "12:3:action_retry".
func (l *listing) pressRow(arg string) (any, error) {
	id, key, _ := strings.Cut(arg, ":")
	n := findButton(l.view, key)
	if n == nil || toID(id) == 0 {
		return nil, orm.UserErrorf("The page is out of date. Load it again.")
	}
	return l.pressLine(n, l.rs.Browse(toID(id)), l.view)
}
