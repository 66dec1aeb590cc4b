package schema

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

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

// readCatalog reads what there is in the schema that tables are made in.
func (s *syncer) readCatalog() error {
	c := &catalog{columns: map[string]map[string]column{}, kinds: map[string]string{}, views: map[string]string{},
		constraints: map[string]map[string]definition{}, indexes: map[string]definition{}, extensions: map[string]bool{}}
	s.cat = c
	var table, name, kind, text, comment string
	var limited, yes bool
	err := s.each(`SELECT c.relname, c.relkind::text, COALESCE(a.attname, ''), COALESCE(format_type(a.atttypid, NULL), ''), COALESCE(a.atttypmod <> -1, false), COALESCE(a.attnotnull, false), COALESCE(obj_description(c.oid, 'pg_class'), '')
		FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v', 'p')`, []any{&table, &kind, &name, &text, &limited, &yes, &comment}, func() {
		if c.columns[table] == nil {
			c.columns[table] = map[string]column{}
		}
		c.kinds[table], c.views[table] = kind, comment
		c.columns[table][name] = column{text, limited, yes}
	})
	if err != nil {
		return err
	}
	err = s.each(`SELECT r.relname, k.conname, pg_get_constraintdef(k.oid), COALESCE(obj_description(k.oid, 'pg_constraint'), '')
		FROM pg_constraint k JOIN pg_class r ON r.oid = k.conrelid WHERE k.connamespace = current_schema()::regnamespace`, []any{&table, &name, &text, &comment}, func() {
		if c.constraints[table] == nil {
			c.constraints[table] = map[string]definition{}
		}
		d := definition{text: text}
		if comment != "" {
			d = definition{comment, true}
		}
		c.constraints[table][name] = d
	})
	if err != nil {
		return err
	}
	err = s.each(`SELECT i.relname, COALESCE(obj_description(i.oid, 'pg_class'), '') FROM pg_class i WHERE i.relnamespace = current_schema()::regnamespace AND i.relkind = 'i'`, []any{&name, &comment}, func() {
		c.indexes[name] = definition{comment, comment != ""}
	})
	if err != nil {
		return err
	}
	return s.each(`SELECT name, installed_version IS NOT NULL FROM pg_available_extensions WHERE name IN ('pg_trgm', 'btree_gist')`, []any{&name, &yes}, func() {
		c.extensions[name] = yes
	})
}

// Sync brings the tables, columns, indexes, constraints, foreign keys and views of the
// database to what is wanted, without losing data. What it does not do by itself (a
// dropped column, a mandatory one with empty rows) it reports. A change of type that
// would lose data is an error, and so is a constraint that rows break: it names them.
// Statements that were prepared before it may have plans of other shapes of the tables.
func Sync(ctx context.Context, conn Conn, want Description, report func(string)) error {
	s := &syncer{ctx: ctx, conn: conn, report: report}
	if err := s.readCatalog(); err != nil {
		return err
	}
	stale, err := s.dropViews(want)
	if err != nil {
		return err
	}
	for _, t := range want.Tables {
		if err := s.table(t); err != nil {
			return err
		}
	}
	for _, t := range want.Tables {
		for _, k := range t.ForeignKeys {
			s.foreignKey(t.Name, k)
		}
		for _, l := range t.Links {
			s.link(t.Name, l)
		}
		s.constraints(t)
		for _, i := range t.Indexes {
			s.index(t, i)
		}
	}
	for _, t := range want.Tables {
		s.obsolete(t.Name)
	}
	if err := s.run(); err != nil || !stale {
		return err
	}
	for _, v := range want.Views {
		s.first = append(s.first, v.Statements()...)
	}
	return s.run()
}

type syncer struct {
	ctx    context.Context
	conn   Conn
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
	_, err := s.conn.Exec(s.ctx, sql)
	return err
}

// each scans the rows of a query into the targets and calls row after each.
func (s *syncer) each(sql string, targets []any, row func()) error {
	rows, err := s.conn.Query(s.ctx, sql)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, targets, func() error { row(); return nil })
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
func (s *syncer) retyped(tables []Table) bool {
	for _, t := range tables {
		for _, c := range t.Columns {
			if have, ok := s.cat.columns[t.Name][c.Name]; ok && (have.typ != c.Type || have.limited) {
				return true
			}
		}
	}
	return false
}

// dropViews drops the views when one of them is new or declared anew, or when columns
// they may read change; stale says that they are to be made again. PostgreSQL lets no
// column change that a view reads.
func (s *syncer) dropViews(want Description) (stale bool, err error) {
	drop := func(name string) {
		if s.cat.kinds[name] == "v" {
			s.first = append(s.first, "DROP VIEW IF EXISTS "+quote(name)+" CASCADE")
		}
	}
	for _, v := range want.Views {
		switch s.cat.kinds[v.Name] {
		case "v":
			stale = stale || s.cat.views[v.Name] != v.Query
		case "":
			stale = true
		default:
			return false, fmt.Errorf("%s is a SQL view in the code but a table in the database; drop the table in a migration", v.Title)
		}
	}
	for _, t := range want.Tables { // that were views before
		if s.cat.kinds[t.Name] == "v" {
			stale = true
			drop(t.Name)
			delete(s.cat.columns, t.Name)
		}
	}
	if stale = stale || len(want.Views) > 0 && s.retyped(want.Tables); stale {
		for _, v := range slices.Backward(want.Views) {
			drop(v.Name)
		}
	}
	return stale, s.run()
}

func (s *syncer) table(t Table) error {
	have := s.cat.columns[t.Name]
	if have == nil {
		cols := []string{"id bigserial PRIMARY KEY"}
		for _, c := range t.Columns {
			def := quote(c.Name) + " " + c.Type
			if c.NotNull {
				def += " NOT NULL"
			}
			cols = append(cols, def)
		}
		s.first = append(s.first, "CREATE TABLE "+quote(t.Name)+" ("+strings.Join(cols, ", ")+")")
		return nil
	}
	for _, c := range t.Columns {
		old, ok := have[c.Name]
		if !ok {
			if err := s.addColumn(t, c); err != nil {
				return err
			}
			continue
		}
		if old.typ != c.Type || old.limited {
			if old.typ != c.Type && !slices.Contains(widening[old.typ], c.Type) {
				return fmt.Errorf("%s.%s is %s in the database but %s in the code; the addon %s needs a migration for it", t.Title, c.Name, old.typ, c.Type, c.Addon)
			}
			s.alter(t, c.Name, "TYPE "+c.Type)
		}
		if c.NotNull && !old.notNull {
			if err := s.setNotNull(t, c); err != nil {
				return err
			}
		} else if old.notNull && !c.NotNull {
			s.alter(t, c.Name, "DROP NOT NULL")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, wanted := t.column(name); wanted || name == "" || name == "id" {
			continue
		}
		s.report(fmt.Sprintf("column %s.%s is no longer used; drop it in a migration when its data is not needed", t.Name, name))
		if have[name].notNull {
			s.alter(t, name, "DROP NOT NULL")
		}
	}
	return nil
}

// alter changes a column.
func (s *syncer) alter(t Table, column, how string) {
	s.first = append(s.first, "ALTER TABLE "+quote(t.Name)+" ALTER COLUMN "+quote(column)+" "+how)
}

// addColumn adds a column to a table that is there, and fills it where it has rows.
func (s *syncer) addColumn(t Table, c Column) error {
	s.first = append(s.first, "ALTER TABLE "+quote(t.Name)+" ADD COLUMN "+quote(c.Name)+" "+c.Type)
	rows, err := one[bool](s, "SELECT EXISTS (SELECT FROM "+quote(t.Name)+")")
	if err != nil {
		return err
	}
	if !rows {
		if c.NotNull {
			s.alter(t, c.Name, "SET NOT NULL")
		}
		return nil
	}
	if err := s.run(); err != nil {
		return err
	}
	if c.Fill != nil {
		if err := c.Fill(); err != nil {
			return err
		}
	}
	if c.NotNull {
		return s.setNotNull(t, c)
	}
	return nil
}

func (s *syncer) setNotNull(t Table, c Column) error {
	empty, err := one[int64](s, "SELECT count(*) FROM "+quote(t.Name)+" WHERE "+quote(c.Name)+" IS NULL")
	if err != nil {
		return err
	}
	if empty > 0 {
		s.report(fmt.Sprintf("%s.%s is mandatory but %d records lack it; fill them in a migration", t.Title, c.Name, empty))
		return nil
	}
	s.alter(t, c.Name, "SET NOT NULL")
	return nil
}

// one is the value of a query that gives one.
func one[T any](s *syncer, sql string) (v T, err error) {
	err = s.each(sql, []any{&v}, func() {})
	return v, err
}
