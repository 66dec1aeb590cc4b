package rpc

import (
	"fmt"
	"strings"

	"fusion/framework/orm"
)

// exportData reads dotted paths as rows of texts and values.
func exportData(c *call) (any, error) {
	paths, err := c.names(0, "fields_to_export")
	if err != nil {
		return nil, err
	}
	rows := [][]any{}
	for _, id := range c.rs.IDs {
		row := make([]any, len(paths))
		for i, p := range paths {
			if row[i], err = exportValue(c.rs.Browse(id), strings.Split(strings.ReplaceAll(p, "/", "."), ".")); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return map[string]any{"datas": rows}, nil
}

func exportValue(rs orm.Records, path []string) (any, error) {
	if rs.Len() == 0 {
		return "", nil
	}
	name := path[0]
	if name == "id" {
		xml, err := xmlids(rs)
		if list := xml[rs.ID()]; len(list) > 0 {
			return list[0], err
		}
		return "", err
	}
	if name == ".id" {
		return fmt.Sprint(rs.ID()), nil
	}
	v, err := rs.Value(name)
	if err != nil {
		return nil, err
	}
	f := rs.Model.Fields[name]
	switch {
	case f.Kind == orm.Many2one:
		id, _ := v.(int64)
		if id == 0 {
			return "", nil
		}
		co := rs.Env.Model(f.Comodel).Browse(id)
		if len(path) > 1 {
			return exportValue(co, path[1:])
		}
		names, err := co.DisplayNames()
		return names[id], err
	case f.X2many():
		ids, _ := v.([]int64)
		co := rs.Env.Model(f.Comodel)
		if len(path) > 1 {
			if len(ids) == 0 {
				return "", nil
			}
			return exportValue(co.Browse(ids[0]), path[1:])
		}
		names, err := co.Browse(ids...).DisplayNames()
		var parts []string
		for _, id := range ids {
			parts = append(parts, names[id])
		}
		return strings.Join(parts, ","), err
	case f.Kind == orm.Selection:
		s, _ := v.(string)
		return f.OptionLabel(s), nil
	}
	w := f.Wire(v)
	if w == false && f.Kind != orm.Boolean {
		return "", nil
	}
	return w, nil
}
