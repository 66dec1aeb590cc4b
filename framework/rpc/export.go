package rpc

import (
	"fmt"

	"fusionsoft.ca/fusion/framework/importexport"
	"fusionsoft.ca/fusion/framework/orm"
)

func metadata(c *call) (any, error) {
	rows, err := c.rs.ReadWire([]string{"create_uid", "create_date", "write_uid", "write_date"}, true)
	if err != nil {
		return nil, err
	}
	names, err := importexport.ExternalIDs(c.rs)
	for _, row := range rows {
		id, _ := row["id"].(int64)
		row["xmlid"], row["noupdate"] = false, false
		all := []any{}
		for _, n := range names[id] {
			all = append(all, map[string]any{"xmlid": n, "noupdate": false})
		}
		if len(all) > 0 {
			row["xmlid"] = names[id][0]
		}
		row["xmlids"] = all
	}
	return orEmpty(rows, err)
}

func externalIDs(c *call) (any, error) {
	names, err := importexport.ExternalIDs(c.rs)
	out := map[string]string{}
	for _, id := range c.rs.IDs {
		out[fmt.Sprint(id)] = ""
		if len(names[id]) > 0 {
			out[fmt.Sprint(id)] = names[id][0]
		}
	}
	return out, err
}

// baseURL is the address links to records begin with.
func baseURL(c *call) (any, error) {
	if c.rs.Len() > 1 {
		return nil, orm.ValueErrorf("Expected singleton or no record: %s", c.rs)
	}
	found, err := c.rs.Env.Sudo().Model("ir.config_parameter").Search(orm.Leaf("key", "=", "web.base.url"), orm.SearchOptions{Limit: 1})
	if err != nil || found.Len() == 0 {
		return false, err
	}
	return found.Value("value")
}

// exportData reads dotted paths as rows of texts and values.
func exportData(c *call) (any, error) {
	paths, err := c.names(0, "fields_to_export")
	if err != nil {
		return nil, err
	}
	if ok, err := mayExport(c.rs.Env); err != nil || !ok {
		if err == nil {
			err = orm.UserErrorf("You don't have the rights to export data. Please contact an Administrator.")
		}
		return nil, err
	}
	rows, err := importexport.Export(c.rs, paths)
	if rows == nil {
		rows = [][]any{}
	}
	return map[string]any{"datas": rows}, err
}

// mayExport reports whether the user may take data out in bulk. Where nobody
// defines the right, everybody has it.
func mayExport(env *orm.Env) (bool, error) {
	if env.Superuser() {
		return true, nil
	}
	if _, ok, err := env.FindRef("base.group_allow_export"); err != nil || !ok {
		return !ok, err
	}
	return env.InAnyGroup("base.group_allow_export", "base.group_system")
}

// load imports rows of texts.
func load(c *call) (any, error) {
	fields, err := c.names(0, "fields")
	if err != nil {
		return nil, err
	}
	data, ok := c.get(1, "data").([]any)
	if !ok {
		return nil, typeErrorf("data must be a list of rows")
	}
	rows := make([][]any, len(data))
	for i, r := range data {
		if rows[i], ok = r.([]any); !ok {
			return nil, typeErrorf("data must be a list of rows")
		}
	}
	done, err := importexport.Load(c.rs, fields, rows)
	if err != nil {
		return nil, err
	}
	messages := []any{}
	for _, m := range done.Messages {
		out := map[string]any{"type": m.Type, "message": m.Message, "record": m.Record, "rows": map[string]any{"from": m.From, "to": m.To}}
		if m.Field != "" {
			out["field"] = m.Field
		}
		messages = append(messages, out)
	}
	answer := map[string]any{"ids": false, "messages": messages, "nextrow": 0}
	if done.IDs != nil {
		answer["ids"] = done.IDs
	}
	return answer, nil
}
