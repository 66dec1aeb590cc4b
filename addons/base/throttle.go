package base

import (
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"math"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

// throttle slows down who guesses passwords and keys. Failures are counted in three
// ways, and any of them that has had more than a few makes the next attempt wait:
//
//   - by address and account, which stops a client with a wrong password;
//   - by address, which stops one that tries many accounts;
//   - by account, which stops many addresses that try one.
//
// An attempt that comes too early is refused unseen and not counted, and a count
// goes down with time, so that nobody is locked out for long. Who has been let
// into the account from the address before is measured by the first count only:
// others cannot keep the owner of an account out of it from where he works.
//
// It lives in the memory of the process and is bounded: what it keeps of a login
// or an address is a digest.
type throttle struct {
	mu       sync.Mutex
	seed     [16]byte
	failures map[digest]failures
	seen     map[digest]time.Time // address and account of successes
	slots    chan struct{}        // passwords are hashed by so many at once
}

type digest [16]byte

type failures struct {
	n  float64
	at time.Time // of the last one
}

type throttleKey struct{}

func newThrottle() *throttle {
	t := &throttle{failures: map[digest]failures{}, seen: map[digest]time.Time{}, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	_, _ = rand.Read(t.seed[:]) // never fails; without it digests could be aimed at
	return t
}

// maxThrottled bounds each of the maps.
const maxThrottled = 20000

// seenFor is how long an address stays known, and failsFor what any count takes
// to be forgiven.
const (
	seenFor  = 30 * 24 * time.Hour
	failsFor = 2 * time.Hour
)

// backoff says after how many failures attempts wait, how many more double the
// wait, which begins with a second, up to the longest, and in what time one
// failure is forgiven.
type backoff struct {
	free, double float64
	longest      time.Duration
	forgiven     time.Duration
}

// One count does not replace another: the one by account grows slowest, since it
// is the one that others can drive up.
var (
	ofBoth    = backoff{free: 10, double: 1, longest: time.Minute, forgiven: time.Minute}
	ofAddress = backoff{free: 50, double: 5, longest: time.Minute, forgiven: 10 * time.Second}
	ofAccount = backoff{free: 20, double: 4, longest: 5 * time.Minute, forgiven: 2 * time.Minute}
)

// wait is how long after the last failure the next attempt may come.
func (p backoff) wait(n float64) time.Duration {
	if n < p.free {
		return 0
	}
	return min(p.longest, time.Duration(float64(time.Second)*math.Exp2(min((n-p.free)/p.double, 30))))
}

// left is what is left of a count at a time.
func (p backoff) left(f failures, now time.Time) float64 {
	return max(0, f.n-float64(now.Sub(f.at))/float64(p.forgiven))
}

// attempt is one try to be let in.
type attempt struct {
	t                   *throttle
	uid                 int64 // the account, when there is one
	place               string
	both, from, account digest
}

// account prepares an attempt at an account, named as the client named it.
func account(env *orm.Env, who string, uid int64) attempt {
	t := orm.Local(env.DB(), throttleKey{}, newThrottle)
	place := network(env.Address())
	return attempt{t: t, uid: uid, place: place, both: t.digest("both", place, who), from: t.digest("address", place), account: t.digest("account", who)}
}

// network is what counts as one address: one client has a whole /64 of IPv6.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		p, _ := ip.Prefix(64)
		return p.String()
	}
	return ip.String()
}

func (t *throttle) digest(parts ...string) digest {
	h := sha256.New()
	h.Write(t.seed[:])
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return digest(h.Sum(nil)[:16])
}

// try checks a secret with right unless that has failed too often. cheap tells
// that right will not have to hash a password; others queue for it, and are
// measured when it is their turn.
func (a attempt) try(env *orm.Env, cheap func() bool, right func() (bool, error)) error {
	if !cheap() {
		select {
		case a.t.slots <- struct{}{}:
			defer func() { <-a.t.slots }()
		case <-env.Done():
			return env.Err()
		}
	}
	now := env.DB().Now()
	if early, err := a.tooEarly(env, now); err != nil {
		return err
	} else if early {
		return orm.Throttled()
	}
	ok, err := right()
	if err != nil {
		return err
	}
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	if ok {
		delete(a.t.failures, a.both)
		remember(a.t.seen, a.both, now, func(t time.Time) bool { return now.Sub(t) > seenFor }, func(time.Time) bool { return true })
		return nil
	}
	a.count(a.both, ofBoth, now)
	a.count(a.from, ofAddress, now)
	a.count(a.account, ofAccount, now)
	return orm.AccessDenied()
}

// tooEarly reports whether the attempt must wait.
func (a attempt) tooEarly(env *orm.Env, now time.Time) (bool, error) {
	a.t.mu.Lock()
	waits := func(d digest, p backoff) bool {
		f, ok := a.t.failures[d]
		return ok && now.Before(f.at.Add(p.wait(p.left(f, now))))
	}
	both, others := waits(a.both, ofBoth), waits(a.from, ofAddress) || waits(a.account, ofAccount)
	at, seen := a.t.seen[a.both]
	a.t.mu.Unlock()
	if both || !others {
		return both, nil
	}
	if seen && now.Sub(at) < seenFor {
		return false, nil
	}
	// After a restart the log of logins knows.
	known, err := env.Sudo().Model("res.users.log").SearchCount(orm.And(orm.Leaf("create_uid", "=", a.uid), orm.Leaf("address", "=", a.place),
		orm.Leaf("create_date", ">", orm.DatetimeOf(now.Add(-seenFor)))), 1)
	return known == 0, err
}

func (a attempt) count(d digest, p backoff, now time.Time) {
	f := a.t.failures[d]
	remember(a.t.failures, d, failures{p.left(f, now) + 1, now}, func(f failures) bool { return now.Sub(f.at) > failsFor }, func(f failures) bool { return f.n < 5 })
}

// remember sets an entry of a bounded map. A full one loses what is over, or
// else one entry, a minor one when there is any, so that nobody makes a high
// count forgotten with a flood of others.
func remember[V any](m map[digest]V, d digest, v V, over, minor func(V) bool) {
	if _, known := m[d]; !known && len(m) >= maxThrottled {
		maps.DeleteFunc(m, func(_ digest, old V) bool { return over(old) })
		for _, all := range []bool{false, true} {
			for k, old := range m {
				if len(m) < maxThrottled {
					break
				}
				if all || minor(old) {
					delete(m, k)
				}
			}
		}
	}
	m[d] = v
}
