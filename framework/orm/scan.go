package orm

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Rows runs a statement and returns its rows. T is a struct, whose exported fields
// take the columns of their names (PartnerID that of partner_id, or what a tag
// `sql:"name"` says); an array, which takes the columns in their order; or a scalar
// for the only column. NULL has a place in pointers, [sql.Null], [Date] and
// [Datetime]; anywhere else it is an error.
func Rows[T any](e *Env, s Statement) ([]T, error) {
	after, err := e.prepare(s)
	if err != nil {
		return nil, err
	}
	var out []T
	var cols []target
	d := decoder{e.u.pgx.TypeMap()}
	err = e.streamNamed(s.frag, func(found []pgconn.FieldDescription) error {
		var err error
		cols, err = columnsInto(reflect.TypeFor[T](), found)
		return err
	}, func(row [][]byte) error {
		var rec T
		v := reflect.ValueOf(&rec).Elem()
		for i, c := range cols {
			if err := d.decode(c.of(v), row[i], c.oid); err != nil {
				return fmt.Errorf("orm: column %q: %w", c.name, err)
			}
		}
		out = append(out, rec)
		return nil
	})
	after()
	return out, err
}

// Row is Rows for a statement that gives exactly one row.
func Row[T any](e *Env, s Statement) (T, error) {
	rec, found, err := MaybeRow[T](e, s)
	if err == nil && !found {
		err = fmt.Errorf("orm: no row, where one was expected: %s", s.frag.sql)
	}
	return rec, err
}

// MaybeRow is Rows for a statement that gives a row or none.
func MaybeRow[T any](e *Env, s Statement) (rec T, found bool, err error) {
	rows, err := Rows[T](e, s)
	if err != nil || len(rows) == 0 {
		return rec, false, err
	}
	if len(rows) > 1 {
		return rec, false, fmt.Errorf("orm: %d rows, where one was expected: %s", len(rows), s.frag.sql)
	}
	return rows[0], true, nil
}

// target is where a column of a result goes.
type target struct {
	name string
	oid  uint32
	of   func(reflect.Value) reflect.Value
}

var scannerType = reflect.TypeFor[sql.Scanner]()

func columnsInto(t reflect.Type, found []pgconn.FieldDescription) ([]target, error) {
	out := make([]target, len(found))
	for i, f := range found {
		out[i] = target{name: f.Name, oid: f.DataTypeOID}
	}
	switch {
	case t.Kind() == reflect.Array:
		if t.Len() != len(out) {
			return nil, fmt.Errorf("orm: %d columns for %s", len(out), t)
		}
		for i := range out {
			out[i].of = func(v reflect.Value) reflect.Value { return v.Index(i) }
		}
	case t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(scannerType) && t != reflect.TypeFor[time.Time]():
		fields := map[string]int{}
		for i := range t.NumField() {
			f := t.Field(i)
			name := f.Tag.Get("sql")
			if name == "" {
				name = columnName(f.Name)
			}
			if f.IsExported() {
				fields[name] = i
			}
		}
		for i := range out {
			at, ok := fields[out[i].name]
			if !ok {
				return nil, fmt.Errorf("orm: %s has no field for the column %q", t, out[i].name)
			}
			delete(fields, out[i].name)
			out[i].of = func(v reflect.Value) reflect.Value { return v.Field(at) }
		}
		for name := range fields {
			return nil, fmt.Errorf("orm: there is no column %q for a field of %s", name, t)
		}
	case len(out) != 1:
		return nil, fmt.Errorf("orm: %d columns for one %s", len(out), t)
	default:
		out[0].of = func(v reflect.Value) reflect.Value { return v }
	}
	return out, nil
}

// columnName is the column for a field of a struct: PartnerID is partner_id.
func columnName(field string) string {
	var b strings.Builder
	rs := []rune(field)
	for i, r := range rs {
		if i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// decoder turns PostgreSQL's text form into Go values.
type decoder struct{ types *pgtype.Map }

// decode sets v to a value in PostgreSQL's text form, nil for NULL.
func (d decoder) decode(v reflect.Value, text []byte, oid uint32) (err error) {
	if sc, ok := v.Addr().Interface().(sql.Scanner); ok {
		if text == nil {
			return sc.Scan(nil)
		}
		return sc.Scan(string(text))
	}
	if v.Kind() == reflect.Pointer {
		if text == nil {
			v.SetZero()
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return d.decode(v.Elem(), text, oid)
	}
	if text == nil {
		return fmt.Errorf("NULL has no place in %s; use a pointer, sql.Null or COALESCE", v.Type())
	}
	s := string(text)
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		if s != "t" && s != "f" {
			return fmt.Errorf("%q is no boolean", s)
		}
		v.SetBool(s == "t")
	case reflect.Int, reflect.Int64, reflect.Int32:
		var n int64
		if n, err = strconv.ParseInt(s, 10, v.Type().Bits()); err == nil {
			v.SetInt(n)
		}
	case reflect.Float64:
		var n float64
		if n, err = strconv.ParseFloat(s, 64); err == nil {
			v.SetFloat(n)
		}
	case reflect.Slice:
		return d.decodeSlice(v, s, oid)
	default:
		if v.Type() == reflect.TypeFor[time.Time]() {
			var at Datetime
			if at, err = ParseDatetime(s); err == nil {
				v.Set(reflect.ValueOf(at.t))
			}
			return err
		}
		return fmt.Errorf("a column cannot be read into %s", v.Type())
	}
	return err
}

// decodeSlice reads the content of a file, or an array.
func (d decoder) decodeSlice(v reflect.Value, s string, oid uint32) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		content := []byte(s)
		if oid == pgtype.ByteaOID {
			var err error
			if content, err = hex.DecodeString(strings.TrimPrefix(s, `\x`)); err != nil {
				return err
			}
		}
		v.SetBytes(content)
		return nil
	}
	var items []*string
	if err := d.types.Scan(pgtype.TextArrayOID, pgtype.TextFormatCode, []byte(s), &items); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		var text []byte
		if item != nil {
			text = []byte(*item)
		}
		if err := d.decode(v.Index(i), text, 0); err != nil {
			return err
		}
	}
	return nil
}
