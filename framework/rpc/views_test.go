package rpc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// Views are told with what extends them, and without what the user may not see.
func TestViews(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var base, clerk int64
	s.run(func(env *orm.Env) error {
		add := func(vals orm.Values) (int64, error) {
			vals["name"], vals["model"] = "test", "res.partner.category"
			made, err := env.Model("ir.ui.view").Create(vals)
			return made.ID(), err
		}
		var err error
		if base, err = add(orm.Values{"priority": 1, "arch_db": `<form string="A &amp; B"><field name="name"/><p groups="base.group_system">for few</p>` +
			`<p groups="!base.group_system">for many</p><field name="child_ids"><list><field name="color"/></list></field></form>`}); err != nil {
			return err
		}
		if _, err = add(orm.Values{"inherit_id": base, "mode": "extension", "arch_db": `<field name="name" position="after"><field name="active"/></field>`}); err != nil {
			return err
		}
		group, err := env.Ref("base.group_user")
		if err != nil {
			return err
		}
		user, err := env.Model("res.users").Create(orm.Values{"name": "Clerk", "login": "clerk", "password": "clerk", "group_ids": group.IDs})
		clerk = user.ID()
		return err
	})
	as := func(uid int64, password, model, method string, args ...any) (out map[string]any, failure string) {
		a := s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": "object", "method": "execute_kw", "args": []any{"shop", uid, password, model, method, args}})
		if a.Error != nil {
			return nil, a.Error.Data.Name
		}
		out, _ = a.Result.(map[string]any)
		return out, ""
	}
	const tag = "res.partner.category"
	for uid, text := range map[int64]string{2: "for few", clerk: "for many"} {
		password := map[int64]string{2: "admin", clerk: "clerk"}[uid]
		v, failure := as(uid, password, tag, "get_view", nil, "form")
		want := `<form string="A &amp; B"><field name="name"/><field name="active"/><p>` + text + `</p><field name="child_ids"><list><field name="color"/></list></field></form>`
		if failure != "" || v["arch"] != want || v["id"] != float64(base) || v["model"] != tag {
			t.Errorf("user %d: %s %v, want %s", uid, failure, v, want)
		}
		if got, _ := json.Marshal(v["models"]); string(got) != `{"res.partner.category":["active","child_ids","color","id","name","write_date"]}` {
			t.Errorf("user %d: models %s", uid, got)
		}
	}
	all, failure := as(2, "admin", tag, "get_views", []any{[]any{false, "list"}, []any{base, "form"}, []any{false, "search"}}, map[string]any{"toolbar": true})
	views, _ := all["views"].(map[string]any)
	models, _ := all["models"].(map[string]any)
	category, _ := models[tag].(map[string]any)
	fields, _ := category["fields"].(map[string]any)
	if failure != "" || len(views) != 3 || fields["color"] == nil || fields["parent_id"] == nil {
		t.Fatalf("%s %v", failure, all)
	}
	for kind, v := range views {
		if arch := fmt.Sprint(v.(map[string]any)["arch"]); !strings.HasPrefix(arch, "<"+kind) {
			t.Errorf("%s: %s", kind, arch)
		}
	}
	if made, _ := as(2, "admin", "test.machine", "get_view", false, "tree"); made["id"] != false || made["arch"] != `<list><field name="name"/></list>` {
		t.Errorf("a view made of the fields: %v", made)
	}
	for _, c := range []struct {
		model string
		args  []any
		want  string
	}{{tag, []any{false, "hologram"}, "builtins.ValueError"}, {tag, []any{"x", "form"}, "builtins.TypeError"}, {tag, []any{999999999, "form"}, "odoo.exceptions.MissingError"},
		{tag, []any{base, "list"}, "odoo.exceptions.UserError"}} {
		if _, failure := as(2, "admin", c.model, "get_view", c.args...); failure != c.want {
			t.Errorf("%v: %s, want %s", c.args, failure, c.want)
		}
	}
	if _, failure := as(clerk, "clerk", "ir.rule", "get_view", false); failure != "odoo.exceptions.AccessError" {
		t.Errorf("a view of a closed model: %s", failure)
	}
	if _, failure := as(2, "admin", tag, "get_views", "form"); failure != "builtins.TypeError" {
		t.Errorf("no list of views: %s", failure)
	}
	partner, failure := as(clerk, "clerk", "res.partner", "get_view", false, "form")
	shown, _ := partner["models"].(map[string]any)
	if list := fmt.Sprint(shown["res.partner"]); failure != "" || slices.Contains(strings.Fields(list), "signup_type") {
		t.Errorf("%s %s", failure, list)
	}
}
