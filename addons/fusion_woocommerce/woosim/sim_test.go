package woosim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/shopspring/decimal"
)

func get(t *testing.T, url string) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(DefaultKey.Key, DefaultKey.Secret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res, b, err
}

// TestPlacedOrdersAddUp places orders and checks their own arithmetic.
func TestPlacedOrdersAddUp(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	again := newShop(t)
	for range 60 {
		id, err := s.PlaceOrder(NewOrder{})
		if err != nil {
			t.Fatal(err)
		}
		twin, err := again.PlaceOrder(NewOrder{})
		if err != nil {
			t.Fatal(err)
		}
		a, _ := s.Order(id)
		if b, _ := again.Order(twin); string(a) != string(b) {
			t.Fatalf("one seed, two orders:\n%s\n%s", a, b)
		}
		var o struct {
			Total, TotalTax, CartTax, ShippingTax, ShippingTotal string
			LineItems                                            []struct {
				Total    string
				TotalTax string `json:"total_tax"`
			} `json:"line_items"`
			TaxLines []struct {
				Tax  string `json:"tax_total"`
				Ship string `json:"shipping_tax_total"`
			} `json:"tax_lines"`
		}
		raw := string(a)
		for _, k := range []string{"total_tax", "shipping_total"} {
			raw = strings.Replace(raw, `"`+k+`":`, `"`+strings.ReplaceAll(k, "_", "")+`":`, 1)
		}
		if err := json.Unmarshal([]byte(raw), &o); err != nil {
			t.Fatal(err)
		}
		sum, taxes := dec(o.ShippingTotal), decimal.Zero
		for _, l := range o.LineItems {
			sum = sum.Add(dec(l.Total))
		}
		for _, l := range o.TaxLines {
			taxes = taxes.Add(dec(l.Tax)).Add(dec(l.Ship))
		}
		if !taxes.Equal(dec(o.TotalTax)) || !sum.Add(taxes).Equal(dec(o.Total)) || len(o.LineItems) == 0 {
			t.Errorf("order %d: lines and shipping %s, taxes %s, total %s, total_tax %s", id, sum, taxes, o.Total, o.TotalTax)
		}
	}
}

// TestListen reaches the shop over a real connection, with faults.
func TestListen(t *testing.T) {
	t.Parallel()
	srv, err := newShop(t).Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	url := srv.URL + "/wp-json/wc/v3/products?per_page=1"
	res, body, err := get(t, url)
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(body), strings.ReplaceAll(srv.URL, "/", `\/`)+`\/product\/`) || strings.Contains(string(body), "127.0.0.1:8088") {
		t.Fatalf("%v %v %.200s", err, res, body)
	}
	products := regexp.MustCompile(`/products$`)
	for _, c := range []struct {
		fault  Fault
		status int
		has    string
	}{
		{Fault{Kind: FaultStatus, Status: 502}, 502, "internal_server_error"},
		{Fault{Kind: FaultRateLimit}, 429, "too_many"},
		{Fault{Kind: FaultMaintenance}, 503, "maintenance"},
		{Fault{Kind: FaultHTML}, 200, "<!DOCTYPE"},
		{Fault{Kind: FaultBOM}, 200, "\ufeff["},
		{Fault{Kind: FaultNotice}, 200, "<b>Warning</b>"},
		{Fault{Kind: FaultCutBefore}, 0, ""},
		{Fault{Kind: FaultCutAfter}, 0, ""},
	} {
		c.fault.Path, c.fault.Method, c.fault.Count = products, "GET", 1
		srv.AddFault(c.fault)
		req, _ := http.NewRequest("GET", url, nil)
		req.Close = true // Go repeats a GET whose kept connection was cut
		req.SetBasicAuth(DefaultKey.Key, DefaultKey.Secret)
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if c.status == 0 {
			if err == nil {
				t.Errorf("fault %d: answered", c.fault.Kind)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != c.status || !strings.Contains(string(b), c.has) {
			t.Errorf("fault %d: %d %.100s", c.fault.Kind, res.StatusCode, b)
		}
		if res, _, err := get(t, url); err != nil || res.StatusCode != 200 {
			t.Errorf("after fault %d: %v %v", c.fault.Kind, res, err)
		}
	}
}

// TestConcurrent uses one shop from many sides at once.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	srv, err := newShop(t).Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				if _, err := srv.PlaceOrder(NewOrder{}); err != nil {
					t.Error(err)
				}
				if _, _, err := get(t, srv.URL+"/wp-json/wc/v3/orders?per_page=20"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(srv.OrderIDs("")); n != 154+40 {
		t.Errorf("%d orders", n)
	}
}

// TestLoadOther reads a folder that holds almost nothing, and a broken one.
func TestLoadOther(t *testing.T) {
	t.Parallel()
	st, err := Load(fstest.MapFS{"products.json": {Data: []byte(`[{"id":5,"type":"simple","name":"A","sku":"A-1","status":"publish","price":"2.50","regular_price":"2.50","stock_status":"instock","tax_status":"taxable","tax_class":""}]`)}})
	if err != nil {
		t.Fatal(err)
	}
	s := New(st, DefaultOptions())
	if _, err := s.PlaceOrder(NewOrder{}); err != nil {
		t.Error(err)
	}
	if _, err := Load(fstest.MapFS{"orders.json": {Data: []byte(`{"a":`)}}); err == nil || !strings.Contains(err.Error(), "orders.json") {
		t.Errorf("error %v does not name the file", err)
	}
}

// TestOddInput sends what no client should; the shop must answer all of it.
func TestOddInput(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	bodies := []string{`{}`, `[]`, `null`, `{"id":"x"}`, `{"line_items":["a",{"product_id":92,"quantity":"3"},{"id":"z"},{"product_id":null}]}`, `{"billing":"x","shipping":[]}`,
		`{"meta_data":{"a":1}}`, `{"meta_data":[null,{"key":"k"},{"id":5}]}`, `{"coupon_lines":["x"]}`, `{"coupon_lines":null,"fee_lines":[{}],"shipping_lines":[{}]}`, `{"images":[{}],"categories":[1],"attributes":[{"id":9}],"dimensions":{"length":1}}`,
		`{"amount":"1e999999999","api_refund":false}`, `{"create":{},"update":["x",{"id":156}],"delete":["q",null]}`, `{"regular_price":"1e5","sale_price":"-"}`, `{"email":5}`, `{"value":{"a":1}}`,
		`{"rate":"x","postcodes":5,"priority":"q"}`, `{"date_created":"yesterday","stock_quantity":1e3,"manage_stock":"maybe"}`, `{"refund_total":1,"line_items":[{"id":2,"refund_tax":["x",{"id":1}]}]}`, `{"topic":5,"delivery_url":"x"}`}
	for _, path := range []string{"products", "products/92", "products/155", "products/155/variations", "products/155/variations/156", "products/999999/variations", "products/999999/variations/batch", "products/92/duplicate", "products/batch", "orders", "orders/303", "orders/303/refunds",
		"orders/303/notes", "orders/batch", "customers", "customers/2", "customers/batch", "coupons", "coupons/216", "taxes", "taxes/1", "taxes/classes", "settings/tax/woocommerce_tax_based_on", "webhooks", "webhooks/batch", "products/categories", "products/attributes/1/terms", "products/attributes"} {
		for _, method := range []string{"POST", "PUT", "GET", "DELETE"} {
			for _, body := range bodies {
				req := httptest.NewRequest(method, "/wp-json/wc/v3/"+path+"?offset=-5&dp=999999999&include[][a]=x&search[]=y&_fields=a.b.c,id", strings.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-Forwarded-Proto", "https")
				req.SetBasicAuth(DefaultKey.Key, DefaultKey.Secret)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, req)
				if !json.Valid(w.Body.Bytes()) {
					t.Errorf("%s %s %s: %d %.200s", method, path, body, w.Code, w.Body)
				}
			}
		}
	}
}
