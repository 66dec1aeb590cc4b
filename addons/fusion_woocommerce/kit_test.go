package woocommerce

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/contacts"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
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
	"fusionsoft.ca/fusion/framework/outbound"
)

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), contacts.Addon(), uom.Addon(), product.Addon(), account.Addon(), sales_team.Addon(), sale.Addon(),
		sale_management.Addon(), stock.Addon(), sale_stock.Addon(), Addon()}
}

// shop is a simulated store on a loopback port.
func shop(t *testing.T) (*woosim.Sim, string) {
	t.Helper()
	st, err := woosim.Load(woosim.DefaultStore)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	opt := woosim.DefaultOptions()
	opt.BaseURL, opt.PlainHTTP = "http://"+srv.Listener.Addr().String(), true
	sim := woosim.New(st, opt)
	srv.Config.Handler = sim
	srv.Start()
	t.Cleanup(srv.Close)
	return sim, srv.URL
}

// connect makes an instance of a store, as yet untested.
func connect(t *testing.T, env *orm.Env, url string, more orm.Values) *Instance {
	t.Helper()
	vals := orm.Values{"name": "Shop", "url": url, "consumer_key": woosim.DefaultKey.Key, "consumer_secret": woosim.DefaultKey.Secret, "request_rate": 1000, "live": true}
	for k, v := range more {
		vals[k] = v
	}
	made, err := env.Model("woo.instance").Create(vals)
	if err != nil {
		t.Fatal(err)
	}
	return must(orm.Get[Instance](env, made.ID()))(t)
}

// start gives a database on which this machine may be asked.
func start(t *testing.T) *orm.Env {
	t.Helper()
	env := ormtest.New(t, addons()...)
	if err := base.SetParam(env, outbound.Parameter, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	return env
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// test presses Test Connection.
func test(t *testing.T, env *orm.Env, inst *Instance) any {
	t.Helper()
	return must(ormtest.Call(env, func(env *orm.Env) (any, error) { return orm.Invoke(env, TestConnection, []*Instance{inst}) }))(t)
}

// items are all products of a store.
func items(t *testing.T, env *orm.Env, inst *Instance) []item {
	t.Helper()
	c := must(inst.client(must(base.OutboundGate(env))(t)))(t)
	var k *catalogue
	_, err := ormtest.Call(env, func(env *orm.Env) (any, error) {
		return env.CallOut(&orm.CallOut{
			Do: func(ctx context.Context) (err error) {
				k, err = readItems(ctx, c, time.Time{})
				return err
			},
			Then: func(*orm.Env) (any, error) { return nil, nil },
		})
	})
	if err != nil || len(k.unreadable) > 0 {
		t.Fatal(err, k)
	}
	return k.items
}
