// Package ships has models, records and views of ships for the tests of what is
// rendered. They are never stored.
package ships

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
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/locale"
	"fusionsoft.ca/fusion/framework/web/render"
)

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

// Registry holds the models.
func Registry(t *testing.T) *orm.Registry {
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

// ModelOf finds a model.
func ModelOf(t *testing.T, r *orm.Registry, name string) *orm.Model {
	t.Helper()
	m, ok := r.Model(name)
	if !ok {
		t.Fatalf("no model %s", name)
	}
	return m
}

// ViewOf builds a view.
func ViewOf(t *testing.T, model, arch string) *view.View {
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

// Builder renders for a user who may do everything, in English with euros.
func Builder(t *testing.T, r *orm.Registry) *render.Builder {
	t.Helper()
	loc := locale.Default()
	loc.Zone = time.FixedZone("test", 2*3600)
	loc.Currencies[1] = locale.Currency{Symbol: "€", Before: false, Places: 2}
	n := shipNames{"t.harbour": {1: "Ostend", 2: "Bergen & <Oslo>"}, "t.currency": {1: "EUR"}}
	return &render.Builder{Locale: loc, Names: n, Vars: map[string]any{"uid": int64(2), "context": map[string]any{}}, Exprs: &expr.Cache{},
		Today: time.Date(2026, 5, 20, 12, 0, 0, 0, loc.Zone),
		Fields: func(model string) map[string]render.Field {
			out := map[string]render.Field{}
			for name, f := range ModelOf(t, r, model).Fields {
				out[name] = render.Field{Field: f, ReadonlyForUser: f.Readonly}
			}
			return out
		},
		Rights:  func(string) render.Rights { return render.Rights{Read: true, Write: true, Create: true, Unlink: true} },
		Allowed: func(n *view.Node) bool { return n.Attr("groups") != "t.secret" },
		Link:    func(model string, id int64) string { return fmt.Sprintf("/web/model/%s/%d", model, id) },
		Shown:   map[string]string{}, Lists: map[string]render.DataList{}, Options: map[string][]render.Choice{}}
}

func date(s string) orm.Date { d, _ := orm.ParseDate(s); return d }

// Ship is a record with a value of every kind.
func Ship(t *testing.T, r *orm.Registry) *render.Record {
	t.Helper()
	seen, err := orm.ParseDatetime("2026-05-19 22:30:00")
	if err != nil {
		t.Fatal(err)
	}
	return &render.Record{Model: ModelOf(t, r, "t.ship"), ID: 7, Lists: map[string]*render.Lines{}, Files: map[string]render.FileFact{}, Values: orm.Values{
		"id": int64(7), "name": `Karel "Doorman" <1>`, "state": "sea", "length": decimal.RequireFromString("1234.500"), "value": decimal.RequireFromString("-1234567.891"),
		"currency_id": int64(1), "crew": int64(12), "built": date("1999-12-31"), "seen_at": seen, "sound": true, "log": `<p onclick="x()">Day <b>1</b><script>alert(1)</script></p>`,
		"remark": "one\ntwo", "site": "javascript:alert(1)", "harbour_id": int64(2), "flag_ids": []int64{1, 2}, "ready": int64(140), "hold_ids": []int64{3, 4}, "code": "hush", "active": true, "display_name": "Karel"}}
}

// shipNames are the names of records, by model.
type shipNames map[string]map[int64]string

// Of is the name of a record.
func (n shipNames) Of(model string, id int64) string {
	switch name, known := n[model][id]; {
	case id == 0:
		return ""
	case known:
		return name
	}
	return fmt.Sprintf("#%d", id)
}

// Hidden is none.
func (shipNames) Hidden(string, int64) bool { return false }

// Lines is what a template makes of data, one element a line, so that a change can be
// read.
func Lines(t *testing.T, template string, data any) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Templates().ExecuteTemplate(&b, template, data); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(b.String(), "><", ">\n<")
	return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(s string) bool { return strings.TrimSpace(s) == "" }), "\n") + "\n"
}
