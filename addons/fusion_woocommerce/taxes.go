package woocommerce

import (
	"fmt"
	"strings"

	"fusion/addons/account"
	"fusion/addons/fusion_woocommerce/wcapi"
	"fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// mapTaxes lists the store's tax rates and finds, or makes, the tax of the ERP
// each one is. A rate that changed keeps its old entry, for the orders placed
// under it, and gets a new one.
func mapTaxes(env *orm.Env, inst *Instance, rates []wcapi.Tax) error {
	for _, r := range rates {
		if _, err := taxFor(env, inst, rate{ID: int64(r.ID), Name: wcapi.Unescape(r.Name), Percent: r.Rate.Or(decimal.Zero), Compound: bool(r.Compound),
			Shipping: bool(r.Shipping), Class: r.Class, Country: r.Country, State: r.State, Priority: int(r.Priority)}); err != nil {
			return err
		}
	}
	return nil
}

// rate is a tax rate of the store as it stood at some time.
type rate struct {
	ID                    int64
	Name                  string
	Percent               decimal.Decimal
	Compound, Shipping    bool
	Class, Country, State string
	Priority              int
}

// taxFor is the ERP's tax of a store's rate.
func taxFor(env *orm.Env, inst *Instance, r rate) (int64, error) {
	key := fmt.Sprintf("woo.tax:%d:%d:%s", inst.ID, r.ID, r.Percent)
	return orm.Memo(env, key, func() (int64, error) {
		m, err := orm.First[TaxMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_rate_id", "=", r.ID), orm.Leaf("rate", "=", r.Percent)), "id desc")
		if err != nil {
			return 0, err
		}
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
		_, err = env.Model("woo.tax.map").Create(orm.Values{"instance_id": inst.ID, "company_id": inst.CompanyID.ID, "woo_rate_id": r.ID, "name": r.Name,
			"woo_tax_class": r.Class, "country": r.Country, "state": r.State, "rate": r.Percent, "compound": r.Compound, "on_shipping": r.Shipping, "woo_priority": r.Priority, "tax_id": tax})
		return tax, err
	})
}

// findTax takes a sales tax of the same name, percentage and kind, or makes
// one. A compound rate is charged on the price and the taxes before it; the
// others add to what it is charged on but are not affected themselves.
func findTax(env *orm.Env, inst *Instance, r rate) (int64, error) {
	name := strings.TrimSpace(fmt.Sprintf("%s %s%%", r.Name, r.Percent.String()))
	if place := strings.Trim(r.Country+"-"+r.State, "-"); place != "" {
		name += " (" + place + ")"
	}
	vals := orm.Values{"name": name, "type_tax_use": "sale", "amount_type": "percent", "amount": r.Percent, "company_id": inst.CompanyID.ID,
		"include_base_amount": true, "is_base_affected": r.Compound, "sequence": 10 + r.Priority, "description": r.Name}
	if r.Compound {
		vals["sequence"] = 100 + r.Priority
	}
	env = env.WithCompany(inst.CompanyID.ID)
	old, err := env.Model("account.tax").Search(orm.And(orm.Leaf("name", "=", name), orm.Leaf("type_tax_use", "=", "sale"), orm.Leaf("company_id", "=", inst.CompanyID.ID),
		orm.Leaf("amount", "=", r.Percent), orm.Leaf("is_base_affected", "=", r.Compound)), orm.SearchOptions{Limit: 1})
	if err != nil || old.Len() > 0 {
		return old.ID(), err
	}
	made, err := env.Model("account.tax").Create(vals)
	return made.ID(), err
}
