package web

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
)

// The models of these tests are never stored.

type ship struct {
	orm.Record `orm:"t.ship" label:"Ship" order:"name"`
	Name       string            `orm:"name,required" label:"Name" help:"As painted on the bow"`
	State      string            `orm:"state" selection:"dock:In dock,sea:At sea,lost:Lost" label:"Status"`
	Length     decimal.Decimal   `orm:"length,digits=3" label:"Length"`
	Value      decimal.Decimal   `orm:"value,currency=currency_id" label:"Value"`
	Currency   orm.Ref[currency] `orm:"currency_id" label:"Currency"`
	Crew       int               `orm:"crew" label:"Crew"`
	Built      orm.Date          `orm:"built" label:"Built"`
	Seen       orm.Datetime      `orm:"seen_at" label:"Seen"`
	Sound      bool              `orm:"sound" label:"Sound"`
	Log        string            `orm:"log,html" label:"Log"`
	Remark     string            `orm:"remark,text" label:"Remark"`
	Site       string            `orm:"site" label:"Site"`
	Harbour    orm.Ref[harbour]  `orm:"harbour_id" label:"Harbour"`
	Flags      orm.Many[harbour] `orm:"flag_ids,rel=t_flag:a:b" label:"Flags"`
	Ready      int               `orm:"ready" label:"Ready"`
	Holds      orm.Many[hold]    `orm:"hold_ids,inverse=ship_id" label:"Holds"`
	Code       orm.Secret        `orm:"code" label:"Code"`
	Active     bool              `orm:"active" label:"Active"`
}

type harbour struct {
	orm.Record `orm:"t.harbour" label:"Harbour"`
	Name       string `orm:"name" label:"Name"`
}

type currency struct {
	orm.Record `orm:"t.currency" label:"Currency"`
	Name       string `orm:"name" label:"Name"`
}

type hold struct {
	orm.Record `orm:"t.hold" label:"Hold"`
	Ship       orm.Ref[ship]   `orm:"ship_id,required,ondelete=cascade" label:"Ship"`
	Cargo      string          `orm:"cargo,required" label:"Cargo"`
	Tons       decimal.Decimal `orm:"tons,digits=2" label:"Tons"`
}

func registry(t *testing.T) *orm.Registry {
	t.Helper()
	r := orm.NewRegistry()
	r.Begin("t")
	orm.Define[ship](r)
	orm.Define[harbour](r)
	orm.Define[currency](r)
	orm.Define[hold](r)
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	return r
}

func modelOf(t *testing.T, r *orm.Registry, name string) *orm.Model {
	t.Helper()
	m, ok := r.Model(name)
	if !ok {
		t.Fatalf("no model %s", name)
	}
	return m
}

func viewOf(t *testing.T, model, arch string) *view.View {
	t.Helper()
	a, err := view.Parse([]byte(arch), view.Source{View: "t.view", Model: model})
	if err != nil {
		t.Fatal(err)
	}
	v, err := view.Build(a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func testBuilder(t *testing.T, r *orm.Registry) *builder {
	t.Helper()
	loc := plainLocale()
	loc.zone = time.FixedZone("test", 2*3600)
	loc.money[1] = money{"€", false, 2}
	n := newNames(nil)
	n.got = map[string]map[int64]string{"t.harbour": {1: "Ostend", 2: "Bergen & <Oslo>"}, "t.currency": {1: "EUR"}}
	return &builder{loc: loc, names: n, vars: map[string]any{"uid": int64(2), "context": map[string]any{}}, exprs: &expr.Cache{},
		today: time.Date(2026, 5, 20, 12, 0, 0, 0, loc.zone),
		fields: func(model string) map[string]fieldInfo {
			out := map[string]fieldInfo{}
			for name, f := range modelOf(t, r, model).Fields {
				out[name] = fieldInfo{f, f.Readonly}
			}
			return out
		},
		rights:  func(string) perms { return perms{true, true, true, true} },
		allowed: func(n *view.Node) bool { return n.Attr("groups") != "t.secret" },
		link:    func(model string, id int64) string { return fmt.Sprintf("/web/model/%s/%d", model, id) },
		base:    map[string]string{}, lists: map[string]dataList{}, options: map[string][]choice{}}
}

func date(s string) orm.Date { d, _ := orm.ParseDate(s); return d }

func aShip(t *testing.T, r *orm.Registry) *record {
	t.Helper()
	seen, err := orm.ParseDatetime("2026-05-19 22:30:00")
	if err != nil {
		t.Fatal(err)
	}
	return &record{model: modelOf(t, r, "t.ship"), id: 7, lists: map[string]*lines{}, files: map[string]fileFact{}, vals: orm.Values{
		"id": int64(7), "name": `Karel "Doorman" <1>`, "state": "sea", "length": decimal.RequireFromString("1234.500"), "value": decimal.RequireFromString("-1234567.891"),
		"currency_id": int64(1), "crew": int64(12), "built": date("1999-12-31"), "seen_at": seen, "sound": true, "log": `<p onclick="x()">Day <b>1</b><script>alert(1)</script></p>`,
		"remark": "one\ntwo", "site": "javascript:alert(1)", "harbour_id": int64(2), "flag_ids": []int64{1, 2}, "ready": int64(140), "hold_ids": []int64{3, 4}, "code": "hush", "active": true, "display_name": "Karel"}}
}

const shipList = `<list decoration-muted="not active" decoration-danger="state == 'lost'">
	<field name="active" column_invisible="True"/><field name="sequence" widget="handle"/>
	<field name="name"/><field name="state" widget="badge" decoration-info="state == 'sea'"/><field name="length"/><field name="currency_id" column_invisible="1"/>
	<field name="value" sum="Total"/><field name="crew" optional="hide"/><field name="built"/><field name="seen_at"/><field name="sound"/><field name="site" widget="url"/>
	<field name="harbour_id"/><field name="flag_ids" widget="many2many_tags"/><field name="ready" widget="progressbar"/><field name="remark" groups="t.secret"/>
	<field name="code"/><field name="log" invisible="sound"/></list>`

func TestListGolden(t *testing.T) {
	t.Parallel()
	r := registry(t)
	b := testBuilder(t, r)
	at := parsePlace("action/5?f=afloat&menu=3", nil)
	l := &listing{actions: &actions{&reader{names: b.names}}, at: at, act: &action{ID: 5, Model: "t.ship", Limit: 80}, rs: orm.Records{Model: modelOf(t, r, "t.ship")}, view: viewOf(t, "t.ship", shipList),
		q: parseQuery(at.params), b: b, fields: b.fields("t.ship")}
	out := &listView{Post: "/web/action/5", Selecting: true, Actions: []choice{{"delete", "Delete"}}, Total: 2}
	l.columns(out)
	one, two := aShip(t, r), aShip(t, r)
	two.id, two.vals["active"], two.vals["state"], two.vals["harbour_id"], two.vals["sound"] = 8, false, "lost", nil, false
	out.Rows = []*listRow{l.row(one, 0, 0), l.row(two, 0, 1), {Group: true, Name: "Ostend", Count: 3, Toggle: "/web/action/5?open=1", Totals: l.totals(map[string]any{"value:sum": decimal.NewFromInt(5)})}}
	golden(t, "list.html", "table", out)
}

func golden(t *testing.T, file, template string, data any) {
	t.Helper()
	var b bytes.Buffer
	if err := parseTemplates().ExecuteTemplate(&b, template, data); err != nil {
		t.Fatal(err)
	}
	// One element a line, so that a change can be read.
	text := strings.ReplaceAll(b.String(), "><", ">\n<")
	text = strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(s string) bool { return strings.TrimSpace(s) == "" }), "\n") + "\n"
	ormtest.Golden(t, file, text)
}

const shipForm = `<form>
	<header><button name="action_sail" type="object" string="Sail" class="oe_highlight" invisible="state != 'dock'"/><button name="action_sink" type="object" string="Sink" confirm="Really?"/>
	<button name="action_x" type="object" string="Hidden" groups="t.secret"/><field name="state" widget="statusbar" statusbar_visible="dock,sea"/></header>
	<sheet><div name="button_box" class="oe_button_box"><button name="action_crew" type="object" class="oe_stat_button"><field name="crew" widget="statinfo" string="Crew"/></button></div>
	<div class="oe_title bad&quot;class"><h1><field name="name" placeholder="Name"/></h1><script>alert(1)</script></div>
	<group><group string="Left"><field name="length"/><field name="value"/><field name="harbour_id" domain="[('name', 'like', state)]" options="{'no_create': True}"/><label for="crew"/><div><field name="crew"/> people</div></group>
	<group string="Right"><field name="built" required="state == 'sea'"/><field name="seen_at" readonly="sound"/><field name="sound"/><field name="site" widget="url"/><field name="flag_ids" widget="many2many_tags"/><field name="code" widget="password"/></group></group>
	<notebook><page string="Holds" name="holds"><field name="hold_ids"><list editable="bottom"><field name="cargo"/><field name="tons" sum="All"/></list></field></page>
	<page string="Log" name="log" invisible="state == 'dock'"><field name="log"/><separator string="Else"/><field name="remark" nolabel="1"/></page><page string="Never" invisible="1"><field name="remark"/></page></notebook>
	</sheet></form>`

func withHolds(t *testing.T, r *orm.Registry, rec *record, v *view.View) {
	t.Helper()
	m := modelOf(t, r, "t.hold")
	var inner *view.Node
	for _, n := range v.Fields() {
		if n.Name() == "hold_ids" {
			inner = n.SubViews()["list"]
		}
	}
	rows := []*record{{model: m, id: 3, key: "3", vals: orm.Values{"cargo": "Coal", "tons": decimal.RequireFromString("12.5")}}, {model: m, id: 4, key: "4", vals: orm.Values{"cargo": "Tin", "tons": decimal.NewFromInt(3)}}}
	rec.lists["hold_ids"] = &lines{field: rec.model.Fields["hold_ids"], view: &view.View{Model: "t.hold", Kind: "list", Root: inner}, rows: rows, total: 2}
}

func TestFormGolden(t *testing.T) {
	t.Parallel()
	for _, edit := range []bool{false, true} {
		r := registry(t)
		b := testBuilder(t, r)
		b.edit, b.post = edit, "/web/action/5/7"
		b.lists[listKey("t.harbour", `[["name","like","sea"]]`)] = dataList{ID: "names-1", Names: []string{"Ostend", "Bergen"}}
		rec, v := aShip(t, r), viewOf(t, "t.ship", shipForm)
		withHolds(t, r, rec, v)
		out := &formPage{Tree: b.form(v, rec), Edit: edit, Post: b.post, Base: jsonText(toAnyMap(b.base)), Version: "v1", CanEdit: true, EditURL: "/web/action/5/7?edit=1", CloseURL: "/web/action/5/7", Name: "Karel"}
		golden(t, map[bool]string{true: "form-edit.html", false: "form.html"}[edit], "form", shell{Program: "Fusion", Title: "Karel", Lang: "en", Dir: "ltr", Body: out, Crumbs: []crumb{{"Ships", "/web/action/5"}}, User: "Ann", Notes: []server.Note{{Kind: "info", Text: "<b>hi</b>"}}})
	}
}

func toAnyMap(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func testSearcher(t *testing.T, r *orm.Registry) *searcher {
	t.Helper()
	m := modelOf(t, r, "t.ship")
	v := viewOf(t, "t.ship", `<search><field name="name" filter_domain="['|', ('name', 'ilike', self), ('remark', 'ilike', self)]"/><field name="harbour_id" operator="child_of"/><field name="flag_ids"/>
		<field name="state"/><field name="crew"/><field name="length" operator="&gt;="/><field name="built"/><field name="seen_at"/><field name="sound"/><field name="code" groups="t.secret"/>
		<filter name="afloat" string="Afloat" domain="[('state', '=', 'sea')]"/><filter name="lost" string="Lost" domain="[('state', '=', 'lost')]"/><separator/>
		<filter name="mine" string="Mine" domain="[('create_uid', '=', uid)]"/><separator/><filter name="built" string="Built" date="built"/><filter name="seen" string="Seen" date="seen_at"/>
		<filter name="by_state" string="By status" context="{'group_by': 'state'}"/></search>`)
	b := testBuilder(t, r)
	return &searcher{model: m, view: v.Search(), loc: b.loc, vars: map[string]any{"uid": int64(2)}, now: b.today, exprs: b.exprs, allowed: b.allowed,
		known: func(f string) bool { return m.Fields[f] != nil && f != "code" }, name: b.names.of}
}

func TestSearchFacets(t *testing.T) {
	t.Parallel()
	s := testSearcher(t, registry(t))
	for _, c := range []struct {
		query   string
		domain  string
		facets  string
		problem string
	}{
		{"", `[]`, "", ""},
		{"f=afloat", `[["state","=","sea"]]`, "filter :Afloat", ""},
		{"f=afloat&f=lost", `["|",["state","=","sea"],["state","=","lost"]]`, "filter :Afloat,Lost", ""},
		{"f=afloat&f=mine", `["&",["state","=","sea"],["create_uid","=",2]]`, "filter :Afloat; filter :Mine", ""},
		{"s=name:kar", `["|",["name","ilike","kar"],["remark","ilike","kar"]]`, "text Name:kar", ""},
		{"q=kar&in=name", `["|",["name","ilike","kar"],["remark","ilike","kar"]]`, "text Name:kar", ""},
		{"q=kar", `["|",["name","ilike","kar"],["remark","ilike","kar"]]`, "text Name:kar", ""},
		{"s=crew:5&s=crew:6", `["|",["crew","=",5],["crew","=",6]]`, "text Crew:5,6", ""},
		{"s=crew:many", `[]`, "", "Crew is not searched: “many” is not a whole number."},
		{"s=length:1,234.5", `[["length",">=",1234.5]]`, "text Length:1,234.5", ""},
		{"s=state:lost", `[["state","in",["lost"]]]`, "text Status:lost", ""},
		{"s=state:IN", `[["state","in",["dock"]]]`, "text Status:IN", ""},
		{"s=state:xyz", `[]`, "", "Status has no value “xyz”."},
		{"s=sound:yes", `[["sound","=",true]]`, "text Sound:Yes", ""},
		{"s=built:12/31/1999", `["&",["built",">=","1999-12-31"],["built","<","2000-01-01"]]`, "text Built:12/31/1999", ""},
		{"s=seen_at:2026-05-20", `["&",["seen_at",">=","2026-05-19 22:00:00"],["seen_at","<","2026-05-20 22:00:00"]]`, "text Seen:05/20/2026", ""},
		{"s=built:tomorrowish", `[]`, "", "Built is not searched: “tomorrowish” is not a date. Write it as 05/31/2026."},
		{"s=harbour_id:ost", `[["harbour_id","child_of","ost"]]`, "text Harbour:ost", ""},
		{"s=harbour_id:%3D1", `[["harbour_id","child_of",1]]`, "text Harbour:Ostend", ""},
		{"s=flag_ids:%3D1", `[["flag_ids","in",[1]]]`, "text Flags:Ostend", ""},
		{"f=built~this_month", `["&",["built",">=","2026-05-01"],["built","<","2026-06-01"]]`, "filter :Built: This Month", ""},
		{"f=built~last_quarter", `["&",["built",">=","2026-01-01"],["built","<","2026-04-01"]]`, "filter :Built: Last Quarter", ""},
		{"f=seen~today", `["&",["seen_at",">=","2026-05-19 22:00:00"],["seen_at","<","2026-05-20 22:00:00"]]`, "filter :Seen: Today", ""},
		{"f=built~someday", `[]`, "", "There is no period “someday”."},
		{"f=nope", `[]`, "", "There is no filter “nope” here."},
		{"s=code:x", `[]`, "", "“code” cannot be searched here."},
		{"c=crew:>:3", `[["crew",">",3]]`, "custom :Crew greater than “3”", ""},
		{"c=name:ilike:a:b", `[["name","ilike","a:b"]]`, "custom :Name contains “a:b”", ""},
		{"c=harbour_id:unset:", `[["harbour_id","=",false]]`, "custom :Harbour is not set", ""},
		{"c=state:!=:Lost", `["!",["state","in",["lost"]]]`, "custom :Status is not “Lost”", ""},
		{"c=sound:>:1", `[]`, "", "Sound cannot be compared with “greater than”."},
		{"c=crew:drop:1", `[]`, "", "There is no condition “drop”."},
		{"g=state&g=built:year", `[]`, "group :By status; group :Built: Year", ""},
		{"f=afloat&s=name:x&c=crew:%3D:1", `["&","&",["state","=","sea"],"|",["name","ilike","x"],["remark","ilike","x"],["crew","=",1]]`, "filter :Afloat; text Name:x; custom :Crew is “1”", ""},
	} {
		pl := parsePlace("action/1?"+c.query, nil)
		d, facets, problems := s.compile(parseQuery(pl.params))
		if d == nil {
			d = orm.Domain{}
		}
		var shown []string
		for _, f := range facets {
			shown = append(shown, f.Kind+" "+f.Label+":"+strings.Join(f.Values, ","))
			again, left, _ := s.compile(f.Remove)
			if len(left) != len(facets)-1 || len(again) > len(d) {
				t.Errorf("%s: removing %s leaves %v", c.query, f.Label, left)
			}
		}
		if got := jsonText([]any(d)); got != c.domain {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.domain)
		}
		if got := strings.Join(shown, "; "); got != c.facets {
			t.Errorf("%s: facets %q, want %q", c.query, got, c.facets)
		}
		if got := strings.Join(problems, "; "); got != c.problem {
			t.Errorf("%s: problems %q, want %q", c.query, got, c.problem)
		}
	}
	q := s.defaults(map[string]any{"search_default_afloat": int64(1), "search_default_by_state": true, "search_default_harbour_id": int64(1), "search_default_mine": false, "search_default_built": int64(1), "group_by": "crew"})
	if got := fmt.Sprint(q.Filters, q.Groups, q.Texts); got != "[afloat built~this_month] [state crew] [{harbour_id =1}]" {
		t.Errorf("defaults: %s", got)
	}
}

func TestQueryKeepsItsState(t *testing.T) {
	t.Parallel()
	in := parsePlace("action/1?f=a&f=b&g=x&s=n:t&c=f:%3D:v:w&open=1/2&sort=n+desc&p=3&set=1&show=&fav=4&menu=9&name=N&junk=1", nil).params
	out := parseQuery(in).values(in)
	if got := encode(out); got != "c=f:%3D:v:w&f=a&f=b&fav=4&g=x&menu=9&name=N&open=1/2&p=3&s=n:t&set=1&show=&sort=n+desc" {
		t.Error(got)
	}
}

func TestNumbersAndDates(t *testing.T) {
	t.Parallel()
	m := modelOf(t, registry(t), "t.ship")
	french := plainLocale()
	french.decimal, french.thousands, french.date, french.clock, french.zone = ",", "\u202f", "02/01/2006", "15:04", time.FixedZone("cest", 2*3600)
	french.money[1] = money{"€", false, 2}
	indian := plainLocale()
	indian.grouping, indian.money[1] = []int{3, 2, 0}, money{"₹", true, 0}
	for _, c := range []struct {
		l           *locale
		field, text string // typed
		wire        string // what it stands for
		shown       string
	}{
		{french, "length", "1\u202f234,5", "1234.5", "1\u202f234,50"},
		{french, "length", "1234,5678", "1234.5678", "1\u202f234,568"},
		{french, "length", "-0,0001", "-0.0001", "0,00"},
		{french, "value", "\u2212 12 345,1", "-12345.1", "-12\u202f345,10\u00a0€"},
		{french, "crew", "1 000", "1000", "1\u202f000"},
		{french, "built", "31/12/1999", "1999-12-31", "31/12/1999"},
		{french, "seen_at", "2026-07-01T12:30", "2026-07-01 10:30:00", "01/07/2026 12:30"},
		{french, "seen_at", "01/07/2026 12:30", "2026-07-01 10:30:00", "01/07/2026 12:30"},
		{indian, "value", "12,34,567.5", "1234567.5", "₹\u00a012,34,568"},
		{indian, "length", "123456789", "123456789", "12,34,56,789.00"},
	} {
		f := m.Fields[c.field]
		v, err := c.l.parse(f, c.text)
		if err != nil {
			t.Errorf("%s %q: %v", c.field, c.text, err)
			continue
		}
		if got := fmt.Sprint(v); got != c.wire {
			t.Errorf("%s %q stands for %s, want %s", c.field, c.text, got, c.wire)
		}
		if got := c.l.text(f, fromWire(f, exprWire(v)), 1); got != c.shown {
			t.Errorf("%s %q is shown as %q, want %q", c.field, c.text, got, c.shown)
		}
		back, err := c.l.parse(f, c.l.raw(f, fromWire(f, exprWire(v)), 0))
		if err != nil || c.l.raw(f, fromWire(f, exprWire(back)), 0) != c.l.raw(f, fromWire(f, exprWire(v)), 0) {
			t.Errorf("%s %q does not come back: %v %v", c.field, c.text, back, err)
		}
	}
	for _, bad := range [][2]string{{"length", "1.2.3"}, {"length", "1e9"}, {"length", "NaN"}, {"crew", "1.5"}, {"crew", "x"}, {"built", "2026-02-30"}, {"seen_at", "noon"}} {
		if v, err := plainLocale().parse(m.Fields[bad[0]], bad[1]); err == nil {
			t.Errorf("%s takes %q as %v", bad[0], bad[1], v)
		}
	}
}

// exprWire is a parsed value as a default would carry it.
func exprWire(v any) any {
	if d, ok := v.(decimal.Decimal); ok {
		return d.String()
	}
	return v
}

func TestPlacesAreLinks(t *testing.T) {
	t.Parallel()
	pl := parsePlace("action/5?s=name:a%26b&menu=3", nil)
	one := pl.below("action/5/7", nil)
	two := one.below("model/t.harbour/1", nil)
	if got := two.URL(); got != "/web/model/t.harbour/1?menu=3&up=action/5?menu%3D3%26s%3Dname:a%2526b&up=action/5/7?menu%3D3" {
		t.Error(got)
	}
	up, ok := two.parent()
	if !ok || up.URL() != one.URL() {
		t.Errorf("above %s is %s, want %s", two.URL(), up.URL(), one.URL())
	}
	for range 20 {
		two = two.below("model/t.harbour/1", nil)
	}
	if len(two.up) != maxUp {
		t.Errorf("%d pages above", len(two.up))
	}
	for _, bad := range []string{"//evil", "https://evil", "/web/logout", "action/../../x", "login"} {
		if safeUp(bad) {
			t.Errorf("%q may stand above a page", bad)
		}
	}
}

func TestPythonText(t *testing.T) {
	t.Parallel()
	in := []any{"&", []any{"name", "ilike", `O'Ha\ra`}, []any{"a", "in", []any{int64(1), false, true, 1.5}}}
	text := pyText(in)
	if text != `['&', ['name', 'ilike', 'O\'Ha\\ra'], ['a', 'in', [1, False, True, 1.5]]]` {
		t.Error(text)
	}
	back, err := expr.Domain(text, nil)
	if err != nil || jsonText(back) != jsonText(in) {
		t.Errorf("%v %v", back, err)
	}
}
