package base

import (
	"fmt"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// Currency is money of one kind. Rate and InverseRate are those at the date of
// the context key "date" (today without one) for the current company.
type Currency struct {
	orm.Record    `orm:"res.currency" label:"Currency" order:"active desc, name" search:"name,full_name"`
	Name          string                 `orm:"name,required,size=3" label:"Currency" help:"Currency Code (ISO 4217)"`
	ISONumeric    int                    `orm:"iso_numeric" label:"Currency numeric code." help:"Currency Numeric Code (ISO 4217)."`
	FullName      string                 `orm:"full_name" label:"Name"`
	Symbol        string                 `orm:"symbol,required" label:"Symbol" help:"Currency sign, to be used when printing amounts."`
	Rate          orm.Deferred[float64]  `orm:"rate" label:"Current Rate" help:"The rate of the currency to the currency of rate 1."`
	InverseRate   orm.Deferred[float64]  `orm:"inverse_rate,readonly" label:"Inverse Rate"`
	RateString    orm.Deferred[string]   `orm:"rate_string" label:"Rate String"`
	RateIDs       orm.Many[CurrencyRate] `orm:"rate_ids,inverse=currency_id" label:"Rates"`
	Rounding      decimal.Decimal        `orm:"rounding,digits=6,default=0.01" label:"Rounding Factor" help:"Amounts in this currency are rounded off to the nearest multiple of the rounding factor."`
	DecimalPlaces int                    `orm:"decimal_places,store,readonly" label:"Decimal Places" help:"Decimal places taken into account for operations on amounts in this currency. It is determined by the rounding factor."`
	Active        bool                   `orm:"active,default=true" label:"Active"`
	Position      string                 `orm:"position,default=after" selection:"after:After Amount,before:Before Amount" label:"Symbol Position"`
	Date          orm.Deferred[orm.Date] `orm:"date,readonly" label:"Date"`
	UnitLabel     string                 `orm:"currency_unit_label,translate" label:"Currency Unit"`
	SubunitLabel  string                 `orm:"currency_subunit_label,translate" label:"Currency Subunit"`
	IsCurrent     orm.Deferred[bool]     `orm:"is_current_company_currency" label:"Is the current company's currency"`
}

// CurrencyRate says how many units of a currency one unit of the company's
// currency bought from a date on.
type CurrencyRate struct {
	orm.Record  `orm:"res.currency.rate" label:"Currency Rate" order:"name desc, id" rec:"name" search:"name,rate"`
	Name        orm.Date              `orm:"name,required,index,default=today" label:"Date"`
	Rate        float64               `orm:"rate,aggregator=avg" label:"Technical Rate" help:"The rate of the currency to the currency of rate 1"`
	CompanyRate orm.Deferred[float64] `orm:"company_rate,aggregator=avg" label:"Company Rate" help:"The currency of rate 1 to the rate of the currency."`
	InverseRate orm.Deferred[float64] `orm:"inverse_company_rate,aggregator=avg" label:"Inverse Company Rate" help:"The rate of the currency to the currency of rate 1"`
	CurrencyID  orm.Ref[Currency]     `orm:"currency_id,required,readonly,index,ondelete=cascade" label:"Currency"`
	CompanyID   orm.Ref[Company]      `orm:"company_id" label:"Company"`
}

func defineCurrency(r *orm.Registry) {
	c := orm.Define[Currency](r)
	c.Compute("rate, inverse_rate, rate_string, date", currencyRates, "rate_ids.rate", "name")
	c.Compute("decimal_places", func(_ *orm.Env, cs []*Currency) error {
		for _, c := range cs {
			c.DecimalPlaces = places(c.Rounding)
		}
		return nil
	}, "rounding")
	c.Compute("is_current_company_currency", func(env *orm.Env, cs []*Currency) error {
		own, err := companyCurrency(env, env.Company())
		if err != nil {
			return err
		}
		for _, c := range cs {
			c.IsCurrent.Set(c.ID == own)
		}
		return nil
	})
	c.Unique("unique_name", "name", "The currency code must be unique!")
	c.Check("rounding_gt_zero", "rounding > 0", "The rounding factor must be greater than 0!")
	c.Constrain("active", checkCurrencyUnused)

	rate := orm.Define[CurrencyRate](r)
	rate.Default("company_id", func(env *orm.Env) (any, error) { return rootCompany(env, env.Company()) })
	rate.Default("rate", func(*orm.Env) (any, error) { return 1.0, nil })
	rate.Compute("company_rate, inverse_company_rate", companyRates, "rate", "name", "currency_id", "company_id")
	rate.Inverse("company_rate", func(env *orm.Env, rs []*CurrencyRate) error {
		return storeCompanyRates(env, rs, func(r *CurrencyRate) float64 { return r.CompanyRate.Get() })
	})
	rate.Inverse("inverse_company_rate", func(env *orm.Env, rs []*CurrencyRate) error {
		return storeCompanyRates(env, rs, func(r *CurrencyRate) float64 {
			if r.InverseRate.Get() == 0 {
				return 1
			}
			return 1 / r.InverseRate.Get()
		})
	})
	rate.Unique("unique_name_per_day", "name, currency_id, company_id", "Only one currency rate per day allowed!")
	rate.Check("currency_rate_check", "rate > 0", "The currency rate must be strictly positive.")
	rate.Constrain("company_id", rateOfRootCompany)
}

// places is how many decimals a rounding step needs: 0.01 → 2, 1 → 0, 0.05 → 2.
func places(rounding decimal.Decimal) int {
	if rounding.LessThanOrEqual(decimal.Zero) || rounding.GreaterThanOrEqual(decimal.NewFromInt(1)) {
		return 0
	}
	n := 0
	for step := decimal.NewFromInt(1); step.GreaterThan(rounding) && n < 12; n++ {
		step = step.Shift(-1)
	}
	return n
}

// checkCurrencyUnused keeps the currency of a company active.
func checkCurrencyUnused(env *orm.Env, cs []*Currency) error {
	var ids []int64
	for _, c := range cs {
		if !c.Active {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	n, err := env.Sudo().Model("res.company").SearchCount(orm.Leaf("currency_id", "in", ids), 0)
	if err != nil {
		return err
	}
	if n > 0 {
		return orm.UserErrorf("This currency is set on a company and therefore cannot be deactivated.")
	}
	return nil
}

func currencyRates(env *orm.Env, cs []*Currency) error {
	date := env.Today()
	switch d := env.Key("date").(type) {
	case string:
		if parsed, err := orm.ParseDate(d); err == nil {
			date = parsed
		}
	case orm.Date:
		date = d
	}
	company := env.Company()
	if id := env.KeyID("company_id"); id != 0 {
		company = id
	}
	ids := make([]int64, len(cs))
	for i, c := range cs {
		ids[i] = c.ID
	}
	rates, err := ratesAt(env, ids, company, date)
	if err != nil {
		return err
	}
	own, err := companyCurrency(env, company)
	if err != nil {
		return err
	}
	base := decimal.NewFromInt(1)
	if own != 0 {
		of, err := ratesAt(env, []int64{own}, company, date)
		if err != nil {
			return err
		}
		base = of[own].rate
	}
	ownName, err := currencyName(env, own)
	if err != nil {
		return err
	}
	for _, c := range cs {
		at := rates[c.ID]
		relative := at.rate.DivRound(base, 16)
		c.Rate.Set(relative.InexactFloat64())
		c.InverseRate.Set(base.DivRound(at.rate, 16).InexactFloat64())
		c.Date.Set(at.date)
		c.RateString.Set("")
		if own != 0 && c.ID != own {
			c.RateString.Set(fmt.Sprintf("1 %s = %s %s", ownName, relative.StringFixed(6), c.Name))
		}
	}
	return nil
}

func currencyName(env *orm.Env, id int64) (string, error) {
	if id == 0 {
		return "", nil
	}
	return env.Sudo().Model("res.currency").Browse(id).ValueText("name")
}

func companyRates(env *orm.Env, rs []*CurrencyRate) error {
	for _, r := range rs {
		base, err := baseRate(env, r)
		if err != nil {
			return err
		}
		r.CompanyRate.Set(0)
		r.InverseRate.Set(0)
		if base != 0 {
			r.CompanyRate.Set(r.Rate / base)
		}
		if r.CompanyRate.Get() != 0 {
			r.InverseRate.Set(1 / r.CompanyRate.Get())
		}
	}
	return nil
}

// baseRate is the rate of the company's own currency on the day of a rate.
func baseRate(env *orm.Env, r *CurrencyRate) (float64, error) {
	company := r.CompanyID.ID
	if company == 0 {
		company = env.Company()
	}
	own, err := companyCurrency(env, company)
	if err != nil || own == 0 || own == r.CurrencyID.ID {
		return 1, err
	}
	of, err := ratesAt(env, []int64{own}, company, r.Name)
	if err != nil {
		return 1, err
	}
	return of[own].rate.InexactFloat64(), nil
}

func storeCompanyRates(env *orm.Env, rs []*CurrencyRate, relative func(*CurrencyRate) float64) error {
	for _, r := range rs {
		base, err := baseRate(env, r)
		if err != nil {
			return err
		}
		r.Rate = relative(r) * base
	}
	return orm.Save(env, rs, "rate")
}

func rateOfRootCompany(env *orm.Env, rs []*CurrencyRate) error {
	for _, r := range rs {
		root, err := rootCompany(env, r.CompanyID.ID)
		if err != nil {
			return err
		}
		if r.CompanyID.IsSet() && root != r.CompanyID.ID {
			return orm.ValidationErrorf("Currency rates should only be created for main companies")
		}
	}
	return nil
}
