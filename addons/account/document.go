package account

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account/taxcalc"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Document is what the taxes of an order or invoice are computed on. Amounts
// are in Currency.
type Document struct {
	Company  int64
	Currency int64
	Date     orm.Date // of the exchange rate of the totals; today when zero
	// Rate is how many units of Currency one unit of the company's currency
	// buys; zero means that of Date.
	Rate     decimal.Decimal
	Rounding string // round_per_line or round_globally; the company's method when empty
	Refund   bool
	Lines    []DocumentLine

	// Filled by Compute, Results in the order of Lines.
	Results      []DocumentResult
	Untaxed, Tax decimal.Decimal

	taxes map[int64]*Tax
	byTax []taxcalc.Amount
}

// DocumentLine is one priced line. Override is the line's tax_override.
type DocumentLine struct {
	Price, Quantity, Discount decimal.Decimal
	Taxes                     []int64
	Override                  orm.JSON
}

// DocumentResult is a line with its taxes. Subtotal and Total are what the line
// shows; Booked are the subtotals whose sum is the document's untaxed amount.
type DocumentResult struct {
	Subtotal, Total, Booked decimal.Decimal
	Taxes                   []TaxAmount
}

// TaxAmount is one tax of a line.
type TaxAmount struct {
	Tax          int64
	Base, Amount decimal.Decimal
}

// ComputeDocuments computes several documents, reading their taxes once.
func ComputeDocuments(env *orm.Env, docs ...*Document) error {
	var ids []int64
	for _, d := range docs {
		for _, l := range d.Lines {
			ids = append(ids, l.Taxes...)
		}
	}
	taxes, err := readTaxes(env, ids)
	if err != nil {
		return err
	}
	for _, d := range docs {
		d.taxes = taxes
		if err := d.compute(env); err != nil {
			return err
		}
	}
	return nil
}

// Compute computes the document.
func (d *Document) Compute(env *orm.Env) error { return ComputeDocuments(env, d) }

func (t *Tax) calc() taxcalc.Tax {
	c := taxcalc.Tax{ID: t.ID, Kind: t.AmountType, Amount: t.Amount, Included: t.PriceInclude.Get(), AddsBase: t.IncludeBaseAmount, Affected: t.IsBaseAffected, Sequence: t.Sequence}
	if t.AmountType == taxcalc.Group {
		for _, child := range t.ChildrenTaxIDs.All() {
			c.Children = append(c.Children, child.calc())
		}
	}
	return c
}

type currencyStepKey int64

// currencyStep is the smallest amount of a currency.
func currencyStep(env *orm.Env, currency int64) (decimal.Decimal, error) {
	if currency == 0 {
		return decimal.New(1, -2), nil
	}
	return orm.Memo(env, currencyStepKey(currency), func() (decimal.Decimal, error) {
		c, err := orm.Get[base.Currency](env.Sudo(), currency)
		if err != nil {
			return decimal.Zero, err
		}
		return c.Rounding, nil
	})
}

// ParseTaxOverride reads a tax_override: {tax id: amount}.
func ParseTaxOverride(raw orm.JSON) (map[int64]decimal.Decimal, error) {
	if len(raw) == 0 || string(raw) == "null" || string(raw) == "false" {
		return nil, nil
	}
	var out map[int64]decimal.Decimal
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, orm.ValidationErrorf("tax_override must map tax ids to amounts, such as {\"12\": \"1.31\"}.")
	}
	return out, nil
}

// NewTaxOverride writes a tax_override.
func NewTaxOverride(amounts map[int64]decimal.Decimal) orm.JSON {
	text := make(map[string]string, len(amounts))
	for id, a := range amounts {
		text[itoa(id)] = a.String()
	}
	raw, err := json.Marshal(text)
	if err != nil {
		panic(fmt.Sprintf("account: a map of texts cannot be marshalled: %v", err))
	}
	return raw
}

func (d *Document) compute(env *orm.Env) error {
	unit, err := currencyStep(env, d.Currency)
	if err != nil {
		return err
	}
	if d.Rounding == "" && d.Company != 0 {
		c, err := booksCompany(env, d.Company)
		if err != nil {
			return err
		}
		d.Rounding = c.TaxRounding
	}
	r := taxcalc.Rounding{Unit: unit, Globally: d.Rounding == "round_globally"}
	lines := make([]taxcalc.Line, len(d.Lines))
	for i, l := range d.Lines {
		override, err := ParseTaxOverride(l.Override)
		if err != nil {
			return err
		}
		lines[i] = taxcalc.Line{Price: l.Price, Quantity: l.Quantity, Discount: l.Discount, Override: override}
		for _, id := range l.Taxes {
			lines[i].Taxes = append(lines[i].Taxes, d.taxes[id].calc())
		}
	}
	t := taxcalc.Document(lines, r)
	d.Untaxed, d.byTax, d.Tax = t.Untaxed, t.ByTax, decimal.Zero
	booked := map[int64]decimal.Decimal{} // the share of each tax that is owed
	for i, a := range d.byTax {
		booked[a.TaxID] = d.taxes[a.TaxID].booked(d.Refund)
		d.byTax[i].Amount = r.Round(a.Amount.Mul(booked[a.TaxID]))
		d.Tax = d.Tax.Add(d.byTax[i].Amount)
	}
	d.Results = make([]DocumentResult, len(t.Lines))
	amounts := make([]decimal.Decimal, len(t.Lines))
	for i, l := range t.Lines {
		res := &d.Results[i]
		res.Subtotal, res.Total, amounts[i] = l.Excluded, l.Included, l.Excluded
		for _, a := range l.Taxes {
			res.Taxes = append(res.Taxes, TaxAmount{a.TaxID, a.Base, a.Amount})
			res.Total = res.Total.Sub(a.Amount).Add(a.Amount.Mul(booked[a.TaxID]))
		}
		res.Total = r.Round(res.Total)
	}
	spread(amounts, d.Untaxed, r.Round)
	for i := range d.Results {
		d.Results[i].Booked = amounts[i]
	}
	return nil
}

// spread rounds amounts and puts what then lacks to their total on the largest.
func spread(amounts []decimal.Decimal, total decimal.Decimal, round func(decimal.Decimal) decimal.Decimal) {
	largest := -1
	for i := range amounts {
		amounts[i] = round(amounts[i])
		total = total.Sub(amounts[i])
		if largest < 0 || amounts[i].Abs().GreaterThan(amounts[largest].Abs()) {
			largest = i
		}
	}
	if largest >= 0 {
		amounts[largest] = amounts[largest].Add(total)
	}
}

// share is the part of a tax that one distribution line books.
type share struct {
	line, account int64
	factor        decimal.Decimal
}

// shares are the distribution lines on which a tax is booked.
func (t *Tax) shares(refund bool) []share {
	lines := t.InvoiceRepartition
	if refund {
		lines = t.RefundRepartition
	}
	var out []share
	for _, l := range lines.All() {
		if l.RepartitionType == RepartitionOfTax {
			out = append(out, share{l.ID, l.AccountID.ID, l.FactorPercent.Shift(-2)})
		}
	}
	return out
}

// booked is the sum of the shares: 1 usually, 0 for a reverse charge.
func (t *Tax) booked(refund bool) decimal.Decimal {
	sum := decimal.Zero
	for _, s := range t.shares(refund) {
		sum = sum.Add(s.factor)
	}
	return sum
}

// Totals are the totals as forms show them: untaxed amount, tax groups, total.
func (d *Document) Totals(env *orm.Env) (orm.JSON, error) {
	own, err := base.CompanyCurrency(env, d.Company)
	if err != nil {
		return nil, err
	}
	places, err := placesOf(env, d.Currency)
	if err != nil {
		return nil, err
	}
	rate := d.Rate
	if rate.IsZero() {
		if rate, err = base.ConversionRate(env, own, d.Currency, d.Company, d.Date); err != nil {
			return nil, err
		}
	}
	number := func(v decimal.Decimal) json.Number { return json.Number(v.String()) }
	both := func(out map[string]any, name string, v decimal.Decimal) error {
		booked, err := base.Round(env, v.DivRound(rate, 16), own)
		out[name+"_currency"], out[name] = number(v), number(booked)
		return err
	}
	groups, err := d.groups(env)
	if err != nil {
		return nil, err
	}
	shown := make([]any, len(groups))
	sameBase := true
	for i, g := range groups {
		sameBase = sameBase && g.base.Equal(d.Untaxed)
		out := map[string]any{"id": g.id, "group_name": g.name, "group_label": g.name, "involved_tax_ids": g.taxes}
		for name, v := range map[string]decimal.Decimal{"tax_amount": g.amount, "base_amount": g.base, "display_base_amount": g.base} {
			if err := both(out, name, v); err != nil {
				return nil, err
			}
		}
		shown[i] = out
	}
	sub := map[string]any{"name": "Untaxed Amount", "tax_groups": shown}
	all := map[string]any{"currency_id": d.Currency, "currency_pd": number(decimal.New(1, -places)), "company_currency_id": own,
		"has_tax_groups": len(groups) > 0, "same_tax_base": sameBase, "subtotals": []any{sub}}
	for name, v := range map[string]decimal.Decimal{"base_amount": d.Untaxed, "tax_amount": d.Tax} {
		if err := both(sub, name, v); err != nil {
			return nil, err
		}
		if err := both(all, name, v); err != nil {
			return nil, err
		}
	}
	if err := both(all, "total_amount", d.Untaxed.Add(d.Tax)); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

type taxGroupTotal struct {
	id           int64
	name         string
	sequence     int
	taxes        []int64
	base, amount decimal.Decimal
}

// groups sums the taxes by tax group. Taxes of one group that are charged on
// the same lines count their base once.
func (d *Document) groups(env *orm.Env) ([]*taxGroupTotal, error) {
	var ids []int64
	for _, a := range d.byTax {
		ids = append(ids, d.taxes[a.TaxID].TaxGroupID.ID)
	}
	slices.Sort(ids)
	gs, err := orm.Read[TaxGroup](env.Sudo(), slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	var out []*taxGroupTotal
	for _, g := range gs {
		t := &taxGroupTotal{id: g.ID, name: g.Name, sequence: g.Sequence}
		for _, a := range d.byTax {
			if d.taxes[a.TaxID].TaxGroupID.ID == g.ID {
				t.taxes, t.amount = append(t.taxes, a.TaxID), t.amount.Add(a.Amount)
			}
		}
		for _, res := range d.Results {
			if slices.ContainsFunc(res.Taxes, func(a TaxAmount) bool { return slices.Contains(t.taxes, a.Tax) }) {
				t.base = t.base.Add(res.Booked)
			}
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b *taxGroupTotal) int {
		if a.sequence != b.sequence {
			return a.sequence - b.sequence
		}
		return int(a.id - b.id)
	})
	return out, nil
}

// moveTaxTotals shows the totals of documents.
func moveTaxTotals(env *orm.Env, ms []*Move) error {
	for _, m := range ms {
		if !m.IsInvoice() {
			continue
		}
		doc := m.document(m.LineIDs.All())
		if err := doc.Compute(env); err != nil {
			return err
		}
		totals, err := doc.Totals(env)
		if err != nil {
			return err
		}
		m.TaxTotals.Set(totals)
	}
	return nil
}

// document is the entry as the tax computation sees it, with the product lines
// among its items in order.
func (m *Move) document(items []*MoveLine) *Document {
	doc := &Document{Company: m.CompanyID.ID, Currency: m.CurrencyID.ID, Date: m.InvoiceDate, Rate: m.CurrencyRate, Rounding: m.TaxRounding, Refund: m.IsRefund()}
	for _, l := range items {
		if l.DisplayType == DisplayProduct {
			doc.Lines = append(doc.Lines, DocumentLine{Price: l.PriceUnit, Quantity: l.Quantity, Discount: l.Discount, Taxes: l.TaxIDs.IDs(), Override: l.TaxOverride})
		}
	}
	return doc
}
