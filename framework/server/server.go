// Package server is the HTTP side of a running Fusion: router, sessions,
// authentication of routes, middleware, health and a graceful stop. The
// packages rpc and web, and the controllers of addons, mount their routes on
// it. It stands on orm.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"fusionsoft.ca/fusion/framework/orm"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Config of a Server.
type Config struct {
	Database string // name of the database, as clients give it
	Auth     Auth
	Logger   *slog.Logger
	// TrustedProxies are the networks whose headers X-Forwarded-* and Forwarded
	// count.
	TrustedProxies []netip.Prefix
	// Hosts are the names the server answers under, beside that of web.base.url,
	// localhost and addresses; ".example.com" stands for those below it too, "*"
	// for all. Nil: all names.
	Hosts []string
	// MetricsToken is what /metrics asks for as a bearer token; without one it is
	// answered on this machine only.
	MetricsToken string
	// MaxBody limits the bodies of routes that take large ones, in bytes; zero: 32
	// MiB.
	MaxBody int64
	// MaxInFlight limits what the bodies of all requests under way take together,
	// once decoded, in bytes; zero: 512 MiB. Beyond it requests are answered 503.
	MaxInFlight int64
	// Timeout bounds the work of one request, from when its body is there; zero: 2
	// minutes.
	Timeout time.Duration
	// Patience is how long a client may take to send or to take 64 KiB; zero: 30
	// seconds.
	Patience time.Duration
	// ReadOnly answers everything without committing any of it, as a rehearsal:
	// records stay what they are, sessions are kept.
	ReadOnly bool
	// PublicUser acts for visitors of routes with public access; zero: 3.
	PublicUser int64
}

// Server routes requests to units of work on one database.
type Server struct {
	DB       *orm.DB
	Config   Config
	Router   *mux.Router
	Sessions *SessionStore
	Metrics  *prometheus.Registry

	turn    atomic.Pointer[succession]
	limits  *limiter
	budget  *budget
	hosts   *hosts
	origins *http.CrossOriginProtection
	total   *prometheus.CounterVec
	took    *prometheus.HistogramVec
}

// New makes a server; routes are added to it before Serve.
func New(db *orm.DB, cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = db.Logger
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 32 << 20
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Minute
	}
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 512 << 20
	}
	if cfg.Patience == 0 {
		cfg.Patience = 30 * time.Second
	}
	if cfg.PublicUser == 0 {
		cfg.PublicUser = 3
	}
	s := &Server{DB: db, Config: cfg, Router: mux.NewRouter(), Metrics: prometheus.NewRegistry(), limits: newLimiter(db.Now),
		budget: newBudget(cfg.MaxInFlight), hosts: newHosts(cfg.Hosts), origins: http.NewCrossOriginProtection()}
	s.Sessions = &SessionStore{db: db}
	if err := s.Sessions.migrate(); err != nil {
		return nil, err
	}
	s.total = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fusion_http_requests_total", Help: "Requests by route and status class."}, []string{"route", "status"})
	s.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "fusion_http_request_seconds", Help: "Time to answer, by route.", Buckets: prometheus.DefBuckets}, []string{"route"})
	s.Metrics.MustRegister(s.total, s.took, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewDBStatsCollector(db.DB.DB, "main"))
	s.Router.Use(s.measure, s.protect)
	s.Router.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") }).Methods("GET", "HEAD")
	s.Router.HandleFunc("/readyz", s.serveReady).Methods("GET", "HEAD")
	s.Router.Handle("/metrics", s.guardMetrics(promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{}))).Methods("GET")
	return s, nil
}

func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	if err := s.DB.PingContext(ctx); err != nil {
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// guardMetrics serves the metrics to those who may read them; for others there is no
// such page.
func (s *Server) guardMetrics(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.mayMeasure(r) {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// succession is a change of who answers.
type succession struct {
	ready chan struct{} // closed when next is known
	next  *Server
}

// Hold lets new requests wait until resume names the server that answers them:
// another one, of the same database with other addons, or s itself. Health and
// metrics are answered meanwhile. Holding twice before resuming is a mistake.
func (s *Server) Hold() (resume func(next *Server)) {
	t := &succession{ready: make(chan struct{})}
	s.turn.Store(t)
	return func(next *Server) {
		t.next = next
		close(t.ready)
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := s.turn.Load()
	if t == nil {
		s.route(w, r)
		return
	}
	select {
	case <-t.ready:
		t.next.route(w, r)
		return
	default:
	}
	if isProbe(r) {
		s.route(w, r)
		return
	}
	select {
	case <-t.ready:
		t.next.route(w, r)
	case <-r.Context().Done():
	}
}

// isProbe reports whether a request is one of those who watch the process: it is
// answered at any time and under any name.
func isProbe(r *http.Request) bool {
	p := r.URL.Path
	return p == "/healthz" || p == "/readyz" || p == "/metrics"
}

// route answers a request that has passed the edge.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	w = newDeadlineWriter(w, s.Config.Patience)
	if !s.receive(r) && !isProbe(r) {
		http.Error(w, "This server does not answer under this name.", http.StatusMisdirectedRequest)
		return
	}
	s.Router.ServeHTTP(w, r)
}

// Serve answers on a listener until ctx ends, then lets requests finish for up
// to 15 seconds. Routes give their bodies and answers deadlines of their own.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.Config.Logger.Handler(), slog.LevelDebug)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	s.Sessions.sweep(ctx)
	for ctx.Err() == nil {
		select {
		case err := <-done:
			return err
		case <-hourly.C:
			s.Sessions.sweep(ctx)
		case <-ctx.Done():
		}
	}
	return stop(ctx, srv, done)
}

// stop lets requests finish, then ends the server.
func stop(ctx context.Context, srv *http.Server, done <-chan error) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		return srv.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
