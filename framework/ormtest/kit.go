package ormtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/keyring"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/pglocal/pgtest"
)

// shared is the one kit of a test program.
var shared = sync.OnceValue(func() *kit { return &kit{templates: map[string]*template{}} })

// Names of databases: fusion_tpl_<family><version>_<content> and
// fusion_clone_<pid>_<n>. Their prefixes keep them apart from everything else on the
// server.
const (
	templatePrefix = "fusion_tpl_"
	clonePrefix    = "fusion_clone_"
	// gate is the advisory lock that is shared while a database is made and
	// exclusive while abandoned ones are dropped.
	gate = 0x6f726d74657374
)

type kit struct {
	mu        sync.Mutex
	url       string // of the maintenance database
	err       error
	started   bool
	serial    int
	templates map[string]*template
}

// template is a database with a list of addons installed.
type template struct {
	once   sync.Once
	err    error
	name   string
	addons []module.Addon
	reg    *orm.Registry

	mu   sync.Mutex
	idle []*orm.DB // clones nobody uses now
}

func (k *kit) server(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.started {
		k.started = true
		// The server goes away by itself when the test program ends.
		if k.url, _, k.err = pgtest.Server(ctx); k.err == nil {
			k.err = k.sweep(ctx)
		}
	}
	return k.url, k.err
}

// admin runs statements on the maintenance database.
func (k *kit) admin(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, k.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// sweep drops the clones that test programs have left behind: those nobody is
// connected to. A template in use, or a clone being made, is left alone.
func (k *kit) sweep(ctx context.Context) error {
	return k.admin(ctx, func(conn *pgx.Conn) error {
		var alone bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(gate)).Scan(&alone); err != nil || !alone {
			return err
		}
		return dropUnused(ctx, conn, clonePrefix, func(string) bool { return false })
	})
}

func dropUnused(ctx context.Context, conn *pgx.Conn, prefix string, keep func(name string) bool) error {
	rows, err := conn.Query(ctx, `SELECT datname FROM pg_database d WHERE starts_with(datname, $1)
		AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)`, prefix)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if !keep(name) {
			// Somebody may have connected meanwhile: then it stays.
			_, _ = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize())
		}
	}
	return nil
}

// address is the URL of another database of the server.
func (k *kit) address(name string) (string, error) {
	cfg, err := pgx.ParseConfig(k.url)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read as an address", pgtest.Env)
	}
	head, query, _ := strings.Cut(k.url, "?")
	i := strings.LastIndex(head, "/"+cfg.Database)
	if cfg.Database == "" || i < 0 {
		return "", fmt.Errorf("%s must be an URL that names a maintenance database, as postgres://…/postgres", pgtest.Env)
	}
	out := head[:i] + "/" + name
	if query != "" {
		out += "?" + query
	}
	return out, nil
}

// template gives the template database of a list of addons, installed on the
// first call.
func (k *kit) template(ctx context.Context, addons []module.Addon) (*template, error) {
	if _, err := k.server(ctx); err != nil {
		return nil, err
	}
	ordered, err := module.Graph(addons)
	if err != nil {
		return nil, err
	}
	o := originOf(ordered)
	sum := contentOf(o, ordered)
	k.mu.Lock()
	t := k.templates[sum]
	if t == nil {
		t = &template{addons: ordered}
		k.templates[sum] = t
	}
	k.mu.Unlock()
	t.once.Do(func() {
		t.name = templatePrefix + o.family + o.version + "_" + sum
		if t.reg, t.err = module.BuildRegistry(ordered); t.err == nil {
			t.err = k.fill(ctx, t, o)
		}
	})
	return t, t.err
}

// fill installs the addons into the template database unless somebody did, and drops
// those of earlier versions.
func (k *kit) fill(ctx context.Context, t *template, o origin) error {
	return k.admin(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", t.name); err != nil {
			return err
		}
		var done bool // the comment is set when the installation is complete
		err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database d WHERE datname = $1 AND shobj_description(d.oid, 'pg_database') = 'installed')`, t.name).Scan(&done)
		if err != nil || done {
			return err
		}
		current := templatePrefix + o.family + o.version + "_"
		if err := dropUnused(ctx, conn, templatePrefix+o.family, func(name string) bool { return strings.HasPrefix(name, current) }); err != nil {
			return err
		}
		ident := pgx.Identifier{t.name}.Sanitize()
		for _, sql := range []string{"DROP DATABASE IF EXISTS " + ident + " WITH (FORCE)", "CREATE DATABASE " + ident + " TEMPLATE template0 ENCODING 'UTF8'"} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		if err := k.install(ctx, t); err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "COMMENT ON DATABASE "+ident+" IS 'installed'")
		return err
	})
}

func (k *kit) install(ctx context.Context, t *template) error {
	db, err := k.open(ctx, t.name, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := jobs.Migrate(ctx, db); err != nil {
		return err
	}
	var names []string
	for _, a := range t.addons {
		names = append(names, a.Name)
	}
	_, err = module.Install(ctx, db, t.addons, names, module.Options{Logger: db.Logger})
	return err
}

// open connects to a database with the registry, or an empty one.
func (k *kit) open(ctx context.Context, name string, reg *orm.Registry) (*orm.DB, error) {
	url, err := k.address(name)
	if err != nil {
		return nil, err
	}
	if reg == nil {
		if reg, err = module.BuildRegistry(nil); err != nil {
			return nil, err
		}
	}
	db, err := orm.Open(ctx, url, reg)
	if err != nil {
		return nil, err
	}
	db.Logger, db.Verify = quiet(), true
	db.Blobs = blobDir(filepath.Join(os.TempDir(), fmt.Sprintf("fusion-test-blobs-%d", os.Geteuid())))
	if db.Keys, err = keyring.New(testKey()); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// testKey encrypts the secrets of test databases, which are none.
func testKey() []byte {
	sum := sha256.Sum256([]byte("fusionsoft.ca/fusion/framework/ormtest"))
	return sum[:]
}

// clone makes a copy of the template and connects to it.
func (k *kit) clone(ctx context.Context, t *template) (db *orm.DB, name string, err error) {
	k.mu.Lock()
	k.serial++
	name = fmt.Sprintf("%s%d_%d", clonePrefix, os.Getpid(), k.serial)
	k.mu.Unlock()
	err = k.admin(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock_shared($1)", int64(gate)); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+" TEMPLATE "+pgx.Identifier{t.name}.Sanitize())
		if err != nil {
			return fmt.Errorf("cloning the template database: %w", err)
		}
		// Once connected to, nobody sweeps it away.
		db, err = k.open(ctx, name, t.reg)
		return err
	})
	return db, name, err
}

func (k *kit) drop(ctx context.Context, name string) error {
	return k.admin(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		return err
	})
}

// empty makes an empty database. It has no connection yet, so its name is not
// one that sweep looks for.
func (k *kit) empty(ctx context.Context) (string, error) {
	k.mu.Lock()
	k.serial++
	name := fmt.Sprintf("fusion_empty_%d_%d", os.Getpid(), k.serial)
	k.mu.Unlock()
	return name, k.admin(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+" TEMPLATE template0 ENCODING 'UTF8'")
		return err
	})
}
