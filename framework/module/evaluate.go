package module

import (
	"errors"
	"fmt"

	"fusion/framework/expr"
	"fusion/framework/orm"
)

// eval evaluates an expression of a data file; obj is seen through m.
func (l *loader) eval(at place, src string, m *orm.Model) (any, error) {
	v, err := l.cache.Eval(src, l.recordVars(at, m))
	if err != nil {
		var de *dataError // from ref()
		if errors.As(err, &de) {
			return nil, de
		}
		return nil, at.errorf("expression: %w", err)
	}
	return v, nil
}

// evalNames are the names an expression of a data file may use.
var evalNames = []string{"ref", "obj", "env", "uid", "time", "datetime", "DateTime", "timedelta", "relativedelta", "dateutil",
	"context_today", "current_date", "today", "now", "Command"}

func (l *loader) recordVars(at place, m *orm.Model) map[string]any {
	vars := l.vars
	vars["ref"] = expr.Func(func(args []any, _ map[string]any) (any, error) {
		full, err := refArg(args)
		if err != nil {
			return nil, err
		}
		x, err := l.resolve(at, qualify(full, l.addon))
		if err != nil {
			return nil, err
		}
		return x.resID, nil
	})
	delete(vars, "obj")
	if m != nil {
		vars["obj"] = expr.Func(func(args []any, _ map[string]any) (any, error) {
			rs := l.env.Model(m.Name)
			if len(args) > 0 {
				rs = rs.Browse(orm.Args{Pos: args}.IDs(0, "")...)
				if len(rs.IDs) == 0 {
					rs = rs.Browse(orm.Args{Pos: args}.Int(0, ""))
				}
			}
			return recordsObject{l, rs}, nil
		})
	}
	return vars
}

func refArg(args []any) (string, error) {
	if len(args) == 0 {
		return "", errors.New("ref: an external id is expected")
	}
	s, ok := args[0].(string)
	if !ok {
		return "", errors.New("ref: an external id is expected, as a text")
	}
	return s, nil
}

// wire brings dates to the texts the record layer reads.
func wire(v any) any {
	switch x := v.(type) {
	case expr.Date:
		return x.String()
	case expr.DateTime:
		return expr.DateTime{T: x.T.UTC()}.String()
	case []any:
		for i := range x {
			x[i] = wire(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = wire(x[k])
		}
	}
	return v
}

// envObject is `env` in an expression: env.ref, env.user, env.company.
type envObject struct{ l *loader }

func (o envObject) AttrNames() []string { return []string{"ref", "uid", "user", "company"} }

func (o envObject) Attr(name string) (any, bool, error) {
	switch name {
	case "ref":
		return expr.Func(func(args []any, _ map[string]any) (any, error) {
			full, err := refArg(args)
			if err != nil {
				return nil, err
			}
			x, err := o.l.resolve(place{addon: o.l.addon, file: o.l.file.path}, qualify(full, o.l.addon))
			if err != nil {
				return nil, err
			}
			return recordsObject{o.l, o.l.env.Model(x.model).Browse(x.resID)}, nil
		}), true, nil
	case "uid":
		return o.l.env.UID(), true, nil
	case "user":
		return recordsObject{o.l, o.l.env.Model("res.users").Browse(o.l.env.UID())}, true, nil
	case "company":
		return recordsObject{o.l, o.l.env.Model("res.company").Browse(o.l.env.Company())}, true, nil
	}
	return nil, false, nil
}

// recordsObject is a record in an expression: its id and its fields.
type recordsObject struct {
	l  *loader
	rs orm.Records
}

func (o recordsObject) AttrNames() []string { return append(o.rs.Model.FieldNames(), "ids", "env") }

func (o recordsObject) Attr(name string) (any, bool, error) {
	switch name {
	case "id":
		if o.rs.Len() == 0 {
			return false, true, nil
		}
		return o.rs.ID(), true, nil
	case "ids":
		return anyIDs(o.rs.IDs), true, nil
	case "env":
		return envObject{o.l}, true, nil
	}
	f := o.rs.Model.Fields[name]
	if f == nil {
		return nil, false, nil
	}
	v, err := o.rs.Value(name)
	if err != nil {
		return nil, true, err
	}
	if f.Relational() {
		co := o.l.env.Model(f.Comodel)
		if ids, ok := v.([]int64); ok {
			return recordsObject{o.l, co.Browse(ids...)}, true, nil
		}
		if id := idOf(v); id != 0 {
			co = co.Browse(id)
		}
		return recordsObject{o.l, co}, true, nil
	}
	switch x := v.(type) {
	case nil, bool, int64, float64, string:
		return x, true, nil
	case fmt.Stringer:
		return x.String(), true, nil
	}
	return nil, true, fmt.Errorf("field %s cannot be read in an expression", name)
}
