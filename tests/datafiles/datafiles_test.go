// Package datafiles loads the data files of a module as the community writes
// them for Odoo, with all their oddities, on top of every addon of the program:
// installed, upgraded and uninstalled as an addon, and loaded from outside.
package datafiles

import (
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/contacts"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sale_management"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

const name = "equipment_loan"

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), contacts.Addon(), uom.Addon(), product.Addon(), account.Addon(),
		sales_team.Addon(), sale.Addon(), sale_management.Addon(), stock.Addon(), sale_stock.Addon()}
}

func files() []string {
	return []string{"security/groups.xml", "security/ir.model.access.csv", "security/ir.model.access-more.csv", "data/tags.xml",
		"data/res.partner.csv", "data/latin.xml", "data/data.xml", "views/views.xml", "demo/demo.xml"}
}

// loans is the module as an addon.
func loans() module.Addon {
	a := module.Addon{Name: name, Title: "Equipment Loans", Version: "18.0.1.0.0", FS: os.DirFS("testdata/" + name), Data: files()}
	for _, b := range addons() {
		a.Depends = append(a.Depends, b.Name)
	}
	return a
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func query(t *testing.T, env *orm.Env, sql string) []string {
	t.Helper()
	if err := env.Flush(); err != nil {
		t.Fatal(err)
	}
	rows, err := ormtest.Texts(env, sql)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, strings.Join(r, "|"))
	}
	return out
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, p := range module.Check(append(addons(), loans())) {
		t.Error(p)
	}
}

// TestLoad loads the files from a folder above the module, as the command does.
func TestLoad(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	var paths []string
	for _, f := range files() {
		paths = append(paths, "testdata/"+name+"/"+f)
	}
	if err := module.Load(env, addons(), name, os.DirFS("."), paths); err != nil {
		t.Fatal(err)
	}
	check(t, env)
	// Views in the database are known to the files that extend them later.
	later := func(arch string) error {
		dir := t.TempDir()
		text := `<odoo><record id="later" model="ir.ui.view"><field name="name">later</field><field name="model">res.partner</field>
<field name="inherit_id" ref="equipment_loan.view_loan_partner_form"/><field name="priority">99</field>
<field name="arch" type="xml">` + arch + `</field></record></odoo>`
		if err := os.WriteFile(dir+"/later.xml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return module.Load(env, addons(), "later_module", os.DirFS(dir), []string{"later.xml"})
	}
	if err := later(`<xpath expr="//page[@name='moved']" position="inside"><field name="ref"/></xpath>`); err != nil {
		t.Error(err)
	}
	err := later(`<xpath expr="//page[@name='mvoed']" position="inside"><field name="ref"/></xpath>`)
	if want := `later_module/later.xml:3: record later_module.later: xpath "//page[@name='mvoed']" is not found in view equipment_loan.view_loan_partner_form; did you mean "moved"?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// check looks at what the files say.
func check(t *testing.T, env *orm.Env) {
	t.Helper()
	same(t, "partners", query(t, env, `SELECT p.name, p.email, p.comment, p.is_company, p.lang, p.street, p.function, p.website, p.color, p.partner_latitude, c.name->>'en_US',
			(SELECT string_agg(k.name->>'en_US', '+' ORDER BY k.name->>'en_US') FROM res_partner_res_partner_category_rel r JOIN res_partner_category k ON k.id = r.category_id WHERE r.partner_id = p.id)
		FROM res_partner p LEFT JOIN res_country c ON c.id = p.country_id
		WHERE EXISTS (SELECT FROM ir_model_data d WHERE d.module = 'equipment_loan' AND d.model = 'res.partner' AND d.res_id IN (p.id, p.parent_id)) AND p.name <> 'Demo Lender'
		ORDER BY p.name COLLATE "C"`), []string{
		"Anna|anna@example.com||f|en_US||||0|||",
		"Baumarkt \"Groß\", GmbH||<p>two\nlines; and a semicolon</p>|t|||||0|||Hand tools <sharp> & heavy+Power tools",
		"Bert|bert@example.com||f|en_US||||0|||",
		"Bob's|||f|en_US||||0||Loanland|Loans",
		"Child of Customer, the first||<p>text 3 2.50 'q'</p>|f|en_US||first@example.com||0||Loanland|",
		`Customer, the first|first@example.com|<div class="o_x"><p>Nice &amp; <b>reliable</b><br>since 1999</p></div>|t|en_US||by function|https://example.com/?a=1&b=2|4|48.25|Loanland|Hand tools <sharp> & heavy+Loans+Power tools`,
		"Delivery door|||f|en_US|Road 3|||0|||",
		"Müller € Söhne|||f|en_US|Straße 5|||0|||",
		"Zweite|||f|en_US||||0|||",
	})
	same(t, "groups", query(t, env, `SELECT d.name, (SELECT p.name->>'en_US' FROM res_groups_privilege p WHERE p.id = g.privilege_id),
			(SELECT string_agg(i.module || '.' || i.name, '+' ORDER BY i.name) FROM res_groups_implied_rel r JOIN ir_model_data i ON i.model = 'res.groups' AND i.res_id = r.hid WHERE r.gid = g.id),
			(SELECT string_agg(u.login, '+' ORDER BY u.login) FROM res_groups_users_rel r JOIN res_users u ON u.id = r.uid WHERE r.gid = g.id AND u.login <> 'lender')
		FROM res_groups g JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = g.id WHERE d.module = 'equipment_loan' ORDER BY 1`), []string{
		"group_loan_auditor|Loans|equipment_loan.group_loan_manager+equipment_loan.group_loan_user|admin",
		"group_loan_manager|Loans|equipment_loan.group_loan_user|__system__+admin",
		"group_loan_user|Loans|base.group_user|",
	})
	same(t, "access", query(t, env, `SELECT a.name, m.model, g.name->>'en_US', perm_read, perm_write, perm_create, perm_unlink FROM ir_model_access a
		JOIN ir_model m ON m.id = a.model_id LEFT JOIN res_groups g ON g.id = a.group_id
		JOIN ir_model_data d ON d.model = 'ir.model.access' AND d.res_id = a.id WHERE d.module = 'equipment_loan' ORDER BY 1`), []string{
		"country loan|res.country|Auditor|t|f|f|f",
		"industry, quoted|res.partner.industry|User|t|f|f|f",
		"res.partner.category everybody|res.partner.category||t|f|f|f",
		"res.partner.loan.manager|res.partner|Administrator|t|t|t|t",
		"res.partner.loan.user|res.partner|User|t|t|t|f",
		"state loan|res.country.state||t|f|f|f",
	})
	same(t, "rules", query(t, env, `SELECT r.name, domain_force, global, perm_read, perm_create, (SELECT count(*) FROM rule_group_rel WHERE rule_group_id = r.id) FROM ir_rule r
		JOIN ir_model_data d ON d.model = 'ir.rule' AND d.res_id = r.id WHERE d.module = 'equipment_loan' ORDER BY 1`), []string{
		"Loans: all|[(1, '=', 1)]||t|t|1",
		"Loans: multi-company|['|', ('company_id', '=', False), ('company_id', 'in', company_ids)]|t|t|t|0",
		"Loans: own|[('user_id', 'in', [user.id, False])]|f|t|f|1",
	})
	same(t, "cron", query(t, env, `SELECT name, trim(code, E' \n'), active, interval_number, interval_type, priority, extract(hour FROM nextcall) FROM ir_cron WHERE name LIKE 'Loans%'`),
		[]string{"Loans: remind|model._run_vacuum_cleaner()|f|1|days|7|2"})
	same(t, "parameters", query(t, env, `SELECT key, value = (SELECT res_id::text FROM ir_model_data WHERE name = 'loan_customer'), value = '14', value = 'strict' FROM ir_config_parameter WHERE key LIKE 'equipment%' ORDER BY 1`),
		[]string{"equipment_loan.by_value|t|f|f", "equipment_loan.days|f|t|f", "equipment_loan.mode|f|f|t"})
	same(t, "menus", query(t, env, `SELECT m.name->>'en_US', p.name->>'en_US', m.sequence, split_part(m.action, ',', 1), (SELECT count(*) FROM ir_ui_menu_group_rel WHERE menu_id = m.id) FROM ir_ui_menu m
		LEFT JOIN ir_ui_menu p ON p.id = m.parent_id JOIN ir_model_data d ON d.model = 'ir.ui.menu' AND d.res_id = m.id WHERE d.module = 'equipment_loan' ORDER BY m.id`), []string{
		"Loans||60||2", "Borrowers & tools|Loans|10|ir.actions.act_window|0", "Configuration|Loans|98||1", "Contact Tags|Configuration|1|ir.actions.act_window|0",
		"Deep|Configuration|10||0", "Site|Deep|10|ir.actions.act_url|0", "By record|Loans|10|ir.actions.client|1"})
	same(t, "tags", query(t, env, `SELECT k.name->>'en_US', p.name->>'en_US', k.color = 7 FROM res_partner_category k LEFT JOIN res_partner_category p ON p.id = k.parent_id
		JOIN ir_model_data d ON d.model = 'res.partner.category' AND d.res_id = k.id WHERE d.module = 'equipment_loan' ORDER BY 1`),
		[]string{"Hand tools <sharp> & heavy|Loans|f", "Loans||f", "Power tools|Loans|t"})
	same(t, "picture", query(t, env, `SELECT count(*) FROM ir_attachment a JOIN ir_model_data d ON d.name = 'loan_customer' AND d.res_id = a.res_id WHERE a.res_model = 'res.partner' AND a.res_field = 'image_1920'`), []string{"1"})
	same(t, "order", query(t, env, `SELECT state, amount_untaxed, (SELECT count(*) FROM sale_order_line WHERE order_id = o.id) FROM sale_order o
		JOIN ir_model_data d ON d.model = 'sale.order' AND d.res_id = o.id WHERE d.module = 'equipment_loan'`), []string{"sale|61.97|3"})
}

// changed is the module with some of its texts replaced, old by new.
func changed(t *testing.T, version string, pairs ...string) module.Addon {
	t.Helper()
	a := loans()
	a.Version = version
	a.Data = slices.DeleteFunc(a.Data, func(f string) bool { return f == "demo/demo.xml" })
	m := fstest.MapFS{}
	used := map[string]bool{}
	err := fs.WalkDir(a.FS, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(a.FS, p)
		for i := 0; i < len(pairs); i += 2 {
			if strings.Contains(string(b), pairs[i]) {
				used[pairs[i]] = true
				b = []byte(strings.ReplaceAll(string(b), pairs[i], pairs[i+1]))
			}
		}
		m[p] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !used[pairs[i]] {
			t.Fatalf("%q is in no file", pairs[i])
		}
	}
	a.FS = m
	return a
}

// TestLife installs the module beside all addons, upgrades it to a version
// whose files say something else, and uninstalls it.
func TestLife(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, addons()...)
	opt := module.Options{Logger: quiet()}
	v1 := append(addons(), changed(t, "18.0.1.0.0"))
	run := func(fn func(env *orm.Env)) {
		t.Helper()
		if err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error { fn(env); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	counts := `SELECT (SELECT count(*) FROM res_partner), (SELECT count(*) FROM res_groups), (SELECT count(*) FROM ir_ui_view), (SELECT count(*) FROM ir_ui_menu),
		(SELECT count(*) FROM ir_model_access), (SELECT count(*) FROM ir_rule), (SELECT count(*) FROM ir_cron), (SELECT count(*) FROM ir_attachment WHERE res_model = 'res.partner'),
		(SELECT count(*) FROM ir_model_data WHERE model NOT LIKE 'ir.m%')`
	var before []string
	run(func(env *orm.Env) { before = query(t, env, counts) })
	out, err := module.Install(t.Context(), db, v1, []string{name}, opt)
	if err != nil {
		t.Fatal(err)
	}
	db = out
	run(func(env *orm.Env) {
		for id, change := range map[string]orm.Values{"loan_customer": {"city": "Moved by a user"}, "loan_tag_power": {"name": "Renamed by a user"}, "menu_loan_conf": {"active": false}} {
			rs, err := env.Ref(name + "." + id)
			if err == nil {
				err = rs.Write(change)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	v2 := append(addons(), changed(t, "18.0.1.1.0",
		`<field name="name">Power tools</field>`, `<field name="name">Power tools and batteries</field>`,
		`<field name="email">first@example.com</field>`, `<field name="email">first@example.com</field><field name="city">Of the files</field>`,
		`<record model="ir.ui.menu" id="menu_loan_record">`, `<record model="ir.ui.menu" id="menu_loan_new">`,
		`<record id="loan_bank" model="res.partner.bank">`, `<record id="loan_bank_new" model="res.partner.bank" forcecreate="0">`,
		"loan_partner_b,", "loan_partner_c,"))
	if db, err = module.Upgrade(t.Context(), db, v2, []string{name}, opt); err != nil {
		t.Fatal(err)
	}
	run(func(env *orm.Env) {
		same(t, "after the upgrade", query(t, env, `SELECT (SELECT city FROM res_partner WHERE email = 'first@example.com'),
			(SELECT name->>'en_US' FROM res_partner_category WHERE color = 7 AND parent_id IS NOT NULL AND name->>'en_US' LIKE 'Power%'),
			(SELECT active FROM ir_ui_menu WHERE name->>'en_US' = 'Configuration' AND sequence = 98),
			(SELECT string_agg(name, '+' ORDER BY name) FROM ir_model_data WHERE module = 'equipment_loan' AND (name LIKE 'menu_loan_[rn]%' OR name LIKE 'loan_bank%' OR name IN ('loan_partner_b', 'loan_partner_c', 'menu_loan_record', 'menu_loan_new'))),
			(SELECT count(*) FROM res_partner WHERE name = 'Zweite')`), []string{"Moved by a user|Power tools and batteries|t|loan_bank+loan_partner_c+menu_loan_new|1"})
	})
	plan, err := module.PlanUninstall(t.Context(), db, v2, []string{name}, opt)
	if err != nil || plan.Records == 0 || len(plan.Tables)+len(plan.Columns)+len(plan.Models) != 0 {
		t.Errorf("%+v, %v", plan, err)
	}
	if db, err = module.Uninstall(t.Context(), db, v2, []string{name}, opt); err != nil {
		t.Fatal(err)
	}
	run(func(env *orm.Env) {
		// Lines without an external id belong to nobody and stay, as in Odoo.
		lines, err := env.Model("res.partner").Search(orm.Leaf("name", "in", []any{"Anna", "Bert", "Delivery door", "Bob's"}), orm.SearchOptions{})
		if err == nil {
			err = lines.Unlink()
		}
		if err != nil || lines.Len() != 4 {
			t.Errorf("%v, %v", lines, err)
		}
		same(t, "what is left", query(t, env, counts), before)
		same(t, "external ids", query(t, env, `SELECT count(*) FROM ir_model_data WHERE module = 'equipment_loan'`), []string{"0"})
	})
}
