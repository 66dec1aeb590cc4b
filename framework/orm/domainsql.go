package orm

import (
	"fmt"
	"strings"
)

func (s *selection) domain(d Domain) (frag, error) {
	n, err := parseDomain(d)
	if err != nil {
		return frag{}, err
	}
	if n == nil {
		return frag{sql: "TRUE"}, nil
	}
	return s.node(n)
}

func (s *selection) node(n *node) (frag, error) {
	switch n.op {
	case "":
		return s.leaf(n.leaf)
	case "!":
		c, err := s.node(n.kids[0])
		if err != nil {
			return frag{}, err
		}
		return sqlf("(?) IS NOT TRUE", c), nil
	}
	parts := make([]frag, len(n.kids))
	for i, k := range n.kids {
		c, err := s.node(k)
		if err != nil {
			return frag{}, err
		}
		parts[i] = c
	}
	sep := " AND "
	if n.op == "|" {
		sep = " OR "
	}
	c := join(parts, sep)
	c.sql = "(" + c.sql + ")"
	return c, nil
}

var (
	sqlTrue  = frag{sql: "TRUE"}
	sqlFalse = frag{sql: "FALSE"}
)

func isNegative(op string) bool { return op == "!=" || strings.HasPrefix(op, "not ") }

// leaf compiles one condition. NULL counts as the empty value: a negative
// operator also holds for records without a value.
func (s *selection) leaf(l leaf) (frag, error) {
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
	if ok, err := s.env.fieldAllowed(f); err != nil {
		return frag{}, err
	} else if !ok {
		return frag{}, s.env.checkField(s.model, f, OpRead)
	}
	if f.Kind == SecretKind && !(l.op == "=" || l.op == "!=") {
		return frag{}, UserErrorf("%s is a secret; a search can only tell whether it is set.", f.Label)
	}
	if !dotted && f.search == nil && f.Name != "id" {
		if c, ok := s.column(s.alias, s.model, f); ok {
			return s.compare(f, c, l)
		}
	}
	if f.search != nil {
		return s.searched(f, l, rest)
	}
	if len(f.Related) > 0 && (!f.Stored || dotted) && !f.Stored {
		path := strings.Join(f.Related, ".")
		if dotted {
			path += "." + rest
		}
		sub := *s
		sub.env = s.env.Sudo()
		c, err := sub.leaf(leaf{path: path, op: l.op, value: l.value})
		s.joins = sub.joins
		return c, err
	}
	if dotted {
		if !f.Relational() {
			if (f.Kind == DateKind || f.Kind == DatetimeKind) && dateParts[rest] != "" {
				col, _ := s.column(s.alias, s.model, f)
				return s.compare(&Field{Name: l.path, Kind: Integer, Label: f.Label, Model: f.Model}, sqlf("date_part('"+dateParts[rest]+"', ?)::int", col), l)
			}
			return frag{}, &Error{Code: CodeAssertion, Message: fmt.Sprintf("Invalid field '%s' in domain term %s", l.path, l)}
		}
		return s.through(f, Domain{[]any{rest, l.op, l.value}}, false)
	}
	switch {
	case f.Name == "id":
		return s.compareID(frag{sql: s.alias + ".id"}, s.model, f, l)
	case f.Name == "display_name":
		return s.nameLeaf(l)
	case f.X2many():
		return s.many(f, l)
	case f.Kind == BinaryKind:
		has := s.binaryExists(f)
		if (l.op == "=") == isEmpty(l.value) {
			return sqlf("NOT (?)", has), nil
		}
		return has, nil
	}
	return frag{}, ValueErrorf("The field %s (%s) of %s is computed and cannot be searched.", f.Label, f.Name, s.model.Label)
}

var dateParts = map[string]string{"year_number": "year", "quarter_number": "quarter", "month_number": "month", "iso_week_number": "week", "day_of_year": "doy", "day_of_month": "day", "day_of_week": "dow", "hour_number": "hour", "minute_number": "minute", "second_number": "second"}

func (s *selection) searched(f *Field, l leaf, rest string) (frag, error) {
	if rest != "" {
		sub, err := s.env.Model(f.Comodel).Search(Domain{[]any{rest, l.op, l.value}}, SearchOptions{})
		if err != nil {
			return frag{}, err
		}
		l.op, l.value = "in", sub.IDs
	}
	d, err := f.search(s.env, l.op, l.value)
	if err != nil {
		return frag{}, err
	}
	return s.domain(d)
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

// through selects the records of which some related record matches d.
func (s *selection) through(f *Field, d Domain, negate bool) (frag, error) {
	co := s.env.Model(f.Comodel)
	sub, err := s.sub(co.Model)
	if err != nil {
		return frag{}, err
	}
	coEnv := co
	if f.Kind == Many2one {
		coEnv.Env = s.env.WithContext(map[string]any{"active_test": false})
	}
	if err := coEnv.checkModel(OpRead); err != nil {
		return frag{}, err
	}
	sub.env = coEnv.Env
	where, err := coEnv.where(sub, d, OpRead)
	if err != nil {
		return frag{}, err
	}
	not := ""
	if negate {
		not = "NOT "
	}
	switch f.Kind {
	case Many2one:
		col, ok := s.column(s.alias, s.model, f)
		if !ok {
			return frag{}, ValueErrorf("The field %s (%s) of %s is computed and cannot be searched.", f.Label, f.Name, s.model.Label)
		}
		c := sqlf("? IN (SELECT ?.id FROM ? WHERE ?)", col, sqlf(sub.alias), sub.from(), where)
		if negate {
			c = sqlf("(?) IS NOT TRUE", c)
		}
		return c, nil
	case One2many:
		inv := co.Model.Fields[f.Inverse]
		col, ok := sub.column(sub.alias, co.Model, inv)
		if !ok {
			return frag{}, ValueErrorf("The field %s (%s) of %s cannot be searched: its inverse is computed.", f.Label, f.Name, s.model.Label)
		}
		if inv.Kind == Many2oneRef {
			where = sqlf("? AND ?."+quote(inv.ModelField)+" = ?", where, sqlf(sub.alias), s.model.Name)
		}
		return sqlf(not+"EXISTS (SELECT 1 FROM ? WHERE ? = ?.id AND ?)", sub.from(), col, sqlf(s.alias), where), nil
	default:
		*s.count++
		r := fmt.Sprintf("r%d", *s.count)
		return sqlf(not+"EXISTS (SELECT 1 FROM "+quote(f.RelTable)+" "+r+" JOIN ? ON ?.id = "+r+"."+quote(f.RelCocol)+" WHERE "+r+"."+quote(f.RelCol)+" = ?.id AND ?)",
			sub.from(), sqlf(sub.alias), sqlf(s.alias), where), nil
	}
}

// many compiles a leaf on a one2many or many2many itself.
func (s *selection) many(f *Field, l leaf) (frag, error) {
	env := s.env.WithContext(map[string]any{"active_test": false})
	neg := isNegative(l.op)
	hidden := *s
	hidden.env = env
	done := func(c frag, err error) (frag, error) { s.joins = hidden.joins; return c, err }
	switch l.op {
	case "any", "not any":
		d, err := ToDomain(l.value)
		if err != nil {
			return frag{}, err
		}
		return s.through(f, d, neg)
	case "child_of", "parent_of":
		ids, err := s.hierarchy(s.model.comodel(f), l)
		if err != nil {
			return frag{}, err
		}
		return done(hidden.throughRaw(f, sqlf("?.id IN (?)", sqlf("%A"), ids), false))
	case "=", "!=", "in", "not in":
		if isEmpty(l.value) {
			c, err := hidden.throughRaw(f, sqlTrue, !neg)
			return done(c, err)
		}
		if name, ok := l.value.(string); ok {
			return s.through(f, Leaf("display_name", strings.TrimPrefix(map[string]string{"=": "=", "!=": "="}[l.op], ""), name), neg)
		}
		ids, names, withEmpty, err := splitRefs(l.value)
		if err != nil {
			return frag{}, ValueErrorf("Invalid domain term %s", l)
		}
		var parts []frag
		if len(ids) > 0 || len(names) == 0 && !withEmpty {
			c, err := hidden.throughRaw(f, sqlf("?.id = ANY(?)", sqlf("%A"), ids), false)
			if err != nil {
				return frag{}, err
			}
			parts = append(parts, c)
		}
		for _, n := range names {
			c, err := s.through(f, Leaf("display_name", "=", n), false)
			if err != nil {
				return frag{}, err
			}
			parts = append(parts, c)
		}
		if withEmpty {
			c, err := hidden.throughRaw(f, sqlTrue, true)
			if err != nil {
				return frag{}, err
			}
			parts = append(parts, c)
		}
		c := join(parts, " OR ")
		c.sql = "(" + c.sql + ")"
		if neg {
			c = sqlf("NOT ?", c)
		}
		return done(c, nil)
	}
	op := strings.TrimPrefix(l.op, "not ")
	return s.through(f, Leaf("display_name", op, l.value), neg)
}

// throughRaw is through with a condition on the comodel's alias (%A) and
// neither access rules nor active_test.
func (s *selection) throughRaw(f *Field, cond frag, negate bool) (frag, error) {
	*s.count++
	a := fmt.Sprintf("t%d", *s.count)
	place := func(fr frag) frag {
		for i, x := range fr.args {
			if sub, ok := x.(frag); ok && sub.sql == "%A" {
				fr.args[i] = sqlf(a)
			}
		}
		return fr
	}
	not := ""
	if negate {
		not = "NOT "
	}
	co := s.model.comodel(f)
	if f.Kind == One2many {
		inv := co.Fields[f.Inverse]
		if !inv.Stored {
			return frag{}, ValueErrorf("The field %s (%s) of %s cannot be searched: its inverse is computed.", f.Label, f.Name, s.model.Label)
		}
		extra := frag{sql: "TRUE"}
		if inv.Kind == Many2oneRef {
			extra = sqlf(a+"."+quote(inv.ModelField)+" = ?", s.model.Name)
		}
		return sqlf(not+"EXISTS (SELECT 1 FROM "+quote(co.Table)+" "+a+" WHERE "+a+"."+quote(f.Inverse)+" = ?.id AND ? AND ?)", sqlf(s.alias), place(cond), extra), nil
	}
	*s.count++
	r := fmt.Sprintf("r%d", *s.count)
	return sqlf(not+"EXISTS (SELECT 1 FROM "+quote(f.RelTable)+" "+r+" JOIN "+quote(co.Table)+" "+a+" ON "+a+".id = "+r+"."+quote(f.RelCocol)+" WHERE "+r+"."+quote(f.RelCol)+" = ?.id AND ?)", sqlf(s.alias), place(cond)), nil
}

func splitRefs(v any) (ids []int64, names []string, empty bool, err error) {
	ids = []int64{}
	list, ok := v.([]any)
	if !ok {
		if got, err := parseIDs(v); err == nil {
			return got, nil, false, nil
		}
		return nil, nil, false, fmt.Errorf("not a list")
	}
	for _, x := range list {
		switch y := x.(type) {
		case string:
			names = append(names, y)
		case nil:
			empty = true
		case bool:
			empty = empty || !y
		default:
			n, err := toInt(y)
			if err != nil {
				return nil, nil, false, err
			}
			ids = append(ids, n)
		}
	}
	return ids, names, empty, nil
}

// hierarchy is a sub-select of the ids below (child_of) or above (parent_of).
func (s *selection) hierarchy(m *Model, l leaf) (frag, error) {
	ids, names, _, err := splitRefs(l.value)
	if name, ok := l.value.(string); ok {
		names, err = []string{name}, nil
	}
	if err != nil {
		return frag{}, ValueErrorf("Invalid domain term %s", l)
	}
	for _, n := range names {
		found, err := s.env.WithContext(map[string]any{"active_test": false}).Model(m.Name).Search(Leaf("display_name", "ilike", n), SearchOptions{})
		if err != nil {
			return frag{}, err
		}
		ids = append(ids, found.IDs...)
	}
	if m.Parent == "" {
		if p := m.Fields["parent_id"]; p == nil || p.Comodel != m.Name || !p.Stored {
			return sqlf("SELECT unnest(?::bigint[])", ids), nil
		}
	}
	parent := m.Parent
	if parent == "" {
		parent = "parent_id"
	}
	t := quote(m.Table)
	if m.Fields["parent_path"] != nil {
		if l.op == "child_of" {
			return sqlf("SELECT c.id FROM "+t+" p JOIN "+t+" c ON c.parent_path LIKE p.parent_path || '%' WHERE p.id = ANY(?)", ids), nil
		}
		return sqlf("SELECT p.id FROM "+t+" c JOIN "+t+" p ON c.parent_path LIKE p.parent_path || '%' WHERE c.id = ANY(?)", ids), nil
	}
	if l.op == "child_of" {
		return sqlf("WITH RECURSIVE h(id) AS (SELECT id FROM "+t+" WHERE id = ANY(?) UNION SELECT c.id FROM "+t+" c JOIN h ON c."+quote(parent)+" = h.id) SELECT id FROM h", ids), nil
	}
	return sqlf("WITH RECURSIVE h(id, parent) AS (SELECT id, "+quote(parent)+" FROM "+t+" WHERE id = ANY(?) UNION SELECT p.id, p."+quote(parent)+" FROM "+t+" p JOIN h ON p.id = h.parent) SELECT id FROM h", ids), nil
}

func (s *selection) compareID(col frag, m *Model, f *Field, l leaf) (frag, error) {
	switch l.op {
	case "child_of", "parent_of":
		ids, err := s.hierarchy(m, l)
		if err != nil {
			return frag{}, err
		}
		return sqlf("? IN (?)", col, ids), nil
	case "any", "not any":
		return frag{}, ValueErrorf("Invalid leaf %s", l)
	}
	if d, ok := l.value.(frag); ok {
		not := ""
		if isNegative(l.op) {
			not = "NOT "
		}
		return sqlf("? "+not+"IN (?)", col, d), nil
	}
	if strings.Contains(l.op, "like") {
		return s.compareText(sqlf("?::text", col), f, l)
	}
	return s.compareScalar(f, col, l)
}

// nameLeaf searches by display name, as name_search does.
func (s *selection) nameLeaf(l leaf) (frag, error) {
	if len(s.model.searchNames) == 0 {
		return frag{}, ValueErrorf("Records of %s have no name to search by.", s.model.Label)
	}
	neg := isNegative(l.op)
	op := l.op
	if neg {
		op = map[string]string{"!=": "=", "not like": "like", "not ilike": "ilike", "not in": "in"}[op]
	}
	var ds []Domain
	for _, name := range s.model.searchNames {
		ds = append(ds, Leaf(name, op, l.value))
	}
	d := Or(ds...)
	if neg {
		d = Not(d)
	}
	return s.domain(d)
}

func (s *selection) binaryExists(f *Field) frag {
	return sqlf("EXISTS (SELECT 1 FROM ir_attachment WHERE res_model = ? AND res_field = ? AND res_id = ?.id)", s.model.Name, f.Name, sqlf(s.alias))
}
