package product

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// PriceRequest is one product whose price is asked for.
type PriceRequest struct {
	ProductID int64
	Quantity  decimal.Decimal // in UoMID
	UoMID     int64           // the unit the price is for; 0: the product's own
	// Extra is added to the sales price, for values that make no variant. It is
	// for one of the product's own unit, in the product's currency.
	Extra decimal.Decimal
}

// Price is what one unit costs. It is not rounded.
type Price struct {
	Price decimal.Decimal
	// RuleID is the rule that made the price, 0 when none applied and the
	// price is the sales price of the product.
	RuleID int64
	// Base is what the price was before a percentage was taken off it, or the
	// price itself; Discount is that percentage.
	Base     decimal.Decimal
	Discount decimal.Decimal
}

// Prices says what products cost at a pricelist (0: none, the sales prices) on
// a date (zero: now), in a currency (0: the pricelist's, else the company's),
// one Price for each Ask. The statements it takes do not depend on how many
// products are asked for.
func Prices(env *orm.Env, pricelist, currency int64, date time.Time, asks []PriceRequest) ([]Price, error) {
	if len(asks) == 0 {
		return nil, nil
	}
	if date.IsZero() {
		date = env.Now()
	}
	c := &priceComputation{env: env.Sudo(), date: date, products: map[int64]*Product{}, lists: map[int64]*rules{}}
	var ids []int64
	for _, a := range asks {
		ids = append(ids, a.ProductID)
	}
	ps, err := orm.Read[Product](c.env, unique(ids), "price_extra", "currency_id", "cost_currency_id", "categ_id")
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		c.products[p.ID] = p
	}
	if err := c.load(pricelist); err != nil {
		return nil, err
	}
	if currency == 0 && pricelist != 0 {
		currency = c.lists[pricelist].currency
	}
	if currency == 0 {
		if currency, err = base.CompanyCurrency(env, env.Company()); err != nil {
			return nil, err
		}
	}
	out := make([]Price, len(asks))
	for i, a := range asks {
		p := c.products[a.ProductID]
		if a.UoMID == 0 {
			a.UoMID = p.UoMID.ID
		}
		if out[i], err = c.price(pricelist, p, a, currency); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rules are those of a pricelist that hold on the date, in the order in which
// they are tried.
type rules struct {
	currency int64
	items    []*PricelistItem
}

// priceComputation holds what one question for prices has read.
type priceComputation struct {
	env      *orm.Env
	date     time.Time
	products map[int64]*Product
	lists    map[int64]*rules
}

// load reads a pricelist and those it is based on.
func (c *priceComputation) load(pricelist int64) error {
	for next := []int64{pricelist}; len(next) > 0; {
		next = slices.DeleteFunc(unique(next), func(id int64) bool { return id == 0 || c.lists[id] != nil })
		if len(next) == 0 {
			return nil
		}
		ls, err := orm.Read[Pricelist](c.env, next)
		if err != nil {
			return err
		}
		for _, l := range ls {
			c.lists[l.ID] = &rules{currency: l.CurrencyID.ID}
		}
		at := orm.DatetimeOf(c.date)
		items, err := orm.Search[PricelistItem](withArchived(c.env), orm.And(orm.Leaf("pricelist_id", "in", next),
			orm.Or(orm.Leaf("date_start", "=", false), orm.Leaf("date_start", "<=", at)),
			orm.Or(orm.Leaf("date_end", "=", false), orm.Leaf("date_end", ">=", at))), orm.SearchOptions{}, "categ_id")
		if err != nil {
			return err
		}
		next = next[:0:0]
		for _, i := range items {
			l := c.lists[i.PricelistID.ID]
			l.items = append(l.items, i)
			if i.Base == BasePricelist && i.ComputePrice != Fixed {
				next = append(next, i.BasePricelistID.ID)
			}
		}
	}
	return nil
}

// price finds the rule for a product and applies it.
func (c *priceComputation) price(pricelist int64, p *Product, a PriceRequest, currency int64) (Price, error) {
	var rule *PricelistItem
	if pricelist != 0 {
		qty, err := c.inOwnUnit(a, p)
		if err != nil {
			return Price{}, err
		}
		for _, i := range c.lists[pricelist].items {
			if i.appliesTo(p, qty) {
				rule = i
				break
			}
		}
	}
	if rule == nil {
		v, err := c.start(BaseListPrice, 0, p, a, currency)
		return Price{Price: v, Base: v}, err
	}
	convert := func(amount decimal.Decimal) (decimal.Decimal, error) {
		v, err := uom.ConvertPrice(c.env, amount, p.UoMID.ID, a.UoMID)
		if err != nil || v.IsZero() {
			return v, err
		}
		return base.ConvertUnrounded(c.env, v, c.lists[pricelist].currency, currency, c.company(p), c.day())
	}
	if rule.ComputePrice == Fixed {
		v, err := convert(rule.FixedPrice)
		return Price{Price: v, RuleID: rule.ID, Base: v}, err
	}
	from, err := c.start(rule.Base, rule.BasePricelistID.ID, p, a, currency)
	if err != nil {
		return Price{}, err
	}
	if rule.ComputePrice == Percentage {
		return Price{Price: from.Sub(percent(from, rule.PercentPrice)), RuleID: rule.ID, Base: from, Discount: rule.PercentPrice}, nil
	}
	v, err := rule.formula(from, convert)
	return Price{Price: v, RuleID: rule.ID, Base: v}, err
}

// inOwnUnit is the quantity asked for in the product's unit of measure, as
// quantities of rules are meant.
func (c *priceComputation) inOwnUnit(a PriceRequest, p *Product) (decimal.Decimal, error) {
	if a.UoMID == p.UoMID.ID {
		return a.Quantity, nil
	}
	from, err := uom.Get(c.env, a.UoMID)
	if err != nil {
		return a.Quantity, err
	}
	to, err := uom.Get(c.env, p.UoMID.ID)
	if err != nil || !from.Comparable(to) {
		return a.Quantity, err
	}
	return from.ConvertExact(a.Quantity, to)
}

// start is the price a rule starts from, for one unit of measure of the Ask, in
// the currency.
func (c *priceComputation) start(kind string, other int64, p *Product, a PriceRequest, currency int64) (decimal.Decimal, error) {
	if kind == BasePricelist && other != 0 {
		own := c.lists[other].currency
		sub, err := c.price(other, p, a, own)
		if err != nil {
			return decimal.Zero, err
		}
		return base.ConvertUnrounded(c.env, sub.Price, own, currency, c.company(p), c.day())
	}
	price, from := p.ListPrice.Add(p.PriceExtra.Get()).Add(a.Extra), p.CurrencyID.Get().ID
	if kind == BaseCost {
		price, from = p.StandardPrice, p.CostCurrencyID.Get().ID
	}
	price, err := uom.ConvertPrice(c.env, price, p.UoMID.ID, a.UoMID)
	if err != nil || price.IsZero() {
		return price, err
	}
	return base.ConvertUnrounded(c.env, price, from, currency, c.company(p), c.day())
}

// company is the one whose exchange rates hold.
func (c *priceComputation) company(p *Product) int64 {
	if id := c.env.Company(); id != 0 {
		return id
	}
	return p.CompanyID.ID
}

// day is the calendar day of the date, in the user's time zone.
func (c *priceComputation) day() orm.Date { return orm.DateOf(c.date.In(c.env.Location())) }

// appliesTo reports whether a rule is about a product in a quantity, said in
// the product's unit of measure.
func (i *PricelistItem) appliesTo(p *Product, qty decimal.Decimal) bool {
	if !i.MinQuantity.IsZero() && qty.LessThan(i.MinQuantity) {
		return false
	}
	switch i.AppliedOn {
	case OnCategory:
		c := p.CategID.Rec()
		return c != nil && i.CategID.IsSet() && strings.HasPrefix(c.ParentPath, i.CategID.Rec().ParentPath)
	case OnTemplate:
		return i.TemplateID.ID == p.TemplateID.ID
	case OnVariant:
		return i.ProductID.ID == p.ID
	}
	return true
}

// formula applies discount, rounding, extra fee and margins to a price, in this
// order. convert brings amounts of the rule to the unit and currency of the price.
func (i *PricelistItem) formula(from decimal.Decimal, convert func(decimal.Decimal) (decimal.Decimal, error)) (decimal.Decimal, error) {
	price := base.RoundTo(from.Sub(percent(from, i.PriceDiscount)), i.PriceRound)
	fee, err := convert(i.PriceSurcharge)
	if err != nil {
		return price, err
	}
	price = price.Add(fee)
	if !i.MinMargin.IsZero() {
		margin, err := convert(i.MinMargin)
		if err != nil {
			return price, err
		}
		price = decimal.Max(price, from.Add(margin))
	}
	if !i.MaxMargin.IsZero() {
		margin, err := convert(i.MaxMargin)
		if err != nil {
			return price, err
		}
		price = decimal.Min(price, from.Add(margin))
	}
	return price, nil
}

func percent(of, rate decimal.Decimal) decimal.Decimal { return of.Mul(rate).Shift(-2) }

// PriceOf is the price of one unit of one product, as [Prices] says it.
func PriceOf(env *orm.Env, pricelist, product int64, quantity decimal.Decimal, unit, currency int64, date orm.Datetime) (decimal.Decimal, error) {
	found, err := Prices(env, pricelist, currency, date.Time(), []PriceRequest{{ProductID: product, Quantity: quantity, UoMID: unit}})
	if err != nil {
		return decimal.Zero, err
	}
	return found[0].Price, nil
}
