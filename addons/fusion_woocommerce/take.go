package woocommerce

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// taking is the current state of a store's order being taken over, in one
// transaction.
type taking struct {
	env   *orm.Env
	inst  *Instance
	job   remoteJob
	began time.Time
	rec   *Order // as it was recorded before; nil for an order never seen
	o     ordermap.Order
	cur   currency
	tried map[int64]bool   // products that were asked for in the store
	vals  orm.Values       // what is recorded now
	had   map[int64]bool   // lines of the sale order before it is rewritten
	bound map[string]int64 // those of them that are the store's, by key
	binds []orm.Values
	log   entry
}

// currency of an order, as the ERP knows it.
type currency struct {
	id     int64
	places int32
	active bool
}

// held says that a person must decide, and why.
type held struct{ reason string }

func (h *held) Error() string { return h.reason }

func holdf(format string, args ...any) error { return &held{fmt.Sprintf(format, args...)} }

// take takes over what was read of an order. It may be called again for the
// same state: then it changes nothing.
func take(env *orm.Env, inst *Instance, job remoteJob, got *reading, began time.Time) error {
	rec, err := orm.First[Order](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", job.ID)), "")
	if err != nil {
		return err
	}
	if got.broken != "" {
		if err := markUnreadable(env, inst, job.ID, unreadable+got.broken); err != nil {
			return err
		}
		return settleEvent(env, job.Event, "failed", got.broken)
	}
	t := &taking{env: env, inst: inst, job: job, began: began, rec: rec, tried: got.tried, log: entry{Type: "order", State: "success", Ref: itoa(job.ID), Since: began}}
	if got.gone {
		err = t.vanished()
	} else {
		err = t.read(got)
	}
	if err != nil {
		return err
	}
	return t.store()
}

// read decides what to do with the state that was read.
func (t *taking) read(got *reading) error {
	var err error
	if t.cur, err = currencyOf(t.env, got.order.Currency); err != nil {
		return err
	}
	rates, err := taxMaps(t.env, t.inst)
	if err != nil {
		return err
	}
	t.o = ordermap.Map(ordermap.Input{Order: *got.order, Rates: ratesOf(rates), Places: t.cur.places, Tolerance: t.inst.Tolerance, Policy: t.inst.policy()})
	t.log.Ref = t.o.Number
	if old, err := t.stale(got); err != nil || old {
		return err
	}
	if t.vals, err = t.values(); err != nil {
		return err
	}
	if t.rec != nil && t.unchanged() {
		t.log.State, t.log.Message = "skipped", "Nothing changed since it was last read."
		return nil
	}
	switch {
	case t.rec == nil || t.rec.State != "imported":
		err = t.first()
	case t.rec.SaleID.IsSet():
		err = t.again()
	case t.job.Source == "replay":
		err = t.first()
	default:
		t.attend("The sale order was deleted here. Import the order again to get a new one.")
	}
	if err != nil {
		return err
	}
	t.refunds()
	return nil
}

// stale reports whether something newer is stored already: then nothing is
// done. Where the store's dates cannot tell, because both are of one second,
// the order in which it was asked does; if that cannot either, it is asked
// again. A person who asks for the import wants what the store says now.
func (t *taking) stale(got *reading) (bool, error) {
	if t.rec == nil || t.job.Source == "replay" {
		return false, nil
	}
	before, now := t.rec.DateModified.Time(), t.o.Modified
	if now.Before(before) {
		t.log.State, t.log.Message = "skipped", fmt.Sprintf("The store answered with the order as of %s UTC; as of %s it is taken over already.", stamp(now), stamp(before))
		return true, nil
	}
	if now.Equal(before) && !t.unchanged() && t.rec.ReadStamp >= got.asked {
		return false, errReadAgain
	}
	return false, nil
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05") }

// unchanged reports whether the order was seen in this very state before and
// nothing is left to do about it.
func (t *taking) unchanged() bool {
	switch {
	case t.rec.State == "imported" && !t.rec.SaleID.IsSet() && t.job.Source == "replay":
		return false
	case t.rec.State == "ignored" && t.o.Class == ordermap.Import && !t.early():
		return false
	}
	return t.rec.SeenDigest == t.o.Digest() && t.rec.Status == t.o.Status && t.rec.Refunded.Equal(t.o.Totals.Refunded) &&
		slices.Contains([]string{"imported", "cancelled", "ignored"}, t.rec.State) && t.rec.StateClass == string(t.o.Class)
}

// policy is what the instance decided about statuses.
func (i *Instance) policy() ordermap.Policy {
	p := ordermap.Policy{WaitOnHold: i.OnHold == "wait"}
	for s := range strings.SplitSeq(i.CustomStatuses, ",") {
		if s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "wc-"); s != "" {
			p.Further = append(p.Further, s)
		}
	}
	return p
}

// values are the store's words on the order.
func (t *taking) values() (orm.Values, error) {
	o := &t.o
	read, err := clock(t.env)
	if err != nil {
		return nil, err
	}
	v := orm.Values{"number": o.Number, "woo_status": o.Status, "created_via": o.Via, "currency": o.Currency, "total": o.Totals.Total, "total_tax": o.Totals.Tax,
		"shipping_total": o.Totals.Shipping, "discount_total": o.Totals.Discount, "refunded_total": o.Totals.Refunded, "payment_method": o.Payment.Method,
		"payment_method_title": o.Payment.Title, "transaction_id": o.Payment.Transaction, "customer_note": o.Remark, "billing_email": o.Customer.Email,
		"totals_state": string(o.State), "totals_note": strings.Join(o.Notes, "\n"), "seen_digest": o.Digest(), "read_stamp": read, "state_class": string(o.Class)}
	for name, at := range map[string]time.Time{"date_created": o.Created, "date_modified": o.Modified, "date_paid": o.Paid, "date_completed": o.Completed} {
		v[name] = nil
		if !at.IsZero() {
			v[name] = orm.DatetimeOf(at)
		}
	}
	if t.cur.id != 0 {
		v["currency_id"] = t.cur.id
	}
	for name, x := range v {
		if x == "" {
			v[name] = nil
		}
	}
	return v, nil
}

// end sets what became of the order.
func (t *taking) end(state, reason, logState, message string) {
	t.vals["state"], t.vals["hold_reason"] = state, nil
	if reason != "" {
		t.vals["hold_reason"] = reason
	}
	t.log.State, t.log.Message = logState, message
}

// early reports whether the order was placed before those that are imported.
func (t *taking) early() bool {
	live := t.inst.GoLive.Time()
	return !live.IsZero() && t.o.Created.Before(live)
}

// first imports an order that is not imported, if it is one to be imported.
func (t *taking) first() error {
	o := &t.o
	if o.Class == ordermap.Import && t.early() {
		t.end("ignored", fmt.Sprintf("The order was placed before %s UTC, from when on orders of this store are imported.", stamp(t.inst.GoLive.Time())), "skipped", "Placed before the import began.")
		return nil
	}
	switch o.Class {
	case ordermap.Wait:
		t.end("received", o.Why, "skipped", o.Why)
		return nil
	case ordermap.Cancelled, ordermap.Refunded:
		t.end("cancelled", o.Why, "skipped", o.Why)
		return nil
	case ordermap.Ignore:
		t.end("ignored", o.Why, "skipped", o.Why)
		return nil
	}
	if o.State == ordermap.Mismatch {
		t.hold(strings.Join(o.Notes, "\n"))
		return nil
	}
	name, err := t.attempt(t.document)
	if why, ok := reasonOf(err); ok {
		t.hold(why)
		return nil
	}
	if err != nil {
		return err
	}
	t.vals["digest"], t.vals["imported_on"] = o.Digest(), orm.DatetimeOf(t.env.Now())
	text := fmt.Sprintf("Imported as %s: %s, equal to the store.", name, t.money(o.Totals.Total))
	if o.State == ordermap.Rounded {
		text = fmt.Sprintf("Imported as %s: %s. %s", name, t.money(o.Totals.Total), strings.Join(o.Notes, " "))
	}
	t.end("imported", "", "success", text)
	return nil
}

// attempt does something to the documents; its failure leaves no trace of it.
func (t *taking) attempt(do func() (string, error)) (name string, err error) {
	vals, binds := t.vals.Clone(), t.binds
	err = t.env.Savepoint(func(*orm.Env) error {
		var err error
		name, err = do()
		return err
	})
	if err != nil {
		t.vals, t.binds = vals, binds
	}
	return name, err
}

// reasonOf tells failures that a person can mend from those that trying again
// may.
func reasonOf(err error) (string, bool) {
	if h, ok := errors.AsType[*held](err); ok {
		return h.reason, true
	}
	if isDuplicate(err) {
		return "", false
	}
	if e, ok := errors.AsType[*orm.Error](err); ok && (e.Code == orm.CodeUser || e.Code == orm.CodeValidation) {
		return "The ERP does not accept the order: " + e.Message, true
	}
	return "", false
}

// hold leaves the order to a person. The same reason is logged once, and again
// when a person asks.
func (t *taking) hold(why string) {
	told := t.rec != nil && t.rec.State == "held" && t.rec.HoldReason == why
	t.end("held", why, "warning", "Held: "+why)
	if told && t.job.Source != "replay" {
		t.log.State = ""
	}
}

// attend puts something to a person that was not taken over.
func (t *taking) attend(text string) {
	before := ""
	if t.rec != nil {
		before = t.rec.Attention
	}
	if v, ok := t.vals["attention"].(string); ok {
		before = v
	}
	if strings.Contains(before, text) {
		return
	}
	t.vals["attention"] = strings.TrimSpace(before + "\n" + text)
	t.log.State = "warning"
	t.log.Message = strings.TrimSpace(t.log.Message + " " + text)
}

// refunds tells of money the store gave back since the order was last read.
func (t *taking) refunds() {
	state, known := t.vals["state"], decimal.Zero
	if t.rec != nil && t.rec.State == "imported" {
		known = t.rec.Refunded
		if state == nil {
			state = t.rec.State
		}
	}
	if state != "imported" || t.o.Totals.Refunded.Equal(known) || t.o.Totals.Refunded.IsZero() {
		return
	}
	var parts []string
	for _, r := range t.o.Refunds {
		s := fmt.Sprintf("%s (refund %d", t.money(r.Amount), r.ID)
		if r.Reason != "" {
			s += ", “" + r.Reason + "”"
		}
		parts = append(parts, s+")")
	}
	t.attend("The store gave money back: " + strings.Join(parts, ", ") + ". Refunds are not taken over yet: make the credit note by hand.")
}

// vanished handles an order that was deleted for good in the store.
func (t *taking) vanished() error {
	if t.rec == nil {
		t.log.State, t.log.Message = "skipped", "The store no longer has this order, and it was never imported."
		return nil
	}
	t.log.Ref = t.rec.Number
	t.vals = orm.Values{}
	const why = "The order was deleted in the store."
	if t.rec.State == "imported" && t.rec.SaleID.IsSet() {
		return t.withdraw(why)
	}
	if t.rec.State == "cancelled" && t.rec.HoldReason == why {
		t.log.State, t.log.Message = "skipped", why
		return nil
	}
	t.end("cancelled", why, "skipped", why)
	return nil
}

// store records the order, its lines, the log entry and what became of the
// event.
func (t *taking) store() error {
	note := ""
	if t.log.State == "skipped" {
		note = t.log.Message
	}
	if len(t.vals) > 0 {
		if err := t.save(); err != nil {
			return err
		}
	}
	if t.rec != nil {
		t.log.Record = orm.RecordsOf(t.env, t.rec)
	}
	if t.log.State != "" {
		if err := logTo(t.env, t.inst, t.log); err != nil {
			return err
		}
	}
	return settleEvent(t.env, t.job.Event, "done", note)
}

func (t *taking) save() error {
	if t.rec == nil {
		t.vals["instance_id"], t.vals["company_id"], t.vals["woo_id"] = t.inst.ID, t.inst.CompanyID.ID, t.job.ID
		made, err := t.env.Model("woo.order").Create(t.vals)
		if err != nil {
			return err
		}
		if t.rec, err = orm.Get[Order](t.env, made.ID()); err != nil {
			return err
		}
	} else if err := orm.RecordsOf(t.env, t.rec).Write(t.vals); err != nil {
		return err
	}
	if t.binds == nil {
		return nil
	}
	old, err := t.env.Model("woo.order.bind").Search(orm.Leaf("order_id", "=", t.rec.ID), orm.SearchOptions{})
	if err != nil {
		return err
	}
	if err := old.Unlink(); err != nil {
		return err
	}
	for _, b := range t.binds {
		b["order_id"] = t.rec.ID
	}
	_, err = t.env.Model("woo.order.bind").Create(t.binds...)
	return err
}

// currencyOf finds a currency by its code, also an archived one; the zero
// value is one the ERP does not know.
func currencyOf(env *orm.Env, code string) (currency, error) {
	return orm.Memo(env, "woo.currency:"+code, func() (currency, error) {
		list, err := orm.Search[base.Currency](env.WithContext(map[string]any{"active_test": false}), orm.Leaf("name", "=", code), orm.SearchOptions{Limit: 1})
		if err != nil || len(list) == 0 || code == "" {
			return currency{places: 2}, err
		}
		return currency{list[0].ID, int32(list[0].DecimalPlaces), list[0].Active}, nil
	})
}

// ratesOf is the store's tax table as it was last read, for orders that leave
// out what their taxes are.
func ratesOf(maps []*TaxMap) []wcapi.Tax {
	out := make([]wcapi.Tax, len(maps))
	for i, m := range maps {
		out[i] = wcapi.Tax{ID: wcapi.ID(m.RateID), Name: m.Name, Rate: wcapi.NewAmount(m.Rate), Compound: wcapi.Flag(m.Compound), Country: m.Country, State: m.State,
			Class: m.Class, Priority: wcapi.Int(m.Priority), Shipping: wcapi.Flag(m.Shipping)}
	}
	return out
}
