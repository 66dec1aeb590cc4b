// Package cron runs scheduled actions (ir.cron). Any number of processes may
// tick: a due cron is taken by one of them, which moves its next call on by
// whole intervals and queues a job, both in one transaction. The job calls the
// cron's method. It stands on orm, jobs and expr.
package cron

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
)

// JobName is the name of the jobs a cron queues.
const JobName = "cron"

// maxFailures in a row, over at least minFailing, switch a cron off.
const (
	maxFailures = 5
	minFailing  = 7 * 24 * time.Hour
)

// Interval is how often a cron runs.
type Interval struct {
	Number int
	Unit   string // minutes, hours, days, weeks, months
}

// Next is when a cron that was due at a time is due again after now: whole
// intervals later, so that the schedule never drifts. Days and longer are
// counted in the calendar of loc, whose summer time keeps the hour of the day;
// the 31st becomes the last day of a shorter month.
func (i Interval) Next(due, now time.Time, loc *time.Location) time.Time {
	n := max(i.Number, 1)
	local := due.In(loc)
	step := func(k int) time.Time {
		switch i.Unit {
		case "minutes":
			return due.Add(time.Duration(k*n) * time.Minute)
		case "hours":
			return due.Add(time.Duration(k*n) * time.Hour)
		case "days":
			return local.AddDate(0, 0, k*n)
		case "weeks":
			return local.AddDate(0, 0, 7*k*n)
		}
		first := time.Date(local.Year(), local.Month()+time.Month(k*n), 1, local.Hour(), local.Minute(), local.Second(), 0, loc)
		return first.AddDate(0, 0, min(local.Day(), first.AddDate(0, 1, -1).Day())-1)
	}
	k := 1
	if span := step(1).Sub(due); now.After(due) {
		k = max(1, int(now.Sub(due)/span)-1)
	}
	for !step(k).After(now) {
		k++
	}
	return step(k).UTC()
}

// Tick queues the jobs of all crons that are due and returns their number.
func Tick(ctx context.Context, db *orm.DB) (int, error) {
	n := 0
	err := db.Run(ctx, orm.System(), func(env *orm.Env) error {
		n = 0
		if _, ok := env.Registry().Model("ir.cron"); !ok {
			return nil
		}
		type cron struct {
			ID             int64
			Name           string
			Nextcall       orm.Datetime
			IntervalNumber int
			IntervalType   string
		}
		due, err := orm.Rows[cron](env, orm.SQL(`SELECT id, name, nextcall, interval_number, interval_type FROM ir_cron
			WHERE active AND nextcall <= ? ORDER BY priority, nextcall, id FOR UPDATE SKIP LOCKED`, orm.DatetimeOf(env.Now())).Reads("ir.cron"))
		if err != nil {
			return err
		}
		for _, c := range due {
			next := Interval{Number: c.IntervalNumber, Unit: c.IntervalType}.Next(c.Nextcall.Time(), env.Now(), env.Location())
			if _, err := env.Exec(orm.SQL("UPDATE ir_cron SET nextcall = ? WHERE id = ?", orm.DatetimeOf(next), c.ID).Writes("ir.cron", "nextcall")); err != nil {
				return err
			}
			queued, err := Queue(env, c.ID, c.Name)
			if err != nil {
				return err
			}
			if queued {
				n++
			} else {
				env.Log().Info("cron is still running from its last call", "cron", c.Name)
			}
		}
		return nil
	})
	return n, err
}

// Queue queues one run of a cron; false when one is queued or running already.
func Queue(env *orm.Env, id int64, name string) (bool, error) {
	payload, err := json.Marshal(id)
	if err != nil {
		return false, err
	}
	return jobs.Enqueue(env, jobs.Job{Name: JobName, Key: fmt.Sprintf("cron:%d", id), Title: "Scheduled: " + name, Model: "ir.cron", IDs: []int64{id}, Payload: payload},
		jobs.Options{MaxAttempts: 1})
}

// Run works a cron's job: it calls `model._method()` as the cron's user and
// records success or failure. Repeated failures switch the cron off.
func Run(ctx context.Context, w *jobs.Work) error {
	var id int64
	if err := json.Unmarshal(w.Payload, &id); err != nil {
		return jobs.Cancel(err)
	}
	var code, model string
	var uid int64
	err := w.DB.View(ctx, orm.System(), func(env *orm.Env) error {
		rows, err := env.Model("ir.cron").Browse(id).Read("code", "model_name", "user_id")
		if err != nil {
			return err
		}
		code, _ = rows[0]["code"].(string)
		model, _ = rows[0]["model_name"].(string)
		uid, _ = rows[0]["user_id"].(int64)
		return nil
	})
	if orm.IsCode(err, orm.CodeMissing) {
		return nil // deleted since
	}
	if err != nil {
		return err
	}
	call, err := expr.ParseCall(code)
	if err == nil {
		w.UID = uid
		err = w.Call(ctx, func(env *orm.Env) (any, error) {
			rs, err := env.Lookup(model)
			if err != nil {
				return nil, err
			}
			return rs.Do(call.Method, orm.Args{Pos: call.Args})
		}, func(env *orm.Env) error {
			_, err := env.Exec(orm.SQL("UPDATE ir_cron SET lastcall = ?, failure_count = 0, first_failure_date = NULL, last_error = NULL WHERE id = ?", orm.DatetimeOf(env.Now()), id).
				Writes("ir.cron", "lastcall", "failure_count", "first_failure_date", "last_error"))
			return err
		})
	}
	if err == nil {
		return nil
	}
	if rerr := failed(context.WithoutCancel(ctx), w.DB, id, err); rerr != nil {
		w.DB.Logger.Error("failure of a cron cannot be recorded", "cron", id, "error", rerr.Error())
	}
	return err
}

// notifyAdmin is the hook of ir.cron that tells administrators what they
// should know.
const notifyAdmin = "_notify_admin"

// failed counts a failure and switches the cron off after too many.
func failed(ctx context.Context, db *orm.DB, id int64, cause error) error {
	return db.Run(ctx, orm.System(), func(env *orm.Env) error {
		now, since := orm.DatetimeOf(env.Now()), orm.DatetimeOf(env.Now().Add(-minFailing))
		type outcome struct {
			Name         string
			FailureCount int
			SwitchedOff  bool
		}
		cron, there, err := orm.MaybeRow[outcome](env, orm.SQL(`WITH old AS (SELECT id, active FROM ir_cron WHERE id = ? FOR UPDATE)
			UPDATE ir_cron c SET lastcall = ?, failure_count = COALESCE(failure_count, 0) + 1, last_error = ?,
			first_failure_date = COALESCE(first_failure_date, ?),
			active = c.active AND NOT (COALESCE(failure_count, 0) + 1 >= ? AND COALESCE(first_failure_date, ?) <= ?)
			FROM old WHERE c.id = old.id RETURNING c.name, c.failure_count, old.active AND NOT c.active AS switched_off`, id, now, cause.Error(), now, maxFailures, now, since).
			Writes("ir.cron", "lastcall", "failure_count", "last_error", "first_failure_date", "active"))
		if err != nil || !there || !cron.SwitchedOff {
			return err
		}
		crons := env.Model("ir.cron")
		if !crons.Model.HasMethod(notifyAdmin) {
			return nil
		}
		message := fmt.Sprintf("The scheduled action “%s” has been switched off: it failed %d times in a row, for more than a week. The last error was: %s", cron.Name, cron.FailureCount, cause)
		err = env.Savepoint(func(env *orm.Env) error {
			_, err := crons.In(env).Do(notifyAdmin, orm.Args{Pos: []any{message}})
			return err
		})
		if err != nil {
			env.Log().Error("administrators cannot be told", "message", message, "error", err.Error())
		}
		return nil
	})
}

// Loop ticks until ctx ends.
func Loop(ctx context.Context, db *orm.DB, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		if _, err := Tick(ctx, db); err != nil && ctx.Err() == nil {
			db.Logger.Error("crons cannot be scheduled", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
