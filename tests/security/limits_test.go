package security

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
	"fusionsoft.ca/fusion/static"
)

// edge is a server as it is reached from outside.
type edge struct {
	t   *testing.T
	db  *orm.DB
	url string
}

func newEdge(t *testing.T) *edge {
	t.Helper()
	db := ormtest.DB(t, base.Addon(), mail.Addon())
	e := &edge{t: t, db: db}
	srv, err := server.New(db, server.Config{Database: "shop", Logger: slog.New(slog.DiscardHandler), Hosts: []string{"shop.example"},
		Auth: server.Auth{Login: base.Authenticate, Password: base.CheckCredentials, Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	web.Mount(srv, web.Options{Static: static.Files})
	l := httptest.NewServer(srv)
	t.Cleanup(l.Close)
	e.url = l.URL
	return e
}

// response is what came back.
type response struct {
	status int
	header http.Header
	body   string
}

// send asks without following redirects; headers are given in pairs.
func (e *edge) send(method, path string, body io.Reader, header ...string) response {
	e.t.Helper()
	r, err := http.NewRequestWithContext(e.t.Context(), method, e.url+path, body)
	if err != nil {
		e.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return response{body: err.Error()} // the connection was closed before all was sent
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	return response{res.StatusCode, res.Header, string(text)}
}

// session logs the administrator in and gives the header Cookie.
func (e *edge) session() string {
	e.t.Helper()
	a := e.send("POST", "/web/login", strings.NewReader("login=admin&password=admin"), "Content-Type", "application/x-www-form-urlencoded")
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	if a.status != 303 || cookie == "" {
		e.t.Fatalf("login: %d %.300s", a.status, a.body)
	}
	return cookie
}

// call is execute_kw as the administrator.
func (e *edge) call(model, method string, args ...any) response {
	e.t.Helper()
	body, err := json.Marshal(map[string]any{"params": map[string]any{"service": "object", "method": "execute_kw", "args": []any{"shop", 2, "admin", model, method, args}}})
	if err != nil {
		e.t.Fatal(err)
	}
	return e.send("POST", "/jsonrpc", bytes.NewReader(body), "Content-Type", "application/json")
}

func (e *edge) run(fn func(env *orm.Env) error) {
	e.t.Helper()
	if err := e.db.Run(e.t.Context(), orm.System(), fn); err != nil {
		e.t.Fatal(err)
	}
}

// counted counts what is read of it.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// TestEdge attacks one server in many ways at once.
func TestEdge(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	session := e.session()
	for name, attack := range map[string]func(e *edge, session string){
		"large bodies of strangers": largeBodies, "large calls of users": largeCalls, "compressed bodies": compressed, "other sites": otherSites, "traversal": traversal,
		"header injection": injection, "entities": entities, "links that lead away": redirects, "long searches": longSearches, "endless answers": endlessAnswers,
		"requests that make no sense": nonsense,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine := *e
			mine.t = t
			attack(&mine, session)
		})
	}
}

// Strangers send 31 MB to every address that takes something.
func largeBodies(e *edge, _ string) {
	filler := strings.Repeat("x", 31<<20)
	for _, c := range []struct{ path, kind, head string }{
		{"/jsonrpc", "application/json", `{"params":{"service":"object","method":"execute_kw","args":["shop",2,"wrong","res.partner","`},
		{"/jsonrpc", "application/json", `{"params":{"service":"common","method":"login","args":["shop","admin","`},
		{"/jsonrpc", "application/json", `{"id":"`},
		{"/jsonrpc", "application/json", `{"params":{"args":[[[[`},
		{"/xmlrpc/2/object", "text/xml", `<methodCall><methodName>execute_kw</methodName><params><param><value>shop</value></param><param><value><int>2</int></value></param><param><value>wrong</value></param><param><value>`},
		{"/xmlrpc/2/common", "text/xml", `<methodCall><methodName>`},
		{"/web/session/authenticate", "application/json", `{"params":{"db":"`},
		{"/web/dataset/call_kw", "application/json", `{"params":{"model":"`},
		{"/json/2/res.partner/search", "application/json", `{"domain":"`},
		{"/web/login", "application/x-www-form-urlencoded", "login="},
		{"/web/model/res.partner/1", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"},
	} {
		body := &counted{r: io.MultiReader(strings.NewReader(c.head), strings.NewReader(filler))}
		a := e.send("POST", c.path, body, "Content-Type", c.kind)
		if strings.Contains(a.body, `"result"`) || a.status == 200 && !strings.Contains(a.body, `"error"`) && !strings.Contains(a.body, "<fault>") {
			e.t.Errorf("%s %.60s: %d %.200s", c.path, c.head, a.status, a.body)
		}
		if body.n > 16<<20 { // what the machine itself buffers on the way included
			e.t.Errorf("%s %.60s: %d bytes were taken", c.path, c.head, body.n)
		}
	}
}

// Users send large calls where the password is in the body, too.
func largeCalls(e *edge, _ string) {
	long := strings.Repeat("y", 3<<20)
	a := e.call("res.partner", "create", map[string]any{"name": "Long", "comment": long})
	if a.status != 200 || !strings.Contains(a.body, `"result"`) {
		e.t.Errorf("JSON-RPC: %d %.300s", a.status, a.body)
	}
	text := func(s string) string { return "<param><value><string>" + s + "</string></value></param>" }
	a = e.send("POST", "/xmlrpc/2/object", strings.NewReader(`<?xml version="1.0"?><methodCall><methodName>execute_kw</methodName><params>`+text("shop")+`<param><value><int>2</int></value></param>`+
		text("admin")+text("res.partner")+text("create")+`<param><value><array><data><value><struct><member><name>name</name><value>Long</value></member><member><name>comment</name><value>`+long+
		`</value></member></struct></value></data></array></value></param></params></methodCall>`), "Content-Type", "text/xml")
	if a.status != 200 || strings.Contains(a.body, "fault") {
		e.t.Errorf("XML-RPC: %d %.300s", a.status, a.body)
	}
}

// What is sent compressed is not inflated.
func compressed(e *edge, session string) {
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	if _, err := w.Write(bytes.Repeat([]byte(" "), 16<<20)); err != nil {
		e.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		e.t.Fatal(err)
	}
	for _, path := range []string{"/jsonrpc", "/web/dataset/call_kw", "/web/session/authenticate", "/xmlrpc/2/common"} {
		a := e.send("POST", path, bytes.NewReader(bomb.Bytes()), "Content-Type", "application/json", "Content-Encoding", "gzip", "Cookie", session)
		if a.status < 400 {
			e.t.Errorf("%s: %d %.200s", path, a.status, a.body)
		}
	}
}

// A page of another site has the visitor's browser send something.
func otherSites(e *edge, session string) {
	kw := `{"params":{"model":"res.partner","method":"create","args":[{"name":"Forged"}],"kwargs":{}}}`
	for _, c := range []struct{ path, kind, body string }{
		{"/web/dataset/call_kw", "application/json", kw}, {"/web/dataset/call_kw", "text/plain", kw}, {"/web/dataset/call_button", "application/json", kw},
		{"/web/session/destroy", "application/json", `{"params":{}}`}, {"/web/login", "application/x-www-form-urlencoded", "login=admin&password=admin"},
		{"/web/logout", "application/x-www-form-urlencoded", ""}, {"/web/profile", "application/x-www-form-urlencoded", "email=x@evil.example"},
		{"/web/profile/password", "application/x-www-form-urlencoded", "old=admin&new=evilevil&again=evilevil"}, {"/web/profile/keys", "application/x-www-form-urlencoded", "name=x&password=admin"},
		{"/web/model/res.partner/new", "application/x-www-form-urlencoded", "f.name=Forged"}, {"/web/model/res.partner", "application/x-www-form-urlencoded", "_do=delete&id=1"},
		{"/web/company", "application/x-www-form-urlencoded", "company=1"},
	} {
		for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			a := e.send("POST", c.path, strings.NewReader(c.body), append([]string{"Content-Type", c.kind, "Cookie", session}, from...)...)
			if a.status != http.StatusForbidden {
				e.t.Errorf("%s as %s from %v: %d %.200s", c.path, c.kind, from, a.status, a.body)
			}
		}
	}
	e.run(func(env *orm.Env) error {
		n, err := env.Model("res.partner").SearchCount(orm.Leaf("name", "=", "Forged"), 0)
		if n != 0 {
			e.t.Errorf("%d records were forged", n)
		}
		return err
	})
}

// Addresses that climb out of where files are.
func traversal(e *edge, session string) {
	climbs := []string{"../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "%252e%252e%252f", "....//", ".%00./", "..;/"}
	for _, base := range []string{"/static/", "/web/content/", "/web/content/res.partner/1/", "/web/image/res.partner/1/", "/web/image/", "/web/report/", "/report/pdf/", "/web/action/", "/web/model/"} {
		for _, climb := range climbs {
			for _, file := range []string{"etc/passwd", "go.mod", "secret.key"} {
				conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
				if err != nil {
					e.t.Fatal(err)
				}
				path := base + strings.Repeat(climb, 8) + file
				fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: %s\r\nConnection: close\r\n\r\n", path, session) // as it is, without a client that tidies it
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					e.t.Fatal(err)
				}
				text, _ := io.ReadAll(res.Body)
				conn.Close()
				if res.StatusCode == 200 && !strings.Contains(string(text), "<!doctype html>") || strings.Contains(string(text), "root:") || strings.Contains(string(text), "module fusion") {
					e.t.Errorf("%s: %d %.200s", path, res.StatusCode, text)
				}
			}
		}
	}
}

// Line ends in what becomes a header.
func injection(e *edge, session string) {
	evil := "a\r\nSet-Cookie: session_id=evil\r\n\r\n<script>.txt"
	var id int64
	e.run(func(env *orm.Env) error {
		made, err := env.Model("ir.attachment").Create(orm.Values{"name": evil, "raw": []byte("x"), "mimetype": "text/plain\r\nSet-Cookie: session_id=evil"})
		id = made.ID()
		return err
	})
	q := url.QueryEscape(evil)
	for _, path := range []string{fmt.Sprint("/web/content/", id), fmt.Sprintf("/web/content/%d?download=1", id), "/web/login?redirect=/" + q, "/web?x=" + q, "/web/action/" + url.PathEscape(evil), "/web/report/" + url.PathEscape(evil) + "/1"} {
		for _, cookie := range []string{session, ""} {
			a := e.send("GET", path, nil, "Cookie", cookie, "Accept", "text/html")
			if strings.Contains(a.header.Get("Set-Cookie"), "evil") || a.header.Get("Content-Disposition") != "" && !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") && strings.Contains(a.body, "<script>") {
				e.t.Errorf("%s: %v", path, a.header)
			}
		}
	}
}

// Entities of XML: files that are fetched, and texts that grow.
func entities(e *edge, _ string) {
	laughs := `<!DOCTYPE x [<!ENTITY a "ha">` + func() string {
		var b strings.Builder
		for i := range 12 {
			fmt.Fprintf(&b, `<!ENTITY %c "%s">`, 'b'+i, strings.Repeat(fmt.Sprintf("&%c;", 'a'+i), 10))
		}
		return b.String()
	}() + `]>`
	file := `<!DOCTYPE x [<!ENTITY m SYSTEM "file:///etc/passwd">]>`
	for _, head := range []string{laughs, file, `<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">`, `<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]>`} {
		for _, doc := range []string{
			head + `<methodCall><methodName>version</methodName><params><param><value>&m;</value></param></params></methodCall>`,
			`<?xml version="1.0"?>` + head + `<methodCall><methodName>&m;</methodName></methodCall>`,
		} {
			a := e.send("POST", "/xmlrpc/2/common", strings.NewReader(doc), "Content-Type", "text/xml")
			if a.status != 400 || strings.Contains(a.body, "root:") || strings.Contains(a.body, "haha") {
				e.t.Errorf("XML-RPC %.60s: %d %.200s", head, a.status, a.body)
			}
		}
		var made struct{ Result int64 }
		a := e.call("ir.ui.view", "create", map[string]any{"name": "evil", "model": "res.partner", "type": "form", "arch": head + `<form><field name="name" string="&l;&m;"/></form>`})
		if err := json.Unmarshal([]byte(a.body), &made); err != nil || strings.Contains(a.body, "Internal error") {
			e.t.Errorf("a view %.60s: %d %.300s", head, a.status, a.body)
		}
		if made.Result == 0 {
			continue // it is refused
		}
		if a = e.call("res.partner", "get_view", made.Result, "form"); len(a.body) > 100_000 || strings.Contains(a.body, "root:") || strings.Contains(a.body, "haha") || strings.Contains(a.body, "Internal error") {
			e.t.Errorf("the view %.60s reads %d %.300s", head, a.status, a.body)
		}
		e.call("ir.ui.view", "unlink", []any{made.Result})
	}
}

// A link of this site does not carry people off to another one unasked.
func redirects(e *edge, session string) {
	for to, want := range map[string]int{
		"https://evil.example/x": 200, "http://evil.example": 200, "//evil.example": 400, `/\evil.example`: 400, "/\t/evil.example": 400, `\\evil.example`: 400, "javascript:alert(1)": 400,
		"data:text/html,x": 400, "https:evil.example": 400, "": 400, "/web/model/res.partner": 303, "https://evil.example\\@shop.example": 400,
	} {
		var id int64
		e.run(func(env *orm.Env) error {
			made, err := env.Model("ir.attachment").Create(orm.Values{"name": "link", "type": "url", "url": to})
			id = made.ID()
			return err
		})
		a := e.send("GET", fmt.Sprint("/web/content/", id), nil, "Cookie", session, "Accept", "text/html")
		if a.status != want || want == 200 && !strings.Contains(a.body, "evil.example") {
			e.t.Errorf("%q: %d %v", to, a.status, a.header)
		}
	}
}

// Texts to search for are compared with every row, so that long ones are refused.
func longSearches(e *edge, session string) {
	long := strings.Repeat("%a", 512<<10)
	for _, a := range []response{
		e.call("res.partner", "name_search", long),
		e.call("res.partner", "search", []any{[]any{"name", "ilike", long}}),
		e.call("res.partner", "search", []any{[]any{"name", "=like", long}}),
		e.call("res.partner", "search", []any{[]any{"parent_id", "ilike", long}}),
		e.call("res.partner", "search", []any{[]any{"category_id.name", "not ilike", long}}),
		e.call("res.users", "name_search", long),
		e.call("res.country.state", "name_search", long),
	} {
		if a.status != 200 || !strings.Contains(a.body, "too long") || len(a.body) > 20_000 {
			e.t.Errorf("%d %.300s", a.status, a.body)
		}
	}
	many := "/web/model/res.partner?" + strings.Repeat("s=name:a&", 5000)
	a := e.send("GET", many, nil, "Cookie", session, "Accept", "text/html")
	if a.status != 200 || len(a.body) > 2<<20 {
		e.t.Errorf("a search of many parts: %d, %d bytes", a.status, len(a.body))
	}
}

// A small specification that asks for the same records within each other again and
// again.
func endlessAnswers(e *edge, _ string) {
	var id int64
	e.run(func(env *orm.Env) error {
		lines := make([]orm.Command, 40)
		for i := range lines {
			lines[i] = orm.CreateLine(orm.Values{"name": fmt.Sprint("Child ", i)})
		}
		made, err := env.Model("res.partner").Create(orm.Values{"name": "Parent", "is_company": true, "child_ids": lines})
		id = made.ID()
		return err
	})
	fields := map[string]any{"name": map[string]any{}}
	for range 6 {
		fields = map[string]any{"child_ids": map[string]any{"fields": map[string]any{"parent_id": map[string]any{"fields": fields}}}}
	}
	if a := e.call("res.partner", "web_read", []any{id}, fields); a.status != 200 || !strings.Contains(a.body, "more than 10000000 values") {
		e.t.Errorf("%d %.300s", a.status, a.body)
	}
}

// What is sent with a login neither chooses the session, nor where it leads to.
func TestLoginsAsOthersWish(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	given := strings.Repeat("ab", 32)
	a := e.send("POST", "/web/login", strings.NewReader("login=admin&password=admin"), "Content-Type", "application/x-www-form-urlencoded", "Cookie", "session_id="+given)
	if a.status != 303 || strings.Contains(a.header.Get("Set-Cookie"), given) || !strings.Contains(a.header.Get("Set-Cookie"), "session_id=") {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := e.send("GET", "/web/profile", nil, "Cookie", "session_id="+given); a.status != 401 && a.status != 303 {
		t.Errorf("the given id opens %d", a.status)
	}
	for _, to := range []string{"//evil.example", `/\evil.example`, "/\n/evil.example", "https://evil.example", "javascript:alert(1)", "/x\r\nSet-Cookie: evil=1"} {
		a := e.send("POST", "/web/login", strings.NewReader(url.Values{"login": {"admin"}, "password": {"admin"}, "redirect": {to}}.Encode()), "Content-Type", "application/x-www-form-urlencoded")
		if got := a.header.Get("Location"); got != "/web" || strings.Contains(fmt.Sprint(a.header), "evil") {
			t.Errorf("a login leads to %q", got)
		}
	}
}

// Whatever is sent, nothing breaks.
func nonsense(e *edge, session string) {
	for _, path := range []string{"/jsonrpc", "/web/dataset/call_kw", "/web/session/authenticate", "/xmlrpc/2/object", "/json/2/res.partner/search", "/web/login", "/web/model/res.partner/new", "/web/model/res.partner"} {
		for _, body := range []string{"", "\x00", "{", "[]", "null", `{"params":[]}`, `{"params":{"args":{}}}`, strings.Repeat("[", 600), "<a", "%zz=%", "--x\r\n", strings.Repeat("&a=", 100_000)} {
			for _, kind := range []string{"application/json", "text/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", ";", ""} {
				a := e.send("POST", path, strings.NewReader(body), "Content-Type", kind, "Cookie", session)
				if a.status >= 500 || a.status == 0 {
					e.t.Errorf("%s %.20q as %s: %d %.200s", path, body, kind, a.status, a.body)
				}
			}
		}
	}
}

// full is a file store on a disk without room.
type full struct{ orm.BlobStore }

func (full) Put([]byte) (string, error) { return "", errors.New("write: no space left on device") }

// When the disk of files is full, nothing is stored half.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, base.Addon())
	db.Blobs = full{db.Blobs}
	for name, write := range map[string]func(env *orm.Env) error{
		"an attachment": func(env *orm.Env) error {
			_, err := env.Model("ir.attachment").Create(orm.Values{"name": "full", "raw": bytes.Repeat([]byte("x"), 100_000)})
			return err
		},
		"a field": func(env *orm.Env) error {
			_, err := env.Model("res.partner").Create(orm.Values{"name": "full", "image_1920": []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")})
			return err
		},
	} {
		if err := db.Run(t.Context(), orm.System(), write); err == nil {
			t.Errorf("%s is stored", name)
		}
	}
	var left int
	err := db.View(t.Context(), orm.System(), func(env *orm.Env) (err error) {
		for _, model := range []string{"ir.attachment", "res.partner"} {
			n, err := env.Model(model).SearchCount(orm.Leaf("name", "=", "full"), 0)
			if err != nil {
				return err
			}
			left += n
		}
		return nil
	})
	if err != nil || left != 0 {
		t.Errorf("%d records are left: %v", left, err)
	}
}

// Eight clients count the same records up at once, and none of it is lost.
func TestNoLostUpdate(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, base.Addon())
	var ids []int64
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		made, err := env.Model("res.partner").Create(orm.Values{"name": "one", "color": 0}, orm.Values{"name": "two", "color": 0})
		ids = made.IDs
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	const clients, each = 8, 5
	up := func(env *orm.Env) error {
		for _, id := range ids {
			rs := env.Model("res.partner").Browse(id)
			v, err := rs.Value("color")
			if err != nil {
				return err
			}
			n, _ := v.(int64)
			if err := rs.Write(orm.Values{"color": n + 1}); err != nil {
				return err
			}
		}
		return nil
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range clients {
		wait.Go(func() {
			for range each {
				err := db.Run(t.Context(), orm.System(), up)
				mu.Lock()
				if err == nil {
					done++
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	err = db.View(t.Context(), orm.System(), func(env *orm.Env) error {
		rows, err := env.Model("res.partner").Browse(ids...).Read("color")
		for _, r := range rows {
			if r["color"] != int64(done) {
				t.Errorf("%v after %d updates", r["color"], done)
			}
		}
		return err
	})
	if err != nil || done == 0 {
		t.Errorf("%d updates: %v", done, err)
	}
}

// A connection that is killed in the middle of writing leaves nothing, and the next
// unit of work has another.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, base.Addon())
	for range 11 {
		err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
			if _, err := env.Model("res.partner").Create(orm.Values{"name": "half"}, orm.Values{"name": "half"}); err != nil {
				return err
			}
			_, err := env.Exec(orm.SQL("SELECT pg_terminate_backend(pg_backend_pid())").NoModels())
			return err
		})
		if err == nil {
			t.Error("nothing was killed")
		}
	}
	err := db.View(t.Context(), orm.System(), func(env *orm.Env) error {
		n, err := env.Model("res.partner").SearchCount(orm.Leaf("name", "=", "half"), 0)
		if n != 0 {
			t.Errorf("%d records are left", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
