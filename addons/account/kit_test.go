package account_test

import (
	"testing"

	"fusion/framework/orm"
	"fusion/framework/ormtest"
)

func newEnv(t *testing.T) *orm.Env {
	t.Helper()
	return ormtest.New(t, addons()...)
}
