package sale

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"
)

// linePrices proposes unit prices from the order's pricelist. What is invoiced
// in part keeps its price, and so does what somebody set a price for.
func linePrices(env *orm.Env, ls []*OrderLine) error {
	var open []*OrderLine
	for _, l := range ls {
		set, err := l.priceSet(env)
		if err != nil {
			return err
		}
		if !set {
			open = append(open, l)
		}
	}
	return proposePrices(env, open)
}

// priceSet reports whether the unit price differs from the proposed one by what
// the order's currency shows.
func (l *OrderLine) priceSet(env *orm.Env) (bool, error) {
	if l.ProposedPrice.Equal(l.PriceUnit) {
		return false, nil
	}
	diff := [2]decimal.Decimal{l.ProposedPrice, l.PriceUnit}
	for i := range diff {
		var err error
		if diff[i], err = base.Round(env, diff[i], l.CurrencyID.ID); err != nil {
			return false, err
		}
	}
	return !diff[0].Equal(diff[1]), nil
}

// proposePrices sets the prices of lines that the pricelists give.
func proposePrices(env *orm.Env, ls []*OrderLine) error {
	if err := orm.Load(env, ls, "order_id", "product_id"); err != nil {
		return err
	}
	own, err := productTaxes(env, ls)
	if err != nil {
		return err
	}
	byOrder := map[int64][]*OrderLine{}
	var orders []*Order
	for _, l := range ls {
		if l.QtyInvoiced.IsPositive() || l.IsDownpayment {
			continue
		}
		l.PriceUnit, l.ProposedPrice = decimal.Zero, decimal.Zero
		if !l.ProductID.IsSet() || !l.UoMID.IsSet() {
			continue
		}
		o := l.OrderID.Rec()
		if byOrder[o.ID] == nil {
			orders = append(orders, o)
		}
		byOrder[o.ID] = append(byOrder[o.ID], l)
	}
	for _, o := range orders {
		if err := o.price(env, byOrder[o.ID], own); err != nil {
			return err
		}
	}
	return nil
}

// price sets the prices of lines of the order; own are the taxes of their
// products.
func (o *Order) price(env *orm.Env, ls []*OrderLine, own map[int64][]int64) error {
	if err := orm.Load(env, ls, "product_no_variant_attribute_value_ids"); err != nil {
		return err
	}
	asks := make([]product.PriceRequest, len(ls))
	for i, l := range ls {
		asks[i] = product.PriceRequest{ProductID: l.ProductID.ID, Quantity: l.Quantity, UoMID: l.UoMID.ID}
		for _, v := range l.chosen() {
			asks[i].Extra = asks[i].Extra.Add(v.PriceExtra)
		}
	}
	prices, err := product.Prices(env.WithCompany(o.CompanyID.ID), o.PricelistID.ID, o.CurrencyID.ID, o.DateOrder.Time(), asks)
	if err != nil {
		return err
	}
	for i, l := range ls {
		if l.PriceUnit, err = remapIncluded(env, o, own[l.ID], prices[i].Price); err != nil {
			return err
		}
		l.ProposedPrice = l.PriceUnit
	}
	return nil
}

// remapIncluded turns a price that contains the taxes of a product into one
// that contains those a fiscal position puts in their place.
func remapIncluded(env *orm.Env, o *Order, own []int64, price decimal.Decimal) (decimal.Decimal, error) {
	if !o.FiscalPositionID.IsSet() || len(own) == 0 {
		return price, nil
	}
	mapped, err := account.MapTaxes(env, o.FiscalPositionID.ID, own)
	if err != nil {
		return price, err
	}
	ts, err := orm.Read[account.Tax](env.Sudo(), distinct(append(append([]int64{}, own...), mapped...)), "price_include")
	if err != nil {
		return price, err
	}
	rate := func(ids []int64) (sum decimal.Decimal, plain bool) {
		plain = true
		for _, t := range ts {
			for _, id := range ids {
				if t.ID == id && t.PriceInclude.Get() {
					sum, plain = sum.Add(t.Amount), plain && t.AmountType == account.AmountTypePercent
				}
			}
		}
		return sum, plain
	}
	was, plain := rate(own)
	is, still := rate(mapped)
	if was.Equal(is) || !plain || !still {
		return price, nil
	}
	return price.Mul(hundred.Add(is)).DivRound(hundred.Add(was), 16), nil
}
