package orm

import (
	"context"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

// guest and badge are handled by their facets, as addons do it.
type guest struct {
	Record   `orm:"t.guest"`
	Name     string                    `orm:"name,required"`
	Active   bool                      `orm:"active,default=true"`
	Seats    int                       `orm:"seats,default=4"`
	Luggage  int                       `orm:"luggage,default=0"`
	Budget   decimal.Decimal           `orm:"budget,digits=2"`
	Diet     string                    `orm:"diet,default=none"`
	Note     string                    `orm:"note"`
	Arrival  Date                      `orm:"arrival,default=today"`
	Host     Ref[guest]                `orm:"host_id"`
	Guests   Many[guest]               `orm:"guest_ids,inverse=host_id"`
	Badges   Many[badge]               `orm:"badge_ids"`
	Points   int                       `orm:"points,store"`
	Letters  Deferred[int]             `orm:"letters"`
	Greeter  Deferred[Ref[guest]]      `orm:"greeter_id"`
	Portrait Deferred[Binary]          `orm:"portrait"`
	Nickname Deferred[string]          `orm:"nickname"`
	HostDiet string                    `orm:"host_diet,related=host_id.diet"`
	Bags     Deferred[decimal.Decimal] `orm:"bags"`
}

type badge struct {
	Record `orm:"t.badge"`
	Name   string `orm:"name,required"`
}

func guestDB(t *testing.T) *DB {
	r := NewRegistry()
	r.Begin("t")
	Define[badge](r)
	d := Define[guest](r)
	d.Compute("points", func(_ *Env, gs []*guest) error {
		for _, g := range gs {
			g.Points = g.Seats * 10
		}
		return nil
	}, "seats")
	d.Compute("letters", func(_ *Env, gs []*guest) error {
		for _, g := range gs {
			for range g.Name {
				g.Letters.Set(g.Letters.Get() + 1)
			}
		}
		return nil
	}, "name")
	d.Compute("greeter_id", func(_ *Env, gs []*guest) error {
		for _, g := range gs {
			g.Greeter.Set(g.Host)
		}
		return nil
	}, "host_id")
	d.Compute("nickname", func(_ *Env, gs []*guest) error {
		for _, g := range gs {
			g.Nickname.Set(g.Note)
		}
		return nil
	}, "note")
	d.Inverse("nickname", func(env *Env, gs []*guest) error {
		for _, g := range gs {
			g.Note = g.Nickname.Get()
		}
		return Save(env, gs, "note")
	})
	d.Compute("bags", func(*Env, []*guest) error { return nil }, "luggage")
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	return testDBOf(t, r)
}

func guestEnv(t *testing.T) *Env {
	e := must[*Env](t)(guestDB(t).Begin(context.Background(), System()))
	t.Cleanup(e.Rollback)
	return e
}

// party stores a host with a guest, and gives the guest's id.
func party(t *testing.T, e *Env) int64 {
	made := must[Records](t)(e.Model("t.guest").Create(Values{"name": "Ann", "diet": "vegan", "guest_ids": []Command{CreateLine(Values{"name": "Bob", "note": "Bobby"})}}))
	return must[*guest](t)(Get[guest](e, made.ID(), "guest_ids")).Guests.IDs()[0]
}

// refused checks that an error names what is wrong and what to do about it.
func refused(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: the error does not name %q:\n%v", what, w, strings.SplitN(err.Error(), "\n", 2)[0])
		}
	}
}

// What was not loaded does not read as if it were empty: the unit of work fails and
// tells the field and the path to load it by.
func TestWhatWasNotLoadedIsToldAsAnError(t *testing.T) {
	t.Parallel()
	db := guestDB(t)
	for _, tc := range []struct {
		name  string
		paths []string
		look  func(g *guest)
		words []string
	}{
		{"computed without a column", nil, func(g *guest) { _ = g.Letters.Get() }, []string{"orm.guest.Letters", `"letters"`, "orm.Load"}},
		{"computed, another loaded", []string{"greeter_id"}, func(g *guest) { _ = g.Letters.Get() }, []string{"orm.guest.Letters", `"letters"`}},
		{"computed reference", nil, func(g *guest) { _ = g.Greeter.Get().ID }, []string{"orm.guest.Greeter", `"greeter_id"`}},
		{"content of a file", nil, func(g *guest) { _ = g.Portrait.Get() }, []string{"orm.guest.Portrait", `"portrait"`}},
		{"reference", nil, func(g *guest) { _ = g.Host.Rec() }, []string{"orm.guest.Host", `"host_id"`, "orm.Load"}},
		{"reference of what a path leads to", []string{"host_id"}, func(g *guest) { _ = g.Host.Rec().Badges.IDs() }, []string{"orm.guest.Badges", `"badge_ids"`}},
		{"ids of a list", nil, func(g *guest) { _ = g.Guests.IDs() }, []string{"orm.guest.Guests", `"guest_ids"`}},
		{"records of a list", nil, func(g *guest) { _ = g.Badges.All() }, []string{"orm.guest.Badges", `"badge_ids"`, "orm.Load"}},
		{"reference that code has set", nil, func(g *guest) { g.Host = RefTo[guest](7); _ = g.Host.Rec() }, []string{"orm.guest 7", "read the record again"}},
	} {
		err := db.Run(t.Context(), System(), func(e *Env) error {
			g, err := Get[guest](e, party(t, e), tc.paths...)
			if err == nil {
				tc.look(g)
			}
			return err
		})
		refused(t, tc.name, err, tc.words...)
	}
}

// A path loads deferred values and what they lead to, and without one they cost
// nothing.
func TestDeferredValuesAreLoadedByPaths(t *testing.T) {
	t.Parallel()
	e := guestEnv(t)
	id := party(t, e)
	g := must[*guest](t)(Get[guest](e, id, "letters", "greeter_id.letters", "bags"))
	if g.Letters.Get() != 3 || g.Greeter.Get().Rec().Letters.Get() != 3 || !g.Bags.Get().IsZero() || g.HostDiet != "vegan" {
		t.Errorf("%d letters, greeted by %+v, on a diet of %s", g.Letters.Get(), g.Greeter.Get(), g.HostDiet)
	}
	e.u.cache.invalidate()
	before := e.Queries()
	must[*guest](t)(Get[guest](e, id))
	if n := e.Queries() - before; n != 1 {
		t.Errorf("a read without paths took %d statements", n)
	}
}

// A facet cannot hold what no read gives it in a Go field that reads empty.
func TestFreezeWantsDeferredFields(t *testing.T) {
	type plain struct {
		Record `orm:"t.plain"`
		Name   string                `orm:"name"`
		Count  int                   `orm:"count"`
		Again  string                `orm:"again,related=name"`
		Photo  Binary                `orm:"photo"`
		Twice  Deferred[Many[badge]] `orm:"twice_ids"`
	}
	r := NewRegistry()
	r.Begin("t")
	Define[badge](r)
	Define[plain](r).Compute("count", func(*Env, []*plain) error { return nil }, "name")
	err := r.Freeze()
	refused(t, "plain fields", err, "orm.plain.Count", "orm.Deferred[int]", "orm.plain.Photo", "orm.Deferred[orm.Binary]", "orm.plain.Twice")
	if err != nil && strings.Contains(err.Error(), "plain.Again") {
		t.Errorf("a related value that every read gives is to be deferred: %v", err)
	}
}

// New fills the defaults in, and Create stores what then stands in the record: an
// empty value is one.
func TestNewRecordsAreStoredAsTheyStand(t *testing.T) {
	t.Parallel()
	e := guestEnv(t)
	g := must[*guest](t)(New[guest](e))
	if !g.Active || g.Seats != 4 || g.Diet != "none" || g.Arrival != e.Today() || g.ID != 0 || g.ModelName() != "" {
		t.Errorf("a new guest: %+v", g)
	}
	g.Name, g.Active, g.Seats, g.Diet, g.Arrival = "Ann", false, 0, "", Date{}
	if err := Create(e, g); err != nil {
		t.Fatal(err)
	}
	rows := must[[]Values](t)(RecordsOf(e, g).Read("active", "seats", "diet", "arrival", "points"))
	if v := rows[0]; v.Bool("active") || v.Int("seats") != 0 || v.IsSet("diet") || v.IsSet("arrival") || v.Int("points") != 0 {
		t.Errorf("stored: %v", v)
	}
	if g.ID == 0 || g.ModelName() != "t.guest" || g.Active || g.Points != 0 {
		t.Errorf("read back: %+v", g)
	}

	// What nobody changed is the default, and costs no statement more than values do.
	statements := func(create func()) int {
		create() // once before, for what is kept
		before := e.Queries()
		create()
		return e.Queries() - before
	}
	var kept *guest
	byFacet := statements(func() {
		kept = must[*guest](t)(New[guest](e))
		kept.Name = "Bob"
		if err := Create(e, kept); err != nil {
			t.Fatal(err)
		}
	})
	if !kept.Active || kept.Seats != 4 || kept.Diet != "none" || kept.Points != 40 {
		t.Errorf("with defaults: %+v", kept)
	}
	byValues := statements(func() {
		rs := must[Records](t)(e.Model("t.guest").Create(Values{"name": "Bob"}))
		must[*guest](t)(Get[guest](e, rs.ID()))
	})
	if byFacet != byValues {
		t.Errorf("New and Create take %d statements, Records.Create and Get %d", byFacet, byValues)
	}
	refused(t, "creating it again", Create(e, kept), "orm.guest", "Save")
}

// In a literal an empty field with a default may mean either, so it is refused; one
// that says everything is not.
func TestLiteralsMustNotLeaveDefaultsOpen(t *testing.T) {
	t.Parallel()
	e := guestEnv(t)
	err := Create(e, &guest{Name: "Ann", Seats: 2, Arrival: e.Today()})
	refused(t, "a literal", err, "orm.guest.Active (active)", "orm.guest.Diet (diet)", "orm.New")
	if err != nil && (strings.Contains(err.Error(), "Luggage") || strings.Contains(err.Error(), "Seats") || strings.Contains(err.Error(), "Note")) {
		t.Errorf("what cannot be mistaken is refused: %v", err)
	}
	g := &guest{Name: "Ann", Active: true, Seats: 2, Diet: "none", Arrival: e.Today()}
	if err := Create(e, g); err != nil || g.Points != 20 {
		t.Errorf("a whole literal: %+v, %v", g, err)
	}
}

// Save writes what changed, or what it is told, and loses nothing.
func TestSaveLosesNoChange(t *testing.T) {
	t.Parallel()
	e := guestEnv(t)
	id := party(t, e)
	stored := func() Values {
		return must[[]Values](t)(e.Model("t.guest").Browse(id).Read("note", "seats", "diet", "badge_ids", "active", "budget", "host_id"))[0]
	}
	g := must[*guest](t)(Get[guest](e, id))
	gs := []*guest{g}
	g.Note, g.Seats = "late", 2
	refused(t, "a changed field that is not named", Save(e, gs, "note"), "orm.guest", "orm.guest.Seats", `"seats"`)
	if v := stored(); v.Text("note") != "Bobby" {
		t.Errorf("the refused Save wrote %v", v)
	}
	if err := Save(e, gs, "note", "seats"); err != nil {
		t.Error(err)
	}
	g.Note, g.Budget = "early", decimal.NewFromInt(3)
	g.Badges.Do(CreateLine(Values{"name": "VIP"}))
	refused(t, "a list with something to do", Save(e, gs, "note", "budget"), "orm.guest.Badges", `"badge_ids"`)
	if err := Save(e, gs); err != nil {
		t.Fatal(err)
	}
	if v := stored(); v.Text("note") != "early" || v.Int("seats") != 2 || v.Decimal("budget").String() != "3" || len(v["badge_ids"].([]int64)) != 1 {
		t.Errorf("stored: %v", v)
	}

	// Nothing changed since, so nothing is written; neither are the commands repeated.
	before := e.Queries()
	if err := Save(e, gs); err != nil || e.Queries() != before {
		t.Errorf("%d statements, %v", e.Queries()-before, err)
	}
	g.Host = Ref[guest]{}
	refused(t, "a cleared reference", Save(e, gs, "note"), "orm.guest.Host")
	if err := Save(e, gs); err != nil || stored().ID("host_id") != 0 {
		t.Errorf("the host is still %v, %v", stored()["host_id"], err)
	}

	// A deferred value counts as changed when it was set, not when it was loaded.
	if err := Load(e, gs, "nickname", "letters"); err != nil {
		t.Fatal(err)
	}
	if err := Save(e, gs, "seats"); err != nil {
		t.Errorf("loaded, not changed: %v", err)
	}
	g.Nickname.Set("Bo")
	refused(t, "a set value", Save(e, gs, "seats"), "orm.guest.Nickname")
	if err := Save(e, gs); err != nil || stored().Text("note") != "Bo" {
		t.Errorf("the note is %v, %v", stored()["note"], err)
	}
	refused(t, "one that is not stored", Save(e, []*guest{{Name: "Eve"}}, "name"), "Create")
}

// Records that changed alike are written together, whatever was changed.
func TestSaveWritesEqualChangesTogether(t *testing.T) {
	t.Parallel()
	e := guestEnv(t)
	made := must[Records](t)(e.Model("t.guest").Create(Values{"name": "a"}, Values{"name": "b"}, Values{"name": "c"}))
	statements := func(fields ...string) int {
		gs := must[[]*guest](t)(Read[guest](e, made.IDs))
		for _, g := range gs {
			g.Note += "!"
			g.Budget = g.Budget.Add(decimal.NewFromInt(1))
		}
		before := e.Queries()
		if err := Save(e, gs, fields...); err != nil {
			t.Fatal(err)
		}
		return e.Queries() - before
	}
	if named, all := statements("note", "budget"), statements(); named != all || all != 1 {
		t.Errorf("%d statements with names, %d without", named, all)
	}
}
