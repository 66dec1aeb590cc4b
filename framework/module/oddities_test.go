package module_test

import (
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

const odditiesXML = `<?xml version="1.0" encoding="windows-1252"?>
<!DOCTYPE odoo [
  <!ENTITY shop "Caf` + "\xe9" + `">
  <!ENTITY inner "&shop; &amp; bar">
]>
<odoo context="{'default_pages': 11}">
  <data auto_sequence="1" context="{'default_price': 2.5}">
    <record id="b1" model="lib.book" context="{'default_kind': 'poem'}"><field name="name">&inner;</field></record>
  </data>
  <record id="b2" model="lib.book">
    <field name="name">Two</field>
    <field name="name@de_DE">Zwei</field>
    <field name="notes" type="html"><![CDATA[<p>In <b>CDATA</b></p>]]></field>
    <field name="cover" file="note.txt"/>
  </record>
  <record id="b3" model="lib.book"><field name="name">50 %</field><field name="cover" type="file">note.txt</field>
    <field name="notes" type="html"><p>50 %% of %(b2)d &nbsp; <![CDATA[a < b]]></p></field></record>
  <record id="out" model="lib.book" forcecreate="0"><field name="name">left out</field><field name="shelf_id" ref="other.shelf"/></record>
  <function model="lib.book" name="tidy" eval="[ref('b1')]"><value name="pages" eval="7"/></function>
  <function model="lib.book" name="tidy"><function model="lib.book" name="search"><value eval="[('name', '=', 'Two')]"/></function><value type="int">8</value></function>
  <function model="lib.book" name="write"><value model="lib.book" search="[('name', '=', '50 %')]"/><value eval="{'pages': ref('never', raise_if_not_found=False) or 9}"/></function>
  <function model="lib.book" name="copy" eval="[[ref('b3')], {'name': 'A copy', 'price': obj().search([('name', '=', 'Two')]).pages}]"/>
  <record id="shelf" model="lib.shelf"><field name="name" eval="', '.join([obj().env.ref('lib.b2').name for x in [1]])"/></record>
</odoo>`

// TestOddities holds forms that are rare in data files, and what they come to.
func TestOddities(t *testing.T) {
	t.Parallel()
	lib := library(text("d.xml", odditiesXML, "note.txt", "A note",
		"lib.shelf.csv", "id;name;name@de_DE;book_ids/id;book_ids/name;book_ids/similar_ids/id\ns1;Shelf one;Regal;l1;Line \"one\";b1,b2\n;;;l2;Line two;\n;;;;;\ns2;Shelf two;;;;\n"),
		"d.xml", "lib.shelf.csv")
	addons := []module.Addon{kernel.Addon(), lib}
	if ps := module.Check(addons); len(ps) > 0 {
		t.Fatal(listing(ps))
	}
	url := ormtest.URL(t)
	db := install(t, open(t, url, addons), addons, "lib")
	b2 := query(t, db, "SELECT res_id FROM ir_model_data WHERE module = 'lib' AND name = 'b2'")[0]
	same(t, "books", query(t, db, `SELECT name, pages, kind, price, notes, cover FROM lib_book ORDER BY id`), []string{
		"Café & bar|7|poem|2.5||",
		"Two|8|novel||<p>In <b>CDATA</b></p>|A note",
		"50 %|9|novel||<p>50 % of " + b2 + " &nbsp; a &lt; b</p>|lib,note.txt",
		"A copy|9|novel|8|<p>50 % of " + b2 + " &nbsp; a &lt; b</p>|lib,note.txt",
		`Line "one"||novel|||`,
		"Line two||novel|||",
	})
	same(t, "lines of a CSV file with ids of their own", query(t, db, `SELECT d.name, b.name, s.name->>'en_US', (SELECT count(*) FROM lib_book_similar WHERE a = b.id) FROM ir_model_data d
		JOIN lib_book b ON b.id = d.res_id JOIN lib_shelf s ON s.id = b.shelf_id WHERE d.module = 'lib' AND d.model = 'lib.book' AND d.name LIKE 'l_' ORDER BY 1`),
		[]string{`l1|Line "one"|Shelf one|2`, "l2|Line two|Shelf one|0"})

	// A file may name records by database id, which is what people export. The quote
	// that exports put before what a spreadsheet would take for a formula goes.
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		return module.Load(env, addons, "lib", text("lib.book.csv", ".id,name\n"+b2+",'=Two 'by' id\n"), []string{"lib.book.csv"})
	})
	if err != nil {
		t.Error(err)
	}
	same(t, "the record named by id", query(t, db, "SELECT name FROM lib_book WHERE id = "+b2), []string{"=Two 'by' id"})
}

// TestUnreadableFiles holds what is said of files that cannot be read at all.
func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	lib := library(text(
		"bomb.xml", `<!DOCTYPE odoo [<!ENTITY a "`+strings.Repeat("x", 2000)+`"><!ENTITY b "`+strings.Repeat("&a;", 2000)+`">]><odoo><data>&b;</data></odoo>`,
		"loop.xml", `<!DOCTYPE odoo [<!ENTITY a "&b;"><!ENTITY b "&a;">]><odoo>&a;</odoo>`,
		"code.xml", `<?xml version="1.0" encoding="koi-9"?><odoo/>`,
		"bytes.xml", "<odoo>\n<record id=\"x\" model=\"lib.book\"><field name=\"name\">\xe9</field></record></odoo>",
		"lib.book.csv", "id,name\na,ok\nb,\xe9\n",
		"asset.xml", `<odoo><asset id="a" name="a"><bundle>web.assets_backend</bundle><path>x.js</path></asset></odoo>`,
		"secret.xml", `<!DOCTYPE odoo [<!ENTITY x SYSTEM "file:///etc/passwd">]><odoo><record id="x" model="lib.book"><field name="name">&x;</field></record></odoo>`),
		"bomb.xml", "loop.xml", "code.xml", "bytes.xml", "lib.book.csv", "asset.xml", "secret.xml")
	same(t, "problems", strings.Split(strings.TrimSpace(listing(module.Check([]module.Addon{kernel.Addon(), lib}))), "\n"), []string{
		"lib/asset.xml:1: <asset> adds files to Odoo's own web client, which this is not; take it out",
		"lib/bomb.xml:1: its entities expand without end",
		"lib/bytes.xml:2: not well-formed XML: invalid UTF-8",
		`lib/code.xml:1: the encoding "koi-9" is not known; write the file in UTF-8`,
		"lib/lib.book.csv:3: the line is not text in UTF-8; save the file in that encoding",
		"lib/loop.xml:1: its entities expand without end",
		"lib/secret.xml:1: not well-formed XML: invalid character entity &x;",
	})
}
