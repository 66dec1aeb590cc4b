package woocommerce

import (
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/framework/orm"
)

// Customer ties a customer of a store to a contact. A guest has no id in the
// store and is known by e-mail, or by name and address without one.
type Customer struct {
	orm.Record `orm:"woo.customer" label:"WooCommerce Customer" order:"woo_email, id" rec:"woo_email" search:"woo_email"`
	InstanceID orm.Ref[Instance]     `orm:"instance_id,required,ondelete=cascade" label:"Instance"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,required" label:"Company"`
	PartnerID  orm.Ref[base.Partner] `orm:"partner_id,required,index,ondelete=cascade" label:"Contact"`
	RemoteID   int64                 `orm:"woo_customer_id" label:"Store Customer ID" help:"0 for guests."`
	Key        string                `orm:"store_key,required" label:"Key" help:"The customer's id in the store; of a guest the e-mail, or what stands for name and address."`
	Email      string                `orm:"woo_email,index" label:"E-mail"`
	Role       string                `orm:"role" label:"Role"`
	BaseOurs   string                `orm:"base_ours,text,readonly,nocopy" label:"Here When Last Compared"`
	BaseTheirs string                `orm:"base_theirs,text,readonly,nocopy" label:"In the Store When Last Compared"`
}

func defineCustomer(r *orm.Registry) {
	d := orm.Define[Customer](r)
	d.Unique("instance_key", "instance_id, store_key", "This customer of the store is known already.")
}

// partner is what the addon adds to contacts.
type partner struct {
	base.Partner
	WooCustomers orm.Many[Customer] `orm:"woo_customer_ids,inverse=partner_id" label:"WooCommerce Customers" groups:"fusion_woocommerce.group_woo_user"`
	IsWoo        orm.Deferred[bool] `orm:"is_woo_customer" label:"WooCommerce Customer" groups:"fusion_woocommerce.group_woo_user"`
}

func definePartner(r *orm.Registry) {
	p := orm.Extend[partner](r, "res.partner")
	p.Compute("is_woo_customer", func(_ *orm.Env, recs []*partner) error {
		for _, x := range recs {
			x.IsWoo.Set(len(x.WooCustomers.IDs()) > 0)
		}
		return nil
	}, "woo_customer_ids")
	p.SearchBy("is_woo_customer", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		yes, ok := value.(bool)
		if !ok || op != "=" && op != "!=" {
			return nil, orm.UserErrorf("WooCommerce Customer can be searched with = and != and a boolean only.")
		}
		if yes == (op == "=") {
			return orm.Leaf("woo_customer_ids", "!=", false), nil
		}
		return orm.Leaf("woo_customer_ids", "=", false), nil
	})
}

// orderPartners is the contact of an order and its two addresses.
type orderPartners struct{ partner, invoice, delivery int64 }

// orderPartnersOf finds or makes the contact of an order, its addresses and its link
// to the store's customer.
func orderPartnersOf(env *orm.Env, inst *Instance, o *ordermap.Order) (orderPartners, error) {
	c := &o.Customer
	link, err := customerOf(env, inst, c)
	if err != nil {
		return orderPartners{}, err
	}
	p, err := partnerOf(env, inst, c, link)
	if err != nil {
		return orderPartners{}, err
	}
	if err := saveCustomer(env, inst, c, link, p.ID); err != nil {
		return orderPartners{}, err
	}
	b := orderPartners{partner: p.ID}
	if b.invoice, err = addressOf(env, p, "invoice", c.Billing); err != nil {
		return b, err
	}
	b.delivery = b.invoice
	if c.Elsewhere {
		b.delivery, err = addressOf(env, p, "delivery", c.Shipping)
	}
	return b, err
}

// storeKey is what a customer is known by in the store.
func storeKey(c *ordermap.Customer) string {
	if c.ID != 0 {
		return itoa(c.ID)
	}
	return c.Key
}

// customerOf finds the customer of a store: by id, else by e-mail. A guest who has
// registered since is the customer with that e-mail.
func customerOf(env *orm.Env, inst *Instance, c *ordermap.Customer) (*Customer, error) {
	key := storeKey(c)
	if key == "" {
		return nil, nil
	}
	same := orm.Leaf("store_key", "=", key)
	if c.Email != "" {
		same = orm.Or(same, orm.Leaf("woo_email", "=", c.Email))
	}
	list, err := orm.Search[Customer](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), same), orm.SearchOptions{Order: "woo_customer_id desc, id"})
	if err != nil {
		return nil, err
	}
	var mail *Customer
	for _, l := range list {
		if l.Key == key {
			return l, nil
		}
		// Two accounts of the store may have used one e-mail; they are two.
		if mail == nil && (c.ID == 0 || l.RemoteID == 0) {
			mail = l
		}
	}
	return mail, nil
}

// partnerOf is the contact of a customer: the one linked already, else the one
// of the company with this e-mail, else a new one.
func partnerOf(env *orm.Env, inst *Instance, c *ordermap.Customer, link *Customer) (*base.Partner, error) {
	var find orm.Domain
	in := env
	switch {
	case link != nil:
		// also one that was archived since
		find, in = orm.Leaf("id", "=", link.PartnerID.ID), env.WithContext(map[string]any{"active_test": false})
	case c.Email != "":
		find = orm.And(orm.Leaf("email_normalized", "=", c.Email), orm.Leaf("company_id", "in", []any{false, inst.CompanyID.ID}), orm.Leaf("type", "=", "contact"))
	default:
		return newPartner(env, inst, c)
	}
	list, err := orm.Search[base.Partner](in, find, orm.SearchOptions{Order: "id"})
	if err != nil {
		return nil, err
	}
	var p *base.Partner
	for _, x := range list {
		if p == nil || p.ParentID.IsSet() && !x.ParentID.IsSet() {
			p = x
		}
	}
	if p == nil {
		return newPartner(env, inst, c)
	}
	return p, completePartner(env, p, c)
}

// tagID is the tag of contacts that came from a store.
func tagID(env *orm.Env) (int64, error) {
	return orm.Memo(env, "woo.tag", func() (int64, error) {
		rs, _, err := env.FindRef("fusion_woocommerce.partner_tag")
		return rs.ID(), err
	})
}

func newPartner(env *orm.Env, inst *Instance, c *ordermap.Customer) (*base.Partner, error) {
	vals, err := addressValues(env, c.Billing)
	if err != nil {
		return nil, err
	}
	vals["name"], vals["email"], vals["phone"] = c.Name, c.Email, c.Phone
	vals["is_company"], vals["company_id"] = c.IsCompany, inst.CompanyID.ID
	if !c.IsCompany && c.Company != "" {
		vals["company_name"] = c.Company
	}
	tag, err := tagID(env)
	if err != nil {
		return nil, err
	}
	if tag != 0 {
		vals["category_id"] = []orm.Command{orm.SetIDs(tag)}
	}
	made, err := env.Model("res.partner").Create(vals)
	if err != nil {
		return nil, err
	}
	return orm.Get[base.Partner](env, made.ID())
}

// completePartner fills in what a known contact lacks. What it has stays: the contact
// is kept in the ERP, and another address of an order gets a record of its own.
func completePartner(env *orm.Env, p *base.Partner, c *ordermap.Customer) error {
	vals := orm.Values{}
	if p.Street == "" && p.Street2 == "" && p.City == "" && p.Zip == "" && !c.Billing.Empty() {
		var err error
		if vals, err = addressValues(env, c.Billing); err != nil {
			return err
		}
		delete(vals, "name")
	}
	if p.Email == "" && c.Email != "" {
		vals["email"] = c.Email
	}
	if p.Phone == "" && c.Phone != "" {
		vals["phone"] = c.Phone
	}
	if len(vals) == 0 {
		return nil
	}
	if err := orm.RecordsOf(env, p).Write(vals); err != nil {
		return err
	}
	return orm.Reload(env, []*base.Partner{p})
}

// saveCustomer records the store's customer. A guest's entry becomes that of the
// account once there is one.
func saveCustomer(env *orm.Env, inst *Instance, c *ordermap.Customer, link *Customer, partner int64) error {
	key := storeKey(c)
	switch {
	case key == "":
		return nil
	case link == nil:
		_, err := env.Model("woo.customer").Create(orm.Values{"instance_id": inst.ID, "company_id": inst.CompanyID.ID, "partner_id": partner,
			"woo_customer_id": c.ID, "store_key": key, "woo_email": c.Email})
		return err
	case link.Key != key && c.ID == 0:
		return nil // a guest order of somebody with an account
	}
	vals := orm.Values{}
	if link.PartnerID.ID != partner {
		vals["partner_id"] = partner
	}
	if link.Key != key {
		vals["store_key"], vals["woo_customer_id"] = key, c.ID
	}
	if link.Email == "" && c.Email != "" {
		vals["woo_email"] = c.Email
	}
	if len(vals) == 0 {
		return nil
	}
	return orm.RecordsOf(env, link).Write(vals)
}

// addressOf is the record of an address: the contact itself when it is the
// same, else one below it, reused when there is an equal one.
func addressOf(env *orm.Env, p *base.Partner, kind string, a ordermap.Address) (int64, error) {
	if a.Empty() {
		return p.ID, nil
	}
	vals, err := addressValues(env, a)
	if err != nil {
		return 0, err
	}
	if sameAddress(p, vals, isNamed(p, a)) {
		return p.ID, nil
	}
	kids, err := orm.Search[base.Partner](env, orm.And(orm.Leaf("parent_id", "=", p.ID), orm.Leaf("type", "in", []any{"invoice", "delivery", "other"})), orm.SearchOptions{Order: "id"})
	if err != nil {
		return 0, err
	}
	for _, k := range kids {
		if k.Type == kind && sameAddress(k, vals, strings.EqualFold(k.Name, vals.Text("name"))) {
			return k.ID, nil
		}
	}
	vals["parent_id"], vals["type"], vals["company_id"] = p.ID, kind, p.CompanyID.ID
	if a.Phone != "" {
		vals["phone"] = a.Phone
	}
	if p.CompanyID.ID == 0 {
		delete(vals, "company_id")
	}
	made, err := env.Model("res.partner").Create(vals)
	return made.ID(), err
}

// isNamed reports whether an address names the contact and its company, as far
// as it names any.
func isNamed(p *base.Partner, a ordermap.Address) bool {
	company := p.CompanyName
	if p.IsCompany {
		company = p.Name
	}
	return (a.Name == "" || strings.EqualFold(p.Name, a.Name)) && (a.Company == "" || strings.EqualFold(company, a.Company))
}

// sameAddress compares a contact with the values of an address, regardless of
// case.
func sameAddress(p *base.Partner, vals orm.Values, sameName bool) bool {
	eq := func(have, field string) bool { return strings.EqualFold(have, vals.Text(field)) }
	country, _ := vals["country_id"].(int64)
	state, _ := vals["state_id"].(int64)
	return sameName && eq(p.Street, "street") && eq(p.Street2, "street2") && eq(p.City, "city") && eq(p.Zip, "zip") && p.CountryID.ID == country && p.StateID.ID == state
}

// addressValues are the values of a contact for an address. A state or country
// the ERP does not know is kept as text beside the city: an address is never
// refused.
func addressValues(env *orm.Env, a ordermap.Address) (orm.Values, error) {
	name := a.Name
	switch {
	case name == "":
		name = a.Company
	case a.Company != "":
		name = a.Company + ", " + name
	}
	city := a.City
	country, err := countryID(env, a.Country)
	if err != nil {
		return nil, err
	}
	state, err := stateID(env, country, a.State)
	if err != nil {
		return nil, err
	}
	if state == 0 && a.State != "" {
		city = joinText(city, a.State)
	}
	if country == 0 && a.Country != "" {
		city = joinText(city, a.Country)
	}
	vals := orm.Values{"name": name, "street": a.Street, "street2": a.Street2, "city": city, "zip": a.Zip}
	if country != 0 {
		vals["country_id"] = country
	}
	if state != 0 {
		vals["state_id"] = state
	}
	return vals, nil
}

func joinText(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

func countryID(env *orm.Env, code string) (int64, error) {
	if code == "" {
		return 0, nil
	}
	return orm.Memo(env, "woo.country:"+code, func() (int64, error) {
		rs, err := env.Model("res.country").Search(orm.Leaf("code", "=", code), orm.SearchOptions{Limit: 1})
		return rs.ID(), err
	})
}

// stateID finds a state by its code, also as stores write it with the country
// before it (DE-BE), or by its name.
func stateID(env *orm.Env, country int64, text string) (int64, error) {
	if country == 0 || text == "" {
		return 0, nil
	}
	return orm.Memo(env, "woo.state:"+itoa(country)+":"+text, func() (int64, error) {
		code := text
		if len(text) > 3 && text[2] == '-' {
			code = text[3:]
		}
		rs, err := env.Model("res.country.state").Search(orm.And(orm.Leaf("country_id", "=", country),
			orm.Or(orm.Leaf("code", "in", []any{text, code}), orm.Leaf("name", "=ilike", likeText(text)))), orm.SearchOptions{Limit: 1, Order: "id"})
		return rs.ID(), err
	})
}

// likeText makes a text match itself only in a pattern.
func likeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
