package rpc

import (
	"strconv"
	"strings"

	"fusion/framework/orm"
)

// The methods Odoo's web client uses: nested reads and grouped reads.

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
	if c.rs.Len() == 0 {
		if c.rs, err = c.rs.Create(vals); err != nil {
			return nil, err
		}
	} else if err := c.rs.Write(vals); err != nil {
		return nil, err
	}
	return orEmpty(readSpec(c.rs, sp))
}

// readSpec reads fields and, where the specification nests, the fields of the
// records they point at; one read per level, not per record.
func readSpec(rs orm.Records, sp spec) ([]orm.Values, error) {
	names := make([]string, 0, len(sp))
	for n := range sp {
		names = append(names, n)
	}
	if len(names) == 0 {
		names = []string{"id"}
	}
	rows, err := rs.ReadWire(names, false)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f := rs.Model.Fields[name]
		sub, _ := sp[name].(map[string]any)
		if f == nil || !f.Relational() || sub["fields"] == nil {
			continue
		}
		fields, ok := sub["fields"].(map[string]any)
		if !ok {
			return nil, typeErrorf("the fields of %s in the specification must be an object", name)
		}
		if err := nest(rs, f, fields, sub, rows); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func nest(rs orm.Records, f *orm.Field, fields, sub spec, rows []orm.Values) error {
	seen := map[int64]bool{}
	var ids []int64
	add := func(id int64) {
		if id != 0 && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	limit := 0
	if n, err := number(sub["limit"]); err == nil {
		limit = int(n)
	}
	for _, row := range rows {
		switch v := row[f.Name].(type) {
		case int64:
			add(v)
		case []int64:
			for i, id := range v {
				if limit == 0 || i < limit {
					add(id)
				}
			}
		}
	}
	env := rs.Env
	if keys, ok := sub["context"].(map[string]any); ok {
		env = env.WithContext(keys)
	}
	if f.Kind == orm.Many2one && onlyName(fields) {
		env = env.Sudo() // the name of a linked record is always shown
	}
	read, err := readSpec(env.Model(f.Comodel).Browse(ids...), fields)
	if err != nil {
		return err
	}
	byID := map[int64]orm.Values{}
	for i, id := range ids {
		byID[id] = read[i]
	}
	for _, row := range rows {
		switch v := row[f.Name].(type) {
		case int64:
			row[f.Name] = byID[v]
		case []int64:
			list := []orm.Values{}
			for _, id := range v {
				if r := byID[id]; r != nil {
					list = append(list, r)
				} else {
					list = append(list, orm.Values{"id": id})
				}
			}
			row[f.Name] = list
		}
	}
	return nil
}

func onlyName(fields spec) bool {
	for k := range fields {
		if k != "display_name" && k != "id" {
			return false
		}
	}
	return true
}

func webSearchRead(c *call) (any, error) {
	d, err := c.domain(0, "domain")
	if err != nil {
		return nil, err
	}
	sp, err := c.specification(1)
	if err != nil {
		return nil, err
	}
	o := options(c, 2, 3, 4)
	found, err := c.rs.Search(d, o)
	if err != nil {
		return nil, err
	}
	rows, err := readSpec(found, sp)
	if err != nil {
		return nil, err
	}
	length := len(rows) + o.Offset
	if o.Limit > 0 && (len(rows) == o.Limit || len(rows) == 0 && o.Offset > 0) {
		if length, err = c.rs.SearchCount(d, c.int(5, "count_limit")); err != nil {
			return nil, err
		}
	}
	records, err := orEmpty(rows, nil)
	return map[string]any{"length": length, "records": records}, err
}

// grouping is what a classic read_group was asked for.
type grouping struct {
	domain orm.Domain
	fields []string // as given
	aggs   []string // field:function
	by     []string
	opts   orm.GroupOptions
	lazy   bool
}

func (c *call) grouping() (*grouping, error) {
	g := &grouping{lazy: true}
	var err error
	if g.domain, err = c.domain(0, "domain"); err != nil {
		return nil, err
	}
	if g.fields, err = c.names(1, "fields"); err != nil {
		return nil, err
	}
	if g.by, err = c.names(2, "groupby"); err != nil {
		return nil, err
	}
	if v, ok := c.get(6, "lazy").(bool); ok {
		g.lazy = v
	}
	g.opts = orm.GroupOptions{Offset: c.int(3, "offset"), Limit: c.int(4, "limit"), Order: c.text(5, "orderby", "")}
	for _, spec := range g.fields {
		name, fn, _ := strings.Cut(spec, ":")
		f := c.rs.Model.Fields[name]
		if name == "__count" || f == nil && name == "" {
			continue
		}
		if f == nil {
			return nil, orm.ValueErrorf("Invalid field '%s' on model '%s'", name, c.rs.Model.Name)
		}
		if fn == "" {
			fn = f.Aggregator
		}
		if fn == "" || contains(g.by, name) {
			continue
		}
		g.aggs = append(g.aggs, name+":"+fn)
	}
	return g, nil
}

func contains(by []string, name string) bool {
	for _, b := range by {
		if n, _, _ := strings.Cut(b, ":"); n == name {
			return true
		}
	}
	return false
}

func readGroup(c *call) (any, error) {
	g, err := c.grouping()
	if err != nil {
		return nil, err
	}
	return runGroup(c.rs, g)
}

func runGroup(rs orm.Records, g *grouping) ([]map[string]any, error) {
	by, rest := g.by, []string{}
	if g.lazy && len(by) > 1 {
		by, rest = by[:1], by[1:]
	}
	groups, err := rs.ReadGroup(g.domain, by, g.aggs, g.opts)
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, gr := range groups {
		row := map[string]any{"__domain": gr.Domain}
		if len(by) == 0 {
			row["__domain"] = g.domain
		}
		for i, b := range by {
			row[b] = gr.Keys[i]
		}
		count := "__count"
		if g.lazy && len(by) == 1 {
			name, _, _ := strings.Cut(by[0], ":")
			count = name + "_count"
		}
		row[count] = gr.Count
		for spec, v := range gr.Values {
			name, fn, _ := strings.Cut(spec, ":")
			row[name] = aggWire(rs.Model.Fields[name], fn, v)
		}
		if len(rest) > 0 {
			row["__context"] = map[string]any{"group_by": rest}
		}
		out = append(out, row)
	}
	for _, b := range by {
		if err := labelKeys(rs, b, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func aggWire(f *orm.Field, fn string, v any) any {
	if v == nil {
		if fn == "sum" && f.Kind != orm.Boolean {
			return f.Wire(nil)
		}
		return false
	}
	return f.Wire(v)
}

// labelKeys turns keys into what clients show: [id, name], "May 2026".
func labelKeys(rs orm.Records, by string, rows []map[string]any) error {
	name, gran, _ := strings.Cut(by, ":")
	f := rs.Model.Fields[name]
	if f.Kind == orm.Many2one || f.Kind == orm.Many2many {
		var ids []int64
		for _, row := range rows {
			if id, ok := row[by].(int64); ok {
				ids = append(ids, id)
			}
		}
		names, err := rs.Env.Sudo().Model(f.Comodel).Browse(ids...).DisplayNames()
		if err != nil {
			return err
		}
		for _, row := range rows {
			if id, ok := row[by].(int64); ok {
				row[by] = []any{id, names[id]}
			} else {
				row[by] = false
			}
		}
		return nil
	}
	for _, row := range rows {
		switch v := row[by].(type) {
		case []string:
			rng, _ := row["__range"].(map[string]any)
			if rng == nil {
				rng = map[string]any{}
				row["__range"] = rng
			}
			rng[by] = map[string]any{"from": v[0], "to": v[1]}
			row[by] = periodLabel(rs.Env, v[0], gran, f.Kind)
		case nil:
			row[by] = false
			if f.Kind == orm.DateKind || f.Kind == orm.DatetimeKind {
				rng, _ := row["__range"].(map[string]any)
				if rng == nil {
					rng = map[string]any{}
					row["__range"] = rng
				}
				rng[by] = false
			}
		default:
			row[by] = f.Wire(v)
		}
	}
	return nil
}

func periodLabel(env *orm.Env, start, gran string, kind orm.Kind) string {
	d, err := orm.ParseDatetime(start)
	if err != nil {
		return start
	}
	t := d.Time()
	if kind == orm.DatetimeKind {
		t = t.In(env.Location())
	}
	switch gran {
	case "hour":
		return t.Format("15:00 02 Jan")
	case "day":
		return t.Format("02 Jan 2006")
	case "week":
		y, w := t.ISOWeek()
		return "W" + strconv.Itoa(w) + " " + strconv.Itoa(y)
	case "quarter":
		return "Q" + strconv.Itoa((int(t.Month())-1)/3+1) + " " + strconv.Itoa(t.Year())
	case "year":
		return strconv.Itoa(t.Year())
	}
	return t.Format("January 2006")
}

func webReadGroup(c *call) (any, error) {
	g, err := c.grouping()
	if err != nil {
		return nil, err
	}
	// the arguments after groupby differ from read_group's
	g.opts = orm.GroupOptions{Limit: c.int(3, "limit"), Offset: c.int(4, "offset"), Order: c.text(5, "orderby", "")}
	groups, err := runGroup(c.rs, g)
	if err != nil {
		return nil, err
	}
	length := len(groups) + g.opts.Offset
	if g.opts.Limit > 0 && len(groups) == g.opts.Limit {
		g.opts.Limit, g.opts.Offset = 0, 0
		all, err := runGroup(c.rs, g)
		if err != nil {
			return nil, err
		}
		length = len(all)
	}
	return map[string]any{"groups": groups, "length": length}, nil
}

func formattedReadGroup(c *call) (any, error) {
	d, err := c.domain(0, "domain")
	if err != nil {
		return nil, err
	}
	by, err := c.names(1, "groupby")
	if err != nil {
		return nil, err
	}
	aggs, err := c.names(2, "aggregates")
	if err != nil {
		return nil, err
	}
	groups, err := c.rs.ReadGroup(d, by, aggs, orm.GroupOptions{Offset: c.int(4, "offset"), Limit: c.int(5, "limit"), Order: c.text(6, "order", "")})
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, gr := range groups {
		row := map[string]any{"__extra_domain": gr.Domain}
		for i, b := range by {
			row[b] = gr.Keys[i]
		}
		for _, a := range aggs {
			if a == "__count" {
				row[a] = gr.Count
				continue
			}
			name, fn, _ := strings.Cut(a, ":")
			row[a] = aggWire(c.rs.Model.Fields[name], fn, gr.Values[a])
		}
		out = append(out, row)
	}
	for _, b := range by {
		if err := labelKeys(c.rs, b, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}
