package module

import (
	"errors"
	"fmt"

	"fusion/framework/orm"
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
	for _, a := range c.args {
		v, err := l.arg(a, m)
		if err != nil {
			return nil, err
		}
		pos = append(pos, v)
	}
	env := l.env
	if c.context != "" {
		v, err := l.eval(c.place, c.context, m)
		if err != nil {
			return nil, err
		}
		keys, ok := v.(map[string]any)
		if !ok {
			return nil, c.errorf("context= must be a dictionary")
		}
		env = env.WithContext(keys)
	}
	out, err := invoke(env.Model(m.Name), c.method, pos)
	if err != nil {
		return nil, c.errorf("function %s.%s: %w", c.model, c.method, err)
	}
	return out, nil
}

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
		return anyIDs(rs.IDs), nil
	case a.hasEval:
		return l.eval(a.place, a.eval, m)
	}
	return a.text, nil
}

func anyIDs(ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// invoke calls a method as a data file may: create, write and unlink, and what
// the model declares.
func invoke(rs orm.Records, method string, pos []any) (any, error) {
	arg := func(i int) any {
		if i < len(pos) {
			return pos[i]
		}
		return nil
	}
	switch method {
	case "create":
		vals, err := valuesList(arg(0))
		if err != nil {
			return nil, err
		}
		made, err := rs.Create(vals...)
		return anyIDs(made.IDs), err
	case "write":
		vals, err := valuesList(arg(1))
		if err != nil || len(vals) != 1 {
			return nil, errors.Join(err, errors.New("write takes ids and a dictionary"))
		}
		return true, rs.Browse(orm.Args{Pos: pos}.IDs(0, "ids")...).Write(vals[0])
	case "unlink":
		return true, rs.Browse(orm.Args{Pos: pos}.IDs(0, "ids")...).Unlink()
	}
	if !rs.Model.HasMethod(method) {
		return nil, fmt.Errorf("there is no such method%s", didYouMean(method, append(rs.Model.Methods(), "create", "write", "unlink")))
	}
	if !rs.Model.OnModel(method) && len(pos) > 0 {
		rs = rs.Browse(orm.Args{Pos: pos}.IDs(0, "ids")...)
		pos = pos[1:]
	}
	return rs.Do(method, orm.Args{Pos: pos})
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
