package sale_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/ormtest"
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
