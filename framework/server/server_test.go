package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/server"
)

// journal collects what the server logs.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

type site struct {
	*server.Server
	t   *testing.T
	log *journal
}

func newSite(t *testing.T, change func(*server.Config)) *site {
	t.Helper()
	db := ormtest.DB(t, base.Addon())
	log := &journal{}
	cfg := server.Config{Logger: slog.New(slog.NewTextHandler(log, nil)), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Auth: server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}}
	if change != nil {
		change(&cfg)
	}
	s, err := server.New(db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &site{s, t, log}
}

// request builds a request from 192.0.2.1, as httptest does, with headers given
// in pairs.
func request(method, path, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "http://shop.example"+path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func (s *site) ask(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *site) get(path string, header ...string) *httptest.ResponseRecorder {
	return s.ask(request("GET", path, "", header...))
}

func (s *site) post(path, body string, header ...string) *httptest.ResponseRecorder {
	return s.ask(request("POST", path, body, header...))
}

// cookie is the session a response sets, as a Cookie header.
func cookie(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	for _, c := range w.Result().Cookies() {
		if c.Name == "session_id" && c.Value != "" {
			return c.Name + "=" + c.Value
		}
	}
	t.Fatalf("no session cookie in %v", w.Header())
	return ""
}

func wantStatus(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
}

// sessionRoutes log in, say who asks, and log out.
func sessionRoutes(s *site) {
	s.Handle(server.Route{Path: "/login", Methods: []string{"POST"}, Access: server.PublicAccess, Handler: func(c *server.Context) error {
		uid, err := c.Server.Config.Auth.Login(c.Env.Sudo(), "admin", string(c.Body))
		if err != nil {
			return err
		}
		c.Session.SignIn(uid, "admin", nil)
		return nil
	}})
	who := func(c *server.Context) error {
		return c.Send(200, "text/plain", []byte(c.Env.UserLogin()))
	}
	s.Handle(server.Route{Path: "/who", Methods: []string{"GET", "POST"}, Access: server.UserAccess, Handler: who})
	s.Handle(server.Route{Path: "/anyone", Methods: []string{"GET"}, Access: server.PublicAccess, Handler: who})
	s.Handle(server.Route{Path: "/logout", Methods: []string{"POST"}, Access: server.UserAccess, Handler: func(c *server.Context) error {
		c.Session.SignOut()
		return nil
	}})
}

func (s *site) login(password string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.post("/login", password)
}

func (s *site) run(fn func(env *orm.Env) error) {
	s.t.Helper()
	if err := s.DB.Run(s.t.Context(), orm.System(), fn); err != nil {
		s.t.Fatal(err)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	sessionRoutes(s)
	wantStatus(t, s.get("/who"), 401)
	if w := s.get("/who?a=1&b=2", "Accept", "text/html"); w.Code != 303 || w.Header().Get("Location") != "/web/login?redirect=%2Fwho%3Fa%3D1%26b%3D2" {
		t.Errorf("a browser without session: %d %v", w.Code, w.Header())
	}
	if w := s.get("/anyone"); w.Body.String() != "public" {
		t.Errorf("a visitor is %q, want the public user", w.Body)
	}
	if w := s.login("wrong"); w.Code != 401 || len(w.Result().Cookies()) > 0 {
		t.Fatalf("wrong password: %d, cookies %v", w.Code, w.Result().Cookies())
	}

	w := s.login("admin")
	wantStatus(t, w, 200)
	c := w.Result().Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure || len(c.Value) != 64 {
		t.Errorf("cookie over http: %+v", c)
	}
	first := cookie(t, w)
	if w := s.get("/who", "Cookie", first); w.Body.String() != "admin" || len(w.Result().Cookies()) > 0 {
		t.Errorf("with the cookie: %q, cookies %v", w.Body, w.Result().Cookies())
	}
	if w := s.get("/who", "X-Openerp-Session-Id", c.Value); w.Body.String() != "admin" {
		t.Errorf("with the header of programs: %q", w.Body)
	}
	var stored []string
	s.run(func(env *orm.Env) (err error) {
		stored, err = orm.Rows[string](env, orm.SQL("SELECT id || data::text FROM http_session").NoModels())
		return err
	})
	if len(stored) != 1 || strings.Contains(stored[0], c.Value) {
		t.Errorf("the table holds the token itself, or not one session: %d", len(stored))
	}

	// A login under a session begins another: an id known before is worthless.
	second := cookie(t, s.post("/login", "admin", "Cookie", first))
	if second == first {
		t.Error("the session's id survived a login")
	}
	wantStatus(t, s.get("/who", "Cookie", first), 401)
	wantStatus(t, s.get("/who", "Cookie", second), 200)

	// What is unseen for more than a week is over.
	s.run(func(env *orm.Env) error {
		_, err := env.Exec(orm.SQL("UPDATE http_session SET seen = now() - interval '8 days'"))
		return err
	})
	wantStatus(t, s.get("/who", "Cookie", second), 401)

	third := cookie(t, s.login("admin"))
	if w := s.post("/logout", "", "Cookie", third); w.Result().Cookies()[0].MaxAge >= 0 {
		t.Error("the cookie outlives the session")
	}
	wantStatus(t, s.get("/who", "Cookie", third), 401)
	if strings.Contains(s.log.String(), "admin") {
		t.Errorf("the log tells a password: %s", s.log)
	}
}

// A session ends with the credentials it began with.
func TestSessionsEndWithTheirCredentials(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	sessionRoutes(s)
	admin := func(vals orm.Values) {
		s.run(func(env *orm.Env) error {
			rs, err := env.Ref("base.user_admin")
			if err != nil {
				return err
			}
			return rs.Write(vals)
		})
	}
	one := cookie(t, s.login("admin"))
	admin(orm.Values{"password": "better"})
	wantStatus(t, s.get("/who", "Cookie", one), 401)
	if w := s.get("/anyone", "Cookie", one); w.Body.String() != "public" {
		t.Errorf("an ended session acts as %q", w.Body)
	}
	two := cookie(t, s.login("better"))
	wantStatus(t, s.get("/who", "Cookie", two), 200)
	admin(orm.Values{"active": false})
	wantStatus(t, s.get("/who", "Cookie", two), 401)
	wantStatus(t, s.login("better"), 401)
}

// What a failed request made of the session does not count.
func TestFailedRequestsLeaveTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	sessionRoutes(s)
	s.Handle(server.Route{Path: "/half", Access: server.PublicAccess, Handler: func(c *server.Context) error {
		c.Session.SignIn(1, "root", nil)
		return errors.New("no")
	}})
	if w := s.get("/half"); w.Code != 500 || len(w.Result().Cookies()) > 0 {
		t.Errorf("%d, cookies %v", w.Code, w.Result().Cookies())
	}
	c := cookie(t, s.login("admin"))
	wantStatus(t, s.get("/half", "Cookie", c), 500)
	if w := s.get("/who", "Cookie", c); w.Body.String() != "admin" {
		t.Errorf("after the failure the session is %q's", w.Body)
	}
}

func TestGuards(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *server.Config) { c.MaxBody = 100 })
	sessionRoutes(s)
	echo := func(c *server.Context) error { return c.Send(200, "text/plain", c.Body) }
	s.Handle(server.Route{Path: "/hook", Methods: []string{"POST"}, Access: server.NoAccess, NoCSRF: true, Handler: echo, MaxBody: 200})
	s.Handle(server.Route{Path: "/some", Methods: []string{"GET"}, Access: server.NoAccess, PerMinute: 3, Handler: func(c *server.Context) error {
		return c.Send(200, "text/plain", []byte(c.Server.ClientIP(c.Request)))
	}})

	t.Run("pages of other sites", func(t *testing.T) {
		c := cookie(t, s.login("admin"))
		for _, evil := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "same-site"}} {
			h := append([]string{"Cookie", c}, evil...)
			wantStatus(t, s.post("/who", "", h...), 403)
			wantStatus(t, s.get("/who", h...), 200)
			wantStatus(t, s.post("/hook", "x", h...), 200)
		}
		wantStatus(t, s.post("/who", "", "Cookie", c, "Sec-Fetch-Site", "same-origin"), 200)
		wantStatus(t, s.post("/who", "", "Cookie", c, "Origin", "http://shop.example"), 200)
	})
	t.Run("limits", func(t *testing.T) {
		for i := range 5 {
			w := s.get("/some")
			if i < 3 {
				wantStatus(t, w, 200)
				continue
			}
			wantStatus(t, w, 429)
			if w.Header().Get("Retry-After") != "60" {
				t.Errorf("headers %v", w.Header())
			}
		}
		other := request("GET", "/some", "")
		other.RemoteAddr = "198.51.100.7:4711"
		wantStatus(t, s.ask(other), 200)
		wantStatus(t, s.post("/hook", strings.Repeat("x", 200)), 200)
		wantStatus(t, s.post("/hook", strings.Repeat("x", 201)), 413)
		wantStatus(t, s.post("/login", strings.Repeat("x", 101)), 413)
	})
	t.Run("headers", func(t *testing.T) {
		for _, path := range []string{"/some", "/healthz"} {
			h := s.get(path).Header()
			if h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'self'") {
				t.Errorf("%s: %v", path, h)
			}
		}
	})
	t.Run("health", func(t *testing.T) {
		for _, path := range []string{"/healthz", "/readyz"} {
			wantStatus(t, s.get(path), 200)
		}
		wantStatus(t, s.get("/metrics"), 404)
		local := request("GET", "/metrics", "")
		local.RemoteAddr = "127.0.0.1:4711"
		if w := s.ask(local); w.Code != 200 || !strings.Contains(w.Body.String(), `fusion_http_requests_total{route="/hook",status="2xx"}`) {
			t.Errorf("metrics: %d\n%s", w.Code, w.Body)
		}
		// A proxy on this machine passes strangers on.
		local.Header.Set("X-Forwarded-For", "127.0.0.1")
		local.RemoteAddr = "198.51.100.7:4711"
		wantStatus(t, s.ask(local), 404)
	})
}

func TestClientIP(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, c := range []struct {
		remote, forwarded, proto, ip string
		secure                       bool
	}{
		{"192.0.2.1:1", "", "", "192.0.2.1", false},
		{"192.0.2.1:1", "203.0.113.9", "https", "192.0.2.1", false},
		{"10.0.0.2:1", "203.0.113.9", "https", "203.0.113.9", true},
		{"10.0.0.2:1", "127.0.0.1, 203.0.113.9, 10.1.1.1", "http", "203.0.113.9", false},
		{"10.0.0.2:1", "203.0.113.9, nonsense", "", "10.0.0.2", false},
		{"10.0.0.2:1", "10.5.5.5", "", "10.5.5.5", false},
		{"10.0.0.2:1", "", "", "10.0.0.2", false},
		{"[::ffff:10.0.0.2]:1", "2001:db8::1", "https", "2001:db8::1", true},
	} {
		r := request("GET", "/", "")
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		if ip, secure := s.ClientIP(r), s.Secure(r); ip != c.ip || secure != c.secure {
			t.Errorf("%+v: %s, secure %v", c, ip, secure)
		}
	}
	sessionRoutes(s)
	r := request("POST", "/login", "admin", "X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "https")
	r.RemoteAddr = "10.0.0.2:1"
	if w := s.ask(r); !w.Result().Cookies()[0].Secure {
		t.Error("the cookie of a https client goes over http")
	}
	var ips []string
	s.run(func(env *orm.Env) (err error) {
		ips, err = orm.Rows[string](env, orm.SQL("SELECT ip FROM http_session").NoModels())
		return err
	})
	if len(ips) != 1 || ips[0] != "203.0.113.9" {
		t.Errorf("sessions of %v", ips)
	}
}

// An error that is not meant for users carries a number, never its cause.
func TestErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *server.Config) { c.Timeout = 5 * time.Second })
	fail := func(path string, fn func(c *server.Context) error) {
		s.Handle(server.Route{Path: path, Access: server.NoAccess, Handler: func(c *server.Context) error {
			c.Header().Set("X-Half", "done")
			c.Write([]byte("half an answer"))
			return fn(c)
		}})
	}
	fail("/internal", func(*server.Context) error { return errors.New("dial tcp: password=hunter2") })
	fail("/panic", func(*server.Context) error { panic("hunter2") })
	fail("/sql", func(c *server.Context) error {
		_, err := c.Env.Exec(orm.SQL("SELECT hunter2 FROM nowhere"))
		return err
	})
	fail("/user", func(*server.Context) error { return orm.UserErrorf("The order is <b>confirmed</b>.") })
	fail("/missing", func(c *server.Context) error {
		_, err := c.Env.Model("res.partner").Browse(1 << 40).Read("name")
		return err
	})
	fail("/access", func(c *server.Context) error {
		_, err := c.Env.WithUser(3).NoSudo().Model("ir.cron").Search(nil, orm.SearchOptions{})
		return err
	})
	fail("/http", func(*server.Context) error { return server.Errorf(http.StatusConflict, "Already there.") })
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/internal": {500, "Internal error ("}, "/panic": {500, "Internal error ("}, "/sql": {500, "Internal error ("},
		"/user": {422, "The order is <b>confirmed</b>."}, "/missing": {404, "does not exist"}, "/access": {403, "You may not access"}, "/http": {409, "Already there."},
	} {
		w := s.get(path)
		var body struct {
			Error struct {
				Code    int
				Message string
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != want.status || body.Error.Code != want.status || !strings.Contains(body.Error.Message, want.text) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if w.Header().Get("X-Half") != "" || strings.Contains(w.Body.String(), "half an answer") {
			t.Errorf("%s: what the handler wrote before it failed is sent", path)
		}
		page := s.get(path, "Accept", "text/html")
		if page.Code != want.status || !strings.HasPrefix(page.Body.String(), "<!doctype html>") || strings.Contains(page.Body.String(), "<b>") {
			t.Errorf("%s for a browser: %d %s", path, page.Code, page.Body)
		}
		if strings.Contains(w.Body.String()+page.Body.String(), "hunter2") {
			t.Errorf("%s: the cause is told: %s", path, w.Body)
		}
		if want.status == 500 {
			_, id, _ := strings.Cut(body.Error.Message, "(")
			id, _, _ = strings.Cut(id, ")")
			if len(id) != 12 || !strings.Contains(s.log.String(), id) {
				t.Errorf("%s: the log does not have %q", path, id)
			}
		}
	}
	if !strings.Contains(s.log.String(), "hunter2") {
		t.Error("the log does not have the cause")
	}
	wantStatus(t, s.get("/nowhere"), 404)
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *server.Config) { c.Timeout = 100 * time.Millisecond })
	s.Handle(server.Route{Path: "/slow", Access: server.NoAccess, Handler: func(c *server.Context) error {
		_, err := c.Env.Exec(orm.SQL("SELECT pg_sleep(60)"))
		return err
	}})
	w := s.get("/slow")
	wantStatus(t, w, 503)
	if !strings.Contains(w.Body.String(), "took too long") {
		t.Errorf("%s", w.Body)
	}
}

// A unit of work that PostgreSQL asks to repeat answers once.
func TestRetry(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	var runs atomic.Int32
	s.Handle(server.Route{Path: "/twice", Methods: []string{"POST"}, Access: server.NoAccess, Handler: func(c *server.Context) error {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil {
			return err
		}
		c.Write(body)
		if runs.Add(1) == 1 {
			_, err := c.Env.Exec(orm.SQL("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = 'serialization_failure'; END $$"))
			return err
		}
		return nil
	}})
	if w := s.post("/twice", "once"); w.Code != 200 || w.Body.String() != "once" || runs.Load() != 2 {
		t.Errorf("%d %q after %d runs", w.Code, w.Body, runs.Load())
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	var key, other string
	s.run(func(env *orm.Env) (err error) {
		env = env.WithUser(2)
		if key, err = base.GenerateAPIKey(env, "feed", "test", time.Time{}); err != nil {
			return err
		}
		other, err = base.GenerateAPIKey(env, "other", "test", time.Time{})
		return err
	})
	s.Handle(server.Route{Path: "/feed", Access: server.BearerAccess, Scope: "feed", Handler: func(c *server.Context) error {
		return c.Send(200, "text/plain", []byte(c.Env.UserLogin()))
	}})
	if w := s.get("/feed", "Authorization", "Bearer "+key); w.Body.String() != "admin" {
		t.Errorf("with the key: %d %s", w.Code, w.Body)
	}
	for _, auth := range []string{"", "Bearer ", "Bearer " + other, "Bearer " + key[:39] + "x", "Basic " + key} {
		w := s.get("/feed", "Authorization", auth)
		if w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer" || strings.Contains(w.Body.String(), key[:8]) {
			t.Errorf("%.12s: %d %v %s", auth, w.Code, w.Header(), w.Body)
		}
	}
}

// Stopping lets a request in work finish, and takes no new one.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	sessionRoutes(s)
	s.login("admin")
	s.run(func(env *orm.Env) error {
		_, err := env.Exec(orm.SQL("UPDATE http_session SET seen = now() - interval '8 days'"))
		return err
	})
	inside, leave := make(chan struct{}), make(chan struct{})
	s.Handle(server.Route{Path: "/work", Access: server.NoAccess, Handler: func(c *server.Context) error {
		close(inside)
		<-leave
		return c.Send(200, "text/plain", []byte("finished"))
	}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	answer := make(chan string, 1)
	url := "http://" + l.Addr().String() + "/work"
	go func() {
		resp, err := http.Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-inside
	stop()
	for { // the listener closes at once
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
	}
	close(leave)
	if got := <-answer; got != "finished" {
		t.Errorf("the request in work got %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	var sessions int
	s.run(func(env *orm.Env) (err error) {
		sessions, err = orm.Row[int](env, orm.SQL("SELECT count(*) FROM http_session").NoModels())
		return err
	})
	if sessions != 0 {
		t.Errorf("%d sessions that ended are kept", sessions)
	}
}
