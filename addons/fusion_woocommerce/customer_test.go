package woocommerce

import (
	"encoding/json"
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"

	"github.com/shopspring/decimal"
)

func decimalsEqual(a, b string) bool {
	return decimal.RequireFromString(a).Equal(decimal.RequireFromString(b))
}

// buys finds the contact of an order with this customer.
func buys(t *testing.T, env *orm.Env, inst *Instance, order string) (orderPartners, *base.Partner) {
	t.Helper()
	var o wcapi.Order
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		t.Fatal(err)
	}
	m := ordermap.Map(ordermap.Input{Order: o, Places: 2})
	b := must(orderPartnersOf(env, inst, &m))(t)
	return b, must(orm.Get[base.Partner](env, b.partner))(t)
}

func TestOneCustomerIsOneContact(t *testing.T) {
	t.Parallel()
	env := start(t)
	inst := connect(t, env, "https://shop.example", nil)
	known := must(env.Model("res.partner").Create(orm.Values{"name": "Known", "email": "Known@Mail.Example"}))(t)
	const address = `"address_1":"1 Elm St","city":"Ottawa","state":"ON","postcode":"K1A 0B1","country":"CA"`
	guest := func(email string) string {
		return fmt.Sprintf(`{"id":1,"billing":{"first_name":"Ann","last_name":"Lee","email":%q,%s}}`, email, address)
	}
	first, p := buys(t, env, inst, guest("Ann@Mail.Example"))
	if p.Name != "Ann Lee" || p.Email != "ann@mail.example" || p.Street != "1 Elm St" || p.CompanyID.ID != inst.CompanyID.ID || first.invoice != p.ID || first.delivery != p.ID {
		t.Errorf("%+v %+v", first, p)
	}
	rows := must(ormtest.Texts(env, "SELECT c.name->>'en_US', s.code, co.code FROM res_partner p JOIN res_country_state s ON s.id = p.state_id JOIN res_country co ON co.id = p.country_id JOIN res_partner_res_partner_category_rel r ON r.partner_id = p.id JOIN res_partner_category c ON c.id = r.category_id WHERE p.id = ?", p.ID))(t)
	if fmt.Sprint(rows) != "[[WooCommerce ON CA]]" {
		t.Errorf("tag, state and country: %v", rows)
	}
	// The same guest, the account made later, and a guest order after it.
	for _, order := range []string{guest(" ann@mail.example "),
		`{"id":2,"customer_id":31,"billing":{"first_name":"Ann","last_name":"Lee","email":"ann@mail.example",` + address + `}}`,
		`{"id":3,"customer_id":31,"billing":{"first_name":"Ann","last_name":"Lee","email":"ann.new@mail.example",` + address + `}}`,
		guest("ANN@MAIL.EXAMPLE")} {
		if b, _ := buys(t, env, inst, order); b.partner != first.partner {
			t.Errorf("%s is contact %d, not %d", order, b.partner, first.partner)
		}
	}
	links := must(orm.Search[Customer](env, orm.Leaf("instance_id", "=", inst.ID), orm.SearchOptions{}))(t)
	if len(links) != 1 || links[0].RemoteID != 31 || links[0].Key != "31" || links[0].Email != "ann@mail.example" {
		t.Errorf("%d links, %+v", len(links), links[0])
	}
	// A contact the ERP had before.
	if b, p := buys(t, env, inst, guest("known@mail.example")); b.partner != known.ID() || p.Name != "Known" || p.Street != "1 Elm St" {
		t.Errorf("%+v", p)
	} else if b.invoice == b.partner {
		t.Error("an invoice to another name has no address of its own")
	}
	// Another account with the same mail is another customer of the store, yet the same person here.
	if b, _ := buys(t, env, inst, `{"id":9,"customer_id":32,"billing":{"first_name":"Ann","last_name":"Lee","email":"ann@mail.example",`+address+`}}`); b.partner != first.partner {
		t.Errorf("contact %d", b.partner)
	}
	// An archived contact is not made again.
	if err := env.Model("res.partner").Browse(first.partner).Write(orm.Values{"active": false}); err != nil {
		t.Fatal(err)
	}
	if b, _ := buys(t, env, inst, guest("ann@mail.example")); b.partner != first.partner {
		t.Error("an archived customer became a new contact")
	}
}

func TestAddressesAreReused(t *testing.T) {
	t.Parallel()
	env := start(t)
	inst := connect(t, env, "https://shop.example", nil)
	order := func(ship string) string {
		return `{"id":1,"billing":{"first_name":"Bo","last_name":"Ek","email":"bo@mail.example","address_1":"1 Elm St","city":"Ottawa","country":"CA"},"shipping":` + ship + `}`
	}
	const cottage = `{"first_name":"Bo","last_name":"Ek","address_1":"9 Lake Rd","city":"Perth","state":"Lanark","country":"CA","phone":"555-0199"}`
	a, _ := buys(t, env, inst, order(cottage))
	if a.delivery == a.partner || a.invoice != a.partner {
		t.Fatalf("%+v", a)
	}
	d := must(orm.Get[base.Partner](env, a.delivery))(t)
	if d.Type != base.AddressDelivery || d.ParentID.ID != a.partner || d.City != "Perth, Lanark" || d.Phone != "555-0199" {
		t.Errorf("%+v", d)
	}
	if b, _ := buys(t, env, inst, order(`{"first_name":"BO","last_name":"ek","address_1":"9 LAKE RD","city":"perth","state":"lanark","country":"CA"}`)); b != a {
		t.Errorf("%+v, then %+v", a, b)
	}
	if b, _ := buys(t, env, inst, order(`{"first_name":"Bo","last_name":"Ek","address_1":"10 Lake Rd","city":"Perth","country":"XX"}`)); b.delivery == a.delivery {
		t.Error("another house is the same address")
	} else if d := must(orm.Get[base.Partner](env, b.delivery))(t); d.City != "Perth, XX" {
		t.Errorf("an unknown country is lost: %q", d.City)
	}
	if b, _ := buys(t, env, inst, order(`{"company":"Ek Ltd","first_name":"Bo","last_name":"Ek","address_1":"1 Elm St","city":"Ottawa","country":"CA"}`)); b.delivery == b.partner {
		t.Error("the company of the delivery is lost")
	} else if d := must(orm.Get[base.Partner](env, b.delivery))(t); d.Name != "Ek Ltd, Bo Ek" {
		t.Errorf("%q", d.Name)
	}
}

func TestCustomersWithoutMail(t *testing.T) {
	t.Parallel()
	env := start(t)
	inst := connect(t, env, "https://shop.example", nil)
	walkIn := `{"id":1,"number":"1","billing":{"first_name":"Walk-in","last_name":"Customer","address_1":"412 Main St","city":"Hawkesbury","country":"CA"}}`
	a, p := buys(t, env, inst, walkIn)
	b, _ := buys(t, env, inst, walkIn)
	if a != b || p.Email != "" {
		t.Errorf("%+v, then %+v; %q", a, b, p.Email)
	}
	nobody := `{"id":2,"number":"2"}`
	c, p := buys(t, env, inst, nobody)
	d, _ := buys(t, env, inst, nobody)
	if c.partner == d.partner || p.Name != "Guest of order 2" {
		t.Errorf("%+v, %+v, %q", c, d, p.Name)
	}
	if _, p := buys(t, env, inst, `{"id":3,"billing":{"company":"Maple Ltd","email":"ap@maple.example","state":"CA-ON","country":"CA","city":"Ottawa"}}`); !p.IsCompany || p.Name != "Maple Ltd" || p.City != "Ottawa" || !p.StateID.IsSet() {
		t.Errorf("%+v", p)
	}
	// Another company of the ERP has customers of its own.
	other := must(env.Model("res.company").Create(orm.Values{"name": "Other"}))(t)
	theirs := connect(t, env, "https://two.example", orm.Values{"company_id": other.ID()})
	if _, q := buys(t, env.WithCompany(other.ID()), theirs, `{"id":3,"billing":{"company":"Maple Ltd","email":"ap@maple.example"}}`); q.CompanyID.ID != other.ID() {
		t.Errorf("%+v", q)
	}
}
