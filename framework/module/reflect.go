package module

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// mirror writes the registry into ir.model and ir.model.fields, so that
// access rights, crons and people can refer to models and fields by record.
type mirror struct {
	ids *idIndex
	// last holds what was written for a key, as JSON; unknown rows are
	// written again.
	last map[string]string
	// prune deletes what the registry no longer has.
	prune bool
	// report is told of tables that no model uses any more.
	report func(string)
}

// mirrored is one model that mirrors the registry.
type mirrored struct {
	model string
	key   []string // fields that identify a record
	rows  []mirrorRow
}

type mirrorRow struct {
	vals  map[string]any
	xmlid []string // external ids, qualified
}

// modelID is the name part of a model's external id, as Odoo forms it.
func modelID(model string) string { return "model_" + strings.ReplaceAll(model, ".", "_") }

func fieldID(model, field string) string {
	return "field_" + strings.ReplaceAll(model, ".", "_") + "__" + field
}

// run brings the mirror of a registry up to date. order lists the addons.
func (mi *mirror) run(env *orm.Env, reg *orm.Registry, order []Addon) error {
	models, modelRows := reflectModels(reg, order)
	ids, err := mi.sync(env, mirrored{"ir.model", []string{"model"}, modelRows})
	if err != nil {
		return err
	}
	_, err = mi.sync(env, mirrored{"ir.model.fields", []string{"model", "name"}, reflectFields(models, order, ids)})
	return err
}

// modelOwners lists, by model, the addons whose external id it gets: the one
// that defines it and those that extend it.
func modelOwners(m *orm.Model, pos map[string]int) []string {
	var out []string
	for _, a := range m.Addons {
		if a == m.Addon || pos[a] > pos[m.Addon] { // earlier ones only lend a mixin
			out = append(out, a)
		}
	}
	return out
}

func fieldOwner(f *orm.Field, pos map[string]int) string {
	if f.Addon != "" && pos[f.Addon] > pos[f.Model.Addon] {
		return f.Addon
	}
	return f.Model.Addon
}

func positions(order []Addon) map[string]int {
	pos := map[string]int{}
	for i, a := range order {
		pos[a.Name] = i
	}
	return pos
}

func reflectModels(r *orm.Registry, order []Addon) ([]*orm.Model, []mirrorRow) {
	pos := positions(order)
	models := r.Models()
	rows := make([]mirrorRow, len(models))
	for i, m := range models {
		row := mirrorRow{vals: map[string]any{"model": m.Name, "name": m.Label, "state": "base", "transient": m.Transient,
			"abstract": m.Abstract, "order": m.Order, "rec_name": m.RecName, "modules": strings.Join(m.Addons, ", ")}}
		for _, a := range modelOwners(m, pos) {
			row.xmlid = append(row.xmlid, a+"."+modelID(m.Name))
		}
		rows[i] = row
	}
	return models, rows
}

func reflectFields(models []*orm.Model, order []Addon, ids map[string]int64) []mirrorRow {
	pos := positions(order)
	var rows []mirrorRow
	for _, m := range models {
		for _, name := range m.FieldNames() {
			f := m.Fields[name]
			ttype := f.Kind
			if ttype == orm.SecretKind {
				ttype = orm.Char
			}
			row := mirrorRow{vals: map[string]any{"model": m.Name, "name": name, "model_id": ids[m.Name], "field_description": f.Label,
				"help": f.Help, "ttype": string(ttype), "state": "base", "required": f.Required, "readonly": f.Readonly, "store": f.Stored,
				"index": f.Index != "", "copied": f.Copy, "translate": f.Translate, "relation": f.Comodel, "relation_field": f.Inverse,
				"relation_table": f.RelTable, "column1": f.RelCol, "column2": f.RelCocol, "related": strings.Join(f.Related, "."),
				"size": f.Size, "on_delete": "", "domain": f.Domain, "groups": "", "selectable": true, "company_dependent": false}}
			if f.Kind == orm.Many2one {
				row.vals["on_delete"] = f.OnDelete
			}
			row.xmlid = []string{fieldOwner(f, pos) + "." + fieldID(m.Name, name)}
			rows = append(rows, row)
		}
	}
	return rows
}

// sync inserts, updates and deletes the rows of a mirrored model, in bulk and
// below the ORM, and returns their ids by key.
func (mi *mirror) sync(env *orm.Env, t mirrored) (map[string]int64, error) {
	m, ok := env.Registry().Model(t.model)
	if !ok {
		return nil, fmt.Errorf("no addon defines %s, which the framework keeps its models in", t.model)
	}
	var cols []string
	for _, name := range slices.Sorted(maps.Keys(t.rows[0].vals)) {
		if f := m.Fields[name]; f != nil && f.Stored && !f.X2many() {
			cols = append(cols, name)
		}
	}
	keyOf := func(parts ...string) string { return strings.Join(parts, " ") }
	have := map[string]int64{}
	look := func() error {
		type row struct {
			ID  int64
			Key []string
		}
		rows, err := orm.Rows[row](env, orm.Script("SELECT id, ARRAY["+strings.Join(quoted(t.key), "::text, ")+"::text] AS key FROM "+quoteIdent(m.Table)).Reads(m.Name))
		for _, r := range rows {
			have[keyOf(r.Key...)] = r.ID
		}
		return err
	}
	if err := look(); err != nil {
		return nil, err
	}
	known := maps.Clone(have)
	var inserts, updates []map[string]any
	keys := make([]string, len(t.rows))
	for i, row := range t.rows {
		parts := make([]string, len(t.key))
		for j, k := range t.key {
			parts[j] = row.vals[k].(string)
		}
		keys[i] = keyOf(parts...)
		doc := map[string]any{}
		for _, c := range cols {
			doc[c] = columnValue(m.Fields[c], row.vals[c])
		}
		text, err := json.Marshal(doc)
		if err != nil {
			return nil, err
		}
		memo := t.model + " " + keys[i]
		id, there := have[keys[i]]
		switch {
		case !there:
			inserts = append(inserts, doc)
		case mi.last[memo] != string(text):
			doc["id"] = id
			updates = append(updates, doc)
		}
		mi.last[memo] = string(text)
	}
	list := strings.Join(quoted(cols), ", ")
	record := recordset(m, cols)
	if len(inserts) > 0 {
		text, err := json.Marshal(inserts)
		if err != nil {
			return nil, err
		}
		_, err = env.Exec(orm.SQL("INSERT INTO "+quoteIdent(m.Table)+" ("+list+") SELECT "+list+" FROM jsonb_to_recordset(?::jsonb) AS t("+record+")", string(text)).Writes(m.Name))
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", t.model, err)
		}
	}
	if len(updates) > 0 {
		text, err := json.Marshal(updates)
		if err != nil {
			return nil, err
		}
		var sets []string
		for _, c := range quoted(cols) {
			sets = append(sets, c+" = t."+c)
		}
		_, err = env.Exec(orm.SQL("UPDATE "+quoteIdent(m.Table)+" AS o SET "+strings.Join(sets, ", ")+" FROM jsonb_to_recordset(?::jsonb) AS t(id bigint, "+record+") WHERE o.id = t.id", string(text)).Writes(m.Name, cols...))
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", t.model, err)
		}
	}
	if len(inserts) > 0 {
		if err := look(); err != nil {
			return nil, err
		}
	}
	for i, row := range t.rows {
		for _, full := range row.xmlid {
			if x := mi.ids.byName[full]; x != nil {
				x.used = true
				continue
			}
			mi.ids.add(full, t.model, have[keys[i]], false)
		}
	}
	if mi.prune {
		for _, k := range keys {
			delete(known, k)
		}
		if err := mi.drop(env, m, slices.Sorted(maps.Values(known))); err != nil {
			return nil, err
		}
	}
	return have, mi.ids.save(env)
}

// drop deletes rows of a mirrored model with their external ids.
func (mi *mirror) drop(env *orm.Env, m *orm.Model, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	if err := mi.leftovers(env, m, ids); err != nil {
		return err
	}
	if _, err := env.Exec(orm.SQL("DELETE FROM "+quoteIdent(m.Table)+" WHERE id = ANY(?)", ids).Writes(m.Name)); err != nil {
		return fmt.Errorf("deleting from %s: %w", m.Name, err)
	}
	return mi.ids.forget(env, m.Name, ids)
}

// leftovers tells of the tables that stay behind when models go.
func (mi *mirror) leftovers(env *orm.Env, m *orm.Model, ids []int64) error {
	if mi.report == nil || m.Name != "ir.model" {
		return nil
	}
	tables, err := orm.Rows[string](env, orm.SQL(`SELECT c.relname FROM ir_model m JOIN pg_class c ON c.relname = replace(m.model, '.', '_')
		AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace WHERE m.id = ANY(?) ORDER BY 1`, ids).Reads("ir.model"))
	for _, table := range tables {
		mi.report("table " + table + " is no longer used; drop it in a migration when its data is not needed")
	}
	return err
}

// columnValue is a value as its column wants it in JSON.
func columnValue(f *orm.Field, v any) any {
	switch x := v.(type) {
	case string:
		if x == "" {
			return nil
		}
		if f.Translate {
			return map[string]string{orm.DefaultLang: x}
		}
		if f.Kind == orm.Boolean {
			return x != ""
		}
	case int64:
		if x == 0 {
			return nil
		}
	}
	return v
}

// recordset declares columns for jsonb_to_recordset.
func recordset(m *orm.Model, cols []string) string {
	var out []string
	for _, c := range cols {
		typ := "text"
		switch f := m.Fields[c]; {
		case f.Translate:
			typ = "jsonb"
		case f.Kind == orm.Boolean:
			typ = "boolean"
		case f.Kind == orm.Integer || f.Kind == orm.Many2one:
			typ = "bigint"
		}
		out = append(out, quoteIdent(c)+" "+typ)
	}
	return strings.Join(out, ", ")
}

func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quoteIdent(n)
	}
	return out
}
