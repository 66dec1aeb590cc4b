package rpc

import (
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// grouping is what a classic read_group was asked for.
type grouping struct {
	domain orm.Domain
	by     []string // the group-bys of this read
	later  []string // those left to the reads of each group
	aggs   []named
	order  string
	limit  int
	offset int
	count  string // the name of the number of records
}

// named is an aggregate under the name it is answered by.
type named struct{ name, spec string }

var aggregateSpec = regexp.MustCompile(`^(\w+)(?::(\w+)(?:\((\w+)\))?)?$`)

// grouping takes the arguments of read_group apart: "field", "field:function"
// and "name:function(field)" are aggregates; a bare field has its own function,
// or none.
func (c *call) grouping(limit, offset int) (*grouping, error) {
	domain, err := c.conditions(0, "domain")
	if err != nil {
		return nil, err
	}
	fields, err := c.fieldNames(1, "fields")
	if err != nil {
		return nil, err
	}
	by, err := c.names(2, "groupby")
	if err != nil {
		return nil, err
	}
	g := &grouping{domain: domain, by: by, count: "__count"}
	if g.limit, err = c.window(limit, "limit"); err != nil {
		return nil, err
	}
	if g.offset, err = c.window(offset, "offset"); err != nil {
		return nil, err
	}
	if lazy := c.get(6, "lazy"); (lazy == nil || lazy == true) && len(by) > 0 {
		g.by, g.later = by[:1], by[1:]
		name, _, _ := strings.Cut(by[0], ":")
		g.count = name + "_count"
	}
	for _, spec := range fields {
		if spec == "__count" {
			continue
		}
		m := aggregateSpec.FindStringSubmatch(spec)
		if m == nil {
			return nil, orm.ValueErrorf("Invalid field specification '%s'.", spec)
		}
		name, fn, field := m[1], m[2], m[3]
		switch {
		case field != "":
			g.aggs = append(g.aggs, named{name, field + ":" + fn})
		case fn != "":
			g.aggs = append(g.aggs, named{name, name + ":" + fn})
		default:
			f := c.rs.Model.Fields[name]
			if f == nil {
				return nil, orm.ValueErrorf("Invalid field '%s' on model '%s'", name, c.rs.Model.Name)
			}
			if f.Aggregator != "" && (f.Stored || f.Inherited()) && !slices.Contains(g.by, name) {
				g.aggs = append(g.aggs, named{name, name + ":" + f.Aggregator})
			}
		}
	}
	g.order = g.orderOf(c.rs.Model, c.text(5, "orderby", ""))
	return g, nil
}

// orderOf translates an order by names of the answer into one by group-bys and
// aggregates.
func (g *grouping) orderOf(m *orm.Model, order string) string {
	if order == "" {
		return ""
	}
	terms := strings.Split(order, ",")
	for i, t := range terms {
		t = strings.TrimSpace(t)
		name, rest, _ := strings.Cut(t, " ")
		bare, _, _ := strings.Cut(name, ":")
		spec := name
		for _, b := range g.by {
			if field, _, _ := strings.Cut(b, ":"); field == bare {
				spec = b
			}
		}
		if spec == name && !slices.Contains(g.by, name) {
			if name == g.count {
				spec = "__count"
			}
			for _, a := range g.aggs {
				if a.name == bare {
					spec = a.spec
				}
			}
		}
		terms[i] = strings.TrimSpace(spec + " " + rest)
	}
	return strings.Join(terms, ",")
}

func readGroup(c *call) (any, error) {
	g, err := c.grouping(4, 3)
	if err != nil {
		return nil, err
	}
	return g.run(c.rs)
}

// run reads the groups and answers them as clients expect them.
func (g *grouping) run(rs orm.Records) ([]map[string]any, error) {
	specs := make([]string, len(g.aggs))
	for i, a := range g.aggs {
		specs[i] = a.spec
	}
	groups, err := rs.ReadGroup(g.domain, g.by, specs, orm.GroupOptions{Limit: g.limit, Offset: g.offset, Order: g.order})
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, gr := range groups {
		row := map[string]any{"__domain": gr.Domain, g.count: gr.Count}
		if len(g.by) == 0 {
			row["__domain"] = g.domain
			if g.domain == nil {
				row["__domain"] = []any{}
			}
		}
		for i, b := range g.by {
			row[b] = gr.Keys[i]
		}
		for _, a := range g.aggs {
			row[a.name] = aggregateWire(rs.Model, a.spec, gr.Values[a.spec])
		}
		if len(g.later) > 0 {
			row["__context"] = map[string]any{"group_by": g.later}
		}
		out = append(out, row)
	}
	for _, b := range g.by {
		if err := labelKeys(rs, b, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// aggregateWire is an aggregate as clients expect it; of no values there is none.
func aggregateWire(m *orm.Model, spec string, v any) any {
	if v == nil {
		return false
	}
	name, _, _ := strings.Cut(spec, ":")
	if f := m.Fields[name]; f != nil {
		return f.Wire(v)
	}
	return v
}

// labelKeys turns keys into what clients show: [id, name], "May 2026".
func labelKeys(rs orm.Records, by string, rows []map[string]any) error {
	name, gran, _ := strings.Cut(by, ":")
	f := rs.Model.Fields[name]
	if f.Kind == orm.Many2one || f.Kind == orm.Many2many || name == "id" {
		model := f.Comodel
		if name == "id" {
			model = rs.Model.Name
		}
		var ids []int64
		for _, row := range rows {
			if id, ok := row[by].(int64); ok {
				ids = append(ids, id)
			}
		}
		names, err := rs.Env.Sudo().Model(model).Browse(ids...).DisplayNames()
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
			label, err := periodLabel(rs.Env, v[0], gran, f.Kind)
			if err != nil {
				return err
			}
			setRange(row, by, map[string]any{"from": v[0], "to": v[1]})
			row[by] = label
		case nil:
			row[by] = false
			if (f.Kind == orm.DateKind || f.Kind == orm.DatetimeKind) && !strings.Contains(gran, "_") {
				setRange(row, by, false)
			}
		default:
			row[by] = f.Wire(v)
		}
	}
	return nil
}

func setRange(row map[string]any, by string, v any) {
	all, _ := row["__range"].(map[string]any)
	if all == nil {
		all = map[string]any{}
		row["__range"] = all
	}
	all[by] = v
}

// formatted is what formatted_read_group was asked for.
type formatted struct {
	domain orm.Domain
	by     []string
	aggs   []string
	orm.GroupOptions
}

func formattedReadGroup(c *call) (any, error) {
	var f formatted
	var err error
	if f.domain, err = c.conditions(0, "domain"); err != nil {
		return nil, err
	}
	if f.by, err = c.names(1, "groupby"); err != nil {
		return nil, err
	}
	if f.aggs, err = c.names(2, "aggregates"); err != nil {
		return nil, err
	}
	if having := c.get(3, "having"); having != nil {
		if list, ok := having.([]any); !ok || len(list) > 0 {
			return nil, orm.UserErrorf("formatted_read_group cannot filter groups by their aggregates (having) yet; filter them at the client.")
		}
	}
	o, err := options(c, 4, 5, 6)
	if err != nil {
		return nil, err
	}
	f.GroupOptions = orm.GroupOptions(o)
	return f.run(c.rs)
}

// run reads the groups. Each carries the condition that selects it besides the
// search's own.
func (f *formatted) run(rs orm.Records) ([]map[string]any, error) {
	for _, by := range f.by {
		name, gran, _ := strings.Cut(by, ":")
		if field := rs.Model.Fields[name]; field != nil && gran == "" && (field.Kind == orm.DateKind || field.Kind == orm.DatetimeKind) {
			return nil, orm.ValueErrorf("Granularity not set on a date(time) field or property: '%s'", by)
		}
	}
	groups, err := rs.ReadGroup(f.domain, f.by, f.aggs, f.GroupOptions)
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, gr := range groups {
		row := map[string]any{"__extra_domain": gr.Extra}
		for i, b := range f.by {
			row[b] = gr.Keys[i]
		}
		for _, a := range f.aggs {
			row[a] = aggregateWire(rs.Model, a, gr.Values[a])
		}
		out = append(out, row)
	}
	for _, b := range f.by {
		if err := formatKeys(rs, b, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// formatKeys is labelKeys for formatted_read_group: dates are [first day,
// label] and have no range of their own.
func formatKeys(rs orm.Records, by string, rows []map[string]any) error {
	first := make([]any, len(rows))
	for i, row := range rows {
		if v, ok := row[by].([]string); ok {
			first[i] = v[0]
		}
	}
	if err := labelKeys(rs, by, rows); err != nil {
		return err
	}
	for i, row := range rows {
		delete(row, "__range")
		if first[i] != nil {
			row[by] = []any{first[i], row[by]}
		}
	}
	return nil
}
