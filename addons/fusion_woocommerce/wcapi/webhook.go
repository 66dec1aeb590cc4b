package wcapi

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// The headers of a webhook delivery.
const (
	HeaderSignature  = "X-WC-Webhook-Signature"
	HeaderTopic      = "X-WC-Webhook-Topic"
	HeaderResource   = "X-WC-Webhook-Resource"
	HeaderEvent      = "X-WC-Webhook-Event"
	HeaderWebhookID  = "X-WC-Webhook-ID"
	HeaderDeliveryID = "X-WC-Webhook-Delivery-ID"
	HeaderSource     = "X-WC-Webhook-Source"
)

// VerifySignature reports whether signature is WooCommerce's own over the raw
// body, in constant time. An empty secret or signature never verifies.
func VerifySignature(secret string, body []byte, signature string) bool {
	got, err := base64.StdEncoding.DecodeString(strings.TrimSpace(signature))
	if err != nil || secret == "" || len(got) != sha256.Size {
		return false
	}
	return hmac.Equal(got, webhookMAC(secret, body))
}

// Sign is the signature WooCommerce puts on body.
func Sign(secret string, body []byte) string {
	return base64.StdEncoding.EncodeToString(webhookMAC(secret, body))
}

func webhookMAC(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(decodeSecret(secret)))
	mac.Write(body)
	return mac.Sum(nil)
}

// The entities WordPress decodes in a secret before signing: only those of
// & < > " ' – every other one stays as it is.
var secretEntity = regexp.MustCompile(`&(?:amp|lt|gt|quot|#0*(?:38|60|62|34|39)|#[xX]0*(?:26|22|27));`)

func decodeSecret(secret string) string {
	return secretEntity.ReplaceAllStringFunc(secret, func(e string) string { return Unescape(e) })
}

// DeliveryKind says what a webhook request is about.
type DeliveryKind string

// The kinds of delivery.
const (
	// DeliveryPing: the unsigned test request at creation; answer exactly 200.
	DeliveryPing DeliveryKind = "ping"
	// DeliveryObject: Body is the whole object as of the moment of sending,
	// which may be newer than the event.
	DeliveryObject DeliveryKind = "object"
	// DeliveryDeleted: only the id. WooCommerce also sends these with the id
	// of something of another kind: look whether the object is really gone.
	DeliveryDeleted DeliveryKind = "deleted"
	// DeliveryAction: an action.* topic, with the hook's argument as id.
	DeliveryAction DeliveryKind = "action"
	// DeliveryError: a signed error in place of the object, which was deleted
	// meanwhile or whose webhook's owner lost his rights; see Failure.
	DeliveryError DeliveryKind = "error"
	// DeliveryStray: the body is an object of another kind than the topic says.
	DeliveryStray DeliveryKind = "stray"
)

// Delivery is one webhook request taken apart. Nothing in it is proven until
// its signature was verified.
type Delivery struct {
	Kind      DeliveryKind
	Topic     string // "order.updated", "action.woocommerce_order_refunded"; "" in pings
	Resource  string // "order", "product", "customer", "coupon", "action"
	Event     string
	WebhookID int64
	// DeliveryID is shared by deliveries of one webhook in the same second:
	// no key to recognise repetitions by.
	DeliveryID string
	Source     string // the store's home address; its scheme varies
	Signature  string
	ObjectID   int64 // 0 when the body names none
	ParentID   int64 // of a variation
	Modified   Time  // of the object, when it has one
	Action     string
	Failure    *Error // of a DeliveryError
	Body       json.RawMessage
}

// IsPing recognises the form-encoded, unsigned test request, and returns the
// id of the webhook it belongs to.
func IsPing(h http.Header, body []byte) (webhook int64, ok bool) {
	if h.Get(HeaderSignature) != "" || h.Get(HeaderTopic) != "" || len(body) > 64 {
		return 0, false
	}
	form, err := url.ParseQuery(strings.TrimSpace(string(body)))
	if err != nil || len(form) != 1 {
		return 0, false
	}
	id, err := strconv.ParseInt(form.Get("webhook_id"), 10, 64)
	return id, err == nil && id > 0
}

// ParseDelivery takes a webhook request apart. It does not verify it. The
// error is of kind [ErrInvalid] when this is no delivery of WooCommerce.
func ParseDelivery(h http.Header, body []byte) (*Delivery, error) {
	bad := func(msg string) error { return &Error{Kind: ErrInvalid, Message: "webhook: " + msg} }
	if id, ok := IsPing(h, body); ok {
		return &Delivery{Kind: DeliveryPing, WebhookID: id}, nil
	}
	d := &Delivery{
		Topic: h.Get(HeaderTopic), Resource: h.Get(HeaderResource), Event: h.Get(HeaderEvent),
		DeliveryID: h.Get(HeaderDeliveryID), Source: h.Get(HeaderSource), Signature: h.Get(HeaderSignature),
	}
	if d.Topic == "" || d.Signature == "" {
		return nil, bad("the request has no topic or no signature")
	}
	topicResource, topicEvent, ok := strings.Cut(d.Topic, ".")
	if !ok {
		return nil, bad("topic " + strconv.Quote(clip(d.Topic, 60)) + " is not of the form order.updated")
	}
	d.Resource, d.Event = orDefault(d.Resource, topicResource), orDefault(d.Event, topicEvent)
	if d.Resource != topicResource || d.Event != topicEvent {
		return nil, bad("the topic and the resource and event headers contradict each other")
	}
	d.WebhookID, _ = strconv.ParseInt(h.Get(HeaderWebhookID), 10, 64)

	doc, _, ok := jsonBody(body)
	if !ok || !bytes.HasPrefix(doc, []byte("{")) {
		return nil, bad("the body is not a JSON object")
	}
	d.Body = doc
	return d, d.readBody()
}

func (d *Delivery) readBody() error {
	if api := readAPIError(d.Body); api != nil && len(api.Data) > 0 && api.Message != "" {
		// A coupon has a code as well, but neither message nor data.
		var data apiErrorData
		status := 500
		if json.Unmarshal(api.Data, &data) == nil && data.Status > 0 {
			status = int(data.Status)
		}
		d.Kind = DeliveryError
		d.Failure = &Error{Kind: kindOf(status, api, false), Status: status}
		api.into(d.Failure)
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(d.Body, &fields); err != nil {
		return &Error{Kind: ErrInvalid, Message: "webhook: the body cannot be read"}
	}
	if d.Resource == "action" {
		d.Kind = DeliveryAction
		d.ObjectID = idField(fields, "arg")
		d.Action, _ = scalarText(fields["action"])
		return nil
	}
	d.ObjectID, d.ParentID = idField(fields, "id"), idField(fields, "parent_id")
	if d.ObjectID == 0 {
		return &Error{Kind: ErrInvalid, Message: "webhook: the body names no id"}
	}
	if raw, ok := fields["date_modified_gmt"]; ok {
		_ = d.Modified.UnmarshalJSON(raw) // null for some customers; only a hint
	}
	switch {
	case len(fields) == 1:
		d.Kind = DeliveryDeleted
	case resourceOf(fields) == d.Resource || resourceOf(fields) == "":
		d.Kind = DeliveryObject
	default:
		d.Kind = DeliveryStray
	}
	return nil
}

func idField(fields map[string]json.RawMessage, name string) int64 {
	var id ID
	if id.UnmarshalJSON(fields[name]) != nil {
		return 0
	}
	return int64(id)
}

// resourceOf tells by its fields what an object is, "" when undecided.
func resourceOf(fields map[string]json.RawMessage) string {
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := fields[n]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case has("line_items", "billing"):
		return "order"
	case has("discount_type", "code"):
		return "coupon"
	case has("email", "username"):
		return "customer"
	case has("sku", "regular_price"):
		return "product"
	}
	return ""
}
