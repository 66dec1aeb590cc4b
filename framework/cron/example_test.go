package cron_test

import (
	"context"
	"fmt"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/cron"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// The next call is whole intervals after the one that was due, in the calendar
// of the company: the day a month has no 31st for is its last.
func ExampleInterval_Next() {
	due := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	late := due.Add(90 * time.Minute)
	for _, i := range []cron.Interval{{20, "minutes"}, {1, "days"}, {1, "months"}} {
		fmt.Println(i.Next(due, late, time.UTC).Format("2006-01-02 15:04"))
	}
	// Output:
	// 2026-01-31 09:40
	// 2026-02-01 08:00
	// 2026-02-28 08:00
}

// A scheduled action is a record of ir.cron, most often from a data file of an
// addon. Tick, which Loop calls again and again, queues a job for each that is
// due; a program's runner works it with Run.
func ExampleTick() {
	err := ormtest.RunDB(func(db *orm.DB) error {
		ctx := context.Background()
		err := db.Run(ctx, orm.System(), func(env *orm.Env) error {
			if _, err := env.Exec(orm.SQL("UPDATE ir_cron SET active = false")); err != nil { // those of base
				return err
			}
			model, err := env.Ref("clocks.model_test_clock")
			if err != nil {
				return err
			}
			_, err = env.Model("ir.cron").Create(orm.Values{"name": "Wind the clock", "model_id": model.ID(), "code": "model._tick()",
				"interval_number": 1, "interval_type": "days", "nextcall": "2026-01-01 06:00:00"})
			return err
		})
		if err != nil {
			return err
		}
		for range 2 { // the second time nothing is due
			n, err := cron.Tick(ctx, db)
			if err != nil {
				return err
			}
			fmt.Println(n, "queued")
		}
		return nil
	}, base.Addon(), clocks())
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 1 queued
	// 0 queued
}
