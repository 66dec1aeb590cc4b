package woocommerce

import (
	"fmt"
	"strings"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// mapTaxes lists the store's tax rates and finds, or makes, the tax of the ERP
// each one is. A rate that changed keeps its old entry, for the orders placed
// under it, and gets a new one.
func mapTaxes(env *orm.Env, inst *Instance, rates []wcapi.Tax) error {
	for _, r := range rates {
		if _, err := taxFor(env, inst, ordermap.Rate{ID: int64(r.ID), Name: wcapi.Unescape(r.Name), Percent: r.Rate.Or(decimal.Zero), Compound: bool(r.Compound), Shipping: bool(r.Shipping),
			Class: r.Class, Country: r.Country, State: r.State, Priority: int(r.Priority)}); err != nil {
			return err
		}
	}
	return nil
}

// taxMaps are the rates of an instance that are known.
func taxMaps(env *orm.Env, inst *Instance) ([]*TaxMap, error) {
	return orm.Memo(env, "woo.taxes:"+itoa(inst.ID), func() ([]*TaxMap, error) {
		return orm.Search[TaxMap](env, orm.Leaf("instance_id", "=", inst.ID), orm.SearchOptions{Order: "id desc"})
	})
}

// findRate is the entry of a rate as it stood at some time.
func findRate(maps []*TaxMap, id int64, percent decimal.Decimal) *TaxMap {
	for _, m := range maps {
		if m.RateID == id && m.Rate.Equal(percent.Round(4)) {
			return m
		}
	}
	return nil
}

// taxFor is the ERP's tax of a store's rate; it is found or made when the rate
// is new.
func taxFor(env *orm.Env, inst *Instance, r ordermap.Rate) (int64, error) {
	maps, err := taxMaps(env, inst)
	if err != nil {
		return 0, err
	}
	m := findRate(maps, r.ID, r.Percent)
	if m != nil && m.TaxID.IsSet() {
		return m.TaxID.ID, nil
	}
	tax, err := findTax(env, inst, r)
	if err != nil {
		return 0, err
	}
	if m != nil {
		m.TaxID = orm.RefTo[account.Tax](tax)
		return tax, orm.Save(env, []*TaxMap{m}, "tax_id")
	}
	// A percentage of zero is one, so it is given as a value.
	_, err = env.Model("woo.tax.map").Create(orm.Values{"instance_id": inst.ID, "company_id": inst.CompanyID.ID, "woo_rate_id": r.ID, "name": r.Name, "woo_tax_class": r.Class,
		"country": r.Country, "state": r.State, "rate": r.Percent.Round(4), "compound": r.Compound, "on_shipping": r.Shipping, "woo_priority": r.Priority, "tax_id": tax})
	if err != nil {
		return 0, err
	}
	env.Forget("woo.taxes:" + itoa(inst.ID))
	return tax, nil
}

// createRates finds or makes the taxes of an order's rates. What the order was mapped
// with may be out of date: its rate may be one that another order of a tax service, the
// first one too, brought along meanwhile. So it is matched with those known now, after
// each that is new.
func createRates(env *orm.Env, inst *Instance, o *wcapi.Order) error {
	cur, err := currencyOf(env, o.Currency)
	if err != nil {
		return err
	}
	for made := true; made; {
		maps, err := taxMaps(env, inst)
		if err != nil {
			return err
		}
		made = false
		for _, r := range ordermap.Map(ordermap.Input{Order: *o, Rates: ratesOf(maps), Places: cur.places}).Rates {
			if m := findRate(maps, r.ID, r.Percent); m != nil && m.TaxID.IsSet() {
				continue
			}
			if _, err := taxFor(env, inst, r); err != nil {
				return err
			}
			made = true
			break
		}
	}
	return nil
}

// findTax takes a sales tax of the same name, percentage and kind, or makes
// one. A compound rate is charged on the price and the taxes before it; the
// others add to what it is charged on but are not affected themselves.
func findTax(env *orm.Env, inst *Instance, r ordermap.Rate) (int64, error) {
	name := strings.TrimSpace(fmt.Sprintf("%s %s%%", r.Name, r.Percent.String()))
	if r.Compound {
		name += " compound"
	}
	if place := strings.Trim(r.Country+"-"+r.State, "-"); place != "" {
		name += " (" + place + ")"
	}
	env = env.WithCompany(inst.CompanyID.ID)
	old, err := env.Model("account.tax").Search(orm.And(orm.Leaf("name", "=", name), orm.Leaf("type_tax_use", "=", "sale"), orm.Leaf("company_id", "=", inst.CompanyID.ID)), orm.SearchOptions{Limit: 1})
	if err != nil || old.Len() > 0 {
		return old.ID(), err
	}
	vals := orm.Values{"name": name, "type_tax_use": "sale", "amount_type": "percent", "amount": r.Percent, "company_id": inst.CompanyID.ID, "price_include_override": "tax_excluded",
		"include_base_amount": true, "is_base_affected": r.Compound, "sequence": 10 + r.Priority, "invoice_label": r.Name}
	if r.Compound {
		vals["sequence"] = 100 + r.Priority
	}
	if vals["tax_group_id"], err = taxGroup(env, inst.CompanyID.ID, r.Name); err != nil {
		return 0, err
	}
	if account, err := taxAccount(env, inst.CompanyID.ID); err != nil {
		return 0, err
	} else if account != 0 {
		shares := []orm.Command{orm.CreateLine(orm.Values{"repartition_type": "base"}), orm.CreateLine(orm.Values{"repartition_type": "tax", "account_id": account})}
		vals["invoice_repartition_line_ids"], vals["refund_repartition_line_ids"] = shares, shares
	}
	made, err := env.Model("account.tax").Create(vals)
	return made.ID(), err
}

// taxGroup is the line of a document's totals on which a tax is shown: that
// with the name of the rate.
func taxGroup(env *orm.Env, company int64, name string) (int64, error) {
	old, err := env.Model("account.tax.group").Search(orm.And(orm.Leaf("name", "=", name), orm.Leaf("company_id", "=", company)), orm.SearchOptions{Limit: 1})
	if err != nil || old.Len() > 0 {
		return old.ID(), err
	}
	made, err := env.Model("account.tax.group").Create(orm.Values{"name": name, "company_id": company})
	return made.ID(), err
}

// taxAccount is where the company books its default sales tax, 0 when nowhere
// of its own.
func taxAccount(env *orm.Env, company int64) (int64, error) {
	// SQL: an import reads the books of the company whoever started it.
	account, _, err := orm.MaybeRow[int64](env, orm.SQL(`SELECT l.account_id FROM res_company c JOIN account_tax_repartition_line l ON l.invoice_tax_id = c.account_sale_tax_id
		WHERE c.id = ? AND l.repartition_type = 'tax' AND l.account_id IS NOT NULL ORDER BY l.sequence, l.id LIMIT 1`, company).
		Reads("res.company", "account_sale_tax_id").Reads("account.tax.repartition.line"))
	return account, err
}
