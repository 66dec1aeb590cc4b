package orm

import (
	"slices"
)

// writeList executes x2many commands on each of the records.
func (rs Records) writeList(f *Field, cmds []Command) error {
	if len(cmds) == 0 {
		return nil
	}
	if f.Kind == One2many {
		return rs.writeLines(f, cmds)
	}
	return rs.writeLinks(f, cmds)
}

// linkNew stores the many2many lists of new records, one statement a field, and
// leaves what is more than links for writeLinks. What depends on them has been
// marked with the records.
func (rs Records) linkNew(ins []*intake) error {
	type pairs struct{ own, other []int64 }
	links := map[*Field]*pairs{}
	for i, in := range ins {
		for _, f := range sortedFields(in.lists) {
			ids, ok := onlyLinks(in.lists[f])
			if f.Kind != Many2many || !ok {
				continue
			}
			delete(in.lists, f)
			if links[f] == nil {
				links[f] = &pairs{}
			}
			for _, id := range ids {
				links[f].own, links[f].other = append(links[f].own, rs.IDs[i]), append(links[f].other, id)
			}
		}
	}
	for _, f := range sortedFields(links) {
		if err := rs.linkPairs(f, links[f].own, links[f].other); err != nil {
			return err
		}
	}
	return nil
}

// onlyLinks are the records that commands link, when they do nothing else.
func onlyLinks(cmds []Command) (ids []int64, ok bool) {
	for _, c := range cmds {
		switch c.Op {
		case CmdLink:
			ids = append(ids, c.ID)
		case CmdSet:
			ids = slices.Clone(c.IDs)
		case CmdClear:
			ids = nil
		default:
			return nil, false
		}
	}
	return ids, true
}

// forNew are commands for a new record: it has no lines to take away, so that
// setting its lines only adds them.
func forNew(f *Field, cmds []Command) []Command {
	if f.Kind != One2many {
		return cmds
	}
	var out []Command
	for _, c := range cmds {
		switch c.Op {
		case CmdClear:
		case CmdSet:
			for _, id := range c.IDs {
				out = append(out, Command{Op: CmdLink, ID: id})
			}
		default:
			out = append(out, c)
		}
	}
	return out
}

// link adds records to a many2many list of each of rs.
func (rs Records) link(f *Field, ids []int64) error {
	var own, other []int64
	for _, id := range rs.IDs {
		for _, x := range ids {
			own, other = append(own, id), append(other, x)
		}
	}
	return rs.linkPairs(f, own, other)
}

// linkPairs adds to the many2many list of each record the one beside it.
func (rs Records) linkPairs(f *Field, own, other []int64) error {
	if len(own) == 0 {
		return nil
	}
	_, err := rs.Env.change(sqlf("INSERT INTO "+quote(f.RelTable)+" ("+quote(f.RelCol)+", "+quote(f.RelCocol)+") SELECT * FROM unnest(?::bigint[], ?::bigint[]) ON CONFLICT DO NOTHING", own, other))
	if err != nil {
		return err
	}
	return rs.mirrored(f, other)
}

// mirrored marks what depends on the list as the records at the other side
// show it.
func (rs Records) mirrored(f *Field, ids []int64) error {
	for _, o := range f.mirrors {
		if len(ids) > 0 {
			if err := rs.Env.changed(o.Model, ids, []string{o.Name}); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeLines executes commands on a one2many: the lines carry the relation.
func (rs Records) writeLines(f *Field, cmds []Command) error {
	co := rs.Env.Model(f.Comodel)
	inv := co.Model.Fields[f.Inverse]
	owner := func(id int64) Values {
		v := Values{inv.Name: id}
		if inv.Kind == Many2oneRef {
			v[inv.ModelField] = rs.Model.Name
		}
		return v
	}
	drop := func(ids []int64) error {
		if len(ids) == 0 {
			return nil
		}
		if inv.Required || inv.OnDelete == "cascade" || inv.Kind == Many2oneRef {
			return co.Browse(ids...).Unlink()
		}
		return co.Browse(ids...).Write(Values{inv.Name: nil})
	}
	var creates []Values
	for _, id := range rs.IDs {
		added := false
		for _, c := range cmds {
			var err error
			switch c.Op {
			case CmdCreate:
				v := c.Values.Clone()
				for k, x := range owner(id) {
					v[k] = x
				}
				creates, added = append(creates, v), true
			case CmdUpdate:
				err = co.Browse(c.ID).Write(c.Values)
			case CmdDelete:
				err = co.Browse(c.ID).Unlink()
			case CmdUnlink:
				err = drop([]int64{c.ID})
			case CmdLink:
				added, err = true, co.Browse(c.ID).Write(owner(id))
			case CmdClear, CmdSet:
				if added { // nothing is taken away any more
					err = co.Browse(c.IDs...).Write(owner(id))
					break
				}
				var have map[int64][]int64
				if have, err = rs.Browse(id).In(rs.Env.WithContext(map[string]any{"active_test": false})).lists(f); err != nil {
					return err
				}
				if err = drop(without(have[id], idSet(c.IDs))); err != nil {
					return err
				}
				err = co.Browse(without(c.IDs, idSet(have[id]))...).Write(owner(id))
			}
			if err != nil {
				return err
			}
		}
	}
	if len(creates) > 0 {
		if _, err := co.Create(creates...); err != nil {
			return err
		}
	}
	return nil
}

// writeLinks executes commands on a many2many: a table carries the relation.
func (rs Records) writeLinks(f *Field, cmds []Command) error {
	co := rs.Env.Model(f.Comodel)
	table, col, cocol := quote(f.RelTable), quote(f.RelCol), quote(f.RelCocol)
	unlink := func(ids []int64, keep bool) error {
		cond := "= ANY(?)"
		if keep {
			cond = "<> ALL(?)"
		}
		rs.Env.u.cache.invalidateAccess()
		gone, err := rs.Env.queryIDs(sqlf("DELETE FROM "+table+" WHERE "+col+" = ANY(?) AND "+cocol+" "+cond+" RETURNING "+cocol, rs.IDs, ids))
		if err != nil {
			return err
		}
		return rs.mirrored(f, gone)
	}
	if err := rs.Env.beforeChange(rs.Model, rs.IDs, []string{f.Name}); err != nil {
		return err
	}
	anew := -1 // the last command that sets the list anew
	for i, c := range cmds {
		if c.Op == CmdClear || c.Op == CmdSet {
			anew = i
		}
	}
	for i, c := range cmds {
		var err error
		switch c.Op {
		case CmdCreate: // all of rs share it, unless the list is set anew after it
			var made Records
			if made, err = co.Create(c.Values); err == nil && i > anew {
				err = rs.link(f, made.IDs)
			}
		case CmdUpdate:
			err = co.Browse(c.ID).Write(c.Values)
		case CmdDelete:
			err = co.Browse(c.ID).Unlink()
		case CmdUnlink:
			err = unlink([]int64{c.ID}, false)
		case CmdLink:
			err = rs.link(f, []int64{c.ID})
		case CmdClear:
			err = unlink([]int64{}, true)
		case CmdSet:
			ids := c.IDs
			if ids == nil {
				ids = []int64{}
			}
			if err = unlink(ids, true); err == nil {
				err = rs.link(f, ids)
			}
		}
		if err != nil {
			return err
		}
	}
	return rs.Env.changed(rs.Model, rs.IDs, []string{f.Name})
}
