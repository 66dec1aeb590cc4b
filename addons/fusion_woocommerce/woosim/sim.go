// Package woosim is a WooCommerce 9.2 store in memory: an HTTP handler that
// answers REST API v3 the way a real store does, sends signed webhooks and can
// be made to fail in the ways stores fail. Tests and the demo connect to it;
// it is proven against recordings of a real store. It knows nothing of Fusion
// and may import only the standard library, gorilla/mux and shopspring/decimal.
package woosim

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"
)

const (
	wpTime  = "2006-01-02T15:04:05"
	version = "9.2.5"
)

// Key is one consumer key of the store and the user it acts for.
type Key struct {
	Key, Secret string
	Permissions string // read, write or read_write
	UserID      int    // id in customers.json; 0 is the first administrator
	Role        string // overrides the user's role when set
}

// Options says how a simulator is set up. The zero value is a store with HPOS
// off; use DefaultOptions for what a new 9.2 store has.
type Options struct {
	// BaseURL is the address in links, without a trailing slash; by default
	// the one found in the store's own data. Its scheme follows the request.
	BaseURL string
	Keys    []Key
	// Secrets holds the secrets of webhooks already in the store, by id.
	Secrets map[int]string
	// Fulfillments and Trackings switch on the store's own parcels and those of
	// the extension Shipment Tracking.
	Fulfillments, Trackings bool
	// HPOS chooses high-performance order storage.
	HPOS bool
	// PlainHTTP accepts Basic and query-string keys without TLS or
	// X-Forwarded-Proto, which a real store refuses.
	PlainHTTP bool
	Clock     func() time.Time
	Seed      uint64
	// SiteName and Tagline are what the site index shows.
	SiteName, Tagline string
	// Zone is the site's time zone; by default found by comparing the local and
	// UTC times of the data.
	Zone   *time.Location
	Logger *slog.Logger
	// Client delivers webhooks; by default one that follows no redirect and
	// gives up after 60 seconds.
	Client *http.Client
	// Images tells whether a picture exists at an address that a product is
	// written with; the simulator fetches nothing. By default those that end in
	// a picture's suffix do.
	Images func(src string) bool
	// Written is called after a request that may have changed the store, before
	// it is answered.
	Written func()
}

// DefaultKey is the read/write key that DefaultOptions installs.
var DefaultKey = Key{Key: "ck_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Secret: "cs_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", Permissions: "read_write"}

// DefaultOptions is a new store with HPOS and one read/write key.
func DefaultOptions() Options { return Options{HPOS: true, Keys: []Key{DefaultKey}} }

// Sim is a running store. All methods are safe for concurrent use.
type Sim struct {
	mu     sync.Mutex
	st     *Store
	opt    Options
	router *mux.Router
	log    *slog.Logger
	rng    *rand.Rand
	nonces map[string]bool

	ids                     map[string]int
	hooks                   map[int]*hookState
	queue                   []*delivery
	faults                  []*activeFault
	faultID                 int
	hookFaults              WebhookFaults
	delivering              sync.Mutex
	uploads                 map[string]int // pictures taken in, by file name
	media                   map[int]*Obj   // pictures changed or taken in
	fulfillments, trackings []*Obj         // parcels
	notified                []int          // orders whose customers were written to about parcels
}

// New makes a simulator of a copy of the store.
func New(store *Store, opt Options) *Sim {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Client == nil {
		opt.Client = &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if opt.Images == nil {
		opt.Images = looksLikeImage
	}
	s := &Sim{st: store.clone(), opt: opt, log: opt.Logger, nonces: map[string]bool{}, hooks: map[int]*hookState{}, uploads: map[string]int{}, media: map[int]*Obj{}}
	s.rng = rand.New(rand.NewPCG(opt.Seed, 0x9e3779b97f4a7c15))
	if s.opt.BaseURL == "" {
		s.opt.BaseURL = s.st.origin
	}
	if opt.Zone != nil {
		s.st.zone = opt.Zone
	}
	if s.opt.SiteName == "" {
		s.opt.SiteName, s.opt.Tagline = "Boréal Soins à domicile – Boreal Home Care", "Mobilité, bain et confort / Mobility, bath and comfort"
	}
	s.opt.BaseURL = strings.TrimRight(s.opt.BaseURL, "/")
	s.startIDs()
	s.router = s.routes()
	return s
}

func looksLikeImage(src string) bool {
	src, _, _ = strings.Cut(strings.ToLower(src), "?")
	for _, e := range []string{".png", ".jpg", ".jpeg", ".gif", ".webp"} {
		if strings.HasSuffix(src, e) {
			return true
		}
	}
	return false
}

// Server is a simulator listening on a loopback port.
type Server struct {
	*Sim
	URL  string // http://127.0.0.1:port
	http *http.Server
	done chan struct{}
}

// Listen starts the simulator on a free loopback port (or on addr when given)
// and puts that address into its links. Keys are then accepted over plain http.
// Close stops it.
func (s *Sim) Listen(addr string) (*Server, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("woosim: %w", err)
	}
	s.mu.Lock()
	s.opt.BaseURL = "http://" + l.Addr().String()
	s.opt.PlainHTTP = true
	s.mu.Unlock()
	srv := &Server{Sim: s, URL: s.opt.BaseURL, done: make(chan struct{}),
		http: &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}}
	go func() {
		defer close(srv.done)
		if err := srv.http.Serve(l); err != nil && err != http.ErrServerClosed {
			s.log.Error("woosim stopped", "err", err)
		}
	}()
	return srv, nil
}

// Close stops listening and cuts open connections.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	return err
}

// startIDs begins the counters after the highest id of each sequence. Posts,
// orders and refunds share one, as they do in WordPress.
func (s *Sim) startIDs() {
	s.ids = map[string]int{}
	up := func(seq string, id int) { s.ids[seq] = max(s.ids[seq], id) }
	for _, t := range []*table{s.st.products, s.st.variations, s.st.orders, s.st.refunds, s.st.coupons} {
		up("post", t.maxID())
	}
	for _, t := range []*table{s.st.products, s.st.variations} {
		for _, p := range t.rows {
			for _, m := range p.objs("meta_data") {
				up("meta", m.Int("id"))
			}
			for _, i := range p.objs("images") {
				up("post", i.Int("id"))
			}
		}
	}
	for _, t := range []*table{s.st.orders, s.st.refunds} {
		for _, o := range t.rows {
			for _, m := range o.objs("meta_data") {
				up("ordermeta", m.Int("id"))
			}
			for _, kind := range itemKinds {
				for _, l := range o.objs(kind) {
					up("item", l.Int("id"))
					for _, m := range l.objs("meta_data") {
						up("itemmeta", m.Int("id"))
					}
				}
			}
		}
	}
	for _, c := range s.st.customers.rows {
		up("user", c.Int("id"))
		for _, m := range c.objs("meta_data") {
			up("usermeta", m.Int("id"))
		}
	}
	for _, t := range []*table{s.st.categories, s.st.tags, s.st.shippingClasses} {
		up("term", t.maxID())
	}
	for _, a := range s.st.attributes {
		for _, t := range a.objs("terms") {
			up("term", t.Int("id"))
		}
	}
	for _, n := range s.st.notes {
		up("note", n.obj.Int("id"))
	}
	up("tax", s.st.taxes.maxID())
	up("webhook", s.st.webhooks.maxID())
	for _, h := range s.st.webhooks.rows {
		s.hooks[h.Int("id")] = &hookState{secret: s.opt.Secrets[h.Int("id")], owner: 1}
	}
}

func (s *Sim) nextID(seq string) int {
	s.ids[seq]++
	return s.ids[seq]
}

func (s *Sim) now() time.Time { return s.opt.Clock().UTC().Truncate(time.Second) }

func (s *Sim) local(t time.Time) string { return t.In(s.st.zone).Format(wpTime) }
func gmt(t time.Time) string            { return t.UTC().Format(wpTime) }

// stamp writes a pair of local and UTC times.
func (s *Sim) stamp(o *Obj, key string, t time.Time) {
	o.Set(key, s.local(t))
	o.Set(key+"_gmt", gmt(t))
}
