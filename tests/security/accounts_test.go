package security

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

func refused(t *testing.T, what string, a reply) {
	t.Helper()
	if a.failed == "" && a.status < 400 {
		t.Errorf("%s is let through: %d %.300s", what, a.status, a.text)
	}
	if strings.Contains(a.text, "Internal error") {
		t.Errorf("%s: %.300s", what, a.text)
	}
}

func allowed(t *testing.T, what string, a reply) {
	t.Helper()
	if a.failed != "" || a.status >= 400 {
		t.Errorf("%s is refused: %d %.300s", what, a.status, a.text)
	}
}

// Nobody makes, changes, moves or deletes API keys by writing records, be it
// directly or through a list of another record, whatever rights he has.
func TestKeysAreNotWrittenAsRecords(t *testing.T) {
	t.Parallel()
	h := built(t)
	h.key("victim", "rpc")
	h.key("clerk", "rpc")
	table := "SELECT id, user_id, name, scope, key_hash, index, expiration_date FROM res_users_apikeys ORDER BY id"
	before := h.rows(table)
	owner := map[string]float64{}
	for _, login := range []string{"victim", "clerk"} {
		found := h.rows("SELECT id FROM res_users_apikeys WHERE user_id = ?", h.ids[login])
		var id float64
		if _, err := fmt.Sscan(found[0], &id); err != nil {
			t.Fatal(err)
		}
		owner[login] = id
	}
	admin := h.ids["admin"]
	planted := map[string]any{"name": "planted", "user_id": admin, "index": "00000000", "key_hash": "sha256:00", "scope": "rpc"}
	partner := h.rows("SELECT partner_id FROM res_users WHERE id = ?", h.ids["clerk"])[0]
	v := h.from("127.0.0.1")
	for _, login := range []string{"portal", "clerk", "rights", "admin"} {
		self := []any{h.ids[login]}
		for _, cmd := range []any{
			[]any{0, 0, planted}, []any{1, owner["clerk"], map[string]any{"user_id": admin}}, []any{1, owner["victim"], planted},
			[]any{2, owner["victim"], 0}, []any{3, owner["victim"], 0}, []any{4, owner["victim"], 0}, []any{5, 0, 0}, []any{6, 0, []any{owner["victim"], owner["clerk"]}},
		} {
			keys := map[string]any{"api_key_ids": []any{cmd}}
			v.call(login, "res.users", "write", self, keys)
			v.call(login, "res.users", "write", []any{admin}, keys)
			v.call(login, "res.users", "web_save", self, keys, map[string]any{"id": map[string]any{}})
			v.call(login, "res.users", "write", self, map[string]any{"tz": "UTC", "api_key_ids": []any{cmd}})
			v.call(login, "res.partner", "write", []any{partner}, map[string]any{"user_ids": []any{[]any{1, h.ids["clerk"], keys}}})
			v.call(login, "res.groups", "write", []any{1}, map[string]any{"user_ids": []any{[]any{1, h.ids[login], keys}}})
		}
		v.call(login, "res.users", "create", map[string]any{"name": "x", "login": "x" + login, "api_key_ids": []any{[]any{0, 0, planted}}})
		v.call(login, "res.users", "copy", self, map[string]any{"api_key_ids": []any{[]any{0, 0, planted}}})
		v.service("object", "execute_kw", "house", h.ids[login], login+"-password", "res.users", "write", []any{self, map[string]any{"tz": "UTC"}},
			map[string]any{"context": map[string]any{"default_api_key_ids": []any{[]any{0, 0, planted}}}})
		refused(t, login+" creates a key", v.call(login, "res.users.apikeys", "create", planted))
		refused(t, login+" loads a key", v.call(login, "res.users.apikeys", "load", []any{"name", "user_id/.id", "key_hash", "index"}, []any{[]any{"x", fmt.Sprint(admin), "sha256:00", "00000000"}}))
		refused(t, login+" writes a key", v.call(login, "res.users.apikeys", "write", []any{owner["clerk"]}, map[string]any{"scope": false}))
		refused(t, login+" deletes a key", v.call(login, "res.users.apikeys", "unlink", []any{owner["clerk"]}))
		for _, column := range []string{"key_hash", "index"} {
			refused(t, login+" reads "+column, v.call(login, "res.users.apikeys", "read", []any{owner["clerk"]}, []any{column}))
			refused(t, login+" searches by "+column, v.call(login, "res.users.apikeys", "search", []any{[]any{column, "like", "a"}}))
			refused(t, login+" exports "+column, v.call(login, "res.users.apikeys", "export_data", []any{owner["clerk"]}, []any{column}))
		}
	}
	if after := h.rows(table); !slices.Equal(before, after) {
		t.Errorf("the keys were\n%s\nand are\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	refused(t, "somebody else removes a key", v.call("clerk", "res.users.apikeys", "remove", []any{owner["victim"]}))
	allowed(t, "the owner removes a key", v.call("clerk", "res.users.apikeys", "remove", []any{owner["clerk"]}))
	if n := len(h.rows(table)); n != len(before)-1 {
		t.Errorf("%d keys are left of %d", n, len(before))
	}
}

// Of himself a user changes a few plain fields, and no other.
func TestWhatUsersWriteOfThemselves(t *testing.T) {
	t.Parallel()
	h := built(t)
	mine := map[string]any{"action_id": false, "company_id": 1, "email": "me@example.com", "image_1920": false, "lang": "en_US", "mobile": "1", "name": "Me", "phone": "2", "signature": "<p>Me</p>", "tz": "UTC"}
	m, ok := h.db.Registry.Model("res.users")
	if !ok {
		t.Fatal("there are no users")
	}
	v := h.from("127.0.0.1")
	state := "SELECT to_jsonb(u) - 'write_date' - 'write_uid', to_jsonb(p) - 'write_date' - 'write_uid', (SELECT array_agg(gid ORDER BY gid) FROM res_groups_users_rel WHERE uid = u.id) FROM res_users u JOIN res_partner p ON p.id = u.partner_id ORDER BY u.id"
	for _, login := range []string{"portal", "clerk"} {
		self := []any{h.ids[login]}
		allowed(t, login+" writes what is his own", v.call(login, "res.users", "write", self, mine))
		before := h.rows(state)
		for _, name := range m.FieldNames() {
			f := m.Fields[name]
			if _, own := mine[name]; own || slices.Contains(ignored, name) {
				continue
			}
			var value any = "1"
			switch {
			case f.X2many():
				value = []any{[]any{0, 0, map[string]any{"name": "x"}}}
			case f.Kind == orm.Many2one || f.Kind == orm.Integer:
				value = 2
			case f.Kind == orm.Boolean:
				value = true
			case f.Kind == orm.DatetimeKind:
				value = "2020-01-01 00:00:00"
			case f.Kind == orm.DateKind:
				value = "2020-01-01"
			case f.Kind == orm.Selection:
				value = false
			}
			refused(t, login+" writes "+name, v.call(login, "res.users", "write", self, map[string]any{name: value}))
			refused(t, login+" writes "+name+" along with the name", v.call(login, "res.users", "write", self, map[string]any{"name": "Other", name: value}))
		}
		refused(t, login+" writes somebody else", v.call(login, "res.users", "write", []any{h.ids["victim"]}, map[string]any{"name": "x"}))
		refused(t, login+" writes himself and somebody else", v.call(login, "res.users", "write", []any{h.ids[login], h.ids["victim"]}, map[string]any{"name": "x"}))
		if after := h.rows(state); !slices.Equal(before, after) {
			t.Errorf("%s: was\n%s\nis\n%s", login, strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	}
	// Nor does an administrator's key or open session become a password.
	refused(t, "the own password as a field", v.call("admin", "res.users", "write", []any{2}, map[string]any{"password": "taken"}))
	refused(t, "the own new password as a field", v.call("admin", "res.users", "write", []any{2}, map[string]any{"new_password": "taken"}))
	allowed(t, "the old password of the administrator", v.call("admin", "res.users", "read", []any{2}, []any{"login"}))
}

// A user's defaults are his own: they do not become everybody's, or another's.
func TestDefaultsStayOnesOwn(t *testing.T) {
	t.Parallel()
	h := built(t)
	v := h.from("127.0.0.1")
	allowed(t, "a default", v.call("clerk", "ir.default", "set", "res.partner", "city", "Here", true))
	id := h.rows("SELECT id FROM ir_default WHERE user_id = ?", h.ids["clerk"])[0]
	for what, owner := range map[string]any{"everybody's": false, "somebody else's": h.ids["victim"]} {
		refused(t, "making it "+what, v.call("clerk", "ir.default", "write", []any{number(t, id)}, map[string]any{"user_id": owner}))
	}
	refused(t, "a default for everybody", v.call("clerk", "ir.default", "set", "res.partner", "city", "Here", false))
	if got := h.rows("SELECT user_id FROM ir_default WHERE id = ?", id); got[0] != fmt.Sprint(h.ids["clerk"]) {
		t.Errorf("the default is that of %v", got)
	}
}

// When somebody was here last is the business of those who manage users.
func TestLoginsAreNotRead(t *testing.T) {
	t.Parallel()
	h := built(t)
	v := h.from("127.0.0.1")
	allowed(t, "a login", h.from("127.0.0.1").session("victim", "victim-password"))
	for _, login := range []string{"portal", "clerk"} {
		for _, field := range []string{"login_date", "log_ids"} {
			refused(t, login+" reads "+field, v.call(login, "res.users", "read", []any{h.ids["victim"]}, []any{field}))
			refused(t, login+" searches "+field, v.call(login, "res.users", "search", []any{[]any{field, "!=", false}}))
			refused(t, login+" orders by "+field, v.call(login, "res.users", "search_read", []any{}, []any{"name"}, 0, 10, field))
			refused(t, login+" reads "+field+" by path", v.call(login, "res.partner", "export_data", []any{1}, []any{"user_ids/" + field}))
		}
		refused(t, login+" reads the log", v.call(login, "res.users.log", "search_read", []any{}, []any{"create_uid", "create_date"}))
		refused(t, login+" makes up a login", v.call(login, "res.users.log", "create", map[string]any{}))
	}
	refused(t, "the address of a login", v.call("rights", "res.users.log", "search_read", []any{}, []any{"address"}))
	if got := v.call("rights", "res.users", "read", []any{h.ids["victim"]}, []any{"login_date"}); !strings.Contains(got.text, "login_date\":\"20") {
		t.Errorf("who manages users is shown %s", got.text)
	}
}

// An API key is for the calls of programs: it opens no session, is no proof of
// identity, and makes no other key.
func TestKeysAreNoPasswords(t *testing.T) {
	t.Parallel()
	h := built(t)
	key, other := h.key("clerk", "rpc"), h.key("clerk", "feed")
	v := h.from("127.0.0.1")
	uid := float64(h.ids["clerk"])

	// What programs do with it.
	if a := v.service("common", "authenticate", "house", "clerk", key, map[string]any{}); a.result != uid {
		t.Errorf("authenticate with a key: %s", a.text)
	}
	if a := v.service("common", "login", "house", "clerk", key); a.result != uid {
		t.Errorf("login with a key: %s", a.text)
	}
	if a := v.xmlrpc("authenticate", "house", "clerk", key); !strings.Contains(a.text, fmt.Sprintf("<int>%v</int>", uid)) {
		t.Errorf("authenticate in XML with a key: %s", a.text)
	}
	allowed(t, "a call with a key", v.as("clerk", key, "res.users", "read", []any{uid}, []any{"login"}))
	allowed(t, "a call with a bearer key", v.bearer(key, "res.users", "context_get", "{}"))

	// A key for something else, and somebody else's.
	for what, k := range map[string]string{"a key of another scope": other, "a key of somebody else": h.key("victim", "rpc")} {
		if a := v.service("common", "authenticate", "house", "clerk", k, map[string]any{}); a.result != false {
			t.Errorf("%s: %s", what, a.text)
		}
		refused(t, what, v.as("clerk", k, "res.users", "read", []any{uid}, []any{"login"}))
	}
	refused(t, "a bearer key of another scope", v.bearer(other, "res.users", "context_get", "{}"))

	// Where a person is asked for.
	refused(t, "a session with a key", v.session("clerk", key))
	if a := h.from("127.0.0.1").enter("clerk", key); a.status != http.StatusUnauthorized {
		t.Errorf("the login form takes a key: %d", a.status)
	}
	refused(t, "the key as the old password", v.call("clerk", "res.users", "change_password", key, "a new password"))
	refused(t, "the key as the old password, by the key", v.as("clerk", key, "res.users", "change_password", key, "a new password"))
	refused(t, "the key as proof of identity", v.call("clerk", "res.users.apikeys.description", "create", map[string]any{"name": "x", "password": key}))

	// Not even when the owner has shown a moment ago who he is, or with the password.
	asked := v.call("clerk", "res.users.apikeys.description", "create", map[string]any{"name": "x", "password": "clerk-password"})
	allowed(t, "the owner asks for a key", asked)
	refused(t, "the key goes on where the owner began", v.as("clerk", key, "res.users.apikeys.description", "make_key", []any{asked.result}))
	refused(t, "the bearer key goes on where the owner began", v.bearer(key, "res.users.apikeys.description", "make_key", fmt.Sprintf(`{"ids":[%v]}`, asked.result)))
	refused(t, "somebody else goes on where the owner began", v.call("victim", "res.users.apikeys.description", "make_key", []any{asked.result}))
	own := v.as("clerk", key, "res.users.apikeys.description", "create", map[string]any{"name": "x", "password": "clerk-password"})
	refused(t, "a key makes a key", v.as("clerk", key, "res.users.apikeys.description", "make_key", []any{own.result}))
	refused(t, "a check that is made up", v.call("clerk", "res.users.apikeys.description", "make_key", []any{
		v.call("clerk", "res.users.apikeys.description", "create", map[string]any{"name": "x", "checked": true}).result}))
	if n := len(h.rows("SELECT 1 FROM res_users_apikeys WHERE name = 'x'")); n > 0 {
		t.Errorf("%d keys have been made", n)
	}
	allowed(t, "the owner goes on", v.call("clerk", "res.users.apikeys.description", "make_key", []any{asked.result}))
	allowed(t, "the password is as it was", h.from("127.0.0.1").session("clerk", "clerk-password"))
}

// External ids are written by apps and imports; an import gives none in the name
// of an app.
func TestExternalIDsAreNotPlanted(t *testing.T) {
	t.Parallel()
	h := built(t)
	v := h.from("127.0.0.1")
	table := "SELECT module, name, model, res_id FROM ir_model_data ORDER BY id"
	before := h.rows(table)
	group := h.rows("SELECT id FROM ir_model_data WHERE module = 'base' AND name = 'group_system'")[0]
	for _, login := range []string{"portal", "clerk", "rights", "admin"} {
		refused(t, login+" creates an external id", v.call(login, "ir.model.data", "create", map[string]any{"module": "base", "name": "planted", "model": "res.groups", "res_id": 1}))
		refused(t, login+" moves an external id", v.call(login, "ir.model.data", "write", []any{group}, map[string]any{"res_id": 1}))
		refused(t, login+" deletes an external id", v.call(login, "ir.model.data", "unlink", []any{group}))
		for _, id := range []string{"base.planted", "sale.planted", "nothing.planted"} {
			refused(t, login+" imports as "+id, v.call(login, "res.partner.category", "load", []any{"id", "name"}, []any{[]any{id, "Planted"}}))
			refused(t, login+" imports as "+id+" in the name of an app", v.service("object", "execute_kw", "house", h.ids[login], login+"-password", "res.partner.category", "load",
				[]any{[]any{"id", "name"}, []any{[]any{id, "Planted"}}}, map[string]any{"context": map[string]any{"_import_current_module": "base", "default_module": "base", "install_mode": true}}))
		}
	}
	if after := h.rows(table); !slices.Equal(before, after) {
		t.Errorf("%d external ids, there were %d: %v", len(after), len(before), after[len(before)-1:])
	}
	for _, id := range []string{"one", "__import__.two", "__export__.three"} {
		allowed(t, "an import as "+id, v.call("admin", "res.partner.category", "load", []any{"id", "name"}, []any{[]any{id, "Fine " + id}}))
	}
	want := []string{"__import__.one", "__import__.two", "__export__.three"}
	if got := h.rows("SELECT module || '.' || name FROM ir_model_data WHERE model = 'res.partner.category' ORDER BY id DESC LIMIT 3"); !slices.Equal(got, []string{want[2], want[1], want[0]}) {
		t.Errorf("the imports are called %v", got)
	}
	again := v.call("admin", "res.partner.category", "load", []any{"id", "name"}, []any{[]any{"__import__.one", "Renamed"}})
	allowed(t, "an import over an external id", again)
	if got := h.rows("SELECT c.name->>'en_US' FROM res_partner_category c JOIN ir_model_data d ON d.res_id = c.id AND d.model = 'res.partner.category' WHERE d.name = 'one'"); !slices.Equal(got, []string{"Renamed"}) {
		t.Errorf("the import wrote %v", got)
	}
}

// club is an addon with a group and a record whose names somebody has taken
// before it is installed.
func club() module.Addon {
	return module.Addon{Name: "club", Version: "19.0.1.0.0", Depends: []string{"base"}, Data: []string{"club.xml"}, Define: func(*orm.Registry) {}, FS: fstest.MapFS{"club.xml": {Data: []byte(`<odoo>
		<record id="group_member" model="res.groups"><field name="name">Members</field></record>
		<record id="tag" model="res.partner.category"><field name="name">Club</field></record>
	</odoo>`)}}}
}

// Names that were taken before external ids were the system's give nobody the
// rights of a group, keep no addon from being installed, and lead the system to
// no record that it did not make.
func TestPlantedExternalIDsDoNothing(t *testing.T) {
	t.Parallel()
	h := built(t)
	addons := []module.Addon{base.Addon(), club()}
	var mine, tag int64
	h.run(func(env *orm.Env) error {
		g, err := env.Model("res.groups").Create(orm.Values{"name": "Mine", "user_ids": []orm.Command{orm.Link(h.ids["clerk"])}})
		if err != nil {
			return err
		}
		c, err := env.Model("res.partner.category").Create(orm.Values{"name": "Somebody's"})
		if err != nil {
			return err
		}
		mine, tag = g.ID(), c.ID()
		_, err = env.Exec(orm.SQL(`INSERT INTO ir_model_data (module, name, model, res_id, create_uid) VALUES
			('base', 'group_planted', 'res.groups', ?, ?), ('club', 'group_member', 'res.groups', ?, ?), ('club', 'tag', 'res.groups', ?, NULL), ('club', 'left', 'res.partner.category', ?, ?)`,
			mine, h.ids["clerk"], mine, h.ids["clerk"], mine, tag, h.ids["clerk"]))
		return err
	})
	h.run(func(env *orm.Env) error {
		for _, name := range []string{"base.group_planted", "club.nothing"} {
			if in, err := env.WithUser(h.ids["clerk"]).InAnyGroup(name); err != nil || in {
				t.Errorf("a planted name gives the rights of %s (%v)", name, err)
			}
		}
		_, ok, err := env.FindRef("base.group_planted")
		if ok {
			t.Error("a planted name is found as an addon's")
		}
		return err
	})
	db, err := module.Install(t.Context(), h.db, addons, []string{"club"}, module.Options{})
	if err != nil {
		t.Fatalf("a planted name blocks the installation: %v", err)
	}
	err = db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		if in, err := env.WithUser(h.ids["clerk"]).InAnyGroup("club.group_member"); err != nil || in {
			t.Errorf("a planted group is the addon's (%v)", err)
		}
		g, err := env.Ref("club.group_member")
		if err != nil || g.ID() == mine {
			t.Errorf("the addon's group is %v (%v)", g, err)
		}
		c, err := env.Ref("club.tag")
		if err != nil || c.Model.Name != "res.partner.category" || c.ID() == tag {
			t.Errorf("the addon's tag is %v (%v)", c, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := module.Upgrade(t.Context(), db, addons, []string{"club"}, module.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := module.Uninstall(t.Context(), db, addons, []string{"club"}, module.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := h.rows("SELECT (SELECT count(*) FROM res_groups WHERE id = ?), (SELECT count(*) FROM res_partner_category WHERE id = ?)", mine, tag); got[0] != "1 | 1" {
		t.Errorf("the system deleted what it did not make: %v", got)
	}
}

// guesses are all in which a secret is checked: each tries one for the victim and
// tells whether it was taken.
func guesses(h *house) map[string]func(v *visitor, login, secret string) bool {
	fine := func(a reply) bool { return a.failed == "" && a.status < 400 && a.result != false }
	return map[string]func(v *visitor, login, secret string) bool{
		"the login form": func(v *visitor, login, secret string) bool {
			return v.enter(login, secret).status == http.StatusSeeOther
		},
		"a session": func(v *visitor, login, secret string) bool { return fine(v.session(login, secret)) },
		"common.login": func(v *visitor, login, secret string) bool {
			return fine(v.service("common", "login", "house", login, secret))
		},
		"common.authenticate": func(v *visitor, login, secret string) bool {
			return fine(v.service("common", "authenticate", "house", login, secret, map[string]any{}))
		},
		"authenticate in XML": func(v *visitor, login, secret string) bool {
			a := v.xmlrpc("authenticate", "house", login, secret)
			return a.status == 200 && strings.Contains(a.text, "<int>")
		},
		"execute_kw": func(v *visitor, login, secret string) bool {
			return fine(v.as(login, secret, "res.users", "context_get"))
		},
	}
}

// Who guesses a password has to wait after some tries, by whatever way, even
// with the right one, and whether there is such a user or not. It gets longer,
// and ends.
func TestGuessing(t *testing.T) {
	t.Parallel()
	for name, way := range guesses(nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := built(t)
			v := h.from("127.0.0.1")
			tries := func(login string) (n int) { // until right ones are refused as well
				for n = range 40 {
					if way(v, login, fmt.Sprint("guess ", n)) {
						t.Fatal("a guess is taken")
					}
				}
				return n
			}
			tries("victim")
			if way(v, "victim", "victim-password") {
				t.Error("after 40 guesses the next one is looked at")
			}
			if !way(v, "clerk", "clerk-password") {
				t.Error("somebody else at the address is kept out")
			}
			h.pass(2 * time.Minute)
			if !way(v, "victim", "victim-password") {
				t.Error("the owner is kept out for ever")
			}
		})
	}
	t.Run("identity", func(t *testing.T) {
		t.Parallel()
		h := built(t)
		v := h.from("127.0.0.1")
		allowed(t, "a login", v.session("victim", "victim-password"))
		for i := range 40 {
			refused(t, "a guess", v.mine("res.users", "change_password", fmt.Sprint("guess ", i), "taken over"))
		}
		refused(t, "a guess after many", v.mine("res.users", "change_password", "victim-password", "taken over"))
		refused(t, "another way to guess after many", v.mine("res.users.apikeys.description", "create", map[string]any{"name": "x", "password": "victim-password"}))
		if a := v.form("/web/profile/password", "old", "victim-password", "new", "taken over", "again", "taken over"); a.status < 400 {
			t.Errorf("the profile looks at a guess after many: %d", a.status)
		}
	})
	t.Run("keys", func(t *testing.T) {
		t.Parallel()
		h := built(t)
		key := h.key("victim", "rpc")
		v, owner := h.from("127.0.0.1"), h.from("127.0.0.2")
		allowed(t, "the key", owner.bearer(key, "res.users", "context_get", "{}"))
		for i := range 80 {
			refused(t, "a guess", v.bearer(fmt.Sprintf("%040x", i), "res.users", "context_get", "{}"))
		}
		if a := v.bearer(key, "res.users", "context_get", "{}"); a.status != http.StatusTooManyRequests {
			t.Errorf("a guess after many: %d", a.status)
		}
		allowed(t, "the key from elsewhere", owner.bearer(key, "res.users", "context_get", "{}"))
	})
}

// Many addresses that guess one user's password have to wait as well. The owner
// does not, where he has been before; an address that tries many users has to.
func TestGuessingFromManyAddresses(t *testing.T) {
	t.Parallel()
	h := built(t)
	home := h.from("127.0.1.1")
	allowed(t, "the owner at home", home.session("victim", "victim-password"))
	for i := range 60 {
		h.from(fmt.Sprintf("127.0.2.%d", i+1)).session("victim", "guess")
	}
	refused(t, "a guess from another address", h.from("127.0.3.1").session("victim", "victim-password"))
	allowed(t, "the owner at home again", h.from("127.0.1.1").session("victim", "victim-password"))
	allowed(t, "somebody else", h.from("127.0.3.1").session("clerk", "clerk-password"))

	many := h.from("127.0.4.1")
	for i := range 70 {
		many.session(fmt.Sprint("user", i), "guess")
	}
	refused(t, "one more user from an address that tries many", many.session("portal", "portal-password"))
	h.pass(time.Hour)
	allowed(t, "later", many.session("portal", "portal-password"))
	allowed(t, "the victim from elsewhere, later", h.from("127.0.3.1").session("victim", "victim-password"))
}

// Logins without end cost nothing that stays.
func TestLargeLogins(t *testing.T) {
	t.Parallel()
	h := built(t)
	v := h.from("127.0.0.1")
	for _, s := range []string{strings.Repeat("x", 500_000), "a\x00b", "\xff\xfe", ""} {
		refused(t, "a strange login", v.session(s, "x"))
		refused(t, "a strange password", v.session("victim", s+"!"))
		if a := v.enter(s, "x"); a.status != http.StatusUnauthorized {
			t.Errorf("a strange login at the form: %d", a.status)
		}
	}
}

// A token that was there before the login is worthless after it, and so is one of
// a session that has ended.
func TestSessionsAreNotFixed(t *testing.T) {
	t.Parallel()
	h := built(t)
	site, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	v := h.from("127.0.0.1")
	planted := strings.Repeat("ab", 32)
	v.http.Jar.SetCookies(site, []*http.Cookie{{Name: "session_id", Value: planted}})
	allowed(t, "a login", v.session("clerk", "clerk-password"))
	first := v.cookie()
	if first == planted || first == "" {
		t.Errorf("the session has the token %q", first)
	}
	allowed(t, "another login", v.session("victim", "victim-password"))
	for _, token := range []string{planted, first} {
		thief := h.from("127.0.0.1")
		thief.http.Jar.SetCookies(site, []*http.Cookie{{Name: "session_id", Value: token}})
		refused(t, "an older token", thief.mine("res.users", "context_get"))
		refused(t, "an older token in the header", h.from("127.0.0.1").send("/web/session/get_session_info", "application/json", `{"params":{}}`, "X-Openerp-Session-Id", token))
	}
	last := v.cookie()
	allowed(t, "the session", v.mine("res.users", "context_get"))
	allowed(t, "a logout", v.json("/web/session/destroy", map[string]any{}))
	thief := h.from("127.0.0.1")
	thief.http.Jar.SetCookies(site, []*http.Cookie{{Name: "session_id", Value: last}})
	refused(t, "the token of an ended session", thief.mine("res.users", "context_get"))
	if got := h.rows("SELECT 1 FROM http_session WHERE id IN (?, ?)", planted, last); len(got) > 0 {
		t.Error("tokens are stored as they are")
	}
}

// A changed password, and a user who is archived, end sessions everywhere.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	h := built(t)
	own, thief := h.from("127.0.0.1"), h.from("127.0.0.2")
	allowed(t, "a login", own.session("clerk", "clerk-password"))
	allowed(t, "another login", thief.session("clerk", "clerk-password"))
	allowed(t, "a new password", own.mine("res.users", "change_password", "clerk-password", "another-password"))
	refused(t, "the other session", thief.mine("res.users", "context_get"))
	refused(t, "the old password", thief.session("clerk", "clerk-password"))
	refused(t, "the old password of a call", thief.call("clerk", "res.users", "context_get"))
	allowed(t, "the new password", thief.session("clerk", "another-password"))
	h.run(func(env *orm.Env) error {
		return env.Model("res.users").Browse(h.ids["clerk"]).Write(orm.Values{"active": false})
	})
	refused(t, "the session of an archived user", thief.mine("res.users", "context_get"))
	refused(t, "the login of an archived user", thief.session("clerk", "another-password"))
	h.key("victim", "rpc")
	key := h.key("victim", "rpc")
	h.run(func(env *orm.Env) error {
		return env.Model("res.users").Browse(h.ids["victim"]).Write(orm.Values{"active": false})
	})
	refused(t, "the key of an archived user", thief.as("victim", key, "res.users", "context_get"))
	refused(t, "the bearer key of an archived user", thief.bearer(key, "res.users", "context_get", "{}"))
}

// A page of another site makes a browser do nothing here.
func TestForgedRequests(t *testing.T) {
	t.Parallel()
	h := built(t)
	v := h.from("127.0.0.1")
	allowed(t, "a login", v.session("clerk", "clerk-password"))
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		for path, body := range map[string]string{
			"/web/profile": "email=evil@example.com", "/web/profile/password": "old=clerk-password&new=taken-over&again=taken-over", "/web/login": "login=victim&password=victim-password",
			"/web/dataset/call_kw":      `{"params":{"model":"res.users","method":"write","args":[[` + fmt.Sprint(h.ids["clerk"]) + `],{"email":"evil@example.com"}],"kwargs":{}}}`,
			"/web/session/authenticate": `{"params":{"db":"house","login":"victim","password":"victim-password"}}`,
			"/web/session/destroy":      `{"params":{}}`,
		} {
			kind := "application/x-www-form-urlencoded"
			if strings.HasPrefix(body, "{") {
				kind = "text/plain"
			}
			if a := v.send(path, kind, body, header...); a.status != http.StatusForbidden {
				t.Errorf("%s with %v: %d %.200s", path, header, a.status, a.text)
			}
		}
	}
	if got := h.rows("SELECT count(*) FROM res_partner WHERE email = 'evil@example.com'"); got[0] != "0" {
		t.Error("a forged request wrote")
	}
	if a := v.mine("res.users", "context_get"); !strings.Contains(a.text, fmt.Sprintf(`"uid":%d`, h.ids["clerk"])) {
		t.Errorf("the session is %s", a.text)
	}
	// A request that another site makes a browser follow carries no cookie.
	resp, err := http.Get(h.url + "/web/login")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r, err := http.NewRequest("POST", h.url+"/web/login", strings.NewReader("login=clerk&password=clerk-password"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	in, err := (&http.Transport{}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	in.Body.Close()
	if c := in.Header.Get("Set-Cookie"); !strings.Contains(c, "SameSite=Lax") || !strings.Contains(c, "HttpOnly") {
		t.Errorf("the cookie is %q", c)
	}
}
