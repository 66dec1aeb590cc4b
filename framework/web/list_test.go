package web_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

func Column(table [][]string, i int) []string {
	var out []string
	for _, r := range table {
		if i < len(r) {
			out = append(out, r[i])
		}
	}
	return out
}

func TestListSearchesFiltersGroupsAndSorts(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	var be, de int64
	system(t, db, func(env *orm.Env) error {
		for code, to := range map[string]*int64{"BE": &be, "DE": &de} {
			found, err := env.Model("res.country").Search(orm.Leaf("code", "=", code), orm.SearchOptions{})
			if err != nil {
				return err
			}
			*to = found.ID()
		}
		var vals []orm.Values
		for i := range 100 {
			c := be
			if i%4 == 0 {
				c = de
			}
			vals = append(vals, orm.Values{"name": fmt.Sprintf("Company %03d", i), "is_company": true, "country_id": c, "city": fmt.Sprintf("City %d", 99-i)})
		}
		vals = append(vals, orm.Values{"name": "Zora Person", "country_id": de, "active": true}, orm.Values{"name": "Old Firm", "active": false})
		_, err := env.Model("res.partner").Create(vals...)
		return err
	})
	v := site.Login(t, "admin", "admin")
	p := v.Get("/web/action/contacts")
	want(t, p, http.StatusOK, "1–80 / 103")
	if n := len(p.Table()); n != 80 {
		t.Errorf("%d rows on the first page", n)
	}
	second := v.Get("/web/action/contacts?p=2")
	want(t, second, http.StatusOK, "81–103 / 103")
	if n := len(v.Get("/web/action/contacts?p=99").Table()); n != 23 {
		t.Errorf("a page past the end shows %d rows, want those of the last page", n)
	}
	// the search box, its facet, and taking it away
	found := p.Search("q", "person", "in", "name")
	if got := Column(found.Table(), 0); !slices.Equal(got, []string{"Zora Person"}) {
		t.Errorf("searching for person finds %v", got)
	}
	want(t, found, http.StatusOK, "Name", "person", "1–1 / 1")
	// filters of one group are alternatives, others add up
	firms := p.Link("Companies")
	want(t, firms, http.StatusOK, "/ 101")
	both := firms.Link("Individuals")
	want(t, both, http.StatusOK, "/ 103", "Companies or Individuals")
	archived := p.Link("Archived")
	if got := Column(archived.Table(), 0); !slices.Contains(got, "Old Firm") || slices.Contains(got, "Company 001") {
		t.Errorf("archived: %v", got)
	}
	// sorting
	up := p.Link("City")
	down := up.Link("City")
	if got := Column(down.Table(), 3)[0]; got != "" && got != "City 99" {
		t.Errorf("sorted by city downwards, the first is %q", got)
	}
	// groups, closed and open
	g := firms.Link("Country")
	groups := Column(g.Table(), 0)
	if !slices.Contains(groups, "▸ Belgium (75)") || !slices.Contains(groups, "▸ Germany (25)") {
		t.Fatalf("groups: %v", groups)
	}
	open := g.Link("▸ Germany (25)")
	rows := Column(open.Table(), 0)
	i := slices.Index(rows, "▾ Germany (25)")
	if i < 0 || len(rows) < i+26 || rows[i+1] != "Company 000" || rows[i+25] != "Company 096" {
		t.Errorf("the open group: %v", rows)
	}
	// what nobody offers is told
	want(t, v.Get("/web/action/contacts?f=nope&s=nofield:x&g=child_ids&set=1"), http.StatusOK, "no filter “nope”", "“nofield” cannot be searched", "cannot be grouped by “child_ids”")
}

func TestBulkActions(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	a := newPartner(t, db, orm.Values{"name": "=Formula", "email": "a@x.example"})
	b := newPartner(t, db, orm.Values{"name": "Beta", "phone": "+32 1"})
	v := site.Login(t, "admin", "admin")
	list := v.Get("/web/action/contacts")
	ids := []any{"+id", fmt.Sprint(a), "+id", fmt.Sprint(b)}
	file := list.Submit("@all", append(ids, "_do", "export")...)
	if file.Header.Get("Content-Disposition") == "" {
		t.Fatalf("export answers no file: %s", file.Text())
	}
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.Body, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(records) != "[[Name Phone Email City Country] ['=Formula  a@x.example  ] [Beta +32 1   ]]" {
		t.Errorf("export: %v", records)
	}
	want(t, list.Submit("@all", append(ids, "_do", "archive")...), http.StatusOK, "2 records archived.")
	if read(t, db, "res.partner", a, "active")["active"] != false {
		t.Error("not archived")
	}
	want(t, list.Submit("@all", "_do", "archive"), http.StatusOK, "Select records first.")
	ask := list.Submit("@all", append(ids, "_do", "delete")...)
	want(t, ask, http.StatusOK, "Delete 2 records of Contacts?")
	want(t, ask.Submit("@confirm"), http.StatusOK, "2 records deleted.")
	// the partner of a user cannot go: the message is shown, nothing is lost
	var admin int64
	system(t, db, func(env *orm.Env) error {
		rs, err := env.Ref("base.partner_admin")
		admin = rs.ID()
		return err
	})
	refused := list.Submit("@all", "+id", fmt.Sprint(admin), "_do", "delete", "confirm", "1")
	if refused.Status != http.StatusOK || refused.Element("div", "note-danger") == "" {
		t.Errorf("deleting the administrator's contact: %s", refused.Text())
	}
}

func TestListNeedsTheSameNumberOfQueriesForManyRows(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	v := site.Login(t, "admin", "admin")
	lists := []string{"/web/action/contacts?show=category_id&show=user_id&show=state_id&limit=500", "/web/action/contacts?view=kanban&limit=500", "/web/action/contacts?g=country_id&open=-&limit=500"}
	add := func(n int) {
		system(t, db, func(env *orm.Env) error {
			tag, err := env.Model("res.partner.category").Create(orm.Values{"name": fmt.Sprint("Tag ", n)})
			if err != nil {
				return err
			}
			var vals []orm.Values
			for i := range n {
				vals = append(vals, orm.Values{"name": fmt.Sprint("Row ", i), "category_id": []orm.Command{orm.Link(tag.ID())}, "user_id": int64(2)})
			}
			_, err = env.Model("res.partner").Create(vals...)
			return err
		})
	}
	add(3)
	var few []int
	for _, l := range lists {
		v.Get(l) // what is kept between requests is there from now on
	}
	for _, l := range lists {
		few = append(few, v.Get(l).Queries())
	}
	add(300)
	for i, l := range lists {
		if n := v.Get(l).Queries(); n != few[i] || n > 45 {
			t.Errorf("%s: %d statements for 300 more rows, %d before", l, n, few[i])
		}
	}
}

func TestFavourites(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	newUser(t, db, "clerk", "base.group_user")
	newPartner(t, db, orm.Values{"name": "O'Hara's", "is_company": true})
	newPartner(t, db, orm.Values{"name": "Other"})
	v := site.Login(t, "admin", "admin")
	p := v.Get("/web/action/contacts?f=type_company&s=name:O'Hara&g=country_id&sort=city+desc&set=1")
	kept := p.Press("Keep", "name", "Irish", "default", "1")
	want(t, kept, http.StatusOK, "Favourite kept.", "Irish")
	mine := v.Get("/web/action/contacts")
	if got := Column(mine.Table(), 0); len(got) != 1 || got[0] != "▸ None (1)" {
		t.Errorf("the default favourite: %v", got)
	}
	// it is nobody else's
	clerk := site.Login(t, "clerk", "clerk").Get("/web/action/contacts")
	if clerk.Contains("Irish") || len(clerk.Table()) < 3 {
		t.Errorf("a clerk's list: %s", clerk.Text())
	}
	want(t, mine.Press("Forget Irish"), http.StatusOK, "Favourite forgotten.")
	if v.Get("/web/action/contacts").Contains("Irish") {
		t.Error("forgotten, it is still there")
	}
}

func TestRowButtons(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	id := newAnimal(t, db, orm.Values{"name": "Uma", "meal_ids": []orm.Command{orm.CreateLine(orm.Values{"food": "ham", "amount": 2})}})
	v := site.Login(t, "admin", "admin")
	list := v.Get("/web/action/animals")
	in := list.Press("Let in")
	want(t, in, http.StatusOK, "Uma")
	if read(t, db, "zoo.animal", id, "state")["state"] != "here" || in.Button("Let in") != "" {
		t.Errorf("the button of the row did nothing: %s", in.Text())
	}
	ask := in.Press("Let out")
	want(t, ask, http.StatusOK, "Sure?")
	want(t, ask.Submit("@confirm"), http.StatusOK, "Uma does not want to leave.")
	want(t, in.Press("Roar first", "+id", fmt.Sprint(id)), http.StatusOK, "Uma roars <loudly>.")
	// and the buttons of lines, from the page and from the form
	form := v.Get(fmt.Sprintf("/web/action/animals/%d", id))
	want(t, form.Press("Double"), http.StatusOK, "4.00", "12.00")
	typed := v.Get(fmt.Sprintf("/web/action/animals/%d?edit=1", id))
	want(t, typed.Press("Double", "f.name", "Umberto"), http.StatusOK, "Umberto", "8.00", "24.00")
}

func TestEditableList(t *testing.T) {
	t.Parallel()
	site, db := newZoo(t)
	id := newAnimal(t, db, orm.Values{"name": "Vic", "meal_ids": []orm.Command{orm.CreateLine(orm.Values{"food": "ham", "amount": 2}), orm.CreateLine(orm.Values{"food": "egg"}), orm.CreateLine(orm.Values{"food": "tofu"})}})
	meals := read(t, db, "zoo.animal", id, "meal_ids")["meal_ids"].([]int64)
	v := site.Login(t, "admin", "admin")
	edit := v.Get("/web/action/zoo.all_meals").Link("Edit")
	want(t, edit, http.StatusOK, "Save")
	row := func(i int, field string) string { return fmt.Sprintf("f.rows.%d.%s", meals[i], field) }
	bad := edit.Submit("record", row(0, "amount"), "x", row(1, "food"), "eggs", "_do", "save")
	if bad.Errors()[fmt.Sprintf("f-rows-%d-amount", meals[0])] == "" || bad.Values("record").Get(row(1, "food")) != "eggs" {
		t.Fatalf("errors %v: %s", bad.Errors(), bad.Text())
	}
	more := bad.Submit("record", row(0, "amount"), "5", fmt.Sprintf("f.rows.%d~del", meals[2]), "1", "_do", "add:f.rows:0")
	want(t, more, http.StatusOK)
	if got := more.Values("record").Get("f.rows.n1.amount"); got != "1.00" {
		t.Errorf("the default of a new row: %q", got)
	}
	lacking := more.Submit("record", "f.rows.n1.food", "figs", "_do", "save")
	if lacking.Status != http.StatusUnprocessableEntity || lacking.Errors()["f-rows-n1-animal_id"] == "" {
		t.Fatalf("a row without its animal: %d %v", lacking.Status, lacking.Errors())
	}
	saved := lacking.Submit("record", "f.rows.n1.animal_id", "Vic", "_do", "save")
	want(t, saved, http.StatusOK, "Saved.", "figs", "eggs", "15.00")
	if saved.Contains("tofu") || saved.URL.Query().Has("edit") {
		t.Errorf("after saving: %s %s", saved.URL, saved.Text())
	}
	fresh := saved.Link("New")
	if fresh.Values("record").Get("f.rows.n1.amount") != "1.00" {
		t.Errorf("New gives no empty row: %s", fresh.Text())
	}
	newUser(t, db, "portal", "base.group_portal")
	if p := site.Login(t, "portal", "portal").Get("/web/action/animals?edit=1"); p.Button("Save") != "" {
		t.Error("who may not write is offered to")
	}
}
