package rpc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
)

// machine is a model whose methods misbehave.
type machine struct {
	orm.Record `orm:"test.machine" label:"Machine"`
	Name       string `orm:"name,required"`
}

var (
	breakDown = orm.Method[machine]{Name: "action_break"}
	panicking = orm.Method[machine]{Name: "action_panic"}
	half      = orm.Method[machine]{Name: "action_half"}
	inside    = orm.Method[machine]{Name: "_action_inside"}
	sleep     = orm.Method[machine]{Name: "action_sleep"}
	window    = orm.Method[machine]{Name: "action_window"}
	nothing   = orm.Method[machine]{Name: "action_nothing"}
	guarded   = orm.Method[machine]{Name: "action_guarded", Groups: []string{"base.group_system"}}
)

func machines() module.Addon {
	return module.Addon{Name: "machines", Version: "19.0.1.0.0", Depends: []string{"base"}, Data: []string{"ir.model.access.csv"}, FS: fstest.MapFS{"ir.model.access.csv": {Data: []byte(
		"id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink\naccess_machine,machine,model_test_machine,base.group_user,1,1,1,1\n")}}, Define: func(r *orm.Registry) {
		d := orm.Define[machine](r)
		orm.Implement(d, breakDown, func(*orm.Env, []*machine, orm.Args) (any, error) { return nil, errors.New("password=hunter2") })
		orm.Implement(d, panicking, func(*orm.Env, []*machine, orm.Args) (any, error) { panic("hunter2") })
		orm.Implement(d, half, func(env *orm.Env, ms []*machine, _ orm.Args) (any, error) {
			if err := orm.RecordsOf(env, ms...).Write(orm.Values{"name": "half done"}); err != nil {
				return nil, err
			}
			return nil, orm.UserErrorf("The machine is stuck.")
		})
		done := func(*orm.Env, []*machine, orm.Args) (any, error) { return "done", nil }
		orm.Implement(d, inside, done)
		orm.Implement(d, sleep, func(env *orm.Env, _ []*machine, _ orm.Args) (any, error) {
			_, err := env.Exec(orm.SQL("SELECT pg_sleep(60)").NoModels())
			return nil, err
		})
		orm.Implement(d, window, func(*orm.Env, []*machine, orm.Args) (any, error) {
			var ids []int64
			return map[string]any{"type": "ir.actions.act_window", "view_mode": "list, form", "domain": orm.Leaf("id", "in", ids)}, nil
		})
		orm.Implement(d, nothing, func(*orm.Env, []*machine, orm.Args) (any, error) { return map[string]any{}, nil })
		orm.Implement(d, guarded, done)
	}}
}

type site struct {
	t   *testing.T
	db  *orm.DB
	url string
	log *journal
}

func newSite(t *testing.T) *site {
	t.Helper()
	db := ormtest.DB(t, base.Addon(), machines())
	now := time.Now() // stands, so that tries fall into one minute on a slow machine too
	db.Now = func() time.Time { return now }
	log := &journal{}
	srv, err := server.New(db, server.Config{Database: "shop", Logger: slog.New(slog.NewTextHandler(log, nil)),
		Auth: server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	l := httptest.NewServer(srv)
	t.Cleanup(l.Close)
	return &site{t, db, l.URL, log}
}

func (s *site) run(fn func(env *orm.Env) error) {
	s.t.Helper()
	if err := s.db.Run(s.t.Context(), orm.System(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// send posts a body and reads the answer.
func (s *site) send(client *http.Client, path, kind, body string, header ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

type answer struct {
	Version string `json:"jsonrpc"`
	ID      any    `json:"id"`
	Result  any    `json:"result"`
	Error   *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    struct {
			Name      string         `json:"name"`
			Message   string         `json:"message"`
			Arguments []any          `json:"arguments"`
			Debug     string         `json:"debug"`
			Context   map[string]any `json:"context"`
		} `json:"data"`
	} `json:"error"`
}

// post is a JSON-RPC request.
func (s *site) post(client *http.Client, path string, params any) answer {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "call", "id": 7, "params": params})
	if err != nil {
		s.t.Fatal(err)
	}
	status, text := s.send(client, path, "application/json", string(body))
	var a answer
	if err := json.Unmarshal([]byte(text), &a); err != nil || status != 200 || a.Version != "2.0" {
		s.t.Fatalf("%s: %d %s", path, status, text)
	}
	return a
}

// execute is execute_kw as the administrator.
func (s *site) execute(model, method string, args ...any) answer {
	s.t.Helper()
	return s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": "object", "method": "execute_kw", "args": []any{"shop", 2, "admin", model, method, args}})
}

func wantError(t *testing.T, a answer, code int, name, message string) {
	t.Helper()
	if a.Error == nil {
		t.Fatalf("no error but %v", a.Result)
	}
	if a.Error.Code != code || a.Error.Data.Name != name || !strings.Contains(a.Error.Data.Message, message) {
		t.Fatalf("error %+v, want %d %s %q", a.Error, code, name, message)
	}
}

func TestSessionsOfPrograms(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	call := map[string]any{"model": "res.users", "method": "search_read", "args": []any{[]any{}, []any{"login"}}, "kwargs": map[string]any{"limit": 1, "context": map[string]any{}}}
	wantError(t, s.post(client, "/web/dataset/call_kw", call), 100, "odoo.http.SessionExpiredException", "Session expired")
	wantError(t, s.post(client, "/web/session/get_session_info", nil), 100, "odoo.http.SessionExpiredException", "")
	wantError(t, s.post(client, "/web/session/authenticate", map[string]any{"db": "shop", "login": "admin", "password": "no"}), 0, "odoo.exceptions.AccessDenied", "")
	info := s.post(client, "/web/session/authenticate", map[string]any{"db": "shop", "login": "admin", "password": "admin"})
	if r, _ := info.Result.(map[string]any); r["uid"] != 2.0 || r["username"] != "admin" || r["db"] != "shop" {
		t.Fatalf("authenticate: %+v", info)
	}
	for _, path := range []string{"/web/dataset/call_kw", "/web/dataset/call_kw/res.users/search_read"} {
		if a := s.post(client, path, call); fmt.Sprint(a.Result) != "[map[id:2 login:admin]]" || a.ID != 7.0 {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if a := s.post(client, "/web/dataset/call_button", call); a.Result != false {
		t.Errorf("a button that answers no action: %+v", a)
	}
	// A page of another site may not use the session.
	body := `{"jsonrpc":"2.0","params":{"model":"res.users","method":"search","args":[[]],"kwargs":{}}}`
	if status, text := s.send(client, "/web/dataset/call_kw", "application/json", body, "Sec-Fetch-Site", "cross-site"); status != 403 {
		t.Errorf("from another site: %d %s", status, text)
	}
	if a := s.post(client, "/web/session/destroy", nil); a.Error != nil || a.Result != nil {
		t.Errorf("destroy: %+v", a)
	}
	wantError(t, s.post(client, "/web/session/check", nil), 100, "odoo.http.SessionExpiredException", "")
}

// Whatever is sent, the answer is one of the protocol, and says nothing about
// the inside.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, body := range []string{``, `nonsense`, `[]`, `"x"`, `1`, `null`, `{"params":`, `[{"jsonrpc":"2.0"}]`, strings.Repeat("[", 100000)} {
		if status, text := s.send(http.DefaultClient, "/jsonrpc", "application/json", body); status != 400 {
			t.Errorf("%.20s: %d %s", body, status, text)
		}
	}
	if status, _ := s.send(http.DefaultClient, "/jsonrpc", "text/plain", `{}`); status != 415 {
		t.Errorf("as text: %d", status)
	}
	object := func(args string) string {
		return `{"service":"object","method":"execute_kw","args":["shop",2,"admin"` + args + `]}`
	}
	for _, params := range []string{`{}`, `null`, `[]`, `7`, `{"service":"common","method":"login","args":{}}`, `{"service":"common","method":"login","args":[]}`,
		`{"service":"x","method":"y","args":[]}`, `{"service":"common","method":"y","args":[]}`, `{"service":"db","method":"drop","args":["shop"]}`,
		`{"service":"object","method":"execute_kw","args":[]}`, `{"service":"object","method":"x","args":["shop",2,"admin","res.partner","search",[[]]]}`,
		`{"service":"object","method":"execute_kw","args":["other",2,"admin","res.partner","search",[[]]]}`,
		`{"service":"object","method":"execute_kw","args":["shop",{},"admin","res.partner","search",[[]]]}`,
		object(``), object(`,7,8`), object(`,"res.partner","search",7`), object(`,"res.partner","search",[],7`), object(`,"res.partner","search",[{"a":1}]`),
		object(`,"res.partner","search",[[["name"]]]`), object(`,"res.partner","search",[["!"]]`),
		object(`,"res.partner","search",[[]],{"limit":"x"}`), object(`,"res.partner","search",[[]],{"offset":-1}`),
		object(`,"res.partner","read",[["a"],["name"]]`), object(`,"res.partner","read",[[1e400],["name"]]`), object(`,"res.partner","create",[7]`),
		object(`,"res.partner","create",[{"name":"x","child_ids":{"a":1}}]`),
		object(`,"res.partner","write",[[1],7]`), object(`,"res.partner","read_group",[[],["x:y(z"],["name"]]`), object(`,"res.partner","read_group",[[],[],7]`),
		object(`,"res.partner","web_read",[[1],7]`), object(`,"res.partner","web_search_read",[],{"specification":[]}`), object(`,"res.partner","load",[["name"],7]`),
		object(`,"res.partner","export_data",[[1],7]`), object(`,"res.partner","fields_get",[7]`), object(`,"res.partner","name_search",[],{"limit":{}}`),
		object(`,"ir.model","search",[[]],{"context":7}`), object(`,"__proto__","search",[[]]`), object(`,"res.partner","__init__",[]`), object(`,"res.partner",";drop",[]`)} {
		status, text := s.send(http.DefaultClient, "/jsonrpc", "application/json", `{"jsonrpc":"2.0","id":"q","params":`+params+`}`)
		var a answer
		if err := json.Unmarshal([]byte(text), &a); err != nil || status != 200 || a.ID != "q" || a.Error == nil {
			t.Errorf("%s: %d %s", params, status, text)
			continue
		}
		d := a.Error.Data
		if a.Error.Code != 0 || a.Error.Message != "Odoo Server Error" || d.Name == "" || d.Debug == "" || d.Arguments == nil || d.Context == nil || strings.Contains(text, "goroutine") || strings.Contains(text, ".go:") {
			t.Errorf("%s: %s", params, text)
		}
		if d.Name == "builtins.Exception" && strings.HasPrefix(d.Message, "Internal error") {
			t.Errorf("%s: an internal error:\n%s", params, s.log)
		}
	}
}

// A call that fails leaves nothing behind, and tells users nothing but a number
// of what was not meant for them.
func TestFailedCalls(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.execute("test.machine", "create", map[string]any{"name": "Press"}).Result
	wantError(t, s.execute("test.machine", "action_half", []any{id}), 0, "odoo.exceptions.UserError", "The machine is stuck.")
	if a := s.execute("test.machine", "read", []any{id}, []any{"name"}); fmt.Sprint(a.Result) != fmt.Sprintf("[map[id:%v name:Press]]", id) {
		t.Errorf("half of the call stays: %v", a.Result)
	}
	for _, method := range []string{"action_break", "action_panic"} {
		a := s.execute("test.machine", method, []any{id})
		wantError(t, a, 0, "builtins.Exception", "Internal error (")
		if raw, _ := json.Marshal(a); strings.Contains(string(raw), "hunter2") {
			t.Errorf("%s: the cause is told: %s", method, raw)
		}
		_, number, _ := strings.Cut(a.Error.Data.Message, "(")
		number, _, _ = strings.Cut(number, ")")
		if !strings.Contains(s.log.String(), number) {
			t.Errorf("%s: the log does not have %s", method, number)
		}
	}
	if strings.Count(s.log.String(), "hunter2") != 2 {
		t.Errorf("the log: %s", s.log)
	}
	wantError(t, s.execute("test.machine", "_action_inside", []any{id}), 0, "odoo.exceptions.AccessError", "_action_inside")
	if a := s.execute("test.machine", "action_guarded", []any{id}); a.Result != "done" {
		t.Errorf("the administrator: %+v", a)
	}
	s.execute("res.users", "create", map[string]any{"name": "Clerk", "login": "clerk", "password": "clerk"})
	clerk := s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": "common", "method": "login", "args": []any{"shop", "clerk", "clerk"}}).Result
	a := s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": "object", "method": "execute_kw", "args": []any{"shop", clerk, "clerk", "test.machine", "action_guarded", []any{[]any{id}}}})
	wantError(t, a, 0, "odoo.exceptions.AccessError", "action_guarded")
}

// Guessing passwords ends after some tries, even with the right one.
func TestGuessing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	try := func(password string) any {
		return s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": "common", "method": "login", "args": []any{"shop", "admin", password}}).Result
	}
	if try("admin") != 2.0 {
		t.Fatal("the password is refused")
	}
	for i := range 50 {
		if try(fmt.Sprint(i)) != false {
			t.Fatal("a wrong password is taken")
		}
	}
	if got := try("admin"); got != false {
		t.Errorf("after 50 wrong passwords: %v", got)
	}
}

func TestJSON2(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var key string
	s.run(func(env *orm.Env) (err error) {
		key, err = base.GenerateAPIKey(env.WithUser(2), "rpc", "test", time.Time{})
		return err
	})
	call := func(path, body string) (int, any) {
		status, text := s.send(http.DefaultClient, path, "application/json", body, "Authorization", "Bearer "+key)
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%s: %d %s", path, status, text)
		}
		return status, v
	}
	status, made := call("/json/2/res.partner/create", `{"vals_list":[{"name":"A"},{"name":"B","lang":"en_US"}]}`)
	ids, _ := made.([]any)
	if status != 200 || len(ids) != 2 {
		t.Fatalf("create: %d %v", status, made)
	}
	raw, _ := json.Marshal(ids)
	for _, c := range []struct {
		path, body string
		status     int
		want       any
	}{
		{"/json/2/res.partner/read", `{"ids":` + string(raw) + `,"fields":["name"]}`, 200, []any{map[string]any{"id": ids[0], "name": "A"}, map[string]any{"id": ids[1], "name": "B"}}},
		{"/json/2/res.partner/search", `{"domain":[["id","in",` + string(raw) + `]],"order":"name desc","limit":1}`, 200, []any{ids[1]}},
		{"/json/2/res.partner/write", `{"ids":` + string(raw) + `,"vals":{"active":false}}`, 200, true},
		{"/json/2/res.partner/search_count", `{"domain":[["id","in",` + string(raw) + `]]}`, 200, 0.0},
		{"/json/2/res.partner/search_count", `{"domain":[["id","in",` + string(raw) + `]],"context":{"active_test":false}}`, 200, 2.0},
	} {
		if status, got := call(c.path, c.body); status != c.status || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %s: %d %v, want %v", c.path, c.body, status, got, c.want)
		}
	}
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/json/2/no.such.model/read", `{}`, 404},
		{"/json/2/res.partner/no_such_method", `{"ids":[1]}`, 404},
		{"/json/2/test.machine/_action_inside", `{"ids":[]}`, 403},
		{"/json/2/res.partner/write", `{"ids":[999999999],"vals":{"name":"x"}}`, 404},
		{"/json/2/test.machine/action_break", `{"ids":[]}`, 500},
		{"/json/2/res.partner/search", `{"domain":[["no_such","=",1]]}`, 422},
		{"/json/2/res.partner/read", `nonsense`, 400},
		{"/json/2/res.partner/read", `[1]`, 400},
		{"/json/2/res.partner/search", `{"ids":[1],"domain":[]}`, 422},
		{"/json/2/res.partner/search", `{"no_such":1,"domain":[]}`, 422},
		{"/json/2/res.partner/read", `{"ids":["x"]}`, 422},
		{"/json/2/res.partner/search", `{"domain":[],"context":{"allowed_company_ids":[99]}}`, 403},
	} {
		status, got := call(c.path, c.body)
		data, _ := got.(map[string]any)
		if status != c.status || data["name"] == nil || data["message"] == nil || data["arguments"] == nil {
			t.Errorf("%s %s: %d %v", c.path, c.body, status, got)
		}
	}
	key = "00" + key[2:]
	if status, _ := call("/json/2/res.partner/search", `{}`); status != 401 {
		t.Errorf("with a wrong key: %d", status)
	}
}

func TestXMLRPC(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	send := func(service, method, params string) (int, string) {
		return s.send(http.DefaultClient, "/xmlrpc/2/"+service, "text/xml", `<?xml version="1.0"?><methodCall><methodName>`+method+`</methodName>`+params+`</methodCall>`)
	}
	status, text := send("common", "authenticate", `<params><param><value>shop</value></param><param><value><string>admin</string></value></param>
		<param><value><string>admin</string></value></param><param><value><struct/></value></param></params>`)
	if status != 200 || !strings.Contains(text, "<param>\n<value><int>2</int></value>\n</param>") {
		t.Errorf("authenticate: %d %s", status, text)
	}
	search := func(domain string) (int, string) {
		return send("object", "execute_kw", `<params><param><value>shop</value></param><param><value><int>2</int></value></param><param><value>admin</value></param>
			<param><value>res.users</value></param><param><value>search</value></param><param><value><array><data><value>`+domain+`</value></data></array></value></param></params>`)
	}
	if status, text := search(`<array><data><value><array><data><value>login</value><value>=</value><value>admin</value></data></array></value></data></array>`); status != 200 || !strings.Contains(text, "<array><data>\n<value><int>2</int></value>\n</data></array>") {
		t.Errorf("search: %d %s", status, text)
	}
	if status, text := search(`<array><data><value>nonsense</value></data></array>`); status != 200 || !strings.Contains(text, "<name>faultCode</name>\n<value><int>1</int></value>") {
		t.Errorf("a wrong domain: %d %s", status, text)
	}
	for _, bad := range []string{"", "x", "<a/>", "<methodCall/>", "<methodCall><methodName>version</methodName>", "<methodCall><methodName>v</methodName><params><param><value><int>x</int></value></param></params></methodCall>",
		`<!DOCTYPE x [<!ENTITY a "aaaa">]><methodCall><methodName>&a;</methodName></methodCall>`,
		"<methodCall><methodName>v</methodName><params><param>" + strings.Repeat("<value><array><data>", 50000)} {
		if status, text := s.send(http.DefaultClient, "/xmlrpc/2/common", "text/xml", bad); status != 400 {
			t.Errorf("%.40s: %d %s", bad, status, text)
		}
	}
	if status, text := send("nothing", "version", ""); status != 200 || !strings.Contains(text, "fault") {
		t.Errorf("no such service: %d %s", status, text)
	}
}

// A client's context cannot switch on what only the program itself may.
func TestContextOfClients(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	keys := map[string]any{"import_magic": true, "defer_checks": true, "uninstall": true, "install_mode": true, "trial": map[string]any{}, "_import_current_module": "base", "sudo": true, "su": true}
	a := s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": "object", "method": "execute_kw", "args": []any{"shop", 2, "admin", "res.partner", "create",
		[]any{map[string]any{"name": "x", "create_date": "2001-01-01 00:00:00", "create_uid": 1}}, map[string]any{"context": keys}}})
	row := s.execute("res.partner", "read", []any{a.Result}, []any{"create_date", "create_uid"})
	if text := fmt.Sprint(row.Result); strings.Contains(text, "2001") || !strings.Contains(text, "create_uid:[2 ") {
		t.Errorf("a client forges %s", text)
	}
	a = s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": "object", "method": "execute_kw", "args": []any{"shop", 2, "admin", "res.partner", "create",
		[]any{map[string]any{"is_company": true}}, map[string]any{"context": keys}}})
	wantError(t, a, 0, "odoo.exceptions.ValidationError", "name")
}
