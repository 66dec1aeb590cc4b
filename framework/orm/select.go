package orm

import (
	"fmt"
	"slices"
	"strings"
)

// selection builds one SELECT on a model: its table, the joins that related
// fields and orderings need, and conditions.
type selection struct {
	env   *Env
	model *Model
	alias string
	joins []frag
	known map[string]string // join key → alias
	count *int              // aliases handed out, shared with sub-selects
	depth int
}

func (e *Env) newSelect(m *Model) *selection {
	n := 0
	return &selection{env: e, model: m, alias: "t", known: map[string]string{}, count: &n}
}

const maxDepth = 40

func (s *selection) sub(m *Model) (*selection, error) {
	if s.depth >= maxDepth {
		return nil, UserErrorf("The domain is nested too deeply (more than %d levels).", maxDepth)
	}
	*s.count++
	return &selection{env: s.env, model: m, alias: fmt.Sprintf("t%d", *s.count), known: map[string]string{}, count: s.count, depth: s.depth + 1}, nil
}

// from is the table with all joins asked for so far.
func (s *selection) from() frag {
	f := frag{sql: quote(s.model.Table) + " AS " + s.alias}
	if s.model.Query != "" && s.model.Table == "" {
		f.sql = "(" + s.model.Query + ") AS " + s.alias
	}
	parts := append([]frag{f}, s.joins...)
	return join(parts, " ")
}

// joinRef joins the record a many2one expression points at.
func (s *selection) joinRef(key string, on frag, m *Model) string {
	if a, ok := s.known[key]; ok {
		return a
	}
	*s.count++
	a := fmt.Sprintf("t%d", *s.count)
	s.known[key] = a
	s.joins = append(s.joins, sqlf("LEFT JOIN "+quote(m.Table)+" AS "+a+" ON "+a+".id = ?", on))
	return a
}

// column is the SQL value of a field as seen from alias; ok is false when the
// value is not in SQL (a compute, or a related path through a list).
func (s *selection) column(alias string, m *Model, f *Field) (frag, bool) {
	if f.column() || f.Name == "id" {
		c := frag{sql: alias + "." + quote(f.Name)}
		if f.Translate {
			if lang := s.env.Lang(); lang != DefaultLang {
				return sqlf("COALESCE("+c.sql+"->>?, "+c.sql+"->>'"+DefaultLang+"')", lang), true
			}
			return sqlf("(" + c.sql + "->>'" + DefaultLang + "')"), true
		}
		return c, true
	}
	if len(f.Related) == 0 {
		return frag{}, false
	}
	key := alias
	for i, name := range f.Related {
		step := m.Fields[name]
		if i == len(f.Related)-1 {
			return s.column(alias, m, step)
		}
		if step.Kind != Many2one {
			return frag{}, false
		}
		on, ok := s.column(alias, m, step)
		if !ok {
			return frag{}, false
		}
		key += "." + name
		m = m.comodel(step)
		alias = s.joinRef(key, on, m)
	}
	return frag{}, false
}

// parseOrder checks an order clause: "field [asc|desc] [nulls first|last], …".
func (m *Model) parseOrder(order string) ([]orderTerm, error) {
	var terms []orderTerm
	for _, part := range strings.Split(order, ",") {
		w := strings.Fields(strings.ToLower(part))
		if len(w) == 0 {
			continue
		}
		t := orderTerm{field: strings.Trim(strings.Fields(part)[0], `"`)}
		for i := 1; i < len(w); i++ {
			switch w[i] {
			case "asc":
			case "desc":
				t.desc = true
			case "nulls":
				if i+1 < len(w) && (w[i+1] == "first" || w[i+1] == "last") {
					t.nulls = w[i+1]
					i++
					continue
				}
				fallthrough
			default:
				return nil, UserErrorf("Invalid \"order\" specified (%s). It should be a comma-separated list of field names, each with an optional \"asc\" or \"desc\".", order)
			}
		}
		head, _, _ := strings.Cut(t.field, ".")
		head, _, _ = strings.Cut(head, ":")
		if m.Fields[head] == nil {
			return nil, ValueErrorf("Invalid field '%s' on model '%s'", head, m.Name)
		}
		terms = append(terms, t)
	}
	return terms, nil
}

// orderBy compiles order terms; a many2one sorts by its model's own order.
func (s *selection) orderBy(terms []orderTerm) (frag, error) {
	var parts []frag
	if err := s.orderTerms(&parts, s.alias, s.model, terms, false, map[string]bool{}); err != nil {
		return frag{}, err
	}
	return join(parts, ", "), nil
}

func (s *selection) orderTerms(parts *[]frag, alias string, m *Model, terms []orderTerm, reverse bool, seen map[string]bool) error {
	for _, t := range terms {
		f := m.Fields[t.field]
		if f == nil {
			return ValueErrorf("Invalid field '%s' on model '%s'", t.field, m.Name)
		}
		if ok, err := s.env.fieldAllowed(f); err != nil {
			return err
		} else if !ok {
			return s.env.checkField(m, f, OpRead)
		}
		col, ok := s.column(alias, m, f)
		if !ok {
			continue // a value that is not in SQL cannot sort
		}
		desc := t.desc != reverse
		suffix := ""
		if desc {
			suffix = " DESC"
		}
		switch t.nulls {
		case "first":
			suffix += " NULLS FIRST"
		case "last":
			suffix += " NULLS LAST"
		}
		if f.Kind == Many2one {
			key := f.Comodel + ":" + alias + "." + f.Name
			if seen[f.Model.Name+"."+f.Name] {
				continue
			}
			seen[f.Model.Name+"."+f.Name] = true
			co := m.comodel(f)
			if len(co.order) == 1 && co.order[0].field == "id" || co.Abstract {
				*parts = append(*parts, frag{col.sql + suffix, col.args})
				continue
			}
			a := s.joinRef(key, col, co)
			if err := s.orderTerms(parts, a, co, co.order, desc, seen); err != nil {
				return err
			}
			continue
		}
		if f.Kind == Boolean && f.Stored {
			col.sql = "COALESCE(" + col.sql + ", FALSE)"
		}
		*parts = append(*parts, frag{col.sql + suffix, col.args})
	}
	return nil
}

// SearchOptions limit and sort a search. Zero values mean: no limit, the
// model's own order.
type SearchOptions struct {
	Limit  int
	Offset int
	Order  string
}

// where compiles a user's domain with active_test and the record rules.
func (rs Records) where(s *selection, d Domain, op Op) (frag, error) {
	n, err := parseDomain(d)
	if err != nil {
		return frag{}, err
	}
	var parts []frag
	if rs.Model.HasActive() && rs.Env.Flag("active_test", true) && !n.mentions("active") {
		c, err := s.leaf(leaf{path: "active", op: "=", value: true})
		if err != nil {
			return frag{}, err
		}
		parts = append(parts, c)
	}
	if n != nil {
		c, err := s.node(n)
		if err != nil {
			return frag{}, err
		}
		parts = append(parts, c)
	}
	rules, ok, err := rs.ruleDomain(op)
	if err != nil {
		return frag{}, err
	}
	if ok {
		// The rules themselves are evaluated without access checks.
		priv := *s
		priv.env = rs.Env.Sudo().WithContext(map[string]any{"active_test": false})
		c, err := priv.domain(rules)
		s.joins = priv.joins
		if err != nil {
			return frag{}, err
		}
		parts = append(parts, c)
	}
	if len(parts) == 0 {
		return frag{sql: "TRUE"}, nil
	}
	return join(parts, " AND "), nil
}

func searchBase(rs Records, d Domain, o SearchOptions) ([]int64, error) {
	if err := rs.checkModel(OpRead); err != nil {
		return nil, err
	}
	q, err := rs.searchQuery(d, o)
	if err != nil {
		return nil, err
	}
	return rs.Env.queryIDs(q)
}

// searchQuery is the statement of a search; it flushes what the search could
// see.
func (rs Records) searchQuery(d Domain, o SearchOptions) (frag, error) {
	if err := rs.Env.Flush(); err != nil {
		return frag{}, err
	}
	s := rs.Env.newSelect(rs.Model)
	where, err := rs.where(s, d, OpRead)
	if err != nil {
		return frag{}, err
	}
	terms := rs.Model.order
	if strings.TrimSpace(o.Order) != "" {
		if terms, err = rs.Model.parseOrder(o.Order); err != nil {
			return frag{}, err
		}
	}
	order, err := s.orderBy(terms)
	if err != nil {
		return frag{}, err
	}
	q := sqlf("SELECT "+s.alias+".id FROM ? WHERE ?", s.from(), where)
	if !order.empty() {
		q = sqlf("? ORDER BY ?", q, order)
	}
	if o.Limit > 0 {
		q = sqlf("? LIMIT ?", q, int64(o.Limit))
	}
	if o.Offset > 0 {
		q = sqlf("? OFFSET ?", q, int64(o.Offset))
	}
	return q, nil
}

// Search finds records; the result is ordered.
func (rs Records) Search(d Domain, o SearchOptions) (Records, error) {
	if rs.Model.Abstract {
		return rs.Browse(), nil
	}
	ids, err := rs.Model.ops.search(rs.Browse(), d, o)
	return rs.Browse(ids...), err
}

// SearchCount counts the records of a domain, up to limit when it is positive.
func (rs Records) SearchCount(d Domain, limit int) (int, error) {
	if err := rs.checkModel(OpRead); err != nil {
		return 0, err
	}
	if err := rs.Env.Flush(); err != nil {
		return 0, err
	}
	s := rs.Env.newSelect(rs.Model)
	where, err := rs.where(s, d, OpRead)
	if err != nil {
		return 0, err
	}
	q := sqlf("SELECT count(*) FROM ? WHERE ?", s.from(), where)
	if limit > 0 {
		q = sqlf("SELECT count(*) FROM (SELECT 1 FROM ? WHERE ? LIMIT ?) x", s.from(), where, int64(limit))
	}
	n, err := rs.Env.queryIDs(q)
	if err != nil {
		return 0, err
	}
	return int(n[0]), nil
}

// Filter keeps the records that match a domain, in their order.
func (rs Records) Filter(d Domain) (Records, error) {
	if len(rs.IDs) == 0 {
		return rs, nil
	}
	env := rs.Env.WithContext(map[string]any{"active_test": false})
	found, err := env.Model(rs.Model.Name).Search(And(Leaf("id", "in", rs.IDs), d), SearchOptions{})
	if err != nil {
		return rs, err
	}
	keep := map[int64]bool{}
	for _, id := range found.IDs {
		keep[id] = true
	}
	return rs.Browse(slices.DeleteFunc(slices.Clone(rs.IDs), func(id int64) bool { return !keep[id] })...), nil
}
