package livestore

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
)

// ship validates the open delivery of an order: all of it, or one piece of its
// first move with the rest on a backorder. It returns the delivery's id.
func (e *erp) ship(order int, tracking, carrier string, part bool) int64 {
	e.t.Helper()
	var id int64
	e.run(func(env *orm.Env) error {
		ps, err := orm.Search[stock.Picking](env, orm.And(orm.Leaf("origin", "=", e.facts(order).name), orm.Leaf("state", "not in", []any{"done", "cancel"})), orm.SearchOptions{Order: "id", Limit: 1}, "move_ids")
		if err != nil || len(ps) != 1 {
			return fmt.Errorf("%d open deliveries: %v", len(ps), err)
		}
		id = ps[0].ID
		for i, m := range ps[0].MoveIDs.All() {
			vals := orm.Values{"quantity": m.ProductUomQty, "picked": true}
			if part && i == 0 {
				vals["quantity"] = 1
			} else if part {
				vals = orm.Values{"quantity": 0, "picked": false}
			}
			if err := orm.RecordsOf(env, m).Write(vals); err != nil {
				return err
			}
		}
		if tracking != "" {
			c, ok, err := env.FindRef("fusion_woocommerce.carrier_" + carrier)
			if err != nil || !ok {
				return fmt.Errorf("no carrier %s: %v", carrier, err)
			}
			if err := orm.RecordsOf(env, ps...).Write(orm.Values{"carrier_tracking_ref": tracking, "woo_carrier_id": c.ID()}); err != nil {
				return err
			}
		}
		_, err = orm.Invoke(env.WithContext(map[string]any{"skip_backorder": true}), stock.ButtonValidate, ps)
		return err
	})
	return id
}

func (e *erp) retrack(picking int64, tracking string) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		return env.Model("stock.picking").Browse(picking).Write(orm.Values{"carrier_tracking_ref": tracking})
	})
	e.idle()
	e.sendAll()
}

// parcels are the store's own records of an order's parcels.
func (e *erp) parcels(order int) (out []string) {
	e.t.Helper()
	list, err := e.api().OrderFulfillments(context.Background(), int64(order))
	if err != nil {
		e.t.Fatal(err)
	}
	for _, f := range list {
		out = append(out, f.Meta("_shipping_provider")+" "+f.Meta("_tracking_number"))
	}
	return out
}

func (e *erp) customerNotes(order int) (out []string) {
	e.t.Helper()
	notes, err := e.api().OrderNotes(context.Background(), int64(order))
	if err != nil {
		e.t.Fatal(err)
	}
	for _, n := range notes {
		if n.CustomerNote {
			out = append(out, n.Note)
		}
	}
	slices.Reverse(out)
	return out
}

// newOrder places a paid order of three pieces and has it imported.
func (e *erp) newOrder() int {
	e.t.Helper()
	p := e.countedProducts(false)[0]
	id, err := e.store.PlaceOrder(woosim.NewOrder{SKUs: []string{p.sku, p.sku, p.sku}})
	if err != nil {
		e.t.Fatal(err)
	}
	e.poll()
	e.idle()
	if e.facts(id).sale == "" {
		e.t.Fatalf("order %d is not imported: %s", id, e.text("SELECT state || COALESCE(hold_reason, '') FROM woo_order WHERE woo_id = ?", id))
	}
	return id
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestShipmentsFlowBack sends orders in parts, corrects what was told, and loses
// answers on the way.
func TestShipmentsFlowBack(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil, func(o *woosim.Options) { o.Fulfillments = true })
	e.poll()
	e.idle()

	t.Run("in two parts", func(t *testing.T) {
		id := e.newOrder()
		first := e.ship(id, "CP1", "canada_post", true)
		e.idle()
		e.sendAll()
		equal(t, "parcels", e.parcels(id), []string{"canada-post CP1"})
		equal(t, "status", e.said(id).Status, "processing")
		e.ship(id, "1Z2", "ups", false)
		e.idle()
		e.sendAll()
		equal(t, "parcels", e.parcels(id), []string{"canada-post CP1", "ups 1Z2"})
		equal(t, "status", e.said(id).Status, "completed")
		equal(t, "mails", len(e.store.Notified()), 2)

		e.retrack(first, "CP9")
		equal(t, "corrected parcels", e.parcels(id), []string{"canada-post CP9", "ups 1Z2"})
		equal(t, "mails", len(e.store.Notified()), 3)
		e.retrack(first, "CP9")
		equal(t, "mails after the same number again", len(e.store.Notified()), 3)

		// The echo of the status is no change of the order.
		jobs := e.count("SELECT count(*) FROM river_job WHERE args->>'name' = 'woo.order'")
		e.poll()
		e.idle()
		equal(t, "imports after the echo", e.count("SELECT count(*) FROM river_job WHERE args->>'name' = 'woo.order'"), jobs)
		equal(t, "attention", e.facts(id).attention, "")
	})
	t.Run("withdrawn", func(t *testing.T) {
		id := e.newOrder()
		e.ship(id, "X1", "fedex", true)
		e.idle()
		e.sendAll()
		e.run(func(env *orm.Env) error {
			rs, err := env.Model("woo.shipment").Search(orm.Leaf("tracking_number", "=", "X1"), orm.SearchOptions{})
			if err == nil {
				_, err = rs.Call("action_withdraw", orm.Args{})
			}
			return err
		})
		e.idle()
		e.sendAll()
		equal(t, "parcels", len(e.parcels(id)), 0)
	})
	t.Run("the answer is lost", func(t *testing.T) {
		id := e.newOrder()
		end := e.store.AddFault(woosim.Fault{Kind: woosim.FaultCutAfter, Method: "POST", Path: regexp.MustCompile("fulfillments"), Count: 1})
		mails := len(e.store.Notified())
		e.ship(id, "L1", "dhl", false)
		e.idle()
		end()
		e.sendAll()
		equal(t, "parcels", e.parcels(id), []string{"dhl L1"})
		equal(t, "mails", len(e.store.Notified()), mails+1)
		equal(t, "status", e.said(id).Status, "completed")
	})
	t.Run("cancelled in the store meanwhile", func(t *testing.T) {
		id := e.newOrder()
		e.set(orm.Values{"dry_run": true})
		e.ship(id, "C1", "dhl", false)
		e.idle()
		if err := e.store.AdvanceOrder(id, "cancelled"); err != nil {
			t.Fatal(err)
		}
		e.set(orm.Values{"dry_run": false})
		e.sendAll()
		equal(t, "status", e.said(id).Status, "cancelled")
		equal(t, "what became of the status", e.text("SELECT state FROM woo_outbox WHERE kind = 'status' AND target = ?", fmt.Sprintf("order:%d", id)), "cancelled")
	})
}

// TestShipmentsWithoutFulfillments tells shipments to stores that keep none.
func TestShipmentsWithoutFulfillments(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)
	e.poll()
	e.idle()
	id := e.newOrder()
	before := len(e.customerNotes(id))
	end := e.store.AddFault(woosim.Fault{Kind: woosim.FaultCutAfter, Method: "POST", Path: regexp.MustCompile("notes"), Count: 1})
	picking := e.ship(id, "CP77", "canada_post", false)
	e.idle()
	end()
	e.sendAll()
	notes := e.customerNotes(id)
	if len(notes) != before+1 || !strings.Contains(notes[len(notes)-1], "Canada Post") || !strings.Contains(notes[len(notes)-1], "searchFor=CP77") {
		t.Errorf("notes: %q", notes)
	}
	e.retrack(picking, "CP78")
	notes = e.customerNotes(id)
	if len(notes) != before+2 || !strings.Contains(notes[len(notes)-1], "It replaces the number CP77.") {
		t.Errorf("notes: %q", notes)
	}
	equal(t, "status", e.said(id).Status, "completed")
	equal(t, "channel", e.text("SELECT channel FROM woo_shipment"), "note")
}

// TestTrackingExtension tells shipments to the extension Shipment Tracking.
func TestTrackingExtension(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil, func(o *woosim.Options) { o.Trackings = true })
	e.poll()
	e.idle()
	id := e.newOrder()
	trackings := func() (out []string) {
		list, err := e.api().OrderTrackings(context.Background(), int64(id))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			out = append(out, x.Provider+" "+x.Number)
		}
		return out
	}
	picking := e.ship(id, "P1", "purolator", false)
	e.idle()
	e.sendAll()
	equal(t, "trackings", trackings(), []string{"Purolator P1"})
	e.retrack(picking, "P2")
	equal(t, "corrected", trackings(), []string{"Purolator P2"})
}
