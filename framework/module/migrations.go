package module

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// migrationsDir holds the scripts of an addon: migrations/<version>/pre-*.sql
// and post-*.sql.
const migrationsDir = "migrations"

// migrations are those of the manifest and the scripts of the addon, in order
// of version; within one the manifest's come first, then scripts by name.
func migrations(a Addon) ([]Migration, Problems) {
	out := slices.Clone(a.Migrations)
	var problems Problems
	if a.FS != nil {
		scripts, ps := migrationScripts(a)
		out, problems = append(out, scripts...), ps
	}
	for _, m := range out {
		if _, err := parseVersion(m.Version); err != nil {
			problems = append(problems, place{addon: a.Name}.problem("migration: %v", err))
		}
	}
	slices.SortStableFunc(out, func(x, y Migration) int {
		if newer(x.Version, y.Version) {
			return 1
		}
		if newer(y.Version, x.Version) {
			return -1
		}
		return 0
	})
	return out, problems
}

func migrationScripts(a Addon) (out []Migration, problems Problems) {
	fail := func(file, format string, args ...any) {
		problems = append(problems, place{addon: a.Name, file: file}.problem(format, args...))
	}
	versions, err := fs.ReadDir(a.FS, migrationsDir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			fail(migrationsDir, "cannot be read: %v", err)
		}
		return nil, problems
	}
	for _, v := range versions {
		dir := path.Join(migrationsDir, v.Name())
		if _, err := parseVersion(v.Name()); !v.IsDir() || err != nil {
			fail(dir, "only folders named after a version belong into %s/, as 19.0.1.1.0", migrationsDir)
			continue
		}
		files, err := fs.ReadDir(a.FS, dir)
		if err != nil {
			fail(dir, "cannot be read: %v", err)
			continue
		}
		for _, f := range files { // sorted by name
			file := path.Join(dir, f.Name())
			m := Migration{Version: v.Name()}
			switch name := f.Name(); {
			case f.IsDir() || path.Ext(name) != ".sql":
				fail(file, "scripts of migrations are written in SQL; what needs Go stands in the manifest's Migrations")
				continue
			case strings.HasPrefix(name, "pre-"):
				m.Pre = script(a, file)
			case strings.HasPrefix(name, "post-"):
				m.Post = script(a, file)
			default:
				fail(file, "the name of a script begins with pre- or post-")
				continue
			}
			out = append(out, m)
		}
	}
	return out, problems
}

// script runs the statements of a file.
func script(a Addon, file string) func(*orm.Env) error {
	return func(env *orm.Env) error {
		text, err := fs.ReadFile(a.FS, file)
		if err == nil {
			_, err = env.Exec(orm.Script(string(text)))
		}
		if err != nil {
			return place{addon: a.Name, file: file}.errorf("%w", err)
		}
		return nil
	}
}

// migrate runs one half of the migrations that lie between the installed
// version of each addon and the program's.
func (in *installer) migrate(env *orm.Env, todo []Addon, half func(Migration) func(*orm.Env) error) error {
	for _, a := range todo {
		all, _ := migrations(a) // their mistakes are those of Graph
		for _, m := range all {
			if half(m) == nil || !newer(m.Version, in.status[a.Name].Version) || newer(m.Version, a.Version) {
				continue
			}
			err := half(m)(env)
			if err = cmp.Or(err, env.Flush()); err != nil {
				return fmt.Errorf("migration of %s to %s: %w", a.Name, m.Version, err)
			}
		}
	}
	return nil
}
