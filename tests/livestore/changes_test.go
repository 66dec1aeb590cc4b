package livestore

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
)

// facts are what a test looks at of one order.
type facts struct {
	state, hold, attention, sale, name, invoice, total, invoiced string
}

func (e *erp) facts(id int) facts {
	e.t.Helper()
	get := func(expr string) string {
		return e.text("SELECT ("+expr+")::text FROM woo_order o LEFT JOIN sale_order s ON s.id = o.sale_order_id LEFT JOIN account_move m ON m.id = o.invoice_id WHERE o.woo_id = ? AND o.instance_id = ?", id, e.instance)
	}
	return facts{get("o.state"), get("o.hold_reason"), get("o.attention"), get("s.state"), get("s.name"), get("m.state"), get("round(s.amount_total, 2)"), get("round(m.amount_total, 2)")}
}

// takeOver imports the present state of an order.
func (e *erp) takeOver(ids ...int) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		for _, id := range ids {
			body := e.body(id)
			if err := receive(env, signed("order.updated", body), body); err != nil {
				return err
			}
		}
		return nil
	})
	e.idle()
}

func (e *erp) body(id int) []byte {
	e.t.Helper()
	raw, err := e.store.Order(id)
	if err != nil {
		e.t.Fatal(err)
	}
	return raw
}

func (e *erp) edit(id int, change string) {
	e.t.Helper()
	if err := e.store.EditOrder(id, []byte(change)); err != nil {
		e.t.Fatal(err)
	}
}

// same compares the documents with the store's total, and counts them.
func (e *erp) same(t *testing.T, id int) {
	t.Helper()
	f, want := e.facts(id), e.said(id)
	if f.state != "imported" || f.sale != "sale" || f.total != want.Total || f.invoice != "draft" || f.invoiced != want.Total || f.attention != "" {
		t.Errorf("order %d: %+v, the store's total is %s", id, f, want.Total)
	}
	if n := e.count("SELECT count(*) FROM sale_order WHERE woo_number = ?", want.Number); n != 1 {
		t.Errorf("order %d has %d sale orders", id, n)
	}
	if n := e.count(`SELECT count(DISTINCT i.move_id) FROM woo_order o JOIN sale_order_line l ON l.order_id = o.sale_order_id JOIN sale_order_line_invoice_rel r ON r.order_line_id = l.id
		JOIN account_move_line i ON i.id = r.invoice_line_id WHERE o.woo_id = ? AND i.parent_state <> 'cancel'`, id); n != 1 {
		t.Errorf("order %d has %d invoices", id, n)
	}
	pieces := e.text(`SELECT trim_scale(sum(m.product_uom_qty))::text FROM woo_order o JOIN sale_order_line l ON l.order_id = o.sale_order_id JOIN stock_move m ON m.sale_line_id = l.id WHERE o.woo_id = ? AND m.state <> 'cancel'`, id)
	sold := e.text(`SELECT trim_scale(sum(l.product_uom_qty))::text FROM woo_order o JOIN sale_order_line l ON l.order_id = o.sale_order_id JOIN product_product p ON p.id = l.product_id JOIN product_template t ON t.id = p.product_tmpl_id WHERE o.woo_id = ? AND t.type = 'consu'`, id)
	if pieces != sold {
		t.Errorf("order %d: %s pieces are to be delivered, %s are sold", id, pieces, sold)
	}
}

// pickings counts the deliveries of an order.
func (e *erp) pickings(id int) string {
	e.t.Helper()
	return e.text("SELECT count(*) FILTER (WHERE state <> 'cancel') || ' live, ' || count(*) FILTER (WHERE state = 'cancel') || ' cancelled' FROM stock_picking WHERE origin = ?", e.facts(id).name)
}

func (e *erp) wants(t *testing.T, id int, sale, attention string) {
	t.Helper()
	f := e.facts(id)
	if f.sale != sale || !strings.Contains(f.attention, attention) || attention == "" && f.attention != "" {
		t.Errorf("order %d: sale order %s, attention %q; want %s, %q", id, f.sale, f.attention, sale, attention)
	}
}

// deliverGoods validates the delivery of an order.
func (e *erp) deliverGoods(id int) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		ps, err := orm.Search[stock.Picking](env, orm.And(orm.Leaf("origin", "=", e.facts(id).name), orm.Leaf("state", "not in", []any{"done", "cancel"})), orm.SearchOptions{}, "move_ids")
		if err != nil {
			return err
		}
		for _, p := range ps {
			for _, m := range p.MoveIDs.All() {
				if err := orm.RecordsOf(env, m).Write(orm.Values{"quantity": m.ProductUomQty, "picked": true}); err != nil {
					return err
				}
			}
		}
		_, err = orm.Invoke(env, stock.ButtonValidate, ps)
		return err
	})
}

func (e *erp) postInvoice(id int) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		n := e.count("SELECT invoice_id FROM woo_order WHERE woo_id = ?", id)
		ms, err := orm.Read[account.Move](env, []int64{int64(n)})
		if err != nil {
			return err
		}
		_, err = orm.Invoke(env, account.ActionPost, ms)
		return err
	})
}

// TestChangesInTheStore follows orders through what people do to them in the
// store and here.
func TestChangesInTheStore(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)
	t.Run("lines are changed, added and removed before the delivery", func(t *testing.T) {
		e.takeOver(290)
		e.same(t, 290)
		name := e.facts(290).name
		e.edit(290, `{"line_items":[{"id":306,"quantity":5,"subtotal":"49.95","total":"44.95"},{"id":307,"quantity":0},{"product_id":116,"quantity":2}],"fee_lines":[{"name":"Gift wrap","total":"3.00","tax_status":"none"}]}`)
		e.takeOver(290)
		e.same(t, 290)
		if f := e.facts(290); f.name != name {
			t.Errorf("%s became %s", name, f.name)
		}
		if n := e.count("SELECT count(*) FROM woo_order o JOIN woo_order_bind b ON b.order_id = o.id WHERE o.woo_id = 290"); n != 5 {
			t.Errorf("%d lines are bound, want 5: two of goods, shipping, a fee, a coupon", n)
		}
		if got := e.pickings(290); got != "1 live, 0 cancelled" {
			t.Errorf("the order has %s deliveries", got)
		}
	})
	t.Run("a note and an address touch no move of the delivery", func(t *testing.T) {
		moves := func() string {
			return e.text("SELECT string_agg(m.id || ' ' || m.write_date || ' ' || m.state, ',' ORDER BY m.id) FROM stock_move m JOIN stock_picking p ON p.id = m.picking_id WHERE p.origin = ?", e.facts(290).name)
		}
		before := moves()
		e.edit(290, `{"customer_note":"Ring twice"}`)
		e.takeOver(290)
		e.same(t, 290)
		if after := moves(); after != before || before == "" {
			t.Errorf("the moves were %s and are %s", before, after)
		}
		// Moves bear the address; it is all that changes of them.
		plan := func() string {
			return e.text("SELECT string_agg(m.id || ' ' || m.state || ' ' || m.product_uom_qty || ' ' || m.quantity, ',' ORDER BY m.id) FROM stock_move m JOIN stock_picking p ON p.id = m.picking_id WHERE p.origin = ?", e.facts(290).name)
		}
		before = plan()
		e.edit(290, `{"shipping":{"address_1":"9 Oak Ave","city":"Perth","postcode":"K7H 1A1"}}`)
		e.takeOver(290)
		e.same(t, 290)
		if after := plan(); after != before {
			t.Errorf("the moves were %s and are %s", before, after)
		}
		if got := e.text("SELECT a.street || ', ' || (s.note LIKE '%Ring twice%')::text FROM stock_picking p JOIN res_partner a ON a.id = p.partner_id JOIN sale_order s ON s.name = p.origin WHERE s.woo_number = '290'"); got != "9 Oak Ave, true" {
			t.Errorf("the delivery goes to %s", got)
		}
	})
	t.Run("another address before the delivery", func(t *testing.T) {
		e.takeOver(323)
		before := e.text("SELECT partner_shipping_id::text FROM sale_order WHERE woo_number = '323'")
		e.edit(323, `{"shipping":{"address_1":"9 Oak Ave","city":"Perth","postcode":"K7H 1A1"}}`)
		e.takeOver(323)
		e.same(t, 323)
		if got := e.text("SELECT p.street || '|' || p.city || '|' || c.code FROM sale_order s JOIN res_partner p ON p.id = s.partner_shipping_id JOIN res_country_state c ON c.id = p.state_id WHERE s.woo_number = '323'"); got != "9 Oak Ave|Perth|ON" {
			t.Errorf("the delivery goes to %s", got)
		}
		if after := e.text("SELECT partner_shipping_id::text FROM sale_order WHERE woo_number = '323'"); after == before {
			t.Error("the old address was overwritten")
		}
	})
	t.Run("after the delivery a change is put to a person", func(t *testing.T) {
		e.takeOver(292)
		total := e.facts(292).total
		e.deliverGoods(292)
		e.edit(292, `{"line_items":[{"id":319,"quantity":4,"total":"40.00"}]}`)
		e.takeOver(292)
		e.wants(t, 292, "sale", "something of it is delivered, so the change was not taken over: quantity of “Nitrile Gloves, Medium, box/100” 3 → 4")
		if f := e.facts(292); f.total != total {
			t.Errorf("the sale order went from %s to %s", total, f.total)
		}
	})
	t.Run("after the invoice is posted a change is put to a person, once", func(t *testing.T) {
		e.takeOver(302)
		e.postInvoice(302)
		e.edit(302, `{"line_items":[{"id":366,"quantity":2,"total":"109.98"}]}`)
		e.takeOver(302)
		e.wants(t, 302, "sale", "is posted, so the change was not taken over")
		e.run(func(env *orm.Env) error {
			rs, err := env.Model("woo.order").Search(orm.Leaf("woo_id", "=", 302), orm.SearchOptions{})
			if err != nil {
				return err
			}
			_, err = rs.Call("action_resolve", orm.Args{})
			return err
		})
		e.takeOver(302)
		e.wants(t, 302, "sale", "")
	})
	t.Run("cancelled before the delivery", func(t *testing.T) {
		e.takeOver(295)
		e.store.AdvanceOrder(295, "cancelled")
		e.takeOver(295)
		if f := e.facts(295); f.state != "cancelled" || f.sale != "cancel" || f.invoice != "cancel" || !strings.Contains(f.hold, "cancelled in the store") {
			t.Errorf("%+v", f)
		}
		if n := e.count("SELECT count(*) FROM stock_move m JOIN sale_order_line l ON l.id = m.sale_line_id JOIN sale_order s ON s.id = l.order_id WHERE s.woo_number = '295' AND m.state <> 'cancel'"); n != 0 {
			t.Errorf("%d moves are left", n)
		}
		// The shop changes its mind.
		e.store.AdvanceOrder(295, "processing")
		e.takeOver(295)
		e.same(t, 295)
	})
	t.Run("cancelled after the delivery", func(t *testing.T) {
		e.takeOver(300)
		e.deliverGoods(300)
		e.store.AdvanceOrder(300, "cancelled")
		e.takeOver(300)
		e.wants(t, 300, "sale", "The sale order stands, though the store wants none: The order is cancelled in the store. But something of it is delivered.")
	})
	t.Run("trashed and deleted for good", func(t *testing.T) {
		e.takeOver(303, 305)
		if err := e.store.TrashOrder(303); err != nil {
			t.Fatal(err)
		}
		c, err := wcapi.New(wcapi.Config{BaseURL: e.url, ConsumerKey: woosim.DefaultKey.Key, ConsumerSecret: woosim.DefaultKey.Secret, Transport: http.DefaultTransport})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.DeleteOrder(t.Context(), 305, true); err != nil {
			t.Fatal(err)
		}
		e.run(func(env *orm.Env) error {
			body := []byte(`{"id":305}`)
			return receive(env, signed("order.deleted", body), body)
		})
		e.takeOver(303)
		for _, id := range []int{303, 305} {
			if f := e.facts(id); f.state != "cancelled" || f.sale != "cancel" {
				t.Errorf("order %d: %+v", id, f)
			}
		}
	})
	t.Run("paid later", func(t *testing.T) {
		e.takeOver(344)
		if f := e.facts(344); f.state != "received" || f.sale != "" || !strings.Contains(f.hold, "not paid yet") {
			t.Errorf("%+v", f)
		}
		e.store.AdvanceOrder(344, "processing")
		e.takeOver(344)
		e.same(t, 344)
	})
	t.Run("changed here too", func(t *testing.T) {
		e.takeOver(304)
		e.run(func(env *orm.Env) error {
			rs, err := env.Model("sale.order.line").Search(orm.And(orm.Leaf("order_id.woo_number", "=", "304"), orm.Leaf("display_type", "=", false)), orm.SearchOptions{Limit: 1})
			if err != nil {
				return err
			}
			return rs.Write(orm.Values{"price_unit": 1})
		})
		e.edit(304, `{"line_items":[{"id":381,"quantity":2,"total":"29.50"}]}`)
		e.takeOver(304)
		e.wants(t, 304, "sale", "the sale order was changed here too")
	})
}

// TestStaleReads answers a job with an old state of an order, and only after a
// newer one was taken over: the newer one stays.
func TestStaleReads(t *testing.T) {
	t.Parallel()
	var hold atomic.Bool
	held, release := make(chan bool), make(chan bool)
	order := regexp.MustCompile(`/orders/29\d$`)
	e := newERP(t, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			store.ServeHTTP(rec, r)
			if order.MatchString(r.URL.Path) && hold.CompareAndSwap(true, false) {
				held <- true
				<-release
			}
			for k, v := range rec.Header() {
				w.Header()[k] = v
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	}, nil)
	// Changes of HPOS move the date; those of one second are told apart by when
	// the store was asked.
	for i, change := range []string{`{"customer_note":"Ring twice"}`, `{"line_items":[{"id":313,"quantity":3,"total":"41.00"}]}`} {
		id := 291
		hold.Store(true)
		only := fmt.Appendf(nil, `{"id":%d}`, id) // a state that is known already is not read
		e.run(func(env *orm.Env) error { return receive(env, signed("order.updated", only), only) })
		<-held
		e.edit(id, change)
		e.run(func(env *orm.Env) error { return receive(env, signed("order.updated", e.body(id)), e.body(id)) })
		e.waitFor(fmt.Sprintf("SELECT count(*) FROM woo_event WHERE state <> 'received' HAVING count(*) = %d", 2*i+1))
		release <- true
		e.idle()
		e.same(t, id)
	}
	if got := e.text("SELECT customer_note FROM woo_order WHERE woo_id = 291"); got != "Ring twice" {
		t.Errorf("the note is %q", got)
	}
}

// signed are the headers of a delivery.
func signed(topic string, body []byte) http.Header {
	h := http.Header{}
	h.Set(wcapi.HeaderTopic, topic)
	h.Set(wcapi.HeaderSignature, wcapi.Sign(webhookSecret, body))
	return h
}

// receive takes a delivery in, as the route of the webhooks does.
func receive(env *orm.Env, h http.Header, body []byte) error {
	ok, err := woocommerce.Receive(env, h, body, func(string, int) bool { return true })
	if err == nil && !ok {
		err = errors.New("the signature is refused")
	}
	return err
}
