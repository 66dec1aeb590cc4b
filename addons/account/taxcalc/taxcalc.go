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

// settle rounds a sum of what was not rounded yet. Divisions have left traces
// far behind the unit, which must not decide over a half.
func (r Rounding) settle(d decimal.Decimal) decimal.Decimal {
	return r.Round(d.Round(precision - 6))
}

// part rounds what a line adds to the sums of a document.
func (r Rounding) part(d decimal.Decimal) decimal.Decimal {
	if r.Globally {
		return d
	}
	return r.settle(d)
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

// charge is one tax of a line while the line is computed.
type charge struct {
	Tax
	overridden bool // by an override
	group      []*charge
	known      bool
	amount     decimal.Decimal
	onTax      decimal.Decimal // what other taxes add to the base it is computed on
	onBase     decimal.Decimal // what they add to the base it shows
}

// grouped puts together the neighbours whose percentages share one base.
func grouped(charges []*charge) {
	var group []*charge
	affected := false
	for _, c := range slices.Backward(charges) {
		if c.overridden {
			c.group = []*charge{c}
			continue
		}
		if len(group) > 0 {
			first := group[0]
			if c.Kind != first.Kind || c.Included != first.Included || c.AddsBase != first.AddsBase || c.AddsBase && affected {
				group = nil
			}
		}
		affected = c.Affected
		group = append(group, c)
		for _, member := range group {
			member.group = group
		}
	}
}

// percentage is the sum of a group's.
func (c *charge) percentage() decimal.Decimal {
	sum := decimal.Zero
	for _, member := range c.group {
		sum = sum.Add(member.Amount)
	}
	return sum
}

// inside is what a price contains of the tax.
func (c *charge) inside(price decimal.Decimal) decimal.Decimal {
	if c.Kind == Division {
		return price.Mul(c.Amount).DivRound(hundred, precision)
	}
	whole := hundred.Add(c.percentage())
	if whole.IsZero() {
		return decimal.Zero
	}
	return price.Mul(c.Amount).DivRound(whole, precision)
}

// ontop is what the tax adds to a price without it.
func (c *charge) ontop(price decimal.Decimal) decimal.Decimal {
	whole := hundred
	if c.Kind == Division {
		if whole = hundred.Sub(c.percentage()); whole.IsZero() {
			whole = hundred
		}
	}
	return price.Mul(c.Amount).DivRound(whole, precision)
}

// line is a line with its taxes while it is computed.
type line struct {
	charges []*charge
	r       Rounding
}

// settle fixes the amount of a tax and tells the taxes whose base it adds to.
func (l *line) settle(c *charge, amount decimal.Decimal) {
	c.known, c.amount = true, amount
	if !c.overridden {
		c.amount = l.r.part(amount)
	}
	pass := func(o *charge, amount decimal.Decimal) {
		if !o.known {
			o.onTax = o.onTax.Add(amount)
		}
		o.onBase = o.onBase.Add(amount)
	}
	at := slices.Index(l.charges, c)
	for i, o := range l.charges {
		switch {
		case slices.Contains(c.group, o):
		case c.Included && (i < at || !c.AddsBase || !o.Affected):
			pass(o, c.amount.Neg()) // the price contains it, their base does not
		case !c.Included && c.AddsBase && i > at && o.Affected:
			pass(o, c.amount)
		}
	}
}

// Compute charges the taxes of one line: first what is known without a base,
// then what the price contains, from the last tax to the first, then what comes
// on top. Each amount is rounded before others build on it.
func Compute(in Line, r Rounding) Result {
	l := &line{r: r}
	for _, t := range Flatten(in.Taxes) {
		_, given := in.Override[t.ID]
		l.charges = append(l.charges, &charge{Tax: t, overridden: given})
	}
	grouped(l.charges)
	price := r.part(in.Price.Mul(in.Quantity).Mul(hundred.Sub(in.Discount)).DivRound(hundred, precision))
	for _, c := range slices.Backward(l.charges) {
		switch {
		case c.overridden:
			l.settle(c, in.Override[c.ID])
		case c.Kind == Fixed && in.Price.IsNegative():
			l.settle(c, c.Amount.Mul(in.Quantity).Neg())
		case c.Kind == Fixed:
			l.settle(c, c.Amount.Mul(in.Quantity))
		}
	}
	for _, c := range slices.Backward(l.charges) {
		if c.Included && !c.known {
			l.settle(c, c.inside(price.Add(c.onTax)))
		}
	}
	for _, c := range l.charges {
		if !c.known {
			l.settle(c, c.ontop(price.Add(c.onTax)))
		}
	}
	res := Result{Excluded: price}
	total := decimal.Zero
	for _, c := range l.charges {
		base := price.Add(c.onBase)
		if c.Included {
			for _, member := range c.group {
				base = base.Sub(member.amount)
			}
			res.Excluded = res.Excluded.Sub(c.amount)
		}
		total = total.Add(c.amount)
		res.Taxes = append(res.Taxes, Amount{c.ID, base, c.amount})
	}
	res.Included = res.Excluded.Add(total)
	return res
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
		res.Excluded, res.Included = r.settle(res.Excluded), r.settle(res.Included)
		t.Lines = append(t.Lines, res)
	}
	t.Untaxed = r.settle(t.Untaxed)
	for i := range t.ByTax {
		t.ByTax[i].Amount = r.settle(t.ByTax[i].Amount)
		t.ByTax[i].Base = r.settle(t.ByTax[i].Base)
		t.Tax = t.Tax.Add(t.ByTax[i].Amount)
	}
	t.Total = t.Untaxed.Add(t.Tax)
	return t
}
