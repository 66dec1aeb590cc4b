package jobs_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"fusionsoft.ca/fusion/framework/jobs"
)

// TestJobsOfAKilledProcess leaves jobs in the state a killed process leaves them
// in: the next runner works them at once, gives up one that had its last
// attempt, and does not touch those of a runner that lives.
func TestJobsOfAKilledProcess(t *testing.T) {
	t.Parallel()
	db := database(t)
	var held, worked atomic.Int32
	release := make(chan struct{})
	handlers := map[string]jobs.Handler{
		"held": func(ctx context.Context, w *jobs.Work) error {
			held.Add(1)
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil
		},
		"left": func(context.Context, *jobs.Work) error { worked.Add(1); return nil },
		"last": func(context.Context, *jobs.Work) error { worked.Add(100); return nil },
	}
	enqueue(t, db, jobs.Job{Name: "held"}, jobs.Options{})
	work(t, db, handlers)
	t.Cleanup(func() { close(release) }) // before the runners stop
	eventually(t, "the first runner works", func() bool { return held.Load() == 1 })

	enqueue(t, db, jobs.Job{Name: "left"}, jobs.Options{Queue: "elsewhere"}) // which nobody works
	enqueue(t, db, jobs.Job{Name: "last"}, jobs.Options{Queue: "elsewhere", MaxAttempts: 1})
	if _, err := db.ExecContext(t.Context(), `UPDATE river_job SET queue = 'default', state = 'running', attempt = 1, attempted_at = now(), attempted_by = '{"old","killed"}'
		WHERE queue = 'elsewhere'`); err != nil {
		t.Fatal(err)
	}
	work(t, db, handlers)
	eventually(t, "the job left behind is done", func() bool { return look(t, db, "left").State == "completed" })
	if r := look(t, db, "left"); worked.Load() != 1 || r.Attempt != 2 || !strings.Contains(r.Last, "ended while it worked") {
		t.Errorf("%+v, worked %d", r, worked.Load())
	}
	if r := look(t, db, "last"); r.State != "discarded" || r.Attempt != 1 || !strings.Contains(r.Last, "ended while it worked") {
		t.Errorf("%+v", r)
	}
	if r := look(t, db, "held"); r.State != "running" || r.Attempt != 1 || held.Load() != 1 {
		t.Errorf("a job of a living runner was taken: %+v, started %d times", r, held.Load())
	}
}

// TestJobsOfAProcessFoundDeadLater leaves a job behind while PostgreSQL still
// takes its process for alive; a runner that works all the time finds it when
// that is over, and its own jobs stay its own.
func TestJobsOfAProcessFoundDeadLater(t *testing.T) {
	t.Parallel()
	db := database(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "SELECT pg_advisory_lock(hashtextextended('fusion.jobs:dying', 0))"); err != nil {
		t.Fatal(err)
	}
	enqueue(t, db, jobs.Job{Name: "left"}, jobs.Options{Queue: "elsewhere"})
	if _, err := db.ExecContext(t.Context(), "UPDATE river_job SET queue = 'default', state = 'running', attempt = 1, attempted_at = now(), attempted_by = '{\"dying\"}'"); err != nil {
		t.Fatal(err)
	}
	var worked atomic.Int32
	own := make(chan struct{})
	work(t, db, map[string]jobs.Handler{
		"left": func(context.Context, *jobs.Work) error { worked.Add(1); return nil },
		"own":  func(context.Context, *jobs.Work) error { <-own; return nil },
	})
	enqueue(t, db, jobs.Job{Name: "own"}, jobs.Options{})
	eventually(t, "the runner works", func() bool { return look(t, db, "own").State == "running" })
	if worked.Load() != 0 {
		t.Error("the job of a living process was taken")
	}
	if _, err := conn.ExecContext(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job left behind is done", func() bool { return look(t, db, "left").State == "completed" })
	if r := look(t, db, "own"); r.State != "running" || r.Attempt != 1 {
		t.Errorf("the runner took its own job over: %+v", r)
	}
	close(own)
}
