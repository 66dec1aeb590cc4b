package sale

import (
	"slices"
	"strconv"

	"github.com/shopspring/decimal"
)

func atoi(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0 // NULL, which Query returns as ""
	}
	return n
}

func dec(s string) decimal.Decimal {
	d, err := decimal.NewFromString(s)
	if err != nil {
		return decimal.Zero // NULL, which Query returns as ""
	}
	return d
}

// asInt reads a record id as values and contexts carry it, 0 when it is none.
func asInt(v any) int64 {
	switch x := v.(type) {
	case int64:
		return x
	case int:
		return int64(x)
	case float64:
		return int64(x)
	case interface{ Int64() (int64, error) }:
		if n, err := x.Int64(); err == nil {
			return n
		}
	case []any:
		if len(x) > 0 {
			return asInt(x[0])
		}
	}
	return 0
}

func asString(v any) string {
	s, _ := v.(string)
	return s
}

// asDecimal reads a number as values carry it; ok is false when it is none.
func asDecimal(v any) (d decimal.Decimal, ok bool) {
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
	case interface {
		String() string
		Int64() (int64, error)
	}:
		d, err := decimal.NewFromString(x.String())
		return d, err == nil
	}
	return decimal.Zero, false
}

// asIDs reads a list of record ids as contexts carry it.
func asIDs(v any) []int64 {
	switch x := v.(type) {
	case []int64:
		return x
	case []any:
		var out []int64
		for _, e := range x {
			if id := asInt(e); id != 0 {
				out = append(out, id)
			}
		}
		return out
	}
	if id := asInt(v); id != 0 {
		return []int64{id}
	}
	return nil
}

// distinct sorts ids and drops doubles.
func distinct(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

var hundred = decimal.NewFromInt(100)
