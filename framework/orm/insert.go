package orm

import (
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// maxRows is how many rows a statement stores at most, minCopied from how many
// on new ones are copied in.
const (
	maxRows   = 10000
	minCopied = 100
)

// insert stores the rows of new records and marks what is to be computed of
// them. What can be computed before they are stored is stored with them; for
// that they are numbered first.
func (rs Records) insert(ins []*intake) ([]int64, error) {
	env := rs.Env
	used := map[*Field]any{}
	early := len(rs.Model.precomputed) > 0 && len(ins) <= maxCachedBatch
	for _, in := range ins {
		for f := range in.columns {
			used[f] = nil
		}
		// A compute may look at lists, which are stored after the row only.
		early = early && len(in.lists) == 0
	}
	var ids []int64
	var err error
	if early || len(ins) >= minCopied {
		if ids, err = rs.reserve(len(ins)); err == nil {
			err = rs.register(ids, ins, used)
		}
		if err == nil && early {
			err = env.precompute(rs.Model, ids, used)
		}
		if err == nil {
			_, err = rs.store(ids, ins, sortedFields(used))
		}
	} else if ids, err = rs.store(nil, ins, sortedFields(used)); err == nil {
		err = rs.register(ids, ins, used)
	}
	if err != nil {
		return nil, err
	}
	return ids, env.trim()
}

// reserve takes ids from the sequence of the table.
func (rs Records) reserve(n int) ([]int64, error) {
	ids, err := rs.Env.streamIDs(sqlf("SELECT nextval((SELECT pg_get_serial_sequence(?, 'id')::regclass)) FROM generate_series(1, ?::int)", quote(rs.Model.Table), n))
	if err == nil && len(ids) != n {
		err = fmt.Errorf("orm: the column id of %s has no sequence", rs.Model.Table)
	}
	return ids, err
}

// register makes records known to the unit of work.
func (rs Records) register(ids []int64, ins []*intake, used map[*Field]any) error {
	rs.cacheNew(ids, ins, used)
	for i, in := range ins {
		in.protect(rs.Env, ids[i:i+1])
	}
	rs.Env.markNew(rs.Model, ids)
	return rs.Env.created(rs.Model, ids)
}

// precompute computes what is stored of records that are not stored yet, as far as
// it follows from their own columns and from records these refer to. It adds the
// columns computed to used.
func (e *Env) precompute(m *Model, ids []int64, used map[*Field]any) error {
	sudo := e.Sudo().WithContext(map[string]any{"active_test": false})
	flushing := e.u.cache.flushing
	e.u.cache.flushing, e.u.cache.preparing = true, e.u.cache.preparing+1
	defer func() { e.u.cache.flushing, e.u.cache.preparing = flushing, e.u.cache.preparing-1 }()
	var done []*compute
	for _, c := range m.precomputed {
		if slices.ContainsFunc(c.needs, func(n *compute) bool { return e.u.cache.pending[n] != nil && n != c }) || !e.known(c, ids) {
			continue
		}
		d := e.u.cache.takeOf(c, ids)
		if d == nil {
			continue
		}
		done = append(done, c)
		if err := sudo.recompute(c, d); err != nil {
			return err
		}
	}
	rows := e.u.cache.rows[m]
	if slices.ContainsFunc(ids, func(id int64) bool { return rows[id] == nil }) {
		// A statement that went around the records has emptied the cache.
		for _, c := range done {
			e.markPending(c, ids)
		}
		return nil
	}
	for _, c := range done {
		for _, f := range c.storedFields() {
			used[f] = nil
		}
	}
	for _, id := range ids {
		rows[id].dirty = nil // it is stored with the row
		delete(e.u.cache.dirty[m], id)
	}
	return nil
}

// known reports whether all columns that a compute loads are known.
func (e *Env) known(c *compute, ids []int64) bool {
	var loaded []*Field
	if c.call == nil {
		loaded = append(loaded, c.fields...)
		for _, f := range c.fields {
			loaded = append(loaded, c.model.Fields[f.Related[0]])
		}
	} else {
		for _, sl := range c.facet.slots {
			loaded = append(loaded, c.model.Fields[sl.name])
		}
	}
	for _, f := range loaded {
		if f == nil || !f.column() {
			continue
		}
		if !f.cached() {
			return false
		}
		for _, id := range ids {
			if r := e.u.cache.rows[c.model][id]; r == nil || e.cached(r, f) == (unknown{}) {
				return false
			}
		}
	}
	return true
}

// takeOf removes records from what a compute has still to do.
func (k *cache) takeOf(c *compute, ids []int64) *pendingCompute {
	d := k.pending[c]
	if d == nil {
		return nil
	}
	own := &pendingCompute{map[*Field]map[int64]bool{}}
	left := 0
	for f, set := range d.fields {
		own.fields[f] = map[int64]bool{}
		for _, id := range ids {
			if set[id] {
				own.fields[f][id] = true
				delete(set, id)
			}
		}
		left += len(set)
	}
	if left == 0 {
		delete(k.pending, c)
	}
	return own
}

// store writes new rows, with the ids given or those that the database gives,
// and returns the ids in order.
func (rs Records) store(ids []int64, ins []*intake, fields []*Field) ([]int64, error) {
	names := []string{"create_uid", "create_date", "write_uid", "write_date"}
	types := []string{"bigint", "timestamp", "bigint", "timestamp"}
	for _, f := range fields {
		names, types = append(names, f.Name), append(types, f.columnType())
	}
	if ids != nil {
		names, types = append(names, "id"), append(types, "bigint")
	}
	now, uid := DatetimeOf(rs.Env.u.now), rs.Env.uid
	cached := rs.Env.u.cache.rows[rs.Model]
	rows := make([][]any, len(ins))
	for i, in := range ins {
		rows[i] = append(make([]any, 0, len(names)), uid, now, uid, now)
		for _, f := range fields {
			v, given := in.columns[f]
			if !given {
				v = f.empty()
				if ids != nil && f.compute != nil && cached[ids[i]] != nil {
					v = cached[ids[i]].vals[f.at] // computed before
				}
			}
			stored, err := rs.Env.storable(f, v)
			if err != nil {
				return nil, err
			}
			rows[i] = append(rows[i], stored)
		}
		if ids != nil {
			rows[i] = append(rows[i], ids[i])
		}
	}
	if ids != nil && len(rows) >= minCopied {
		return ids, rs.Env.copyIn(rs.Model.Table, names, rows)
	}
	for i := range names {
		names[i] = quote(names[i])
	}
	got, err := rs.Env.streamIDs(sqlf("INSERT INTO "+quote(rs.Model.Table)+" ("+strings.Join(names, ",")+") ? RETURNING id", rowsOf(rows, types)))
	if err != nil || ids != nil {
		return ids, err
	}
	return got, nil
}

// copyIn stores rows by COPY, which takes the time of the database only.
func (e *Env) copyIn(table string, columns []string, rows [][]any) error {
	e.u.queries++
	e.u.cache.invalidateAccess()
	_, err := e.u.pgx.CopyFrom(e.Context, pgx.Identifier{table}, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		for k, v := range rows[i] {
			switch x := v.(type) {
			case Date: // as a time it need not be parsed again
				rows[i][k] = orNil(x.IsZero(), x.t)
			case Datetime:
				rows[i][k] = orNil(x.IsZero(), x.t)
			case driver.Valuer:
				plain, err := x.Value()
				if err != nil {
					return nil, err
				}
				rows[i][k] = plain
			}
		}
		return rows[i], nil
	}))
	return e.translate(err)
}

// findPrecomputed finds the stored computes of a model that follow from its columns
// and from what they refer to, in the order of evaluation.
func (m *Model) findPrecomputed() []*compute {
	var out []*compute
	for _, c := range m.computes {
		stored := c.storedFields()
		if len(stored) == 0 || len(stored) < len(c.fields) || !mayBeDirty(stored...) {
			continue
		}
		paths := slices.Clone(c.deps)
		if c.call == nil {
			for _, f := range c.fields {
				paths = append(paths, strings.Join(f.Related, "."))
			}
		}
		if len(paths) > 0 && !slices.ContainsFunc(paths, func(p string) bool { return !m.leadsUp(p) }) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *compute) int { return a.rank - b.rank })
	return out
}

// leadsUp reports whether a path goes through columns and many2ones only.
func (m *Model) leadsUp(path string) bool {
	fields, err := m.Path(path)
	return err == nil && !slices.ContainsFunc(fields, func(f *Field) bool { return !f.column() })
}
