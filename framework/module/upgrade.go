package module

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
)

// Upgrade brings installed addons to the program's version of them, by name
// or "all", together with the installed addons that depend on them. What they
// newly depend on is installed first. The upgrade itself is one transaction:
//
//	migrations (Pre) → schema → ir.model → data files → migrations (Post)
//
// Records marked noupdate stay as they are. A record that an addon's files no
// longer name is deleted and reported, unless it is marked noupdate or cannot
// be deleted because others refer to it.
//
// The result is as that of [Install].
func Upgrade(ctx context.Context, db *orm.DB, addons []Addon, names []string, opt Options) (*orm.DB, error) {
	out := db
	err := locked(ctx, db, func() error {
		in, err := newInstaller(ctx, db, addons, nil, opt)
		if err != nil {
			return err
		}
		defer in.tell(ctx)
		todo, err := in.dependents(names)
		if err != nil {
			return err
		}
		if out, err = in.install(ctx); err != nil {
			return err
		}
		if len(todo) == 0 {
			return nil
		}
		files, err := in.check(todo)
		if err != nil {
			return err
		}
		return in.upgrade(ctx, out, todo, files)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// dependents lists the installed addons of those names and all that depend on
// them, in order.
func (in *installer) dependents(names []string) ([]Addon, error) {
	var problems Problems
	want := map[string]bool{}
	for _, n := range names {
		_, installed := in.status[n]
		switch {
		case n == "all":
			for name := range in.status {
				want[name] = true
			}
		case !installed:
			problems = append(problems, place{addon: n}.problem("is not installed%s", expr.DidYouMean(n, in.installedNames())))
		}
		want[n] = true
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	var out []Addon
	for _, a := range in.goal {
		if _, installed := in.status[a.Name]; !installed {
			continue
		}
		if want[a.Name] = want[a.Name] || slices.ContainsFunc(a.Depends, func(d string) bool { return want[d] }); want[a.Name] {
			out = append(out, a)
		}
	}
	return out, nil
}

func (in *installer) installedNames() []string {
	var names []string
	for n := range in.status {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (in *installer) upgrade(ctx context.Context, db *orm.DB, todo []Addon, files map[string][]*dataFile) error {
	began := time.Now()
	err := db.Run(ctx, orm.System(), func(env *orm.Env) error {
		if err := in.migrate(env, todo, func(m Migration) func(*orm.Env) error { return m.Pre }); err != nil {
			return err
		}
		if _, err := in.schema(env); err != nil {
			return err
		}
		ids, err := in.index(env)
		if err != nil {
			return err
		}
		in.mirror.ids, in.mirror.last, in.mirror.prune = ids, map[string]string{}, true
		in.mirror.report = func(msg string) { in.log.Warn(msg) }
		if err := in.mirror.run(env, in.reg, in.present()); err != nil {
			return err
		}
		if _, _, err := recordModules(env, in.known, ids); err != nil {
			return err
		}
		for _, a := range todo {
			if _, err := in.load(env, a, files[a.Name], Update, ids); err != nil {
				return fmt.Errorf("upgrading %s: %w", a.Name, err)
			}
		}
		if err := in.migrate(env, todo, func(m Migration) func(*orm.Env) error { return m.Post }); err != nil {
			return err
		}
		for _, a := range todo {
			if err := setInstalled(env, a, in.demo(a.Name)); err != nil {
				return err
			}
		}
		return in.orphans(env, todo, ids)
	})
	if err != nil {
		return err
	}
	in.news = true
	for _, a := range todo {
		in.log.Info("addon upgraded", "addon", a.Name, "from", in.status[a.Name].Version, "to", a.Version)
	}
	in.log.Info("upgrade done", "addons", len(todo), "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// newer reports whether version a comes after b. Both are well-formed, but for
// one an older program may have recorded, which counts as the oldest.
func newer(a, b string) bool {
	x, err := parseVersion(a)
	if err != nil {
		return false
	}
	y, err := parseVersion(b)
	return err != nil || x.compare(y) > 0
}

// mirrors are the models whose records follow from the registry and the
// manifests; data files neither create nor delete them.
func mirrors(model string) bool {
	return model == "ir.model" || model == "ir.model.fields" || model == "ir.module.module"
}

// orphans deletes the records that the files of the upgraded addons no longer
// name, the latest first.
func (in *installer) orphans(env *orm.Env, todo []Addon, ids *idIndex) error {
	var gone []*extID
	for _, x := range ids.byName {
		if !x.used && !x.noupdate && !mirrors(x.model) && slices.ContainsFunc(todo, func(a Addon) bool { return a.Name == x.module }) {
			gone = append(gone, x)
		}
	}
	slices.SortFunc(gone, func(a, b *extID) int { return int(b.row - a.row) })
	_, err := in.remove(env, gone, ids, "no longer in the data files")
	return err
}

// remove deletes the records of external ids, but for those that another
// external id names too and those that cannot be deleted; it returns how many.
func (in *installer) remove(env *orm.Env, gone []*extID, ids *idIndex, why string) (int, error) {
	type key struct {
		model string
		id    int64
	}
	names := map[key]int{}
	for _, x := range ids.byName {
		names[key{x.model, x.resID}]++
	}
	env = env.WithOnlyContext(map[string]any{"active_test": false, "uninstall": true})
	count := 0
	for _, x := range gone {
		k := key{x.model, x.resID}
		names[k]--
		delete(ids.byName, x.full())
		if _, err := env.Exec(orm.SQL("DELETE FROM ir_model_data WHERE id = ?", x.row).Writes("ir.model.data")); err != nil {
			return count, err
		}
		if _, ok := env.Registry().Model(x.model); !ok || names[k] > 0 {
			continue
		}
		rs, err := env.Model(x.model).Browse(x.resID).Exists()
		if err != nil {
			return count, err
		}
		if rs.Len() == 0 {
			continue
		}
		if err := env.Savepoint(func(e *orm.Env) error { return rs.In(e).Unlink() }); err != nil {
			in.log.Warn("record is "+why+" but cannot be deleted", "record", x.full(), "model", x.model, "id", x.resID, "cause", err.Error())
			continue
		}
		count++
		in.log.Info("record deleted: "+why, "record", x.full(), "model", x.model, "id", x.resID)
	}
	return count, nil
}
