package ordermap

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

// once takes out what an order lists more than once, by ids, which the store
// gives to one thing each. What it says the second time is not heeded, unless
// the totals show that it was charged, too.
func (m *mapper) once() {
	o := &m.in.Order
	o.Refunds, _ = distinct(o.Refunds, func(r wcapi.RefundRef) wcapi.ID { return r.ID }, nil)
	o.CouponLines, _ = distinct(o.CouponLines, func(c wcapi.CouponLine) wcapi.ID { return c.ID }, nil)
	o.TaxLines, _ = distinct(o.TaxLines, func(t wcapi.TaxLine) wcapi.ID { return t.ID }, func(a, b wcapi.TaxLine) bool { return a.RateID == b.RateID && a.TaxTotal.Equal(b.TaxTotal) })
	goods, twice := distinct(o.Lines, func(l wcapi.LineItem) wcapi.ID { return l.ID }, func(a, b wcapi.LineItem) bool {
		return a.ProductID == b.ProductID && a.VariationID == b.VariationID && a.Quantity.Equal(b.Quantity.Decimal) && a.Total.Equal(b.Total)
	})
	fees, twiceFees := distinct(o.FeeLines, func(f wcapi.FeeLine) wcapi.ID { return f.ID }, func(a, b wcapi.FeeLine) bool { return a.Total.Equal(b.Total) })
	shipping, twiceShipping := distinct(o.ShippingLines, func(s wcapi.ShippingLine) wcapi.ID { return s.ID }, func(a, b wcapi.ShippingLine) bool { return a.Total.Equal(b.Total) })
	if len(twice)+len(twiceFees)+len(twiceShipping) == 0 {
		return
	}
	untaxed := o.Total.Or(decimal.Zero).Sub(o.TotalTax.Or(decimal.Zero))
	all := *o
	o.Lines, o.FeeLines, o.ShippingLines = goods, fees, shipping
	if m.tolerated(untaxed.Sub(untaxedOf(&all))) && !m.tolerated(untaxed.Sub(untaxedOf(o))) {
		o.Lines, o.FeeLines, o.ShippingLines = all.Lines, all.FeeLines, all.ShippingLines
		return
	}
	var names []string
	for _, l := range twice {
		names = append(names, "“"+named(l.Name, "Product without a name")+"”")
	}
	for _, f := range twiceFees {
		names = append(names, "“"+named(f.Name, "Fee")+"”")
	}
	for _, s := range twiceShipping {
		names = append(names, "“"+named(s.MethodTitle, "Shipping")+"”")
	}
	m.note("The store lists the same line more than once, %s. It counts once.", strings.Join(names, ", "))
}

// kits leaves the price of a kit where it is charged once. Extensions tell which
// lines are the parts of a kit, and some list the price on the kit and again on
// its parts; the order's total shows which.
func (m *mapper) kits() {
	o := &m.in.Order
	parts := decimal.Zero
	for _, l := range o.Lines {
		if isPart(o.Lines, l) {
			parts = parts.Add(l.Total.Or(decimal.Zero))
		}
	}
	off := untaxedOf(o).Sub(o.Total.Or(decimal.Zero).Sub(o.TotalTax.Or(decimal.Zero)))
	if parts.IsZero() || m.tolerated(off) || !m.tolerated(off.Sub(parts)) {
		return
	}
	lines := slices.Clone(o.Lines)
	for i, l := range lines {
		if isPart(o.Lines, l) && !l.Total.Or(decimal.Zero).IsZero() {
			m.note("“%s” is a part of a kit whose price holds its own, %s; it counts once.", named(l.Name, "Product without a name"), m.money(l.Total.Decimal))
			free := wcapi.NewAmount(decimal.Zero)
			lines[i].Total, lines[i].Subtotal, lines[i].TotalTax, lines[i].SubtotalTax, lines[i].Taxes = free, free, free, free, nil
		}
	}
	o.Lines = lines
}

// isPart reports whether a line is a part of a kit that costs something itself.
func isPart(lines []wcapi.LineItem, l wcapi.LineItem) bool {
	kit := l.CompositeParent
	if kit == 0 {
		kit = l.BundledBy
	}
	return kit != 0 && kit != l.ID && slices.ContainsFunc(lines, func(k wcapi.LineItem) bool { return k.ID == kit && !k.Total.Or(decimal.Zero).IsZero() })
}

// distinct splits a list into the things it names and those that it names
// again. Things without an id, and those of one id that are not the same, are
// distinct; nil for same goes by the id alone.
func distinct[T any](list []T, id func(T) wcapi.ID, same func(a, b T) bool) (kept, again []T) {
	for _, x := range list {
		known := false
		for _, k := range kept {
			known = known || id(x) != 0 && id(k) == id(x) && (same == nil || same(k, x))
		}
		if known {
			again = append(again, x)
		} else {
			kept = append(kept, x)
		}
	}
	return kept, again
}

// untaxedOf is what the lines of an order add up to.
func untaxedOf(o *wcapi.Order) decimal.Decimal {
	out := decimal.Zero
	for _, l := range o.Lines {
		out = out.Add(l.Total.Or(decimal.Zero))
	}
	for _, f := range o.FeeLines {
		out = out.Add(f.Total.Or(decimal.Zero))
	}
	for _, s := range o.ShippingLines {
		out = out.Add(s.Total.Or(decimal.Zero))
	}
	return out
}
