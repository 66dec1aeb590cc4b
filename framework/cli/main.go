package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"fusion/framework/module"

	"github.com/alecthomas/kong"
)

// Globals are the flags of all commands.
type Globals struct {
	LogLevel slog.Level `help:"Least important messages to show: debug, info, warn, error." default:"info"`
}

type root struct {
	Globals
	Serve serveCmd `cmd:"" default:"withargs" help:"Serve a database: web, crons and jobs. Also installs (-i) and upgrades (-u) addons."`
	Check checkCmd `cmd:"" help:"Find every wrong name in models, views and data files, without a database."`
	kong.Plugins
}

// DatabaseFlags choose a database.
type DatabaseFlags struct {
	DB      string `name:"db" short:"d" env:"DATABASE_URL" help:"Address of the database (postgres://…), or its name in the private cluster."`
	DataDir string `name:"data-dir" env:"FUSION_DATA_DIR" default:"data" help:"Folder of the private PostgreSQL, of files and of the secret key."`
}

func (f DatabaseFlags) settings() Settings {
	s := Settings{DataDir: f.DataDir}
	if isURL(f.DB) {
		s.URL = f.DB
	} else {
		s.Database = f.DB
	}
	return s
}

func isURL(s string) bool {
	for _, p := range []string{"postgres://", "postgresql://", "host=", "user="} {
		if len(s) >= len(p) && s[:len(p)] == p {
			return true
		}
	}
	return false
}

type serveCmd struct {
	DatabaseFlags
	HTTP          string   `name:"http" default:"127.0.0.1:8069" help:"Address to listen on."`
	Init          []string `name:"init" short:"i" help:"Addons to install."`
	Update        []string `name:"update" short:"u" help:"Addons to upgrade; “all” for all."`
	StopAfterInit bool     `name:"stop-after-init" help:"Stop once addons are installed and upgraded."`
	Workers       int      `default:"4" help:"Jobs worked at a time."`
	Web           bool     `help:"Only serve the web."`
	Cron          bool     `help:"Only run crons."`
	Jobs          bool     `help:"Only work jobs."`
}

// Run serves.
func (c *serveCmd) Run(ctx context.Context, app App, log *slog.Logger) error {
	set := c.settings()
	set.Logger, set.Workers = log, c.Workers
	all := !c.Web && !c.Cron && !c.Jobs
	if all || c.Web {
		set.HTTP = c.HTTP
	}
	set.Cron, set.Jobs = all || c.Cron, all || c.Jobs
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
	if len(c.Update) > 0 {
		if s.DB, err = module.Upgrade(ctx, s.DB, app.Addons, c.Update, module.Options{Logger: log}); err != nil {
			return err
		}
	}
	if c.StopAfterInit {
		return nil
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	if s.Address != "" {
		fmt.Printf("%s serves database %s at %s\n", app.Name, s.Name(), s.Address)
	}
	return s.Wait(ctx)
}

type checkCmd struct{}

// Run checks all addons of the program.
func (c *checkCmd) Run(app App) error {
	problems := module.Check(app.Addons)
	for _, p := range problems {
		fmt.Println(p)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d problems", len(problems))
	}
	fmt.Printf("%d addons, no problems\n", len(app.Addons))
	return nil
}

// Main runs the command line and ends the process.
func Main(app App) {
	var r root
	r.Plugins = append(r.Plugins, app.Commands...)
	os.Exit(run(app, &r, os.Args[1:]))
}

func run(app App, r *root, args []string) int {
	parser, err := kong.New(r, kong.Name("fusion"), kong.Description(app.Name+": an Odoo-style business application."), kong.UsageOnError(),
		kong.Vars{"version": app.Version})
	if err != nil {
		fmt.Fprintln(os.Stderr, "fusion:", err)
		return 2
	}
	k, err := parser.Parse(args)
	if err != nil {
		var pe *kong.ParseError
		if errors.As(err, &pe) {
			pe.Context.PrintUsage(true)
		}
		fmt.Fprintln(os.Stderr, "fusion:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := Logger(os.Stderr, r.LogLevel)
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(app, log); err != nil {
		fmt.Fprintln(os.Stderr, "fusion:", err)
		return 1
	}
	return 0
}
