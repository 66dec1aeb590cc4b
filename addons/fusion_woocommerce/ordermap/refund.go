package ordermap

import (
	"cmp"
	"slices"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

// restockedKey is the meta key under which a store keeps, on a line of an order,
// how many pieces of it refunds have put back on the shelf.
const restockedKey = "_restock_refunded_items"

// RefundInput is what the refunds of an order are mapped from.
type RefundInput struct {
	Order   wcapi.Order    // as the store tells it
	Mapped  Order          // what Map made of it
	Refunds []wcapi.Refund // in detail
	// Back is how many pieces of each line, by its id, have come back with the refunds
	// that are Known; nothing more comes back with those.
	Back      map[int64]decimal.Decimal
	Known     map[int64]bool
	Tolerance int // as of Input
}

// Credit is a refund in the terms of a credit note: amounts are positive. When
// State is not Mismatch, its lines and their taxes add up to Amount exactly.
type Credit struct {
	ID      int64
	Amount  decimal.Decimal
	Untaxed decimal.Decimal
	Tax     decimal.Decimal
	Reason  string
	Created time.Time
	Paid    bool              // the money went back through the payment gateway
	Meta    map[string]string // the texts among the refund's meta data
	Lines   []CreditLine
	State   State
	Notes   []string
}

// CreditLine is what a refund gives back of a line of the order, or, with LineID 0,
// of none. Price × Quantity is Total.
type CreditLine struct {
	Line
	Pieces decimal.Decimal // as the store says; 0 when only money is given back
	Back   decimal.Decimal // how many of them the store has put back on the shelf
}

// MapRefunds maps the refunds of an order, the oldest first. What has no id is no refund
// and is left out.
func MapRefunds(in RefundInput) []Credit {
	list := slices.Clone(in.Refunds)
	slices.SortFunc(list, func(a, b wcapi.Refund) int { return cmp.Compare(a.ID, b.ID) })
	list = slices.CompactFunc(list, func(a, b wcapi.Refund) bool { return a.ID == b.ID })
	m := &refundMapper{in: in, m: mapper{in: Input{Order: in.Order, Places: in.Mapped.Places, Tolerance: in.Tolerance}}, left: slices.Clone(in.Mapped.Lines), back: in.restocked()}
	m.m.out.Currency = in.Mapped.Currency
	var out []Credit
	for _, r := range list {
		if r.ID != 0 {
			out = append(out, m.refund(&r))
		}
	}
	return out
}

// restocked is how many pieces of each line came back that no known refund accounts for.
func (in *RefundInput) restocked() map[int64]decimal.Decimal {
	out := map[int64]decimal.Decimal{}
	for _, l := range in.Order.Lines {
		for _, e := range l.MetaData {
			if n, err := decimal.NewFromString(e.Text()); e.Key == restockedKey && err == nil {
				out[int64(l.ID)] = decimal.Max(decimal.Zero, n.Sub(in.Back[int64(l.ID)]))
			}
		}
	}
	return out
}

type refundMapper struct {
	in   RefundInput
	m    mapper
	left []Line // what earlier refunds left of the order, line by line
	back map[int64]decimal.Decimal
}

func (m *refundMapper) refund(r *wcapi.Refund) Credit {
	p := m.m.in.Places
	c := Credit{ID: int64(r.ID), Amount: halfUp(r.Amount.Or(decimal.Zero), p).Abs(), Reason: clean(r.Reason), Created: r.DateCreated.Time, Paid: bool(r.RefundedPayment), Meta: texts(r.MetaData), State: Equal}
	for i := range r.Lines {
		it := &r.Lines[i]
		m.add(&c, Product, it.MetaData, int64(it.ID), it.Name, it.Quantity.Decimal, it.Total, it.TotalTax, it.Taxes)
	}
	for _, s := range r.ShippingLines {
		m.add(&c, Shipping, s.MetaData, int64(s.ID), s.MethodTitle, decimal.Zero, s.Total, s.TotalTax, s.Taxes)
	}
	for _, f := range r.FeeLines {
		m.add(&c, Fee, f.MetaData, int64(f.ID), f.Name, decimal.Zero, f.Total, f.TotalTax, f.Taxes)
	}
	if !slices.ContainsFunc(c.Lines, func(l CreditLine) bool { return !l.Total.IsZero() || len(l.Taxes) > 0 }) && !c.Amount.IsZero() {
		m.amountOnly(&c)
	}
	m.balance(&c)
	m.take(&c)
	return c
}

// add adds a line of a refund, whose amounts the store gives below 0.
func (m *refundMapper) add(c *Credit, kind Kind, meta []wcapi.Meta, id int64, name string, quantity decimal.Decimal, total, tax wcapi.Amount, taxes []wcapi.LineTax) {
	p := m.m.in.Places
	l := CreditLine{Line: Line{LineID: int64(wcapi.Origin(meta)), Kind: kind, Name: clean(name), Total: halfUp(total.Or(decimal.Zero), p).Neg()}, Pieces: quantity.Neg().Round(digits)}
	if i := slices.IndexFunc(m.in.Mapped.Lines, func(o Line) bool { return o.LineID == l.LineID && l.LineID != 0 }); i >= 0 {
		o := m.in.Mapped.Lines[i]
		l.Key, l.Kind, l.ProductID, l.VariationID, l.SKU = o.Key, o.Kind, o.ProductID, o.VariationID, o.SKU
		l.Name = named(l.Name, o.Name)
	}
	sum := decimal.Zero
	for _, t := range taxes {
		amount := halfUp(t.Total.Or(decimal.Zero), p).Neg()
		if amount.IsZero() {
			continue
		}
		sum = sum.Add(amount)
		l.Taxes = append(l.Taxes, Tax{int64(t.RateID), amount})
	}
	charged := halfUp(tax.Or(decimal.Zero), p).Neg()
	if len(l.Taxes) == 0 && !charged.IsZero() && len(m.in.Mapped.Rates) == 1 {
		l.Taxes = []Tax{{m.in.Mapped.Rates[0].ID, charged}} // the order has no other
	}
	if l.Total.IsZero() && len(l.Taxes) == 0 && l.Pieces.IsZero() {
		return
	}
	if kind == Product && !m.in.Known[c.ID] && l.Pieces.IsPositive() {
		l.Back = decimal.Min(l.Pieces, m.back[l.LineID])
		m.back[l.LineID] = m.back[l.LineID].Sub(l.Back)
	}
	l.Name = named(l.Name, "Refund")
	m.price(&l)
	c.Lines = append(c.Lines, l)
}

// price gives a line the quantity and price whose product is its total: the pieces
// given back, or one of all.
func (m *refundMapper) price(l *CreditLine) {
	l.Quantity, l.Price, l.Discount = one, l.Total, decimal.Zero
	if !l.Pieces.IsPositive() {
		return
	}
	if price, ok := unitPrice(l.Total, l.Pieces, m.m.in.Places); ok {
		l.Quantity, l.Price = l.Pieces, price
		return
	}
	l.Details = append(l.Details, l.Pieces.String()+" pieces")
}

// amountOnly maps a refund that names no lines. One of all that is left gives back the
// lines that are left, with their taxes; any other is money without goods or taxes, as it
// is in the store.
func (m *refundMapper) amountOnly(c *Credit) {
	rest := decimal.Zero
	for _, l := range m.left {
		rest = rest.Add(l.Total)
		for _, t := range l.Taxes {
			rest = rest.Add(t.Amount)
		}
	}
	if !rest.Equal(c.Amount) {
		c.Lines = append(c.Lines, CreditLine{Line: Line{Kind: Fee, Name: named(c.Reason, "Refund"), Quantity: one, Price: c.Amount, Total: c.Amount}})
		return
	}
	for _, o := range m.left {
		taxes := slices.DeleteFunc(slices.Clone(o.Taxes), func(t Tax) bool { return t.Amount.IsZero() })
		if o.Kind == Note || o.Total.IsZero() && len(taxes) == 0 {
			continue
		}
		l := CreditLine{Line: o}
		l.Taxes, l.Details = taxes, nil
		if o.Kind == Product {
			l.Pieces = o.Quantity
		}
		m.price(&l)
		c.Lines = append(c.Lines, l)
	}
}

// balance makes the lines equal the amount given back, where no more than rounding
// is between them.
func (m *refundMapper) balance(c *Credit) {
	var largest *Tax
	for i := range c.Lines {
		c.Untaxed = c.Untaxed.Add(c.Lines[i].Total)
		for k := range c.Lines[i].Taxes {
			t := &c.Lines[i].Taxes[k]
			c.Tax = c.Tax.Add(t.Amount)
			if largest == nil || t.Amount.Abs().GreaterThan(largest.Amount.Abs()) {
				largest = t
			}
			if !t.Amount.IsZero() && !slices.ContainsFunc(m.in.Mapped.Rates, func(r Rate) bool { return r.ID == t.RateID }) {
				c.mismatch("The refund gives back " + m.m.money(t.Amount) + " of a tax that the order does not have.")
			}
		}
	}
	lines := c.Untaxed.Add(c.Tax)
	off := c.Amount.Sub(lines)
	switch {
	case off.IsZero():
	case !m.m.tolerated(off):
		c.mismatch("The store gave back " + m.m.money(c.Amount) + ", but the lines of the refund come to " + m.m.money(lines) + ".")
	case largest != nil:
		largest.Amount, c.Tax = largest.Amount.Add(off), c.Tax.Add(off)
		c.rounded("The lines of the refund come to " + m.m.money(lines) + ", but the store gave back " + m.m.money(c.Amount) + "; the largest tax is adjusted.")
	default:
		c.Untaxed = c.Untaxed.Add(off)
		c.Lines = append(c.Lines, CreditLine{Line: Line{Kind: Rounding, Name: "Rounding difference of the store", Quantity: one, Price: off, Total: off}})
		c.rounded("The lines of the refund come to " + m.m.money(lines) + ", but the store gave back " + m.m.money(c.Amount) + "; the difference is a line of its own.")
	}
}

func (c *Credit) mismatch(note string) { c.State, c.Notes = Mismatch, append(c.Notes, note) }

func (c *Credit) rounded(note string) {
	if c.State == Equal {
		c.State = Rounded
	}
	c.Notes = append(c.Notes, note)
}

// take takes a refund off what is left of the order.
func (m *refundMapper) take(c *Credit) {
	for _, l := range c.Lines {
		i := slices.IndexFunc(m.left, func(o Line) bool { return l.Key != "" && o.Key == l.Key })
		if i < 0 {
			continue
		}
		o := &m.left[i]
		o.Total, o.Quantity = o.Total.Sub(l.Total), decimal.Max(decimal.Zero, o.Quantity.Sub(l.Pieces))
		o.Taxes = slices.Clone(o.Taxes)
		for _, t := range l.Taxes {
			if k := slices.IndexFunc(o.Taxes, func(x Tax) bool { return x.RateID == t.RateID }); k >= 0 {
				o.Taxes[k].Amount = o.Taxes[k].Amount.Sub(t.Amount)
			}
		}
	}
}
