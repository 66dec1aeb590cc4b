package orm

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
)

// CallOut is what a method gives that needs something outside of the database,
// such as the answer of another machine. A unit of work may be run again, holds
// rows and a connection, and would so repeat and prolong whatever it called;
// therefore nothing talks to the network inside of one. The method reads and
// decides in the first unit, which is committed; Do runs between units; Then
// stores what came of it in a second unit, and gives the result of the method.
//
//	return env.CallOut(&orm.CallOut{
//		Title: "Asking the store",
//		Do:    func(ctx context.Context) (err error) { found, err = ask(ctx, address); return err },
//		Then:  func(env *orm.Env) (any, error) { return nil, store(env, id, found) },
//	})
//
// Whoever runs methods on behalf of others follows it up: the server for pages
// and calls, jobs, crons, and [DB.Call] for code of the program. A method that
// calls another one gives its CallOut on, or wraps its Then.
type CallOut struct {
	Title string // what is being done, for people who wait
	// Key, when set, keeps a second one with the same key, in any process, from
	// being under way at the same time: it is refused.
	Key string
	// Do may take as long as ctx lasts and is never repeated. An error is that of
	// the method; what people shall see stored of a failure is for Then.
	Do func(ctx context.Context) error
	// Then may be run again. It has the user, the rights and the context of the Env
	// that made the CallOut.
	Then func(env *Env) (any, error)

	user  User
	su    bool
	taken bool
}

// CallOut registers what is to be done between this unit of work and a second
// one. The method returns it as its result.
func (e *Env) CallOut(c *CallOut) (any, error) {
	c.user, c.su = User{ID: e.uid, Context: e.keys, ByKey: e.key, Address: e.u.address}, e.su
	e.u.outs = append(e.u.outs, c)
	return c, nil
}

// User is on whose behalf the method ran.
func (c *CallOut) User() User { return c.user }

// ToFollowUp tells whether the result of a method is a [CallOut], which the caller
// then has to follow up after the commit.
func ToFollowUp(result any) (*CallOut, bool) {
	c, ok := result.(*CallOut)
	if ok {
		c.taken = true
	}
	return c, ok
}

// allTaken refuses to commit a unit with a CallOut that nobody will follow up.
func (u *unit) allTaken() error {
	for _, c := range u.outs {
		if !c.taken {
			return fmt.Errorf("orm: %q is to be done between two units of work, but nobody follows it up: return it from the method, and run that with DB.Call", c.Title)
		}
	}
	return nil
}

// FollowUp does what a method left to do: Do outside of any unit of work, then
// Then in one, whose result it hands to deliver in that unit. The result may be
// another CallOut.
func (db *DB) FollowUp(ctx context.Context, c *CallOut, deliver func(env *Env, result any) error) error {
	work := func() error {
		if err := c.Do(ctx); err != nil {
			return err
		}
		return db.Run(ctx, c.user, func(env *Env) error {
			env.su = env.su || c.su
			result, err := c.Then(env)
			if err != nil {
				return err
			}
			return deliver(env, result)
		})
	}
	if c.Key == "" {
		return work()
	}
	free, err := db.Alone(ctx, c.Key, work)
	if err == nil && !free {
		return UserErrorf("%s: somebody is doing this at the moment. Try again in a while.", c.Title)
	}
	return err
}

// Call runs fn as a unit of work, and follows up what it leaves to be done. It
// gives the result in the end.
func (db *DB) Call(ctx context.Context, user User, fn func(*Env) (any, error)) (any, error) {
	var result any
	var next *CallOut
	deliver := func(_ *Env, r any) error {
		result = r
		next, _ = ToFollowUp(r)
		return nil
	}
	err := db.Run(ctx, user, func(env *Env) error {
		r, err := fn(env)
		if err != nil {
			return err
		}
		return deliver(env, r)
	})
	for err == nil && next != nil {
		err = db.FollowUp(ctx, next, deliver)
	}
	if err != nil {
		return nil, err
	}
	return result, nil
}

// Alone runs fn outside of any unit of work unless somebody else, in any process,
// is running something under the same key; then it reports false at once.
func (db *DB) Alone(ctx context.Context, key string, fn func() error) (free bool, err error) {
	conn, err := db.DB.Conn(ctx)
	if err != nil {
		return false, fmt.Errorf("no database connection: %w", err)
	}
	u := &unit{db: db, conn: conn}
	defer u.release()
	if err := conn.NewRaw("SELECT pg_try_advisory_lock(?)", lockNumber(key)).Scan(ctx, &free); err != nil || !free {
		return false, err
	}
	u.locks = []string{key}
	return true, fn()
}

// InUnit reports whether a unit of work is open here: ctx is that of one, or this
// goroutine began one. Whatever connects to other machines asks before.
func (db *DB) InUnit(ctx context.Context) bool {
	if env, ok := ctx.Value(unitKey{}).(*Env); ok && !env.u.closed {
		return true
	}
	db.openMu.Lock()
	defer db.openMu.Unlock()
	return db.open[goroutine()] > 0
}

// opened notes that this goroutine has begun a unit of work.
func (u *unit) opened() {
	u.goroutine = goroutine()
	u.db.openMu.Lock()
	defer u.db.openMu.Unlock()
	if u.db.open == nil {
		u.db.open = map[uint64]int{}
	}
	u.db.open[u.goroutine]++
}

// ended takes back what opened noted.
func (u *unit) ended() {
	if u.goroutine == 0 {
		return
	}
	u.db.openMu.Lock()
	defer u.db.openMu.Unlock()
	if u.db.open[u.goroutine]--; u.db.open[u.goroutine] == 0 {
		delete(u.db.open, u.goroutine)
	}
	u.goroutine = 0
}

// goroutine is the number of this goroutine, which Go shows in stack traces only.
func goroutine() uint64 {
	var buf [40]byte
	text := strings.TrimPrefix(string(buf[:runtime.Stack(buf[:], false)]), "goroutine ")
	digits, _, _ := strings.Cut(text, " ")
	n, _ := strconv.ParseUint(digits, 10, 64)
	return n
}
