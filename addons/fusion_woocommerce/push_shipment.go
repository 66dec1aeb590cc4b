package woocommerce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// shipmentKey is the meta key by which a parcel in the store is found again.
const shipmentKey = "_fusion_shipment"

// shipmentChange is a parcel as the store is to show it.
type shipmentChange struct {
	Shipment    int64          `json:"shipment"`
	Order       int64          `json:"order"`
	Key         string         `json:"key"`
	Remote      string         `json:"remote,omitempty"` // the store's entry, once it is known
	Channel     string         `json:"channel,omitempty"`
	Carrier     string         `json:"carrier,omitempty"`
	CarrierName string         `json:"carrier_name,omitempty"`
	Tracking    string         `json:"tracking,omitempty"`
	Link        string         `json:"link,omitempty"`
	Told        string         `json:"told,omitempty"` // the number the customer was told
	Shipped     time.Time      `json:"shipped"`
	Items       []shipmentItem `json:"items"`
	Withdraw    bool           `json:"withdraw,omitempty"`
}

type shipmentItem struct {
	Line     int64           `json:"line"`
	Name     string          `json:"name"`
	Quantity decimal.Decimal `json:"quantity"`
}

// shipmentSender tells stores of parcels on the best of the ways a store has: its
// own fulfillments, a tracking extension, or a note to the customer. An entry is
// looked for before one is made, so none is made twice, and the customer is
// written to once for each number.
type shipmentSender struct{}

func (shipmentSender) logType() string { return "shipment" }

// shipmentTold is the store's entry.
type shipmentTold struct {
	Channel string `json:"channel"`
	Remote  string `json:"remote"`
}

func (s shipmentSender) send(ctx context.Context, st *sending, list []*Outgoing) []outcome {
	return sendEach(list, func(c *shipmentChange) outcome {
		told, err := s.tell(ctx, st, c)
		if err != nil {
			return outcomeOf(err)
		}
		return outcome{state: OutgoingSent, answer: told}
	})
}

// tell tells the store on the first of its ways that is there; a parcel keeps the
// way it was told on.
func (s shipmentSender) tell(ctx context.Context, st *sending, c *shipmentChange) (shipmentTold, error) {
	ways := []struct {
		name string
		tell func(context.Context, *sending, *shipmentChange) (string, error)
	}{{ChannelFulfillment, s.fulfillment}, {ChannelTracking, s.tracking}, {ChannelNote, s.note}}
	for _, way := range ways {
		if c.Channel != "" && c.Channel != way.name || c.Channel == "" && st.inst.ShipmentWay != "" && st.inst.ShipmentWay != ChannelAuto && st.inst.ShipmentWay != way.name {
			continue
		}
		remote, err := way.tell(ctx, st, c)
		if we, ok := errors.AsType[*wcapi.Error](err); ok && we.Kind == wcapi.ErrNotFound && we.Code == "rest_no_route" {
			continue
		}
		return shipmentTold{way.name, remote}, err
	}
	return shipmentTold{}, orm.UserErrorf("The store no longer has the way shipments are told on. Choose another under Shipments Are Told As, then send it again.")
}

func (shipmentSender) fulfillment(ctx context.Context, st *sending, c *shipmentChange) (string, error) {
	all, err := st.OrderFulfillments(ctx, c.Order)
	if err != nil {
		return "", err
	}
	var old *wcapi.Fulfillment
	for i := range all {
		if all[i].Meta(shipmentKey) == c.Key || c.Remote != "" && itoa(int64(all[i].ID)) == c.Remote {
			old = &all[i]
		}
	}
	patch := wcapi.FulfillmentPatch{Tracking: c.Tracking, Provider: providerOf(c.Carrier), Link: c.Link, KeyName: shipmentKey, Key: c.Key}
	for _, it := range c.Items {
		if n := it.Quantity.Ceil().IntPart(); it.Line != 0 && n > 0 {
			patch.Items = append(patch.Items, wcapi.FulfillmentItem{LineID: it.Line, Quantity: n})
		}
	}
	switch {
	case c.Withdraw && old == nil:
		return "", nil
	case c.Withdraw:
		err := st.DeleteFulfillment(ctx, c.Order, int64(old.ID))
		if errors.Is(err, wcapi.ErrNotFound) {
			err = nil
		}
		return "", err
	case len(patch.Items) == 0:
		return "", orm.UserErrorf("Nothing in the shipment is a line of the store's order.")
	case old == nil:
		made, err := st.CreateFulfillment(ctx, c.Order, patch, true)
		if err != nil {
			return "", err
		}
		return itoa(int64(made.ID)), nil
	case old.Meta("_tracking_number") == c.Tracking && old.Meta("_shipping_provider") == patch.Provider:
		return itoa(int64(old.ID)), nil
	}
	_, err = st.UpdateFulfillment(ctx, c.Order, int64(old.ID), patch, c.Tracking != "" && c.Tracking != old.Meta("_tracking_number"))
	return itoa(int64(old.ID)), err
}

// providerOf is how the store calls a carrier.
func providerOf(code string) string {
	if code == "other" {
		return ""
	}
	return strings.ReplaceAll(code, "_", "-")
}

func (shipmentSender) tracking(ctx context.Context, st *sending, c *shipmentChange) (string, error) {
	all, err := st.OrderTrackings(ctx, c.Order)
	if err != nil {
		return "", err
	}
	have := ""
	for _, t := range all {
		stale := t.Number != c.Tracking && (t.ID == c.Remote || c.Told != "" && t.Number == c.Told)
		if t.Number == c.Tracking && c.Tracking != "" && !c.Withdraw {
			have = t.ID
		}
		if stale || c.Withdraw && (t.ID == c.Remote || c.Tracking != "" && t.Number == c.Tracking) {
			if err := st.DeleteTracking(ctx, c.Order, t.ID); err != nil && !errors.Is(err, wcapi.ErrNotFound) {
				return "", err
			}
		}
	}
	if have != "" || c.Withdraw || c.Tracking == "" { // the extension keeps nothing but numbers
		return have, nil
	}
	made, err := st.AddTracking(ctx, c.Order, wcapi.TrackingPatch{Number: c.Tracking, Custom: orText(c.CarrierName, "Other"), CustomLink: c.Link, Shipped: c.Shipped.Format("2006-01-02")})
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// note tells the customer in a note, which the store mails. A note cannot be
// changed, so another number makes another note.
func (shipmentSender) note(ctx context.Context, st *sending, c *shipmentChange) (string, error) {
	if c.Withdraw || c.Tracking == "" || c.Tracking == c.Told {
		return c.Remote, nil
	}
	text := noteOf(c)
	all, err := st.OrderNotes(ctx, c.Order)
	if err != nil {
		return "", err
	}
	for _, n := range all {
		if bool(n.CustomerNote) && strings.Contains(n.Note, c.Tracking) {
			return itoa(int64(n.ID)), nil
		}
	}
	made, err := st.AddOrderNote(ctx, c.Order, text, true)
	if err != nil {
		return "", err
	}
	return itoa(int64(made.ID)), nil
}

// noteOf is what the customer reads.
func noteOf(c *shipmentChange) string {
	var b strings.Builder
	b.WriteString("Your order has been shipped")
	if c.CarrierName != "" {
		b.WriteString(" with " + c.CarrierName)
	}
	b.WriteString(". Tracking number: " + c.Tracking + ".")
	if c.Told != "" {
		b.WriteString(" It replaces the number " + c.Told + ".")
	}
	if c.Link != "" {
		b.WriteString(" " + c.Link)
	}
	for _, it := range c.Items {
		fmt.Fprintf(&b, "\n%s × %s", it.Quantity, it.Name)
	}
	return b.String()
}

func (shipmentSender) took(env *orm.Env, _ *Instance, done []delivered) error {
	for _, d := range done {
		c, err := payloadOf[shipmentChange]([]byte(d.Payload))
		if err != nil {
			return err
		}
		rs, err := env.Model("woo.shipment").Browse(c.Shipment).Exists()
		if err != nil {
			return err
		}
		if rs.Len() == 0 {
			continue
		}
		vals := orm.Values{"push_state": ShipmentFailed}
		if told, ok := d.answer.(shipmentTold); ok {
			vals = orm.Values{"channel": told.Channel, "remote_key": told.Remote}
			if !c.Withdraw {
				vals["push_state"], vals["told_tracking"] = ShipmentSent, c.Tracking
			}
		}
		if err := rs.Write(vals); err != nil {
			return err
		}
	}
	return nil
}

// statusChange is a status an order of the store is to have.
type statusChange struct {
	Order  int64    `json:"order"`
	Status string   `json:"status"`
	From   []string `json:"from"` // the status the store must be in
}

// pushStatus asks for the status of an order to be changed in the store, if it is
// in one of from then.
func pushStatus(env *orm.Env, inst *Instance, o *Order, status string, from []string) error {
	return put(env, inst, change{Kind: KindStatus, Target: "order:" + itoa(o.RemoteID), Name: "Status of order " + o.Number + ": " + status,
		Values: statusChange{o.RemoteID, status, from}, Record: orm.RecordsOf(env, o)})
}

// completable are the statuses from which an order may be completed: a late change
// moves no order backwards.
func (i *Instance) completable() []string {
	out := []string{"pending", "processing", "on-hold"}
	for status, action := range i.policy() {
		if action == ordermap.ActConfirm || action == ordermap.ActInvoice {
			out = append(out, status)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// statusSender changes the status of orders.
type statusSender struct{}

func (statusSender) logType() string { return "order" }

// statusNow is the status the store's order has.
type statusNow struct {
	Status   string    `json:"status"`
	Modified time.Time `json:"modified"`
}

func (statusSender) send(ctx context.Context, st *sending, list []*Outgoing) []outcome {
	return sendEach(list, func(c *statusChange) outcome {
		return changeStatus(ctx, st, c)
	})
}

func changeStatus(ctx context.Context, st *sending, c *statusChange) outcome {
	now, err := st.Order(ctx, c.Order)
	if err != nil {
		return outcomeOf(err)
	}
	allowed := false
	for _, s := range c.From {
		allowed = allowed || s == now.Status
	}
	switch {
	case now.Status == c.Status:
	case !allowed:
		return outcome{state: OutgoingCancelled, reason: fmt.Sprintf("The order is %s in the store by now; it is not made %s.", now.Status, c.Status)}
	default:
		if now, err = st.SetOrderStatus(ctx, c.Order, c.Status); err != nil {
			return outcomeOf(err)
		}
	}
	return outcome{state: OutgoingSent, answer: statusNow{now.Status, now.DateModified.Time}}
}

// took notes the status the store has, so that its echo is no change.
func (statusSender) took(env *orm.Env, inst *Instance, done []delivered) error {
	for _, d := range done {
		now, ok := d.answer.(statusNow)
		if !ok {
			continue
		}
		remote, err := strconv.ParseInt(strings.TrimPrefix(d.Target, "order:"), 10, 64)
		if err != nil {
			return err
		}
		o, err := orm.First[Order](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", remote)), "")
		if err != nil {
			return err
		}
		if o == nil {
			continue
		}
		if err := orm.RecordsOf(env, o).Write(orm.Values{"woo_status": now.Status, "last_status_pushed": now.Status, "date_modified": orm.DatetimeOf(now.Modified)}); err != nil {
			return err
		}
	}
	return nil
}
