package orm

// CheckReferences refuses values from a client that refer to records which the
// user may not read: what is shown of a record brings along the names of what
// it points at, and what follows from them. What the records, if any, point at
// already stays allowed.
func (rs Records) CheckReferences(vals Values) error {
	for name, v := range vals {
		f := rs.Model.Fields[name]
		if f == nil || rs.Env.su {
			continue
		}
		hidden, err := rs.Env.refersToHidden(f, v)
		if err != nil {
			return err
		}
		if hidden {
			if same, err := rs.pointsAt(f, v); err != nil || !same {
				if err == nil {
					err = AccessErrorf("%s (%s) refers to a record that you may not read. Choose another, or ask an administrator for the right.", f.Label, f.Name)
				}
				return err
			}
		}
		if !f.X2many() {
			continue
		}
		cmds, _ := f.Parse(v)
		list, _ := cmds.([]Command)
		for _, c := range list {
			if c.Op == CmdCreate || c.Op == CmdUpdate {
				if err := rs.lineOf(f, c).CheckReferences(c.Values); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// lineOf is the record of a list that a command changes; none for a new one.
func (rs Records) lineOf(f *Field, c Command) Records {
	co := rs.Env.Model(f.Comodel)
	if c.Op == CmdUpdate {
		return co.Browse(c.ID)
	}
	return co
}

// pointsAt reports whether all of the records have a value already.
func (rs Records) pointsAt(f *Field, v any) (bool, error) {
	if len(rs.IDs) == 0 || f.X2many() {
		return false, nil
	}
	wanted, err := f.Parse(v)
	if err != nil {
		return false, nil // it is refused where it is used
	}
	rows, err := rs.Read(f.Name)
	for _, row := range rows {
		if row[f.Name] != wanted {
			return false, err
		}
	}
	return true, err
}
