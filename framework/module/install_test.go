package module_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func open(t *testing.T, url string, addons []module.Addon) *orm.DB {
	t.Helper()
	db, err := module.Open(t.Context(), url, addons)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.Logger = quiet()
	return db
}

func install(t *testing.T, db *orm.DB, addons []module.Addon, names ...string) *orm.DB {
	t.Helper()
	out, err := module.Install(t.Context(), db, addons, names, module.Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// query gives the rows of a statement as lines.
func query(t *testing.T, db *orm.DB, sql string, args ...any) []string {
	t.Helper()
	var out []string
	err := db.View(t.Context(), orm.System(), func(env *orm.Env) error {
		rows, err := ormtest.Texts(env, sql, args...)
		for _, r := range rows {
			out = append(out, strings.Join(r, "|"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

const booksXML = `<?xml version="1.0"?>
<odoo>
  <record id="shelf" model="lib.shelf">
    <field name="name">Top</field>
    <field name="group_ids" eval="[(4, ref('base.group_user'))]"/>
    <field name="book_ids">
      <record model="lib.book"><field name="name">Nested</field></record>
      <record id="nested" model="lib.book"><field name="name">Nested too</field><field name="pages" type="int">7</field></record>
    </field>
  </record>
  <record id="b1" model="lib.book">
    <field name="name">First</field>
    <field name="pages">120</field>
    <field name="kind">poem</field>
    <field name="printed" eval="(DateTime(2024, 1, 31) + relativedelta(months=1)).strftime('%Y-%m-%d')"/>
    <field name="seen" eval="datetime(2024, 5, 6, 7, 8, 9)"/>
    <field name="is_read">True</field>
    <field name="price">12.5</field>
    <field name="notes" type="html"><p>A <b>note</b></p></field>
    <field name="subject" ref="shelf"/>
    <field name="shelf_id" ref="shelf"/>
  </record>
  <record id="b2" model="lib.book">
    <field name="name" eval="obj(ref('b1')).name + '!'"/>
    <field name="shelf_id" search="[('name', '=', 'Top')]"/>
    <field name="similar_ids" eval="[Command.link(ref('lib.b1')), (4, ref('nested'))]"/>
    <field name="cover" type="base64" file="data/cover.txt"/>
  </record>
  <function model="lib.book" name="tidy" eval="[[ref('b2')], 42]"/>
  <function model="lib.book" name="rebind"><value>By function</value></function>
  <delete model="lib.book" search="[('name', '=', 'Nested')]"/>
  <record id="action" model="ir.actions.act_window"><field name="name">Books</field><field name="res_model">lib.book</field></record>
  <menuitem id="root" name="Library" groups="base.group_user" sequence="5">
    <menuitem id="books" action="action"/>
  </menuitem>
  <template id="page" name="Page"><p t-esc="x"/></template>
  <record id="base.user_root" model="res.users"><field name="login">root</field></record>
</odoo>`

func TestInstall(t *testing.T) {
	t.Parallel()
	addons := []module.Addon{library(text("data/books.xml", booksXML, "data/cover.txt", "cover", "lib.book.csv",
		"id,name,pages,shelf_id:id,kind,is_read,similar_ids/id\nc1,Csv,3,shelf,Poem,1,\"b1,lib.b2\"\nc2,\"Csv, two\",,,,,\n"),
		"data/books.xml", "lib.book.csv"), kernel.Addon()}
	url := ormtest.URL(t)
	db := install(t, open(t, url, addons), addons, "lib")
	same(t, "books", query(t, db, `SELECT b.name, pages, kind, printed, seen, is_read, price, notes, split_part(subject, ',', 1), cover, s.name->>'en_US'
		FROM lib_book b LEFT JOIN lib_shelf s ON s.id = b.shelf_id ORDER BY b.name`), []string{
		"By function||novel||||||||",
		"Csv|3|poem|||t|||||Top",
		"Csv, two|||||f|||||",
		"First|120|poem|2024-02-29|2024-05-06 07:08:09|t|12.5|<p>A <b>note</b></p>|lib.shelf||Top",
		"First!|42|novel|||||||Y292ZXI=|Top",
		"Nested too|7|novel|||f|||||Top",
	})
	same(t, "similar", query(t, db, `SELECT x.name, y.name FROM lib_book_similar s JOIN lib_book x ON x.id = a JOIN lib_book y ON y.id = b ORDER BY 1, 2`),
		[]string{"Csv|First", "Csv|First!", "First!|First", "First!|Nested too"})
	same(t, "menus", query(t, db, `SELECT m.name, p.name, m.sequence, split_part(m.action, ',', 1) FROM ir_ui_menu m LEFT JOIN ir_ui_menu p ON p.id = m.parent_id ORDER BY m.id`),
		[]string{"Library||5|", "Books|Library|10|ir.actions.act_window"})
	same(t, "view", query(t, db, `SELECT name, type, key, arch FROM ir_ui_view`),
		[]string{"Page|qweb|lib.page|<?xml version=\"1.0\"?>\n<t t-name=\"lib.page\"><p t-esc=\"x\"/></t>"})
	same(t, "user", query(t, db, "SELECT id, login FROM res_users"), []string{"1|root"})
	same(t, "external ids", query(t, db, `SELECT module, name, model FROM ir_model_data WHERE model NOT LIKE 'ir.model%' ORDER BY 1, 2`), []string{
		"base|group_user|res.groups", "base|module_base|ir.module.module", "base|module_lib|ir.module.module", "base|user_root|res.users",
		"lib|action|ir.actions.act_window", "lib|b1|lib.book", "lib|b2|lib.book", "lib|books|ir.ui.menu", "lib|c1|lib.book", "lib|c2|lib.book",
		"lib|nested|lib.book", "lib|page|ir.ui.view", "lib|root|ir.ui.menu", "lib|shelf|lib.shelf"})
	same(t, "modules", query(t, db, "SELECT name, state, latest_version FROM ir_module_module ORDER BY 1"),
		[]string{"base|installed|19.0.1.0.0", "lib|installed|19.0.1.0.0"})
	same(t, "models", query(t, db, "SELECT count(*) FROM ir_model_data d JOIN ir_model m ON m.id = d.res_id WHERE d.name = 'model_lib_book' AND d.module = 'lib' AND m.model = 'lib.book'"), []string{"1"})

	again := install(t, open(t, url, addons), addons, "lib")
	same(t, "books after a second installation", query(t, again, "SELECT count(*) FROM lib_book"), []string{"6"})
}

const formsXML = `<openerp><data noupdate="0">
  <record id="shelf" model="lib.shelf" context="{'default_name': 'From the context'}"/>
  <record id="b1" model="lib.book"><field name="name">B1</field><field name="pages" eval="len([1, 2, 3])"/></record>
  <record id="b2" model="lib.book">
    <field name="name" search="[('pages', '=', 3)]" model="lib.book" use="name"/>
    <field name="similar_ids" search="[('name', 'like', 'B')]"/>
    <field name="kind" eval="False"/>
    <field name="pages" eval="env.ref('lib.b1').pages + 1"/>
    <field name="seen" eval="datetime(2024, 1, 1) + timedelta(days=1, hours=2)"/>
  </record>
  <record id="b3" model="lib.book"><field name="name">B3</field></record>
  <record id="b3" model="lib.book"><field name="pages">5</field></record>
  <delete model="lib.book" id="b1"/>
  <delete model="lib.book" id="never_there"/>
  <record id="view" model="ir.ui.view">
    <field name="name">v</field><field name="model">lib.book</field>
    <field name="arch" type="xml">
      <form><!-- kept --><button type="action" name="%(act)d" string="&amp; more"/></form>
    </field>
  </record>
  <menuitem id="m" name="M" groups="base.group_user"/>
  <menuitem id="m" name="M" groups="-base.group_user" active="0"/>
</data></openerp>`

func TestDataForms(t *testing.T) {
	t.Parallel()
	lib := library(text("0.xml", `<odoo><record id="act" model="ir.actions.act_window"><field name="name">A</field><field name="res_model">lib.book</field></record></odoo>`,
		"forms.xml", formsXML,
		"lib.shelf.csv", "\xef\xbb\xbfid,name,book_ids/name,book_ids/pages,book_ids/similar_ids/id,group_ids\ns1,S1,L1,1,b2,User\n,,L2,2,,\ns2,S2,,,,\n"),
		"0.xml", "forms.xml", "lib.shelf.csv")
	addons := []module.Addon{kernel.Addon(), lib}
	if ps := module.Check(addons); len(ps) > 0 {
		t.Error(listing(ps))
	}
	db := install(t, open(t, ormtest.URL(t), addons), addons, "lib")
	same(t, "books", query(t, db, `SELECT b.name, pages, kind, seen, s.name->>'en_US' FROM lib_book b LEFT JOIN lib_shelf s ON s.id = b.shelf_id ORDER BY 1`), []string{
		"B1|4||2024-01-02 02:00:00|", "B3|5|novel||", "L1|1|novel||S1", "L2|2|novel||S1"})
	same(t, "shelves", query(t, db, `SELECT name->>'en_US', (SELECT count(*) FROM lib_shelf_group_rel WHERE shelf_id = id) FROM lib_shelf ORDER BY 1`),
		[]string{"From the context|0", "S1|1", "S2|0"})
	act := query(t, db, "SELECT id FROM ir_actions_act_window")[0]
	same(t, "arch", query(t, db, "SELECT arch FROM ir_ui_view"),
		[]string{"<?xml version=\"1.0\"?>\n<form><!-- kept --><button type=\"action\" name=\"" + act + "\" string=\"&amp; more\"/></form>"})
	same(t, "menu", query(t, db, "SELECT name, active, (SELECT count(*) FROM ir_ui_menu_res_groups_rel) FROM ir_ui_menu"), []string{"M|f|0"})
}
