package main

import (
	"fmt"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
)

// company makes the one company of the database the store's owner, once.
func (d *demo) company(env *orm.Env) error {
	if _, done, err := base.GetParam(env, paramCompany); done || err != nil {
		return err
	}
	about := d.shop.about
	currency, err := one(env, "res.currency", orm.Leaf("name", "=", about.Currency))
	if err != nil {
		return err
	}
	if currency == 0 {
		return fmt.Errorf("the store sells in %s, which is no currency of this program", about.Currency)
	}
	vals := orm.Values{"name": about.Name, "currency_id": currency, "street": about.Street, "street2": about.Street2, "city": about.City, "zip": about.Zip}
	country, err := one(env, "res.country", orm.Leaf("code", "=", about.Country))
	if err != nil {
		return err
	}
	if country != 0 {
		state, err := one(env, "res.country.state", orm.And(orm.Leaf("country_id", "=", country), orm.Leaf("code", "=", about.State)))
		if err != nil {
			return err
		}
		vals["country_id"], vals["state_id"] = country, orNothing(state)
	}
	company, err := env.Ref("base.main_company")
	if err != nil {
		return err
	}
	if err := company.Write(vals); err != nil {
		return err
	}
	admin, err := env.Ref("base.user_admin")
	if err != nil {
		return err
	}
	if err := admin.Write(orm.Values{"tz": about.TimeZone}); err != nil {
		return err
	}
	if err := d.rates(env, company.ID(), about.Currency); err != nil {
		return err
	}
	return base.SetParam(env, paramCompany, about.Name)
}

func orNothing(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// one finds a record, archived ones too; 0 when there is none.
func one(env *orm.Env, model string, d orm.Domain) (int64, error) {
	rs, err := env.WithContext(map[string]any{"active_test": false}).Model(model).Search(d, orm.SearchOptions{Limit: 1})
	return rs.ID(), err
}

// perDollar is roughly what a US dollar buys, for demonstrations of stores that
// sell in several currencies.
var perDollar = map[string]float64{
	"USD": 1, "CAD": 1.36, "EUR": 0.92, "GBP": 0.79, "CHF": 0.88, "AUD": 1.52, "NZD": 1.66, "JPY": 150, "CNY": 7.2, "INR": 83, "HKD": 7.8, "SGD": 1.34,
	"SEK": 10.5, "NOK": 10.6, "DKK": 6.9, "PLN": 4, "CZK": 23, "HUF": 360, "RON": 4.6, "MXN": 17, "BRL": 5, "ZAR": 18.5, "KRW": 1330, "KWD": 0.307, "BHD": 0.376,
	"TND": 3.1, "AED": 3.67, "SAR": 3.75, "TRY": 32, "ILS": 3.7, "THB": 36, "CLP": 940, "ISK": 137,
}

// rates enters exchange rates for the currencies of the store's orders, long
// before the first of them. A currency without one is left to a person.
func (d *demo) rates(env *orm.Env, company int64, own string) error {
	orders, err := d.shop.orders()
	if err != nil {
		return err
	}
	done := map[string]bool{own: true}
	for _, o := range orders {
		if done[o.Currency] || perDollar[o.Currency] == 0 || perDollar[own] == 0 {
			continue
		}
		done[o.Currency] = true
		currency, err := one(env, "res.currency", orm.Leaf("name", "=", o.Currency))
		if err != nil || currency == 0 {
			return err
		}
		if _, err := env.Model("res.currency.rate").Create(orm.Values{"name": "2000-01-01", "currency_id": currency, "company_id": company, "rate": perDollar[o.Currency] / perDollar[own]}); err != nil {
			return err
		}
	}
	return nil
}

// stock counts, once, what the store has and what its open orders have taken
// already, so that their deliveries find their goods and as much stays free here
// as the store offers.
func (d *demo) stock(env *orm.Env) error {
	if _, done, err := base.GetParam(env, paramStock); done || err != nil {
		return err
	}
	inst, err := orm.Get[woocommerce.Instance](env, d.instance, "default_warehouse_id")
	if err != nil {
		return err
	}
	house := inst.WarehouseID.Rec()
	if house == nil {
		return fmt.Errorf("%s has no warehouse", inst.Name)
	}
	orders, err := d.shop.orders()
	if err != nil {
		return err
	}
	taken := map[int64]decimal.Decimal{}
	for _, o := range orders {
		for _, l := range o.Lines {
			id := l.Product
			if l.Variation != 0 {
				id = l.Variation
			}
			taken[id] = taken[id].Add(l.Quantity)
		}
	}
	maps, err := orm.Search[woocommerce.ProductMap](env, orm.And(orm.Leaf("instance_id", "=", d.instance), orm.Leaf("state", "=", "mapped"), orm.Leaf("product_id.is_storable", "=", true)), orm.SearchOptions{Order: "id"})
	if err != nil {
		return err
	}
	var counts []stock.Count
	for _, m := range maps {
		if q := decimal.Max(m.Stock, decimal.Zero).Add(taken[m.RemoteID]); q.IsPositive() {
			counts = append(counts, stock.Count{Product: m.ProductID.ID, Location: house.LotStockID.ID, Quantity: q})
		}
	}
	if len(counts) > 0 {
		if err := stock.ApplyCounts(env.WithCompany(inst.CompanyID.ID), counts...); err != nil {
			return err
		}
	}
	return base.SetParam(env, paramStock, "counted")
}
