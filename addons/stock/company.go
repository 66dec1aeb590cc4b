package stock

import (
	"fmt"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

func defineCompany(r *orm.Registry) {
	c := orm.Extend[Company](r, "res.company")
	c.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, vals []orm.Values) (orm.Records, error) {
			made, err := super(rs, vals)
			if err != nil {
				return made, err
			}
			return made, setupCompanies(rs.Env, made.IDs)
		}
	})
}

// Company adds to a company its warehouses.
type Company struct {
	base.Company
	WarehouseIDs orm.Many[Warehouse] `orm:"warehouse_ids,inverse=company_id" label:"Warehouses"`
}

// setupCompanies gives companies that lack them the places where products are
// lost, made and scrapped, and a warehouse.
func setupCompanies(env *orm.Env, companies []int64) error {
	env = env.Sudo().WithContext(map[string]any{"active_test": false})
	root, _, err := env.FindRef("stock.stock_location_locations_virtual")
	if err != nil {
		return err
	}
	for _, company := range companies {
		env := env.WithCompany(company)
		for _, l := range []struct {
			name, usage string
			scrap       bool
		}{{"Inventory adjustment", "inventory", false}, {"Production", "production", false}, {"Scrap", "inventory", true}} {
			n, err := env.Model("stock.location").SearchCount(orm.And(orm.Leaf("company_id", "=", company), orm.Leaf("usage", "=", l.usage), orm.Leaf("scrap_location", "=", l.scrap)), 1)
			if err != nil {
				return err
			}
			if n > 0 {
				continue
			}
			if _, err := env.Model("stock.location").Create(orm.Values{"name": l.name, "usage": l.usage, "scrap_location": l.scrap, "company_id": company, "location_id": orNil(root.ID())}); err != nil {
				return err
			}
		}
		n, err := env.Model("stock.warehouse").SearchCount(orm.Leaf("company_id", "=", company), 1)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		if _, err := env.Model("stock.warehouse").Create(orm.Values{"company_id": company}); err != nil {
			return fmt.Errorf("warehouse of company %d: %w", company, err)
		}
	}
	return nil
}

// virtualLocation is the place of a company where products of one usage go to.
func virtualLocation(env *orm.Env, company int64, usage string, scrap bool) (int64, error) {
	l, err := orm.First[Location](env.Sudo(), orm.And(orm.Leaf("company_id", "=", company), orm.Leaf("usage", "=", usage), orm.Leaf("scrap_location", "=", scrap)), "id")
	if err != nil {
		return 0, err
	}
	if l == nil {
		return 0, orm.UserErrorf("The company has no location for this: one of type “%s” is needed. Create it under Configuration, Locations.", usage)
	}
	return l.ID, nil
}
