package security

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// ignored are the fields whose values are kept by the system, whatever a client
// gives.
var ignored = []string{"id", "display_name", "create_uid", "create_date", "write_uid", "write_date"}

var updateWritable = flag.Bool("update-writable", false, "write the list of what plain users write anew")

// dropped are fields whose values are left out without a word, as Odoo does, when
// a client sends them along: they follow from the content of the file.
var dropped = map[string][]string{"ir.attachment": {"store_fname", "checksum", "file_size"}}

// ownValues are what a record of the user's own is made of, for the models of which
// plain users write records.
func ownValues(t *testing.T, env, user *orm.Env) map[string]orm.Values {
	t.Helper()
	field, err := env.Model("ir.model.fields").Search(orm.And(orm.Leaf("model", "=", "res.partner"), orm.Leaf("name", "=", "color")), orm.SearchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	partners, err := env.Model("ir.model").Search(orm.Leaf("model", "=", "res.partner"), orm.SearchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]orm.Values{
		"ir.attachment":                 {"name": "mine"},
		"ir.default":                    {"field_id": field.ID(), "user_id": user.UID(), "json_value": "1"},
		"ir.filters":                    {"name": "mine", "model_id": "res.partner", "user_id": user.UID()},
		"mail.activity":                 {"res_model_id": partners.ID(), "res_id": user.PartnerID(), "user_id": user.UID()},
		"mail.message":                  {"body": "mine", "author_id": user.PartnerID()},
		"res.users.apikeys.description": {"name": "mine"},
	}
}

// What a portal user and an employee without any further group may write is a
// list, each line of which somebody has decided: model, field and whether it may
// be given to a new record, changed, or both. A user's own record is told apart.
//
// The list is found by trying, with every field of every model, on records of the
// user's own. After a change that is meant to alter it:
//
//	go test ./tests/security -run TestWhatPlainUsersWrite -update-writable
func TestWhatPlainUsersWrite(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, allAddons()...)
	for login, group := range map[string]string{"portal": "base.group_portal", "employee": "base.group_user"} {
		g, err := env.Ref(group)
		if err != nil {
			t.Fatal(err)
		}
		made, err := env.Model("res.users").Create(orm.Values{"name": login, "login": login, "email": login + "@example.com", "group_ids": []orm.Command{orm.SetIDs(g.ID())}})
		if err != nil {
			t.Fatal(err)
		}
		user := env.WithUser(made.ID()).NoSudo()
		seeds := ownValues(t, env, user)
		var lines []string
		for _, m := range env.Registry().Models() {
			if m.Abstract || m.Query != "" {
				continue
			}
			rs := user.Model(m.Name)
			create, write := mayAtAll(t, rs, orm.OpCreate), mayAtAll(t, rs, orm.OpWrite)
			var own orm.Records
			if write {
				own = ownRecord(t, env, rs, seeds[m.Name])
			}
			seed := seeds[m.Name]
			if !tried(user, func(*orm.Env) error { _, err := rs.Create(seed); return err }) {
				seed = nil // of such a document he makes none; the fields are asked for by themselves
			}
			for _, name := range m.FieldNames() {
				f := m.Fields[name]
				if !f.Writable() || slices.Contains(ignored, name) || slices.Contains(dropped[m.Name], name) {
					continue
				}
				try := func(do func(value any) error) bool {
					return slices.ContainsFunc(samples(t, env, f), func(v any) bool { return tried(user, func(*orm.Env) error { return do(v) }) })
				}
				var ops []string
				if create && try(func(v any) error {
					vals := orm.Values{}
					maps.Copy(vals, seed)
					vals[name] = v
					_, err := rs.Create(vals)
					return err
				}) {
					ops = append(ops, "create")
				}
				if write && try(func(v any) error { return own.Write(orm.Values{name: v}) }) {
					ops = append(ops, "write")
				}
				if m.Name == "res.users" && try(func(v any) error { return rs.Browse(user.UID()).Write(orm.Values{name: v}) }) {
					ops = append(ops, "own")
				}
				if len(ops) > 0 {
					lines = append(lines, m.Name+" "+name+" "+strings.Join(ops, ","))
				}
			}
		}
		compareList(t, filepath.Join("testdata", "writable_"+login+".txt"), lines)
		neverStored(t, env, user)
	}
}

// ownRecord makes a record that the user has made and may write.
func ownRecord(t *testing.T, env *orm.Env, rs orm.Records, vals orm.Values) orm.Records {
	t.Helper()
	if vals == nil {
		t.Fatalf("plain users may write %s: add to ownValues what a record of their own is made of", rs.Model.Name)
	}
	made, err := env.Model(rs.Model.Name).Create(vals)
	if err == nil {
		_, err = env.Exec(orm.SQL("UPDATE "+rs.Model.Table+" SET create_uid = ? WHERE id = ?", rs.Env.UID(), made.ID()))
	}
	own := rs.Browse(made.IDs...)
	if err == nil {
		err = own.CheckAccess(orm.OpWrite)
	}
	if err != nil {
		t.Fatalf("the %s of ownValues is not the user's own: %v", rs.Model.Name, err)
	}
	return own
}

// samples are an empty value of a field, which asks for the right alone, and one
// that a model could have something against.
func samples(t *testing.T, env *orm.Env, f *orm.Field) []any {
	t.Helper()
	switch f.Kind {
	case orm.Boolean:
		return []any{true}
	case orm.Char, orm.Text, orm.HTML:
		return []any{false, "x"}
	case orm.Many2one:
		found, err := env.Model(f.Comodel).Search(nil, orm.SearchOptions{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if found.Len() > 0 {
			return []any{false, found.ID()}
		}
	}
	return []any{false}
}

// neverStored makes sure that what is left out without a word is left out.
func neverStored(t *testing.T, env, user *orm.Env) {
	t.Helper()
	forged := orm.Values{"store_fname": "ab/forged", "checksum": "forged", "file_size": 4711}
	vals := orm.Values{"name": "mine", "raw": "text"}
	maps.Copy(vals, forged)
	made, err := user.Model("ir.attachment").Create(vals)
	if err != nil {
		t.Fatal(err)
	}
	if mayAtAll(t, made, orm.OpWrite) {
		if err := made.Write(forged); err != nil {
			t.Fatal(err)
		}
	}
	row, err := made.In(env).Read("store_fname", "checksum", "file_size")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range forged {
		if got := fmt.Sprint(row[0][name]); got == fmt.Sprint(value) {
			t.Errorf("a user sets %s of an attachment to %s", name, got)
		}
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
func tried(env *orm.Env, do func(*orm.Env) error) bool {
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
