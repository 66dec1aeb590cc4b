package guest // want package:"models .*"

import (
	"base"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

func Addon() module.Addon {
	return module.Addon{Name: "guest", Depends: []string{"base", "unseen"}}
}

// The package depends on an addon that it does not import: what that adds to
// models is not seen, so only facets are judged.
func use(env *orm.Env) {
	orm.Get[base.Partner](env, 1, "elsewhere") // want `base.Partner has no field for "elsewhere"`
	env.Model("res.partner").Read("elsewhere")
	orm.Leaf("elsewhere", "=", 1)
}
