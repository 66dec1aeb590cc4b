package ordermap

import (
	"slices"

	"fusionsoft.ca/fusion/addons/account/taxcalc"

	"github.com/shopspring/decimal"
)

// spot is one rate on one line.
type spot struct {
	line   int
	rate   int64
	raw    decimal.Decimal
	amount decimal.Decimal
}

// taxes puts the taxes on the lines. The store rounds each tax of each line –
// half up, or half down when its prices include tax – or it rounds the sum of
// each rate. Whichever it did, the sums it shows decide; what the lines need to
// reach them is moved by the smallest amount at a time.
func (m *mapper) taxes() {
	round := halfUp
	if m.in.Order.PricesIncludeTax {
		round = halfDown
	}
	var spots []*spot
	var order []int64
	byLine, raws := map[int64]decimal.Decimal{}, map[int64]decimal.Decimal{}
	for i := range m.out.Lines {
		for _, t := range m.raw[i] {
			id := int64(t.RateID)
			s := &spot{i, id, t.Total.Decimal, round(t.Total.Decimal, m.in.Places)}
			spots = append(spots, s)
			if !slices.Contains(order, id) {
				order = append(order, id)
			}
			byLine[id], raws[id] = byLine[id].Add(s.amount), raws[id].Add(s.raw)
		}
	}
	order = m.rates(order, byLine)
	spots = slices.DeleteFunc(spots, func(s *spot) bool { return !slices.Contains(order, s.rate) })
	target := m.target(order, byLine, raws, round)
	for _, id := range order {
		spread(spots, id, target[id].Sub(byLine[id]), decimal.New(1, -m.in.Places))
	}
	for _, s := range spots {
		l := &m.out.Lines[s.line]
		if i := slices.IndexFunc(l.Taxes, func(t Tax) bool { return t.RateID == s.rate }); i >= 0 {
			l.Taxes[i].Amount = l.Taxes[i].Amount.Add(s.amount)
			continue
		}
		l.Taxes = append(l.Taxes, Tax{s.rate, s.amount})
	}
}

// rates describes the rates used on the lines, and returns their ids. One that
// nobody knows any more is left out when nothing was charged.
func (m *mapper) rates(order []int64, charged map[int64]decimal.Decimal) []int64 {
	var known []int64
	for _, id := range order {
		r, ok := m.rateOf(id)
		switch {
		case !ok && charged[id].IsZero():
			delete(charged, id)
			continue
		case !ok:
			m.mismatch("The order has %s of a tax that neither its own summary nor the store's tax table knows (rate %d).", m.money(charged[id]), id)
		}
		known = append(known, id)
		m.out.Rates = append(m.out.Rates, r)
	}
	return known
}

// target is the sum each rate must have.
func (m *mapper) target(order []int64, byLine, raws map[int64]decimal.Decimal, round func(decimal.Decimal, int32) decimal.Decimal) map[int64]decimal.Decimal {
	want := m.out.Totals.Tax
	told, toldSum := map[int64]decimal.Decimal{}, decimal.Zero
	for _, t := range m.in.Order.TaxLines {
		sum := halfUp(t.TaxTotal.Or(decimal.Zero).Add(t.ShippingTaxTotal.Or(decimal.Zero)), m.in.Places)
		told[int64(t.RateID)] = told[int64(t.RateID)].Add(sum)
		toldSum = toldSum.Add(sum)
	}
	whole := map[int64]decimal.Decimal{}
	for id, d := range raws {
		whole[id] = round(d, m.in.Places)
	}
	lines := sum(byLine)
	switch {
	case lines.Equal(want) && (len(told) == 0 || same(byLine, told)):
		return byLine
	case lines.Equal(want) && !toldSum.Equal(want):
		m.rounded("The store's tax summary adds up to %s, but the order and its lines are charged %s of tax; what was charged counts.", m.money(toldSum), m.money(want))
		return byLine
	case len(told) > 0 && toldSum.Equal(want):
		return m.asTold(order, byLine, told)
	}
	if sum(whole).Equal(want) && m.near(byLine, whole) {
		m.rounded("The taxes of the lines add up to %s, but the store charged %s: it rounded each tax once for the whole order. The lines are adjusted.", m.money(lines), m.money(want))
		return whole
	}
	diff := want.Sub(lines)
	if !m.tolerated(diff) || len(order) == 0 {
		m.mismatch("The store charged %s of tax in all, but the taxes of its lines add up to %s. Correct the order in the store, then import it again.", m.money(want), m.money(lines))
		return byLine
	}
	m.rounded("The taxes of the lines add up to %s, but the store charged %s; the largest tax is adjusted.", m.money(lines), m.money(want))
	largest := slices.MaxFunc(order, func(a, b int64) int { return byLine[a].Abs().Cmp(byLine[b].Abs()) })
	out := map[int64]decimal.Decimal{}
	for id, d := range byLine {
		out[id] = d
	}
	out[largest] = out[largest].Add(diff)
	return out
}

// asTold takes the sums of the tax summary, where the lines are near them.
func (m *mapper) asTold(order []int64, byLine, told map[int64]decimal.Decimal) map[int64]decimal.Decimal {
	out := map[int64]decimal.Decimal{}
	for id, d := range told {
		if !slices.Contains(order, id) && !d.IsZero() {
			m.mismatch("The store's tax summary has %s of %s, but no line of the order is charged that tax.", m.money(d), m.rateName(id))
			return byLine
		}
		out[id] = d
	}
	for _, id := range order {
		if diff := out[id].Sub(byLine[id]); !m.tolerated(diff) && !m.roundedOnce(id, out[id]) {
			m.mismatch("The store's tax summary has %s of %s, but its lines add up to %s.", m.money(out[id]), m.rateName(id), m.money(byLine[id]))
			return byLine
		}
	}
	m.rounded("Rounded one by one, the taxes of the lines add up to %s; they are adjusted to the %s the store charged.", m.money(sum(byLine)), m.money(m.out.Totals.Tax))
	return out
}

// roundedOnce reports whether d is what a rate's taxes add up to before they
// are rounded: then the difference is one of rounding, however many lines
// there are.
func (m *mapper) roundedOnce(id int64, d decimal.Decimal) bool {
	raw := decimal.Zero
	for _, taxes := range m.raw {
		for _, t := range taxes {
			if int64(t.RateID) == id {
				raw = raw.Add(t.Total.Decimal)
			}
		}
	}
	return d.Sub(raw).Abs().LessThanOrEqual(decimal.New(1, -m.in.Places))
}

// near reports whether the sums of all rates differ by the tolerance, or by no
// more than rounding once for the order explains.
func (m *mapper) near(a, b map[int64]decimal.Decimal) bool {
	for id := range a {
		if !m.tolerated(a[id].Sub(b[id])) && !m.roundedOnce(id, b[id]) {
			return false
		}
	}
	return true
}

func (m *mapper) rateName(id int64) string {
	r, _ := m.rateOf(id)
	return r.Name
}

func sum(amounts map[int64]decimal.Decimal) decimal.Decimal {
	out := decimal.Zero
	for _, d := range amounts {
		out = out.Add(d)
	}
	return out
}

func same(a, b map[int64]decimal.Decimal) bool {
	for id := range a {
		if !a[id].Equal(b[id]) {
			return false
		}
	}
	for id := range b {
		if !a[id].Equal(b[id]) {
			return false
		}
	}
	return true
}

// spread moves the amounts of one rate by diff in steps of the smallest
// amount, each time where rounding was furthest off, larger amounts first.
func spread(spots []*spot, rate int64, diff, unit decimal.Decimal) {
	var mine []*spot
	for _, s := range spots {
		if s.rate == rate {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return
	}
	step := unit
	if diff.IsNegative() {
		step = unit.Neg()
	}
	for !diff.IsZero() {
		best := slices.MaxFunc(mine, func(a, b *spot) int {
			off := func(s *spot) decimal.Decimal { return s.raw.Sub(s.amount).Mul(decimal.New(int64(step.Sign()), 0)) }
			if c := off(a).Cmp(off(b)); c != 0 {
				return c
			}
			return a.raw.Abs().Cmp(b.raw.Abs())
		})
		best.amount, diff = best.amount.Add(step), diff.Sub(step)
	}
}

// balance adds the line that the store's untaxed amount lacks to equal the sum
// of its lines.
func (m *mapper) balance() {
	lines := decimal.Zero
	for _, l := range m.out.Lines {
		lines = lines.Add(l.Total)
	}
	diff := m.out.Totals.Untaxed.Sub(lines)
	if diff.IsZero() {
		return
	}
	if !m.tolerated(diff) {
		m.mismatch("The store's total is %s, of which %s is tax. That leaves %s, but its lines add up to %s: a difference of %s. "+
			"An extension such as one for gift cards may have changed the total without a line of its own. Correct the order in the store, then import it again.",
			m.money(m.out.Totals.Total), m.money(m.out.Totals.Tax), m.money(m.out.Totals.Untaxed), m.money(lines), m.money(diff.Abs()))
		return
	}
	m.rounded("Without tax the store's lines add up to %s, but its total says %s; the difference of %s is a line of its own.", m.money(lines), m.money(m.out.Totals.Untaxed), m.money(diff))
	m.out.Lines = append(m.out.Lines, Line{Key: "rounding", Kind: Rounding, Name: "Rounding difference of the store", Quantity: one, Price: diff, Total: diff})
}

// verify computes the lines as the ERP will and compares with the store.
func (m *mapper) verify() {
	if m.out.State == Mismatch {
		return
	}
	var lines []taxcalc.Line
	for _, l := range m.out.Lines {
		c := taxcalc.Line{Price: l.Price, Quantity: l.Quantity, Discount: l.Discount, Override: map[int64]decimal.Decimal{}}
		for _, t := range l.Taxes {
			c.Taxes = append(c.Taxes, taxcalc.Tax{ID: t.RateID, Kind: taxcalc.Percent})
			c.Override[t.RateID] = t.Amount
		}
		lines = append(lines, c)
	}
	got, want := taxcalc.Document(lines, taxcalc.Rounding{Unit: decimal.New(1, -m.in.Places)}), m.out.Totals
	if !got.Untaxed.Equal(want.Untaxed) || !got.Tax.Equal(want.Tax) || !got.Total.Equal(want.Total) {
		m.mismatch("The order comes to %s without tax and %s of tax here, but to %s and %s in the store.", m.money(got.Untaxed), m.money(got.Tax), m.money(want.Untaxed), m.money(want.Tax))
	}
}
