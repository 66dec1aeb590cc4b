package orm

import (
	"slices"
)

func unlinkBase(rs Records) error {
	if err := rs.CheckAccess(OpUnlink); err != nil {
		return err
	}
	env := rs.Env
	// What depends on the records, by any of their fields, must be found while
	// they are still there, and be computed when they are not.
	found, err := env.dependents(rs.Model, rs.IDs, nil, false)
	if err != nil {
		return err
	}
	loosened, err := rs.cascade()
	if err != nil {
		return err
	}
	if err := rs.dropAttachments(); err != nil {
		return err
	}
	if rs.Model.registry.models["ir.model.data"] != nil && rs.Model.Name != "ir.model.data" {
		if err := env.alter(sqlf("DELETE FROM ir_model_data WHERE model = ? AND res_id = ANY(?)", rs.Model.Name, rs.IDs), rs.Model.registry.models["ir.model.data"]); err != nil {
			return err
		}
	}
	if err := env.alter(sqlf("DELETE FROM "+quote(rs.Model.Table)+" WHERE id = ANY(?)", rs.IDs), rs.Model); err != nil {
		return err
	}
	env.markAll(append(found, loosened...))
	for _, c := range rs.Model.computes {
		if d := env.u.cache.pending[c]; d != nil {
			for _, ids := range d.fields {
				for _, id := range rs.IDs {
					delete(ids, id)
				}
			}
		}
	}
	env.accessChanged(rs.Model)
	return nil
}

// cascade deletes, through their own unlink, the records whose many2one says
// so, and finds what depends on those that lose their reference.
func (rs Records) cascade() (loosened []dependent, err error) {
	for _, m := range rs.Model.registry.Models() {
		if m.Abstract || m.Query != "" {
			continue
		}
		for _, name := range m.FieldNames() {
			f := m.Fields[name]
			if f.Kind != Many2one || f.Comodel != rs.Model.Name || !f.Stored || magicFields[name] {
				continue
			}
			if f.OnDelete != "cascade" && len(m.triggers[name]) == 0 {
				continue
			}
			ids, err := rs.Env.queryIDs(sqlf("SELECT id FROM "+quote(m.Table)+" WHERE "+quote(name)+" = ANY(?)", rs.IDs))
			if err != nil {
				return nil, err
			}
			if m == rs.Model {
				ids = slices.DeleteFunc(ids, func(id int64) bool { return slices.Contains(rs.IDs, id) })
			}
			if len(ids) == 0 {
				continue
			}
			switch f.OnDelete {
			case "cascade":
				if err := rs.Env.Sudo().Model(m.Name).Browse(ids...).Unlink(); err != nil {
					return nil, err
				}
			case "set null":
				more, err := rs.Env.dependents(m, ids, []string{name}, false)
				if err != nil {
					return nil, err
				}
				loosened = append(loosened, more...)
			}
		}
	}
	return loosened, nil
}

// copyBase creates a record of the values of each.
func copyBase(rs Records, overrides Values) (Records, error) {
	out := rs.Browse()
	for _, id := range rs.IDs {
		vals, err := rs.Browse(id).CopyData(overrides)
		if err != nil {
			return rs, err
		}
		created, err := rs.Create(vals)
		if err != nil {
			return rs, err
		}
		if err := created.copyTexts(id, overrides); err != nil {
			return rs, err
		}
		out.IDs = append(out.IDs, created.IDs...)
	}
	return out, nil
}

// copyTexts gives a copy the original's texts in the other languages, but for
// those of fields with a value of its own.
func (rs Records) copyTexts(original int64, overrides Values) error {
	for _, name := range rs.Model.FieldNames() {
		f := rs.Model.Fields[name]
		if _, given := overrides[name]; given || !f.Translate || !f.Copy || !f.column() {
			continue
		}
		col, lang := quote(name), rs.Env.Lang()
		err := rs.Env.alter(sqlf("UPDATE "+quote(rs.Model.Table)+" n SET "+col+" = o."+col+" || jsonb_build_object(?::text, n."+col+"->>?::text) FROM "+quote(rs.Model.Table)+
			" o WHERE o.id = ? AND n.id = ? AND n."+col+"->>?::text IS NOT NULL AND o."+col+" - ?::text <> '{}'::jsonb",
			lang, lang, original, rs.ID(), lang, lang), rs.Model, f)
		if err != nil {
			return err
		}
	}
	return nil
}

// CopyData are the values a copy of the one record is created with, some of them
// replaced. Reading the record is all the right it takes.
func (rs Records) CopyData(overrides Values) (Values, error) {
	if err := rs.One(); err != nil {
		return nil, err
	}
	if err := rs.CheckAccess(OpRead); err != nil {
		return nil, err
	}
	overrides, err := rs.canonical(overrides, OpCreate)
	if err != nil {
		return nil, err
	}
	return rs.Model.ops.copyData(rs, overrides)
}

// copyDataBase takes the values of every field that may be copied, lines of
// one2manys as new lines, many2manys as the same links.
func copyDataBase(rs Records, overrides Values) (Values, error) {
	var fields []*Field
	for _, name := range rs.Model.FieldNames() {
		f := rs.Model.Fields[name]
		if _, given := overrides[name]; given || !f.Copy || magicFields[name] || name == "id" || name == "display_name" || name == "parent_path" {
			continue
		}
		if f.Computed() && f.inherited == nil && !(f.Stored && !f.Readonly) || f.Delegate {
			continue
		}
		if f.inherited != nil && (!f.inherited.Copy || f.inherited.Computed()) {
			continue
		}
		if ok, err := rs.Env.settable(f); err != nil || !ok {
			if err != nil {
				return nil, err
			}
			continue
		}
		fields = append(fields, f)
	}
	env := rs.Env.WithContext(map[string]any{"active_test": false})
	c, err := rs.In(env).values(fields)
	if err != nil {
		return nil, err
	}
	vals := Values{}
	for _, f := range fields {
		v := c.vals[f.Name][0]
		switch f.Kind {
		case One2many:
			var cmds []Command
			for _, line := range v.([]int64) {
				data, err := env.Model(f.Comodel).Browse(line).CopyData(Values{f.Inverse: nil})
				if err != nil {
					return nil, err
				}
				delete(data, f.Inverse)
				cmds = append(cmds, CreateLine(data))
			}
			vals[f.Name] = cmds
		case Many2many:
			ids, _ := v.([]int64)
			vals[f.Name] = []Command{SetIDs(ids...)}
		case SecretKind:
			continue
		default:
			if v != nil {
				vals[f.Name] = v
			} else if f.Default != nil {
				vals[f.Name] = nil
			}
		}
	}
	for k, v := range overrides {
		vals[k] = v
	}
	return vals, nil
}

// checkHierarchy refuses a parent that is the record itself or below it.
func (rs Records) checkHierarchy(parent any) error {
	id, ok := parent.(int64)
	if !ok {
		return nil
	}
	col := quote(rs.Model.Parent)
	t := quote(rs.Model.Table)
	hit, err := rs.Env.queryIDs(sqlf("WITH RECURSIVE up(id, parent) AS (SELECT id, "+col+" FROM "+t+" WHERE id = ? UNION SELECT p.id, p."+col+" FROM "+t+" p JOIN up ON p.id = up.parent) SELECT id FROM up WHERE id = ANY(?)", id, rs.IDs))
	if err != nil {
		return err
	}
	if len(hit) > 0 {
		return UserErrorf("Recursion Detected.")
	}
	return nil
}

// updateHierarchy keeps parent_path ("1/5/9/") of the records and of all
// below them.
func (rs Records) updateHierarchy() error {
	if rs.Model.Parent == "" || rs.Model.Fields["parent_path"] == nil || len(rs.IDs) == 0 {
		return nil
	}
	t, col := quote(rs.Model.Table), quote(rs.Model.Parent)
	return rs.Env.alter(sqlf(`WITH RECURSIVE top(id, path) AS (
		SELECT c.id, COALESCE(p.parent_path, '') || c.id || '/' FROM `+t+` c LEFT JOIN `+t+` p ON p.id = c.`+col+` WHERE c.id = ANY(?)
		UNION ALL SELECT c.id, top.path || c.id || '/' FROM `+t+` c JOIN top ON c.`+col+` = top.id)
		UPDATE `+t+` x SET parent_path = d.path FROM (SELECT DISTINCT ON (id) id, path FROM top ORDER BY id, length(path) DESC) d WHERE d.id = x.id AND x.parent_path IS DISTINCT FROM d.path`, rs.IDs), rs.Model, rs.Model.Fields["parent_path"])
}
