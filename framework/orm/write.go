package orm

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/go-playground/validator/v10"

	"fusionsoft.ca/fusion/framework/sanitize"
)

// intake is what a create or write was asked for, sorted by how it is stored.
type intake struct {
	columns  map[*Field]any
	lists    map[*Field][]Command
	binaries map[*Field]any
	inverse  map[*Field]any    // computed or related fields to be written through
	parents  map[*Field]Values // values for delegated-to records
}

// keep notes which computed fields are set by hand.
func (in *intake) protect(env *Env, ids []int64) {
	for f := range in.columns {
		env.protect(f, ids)
	}
	for f := range in.lists {
		env.protect(f, ids)
	}
}

// sortValues checks values and sorts them.
func (rs Records) sortValues(vals Values) (*intake, error) {
	in := &intake{columns: map[*Field]any{}, lists: map[*Field][]Command{}, binaries: map[*Field]any{}, inverse: map[*Field]any{}, parents: map[*Field]Values{}}
	for name, v := range vals {
		f := rs.Model.Fields[name]
		if rs.ignores(f) {
			continue
		}
		if f.Kind == HTML {
			if s, ok := v.(string); ok {
				v = sanitize.HTML(s)
			}
		}
		if err := f.validate(v); err != nil {
			return nil, err
		}
		switch {
		case f.inherited != nil:
			d := rs.Model.Fields[f.Related[0]]
			if in.parents[d] == nil {
				in.parents[d] = Values{}
			}
			in.parents[d][f.Related[1]] = v
		case f.X2many() && !(f.Computed() && !f.Stored):
			in.lists[f] = v.([]Command)
		case f.Kind == BinaryKind && !f.Computed():
			in.binaries[f] = v
		case f.column():
			in.columns[f] = v
			if f.inverse != nil {
				in.inverse[f] = v
			}
		case f.inverse != nil, len(f.Related) > 0 && !f.Readonly:
			in.inverse[f] = v
		case f.Kind == BinaryKind:
			in.binaries[f] = v
		}
	}
	return in, nil
}

var magicFields = map[string]bool{"create_uid": true, "create_date": true, "write_uid": true, "write_date": true}

var valueValidator = validator.New()

// validate applies the field's validator rules to a value that is set.
func (f *Field) validate(v any) error {
	if f.Validate == "" || v == nil || v == "" {
		return nil
	}
	if s, ok := v.(fmt.Stringer); ok {
		v = s.String()
	}
	if err := valueValidator.Var(v, f.Validate); err != nil {
		rule := f.Validate
		if ve, ok := err.(validator.ValidationErrors); ok && len(ve) > 0 {
			rule = ve[0].Tag()
			if p := ve[0].Param(); p != "" {
				rule += " " + p
			}
		}
		return fieldError(f, "%s (%s) is not valid: it must satisfy “%s”.", f.Label, f.Name, rule)
	}
	return nil
}

func createBase(rs Records, list []Values) (Records, error) {
	if len(list) == 0 {
		return rs, nil
	}
	if err := rs.checkModel(OpCreate); err != nil {
		return rs, err
	}
	ins := make([]*intake, len(list))
	for i, vals := range list {
		if err := rs.checkGiven(vals, OpCreate); err != nil {
			return rs, err
		}
		full, err := rs.withDefaults(vals)
		if err != nil {
			return rs, err
		}
		if ins[i], err = rs.sortValues(full); err != nil {
			return rs, err
		}
		for f, cmds := range ins[i].lists {
			ins[i].lists[f] = forNew(f, cmds)
		}
	}
	if err := rs.createParents(ins); err != nil {
		return rs, err
	}
	for _, in := range ins {
		if err := rs.required(in); err != nil {
			return rs, err
		}
	}
	ids, err := rs.insert(ins)
	if err != nil {
		return rs, err
	}
	created := rs.Browse(ids...)
	env := rs.Env
	if err := created.updateHierarchy(); err != nil {
		return rs, err
	}
	if err := created.linkNew(ins); err != nil {
		return rs, err
	}
	for i, in := range ins {
		if err := created.Browse(ids[i]).after(in); err != nil {
			return rs, err
		}
	}
	env.accessChanged(rs.Model)
	if err := created.checkRecords(OpCreate); err != nil {
		return rs, err
	}
	return created, env.check(rs.Model, ids, nil)
}

// withDefaults adds the defaults of the fields that were not given.
func (rs Records) withDefaults(vals Values) (Values, error) {
	stored, err := rs.Env.defaults(rs.Model.Name)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, name := range rs.Model.FieldNames() {
		if !vals.Has(name) {
			f := rs.Model.Fields[name]
			if f.Default != nil || len(stored[name]) > 0 && !f.CompanyDependent || f.inherited == nil && rs.Env.keys["default_"+name] != nil {
				missing = append(missing, name)
			}
		}
	}
	full := vals.Clone()
	return full, rs.AddDefaults(full, missing...)
}

func defaultsBase(rs Records, names []string) (Values, error) {
	out := Values{}
	stored, err := rs.Env.defaults(rs.Model.Name)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, name := range names {
		f := rs.Model.Fields[name]
		if f == nil || asked[name] {
			continue
		}
		asked[name] = true
		v, ok, err := rs.contextDefault(f)
		if err != nil {
			return nil, err
		}
		if ok {
			hidden, err := rs.Env.refersToHidden(f, v)
			if err != nil {
				return nil, err
			}
			if hidden {
				return nil, AccessErrorf("The default value of %s (%s) refers to a record that you may not read.", f.Label, f.Name)
			}
			out[name] = v
			continue
		}
		given := rs.Env.storedDefaultOf(stored[name])
		if given != nil && given.User != 0 {
			if may, err := rs.Env.settable(f); err != nil {
				return nil, err
			} else if !may {
				given = nil
			}
		}
		if given != nil && given.User != 0 {
			if hidden, err := rs.Env.refersToHidden(f, given.Value); err != nil {
				return nil, err
			} else if hidden {
				continue // the user chose it while he could read it
			}
		}
		if given != nil && f.System == SystemNone && (!f.CompanyDependent || f.Default == nil) {
			out[name] = given.Value
			continue
		}
		if f.Default != nil {
			v, err := f.Default(rs.Env)
			if err != nil {
				return nil, err
			}
			if v != nil && v != int64(0) || f.Kind == Integer {
				out[name] = v
			}
			continue
		}
		if f.inherited != nil {
			v, err := rs.Env.Model(f.inherited.Model.Name).DefaultGet(f.inherited.Name)
			if err != nil {
				return nil, err
			}
			if x, ok := v[f.inherited.Name]; ok {
				out[name] = x
			}
		}
	}
	return out, nil
}

// refersToHidden reports whether a value leads to records that the user may not
// read. Those that do not exist tell nothing.
func (e *Env) refersToHidden(f *Field, v any) (bool, error) {
	model, ids := f.Comodel, []int64(nil)
	switch {
	case e.su:
		return false, nil
	case f.Kind == Reference:
		text, _ := v.(string)
		name, id, _ := strings.Cut(text, ",")
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || e.u.db.Registry.models[name] == nil {
			return false, nil
		}
		model, ids = name, []int64{n}
	case !f.Relational():
		return false, nil
	default:
		parsed, err := f.Parse(v)
		if err != nil {
			return false, nil // it is refused where it is used
		}
		if id, ok := parsed.(int64); ok {
			ids = []int64{id}
		}
		cmds, _ := parsed.([]Command)
		for _, c := range cmds {
			switch c.Op {
			case CmdLink, CmdUpdate:
				ids = append(ids, c.ID)
			case CmdSet:
				ids = append(ids, c.IDs...)
			}
		}
	}
	there, err := e.Model(model).Browse(ids...).Exists()
	if err != nil || there.Len() == 0 {
		return false, err
	}
	seen, err := there.Allowed(OpRead)
	return seen.Len() < there.Len(), err
}

// createParents stores the delegated-to records that are not given, those of
// all new records together.
func (rs Records) createParents(ins []*intake) error {
	for _, d := range rs.Model.Delegates {
		var missing []*intake
		var list []Values
		for _, in := range ins {
			vals := in.parents[d]
			if id, ok := in.columns[d].(int64); ok && id != 0 {
				if len(vals) > 0 {
					if err := rs.Env.Model(d.Comodel).Browse(id).Write(vals); err != nil {
						return err
					}
				}
				continue
			}
			if vals == nil {
				vals = Values{}
			}
			missing, list = append(missing, in), append(list, vals)
		}
		if len(list) == 0 {
			continue
		}
		parents, err := rs.Env.Model(d.Comodel).Create(list...)
		if err != nil {
			return err
		}
		for i, in := range missing {
			in.columns[d] = parents.IDs[i]
		}
	}
	return nil
}

// required refuses a new record that lacks a mandatory value.
func (rs Records) required(in *intake) error {
	var lacking []*Field
	for _, name := range rs.Model.FieldNames() {
		f := rs.Model.Fields[name]
		if !f.Required || !f.column() || f.Computed() || f.Kind == Boolean {
			continue
		}
		if v, ok := in.columns[f]; !ok || v == nil {
			lacking = append(lacking, f)
		}
	}
	return rs.lacking(lacking)
}

// lacking refuses values without mandatory ones.
func (rs Records) lacking(fields []*Field) error {
	if len(fields) == 0 {
		return nil
	}
	var names, labels []string
	for _, f := range fields {
		names = append(names, f.Name)
		labels = append(labels, fmt.Sprintf("%s (%s)", f.Label, f.Name))
	}
	return &Error{Code: CodeValidation, Fields: names, Message: fmt.Sprintf("%s (%s) cannot be saved without: %s.", rs.Model.Label, rs.Model.Name, strings.Join(labels, ", "))}
}

// storable is the value of a new record's column in the form the driver takes.
func (e *Env) storable(f *Field, v any) (any, error) {
	if f.CompanyDependent {
		if v == nil && e.companyFallback(f) == nil {
			return nil, nil
		}
		return e.forCompany(f, v)
	}
	if text, ok := v.(string); ok && f.Translate {
		b, err := json.Marshal(map[string]string{DefaultLang: text, e.Lang(): text})
		return string(b), err
	}
	return e.plainStorable(f, v)
}

// plainStorable is a value in the form the driver takes, without languages and
// companies.
func (e *Env) plainStorable(f *Field, v any) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return string(x), nil
	case string:
		if f.Kind == SecretKind {
			return e.seal(x)
		}
	}
	return v, nil
}

// after stores what needs the record to exist: lists, files, inverses.
func (rs Records) after(in *intake) error {
	for _, f := range sortedFields(in.lists) {
		if err := rs.writeList(f, in.lists[f]); err != nil {
			return err
		}
	}
	for _, f := range sortedFields(in.binaries) {
		if err := rs.writeBinary(f, in.binaries[f]); err != nil {
			return err
		}
	}
	for _, f := range sortedFields(in.inverse) {
		if err := rs.writeInverse(f, in.inverse[f]); err != nil {
			return err
		}
	}
	return nil
}

func sortedFields[V any](m map[*Field]V) []*Field {
	out := make([]*Field, 0, len(m))
	for f := range m {
		out = append(out, f)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func writeBase(rs Records, vals Values) error {
	if err := rs.CheckAccess(OpWrite); err != nil {
		return err
	}
	if len(rs.Env.u.cache.protected) > 0 {
		// What was set by hand before is kept from the changes of then, not from
		// those of now.
		if err := rs.Env.Flush(); err != nil {
			return err
		}
	}
	if err := rs.checkGiven(vals, OpWrite); err != nil {
		return err
	}
	in, err := rs.sortValues(vals)
	if err != nil {
		return err
	}
	var lacking []*Field
	var names []string
	for f, v := range in.columns {
		names = append(names, f.Name)
		if f.Required && v == nil && f.compute == nil {
			lacking = append(lacking, f)
		}
	}
	if err := rs.lacking(lacking); err != nil {
		return err
	}
	for f := range in.lists {
		names = append(names, f.Name)
	}
	forgotten, moved, err := rs.secretsMoved(in)
	if err != nil {
		return err
	}
	env := rs.Env
	in.protect(env, rs.IDs)
	if len(in.columns) > 0 {
		if rs.Model.Parent != "" && in.columns[rs.Model.Fields[rs.Model.Parent]] != nil {
			if err := rs.checkHierarchy(in.columns[rs.Model.Fields[rs.Model.Parent]]); err != nil {
				return err
			}
		}
		if err := env.beforeChange(rs.Model, rs.IDs, names); err != nil {
			return err
		}
		if err := rs.update(in.columns); err != nil {
			return err
		}
		if len(forgotten) > 0 {
			if err := rs.Browse(moved...).update(forgotten); err != nil {
				return err
			}
		}
		if rs.Model.Parent != "" {
			if _, ok := in.columns[rs.Model.Fields[rs.Model.Parent]]; ok {
				if err := rs.updateHierarchy(); err != nil {
					return err
				}
			}
		}
		if err := env.changed(rs.Model, rs.IDs, names); err != nil {
			return err
		}
	}
	if err := rs.writeParents(in); err != nil {
		return err
	}
	if err := rs.after(in); err != nil {
		return err
	}
	for f := range in.inverse {
		names = append(names, f.Name)
	}
	for _, pv := range in.parents {
		for n := range pv {
			names = append(names, n)
		}
	}
	env.accessChanged(rs.Model)
	if err := rs.checkMoved(names); err != nil {
		return err
	}
	return env.check(rs.Model, rs.IDs, names)
}

// update writes columns; records that do not exist are an error.
func (rs Records) update(cols map[*Field]any) error {
	var sets []frag
	for _, f := range sortedFields(cols) {
		v, err := rs.Env.storable(f, cols[f])
		if err != nil {
			return err
		}
		if f.CompanyDependent {
			entry, err := rs.Env.forCompany(f, cols[f])
			if err != nil {
				return err
			}
			sets = append(sets, sqlf(quote(f.Name)+" = COALESCE("+quote(f.Name)+", '{}'::jsonb) || ?::jsonb", entry))
			continue
		}
		if f.Translate && v != nil {
			text, _ := json.Marshal(map[string]any{rs.Env.Lang(): cols[f]})
			base, _ := json.Marshal(map[string]any{DefaultLang: cols[f]})
			sets = append(sets, sqlf(quote(f.Name)+" = ?::jsonb || COALESCE("+quote(f.Name)+", '{}'::jsonb) || ?::jsonb", string(base), string(text)))
			continue
		}
		sets = append(sets, sqlf(quote(f.Name)+" = ?", v))
	}
	if rs.Model.Fields["write_date"] != nil {
		sets = append(sets, sqlf("write_uid = ?", rs.Env.uid), sqlf("write_date = ?", DatetimeOf(rs.Env.u.now)))
	}
	n, err := rs.Env.change(sqlf("UPDATE "+quote(rs.Model.Table)+" SET ? WHERE id = ANY(?)", join(sets, ", "), rs.IDs))
	if err != nil {
		return err
	}
	rs.cacheWritten(cols)
	distinct := map[int64]bool{}
	for _, id := range rs.IDs {
		distinct[id] = true
	}
	if int(n) < len(distinct) {
		there, err := rs.Exists()
		if err != nil {
			return err
		}
		return rs.missing(without(rs.IDs, idSet(there.IDs)))
	}
	return nil
}

// writeParents hands inherited values to the delegated-to records.
func (rs Records) writeParents(in *intake) error {
	for _, d := range sortedFields(in.parents) {
		c, err := rs.In(rs.Env.Sudo()).fetch([]*Field{d})
		if err != nil {
			return err
		}
		var ids []int64
		for _, v := range c.vals[d.Name] {
			if id, ok := v.(int64); ok {
				ids = append(ids, id)
			}
		}
		if err := rs.Env.Model(d.Comodel).Browse(ids...).Write(in.parents[d]); err != nil {
			return err
		}
	}
	return nil
}

// writeInverse stores a value written to a computed or related field.
func (rs Records) writeInverse(f *Field, v any) error {
	if f.inverse != nil {
		batch, elems, err := rs.In(rs.Env.Sudo()).facets(f.inverse.facet, f.inverse.ops)
		if err != nil {
			return err
		}
		sl := f.inverse.facet.byName[f.Name]
		for _, e := range elems {
			if f.X2many() {
				sl.set(e, commandIDs(v))
			} else {
				sl.set(e, v)
			}
		}
		return f.inverse.call(rs.Env, batch)
	}
	if len(f.Related) < 2 {
		return nil
	}
	cur := rs.In(rs.Env.Sudo())
	for _, name := range f.Related[:len(f.Related)-1] {
		step := cur.Model.Fields[name]
		c, err := cur.values([]*Field{step})
		if err != nil {
			return err
		}
		var ids []int64
		for _, x := range c.vals[name] {
			switch y := x.(type) {
			case int64:
				ids = append(ids, y)
			case []int64:
				ids = append(ids, y...)
			}
		}
		slices.Sort(ids)
		cur = cur.Env.Model(step.Comodel).Browse(slices.Compact(ids)...)
	}
	return cur.In(rs.Env).Write(Values{f.Related[len(f.Related)-1]: v})
}

// commandIDs is the list that set and link commands make of an empty one.
func commandIDs(v any) []int64 {
	cmds, _ := v.([]Command)
	var ids []int64
	for _, c := range cmds {
		switch c.Op {
		case CmdSet:
			ids = slices.Clone(c.IDs)
		case CmdLink:
			ids = append(ids, c.ID)
		case CmdClear:
			ids = nil
		}
	}
	return ids
}
