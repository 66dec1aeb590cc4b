package controllers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/contacts"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
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
	"fusionsoft.ca/fusion/framework/server"
)

// receiver serves the webhooks of a database with two connected stores.
func receiver(t *testing.T) (*orm.DB, *server.Server) {
	t.Helper()
	db := ormtest.DB(t, base.Addon(), mail.Addon(), contacts.Addon(), uom.Addon(), product.Addon(), account.Addon(), sales_team.Addon(), sale.Addon(),
		sale_management.Addon(), stock.Addon(), sale_stock.Addon(), woocommerce.Addon())
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		for _, name := range []string{"one", "two"} {
			_, err := env.Model("woo.instance").Create(orm.Values{"name": name, "url": "https://" + name + ".example", "consumer_key": "ck", "consumer_secret": "cs", "webhook_secret": "secret " + name, "live": true})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(db, server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s.Mount(woocommerce.Addon())
	return db, s
}

type sending struct{ path, topic, secret, body string }

func send(s http.Handler, d sending) int {
	r := httptest.NewRequest(http.MethodPost, d.path, strings.NewReader(d.body))
	r.Header.Set("Content-Type", "application/json")
	if d.topic != "" {
		r.Header.Set(wcapi.HeaderTopic, d.topic)
		r.Header.Set(wcapi.HeaderSignature, wcapi.Sign(d.secret, []byte(d.body)))
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

func count(t *testing.T, db *orm.DB, sql string) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	db, s := receiver(t)
	order := `{"id":7,"line_items":[],"billing":{},"date_modified_gmt":"2026-01-01T00:00:00"}`
	// Each is about an object of its own: one that waits already is not queued again.
	for name, c := range map[string]struct {
		sending
		status int
		events int // stored, and
		jobs   int // queued by it
		state  string
	}{
		"ping":                 {sending{"/woo/webhook/order", "", "", "webhook_id=3"}, 200, 0, 0, ""},
		"order of one":         {sending{"/woo/webhook/order", "order.updated", "secret one", order}, 200, 1, 1, "received"},
		"order of two":         {sending{"/woo/webhook/order", "order.created", "secret two", order}, 200, 1, 1, "received"},
		"deleted":              {sending{"/woo/webhook/order", "order.deleted", "secret one", `{"id":8}`}, 200, 1, 1, "received"},
		"refund":               {sending{"/woo/webhook/order", "action.woocommerce_order_refunded", "secret one", `{"action":"woocommerce_order_refunded","arg":10}`}, 200, 1, 1, "received"},
		"product":              {sending{"/woo/webhook/product", "product.updated", "secret one", `{"id":9,"sku":"X","regular_price":"1"}`}, 200, 1, 1, "received"},
		"customer":             {sending{"/woo/webhook/customer", "customer.updated", "secret one", `{"id":9,"email":"a@b.example","username":"a"}`}, 200, 1, 1, "received"},
		"coupon":               {sending{"/woo/webhook/order", "coupon.updated", "secret one", `{"id":9,"code":"x","discount_type":"percent"}`}, 200, 1, 0, "skipped"},
		"stray":                {sending{"/woo/webhook/order", "order.updated", "secret one", `{"id":9,"code":"x","discount_type":"percent"}`}, 200, 1, 0, "skipped"},
		"error for the object": {sending{"/woo/webhook/order", "order.created", "secret one", `{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}`}, 200, 1, 0, "skipped"},
		"wrong secret":         {sending{"/woo/webhook/order", "order.updated", "guessed", order}, 401, 0, 0, ""},
		"no secret":            {sending{"/woo/webhook/order", "order.updated", "", order}, 401, 0, 0, ""},
	} {
		events, jobs := count(t, db, "SELECT count(*) FROM woo_event"), count(t, db, "SELECT count(*) FROM river_job")
		if status := send(s, c.sending); status != c.status {
			t.Errorf("%s: answered %d, want %d", name, status, c.status)
		}
		events, jobs = count(t, db, "SELECT count(*) FROM woo_event")-events, count(t, db, "SELECT count(*) FROM river_job")-jobs
		if events != c.events || jobs != c.jobs {
			t.Errorf("%s: %d events, %d jobs; want %d, %d", name, events, jobs, c.events, c.jobs)
		}
		if c.events > 0 {
			var state string
			if err := db.QueryRowContext(t.Context(), "SELECT state FROM woo_event ORDER BY id DESC LIMIT 1").Scan(&state); err != nil || state != c.state {
				t.Errorf("%s: the event is %s, want %s (%v)", name, state, c.state, err)
			}
		}
	}
	if n := count(t, db, "SELECT count(*) FROM woo_event e JOIN woo_instance i ON i.id = e.instance_id WHERE i.name = 'two'"); n != 1 {
		t.Errorf("%d events are the second store's, want 1", n)
	}
	if send(s, sending{"/woo/webhook/order", "order.updated", "secret one", `{"id":7,"x":"` + strings.Repeat("x", 9<<20) + `"}`}) != http.StatusRequestEntityTooLarge {
		t.Error("nine megabytes are accepted")
	}
	r := httptest.NewRecorder()
	s.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/woo/webhook/order", nil))
	if r.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET answers %d", r.Code)
	}
}

func TestWebhooksAreLimited(t *testing.T) {
	t.Parallel()
	db, s := receiver(t)
	ping := sending{"/woo/webhook/order", "", "", "webhook_id=3"}
	for i := range 100 {
		if status := send(s, ping); status != http.StatusOK {
			t.Fatalf("the %dth: %d", i+1, status)
		}
	}
	if status := send(s, ping); status != http.StatusTooManyRequests {
		t.Errorf("the 101st of a minute: %d", status)
	}
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		_, err := env.Model("ir.config_parameter").Create(orm.Values{"key": controllers.LimitParameter, "value": "200"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if status := send(s, ping); status != http.StatusOK {
		t.Errorf("with a higher limit: %d", status)
	}
}

// TestSignedDeliveriesAreNeverRefused sends more than the limit of requests that nobody
// has signed, and more than are stored one by one.
func TestSignedDeliveriesAreNeverRefused(t *testing.T) {
	t.Parallel()
	db, s := receiver(t)
	about := func(order int, topic string) sending {
		return sending{"/woo/webhook/order", topic, "secret one", fmt.Sprintf(`{"id":%d,"line_items":[],"billing":{}}`, order)}
	}
	for i := range 150 {
		if status := send(s, about(i+1, "order.updated")); status != http.StatusOK {
			t.Fatalf("the %dth: %d", i+1, status)
		}
	}
	if e, j := count(t, db, "SELECT count(*) FROM woo_event WHERE state = 'received'"), count(t, db, "SELECT count(*) FROM river_job"); e != 150 || j != 150 {
		t.Errorf("%d are stored, %d jobs", e, j)
	}
	// What waits to be read covers what is told of it meanwhile.
	if status := send(s, about(7, "order.created")); status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
	if e, j := count(t, db, "SELECT count(*) FROM woo_event WHERE state = 'skipped' AND note LIKE 'Another delivery%'"), count(t, db, "SELECT count(*) FROM river_job"); e != 1 || j != 150 {
		t.Errorf("%d are covered by another, %d jobs", e, j)
	}
	guessed := about(7, "order.updated")
	guessed.secret = "guessed"
	for i := range 100 {
		if status := send(s, guessed); status != http.StatusUnauthorized {
			t.Fatalf("the %dth with a wrong signature: %d", i+1, status)
		}
	}
	if status := send(s, guessed); status != http.StatusTooManyRequests {
		t.Errorf("the 101st with a wrong signature: %d", status)
	}
	if status := send(s, about(151, "order.updated")); status != http.StatusOK {
		t.Errorf("a signed one from the same address: %d", status)
	}
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		rs, err := env.Model("woo.instance").Search(orm.Leaf("name", "=", "one"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		return rs.Write(orm.Values{"webhook_rate": 10})
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if status := send(s, about(152, "order.updated")); status != http.StatusOK {
			t.Errorf("beyond the number that is stored: %d", status)
		}
	}
	if e, p := count(t, db, "SELECT count(*) FROM woo_event WHERE woo_id = 152"), count(t, db, "SELECT count(*) FROM river_job WHERE args->>'name' = 'woo.poll'"); e != 0 || p != 1 {
		t.Errorf("%d are stored, the store is read %d times", e, p)
	}
}
