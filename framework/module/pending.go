package module

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"fusionsoft.ca/fusion/framework/orm"
)

// Channel is the channel of PostgreSQL on which processes tell each other that
// the addons of the database have changed, with the token of who did it, or
// that a change was asked for, see [Ask].
const Channel = "fusion_modules"

// tell notifies other processes of what was changed.
func (in *installer) tell(ctx context.Context) {
	if !in.news {
		return
	}
	if _, err := in.db.ExecContext(context.WithoutCancel(ctx), "SELECT pg_notify(?, ?)", Channel, in.opt.Token); err != nil {
		in.log.Warn("other processes cannot be told that the addons have changed; start them again", "error", err.Error())
	}
}

// PendingNotice is the notice that a change was asked for.
const PendingNotice = "pending"

// Ask makes the process that serves the database carry out what the states of
// ir.module.module say, once the transaction commits.
func Ask(env *orm.Env) error {
	if asked := programOf(env.DB()).asked; asked != nil {
		env.AfterCommit(asked)
	}
	_, err := env.Exec(orm.SQL("SELECT pg_notify(?, ?)", Channel, PendingNotice).NoModels())
	return err
}

// OnAsk gives the function that is called when a transaction of this process
// with [Ask] in it has committed. Call it before the database is used.
func OnAsk(db *orm.DB, fn func()) { programOf(db).asked = fn }

// Pending reports whether addons are marked to be installed, upgraded or
// removed.
func Pending(ctx context.Context, db *orm.DB) (bool, error) {
	marks, err := readMarks(ctx, db)
	return len(marks.install)+len(marks.upgrade)+len(marks.remove) > 0, err
}

type marks struct{ install, upgrade, remove []string }

func readMarks(ctx context.Context, db *orm.DB) (m marks, err error) {
	var there bool
	if err := db.DB.NewRaw("SELECT to_regclass('ir_module_module') IS NOT NULL").Scan(ctx, &there); err != nil || !there {
		return m, err
	}
	var rows []struct{ Name, State string }
	err = db.DB.NewRaw("SELECT name, state FROM ir_module_module WHERE state LIKE 'to %' ORDER BY name").Scan(ctx, &rows)
	if err != nil {
		return m, fmt.Errorf("reading which addons are to be changed: %w", err)
	}
	for _, r := range rows {
		switch r.State {
		case "to install":
			m.install = append(m.install, r.Name)
		case "to upgrade":
			m.upgrade = append(m.upgrade, r.Name)
		case "to remove":
			m.remove = append(m.remove, r.Name)
		}
	}
	return m, nil
}

// Apply carries out what the states of ir.module.module ask for: first what is
// to be removed, then what is to be installed, then what is to be upgraded.
// What fails leaves its addons as they were, with the reason in last_error; the
// result is the database as it is then, also with an error.
func Apply(ctx context.Context, db *orm.DB, addons []Addon, opt Options) (out *orm.DB, err error) {
	out = db
	lockErr := lockedBy(ctx, db, applyKey, func() error {
		out, err = apply(ctx, db, addons, opt)
		return nil
	})
	return out, errors.Join(lockErr, err)
}

func apply(ctx context.Context, db *orm.DB, addons []Addon, opt Options) (*orm.DB, error) {
	m, err := readMarks(ctx, db)
	if err != nil {
		return db, err
	}
	var errs []error
	step := func(names []string, otherwise string, do func() (*orm.DB, error)) {
		if len(names) == 0 {
			return
		}
		out, err := do()
		errs = append(errs, err, settle(ctx, db, names, otherwise, err))
		if err != nil { // a part may have been done
			out, err = Reload(ctx, db)
			errs = append(errs, err)
		}
		if out != nil {
			db = out
		}
	}
	step(m.remove, "installed", func() (*orm.DB, error) { return Uninstall(ctx, db, addons, m.remove, opt) })
	step(m.install, "uninstalled", func() (*orm.DB, error) { return Install(ctx, db, addons, m.install, opt) })
	step(m.upgrade, "installed", func() (*orm.DB, error) { return Upgrade(ctx, db, addons, m.upgrade, opt) })
	return db, errors.Join(errs...)
}

// settle takes the marks off addons and keeps why they could not be changed.
// Those a failed installation got to, such as dependencies, are left alone.
func settle(ctx context.Context, db *orm.DB, names []string, state string, cause error) error {
	ctx = context.WithoutCancel(ctx)
	_, err := db.ExecContext(ctx, "UPDATE ir_module_module SET state = ? WHERE name IN (?) AND state LIKE 'to %'", state, bun.List(names))
	if m, ok := db.Registry.Model("ir.module.module"); err == nil && ok && m.Fields["last_error"] != nil {
		var text any
		if cause != nil {
			text = cause.Error()
		}
		_, err = db.ExecContext(ctx, "UPDATE ir_module_module SET last_error = ? WHERE name IN (?)", text, bun.List(names))
	}
	return err
}
