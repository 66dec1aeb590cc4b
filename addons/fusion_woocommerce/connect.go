package woocommerce

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/outbound"
)

// config is how the store of an instance is reached, through the gate.
func (i *Instance) config(gate *outbound.Gate) wcapi.Config {
	cfg := wcapi.Config{BaseURL: i.URL, Transport: gate.Transport(), Proven: i.ProvenURL != "" && i.ProvenURL == i.URL, ConsumerKey: i.ConsumerKey.Reveal(), ConsumerSecret: i.ConsumerSecret.Reveal(),
		APIVersion: i.APIVersion, PlainPermalinks: i.PlainLinks, SignAsHTTP: i.SignAsHTTP, RateLimit: i.RequestRate, Burst: max(1, int(i.RequestRate))}
	if i.AuthMode != "" && i.AuthMode != "auto" {
		cfg.Auth = wcapi.AuthMode(i.AuthMode)
	}
	return cfg
}

// client speaks to the store.
func (i *Instance) client(gate *outbound.Gate) (*wcapi.Client, error) {
	if i.ConsumerKey == "" || i.ConsumerSecret == "" {
		return nil, orm.UserErrorf("%s has no keys. They are cleared when its address changes: enter the consumer key and secret of the store at %s.", i.Name, i.URL)
	}
	return wcapi.New(i.config(gate))
}

// loadInstance reads an instance with its secrets, for work outside of any
// user's rights, and the gate to its store.
func loadInstance(ctx context.Context, db *orm.DB, id int64) (inst *Instance, gate *outbound.Gate, err error) {
	err = db.View(ctx, orm.System(), func(env *orm.Env) error {
		if inst, err = orm.Get[Instance](env, id); err == nil {
			gate, err = base.OutboundGate(env)
		}
		return err
	})
	return inst, gate, err
}

// testConnection asks the store who it is, finds out how keys reach it, and
// reads its taxes.
func testConnection(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	gate, err := base.OutboundGate(env)
	if err != nil {
		return nil, err
	}
	var told []string
	for _, inst := range recs {
		if _, err := inst.client(gate); err != nil {
			return nil, orm.UserErrorf("%s", explain(err))
		}
		found, err := wcapi.Probe(env, inst.config(gate))
		if err != nil {
			// The state must change although the button fails, so the failure
			// is told in the answer rather than as an error.
			if werr := markError(env, inst, err); werr != nil {
				return nil, werr
			}
			return notify("danger", "Connection failed", explain(err)), nil
		}
		if err := connected(env, gate, inst, found); err != nil {
			return nil, err
		}
		told = append(told, fmt.Sprintf("%s answers: WooCommerce %s, WordPress %s, currency %s.", inst.Name, found.Version, found.WPVersion, found.Currency))
		told = append(told, found.Observations...)
	}
	return notify("success", "Connection works", strings.Join(told, " ")), nil
}

func connected(env *orm.Env, gate *outbound.Gate, inst *Instance, f *wcapi.Findings) error {
	admin := env.Sudo()
	vals := orm.Values{"state": "connected", "proven_url": inst.URL, "auth_mode": string(f.Config.Auth), "plain_permalinks": f.Config.PlainPermalinks, "sign_as_http": f.Config.SignAsHTTP, "store_version": f.Version,
		"store_timezone": f.TimeZone, "hpos": f.HPOS, "tested_at": orm.DatetimeOf(env.Now()), "last_error": nil}
	if err := orm.RecordsOf(admin, inst).Write(vals); err != nil {
		return err
	}
	if err := orm.Reload(admin, []*Instance{inst}); err != nil {
		return err
	}
	c, err := inst.client(gate)
	if err != nil {
		return err
	}
	settings, err := c.Settings(env, "tax")
	if err != nil {
		return orm.UserErrorf("The store answers, but its tax settings cannot be read: %s", explain(err))
	}
	for _, s := range settings {
		if s.ID == "woocommerce_tax_round_at_subtotal" {
			if err := orm.RecordsOf(admin, inst).Write(orm.Values{"tax_at_subtotal": s.Text() == "yes"}); err != nil {
				return err
			}
		}
	}
	var rates []wcapi.Tax
	for t, err := range c.Taxes(env) {
		if err != nil {
			return orm.UserErrorf("The store answers, but its taxes cannot be read: %s", explain(err))
		}
		rates = append(rates, t)
	}
	if err := mapTaxes(admin, inst, rates); err != nil {
		return err
	}
	return logTo(env, inst, entry{Type: "health", State: "success", Ref: inst.URL, Message: fmt.Sprintf("Connected: WooCommerce %s, %d tax rates.", f.Version, len(rates)), Record: orm.RecordsOf(env, inst)})
}

// explain is what people are told of an error: what the store's client and the
// ORM say is meant for them, and says what to do; anything else is internal.
func explain(err error) string {
	if _, ok := errors.AsType[*wcapi.Error](err); ok {
		return err.Error()
	}
	if oe, ok := errors.AsType[*orm.Error](err); ok && (oe.Code == orm.CodeUser || oe.Code == orm.CodeValidation || oe.Code == orm.CodeAccess) {
		return oe.Message
	}
	return "An internal error; the program's log says more."
}

func markError(env *orm.Env, inst *Instance, cause error) error {
	if err := orm.RecordsOf(env.Sudo(), inst).Write(orm.Values{"state": "error", "last_error": explain(cause), "tested_at": orm.DatetimeOf(env.Now())}); err != nil {
		return err
	}
	return logTo(env, inst, entry{Type: "health", State: "failed", Ref: inst.URL, Message: explain(cause), Record: orm.RecordsOf(env, inst)})
}

// topics are the webhooks a store gets and the address each is sent to.
var topics = []struct{ topic, path string }{
	{"order.created", "order"}, {"order.updated", "order"}, {"order.deleted", "order"}, {"order.restored", "order"},
	{"action.woocommerce_order_refunded", "order"},
	{"product.created", "product"}, {"product.updated", "product"}, {"product.deleted", "product"},
	{"customer.created", "customer"}, {"customer.updated", "customer"},
}

// registerWebhooks makes the store send its events here: one webhook a topic,
// those that exist are put right. The address is web.base.url.
func registerWebhooks(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	admin := env.Sudo()
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
	n := 0
	for _, inst := range recs {
		k, err := registerFor(admin, gate, inst, address)
		if err != nil {
			return nil, err
		}
		n += k
	}
	return notify("success", "Webhooks", fmt.Sprintf("%d webhooks are active.", n)), nil
}

func registerFor(env *orm.Env, gate *outbound.Gate, inst *Instance, address string) (int, error) {
	if inst.WebhookSecret == "" {
		key := make([]byte, 24)
		if _, err := rand.Read(key); err != nil {
			return 0, err
		}
		inst.WebhookSecret = orm.Secret(hex.EncodeToString(key))
		if err := orm.Save(env, []*Instance{inst}, "webhook_secret"); err != nil {
			return 0, err
		}
	}
	c, err := inst.client(gate)
	if err != nil {
		return 0, orm.UserErrorf("%s", explain(err))
	}
	ids := map[string]int64{}
	if inst.WebhookIDs != "" {
		if err := json.Unmarshal([]byte(inst.WebhookIDs), &ids); err != nil {
			return 0, fmt.Errorf("the webhooks of instance %d: %w", inst.ID, err)
		}
	}
	// Those registered before are ours even when they still tell an address
	// that this system has left.
	have := map[string]wcapi.Webhook{}
	for h, err := range c.Webhooks(env) {
		if err != nil {
			return 0, orm.UserErrorf("The store's webhooks cannot be read: %s", explain(err))
		}
		if mine := ids[h.Topic] == int64(h.ID); mine || strings.HasPrefix(h.DeliveryURL, address+"/woo/webhook/") && have[h.Topic].ID == 0 {
			have[h.Topic] = h
		}
	}
	clear(ids)
	for _, t := range topics {
		patch := wcapi.WebhookPatch{Name: "Fusion " + t.topic, Topic: t.topic, DeliveryURL: address + "/woo/webhook/" + t.path, Secret: inst.WebhookSecret.Reveal(), Status: "active"}
		var made *wcapi.Webhook
		if old, ok := have[t.topic]; ok {
			made, err = c.UpdateWebhook(env, int64(old.ID), patch)
		} else {
			made, err = c.CreateWebhook(env, patch)
		}
		if err != nil {
			return 0, orm.UserErrorf("The webhook %s cannot be registered: %s", t.topic, explain(err))
		}
		ids[t.topic] = int64(made.ID)
	}
	text, err := json.Marshal(ids)
	if err != nil {
		return 0, err
	}
	if err := orm.RecordsOf(env, inst).Write(orm.Values{"webhook_ids": string(text)}); err != nil {
		return 0, err
	}
	return len(ids), logTo(env, inst, entry{Type: "webhook", Out: true, State: "success", Ref: inst.URL, Message: fmt.Sprintf("%d webhooks registered.", len(ids)), Record: orm.RecordsOf(env, inst)})
}
