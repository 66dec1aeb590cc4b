package orm

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// pendingCompute is what a stored compute has still to do: records by field.
type pendingCompute struct {
	fields map[*Field]map[int64]bool
}

func (d *pendingCompute) ids() []int64 {
	set := map[int64]bool{}
	for _, ids := range d.fields {
		for id := range ids {
			set[id] = true
		}
	}
	out := make([]int64, 0, len(set))
	for id := range set {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// markPending marks a stored compute of records as to be evaluated, but for values
// given by hand in the same create or write.
func (e *Env) markPending(c *compute, ids []int64) {
	if len(ids) == 0 {
		return
	}
	d := e.u.cache.pending[c]
	if d == nil {
		d = &pendingCompute{map[*Field]map[int64]bool{}}
		e.u.cache.pending[c] = d
	}
	for _, f := range c.storedFields() {
		if d.fields[f] == nil {
			d.fields[f] = map[int64]bool{}
		}
		for _, id := range ids {
			if !e.u.cache.protected[f][id] {
				d.fields[f][id] = true
			}
		}
	}
}

// markNew marks all stored computes of new records.
func (e *Env) markNew(m *Model, ids []int64) {
	for _, c := range m.computes {
		if len(c.storedFields()) > 0 {
			e.markPending(c, ids)
		}
	}
}

// beginChange opens a create or write; done closes it. What was given by hand in an
// earlier one is flushed first: what this one changes may change it.
func (e *Env) beginChange() (done func(), err error) {
	u := e.u
	if u.cache.depth == 0 && len(u.cache.protected) > 0 {
		err = e.Flush()
		clear(u.cache.protected)
	}
	u.cache.depth++
	return func() { u.cache.depth-- }, err
}

// protect says that computed fields have been given by hand: nothing that the same
// create or write changes makes them be computed. A later change of what they
// depend on does.
func (e *Env) protect(f *Field, ids []int64) {
	if f.compute == nil {
		return
	}
	d, kept := e.u.cache.pending[f.compute], e.u.cache.protected[f]
	if kept == nil {
		kept = map[int64]bool{}
		e.u.cache.protected[f] = kept
	}
	for _, id := range ids {
		kept[id] = true
		if d != nil {
			delete(d.fields[f], id)
		}
	}
}

// changed marks what depends on the named fields of the records; nil names
// mean all fields.
func (e *Env) changed(m *Model, ids []int64, names []string) error {
	found, err := e.dependents(m, ids, names, false)
	e.markAll(found)
	return err
}

// created is changed for records just made: no other record refers to them yet.
func (e *Env) created(m *Model, ids []int64) error {
	found, err := e.dependents(m, ids, nil, true)
	e.markAll(found)
	return err
}

// dependent is a stored compute with records on which it depends on a change.
type dependent struct {
	c   *compute
	ids []int64
}

func (e *Env) markAll(found []dependent) {
	for _, d := range found {
		e.markPending(d.c, d.ids)
	}
}

// dependents finds what changed marks.
func (e *Env) dependents(m *Model, ids []int64, names []string, fresh bool) ([]dependent, error) {
	if names == nil {
		for _, name := range m.FieldNames() {
			if len(m.triggers[name]) > 0 {
				names = append(names, name)
			}
		}
	}
	type key struct {
		c    *compute
		path string
	}
	var out []dependent
	seen := map[key]bool{}
	found := map[string][]int64{} // by path: many computes are reached by the same
	for _, name := range names {
		for _, t := range m.triggers[name] {
			path := pathKey(t.path)
			if seen[key{t.target, path}] || fresh && unreachable(t.path) {
				continue
			}
			seen[key{t.target, path}] = true
			if _, known := found[path]; !known {
				var err error
				if found[path], err = e.backwards(t.path, ids); err != nil {
					return nil, err
				}
			}
			out = append(out, dependent{t.target, found[path]})
		}
	}
	return out, nil
}

// unreachable reports whether a path cannot lead to a record just created.
func unreachable(path []*Field) bool {
	return len(path) > 0 && path[len(path)-1].Kind != One2many
}

func pathKey(path []*Field) string {
	s := ""
	for _, f := range path {
		s += f.Model.Name + "." + f.Name + "/"
	}
	return s
}

// beforeChange marks records that a change of a relation is about to leave
// behind: those reached through the old value.
func (e *Env) beforeChange(m *Model, ids []int64, names []string) error {
	for _, name := range names {
		if f := m.Fields[name]; f == nil || !f.Relational() && f.Kind != Many2oneRef {
			continue
		}
		if err := e.changed(m, ids, []string{name}); err != nil {
			return err
		}
	}
	return nil
}

// backwards finds the records from which a path of relations leads to ids.
func (e *Env) backwards(path []*Field, ids []int64) ([]int64, error) {
	for i := len(path) - 1; i >= 0 && len(ids) > 0; i-- {
		f := path[i]
		var err error
		switch f.Kind {
		case Many2one:
			if !f.Stored {
				return nil, fmt.Errorf("orm: dependency through %s.%s, which is not stored", f.Model.Name, f.Name)
			}
			ids, err = e.referrers(f, ids)
		case One2many:
			co := f.Model.comodel(f)
			inv := co.Fields[f.Inverse]
			if inv.Kind == Many2oneRef {
				ids, err = e.queryIDs(sqlf("SELECT DISTINCT "+quote(f.Inverse)+" FROM "+quote(co.Table)+" WHERE id = ANY(?) AND "+quote(inv.ModelField)+" = ?", ids, f.Model.Name))
			} else {
				ids, err = e.owners(inv, ids)
			}
		case Many2many:
			ids, err = e.queryOf(sqlf("SELECT DISTINCT "+quote(f.RelCol)+" FROM "+quote(f.RelTable)+" WHERE "+quote(f.RelCocol)+" = ANY(?)", ids), f.Model)
		}
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// flushFor flushes when one of the fields waits to be computed.
func (e *Env) flushFor(fields []*Field) error {
	if len(e.u.cache.pending) == 0 || e.u.cache.flushing {
		return nil
	}
	for _, f := range fields {
		if f.Computed() {
			return e.Flush()
		}
	}
	return nil
}

// Flush computes everything that is pending, writes it and runs the constraints that wait
// for it. Reads and searches flush by themselves.
func (e *Env) Flush() error {
	if e.u.cache.flushing {
		return nil
	}
	if len(e.u.cache.pending) == 0 && len(e.u.cache.checks) == 0 {
		return e.writeDirty()
	}
	e.u.cache.flushing = true
	defer func() { e.u.cache.flushing = false }()
	sudo := e.Sudo().WithContext(map[string]any{"active_test": false})
	for rounds := 0; ; rounds++ {
		var next *compute
		for c := range e.u.cache.pending {
			if next == nil || c.rank < next.rank {
				next = c
			}
		}
		if next == nil {
			break
		}
		if rounds > 10000 {
			return fmt.Errorf("orm: computes never end; the last was %s.%s", next.model.Name, next.fields[0].Name)
		}
		if err := sudo.recompute(e.u.cache.take(next)); err != nil {
			return err
		}
	}
	e.u.cache.flushing = false
	clear(e.u.cache.protected)
	if err := e.writeDirty(); err != nil {
		return err
	}
	checks := e.u.cache.checks
	e.u.cache.checks = nil
	for _, k := range checks {
		if err := e.runCheck(k); err != nil {
			return err
		}
	}
	return e.verify()
}

// take removes a compute from what is pending. The stored related fields of
// one model are taken together, as far as what they need is not pending.
func (k *cache) take(c *compute) (*compute, *pendingCompute) {
	d := k.pending[c]
	delete(k.pending, c)
	if c.call != nil {
		return c, d
	}
	all := &compute{model: c.model, fields: slices.Clone(c.fields)}
	for _, o := range c.model.computes {
		more := k.pending[o]
		if more == nil || o.call != nil || slices.ContainsFunc(o.needs, func(n *compute) bool { return n == c || k.pending[n] != nil }) {
			continue
		}
		delete(k.pending, o)
		all.fields = append(all.fields, o.fields...)
		for f, ids := range more.fields {
			d.fields[f] = ids
		}
	}
	return all, d
}

// recompute evaluates a stored compute on its pending records and writes the
// values that differ, equal changes together.
func (e *Env) recompute(c *compute, d *pendingCompute) error {
	fields := c.storedFields()
	there, old, fresh, err := e.oldAndNew(c, d.ids(), fields)
	if err != nil || len(there.IDs) == 0 {
		return err
	}
	ids := there.IDs
	groups := map[string]*computed{}
	var order []string
	for i, id := range ids {
		vals := map[*Field]any{}
		key := ""
		for k, f := range fields {
			if !d.fields[f][id] {
				continue
			}
			v := fresh[k][i]
			if f.X2many() {
				list, was := slices.Clone(v.([]int64)), slices.Clone(old.vals[f.Name][i].([]int64))
				slices.Sort(list)
				slices.Sort(was)
				if !slices.Equal(list, was) {
					vals[f] = list
					key += fmt.Sprintf("%s=%v|", f.Name, list)
				}
				continue
			}
			if v, err = f.Parse(v); err != nil {
				return err
			}
			if !sameValue(old.vals[f.Name][i], v) {
				vals[f] = v
				key += f.Name + "|"
			}
		}
		if len(vals) == 0 {
			continue
		}
		if groups[key] == nil {
			groups[key] = &computed{}
			order = append(order, key)
		}
		groups[key].ids, groups[key].vals = append(groups[key].ids, id), append(groups[key].vals, vals)
	}
	for _, k := range order {
		if err := e.storeComputed(c.model, groups[k]); err != nil {
			return err
		}
	}
	return nil
}

// oldAndNew are the values of fields as they are stored and as they are
// computed, for those of the records that exist.
func (e *Env) oldAndNew(c *compute, ids []int64, fields []*Field) (there Records, old *columns, fresh [][]any, err error) {
	rs := e.Model(c.model.Name).Browse(ids...)
	if c.call == nil {
		if there, err = rs.Exists(); err != nil || len(there.IDs) == 0 {
			return there, nil, nil, err
		}
		if old, err = there.values(fields); err == nil {
			fresh, err = there.related(fields)
		}
		return there, old, fresh, err
	}
	// The facet holds the stored values, too, unless they are lists.
	there, batch, elems, old, err := rs.In(e.Sudo()).facetsThere(c.facet, c.ops)
	if err != nil || len(there.IDs) == 0 {
		return there, nil, nil, err
	}
	var unread []*Field
	for _, f := range fields {
		if old.vals[f.Name] == nil {
			unread = append(unread, f)
		}
	}
	if len(unread) > 0 {
		more, err := there.values(unread)
		if err != nil {
			return there, nil, nil, err
		}
		for _, f := range unread {
			old.vals[f.Name] = more.vals[f.Name]
		}
	}
	fresh, err = there.compute(c, batch, elems, fields)
	return there, old, fresh, err
}

// computed are records with new values of the same fields. Lists are equal in
// all of them.
type computed struct {
	ids  []int64
	vals []map[*Field]any
}

// storeComputed writes what a compute has changed, one statement for the
// columns of all records.
func (e *Env) storeComputed(m *Model, c *computed) error {
	rs := e.Model(m.Name).Browse(c.ids...)
	var names []string
	var cols []*Field
	for _, f := range sortedFields(c.vals[0]) {
		names = append(names, f.Name)
		if !f.X2many() {
			cols = append(cols, f)
			continue
		}
		list, _ := c.vals[0][f].([]int64)
		if err := rs.writeList(f, []Command{{Op: CmdSet, IDs: list}}); err != nil {
			return err
		}
	}
	if len(cols) > 0 {
		if err := e.beforeChange(m, c.ids, names); err != nil {
			return err
		}
		if mayBeDirty(cols...) {
			e.setDirty(m, cols, c)
		} else if err := e.updateEach(m, cols, c); err != nil {
			return err
		}
		if err := e.changed(m, c.ids, names); err != nil {
			return err
		}
	}
	return e.check(m, c.ids, names)
}

// updateEach sets the columns of each record to its own values.
func (e *Env) updateEach(m *Model, cols []*Field, c *computed) error {
	e.cacheStored(m, cols, c)
	var sets, names []string
	types := []string{"bigint"}
	for i, f := range cols {
		sets = append(sets, fmt.Sprintf("%s = v.c%d", quote(f.Name), i))
		names = append(names, fmt.Sprintf("c%d", i))
		types = append(types, f.columnType())
	}
	rows := make([][]any, len(c.ids))
	for i, id := range c.ids {
		rows[i] = append(make([]any, 0, len(types)), id)
		for _, f := range cols {
			v, err := e.storable(f, c.vals[i][f])
			if err != nil {
				return err
			}
			rows[i] = append(rows[i], v)
		}
	}
	for part := range slices.Chunk(rows, maxRows) {
		_, err := e.change(sqlf("UPDATE "+quote(m.Table)+" SET "+strings.Join(sets, ", ")+" FROM (?) v(id, "+strings.Join(names, ", ")+") WHERE "+quote(m.Table)+".id = v.id", rowsOf(part, types)))
		if err != nil {
			return err
		}
	}
	return nil
}

func sameValue(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if x, ok := a.(interface{ Equal(any) bool }); ok {
		return x.Equal(b)
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

// evaluate runs a compute and returns the values of fields, by field.
func (e *Env) evaluate(c *compute, m *Model, ids []int64, fields []*Field) ([][]any, error) {
	if c.call == nil { // stored related
		return e.Model(m.Name).Browse(ids...).related(fields)
	}
	rs := Records{Env: e.Sudo(), Model: m, IDs: ids}
	batch, elems, err := rs.facets(c.facet, c.ops)
	if err != nil {
		return nil, err
	}
	return rs.In(e).compute(c, batch, elems, fields)
}

// compute runs a compute on facets of the records and returns the values of
// fields, by field.
func (rs Records) compute(c *compute, batch any, elems []reflect.Value, fields []*Field) ([][]any, error) {
	if err := rs.In(rs.Env.Sudo()).loadPaths(c.facet, elems, c.deps, false); err != nil {
		return nil, fmt.Errorf("dependencies of %s.%s: %w", rs.Model.Name, c.fields[0].Name, err)
	}
	for _, f := range c.fields {
		if sl := c.facet.byName[f.Name]; sl.deferred {
			for _, v := range elems {
				if sl.state(v) == notLoaded {
					sl.set(v, nil) // so that the function can add to it
				}
			}
		}
	}
	if err := c.call(rs.Env, batch); err != nil {
		return nil, fmt.Errorf("compute of %s.%s: %w", rs.Model.Name, c.fields[0].Name, err)
	}
	out := make([][]any, len(fields))
	for k, f := range fields {
		sl := c.facet.byName[f.Name]
		out[k] = make([]any, len(elems))
		for i, v := range elems {
			out[k][i] = computedValue(sl, v)
		}
	}
	return out, nil
}

func computedValue(sl *slot, v reflect.Value) any {
	if sl.many {
		ids := sl.at(v).Addr().Interface().(manySlot).manyIDs()
		if ids == nil {
			ids = []int64{}
		}
		return ids
	}
	return sl.get(v)
}

// computed evaluates a non-stored compute for reading.
func (rs Records) computed(c *compute) ([][]any, error) {
	if rs.hasNew() {
		return rs.computedMixed(c)
	}
	return rs.Env.evaluate(c, rs.Model, rs.IDs, c.fields)
}

// pendingCheck is a constraint to run on records at the next flush.
type pendingCheck struct {
	model *Model
	k     *constraint
	ids   []int64
}

// check runs the constraints that watch one of the named fields (nil: all).
func (e *Env) check(m *Model, ids []int64, names []string) error {
	var due []pendingCheck
	for _, k := range m.constraints {
		if names == nil || slices.ContainsFunc(names, func(n string) bool { return k.fields[n] }) {
			due = append(due, pendingCheck{m, k, ids})
		}
	}
	if len(due) == 0 {
		return nil
	}
	e.u.cache.checks = append(e.u.cache.checks, due...)
	if e.u.cache.flushing {
		return nil
	}
	return e.Flush()
}

func (e *Env) runCheck(p pendingCheck) error {
	env := e.Sudo()
	rs := env.Model(p.model.Name).Browse(p.ids...)
	if p.k.onRecords != nil {
		there, err := rs.Exists()
		if err != nil || len(there.IDs) == 0 {
			return err
		}
		return p.k.onRecords(there)
	}
	rs, batch, elems, _, err := rs.facetsThere(p.k.facet, p.k.ops)
	if err != nil || len(rs.IDs) == 0 {
		return err
	}
	if err := rs.loadPaths(p.k.facet, elems, p.k.deps, true); err != nil {
		return err
	}
	return p.k.call(env, batch)
}
