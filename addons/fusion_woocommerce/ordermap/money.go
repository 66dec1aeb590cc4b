package ordermap

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account/taxcalc"
)

// digits is how many decimals prices and discounts of the ERP have.
const digits = 6

var (
	one     = decimal.New(1, 0)
	hundred = decimal.New(100, 0)
)

// halfUp rounds half away from zero, as amounts are.
func halfUp(d decimal.Decimal, places int32) decimal.Decimal { return d.Round(places) }

// halfDown rounds half towards zero: taxes of prices that include them.
func halfDown(d decimal.Decimal, places int32) decimal.Decimal {
	cut := d.Truncate(places)
	if d.Sub(cut).Abs().Mul(decimal.New(2, 0)).GreaterThan(decimal.New(1, -places)) {
		return cut.Add(decimal.New(int64(d.Sign()), -places))
	}
	return cut
}

// amount is what the ERP makes of a price.
func amount(price, quantity, discount decimal.Decimal, places int32) decimal.Decimal {
	return taxcalc.Compute(taxcalc.Line{Price: price, Quantity: quantity, Discount: discount}, taxcalc.Rounding{Unit: decimal.New(1, -places)}).Excluded
}

// unitPrice finds the price with the fewest decimals whose product with the
// quantity rounds to total.
func unitPrice(total, quantity decimal.Decimal, places int32) (price decimal.Decimal, ok bool) {
	for d := min(places, digits); d <= digits; d++ {
		price = total.DivRound(quantity, d)
		if amount(price, quantity, decimal.Zero, places).Equal(total) {
			return price, true
		}
	}
	return price, false
}

// discounted finds a price before discount and the percentage with the fewest
// decimals that makes total of it. It is for real discounts only: from 0 to
// 100 percent of a positive price.
func discounted(subtotal, total, quantity decimal.Decimal, places int32) (price, percent decimal.Decimal, ok bool) {
	if total.IsNegative() || !subtotal.GreaterThan(total) || !quantity.IsPositive() {
		return price, percent, false
	}
	price, ok = unitPrice(subtotal, quantity, places)
	if !ok {
		return price, percent, false
	}
	exact := hundred.Sub(total.Mul(hundred).DivRound(price.Mul(quantity), 16))
	for d := int32(0); d <= digits; d++ {
		percent = exact.Round(d)
		if amount(price, quantity, percent, places).Equal(total) {
			return price, percent, true
		}
	}
	return price, percent, false
}
