package ormtest

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// Texts runs a query and returns its rows in PostgreSQL's text form, with "" for
// NULL, for tests that compare what is stored. The unit of work forgets nothing.
func Texts(env *orm.Env, query string, args ...any) ([][]string, error) {
	if err := env.Flush(); err != nil {
		return nil, err
	}
	s := orm.SQL("SELECT row_::text FROM (?) row_", orm.SQL(query, args...))
	for _, m := range env.Registry().Models() {
		if !m.Abstract {
			s = s.Reads(m.Name)
		}
	}
	rows, err := orm.Rows[string](env, s)
	if err != nil {
		return nil, err
	}
	out := make([][]string, len(rows))
	for i, row := range rows {
		if out[i], err = fieldsOf(row); err != nil {
			return nil, fmt.Errorf("the row %s: %w", row, err)
		}
	}
	return out, nil
}

// fieldsOf takes a row in text form, such as (1,"a b",), apart. It is CSV but for
// backslashes, which are doubled.
func fieldsOf(row string) ([]string, error) {
	row = strings.TrimSuffix(strings.TrimPrefix(row, "("), ")")
	if row == "" {
		return []string{""}, nil
	}
	fields, err := csv.NewReader(strings.NewReader(row)).Read()
	for i := range fields {
		fields[i] = strings.ReplaceAll(fields[i], `\\`, `\`)
	}
	return fields, err
}

// Int is a whole number of such a row, 0 for NULL and for what is none.
func Int(cell string) int64 {
	n, err := strconv.ParseInt(cell, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
