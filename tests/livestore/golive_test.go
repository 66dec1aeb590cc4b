package livestore

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/framework/orm"
)

func (e *erp) button(name string) (any, error) {
	return e.db.Call(context.Background(), orm.System(), func(env *orm.Env) (any, error) {
		return env.Model("woo.instance").Browse(e.instance).Call(name, orm.Args{})
	})
}

// TestGoLive shows that nothing happens before somebody said so, and that what is
// in the way is found first.
func TestGoLive(t *testing.T) {
	t.Parallel()
	writes := 0
	e := newERP(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "products/batch") { // an empty batch tells whether the keys may write
				writes++
			}
			next.ServeHTTP(w, r)
		})
	}, orm.Values{"live": false})
	e.set(orm.Values{"live": false})
	address := e.receiver(nil)
	before := e.text("SELECT string_agg(woo_id || ' ' || COALESCE(woo_stock, 0), ',' ORDER BY woo_id) FROM woo_product_map")

	t.Run("nothing before", func(t *testing.T) {
		id := e.store.OrderIDs("processing")[0]
		if status, err := deliver(e.store, address, "order.updated", id); err != nil || status != http.StatusOK {
			t.Errorf("a signed webhook is answered %d, %v", status, err)
		}
		p := e.countedProducts(false)[0]
		e.have(p.product, 3)
		e.poll()
		e.idle()
		e.pushStock()
		equal(t, "orders", e.count("SELECT count(*) FROM woo_order"), 0)
		equal(t, "writes to the store", writes, 0)
		equal(t, "what became of the webhook", e.text("SELECT state FROM woo_event"), "skipped")
		if _, err := e.button("action_sync_now"); err == nil || !strings.Contains(err.Error(), "Go Live") {
			t.Errorf("syncing before: %v", err)
		}
		if _, err := e.button("action_go_live"); err == nil || !strings.Contains(err.Error(), "Press Doctor") {
			t.Errorf("going live unexamined: %v", err)
		}
	})
	t.Run("keys that only read", func(t *testing.T) {
		end := e.store.AddFault(woosim.Fault{Kind: woosim.FaultStatus, Method: "POST", Status: 401})
		if _, err := e.button("action_doctor"); err != nil {
			t.Fatal(err)
		}
		end()
		if got := e.text("SELECT finding FROM woo_check WHERE severity = 'error'"); !strings.Contains(got, "The keys may read only") {
			t.Errorf("the doctor says %q", got)
		}
		if _, err := e.button("action_go_live"); err == nil || !strings.Contains(err.Error(), "Read/Write permission") {
			t.Errorf("going live with such keys: %v", err)
		}
	})
	t.Run("another currency without a rate", func(t *testing.T) {
		// The company keeps its books in EUR, and no rate says what a CAD is.
		e.run(func(env *orm.Env) error {
			rates, err := env.Model("res.currency.rate").Search(nil, orm.SearchOptions{})
			if err != nil {
				return err
			}
			return rates.Unlink()
		})
		cad := e.text("SELECT currency_id::text FROM res_company LIMIT 1")
		if _, err := e.db.ExecContext(context.Background(), "UPDATE res_company SET currency_id = (SELECT id FROM res_currency WHERE name = 'EUR')"); err != nil {
			t.Fatal(err)
		}
		if _, err := e.button("action_doctor"); err != nil {
			t.Fatal(err)
		}
		if got := e.text("SELECT finding FROM woo_check WHERE severity = 'error'"); !strings.Contains(got, "The store sells in CAD") {
			t.Errorf("the doctor says %q", got)
		}
		if _, err := e.db.ExecContext(context.Background(), "UPDATE res_company SET currency_id = "+cad); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("live", func(t *testing.T) {
		e.goLive()
		if n := e.count("SELECT count(*) FROM woo_order WHERE state = 'imported'"); n < 50 {
			t.Errorf("%d orders are imported: %s", n, e.text("SELECT string_agg(name || ' ' || severity || ' ' || finding, '; ') FROM woo_check"))
		}
		if after := e.text("SELECT string_agg(woo_id || ' ' || COALESCE(woo_stock, 0), ',' ORDER BY woo_id) FROM woo_product_map"); after != before {
			t.Error("going live changed the stock of the store by itself")
		}
	})
	t.Run("paused", func(t *testing.T) {
		if _, err := e.button("action_pause"); err != nil {
			t.Fatal(err)
		}
		orders := e.count("SELECT count(*) FROM woo_order")
		if _, err := e.store.PlaceOrder(woosim.NewOrder{}); err != nil {
			t.Fatal(err)
		}
		e.poll()
		e.idle()
		equal(t, "orders while paused", e.count("SELECT count(*) FROM woo_order"), orders)
		e.goLive()
		equal(t, "orders after", e.count("SELECT count(*) FROM woo_order"), orders+1)
	})
}
