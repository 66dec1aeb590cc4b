package woocommerce

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
)

// topic is a kind of webhook a store gets, and the address it is sent to.
type topic struct{ name, path string }

func topics() []topic {
	return []topic{
		{"order.created", "order"}, {"order.updated", "order"}, {"order.deleted", "order"}, {"order.restored", "order"},
		{"action.woocommerce_order_refunded", "order"},
		{"product.created", "product"}, {"product.updated", "product"}, {"product.deleted", "product"},
		{"customer.created", "customer"}, {"customer.updated", "customer"},
	}
}

// registration makes a store send its events here: one webhook a topic, those that
// exist are put right.
type registration struct {
	inst    *Instance
	client  *wcapi.Client
	address string           // of this system
	ids     map[string]int64 // of the webhooks, by topic
	failure error
}

// registerWebhooks registers the webhooks of stores. The address they tell is
// web.base.url.
func registerWebhooks(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	address, _, err := base.GetParam(env, "web.base.url")
	if err != nil {
		return nil, err
	}
	if address = strings.TrimRight(address, "/"); address == "" {
		return nil, orm.UserErrorf("The address of this system is not known. Set the system parameter web.base.url to the address the store can reach, such as https://erp.example.")
	}
	gate, err := base.OutboundGate(env)
	if err != nil {
		return nil, err
	}
	var all []*registration
	key := "woo.webhooks"
	for _, inst := range recs {
		r := &registration{inst: inst, address: address, ids: map[string]int64{}}
		if err := r.prepare(env.Sudo()); err != nil {
			return nil, err
		}
		if r.client, err = inst.client(gate); err != nil {
			return nil, orm.UserErrorf("%s", explain(err))
		}
		all, key = append(all, r), fmt.Sprintf("%s:%d", key, inst.ID)
	}
	return env.CallOut(&orm.CallOut{
		Title: RegisterWebhooks.Waiting,
		Key:   key,
		Do: func(ctx context.Context) error {
			for _, r := range all {
				r.failure = r.register(ctx)
			}
			return ctx.Err()
		},
		Then: func(env *orm.Env) (any, error) {
			n := 0
			for _, r := range all {
				if err := r.store(env); err != nil {
					return nil, err
				}
				if r.failure != nil {
					return notify("danger", "Webhooks", explain(r.failure)), nil
				}
				n += len(r.ids)
			}
			return notify("success", "Webhooks", fmt.Sprintf("%d webhooks are active.", n)), nil
		},
	})
}

// prepare makes the secret that signs what the store sends, unless there is one,
// and reads which webhooks were registered before.
func (r *registration) prepare(env *orm.Env) error {
	if r.inst.WebhookSecret == "" {
		key := make([]byte, 24)
		if _, err := rand.Read(key); err != nil {
			return err
		}
		r.inst.WebhookSecret = orm.Secret(hex.EncodeToString(key))
		if err := orm.Save(env, []*Instance{r.inst}, "webhook_secret"); err != nil {
			return err
		}
	}
	var err error
	r.ids, err = r.inst.webhooks()
	return err
}

// webhooks are the ids of the webhooks registered in the store, by topic.
func (i *Instance) webhooks() (map[string]int64, error) {
	ids := map[string]int64{}
	if i.WebhookIDs == "" {
		return ids, nil
	}
	if err := json.Unmarshal([]byte(i.WebhookIDs), &ids); err != nil {
		return nil, fmt.Errorf("the webhooks of instance %d: %w", i.ID, err)
	}
	return ids, nil
}

// seal stands for the secret that the store was told.
func (i *Instance) seal() string {
	sum := sha256.Sum256([]byte("webhook secret of " + itoa(i.ID) + ": " + i.WebhookSecret.Reveal()))
	return hex.EncodeToString(sum[:8])
}

// register creates the webhooks in the store. Those registered before are ours
// even when they still tell an address that this system has left; what was created
// by an attempt whose end nobody saw is recognised by its address.
func (r *registration) register(ctx context.Context) error {
	have := map[string]wcapi.Webhook{}
	for h, err := range r.client.Webhooks(ctx) {
		if err != nil {
			return orm.UserErrorf("The store's webhooks cannot be read: %s", explain(err))
		}
		if mine := r.ids[h.Topic] == int64(h.ID); mine || strings.HasPrefix(h.DeliveryURL, r.address+"/woo/webhook/") && have[h.Topic].ID == 0 {
			have[h.Topic] = h
		}
	}
	clear(r.ids)
	for _, t := range topics() {
		patch := r.patch(t)
		var made *wcapi.Webhook
		var err error
		if old, ok := have[t.name]; ok {
			made, err = r.client.UpdateWebhook(ctx, int64(old.ID), patch)
		} else {
			made, err = r.client.CreateWebhook(ctx, patch)
		}
		if err != nil {
			return orm.UserErrorf("The webhook %s cannot be registered: %s", t.name, explain(err))
		}
		r.ids[t.name] = int64(made.ID)
	}
	return nil
}

// patch is what a webhook is to be.
func (r *registration) patch(t topic) wcapi.WebhookPatch {
	return wcapi.WebhookPatch{Name: "Fusion " + t.name, Topic: t.name, DeliveryURL: r.address + "/woo/webhook/" + t.path, Secret: r.inst.WebhookSecret.Reveal(), Status: "active"}
}

// store keeps which webhooks there are, also when not all could be registered.
func (r *registration) store(env *orm.Env) error {
	text, err := json.Marshal(r.ids)
	if err != nil {
		return err
	}
	rs := orm.RecordsOf(env, r.inst)
	vals := orm.Values{"webhook_ids": string(text)}
	if r.failure == nil {
		vals["webhook_seal"], vals["webhook_doubt"] = r.inst.seal(), false
	}
	if err := rs.In(env.Sudo()).Write(vals); err != nil {
		return err
	}
	e := logEntry{Type: "webhook", Out: true, State: "success", Ref: r.inst.URL, Message: fmt.Sprintf("%d webhooks registered.", len(r.ids)), Record: rs}
	if r.failure != nil {
		e.State, e.Message = "failed", explain(r.failure)
	}
	return logTo(env, r.inst, e)
}
