package walk

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/rpc"
)

func TestWalkIsComplete(t *testing.T) {
	t.Parallel()
	known := coreMethods()
	for _, name := range rpc.Methods() {
		if known[name] == nil {
			t.Errorf("Every model has the method %s, which the walk does not try. Add it to coreMethods with the ways in which it could tell what is hidden.", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("The walk tries the method %s, which no model has any more. Remove it from coreMethods.", name)
	}
	reg, err := module.BuildRegistry(programAddons())
	if err != nil {
		t.Fatal(err)
	}
	arguments := methodArguments()
	for name, models := range methodNames(reg) {
		if arguments[name] == nil {
			t.Errorf("The method %s of %s can be called by name, and the walk does not try it. Add it to methodArguments with arguments that could tell what is hidden.", name, strings.Join(models, ", "))
		}
		delete(arguments, name)
	}
	for name := range arguments {
		t.Errorf("The walk knows the method %s, which no model has any more. Remove it from methodArguments.", name)
	}
	for name := range machinery() {
		if _, ok := reg.Model(name); !ok {
			t.Errorf("The model %s in machinery does not exist.", name)
		}
	}
}

// The walk is drawn from two seeds that are the same each time, for a change to be told
// from a find. FUSION_WALK_SEEDS lists others, "random" for a new one, and
// FUSION_WALK_RATE says which part of all calls is made, 1 for all of them.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	seeds := []uint64{1, 2}
	if list := os.Getenv("FUSION_WALK_SEEDS"); list != "" {
		seeds = nil
		for _, s := range strings.Split(list, ",") {
			if strings.TrimSpace(s) == "random" {
				seeds = append(seeds, rand.Uint64N(1e6))
				continue
			}
			seed, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
			if err != nil {
				t.Fatalf("FUSION_WALK_SEEDS is a list of numbers: %v", err)
			}
			seeds = append(seeds, seed)
		}
	}
	rate := 0.003
	if s := os.Getenv("FUSION_WALK_RATE"); s != "" {
		var err error
		if rate, err = strconv.ParseFloat(s, 64); err != nil {
			t.Fatalf("FUSION_WALK_RATE is a number between 0 and 1: %v", err)
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed)
			w.rate = rate
			w.walk()
			if t.Failed() {
				t.Logf("walk the same again with FUSION_WALK_SEEDS=%d FUSION_WALK_RATE=%v", seed, rate)
			}
		})
	}
}

// walk reads everything as every user, and fails for what comes out that a
// user may not see.
func (w *world) walk() {
	start := time.Now()
	for _, uid := range w.users {
		w.walkMethods(uid)
		w.t.Logf("%d calls after %v", w.out.calls, time.Since(start))
	}
	srv := w.serve()
	for _, uid := range w.users {
		w.walkRoutes(srv, uid)
		w.t.Logf("%d calls after %v", w.out.calls, time.Since(start))
	}
	for what := range w.ref.unknown {
		w.t.Errorf("the reference does not know: %s", what)
	}
}

// rateOf is which part of the calls on a model is made: more of them on the
// walk's own, which have everything.
func (w *world) rateOf(model string) float64 {
	if strings.HasPrefix(model, "walk.") {
		return min(1, 5*w.rate)
	}
	return w.rate
}

// walkMethods calls the methods of every model as a user.
func (w *world) walkMethods(uid int64) {
	s := w.ref.sees(w.ref.visitor(uid))
	for _, m := range w.ref.reg.Models() {
		if m.Abstract {
			continue
		}
		k := &walker{w: w, s: s, m: m, out: w.out, rate: w.rateOf(m.Name)}
		k.begin()
		k.agrees()
		for _, name := range rpc.Methods() {
			coreMethods()[name](k)
		}
		k.rate = min(1, 10*w.rate)
		k.own()
		k.env.Rollback()
	}
}
