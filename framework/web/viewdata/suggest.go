package viewdata

import (
	"fmt"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
)

// Offer finds the records that statusbars, checkboxes and text suggestions
// offer.
func (rd *Reader) Offer(b *render.Builder, v *view.View, rec *render.Record) error {
	fields, err := rd.Fields(rec.Model.Name)
	if err != nil {
		return err
	}
	vars := rec.Scope(b.Vars, nil)
	for _, n := range v.Fields() {
		fi, ok := fields[n.Name()]
		if !ok || !rd.Allowed(n) {
			continue
		}
		widget := n.Attr("widget")
		switch {
		case fi.Kind == orm.Selection && len(fi.Options) == 0:
			if b.Options[fi.Name], err = rd.openOptions(fi.Field); err != nil {
				return err
			}
		case widget == "statusbar" && fi.Kind == orm.Many2one, b.Edit && widget == "many2many_checkboxes":
			found, err := rd.Candidates(fi.Comodel, b.RefDomain(fi, n, vars), 200)
			if err != nil {
				return err
			}
			list := []render.Choice{}
			for _, c := range found {
				list = append(list, render.Choice{Value: fmt.Sprint(c.ID), Label: c.Name})
			}
			b.Options[fi.Name] = list
		case b.Edit && fi.Relational() && !b.Truth(n.Attr("readonly"), vars) && !b.Truth(n.Attr("invisible"), vars):
			if err := rd.Suggest(b, fi, n, vars); err != nil {
				return err
			}
			if fi.Kind == orm.One2many {
				if err := rd.suggestLines(b, rec, fi, n, vars); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// openOptions are the values of a selection that is not written in code: the
// languages of the database, or time zones.
func (rd *Reader) openOptions(f *orm.Field) ([]render.Choice, error) {
	switch f.Name {
	case "lang":
		return rd.Languages()
	case "tz":
		var out []render.Choice
		for _, z := range Zones() {
			out = append(out, render.Choice{Value: z, Label: z})
		}
		return out, nil
	}
	return nil, nil
}

// Suggest loads the names an input without JavaScript suggests.
func (rd *Reader) Suggest(b *render.Builder, fi render.Field, n *view.Node, vars map[string]any) error {
	if fi.Kind == orm.One2many {
		return nil
	}
	domain := b.RefDomain(fi, n, vars)
	key := render.ListKey(fi.Comodel, domain)
	if _, known := b.Lists[key]; known || len(b.Lists) >= 40 {
		return nil
	}
	found, err := rd.Candidates(fi.Comodel, domain, 60)
	if err != nil {
		return err
	}
	list := render.DataList{ID: fmt.Sprintf("names-%d", len(b.Lists)+1)}
	for _, c := range found {
		list.Names = append(list.Names, c.Name)
	}
	b.Lists[key] = list
	return nil
}

// suggestLines does so for the columns of the lines that are there.
func (rd *Reader) suggestLines(b *render.Builder, rec *render.Record, fi render.Field, n *view.Node, vars map[string]any) error {
	list := rec.Lists[fi.Name]
	if list == nil || list.Denied || len(list.Rows) == 0 {
		return nil
	}
	fields, err := rd.Fields(fi.Comodel)
	if err != nil {
		return err
	}
	for _, r := range list.Rows {
		lineVars := r.Scope(b.Vars, vars)
		for _, k := range list.View.Fields() {
			cf, ok := fields[k.Name()]
			if ok && cf.Kind == orm.Many2one && !cf.ReadonlyForUser && !b.ColumnHidden(k, vars) && !b.Truth(k.Attr("readonly"), lineVars) && k.Attr("optional") != "hide" {
				if err := rd.Suggest(b, cf, k, lineVars); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Candidates are records a relation may take, none when the user may not read
// them.
func (rd *Reader) Candidates(model, domain string, limit int) ([]orm.NamedID, error) {
	can, err := rd.Rights(model)
	if err != nil || !can.Read {
		return nil, err
	}
	var v any
	if err := convert.DecodeJSON(domain, &v); err != nil {
		return nil, err
	}
	d, err := orm.ToDomain(convert.Expr(v))
	if err != nil {
		return nil, err
	}
	found, err := rd.Env().Model(model).NameSearch("", d, "ilike", limit)
	if orm.CodeOf(err) != "" {
		return nil, nil // a domain over a field the user may not see
	}
	return found, err
}
