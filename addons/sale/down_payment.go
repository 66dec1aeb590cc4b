package sale

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// advanceGroup are the lines of an order with the same taxes, of which one down
// payment line asks a part.
type advanceGroup struct {
	taxes      []int64 // without fixed amounts, which do not go by the price
	untaxed    decimal.Decimal
	included   decimal.Decimal // taxes the price contains
	amounts    map[int64]decimal.Decimal
	overridden bool // some amount was given, not computed
}

// downPayment are the values of the lines that ask a part of the order: for
// each set of taxes a line with that part of the price and its taxes.
func (o *Order) downPayment(env *orm.Env, percentage bool, amount decimal.Decimal) ([]orm.Values, error) {
	groups, err := o.advanceGroups(env)
	if err != nil {
		return nil, err
	}
	if !o.AmountTotal.IsPositive() || len(groups) == 0 {
		return nil, orm.UserErrorf("The order %s has no amount of which a part could be asked in advance.", o.Name)
	}
	share := amount.Shift(-2)
	if !percentage {
		share = amount.DivRound(o.AmountTotal, 16)
	}
	part := func(v decimal.Decimal) (decimal.Decimal, error) {
		return base.Round(env, v.Mul(share), o.CurrencyID.ID)
	}
	doc := &account.Document{Company: o.CompanyID.ID, Currency: o.CurrencyID.ID, Rounding: o.TaxRounding}
	overrides := make([]map[int64]decimal.Decimal, len(groups))
	for i, g := range groups {
		price, err := part(g.untaxed.Add(g.included))
		if err != nil {
			return nil, err
		}
		line := account.DocumentLine{Price: price, Quantity: decimal.NewFromInt(1), Taxes: g.taxes}
		if g.overridden {
			overrides[i] = map[int64]decimal.Decimal{}
			for id, a := range g.amounts {
				if overrides[i][id], err = part(a); err != nil {
					return nil, err
				}
			}
			line.Override = account.NewTaxOverride(overrides[i])
		}
		doc.Lines = append(doc.Lines, line)
	}
	if err := doc.Compute(env); err != nil {
		return nil, err
	}
	if !percentage {
		adjustToAmount(doc, overrides, amount)
	}
	out := make([]orm.Values, len(groups))
	for i, l := range doc.Lines {
		out[i] = orm.Values{"price_unit": l.Price, "tax_ids": []orm.Command{orm.SetIDs(l.Taxes...)}, "tax_override": nil}
		if overrides[i] != nil {
			out[i]["tax_override"] = account.NewTaxOverride(overrides[i])
		}
	}
	return out, nil
}

// adjustToAmount makes the total of a computed document the amount that is asked: the
// cents that rounding lost go to a tax of the largest line, or to its price.
func adjustToAmount(doc *account.Document, overrides []map[int64]decimal.Decimal, amount decimal.Decimal) {
	lacks := amount.Sub(doc.Untaxed).Sub(doc.Tax)
	if lacks.IsZero() {
		return
	}
	at := 0
	for i, r := range doc.Results {
		if r.Total.GreaterThan(doc.Results[at].Total) {
			at = i
		}
	}
	taxes := doc.Results[at].Taxes
	if len(taxes) == 0 {
		doc.Lines[at].Price = doc.Lines[at].Price.Add(lacks)
		return
	}
	if overrides[at] == nil {
		overrides[at] = map[int64]decimal.Decimal{}
		for _, t := range taxes {
			overrides[at][t.Tax] = t.Amount
		}
	}
	overrides[at][taxes[0].Tax] = overrides[at][taxes[0].Tax].Add(lacks)
}

// advanceGroups sums the order by sets of taxes. What taxes of a fixed amount
// ask counts as a price without taxes.
func (o *Order) advanceGroups(env *orm.Env) ([]*advanceGroup, error) {
	doc := o.document()
	if err := doc.Compute(env); err != nil {
		return nil, err
	}
	taxes, err := o.taxesByID(env, doc)
	if err != nil {
		return nil, err
	}
	var groups []*advanceGroup
	byKey := map[string]*advanceGroup{}
	group := func(ids []int64) *advanceGroup {
		key := fmt.Sprint(ids)
		if byKey[key] == nil {
			byKey[key] = &advanceGroup{taxes: ids, amounts: map[int64]decimal.Decimal{}}
			groups = append(groups, byKey[key])
		}
		return byKey[key]
	}
	for i, l := range o.priced() {
		if l.IsDownpayment || l.Quantity.IsZero() {
			continue
		}
		fixed := func(id int64) bool { return taxes[id] != nil && taxes[id].AmountType == account.AmountTypeFixed }
		g := group(slices.DeleteFunc(distinct(slices.Clone(l.TaxIDs.IDs())), fixed))
		g.untaxed = g.untaxed.Add(doc.Results[i].Booked)
		g.overridden = g.overridden || len(l.TaxOverride) > 0
		for _, t := range doc.Results[i].Taxes {
			if fixed(t.Tax) {
				free := group(nil)
				free.untaxed = free.untaxed.Add(t.Amount)
				continue
			}
			g.amounts[t.Tax] = g.amounts[t.Tax].Add(t.Amount)
			if taxes[t.Tax] != nil && taxes[t.Tax].PriceInclude.Get() {
				g.included = g.included.Add(t.Amount)
			}
		}
	}
	return slices.DeleteFunc(groups, func(g *advanceGroup) bool { return g.untaxed.IsZero() && g.included.IsZero() }), nil
}

// taxesByID reads the taxes a computed document charges.
func (o *Order) taxesByID(env *orm.Env, doc *account.Document) (map[int64]*account.Tax, error) {
	var ids []int64
	for _, r := range doc.Results {
		for _, t := range r.Taxes {
			ids = append(ids, t.Tax)
		}
	}
	ts, err := orm.Read[account.Tax](env.Sudo(), distinct(ids), "price_include")
	if err != nil {
		return nil, err
	}
	out := make(map[int64]*account.Tax, len(ts))
	for _, t := range ts {
		out[t.ID] = t
	}
	return out, nil
}
