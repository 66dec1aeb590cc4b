package base_test

import (
	"testing"

	"fusion/addons/base"
	"fusion/framework/orm"
)

// A form that shows what would follow from it creates records and takes them
// back; numbers are not used up by that.
func TestATrialDrawsNoNumber(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	for _, kind := range []string{"standard", "no_gap"} {
		must[orm.Records](t)(env.Model("ir.sequence").Create(orm.Values{"name": kind, "code": kind, "implementation": kind, "prefix": "N", "padding": 3}))
		for range 3 {
			if n := must[string](t)(base.NextByCode(env.AsTrial(), kind)); n != "N001" {
				t.Errorf("%s: a trial sees %q, want N001", kind, n)
			}
		}
		for _, want := range []string{"N001", "N002"} {
			if n := must[string](t)(base.NextByCode(env, kind)); n != want {
				t.Errorf("%s: after trials the number is %q, want %q", kind, n, want)
			}
		}
		if n := must[string](t)(base.NextByCode(env.AsTrial(), kind)); n != "N003" {
			t.Errorf("%s: a trial sees %q, want N003", kind, n)
		}
	}
	if env.WithContext(map[string]any{"trial": true}).Trial() {
		t.Error("a client's context makes a trial")
	}
}
