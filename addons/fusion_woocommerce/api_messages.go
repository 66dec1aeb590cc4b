package woocommerce

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/report"
)

const (
	maxMessage      = 5000 // characters of a customer's message
	maxMessages     = 100  // in one answer
	postedPerMinute = 10   // messages to one order
)

// said is one message of the conversation about an order.
type said struct {
	ID     int64  `json:"id"`
	At     string `json:"at"`
	From   string `json:"from"` // customer, or shop
	Author string `json:"author"`
	Body   string `json:"body"` // plain text
}

// orderMessages lists what the customer may see of the conversation about an order,
// or adds what he says.
func orderMessages(env *orm.Env, c *controllers.Call) (any, error) {
	var p struct {
		After int64   `json:"after"`
		Limit int     `json:"limit"`
		Body  *string `json:"body"`
		Token string  `json:"token"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	o, _, err := calledOrder(env, c)
	if err != nil {
		return nil, err
	}
	if p.Body != nil {
		return postMessage(env, c, o, *p.Body, p.Token)
	}
	if p.Limit <= 0 || p.Limit > maxMessages {
		p.Limit = maxMessages
	}
	list, err := conversation(env, o, orm.Leaf("id", ">", p.After), p.Limit+1)
	if err != nil {
		return nil, err
	}
	more := len(list) > p.Limit
	if more {
		list = list[:p.Limit]
	}
	last := p.After
	if len(list) > 0 {
		last = list[len(list)-1].ID
	}
	return map[string]any{"messages": list, "last_id": last, "more": more}, nil
}

// conversation are messages on the sale order of an order that people wrote, but for
// what is internal: notes, and what is marked as for employees only.
func conversation(env *orm.Env, o *Order, which orm.Domain, limit int) ([]said, error) {
	out := []said{}
	if !o.SaleID.IsSet() {
		return out, nil
	}
	list, err := orm.Search[mail.Message](env, orm.And(which, orm.Leaf("model", "=", "sale.order"), orm.Leaf("res_id", "=", o.SaleID.ID), orm.Leaf("message_type", "in", []any{"comment", "email", "email_outgoing"}),
		orm.Leaf("is_internal", "=", false), orm.Leaf("subtype_id", "!=", false), orm.Leaf("subtype_id.internal", "=", false)), orm.SearchOptions{Order: "id", Limit: limit}, "author_id")
	if err != nil {
		return nil, err
	}
	customer, err := commercialOf(env, o)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		s := said{ID: m.ID, At: isoTime(m.Date), From: "shop", Body: report.Plain(m.Body)}
		if a := m.AuthorID.Rec(); a != nil {
			s.Author = a.Name
			if a.CommercialPartnerID.ID == customer {
				s.From = "customer"
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// commercialOf is the person or company that an order's customer belongs to.
func commercialOf(env *orm.Env, o *Order) (int64, error) {
	if !o.PartnerID.IsSet() {
		return 0, nil
	}
	p, err := orm.Get[base.Partner](env, o.PartnerID.ID)
	if err != nil {
		return 0, err
	}
	return p.CommercialPartnerID.ID, nil
}

// postMessage adds what the customer says to the sale order, once for each token.
func postMessage(env *orm.Env, c *controllers.Call, o *Order, body, token string) (any, error) {
	body = strings.TrimSpace(printable(strings.ReplaceAll(body, "\r\n", "\n")))
	switch n := utf8.RuneCountInString(body); {
	case n == 0:
		return nil, controllers.Faultf(http.StatusBadRequest, "invalid_params", "body must not be empty.")
	case n > maxMessage:
		return nil, controllers.Faultf(http.StatusBadRequest, "invalid_params", "body must not be longer than %d characters; it has %d.", maxMessage, n)
	case len(token) < 8 || len(token) > 100:
		return nil, controllers.Faultf(http.StatusBadRequest, "invalid_params", "token must be a text of 8 to 100 bytes, another for each message, so that it is added once however often it is sent.")
	case !o.SaleID.IsSet() || !o.PartnerID.IsSet():
		return nil, controllers.Faultf(http.StatusConflict, "not_imported", "The order has no sale order yet, to which the message could be added.")
	}
	// SQL: changes nothing of the order; two posts at once must not both find that there
	// is no such message, and PostgreSQL lets only one of them change the row.
	if _, err := env.Exec(orm.SQL("UPDATE woo_order SET woo_id = woo_id WHERE id = ?", o.ID).Writes("woo.order", "woo_id")); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d|%d|%s", o.InstanceID.ID, o.RemoteID, token))
	name := "<woo-" + hex.EncodeToString(sum[:20]) + "@fusion.local>"
	known, err := conversation(env, o, orm.Leaf("message_id", "=", name), 1)
	if err != nil {
		return nil, err
	}
	if len(known) > 0 {
		return map[string]any{"message": known[0], "created": false}, nil
	}
	if !c.Within(fmt.Sprintf("woo.api.post|%d", o.ID), postedPerMinute) {
		return nil, controllers.Faultf(http.StatusTooManyRequests, "too_many_requests", "At most %d messages to an order are accepted a minute. Try again in a minute.", postedPerMinute)
	}
	watchers, err := orm.Get[Instance](env, o.InstanceID.ID, "notify_user_ids")
	if err != nil {
		return nil, err
	}
	var tell []int64
	for _, u := range watchers.NotifyUsers.All() {
		tell = append(tell, u.PartnerID.ID)
	}
	id, err := mail.Post(env.Model("sale.order").Browse(o.SaleID.ID), mail.Posting{Text: body, Type: "comment", Subtype: "mail.mt_comment", Author: o.PartnerID.ID, Partners: tell})
	if err != nil {
		return nil, err
	}
	if err := env.Model("mail.message").Browse(id).Write(orm.Values{"message_id": name}); err != nil {
		return nil, err
	}
	made, err := conversation(env, o, orm.Leaf("id", "=", id), 1)
	if err != nil {
		return nil, err
	}
	if len(made) != 1 {
		return nil, fmt.Errorf("message %d is not one the customer may see", id)
	}
	return map[string]any{"message": made[0], "created": true}, nil
}
