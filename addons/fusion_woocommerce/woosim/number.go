package woosim

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// phpNumber spells a float as PHP's json_encode does: the shortest digits that
// give the same float, without exponent in the range of prices.
func phpNumber(f float64) json.Number {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if s == "-0" {
		s = "0"
	}
	return json.Number(s)
}

// formatDecimal cleans a typed amount as WooCommerce does: signs, letters and
// thousands separators go, so "15,75" becomes 1575 and words become nothing.
func formatDecimal(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= '0' && r <= '9' || r == '.' || r == '-' {
			b.WriteRune(r)
		}
	}
	out := b.String()
	if _, err := decimal.NewFromString(out); err != nil {
		return ""
	}
	return out
}
