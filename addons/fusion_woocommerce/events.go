package woocommerce

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
)

// Receive stores a signed delivery and queues what it asks for, in the
// caller's transaction. It reports false when no instance's secret signed the
// raw bytes; then the body is not looked at. A webhook is a hint: the job asks
// the store for the current state, so doubled, late and reordered deliveries
// do no harm. None is refused for its number, since a store gives its webhooks up after a
// few refusals: within counts those of an instance, and when they are too many to be
// stored one by one, the store is read instead.
func Receive(env *orm.Env, header http.Header, raw []byte, within func(key string, perMinute int) bool) (accepted bool, err error) {
	env = env.Sudo()
	list, err := orm.Search[Instance](env, orm.Leaf("webhook_secret", "!=", false), orm.SearchOptions{Order: "id"})
	if err != nil {
		return false, err
	}
	signature := header.Get(wcapi.HeaderSignature)
	i := slices.IndexFunc(list, func(i *Instance) bool {
		return wcapi.VerifySignature(i.WebhookSecret.Reveal(), raw, signature)
	})
	if i < 0 {
		return false, doubtWebhook(env, list, header)
	}
	if inst := list[i]; inst.WebhookRate > 0 && !within(fmt.Sprintf("woo.webhooks:%d", inst.ID), inst.WebhookRate) {
		return true, readInstead(env, inst, header.Get(wcapi.HeaderTopic))
	}
	d, err := wcapi.ParseDelivery(header, raw)
	if err != nil {
		return true, logTo(env, list[i], logEntry{Type: "webhook", State: "warning", Ref: header.Get(wcapi.HeaderTopic), Message: "A signed delivery cannot be read: " + explain(err)})
	}
	inst := list[i]
	sum := sha256.Sum256(d.Body)
	event := &Event{InstanceID: orm.RefTo[Instance](inst.ID), CompanyID: inst.CompanyID, Topic: d.Topic, Resource: d.Resource, RemoteID: d.ObjectID, Body: string(d.Body),
		State: EventReceived, Digest: hex.EncodeToString(sum[:]), WebhookID: fmt.Sprint(d.WebhookID), DeliveryID: d.DeliveryID}
	if err := orm.Create(env, event); err != nil {
		return false, err
	}
	return true, route(env, inst, event, d)
}

// readInstead reads a store of which so many deliveries come that they are not stored one
// by one. A job that waits or runs for it stands for all of them.
func readInstead(env *orm.Env, inst *Instance, topic string) error {
	name, title, wanted := JobPoll, "Poll orders of ", inst.SyncOrders
	if strings.HasPrefix(topic, "product.") {
		name, title, wanted = JobProducts, "Fetch products of ", inst.SyncProducts
	}
	if !wanted {
		return nil
	}
	queued, err := queueOnce(env, name, title+inst.Name, inst.ID)
	if err != nil || !queued {
		return err
	}
	return logTo(env, inst, logEntry{Type: "webhook", State: "warning", Ref: topic, Message: fmt.Sprintf("More than %d webhooks came in a minute. The store is read instead of storing each.", inst.WebhookRate)})
}

// doubtWebhook notes that a delivery of a registered webhook has the wrong signature: the
// next check of the webhooks tells the store the secret again, which does no harm whoever
// has sent the delivery.
func doubtWebhook(env *orm.Env, list []*Instance, header http.Header) error {
	id, err := strconv.ParseInt(header.Get(wcapi.HeaderWebhookID), 10, 64)
	if err != nil {
		return nil
	}
	source := hostOf(header.Get(wcapi.HeaderSource))
	for _, inst := range list {
		ids, err := inst.webhooks()
		if err != nil {
			return err
		}
		if inst.WebhookDoubt || source == "" || hostOf(inst.URL) != source || !slices.Contains(slices.Collect(maps.Values(ids)), id) {
			continue
		}
		inst.WebhookDoubt = true
		return orm.Save(env, []*Instance{inst}, "webhook_doubt")
	}
	return nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// route decides what an event asks for.
func route(env *orm.Env, inst *Instance, event *Event, d *wcapi.Delivery) error {
	skip := func(note string) error { return settleEvent(env, event.ID, "skipped", note) }
	ask := func(job, title string) error {
		queued, err := queueEvent(env, job, title, inst.ID, d.ObjectID, event.ID)
		if err != nil || queued {
			return err
		}
		return skip("Another delivery asked for it to be read, which is about to happen.")
	}
	if d.Kind == wcapi.DeliveryError && d.ObjectID == 0 {
		text := "The store sent an error in place of the object: " + explain(d.Failure)
		if err := logTo(env, inst, logEntry{Type: "webhook", State: "warning", Ref: d.Topic, Message: text}); err != nil {
			return err
		}
		return skip(text)
	}
	if d.ObjectID == 0 {
		return skip("The delivery names no object.")
	}
	if d.Kind == wcapi.DeliveryStray {
		return skip("The delivery is about something else than its topic says.")
	}
	switch {
	case d.Resource == "order", d.Kind == wcapi.DeliveryAction && d.Action == "woocommerce_order_refunded":
		if !inst.SyncOrders {
			return skip("Orders of this instance are not synced.")
		}
		if !inst.Live {
			return skip(notLive)
		}
		return ask(JobOrder, orderTitle(d.ObjectID, "webhook"))
	case d.Resource == "product":
		if !inst.SyncProducts {
			return skip("Products of this instance are not synced.")
		}
		return ask(JobProduct, productTitle(d.ObjectID, "webhook"))
	case d.Resource == "customer":
		if !inst.SyncCustomers || !inst.Live {
			return skip("Customers of this instance are not synced, or it is not live.")
		}
		return ask(JobCustomer, fmt.Sprintf("WooCommerce customer %d (webhook)", d.ObjectID))
	}
	return skip("Nothing is done with this topic.")
}

// settleEvent says what became of an event; 0 is no event.
func settleEvent(env *orm.Env, id int64, state, note string) error {
	if id == 0 {
		return nil
	}
	vals := orm.Values{"state": state}
	if note != "" {
		vals["note"] = note
	}
	rs, err := env.Model("woo.event").Browse(id).Exists()
	if err != nil {
		return err
	}
	return rs.Write(vals)
}
