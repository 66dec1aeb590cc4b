package orm

import "fusionsoft.ca/fusion/framework/expr"

// The operators child_of and parent_of.

// manyHierarchy compiles child_of or parent_of on a one2many or many2many.
func (s *selection) manyHierarchy(f *Field, l leaf) (frag, error) {
	co := s.env.related(f)
	via := ""
	if co.Model == s.model {
		via = f.Name
	}
	ids, err := s.hierarchy(co.Env, co.Model, l, via, f.Kind == Many2many)
	if err != nil {
		return frag{}, err
	}
	sub, err := s.sub(co.Env.Sudo(), co.Model)
	if err != nil {
		return frag{}, err
	}
	where, err := sub.domain(f.filter)
	if err != nil {
		return frag{}, err
	}
	where = sqlf("? AND "+sub.alias+".id IN (?)", where, ids)
	// The branches of a tree are found by its paths among what is active; what
	// leads up, and what is followed step by step, is taken as it is.
	byPath := l.op == "child_of" && via == "" && co.Model.Fields["parent_path"] != nil
	if byPath && co.Model.HasActive() && co.Env.Flag("active_test", true) {
		active, err := sub.leaf(leaf{path: "active", op: "=", value: true})
		if err != nil {
			return frag{}, err
		}
		where = sqlf("? AND ?", where, active)
	}
	return s.exists(f, sub, where, false)
}

// hierarchy is a sub-select of the ids below (child_of) or above (parent_of)
// some records of a model, themselves included. via names the field along which
// to go when it is not the model's own parent; along a one2many up and down
// change places. active asks for active records to start from.
func (s *selection) hierarchy(env *Env, m *Model, l leaf, via string, active bool) (frag, error) {
	ids, err := roots(env, m, l, active)
	if err != nil {
		return frag{}, err
	}
	t := quote(m.Table)
	if via == m.Parent {
		via = ""
	}
	if via == "" && m.Fields["parent_path"] != nil && m.Parent != "" {
		if l.op == "child_of" {
			// What begins with "1/5/" lies between that and "1/50", since 0 follows /;
			// written so, each root is one range of the index on parent_path. ^@ says
			// it again, as the planner takes a prefix for rare and a range for wide.
			return sqlf("SELECT c.id FROM "+t+" p JOIN "+t+" c ON c.parent_path ~>=~ p.parent_path AND c.parent_path ~<~ (rtrim(p.parent_path, '/') || '0') AND c.parent_path ^@ p.parent_path WHERE p.id = ANY(?)", ids), nil
		}
		return sqlf("SELECT unnest(string_to_array(rtrim(c.parent_path, '/'), '/'))::bigint FROM "+t+" c WHERE c.id = ANY(?)", ids), nil
	}
	down := l.op == "child_of"
	parent := via
	if parent == "" {
		parent = m.Parent
	}
	if parent == "" {
		parent = "parent_id"
	}
	p := m.Fields[parent]
	if p != nil && p.Kind == One2many {
		parent, down = p.Inverse, !down
		p = m.Fields[parent]
	}
	if p != nil && p.Relational() && p.Comodel != m.Name {
		return frag{}, ValueErrorf("Invalid parent field: %s.%s", m.Name, parent)
	}
	switch {
	case p == nil:
		return frag{}, ValueErrorf("Invalid field %s.%s in condition %s", m.Name, parent, leaf{path: parent, op: "in", value: ids})
	case p.Kind == Many2many && p.inTable():
		from, to := quote(p.RelCol), quote(p.RelCocol)
		if down {
			from, to = to, from
		}
		return sqlf("WITH RECURSIVE h(id) AS (SELECT id FROM "+t+" WHERE id = ANY(?) UNION SELECT r."+to+" FROM "+quote(p.RelTable)+" r JOIN h ON r."+from+" = h.id) SELECT id FROM h", ids), nil
	case !p.Relational() || !p.column():
		return frag{}, ValueErrorf("Invalid parent field: %s.%s", m.Name, parent)
	}
	col := s.stored("c", p)
	if down {
		return sqlf("WITH RECURSIVE h(id) AS (SELECT id FROM "+t+" WHERE id = ANY(?) UNION SELECT c.id FROM "+t+" c JOIN h ON ? = h.id) SELECT id FROM h", ids, col), nil
	}
	return sqlf("WITH RECURSIVE h(id, parent) AS (SELECT c.id, ? FROM "+t+" c WHERE c.id = ANY(?) UNION SELECT c.id, ? FROM "+t+" c JOIN h ON c.id = h.parent) SELECT id FROM h", col, ids, col), nil
}

// roots are the records a hierarchy leaf starts from: ids as given, or those of
// them that are active, and what the user finds by names.
func roots(env *Env, m *Model, l leaf, active bool) ([]int64, error) {
	list, ok := listOf(l.value)
	if !ok {
		list = []any{l.value}
	}
	ids := []int64{}
	var ds []Domain
	for _, v := range list {
		switch x := v.(type) {
		case string:
			ds = append(ds, Leaf("display_name", "ilike", x))
		case nil:
		case bool:
			if x {
				ids = append(ids, 1)
			}
		default:
			id, err := toInt(v)
			if err != nil {
				return nil, ValueErrorf("Value %s is not supported in condition %s", expr.Repr(v), l)
			}
			ids = append(ids, id)
		}
	}
	if active && len(ids) > 0 {
		ds = append(ds, Leaf("id", "in", ids))
		ids = nil
	}
	if len(ds) == 0 {
		return ids, nil
	}
	found, err := env.Model(m.Name).Search(Or(ds...), SearchOptions{})
	return append(ids, found.IDs...), err
}
