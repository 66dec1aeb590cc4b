package rpc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// visitor is a client with cookies.
func visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// login opens a session and gives what the server tells of it.
func (s *site) login(client *http.Client, login, password string) map[string]any {
	s.t.Helper()
	a := s.post(client, "/web/session/authenticate", map[string]any{"db": "shop", "login": login, "password": password})
	info, ok := a.Result.(map[string]any)
	if !ok {
		s.t.Fatalf("%s: %+v", login, a.Error)
	}
	return info
}

// A session tells people of the company more than others.
func TestSessionInfo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var main, other int64
	s.run(func(env *orm.Env) error {
		company, err := env.Model("res.company").Create(orm.Values{"name": "Second", "sequence": 7})
		if err != nil {
			return err
		}
		main, other = 1, company.ID()
		for login, group := range map[string]string{"clerk": "base.group_user", "guest": "base.group_portal", "manager": "base.group_erp_manager"} {
			g, err := env.Ref(group)
			if err != nil {
				return err
			}
			if _, err := env.Model("res.users").Create(orm.Values{"name": login, "login": login, "password": login, "group_ids": g.IDs,
				"company_id": main, "company_ids": []int64{main, other}}); err != nil {
				return err
			}
		}
		return nil
	})
	flags := func(info map[string]any) string {
		return fmt.Sprint(info["is_system"], info["is_admin"], info["is_internal_user"], info["user_companies"] != nil, info["currencies"] != nil)
	}
	for login, want := range map[string]string{"admin": "true true true true true", "manager": "false true true true true", "clerk": "false false true true true", "guest": "false false false false false"} {
		if got := flags(s.login(visitor(t), login, login)); got != want {
			t.Errorf("%s: %s, want %s", login, got, want)
		}
	}
	info := s.login(visitor(t), "clerk", "clerk")
	companies, _ := info["user_companies"].(map[string]any)
	allowed, _ := companies["allowed_companies"].(map[string]any)
	second, _ := json.Marshal(allowed[fmt.Sprint(other)])
	if want := fmt.Sprintf(`{"child_ids":[],"id":%d,"name":"Second","parent_id":false,"sequence":7}`, other); companies["current_company"] != float64(main) || len(allowed) != 2 || string(second) != want {
		t.Errorf("companies %v", companies)
	}
}

// The addresses of JSON-RPC beside the calls of methods.
func TestSessionAddresses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	client := visitor(t)
	s.login(client, "admin", "admin")
	ids := []int64{}
	s.run(func(env *orm.Env) error {
		found, err := env.Model("res.lang").Search(nil, orm.SearchOptions{Limit: 1})
		if err != nil {
			return err
		}
		made, err := env.Model("res.company").Create(orm.Values{"name": "A"}, orm.Values{"name": "B"})
		ids = append(made.IDs, found.IDs...)
		return err
	})
	order := map[string]any{"model": "res.company", "ids": []int64{ids[1], ids[0]}, "offset": 5}
	if a := s.post(client, "/web/dataset/resequence", order); a.Result != true {
		t.Fatalf("resequence: %+v", a.Error)
	}
	if got := s.ask("res.company", "read", []int64{ids[0], ids[1]}, []string{"sequence"}); got != fmt.Sprintf(`[{"id":%d,"sequence":6},{"id":%d,"sequence":5}]`, ids[0], ids[1]) {
		t.Errorf("resequenced: %s", got)
	}
	if a := s.post(client, "/web/dataset/resequence", map[string]any{"model": "res.company", "ids": ids, "field": "no_such"}); a.Result != false {
		t.Errorf("by no field: %+v", a)
	}
	wantError(t, s.post(client, "/web/dataset/resequence", map[string]any{"model": "no.such", "ids": ids}), 404, "werkzeug.exceptions.NotFound", "")
	wantError(t, s.post(client, "/web/dataset/resequence", map[string]any{"model": "res.company"}), 0, "builtins.TypeError", "ids")
	wantError(t, s.post(visitor(t), "/web/dataset/resequence", order), 100, "odoo.http.SessionExpiredException", "")
	if a := s.post(visitor(t), "/web/session/get_lang_list", nil); !strings.Contains(fmt.Sprint(a.Result), "[en_US English (US)]") {
		t.Errorf("languages: %+v", a)
	}
	for _, path := range []string{"/web/version", "/json/version"} {
		resp, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Version string
			Info    []any `json:"version_info"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&v); err != nil || !strings.HasPrefix(v.Version, "19.0") || len(v.Info) != 6 {
			t.Errorf("%s: %+v (%v)", path, v, err)
		}
		resp.Body.Close()
	}
	resp, err := client.Get(s.url + "/web/session/logout")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		t.Errorf("logout: %s", resp.Status)
	}
	wantError(t, s.post(client, "/web/session/check", nil), 100, "odoo.http.SessionExpiredException", "")
}

// A button answers an action with all that opens it, or false.
func TestButtons(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	client := visitor(t)
	s.login(client, "admin", "admin")
	press := func(method string, args ...any) string {
		a := s.post(client, "/web/dataset/call_button", map[string]any{"model": "test.machine", "method": method, "args": args, "kwargs": map[string]any{}})
		if a.Error != nil {
			return a.Error.Data.Name
		}
		raw, _ := json.Marshal(a.Result)
		return string(raw)
	}
	none := []any{}
	for method, want := range map[string]string{
		"action_guarded": "false",
		"action_window":  `{"domain":[["id","in",[]]],"type":"ir.actions.act_window","view_mode":"list, form","views":[[false,"list"],[false,"form"]]}`,
		"action_nothing": `{"type":"ir.actions.act_window_close"}`,
		"_action_inside": "odoo.exceptions.AccessError", "no_such": "builtins.AttributeError",
	} {
		if got := press(method, none); got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
	}
	for _, params := range []map[string]any{{}, {"model": nil}, {"model": "no.such", "method": "_x", "args": none, "kwargs": map[string]any{}}} {
		wantError(t, s.post(client, "/web/dataset/call_button", params), 404, "werkzeug.exceptions.NotFound", "")
	}
}

// What Odoo takes for a call of execute_kw, and what it does not.
func TestFormsOfCalls(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	call := func(args ...any) string {
		a := s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": "object", "method": "execute_kw", "args": append([]any{"shop"}, args...)})
		if a.Error != nil {
			return a.Error.Data.Name
		}
		return fmt.Sprint(a.Result)
	}
	domain := []any{[]any{[]any{"id", "=", 2}}}
	for _, c := range []struct {
		args []any
		want string
	}{
		{[]any{2, "admin", "res.users", "search_count", domain}, "1"}, {[]any{"2", "admin", "res.users", "search_count", domain}, "1"},
		{[]any{2.5, "admin", "res.users", "search_count", domain}, "1"}, {[]any{true, "admin", "res.users", "search_count", domain}, "odoo.exceptions.AccessDenied"},
		{[]any{nil, "admin", "res.users", "search_count", domain}, "builtins.TypeError"}, {[]any{"x", "admin", "res.users", "search_count", domain}, "builtins.ValueError"},
		{[]any{2, "admin", "res.users", "search_count", domain, nil}, "1"}, {[]any{2, "admin", "res.users", "search_count", domain, []any{}}, "1"},
		{[]any{2, "admin", "res.users", "search_count", domain, []any{1}}, "builtins.TypeError"}, {[]any{2, "admin", "res.users", "search_count", domain, map[string]any{}, 1}, "builtins.TypeError"},
		{[]any{2, "admin", "res.users", "fields_get"}, "builtins.TypeError"}, {[]any{2, "admin", nil, "search", domain}, "odoo.exceptions.UserError"},
		{[]any{2, "admin", "res.users", nil, domain}, "builtins.TypeError"}, {[]any{2, "admin", "res.users", "read", []any{}}, "builtins.IndexError"},
		{[]any{2, "admin", "res.users", "read", []any{[]any{-5}, []any{"name"}}}, "[]"}, {[]any{2, "admin", "res.users", "write", []any{[]any{}, nil}}, "builtins.TypeError"},
		{[]any{2, "admin", "res.users", "search_count", domain, map[string]any{"context": false}}, "1"}, {[]any{2, "admin", "res.users", "search_count", domain, map[string]any{"context": "x"}}, "builtins.TypeError"},
	} {
		if got := call(c.args...); got != c.want {
			t.Errorf("%v: %s, want %s", c.args, got, c.want)
		}
	}
	for _, c := range []struct {
		service, method string
		args            []any
		want            string
	}{
		{"common", "version", []any{1}, "builtins.TypeError"}, {"common", "about", []any{true}, "[Fusion, which answers as Odoo 19.0 does 19.0+fusion]"},
		{"common", "set_loglevel", []any{"debug"}, "true"}, {"db", "db_exist", []any{"shop"}, "true"}, {"db", "db_exist", []any{"shed"}, "false"}, {"db", "db_exist", nil, "builtins.TypeError"},
		{"db", "drop", []any{"x", "shop"}, "odoo.exceptions.AccessDenied"}, {"db", "drop", []any{}, "builtins.IndexError"}, {"db", "_list", []any{}, "builtins.KeyError"},
	} {
		if c.args == nil {
			c.args = []any{}
		}
		a := s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": c.service, "method": c.method, "args": c.args})
		got := fmt.Sprint(a.Result)
		if a.Error != nil {
			got = a.Error.Data.Name
		}
		if got != c.want {
			t.Errorf("%s.%s%v: %s, want %s", c.service, c.method, c.args, got, c.want)
		}
	}
}
