package woosim

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// wcSignature is spelled as the store sends it, which is not Go's spelling.
var wcSignature = "X-WC-" + "Webhook-Signature"

// TestRestore goes on with a lived-in shop in another simulator: everything the
// API shows is equal, new orders get new ids, webhooks keep their secrets and
// what they had still to deliver.
func TestRestore(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	box := &inbox{}
	receiver := httptest.NewServer(box)
	defer receiver.Close()
	if _, err := s.AddWebhook("order.created", receiver.URL, "secret"); err != nil {
		t.Fatal(err)
	}
	s.Deliver(context.Background())
	box.take()
	first, err := s.PlaceOrder(NewOrder{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.TrashOrder(s.OrderIDs("processing")[0]); err != nil {
		t.Fatal(err)
	}
	snapshot := s.Snapshot()

	opt := DefaultOptions()
	opt.Clock = func() time.Time { return time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC) }
	back, err := Restore(snapshot, opt)
	if err != nil {
		t.Fatal(err)
	}
	if again := back.Snapshot(); !bytes.Equal(snapshot, again) {
		t.Errorf("a restored shop is another one: %d bytes, then %d", len(snapshot), len(again))
	}
	for _, id := range s.OrderIDs("") {
		a, _ := s.Order(id)
		b, err := back.Order(id)
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("order %d was\n%s\nis\n%s (%v)", id, a, b, err)
		}
	}
	second, err := back.PlaceOrder(NewOrder{})
	if err != nil || second <= first {
		t.Errorf("the next order is %d after %d, %v", second, first, err)
	}
	var signed int
	for _, d := range back.Deliver(context.Background()) {
		if d.Status == 200 && slices.Equal(d.Header[wcSignature], []string{sign("secret", d.Body)}) {
			signed++
		}
	}
	if signed != 2 {
		t.Errorf("%d signed deliveries, want those of orders %d and %d", signed, first, second)
	}
	// Bringing an order back needs what the API does not show.
	if err := back.RestoreOrder(back.OrderIDs("trash")[len(back.OrderIDs("trash"))-1]); err != nil {
		t.Error(err)
	}
	if _, err := Restore([]byte(`{"orders": []}`), opt); err == nil {
		t.Error("a file of another kind is taken for a snapshot")
	}
}

// TestPlacesOfTheShop places orders in a shop that knows no cents.
func TestPlacesOfTheShop(t *testing.T) {
	t.Parallel()
	st, err := Load(fstest.MapFS{
		"settings_general.json": {Data: []byte(`[{"id":"woocommerce_currency","value":"JPY"},{"id":"woocommerce_price_num_decimals","value":"0"},
			{"id":"woocommerce_calc_taxes","value":"yes"},{"id":"woocommerce_default_country","value":"JP:JP13"}]`)},
		"taxes.json":     {Data: []byte(`[{"id":1,"country":"JP","rate":"8.0000","name":"JCT","priority":1,"shipping":true,"class":"standard"}]`)},
		"products.json":  {Data: []byte(`[{"id":10,"name":"Tea","type":"simple","status":"publish","sku":"TEA","price":"1236","regular_price":"1236","tax_status":"taxable","tax_class":"","stock_status":"instock","purchasable":true}]`)},
		"customers.json": {Data: []byte(`[{"id":3,"role":"customer","email":"a@shop.example","billing":{"country":"JP","state":"JP13"},"shipping":{}}]`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := New(st, DefaultOptions())
	id, err := s.PlaceOrder(NewOrder{SKUs: []string{"TEA"}})
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := s.Order(id)
	var o struct {
		Currency string
		Total    string
		Tax      string `json:"total_tax"`
		Shipping string `json:"shipping_total"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	// 1236 + 10 shipping + 8 % of each, rounded: 98.88 → 99, 0.8 → 1
	if o.Currency != "JPY" || o.Shipping != "10" || o.Tax != "100" || o.Total != "1346" {
		t.Errorf("%+v", o)
	}
}

// TestLoadNamesTheFile checks that a folder that is no shop is told apart.
func TestLoadNamesTheFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, want string }{
		"system_status.json": {"[]", "system_status.json: want an object"},
		"orders.json":        {"[\n{\"id\": 1},\n{]", "(line 3)"},
		"products.json":      {`{"id": 1}`, "products.json: want a list"},
		"taxes.json":         {`[{"name": "x"}]`, "taxes.json: entry 0 has no id"},
	} {
		_, err := Load(fstest.MapFS{name: {Data: []byte(c.content)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestWritten checks that the caller hears of writes before they are answered.
func TestWritten(t *testing.T) {
	t.Parallel()
	st, err := Load(DefaultStore)
	if err != nil {
		t.Fatal(err)
	}
	opt, n := DefaultOptions(), 0
	opt.PlainHTTP = true
	opt.Written = func() { n++ }
	s := New(st, opt)
	for _, c := range []struct {
		method, path, body string
		want               int
	}{{"GET", "/wp-json/wc/v3/orders/288", "", 0}, {"PUT", "/wp-json/wc/v3/orders/288", `{"customer_note":"x"}`, 1}, {"GET", "/wp-json/wc/v3/orders", "", 1}} {
		req := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth(DefaultKey.Key, DefaultKey.Secret)
		res := httptest.NewRecorder()
		s.ServeHTTP(res, req)
		if res.Code != 200 || n != c.want {
			t.Errorf("%s %s: status %d, %d writes told, want %d", c.method, c.path, res.Code, n, c.want)
		}
	}
}
