package module_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

func upgrade(t *testing.T, db *orm.DB, addons []module.Addon, names ...string) *orm.DB {
	t.Helper()
	out, err := module.Upgrade(t.Context(), db, addons, names, module.Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const stockV1 = `<odoo>
  <record id="shelf" model="lib.shelf"><field name="name">One</field>
    <field name="book_ids"><record model="lib.book"><field name="name">line</field></record></field>
  </record>
  <record id="old" model="lib.book"><field name="name">Old</field></record>
  <record id="kept" model="lib.book"><field name="name">Kept</field></record>
  <data noupdate="1">
    <record id="free" model="lib.book"><field name="name">Free</field></record>
    <record id="free_gone" model="lib.book"><field name="name">Free, no longer named</field></record>
  </data>
</odoo>`

const stockV2 = `<odoo>
  <record id="shelf" model="lib.shelf"><field name="name">Two</field>
    <field name="book_ids"><record model="lib.book"><field name="name">line</field></record></field>
  </record>
  <record id="kept" model="lib.book"><field name="name">Kept, renamed</field></record>
  <record id="fresh" model="lib.book"><field name="name">Fresh</field><field name="shelf_id" ref="shelf"/></record>
  <data noupdate="1">
    <record id="never" model="lib.book" forcecreate="0"><field name="name">Never</field></record>
    <record id="free" model="lib.book"><field name="name">Free, renamed by the addon</field></record>
    <record id="free_new" model="lib.book"><field name="name">Free and new</field></record>
  </data>
</odoo>`

func TestUpgrade(t *testing.T) {
	t.Parallel()
	v1 := library(text("d.xml", stockV1), "d.xml")
	url := ormtest.URL(t)
	old := []module.Addon{kernel.Addon(), v1}
	db := install(t, open(t, url, old), old, "lib")
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		rs, err := env.Ref("lib.free")
		if err != nil {
			return err
		}
		return rs.Write(orm.Values{"name": "Free, renamed by a user"})
	})
	if err != nil {
		t.Fatal(err)
	}

	var steps []string
	step := func(name string) func(*orm.Env) error {
		return func(env *orm.Env) error {
			steps = append(steps, name)
			_, err := env.Exec(orm.SQL("UPDATE lib_book SET name = name || '*' WHERE name = 'Kept'"))
			return err
		}
	}
	v2 := library(text("d.xml", stockV2), "d.xml")
	v2.Version = "19.0.1.2.0"
	v2.Migrations = []module.Migration{
		{Version: "19.0.1.10.0", Pre: step("too new")},
		{Version: "19.0.1.2.0", Pre: step("pre 1.2"), Post: step("post 1.2")},
		{Version: "19.0.1.1.0", Pre: step("pre 1.1")},
		{Version: "19.0.1.0.0", Pre: step("there already")},
	}
	now := []module.Addon{kernel.Addon(), v2}
	db = upgrade(t, open(t, url, now), now, "base") // lib depends on it
	same(t, "migrations", steps, []string{"pre 1.1", "pre 1.2", "post 1.2"})
	books := []string{"Free and new|", "Free, no longer named|", "Free, renamed by a user|", "Fresh|Two", "Kept, renamed|", "line|Two"}
	look := "SELECT b.name, s.name->>'en_US' FROM lib_book b LEFT JOIN lib_shelf s ON s.id = b.shelf_id ORDER BY 1"
	same(t, "books", query(t, db, look), books)
	same(t, "version", query(t, db, "SELECT latest_version FROM ir_module_module WHERE name = 'lib'"), []string{"19.0.1.2.0"})
	same(t, "external ids", query(t, db, "SELECT name FROM ir_model_data WHERE module = 'lib' AND model LIKE 'lib.%' ORDER BY 1"),
		[]string{"free", "free_gone", "free_new", "fresh", "kept", "shelf"})

	db = upgrade(t, db, now, "all")
	same(t, "books after a second upgrade", query(t, db, look), books)

	_, err = module.Upgrade(t.Context(), db, now, []string{"libb"}, module.Options{})
	if err == nil || err.Error() != `libb: is not installed; did you mean "lib"?` {
		t.Errorf("got %v", err)
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	t.Parallel()
	bad := library(text("d.xml", `<odoo><record id="s" model="lib.shelf"><field name="name">x</field></record>
<function model="lib.book" name="write" eval="[[999], {'name': 'x'}]"/></odoo>`), "d.xml")
	addons := []module.Addon{kernel.Addon(), bad}
	url := ormtest.URL(t)
	db := open(t, url, addons)
	_, err := module.Install(t.Context(), db, addons, []string{"lib"}, module.Options{Logger: quiet()})
	if err == nil || !strings.HasPrefix(err.Error(), "installing lib: lib/d.xml:2: function lib.book.write: ") {
		t.Fatalf("got %v", err)
	}
	db = open(t, url, addons) // the kernel is in, the failed addon is not
	same(t, "state", query(t, db, "SELECT name, state FROM ir_module_module ORDER BY 1"), []string{"base|installed", "lib|uninstalled"})
	same(t, "tables", query(t, db, "SELECT to_regclass('lib_shelf') IS NULL"), []string{"t"})

	bad.PostInit = func(*orm.Env) error { return errors.New("no") }
	bad.Data = nil
	_, err = module.Install(t.Context(), db, []module.Addon{kernel.Addon(), bad}, []string{"lib"}, module.Options{Logger: quiet()})
	if err == nil || err.Error() != "installing lib: after its data was loaded: no" {
		t.Errorf("got %v", err)
	}
	bad.PostInit = nil
	db = install(t, db, []module.Addon{kernel.Addon(), bad}, "lib")
	same(t, "books", query(t, db, "SELECT count(*) FROM lib_book"), []string{"0"})
}

func TestManyProcessesInstallOnce(t *testing.T) {
	t.Parallel()
	addons := []module.Addon{kernel.Addon(), library(text("d.xml", stockV1), "d.xml")}
	url := ormtest.URL(t)
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		db := open(t, url, addons)
		wg.Go(func() {
			_, errs[i] = module.Install(t.Context(), db, addons, []string{"lib"}, module.Options{Logger: quiet()})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	same(t, "books", query(t, open(t, url, addons), "SELECT count(*) FROM lib_book"), []string{"5"})
}

// magazines extends the library: a column, a table, a relation, a constraint.
func magazines() module.Addon {
	type shelfMore struct {
		orm.Record
		Kind      string         `orm:"magazine_kind" validate:"required"`
		Magazines orm.Many[book] `orm:"magazine_ids,rel=lib_shelf_magazine:shelf_id:book_id"`
	}
	type magazine struct {
		orm.Record `orm:"lib.magazine" label:"Magazine"`
		Name       string         `orm:"name"`
		ShelfID    orm.Ref[shelf] `orm:"shelf_id"`
	}
	return module.Addon{Name: "magazines", Version: "19.0.1.0.0", Depends: []string{"lib"}, Data: []string{"m.xml"},
		FS: text("m.xml", `<odoo>
			<record id="shelf" model="lib.shelf"><field name="name">Magazines</field><field name="magazine_kind">weekly</field></record>
			<record id="one" model="lib.magazine"><field name="name">One</field><field name="shelf_id" ref="shelf"/></record>
			<record id="lib.shelf" model="lib.shelf"><field name="magazine_kind">none</field></record>
		</odoo>`),
		Define: func(r *orm.Registry) {
			d := orm.Extend[shelfMore](r, "lib.shelf")
			d.Default("magazine_kind", func(*orm.Env) (any, error) { return "any", nil })
			d.Check("kind", "magazine_kind <> 'bad'", "Not this kind.")
			d.Check("numbered_"+strings.Repeat("very_", 12)+"well", "id > 0", "From 1 on.")
			orm.Define[magazine](r)
		}}
}

func TestUninstall(t *testing.T) {
	t.Parallel()
	addons := []module.Addon{kernel.Addon(), library(text("d.xml", stockV1), "d.xml"), magazines()}
	db := install(t, open(t, ormtest.URL(t), addons), addons, "lib")
	db = install(t, db, addons, "magazines") // its mandatory column meets rows
	shelves := "SELECT name->>'en_US' FROM lib_shelf ORDER BY 1"
	same(t, "shelves", query(t, db, "SELECT name->>'en_US', magazine_kind FROM lib_shelf ORDER BY 1"), []string{"Magazines|weekly", "One|none"})

	same(t, "a constraint with a long name", query(t, db, "SELECT count(*) FROM pg_constraint WHERE conname LIKE 'lib_shelf_numbered%'"), []string{"1"})

	_, err := module.Uninstall(t.Context(), db, addons, []string{"lib"}, module.Options{})
	if err == nil || err.Error() != "lib: cannot be uninstalled while magazines depends on it; uninstall magazines too" {
		t.Errorf("got %v", err)
	}
	_, err = module.Uninstall(t.Context(), db, addons, []string{"base", "lib", "magazines"}, module.Options{})
	if err == nil || !strings.Contains(err.Error(), "drop the database instead") {
		t.Errorf("got %v", err)
	}
	plan, err := module.PlanUninstall(t.Context(), db, addons, []string{"magazines"}, module.Options{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "plan", *plan, module.Removal{Addons: []string{"magazines"}, Models: []string{"lib.magazine"},
		Tables: []string{"lib_magazine", "lib_shelf_magazine"}, Columns: []string{"lib_shelf.magazine_kind"}, Records: 1})
	db, err = module.Uninstall(t.Context(), db, addons, []string{"magazines"}, module.Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "shelves", query(t, db, shelves), []string{"One"})
	same(t, "what is left", query(t, db, `SELECT (SELECT count(*) FROM ir_model_data WHERE module = 'magazines'),
		(SELECT count(*) FROM ir_model WHERE model = 'lib.magazine'), (SELECT count(*) FROM ir_model_fields WHERE name LIKE 'magazine%'),
		to_regclass('lib_magazine'), to_regclass('lib_shelf_magazine'),
		(SELECT count(*) FROM information_schema.columns WHERE table_name = 'lib_shelf' AND column_name = 'magazine_kind'),
		(SELECT count(*) FROM pg_constraint WHERE conname LIKE 'lib_shelf_numbered%'),
		(SELECT state FROM ir_module_module WHERE name = 'magazines')`), []string{"0|0|0|||0|0|uninstalled"})
	db = install(t, db, addons, "magazines")
	same(t, "shelves again", query(t, db, shelves), []string{"Magazines", "One"})
}
