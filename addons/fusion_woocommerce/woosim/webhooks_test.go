package woosim

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

type recordedDelivery struct {
	name, topic, body, secret string
	headers                   [][2]string
}

func recordedDeliveries(t *testing.T) []recordedDelivery {
	var out []recordedDelivery
	readLines(t, "testdata/webhooks.jsonl.gz", func(line []byte) {
		v, err := decode(line)
		if err != nil {
			t.Fatal(err)
		}
		o := v.(*Obj)
		d := recordedDelivery{name: o.Str("name"), body: o.Str("body"), secret: o.Str("secret")}
		for _, h := range o.List("headers") {
			kv := h.([]any)
			d.headers = append(d.headers, [2]string{text(kv[0]), text(kv[1])})
			if text(kv[0]) == "X-WC-Webhook-Topic" {
				d.topic = text(kv[1])
			}
		}
		out = append(out, d)
	})
	return out
}

func sign(secret string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// ours are the header names a delivery carries, without those of the connection.
func names(headers [][2]string) []string {
	var out []string
	for _, h := range headers {
		if !slices.Contains([]string{"Host", "Accept-Encoding", "Connection", "Content-Length"}, h[0]) {
			out = append(out, h[0])
		}
	}
	slices.Sort(out)
	return out
}

// TestRecordedSignatures checks that secrets are decoded before signing the way
// the recorded deliveries were.
func TestRecordedSignatures(t *testing.T) {
	t.Parallel()
	n := 0
	for _, d := range recordedDeliveries(t) {
		for _, h := range d.headers {
			if h[0] == "X-WC-Webhook-Signature" {
				n++
				if got := sign(decodeEntities(d.secret), []byte(d.body)); got != h[1] {
					t.Errorf("%s: signature %s, recorded %s", d.name, got, h[1])
				}
			}
		}
	}
	if n != 133 {
		t.Errorf("%d signed deliveries, want 133", n)
	}
}

// inbox keeps what a receiver got.
type inbox struct {
	mu     sync.Mutex
	got    []Delivery
	status int
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, Delivery{Header: r.Header, Body: body, Topic: r.Header.Get("X-Wc-Webhook-Topic")})
	if b.status == 0 {
		b.status = 200
	}
	w.WriteHeader(b.status)
}

func (b *inbox) take() []Delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.got
	b.got = nil
	return out
}

func newShop(t *testing.T) *Sim {
	t.Helper()
	st, err := Load(DefaultStore)
	if err != nil {
		t.Fatal(err)
	}
	opt := DefaultOptions()
	at := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	opt.Clock = func() time.Time { return at }
	opt.Seed = 7
	return New(st, opt)
}

var allTopics = []string{"order.created", "order.updated", "order.deleted", "order.restored", "product.updated", "product.deleted", "customer.updated", "coupon.deleted", "action.woocommerce_order_refunded"}

// TestDeliveriesLikeRecorded compares deliveries of a lived-in shop with the
// recorded ones: header names, keys of the body in their order, signature.
func TestDeliveriesLikeRecorded(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	box := &inbox{}
	srv := httptest.NewServer(box)
	defer srv.Close()
	for _, topic := range allTopics {
		if _, err := s.AddWebhook(topic, srv.URL+"/"+topic, "sec&amp;ret"); err != nil {
			t.Fatal(err)
		}
	}
	s.Deliver(context.Background())
	pings := box.take()
	if len(pings) != len(allTopics) {
		t.Fatalf("%d pings, want %d", len(pings), len(allTopics))
	}
	if p := pings[0]; string(p.Body) != "webhook_id=1" || p.Header.Get("X-WC-Webhook-Signature") != "" || p.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("ping %q %v", p.Body, p.Header)
	}
	live(t, s)
	for range 3 {
		s.Deliver(context.Background())
	}
	shapes := map[string]string{}
	var headerNames []string
	for _, d := range recordedDeliveries(t) {
		if v, err := decode([]byte(d.body)); err == nil && d.topic != "" && !v.(*Obj).Has("code") {
			shapes[d.topic] += "|" + strings.Join(v.(*Obj).Keys(), " ") + "|"
			headerNames = names(d.headers)
		}
	}
	seen := map[string]bool{}
	for _, d := range box.take() {
		seen[d.Topic] = true
		v, err := decode(d.Body)
		if err != nil {
			t.Fatal(err)
		}
		if keys := strings.Join(v.(*Obj).Keys(), " "); !strings.Contains(shapes[d.Topic], "|"+keys+"|") && !v.(*Obj).Has("code") {
			t.Errorf("%s: keys %s, recorded %s", d.Topic, keys, shapes[d.Topic])
		}
		if got := d.Header.Get("X-WC-Webhook-Signature"); got != sign("sec&ret", d.Body) {
			t.Errorf("%s: signature %s", d.Topic, got)
		}
		for _, n := range headerNames {
			if d.Header.Get(n) == "" {
				t.Errorf("%s: header %s is missing", d.Topic, n)
			}
		}
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(d.Header.Get("X-WC-Webhook-Delivery-ID")) {
			t.Errorf("delivery id %q", d.Header.Get("X-WC-Webhook-Delivery-ID"))
		}
	}
	for _, topic := range []string{"order.created", "order.updated", "order.deleted", "product.updated", "action.woocommerce_order_refunded"} {
		if !seen[topic] {
			t.Errorf("no %s arrived", topic)
		}
	}
}

func live(t *testing.T, s *Sim) {
	t.Helper()
	id, err := s.PlaceOrder(NewOrder{Coupon: "automne10"})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { return s.EditOrder(id, []byte(`{"customer_note":"ring twice"}`)) },
		func() error { _, err := s.RefundOrder(id, "1.00", "goodwill"); return err },
		func() error { return s.AdvanceOrder(id, "completed") },
		func() error { return s.TrashOrder(id) },
		func() error { return s.RestoreOrder(id) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		s.Deliver(context.Background())
	}
	if _, err := s.PlaceOrder(NewOrder{}); err != nil {
		t.Fatal(err)
	}
}

// TestWebhookDisabledAtSeventhFailure follows the recorded count of failures.
func TestWebhookDisabledAtSeventhFailure(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	box := &inbox{status: 500}
	srv := httptest.NewServer(box)
	defer srv.Close()
	if _, err := s.AddWebhook("order.updated", srv.URL, "x"); err != nil {
		t.Fatal(err)
	}
	order := s.OrderIDs("processing")[0]
	for n := 1; n <= 8; n++ {
		if err := s.EditOrder(order, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		s.Deliver(context.Background())
		signed := 0
		for _, d := range box.take() {
			if d.Topic != "" {
				signed++
			}
		}
		status := s.st.webhooks.get(1).Str("status")
		if want := n >= 7; (status == "disabled") != want || (signed == 1) != (n <= 7) {
			t.Errorf("failure %d: status %s, %d deliveries", n, status, signed)
		}
	}
}

// TestOwnerWithoutRights compares the signed error bodies with the recorded.
func TestOwnerWithoutRights(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, d := range recordedDeliveries(t) {
		want[d.name] = d.body
	}
	for role, name := range map[string]string{"customer": "143-order.updated", "": "144-order.updated"} {
		s := newShop(t)
		box := &inbox{}
		srv := httptest.NewServer(box)
		id, err := s.AddWebhook("order.updated", srv.URL, "x")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetWebhookOwner(id, role); err != nil {
			t.Fatal(err)
		}
		s.Deliver(context.Background())
		box.take()
		if err := s.EditOrder(s.OrderIDs("processing")[0], []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		s.Deliver(context.Background())
		if got := box.take(); len(got) != 1 || string(got[0].Body) != want[name] {
			t.Errorf("owner %q: %s, recorded %s", role, got[0].Body, want[name])
		}
		srv.Close()
	}
}

// TestEventOrder checks which events a change queues, and in what order, against
// the recorded steps.
func TestEventOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	box := &inbox{}
	srv := httptest.NewServer(box)
	defer srv.Close()
	for topic := range hookNames {
		if _, err := s.AddWebhook(topic, srv.URL, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.AddWebhook("action.woocommerce_order_refunded", srv.URL, "x"); err != nil {
		t.Fatal(err)
	}
	s.Deliver(t.Context())
	box.take()
	var order, draft int
	for _, c := range []struct {
		step string
		do   func() error
		want string
	}{
		{"order placed", func() (err error) { order, err = s.PlaceOrder(NewOrder{SKUs: []string{"BTH-GB16"}}); return }, "order.created order.updated product.updated"},
		{"three updates before the queue runs", func() error {
			for range 2 {
				if err := s.EditOrder(order, []byte(`{}`)); err != nil {
					return err
				}
			}
			return s.EditOrder(order, []byte(`{"customer_note":"x"}`))
		}, "order.updated"},
		{"basket at the block checkout", func() (err error) {
			draft, err = s.PlaceOrder(NewOrder{SKUs: []string{"BTH-GB16"}, BlockCheckout: true, Status: "checkout-draft"})
			return
		}, "order.updated"},
		{"block checkout finished", func() error { return s.AdvanceOrder(draft, "processing") }, "order.updated order.created product.updated"},
		{"partly refunded", func() error { _, err := s.RefundOrder(order, "1.00", ""); return err }, "order.updated action.woocommerce_order_refunded"},
		{"cancelled", func() error { return s.AdvanceOrder(order, "cancelled") }, "order.updated product.updated"},
		{"trashed", func() error { return s.TrashOrder(order) }, "order.deleted"},
		{"brought back by its status", func() error { return s.AdvanceOrder(order, "processing") }, "product.updated"},
		{"product written", func() error { return s.EditProduct(66, []byte(`{"regular_price":"36.00"}`)) }, "product.updated"},
		{"variation written", func() error { return s.EditProduct(156, []byte(`{"stock_quantity":3}`)) }, "product.updated"},
		{"product trashed", func() error { return s.TrashProduct(66) }, "coupon.deleted product.deleted"},
		{"product restored", func() error { return s.RestoreProduct(66) }, "product.updated coupon.restored product.restored"},
	} {
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.step, err)
		}
		s.Deliver(t.Context())
		var got []string
		for _, d := range box.take() {
			got = append(got, d.Topic)
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s: %s, recorded %s", c.step, g, c.want)
		}
	}
}
