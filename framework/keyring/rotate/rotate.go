// Package rotate encrypts the secrets of a database with another key, and tells which
// keys are in use.
package rotate

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"fusionsoft.ca/fusion/framework/orm"
)

// sealed is a secret as it is stored; the group is the id of its key.
var sealed = regexp.MustCompile(`v1:([0-9a-f]{8}):[A-Za-z0-9+/]+=*`)

// sealedSQL tells PostgreSQL the same, for a whole value.
const sealedSQL = `'^v1:[0-9a-f]{8}:[A-Za-z0-9+/]+=*$'`

// Options adjust [Secrets].
type Options struct {
	Batch int // rows encrypted at a time; zero: 500
	// Progress, if set, is told how many values are done after each batch; its
	// error ends the rotation, which then has changed nothing.
	Progress func(done int) error
}

// secretColumn is a column that holds secrets: that of a Secret field, or one
// whose field is gone while its values are still there.
type secretColumn struct {
	model, table, name string
	typ                string // text or jsonb
}

// Secrets encrypts the secrets of a database with the first key of its
// keyring, those that are not yet, and returns their number. It is one
// transaction: when it is interrupted everything is as before, and repeating it
// does what is left to do. The keys of old values must be in the keyring.
//
// A value that is stored meanwhile by a process that does not know the new key
// stays under the old one; keep that until [Use] finds it unused.
func Secrets(ctx context.Context, db *orm.DB, o Options) (int, error) {
	if db.Keys == nil {
		return 0, errors.New("no encryption key is configured")
	}
	if o.Batch == 0 {
		o.Batch = 500
	}
	done := 0
	err := db.Run(ctx, orm.System(), func(e *orm.Env) error {
		done = 0
		cols, err := secretColumns(e)
		if err != nil {
			return err
		}
		current := db.Keys.IDs()[0]
		for _, c := range cols {
			last := int64(0)
			for {
				n, at, err := rotateBatch(e, c, current, last, o.Batch)
				if err != nil {
					return err
				}
				if n == 0 {
					break
				}
				done, last = done+n, at
				if o.Progress != nil {
					if err := o.Progress(done); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("the secrets keep their keys: %w", err)
	}
	return done, nil
}

// rotateBatch encrypts the secrets of the next rows after an id.
func rotateBatch(e *orm.Env, c secretColumn, current string, after int64, limit int) (n int, last int64, err error) {
	col, table := quote(c.name), quote(c.table)
	type secret struct {
		ID    int64
		Value string
	}
	rows, err := orm.Rows[secret](e, orm.SQL("SELECT id, "+col+"::text AS value FROM "+table+" WHERE id > ? AND "+c.stale(current)+" ORDER BY id LIMIT ? FOR UPDATE", after, limit).Reads(c.model))
	if err != nil || len(rows) == 0 {
		return 0, 0, err
	}
	ids := make([]int64, len(rows))
	values := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
		var failed error
		values[i] = sealed.ReplaceAllStringFunc(r.Value, func(s string) string {
			plain, err := e.DB().Keys.Open(s)
			if err == nil {
				s, err = e.DB().Keys.Seal(plain)
			}
			failed = errors.Join(failed, err)
			return s
		})
		if failed != nil {
			return 0, 0, fmt.Errorf("%s.%s of record %d: %w", c.table, c.name, ids[i], failed)
		}
	}
	_, err = e.Exec(orm.SQL("UPDATE "+table+" AS t SET "+col+" = v.value::"+c.typ+" FROM unnest(?::bigint[], ?::text[]) AS v(id, value) WHERE t.id = v.id", ids, values).Writes(c.model))
	return len(rows), ids[len(ids)-1], err
}

// holds is a condition on rows with a secret; a column by company has several.
func (c secretColumn) holds() string {
	if c.typ == "jsonb" {
		return quote(c.name) + `::text ~ '"v1:[0-9a-f]{8}:'`
	}
	return quote(c.name) + ` ~ '^v1:[0-9a-f]{8}:'`
}

// stale is a condition on rows with a secret under another key.
func (c secretColumn) stale(key string) string {
	if c.typ == "jsonb" {
		return `replace(` + quote(c.name) + `::text, '"v1:` + key + `:', '') ~ '"v1:[0-9a-f]{8}:'`
	}
	return c.holds() + ` AND NOT starts_with(` + quote(c.name) + `, 'v1:` + key + `:')`
}

// Use counts the secrets of a database by the id of their key.
func Use(ctx context.Context, db *orm.DB) (map[string]int, error) {
	use := map[string]int{}
	err := db.View(ctx, orm.System(), func(e *orm.Env) error {
		cols, err := secretColumns(e)
		if err != nil {
			return err
		}
		for _, c := range cols {
			type count struct {
				Key string
				N   int
			}
			rows, err := orm.Rows[count](e, orm.Script("SELECT m[1] AS key, count(*) AS n FROM "+quote(c.table)+", regexp_matches("+quote(c.name)+"::text, 'v1:([0-9a-f]{8}):', 'g') AS m WHERE "+c.holds()+" GROUP BY 1").Reads(c.model))
			if err != nil {
				return err
			}
			for _, r := range rows {
				use[r.Key] += r.N
			}
		}
		return nil
	})
	return use, err
}

// secretColumns finds where secrets are, also those that no field reads any
// more: a key must not be thrown away before a migration has seen to them.
func secretColumns(e *orm.Env) ([]secretColumn, error) {
	type column struct{ Table, Name, Type string }
	cols, err := orm.Rows[column](e, orm.SQL(`SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, NULL) AS type
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
		AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype) ORDER BY 1, 2`).NoModels())
	if err != nil {
		return nil, err
	}
	byTable := map[string][]column{}
	for _, c := range cols {
		byTable[c.Table] = append(byTable[c.Table], c)
	}
	var out []secretColumn
	for _, m := range e.Registry().Models() {
		if m.Abstract || m.Query != "" {
			continue
		}
		for _, col := range byTable[m.Table] {
			f, c := m.Fields[col.Name], secretColumn{m.Name, m.Table, col.Name, col.Type}
			switch {
			case f != nil && f.Stored && f.Kind == orm.SecretKind:
				out = append(out, c)
			case f != nil && f.Stored && !f.X2many() && f.Kind != orm.BinaryKind, col.Type != "text":
			default:
				holds, err := orm.Row[bool](e, orm.Script("SELECT EXISTS (SELECT FROM "+quote(m.Table)+" WHERE "+quote(col.Name)+" ~ "+sealedSQL+")").Reads(m.Name))
				if err != nil {
					return nil, err
				}
				if holds {
					out = append(out, c)
				}
			}
		}
	}
	return out, nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
