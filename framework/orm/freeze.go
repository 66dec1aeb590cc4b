package orm

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// builder merges contributions into models. A delegated-to model is built
// before the model that inherits its fields.
type builder struct {
	r     *Registry
	state map[string]int  // 1 building, 2 built
	bare  map[*Field]bool // declared by name alone: may turn out to be inherited

	// What a mistake was reported of, and is therefore not judged further.
	wrong   map[*Field]bool
	partial map[*Model]bool // lacks a mixin: its fields are not all known

	undeferred map[string]bool // Go fields that should be Deferred, reported already
}

// unknown reports a name that a model has no field of, with the nearest that
// it has.
func (b *builder) unknown(m *Model, name, format string, args ...any) {
	if !b.partial[m] {
		b.errorf(format+" unknown field %q%s", append(args, name, expr.DidYouMean(name, m.FieldNames()))...)
	}
}

func (b *builder) errorf(format string, args ...any) {
	b.r.errs = append(b.r.errs, fmt.Errorf(format, args...))
}

// contributionsOf lists what makes up a model: each mixin where it first
// appears, then the facets in addon order.
func (b *builder) contributionsOf(name string, seen map[string]bool, concrete *Model) []*contribution {
	var out []*contribution
	for _, c := range b.r.contribs[name] {
		var mixins []string
		for _, t := range c.parsed.mixins {
			f := b.r.facets[t]
			if f == nil {
				b.errorf("addon %s: %s embeds %s, which no addon it depends on declares as a mixin", c.addon, c.parsed.facet.typ, t)
				b.partial[concrete] = true
				continue
			}
			mixins = append(mixins, f.model)
		}
		for _, mx := range append(mixins, c.inherits...) {
			if seen[mx] {
				continue
			}
			seen[mx] = true
			if len(b.r.contribs[mx]) == 0 {
				b.errorf("addon %s: model %s inherits %q, which does not exist%s", c.addon, name, mx, expr.DidYouMean(mx, b.r.names))
				b.partial[concrete] = true
				continue
			}
			concrete.Mixins = append(concrete.Mixins, mx)
			out = append(out, b.contributionsOf(mx, seen, concrete)...)
		}
		out = append(out, c)
	}
	return out
}

func (b *builder) build(name string) *Model {
	switch b.state[name] {
	case 2:
		return b.r.models[name]
	case 1:
		b.errorf("model %s delegates to itself in a circle", name)
		return b.r.models[name]
	}
	b.state[name] = 1
	base := b.r.contribs[name][0]
	tag := base.parsed.record
	m := &Model{Name: name, Table: tableName(name), Addon: base.addon, Fields: map[string]*Field{}, PostRight: OpWrite, registry: b.r,
		methods: map[string]*method{}, triggers: map[string][]trigger{}, base: base, Abstract: base.mixin, Query: base.query}
	b.r.models[name] = m
	m.Label = tag.Get("label")
	if m.Label == "" {
		m.Label = labelFromName(strings.ReplaceAll(name, ".", "_"))
	}
	m.Order = tag.Get("order")
	m.RecName = tag.Get("rec")
	m.Parent = tag.Get("parent")
	if s := tag.Get("search"); s != "" {
		m.searchNames = splitList(s)
	}
	for _, opt := range strings.Split(tag.Get("orm"), ",")[1:] {
		switch opt {
		case "transient":
			m.Transient = true
		default:
			b.errorf("addon %s: unknown model option %q on %s%s", base.addon, opt, name, expr.DidYouMean(opt, []string{"transient"}))
		}
	}
	contribs := b.contributionsOf(name, map[string]bool{name: true}, m)
	b.magic(m)
	for _, c := range contribs {
		if !slices.Contains(m.Addons, c.addon) {
			m.Addons = append(m.Addons, c.addon)
		}
		b.fields(m, c)
	}
	for _, name := range m.FieldNames() {
		b.resolve(m, m.Fields[name])
	}
	b.delegate(m)
	for _, c := range contribs {
		b.attach(m, c)
	}
	for _, name := range m.FieldNames() {
		if f := m.Fields[name]; f.Kind == Many2many && f.Stored && f.RelCol == f.RelCocol && !b.wrong[f] {
			b.errorf("addon %s: %s: a many2many of %s to itself needs rel=table:column:column", f.Addon, f.Origin, m.Name)
		}
	}
	b.compose(m, contribs)
	b.state[name] = 2
	return m
}

func (b *builder) magic(m *Model) {
	add := func(f *Field) {
		f.Model, f.Addon, f.Digits = m, m.Addon, -1
		m.Fields[f.Name] = f
	}
	add(&Field{Name: "id", Label: "ID", Kind: Integer, BigInt: true, Stored: true, Readonly: true})
	add(&Field{Name: "display_name", Label: "Display Name", Kind: Char, Readonly: true})
	if m.Query != "" {
		return
	}
	add(&Field{Name: "create_uid", Label: "Created by", Kind: Many2one, Comodel: b.r.PolicyModels().Users, Stored: true, Readonly: true, OnDelete: "set null"})
	add(&Field{Name: "create_date", Label: "Created on", Kind: DatetimeKind, Stored: true, Readonly: true})
	add(&Field{Name: "write_uid", Label: "Last Updated by", Kind: Many2one, Comodel: b.r.PolicyModels().Users, Stored: true, Readonly: true, OnDelete: "set null"})
	add(&Field{Name: "write_date", Label: "Last Updated on", Kind: DatetimeKind, Stored: true, Readonly: true})
}

func (b *builder) fields(m *Model, c *contribution) {
	for _, d := range c.parsed.decls {
		if d.elem != nil {
			f := b.r.facets[d.elem]
			if f == nil {
				if !d.wrong {
					b.errorf("addon %s: %s refers to %s, which is no declared facet", c.addon, d.field.Origin, d.elem)
				}
				d.wrong = true
			} else {
				d.field.Comodel = f.model
			}
		}
		old := m.Fields[d.field.Name]
		if old != nil {
			if old.Kind != d.field.Kind && !d.bare && d.set["kind"] {
				b.errorf("addon %s: %s redeclares %s.%s as %s; it is %s", c.addon, d.field.Origin, m.Name, old.Name, d.field.Kind, old.Kind)
			}
			old.merge(d.field, d.set)
			b.wrong[old] = b.wrong[old] || d.wrong
			continue
		}
		f := d.field.clone(m)
		b.bare[f], b.wrong[f] = d.bare, d.wrong
		m.Fields[f.Name] = f
	}
}

// resolve completes a field with what follows from its kind.
func (b *builder) resolve(m *Model, f *Field) {
	if f.Label == "" {
		f.Label = labelFromName(f.Name)
	}
	switch f.Kind {
	case One2many, Many2many, Many2one:
		if b.r.contribs[f.Comodel] == nil {
			if f.Name == "create_uid" || f.Name == "write_uid" {
				f.Comodel, f.Kind, f.BigInt = "", Integer, true // there are no users, as in small tests
				return
			}
			if !b.wrong[f] {
				b.errorf("addon %s: %s: unknown model %q%s", f.Addon, f.Origin, f.Comodel, expr.DidYouMean(f.Comodel, b.r.names))
			}
			b.wrong[f] = true
			return
		}
	}
	switch f.Kind {
	case Many2one:
		if f.OnDelete == "" {
			f.OnDelete = "set null"
			if f.Required {
				f.OnDelete = "restrict"
			}
		}
		if f.Delegate {
			m.Delegates = append(m.Delegates, f)
		}
	case One2many:
		f.Stored = false
		f.Copy = f.Copy && f.Inverse != ""
	case Many2many:
		if f.RelTable == "" {
			names := []string{m.Table, tableName(f.Comodel)}
			slices.Sort(names)
			f.RelTable = names[0] + "_" + names[1] + "_rel"
		}
		if f.RelCol == "" {
			f.RelCol, f.RelCocol = m.Table+"_id", tableName(f.Comodel)+"_id"
		}
	case Monetary:
		if f.Currency == "" {
			f.Currency = "currency_id"
		}
	}
	if f.X2many() && f.Domain != "" {
		// A domain that reads names is for the client, which knows their values.
		if names, err := expr.Names(f.Domain); err == nil && len(names) == 0 {
			d, err := expr.Domain(f.Domain, nil)
			if err != nil {
				b.errorf("addon %s: %s: domain: %v", f.Addon, f.Origin, err)
			}
			f.filter = d
		}
	}
	if f.Aggregator == "" && f.Stored {
		switch f.Kind {
		case Integer:
			if f.Name != "id" && f.Name != "sequence" {
				f.Aggregator = "sum"
			}
		case Float, Monetary:
			f.Aggregator = "sum"
		}
	}
}

// delegate adds the fields of delegated-to models that the model lacks.
func (b *builder) delegate(m *Model) {
	slices.SortFunc(m.Delegates, func(x, y *Field) int { return strings.Compare(x.Name, y.Name) })
	for _, d := range m.Delegates {
		parent := b.build(d.Comodel)
		if parent == nil {
			continue
		}
		for _, name := range parent.FieldNames() {
			pf := parent.Fields[name]
			if own := m.Fields[name]; own != nil && !b.bare[own] {
				continue
			}
			f := pf.clone(m)
			f.Stored, f.Related, f.inherited, f.compute, f.inverse = false, []string{d.Name, name}, pf, nil, nil
			f.Required, f.Default, f.Index = false, nil, ""
			m.Fields[name] = f
		}
	}
}

// attach gives the merged fields their computes, inverses, defaults.
func (b *builder) attach(m *Model, c *contribution) {
	field := func(name, what string) *Field {
		f := m.Fields[name]
		if f == nil {
			b.unknown(m, name, "addon %s: %s of %s names", c.addon, what, m.Name)
		}
		return f
	}
	for _, cd := range c.computes {
		cp := &compute{model: m, deps: cd.deps, ops: c.ops, facet: c.parsed.facet, call: cd.call}
		for _, name := range cd.fields {
			f := field(name, "Compute")
			if f == nil {
				continue
			}
			if c.parsed.facet.byName[name] == nil {
				b.errorf("addon %s: compute of %s.%s needs the field in %s", c.addon, m.Name, name, c.parsed.facet.typ)
				continue
			}
			if f.compute != nil {
				f.compute.drop(f)
			}
			f.compute = cp
			if f.Name != "display_name" && !f.declaredStored(m) {
				f.Stored = false
			}
			cp.fields = append(cp.fields, f)
		}
		m.computes = append(m.computes, cp)
	}
	for _, name := range slices.Sorted(maps.Keys(c.inverses)) {
		if f := field(name, "Inverse"); f != nil {
			f.inverse = &inverseFn{ops: c.ops, facet: c.parsed.facet, call: c.inverses[name]}
		}
	}
	for _, name := range c.writeOnly {
		if f := field(name, "WriteOnly"); f != nil {
			f.writeOnly = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.searches)) {
		if f := field(name, "SearchBy"); f != nil {
			f.search = c.searches[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.defaults)) {
		if f := field(name, "Default"); f != nil {
			f.Default, f.defaultOn, f.defaultEmpty = c.defaults[name], true, false
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.choices)) {
		if f := field(name, "OptionsBy"); f != nil {
			f.options = c.choices[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.options)) {
		if f := field(name, "AddOptions"); f != nil {
			for _, o := range c.options[name] {
				if !f.hasOption(o.Value) {
					f.Options = append(f.Options, o)
				}
			}
		}
	}
	for _, cd := range c.constraints {
		k := &constraint{fields: map[string]bool{}, ops: c.ops, facet: c.parsed.facet, call: cd.call}
		for _, path := range cd.fields {
			head, _, dotted := strings.Cut(path, ".")
			if field(head, "Constrain") != nil {
				k.fields[head] = true
				if dotted || m.Fields[head].X2many() || m.Fields[head].Computed() && !m.Fields[head].Stored {
					k.deps = append(k.deps, path)
				}
			}
		}
		m.constraints = append(m.constraints, k)
	}
	for _, od := range c.onchanges {
		for _, name := range od.fields {
			field(name, "OnChange")
		}
		m.onchanges = append(m.onchanges, od)
	}
	for _, s := range c.sql {
		s.Name, s.addon = strings.Replace(s.Name, tableName(c.model)+"_", m.Table+"_", 1), c.addon
		m.SQL = slices.DeleteFunc(m.SQL, func(o SQLConstraint) bool { return o.Name == s.Name })
		m.SQL = append(m.SQL, s)
	}
	if c.query != "" {
		m.Query = c.query
	}
	m.kept = m.kept || c.kept
	if c.postRight != "" {
		m.PostRight = c.postRight
	}
	for _, md := range c.methods {
		old := m.methods[md.name]
		if old == nil && !md.base {
			b.errorf("addon %s: overrides %s.%s, which does not exist%s", c.addon, m.Name, md.name, expr.DidYouMean(md.name, m.Methods()))
			continue
		}
		next := &method{name: md.name, groups: md.groups, waiting: md.waiting, onModel: md.onModel}
		var super methodBody
		if old != nil {
			super = old.call
			if len(next.groups) == 0 {
				next.groups = old.groups
			}
			if next.waiting == "" {
				next.waiting = old.waiting
			}
		}
		next.call = md.wrap(super)
		m.methods[md.name] = next
	}
}

// declaredStored reports whether a computed field asked for a column.
func (f *Field) declaredStored(m *Model) bool {
	for _, c := range m.registry.allContributions(m) {
		for _, d := range c.parsed.decls {
			if d.field.Name == f.Name && d.set["store"] && d.field.Stored {
				return true
			}
		}
	}
	return false
}

func (r *Registry) allContributions(m *Model) []*contribution {
	out := slices.Clone(r.contribs[m.Name])
	for _, mx := range m.Mixins {
		out = append(out, r.contribs[mx]...)
	}
	return out
}

// compose builds the chain of each wrapped operation, the last addon outermost.
func (b *builder) compose(m *Model, contribs []*contribution) {
	o := &crud{create: createBase, write: writeBase, unlink: unlinkBase, copy: copyBase, copyData: copyDataBase,
		defaults: defaultsBase, search: searchBase, nameSearch: nameSearchBase, nameCreate: nameCreateBase, access: accessBase}
	m.guarded = m.Transient
	for _, c := range contribs {
		for _, h := range c.hooks.create {
			o.create = h(canonicalCreate(o.create))
		}
		for _, h := range c.hooks.write {
			o.write, m.hooked = h(canonicalWrite(o.write)), true
		}
		for _, h := range c.hooks.unlink {
			o.unlink = h(o.unlink)
		}
		for _, h := range c.hooks.copy {
			o.copy = h(canonicalCopy(o.copy))
		}
		for _, h := range c.hooks.copyData {
			o.copyData = h(canonicalCopyData(o.copyData))
		}
		for _, h := range c.hooks.defaults {
			o.defaults = h(canonicalDefaults(o.defaults))
		}
		for _, h := range c.hooks.search {
			o.search, m.searches = h(o.search), true
		}
		for _, h := range c.hooks.nameSearch {
			o.nameSearch = h(o.nameSearch)
		}
		for _, h := range c.hooks.nameCreate {
			o.nameCreate = h(o.nameCreate)
		}
		for _, h := range c.hooks.access {
			o.access, m.guarded = h(o.access), true
		}
	}
	m.ops = o
}

// finish checks what needs the other models: inverses, related paths, order,
// and that the Go type of every facet field fits the merged field.
func (b *builder) finish(m *Model) {
	if m == nil {
		return
	}
	if m.RecName == "" && m.Fields["name"] != nil {
		m.RecName = "name"
	}
	if m.RecName != "" && m.Fields[m.RecName] == nil {
		b.unknown(m, m.RecName, "addon %s: model %s: rec names", m.Addon, m.Name)
		m.RecName = ""
	}
	if len(m.searchNames) == 0 && m.RecName != "" {
		m.searchNames = []string{m.RecName}
	}
	if p := m.Fields["parent_id"]; m.Parent == "" && p != nil && p.Stored && m.Fields["parent_path"] != nil {
		m.Parent = "parent_id"
	}
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if b.wrong[f] {
			continue
		}
		if f.Kind == One2many && f.compute == nil && len(f.Related) == 0 {
			co := b.r.models[f.Comodel]
			if f.Inverse == "" {
				b.errorf("addon %s: %s: a one2many needs inverse=field", f.Addon, f.Origin)
			} else if co == nil || b.partial[co] {
				continue // its mistake is reported
			} else if inv := co.Fields[f.Inverse]; inv == nil {
				b.errorf("addon %s: %s: inverse %q does not exist on %s%s", f.Addon, f.Origin, f.Inverse, f.Comodel, expr.DidYouMean(f.Inverse, co.FieldNames()))
			} else if inv.Kind != Many2one && inv.Kind != Many2oneRef {
				b.errorf("addon %s: %s: inverse %s.%s is %s, not a many2one", f.Addon, f.Origin, f.Comodel, f.Inverse, inv.Kind)
			}
		}
		if len(f.Related) > 0 {
			path, err := m.Path(strings.Join(f.Related, "."))
			if err != nil {
				if !b.leadsAstray(m, f.Related) {
					b.errorf("addon %s: %s: related: %v", f.Addon, f.Origin, err)
				}
				b.wrong[f] = true
				continue
			}
			last := path[len(path)-1]
			f.System = max(f.System, last.System)
			if len(f.Groups) == 0 {
				f.Groups = last.Groups
			}
			if f.inherited == nil {
				f.Options, f.options = last.Options, last.options
				f.Comodel, f.Decimal, f.Digits, f.MinDigits, f.Translate = last.Comodel, last.Decimal, last.Digits, last.MinDigits, false
				if f.Kind != last.Kind && !(f.Textual() && last.Textual()) {
					f.Kind = last.Kind
				}
				f.Inverse, f.RelTable, f.RelCol, f.RelCocol = last.Inverse, last.RelTable, last.RelCol, last.RelCocol
			}
		}
	}
	b.addresses(m)
	b.companyCheck(m)
	if m.Order == "" {
		m.Order = "id"
	}
	terms, err := m.parseOrder(m.Order)
	if err != nil && !b.partial[m] {
		b.errorf("addon %s: model %s: order: %v", m.Addon, m.Name, err)
	}
	m.order = terms
	for _, s := range m.searchNames {
		if head, _, _ := strings.Cut(s, "."); m.Fields[head] == nil {
			b.unknown(m, head, "addon %s: model %s: search names", m.Addon, m.Name)
		} else if _, err := m.Path(s); err != nil && !b.leadsAstray(m, strings.Split(s, ".")) {
			b.errorf("addon %s: model %s: search names: %v", m.Addon, m.Name, err)
		}
	}
	b.checkSQL(m)
	for _, c := range b.r.contribs[m.Name] {
		b.checkFacet(m, c.parsed.facet)
		b.checkDeferred(m, c.parsed.facet)
	}
	for _, mixin := range m.Mixins { // also those that no facet of the model embeds
		for _, c := range b.r.contribs[mixin] {
			b.checkDeferred(m, c.parsed.facet)
		}
	}
}

// checkDeferred refuses plain Go fields for values that a facet does not hold without
// being asked: they would read empty.
func (b *builder) checkDeferred(m *Model, f *facet) {
	for _, s := range f.slots {
		field := m.Fields[s.name]
		if s.many || s.deferred || field == nil || b.wrong[field] || b.undeferred[s.origin] || b.partial[m] || m.inSQL(field, 0) {
			continue
		}
		b.undeferred[s.origin] = true // which other facets may embed
		b.errorf("addon %s: %s holds %s.%s, which has no column and is read only where a path names it: declare it as orm.Deferred[%s]", f.addon, s.origin, m.Name, s.name, s.typ)
	}
}

// inSQL reports whether every read of the model can give the field: from a column of
// its own, or of a record that many2ones lead to.
func (m *Model) inSQL(f *Field, depth int) bool {
	if f.column() || f.Name == "id" {
		return true
	}
	if len(f.Related) == 0 || depth > maxDepth { // a circle, which is reported by itself
		return false
	}
	path, err := m.Path(strings.Join(f.Related, "."))
	if err != nil {
		return false
	}
	for i, step := range path {
		if i < len(path)-1 && step.Kind != Many2one || !step.Model.inSQL(step, depth+1) {
			return false
		}
	}
	return true
}

// leadsAstray reports whether a path ends at a field or model that is not fully
// known because of a mistake reported before.
func (b *builder) leadsAstray(m *Model, path []string) bool {
	for _, name := range path {
		if m == nil || b.partial[m] || b.wrong[m.Fields[name]] {
			return true
		}
		if m.Fields[name] == nil {
			return false
		}
		m = b.r.models[m.Fields[name].Comodel]
	}
	return false
}

func (b *builder) checkFacet(m *Model, f *facet) {
	for _, s := range f.slots {
		field := m.Fields[s.name]
		if b.wrong[field] || field == nil && b.partial[m] {
			continue
		}
		if field == nil {
			b.errorf("addon %s: %s names unknown field %s.%s", f.addon, f.typ, m.Name, s.name)
			continue
		}
		ok := true
		switch {
		case s.ref:
			ok = field.Kind == Many2one
		case s.many:
			ok = field.X2many()
		case s.typ == typeDecimal:
			ok = field.Decimal
		case s.typ.Kind() == reflect.String:
			ok = field.Textual()
		case s.typ.Kind() == reflect.Bool:
			ok = field.Kind == Boolean
		case s.typ.Kind() == reflect.Float64:
			ok = field.Kind == Float && !field.Decimal
		case s.typ == typeDate:
			ok = field.Kind == DateKind
		case s.typ == typeDatetime:
			ok = field.Kind == DatetimeKind
		}
		if !ok {
			b.errorf("addon %s: %s holds %s.%s as %s, but the field is %s", f.addon, f.typ, m.Name, s.name, s.typ, field.Kind)
		}
	}
}
