package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	"fusionsoft.ca/fusion/framework/module"
)

// moduleCmd holds the commands about addons. A server that runs on the database
// goes over to the changed addons by itself.
type moduleCmd struct {
	List      moduleListCmd      `cmd:"" help:"List the addons of the program, and which of them the database has."`
	Install   moduleInstallCmd   `cmd:"" help:"Install addons, with what they depend on."`
	Upgrade   moduleUpgradeCmd   `cmd:"" help:"Bring installed addons to the program's version; “all” for all."`
	Uninstall moduleUninstallCmd `cmd:"" help:"Remove addons with their records, tables and columns. Without --yes it only says what would go."`
}

// withSystem opens the database of a command, without serving it.
func withSystem(ctx context.Context, app App, f *databaseFlags, log *slog.Logger, do func(*System) error) error {
	set, err := f.settings(log)
	if err != nil {
		return err
	}
	s, err := Open(ctx, app, set, nil)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

type moduleListCmd struct {
	databaseFlags
	Installed bool `help:"Only those the database has."`
}

// Run lists addons in dependency order.
func (c *moduleListCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	ordered, err := module.Graph(app.Addons)
	if err != nil {
		return err
	}
	return withSystem(ctx, app, &c.databaseFlags, g.Logger(slog.LevelWarn), func(s *System) error {
		list, err := module.Installed(ctx, s.DB)
		if err != nil {
			return err
		}
		have := versions(list)
		w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tSTATE\tINSTALLED\tPROGRAM\tTITLE")
		for _, a := range ordered {
			version, installed := have[a.Name]
			state := "installed"
			switch {
			case !installed && c.Installed:
				continue
			case !installed:
				state, version = "uninstalled", "-"
			case version != a.Version:
				state = "outdated"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Name, state, version, a.Version, a.Title)
		}
		return w.Flush()
	})
}

type moduleInstallCmd struct {
	databaseFlags
	Names []string `arg:"" name:"name" help:"The addons."`
}

// Run installs addons and says which came.
func (c *moduleInstallCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	return withSystem(ctx, app, &c.databaseFlags, g.Logger(slog.LevelWarn), func(s *System) error {
		before, err := module.Installed(ctx, s.DB)
		if err != nil {
			return err
		}
		if err := s.Install(ctx, c.Names...); err != nil {
			return err
		}
		after, err := module.Installed(ctx, s.DB)
		if err != nil {
			return err
		}
		had, has := versions(before), versions(after)
		var came []string
		ordered, err := module.Graph(app.Addons)
		for _, a := range ordered {
			if _, old := had[a.Name]; has[a.Name] != "" && !old {
				came = append(came, a.Name)
			}
		}
		if len(came) == 0 {
			came = []string{"nothing, all is there"}
		}
		fmt.Fprintf(out, "installed into %s: %s\n", s.Name(), strings.Join(came, ", "))
		return err
	})
}

type moduleUpgradeCmd struct {
	databaseFlags
	Names []string `arg:"" name:"name" help:"The addons; “all” for all."`
}

// Run upgrades addons.
func (c *moduleUpgradeCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	return withSystem(ctx, app, &c.databaseFlags, g.Logger(slog.LevelWarn), func(s *System) error {
		err := s.Upgrade(ctx, c.Names...)
		if err == nil {
			_, err = fmt.Fprintf(out, "upgraded in %s: %s, and what depends on them\n", s.Name(), strings.Join(c.Names, ", "))
		}
		return err
	})
}

type moduleUninstallCmd struct {
	databaseFlags
	Names          []string `arg:"" name:"name" help:"The addons."`
	WithDependents bool     `help:"Uninstall what depends on them too."`
	Yes            bool     `short:"y" help:"Do it; it cannot be undone."`
}

// Run says what goes, and removes it.
func (c *moduleUninstallCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	return withSystem(ctx, app, &c.databaseFlags, g.Logger(slog.LevelWarn), func(s *System) error {
		opt := s.options()
		opt.Dependents = c.WithDependents
		plan, err := module.PlanUninstall(ctx, s.DB, app.Addons, c.Names, opt)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Uninstalling removes from %s:\n", s.Name())
		for _, line := range plan.Lines() {
			fmt.Fprintln(out, "  "+line)
		}
		if !c.Yes {
			return errors.New("nothing is removed yet; do the same with --yes to remove it, it cannot be undone")
		}
		s.DB, err = module.Uninstall(ctx, s.DB, app.Addons, c.Names, opt)
		if err == nil {
			_, err = fmt.Fprintln(out, "uninstalled:", strings.Join(plan.Addons, ", "))
		}
		return err
	})
}
