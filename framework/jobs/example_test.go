package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

// A job is queued in the transaction of the change that asks for it, and worked
// once that is stored. What it stores goes through Finish, together with its
// completion: after a crash it is tried again, and nothing is done twice.
func Example() {
	err := ormtest.RunDB(func(db *orm.DB) error {
		ctx := context.Background()
		done := make(chan string)
		runner, err := jobs.Start(ctx, db, jobs.Config{Handlers: map[string]jobs.Handler{
			"greet": func(ctx context.Context, w *jobs.Work) error {
				var who string
				if err := json.Unmarshal(w.Payload, &who); err != nil {
					return jobs.Cancel(err) // trying again would not help
				}
				err := w.Finish(ctx, func(env *orm.Env) error {
					_, err := env.Model("test.note").Create(orm.Values{"name": "Hello, " + who})
					return err
				})
				done <- who
				return err
			},
		}})
		if err != nil {
			return err
		}
		err = db.Run(ctx, orm.System(), func(env *orm.Env) error {
			for range 2 { // a job of that key waits already: the second is none
				queued, err := jobs.Enqueue(env, jobs.Job{Name: "greet", Key: "ada", Payload: json.RawMessage(`"Ada"`)}, jobs.Options{})
				if err != nil {
					return err
				}
				fmt.Println("queued:", queued)
			}
			return nil
		})
		if err == nil {
			fmt.Println("worked for", <-done)
			err = db.View(ctx, orm.System(), func(env *orm.Env) error {
				rows, err := env.Model("test.note").Search(nil, orm.SearchOptions{})
				if err != nil {
					return err
				}
				name, err := rows.Value("name")
				fmt.Println(name)
				return err
			})
		}
		return errors.Join(err, runner.Stop(ctx))
	}, kernel.Addon(), notes())
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// queued: true
	// queued: false
	// worked for Ada
	// Hello, Ada
}
