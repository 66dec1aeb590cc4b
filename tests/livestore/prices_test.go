package livestore

import (
	"context"
	"fmt"
	"testing"

	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/framework/orm"
)

// syncPrices fetches the products, compares prices, and sends what follows.
func (e *erp) syncPrices() {
	e.t.Helper()
	e.cron(woocommerce.CronProducts)
	e.idle()
	e.sendAll()
}

// storePrice is the regular price, and the sale price if there is one.
func (e *erp) storePrice(p counted) string {
	e.t.Helper()
	got, err := e.api().Product(context.Background(), p.remote)
	if err != nil {
		e.t.Fatal(err)
	}
	out := got.RegularPrice.String()
	if got.SalePrice.Set {
		out += " sale " + got.SalePrice.String()
		if !got.SaleTo.IsZero() {
			out += " to " + got.SaleTo.Format("2006-01-02 15:04:05")
		}
	}
	return out
}

func (e *erp) ourPrice(p counted) string {
	e.t.Helper()
	return e.text("SELECT trim_scale(t.list_price)::text FROM product_product p JOIN product_template t ON t.id = p.product_tmpl_id WHERE p.id = ?", p.product)
}

func (e *erp) setOurs(p counted, price any) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		return env.Model("product.product").Browse(p.product).Write(orm.Values{"lst_price": price})
	})
}

func (e *erp) setTheirs(p counted, fields string) {
	e.t.Helper()
	if err := e.store.EditProduct(int(p.remote), []byte("{"+fields+"}")); err != nil {
		e.t.Fatal(err)
	}
}

// press presses a button of the open conflicts about a product.
func (e *erp) press(p counted, button string, vals orm.Values) error {
	e.t.Helper()
	return e.db.Run(context.Background(), orm.System(), func(env *orm.Env) error {
		rs, err := env.Model("woo.conflict").Search(orm.And(orm.Leaf("map_id", "=", p.mapping), orm.Leaf("state", "=", "open")), orm.SearchOptions{})
		if err != nil || rs.Len() != 1 {
			return fmt.Errorf("%d open conflicts: %v", rs.Len(), err)
		}
		if err := rs.Write(vals); err != nil {
			return err
		}
		_, err = rs.Call(button, orm.Args{})
		return err
	})
}

func (e *erp) openConflicts(p counted) int {
	return e.count("SELECT count(*) FROM woo_conflict WHERE map_id = ? AND state = 'open'", p.mapping)
}

// TestPricesBothWays changes prices at either end and at both.
func TestPricesBothWays(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)
	products := e.countedProducts(false)
	p, q, r := products[0], products[1], products[2]
	for _, c := range []counted{p, q, r} {
		e.setTheirs(c, `"regular_price": "20.00", "sale_price": ""`)
		e.setOurs(c, 20)
	}
	e.syncPrices() // both ends agree
	if why := e.text("SELECT price_block FROM woo_instance"); why != "" {
		t.Fatal(why)
	}
	prices := func(t *testing.T, c counted, ours, theirs string) {
		t.Helper()
		if a, b := e.ourPrice(c), e.storePrice(c); a != ours || b != theirs {
			t.Errorf("here %s, in the store %s; want %s and %s; outbox: %s", a, b, ours, theirs, e.text("SELECT string_agg(name || ' ' || state || ' ' || COALESCE(reason, ''), '; ' ORDER BY id) FROM woo_outbox WHERE target = ?", fmt.Sprintf("product:%d", c.remote)))
		}
	}
	t.Run("changed here", func(t *testing.T) {
		e.setOurs(p, 22.5)
		e.syncPrices()
		prices(t, p, "22.5", "22.5")
	})
	t.Run("changed in the store", func(t *testing.T) {
		e.setTheirs(p, `"regular_price": "24.10"`)
		e.syncPrices()
		prices(t, p, "24.1", "24.1")
	})
	t.Run("its echo changes nothing", func(t *testing.T) {
		before := e.count("SELECT count(*) FROM woo_outbox")
		e.syncPrices()
		prices(t, p, "24.1", "24.1")
		equal(t, "changes", e.count("SELECT count(*) FROM woo_outbox"), before)
	})
	t.Run("changed at both ends", func(t *testing.T) {
		e.setOurs(p, 30)
		e.setTheirs(p, `"regular_price": "31"`)
		e.syncPrices()
		prices(t, p, "30", "31")
		equal(t, "conflicts", e.openConflicts(p), 1)
		equal(t, "state of the mapping", e.text("SELECT state FROM woo_product_map WHERE id = ?", p.mapping), "conflict")
		// A decision on values that are out of date is refused.
		e.setOurs(p, 30.5)
		if err := e.press(p, "action_use_odoo", nil); err == nil {
			t.Error("a decision on old values is taken")
		}
		e.syncPrices()
		if err := e.press(p, "action_use_odoo", nil); err != nil {
			t.Fatal(err)
		}
		e.idle()
		e.sendAll()
		prices(t, p, "30.5", "30.5")
		equal(t, "conflicts", e.openConflicts(p), 0)
		equal(t, "state of the mapping", e.text("SELECT state FROM woo_product_map WHERE id = ?", p.mapping), "mapped")
	})
	t.Run("the store's price is used, then one of its own", func(t *testing.T) {
		e.setOurs(q, 11)
		e.setTheirs(q, `"regular_price": "12"`)
		e.syncPrices()
		if err := e.press(q, "action_use_woo", nil); err != nil {
			t.Fatal(err)
		}
		e.syncPrices()
		prices(t, q, "12", "12")
		e.setOurs(q, 13)
		e.setTheirs(q, `"regular_price": "14"`)
		e.syncPrices()
		if err := e.press(q, "action_use_own", orm.Values{"own_value": "15.25"}); err != nil {
			t.Fatal(err)
		}
		e.syncPrices()
		prices(t, q, "15.25", "15.25")
	})
	t.Run("empty is no price and 0 is free", func(t *testing.T) {
		e.setOurs(r, 0)
		e.set(orm.Values{"price_guard": 0})
		e.syncPrices()
		prices(t, r, "0", "0")
		e.setTheirs(r, `"regular_price": ""`)
		e.syncPrices()
		prices(t, r, "0", "")
		equal(t, "conflicts", e.openConflicts(r), 1)
	})
	t.Run("a deep drop waits for a person", func(t *testing.T) {
		e.set(orm.Values{"price_guard": 50})
		e.setOurs(p, 3.05)
		e.syncPrices()
		prices(t, p, "3.05", "30.5")
		e.run(func(env *orm.Env) error {
			rs, err := env.Model("woo.outbox").Search(orm.Leaf("state", "=", "held"), orm.SearchOptions{})
			if err != nil || rs.Len() != 1 {
				return fmt.Errorf("%d changes are held: %v", rs.Len(), err)
			}
			_, err = rs.Call("action_release", orm.Args{})
			return err
		})
		e.idle()
		e.sendAll()
		prices(t, p, "3.05", "3.05")
	})
	t.Run("changed in the store while it was being sent", func(t *testing.T) {
		e.set(orm.Values{"dry_run": true})
		e.setOurs(q, 16)
		e.cron(woocommerce.CronProducts)
		e.idle()
		e.setTheirs(q, `"regular_price": "17"`)
		e.set(orm.Values{"dry_run": false})
		e.sendAll()
		prices(t, q, "16", "17")
		equal(t, "conflicts", e.openConflicts(q), 1)
	})
	t.Run("a sale with dates", func(t *testing.T) {
		var list, rule int64
		e.run(func(env *orm.Env) error {
			made, err := env.Model("product.pricelist").Create(orm.Values{"name": "Sale"})
			if err != nil {
				return err
			}
			list = made.ID()
			item, err := env.Model("product.pricelist.item").Create(orm.Values{"pricelist_id": list, "applied_on": "0_product_variant", "product_id": p.product, "fixed_price": 2.5,
				"date_start": "2020-01-01 00:00:00", "date_end": "2099-12-31 23:00:00"})
			rule = item.ID()
			return err
		})
		e.set(orm.Values{"sale_pricelist_id": list})
		e.syncPrices()
		prices(t, p, "3.05", "3.05 sale 2.5 to 2099-12-31 23:00:00")
		e.run(func(env *orm.Env) error { return env.Model("product.pricelist.item").Browse(rule).Unlink() })
		e.syncPrices()
		prices(t, p, "3.05", "3.05")
	})
	t.Run("another currency", func(t *testing.T) {
		e.run(func(env *orm.Env) error {
			return env.Model("woo.instance").Browse(e.instance).Write(orm.Values{"store_currency": "USD"})
		})
		e.setOurs(p, 3.5)
		e.syncPrices()
		prices(t, p, "3.5", "3.05")
		if e.text("SELECT price_block FROM woo_instance") == "" {
			t.Error("nobody is told that prices are not exchanged")
		}
	})
}
