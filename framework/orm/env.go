package orm

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/keyring"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// SuperuserID is the user the system itself acts as; access checks do not
// apply to it.
const SuperuserID = 1

// DB joins a frozen registry to one PostgreSQL database.
type DB struct {
	*bun.DB
	Registry *Registry
	Logger   *slog.Logger
	// Now is the clock of defaults and magic fields.
	Now func() time.Time
	// Keys encrypts Secret fields; without it they cannot be stored.
	Keys *keyring.Keyring
	// Verify makes every unit of work compare what it remembers of rows with
	// the database whenever it has stored something; tests turn it on.
	Verify bool
	// Blobs keeps attachment contents; without it they cannot be stored.
	Blobs BlobStore

	access   atomic.Pointer[access]
	accessMu sync.Mutex
	epoch    atomic.Int64 // how often what access holds has changed
	locals   sync.Map
	exprs    expr.Cache // of record rules

	openMu sync.Mutex
	open   map[uint64]int // units of work by the goroutine that began them
}

// Local is a value that an addon keeps in memory for as long as the database is
// open, such as a cache; it is made on first use and must be safe for
// concurrent use.
func Local[T any](db *DB, key any, make func() *T) *T {
	if v, ok := db.locals.Load(key); ok {
		return v.(*T)
	}
	v, _ := db.locals.LoadOrStore(key, make())
	return v.(*T)
}

// BlobStore is a content-addressed store of files.
type BlobStore interface {
	// Put stores content and returns its key; equal content has equal keys.
	Put(content []byte) (key string, err error)
	Get(key string) ([]byte, error)
}

// Open connects to a database. The registry must be frozen.
func Open(ctx context.Context, url string, r *Registry) (*DB, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database address cannot be read: %w", scrub(err))
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // bun inlines arguments, so its statements are not worth caching
	if cfg.RuntimeParams["timezone"] == "" {
		cfg.RuntimeParams["timezone"] = "UTC"
	}
	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(32)
	pool.SetMaxIdleConns(16)
	bdb := bun.NewDB(pool, pgdialect.New())
	db := &DB{DB: bdb, Registry: r, Logger: slog.Default(), Now: time.Now}
	if err := pool.PingContext(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("the database cannot be reached: %w", scrub(err))
	}
	return db, nil
}

// scrub keeps connection strings, which hold passwords, out of messages.
func scrub(err error) error {
	if pe, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return fmt.Errorf("invalid connection settings: %w", pe.Unwrap())
	}
	return err
}

// User says on whose behalf a unit of work runs.
type User struct {
	ID      int64
	Context map[string]any
	// Address is that of the client, "" for work of the system's own.
	Address string
	// ByKey says that an API key, not a person, speaks for the user.
	ByKey bool
}

// System is the superuser with an empty context.
func System() User { return User{ID: SuperuserID} }

const (
	maxTries   = 6
	queueAfter = 2 // tries; then a unit waits for others that have failed as often
	// contendedKey is the lock of those that wait, in all processes.
	contendedKey = "orm: contended units of work"
)

// Run executes fn as one unit of work: a REPEATABLE READ transaction that is
// committed when fn returns nil, and tried again as a whole when PostgreSQL
// reports a serialization failure or a deadlock. fn must therefore have no
// effect outside the database except through Env.AfterCommit.
func (db *DB) Run(ctx context.Context, user User, fn func(*Env) error) error {
	return db.run(ctx, user, nil, fn)
}

// RunExclusive is Run for work that must not overlap with other work of the
// same key, in any process: later ones wait. The key is locked before the
// transaction begins, so that the transaction sees what the one before it did.
// Without a key it is Run.
func (db *DB) RunExclusive(ctx context.Context, user User, key string, fn func(*Env) error) error {
	if key == "" {
		return db.run(ctx, user, nil, fn)
	}
	return db.run(ctx, user, []string{key}, fn)
}

func (db *DB) run(ctx context.Context, user User, locks []string, fn func(*Env) error) error {
	for try := 1; ; try++ {
		wanted, err := db.runOnce(ctx, user, locks, false, fn)
		if err == nil || !retryable(err) || ctx.Err() != nil {
			return err
		}
		if try == maxTries {
			return &Error{Code: CodeUser, Message: "Others were changing the same records again and again. Nothing was done; try again.", Err: err}
		}
		db.Logger.Debug("unit of work is tried again", "try", try, "cause", err.Error())
		if more := union(locks, wanted); len(more) > len(locks) {
			locks = more // waiting for them is all the delay there need be
			continue
		}
		if try == queueAfter && !db.InUnit(ctx) {
			// Many that change the same rows would each lose to another again and
			// again: from here on they run one after the other. One inside another,
			// which may be in the queue itself, does not wait.
			locks = union(locks, []string{contendedKey})
			continue
		}
		select {
		case <-time.After(time.Duration(rand.IntN(1<<try*20)) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func union(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

// errContended says that another unit of work has a key of Exclusive.
var errContended = errors.New("another unit of work has the key")

// Exclusive says that the unit of work must not overlap, from here on, with
// others that say so with the same key, in any process. When it finds that it
// does, the whole unit is tried again with the key locked before it begins. It
// never waits; whoever numbers, counts or allocates something calls it before
// reading what there is.
//
// It cannot renew what the unit sees, which may be older than the end of the
// last one with the key. The caller must therefore change a row that all of
// them change, such as a count of turns, before it reads: PostgreSQL refuses
// that to a unit with an old view, which is then tried again as well.
func (e *Env) Exclusive(key string) error {
	if slices.Contains(e.u.locks, key) {
		return nil
	}
	e.u.wanted = union(e.u.wanted, []string{key})
	free := false
	err := e.each(sqlf("SELECT pg_try_advisory_xact_lock(?)", lockNumber(key)), func(row [][]byte) error {
		free = string(row[0]) == "t"
		return nil
	})
	if err == nil && !free {
		e.u.doomed = &Error{Code: CodeUser, Message: "Somebody else is doing the same at this moment. Try again.", Err: errContended}
		err = e.u.doomed
	}
	return err
}

// View is Run for work that only reads; it is never committed.
func (db *DB) View(ctx context.Context, user User, fn func(*Env) error) error {
	_, err := db.runOnce(ctx, user, nil, true, fn)
	return err
}

func retryable(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pe.Code == "40001" || pe.Code == "40P01" || pe.Code == "55P03") || errors.Is(err, errContended)
}

// runOnce tries a unit of work. It also gives the keys the unit asked for.
func (db *DB) runOnce(ctx context.Context, user User, locks []string, discard bool, fn func(*Env) error) (wanted []string, err error) {
	env, err := db.begin(ctx, user, locks)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			env.Rollback()
			err = fmt.Errorf("panic in a unit of work: %v\n%s", p, stack())
		}
	}()
	if err = fn(env); err == nil && !discard {
		err = env.Commit()
	}
	env.Rollback()
	if env.u.doomed != nil {
		err = env.u.doomed // even if fn went on after it
	}
	return env.u.wanted, err
}

// unit is one transaction with what it has still to do.
type unit struct {
	db      *DB
	conn    bun.Conn
	locks   []string // held since before the transaction began
	wanted  []string // keys of Exclusive
	doomed  error    // why the unit must be tried again, whatever becomes of it
	tx      bun.Tx
	pgx     *pgx.Conn
	now     time.Time
	saves   int
	after   []func()
	access  *access // set when this unit changed access data
	stale   bool
	epoch   int64 // of the database when the unit began
	closed  bool
	queries int
	memo    map[any]any
	cache   *cache
	news    *newRecords
	address string // of the client

	outs      []*CallOut // to be followed up when this unit is committed
	goroutine uint64     // that began it; 0 when it is over
}

// Env is the environment of a piece of work: its transaction, user, companies,
// language and context. An Env belongs to one goroutine.
type Env struct {
	context.Context
	u    *unit
	uid  int64
	su   bool
	key  bool // an API key speaks for the user
	keys map[string]any
	// trusted are the keys of default values that were set under Sudo; the others
	// may be a client's.
	trusted map[string]bool

	companies []int64 // chosen by the program, nil: see scope
	inherited bool    // the context's companies came along from elsewhere
}

// Begin opens a transaction by hand; prefer Run. The caller must call Commit
// or Rollback.
func (db *DB) Begin(ctx context.Context, user User) (*Env, error) { return db.begin(ctx, user, nil) }

func (db *DB) begin(ctx context.Context, user User, locks []string) (*Env, error) {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("no database connection: %w", err)
	}
	u := &unit{db: db, conn: conn, epoch: db.epoch.Load(), now: db.Now().UTC(), memo: map[any]any{}, cache: newCache(), news: newNewRecords(), address: user.Address}
	for _, key := range locks { // in order, so that two units never wait for each other
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", lockNumber(key)); err != nil {
			u.release()
			return nil, fmt.Errorf("waiting for %s: %w", key, err)
		}
		u.locks = append(u.locks, key)
	}
	// The transaction must not be rolled back behind our back by database/sql
	// while pgx works on the same connection; statements carry ctx themselves.
	u.tx, err = conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		u.release()
		return nil, fmt.Errorf("no transaction: %w", err)
	}
	err = conn.Raw(func(dc any) error {
		u.pgx = dc.(*stdlib.Conn).Conn()
		return nil
	})
	u.opened()
	env := &Env{Context: ctx, u: u, uid: user.ID, su: user.ID == SuperuserID, key: user.ByKey, keys: user.Context, inherited: true}
	if err != nil {
		env.Rollback()
		return nil, err
	}
	return env, nil
}

// Commit flushes and commits, then runs the AfterCommit functions.
func (e *Env) Commit() error {
	if err := e.Flush(); err != nil {
		e.Rollback()
		return err
	}
	if e.u.doomed != nil {
		e.Rollback()
		return e.u.doomed
	}
	if err := e.u.allTaken(); err != nil {
		e.Rollback()
		return err
	}
	if e.u.stale {
		if err := e.control("NOTIFY fusion_access"); err != nil {
			e.Rollback()
			return err
		}
	}
	err := e.u.tx.Commit()
	e.u.closed = true
	e.u.release()
	if err != nil {
		return e.translate(err)
	}
	if e.u.stale {
		e.u.db.DropAccessCache()
	}
	for _, f := range e.u.after {
		f()
	}
	return nil
}

// Rollback gives up the unit of work.
func (e *Env) Rollback() {
	if e.u.closed {
		return
	}
	e.u.closed = true
	if err := e.u.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		e.u.db.Logger.Debug("rollback", "error", err.Error())
	}
	e.u.release()
}

// release gives the connection back, without the locks taken before the
// transaction. A connection that cannot be unlocked is thrown away, which
// unlocks it too.
func (u *unit) release() {
	u.ended()
	for _, key := range u.locks {
		if _, err := u.conn.ExecContext(context.Background(), "SELECT pg_advisory_unlock(?)", lockNumber(key)); err != nil {
			_ = u.conn.Raw(func(any) error { return driver.ErrBadConn })
			break
		}
	}
	u.conn.Close()
}

func lockNumber(key string) int64 {
	sum := sha256.Sum256([]byte(key))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// AfterCommit runs f once the unit of work is committed; never when it is not.
func (e *Env) AfterCommit(f func()) { e.u.after = append(e.u.after, f) }

// Savepoint runs fn so that its failure undoes only what fn did.
func (e *Env) Savepoint(fn func(*Env) error) error {
	if err := e.Flush(); err != nil {
		return err
	}
	e.u.saves++
	name := fmt.Sprintf("s%d", e.u.saves)
	if err := e.control("SAVEPOINT " + name); err != nil {
		return err
	}
	after, outs := len(e.u.after), len(e.u.outs)
	undo := func() error {
		e.u.outs = e.u.outs[:outs]
		e.u.after = e.u.after[:after]
		clear(e.u.memo)
		e.u.cache.reset()
		if e.u.access != nil {
			e.u.access = nil
		}
		return e.control("ROLLBACK TO SAVEPOINT " + name)
	}
	defer func() {
		if p := recover(); p != nil {
			_ = undo()
			panic(p)
		}
	}()
	err := fn(e)
	if err == nil {
		err = e.Flush()
	}
	if err != nil {
		if rerr := undo(); rerr != nil {
			return errors.Join(err, rerr)
		}
		return err
	}
	return e.control("RELEASE SAVEPOINT " + name)
}

// control runs a statement about the transaction itself.
func (e *Env) control(sql string) error {
	_, err := e.change(sqlf(sql))
	return err
}

// DB is the database the unit of work runs on.
func (e *Env) DB() *DB { return e.u.db }

// Registry is the frozen registry of the database.
func (e *Env) Registry() *Registry { return e.u.db.Registry }

// Tx is the transaction, for jobs, which River enqueues with the business change.
// Whatever touches tables of models is a Statement.
func (e *Env) Tx() *sql.Tx { return e.u.tx.Tx }

type unitKey struct{}

// Value finds the unit of work in contexts made from an Env, beside what its own
// context holds.
func (e *Env) Value(key any) any {
	if key == (unitKey{}) {
		return e
	}
	return e.Context.Value(key)
}

// Now is the time of the unit of work, in UTC, to the second.
func (e *Env) Now() time.Time { return e.u.now.Truncate(time.Second) }

// Today is the calendar day in the user's time zone.
func (e *Env) Today() Date { return DateOf(e.u.now.In(e.Location())) }

// Log is the logger with the user's id.
func (e *Env) Log() *slog.Logger { return e.u.db.Logger.With("uid", e.uid) }

// Queries counts the SQL statements of the unit of work so far.
func (e *Env) Queries() int { return e.u.queries }

// UID is the current user.
func (e *Env) UID() int64 { return e.uid }

// Superuser reports whether access checks are off.
func (e *Env) Superuser() bool { return e.su }

func (e *Env) with(change func(*Env)) *Env {
	c := *e
	change(&c)
	return &c
}

// Sudo is the same environment without access checks; the user stays.
func (e *Env) Sudo() *Env { return e.with(func(c *Env) { c.su = true }) }

// NoSudo turns access checks on again.
func (e *Env) NoSudo() *Env { return e.with(func(c *Env) { c.su = c.uid == SuperuserID }) }

// Address is that of the client on whose behalf the unit of work runs, "" for
// work of the system's own.
func (e *Env) Address() string { return e.u.address }

// ByKey reports whether an API key speaks for the user. What only a person may
// do, such as making keys, asks for it.
func (e *Env) ByKey() bool { return e.key }

// WithKey is the same environment, but that an API key speaks for the user.
func (e *Env) WithKey() *Env { return e.with(func(c *Env) { c.key = true }) }

// WithContext adds context keys.
func (e *Env) WithContext(keys map[string]any) *Env {
	return e.with(func(c *Env) {
		c.keys = maps.Clone(e.keys)
		if c.keys == nil {
			c.keys = map[string]any{}
		}
		maps.Copy(c.keys, keys)
		if _, named := keys[allowedCompanies]; named {
			c.companies, c.inherited = nil, false
		}
		if c.su {
			c.trust(keys)
		}
	})
}

// WithOnlyContext drops all context keys, and sets those given.
func (e *Env) WithOnlyContext(keys map[string]any) *Env {
	return e.with(func(c *Env) {
		c.keys, c.companies, c.inherited, c.trusted = maps.Clone(keys), nil, false, nil
		if c.su {
			c.trust(keys)
		}
	})
}

// Key is a context key, nil when absent.
func (e *Env) Key(name string) any {
	v := e.keys[name]
	if name == allowedCompanies && v != nil && e.inherited {
		list := []any{}
		for _, id := range e.Companies() {
			list = append(list, id)
		}
		return list
	}
	return v
}

// KeyID reads a context key as a record's id, 0 for anything else.
func (e *Env) KeyID(name string) int64 { return idOf(e.Key(name)) }

// KeyIDs reads a context key as ids of records: a list, or one.
func (e *Env) KeyIDs(name string) []int64 { return idsOf(e.Key(name)) }

// KeyText reads a context key as a text, "" for anything else.
func (e *Env) KeyText(name string) string {
	s, _ := e.Key(name).(string)
	return s
}

// Keys is a copy of the context.
func (e *Env) Keys() map[string]any {
	keys := maps.Clone(e.keys)
	if v := e.Key(allowedCompanies); v != nil {
		keys[allowedCompanies] = v
	}
	return keys
}

// Flag reads a context key as a boolean.
func (e *Env) Flag(name string, otherwise bool) bool {
	switch v := e.keys[name].(type) {
	case nil:
		return otherwise
	case bool:
		return v
	default:
		n, err := toInt(v)
		return err != nil || n != 0
	}
}

// Lang is the language of translated values: the context's, else the default.
func (e *Env) Lang() string {
	if s, ok := e.keys["lang"].(string); ok && s != "" {
		return s
	}
	return DefaultLang
}

// DefaultLang is the language of texts in code and the fallback of translations.
const DefaultLang = "en_US"

// Location is the user's time zone, UTC when none is set.
func (e *Env) Location() *time.Location {
	name, _ := e.keys["tz"].(string)
	if name == "" {
		if info, err := e.userInfo(); err == nil {
			name = info.TZ
		}
	}
	if name == "" {
		return time.UTC
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return loc
}

// Model gives the records of a model by name. An unknown name is a programming
// error in Go code and panics; clients' names go through Lookup.
func (e *Env) Model(name string) Records {
	m := e.u.db.Registry.models[name]
	if m == nil {
		panic(fmt.Sprintf("orm: unknown model %q%s", name, expr.DidYouMean(name, e.u.db.Registry.names)))
	}
	return Records{Env: e, Model: m}
}

// Lookup is Model for names that come from outside.
func (e *Env) Lookup(name string) (Records, error) {
	m := e.u.db.Registry.models[name]
	if m == nil {
		return Records{}, &Error{Code: CodeUser, Message: fmt.Sprintf("Object %s doesn't exist", name)}
	}
	return Records{Env: e, Model: m}, nil
}

// Memo caches a value for the unit of work; a rolled-back savepoint empties it.
func Memo[T any](e *Env, key any, make func() (T, error)) (T, error) {
	if v, ok := e.u.memo[key].(T); ok {
		return v, nil
	}
	v, err := make()
	if err == nil {
		e.u.memo[key] = v
	}
	return v, err
}

// Forget drops a memoised value.
func (e *Env) Forget(key any) { delete(e.u.memo, key) }
