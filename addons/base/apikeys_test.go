package base_test

import (
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	user := must[orm.Records](t)(env.Model("res.users").Create(orm.Values{"name": "Ida", "login": "ida", "password": "a long password"}))
	ida := env.WithUser(user.ID())

	if _, err := base.GenerateAPIKey(ida, "rpc", "for ever", time.Time{}); !orm.IsCode(err, orm.CodeUser) {
		t.Errorf("a key without end for a plain user: %v", err)
	}
	if _, err := base.GenerateAPIKey(ida, "rpc", "", env.Now().Add(time.Hour)); !orm.IsCode(err, orm.CodeUser) {
		t.Errorf("a key without description: %v", err)
	}
	key := must[string](t)(base.GenerateAPIKey(ida, "rpc", "laptop", env.Now().Add(time.Hour)))

	check := func(scope, key string, want bool) {
		t.Helper()
		uid, ok, err := base.CheckAPIKey(env, scope, key)
		if err != nil || ok != want || ok && uid != user.ID() {
			t.Errorf("scope %s: user %d, %v, %v", scope, uid, ok, err)
		}
	}
	check("rpc", key, true)
	check("other", key, false)
	check("rpc", strings.Repeat("0", len(key)), false)
	check("rpc", key[:8], false)

	rows, err := ormtest.Texts(env, "SELECT key_hash FROM res_users_apikeys WHERE user_id = ?", user.ID())
	if err != nil || len(rows) != 1 || strings.Contains(rows[0][0], key) {
		t.Errorf("stored as %v, %v", rows, err)
	}
	if _, err := env.Exec(orm.SQL("UPDATE res_users_apikeys SET expiration_date = now() - interval '1 minute'")); err != nil {
		t.Fatal(err)
	}
	check("rpc", key, false)
}

// A user makes a key with the password, sees it once and removes it again.
func TestMakingKeys(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	group := must[orm.Records](t)(env.Ref("base.group_user"))
	guests := must[orm.Records](t)(env.Ref("base.group_portal"))
	users := must[orm.Records](t)(env.Model("res.users").Create(
		orm.Values{"name": "Ida", "login": "ida", "password": "a long password", "group_ids": group.IDs},
		orm.Values{"name": "Ole", "login": "ole", "password": "another password", "group_ids": guests.IDs}))
	ida := env.WithUser(users.IDs[0]).NoSudo()
	make := func(env *orm.Env, vals orm.Values) (map[string]any, error) {
		var out any
		err := env.Savepoint(func(*orm.Env) error {
			rs, err := env.Model("res.users.apikeys.description").Create(vals)
			if err == nil {
				out, err = rs.Call("make_key", orm.Args{})
			}
			return err
		})
		action, _ := out.(map[string]any)
		return action, err
	}
	for name, c := range map[string]struct {
		env  *orm.Env
		vals orm.Values
		want orm.Code
	}{
		"without password":  {ida, orm.Values{"name": "x"}, orm.CodeUser},
		"wrong password":    {ida, orm.Values{"name": "x", "password": "wrong"}, orm.CodeUser},
		"made-up check":     {ida, orm.Values{"name": "x", "checked": true}, orm.CodeUser},
		"for ever":          {ida, orm.Values{"name": "x", "password": "a long password", "duration": "0"}, orm.CodeUser},
		"no date":           {ida, orm.Values{"name": "x", "password": "a long password", "duration": "-1"}, orm.CodeUser},
		"a date gone by":    {ida, orm.Values{"name": "x", "password": "a long password", "duration": "-1", "expiration_date": "2001-01-01 00:00:00"}, orm.CodeUser},
		"no name":           {ida, orm.Values{"password": "a long password"}, orm.CodeValidation},
		"a guest":           {env.WithUser(users.IDs[1]).NoSudo(), orm.Values{"name": "x", "password": "another password"}, orm.CodeAccess},
		"an unknown length": {ida, orm.Values{"name": "x", "password": "a long password", "duration": "5"}, orm.CodeValue},
	} {
		if _, err := make(c.env, c.vals); !orm.IsCode(err, c.want) {
			t.Errorf("%s: %v, want a %s", name, err, c.want)
		}
	}
	action := must[map[string]any](t)(make(ida, orm.Values{"name": "laptop", "password": "a long password", "duration": "7", "scope": "rpc"}))
	shown, _ := action["context"].(map[string]any)
	key, _ := shown["default_key"].(string)
	if action["res_model"] != "res.users.apikeys.show" || len(key) != 40 {
		t.Fatalf("%v", action)
	}
	if uid, ok, err := base.CheckAPIKey(env, "rpc", key); err != nil || !ok || uid != ida.UID() {
		t.Errorf("the key is of %d, %v, %v", uid, ok, err)
	}
	if _, ok, err := base.CheckAPIKey(env, "other", key); err != nil || ok {
		t.Errorf("the key is good for everything (%v)", err)
	}
	if _, err := ida.Model("res.users.apikeys.show").Create(orm.Values{"key": key}); !orm.IsCode(err, orm.CodeUser) {
		t.Errorf("the key is stored: %v", err)
	}
	mine := must[orm.Records](t)(ida.Model("res.users.apikeys").Search(nil, orm.SearchOptions{}))
	if mine.Len() != 1 {
		t.Fatalf("keys %v", mine.IDs)
	}
	if rows, err := ormtest.Texts(env, "SELECT * FROM res_users_apikeys_description"); err != nil || len(rows) > 0 {
		t.Errorf("the wizard stays: %v, %v", rows, err)
	}
	if _, err := mine.In(env.WithUser(users.IDs[1]).NoSudo()).Call("remove", orm.Args{}); err == nil {
		t.Error("somebody else removes the key")
	}
	must[any](t)(mine.Call("remove", orm.Args{}))
	if _, ok, err := base.CheckAPIKey(env, "rpc", key); err != nil || ok {
		t.Errorf("a removed key is good (%v)", err)
	}
	if _, err := env.Model("res.users").Browse(ida.UID()).In(ida).Call("api_key_wizard", orm.Args{}); err != nil {
		t.Error(err)
	}
	if _, err := env.Model("res.users").Browse(2).In(ida).Call("api_key_wizard", orm.Args{}); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("a key for somebody else: %v", err)
	}
}
