package importexport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/importexport"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

type shelf struct {
	orm.Record `orm:"i.shelf" label:"Shelf"`
	Name       string `orm:"name,required"`
}

type theme struct {
	orm.Record `orm:"i.theme" label:"Theme"`
	Name       string `orm:"name"`
}

type book struct {
	orm.Record `orm:"i.book" label:"Book" order:"id"`
	Name       string            `orm:"name"`
	Pages      int               `orm:"pages" label:"Pages"`
	Price      decimal.Decimal   `orm:"price,digits=2" label:"Price"`
	Sold       bool              `orm:"sold" label:"Sold"`
	State      string            `orm:"state" label:"State" selection:"draft:Draft,done:Printed"`
	Printed    orm.Date          `orm:"printed" label:"Printed"`
	Lent       orm.Datetime      `orm:"lent" label:"Lent"`
	Shelf      orm.Ref[shelf]    `orm:"shelf_id" label:"Shelf"`
	Themes     orm.Many[theme]   `orm:"theme_ids" label:"Themes"`
	Chapters   orm.Many[chapter] `orm:"chapter_ids,inverse=book_id" label:"Chapters"`
}

type chapter struct {
	orm.Record `orm:"i.chapter" label:"Chapter" order:"id"`
	Name       string         `orm:"name"`
	Pages      int            `orm:"pages" label:"Pages"`
	Book       orm.Ref[book]  `orm:"book_id,ondelete=cascade"`
	Shelf      orm.Ref[shelf] `orm:"shelf_id" label:"Shelf"`
}

func library() module.Addon {
	return module.Addon{Name: "library", Version: "19.0.1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) {
		orm.Define[shelf](r)
		orm.Define[theme](r)
		d := orm.Define[book](r)
		d.Check("pages_positive", "pages >= 0", "A book has no negative pages.")
		orm.Define[chapter](r)
	}}
}

func testEnv(t *testing.T) *orm.Env {
	env := ormtest.New(t, base.Addon(), library()).WithContext(map[string]any{"tz": "Europe/Berlin"})
	for _, err := range []error{
		orm.Create(env, &shelf{Name: "A"}), orm.Create(env, &shelf{Name: "B"}),
		orm.Create(env, &theme{Name: "sea"}), orm.Create(env, &theme{Name: "war"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return env
}

func load(t *testing.T, env *orm.Env, columns string, rows ...[]any) *importexport.Loaded {
	t.Helper()
	done, err := importexport.Load(env.Model("i.book"), strings.Split(columns, ","), rows)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func wantRows(t *testing.T, what string, got [][]any, want ...string) {
	t.Helper()
	var lines []string
	for _, r := range got {
		var cells []string
		for _, c := range r {
			cells = append(cells, fmt.Sprint(c))
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// TestExportIsLoadedAgain loads records from texts, exports them, and loads what was
// exported: the records are found by the names the import gave them, and are as before.
func TestExportIsLoadedAgain(t *testing.T) {
	env := testEnv(t)
	columns := "id,name,pages,price,sold,state,printed,lent,shelf_id,theme_ids,chapter_ids/name,chapter_ids/pages,chapter_ids/shelf_id"
	done := load(t, env, columns,
		[]any{"moby", "'=Moby", "635", 9.5, "yes", "Printed", "1851-10-18", "2026-07-01 10:00:00", "A", "sea,war", "Loomings", "7", "B"},
		[]any{"", "", "", "", "", "", "", "", "", "", "The Carpet-Bag", "4", ""},
		[]any{"", "Emma", "0", "1", "0", "draft", "", "", "", "", "", "", ""})
	if len(done.IDs) != 2 || len(done.Messages) != 0 {
		t.Fatalf("loaded %v with %v", done.IDs, done.Messages)
	}
	books := env.Model("i.book").Browse(done.IDs...)
	export := func() [][]any {
		rows, err := importexport.Export(books, strings.Split(columns, ","))
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	rows := export()
	names, err := importexport.ExternalIDs(books)
	if err != nil || names[done.IDs[0]][0] != "__import__.moby" || !strings.HasPrefix(names[done.IDs[1]][0], "__export__.i_book_") {
		t.Errorf("external ids %v, %v", names, err)
	}
	want := []string{
		"__import__.moby|=Moby|635|9.5|true|Printed|1851-10-18|2026-07-01 08:00:00|A|sea,war|Loomings|7|B",
		"||||||||||The Carpet-Bag|4|",
		names[done.IDs[1]][0] + "|Emma|0|1.0|false|Draft|||||||",
	}
	wantRows(t, "exported", rows, want...)

	if err := books.Write(orm.Values{"name": "changed", "pages": 1, "chapter_ids": []orm.Command{{Op: orm.CmdClear}}}); err != nil {
		t.Fatal(err)
	}
	for i := range rows { // exported in UTC, loaded in the time of the user
		if rows[i][7] != "" {
			rows[i][7] = "2026-07-01 10:00:00"
		}
	}
	again := load(t, env, columns, rows...)
	if fmt.Sprint(again.IDs) != fmt.Sprint(done.IDs) || len(again.Messages) != 0 {
		t.Errorf("loaded again %v with %v, want %v", again.IDs, again.Messages, done.IDs)
	}
	wantRows(t, "exported again", export(), want...)
}

// TestLoadFindsRecords refers to records in every way a column can.
func TestLoadFindsRecords(t *testing.T) {
	env := testEnv(t)
	a, err := env.Model("i.shelf").NameSearch("A", nil, "=", 1)
	if err != nil {
		t.Fatal(err)
	}
	shelfA := env.Model("i.shelf").Browse(a[0].ID)
	rows, err := importexport.Export(shelfA, []string{"id", ".id"})
	if err != nil {
		t.Fatal(err)
	}
	for column, cell := range map[string]any{"shelf_id": "A", "shelf_id/id": rows[0][0], "shelf_id:id": rows[0][0], "shelf_id/.id": rows[0][1], "shelf_id.id": rows[0][1]} {
		done := load(t, env, "name,"+column, []any{"x", cell})
		if len(done.IDs) != 1 || len(done.Messages) != 0 {
			t.Errorf("%s: %v", column, done.Messages)
			continue
		}
		if got, err := env.Model("i.book").Browse(done.IDs...).Value("shelf_id"); err != nil || got != shelfA.ID() {
			t.Errorf("%s: %v, %v", column, got, err)
		}
	}
}

// TestLoadTellsWhatIsWrong refuses rows as a whole and says of each what is wrong.
func TestLoadTellsWhatIsWrong(t *testing.T) {
	env := testEnv(t)
	before, err := env.Model("i.book").SearchCount(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ column, cell, want string }{
		{"nmae", "x", `error nmae: Invalid field 'nmae' on model 'i.book'; did you mean "name"?`},
		{"pages", "many", "error pages: 'many' does not seem to be an integer for field 'Pages'"},
		{"price", "much", "error price: 'much' does not seem to be a number for field 'Price'"},
		{"state", "gone", "error state: Value 'gone' not found in selection field 'State'"},
		{"printed", "soon", "error printed: 'soon' does not seem to be a valid date for field 'Printed'"},
		{"lent", "soon", "error lent: 'soon' does not seem to be a valid datetime for field 'Lent'"},
		{"shelf_id", "Z", "error shelf_id: No matching record found for name 'Z' in field 'Shelf'"},
		{"shelf_id/id", "Z", "error shelf_id: No matching record found for external id 'Z' in field 'Shelf'"},
		{"shelf_id/.id", "0", "error shelf_id: Invalid database id '0' for the field 'Shelf'"},
		{"pages", "-1", "error : A book has no negative pages."},
	} {
		done := load(t, env, "name,"+c.column, []any{"good", ""}, []any{"bad", c.cell})
		var said []string
		for _, m := range done.Messages {
			said = append(said, fmt.Sprintf("%s %s: %s", m.Type, m.Field, m.Message))
		}
		if m := done.Messages[len(done.Messages)-1]; m.Record != 1 || m.From != 1 || m.To != 1 {
			t.Errorf("%s: the last message is about record %d, rows %d to %d", c.column, m.Record, m.From, m.To)
		}
		if done.IDs != nil || said[len(said)-1] != c.want {
			t.Errorf("%s of %q: %v, %q\nwant %q", c.column, c.cell, done.IDs, said, c.want)
		}
	}
	done := load(t, env, "name,sold", []any{"x", "perhaps"})
	if len(done.IDs) != 1 || len(done.Messages) != 1 || done.Messages[0].Type != "warning" {
		t.Errorf("a boolean that is none: %+v", done)
	}
	if after, err := env.Model("i.book").SearchCount(nil, 0); err != nil || after != before+1 {
		t.Errorf("%d books, want %d, %v", after, before+1, err)
	}
}
