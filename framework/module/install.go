package module

import (
	"context"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

var errBadConn = driver.ErrBadConn

// Options of installing, upgrading and uninstalling.
type Options struct {
	// Demo loads the demonstration data too.
	Demo bool
	// Dependents lets an uninstallation take along what depends on the addons.
	Dependents bool
	// Token goes with the notice to other processes, which so recognise their
	// own; see [Channel].
	Token string
	// Logger takes progress; the database's own when nil.
	Logger *slog.Logger
}

func (o Options) logger(db *orm.DB) *slog.Logger {
	if o.Logger != nil {
		return o.Logger
	}
	return db.Logger
}

// Install installs addons by name, with what they depend on and what installs
// itself then. Those that are installed already are left alone, so repeating
// it changes nothing. addons are all of the program.
//
// Each addon is installed in a transaction of its own, against a registry of
// the addons up to it: an interrupted installation is continued by the next
// one, and hooks of later addons do not meet a database without their data.
// Several processes may install at once; they wait for each other.
//
// The result shares db's connections and has the registry of all installed
// addons; db itself keeps the old one.
func Install(ctx context.Context, db *orm.DB, addons []Addon, names []string, opt Options) (*orm.DB, error) {
	out := db
	err := locked(ctx, db, func() error {
		in, err := newInstaller(ctx, db, addons, names, opt)
		if err != nil {
			return err
		}
		defer in.tell(ctx)
		out, err = in.install(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type installer struct {
	db     *orm.DB
	opt    Options
	log    *slog.Logger
	known  []Addon         // all of the program, in order
	goal   []Addon         // what is to be installed in the end, in order
	done   map[string]bool // installed
	status map[string]Status
	mirror *mirror
	reg    *orm.Registry // of what is installed
	news   bool          // something was changed that other processes should know
}

func newInstaller(ctx context.Context, db *orm.DB, addons []Addon, names []string, opt Options) (*installer, error) {
	known, err := Graph(addons)
	if err != nil {
		return nil, err
	}
	list, err := Installed(ctx, db)
	if err != nil {
		return nil, err
	}
	goal, err := Closure(known, statusNames(list), names)
	if err != nil {
		return nil, err
	}
	in := &installer{db: db, opt: opt, log: opt.logger(db), known: known, goal: goal, done: map[string]bool{}, status: map[string]Status{}, mirror: &mirror{last: map[string]string{}}}
	for _, s := range list {
		in.done[s.Name], in.status[s.Name] = true, s
	}
	return in, nil
}

func (in *installer) install(ctx context.Context) (*orm.DB, error) {
	fresh := slices.DeleteFunc(slices.Clone(in.goal), func(a Addon) bool { return in.done[a.Name] })
	files, err := in.check(fresh)
	if err != nil {
		return nil, err
	}
	for _, a := range in.goal {
		if in.done[a.Name] {
			continue
		}
		in.done[a.Name] = true
		if err := in.build(); err != nil {
			return nil, err
		}
		if err := in.one(ctx, a, files[a.Name]); err != nil {
			return nil, fmt.Errorf("installing %s: %w", a.Name, err)
		}
	}
	if in.reg == nil {
		if err := in.build(); err != nil {
			return nil, err
		}
	}
	return derive(in.db, in.reg), nil
}

// check parses the data files of all addons to be there in the end, and looks
// for every mistake in those of todo before anything is done.
func (in *installer) check(todo []Addon) (map[string][]*dataFile, error) {
	if len(todo) == 0 {
		return nil, nil
	}
	reg, err := buildOrdered(in.goal)
	if err != nil {
		return nil, err
	}
	files := map[string][]*dataFile{}
	var problems Problems
	for _, a := range in.goal {
		mine := slices.ContainsFunc(todo, func(b Addon) bool { return a.Name == b.Name })
		parsed, ps := parseAll(a, !mine || in.demo(a.Name))
		files[a.Name] = parsed
		if mine {
			problems = append(problems, ps...)
		}
	}
	problems = append(problems, newChecker(reg, in.goal).run(in.goal, files, todo)...)
	return files, problems.tidy().err()
}

// demo says whether an addon gets its demonstration data, or got it.
func (in *installer) demo(name string) bool {
	if s, ok := in.status[name]; ok {
		return s.Demo
	}
	return in.opt.Demo
}

// present are the addons installed so far, in order. One whose new version has
// a dependency that is still missing is left out.
func (in *installer) present() []Addon {
	there := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(in.goal), func(a Addon) bool {
		there[a.Name] = in.done[a.Name] && !slices.ContainsFunc(a.Depends, func(d string) bool { return !there[d] })
		return !there[a.Name]
	})
}

func (in *installer) build() error {
	r, err := buildOrdered(in.present())
	in.reg = r
	return err
}

// one installs one addon in one transaction.
func (in *installer) one(ctx context.Context, a Addon, files []*dataFile) error {
	began := time.Now()
	var records int
	err := derive(in.db, in.reg).Run(ctx, orm.System(), func(env *orm.Env) error {
		first, err := in.schema(env)
		if err != nil {
			return err
		}
		ids, err := in.index(env)
		if err != nil {
			return err
		}
		in.mirror.ids, in.mirror.last = ids, map[string]string{}
		if err := in.mirror.run(env, in.reg, in.present()); err != nil {
			return err
		}
		if _, _, err := recordModules(env, in.known, ids); err != nil {
			return err
		}
		if a.PreInit != nil {
			if err := a.PreInit(env); err != nil {
				return fmt.Errorf("before its data is loaded: %w", err)
			}
		}
		if records, err = in.load(env, a, files, Init, ids); err != nil {
			return err
		}
		if a.PostInit != nil {
			if err := a.PostInit(env); err != nil {
				return fmt.Errorf("after its data was loaded: %w", err)
			}
		}
		if err := setInstalled(env, a, in.demo(a.Name)); err != nil {
			return err
		}
		if first {
			return in.closeBootstrap(env)
		}
		return nil
	})
	if err != nil {
		return err
	}
	in.news = true
	in.log.Info("addon installed", "addon", a.Name, "version", a.Version, "records", records, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// load carries out the data files of an addon and returns how many records
// they name.
func (in *installer) load(env *orm.Env, a Addon, files []*dataFile, mode Mode, ids *idIndex) (int, error) {
	l := newLoader(env, a.Name, mode, ids)
	l.report = func(format string, args ...any) { in.log.Info(fmt.Sprintf(format, args...), "addon", a.Name) }
	for _, f := range files {
		if err := l.run(f); err != nil {
			return 0, err
		}
	}
	return len(l.made), l.finish()
}

// schema brings the tables up to date. On an empty database every row names
// as its creator a user who does not exist yet; the foreign keys to users have
// to wait until the data is there, and first says so.
func (in *installer) schema(env *orm.Env) (first bool, err error) {
	report := func(msg string) { in.log.Warn(msg) }
	users, known := usersModel(env)
	if !known {
		return false, orm.SyncSchema(env, report)
	}
	empty, err := orm.Row[bool](env, orm.SQL("SELECT to_regclass(?) IS NULL", users.Table).NoModels())
	if err != nil {
		return false, err
	}
	if err := orm.SyncSchema(env, report); err != nil || !empty {
		return false, err
	}
	keys, err := orm.Rows[[2]string](env, orm.SQL(`SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint
		WHERE contype = 'f' AND confrelid = to_regclass(?)`, users.Table).NoModels())
	if err != nil {
		return false, err
	}
	for _, k := range keys {
		if _, err := env.Exec(orm.Script("ALTER TABLE " + k[0] + " DROP CONSTRAINT " + k[1])); err != nil {
			return false, err
		}
	}
	return true, nil
}

// usersModel is the model of users, which rows name as their creators.
func usersModel(env *orm.Env) (*orm.Model, bool) {
	return env.Registry().Model(env.Registry().PolicyModels().Users)
}

// closeBootstrap puts the foreign keys back that schema took away.
func (in *installer) closeBootstrap(env *orm.Env) error {
	users, _ := usersModel(env)
	there, err := orm.Row[bool](env, orm.SQL("SELECT EXISTS (SELECT FROM ? WHERE id = ?)", orm.Ident(users.Table), orm.SuperuserID).Reads(users.Name))
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("its data does not create the superuser: the first record of %s, which gets id 1", users.Name)
	}
	return orm.SyncSchema(env, func(string) {})
}
