package orm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// registryOf builds a registry of what define declares.
func registryOf(t testing.TB, define func(*Registry)) *Registry {
	t.Helper()
	r := NewRegistry()
	r.Begin("shop")
	define(r)
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	return r
}

// syncTo brings a database to what define declares and tells what was reported.
func syncTo(t testing.TB, db *DB, define func(*Registry)) (out *DB, reports []string, err error) {
	t.Helper()
	out = &DB{DB: db.DB, Registry: registryOf(t, define), Logger: db.Logger, Now: db.Now, Keys: db.Keys}
	err = out.Run(context.Background(), System(), func(e *Env) error {
		reports = nil
		return SyncSchema(e, func(s string) { reports = append(reports, s) })
	})
	return out, reports, err
}

func lines(t testing.TB, db *DB, sql string, args ...any) []string {
	t.Helper()
	var out []string
	err := db.View(context.Background(), System(), func(e *Env) error {
		rows, err := texts(e, sql, args...)
		for _, r := range rows {
			out = append(out, strings.Join(r, "|"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantLines(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// explain is the plan of a search when reading whole tables is not worth it.
func explain(t testing.TB, db *DB, model string, d Domain) string {
	t.Helper()
	var out []string
	err := db.View(context.Background(), System(), func(e *Env) error {
		if _, err := e.Exec(SQL("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")); err != nil {
			return err
		}
		q, err := e.Model(model).searchQuery(d, SearchOptions{})
		if err != nil {
			return err
		}
		return e.each(sqlf("EXPLAIN ?", q), func(r [][]byte) error {
			out = append(out, string(r[0]))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "\n")
}

// The model in its first version, and in the second with everything that a
// schema can be asked for on a table with rows.
type (
	titleV1 struct {
		Record `orm:"s.title" label:"Title"`
		Name   string  `orm:"name"`
		Pages  int     `orm:"pages"`
		Price  float64 `orm:"price"`
		Code   string  `orm:"code"`
		Gone   string  `orm:"gone,required"`
		Noted  string  `orm:"noted"`
		From   int     `orm:"first"`
		To     int     `orm:"last"`
		Other  int64   `orm:"other_id"`
	}
	titleV2 struct {
		Record `orm:"s.title" label:"Title"`
		Name   string       `orm:"name,index=trigram"`
		Pages  int64        `orm:"pages"`
		Price  float64      `orm:"price"`
		Code   string       `orm:"code,text,index=btree_not_null"`
		Noted  string       `orm:"noted,required"`
		From   int          `orm:"first"`
		To     int          `orm:"last"`
		State  string       `orm:"state,required,default=draft,index" selection:"draft:Draft,done:Done"`
		Length int          `orm:"length,store"`
		Other  Ref[titleV2] `orm:"other_id,ondelete=restrict"`
		Label  string       `orm:"label,translate,index=trigram"`
	}
)

func defineTitle1(r *Registry) { Define[titleV1](r) }

func defineTitle2(r *Registry) {
	d := Define[titleV2](r)
	d.Compute("length", func(_ *Env, ts []*titleV2) error {
		for _, t := range ts {
			t.Length = len(t.Name)
		}
		return nil
	}, "name")
	d.Unique("code_uniq", "code", "Every code once.")
	d.Check("pages_positive", "pages > 0", "A title has pages.")
	d.Exclude("no_overlap", "USING gist (name WITH =, int4range(first, last) WITH &&) WHERE (noted IS NOT NULL)", "One edition at a time.")
}

func TestSchemaOnATableWithRows(t *testing.T) {
	db := testDBOf(t, registryOf(t, defineTitle1))
	if err := db.Run(t.Context(), System(), func(e *Env) error {
		_, err := e.Exec(SQL(`INSERT INTO s_title (id, name, pages, price, code, gone, noted, first, last, other_id) VALUES
			(1, 'Dune', 0, 9.5, 'A', 'x', 'n', 1, 5, 2), (2, 'Dune', 300, 1, 'A', 'x', 'n', 4, 9, 77), (3, 'Emma', -1, 1, 'B', 'x', NULL, 1, 2, NULL), (4, 'Emma', 1, 1, 'B', 'x', NULL, 1, 2, NULL);
			ALTER TABLE s_title ALTER COLUMN code TYPE varchar(8), ALTER COLUMN name TYPE varchar(16)`))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_, _, err := syncTo(t, db, defineTitle2)
	if err == nil {
		t.Fatal("constraints that rows break were added")
	}
	wantLines(t, "what stands in the way", strings.Split(err.Error(), "\n"),
		"the schema cannot be brought up to date: s_title.other_id must refer to rows of s_title, but these rows refer to none: id 2 → 77. Correct them, or let a migration do it",
		"s.title: constraint s_title_code_uniq (“Every code once.”), UNIQUE (code), is broken by records that are there: id 1, 2 (A); 3, 4 (B). Correct them, or let a migration of addon shop do it",
		"s.title: constraint s_title_pages_positive (“A title has pages.”), CHECK (pages > 0), is broken by records that are there: id 1; 3. Correct them, or let a migration of addon shop do it",
		"s.title: constraint s_title_no_overlap (“One edition at a time.”), EXCLUDE USING gist (name WITH =, int4range(first, last) WITH &&) WHERE (noted IS NOT NULL), is broken by records that are there: id 1 and 2. Correct them, or let a migration of addon shop do it")
	wantLines(t, "nothing was changed", lines(t, db, "SELECT count(*) FROM information_schema.columns WHERE table_name = 's_title' AND column_name = 'state'"), "0")

	if err := db.Run(t.Context(), System(), func(e *Env) error {
		_, err := e.Exec(SQL(`UPDATE s_title SET code = code || id, pages = greatest(pages, 1), last = CASE id WHEN 1 THEN 4 ELSE last END, other_id = NULL WHERE true`))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	v2, reports, err := syncTo(t, db, defineTitle2)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "reports", reports,
		"s.title.noted is mandatory but 2 records lack it; fill them in a migration",
		"column s_title.gone is no longer used; drop it in a migration when its data is not needed")
	wantLines(t, "rows", lines(t, v2, "SELECT id, name, pages, code, state, length, gone FROM s_title ORDER BY id"),
		"1|Dune|1|A1|draft|4|x", "2|Dune|300|A2|draft|4|x", "3|Emma|1|B3|draft|4|x", "4|Emma|1|B4|draft|4|x")
	wantLines(t, "columns", lines(t, v2, `SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = 's_title'::regclass AND attname IN ('name', 'pages', 'code', 'state', 'noted', 'gone') ORDER BY 1`),
		"code|text|f", "gone|character varying|f", "name|character varying|f", "noted|character varying|f", "pages|bigint|f", "state|character varying|t")
	indexes := `SELECT indexname, regexp_replace(indexdef, '^.* USING', 'USING') FROM pg_indexes WHERE tablename = 's_title' AND indexname LIKE '%\_index' ORDER BY 1`
	wantLines(t, "indexes", lines(t, v2, indexes),
		"s_title_code_index|USING btree (code) WHERE (code IS NOT NULL)",
		"s_title_label_index|USING gin (((label ->> 'en_US'::text)) gin_trgm_ops)",
		"s_title_name_index|USING gin (name gin_trgm_ops)",
		"s_title_state_index|USING btree (state)")
	// Once more nothing is to be done.
	before := lines(t, v2, "SELECT oid, relname, relfilenode FROM pg_class WHERE relname LIKE 's\\_title%' ORDER BY 2")
	if _, reports, err = syncTo(t, v2, defineTitle2); err != nil || len(reports) != 2 {
		t.Errorf("%v, %q", err, reports)
	}
	wantLines(t, "relations", lines(t, v2, "SELECT oid, relname, relfilenode FROM pg_class WHERE relname LIKE 's\\_title%' ORDER BY 2"), before...)

	// An index or a constraint that is declared otherwise is made anew; one that
	// is not declared any more goes.
	type titleV3 struct {
		Record `orm:"s.title" label:"Title"`
		Name   string `orm:"name,index"`
		Pages  int64  `orm:"pages"`
		Code   string `orm:"code,text,index"`
	}
	v3, reports, err := syncTo(t, v2, func(r *Registry) {
		Define[titleV3](r).Check("pages_positive", "pages > -5", "Hardly negative.")
	})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "indexes", lines(t, v3, indexes+" LIMIT 1"), "s_title_code_index|USING btree (code)")
	wantLines(t, "constraints", lines(t, v3, "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 's_title'::regclass AND contype <> 'p' ORDER BY 1"),
		"s_title_pages_positive|CHECK ((pages > '-5'::integer))")
	dropped := 0
	for _, r := range reports {
		if strings.Contains(r, "is no longer declared and is dropped") {
			dropped++
		}
	}
	if dropped != 3 {
		t.Errorf("%d constraints dropped: %q", dropped, reports)
	}
}

// TestTypeChanges tells which columns may become which without a migration.
func TestTypeChanges(t *testing.T) {
	type v1 struct {
		Record `orm:"s.kind"`
		A      int     `orm:"a"`
		B      string  `orm:"b"`
		C      float64 `orm:"c"`
		D      Date    `orm:"d"`
	}
	type v2 struct {
		Record `orm:"s.kind"`
		A      float64         `orm:"a"`
		B      string          `orm:"b,text"`
		C      decimal.Decimal `orm:"c,digits=10:2"`
		D      Datetime        `orm:"d"`
	}
	db := testDBOf(t, registryOf(t, func(r *Registry) { Define[v1](r) }))
	if err := db.Run(t.Context(), System(), func(e *Env) error {
		_, err := e.Exec(SQL("INSERT INTO s_kind (a, b, c, d) VALUES (3, 'x', 1.25, '2026-02-03')"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	db2, _, err := syncTo(t, db, func(r *Registry) { Define[v2](r) })
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "values", lines(t, db2, "SELECT a, b, c, d FROM s_kind"), "3|x|1.25|2026-02-03 00:00:00")
	type back struct {
		Record `orm:"s.kind"`
		A      int `orm:"a"`
	}
	_, _, err = syncTo(t, db2, func(r *Registry) { Define[back](r) })
	if want := fmt.Sprintf("s.kind.a is %s in the database but integer in the code; the addon shop needs a migration for it", "double precision"); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	type other struct {
		Record `orm:"s.kind"`
		B      int `orm:"b"`
	}
	_, _, err = syncTo(t, db2, func(r *Registry) { Define[other](r) })
	if err == nil || !strings.Contains(err.Error(), "s.kind.b is text in the database but integer in the code") {
		t.Errorf("got %v", err)
	}
}

// TestViewModels reads a model that is a SQL view, through changes of the view
// and of the columns it reads.
func TestViewModels(t *testing.T) {
	type sale struct {
		Record `orm:"s.sale"`
		Amount float64 `orm:"amount"`
		Kind   string  `orm:"kind"`
	}
	type saleWide struct {
		Record `orm:"s.sale"`
		Amount decimal.Decimal `orm:"amount,digits=10:2"`
		Kind   string          `orm:"kind"`
	}
	type report struct {
		Record `orm:"s.report" label:"Report" order:"kind"`
		Kind   string  `orm:"kind"`
		Total  float64 `orm:"total,aggregator=sum"`
	}
	type reportMore struct {
		Record `orm:"s.report" label:"Report" order:"kind"`
		Kind   string  `orm:"kind"`
		Total  float64 `orm:"total"`
		Number int     `orm:"number"`
	}
	const sql1 = "SELECT min(id) AS id, kind, sum(amount) AS total FROM s_sale GROUP BY kind"
	const sql2 = "SELECT min(id) AS id, kind, sum(amount) AS total, count(*) AS number FROM s_sale GROUP BY kind"
	db := testDBOf(t, registryOf(t, func(r *Registry) { Define[sale](r); Define[report](r).Query(sql1) }))
	run := func(db *DB, fn func(e *Env) error) {
		t.Helper()
		if err := db.Run(t.Context(), System(), fn); err != nil {
			t.Error(err)
		}
	}
	run(db, func(e *Env) error {
		if _, err := e.Model("s.sale").Create(Values{"amount": 10, "kind": "a"}, Values{"amount": 5, "kind": "a"}, Values{"amount": 7, "kind": "b"}); err != nil {
			return err
		}
		rs, err := e.Model("s.report").Search(Leaf("total", ">", 8), SearchOptions{})
		if err != nil || rs.Len() != 1 {
			t.Errorf("%v, %v", rs, err)
		}
		rows, err := rs.Read("kind", "total")
		if err != nil || rows[0]["kind"] != "a" || fmt.Sprint(rows[0]["total"]) != "15" {
			t.Errorf("%v, %v", rows, err)
		}
		groups, err := e.Model("s.report").ReadGroup(nil, []string{"kind"}, []string{"total:sum"}, GroupOptions{})
		if err != nil || len(groups) != 2 {
			t.Errorf("%v, %v", groups, err)
		}
		n, err := e.Model("s.report").SearchCount(Leaf("kind", "in", []any{"a", "b", "c"}), 0)
		if err != nil || n != 2 {
			t.Errorf("%d, %v", n, err)
		}
		_, err = e.Model("s.report").Create(Values{"kind": "x"})
		errs := []error{err, rs.Write(Values{"kind": "x"}), rs.Unlink()}
		_, err = rs.Copy(nil)
		for i, err := range append(errs, err) {
			if !IsCode(err, CodeUser) || !strings.Contains(err.Error(), "Report (s.report) is a view of other records") {
				t.Errorf("change %d of a view: %v", i, err)
			}
		}
		return nil
	})
	// The column gets another type although the view reads it.
	wide, _, err := syncTo(t, db, func(r *Registry) { Define[saleWide](r); Define[report](r).Query(sql1) })
	if err != nil {
		t.Fatal(err)
	}
	more, _, err := syncTo(t, wide, func(r *Registry) { Define[saleWide](r); Define[reportMore](r).Query(sql2) })
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "the new view", lines(t, more, "SELECT kind, number FROM s_report ORDER BY 1"), "a|2", "b|1")
	before := lines(t, more, "SELECT 's_report'::regclass::oid")
	if _, _, err := syncTo(t, more, func(r *Registry) { Define[saleWide](r); Define[reportMore](r).Query(sql2) }); err != nil {
		t.Fatal(err)
	}
	wantLines(t, "a view that did not change", lines(t, more, "SELECT 's_report'::regclass::oid"), before...)
	// A view may become a table; a table becomes a view by a migration only.
	table, _, err := syncTo(t, more, func(r *Registry) { Define[saleWide](r); Define[reportMore](r) })
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = syncTo(t, table, func(r *Registry) { Define[saleWide](r); Define[reportMore](r).Query(sql2) })
	if err == nil || !strings.Contains(err.Error(), "drop the table in a migration") {
		t.Errorf("got %v", err)
	}
}

// TestMessageOfALongConstraint finds the message of a constraint whose name is longer than
// names in the database.
func TestMessageOfALongConstraint(t *testing.T) {
	type kind struct {
		Record `orm:"s.kind"`
		Code   string `orm:"code"`
	}
	db := testDBOf(t, registryOf(t, func(r *Registry) {
		Define[kind](r).Unique("code_"+strings.Repeat("very_", 12)+"unique", "code", "Every code once.")
	}))
	err := db.Run(t.Context(), System(), func(e *Env) error {
		_, err := e.Model("s.kind").Create(Values{"code": "a"}, Values{"code": "a"})
		return err
	})
	if !IsCode(err, CodeValidation) || !strings.HasPrefix(err.Error(), "Every code once.") {
		t.Errorf("got %v", err)
	}
}

// TestDeclaredIndexesAreUsed asks for the plans of searches.
func TestDeclaredIndexesAreUsed(t *testing.T) {
	db := testDBOf(t, registryOf(t, defineTitle2))
	for index, domain := range map[string]Domain{
		"s_title_name_index": Leaf("name", "ilike", "une"), "s_title_label_index": Leaf("label", "ilike", "une"), "s_title_code_index": Leaf("code", "=", "A1"),
	} {
		if plan := explain(t, db, "s.title", domain); !strings.Contains(plan, index) {
			t.Errorf("%v does not use %s:\n%s", domain, index, plan)
		}
	}
}
