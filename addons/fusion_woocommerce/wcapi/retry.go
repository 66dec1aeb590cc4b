package wcapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Do sends one request, waits for the rate limit and repeats it where that is
// both useful and harmless. The error is always an *Error.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = json.Marshal(r.Body); err != nil {
			return nil, &Error{Kind: ErrConfig, Method: r.Method, Path: r.Path, Message: "the request cannot be written as JSON: " + err.Error()}
		}
	}
	if left := c.breaker.closedFor(c.cfg.Now()); left > 0 {
		return nil, &Error{Kind: ErrPaused, Method: r.Method, Path: r.Path, RetryAfter: left,
			Message: "the store failed several times in a row, requests to it are paused"}
	}
	var before time.Time // the date of the last answer that looked old
	for attempt := 1; ; attempt++ {
		resp, failure := c.once(ctx, r, body)
		if failure == nil {
			if shown := c.fromCache(r, resp, before); shown != "" {
				before, failure = resp.Date(), c.cachedError(r, shown)
			}
		}
		if failure == nil {
			c.breaker.succeeded()
			resp.Attempts = attempt
			if resp.Warning != "" {
				c.cfg.Logger.WarnContext(ctx, resp.Warning, "path", r.Path)
			}
			return resp, nil
		}
		failure.Attempts = attempt
		if attempt >= c.cfg.Tries || !c.worthRetrying(r, failure) {
			c.breaker.failed(c.cfg.Now(), failure)
			return nil, failure
		}
		pause := max(c.cfg.Backoff<<(attempt-1), failure.RetryAfter)
		c.cfg.Logger.WarnContext(ctx, "request to the store is repeated", "method", r.Method, "path", r.Path,
			"attempt", attempt, "pause", pause, "error", failure)
		if err := c.cfg.Sleep(ctx, pause); err != nil {
			// The caller left during the pause; what the store did says more than that.
			return nil, failure
		}
	}
}

func (r Request) mustNotRepeat() bool {
	return r.Once || r.Method == http.MethodPost && !r.Repeatable
}

func (c *Client) worthRetrying(r Request, e *Error) bool {
	if e.Unknown || e.RetryAfter > c.cfg.MaxRetryAfter {
		return false
	}
	switch e.Kind {
	case ErrTooManyRequests, ErrConnection, ErrMaintenance, ErrCached:
		return true
	case ErrServer, ErrTimeout:
		return !r.failFast
	}
	return false
}

// breaker keeps calls back after several in a row found no working store, so
// that a dead store costs one error instead of a timeout each time. After the
// pause one failure is enough to close the way again.
type breaker struct {
	limit int // ≤ 0: never
	pause time.Duration

	mu     sync.Mutex
	streak int
	until  time.Time
}

func (b *breaker) closedFor(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until.Sub(now)
}

func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streak, b.until = 0, time.Time{}
}

func (b *breaker) failed(now time.Time, err error) {
	if b.limit <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !unwell(err) {
		// Any answer with sense in it shows that the store lives.
		if !errors.Is(err, ErrCanceled) {
			b.streak = 0
		}
		return
	}
	b.streak++
	if b.streak >= b.limit {
		b.until = now.Add(b.pause)
	}
}

// unwell reports failures that say the store as a whole does not work now.
func unwell(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case ErrServer, ErrMaintenance, ErrConnection, ErrTimeout, ErrDNS, ErrTLS:
		return true
	}
	return false
}
