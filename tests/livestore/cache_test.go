package livestore

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// pageCache is a cache in front of a store. It keeps the last list of orders and,
// once it is on, answers all such questions with it, whatever their arguments.
// The header, if there is one, says so.
type pageCache struct {
	next   http.Handler
	on     atomic.Bool
	header string
	mu     sync.Mutex
	kept   *httptest.ResponseRecorder
}

func (c *pageCache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/orders") {
		c.next.ServeHTTP(w, r)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := c.kept
	if !c.on.Load() {
		answer = httptest.NewRecorder()
		c.next.ServeHTTP(answer, r)
		if r.URL.Query().Get("status") == "any" {
			c.kept = answer
		}
	} else if name, value, ok := strings.Cut(c.header, ": "); ok {
		w.Header().Set(name, value)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// A cache in front of the store hides a change. The cursor does not pass it, a
// person is told, and the change is taken over once the cache is out of the way.
func TestCachesHideNoChange(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{"with a header": "x-litespeed-cache: hit", "without a word": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := &pageCache{header: header}
			e := newERP(t, func(next http.Handler) http.Handler { cache.next = next; return cache }, orm.Values{"go_live": "2026-11-04 00:00:00"})
			cursor := func() string { return e.text("SELECT order_cursor::text FROM woo_instance WHERE id = ?", e.instance) }
			e.poll()
			e.idle()
			const id = 377 // not paid yet
			before, was := cursor(), e.text("SELECT woo_status FROM woo_order WHERE woo_id = ?", id)
			if before == "" || was == "" || was == "on-hold" {
				t.Fatalf("cursor %q, order %s", before, was)
			}
			cache.on.Store(true)
			e.edit(id, `{"status":"on-hold"}`)
			e.poll()
			e.idle()
			if now := cursor(); now != before {
				t.Errorf("the cursor went from %s to %s", before, now)
			}
			if n := e.count("SELECT count(*) FROM woo_sync_log WHERE message LIKE '%a cache answered in the store''s place%' AND message LIKE '%/wp-json/%'"); n == 0 {
				t.Error("nobody was told")
			}
			cache.on.Store(false)
			e.poll()
			e.idle()
			if now := e.text("SELECT woo_status FROM woo_order WHERE woo_id = ?", id); now != "on-hold" || cursor() <= before {
				t.Errorf("the order is %s, the cursor %s", now, cursor())
			}
		})
	}
}
