package rpc

import (
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// web_read_group: the groups of a list or board, and what is in the open ones.

// openedAtOnce is how many groups of a level are opened without being asked for.
const openedAtOnce = 10

// levels is what web_read_group was asked for, at one of its levels.
type levels struct {
	rs     orm.Records
	by     []string // the group-bys of this level and of those below it
	aggs   []string
	order  []orderTerm
	unfold bool
	spec   spec // of the records in open groups; nil: none are read
	limit  int  // of records in an open group
}

// orderTerm is "name direction" of an order.
type orderTerm struct{ name, direction string }

var orderPattern = regexp.MustCompile(`(?i)^\s*([\w.:]+)((?:\s+(?:asc|desc))?(?:\s+nulls\s+(?:first|last))?)\s*$`)

func webReadGroup(c *call) (any, error) {
	domain, err := c.conditions(0, "domain")
	if err != nil {
		return nil, err
	}
	l := levels{rs: c.rs, unfold: c.get(6, "auto_unfold") == true, limit: 80}
	list, ok := c.get(1, "groupby").([]any)
	if !ok || len(list) == 0 {
		return nil, &orm.Error{Code: orm.CodeAssertion, Message: "groupby must be a list of at least one field"}
	}
	if l.by, err = c.names(1, "groupby"); err != nil {
		return nil, err
	}
	if l.aggs, err = c.names(2, "aggregates"); err != nil {
		return nil, err
	}
	if !slices.Contains(l.aggs, "__count") {
		l.aggs = append(l.aggs, "__count")
	}
	limit, err := c.window(3, "limit")
	if err != nil {
		return nil, err
	}
	offset, err := c.window(4, "offset")
	if err != nil {
		return nil, err
	}
	order := c.text(5, "order", "")
	for _, term := range strings.Split(order, ",") {
		if strings.TrimSpace(order) == "" {
			break
		}
		m := orderPattern.FindStringSubmatch(term)
		if m == nil {
			return nil, orm.ValueErrorf("Invalid order '%s' for web_read_group()", order)
		}
		l.order = append(l.order, orderTerm{m[1], m[2]})
	}
	if l.spec, ok = c.get(8, "unfold_read_specification").(map[string]any); !ok && c.get(8, "unfold_read_specification") != nil {
		return nil, typeErrorf("unfold_read_specification must be an object of fields")
	}
	if c.has(9, "unfold_read_default_limit") {
		if l.limit, err = c.window(9, "unfold_read_default_limit"); err != nil {
			return nil, err
		}
	}
	opening, _ := c.get(7, "opening_info").([]any)
	return l.read(domain, limit, offset, opening)
}

// read reads the groups of a level, and opens those that are wanted open.
func (l levels) read(domain orm.Domain, limit, offset int, opening []any) (map[string]any, error) {
	f := formatted{domain: domain, by: l.by[:1], aggs: l.aggs, GroupOptions: orm.GroupOptions{Limit: limit, Offset: offset, Order: l.groupOrder()}}
	groups, err := f.run(l.rs)
	if err != nil {
		return nil, err
	}
	length := len(groups) + offset
	if len(groups) == 0 {
		length = 0
	} else if limit > 0 && len(groups) == limit {
		all, err := l.rs.ReadGroup(domain, l.by[:1], nil, orm.GroupOptions{})
		if err != nil {
			return nil, err
		}
		length = len(all)
	}
	opened := 0
	for _, g := range groups {
		info, asked := openingOf(opening, g[l.by[0]])
		open := l.unfold && opening == nil && opened < openedAtOnce
		if asked {
			open = info["folded"] != true
		}
		if !open {
			continue
		}
		opened++
		extra, _ := g["__extra_domain"].(orm.Domain)
		if err := l.open(g, orm.And(domain, extra), info); err != nil {
			return nil, err
		}
	}
	return map[string]any{"groups": groups, "length": length}, nil
}

// open reads what is in a group: the groups of the next level or, in the last,
// the records.
func (l levels) open(group map[string]any, domain orm.Domain, info map[string]any) error {
	limit, offset := 0, 0
	if n, err := number(info["limit"]); err == nil && n > 0 {
		limit = int(n)
	}
	if n, err := number(info["offset"]); err == nil && n > 0 {
		offset = int(n)
	}
	if len(l.by) > 1 {
		l.by = l.by[1:]
		below, _ := info["groups"].([]any)
		found, err := l.read(domain, limit, offset, below)
		group["__groups"] = found
		return err
	}
	if l.spec == nil {
		return nil
	}
	if limit == 0 {
		limit = l.limit
	}
	found, err := l.rs.Search(domain, orm.SearchOptions{Limit: limit, Offset: offset, Order: l.recordOrder()})
	if err != nil {
		return err
	}
	rows, err := orEmpty(readSpec(found, l.spec))
	group["__records"] = rows
	return err
}

// openingOf is what a client said of the group of a value.
func openingOf(opening []any, value any) (map[string]any, bool) {
	if pair, ok := value.([]any); ok {
		value = pair[0]
	}
	for _, e := range opening {
		info, _ := e.(map[string]any)
		wanted, ok := info["value"]
		if !ok {
			continue
		}
		if a, err := number(wanted); err == nil {
			if b, err := number(value); err == nil && a == b {
				return info, true
			}
			continue
		}
		if wanted == value {
			return info, true
		}
	}
	return nil, false
}

// groupOrder are the terms of the order that groups of this level have.
func (l levels) groupOrder() string {
	var out []string
	grouped := false
	for _, t := range l.order {
		field, _, _ := strings.Cut(l.by[0], ":")
		switch {
		case t.name == l.by[0] || t.name == field:
			grouped = true
			out = append(out, l.by[0]+t.direction)
		case slices.Contains(l.aggs, t.name):
			out = append(out, t.name+t.direction)
		default:
			for _, a := range l.aggs {
				if name, _, _ := strings.Cut(a, ":"); name == t.name {
					out = append(out, a+t.direction)
					break
				}
			}
		}
	}
	if !grouped {
		out = append(out, l.by[0])
	}
	return strings.Join(out, ", ")
}

// recordOrder are the terms of the order that records have.
func (l levels) recordOrder() string {
	var out []string
	for _, t := range l.order {
		if f := l.rs.Model.Fields[t.name]; f != nil && (f.Stored || f.Inherited()) {
			out = append(out, t.name+t.direction)
		}
	}
	return strings.Join(out, ", ")
}
