package wcapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The recorded first pull, walked page by page.
func TestWalkOfTheRecordedShop(t *testing.T) {
	t.Parallel()
	c, _ := testClient(t, replay(t))
	ctx := context.Background()
	products, variable, variations := map[ID]bool{}, 0, 0
	for p, err := range c.Products(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		products[p.ID] = true
		if p.Type != "variable" {
			continue
		}
		variable++
		for v, err := range c.Variations(ctx, int64(p.ID), nil) {
			if err != nil {
				t.Fatal(err)
			}
			if v.ParentID != p.ID {
				t.Errorf("variation %d has parent %d, not %d", v.ID, v.ParentID, p.ID)
			}
			variations++
		}
	}
	customers := 0
	for _, err := range c.Customers(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		customers++
	}
	if len(products) != 135 || variable != 13 || variations != 46 || customers != 47 {
		t.Errorf("%d products, %d variable, %d variations, %d customers", len(products), variable, variations, customers)
	}
}

// fakeOrders behaves as the store's order list: exclusive bounds to the
// second, trash apart, pages by id.
type fakeOrders struct {
	t       *testing.T
	now     time.Time
	orders  []fakeOrder
	between func(page int) // runs before a page is answered
	asked   []url.Values
}

type fakeOrder struct {
	id       int
	modified time.Time
	status   string
}

func (f *fakeOrders) serve(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	f.asked = append(f.asked, q)
	if f.between != nil {
		f.between(len(f.asked))
	}
	if q.Get("dates_are_gmt") != "true" || q.Get("orderby") != "id" || q.Get("order") != "asc" || strings.ContainsAny(q.Get("modified_after"), "Z+") {
		f.t.Errorf("asked %v", q)
	}
	var after time.Time
	if s := q.Get("modified_after"); s != "" {
		var err error
		if after, err = time.Parse(timeLayout, s); err != nil {
			f.t.Error(err)
		}
	}
	var rows []string
	for _, o := range f.orders {
		if (o.status == "trash") == (q.Get("status") == "trash") && o.modified.After(after) {
			rows = append(rows, fmt.Sprintf(`{"id":%d,"status":%q,"date_modified_gmt":%q}`, o.id, o.status, o.modified.Format(timeLayout)))
		}
	}
	total := len(rows)
	var page int
	_, _ = fmt.Sscan(q.Get("page"), &page)
	from := min((page-1)*100, total)
	rows = rows[from:min(from+100, total)]
	return jsonAnswer(200, "["+strings.Join(rows, ",")+"]", "X-WP-Total", fmt.Sprint(total), "X-WP-TotalPages", fmt.Sprint((total+99)/100), "Date", f.now.Format(http.TimeFormat))(r)
}

func TestOrdersModifiedMissesNothing(t *testing.T) {
	t.Parallel()
	t0 := time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	f := &fakeOrders{t: t, now: t0.Add(time.Hour)}
	for i := 1; i <= 230; i++ {
		f.orders = append(f.orders, fakeOrder{i, t0.Add(time.Duration(i/10) * time.Second), "processing"}) // ten share a second
	}
	f.orders = append(f.orders, fakeOrder{231, t0.Add(time.Minute), "trash"})
	c, _ := testClient(t, f.serve, func(cfg *Config) { cfg.Now = func() time.Time { return f.now } })
	taken := map[ID]time.Time{}
	take := func(o *Order) error { taken[o.ID] = time.Time{}; return nil }
	never := func(err error) error { t.Error(err); return err }

	// Order 5 changes while the second page is fetched: after its row was passed.
	f.between = func(page int) {
		if page == 2 {
			f.now = f.now.Add(time.Second)
			f.orders[4].modified = f.now
			f.orders[220].modified = f.now.Add(time.Second)
		}
	}
	w, err := c.OrdersModified(context.Background(), time.Time{}, take, never)
	if err != nil || len(taken) != 231 {
		t.Fatalf("%d orders, %v", len(taken), err)
	}
	if !w.Cursor.Before(f.orders[4].modified.Add(time.Second)) {
		t.Errorf("the cursor %v passed a change it did not see", w.Cursor)
	}
	f.between = nil
	clear(taken)
	w, err = c.OrdersModified(context.Background(), w.Cursor, take, never)
	if _, ok := taken[5]; !ok || err != nil {
		t.Errorf("the change during the walk was missed: %v, %v", taken, err)
	}
	// A failing take leaves the cursor where it was.
	stop := errors.New("stop")
	if again, err := c.OrdersModified(context.Background(), t0, func(*Order) error { return stop }, never); !errors.Is(err, stop) || !again.Cursor.Equal(t0) {
		t.Errorf("%+v, %v", again, err)
	}
	// Nothing new: the cursor stays.
	if again, err := c.OrdersModified(context.Background(), w.Cursor.Add(time.Hour), take, never); err != nil || !again.Cursor.Equal(w.Cursor.Add(time.Hour)) {
		t.Errorf("%+v, %v", again, err)
	}
	// The border second is asked for again.
	if got := f.asked[len(f.asked)-1].Get("modified_after"); got != w.Cursor.Add(time.Hour-time.Second).Format(timeLayout) {
		t.Errorf("modified_after %s", got)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	index := func(r *http.Request) (*http.Response, error) {
		return jsonAnswer(200, `{"name":"A &amp; B","home":"https://shop.example","timezone_string":"America/Toronto","namespaces":["wp/v2","wc/v3"]}`)(r)
	}
	status := `{"environment":{"home_url":"https://shop.example","version":"9.2.5"},"settings":{"currency":"CAD","HPOS_enabled":true}}`
	ignored := `{"code":"woocommerce_rest_cannot_view","message":"Sorry, you cannot list resources.","data":{"status":401}}`
	wrong := `{"code":"woocommerce_rest_authentication_error","message":"Consumer secret is invalid.","data":{"status":401}}`
	basic := func(r *http.Request) bool { return r.Header.Get("Authorization") != "" }
	query := func(r *http.Request) bool { return r.URL.Query().Get("consumer_secret") != "" }
	oauth := func(r *http.Request) bool { return r.URL.Query().Get("oauth_signature") != "" }
	for _, tc := range []struct {
		name   string
		heeds  func(*http.Request) bool
		plain  bool
		index  transport
		refuse string
		auth   AuthMode
		kind   Kind
	}{
		{"basic", basic, false, index, ignored, AuthBasic, ""},
		{"header stripped", query, false, index, ignored, AuthQuery, ""},
		{"https unseen", oauth, false, index, ignored, AuthOAuth, ""},
		{"plain permalinks", basic, true, index, ignored, AuthBasic, ""},
		{"wrong secret", func(*http.Request) bool { return false }, false, index, wrong, "", ErrUnauthorized},
		{"no WooCommerce", basic, false, jsonAnswer(200, `{"name":"x","namespaces":["wp/v2"]}`), ignored, "", ErrNotAPI},
		{"no WordPress", basic, false, jsonAnswer(200, `<html><title>Parked</title>`), ignored, "", ErrNotAPI},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, err := Probe(context.Background(), Config{BaseURL: "https://shop.example", ConsumerKey: testKey, ConsumerSecret: testSecret,
				Sleep: func(context.Context, time.Duration) error { return nil },
				Transport: transport(func(r *http.Request) (*http.Response, error) {
					route := r.URL.Query().Get("rest_route")
					if tc.plain && route == "" {
						return jsonAnswer(404, "<html><title>Page not found</title>")(r)
					}
					if route == "/" || strings.HasSuffix(r.URL.Path, "/wp-json/") {
						if basic(r) || query(r) || oauth(r) {
							t.Error("keys were sent to an address not known to be a store")
						}
						return tc.index(r)
					}
					if tc.heeds(r) {
						return jsonAnswer(200, status)(r)
					}
					return jsonAnswer(401, tc.refuse)(r)
				})})
			if tc.kind != "" {
				if !errors.Is(err, tc.kind) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || f.Config.Auth != tc.auth || f.Config.PlainPermalinks != tc.plain || f.Version != "9.2.5" || f.SiteName != "A & B" || !f.HPOS {
				t.Errorf("%v %+v", err, f)
			}
		})
	}
}
