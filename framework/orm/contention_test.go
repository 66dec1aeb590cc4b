package orm

import (
	"context"
	"sync"
	"testing"
)

// However many change the same row at the same time, each of them succeeds: whoever
// has lost a few times waits for the others who have.
func TestManyUnitsChangeOneRow(t *testing.T) {
	t.Parallel()
	db := testDB(t)
	var id int64
	err := db.Run(t.Context(), System(), func(env *Env) error {
		made, err := env.Model("t.person").Create(Values{"name": "Counter"})
		id = made.ID()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	const many = 24
	var wg, ready sync.WaitGroup
	ready.Add(many)
	errs := make([]error, many)
	for i := range many {
		wg.Go(func() {
			first := true
			errs[i] = db.Run(context.Background(), System(), func(env *Env) error {
				rs := env.Model("t.person").Browse(id)
				age, err := rs.ValueID("age")
				if err != nil {
					return err
				}
				if first { // all have seen the same before any of them writes
					first = false
					ready.Done()
					ready.Wait()
				}
				// Long enough for others to come in between.
				if _, err := env.Exec(SQL("SELECT pg_sleep(0.05)").NoModels()); err != nil {
					return err
				}
				return rs.Write(Values{"age": age + 1})
			})
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("unit %d: %v", i, err)
		}
	}
	err = db.View(t.Context(), System(), func(env *Env) error {
		if age, err := env.Model("t.person").Browse(id).ValueID("age"); err != nil || age != many {
			t.Errorf("counted %d (%v), want %d", age, err, many)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
