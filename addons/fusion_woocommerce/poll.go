package woocommerce

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// retryErrors is after how long an order in error is fetched again.
const retryErrors = time.Hour

// mostMissing is for how many orders, or products, that a list no longer has the store is
// asked one by one after a comparison; the next comparison asks for the others.
const mostMissing = 500

// polledOrder is an order as the store told it without being asked for it alone.
type polledOrder struct {
	id       int64
	modified time.Time
	status   string
	class    string // what is done with such an order
	digest   string
	refunds  string
	body     json.RawMessage
}

// toldOrder reads from an order what tells its states apart.
func toldOrder(inst *Instance, places map[string]int32, o *wcapi.Order) polledOrder {
	m := ordermap.Map(ordermap.Input{Order: *o, Places: placesOr(places, o.Currency), Tolerance: inst.Tolerance, Policy: inst.policy()})
	return polledOrder{id: int64(o.ID), modified: o.DateModified.Time, status: o.Status, class: string(m.Class), digest: m.Digest(), refunds: refundKey(&m)}
}

// key tells states of one order apart.
func (s polledOrder) key() string {
	day := ""
	if !s.modified.IsZero() {
		day = s.modified.UTC().Format("20060102150405")
	}
	return day + ":" + s.status + ":" + s.class + ":" + s.digest + ":" + s.refunds
}

// orderList is what a store answers when it is asked which orders changed.
type orderList struct {
	found    []polledOrder
	failures []error // of orders that cannot be read
	cursor   time.Time
	asked    int64 // when, on the database's clock
}

// listOrders asks a store which of its orders changed since then.
func listOrders(ctx context.Context, db *orm.DB, inst *Instance, c *wcapi.Client, since time.Time) (*orderList, error) {
	places, err := currencyPlaces(ctx, db)
	if err != nil {
		return nil, err
	}
	l := &orderList{}
	if l.asked, err = clockOf(ctx, db); err != nil {
		return nil, err
	}
	window, err := c.OrdersModified(ctx, since, func(o *wcapi.Order) error {
		told := toldOrder(inst, places, o)
		var err error
		told.body, err = json.Marshal(o)
		l.found = append(l.found, told)
		return err
	}, func(err error) error {
		l.failures = append(l.failures, err)
		return nil
	})
	l.cursor = window.Cursor
	return l, err
}

// pollOrders asks the store what changed since the cursor and queues a job for
// each such order, with what the list says of it; the cursor moves in the same
// transaction, so nothing is passed over. Orders come again at the border; those that
// are known in the state seen are left alone. A comparison of everything also finds
// what the store no longer has.
func (e *engine) pollOrders(ctx context.Context, w *jobs.Work) error {
	inst, c, err := e.instanceOf(ctx, w)
	if err != nil {
		return err
	}
	if !inst.Live {
		return w.Finish(ctx, func(*orm.Env) error { return nil })
	}
	began := time.Now()
	since, full := inst.pollFrom(began)
	l, err := listOrders(ctx, w.DB, inst, c, since)
	if err != nil {
		return storeFailed(ctx, w, inst, "order", inst.URL, fmt.Errorf("orders cannot be listed: %w", err))
	}
	return w.Finish(ctx, func(env *orm.Env) error {
		queued, err := queueSeen(env, inst, l.found, l.asked)
		if err != nil {
			return err
		}
		n := len(queued)
		missing := 0
		if full {
			if missing, err = queueMissing(env, inst, since, l); err != nil {
				return err
			}
		}
		if err := recordUnreadable(env, inst, l.failures); err != nil {
			return err
		}
		retried, err := queueErrors(env, inst)
		if err != nil {
			return err
		}
		vals := orm.Values{"last_sync": orm.DatetimeOf(env.Now()), "polled_at": orm.DatetimeOf(env.Now()), "order_cursor": orm.DatetimeOf(l.cursor)}
		if full {
			vals["full_compare_at"] = orm.DatetimeOf(env.Now())
		}
		if err := env.Model("woo.instance").Browse(inst.ID).Write(vals); err != nil || n+retried+missing == 0 {
			return err
		}
		text := fmt.Sprintf("%d orders changed in the store and %d in error are being imported.", n, retried)
		if missing > 0 {
			text += fmt.Sprintf(" %d are no longer in its list and are looked for one by one.", missing)
		}
		return logTo(env, inst, logEntry{Type: "order", State: "success", Since: began, Message: text})
	})
}

// compareEvery is how often everything a store has is compared. What is deleted for good
// shows nowhere else, nor does the deletion of a refund, and without HPOS some edits of
// orders do not move their date.
const compareEvery = 24 * time.Hour

// pollFrom is where the next poll begins. Once a day, and when the cursor was taken
// away, everything is compared, so that nothing stays behind whatever happened.
func (i *Instance) pollFrom(now time.Time) (since time.Time, full bool) {
	since = i.OrderCursor.Time()
	if full = since.IsZero() || now.Sub(i.FullCompareAt.Time()) > compareEvery; full {
		since = time.Time{}
	}
	if live := i.GoLive.Time(); live.After(since) {
		since = live // an order placed later was not changed before
	}
	return since, full
}

// currencyPlaces are the decimals of all currencies, by code.
func currencyPlaces(ctx context.Context, db *orm.DB) (map[string]int32, error) {
	out := map[string]int32{}
	err := db.View(ctx, orm.System(), func(env *orm.Env) error {
		all, err := env.WithContext(map[string]any{"active_test": false}).Model("res.currency").Search(nil, orm.SearchOptions{})
		if err != nil {
			return err
		}
		rows, err := all.Read("name", "decimal_places")
		for _, r := range rows {
			out[r.Text("name")] = int32(r.Int("decimal_places"))
		}
		return err
	})
	return out, err
}

// placesOr are the decimals of a currency; of one the ERP does not know they
// do not matter, since its orders are held.
func placesOr(places map[string]int32, code string) int32 {
	if n, ok := places[code]; ok {
		return n
	}
	return 2
}

// queueSeen queues the orders that are not known in the state seen.
func queueSeen(env *orm.Env, inst *Instance, found []polledOrder, asked int64) (ids []int64, err error) {
	known, err := knownOrders(env, inst)
	if err != nil {
		return nil, err
	}
	for _, s := range found {
		if known[s.id] == s.key() {
			continue
		}
		j := remoteJob{Instance: inst.ID, ID: s.id, Source: "poll", Order: s.body, Asked: asked}
		queued, err := queueRemote(env, JobOrder, orderKey(inst.ID, s.id, s.key()), orderTitle(s.id, "poll"), j, jobs.Options{})
		if err != nil {
			return ids, err
		}
		if queued {
			ids = append(ids, s.id)
		}
	}
	return ids, nil
}

// queueMissing asks for the orders that are recorded here, and that the list of all
// changed since then does not have.
func queueMissing(env *orm.Env, inst *Instance, since time.Time, l *orderList) (int, error) {
	listed := map[int64]bool{}
	for _, s := range l.found {
		listed[s.id] = true
	}
	for _, err := range l.failures {
		listed[wcapi.ObjectOf(err)] = true
	}
	// SQL: the ids of all orders ever seen, which a comparison looks for.
	ids, err := orm.Rows[int64](env, orm.SQL(`SELECT woo_id FROM woo_order WHERE instance_id = ? AND woo_status IS DISTINCT FROM ? AND date_modified >= ?::timestamp ORDER BY woo_id`,
		inst.ID, statusDeleted, stamp(since)).Reads("woo.order", "instance_id", "woo_id", "woo_status", "date_modified"))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range ids {
		if listed[id] || n == mostMissing {
			continue
		}
		if err := queueOrder(env, inst.ID, id, "compare", 0, "compare"); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// knownOrders is the state in which each order was last seen. Orders in error,
// and those that were too old before the instance's date was changed, are not
// known. No ids are all.
func knownOrders(env *orm.Env, inst *Instance, ids ...int64) (map[int64]string, error) {
	live := inst.GoLive.Time()
	type seen struct {
		WooID int64
		State string
	}
	// SQL: a digest of all orders ever seen, which a poll compares.
	rows, err := orm.Rows[seen](env, orm.SQL(`SELECT woo_id, concat_ws(':', COALESCE(to_char(date_modified, 'YYYYMMDDHH24MISS'), ''), COALESCE(woo_status, ''), COALESCE(state_class, ''), COALESCE(seen_digest, ''), COALESCE(refund_key, '')) AS state
		FROM woo_order WHERE instance_id = ? AND (? OR woo_id = ANY(?)) AND state <> 'error' AND NOT (state = 'ignored' AND state_class = ANY(?) AND date_created >= ?::timestamp)`, inst.ID, len(ids) == 0, ids, classesTaken, stamp(live)).
		Reads("woo.order"))
	if err != nil {
		return nil, err
	}
	out := make(map[int64]string, len(rows))
	for _, r := range rows {
		out[r.WooID] = r.State
	}
	return out, nil
}

// queueErrors fetches orders in error again from time to time: what kept them
// from being read may have passed, and the cursor has.
func queueErrors(env *orm.Env, inst *Instance) (int, error) {
	list, err := orm.Search[Order](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "=", "error"),
		orm.Leaf("write_date", "<", orm.DatetimeOf(env.Now().Add(-retryErrors)).String())), orm.SearchOptions{Limit: 500})
	if err != nil {
		return 0, err
	}
	for _, o := range list {
		if err := queueOrder(env, inst.ID, o.RemoteID, "poll", 0, "retry"); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// recordUnreadable keeps orders that a list holds but that cannot be read.
func recordUnreadable(env *orm.Env, inst *Instance, failures []error) error {
	for _, err := range failures {
		if id := wcapi.ObjectOf(err); id != 0 {
			if err := setAside(env, inst, id, OrderError, unreadable+explain(err), nil); err != nil {
				return err
			}
			continue
		}
		if err := logTo(env, inst, logEntry{Type: "order", State: "failed", Message: "An order of the store cannot be read: " + explain(err)}); err != nil {
			return err
		}
	}
	return nil
}

// setAside records that an order cannot be read or imported, and why: in error it is
// tried again later, held it is not. One that was imported stays so; the reason is put
// to a person. seen is what is known of the order, and may be nil.
func setAside(env *orm.Env, inst *Instance, id int64, state, text string, seen orm.Values) error {
	rec, err := orm.First[Order](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", id)), "")
	if err != nil {
		return err
	}
	switch {
	case rec == nil:
		rec = &Order{InstanceID: orm.RefTo[Instance](inst.ID), CompanyID: inst.CompanyID, RemoteID: id, Number: strconv.FormatInt(id, 10), State: state, HoldReason: text}
		if err = orm.Create(env, rec); err == nil {
			err = noteSeen(env, rec, seen)
		}
	case rec.SaleID.IsSet():
		if err := noteSeen(env, rec, seen); err != nil {
			return err
		}
		after, news := attention(rec.Attention, text)
		if !news {
			return nil
		}
		rec.Attention = after
		err = orm.Save(env, []*Order{rec}, "attention")
	default:
		if err := noteSeen(env, rec, seen); err != nil {
			return err
		}
		same := rec.State == state && rec.HoldReason == text
		rec.State, rec.HoldReason = state, text
		if err = orm.Save(env, []*Order{rec}, "state", "hold_reason"); err == nil && same {
			return nil // told already
		}
	}
	if err != nil {
		return err
	}
	return logTo(env, inst, logEntry{Type: "order", State: "failed", Ref: rec.Number, Message: text, Record: orm.RecordsOf(env, rec)})
}

// noteSeen records in which state an order was seen, so that it is not asked for again
// until the store changes it. What of it the database cannot take is left out.
func noteSeen(env *orm.Env, rec *Order, seen orm.Values) error {
	if len(seen) == 0 {
		return nil
	}
	err := env.Savepoint(func(env *orm.Env) error { return orm.RecordsOf(env, rec).Write(seen) })
	if _, refused := reasonOf(err); refused {
		return nil
	}
	return err
}

// money is a monetary value as records keep it.
func money(d decimal.Decimal, places int32, code string) string {
	return d.StringFixed(places) + " " + code
}
