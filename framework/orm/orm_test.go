package orm

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"fusionsoft.ca/fusion/framework/keyring"
	"fusionsoft.ca/fusion/framework/pglocal/pgtest"

	"github.com/shopspring/decimal"
)

var server string

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

type tag struct {
	Record `orm:"t.tag" order:"name"`
	Name   string `orm:"name,required"`
}

type person struct {
	Record   `orm:"t.person" order:"name, id" label:"Person"`
	Name     string       `orm:"name,required"`
	Email    string       `orm:"email" validate:"email"`
	Active   bool         `orm:"active,default=true"`
	Age      int          `orm:"age"`
	ParentID Ref[person]  `orm:"parent_id"`
	Path     string       `orm:"parent_path"`
	Children Many[person] `orm:"child_ids,inverse=parent_id"`
	Tags     Many[tag]    `orm:"tag_ids,rel=t_person_tag:person_id:tag_id"`
	Full     string       `orm:"full_name,store"`
	Kind     string       `orm:"kind,default=a" selection:"a:Alpha,b:Beta"`
	Born     Date         `orm:"born"`
	Token    Secret       `orm:"token"`
}

type order struct {
	Record  `orm:"t.order" order:"id desc" label:"Order"`
	Name    string          `orm:"name,default=New"`
	Person  Ref[person]     `orm:"person_id,required,ondelete=restrict"`
	Lines   Many[line]      `orm:"line_ids,inverse=order_id"`
	Total   decimal.Decimal `orm:"total,store,readonly,digits=2"`
	Count   Deferred[int]   `orm:"line_count"`
	Mail    string          `orm:"email,related=person_id.email"`
	Created Datetime        `orm:"create_date"`
}

type line struct {
	Record `orm:"t.line" order:"sequence, id"`
	Order  Ref[order]      `orm:"order_id,required,ondelete=cascade"`
	Seq    int             `orm:"sequence,default=10"`
	Qty    decimal.Decimal `orm:"qty,digits=3"`
	Price  decimal.Decimal `orm:"price,digits=4"`
	Sub    decimal.Decimal `orm:"subtotal,store,digits=2"`
}

type employee struct {
	Record `orm:"t.employee"`
	Person Ref[person] `orm:"person_id,required,delegate,ondelete=restrict"`
	Badge  string      `orm:"badge"`
	Name   string      `orm:"name"`
}

func testRegistry(t testing.TB) *Registry {
	r := NewRegistry()
	r.Begin("t")
	Define[tag](r)
	p := Define[person](r)
	p.Compute("full_name", func(_ *Env, recs []*person) error {
		for _, x := range recs {
			x.Full = x.Name
			if up := x.ParentID.Rec(); up != nil {
				x.Full = up.Full + " / " + x.Name
			}
		}
		return nil
	}, "name", "parent_id.full_name")
	p.Unique("name", "name", "Two people cannot share a name.")
	p.Constrain("age", func(_ *Env, recs []*person) error {
		for _, x := range recs {
			if x.Age < 0 {
				return ValidationErrorf("%s has a negative age.", x.Name)
			}
		}
		return nil
	})
	o := Define[order](r)
	o.Compute("total", func(_ *Env, recs []*order) error {
		for _, x := range recs {
			x.Total = decimal.Zero
			for _, l := range x.Lines.All() {
				x.Total = x.Total.Add(l.Sub)
			}
		}
		return nil
	}, "line_ids.subtotal")
	o.Compute("line_count", func(_ *Env, recs []*order) error {
		for _, x := range recs {
			x.Count.Set(len(x.Lines.IDs()))
		}
		return nil
	}, "line_ids")
	l := Define[line](r)
	l.Compute("subtotal", func(_ *Env, recs []*line) error {
		for _, x := range recs {
			x.Sub = x.Qty.Mul(x.Price).Round(2)
		}
		return nil
	}, "qty", "price")
	Define[employee](r)
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	return r
}

var dbSerial atomic.Int64

func testDB(t testing.TB) *DB {
	t.Helper()
	return testDBOf(t, testRegistry(t))
}

func testDBOf(t testing.TB, r *Registry) *DB {
	t.Helper()
	ctx := context.Background()
	admin, err := Open(ctx, server, NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("orm_%d_%d", os.Getpid(), dbSerial.Add(1))
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	db, err := Open(ctx, strings.Replace(server, "/postgres", "/"+name, 1), r)
	if err != nil {
		t.Fatal(err)
	}
	db.Keys, _ = keyring.New(make([]byte, 32))
	t.Cleanup(func() {
		db.Close()
		admin.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		admin.Close()
	})
	if err := db.Run(ctx, System(), func(e *Env) error { return SyncSchema(e, func(string) {}) }); err != nil {
		t.Fatal(err)
	}
	return db
}

func testEnv(t testing.TB) *Env {
	t.Helper()
	e, err := testDB(t).Begin(context.Background(), System())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Rollback)
	return e
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestOrderTotalsFollowTheirLines(t *testing.T) {
	e := testEnv(t)
	ann := &person{Name: "Ann", Active: true, Kind: "a", Email: "ann@shop.example"}
	if err := Create(e, ann); err != nil {
		t.Fatal(err)
	}
	rs := must[Records](t)(e.Model("t.order").Create(Values{"person_id": ann.ID, "line_ids": []any{
		[]any{0, 0, map[string]any{"qty": 3, "price": "9.99"}}, []any{0, 0, map[string]any{"qty": "0.5", "price": "10.005"}}}}))
	o := must[*order](t)(Get[order](e, rs.ID(), "line_ids", "line_count", "person_id", "email"))
	if o.Total.String() != "34.97" || o.Count.Get() != 2 || o.Person.Rec().Name != "Ann" || o.Mail != "ann@shop.example" || o.Name != "New" {
		t.Fatalf("got %+v", o)
	}
	first := o.Lines.All()[0]
	first.Qty = decimal.NewFromInt(1)
	if err := Save(e, []*line{first}, "qty"); err != nil {
		t.Fatal(err)
	}
	if err := Delete(e, o.Lines.All()[1:]); err != nil {
		t.Fatal(err)
	}
	if err := Reload(e, []*order{o}, "line_count"); err != nil {
		t.Fatal(err)
	}
	if o.Total.String() != "9.99" || o.Count.Get() != 1 {
		t.Fatalf("after changes: total %s, %d lines", o.Total, o.Count.Get())
	}
	rows := must[[]Values](t)(rs.ReadWire([]string{"person_id", "total", "line_ids", "email"}, true))
	if got := fmt.Sprintf("%v %v %v", rows[0]["person_id"], rows[0]["total"], rows[0]["email"]); got != fmt.Sprintf("[%d Ann] 9.99 ann@shop.example", ann.ID) {
		t.Fatal(got)
	}
	if err := RecordsOf(e, ann).Unlink(); CodeOf(err) != CodeValidation {
		t.Fatalf("a person with orders was deleted: %v", err)
	}
}

func TestHierarchy(t *testing.T) {
	e := testEnv(t)
	a := &person{Name: "A", Active: true, Kind: "a"}
	if err := Create(e, a); err != nil {
		t.Fatal(err)
	}
	b := &person{Name: "B", Active: true, Kind: "a", ParentID: RefTo[person](a.ID)}
	if err := Create(e, b); err != nil {
		t.Fatal(err)
	}
	c := &person{Name: "C", Active: true, Kind: "a", ParentID: RefTo[person](b.ID)}
	if err := Create(e, c); err != nil {
		t.Fatal(err)
	}
	a.Name = "Z"
	if err := Save(e, []*person{a}, "name"); err != nil {
		t.Fatal(err)
	}
	if err := Reload(e, []*person{c}); err != nil {
		t.Fatal(err)
	}
	if c.Full != "Z / B / C" || c.Path != fmt.Sprintf("%d/%d/%d/", a.ID, b.ID, c.ID) {
		t.Fatalf("full name %q path %q", c.Full, c.Path)
	}
	below := must[Records](t)(e.Model("t.person").Search(Leaf("id", "child_of", a.ID), SearchOptions{}))
	if below.Len() != 3 {
		t.Fatal(below)
	}
	if err := RecordsOf(e, a).Write(Values{"parent_id": c.ID}); CodeOf(err) != CodeUser {
		t.Fatalf("recursion allowed: %v", err)
	}
}

func TestDomains(t *testing.T) {
	e := testEnv(t)
	tags := must[Records](t)(e.Model("t.tag").Create(Values{"name": "x"}, Values{"name": "y"}))
	people := e.Model("t.person")
	must[Records](t)(people.Create(
		Values{"name": "Ann", "age": 30, "email": "a@x.example", "tag_ids": []any{[]any{6, 0, []any{tags.IDs[0]}}}, "born": "1990-05-06"},
		Values{"name": "Bob", "age": 0, "kind": "b", "tag_ids": []any{[]any{4, tags.IDs[0], 0}, []any{4, tags.IDs[1], 0}}},
		Values{"name": "Cyd", "active": false}))
	bob := must[Records](t)(people.Search(Leaf("name", "=", "Bob"), SearchOptions{}))
	must[Records](t)(people.Create(Values{"name": "Dan", "parent_id": bob.ID()}))
	for _, tc := range []struct {
		d    Domain
		want string
	}{
		{nil, "Ann Bob Dan"},
		{Leaf("active", "in", []any{true, false}), "Ann Bob Cyd Dan"},
		{Leaf("name", "ilike", "AN"), "Ann Dan"},
		{Leaf("email", "=", false), "Bob Dan"},
		{Leaf("email", "not ilike", "x"), "Bob Dan"},
		{Leaf("tag_ids", "in", []any{tags.IDs[1]}), "Bob"},
		{Leaf("tag_ids", "=", false), "Dan"},
		{Leaf("tag_ids.name", "=", "x"), "Ann Bob"},
		{Leaf("tag_ids", "not in", []any{tags.IDs[1]}), "Ann Dan"},
		{Leaf("parent_id.name", "=", "Bob"), "Dan"},
		{Leaf("parent_id", "ilike", "bo"), "Dan"},
		{Leaf("child_ids.name", "=like", "D%"), "Bob"},
		{Domain{"|", []any{"name", "=", "Ann"}, "!", []any{"parent_id", "=", false}}, "Ann Dan"},
		{Leaf("age", "=", 0), "Bob Dan"},
		{Leaf("born", "<", "2000-01-01"), "Ann"},
		{Leaf("kind", "!=", "b"), "Ann Dan"},
		{Leaf("parent_id", "any", []any{[]any{"kind", "=", "b"}}), "Dan"},
	} {
		found, err := Search[person](e, tc.d, SearchOptions{})
		if err != nil {
			t.Errorf("%v: %v", tc.d, err)
			continue
		}
		var names []string
		for _, p := range found {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.d, got, tc.want)
		}
	}
	groups := must[[]Group](t)(people.ReadGroup(nil, []string{"kind", "born:month"}, []string{"age:sum"}, GroupOptions{}))
	if len(groups) != 3 || fmt.Sprint(groups[0].Keys, groups[0].Values, groups[0].Count) != "[a [1990-05-01 1990-06-01]] map[age:sum:30] 1" {
		t.Fatalf("%+v", groups)
	}
}

func TestRefusals(t *testing.T) {
	e := testEnv(t)
	people := e.Model("t.person")
	for name, tc := range map[string]struct {
		v    Values
		want string
	}{
		"required":  {Values{"age": 3}, "cannot be saved without: Name (name)"},
		"unknown":   {Values{"nam": "x"}, "Invalid field 'nam' in 't.person'"},
		"selection": {Values{"name": "x", "kind": "q"}, "Wrong value for t.person.kind: 'q'"},
		"email":     {Values{"name": "x", "email": "no"}, "must satisfy"},
		"check":     {Values{"name": "x", "age": -1}, "negative age"},
	} {
		err := e.Savepoint(func(e *Env) error { _, err := people.Create(tc.v); return err })
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must[Records](t)(people.Create(Values{"name": "Ann", "token": "s3cret"}))
	err := e.Savepoint(func(e *Env) error { _, err := people.Create(Values{"name": "Ann"}); return err })
	if err == nil || CodeOf(err) != CodeValidation || !strings.Contains(err.Error(), "cannot share a name") {
		t.Errorf("unique: %v", err)
	}
	ann := must[*person](t)(First[person](e, Leaf("name", "=", "Ann"), ""))
	rows := must[[][]string](t)(texts(e, "SELECT token FROM t_person WHERE id = ?", ann.ID))
	if ann.Token.Reveal() != "s3cret" || strings.Contains(rows[0][0], "s3cret") || fmt.Sprint(ann.Token) != "********" {
		t.Errorf("secret stored as %q", rows[0][0])
	}
	if _, err := people.Browse(ann.ID, 99999).Read("name"); CodeOf(err) != CodeMissing {
		t.Errorf("missing: %v", err)
	}
}

func TestDelegation(t *testing.T) {
	e := testEnv(t)
	emp := must[Records](t)(e.Model("t.employee").Create(Values{"name": "Eve", "badge": "7", "age": 40}))
	got := must[*employee](t)(Get[employee](e, emp.ID(), "person_id"))
	if got.Name != "Eve" || got.Person.Rec().Age != 40 {
		t.Fatalf("%+v", got)
	}
	if err := emp.Write(Values{"name": "Eva", "badge": "8"}); err != nil {
		t.Fatal(err)
	}
	found := must[Records](t)(e.Model("t.employee").Search(And(Leaf("name", "=", "Eva"), Leaf("age", ">", 39)), SearchOptions{Order: "age desc, name"}))
	if found.Len() != 1 {
		t.Fatal(found)
	}
}

func TestParentsOfManyRecordsAreStoredTogether(t *testing.T) {
	e := testEnv(t)
	given := &person{Name: "given", Active: true, Kind: "a", Age: 1}
	if err := Create(e, given); err != nil {
		t.Fatal(err)
	}
	count := func(from, n int) int {
		vals := []Values{{"person_id": given.ID, "badge": "x", "age": from}}
		for i := range n {
			vals = append(vals, Values{"name": fmt.Sprint("E", from+i), "badge": fmt.Sprint(from + i)})
		}
		before := e.Queries()
		rs := must[Records](t)(e.Model("t.employee").Create(vals...))
		sent := e.Queries() - before
		for i, row := range must[[]Values](t)(rs.Read("name", "badge", "age")) {
			if i == 0 && (row["name"] != "given" || row["age"] != int64(from)) || i > 0 && row["name"] != fmt.Sprint("E", row["badge"]) {
				t.Errorf("record %d: %v", i, row)
			}
		}
		return sent
	}
	if a, b := count(10, 2), count(20, 40); a != b {
		t.Errorf("2 records take %d statements, 40 take %d", a, b)
	}
}

func TestQueriesDoNotGrowWithRecords(t *testing.T) {
	e := testEnv(t)
	p := &person{Name: "P", Active: true, Kind: "a"}
	if err := Create(e, p); err != nil {
		t.Fatal(err)
	}
	count := func(n int) int {
		vals := make([]Values, n)
		for i := range vals {
			vals[i] = Values{"person_id": p.ID, "line_ids": []Command{CreateLine(Values{"qty": 1, "price": i})}}
		}
		rs := must[Records](t)(e.Model("t.order").Create(vals...))
		if err := e.Flush(); err != nil {
			t.Fatal(err)
		}
		before := e.Queries()
		must[[]Values](t)(rs.ReadWire([]string{"person_id", "line_ids", "total", "line_count", "email"}, true))
		return e.Queries() - before
	}
	if a, b := count(2), count(50); a != b {
		t.Fatalf("2 records took %d statements, 50 took %d", a, b)
	}
}

func TestCopy(t *testing.T) {
	e := testEnv(t)
	p := &person{Name: "P", Active: true, Kind: "a"}
	if err := Create(e, p); err != nil {
		t.Fatal(err)
	}
	rs := must[Records](t)(e.Model("t.order").Create(Values{"person_id": p.ID, "line_ids": []Command{CreateLine(Values{"qty": 2, "price": 5})}}))
	dup := must[Records](t)(rs.Copy(nil))
	o := must[*order](t)(Get[order](e, dup.ID(), "line_ids"))
	if o.Total.String() != "0" || len(o.Lines.All()) != 0 {
		t.Fatalf("one2many lines are copied only when asked for: %+v", o)
	}
}

// texts runs a query and returns its rows as texts, "" for NULL.
func texts(e *Env, query string, args ...any) (out [][]string, err error) {
	if err := e.Flush(); err != nil {
		return nil, err
	}
	err = e.each(sqlf(query, args...), func(row [][]byte) error {
		r := make([]string, len(row))
		for i, v := range row {
			r[i] = string(v)
		}
		out = append(out, r)
		return nil
	})
	return out, err
}
