package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/web/webtest"
)

// keeperPanel is what an addon other than mail may bring beside a form.
var keeperPanel = route.Panel{
	Class: "zoo_keeper",
	Show: func(_ *orm.Env, on route.RecordPage) (string, error) {
		rows, err := on.Record().Read("name", "born", "legs")
		if err != nil || rows[0]["name"] == "Ghost" {
			return "", err
		}
		born, _ := rows[0]["born"].(orm.Date)
		face := on.Avatar("Ada Keeper")
		return fmt.Sprintf(`<aside id="keeper"><p>Born %s, %s legs, %s, %t</p><form method="post" action="%s" enctype="multipart/form-data"><input name="legs"><input type="file" name="plan"><button>Count</button></form></aside>`,
			on.Day(born), on.Value(on.Field("legs"), rows[0]["legs"], 0), face.Initials, on.Field("no_such") == nil, html.EscapeString(on.Action("count"))), nil
	},
	Posts: map[string]func(*orm.Env, route.RecordPage) error{"count": func(_ *orm.Env, on route.RecordPage) error {
		files, err := on.Files("plan")
		if err != nil {
			return err
		}
		if err := on.Record().Write(orm.Values{"legs": on.Posted().Get("legs"), "notes": fmt.Sprint(len(files))}); err != nil {
			return err
		}
		if on.Posted().Get("legs") == "7" {
			return orm.UserErrorf("Seven legs are odd.")
		}
		return nil
	}},
}

// A panel stands beside the stored record, does what its form asks for, and undoes
// what fails.
func TestPanelsOfAddons(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	newUser(t, db, "clerk", "base.group_user")
	id := newAnimal(t, db, orm.Values{"name": "Kim", "born": "2020-01-02"})
	v := site.Login(t, "admin", "admin")
	at := fmt.Sprintf("/web/action/animals/%d", id)
	p := v.Get(at + "?n=1")
	want(t, p, http.StatusOK, "Born 01/02/2020, 4 legs, AK, true", "0 followers")
	counted := p.Press("Count", "legs", "3", "plan", webtest.File{Name: "plan.txt", Content: []byte("x")})
	want(t, counted, http.StatusOK, "3 legs")
	if got := read(t, db, "zoo.animal", id, "notes")["notes"]; got != "1" {
		t.Errorf("%v files came along", got)
	}
	want(t, counted.Press("Count", "legs", "7"), http.StatusOK, "Seven legs are odd.", "3 legs")
	for _, path := range []string{at + "/feed", "/web/action/animals/999999/count"} {
		if got := v.Post(path, url.Values{"legs": {"5"}}); got.Status != http.StatusNotFound {
			t.Errorf("%s answers %d", path, got.Status)
		}
	}
	for path, shown := range map[string]bool{"/web/action/animals/new": false, fmt.Sprintf("/web/action/animals/%d", newAnimal(t, db, orm.Values{"name": "Ghost"})): false, at: true} {
		if got := v.Get(path); got.Contains("legs, AK") != shown {
			t.Errorf("%s: the panel is shown: %t", path, !shown)
		}
	}
}
