package base

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// dayRate is a rate with the day it was set, zero when it is a fallback.
type dayRate struct {
	rate decimal.Decimal
	date orm.Date
}

// ratesAt finds the rates of currencies for a company on a day: the newest one
// not after it, else the oldest there is, else 1. A rate without company holds
// for all; one of the company itself wins over it on the same day.
func ratesAt(env *orm.Env, currencies []int64, company int64, day orm.Date) (map[int64]dayRate, error) {
	out := make(map[int64]dayRate, len(currencies))
	for _, id := range currencies {
		out[id] = dayRate{rate: decimal.NewFromInt(1)}
	}
	if err := env.Flush(); err != nil {
		return nil, err
	}
	root, err := rootCompany(env, company)
	if err != nil {
		return nil, err
	}
	type rate struct {
		CurrencyID int64
		Rate       float64
		Name       orm.Date
	}
	// SQL: the rate nearest to a day, of each currency, whatever the user may read.
	rows, err := orm.Rows[rate](env, orm.SQL(`SELECT DISTINCT ON (currency_id) currency_id, rate, name FROM res_currency_rate
		WHERE currency_id = ANY(?) AND (company_id IS NULL OR company_id = ?)
		ORDER BY currency_id, name > ?::date, CASE WHEN name <= ?::date THEN name END DESC, name, company_id NULLS LAST`,
		currencies, root, day, day).Reads("res.currency.rate"))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Rate > 0 {
			out[r.CurrencyID] = dayRate{decimal.NewFromFloat(r.Rate), r.Name}
		}
	}
	return out, nil
}

// ConversionRate is how many units of to one unit of from buys for a company
// on a day, to 16 decimals.
func ConversionRate(env *orm.Env, from, to, company int64, day orm.Date) (decimal.Decimal, error) {
	if from == to {
		return decimal.NewFromInt(1), nil
	}
	if company == 0 {
		company = env.Company()
	}
	if day.IsZero() {
		day = env.Today()
	}
	rates, err := ratesAt(env, []int64{from, to}, company, day)
	if err != nil {
		return decimal.Zero, err
	}
	return rates[to].rate.DivRound(rates[from].rate, 16), nil
}

// Convert changes an amount between two currencies at the rate of a company
// and day, rounded to the step of the target currency. Company 0 is the
// current one, the zero day is today.
func Convert(env *orm.Env, amount decimal.Decimal, from, to, company int64, day orm.Date) (decimal.Decimal, error) {
	v, err := ConvertUnrounded(env, amount, from, to, company, day)
	if err != nil {
		return v, err
	}
	return Round(env, v, to)
}

// ConvertUnrounded is Convert without the final rounding.
func ConvertUnrounded(env *orm.Env, amount decimal.Decimal, from, to, company int64, day orm.Date) (decimal.Decimal, error) {
	if from == 0 || to == 0 {
		return decimal.Zero, orm.UserErrorf("An amount cannot be converted without knowing both currencies.")
	}
	if amount.IsZero() || from == to {
		return amount, nil
	}
	if company == 0 {
		company = env.Company()
	}
	if day.IsZero() {
		day = env.Today()
	}
	rates, err := ratesAt(env, []int64{from, to}, company, day)
	if err != nil {
		return decimal.Zero, err
	}
	return amount.Mul(rates[to].rate).DivRound(rates[from].rate, 16), nil
}

// Round rounds an amount to the rounding step of a currency, halves away from
// zero.
func Round(env *orm.Env, amount decimal.Decimal, currency int64) (decimal.Decimal, error) {
	step, err := rounding(env, currency)
	if err != nil {
		return amount, err
	}
	return RoundTo(amount, step), nil
}

// DecimalPlaces is how many decimals amounts of a currency have.
func DecimalPlaces(env *orm.Env, currency int64) (int, error) {
	step, err := rounding(env, currency)
	return places(step), err
}

// RoundTo rounds to the nearest multiple of a step, halves away from zero.
func RoundTo(amount, step decimal.Decimal) decimal.Decimal {
	if step.LessThanOrEqual(decimal.Zero) {
		return amount
	}
	return amount.DivRound(step, 24).Round(0).Mul(step)
}

type roundingKey int64

func rounding(env *orm.Env, currency int64) (decimal.Decimal, error) {
	if currency == 0 {
		return decimal.New(1, -2), nil
	}
	return orm.Memo(env, roundingKey(currency), func() (decimal.Decimal, error) {
		c, err := orm.Get[Currency](env.Sudo(), currency)
		if err != nil {
			return decimal.Zero, err
		}
		return c.Rounding, nil
	})
}
