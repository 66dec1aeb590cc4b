package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// follows is the record with the changes and what follows from them. When nothing
// can follow yet, the record is shown as it is, and hint says why.
func (f *recordForm) follows(t *typed, ch *changes) (rec *record, hint string, err error) {
	rec, oe, err := f.preview(ch)
	if err != nil {
		return nil, "", err
	}
	if oe != nil {
		hint = oe.Message
	}
	if rec == nil {
		if f.id == 0 {
			rec, err = f.defaults()
		} else {
			rec, err = f.p.readForm(f.rs, f.view)
		}
		if err != nil {
			return nil, "", err
		}
		f.overlay(rec, ch.vals)
		err = f.sortLines(rec, t, ch, false)
	} else {
		err = f.sortLines(rec, t, ch, true)
	}
	return rec, hint, err
}

// preview makes a new record of the changes and reads it. What is wrong with them is
// told; of what is not meant for people, the log has the reason.
func (f *recordForm) preview(ch *changes) (rec *record, told *orm.Error, err error) {
	p := f.p
	rec, err = f.inMemory(ch.vals)
	switch {
	case err == nil:
		return rec, nil, nil
	case asTold(err) != nil:
		return nil, asTold(err), nil
	case mustRetry(err) && p.Request.Method == http.MethodPost: // what only reads is not tried again
		return nil, nil, err
	}
	p.env.Log().Warn("preview of a form failed", "model", f.act.Model, "error", err.Error())
	return nil, nil, nil
}

// inMemory reads the record that values would make, or make of the stored one.
func (f *recordForm) inMemory(vals orm.Values) (rec *record, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in a preview: %v", r)
		}
	}()
	if err := f.rs.CheckReferences(vals); err != nil {
		return nil, err
	}
	rs, err := f.rs.New(vals)
	if err != nil {
		return nil, err
	}
	changed := vals.Names()
	if f.id == 0 {
		changed = rs.Model.FieldNames()
	}
	if err := rs.Changed(changed...); err != nil {
		return nil, err
	}
	if rec, err = f.p.readForm(rs, f.view); err != nil {
		return nil, err
	}
	if rec.id < 0 {
		rec.id = 0
		delete(rec.vals, "id")
	}
	rec.asStored(rs.Env)
	for _, l := range rec.lists {
		for _, r := range l.rows {
			r.asStored(rs.Env)
		}
	}
	return rec, f.p.names.load()
}

// asStored names the records that a new one refers to by the stored ones they stand
// for.
func (r *record) asStored(env *orm.Env) {
	for name, v := range r.vals {
		fi := r.model.Fields[name]
		if fi == nil || !fi.Relational() {
			continue
		}
		co := env.Model(fi.Comodel)
		switch x := v.(type) {
		case int64:
			if x < 0 {
				r.vals[name] = nil
				if o := co.Browse(x).Origin(); o != 0 {
					r.vals[name] = o
				}
			}
		case []int64:
			ids := slices.Clone(x)
			for i, id := range ids {
				if o := co.Browse(id).Origin(); o != 0 {
					ids[i] = o
				}
			}
			r.vals[name] = ids
		}
	}
}

// mustRetry reports whether PostgreSQL wants the whole request again.
func mustRetry(err error) bool {
	pe, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && slices.Contains([]string{"40001", "40P01", "55P03"}, pe.SQLState())
}

// overlay puts typed values over a record from which nothing follows, so that
// modifiers see them.
func (f *recordForm) overlay(rec *record, vals orm.Values) {
	for name, v := range vals {
		fi := rec.model.Fields[name]
		if fi == nil {
			continue
		}
		if cmds, ok := v.([]orm.Command); ok {
			if len(cmds) == 1 && cmds[0].Op == orm.CmdSet {
				rec.vals[name] = cmds[0].IDs
			}
			continue
		}
		rec.vals[name] = fromWire(fi, exprValue(v))
	}
}

// sortLines gives the lines of a new or stored record the keys of the form,
// adds those that are new, and marks those that are to go.
func (f *recordForm) sortLines(rec *record, t *typed, ch *changes, tried bool) error {
	for name, keys := range ch.rows {
		fi := rec.model.Fields[name]
		list := rec.lists[name]
		if list == nil {
			continue
		}
		byKey := map[string]*record{}
		var fresh []*record
		for _, r := range list.rows {
			if slices.Contains(keys, r.key) {
				byKey[r.key] = r
			} else {
				fresh = append(fresh, r)
			}
		}
		slices.SortFunc(fresh, func(a, b *record) int { return int(b.id - a.id) }) // as they were made
		if tried {
			for i, key := range ch.lines[name] {
				if i < len(fresh) {
					r := fresh[i]
					r.key, r.id, r.given, r.kept = key, 0, t.extra[inputPrefix+name+"."+key], t.get(inputPrefix+name+"."+key+"~kept") != ""
					byKey[key] = r
				}
			}
			fresh = fresh[min(len(ch.lines[name]), len(fresh)):]
		}
		var rows []*record
		for _, key := range keys {
			gone := t.get(inputPrefix+name+"."+key+"~del") != ""
			if gone && strings.HasPrefix(key, "n") {
				continue
			}
			r := byKey[key]
			if r == nil && gone {
				r = &record{model: fi.ComodelOf(), id: toID(key), key: key, vals: orm.Values{}}
			}
			if r == nil {
				prefix := inputPrefix + name + "." + key
				r = f.p.newLine(fi.ComodelOf(), key, t.extra[prefix])
				r.kept = t.get(prefix+"~kept") != ""
			}
			rows = append(rows, r)
		}
		for _, r := range fresh {
			if fi.Kind == orm.One2many && tried {
				r.calc, r.key, r.id = true, "c"+r.key, 0
			}
			rows = append(rows, r)
		}
		list.rows, list.total = rows, len(rows)
	}
	return f.p.names.load()
}

// defaultValue reads the commands of an x2many default as ids.
func defaultValue(f *orm.Field, v any) any {
	if !f.X2many() {
		return exprValue(v)
	}
	var ids []any
	list, _ := exprValue(v).([]any)
	for _, e := range list {
		cmd, ok := e.([]any)
		if !ok {
			ids = append(ids, e)
			continue
		}
		if len(cmd) < 2 {
			continue
		}
		switch toID(cmd[0]) {
		case orm.CmdLink:
			ids = append(ids, cmd[1])
		case orm.CmdSet:
			if len(cmd) > 2 {
				more, _ := exprValue(cmd[2]).([]any)
				ids = append(ids, more...)
			}
		}
	}
	return ids
}

// addLine adds an empty line to an x2many field: "f.line_ids" or, for one of
// several ways to add, "f.line_ids:1".
func (f *recordForm) addLine(t *typed, ch *changes, arg string) error {
	p := f.p
	input, way, _ := strings.Cut(arg, ":")
	name := strings.TrimPrefix(input, inputPrefix)
	fi := f.rs.Model.Fields[name]
	if fi == nil || t.base[input] != linesMark || fi.Kind != orm.One2many {
		return orm.UserErrorf("The page is out of date. Load it again.")
	}
	n := 0
	for _, key := range t.form[input+"~rows"] {
		if k, err := strconv.Atoi(strings.TrimPrefix(key, "n")); err == nil && strings.HasPrefix(key, "n") && k > n {
			n = k
		}
	}
	key := fmt.Sprintf("n%d", n+1)
	var at *view.Node
	for _, k := range f.view.Fields() {
		if k.Name() == name {
			at = k
			break
		}
	}
	if at == nil {
		return orm.UserErrorf("The page is out of date. Load it again.")
	}
	rec, _, err := f.follows(t, ch)
	if err != nil {
		return err
	}
	given, err := f.lineDefaults(fi, at, rec, way)
	if err != nil {
		return err
	}
	prefix := input + "." + key
	t.extra[prefix] = given
	t.form.Add(input+"~rows", key)
	ch.rows[name] = append(ch.rows[name], key)
	f.focus = prefix
	return p.names.load()
}

// lineDefaults are the values a new line starts with, in the context the view
// gives the field.
func (f *recordForm) lineDefaults(fi *orm.Field, at *view.Node, rec *record, way string) (map[string]any, error) {
	p := f.p
	list, err := p.listOf(fi, at)
	if err != nil || list == nil {
		return nil, err
	}
	b, err := p.builder()
	if err != nil {
		return nil, err
	}
	vars := rec.scope(b.vars, nil)
	ctx := map[string]any{}
	for k, v := range b.dict(at.Attr("context"), vars) {
		ctx[k] = v
	}
	if adds := addCaptions(list.Root); way != "" {
		if i := int(toID(way)); i < len(adds) {
			for k, v := range b.dict(adds[i].Value, vars) {
				ctx[k] = v
			}
		}
	}
	fields := list.FieldNames()
	if form := at.SubViews()["form"]; form != nil {
		fields = append(fields, (&view.View{Root: form}).FieldNames()...)
	}
	delete(ctx, "default_"+fi.Inverse)
	for k := range ctx {
		if name, ok := strings.CutPrefix(k, "default_"); ok {
			fields = append(fields, name)
		}
	}
	co := fi.ComodelOf()
	known, err := p.fieldsOf(co.Name)
	if err != nil {
		return nil, err
	}
	slices.Sort(fields)
	fields = slices.DeleteFunc(slices.Compact(fields), func(n string) bool {
		_, ok := known[n]
		return !ok || n == fi.Inverse || n == "id"
	})
	return p.defaultsOf(p.env.WithContext(ctx).Model(co.Name), fields)
}

// blank is the record a new form starts with: its defaults, and what follows from
// them.
func (f *recordForm) blank() (*record, error) {
	start, err := f.defaults()
	if err != nil {
		return nil, err
	}
	for _, l := range start.lists {
		if len(l.rows) > 0 {
			return start, nil
		}
	}
	rec, _, err := f.preview(&changes{vals: orm.Values{}})
	if err != nil || rec == nil {
		return start, err
	}
	for _, l := range rec.lists {
		for _, r := range l.rows {
			r.calc, r.id = true, 0
		}
	}
	return rec, nil
}

// defaults is a new record with its default values only.
func (f *recordForm) defaults() (*record, error) {
	p := f.p
	fields, err := p.fieldsRead(f.act.Model, f.view.FieldNames())
	if err != nil {
		return nil, err
	}
	m := f.rs.Model
	given, err := p.defaultsOf(p.env.Model(m.Name), fields)
	if err != nil {
		return nil, err
	}
	rec := &record{model: m, vals: orm.Values{"active": true}, lists: map[string]*lines{}, files: map[string]fileFact{}}
	for _, name := range fields {
		fi := m.Fields[name]
		v, ok := given[name]
		switch {
		case ok && fi.X2many():
			rec.vals[name] = toIDs(defaultValue(fi, v))
		case ok:
			rec.vals[name] = fromWire(fi, exprValue(v))
		case fi.Kind == orm.Boolean:
			rec.vals[name] = false
		default:
			rec.vals[name] = nil
		}
	}
	p.wantNames(m, fields, []*record{rec})
	if err := p.readLists(p.env.Model(m.Name), rec, f.view); err != nil {
		return nil, err
	}
	for name, list := range rec.lists {
		fi := m.Fields[name]
		cmds, _ := exprValue(given[name]).([]any)
		for _, e := range cmds {
			cmd, _ := e.([]any)
			if len(cmd) < 3 || toID(cmd[0]) != orm.CmdCreate {
				continue
			}
			vals, _ := cmd[2].(map[string]any)
			r := p.newLine(fi.ComodelOf(), fmt.Sprintf("n%d", len(list.rows)+1), vals)
			r.kept = true
			list.rows = append(list.rows, r)
		}
		list.total = len(list.rows)
	}
	return rec, nil
}
