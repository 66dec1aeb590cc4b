package livestore

import (
	"context"
	"fmt"
	"testing"

	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/framework/orm"
)

// syncCustomers compares customers, all of them as once a day, and sends what follows.
func (e *erp) syncCustomers() {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		if err := env.Model("woo.instance").Browse(e.instance).Write(orm.Values{"customers_compared_at": nil}); err != nil {
			return err
		}
		_, err := orm.InvokeModel(env, woocommerce.CronCustomers)
		return err
	})
	e.idle()
	e.sendAll()
}

// TestCustomersBothWays changes contacts and accounts of the store at either end and
// at both.
func TestCustomersBothWays(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)
	e.poll()
	e.idle()
	e.syncCustomers()
	link := e.count("SELECT min(id) FROM woo_customer WHERE woo_customer_id > 1")
	remote := int64(e.count("SELECT woo_customer_id FROM woo_customer WHERE id = ?", link))
	contact := e.count("SELECT partner_id FROM woo_customer WHERE id = ?", link)
	here := func(vals orm.Values) {
		t.Helper()
		e.run(func(env *orm.Env) error { return env.Model("res.partner").Browse(int64(contact)).Write(vals) })
	}
	there := func(billing map[string]any) {
		t.Helper()
		if _, err := e.api().UpdateCustomer(context.Background(), remote, map[string]any{"billing": billing}); err != nil {
			t.Fatal(err)
		}
	}
	both := func(t *testing.T, want string) {
		t.Helper()
		e.syncCustomers()
		c, err := e.api().Customer(context.Background(), remote)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "in the store", c.Billing.FirstName+" "+c.Billing.LastName+", "+c.Billing.Address1+", "+c.Billing.City+", "+c.Billing.Phone, want)
		equal(t, "here", e.text("SELECT name || ', ' || street || ', ' || city || ', ' || COALESCE(phone, '') FROM res_partner WHERE id = ?", contact), want)
	}
	t.Run("the store's user knows the contact", func(t *testing.T) {
		c, err := e.api().Customer(context.Background(), remote)
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, m := range c.MetaData {
			if m.Key == "odoo_customer_id" {
				found += m.Text() + ";"
			}
		}
		equal(t, "odoo_customer_id", found, fmt.Sprintf("%d;", contact))
	})
	t.Run("changed here", func(t *testing.T) {
		here(orm.Values{"name": "Ann van Dam", "street": "1 New Street", "city": "Perth", "phone": "613-555-0101"})
		both(t, "Ann van Dam, 1 New Street, Perth, 613-555-0101")
	})
	t.Run("changed in the store", func(t *testing.T) {
		there(map[string]any{"address_1": "2 Other Road", "city": "Almonte"})
		both(t, "Ann van Dam, 2 Other Road, Almonte, 613-555-0101")
	})
	t.Run("different fields at both ends", func(t *testing.T) {
		here(orm.Values{"phone": "613-555-0202"})
		there(map[string]any{"city": "Carp"})
		both(t, "Ann van Dam, 2 Other Road, Carp, 613-555-0202")
	})
	t.Run("one field at both ends", func(t *testing.T) {
		here(orm.Values{"city": "Arnprior"})
		there(map[string]any{"city": "Renfrew"})
		e.syncCustomers()
		press := func(button string) {
			e.run(func(env *orm.Env) error {
				rs, err := env.Model("woo.conflict").Search(orm.And(orm.Leaf("customer_id", "=", link), orm.Leaf("state", "=", "open")), orm.SearchOptions{})
				if err != nil || rs.Len() != 1 {
					return fmt.Errorf("%d open conflicts: %v", rs.Len(), err)
				}
				_, err = rs.Call(button, orm.Args{})
				return err
			})
		}
		press("action_use_odoo")
		both(t, "Ann van Dam, 2 Other Road, Arnprior, 613-555-0202")
		here(orm.Values{"city": "Pakenham"})
		there(map[string]any{"city": "Kanata"})
		e.syncCustomers()
		press("action_use_woo")
		both(t, "Ann van Dam, 2 Other Road, Kanata, 613-555-0202")
	})
	t.Run("nothing changed, nothing sent", func(t *testing.T) {
		before := e.count("SELECT count(*) FROM woo_outbox")
		e.syncCustomers()
		equal(t, "changes", e.count("SELECT count(*) FROM woo_outbox"), before)
	})
}
