package listing

import (
	"fmt"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/forms"
	"fusionsoft.ca/fusion/framework/web/render"
)

// A list whose view says editable is typed in as a whole: its rows are the
// lines of a form that belongs to no record.

// RowsInput names the lines.
const RowsInput = render.InputPrefix + "rows"

// RowsField stands for the field the lines would be in.
func (l *List) RowsField() *orm.Field {
	return &orm.Field{Name: "rows", Kind: orm.One2many, Comodel: l.Action.Model, Label: l.Action.Name, Stored: true}
}

// Editable reports whether the list may be typed in.
func (l *List) Editable() (bool, error) {
	can, err := l.Rights(l.Action.Model)
	return l.View.Root.Attr("editable") != "" && can.Write && l.View.Root.Flag("edit", true) && l.Flag("edit"), err
}

// EditRows reads the rows of the page the list is on.
func (l *List) EditRows() (*render.Lines, error) {
	if err := l.Sorted(); err != nil {
		return nil, err
	}
	d, _, _ := l.Search.Compile(l.Query)
	found, err := l.Records.Search(orm.And(l.Action.Domain, d), orm.SearchOptions{Limit: min(l.Action.Limit, render.MaxLines), Offset: (l.Query.Page - 1) * l.Action.Limit, Order: l.Order})
	if err != nil {
		return nil, err
	}
	return l.ReadLines(l.RowsField(), l.View, &view.Node{Tag: "field"}, found.IDs)
}

// Suggest loads the names the inputs of relations suggest.
func (l *List) Suggest(list *render.Lines) error {
	for _, n := range l.View.Fields() {
		fi, ok := l.Fields[n.Name()]
		if !ok || !fi.Relational() || fi.ReadonlyForUser || l.Builder.ColumnHidden(n, nil) || n.Attr("optional") == "hide" {
			continue
		}
		for _, r := range list.Rows {
			if err := l.Reader.Suggest(l.Builder, fi, n, r.Scope(l.Builder.Vars, l.Builder.Vars)); err != nil {
				return err
			}
		}
	}
	return nil
}

// NewRow is an empty row with its defaults.
func (l *List) NewRow(key string) (*render.Record, error) {
	fields, err := l.FieldsToRead(l.Action.Model, l.View.FieldNames())
	if err != nil {
		return nil, err
	}
	given, err := l.Defaults(l.Records, fields)
	if err != nil {
		return nil, err
	}
	return l.NewLine(l.Records.Model, key, given), nil
}

// StoreRows carries out what was typed, one row after another; at is the row
// being stored.
func (l *List) StoreRows(cmds []orm.Command, ch *forms.Changes, at *string) error {
	fresh := 0
	for _, c := range cmds {
		*at = fmt.Sprint(c.ID)
		rs := l.Records.Browse()
		if c.Op == orm.CmdUpdate {
			rs = l.Records.Browse(c.ID)
		}
		err := rs.CheckReferences(c.Values)
		if err != nil {
			return err
		}
		switch c.Op {
		case orm.CmdCreate:
			*at = ch.Lines["rows"][fresh]
			fresh++
			_, err = l.Records.Create(c.Values)
		case orm.CmdUpdate:
			err = rs.Write(c.Values)
		case orm.CmdDelete:
			err = l.Records.Browse(c.ID).Unlink()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// EditURL is the list for typing; with fresh, an empty row is there.
func (l *List) EditURL(fresh bool) string {
	pl := address.Address{Path: l.at.Path, Params: l.Query.Values(l.at.Params), Up: l.at.Up}
	pairs := []string{address.EditParam, "1"}
	if fresh {
		pairs = append(pairs, "new", "1")
	}
	return pl.With(pairs...).URL()
}
