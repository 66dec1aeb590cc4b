package orm

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

func valueOf(t testing.TB, rs Records, field string) any {
	t.Helper()
	return must[any](t)(rs.Value(field))
}

func execute(t testing.TB, e *Env, s Statement) int64 {
	t.Helper()
	return must[int64](t)(e.Exec(s))
}

func TestReadsFollowStatementsHoweverTheyAreWritten(t *testing.T) {
	e := testEnv(t)
	ann := must[Records](t)(e.Model("t.person").Create(Values{"name": "Ann"}))
	for i, text := range []string{
		"UPDATE t_person SET age = ?", "UPDATE ONLY t_person SET age = ?", "UPDATE public.t_person AS p SET age = ?",
		`UPDATE ONLY public."t_person" SET age = ?`, "/* of all */ UPDATE t_person SET age = ?", "update\nt_person set age = ?",
		"WITH n AS (SELECT ?::bigint AS age) UPDATE t_person SET age = n.age FROM n",
		"INSERT INTO public.t_person (id, name, age) SELECT id, name, ? FROM t_person ON CONFLICT (id) DO UPDATE SET age = EXCLUDED.age",
	} {
		want := 1
		for said, s := range map[string]Statement{
			"nothing": SQL(text, 2*i+1), "the model": SQL(text, 2*i+2).Writes("t.person"), "the field": SQL(text, 2*i+3).Reads("t.person").Writes("t.person", "age"),
		} {
			valueOf(t, ann, "age")
			if n := execute(t, e, s); n != 1 {
				t.Errorf("%s touched %d rows", text, n)
			}
			want = int(must[int64](t)(Row[int64](e, SQL("SELECT age FROM t_person").Reads("t.person", "age"))))
			if got := valueOf(t, ann, "age"); got != int64(want) {
				t.Errorf("%s, which says %s: read as %v, is %d", text, said, got, want)
			}
		}
	}
}

func TestStatementForgetsNoMoreThanItWrites(t *testing.T) {
	e := testEnv(t)
	ann := must[Records](t)(e.Model("t.person").Create(Values{"name": "Ann", "age": 3}))
	execute(t, e, SQL("UPDATE t_person SET age = 4").Writes("t.person", "age"))
	execute(t, e, SQL("UPDATE t_tag SET name = 'x'").Writes("t.tag"))
	must[[]int64](t)(Rows[int64](e, SQL("SELECT pg_backend_pid()").NoModels()))
	before := e.Queries()
	if got := valueOf(t, ann, "name"); got != "Ann" || e.Queries() != before {
		t.Errorf("the name is %v after %d queries", got, e.Queries()-before)
	}
	if got := valueOf(t, ann, "age"); got != int64(4) || e.Queries() != before+1 {
		t.Errorf("the age is %v after %d queries", got, e.Queries()-before)
	}
}

func TestDeletionsAreSeenInWhatRefers(t *testing.T) {
	e := testEnv(t)
	boss := must[Records](t)(e.Model("t.person").Create(Values{"name": "Boss"}))
	ann := must[Records](t)(e.Model("t.person").Create(Values{"name": "Ann", "parent_id": boss.ID()}))
	o := must[Records](t)(e.Model("t.order").Create(Values{"person_id": ann.ID(), "line_ids": []Command{{Op: CmdCreate, Values: Values{"qty": 1}}}}))
	lines := valueOf(t, o, "line_ids").([]int64)
	valueOf(t, ann, "parent_id")
	execute(t, e, SQL("DELETE FROM t_order WHERE id = ?", o.ID()).Writes("t.order"))
	execute(t, e, SQL("DELETE FROM t_person WHERE id = ?", boss.ID()).Writes("t.person"))
	if left := must[Records](t)(e.Model("t.line").Browse(lines...).Exists()); left.Len() > 0 {
		t.Errorf("lines %v of a deleted order", left.IDs)
	}
	if _, err := e.Model("t.line").Browse(lines...).Read("qty"); err == nil {
		t.Error("lines of a deleted order are read from memory")
	}
	if got := valueOf(t, ann, "parent_id"); got != nil && got != int64(0) {
		t.Errorf("refers to %v, which is deleted", got)
	}
}

func TestStatementsSeeWhatWaits(t *testing.T) {
	e := testEnv(t)
	boss := must[Records](t)(e.Model("t.person").Create(Values{"name": "Boss"}))
	ann := must[Records](t)(e.Model("t.person").Create(Values{"name": "Ann", "parent_id": boss.ID()}))
	text := "SELECT full_name FROM t_person WHERE id = ?"
	for i, s := range []Statement{
		SQL(text, ann.ID()).Reads("t.person"), SQL(text, ann.ID()).Reads("t.person", "full_name"), SQL(text, ann.ID()),
		SQL("SELECT x.full_name FROM (?) x", SQL(text, ann.ID()).Reads("t.person", "full_name")),
		SQL("UPDATE t_person SET full_name = full_name WHERE id = ? RETURNING full_name", ann.ID()).Writes("t.person", "full_name"),
	} {
		name := "Boss" + strings.Repeat("!", i)
		if err := boss.Write(Values{"name": name}); err != nil {
			t.Fatal(err)
		}
		if got := must[string](t)(Row[string](e, s)); got != name+" / Ann" {
			t.Errorf("%s finds %q, want %q", s.frag.sql, got, name+" / Ann")
		}
	}
}

func TestStatementRefreshesWhatIsKept(t *testing.T) {
	type keptTag struct {
		Record `orm:"t.kept"`
		Name   string `orm:"name"`
	}
	db := testDBOf(t, registryOf(t, func(r *Registry) { Define[keptTag](r).Kept() }))
	names := func(e *Env) []string {
		return must[[]string](t)(Kept(e, "names", func() ([]string, error) { return Rows[string](e, SQL("SELECT name FROM t_kept").Reads("t.kept")) }))
	}
	for want, change := range map[string]Statement{
		"declared":   SQL("INSERT INTO t_kept (name) VALUES ('declared')").Writes("t.kept"),
		"undeclared": SQL("DELETE FROM t_kept; INSERT INTO t_kept (name) VALUES ('undeclared')"),
	} {
		err := db.Run(t.Context(), System(), func(e *Env) error {
			names(e)
			execute(t, e, SQL("DELETE FROM t_kept").Writes("t.kept"))
			execute(t, e, change)
			if got := names(e); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %v in the same unit", want, got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.View(t.Context(), System(), func(e *Env) error {
			if got := names(e); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %v in a later unit", want, got)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRowsAreTyped(t *testing.T) {
	e := testEnv(t)
	type found struct {
		ID      int64
		HTMLTag string
		On      Date
		At      Datetime
		Price   decimal.Decimal
		Maybe   *string
		Empty   sql.Null[string]
		Ints    []int64
		Texts   []string
		Yes     bool
		Half    float64
		Content []byte
		Renamed string `sql:"as"`
		Time    time.Time
	}
	got := must[found](t)(Row[found](e, SQL(`SELECT 7::bigint AS id, '' AS html_tag, date '2026-02-03' AS on, NULL::timestamp AS at, 1.50 AS price, NULL AS maybe, '' AS empty,
		ARRAY[1,2] AS ints, ARRAY['a,b', '"', 'NULL', ''] AS texts, true AS yes, 0.5::float8 AS half, '\x00ff'::bytea AS content, 'x' AS as, timestamp '2026-02-03 04:05:06' AS time`).NoModels()))
	if got.ID != 7 || got.HTMLTag != "" || got.On.String() != "2026-02-03" || !got.At.IsZero() || got.Price.String() != "1.5" || got.Maybe != nil || !got.Empty.Valid || got.Empty.V != "" ||
		!slices.Equal(got.Ints, []int64{1, 2}) || !slices.Equal(got.Texts, []string{"a,b", `"`, "NULL", ""}) || !got.Yes || got.Half != 0.5 || string(got.Content) != "\x00\xff" || got.Renamed != "x" || got.Time.Hour() != 4 {
		t.Errorf("read %+v", got)
	}
	if pairs := must[[][2]int64](t)(Rows[[2]int64](e, SQL("VALUES (1, 2), (3, 4)").NoModels())); !slices.Equal(pairs, [][2]int64{{1, 2}, {3, 4}}) {
		t.Errorf("pairs: %v", pairs)
	}
	if v := must[sql.Null[int64]](t)(Row[sql.Null[int64]](e, SQL("SELECT NULL::bigint").NoModels())); v.Valid {
		t.Errorf("NULL is read as %v", v)
	}
	if _, there, err := MaybeRow[int64](e, SQL("SELECT 0 WHERE false").NoModels()); there || err != nil {
		t.Errorf("no row: %v, %v", there, err)
	}
	if v, there, err := MaybeRow[int64](e, SQL("SELECT 0").NoModels()); !there || v != 0 || err != nil {
		t.Errorf("a row of 0: %v, %v, %v", v, there, err)
	}
	type wide struct{ A, B int }
	for want, run := range map[string]func() error{
		`column "name": NULL has no place in string`: func() error { _, err := Rows[string](e, SQL("SELECT NULL::text AS name").NoModels()); return err },
		`column "n": can't scan NULL into a Decimal`: func() error {
			_, err := Rows[decimal.Decimal](e, SQL("SELECT NULL::numeric AS n").NoModels())
			return err
		},
		`no row, where one was expected`:                 func() error { _, err := Row[int](e, SQL("SELECT 1 WHERE false").NoModels()); return err },
		`2 rows, where one was expected`:                 func() error { _, err := Row[int](e, SQL("VALUES (1), (2)").NoModels()); return err },
		`no field for the column "c"`:                    func() error { _, err := Rows[wide](e, SQL("SELECT 1 AS a, 2 AS b, 3 AS c").NoModels()); return err },
		`no column "b" for a field`:                      func() error { _, err := Rows[wide](e, SQL("SELECT 1 AS a").NoModels()); return err },
		`2 columns for one int`:                          func() error { _, err := Rows[int](e, SQL("SELECT 1, 2").NoModels()); return err },
		`3 columns for [2]int`:                           func() error { _, err := Rows[[2]int](e, SQL("SELECT 1, 2, 3").NoModels()); return err },
		`parsing "x": invalid syntax`:                    func() error { _, err := Rows[int](e, SQL("SELECT 'x'").NoModels()); return err },
		`"maybe" is no boolean`:                          func() error { _, err := Rows[bool](e, SQL("SELECT 'maybe'").NoModels()); return err },
		`cannot be read into map[string]int`:             func() error { _, err := Rows[map[string]int](e, SQL("SELECT 'x'").NoModels()); return err },
		`column "a": NULL has no place in int64`:         func() error { _, err := Rows[[]int64](e, SQL("SELECT ARRAY[1, NULL] AS a").NoModels()); return err },
		`1 arguments for 2 question marks`:               func() error { _, err := e.Exec(SQL("SELECT ?, ?", 1)); return err },
		`2 arguments for 1 question marks (a literal on`: func() error { _, err := e.Exec(SQL("SELECT ? WHERE 'a' ?? 'b'", 1, 2)); return err },
	} {
		err := run()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestStatementsNameTheirUnknownNames(t *testing.T) {
	e := testEnv(t)
	misspelt := func(name string) string { return name } // hidden from the analyzer of names
	for want, s := range map[string]Statement{
		`unknown model "t.persn"`:             SQL("SELECT 1").Reads("t.persn"),
		`unknown model "t.tga"`:               SQL("SELECT 1").Writes("t.tga"),
		`t.person has no stored field "nmae"`: SQL("SELECT 1").Reads("t.person", "name", misspelt("nmae")),
		`t.order has no stored field "email"`: SQL("SELECT 1").Writes("t.order", "email"),
		`t.order has no stored field "lnes"`:  SQL("SELECT (?)", SQL("SELECT 1").Reads("t.order", misspelt("lnes"))),
		`1 arguments for 0 question marks`:    SQL("SELECT (?)", SQL("SELECT 1", 2)),
		`0 arguments for 1 question marks`:    SQL("SELECT ?"),
	} {
		if _, err := e.Exec(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestStatementsThatHideTablesFailInTests(t *testing.T) {
	db := testDB(t)
	db.Verify = true
	e := must[*Env](t)(db.Begin(context.Background(), System()))
	defer e.Rollback()
	for text, want := range map[string]string{
		"SELECT p.id FROM t_tag p JOIN public.t_person q ON q.id = p.id": "t.person",
		"SELECT p.id FROM t_tag p, \"t_order\"":                          "t.order",
		"SELECT count(*) FROM t_tag, t_person_tag":                       "t.person.tag_ids",
		"SELECT t_tag.id FROM t_tag":                                     "",
	} {
		_, err := Rows[int64](e, SQL(text).Reads("t.tag"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), "does not say that it touches "+want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestStatementsAreComposed(t *testing.T) {
	e := testEnv(t)
	must[Records](t)(e.Model("t.person").Create(Values{"name": "Ann", "age": 3}, Values{"name": "Bob", "age": 5}))
	older := SQL("? > ?", Ident("age"), 4)
	names := must[[]string](t)(Rows[string](e, SQL("SELECT name || ? FROM ? WHERE ? AND name <> ?", "??", Ident("t_person"), older, "Cy").Reads("t.person")))
	if !slices.Equal(names, []string{"Bob??"}) {
		t.Errorf("found %v", names)
	}
	if got := must[string](t)(Row[string](e, SQL(`SELECT CASE WHEN '{"a": 1}'::jsonb ?? ? THEN 'what??' END`, "a").NoModels())); got != "what?" {
		t.Errorf("question marks: %q", got)
	}
	if got := must[int](t)(Row[int](e, SQL("SELECT ? FROM (SELECT 3 AS ?) x", Ident(`a"b?`), Ident(`a"b?`)).NoModels())); got != 3 {
		t.Errorf("a name of special characters: %d", got)
	}
}
