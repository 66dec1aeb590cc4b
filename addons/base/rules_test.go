package base_test

import (
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// A rule that means nothing is refused when it is written, not when it locks
// people out.
func TestRulesMeanSomething(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	model := must[orm.Records](t)(env.Model("ir.model").Search(orm.Leaf("model", "=", "res.partner"), orm.SearchOptions{}))
	for domain, want := range map[string]string{
		"[('company_id', 'in', company_ids + [False])]":          "",
		"[('parent_id.user_id', '=', user.id)]":                  "",
		"[('no_such', '=', 1)]":                                  "no_such",
		"[('parent_id.no_such', '=', 1)]":                        "no_such",
		"[('name', '~~', 'x')]":                                  "~~",
		"[('name', '=', nobody)]":                                "nobody",
		"[('name', '='":                                          "never closed",
		"['|', ('name', '=', 'x')]":                              "|",
		"[('id', 'child_of', user.partner_id.id)]":               "",
		"[('category_id', 'any', [('no_such_either', '=', 1)])]": "no_such_either",
	} {
		err := env.Savepoint(func(*orm.Env) error {
			_, err := env.Model("ir.rule").Create(orm.Values{"name": "trial", "model_id": model.ID(), "domain_force": domain})
			return err
		})
		if want == "" && err != nil || want != "" && (!orm.IsCode(err, orm.CodeValidation) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", domain, err)
		}
	}
}
