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

// polledOrder is an order as a poll saw it.
type polledOrder struct {
	id       int64
	modified time.Time
	status   string
	class    string // what is done with such an order
	digest   string
}

// key tells states of one order apart.
func (s polledOrder) key() string {
	day := ""
	if !s.modified.IsZero() {
		day = s.modified.UTC().Format("20060102150405")
	}
	return day + ":" + s.status + ":" + s.class + ":" + s.digest
}

// pollOrders asks the store what changed since the cursor and queues a job for
// each such order; the cursor moves in the same transaction, so nothing is
// passed over. Orders come again at the border; those that are known in the
// state seen are left alone.
func (e *engine) pollOrders(ctx context.Context, w *jobs.Work) error {
	var id int64
	if err := json.Unmarshal(w.Payload, &id); err != nil {
		return jobs.Cancel(err)
	}
	inst, c, err := e.instance(ctx, w.DB, id)
	if err != nil {
		return err
	}
	places, err := currencyPlaces(ctx, w.DB)
	if err != nil {
		return err
	}
	began := time.Now()
	since, full := inst.pollFrom(began)
	var found []polledOrder
	var failures []error
	window, err := c.OrdersModified(ctx, since, func(o *wcapi.Order) error {
		m := ordermap.Map(ordermap.Input{Order: *o, Places: placesOr(places, o.Currency), Tolerance: inst.Tolerance, Policy: inst.policy()})
		found = append(found, polledOrder{int64(o.ID), o.DateModified.Time, o.Status, string(m.Class), m.Digest()})
		return nil
	}, func(err error) error {
		failures = append(failures, err)
		return nil
	})
	if err != nil {
		return storeFailed(ctx, w, inst, "order", inst.URL, fmt.Errorf("orders cannot be listed: %w", err))
	}
	return w.Finish(ctx, func(env *orm.Env) error {
		n, err := queueSeen(env, inst, found)
		if err != nil {
			return err
		}
		if err := recordUnreadable(env, inst, failures); err != nil {
			return err
		}
		retried, err := queueErrors(env, inst)
		if err != nil {
			return err
		}
		vals := orm.Values{"last_sync": orm.DatetimeOf(env.Now()), "order_cursor": orm.DatetimeOf(window.Cursor)}
		if full || inst.OrderCursor.IsZero() {
			vals["full_compare_at"] = orm.DatetimeOf(env.Now())
		}
		if err := env.Model("woo.instance").Browse(inst.ID).Write(vals); err != nil || n+retried == 0 {
			return err
		}
		return logTo(env, inst, logEntry{Type: "order", State: "success", Since: began, Message: fmt.Sprintf("%d orders changed in the store and %d in error are being imported.", n, retried)})
	})
}

// pollFrom is where the next poll begins. From time to time everything is
// compared, so that nothing stays behind whatever happened: once a day without
// HPOS, where some edits do not move the modification date, else once a week.
func (i *Instance) pollFrom(now time.Time) (since time.Time, full bool) {
	every := 7 * 24 * time.Hour
	if !i.HPOS {
		every = 24 * time.Hour
	}
	since = i.OrderCursor.Time()
	if full = now.Sub(i.FullCompareAt.Time()) > every; full {
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
func queueSeen(env *orm.Env, inst *Instance, found []polledOrder) (int, error) {
	known, err := knownOrders(env, inst)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, s := range found {
		if known[s.id] == s.key() {
			continue
		}
		if err := queueOrder(env, inst.ID, s.id, "poll", 0, s.key()); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// knownOrders is the state in which each order was last seen. Orders in error,
// and those that were too old before the instance's date was changed, are not
// known.
func knownOrders(env *orm.Env, inst *Instance) (map[int64]string, error) {
	live := inst.GoLive.Time()
	type seen struct {
		WooID int64
		State string
	}
	// SQL: a digest of all orders ever seen, which a poll compares.
	rows, err := orm.Rows[seen](env, orm.SQL(`SELECT woo_id, concat_ws(':', COALESCE(to_char(date_modified, 'YYYYMMDDHH24MISS'), ''), COALESCE(woo_status, ''), COALESCE(state_class, ''), COALESCE(seen_digest, '')) AS state
		FROM woo_order WHERE instance_id = ? AND state <> 'error' AND NOT (state = 'ignored' AND state_class = 'import' AND date_created >= ?::timestamp)`, inst.ID, stamp(live)).
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
			if err := markUnreadable(env, inst, id, unreadable+explain(err)); err != nil {
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

// unreadable begins what is said of an order that cannot be read.
const unreadable = "The order cannot be read from the store: "

// markUnreadable records that an order cannot be read or imported, and why. One
// that was imported stays so; the reason is put to a person.
func markUnreadable(env *orm.Env, inst *Instance, id int64, text string) error {
	rec, err := orm.First[Order](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", id)), "")
	if err != nil {
		return err
	}
	switch {
	case rec == nil:
		rec = &Order{InstanceID: orm.RefTo[Instance](inst.ID), CompanyID: inst.CompanyID, RemoteID: id, Number: strconv.FormatInt(id, 10), State: OrderError, HoldReason: text}
		err = orm.Create(env, rec)
	case rec.SaleID.IsSet():
		if rec.Attention == text {
			return nil
		}
		rec.Attention = text
		err = orm.Save(env, []*Order{rec}, "attention")
	default:
		same := rec.State == OrderError && rec.HoldReason == text
		rec.State, rec.HoldReason = OrderError, text
		if err = orm.Save(env, []*Order{rec}, "state", "hold_reason"); err == nil && same {
			return nil // told already
		}
	}
	if err != nil {
		return err
	}
	return logTo(env, inst, logEntry{Type: "order", State: "failed", Ref: rec.Number, Message: text, Record: orm.RecordsOf(env, rec)})
}

// money is a monetary value as records keep it.
func money(d decimal.Decimal, places int32, code string) string {
	return d.StringFixed(places) + " " + code
}
