// Package jobs runs durable background work on River: a job is inserted in the
// same transaction as the business change that asks for it, survives crashes,
// is retried with backoff, and is a record (ir.job) an admin can look at. It
// stands on orm and knows nothing of HTTP.
package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"fusionsoft.ca/fusion/framework/orm"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// Job is what a handler gets. Payload is the handler's own.
type Job struct {
	// Name chooses the handler.
	Name string `json:"name" river:"unique"`
	// Key, when set, keeps a second job of the same name and key from being
	// queued while one is waiting, running or to be retried.
	Key     string          `json:"key,omitempty" river:"unique"`
	Title   string          `json:"title,omitempty"` // for people
	Model   string          `json:"model,omitempty"` // the records it is about
	IDs     []int64         `json:"ids,omitempty"`
	UID     int64           `json:"uid"`
	Context map[string]any  `json:"context,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Kind implements river.JobArgs.
func (Job) Kind() string { return "fusion" }

// Options say when and how often a job is tried.
type Options struct {
	RunAt       time.Time // zero: as soon as committed
	MaxAttempts int       // zero: 8, spread over about a day
	Priority    int       // 1 (first) to 4; zero: 2
	Queue       string    // zero: "default"
	// Coalesce queues nothing when a job of the same name and key is about to start, as
	// the transaction sees it: that one will find what this one is about. Unlike the key
	// alone it queues another one while one runs, which may be past looking.
	Coalesce bool
}

// Handler does the work of one job. It runs outside any transaction; what it
// stores together with the job's completion goes through Work.Finish.
type Handler func(ctx context.Context, w *Work) error

// Work is a job being tried.
type Work struct {
	Job
	DB       *orm.DB
	Attempt  int  // 1 for the first
	Last     bool // no further attempt follows
	Created  time.Time
	row      *river.Job[Job]
	finished bool
}

// User is on whose behalf the job was queued.
func (w *Work) User() orm.User { return orm.User{ID: w.UID, Context: w.Context} }

// Finish runs fn in one unit of work that also completes the job: either both
// happen or neither.
func (w *Work) Finish(ctx context.Context, fn func(*orm.Env) error) error {
	return w.FinishExclusive(ctx, "", fn)
}

// FinishExclusive is Finish without overlap with other work of the same key.
func (w *Work) FinishExclusive(ctx context.Context, key string, fn func(*orm.Env) error) error {
	err := w.DB.RunExclusive(ctx, w.User(), key, func(env *orm.Env) error {
		if err := fn(env); err != nil {
			return err
		}
		return w.complete(ctx, env)
	})
	w.finished = err == nil
	return err
}

// complete notes in a unit of work that the job is done.
func (w *Work) complete(ctx context.Context, env *orm.Env) error {
	if err := env.Flush(); err != nil {
		return err
	}
	_, err := river.JobCompleteTx[*riverdatabasesql.Driver](ctx, env.Tx(), w.row)
	return err
}

// Call runs a method in a unit of work and follows up what it leaves to be done
// outside of one. The unit of work that gives the result in the end also runs done,
// which may be nil, and completes the job.
func (w *Work) Call(ctx context.Context, method func(*orm.Env) (any, error), done func(*orm.Env) error) error {
	var next *orm.CallOut
	deliver := func(env *orm.Env, result any) error {
		var more bool
		if next, more = orm.ToFollowUp(result); more {
			return nil
		}
		if done != nil {
			if err := done(env); err != nil {
				return err
			}
		}
		return w.complete(ctx, env)
	}
	err := w.DB.Run(ctx, w.User(), func(env *orm.Env) error {
		result, err := method(env)
		if err != nil {
			return err
		}
		return deliver(env, result)
	})
	for err == nil && next != nil {
		err = w.DB.FollowUp(ctx, next, deliver)
	}
	w.finished = err == nil
	return err
}

// Cancel makes a job give up at once, without further attempts.
func Cancel(err error) error { return river.JobCancel(err) }

// Later makes a job be tried again after d without counting as a failure.
func Later(d time.Duration) error { return river.JobSnooze(d) }

// Migrate creates or updates River's tables.
func Migrate(ctx context.Context, db *orm.DB) error {
	m, err := rivermigrate.New(riverdatabasesql.New(db.DB.DB), &rivermigrate.Config{Logger: quiet(db.Logger)})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return fmt.Errorf("the job tables cannot be created: %w", err)
	}
	return nil
}

// quiet keeps River's routine messages out of the log.
func quiet(l *slog.Logger) *slog.Logger { return slog.New(warnOnly{l.Handler()}) }

type warnOnly struct{ slog.Handler }

func (w warnOnly) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

func (w warnOnly) WithAttrs(a []slog.Attr) slog.Handler { return warnOnly{w.Handler.WithAttrs(a)} }
func (w warnOnly) WithGroup(n string) slog.Handler      { return warnOnly{w.Handler.WithGroup(n)} }

var inserter = sync.OnceValues(func() (*river.Client[*sql.Tx], error) {
	return river.NewClient(riverdatabasesql.New(nil), &river.Config{})
})

// Enqueue queues a job in the transaction of env: it exists if and only if the
// transaction commits. It reports false when an equal job was already queued.
func Enqueue(env *orm.Env, job Job, o Options) (queued bool, err error) {
	client, err := inserter()
	if err != nil {
		return false, err
	}
	if job.UID == 0 {
		job.UID = env.UID()
	}
	opts := &river.InsertOpts{MaxAttempts: 8, Priority: 2, ScheduledAt: o.RunAt}
	if o.MaxAttempts > 0 {
		opts.MaxAttempts = o.MaxAttempts
	}
	if o.Priority > 0 {
		opts.Priority = o.Priority
	}
	if o.Queue != "" {
		opts.Queue = o.Queue
	}
	if job.Key != "" && !o.Coalesce {
		opts.UniqueOpts = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{rivertype.JobStateAvailable,
			rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled}}
	}
	if err := env.Flush(); err != nil {
		return false, err
	}
	if o.Coalesce {
		if waits, err := waiting(env, job); err != nil || waits {
			return false, err
		}
	}
	res, err := client.InsertTx(env, env.Tx(), job, opts)
	if err != nil {
		return false, fmt.Errorf("job %s cannot be queued: %w", job.Name, err)
	}
	return !res.UniqueSkippedAsDuplicate, nil
}

// waiting reports whether a job of the same name and key is about to start.
func waiting(env *orm.Env, job Job) (bool, error) {
	same, err := json.Marshal(map[string]string{"name": job.Name, "key": job.Key})
	if err != nil {
		return false, err
	}
	return orm.Row[bool](env, orm.SQL("SELECT EXISTS (SELECT FROM river_job WHERE state = 'available' AND args @> ?::jsonb)", string(same)).NoModels())
}

// Retry makes a job be worked again as soon as the transaction of env commits,
// also when it has failed for good, been cancelled or is done.
func Retry(env *orm.Env, id int64) error {
	client, err := inserter()
	if err != nil {
		return err
	}
	_, err = client.JobRetryTx(env, env.Tx(), id)
	return missing(err)
}

// Stop cancels a job when the transaction of env commits: one that waits is not
// worked, one that runs has its context cancelled and is not retried.
func Stop(env *orm.Env, id int64) error {
	client, err := inserter()
	if err != nil {
		return err
	}
	_, err = client.JobCancelTx(env, env.Tx(), id)
	return missing(err)
}

func missing(err error) error {
	if errors.Is(err, rivertype.ErrNotFound) {
		return orm.MissingErrorf("The job is not there any more.")
	}
	return err
}

// CallName is the handler every runner has: it calls a method on records.
const CallName = "call"

type callPayload struct {
	Method string         `json:"method"`
	Args   []any          `json:"args,omitempty"`
	Kw     map[string]any `json:"kw,omitempty"`
}

// Call queues a method call on records, as the current user and with the
// current context. key may be empty.
func Call(env *orm.Env, rs orm.Records, method, key string, o Options, args ...any) (bool, error) {
	payload, err := json.Marshal(callPayload{Method: method, Args: args})
	if err != nil {
		return false, err
	}
	return Enqueue(env, Job{Name: CallName, Key: key, Title: rs.Model.Label + ": " + method, Model: rs.Model.Name, IDs: rs.IDs, Context: env.Keys(), Payload: payload}, o)
}

func runCall(ctx context.Context, w *Work) error {
	var p callPayload
	if err := json.Unmarshal(w.Payload, &p); err != nil {
		return Cancel(fmt.Errorf("the job's arguments cannot be read: %w", err))
	}
	return w.Call(ctx, func(env *orm.Env) (any, error) {
		rs, err := env.Lookup(w.Model)
		if err != nil {
			return nil, err
		}
		return rs.Browse(w.IDs...).Do(p.Method, orm.Args{Pos: p.Args, Kw: p.Kw})
	}, nil)
}

// Runner works jobs until it is stopped.
type Runner struct {
	client   *river.Client[*sql.Tx]
	pool     *pgxpool.Pool
	presence *presence
}

// Config of a Runner.
type Config struct {
	Handlers map[string]Handler // by the names of jobs
	Workers  int                // parallel jobs; zero: 4
	URL      string             // of the database, for a listening connection; "" polls
	// Timeout of one attempt; zero: 5 minutes.
	Timeout time.Duration
}

// Start begins to work jobs of the database, those first that a killed process
// has left behind.
func Start(ctx context.Context, db *orm.DB, cfg Config) (_ *Runner, err error) {
	r := &Runner{}
	defer func() {
		if err != nil {
			r.release()
		}
	}()
	handlers := map[string]Handler{CallName: runCall}
	for name, h := range cfg.Handlers {
		handlers[name] = h
	}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{db: db, handlers: handlers}); err != nil {
		return nil, err
	}
	driver := riverdatabasesql.New(db.DB.DB)
	if cfg.URL != "" {
		pc, err := pgxpool.ParseConfig(cfg.URL)
		if err != nil {
			return nil, errors.New("the database address cannot be read")
		}
		pc.MaxConns, pc.MinConns = 1, 0
		if r.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
			return nil, err
		}
		driver = riverdatabasesql.NewWithPgxListener(db.DB.DB, r.pool)
	}
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Minute
	}
	p, err := appear(ctx, db)
	if err != nil {
		return nil, err
	}
	r.presence = p
	n, err := r.presence.takeOver(ctx)
	if err != nil {
		return nil, fmt.Errorf("jobs left behind cannot be taken over: %w", err)
	}
	if n > 0 {
		db.Logger.Info("took over jobs of a process that is gone", "jobs", n)
	}
	r.client, err = river.NewClient(driver, &river.Config{
		ID:      r.presence.id,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: cfg.Workers}},
		Workers: workers, Logger: quiet(db.Logger), JobTimeout: cfg.Timeout, RetryPolicy: backoff{},
		RescueStuckJobsAfter: cfg.Timeout + time.Minute, CompletedJobRetentionPeriod: 7 * 24 * time.Hour,
		DiscardedJobRetentionPeriod: 90 * 24 * time.Hour, CancelledJobRetentionPeriod: 90 * 24 * time.Hour,
		FetchPollInterval: 500 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	if err := r.client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("the job runner cannot start: %w", err)
	}
	r.presence.watch()
	return r, nil
}

// Stop lets running jobs finish until ctx ends, then cancels them; a cancelled
// job is tried again later.
func (r *Runner) Stop(ctx context.Context) error {
	err := r.client.Stop(ctx)
	if err != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = r.client.StopAndCancel(hard)
	}
	r.release()
	return err
}

func (r *Runner) release() {
	if r.presence != nil {
		r.presence.leave()
	}
	if r.pool != nil {
		r.pool.Close()
	}
}

// backoff waits 10 s, 30 s, 90 s … at most 6 hours between attempts.
type backoff struct{}

func (backoff) NextRetry(job *rivertype.JobRow) time.Time {
	wait := 10 * math.Pow(3, float64(max(0, len(job.Errors))))
	return time.Now().Add(time.Duration(min(wait, 6*3600)) * time.Second)
}

type worker struct {
	river.WorkerDefaults[Job]
	db       *orm.DB
	handlers map[string]Handler
}

// Work implements river.Worker.
func (k *worker) Work(ctx context.Context, job *river.Job[Job]) (err error) {
	h := k.handlers[job.Args.Name]
	if h == nil {
		return Cancel(fmt.Errorf("no addon of this program handles jobs named %q", job.Args.Name))
	}
	w := &Work{Job: job.Args, DB: k.db, Attempt: job.Attempt, Last: job.Attempt >= job.MaxAttempts, Created: job.CreatedAt, row: job}
	defer func() {
		if p := recover(); p != nil {
			k.db.Logger.Error("job panicked", "job", job.ID, "name", job.Args.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error in job %s", job.Args.Name)
		}
		if err != nil && w.finished {
			err = nil // the completion is committed and counts
		}
	}()
	if err = h(ctx, w); err != nil {
		err = failure{err}
		k.db.Logger.Warn("job failed", "job", job.ID, "name", job.Args.Name, "title", job.Args.Title, "attempt", job.Attempt, "error", err.Error())
	}
	return err
}
