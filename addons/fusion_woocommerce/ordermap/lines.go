package ordermap

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

// lines maps goods, shipping and fees, without their taxes.
func (m *mapper) lines() {
	m.raw = map[int][]wcapi.LineTax{}
	o := &m.in.Order
	for i := range o.Lines {
		m.goods(&o.Lines[i])
	}
	for _, s := range o.ShippingLines {
		l := Line{LineID: int64(s.ID), Kind: Shipping, Name: named(s.MethodTitle, "Shipping")}
		m.single(l, s.Total, s.TotalTax, s.Taxes)
	}
	for _, f := range o.FeeLines {
		l := Line{LineID: int64(f.ID), Kind: Fee, Name: named(f.Name, "Fee"), Details: details(f.MetaData, f.Name)}
		m.single(l, f.Total, f.TotalTax, f.Taxes)
	}
}

// goods maps a line of goods: its quantity is the store's, for the stock, and
// its price what makes the store's total of it.
func (m *mapper) goods(it *wcapi.LineItem) {
	p := m.in.Places
	total, subtotal := halfUp(it.Total.Or(decimal.Zero), p), halfUp(it.Subtotal.Or(it.Total.Or(decimal.Zero)), p)
	l := Line{LineID: int64(it.ID), Kind: Product, ProductID: int64(it.ProductID), VariationID: int64(it.VariationID), SKU: strings.TrimSpace(it.SKU),
		Name: named(it.Name, "Product without a name"), Details: details(it.MetaData, it.Name), Quantity: it.Quantity.Round(digits), Total: total}
	if l.Quantity.IsZero() {
		m.withoutQuantity(l, it)
		return
	}
	var ok bool
	if l.Price, l.Discount, ok = discounted(subtotal, total, l.Quantity, p); ok {
		m.add(l, it.TotalTax, it.Taxes)
		return
	}
	l.Discount = decimal.Zero
	if l.Price, ok = unitPrice(total, l.Quantity, p); ok {
		m.add(l, it.TotalTax, it.Taxes)
		return
	}
	m.split(l, it)
}

// withoutQuantity maps a line of goods of which there is none: a remark, or
// money without goods.
func (m *mapper) withoutQuantity(l Line, it *wcapi.LineItem) {
	l.Details = append(l.Details, "Quantity 0 in the store")
	if !l.Total.IsZero() || !it.TotalTax.Or(decimal.Zero).IsZero() {
		l.Kind = Fee
		m.note("The line “%s” has quantity 0 and costs %s all the same; it is taken over as a fee, without goods.", l.Name, m.money(l.Total))
		m.single(l, it.Total, it.TotalTax, it.Taxes)
		return
	}
	l.Kind, l.ProductID, l.VariationID = Note, 0, 0
	m.add(l, it.TotalTax, nil)
}

// split maps a line whose total no price of six decimals gives: all pieces but
// one at a price, and the last at what is left.
func (m *mapper) split(l Line, it *wcapi.LineItem) {
	p := m.in.Places
	m.note("No unit price gives exactly %s for %s × “%s”, so one piece of it is on a line of its own.", m.money(l.Total), l.Quantity, l.Name)
	whole, rest, last := l.Total, l, l
	last.Quantity = one
	rest.Quantity = l.Quantity.Sub(one)
	rest.Price = l.Total.DivRound(l.Quantity, digits)
	rest.Total = amount(rest.Price, rest.Quantity, decimal.Zero, p)
	last.Total = whole.Sub(rest.Total)
	last.Price = last.Total
	var mine, others []wcapi.LineTax
	for _, t := range it.Taxes {
		if !t.Total.Set {
			continue
		}
		part := halfUp(t.Total.Decimal.Mul(rest.Quantity).DivRound(l.Quantity, 16), p)
		mine = append(mine, wcapi.LineTax{RateID: t.RateID, Total: wcapi.NewAmount(part)})
		others = append(others, wcapi.LineTax{RateID: t.RateID, Total: wcapi.NewAmount(t.Total.Decimal.Sub(part))})
	}
	m.add(rest, wcapi.Amount{}, mine)
	m.add(last, wcapi.Amount{}, others)
}

// single adds a line of quantity one.
func (m *mapper) single(l Line, total, tax wcapi.Amount, taxes []wcapi.LineTax) {
	l.Quantity, l.Total = one, halfUp(total.Or(decimal.Zero), m.in.Places)
	l.Price = l.Total
	m.add(l, tax, taxes)
}

// add adds a line and remembers its taxes. A tax without a rate, as some tax
// services leave it, belongs to the order's only rate; where there is not
// exactly one, nobody can tell.
func (m *mapper) add(l Line, tax wcapi.Amount, taxes []wcapi.LineTax) {
	var raw []wcapi.LineTax
	sum := decimal.Zero
	for _, t := range taxes {
		if t.Total.Set {
			raw, sum = append(raw, t), sum.Add(t.Total.Decimal)
		}
	}
	charged := tax.Or(decimal.Zero)
	nameless := len(raw) == 1 && raw[0].RateID == 0 && !sum.IsZero()
	if nameless {
		charged = sum
	}
	if nameless || sum.IsZero() && len(raw) == 0 && !charged.IsZero() {
		if lines := m.in.Order.TaxLines; len(lines) == 1 {
			raw = []wcapi.LineTax{{RateID: lines[0].RateID, Total: wcapi.NewAmount(charged)}}
			m.note("The store does not say which tax the %s on “%s” is; it is taken for the order's only one.", m.money(charged), l.Name)
		} else {
			m.mismatch("The line “%s” has a tax of %s, but the store does not say which tax that is.", l.Name, m.money(charged))
		}
	}
	m.raw[len(m.out.Lines)] = raw
	m.put(l)
}

// put adds a line under a key of its own: its id in the store, with a count
// where several lines have one.
func (m *mapper) put(l Line) {
	l.Key = fmt.Sprint(l.LineID)
	for n := 2; slices.ContainsFunc(m.out.Lines, func(o Line) bool { return o.Key == l.Key }); n++ {
		l.Key = fmt.Sprintf("%d/%d", l.LineID, n)
	}
	m.out.Lines = append(m.out.Lines, l)
}

// coupons tells which coupons were used; what they took off is in the lines.
func (m *mapper) coupons() {
	for _, c := range m.in.Order.CouponLines {
		text := fmt.Sprintf("Coupon %s: %s less", clean(c.Code), m.money(halfUp(c.Discount.Or(decimal.Zero), m.in.Places)))
		if c.FreeShipping {
			text += ", free shipping"
		}
		m.put(Line{LineID: int64(c.ID), Kind: Note, Name: text})
	}
}

func named(s, otherwise string) string {
	if s = clean(s); s == "" {
		return otherwise
	}
	return s
}

// details are what the shop shows its customer of a line's meta data, as far
// as the name does not say it already.
func details(meta []wcapi.Meta, name string) []string {
	var out []string
	for _, e := range meta {
		if strings.HasPrefix(e.Key, "_") {
			continue
		}
		k, v := e.Shown()
		if k == "" {
			k = e.Key
		}
		if v == "" {
			v = e.Text()
		}
		k, v = clean(k), clean(v)
		if v == "" || strings.Contains(strings.ToLower(clean(name)), strings.ToLower(v)) {
			continue
		}
		out = append(out, k+": "+v)
	}
	return out
}

var tag = regexp.MustCompile(`</?[a-zA-Z][^<>]*>`)

// clean makes the store's text plain: no tags, no entities, no spaces around.
func clean(s string) string {
	return strings.TrimSpace(wcapi.Unescape(tag.ReplaceAllString(s, "")))
}
