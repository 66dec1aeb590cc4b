// Package livestore proves the sync of orders against the simulated store, as
// a whole: real HTTP, real jobs, a real database, webhooks and polls, crashes
// and a store that fails. It holds tests only and may import anything.
package livestore

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/keyring"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/outbound"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/standard"
)

func addons() []module.Addon {
	return standard.Program().Addons
}

const webhookSecret = "a secret & more"

// erp is a Fusion with one connected store.
type erp struct {
	t        *testing.T
	db       *orm.DB
	store    *woosim.Sim
	url      string // of the store
	instance int64
	web      *httptest.Server
	runner   *jobs.Runner
}

// storeServer puts a store on a loopback port; front sees every request first
// and may be nil.
func storeServer(t *testing.T, front func(http.Handler) http.Handler, options ...func(*woosim.Options)) (*woosim.Sim, string) {
	t.Helper()
	st, err := woosim.Load(woosim.DefaultStore)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	opt := woosim.DefaultOptions()
	opt.BaseURL, opt.PlainHTTP, opt.Seed = "http://"+srv.Listener.Addr().String(), true, 1
	for _, set := range options {
		set(&opt)
	}
	sim := woosim.New(st, opt)
	srv.Config.Handler = sim
	if front != nil {
		srv.Config.Handler = front(sim)
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return sim, srv.URL
}

// testKeys encrypt the secrets of the instance, in this process and in those
// that are killed.
func testKeys() (*keyring.Keyring, error) {
	return keyring.New([]byte("0123456789abcdef0123456789abcdef"))
}

// newERP installs Fusion, connects the store, and fetches its products.
func newERP(t *testing.T, front func(http.Handler) http.Handler, settings orm.Values, options ...func(*woosim.Options)) *erp {
	t.Helper()
	e := &erp{t: t, db: ormtest.DB(t, addons()...)}
	var err error
	if e.db.Keys, err = testKeys(); err != nil {
		t.Fatal(err)
	}
	e.store, e.url = storeServer(t, front, options...)
	vals := orm.Values{"name": "Boreal", "url": e.url, "consumer_key": woosim.DefaultKey.Key, "consumer_secret": woosim.DefaultKey.Secret, "webhook_secret": webhookSecret,
		"request_rate": 1000, "missing_product": "create", "unknown_product": "placeholder", "status_map_ids": statuses("ready-pickup", "confirm")}
	for k, v := range settings {
		vals[k] = v
	}
	e.run(func(env *orm.Env) error {
		if err := prepareCompany(env); err != nil {
			return err
		}
		if err := base.SetParam(env, outbound.Parameter, "127.0.0.1"); err != nil {
			return err
		}
		made, err := env.Model("woo.instance").Create(vals)
		e.instance = made.ID()
		return err
	})
	answer, err := e.db.Call(context.Background(), orm.System(), func(env *orm.Env) (any, error) {
		return env.Model("woo.instance").Browse(e.instance).Call("action_test_connection", orm.Args{})
	})
	if err != nil || !strings.Contains(fmt.Sprint(answer), "WooCommerce 9.2.5") {
		t.Fatalf("the connection test says %v: %v", answer, err)
	}
	e.start(nil)
	e.run(func(env *orm.Env) error {
		_, err := env.Model("woo.instance").Browse(e.instance).Call("action_fetch_products", orm.Args{})
		return err
	})
	e.idle()
	e.set(orm.Values{"live": true}) // without the poll that Go Live asks for
	return e
}

// goLive has the doctor examine the store and goes live, with no job left over.
func (e *erp) goLive() {
	e.t.Helper()
	for _, button := range []string{"action_doctor", "action_go_live"} {
		if _, err := e.db.Call(context.Background(), orm.System(), func(env *orm.Env) (any, error) {
			return env.Model("woo.instance").Browse(e.instance).Call(button, orm.Args{})
		}); err != nil {
			e.t.Fatal(err)
		}
	}
	e.idle()
}

// prepareCompany gives the company the store's currency, a tax setting that is
// not the store's, and rates of exchange.
func prepareCompany(env *orm.Env) error {
	code := func(name string) (int64, error) {
		rs, err := env.WithContext(map[string]any{"active_test": false}).Model("res.currency").Search(orm.Leaf("name", "=", name), orm.SearchOptions{})
		return rs.ID(), err
	}
	cad, err := code("CAD")
	if err != nil {
		return err
	}
	if err := env.Model("res.currency").Browse(cad).Write(orm.Values{"active": true}); err != nil {
		return err
	}
	company := env.Model("res.company").Browse(env.Company())
	if err := company.Write(orm.Values{"currency_id": cad, "tax_calculation_rounding_method": "round_globally"}); err != nil {
		return err
	}
	for name, rate := range map[string]float64{"USD": 0.73, "EUR": 0.67} {
		id, err := code(name)
		if err != nil {
			return err
		}
		if _, err := env.Model("res.currency.rate").Create(orm.Values{"currency_id": id, "name": "2020-01-01", "rate": rate}); err != nil {
			return err
		}
	}
	return nil
}

func (e *erp) run(fn func(*orm.Env) error) {
	e.t.Helper()
	if err := e.db.Run(context.Background(), orm.System(), fn); err != nil {
		e.t.Fatal(err)
	}
}

// start works jobs with the handlers of the addon, or with those given.
func (e *erp) start(handlers map[string]jobs.Handler) {
	e.t.Helper()
	if handlers == nil {
		handlers = woocommerce.Jobs()
	}
	r, err := jobs.Start(context.Background(), e.db, jobs.Config{Handlers: handlers, Workers: 4})
	if err != nil {
		e.t.Fatal(err)
	}
	e.runner = r
	e.t.Cleanup(e.stop)
}

func (e *erp) stop() {
	if e.runner == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.runner.Stop(ctx); err != nil {
		e.t.Error(err)
	}
	e.runner = nil
}

// idle waits until no job is left. Time passes faster for jobs that are to be
// tried again later.
func (e *erp) idle() {
	e.t.Helper()
	end := time.Now().Add(2 * time.Minute)
	for time.Now().Before(end) {
		e.hurry()
		if n := e.count("SELECT count(*) FROM river_job WHERE state IN ('available', 'running', 'retryable', 'scheduled', 'pending')"); n == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	e.t.Fatal("the jobs do not end: " + e.text("SELECT string_agg(state || ' ' || (args->>'title') || ' ' || COALESCE((errors[array_length(errors, 1)]->>'error'), ''), '; ') FROM river_job WHERE state NOT IN ('completed')"))
}

// waitFor waits until a statement counts something.
func (e *erp) waitFor(sql string) {
	e.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if e.text("SELECT count(*)::text FROM ("+sql+") x") != "0" {
			return
		}
	}
	e.t.Fatal("waited in vain for " + sql)
}

func (e *erp) hurry() {
	_, err := e.db.ExecContext(context.Background(), "UPDATE river_job SET scheduled_at = now() WHERE state IN ('retryable', 'scheduled') AND scheduled_at > now()")
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *erp) count(sql string, args ...any) int {
	e.t.Helper()
	var n int
	if err := e.db.QueryRowContext(context.Background(), sql, args...).Scan(&n); err != nil {
		e.t.Fatal(err)
	}
	return n
}

func (e *erp) text(sql string, args ...any) string {
	e.t.Helper()
	var s *string
	if err := e.db.QueryRowContext(context.Background(), sql, args...).Scan(&s); err != nil {
		e.t.Fatal(err)
	}
	if s == nil {
		return ""
	}
	return *s
}

// cron runs a cron of the instances.
func (e *erp) cron(m orm.ModelMethod[woocommerce.Instance]) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		_, err := orm.InvokeModel(env, m)
		return err
	})
}

// poll runs the cron of orders.
func (e *erp) poll() {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		// as if the interval of the instance had passed
		if err := env.Model("woo.instance").Browse(e.instance).Write(orm.Values{"polled_at": nil}); err != nil {
			return err
		}
		_, err := orm.InvokeModel(env, woocommerce.CronOrders)
		return err
	})
}

// receiver is the address of the webhooks; wrap may be nil.
func (e *erp) receiver(wrap func(http.Handler) http.Handler) string {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		_, err := env.Model("ir.config_parameter").Create(orm.Values{"key": controllers.LimitParameter, "value": "1000000"})
		return err
	})
	h, err := webhookServer(e.db)
	if err != nil {
		e.t.Fatal(err)
	}
	if wrap != nil {
		h = wrap(h)
	}
	e.web = httptest.NewServer(h)
	e.t.Cleanup(e.web.Close)
	return e.web.URL
}

func webhookServer(db *orm.DB) (http.Handler, error) {
	s, err := server.New(db, server.Config{})
	if err != nil {
		return nil, err
	}
	s.Mount(woocommerce.Addon())
	return s, nil
}

// deliver sends a webhook about an order as the store would, and returns the
// status of the answer, 0 when there was none.
func deliver(sim *woosim.Sim, address, topic string, order int) (int, error) {
	body, err := sim.Order(order)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequest(http.MethodPost, address+"/woo/webhook/order", strings.NewReader(string(body)))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(wcapi.HeaderTopic, topic)
	r.Header.Set(wcapi.HeaderResource, "order")
	r.Header.Set(wcapi.HeaderEvent, strings.TrimPrefix(topic, "order."))
	r.Header.Set(wcapi.HeaderWebhookID, "5")
	r.Header.Set(wcapi.HeaderSignature, wcapi.Sign(webhookSecret, body))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil // the receiver died
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

// said is an order as the store tells it.
type said struct {
	ID       int64  `json:"id"`
	Number   string `json:"number"`
	Status   string `json:"status"`
	Currency string `json:"currency"`
	Total    string `json:"total"`
	TotalTax string `json:"total_tax"`
	Shipping string `json:"shipping_total"`
	Customer int64  `json:"customer_id"`
	Billing  struct {
		Email string `json:"email"`
	} `json:"billing"`
	Lines []struct {
		Quantity  json.Number `json:"quantity"`
		ProductID int64       `json:"product_id"`
	} `json:"line_items"`
}

func (e *erp) said(id int) said {
	e.t.Helper()
	raw, err := e.store.Order(id)
	if err != nil {
		e.t.Fatal(err)
	}
	var s said
	if err := json.Unmarshal(raw, &s); err != nil {
		e.t.Fatal(err)
	}
	return s
}
