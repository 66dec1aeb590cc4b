package orm

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// cache stands between the records of a unit of work and the database. It has two
// halves: values of rows, and computes that are still to be evaluated.
//
//	 read                      write, create
//	  │                              │
//	  │      ┌───────────────────────┤ what depends on the change
//	  │      ▼                       │ (Model.triggers, backwards)
//	  │   pending ── Flush ──┐       │
//	  │   records by field   │       │ values that are given
//	  │   of each compute,   ▼       │
//	  │   but protected   recompute  │
//	  │                      │       │
//	  │        values that   │       │
//	  ▼        differ        ▼       ▼
//	rows ◀─────────────── dirty    UPDATE, INSERT
//	  ▲                      │       │
//	  │ SELECT               │ writeDirty: one UPDATE a model
//	  │                      ▼       ▼
//	  └────────────────── the database
//
// A value in rows is as the database has it, or dirty: computed, and written later
// with others. A compute in pending has to be evaluated of some records; fields that
// were given by hand in the same create or write are protected from it. Flush
// evaluates what is pending, in the order of the dependencies, writes what is dirty
// and runs the constraints that wait; a read or a search that could see any of it
// flushes first. Records that are created together are numbered first, then what can
// be computed of them is (precompute), and they are inserted with it.
//
// The transaction sees nobody else's changes, so what is known stays true until the
// unit itself changes it: every Statement says what it writes; after one that does
// not, everything is invalidated.
//
// New records, which are never stored, have a half of their own: see newRecords.
type cache struct {
	rows  map[*Model]map[int64]*row
	count int
	// dirty are rows with values that the database lacks. Every statement that
	// might look at them writes them first.
	dirty map[*Model]map[int64]bool

	// pending are the stored computes to be evaluated, protected the records of
	// whose computed fields a value was given since the last flush.
	pending   map[*compute]*pendingCompute
	protected map[*Field]map[int64]bool
	checks    []pendingCheck // constraints that wait for a flush
	depth     int            // creates and writes under way
	preparing int            // inserts being prepared, one in another
	flushing  bool

	// readable are the records that rules let somebody read.
	readable map[reader]map[int64]bool
	ruled    map[ruled]Domain // what rules say
	// documents are the names of models in a column that tells a document's.
	documents map[*Field][]string
	// fresh are records made by this unit: nothing can refer to them but what
	// the unit has written since, which is in refs by the field that refers.
	fresh map[*Model]map[int64]bool
	refs  map[*Field]map[int64][]int64
}

// row is what is known of a record: the values of columns by Field.at.
type row struct {
	vals    []any
	dirty   []*Field
	variant map[variant]any
}

// variant is a column whose value depends on a language or a company.
type variant struct {
	f  *Field
	of string
}

// reader is somebody whom record rules may show a model differently than others.
type reader struct {
	m         *Model
	uid       int64
	companies string
}

// unknown stands for a value that has not been read.
type unknown struct{}

const (
	maxCachedRows  = 50000 // of a unit; then the cache is emptied
	maxCachedBatch = 5000  // larger reads pass it by
)

func newCache() *cache {
	return &cache{rows: map[*Model]map[int64]*row{}, dirty: map[*Model]map[int64]bool{}, pending: map[*compute]*pendingCompute{}, protected: map[*Field]map[int64]bool{}, readable: map[reader]map[int64]bool{}, ruled: map[ruled]Domain{}, documents: map[*Field][]string{},
		fresh: map[*Model]map[int64]bool{}, refs: map[*Field]map[int64][]int64{}}
}

// invalidate forgets all rows. Nothing may be dirty, unless it is given up.
func (c *cache) invalidate() {
	clear(c.rows)
	clear(c.dirty)
	c.invalidateAccess()
	clear(c.fresh)
	clear(c.refs)
	c.count = 0
}

// reset gives up everything that is known and everything that is still to be done.
func (c *cache) reset() {
	clear(c.pending)
	clear(c.protected)
	c.checks, c.flushing = nil, false
	c.invalidate()
}

// invalidateAccess forgets what rules say and let read: any change may make it
// otherwise.
func (c *cache) invalidateAccess() {
	clear(c.readable)
	clear(c.ruled)
	clear(c.documents)
}

// cached reports whether values of the field are kept in the cache.
func (f *Field) cached() bool {
	return f.column() && f.Kind != SecretKind && f.Model.Query == ""
}

func (c *cache) row(m *Model, id int64) *row {
	rows := c.rows[m]
	if rows == nil {
		rows = map[int64]*row{}
		c.rows[m] = rows
	}
	r := rows[id]
	if r == nil {
		r = &row{vals: make([]any, len(m.stored))}
		for i := range r.vals {
			r.vals[i] = unknown{}
		}
		rows[id] = r
		c.count++
	}
	return r
}

// variantOf is the language or company on which the value of a column depends.
func (e *Env) variantOf(f *Field) (string, bool) {
	switch {
	case f.Translate:
		return e.Lang(), true
	case f.CompanyDependent:
		return strconv.FormatInt(e.Company(), 10), true
	}
	return "", false
}

func (e *Env) cached(r *row, f *Field) any {
	if of, varies := e.variantOf(f); varies {
		if v, ok := r.variant[variant{f, of}]; ok {
			return v
		}
		return unknown{}
	}
	return r.vals[f.at]
}

// setCached keeps a value that is stored.
func (e *Env) setCached(r *row, f *Field, v any) {
	if of, varies := e.variantOf(f); varies {
		if r.variant == nil {
			r.variant = map[variant]any{}
		}
		r.variant[variant{f, of}] = v
		return
	}
	r.vals[f.at] = v
}

// invalidate makes a value unknown.
func (r *row) invalidate(f *Field) {
	r.vals[f.at] = unknown{}
	maps.DeleteFunc(r.variant, func(k variant, _ any) bool { return k.f == f })
}

func (e *Env) readerOf(m *Model) reader {
	return reader{m, e.uid, fmt.Sprint(e.Companies())}
}

// fromCache is fetch without the database: nil unless every value is known and
// known to be the user's to read.
func (rs Records) fromCache(fields []*Field) (*columns, error) {
	rows := rs.Env.u.cache.rows[rs.Model]
	if len(rows) == 0 {
		return nil, nil
	}
	var joined []*Field
	for _, f := range fields {
		if !f.column() {
			if f.Kind == SecretKind {
				return nil, nil // followed, it would come decrypted
			}
			joined = append(joined, f)
		} else if !f.cached() {
			return nil, nil
		}
	}
	found := make([]*row, len(rs.IDs))
	for i, id := range rs.IDs {
		r := rows[id]
		if r == nil {
			return nil, nil
		}
		found[i] = r
	}
	if _, ruled, err := rs.accessDomain(OpRead); err != nil {
		return nil, err
	} else if ruled {
		readable := rs.Env.u.cache.readable[rs.Env.readerOf(rs.Model)]
		for _, id := range rs.IDs {
			if !readable[id] {
				return nil, nil
			}
		}
	}
	c := newColumns(rs.IDs)
	for _, f := range fields {
		if !f.column() {
			continue
		}
		col := make([]any, len(found))
		for i, r := range found {
			v := rs.Env.cached(r, f)
			if v == (unknown{}) {
				return nil, nil
			}
			col[i] = v
		}
		c.vals[f.Name] = col
	}
	if len(joined) > 0 {
		cols, err := rs.related(joined)
		if err != nil {
			return nil, err
		}
		for i, f := range joined {
			c.vals[f.Name] = cols[i]
		}
	}
	return c, nil
}

// toCache keeps what fetch has read, and puts in what is not stored yet.
func (rs Records) toCache(fields []*Field, c *columns, ruled bool) {
	u := rs.Env.u
	rows := u.cache.rows[rs.Model]
	keep := len(rs.IDs) <= maxCachedBatch
	if !keep && len(u.cache.dirty[rs.Model]) == 0 {
		return
	}
	for _, f := range fields {
		if !f.cached() {
			continue
		}
		col := c.vals[f.Name]
		for id, i := range c.index {
			r := rows[id]
			if r != nil && slices.Contains(r.dirty, f) {
				col[i] = r.vals[f.at]
			} else if keep {
				if r == nil {
					r = u.cache.row(rs.Model, id)
					rows = u.cache.rows[rs.Model]
				}
				rs.Env.setCached(r, f, col[i])
			}
		}
	}
	if ruled && keep {
		key := rs.Env.readerOf(rs.Model)
		if u.cache.readable[key] == nil {
			u.cache.readable[key] = map[int64]bool{}
		}
		for id := range c.index {
			u.cache.readable[key][id] = true
		}
	}
}

// cacheNew keeps the values of rows just inserted; columns that none of them
// was given are empty.
func (rs Records) cacheNew(ids []int64, ins []*intake, used map[*Field]any) {
	c := rs.Env.u.cache
	c.invalidateAccess()
	fresh := c.fresh[rs.Model]
	if fresh == nil {
		fresh = map[int64]bool{}
		c.fresh[rs.Model] = fresh
	}
	for _, id := range ids {
		fresh[id] = true
	}
	for f := range used {
		if f.Kind == Many2one {
			for i, id := range ids {
				rs.Env.refer(f, id, ins[i].columns[f])
			}
		}
	}
	if len(ids) > maxCachedBatch {
		return
	}
	now := DatetimeOf(rs.Env.u.now)
	for i, id := range ids {
		r := c.row(rs.Model, id)
		for _, f := range rs.Model.stored {
			v, given := ins[i].columns[f]
			switch {
			case !f.cached() || f.Kind == JSONKind && given:
				continue
			case f.Name == "id":
				v = id
			case f.Name == "create_uid" || f.Name == "write_uid":
				v = rs.Env.uid
			case f.Name == "create_date" || f.Name == "write_date":
				v = now
			case f.CompanyDependent && !given:
				if _, stored := used[f]; !stored {
					v = rs.Env.companyFallback(f)
				}
			case !given:
				v = f.empty()
			}
			rs.Env.setCached(r, f, v)
		}
	}
}

// cacheWritten keeps the values of an update.
func (rs Records) cacheWritten(cols map[*Field]any) {
	u := rs.Env.u
	rows := u.cache.rows[rs.Model]
	magic := []*Field{rs.Model.Fields["write_uid"], rs.Model.Fields["write_date"]}
	for _, id := range rs.IDs {
		for f, v := range cols {
			if f.Kind == Many2one {
				rs.Env.refer(f, id, v)
			}
		}
		r := rows[id]
		if r == nil {
			continue
		}
		for f, v := range cols {
			if at := slices.Index(r.dirty, f); at >= 0 {
				r.dirty = slices.Delete(r.dirty, at, at+1)
			}
			r.invalidate(f)
			if mayBeDirty(f) {
				r.vals[f.at] = v
			}
		}
		for _, f := range magic {
			if f != nil {
				r.invalidate(f)
			}
		}
	}
}

// refer notes that a record refers to one made by this unit.
func (e *Env) refer(f *Field, id int64, to any) {
	target, ok := to.(int64)
	if !ok || !e.u.cache.fresh[f.Model.comodel(f)][target] {
		return
	}
	refs := e.u.cache.refs[f]
	if refs == nil {
		refs = map[int64][]int64{}
		e.u.cache.refs[f] = refs
	}
	if !slices.Contains(refs[target], id) {
		refs[target] = append(refs[target], id)
	}
}

// referrers are the records whose many2one points at one of ids, more or less:
// among those that refer to records of this unit are some that once did.
func (e *Env) referrers(f *Field, ids []int64) ([]int64, error) {
	fresh, refs := e.u.cache.fresh[f.Model.comodel(f)], e.u.cache.refs[f]
	var out, old []int64
	for _, id := range ids {
		if fresh[id] && !magicFields[f.Name] {
			out = append(out, refs[id]...)
		} else {
			old = append(old, id)
		}
	}
	if len(old) == 0 {
		return out, nil
	}
	found, err := e.queryOf(sqlf("SELECT id FROM "+quote(f.Model.Table)+" WHERE "+quote(f.Name)+" = ANY(?)", old), f.Model)
	if len(out) == 0 {
		return found, err
	}
	out = append(out, found...)
	slices.Sort(out)
	return slices.Compact(out), err
}

// owners are the records at which the many2one of the given ones points.
func (e *Env) owners(f *Field, ids []int64) ([]int64, error) {
	var out []int64
	rows := e.u.cache.rows[f.Model]
	for _, id := range ids {
		r := rows[id]
		if r == nil || !f.cached() || r.vals[f.at] == (unknown{}) {
			return e.queryOf(sqlf("SELECT DISTINCT "+quote(f.Name)+" FROM "+quote(f.Model.Table)+" WHERE id = ANY(?)", ids), f.Model)
		}
		if to, ok := r.vals[f.at].(int64); ok {
			out = append(out, to)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// unreferred reports whether no record can be in the list of any of the records.
func (rs Records) unreferred(f *Field) bool {
	inv := rs.Model.comodel(f).Fields[f.Inverse]
	if f.Kind != One2many || inv.Kind != Many2one || !inv.Stored || magicFields[inv.Name] {
		return false
	}
	fresh, refs := rs.Env.u.cache.fresh[rs.Model], rs.Env.u.cache.refs[inv]
	return !slices.ContainsFunc(rs.IDs, func(id int64) bool { return !fresh[id] || len(refs[id]) > 0 })
}

// knownEmpty reports whether a domain asks for records that refer to one of this unit
// to which nothing refers, so that the database need not be asked.
func (e *Env) knownEmpty(m *Model, n *node) bool {
	switch {
	case n == nil:
		return false
	case n.op == "&":
		return slices.ContainsFunc(n.kids, func(k *node) bool { return e.knownEmpty(m, k) })
	case n.op != "" || n.leaf.isNum || n.leaf.op != "=" && n.leaf.op != "in":
		return false
	}
	f := m.Fields[n.leaf.path]
	if f == nil || f.Kind != Many2one || !f.cached() || f.CompanyDependent || magicFields[f.Name] {
		return false
	}
	ids, err := parseIDs(n.leaf.value)
	if err != nil || len(ids) == 0 {
		return false
	}
	fresh, refs := e.u.cache.fresh[m.comodel(f)], e.u.cache.refs[f]
	return !slices.ContainsFunc(ids, func(id int64) bool { return !fresh[id] || len(refs[id]) > 0 })
}

// setDirty keeps computed values that are stored later, with others.
func (e *Env) setDirty(m *Model, cols []*Field, c *computed) {
	dirty := e.u.cache.dirty[m]
	if dirty == nil {
		dirty = map[int64]bool{}
		e.u.cache.dirty[m] = dirty
	}
	for i, id := range c.ids {
		r := e.u.cache.row(m, id)
		for _, f := range cols {
			r.vals[f.at] = c.vals[i][f]
			if f.Kind == Many2one {
				e.refer(f, id, r.vals[f.at])
			}
			if !slices.Contains(r.dirty, f) {
				r.dirty = append(r.dirty, f)
			}
		}
		dirty[id] = true
	}
}

// cacheStored brings the cache in line with an update of each record's columns.
func (e *Env) cacheStored(m *Model, cols []*Field, c *computed) {
	for i, id := range c.ids {
		r := e.u.cache.rows[m][id]
		for _, f := range cols {
			if f.Kind == Many2one {
				e.refer(f, id, c.vals[i][f])
			}
			if r == nil {
				continue
			}
			r.invalidate(f)
			if mayBeDirty(f) {
				r.vals[f.at] = c.vals[i][f]
			}
		}
	}
}

// mayBeDirty reports whether new values of the fields can be in the cache just
// as the database will give them back.
func mayBeDirty(fields ...*Field) bool {
	return !slices.ContainsFunc(fields, func(f *Field) bool {
		return !f.cached() || f.Translate || f.CompanyDependent || f.Kind == JSONKind
	})
}

// writeDirty stores the computed values that wait in the cache, of the given models
// or of all.
func (e *Env) writeDirty(models ...*Model) error {
	if len(models) > 0 || len(e.u.cache.dirty) == 0 {
		return e.writeDirtyOf(models)
	}
	models = slices.Collect(maps.Keys(e.u.cache.dirty))
	slices.SortFunc(models, func(a, b *Model) int { return strings.Compare(a.Name, b.Name) })
	return e.writeDirtyOf(models)
}

func (e *Env) writeDirtyOf(models []*Model) error {
	for _, m := range models {
		if len(e.u.cache.dirty[m]) == 0 {
			continue
		}
		if err := e.writeDirtyModel(m); err != nil {
			return err
		}
	}
	return nil
}

// writeDirtyModel writes all columns that any of the rows waits for, where their
// values are known, so that it takes one statement and not one for each mixture.
// Rows of which less is known are written by what each of them waits for.
func (e *Env) writeDirtyModel(m *Model) error {
	ids := slices.Sorted(maps.Keys(e.u.cache.dirty[m]))
	delete(e.u.cache.dirty, m)
	all := map[*Field]any{}
	for _, id := range ids {
		for _, f := range e.u.cache.rows[m][id].dirty {
			all[f] = nil
		}
	}
	union := sortedFields(all)
	type group struct {
		cols []*Field
		computed
	}
	groups := map[string]*group{}
	var order []*group
	for _, id := range ids {
		r := e.u.cache.rows[m][id]
		if len(r.dirty) == 0 {
			continue
		}
		vals := make(map[*Field]any, len(union))
		cols, key := union, ""
		if slices.ContainsFunc(union, func(f *Field) bool { return r.vals[f.at] == (unknown{}) }) {
			cols = slices.Clone(r.dirty)
			slices.SortFunc(cols, func(a, b *Field) int { return a.at - b.at })
			for _, f := range cols {
				key += f.Name + "|"
			}
		}
		for _, f := range cols {
			vals[f] = r.vals[f.at]
		}
		r.dirty = nil
		g := groups[key]
		if g == nil {
			g = &group{cols: cols}
			groups[key] = g
			order = append(order, g)
		}
		g.ids, g.vals = append(g.ids, id), append(g.vals, vals)
	}
	for _, g := range order {
		if err := e.updateEach(m, g.cols, &g.computed); err != nil {
			return err
		}
	}
	return nil
}

// trim keeps the cache from growing without end.
func (e *Env) trim() error {
	if e.u.cache.count <= maxCachedRows || e.u.cache.preparing > 0 {
		return nil
	}
	if err := e.writeDirty(); err != nil {
		return err
	}
	e.u.cache.invalidate()
	return nil
}

// verify compares what the unit of work remembers with the database, to prove
// that no statement went around the cache. It is for tests: see DB.Verify.
func (e *Env) verify() error {
	if !e.u.db.Verify || e.u.cache.flushing {
		return nil
	}
	queries := e.u.queries
	defer func() { e.u.queries = queries }()
	for m, rows := range maps.Clone(e.u.cache.rows) {
		var fields []*Field
		for _, f := range m.stored {
			if f.cached() && !f.Translate && !f.CompanyDependent {
				fields = append(fields, f)
			}
		}
		known := maps.Clone(rows)
		ids := slices.Sorted(maps.Keys(known))
		kept := make([][]any, len(ids))
		for i, id := range ids {
			kept[i] = slices.Clone(known[id].vals)
		}
		c, err := e.Sudo().Model(m.Name).Browse(ids...).query(fields)
		if err != nil {
			return err
		}
		for i, id := range ids {
			for _, f := range fields {
				v, stored := kept[i][f.at], c.vals[f.Name][i]
				if v != (unknown{}) && (!sameValue(v, stored) || fmt.Sprintf("%T", v) != fmt.Sprintf("%T", stored)) {
					return fmt.Errorf("orm: %s.%s of record %d is remembered as %v (%T), but stored as %v (%T)", m.Name, f.Name, id, v, v, stored, stored)
				}
			}
		}
	}
	return nil
}
