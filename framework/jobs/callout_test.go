package jobs_test

import (
	"context"
	"testing"
	"time"

	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

type letter struct {
	orm.Record `orm:"test.letter" label:"Letter"`
	Answer     string `orm:"answer"`
}

var send = orm.Method[letter]{Name: "send"}

// A job that calls a method follows up what it leaves to be done outside.
func TestJobsThatCallOut(t *testing.T) {
	t.Parallel()
	var db *orm.DB
	db = ormtest.DB(t, kernel.Addon(), module.Addon{Name: "letters", Version: "1.0", Depends: []string{"base"}, Define: func(r *orm.Registry) {
		orm.Implement(orm.Define[letter](r), send, func(env *orm.Env, ls []*letter, _ orm.Args) (any, error) {
			return env.CallOut(&orm.CallOut{
				Title: "Sending",
				Do: func(ctx context.Context) error {
					if db.InUnit(ctx) {
						t.Error("a unit of work is open")
					}
					return nil
				},
				Then: func(env *orm.Env) (any, error) {
					return nil, orm.RecordsOf(env, ls...).Write(orm.Values{"answer": "yes"})
				},
			})
		})
	}})
	one := &letter{}
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		if err := orm.Create(env, one); err != nil {
			return err
		}
		_, err := jobs.Call(env, orm.RecordsOf(env, one), send.Name, "", jobs.Options{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	work(t, db, nil)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var done int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM river_job j JOIN test_letter l ON l.answer = 'yes' WHERE j.state = 'completed'").Scan(&done); err != nil {
			t.Fatal(err)
		}
		if done == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the job does not end")
		}
	}
}
