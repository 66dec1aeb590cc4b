package ormtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

// update is the flag of [Golden]; a test program that imports this package
// must not define one of its own.
var update = flag.Bool("update", false, "write golden files instead of comparing with them")

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// New gives an Env of the superuser on a database with the addons installed,
// without demonstration data. Its transaction is rolled back when the test
// ends. The list must contain what the addons depend on. Tests may be
// parallel: no two share a database at a time. AfterCommit functions never
// run; a test of those needs [DB].
func New(t testing.TB, addons ...module.Addon) *orm.Env {
	t.Helper()
	env, done, err := shared().begin(t.Context(), addons)
	if err != nil {
		t.Fatalf("ormtest: %v", err)
	}
	t.Cleanup(done)
	return env
}

// Run is [New] for examples, which have no test: fn works on an Env whose
// transaction is rolled back afterwards. Its error is returned.
func Run(fn func(env *orm.Env) error, addons ...module.Addon) error {
	env, done, err := shared().begin(context.Background(), addons)
	if err != nil {
		return err
	}
	defer done()
	return fn(env)
}

// begin lends a clone and begins a transaction in it; done ends both.
func (k *kit) begin(ctx context.Context, addons []module.Addon) (env *orm.Env, done func(), err error) {
	tpl, err := k.template(context.WithoutCancel(ctx), addons)
	if err != nil {
		return nil, nil, fmt.Errorf("installing the addons: %w", err)
	}
	db := tpl.take()
	if db == nil {
		if db, _, err = k.clone(context.WithoutCancel(ctx), tpl); err != nil {
			return nil, nil, err
		}
	}
	if env, err = db.Begin(ctx, orm.System()); err != nil {
		return nil, nil, err
	}
	return env, func() {
		env.Rollback()
		db.DropAccessCache()
		tpl.giveBack(db)
	}, nil
}

func (t *template) take() *orm.DB {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle) == 0 {
		return nil
	}
	db := t.idle[len(t.idle)-1]
	t.idle = t.idle[:len(t.idle)-1]
	return db
}

func (t *template) giveBack(db *orm.DB) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, db)
}

// DB gives a database of the test's own with the addons installed, for tests
// that commit: jobs, crashes, concurrency. It is dropped when the test ends.
func DB(t testing.TB, addons ...module.Addon) *orm.DB {
	t.Helper()
	db, drop, err := shared().own(context.Background(), addons)
	if err != nil {
		t.Fatalf("ormtest: %v", err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Errorf("ormtest: dropping the test's database: %v", err)
		}
	})
	return db
}

// RunDB is [DB] for examples, which have no test: the database is dropped
// after fn, whose error is returned.
func RunDB(fn func(db *orm.DB) error, addons ...module.Addon) error {
	db, drop, err := shared().own(context.Background(), addons)
	if err != nil {
		return err
	}
	err = fn(db)
	return errors.Join(err, drop())
}

// own clones the addons' template; drop ends the clone.
func (k *kit) own(ctx context.Context, addons []module.Addon) (db *orm.DB, drop func() error, err error) {
	tpl, err := k.template(ctx, addons)
	if err != nil {
		return nil, nil, fmt.Errorf("installing the addons: %w", err)
	}
	db, name, err := k.clone(ctx, tpl)
	if err != nil {
		return nil, nil, err
	}
	return db, func() error {
		db.Close()
		return k.drop(ctx, name)
	}, nil
}

// URL is the address of an empty database of the test's own, for tests of the
// installation itself and of whole programs. It is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	k := shared()
	ctx := context.Background()
	if _, err := k.server(ctx); err != nil {
		t.Fatalf("ormtest: %v", err)
	}
	name, err := k.empty(ctx)
	if err != nil {
		t.Fatalf("ormtest: %v", err)
	}
	t.Cleanup(func() {
		if err := k.drop(ctx, name); err != nil {
			t.Errorf("ormtest: dropping the test's database: %v", err)
		}
	})
	url, err := k.address(name)
	if err != nil {
		t.Fatalf("ormtest: %v", err)
	}
	return url
}

// Golden compares got with the file testdata/name, or writes the file when the
// test runs with -update.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got); run the test with -update if the change is meant:\n%s", path, d)
	}
}

// Call does in the unit of work of a test what [orm.DB.Call] does in several: it runs
// fn, then what fn left to be done outside, beside the test's unit, and then what
// follows from that.
func Call(env *orm.Env, fn func(*orm.Env) (any, error)) (any, error) {
	result, err := fn(env)
	for err == nil {
		out, ok := orm.ToFollowUp(result)
		if !ok {
			break
		}
		done := make(chan error)
		go func() { done <- out.Do(env.Context) }()
		if err = <-done; err == nil {
			result, err = out.Then(env)
		}
	}
	return result, err
}

// MaxQueries fails the test when fn sends more SQL statements than limit.
func MaxQueries(t testing.TB, env *orm.Env, limit int, fn func()) {
	t.Helper()
	before := env.Queries()
	fn()
	if n := env.Queries() - before; n > limit {
		t.Errorf("%d queries were sent, at most %d are expected", n, limit)
	}
}
