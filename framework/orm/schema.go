package orm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// columnType is the PostgreSQL type of a field's column.
func (f *Field) columnType() string {
	if f.CompanyDependent {
		return "jsonb"
	}
	switch f.Kind {
	case Char, Selection, Reference:
		if f.Translate {
			return "jsonb"
		}
		return "character varying"
	case Text, HTML, SecretKind:
		if f.Translate {
			return "jsonb"
		}
		return "text"
	case Integer:
		if f.BigInt {
			return "bigint"
		}
		return "integer"
	case Many2one, Many2oneRef:
		return "bigint"
	case Float, Monetary:
		if f.Decimal {
			return "numeric"
		}
		return "double precision"
	case Boolean:
		return "boolean"
	case DateKind:
		return "date"
	case DatetimeKind:
		return "timestamp without time zone"
	case JSONKind:
		return "jsonb"
	}
	return ""
}

// widening lists column types that may become another without losing data.
var widening = map[string][]string{
	"character varying": {"text"},
	"text":              {"character varying"},
	"integer":           {"bigint", "numeric", "double precision"},
	"bigint":            {"numeric"},
	"double precision":  {"numeric"},
	"date":              {"timestamp without time zone"},
}

type catalog struct {
	columns     map[string]map[string]column // table → column
	kinds       map[string]string            // table → r or v
	constraints map[string]string            // table.name → definition
	indexes     map[string]bool
}

type column struct {
	typ     string
	notNull bool
}

func (e *Env) readCatalog() (*catalog, error) {
	c := &catalog{columns: map[string]map[string]column{}, kinds: map[string]string{}, constraints: map[string]string{}, indexes: map[string]bool{}}
	err := e.each(sqlf(`SELECT c.relname, c.relkind, a.attname, format_type(a.atttypid, NULL), a.attnotnull
		FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v', 'p')`), func(r [][]byte) error {
		t := string(r[0])
		if c.columns[t] == nil {
			c.columns[t] = map[string]column{}
		}
		c.kinds[t] = string(r[1])
		c.columns[t][string(r[2])] = column{string(r[3]), string(r[4]) == "t"}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = e.each(sqlf(`SELECT r.relname, k.conname, pg_get_constraintdef(k.oid), COALESCE(obj_description(k.oid, 'pg_constraint'), '')
		FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid WHERE k.connamespace = current_schema()::regnamespace`), func(r [][]byte) error {
		def := string(r[2])
		if len(r[3]) > 0 {
			def = string(r[3]) // the definition as declared, which PostgreSQL would respell
		}
		c.constraints[string(r[0])+"."+string(r[1])] = def
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = e.each(sqlf(`SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()`), func(r [][]byte) error {
		c.indexes[string(r[0])] = true
		return nil
	})
	return c, err
}

// SyncSchema brings the tables, columns, indexes, constraints and foreign keys
// of the database to what the registry says, without losing data. What it does
// not do by itself (a dropped field, a mandatory column with empty rows) it
// reports; a change of type that would lose data is an error.
func SyncSchema(e *Env, report func(string)) error {
	cat, err := e.readCatalog()
	if err != nil {
		return err
	}
	s := &syncer{env: e, cat: cat, report: report}
	models := e.u.db.Registry.Models()
	for _, m := range models {
		if !m.Abstract && m.Query == "" {
			if err := s.table(m); err != nil {
				return err
			}
		}
	}
	for _, m := range models {
		if !m.Abstract && m.Query == "" {
			s.relations(m)
			s.constraints(m)
			s.indexes(m)
		}
	}
	if err := s.run(); err != nil {
		return err
	}
	for _, m := range models {
		if m.Query != "" {
			if err := s.view(m); err != nil {
				return err
			}
		}
	}
	if err := s.run(); err != nil {
		return err
	}
	// plans of other shapes of the tables must not be reused
	return e.u.pgx.DeallocateAll(e.Context)
}

type syncer struct {
	env    *Env
	cat    *catalog
	report func(string)
	first  []string // tables and columns
	later  []string // keys, constraints, indexes
}

func (s *syncer) run() error {
	todo := append(s.first, s.later...)
	s.first, s.later = nil, nil
	if len(todo) == 0 {
		return nil
	}
	s.env.u.queries++
	_, err := s.env.u.tx.ExecContext(s.env.Context, strings.Join(todo, ";\n"))
	if err != nil {
		return fmt.Errorf("the schema cannot be brought up to date: %w", err)
	}
	return nil
}

func (s *syncer) table(m *Model) error {
	t := quote(m.Table)
	have := s.cat.columns[m.Table]
	if have == nil {
		cols := []string{"id bigserial PRIMARY KEY"}
		for _, name := range m.FieldNames() {
			if f := m.Fields[name]; f.column() && name != "id" {
				def := quote(name) + " " + f.columnType()
				if f.notNull() {
					def += " NOT NULL"
				}
				cols = append(cols, def)
			}
		}
		s.first = append(s.first, "CREATE TABLE "+t+" ("+strings.Join(cols, ", ")+")")
		return nil
	}
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if !f.column() || name == "id" {
			continue
		}
		c, ok := have[name]
		if !ok {
			if err := s.addColumn(m, f); err != nil {
				return err
			}
			continue
		}
		if want := f.columnType(); c.typ != want {
			if !slices.Contains(widening[c.typ], want) {
				return fmt.Errorf("%s.%s is %s in the database but %s in the code; the addon %s needs a migration for it", m.Name, name, c.typ, want, f.Addon)
			}
			s.first = append(s.first, "ALTER TABLE "+t+" ALTER COLUMN "+quote(name)+" TYPE "+want)
		}
		if f.notNull() != c.notNull {
			if !f.notNull() {
				s.first = append(s.first, "ALTER TABLE "+t+" ALTER COLUMN "+quote(name)+" DROP NOT NULL")
			} else if err := s.setNotNull(m, f); err != nil {
				return err
			}
		}
	}
	for name := range have {
		if f := m.Fields[name]; name != "" && name != "id" && (f == nil || !f.column()) {
			s.report(fmt.Sprintf("column %s.%s is no longer used; drop it in a migration when its data is not needed", m.Table, name))
			if have[name].notNull {
				s.first = append(s.first, "ALTER TABLE "+t+" ALTER COLUMN "+quote(name)+" DROP NOT NULL")
			}
		}
	}
	return nil
}

func (f *Field) notNull() bool {
	return f.Required && !f.Computed() && f.Kind != SecretKind && !f.CompanyDependent
}

// addColumn adds a column to a table with rows, filled with the default.
func (s *syncer) addColumn(m *Model, f *Field) error {
	t := quote(m.Table)
	s.first = append(s.first, "ALTER TABLE "+t+" ADD COLUMN "+quote(f.Name)+" "+f.columnType())
	rows, err := s.env.queryIDs(sqlf("SELECT 1 FROM " + t + " LIMIT 1"))
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		if err := s.run(); err != nil {
			return err
		}
		if f.compute != nil {
			ids, err := s.env.queryIDs(sqlf("SELECT id FROM " + t))
			if err != nil {
				return err
			}
			s.env.mark(f.compute, ids)
		} else if f.Default != nil {
			v, err := f.Default(s.env)
			if err != nil {
				return err
			}
			if v, err = f.parse(v); err != nil {
				return err
			}
			stored, err := s.env.storable(f, v)
			if err != nil {
				return err
			}
			if err := s.env.exec(sqlf("UPDATE "+t+" SET "+quote(f.Name)+" = ?", stored)); err != nil {
				return err
			}
		}
	}
	if f.notNull() {
		if len(rows) == 0 {
			s.first = append(s.first, "ALTER TABLE "+t+" ALTER COLUMN "+quote(f.Name)+" SET NOT NULL")
			return nil
		}
		return s.setNotNull(m, f)
	}
	return nil
}

func (s *syncer) setNotNull(m *Model, f *Field) error {
	t := quote(m.Table)
	empty, err := s.env.queryIDs(sqlf("SELECT count(*) FROM " + t + " WHERE " + quote(f.Name) + " IS NULL"))
	if err != nil {
		return err
	}
	if empty[0] > 0 {
		s.report(fmt.Sprintf("%s.%s is mandatory but %d records lack it; fill them in a migration", m.Name, f.Name, empty[0]))
		return nil
	}
	s.first = append(s.first, "ALTER TABLE "+t+" ALTER COLUMN "+quote(f.Name)+" SET NOT NULL")
	return nil
}

// shortIdent makes an identifier fit PostgreSQL's 63 bytes, still unique.
func shortIdent(s string) string {
	if len(s) <= 63 {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return s[:54] + "_" + hex.EncodeToString(sum[:4])
}

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
	// Deferrable for Records.Trial, whose references need not lead anywhere.
	def := fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s(id) ON DELETE %s DEFERRABLE", quote(col), quote(target), strings.ToUpper(onDelete))
	s.constraint(table, name, def)
}

func (s *syncer) constraint(table, name, def string) {
	old, ok := s.cat.constraints[table+"."+name]
	if ok && old == def {
		return
	}
	t, n := quote(table), quote(name)
	if ok {
		s.later = append(s.later, "ALTER TABLE "+t+" DROP CONSTRAINT "+n)
	}
	s.cat.constraints[table+"."+name] = def
	s.later = append(s.later, "ALTER TABLE "+t+" ADD CONSTRAINT "+n+" "+def,
		"COMMENT ON CONSTRAINT "+n+" ON "+t+" IS "+literal(def))
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (s *syncer) relTable(m *Model, f *Field) {
	if s.cat.columns[f.RelTable] == nil {
		s.cat.columns[f.RelTable] = map[string]column{f.RelCol: {}, f.RelCocol: {}}
		s.first = append(s.first, fmt.Sprintf("CREATE TABLE %s (%s bigint NOT NULL, %s bigint NOT NULL, PRIMARY KEY (%s, %s))",
			quote(f.RelTable), quote(f.RelCol), quote(f.RelCocol), quote(f.RelCol), quote(f.RelCocol)))
	}
	s.index(shortIdent(f.RelTable+"_"+f.RelCocol+"_idx"), f.RelTable, quote(f.RelCocol)+", "+quote(f.RelCol), "")
	s.foreignKey(f.RelTable, f.RelCol, m.Table, "cascade")
	if co := m.comodel(f); co.Query == "" {
		s.foreignKey(f.RelTable, f.RelCocol, co.Table, "cascade")
	}
}

func (s *syncer) constraints(m *Model) {
	for _, c := range m.SQL {
		s.constraint(m.Table, shortIdent(c.Name), c.Definition)
	}
}

func (s *syncer) index(name, table, cols, using string) {
	if s.cat.indexes[name] {
		return
	}
	s.cat.indexes[name] = true
	s.later = append(s.later, "CREATE INDEX "+quote(name)+" ON "+quote(table)+" "+using+"("+cols+")")
}

func (s *syncer) indexes(m *Model) {
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if !f.column() || f.CompanyDependent {
			continue
		}
		idx := shortIdent(m.Table + "_" + name + "_index")
		switch {
		case name == "parent_path":
			s.index(idx, m.Table, quote(name)+" text_pattern_ops", "")
		case f.Index == "trigram":
			s.later = append(s.later, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
			s.index(idx, m.Table, quote(name)+" gin_trgm_ops", "USING gin ")
		case f.Index != "" || s.inverseOf(m, f):
			s.index(idx, m.Table, quote(name), "")
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

func (s *syncer) view(m *Model) error {
	switch s.cat.kinds[m.Table] {
	case "r":
		return fmt.Errorf("%s is a SQL view in the code but a table in the database; drop the table in a migration", m.Name)
	case "v":
		s.first = append(s.first, "DROP VIEW "+quote(m.Table))
	}
	s.first = append(s.first, "CREATE VIEW "+quote(m.Table)+" AS "+m.Query)
	return nil
}
