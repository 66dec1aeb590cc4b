package woocommerce

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
)

// The jobs of the addon. Every import of an order, whoever asks for it, is a
// JobOrder.
const (
	JobPoll      = "woo.poll"
	JobOrder     = "woo.order"
	JobProducts  = "woo.products"
	JobProduct   = "woo.product"
	JobHealth    = "woo.health"
	JobStock     = "woo.stock"
	JobPush      = "woo.push"
	JobCustomers = "woo.customers"
	JobCustomer  = "woo.customer"
	JobWebhooks  = "woo.webhooks"
)

// Jobs are the handlers, for the runner.
func Jobs() map[string]jobs.Handler {
	e := &engine{clients: map[int64]sharedClient{}}
	return map[string]jobs.Handler{JobPoll: e.pollOrders, JobOrder: e.importOrder, JobProducts: e.fetchAll, JobProduct: e.fetchOne, JobHealth: e.checkHealth,
		JobStock: e.compareStock, JobPush: e.push, JobCustomers: e.compareCustomers, JobCustomer: e.fetchCustomer, JobWebhooks: e.watchWebhooks}
}

// remoteJob is about one object of a store.
type remoteJob struct {
	Instance int64  `json:"instance"`
	ID       int64  `json:"id"`
	Source   string `json:"source"` // webhook, poll, replay, mended, compare
	Event    int64  `json:"event,omitempty"`
	// Order is the object as a list had it, which saves asking for it alone, and Asked
	// when the list was asked for, on the database's clock.
	Order json.RawMessage `json:"order,omitempty"`
	Asked int64           `json:"asked,omitempty"`
}

// queueOrder asks for an order to be fetched and imported. key, when not
// empty, tells requests apart that are for the same state of the order.
func queueOrder(env *orm.Env, instance, order int64, source string, event int64, key string) error {
	if key != "" {
		key = orderKey(instance, order, key)
	}
	_, err := queueRemote(env, JobOrder, key, orderTitle(order, source), remoteJob{Instance: instance, ID: order, Source: source, Event: event}, jobs.Options{})
	return err
}

func orderKey(instance, order int64, key string) string {
	return fmt.Sprintf("order:%d:%d:%s", instance, order, key)
}

func orderTitle(order int64, source string) string {
	return fmt.Sprintf("WooCommerce order %d (%s)", order, source)
}

func queueProduct(env *orm.Env, instance, product int64, source string) error {
	_, err := queueRemote(env, JobProduct, fmt.Sprintf("product:%d:%d:%s", instance, product, source), productTitle(product, source), remoteJob{Instance: instance, ID: product, Source: source}, jobs.Options{Priority: 3})
	return err
}

func productTitle(product int64, source string) string {
	return fmt.Sprintf("WooCommerce product %d (%s)", product, source)
}

// queueEvent asks for what a webhook is about. It reports false when a job for it waits
// already, which will find the change as well.
func queueEvent(env *orm.Env, name, title string, instance, object, event int64) (bool, error) {
	o := jobs.Options{Coalesce: true}
	if name == JobProduct {
		o.Priority = 3
	}
	return queueRemote(env, name, fmt.Sprintf("%s:%d:%d:webhook", name, instance, object), title, remoteJob{Instance: instance, ID: object, Source: "webhook", Event: event}, o)
}

func queueRemote(env *orm.Env, name, key, title string, j remoteJob, o jobs.Options) (bool, error) {
	payload, err := json.Marshal(j)
	if err != nil {
		return false, err
	}
	return jobs.Enqueue(env.Sudo(), jobs.Job{Name: name, Key: key, UID: orm.SuperuserID, Title: title, Model: "woo.instance", IDs: []int64{j.Instance}, Payload: payload}, o)
}

func queueInstance(env *orm.Env, name, title string, instance int64) error {
	_, err := queueOnce(env, name, title, instance)
	return err
}

// queueOnce queues a job about an instance, and reports false when one waits or runs.
func queueOnce(env *orm.Env, name, title string, instance int64) (bool, error) {
	payload, err := json.Marshal(instance)
	if err != nil {
		return false, err
	}
	return jobs.Enqueue(env.Sudo(), jobs.Job{Name: name, Key: fmt.Sprintf("%s:%d", name, instance), UID: orm.SuperuserID, Title: title, Model: "woo.instance", IDs: []int64{instance}, Payload: payload}, jobs.Options{MaxAttempts: 3})
}

// syncNow queues a poll of orders at once.
func syncNow(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	for _, inst := range recs {
		if inst.State != StoreConnected {
			return nil, orm.UserErrorf("%s is not connected. Test the connection first.", inst.Name)
		}
		if !inst.Live {
			return nil, orm.UserErrorf("%s is not live yet. Press Go Live first.", inst.Name)
		}
		if err := queueInstance(env, JobPoll, "Poll orders of "+inst.Name, inst.ID); err != nil {
			return nil, err
		}
	}
	return notify("success", "Sync", "The store is being read. Reload the page in a moment."), nil
}

// queueInstances queues a job for each instance that a domain finds. Each has
// its own, so that one failing store never stops another.
func queueInstances(env *orm.Env, d orm.Domain, name, title string) (any, error) {
	list, err := orm.Search[Instance](env, d, orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	for _, inst := range list {
		if err := queueInstance(env, name, title+" "+inst.Name, inst.ID); err != nil {
			return nil, err
		}
	}
	return len(list), nil
}

func connectedWith(flag string) orm.Domain {
	return orm.And(orm.Leaf("state", "=", "connected"), orm.Leaf(flag, "=", true))
}

func cronOrders(env *orm.Env, _ orm.Args) (any, error) {
	list, err := orm.Search[Instance](env, liveOnes("sync_orders"), orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	var due []int64
	for _, inst := range list {
		minutes, err := strconv.Atoi(inst.SyncInterval)
		// The clock of crons may come a little early.
		if err != nil || env.Now().Sub(inst.PolledAt.Time()) >= time.Duration(minutes)*time.Minute-30*time.Second {
			due = append(due, inst.ID)
		}
	}
	return queueInstances(env, orm.Leaf("id", "in", anyIDs(due)), JobPoll, "Poll orders of")
}

func cronProducts(env *orm.Env, _ orm.Args) (any, error) {
	return queueInstances(env, liveOnes("sync_products"), JobProducts, "Fetch products of")
}

func cronCustomers(env *orm.Env, _ orm.Args) (any, error) {
	return queueInstances(env, liveOnes("sync_customers"), JobCustomers, "Compare the customers of")
}

func cronInventory(env *orm.Env, _ orm.Args) (any, error) {
	return queueInstances(env, liveOnes("sync_inventory"), JobStock, "Compare the stock of")
}

func cronWebhooks(env *orm.Env, _ orm.Args) (any, error) {
	return queueInstances(env, orm.And(orm.Leaf("state", "=", StoreConnected), orm.Leaf("webhook_ids", "!=", false)), JobWebhooks, "Check webhooks of")
}

func cronHealth(env *orm.Env, _ orm.Args) (any, error) {
	return queueInstances(env, orm.Leaf("state", "in", []any{"connected", "error"}), JobHealth, "Health check of")
}
