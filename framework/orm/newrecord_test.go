package orm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// formOf shows an order with its lines as a form does.
func formOf(t *testing.T, rs Records) string {
	t.Helper()
	rows, err := rs.Read("name", "person_id", "total", "line_count", "email", "line_ids", "display_name")
	if err != nil {
		t.Fatal(err)
	}
	r := rows[0]
	ids, _ := r["line_ids"].([]int64)
	lines, err := rs.Env.Model("t.line").Browse(ids...).Read("qty", "price", "subtotal", "sequence")
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, l := range lines {
		parts = append(parts, fmt.Sprintf("%v×%v=%v", l["qty"], l["price"], l["subtotal"]))
	}
	return fmt.Sprintf("%v %v %v %v [%s] = %v", r["display_name"], r["name"], r["email"], r["line_count"], strings.Join(parts, " "), r["total"])
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// readOnly makes the database refuse whatever a test stores from here on.
func readOnly(t *testing.T, env *Env) {
	t.Helper()
	if err := env.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := env.Exec(SQL("SET TRANSACTION READ ONLY").NoModels()); err != nil {
		t.Fatal(err)
	}
}

func TestANewRecordIsComputedInMemory(t *testing.T) {
	t.Parallel()
	err := testDB(t).Run(t.Context(), System(), func(env *Env) error {
		ann, err := env.Model("t.person").Create(Values{"name": "Ann", "email": "ann@example.com"})
		if err != nil {
			return err
		}
		readOnly(t, env)
		o, err := env.Model("t.order").New(Values{"person_id": ann.ID(), "line_ids": []Command{
			CreateLine(Values{"qty": 2, "price": "1.25"}), CreateLine(Values{"qty": 3, "price": 10})}})
		if err != nil {
			return err
		}
		if o.ID() >= 0 || o.Origin() != 0 {
			t.Errorf("id %d, origin %d", o.ID(), o.Origin())
		}
		if got, want := formOf(t, o), "New New ann@example.com 2 [2×1.25=2.5 3×10=30] = 32.5"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		lines := must[[]Values](t)(o.Read("line_ids"))[0]["line_ids"].([]int64)
		if err := env.Model("t.line").Browse(lines[1]).Assign(Values{"qty": 1}); err != nil {
			return err
		}
		if err := o.Write(Values{"line_ids": []Command{DeleteLine(lines[0]), CreateLine(Values{"qty": 1, "price": 5})}, "name": "S1"}); err != nil {
			return err
		}
		if got, want := formOf(t, o), "S1 S1 ann@example.com 2 [1×10=10 1×5=5] = 15"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		// As facets, too, and with values set by hand that are not stored.
		x := must[*order](t)(Get[order](env, o.ID(), "person_id", "line_ids.order_id", "line_count"))
		if x.Person.Rec().Name != "Ann" || x.Count.Get() != 2 || x.Lines.All()[1].Order.Rec().ID != x.ID || !x.Total.Equal(dec("15")) {
			t.Errorf("as a facet: %+v", x)
		}
		return o.Assign(Values{"person_id": nil})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFormOfAStoredRecord(t *testing.T) {
	t.Parallel()
	err := testDB(t).Run(t.Context(), System(), func(env *Env) error {
		ann := must[Records](t)(env.Model("t.person").Create(Values{"name": "Ann", "email": "ann@example.com"}))
		bob := must[Records](t)(env.Model("t.person").Create(Values{"name": "Bob", "email": "bob@example.com", "parent_id": ann.ID()}))
		o := must[Records](t)(env.Model("t.order").Create(Values{"name": "S7", "person_id": ann.ID(), "line_ids": []Command{
			CreateLine(Values{"qty": 2, "price": 4, "sequence": 2}), CreateLine(Values{"qty": 1, "price": 1, "sequence": 1})}}))
		stored := formOf(t, o)
		lines := must[[]Values](t)(o.Read("line_ids"))[0]["line_ids"].([]int64)
		readOnly(t, env)
		form := must[Records](t)(o.New(nil))
		if got := formOf(t, form); got != stored {
			t.Errorf("nothing typed: %s, stored is %s", got, stored)
		}
		if form.Origin() != o.ID() {
			t.Errorf("origin %d, want %d", form.Origin(), o.ID())
		}
		err := form.Assign(Values{"person_id": bob.ID(), "line_ids": []Command{UpdateLine(lines[0], Values{"qty": 5}), CreateLine(Values{"qty": 1, "price": 100})}})
		if err != nil {
			return err
		}
		if got, want := formOf(t, form), "S7 S7 bob@example.com 3 [5×1=5 2×4=8 1×100=100] = 113"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if err := form.Assign(Values{"line_ids": []Command{SetIDs(lines[1])}}); err != nil {
			return err
		}
		if got, want := formOf(t, form), "S7 S7 bob@example.com 1 [2×4=8] = 8"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := formOf(t, o); got != stored {
			t.Errorf("the stored record is %s, was %s", got, stored)
		}
		// Two forms of one record do not know of each other.
		if got := formOf(t, must[Records](t)(o.New(nil))); got != stored {
			t.Errorf("a second form: %s", got)
		}
		// A change above is followed down as far as forms go.
		top := must[Records](t)(ann.New(Values{"name": "Anna"}))
		low := must[Records](t)(bob.New(Values{"parent_id": top.ID()}))
		if got := must[any](t)(low.Value("full_name")); got != "Anna / Bob" {
			t.Errorf("full name %v", got)
		}
		if err := top.Assign(Values{"name": "Anne"}); err != nil {
			return err
		}
		if got := must[any](t)(low.Value("full_name")); got != "Anne / Bob" {
			t.Errorf("full name %v", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLinksAndParentsOfNewRecords(t *testing.T) {
	t.Parallel()
	err := testDB(t).Run(t.Context(), System(), func(env *Env) error {
		tags := must[Records](t)(env.Model("t.tag").Create(Values{"name": "a"}, Values{"name": "b"}, Values{"name": "c"}))
		ann := must[Records](t)(env.Model("t.person").Create(Values{"name": "Ann", "tag_ids": []Command{SetIDs(tags.IDs[0], tags.IDs[1])}}))
		worker := must[Records](t)(env.Model("t.employee").Create(Values{"person_id": ann.ID(), "badge": "7"}))
		readOnly(t, env)
		form := must[Records](t)(ann.New(Values{"tag_ids": []Command{{Op: CmdUnlink, ID: tags.IDs[0]}, Link(tags.IDs[2])}}))
		if got := must[any](t)(form.Value("tag_ids")).([]int64); !slices.Equal(got, tags.IDs[1:]) {
			t.Errorf("tags %v, want %v", got, tags.IDs[1:])
		}
		if got := must[any](t)(ann.Value("tag_ids")).([]int64); !slices.Equal(got, tags.IDs[:2]) {
			t.Errorf("stored tags %v", got)
		}
		// What a record delegates is of its parent, in memory too.
		edited := must[Records](t)(worker.New(Values{"email": "ann@example.com"}))
		row := must[[]Values](t)(edited.Read("email", "full_name", "badge", "kind"))[0]
		if row["email"] != "ann@example.com" || row["full_name"] != "Ann" || row["badge"] != "7" || row["kind"] != "a" {
			t.Errorf("an employee in a form: %v", row)
		}
		if v := must[any](t)(ann.Value("email")); v != nil {
			t.Errorf("the person has the e-mail %v", v)
		}
		made := must[Records](t)(env.Model("t.employee").New(Values{"email": "new@example.com"}))
		row = must[[]Values](t)(made.Read("email", "kind", "active"))[0]
		if row["email"] != "new@example.com" || row["kind"] != "a" || row["active"] != true {
			t.Errorf("a new employee: %v", row)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConditionsInMemory(t *testing.T) {
	t.Parallel()
	err := testDB(t).Run(t.Context(), System(), func(env *Env) error {
		a := must[Records](t)(env.Model("t.person").New(Values{"name": "A", "age": 3, "kind": "a"}))
		b := must[Records](t)(env.Model("t.person").New(Values{"name": "B", "kind": "b", "active": false}))
		both := a.Browse(a.ID(), b.ID())
		for _, c := range []struct {
			d    Domain
			want []int64
		}{
			{nil, both.IDs},
			{Leaf("kind", "=", "a"), a.IDs},
			{Leaf("kind", "!=", "a"), b.IDs},
			{Leaf("kind", "in", []any{"a", "b"}), both.IDs},
			{Leaf("kind", "not in", []any{"a"}), b.IDs},
			{Leaf("email", "=", false), both.IDs},
			{Leaf("active", "=", true), a.IDs},
			{And(Leaf("age", "=", 3), Not(Leaf("kind", "=", "b"))), a.IDs},
			{Or(Leaf("age", "=", 3), Leaf("kind", "=", "b")), both.IDs},
		} {
			if got, err := both.matching(c.d); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v: %v (%v), want %v", c.d, got, err, c.want)
			}
		}
		for _, d := range []Domain{Leaf("age", ">", 1), Leaf("tag_ids", "=", 1), Leaf("parent_id.name", "=", "x")} {
			if _, err := both.matching(d); err == nil {
				t.Errorf("%v was evaluated", d)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An id below 0 that no record in memory has is of none, whoever asks.
func TestIDsBelowZeroAreOfNobody(t *testing.T) {
	t.Parallel()
	err := testDB(t).Run(t.Context(), System(), func(env *Env) error {
		for _, made := range []bool{false, true} {
			if made { // others in memory change nothing of it
				must[Records](t)(env.Model("t.person").New(Values{"name": "A"}))
			}
			nobody := env.Model("t.person").Browse(-7)
			if _, err := nobody.Read("name"); !IsCode(err, CodeMissing) {
				t.Errorf("read: %v", err)
			}
			if err := nobody.Write(Values{"name": "B"}); !IsCode(err, CodeMissing) {
				t.Errorf("write: %v", err)
			}
			if rs, err := nobody.Allowed(OpWrite); err != nil || rs.Len() != 0 {
				t.Errorf("allowed: %v (%v)", rs, err)
			}
			if rs, err := nobody.Exists(); err != nil || rs.Len() != 0 {
				t.Errorf("exists: %v (%v)", rs, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
