package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
)

// Customers with an account are compared field by field with what each end had when
// they were last looked at. What differed then is left alone: a contact that is kept
// here may well have another address than the store knows. What one end changed since
// is taken over by the other; what both changed is a conflict.

// person is what is compared of a customer, by field.
type person map[string]string

// personFields are the fields of a person, with the parts of the store's billing
// address and of a contact they are.
var personFields = []struct{ field, billing, contact string }{
	{"name", "", ""}, {"company", "company", ""}, {"street", "address_1", "street"}, {"street2", "address_2", "street2"}, {"city", "city", "city"}, {"zip", "postcode", "zip"},
	{"state", "state", ""}, {"country", "country", ""}, {"phone", "phone", "phone"}, {"email", "email", "email"},
}

// ours is a contact as a person.
func ours(p *base.Partner) person {
	out := person{"name": p.Name, "company": p.CompanyName, "street": p.Street, "street2": p.Street2, "city": p.City, "zip": p.Zip, "phone": p.Phone, "email": ordermap.NormalEmail(p.Email)}
	if p.IsCompany {
		out["name"], out["company"] = "", p.Name
	}
	if c := p.CountryID.Rec(); c != nil {
		out["country"] = c.Code
	}
	if s := p.StateID.Rec(); s != nil {
		out["state"] = s.Code
	}
	return out
}

// theirs is a customer of the store as a person.
func theirs(c *wcapi.Customer) person {
	b := ordermap.CustomerOf(&wcapi.Order{CustomerID: c.ID, Billing: c.Billing}).Billing
	email := c.Billing.Email
	if email == "" {
		email = c.Email
	}
	name := b.Name
	if name == "" && b.Company == "" {
		name = strings.TrimSpace(c.FirstName + " " + c.LastName)
	}
	return person{"name": name, "company": b.Company, "street": b.Street, "street2": b.Street2, "city": b.City, "zip": b.Zip, "state": b.State, "country": b.Country, "phone": b.Phone,
		"email": ordermap.NormalEmail(email)}
}

func (p person) text() string {
	b, _ := json.Marshal(map[string]string(p)) // texts by text: it cannot fail
	return string(b)
}

func personOf(text string) (person, error) {
	p := person{}
	if text == "" {
		return p, nil
	}
	return p, json.Unmarshal([]byte(text), &p)
}

// compareCustomers looks at the contacts of customers that changed here, and once a
// day at all customers of the store.
func (e *engine) compareCustomers(ctx context.Context, w *jobs.Work) error {
	inst, c, err := e.instanceOf(ctx, w)
	if err != nil {
		return err
	}
	all := map[int64]person{}
	whole := time.Since(inst.CustomersAt.Time()) > compareEvery
	if whole {
		for customer, err := range c.Customers(ctx, nil) {
			if errors.Is(err, wcapi.ErrDecode) {
				continue // the order of such a customer tells
			}
			if err != nil {
				return storeFailed(ctx, w, inst, "customer", inst.URL, fmt.Errorf("customers cannot be listed: %w", err))
			}
			all[int64(customer.ID)] = theirs(&customer)
		}
	}
	return w.Finish(ctx, func(env *orm.Env) error {
		env = importEnv(env, inst)
		links, err := orm.Search[Customer](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_customer_id", "!=", 0)), orm.SearchOptions{Order: "id"},
			"partner_id.country_id", "partner_id.state_id")
		if err != nil {
			return err
		}
		for _, l := range links {
			if err := compareCustomer(env, inst, l, all[l.RemoteID]); err != nil {
				return err
			}
		}
		if !whole {
			return nil
		}
		return env.Model("woo.instance").Browse(inst.ID).Write(orm.Values{"customers_compared_at": orm.DatetimeOf(env.Now())})
	})
}

// fetchCustomer takes over a change of one customer, after a webhook.
func (e *engine) fetchCustomer(ctx context.Context, w *jobs.Work) error {
	var job remoteJob
	if err := json.Unmarshal(w.Payload, &job); err != nil {
		return jobs.Cancel(err)
	}
	inst, c, err := e.instance(ctx, w.DB, job.Instance)
	if err != nil {
		return err
	}
	got, err := c.Customer(ctx, job.ID)
	if errors.Is(err, wcapi.ErrNotFound) || errors.Is(err, wcapi.ErrDecode) {
		return w.Finish(ctx, func(env *orm.Env) error { return settleEvent(env, job.Event, EventSkipped, explain(err)) })
	}
	if err != nil {
		return storeFailed(ctx, w, inst, "customer", itoa(job.ID), fmt.Errorf("customer %d cannot be read: %w", job.ID, err))
	}
	return w.Finish(ctx, func(env *orm.Env) error {
		env = importEnv(env, inst)
		l, err := orm.First[Customer](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_customer_id", "=", job.ID)), "", "partner_id.country_id", "partner_id.state_id")
		if err != nil {
			return err
		}
		if l == nil {
			return settleEvent(env, job.Event, EventSkipped, "The customer has ordered nothing yet.")
		}
		if err := compareCustomer(env, inst, l, theirs(got)); err != nil {
			return err
		}
		return settleEvent(env, job.Event, EventDone, "")
	})
}

// compareCustomer takes over what one end changed. now is what the store has, nil when
// it was not asked.
func compareCustomer(env *orm.Env, inst *Instance, l *Customer, now person) error {
	p := l.PartnerID.Rec()
	if p == nil || !p.Active {
		return nil
	}
	here := ours(p)
	before, err1 := personOf(l.BaseOurs)
	there, err2 := personOf(l.BaseTheirs)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if now == nil {
		if now = there; l.BaseTheirs == "" {
			return nil // not asked for yet
		}
	}
	if l.BaseTheirs == "" { // the first look
		l.BaseOurs, l.BaseTheirs = here.text(), now.text()
		if err := put(env, inst, customerChangeOf(env, l, nil, nil, nil)); err != nil {
			return err
		}
		return orm.Save(env, []*Customer{l}, "base_ours", "base_theirs")
	}
	var push, pull []string
	for _, f := range personFields {
		a, b := here[f.field] != before[f.field], now[f.field] != there[f.field]
		switch same := strings.EqualFold(here[f.field], now[f.field]); {
		case same || !a && !b:
			before[f.field], there[f.field] = here[f.field], now[f.field]
		case a && b:
			if err := openConflict(env, inst, Conflict{Type: ConflictCustomer, CustomerID: orm.RefTo[Customer](l.ID), Name: fmt.Sprintf("%s of %s", f.field, p.Name), Field: f.field,
				Ours: here[f.field], Theirs: now[f.field], Base: there[f.field], Note: "Both ends changed it."}); err != nil {
				return err
			}
		case a:
			push = append(push, f.field)
		default:
			pull = append(pull, f.field)
		}
	}
	if len(pull) > 0 {
		if err := pullPerson(env, inst, l, p, now, pull); err != nil {
			return err
		}
		for _, f := range pull {
			before[f], there[f] = now[f], now[f]
		}
	}
	if len(push) > 0 {
		if err := put(env, inst, customerChangeOf(env, l, here, there, push)); err != nil {
			return err
		}
	}
	l.BaseOurs, l.BaseTheirs = before.text(), there.text()
	return orm.Save(env, []*Customer{l}, "base_ours", "base_theirs")
}

// pullPerson writes fields of the store's customer to the contact.
func pullPerson(env *orm.Env, inst *Instance, l *Customer, p *base.Partner, now person, fields []string) error {
	vals := orm.Values{}
	for _, f := range personFields {
		if !slices.Contains(fields, f.field) {
			continue
		}
		switch f.field {
		case "name":
			if now["name"] != "" && !p.IsCompany {
				vals["name"] = now["name"]
			}
		case "company":
			if p.IsCompany && now["company"] != "" {
				vals["name"] = now["company"]
			} else {
				vals["company_name"] = now["company"]
			}
		case "country", "state":
			country, err := countryID(env, now["country"])
			if err != nil {
				return err
			}
			state, err := stateID(env, country, now["state"])
			if err != nil {
				return err
			}
			vals["country_id"], vals["state_id"] = nonzeroID(country), nonzeroID(state)
		default:
			vals[f.contact] = now[f.field]
		}
	}
	if err := env.Model("res.partner").Browse(p.ID).Write(vals); err != nil {
		return err
	}
	return logTo(env, inst, logEntry{Type: "customer", State: LogSuccess, Ref: l.Email, Message: fmt.Sprintf("%s changed in the store: %s.", p.Name, strings.Join(fields, ", ")), Record: env.Model("res.partner").Browse(p.ID)})
}

func nonzeroID(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// customerChange is what of a customer of the store is to be changed.
type customerChange struct {
	ID       int64  `json:"id"`
	Contact  int64  `json:"contact"` // goes into the meta data of the store's user
	Values   person `json:"values,omitempty"`
	Expected person `json:"expected,omitempty"` // what the store had
}

func customerChangeOf(env *orm.Env, l *Customer, here, there person, fields []string) change {
	v := customerChange{ID: l.RemoteID, Contact: l.PartnerID.ID}
	name := "Contact of customer " + itoa(l.RemoteID)
	if len(fields) > 0 {
		v.Values, v.Expected = person{}, person{}
		for _, f := range fields {
			v.Values[f], v.Expected[f] = here[f], there[f]
		}
		name = fmt.Sprintf("Customer %s: %s", l.Email, strings.Join(fields, ", "))
	}
	return change{Kind: KindCustomer, Target: "customer:" + itoa(l.RemoteID), Name: name, Values: v, Record: orm.RecordsOf(env, l)}
}

// contactKey is the meta key under which the store's user keeps the contact's id.
const contactKey = "odoo_customer_id"

// customerSender writes changes of contacts to the store's users. A field that was
// changed in the store meanwhile is left alone and compared again.
type customerSender struct{}

func (customerSender) logType() string { return "customer" }

func (customerSender) send(ctx context.Context, st *sending, list []*Outgoing) []outcome {
	return sendEach(list, func(c *customerChange) outcome {
		return sendCustomer(ctx, st, c)
	})
}

func sendCustomer(ctx context.Context, st *sending, c *customerChange) outcome {
	got, err := st.Customer(ctx, c.ID)
	if err != nil {
		return outcomeOf(err)
	}
	now, patch, billing := theirs(got), map[string]any{}, map[string]any{}
	for _, f := range personFields {
		want, asked := c.Values[f.field]
		if !asked || now[f.field] == want {
			continue
		}
		if now[f.field] != c.Expected[f.field] {
			return outcome{state: OutgoingCancelled, reason: fmt.Sprintf("The store has another %s by now: compared anew.", f.field), answer: now}
		}
		switch f.field {
		case "name":
			first, last, _ := strings.Cut(want, " ")
			billing["first_name"], billing["last_name"] = first, last
			patch["first_name"], patch["last_name"] = first, last
		case "email":
			billing["email"], patch["email"] = want, want
		default:
			billing[f.billing] = want
		}
		now[f.field] = want
	}
	if len(billing) > 0 {
		patch["billing"] = billing
	}
	if !slices.ContainsFunc(got.MetaData, func(m wcapi.Meta) bool { return m.Key == contactKey && m.Text() == itoa(c.Contact) }) {
		patch["meta_data"] = []map[string]any{{"key": contactKey, "value": itoa(c.Contact)}}
	}
	if len(patch) > 0 {
		if _, err := st.UpdateCustomer(ctx, c.ID, patch); err != nil {
			return outcomeOf(err)
		}
	}
	return outcome{state: OutgoingSent, answer: now}
}

// took notes what the store has now.
func (customerSender) took(env *orm.Env, inst *Instance, done []delivered) error {
	for _, d := range done {
		now, ok := d.answer.(person)
		if !ok || d.ResID == 0 {
			continue
		}
		l, err := orm.First[Customer](env, orm.Leaf("id", "=", d.ResID), "", "partner_id.country_id", "partner_id.state_id")
		if err != nil {
			return err
		}
		if l == nil {
			continue
		}
		if d.state == OutgoingCancelled {
			if err := compareCustomer(env, inst, l, now); err != nil {
				return err
			}
			continue
		}
		c, err := payloadOf[customerChange]([]byte(d.Payload))
		if err != nil {
			return err
		}
		before, err1 := personOf(l.BaseOurs)
		there, err2 := personOf(l.BaseTheirs)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		for f := range c.Values {
			before[f], there[f] = c.Values[f], now[f]
		}
		l.BaseOurs, l.BaseTheirs = before.text(), there.text()
		if err := orm.Save(env, []*Customer{l}, "base_ours", "base_theirs"); err != nil {
			return err
		}
	}
	return nil
}

// resolveCustomers carries out what a person decided about customers.
func resolveCustomers(env *orm.Env, list []*Conflict, with string) error {
	if err := orm.Load(env, list, "customer_id.partner_id.country_id", "customer_id.partner_id.state_id", "instance_id"); err != nil {
		return err
	}
	for _, c := range list {
		l, inst := c.CustomerID.Rec(), c.InstanceID.Rec()
		if l == nil || l.PartnerID.Rec() == nil {
			return orm.UserErrorf("The customer of %s is gone.", c.Name)
		}
		p := l.PartnerID.Rec()
		if here := ours(p)[c.Field]; here != c.Ours {
			return orm.UserErrorf("%s was changed meanwhile: it is “%s” here now.", c.Name, here)
		}
		before, err1 := personOf(l.BaseOurs)
		there, err2 := personOf(l.BaseTheirs)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		value := map[string]string{ResolvedOdoo: c.Ours, ResolvedWoo: c.Theirs, ResolvedOwn: c.OwnValue}[with]
		now := maps.Clone(ours(p))
		now[c.Field] = value
		if with != ResolvedOdoo {
			if err := pullPerson(env, inst, l, p, now, []string{c.Field}); err != nil {
				return err
			}
		}
		before[c.Field], there[c.Field] = value, c.Theirs
		if with != ResolvedWoo {
			if err := put(env, inst, customerChangeOf(env, l, now, there, []string{c.Field})); err != nil {
				return err
			}
		}
		l.BaseOurs, l.BaseTheirs = before.text(), there.text()
		if err := orm.Save(env, []*Customer{l}, "base_ours", "base_theirs"); err != nil {
			return err
		}
	}
	return nil
}
