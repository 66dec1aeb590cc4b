package web_test

import (
	"net/http"
	"regexp"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Users make API keys in their profile with their password, see them once and
// remove them again.
func TestProfileKeys(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	uid := newUser(t, db, "clerk", "base.group_user")
	v := site.Login(t, "clerk", "clerk")
	works := func(key string) (ok bool) {
		system(t, db, func(env *orm.Env) error {
			id, good, err := base.CheckAPIKey(env, "rpc", key)
			ok = good && id == uid
			return err
		})
		return ok
	}
	want(t, v.Get("/web/profile").Press("Make a key", "name", "laptop", "password", "wrong"), http.StatusUnprocessableEntity, "This is not your password.")
	want(t, v.Get("/web/profile").Press("Make a key", "name", "laptop", "password", "clerk", "duration", "0"), http.StatusUnprocessableEntity, "expiration date")
	made := v.Get("/web/profile").Press("Make a key", "name", "laptop", "password", "clerk", "scope", "rpc", "duration", "7")
	want(t, made, http.StatusOK, "cannot be shown again", "laptop", "for rpc")
	key := regexp.MustCompile(`[0-9a-f]{40}`).FindString(made.Text())
	if !works(key) {
		t.Fatalf("the key %q does not work", key)
	}
	again := v.Get("/web/profile")
	if regexp.MustCompile(`[0-9a-f]{40}`).MatchString(again.Text()) {
		t.Error("the key is shown again")
	}
	want(t, again.Press("Remove"), http.StatusOK, "The key is removed")
	if works(key) {
		t.Error("a removed key works")
	}
}
