package module

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
)

// eval evaluates an expression of a data file; obj is seen through m.
func (l *loader) eval(at place, src string, m *orm.Model) (any, error) {
	p, err := l.cache.Compile(src)
	if err != nil {
		return nil, at.errorf("expression: %w", err)
	}
	vars := l.recordVars(at, m)
	own := func(name string) (any, error) {
		full := qualify(name, l.addon)
		if l.ids.byName[full] == nil {
			return nil, nil
		}
		x, err := l.resolve(at, full)
		if err != nil {
			return nil, err
		}
		return x.resID, nil
	}
	if vars, err = withOwnIDs(at, src, p, vars, own); err != nil {
		return nil, err
	}
	v, err := p.Eval(vars)
	if err != nil {
		var de *dataError // from ref()
		if errors.As(err, &de) {
			return nil, de
		}
		return nil, at.errorf("expression: %w", err)
	}
	return v, nil
}

// withOwnIDs adds to the names of an expression those that are ids of records of the
// addon: up to version 18, Odoo let expressions name them without ref(). own gives
// what stands for such a record, nil when there is none.
func withOwnIDs(at place, src string, p *expr.Program, vars map[string]any, own func(name string) (any, error)) (map[string]any, error) {
	cloned := false
	for _, path := range p.Names() {
		head, _, _ := strings.Cut(path, ".")
		if _, known := vars[head]; known || slices.Contains(evalNames, head) {
			continue
		}
		id, err := own(head)
		if err != nil {
			return nil, err
		}
		if id == nil {
			hint := expr.DidYouMean(head, evalNames)
			if hint == "" {
				hint = fmt.Sprintf("; if it is the id of a record, write ref('%s')", head)
			}
			return nil, at.errorf("expression %s: unknown name %q%s", shorten(src), head, hint)
		}
		if !cloned {
			vars, cloned = maps.Clone(vars), true
		}
		vars[head] = id
	}
	return vars, nil
}

// evalNames are the names an expression of a data file may use.
var evalNames = []string{"ref", "obj", "env", "uid", "time", "datetime", "DateTime", "timedelta", "relativedelta", "dateutil",
	"context_today", "current_date", "today", "now", "Command", "version"}

// odooRelease is the version of Odoo whose data files are read, as `version` in
// expressions.
const odooRelease = "19.0"

func (l *loader) recordVars(at place, m *orm.Model) map[string]any {
	vars := l.vars
	vars["ref"] = expr.Func(func(args []any, kw map[string]any) (any, error) {
		full, must, err := refArg(args, kw)
		if err != nil {
			return nil, err
		}
		full = qualify(full, l.addon)
		if !must && l.ids.byName[full] == nil {
			return nil, nil
		}
		x, err := l.resolve(at, full)
		if err != nil {
			return nil, err
		}
		return x.resID, nil
	})
	delete(vars, "obj")
	if m != nil {
		vars["obj"] = expr.Func(func(args []any, _ map[string]any) (any, error) {
			return recordsObject{l, l.env.Model(m.Name).Browse(idsArg(args)...)}, nil
		})
	}
	return vars
}

// refArg reads the arguments of ref(): an external id, and whether it must
// exist.
func refArg(args []any, kw map[string]any) (full string, must bool, err error) {
	if len(args) == 0 {
		return "", true, errors.New("ref: an external id is expected")
	}
	s, ok := args[0].(string)
	if !ok {
		return "", true, errors.New("ref: an external id is expected, as a text")
	}
	if len(args) > 1 {
		return s, args[1] != false, nil
	}
	return s, kw["raise_if_not_found"] != false, nil
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
		return expr.Func(func(args []any, kw map[string]any) (any, error) {
			full, must, err := refArg(args, kw)
			if err != nil {
				return nil, err
			}
			if full = qualify(full, o.l.addon); !must && o.l.ids.byName[full] == nil {
				return nil, nil
			}
			x, err := o.l.resolve(place{addon: o.l.addon, file: o.l.file.path}, full)
			if err != nil {
				return nil, err
			}
			return recordsObject{o.l, o.l.env.Model(x.model).Browse(x.resID)}, nil
		}), true, nil
	case "uid":
		return o.l.env.UID(), true, nil
	case "user":
		return recordsObject{o.l, o.l.env.Model(o.l.env.Registry().PolicyModels().Users).Browse(o.l.env.UID())}, true, nil
	case "company":
		return recordsObject{o.l, o.l.env.Model(o.l.env.Registry().PolicyModels().Companies).Browse(o.l.env.Company())}, true, nil
	}
	return nil, false, nil
}

// recordsObject is a record in an expression: its id and its fields.
type recordsObject struct {
	l  *loader
	rs orm.Records
}

func (o recordsObject) AttrNames() []string {
	return append(o.rs.Model.FieldNames(), "ids", "env", "browse", "search", "search_count", "mapped", "exists")
}

// function gives the methods a record set has in expressions.
func (o recordsObject) function(name string) expr.Func {
	switch name {
	case "browse":
		return func(args []any, _ map[string]any) (any, error) {
			return recordsObject{o.l, o.rs.Browse(idsArg(args)...)}, nil
		}
	case "search", "search_count":
		return func(args []any, kw map[string]any) (any, error) {
			a := orm.Args{Pos: args, Kw: kw}
			list, _ := a.Get(0, "domain").([]any)
			found, err := o.rs.Search(orm.Domain(list), orm.SearchOptions{Offset: int(a.Int(1, "offset")), Limit: int(a.Int(2, "limit")), Order: a.String(3, "order")})
			if err != nil || name == "search" {
				return recordsObject{o.l, found}, err
			}
			return int64(found.Len()), nil
		}
	case "exists":
		return func([]any, map[string]any) (any, error) {
			there, err := o.rs.Exists()
			return recordsObject{o.l, there}, err
		}
	case "mapped":
		return func(args []any, _ map[string]any) (any, error) {
			path := orm.Args{Pos: args}.String(0, "")
			rows, err := o.rs.Read(path)
			if err != nil {
				return nil, err
			}
			f := o.rs.Model.Fields[path]
			var list []any
			var ids []int64
			for _, r := range rows {
				switch v := r[path].(type) {
				case []int64:
					ids = append(ids, v...)
				default:
					if id := idOf(v); f.Relational() && id != 0 {
						ids = append(ids, id)
					}
					list = append(list, plain(v))
				}
			}
			if f.Relational() {
				slices.Sort(ids)
				return recordsObject{o.l, o.l.env.Model(f.Comodel).Browse(slices.Compact(ids)...)}, nil
			}
			return list, nil
		}
	}
	return nil
}

// idsArg reads the ids a method is given: one, several or none.
func idsArg(args []any) []int64 {
	a := orm.Args{Pos: args}
	if ids := a.IDs(0, ""); len(ids) > 0 {
		return ids
	}
	if id := a.Int(0, ""); id != 0 {
		return []int64{id}
	}
	return nil
}

// plain is a field's value as expressions know values.
func plain(v any) any {
	switch x := v.(type) {
	case nil, bool, int64, float64, string:
		return x
	case fmt.Stringer:
		return x.String()
	}
	return fmt.Sprint(v)
}

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
		if fn := o.function(name); fn != nil {
			return fn, true, nil
		}
		return nil, false, nil
	}
	if o.rs.Len() == 0 { // the value of no record
		if f.Relational() {
			return recordsObject{o.l, o.l.env.Model(f.Comodel)}, true, nil
		}
		return false, true, nil
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
	return plain(v), true, nil
}
