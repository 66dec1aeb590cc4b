package base_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/filestore"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

type wizard struct {
	orm.Record `orm:"test.wizard,transient" label:"Wizard"`
	Name       string               `orm:"name"`
	Lines      orm.Many[wizardLine] `orm:"line_ids,inverse=wizard_id"`
}

type wizardLine struct {
	orm.Record `orm:"test.wizard.line,transient" label:"Wizard Line"`
	Wizard     orm.Ref[wizard] `orm:"wizard_id,ondelete=cascade"`
}

func TestAutoVacuum(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, base.Addon(), module.Addon{Name: "wizards", Version: "19.0.1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) {
		orm.Define[wizard](r)
		orm.Define[wizardLine](r)
	}})
	dir := t.TempDir()
	db.Blobs = filestore.Dir(dir)
	run := func(fn func(env *orm.Env) error) {
		t.Helper()
		if err := db.Run(t.Context(), orm.System(), fn); err != nil {
			t.Fatal(err)
		}
	}
	var used, dropped string
	run(func(env *orm.Env) error {
		if _, err := env.Model("test.wizard").Create(orm.Values{"name": "old", "line_ids": []orm.Command{orm.CreateLine(orm.Values{})}}, orm.Values{"name": "new"}); err != nil {
			return err
		}
		if _, err := env.Exec(orm.SQL("UPDATE test_wizard SET write_date = now() - interval '2 hours' WHERE name = 'old'")); err != nil {
			return err
		}
		for range 3 {
			if _, err := env.WithUser(2).Sudo().Model("res.users.log").Create(orm.Values{}); err != nil {
				return err
			}
		}
		for _, valid := range []time.Duration{-time.Hour, time.Hour} {
			if _, err := base.GenerateAPIKey(env.WithUser(2), "", "key", env.Now().Add(2*time.Hour)); err != nil {
				return err
			}
			if _, err := env.Exec(orm.SQL("UPDATE res_users_apikeys SET expiration_date = ? WHERE id = (SELECT max(id) FROM res_users_apikeys)", orm.DatetimeOf(env.Now().Add(valid)))); err != nil {
				return err
			}
		}
		files, err := env.Model("ir.attachment").Create(orm.Values{"name": "a", "raw": []byte("used")}, orm.Values{"name": "b", "raw": []byte("dropped")})
		if err != nil {
			return err
		}
		rows, err := files.Read("store_fname")
		if err != nil {
			return err
		}
		used, dropped = fmt.Sprint(rows[0]["store_fname"]), fmt.Sprint(rows[1]["store_fname"])
		return files.Browse(files.IDs[1]).Unlink()
	})
	then := time.Now().Add(-48 * time.Hour)
	for _, key := range []string{used, dropped} {
		if err := os.Chtimes(filepath.Join(dir, key[:2], key), then, then); err != nil {
			t.Fatal(err)
		}
	}
	run(func(env *orm.Env) error {
		cron, err := env.Ref("base.autovacuum_job")
		if err != nil {
			return err
		}
		rows, err := cron.Read("code", "model_name")
		if err != nil || rows[0]["code"] != "model._run_vacuum_cleaner()" {
			return fmt.Errorf("cron %v: %w", rows, err)
		}
		_, err = env.Model(rows[0]["model_name"].(string)).Do("_run_vacuum_cleaner", orm.Args{})
		return err
	})
	run(func(env *orm.Env) error {
		for query, want := range map[string]string{
			"SELECT string_agg(name, ',') FROM test_wizard":                                             "new",
			"SELECT count(*) FROM test_wizard_line":                                                     "0",
			"SELECT count(*) FROM res_users_log WHERE create_uid = 2":                                   "1",
			"SELECT count(*) FROM res_users_apikeys":                                                    "1",
			"SELECT count(*) FROM res_users_apikeys WHERE expiration_date > (now() AT TIME ZONE 'UTC')": "1",
		} {
			got, err := ormtest.Texts(env, query)
			if err != nil {
				return err
			}
			if got[0][0] != want {
				t.Errorf("%s: %s, want %s", query, got[0][0], want)
			}
		}
		return nil
	})
	if _, err := db.Blobs.Get(used); err != nil {
		t.Error(err)
	}
	if _, err := db.Blobs.Get(dropped); err == nil {
		t.Error("the file of a deleted attachment is kept")
	}
}

// Wizards go an hour after they were touched, or as parameters say; when there
// are too many, those older than five minutes go early.
func TestVacuumLimits(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, base.Addon(), module.Addon{Name: "wizards", Version: "19.0.1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) {
		orm.Define[wizard](r)
		orm.Define[wizardLine](r)
	}})
	for _, c := range []struct{ age, count, want string }{
		{"", "", "1,10,50"},
		{"0.5", "", "1,10"},
		{"0", "", "1,10,50,90"}, // never by age
		{"", "5", "1,10,50"},    // not too many
		{"", "3", "1,10,50"},    // the hour has made room
		{"", "2", "1"},
		{"0", "3", "1"},
	} {
		if _, err := env.Exec(orm.SQL("DELETE FROM test_wizard")); err != nil {
			t.Fatal(err)
		}
		for _, minutes := range []int{90, 50, 10, 1} {
			w := must[orm.Records](t)(env.Model("test.wizard").Create(orm.Values{"name": fmt.Sprint(minutes)}))
			if _, err := env.Exec(orm.SQL("UPDATE test_wizard SET write_date = ? WHERE id = ?", orm.DatetimeOf(env.Now().Add(-time.Duration(minutes)*time.Minute)), w.ID())); err != nil {
				t.Fatal(err)
			}
		}
		for key, value := range map[string]string{"base.transient_age_limit": c.age, "base.transient_count_limit": c.count} {
			if err := base.SetParam(env, key, value); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := env.Model("ir.autovacuum").Do("_run_vacuum_cleaner", orm.Args{}); err != nil {
			t.Fatal(err)
		}
		rows := must[[][]string](t)(ormtest.Texts(env, "SELECT string_agg(name, ',' ORDER BY name::int) FROM test_wizard"))
		if rows[0][0] != c.want {
			t.Errorf("age %q, count %q: %s are left, want %s", c.age, c.count, rows[0][0], c.want)
		}
	}
}
