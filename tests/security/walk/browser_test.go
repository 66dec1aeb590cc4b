package walk

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/report/reporttest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
	"fusionsoft.ca/fusion/static"
)

// plainDB is a database with the program and nothing else.
func plainDB(t *testing.T) *orm.DB { return ormtest.DB(t, programAddons()...) }

// serve makes the server of the program.
func (w *world) serve() *server.Server {
	srv, err := server.New(w.db, server.Config{Database: "walk", Logger: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelError})), Auth: server.Auth{Login: base.Authenticate, Password: base.CheckCredentials,
		Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}})
	if err != nil {
		w.t.Fatal(err)
	}
	rpc.Mount(srv)
	web.Mount(srv, web.Options{Name: "Fusion", Panels: mail.Addon().Panels, Static: static.Files})
	srv.Mount(programAddons()...)
	return srv
}

// browser sends requests as a user and looks at all that comes back.
type browser struct {
	w      *world
	s      *sight
	srv    *server.Server
	cookie string
	key    string // API key
	out    *findings
	rate   float64 // which part of the requests is made
}

// password of a user of the walk.
func password(login string) string { return login + "-secret" }

// browse logs a user in. The public user is nobody who could.
func (w *world) browse(srv *server.Server, uid int64) *browser {
	w.t.Helper()
	b := &browser{w: w, s: w.ref.sees(w.ref.visitor(uid)), srv: srv, out: w.out, rate: 1}
	if b.s.v.login == "public" {
		return b
	}
	res := b.send("POST", "/web/login", "application/x-www-form-urlencoded", url.Values{"login": {b.s.v.login}, "password": {password(b.s.v.login)}}.Encode())
	for _, c := range res.Result().Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	if b.cookie == "" || res.Code != http.StatusSeeOther {
		w.t.Fatalf("%s cannot log in: %d %s", b.s.v.login, res.Code, res.Body)
	}
	err := w.db.Run(w.t.Context(), orm.User{ID: uid}, func(env *orm.Env) (err error) {
		b.key, err = base.GenerateAPIKey(env, "rpc", "walk", time.Now().Add(time.Hour))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// send makes a request, and reports what of the answer the user may not see.
func (b *browser) send(method, path, kind, body string, header ...string) *httptest.ResponseRecorder {
	b.out.calls++
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:4000"
	r.Header.Set("Accept", "text/html")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res := httptest.NewRecorder()
	b.w.log.Reset()
	b.srv.ServeHTTP(res, r)
	asked := method + " " + path + " " + body
	for _, at := range b.s.leaks(b.w.ref, asked, told(res)) {
		b.out.add(fmt.Sprint(shape(path), at[0].model, at[0].field), fmt.Sprintf("%s: %.300s shows %v", b.s.v.login, asked, at))
	}
	if res.Code >= 500 && res.Code != http.StatusNotImplemented {
		b.out.add("fails "+shape(path), fmt.Sprintf("%s: %.300s fails inside: %d %s", b.s.v.login, asked, res.Code, b.w.log.String()))
	}
	return res
}

// shape is an address without its numbers.
func shape(path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.Trim(p, "0123456789,") == "" {
			parts[i] = ""
		}
	}
	return strings.Join(parts, "/")
}

// told is all the text of an answer: its headers, and its body, unpacked where
// it is a document.
func told(res *httptest.ResponseRecorder) string {
	var b strings.Builder
	for name, values := range res.Header() {
		fmt.Fprintln(&b, name, values)
	}
	body := res.Body.Bytes()
	switch {
	case bytes.HasPrefix(body, []byte("%PDF")):
		b.Write(body)
		if text, err := reporttest.Text(body); err == nil {
			b.WriteString(text)
		}
	case bytes.HasPrefix(body, []byte("PK\x03\x04")):
		z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			break
		}
		for _, f := range z.File {
			if r, err := f.Open(); err == nil {
				content, _ := io.ReadAll(r)
				b.Write(content)
				r.Close()
			}
		}
	default:
		b.Write(body)
	}
	return b.String()
}

func (b *browser) get(path string, pairs ...string) *httptest.ResponseRecorder {
	if !b.drawn() {
		return notMade()
	}
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return b.send("GET", path, "", "")
}

func (b *browser) post(path string, pairs ...string) *httptest.ResponseRecorder {
	if !b.drawn() {
		return notMade()
	}
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return b.send("POST", path, "application/x-www-form-urlencoded", q.Encode())
}

// rpc sends a JSON-RPC request.
func (b *browser) rpc(path string, params map[string]any) (result any, failed bool) {
	if !b.drawn() {
		return nil, true
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "call", "id": 1, "params": params})
	if err != nil {
		b.w.t.Fatal(err)
	}
	res := b.send("POST", path, "application/json", string(body))
	var answer struct {
		Result any             `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(res.Body.Bytes(), &answer); err != nil {
		return nil, true
	}
	return answer.Result, answer.Error != nil
}

// refused reports an answer that ought to be a refusal.
func (b *browser) refused(what string, failed bool) {
	if !failed {
		b.out.add("refuse "+what, fmt.Sprintf("%s: %s is not refused", b.s.v.login, what))
	}
}

// drawn reports whether a request is made this time.
func (b *browser) drawn() bool { return b.rate >= 1 || b.w.rng.Float64() < b.rate }

// on sets the rate of what follows to that of a model.
func (b *browser) on(model string) { b.rate = b.w.rateOf(model) }

// notMade stands for the answer to a request that was not drawn.
func notMade() *httptest.ResponseRecorder { return &httptest.ResponseRecorder{Body: &bytes.Buffer{}} }

// visible and hidden are records of a model that the user may read, and may not.
func (b *browser) visible(model string, most int) []int64 { return b.some(model, most, true) }
func (b *browser) hidden(model string, most int) []int64  { return b.some(model, most, false) }

func (b *browser) some(model string, most int, readable bool) []int64 {
	m, _ := b.w.ref.reg.Model(model)
	k := &walker{w: b.w, s: b.s, m: m}
	return k.some(most, readable)
}

// models are those with records, the walk's own first.
func (b *browser) models() []*orm.Model {
	var own, rest []*orm.Model
	for _, m := range b.w.ref.reg.Models() {
		switch {
		case m.Abstract || len(b.w.ref.ids[m.Name]) == 0:
		case strings.HasPrefix(m.Name, "walk."):
			own = append(own, m)
		default:
			rest = append(rest, m)
		}
	}
	return append(own, rest...)
}
