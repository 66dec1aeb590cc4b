package datafiles

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// Data files of published addons that public bug reports are about, in testdata/cases.

// trial is an addon that consists of the files.
func trial(version string, files map[string]string, order ...string) module.Addon {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return module.Addon{Name: "trial", Version: version, Depends: []string{"base", "sale", "stock"}, FS: fsys, Data: order}
}

func caseFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/cases/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// loadTrial checks and loads files as the addon trial.
func loadTrial(t *testing.T, env *orm.Env, files map[string]string, order ...string) {
	t.Helper()
	a := trial("17.0.1.0.0", files, order...)
	for _, p := range module.Check(append(addons(), a)) {
		t.Error(p)
	}
	if err := module.Load(env, addons(), "trial", a.FS, order); err != nil {
		t.Fatal(err)
	}
}

func TestEvalOfABareRecordID(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	loadTrial(t, env, map[string]string{"input.xml": caseFile(t, "eval-of-a-bare-record-id.xml")}, "input.xml")
	same(t, "the category below the other", query(t, env, `SELECT c.name->>'en_US', p.name->>'en_US' FROM res_partner_category c JOIN res_partner_category p ON p.id = c.parent_id
		JOIN ir_model_data d ON d.model = 'res.partner.category' AND d.res_id = c.id AND d.module = 'trial'`), []string{"Child|Parent"})
	same(t, "the filter", query(t, env, "SELECT model_id, user_id FROM ir_filters WHERE name->>'en_US' = 'Drafts'"), []string{"sale.order|1"})
}

// Only what the same import has made is a name; a name that means something else
// keeps its meaning, and an unknown one is explained.
func TestBareRecordIDs(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	loadTrial(t, env, map[string]string{
		"a.xml": `<odoo><record id="top" model="res.partner.category"><field name="name">Top</field></record>
			<record id="time" model="res.partner.category"><field name="name" eval="time.strftime('%Y') and 'Clock'"/></record></odoo>`,
		"b.xml": `<odoo><record id="below" model="res.partner.category"><field name="name">Below</field><field name="parent_id" eval="top or False"/></record>
			<record id="someone" model="res.partner"><field name="name" eval="'T' + time.strftime('')"/><field name="category_id" eval="[(6, 0, [top, below])]"/></record></odoo>`,
	}, "a.xml", "b.xml")
	same(t, "categories of another file of the addon", query(t, env, `SELECT c.name->>'en_US', p.name->>'en_US' FROM res_partner_category c LEFT JOIN res_partner_category p ON p.id = c.parent_id
		JOIN ir_model_data d ON d.model = 'res.partner.category' AND d.res_id = c.id AND d.module = 'trial' ORDER BY 1`), []string{"Below|Top", "Clock|", "Top|"})

	bad := map[string]string{"c.xml": "<odoo>\n<record id=\"x\" model=\"res.partner.category\"><field name=\"name\">X</field>\n<field name=\"parent_id\" eval=\"nowhere\"/></record>\n<record id=\"nowhere_else\" model=\"res.partner.category\"><field name=\"name\">Y</field></record></odoo>"}
	ps := module.Check(append(addons(), trial("17.0.1.0.0", bad, "c.xml")))
	want := `trial/c.xml:3: record trial.x: expression nowhere: unknown name "nowhere"; if it is the id of a record, write ref('nowhere')`
	if len(ps) != 1 || fmt.Sprint(ps[0]) != want {
		t.Errorf("fusion check says %v, want %s", ps, want)
	}
	err := module.Load(env, addons(), "trial", trial("", bad).FS, []string{"c.xml"})
	if err == nil || err.Error() != want {
		t.Errorf("loading says %v, want %s", err, want)
	}
}

func TestRuleDomainsAsWritten(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	input := caseFile(t, "rule-domains-as-written.xml")
	loadTrial(t, env, map[string]string{"input.xml": input}, "input.xml")
	same(t, "rules", query(t, env, `SELECT d.name, r.global, r.perm_read, r.perm_write, r.perm_unlink, d.noupdate FROM ir_rule r JOIN ir_model_data d ON d.model = 'ir.rule' AND d.res_id = r.id
		WHERE d.module = 'trial' ORDER BY 1`), []string{"rule_a|t|t|t|t|f", "rule_b|t|t|t|t|f", "rule_c|f|f|t|t|t"})

	create := func(env *orm.Env, model string, vals orm.Values) int64 {
		t.Helper()
		made, err := env.Model(model).Create(vals)
		if err != nil {
			t.Fatal(err)
		}
		return made.ID()
	}
	ref := func(xmlid string) int64 {
		rs, err := env.Ref(xmlid)
		if err != nil {
			t.Fatal(err)
		}
		return rs.ID()
	}
	user := create(env, "res.users", orm.Values{"name": "Clerk", "login": "clerk", "group_ids": []int64{ref("base.group_user"), ref("base.group_partner_manager")}})
	his := env.WithUser(user).NoSudo()
	foreign := create(env, "res.company", orm.Values{"name": "Elsewhere"})
	seen := map[string]bool{}
	for name, company := range map[string]any{"without": false, "mine": int64(1), "other": foreign} {
		partner := create(env, "res.partner", orm.Values{"name": name, "company_id": company})
		bank := create(env, "res.partner.bank", orm.Values{"acc_number": name, "partner_id": partner})
		found, err := his.Model("res.partner.bank").SearchCount(orm.Leaf("id", "=", bank), 0)
		if err != nil {
			t.Fatal(err)
		}
		seen[name] = found == 1
	}
	if !seen["without"] || !seen["mine"] || seen["other"] {
		t.Errorf("accounts seen: %v", seen)
	}
	tag := his.Model("res.partner.category").Browse(create(env, "res.partner.category", orm.Values{"name": "Not his"}))
	if _, err := tag.Read("name"); err != nil {
		t.Errorf("reading is restricted: %v", err)
	}
	if err := tag.Write(orm.Values{"name": "Changed"}); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("writing is not restricted: %v", err)
	}
	if err := tag.Unlink(); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("deleting is not restricted: %v", err)
	}
	own := his.Model("res.partner.category").Browse(create(his, "res.partner.category", orm.Values{"name": "His"}))
	if err := own.Write(orm.Values{"name": "Still his"}); err != nil {
		t.Error(err)
	}
}

func TestSpellingsOfAccessFiles(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	files := map[string]string{
		"groups.xml":          `<odoo><record id="group_trial" model="res.groups"><field name="name">Trial</field></record></odoo>`,
		"ir.model.access.csv": caseFile(t, "ir.model.access.csv"),
	}
	rights := `SELECT d.name, (SELECT g.module || '.' || g.name FROM ir_model_data g WHERE g.model = 'res.groups' AND g.res_id = a.group_id), m.model, a.perm_read, a.perm_write, a.perm_create, a.perm_unlink
		FROM ir_model_access a JOIN ir_model m ON m.id = a.model_id JOIN ir_model_data d ON d.model = 'ir.model.access' AND d.res_id = a.id WHERE d.module = 'trial' ORDER BY 1`
	want := []string{
		"access_cat_all||res.partner.category|t|f|f|f",
		"access_cat_mgr|trial.group_trial|res.partner.category|t|t|t|t",
		"access_cat_user|base.group_user|res.partner.category|t|f|f|f",
	}
	loadTrial(t, env, files, "groups.xml", "ir.model.access.csv")
	same(t, "rights", query(t, env, rights), want)
	loadTrial(t, env, files, "groups.xml", "ir.model.access.csv")
	same(t, "rights after loading them again", query(t, env, rights), want)
}

func TestExtendingAForeignGroup(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, addons()...)
	opt := module.Options{Logger: quiet()}
	files := map[string]string{"input.xml": caseFile(t, "extend-a-foreign-group.xml")}
	run := func(fn func(env *orm.Env)) {
		t.Helper()
		if err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error { fn(env); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	implied := `SELECT d.module || '.' || d.name FROM res_groups_implied_rel r JOIN ir_model_data s ON s.model = 'res.groups' AND s.res_id = r.gid AND s.module = 'base' AND s.name = 'group_system'
		JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = r.hid WHERE d.module <> 'trial' ORDER BY 1`
	var before []string
	run(func(env *orm.Env) { before = query(t, env, implied) })
	has := func(env *orm.Env, user int64, want bool) {
		t.Helper()
		got, err := env.WithUser(user).NoSudo().InAnyGroup("trial.group_trial")
		if err != nil || got != want {
			t.Errorf("user %d has the group: %v, %v; want %v", user, got, err, want)
		}
	}
	administrators := func(login string) {
		t.Helper()
		run(func(env *orm.Env) {
			has(env, 2, true)
			system, err := env.Ref("base.group_system")
			if err != nil {
				t.Fatal(err)
			}
			later, err := env.Model("res.users").Create(orm.Values{"name": login, "login": login, "group_ids": system.IDs})
			if err != nil {
				t.Fatal(err)
			}
			has(env, later.ID(), true)
			same(t, "the owner of base.group_system", query(t, env, fmt.Sprintf("SELECT module || '.' || name FROM ir_model_data WHERE model = 'res.groups' AND res_id = %d", system.ID())), []string{"base.group_system"})
		})
	}
	var err error
	if db, err = module.Install(t.Context(), db, append(addons(), trial("17.0.1.0.0", files, "input.xml")), []string{"trial"}, opt); err != nil {
		t.Fatal(err)
	}
	administrators("later")
	v2 := append(addons(), trial("17.0.1.1.0", files, "input.xml"))
	if db, err = module.Upgrade(t.Context(), db, v2, []string{"trial"}, opt); err != nil {
		t.Fatal(err)
	}
	administrators("latest")
	if db, err = module.Uninstall(t.Context(), db, v2, []string{"trial"}, opt); err != nil {
		t.Fatal(err)
	}
	run(func(env *orm.Env) {
		same(t, "what base.group_system implies", query(t, env, implied), before)
		same(t, "the group of the addon", query(t, env, "SELECT name FROM res_groups WHERE name->>'en_US' = 'Trial user'"), nil)
		system, err := env.WithUser(2).NoSudo().InAnyGroup("base.group_system")
		if err != nil || !system {
			t.Errorf("the administrator is none any more: %v, %v", system, err)
		}
	})
}

func TestSequencesAndCronsAsWritten(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	file := caseFile(t, "sequences-and-crons-as-written.xml")
	// The code of its cron cannot be run here, which is said before anything is stored.
	err := module.Load(env, addons(), "trial", trial("", map[string]string{"input.xml": file}).FS, []string{"input.xml"})
	want := `trial/input.xml:6: record trial.cron_trial: code on res.partner: unknown method "search", at line 1 column 1 of "model.search([], limit=1)"`
	if err == nil || err.Error() != want {
		t.Errorf("loading says %v, want %s", err, want)
	}
	same(t, "what is loaded of it", query(t, env, "SELECT name FROM ir_model_data WHERE module = 'trial'"), nil)

	runs := strings.Replace(file, "model.search([], limit=1)", "model.find_or_create('trial@mail.example')", 1)
	loadTrial(t, env, map[string]string{"input.xml": runs}, "input.xml")
	same(t, "cron", query(t, env, "SELECT active, interval_number, interval_type, user_id FROM ir_cron WHERE name = 'Trial'"), []string{"t|1|days|1"})
	other, err := env.Model("res.company").Create(orm.Values{"name": "Second"})
	if err != nil {
		t.Fatal(err)
	}
	for i, company := range []int64{1, other.ID()} {
		got, err := base.NextByCode(env.WithCompany(company), "trial.quotation")
		if want := fmt.Sprintf("SQ%03d", i+1); err != nil || got != want {
			t.Errorf("number %d: %q, %v; want %s", i+1, got, err, want)
		}
	}
}

// TestAnchorsInStandardViews extends what published addons extend in the views of the
// standard addons.
func TestAnchorsInStandardViews(t *testing.T) {
	t.Parallel()
	extend := func(view, model, xpath, position, inside string) string {
		return fmt.Sprintf(`<odoo><record id="ext" model="ir.ui.view"><field name="name">ext</field><field name="model">%s</field><field name="inherit_id" ref="%s"/>
			<field name="arch" type="xml"><data><xpath expr="%s" position="%s">%s</xpath></data></field></record></odoo>`, model, view, xpath, position, inside)
	}
	there := []string{
		extend("base.view_partner_form", "res.partner", "//page[@name='internal_notes']", "after", `<page string="More" name="more"/>`),
		extend("base.view_partner_form", "res.partner", "//field[@name='ref']", "after", `<field name="color"/>`),
		extend("base.view_partner_form", "res.partner", "//field[@name='vat']", "after", `<field name="color"/>`),
		extend("base.view_partner_form", "res.partner", "//field[@name='child_ids']/kanban/templates//field[@name='name']", "after", `<field name="color"/>`),
		extend("stock.view_picking_form", "stock.picking", "//div[@name='button_box']", "inside", `<button name="action_cancel" type="object" class="oe_stat_button" string="Again"/>`),
		extend("stock.view_picking_form", "stock.picking", "//button[@name='action_cancel']", "after", `<button name="action_confirm" type="object" string="Again"/>`),
		extend("stock.view_picking_form", "stock.picking", "//field[@name='state']", "before", `<field name="sale_id"/>`),
		extend("sale.view_order_form", "sale.order", "/form/sheet/div/h1", "after", `<div><field name="origin"/></div>`),
		extend("sale.view_order_form", "sale.order", "//field[@name='order_line']", "before", `<field name="reference"/>`),
	}
	for _, action := range []string{"base.action_model_model", "base.action_model_fields", "base.action_rule", "base.action_ui_view", "base.grant_menu_access", "base.action_model_data",
		"base.ir_cron_act", "base.ir_action_window", "base.action_server_action", "base.ir_action_report", "base.ir_config_list_action", "base.ir_sequence_form", "mail.action_email_template_tree_all"} {
		there = append(there, fmt.Sprintf(`<odoo><menuitem id="m" name="M" action="%s" parent="base.menu_custom"/></odoo>`, action))
	}
	files, order := map[string]string{}, []string{}
	for i, text := range there {
		name := fmt.Sprintf("%02d.xml", i)
		files[name] = strings.NewReplacer(`id="ext"`, fmt.Sprintf(`id="ext%d"`, i), `id="m"`, fmt.Sprintf(`id="m%d"`, i)).Replace(text)
		order = append(order, name)
	}
	env := ormtest.New(t, addons()...)
	loadTrial(t, env, files, order...)

	// What is not there is named, with the place, and nothing is loaded of the addon.
	for _, c := range []struct{ text, want string }{
		{extend("sale.res_config_settings_view_form", "res.config.settings", "//field[@name='group_proforma_sales']/../..", "after", ""), "res.config.settings"},
		{extend("sale.mass_cancel_orders_view_form", "sale.order", "//footer", "inside", ""), "sale.mass_cancel_orders_view_form"},
		{extend("sale.sale_order_cancel_view_form", "sale.order", "//footer", "inside", ""), "sale.sale_order_cancel_view_form"},
		{`<odoo><menuitem id="m" name="M" action="base.action_partner_deduplicate" parent="base.menu_custom"/></odoo>`, "base.action_partner_deduplicate"},
		{`<odoo><record id="base.action_partner_merge" model="ir.actions.act_window"><field name="group_ids" eval="[(4, ref('base.group_system'))]"/></record></odoo>`, "base.action_partner_merge"},
		{`<odoo><record id="todo" model="ir.actions.todo"><field name="name">x</field></record></odoo>`, "ir.actions.todo"},
	} {
		env := ormtest.New(t, addons()...)
		a := trial("", map[string]string{"first.xml": `<odoo><record id="tag" model="res.partner.category"><field name="name">T</field></record></odoo>`, "then.xml": c.text}, "first.xml", "then.xml")
		err := env.Savepoint(func(env *orm.Env) error { return module.Load(env, addons(), "trial", a.FS, a.Data) })
		if err == nil || !strings.Contains(err.Error(), "trial/then.xml:1") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("loading says %v, want trial/then.xml:1 and %s", err, c.want)
		}
		same(t, "what is loaded", query(t, env, "SELECT name FROM ir_model_data WHERE module = 'trial'"), nil)
	}
}
