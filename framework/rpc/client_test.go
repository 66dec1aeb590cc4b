package rpc_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// ask calls a method of a model as the administrator; an error is its name.
func (s *site) ask(model, method string, args ...any) string {
	s.t.Helper()
	a := s.execute(model, method, args...)
	if a.Error != nil {
		return a.Error.Data.Name
	}
	out, err := json.Marshal(a.Result)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(out)
}

func TestMethodsOfTheWebClient(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var ids []int64
	var canada, tag int64
	s.run(func(env *orm.Env) error {
		lang, err := env.WithContext(map[string]any{"active_test": false}).Model("res.lang").Search(orm.Leaf("code", "=", "fr_FR"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if lang.Len() == 0 {
			if lang, err = env.Model("res.lang").Create(orm.Values{"name": "French", "code": "fr_FR", "iso_code": "fr", "url_code": "fr"}); err != nil {
				return err
			}
		}
		if err := lang.Write(orm.Values{"active": true}); err != nil {
			return err
		}
		country, err := env.Ref("base.ca")
		if err != nil {
			return err
		}
		canada = country.ID()
		made, err := env.Model("res.partner.category").Create(orm.Values{"name": "Gold", "color": 7})
		if err != nil {
			return err
		}
		tag = made.ID()
		made, err = env.Model("res.partner").Create(
			orm.Values{"name": "Ada Q", "country_id": canada, "category_id": []orm.Command{orm.SetIDs(tag)}, "child_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "Kid", "type": "other"})}},
			orm.Values{"name": "Bob Q", "country_id": canada, "type": "invoice"}, orm.Values{"name": "Cid Q"})
		ids = made.IDs
		return err
	})
	type object = map[string]any
	type list = []any
	mine := list{list{"id", "in", ids}}
	for i, c := range []struct {
		model, method string
		args          list
		want          string
	}{
		{"res.partner", "read_progress_bar", list{mine, "country_id", object{"field": "type", "colors": object{"contact": "success", "invoice": "danger", "private": "muted"}}},
			fmt.Sprintf(`{"%d":{"contact":1,"invoice":1,"private":0},"False":{"contact":1,"invoice":0,"private":0}}`, canada)},
		{"res.partner", "read_progress_bar", list{mine, "active", object{"field": "type", "colors": object{"contact": "x"}}}, `{"True":{"contact":2}}`},
		{"res.partner", "read_progress_bar", list{mine, "active", object{}}, "builtins.TypeError"},
		{"res.partner", "web_name_search", list{"Bob Q", object{"display_name": object{}}}, fmt.Sprintf(`[{"display_name":"Bob Q","id":%d}]`, ids[1])},
		{"res.partner", "web_name_search", list{" Q", object{"country_id": object{"fields": object{"code": object{}}}}, mine, "ilike", 1},
			fmt.Sprintf(`[{"country_id":{"code":"CA","id":%d},"id":%d}]`, canada, ids[0])},
		{"res.partner.category", "copy_data", list{list{tag}}, `[{"active":true,"color":7,"name":"Gold"}]`},
		{"res.partner.category", "update_field_translations", list{list{tag}, "name", object{"fr_FR": "Or"}}, "true"},
		{"res.partner.category", "get_field_translations", list{list{tag}, "name"},
			`[[{"lang":"en_US","source":"Gold","value":"Gold"},{"lang":"fr_FR","source":"Gold","value":"Or"}],{"translation_show_source":false,"translation_type":"char"}]`},
		{"res.partner.category", "update_field_translations", list{list{tag}, "name", object{"fr_FR": false, "en_US": "Golden"}}, "true"},
		{"res.partner.category", "get_field_translations", list{list{tag}, "name", list{"fr_FR"}},
			`[[{"lang":"fr_FR","source":"Golden","value":"Golden"}],{"translation_show_source":false,"translation_type":"char"}]`},
		{"res.partner.category", "web_override_translations", list{list{tag}, object{"name": "Gold"}}, "null"},
		{"res.partner.category", "update_field_translations", list{list{tag}, "name", object{"xx_XX": "?"}}, "odoo.exceptions.UserError"},
		{"res.partner.category", "update_field_translations", list{list{tag}, "name", object{"fr_FR": 7}}, "odoo.exceptions.UserError"},
		{"res.partner.category", "update_field_translations", list{list{tag}, "nothing", object{}}, "builtins.ValueError"},
		{"res.partner.category", "update_field_translations", list{list{tag, tag + 1}, "name", object{}}, "builtins.ValueError"},
		{"res.partner", "update_field_translations", list{list{ids[0]}, "name", object{"en_US": "x"}}, "false"},
		{"res.partner", "get_field_translations", list{list{999999999}, "name"}, "odoo.exceptions.MissingError"},
		{"res.partner", "get_formview_id", list{list{ids[0]}}, "false"},
		{"res.partner", "get_formview_action", list{list{ids[0]}}, fmt.Sprintf(
			`{"context":{},"res_id":%d,"res_model":"res.partner","target":"current","type":"ir.actions.act_window","views":[[false,"form"]]}`, ids[0])},
		{"res.partner", "search_count", list{list{list{"name", "ilike", "(copy)"}}}, "0"},
	} {
		if got := s.ask(c.model, c.method, c.args...); got != c.want {
			t.Errorf("%d, %s: %s, want %s", i, c.method, got, c.want)
		}
	}
	var copies []object
	if err := json.Unmarshal([]byte(s.ask("res.partner", "copy_data", list{ids[0], ids[2]}, object{"city": "Rome"})), &copies); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"map[category_id:[[6 0 [" + fmt.Sprint(tag) + "]]] city:Rome name:Ada Q (copy)]", "map[category_id:[[6 0 []]] city:Rome name:Cid Q (copy)]"} {
		if got := fmt.Sprint(object{"name": copies[i]["name"], "city": copies[i]["city"], "category_id": copies[i]["category_id"]}); got != want {
			t.Errorf("copy %d: %s, want %s", i, got, want)
		}
	}
}
