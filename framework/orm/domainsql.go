package orm

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// The compilation of domains to SQL. What a leaf means follows Odoo 19: a path
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
	f := s.model.Fields[head]
	switch {
	case f == nil: // the leaf itself is refused
	case dotted && f.Relational():
		return s.leaf(leaf{path: head, op: "not any", value: Domain{[]any{rest, l.op, l.value}}})
	case f.inherited != nil:
		at, inner, err := s.delegate(f, l)
		if err != nil {
			return frag{}, err
		}
		return at.not(inner)
	case dotted:
	case f.Name != "id" && !f.inTable():
		at, d, err := s.searching(f, l)
		if err != nil {
			return frag{}, err
		}
		return at.domain(Not(d))
	case reversed[l.op] != "":
		return s.notOrdered(f, l)
	}
	c, err := s.leaf(l)
	return sqlf("(?) IS NOT TRUE", c), err
}

// notOrdered compiles the opposite of an ordering. A record without a value is
// meant by it unless its empty value is one that can be ordered.
func (s *selection) notOrdered(f *Field, l leaf) (frag, error) {
	ordered := f.emptyOperand() != nil
	if !ordered && !truthy(l.value) {
		return sqlTrue, nil
	}
	l.op = reversed[l.op]
	c, err := s.leaf(l)
	if err != nil || ordered {
		return c, err
	}
	none, err := s.leaf(leaf{path: l.path, op: "=", value: false})
	return sqlf("(? OR ?)", none, c), err
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
		return frag{}, ValueErrorf("Invalid field %s.%s in condition %s", s.model.Name, head, l)
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
	moment := f.Kind == DateKind || f.Kind == DatetimeKind
	switch {
	case f.inherited != nil:
		at, inner, err := s.delegate(f, l)
		if err != nil {
			return frag{}, err
		}
		return at.leaf(inner)
	case dotted && !moment:
		return frag{}, ValueErrorf("Invalid field property '%s' on %s.%s", rest, s.model.Name, head)
	case f.Kind == SecretKind && (l.op != "=" && l.op != "!=" || !isEmpty(l.value)):
		return frag{}, UserErrorf("%s is a secret; a search can only tell whether it is set.", f.Label)
	}
	if list, ok := listOf(l.value); ok && len(list) == 0 {
		switch l.op {
		case "in":
			return sqlFalse, nil
		case "not in":
			return sqlTrue, nil
		case "=", "!=":
			l.value = false
		}
	}
	if !truthy(l.value) {
		switch l.op {
		case "in":
			return sqlFalse, nil
		case "not in":
			return sqlTrue, nil
		case "like", "not like", "ilike", "not ilike":
			// every text holds the empty one; a relation has to be there
			switch {
			case f.Relational():
				l = leaf{path: l.path, op: map[bool]string{true: "=", false: "!="}[isNegative(l.op)], value: false}
			case isNegative(l.op):
				return sqlFalse, nil
			default:
				return sqlTrue, nil
			}
		case "=like", "=ilike":
			l.op, l.value = "=", false
		case "not =like", "not =ilike":
			l.op, l.value = "!=", false
		}
	}
	if strings.HasSuffix(l.op, "like") {
		text, ok := textOf(l.value)
		if !ok {
			if strings.Contains(l.op, "=") {
				return frag{}, &Error{Code: CodeType, Message: "The pattern to match must be a string in condition " + l.String()}
			}
			text = expr.Repr(l.value)
		}
		l.value = text
	}
	switch {
	case f.Name == "id" && (l.op == "any" || l.op == "not any"):
		d, err := subdomain(l.value)
		if err == nil && l.op == "not any" {
			d = Not(d)
		}
		if err != nil {
			return frag{}, err
		}
		return s.domain(d)
	case f.Name == "id" && (l.op == "child_of" || l.op == "parent_of"):
		ids, err := s.hierarchy(s.env, s.model, l, "", false)
		return sqlf("?.id IN (?)", frag{sql: s.alias}, ids), err
	case dotted:
		return s.datePart(f, rest, l)
	case l.op == "any" || l.op == "not any":
		return s.any(f, l)
	case f.Name != "id" && !f.inTable():
		at, d, err := s.searching(f, l)
		if err != nil {
			return frag{}, err
		}
		return at.domain(d)
	case (l.op == "child_of" || l.op == "parent_of") && !f.Relational():
		return frag{}, ValueErrorf("Cannot execute %s for %s.%s, works only for relational fields in condition %s", l.op, s.model.Name, f.Name, l)
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

// delegate is a leaf on an inherited field as one of the delegated-to record.
func (s *selection) delegate(f *Field, l leaf) (*selection, leaf, error) {
	at, ok := s.follow(s.alias, s.model, f)
	if !ok {
		return nil, l, s.notInSQL(f)
	}
	l.path = strings.Replace(l.path, f.Name, f.Related[len(f.Related)-1], 1)
	return at, l, nil
}

func (s *selection) notInSQL(f *Field) error {
	return ValueErrorf("Cannot convert %s.%s to SQL because it is not stored", s.model.Name, f.Name)
}

// searching is a leaf on a field without column as a domain of fields that have
// one, and the selection to compile it with: by the field's search function, by
// the fields that name a record, or along the field's related path.
func (s *selection) searching(f *Field, l leaf) (*selection, Domain, error) {
	switch {
	case f.search != nil:
		d, err := f.search(s.env, l.op, l.value)
		return s, d, err
	case f.Name == "display_name":
		d, err := s.nameDomain(l)
		return s, d, err
	case len(f.Related) > 0:
		return s.as(s.env.Sudo().WithContext(map[string]any{"active_test": false})), relatedDomain(s.model, f.Related, l), nil
	}
	if s.rules {
		return nil, nil, unsearchable(f)
	}
	return nil, nil, s.notInSQL(f)
}

// unsearchable refuses a record rule on a field that no search can look at.
func unsearchable(f *Field) error {
	return AccessErrorf("A record rule asks for %s (%s) of %s (%s), which cannot be searched, so that nothing it guards can be used. An administrator has to change the rule.",
		f.Label, f.Name, f.Model.Label, f.Model.Name)
}

// relatedDomain is a leaf on a related field as a domain along its path. A
// record whose path breaks off matches like one with an empty value at its end.
func relatedDomain(m *Model, path []string, l leaf) Domain {
	end := m
	for _, name := range path[:len(path)-1] {
		end = end.comodel(end.Fields[name])
	}
	zero := end.Fields[path[len(path)-1]].emptyOperand()
	none := func(v any) bool { return isEmpty(v) || zero != nil && !truthy(v) }
	null := none(l.value)
	if list, ok := listOf(l.value); ok {
		null = slices.ContainsFunc(list, none)
	}
	if isNegative(l.op) && !null {
		l.op = opposites[l.op]
		return Not(relatedDomain(m, path, l))
	}
	return alongPath(m, path, l, isNegative(l.op) != null)
}

func alongPath(m *Model, path []string, l leaf, orNothing bool) Domain {
	if len(path) == 1 {
		return Leaf(path[0], l.op, l.value)
	}
	f := m.Fields[path[0]]
	d := Leaf(path[0], "any", alongPath(m.comodel(f), path[1:], l, orNothing))
	if orNothing && f.Kind == Many2one && !f.Required {
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
	case Date:
		return x.IsZero()
	case Datetime:
		return x.IsZero()
	}
	return false
}

// any selects the records of which some (no) related record matches a domain.
func (s *selection) any(f *Field, l leaf) (frag, error) {
	if !f.Relational() {
		return frag{}, ValueErrorf("Cannot use 'any' with non-relational fields in condition %s", l)
	}
	d, err := subdomain(l.value)
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
		at, d, err := s.searching(f, leaf{path: f.Name, op: map[string]string{"any": "in", "not any": "not in"}[l.op], value: ids})
		if err != nil {
			return frag{}, err
		}
		return at.domain(d)
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
// those that match d and that the user may see. A many2one may point at an
// archived record; what is related to that in turn may not.
func (s *selection) related(f *Field, d Domain) (*selection, frag, error) {
	co := s.env.related(f)
	if f.Kind == Many2one {
		co = s.env.Model(f.Comodel)
		if n, err := parseDomain(d); err == nil && co.Model.HasActive() && !n.mentions("active") {
			d = And(d, Leaf("active", "in", []any{true, false}))
		}
	}
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
// are; names are looked up among the records the user may see. An empty value
// stands for the absence of any record, archived and hidden ones included.
func (s *selection) many(f *Field, l leaf) (frag, error) {
	if l.op == "child_of" || l.op == "parent_of" {
		return s.manyHierarchy(f, l)
	}
	named, ids, none, err := s.targets(f, l)
	if err != nil || named.sql != "" && len(ids) == 0 && !none {
		return named, err
	}
	neg := isNegative(l.op)
	parts := make([]frag, 0, 3)
	if named.sql != "" {
		parts = append(parts, named)
	}
	held := func(d Domain, negate bool) error {
		sub, err := s.sub(s.env.Sudo().WithContext(map[string]any{"active_test": false}), s.model.comodel(f))
		if err != nil {
			return err
		}
		where, err := sub.domain(And(f.filter, d))
		if err != nil {
			return err
		}
		c, err := s.exists(f, sub, where, negate)
		parts = append(parts, c)
		return err
	}
	if none {
		if err := held(nil, !neg); err != nil {
			return frag{}, err
		}
	}
	if len(ids) > 0 {
		if err := held(Leaf("id", "in", ids), neg); err != nil {
			return frag{}, err
		}
	}
	if neg {
		return sqlf("(?)", join(parts, " AND ")), nil
	}
	return sqlf("(?)", join(parts, " OR ")), nil
}

// targets takes the right side of a condition on a relation apart: a condition
// on the names among it, the ids, and whether there is an empty value.
func (s *selection) targets(f *Field, l leaf) (named frag, ids []any, none bool, err error) {
	neg := isNegative(l.op)
	byName := func(op string, value any) error {
		related, err := s.any(f, leaf{path: f.Name, op: map[bool]string{false: "any", true: "not any"}[neg], value: Leaf("display_name", op, value)})
		named = related
		return err
	}
	_, isText := l.value.(string)
	switch l.op {
	case "like", "ilike", "=like", "=ilike":
		return named, nil, false, byName(l.op, l.value)
	case "not like", "not ilike", "not =like", "not =ilike":
		err = byName(opposites[l.op], l.value)
		return named, nil, false, err
	case "<", ">", "<=", ">=":
		if isText {
			return named, nil, false, &Error{Code: CodeType, Message: "Inequality not supported for relational field using a string in condition " + l.String()}
		}
		return named, nil, false, &Error{Code: CodeAssertion, Message: fmt.Sprintf("Relational field %s.%s expects 'any' operator", s.model.Name, f.Name)}
	}
	list, ok := listOf(l.value)
	if !ok {
		list = []any{l.value}
	}
	var names []any
	for _, v := range list {
		switch x := v.(type) {
		case string:
			names = append(names, x)
		case nil:
			none = true
		case bool:
			if !x {
				none = true
			} else {
				ids = append(ids, int64(1))
			}
		default:
			id, err := toInt(v)
			if err != nil {
				return named, nil, false, ValueErrorf("Invalid value in condition %s: %s is no record id", l, expr.Repr(v))
			}
			ids = append(ids, id)
		}
	}
	switch len(names) {
	case 0:
	case 1:
		err = byName("=", names[0])
	default:
		err = byName("in", names)
	}
	return named, ids, none, err
}

// nameDomain searches by display name, as name_search does: in any of the fields
// that name a record.
func (s *selection) nameDomain(l leaf) (Domain, error) {
	if len(s.model.searchNames) == 0 {
		if s.rules {
			return nil, unsearchable(s.model.Fields["display_name"])
		}
		return Domain{}, nil
	}
	var ds []Domain
	for _, path := range s.model.searchNames {
		fields, err := s.model.Path(path)
		if err != nil {
			return nil, err
		}
		last := fields[len(fields)-1]
		if last.Relational() {
			path += ".display_name"
		} else if !last.Textual() && !strings.HasSuffix(l.op, "like") {
			if _, err := last.Parse(l.value); err != nil {
				continue // a text that cannot be this number or date
			}
		}
		ds = append(ds, Leaf(path, l.op, l.value))
	}
	switch {
	case len(ds) == 0:
		return Not(nil), nil
	case isNegative(l.op):
		return And(ds...), nil
	}
	return Or(ds...), nil
}

// binary tells only whether a file is there; other conditions do not restrict,
// but in a record rule, by which nothing passes then.
func (s *selection) binary(f *Field, l leaf) (frag, error) {
	list, ok := listOf(l.value)
	if !ok {
		list = []any{l.value}
	}
	neg := isNegative(l.op)
	if l.op != "=" && l.op != "!=" && l.op != "in" && l.op != "not in" || slices.ContainsFunc(list, func(v any) bool { return !isEmpty(v) }) {
		if s.rules {
			return frag{}, unsearchable(f)
		}
		s.env.Log().Debug("a condition on the content of a file is ignored", "model", s.model.Name, "field", f.Name)
		return sqlTrue, nil
	}
	not := ""
	if !neg {
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
