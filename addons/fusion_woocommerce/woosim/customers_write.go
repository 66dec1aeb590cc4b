package woosim

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
)

func customerWriteArgs(isNew bool) []arg {
	return []arg{
		{name: "email", kind: "string", required: isNew}, {name: "first_name", kind: "string"}, {name: "last_name", kind: "string"},
		{name: "billing", kind: "billing"},
	}
}

func customerAddress(more ...string) *Obj {
	o := &Obj{}
	for _, k := range append([]string{"first_name", "last_name", "company", "address_1", "address_2", "city", "postcode", "country", "state"}, more...) {
		o.Set(k, "")
	}
	return o
}

func avatar(email string) string {
	sum := md5.Sum([]byte(strings.ToLower(strings.TrimSpace(email))))
	return "https://secure.gravatar.com/avatar/" + hex.EncodeToString(sum[:]) + "?s=96&d=mm&r=g"
}

func (s *Sim) customerBy(field, value string) *Obj {
	for _, c := range s.st.customers.rows {
		if strings.EqualFold(c.Str(field), value) {
			return c
		}
	}
	return nil
}

func (q *rq) createCustomer() (*response, error) {
	s, in := q.s, q.body
	email := in.Str("email")
	switch {
	case in.Int("id") != 0:
		return nil, fail(400, "woocommerce_rest_customer_exists", "Cannot create existing resource.")
	case !validEmail(email):
		return nil, fail(400, "customer_invalid_email", "Invalid email address")
	case s.customerBy("email", email) != nil:
		return nil, fail(400, "registration-error-email-exists", `An account is already registered with your email address. <a href="#" class="showlogin">Please log in.</a>`)
	}
	login := in.Str("username")
	if login != "" && s.customerBy("username", login) != nil {
		return nil, fail(400, "registration-error-username-exists", "An account is already registered with that username. Please choose another.")
	}
	if login == "" {
		login = s.freeLogin(email)
	}
	id, now := s.nextID("user"), s.now()
	c := object("id", id)
	s.stamp(c, "date_created", now)
	s.stamp(c, "date_modified", now)
	for _, kv := range [][2]any{{"email", email}, {"first_name", ""}, {"last_name", ""}, {"role", "customer"}, {"username", login}, {"billing", customerAddress("email", "phone")},
		{"shipping", customerAddress("phone")}, {"is_paying_customer", false}, {"avatar_url", avatar(email)}, {"meta_data", []any{}}} {
		c.Set(kv[0].(string), kv[1])
	}
	base := s.st.origin + "/wp-json/wc/v3/customers"
	c.Set("_links", object("self", hrefs(base+"/"+itoa(id)), "collection", hrefs(base)))
	q.applyCustomer(c)
	s.st.customers.add(c)
	s.queueEvent("customer.created", id)
	s.queueEvent("customer.updated", id)
	return &response{status: 201, body: c.clone(), location: "/wc/v3/customers/" + itoa(id), single: true}, nil
}

// freeLogin makes a login of the mail's local part, as WooCommerce does.
func (s *Sim) freeLogin(email string) string {
	local, _, _ := strings.Cut(strings.ToLower(email), "@")
	local = strings.ReplaceAll(local, "+", "")
	login := local
	for n := 1; s.customerBy("username", login) != nil; n++ {
		login = fmt.Sprintf("%s-%04d", local, n)
	}
	return login
}

func (q *rq) applyCustomer(c *Obj) {
	in := q.body
	for _, k := range []string{"first_name", "last_name"} {
		if v := in.Get(k); v != nil {
			c.Set(k, text(v))
		}
	}
	for _, k := range []string{"billing", "shipping"} {
		if a := in.Obj(k); a != nil {
			to := c.Obj(k)
			for i, f := range a.keys {
				if to.Has(f) {
					to.Set(f, text(a.vals[i]))
				}
			}
		}
	}
	q.s.applyMeta(c, in.objs("meta_data"), "usermeta", nil)
}

func (q *rq) updateCustomer() (*response, error) {
	c, err := q.customer(400)
	if err != nil {
		return nil, err
	}
	in := q.body
	if e := in.Str("email"); e != "" && e != c.Str("email") {
		if other := q.s.customerBy("email", e); !validEmail(e) || other != nil && other != c {
			return nil, fail(400, "woocommerce_rest_customer_invalid_email", "Email address is invalid.")
		}
		c.Set("email", e)
		c.Set("avatar_url", avatar(e))
	}
	if u := in.Str("username"); u != "" && u != c.Str("username") {
		return nil, fail(400, "woocommerce_rest_customer_invalid_argument", "Username isn't editable.")
	}
	q.applyCustomer(c)
	q.s.stamp(c, "date_modified", q.s.now())
	q.s.queueEvent("customer.updated", c.Int("id"))
	return ok(c.clone()), nil
}

func (q *rq) deleteCustomer() (*response, error) {
	c, err := q.customer(404)
	if err != nil && q.batch {
		return nil, fail(400, "woocommerce_rest_invalid_id", "Invalid resource id.")
	}
	if err != nil {
		return nil, err
	}
	if !truthy(q.params.Get("force")) {
		return nil, fail(501, "woocommerce_rest_trash_not_supported", "Customers do not support trashing.")
	}
	if r := q.params.Int("reassign"); r != 0 && (r == q.id || q.s.st.customers.get(r) == nil) {
		return nil, fail(400, "woocommerce_rest_customer_invalid_reassign", "Invalid resource id for reassignment.")
	}
	before := c.clone()
	q.s.dropCustomer(c)
	return ok(before), nil
}

// dropCustomer removes a user; the orders stay, as guest orders.
func (s *Sim) dropCustomer(c *Obj) {
	id := c.Int("id")
	s.st.customers.remove(id)
	for _, o := range s.st.orders.rows {
		if o.Int("customer_id") == id {
			o.Set("customer_id", 0)
			o.Obj("_links").del("customer")
			if s.opt.HPOS {
				s.stamp(o, "date_modified", s.now())
			}
		}
	}
	if c.Str("role") == "customer" {
		s.queueEvent("customer.deleted", id)
	}
}

func (q *rq) batchCustomers() (*response, error) {
	return q.runBatch(batchOps{create: (*rq).createCustomer, update: (*rq).updateCustomer, remove: (*rq).deleteCustomer})
}
