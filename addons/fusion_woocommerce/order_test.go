package woocommerce

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"

	"github.com/jackc/pgx/v5/pgconn"
)

// An order of a store is resolved by who manages stores, or may change the sale
// order that came of it; who only reads both may not.
func TestWhoResolvesAnOrder(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, addons()...)
	inst := connect(t, env, "https://shop.example", nil)
	user := func(login string, groups ...string) *orm.Env {
		var ids []int64
		for _, g := range groups {
			ids = append(ids, must(env.Ref(g))(t).ID())
		}
		return env.WithUser(must(env.Model("res.users").Create(orm.Values{"name": login, "login": login, "group_ids": []orm.Command{orm.SetIDs(ids...)}}))(t).ID())
	}
	reader, manager := user("reader", "fusion_woocommerce.group_woo_user"), user("manager", "fusion_woocommerce.group_woo_manager")
	seller := user("seller", "fusion_woocommerce.group_woo_user", "sales_team.group_sale_salesman_all_leads")
	partner := must(env.Model("res.partner").Create(orm.Values{"name": "Customer"}))(t).ID()
	sold := must(env.Model("sale.order").Create(orm.Values{"partner_id": partner}))(t).ID()
	order := func(remote int64, sale any) int64 {
		return must(env.Model("woo.order").Create(orm.Values{"instance_id": inst.ID, "company_id": inst.CompanyID.ID, "woo_id": remote, "sale_order_id": sale, "attention": "look"}))(t).ID()
	}
	with, without := order(1, sold), order(2, nil)
	for _, tc := range []struct {
		who   string
		env   *orm.Env
		order int64
		may   bool
	}{{"reader", reader, with, false}, {"reader", reader, without, false}, {"seller", seller, with, true}, {"seller", seller, without, false}, {"manager", manager, with, true}, {"manager", manager, without, true}} {
		rs := env.Model("woo.order").Browse(tc.order)
		if err := rs.Write(orm.Values{"attention": "look"}); err != nil {
			t.Fatal(err)
		}
		err := env.Savepoint(func(*orm.Env) error {
			_, err := rs.In(tc.env).Call(Resolved.Name, orm.Args{})
			return err
		})
		left := must(rs.Value("attention"))(t) == "look"
		if (err == nil) != tc.may || left == tc.may || err != nil && !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("the %s resolves order %d: %v, and it is still marked: %v", tc.who, tc.order, err, left)
		}
	}
}

// What a person can mend holds an order; what another attempt may mend does not.
func TestWhatHoldsAnOrder(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err   error
		holds bool
	}{
		{holdf("why"), true},
		{orm.UserErrorf("no"), true},
		{&orm.Error{Code: orm.CodeValidation, Message: "A value does not fit its field", Err: &pgconn.PgError{Code: "22003"}}, true},
		{&pgconn.PgError{Code: "54000", Message: "index row size"}, true},
		{&orm.Error{Code: orm.CodeUser, Message: "The operation took too long and was stopped.", Err: &pgconn.PgError{Code: "57014"}}, false},
		{&orm.Error{Code: orm.CodeValidation, Message: "It is there already", Err: &pgconn.PgError{Code: "23505"}}, false},
		{&pgconn.PgError{Code: "40001"}, false},
		{errors.New("no luck"), false},
	} {
		if why, holds := reasonOf(tc.err); holds != tc.holds || holds == (why == "") {
			t.Errorf("%v holds an order: %v, %q", tc.err, holds, why)
		}
	}
}

// A marketplace splits an order into the parts of its vendors, all of which come through
// the list of orders. Goods and money are booked once.
func TestMarketplaceOrdersAreBookedOnce(t *testing.T) {
	t.Parallel()
	env := start(t)
	raw := must(os.ReadFile("ordermap/testdata/cases/marketplace.json"))(t)
	var orders []wcapi.Order
	if err := json.Unmarshal(raw, &orders); err != nil {
		t.Fatal(err)
	}
	cad := must(env.WithContext(map[string]any{"active_test": false}).Model("res.currency").Search(orm.Leaf("name", "=", "CAD"), orm.SearchOptions{}))(t)
	if err := cad.Write(orm.Values{"active": true}); err != nil {
		t.Fatal(err)
	}
	if err := env.Model("res.company").Browse(env.Company()).Write(orm.Values{"currency_id": cad.ID()}); err != nil {
		t.Fatal(err)
	}
	must(env.Model("product.pricelist").Create(orm.Values{"name": "CAD", "currency_id": cad.ID()}))(t)
	for name, tc := range map[string]struct {
		policy   string
		sequence []int
		states   string // of 7000, 7001, 7002
	}{
		"held":           {"hold", []int{0, 1, 2}, "imported held held"},
		"held, upwards":  {"hold", []int{2, 1, 0}, "imported held held"},
		"whole":          {"parent", []int{0, 1, 2}, "imported received received"},
		"whole, upwards": {"parent", []int{2, 1, 0}, "imported received received"},
		"parts":          {"children", []int{1, 2, 0}, "received imported imported"},
	} {
		t.Run(name, func(t *testing.T) {
			inst := connect(t, env, "https://"+strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), ",", "")+".example", orm.Values{"marketplace_policy": tc.policy, "unknown_product": "placeholder",
				"payment_map_ids": []orm.Command{orm.CreateLine(orm.Values{"gateway": gatewayOf(orders[0].PaymentMethod), "name": "Card"})}})
			for _, i := range tc.sequence {
				o := orders[i]
				got := &fetchedOrder{order: &o, tried: map[int64]bool{301: true, 302: true}}
				if err := applyOrder(importEnv(env, inst), inst, remoteJob{Instance: inst.ID, ID: int64(o.ID), Source: "poll"}, got, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			list := must(orm.Search[Order](env, orm.Leaf("instance_id", "=", inst.ID), orm.SearchOptions{Order: "woo_id"}, "sale_order_id"))(t)
			var states []string
			total := "0"
			for _, o := range list {
				states = append(states, o.State)
				if s := o.SaleID.Rec(); s != nil {
					total += "+" + s.AmountTotal.StringFixed(2)
				}
				if o.State != OrderImported && o.HoldReason == "" {
					t.Errorf("order %d is %s without a reason", o.RemoteID, o.State)
				}
			}
			if got := strings.Join(states, " "); got != tc.states {
				t.Errorf("%s, not %s", got, tc.states)
			}
			if total != "0+50.00" && total != "0+20.00+30.00" {
				t.Errorf("booked are %s", total)
			}
		})
	}
}

// Salespeople who have no right to anything of the stores read contacts and orders with
// all their fields.
func TestSalespeopleReadAllFields(t *testing.T) {
	t.Parallel()
	env := start(t)
	seller := env.WithUser(must(env.Model("res.users").Create(orm.Values{"name": "Sam", "login": "sam", "group_ids": []orm.Command{orm.SetIDs(must(env.Ref("sales_team.group_sale_salesman_all_leads"))(t).ID())}}))(t).ID())
	partner := must(env.Model("res.partner").Create(orm.Values{"name": "Customer"}))(t).ID()
	must(env.Model("sale.order").Create(orm.Values{"partner_id": partner}))(t)
	for _, model := range []string{"res.partner", "sale.order"} {
		rows := must(json.Marshal(must(rpc.Call(seller, model, "search_read", []any{[]any{}, []any{}}, nil))(t)))(t)
		if !strings.Contains(string(rows), `"display_name"`) || strings.Contains(string(rows), "woo_") {
			t.Errorf("%s: a salesperson reads %s", model, rows)
		}
	}
	// Whatever the addon adds to a model of others and leads to one of its own has groups.
	for _, m := range env.Registry().Models() {
		if strings.HasPrefix(m.Name, "woo.") {
			continue
		}
		for _, f := range m.Fields {
			if strings.HasPrefix(f.Comodel, "woo.") && len(f.Groups) == 0 {
				t.Errorf("%s.%s leads to %s and has no groups", m.Name, f.Name, f.Comodel)
			}
		}
	}
}
