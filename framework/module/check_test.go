package module_test

import (
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

func listing(ps []module.Problem) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

func TestCheckFindsNothingInGoodAddons(t *testing.T) {
	t.Parallel()
	lib := library(text("data/books.xml", booksXML, "data/cover.txt", "cover"), "data/books.xml")
	if ps := module.Check([]module.Addon{kernel.Addon(), lib}); len(ps) > 0 {
		t.Error(listing(ps))
	}
}

const brokenXML = `<?xml version="1.0"?>
<odoo>
  <record id="a" model="lib.bok"><field name="name">x</field></record>
  <record id="b" model="lib.book">
    <field name="nam">x</field>
    <field name="kind">novl</field>
    <field name="shelf_id" ref="shelff"/>
    <field name="similar_ids" eval="[(4, ref('base.group_user'))]"/>
    <field name="pages">many</field>
    <field name="printed">yesterday</field>
    <field name="price" eval="1 +"/>
    <field name="seen" eval="nwo"/>
    <field name="cover" type="base64" file="cover.png"/>
  </record>
  <record id="shelf" model="lib.shelf">
    <field name="name">ok</field>
    <field name="book_ids" eval="[(0, 0, {'title': 'x'}), (9, 0)]"/>
  </record>
  <record id="c" model="lib.book">
    <field name="name">ok</field>
    <field name="shelf_id" search="[('nmae', '=', 'x')]"/>
    <field name="subject">text</field>
    <field name="similar_ids">text</field>
    <field name="is_read">perhaps</field>
    <field name="notes"><p>no type</p></field>
  </record>
  <record id="other.x" model="lib.book"/>
  <record id="c" model="lib.shelf"/>
  <function model="lib.book" name="tidyy"/>
  <function model="lib.book" name="tidy" eval="ref('c')"/>
  <delete model="lib.book" search="[('nmae', '=', 1)]"/>
  <menuitem id="m" name="x" parent="root" groups="base.group_usr" seq="3"/>
  <menuitem id="m2" action="c"/>
  <menuitem id="m3"/>
  <report id="r"/>
  <recrod id="r"/>
  <record id="action" model="ir.actions.act_window">
    <field name="name">x</field>
    <field name="res_model">lib.book</field>
    <field name="view_mode">list,fom</field>
    <field name="domain">[('shelf_id.nme', '=', uid)]</field>
  </record>
  <record id="form" model="ir.ui.view">
    <field name="name">form</field>
    <field name="model">lib.book</field>
    <field name="arch" type="xml">
      <form>
        <button type="object" name="tidi"/>
        <button type="action" name="%(actoin)d"/>
        <field name="pagess" groups="base.group_admin"/>
      </form>
    </field>
  </record>
  <record id="form_more" model="ir.ui.view">
    <field name="name">more</field>
    <field name="model">lib.book</field>
    <field name="inherit_id" ref="form"/>
    <field name="arch" type="xml">
      <xpath expr="//field[@name='nothing']" position="after"><field name="name"/></xpath>
    </field>
  </record>
</odoo>`

// TestCheckListsEveryMistake holds the messages an addon developer reads.
func TestCheckListsEveryMistake(t *testing.T) {
	t.Parallel()
	lib := library(text("data/broken.xml", brokenXML, "data/unclosed.xml", "<odoo>\n<record id='x' model='lib.book'>\n</odoo>",
		"lib.book.csv", "id,name,pags,shelf_id:id\nz,Z,1,nothing\ny,Y\n", "lib.book-more.csv", "id,kind,shelf_id/id\nw,Nvel,b\n", "data/x.yml", ""),
		"data/broken.xml", "data/unclosed.xml", "lib.book.csv", "lib.book-more.csv", "data/x.yml", "data/brken.xml")
	ormtest.Golden(t, "broken.txt", listing(module.Check([]module.Addon{kernel.Addon(), lib})))
}

// TestCheckReportsModels plants mistakes that come to light in each stage: in
// tags, in the merge, in what needs other models, in the graph of computes, in
// data and in views. One run tells all, and none of them twice or by what
// follows from it.
func TestCheckReportsModels(t *testing.T) {
	t.Parallel()
	type bad struct {
		orm.Record `orm:"bad.model,transiant" lable:"Bad" order:"nmae"`
		Name       string            `orm:"name,requird" lable:"Name" hlep:"None"`
		Minutes    int               `orm:"minutes"`
		Count      int               `orm:"count,store"`
		Total      int               `orm:"total,store"`
		When       struct{}          `orm:"when"`
		Parent     int64             `orm:"parent_id,many2one=bad.modle"`
		Grand      string            `orm:"grand,related=parent_id.name"`
		Brand      string            `orm:"brand,related=nmae"`
		Lines      orm.Many[badLine] `orm:"line_ids,inverse=modle_id"`
		Odd        string            `orm:"odd"`
		Tags       orm.Many[badTag]  `orm:"tag_ids"`
	}
	none := func(*orm.Env, []*bad) error { return nil }
	ps := module.Check([]module.Addon{kernel.Addon(), {Name: "bad", Version: "1.0", Depends: []string{"base"}, Define: func(r *orm.Registry) {
		d := orm.Define[bad](r)
		d.Check("minutes_positive", "minuts > 0", "Not negative.")
		d.Check("lines", "line_ids IS NOT NULL", "Lines.")
		d.Unique("name_uniq", "name, compny_id", "Once.")
		d.Compute("count", none, "minuts", "parent_id.name", "line_ids.model_id.minutes")
		d.Compute("totl", none, "minutes")
		d.Constrain("minutes, wen", none)
		line := orm.Define[badLine](r).Inherit("mail.thraed")
		line.Constrain("message_ids", func(*orm.Env, []*badLine) error { return nil })
	}, FS: text("data/bad.xml", badXML), Data: []string{"data/bad.xml"}}})
	ormtest.Golden(t, "broken_models.txt", listing(ps))
}

type badLine struct {
	orm.Record `orm:"bad.line"`
	Model      int64 `orm:"model_id,many2one=bad.model"`
}

type badTag struct {
	orm.Record `orm:"bad.tag"`
	Name       string `orm:"name"`
}

const badXML = `<odoo>
  <record id="one" model="bad.model">
    <field name="nam">x</field>
    <field name="minutes">soon</field>
    <field name="when">x</field>
  </record>
  <record id="form" model="ir.ui.view">
    <field name="name">form</field>
    <field name="model">bad.model</field>
    <field name="arch" type="xml">
      <form>
        <field name="minuts"/>
        <field name="name" invisible="cuont > 0"/>
        <field name="line_ids"><list><field name="modl_id"/></list></field>
        <field name="parent_id"/>
        <field name="tag_ids"/>
        <button type="object" name="nothing"/>
      </form>
    </field>
  </record>
</odoo>`
