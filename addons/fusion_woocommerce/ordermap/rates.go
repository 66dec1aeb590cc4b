package ordermap

import (
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

// rateOf is a rate as the order tells it, else as the store's table does.
func (m *mapper) rateOf(id int64) (Rate, bool) {
	r, known := Rate{ID: id, Name: "Tax " + strconv.FormatInt(id, 10)}, false
	if i := slices.IndexFunc(m.in.Rates, func(t wcapi.Tax) bool { return int64(t.ID) == id }); i >= 0 {
		t := m.in.Rates[i]
		r = Rate{ID: id, Name: named(t.Name, r.Name), Percent: t.Rate.Or(decimal.Zero), Compound: bool(t.Compound), Shipping: bool(t.Shipping), Country: t.Country, State: t.State, Class: t.Class, Priority: int(t.Priority)}
		known = true
	}
	i := slices.IndexFunc(m.in.Order.TaxLines, func(t wcapi.TaxLine) bool { return int64(t.RateID) == id })
	if i < 0 {
		return r, known
	}
	t := m.in.Order.TaxLines[i]
	r.Name, r.Compound = named(t.Label, r.Name), bool(t.Compound)
	// Stores older than 3.7 do not keep the percentage with the order, nor do some
	// tax services: then what was charged tells it, unless the table does.
	charged := t.TaxTotal.Or(decimal.Zero).Add(t.ShippingTaxTotal.Or(decimal.Zero))
	percent := t.RatePercent.Decimal
	if percent.IsZero() && !charged.IsZero() && !known && !r.Compound {
		percent, _ = m.quotient(id, 4)
	}
	if !percent.IsZero() || charged.IsZero() {
		if !r.Percent.Equal(percent) {
			r.Class = "" // the table has another rate by now
		}
		r.Percent, known = percent, true
	}
	r.readCode(t.RateCode)
	if known {
		m.settle(&r)
	}
	return r, known
}

// The most by which the percentages of one rate differ: where one is a quotient
// with many digits, and where the order is so small that rounding hides it.
var (
	quotientBand = decimal.New(1, -1)
	roundingBand = decimal.New(5, -1)
)

// settle gives a rate the percentage under which it is known. Tax services keep
// no rates: they write into each order the quotient of its tax and its amount,
// both rounded, under one id for all rates or one that is new each time. Such a
// rate is the known one of the same place, name and class, if it is about as
// high; what was charged is kept with each line anyway.
func (m *mapper) settle(r *Rate) {
	same := func(t wcapi.Tax) bool {
		return strings.EqualFold(named(t.Name, ""), r.Name) && strings.EqualFold(t.Country, r.Country) && strings.EqualFold(t.State, r.State) && bool(t.Compound) == r.Compound &&
			(r.Class == "" || t.Class == "" || t.Class == r.Class)
	}
	quotient, base := m.quotient(r.ID, max(0, -r.Percent.Exponent()))
	isQuotient := !r.Compound && quotient.Equal(r.Percent)
	var best *wcapi.Tax
	for i, t := range m.in.Rates {
		off := t.Rate.Decimal.Sub(r.Percent).Abs()
		if !t.Rate.Set || !same(t) || best != nil && !off.LessThan(best.Rate.Decimal.Sub(r.Percent).Abs()) {
			continue
		}
		unnoticed := isQuotient && off.Mul(base.Abs()).LessThanOrEqual(hundred.Mul(m.half(r.ID)))
		digits := !r.Compound && (!r.Percent.Equal(r.Percent.Round(3)) || !t.Rate.Decimal.Equal(t.Rate.Decimal.Round(3)))
		if off.IsZero() || digits && off.LessThanOrEqual(quotientBand) || unnoticed && off.LessThanOrEqual(roundingBand) {
			best = &m.in.Rates[i]
		}
	}
	if best != nil {
		r.Percent, r.Class = best.Rate.Decimal, best.Class
	}
}

// quotient is the percentage that a rate was of what it was charged on, and
// what that is.
func (m *mapper) quotient(id int64, places int32) (percent, base decimal.Decimal) {
	charged := decimal.Zero
	for i, taxes := range m.raw {
		for _, t := range taxes {
			if int64(t.RateID) == id {
				base, charged = base.Add(m.out.Lines[i].Total), charged.Add(t.Total.Decimal)
			}
		}
	}
	if base.IsZero() {
		return decimal.Zero, base
	}
	return charged.Mul(hundred).DivRound(base, places), base
}

// half is by how much rounding may have changed what a rate comes to.
func (m *mapper) half(id int64) decimal.Decimal {
	lines := int64(0)
	for _, taxes := range m.raw {
		if slices.ContainsFunc(taxes, func(t wcapi.LineTax) bool { return int64(t.RateID) == id }) {
			lines++
		}
	}
	return decimal.New(5*lines, -m.in.Places-1)
}

// readCode takes country, state and priority from a code like CA-QC-TVQ-2.
func (r *Rate) readCode(code string) {
	parts := strings.Split(code, "-")
	if len(parts) < 3 || len(parts[0]) != 2 {
		return
	}
	if n, err := strconv.Atoi(parts[len(parts)-1]); err == nil {
		r.Priority = n
	}
	r.Country = strings.ToUpper(parts[0])
	r.State = ""
	if len(parts) > 3 && len(parts[1]) <= 3 {
		r.State = strings.ToUpper(parts[1])
	}
}
