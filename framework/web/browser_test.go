package web_test

import (
	"fmt"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/webtest"
)

// TestBrowser walks through Contacts as people do, in a real browser: with and
// without JavaScript, on a desk and on a phone.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("make race asks for -short; the browser walks in make test")
	}
	t.Parallel()
	for name, look := range map[string]webtest.Look{
		"script":   {},
		"noscript": {NoScript: true},
		"phone":    {Width: 390, Height: 800},
		"dark":     {Dark: true, Width: 1600, Height: 900},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site, db := newSite(t)
			newPartner(t, db, orm.Values{"name": "Azure Interior", "is_company": true, "city": "Namur", "email": "info@azure.example"})
			newPartner(t, db, orm.Values{"name": "Ben Single"})
			walk(t, webtest.NewBrowser(t, site.URL, look), look, name)
			system(t, db, func(env *orm.Env) error {
				found, err := env.Model("res.partner").Search(orm.Leaf("name", "=", "Carla Line"), orm.SearchOptions{})
				if err != nil {
					return err
				}
				rows, err := found.Read("parent_id", "email")
				if err == nil && (len(rows) != 1 || rows[0]["parent_id"] == nil || rows[0]["email"] != "carla@nordic.example") {
					t.Errorf("the child contact: %v", rows)
				}
				return err
			})
		})
	}
}

func walk(t *testing.T, b *webtest.Browser, look webtest.Look, name string) {
	shot := func(step string) {
		b.Shot("web-" + name + "-" + step)
		b.FitsWidth()
	}
	says := func(selector, text string) {
		t.Helper()
		if got := b.Text(selector); !strings.Contains(got, text) {
			t.Errorf("%s says %q, not %q, at %s", selector, got, text, b.Location())
		}
	}
	b.Open("/web")
	shot("1-login")
	b.Login("admin", "wrong")
	says(".alert", "Wrong login or password.")
	b.Login("admin", "admin")
	shot("2-home")
	b.Go(".tiles a[href*='contacts']")
	says("table.list", "Azure Interior")
	shot("3-list")
	b.Choose("#q-in", "email")
	b.Type("#q", "info@azure")
	b.Go(".search-box button")
	if n := b.Count("table.list tbody tr"); n != 1 {
		t.Errorf("the search finds %d contacts", n)
	}
	says("table.list", "Azure Interior")
	if strings.Contains(b.Text("table.list"), "Ben Single") {
		t.Error("the search finds everything")
	}
	b.Go(".facet a")
	b.Click(".search > details:nth-of-type(1) > summary")
	shot("4-filters")
	b.Go(".filter-group a[href*='type_company']")
	b.Click(".search > details:nth-of-type(2) > summary")
	b.Go(".search .panel a[href*='g=country_id']")
	says("table.list", "None (1)")
	b.Go("table.list .group-name a[href*='open=-']")
	says("table.list", "Azure Interior")
	shot("5-groups")
	b.Back()
	b.Back()

	b.Go("a.button.primary[href*='/new']")
	b.Click("[name='f.company_type'][value=company]")
	b.Settle()
	b.Type("[name='f.city']", "Oslo")
	add := "button[value='add:f.child_ids:0']"
	if look.NoScript {
		b.Go(add)
	} else {
		b.Click(add)
	}
	b.Wait("[name='f.child_ids.n1.name']")
	b.Settle()
	b.Type("[name='f.child_ids.n1.name']", "Carla Line")
	b.Type("[name='f.child_ids.n1.email']", "carla@nordic.example")
	if look.NoScript {
		b.Type("[name='f.country_id']", "Norway")
	} else {
		b.Type("[name='f.country_id']", "norw")
		b.Wait("fusion-ref .ref-list [role=option][aria-selected=true]")
		shot("6-suggestions")
		b.Keys("[name='f.country_id']", "\r")
		b.Gone("fusion-ref .ref-list:not([hidden])")
		b.Settle()
		if v := b.Value("[name='f.country_id']"); v != "Norway" {
			t.Errorf("the choice is %q", v)
		}
	}
	b.Go("button[value=save]")
	says(".alert.danger", "require a name")
	says("#f-name-error", "This is needed.")
	if v := b.Value("[name='f.child_ids.n1.name']"); v != "Carla Line" {
		t.Errorf("what was typed is lost: %q", v)
	}
	shot("7-error")
	b.Type("[name='f.name']", "Nordic Light")
	b.Go("button[value=save]")
	says("h1", "Nordic Light")
	says("#record", "Carla Line")
	says("#record", "Norway")
	shot("8-saved")
	b.Go("[data-edit]")
	b.Type("[name='f.city']", "Bergen")
	if !look.NoScript {
		// leaving what is typed is asked about
		b.Click(".crumbs a")
		b.Wait("dialog.ask")
		b.Click("dialog.ask button[value=no]")
		b.Gone("dialog.ask")
	}
	b.Go("button[value=save]")
	says("#record", "Bergen")
	b.Type("#chatter-body", "Called them.")
	b.Go("button[value=note]")
	says(".messages", "Called them.")
	shot("9-note")
	b.Go(".crumbs a")
	says("table.list", "Nordic Light")
	b.Open("/web/action/contacts?view=kanban")
	shot("10-cards")
	b.Open("/web/profile")
	shot("11-profile")
	b.Open("/web/action/nowhere")
	shot("12-missing")
}

// Links of older versions of Odoo name the record behind a #.
func TestBrowserFollowsOlderLinks(t *testing.T) {
	if testing.Short() {
		t.Skip("make race asks for -short; the browser walks in make test")
	}
	t.Parallel()
	site, db := newSite(t)
	id := newPartner(t, db, orm.Values{"name": "Azure Interior"})
	link, record := fmt.Sprintf("/web#id=%d&model=res.partner&view_type=form", id), fmt.Sprintf("/web/model/res.partner/%d", id)
	b := webtest.NewBrowser(t, site.URL, webtest.Look{})
	b.Open(link)
	b.Type("#login", "admin")
	b.Type("#password", "admin")
	b.Go("button.primary")
	if got := b.Location(); !strings.HasSuffix(got, record) {
		t.Errorf("after the login the link leads to %s", got)
	}
	b.Open("/web/profile")
	b.Open(link)
	b.Wait("[data-edit]")
	if got := b.Location(); !strings.HasSuffix(got, record) {
		t.Errorf("the link leads to %s", got)
	}
}
