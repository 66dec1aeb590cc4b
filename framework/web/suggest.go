package web

import (
	"fmt"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// offers finds the records that statusbars, checkboxes and text suggestions
// offer.
func (rd *reader) offers(b *builder, v *view.View, rec *record) error {
	fields, err := rd.fieldsOf(rec.model.Name)
	if err != nil {
		return err
	}
	vars := rec.scope(b.vars, nil)
	for _, n := range v.Fields() {
		fi, ok := fields[n.Name()]
		if !ok || !rd.nodeAllowed(n) {
			continue
		}
		widget := n.Attr("widget")
		switch {
		case fi.Kind == orm.Selection && len(fi.Options) == 0:
			if b.options[fi.Name], err = rd.openOptions(fi.Field); err != nil {
				return err
			}
		case widget == "statusbar" && fi.Kind == orm.Many2one, b.edit && widget == "many2many_checkboxes":
			found, err := rd.candidates(fi.Comodel, b.refDomain(fi, n, vars), 200)
			if err != nil {
				return err
			}
			list := []choice{}
			for _, c := range found {
				list = append(list, choice{fmt.Sprint(c.ID), c.Name})
			}
			b.options[fi.Name] = list
		case b.edit && fi.Relational() && !b.truth(n.Attr("readonly"), vars) && !b.truth(n.Attr("invisible"), vars):
			if err := rd.suggest(b, fi, n, vars); err != nil {
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
func (rd *reader) openOptions(f *orm.Field) ([]choice, error) {
	switch f.Name {
	case "lang":
		return rd.languages()
	case "tz":
		var out []choice
		for _, z := range zones() {
			out = append(out, choice{z, z})
		}
		return out, nil
	}
	return nil, nil
}

// suggest loads the names an input without JavaScript suggests.
func (rd *reader) suggest(b *builder, fi fieldInfo, n *view.Node, vars map[string]any) error {
	if fi.Kind == orm.One2many {
		return nil
	}
	domain := b.refDomain(fi, n, vars)
	key := listKey(fi.Comodel, domain)
	if _, known := b.lists[key]; known || len(b.lists) >= 40 {
		return nil
	}
	found, err := rd.candidates(fi.Comodel, domain, 60)
	if err != nil {
		return err
	}
	list := dataList{ID: fmt.Sprintf("names-%d", len(b.lists)+1)}
	for _, c := range found {
		list.Names = append(list.Names, c.Name)
	}
	b.lists[key] = list
	return nil
}

// suggestLines does so for the columns of the lines that are there.
func (rd *reader) suggestLines(b *builder, rec *record, fi fieldInfo, n *view.Node, vars map[string]any) error {
	list := rec.lists[fi.Name]
	if list == nil || list.denied || len(list.rows) == 0 {
		return nil
	}
	fields, err := rd.fieldsOf(fi.Comodel)
	if err != nil {
		return err
	}
	for _, r := range list.rows {
		lineVars := r.scope(b.vars, vars)
		for _, k := range list.view.Fields() {
			cf, ok := fields[k.Name()]
			if ok && cf.Kind == orm.Many2one && !cf.ReadonlyForUser && !b.columnHidden(k, vars) && !b.truth(k.Attr("readonly"), lineVars) && k.Attr("optional") != "hide" {
				if err := rd.suggest(b, cf, k, lineVars); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// candidates are records a relation may take, none when the user may not read
// them.
func (rd *reader) candidates(model, domain string, limit int) ([]orm.NamedID, error) {
	can, err := rd.rights(model)
	if err != nil || !can.Read {
		return nil, err
	}
	var v any
	if err := decodeJSON(domain, &v); err != nil {
		return nil, err
	}
	d, err := orm.ToDomain(exprValue(v))
	if err != nil {
		return nil, err
	}
	found, err := rd.env.Model(model).NameSearch("", d, "ilike", limit)
	if orm.CodeOf(err) != "" {
		return nil, nil // a domain over a field the user may not see
	}
	return found, err
}
