package orm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (s *syncer) relations(m *Model) {
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		switch {
		case f.Kind == Many2one && f.column() && !f.CompanyDependent:
			co := m.comodel(f)
			if co.Query != "" || co.Abstract || m.Transient && !co.Transient && f.OnDelete != "cascade" && f.OnDelete != "set null" {
				continue
			}
			s.foreignKey(m.Table, name, co.Table, f.OnDelete)
		case f.Kind == Many2many && f.Stored:
			s.relTable(m, f)
		}
	}
}

func (s *syncer) foreignKey(table, col, target, onDelete string) {
	name := shortIdent(table + "_" + col + "_fkey")
	def := fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s(id) ON DELETE %s", quote(col), quote(target), strings.ToUpper(onDelete))
	s.constraint(table, name, def, func() (string, error) { return s.dangling(table, col, target) })
}

func (s *syncer) constraint(table, name, def string, blame func() (string, error)) {
	old, ok := s.cat.constraints[table][name]
	if s.cat.constraints[table] == nil {
		s.cat.constraints[table] = map[string]definition{}
	}
	s.cat.constraints[table][name] = definition{text: def} // neither made twice nor obsolete
	if ok && old.text == def {
		return
	}
	t, n := quote(table), quote(name)
	sql := ""
	if ok {
		sql = "ALTER TABLE " + t + " DROP CONSTRAINT " + n + "; "
	}
	sql += "ALTER TABLE " + t + " ADD CONSTRAINT " + n + " " + def + "; COMMENT ON CONSTRAINT " + n + " ON " + t + " IS " + literal(def)
	s.later = append(s.later, key{sql, blame})
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (s *syncer) relTable(m *Model, f *Field) {
	if s.cat.columns[f.RelTable] == nil {
		s.cat.columns[f.RelTable] = map[string]column{f.RelCol: {}, f.RelCocol: {}}
		s.first = append(s.first, fmt.Sprintf("CREATE TABLE %s (%s bigint NOT NULL, %s bigint NOT NULL, PRIMARY KEY (%s, %s))",
			quote(f.RelTable), quote(f.RelCol), quote(f.RelCocol), quote(f.RelCol), quote(f.RelCocol)))
	}
	s.index(shortIdent(f.RelTable+"_"+f.RelCocol+"_idx"), f.RelTable, "("+quote(f.RelCocol)+", "+quote(f.RelCol)+")")
	s.foreignKey(f.RelTable, f.RelCol, m.Table, "cascade")
	if co := m.comodel(f); co.Query == "" {
		s.foreignKey(f.RelTable, f.RelCocol, co.Table, "cascade")
	}
}

func (s *syncer) constraints(m *Model) {
	for _, c := range m.SQL {
		if strings.HasPrefix(c.Definition, "EXCLUDE ") && strings.Contains(c.Definition, "gist") {
			s.extension("btree_gist") // plain columns beside ranges
		}
		s.constraint(m.Table, shortIdent(c.Name), c.Definition, func() (string, error) { return s.breakers(m, c) })
	}
}

// obsolete drops the constraints that an earlier version declared.
func (s *syncer) obsolete(m *Model) {
	for _, name := range slices.Sorted(maps.Keys(s.cat.constraints[m.Table])) {
		if s.cat.constraints[m.Table][name].ours {
			s.report(fmt.Sprintf("constraint %s of %s is no longer declared and is dropped", name, m.Table))
			s.first = append(s.first, "ALTER TABLE "+quote(m.Table)+" DROP CONSTRAINT "+quote(name))
		}
	}
}

// extension makes sure that an extension of PostgreSQL is there.
func (s *syncer) extension(name string) bool {
	installed, available := s.cat.extensions[name]
	if available && !installed {
		s.cat.extensions[name] = true
		s.later = append(s.later, key{sql: "CREATE EXTENSION IF NOT EXISTS " + name})
	}
	return available
}

// index makes an index, or makes it anew when it is declared otherwise than
// before; by is what follows the table's name.
func (s *syncer) index(name, table, by string) {
	old, there := s.cat.indexes[name]
	if !old.ours && !strings.Contains(by, " WHERE ") && !strings.Contains(by, "->>") {
		old.text = by // one made before definitions were noted is as it was always declared
	}
	s.cat.indexes[name] = definition{by, true}
	if there && old.text == by {
		return
	}
	n := quote(name)
	sql := ""
	if there {
		sql = "DROP INDEX " + n + "; "
	}
	s.later = append(s.later, key{sql: sql + "CREATE INDEX " + n + " ON " + quote(table) + " " + by + "; COMMENT ON INDEX " + n + " IS " + literal(by)})
}

func (s *syncer) indexes(m *Model) {
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if !f.column() || f.CompanyDependent {
			continue
		}
		idx := shortIdent(m.Table + "_" + name + "_index")
		col := quote(name)
		if f.Translate {
			col = "(" + col + "->>'" + DefaultLang + "')"
		}
		trigram := func(idx string) {
			if s.extension("pg_trgm") {
				s.index(idx, m.Table, "USING gin ("+col+" gin_trgm_ops)")
			} else {
				s.report(fmt.Sprintf("%s.%s gets no index: PostgreSQL's extension pg_trgm is not installed on the server", m.Name, name))
			}
		}
		switch {
		case name == "parent_path":
			s.index(idx, m.Table, "("+col+" text_pattern_ops)")
		case f.Index == "trigram":
			trigram(idx)
		case f.Index == "btree+trigram":
			s.index(idx, m.Table, "("+col+")")
			trigram(shortIdent(m.Table + "_" + name + "_trigram"))
		case f.Index == "btree_not_null":
			s.index(idx, m.Table, "("+col+") WHERE "+quote(name)+" IS NOT NULL")
		case f.Index != "" || s.inverseOf(m, f) || name == m.Parent && m.Fields["parent_path"] != nil:
			s.index(idx, m.Table, "("+col+")")
		}
	}
}

// inverseOf reports whether a one2many reads through the field: it is then
// looked up by value and deserves an index.
func (s *syncer) inverseOf(m *Model, f *Field) bool {
	if f.Kind != Many2one {
		return false
	}
	co := m.comodel(f)
	for _, o := range co.Fields {
		if o.Kind == One2many && o.Comodel == m.Name && o.Inverse == f.Name {
			return true
		}
	}
	return f.OnDelete == "cascade"
}
