// Package taxcalc computes taxes on lines and documents: percentages, fixed
// amounts, divisions and groups, included in the price or not, one charged on
// another, rounded per line or once for the document. It is pure arithmetic on
// decimals and imports nothing of Fusion.
package taxcalc

import (
	"slices"

	"github.com/shopspring/decimal"
)

// The kinds of tax.
const (
	Percent  = "percent"  // of the base
	Fixed    = "fixed"    // an amount per unit
	Division = "division" // a share of the price with the tax
	Group    = "group"    // stands for its children
)

// Tax is one tax as it is charged.
type Tax struct {
	ID       int64
	Kind     string
	Amount   decimal.Decimal // percent, or money per unit
	Included bool            // the price contains it
	AddsBase bool            // later taxes are charged on it too (include_base_amount)
	Affected bool            // earlier taxes that add to the base count (is_base_affected)
	Sequence int
	Children []Tax
}

// Rounding says how amounts are rounded.
type Rounding struct {
	// Unit is the smallest amount of the currency, such as 0.01; zero means 0.01.
	Unit decimal.Decimal
	// Globally rounds each tax once for the whole document instead of per line.
	Globally bool
}

// Round rounds to the unit, half away from zero.
func (r Rounding) Round(d decimal.Decimal) decimal.Decimal {
	unit := r.Unit
	if unit.IsZero() {
		unit = decimal.New(1, -2)
	}
	return d.DivRound(unit, 0).Mul(unit)
}

// fine rounds what is still to be summed: to the unit, or five digits finer
// when the sum is rounded later.
func (r Rounding) fine(d decimal.Decimal) decimal.Decimal {
	if !r.Globally {
		return r.Round(d)
	}
	unit := r.Unit
	if unit.IsZero() {
		unit = decimal.New(1, -2)
	}
	return Rounding{Unit: unit.Shift(-5)}.Round(d)
}

// Line is what taxes are charged on. Discount is in percent.
type Line struct {
	Price    decimal.Decimal
	Quantity decimal.Decimal
	Discount decimal.Decimal
	Taxes    []Tax
	// Override replaces the computed amounts of some taxes, by id. The price of
	// the line stays: what it contains of other taxes is computed on the rest.
	Override map[int64]decimal.Decimal
}

// Amount is one tax of a line or a document.
type Amount struct {
	TaxID  int64
	Base   decimal.Decimal
	Amount decimal.Decimal
}

// Result is a line with its taxes.
type Result struct {
	Excluded decimal.Decimal // without tax
	Included decimal.Decimal // with tax
	Taxes    []Amount
}

var hundred = decimal.New(100, 0)

// precision of divisions, in decimals.
const precision = 16

// Flatten replaces groups by their children and sorts by sequence, keeping the
// order of equals.
func Flatten(taxes []Tax) []Tax {
	sorted := slices.Clone(taxes)
	slices.SortStableFunc(sorted, func(a, b Tax) int { return a.Sequence - b.Sequence })
	var out []Tax
	for _, t := range sorted {
		if t.Kind == Group {
			out = append(out, Flatten(t.Children)...)
			continue
		}
		out = append(out, t)
	}
	return out
}

// included gathers the taxes that a price contains.
type included struct{ fixed, percent, division decimal.Decimal }

// strip takes them out of an amount.
func (in included) strip(base decimal.Decimal) decimal.Decimal {
	rest := base.Sub(in.fixed)
	rest = rest.Mul(hundred).DivRound(hundred.Add(in.percent), precision)
	return rest.Mul(hundred.Sub(in.division)).DivRound(hundred, precision)
}

// Compute charges the taxes of one line.
func Compute(l Line, r Rounding) Result {
	taxes := Flatten(l.Taxes)
	base := r.fine(l.Price.Mul(l.Quantity).Mul(hundred.Sub(l.Discount)).DivRound(hundred, precision))
	sign := decimal.New(1, 0)
	if base.IsNegative() {
		base, sign = base.Neg(), sign.Neg()
	}
	qty := l.Quantity.Abs()
	given := map[int64]decimal.Decimal{} // overrides, with the sign of a positive line
	for id, amount := range l.Override {
		given[id] = amount.Mul(sign)
	}

	// From the last tax to the first, what each price with tax contains. What
	// an override leaves of a price is shared by the other included taxes.
	var in included
	target := map[int]decimal.Decimal{} // price up to and with the tax
	open := true
	for i := len(taxes) - 1; i >= 0; i-- {
		t := taxes[i]
		if t.AddsBase {
			base = in.strip(base)
			in, open = included{}, true
		}
		if !t.Included {
			continue
		}
		if over, ok := given[t.ID]; ok {
			in.fixed = in.fixed.Add(over)
			continue
		}
		if open {
			target[i], open = base.Sub(in.fixed), false
		}
		switch t.Kind {
		case Fixed:
			in.fixed = in.fixed.Add(t.Amount.Mul(qty))
		case Division:
			in.division = in.division.Add(t.Amount)
		default:
			in.percent = in.percent.Add(t.Amount)
		}
	}
	excluded := r.fine(in.strip(base))
	running, total, since := excluded, excluded, decimal.Zero
	res := Result{Excluded: excluded.Mul(sign)}
	for i, t := range taxes {
		on := excluded
		if t.Included || t.Affected {
			on = running
		}
		price, last := target[i]
		amount, fixed := given[t.ID]
		switch {
		case fixed:
		case last:
			amount = r.fine(price.Sub(running).Sub(since))
			since = decimal.Zero
		default:
			amount = r.fine(charge(t, on, qty))
		}
		if t.Included && !last {
			since = since.Add(amount)
		}
		if t.AddsBase {
			running = running.Add(amount)
			if t.Included {
				since = decimal.Zero
			}
		}
		total = total.Add(amount)
		res.Taxes = append(res.Taxes, Amount{t.ID, on.Mul(sign), amount.Mul(sign)})
	}
	res.Included = total.Mul(sign)
	return res
}

func charge(t Tax, base, qty decimal.Decimal) decimal.Decimal {
	switch t.Kind {
	case Fixed:
		return t.Amount.Mul(qty)
	case Division:
		if t.Included {
			return base.Mul(t.Amount).DivRound(hundred, precision)
		}
		rest := hundred.Sub(t.Amount)
		if rest.IsZero() {
			return decimal.Zero
		}
		return base.Mul(hundred).DivRound(rest, precision).Sub(base)
	}
	return base.Mul(t.Amount).DivRound(hundred, precision)
}

// Totals are those of a document. ByTax is in the order of first appearance.
type Totals struct {
	Untaxed decimal.Decimal
	Tax     decimal.Decimal
	Total   decimal.Decimal
	ByTax   []Amount
	Lines   []Result
}

// Document charges the taxes of all lines and sums them. The lines' own
// amounts are rounded in the result; when rounding globally their taxes may
// therefore not add up to the totals, which is what that method means.
func Document(lines []Line, r Rounding) Totals {
	var t Totals
	at := map[int64]int{}
	for _, l := range lines {
		res := Compute(l, r)
		for _, a := range res.Taxes {
			i, ok := at[a.TaxID]
			if !ok {
				i = len(t.ByTax)
				at[a.TaxID] = i
				t.ByTax = append(t.ByTax, Amount{TaxID: a.TaxID})
			}
			t.ByTax[i].Base = t.ByTax[i].Base.Add(a.Base)
			t.ByTax[i].Amount = t.ByTax[i].Amount.Add(a.Amount)
		}
		t.Untaxed = t.Untaxed.Add(res.Excluded)
		res.Excluded, res.Included = r.Round(res.Excluded), r.Round(res.Included)
		t.Lines = append(t.Lines, res)
	}
	t.Untaxed = r.Round(t.Untaxed)
	for i := range t.ByTax {
		t.ByTax[i].Amount = r.Round(t.ByTax[i].Amount)
		t.ByTax[i].Base = r.Round(t.ByTax[i].Base)
		t.Tax = t.Tax.Add(t.ByTax[i].Amount)
	}
	t.Total = t.Untaxed.Add(t.Tax)
	return t
}
