package woocommerce

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
)

// Receive stores a signed delivery and queues what it asks for, in the
// caller's transaction. It reports false when no instance's secret signed the
// raw bytes; then the body is not looked at. A webhook is a hint: the job asks
// the store for the current state, so doubled, late and reordered deliveries
// do no harm.
func Receive(env *orm.Env, header http.Header, raw []byte) (accepted bool, err error) {
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
		return false, nil
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

// route decides what an event asks for.
func route(env *orm.Env, inst *Instance, event *Event, d *wcapi.Delivery) error {
	skip := func(note string) error { return settleEvent(env, event.ID, "skipped", note) }
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
		return queueOrder(env, inst.ID, d.ObjectID, "webhook", event.ID, "")
	case d.Resource == "product":
		if !inst.SyncProducts {
			return skip("Products of this instance are not synced.")
		}
		return queueProduct(env, inst.ID, d.ObjectID, event.ID)
	case d.Resource == "customer":
		return skip("Customers are taken over with their orders; changes between orders are not read yet.")
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
