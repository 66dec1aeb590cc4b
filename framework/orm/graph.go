package orm

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// compute is one function and the fields it sets on one model.
type compute struct {
	model  *Model
	fields []*Field
	deps   []string
	ops    *typeOps
	facet  *facet
	call   func(*Env, any) error
	rank   int // position in the evaluation order
	needs  []*compute
}

func (c *compute) drop(f *Field) {
	c.fields = slices.DeleteFunc(c.fields, func(x *Field) bool { return x == f })
}

type inverseFn struct {
	ops   *typeOps
	facet *facet
	call  func(*Env, any) error
}

// trigger says that a change of a field makes a stored compute pending for the
// records found by walking path backwards.
type trigger struct {
	target *compute
	path   []*Field
}

// graph builds the triggers of stored computes and the order of evaluation.
func (b *builder) graph() {
	g := &grapher{b: b}
	b.mirrors()
	var all []*compute
	for _, name := range b.r.names {
		m := b.r.models[name]
		if m.Abstract {
			continue
		}
		m.computes = slices.DeleteFunc(m.computes, func(c *compute) bool { return len(c.fields) == 0 })
		for _, fn := range m.FieldNames() {
			f := m.Fields[fn]
			if len(f.Related) > 0 && f.Stored && !b.wrong[f] {
				cp := &compute{model: m, fields: []*Field{f}, deps: []string{strings.Join(f.Related, ".")}}
				f.compute = cp
				m.computes = append(m.computes, cp)
			}
		}
		all = append(all, m.computes...)
	}
	for _, c := range all {
		for _, dep := range c.deps {
			g.walk(c, c.model, nil, strings.Split(dep, "."), 0)
		}
	}
	b.r.computes = g.sort(all)
}

// mirrors pairs the many2many fields that show one table from both sides.
func (b *builder) mirrors() {
	byTable := map[string][]*Field{}
	for _, name := range b.r.names {
		m := b.r.models[name]
		for _, fn := range m.FieldNames() {
			if f := m.Fields[fn]; f.Kind == Many2many && f.Stored && !m.Abstract {
				byTable[f.RelTable] = append(byTable[f.RelTable], f)
			}
		}
	}
	for _, fields := range byTable {
		for _, f := range fields {
			for _, o := range fields {
				if f.Comodel == o.Model.Name && o.Comodel == f.Model.Name && f.RelCol == o.RelCocol && f.RelCocol == o.RelCol {
					f.mirrors = append(f.mirrors, o)
				}
			}
		}
	}
}

type grapher struct {
	b *builder
}

func (g *grapher) walk(c *compute, m *Model, prefix []*Field, path []string, depth int) {
	if depth > 20 {
		g.b.errorf("addon %s: compute of %s.%s: dependencies %s never end", c.fields[0].Addon, c.model.Name, c.fields[0].Name, strings.Join(path, "."))
		return
	}
	f := m.Fields[path[0]]
	if f == nil {
		if !g.b.partial[m] {
			g.b.errorf("addon %s: compute of %s.%s depends on unknown field %s.%s%s", c.fields[0].Addon, c.model.Name, c.fields[0].Name, m.Name, path[0], expr.DidYouMean(path[0], m.FieldNames()))
		}
		return
	}
	if g.b.wrong[f] {
		return
	}
	if f.compute != nil && f.compute != c && !slices.Contains(c.needs, f.compute) {
		c.needs = append(c.needs, f.compute)
	}
	stored := len(c.storedFields()) > 0
	add := func(m *Model, name string, path []*Field) {
		if stored {
			m.triggers[name] = append(m.triggers[name], trigger{c, slices.Clone(path)})
		}
	}
	switch {
	case len(f.Related) > 0 && !f.Stored:
		g.walk(c, m, prefix, append(slices.Clone(f.Related), path[1:]...), depth+1)
		return
	case f.compute != nil && !f.Stored:
		for _, dep := range f.compute.deps {
			g.walk(c, m, prefix, strings.Split(dep, "."), depth+1)
		}
		if len(path) > 1 && f.Relational() && stored {
			g.b.errorf("addon %s: compute of %s.%s goes through %s.%s, which is computed and not stored; name the paths it depends on instead", c.fields[0].Addon, c.model.Name, c.fields[0].Name, m.Name, f.Name)
			return
		}
	case f.Name == "display_name":
		if m.RecName != "" && m.RecName != "display_name" {
			g.walk(c, m, prefix, []string{m.RecName}, depth+1)
		}
	default:
		add(m, f.Name, prefix)
	}
	if !f.Relational() {
		if len(path) > 1 {
			g.b.errorf("addon %s: compute of %s.%s: %s.%s is no relation, %q cannot follow it", c.fields[0].Addon, c.model.Name, c.fields[0].Name, m.Name, f.Name, path[1])
		}
		return
	}
	co := g.b.r.models[f.Comodel]
	if co == nil {
		return // of a relation whose mistake is reported
	}
	next := append(slices.Clone(prefix), f)
	if f.Kind == One2many && f.Inverse != "" {
		add(co, f.Inverse, next)
	}
	if len(path) > 1 {
		g.walk(c, co, next, path[1:], depth+1)
	}
}

func (c *compute) storedFields() []*Field {
	var out []*Field
	for _, f := range c.fields {
		if f.Stored {
			out = append(out, f)
		}
	}
	return out
}

// sort ranks computes so that each comes after those it needs; a compute may
// need itself on other records (hierarchies).
func (g *grapher) sort(all []*compute) []*compute {
	state := map[*compute]int{}
	var out []*compute
	var stack []string
	var visit func(c *compute)
	visit = func(c *compute) {
		if state[c] == 2 {
			return
		}
		name := c.model.Name + "." + c.fields[0].Name
		if state[c] == 1 {
			g.b.errorf("computed fields depend on each other in a circle: %s → %s", strings.Join(stack, " → "), name)
			return
		}
		state[c] = 1
		stack = append(stack, name)
		for _, n := range c.needs {
			visit(n)
		}
		stack = stack[:len(stack)-1]
		state[c] = 2
		c.rank = len(out)
		out = append(out, c)
	}
	for _, c := range all {
		visit(c)
	}
	return out
}
