package base_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// A form that shows what would follow from it creates records and takes them
// back; numbers are not used up by that.
func TestATrialDrawsNoNumber(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	for _, kind := range []string{"standard", "no_gap"} {
		must[orm.Records](t)(env.Model("ir.sequence").Create(orm.Values{"name": kind, "code": kind, "implementation": kind, "prefix": "N", "padding": 3}))
		trial := func(want string) {
			t.Helper()
			err := env.Model("ir.sequence").Trial(func(rs orm.Records) error {
				if n := must[string](t)(base.NextByCode(rs.Env, kind)); n != want {
					t.Errorf("%s: a trial sees %q, want %s", kind, n, want)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		for range 3 {
			trial("N001")
		}
		for _, want := range []string{"N001", "N002"} {
			if n := must[string](t)(base.NextByCode(env, kind)); n != want {
				t.Errorf("%s: after trials the number is %q, want %q", kind, n, want)
			}
		}
		trial("N003")
	}
}
