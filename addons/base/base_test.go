package base_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func newEnv(t *testing.T) *orm.Env {
	t.Helper()
	return ormtest.New(t, base.Addon())
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestInstallation(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	for model, least := range map[string]int{"res.country": 250, "res.currency": 165, "res.country.state": 178, "res.lang": 50, "ir.model.access": 80} {
		n, err := env.WithContext(map[string]any{"active_test": false}).Model(model).SearchCount(nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if int(n) < least {
			t.Errorf("%d records of %s, at least %d are expected", n, model, least)
		}
	}
	root := must[orm.Records](t)(env.Ref("base.user_root"))
	admin := must[orm.Records](t)(env.Ref("base.user_admin"))
	if root.ID() != 1 || admin.ID() != 2 {
		t.Errorf("root has id %d, admin %d", root.ID(), admin.ID())
	}
}
