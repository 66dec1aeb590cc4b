package woosim

import "slices"

// The parcels of orders as WooCommerce 10.1 and later keep them, and those of the
// extension Shipment Tracking. Both are off unless the options switch them on: a
// store without them answers that there is no such route.

// parcelOrder is the hidden key under which a parcel keeps the order it is of.
const parcelOrder = hidden + "order"

func (q *rq) parcelsOf(list []*Obj) []*Obj {
	return keep(slices.Clone(list), func(o *Obj) bool { return o.Int(parcelOrder) == toInt(q.vars["order"]) })
}

func (q *rq) parcelOrder() (int, error) {
	id := toInt(q.vars["order"])
	if q.s.st.orders.get(id) == nil {
		return 0, fail(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
	}
	return id, nil
}

func (q *rq) parcel(list []*Obj, key string) (*Obj, error) {
	if _, err := q.parcelOrder(); err != nil {
		return nil, err
	}
	for _, o := range q.parcelsOf(list) {
		if o.Str(key) == q.vars["parcel"] {
			return o, nil
		}
	}
	return nil, fail(404, "woocommerce_rest_fulfillment_invalid_id", "Invalid ID.")
}

func listParcels(q *rq, list []*Obj) (*response, error) {
	if _, err := q.parcelOrder(); err != nil {
		return nil, err
	}
	out := []any{}
	for _, o := range q.parcelsOf(list) {
		out = append(out, o.clone())
	}
	return ok(out), nil
}

func (q *rq) listFulfillments() (*response, error) { return listParcels(q, q.s.fulfillments) }

func (q *rq) createFulfillment() (*response, error) {
	order, err := q.parcelOrder()
	if err != nil {
		return nil, err
	}
	f := object("id", q.s.nextID("fulfillments"), "entity_type", "WC_Order", "entity_id", itoa(order), parcelOrder, order)
	if err := q.fillFulfillment(f); err != nil {
		return nil, err
	}
	q.s.fulfillments = append(q.s.fulfillments, f)
	return &response{status: 201, body: f.clone(), single: true}, nil
}

func (q *rq) updateFulfillment() (*response, error) {
	f, err := q.parcel(q.s.fulfillments, "id")
	if err != nil {
		return nil, err
	}
	if err := q.fillFulfillment(f); err != nil {
		return nil, err
	}
	return ok(f.clone()), nil
}

// fillFulfillment writes the body of a request into a parcel. Items are
// required, and no more of a line may be sent than was ordered.
func (q *rq) fillFulfillment(f *Obj) error {
	var items []*Obj
	for _, m := range q.body.objs("meta_data") {
		if m.Str("key") == "_items" {
			items = m.objs("value")
		}
	}
	if len(items) == 0 {
		return fail(400, "woocommerce_rest_fulfillment_items_missing", "The fulfillment has no items.")
	}
	left := q.unsent(f)
	for _, it := range items {
		if it.Int("qty") < 1 || it.Int("qty") > left[it.Int("item_id")] {
			return fail(400, "woocommerce_rest_fulfillment_invalid_items", "More of an item than is left to be sent.")
		}
	}
	f.Set("status", q.body.Str("status"))
	f.Set("is_fulfilled", q.body.Get("is_fulfilled"))
	f.Set("date_updated", gmt(q.s.now()))
	f.Set("date_deleted", nil)
	meta := []any{}
	for _, m := range q.body.objs("meta_data") {
		meta = append(meta, object("id", q.s.nextID("fulfillment_meta"), "key", m.Str("key"), "value", m.Get("value")))
	}
	f.Set("meta_data", meta)
	if truthy(q.params.Get("notify_customer")) {
		q.s.notified = append(q.s.notified, f.Int(parcelOrder))
	}
	return nil
}

// unsent is what of each line of the order is in no other parcel.
func (q *rq) unsent(than *Obj) map[int]int {
	left := map[int]int{}
	for _, l := range q.s.st.orders.get(than.Int(parcelOrder)).objs("line_items") {
		left[l.Int("id")] = l.Int("quantity")
	}
	for _, f := range q.s.fulfillments {
		if f.Int(parcelOrder) != than.Int(parcelOrder) || f.Int("id") == than.Int("id") {
			continue
		}
		for _, m := range f.objs("meta_data") {
			if m.Str("key") == "_items" {
				for _, it := range m.objs("value") {
					left[it.Int("item_id")] -= it.Int("qty")
				}
			}
		}
	}
	return left
}

func (q *rq) deleteFulfillment() (*response, error) {
	f, err := q.parcel(q.s.fulfillments, "id")
	if err != nil {
		return nil, err
	}
	q.s.fulfillments = slices.DeleteFunc(q.s.fulfillments, func(o *Obj) bool { return o == f })
	return ok(object("message", "Fulfillment deleted successfully.")), nil
}

func (q *rq) listTrackings() (*response, error) { return listParcels(q, q.s.trackings) }

func (q *rq) createTracking() (*response, error) {
	order, err := q.parcelOrder()
	if err != nil {
		return nil, err
	}
	if q.body.Str("tracking_number") == "" {
		return nil, fail(400, "woocommerce_rest_shipment_tracking_number_missing", "The tracking number is missing.")
	}
	provider := q.body.Str("tracking_provider")
	if provider == "" {
		provider = q.body.Str("custom_tracking_provider")
	}
	t := object("tracking_id", "t"+itoa(q.s.nextID("trackings")), "tracking_provider", provider, "tracking_link", q.body.Str("custom_tracking_link"),
		"tracking_number", q.body.Str("tracking_number"), "date_shipped", q.body.Str("date_shipped"), parcelOrder, order)
	q.s.trackings = append(q.s.trackings, t)
	return &response{status: 201, body: t.clone(), single: true}, nil
}

func (q *rq) deleteTracking() (*response, error) {
	t, err := q.parcel(q.s.trackings, "tracking_id")
	if err != nil {
		return nil, err
	}
	q.s.trackings = slices.DeleteFunc(q.s.trackings, func(o *Obj) bool { return o == t })
	return ok(t), nil
}

// Notified lists the orders whose customers the store wrote to about parcels, in
// that order, each as often as it wrote.
func (s *Sim) Notified() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notified)
}
