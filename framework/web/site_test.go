package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/contacts"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
	"fusionsoft.ca/fusion/framework/web/webtest"
	"fusionsoft.ca/fusion/static"
)

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), contacts.Addon()}
}

func auth() server.Auth {
	return server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Key: base.CheckAPIKey, Context: base.UserContext}
}

// newSite serves a database of the test's own.
func newSite(t *testing.T) (*webtest.Site, *orm.DB) {
	t.Helper()
	db := ormtest.DB(t, addons()...)
	return webtest.Serve(t, db, auth(), web.Options{Name: "Fusion", Panels: mail.Addon().Panels, Static: static.Files}), db
}

// system does something as the superuser.
func system(t *testing.T, db *orm.DB, fn func(env *orm.Env) error) {
	t.Helper()
	if err := db.Run(t.Context(), orm.System(), fn); err != nil {
		t.Fatal(err)
	}
}

// newUser makes a user with the groups, whose password is the login.
func newUser(t *testing.T, db *orm.DB, login string, groups ...string) (uid int64) {
	t.Helper()
	system(t, db, func(env *orm.Env) error {
		var ids []int64
		for _, g := range groups {
			rs, err := env.Ref(g)
			if err != nil {
				return err
			}
			ids = append(ids, rs.ID())
		}
		made, err := env.Model("res.users").Create(orm.Values{"name": "User " + login, "login": login, "password": login, "group_ids": []orm.Command{orm.SetIDs(ids...)}})
		uid = made.ID()
		return err
	})
	return uid
}

func newPartner(t *testing.T, db *orm.DB, vals orm.Values) (id int64) {
	t.Helper()
	system(t, db, func(env *orm.Env) error {
		made, err := env.Model("res.partner").Create(vals)
		id = made.ID()
		return err
	})
	return id
}

func read(t *testing.T, db *orm.DB, model string, id int64, fields ...string) orm.Values {
	t.Helper()
	var out orm.Values
	system(t, db, func(env *orm.Env) error {
		rows, err := env.Model(model).Browse(id).Read(fields...)
		if err == nil {
			out = rows[0]
		}
		return err
	})
	return out
}

func want(t *testing.T, p *webtest.Page, status int, texts ...string) {
	t.Helper()
	if p.Status != status {
		t.Fatalf("%s: status %d, want %d: %s", p.URL, p.Status, status, p.Text())
	}
	for _, s := range texts {
		if !p.Contains(s) {
			t.Errorf("%s does not say %q: %s", p.URL, s, p.Text())
		}
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	v := webtest.Visit(t, site.URL)
	p := v.Get("/web/action/contacts?view=kanban")
	if p.URL.Path != "/web/login" {
		t.Fatalf("a stranger is shown %s", p.URL)
	}
	for _, try := range []struct{ login, password string }{{"admin", "wrong"}, {"nobody", "admin"}, {"", ""}} {
		f := p.Submit("@password", "login", try.login, "password", try.password)
		want(t, f, http.StatusUnauthorized, "Wrong login or password.")
		if strings.Contains(f.Body, "wrong\"") {
			t.Errorf("the page gives the password back")
		}
	}
	in := p.Submit("@password", "login", "admin", "password", "admin")
	if in.URL.Path != "/web/action/contacts" || in.URL.Query().Get("view") != "kanban" {
		t.Errorf("after the login one is at %s", in.URL)
	}
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)"} {
		w := webtest.Visit(t, site.URL)
		got := w.Get("/web/login?redirect="+url.QueryEscape(to)).Submit("@password", "login", "admin", "password", "admin", "redirect", to)
		if got.URL.Host != in.URL.Host || got.URL.Path != "/web" {
			t.Errorf("redirect %q leads to %s", to, got.URL)
		}
	}
	bye := v.Post("/web/logout", url.Values{})
	if bye.URL.Path != "/web/login" || v.Get("/web").URL.Path != "/web/login" {
		t.Errorf("still logged in after logging out: %s", bye.URL)
	}
}

// Whoever asks for a page without a session is led to the login page, also the clients
// that do not say what they accept.
func TestPagesWithoutSession(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, accept := range []string{"", "*/*", "text/html", "application/json"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL+"/web", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		res, err := stay.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		got := fmt.Sprint(res.StatusCode, " ", res.Header.Get("Location"))
		wanted := "303 /web/login?redirect=%2Fweb"
		if accept == "application/json" {
			wanted = "401 "
		}
		if got != wanted {
			t.Errorf("Accept %q is answered with %s, want %s", accept, got, wanted)
		}
	}
}

// Links in Odoo's form lead to the record, past the login page where that is needed.
func TestLinksInOdoosForm(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	id := newPartner(t, db, orm.Values{"name": "Azure Interior"})
	record := fmt.Sprintf("/web/model/res.partner/%d", id)
	out := webtest.Visit(t, site.URL)
	login := out.Get(fmt.Sprintf("/odoo/res.partner/%d", id))
	in := login.Submit("@password", "login", "admin", "password", "admin")
	if in.URL.Path != record {
		t.Errorf("after the login the link leads to %s", in.URL)
	}
	v := site.Login(t, "admin", "admin")
	for link, to := range map[string]string{
		"/odoo": "/web", "/odoo/contacts": "/web/action/contacts", fmt.Sprintf("/odoo/contacts/%d", id): fmt.Sprintf("/web/action/contacts/%d", id),
		fmt.Sprintf("/odoo/m-res.partner/%d", id): record, fmt.Sprintf("/odoo/contacts/7/res.partner/%d", id): record, "/odoo/res.partner/new": "/web/model/res.partner/new",
	} {
		if got := v.Get(link); got.URL.Path != to || got.Status != http.StatusOK {
			t.Errorf("%s leads to %s, status %d; want %s", link, got.URL, got.Status, to)
		}
	}
	if got := v.Get("/odoo/5"); got.Status != http.StatusNotFound {
		t.Errorf("a number alone has status %d", got.Status)
	}
}

func TestLoginTriesAreLimited(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	v := webtest.Visit(t, site.URL)
	status := 0
	for range 12 {
		status = v.Post("/web/login", url.Values{"login": {"admin"}, "password": {"guess"}}).Status
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("the twelfth try within a minute answers %d", status)
	}
}

func TestHomeAndMenus(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	p := site.Login(t, "admin", "admin").Get("/web")
	want(t, p, http.StatusOK, "Contacts", "Settings")
	newUser(t, db, "clerk", "base.group_user")
	clerk := site.Login(t, "clerk", "clerk")
	home := clerk.Get("/web")
	if home.Contains("Settings") || !home.Contains("Contacts") {
		t.Errorf("an employee's applications: %s", home.Text())
	}
	list := home.Link("Co Contacts")
	want(t, list, http.StatusOK)
	if list.HasLink("Countries") {
		t.Error("an employee sees the configuration")
	}
	want(t, clerk.Get("/web/action/base.action_res_users"), http.StatusOK)
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	newUser(t, db, "portal", "base.group_portal")
	admin, portal := site.Login(t, "admin", "admin"), site.Login(t, "portal", "portal")
	want(t, admin.Get("/web/nowhere"), http.StatusNotFound, "no page at this address", "Administrator")
	want(t, admin.Get("/web/action/99999"), http.StatusNotFound, "no action “99999”")
	want(t, admin.Get("/web/model/no.such"), http.StatusNotFound)
	want(t, admin.Get("/web/action/contacts/99999"), http.StatusNotFound, "does not exist")
	want(t, portal.Get("/web/model/res.country.group/new"), http.StatusForbidden)
	want(t, admin.Get("/web/model/ir.job/new"), http.StatusForbidden) // a view of the database
	want(t, portal.Get("/web/model/ir.cron"), http.StatusForbidden)
	want(t, portal.Post("/web/model/res.country.group/1", url.Values{"_do": {"delete"}, "confirm": {"1"}}), http.StatusForbidden)
	if h := admin.Get("/web").Header.Get("Content-Security-Policy"); !strings.Contains(h, "default-src 'self'") || strings.Contains(h, "unsafe-eval") {
		t.Errorf("Content-Security-Policy: %s", h)
	}
}
