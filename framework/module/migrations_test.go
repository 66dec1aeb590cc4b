package module_test

import (
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

type (
	clubV1 struct {
		orm.Record `orm:"club.member" label:"Member"`
		Name       string `orm:"name" validate:"required"`
		Phone      string `orm:"phone"`
		Fee        string `orm:"fee"`
		Room       string `orm:"room"`
	}
	clubV2 struct {
		orm.Record `orm:"club.member" label:"Member"`
		Name       string `orm:"name" validate:"required"`
		Mobile     string `orm:"mobile" validate:"required"` // was phone
		Fee        int    `orm:"fee"`                        // was a text
	}
	clubHall struct {
		orm.Record `orm:"club.hall"`
		Name       string `orm:"name"`
	}
)

func club(version string, define func(*orm.Registry), files ...string) module.Addon {
	fsys := text(append(files, "d.xml", `<odoo><record id="m" model="club.member"><field name="name">Ida</field></record></odoo>`)...)
	return module.Addon{Name: "club", Version: version, Depends: []string{"base"}, Define: define, FS: fsys, Data: []string{"d.xml"}}
}

// TestMigrationScripts renames a column and changes a type by scripts; without
// them the upgrade is refused and changes nothing.
func TestMigrationScripts(t *testing.T) {
	t.Parallel()
	url := ormtest.URL(t)
	v1 := []module.Addon{kernel.Addon(), club("19.0.1.0.0", func(r *orm.Registry) { orm.Define[clubV1](r); orm.Define[clubHall](r) })}
	db := install(t, open(t, url, v1), v1, "club")
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		_, err := env.Exec(orm.SQL("UPDATE club_member SET phone = '0170', fee = '12 €', room = 'blue'"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	look := func() []string {
		return query(t, db, "SELECT * FROM (SELECT to_jsonb(m) - 'id' - 'create_date' - 'write_date' FROM club_member m) x")
	}
	before := look()
	define := func(r *orm.Registry) { orm.Define[clubV2](r) }

	bare := []module.Addon{kernel.Addon(), club("19.0.1.1.0", define)}
	_, err = module.Upgrade(t.Context(), open(t, url, bare), bare, []string{"club"}, module.Options{Logger: quiet()})
	if err == nil || err.Error() != "club.member.fee is character varying in the database but integer in the code; the addon club needs a migration for it" {
		t.Errorf("got %v", err)
	}
	same(t, "after a refused upgrade", look(), before)

	broken := []module.Addon{kernel.Addon(), club("19.0.1.1.0", define, "migrations/19.0.1.1.0/pre-10-rename.sql", "ALTER TABLE club_member RENAME phone TO mobile;", "migrations/19.0.1.1.0/pre-20.sql", "SELECT nothing")}
	_, err = module.Upgrade(t.Context(), open(t, url, broken), broken, []string{"club"}, module.Options{Logger: quiet()})
	if err == nil || !strings.HasPrefix(err.Error(), "migration of club to 19.0.1.1.0: club/migrations/19.0.1.1.0/pre-20.sql: ") {
		t.Errorf("got %v", err)
	}
	same(t, "after a failed migration", look(), before)

	var log strings.Builder
	v2 := []module.Addon{kernel.Addon(), club("19.0.1.1.0", define,
		"migrations/19.0.1.0.0/pre-old.sql", "SELECT nothing", // leads to what is there
		"migrations/19.0.1.1.0/pre-10-rename.sql", "ALTER TABLE club_member RENAME phone TO mobile;\n-- and\nALTER TABLE club_member RENAME fee TO fee_text;",
		"migrations/19.0.1.1.0/post-fee.sql", "UPDATE club_member SET fee = substring(fee_text FROM '[0-9]+')::int; ALTER TABLE club_member DROP COLUMN fee_text",
		"migrations/19.0.2.0.0/pre-new.sql", "SELECT nothing")}
	db, err = module.Upgrade(t.Context(), open(t, url, v2), v2, []string{"club"}, module.Options{Logger: logTo(&log)})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "after the migration", query(t, db, "SELECT name, mobile, fee, room FROM club_member"), []string{"Ida|0170|12|blue"})
	for _, want := range []string{"column club_member.room is no longer used", "column club_member.fee_text is no longer used", "table club_hall is no longer used"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not told:\n%s", want, &log)
		}
	}
	same(t, "the table of a model that is gone", query(t, db, "SELECT to_regclass('club_hall') IS NOT NULL"), []string{"t"})
}

func TestWrongMigrationScripts(t *testing.T) {
	t.Parallel()
	_, err := module.Graph([]module.Addon{kernel.Addon(), club("19.0.1.1.0", nil, "migrations/next/pre-a.sql", "", "migrations/19.0.1.1.0/a.sql", "", "migrations/19.0.1.1.0/pre-a.py", "", "migrations/19.0.1.1.0/post-a.sql", "")})
	if err == nil {
		t.Fatal("no mistake is found")
	}
	same(t, "mistakes", strings.Split(err.Error(), "\n"), []string{
		"club/migrations/19.0.1.1.0/a.sql: the name of a script begins with pre- or post-",
		"club/migrations/19.0.1.1.0/pre-a.py: scripts of migrations are written in SQL; what needs Go stands in the manifest's Migrations",
		"club/migrations/next: only folders named after a version belong into migrations/, as 19.0.1.1.0",
	})
}
