package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/web"
	"fusionsoft.ca/fusion/framework/web/webtest"
)

// png is the smallest picture there is.
const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82"

// newZoo serves the addon zoo.
func newZoo(t *testing.T) (*webtest.Site, *orm.DB) {
	t.Helper()
	db := ormtest.DB(t, append(addons(), zoo())...)
	pages := map[string]route.Page{"zoo_dashboard": func(env *orm.Env, a route.Action) (*route.Content, error) {
		n, err := env.Model("zoo.animal").SearchCount(nil, 0)
		return &route.Content{Title: a.Name, HTML: "<p>There are " + fmt.Sprint(n) + " animals.</p>"}, err
	}}
	panels := mail.Addon().Panels
	panels["keeper"] = keeperPanel
	return webtest.Serve(t, db, auth(), web.Options{Name: "Fusion", Panels: panels, Pages: pages}), db
}

func newAnimal(t *testing.T, db *orm.DB, vals orm.Values) (id int64) {
	t.Helper()
	system(t, db, func(env *orm.Env) error {
		made, err := env.Model("zoo.animal").Create(vals)
		id = made.ID()
		return err
	})
	return id
}

func TestCreateWithALine(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	v := site.Login(t, "admin", "admin")
	form := v.Get("/web/action/contacts").Link("New")
	want(t, form, http.StatusOK, "New")
	// adding a line keeps what was typed
	more := form.Submit("record", "f.name", "Acme", "f.company_type", "company", "f.city", "Namur", "_do", "add:f.child_ids:0")
	want(t, more, http.StatusOK)
	vals := more.Values("record")
	if vals.Get("f.name") != "Acme" || vals.Get("f.city") != "Namur" || vals.Get("f.company_type") != "company" {
		t.Fatalf("typed values are lost: %v", vals)
	}
	if rows := vals["f.child_ids~rows"]; len(rows) != 1 || rows[0] != "n1" {
		t.Fatalf("lines: %v", rows)
	}
	// the defaults the view gives a line are there
	if vals.Get("f.child_ids.n1.city") != "Namur" {
		t.Errorf("the line's city is %q", vals.Get("f.child_ids.n1.city"))
	}
	// a required value is missing: the message stands at the field, the rest stays
	bad := more.Submit("record", "f.name", "", "f.child_ids.n1.name", "Anna", "_do", "save")
	want(t, bad, http.StatusUnprocessableEntity)
	if bad.Errors()["f-name"] != "This is needed." || bad.Values("record").Get("f.child_ids.n1.name") != "Anna" || bad.Values("record").Get("f.city") != "Namur" {
		t.Fatalf("values are lost: %v: %s", bad.Values("record"), bad.Text())
	}
	saved := bad.Submit("record", "f.name", "Acme", "_do", "save")
	want(t, saved, http.StatusOK, "Acme", "Anna", "Namur")
	if strings.HasSuffix(saved.URL.Path, "/new") {
		t.Errorf("after saving one is at %s", saved.URL)
	}
	system(t, db, func(env *orm.Env) error {
		found, err := env.Model("res.partner").Search(orm.Leaf("name", "=", "Anna"), orm.SearchOptions{})
		if err != nil || found.Len() != 1 {
			return fmt.Errorf("%d contacts Anna: %w", found.Len(), err)
		}
		vals, err := found.Read("parent_id", "city")
		if err == nil && (vals[0]["parent_id"] == nil || vals[0]["city"] != "Namur") {
			t.Errorf("Anna: %v", vals[0])
		}
		return err
	})
	if !saved.HasLink("Contacts") {
		t.Error("no way back to the list")
	}
}

func TestPostEveryKind(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	system(t, db, func(env *orm.Env) error {
		return env.Model("res.users").Browse(2).Write(orm.Values{"tz": "Europe/Brussels"})
	})
	v := site.Login(t, "admin", "admin")
	tag := int64(0)
	system(t, db, func(env *orm.Env) error {
		made, err := env.Model("res.partner.category").Create(orm.Values{"name": "Furry"})
		tag = made.ID()
		return err
	})
	form := v.Get("/web/action/animals/new")
	want(t, form, http.StatusOK)
	if got := form.Values("record").Get("f.legs"); got != "4" {
		t.Errorf("the default of legs is %q", got)
	}
	saved := form.Submit("record", "f.name", "Leo <b>", "f.species", "otter", "f.legs", "1,003", "f.weight", "1,234.5678", "f.speed", "12.5", "f.price", "99.999",
		"f.currency_id", "EUR", "f.tame", "1", "f.born", "2020-02-29", "f.fed_at", "2026-07-01T12:30", "f.country_id", "Belgium", "f.tag_ids~id", fmt.Sprint(tag),
		"f.photo~file", webtest.File{Name: "leo.png", Content: []byte(png)}, "f.paper~file", webtest.File{Name: "p.pdf", Content: []byte("%PDF-1.4 x")}, "f.paper_name", "p.pdf",
		"f.notes", "one\r\ntwo", "f.story", `<p onclick="x()">Hi<script>bad()</script></p>`, "f.facts", `{"a": 1}`, "f.website", "zoo.example", "f.chip", "s3cret", "f.star", "2", "_do", "save")
	want(t, saved, http.StatusOK, "Leo <b>", "1,234.568", "02/29/2020", "07/01/2026 12:30", "Belgium", "Furry", "100.00 €")
	if strings.Contains(saved.Body, "bad()") || strings.Contains(saved.Body, "onclick") || strings.Contains(saved.Body, "s3cret") || strings.Contains(saved.Body, "Leo <b>") {
		t.Error("the page holds what it must not")
	}
	id := idOf(t, saved)
	got := read(t, db, "zoo.animal", id, "name", "species", "legs", "weight", "speed", "tame", "born", "fed_at", "tag_ids", "notes", "story", "facts", "star", "photo", "paper", "chip")
	if s := fmt.Sprint(got["legs"], got["weight"], got["speed"], got["tame"], got["born"], got["fed_at"], got["tag_ids"], got["star"]); s != fmt.Sprintf("1003 1234.568 12.5 true 2020-02-29 2026-07-01 10:30:00 [%d]2", tag) {
		t.Errorf("stored: %s", s)
	}
	if got["notes"] != "one\ntwo" || got["story"] != "<p>Hi</p>" || len(got["photo"].([]byte)) != len(png) || string(got["paper"].([]byte)) != "%PDF-1.4 x" {
		t.Errorf("stored texts and files: %q %q %d %q", got["notes"], got["story"], len(got["photo"].([]byte)), got["paper"])
	}
	// saved again without a change, nothing is written
	again := v.Get(saved.URL.Path+"?edit=1").Submit("record", "_do", "save")
	want(t, again, http.StatusOK)
	if n := len(read(t, db, "zoo.animal", id, "message_ids")["message_ids"].([]int64)); n != 1 {
		t.Errorf("%d messages after saving without a change", n)
	}
	// what cannot be read is told at the fields, all at once, and nothing is stored
	bad := v.Get(saved.URL.Path+"?edit=1").Submit("record", "f.legs", "many", "f.weight", "1..2", "f.born", "31.31.31", "f.facts", "{", "f.country_id", "Atlantis", "f.name", "Other", "_do", "save")
	errs := bad.Errors()
	for _, f := range []string{"f-legs", "f-weight", "f-born", "f-facts", "f-country_id"} {
		if errs[f] == "" {
			t.Errorf("no message at %s: %v", f, errs)
		}
	}
	if vals := bad.Values("record"); vals.Get("f.legs") != "many" || vals.Get("f.name") != "Other" {
		t.Errorf("typed values are lost: %v", vals)
	}
	if read(t, db, "zoo.animal", id, "name")["name"] != "Leo <b>" {
		t.Error("part of a wrong form was stored")
	}
	// boxes, files and secrets can be emptied
	empty := v.Get(saved.URL.Path+"?edit=1").Submit("record", "-f.tame", "", "-f.tag_ids~id", "", "f.photo~clear", "1", "f.chip~clear", "1", "f.country_id", "", "f.born", "", "_do", "save")
	want(t, empty, http.StatusOK)
	got = read(t, db, "zoo.animal", id, "tame", "tag_ids", "photo", "chip", "country_id", "born", "paper")
	if got["tame"] != false || len(got["tag_ids"].([]int64)) != 0 || got["photo"] != nil || got["country_id"] != nil || got["born"] != nil || got["paper"] == nil {
		t.Errorf("emptied: %v", got)
	}
	if c, _ := got["chip"].(string); c != "" {
		t.Errorf("the secret is still there")
	}
}

func idOf(t *testing.T, p *webtest.Page) (id int64) {
	t.Helper()
	parts := strings.Split(p.URL.Path, "/")
	if _, err := fmt.Sscan(parts[len(parts)-1], &id); err != nil {
		t.Fatalf("%s is no record: %s", p.URL, p.Text())
	}
	return id
}

func TestRelationsByName(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	a := newAnimal(t, db, orm.Values{"name": "Twin"})
	b := newAnimal(t, db, orm.Values{"name": "Twin"})
	me := newAnimal(t, db, orm.Values{"name": "Child", "species": "otter"})
	v := site.Login(t, "admin", "admin")
	form := v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", me))
	two := form.Submit("record", "f.parent_id", "Twin", "_do", "save")
	if e := two.Errors()["f-parent_id"]; !strings.Contains(e, "Several are called “Twin”") {
		t.Fatalf("two of a name: %q: %s", e, two.Text())
	}
	if !strings.Contains(two.Body, fmt.Sprintf(`value="%d">Twin`, a)) {
		t.Error("the candidates are not offered")
	}
	want(t, two.Submit("record", "f.parent_id~pick", fmt.Sprint(b), "_do", "save"), http.StatusOK, "Twin")
	if got := read(t, db, "zoo.animal", me, "parent_id")["parent_id"]; got != b {
		t.Errorf("parent %v, want %d", got, b)
	}
	// a name nobody has can be created
	none := v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", me)).Submit("record", "f.parent_id", "Nobody", "_do", "save")
	if e := none.Errors()["f-parent_id"]; !strings.Contains(e, "Nothing is called “Nobody”") {
		t.Fatalf("unknown name: %q", e)
	}
	want(t, none.Submit("record", "f.parent_id~pick", "new", "_do", "save"), http.StatusOK, "Nobody")
	// the domain of the field keeps others out
	out := v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", me)).Submit("record", "f.country_id", "France", "_do", "save")
	if out.Errors()["f-country_id"] == "" {
		t.Errorf("a country outside the domain is taken: %s", out.Text())
	}
	// a friend is linked and unlinked
	linked := v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", me)).Submit("record", "f.friend_ids~add", "Nobody", "_do", "save")
	want(t, linked, http.StatusOK)
	ids := read(t, db, "zoo.animal", me, "friend_ids")["friend_ids"].([]int64)
	if len(ids) != 1 {
		t.Fatalf("friends: %v: %s", ids, linked.Text())
	}
	want(t, v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", me)).Submit("record", fmt.Sprintf("f.friend_ids.%d~del", ids[0]), "1", "_do", "save"), http.StatusOK)
	if ids := read(t, db, "zoo.animal", me, "friend_ids")["friend_ids"].([]int64); len(ids) != 0 {
		t.Errorf("friends after unlinking: %v", ids)
	}
}

func TestWhatFollowsIsShownBeforeSaving(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	id := newAnimal(t, db, orm.Values{"name": "Bruno", "meal_ids": []orm.Command{orm.CreateLine(orm.Values{"food": "fish", "amount": 2})}})
	v := site.Login(t, "admin", "admin")
	form := v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", id))
	line := form.Values("record").Get("f.meal_ids~rows")
	more := form.Submit("record", "f.meal_ids."+line+".amount", "3", "_do", "add:f.meal_ids:0")
	vals := more.Values("record")
	if vals.Get("f.meal_ids."+line+".cost") != "12.00" || vals.Get("f.meal_ids.n1.amount") != "1.00" {
		t.Fatalf("what follows: %v", vals)
	}
	if !strings.Contains(vals.Get("f.meal_ids.n1~extra"), "Bruno") {
		t.Errorf("the context of the field gives no default: %q", vals.Get("f.meal_ids.n1~extra"))
	}
	next := more.Submit("record", "f.meal_ids.n1.food", "honey", "_do", "refresh")
	if got := next.Values("record").Get("f.meal_ids.n1.cost"); got != "5.00" {
		t.Errorf("cost of the new line: %q: %s", got, next.Text())
	}
	if got := next.Element("span", "stat-value"); got != "17.00" {
		t.Errorf("the total before saving: %q", got)
	}
	if n := len(read(t, db, "zoo.animal", id, "meal_ids")["meal_ids"].([]int64)); n != 1 {
		t.Errorf("%d meals are stored before saving", n)
	}
	// a cost typed by hand stays
	hand := next.Submit("record", "f.meal_ids.n1.cost", "7", "_do", "save")
	want(t, hand, http.StatusOK, "honey", "7.00", "19.00")
	got := read(t, db, "zoo.animal", id, "total", "meal_ids")
	if fmt.Sprint(got["total"]) != "19" {
		t.Errorf("total %v", got["total"])
	}
	meal := got["meal_ids"].([]int64)[1]
	if r := read(t, db, "zoo.meal", meal, "remark")["remark"]; r != "Bruno" {
		t.Errorf("remark of the new line: %v", r)
	}
	// modifiers follow what is typed
	want(t, v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", id)).Submit("record", "f.speed", "3", "_do", "refresh").Submit("record", "_do", "save"), http.StatusOK)
	bear := v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", id)).Submit("record", "f.species", "bear", "f.notes", "kept", "_do", "refresh")
	if bear.Contains("Papers") || bear.Values("record").Get("f.notes") != "kept" {
		t.Errorf("a page that is hidden now: %s", bear.Text())
	}
	lacking := bear.Submit("record", "_do", "save")
	if lacking.Status != http.StatusUnprocessableEntity || lacking.Errors()["f-born"] == "" {
		t.Fatalf("a view's required: %d %v: %s", lacking.Status, lacking.Errors(), lacking.Text())
	}
	want(t, lacking.Submit("record", "f.born", "2019-01-01", "_do", "save"), http.StatusOK)
	if got := read(t, db, "zoo.animal", id, "notes", "species"); got["notes"] != "kept" || got["species"] != "bear" {
		t.Errorf("stored %v", got)
	}
	// lines that are ticked go
	gone := v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", id)).Submit("record", fmt.Sprintf("f.meal_ids.%d~del", meal), "1", "_do", "save")
	want(t, gone, http.StatusOK)
	if n := len(read(t, db, "zoo.animal", id, "meal_ids")["meal_ids"].([]int64)); n != 1 {
		t.Errorf("%d meals are left", n)
	}
}

func TestConstraintsAndConflicts(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	id := newAnimal(t, db, orm.Values{"name": "Ida"})
	v := site.Login(t, "admin", "admin")
	form := v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", id))
	bad := form.Submit("record", "f.legs", "-1", "_do", "save")
	if bad.Status != http.StatusUnprocessableEntity || bad.Errors()["f-legs"] != "No animal has fewer than 0 legs." || bad.Values("record").Get("f.legs") != "-1" {
		t.Errorf("a constraint: %d %v", bad.Status, bad.Errors())
	}
	system(t, db, func(env *orm.Env) error {
		return env.Model("zoo.animal").Browse(id).Write(orm.Values{"notes": "from elsewhere"})
	})
	late := form.Submit("record", "f.legs", "5", "_do", "save")
	want(t, late, http.StatusUnprocessableEntity, "changed this record at", "Save all the same")
	if read(t, db, "zoo.animal", id, "legs")["legs"] != int64(4) {
		t.Error("somebody's change was overwritten")
	}
	want(t, late.Submit("record", "_force", "1", "_do", "save"), http.StatusOK)
	if got := read(t, db, "zoo.animal", id, "legs", "notes"); got["legs"] != int64(5) || got["notes"] != "from elsewhere" {
		t.Errorf("after saving all the same: %v", got)
	}
}

func TestButtons(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	id := newAnimal(t, db, orm.Values{"name": "Rex", "meal_ids": []orm.Command{orm.CreateLine(orm.Values{"food": "ham"})}})
	v := site.Login(t, "admin", "admin")
	at := fmt.Sprintf("/web/action/animals/%d", id)
	p := v.Get("/web/action/animals").Link("Rex")
	if p.Button("Leave") != "" || p.Button("Secret roar") == "" {
		t.Error("buttons shown although hidden, or hidden although shown")
	}
	here := p.Press("Arrive")
	want(t, here, http.StatusOK)
	if read(t, db, "zoo.animal", id, "state")["state"] != "here" || here.Button("Arrive") != "" {
		t.Error("the button did nothing")
	}
	// a confirmation, then the error of the method in place
	ask := here.Press("Leave")
	want(t, ask, http.StatusOK, "Let it go?")
	refused := ask.Submit("@confirm")
	want(t, refused, http.StatusUnprocessableEntity, "Rex does not want to leave.", "Meals")
	// a notification is shown once, as text
	note := here.Press("Roar")
	want(t, note, http.StatusOK, "Roar Rex roars <loudly>.")
	if v.Get(at).Contains("roars") {
		t.Error("the notification is shown twice")
	}
	// a method that calls out does so between two units of work; the button says so
	if !strings.Contains(here.Body, `data-busy="Whistling"`) {
		t.Error("the button does not say what takes time")
	}
	want(t, here.Press("Whistle"), http.StatusOK, "Rex does not hear.")
	want(t, v.Get(at+"?edit=1").Submit("record", "f.legs", "8", "_do", here.Button("Whistle")), http.StatusOK, "Rex comes.")
	// a smart button leads to a list below the record, with its domain and context
	meals := here.Submit("record", "_do", here.Button("3.00 Food"))
	want(t, meals, http.StatusOK, "Meals", "ham")
	if !meals.HasLink("Rex") || !meals.HasLink("Animals") {
		t.Errorf("breadcrumbs: %s", meals.Text())
	}
	other := newAnimal(t, db, orm.Values{"name": "Other", "meal_ids": []orm.Command{orm.CreateLine(orm.Values{"food": "grass"})}})
	if v.Get(meals.URL.String()).Contains("grass") {
		t.Errorf("the meals of %d are shown", other)
	}
	if got := meals.Link("New").Values("record").Get("f.animal_id"); got != "Rex" {
		t.Errorf("the default of a new meal is %q", got)
	}
	// the edit form saves before it presses
	saved := v.Get(at+"?edit=1").Submit("record", "f.legs", "6", "_do", p.Button("Roar"))
	want(t, saved, http.StatusOK)
	if read(t, db, "zoo.animal", id, "legs")["legs"] != int64(6) {
		t.Error("what was typed is lost when a button is pressed")
	}
	// users without the group do not see the button, and pressing it is refused
	newUser(t, db, "clerk", "base.group_user")
	clerk := site.Login(t, "clerk", "clerk")
	page := clerk.Get(at)
	if page.Button("Secret roar") != "" || page.Contains("Vet's remark") {
		t.Error("a clerk sees what is for administrators")
	}
	want(t, page.Submit("record", "_do", p.Button("Secret roar")), http.StatusForbidden, "reserved to certain groups")
}

func TestWizard(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	a := newAnimal(t, db, orm.Values{"name": "Ada"})
	b := newAnimal(t, db, orm.Values{"name": "Bob"})
	v := site.Login(t, "admin", "admin")
	list := v.Get("/web/action/animals")
	wiz := list.Submit("@all", "+id", fmt.Sprint(a), "+id", fmt.Sprint(b), "_do", list.Button("Feed"))
	want(t, wiz, http.StatusOK, "Feed", "Ada", "Bob", "Never mind")
	bad := wiz.Press("Feed them")
	want(t, bad, http.StatusUnprocessableEntity, "Ada")
	if bad.Errors()["f-food"] == "" {
		t.Errorf("no message at the food: %s", bad.Text())
	}
	done := bad.Press("Feed them", "f.food", "hay", "f.row_ids.n2.amount", "4")
	if done.URL.Path != "/web/action/animals" {
		t.Errorf("after the wizard one is at %s: %s", done.URL, done.Text())
	}
	for id, amount := range map[int64]string{a: "2.5", b: "4"} {
		meals := read(t, db, "zoo.animal", id, "meal_ids")["meal_ids"].([]int64)
		if len(meals) != 1 {
			t.Fatalf("%d meals of %d", len(meals), id)
		}
		if got := read(t, db, "zoo.meal", meals[0], "food", "amount"); got["food"] != "hay" || fmt.Sprint(got["amount"]) != amount {
			t.Errorf("meal of %d: %v", id, got)
		}
	}
	// from a record, back to the record
	one := v.Get(fmt.Sprintf("/web/action/animals/%d?up=action/animals", a)).Press("Feed")
	want(t, one, http.StatusOK, "Ada")
	back := one.Press("Never mind")
	if !strings.HasSuffix(back.URL.Path, fmt.Sprint("/", a)) {
		t.Errorf("cancelled, one is at %s", back.URL)
	}
	// the server action of the list
	want(t, list.Submit("@all", "+id", fmt.Sprint(a), "_do", list.Button("All arrive")), http.StatusOK)
	if read(t, db, "zoo.animal", a, "state")["state"] != "here" {
		t.Error("the server action did nothing")
	}
}

func TestRecordActions(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	id := newAnimal(t, db, orm.Values{"name": "Otto", "meal_ids": []orm.Command{orm.CreateLine(orm.Values{"food": "ham"})}})
	v := site.Login(t, "admin", "admin")
	p := v.Get("/web/action/animals").Link("Otto")
	copied := p.Press("Duplicate")
	want(t, copied, http.StatusOK, "Save")
	if got := idOf(t, copied); got == id || len(read(t, db, "zoo.animal", got, "meal_ids")["meal_ids"].([]int64)) != 1 {
		t.Errorf("the copy: %d", got)
	}
	want(t, p.Press("Archive"), http.StatusOK, "Archived", "Unarchive")
	ask := p.Press("Delete")
	want(t, ask, http.StatusOK, "Delete “Otto”?")
	gone := ask.Submit("@confirm")
	want(t, gone, http.StatusOK, "Deleted.")
	if gone.URL.Path != "/web/action/animals" {
		t.Errorf("after deleting one is at %s", gone.URL)
	}
	want(t, v.Get(fmt.Sprintf("/web/action/animals/%d", id)), http.StatusNotFound)
	// statusbars that may be clicked write; this one may not
	want(t, v.Get("/web/action/zoo.dashboard"), http.StatusOK, "There are 1 animals.")
	want(t, v.Get("/web/action/animals?view=pivot"), http.StatusOK, "The pivot view is not built.")
}

func TestNeighbours(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	for _, n := range []string{"A", "B", "C", "D"} {
		newAnimal(t, db, orm.Values{"name": n, "species": map[bool]string{true: "bear", false: "lion"}[n == "B"]})
	}
	v := site.Login(t, "admin", "admin")
	list := v.Get("/web/action/zoo.my_lions?set=1&f=lions")
	want(t, list, http.StatusOK)
	c := list.Link("C")
	want(t, c, http.StatusOK, "2 / 3")
	want(t, v.Get(strings.Replace(c.URL.RequestURI(), "", "", 1)), http.StatusOK, "Lions")
	for label, name := range map[string]string{"Previous record": "A", "Next record": "D"} {
		n := c.Labelled(label)
		want(t, n, http.StatusOK)
		if n.Element("h1", "") != "" && !strings.HasPrefix(n.Title(), name+" ") {
			t.Errorf("%s leads to %s", label, n.Title())
		}
	}
	// the defaults of the action
	d := v.Get("/web/action/zoo.my_lions")
	rows := Column(d.Table(), 0)
	if !slices.Contains(rows, "▸ Lion (3)") || len(rows) != 1 {
		t.Errorf("default filter and grouping: %v", rows)
	}
	if got := d.Link("New").Values("record").Get("f.legs"); got != "3" {
		t.Errorf("default_legs: %q", got)
	}
}
