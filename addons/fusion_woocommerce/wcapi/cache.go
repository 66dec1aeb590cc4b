package wcapi

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Caches in front of a store answer with what it said some time ago. To take
// that for what it says now loses changes without a trace, so reads ask not to
// be answered by one, by headers and by an argument that no two have in common,
// and an answer that came from one all the same is asked for again and then
// refused with [ErrCached]: it never reaches a caller, and no walk goes past it.

// freshParam is the argument of a read that differs every time. The store
// ignores it; a cache that heeds arguments finds nothing stored.
const freshParam = "nocache"

// askFresh asks caches on the way to let a read pass.
func askFresh(h http.Header) {
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Pragma", "no-cache")
}

var (
	hitPattern    = regexp.MustCompile(`(?i)(^|[^a-z])(hit|stale|updating|cached|served (super|legacy )?cache( ?file)?)([^a-z]|$)`)
	missPattern   = regexp.MustCompile(`(?i)(^|[^a-z])(not|non|never)[ _-]`)
	rfc9211Hit    = regexp.MustCompile(`(?i);\s*hit\b`)
	varnishStored = regexp.MustCompile(`^\d+ \d+$`)
)

// cachedBy is the header by which a cache says that it answered, "" for none.
func cachedBy(h http.Header) string {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		value, low := strings.TrimSpace(strings.Join(h[name], ", ")), strings.ToLower(name)
		hit := false
		switch {
		case low == "age", strings.HasSuffix(low, "cache-hits"):
			hit = slices.ContainsFunc(strings.Split(value, ","), func(s string) bool {
				n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
				return err == nil && n > 0
			})
		case low == "x-varnish":
			hit = varnishStored.MatchString(value) // the request, and the one that it was stored by
		case low == "cache-status":
			hit = rfc9211Hit.MatchString(value)
		case strings.Contains(low, "cache") && !strings.Contains(low, "control") && !strings.Contains(low, "key"):
			hit = hitPattern.MatchString(value) && !missPattern.MatchString(value)
		}
		if hit {
			return low + ": " + clip(value, 60)
		}
	}
	return ""
}

// slack is by how much the clock in an answer may be behind what is expected:
// the store may take its time.
const slack = 90 * time.Second

// storeClock notices answers that bear an earlier time than the store's clock
// shows now. Its clock need not be right: an answer asked for again that bears
// another, later time comes from the store, and tells how far it is off.
type storeClock struct {
	mu  sync.Mutex
	off time.Duration // of the store's clock from ours
}

// stale reports whether an answer of that date, asked for at some time, is old.
// before is the date of the answer to the same question shortly before, zero
// when it was not asked.
func (k *storeClock) stale(date, asked, before time.Time) bool {
	if date.IsZero() {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	off := date.Sub(asked)
	old := off < k.off-slack
	if !old || !before.IsZero() && date.After(before) {
		if old || off > k.off {
			k.off = off
		}
		return false
	}
	return true
}

// pages remembers what the pages of one walk looked like, and what was asked.
// Two questions never have the same answer, unless something answers without
// looking at the arguments.
type pages map[[sha256.Size]byte]string

// again reports whether a page with items on it answered another question before.
func (p pages) again(q Query, body []byte, items int) bool {
	if items == 0 {
		return false
	}
	sum, asked := sha256.Sum256(body), fmt.Sprint(map[string]string(q)) // sorted
	before, known := p[sum]
	p[sum] = asked
	return known && before != asked
}
