package woocommerce

import (
	"cmp"
	"slices"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/framework/orm"
)

// The events of a timeline, in the order in which those of one day are listed.
const (
	eventOrdered   = "ordered"
	eventPaid      = "paid"
	eventConfirmed = "confirmed"
	eventInvoiced  = "invoiced"
	eventShipped   = "shipped"
	eventDelivered = "delivered"
	eventCompleted = "completed"
	eventRefunded  = "refunded"
	eventCancelled = "cancelled"
)

// timeline gathers what happened to an order.
type timeline struct{ list []happened }

func (t *timeline) add(event string, at orm.Datetime) {
	if !at.IsZero() {
		t.list = append(t.list, happened{Event: event, At: isoTime(at)})
	}
}

// sorted is the timeline by day; within a day as things follow each other, since
// documents have no time of day.
func (t *timeline) sorted() []happened {
	rank := []string{eventOrdered, eventPaid, eventConfirmed, eventInvoiced, eventShipped, eventDelivered, eventCompleted, eventRefunded, eventCancelled}
	slices.SortStableFunc(t.list, func(a, b happened) int {
		return cmp.Or(cmp.Compare(a.At[:len("2006-01-02")], b.At[:len("2006-01-02")]), cmp.Compare(slices.Index(rank, a.Event), slices.Index(rank, b.Event)), cmp.Compare(a.At, b.At))
	})
	return t.list
}

// timelineOf says what happened to an order, as its customer may know it.
func timelineOf(env *orm.Env, o *Order, s *sale_stock.Order) ([]happened, error) {
	t := &timeline{list: []happened{}}
	t.add(eventOrdered, o.DateCreated)
	t.add(eventPaid, o.DatePaid)
	if confirmed(s) {
		t.add(eventConfirmed, o.ImportedOn)
	}
	last, err := t.shipments(env, o)
	if err != nil {
		return nil, err
	}
	if s != nil && s.DeliveryStatus == sale_stock.DeliveryFull {
		if last.IsZero() {
			last = s.EffectiveDate
		}
		t.add(eventDelivered, last)
	}
	switch {
	case o.Status == "completed" && o.DateCompleted.IsZero():
		t.add(eventCompleted, o.DateModified)
	case o.Status == "completed":
		t.add(eventCompleted, o.DateCompleted)
	}
	if o.State == OrderCancelled {
		t.add(eventCancelled, o.DateModified)
	}
	if err := t.invoices(env, o, s); err != nil {
		return nil, err
	}
	return t.sorted(), nil
}

// shipments adds the parcels, and tells when the last one left.
func (t *timeline) shipments(env *orm.Env, o *Order) (last orm.Datetime, err error) {
	list, err := orm.Search[Shipment](env, orm.And(orm.Leaf("order_id", "=", o.ID), orm.Leaf("push_state", "!=", ShipmentWithdrawn)), orm.SearchOptions{Order: "shipped_date, id"}, "line_ids", "carrier_id", "tracking_url")
	if err != nil {
		return last, err
	}
	for _, s := range list {
		told := &parcelTold{Tracking: s.Tracking, Link: s.TrackingURL.Get(), Backorder: s.IsBackorder, Items: []parcelItem{}}
		if c := s.CarrierID.Rec(); c != nil {
			told.Carrier = c.Name
		}
		for _, l := range s.Lines.All() {
			told.Items = append(told.Items, parcelItem{l.LineID, l.Name, l.Quantity.String()})
		}
		t.list = append(t.list, happened{Event: eventShipped, At: isoTime(s.ShippedOn), Shipment: told})
		last = s.ShippedOn
	}
	return last, nil
}

// invoices adds the posted invoices and credit notes. What the store refunded shows
// although its credit note is not there yet.
func (t *timeline) invoices(env *orm.Env, o *Order, s *sale_stock.Order) error {
	moves, err := invoicesOf(env, o, s)
	if err != nil {
		return err
	}
	credited := false
	for _, m := range moves {
		undone := m.IsRefund() && m.PaymentState == account.InvoiceReversed || !m.IsRefund() && m.ReversedEntryID.IsSet() // of a refund the store deleted
		if m.State != account.MovePosted || undone {
			continue
		}
		event := eventInvoiced
		if m.IsRefund() {
			event, credited = eventRefunded, true
		}
		t.list = append(t.list, happened{Event: event, At: m.InvoiceDate.String(), Document: amountOf(m)})
	}
	if !credited && !o.Refunded.IsZero() {
		places := int32(2)
		if cur := o.CurrencyID.Rec(); cur != nil {
			places = int32(cur.DecimalPlaces)
		}
		t.list = append(t.list, happened{Event: eventRefunded, At: isoTime(o.DateModified), Document: &amountTold{"", o.Refunded.Abs().StringFixed(places), o.CurrencyCode}})
	}
	return nil
}

// amountOf is the name and total of an invoice or credit note.
func amountOf(m *account.Move) *amountTold {
	cur := m.CurrencyID.Rec()
	return &amountTold{m.Name, m.AmountTotal.Abs().StringFixed(int32(cur.DecimalPlaces)), cur.Name}
}

// invoicesOf are the invoices and credit notes of an order: those made from its lines,
// those that reverse them, and those that undo a reversal.
func invoicesOf(env *orm.Env, o *Order, s *sale_stock.Order) ([]*account.Move, error) {
	var ids []int64
	if s != nil {
		ids = s.InvoiceIDs.IDs()
	}
	if o.InvoiceID.IsSet() && !slices.Contains(ids, o.InvoiceID.ID) {
		ids = append(ids, o.InvoiceID.ID)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return orm.Search[account.Move](env, orm.And(orm.Leaf("move_type", "in", []any{"out_invoice", "out_refund"}),
		orm.Or(orm.Leaf("id", "in", anyIDs(ids)), orm.Leaf("reversed_entry_id", "in", anyIDs(ids)), orm.Leaf("reversed_entry_id.reversed_entry_id", "in", anyIDs(ids)))), orm.SearchOptions{Order: "id"}, "currency_id")
}
