package orm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// GroupOptions limit and sort a grouped read.
type GroupOptions struct {
	Limit  int
	Offset int
	Order  string
}

// Group is one row of a grouped read.
type Group struct {
	Keys   []any // one value per group-by: Go value, or [start, end) dates as text
	Values map[string]any
	Count  int
	Domain Domain // what the group stands for, with the search's own domain
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
	"count_distinct": "count(DISTINCT ?)", "bool_or": "bool_or(?)", "bool_and": "bool_and(?)", "array_agg": "json_agg(? ORDER BY t.id)"}

func (rs Records) groupKey(s *selection, spec string) (groupKey, error) {
	name, gran, _ := strings.Cut(spec, ":")
	k := groupKey{spec: spec, gran: gran}
	k.field = rs.Model.Fields[name]
	if k.field == nil {
		return k, ValueErrorf("Invalid field '%s' on model '%s'", name, rs.Model.Name)
	}
	if err := rs.Env.checkField(rs.Model, k.field, OpRead); err != nil {
		return k, err
	}
	dated := k.field.Kind == DateKind || k.field.Kind == DatetimeKind
	if gran != "" && granularities[gran] == "" && dateParts[gran] == "" || gran != "" && !dated {
		return k, ValueErrorf("Invalid group-by %q on %s: granularities are hour, day, week, month, quarter, year, on dates only", spec, rs.Model.Name)
	}
	if k.field.Kind == Many2many && k.field.Stored {
		a := s.newAlias("g")
		s.joins = append(s.joins, frag{sql: "LEFT JOIN " + quote(k.field.RelTable) + " " + a + " ON " + a + "." + quote(k.field.RelCol) + " = " + s.alias + ".id"})
		k.col = frag{sql: a + "." + quote(k.field.RelCocol)}
		return k, nil
	}
	col, ok := s.column(s.alias, rs.Model, k.field)
	if !ok {
		return k, ValueErrorf("The field %s (%s) of %s is computed; records cannot be grouped by it.", k.field.Label, k.field.Name, rs.Model.Label)
	}
	k.col = col
	switch {
	case dated && dateParts[gran] != "":
		k.col = sqlf("date_part('"+dateParts[gran]+"', ?)::int", rs.Env.local(k.field, col))
	case dated:
		if k.gran == "" {
			k.gran = "month"
		}
		k.col = sqlf("date_trunc('"+k.gran+"', ?)", sqlf("?::timestamp", rs.Env.local(k.field, col)))
	case k.field.Kind == Boolean:
		k.col = sqlf("COALESCE(?, FALSE)", col)
	}
	return k, nil
}

// ReadGroup aggregates records by some fields, in one statement. Group-bys are
// "field" or "date_field:granularity"; aggregates are "field:function" or
// "__count".
func (rs Records) ReadGroup(d Domain, groupBy, aggregates []string, o GroupOptions) ([]Group, error) {
	if err := rs.checkModel(OpRead); err != nil {
		return nil, err
	}
	if err := rs.Env.Flush(); err != nil {
		return nil, err
	}
	s := rs.Env.newSelect(rs.Model)
	where, err := rs.where(s, d, OpRead)
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
	type agg struct {
		name string
		f    *Field
		fn   string
	}
	var aggs []agg
	cols = append(cols, frag{sql: "count(*)"})
	byName := map[string]frag{"__count": {sql: "count(*)"}}
	for _, spec := range aggregates {
		if spec == "__count" {
			continue
		}
		name, fn, _ := strings.Cut(spec, ":")
		f := rs.Model.Fields[name]
		if f == nil {
			return nil, ValueErrorf("Invalid field '%s' on model '%s'", name, rs.Model.Name)
		}
		if err := rs.Env.checkField(rs.Model, f, OpRead); err != nil {
			return nil, err
		}
		if fn == "" {
			fn = f.Aggregator
		}
		if aggregators[fn] == "" {
			return nil, ValueErrorf("Invalid aggregate %q on %s: functions are sum, avg, min, max, count, count_distinct, bool_or, bool_and, array_agg", spec, rs.Model.Name)
		}
		col, ok := s.column(s.alias, rs.Model, f)
		if !ok {
			return nil, ValueErrorf("The field %s (%s) of %s is computed and cannot be aggregated.", f.Label, f.Name, rs.Model.Label)
		}
		expr := frag{sql: aggregators[fn], args: []any{col}}
		aggs = append(aggs, agg{spec, f, fn})
		cols = append(cols, expr)
		byName[spec], byName[name] = expr, expr
	}
	order, err := rs.groupOrder(s, o.Order, keys, byName, &groups)
	if err != nil {
		return nil, err
	}
	q := sqlf("SELECT ? FROM ? WHERE ?", join(cols, ", "), s.from(), where)
	if len(groups) > 0 {
		q = sqlf("? GROUP BY ?", q, join(groups, ", "))
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
		for i, k := range keys {
			v, cond, err := k.value(rs, row[i])
			if err != nil {
				return err
			}
			g.Keys = append(g.Keys, v)
			conds = append(conds, cond)
		}
		g.Count = int(atoi(string(row[len(keys)])))
		for i, a := range aggs {
			v, err := aggregateValue(a.f, a.fn, row[len(keys)+1+i])
			if err != nil {
				return err
			}
			g.Values[a.name] = v
		}
		g.Domain = And(conds...)
		out = append(out, g)
		return nil
	})
	return out, err
}

func (rs Records) groupOrder(s *selection, order string, keys []groupKey, byName map[string]frag, groups *[]frag) (frag, error) {
	var parts []frag
	if strings.TrimSpace(order) != "" {
		for _, p := range strings.Split(order, ",") {
			w := strings.Fields(p)
			if len(w) == 0 {
				continue
			}
			dir := ""
			if len(w) > 1 && strings.EqualFold(w[1], "desc") {
				dir = " DESC"
			}
			if i := slices.IndexFunc(keys, func(k groupKey) bool { return k.spec == w[0] || k.field.Name == w[0] }); i >= 0 {
				sub, err := rs.keyOrder(s, i, keys[i], dir != "", groups)
				if err != nil {
					return frag{}, err
				}
				parts = append(parts, sub...)
			} else if col, ok := byName[w[0]]; ok {
				parts = append(parts, frag{col.sql + dir, col.args})
			} else {
				return frag{}, ValueErrorf("Invalid order %q of a grouped read on %s: name a group-by or an aggregate", p, rs.Model.Name)
			}
		}
		return join(parts, ", "), nil
	}
	for i, k := range keys {
		sub, err := rs.keyOrder(s, i, k, false, groups)
		if err != nil {
			return frag{}, err
		}
		parts = append(parts, sub...)
	}
	return join(parts, ", "), nil
}

// keyOrder sorts groups by a key: a many2one by its model's order.
func (rs Records) keyOrder(s *selection, at int, k groupKey, desc bool, groups *[]frag) ([]frag, error) {
	if k.field.Kind == Many2one {
		var parts []frag
		if err := s.orderTerms(&parts, s.alias, rs.Model, []orderTerm{{field: k.field.Name, desc: desc}}, false, map[string]bool{}); err != nil {
			return nil, err
		}
		for _, p := range parts {
			bare := strings.NewReplacer(" DESC", "", " NULLS FIRST", "", " NULLS LAST", "").Replace(p.sql)
			*groups = append(*groups, frag{bare, p.args})
		}
		return parts, nil
	}
	dir := ""
	if desc {
		dir = " DESC"
	}
	return []frag{{sql: fmt.Sprint(at+1) + dir}}, nil
}

// value reads a key and the condition that selects its group.
func (k groupKey) value(rs Records, raw []byte) (any, Domain, error) {
	name := k.field.Name
	if raw == nil {
		return nil, Leaf(name, "=", false), nil
	}
	if k.field.Kind == Many2many {
		id := atoi(string(raw))
		return id, Leaf(name, "in", []any{id}), nil
	}
	if dateParts[k.gran] != "" {
		n := atoi(string(raw))
		return n, Leaf(name+"."+k.gran, "=", n), nil
	}
	if k.gran == "" {
		v, err := k.field.decode(raw)
		if err != nil {
			return nil, nil, err
		}
		return v, Leaf(name, "=", v), nil
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
	loc := rs.Env.Location()
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

func aggregateValue(f *Field, fn string, raw []byte) (any, error) {
	switch fn {
	case "count", "count_distinct":
		return atoi(string(raw)), nil
	case "bool_or", "bool_and":
		return string(raw) == "t", nil
	case "array_agg":
		var list []any
		if raw == nil {
			return []any{}, nil
		}
		err := json.Unmarshal(raw, &list)
		return list, err
	case "avg":
		if raw == nil {
			return nil, nil
		}
		return json.Number(string(raw)), nil
	}
	if raw == nil {
		return nil, nil
	}
	return f.decode(raw)
}
