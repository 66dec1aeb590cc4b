package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fusionsoft.ca/fusion/framework/cli"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/route"
)

// browser speaks JSON-RPC with a session.
type browser struct {
	t    *testing.T
	url  string
	http http.Client
}

func (b *browser) call(path string, params any) (json.RawMessage, string) {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "call", "params": params})
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := b.http.Post(b.url+path, "application/json", bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  *struct{ Data struct{ Message string } }
	}
	raw, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	if err != nil {
		b.t.Fatalf("%s: %v: %s", path, err, raw)
	}
	if answer.Error != nil {
		return nil, answer.Error.Data.Message
	}
	return answer.Result, ""
}

func (b *browser) kw(model, method string, args ...any) (json.RawMessage, string) {
	b.t.Helper()
	return b.call("/web/dataset/call_kw/"+model+"/"+method, map[string]any{"model": model, "method": method, "args": args, "kwargs": map[string]any{}})
}

// must is kw for a call that is to succeed.
func (b *browser) must(out any, model, method string, args ...any) {
	b.t.Helper()
	raw, failure := b.kw(model, method, args...)
	if failure != "" {
		b.t.Fatalf("%s.%s: %s", model, method, failure)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) module(name string) (id int64, state, problem string) {
	b.t.Helper()
	var rows []struct {
		ID        int64
		State     string
		LastError any `json:"last_error"`
	}
	b.must(&rows, "ir.module.module", "search_read", []any{[]any{"name", "=", name}}, []any{"state", "last_error"})
	if len(rows) != 1 {
		b.t.Fatalf("%d modules are named %s", len(rows), name)
	}
	if s, ok := rows[0].LastError.(string); ok {
		problem = s
	}
	return rows[0].ID, rows[0].State, problem
}

// status is how an address is answered.
func (b *browser) status(method, path string) int {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.URL.Opaque = path // as it is, dots included
	res, err := b.http.Transport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// doors is an addon that answers for itself.
func doors() module.Addon {
	return module.Addon{Name: "doors", Title: "Doors", Version: "19.0.1.0.0", Depends: []string{"base"},
		FS: fstest.MapFS{"static/sign.txt": {Data: []byte("open")}, "static/inner/a.txt": {}, "secret.txt": {}},
		Routes: []route.Route{{Path: "/doors/{which}", Access: route.Public, Handler: func(_ *orm.Env, r *route.Request) (*route.Answer, error) {
			return route.Text(http.StatusOK, r.Vars["which"]), nil
		}}}}
}

// TestAppsWhileServing installs and uninstalls from the Apps page of a running
// server, and by another process beside it. Who asked finds it done with the
// next request.
func TestAppsWhileServing(t *testing.T) {
	t.Parallel()
	url := ormtest.URL(t)
	quiet := slog.New(slog.DiscardHandler)
	app := program()
	broken := module.Addon{Name: "broken", Title: "Broken", Version: "19.0.1.0.0", Depends: []string{"base"}, Data: []string{"missing.xml"}}
	app.Addons = append(app.Addons, broken, doors())
	set := cli.Settings{URL: url, DataDir: t.TempDir(), HTTP: "127.0.0.1:0", Cron: true, Jobs: true, Workers: 1, Logger: quiet}
	sys, err := cli.Open(t.Context(), app, set, []string{"base"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := sys.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	b := &browser{t: t, url: sys.Address, http: http.Client{Jar: jar, Timeout: time.Minute, Transport: http.DefaultTransport}}
	if _, failure := b.call("/web/session/authenticate", map[string]any{"db": sys.Name(), "login": "admin", "password": "admin"}); failure != "" {
		t.Fatal(failure)
	}
	var n int
	if _, failure := b.kw("product.category", "search_count", []any{}); failure != "404: Not Found" {
		t.Errorf("product.category before it is installed: %q", failure)
	}

	// What an addon answers is there while it is installed, and no longer.
	if got := b.status("POST", "/woo/webhook/order"); got != http.StatusNotFound {
		t.Errorf("a webhook without its addon: %d", got)
	}
	answers := func(when string, want int) {
		t.Helper()
		for _, path := range []string{"/doors/front", "/doors/static/sign.txt"} {
			if got := b.status("GET", path); got != want {
				t.Errorf("%s, %s: %d, want %d", path, when, got, want)
			}
		}
	}
	answers("before it is installed", http.StatusNotFound)
	id, _, _ := b.module("doors")
	var action map[string]any
	b.must(&action, "ir.module.module", "button_immediate_install", []any{id})
	answers("while it is installed", http.StatusOK)
	for _, path := range []string{"/doors/static/", "/doors/static/inner", "/doors/static/missing"} {
		if got := b.status("GET", path); got != http.StatusNotFound {
			t.Errorf("%s: %d", path, got)
		}
	}
	b.must(&action, "ir.module.module", "button_uninstall_wizard", []any{id})
	b.must(&action, "base.module.uninstall", "action_uninstall", []any{action["res_id"]})
	answers("after it is uninstalled", http.StatusNotFound)

	id, state, _ := b.module("product")
	if state != "uninstalled" {
		t.Fatalf("product is %s", state)
	}
	b.must(&action, "ir.module.module", "button_immediate_install", []any{id})
	if b.must(&n, "product.category", "search_count", []any{}); n == 0 {
		t.Error("the data of product is not there")
	}
	if _, failure := b.kw("ir.module.module", "button_immediate_install", []any{id}); !strings.Contains(failure, "is installed already") {
		t.Errorf("installing twice: %q", failure)
	}

	// What fails is told, and everything goes on.
	id, _, _ = b.module("broken")
	b.must(&action, "ir.module.module", "button_immediate_install", []any{id})
	if _, state, problem := b.module("broken"); state != "uninstalled" || !strings.Contains(problem, "missing.xml") {
		t.Errorf("broken is %s: %s", state, problem)
	}

	// The wizard says what goes, and takes along what depends on it.
	id, _, _ = b.module("uom")
	b.must(&action, "ir.module.module", "button_uninstall_wizard", []any{id})
	var impact []struct{ Impact string }
	b.must(&impact, "base.module.uninstall", "read", []any{action["res_id"]}, []any{"impact"})
	if len(impact) != 1 || !strings.Contains(impact[0].Impact, "addons: product, uom\n") || !strings.Contains(impact[0].Impact, "product_category") {
		t.Errorf("impact %+v", impact)
	}
	b.must(&action, "base.module.uninstall", "action_uninstall", []any{action["res_id"]})
	for _, name := range []string{"uom", "product"} {
		if _, state, problem := b.module(name); state != "uninstalled" || problem != "" {
			t.Errorf("%s is %s: %s", name, state, problem)
		}
	}
	if _, failure := b.kw("product.category", "search_count", []any{}); failure != "404: Not Found" {
		t.Errorf("product.category after it is uninstalled: %q", failure)
	}
	id, _, _ = b.module("base")
	if _, failure := b.kw("ir.module.module", "button_immediate_uninstall", []any{id}); !strings.Contains(failure, "drop the database instead") {
		t.Errorf("uninstalling base: %q", failure)
	}

	// Another process installs; this one follows.
	other, err := module.Open(t.Context(), url, app.Addons)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.Logger = quiet
	if _, err := module.Install(t.Context(), other, app.Addons, []string{"uom"}, module.Options{Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		raw, failure := b.kw("uom.uom", "search_count", []any{})
		if failure == "" && string(raw) != "0" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not follow: %s", failure)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
