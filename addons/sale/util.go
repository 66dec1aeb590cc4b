package sale

import (
	"slices"

	"github.com/shopspring/decimal"
)

// distinct sorts ids and drops doubles.
func distinct(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

var hundred = decimal.NewFromInt(100)
