package module

import (
	"errors"
	"fmt"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
)

func (l *loader) topCall(c *call) error {
	if c.noupdate && l.mode == Update {
		return nil
	}
	_, err := l.call(c)
	return err
}

// call runs a <function>. The first argument of a method on records is their
// ids.
func (l *loader) call(c *call) (any, error) {
	m, err := l.model(c.place, c.model)
	if err != nil {
		return nil, err
	}
	if err := l.flush(); err != nil {
		return nil, err
	}
	var pos []any
	if c.eval != "" {
		v, err := l.eval(c.place, c.eval, m)
		if err != nil {
			return nil, err
		}
		list, ok := v.([]any)
		if !ok {
			return nil, c.errorf("eval= of a function must be a list of its arguments")
		}
		pos = list
	}
	kw := map[string]any{}
	for _, a := range c.args {
		v, err := l.arg(a, m)
		if err != nil {
			return nil, err
		}
		if a.name != "" {
			kw[a.name] = v
			continue
		}
		pos = append(pos, v)
	}
	env, err := l.scopeEnv(c.place, c.scope, nil)
	if err != nil {
		return nil, err
	}
	if keys, ok := kw["context"].(map[string]any); ok {
		env = env.WithContext(keys)
		delete(kw, "context")
	}
	out, err := invoke(env.Model(m.Name), c.method, orm.Args{Pos: wire(pos).([]any), Kw: wire(kw).(map[string]any)})
	if err != nil {
		return nil, c.errorf("function %s.%s: %w", c.model, c.method, err)
	}
	return out, nil
}

// arg is the value of a <value>. What a search finds first counts, as in Odoo.
func (l *loader) arg(a callArg, m *orm.Model) (any, error) {
	switch {
	case a.call != nil:
		return l.call(a.call)
	case a.search != "":
		name := a.model
		if name == "" {
			name = m.Name
		}
		on, err := l.model(a.place, name)
		if err != nil {
			return nil, err
		}
		dom, err := l.domain(a.place, a.search)
		if err != nil {
			return nil, err
		}
		rs, err := l.env.Model(on.Name).Search(dom, orm.SearchOptions{})
		if err != nil {
			return nil, a.errorf("search=%q: %w", a.search, err)
		}
		switch {
		case rs.Len() == 0:
			return false, nil
		case a.use == "" || a.use == "id":
			return rs.IDs[0], nil
		case on.Fields[a.use] == nil:
			return nil, a.errorf("use=%q: %s has no such field%s", a.use, on.Name, expr.DidYouMean(a.use, on.FieldNames()))
		}
		return rs.Browse(rs.IDs[0]).Value(a.use)
	case a.hasEval:
		return l.eval(a.place, a.eval, m)
	case a.file != "":
		return l.fileValue(a.place, nil, fieldValue{text: a.file, typ: a.typ})
	case a.typ == "xml" || a.typ == "html":
		return l.markup(a.place, a.text)
	}
	return l.typed(a.place, "(value)", a.typ, a.text)
}

func anyIDs(ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// invoke calls a method as a data file may: what every model has, and what the
// model declares. The first argument of a method on records is their ids.
func invoke(rs orm.Records, method string, a orm.Args) (any, error) {
	onRecords := func() orm.Records { return rs.Browse(a.IDs(0, "ids")...) }
	if !rs.Model.HasMethod(method) {
		switch method {
		case "create":
			vals, err := valuesList(a.Get(0, "vals_list"))
			if err != nil {
				return nil, err
			}
			made, err := rs.Create(vals...)
			return anyIDs(made.IDs), err
		case "write":
			vals, err := valuesList(a.Get(1, "vals"))
			if err != nil || len(vals) != 1 {
				return nil, errors.Join(err, errors.New("write takes ids and a dictionary"))
			}
			return true, onRecords().Write(vals[0])
		case "unlink":
			return true, onRecords().Unlink()
		case "search":
			list, _ := a.Get(0, "domain").([]any)
			found, err := rs.Search(orm.Domain(list), orm.SearchOptions{Offset: int(a.Int(1, "offset")), Limit: int(a.Int(2, "limit")), Order: a.String(3, "order")})
			return anyIDs(found.IDs), err
		case "copy":
			vals, _ := a.Get(1, "default").(map[string]any)
			made, err := onRecords().Copy(vals)
			return anyIDs(made.IDs), err
		case "action_archive", "action_unarchive":
			return true, onRecords().Write(orm.Values{"active": method == "action_unarchive"})
		case "name_create":
			made, err := rs.NameCreate(a.String(0, "name"))
			return made.ID, err
		}
		return nil, fmt.Errorf("there is no such method%s", expr.DidYouMean(method, append(rs.Model.Methods(), commonMethods()...)))
	}
	if !rs.Model.OnModel(method) && len(a.Pos) > 0 {
		rs, a.Pos = onRecords(), a.Pos[1:]
	}
	return rs.Do(method, a)
}

// commonMethods are those a data file may call on every model.
func commonMethods() []string {
	return []string{"create", "write", "unlink", "search", "copy", "action_archive", "action_unarchive", "name_create"}
}

func valuesList(v any) ([]orm.Values, error) {
	switch x := v.(type) {
	case map[string]any:
		return []orm.Values{x}, nil
	case []any:
		var out []orm.Values
		for _, e := range x {
			m, ok := e.(map[string]any)
			if !ok {
				return nil, errors.New("a dictionary of values is expected")
			}
			out = append(out, m)
		}
		return out, nil
	}
	return nil, errors.New("a dictionary of values is expected")
}
