// Package cli is the command line of a Fusion program and the life of its
// process: open or start a database, install addons, serve, run crons and
// jobs, stop gracefully. The program itself (cmd/fusion) is a list of addons
// handed to Main.
package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"fusion/framework/cron"
	"fusion/framework/filestore"
	"fusion/framework/jobs"
	"fusion/framework/module"
	"fusion/framework/orm"
	"fusion/framework/pglocal"
	"fusion/framework/rpc"
	"fusion/framework/server"
	"fusion/framework/web"
)

// App is what makes a program of the framework: its addons and what they need
// beyond the database.
type App struct {
	Name    string
	Version string
	Addons  []module.Addon
	Auth    server.Auth
	// Routes are the controllers of addons.
	Routes []func(*server.Server)
	// Jobs are the handlers of addons, by name.
	Jobs map[string]jobs.Handler
	Web  web.Options
	// Commands are further commands of the program: pointers to structs whose
	// fields are kong commands.
	Commands []any
}

// Settings say which database to use and where to keep files.
type Settings struct {
	URL      string // address of a database; "" for a private cluster in DataDir
	DataDir  string
	Database string // name of the database in the private cluster
	HTTP     string // address to listen on, "" for none
	Workers  int
	Cron     bool
	Jobs     bool
	Logger   *slog.Logger
}

// System is a running Fusion: a database with addons, and what serves it.
type System struct {
	App      App
	Settings Settings
	DB       *orm.DB
	Server   *server.Server
	Address  string // where the server listens

	cluster *pglocal.Cluster
	url     string
	runner  *jobs.Runner
	stop    context.CancelFunc
	wait    sync.WaitGroup
	serving chan error
}

// Open starts the private cluster if there is one, opens the database and
// installs the named addons.
func Open(ctx context.Context, app App, set Settings, install []string) (*System, error) {
	if set.Logger == nil {
		set.Logger = slog.Default()
	}
	s := &System{App: app, Settings: set, url: set.URL, serving: make(chan error, 1)}
	if set.URL == "" {
		if set.DataDir == "" {
			return nil, errors.New("name a database with --db, or a folder for a private one with --data-dir")
		}
		dir, err := filepath.Abs(set.DataDir)
		if err != nil {
			return nil, err
		}
		s.Settings.DataDir = dir
		if s.cluster, err = pglocal.Start(ctx, pglocal.Config{Dir: filepath.Join(dir, "postgresql"), Logger: set.Logger}); err != nil {
			return nil, err
		}
		if s.Settings.Database == "" {
			s.Settings.Database = "fusion"
		}
		if err := s.cluster.CreateDatabase(ctx, s.Settings.Database); err != nil {
			s.Close()
			return nil, err
		}
		s.url = s.cluster.URL(s.Settings.Database)
	}
	if err := s.open(ctx, install); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *System) open(ctx context.Context, install []string) error {
	db, err := module.Open(ctx, s.url, s.App.Addons)
	if err != nil {
		return err
	}
	s.DB = db
	db.Logger = s.Settings.Logger
	if err := jobs.Migrate(ctx, db); err != nil {
		return err
	}
	if err := s.keys(); err != nil {
		return err
	}
	db.Blobs = filestore.Dir(filepath.Join(s.dataDir(), "files"))
	if len(install) > 0 {
		if s.DB, err = module.Install(ctx, db, s.App.Addons, install, module.Options{Logger: s.Settings.Logger}); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) dataDir() string {
	if s.Settings.DataDir != "" {
		return s.Settings.DataDir
	}
	if dir, err := os.UserConfigDir(); err == nil {
		return filepath.Join(dir, "fusion")
	}
	return "fusion-data"
}

// KeyEnv names the environment variable with the keys of secrets: 64 hex
// digits each, separated by commas, the newest first.
const KeyEnv = "FUSION_SECRET_KEYS"

// keys reads the encryption keys from the environment or the data directory,
// where a new one is made when there is none.
func (s *System) keys() error {
	text := os.Getenv(KeyEnv)
	path := filepath.Join(s.dataDir(), "secret.key")
	if text == "" {
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			key := make([]byte, 32)
			if _, err := rand.Read(key); err != nil {
				return err
			}
			b = []byte(hex.EncodeToString(key))
			if err := os.MkdirAll(s.dataDir(), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		text = string(b)
	}
	var keys [][]byte
	for _, k := range strings.Split(strings.TrimSpace(text), ",") {
		b, err := hex.DecodeString(strings.TrimSpace(k))
		if err != nil || len(b) != 32 {
			return fmt.Errorf("a key of secrets is not 64 hex digits; see %s and %s", KeyEnv, path)
		}
		keys = append(keys, b)
	}
	ring, err := orm.NewKeyring(keys...)
	s.DB.Keys = ring
	return err
}

// Name is the database's name, as clients give it.
func (s *System) Name() string {
	if s.Settings.Database != "" {
		return s.Settings.Database
	}
	path, _, _ := strings.Cut(s.url, "?")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// Start begins to serve, to work jobs and to run crons, as the settings say.
func (s *System) Start(ctx context.Context) error {
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = cancel
	if s.Settings.HTTP != "" {
		if err := s.serve(run); err != nil {
			return err
		}
	}
	if s.Settings.Jobs {
		handlers := map[string]jobs.Handler{cron.JobName: cron.Run}
		for name, h := range s.App.Jobs {
			handlers[name] = h
		}
		var err error
		if s.runner, err = jobs.Start(ctx, s.DB, jobs.Config{Handlers: handlers, Workers: s.Settings.Workers, URL: s.url}); err != nil {
			return err
		}
	}
	if s.Settings.Cron {
		s.wait.Add(1)
		go func() {
			defer s.wait.Done()
			cron.Loop(run, s.DB, 5*time.Second)
		}()
	}
	return nil
}

func (s *System) serve(ctx context.Context) error {
	srv, err := server.New(s.DB, server.Config{Database: s.Name(), Auth: s.App.Auth, Logger: s.Settings.Logger})
	if err != nil {
		return err
	}
	s.Server = srv
	rpc.Mount(srv)
	web.Mount(srv, s.App.Web)
	for _, mount := range s.App.Routes {
		mount(srv)
	}
	l, err := net.Listen("tcp", s.Settings.HTTP)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another address with --http", s.Settings.HTTP, err)
	}
	s.Address = "http://" + l.Addr().String()
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		if err := srv.Serve(ctx, l); err != nil {
			s.serving <- err
		}
	}()
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
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	if s.runner != nil {
		errs = append(errs, s.runner.Stop(ctx))
	}
	s.wait.Wait()
	if s.DB != nil {
		errs = append(errs, s.DB.Close())
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.Stop(ctx))
	}
	return errors.Join(errs...)
}

// Logger makes the program's logger.
func Logger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
