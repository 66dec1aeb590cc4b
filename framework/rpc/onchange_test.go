package rpc_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/google/go-cmp/cmp"
)

// sheet is a document with lines, whose number a sequence draws.
type sheet struct {
	orm.Record `orm:"test.sheet" label:"Sheet"`
	Name       string                `orm:"name,required"`
	PartnerID  orm.Ref[base.Partner] `orm:"partner_id,required"`
	City       string                `orm:"city,store"`
	Lines      orm.Many[sheetLine]   `orm:"line_ids,inverse=sheet_id"`
	Total      int                   `orm:"total,store"`
	Secret     string                `orm:"secret" groups:"base.group_system"`
}

type sheetLine struct {
	orm.Record `orm:"test.sheet.line" label:"Line"`
	SheetID    orm.Ref[sheet] `orm:"sheet_id,required,ondelete=cascade"`
	Qty        int            `orm:"qty,default=1"`
	Price      int            `orm:"price"`
	Sum        int            `orm:"sum,store"`
}

const sheetAccess = `id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink
access_sheet,sheet,model_test_sheet,base.group_user,1,1,1,1
access_sheet_line,line,model_test_sheet_line,base.group_user,1,1,1,1
`

func sheets() module.Addon {
	return module.Addon{Name: "sheets", Version: "19.0.1.0.0", Depends: []string{"base"},
		Data: []string{"ir.model.access.csv"}, FS: fstest.MapFS{"ir.model.access.csv": {Data: []byte(sheetAccess)}},
		Define: func(r *orm.Registry) {
			d := orm.Define[sheet](r)
			d.Compute("city", func(_ *orm.Env, ss []*sheet) error {
				for _, s := range ss {
					s.City = ""
					if p := s.PartnerID.Rec(); p != nil {
						s.City = p.City
					}
				}
				return nil
			}, "partner_id.city")
			d.Compute("total", func(_ *orm.Env, ss []*sheet) error {
				for _, s := range ss {
					s.Total = 0
					for _, l := range s.Lines.All() {
						s.Total += l.Sum
					}
				}
				return nil
			}, "line_ids.sum")
			d.Constrain("name", func(_ *orm.Env, ss []*sheet) error {
				if slices.ContainsFunc(ss, func(s *sheet) bool { return s.Name == "" }) {
					return orm.UserErrorf("A sheet needs a number.")
				}
				return nil
			})
			d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
				return func(rs orm.Records, vals []orm.Values) (orm.Records, error) {
					for _, v := range vals {
						n, err := base.NextByCode(rs.Env, "test.sheet")
						if err != nil {
							return rs, err
						}
						v["name"] = n
					}
					return super(rs, vals)
				}
			})
			l := orm.Define[sheetLine](r)
			l.Compute("sum", func(_ *orm.Env, ls []*sheetLine) error {
				for _, l := range ls {
					l.Sum = l.Qty * l.Price
				}
				return nil
			}, "qty", "price")
		}}
}

// form calls onchange on sheets as the administrator.
func (c *court) form(ids []any, values map[string]any, names []any, spec map[string]any) map[string]any {
	c.t.Helper()
	return c.formAs(2, "admin", ids, values, names, spec)
}

func (c *court) formAs(uid int64, password string, ids []any, values map[string]any, names []any, spec map[string]any) map[string]any {
	c.t.Helper()
	w := c.post("/jsonrpc", map[string]any{"service": "object", "method": "execute_kw",
		"args": []any{"trial", uid, password, "test.sheet", "onchange", []any{ids, values, names, spec}}})
	var a struct {
		Result map[string]any
		Error  *struct {
			Data struct{ Name, Message string }
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		c.t.Fatalf("%s: %v", w.Body, err)
	}
	if a.Error != nil {
		return map[string]any{"error": a.Error.Data.Name}
	}
	return a.Result
}

// What follows from a form's values is told, without anything being stored or
// any number being used up.
func TestOnchange(t *testing.T) {
	t.Parallel()
	c := newCourt(t, sheets())
	var paris, rome, stored int64
	var lines []int64
	c.work(func(env *orm.Env) error {
		if _, err := env.Model("ir.sequence").Create(orm.Values{"name": "Sheets", "code": "test.sheet", "prefix": "S", "padding": 3}); err != nil {
			return err
		}
		made, err := env.Model("res.partner").Create(orm.Values{"name": "A", "city": "Paris"}, orm.Values{"name": "B", "city": "Rome"})
		if err != nil {
			return err
		}
		paris, rome = made.IDs[0], made.IDs[1]
		s, err := env.Model("test.sheet").Create(orm.Values{"partner_id": paris, "line_ids": []orm.Command{
			orm.CreateLine(orm.Values{"qty": 2, "price": 10}), orm.CreateLine(orm.Values{"qty": 1, "price": 5})}})
		if err != nil {
			return err
		}
		stored = s.ID()
		found, err := env.Model("test.sheet.line").Search(nil, orm.SearchOptions{Order: "id"})
		lines = found.IDs
		return err
	})
	named := map[string]any{"fields": map[string]any{"display_name": map[string]any{}}}
	spec := map[string]any{"id": map[string]any{}, "name": map[string]any{}, "partner_id": named, "city": map[string]any{}, "total": map[string]any{},
		"line_ids": map[string]any{"fields": map[string]any{"qty": map[string]any{}, "price": map[string]any{}, "sum": map[string]any{}, "sheet_id": map[string]any{}}}}
	type object = map[string]any
	type list = []any
	one, two := float64(lines[0]), float64(lines[1])
	for name, test := range map[string]struct {
		ids    list
		values object
		names  list
		want   object
	}{
		"a form just opened, with what it must have missing": {list{}, object{}, list{}, object{"value": object{
			"name": false, "partner_id": false, "city": false, "total": 0.0}}},
		"a form opened with values": {list{}, object{"partner_id": rome, "line_ids": list{list{0, "v1", object{"price": 7}}}}, list{}, object{"value": object{
			"name": false, "partner_id": object{"id": float64(rome), "display_name": "B"}, "city": "Rome", "total": 7.0,
			"line_ids": list{list{0.0, "v1", object{"qty": 1.0, "price": 7.0, "sum": 7.0, "sheet_id": false}}}}}},
		"a changed reference":       {list{}, object{"name": false, "city": "Paris", "partner_id": rome}, list{"partner_id"}, object{"value": object{"city": "Rome"}}},
		"a value set by hand stays": {list{}, object{"name": false, "city": "Oslo", "partner_id": rome}, list{"city"}, object{"value": object{}}},
		"lines the client has made": {list{}, object{"name": false, "partner_id": paris, "city": "Paris", "line_ids": list{
			list{0, "v1", object{"qty": 3, "price": 4}}, list{0, "v2", object{"qty": 1, "price": 1}}, list{1, "v2", object{"price": 2}},
			list{0, "v3", object{}}, list{2, "v3", 0}}}, list{"line_ids"}, object{"value": object{"total": 14.0, "line_ids": list{
			list{1.0, "v1", object{"sum": 12.0}}, list{1.0, "v2", object{"sum": 2.0}}}}}},
		"nothing changed":      {list{stored}, object{"name": "S001", "partner_id": paris, "line_ids": list{}}, list{"partner_id"}, object{"value": object{}}},
		"a changed line":       {list{stored}, object{"line_ids": list{list{1, one, object{"qty": 5}}}}, list{"line_ids"}, object{"value": object{"total": 55.0, "line_ids": list{list{1.0, one, object{"sum": 50.0}}}}}},
		"a dropped line":       {list{stored}, object{"line_ids": list{list{2, two, 0}}}, list{"line_ids"}, object{"value": object{"total": 20.0}}},
		"lines not of now":     {list{stored}, object{"partner_id": rome, "line_ids": list{list{1, one, object{"price": 0}}}}, list{"partner_id"}, object{"value": object{"city": "Rome"}}},
		"an unknown field":     {list{stored}, object{"partner_id": rome}, list{"no_such"}, object{}},
		"an unknown value":     {list{}, object{"no_such": 1}, list{}, object{"error": "builtins.ValueError"}},
		"a record that is not": {list{}, object{"partner_id": 99999999}, list{"partner_id"}, object{"error": "odoo.exceptions.MissingError"}},
		"two records":          {list{stored, stored + 1}, object{}, list{}, object{"error": "builtins.ValueError"}},
	} {
		if diff := cmp.Diff(test.want, c.form(test.ids, test.values, test.names, spec)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	c.work(func(env *orm.Env) error {
		for model, want := range map[string]int{"test.sheet": 1, "test.sheet.line": 2} {
			if n, err := env.Model(model).SearchCount(nil, 0); err != nil || n != want {
				t.Errorf("%d of %s are stored, want %d (%v)", n, model, want, err)
			}
		}
		if n, err := base.NextByCode(env, "test.sheet"); err != nil || n != "S002" {
			t.Errorf("the next number is %s (%v), want S002", n, err)
		}
		return nil
	})
}

// A form tells nobody what is in records and fields that are closed to them.
func TestOnchangeTellsNoSecrets(t *testing.T) {
	t.Parallel()
	c := newCourt(t, sheets())
	var clerk, open, hidden int64
	c.work(func(env *orm.Env) error {
		group, err := env.Ref("base.group_user")
		if err != nil {
			return err
		}
		user, err := env.Model("res.users").Create(orm.Values{"name": "Clerk", "login": "clerk", "password": "clerk", "group_ids": group.IDs})
		if err != nil {
			return err
		}
		clerk = user.ID()
		made, err := env.Model("res.partner").Create(orm.Values{"name": "Open", "city": "Rome"}, orm.Values{"name": "Hidden", "city": "Atlantis"})
		if err != nil {
			return err
		}
		open, hidden = made.IDs[0], made.IDs[1]
		model, err := env.Model("ir.model").Search(orm.Leaf("model", "=", "res.partner"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		_, err = env.Model("ir.rule").Create(orm.Values{"name": "hide", "model_id": model.ID(), "domain_force": "[('name', '!=', 'Hidden')]"})
		return err
	})
	spec := map[string]any{"city": map[string]any{}}
	none := []any{}
	as := func(values map[string]any, names []any, spec map[string]any) string {
		return fmt.Sprint(c.formAs(clerk, "clerk", none, values, names, spec))
	}
	if got := as(map[string]any{"partner_id": open}, []any{"partner_id"}, spec); got != "map[value:map[city:Rome]]" {
		t.Errorf("an open partner: %s", got)
	}
	for _, names := range [][]any{{"partner_id"}, {"name"}, none} {
		if got := as(map[string]any{"name": "x", "partner_id": hidden}, names, spec); got != "map[error:odoo.exceptions.AccessError]" {
			t.Errorf("a hidden partner, %v changed: %s", names, got)
		}
	}
	if got := as(map[string]any{}, none, map[string]any{"secret": map[string]any{}}); got != "map[error:odoo.exceptions.AccessError]" {
		t.Errorf("a field of other groups: %s", got)
	}
	if got := as(map[string]any{"secret": "x"}, []any{"secret"}, spec); got != "map[error:odoo.exceptions.AccessError]" {
		t.Errorf("a value of a field of other groups: %s", got)
	}
	if strings.Contains(c.log.String(), "Atlantis") {
		t.Error("the log has it")
	}
}
