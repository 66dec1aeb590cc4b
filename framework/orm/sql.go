package orm

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fusionsoft.ca/fusion/framework/schema"
)

// frag is a piece of SQL with ? for its arguments, and ?? for a question mark. An
// argument that is itself a frag is spliced in.
type frag struct {
	sql  string
	args []any
}

func sqlf(sql string, args ...any) frag { return frag{sql, args} }

func (f frag) empty() bool { return f.sql == "" }

// sublooks reports whether the fragment looks at other rows.
func (f frag) sublooks() bool {
	return strings.Contains(f.sql, "SELECT ") || slices.ContainsFunc(f.args, func(a any) bool {
		sub, ok := a.(frag)
		return ok && sub.sublooks()
	})
}

// render numbers the placeholders for the extended protocol.
func (f frag) render() (string, []any) {
	var b strings.Builder
	var args []any
	f.renderTo(&b, &args)
	return b.String(), args
}

func (f frag) renderTo(b *strings.Builder, args *[]any) {
	rest, i := f.sql, 0
	for {
		p := strings.IndexByte(rest, '?')
		if p < 0 {
			b.WriteString(rest)
			return
		}
		b.WriteString(rest[:p])
		rest = rest[p+1:]
		if strings.HasPrefix(rest, "?") {
			b.WriteByte('?')
			rest = rest[1:]
			continue
		}
		if i >= len(f.args) {
			panic("orm: SQL fragment lacks an argument: " + f.sql)
		}
		if sub, ok := f.args[i].(frag); ok {
			sub.renderTo(b, args)
		} else {
			*args = append(*args, f.args[i])
			b.WriteString("$" + strconv.Itoa(len(*args)))
		}
		i++
	}
}

func join(parts []frag, sep string) frag {
	var b strings.Builder
	var args []any
	for i, p := range parts {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(p.sql)
		args = append(args, p.args...)
	}
	return frag{b.String(), args}
}

// rowsOf is a query of the rows, given columns of these types. A few rows are
// VALUES; many are arrays of each column's texts, so that the statement stays the
// same whatever their number.
func rowsOf(rows [][]any, types []string) frag {
	if len(rows) < 8 {
		row := "(?::" + strings.Join(types, ", ?::") + ")"
		out := make([]frag, len(rows))
		for i, args := range rows {
			out[i] = frag{row, args}
		}
		return sqlf("VALUES ?", join(out, ", "))
	}
	cols, args := make([]string, len(types)), make([]any, len(types))
	for k, typ := range types {
		texts := make([]*string, len(rows))
		for i, row := range rows {
			texts[i] = sqlText(row[k])
		}
		cols[k], args[k] = fmt.Sprintf("u.c%d::%s", k, typ), texts
	}
	names := make([]string, len(types))
	for k := range types {
		names[k] = fmt.Sprintf("c%d", k)
	}
	return frag{"SELECT " + strings.Join(cols, ", ") + " FROM unnest(?" + strings.Repeat("::text[], ?", len(types)-1) + "::text[]) u(" + strings.Join(names, ", ") + ")", args}
}

// sqlText is a stored value in PostgreSQL's text form, nil for NULL.
func sqlText(v any) *string {
	if d, ok := v.(driver.Valuer); ok {
		v, _ = d.Value()
	}
	if v == nil {
		return nil
	}
	s, ok := v.(string)
	if !ok {
		s = fmt.Sprint(v)
	}
	return &s
}

func quote(ident string) string { return `"` + strings.ReplaceAll(ident, `"`, `""`) + `"` }

// change runs a statement and counts the rows it touched. The caller sees to what is
// stored before and forgotten after it.
func (e *Env) change(f frag) (int64, error) {
	e.u.queries++
	e.u.cache.invalidateAccess()
	text, args := f.render()
	tag, err := e.u.pgx.Exec(e.Context, text, append([]any{execMode(args)}, args...)...)
	return tag.RowsAffected(), e.translate(err)
}

// execMode keeps statements prepared but for those of many rows, which hardly
// come twice.
func execMode(args []any) pgx.QueryExecMode {
	if len(args) > 400 {
		return pgx.QueryExecModeExec
	}
	return pgx.QueryExecModeCacheStatement
}

// each runs a query on the pgx connection beneath bun and hands every row to
// fn as PostgreSQL's text, nil for NULL. Statements are cached by pgx. The
// bytes are valid only during the call; fn must not query.
func (e *Env) each(f frag, fn func(row [][]byte) error) error {
	if err := e.writeDirty(); err != nil {
		return err
	}
	return e.stream(f, fn)
}

// eachOf is each for a query that looks at the tables of certain models only.
func (e *Env) eachOf(f frag, fn func(row [][]byte) error, models ...*Model) error {
	if err := e.writeDirty(models...); err != nil {
		return err
	}
	return e.stream(f, fn)
}

// stream is each for a query that sees no values that wait to be stored.
func (e *Env) stream(f frag, fn func(row [][]byte) error) error {
	return e.streamNamed(f, func([]pgconn.FieldDescription) error { return nil }, fn)
}

// streamNamed is stream that tells head of the columns first.
func (e *Env) streamNamed(f frag, head func([]pgconn.FieldDescription) error, fn func(row [][]byte) error) error {
	e.u.queries++
	text, args := f.render()
	full := make([]any, 0, len(args)+2)
	full = append(full, execMode(args), pgx.QueryResultFormats{pgx.TextFormatCode})
	full = append(full, args...)
	rows, err := e.u.pgx.Query(e.Context, text, full...)
	if err != nil {
		return e.translate(err)
	}
	defer rows.Close()
	for first := true; rows.Next(); first = false {
		if first {
			if err := head(rows.FieldDescriptions()); err != nil {
				return err
			}
		}
		if err := fn(rows.RawValues()); err != nil {
			return err
		}
	}
	return e.translate(rows.Err())
}

// queryIDs collects the first column as ids.
func (e *Env) queryIDs(f frag) ([]int64, error) {
	if err := e.writeDirty(); err != nil {
		return nil, err
	}
	return e.streamIDs(f)
}

// queryOf is queryIDs for a query on the tables of certain models only.
func (e *Env) queryOf(f frag, models ...*Model) ([]int64, error) {
	if err := e.writeDirty(models...); err != nil {
		return nil, err
	}
	return e.streamIDs(f)
}

func (e *Env) streamIDs(f frag) ([]int64, error) {
	ids := []int64{}
	err := e.stream(f, func(row [][]byte) error {
		if row[0] == nil {
			return nil
		}
		id, err := strconv.ParseInt(string(row[0]), 10, 64)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// translate turns PostgreSQL's refusals into errors users understand.
func (e *Env) translate(err error) error {
	if err == nil {
		return nil
	}
	pe, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	if retryable(err) {
		e.u.doomed = err
	}
	reg := e.u.db.Registry
	switch pe.Code {
	case "23505", "23514", "23P01":
		for _, m := range reg.models {
			for _, s := range m.SQL {
				if schema.Ident(s.Name) == pe.ConstraintName {
					return &Error{Code: CodeValidation, Message: s.Message, Err: err}
				}
			}
		}
		return &Error{Code: CodeValidation, Message: fmt.Sprintf("The database refused the values: %s", strings.TrimSpace(pe.Message)), Err: err}
	case "23502":
		for _, m := range reg.models {
			if m.Table == pe.TableName && m.Fields[pe.ColumnName] != nil {
				f := m.Fields[pe.ColumnName]
				return &Error{Code: CodeValidation, Fields: []string{f.Name}, Err: err,
					Message: fmt.Sprintf("%s (%s) is required on %s (%s).", f.Label, f.Name, m.Label, m.Name)}
			}
		}
	case "23503":
		for _, m := range reg.models {
			if m.Table == pe.TableName {
				return &Error{Code: CodeValidation, Err: err,
					Message: fmt.Sprintf("%s (%s) still refers to this record, or the record it refers to does not exist. Archive the record instead of deleting it, or change what refers to it. (%s)", m.Label, m.Name, pe.ConstraintName)}
			}
			for _, f := range m.Fields {
				if f.Kind == Many2many && f.RelTable == pe.TableName {
					return &Error{Code: CodeValidation, Fields: []string{f.Name}, Err: err,
						Message: fmt.Sprintf("%s (%s) of %s (%s) names a record that does not exist.", f.Label, f.Name, m.Label, m.Name)}
				}
			}
		}
	case "22003", "22P02", "22021", "22001", "22008":
		return &Error{Code: CodeValidation, Message: "A value does not fit its field: " + pe.Message, Err: err}
	case "57014":
		return &Error{Code: CodeUser, Message: "The operation took too long and was stopped.", Err: err}
	}
	return err
}

func stack() []byte { return debug.Stack() }

// cellInt is a whole number in PostgreSQL's text form, 0 for NULL.
func cellInt(cell string) int64 {
	n, err := strconv.ParseInt(cell, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
