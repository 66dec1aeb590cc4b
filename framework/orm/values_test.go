package orm

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/shopspring/decimal"
)

// A value of the wrong kind is another error than one of the right kind that is
// wrong, as clients of Odoo expect.
func TestErrorsOfValues(t *testing.T) {
	t.Parallel()
	list := []any{json.Number("1")}
	for kind, values := range map[Kind]map[Code][]any{
		Integer:      {CodeType: {list, map[string]any{}}, CodeValue: {"red", "1.5"}},
		Float:        {CodeType: {list, map[string]any{}}, CodeValue: {"abc"}},
		DateKind:     {CodeType: {list, int64(20240101), true}, CodeValue: {"2024-02-30", "soon"}},
		DatetimeKind: {CodeType: {list, int64(5), true}, CodeValue: {"2024-01-01T10:00:00"}},
		Many2one:     {CodeValue: {"Canada", 1.5, true, map[string]any{"name": "x"}}},
		Many2many:    {CodeValue: {"x", int64(5)}},
	} {
		f := &Field{Name: "f", Label: "F", Kind: kind}
		for code, bad := range values {
			for _, v := range bad {
				if _, err := f.Parse(v); !IsCode(err, code) {
					t.Errorf("%s given %T %v: %v, want a %s", kind, v, v, err, code)
				}
			}
		}
	}
}

type tripDay struct {
	Record `orm:"t.trip.day"`
	TripID Ref[trip] `orm:"trip_id,ondelete=cascade"`
	Day    Date      `orm:"day"`
	Km     float64   `orm:"km"`
}

type trip struct {
	Record `orm:"t.trip"`
	Name   string          `orm:"name"`
	Seats  int             `orm:"seats"`
	Price  decimal.Decimal `orm:"price"`
	Public bool            `orm:"public"`
	From   Datetime        `orm:"from_time"`
	Notes  JSON            `orm:"notes"`
	Lead   Ref[trip]       `orm:"lead_id"`
	Days   Many[tripDay]   `orm:"day_ids,inverse=trip_id"`
}

// Hooks get values in one form, however the caller spelled them, also those of lines,
// and those that another hook has set.
func TestHooksGetValuesInOneForm(t *testing.T) {
	r := NewRegistry()
	var seen []Values
	r.Begin("first")
	d := Define[trip](r)
	Define[tripDay](r)
	note := func(vals Values) { seen = append(seen, vals.Clone()) }
	d.OnCreate(func(super CreateFunc) CreateFunc {
		return func(rs Records, list []Values) (Records, error) { note(list[0]); return super(rs, list) }
	})
	d.OnWrite(func(super WriteFunc) WriteFunc {
		return func(rs Records, vals Values) error { note(vals); return super(rs, vals) }
	})
	d.OnCreate(func(super CreateFunc) CreateFunc {
		return func(rs Records, list []Values) (Records, error) {
			if rs.Env.Flag("spoil", false) {
				list[0]["seats"], list[0]["name"] = 7, false // as no caller of hooks would find it
			}
			return super(rs, list)
		}
	})
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	e := must[*Env](t)(testDBOf(t, r).Begin(context.Background(), System()))
	t.Cleanup(e.Rollback)
	lead := must[Records](t)(e.Model("t.trip").Create(Values{"name": "Lead"}))
	number := func(s string) json.Number { return json.Number(s) }
	spellings := map[string]Values{
		"Go": {"name": "North", "seats": 4, "price": decimal.RequireFromString("2.5"), "public": true, "from_time": must[Datetime](t)(ParseDatetime("2026-05-01 08:00:00")),
			"notes": JSON(`{"a":1}`), "lead_id": RefTo[trip](lead.ID()), "day_ids": []Command{CreateLine(Values{"day": NewDate(2026, 5, 2), "km": 12})}},
		"JSON": {"name": "North", "seats": number("4"), "price": number("2.5"), "public": number("1"), "from_time": "2026-05-01 08:00:00", "notes": map[string]any{"a": number("1")},
			"lead_id": number(fmt.Sprint(lead.ID())), "day_ids": []any{[]any{number("0"), "virtual_1", map[string]any{"day": "2026-05-02", "km": number("12")}}}},
		"texts": {"name": "North", "seats": "4", "price": "2.5", "public": "True", "from_time": "2026-05-01 08:00", "notes": JSON(`{"a":1}`),
			"lead_id": fmt.Sprint(lead.ID()), "day_ids": []any{[]any{0, 0, map[string]any{"day": "2026-05-02", "km": "12"}}}},
	}
	for name, vals := range spellings {
		seen = nil
		made := must[Records](t)(e.Model("t.trip").Create(vals))
		if err := made.Write(vals); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(seen) != 2 {
			t.Fatalf("%s: hooks ran %d times", name, len(seen))
		}
		for _, got := range seen {
			days, ok := got.Lines("day_ids")
			if !ok || len(days) != 1 {
				t.Fatalf("%s: lines %v", name, got["day_ids"])
			}
			if got.Text("name") != "North" || got["seats"] != int64(4) || got.Decimal("price").String() != "2.5" || got["public"] != true || got.Datetime("from_time").String() != "2026-05-01 08:00:00" ||
				string(got.JSON("notes")) != `{"a":1}` || got["lead_id"] != lead.ID() || days[0].Date("day").String() != "2026-05-02" || days[0]["km"] != 12.0 {
				t.Errorf("%s: a hook got %#v with %#v", name, got, days[0])
			}
		}
	}
	seen = nil
	must[Records](t)(e.WithContext(map[string]any{"spoil": true}).Model("t.trip").Create(Values{"name": "South"}))
	if seen[0]["seats"] != int64(7) || seen[0]["name"] != nil {
		t.Errorf("after another hook: %#v", seen[0])
	}
	for what, bad := range map[string]Values{"a field": {"naem": "x"}, "a value": {"seats": "many"}, "a line's field": {"day_ids": []Command{CreateLine(Values{"dya": "x"})}}} {
		seen = nil
		if _, err := e.Model("t.trip").Create(bad); err == nil || len(seen) > 0 {
			t.Errorf("%s that is wrong: %v, after the hooks %v", what, err, seen)
		}
	}
}
