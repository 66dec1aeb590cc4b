package orm

// WireValues turns values such as those of DefaultGet into JSON-RPC form.
func (rs Records) WireValues(vals Values) (Values, error) {
	out := make(Values, len(vals))
	for name, v := range vals {
		f := rs.Model.Fields[name]
		if f == nil {
			out[name] = v
			continue
		}
		x, err := f.Parse(v)
		if err != nil {
			return nil, err
		}
		if cmds, ok := x.([]Command); ok {
			if out[name], err = rs.Env.wireCommands(f, cmds); err != nil {
				return nil, err
			}
			continue
		}
		out[name] = f.Wire(x)
	}
	return out, nil
}

func (e *Env) wireCommands(f *Field, cmds []Command) ([]any, error) {
	out := make([]any, len(cmds))
	for i, c := range cmds {
		var last any = 0
		switch c.Op {
		case CmdCreate, CmdUpdate:
			vals, err := e.Model(f.Comodel).WireValues(c.Values)
			if err != nil {
				return nil, err
			}
			last = vals
		case CmdSet:
			last = c.IDs
			if c.IDs == nil {
				last = []int64{}
			}
		}
		out[i] = []any{c.Op, c.ID, last}
	}
	return out, nil
}
