package account_test

import (
	"testing"

	"fusion/addons/account"
	"fusion/addons/base"
	"fusion/addons/mail"
	"fusion/addons/product"
	"fusion/addons/uom"
	"fusion/framework/module"
)

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), uom.Addon(), product.Addon(), account.Addon()}
}

func TestEveryNameExists(t *testing.T) {
	t.Parallel()
	for _, p := range module.Check(addons()) {
		t.Error(p)
	}
}
