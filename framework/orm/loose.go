package orm

import (
	"encoding/json"
	"strconv"

	"github.com/shopspring/decimal"
)

// What hooks are given as values, and what a context carries, is spelled as Go
// code, JSON or a data file spells it. These read it one way for all addons;
// what is stored is read by the field's own type instead.

// AsID reads a record id: a whole number of any type, or a pair of id and name.
// It is 0 for everything else.
func AsID(v any) int64 {
	if pair, ok := v.([]any); ok {
		if len(pair) == 0 {
			return 0
		}
		v = pair[0]
	}
	n, err := toInt(v)
	if err != nil {
		return 0
	}
	return n
}

// AsIDs reads a list of record ids, or one, and leaves out what is none.
func AsIDs(v any) []int64 {
	switch x := v.(type) {
	case []int64:
		return x
	case []any:
		var out []int64
		for _, e := range x {
			if id := AsID(e); id != 0 {
				out = append(out, id)
			}
		}
		return out
	}
	if id := AsID(v); id != 0 {
		return []int64{id}
	}
	return nil
}

// AsText reads a text, "" for everything else.
func AsText(v any) string {
	s, _ := v.(string)
	return s
}

// AsDecimal reads a number or its text; ok is false when it is none.
func AsDecimal(v any) (d decimal.Decimal, ok bool) {
	switch x := v.(type) {
	case decimal.Decimal:
		return x, true
	case float64:
		return decimal.NewFromFloat(x), true
	case int:
		return decimal.NewFromInt(int64(x)), true
	case int64:
		return decimal.NewFromInt(x), true
	case string:
		d, err := decimal.NewFromString(x)
		return d, err == nil
	case json.Number:
		d, err := decimal.NewFromString(x.String())
		return d, err == nil
	}
	return decimal.Zero, false
}

// CellInt is a whole number in PostgreSQL's text form, 0 for NULL.
func CellInt(cell string) int64 {
	n, err := strconv.ParseInt(cell, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
