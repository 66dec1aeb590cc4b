package livestore

import (
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// TestStatusMap gives statuses other actions than those they come with.
func TestStatusMap(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, orm.Values{"status_map_ids": statuses("on-hold", "quotation", "wc-Failed", "cancel")})
	if got := e.text("SELECT string_agg(status || ' ' || action, ', ' ORDER BY status) FROM woo_status_map"); got != "cancelled cancel, checkout-draft ignore, completed confirm, failed cancel, on-hold quotation, pending wait, processing confirm, refunded cancel" {
		t.Error(got)
	}
	is := func(id int, sale, documents string) {
		t.Helper()
		got := e.text(`SELECT (SELECT count(*) FROM stock_picking p WHERE p.origin = s.name AND p.state <> 'cancel') || ' transfers, ' || (o.invoice_id IS NOT NULL)::text
			FROM woo_order o JOIN sale_order s ON s.id = o.sale_order_id WHERE o.woo_id = ?`, id)
		if f := e.facts(id); f.state != "imported" || f.sale != sale || f.total != e.said(id).Total || got != documents {
			t.Errorf("order %d is %+v with %s; want %s with %s", id, f, got, sale, documents)
		}
	}
	failed := e.store.OrderIDs("failed")[0]
	e.takeOver(351, 343, failed)
	is(351, "draft", "0 transfers, false")
	e.is(t, failed, "cancelled", "such orders are cancelled here")
	e.is(t, 343, "received", "one of an extension")
	if n := e.count("SELECT count(*) FROM woo_status_map WHERE status = 'ready-pickup' AND action = 'wait'"); n != 1 {
		t.Errorf("a status that an order was found in is listed %d times", n)
	}
	// A quotation follows its order, and is confirmed with it.
	e.edit(351, `{"customer_note":"Ring twice","fee_lines":[{"name":"Gift wrap","total":"3.00","tax_status":"none"}]}`)
	e.takeOver(351)
	is(351, "draft", "0 transfers, false")
	e.edit(351, `{"status":"processing"}`)
	e.takeOver(351)
	is(351, "sale", "1 transfers, true")
	// A decision is applied to the orders that waited for it.
	e.setStatus("ready-pickup", "confirm")
	e.poll()
	e.idle()
	e.same(t, 343)
	e.setStatus("processing", "quotation")
	e.poll()
	e.idle()
	is(351, "sale", "1 transfers, true") // it went too far for one
	if a := e.facts(351).attention; a != "" {
		t.Errorf("the store changed nothing, but %s", a)
	}
}
