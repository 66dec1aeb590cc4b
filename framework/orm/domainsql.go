package orm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
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

// compare compiles a leaf on a value that is in SQL.
func (s *selection) compare(f *Field, col frag, l leaf) (frag, error) {
	if f.Kind == Many2one {
		return s.compareRef(f, col, l)
	}
	switch l.op {
	case "child_of", "parent_of":
		return s.compareScalar(f, col, leaf{path: l.path, op: "in", value: l.value})
	case "any", "not any":
		return frag{}, ValueErrorf("Invalid leaf %s", l)
	case "=?":
		if isEmpty(l.value) {
			return sqlTrue, nil
		}
		l.op = "="
	}
	if strings.HasSuffix(l.op, "like") {
		if !f.Textual() {
			col = sqlf("?::text", col)
		}
		return s.compareText(col, f, l)
	}
	return s.compareScalar(f, col, l)
}

func (s *selection) compareText(col frag, f *Field, l leaf) (frag, error) {
	neg := strings.HasPrefix(l.op, "not ")
	text, _ := l.value.(string)
	if isEmpty(l.value) {
		text = ""
	} else if _, ok := l.value.(string); !ok {
		if _, isList := l.value.([]any); isList {
			return frag{}, ValueErrorf("Invalid domain term %s", l)
		}
		text = fmt.Sprint(l.value)
	}
	exact := strings.HasPrefix(l.op, "=")
	if !exact {
		if text == "" {
			if neg {
				return sqlf("? IS NULL", col), nil
			}
			return sqlf("(? IS NOT NULL OR TRUE)", col), nil
		}
		text = "%" + text + "%"
	}
	op := "LIKE"
	if strings.HasSuffix(l.op, "ilike") {
		op = "ILIKE"
	}
	if neg {
		return sqlf("(? NOT "+op+" ? OR ? IS NULL)", col, text, col), nil
	}
	return sqlf("? "+op+" ?", col, text), nil
}

func (s *selection) compareScalar(f *Field, col frag, l leaf) (frag, error) {
	if f.Kind == Boolean {
		return s.compareBool(col, l)
	}
	neg := isNegative(l.op)
	list, isList := l.value.([]any)
	if ids, ok := l.value.([]int64); ok {
		isList = true
		for _, id := range ids {
			list = append(list, id)
		}
	} else if ss, ok := l.value.([]string); ok {
		isList = true
		for _, x := range ss {
			list = append(list, x)
		}
	}
	switch l.op {
	case "in", "not in":
		if _, ok := l.value.(bool); ok || l.value == nil {
			return s.compareScalar(f, col, leaf{path: l.path, op: map[string]string{"in": "=", "not in": "!="}[l.op], value: l.value})
		}
		if !isList {
			return frag{}, ValueErrorf("Invalid domain term %s", l)
		}
		return s.compareList(f, col, list, neg)
	case "=", "!=":
		if isList {
			return s.compareList(f, col, list, neg)
		}
		if isEmpty(l.value) {
			return nullTest(f, col, !neg), nil
		}
		v, err := s.operand(f, l)
		if err != nil {
			return frag{}, err
		}
		if v == nil {
			return nullTest(f, col, !neg), nil
		}
		if zeroOf(v) && f.Kind != Many2oneRef && f.Name != "id" {
			// an unset number reads as 0 and is found as 0
			if neg {
				return sqlf("(? != ? AND ? IS NOT NULL)", col, v, col), nil
			}
			return sqlf("(? = ? OR ? IS NULL)", col, v, col), nil
		}
		if neg {
			return sqlf("(? != ? OR ? IS NULL)", col, v, col), nil
		}
		return sqlf("? = ?", col, v), nil
	case "<", ">", "<=", ">=":
		if isEmpty(l.value) {
			return sqlFalse, nil
		}
		v, err := s.operand(f, l)
		if err != nil {
			return frag{}, err
		}
		return sqlf("? "+l.op+" ?", col, v), nil
	}
	return frag{}, ValueErrorf("Invalid leaf %s", l)
}

func zeroOf(v any) bool {
	switch x := v.(type) {
	case int64:
		return x == 0
	case float64:
		return x == 0
	case decimal.Decimal:
		return x.IsZero()
	}
	return false
}

func nullTest(f *Field, col frag, isNull bool) frag {
	if !isNull {
		return sqlf("? IS NOT NULL", col)
	}
	return sqlf("? IS NULL", col)
}

func (s *selection) compareList(f *Field, col frag, list []any, neg bool) (frag, error) {
	vals := make([]any, 0, len(list))
	empty := false
	for _, x := range list {
		if isEmpty(x) {
			empty = true
			continue
		}
		v, err := s.operand(f, leaf{path: f.Name, op: "in", value: x})
		if err != nil {
			return frag{}, err
		}
		if v == nil {
			empty = true
			continue
		}
		vals = append(vals, v)
	}
	in := sqlFalse
	if len(vals) > 0 {
		in = sqlf("? = ANY(?)", col, typedList(f, vals))
	}
	switch {
	case !neg && empty:
		return sqlf("(? OR ? IS NULL)", in, col), nil
	case !neg:
		return in, nil
	case empty:
		return sqlf("(NOT (?) AND ? IS NOT NULL)", in, col), nil
	}
	return sqlf("((?) IS NOT TRUE)", in), nil
}

// typedList turns values into a Go slice pgx can send as an array.
func typedList(f *Field, vals []any) any {
	switch vals[0].(type) {
	case int64:
		out := make([]int64, len(vals))
		for i, v := range vals {
			out[i], _ = v.(int64)
		}
		return out
	case float64:
		out := make([]float64, len(vals))
		for i, v := range vals {
			out[i], _ = v.(float64)
		}
		return out
	}
	out := make([]string, len(vals))
	for i, v := range vals {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// operand reads the right side of a comparison as the field's type.
func (s *selection) operand(f *Field, l leaf) (any, error) {
	if f.Kind == DatetimeKind {
		if text, ok := l.value.(string); ok && len(text) == 10 && (l.op == "<=" || l.op == ">") {
			l.value = text + " 23:59:59.999999"
		}
	}
	if f.Kind == Selection || f.Kind == Char {
		if str, ok := textOf(l.value); ok {
			return str, nil
		}
		return fmt.Sprint(l.value), nil
	}
	free := *f
	free.Size, free.BigInt = 0, true
	if free.Digits >= 0 {
		free.Digits = -1
	}
	v, err := free.parse(l.value)
	if err != nil {
		return nil, ValueErrorf("Invalid value in domain term %s: %s expects %s", l, f.Name, f.Kind)
	}
	if d, ok := v.(decimal.Decimal); ok && f.Digits >= 0 {
		v = d.Round(int32(f.Digits))
	}
	return v, nil
}

func (s *selection) compareBool(col frag, l leaf) (frag, error) {
	want := func(v any) bool {
		switch x := v.(type) {
		case nil:
			return false
		case bool:
			return x
		case string:
			return x != "" && x != "False" && x != "false" && x != "0"
		}
		n, err := toInt(v)
		return err != nil || n != 0
	}
	yes, no := sqlf("? IS TRUE", col), sqlf("? IS NOT TRUE", col)
	switch l.op {
	case "=", "!=", "=?":
		if l.op == "=?" && isEmpty(l.value) {
			return sqlTrue, nil
		}
		if want(l.value) != (l.op == "!=") {
			return yes, nil
		}
		return no, nil
	case "in", "not in":
		list, ok := l.value.([]any)
		if !ok {
			return s.compareBool(col, leaf{op: map[string]string{"in": "=", "not in": "!="}[l.op], value: l.value})
		}
		t := slices.ContainsFunc(list, func(v any) bool { return want(v) })
		f := slices.ContainsFunc(list, func(v any) bool { return !want(v) })
		if l.op == "not in" {
			t, f = !t, !f
		}
		switch {
		case t && f:
			return sqlTrue, nil
		case t:
			return yes, nil
		case f:
			return no, nil
		}
		return sqlFalse, nil
	}
	return frag{}, ValueErrorf("Invalid leaf %s", l)
}

// compareRef compiles a leaf on a many2one itself.
func (s *selection) compareRef(f *Field, col frag, l leaf) (frag, error) {
	co := s.model.registry.models[f.Comodel]
	neg := isNegative(l.op)
	switch l.op {
	case "child_of", "parent_of":
		ids, err := s.hierarchy(co, l)
		if err != nil {
			return frag{}, err
		}
		return sqlf("? IN (?)", col, ids), nil
	case "any", "not any":
		d, err := ToDomain(l.value)
		if err != nil {
			return frag{}, err
		}
		return s.through(f, d, neg)
	case "=?":
		if isEmpty(l.value) {
			return sqlTrue, nil
		}
		l.op = "="
	}
	if r, ok := l.value.(Records); ok {
		l.value = r.IDs
		if l.op == "=" {
			l.op = "in"
		} else if l.op == "!=" {
			l.op = "not in"
		}
	}
	if _, ok := l.value.(string); ok {
		op := strings.TrimPrefix(l.op, "not ")
		if op == "!=" || op == "in" {
			op = "="
		}
		return s.named(f, col, op, l.value, neg)
	}
	if strings.Contains(l.op, "like") {
		return s.named(f, col, strings.TrimPrefix(l.op, "not "), l.value, neg)
	}
	if list, ok := l.value.([]any); ok && (l.op == "in" || l.op == "not in" || l.op == "=" || l.op == "!=") {
		_, names, empty, err := splitRefs(list)
		if err != nil {
			return frag{}, ValueErrorf("Invalid domain term %s", l)
		}
		if len(names) > 0 {
			var ds []frag
			for _, n := range names {
				c, err := s.named(f, col, "=", n, false)
				if err != nil {
					return frag{}, err
				}
				ds = append(ds, c)
			}
			rest := slices.DeleteFunc(slices.Clone(list), func(x any) bool { _, ok := x.(string); return ok })
			c, err := s.compareList(f, col, rest, false)
			if err != nil {
				return frag{}, err
			}
			all := join(append(ds, c), " OR ")
			if neg {
				return sqlf("(?) IS NOT TRUE", all), nil
			}
			return sqlf("(?)", all), nil
		}
		_ = empty
	}
	if _, ok := l.value.(bool); ok && l.value == true {
		return frag{}, ValueErrorf("Invalid domain term %s", l)
	}
	return s.compareScalar(f, col, l)
}

func (s *selection) named(f *Field, col frag, op string, value any, neg bool) (frag, error) {
	c, err := s.through(f, Leaf("display_name", op, value), false)
	if err != nil {
		return frag{}, err
	}
	if neg {
		return sqlf("(?) IS NOT TRUE", c), nil
	}
	return c, nil
}

func (s *selection) binaryExists(f *Field) frag {
	return sqlf("EXISTS (SELECT 1 FROM ir_attachment WHERE res_model = ? AND res_field = ? AND res_id = ?.id)", s.model.Name, f.Name, sqlf(s.alias))
}
