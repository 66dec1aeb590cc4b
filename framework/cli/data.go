package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
)

// dataCmd holds the commands about data files.
type dataCmd struct {
	Load dataLoadCmd `cmd:"" help:"Load XML and CSV files into a database, all or nothing."`
}

type dataLoadCmd struct {
	databaseFlags
	Module string   `required:"" placeholder:"NAME" help:"The module whose external ids the files name without a module."`
	Check  bool     `help:"Only look for mistakes, without a database."`
	Files  []string `arg:"" name:"file" help:"The files, in order."`
}

// Run loads or checks the files.
func (c *dataLoadCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	for i, name := range c.Files {
		c.Files[i] = path.Clean(name) // as the loader asks for it
		if info, err := os.Stat(name); err != nil {
			return fmt.Errorf("%s cannot be read: %w", name, errors.Unwrap(err))
		} else if info.IsDir() {
			return fmt.Errorf("%s is a folder; name the files", name)
		}
	}
	if c.Check {
		return c.check(app, out)
	}
	set, err := c.settings(g.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	s, err := Open(ctx, app, set, []string{"base"})
	if err != nil {
		return err
	}
	err = s.DB.Run(ctx, orm.System(), func(env *orm.Env) error {
		return module.Load(env, app.Addons, c.Module, disk{}, c.Files)
	})
	if err == nil {
		_, err = fmt.Fprintf(out, "%d files loaded into %s\n", len(c.Files), s.Name())
	}
	return errors.Join(err, s.Close())
}

// check looks at the files as if they were the last data of their module.
func (c *dataLoadCmd) check(app App, out io.Writer) error {
	addons := slices.Clone(app.Addons)
	i := slices.IndexFunc(addons, func(a module.Addon) bool { return a.Name == c.Module })
	if i < 0 {
		own := module.Addon{Name: c.Module, Title: c.Module, Version: "1.0"}
		for _, a := range addons {
			own.Depends = append(own.Depends, a.Name)
		}
		addons, i = append(addons, own), len(addons)
	}
	addons[i].Data = append(slices.Clone(addons[i].Data), c.Files...)
	addons[i].FS = disk{under: addons[i].FS, own: c.Files}
	return tell(module.Check(addons), fmt.Sprintf("%d files, no problems", len(c.Files)), out)
}

// disk is the file system by path, above the files of an addon if there is one.
type disk struct {
	under fs.FS
	own   []string // paths that are always the disk's
}

// Open implements fs.FS. Unlike others it takes any path, as the user wrote it.
func (d disk) Open(name string) (fs.File, error) {
	if d.under == nil || slices.Contains(d.own, name) {
		return os.Open(name)
	}
	return d.under.Open(name)
}
