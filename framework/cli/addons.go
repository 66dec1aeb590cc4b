package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

// changes are what a running system learns of its addons being installed,
// upgraded or removed: from its own Apps page, from another process, or from
// the command line.
type changes struct {
	token   string            // this process, in its notices
	wanted  chan struct{}     // a change to be carried out or followed
	foreign atomic.Bool       // another process has changed something
	known   map[string]string // versions of the addons that are served

	mu      sync.Mutex
	asked   int                  // how often requests were made to wait
	resume  func(*server.Server) // while requests wait
	current *server.Server       // who answers; nil for the first one
}

// begin lets methods of models ask for changes. Who asks finds them done with
// the next request.
func (s *System) begin(db *orm.DB) {
	s.changes.token = rand.Text()
	s.changes.wanted = make(chan struct{}, 1)
	module.OnAsk(db, func() {
		s.pause()
		s.changes.notify()
	})
}

// notify makes the system look at its addons soon.
func (c *changes) notify() {
	select {
	case c.wanted <- struct{}{}:
	default: // it will anyhow
	}
}

func (s *System) options() module.Options {
	return module.Options{Logger: s.Settings.Logger, Token: s.changes.token}
}

// applyMarks carries out what was asked for while no process served the
// database. What fails is told on the Apps page and in the log.
func (s *System) applyMarks(ctx context.Context) error {
	pending, err := module.Pending(ctx, s.DB)
	if err != nil || !pending {
		return err
	}
	db, err := module.Apply(ctx, s.DB, s.App.Addons, s.options())
	if err != nil {
		s.Settings.Logger.Error("addons cannot be changed as was asked for", "error", err.Error())
	}
	s.DB = db
	return nil
}

// watchAddons follows changes of the addons until ctx ends.
func (s *System) watchAddons(ctx context.Context) {
	list, err := module.Installed(ctx, s.DB)
	if err != nil {
		s.Settings.Logger.Warn("the list of addons cannot be read", "error", err.Error())
	}
	s.changes.known = versions(list)
	s.wait.Go(func() {
		for ctx.Err() == nil {
			if err := s.listenToOthers(ctx); err != nil && ctx.Err() == nil {
				s.Settings.Logger.Warn("changes of the addons by other processes are not heard for a while", "error", err.Error())
			}
			select {
			case <-time.After(5 * time.Second):
			case <-ctx.Done():
			}
			s.changes.notify() // something may have been missed
		}
	})
	for {
		select {
		case <-s.changes.wanted:
			if err := s.reloadAddons(ctx); err != nil && ctx.Err() == nil {
				s.Settings.Logger.Error("the addons of the database cannot be followed; start the program again", "error", err.Error())
			}
		case <-ctx.Done():
			return
		}
	}
}

// listenToOthers hears the notices of other processes.
func (s *System) listenToOthers(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+module.Channel); err != nil {
		return err
	}
	s.changes.notify() // in case it happened before
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		switch n.Payload {
		case s.changes.token:
			continue
		case keysNotice:
			if err := s.DB.Keys.Reload(); err != nil {
				s.Settings.Logger.Error("the changed keys of secrets cannot be read; start the program again", "error", err.Error())
			}
			continue
		}
		if n.Payload != module.PendingNotice {
			s.changes.foreign.Store(true)
		}
		s.changes.notify()
	}
}

// pause lets requests wait for the change that is coming.
func (s *System) pause() {
	c := &s.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.resume == nil && s.Server != nil {
		c.resume = s.Server.Hold()
	}
}

// resume has requests answered again, by another server unless next is nil. When
// more was asked for meanwhile they go on waiting for that.
func (s *System) resume(next *server.Server, asked int) {
	c := &s.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	if next != nil {
		c.current = next
	}
	if c.resume == nil || c.asked != asked {
		return
	}
	if c.current == nil {
		c.current = s.Server
	}
	c.resume(c.current)
	c.resume = nil
}

// reloadAddons carries out what was asked for and goes over to the addons that
// are installed then.
func (s *System) reloadAddons(ctx context.Context) error {
	s.changes.mu.Lock()
	asked := s.changes.asked
	s.changes.mu.Unlock()
	var srv *server.Server
	defer func() { s.resume(srv, asked) }() // also when there is nothing to do
	foreign := s.changes.foreign.Swap(false)
	db := s.work.db // only this goroutine changes it
	pending, err := module.Pending(ctx, db)
	if err != nil {
		return err
	}
	list, err := module.Installed(ctx, db)
	if err != nil {
		return err
	}
	now := versions(list)
	if !pending && !foreign && maps.Equal(now, s.changes.known) {
		return nil
	}
	s.Settings.Logger.Info("addons change; requests wait")
	s.pause()
	asked++
	grace, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if err := s.endWork(grace); err != nil {
		s.Settings.Logger.Warn("jobs could not end in time and begin again later", "error", err.Error())
	}
	next, err := s.nextDatabase(ctx, db, pending)
	if err == nil {
		db = next
	}
	s.work.mu.Lock()
	s.work.db = db
	s.work.mu.Unlock()
	if s.Server != nil && err == nil {
		srv, err = s.newServer(ctx, db)
	}
	return errors.Join(err, s.beginWork(ctx))
}

// nextDatabase carries out what was asked for, and gives the database with the
// addons there are now.
func (s *System) nextDatabase(ctx context.Context, db *orm.DB, pending bool) (*orm.DB, error) {
	if pending {
		if _, err := module.Apply(ctx, db, s.App.Addons, s.options()); err != nil {
			s.Settings.Logger.Error("addons cannot be changed as was asked for", "error", err.Error())
		}
	}
	list, err := module.Installed(ctx, db)
	if err != nil {
		return nil, err
	}
	s.changes.known = versions(list)
	return module.Reload(ctx, db)
}

func versions(list []module.Status) map[string]string {
	out := map[string]string{}
	for _, a := range list {
		out[a.Name] = a.Version
	}
	return out
}
