package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fusion/addons/fusion_woocommerce/wcapi"
	"fusion/framework/jobs"
	"fusion/framework/orm"
)

// The jobs of the addon. Every import of an order, whoever asks for it, is a
// JobOrder.
const (
	JobPoll     = "woo.poll"
	JobOrder    = "woo.order"
	JobProducts = "woo.products"
	JobProduct  = "woo.product"
)

// Jobs are the handlers, for the runner.
func Jobs() map[string]jobs.Handler {
	return map[string]jobs.Handler{JobPoll: pollOrders, JobOrder: importJob, JobProducts: productsJob, JobProduct: productJob}
}

type orderJob struct {
	Instance int64  `json:"instance"`
	Order    int64  `json:"order"`
	Source   string `json:"source"` // webhook, poll, replay
	Event    int64  `json:"event,omitempty"`
}

// queueOrder asks for an order to be fetched and imported. key, when not
// empty, tells requests apart that are for the same state of the order.
func queueOrder(env *orm.Env, instance, order int64, source string, event int64, key string) error {
	payload, err := json.Marshal(orderJob{instance, order, source, event})
	if err != nil {
		return err
	}
	if key != "" {
		key = fmt.Sprintf("order:%d:%d:%s", instance, order, key)
	}
	_, err = jobs.Enqueue(env.Sudo(), jobs.Job{Name: JobOrder, Key: key, UID: orm.SuperuserID, Title: fmt.Sprintf("WooCommerce order %d (%s)", order, source), Model: "woo.instance", IDs: []int64{instance}, Payload: payload}, jobs.Options{})
	return err
}

func queueInstance(env *orm.Env, name, title string, instance int64) (bool, error) {
	payload, err := json.Marshal(instance)
	if err != nil {
		return false, err
	}
	return jobs.Enqueue(env.Sudo(), jobs.Job{Name: name, Key: fmt.Sprintf("%s:%d", name, instance), UID: orm.SuperuserID, Title: title, Model: "woo.instance", IDs: []int64{instance}, Payload: payload}, jobs.Options{MaxAttempts: 3})
}

// syncNow queues a poll of orders and products at once.
func syncNow(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	for _, inst := range recs {
		if inst.State != "connected" {
			return nil, orm.UserErrorf("%s is not connected. Test the connection first.", inst.Name)
		}
		if _, err := queueInstance(env, JobPoll, "Poll orders of "+inst.Name, inst.ID); err != nil {
			return nil, err
		}
	}
	return notify("success", "Sync", "The store is being read. Reload the page in a moment."), nil
}

// connectedInstances are those a cron works on; one failing store never stops
// another because each gets a job of its own.
func connectedInstances(env *orm.Env, flag string) ([]*Instance, error) {
	return orm.Search[Instance](env, orm.And(orm.Leaf("state", "=", "connected"), orm.Leaf(flag, "=", true)), orm.SearchOptions{})
}

func cronOrders(env *orm.Env, _ orm.Args) (any, error) {
	list, err := connectedInstances(env, "sync_orders")
	if err != nil {
		return nil, err
	}
	for _, inst := range list {
		if _, err := queueInstance(env, JobPoll, "Poll orders of "+inst.Name, inst.ID); err != nil {
			return nil, err
		}
	}
	return len(list), nil
}

func cronProducts(env *orm.Env, _ orm.Args) (any, error) {
	list, err := connectedInstances(env, "sync_products")
	if err != nil {
		return nil, err
	}
	for _, inst := range list {
		if _, err := queueInstance(env, JobProducts, "Fetch products of "+inst.Name, inst.ID); err != nil {
			return nil, err
		}
	}
	return len(list), nil
}

// cronHealth asks every store whether it still answers. A store in error that
// answers again is connected again.
func cronHealth(env *orm.Env, _ orm.Args) (any, error) {
	list, err := orm.Search[Instance](env, orm.Leaf("state", "in", []any{"connected", "error"}), orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	for _, inst := range list {
		c, err := inst.client()
		if err == nil {
			_, err = c.SystemStatus(env)
		}
		switch {
		case err != nil && inst.State == "connected":
			err = markError(env, inst, err)
		case err == nil && inst.State == "error":
			err = orm.RecordsOf(env, inst).Write(orm.Values{"state": "connected", "last_error": nil})
		default:
			err = nil
		}
		if err != nil {
			return nil, err
		}
	}
	return len(list), nil
}

// pollOrders asks the store what changed since the cursor and queues a job for
// each such order; the cursor moves in the same transaction, so nothing is
// passed over. Orders come again at the border; their jobs find nothing to do.
func pollOrders(ctx context.Context, w *jobs.Work) error {
	var id int64
	if err := json.Unmarshal(w.Payload, &id); err != nil {
		return jobs.Cancel(err)
	}
	inst, err := loadInstance(ctx, w.DB, id)
	if orm.IsCode(err, orm.CodeMissing) {
		return jobs.Cancel(errors.New("the instance has been deleted"))
	}
	if err != nil {
		return err
	}
	began := time.Now()
	c, err := inst.client()
	if err != nil {
		return jobs.Cancel(errors.New(explain(err)))
	}
	// Without HPOS some edits do not move the modification date, so once a day
	// everything is compared.
	since := inst.OrderCursor.Time()
	full := !inst.HPOS && time.Since(inst.FullCompareAt.Time()) > 24*time.Hour
	if full {
		since = time.Time{}
	}
	type seen struct {
		id  int64
		key string
	}
	var found []seen
	var unreadable []string
	window, err := c.OrdersModified(ctx, since, func(o *wcapi.Order) error {
		key := o.DateModified.Format("20060102150405") + ":" + o.Status
		if full {
			key += ":full:" + began.UTC().Format("20060102")
		}
		found = append(found, seen{int64(o.ID), key})
		return nil
	}, func(err error) error {
		unreadable = append(unreadable, explain(err))
		return nil
	})
	if err != nil {
		return instanceFailed(ctx, w, inst, "order", fmt.Errorf("orders cannot be listed: %w", err))
	}
	return w.Finish(ctx, func(env *orm.Env) error {
		known, err := knownOrders(env, inst.ID)
		if err != nil {
			return err
		}
		n := 0
		for _, s := range found {
			if known[s.id] == s.key {
				continue
			}
			if err := queueOrder(env, inst.ID, s.id, "poll", 0, s.key); err != nil {
				return err
			}
			n++
		}
		for _, text := range unreadable {
			if err := logTo(env, inst, entry{Type: "order", State: "failed", Message: "An order of the store cannot be read: " + text}); err != nil {
				return err
			}
		}
		vals := orm.Values{"last_sync": orm.DatetimeOf(env.Now()), "order_cursor": orm.DatetimeOf(window.Cursor)}
		if full || inst.OrderCursor.IsZero() {
			vals["full_compare_at"] = orm.DatetimeOf(env.Now())
		}
		if err := env.Model("woo.instance").Browse(inst.ID).Write(vals); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		return logTo(env, inst, entry{Type: "order", State: "success", Since: began, Message: fmt.Sprintf("%d orders changed in the store are being imported.", n)})
	})
}

// knownOrders is the state in which each order was last taken over.
func knownOrders(env *orm.Env, instance int64) (map[int64]string, error) {
	rows, err := env.Query(`SELECT woo_id, to_char(date_modified, 'YYYYMMDDHH24MISS') || ':' || woo_status FROM woo_order WHERE instance_id = ? AND state <> 'error'`, instance)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]string, len(rows))
	for _, r := range rows {
		var id int64
		if _, err := fmt.Sscan(r[0], &id); err != nil {
			return nil, err
		}
		out[id] = r[1]
	}
	return out, nil
}

// instanceFailed records a failure of the store and passes it on, so that the
// job is tried again.
func instanceFailed(ctx context.Context, w *jobs.Work, inst *Instance, kind string, cause error) error {
	err := w.DB.Run(context.WithoutCancel(ctx), orm.System(), func(env *orm.Env) error {
		if err := env.Model("woo.instance").Browse(inst.ID).Write(orm.Values{"last_error": explain(cause)}); err != nil {
			return err
		}
		return logTo(env, inst, entry{Type: kind, State: "failed", Ref: inst.URL, Message: explain(cause)})
	})
	return errors.Join(errors.New(explain(cause)), err)
}
