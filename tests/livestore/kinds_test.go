package livestore

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"
)

// client speaks to the store as the shop's people do.
func (e *erp) client() *wcapi.Client {
	e.t.Helper()
	c, err := wcapi.New(wcapi.Config{BaseURL: e.url, ConsumerKey: woosim.DefaultKey.Key, ConsumerSecret: woosim.DefaultKey.Secret, Transport: http.DefaultTransport})
	if err != nil {
		e.t.Fatal(err)
	}
	return c
}

// compare lets the next poll and the next fetch of products look at everything.
func (e *erp) compare() {
	e.t.Helper()
	e.set(orm.Values{"full_compare_at": nil, "product_compare_at": nil})
	e.poll()
	e.run(func(env *orm.Env) error {
		_, err := orm.InvokeModel(env, woocommerce.CronProducts)
		return err
	})
	e.idle()
}

func (e *erp) place(skus ...string) int {
	e.t.Helper()
	id, err := e.store.PlaceOrder(woosim.NewOrder{SKUs: skus})
	if err != nil {
		e.t.Fatal(err)
	}
	return id
}

// change writes on the records of a model that a domain finds.
func (e *erp) change(model string, d orm.Domain, vals orm.Values) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		rs, err := env.Model(model).Search(d, orm.SearchOptions{})
		if err != nil || rs.Len() == 0 {
			return fmt.Errorf("%d records of %s: %w", rs.Len(), model, err)
		}
		return rs.Write(vals)
	})
}

// TestProductsTheMappingLacks imports orders of a product that is new in the store, under
// each policy for unknown products.
func TestProductsTheMappingLacks(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, orm.Values{"unknown_product": "hold"})
	const clock, sku, name = 123, "DLA-CLOCK", "Talking Clock / Horloge parlante"
	forget := func() {
		t.Helper()
		e.run(func(env *orm.Env) error {
			rs, err := env.Model("woo.product.map").Search(orm.Leaf("woo_id", "=", clock), orm.SearchOptions{})
			if err != nil {
				return err
			}
			return rs.Unlink()
		})
	}
	line := func(id int) string {
		return e.text(`SELECT p.default_code || ': ' || l.name FROM woo_order o JOIN woo_order_bind b ON b.order_id = o.id JOIN sale_order_line l ON l.id = b.sale_line_id
			JOIN product_product p ON p.id = l.product_id WHERE o.woo_id = ? AND b.kind = 'product'`, id)
	}
	// The ERP has a product of this SKU: it is found, whatever the policy.
	forget()
	first := e.place(sku)
	e.takeOver(first)
	e.same(t, first)
	if got := line(first); got != sku+": "+name {
		t.Errorf("sold as %s", got)
	}
	// It has none.
	e.set(orm.Values{"missing_product": "suggest"})
	e.change("product.product", orm.Leaf("default_code", "=", sku), orm.Values{"default_code": "OTHER"})
	forget()
	second := e.place(sku)
	e.takeOver(second)
	e.is(t, second, "held", "“"+name+"” (SKU "+sku+", store id 123) is not mapped")
	if got := e.text("SELECT state || ' ' || woo_sku FROM woo_product_map WHERE woo_id = ?", clock); got != "unmapped "+sku {
		t.Errorf("the mapping says %s", got)
	}
	if got := e.text("SELECT totals_state FROM woo_order WHERE woo_id = ?", second); got != "" {
		t.Errorf("an order without a document is %s to the store", got)
	}
	placeholder := e.text("SELECT default_code FROM product_product p JOIN woo_instance i ON i.placeholder_product_id = p.id")
	e.set(orm.Values{"unknown_product": "placeholder"})
	e.idle()
	e.same(t, second)
	if got := line(second); got != placeholder+": "+name {
		t.Errorf("replaced by %s", got)
	}
	e.set(orm.Values{"unknown_product": "create"})
	forget()
	third := e.place(sku)
	e.takeOver(third)
	e.same(t, third)
	if got := line(third); got != sku+": "+name {
		t.Errorf("created as %s", got)
	}
	if n := e.count("SELECT count(*) FROM river_job WHERE state IN ('retryable', 'discarded', 'cancelled')"); n != 0 {
		t.Errorf("%d jobs failed", n)
	}
}

// TestValuesTheDatabaseCannotTake holds the one order and the one product that have some,
// with the reason, and takes over all others.
func TestValuesTheDatabaseCannotTake(t *testing.T) {
	t.Parallel()
	// Too long for an index, and not to be compressed.
	var long strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&long, "%x-", uint32(i)*2654435761)
	}
	var on atomic.Bool
	e := newERP(t, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			store.ServeHTTP(rec, r)
			body := rec.Body.String()
			if on.Load() {
				body = strings.NewReplacer(`"number":"298"`, `"number":"`+long.String()+`"`, `"sku":"DLA-CLOCK"`, `"sku":"`+long.String()+`"`).Replace(body)
			}
			for k, v := range rec.Header() {
				w.Header()[k] = v
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write([]byte(body))
		})
	}, nil)
	on.Store(true)
	e.run(func(env *orm.Env) error {
		rs, err := env.Model("woo.product.map").Search(nil, orm.SearchOptions{})
		if err != nil {
			return err
		}
		return rs.Unlink()
	})
	e.compare()
	if got := e.text("SELECT state || ': ' || suggestion_reason FROM woo_product_map WHERE woo_id = 123"); !strings.HasPrefix(got, "error: The database does not take what the store says: index row ") {
		t.Errorf("the product is %s", got)
	}
	if n := e.count("SELECT count(*) FROM woo_product_map WHERE state <> 'error'"); n != 180 {
		t.Errorf("%d other products are taken over, of 180", n)
	}
	if n := e.count("SELECT count(*) FROM woo_sync_log WHERE sync_type = 'product' AND state = 'failed' AND message LIKE '%store id 123%'"); n != 1 {
		t.Errorf("the log tells of the product %d times", n)
	}
	e.is(t, 298, "held", "The database does not take what the store says")
	e.same(t, 300)
	if n := e.count("SELECT count(*) FROM river_job WHERE state IN ('retryable', 'discarded', 'running')"); n != 0 {
		t.Errorf("%d jobs try again or gave up", n)
	}
	// Told once, and asked for again only when the store changes it.
	jobs := e.count("SELECT count(*) FROM river_job WHERE args->>'name' = 'woo.order'")
	e.compare()
	if n := e.count("SELECT count(*) FROM river_job WHERE args->>'name' = 'woo.order'"); n != jobs {
		t.Errorf("%d jobs for orders that are known", n-jobs)
	}
	if n := e.count("SELECT count(*) FROM woo_sync_log WHERE sync_type = 'product' AND state = 'failed'"); n != 1 {
		t.Errorf("the log tells of the product %d times", n)
	}
	on.Store(false)
	e.compare()
	e.again(298)
	e.same(t, 298)
	if got := e.text("SELECT state FROM woo_product_map WHERE woo_id = 123"); got != "mapped" {
		t.Errorf("the product is %s", got)
	}
}

// TestRefusedChangesAreTakenOverLater refuses a change, and takes it over once what was in
// its way is mended. Until then the totals do not pass for equal.
func TestRefusedChangesAreTakenOverLater(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, orm.Values{"unknown_product": "hold"})
	lock := func(id int, m orm.Method[sale.Order]) {
		e.run(func(env *orm.Env) error {
			list, err := orm.Search[sale.Order](env, orm.Leaf("woo_number", "=", fmt.Sprint(id)), orm.SearchOptions{})
			if err != nil {
				return err
			}
			_, err = orm.Invoke(env, m, list)
			return err
		})
	}
	totals := func(want string) {
		t.Helper()
		if got := e.text("SELECT totals_state || ' ' || COALESCE(change_refused, false) FROM woo_order WHERE woo_id = 290"); got != want {
			t.Errorf("the order is %s, not %s", got, want)
		}
	}
	e.takeOver(290)
	totals("equal false")
	before := e.facts(290).total
	lock(290, sale.ActionLock)
	for i, quantity := range []int{4, 5} {
		e.edit(290, fmt.Sprintf(`{"line_items":[{"id":306,"quantity":%d,"subtotal":"49.95","total":"44.9%d"}]}`, quantity, quantity))
		e.takeOver(290)
		e.wants(t, 290, "sale", "the sale order is locked, so the change was not taken over")
		if f := e.facts(290); strings.Contains(f.attention, "\n") || f.total != before {
			t.Errorf("after %d changes: %+v", i+1, f)
		}
		totals("mismatch true")
	}
	e.again(290)
	totals("mismatch true")
	lock(290, sale.ActionUnlock)
	e.again(290)
	e.same(t, 290)
	totals("equal false")
	// What a person changes here is not the store's.
	e.change("sale.order.line", orm.And(orm.Leaf("order_id.woo_number", "=", "290"), orm.Leaf("display_type", "=", false)), orm.Values{"price_unit": 1})
	totals("mismatch false")
}

// TestWhatIsDeletedForGood deletes orders, a refund and a product in the store, which
// tells nobody. The comparison finds out.
func TestWhatIsDeletedForGood(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)
	ctx := context.Background()
	c := e.client()
	e.poll()
	e.idle()
	e.deliverGoods(300)
	refund, err := e.store.RefundOrder(301, "5.00", "goodwill")
	if err != nil {
		t.Fatal(err)
	}
	e.takeOver(301)
	equal(t, "the refund", e.credit(int64(refund)), "booked: draft 5.00 + 0.00 = 5.00, open 5.00")
	sold := e.place("DLA-CLOCK")
	e.takeOver(sold)
	// What is known is not imported again, however often everything is compared.
	jobs := e.count("SELECT count(*) FROM river_job WHERE args->>'name' = 'woo.order'")
	e.compare()
	if n := e.count("SELECT count(*) FROM river_job WHERE args->>'name' = 'woo.order'"); n != jobs {
		t.Errorf("%d jobs for orders that are known", n-jobs)
	}
	documents := e.text("SELECT write_date || ' ' || name FROM sale_order WHERE woo_number = ?", fmt.Sprint(sold))
	for _, id := range []int64{300, 305} {
		if err := c.DeleteOrder(ctx, id, true); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Do(ctx, wcapi.Request{Method: http.MethodDelete, Path: fmt.Sprintf("orders/301/refunds/%d", refund), Query: wcapi.Query{"force": "true"}}); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteProduct(ctx, 123, true); err != nil {
		t.Fatal(err)
	}
	e.compare()
	if f := e.facts(305); f.state != "cancelled" || f.sale != "cancel" || f.hold != "The order was deleted in the store." {
		t.Errorf("%+v", f)
	}
	e.wants(t, 300, "sale", "The sale order stands, though the store wants none: The order was deleted in the store. But something of it is delivered.")
	e.wants(t, 301, "sale", fmt.Sprintf("The store deleted what it had refunded: refund %d of 5.00 CAD, whose draft credit note is cancelled.", refund))
	if got := e.text("SELECT woo_status || ' ' || state FROM woo_product_map WHERE woo_id = 123"); got != "deleted mapped" {
		t.Errorf("the product is %s", got)
	}
	for text, want := range map[string]int{"%“Talking Clock / Horloge parlante” was deleted in the store.%": 1, "%no longer in its list%": 1, "The order was deleted in the store.%": 1} {
		if n := e.count("SELECT count(*) FROM woo_sync_log WHERE message LIKE ?", text); n != want {
			t.Errorf("%d entries of the log say %s", n, text)
		}
	}
	// The lines of the order have lost their product, and the documents are as they were.
	if n := e.said(sold).Lines[0].ProductID; n != 0 {
		t.Fatalf("the store still names product %d", n)
	}
	e.takeOver(sold)
	e.same(t, sold)
	if after := e.text("SELECT write_date || ' ' || name FROM sale_order WHERE woo_number = ?", fmt.Sprint(sold)); after != documents {
		t.Errorf("the sale order was %s and is %s", documents, after)
	}
	// Everything is told once.
	logged := e.count("SELECT count(*) FROM woo_sync_log WHERE state <> 'success'")
	e.compare()
	if n := e.count("SELECT count(*) FROM woo_sync_log WHERE state <> 'success'"); n != logged {
		t.Errorf("%d entries more after another comparison", n-logged)
	}
}

// TestReadsOfSingleOrders counts how often a store is asked for an order alone.
func TestReadsOfSingleOrders(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	reads := map[string]int{}
	order := regexp.MustCompile(`/orders/(\d+)$`)
	e := newERP(t, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m := order.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodGet {
				mu.Lock()
				reads[m[1]]++
				mu.Unlock()
			}
			store.ServeHTTP(w, r)
		})
	}, nil)
	count := func() (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range reads {
			n += r
		}
		return n
	}
	e.poll()
	e.idle()
	if n := count(); n != 0 {
		t.Errorf("the first import asked for %d orders alone: %v", n, reads)
	}
	if r := e.verify(); r.String() != recorded {
		t.Errorf("%s", r)
	}
	address := e.receiver(nil)
	id := e.place("DLA-CLOCK")
	for _, topic := range []string{"order.created", "order.updated", "order.updated"} {
		e.accepted(address, topic, id)
		e.idle()
	}
	e.same(t, id)
	if n := count(); n != 1 {
		t.Errorf("a new order was asked for %d times", n)
	}
	if n := e.count("SELECT count(*) FROM woo_event WHERE state = 'done' AND note LIKE '%in this state already%'"); n != 2 {
		t.Errorf("%d deliveries were known already", n)
	}
}

// TestWebhooksAreWatched switches webhooks off in the store in each way there is. The
// check mends them, and tells what nobody had told of.
func TestWebhooksAreWatched(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)
	e.poll()
	e.idle()
	address := e.receiver(nil)
	e.run(func(env *orm.Env) error {
		return base.SetParam(env, "web.base.url", address)
	})
	if _, err := e.db.Call(t.Context(), orm.System(), func(env *orm.Env) (any, error) {
		return env.Model("woo.instance").Browse(e.instance).Call("action_register_webhooks", orm.Args{})
	}); err != nil {
		t.Fatal(err)
	}
	registered := map[string]int64{}
	ids := func() {
		t.Helper()
		clear(registered)
		if err := json.Unmarshal([]byte(e.text("SELECT webhook_ids FROM woo_instance")), &registered); err != nil || len(registered) != 10 {
			t.Fatal(registered, err)
		}
	}
	check := func() string {
		t.Helper()
		before := e.count("SELECT count(*) FROM woo_sync_log WHERE sync_type = 'webhook'")
		e.run(func(env *orm.Env) error {
			_, err := orm.InvokeModel(env, woocommerce.CronWebhooks)
			return err
		})
		e.idle()
		return e.text("SELECT string_agg(message, ' | ' ORDER BY id) FROM (SELECT * FROM woo_sync_log WHERE sync_type = 'webhook' ORDER BY id OFFSET ?) x WHERE message NOT LIKE '%webhooks registered.'", before)
	}
	ids()
	e.store.Deliver(t.Context())
	if said := check(); said != "" {
		t.Errorf("nothing is wrong, but: %s", said)
	}
	c := e.client()
	spoil := func(topic string, p wcapi.WebhookPatch) {
		t.Helper()
		if _, err := c.UpdateWebhook(t.Context(), registered[topic], p); err != nil {
			t.Fatal(err)
		}
	}
	spoil("order.updated", wcapi.WebhookPatch{Status: "disabled"})
	spoil("order.created", wcapi.WebhookPatch{Status: "paused"})
	spoil("product.updated", wcapi.WebhookPatch{DeliveryURL: "http://127.0.0.1:1/elsewhere"})
	if err := c.DeleteWebhook(t.Context(), registered["order.deleted"]); err != nil {
		t.Fatal(err)
	}
	missed := e.place("DLA-CLOCK")
	if err := e.store.EditProduct(49, []byte(`{"regular_price":"11.00"}`)); err != nil {
		t.Fatal(err)
	}
	said := check()
	for _, want := range []string{"order.updated was disabled", "order.created was paused", "product.updated told http://127.0.0.1:1/elsewhere", "order.deleted was gone", fmt.Sprintf("orders %d", missed), "products "} {
		if !strings.Contains(said, want) {
			t.Errorf("the log does not say %q: %s", want, said)
		}
	}
	e.same(t, missed)
	old := registered["order.updated"]
	ids()
	active := 0
	for h, err := range c.Webhooks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if int64(h.ID) == old {
			t.Error("the disabled webhook is still there, with its failures")
		}
		if registered[h.Topic] == int64(h.ID) && h.Status == "active" && strings.HasPrefix(h.DeliveryURL, address+"/woo/webhook/") {
			active++
		}
	}
	if active != 10 {
		t.Errorf("%d webhooks are active", active)
	}
	if said := check(); said != "" {
		t.Errorf("all is mended, but: %s", said)
	}
	// One that somebody has made anew for the same address is taken for it.
	if err := c.DeleteWebhook(t.Context(), registered["order.restored"]); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateWebhook(t.Context(), wcapi.WebhookPatch{Topic: "order.restored", DeliveryURL: address + "/woo/webhook/order"}); err != nil {
		t.Fatal(err)
	}
	if said := check(); !strings.Contains(said, "order.restored was another one and is put right. Nothing was missed") {
		t.Errorf("the log says: %s", said)
	}
	hooks := 0
	for range c.Webhooks(t.Context()) {
		hooks++
	}
	if hooks != 10 {
		t.Errorf("there are %d webhooks", hooks)
	}
	// Another secret in the store, then here.
	spoil("order.updated", wcapi.WebhookPatch{Secret: "guessed"})
	again := e.place("DLA-CLOCK")
	for _, d := range e.store.Deliver(t.Context()) {
		if d.Topic == "order.updated" && d.Status != http.StatusUnauthorized {
			t.Errorf("a delivery signed with another secret is answered %d", d.Status)
		}
	}
	if said := check(); !strings.Contains(said, "came with a wrong signature") {
		t.Errorf("the log says: %s", said)
	}
	e.edit(again, `{"customer_note":"Ring twice"}`)
	e.set(orm.Values{"webhook_secret": "another one"})
	if said := check(); !strings.Contains(said, "was signed with another secret") {
		t.Errorf("the log says: %s", said)
	}
	e.edit(again, `{"customer_note":"Ring thrice"}`)
	for _, d := range e.store.Deliver(t.Context()) {
		if d.Status != http.StatusOK {
			t.Errorf("%s is answered %d", d.Topic, d.Status)
		}
	}
	e.idle()
	if got := e.text("SELECT customer_note FROM woo_order WHERE woo_id = ?", again); got != "Ring thrice" {
		t.Errorf("the note is %q", got)
	}
}
