package orm

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A method that calls out does so once, outside of any unit of work, however often
// its units are tried.
func TestCallOut(t *testing.T) {
	t.Parallel()
	db := numberedDB(t)
	ctx := t.Context()
	var asked, stored int
	out := func(env *Env, key string) (any, error) {
		first := &numbered{Number: 1}
		if err := Create(env, first); err != nil {
			return nil, err
		}
		return env.CallOut(&CallOut{
			Title: "Asking",
			Key:   key,
			Do: func(ctx context.Context) error {
				asked++
				if db.InUnit(ctx) || db.InUnit(context.Background()) {
					t.Error("a unit of work is open while the network is asked")
				}
				// What the first unit stored is there for everybody.
				return db.View(ctx, System(), func(e *Env) error {
					if n, err := e.Model("t.numbered").SearchCount(nil, 0); n != 1 || err != nil {
						t.Errorf("%d records are stored: %v", n, err)
					}
					return nil
				})
			},
			Then: func(env *Env) (any, error) {
				if stored++; stored == 1 {
					return nil, errContended // the unit is tried again
				}
				if env.UID() != SuperuserID || !db.InUnit(context.Background()) || !db.InUnit(env) {
					t.Error("the second unit is not one")
				}
				return "done", Create(env, &numbered{Number: 2})
			},
		})
	}
	result, err := db.Call(ctx, System(), func(env *Env) (any, error) { return out(env, "asking") })
	if err != nil || result != "done" || asked != 1 || stored != 2 {
		t.Errorf("%v, %v: asked %d times, stored %d times", result, err, asked, stored)
	}
	if db.InUnit(ctx) {
		t.Error("a unit of work is open in the end")
	}

	// A result that is a CallOut again goes on.
	steps := ""
	step := func(name string, then func(*Env) (any, error)) *CallOut {
		return &CallOut{Title: name, Do: func(context.Context) error { steps += name; return nil }, Then: then}
	}
	result, err = db.Call(ctx, System(), func(env *Env) (any, error) {
		return env.CallOut(step("a", func(env *Env) (any, error) {
			return env.CallOut(step("b", func(*Env) (any, error) { return 2, nil }))
		}))
	})
	if err != nil || result != 2 || steps != "ab" {
		t.Errorf("%v, %v: %s", result, err, steps)
	}

	// One at a time under a key.
	if free, err := db.Alone(ctx, "busy", func() error {
		_, err := db.Call(ctx, System(), func(env *Env) (any, error) {
			return env.CallOut(&CallOut{Title: "Asking", Key: "busy", Do: func(context.Context) error { t.Error("two at a time"); return nil }, Then: func(*Env) (any, error) { return nil, nil }})
		})
		if !IsCode(err, CodeUser) || !strings.Contains(err.Error(), "somebody is doing this") {
			t.Errorf("the second one: %v", err)
		}
		return nil
	}); !free || err != nil {
		t.Error(free, err)
	}

	// A failure is that of the method, and nothing follows.
	broken := errors.New("no answer")
	_, err = db.Call(ctx, System(), func(env *Env) (any, error) {
		return env.CallOut(&CallOut{Title: "Asking", Do: func(context.Context) error { return broken }, Then: func(*Env) (any, error) { t.Error("stored"); return nil, nil }})
	})
	if !errors.Is(err, broken) {
		t.Errorf("the failure: %v", err)
	}
}

// What nobody would follow up is a mistake that shows.
func TestForgottenCallOut(t *testing.T) {
	t.Parallel()
	db := numberedDB(t)
	call := func(env *Env) (any, error) {
		return env.CallOut(&CallOut{Title: "Asking the moon", Do: func(context.Context) error { return nil }, Then: func(*Env) (any, error) { return nil, nil }})
	}
	err := db.Run(t.Context(), System(), func(env *Env) error {
		_, err := call(env)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "Asking the moon") {
		t.Errorf("a CallOut that nobody follows up: %v", err)
	}
	// One that was given up with what asked for it is none.
	err = db.Run(t.Context(), System(), func(env *Env) error {
		_ = env.Savepoint(func(env *Env) error {
			_, _ = call(env)
			return errors.New("given up")
		})
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestInUnit(t *testing.T) {
	t.Parallel()
	db := numberedDB(t)
	err := db.Run(t.Context(), System(), func(env *Env) error {
		if !db.InUnit(env) || !db.InUnit(context.Background()) {
			t.Error("inside of a unit of work it is not noticed")
		}
		ctx, cancel := context.WithCancel(env)
		defer cancel()
		elsewhere := make(chan [2]bool)
		go func() { elsewhere <- [2]bool{db.InUnit(ctx), db.InUnit(context.Background())} }()
		if got := <-elsewhere; got != [2]bool{true, false} {
			t.Errorf("on another goroutine: %v", got)
		}
		// Another unit within does not end this one.
		if err := db.View(env, System(), func(*Env) error { return nil }); err != nil {
			return err
		}
		if !db.InUnit(context.Background()) {
			t.Error("a unit within ends the one around it")
		}
		env.AfterCommit(func() {
			if db.InUnit(env) || db.InUnit(context.Background()) {
				t.Error("after the commit a unit is open")
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
