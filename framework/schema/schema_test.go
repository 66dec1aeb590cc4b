package schema_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fusionsoft.ca/fusion/framework/pglocal/pgtest"
	"fusionsoft.ca/fusion/framework/schema"
)

var (
	server string
	serial atomic.Int64
)

func TestMain(m *testing.M) {
	url, stop, err := pgtest.Server(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server = url
	code := m.Run()
	stop()
	os.Exit(code)
}

// base is a database of a test.
type base struct {
	t    *testing.T
	conn *pgx.Conn
	sent []string // what the last sync changed
}

func newBase(t *testing.T) *base {
	t.Helper()
	admin, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("schema_%d_%d", os.Getpid(), serial.Add(1))
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), strings.Replace(server, "/postgres", "/"+name, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		conn.Close(ctx)
		admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		admin.Close(ctx)
	})
	return &base{t: t, conn: conn}
}

// recorder notes the statements that change something.
type recorder struct {
	pgx.Tx
	sent *[]string
}

func (r recorder) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	*r.sent = append(*r.sent, sql)
	return r.Tx.Exec(ctx, sql, args...)
}

// sync brings the database to a description, in a transaction that is committed when
// that worked. The description may use the transaction.
func (b *base) sync(describe func(tx pgx.Tx) schema.Description) (reports []string, err error) {
	b.t.Helper()
	tx, err := b.conn.Begin(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	b.sent = nil
	if err := schema.Sync(b.t.Context(), recorder{tx, &b.sent}, describe(tx), func(s string) { reports = append(reports, s) }); err != nil {
		return reports, err
	}
	if err := tx.Commit(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return reports, b.conn.DeallocateAll(b.t.Context())
}

func (b *base) mustSync(d schema.Description) []string {
	b.t.Helper()
	reports, err := b.sync(func(pgx.Tx) schema.Description { return d })
	if err != nil {
		b.t.Fatal(err)
	}
	return reports
}

func (b *base) exec(sql string) {
	b.t.Helper()
	if _, err := b.conn.Exec(b.t.Context(), sql); err != nil {
		b.t.Fatal(err)
	}
}

// want compares the first column of a query, a text, with lines.
func (b *base) want(what, sql string, want ...string) {
	b.t.Helper()
	rows, err := b.conn.Query(b.t.Context(), sql)
	if err != nil {
		b.t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.t.Fatal(err)
	}
	wantLines(b.t, what, got, want...)
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

const (
	columns = `SELECT attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND attnum > 0 AND NOT attisdropped ORDER BY c.relname, attname`
	constraints = `SELECT conrelid::regclass || '.' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype NOT IN ('p', 'n') ORDER BY 1`
	indexes     = `SELECT indexname || ' ' || regexp_replace(indexdef, '^.* USING ', '') FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%\_pkey' ORDER BY 1`
)

// books has something of everything.
func books() schema.Description {
	return schema.Description{
		Tables: []schema.Table{{
			Name: "book", Title: "lib.book", Addon: "lib",
			Columns:     []schema.Column{{Name: "name", Type: "text", NotNull: true}, {Name: "note", Type: "jsonb"}, {Name: "pages", Type: "integer"}, {Name: "shelf_id", Type: "bigint"}},
			ForeignKeys: []schema.ForeignKey{{Column: "shelf_id", Table: "shelf", OnDelete: "set null"}},
			Links:       []schema.Link{{Name: "book_theme", Column: "book_id", Other: "theme_id", OtherTable: "theme"}, {Name: "book_report", Column: "book_id", Other: "report_id"}},
			Constraints: []schema.Constraint{{Name: "book_name", Definition: "UNIQUE (name)"}, {Name: "book_pages", Definition: "CHECK (pages > 0)"}},
			Indexes: []schema.Index{
				{Name: "book_name_index", Column: "name", Kind: schema.Trigram}, {Name: "book_shelf_id_index", Column: "shelf_id", Kind: schema.Filled},
				{Name: "book_note_index", Column: "note", Expr: `("note"->>'en')`}, {Name: "book_path_index", Column: "name", Kind: schema.Prefix},
			},
		}, {
			Name: "shelf", Title: "lib.shelf", Addon: "lib",
		}, {
			Name: "theme", Title: "lib.theme", Addon: "lib",
			Links: []schema.Link{{Name: "book_theme", Column: "theme_id", Other: "book_id", OtherTable: "book"}},
		}},
		Views: []schema.View{{Name: "report", Title: "lib.report", Query: "SELECT id, name FROM book"}},
	}
}

func TestSyncFromNothing(t *testing.T) {
	b := newBase(t)
	wantLines(t, "reports", b.mustSync(books()))
	b.want("columns", columns,
		"book.id bigint NOT NULL", "book.name text NOT NULL", "book.note jsonb", "book.pages integer", "book.shelf_id bigint",
		"book_report.book_id bigint NOT NULL", "book_report.report_id bigint NOT NULL",
		"book_theme.book_id bigint NOT NULL", "book_theme.theme_id bigint NOT NULL", "shelf.id bigint NOT NULL", "theme.id bigint NOT NULL")
	b.want("constraints", constraints,
		"book.book_name UNIQUE (name)", "book.book_pages CHECK ((pages > 0))", "book.book_shelf_id_fkey FOREIGN KEY (shelf_id) REFERENCES shelf(id) ON DELETE SET NULL",
		"book_report.book_report_book_id_fkey FOREIGN KEY (book_id) REFERENCES book(id) ON DELETE CASCADE",
		"book_theme.book_theme_book_id_fkey FOREIGN KEY (book_id) REFERENCES book(id) ON DELETE CASCADE",
		"book_theme.book_theme_theme_id_fkey FOREIGN KEY (theme_id) REFERENCES theme(id) ON DELETE CASCADE")
	b.want("indexes", indexes,
		"book_name btree (name)", "book_name_index gin (name gin_trgm_ops)", "book_note_index btree (((note ->> 'en'::text)))", "book_path_index btree (name text_pattern_ops)",
		"book_report_report_id_idx btree (report_id, book_id)", "book_shelf_id_index btree (shelf_id) WHERE (shelf_id IS NOT NULL)",
		"book_theme_book_id_idx btree (book_id, theme_id)", "book_theme_theme_id_idx btree (theme_id, book_id)")
	b.exec("INSERT INTO book (name) VALUES ('Emma')")
	b.want("the view", "SELECT name FROM report", "Emma")

	wantLines(t, "reports of the second time", b.mustSync(books()))
	wantLines(t, "what is done a second time", b.sent)
}

func TestColumnsChange(t *testing.T) {
	b := newBase(t)
	table := func(columns ...schema.Column) schema.Description {
		return schema.Description{Tables: []schema.Table{{Name: "book", Title: "lib.book", Addon: "lib", Columns: columns}}}
	}
	b.mustSync(table(
		schema.Column{Name: "code", Type: "character varying"}, schema.Column{Name: "empty", Type: "text"}, schema.Column{Name: "free", Type: "text", NotNull: true},
		schema.Column{Name: "gone", Type: "text", NotNull: true}, schema.Column{Name: "pages", Type: "integer"}))
	b.exec("ALTER TABLE book ALTER COLUMN code TYPE varchar(8); INSERT INTO book (code, free, gone, pages, empty) VALUES ('a', '', '', 7, NULL), ('b', '', '', 8, 'x')")

	reports, err := b.sync(func(tx pgx.Tx) schema.Description {
		return table(
			schema.Column{Name: "added", Type: "text"}, schema.Column{Name: "code", Type: "character varying", NotNull: true}, schema.Column{Name: "empty", Type: "text", NotNull: true},
			schema.Column{Name: "filled", Type: "text", NotNull: true, Fill: func() error {
				_, err := tx.Exec(t.Context(), "UPDATE book SET filled = 'full'")
				return err
			}}, schema.Column{Name: "free", Type: "text"}, schema.Column{Name: "lacking", Type: "text", NotNull: true}, schema.Column{Name: "pages", Type: "numeric"})
	})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "reports", reports,
		"lib.book.empty is mandatory but 1 records lack it; fill them in a migration",
		"lib.book.lacking is mandatory but 2 records lack it; fill them in a migration",
		"column book.gone is no longer used; drop it in a migration when its data is not needed")
	b.want("columns", columns,
		"book.added text", "book.code character varying NOT NULL", "book.empty text", "book.filled text NOT NULL", "book.free text", "book.gone text", "book.id bigint NOT NULL",
		"book.lacking text", "book.pages numeric")
	b.want("rows", "SELECT concat_ws(' ', code, filled, pages) FROM book ORDER BY id", "a full 7", "b full 8")

	_, err = b.sync(func(pgx.Tx) schema.Description {
		return table(schema.Column{Name: "pages", Type: "integer", Addon: "more"})
	})
	if want := "lib.book.pages is numeric in the database but integer in the code; the addon more needs a migration for it"; err == nil || err.Error() != want {
		t.Errorf("a type that loses data: %v", err)
	}
}

// TestRowsInTheWay tells which rows break constraints, of every kind at once, and
// leaves the transaction usable for what else there is to tell.
func TestRowsInTheWay(t *testing.T) {
	b := newBase(t)
	d := books()
	b.mustSync(d)
	b.exec(`ALTER TABLE book DROP CONSTRAINT book_name, DROP CONSTRAINT book_shelf_id_fkey, DROP CONSTRAINT book_pages; ALTER TABLE book_theme DROP CONSTRAINT book_theme_theme_id_fkey;
		INSERT INTO book (name, pages, shelf_id, note) VALUES ('x', 1, 5, '{"a": 1}'), ('x', -2, NULL, '{"b": 1}'), ('y', 3, NULL, NULL); INSERT INTO book_theme VALUES (1, 9);
		INSERT INTO book (name) SELECT 'z' || i FROM generate_series(1, 12) i; INSERT INTO book (name) SELECT 'z' || i FROM generate_series(1, 12) i`)
	d.Tables[0].Constraints[0].Message = "Once."
	d.Tables[0].Constraints = append(d.Tables[0].Constraints,
		schema.Constraint{Name: "book_note", Definition: "CHECK (note ? 'a')"},
		schema.Constraint{Name: "book_apart", Definition: "EXCLUDE USING gist (int4range(pages, NULL) WITH &&) WHERE (pages > 0)"})
	_, err := b.sync(func(pgx.Tx) schema.Description { return d })
	if err == nil {
		t.Fatal("constraints that rows break were added")
	}
	wantLines(t, "what stands in the way", strings.Split(err.Error(), "\n"),
		"the schema cannot be brought up to date: book.shelf_id must refer to rows of shelf, but these rows refer to none: id 1 → 5. Correct them, or let a migration do it",
		"book_theme.theme_id must refer to rows of theme, but these rows refer to none: ctid (0,1) → 9. Correct them, or let a migration do it",
		"lib.book: constraint book_name (“Once.”), UNIQUE (name), is broken by records that are there: id 1, 2 (x); 4, 16 (z1); 5, 17 (z2); 6, 18 (z3); 7, 19 (z4); 8, 20 (z5); 9, 21 (z6); 10, 22 (z7); 11, 23 (z8); 12, 24 (z9) and more. Correct them, or let a migration of addon lib do it",
		"lib.book: constraint book_pages, CHECK (pages > 0), is broken by records that are there: id 2. Correct them, or let a migration of addon lib do it",
		"lib.book: constraint book_note, CHECK (note ? 'a'), is broken by records that are there: id 2. Correct them, or let a migration of addon lib do it",
		"lib.book: constraint book_apart, EXCLUDE USING gist (int4range(pages, NULL) WITH &&) WHERE (pages > 0), is broken by records that are there: id 1 and 3. Correct them, or let a migration of addon lib do it")
}

// TestDeclarationsChange makes constraints, indexes and views anew that are declared
// otherwise, drops constraints that are not declared any more, and leaves alone what
// others have made.
func TestDeclarationsChange(t *testing.T) {
	b := newBase(t)
	b.mustSync(books())
	b.exec("ALTER TABLE book ADD CONSTRAINT by_hand CHECK (pages < 9999); CREATE INDEX by_hand_index ON book (pages)")
	d := books()
	d.Tables[0].Constraints = []schema.Constraint{{Name: "book_pages", Definition: "CHECK (pages > 1)"}}
	d.Tables[0].ForeignKeys[0].OnDelete = "restrict"
	d.Tables[0].Indexes = []schema.Index{{Name: "book_name_index", Column: "name"}}
	d.Tables[0].Columns[2].Type = "bigint" // which the view does not hinder
	d.Views[0].Query = "SELECT id, name, pages FROM book"
	wantLines(t, "reports", b.mustSync(d), "constraint book_name of book is no longer declared and is dropped")
	b.want("constraints of the table", constraints+" LIMIT 3",
		"book.book_pages CHECK ((pages > 1))", "book.book_shelf_id_fkey FOREIGN KEY (shelf_id) REFERENCES shelf(id) ON DELETE RESTRICT", "book.by_hand CHECK ((pages < 9999))")
	b.want("an index declared otherwise, and one made by hand", strings.Replace(indexes, "ORDER BY", "AND indexname IN ('book_name_index', 'by_hand_index') ORDER BY", 1),
		"book_name_index btree (name)", "by_hand_index btree (pages)")
	b.want("the view", "SELECT count(pages)::text FROM report", "0")

	d.Views[0].Name, d.Views[0].Title = "theme_of", "lib.theme_of"
	d.Tables = append(d.Tables, schema.Table{Name: "report", Title: "lib.report"}) // a table now
	b.mustSync(d)
	b.want("what was a view", "SELECT relkind::text FROM pg_class WHERE relname = 'report'", "r")
	_, err := b.sync(func(pgx.Tx) schema.Description { return books() })
	if err == nil || !strings.Contains(err.Error(), "lib.report is a SQL view in the code but a table in the database; drop the table in a migration") {
		t.Errorf("a view in place of a table: %v", err)
	}
}

// TestLongNames makes names that PostgreSQL would cut to the same.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("long_", 13)
	a, b := schema.Ident(long+"a"), schema.Ident(long+"b")
	if a == b || len(a) > 63 || len(b) > 63 || schema.Ident("short") != "short" {
		t.Errorf("%q, %q", a, b)
	}
	db := newBase(t)
	d := schema.Description{Tables: []schema.Table{{Name: "t", Columns: []schema.Column{{Name: "x", Type: "integer"}},
		Constraints: []schema.Constraint{{Name: long + "a", Definition: "CHECK (x > 1)"}, {Name: long + "b", Definition: "CHECK (x > 2)"}}}}}
	db.mustSync(d)
	db.want("constraints", "SELECT conname::text FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c' ORDER BY pg_get_constraintdef(oid)", a, b)
	db.mustSync(d)
	wantLines(t, "what is done a second time", db.sent)
}
