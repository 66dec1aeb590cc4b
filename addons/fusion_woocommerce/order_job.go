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
	order  *wcapi.Order
	gone   bool
	broken string         // why the answer cannot be read
	asked  int64          // when, on the database's clock
	tried  map[int64]bool // products of it that were asked for as well
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
	began := time.Now()
	got, err := readOrder(ctx, w.DB, c, job.ID)
	if err != nil {
		return e.orderFailed(ctx, w, inst, job, err)
	}
	for try := 1; ; try++ {
		err := w.FinishExclusive(ctx, lockOf(inst, job, got), func(env *orm.Env) error {
			return applyOrder(importEnv(env, inst), inst, job, got, began)
		})
		if err == nil || try == 5 {
			return err
		}
		if lacks, ok := errors.AsType[*missingRecords](err); ok {
			err = e.createMissing(ctx, w.DB, inst, c, lacks)
			got.note(lacks)
		} else if errors.Is(err, errReadAgain) {
			got, err = readOrder(ctx, w.DB, c, job.ID)
		} else if isDuplicate(err) {
			err = nil
		}
		if err != nil {
			return e.orderFailed(ctx, w, inst, job, err)
		}
	}
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
	err := db.View(ctx, orm.System(), func(env *orm.Env) error {
		var err error
		got.asked, err = databaseClock(env)
		return err
	})
	if err != nil {
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

// databaseClock is the database's time in microseconds: the one all workers share.
func databaseClock(env *orm.Env) (int64, error) {
	// SQL: a function of PostgreSQL.
	return orm.Row[int64](env, orm.SQL("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").NoModels())
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
			return markUnreadable(importEnv(env, inst), inst, job.ID, "The order could not be imported: "+explain(cause))
		})
		return errors.Join(cause, err)
	}
	return storeFailed(ctx, w, inst, "order", strconv.FormatInt(job.ID, 10), cause)
}

// missingRecords says which things shared by orders are not there yet. They are made
// in a transaction of their own, one at a time for an instance, so that
// parallel imports do not make them twice.
type missingRecords struct {
	rates    []ordermap.Rate
	products []ordermap.Line // lines whose products the mapping does not know
	currency int64           // without a pricelist
	inactive bool            // and archived
}

func (l *missingRecords) Error() string { return "something the order needs has to be made first" }

// createMissing makes what an order lacks.
func (e *engine) createMissing(ctx context.Context, db *orm.DB, inst *Instance, c *wcapi.Client, l *missingRecords) error {
	items, err := readItemsOf(ctx, c, l.products)
	if err != nil {
		return err
	}
	return db.RunExclusive(ctx, orm.System(), fmt.Sprintf("woo.products:%d", inst.ID), func(env *orm.Env) error {
		env = importEnv(env, inst)
		for _, r := range l.rates {
			if _, err := taxFor(env, inst, r); err != nil {
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
