package woocommerce

import (
	"encoding/json"
	"fmt"

	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
)

// The jobs of the addon. Every import of an order, whoever asks for it, is a
// JobOrder.
const (
	JobPoll     = "woo.poll"
	JobOrder    = "woo.order"
	JobProducts = "woo.products"
	JobProduct  = "woo.product"
	JobHealth   = "woo.health"
	JobStock    = "woo.stock"
	JobPush     = "woo.push"
)

// Jobs are the handlers, for the runner.
func Jobs() map[string]jobs.Handler {
	e := &engine{clients: map[int64]sharedClient{}}
	return map[string]jobs.Handler{JobPoll: e.pollOrders, JobOrder: e.importOrder, JobProducts: e.fetchAll, JobProduct: e.fetchOne, JobHealth: e.checkHealth,
		JobStock: e.compareStock, JobPush: e.push}
}

// remoteJob is about one object of a store.
type remoteJob struct {
	Instance int64  `json:"instance"`
	ID       int64  `json:"id"`
	Source   string `json:"source"` // webhook, poll, replay
	Event    int64  `json:"event,omitempty"`
}

// queueOrder asks for an order to be fetched and imported. key, when not
// empty, tells requests apart that are for the same state of the order.
func queueOrder(env *orm.Env, instance, order int64, source string, event int64, key string) error {
	if key != "" {
		key = fmt.Sprintf("order:%d:%d:%s", instance, order, key)
	}
	return queueRemote(env, JobOrder, key, fmt.Sprintf("WooCommerce order %d (%s)", order, source), remoteJob{instance, order, source, event}, jobs.Options{})
}

func queueProduct(env *orm.Env, instance, product, event int64) error {
	return queueRemote(env, JobProduct, "", fmt.Sprintf("WooCommerce product %d (webhook)", product), remoteJob{instance, product, "webhook", event}, jobs.Options{Priority: 3})
}

func queueRemote(env *orm.Env, name, key, title string, j remoteJob, o jobs.Options) error {
	payload, err := json.Marshal(j)
	if err != nil {
		return err
	}
	_, err = jobs.Enqueue(env.Sudo(), jobs.Job{Name: name, Key: key, UID: orm.SuperuserID, Title: title, Model: "woo.instance", IDs: []int64{j.Instance}, Payload: payload}, o)
	return err
}

func queueInstance(env *orm.Env, name, title string, instance int64) error {
	payload, err := json.Marshal(instance)
	if err != nil {
		return err
	}
	_, err = jobs.Enqueue(env.Sudo(), jobs.Job{Name: name, Key: fmt.Sprintf("%s:%d", name, instance), UID: orm.SuperuserID, Title: title, Model: "woo.instance", IDs: []int64{instance}, Payload: payload}, jobs.Options{MaxAttempts: 3})
	return err
}

// syncNow queues a poll of orders at once.
func syncNow(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	for _, inst := range recs {
		if inst.State != StoreConnected {
			return nil, orm.UserErrorf("%s is not connected. Test the connection first.", inst.Name)
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
	return queueInstances(env, connectedWith("sync_orders"), JobPoll, "Poll orders of")
}

func cronProducts(env *orm.Env, _ orm.Args) (any, error) {
	return queueInstances(env, connectedWith("sync_products"), JobProducts, "Fetch products of")
}

func cronInventory(env *orm.Env, _ orm.Args) (any, error) {
	return queueInstances(env, connectedWith("sync_inventory"), JobStock, "Compare the stock of")
}

func cronHealth(env *orm.Env, _ orm.Args) (any, error) {
	return queueInstances(env, orm.Leaf("state", "in", []any{"connected", "error"}), JobHealth, "Health check of")
}
