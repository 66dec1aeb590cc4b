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

	"github.com/jackc/pgx/v5/pgconn"
)

// orderImport is the current state of a store's order being taken over, in one
// transaction.
type orderImport struct {
	env   *orm.Env
	inst  *Instance
	job   remoteJob
	began time.Time
	rec   *Order // as it was recorded before; nil for an order never seen
	o     ordermap.Order
	seen  string // the digest of o as a poll sees it
	cur   currency
	tried map[int64]bool   // products that were asked for in the store
	vals  orm.Values       // what is recorded now
	had   map[int64]bool   // lines of the sale order before it is rewritten
	bound map[string]int64 // those of them that are the store's, by key
	binds []orm.Values
	log   logEntry

	refunds []*Refund         // of the order, as they are recorded
	credits []ordermap.Credit // what the store says of those that are not booked
	listed  bool              // whether the store was asked which refunds there are
	before  []string          // the refunds that the order was last told with
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

// applyOrder takes over what was read of an order. It may be called again for the
// same state: then it changes nothing.
func applyOrder(env *orm.Env, inst *Instance, job remoteJob, got *fetchedOrder, began time.Time) error {
	rec, err := orm.First[Order](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", job.ID)), "")
	if err != nil {
		return err
	}
	if got.broken != "" {
		if err := setAside(env, inst, job.ID, OrderError, unreadable+got.broken, nil); err != nil {
			return err
		}
		return settleEvent(env, job.Event, "failed", got.broken)
	}
	imp := &orderImport{env: env, inst: inst, job: job, began: began, rec: rec, tried: got.tried, log: logEntry{Type: "order", State: "success", Ref: itoa(job.ID), Since: began}}
	if got.gone {
		err = imp.orderDeleted()
	} else {
		err = imp.read(got)
	}
	if err != nil {
		return err
	}
	return imp.store()
}

// read decides what to do with the state that was read.
func (imp *orderImport) read(got *fetchedOrder) error {
	var err error
	if imp.cur, err = currencyOf(imp.env, got.order.Currency); err != nil {
		return err
	}
	rates, err := taxMaps(imp.env, imp.inst)
	if err != nil {
		return err
	}
	statuses, err := statusMaps(imp.env, imp.inst)
	if err != nil {
		return err
	}
	imp.o = ordermap.Map(ordermap.Input{Order: *got.order, Rates: ratesOf(rates), Places: imp.cur.places, Tolerance: imp.inst.Tolerance, Policy: policyOf(statuses)})
	known, err := paymentMaps(imp.env, imp.inst)
	if err != nil {
		return err
	}
	if status, ways := newStatus(statuses, imp.o.Status), newWays(known, &imp.o); status != "" || len(ways) > 0 {
		return &missingRecords{status: status, ways: ways}
	}
	imp.log.Ref, imp.seen = imp.o.Number, imp.o.Digest()
	if err := imp.keepProducts(); err != nil {
		return err
	}
	if err := imp.knownRefunds(); err != nil {
		return err
	}
	if old, err := imp.stale(got); err != nil || old {
		return err
	}
	if imp.vals, err = imp.values(); err != nil {
		return err
	}
	if imp.rec != nil && imp.unchanged() {
		imp.log.State, imp.log.Message = "skipped", "Nothing changed since it was last read."
		return nil
	}
	if err := imp.readCredits(got); err != nil {
		return err
	}
	switch {
	case imp.rec == nil || imp.rec.State != OrderImported:
		err = imp.importNew()
	case imp.rec.SaleID.IsSet():
		err = imp.update()
	case imp.job.Source == "replay":
		err = imp.importNew()
	default:
		imp.needAttention(saleGone + " Import the order again to get a new one.")
	}
	return err
}

// stale reports whether something newer is stored already: then nothing is
// done. Where the store's dates cannot tell, because both are of one second,
// the order in which it was asked does; if that cannot either, it is asked
// again. A person who asks for the import wants what the store says now.
func (imp *orderImport) stale(got *fetchedOrder) (bool, error) {
	if imp.rec == nil || imp.job.Source == "replay" {
		return false, nil
	}
	before, now := imp.rec.DateModified.Time(), imp.o.Modified
	if now.Before(before) {
		imp.log.State, imp.log.Message = "skipped", fmt.Sprintf("The store answered with the order as of %s UTC; as of %s it is taken over already.", stamp(now), stamp(before))
		return true, nil
	}
	if now.Equal(before) && !imp.unchanged() && imp.rec.ReadStamp >= got.asked {
		return false, errReadAgain
	}
	return false, nil
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05") }

// keepProducts gives lines whose product the store has deleted meanwhile, and which so
// lost its id, the product they were sold with: that is no change of the order.
func (imp *orderImport) keepProducts() error {
	lost := func(l ordermap.Line) bool { return l.Kind == ordermap.Product && remoteID(l) == 0 }
	if imp.rec == nil || !slices.ContainsFunc(imp.o.Lines, lost) {
		return nil
	}
	binds, err := orm.Search[Bind](imp.env, orm.Leaf("order_id", "=", imp.rec.ID), orm.SearchOptions{})
	if err != nil {
		return err
	}
	for i := range imp.o.Lines {
		l := &imp.o.Lines[i]
		for _, b := range binds {
			if lost(*l) && b.Key == l.Key && b.Kind == string(l.Kind) {
				l.ProductID, l.VariationID = b.ProductID, b.VariantID
			}
		}
	}
	return nil
}

// asked reports whether the order is taken up again because a person asked for it, or
// because what was in its way may be mended.
func (imp *orderImport) asked() bool {
	return imp.job.Source == "replay" || imp.job.Source == "mended"
}

// unchanged reports whether the order was seen in this very state before and
// nothing is left to do about it.
func (imp *orderImport) unchanged() bool {
	switch {
	case imp.asked() && (imp.rec.ChangeRefused || slices.ContainsFunc(imp.refunds, imp.toBook)):
		return false
	case imp.rec.State == OrderImported && !imp.rec.SaleID.IsSet() && imp.job.Source == "replay":
		return false
	case imp.rec.State == OrderIgnored && imp.o.Class.Taken() && !imp.beforeGoLive():
		return false
	}
	return imp.rec.SeenDigest == imp.seen && imp.rec.Status == imp.o.Status && imp.rec.RefundKey == refundKey(&imp.o) &&
		slices.Contains([]string{"imported", "cancelled", "ignored"}, imp.rec.State) && imp.rec.StateClass == string(imp.o.Class)
}

// refundKey tells states of an order's refunds apart. Deleting one moves no date.
func refundKey(o *ordermap.Order) string {
	var parts []string
	for _, r := range o.Refunds {
		if r.ID != 0 { // of a refund that is gone the store may keep an empty entry
			parts = append(parts, itoa(r.ID)+"="+r.Amount.String())
		}
	}
	return strings.Join(parts, " ")
}

// values are the store's words on the order.
func (imp *orderImport) values() (orm.Values, error) {
	o := &imp.o
	read, err := databaseClock(imp.env)
	if err != nil {
		return nil, err
	}
	v := orm.Values{"number": o.Number, "woo_status": o.Status, "created_via": o.Via, "currency": o.Currency, "total": o.Totals.Total, "total_tax": o.Totals.Tax,
		"shipping_total": o.Totals.Shipping, "discount_total": o.Totals.Discount, "refunded_total": o.Totals.Refunded, "payment_method": o.Payment.Method,
		"payment_method_title": o.Payment.Title, "transaction_id": o.Payment.Transaction, "customer_note": o.Remark, "billing_email": o.Customer.Email,
		"parts_state": string(o.State), "totals_note": strings.Join(o.Notes, "\n"), "seen_digest": imp.seen, "read_stamp": read, "state_class": string(o.Class),
		"refund_key": refundKey(o), "woo_parent_id": int64(0), "voucher_total": o.Totals.Vouchers}
	var codes []string
	for _, x := range o.Vouchers {
		if x.Code != "" {
			codes = append(codes, x.Code)
		}
	}
	v["voucher_codes"] = strings.Join(codes, ", ")
	if o.Family.Tie == ordermap.Part {
		v["woo_parent_id"] = o.Family.Parent
	}
	for name, at := range map[string]time.Time{"date_created": o.Created, "date_modified": o.Modified, "date_paid": o.Paid, "date_completed": o.Completed} {
		v[name] = nil
		if !at.IsZero() {
			v[name] = orm.DatetimeOf(at)
		}
	}
	if imp.cur.id != 0 {
		v["currency_id"] = imp.cur.id
	}
	for name, x := range v {
		if x == "" {
			v[name] = nil
		}
	}
	return v, nil
}

// setOutcome sets what became of the order.
func (imp *orderImport) setOutcome(state, reason, logState, message string) {
	imp.vals["state"], imp.vals["hold_reason"] = state, nil
	switch state {
	case OrderHeld, OrderReceived:
		imp.vals["open_lines"] = openLines(&imp.o)
	case OrderCancelled, OrderIgnored:
		imp.vals["open_lines"] = nil
	}
	if reason != "" {
		imp.vals["hold_reason"] = reason
	}
	imp.log.State, imp.log.Message = logState, message
}

// beforeGoLive reports whether the order was placed before those that are imported.
func (imp *orderImport) beforeGoLive() bool {
	live := imp.inst.GoLive.Time()
	return !live.IsZero() && imp.o.Created.Before(live)
}

// importNew imports an order that is not imported, if it is one to be imported.
func (imp *orderImport) importNew() error {
	o := &imp.o
	if o.Class.Taken() && imp.beforeGoLive() {
		imp.setOutcome(OrderIgnored, fmt.Sprintf("The order was placed before %s UTC, from when on orders of this store are imported.", stamp(imp.inst.GoLive.Time())), "skipped", "Placed before the import began.")
		return nil
	}
	switch o.Class {
	case ordermap.Wait:
		imp.setOutcome(OrderReceived, o.Why, "skipped", o.Why)
		return nil
	case ordermap.Cancelled, ordermap.Refunded:
		imp.setOutcome(OrderCancelled, o.Why, "skipped", o.Why)
		return nil
	case ordermap.Ignore:
		imp.setOutcome(OrderIgnored, o.Why, "skipped", o.Why)
		return nil
	}
	kin, err := imp.kin()
	if err != nil {
		return err
	}
	switch class, why := ordermap.Marketplace(imp.inst.Marketplace).Decide(o.Family, kin); class {
	case ordermap.Wait:
		imp.setOutcome(OrderReceived, why, "skipped", why)
		return nil
	case ordermap.Hold:
		imp.hold(why)
		return nil
	}
	if o.State == ordermap.Mismatch {
		imp.hold(strings.Join(o.Notes, "\n"))
		return nil
	}
	name, err := imp.attempt(imp.createDocuments)
	if why, ok := reasonOf(err); ok {
		imp.hold(why)
		return nil
	}
	if err != nil {
		return err
	}
	imp.vals["digest"], imp.vals["imported_on"] = o.Digest(), orm.DatetimeOf(imp.env.Now())
	text := fmt.Sprintf("Imported as %s: %s, equal to the store.", name, imp.money(o.Totals.Total))
	if o.State == ordermap.Rounded {
		text = fmt.Sprintf("Imported as %s: %s. %s", name, imp.money(o.Totals.Total), strings.Join(o.Notes, " "))
	}
	imp.setOutcome(OrderImported, "", "success", text)
	return nil
}

// kin is what is recorded of the orders that this one is tied to.
func (imp *orderImport) kin() (ordermap.Kin, error) {
	var kin ordermap.Kin
	tied := orm.Leaf("woo_parent_id", "=", imp.o.ID)
	if imp.o.Family.Parent != 0 {
		tied = orm.Or(tied, orm.Leaf("woo_id", "=", imp.o.Family.Parent))
	}
	list, err := orm.Search[Order](imp.env, orm.And(orm.Leaf("instance_id", "=", imp.inst.ID), tied), orm.SearchOptions{Order: "woo_id"})
	for _, o := range list {
		booked := o.State == OrderImported && o.SaleID.IsSet()
		if o.RemoteID == imp.o.Family.Parent {
			kin.ParentBooked = booked
			continue
		}
		kin.Parts = append(kin.Parts, o.RemoteID)
		kin.PartsBooked = kin.PartsBooked || booked
	}
	return kin, err
}

// attempt does something to the documents; its failure leaves no trace of it.
func (imp *orderImport) attempt(do func() (string, error)) (name string, err error) {
	vals, binds := imp.vals.Clone(), imp.binds
	err = imp.env.Savepoint(func(*orm.Env) error {
		var err error
		name, err = do()
		return err
	})
	if err != nil {
		imp.vals, imp.binds = vals, binds
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
	pe, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && pe.Code == "57014": // it took too long, and may not the next time
		return "", false
	case ok && (strings.HasPrefix(pe.Code, "22") || pe.Code == "54000"): // a value that does not fit its column, or an index
		return "The database does not take what the store says: " + printable(pe.Message), true
	}
	if e, ok := errors.AsType[*orm.Error](err); ok && (e.Code == orm.CodeUser || e.Code == orm.CodeValidation) {
		return "The ERP does not accept the order: " + e.Message, true
	}
	return "", false
}

// hold leaves the order to a person. The same reason is logged once, and again
// when a person asks.
func (imp *orderImport) hold(why string) {
	told := imp.rec != nil && imp.rec.State == OrderHeld && imp.rec.HoldReason == why
	imp.setOutcome(OrderHeld, why, "warning", "Held: "+why)
	if told && imp.job.Source != "replay" {
		imp.log.State = ""
	}
}

// needAttention tells of something that a person has to look at, in place of what was
// told of the same topic before.
func (imp *orderImport) needAttention(text string) {
	after, news := attention(imp.attention(), text)
	if !news {
		return
	}
	imp.vals["attention"] = after
	imp.log.State = "warning"
	imp.log.Message = strings.TrimSpace(imp.log.Message + " " + text)
}

// attention is what a person is told about the order so far.
func (imp *orderImport) attention() string {
	if v, given := imp.vals["attention"]; given {
		text, _ := v.(string)
		return text
	}
	if imp.rec == nil {
		return ""
	}
	return imp.rec.Attention
}

// settled takes back what was told of a topic.
func (imp *orderImport) settled(text string) {
	if left := withoutTopic(imp.attention(), text); left != imp.attention() {
		imp.vals["attention"] = nil
		if left != "" {
			imp.vals["attention"] = left
		}
	}
}

// orderDeleted handles an order that was deleted for good in the store.
func (imp *orderImport) orderDeleted() error {
	if imp.rec == nil {
		imp.log.State, imp.log.Message = "skipped", "The store no longer has this order, and it was never imported."
		return nil
	}
	imp.log.Ref = imp.rec.Number
	imp.vals = orm.Values{"woo_status": statusDeleted}
	const why = orderGone
	if imp.rec.State == OrderImported && imp.rec.SaleID.IsSet() {
		return imp.cancel(why)
	}
	if imp.rec.State == OrderCancelled && imp.rec.HoldReason == why {
		imp.log.State, imp.log.Message = "skipped", why
		return nil
	}
	imp.setOutcome(OrderCancelled, why, "success", why)
	return nil
}

// store records the order, its lines, the log entry and what became of the
// event.
func (imp *orderImport) store() error {
	note := ""
	if imp.log.State == "skipped" {
		note = imp.log.Message
	}
	if len(imp.vals) > 0 {
		if err := imp.save(); err != nil {
			return err
		}
	}
	if imp.rec != nil {
		if err := imp.takeRefunds(); err != nil {
			return err
		}
		imp.log.Record = orm.RecordsOf(imp.env, imp.rec)
	}
	if imp.log.State != "" {
		if err := logTo(imp.env, imp.inst, imp.log); err != nil {
			return err
		}
	}
	if imp.rec != nil && (imp.log.State != "skipped" || imp.asked()) {
		if err := settleOrder(imp.env, imp.inst, imp.rec.ID, false); err != nil {
			return err
		}
	}
	return settleEvent(imp.env, imp.job.Event, "done", note)
}

func (imp *orderImport) save() error {
	if imp.rec == nil {
		imp.vals["instance_id"], imp.vals["company_id"], imp.vals["woo_id"] = imp.inst.ID, imp.inst.CompanyID.ID, imp.job.ID
		made, err := imp.env.Model("woo.order").Create(imp.vals)
		if err != nil {
			return err
		}
		if imp.rec, err = orm.Get[Order](imp.env, made.ID()); err != nil {
			return err
		}
	} else if err := orm.RecordsOf(imp.env, imp.rec).Write(imp.vals); err != nil {
		return err
	}
	if imp.binds == nil {
		return nil
	}
	old, err := imp.env.Model("woo.order.bind").Search(orm.Leaf("order_id", "=", imp.rec.ID), orm.SearchOptions{})
	if err != nil {
		return err
	}
	if err := old.Unlink(); err != nil {
		return err
	}
	for _, b := range imp.binds {
		b["order_id"] = imp.rec.ID
	}
	_, err = imp.env.Model("woo.order.bind").Create(imp.binds...)
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
