package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"

	"github.com/alecthomas/kong"
)

// Globals are the flags of all commands; commands may ask for them in Run.
type Globals struct {
	LogLevel string           `enum:",debug,info,warn,error" default:"" placeholder:"LEVEL" help:"Least important messages to log: debug, info, warn or error."`
	Version  kong.VersionFlag `help:"Show the version and quit."`
}

// Logger writes to standard error what --log-level asks for; otherwise is the
// command's own choice.
func (g *Globals) Logger(otherwise slog.Level) *slog.Logger {
	level := otherwise
	if g.LogLevel != "" {
		_ = level.UnmarshalText([]byte(g.LogLevel)) // kong lets only levels through
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

type root struct {
	Globals
	Serve    serveCmd    `cmd:"" default:"withargs" help:"Serve a database: web, crons and jobs. Also installs (-i) and upgrades (-u) addons."`
	Check    checkCmd    `cmd:"" help:"Find every wrong name in models, views and data files, without a database."`
	Module   moduleCmd   `cmd:"" help:"List, install, upgrade and uninstall addons."`
	Backup   backupCmd   `cmd:"" help:"Write a database and its files into one archive."`
	Restore  restoreCmd  `cmd:"" help:"Read such an archive into an empty database."`
	Secret   secretCmd   `cmd:"" help:"Look at and change the keys that encrypt secrets."`
	Data     dataCmd     `cmd:"" help:"Load data files in Odoo's XML and CSV formats."`
	Scaffold scaffoldCmd `cmd:"" help:"Write a new addon: a model, views, a menu, access rights and tests."`
	kong.Plugins
}

// databaseFlags say which database a command works on.
type databaseFlags struct {
	DB      string `name:"db" short:"d" placeholder:"DATABASE" help:"Address of a database (postgres://…), or the name of one: on the server of DATABASE_URL, else in the private cluster."`
	Server  string `name:"database-url" env:"DATABASE_URL" placeholder:"URL" hidden:"" help:"Address of the database."`
	DataDir string `name:"data-dir" env:"FUSION_DATA_DIR" default:"data" placeholder:"DIR" help:"Folder of the private PostgreSQL, of files and of the secret key."`
}

func (f *databaseFlags) settings(log *slog.Logger) (Settings, error) {
	set := Settings{DataDir: f.DataDir, Logger: log}
	switch {
	case isURL(f.DB):
		set.URL = f.DB
	case f.Server == "":
		set.Database = f.DB
	case f.DB == "":
		set.URL = f.Server
	default:
		u, err := url.Parse(f.Server)
		if err != nil || u.Host == "" && u.RawQuery == "" {
			// Not the error of Parse: it repeats the address, password included.
			return set, errors.New("DATABASE_URL is no address of the form postgres://user:password@host/name, so -d cannot choose another database on its server")
		}
		u.Path = "/" + f.DB
		set.URL = u.String()
	}
	return set, nil
}

// MetricsEnv names the environment variable with the token that /metrics asks for.
const MetricsEnv = "FUSION_METRICS_TOKEN"

type serveCmd struct {
	databaseFlags
	HTTP          string   `name:"http" default:"127.0.0.1:8069" placeholder:"ADDRESS" help:"Address to listen on."`
	Proxies       []string `name:"trusted-proxies" env:"FUSION_TRUSTED_PROXIES" placeholder:"NETWORK" help:"Addresses or networks of the proxies in front, or “loopback” or “private”, separated by commas: what they say of clients in X-Forwarded-* or Forwarded counts."`
	Hosts         []string `name:"hosts" env:"FUSION_HOSTS" placeholder:"NAME" help:"Names the server answers under, separated by commas, beside that of web.base.url, this machine's own and addresses; “.example.com” for those below too, “*” for all."`
	Init          []string `name:"init" short:"i" placeholder:"ADDON" help:"Addons to install, separated by commas."`
	Update        []string `name:"update" short:"u" placeholder:"ADDON" help:"Addons to upgrade; “all” for all."`
	StopAfterInit bool     `name:"stop-after-init" help:"Stop once addons are installed and upgraded."`
	Workers       int      `default:"4" help:"Jobs worked at a time."`
	Web           bool     `help:"Only serve the web."`
	Cron          bool     `help:"Only run crons."`
	Jobs          bool     `help:"Only work jobs."`
}

func (c *serveCmd) settings(log *slog.Logger) (Settings, error) {
	set, err := c.databaseFlags.settings(log)
	if err != nil {
		return set, err
	}
	if c.Workers < 1 {
		return set, errors.New("--workers must be at least 1")
	}
	set.Workers = c.Workers
	if set.TrustedProxies, err = server.ParseNetworks(c.Proxies); err != nil {
		return set, fmt.Errorf("--trusted-proxies: %w", err)
	}
	set.Hosts, set.MetricsToken = c.Hosts, os.Getenv(MetricsEnv)
	all := !c.Web && !c.Cron && !c.Jobs
	if (all || c.Web) && !c.StopAfterInit {
		set.HTTP = c.HTTP
	}
	set.Cron, set.Jobs = all || c.Cron, all || c.Jobs
	return set, nil
}

// isURL tells an address of a database from a name.
func isURL(s string) bool { return strings.Contains(s, "://") || strings.Contains(s, "=") }

// Run installs, upgrades and serves.
func (c *serveCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	log := g.Logger(slog.LevelInfo)
	set, err := c.settings(log)
	if err != nil {
		return err
	}
	install := c.Init
	if len(install) == 0 && len(c.Update) == 0 {
		install = []string{"base"}
	}
	s, err := Open(ctx, app, set, install)
	if err != nil {
		return err
	}
	defer func() {
		if err := s.Close(); err != nil {
			log.Error("stopping", "error", err.Error())
		}
	}()
	if err := s.Upgrade(ctx, c.Update...); err != nil {
		return err
	}
	if c.StopAfterInit {
		return nil
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	if s.Address != "" {
		fmt.Fprintf(out, "%s serves the database %s at %s\n", app.Name, s.Name(), s.Address)
	}
	s.warnPassword(ctx)
	return s.Wait(ctx)
}

// warnPassword says so when anybody can log in as the administrator.
func (s *System) warnPassword(ctx context.Context) {
	login := server.AuthOf(s.App.Addons).Login
	if login == nil {
		return
	}
	err := s.DB.View(ctx, orm.System(), func(env *orm.Env) error {
		_, err := login(env, "admin", "admin")
		return err
	})
	if err == nil {
		s.Settings.Logger.Warn("the administrator's password is still the first one: log in as admin with the password admin, and change it")
	}
}

type checkCmd struct{}

// Run checks all addons of the program.
func (c *checkCmd) Run(app App, out io.Writer) error {
	return tell(module.Check(app.Addons), fmt.Sprintf("%d addons, no problems", len(app.Addons)), out)
}

// tell prints what a check found; finding something is a failure.
func tell(problems []module.Problem, none string, out io.Writer) error {
	for _, p := range problems {
		fmt.Fprintln(out, p)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d problems", len(problems))
	}
	_, err := fmt.Fprintln(out, none)
	return err
}

// Main runs the command line and ends the process: 0 when all went well, 1
// after a failure, 2 when the command line makes no sense. An interrupt or
// SIGTERM stops gracefully; a second one at once.
func Main(app App) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, app, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, app App, args []string, out, errs io.Writer) int {
	r := &root{}
	r.Plugins = append(r.Plugins, app.Commands...)
	parser, err := kong.New(r, kong.Name("fusion"), kong.Description(app.Name+": an Odoo-style business application."),
		kong.Writers(out, errs), kong.Vars{"version": app.Name + " " + app.Version})
	if err != nil {
		fmt.Fprintln(errs, "fusion:", err)
		return 2
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errs, "fusion: %v\nSee fusion --help.\n", err)
		return 2
	}
	k.BindTo(ctx, (*context.Context)(nil))
	k.BindTo(out, (*io.Writer)(nil))
	if err := k.Run(app, &r.Globals); err != nil {
		fmt.Fprintln(errs, "fusion:", err)
		return 1
	}
	return 0
}
