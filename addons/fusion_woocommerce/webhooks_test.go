package woocommerce_test

import (
	"net/http"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/contacts"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sale_management"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/keyring"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/outbound"
)

// TestWebhooksFollowTheAddress registers webhooks, moves this system to another
// address, and registers again: the same webhooks tell the new address, and one
// that somebody else made stays as it is.
func TestWebhooksFollowTheAddress(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, base.Addon(), mail.Addon(), contacts.Addon(), uom.Addon(), product.Addon(), account.Addon(), sales_team.Addon(), sale.Addon(),
		sale_management.Addon(), stock.Addon(), sale_stock.Addon(), woocommerce.Addon())
	ring, err := keyring.New([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	env.DB().Keys = ring
	if err := base.SetParam(env, outbound.Parameter, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	st, err := woosim.Load(woosim.DefaultStore)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := woosim.New(st, woosim.DefaultOptions()).Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if _, err := srv.AddWebhook("order.created", "http://somebody.example/hook", "theirs"); err != nil {
		t.Fatal(err)
	}
	inst, err := orm.New[woocommerce.Instance](env)
	if err != nil {
		t.Fatal(err)
	}
	inst.Name, inst.URL, inst.ConsumerKey, inst.ConsumerSecret = "Shop", srv.URL, orm.Secret(woosim.DefaultKey.Key), orm.Secret(woosim.DefaultKey.Secret)
	if err := orm.Create(env, inst); err != nil {
		t.Fatal(err)
	}
	client, err := wcapi.New(wcapi.Config{BaseURL: srv.URL, ConsumerKey: woosim.DefaultKey.Key, ConsumerSecret: woosim.DefaultKey.Secret, Auth: wcapi.AuthOAuth, Transport: http.DefaultTransport})
	if err != nil {
		t.Fatal(err)
	}
	register := func(address string) map[int64]string {
		t.Helper()
		if err := base.SetParam(env, "web.base.url", address); err != nil {
			t.Fatal(err)
		}
		if err := orm.Reload(env, []*woocommerce.Instance{inst}); err != nil {
			t.Fatal(err)
		}
		_, err := ormtest.Call(env, func(env *orm.Env) (any, error) {
			return orm.Invoke(env, woocommerce.RegisterWebhooks, []*woocommerce.Instance{inst})
		})
		if err != nil {
			t.Fatal(err)
		}
		out := map[int64]string{}
		for h, err := range client.Webhooks(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			out[int64(h.ID)] = h.DeliveryURL
		}
		return out
	}
	first := register("http://old.example")
	second := register("http://new.example/")
	if len(first) < 10 || len(second) != len(first) {
		t.Errorf("%d webhooks, then %d", len(first), len(second))
	}
	for id, address := range second {
		if want := strings.Replace(first[id], "http://old.example", "http://new.example", 1); address != want {
			t.Errorf("webhook %d tells %s, want %s", id, address, want)
		}
	}
}
