package orm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// markNewRecords marks the stored fields of a compute of new records.
func (e *Env) markNewRecords(c *compute, ids []int64) {
	n := e.u.news
	for _, f := range c.storedFields() {
		for _, id := range ids {
			if n.protected[f][id] {
				continue
			}
			if n.pending[c] == nil {
				n.pending[c] = &pendingCompute{map[*Field]map[int64]bool{}}
			}
			if n.pending[c].fields[f] == nil {
				n.pending[c].fields[f] = map[int64]bool{}
			}
			n.pending[c].fields[f][id] = true
		}
	}
}

// markDependents marks what of new records depends on the named fields of
// others; nil names mean all.
func (e *Env) markDependents(m *Model, ids []int64, names []string) {
	if names == nil {
		names = slices.Sorted(maps.Keys(m.triggers))
	}
	for _, name := range names {
		for _, t := range m.triggers[name] {
			e.markNewRecords(t.target, e.newBackwards(t.path, ids))
		}
	}
}

// newBackwards finds the new records from which a path leads to ids.
func (e *Env) newBackwards(path []*Field, ids []int64) []int64 {
	for i := len(path) - 1; i >= 0 && len(ids) > 0; i-- {
		f := path[i]
		switch f.Kind {
		case Many2one:
			ids = e.newPointingAt(f, ids)
		case One2many:
			inv := f.Model.comodel(f).Fields[f.Inverse]
			var owners []int64
			for _, id := range ids {
				if rec := e.u.news.byModel[inv.Model][id]; rec != nil {
					if to, ok := rec.vals[inv].(int64); ok && to < 0 {
						owners = append(owners, to)
					}
				}
			}
			ids = owners
		case Many2many:
			var owners []int64
			for id, rec := range e.u.news.byModel[f.Model] {
				list, _ := rec.vals[f].([]int64)
				if slices.ContainsFunc(list, func(x int64) bool { return slices.Contains(ids, x) }) {
					owners = append(owners, id)
				}
			}
			ids = owners
		default:
			return nil
		}
	}
	return ids
}

// computeNew computes what is pending of new records.
func (e *Env) computeNew() error {
	n := e.u.news
	if n.computing || len(n.pending) == 0 {
		return nil
	}
	n.computing = true
	defer func() { n.computing = false }()
	sudo := e.Sudo().WithContext(map[string]any{"active_test": false})
	for rounds := 0; len(n.pending) > 0; rounds++ {
		var next *compute
		for c := range n.pending {
			if next == nil || c.rank < next.rank {
				next = c
			}
		}
		if rounds > 10000 {
			return fmt.Errorf("orm: computes never end; the last was %s.%s", next.model.Name, next.fields[0].Name)
		}
		d := n.pending[next]
		delete(n.pending, next)
		if err := sudo.recomputeNew(next, d); err != nil {
			return err
		}
	}
	return nil
}

func (e *Env) recomputeNew(c *compute, d *pendingCompute) error {
	ids := d.ids()
	if len(ids) == 0 {
		return nil
	}
	fields := c.storedFields()
	rs := Records{Env: e, Model: c.model, IDs: ids}
	old, err := rs.values(fields)
	if err != nil {
		return err
	}
	fresh, err := e.evaluate(c, c.model, ids, fields)
	if err != nil {
		return err
	}
	for i, id := range ids {
		rec := e.u.news.byModel[c.model][id]
		for k, f := range fields {
			if !d.fields[f][id] {
				continue
			}
			v := fresh[k][i]
			if !f.X2many() {
				if v, err = f.Parse(v); err != nil {
					return err
				}
			}
			if sameValue(old.vals[f.Name][i], v) && (rec.origin != 0 || f.X2many()) {
				continue
			}
			e.markDependents(c.model, []int64{id}, []string{f.Name})
			switch {
			case f.Kind == One2many:
				ids, _ := v.([]int64)
				if err := rs.Browse(id).assignLines(rec, f, []Command{SetIDs(ids...)}); err != nil {
					return err
				}
			default:
				rec.vals[f] = v
			}
			e.markDependents(c.model, []int64{id}, []string{f.Name})
		}
	}
	return nil
}

// computedMixed evaluates a compute that is not stored of records of which some
// are new. One that stands for a stored record has its values as long as nothing
// they depend on is changed.
func (rs Records) computedMixed(c *compute) ([][]any, error) {
	if err := rs.Env.computeNew(); err != nil {
		return nil, err
	}
	at := make([]int64, len(rs.IDs)) // the record to evaluate it of
	var ids []int64
	for i, id := range rs.IDs {
		if at[i] = id; rs.isNew(id) && !rs.Env.computeTouched(c, rs.Model, id) {
			at[i] = rs.Browse(id).Origin()
		}
		ids = append(ids, at[i])
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	vals, err := rs.Env.evaluate(c, rs.Model, ids, c.fields)
	if err != nil {
		return nil, err
	}
	index := newColumns(ids).index
	out := make([][]any, len(c.fields))
	for k, f := range c.fields {
		out[k] = make([]any, len(rs.IDs))
		for i := range rs.IDs {
			out[k][i] = vals[k][index[at[i]]]
		}
		if !f.Stored {
			rs.overrideNew(f, out[k])
		}
	}
	return out, nil
}

// overrideNew puts in what has been set by hand of a field that is not stored.
func (rs Records) overrideNew(f *Field, vals []any) {
	for i, id := range rs.IDs {
		if rec := rs.Env.u.news.byModel[rs.Model][id]; rec != nil {
			if v, set := rec.vals[f]; set {
				vals[i] = v
			}
		}
	}
}

// computeTouched reports whether a new record has been changed in what a compute depends
// on.
func (e *Env) computeTouched(c *compute, m *Model, id int64) bool {
	if rec := e.u.news.byModel[m][id]; rec != nil && rec.origin == 0 {
		return true
	}
	return slices.ContainsFunc(c.deps, func(p string) bool { return e.pathTouched(m, id, strings.Split(p, ".")) })
}

func (e *Env) pathTouched(m *Model, id int64, path []string) bool {
	f, rec := m.Fields[path[0]], e.u.news.byModel[m][id]
	switch {
	case rec == nil || f == nil:
		return false
	case rec.origin == 0:
		return true
	case len(f.Related) > 0 && !f.Stored:
		return e.pathTouched(m, id, append(slices.Clone(f.Related), path[1:]...))
	case f.compute != nil && !f.Stored:
		return e.computeTouched(f.compute, m, id)
	case f.Kind == One2many:
		inv := m.comodel(f).Fields[f.Inverse]
		if rec.moved[inv] {
			return true
		}
		return len(path) > 1 && slices.ContainsFunc(e.newPointingAt(inv, []int64{id}), func(line int64) bool { return e.pathTouched(inv.Model, line, path[1:]) })
	}
	v, set := rec.vals[f]
	if to, ok := v.(int64); ok && to < 0 && f.Kind == Many2one {
		return len(path) > 1 && e.pathTouched(m.comodel(f), to, path[1:])
	}
	return set
}
