package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/webtest"
)

func TestConversation(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	newUser(t, db, "clerk", "base.group_user")
	id := newAnimal(t, db, orm.Values{"name": "Kim", "chip": "old-secret"})
	v := site.Login(t, "admin", "admin")
	at := fmt.Sprintf("/web/action/animals/%d", id)
	p := v.Get(at)
	want(t, p, http.StatusOK, "Animal created", "0 followers")
	noted := p.Press("Log note", "body", "Ate <b>well</b>\ntoday", "file", webtest.File{Name: "menu.txt", Content: []byte("fish")})
	want(t, noted, http.StatusOK, "Ate <b>well</b> today", "Administrator", "menu.txt", "1 file", "1 follower")
	sent := noted.Press("Send message", "body", "Hello all")
	want(t, sent, http.StatusOK, "Hello all")
	if msgs := read(t, db, "zoo.animal", id, "message_ids")["message_ids"].([]int64); len(msgs) != 3 {
		t.Errorf("%d messages", len(msgs))
	}
	want(t, sent.Press("Log note"), http.StatusOK, "Write something first.")
	// changes of tracked fields are told, with labels
	edited := v.Get(at+"?edit=1").Submit("record", "f.name", "Kimba", "f.species", "bear", "f.born", "2020-01-01", "_do", "save")
	want(t, edited, http.StatusOK, "Name: Kim → Kimba", "Species: Lion → Bear")
	// follow and unfollow
	want(t, edited.Press("Unfollow"), http.StatusOK, "0 followers")
	want(t, v.Get(at).Press("Follow"), http.StatusOK, "1 follower")
	// activities
	planned := v.Get(at).Press("Plan", "summary", "Brush the teeth", "due", "2020-05-01")
	want(t, planned, http.StatusOK, "05/01/2020", "Brush the teeth", "for Administrator")
	want(t, planned.Press("Done", "feedback", "All 30"), http.StatusOK, "Brush the teeth", "All 30")
	if n := len(read(t, db, "zoo.animal", id, "activity_ids")["activity_ids"].([]int64)); n != 0 {
		t.Errorf("%d activities are left", n)
	}
	// the file comes back as it is, and not as something that runs
	file := v.Get(at).Link("menu.txt")
	if file.Body != "fish" || file.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the file: %q %v", file.Body, file.Header)
	}
	evil := v.Get(at).Press("Attach", "file", webtest.File{Name: "x.html", Content: []byte("<script>alert(1)</script>")})
	want(t, evil, http.StatusOK, "x.html")
	if h := evil.Link("x.html").Header; strings.Contains(h.Get("Content-Type"), "html") {
		t.Errorf("an uploaded page is sent as %s", h.Get("Content-Type"))
	}
	want(t, v.Get(at).Press("Remove x.html"), http.StatusOK, "1 file")
	// who may not read the record gets neither page nor file
	newUser(t, db, "portal", "base.group_portal")
	system(t, db, func(env *orm.Env) error {
		m, err := env.Model("ir.model").Search(orm.Leaf("model", "=", "zoo.animal"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		_, err = env.Model("ir.rule").Create(orm.Values{"name": "none", "model_id": m.ID(), "domain_force": "[('name', '!=', 'Kimba')]"})
		return err
	})
	for _, who := range []string{"clerk", "portal"} {
		w := site.Login(t, who, who)
		for _, path := range []string{at, file.URL.Path, fmt.Sprintf("/web/content/zoo.animal/%d/paper", id), fmt.Sprintf("/web/image/zoo.animal/%d/photo", id)} {
			if s := w.Get(path).Status; s != http.StatusForbidden && s != http.StatusNotFound {
				t.Errorf("%s gets %d for %s", who, s, path)
			}
		}
		if s := w.Post(at+"/message", url.Values{"body": {"hi"}, "kind": {"note"}}); !s.Contains("record rule") && s.Status == http.StatusOK {
			t.Errorf("%s may post on a record out of reach: %s", who, s.Text())
		}
		if got := Column(w.Get("/web/action/animals").Table(), 0); slices.Contains(got, "Kimba") {
			t.Errorf("%s finds %v", who, got)
		}
		// names of pages above are not told either
		if c := w.Get(fmt.Sprintf("/web/action/animals?up=%s", url.QueryEscape(strings.TrimPrefix(at, "/web/")))); c.Contains("Kimba") {
			t.Errorf("%s reads a name in the breadcrumbs", who)
		}
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	uid := newUser(t, db, "clerk", "base.group_user")
	v := site.Login(t, "clerk", "clerk")
	other := site.Login(t, "clerk", "clerk")
	p := v.Get("/web").Link("My profile")
	want(t, p, http.StatusOK, "User clerk")
	want(t, p.Press("Save", "email", "clerk@x.example", "tz", "Europe/Paris", "phone", "123"), http.StatusOK, "Saved.")
	if got := read(t, db, "res.users", uid, "email", "tz", "login"); got["email"] != "clerk@x.example" || got["tz"] != "Europe/Paris" || got["login"] != "clerk" {
		t.Errorf("saved: %v", got)
	}
	for _, c := range []struct{ old, fresh, again, message string }{
		{"wrong", "long enough", "long enough", "The old password is not right."},
		{"clerk", "short", "short", "at least 8 characters"},
		{"clerk", "long enough", "long enouhg", "differ"},
	} {
		want(t, v.Get("/web/profile").Press("Change password", "old", c.old, "new", c.fresh, "again", c.again), http.StatusUnprocessableEntity, c.message)
	}
	done := v.Get("/web/profile").Press("Change password", "old", "clerk", "new", "long enough", "again", "long enough")
	want(t, done, http.StatusOK, "Your password is changed.")
	if got := other.Get("/web").URL.Path; got != "/web/login" {
		t.Errorf("another session goes on after the change of the password, at %s", got)
	}
	want(t, v.Get("/web"), http.StatusOK, "Contacts")
	site.Login(t, "clerk", "long enough")
}

func TestCompanySwitch(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	var second, foreign int64
	system(t, db, func(env *orm.Env) error {
		for name, to := range map[string]*int64{"Second Inc": &second, "Foreign Inc": &foreign} {
			made, err := env.Model("res.company").Create(orm.Values{"name": name})
			if err != nil {
				return err
			}
			*to = made.ID()
		}
		return env.Model("res.users").Browse(2).Write(orm.Values{"company_ids": []orm.Command{orm.Link(second)}})
	})
	newPartner(t, db, orm.Values{"name": "Of the second", "company_id": second})
	v := site.Login(t, "admin", "admin")
	p := v.Get("/web/action/contacts")
	want(t, p, http.StatusOK, "Of the second")
	if p.Button("Foreign Inc") != "" {
		t.Error("a company of others is offered")
	}
	switched := p.Press("Second Inc")
	if switched.URL.Path != "/web/action/contacts" || switched.Element("summary", "") == "" {
		t.Errorf("after the switch one is at %s", switched.URL)
	}
	got := v.Get("/web/model/res.partner/new")
	want(t, got, http.StatusOK)
	want(t, v.Post("/web/company", url.Values{"company": {fmt.Sprint(foreign)}}), http.StatusForbidden)
}
