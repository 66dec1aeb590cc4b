package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

type note struct {
	orm.Record `orm:"test.note" label:"Note"`
	Name       string `orm:"name" validate:"required"`
	Done       int    `orm:"done"`
}

var mark = orm.Method[note]{Name: "mark"}

func notes() module.Addon {
	return module.Addon{Name: "notes", Version: "19.0.1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) {
		d := orm.Define[note](r)
		orm.Implement(d, mark, func(env *orm.Env, recs []*note, args orm.Args) (any, error) {
			for _, n := range recs {
				n.Done += int(args.Int(0, "by"))
			}
			return nil, orm.Save(env, recs, "done")
		})
	}}
}

func database(t *testing.T) *orm.DB {
	t.Helper()
	return ormtest.DB(t, kernel.Addon(), notes())
}

// work starts a runner that ends with the test.
func work(t *testing.T, db *orm.DB, handlers map[string]jobs.Handler) {
	t.Helper()
	r, err := jobs.Start(t.Context(), db, jobs.Config{Handlers: handlers, Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func run(t *testing.T, db *orm.DB, fn func(*orm.Env) error) {
	t.Helper()
	if err := db.Run(t.Context(), orm.System(), fn); err != nil {
		t.Fatal(err)
	}
}

func enqueue(t *testing.T, db *orm.DB, job jobs.Job, o jobs.Options) (queued bool) {
	t.Helper()
	run(t, db, func(env *orm.Env) (err error) {
		queued, err = jobs.Enqueue(env, job, o)
		return err
	})
	return queued
}

// row is what the table says of the only job of a name.
type row struct {
	ID      int64
	State   string
	Attempt int
	Errors  int
	Last    string
}

func look(t *testing.T, db *orm.DB, name string) row {
	t.Helper()
	var r row
	err := db.QueryRowContext(t.Context(), `SELECT id, state::text, attempt, COALESCE(array_length(errors, 1), 0), COALESCE(errors[array_upper(errors, 1)]->>'error', '')
		FROM river_job WHERE args->>'name' = ?`, name).Scan(&r.ID, &r.State, &r.Attempt, &r.Errors, &r.Last)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// eventually waits for a state of affairs that needs no certain time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestJobExistsWithItsTransactionOnly(t *testing.T) {
	t.Parallel()
	db := database(t)
	undo := errors.New("undo")
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		if _, err := jobs.Enqueue(env, jobs.Job{Name: "x"}, jobs.Options{}); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM river_job").Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d jobs after a rollback, %v", n, err)
	}
	enqueue(t, db, jobs.Job{Name: "x"}, jobs.Options{})
	if r := look(t, db, "x"); r.State != "available" {
		t.Fatalf("%+v", r)
	}
}

func TestOneJobOfAKey(t *testing.T) {
	t.Parallel()
	db := database(t)
	if !enqueue(t, db, jobs.Job{Name: "sync", Key: "store:1"}, jobs.Options{}) {
		t.Fatal("the first was not queued")
	}
	if enqueue(t, db, jobs.Job{Name: "sync", Key: "store:1", Title: "another title"}, jobs.Options{}) {
		t.Fatal("a second of the same key was queued")
	}
	if !enqueue(t, db, jobs.Job{Name: "sync", Key: "store:2"}, jobs.Options{}) || !enqueue(t, db, jobs.Job{Name: "other", Key: "store:1"}, jobs.Options{}) {
		t.Fatal("another key, or another kind of the same key, was not queued")
	}
	var done atomic.Int32
	work(t, db, map[string]jobs.Handler{"sync": func(context.Context, *jobs.Work) error { done.Add(1); return nil },
		"other": func(context.Context, *jobs.Work) error { return nil }})
	eventually(t, "both are worked", func() bool { return done.Load() == 2 })
	eventually(t, "the key is free again", func() bool {
		return enqueue(t, db, jobs.Job{Name: "sync", Key: "store:1"}, jobs.Options{})
	})
}

// A job that coalesces is covered by one that is about to start, and not by one that runs.
func TestCoalescedJobs(t *testing.T) {
	t.Parallel()
	db := database(t)
	job := jobs.Job{Name: "look", Key: "order:1"}
	coalesce := jobs.Options{Coalesce: true}
	if !enqueue(t, db, job, coalesce) || enqueue(t, db, job, coalesce) {
		t.Fatal("not one of two jobs of a key was queued")
	}
	if !enqueue(t, db, jobs.Job{Name: "look", Key: "order:2"}, coalesce) {
		t.Fatal("one of another key was not queued")
	}
	began, goOn := make(chan struct{}, 3), make(chan struct{})
	work(t, db, map[string]jobs.Handler{"look": func(context.Context, *jobs.Work) error {
		began <- struct{}{}
		<-goOn
		return nil
	}})
	<-began
	<-began
	if !enqueue(t, db, job, coalesce) {
		t.Error("none was queued while one runs")
	}
	close(goOn)
	<-began
}

func TestCallActsAsTheUserOnce(t *testing.T) {
	t.Parallel()
	db := database(t)
	var id int64
	run(t, db, func(env *orm.Env) error {
		made, err := env.Model("test.note").Create(orm.Values{"name": "n"})
		if err != nil {
			return err
		}
		id = made.ID()
		_, err = jobs.Call(env, made, "mark", "", jobs.Options{}, 5)
		return err
	})
	work(t, db, nil)
	work(t, db, nil) // a second process
	eventually(t, "the note is marked", func() bool {
		var done int
		return db.QueryRowContext(t.Context(), "SELECT COALESCE(done, 0) FROM test_note WHERE id = ?", id).Scan(&done) == nil && done == 5
	})
	if r := look(t, db, jobs.CallName); r.State != "completed" || r.Attempt != 1 {
		t.Fatalf("%+v", r)
	}
}

func TestEachJobIsWorkedOnceByManyProcesses(t *testing.T) {
	t.Parallel()
	db := database(t)
	const many = 60
	var mu sync.Mutex
	worked := map[string]int{}
	h := map[string]jobs.Handler{"count": func(_ context.Context, w *jobs.Work) error {
		mu.Lock()
		defer mu.Unlock()
		worked[string(w.Payload)]++
		return nil
	}}
	for range 3 {
		work(t, db, h)
	}
	run(t, db, func(env *orm.Env) error {
		for i := range many {
			if _, err := jobs.Enqueue(env, jobs.Job{Name: "count", Payload: json.RawMessage(fmt.Sprint(i))}, jobs.Options{}); err != nil {
				return err
			}
		}
		return nil
	})
	eventually(t, "all are worked", func() bool { mu.Lock(); defer mu.Unlock(); return len(worked) == many })
	mu.Lock()
	defer mu.Unlock()
	for k, n := range worked {
		if n != 1 {
			t.Errorf("job %s was worked %d times", k, n)
		}
	}
}

func TestFinishIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := database(t)
	var tries atomic.Int32
	work(t, db, map[string]jobs.Handler{
		// Stores and fails in the same unit of work: nothing stays.
		"fails": func(ctx context.Context, w *jobs.Work) error {
			return w.Finish(ctx, func(env *orm.Env) error {
				if _, err := env.Model("test.note").Create(orm.Values{"name": "never"}); err != nil {
					return err
				}
				return errors.New("no luck")
			})
		},
		// Completes with what it stores, and stumbles afterwards: it is done.
		"stumbles": func(ctx context.Context, w *jobs.Work) error {
			tries.Add(1)
			err := w.Finish(ctx, func(env *orm.Env) error {
				_, err := env.Model("test.note").Create(orm.Values{"name": "kept"})
				return err
			})
			return errors.Join(err, errors.New("too late"))
		},
	})
	enqueue(t, db, jobs.Job{Name: "fails"}, jobs.Options{})
	enqueue(t, db, jobs.Job{Name: "stumbles"}, jobs.Options{})
	eventually(t, "both have been tried", func() bool {
		return look(t, db, "fails").State == "retryable" && look(t, db, "stumbles").State == "completed"
	})
	var names []string
	if err := db.NewRaw("SELECT name FROM test_note ORDER BY name").Scan(t.Context(), &names); err != nil {
		t.Fatal(err)
	}
	if strings.Join(names, " ") != "kept" || tries.Load() != 1 {
		t.Errorf("notes %v after %d tries", names, tries.Load())
	}
}

func TestFailuresAreKeptRetriedAndCancelled(t *testing.T) {
	t.Parallel()
	db := database(t)
	var broken atomic.Bool
	broken.Store(true)
	work(t, db, map[string]jobs.Handler{
		"flaky": func(context.Context, *jobs.Work) error {
			if broken.Load() {
				return errors.New("the store does not answer")
			}
			return nil
		},
		"panics": func(context.Context, *jobs.Work) error { panic("secret detail") },
		"later":  func(_ context.Context, w *jobs.Work) error { return jobs.Later(time.Hour) },
		"gives up": func(context.Context, *jobs.Work) error {
			return jobs.Cancel(errors.New("this can never work"))
		},
	})
	for _, name := range []string{"flaky", "panics", "later", "gives up", "nobody's"} {
		enqueue(t, db, jobs.Job{Name: name}, jobs.Options{})
	}
	eventually(t, "every job has been tried", func() bool {
		return look(t, db, "flaky").State == "retryable" && look(t, db, "panics").State == "retryable" && look(t, db, "later").State == "scheduled" &&
			look(t, db, "gives up").State == "cancelled" && look(t, db, "nobody's").State == "cancelled"
	})
	if r := look(t, db, "flaky"); r.Errors != 1 || r.Last != "the store does not answer" {
		t.Errorf("flaky: %+v", r)
	}
	if r := look(t, db, "panics"); strings.Contains(r.Last, "secret") || r.Last == "" {
		t.Errorf("a panic shows %q", r.Last)
	}
	if r := look(t, db, "later"); r.Errors != 0 {
		t.Errorf("later counts as a failure: %+v", r)
	}
	if r := look(t, db, "nobody's"); !strings.Contains(r.Last, "no addon of this program") {
		t.Errorf("unknown handler: %+v", r)
	}
	broken.Store(false)
	run(t, db, func(env *orm.Env) error {
		if err := jobs.Stop(env, look(t, db, "later").ID); err != nil {
			return err
		}
		return jobs.Retry(env, look(t, db, "flaky").ID)
	})
	eventually(t, "the retried job is done", func() bool { return look(t, db, "flaky").State == "completed" })
	if r := look(t, db, "later"); r.State != "cancelled" {
		t.Errorf("stopped: %+v", r)
	}
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error { return jobs.Retry(env, 1<<40) })
	if !orm.IsCode(err, orm.CodeMissing) {
		t.Errorf("retry of no job: %v", err)
	}
}

// TestErrorsThatCannotBeStoredEndTheirJob fails with texts that PostgreSQL refuses: the
// job is retried, or gives up, as with any other, and its key is free again.
func TestErrorsThatCannotBeStoredEndTheirJob(t *testing.T) {
	t.Parallel()
	db := database(t)
	odd := errors.New("the name \"Teapot\x00 blue\" \xff of https://u:pw4711@shop.example/?consumer_secret=cs_4711&page=2 Basic QWxhZGRpbjpvcGVu is refused")
	work(t, db, map[string]jobs.Handler{
		"retried":  func(context.Context, *jobs.Work) error { return odd },
		"gives up": func(context.Context, *jobs.Work) error { return jobs.Cancel(odd) },
		"long":     func(context.Context, *jobs.Work) error { return errors.New(strings.Repeat("ä", 9000)) },
	})
	for _, name := range []string{"retried", "gives up", "long"} {
		enqueue(t, db, jobs.Job{Name: name, Key: "k"}, jobs.Options{})
	}
	eventually(t, "every job has ended", func() bool {
		return look(t, db, "retried").State == "retryable" && look(t, db, "gives up").State == "cancelled" && look(t, db, "long").State == "retryable"
	})
	const want = "the name \"Teapot blue\" \uFFFD of https://***@shop.example/?consumer_secret=***&page=2 Basic *** is refused"
	for _, name := range []string{"retried", "gives up"} {
		if r := look(t, db, name); !strings.HasSuffix(r.Last, want) || r.Errors != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := look(t, db, "long"); len(r.Last) > 9000 || !strings.HasSuffix(r.Last, "ä…") {
		t.Errorf("%d bytes are kept", len(r.Last))
	}
	if !enqueue(t, db, jobs.Job{Name: "gives up", Key: "k"}, jobs.Options{}) {
		t.Error("no other job of the key can be queued")
	}
}

func TestStopLetsRunningJobsFinish(t *testing.T) {
	t.Parallel()
	db := database(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	r, err := jobs.Start(t.Context(), db, jobs.Config{Handlers: map[string]jobs.Handler{"slow": func(ctx context.Context, w *jobs.Work) error {
		close(began)
		<-goOn
		return w.Finish(ctx, func(env *orm.Env) error {
			_, err := env.Model("test.note").Create(orm.Values{"name": "finished"})
			return err
		})
	}}})
	if err != nil {
		t.Fatal(err)
	}
	enqueue(t, db, jobs.Job{Name: "slow"}, jobs.Options{})
	<-began
	stopped := make(chan error)
	go func() { stopped <- r.Stop(context.Background()) }()
	close(goOn)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if r := look(t, db, "slow"); r.State != "completed" {
		t.Errorf("%+v", r)
	}
}
