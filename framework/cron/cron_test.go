package cron_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/cron"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

type clock struct {
	orm.Record `orm:"test.clock" label:"Clock"`
	Name       string `orm:"name"`
}

// ticks counts the calls of crons by database.
type ticks struct {
	n       atomic.Int32
	broken  atomic.Bool
	overlap atomic.Bool
	hold    chan struct{} // when set, a call waits for it
	now     atomic.Int64  // the clock of the database
	running atomic.Int32
	told    atomic.Value // what administrators were told
}

var tick = orm.ModelMethod[clock]{Name: "_tick"}

type ticksKey struct{}

func of(db *orm.DB) *ticks { return orm.Local(db, ticksKey{}, func() *ticks { return &ticks{} }) }

func clocks() module.Addon {
	return module.Addon{Name: "clocks", Version: "19.0.1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) {
		d := orm.Define[clock](r)
		orm.OverrideModel(r, base.NotifyAdmin, func(super orm.Function) orm.Function {
			return func(env *orm.Env, args orm.Args) (any, error) {
				of(env.DB()).told.Store(args.String(0, "message"))
				return super(env, args)
			}
		})
		orm.ImplementModel(d, tick, func(env *orm.Env, _ orm.Args) (any, error) {
			k := of(env.DB())
			if k.running.Add(1) > 1 {
				k.overlap.Store(true)
			}
			defer k.running.Add(-1)
			if k.hold != nil {
				<-k.hold
			}
			k.n.Add(1)
			if k.broken.Load() {
				return nil, errors.New("the store is closed")
			}
			return nil, nil
		})
	}}
}

// scheduled makes a database with one cron of the clock, due at a time, and a
// clock that stands still.
func scheduled(t *testing.T, now, due string, vals orm.Values) (*orm.DB, int64) {
	t.Helper()
	db := ormtest.DB(t, base.Addon(), clocks())
	at(t, db, now)
	k := of(db)
	db.Now = func() time.Time { return time.Unix(k.now.Load(), 0).UTC() }
	var id int64
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		if _, err := env.Exec(orm.SQL("UPDATE ir_cron SET active = false")); err != nil {
			return err
		}
		model, err := env.Model("ir.model").Search(orm.Leaf("model", "=", "test.clock"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		v := orm.Values{"name": "Clock", "model_id": model.ID(), "code": "model._tick()", "interval_number": 10, "interval_type": "minutes", "nextcall": due}
		for k, x := range vals {
			v[k] = x
		}
		made, err := env.Model("ir.cron").Create(v)
		id = made.ID()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return db, id
}

func at(t *testing.T, db *orm.DB, now string) {
	t.Helper()
	d, err := orm.ParseDatetime(now)
	if err != nil {
		t.Fatal(err)
	}
	of(db).now.Store(d.Time().Unix())
}

func doTick(t *testing.T, db *orm.DB) int {
	t.Helper()
	n, err := cron.Tick(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func read(t *testing.T, db *orm.DB, id int64, field string) any {
	t.Helper()
	var v any
	err := db.View(t.Context(), orm.System(), func(env *orm.Env) (err error) {
		v, err = env.WithContext(map[string]any{"active_test": false}).Model("ir.cron").Browse(id).Value(field)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func work(t *testing.T, db *orm.DB) {
	t.Helper()
	r, err := jobs.Start(t.Context(), db, jobs.Config{Handlers: map[string]jobs.Handler{cron.JobName: cron.Run}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestScheduleNeverDrifts(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		n              int
		unit           string
		loc            *time.Location
		due, now, want string
	}{
		{10, "minutes", time.UTC, "2026-03-01 10:00:00", "2026-03-01 10:00:00", "2026-03-01 10:10:00"},
		{10, "minutes", time.UTC, "2026-03-01 10:00:00", "2026-03-01 10:09:59", "2026-03-01 10:10:00"},
		{10, "minutes", time.UTC, "2026-03-01 10:00:00", "2026-03-01 10:10:00", "2026-03-01 10:20:00"},
		{10, "minutes", time.UTC, "2026-03-01 10:00:00", "2026-03-09 03:47:11", "2026-03-09 03:50:00"},
		{7, "hours", time.UTC, "2026-03-01 10:00:00", "2026-03-02 10:00:01", "2026-03-02 14:00:00"},
		{1, "days", time.UTC, "2026-03-01 02:30:00", "2026-03-05 02:30:00", "2026-03-06 02:30:00"},
		{1, "days", paris, "2026-03-28 01:30:00", "2026-03-28 12:00:00", "2026-03-29 01:30:00"}, // 02:30 does not exist on that day
		{1, "days", paris, "2026-03-28 05:00:00", "2026-03-29 12:00:00", "2026-03-30 04:00:00"}, // 06:00 in Paris on both sides
		{2, "weeks", time.UTC, "2026-03-02 08:00:00", "2026-03-17 00:00:00", "2026-03-30 08:00:00"},
		{1, "months", time.UTC, "2026-01-31 08:00:00", "2026-02-01 00:00:00", "2026-02-28 08:00:00"},
		{1, "months", time.UTC, "2026-01-31 08:00:00", "2026-03-01 00:00:00", "2026-03-31 08:00:00"},
		{0, "months", time.UTC, "2026-01-31 08:00:00", "2026-01-31 08:00:00", "2026-02-28 08:00:00"},
	} {
		due, _ := orm.ParseDatetime(tc.due)
		now, _ := orm.ParseDatetime(tc.now)
		got := orm.DatetimeOf(cron.Interval{Number: tc.n, Unit: tc.unit}.Next(due.Time(), now.Time(), tc.loc))
		if got.String() != tc.want {
			t.Errorf("every %d %s, due %s, at %s: %s, want %s", tc.n, tc.unit, tc.due, tc.now, got, tc.want)
		}
		if !got.Time().After(now.Time()) {
			t.Errorf("every %d %s, due %s, at %s: %s is not in the future", tc.n, tc.unit, tc.due, tc.now, got)
		}
	}
}

func TestDueOnceAmongProcesses(t *testing.T) {
	t.Parallel()
	db, id := scheduled(t, "2026-05-05 10:03:00", "2026-05-05 10:00:00", nil)
	var queued atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			n, err := cron.Tick(t.Context(), db)
			if err != nil {
				t.Error(err)
			}
			queued.Add(int32(n))
		})
	}
	wg.Wait()
	if queued.Load() != 1 {
		t.Fatalf("queued %d times", queued.Load())
	}
	if got := fmt.Sprint(read(t, db, id, "nextcall")); got != "2026-05-05 10:10:00" {
		t.Errorf("due next at %s", got)
	}
	if n := doTick(t, db); n != 0 {
		t.Errorf("not due, but queued %d times", n)
	}
	work(t, db)
	eventually(t, "the cron has run", func() bool { return fmt.Sprint(read(t, db, id, "lastcall")) == "2026-05-05 10:03:00" })
	if n := of(db).n.Load(); n != 1 {
		t.Errorf("ran %d times", n)
	}
}

func TestNoOverlapWithItself(t *testing.T) {
	t.Parallel()
	db, id := scheduled(t, "2026-05-05 10:00:00", "2026-05-05 10:00:00", nil)
	k := of(db)
	k.hold = make(chan struct{})
	doTick(t, db)
	work(t, db)
	eventually(t, "the first run has begun", func() bool { return k.running.Load() == 1 })
	at(t, db, "2026-05-05 10:10:00")
	if n := doTick(t, db); n != 0 {
		t.Errorf("queued %d times while it runs", n)
	}
	// Nor can it be run by hand meanwhile; afterwards it can.
	byHand := func() error {
		return db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
			_, err := env.Model("ir.cron").Browse(id).Call("method_direct_trigger", orm.Args{})
			return err
		})
	}
	if err := byHand(); !orm.IsCode(err, orm.CodeUser) {
		t.Errorf("run by hand while it runs: %v", err)
	}
	close(k.hold)
	eventually(t, "the first run is over", func() bool { return byHand() == nil })
	eventually(t, "it has run by hand", func() bool { return k.n.Load() == 2 })
	if k.overlap.Load() {
		t.Error("two runs at a time")
	}
	if got := fmt.Sprint(read(t, db, id, "nextcall")); got != "2026-05-05 10:20:00" {
		t.Errorf("running by hand moved the schedule to %s", got)
	}
}

func TestFailuresAreCountedAndSwitchTheCronOff(t *testing.T) {
	t.Parallel()
	db, id := scheduled(t, "2026-05-01 10:00:00", "2026-05-01 10:00:00", orm.Values{"interval_number": 2, "interval_type": "days"})
	k := of(db)
	k.broken.Store(true)
	work(t, db)
	runs := int32(0)
	next := func(now string) {
		t.Helper()
		at(t, db, now)
		if n := doTick(t, db); n != 1 {
			t.Fatalf("at %s: queued %d", now, n)
		}
		runs++
		eventually(t, "run at "+now, func() bool {
			var open int
			err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM river_job WHERE finalized_at IS NULL").Scan(&open)
			return err == nil && open == 0 && fmt.Sprint(read(t, db, id, "lastcall")) == now
		})
	}
	days := []string{"01", "03", "05", "07"}
	for i, day := range days {
		next("2026-05-" + day + " 10:00:00")
		if n := read(t, db, id, "failure_count"); n != int64(i+1) {
			t.Fatalf("%v failures after %d", n, i+1)
		}
	}
	if e, _ := read(t, db, id, "last_error").(string); !strings.Contains(e, "the store is closed") {
		t.Errorf("last error %q", e)
	}
	if fmt.Sprint(read(t, db, id, "first_failure_date")) != "2026-05-01 10:00:00" || read(t, db, id, "active") != true {
		t.Error("first failure not kept, or switched off too early")
	}
	// A success forgets them.
	k.broken.Store(false)
	next("2026-05-09 10:00:00")
	if n := read(t, db, id, "failure_count"); n != int64(0) {
		t.Errorf("%v failures after a success", n)
	}
	// Five in a row over more than a week switch it off.
	k.broken.Store(true)
	for _, day := range []string{"11", "13", "15", "17", "19"} {
		if read(t, db, id, "active") != true {
			t.Fatalf("switched off before %s", day)
		}
		next("2026-05-" + day + " 10:00:00")
	}
	if read(t, db, id, "active") != false {
		t.Error("still on after five failures in eight days")
	}
	eventually(t, "administrators hear of it", func() bool {
		told, _ := k.told.Load().(string)
		return strings.Contains(told, "“Clock” has been switched off: it failed 5 times") && strings.Contains(told, "the store is closed")
	})
	at(t, db, "2026-06-01 10:00:00")
	if n := doTick(t, db); n != 0 {
		t.Error("an archived cron is queued")
	}
	if k.n.Load() != runs {
		t.Errorf("%d calls for %d runs", k.n.Load(), runs)
	}
}

func TestBadCodeIsAFailure(t *testing.T) {
	t.Parallel()
	db, id := scheduled(t, "2026-05-05 10:00:00", "2026-05-05 10:00:00", orm.Values{"code": "model._no_such()"})
	work(t, db)
	doTick(t, db)
	eventually(t, "the failure is recorded", func() bool { return read(t, db, id, "failure_count") == int64(1) })
	if e, _ := read(t, db, id, "last_error").(string); !strings.Contains(e, "_no_such") {
		t.Errorf("last error %q", e)
	}
}
