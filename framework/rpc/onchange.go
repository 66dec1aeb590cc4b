package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
)

// draft is a form as a client has it: a new record, see orm.Records.New.
type draft struct {
	rs    orm.Records
	spec  spec
	names []string             // the fields the client has just changed
	first bool                 // the form has just been opened: everything is asked for
	made  map[string][]newLine // lines of the client that are not stored, by list
}

// newLine is a line a client has made, under the name it calls it by.
type newLine struct {
	key  any
	vals map[string]any
}

// onchange tells what follows for a form from values that are not stored yet:
// from those the client has just changed, after all others. What is different
// afterwards is the answer, in the form of web_read, and lists as commands.
// Nothing is stored.
func onchange(c *call) (any, error) {
	values, err := c.values(0, "values")
	if err != nil {
		return nil, err
	}
	d := &draft{rs: c.rs, made: map[string][]newLine{}}
	if d.names, err = c.names(1, "field_names"); err != nil {
		return nil, err
	}
	var ok bool
	if d.spec, ok = c.get(2, "fields_spec").(map[string]any); !ok {
		return nil, typeErrorf("fields_spec must be an object of fields")
	}
	for _, n := range d.names {
		if c.rs.Model.Fields[n] == nil {
			return map[string]any{}, nil
		}
	}
	if c.rs.Len() > 1 {
		return nil, c.rs.One()
	}
	// What follows is computed in memory, from values whose reading nothing else asks about.
	if c.rs.Len() == 1 {
		if err := c.rs.CheckAccess(orm.OpRead); err != nil {
			return nil, err
		}
	}
	d.first = len(d.names) == 0
	values = values.Clone()
	delete(values, "id")
	out, err := d.follow(values)
	if orm.IsCode(err, orm.CodeUser) || orm.IsCode(err, orm.CodeValidation) || orm.IsCode(err, orm.CodeRedirect) {
		return withWarning(c.rs, d, values, err)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"value": out}, nil
}

// withWarning answers when nothing can follow from the values: with what a new form
// starts with, and why.
func withWarning(rs orm.Records, d *draft, values orm.Values, why error) (any, error) {
	out := orm.Values{}
	if d.first && rs.Len() == 0 {
		var missing []string
		for name := range d.spec {
			if _, given := values[name]; !given && name != "id" {
				missing = append(missing, name)
			}
		}
		vals, err := rs.DefaultGet(missing...)
		if err != nil {
			return nil, err
		}
		if out, err = rs.WireValues(vals); err != nil {
			return nil, err
		}
	}
	oe, _ := errors.AsType[*orm.Error](why)
	return map[string]any{"value": out, "warning": map[string]any{"title": "Warning", "message": oe.Message, "type": "notification"}}, nil
}

// follow makes a new record of the values in two steps and compares what comes of
// them.
func (d *draft) follow(values orm.Values) (orm.Values, error) {
	fresh := d.rs.Len() == 0
	if !fresh {
		if err := d.dropRepeated(values); err != nil {
			return nil, err
		}
	}
	if err := d.mayRefer(d.rs.Model, values); err != nil {
		return nil, err
	}
	changed := orm.Values{}
	for _, n := range d.names {
		if v, ok := values[n]; ok {
			changed[n] = v
		}
		delete(values, n)
		if f := d.rs.Model.Fields[n]; fresh && !f.X2many() {
			values[n] = false // its default must not come back
		}
	}
	rest, err := d.inMemory(values)
	if err != nil {
		return nil, err
	}
	if d.rs, err = d.rs.New(rest); err != nil {
		return nil, err
	}
	if d.first {
		if err := d.rs.Changed(d.rs.Model.FieldNames()...); err != nil {
			return nil, err
		}
	}
	before, err := d.read()
	if err != nil {
		return nil, err
	}
	if d.first {
		return d.diff(d.rs.Model, d.spec, nil, before), nil
	}
	set, err := d.inMemory(changed)
	if err != nil {
		return nil, err
	}
	if err := d.rs.Assign(set); err != nil {
		return nil, err
	}
	if err := d.rs.Changed(d.names...); err != nil {
		return nil, err
	}
	after, err := d.read()
	if err != nil {
		return nil, err
	}
	if err := d.overlay(before, after, changed); err != nil {
		return nil, err
	}
	return d.diff(d.rs.Model, d.spec, before, after), nil
}

// dropRepeated leaves out what a client repeats of a stored record.
func (d *draft) dropRepeated(values orm.Values) error {
	var repeated []string
	for name, v := range values {
		f := d.rs.Model.Fields[name]
		if list, ok := v.([]any); f != nil && f.X2many() && ok && len(list) == 0 {
			delete(values, name) // no commands
		} else if f != nil && !f.X2many() && !slices.Contains(d.names, name) {
			if _, parent := v.(map[string]any); !parent {
				repeated = append(repeated, name)
			}
		}
	}
	if len(repeated) == 0 {
		return nil
	}
	rows, err := d.rs.ReadWire(repeated, false)
	if err != nil || len(rows) == 0 {
		return err
	}
	for _, name := range repeated {
		given, err := d.rs.WireValues(orm.Values{name: values[name]})
		if err != nil {
			return err
		}
		if alike(d.rs.Model.Fields[name], rows[0][name], given[name]) {
			delete(values, name)
		}
	}
	return nil
}

// mayRefer refuses references to records that the user may not read: what
// follows from them would tell what is in them.
func (d *draft) mayRefer(m *orm.Model, values map[string]any) error {
	for name, v := range values {
		f := m.Fields[name]
		if f == nil || !f.Relational() {
			continue
		}
		co := d.rs.Env.Model(f.Comodel)
		list, isList := v.([]any)
		if parent, ok := v.(map[string]any); ok {
			if err := d.mayRefer(co.Model, parent); err != nil {
				return err
			}
			v = parent["id"]
		}
		var ids []int64
		if id, err := number(v); err == nil && id > 0 && f.Kind == orm.Many2one {
			ids = append(ids, id)
		}
		for _, e := range list {
			cmd, ok := e.([]any)
			if !ok {
				cmd = []any{orm.CmdLink, e}
			}
			if len(cmd) < 2 {
				continue
			}
			op, _ := number(cmd[0])
			id, err := number(cmd[1])
			switch {
			case op == orm.CmdLink && err == nil && id > 0:
				ids = append(ids, id)
			case op == orm.CmdSet && len(cmd) > 2:
				more, err := toIDs(cmd[2])
				if err != nil {
					return err
				}
				ids = append(ids, more...)
			case len(cmd) > 2:
				if vals, ok := cmd[2].(map[string]any); ok && isList {
					if err := d.mayRefer(co.Model, vals); err != nil {
						return err
					}
				}
			}
		}
		if len(ids) > 0 {
			if err := co.Browse(ids...).CheckAccess(orm.OpRead); err != nil {
				return err
			}
		}
	}
	return nil
}

// inMemory turns values of a form into those of a new record: the record a line
// belongs to, given with its own values, becomes a new record too, and lines that
// the client has made get all it has said of them.
func (d *draft) inMemory(values orm.Values) (orm.Values, error) {
	out := orm.Values{}
	for name, v := range values {
		f := d.rs.Model.Fields[name]
		switch {
		case f == nil:
		case f.Kind == orm.Many2one:
			if vals, ok := v.(map[string]any); ok {
				var err error
				if v, err = d.owner(f, vals); err != nil {
					return nil, err
				}
			}
		case f.X2many():
			v, d.made[name] = joinLines(v)
		}
		out[name] = v
	}
	return out, nil
}

// owner makes a new record of the one that a line belongs to.
func (d *draft) owner(f *orm.Field, vals map[string]any) (any, error) {
	id, err := number(vals["id"])
	vals = maps.Clone(vals)
	delete(vals, "id")
	for name, v := range vals {
		if co := f.ComodelOf().Fields[name]; co != nil && co.X2many() {
			vals[name], _ = joinLines(v)
		}
	}
	co := d.rs.Env.Model(f.Comodel)
	if err == nil && id > 0 {
		made, err := co.Browse(id).New(vals)
		return made.ID(), err
	}
	made, err := co.New(vals)
	return made.ID(), err
}

// joinLines applies what a client says of lines that it has made itself to the
// commands that make them.
func joinLines(v any) (any, []newLine) {
	list, ok := v.([]any)
	if !ok {
		return v, nil
	}
	var made []newLine
	var rest []any
	for _, e := range list {
		cmd, ok := e.([]any)
		if !ok || len(cmd) < 2 {
			rest = append(rest, e)
			continue
		}
		op, _ := number(cmd[0])
		at := slices.IndexFunc(made, func(l newLine) bool { return l.key != nil && l.key == scalar(cmd[1]) })
		var vals map[string]any
		if len(cmd) > 2 {
			vals, _ = cmd[2].(map[string]any)
		}
		switch {
		case op == orm.CmdCreate:
			made = append(made, newLine{scalar(cmd[1]), maps.Clone(vals)})
		case at < 0:
			rest = append(rest, e)
		case op == orm.CmdUpdate:
			maps.Copy(made[at].vals, vals)
		case op == orm.CmdDelete, op == orm.CmdUnlink:
			made = slices.Delete(made, at, at+1)
		}
	}
	for i := range made {
		if made[i].vals == nil {
			made[i].vals = map[string]any{}
		}
		delete(made[i].vals, "id")
		rest = append(rest, []any{orm.CmdCreate, 0, made[i].vals})
	}
	return rest, made
}

// scalar is the name of a line, nil for what can be none.
func scalar(v any) any {
	switch x := v.(type) {
	case string:
		return x
	case int64:
		if x != 0 {
			return x
		}
	}
	return nil
}

// read is the draft as the client wants it.
func (d *draft) read() (orm.Values, error) {
	rows, err := readSpec(d.rs, d.spec)
	if err != nil || len(rows) == 0 {
		return orm.Values{}, err
	}
	d.tidy(d.rs.Model, d.spec, rows[0])
	return rows[0], nil
}

// tidy writes a record of the draft as a client knows it: by the stored one it
// stands for, or not at all, and empty texts as false.
func (d *draft) tidy(m *orm.Model, sp spec, row orm.Values) {
	for name := range sp {
		f := m.Fields[name]
		if f == nil {
			continue
		}
		sub, _ := sp[name].(map[string]any)
		fields, _ := sub["fields"].(map[string]any)
		if f.X2many() {
			lines := linesOf(row[name])
			for _, line := range lines {
				d.tidy(f.ComodelOf(), fields, line)
				if o := d.rs.Env.Model(f.Comodel).Browse(refID(line)).Origin(); o != 0 {
					line["id"] = o
				}
			}
			row[name] = lines
		} else if row[name] == "" {
			row[name] = false
		} else if id := refID(row[name]); f.Kind == orm.Many2one && id < 0 {
			row[name] = false
			if o := d.rs.Env.Model(f.Comodel).Browse(id).Origin(); o != 0 {
				row[name] = o
			}
		}
	}
}

// keyOf is how the client calls a line: by its id, by the name it has given it
// itself, or, when something else has made the line, not at all.
func (d *draft) keyOf(f *orm.Field, lines []orm.Values, id int64) any {
	if id > 0 {
		return id
	}
	var fresh []int64
	for _, l := range lines {
		if n := refID(l); n < 0 {
			fresh = append(fresh, n)
		}
	}
	slices.Sort(fresh)
	slices.Reverse(fresh) // as they were made
	i := slices.Index(fresh, id)
	if made := d.made[f.Name]; f.Model == d.rs.Model && i < len(made) && made[i].key != nil {
		return made[i].key
	}
	return 0
}

// overlay makes of what was before what the client shows now: with the values
// it has just changed.
func (d *draft) overlay(before, after, changed orm.Values) error {
	for name, v := range changed {
		f := d.rs.Model.Fields[name]
		if _, shown := d.spec[name]; !shown {
			continue
		}
		if !f.X2many() {
			if vals, ok := v.(map[string]any); ok {
				v = vals["id"]
			}
			given, err := d.rs.WireValues(orm.Values{name: v})
			if err != nil {
				return err
			}
			before[name] = given[name]
			if given[name] == "" {
				before[name] = false
			}
			continue
		}
		lines := slices.Clone(linesOf(before[name]))
		find := func(id int64) int {
			return slices.IndexFunc(lines, func(l orm.Values) bool { return refID(l) == id })
		}
		cmds, _ := v.([]any)
		for _, e := range cmds {
			cmd, ok := e.([]any)
			if !ok || len(cmd) < 2 {
				continue
			}
			op, _ := number(cmd[0])
			id, _ := number(cmd[1])
			switch op {
			case orm.CmdUpdate:
				if vals, ok := cmd[len(cmd)-1].(map[string]any); ok && find(id) >= 0 {
					given, err := d.lineValues(f, vals)
					if err != nil {
						return err
					}
					maps.Copy(lines[find(id)], given)
				}
			case orm.CmdDelete, orm.CmdUnlink:
				lines = slices.DeleteFunc(lines, func(l orm.Values) bool { return refID(l) == id })
			case orm.CmdLink:
				if find(id) < 0 {
					lines = append(lines, orm.Values{"id": id})
				}
			case orm.CmdClear:
				lines = nil
			case orm.CmdSet:
				ids, err := toIDs(cmd[len(cmd)-1])
				if err != nil {
					return err
				}
				lines = slices.DeleteFunc(lines, func(l orm.Values) bool { return !slices.Contains(ids, refID(l)) })
				for _, id := range ids {
					if find(id) < 0 {
						lines = append(lines, orm.Values{"id": id})
					}
				}
			}
		}
		now := linesOf(after[name])
		for _, l := range now {
			if key := d.keyOf(f, now, refID(l)); refID(l) < 0 && key != 0 {
				i := slices.IndexFunc(d.made[name], func(m newLine) bool { return m.key == key })
				given, err := d.lineValues(f, d.made[name][i].vals)
				if err != nil {
					return err
				}
				given["id"], given[""] = refID(l), true
				lines = append(lines, given)
			}
		}
		before[name] = lines
	}
	return nil
}

// lineValues are values of a line as they would be read, without lists.
func (d *draft) lineValues(f *orm.Field, vals map[string]any) (orm.Values, error) {
	plain := orm.Values{}
	for name, v := range vals {
		if lf := f.ComodelOf().Fields[name]; lf != nil && !lf.X2many() {
			plain[name] = v
		}
	}
	return d.rs.Env.Model(f.Comodel).WireValues(plain)
}

// diff are the fields of after that differ from before, nil: all of them.
func (d *draft) diff(m *orm.Model, sp spec, before, after orm.Values) orm.Values {
	out := orm.Values{}
	for name := range sp {
		f := m.Fields[name]
		v, read := after[name]
		if f == nil || name == "id" || !read {
			continue
		}
		was, known := before[name]
		sub, _ := sp[name].(map[string]any)
		fields, _ := sub["fields"].(map[string]any)
		switch {
		case f.X2many():
			if cmds := d.commands(f, fields, linesOf(was), linesOf(v), before == nil); len(cmds) > 0 {
				out[name] = cmds
			}
		case before == nil:
			out[name] = v
		case known && alike(f, was, v):
		case !known && (before[""] == nil || alike(f, false, v)):
			// not shown by the client, or empty in a line it has just made
		default:
			out[name] = v
		}
	}
	return out
}

// commands lead from lines to others.
func (d *draft) commands(f *orm.Field, fields spec, before, after []orm.Values, all bool) []any {
	var out []any
	byID := map[int64]orm.Values{}
	for _, l := range after {
		byID[refID(l)] = l
	}
	drop := orm.CmdUnlink
	if f.Kind == orm.One2many {
		drop = orm.CmdDelete
	}
	shown := map[int64]orm.Values{}
	for _, l := range before {
		id := refID(l)
		shown[id] = l
		if byID[id] == nil {
			out = append(out, []any{drop, d.keyOf(f, before, id), 0})
		}
	}
	for _, l := range after {
		id := refID(l)
		was, known := shown[id]
		switch {
		case known && !all:
			if vals := d.diff(f.ComodelOf(), fields, was, l); len(vals) > 0 {
				out = append(out, []any{orm.CmdUpdate, d.keyOf(f, after, id), vals})
			}
		case id < 0:
			out = append(out, []any{orm.CmdCreate, d.keyOf(f, after, id), d.diff(f.ComodelOf(), fields, nil, l)})
		default:
			out = append(out, []any{orm.CmdLink, id, l})
		}
	}
	return out
}

// linesOf are the records of a list as it was read; of some only the ids.
func linesOf(v any) []orm.Values {
	if rows, ok := v.([]orm.Values); ok {
		return rows
	}
	ids := listed(v)
	out := make([]orm.Values, len(ids))
	for i, id := range ids {
		out[i] = orm.Values{"id": id}
	}
	return out
}

// refID is the id of a reference, alone or with fields of its record.
func refID(v any) int64 {
	switch x := v.(type) {
	case int64:
		return x
	case orm.Values:
		id, _ := x["id"].(int64)
		return id
	}
	return 0
}

// alike compares values as they are read.
func alike(f *orm.Field, a, b any) bool {
	if f.Kind == orm.Many2one {
		return refID(a) == refID(b)
	}
	if f.Kind == orm.Float || f.Kind == orm.Monetary {
		x, err1 := json.Number(fmt.Sprint(a)).Float64()
		y, err2 := json.Number(fmt.Sprint(b)).Float64()
		return err1 == nil && err2 == nil && x == y || a == b
	}
	return reflect.DeepEqual(a, b)
}
