package sale_test

import (
	"testing"

	"fusion/addons/account"
	"fusion/addons/base"
	"fusion/addons/mail"
	"fusion/addons/product"
	"fusion/addons/sale"
	"fusion/addons/sales_team"
	"fusion/addons/uom"
	"fusion/framework/module"
	"fusion/framework/ormtest"
)

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), uom.Addon(), product.Addon(), account.Addon(), sales_team.Addon(), sale.Addon()}
}

func TestEveryNameExists(t *testing.T) {
	t.Parallel()
	for _, p := range module.Check(addons()) {
		t.Error(p)
	}
}

func TestInstall(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	if _, err := env.Ref("sale.action_orders"); err != nil {
		t.Error(err)
	}
}
