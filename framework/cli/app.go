// Package cli is the command line of a Fusion program and the life of its
// process: open or start a database, install addons, serve, run crons and
// jobs, stop gracefully. The program itself (standard.Program) is a list of addons
// handed to Main. It stands on all of the framework and imports no addon.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"fusionsoft.ca/fusion/framework/cron"
	"fusionsoft.ca/fusion/framework/filestore"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/pglocal"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
)

// App is what makes a program of the framework: its addons. What they bring to
// the server, the jobs and the back office stands in their manifests.
type App struct {
	Name    string
	Version string
	Addons  []module.Addon
	// Static are the style sheet and scripts of the back office.
	Static fs.FS
	// Commands are further commands of the program: pointers to structs whose
	// fields are kong commands.
	Commands []any
}

// Settings say which database to use, where to keep files and what to run.
type Settings struct {
	URL      string // address of a database; "" for a private cluster in DataDir
	DataDir  string // files, the key of secrets, the private cluster; required
	Database string // name of the database in the private cluster; "" is fusion
	HTTP     string // address to listen on, "" for none
	Workers  int    // jobs worked at a time
	Cron     bool
	Jobs     bool
	Logger   *slog.Logger
	// TrustedProxies are the networks of proxies whose word counts on who asks.
	TrustedProxies []netip.Prefix
	// Hosts are the names the server answers under, as server.Config has them.
	// This machine's own always counts.
	Hosts []string
	// MetricsToken is what /metrics asks for; "": it is answered on this machine.
	MetricsToken string
}

// System is a running Fusion: a database with addons, and what serves it.
// Its life is Open → Start → Wait → Close. DB has the addons of the beginning;
// when some are installed or removed while it runs, the server, jobs and crons
// go over to a database that has the new ones.
type System struct {
	App      App
	Settings Settings
	DB       *orm.DB
	Server   *server.Server
	Address  string // where the server is reached from this machine, "" without one

	listener net.Listener
	cluster  *pglocal.Cluster
	url      string
	run      context.Context // ends when the system stops
	stop     context.CancelFunc
	wait     sync.WaitGroup
	serving  chan error
	changes  changes
	work     work
}

// work is what runs beside the server; it begins anew when addons change.
type work struct {
	mu     sync.Mutex
	db     *orm.DB
	runner *jobs.Runner
	crons  bool
	stop   context.CancelFunc // of crons
	wait   sync.WaitGroup
}

// stopTime is how long requests and jobs may take to finish when the program
// stops; a job that does not is tried again at the next start.
const stopTime = 10 * time.Second

var databaseName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// Open takes the address it is to listen on, starts the private cluster if
// there is one, opens the database and installs the named addons. Close must
// be called in the end, not when Open fails.
func Open(ctx context.Context, app App, set Settings, install []string) (*System, error) {
	if set.Logger == nil {
		set.Logger = slog.Default()
	}
	if set.DataDir == "" {
		return nil, errors.New("the data directory has no name; give one with --data-dir")
	}
	dir, err := filepath.Abs(set.DataDir)
	if err != nil {
		return nil, err
	}
	set.DataDir = dir
	if _, err := module.Closure(app.Addons, nil, install); err != nil {
		return nil, err // before anything is made
	}
	s := &System{App: app, Settings: set, url: set.URL, serving: make(chan error, 1)}
	if err := s.open(ctx, install); err != nil {
		_ = s.Close() // the first error says more
		return nil, err
	}
	return s, nil
}

func (s *System) open(ctx context.Context, install []string) error {
	// The address comes first: when somebody else has it, that should be said
	// before a database is made.
	if err := s.listen(); err != nil {
		return err
	}
	if s.url == "" {
		if err := s.startCluster(ctx); err != nil {
			return err
		}
	}
	db, err := module.Open(ctx, s.url, s.App.Addons)
	if err != nil {
		return err
	}
	s.DB = db
	db.Logger = s.Settings.Logger
	if err := jobs.Migrate(ctx, db); err != nil {
		return err
	}
	if db.Keys, err = openKeyring(s.Settings.DataDir); err != nil {
		return err
	}
	db.Blobs = filestore.Dir(filepath.Join(s.Settings.DataDir, "files", s.Name()))
	s.begin(db)
	if err := s.Install(ctx, install...); err != nil {
		return err
	}
	return s.applyMarks(ctx)
}

func (s *System) listen() error {
	if s.Settings.HTTP == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.Settings.HTTP)
	if err != nil {
		if oe, ok := errors.AsType[*net.OpError](err); ok {
			err = oe.Err // without the address, which the message names already
		}
		return fmt.Errorf("cannot listen on %s: %w; choose another address with --http", s.Settings.HTTP, err)
	}
	s.listener = l
	s.Address = "http://" + reachable(l.Addr())
	return nil
}

// reachable is an address of this machine to reach a listener at.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return a.String()
}

func (s *System) startCluster(ctx context.Context) error {
	if s.Settings.Database == "" {
		s.Settings.Database = "fusion"
	}
	if !databaseName.MatchString(s.Settings.Database) {
		return fmt.Errorf("%q cannot be the name of a database; use letters, digits, _ and -", s.Settings.Database)
	}
	var err error
	s.cluster, err = pglocal.Start(ctx, pglocal.Config{Dir: filepath.Join(s.Settings.DataDir, "postgresql"), Logger: s.Settings.Logger})
	if err != nil {
		return err
	}
	if err := s.cluster.CreateDatabase(ctx, s.Settings.Database); err != nil {
		return err
	}
	s.url = s.cluster.URL(s.Settings.Database)
	return nil
}

// Install installs addons that are not there yet, with what they depend on.
// Call it before Start.
func (s *System) Install(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	db, err := module.Install(ctx, s.DB, s.App.Addons, names, s.options())
	if err == nil {
		s.DB = db
	}
	return err
}

// Upgrade brings installed addons to the program's versions of them; "all" is
// a name too. Call it before Start.
func (s *System) Upgrade(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	db, err := module.Upgrade(ctx, s.DB, s.App.Addons, names, s.options())
	if err == nil {
		s.DB = db
	}
	return err
}

// Name is the database's name, as clients give it.
func (s *System) Name() string {
	if s.cluster != nil {
		return s.Settings.Database
	}
	cfg, err := pgx.ParseConfig(s.url)
	if err != nil {
		return ""
	}
	return cfg.Database
}

// Start begins to serve, to work jobs and to run crons, as the settings say.
func (s *System) Start(ctx context.Context) error {
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = cancel
	if s.listener != nil {
		if err := s.serve(run); err != nil {
			return err
		}
	}
	s.run = run
	s.work.db, s.work.crons = s.DB, s.Settings.Cron
	if err := s.beginWork(ctx); err != nil {
		return err
	}
	s.wait.Go(func() { s.watchAddons(run) })
	return nil
}

// beginWork starts jobs and crons on the database as it is now.
func (s *System) beginWork(ctx context.Context) error {
	w := &s.work
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Settings.Jobs {
		present, err := module.Present(ctx, w.db, s.App.Addons)
		if err != nil {
			return err
		}
		handlers := map[string]jobs.Handler{cron.JobName: cron.Run}
		for _, a := range present {
			maps.Copy(handlers, a.Jobs)
		}
		if w.runner, err = jobs.Start(ctx, w.db, jobs.Config{Handlers: handlers, Workers: s.Settings.Workers, URL: s.url}); err != nil {
			return err
		}
	}
	if w.crons {
		s.loopCrons()
	}
	return nil
}

func (s *System) loopCrons() {
	w := &s.work
	run, cancel := context.WithCancel(s.run)
	w.stop = cancel
	db := w.db
	w.wait.Go(func() { cron.Loop(run, db, 5*time.Second) })
}

// endWork stops jobs and crons; jobs under way may finish until ctx ends.
func (s *System) endWork(ctx context.Context) error {
	w := &s.work
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	if w.runner != nil {
		err = w.runner.Stop(ctx)
		w.runner = nil
	}
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
	w.wait.Wait()
	return err
}

// StartCrons begins to run crons, for programs that do not let Start do it
// because something has to be finished before. It must follow Start.
func (s *System) StartCrons() {
	s.work.mu.Lock()
	defer s.work.mu.Unlock()
	if !s.work.crons {
		s.work.crons = true
		s.loopCrons()
	}
}

// newServer makes a server on a database, with the routes of the framework and
// those of the addons that are installed there.
func (s *System) newServer(ctx context.Context, db *orm.DB) (*server.Server, error) {
	present, err := module.Present(ctx, db, s.App.Addons)
	if err != nil {
		return nil, err
	}
	set := s.Settings
	srv, err := server.New(db, server.Config{Database: s.Name(), Auth: server.AuthOf(present), Logger: set.Logger,
		TrustedProxies: set.TrustedProxies, Hosts: ownNames(set.Hosts), MetricsToken: set.MetricsToken})
	if err != nil {
		return nil, err
	}
	pages, panels := map[string]route.Page{}, map[string]route.Panel{}
	for _, a := range present {
		maps.Copy(pages, a.Pages)
		maps.Copy(panels, a.Panels)
	}
	rpc.Mount(srv)
	web.Mount(srv, web.Options{Name: s.App.Name, Static: s.App.Static, Pages: pages, Panels: panels})
	srv.Mount(present...)
	return srv, nil
}

// ownNames adds the name of this machine to those the server answers under.
func ownNames(hosts []string) []string {
	own := []string{}
	if name, err := os.Hostname(); err == nil {
		own = append(own, name)
	}
	return append(own, hosts...)
}

func (s *System) serve(ctx context.Context) error {
	srv, err := s.newServer(ctx, s.DB)
	if err != nil {
		return err
	}
	s.Server = srv
	l := s.listener
	s.listener = nil // the server closes it
	s.wait.Go(func() {
		if err := srv.Serve(ctx, l); err != nil {
			s.serving <- err
		}
	})
	return nil
}

// Wait returns when ctx ends, or when the server or the private cluster fails.
func (s *System) Wait(ctx context.Context) error {
	var gone <-chan struct{}
	if s.cluster != nil {
		gone = s.cluster.Gone()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.serving:
		return err
	case <-gone:
		return errors.New("the private PostgreSQL ended; see its log in the data directory, and start again")
	}
}

// Close stops everything in order: requests and jobs finish, then the database
// is closed and the private cluster stopped.
func (s *System) Close() error {
	if s.stop != nil {
		s.stop()
	}
	if s.listener != nil {
		_ = s.listener.Close() // nobody was served yet
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	s.wait.Wait()
	errs := []error{s.endWork(ctx)}
	if s.DB != nil {
		errs = append(errs, s.DB.Close())
	}
	if s.cluster != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		errs = append(errs, s.cluster.Stop(ctx))
	}
	return errors.Join(errs...)
}
