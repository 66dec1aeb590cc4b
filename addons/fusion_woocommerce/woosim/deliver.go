package woosim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"
)

// delivery is one event waiting for one webhook.
type delivery struct {
	hook int
	ping bool
	id   int
	arg  string // for actions: the hook's name
}

// Delivery is what one attempt to reach a receiver came to.
type Delivery struct {
	WebhookID int
	Topic     string // "" for a ping
	ObjectID  int
	URL       string
	Header    http.Header
	Body      []byte
	Status    int // 0 when no answer came
	Err       error
}

// WebhookFaults disturbs deliveries, each with its probability of 0 to 1.
type WebhookFaults struct {
	Duplicate float64 // sent twice
	Drop      float64 // never sent
	Reorder   float64 // sent after the one queued behind it
}

// SetWebhookFaults switches disturbances of deliveries on; the zero value
// switches them off.
func (s *Sim) SetWebhookFaults(f WebhookFaults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hookFaults = f
}

// queueEvent queues an event for every active webhook of its topic; while the
// same event of the same object waits, it is not queued twice.
func (s *Sim) queueEvent(topic string, id int) {
	for _, h := range s.st.webhooks.rows {
		if h.Str("topic") == topic && h.Str("status") == "active" {
			s.push(&delivery{hook: h.Int("id"), id: id})
		}
	}
}

func (s *Sim) queueAction(name string, id int) {
	for _, h := range s.st.webhooks.rows {
		if h.Str("topic") == "action."+name && h.Str("status") == "active" {
			s.push(&delivery{hook: h.Int("id"), id: id, arg: name})
		}
	}
}

func (s *Sim) push(d *delivery) {
	for _, w := range s.queue {
		if *w == *d {
			return
		}
	}
	s.queue = append(s.queue, d)
}

// Pending counts the deliveries waiting.
func (s *Sim) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Deliver sends everything queued when it is called, in order, and reports each
// attempt. Payloads are built now, not when the event happened. Calls run one
// after another.
func (s *Sim) Deliver(ctx context.Context) []Delivery {
	s.delivering.Lock()
	defer s.delivering.Unlock()
	s.mu.Lock()
	batch := s.queue
	s.queue = nil
	batch = s.disturb(batch)
	s.mu.Unlock()
	var out []Delivery
	for i, d := range batch {
		if ctx.Err() != nil {
			s.mu.Lock()
			s.queue = append(append([]*delivery(nil), batch[i:]...), s.queue...)
			s.mu.Unlock()
			return out
		}
		if r, sent := s.send(ctx, d); sent {
			out = append(out, r)
		}
	}
	return out
}

// Run delivers every interval until the context ends: the store's queue.
func (s *Sim) Run(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.Deliver(ctx)
		}
	}
}

func (s *Sim) disturb(in []*delivery) []*delivery {
	f := s.hookFaults
	if f == (WebhookFaults{}) {
		return in
	}
	var out []*delivery
	for _, d := range in {
		if d.ping {
			out = append(out, d)
			continue
		}
		if s.rng.Float64() < f.Drop {
			continue
		}
		out = append(out, d)
		if s.rng.Float64() < f.Duplicate {
			out = append(out, d)
		}
	}
	for i := 0; i+1 < len(out); i++ {
		if s.rng.Float64() < f.Reorder {
			out[i], out[i+1] = out[i+1], out[i]
			i++
		}
	}
	return out
}

// send builds and posts one delivery; false when its webhook is gone.
func (s *Sim) send(ctx context.Context, d *delivery) (Delivery, bool) {
	s.mu.Lock()
	h, st := s.st.webhooks.get(d.hook), s.hooks[d.hook]
	if h == nil || st == nil {
		s.mu.Unlock()
		return Delivery{}, false
	}
	r := Delivery{WebhookID: d.hook, ObjectID: d.id, URL: h.Str("delivery_url"), Header: http.Header{}}
	r.Header["User-Agent"] = []string{"WooCommerce/" + version + " Hookshot (WordPress/6.5.5)"}
	r.Header["Accept"] = []string{"*/*"}
	if d.ping {
		r.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
		r.Body = []byte("webhook_id=" + itoa(d.hook))
	} else {
		r.Topic = h.Str("topic")
		q := &rq{s: s, r: &http.Request{Method: "GET", Header: http.Header{}}, user: &user{id: st.owner, role: st.role, permissions: "read"},
			query: &Obj{}, params: &Obj{}, body: &Obj{}, id: d.id, https: strings.HasPrefix(s.opt.BaseURL, "https:")}
		if st.role == "" {
			q.user.role = "administrator"
		}
		if st.owner == 0 {
			q.user = nil
		}
		r.Body = q.rewrite(encode(q.payload(h, d)))
		mac := hmac.New(sha256.New, []byte(decodeEntities(st.secret)))
		mac.Write(r.Body)
		r.Header["Content-Type"] = []string{"application/json"}
		for _, kv := range [][2]string{
			{"Source", q.home() + "/"}, {"Topic", r.Topic}, {"Resource", h.Str("resource")}, {"Event", h.Str("event")},
			{"Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))}, {"ID", itoa(d.hook)}, {"Delivery-ID", s.deliveryID(d.hook)},
		} {
			r.Header["X-WC-Webhook-"+kv[0]] = []string{kv[1]}
		}
	}
	client := s.opt.Client
	s.mu.Unlock()
	r.Status, r.Err = post(ctx, client, r)
	s.mu.Lock()
	again := s.record(h, st, d, r.Status)
	s.mu.Unlock()
	if again {
		s.send(ctx, &delivery{hook: d.hook, ping: true})
	}
	return r, true
}

func post(ctx context.Context, client *http.Client, r Delivery) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return 0, err
	}
	req.Header = r.Header.Clone()
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, nil
}

// record counts the outcome and tells whether a ping is to follow.
func (s *Sim) record(h *Obj, st *hookState, d *delivery, status int) bool {
	if d.ping {
		st.pingDue = status != 200
		if !st.pingDue {
			s.stamp(h, "date_modified", s.now())
		}
		return false
	}
	if status >= 200 && status < 303 {
		st.failures = 0
	} else if st.failures > 5 {
		h.Set("status", "disabled")
	} else {
		st.failures++
	}
	return st.pingDue
}

// deliveryID is a hash of webhook and second: deliveries of one webhook in the
// same second share it, as in WooCommerce.
func (s *Sim) deliveryID(hook int) string {
	mac := hmac.New(md5.New, []byte("woosim"))
	mac.Write([]byte(itoa(hook) + gmt(s.now())))
	return hex.EncodeToString(mac.Sum(nil))
}

func decodeEntities(s string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#039;", "'").Replace(s)
}

// payload is the body of an event: the object as the API shows it now to the
// webhook's owner.
func (q *rq) payload(h *Obj, d *delivery) any {
	if d.arg != "" {
		return object("action", d.arg, "arg", num(d.id))
	}
	if h.Str("event") == "deleted" {
		return object("id", d.id)
	}
	get := map[string]func(*rq) (*response, error){
		"order": (*rq).getOrder, "product": (*rq).getProduct, "customer": (*rq).getCustomer, "coupon": (*rq).getCoupon,
	}[h.Str("resource")]
	var res *response
	var err error
	if !q.user.can("view") {
		err = q.denied("view")
	} else {
		res, err = get(q)
	}
	if err != nil {
		if e, isAPI := err.(*apiError); isAPI {
			return e.obj()
		}
		return object("code", "internal_server_error", "message", "", "data", object("status", 500))
	}
	return res.body
}
