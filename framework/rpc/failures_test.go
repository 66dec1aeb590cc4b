package rpc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
)

// trial is a model whose methods create a record and then go wrong.
type trial struct {
	orm.Record `orm:"test.trial" label:"Trial"`
	Name       string `orm:"name" validate:"required"`
}

const trialAccess = `id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink
access_trial,trial,model_test_trial,base.group_user,1,1,1,1
`

// runsKey is where a database counts the runs of do_twice.
type runsKey struct{}

func runs(db *orm.DB) *atomic.Int32 {
	return orm.Local(db, runsKey{}, func() *atomic.Int32 { return new(atomic.Int32) })
}

// trials is the addon of the model.
func trials() module.Addon {
	return module.Addon{Name: "trials", Version: "19.0.1.0.0", Depends: []string{"base"},
		Data: []string{"ir.model.access.csv"}, FS: fstest.MapFS{"ir.model.access.csv": {Data: []byte(trialAccess)}},
		Define: func(r *orm.Registry) {
			d := orm.Define[trial](r)
			for name, after := range map[string]func(env *orm.Env) (any, error){
				"do_panic":  func(*orm.Env) (any, error) { panic("token=hunter2") },
				"do_fail":   func(*orm.Env) (any, error) { return nil, errors.New("dial tcp: password=hunter2") },
				"do_encode": func(*orm.Env) (any, error) { return map[string]any{"f": func() {}}, nil },
				"do_sql": func(env *orm.Env) (any, error) {
					_, err := env.Exec(orm.SQL("SELECT hunter2 FROM nowhere"))
					return nil, err
				},
				"do_defer": func(env *orm.Env) (any, error) { // the table refuses two of them, at the commit
					_, err := env.Exec(orm.SQL("INSERT INTO test_trial (name) VALUES ('do_defer')"))
					return true, err
				},
				"do_twice": func(env *orm.Env) (any, error) {
					if n := runs(env.DB()).Add(1); n > 1 {
						return fmt.Sprint("run ", n), nil
					}
					_, err := env.Exec(orm.SQL("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = 'serialization_failure'; END $$"))
					return nil, err
				},
			} {
				orm.ImplementModel(d, orm.ModelMethod[trial]{Name: name}, func(env *orm.Env, _ orm.Args) (any, error) {
					if _, err := env.Model("test.trial").Create(orm.Values{"name": name}); err != nil {
						return nil, err
					}
					return after(env)
				})
			}
		}}
}

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

// court serves the trials.
type court struct {
	*server.Server
	t   testing.TB
	log journal
}

func newCourt(t testing.TB, more ...module.Addon) *court {
	t.Helper()
	c := &court{t: t}
	srv, err := server.New(ormtest.DB(t, append([]module.Addon{base.Addon(), trials()}, more...)...), server.Config{Database: "trial", Logger: slog.New(slog.NewTextHandler(&c.log, nil)),
		Auth: server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	c.Server = srv
	return c
}

// post sends params with headers given in pairs.
func (c *court) post(path string, params any, header ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 7, "params": params})
	if err != nil {
		c.t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "http://shop.example"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

// login gives the Cookie header of a new session of the administrator.
func (c *court) login(password string) string {
	c.t.Helper()
	w := c.post("/web/session/authenticate", map[string]any{"db": "trial", "login": "admin", "password": password})
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		c.t.Fatalf("login: %s, cookies %v", w.Body, cookies)
	}
	return cookies[0].Name + "=" + cookies[0].Value
}

// work does something in the database as the system.
func (c *court) work(fn func(env *orm.Env) error) {
	c.t.Helper()
	if err := c.DB.Run(c.t.Context(), orm.System(), fn); err != nil {
		c.t.Fatal(err)
	}
}

// kept are the records that calls have left.
func (c *court) kept() (names []string) {
	c.t.Helper()
	err := c.DB.Run(c.t.Context(), orm.System(), func(env *orm.Env) (err error) {
		names, err = orm.Rows[string](env, orm.SQL("SELECT name FROM test_trial ORDER BY id").Reads("test.trial"))
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return names
}

func ofTrial(method string) map[string]any {
	return map[string]any{"model": "test.trial", "method": method, "args": []any{}, "kwargs": map[string]any{}}
}

func asAdmin(method string) map[string]any {
	return map[string]any{"service": "object", "method": "execute_kw", "args": []any{"trial", 2, "admin", "test.trial", method, []any{}}}
}

// A call that fails inside is a success of HTTP with an error that tells a
// number, and leaves nothing behind, whichever way it came.
func TestNothingOfAFailedCallIsKept(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	cookie := c.login("admin")
	for _, method := range []string{"do_panic", "do_fail", "do_sql", "do_encode"} {
		for from, w := range map[string]*httptest.ResponseRecorder{
			"jsonrpc": c.post("/jsonrpc", asAdmin(method)), "session": c.post("/web/dataset/call_kw", ofTrial(method), "Cookie", cookie)} {
			var a struct {
				ID     any
				Result any
				Error  *struct{ Data struct{ Message string } }
			}
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || a.Error == nil || a.Result != nil || a.ID != 7.0 {
				t.Fatalf("%s by %s: %d %s", method, from, w.Code, w.Body)
			}
			_, id, _ := strings.Cut(a.Error.Data.Message, "Internal error (")
			id, _, _ = strings.Cut(id, ")")
			if len(id) != 12 || !strings.Contains(c.log.String(), id) {
				t.Errorf("%s by %s: the log does not have the number of %q", method, from, a.Error.Data.Message)
			}
			if strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), ".go:") {
				t.Errorf("%s by %s tells its cause: %s", method, from, w.Body)
			}
		}
	}
	if log := c.log.String(); !strings.Contains(log, "password=hunter2") || !strings.Contains(log, "failures_test.go") {
		t.Error("the log has neither cause nor place")
	}
	if got := c.kept(); len(got) > 0 {
		t.Errorf("failed calls left %v", got)
	}
}

// A call that PostgreSQL asks to repeat is answered once, by the run that was
// committed.
func TestCallsAreRepeated(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	if w := c.post("/jsonrpc", asAdmin("do_twice")); w.Body.String() != `{"id":7,"jsonrpc":"2.0","result":"run 2"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := c.kept(); len(got) != 1 || runs(c.DB).Load() != 2 {
		t.Errorf("created %v in %d runs, want one in two", got, runs(c.DB).Load())
	}
}

// Logging out ends one session, another password all of them; pages of other
// sites can neither use a session nor begin or end one.
func TestSessionsAreApart(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	one, two := c.login("admin"), c.login("admin")
	alive := func(cookie string) bool {
		return strings.Contains(c.post("/web/session/get_session_info", map[string]any{}, "Cookie", cookie).Body.String(), `"username":"admin"`)
	}
	if one == two || !alive(one) || !alive(two) {
		t.Fatal("two logins are not two sessions")
	}
	for _, path := range []string{"/web/dataset/call_kw", "/web/session/destroy", "/web/session/authenticate"} {
		if w := c.post(path, map[string]any{"db": "trial", "login": "admin", "password": "admin"}, "Cookie", one, "Origin", "https://evil.example"); w.Code != 403 || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s from another site: %d %s", path, w.Code, w.Body)
		}
	}
	version := map[string]any{"service": "common", "method": "version", "args": []any{}}
	if w := c.post("/jsonrpc", version, "Origin", "https://other.example"); w.Code != 200 {
		t.Errorf("the services, which know no session, from another site: %d %s", w.Code, w.Body)
	}
	c.post("/web/session/destroy", map[string]any{}, "Cookie", one)
	if alive(one) || !alive(two) {
		t.Errorf("after the logout of the first: %v, %v", alive(one), alive(two))
	}
	err := c.DB.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		return env.Model("res.users").Browse(2).Write(orm.Values{"password": "a better one"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if alive(two) || !alive(c.login("a better one")) {
		t.Error("a session outlives its password, or the new one does not log in")
	}
}

// What the database would refuse at the commit is an answer of the protocol as
// well.
func TestLateChecks(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	if _, err := c.DB.ExecContext(t.Context(), "ALTER TABLE test_trial ADD CONSTRAINT once UNIQUE (name) DEFERRABLE INITIALLY DEFERRED"); err != nil {
		t.Fatal(err)
	}
	if w := c.post("/jsonrpc", asAdmin("do_defer")); w.Code != 200 || !strings.Contains(w.Body.String(), "odoo.exceptions.ValidationError") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := c.kept(); len(got) > 0 {
		t.Errorf("it left %v", got)
	}
}
