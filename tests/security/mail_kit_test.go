package security

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	netmail "net/mail"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/contacts"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
)

// mailroom is a running program with an SMTP server beside it. Its people are
// clerk, who may read contacts, seller, who may change them as well, and
// customer, of the portal; passwords are the logins. Contacts whose reference
// is "secret" are hidden from all of them.
type mailroom struct {
	t      *testing.T
	db     *orm.DB
	url    string
	outbox *outbox
	users  map[string]int64 // by login
	people map[string]int64 // partners, by name
	files  map[string]int64 // attachments, by name
}

const hidden = "secret"

func newMailroom(t *testing.T) *mailroom {
	t.Helper()
	m := &mailroom{t: t, db: ormtest.DB(t, base.Addon(), mail.Addon(), contacts.Addon()), outbox: newOutbox(t),
		users: map[string]int64{}, people: map[string]int64{}, files: map[string]int64{}}
	auth := server.Auth{Login: base.Authenticate, Password: base.CheckCredentials, Key: base.CheckAPIKey, Context: base.UserContext}
	srv, err := server.New(m.db, server.Config{Database: "mailroom", Auth: auth, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	web.Mount(srv, web.Options{Name: "Mailroom", Panels: mail.Addon().Panels})
	l := httptest.NewServer(srv)
	t.Cleanup(l.Close)
	m.url = l.URL
	m.system(func(env *orm.Env) error {
		for login, group := range map[string]string{"clerk": "base.group_user", "seller": "base.group_partner_manager", "customer": "base.group_portal"} {
			groups := []int64{}
			for _, name := range []string{group, "base.group_user"} {
				g, err := env.Ref(name)
				if err != nil {
					return err
				}
				if login != "customer" || name == group {
					groups = append(groups, g.ID())
				}
			}
			u, err := env.Model("res.users").Create(orm.Values{"name": strings.ToUpper(login[:1]) + login[1:], "login": login, "password": login,
				"email": login + "@shop.example", "group_ids": []orm.Command{orm.SetIDs(groups...)}})
			if err != nil {
				return err
			}
			m.users[login] = u.ID()
			p, err := u.Value("partner_id")
			if err != nil {
				return err
			}
			m.people[login] = p.(int64)
		}
		for name, ref := range map[string]string{"Ann": "", "Hidden": hidden} {
			p, err := env.Model("res.partner").Create(orm.Values{"name": name, "ref": ref, "email": strings.ToLower(name) + "@else.example"})
			if err != nil {
				return err
			}
			m.people[name] = p.ID()
			f, err := env.Model("ir.attachment").Create(orm.Values{"name": name + ".txt", "raw": []byte("file of " + name), "res_model": "res.partner", "res_id": p.ID()})
			if err != nil {
				return err
			}
			m.files[name] = f.ID()
		}
		model, err := env.Model("ir.model").Search(orm.Leaf("model", "=", "res.partner"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if _, err := env.Model("ir.rule").Create(orm.Values{"name": "Secret contacts", "model_id": model.ID(),
			"domain_force": "['|', ('ref', '=', False), ('ref', '!=', '" + hidden + "')]"}); err != nil {
			return err
		}
		_, err = env.Model("ir.mail_server").Create(orm.Values{"name": "Outbox", "smtp_host": "127.0.0.1", "smtp_port": m.outbox.port})
		return err
	})
	return m
}

func (m *mailroom) system(fn func(env *orm.Env) error) {
	m.t.Helper()
	if err := m.db.Run(m.t.Context(), orm.System(), fn); err != nil {
		m.t.Fatal(err)
	}
}

// rows are those of a statement, one text each.
func (m *mailroom) rows(sql string, args ...any) (out []string) {
	m.t.Helper()
	m.system(func(env *orm.Env) error {
		rows, err := ormtest.Texts(env, sql, args...)
		for _, r := range rows {
			out = append(out, strings.Join(r, "|"))
		}
		return err
	})
	return out
}

// call calls a method over JSON-RPC with the rights of a user.
func (m *mailroom) call(login, model, method string, args []any, kw map[string]any) (any, error) {
	m.t.Helper()
	if kw == nil {
		kw = map[string]any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "call", "id": 1, "params": map[string]any{"service": "object", "method": "execute_kw",
		"args": []any{"mailroom", m.users[login], login, model, method, args, kw}}})
	if err != nil {
		m.t.Fatal(err)
	}
	res, err := http.Post(m.url+"/jsonrpc", "application/json", bytes.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct {
		Result any
		Error  *struct{ Data struct{ Message string } }
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		m.t.Fatalf("%s.%s: status %d, %v", model, method, res.StatusCode, err)
	}
	if out.Error != nil {
		return nil, fmt.Errorf("%s", out.Error.Data.Message)
	}
	return out.Result, nil
}

// must is call for what has to work.
func (m *mailroom) must(login, model, method string, args []any, kw map[string]any) any {
	m.t.Helper()
	v, err := m.call(login, model, method, args, kw)
	if err != nil {
		m.t.Fatalf("%s: %s.%s: %v", login, model, method, err)
	}
	return v
}

// refused is call for what must not work. It gives the error.
func (m *mailroom) refused(login, model, method string, args []any, kw map[string]any) string {
	m.t.Helper()
	v, err := m.call(login, model, method, args, kw)
	if err == nil {
		m.t.Errorf("%s may call %s.%s(%v, %v); the answer is %v", login, model, method, args, kw, v)
		return ""
	}
	if strings.Contains(err.Error(), "Hidden") {
		m.t.Errorf("%s.%s tells the name of a hidden record: %v", model, method, err)
	}
	return err.Error()
}

// id is the id in the answer of a create or message_post.
func (m *mailroom) id(v any) int64 {
	m.t.Helper()
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	n, ok := v.(float64)
	if !ok {
		m.t.Fatalf("%v is no id", v)
	}
	return int64(n)
}

// browser is a signed-in user's, which follows no redirects.
func (m *mailroom) browser(login string) *http.Client {
	m.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","method":"call","params":{"db":"mailroom","login":%q,"password":%q}}`, login, login)
	res, err := c.Post(m.url+"/web/session/authenticate", "application/json", strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	res.Body.Close()
	if u, _ := url.Parse(m.url); len(jar.Cookies(u)) == 0 {
		m.t.Fatalf("%s has no session: status %d", login, res.StatusCode)
	}
	return c
}

// get is the status, headers and text of a page.
func (m *mailroom) get(c *http.Client, path string) (int, http.Header, string) {
	m.t.Helper()
	res, err := c.Get(m.url + path)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// send sends what waits in the queue and gives all that has left so far.
func (m *mailroom) send() []sent {
	m.t.Helper()
	for _, id := range m.rows("SELECT id FROM mail_mail WHERE state = 'outgoing' ORDER BY id") {
		if err := mail.SendOne(m.t.Context(), m.db, ormtest.Int(id)); err != nil {
			m.t.Fatal(err)
		}
	}
	return m.outbox.all()
}

// outbox is an SMTP server that keeps what it is given.
type outbox struct {
	port int
	mu   sync.Mutex
	list []sent
}

type sent struct {
	from string
	to   []string
	raw  string
	head netmail.Header
}

func newOutbox(t *testing.T) *outbox {
	t.Helper()
	o := &outbox{}
	s := smtp.NewServer(o)
	s.Domain, s.AllowInsecureAuth = "localhost", true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.port = l.Addr().(*net.TCPAddr).Port
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	return o
}

func (o *outbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{outbox: o}, nil }

func (o *outbox) all() []sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]sent(nil), o.list...)
}

// letter is one mail on its way in.
type letter struct {
	outbox *outbox
	sent   sent
}

func (l *letter) Reset()        { l.sent = sent{} }
func (l *letter) Logout() error { return nil }

func (l *letter) Mail(from string, _ *smtp.MailOptions) error {
	l.sent.from = from
	return nil
}

func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.sent.to = append(l.sent.to, to)
	return nil
}

func (l *letter) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := netmail.ReadMessage(bytes.NewReader(b))
	if err != nil {
		return err
	}
	l.sent.raw, l.sent.head = string(b), m.Header
	l.outbox.mu.Lock()
	defer l.outbox.mu.Unlock()
	l.outbox.list = append(l.outbox.list, l.sent)
	return nil
}
