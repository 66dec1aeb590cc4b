package orm

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/sanitize"
)

// newRecord is a record that lives in the memory of its unit of work alone, as a
// form that is being filled in: see Records.New. Its id is below 0.
type newRecord struct {
	origin int64          // the stored record it stands for, 0: none
	vals   map[*Field]any // what has been set or computed; many2manys as ids
	// taken are the many2ones by which the lines of origin point at it; they have
	// new records of their own that point here.
	taken map[*Field]bool
	// moved are the many2ones by which lines were added or removed.
	moved map[*Field]bool
}

// newRecords are the new records of a unit of work.
type newRecords struct {
	last      int64
	byModel   map[*Model]map[int64]*newRecord
	pending   map[*compute]*pendingCompute
	protected map[*Field]map[int64]bool // set by the change that is under way
	depth     int                       // changes under way
	computing bool
}

func newNewRecords() *newRecords {
	return &newRecords{byModel: map[*Model]map[int64]*newRecord{}, pending: map[*compute]*pendingCompute{}, protected: map[*Field]map[int64]bool{}}
}

// New makes a record in memory, with some values. It is not stored, nor does
// anything happen that belongs to storing: no create or write of the model runs,
// no constraint, no right to create is asked for. All else works as with stored
// records: fields are computed from what is set, by the same functions, lists
// hold new lines, reading, display names and facets work. What is not given
// has its default.
//
// Of one stored record, New makes one that stands for it: with its values and its
// lines, until they are changed. The stored one stays as it is.
//
// The id is below 0; what it stands for is told by Origin. Assign and Write
// change new records. They are gone when the unit of work is.
func (rs Records) New(vals Values) (Records, error) {
	if rs.Len() > 1 {
		return rs, rs.One()
	}
	vals, err := rs.canonical(vals, OpCreate)
	if err != nil {
		return rs, err
	}
	if err := rs.checkGiven(vals, OpCreate); err != nil {
		return rs, err
	}
	return rs.makeNew(vals)
}

// makeNew is New for values in the form of hooks.
func (rs Records) makeNew(vals Values) (Records, error) {
	if rs.Len() == 0 {
		var err error
		if vals, err = rs.withDefaults(vals); err != nil {
			return rs, err
		}
	}
	rec, id := rs.Env.addNew(rs.Model, rs.ID())
	made := rs.Browse(id)
	for _, d := range rs.Model.Delegates {
		if vals.ID(d.Name) != 0 {
			continue
		}
		parent, err := rs.parentOf(d)
		if err != nil {
			return rs, err
		}
		if parent, err = parent.makeNew(nil); err != nil {
			return rs, err
		}
		rec.vals[d] = parent.ID()
	}
	if rec.origin == 0 {
		for _, c := range rs.Model.computes {
			rs.Env.markNewRecords(c, made.IDs)
		}
	}
	return made, made.assign(vals, true)
}

// parentOf is the record that the stored one delegates to, none of none.
func (rs Records) parentOf(d *Field) (Records, error) {
	parent := rs.Env.Model(d.Comodel)
	if rs.Len() == 0 {
		return parent, nil
	}
	id, err := rs.In(rs.Env.Sudo()).ValueID(d.Name)
	if err != nil || id == 0 {
		return parent, err
	}
	return parent.Browse(id), nil
}

func (e *Env) addNew(m *Model, origin int64) (*newRecord, int64) {
	n := e.u.news
	if n.byModel[m] == nil {
		n.byModel[m] = map[int64]*newRecord{}
	}
	n.last--
	rec := &newRecord{origin: origin, vals: map[*Field]any{}, taken: map[*Field]bool{}, moved: map[*Field]bool{}}
	n.byModel[m][n.last] = rec
	return rec, n.last
}

// Origin is the stored record that the first record stands for: itself when it is
// stored, 0 when there is none.
func (rs Records) Origin() int64 {
	id := rs.ID()
	if rec := rs.Env.u.news.byModel[rs.Model][id]; rec != nil {
		return rec.origin
	}
	return max(id, 0)
}

// Assign changes new records. What depends on the values is computed when it is
// read next, but not fields that are assigned themselves.
func (rs Records) Assign(vals Values) error {
	vals, err := rs.canonical(vals, OpWrite)
	if err != nil {
		return err
	}
	if err := rs.checkGiven(vals, OpWrite); err != nil {
		return err
	}
	for _, id := range rs.IDs {
		if err := rs.Browse(id).assign(vals, false); err != nil {
			return err
		}
	}
	return nil
}

// Changed does with a new record what a form does when somebody has changed the named
// fields, see [Def.OnChange].
func (rs Records) Changed(names ...string) error {
	for _, o := range rs.Model.onchanges {
		if slices.ContainsFunc(o.fields, func(f string) bool { return slices.Contains(names, f) }) {
			if err := o.call(rs); err != nil {
				return err
			}
		}
	}
	return nil
}

// assign sets values of one new record; made says that it has just been made.
func (rs Records) assign(vals Values, made bool) error {
	n, rec := rs.Env.u.news, rs.Env.u.news.byModel[rs.Model][rs.ID()]
	if rec == nil {
		return fmt.Errorf("orm: %s is no new record", rs)
	}
	n.depth++
	defer func() {
		if n.depth--; n.depth == 0 {
			clear(n.protected)
		}
	}()
	var names []string
	var lists []*Field
	parents := map[*Field]Values{}
	for _, name := range vals.Names() {
		f := rs.Model.Fields[name]
		v := vals[name]
		switch {
		case rs.ignores(f):
			continue
		case f.inherited != nil:
			d := rs.Model.Fields[f.Related[0]]
			if parents[d] == nil {
				parents[d] = Values{}
			}
			parents[d][f.Related[1]] = v
			continue
		case f.X2many() && !(f.Computed() && !f.Stored):
			lists = append(lists, f)
		case f.X2many():
			rec.vals[f] = commandIDs(v)
		default:
			if s, ok := v.(string); ok && f.Kind == HTML {
				v = sanitize.HTML(s)
			}
			if f.Relational() {
				rs.Env.markDependents(rs.Model, rs.IDs, []string{name}) // of what it pointed at
			}
			rec.vals[f] = v
		}
		names = append(names, name)
		n.protect(f, rs.ID())
	}
	for _, name := range names {
		rs.dropStale(rec, name, vals)
	}
	if made {
		names = nil
	}
	for _, d := range sortedFields(parents) {
		parent, err := rs.parentOfNew(d)
		if err != nil {
			return err
		}
		if err := parent.assign(parents[d], false); err != nil {
			return err
		}
	}
	for _, f := range lists {
		if err := rs.assignList(rec, f, vals.Commands(f.Name)); err != nil {
			return err
		}
	}
	rs.Env.markDependents(rs.Model, rs.IDs, names)
	return nil
}

// parentOfNew is the new record that a new one delegates to, made when it pointed
// at a stored one.
func (rs Records) parentOfNew(d *Field) (Records, error) {
	c, err := rs.In(rs.Env.Sudo()).fetch([]*Field{d})
	if err != nil {
		return rs, err
	}
	id, _ := c.vals[d.Name][0].(int64)
	parent := rs.Env.Model(d.Comodel)
	switch {
	case id < 0:
		return parent.Browse(id), nil
	case id > 0:
		parent = parent.Browse(id)
	}
	if parent, err = parent.makeNew(nil); err != nil {
		return rs, err
	}
	rs.Env.u.news.byModel[rs.Model][rs.ID()].vals[d] = parent.ID()
	return parent, nil
}

// dropStale forgets values of fields that are not stored, set by hand, when what
// they are computed from changes.
func (rs Records) dropStale(rec *newRecord, name string, vals Values) {
	for f := range rec.vals {
		if f.Stored || !f.Computed() || vals.Has(f.Name) {
			continue
		}
		depends := len(f.Related) > 0 && f.Related[0] == name
		if f.compute != nil {
			depends = depends || slices.ContainsFunc(f.compute.deps, func(p string) bool { return p == name || strings.HasPrefix(p, name+".") })
		}
		if depends {
			delete(rec.vals, f)
		}
	}
}

// protect keeps a computed field from being computed because of the change under
// way, which sets it.
func (n *newRecords) protect(f *Field, id int64) {
	if f.compute == nil {
		return
	}
	if n.protected[f] == nil {
		n.protected[f] = map[int64]bool{}
	}
	n.protected[f][id] = true
	if d := n.pending[f.compute]; d != nil {
		delete(d.fields[f], id)
	}
}

// assignList executes commands on a list of a new record.
func (rs Records) assignList(rec *newRecord, f *Field, cmds []Command) error {
	if f.Kind == One2many {
		return rs.assignLines(rec, f, cmds)
	}
	co := rs.Env.Model(f.Comodel)
	list, err := rs.newLinks(rec, f)
	if err != nil {
		return err
	}
	rs.Env.markDependents(rs.Model, rs.IDs, []string{f.Name})
	list = slices.Clone(list)
	for _, c := range cmds {
		switch c.Op {
		case CmdCreate:
			made, err := co.makeNew(c.Values)
			if err != nil {
				return err
			}
			list = append(list, made.ID())
		case CmdUpdate:
			at := slices.IndexFunc(list, func(id int64) bool { return id == c.ID || co.Browse(id).Origin() == c.ID })
			if at < 0 {
				continue
			}
			if list[at] > 0 {
				made, err := co.Browse(list[at]).makeNew(nil)
				if err != nil {
					return err
				}
				list[at] = made.ID()
			}
			if err := co.Browse(list[at]).assign(c.Values, false); err != nil {
				return err
			}
		case CmdDelete, CmdUnlink:
			list = slices.DeleteFunc(list, func(id int64) bool { return id == c.ID || co.Browse(id).Origin() == c.ID })
		case CmdLink:
			if !slices.Contains(list, c.ID) {
				list = append(list, c.ID)
			}
		case CmdClear:
			list = nil
		case CmdSet:
			list = slices.Clone(c.IDs)
		}
	}
	rec.vals[f] = list
	return nil
}

// assignLines executes commands on a one2many of a new record.
func (rs Records) assignLines(rec *newRecord, f *Field, cmds []Command) error {
	co := rs.Env.Model(f.Comodel)
	inv := co.Model.Fields[f.Inverse]
	if inv.Kind != Many2one {
		return nil // messages and the like belong to stored records
	}
	if err := rs.takeLines(rec, inv); err != nil {
		return err
	}
	lineOf := func(id int64) Records {
		for _, own := range rs.Env.newPointingAt(inv, rs.IDs) {
			if own == id || rs.Env.u.news.byModel[co.Model][own].origin == id {
				return co.Browse(own)
			}
		}
		return co.Browse()
	}
	point := func(line Records, to any) error {
		rec.moved[inv] = true
		return line.assign(Values{inv.Name: to}, false)
	}
	link := func(id int64) error {
		if lineOf(id).Len() > 0 {
			return nil
		}
		line := co.Browse(id)
		if id > 0 {
			var err error
			if line, err = line.makeNew(nil); err != nil {
				return err
			}
		}
		return point(line, rs.ID())
	}
	keepOnly := func(ids []int64) error {
		for _, own := range rs.Env.newPointingAt(inv, rs.IDs) {
			if slices.Contains(ids, own) || slices.Contains(ids, rs.Env.u.news.byModel[co.Model][own].origin) {
				continue
			}
			if err := point(co.Browse(own), nil); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range cmds {
		var err error
		switch c.Op {
		case CmdCreate:
			vals := c.Values.Clone()
			vals[inv.Name] = rs.ID()
			rec.moved[inv] = true
			var made Records
			if made, err = co.makeNew(vals); err == nil {
				rs.Env.markDependents(co.Model, made.IDs, nil)
			}
		case CmdUpdate:
			if line := lineOf(c.ID); line.Len() > 0 {
				err = line.assign(c.Values, false)
			}
		case CmdDelete, CmdUnlink:
			if line := lineOf(c.ID); line.Len() > 0 {
				err = point(line, nil)
			}
		case CmdLink:
			err = link(c.ID)
		case CmdClear:
			err = keepOnly(nil)
		case CmdSet:
			err = keepOnly(c.IDs)
			for _, id := range c.IDs {
				if err == nil {
					err = link(id)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeLines makes new records for the lines of the stored record that a new one
// stands for, which point at the new one.
func (rs Records) takeLines(rec *newRecord, inv *Field) error {
	if rec.origin == 0 || rec.taken[inv] {
		return nil
	}
	rec.taken[inv] = true
	lines, err := rs.Env.Sudo().WithContext(map[string]any{"active_test": false}).Model(inv.Model.Name).Search(Leaf(inv.Name, "=", rec.origin), SearchOptions{})
	if err != nil {
		return err
	}
	there := map[int64]bool{}
	for _, id := range rs.Env.newPointingAt(inv, rs.IDs) {
		there[rs.Env.u.news.byModel[inv.Model][id].origin] = true
	}
	for _, id := range lines.IDs {
		if !there[id] {
			line, _ := rs.Env.addNew(inv.Model, id)
			line.vals[inv] = rs.ID()
		}
	}
	return nil
}

// newPointingAt are the new records whose many2one points at one of ids, in the
// order in which they were made.
func (e *Env) newPointingAt(f *Field, ids []int64) []int64 {
	var out []int64
	for id, rec := range e.u.news.byModel[f.Model] {
		if to, ok := rec.vals[f].(int64); ok && slices.Contains(ids, to) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, func(a, b int64) int { return int(b - a) })
	return out
}
