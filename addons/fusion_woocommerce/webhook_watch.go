package woocommerce

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
)

// watchWebhooks looks after the webhooks of a store, which a store gives up after a few
// deliveries that did not arrive, and which people pause, change and delete. What is
// wrong is put right, and what was not told meanwhile is read.
func (e *engine) watchWebhooks(ctx context.Context, w *jobs.Work) error {
	inst, c, err := e.instanceOf(ctx, w)
	if err != nil {
		return err
	}
	r := &registration{inst: inst, client: c}
	err = w.DB.View(ctx, orm.System(), func(env *orm.Env) error {
		r.address, _, err = base.GetParam(env, "web.base.url")
		return err
	})
	if err != nil {
		return err
	}
	if r.ids, err = inst.webhooks(); err != nil {
		return err
	}
	if r.address = strings.TrimRight(r.address, "/"); r.address == "" || len(r.ids) == 0 || inst.WebhookSecret == "" {
		return nil // none are registered
	}
	began := time.Now()
	mended, err := r.mend(ctx)
	if r.failure = err; err != nil && len(mended) == 0 {
		return storeFailed(ctx, w, inst, "webhook", inst.URL, fmt.Errorf("the webhooks cannot be checked: %w", err))
	}
	if len(mended) == 0 {
		return nil
	}
	missed, err := readMissed(ctx, w.DB, inst, c)
	if err != nil {
		// What was mended is kept all the same; what was missed the next poll reads.
		missed = &missedObjects{failure: err}
	}
	return w.FinishExclusive(ctx, fmt.Sprintf("woo.products:%d", inst.ID), func(env *orm.Env) error {
		if err := r.store(env); err != nil {
			return err
		}
		told, err := missed.takeOver(importEnv(env, inst), inst)
		if err != nil {
			return err
		}
		return logTo(env, inst, logEntry{Type: "webhook", State: "warning", Ref: inst.URL, Since: began, Message: strings.Join(mended, "; ") + ". " + told, Record: orm.RecordsOf(env, inst)})
	})
}

// mend compares the webhooks in the store with what they are to be, puts right those
// that differ, and tells what was wrong. One that the store has disabled is made anew: it
// keeps counting failures of one that is switched on again. What is mended before one
// fails is told with the error.
func (r *registration) mend(ctx context.Context) (mended []string, err error) {
	have := map[int64]wcapi.Webhook{}
	for h, err := range r.client.Webhooks(ctx) {
		if err != nil {
			return nil, err
		}
		have[int64(h.ID)] = h
	}
	resign := ""
	switch {
	case r.inst.WebhookSeal != r.inst.seal():
		resign = "was signed with another secret"
	case r.inst.WebhookDoubt:
		resign = "came with a wrong signature"
	}
	for _, t := range topics() {
		patch, id := r.patch(t), r.ids[t.name]
		h, there := have[id]
		ours, wrong := there, resign
		if !there {
			// An attempt whose end nobody saw may have made it.
			for _, x := range have {
				if x.Topic == t.name && x.DeliveryURL == patch.DeliveryURL {
					h, there, id = x, true, int64(x.ID)
				}
			}
		}
		switch {
		case !there:
			wrong = "was gone"
		case !ours:
			wrong = "was another one"
		case h.Status != patch.Status:
			wrong = "was " + h.Status
		case h.DeliveryURL != patch.DeliveryURL:
			wrong = "told " + h.DeliveryURL
		case h.Topic != t.name:
			wrong = "told of " + h.Topic
		}
		if wrong == "" {
			continue
		}
		var now *wcapi.Webhook
		if there && h.Status != "disabled" {
			now, err = r.client.UpdateWebhook(ctx, id, patch)
		} else {
			now, err = r.client.CreateWebhook(ctx, patch)
		}
		if err != nil {
			return mended, fmt.Errorf("%s: %w", t.name, err)
		}
		if there && int64(now.ID) != id {
			if err := r.client.DeleteWebhook(ctx, id); err != nil && !errors.Is(err, wcapi.ErrNotFound) {
				wrong += " (it cannot be deleted, and stays switched off)"
			}
		}
		r.ids[t.name] = int64(now.ID)
		mended = append(mended, "The webhook "+t.name+" "+wrong+" and is put right")
	}
	return mended, nil
}

// missedObjects are what a store may not have told of.
type missedObjects struct {
	orders   *orderList
	products *catalogue
	failure  error
}

// readMissed asks a store what changed since it was last read.
func readMissed(ctx context.Context, db *orm.DB, inst *Instance, c *wcapi.Client) (m *missedObjects, err error) {
	m = &missedObjects{}
	if inst.SyncOrders {
		since, _ := inst.pollFrom(time.Now())
		if m.orders, err = listOrders(ctx, db, inst, c, since); err != nil {
			return nil, err
		}
	}
	if inst.SyncProducts {
		since, _ := inst.productsFrom(time.Now())
		m.products, err = readItems(ctx, c, since)
	}
	return m, err
}

// takeOver takes over what was missed, and tells which objects that are.
func (m *missedObjects) takeOver(env *orm.Env, inst *Instance) (string, error) {
	if m.failure != nil {
		return "What was missed is read by the next poll: " + explain(m.failure), nil
	}
	var told []string
	list := func(what string, ids []int64) {
		if len(ids) > 0 {
			told = append(told, what+" "+strings.Trim(strings.Join(strings.Fields(fmt.Sprint(ids)), ", "), "[]"))
		}
	}
	if m.orders != nil {
		queued, err := queueSeen(env, inst, m.orders.found, m.orders.asked)
		if err != nil {
			return "", err
		}
		list("orders", queued)
	}
	if m.products != nil {
		sum, err := updateMapping(env, inst, m.products.items)
		if err != nil {
			return "", err
		}
		list("products", sum.touched)
	}
	if len(told) == 0 {
		return "Nothing was missed meanwhile.", nil
	}
	return "Read what was missed meanwhile: " + strings.Join(told, "; ") + ".", nil
}
