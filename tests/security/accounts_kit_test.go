package security

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
)

// house is a running program with people in it; a password is the login with
// "-password" behind it.
type house struct {
	t   *testing.T
	db  *orm.DB
	url string

	mu  sync.Mutex
	now time.Time
	ids map[string]int64 // users by login
}

// built makes a house with a user of each kind.
func built(t *testing.T, addons ...module.Addon) *house {
	t.Helper()
	h := &house{t: t, db: ormtest.DB(t, append([]module.Addon{base.Addon()}, addons...)...), now: time.Now(), ids: map[string]int64{"admin": 2}}
	h.db.Now = func() time.Time {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.now
	}
	auth := server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}
	srv, err := server.New(h.db, server.Config{Database: "house", Auth: auth, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	panels := map[string]route.Panel{}
	for _, a := range addons {
		maps.Copy(panels, a.Panels)
	}
	web.Mount(srv, web.Options{Name: "House", Panels: panels})
	l := httptest.NewServer(srv)
	t.Cleanup(l.Close)
	h.url = l.URL
	for login, group := range map[string]string{"portal": "base.group_portal", "clerk": "base.group_user", "rights": "base.group_erp_manager", "victim": "base.group_user"} {
		h.run(func(env *orm.Env) error {
			g, err := env.Ref(group)
			if err != nil {
				return err
			}
			made, err := env.Model("res.users").Create(orm.Values{"name": login, "login": login, "password": login + "-password", "group_ids": []orm.Command{orm.SetIDs(g.ID())}})
			h.ids[login] = made.ID()
			return err
		})
	}
	h.run(func(env *orm.Env) error {
		return env.Model("res.users").Browse(2).Write(orm.Values{"password": "admin-password"})
	})
	return h
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) run(fn func(env *orm.Env) error) {
	h.t.Helper()
	if err := h.db.Run(h.t.Context(), orm.System(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// rows are those of a statement, one text each.
func (h *house) rows(sql string, args ...any) (out []string) {
	h.t.Helper()
	h.run(func(env *orm.Env) error {
		rows, err := ormtest.Texts(env, sql, args...)
		for _, r := range rows {
			out = append(out, strings.Join(r, " | "))
		}
		return err
	})
	return out
}

// key makes an API key for a user, as its owner would.
func (h *house) key(login, scope string) (key string) {
	h.t.Helper()
	h.run(func(env *orm.Env) (err error) {
		key, err = base.GenerateAPIKey(env.WithUser(h.ids[login]).NoSudo(), scope, "a key", env.Now().Add(time.Hour))
		return err
	})
	return key
}

// visitor is somebody at an address, with cookies of their own.
type visitor struct {
	h    *house
	http *http.Client
}

// from makes a visitor at an address of the loopback network.
func (h *house) from(address string) *visitor {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	dial := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	tr := &http.Transport{DialContext: dial.DialContext}
	h.t.Cleanup(tr.CloseIdleConnections)
	return &visitor{h, &http.Client{Jar: jar, Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// reply is what came back: of JSON-RPC the result or the error.
type reply struct {
	status int
	text   string
	result any
	failed string // name and message of the error
}

func (v *visitor) send(path, kind, body string, header ...string) reply {
	v.h.t.Helper()
	r, err := http.NewRequestWithContext(v.h.t.Context(), "POST", v.h.url+path, strings.NewReader(body))
	if err != nil {
		v.h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return v.do(r)
}

func (v *visitor) do(r *http.Request) reply {
	v.h.t.Helper()
	resp, err := v.http.Do(r)
	if err != nil {
		v.h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.h.t.Fatal(err)
	}
	a := reply{status: resp.StatusCode, text: string(text)}
	var wire struct {
		Result any
		Error  *struct {
			Message string
			Data    struct{ Name, Message string }
		}
	}
	if json.Unmarshal(text, &wire) == nil {
		a.result = wire.Result
		if wire.Error != nil {
			a.failed = wire.Error.Data.Name + ": " + wire.Error.Data.Message + wire.Error.Message
		}
	}
	return a
}

// json calls an address of JSON-RPC.
func (v *visitor) json(path string, params any) reply {
	v.h.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "call", "params": params})
	if err != nil {
		v.h.t.Fatal(err)
	}
	return v.send(path, "application/json", string(body))
}

// service calls /jsonrpc.
func (v *visitor) service(service, method string, args ...any) reply {
	v.h.t.Helper()
	return v.json("/jsonrpc", map[string]any{"service": service, "method": method, "args": args})
}

// as calls a method of a model over JSON-RPC with a secret of a user.
func (v *visitor) as(login, secret, model, method string, args ...any) reply {
	v.h.t.Helper()
	if args == nil {
		args = []any{}
	}
	return v.service("object", "execute_kw", "house", v.h.ids[login], secret, model, method, args)
}

// call is as with the user's password.
func (v *visitor) call(login, model, method string, args ...any) reply {
	v.h.t.Helper()
	return v.as(login, login+"-password", model, method, args...)
}

// xmlrpc calls a method of /xmlrpc/2/common with texts.
func (v *visitor) xmlrpc(method string, args ...string) reply {
	v.h.t.Helper()
	var b bytes.Buffer
	b.WriteString("<?xml version=\"1.0\"?><methodCall><methodName>" + method + "</methodName><params>")
	for _, a := range args {
		b.WriteString("<param><value><string>")
		if err := xml.EscapeText(&b, []byte(a)); err != nil {
			v.h.t.Fatal(err)
		}
		b.WriteString("</string></value></param>")
	}
	b.WriteString("<param><value><struct></struct></value></param></params></methodCall>")
	return v.send("/xmlrpc/2/common", "text/xml", b.String())
}

// enter logs in at the form of the back office.
func (v *visitor) enter(login, password string) reply {
	v.h.t.Helper()
	return v.form("/web/login", "login", login, "password", password)
}

func (v *visitor) form(path string, pairs ...string) reply {
	v.h.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return v.send(path, "application/x-www-form-urlencoded", form.Encode(), "Accept", "text/html")
}

// session opens a session over JSON.
func (v *visitor) session(login, password string) reply {
	v.h.t.Helper()
	return v.json("/web/session/authenticate", map[string]any{"db": "house", "login": login, "password": password})
}

// mine calls a method of a model in the session.
func (v *visitor) mine(model, method string, args ...any) reply {
	v.h.t.Helper()
	if args == nil {
		args = []any{}
	}
	return v.json("/web/dataset/call_kw/"+model+"/"+method, map[string]any{"model": model, "method": method, "args": args, "kwargs": map[string]any{}})
}

// bearer calls /json/2 with a key.
func (v *visitor) bearer(key, model, method, body string) reply {
	v.h.t.Helper()
	return v.send("/json/2/"+model+"/"+method, "application/json", body, "Authorization", "Bearer "+key)
}

// cookie is the token of the visitor's session.
func (v *visitor) cookie() string {
	u, err := url.Parse(v.h.url)
	if err != nil {
		v.h.t.Fatal(err)
	}
	for _, c := range v.http.Jar.Cookies(u) {
		if c.Name == "session_id" {
			return c.Value
		}
	}
	return ""
}

func number(t *testing.T, text string) (n int64) {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
