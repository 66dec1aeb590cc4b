package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (s *syncer) foreignKey(table string, k ForeignKey) {
	name := Ident(table + "_" + k.Column + "_fkey")
	def := fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s(id) ON DELETE %s", quote(k.Column), quote(k.Table), strings.ToUpper(k.OnDelete))
	s.constraint(table, name, def, func() (string, error) { return s.dangling(table, k) })
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

// link makes a table of pairs. Its primary key finds what a row of the table is linked
// to, an index the reverse.
func (s *syncer) link(table string, l Link) {
	if s.cat.columns[l.Name] == nil {
		s.cat.columns[l.Name] = map[string]column{l.Column: {}, l.Other: {}}
		s.first = append(s.first, fmt.Sprintf("CREATE TABLE %s (%s bigint NOT NULL, %s bigint NOT NULL, PRIMARY KEY (%s, %s))",
			quote(l.Name), quote(l.Column), quote(l.Other), quote(l.Column), quote(l.Other)))
	}
	s.indexBy(Ident(l.Name+"_"+l.Other+"_idx"), l.Name, "("+quote(l.Other)+", "+quote(l.Column)+")")
	s.foreignKey(l.Name, ForeignKey{l.Column, table, "cascade"})
	if l.OtherTable != "" {
		s.foreignKey(l.Name, ForeignKey{l.Other, l.OtherTable, "cascade"})
	}
}

func (s *syncer) constraints(t Table) {
	for _, c := range t.Constraints {
		if strings.HasPrefix(c.Definition, "EXCLUDE ") && strings.Contains(c.Definition, "gist") {
			s.extension("btree_gist") // plain columns beside ranges
		}
		s.constraint(t.Name, Ident(c.Name), c.Definition, func() (string, error) { return s.breakers(t, c) })
	}
}

// obsolete drops the constraints that an earlier version declared.
func (s *syncer) obsolete(table string) {
	for _, name := range slices.Sorted(maps.Keys(s.cat.constraints[table])) {
		if s.cat.constraints[table][name].ours {
			s.report(fmt.Sprintf("constraint %s of %s is no longer declared and is dropped", name, table))
			s.first = append(s.first, "ALTER TABLE "+quote(table)+" DROP CONSTRAINT "+quote(name))
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

// indexBy makes an index, or makes it anew when it is declared otherwise than
// before; by is what follows the table's name.
func (s *syncer) indexBy(name, table, by string) {
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

// index makes an index as its kind asks for.
func (s *syncer) index(t Table, i Index) {
	name, expr := Ident(i.Name), cmp.Or(i.Expr, quote(i.Column))
	switch i.Kind {
	case Ordered:
		s.indexBy(name, t.Name, "("+expr+")")
	case Filled:
		s.indexBy(name, t.Name, "("+expr+") WHERE "+quote(i.Column)+" IS NOT NULL")
	case Prefix:
		s.indexBy(name, t.Name, "("+expr+" text_pattern_ops)")
	case Trigram:
		if !s.extension("pg_trgm") {
			s.report(fmt.Sprintf("%s.%s gets no index: PostgreSQL's extension pg_trgm is not installed on the server", t.Title, i.Column))
			return
		}
		s.indexBy(name, t.Name, "USING gin ("+expr+" gin_trgm_ops)")
	}
}
