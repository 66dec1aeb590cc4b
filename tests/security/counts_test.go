package security

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// notOfRecords are numbers and lists that tell of nothing hidden, with the reason.
func notOfRecords() map[string]string {
	return map[string]string{
		"res.users.companies_count":     "the test lets companies be read",
		"res.users.rules_count":         "rules have no rules, and who may not read them at all is told 0",
		"res.partner.active_lang_count": "which languages there are is told by every choice of a language",
	}
}

// tells are the fields of a model that count records or list them, and are made
// when they are read.
func tells(m *orm.Model) []*orm.Field {
	var out []*orm.Field
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		number := f.Kind == orm.Integer && slices.Contains(strings.Split(name, "_"), "count") || f.Kind == orm.Integer && strings.HasSuffix(name, "_counter")
		widget := f.Kind == orm.JSONKind && strings.HasSuffix(name, "_widget")
		if (number || widget || f.X2many()) && !f.Stored && (f.Computed() || len(f.Related) > 0) && !f.Inherited() {
			out = append(out, f)
		}
	}
	return out
}

// weight is what a number, a list or the content of a widget comes to.
func weight(v any) int64 {
	switch x := v.(type) {
	case []int64:
		return int64(len(x))
	case int64:
		return x
	case int:
		return int64(x)
	case json.RawMessage:
		return int64(len(x))
	}
	return 0
}

// Who may see one record of a model, and nothing of any other model, is told of
// nothing else: all numbers are 0 and all lists are empty. What may not be
// counted is counted for nobody, so every such field has to show something to
// those who may see everything.
func TestNumbersAndListsTellOfNothingHidden(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, allAddons()...)
	ids := doTrade(t, db)
	var nosy int64
	rules := map[string]int64{}
	// What everything refers to is left to be read: companies, currencies, units.
	// Rules have none themselves.
	open := []string{"res.company", "res.currency", "res.currency.rate", "uom.uom", "res.lang", "ir.rule"}
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		groups, err := env.Model("res.groups").Search(orm.Leaf("share", "=", false), orm.SearchOptions{})
		if err != nil {
			return err
		}
		made, err := env.Model("res.users").Create(orm.Values{"name": "Nosy", "login": "nosy", "group_ids": []orm.Command{orm.SetIDs(groups.IDs...)}})
		if err != nil {
			return err
		}
		nosy = made.ID()
		partner, err := made.Value("partner_id")
		if err != nil {
			return err
		}
		if _, err := env.Model("res.partner").Browse(ids["ann"]).Call("message_post", orm.Args{Kw: map[string]any{"body": "Look", "partner_ids": []any{partner}}}); err != nil {
			return err
		}
		for _, m := range env.Registry().Models() {
			if m.Abstract || slices.Contains(open, m.Name) {
				continue
			}
			found, err := env.Model("ir.model").Search(orm.Leaf("model", "=", m.Name), orm.SearchOptions{})
			if err != nil {
				return err
			}
			rule, err := env.Model("ir.rule").Create(orm.Values{"name": "nothing", "model_id": found.ID(), "domain_force": "[(0, '=', 1)]", "active": false})
			if err != nil {
				return err
			}
			rules[m.Name] = rule.ID()
			if _, err := env.Model("ir.model.access").Create(orm.Values{"name": "all", "model_id": found.ID(), "perm_read": true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reasons := notOfRecords()
	// What a mixin brings needs to be shown by one of the models that have it.
	mixins := map[string]bool{}
	for _, m := range db.Registry.Models() {
		if m.Abstract {
			for _, f := range tells(m) {
				mixins[f.Name] = false
			}
		}
	}
	for _, m := range db.Registry.Models() {
		fields := tells(m)
		if m.Abstract || m.Transient {
			continue
		}
		for _, f := range fields {
			key := m.Name + "." + f.Name
			if reasons[key] != "" {
				delete(reasons, key)
				continue
			}
			undone := errors.New("undone")
			err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
				all, err := env.WithContext(map[string]any{"active_test": false}).Model(m.Name).Search(nil, orm.SearchOptions{})
				if err != nil {
					return err
				}
				free, err := env.WithUser(nosy).Model(m.Name).Browse(all.IDs...).Read(f.Name)
				if err != nil {
					return fmt.Errorf("%s for who may see everything: %w", key, err)
				}
				i := slices.IndexFunc(free, func(v orm.Values) bool { return weight(v[f.Name]) > 0 })
				_, mixed := mixins[f.Name]
				if mixed && i < 0 {
					return undone
				}
				if mixed {
					mixins[f.Name] = true
				}
				if i < 0 {
					t.Errorf("%s shows nothing for any record. Let doTrade make something it tells of, or name it in notOfRecords with the reason.", key)
					return undone
				}
				// A record cannot be read without the one it delegates to.
				whole := []string{m.Name}
				for _, d := range m.Delegates {
					whole = append(whole, d.Comodel)
				}
				var hide []int64
				for model, rule := range rules {
					if !slices.Contains(whole, model) {
						hide = append(hide, rule)
					}
				}
				if err := env.Model("ir.rule").Browse(hide...).Write(orm.Values{"active": true}); err != nil {
					return err
				}
				one := free[i].ID("id")
				if own := rules[m.Name]; own != 0 {
					if err := env.Model("ir.rule").Browse(own).Write(orm.Values{"active": true, "domain_force": fmt.Sprintf("[('id', '=', %d)]", one)}); err != nil {
						return err
					}
				}
				rows, err := env.WithUser(nosy).Model(m.Name).Browse(one).Read(f.Name)
				if err != nil {
					return fmt.Errorf("%s for who may see nothing else: %w", key, err)
				}
				left := weight(rows[0][f.Name])
				if list, ok := rows[0][f.Name].([]int64); ok && f.Comodel == m.Name && len(list) == 1 && list[0] == one {
					left = 0 // itself
				}
				if left != 0 {
					t.Errorf("%s of record %d tells %v, of which nothing may be seen; there is %v", key, one, rows[0][f.Name], free[i][f.Name])
				}
				return undone
			})
			if !errors.Is(err, undone) {
				t.Error(err)
			}
		}
	}
	for name, shown := range mixins {
		if !shown {
			t.Errorf("%s shows nothing for any record of any model. Let doTrade make something it tells of.", name)
		}
	}
	for key := range reasons {
		t.Errorf("notOfRecords knows %s, which is no number or list any more", key)
	}
}
