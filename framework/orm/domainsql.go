package orm

import (
	"slices"
	"strings"
)

// The compilation of domains to SQL. What a leaf means follows Odoo 18: a path
// "a.b" asks for some related record, the rules of the related model apply to
// it, and a record without a value matches where its empty value would.

func (s *selection) domain(d Domain) (frag, error) {
	n, err := parseDomain(d)
	if err != nil {
		return frag{}, err
	}
	if n == nil {
		return sqlTrue, nil
	}
	return s.node(n)
}

func (s *selection) node(n *node) (frag, error) {
	c, _, err := s.condition(n)
	return c, err
}

// condition compiles a node, and tells whether it looks at other rows.
func (s *selection) condition(n *node) (c frag, sublooks bool, err error) {
	switch n.op {
	case "":
		c, err = s.leaf(n.leaf)
		return c, c.sublooks(), err
	case "!":
		c, err = s.not(n.kids[0].leaf)
		return c, c.sublooks(), err
	}
	var here, there []frag
	for _, k := range n.kids {
		c, sub, err := s.condition(k)
		if err != nil {
			return frag{}, false, err
		}
		if sublooks = sublooks || sub; sub && n.op == "|" {
			there = append(there, c)
		} else {
			here = append(here, c)
		}
	}
	sep := " AND "
	if n.op == "|" {
		sep = " OR "
	}
	// PostgreSQL tries alternatives in their order: those it can tell by the row
	// itself come first.
	return sqlf("(?)", join(append(here, there...), sep)), sublooks, nil
}

var (
	sqlTrue  = frag{sql: "TRUE"}
	sqlFalse = frag{sql: "FALSE"}
)

func isNegative(op string) bool { return op == "!=" || strings.HasPrefix(op, "not ") }

// not compiles the negation of a leaf whose operator has no opposite, or which
// follows a path.
func (s *selection) not(l leaf) (frag, error) {
	head, rest, dotted := strings.Cut(l.path, ".")
	if f := s.model.Fields[head]; f != nil && dotted {
		if f.Relational() {
			return s.leaf(leaf{path: head, op: "not any", value: Domain{[]any{rest, l.op, l.value}}})
		}
		if op, ok := opposites[l.op]; ok {
			l.op = op
			return s.leaf(l)
		}
	}
	c, err := s.leaf(l)
	return sqlf("NOT (?)", c), err
}

// leaf compiles one condition.
func (s *selection) leaf(l leaf) (frag, error) {
	if s.seen.terms++; s.seen.terms > maxDomainTerms {
		return frag{}, UserErrorf("The domain has too many conditions, those it stands for included; at most %d are accepted.", maxDomainTerms)
	}
	if l.isNum {
		if l.value == true {
			return sqlTrue, nil
		}
		return sqlFalse, nil
	}
	head, rest, dotted := strings.Cut(l.path, ".")
	f := s.model.Fields[head]
	if f == nil {
		return frag{}, ValueErrorf("Invalid field %s.%s in leaf %s", s.model.Name, head, l)
	}
	if !slices.Contains(operators, l.op) {
		return frag{}, ValueErrorf("Invalid leaf %s", l)
	}
	if err := s.env.checkField(s.model, f, OpRead); err != nil {
		return frag{}, err
	}
	if doc, ok := l.value.(documentOf); ok && f.Kind == Many2oneRef && f.inherited == nil {
		return s.document(f, doc.op)
	}
	if dotted && f.Relational() {
		l = leaf{path: head, op: "any", value: Domain{[]any{rest, l.op, l.value}}}
		dotted = false
	}
	switch {
	case f.inherited != nil:
		return s.delegated(f, l)
	case f.Kind == SecretKind && (l.op != "=" && l.op != "!=" || !isEmpty(l.value)):
		return frag{}, UserErrorf("%s is a secret; a search can only tell whether it is set.", f.Label)
	case f.Name == "id" && (l.op == "child_of" || l.op == "parent_of"):
		ids, err := s.hierarchy(s.env, s.model, l, "")
		return sqlf("?.id IN (?)", frag{sql: s.alias}, ids), err
	case f.Kind == DateKind || f.Kind == DatetimeKind:
		if dotted {
			return s.datePart(f, rest, l)
		}
	case dotted:
		return frag{}, &Error{Code: CodeAssertion, Message: "Invalid field '" + l.path + "' in domain term " + l.String()}
	case l.op == "any" || l.op == "not any":
		return s.any(f, l)
	}
	if !f.inTable() {
		return s.searched(f, l)
	}
	switch {
	case f.X2many():
		return s.many(f, l)
	case f.Kind == Many2one:
		return s.compareRef(f, s.stored(s.alias, f), l)
	case f.Kind == BinaryKind:
		return s.binary(f, l)
	}
	col, _ := s.column(s.alias, s.model, f)
	return s.compare(f, col, l)
}

// delegated compiles a leaf on an inherited field as one of the delegated-to
// record.
func (s *selection) delegated(f *Field, l leaf) (frag, error) {
	at, ok := s.follow(s.alias, s.model, f)
	if !ok {
		return frag{}, ValueErrorf("The field %s (%s) of %s cannot be searched.", f.Label, f.Name, s.model.Label)
	}
	l.path = strings.Replace(l.path, f.Name, f.Related[len(f.Related)-1], 1)
	return at.leaf(l)
}

// searched compiles a leaf on a field without column: by its search function,
// along its related path, or not at all: what cannot be searched does not
// restrict what a user asks for, but nothing passes a record rule by it.
func (s *selection) searched(f *Field, l leaf) (frag, error) {
	switch {
	case f.search != nil:
		d, err := f.search(s.env, l.op, l.value)
		if err != nil {
			return frag{}, err
		}
		return s.domain(d)
	case f.Name == "display_name":
		return s.nameLeaf(l)
	case len(f.Related) > 0:
		env := s.env.Sudo().WithContext(map[string]any{"active_test": false})
		return s.as(env).domain(relatedDomain(s.model, f.Related, l))
	}
	if s.rules {
		return frag{}, unsearchable(f)
	}
	s.env.Log().Debug("a condition on a field that cannot be searched is ignored", "model", s.model.Name, "field", f.Name)
	return sqlTrue, nil
}

// unsearchable refuses a record rule on a field that no search can look at.
func unsearchable(f *Field) error {
	return AccessErrorf("A record rule asks for %s (%s) of %s (%s), which cannot be searched, so that nothing it guards can be used. An administrator has to change the rule.",
		f.Label, f.Name, f.Model.Label, f.Model.Name)
}

// relatedDomain is a leaf on a related field as a domain along its path. A
// record whose path breaks off matches like one with an empty value at its end.
func relatedDomain(m *Model, path []string, l leaf) Domain {
	if len(path) == 1 {
		return Leaf(path[0], l.op, l.value)
	}
	f := m.Fields[path[0]]
	d := Leaf(path[0], "any", relatedDomain(m.comodel(f), path[1:], l))
	empty := isEmpty(l.value)
	if list, ok := l.value.([]any); ok {
		empty = slices.ContainsFunc(list, isEmpty)
	}
	if empty != isNegative(l.op) && f.Kind == Many2one && !f.Required {
		d = Or(d, Leaf(path[0], "=", false))
	}
	return d
}

func isEmpty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case bool:
		return !x
	}
	return false
}

// any selects the records of which some (no) related record matches a domain.
func (s *selection) any(f *Field, l leaf) (frag, error) {
	if !f.Relational() {
		return frag{}, ValueErrorf("Invalid leaf %s: %s is no relation", l, f.Name)
	}
	d, err := ToDomain(l.value)
	if err != nil {
		return frag{}, err
	}
	if f.X2many() {
		d = And(f.filter, d)
	}
	sub, where, err := s.related(f, d)
	if err != nil {
		return frag{}, err
	}
	in := sqlf("SELECT ?.id FROM ? WHERE ?", frag{sql: sub.alias}, sub.from(), where)
	if !f.inTable() {
		ids, err := s.env.queryIDs(in)
		if err != nil {
			return frag{}, err
		}
		return s.searched(f, leaf{path: f.Name, op: map[string]string{"any": "in", "not any": "not in"}[l.op], value: ids})
	}
	if f.Kind == Many2one {
		return inRef(s.stored(s.alias, f), in, l.op == "not any"), nil
	}
	return s.exists(f, sub, where, l.op == "not any")
}

func inRef(col, in frag, negate bool) frag {
	if negate {
		return sqlf("(? NOT IN (?) OR ? IS NULL)", col, in, col)
	}
	return sqlf("? IN (?)", col, in)
}

// related begins a sub-select on the records a field points at, restricted to
// those that match d and that the user may see.
func (s *selection) related(f *Field, d Domain) (*selection, frag, error) {
	co := s.env.related(f)
	if err := co.checkModel(OpRead); err != nil {
		return nil, frag{}, err
	}
	sub, err := s.sub(co.Env, co.Model)
	if err != nil {
		return nil, frag{}, err
	}
	where, err := co.where(sub, d, OpRead)
	return sub, where, err
}

// related is the model a field points at, seen with the context the field asks
// for: a many2one shows archived records, a list as its context says.
func (e *Env) related(f *Field) Records {
	co := e.Model(f.Comodel)
	if f.Kind == Many2one {
		co.Env = e.WithContext(map[string]any{"active_test": false})
	} else if len(f.context) > 0 {
		co.Env = e.WithContext(f.context)
	}
	return co
}

// exists asks for a record of a sub-select on the comodel that a list holds.
func (s *selection) exists(f *Field, sub *selection, where frag, negate bool) (frag, error) {
	not := ""
	if negate {
		not = "NOT "
	}
	own := frag{sql: s.alias + ".id"}
	if f.Kind == Many2many {
		r := s.newAlias("r")
		return sqlf(not+"EXISTS (SELECT 1 FROM "+quote(f.RelTable)+" "+r+" JOIN ? ON "+r+"."+quote(f.RelCocol)+" = "+sub.alias+".id WHERE "+r+"."+quote(f.RelCol)+" = ? AND ?)", sub.crossFrom(), own, where), nil
	}
	inv := sub.model.Fields[f.Inverse]
	col, ok := sub.column(sub.alias, sub.model, inv)
	if !ok {
		return frag{}, ValueErrorf("The field %s (%s) of %s cannot be searched: its inverse is computed.", f.Label, f.Name, s.model.Label)
	}
	if inv.Kind == Many2oneRef {
		where = sqlf("? AND "+sub.alias+"."+quote(inv.ModelField)+" = ?", where, s.model.Name)
	}
	return sqlf(not+"EXISTS (SELECT 1 FROM ? WHERE ? = ? AND ?)", sub.from(), col, own, where), nil
}

// crossFrom is from in parentheses, as the right side of a join.
func (s *source) crossFrom() frag {
	if len(s.joins) == 0 {
		return s.root
	}
	return sqlf("(?)", s.from())
}

// many compiles a leaf on a one2many or many2many itself. Ids are taken as they
// are; names are looked up among the records the user may see. Any operator
// that is not negative means "in".
func (s *selection) many(f *Field, l leaf) (frag, error) {
	neg := isNegative(l.op)
	if l.op == "child_of" || l.op == "parent_of" {
		return s.manyHierarchy(f, l)
	}
	if name, ok := l.value.(string); ok {
		op := l.op
		if neg {
			op = opposites[op]
		}
		sub, where, err := s.related(f, And(f.filter, Leaf("display_name", op, name)))
		if err != nil {
			return frag{}, err
		}
		return s.exists(f, sub, where, neg)
	}
	co := s.env.related(f)
	sub, err := s.sub(co.Env.Sudo(), co.Model)
	if err != nil {
		return frag{}, err
	}
	if l.value == false { // with or without any related record
		where := sqlTrue
		if f.Kind == One2many && co.Model.HasActive() && co.Env.Flag("active_test", true) {
			if where, err = sub.leaf(leaf{path: "active", op: "=", value: true}); err != nil {
				return frag{}, err
			}
		}
		return s.exists(f, sub, where, !neg)
	}
	ids, err := idsOf(l.value)
	if err != nil {
		return frag{}, ValueErrorf("Invalid domain term %s", l)
	}
	return s.exists(f, sub, sqlf(sub.alias+".id = ANY(?)", ids), neg)
}

// idsOf reads one id or a list of them; empty values in the list do not count.
func idsOf(v any) ([]int64, error) {
	list, ok := v.([]any)
	if !ok {
		if ids, ok := v.([]int64); ok {
			return ids, nil
		}
		list = []any{v}
	}
	ids := make([]int64, 0, len(list))
	for _, x := range list {
		if isEmpty(x) {
			continue
		}
		if x == true {
			x = 1
		}
		n, err := toInt(x)
		if err != nil {
			return nil, err
		}
		ids = append(ids, n)
	}
	return ids, nil
}

func (s *selection) manyHierarchy(f *Field, l leaf) (frag, error) {
	co := s.env.related(f)
	if f.Kind == One2many && co.Model == s.model {
		ids, err := s.hierarchy(co.Env, co.Model, l, f.Name)
		return sqlf("?.id IN (?)", frag{sql: s.alias}, ids), err
	}
	ids, err := s.hierarchy(co.Env, co.Model, l, "")
	if err != nil {
		return frag{}, err
	}
	sub, err := s.sub(co.Env.Sudo(), co.Model)
	if err != nil {
		return frag{}, err
	}
	where := sqlf(sub.alias+".id IN (?)", ids)
	if f.Kind == Many2many && co.Model.HasActive() && co.Env.Flag("active_test", true) {
		active, err := sub.leaf(leaf{path: "active", op: "=", value: true})
		if err != nil {
			return frag{}, err
		}
		where = sqlf("? AND ?", where, active)
	}
	return s.exists(f, sub, where, false)
}

// hierarchy is a sub-select of the ids below (child_of) or above (parent_of)
// some records of a model, themselves included. via names the field along which
// to go when it is not the model's own parent; along a one2many up and down
// change places.
func (s *selection) hierarchy(env *Env, m *Model, l leaf, via string) (frag, error) {
	ids, err := roots(env, m, l)
	if err != nil {
		return frag{}, err
	}
	t := quote(m.Table)
	if m.Fields["parent_path"] != nil && m.Parent != "" {
		if l.op == "child_of" {
			// What begins with "1/5/" lies between that and "1/50", since 0 follows /;
			// written so, each root is one range of the index on parent_path. ^@ says
			// it again, as the planner takes a prefix for rare and a range for wide.
			return sqlf("SELECT c.id FROM "+t+" p JOIN "+t+" c ON c.parent_path ~>=~ p.parent_path AND c.parent_path ~<~ (rtrim(p.parent_path, '/') || '0') AND c.parent_path ^@ p.parent_path WHERE p.id = ANY(?)", ids), nil
		}
		return sqlf("SELECT unnest(string_to_array(rtrim(c.parent_path, '/'), '/'))::bigint FROM "+t+" c WHERE c.id = ANY(?)", ids), nil
	}
	down := l.op == "child_of"
	parent := via
	if parent == "" {
		parent = m.Parent
	}
	if parent == "" {
		parent = "parent_id"
	}
	p := m.Fields[parent]
	if p != nil && p.Kind == One2many {
		parent, down = p.Inverse, !down
		p = m.Fields[parent]
	}
	if p != nil && p.Relational() && p.Comodel != m.Name {
		return frag{}, ValueErrorf("Invalid parent field: %s.%s", m.Name, parent)
	}
	if p == nil || !p.Relational() || !p.column() {
		return frag{}, ValueErrorf("Invalid domain term %s: %s is no hierarchy", l, m.Name)
	}
	col := s.stored("c", p)
	if down {
		return sqlf("WITH RECURSIVE h(id) AS (SELECT id FROM "+t+" WHERE id = ANY(?) UNION SELECT c.id FROM "+t+" c JOIN h ON ? = h.id) SELECT id FROM h", ids, col), nil
	}
	return sqlf("WITH RECURSIVE h(id, parent) AS (SELECT c.id, ? FROM "+t+" c WHERE c.id = ANY(?) UNION SELECT c.id, ? FROM "+t+" c JOIN h ON c.id = h.parent) SELECT id FROM h", col, ids, col), nil
}

// roots are the records a hierarchy leaf starts from: ids as given, or what the
// user finds by names.
func roots(env *Env, m *Model, l leaf) ([]int64, error) {
	names, _ := l.value.([]string)
	switch v := l.value.(type) {
	case string:
		names = []string{v}
	case []any:
		for _, x := range v {
			if name, ok := x.(string); ok {
				names = append(names, name)
			}
		}
		if len(names) < len(v) {
			names = nil
		}
	}
	if len(names) == 0 {
		ids, err := idsOf(l.value)
		if err != nil || l.value == nil {
			return nil, ValueErrorf("Invalid domain term %s", l)
		}
		return ids, nil
	}
	var ds []Domain
	for _, n := range names {
		ds = append(ds, Leaf("display_name", "ilike", n))
	}
	found, err := env.Model(m.Name).Search(Or(ds...), SearchOptions{})
	return found.IDs, err
}

// nameLeaf searches by display name, as name_search does: in any of the fields
// that name a record.
func (s *selection) nameLeaf(l leaf) (frag, error) {
	neg := isNegative(l.op)
	if len(s.model.searchNames) == 0 {
		if s.rules {
			return frag{}, unsearchable(s.model.Fields["display_name"])
		}
		return sqlTrue, nil
	}
	if strings.HasSuffix(l.op, "like") && !strings.HasPrefix(l.op, "=") && !truthy(l.value) {
		if neg {
			return sqlFalse, nil
		}
		return sqlTrue, nil
	}
	var ds []Domain
	for _, path := range s.model.searchNames {
		fields, err := s.model.Path(path)
		if err != nil {
			return frag{}, err
		}
		last := fields[len(fields)-1]
		if last.Relational() {
			path += ".display_name"
		} else if !last.Textual() && !strings.HasSuffix(l.op, "like") {
			if _, err := last.parse(l.value); err != nil {
				continue // a text that cannot be this number or date
			}
		}
		ds = append(ds, Leaf(path, l.op, l.value))
	}
	if len(ds) == 0 {
		return sqlFalse, nil
	}
	if neg {
		return s.domain(And(ds...))
	}
	return s.domain(Or(ds...))
}

// binary tells only whether a file is there.
func (s *selection) binary(f *Field, l leaf) (frag, error) {
	if l.op != "=" && l.op != "!=" || truthy(l.value) {
		if s.rules {
			return frag{}, unsearchable(f)
		}
		return sqlTrue, nil
	}
	not := ""
	if l.op == "=" {
		not = "NOT "
	}
	return sqlf(not+"EXISTS (SELECT 1 FROM ir_attachment WHERE res_model = ? AND res_field = ? AND res_id = ?.id)", s.model.Name, f.Name, frag{sql: s.alias}), nil
}

// CheckDomain reports whether a domain means something for the model, as that of
// a record rule must: every field, operator and value is looked at, and nothing
// is read.
func (rs Records) CheckDomain(d Domain) error {
	s := rs.Env.newSelect(rs.Model).unchecked()
	_, err := s.domain(d)
	return err
}
