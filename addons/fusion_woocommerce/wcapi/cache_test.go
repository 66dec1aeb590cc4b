package wcapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHeadersOfCaches(t *testing.T) {
	t.Parallel()
	for header, hit := range map[string]bool{
		"X-LiteSpeed-Cache: hit": true, "Age: 86000": true, "X-Cache: HIT": true, "X-Cache: TCP_HIT from a.example": true, "X-Cache: MISS, HIT": true, "CF-Cache-Status: HIT": true,
		"CF-Cache-Status: STALE": true, "CF-Cache-Status: UPDATING": true, "X-Proxy-Cache: HIT": true, "X-Cache-Hits: 0, 3": true, "X-Varnish: 32770 5": true, "WP-Super-Cache: Served supercache file from PHP": true,
		"Cache-Status: edge; hit; ttl=30": true, "X-Nginx-Cache-Status: hit": true, "X-QC-Cache: hit,litespeed": true,
		"X-LiteSpeed-Cache: miss": false, "Age: 0": false, "X-Cache: MISS": false, "CF-Cache-Status: DYNAMIC": false, "CF-Cache-Status: BYPASS": false, "CF-Cache-Status: EXPIRED": false, "X-Cache-Hits: 0": false,
		"X-Varnish: 32770": false, "Cache-Control: no-cache, must-revalidate, max-age=0": false, "X-LiteSpeed-Cache-Control: no-cache": false, "Cache-Status: edge; fwd=stale; stored": false, "X-Cache-Enabled: True": false,
		"X-Cache-Key: /hit": false, "X-WP-Cache: not cached": false, "X-Site-Cache: served by origin": false,
		"X-Page-Cache: cached": true, "X-White-Cache: white": false, "Content-Type: text/html": false,
	} {
		name, value, _ := strings.Cut(header, ": ")
		h := http.Header{}
		h.Set(name, value)
		if got := cachedBy(h); (got != "") != hit {
			t.Errorf("%s: %q", header, got)
		}
	}
}

// A read that a cache answers is asked again, and then refused: the order as it
// was yesterday is not taken for what it is.
func TestAnswersOfCachesAreRefused(t *testing.T) {
	t.Parallel()
	const old, now = `{"id":8000,"status":"on-hold","date_modified_gmt":"2026-03-02T15:00:00"}`, `{"id":8000,"status":"processing","date_modified_gmt":"2026-03-03T15:00:00"}`
	nonce := 0
	count := func(c *Config) { c.Nonce = func() string { nonce++; return fmt.Sprint("n", nonce) } }
	var asked []string
	c, _ := testClient(t, func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Query().Get("nocache"))
		if !strings.Contains(r.Header.Get("Cache-Control"), "no-cache") {
			t.Errorf("%v", r.Header)
		}
		return jsonAnswer(200, old, "x-litespeed-cache", "hit", "age", "86000", "content-type", "text/html")(r)
	}, count)
	_, err := c.Order(t.Context(), 8000)
	var e *Error
	if !errors.Is(err, ErrCached) || !errors.As(err, &e) || !e.Temporary() || !strings.Contains(err.Error(), "age: 86000") || !strings.Contains(err.Error(), "/wp-json/") {
		t.Errorf("%v", err)
	}
	if len(asked) != 3 || asked[0] == asked[1] || asked[1] == asked[2] || asked[0] == "" {
		t.Errorf("asked %v", asked)
	}

	// A cache that lets the second question pass.
	calls := 0
	c, _ = testClient(t, func(r *http.Request) (*http.Response, error) {
		if calls++; calls == 1 {
			return jsonAnswer(200, old, "CF-Cache-Status", "HIT")(r)
		}
		return jsonAnswer(200, now, "CF-Cache-Status", "BYPASS")(r)
	}, count)
	if o, err := c.Order(t.Context(), 8000); err != nil || o.Status != "processing" || calls != 2 {
		t.Errorf("%+v, %v, %d calls", o, err, calls)
	}

	// What is written is not repeated for the sake of a header.
	calls = 0
	c, _ = testClient(t, func(r *http.Request) (*http.Response, error) {
		if calls++; r.URL.Query().Has("nocache") || r.Header.Get("Cache-Control") != "" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		return jsonAnswer(200, now, "X-Cache", "HIT")(r)
	}, count)
	if _, err := c.SetOrderStatus(t.Context(), 8000, "completed"); err != nil || calls != 1 {
		t.Errorf("%v, %d calls", err, calls)
	}
}

// The argument that differs each time is signed as all others are.
func TestTheFreshArgumentIsSigned(t *testing.T) {
	t.Parallel()
	c, _ := testClient(t, func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		var ps []param
		for name, v := range q {
			if !strings.HasPrefix(name, "oauth_") {
				ps = append(ps, param{name, v[0]})
			}
		}
		at := time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)
		signed := signOAuth(http.MethodGet, "http://shop.example/wp-json/wc/v3/orders/8000", ps, testKey, testSecret, "nonce", at)
		want := ""
		for _, p := range signed {
			if p.name == "oauth_signature" {
				want = p.value
			}
		}
		if len(ps) != 1 || want == "" || q.Get("oauth_signature") != want {
			t.Errorf("%v, want %s", q, want)
		}
		return jsonAnswer(200, `{"id":8000}`)(r)
	}, func(c *Config) { c.BaseURL = "http://shop.example" })
	if _, err := c.Order(t.Context(), 8000); err != nil {
		t.Error(err)
	}
}

// A cache without a header of its own is found by the date it has stored; a
// clock of the store that is wrong is not taken for one.
func TestDatesOfCaches(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		date  func(now time.Time, call int) time.Time
		err   bool
		calls int // for two reads
	}{
		"right":                  {func(now time.Time, _ int) time.Time { return now }, false, 2},
		"a minute slow":          {func(now time.Time, _ int) time.Time { return now.Add(-time.Minute) }, false, 2},
		"an hour slow":           {func(now time.Time, _ int) time.Time { return now.Add(-time.Hour) }, false, 3}, // the first is asked again
		"a day fast":             {func(now time.Time, _ int) time.Time { return now.Add(24 * time.Hour) }, false, 2},
		"stored an hour ago":     {func(now time.Time, _ int) time.Time { return time.Date(2026, 11, 23, 21, 0, 0, 0, time.UTC) }, true, 6},
		"unknown":                {func(time.Time, int) time.Time { return time.Time{} }, false, 2},
		"set right in between":   {func(now time.Time, call int) time.Time { return now.Add(time.Duration(max(0, 2-call)) * time.Hour) }, false, 3},
		"stored since the first": {func(now time.Time, call int) time.Time { return time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC) }, true, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			var clock *fakeClock
			c, k := testClient(t, func(r *http.Request) (*http.Response, error) {
				calls++
				if at := tc.date(clock.Now(), calls); !at.IsZero() {
					return jsonAnswer(200, `{"id":5}`, "Date", at.Format(http.TimeFormat))(r)
				}
				return jsonAnswer(200, `{"id":5}`)(r)
			})
			clock = k
			_, first := c.Order(t.Context(), 5)
			_ = clock.Sleep(t.Context(), 10*time.Minute)
			_, second := c.Order(t.Context(), 5)
			if err := errors.Join(first, second); (err != nil) != tc.err || err != nil && !errors.Is(err, ErrCached) || calls != tc.calls {
				t.Errorf("%v, %d calls", err, calls)
			}
		})
	}
}

// A cache that does not look at the arguments answers all pages alike. No
// cursor goes past what it hides.
func TestPagesThatAreTheSame(t *testing.T) {
	t.Parallel()
	page := `[{"id":1,"status":"processing","date_modified_gmt":"2026-11-22T10:00:00"}]`
	since := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	take := func(*Order) error { return nil }
	c, _ := testClient(t, jsonAnswer(200, page, "X-WP-Total", "1", "X-WP-TotalPages", "1"))
	w, err := c.OrdersModified(t.Context(), since, take, func(err error) error { return err })
	if !errors.Is(err, ErrCached) || !w.Cursor.Equal(since) {
		t.Errorf("%v, cursor %v", err, w.Cursor)
	}
	c, _ = testClient(t, jsonAnswer(200, page, "X-WP-Total", "2", "X-WP-TotalPages", "2"))
	n, last := 0, error(nil)
	for _, err := range c.Orders(t.Context(), nil) {
		if last = err; err == nil {
			n++
		}
	}
	if n != 1 || !errors.Is(last, ErrCached) || ProblemOf(last) != nil {
		t.Errorf("%d orders, %v", n, last)
	}
	// Headers of a cache do the same.
	c, _ = testClient(t, jsonAnswer(200, page, "X-WP-Total", "1", "X-WP-TotalPages", "1", "Age", "7200"))
	if w, err := c.OrdersModified(t.Context(), since, take, func(err error) error { return err }); !errors.Is(err, ErrCached) || !w.Cursor.Equal(since) {
		t.Errorf("%v, cursor %v", err, w.Cursor)
	}
	// Two lists of nothing are alike without a cache.
	c, _ = testClient(t, jsonAnswer(200, `[]`, "X-WP-Total", "0", "X-WP-TotalPages", "0"))
	if w, err := c.OrdersModified(t.Context(), since, take, func(err error) error { return err }); err != nil || !w.Cursor.Equal(since) {
		t.Errorf("%v, cursor %v", err, w.Cursor)
	}
}

// A draft without dates neither sets the cursor back nor holds it.
func TestOrdersWithoutDatesMoveNoCursor(t *testing.T) {
	t.Parallel()
	c, _ := testClient(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("status") == "trash" {
			return jsonAnswer(200, `[]`)(r)
		}
		return jsonAnswer(200, `[{"id":7700,"status":"draft","date_modified_gmt":null,"date_created_gmt":null},{"id":7701,"status":"processing","date_modified_gmt":"2026-11-22T10:00:00"},{"id":7702,"status":"draft","date_modified_gmt":""}]`)(r)
	})
	since := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	var ids []ID
	w, err := c.OrdersModified(t.Context(), since, func(o *Order) error { ids = append(ids, o.ID); return nil }, func(err error) error { return err })
	if err != nil || fmt.Sprint(ids) != "[7700 7701 7702]" || !w.Cursor.Equal(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("%v, %v, %v", ids, w, err)
	}
}
