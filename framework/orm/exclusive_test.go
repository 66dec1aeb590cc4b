package orm

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

type numbered struct {
	Record `orm:"t.numbered"`
	Number int `orm:"number"`
}

func numberedDB(t *testing.T) *DB {
	r := NewRegistry()
	r.Begin("t")
	Define[numbered](r)
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	db := testDBOf(t, r)
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE t_turn AS SELECT 0 AS turn"); err != nil {
		t.Fatal(err)
	}
	return db
}

// draw gives out the next number. It takes its turn in a row, so that a unit
// that saw the table before another ended is tried again.
func draw(e *Env) error {
	if err := e.Exclusive("tickets"); err != nil {
		return err
	}
	if _, err := e.Exec(SQL("UPDATE t_turn SET turn = turn + 1")); err != nil {
		return err
	}
	last, err := First[numbered](e, nil, "number desc")
	if err != nil {
		return err
	}
	next := &numbered{Number: 1}
	if last != nil {
		next.Number = last.Number + 1
	}
	return Create(e, next)
}

// Units that exclude each other are tried at most twice, and see what those
// before them did.
func TestExclusive(t *testing.T) {
	t.Parallel()
	db := numberedDB(t)
	ctx := context.Background()
	const workers, each = 4, 10
	var worst atomic.Int32
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for range each {
				tries := int32(0)
				if errs[w] = db.Run(ctx, System(), func(e *Env) error { tries++; return draw(e) }); errs[w] != nil {
					return
				}
				for old := worst.Load(); tries > old && !worst.CompareAndSwap(old, tries); old = worst.Load() {
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	err := db.View(ctx, System(), func(e *Env) error {
		all, err := Search[numbered](e, nil, SearchOptions{Order: "number"})
		var got, want []int
		for i, x := range all {
			got, want = append(got, x.Number), append(want, i+1)
		}
		if len(all) != workers*each || !slices.Equal(got, want) {
			t.Errorf("%d numbers: %v", len(all), got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := worst.Load(); n > 2 {
		t.Errorf("a unit was tried %d times", n)
	}
}

// A unit that must be tried again is, even when it goes on after the error.
func TestSwallowedContention(t *testing.T) {
	t.Parallel()
	db := numberedDB(t)
	ctx := context.Background()
	other := must[*Env](t)(db.Begin(ctx, System()))
	t.Cleanup(other.Rollback)
	if err := draw(other); err != nil {
		t.Fatal(err)
	}
	tries := 0
	committed := make(chan error, 1)
	err := db.Run(ctx, System(), func(e *Env) error {
		if tries++; tries == 2 {
			return draw(e)
		}
		err := e.Savepoint(draw)
		if !IsCode(err, CodeUser) {
			t.Errorf("while another unit draws a number: %v", err)
		}
		go func() { committed <- other.Commit() }() // the second try waits for it
		return nil
	})
	if err = errors.Join(err, <-committed); err != nil || tries != 2 {
		t.Fatalf("%d tries, %v", tries, err)
	}
	err = db.View(ctx, System(), func(e *Env) error {
		last, err := First[numbered](e, nil, "number desc")
		if last == nil || last.Number != 2 {
			t.Errorf("the last number is %v", last)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A unit that looked before another ended cannot number by what it saw, though
// the key is free by then.
func TestExclusiveWithAnOldView(t *testing.T) {
	t.Parallel()
	db := numberedDB(t)
	tries := 0
	err := db.Run(t.Context(), System(), func(e *Env) error {
		if tries++; tries == 1 {
			if _, err := First[numbered](e, nil, ""); err != nil {
				return err
			}
			if err := db.Run(t.Context(), System(), draw); err != nil {
				return err
			}
		}
		return draw(e)
	})
	if err != nil || tries != 2 {
		t.Fatalf("%d tries, %v", tries, err)
	}
	err = db.View(t.Context(), System(), func(e *Env) error {
		all, err := Search[numbered](e, nil, SearchOptions{Order: "number"})
		if len(all) != 2 || all[0].Number != 1 || all[1].Number != 2 {
			t.Errorf("%d numbers, want 1 and 2", len(all))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
