package base_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func TestJobsAreRecords(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, base.Addon())
	runner, err := jobs.Start(t.Context(), db, jobs.Config{Handlers: map[string]jobs.Handler{"sync": func(context.Context, *jobs.Work) error {
		return errors.New("the store does not answer")
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var partner int64
	in := func(fn func(env *orm.Env) error) {
		t.Helper()
		if err := db.Run(t.Context(), orm.System(), fn); err != nil {
			t.Fatal(err)
		}
	}
	in(func(env *orm.Env) error {
		p, err := env.Model("res.partner").Create(orm.Values{"name": "Store"})
		if err != nil {
			return err
		}
		partner = p.ID()
		_, err = jobs.Enqueue(env, jobs.Job{Name: "sync", Title: "Synchronize Store", Key: "store", Model: "res.partner", IDs: p.IDs}, jobs.Options{})
		return err
	})
	var id int64
	for deadline := time.Now().Add(time.Minute); id == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		in(func(env *orm.Env) error {
			found, err := env.Model("ir.job").Search(orm.Leaf("state", "=", "retryable"), orm.SearchOptions{})
			id = found.ID()
			return err
		})
	}
	in(func(env *orm.Env) error {
		rows, err := env.Model("ir.job").Browse(id).ReadWire([]string{"name", "handler", "key", "res_model", "res_id", "attempt", "error_count", "last_error", "user_id"}, true)
		if err != nil {
			return err
		}
		r := rows[0]
		if r["name"] != "Synchronize Store" || r["handler"] != "sync" || r["key"] != "store" || r["res_model"] != "res.partner" || r["res_id"] != partner ||
			r["attempt"] != int64(1) || r["error_count"] != int64(1) || r["last_error"] != "the store does not answer" {
			t.Errorf("%v", r)
		}
		open, err := env.Model("ir.job").Browse(id).Call("action_open_record", orm.Args{})
		if err != nil {
			return err
		}
		if a := open.(map[string]any); a["res_model"] != "res.partner" || a["res_id"] != partner {
			t.Errorf("opens %v", a)
		}
		_, err = env.Model("ir.job").Browse(id).Call("action_cancel", orm.Args{})
		return err
	})
	in(func(env *orm.Env) error {
		job := env.Model("ir.job").Browse(id)
		if state, err := job.Value("state"); err != nil || state != "cancelled" {
			t.Errorf("state %v, %v", state, err)
		}
		if _, err := job.Call("action_cancel", orm.Args{}); !orm.IsCode(err, orm.CodeUser) {
			t.Errorf("cancelled twice: %v", err)
		}
		if err := job.Write(orm.Values{"state": "completed"}); !orm.IsCode(err, orm.CodeUser) {
			t.Errorf("a job was written: %v", err)
		}
		_, err := job.Call("action_retry", orm.Args{})
		return err
	})
	in(func(env *orm.Env) error {
		// Nobody but administrators sees them.
		users, err := env.Model("res.users").Create(orm.Values{"name": "Plain", "login": "plain"})
		if err != nil {
			return err
		}
		plain := env.WithUser(users.ID())
		if _, err := plain.Model("ir.job").Search(nil, orm.SearchOptions{}); !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("a plain user searches jobs: %v", err)
		}
		return nil
	})
}
