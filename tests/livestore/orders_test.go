package livestore

import (
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/framework/orm"
)

// recorded is what the recorded shop must come to: every order once, those not
// to be imported with their reason.
const recorded = "154 orders: 120 equal, 2 rounded, 0 held [], not imported by status map[cancelled → cancelled:6 checkout-draft → ignored:3 failed → received:3 pending → received:12 refunded → cancelled:5 trash → ignored:3]; 122 sale orders, 122 invoices"

// TestEveryOrderOnce imports the recorded shop by polls and by webhooks that
// come thrice, two of them at a time, and the update before the creation.
func TestEveryOrderOnce(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)
	address := e.receiver(nil)
	began := time.Now()
	e.poll()
	e.poll()
	e.idle()
	took := time.Since(began)
	if r := e.verify(); r.String() != recorded {
		t.Errorf("after the polls: %s", r)
	} else {
		t.Logf("%s, in %.1f s", r, took.Seconds())
	}
	before := e.text("SELECT string_agg(id || ':' || amount_total || ':' || write_date, ',' ORDER BY id) FROM sale_order")
	e.thrice(address)
	e.poll()
	e.idle()
	if r := e.verify(); r.String() != recorded {
		t.Errorf("after the webhooks: %s", r)
	}
	if after := e.text("SELECT string_agg(id || ':' || amount_total || ':' || write_date, ',' ORDER BY id) FROM sale_order"); after != before {
		t.Error("webhooks of unchanged orders changed sale orders")
	}
}

// thrice delivers three webhooks about every order: two updates at once, and
// the creation after them.
func (e *erp) thrice(address string) {
	ids := make(chan int)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for id := range ids {
				var two sync.WaitGroup
				for range 2 {
					two.Go(func() { e.accepted(address, "order.updated", id) })
				}
				two.Wait()
				e.accepted(address, "order.created", id)
			}
		})
	}
	for _, id := range e.store.OrderIDs("") {
		ids <- id
	}
	close(ids)
	wait.Wait()
}

func (e *erp) accepted(address, topic string, id int) {
	status, err := deliver(e.store, address, topic, id)
	if err != nil || status != http.StatusOK {
		e.t.Errorf("%s of order %d: %d, %v", topic, id, status, err)
	}
}

// TestWebhooksFirst imports the shop by webhooks alone, before any poll, from a
// store that fails one call in ten.
func TestWebhooksFirst(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)
	address := e.receiver(nil)
	for kind, p := range map[woosim.FaultKind]float64{woosim.FaultStatus: 0.03, woosim.FaultCutBefore: 0.03, woosim.FaultCutAfter: 0.03, woosim.FaultHTML: 0.01, woosim.FaultDelay: 0.02} {
		e.store.AddFault(woosim.Fault{Kind: kind, Probability: p, Delay: 200 * time.Millisecond, Path: regexp.MustCompile(`/orders`)})
	}
	e.thrice(address)
	e.poll()
	e.idle()
	if r := e.verify(); r.String() != recorded {
		t.Errorf("%s", r)
	}
	if n := e.count("SELECT count(*) FROM woo_sync_log WHERE sync_type = 'order' AND state IN ('warning', 'failed') AND message LIKE '%tried again%'"); n == 0 {
		t.Error("no failure of the store is in the log")
	}
}

// TestHeldOrdersWaitForAPerson holds the orders of products that were deleted
// in the store, and imports them by itself once a person decided.
func TestHeldOrdersWaitForAPerson(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, orm.Values{"unknown_product": "hold"})
	address := e.receiver(nil)
	for _, id := range []int{338, 339, 337} {
		e.accepted(address, "order.updated", id)
	}
	e.idle()
	if n := e.count("SELECT count(*) FROM woo_order WHERE state = 'held' AND hold_reason LIKE '%was deleted in the store%' AND sale_order_id IS NULL"); n != 2 {
		t.Errorf("%d orders are held, want 2", n)
	}
	if n := e.count("SELECT count(*) FROM sale_order WHERE woo_number IS NOT NULL"); n != 1 {
		t.Errorf("%d sale orders, want 1", n)
	}
	e.run(func(env *orm.Env) error {
		return env.Model("woo.instance").Browse(e.instance).Write(orm.Values{"unknown_product": "placeholder"})
	})
	e.idle()
	if n := e.count("SELECT count(*) FROM woo_order WHERE state = 'imported' AND hold_reason IS NULL"); n != 3 {
		t.Errorf("%d orders are imported, want 3", n)
	}
	if got := e.text("SELECT l.name FROM woo_order o JOIN woo_order_bind b ON b.order_id = o.id JOIN sale_order_line l ON l.id = b.sale_line_id WHERE o.woo_id = 339 AND b.kind = 'product'"); got != "To be deleted: Foot Bath Basin" {
		t.Errorf("the placeholder's line says %q", got)
	}
}
