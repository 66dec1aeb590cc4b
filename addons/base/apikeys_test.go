package base_test

import (
	"strings"
	"testing"
	"time"

	"fusion/addons/base"
	"fusion/framework/orm"
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

	rows, err := env.Query("SELECT key_hash FROM res_users_apikeys WHERE user_id = ?", user.ID())
	if err != nil || len(rows) != 1 || strings.Contains(rows[0][0], key) {
		t.Errorf("stored as %v, %v", rows, err)
	}
	if _, err := env.Exec("UPDATE res_users_apikeys SET expiration_date = now() - interval '1 minute'"); err != nil {
		t.Fatal(err)
	}
	check("rpc", key, false)
}
