package woosim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func orderWriteArgs() []arg {
	return []arg{
		{name: "status", kind: "enum", dynEnum: func(q *rq) []string { return append([]string{"auto-draft"}, q.s.st.orderStatuses()...) }},
		{name: "currency", kind: "enum", enum: currencyCodes},
		{name: "customer_id", kind: "int"}, {name: "parent_id", kind: "int"},
		{name: "billing", kind: "billing"}, {name: "line_items", kind: "line_items"},
		{name: "set_paid", kind: "bool"}, {name: "customer_note", kind: "string"},
		{name: "payment_method", kind: "string"}, {name: "payment_method_title", kind: "string"}, {name: "transaction_id", kind: "string"},
	}
}

var addressKeys = []string{"first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country"}

func emptyAddress(more ...string) *Obj {
	o := &Obj{}
	for _, k := range append(slices.Clone(addressKeys), more...) {
		o.Set(k, "")
	}
	return o
}

// newOrder makes an empty order.
func (s *Sim) newOrder(via string) *Obj {
	now := s.now()
	id := s.nextID("post")
	key := "wc_order_" + s.random(13)
	cur := s.st.setting("general", "woocommerce_currency")
	if cur == "" {
		cur = "CAD"
	}
	o := object("id", id, "parent_id", 0, "status", "pending", "currency", cur, "version", version,
		"prices_include_tax", s.st.setting("tax", "woocommerce_prices_include_tax") == "yes",
		"date_created", s.local(now), "date_modified", s.local(now),
		"discount_total", "0.00", "discount_tax", "0.00", "shipping_total", "0.00", "shipping_tax", "0.00", "cart_tax", "0.00", "total", "0.00", "total_tax", "0.00",
		"customer_id", 0, "order_key", key, "billing", emptyAddress("email", "phone"), "shipping", emptyAddress("phone"),
		"payment_method", "", "payment_method_title", "", "transaction_id", "", "customer_ip_address", "", "customer_user_agent", "",
		"created_via", via, "customer_note", "", "date_completed", nil, "date_paid", nil, "cart_hash", "", "number", itoa(id),
		"meta_data", []any{}, "line_items", []any{}, "tax_lines", []any{}, "shipping_lines", []any{}, "fee_lines", []any{}, "coupon_lines", []any{}, "refunds", []any{},
		"payment_url", s.st.origin+"/checkout/order-pay/"+itoa(id)+"/?pay_for_order=true&key="+key,
		"is_editable", true, "needs_payment", false, "needs_processing", false,
		"date_created_gmt", gmt(now), "date_modified_gmt", gmt(now), "date_completed_gmt", nil, "date_paid_gmt", nil,
		"currency_symbol", s.symbol(cur))
	o.Set("_links", s.orderLinks(o))
	return o
}

func (s *Sim) orderLinks(o *Obj) *Obj {
	base := s.st.origin + "/wp-json/wc/v3/"
	l := object("self", hrefs(base+"orders/"+o.Str("id")), "collection", hrefs(base+"orders"))
	if c := o.Int("customer_id"); c != 0 {
		l.Set("customer", hrefs(base+"customers/"+itoa(c)))
	}
	return l
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func (s *Sim) random(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[s.rng.IntN(len(letters))]
	}
	return string(b)
}

func (s *Sim) symbol(code string) string {
	for _, o := range s.st.orders.rows {
		if o.Str("currency") == code && o.Str("currency_symbol") != "" {
			return o.Str("currency_symbol")
		}
	}
	switch code {
	case "EUR":
		return "€"
	case "GBP":
		return "£"
	}
	return "$"
}

func (q *rq) createOrder() (*response, error) {
	if q.body.Int("id") != 0 {
		return nil, fail(400, "woocommerce_rest_shop_order_exists", "Cannot create existing shop_order.")
	}
	o, err := q.s.makeOrder(q.body, "rest-api")
	if err != nil {
		return nil, err
	}
	return &response{status: 201, body: q.renderOrder(o), location: "/wc/v3/orders/" + o.Str("id"), single: true}, nil
}

// makeOrder creates an order from the body of a request. A refused coupon
// leaves the order behind, as in WooCommerce.
func (s *Sim) makeOrder(body *Obj, via string) (*Obj, error) {
	if id := body.Int("customer_id"); id != 0 && s.st.customers.get(id) == nil {
		return nil, fail(400, "woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")
	}
	ids := maps.Clone(s.ids)
	o := s.newOrder(via)
	if err := s.applyOrder(o, body); err != nil {
		s.ids = ids
		return nil, err
	}
	s.st.orders.add(o)
	s.recalculate(o)
	s.finishOrder(o)
	status := body.Str("status")
	// The block checkout keeps a draft first, so its updates come before it is
	// said to be created; a draft alone is only updated.
	if via != "store-api" {
		s.queueEvent("order.created", o.Int("id"))
	}
	s.queueEvent("order.updated", o.Int("id"))
	if via == "store-api" && status != "checkout-draft" {
		s.queueEvent("order.created", o.Int("id"))
	}
	if body.Has("coupon_lines") {
		if err := s.applyCoupons(o, body.List("coupon_lines")); err != nil {
			return nil, err
		}
		s.countCoupons(o)
	}
	if truthy(body.Get("set_paid")) && (status == "" || status == "pending") {
		s.payOrder(o)
	} else if status != "" && status != "pending" {
		s.setStatus(o, status)
	}
	s.finishOrder(o)
	return o, nil
}

func (q *rq) updateOrder() (*response, error) {
	o, err := q.findOrder(q.id, 400)
	if err != nil {
		return nil, err
	}
	if err := q.s.changeOrder(o, q.body); err != nil {
		return nil, err
	}
	return ok(q.renderOrder(o)), nil
}

// changeOrder carries out a PUT on an order.
func (s *Sim) changeOrder(o *Obj, body *Obj) error {
	if id := body.Int("customer_id"); id != 0 && s.st.customers.get(id) == nil {
		return fail(400, "woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")
	}
	before := o.clone()
	restored := o.Str("status") == "trash" && body.Str("status") != ""
	if err := s.applyOrder(o, body); err != nil {
		*o = *before
		return err
	}
	if !restored || !s.opt.HPOS {
		s.queueEvent("order.updated", o.Int("id"))
	}
	if st := body.Str("status"); before.Str("status") == "checkout-draft" && st != "" && st != "checkout-draft" {
		s.queueEvent("order.created", o.Int("id"))
	}
	if body.Has("billing") || body.Has("shipping") || hasLines(body) {
		s.recalculate(o)
	}
	if body.Has("coupon_lines") {
		if err := s.applyCoupons(o, body.List("coupon_lines")); err != nil {
			return err
		}
	}
	moved := s.opt.HPOS
	if st := body.Str("status"); st != "" && st != o.Str("status") {
		s.setStatus(o, st)
		moved = true
	}
	if truthy(body.Get("set_paid")) && o.Bool("needs_payment") {
		s.payOrder(o)
		moved = true
	}
	if body.Has("customer_note") && body.Str("customer_note") != before.Str("customer_note") {
		moved = true
	}
	if moved {
		s.stamp(o, "date_modified", s.now())
	}
	s.finishOrder(o)
	return nil
}

func hasLines(body *Obj) bool {
	return body.Has("line_items") || body.Has("shipping_lines") || body.Has("fee_lines")
}

// applyOrder writes the plain fields and lines of a request into an order.
func (s *Sim) applyOrder(o, body *Obj) error {
	for _, k := range []string{"payment_method", "payment_method_title", "transaction_id", "customer_note", "currency"} {
		if v, isString := body.Get(k).(string); isString {
			o.Set(k, v)
		}
	}
	if body.Has("currency") {
		o.Set("currency_symbol", s.symbol(o.Str("currency")))
	}
	if body.Has("customer_id") {
		o.Set("customer_id", body.Int("customer_id"))
		o.Set("_links", s.orderLinks(o))
	}
	for _, part := range []string{"billing", "shipping"} {
		if in := body.Obj(part); in != nil {
			to := o.Obj(part)
			for i, k := range in.keys {
				if to.Has(k) {
					to.Set(k, text(in.vals[i]))
				}
			}
		}
	}
	for _, kind := range []string{"line_items", "shipping_lines", "fee_lines"} {
		for _, in := range body.objs(kind) {
			if err := s.applyItem(o, kind, in); err != nil {
				return err
			}
		}
	}
	s.applyMeta(o, body.objs("meta_data"), "ordermeta", nil)
	return nil
}

// applyMeta adds, changes and (with null) removes entries of meta_data.
func (s *Sim) applyMeta(o *Obj, in []*Obj, seq string, dress func(*Obj)) {
	for _, m := range in {
		key := m.Str("key")
		if key == "" && m.Int("id") == 0 {
			continue
		}
		var found *Obj
		for _, have := range o.objs("meta_data") {
			if id := m.Int("id"); id != 0 && have.Int("id") == id || id == 0 && have.Str("key") == key {
				found = have
				break
			}
		}
		if m.Has("value") && m.Get("value") == nil {
			if found != nil {
				o.Set("meta_data", anyList(keep(o.objs("meta_data"), func(x *Obj) bool { return x != found })))
			}
			continue
		}
		value := metaValue(m.Get("value"))
		if found == nil {
			found = object("id", s.nextID(seq), "key", key, "value", value)
			o.Set("meta_data", append(o.List("meta_data"), found))
		} else {
			found.Set("value", value)
		}
		if dress != nil {
			dress(found)
		}
	}
}

// metaValue is a value as the database gives it back: scalars become strings.
func metaValue(v any) any {
	switch v.(type) {
	case *Obj, []any, nil:
		return v
	}
	return text(v)
}

// finishOrder sets what follows from status and lines.
func (s *Sim) finishOrder(o *Obj) {
	st := o.Str("status")
	o.Set("is_editable", st == "pending" || st == "on-hold" || st == "auto-draft")
	o.Set("needs_payment", (st == "pending" || st == "failed" || st == "checkout-draft") && dec(o.Str("total")).IsPositive())
	processing := false
	for _, l := range o.objs("line_items") {
		if p := s.lineProduct(l); p != nil && !(p.Bool("virtual") && p.Bool("downloadable")) {
			processing = true
		}
	}
	o.Set("needs_processing", processing)
}

var statusNames = map[string]string{"pending": "Pending payment", "on-hold": "On hold", "checkout-draft": "Draft", "ready-pickup": "Ready for pick-up"}

func statusName(st string) string {
	if n := statusNames[st]; n != "" {
		return n
	}
	return title(strings.ReplaceAll(st, "-", " "))
}

// payOrder is WooCommerce's payment_complete.
func (s *Sim) payOrder(o *Obj) {
	s.finishOrder(o)
	st := "completed"
	if o.Bool("needs_processing") {
		st = "processing"
	}
	s.setStatus(o, st)
	s.queueAction("woocommerce_payment_complete", o.Int("id"))
}

// setStatus moves an order to a status with all that hangs on it: dates, notes,
// stock, the customer becoming a paying one, a refund of the rest.
func (s *Sim) setStatus(o *Obj, st string) {
	from := o.Str("status")
	if !slices.Contains(s.st.orderStatuses(), st) {
		st = "pending" // a batch lets unknown words through
	}
	if from == st {
		return
	}
	now := s.now()
	o.Set("status", st)
	if (st == "processing" || st == "completed") && o.Get("date_paid") == nil {
		s.stampLate(o, "date_paid")
	}
	if st == "completed" && o.Get("date_completed") == nil {
		s.stampLate(o, "date_completed")
	}
	s.stamp(o, "date_modified", now)
	switch st {
	case "on-hold", "processing", "completed":
		s.takeStock(o)
	case "cancelled", "pending":
		s.returnStock(o)
	case "refunded":
		s.refundRest(o)
	}
	if from == "trash" {
		return
	}
	s.addNote(o.Int("id"), fmt.Sprintf("Order status changed from %s to %s.", statusName(from), statusName(st)), false, "WooCommerce")
	if c := s.st.customers.get(o.Int("customer_id")); c != nil && st == "completed" && !c.Bool("is_paying_customer") {
		c.Set("is_paying_customer", true)
		s.stamp(c, "date_modified", now)
		s.queueEvent("customer.updated", c.Int("id"))
	}
}

func (s *Sim) stampLate(o *Obj, key string) {
	now := s.now()
	o.Set(key, s.local(now))
	o.Set(key+"_gmt", gmt(now))
}

func (s *Sim) addNote(order int, textOf string, toCustomer bool, author string) *Obj {
	now := s.now()
	id := s.nextID("note")
	base := s.st.origin + "/wp-json/wc/v3/orders/" + itoa(order)
	n := object("id", id, "author", author, "date_created", s.local(now), "date_created_gmt", gmt(now), "note", textOf, "customer_note", toCustomer,
		"_links", object("self", hrefs(base+"/notes/"+itoa(id)), "collection", hrefs(base+"/notes"), "up", hrefs(base)))
	s.st.notes = append(s.st.notes, &note{order, n})
	return n
}

func (q *rq) deleteOrder() (*response, error) {
	o, err := q.order()
	if err != nil {
		return nil, err
	}
	before := q.renderOrder(o)
	if truthy(q.params.Get("force")) {
		q.s.dropOrder(o)
		return ok(before), nil
	}
	if o.Str("status") == "trash" {
		return nil, fail(410, "woocommerce_rest_already_trashed", "The shop_order has already been deleted.")
	}
	q.s.trashOrder(o)
	return ok(before), nil
}

func (s *Sim) dropOrder(o *Obj) {
	id := o.Int("id")
	s.st.orders.remove(id)
	for _, r := range keep(s.st.refunds.rows, func(r *Obj) bool { return r.Int("parent_id") == id }) {
		s.st.refunds.remove(r.Int("id"))
	}
}

func (s *Sim) trashOrder(o *Obj) {
	id := o.Int("id")
	o.Set(hidden+"status", o.Str("status"))
	for _, m := range [][2]string{{"_wp_trash_meta_status", "wc-" + o.Str("status")}, {"_wp_trash_meta_time", fmt.Sprint(s.now().Unix())}} {
		o.Set("meta_data", append(o.List("meta_data"), object("id", s.nextID("ordermeta"), "key", m[0], "value", m[1])))
	}
	o.Set("status", "trash")
	s.stamp(o, "date_modified", s.now())
	s.finishOrder(o)
	if !s.opt.HPOS {
		s.queueEvent("coupon.deleted", id)
		s.queueEvent("product.deleted", id)
	}
	s.queueEvent("order.deleted", id)
}

func (q *rq) createNote() (*response, error) {
	id := toInt(q.vars["order"])
	if q.s.st.orders.get(id) == nil {
		return nil, fail(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
	}
	author := "WooCommerce"
	if truthy(q.body.Get("added_by_user")) {
		author = "system"
		if c := q.s.st.customers.get(q.user.id); c != nil {
			author = c.Str("username")
		}
	}
	n := q.s.addNote(id, q.body.Str("note"), truthy(q.body.Get("customer_note")), author)
	return &response{status: 201, body: n.clone(), location: "/wc/v3/orders/" + itoa(id) + "/notes/" + n.Str("id"), single: true}, nil
}

func (q *rq) deleteNote() (*response, error) {
	n, err := q.note()
	if err != nil {
		return nil, err
	}
	if !truthy(q.params.Get("force")) {
		return nil, fail(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
	}
	q.s.st.notes = slices.DeleteFunc(q.s.st.notes, func(x *note) bool { return x.obj == n })
	return ok(n), nil
}

func (q *rq) batchOrders() (*response, error) {
	return q.runBatch(batchOps{
		create: (*rq).createOrder, update: (*rq).updateOrder, remove: (*rq).deleteOrder})
}
