package rpc

import (
	"fmt"

	"fusionsoft.ca/fusion/framework/orm"
)

// Methods of all models that Odoo's web client calls.

// copyData are the values copies would be created with.
func copyData(c *call) (any, error) {
	over, err := c.values(0, "default")
	if err != nil {
		return nil, err
	}
	out := make([]orm.Values, c.rs.Len())
	for i, id := range c.rs.IDs {
		vals, err := c.rs.Browse(id).CopyData(over)
		if err != nil {
			return nil, err
		}
		if out[i], err = wireNested(c.rs, vals); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// wireNested is WireValues that goes into the values of new lines.
func wireNested(rs orm.Records, vals orm.Values) (orm.Values, error) {
	out, err := rs.WireValues(vals)
	if err != nil {
		return nil, err
	}
	for name, v := range out {
		cmds, ok := v.([]any)
		f := rs.Model.Fields[name]
		if !ok || f == nil || !f.X2many() {
			continue
		}
		for _, e := range cmds {
			cmd, _ := e.([]any)
			if len(cmd) < 3 {
				continue
			}
			if line, ok := cmd[2].(orm.Values); ok {
				if cmd[2], err = wireNested(rs.Env.Model(f.Comodel), line); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// readProgressBar counts the records of each column of a kanban board by the
// value of a field.
func readProgressBar(c *call) (any, error) {
	by := c.text(1, "group_by", "")
	bar, ok := c.get(2, "progress_bar").(map[string]any)
	field, _ := bar["field"].(string)
	colors, _ := bar["colors"].(map[string]any)
	if !ok || by == "" || field == "" {
		return nil, typeErrorf("read_progress_bar needs group_by, and progress_bar with field and colors")
	}
	domain, err := c.conditions(0, "domain")
	if err != nil {
		return nil, err
	}
	found, err := (&formatted{domain: domain, by: []string{by, field}, aggs: []string{"__count"}}).run(c.rs)
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]any{}
	for _, g := range found {
		key := columnKey(g[by])
		if out[key] == nil {
			out[key] = map[string]any{}
			for color := range colors {
				out[key][color] = 0
			}
		}
		value := fmt.Sprint(g[field])
		if _, wanted := out[key][value]; wanted {
			before, _ := number(out[key][value])
			more, _ := number(g["__count"])
			out[key][value] = before + more
		}
	}
	return out, nil
}

// columnKey names a column as Odoo does: by the id of a record, else by the
// value.
func columnKey(v any) string {
	if pair, ok := v.([]any); ok {
		v = pair[0]
	}
	return python(v)
}

// python writes a value as Python does.
func python(v any) string {
	switch x := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{false: "False", true: "True"}[x]
	}
	return fmt.Sprint(v)
}

// webNameSearch is name_search with fields of what it finds.
func webNameSearch(c *call) (any, error) {
	sp, err := c.specification(1)
	if err != nil {
		return nil, err
	}
	names := *c
	names.a = orm.Args{Pos: []any{c.get(0, "name"), c.get(2, "domain"), c.text(3, "operator", "ilike"), 100}, Kw: map[string]any{}}
	if c.has(4, "limit") {
		names.a.Pos[3] = c.get(4, "limit")
	}
	found, err := nameSearch(&names)
	if err != nil {
		return nil, err
	}
	rows := []orm.Values{}
	ids := []int64{}
	for _, pair := range found.([][]any) {
		id, _ := number(pair[0])
		ids, rows = append(ids, id), append(rows, orm.Values{"id": id, "display_name": pair[1]})
	}
	if _, only := sp["display_name"]; only && len(sp) == 1 {
		return rows, nil
	}
	return orEmpty(readSpec(c.rs.Browse(ids...), sp))
}

// fieldTranslations are the texts of a field in each language, and what kind of
// field it is.
func fieldTranslations(c *call) (any, error) {
	field := c.text(0, "field_name", "")
	if err := c.rs.One(); err != nil {
		return nil, err
	}
	f := c.rs.Model.Fields[field]
	if f == nil {
		return nil, orm.ValueErrorf("Invalid field '%s' on model '%s'", field, c.rs.Model.Name)
	}
	langs, err := c.names(1, "langs")
	if err == nil && len(langs) == 0 {
		langs, err = c.rs.Env.Languages()
	}
	if err != nil {
		return nil, err
	}
	in := func(lang string) (any, error) {
		env := c.rs.Env.WithContext(map[string]any{"lang": lang})
		if err := checkContext(env); err != nil {
			return nil, err
		}
		rows, err := c.rs.In(env).ReadWire([]string{field}, false)
		if err == nil && len(rows) == 0 {
			err = orm.MissingErrorf("The record does not exist, or has been deleted: %s", c.rs)
		}
		if err != nil {
			return nil, err
		}
		return rows[0][field], nil
	}
	source, err := in(orm.DefaultLang)
	if err != nil {
		return nil, err
	}
	texts := []any{}
	for _, lang := range langs {
		text, err := in(lang)
		if err != nil {
			return nil, err
		}
		texts = append(texts, map[string]any{"lang": lang, "source": source, "value": text})
	}
	kind := "char"
	if f.Kind == orm.Text || f.Kind == orm.HTML {
		kind = "text"
	}
	return []any{texts, map[string]any{"translation_type": kind, "translation_show_source": false}}, nil
}

func updateTranslations(c *call) (any, error) {
	texts, err := c.values(1, "translations")
	if err != nil {
		return nil, err
	}
	return c.rs.Translate(c.text(0, "field_name", ""), texts)
}

// overrideTranslations gives fields one text in all languages.
func overrideTranslations(c *call) (any, error) {
	vals, err := c.values(0, "values")
	if err != nil {
		return nil, err
	}
	langs, err := c.rs.Env.Languages()
	if err != nil {
		return nil, err
	}
	for name, v := range vals {
		texts := map[string]any{}
		for _, lang := range langs {
			texts[lang] = false
		}
		texts[orm.DefaultLang], texts[c.rs.Env.Lang()] = v, v
		if _, err := c.rs.Translate(name, texts); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// formviewAction opens the one record in a form.
func formviewAction(c *call) (any, error) {
	keys := c.rs.Env.Keys()
	if keys == nil {
		keys = map[string]any{}
	}
	return map[string]any{"type": "ir.actions.act_window", "res_model": c.rs.Model.Name, "res_id": c.rs.ID(),
		"views": []any{[]any{false, "form"}}, "target": "current", "context": keys}, nil
}
