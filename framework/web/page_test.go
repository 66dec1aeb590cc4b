package web

import (
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/internal/ships"
	"fusionsoft.ca/fusion/framework/web/render"
)

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

func withHolds(t *testing.T, r *orm.Registry, rec *render.Record, v *view.View) {
	t.Helper()
	m := ships.ModelOf(t, r, "t.hold")
	var inner *view.Node
	for _, n := range v.Fields() {
		if n.Name() == "hold_ids" {
			inner = n.SubViews()["list"]
		}
	}
	rows := []*render.Record{{Model: m, ID: 3, Key: "3", Values: orm.Values{"cargo": "Coal", "tons": decimal.RequireFromString("12.5")}}, {Model: m, ID: 4, Key: "4", Values: orm.Values{"cargo": "Tin", "tons": decimal.NewFromInt(3)}}}
	rec.Lists["hold_ids"] = &render.Lines{Field: rec.Model.Fields["hold_ids"], View: &view.View{Model: "t.hold", Kind: "list", Root: inner}, Rows: rows, Total: 2}
}

func TestFormGolden(t *testing.T) {
	t.Parallel()
	for _, edit := range []bool{false, true} {
		r := ships.Registry(t)
		b := ships.Builder(t, r)
		b.Edit, b.Post = edit, "/web/action/5/7"
		b.Lists[render.ListKey("t.harbour", `[["name","like","sea"]]`)] = render.DataList{ID: "names-1", Names: []string{"Ostend", "Bergen"}}
		rec, v := ships.Ship(t, r), ships.ViewOf(t, "t.ship", shipForm)
		withHolds(t, r, rec, v)
		out := &render.FormPage{Tree: b.Form(v, rec), Edit: edit, Post: b.Post, Base: convert.JSON(toAnyMap(b.Shown)), Version: "v1", CanEdit: true, EditURL: "/web/action/5/7?edit=1", CloseURL: "/web/action/5/7", Name: "Karel"}
		ormtest.Golden(t, map[bool]string{true: "form-edit.html", false: "form.html"}[edit], ships.Lines(t, "form", shell{Program: "Fusion", Title: "Karel", Lang: "en", Dir: "ltr", Body: out, Crumbs: []crumb{{"Ships", "/web/action/5"}}, User: "Ann", Notes: []server.Note{{Kind: "info", Text: "<b>hi</b>"}}}))
	}
}

func toAnyMap(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}
