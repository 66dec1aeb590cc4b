package orm

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
	columns     map[string]map[string]column     // table → column
	kinds       map[string]string                // table → r or v
	views       map[string]string                // view → definition as declared
	constraints map[string]map[string]definition // table → name
	indexes     map[string]definition
	extensions  map[string]bool // that can be had: whether they are installed
}

type column struct {
	typ     string
	limited bool // a length or a precision, as in varchar(16)
	notNull bool
}

// definition is how a constraint or an index was declared, which PostgreSQL
// would respell; ours says that it was declared by this package.
type definition struct {
	text string
	ours bool
}

func (e *Env) readCatalog() (*catalog, error) {
	c := &catalog{columns: map[string]map[string]column{}, kinds: map[string]string{}, views: map[string]string{},
		constraints: map[string]map[string]definition{}, indexes: map[string]definition{}, extensions: map[string]bool{}}
	err := e.each(sqlf(`SELECT c.relname, c.relkind, a.attname, format_type(a.atttypid, NULL), a.atttypmod <> -1, a.attnotnull, obj_description(c.oid, 'pg_class')
		FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v', 'p')`), func(r [][]byte) error {
		t := string(r[0])
		if c.columns[t] == nil {
			c.columns[t] = map[string]column{}
		}
		c.kinds[t], c.views[t] = string(r[1]), string(r[6])
		c.columns[t][string(r[2])] = column{string(r[3]), string(r[4]) == "t", string(r[5]) == "t"}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = e.each(sqlf(`SELECT r.relname, k.conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')
		FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid WHERE k.connamespace = current_schema()::regnamespace`), func(r [][]byte) error {
		t := string(r[0])
		if c.constraints[t] == nil {
			c.constraints[t] = map[string]definition{}
		}
		d := definition{text: string(r[2])}
		if len(r[3]) > 0 {
			d = definition{string(r[3]), true}
		}
		c.constraints[t][string(r[1])] = d
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = e.each(sqlf(`SELECT i.relname, obj_description(i.oid, 'pg_class') FROM pg_class i WHERE i.relnamespace = current_schema()::regnamespace AND i.relkind = 'i'`), func(r [][]byte) error {
		c.indexes[string(r[0])] = definition{string(r[1]), len(r[1]) > 0}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, e.each(sqlf(`SELECT name, installed_version IS NOT NULL FROM pg_available_extensions WHERE name IN ('pg_trgm', 'btree_gist')`), func(r [][]byte) error {
		c.extensions[string(r[0])] = string(r[1]) == "t"
		return nil
	})
}

// SyncSchema brings the tables, columns, indexes, constraints, foreign keys and
// views of the database to what the registry says, without losing data. What it
// does not do by itself (a dropped field, a mandatory column with empty rows) it
// reports. A change of type that would lose data is an error, and so is a
// constraint that rows break: it names them.
func SyncSchema(e *Env, report func(string)) error {
	cat, err := e.readCatalog()
	if err != nil {
		return err
	}
	s := &syncer{env: e, cat: cat, report: report}
	var tables, views []*Model
	for _, m := range e.u.db.Registry.Models() {
		switch {
		case m.Query != "":
			views = append(views, m)
		case !m.Abstract:
			tables = append(tables, m)
		}
	}
	stale, err := s.dropViews(tables, views)
	if err != nil {
		return err
	}
	for _, m := range tables {
		if err := s.table(m); err != nil {
			return err
		}
	}
	for _, m := range tables {
		s.relations(m)
		s.constraints(m)
		s.indexes(m)
	}
	for _, m := range tables {
		s.obsolete(m)
	}
	if err := s.run(); err != nil {
		return err
	}
	if stale {
		for _, m := range views {
			s.first = append(s.first, m.ViewStatements()...)
		}
		if err := s.run(); err != nil {
			return err
		}
	}
	// plans of other shapes of the tables must not be reused
	return e.u.pgx.DeallocateAll(e.Context)
}

type syncer struct {
	env    *Env
	cat    *catalog
	report func(string)
	first  []string // tables and columns
	later  []key    // keys, constraints, indexes
}

// key is a constraint or an index to be made.
type key struct {
	sql string
	// blame finds the rows that keep a constraint from being added; nil for what
	// rows cannot hinder.
	blame func() (string, error)
}

func (s *syncer) exec(sql string) error {
	s.env.u.queries++
	_, err := s.env.u.tx.ExecContext(s.env.Context, sql)
	return err
}

// run carries out what has gathered, in as few round trips as can be.
func (s *syncer) run() error {
	first, later := s.first, s.later
	s.first, s.later = nil, nil
	const failed = "the schema cannot be brought up to date: %w"
	if len(first) > 0 {
		if err := s.exec(strings.Join(first, ";\n")); err != nil {
			return fmt.Errorf(failed, err)
		}
	}
	if len(later) == 0 {
		return nil
	}
	var all []string
	for _, k := range later {
		all = append(all, k.sql)
	}
	err := s.attempt(strings.Join(all, ";\n"))
	if err == nil {
		return nil
	}
	// Once more one by one, to tell everything that stands in the way.
	var errs []error
	for _, k := range later {
		cause := s.attempt(k.sql)
		if cause == nil {
			continue
		}
		if k.blame != nil {
			if text, err := k.blame(); err == nil && text != "" {
				cause = errors.New(text)
			}
		}
		errs = append(errs, cause)
	}
	if len(errs) == 0 {
		errs = append(errs, err)
	}
	return fmt.Errorf(failed, errors.Join(errs...))
}

// attempt runs statements so that their failure leaves the transaction usable.
func (s *syncer) attempt(sql string) error {
	if err := s.exec("SAVEPOINT schema"); err != nil {
		return err
	}
	err := s.exec(sql)
	end := "RELEASE SAVEPOINT schema"
	if err != nil {
		end = "ROLLBACK TO SAVEPOINT schema; " + end
	}
	return cmp.Or(err, s.exec(end))
}

// retyped reports whether a column of a table gets another type.
func (s *syncer) retyped(tables []*Model) bool {
	for _, m := range tables {
		for name, c := range s.cat.columns[m.Table] {
			if f := m.Fields[name]; f != nil && f.column() && (c.typ != f.columnType() || c.limited) && name != "id" {
				return true
			}
		}
	}
	return false
}

// dropViews drops the views of models when one of them is new or declared anew,
// or when columns they may read change; stale says that they are to be made
// again. PostgreSQL lets no column change that a view reads.
func (s *syncer) dropViews(tables, views []*Model) (stale bool, err error) {
	drop := func(name string) {
		if s.cat.kinds[name] == "v" {
			s.first = append(s.first, "DROP VIEW IF EXISTS "+quote(name)+" CASCADE")
		}
	}
	for _, m := range views {
		switch s.cat.kinds[m.Table] {
		case "v":
			stale = stale || s.cat.views[m.Table] != m.Query
		case "":
			stale = true
		default:
			return false, fmt.Errorf("%s is a SQL view in the code but a table in the database; drop the table in a migration", m.Name)
		}
	}
	for _, m := range tables { // that were views before
		if s.cat.kinds[m.Table] == "v" {
			stale = true
			drop(m.Table)
			delete(s.cat.columns, m.Table)
		}
	}
	if stale = stale || len(views) > 0 && s.retyped(tables); stale {
		for _, m := range slices.Backward(views) {
			drop(m.Table)
		}
	}
	return stale, s.run()
}

// ViewStatements are the statements that make the view of a model that is one.
func (m *Model) ViewStatements() []string {
	v := quote(m.Table)
	return []string{"CREATE VIEW " + v + " AS " + m.Query, "COMMENT ON VIEW " + v + " IS " + literal(m.Query)}
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
		if want := f.columnType(); c.typ != want || c.limited {
			if c.typ != want && !slices.Contains(widening[c.typ], want) {
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
			s.env.markPending(f.compute, ids)
		} else if f.Default != nil {
			v, err := f.Default(s.env)
			if err != nil {
				return err
			}
			if v, err = f.Parse(v); err != nil {
				return err
			}
			stored, err := s.env.storable(f, v)
			if err != nil {
				return err
			}
			if _, err := s.env.Exec(SQL("UPDATE ? SET ? = ?", Ident(m.Table), Ident(f.Name), stored).Writes(m.Name, f.Name)); err != nil {
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
