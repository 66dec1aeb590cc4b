package orm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
)

// GroupOptions limit and sort a grouped read.
type GroupOptions struct {
	Limit  int // at most so many groups; 0: all
	Offset int // of which the first so many are left out
	// Order names group-bys and aggregates, each with an optional direction.
	// Empty: the group-bys in their order.
	Order string
}

// Group is one row of a grouped read.
type Group struct {
	Keys   []any          // one value per group-by: Go value, or [start, end) dates as text
	Values map[string]any // the aggregates, by their spelling in the call
	Count  int            // of records
	Domain Domain         // what the group stands for, with the search's own domain
	Extra  Domain         // the same without the search's own domain
}

// groupKey is one group-by: a field and, for dates, a granularity.
type groupKey struct {
	spec  string
	field *Field
	gran  string
	col   frag
}

var granularities = map[string]string{"hour": "hour", "day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year"}

var aggregators = map[string]string{"sum": "sum(?)", "avg": "avg(?)", "min": "min(?)", "max": "max(?)", "count": "count(?)",
	"count_distinct": "count(DISTINCT ?)", "bool_or": "bool_or(?)", "bool_and": "bool_and(?)",
	"array_agg": "json_agg(? ORDER BY t.id)", "array_agg_distinct": "json_agg(DISTINCT ?)", "recordset": "json_agg(? ORDER BY t.id)"}

// groupKey compiles a group-by. A many2many gives a record a row in each of its
// groups, as far as the records that make them are active and the user may see them.
func (rs Records) groupKey(s *selection, spec string) (groupKey, error) {
	name, gran, _ := strings.Cut(spec, ":")
	k := groupKey{spec: spec, gran: gran, field: rs.Model.Fields[name]}
	if k.field == nil {
		return k, ValueErrorf("Invalid field '%s' on model '%s'", name, rs.Model.Name)
	}
	if err := rs.Env.checkField(rs.Model, k.field, OpRead); err != nil {
		return k, err
	}
	if k.field.Kind == SecretKind {
		return k, ValueErrorf("Secrets such as %s of %s are not grouped by", k.field.Label, rs.Model.Label)
	}
	dated := k.field.Kind == DateKind || k.field.Kind == DatetimeKind
	switch {
	case gran != "" && !dated:
		return k, ValueErrorf("Granularity set on a no-datetime field or property: %s", expr.Repr(spec))
	case gran != "" && granularities[gran] == "" && dateParts[gran] == "":
		return k, ValueErrorf("Granularity specification isn't correct: %s", expr.Repr(gran))
	}
	if k.field.Kind == Many2many {
		return k, rs.groupByLinks(s, &k)
	}
	col, ok := s.column(s.alias, rs.Model, k.field)
	if !ok {
		return k, ValueErrorf("Cannot convert %s.%s to SQL because it is not stored", rs.Model.Name, k.field.Name)
	}
	k.col = col
	switch {
	case dated && dateParts[gran] != "":
		var err error
		k.col, err = rs.Env.datePart(k.field, gran, col)
		return k, err
	case dated:
		if k.gran == "" {
			k.gran = "month"
		}
		local := sqlf("?::timestamp", rs.Env.local(k.field, col))
		k.col = sqlf("date_trunc('"+k.gran+"', ?)", local)
		if k.gran == "week" {
			first, err := rs.Env.WeekStart()
			if err != nil {
				return k, err
			}
			shift := fmt.Sprintf("INTERVAL '%d day'", (8-first)%7)
			k.col = sqlf("(date_trunc('week', ? + "+shift+") - "+shift+")", local)
		}
	case k.field.Kind == Boolean:
		k.col = sqlf("COALESCE(?, FALSE)", col)
	}
	return k, nil
}

func (rs Records) groupByLinks(s *selection, k *groupKey) error {
	f, at := k.field, s
	if len(f.Related) > 0 && !f.Stored {
		var ok bool
		if at, ok = s.follow(s.alias, rs.Model, f); ok {
			f = at.model.Fields[f.Related[len(f.Related)-1]]
		}
	}
	if !f.Stored {
		return ValueErrorf("Cannot group %s by %s: its list is not stored", rs.Model.Name, k.field.Name)
	}
	a := s.newAlias("g")
	on := frag{sql: a + "." + quote(f.RelCol) + " = " + at.alias + ".id"}
	if err := rs.Env.Model(f.Comodel).checkModel(OpRead); err != nil {
		return err
	}
	sub, where, err := s.related(f, f.filter)
	if err != nil {
		return err
	}
	if where.sql != sqlTrue.sql {
		on = sqlf("? AND "+a+"."+quote(f.RelCocol)+" IN (SELECT "+sub.alias+".id FROM ? WHERE ?)", on, sub.from(), where)
	}
	s.joins = append(s.joins, sqlf("LEFT JOIN "+quote(f.RelTable)+" "+a+" ON ?", on))
	k.col = frag{sql: a + "." + quote(f.RelCocol)}
	return nil
}

// aggregate is one aggregate: a function of a field.
type aggregate struct {
	spec  string
	field *Field
	fn    string
	expr  frag
}

func (rs Records) aggregate(s *selection, spec string) (aggregate, error) {
	if spec == "__count" {
		return aggregate{spec: spec, expr: frag{sql: "count(*)"}}, nil
	}
	name, fn, _ := strings.Cut(spec, ":")
	f := rs.Model.Fields[name]
	if f == nil {
		return aggregate{}, ValueErrorf("Invalid field '%s' on model '%s'", name, rs.Model.Name)
	}
	if err := rs.Env.checkField(rs.Model, f, OpRead); err != nil {
		return aggregate{}, err
	}
	if fn == "" {
		fn = f.Aggregator
	}
	if aggregators[fn] == "" || fn == "recordset" && !f.Relational() && f.Name != "id" {
		return aggregate{}, ValueErrorf("Invalid aggregate %q on %s: functions are %s", spec, rs.Model.Name, strings.Join(sortedKeys(aggregators), ", "))
	}
	number, truth := f.numeric() || f.Name == "id" || f.Kind == Many2oneRef, f.Kind == Boolean
	switch {
	case f.Kind == SecretKind, (fn == "sum" || fn == "avg") && !number, (fn == "bool_or" || fn == "bool_and") && !truth, (fn == "min" || fn == "max") && (truth || f.Kind == JSONKind):
		return aggregate{}, ValueErrorf("Invalid aggregate %q on %s: %s is of type %s", spec, rs.Model.Name, f.Label, f.Kind)
	}
	col, ok := s.column(s.alias, rs.Model, f)
	if !ok {
		return aggregate{}, ValueErrorf("Cannot convert %s.%s to SQL because it is not stored", rs.Model.Name, f.Name)
	}
	return aggregate{spec, f, fn, frag{sql: aggregators[fn], args: []any{col}}}, nil
}

// ReadGroup aggregates records by some fields, in one statement. Group-bys are
// "field" or "date_field:granularity"; aggregates are "field:function" or
// "__count". Without group-by there is always one group, even of no records.
func (rs Records) ReadGroup(d Domain, groupBy, aggregates []string, o GroupOptions) ([]Group, error) {
	if err := rs.checkModel(OpRead); err != nil {
		return nil, err
	}
	if n := len(groupBy) + len(aggregates) + strings.Count(o.Order, ","); n > maxOrder {
		return nil, tooMany("The grouped read", n, maxOrder, "group-bys, aggregates and terms of its order")
	}
	if err := rs.Env.Flush(); err != nil {
		return nil, err
	}
	within, err := rs.found(d, 0)
	if err != nil {
		return nil, err
	}
	s := rs.Env.newSelect(rs.Model)
	where, err := rs.where(s, within, OpRead)
	if err != nil {
		return nil, err
	}
	var keys []groupKey
	var cols, groups []frag
	for i, spec := range groupBy {
		k, err := rs.groupKey(s, spec)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
		cols = append(cols, k.col)
		groups = append(groups, frag{sql: fmt.Sprint(i + 1)})
	}
	var aggs []aggregate
	cols = append(cols, frag{sql: "count(*)"})
	for i, spec := range aggregates {
		a, err := rs.aggregate(s, spec)
		if err != nil {
			return nil, err
		}
		aggs = append(aggs, a)
		cols = append(cols, sqlf(fmt.Sprintf("? AS a%d", i), a.expr))
	}
	var q, order frag
	if outer := s.outer(keys, o.Order); outer != nil {
		// The groups are few and are sorted by other tables after they are made,
		// for which every record would have to be joined before.
		if order, err = rs.groupOrder(outer, o.Order, keys, nil); err != nil {
			return nil, err
		}
		for i, k := range keys {
			if k.field.Kind == Many2one {
				cols[i] = sqlf("? AS "+quote(k.field.Name), cols[i])
			}
		}
		inner := sqlf("SELECT ? FROM ? WHERE ? GROUP BY ?", join(cols, ", "), s.from(), where, join(groups, ", "))
		q = sqlf("SELECT q.* FROM (?) AS ?", inner, outer.from())
	} else {
		if order, err = rs.groupOrder(s, o.Order, keys, &groups); err != nil {
			return nil, err
		}
		q = sqlf("SELECT ? FROM ? WHERE ?", join(cols, ", "), s.from(), where)
		if len(groups) > 0 {
			q = sqlf("? GROUP BY ?", q, join(groups, ", "))
		}
	}
	if !order.empty() {
		q = sqlf("? ORDER BY ?", q, order)
	}
	if o.Limit > 0 {
		q = sqlf("? LIMIT ?", q, int64(o.Limit))
	}
	if o.Offset > 0 {
		q = sqlf("? OFFSET ?", q, int64(o.Offset))
	}
	var out []Group
	err = rs.Env.each(q, func(row [][]byte) error {
		g := Group{Values: map[string]any{}}
		conds := []Domain{d}
		var err error
		for i, k := range keys {
			v, cond, err := k.value(rs, row[i])
			if err != nil {
				return err
			}
			g.Keys = append(g.Keys, v)
			conds = append(conds, cond)
		}
		g.Count = int(cellInt(string(row[len(keys)])))
		for i, a := range aggs {
			v, err := a.value(row[len(keys)+1+i])
			if err != nil {
				return err
			}
			g.Values[a.spec] = v
		}
		if g.Domain, err = flat(conds...); err != nil {
			return err
		}
		if g.Extra, err = flat(conds[1:]...); err != nil {
			return err
		}
		out = append(out, g)
		return nil
	})
	return out, err
}

// CountBy counts the records of a domain that the user may read, by the record
// to which a many2one or many2one_reference leads. Who may not read the model at
// all finds nothing to count. It is what a compute tells numbers with: by SQL or
// with all rights it would tell of records that the user may not know of.
func (rs Records) CountBy(field string, d Domain) (map[int64]int, error) {
	out := map[int64]int{}
	if ok, err := rs.HasAccess(OpRead); err != nil || !ok {
		return out, err
	}
	groups, err := rs.ReadGroup(d, []string{field}, nil, GroupOptions{})
	for _, g := range groups {
		if id, ok := g.Keys[0].(int64); ok {
			out[id] = g.Count
		}
	}
	return out, err
}

// outer is the selection of groups as a table of their own, "q", when they are
// sorted by nothing but keys, of which the many2ones are columns; nil otherwise.
func (s *selection) outer(keys []groupKey, order string) *selection {
	for _, term := range strings.Split(order, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(term), " ")
		if name != "" && !slices.ContainsFunc(keys, func(k groupKey) bool { return k.spec == name }) {
			return nil
		}
	}
	names := map[string]bool{}
	for _, k := range keys {
		if k.field.Kind != Many2one {
			continue
		}
		if !k.field.column() || k.field.CompanyDependent || names[k.field.Name] {
			return nil
		}
		names[k.field.Name] = true
	}
	if len(names) == 0 {
		return nil
	}
	return &selection{env: s.env, model: s.model, alias: "q", depth: s.depth, source: &source{root: frag{sql: "q"}, known: map[string]string{}, seen: s.seen}}
}

// groupOrder sorts groups by group-bys and aggregates.
func (rs Records) groupOrder(s *selection, order string, keys []groupKey, groups *[]frag) (frag, error) {
	if strings.TrimSpace(order) == "" {
		specs := make([]string, len(keys))
		for i, k := range keys {
			specs[i] = k.spec
		}
		order = strings.Join(specs, ",")
	}
	if order == "" || len(keys) == 0 {
		return frag{}, nil
	}
	var parts []frag
	for _, p := range strings.Split(order, ",") {
		w := strings.Fields(p)
		bad := len(w) == 0
		suffix := ""
		for i := 1; i < len(w) && !bad; i++ {
			switch word := strings.ToUpper(w[i]); {
			case word == "ASC" && i == 1:
			case word == "DESC" && i == 1:
				suffix = " DESC"
			case word == "NULLS" && i+1 < len(w) && (strings.EqualFold(w[i+1], "first") || strings.EqualFold(w[i+1], "last")):
				suffix += " NULLS " + strings.ToUpper(w[i+1])
				i++
			default:
				bad = true
			}
		}
		if bad {
			return frag{}, ValueErrorf("Invalid order %q of a grouped read on %s", order, rs.Model.Name)
		}
		if i := slices.IndexFunc(keys, func(k groupKey) bool { return k.spec == w[0] }); i >= 0 {
			sub, err := rs.keyOrder(s, i, keys[i], suffix, groups)
			if err != nil {
				return frag{}, err
			}
			parts = append(parts, sub...)
			continue
		}
		a, err := rs.aggregate(s, w[0])
		if err != nil || !strings.Contains(w[0], ":") && w[0] != "__count" {
			return frag{}, ValueErrorf("Order term %q is no group-by and no aggregate of %s", w[0], rs.Model.Name)
		}
		parts = append(parts, frag{a.expr.sql + suffix, a.expr.args})
	}
	return join(parts, ", "), nil
}

// keyOrder sorts groups by a key: a many2one by its model's order, by which
// records are grouped, too, unless the groups are made already.
func (rs Records) keyOrder(s *selection, at int, k groupKey, suffix string, groups *[]frag) ([]frag, error) {
	if k.field.Kind != Many2one {
		return []frag{{sql: fmt.Sprint(at+1) + suffix}}, nil
	}
	terms, err := rs.Model.parseOrder(k.field.Name + suffix)
	if err != nil {
		return nil, err
	}
	var parts []frag
	if err := s.orderTerms(&parts, s.alias, rs.Model, terms, false, map[string]bool{}); err != nil {
		return nil, err
	}
	if groups == nil {
		return parts, nil
	}
	for i, p := range parts {
		bare := strings.NewReplacer(" DESC", "", " NULLS FIRST", "", " NULLS LAST", "").Replace(p.sql)
		if len(p.args) > 0 { // with parameters PostgreSQL does not see that it is the same expression
			parts[i].sql = "(array_agg(" + bare + "))[1]" + strings.TrimPrefix(p.sql, bare)
			continue
		}
		*groups = append(*groups, frag{bare, p.args})
	}
	return parts, nil
}

// value reads a key and the condition that selects its group.
func (k groupKey) value(rs Records, raw []byte) (any, Domain, error) {
	name := k.field.Name
	if raw == nil {
		if k.field.Kind == Many2many {
			return nil, Leaf(name, "not any", []any{}), nil
		}
		return nil, Leaf(name, "=", false), nil
	}
	if k.field.Kind == Many2many {
		id := cellInt(string(raw))
		return id, Leaf(name, "=", id), nil
	}
	if dateParts[k.gran] != "" {
		n := cellInt(string(raw))
		return n, Leaf(name+"."+k.gran, "=", n), nil
	}
	if k.gran == "" {
		v, err := k.field.decode(raw)
		if err != nil {
			return nil, nil, err
		}
		return v, Leaf(name, "=", k.field.Wire(v)), nil
	}
	start, err := time.ParseInLocation("2006-01-02 15:04:05", string(raw), time.UTC)
	if err != nil {
		return nil, nil, err
	}
	end := nextPeriod(start, k.gran)
	if k.field.Kind == DateKind {
		a, b := DateOf(start), DateOf(end)
		return []string{a.String(), b.String()}, And(Leaf(name, ">=", a.String()), Leaf(name, "<", b.String())), nil
	}
	loc := rs.Env.ContextLocation()
	utc := func(t time.Time) string {
		return DatetimeOf(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), 0, 0, 0, loc)).String()
	}
	return []string{utc(start), utc(end)}, And(Leaf(name, ">=", utc(start)), Leaf(name, "<", utc(end))), nil
}

func nextPeriod(t time.Time, gran string) time.Time {
	switch gran {
	case "hour":
		return t.Add(time.Hour)
	case "day":
		return t.AddDate(0, 0, 1)
	case "week":
		return t.AddDate(0, 0, 7)
	case "quarter":
		return t.AddDate(0, 3, 0)
	case "year":
		return t.AddDate(1, 0, 0)
	}
	return t.AddDate(0, 1, 0)
}

// value reads an aggregate. Of no values there is no sum: it is nil.
func (a aggregate) value(raw []byte) (any, error) {
	switch a.fn {
	case "", "count", "count_distinct":
		return cellInt(string(raw)), nil
	case "bool_or", "bool_and":
		if raw == nil {
			return nil, nil
		}
		return string(raw) == "t", nil
	case "array_agg", "array_agg_distinct", "recordset":
		list := []any{}
		if raw == nil {
			return list, nil
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
		if a.fn == "recordset" {
			seen := map[any]bool{nil: true}
			list = slices.DeleteFunc(list, func(v any) bool { was := seen[v]; seen[v] = true; return was })
		}
		return list, nil
	}
	if raw == nil {
		return nil, nil
	}
	if a.fn == "avg" {
		return floatNumber(string(raw)), nil
	}
	if a.fn == "sum" && a.field.Kind == Integer {
		return json.Number(string(raw)), nil
	}
	return a.field.decode(raw)
}
