package search

import (
	"fmt"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/internal/ships"
)

func testSearcher(t *testing.T, r *orm.Registry) *Searcher {
	t.Helper()
	m := ships.ModelOf(t, r, "t.ship")
	v := ships.ViewOf(t, "t.ship", `<search><field name="name" filter_domain="['|', ('name', 'ilike', self), ('remark', 'ilike', self)]"/><field name="harbour_id" operator="child_of"/><field name="flag_ids"/>
		<field name="state"/><field name="crew"/><field name="length" operator="&gt;="/><field name="built"/><field name="seen_at"/><field name="sound"/><field name="code" groups="t.secret"/>
		<filter name="afloat" string="Afloat" domain="[('state', '=', 'sea')]"/><filter name="lost" string="Lost" domain="[('state', '=', 'lost')]"/><separator/>
		<filter name="mine" string="Mine" domain="[('create_uid', '=', uid)]"/><separator/><filter name="built" string="Built" date="built"/><filter name="seen" string="Seen" date="seen_at"/>
		<filter name="by_state" string="By status" context="{'group_by': 'state'}"/></search>`)
	b := ships.Builder(t, r)
	return &Searcher{Model: m, View: v.Search(), Locale: b.Locale, Vars: map[string]any{"uid": int64(2)}, Now: b.Today, Exprs: b.Exprs, Allowed: b.Allowed,
		Known: func(f string) bool { return m.Fields[f] != nil && f != "code" }, Name: b.Names.Of}
}

func TestSearchFacets(t *testing.T) {
	t.Parallel()
	s := testSearcher(t, ships.Registry(t))
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
		pl := address.Parse("action/1?"+c.query, nil)
		d, facets, problems := s.Compile(ParseQuery(pl.Params))
		if d == nil {
			d = orm.Domain{}
		}
		var shown []string
		for _, f := range facets {
			shown = append(shown, f.Kind+" "+f.Label+":"+strings.Join(f.Values, ","))
			again, left, _ := s.Compile(f.Remove)
			if len(left) != len(facets)-1 || len(again) > len(d) {
				t.Errorf("%s: removing %s leaves %v", c.query, f.Label, left)
			}
		}
		if got := convert.JSON([]any(d)); got != c.domain {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.domain)
		}
		if got := strings.Join(shown, "; "); got != c.facets {
			t.Errorf("%s: facets %q, want %q", c.query, got, c.facets)
		}
		if got := strings.Join(problems, "; "); got != c.problem {
			t.Errorf("%s: problems %q, want %q", c.query, got, c.problem)
		}
	}
	q := s.Defaults(map[string]any{"search_default_afloat": int64(1), "search_default_by_state": true, "search_default_harbour_id": int64(1), "search_default_mine": false, "search_default_built": int64(1), "group_by": "crew"})
	if got := fmt.Sprint(q.Filters, q.Groups, q.Texts); got != "[afloat built~this_month] [state crew] [{harbour_id =1}]" {
		t.Errorf("defaults: %s", got)
	}
}

func TestQueryKeepsItsState(t *testing.T) {
	t.Parallel()
	in := address.Parse("action/1?f=a&f=b&g=x&s=n:t&c=f:%3D:v:w&open=1/2&sort=n+desc&p=3&set=1&show=&fav=4&menu=9&name=N&junk=1", nil).Params
	out := ParseQuery(in).Values(in)
	if got := (address.Address{Params: out}).URL(); got != "/web/?c=f:%3D:v:w&f=a&f=b&fav=4&g=x&menu=9&name=N&open=1/2&p=3&s=n:t&set=1&show=&sort=n+desc" {
		t.Error(got)
	}
}
