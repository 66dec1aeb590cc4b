package forms

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

// Preview is the record with the changes and what follows from them. When nothing
// can follow yet, the record is shown as it is, and hint says why.
func (f *Form) Preview(t *render.Posted, ch *Changes) (rec *render.Record, hint string, err error) {
	rec, oe, err := f.preview(ch)
	if err != nil {
		return nil, "", err
	}
	if oe != nil {
		hint = oe.Message
	}
	if rec == nil {
		if f.ID == 0 {
			rec, err = f.defaults()
		} else {
			rec, err = f.p.ReadForm(f.Records, f.View)
		}
		if err != nil {
			return nil, "", err
		}
		f.overlay(rec, ch.Values)
		err = f.sortLines(rec, t, ch, false)
	} else {
		err = f.sortLines(rec, t, ch, true)
	}
	return rec, hint, err
}

// preview makes a new record of the changes and reads it. What is wrong with them is
// told; of what is not meant for people, the log has the reason.
func (f *Form) preview(ch *Changes) (rec *render.Record, told *orm.Error, err error) {
	p := f.p
	rec, err = f.inMemory(ch.Values)
	switch {
	case err == nil:
		return rec, nil, nil
	case viewdata.UserError(err) != nil:
		return nil, viewdata.UserError(err), nil
	case mustRetry(err) && p.Request.Method == http.MethodPost: // what only reads is not tried again
		return nil, nil, err
	}
	p.Env().Log().Warn("preview of a form failed", "model", f.Action.Model, "error", err.Error())
	return nil, nil, nil
}

// inMemory reads the record that values would make, or make of the stored one.
func (f *Form) inMemory(vals orm.Values) (rec *render.Record, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in a preview: %v", r)
		}
	}()
	if err := f.Records.CheckReferences(vals); err != nil {
		return nil, err
	}
	rs, err := f.Records.New(vals)
	if err != nil {
		return nil, err
	}
	changed := vals.Names()
	if f.ID == 0 {
		changed = rs.Model.FieldNames()
	}
	if err := rs.Changed(changed...); err != nil {
		return nil, err
	}
	if rec, err = f.p.ReadForm(rs, f.View); err != nil {
		return nil, err
	}
	if rec.ID < 0 {
		rec.ID = 0
		delete(rec.Values, "id")
	}
	asStored(rs.Env, rec)
	for _, l := range rec.Lists {
		for _, r := range l.Rows {
			asStored(rs.Env, r)
		}
	}
	return rec, f.p.Names.Load()
}

// asStored names the records that a new one refers to by the stored ones they stand
// for.
func asStored(env *orm.Env, r *render.Record) {
	for name, v := range r.Values {
		fi := r.Model.Fields[name]
		if fi == nil || !fi.Relational() {
			continue
		}
		co := env.Model(fi.Comodel)
		switch x := v.(type) {
		case int64:
			if x < 0 {
				r.Values[name] = nil
				if o := co.Browse(x).Origin(); o != 0 {
					r.Values[name] = o
				}
			}
		case []int64:
			ids := slices.Clone(x)
			for i, id := range ids {
				if o := co.Browse(id).Origin(); o != 0 {
					ids[i] = o
				}
			}
			r.Values[name] = ids
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
func (f *Form) overlay(rec *render.Record, vals orm.Values) {
	for name, v := range vals {
		fi := rec.Model.Fields[name]
		if fi == nil {
			continue
		}
		if cmds, ok := v.([]orm.Command); ok {
			if len(cmds) == 1 && cmds[0].Op == orm.CmdSet {
				rec.Values[name] = cmds[0].IDs
			}
			continue
		}
		rec.Values[name] = convert.FromWire(fi, convert.Expr(v))
	}
}

// sortLines gives the lines of a new or stored record the keys of the form,
// adds those that are new, and marks those that are to go.
func (f *Form) sortLines(rec *render.Record, t *render.Posted, ch *Changes, tried bool) error {
	for name, keys := range ch.Rows {
		fi := rec.Model.Fields[name]
		list := rec.Lists[name]
		if list == nil {
			continue
		}
		byKey := map[string]*render.Record{}
		var fresh []*render.Record
		for _, r := range list.Rows {
			if slices.Contains(keys, r.Key) {
				byKey[r.Key] = r
			} else {
				fresh = append(fresh, r)
			}
		}
		slices.SortFunc(fresh, func(a, b *render.Record) int { return int(b.ID - a.ID) }) // as they were made
		if tried {
			for i, key := range ch.Lines[name] {
				if i < len(fresh) {
					r := fresh[i]
					r.Key, r.ID, r.Extra, r.Kept = key, 0, t.Extra[render.InputPrefix+name+"."+key], t.Get(render.InputPrefix+name+"."+key+"~kept") != ""
					byKey[key] = r
				}
			}
			fresh = fresh[min(len(ch.Lines[name]), len(fresh)):]
		}
		var rows []*render.Record
		for _, key := range keys {
			gone := t.Get(render.InputPrefix+name+"."+key+"~del") != ""
			if gone && strings.HasPrefix(key, "n") {
				continue
			}
			r := byKey[key]
			if r == nil && gone {
				r = &render.Record{Model: fi.ComodelOf(), ID: convert.ID(key), Key: key, Values: orm.Values{}}
			}
			if r == nil {
				prefix := render.InputPrefix + name + "." + key
				r = f.p.NewLine(fi.ComodelOf(), key, t.Extra[prefix])
				r.Kept = t.Get(prefix+"~kept") != ""
			}
			rows = append(rows, r)
		}
		for _, r := range fresh {
			if fi.Kind == orm.One2many && tried {
				r.Computed, r.Key, r.ID = true, "c"+r.Key, 0
			}
			rows = append(rows, r)
		}
		list.Rows, list.Total = rows, len(rows)
	}
	return f.p.Names.Load()
}

// AddLine adds an empty line to an x2many field: "f.line_ids" or, for one of
// several ways to add, "f.line_ids:1".
func (f *Form) AddLine(t *render.Posted, ch *Changes, arg string) error {
	p := f.p
	input, way, _ := strings.Cut(arg, ":")
	name := strings.TrimPrefix(input, render.InputPrefix)
	fi := f.Records.Model.Fields[name]
	if fi == nil || t.Base[input] != render.LinesMark || fi.Kind != orm.One2many {
		return orm.UserErrorf("The page is out of date. Load it again.")
	}
	n := 0
	for _, key := range t.Form[input+"~rows"] {
		if k, err := strconv.Atoi(strings.TrimPrefix(key, "n")); err == nil && strings.HasPrefix(key, "n") && k > n {
			n = k
		}
	}
	key := fmt.Sprintf("n%d", n+1)
	var at *view.Node
	for _, k := range f.View.Fields() {
		if k.Name() == name {
			at = k
			break
		}
	}
	if at == nil {
		return orm.UserErrorf("The page is out of date. Load it again.")
	}
	rec, _, err := f.Preview(t, ch)
	if err != nil {
		return err
	}
	given, err := f.lineDefaults(fi, at, rec, way)
	if err != nil {
		return err
	}
	prefix := input + "." + key
	t.Extra[prefix] = given
	t.Form.Add(input+"~rows", key)
	ch.Rows[name] = append(ch.Rows[name], key)
	f.Focus = prefix
	return p.Names.Load()
}

// lineDefaults are the values a new line starts with, in the context the view
// gives the field.
func (f *Form) lineDefaults(fi *orm.Field, at *view.Node, rec *render.Record, way string) (map[string]any, error) {
	p := f.p
	list, err := p.LinesView(fi, at)
	if err != nil || list == nil {
		return nil, err
	}
	b, err := p.Builder()
	if err != nil {
		return nil, err
	}
	vars := rec.Scope(b.Vars, nil)
	ctx := map[string]any{}
	for k, v := range b.Dict(at.Attr("context"), vars) {
		ctx[k] = v
	}
	if adds := render.AddCaptions(list.Root); way != "" {
		if i := int(convert.ID(way)); i < len(adds) {
			for k, v := range b.Dict(adds[i].Value, vars) {
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
	known, err := p.Fields(co.Name)
	if err != nil {
		return nil, err
	}
	slices.Sort(fields)
	fields = slices.DeleteFunc(slices.Compact(fields), func(n string) bool {
		_, ok := known[n]
		return !ok || n == fi.Inverse || n == "id"
	})
	return p.Defaults(p.Env().WithContext(ctx).Model(co.Name), fields)
}

// Blank is the record a new form starts with: its defaults, and what follows from
// them.
func (f *Form) Blank() (*render.Record, error) {
	start, err := f.defaults()
	if err != nil {
		return nil, err
	}
	for _, l := range start.Lists {
		if len(l.Rows) > 0 {
			return start, nil
		}
	}
	rec, _, err := f.preview(&Changes{Values: orm.Values{}})
	if err != nil || rec == nil {
		return start, err
	}
	for _, l := range rec.Lists {
		for _, r := range l.Rows {
			r.Computed, r.ID = true, 0
		}
	}
	return rec, nil
}

// defaults is a new record with its default values only.
func (f *Form) defaults() (*render.Record, error) {
	p := f.p
	fields, err := p.FieldsToRead(f.Action.Model, f.View.FieldNames())
	if err != nil {
		return nil, err
	}
	m := f.Records.Model
	given, err := p.Defaults(p.Env().Model(m.Name), fields)
	if err != nil {
		return nil, err
	}
	rec := &render.Record{Model: m, Values: orm.Values{"active": true}, Lists: map[string]*render.Lines{}, Files: map[string]render.FileFact{}}
	for _, name := range fields {
		fi := m.Fields[name]
		v, ok := given[name]
		switch {
		case ok && fi.X2many():
			rec.Values[name] = convert.IDs(convert.DefaultValue(fi, v))
		case ok:
			rec.Values[name] = convert.FromWire(fi, convert.Expr(v))
		case fi.Kind == orm.Boolean:
			rec.Values[name] = false
		default:
			rec.Values[name] = nil
		}
	}
	p.WantNames(m, fields, []*render.Record{rec})
	if err := p.ReadLists(p.Env().Model(m.Name), rec, f.View); err != nil {
		return nil, err
	}
	for name, list := range rec.Lists {
		fi := m.Fields[name]
		cmds, _ := convert.Expr(given[name]).([]any)
		for _, e := range cmds {
			cmd, _ := e.([]any)
			if len(cmd) < 3 || convert.ID(cmd[0]) != orm.CmdCreate {
				continue
			}
			vals, _ := cmd[2].(map[string]any)
			r := p.NewLine(fi.ComodelOf(), fmt.Sprintf("n%d", len(list.Rows)+1), vals)
			r.Kept = true
			list.Rows = append(list.Rows, r)
		}
		list.Total = len(list.Rows)
	}
	return rec, nil
}
