package stock

import (
	"strconv"

	"github.com/shopspring/decimal"

	"fusion/framework/orm"
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
	ids := asIDs(v)
	if len(ids) == 0 {
		return 0
	}
	return ids[0]
}

// asIDs reads record ids as values and contexts carry them.
func asIDs(v any) []int64 {
	if _, pair := v.(string); pair {
		return nil
	}
	return orm.Args{Pos: []any{v}}.IDs(0, "")
}

func asString(v any) string {
	s, _ := v.(string)
	return s
}

func orNil(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}
