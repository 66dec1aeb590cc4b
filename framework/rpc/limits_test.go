package rpc_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
)

// strictSite answers nothing that takes longer than a time, or is large.
func strictSite(t *testing.T, timeout time.Duration) *site {
	t.Helper()
	db := ormtest.DB(t, base.Addon(), machines())
	log := &journal{}
	srv, err := server.New(db, server.Config{Database: "shop", Logger: slog.New(slog.NewTextHandler(log, nil)), Timeout: timeout, MaxBody: 1 << 20,
		Auth: server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	l := httptest.NewServer(srv)
	t.Cleanup(l.Close)
	return &site{t, db, l.URL, log}
}

// A call that makes the database work too long is answered with an error in
// time; neither the connection nor the database goes on with it.
func TestSlowQueries(t *testing.T) {
	t.Parallel()
	s := strictSite(t, time.Second)
	a := s.post(http.DefaultClient, "/jsonrpc", map[string]any{"service": "object", "method": "execute_kw", "args": []any{"shop", 2, "admin", "test.machine", "action_sleep", []any{[]any{}}}})
	wantError(t, a, 0, "odoo.exceptions.UserError", "took too long")
	deadline := time.Now().Add(10 * time.Second)
	for {
		var running int
		s.run(func(env *orm.Env) (err error) {
			running, err = orm.Row[int](env, orm.SQL("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()").NoModels())
			return err
		})
		if running == 0 && s.db.Stats().InUse == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d statements go on, %d connections are in use", running, s.db.Stats().InUse)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := s.ask("test.machine", "search_count", []any{}); got != "0" {
		t.Errorf("afterwards: %s", got)
	}
}

// Requests that are too large or nested too deep are refused before they cost
// anything.
func TestLargeRequests(t *testing.T) {
	t.Parallel()
	s := strictSite(t, time.Minute)
	call := func(args string) string {
		return `{"jsonrpc":"2.0","id":1,"params":{"service":"object","method":"execute_kw","args":["shop",2,"admin","res.partner",` + args + `]}}`
	}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, c := range map[string]struct {
		path, body string
		status     int
		text       string
	}{
		"a large body":             {"/jsonrpc", call(`"search",[[["name","=","` + strings.Repeat("x", 1<<20) + `"]]]`), 413, "larger than"},
		"a large body in XML":      {"/xmlrpc/2/common", strings.Repeat("x", 1<<20+1), 413, "larger than"},
		"JSON nested too deep":     {"/jsonrpc", call(deep(20000)), 400, "Invalid JSON"},
		"values nested deep":       {"/jsonrpc", call(`"create",[{"name":` + deep(5000) + `}]`), 400, "nested too deep"},
		"values nested":            {"/jsonrpc", call(`"create",[{"name":` + deep(400) + `}]`), 200, ""},
		"a domain nested deep":     {"/jsonrpc", call(`"search",[[` + strings.Repeat(`["child_ids","any",[`, 200) + strings.Repeat(`]]`, 200) + `]]`), 200, "nested too deep"},
		"a domain of many parts":   {"/jsonrpc", call(`"search_count",[[` + strings.Repeat(`"!",`, 60000) + `["id","=",1]]]`), 200, "error"},
		"a path of many fields":    {"/jsonrpc", call(`"search",[[["` + strings.Repeat("parent_id.", 3000) + `name","=","x"]]]`), 200, "error"},
		"a path of many fields, 2": {"/jsonrpc", call(`"export_data",[[1],["` + strings.Repeat("parent_id/", 3000) + `name"]]`), 200, ""},
		"an order of many fields":  {"/jsonrpc", call(`"search",[[]],{"order":"` + strings.Repeat("name,", 20000) + `id"}`), 200, ""},
		"lines nested deep":        {"/jsonrpc", call(`"create",[` + strings.Repeat(`{"name":"x","child_ids":[[0,0,`, 60) + `{"name":"x"}` + strings.Repeat(`]]}`, 60) + `]`), 200, ""},
		"a deep specification":     {"/jsonrpc", call(`"web_read",[[1],` + strings.Repeat(`{"parent_id":{"fields":`, 250) + `{}` + strings.Repeat(`}}`, 250) + `]`), 200, ""},
	} {
		status, text := s.send(http.DefaultClient, c.path, "application/json", c.body)
		if status != c.status || !strings.Contains(text, c.text) || strings.Contains(text, "Internal error") {
			t.Errorf("%s: %d %.300s", name, status, text)
		}
	}
	if log := s.log.String(); strings.Contains(log, "panic") {
		t.Errorf("the log: %.2000s", log)
	}
}
