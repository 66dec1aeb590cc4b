package woocommerce

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/outbound"
)

// thief is a host that notes what it is asked.
func thief(t *testing.T, answer string) (url string, heard func() string) {
	t.Helper()
	var all strings.Builder
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(&all, r.Method, r.URL, r.Header)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, all.String
}

// Who may not read the keys of a store does not get them by having them sent
// elsewhere.
func TestKeysStayWithTheStore(t *testing.T) {
	t.Parallel()
	env := start(t)
	_, url := shop(t)
	evil, heard := thief(t, "{}")
	inst := connect(t, env, url, orm.Values{"webhook_secret": "whsec"})
	test(t, env, inst)
	rs := env.Model("woo.instance").Browse(inst.ID)
	secrets := func() string {
		i := must(orm.Get[Instance](env, inst.ID))(t)
		return i.ConsumerKey.Reveal() + i.ConsumerSecret.Reveal() + i.WebhookSecret.Reveal()
	}
	before := secrets()
	manager := env.WithUser(userIn(t, env, "fusion_woocommerce.group_woo_manager")).NoSudo()
	for _, to := range []string{evil, strings.Replace(url, "http:", "https:", 1), strings.Replace(url, "127.0.0.1", "127.0.0.2", 1), url + "/other", url + "9"} {
		if err := rs.In(manager).Write(orm.Values{"url": to}); !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("a manager moves the store to %s: %v", to, err)
		}
		if _, err := rs.In(manager).Call("copy", orm.Args{Pos: []any{map[string]any{"url": to}}}); err == nil {
			t.Errorf("a manager copies the store to %s", to)
		}
	}
	if err := rs.In(manager).Write(orm.Values{"url": " " + strings.ToUpper(url[:4]) + url[4:] + "/"}); err != nil {
		t.Errorf("another spelling of the same address: %v", err)
	}
	if secrets() != before {
		t.Error("the keys are not what they were")
	}
	admin := env.WithUser(userIn(t, env, "base.group_system", "fusion_woocommerce.group_woo_manager")).NoSudo()
	if err := rs.In(admin).Write(orm.Values{"url": evil}); err != nil || secrets() != "" {
		t.Fatalf("an administrator moves the store: %v", err)
	}
	if _, err := rs.In(manager).Call("action_test_connection", orm.Args{}); err == nil || !strings.Contains(err.Error(), "enter the consumer key") {
		t.Errorf("a test without keys: %v", err)
	}
	if heard() != "" {
		t.Errorf("the other host was asked: %s", heard())
	}
	if err := rs.In(admin).Write(orm.Values{"url": url, "consumer_key": "ck_new", "consumer_secret": "cs_new"}); err != nil || secrets() != "ck_newcs_new" {
		t.Errorf("new keys with the address: %v", err)
	}
}

// userIn makes a user of some groups.
func userIn(t *testing.T, env *orm.Env, groups ...string) int64 {
	t.Helper()
	var list []orm.Command
	for _, g := range groups {
		list = append(list, orm.Link(must(env.Ref(g))(t).ID()))
	}
	login := strings.Join(groups, "+")
	return must(env.Model("res.users").Create(orm.Values{"name": login, "login": login, "group_ids": list}))(t).ID()
}

// An address of this machine or of a private network is asked only where an
// administrator allowed it, and what it says is not repeated.
func TestPrivateAddressesAreNotAsked(t *testing.T) {
	t.Parallel()
	env := start(t)
	const told = "payroll"
	inside, heard := thief(t, "<html><title>"+told+"</title>"+told)
	port := inside[strings.LastIndex(inside, ":"):]
	for _, host := range []string{"http://127.0.0.1", "http://localhost", "http://[::ffff:127.0.0.1]", "http://0.0.0.0"} {
		if err := base.SetParam(env, outbound.Parameter, ""); err != nil {
			t.Fatal(err)
		}
		inst := connect(t, env, host+port, nil)
		answer := fmt.Sprint(test(t, env, inst))
		if !strings.Contains(answer, outbound.Parameter) || heard() != "" {
			t.Errorf("%s: %s; heard %q", host, answer, heard())
		}
	}
	if err := base.SetParam(env, outbound.Parameter, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	inst := must(orm.First[Instance](env, orm.Leaf("url", "=", "http://127.0.0.1"+port), ""))(t)
	answer := fmt.Sprint(test(t, env, inst))
	if heard() == "" || strings.Contains(answer, told) || !strings.Contains(answer, "web page") {
		t.Errorf("an allowed address that is no store: %s", answer)
	}
	if err := base.SetParam(env, outbound.Parameter, "anywhere"); err == nil {
		t.Error("a list that nobody understands is taken")
	}
}
