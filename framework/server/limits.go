package server

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// protect sets the security headers of every answer.
func (s *Server) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'")
		next.ServeHTTP(w, r)
	})
}

// limiter counts requests by key in windows of a minute.
type limiter struct {
	mu    sync.Mutex
	now   func() time.Time
	start time.Time
	count map[string]int
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, count: map[string]int{}}
}

func (l *limiter) allow(key string, perMinute int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.now(); t.Sub(l.start) >= time.Minute {
		l.start = t
		clear(l.count)
	}
	l.count[key]++
	return l.count[key] <= perMinute
}

// Allow counts an attempt under a key and reports whether it is within the
// limit, for handlers that limit by something else than the address.
func (s *Server) Allow(key string, perMinute int) bool { return s.limits.allow(key, perMinute) }

func queryEscape(v string) string { return url.QueryEscape(v) }

// errorPage is a page that needs nothing but itself.
func errorPage(status int, message string) []byte {
	return fmt.Appendf(nil, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%d %s</title><link rel="stylesheet" href="/static/fusion.css"><main class="error-page"><h1>%s</h1><p>%s</p><p><a href="/web">Back to the start</a></p></main></html>`,
		status, http.StatusText(status), http.StatusText(status), strings.ReplaceAll(html.EscapeString(message), "\n", "<br>"))
}
