package base

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

// AutoVacuum is what a daily cron removes: the records of wizards, expired API
// keys, all but the last login of a user from each of his latest addresses, and
// files that no attachment names.
type AutoVacuum struct {
	orm.Mixin `orm:"ir.autovacuum" label:"Automatic Vacuum"`
}

// RunVacuumCleaner removes what nobody needs any more. What cannot be removed
// is logged and does not keep the rest.
var RunVacuumCleaner = orm.ModelMethod[AutoVacuum]{Name: "_run_vacuum_cleaner"}

// Parameters of the vacuum: how long the records of wizards are kept, in hours
// since they were last touched, and how many of a model may be there before
// those older than five minutes go early.
const (
	transientAgeLimit   = "base.transient_age_limit"
	transientCountLimit = "base.transient_count_limit"
)

const (
	transientHours   = 1.0
	transientMinutes = 5
	vacuumBatch      = 1000
	// fileHours must be longer than any transaction lasts.
	fileHours = 24
)

func defineAutoVacuum(r *orm.Registry) {
	v := orm.DefineMixin[AutoVacuum](r)
	orm.ImplementModel(v, RunVacuumCleaner, func(env *orm.Env, _ orm.Args) (any, error) {
		env = env.Sudo().WithContext(map[string]any{"active_test": false})
		clean := func(what string, fn func(env *orm.Env) (int, error)) {
			n := 0
			err := env.Savepoint(func(env *orm.Env) (err error) {
				n, err = fn(env)
				return err
			})
			if err != nil {
				env.Log().Error("vacuum failed", "of", what, "error", err.Error())
			} else if n > 0 {
				env.Log().Info("vacuumed", "of", what, "removed", n)
			}
		}
		for _, m := range env.Registry().Models() {
			if m.Transient && !m.Abstract {
				clean(m.Name, func(env *orm.Env) (int, error) { return vacuumTransient(env, m.Name) })
			}
		}
		clean("res.users.apikeys", func(env *orm.Env) (int, error) {
			return vacuumRecords(env, "res.users.apikeys", orm.Leaf("expiration_date", "<", orm.DatetimeOf(env.Now())))
		})
		clean("res.users.log", func(env *orm.Env) (int, error) {
			// SQL: compares each login with all later ones, in one statement.
			n, err := env.Exec(orm.SQL(`DELETE FROM res_users_log l WHERE EXISTS (SELECT FROM res_users_log n WHERE n.create_uid = l.create_uid AND n.id > l.id
				AND (n.address IS NOT DISTINCT FROM l.address OR l.create_date < ?::timestamp))`, orm.DatetimeOf(env.Now().Add(-seenFor))).Writes("res.users.log"))
			return int(n), err
		})
		clean("files", vacuumFiles)
		return true, nil
	})
}

// vacuumTransient removes the records of a wizard that have not been touched
// for some time, or for a short time when there are too many.
func vacuumTransient(env *orm.Env, model string) (int, error) {
	hours, err := numberParam(env, transientAgeLimit, transientHours)
	if err != nil {
		return 0, err
	}
	limit, err := numberParam(env, transientCountLimit, 0)
	if err != nil {
		return 0, err
	}
	olderThan := func(age time.Duration) (int, error) {
		return vacuumRecords(env, model, orm.Leaf("write_date", "<", orm.DatetimeOf(env.Now().Add(-age))))
	}
	removed := 0
	if hours > 0 {
		if removed, err = olderThan(time.Duration(hours * float64(time.Hour))); err != nil {
			return removed, err
		}
	}
	if limit <= 0 {
		return removed, nil
	}
	there, err := env.Model(model).SearchCount(nil, int(limit)+1)
	if err != nil || there <= int(limit) {
		return removed, err
	}
	more, err := olderThan(transientMinutes * time.Minute)
	return removed + more, err
}

// numberParam reads a parameter that is a number, not below zero.
func numberParam(env *orm.Env, key string, otherwise float64) (float64, error) {
	text, _, err := GetParam(env, key)
	if err != nil || strings.TrimSpace(text) == "" {
		return otherwise, err
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("the parameter %s is %q; a number from 0 is expected", key, text)
	}
	return n, nil
}

func vacuumRecords(env *orm.Env, model string, d orm.Domain) (int, error) {
	n := 0
	for {
		rs, err := env.Model(model).Search(d, orm.SearchOptions{Limit: vacuumBatch, Order: "id"})
		if err != nil || rs.Len() == 0 {
			return n, err
		}
		if err := rs.Unlink(); err != nil {
			return n, err
		}
		n += rs.Len()
	}
}

// sweeper is a store that can remove files.
type sweeper interface {
	Sweep(before time.Time, inUse func(keys []string) (map[string]bool, error)) (int, error)
}

func vacuumFiles(env *orm.Env) (int, error) {
	store, ok := env.DB().Blobs.(sweeper)
	if !ok {
		return 0, nil
	}
	return store.Sweep(time.Now().Add(-fileHours*time.Hour), func(keys []string) (map[string]bool, error) {
		// SQL: every file is asked for, of attachments whose records may be gone.
		found, err := orm.Rows[string](env, orm.SQL("SELECT DISTINCT store_fname FROM ir_attachment WHERE store_fname = ANY(?)", keys).Reads("ir.attachment", "store_fname"))
		if err != nil {
			return nil, fmt.Errorf("the files in use: %w", err)
		}
		used := map[string]bool{}
		for _, key := range found {
			used[key] = true
		}
		return used, nil
	})
}
