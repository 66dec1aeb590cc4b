package listing

import (
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/web/action"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/internal/ships"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/search"
)

const shipList = `<list decoration-muted="not active" decoration-danger="state == 'lost'">
	<field name="active" column_invisible="True"/><field name="sequence" widget="handle"/>
	<field name="name"/><field name="state" widget="badge" decoration-info="state == 'sea'"/><field name="length"/><field name="currency_id" column_invisible="1"/>
	<field name="value" sum="Total"/><field name="crew" optional="hide"/><field name="built"/><field name="seen_at"/><field name="sound"/><field name="site" widget="url"/>
	<field name="harbour_id"/><field name="flag_ids" widget="many2many_tags"/><field name="ready" widget="progressbar"/><field name="remark" groups="t.secret"/>
	<field name="code"/><field name="log" invisible="sound"/></list>`

func TestListGolden(t *testing.T) {
	t.Parallel()
	r := ships.Registry(t)
	b := ships.Builder(t, r)
	at := address.Parse("action/5?f=afloat&menu=3", nil)
	l := &List{at: at, Action: &action.Action{ID: 5, Model: "t.ship", Limit: 80}, Records: orm.Records{Model: ships.ModelOf(t, r, "t.ship")}, View: ships.ViewOf(t, "t.ship", shipList),
		Query: search.ParseQuery(at.Params), Builder: b, Fields: b.Fields("t.ship")}
	out := &render.ListView{Post: "/web/action/5", Selecting: true, Actions: []render.Choice{{Value: "delete", Label: "Delete"}}, Total: 2}
	l.columns(out)
	one, two := ships.Ship(t, r), ships.Ship(t, r)
	two.ID, two.Values["active"], two.Values["state"], two.Values["harbour_id"], two.Values["sound"] = 8, false, "lost", nil, false
	out.Rows = []*render.ListRow{l.row(one, 0, 0), l.row(two, 0, 1), {Group: true, Name: "Ostend", Count: 3, Toggle: "/web/action/5?open=1", Totals: l.totals(map[string]any{"value:sum": decimal.NewFromInt(5)})}}
	ormtest.Golden(t, "list.html", ships.Lines(t, "table", out))
}
