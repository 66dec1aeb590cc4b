package orm

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// Values are field values by name: what create and write take. Callers may spell
// them as Go code or as JSON-RPC does. Hooks get them in one form, which depends on
// the kind of the field alone:
//
//	char, text, html, selection, reference, secret   string
//	integer    int64            float             float64, in NUMERIC decimal.Decimal
//	boolean    bool             date, datetime    Date, Datetime
//	many2one   int64            one2many, many2many   []Command, with values in this form
//	binary     []byte           json              json.RawMessage
//
// An empty value is nil, but for booleans (false) and lists (commands). What a hook
// sets may again be any Go value of the kind: it is brought to this form before the
// next hook gets it.
type Values map[string]any

// Clone returns a copy that may be changed without touching v.
func (v Values) Clone() Values {
	if v == nil {
		return Values{}
	}
	return maps.Clone(v)
}

// Names are the fields that have a value, in order.
func (v Values) Names() []string { return slices.Sorted(maps.Keys(v)) }

// Has reports whether one of the fields has a value, be it an empty one.
func (v Values) Has(names ...string) bool {
	for _, name := range names {
		if _, ok := v[name]; ok {
			return true
		}
	}
	return false
}

// IsSet reports whether a field has a value that is not empty.
func (v Values) IsSet(name string) bool {
	switch x := v[name].(type) {
	case nil:
		return false
	case bool:
		return x
	case string:
		return x != ""
	case int64:
		return x != 0
	}
	return true
}

// ID is the record that a many2one refers to, 0 for none.
func (v Values) ID(name string) int64 { return idOf(v[name]) }

// Int is the value of an integer field, 0 without one.
func (v Values) Int(name string) int64 { return idOf(v[name]) }

// Text is the value of a text field, "" without one.
func (v Values) Text(name string) string {
	s, _ := v[name].(string)
	return s
}

// Bool is the value of a boolean field, false without one.
func (v Values) Bool(name string) bool { return v[name] == true }

// Decimal is the value of a number field, 0 without one.
func (v Values) Decimal(name string) decimal.Decimal {
	switch x := v[name].(type) {
	case decimal.Decimal:
		return x
	case float64:
		return decimal.NewFromFloat(x)
	case int64:
		return decimal.NewFromInt(x)
	case int:
		return decimal.NewFromInt(int64(x))
	}
	return decimal.Zero
}

// Date is the value of a date field, the empty one without.
func (v Values) Date(name string) Date {
	d, _ := v[name].(Date)
	return d
}

// Datetime is the value of a datetime field, the empty one without.
func (v Values) Datetime(name string) Datetime {
	d, _ := v[name].(Datetime)
	return d
}

// JSON is the value of a JSON field, nil without one.
func (v Values) JSON(name string) JSON {
	switch x := v[name].(type) {
	case json.RawMessage:
		return JSON(x)
	case JSON:
		return x
	}
	return nil
}

// Commands are what is to happen to the list of a one2many or many2many field.
func (v Values) Commands(name string) []Command {
	cmds, _ := v[name].([]Command)
	return cmds
}

// IDs are the records that the commands of a list field leave in one that is empty;
// ok is false when they create, change or delete some.
func (v Values) IDs(name string) (ids []int64, ok bool) { return onlyLinks(v.Commands(name)) }

// Lines are the values of the records that the commands of a list field create; ok is
// false when they do something else as well. They may be changed in place.
func (v Values) Lines(name string) (lines []Values, ok bool) {
	for _, c := range v.Commands(name) {
		switch c.Op {
		case CmdCreate:
			lines = append(lines, c.Values)
		case CmdClear:
		default:
			return nil, false
		}
	}
	return lines, true
}

// idOf reads an id as the form of values and contexts have it: a whole number, or a
// pair of id and name. It is 0 for everything else.
func idOf(v any) int64 {
	if pair, ok := v.([]any); ok {
		if len(pair) == 0 {
			return 0
		}
		v = pair[0]
	}
	n, err := toInt(v)
	if err != nil {
		return 0
	}
	return n
}

// idsOf reads a list of ids, or one, and leaves out what is none.
func idsOf(v any) []int64 {
	switch x := v.(type) {
	case []int64:
		return x
	case []any:
		var out []int64
		for _, e := range x {
			if id := idOf(e); id != 0 {
				out = append(out, id)
			}
		}
		return out
	}
	if id := idOf(v); id != 0 {
		return []int64{id}
	}
	return nil
}

// ignores reports whether values of a field are passed over, as Odoo does: the system
// keeps it, or the user may not write it.
func (rs Records) ignores(f *Field) bool {
	return f.Name == "id" || f.Name == "display_name" && f.inverse == nil || magicFields[f.Name] || !rs.Env.su && !f.Writable()
}

// canonical brings values to the form that hooks get (see [Values]).
func (rs Records) canonical(vals Values, op Op) (Values, error) {
	out := make(Values, len(vals))
	for name, raw := range vals {
		f := rs.Model.Fields[name]
		if f == nil {
			code := CodeKey
			if op == OpCreate {
				code = CodeValue
			}
			return nil, &Error{Code: code, Fields: []string{name}, Message: fmt.Sprintf("Invalid field '%s' in '%s'", name, rs.Model.Name)}
		}
		v, err := f.Parse(raw)
		if err != nil && rs.ignores(f) {
			v, err = raw, nil
		}
		if err != nil {
			return nil, err
		}
		if cmds, ok := v.([]Command); ok {
			if v, err = rs.Env.canonicalLines(f, cmds); err != nil {
				return nil, err
			}
		}
		out[name] = v
	}
	return out, nil
}

func (rs Records) canonicalList(list []Values, op Op) ([]Values, error) {
	out := make([]Values, len(list))
	for i, vals := range list {
		var err error
		if out[i], err = rs.canonical(vals, op); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// AddDefaults adds the defaults of fields that have no value yet to those of a new
// record, in the form that hooks get.
func (rs Records) AddDefaults(vals Values, fields ...string) error {
	missing := slices.DeleteFunc(slices.Clone(fields), func(name string) bool { return vals.Has(name) })
	if len(missing) == 0 {
		return nil
	}
	defaults, err := rs.defaults(missing)
	if err != nil {
		return err
	}
	for name, v := range defaults {
		if !vals.Has(name) {
			vals[name] = v
		}
	}
	return nil
}

// canonicalCreate, canonicalWrite, canonicalCopy and canonicalCopyData bring what a hook hands on to the
// form in which the next one is to get it.
func canonicalCreate(next CreateFunc) CreateFunc {
	return func(rs Records, list []Values) (Records, error) {
		list, err := rs.canonicalList(list, OpCreate)
		if err != nil {
			return rs, err
		}
		return next(rs, list)
	}
}

func canonicalWrite(next WriteFunc) WriteFunc {
	return func(rs Records, vals Values) error {
		vals, err := rs.canonical(vals, OpWrite)
		if err != nil {
			return err
		}
		return next(rs, vals)
	}
}

func canonicalCopy(next CopyFunc) CopyFunc {
	return func(rs Records, overrides Values) (Records, error) {
		overrides, err := rs.canonical(overrides, OpCreate)
		if err != nil {
			return rs, err
		}
		return next(rs, overrides)
	}
}

func canonicalCopyData(next CopyDataFunc) CopyDataFunc {
	return func(rs Records, overrides Values) (Values, error) {
		overrides, err := rs.canonical(overrides, OpCreate)
		if err != nil {
			return nil, err
		}
		return next(rs, overrides)
	}
}

// canonicalDefaults does the same for what a hook gets of default_get.
func canonicalDefaults(next DefaultFunc) DefaultFunc {
	return func(rs Records, fields []string) (Values, error) {
		vals, err := next(rs, fields)
		if err != nil {
			return nil, err
		}
		return rs.canonical(vals, OpCreate)
	}
}

func (e *Env) canonicalLines(f *Field, cmds []Command) ([]Command, error) {
	lines := Records{Env: e, Model: f.ComodelOf()}
	if lines.Model == nil || !slices.ContainsFunc(cmds, func(c Command) bool { return c.Values != nil }) {
		return cmds, nil
	}
	out := slices.Clone(cmds)
	for i, c := range out {
		var err error
		switch c.Op {
		case CmdCreate:
			out[i].Values, err = lines.canonical(c.Values, OpCreate)
		case CmdUpdate:
			out[i].Values, err = lines.canonical(c.Values, OpWrite)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
