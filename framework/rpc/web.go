package rpc

import (
	"fusionsoft.ca/fusion/framework/orm"
)

// The nested reads that Odoo's web client uses.

type spec = map[string]any

func (c *call) specification(i int) (spec, error) {
	m, ok := c.get(i, "specification").(map[string]any)
	if !ok {
		return nil, typeErrorf("specification must be an object of fields")
	}
	return m, nil
}

func webRead(c *call) (any, error) {
	sp, err := c.specification(0)
	if err != nil {
		return nil, err
	}
	return orEmpty(readSpec(c.rs, sp))
}

func webSave(c *call) (any, error) {
	vals, err := c.values(0, "vals")
	if err != nil {
		return nil, err
	}
	sp, err := c.specification(1)
	if err != nil {
		return nil, err
	}
	if err := c.rs.CheckReferences(vals); err != nil {
		return nil, err
	}
	if c.rs.Len() == 0 {
		if c.rs, err = c.rs.Create(vals); err != nil {
			return nil, err
		}
	} else if err := c.rs.Write(vals); err != nil {
		return nil, err
	}
	if next, err := number(c.get(2, "next_id")); err == nil && next > 0 {
		c.rs = c.rs.Browse(next)
	}
	return orEmpty(readSpec(c.rs.In(c.rs.Env.WithContext(map[string]any{"bin_size": true})), sp))
}

// readSpec reads fields and, where the specification nests, the fields of the
// records they point at; one read per level, not per record.
func readSpec(rs orm.Records, sp spec) ([]orm.Values, error) {
	names := make([]string, 0, len(sp))
	for n := range sp {
		names = append(names, n)
	}
	if len(names) == 0 || len(names) == 1 && names[0] == "id" {
		rows := make([]orm.Values, len(rs.IDs)) // nothing to read, so that nothing has to be there
		for i, id := range rs.IDs {
			rows[i] = orm.Values{"id": id}
		}
		return rows, nil
	}
	rows, err := rs.ReadWire(names, false)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f := rs.Model.Fields[name]
		sub, _ := sp[name].(map[string]any)
		if f == nil || len(sub) == 0 {
			continue
		}
		fields, ok := sub["fields"].(map[string]any)
		if sub["fields"] != nil && !ok {
			return nil, typeErrorf("the fields of %s in the specification must be an object", name)
		}
		switch {
		case f.X2many():
			err = nestLines(rs, f, fields, sub, rows)
		case f.Kind == orm.Many2one && fields != nil:
			err = nestRef(rs, f, fields, sub, rows)
		}
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// within is the model of a relation, seen with the context the specification
// asks for.
func within(rs orm.Records, f *orm.Field, sub spec) (orm.Records, error) {
	env := rs.Env
	if keys, ok := sub["context"].(map[string]any); ok {
		var err error
		if env, err = fromClient(env, keys); err != nil {
			return rs, err
		}
	}
	return env.Model(f.Comodel), nil
}

// nestRef replaces the ids of a many2one by the fields of the records. Their
// names are shown to who may see the record that points at them.
func nestRef(rs orm.Records, f *orm.Field, fields, sub spec, rows []orm.Values) error {
	seen := map[int64]bool{}
	var ids []int64
	for _, row := range rows {
		if id, ok := row[f.Name].(int64); ok && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	co, err := within(rs, f, sub)
	if err != nil {
		return err
	}
	co = co.Browse(ids...)
	byID := make(map[int64]orm.Values, len(ids))
	for _, id := range ids {
		byID[id] = orm.Values{"id": id}
	}
	rest := spec{}
	for k, v := range fields {
		if k != "id" && k != "display_name" {
			rest[k] = v
		}
	}
	if len(rest) > 0 {
		read, err := readSpec(co, rest)
		if err != nil {
			return err
		}
		for _, r := range read {
			id, _ := r["id"].(int64)
			byID[id] = r
		}
	}
	if _, wanted := fields["display_name"]; wanted {
		names, err := co.In(co.Env.Sudo()).DisplayNames()
		if err != nil {
			return err
		}
		for id, name := range names {
			byID[id]["display_name"] = name
		}
	}
	for _, row := range rows {
		if id, ok := row[f.Name].(int64); ok {
			row[f.Name] = byID[id]
		}
	}
	return nil
}

// nestLines replaces the ids of a list by the fields of the records, of the
// first ones only when there is a limit, in the order asked for.
func nestLines(rs orm.Records, f *orm.Field, fields, sub spec, rows []orm.Values) error {
	co, err := within(rs, f, sub)
	if err != nil {
		return err
	}
	var all []int64
	seen := map[int64]bool{}
	for _, row := range rows {
		for _, id := range listed(row[f.Name]) {
			if !seen[id] {
				seen[id] = true
				all = append(all, id)
			}
		}
	}
	if order, ok := sub["order"].(string); ok && order != "" && len(all) > 0 {
		found, err := rs.Env.Model(f.Comodel).Search(orm.Leaf("id", "in", all), orm.SearchOptions{Order: order})
		if err != nil {
			return err
		}
		for _, row := range rows {
			mine := map[int64]bool{}
			for _, id := range listed(row[f.Name]) {
				mine[id] = true
			}
			ids := []int64{}
			for _, id := range found.IDs {
				if mine[id] {
					ids = append(ids, id)
				}
			}
			row[f.Name] = ids
		}
	}
	if fields == nil {
		return nil
	}
	limit := -1
	if n, err := number(sub["limit"]); err == nil && n >= 0 {
		limit = int(n)
	}
	clear(seen)
	var ids []int64
	for _, row := range rows {
		for i, id := range listed(row[f.Name]) {
			if (limit < 0 || i < limit) && !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	read, err := readSpec(co.Browse(ids...), fields)
	if err != nil {
		return err
	}
	byID := map[int64]orm.Values{}
	for _, r := range read {
		id, _ := r["id"].(int64)
		byID[id] = r
	}
	for _, row := range rows {
		list := []orm.Values{}
		for _, id := range listed(row[f.Name]) {
			if r := byID[id]; r != nil {
				list = append(list, r)
			} else {
				list = append(list, orm.Values{"id": id})
			}
		}
		row[f.Name] = list
	}
	return nil
}

func listed(v any) []int64 {
	ids, _ := v.([]int64)
	return ids
}

func webSearchRead(c *call) (any, error) {
	d, err := c.conditions(0, "domain")
	if err != nil {
		return nil, err
	}
	sp, err := c.specification(1)
	if err != nil {
		return nil, err
	}
	o, err := options(c, 2, 3, 4)
	if err != nil {
		return nil, err
	}
	found, err := c.rs.Search(d, o)
	if err != nil {
		return nil, err
	}
	rows, err := readSpec(found, sp)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return map[string]any{"length": 0, "records": []any{}}, nil
	}
	most, err := c.window(5, "count_limit")
	if err != nil {
		return nil, err
	}
	length := len(rows) + o.Offset
	full := len(rows) == o.Limit && (most == 0 || most > length)
	if o.Limit > 0 && (full || c.rs.Env.Flag("force_search_count", false)) {
		if length, err = c.rs.SearchCount(d, most); err != nil {
			return nil, err
		}
	}
	return map[string]any{"length": length, "records": rows}, nil
}
