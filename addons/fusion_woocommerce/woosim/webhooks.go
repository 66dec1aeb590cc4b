package woosim

import (
	"net/url"
	"strings"
)

// hookState is what WooCommerce keeps of a webhook and does not show.
type hookState struct {
	secret   string
	owner    int // id of the user it reads the shop as
	role     string
	failures int
	pingDue  bool // until one ping was answered with 200
}

var hookNames = map[string][]string{
	"order.created":    {"woocommerce_new_order"},
	"order.updated":    {"woocommerce_update_order", "woocommerce_order_refunded"},
	"order.deleted":    {"wp_trash_post", "woocommerce_trash_order"},
	"order.restored":   {"untrashed_post", "woocommerce_untrash_order"},
	"product.created":  {"woocommerce_process_product_meta", "woocommerce_new_product", "woocommerce_new_product_variation"},
	"product.updated":  {"woocommerce_process_product_meta", "woocommerce_update_product", "woocommerce_update_product_variation"},
	"product.deleted":  {"wp_trash_post"},
	"product.restored": {"untrashed_post"},
	"customer.created": {"user_register", "woocommerce_created_customer", "woocommerce_new_customer"},
	"customer.updated": {"profile_update", "woocommerce_update_customer"},
	"customer.deleted": {"delete_user"},
	"coupon.created":   {"woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"},
	"coupon.updated":   {"woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"},
	"coupon.deleted":   {"wp_trash_post"},
	"coupon.restored":  {"untrashed_post"},
}

func validTopic(topic string) bool {
	if name, isAction := strings.CutPrefix(topic, "action."); isAction {
		return name != ""
	}
	_, known := hookNames[topic]
	return known
}

func webhookWriteArgs(isNew bool) []arg {
	return []arg{
		{name: "status", kind: "enum", enum: []string{"active", "paused", "disabled"}},
		{name: "name", kind: "string"}, {name: "secret", kind: "string"}, {name: "topic", kind: "string"},
		{name: "delivery_url", kind: "string", required: isNew},
	}
}

func (q *rq) listWebhooks() (*response, error) {
	rows := append([]*Obj(nil), q.s.st.webhooks.rows...)
	if st := q.params.Str("status"); st != "" && st != "all" {
		rows = keep(rows, func(o *Obj) bool { return o.Str("status") == st })
	}
	rows = q.pick(rows)
	desc := q.desc(true)
	if q.params.Str("orderby") == "id" {
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
	} else {
		order(rows, desc, func(o *Obj) string { return o.Str("date_created_gmt") }, byID)
	}
	return q.page(rows)
}

func (q *rq) webhook(status int) (*Obj, error) {
	if h := q.s.st.webhooks.get(q.id); h != nil {
		return h, nil
	}
	return nil, fail(status, "woocommerce_rest_shop_webhook_invalid_id", "ID is invalid.")
}

func (q *rq) getWebhook() (*response, error) {
	h, err := q.webhook(404)
	if err != nil {
		return nil, err
	}
	return ok(h.clone()), nil
}

var errTopic = fail(400, "woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic is required and must be valid.")

func badDeliveryURL(s string) bool {
	u, err := url.Parse(s)
	return err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https"
}

func (q *rq) createWebhook() (*response, error) {
	in := q.body
	if !validTopic(in.Str("topic")) {
		return nil, errTopic
	}
	if badDeliveryURL(in.Str("delivery_url")) {
		return nil, fail(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", "Webhook delivery URL must be a valid URL starting with http:// or https://.")
	}
	h := q.s.addWebhook(in.Str("name"), in.Str("topic"), in.Str("delivery_url"), in.Str("secret"), q.user)
	return &response{status: 201, body: h.clone(), location: "/wc/v3/webhooks/" + h.Str("id"), single: true}, nil
}

func (s *Sim) addWebhook(name, topic, address, secret string, owner *user) *Obj {
	id, now := s.nextID("webhook"), s.now()
	if name == "" {
		name = "Webhook created on " + now.Format("Jan 02, 2006 @ 03:04 PM")
	}
	if secret == "" {
		secret = s.random(50)
	}
	h := object("id", id, "name", name, "status", "active", "topic", "", "resource", "", "event", "", "hooks", []any{}, "delivery_url", address)
	setTopic(h, topic)
	s.stamp(h, "date_created", now)
	h.Set("date_modified", nil)
	h.Set("date_modified_gmt", nil)
	base := s.st.origin + "/wp-json/wc/v3/webhooks"
	h.Set("_links", object("self", hrefs(base+"/"+itoa(id)), "collection", hrefs(base)))
	s.st.webhooks.add(h)
	st := &hookState{secret: secret, pingDue: true, owner: 1, role: "administrator"}
	if owner != nil {
		st.owner, st.role = owner.id, owner.role
	}
	s.hooks[id] = st
	s.queue = append(s.queue, &delivery{hook: id, ping: true})
	return h
}

func setTopic(h *Obj, topic string) {
	resource, event, _ := strings.Cut(topic, ".")
	h.Set("topic", topic)
	h.Set("resource", resource)
	h.Set("event", event)
	names := hookNames[topic]
	if resource == "action" {
		names = []string{event}
	}
	list := []any{}
	for _, n := range names {
		list = append(list, n)
	}
	h.Set("hooks", list)
}

func (q *rq) updateWebhook() (*response, error) {
	h, err := q.webhook(400)
	if err != nil {
		return nil, err
	}
	in := q.body
	if in.Has("topic") && !validTopic(in.Str("topic")) {
		return nil, errTopic
	}
	if in.Has("delivery_url") && badDeliveryURL(in.Str("delivery_url")) {
		return nil, fail(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", "Webhook delivery URL must be a valid URL starting with http:// or https://.")
	}
	for _, k := range []string{"name", "status"} {
		if v := in.Get(k); v != nil {
			h.Set(k, text(v))
		}
	}
	if in.Has("topic") {
		setTopic(h, in.Str("topic"))
	}
	st := q.s.hooks[q.id]
	if in.Has("secret") {
		st.secret = in.Str("secret")
	}
	if u := in.Str("delivery_url"); u != "" && u != h.Str("delivery_url") {
		h.Set("delivery_url", u)
		if h.Str("status") == "active" {
			st.pingDue = true
			q.s.queue = append(q.s.queue, &delivery{hook: q.id, ping: true})
		}
	}
	q.s.stamp(h, "date_modified", q.s.now())
	return ok(h.clone()), nil
}

func (q *rq) deleteWebhook() (*response, error) {
	h, err := q.webhook(404)
	if err != nil {
		return nil, err
	}
	if !truthy(q.params.Get("force")) {
		return nil, fail(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
	}
	q.s.st.webhooks.remove(q.id)
	delete(q.s.hooks, q.id)
	return ok(h.clone()), nil
}

func (q *rq) batchWebhooks() (*response, error) {
	return q.runBatch(batchOps{create: (*rq).createWebhook, update: (*rq).updateWebhook, remove: (*rq).deleteWebhook})
}
