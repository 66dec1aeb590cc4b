package rpc

import (
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
)

// defaultGet are the values a new record starts with. A field with a default that
// comes to nothing is told as empty; one without a default is left out.
func defaultGet(c *call) (any, error) {
	fields, err := c.names(0, "fields_list")
	if err != nil {
		return nil, err
	}
	vals, err := c.rs.DefaultGet(fields...)
	if err != nil {
		return nil, err
	}
	for _, name := range fields {
		f := c.rs.Model.Fields[name]
		if f == nil {
			continue
		}
		if !vals.Has(name) {
			ok, err := c.rs.Env.FieldAllowed(f)
			if err != nil {
				return nil, err
			}
			if !ok || !f.HasDefault() {
				continue
			}
			vals[name] = nil
		}
		if f.X2many() {
			vals[name] = wholeList(vals.Commands(name))
		}
	}
	return c.rs.WireValues(vals)
}

// wholeList is what commands make of an empty list: one that sets its records,
// followed by those that create new ones and change others.
func wholeList(cmds []orm.Command) []orm.Command {
	ids := []int64{}
	var rest []orm.Command
	put := func(id int64) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, c := range cmds {
		switch c.Op {
		case orm.CmdCreate:
			rest = append(rest, c)
		case orm.CmdUpdate:
			put(c.ID)
			rest = append(rest, c)
		case orm.CmdLink:
			put(c.ID)
		case orm.CmdDelete, orm.CmdUnlink:
			ids = slices.DeleteFunc(ids, func(id int64) bool { return id == c.ID })
		case orm.CmdClear:
			ids, rest = []int64{}, nil
		case orm.CmdSet:
			ids = []int64{}
			for _, id := range c.IDs {
				put(id)
			}
		}
	}
	return append([]orm.Command{orm.SetIDs(ids...)}, rest...)
}
