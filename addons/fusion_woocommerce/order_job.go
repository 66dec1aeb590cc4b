package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/jackc/pgx/v5/pgconn"
)

// fetchedOrder is what the store answered when it was asked for an order.
type fetchedOrder struct {
	order       *wcapi.Order
	gone        bool
	broken      string         // why the answer cannot be read
	asked       int64          // when, on the database's clock
	tried       map[int64]bool // products of it that were asked for as well
	refunds     []wcapi.Refund // in detail, once they were asked for
	refundsRead bool
}

// note remembers which products were asked for, so that one the store does not
// have is not asked for again.
func (r *fetchedOrder) note(l *missingRecords) {
	if r.tried == nil {
		r.tried = map[int64]bool{}
	}
	for _, line := range l.products {
		r.tried[remoteID(line)] = true
	}
}

// errReadAgain asks for the order to be fetched anew: what was read may be
// older than what another job has stored meanwhile.
var errReadAgain = errors.New("the order was read again meanwhile")

// importOrder is the one way in which an order becomes a document, whoever
// asked for it: it fetches the order's current state and takes it over in one
// transaction.
//
// Work for one customer does not overlap, so that two orders of a new customer
// make one contact. Should two jobs for one order overlap all the same, the
// unique keys of the database end one of them, and it begins anew.
func (e *engine) importOrder(ctx context.Context, w *jobs.Work) error {
	var job remoteJob
	if err := json.Unmarshal(w.Payload, &job); err != nil {
		return jobs.Cancel(err)
	}
	inst, c, err := e.instance(ctx, w.DB, job.Instance)
	if err != nil {
		return err
	}
	if !inst.Live {
		return w.Finish(ctx, func(env *orm.Env) error { return settleEvent(env, job.Event, EventSkipped, notLive) })
	}
	began := time.Now()
	if known, err := knownEvent(ctx, w.DB, inst, job); err != nil {
		return err
	} else if known {
		return w.Finish(ctx, func(env *orm.Env) error {
			return settleEvent(env, job.Event, EventDone, "The order is taken over in this state already.")
		})
	}
	got, err := told(w, job)
	if got == nil && err == nil {
		got, err = readOrder(ctx, w.DB, c, job.ID)
	}
	if err != nil {
		return e.orderFailed(ctx, w, inst, job, err)
	}
	for try := 1; ; try++ {
		err := w.FinishExclusive(ctx, lockOf(inst, job, got), func(env *orm.Env) error {
			return applyOrder(importEnv(env, inst), inst, job, got, began)
		})
		if err == nil {
			return nil
		}
		if why, refused := reasonOf(err); refused {
			return holdBroken(ctx, w, inst, job, got, why)
		}
		if try == 5 {
			return e.orderFailed(ctx, w, inst, job, err)
		}
		if lacks, ok := errors.AsType[*missingRecords](err); ok {
			err = e.createMissing(ctx, w.DB, inst, c, got, lacks)
			if why, refused := reasonOf(err); refused {
				return holdBroken(ctx, w, inst, job, got, why)
			}
			got.note(lacks)
		} else if errors.Is(err, errReadAgain) {
			got, err = readOrder(ctx, w.DB, c, job.ID)
		} else if errors.Is(err, errRefundsUnread) {
			err = got.readRefunds(ctx, c)
		} else if isDuplicate(err) {
			err = nil
		}
		if err != nil {
			return e.orderFailed(ctx, w, inst, job, err)
		}
	}
}

// knownEvent reports whether a delivery brought an order in the very state in which it
// is known: then nothing has to be asked. A new order is told of twice, for one.
func knownEvent(ctx context.Context, db *orm.DB, inst *Instance, job remoteJob) (known bool, err error) {
	if job.Event == 0 {
		return false, nil
	}
	places, err := currencyPlaces(ctx, db)
	if err != nil {
		return false, err
	}
	err = db.View(ctx, orm.System(), func(env *orm.Env) error {
		event, err := orm.First[Event](env, orm.Leaf("id", "=", job.Event), "")
		if err != nil || event == nil {
			return err
		}
		var o wcapi.Order
		if json.Unmarshal([]byte(event.Body), &o) != nil || int64(o.ID) != job.ID || o.Status == "" || o.DateModified.IsZero() {
			return nil // it only names the order, or cannot be read
		}
		states, err := knownOrders(env, inst, job.ID)
		state, ok := states[job.ID]
		known = ok && state == toldOrder(inst, places, &o).key()
		return err
	})
	return known, err
}

// told is what the job itself says of its order: the first attempt takes it from there.
func told(w *jobs.Work, job remoteJob) (*fetchedOrder, error) {
	if len(job.Order) == 0 || w.Attempt > 1 {
		return nil, nil
	}
	got := &fetchedOrder{order: new(wcapi.Order), asked: job.Asked}
	return got, json.Unmarshal(job.Order, got.order)
}

// holdBroken leaves an order to a person of which the database cannot take something:
// no further attempt would.
func holdBroken(ctx context.Context, w *jobs.Work, inst *Instance, job remoteJob, got *fetchedOrder, why string) error {
	places, err := currencyPlaces(ctx, w.DB)
	if err != nil {
		return err
	}
	return w.Finish(ctx, func(env *orm.Env) error {
		seen := orm.Values{}
		if o := got.order; o != nil {
			told := toldOrder(inst, places, o)
			seen = orm.Values{"woo_status": told.status, "state_class": told.class, "seen_digest": told.digest, "refund_key": told.refunds}
			if o.Number != "" && len(o.Number) < 100 {
				seen["number"] = o.Number
			}
			if !told.modified.IsZero() {
				seen["date_modified"] = orm.DatetimeOf(told.modified)
			}
		}
		if err := setAside(importEnv(env, inst), inst, job.ID, OrderHeld, why, seen); err != nil {
			return err
		}
		return settleEvent(env, job.Event, "failed", why)
	})
}

// importEnv is how orders are taken over: for the instance's company, with all
// digits of prices, the date of the store, and no mails to followers.
func importEnv(env *orm.Env, inst *Instance) *orm.Env {
	return env.WithCompany(inst.CompanyID.ID).WithContext(map[string]any{account.KeyFullPrecision: true, sale.KeepDateOrder: true, "tracking_disable": true})
}

// lockOf names the work that must not overlap: that for one customer of a
// company, or for one order of nobody known.
func lockOf(inst *Instance, job remoteJob, got *fetchedOrder) string {
	if got.order != nil {
		if key := ordermap.CustomerOf(got.order).Key; key != "" {
			return fmt.Sprintf("woo.customer:%d:%s", inst.CompanyID.ID, key)
		}
	}
	return fmt.Sprintf("woo.order:%d:%d", inst.ID, job.ID)
}

// isDuplicate reports that another transaction stored the same thing first.
func isDuplicate(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pe.Code == "23505"
}

// readOrder asks the store for the current state of an order.
func readOrder(ctx context.Context, db *orm.DB, c *wcapi.Client, id int64) (*fetchedOrder, error) {
	got := &fetchedOrder{}
	var err error
	if got.asked, err = clockOf(ctx, db); err != nil {
		return nil, err
	}
	got.order, err = c.Order(ctx, id)
	switch {
	case errors.Is(err, wcapi.ErrNotFound), errors.Is(err, wcapi.ErrGone):
		got.gone = true
	case errors.Is(err, wcapi.ErrDecode):
		got.broken = explain(err)
	case err != nil:
		return nil, fmt.Errorf("order %d cannot be fetched: %w", id, err)
	}
	return got, nil
}

// clockOf is databaseClock outside of a unit of work.
func clockOf(ctx context.Context, db *orm.DB) (now int64, err error) {
	err = db.View(ctx, orm.System(), func(env *orm.Env) error {
		now, err = databaseClock(env)
		return err
	})
	return now, err
}

// databaseClock is the database's time in microseconds: the one all workers share.
func databaseClock(env *orm.Env) (int64, error) {
	// SQL: a function of PostgreSQL.
	return orm.Row[int64](env, orm.SQL("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").NoModels())
}

// errRefundsUnread asks for the refunds of the order to be read, whose lines the order
// itself does not tell.
var errRefundsUnread = errors.New("the refunds of the order have to be read first")

// readRefunds asks the store for the refunds of the order. What of the list cannot be
// read is left out: the order itself says which refunds there are.
func (r *fetchedOrder) readRefunds(ctx context.Context, c *wcapi.Client) error {
	r.refunds, r.refundsRead = nil, true
	for refund, err := range c.OrderRefunds(ctx, int64(r.order.ID)) {
		switch {
		case err == nil:
			r.refunds = append(r.refunds, refund)
		case !errors.Is(err, wcapi.ErrDecode):
			return fmt.Errorf("the refunds of order %d cannot be fetched: %w", r.order.ID, err)
		}
	}
	return nil
}

// orderFailed records that an order could not be taken over. The last attempt
// leaves it visible as an order in error, which later polls try again.
func (e *engine) orderFailed(ctx context.Context, w *jobs.Work, inst *Instance, job remoteJob, cause error) error {
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	if w.Last {
		err := w.DB.Run(context.WithoutCancel(ctx), orm.System(), func(env *orm.Env) error {
			if err := settleEvent(env, job.Event, "failed", explain(cause)); err != nil {
				return err
			}
			return setAside(importEnv(env, inst), inst, job.ID, OrderError, notImported+explain(cause), nil)
		})
		return errors.Join(cause, err)
	}
	return storeFailed(ctx, w, inst, "order", strconv.FormatInt(job.ID, 10), cause)
}

// missingRecords says which things shared by orders are not there yet. They are made
// in a transaction of their own, one at a time for an instance, so that
// parallel imports do not make them twice.
type missingRecords struct {
	rates    bool            // of taxes
	status   string          // that the status map does not have
	ways     []wayOfPaying   // that the payment map does not have
	products []ordermap.Line // lines whose products the mapping does not know
	currency int64           // without a pricelist
	inactive bool            // and archived
}

func (l *missingRecords) Error() string { return "something the order needs has to be made first" }

// createMissing makes what an order lacks.
func (e *engine) createMissing(ctx context.Context, db *orm.DB, inst *Instance, c *wcapi.Client, got *fetchedOrder, l *missingRecords) error {
	items, err := readItemsOf(ctx, c, l.products)
	if err != nil {
		return err
	}
	return db.RunExclusive(ctx, orm.System(), fmt.Sprintf("woo.products:%d", inst.ID), func(env *orm.Env) error {
		env = importEnv(env, inst)
		if l.status != "" {
			if err := createStatus(env, inst, l.status); err != nil {
				return err
			}
		}
		if err := createWays(env, inst, l.ways); err != nil {
			return err
		}
		if l.rates {
			if err := createRates(env, inst, got.order); err != nil {
				return err
			}
		}
		if l.currency != 0 {
			if err := enableCurrency(env, inst, l.currency, l.inactive); err != nil {
				return err
			}
		}
		if len(items) == 0 {
			return nil
		}
		if _, err := updateMapping(env, inst, items); err != nil {
			return err
		}
		if inst.UnknownProduct == UnknownCreate {
			return createUnmapped(env, inst, items)
		}
		return nil
	})
}
