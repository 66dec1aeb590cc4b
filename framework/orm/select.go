package orm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// selection builds one SELECT on a model: its table, the joins that related
// fields and orderings need, and conditions. A copy with another env, model or
// alias still adds to the same SELECT.
type selection struct {
	env   *Env
	model *Model
	alias string
	depth int
	// rules says that the conditions are those of record rules, which must hold
	// back what they cannot look at.
	rules bool
	// within are the models of which a document is looked at, see Document.
	within []*Model
	*source
}

// source is the FROM clause that a selection and its copies share.
type source struct {
	root  frag
	joins []frag
	known map[string]string // join key → alias
	seen  *seen             // shared with sub-selects
}

// seen is what a statement has used so far.
type seen struct {
	aliases int
	terms   int      // conditions compiled
	pattern int      // bytes of the patterns that every row is compared with
	subs    int      // sub-selects
	models  []*Model // whose tables it looks at, that of its root first
}

func newSource(m *Model, alias string, all *seen) *source {
	all.models = append(all.models, m)
	return &source{root: frag{sql: quote(m.Table) + " AS " + alias}, known: map[string]string{}, seen: all}
}

func (e *Env) newSelect(m *Model) *selection {
	return &selection{env: e, model: m, alias: "t", source: newSource(m, "t", &seen{})}
}

const (
	maxDepth = 40  // sub-selects within each other
	maxSubs  = 500 // sub-selects of one statement, each of which PostgreSQL plans
)

// sub begins a sub-select on a model.
func (s *selection) sub(env *Env, m *Model) (*selection, error) {
	if s.depth >= maxDepth {
		return nil, UserErrorf("The domain is nested too deeply (more than %d levels).", maxDepth)
	}
	if s.seen.subs++; s.seen.subs > maxSubs {
		return nil, UserErrorf("The domain has too many conditions on related records; at most %d are accepted.", maxSubs)
	}
	alias := s.newAlias("t")
	return &selection{env: env, model: m, alias: alias, depth: s.depth + 1, rules: s.rules, within: s.within, source: newSource(m, alias, s.seen)}, nil
}

// as is the same selection built with another env.
func (s *selection) as(env *Env) *selection {
	c := *s
	c.env = env
	return &c
}

// at is the same selection seen from a joined table.
func (s *selection) at(alias string, m *Model) *selection {
	c := *s
	c.alias, c.model = alias, m
	return &c
}

func (s *source) newAlias(prefix string) string {
	s.seen.aliases++
	return fmt.Sprintf("%s%d", prefix, s.seen.aliases)
}

// from is the table with all joins asked for so far.
func (s *source) from() frag { return join(append([]frag{s.root}, s.joins...), " ") }

// joinRef joins the record a many2one expression points at.
func (s *source) joinRef(key string, on frag, m *Model) string {
	if a, ok := s.known[key]; ok {
		return a
	}
	a := s.newAlias("t")
	s.known[key] = a
	s.seen.models = append(s.seen.models, m)
	s.joins = append(s.joins, sqlf("LEFT JOIN "+quote(m.Table)+" AS "+a+" ON "+a+".id = ?", on))
	return a
}

// column is the SQL value of a field as seen from alias; ok is false when the
// value is not in SQL (a compute, or a related path through a list).
func (s *selection) column(alias string, m *Model, f *Field) (frag, bool) {
	if f.column() || f.Name == "id" {
		return s.stored(alias, f), true
	}
	if len(f.Related) == 0 {
		return frag{}, false
	}
	at, ok := s.follow(alias, m, f)
	if !ok {
		return frag{}, false
	}
	return at.column(at.alias, at.model, at.model.Fields[f.Related[len(f.Related)-1]])
}

// stored is the SQL value of a field that has a column.
func (s *selection) stored(alias string, f *Field) frag {
	c := frag{sql: alias + "." + quote(f.Name)}
	switch {
	case f.Translate:
		if lang := s.env.Lang(); lang != DefaultLang {
			return sqlf("COALESCE("+c.sql+"->>?, "+c.sql+"->>'"+DefaultLang+"')", lang)
		}
		return frag{sql: "(" + c.sql + "->>'" + DefaultLang + "')"}
	case f.CompanyDependent:
		return s.perCompany(c, f)
	}
	return c
}

// follow joins the records along the many2ones of a related path, all but its
// last step.
func (s *selection) follow(alias string, m *Model, f *Field) (*selection, bool) {
	for _, name := range f.Related[:len(f.Related)-1] {
		step := m.Fields[name]
		if step.Kind != Many2one {
			return nil, false
		}
		on, ok := s.column(alias, m, step)
		if !ok {
			return nil, false
		}
		m = m.comodel(step)
		alias = s.joinRef(alias+"."+name, on, m)
	}
	return s.at(alias, m), true
}

// parseOrder checks an order clause: "field [asc|desc] [nulls first|last], …".
// A many2one may be written "field.id" to sort by the id itself.
func (m *Model) parseOrder(order string) ([]orderTerm, error) {
	if n := strings.Count(order, ",") + 1; n > maxOrder {
		return nil, tooMany("The order", n, maxOrder, "fields")
	}
	var terms []orderTerm
	for _, part := range strings.Split(order, ",") {
		w := strings.Fields(part)
		bad := len(w) == 0 || !isOrderName(w[0])
		t := orderTerm{}
		if !bad {
			t.field, w = w[0], w[1:]
		}
		if len(w) > 0 && (strings.EqualFold(w[0], "asc") || strings.EqualFold(w[0], "desc")) {
			t.desc, w = strings.EqualFold(w[0], "desc"), w[1:]
		}
		if len(w) == 2 && strings.EqualFold(w[0], "nulls") && (strings.EqualFold(w[1], "first") || strings.EqualFold(w[1], "last")) {
			t.nulls, w = strings.ToLower(w[1]), nil
		}
		bad = bad || len(w) > 0
		if bad {
			return nil, UserErrorf("Invalid \"order\" specified (%s). It must be a comma-separated list of field names, each with an optional \"asc\" or \"desc\" and \"nulls first\" or \"nulls last\".", order)
		}
		head, rest, dotted := strings.Cut(t.field, ".")
		f := m.Fields[head]
		if f == nil || dotted && (rest != "id" || f.Kind != Many2one) {
			return nil, ValueErrorf("Invalid field '%s' on model '%s'", t.field, m.Name)
		}
		t.field, t.byID = head, dotted
		terms = append(terms, t)
	}
	return terms, nil
}

// tooMany refuses what would take more work than anybody needs.
func tooMany(what string, n, most int, parts string) error {
	return UserErrorf("%s has %d %s; at most %d are accepted.", what, n, parts, most)
}

// maxOrder is how many fields and group-bys a search or grouped read takes.
const maxOrder = 100

// isOrderName reports whether a word can name a field, so that "lower(name)" is
// told apart from a field that does not exist.
func isOrderName(w string) bool {
	return !strings.ContainsFunc(strings.Trim(w, `"`), func(r rune) bool {
		return r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
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
		if err := s.env.checkField(m, f, OpRead); err != nil {
			return err
		}
		if f.Kind == SecretKind {
			return ValueErrorf("Secrets such as %s of %s are not sorted by", f.Label, m.Label)
		}
		col, ok := s.column(alias, m, f)
		if !ok {
			return ValueErrorf("Cannot convert %s.%s to SQL because it is not stored", m.Name, f.Name)
		}
		desc := t.desc != reverse
		suffix := ""
		if desc {
			suffix = " DESC"
		}
		nulls := t.nulls
		if reverse && nulls != "" {
			nulls = map[string]string{"first": "last", "last": "first"}[nulls]
		}
		switch nulls {
		case "first":
			suffix += " NULLS FIRST"
		case "last":
			suffix += " NULLS LAST"
		}
		if f.Kind == Many2one && !t.byID {
			if err := s.orderByRef(parts, alias, m, f, col, desc, suffix, seen); err != nil {
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

// orderByRef sorts by a many2one: by the order of the model it points at. A
// field met again on the way, as in a hierarchy, does not sort once more.
func (s *selection) orderByRef(parts *[]frag, alias string, m *Model, f *Field, col frag, desc bool, suffix string, seen map[string]bool) error {
	if seen[f.Model.Name+"."+f.Name] {
		return nil
	}
	seen = maps.Clone(seen)
	seen[f.Model.Name+"."+f.Name] = true
	co := m.comodel(f)
	if len(co.order) == 1 && co.order[0].field == "id" || co.Abstract {
		*parts = append(*parts, frag{col.sql + suffix, col.args})
		return nil
	}
	if strings.Contains(suffix, "NULLS") {
		*parts = append(*parts, frag{"(" + col.sql + " IS NULL)" + map[bool]string{true: " DESC"}[strings.HasSuffix(suffix, "FIRST")], col.args})
	}
	return s.orderTerms(parts, s.joinRef(alias+"."+f.Name, col, co), co, co.order, desc, seen)
}

// SearchOptions limit and sort a search. Zero values mean: no limit, the
// model's own order.
type SearchOptions struct {
	Limit  int    // at most so many records; 0: all
	Offset int    // of which the first so many are left out
	Order  string // as in SQL, "date desc, id"; "": that of the model
}

// where compiles a user's domain with active_test and the record rules.
func (rs Records) where(s *selection, d Domain, op Op) (frag, error) {
	n, err := parseDomain(d)
	if err != nil {
		return frag{}, err
	}
	if n.neverHolds() {
		return sqlFalse, nil
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
	rules, ok, err := rs.accessDomain(op)
	if err != nil {
		return frag{}, err
	}
	if ok {
		c, err := s.unchecked().domain(rules)
		if err != nil {
			return frag{}, err
		}
		parts = append(parts, c)
	}
	if len(parts) == 0 {
		return sqlTrue, nil
	}
	return join(parts, " AND "), nil
}

// unchecked is the selection for the conditions of record rules, which are
// evaluated without access checks.
func (s *selection) unchecked() *selection {
	c := s.as(s.env.Sudo().WithContext(map[string]any{"active_test": false}))
	c.rules = true
	return c
}

func searchBase(rs Records, d Domain, o SearchOptions) ([]int64, error) {
	if err := rs.checkModel(OpRead); err != nil {
		return nil, err
	}
	if n, err := parseDomain(d); err == nil && rs.Env.knownEmpty(rs.Model, n) {
		return []int64{}, nil
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
	if o.Order != "" {
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

// found replaces the domain of a model that wraps its search by what the search
// finds, so that nothing is counted or summed that could not be listed.
func (rs Records) found(d Domain, limit int) (Domain, error) {
	if !rs.Model.searches {
		return d, nil
	}
	ids, err := rs.Model.ops.search(rs.Browse(), d, SearchOptions{Limit: max(limit, 0)})
	return Leaf("id", "in", ids), err
}

// SearchCount counts the records of a domain, up to limit when it is positive.
func (rs Records) SearchCount(d Domain, limit int) (int, error) {
	if err := rs.checkModel(OpRead); err != nil {
		return 0, err
	}
	if err := rs.Env.Flush(); err != nil {
		return 0, err
	}
	d, err := rs.found(d, limit)
	if err != nil {
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
