package security

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/contacts"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sale_management"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// ignored are the fields whose values are kept by the system, whatever a client
// gives.
var ignored = []string{"id", "display_name", "create_uid", "create_date", "write_uid", "write_date"}

var updateWritable = flag.Bool("update-writable", false, "write the list of what plain users write anew")

// What a portal user and an employee without any further group may write is a
// list, each line of which somebody has decided: model, field and whether it may
// be given to a new record, changed, or both. A user's own record is told apart.
//
// The list is found by trying, with every field of every model. After a change
// that is meant to alter it:
//
//	go test ./tests/security -run TestWhatPlainUsersWrite -update-writable
func TestWhatPlainUsersWrite(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, base.Addon(), mail.Addon(), contacts.Addon(), uom.Addon(), product.Addon(), account.Addon(), sales_team.Addon(),
		sale.Addon(), sale_management.Addon(), stock.Addon(), sale_stock.Addon(), woocommerce.Addon())
	for login, group := range map[string]string{"portal": "base.group_portal", "employee": "base.group_user"} {
		g, err := env.Ref(group)
		if err != nil {
			t.Fatal(err)
		}
		made, err := env.Model("res.users").Create(orm.Values{"name": login, "login": login, "group_ids": []orm.Command{orm.SetIDs(g.ID())}})
		if err != nil {
			t.Fatal(err)
		}
		user := env.WithUser(made.ID()).NoSudo()
		var lines []string
		for _, m := range env.Registry().Models() {
			if m.Abstract || m.Query != "" {
				continue
			}
			rs := user.Model(m.Name)
			create, write := mayAtAll(t, rs, orm.OpCreate), mayAtAll(t, rs, orm.OpWrite)
			for _, name := range m.FieldNames() {
				if !m.Fields[name].Writable() || slices.Contains(ignored, name) {
					continue
				}
				var value any = false
				if m.Fields[name].Kind == orm.Boolean {
					value = true
				}
				var ops []string
				if create && tried(t, user, func(*orm.Env) error { _, err := rs.Create(orm.Values{name: value}); return err }) {
					ops = append(ops, "create")
				}
				if write && tried(t, user, func(*orm.Env) error { return rs.Write(orm.Values{name: value}) }) {
					ops = append(ops, "write")
				}
				if m.Name == "res.users" && tried(t, user, func(*orm.Env) error { return rs.Browse(user.UID()).Write(orm.Values{name: value}) }) {
					ops = append(ops, "own")
				}
				if len(ops) > 0 {
					lines = append(lines, m.Name+" "+name+" "+strings.Join(ops, ","))
				}
			}
		}
		compareList(t, filepath.Join("testdata", "writable_"+login+".txt"), lines)
	}
}

func mayAtAll(t *testing.T, rs orm.Records, op orm.Op) bool {
	t.Helper()
	ok, err := rs.HasAccess(op)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// tried reports whether the access layer let something through, whatever else
// was wrong with it, and undoes it.
func tried(t *testing.T, env *orm.Env, do func(*orm.Env) error) bool {
	t.Helper()
	var got error
	_ = env.Savepoint(func(e *orm.Env) error {
		if got = do(e); got == nil {
			return orm.UserErrorf("undone")
		}
		return got
	})
	return !orm.IsCode(got, orm.CodeAccess)
}

func compareList(t *testing.T, file string, lines []string) {
	t.Helper()
	slices.Sort(lines)
	text := strings.Join(lines, "\n") + "\n"
	if *updateWritable {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n")
	for _, l := range lines {
		if !slices.Contains(want, l) {
			t.Errorf("%s: a plain user may write what was not decided: %s", file, l)
		}
	}
	for _, l := range want {
		if !slices.Contains(lines, l) {
			t.Errorf("%s: a plain user may not write any more: %s", file, l)
		}
	}
}
