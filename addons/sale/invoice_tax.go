package sale

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// finest is how many decimals parts of tax amounts keep when taxes are rounded
// for the whole document.
const finest = 6

// taxPart is what one invoice takes of the tax amounts given for an order line.
type taxPart struct {
	line   *OrderLine
	whole  map[int64]decimal.Decimal // given on the line
	done   map[int64]decimal.Decimal // on other invoices
	part   map[int64]decimal.Decimal // on this one
	billed bool
	left   bool // something of the line stays to be invoiced
}

// overridesFor are the tax_override of the lines on an invoice, by order line.
// A part of a quantity takes its part of the amounts, and the last invoice of
// the order what is left, so that the invoices add up to the order's taxes.
func overridesFor(env *orm.Env, o *Order, lines []*OrderLine) (map[int64]orm.JSON, error) {
	billed := map[int64]bool{}
	for _, l := range lines {
		billed[l.ID] = true
	}
	var parts []*taxPart
	whole, any := true, false
	for _, l := range o.Lines.All() {
		given, err := account.ParseTaxOverride(l.TaxOverride)
		if err != nil {
			return nil, err
		}
		if len(given) == 0 || l.DisplayType != "" {
			continue
		}
		p := &taxPart{line: l, whole: given, billed: billed[l.ID], done: map[int64]decimal.Decimal{}, part: map[int64]decimal.Decimal{}}
		parts = append(parts, p)
		any = any || p.billed
		if !l.IsDownpayment {
			whole = whole && p.billed && l.QtyInvoiced.IsZero() && l.QtyToInvoice.Equal(l.Quantity)
		}
	}
	out := map[int64]orm.JSON{}
	switch {
	case !any:
		return out, nil
	case whole:
		for _, p := range parts {
			if p.billed && !p.line.IsDownpayment {
				out[p.line.ID] = p.line.TaxOverride
			} else if p.billed {
				out[p.line.ID] = account.NewTaxOverride(scaled(p.whole, p.line.QtyToInvoice))
			}
		}
		return out, nil
	}
	if err := billedBefore(env, o, parts); err != nil {
		return nil, err
	}
	for _, p := range parts {
		if err := p.take(env, o); err != nil {
			return nil, err
		}
	}
	if err := roundTaxParts(env, o, parts); err != nil {
		return nil, err
	}
	for _, p := range parts {
		if p.billed {
			out[p.line.ID] = account.NewTaxOverride(p.part)
		}
	}
	return out, nil
}

func scaled(amounts map[int64]decimal.Decimal, by decimal.Decimal) map[int64]decimal.Decimal {
	out := make(map[int64]decimal.Decimal, len(amounts))
	for id, a := range amounts {
		out[id] = a.Mul(by)
	}
	return out
}

// billedBefore reads what other invoices have of the amounts. A line whose
// amounts were changed there counts with the taxes it has now.
func billedBefore(env *orm.Env, o *Order, parts []*taxPart) error {
	ls := make([]*OrderLine, len(parts))
	for i, p := range parts {
		ls[i] = p.line
	}
	if err := orm.Load(env, ls, "invoice_lines.move_id", "invoice_lines.tax_ids"); err != nil {
		return err
	}
	for _, p := range parts {
		for _, i := range p.line.InvoiceLines.All() {
			sign := invoiceSign(i)
			if sign.IsZero() || i.ParentState == account.MoveCancelled {
				continue
			}
			amounts, err := account.ParseTaxOverride(i.TaxOverride)
			if err != nil {
				return err
			}
			if amounts == nil {
				doc := &account.Document{Company: o.CompanyID.ID, Currency: i.CurrencyID.ID, Rounding: o.TaxRounding,
					Lines: []account.DocumentLine{{Price: i.PriceUnit, Quantity: i.Quantity, Discount: i.Discount, Taxes: i.TaxIDs.IDs()}}}
				if err := doc.Compute(env); err != nil {
					return err
				}
				amounts = map[int64]decimal.Decimal{}
				for _, t := range doc.Results[0].Taxes {
					amounts[t.Tax] = t.Amount
				}
			}
			for id := range p.whole {
				p.done[id] = p.done[id].Add(amounts[id].Mul(sign))
			}
		}
	}
	return nil
}

// take gives this invoice its part of a line.
func (p *taxPart) take(env *orm.Env, o *Order) error {
	l := p.line
	if l.IsDownpayment {
		if p.billed {
			p.part = scaled(p.whole, l.QtyToInvoice)
		}
		return nil
	}
	after := l.QtyInvoiced
	if p.billed {
		after = after.Add(l.QtyToInvoice)
	}
	p.left = !after.Equal(l.Quantity)
	if !p.billed {
		return nil
	}
	for id, whole := range p.whole {
		switch {
		case !p.left:
			p.part[id] = whole.Sub(p.done[id])
		case l.Quantity.IsZero():
			p.part[id] = decimal.Zero
		default:
			part := whole.Mul(l.QtyToInvoice).DivRound(l.Quantity, finest)
			if o.TaxRounding != RoundGlobally {
				var err error
				if part, err = base.Round(env, part, o.CurrencyID.ID); err != nil {
					return err
				}
			}
			p.part[id] = part
		}
	}
	return nil
}

// roundTaxParts brings what the invoice takes of each tax to whole units of the
// currency: the sum of its parts, or with the last invoice what is left of the
// order's tax. The largest part takes the difference.
func roundTaxParts(env *orm.Env, o *Order, parts []*taxPart) error {
	type sum struct {
		whole, done, part decimal.Decimal
		left              bool
		largest           *taxPart
	}
	sums := map[int64]*sum{}
	for _, p := range parts {
		if p.line.IsDownpayment {
			continue
		}
		for id, whole := range p.whole {
			s := sums[id]
			if s == nil {
				s = &sum{}
				sums[id] = s
			}
			s.whole, s.done, s.part = s.whole.Add(whole), s.done.Add(p.done[id]), s.part.Add(p.part[id])
			s.left = s.left || p.left
			if p.billed && (s.largest == nil || p.part[id].Abs().GreaterThan(s.largest.part[id].Abs())) {
				s.largest = p
			}
		}
	}
	for id, s := range sums {
		if s.largest == nil {
			continue
		}
		target := s.part
		if !s.left {
			target = s.whole
		}
		target, err := base.Round(env, target, o.CurrencyID.ID)
		if err != nil {
			return err
		}
		if !s.left {
			target = target.Sub(s.done)
		}
		s.largest.part[id] = s.largest.part[id].Add(target.Sub(s.part))
	}
	return nil
}
