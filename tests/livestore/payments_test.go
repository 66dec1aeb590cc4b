package livestore

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
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

// journal makes a bank journal of its own for a way of paying.
func (e *erp) journal(gateway string) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		bank, err := env.Model("account.journal").Search(orm.Leaf("type", "=", "bank"), orm.SearchOptions{Limit: 1})
		if err != nil {
			return err
		}
		account, err := bank.Read("default_account_id")
		if err != nil {
			return err
		}
		made, err := env.Model("account.journal").Create(orm.Values{"name": "Money of " + gateway, "code": strings.ToUpper(gateway[:3]), "type": "bank", "default_account_id": account[0].ID("default_account_id")})
		if err != nil {
			return err
		}
		rs, err := env.Model("woo.payment.map").Search(orm.And(orm.Leaf("instance_id", "=", e.instance), orm.Leaf("gateway", "=", gateway)), orm.SearchOptions{})
		if err != nil || rs.Len() != 1 {
			return fmt.Errorf("%d ways of paying are called %s: %v", rs.Len(), gateway, err)
		}
		return rs.Write(orm.Values{"journal_id": made.ID()})
	})
	e.idle()
}

// books is the invoice of an order with what is open of it, and its payments: their day,
// amount, journal and reference.
func (e *erp) books(id int) string {
	e.t.Helper()
	return e.text(`SELECT concat_ws(' ', m.state, round(m.amount_total, 2), 'open', round(m.amount_residual, 2)) || COALESCE((SELECT string_agg(concat_ws(' ', '; ' || p.date, round(p.amount, 2), j.name->>'en_US', p.state, p.payment_reference), '' ORDER BY p.amount)
		FROM account_payment p JOIN account_journal j ON j.id = p.journal_id WHERE p.woo_order_id = o.id), '') FROM woo_order o JOIN account_move m ON m.id = o.invoice_id WHERE o.woo_id = ?`, id)
}

// TestPayments registers what stores say was paid, once, and posts invoices when they are
// to be.
func TestPayments(t *testing.T) {
	t.Parallel()
	orders := caseOrders(t)
	route := regexp.MustCompile(`/orders/(\d+)$`)
	e := newERP(t, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m := route.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodGet {
				if id, _ := strconv.Atoi(m[1]); orders[id] != nil {
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write(orders[id])
					return
				}
			}
			store.ServeHTTP(w, r)
		})
	}, orm.Values{"auto_invoice": "paid"})
	is := func(id int, want string) {
		t.Helper()
		if got := e.books(id); got != want {
			t.Errorf("order %d: %q\nwant %q, attention %q", id, got, want, e.facts(id).attention)
		}
	}
	if got := e.text("SELECT string_agg(gateway || ' ' || paid_at_order, ', ' ORDER BY gateway) FROM woo_payment_map"); got != "bacs false, cheque false, cod false, voucher true" {
		t.Errorf("the connection test lists %s", got)
	}
	// A way of paying nobody knew: the invoice is posted, and the order says what lacks.
	e.takeOver(309)
	total := e.said(309).Total
	is(309, "posted "+total+" open "+total)
	e.wants(t, 309, "sale", "“Credit card (Stripe)” has no journal")
	err := e.db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		sales, err := env.Model("account.journal").Search(orm.Leaf("type", "=", "sale"), orm.SearchOptions{Limit: 1})
		if err != nil {
			return err
		}
		rs, err := env.Model("woo.payment.map").Search(nil, orm.SearchOptions{})
		if err != nil {
			return err
		}
		return rs.Write(orm.Values{"journal_id": sales.ID()})
	})
	if err == nil || !strings.Contains(err.Error(), "bank, cash or card journal") {
		t.Errorf("money may arrive in a journal of sales: %v", err)
	}
	e.journal("stripe")
	// It was paid after midnight in Greenwich, and on the day before at the store.
	paid := "posted " + total + " open 0.00; 2026-05-13 " + total + " Money of stripe paid stripe"
	is(309, paid)
	e.wants(t, 309, "sale", "")
	// Whatever happens again, it is paid once.
	e.again(309)
	e.takeOver(309, 309)
	e.edit(309, `{"status":"completed"}`)
	e.takeOver(309)
	e.run(func(env *orm.Env) error { // posted anew
		m := env.Model("account.move").Browse(int64(e.count("SELECT invoice_id FROM woo_order WHERE woo_id = 309")))
		if _, err := m.Call("button_draft", orm.Args{}); err != nil {
			return err
		}
		_, err := m.Call("action_post", orm.Args{})
		return err
	})
	e.idle()
	is(309, paid)
	err = e.db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		_, err := env.Exec(orm.SQL("INSERT INTO account_payment (date, journal_id, company_id, state, payment_type, partner_type, currency_id, woo_order_id, woo_means) SELECT date, journal_id, company_id, state, payment_type, partner_type, currency_id, woo_order_id, woo_means FROM account_payment WHERE woo_order_id IS NOT NULL").Writes("account.payment"))
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "registered already") {
		t.Errorf("the database takes a second payment of the same means: %v", err)
	}
	// A bank transfer is paid when the store says so, not while it is awaited.
	transfer := 0
	for _, id := range e.store.OrderIDs("on-hold") {
		if method(e.body(id)) == "bacs" {
			transfer = id
		}
	}
	e.journal("bacs")
	e.takeOver(transfer)
	sum := e.said(transfer).Total
	is(transfer, "draft "+sum+" open "+sum)
	e.edit(transfer, `{"status":"processing"}`)
	e.takeOver(transfer)
	day := e.text("SELECT (date_paid AT TIME ZONE 'UTC' AT TIME ZONE 'America/Toronto')::date::text FROM woo_order WHERE woo_id = ?", transfer)
	is(transfer, "posted "+sum+" open 0.00; "+day+" "+sum+" Money of bacs paid bacs")
	// Gift cards are money too.
	e.journal("voucher")
	for _, id := range []int{5120, 5121} {
		e.run(func(env *orm.Env) error { return receive(env, signed("order.updated", orders[id]), orders[id]) })
	}
	e.idle()
	is(5120, "posted 24.00 open 0.00; 2026-03-02 9.00 Money of stripe paid stripe ch_test_5120; 2026-03-02 15.00 Money of voucher paid voucher AAAA-BBBB, CCCC-DDDD")
	is(5121, "posted 24.00 open 0.00; 2026-03-02 24.00 Money of voucher paid voucher AAAA-BBBB")
	// Posted when delivered; one that a person posts is paid as well.
	e.set(orm.Values{"auto_invoice": "delivered"})
	e.takeOver(290, 300)
	sum = e.said(290).Total
	is(290, "draft "+sum+" open "+sum)
	e.ship(290, "", "", true)
	is(290, "draft "+sum+" open "+sum)
	e.ship(290, "", "", false)
	is(290, "posted "+sum+" open 0.00; 2026-03-23 "+sum+" Money of stripe paid stripe")
	is(300, "draft 103.83 open 103.83")
	e.postInvoice(300)
	is(300, "posted 103.83 open 0.00; 2026-04-19 103.83 Money of stripe paid stripe")
	// Confirm and invoice asks for no payment.
	e.set(orm.Values{"auto_invoice": "none"})
	e.setStatus("ready-pickup", "invoice")
	e.takeOver(343, 299)
	is(343, "posted 47.97 open 47.97")
	e.wants(t, 343, "sale", "")
	if f := e.facts(299); f.state != "imported" || f.invoice != "" {
		t.Errorf("%+v", f)
	}
}

// method is how an order is paid.
func method(order []byte) string {
	var o struct {
		Method string `json:"payment_method"`
	}
	_ = json.Unmarshal(order, &o)
	return o.Method
}
