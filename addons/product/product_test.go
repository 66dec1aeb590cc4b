package product_test

import (
	"testing"

	"fusion/addons/base"
	"fusion/addons/mail"
	"fusion/addons/product"
	"fusion/addons/uom"
	"fusion/framework/module"
	"fusion/framework/orm"
	"fusion/framework/ormtest"
)

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), uom.Addon(), product.Addon()}
}

func newEnv(t *testing.T) *orm.Env {
	t.Helper()
	return ormtest.New(t, addons()...)
}

func TestInstall(t *testing.T) {
	t.Parallel()
	newEnv(t)
}
