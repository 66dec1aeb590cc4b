package orm

import (
	"fmt"
	"slices"
)

// isNew reports whether an id is that of a record in memory. Other ids below 0, as a
// client may make up, are of records that do not exist.
func (rs Records) isNew(id int64) bool { return id < 0 && rs.Env.u.news.byModel[rs.Model][id] != nil }

// hasNew reports whether any of the records is new.
func (rs Records) hasNew() bool { return slices.ContainsFunc(rs.IDs, rs.isNew) }

// split are the stored records, each once, and the new ones.
func (rs Records) split() (stored, fresh Records) {
	var s, n []int64
	for _, id := range rs.IDs {
		if rs.isNew(id) {
			n = append(n, id)
		} else {
			s = append(s, id)
		}
	}
	slices.Sort(s)
	return rs.Browse(slices.Compact(s)...), rs.Browse(n...)
}

// fetchMixed is fetch of records of which some are new.
func (rs Records) fetchMixed(fields []*Field) (*columns, error) {
	stored, fresh := rs.split()
	real, err := stored.fetch(fields)
	if err != nil {
		return nil, err
	}
	own, err := fresh.fetchNew(fields)
	if err != nil {
		return nil, err
	}
	c := newColumns(rs.IDs)
	for _, f := range fields {
		col := make([]any, len(rs.IDs))
		for i, id := range rs.IDs {
			if rs.isNew(id) {
				col[i] = own.vals[f.Name][own.index[id]]
			} else {
				col[i] = real.vals[f.Name][real.index[id]]
			}
		}
		c.vals[f.Name] = col
	}
	return c, nil
}

// fetchNew is fetch of new records: what has been set or computed, else what the
// stored record has that one stands for, else nothing.
func (rs Records) fetchNew(fields []*Field) (*columns, error) {
	if err := rs.Env.computeNew(); err != nil {
		return nil, err
	}
	recs := make([]*newRecord, len(rs.IDs))
	var origins []int64
	for i, id := range rs.IDs {
		recs[i] = rs.Env.u.news.byModel[rs.Model][id]
		if recs[i].origin != 0 {
			origins = append(origins, recs[i].origin)
		}
	}
	slices.Sort(origins)
	origins = slices.Compact(origins)
	c := newColumns(rs.IDs)
	var wanted, followed []*Field
	for _, f := range fields {
		c.vals[f.Name] = make([]any, len(rs.IDs))
		for i, rec := range recs {
			v, set := rec.vals[f]
			switch {
			case set:
				c.vals[f.Name][i] = v
			case f.Name == "id":
				c.vals[f.Name][i] = rs.IDs[i]
			case len(f.Related) > 0 && !f.Stored:
				if !slices.Contains(followed, f) {
					followed = append(followed, f)
				}
			case rec.origin == 0:
				c.vals[f.Name][i] = f.empty()
			case !slices.Contains(wanted, f):
				wanted = append(wanted, f)
			}
		}
	}
	if len(wanted) > 0 {
		real, err := rs.Browse(origins...).fetch(wanted)
		if err != nil {
			return nil, err
		}
		for _, f := range wanted {
			for i, rec := range recs {
				if _, set := rec.vals[f]; !set && rec.origin != 0 {
					c.vals[f.Name][i] = real.vals[f.Name][real.index[rec.origin]]
				}
			}
		}
	}
	if len(followed) > 0 {
		cols, err := rs.related(followed)
		if err != nil {
			return nil, err
		}
		for k, f := range followed {
			for i, rec := range recs {
				if _, set := rec.vals[f]; !set {
					c.vals[f.Name][i] = cols[k][i]
				}
			}
		}
	}
	return c, nil
}

// listsMixed is lists of records of which some are new.
func (rs Records) listsMixed(f *Field) (map[int64][]int64, error) {
	stored, fresh := rs.split()
	out, err := stored.lists(f)
	if err != nil {
		return nil, err
	}
	if err := rs.Env.computeNew(); err != nil {
		return nil, err
	}
	for _, id := range fresh.IDs {
		rec := rs.Env.u.news.byModel[rs.Model][id]
		if f.Kind == One2many {
			out[id], err = rs.Browse(id).newLines(rec, f)
		} else {
			out[id], err = rs.Browse(id).newLinks(rec, f)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// binariesMixed is binaries of records of which some are new.
func (rs Records) binariesMixed(f *Field) ([]any, error) {
	out := make([]any, len(rs.IDs))
	for i, id := range rs.IDs {
		rec := rs.Env.u.news.byModel[rs.Model][id]
		if rec != nil {
			if v, set := rec.vals[f]; set {
				out[i] = v
				continue
			}
		}
		if origin := rs.Browse(id).Origin(); origin != 0 {
			found, err := rs.Browse(origin).binaries(f)
			if err != nil {
				return nil, err
			}
			out[i] = found[0]
		}
	}
	return out, nil
}

// newLinks are the records in a many2many of a new record.
func (rs Records) newLinks(rec *newRecord, f *Field) ([]int64, error) {
	if list, set := rec.vals[f].([]int64); set || rec.origin == 0 {
		return list, nil
	}
	lists, err := rs.Browse(rec.origin).lists(f)
	return lists[rec.origin], err
}

// newLines are the records in a one2many of a new record.
func (rs Records) newLines(rec *newRecord, f *Field) ([]int64, error) {
	co := rs.Env.related(f)
	inv := co.Model.Fields[f.Inverse]
	if inv.Kind != Many2one {
		return rs.newLinks(rec, f)
	}
	if err := co.checkModel(OpRead); err != nil {
		return nil, err
	}
	if err := rs.takeLines(rec, inv); err != nil {
		return nil, err
	}
	lines := co.Browse(rs.Env.newPointingAt(inv, rs.IDs)...)
	if rec.origin != 0 && !rs.Env.su { // without those the user may not read
		var origins []int64
		for _, id := range lines.IDs {
			if o := co.Browse(id).Origin(); o != 0 {
				origins = append(origins, o)
			}
		}
		hidden, err := co.Browse(origins...).Hidden()
		if err != nil {
			return nil, err
		}
		gone := idSet(hidden)
		lines.IDs = slices.DeleteFunc(lines.IDs, func(id int64) bool { return gone[co.Browse(id).Origin()] })
	}
	d := f.filter
	if active := co.Model.Fields["active"]; active != nil && rs.Env.related(f).Env.Flag("active_test", true) {
		d = And(d, Leaf("active", "=", true))
	}
	return lines.matching(d)
}

// matching are the ids of those of new records that are in a domain of conditions
// on their own fields.
func (rs Records) matching(d Domain) ([]int64, error) {
	if len(d) == 0 || len(rs.IDs) == 0 {
		return rs.IDs, nil
	}
	n, err := parseDomain(d)
	if err != nil {
		return nil, err
	}
	var fields []*Field
	n.any(func(l leaf) bool {
		if f := rs.Model.Fields[l.path]; f != nil && !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
		return false
	})
	c, err := rs.In(rs.Env.Sudo()).values(fields)
	if err != nil {
		return nil, err
	}
	var out []int64
	for i, id := range rs.IDs {
		ok, err := n.holds(func(name string) (*Field, any) {
			f := rs.Model.Fields[name]
			if f == nil || c.vals[name] == nil {
				return nil, nil
			}
			return f, c.vals[name][i]
		})
		if err != nil {
			return nil, fmt.Errorf("the lines of %s: %w", rs.Model.Name, err)
		}
		if ok {
			out = append(out, id)
		}
	}
	return out, nil
}

// holds evaluates a domain of equalities on a record's values.
func (n *node) holds(value func(name string) (*Field, any)) (bool, error) {
	switch n.op {
	case "&", "|":
		for _, k := range n.kids {
			ok, err := k.holds(value)
			if err != nil || ok == (n.op == "|") {
				return ok, err
			}
		}
		return n.op == "&", nil
	case "!":
		ok, err := n.kids[0].holds(value)
		return !ok, err
	}
	if n.leaf.isNum {
		return truthy(n.leaf.value), nil
	}
	f, v := value(n.leaf.path)
	if f == nil || f.X2many() {
		return false, fmt.Errorf("orm: the condition %s cannot be evaluated in memory", n.leaf)
	}
	wanted := []any{n.leaf.value}
	switch n.leaf.op {
	case "=", "!=":
	case "in", "not in":
		wanted, _ = n.leaf.value.([]any)
	default:
		return false, fmt.Errorf("orm: the operator of %s cannot be evaluated in memory", n.leaf)
	}
	found := false
	for _, w := range wanted {
		x, err := f.Parse(w)
		if err != nil {
			return false, err
		}
		found = found || sameValue(x, v) || !truthy(x) && !truthy(v)
	}
	return found == (n.leaf.op == "=" || n.leaf.op == "in"), nil
}
