package module

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"fusionsoft.ca/fusion/framework/orm"
)

// Status is what the database knows of an installed addon.
type Status struct {
	Name    string
	Version string
	Demo    bool
}

// Installed lists the addons a database has, in no particular order. An empty
// database has none.
func Installed(ctx context.Context, db *orm.DB) ([]Status, error) {
	var there bool
	err := db.DB.NewRaw("SELECT to_regclass('ir_module_module') IS NOT NULL").Scan(ctx, &there)
	if err != nil {
		return nil, fmt.Errorf("reading the list of installed addons: %w", err)
	}
	if !there {
		return nil, nil
	}
	rows, err := db.DB.QueryContext(ctx, "SELECT name, COALESCE(latest_version, ''), COALESCE(demo, false) FROM ir_module_module WHERE state IN ('installed', 'to upgrade', 'to remove')")
	if err != nil {
		return nil, fmt.Errorf("reading the list of installed addons: %w", err)
	}
	defer rows.Close()
	var list []Status
	for rows.Next() {
		var s Status
		if err := rows.Scan(&s.Name, &s.Version, &s.Demo); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

func statusNames(list []Status) []string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Name
	}
	return names
}

// Open connects to a database with the registry of the addons installed in
// it, which is empty on an empty database. addons are those of the program.
func Open(ctx context.Context, url string, addons []Addon) (*orm.DB, error) {
	empty, err := buildOrdered(nil)
	if err != nil {
		return nil, err
	}
	db, err := orm.Open(ctx, url, empty)
	if err != nil {
		return nil, err
	}
	Remember(db, addons)
	out, err := Reload(ctx, db)
	if err != nil {
		db.Close()
		return nil, err
	}
	return out, nil
}

// Present are those of a program's addons that are installed in a database, each
// after those it depends on.
func Present(ctx context.Context, db *orm.DB, addons []Addon) ([]Addon, error) {
	list, err := Installed(ctx, db)
	if err != nil {
		return nil, err
	}
	return exactly(addons, statusNames(list))
}

// Reload gives the database with the registry of the addons that are installed
// in it now, by this process or another one.
func Reload(ctx context.Context, db *orm.DB) (*orm.DB, error) {
	list, err := Installed(ctx, db)
	if err != nil {
		return nil, err
	}
	present, err := exactly(Known(db), statusNames(list))
	if err != nil {
		return nil, err
	}
	reg, err := buildOrdered(present)
	if err != nil {
		return nil, err
	}
	return derive(db, reg), nil
}

// program is what a database knows of the program that opened it.
type program struct {
	addons []Addon
	asked  func()
}

type programKey struct{}

func programOf(db *orm.DB) *program {
	return orm.Local(db, programKey{}, func() *program { return &program{} })
}

// Remember keeps the addons of the program with a database it has opened
// without [Open], so that methods of models can ask for them.
func Remember(db *orm.DB, addons []Addon) { programOf(db).addons = addons }

// Known are the addons of the program that opened the database.
func Known(db *orm.DB) []Addon { return programOf(db).addons }

// exactly gives the addons of those names in dependency order, no others.
func exactly(addons []Addon, names []string) ([]Addon, error) {
	all, err := Closure(addons, names, nil)
	if err != nil {
		return nil, err
	}
	want := map[string]bool{}
	for _, n := range names {
		want[n] = true
	}
	var out []Addon
	for _, a := range all {
		if want[a.Name] {
			out = append(out, a)
			continue
		}
		for _, n := range names { // a dependency that the database lacks
			for _, b := range all {
				if b.Name == n && contains(b.Depends, a.Name) {
					return nil, place{addon: n}.errorf("is installed but its dependency %s is not; install it with -i %s", a.Name, a.Name)
				}
			}
		}
	}
	return out, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// derive is a DB on the same connections with another registry.
func derive(db *orm.DB, r *orm.Registry) *orm.DB {
	out := &orm.DB{DB: db.DB, Registry: r, Logger: db.Logger, Now: db.Now, Keys: db.Keys, Blobs: db.Blobs}
	*programOf(out) = *programOf(db)
	return out
}

// lockKey is the advisory lock under which modules change; any constant that
// other programs on the database are unlikely to use.
const lockKey = 0x667573696f6e

// applyKey is the one under which marked changes are carried out; it is taken
// before lockKey.
const applyKey = lockKey + 1

// locked runs fn while no other process installs, upgrades or uninstalls on
// the database.
func locked(ctx context.Context, db *orm.DB, fn func() error) error {
	return lockedBy(ctx, db, lockKey, fn)
}

func lockedBy(ctx context.Context, db *orm.DB, key int64, fn func() error) error {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("no database connection: %w", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", key); err != nil {
		return fmt.Errorf("waiting for another installation to end: %w", err)
	}
	defer release(context.WithoutCancel(ctx), conn, key)
	return fn()
}

// release gives the lock back; if it cannot, closing the connection would keep
// it in the pool with the lock, so the failure is answered by closing it hard.
func release(ctx context.Context, conn bun.Conn, key int64) {
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock(?)", key); err != nil {
		_ = conn.Raw(func(any) error { return fmt.Errorf("the connection holds a lock: %w", errBadConn) })
	}
}

// UpdateList enters the addons of the program into ir.module.module, as an installation
// does: how many were listed otherwise, and how many were not listed.
func UpdateList(env *orm.Env) (updated, added int, err error) {
	ids, err := loadIndex(env)
	if err != nil {
		return 0, 0, err
	}
	if updated, added, err = recordModules(env, Known(env.DB()), ids); err != nil {
		return 0, 0, err
	}
	return updated, added, ids.save(env)
}

// recordModules enters the addons of the program into ir.module.module.
func recordModules(env *orm.Env, addons []Addon, ids *idIndex) (updated, added int, err error) {
	rs := env.Model("ir.module.module")
	all, err := rs.Search(nil, orm.SearchOptions{})
	if err != nil {
		return 0, 0, err
	}
	listed, err := all.Read(append(slices.Sorted(maps.Keys(keep(rs.Model, moduleValues(Addon{})))), "name")...)
	if err != nil {
		return 0, 0, err
	}
	have := map[string]int64{}
	entry := map[string]orm.Values{}
	for i, v := range listed {
		name, _ := v["name"].(string)
		have[name], entry[name] = all.IDs[i], v
	}
	var fresh []orm.Values
	var names []string
	for _, a := range addons {
		vals := keep(rs.Model, moduleValues(a))
		if id := have[a.Name]; id != 0 {
			maps.DeleteFunc(vals, func(field string, v any) bool {
				was := entry[a.Name][field]
				return was == v || was == false && v == ""
			})
			if len(vals) == 0 {
				continue
			}
			if err := rs.Browse(id).Write(vals); err != nil {
				return 0, 0, err
			}
			updated++
			continue
		}
		vals["name"], vals["state"] = a.Name, "uninstalled"
		fresh, names = append(fresh, vals), append(names, a.Name)
	}
	made, err := rs.Create(fresh...)
	if err != nil {
		return 0, 0, fmt.Errorf("entering the addons into ir.module.module: %w", err)
	}
	for i, name := range names {
		have[name] = made.IDs[i]
		if full := "base.module_" + name; ids.byName[full] == nil {
			ids.add(full, "ir.module.module", made.IDs[i], true)
		}
	}
	return updated, len(fresh), recordDependencies(env, addons, have)
}

func moduleValues(a Addon) orm.Values {
	title := a.Title
	if title == "" {
		title = a.Name
	}
	return orm.Values{"shortdesc": title, "summary": a.Summary, "author": a.Author, "license": a.License,
		"application": a.Application, "auto_install": a.AutoInstall, "installed_version": a.Version, "category_name": a.Category}
}

// recordDependencies rewrites the dependencies of the addons where a model
// for them exists.
func recordDependencies(env *orm.Env, addons []Addon, ids map[string]int64) error {
	deps, err := env.Lookup("ir.module.module.dependency")
	if err != nil {
		return nil // an installation without them, as in small tests
	}
	type dependency struct {
		ModuleID int64
		Name     string
	}
	rows, err := orm.Rows[dependency](env, orm.SQL("SELECT module_id, name FROM ir_module_module_dependency").Reads(deps.Model.Name))
	if err != nil {
		return err
	}
	have := map[dependency]bool{}
	for _, d := range rows {
		have[d] = true
	}
	var fresh []orm.Values
	for _, a := range addons {
		for _, d := range a.Depends {
			if !have[dependency{ids[a.Name], d}] {
				fresh = append(fresh, orm.Values{"module_id": ids[a.Name], "name": d})
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	_, err = deps.Create(fresh...)
	return err
}

// keep drops the values of fields the model does not have.
func keep(m *orm.Model, vals orm.Values) orm.Values {
	out := orm.Values{}
	for k, v := range vals {
		if f := m.Fields[k]; f != nil && f.Writable() && (f.Kind != orm.Selection || f.OptionLabel(fmt.Sprint(v)) != v || optionless(f, v)) {
			out[k] = v
		}
	}
	return out
}

// optionless reports that v is an option or that the field has none listed.
func optionless(f *orm.Field, v any) bool {
	for _, o := range f.Options {
		if o.Value == v {
			return true
		}
	}
	return len(f.Options) == 0
}

// setInstalled notes that an addon is installed at its version.
func setInstalled(env *orm.Env, a Addon, demo bool) error {
	n, err := env.Exec(orm.SQL("UPDATE ir_module_module SET state = 'installed', latest_version = ?, demo = ? WHERE name = ?", a.Version, demo, a.Name).
		Writes("ir.module.module", "state", "latest_version", "demo"))
	if err == nil && n != 1 {
		err = fmt.Errorf("ir.module.module has %d records named %s", n, a.Name)
	}
	return err
}
