package livestore

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// paidOrder places a paid order of three pieces, of which the store tells.
func (e *erp) paidOrder() int {
	e.t.Helper()
	p := e.countedProducts(false)[0]
	id := e.place(p.sku, p.sku, p.sku)
	e.takeOver(id)
	if f := e.facts(id); f.sale == "" {
		e.t.Fatalf("order %d is not imported: %+v", id, f)
	}
	return id
}

// refundLines asks for a refund of the first pieces of an order, with their share of its
// taxes, and of its shipping where that is wanted.
func (e *erp) refundLines(order, pieces int, shipping bool) (r wcapi.RefundRequest) {
	e.t.Helper()
	o, err := e.api().Order(context.Background(), int64(order))
	if err != nil {
		e.t.Fatal(err)
	}
	add := func(id wcapi.ID, n, of int64, total wcapi.Amount, taxes []wcapi.LineTax) {
		part := func(d decimal.Decimal) decimal.Decimal {
			return d.Mul(decimal.New(n, 0)).DivRound(decimal.New(of, 0), 2)
		}
		l := wcapi.RefundLine{LineID: int64(id), Quantity: n, Total: part(total.Decimal)}
		r.Amount = r.Amount.Add(l.Total)
		for _, t := range taxes {
			tax := part(t.Total.Decimal)
			l.Taxes, r.Amount = append(l.Taxes, wcapi.RefundTax{RateID: int64(t.RateID), Total: tax}), r.Amount.Add(tax)
		}
		r.Lines = append(r.Lines, l)
	}
	left := int64(pieces)
	for _, l := range o.Lines {
		if n := min(left, l.Quantity.IntPart()); n > 0 {
			left -= n
			add(l.ID, n, l.Quantity.IntPart(), l.Total, l.Taxes)
		}
	}
	if shipping {
		s := o.ShippingLines[0]
		add(s.ID, 1, 1, s.Total, s.Taxes)
	}
	return r
}

func (e *erp) refundInStore(order int, r wcapi.RefundRequest) int64 {
	e.t.Helper()
	made, err := e.api().CreateRefund(context.Background(), int64(order), r)
	if err != nil {
		e.t.Fatal(err)
	}
	return int64(made.ID)
}

// credit is a refund and its credit note as the books have them: the state of both, and
// of the credit note the amount without tax, the tax, the total and what is open.
func (e *erp) credit(refund int64) string {
	e.t.Helper()
	return e.text(`SELECT f.state || COALESCE(': ' || m.state || ' ' || round(m.amount_untaxed, 2) || ' + ' || round(m.amount_tax, 2) || ' = ' || round(m.amount_total, 2) || ', open ' || round(m.amount_residual, 2), '')
		FROM woo_refund f LEFT JOIN account_move m ON m.id = f.credit_note_id WHERE f.woo_id = ?`, refund)
}

// given is a refund of the store in the form of credit.
func (e *erp) given(order int, refund int64) string {
	e.t.Helper()
	for r, err := range e.api().OrderRefunds(context.Background(), int64(order)) {
		if err != nil {
			e.t.Fatal(err)
		}
		if int64(r.ID) != refund {
			continue
		}
		untaxed, tax := decimal.Zero, decimal.Zero
		for _, l := range r.Lines {
			untaxed, tax = untaxed.Sub(l.Total.Decimal), tax.Sub(l.TotalTax.Decimal)
		}
		for _, l := range r.ShippingLines {
			untaxed, tax = untaxed.Sub(l.Total.Decimal), tax.Sub(l.TotalTax.Decimal)
		}
		if untaxed.Add(tax).IsZero() {
			untaxed = r.Amount.Decimal
		}
		return fmt.Sprintf("%s + %s = %s", untaxed.StringFixed(2), tax.StringFixed(2), r.Amount.Decimal.StringFixed(2))
	}
	e.t.Fatalf("the store has no refund %d", refund)
	return ""
}

func (e *erp) deleteRefund(order int, refund int64) {
	e.t.Helper()
	if _, err := e.api().Do(context.Background(), wcapi.Request{Method: http.MethodDelete, Path: fmt.Sprintf("orders/%d/refunds/%d", order, refund), Query: wcapi.Query{"force": "true"}}); err != nil {
		e.t.Fatal(err)
	}
}

// owed is what is open of the invoice of an order, and its state.
func (e *erp) owed(order int) string {
	e.t.Helper()
	return e.text("SELECT m.state || ' ' || round(m.amount_residual, 2) FROM woo_order o JOIN account_move m ON m.id = o.invoice_id WHERE o.woo_id = ?", order)
}

func (e *erp) creditNotes(order int) int {
	e.t.Helper()
	return e.count("SELECT count(*) FROM account_move WHERE move_type = 'out_refund' AND invoice_origin = ?", e.facts(order).name)
}

// toDeliver are the pieces of an order in open deliveries, and in returns that wait.
func (e *erp) toDeliver(order int) string {
	e.t.Helper()
	return e.text(`SELECT COALESCE(trim_scale(sum(v.product_uom_qty) FILTER (WHERE l.usage = 'customer')), 0) || ' out, ' || COALESCE(trim_scale(sum(v.product_uom_qty) FILTER (WHERE l.usage <> 'customer')), 0) || ' back'
		FROM stock_move v JOIN sale_order_line s ON s.id = v.sale_line_id JOIN woo_order o ON o.sale_order_id = s.order_id JOIN stock_location l ON l.id = v.location_dest_id
		WHERE o.woo_id = ? AND v.state NOT IN ('done', 'cancel')`, order)
}

func less(t *testing.T, total string, parts ...decimal.Decimal) string {
	t.Helper()
	d, err := decimal.NewFromString(total)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		d = d.Sub(p)
	}
	return d.StringFixed(2)
}

// TestRefundsOfTheStore follows refunds of every kind into the books.
func TestRefundsOfTheStore(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)

	t.Run("a piece before the delivery", func(t *testing.T) {
		id := e.paidOrder()
		pieces := e.toDeliver(id)
		r := e.refundLines(id, 1, false)
		r.Restock, r.Reason = true, "Scratched"
		f := e.refundInStore(id, r)
		e.takeOver(id)
		want := e.given(id, f)
		equal(t, "the credit note", e.credit(f), "booked: draft "+want+", open "+r.Amount.StringFixed(2))
		equal(t, "pieces before and after", pieces+"; "+e.toDeliver(id), "3 out, 0 back; 2 out, 0 back")
		equal(t, "attention", e.facts(id).attention, "")
		total := e.facts(id).total
		equal(t, "the order", total, e.said(id).Total)

		// Once is enough, however often it is told.
		e.takeOver(id, id, id)
		e.again(id)
		equal(t, "credit notes", e.creditNotes(id), 1)

		// An amount on top, and the postage.
		amount, err := e.store.RefundOrder(id, "1.50", "Sorry")
		if err != nil {
			t.Fatal(err)
		}
		post := e.refundLines(id, 0, true)
		postage := e.refundInStore(id, post)
		e.takeOver(id)
		equal(t, "the amount", e.credit(int64(amount)), "booked: draft 1.50 + 0.00 = 1.50, open 1.50")
		equal(t, "the postage", e.credit(postage), "booked: draft "+e.given(id, postage)+", open "+post.Amount.StringFixed(2))

		// All are posted with the invoice, and taken off it.
		e.postInvoice(id)
		equal(t, "the credit note", e.credit(f), "booked: posted "+want+", open 0.00")
		equal(t, "the amount", e.credit(int64(amount)), "booked: posted 1.50 + 0.00 = 1.50, open 0.00")
		equal(t, "the invoice", e.owed(id), "posted "+less(t, total, r.Amount, post.Amount, decimal.RequireFromString("1.50")))
		equal(t, "credit notes", e.creditNotes(id), 3)

		// One that the store deletes is reversed.
		e.deleteRefund(id, int64(amount))
		e.takeOver(id)
		equal(t, "the amount", e.credit(int64(amount)), "undone: posted 1.50 + 0.00 = 1.50, open 0.00")
		equal(t, "the invoice", e.owed(id), "posted "+less(t, total, r.Amount, post.Amount))
		equal(t, "its reversal", e.text("SELECT v.state || ' ' || round(v.amount_total, 2) || ' ' || round(v.amount_residual, 2) FROM woo_refund f JOIN account_move v ON v.id = f.reversal_id WHERE f.woo_id = ?", amount), "posted 1.50 0.00")
		e.wants(t, id, "sale", fmt.Sprintf("The store deleted what it had refunded: refund %d of 1.50 CAD, whose credit note ", amount))
	})
	t.Run("deleted while it is a draft", func(t *testing.T) {
		id := e.paidOrder()
		f := e.refundInStore(id, e.refundLines(id, 1, false))
		e.takeOver(id)
		equal(t, "pieces", e.toDeliver(id), "3 out, 0 back") // the store has put nothing back
		e.deleteRefund(id, f)
		e.takeOver(id)
		if got := e.credit(f); !strings.HasPrefix(got, "undone: cancel ") {
			t.Error(got)
		}
		e.postInvoice(id)
		equal(t, "the invoice", e.owed(id), "posted "+e.said(id).Total)
	})
	t.Run("in full before the delivery", func(t *testing.T) {
		id := e.paidOrder()
		part := e.refundInStore(id, e.refundLines(id, 1, false))
		e.takeOver(id)
		rest, err := e.store.RefundOrder(id, "", "")
		if err != nil {
			t.Fatal(err)
		}
		e.takeOver(id)
		f := e.facts(id)
		equal(t, "the order", f.state+" "+f.sale+" "+f.invoice+" "+f.attention, "cancelled cancel cancel ")
		equal(t, "pieces", e.toDeliver(id), "0 out, 0 back")
		if got := e.credit(part); !strings.HasPrefix(got, "settled: cancel ") {
			t.Error(got)
		}
		equal(t, "the rest", e.credit(int64(rest)), "settled")
	})
	t.Run("in full after the delivery", func(t *testing.T) {
		id := e.paidOrder()
		e.postInvoice(id)
		e.deliverGoods(id)
		e.sendAll()
		r := e.refundLines(id, 3, false)
		r.Restock = true
		goods := e.refundInStore(id, r)
		rest, err := e.store.RefundOrder(id, "", "")
		if err != nil {
			t.Fatal(err)
		}
		e.takeOver(id)
		equal(t, "the goods", e.credit(goods), "booked: posted "+e.given(id, goods)+", open 0.00")
		// The rest has no lines in the store; it is the postage with its taxes.
		o := e.said(id)
		left := less(t, o.Total, r.Amount)
		tax := less(t, left, decimal.RequireFromString(o.Shipping))
		equal(t, "the rest", e.credit(int64(rest)), "booked: posted "+o.Shipping+" + "+tax+" = "+left+", open 0.00")
		equal(t, "the invoice", e.owed(id), "posted 0.00")
		equal(t, "pieces", e.toDeliver(id), "0 out, 3 back")
		equal(t, "attention", e.facts(id).attention, "")
		equal(t, "the order", o.Status+" "+e.facts(id).state, "refunded imported")
	})
	t.Run("in full after the invoice, before the delivery", func(t *testing.T) {
		id := e.paidOrder()
		e.postInvoice(id)
		all, err := e.store.RefundOrder(id, "", "Lost")
		if err != nil {
			t.Fatal(err)
		}
		e.takeOver(id)
		o := e.said(id)
		equal(t, "the credit note", e.credit(int64(all)), "booked: posted "+less(t, o.Total, decimal.RequireFromString(o.TotalTax))+" + "+o.TotalTax+" = "+o.Total+", open 0.00")
		equal(t, "the invoice", e.owed(id), "posted 0.00")
		equal(t, "pieces", e.toDeliver(id), "0 out, 0 back")
	})
	t.Run("more than its lines", func(t *testing.T) {
		id := e.paidOrder()
		r := e.refundLines(id, 1, false)
		r.Amount = r.Amount.Add(decimal.New(3, 0))
		f := e.refundInStore(id, r)
		e.takeOver(id)
		equal(t, "the refund", e.credit(f), "held")
		e.wants(t, id, "sale", "No credit note was made: The store gave back ")
		e.deleteRefund(id, f)
		e.takeOver(id)
		if f := e.facts(id); strings.Contains(f.attention, "gave money back") {
			t.Error(f.attention)
		}
	})
	t.Run("without an invoice yet", func(t *testing.T) {
		e.set(orm.Values{"auto_invoice": "none"})
		id := e.paidOrder()
		e.set(orm.Values{"auto_invoice": "draft"})
		r := e.refundLines(id, 1, false)
		f := e.refundInStore(id, r)
		e.takeOver(id)
		equal(t, "the refund", e.credit(f), "received")
		e.run(func(env *orm.Env) error {
			o, err := env.Model("sale.order").Search(orm.Leaf("name", "=", e.facts(id).name), orm.SearchOptions{})
			if err != nil {
				return err
			}
			wizard, err := env.WithContext(map[string]any{"active_model": "sale.order", "active_ids": o.IDs}).Model("sale.advance.payment.inv").Create(orm.Values{"advance_payment_method": "delivered"})
			if err != nil {
				return err
			}
			if _, err := wizard.Call("create_invoices", orm.Args{}); err != nil {
				return err
			}
			made, err := env.Model("account.move").Search(orm.And(orm.Leaf("invoice_origin", "=", e.facts(id).name), orm.Leaf("move_type", "=", "out_invoice")), orm.SearchOptions{})
			if err == nil {
				_, err = made.Call("action_post", orm.Args{})
			}
			return err
		})
		e.idle()
		equal(t, "the credit note", e.credit(f), "booked: posted "+e.given(id, f)+", open 0.00")
	})
	// Whatever was given back is in the books, once.
	if n := e.count("SELECT count(*) FROM (SELECT woo_id FROM woo_refund GROUP BY woo_id HAVING count(*) > 1) x"); n != 0 {
		t.Errorf("%d refunds are recorded twice", n)
	}
	if n := e.count("SELECT count(*) FROM woo_refund f JOIN account_move m ON m.id = f.credit_note_id WHERE round(m.amount_total, 2) <> round(f.amount, 2)"); n != 0 {
		t.Errorf("%d credit notes are not equal to their refunds", n)
	}
}

// creditHere posts a credit note of the invoice of an order: of all its lines, or of the
// first some.
func (e *erp) creditHere(order, lines int, reason string) (note int64) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		ids, err := account.Reverse(env, []int64{int64(e.count("SELECT invoice_id FROM woo_order WHERE woo_id = ?", order))}, orm.Date{}, reason)
		if err != nil {
			return err
		}
		note = ids[0]
		items, err := orm.Search[account.MoveLine](env, orm.And(orm.Leaf("move_id", "=", note), orm.Leaf("display_type", "=", "product")), orm.SearchOptions{Order: "sequence, id"})
		if err != nil {
			return err
		}
		var drop []orm.Command
		for i, l := range items {
			if lines > 0 && i >= lines {
				drop = append(drop, orm.DeleteLine(l.ID))
			}
		}
		if len(drop) > 0 {
			if err := env.Model("account.move").Browse(note).Write(orm.Values{"invoice_line_ids": drop}); err != nil {
				return err
			}
		}
		return account.Post(env, note)
	})
	return note
}

// booked is a credit note in the form of given.
func (e *erp) booked(note int64) string {
	e.t.Helper()
	return e.text("SELECT round(amount_untaxed, 2) || ' + ' || round(amount_tax, 2) || ' = ' || round(amount_total, 2) FROM account_move WHERE id = ?", note)
}

// refundsInStore are the refunds that the store has of an order.
func (e *erp) refundsInStore(order int) (out []int64) {
	e.t.Helper()
	for r, err := range e.api().OrderRefunds(context.Background(), int64(order)) {
		if err != nil {
			e.t.Fatal(err)
		}
		if r.RefundedPayment {
			e.t.Errorf("refund %d was paid back through the gateway", r.ID)
		}
		out = append(out, int64(r.ID))
	}
	slices.Sort(out)
	return out
}

// TestRefundsOfTheERP has the store refund what is credited here.
func TestRefundsOfTheERP(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, nil)
	posts := func(kind woosim.FaultKind) func() {
		return e.store.AddFault(woosim.Fault{Kind: kind, Method: "POST", Path: regexp.MustCompile("/refunds$"), Count: 1})
	}
	state := func(note int64) string {
		return e.text("SELECT f.origin || ' ' || f.state || ' ' || COALESCE(f.woo_id::text, '') FROM woo_refund f WHERE f.credit_note_id = ?", note)
	}

	t.Run("by line, and the answer is lost", func(t *testing.T) {
		id := e.paidOrder()
		e.postInvoice(id)
		end := posts(woosim.FaultCutAfter)
		note := e.creditHere(id, 1, "Broken")
		e.idle()
		end()
		e.sendAll()
		made := e.refundsInStore(id)
		if len(made) != 1 {
			t.Fatalf("the store has the refunds %v, want one", made)
		}
		equal(t, "the refund", e.given(id, made[0]), e.booked(note))
		equal(t, "its state", state(note), fmt.Sprintf("erp sent %d", made[0]))
		if strings.Contains(string(e.body(id)), "_restock_refunded_items") {
			t.Error("the store has put goods back, which come back in the ERP")
		}
		// What it tells of its own refund is no other one.
		e.takeOver(id, id)
		e.again(id)
		equal(t, "credit notes", e.creditNotes(id), 1)
		equal(t, "refunds", len(e.refundsInStore(id)), 1)
		equal(t, "attention", e.facts(id).attention, "")
		equal(t, "the invoice", e.owed(id), "posted "+less(t, e.said(id).Total, e.amountOf(note)))

		// The rest follows: the store's order is refunded as a whole.
		e.run(func(env *orm.Env) error {
			rest, err := account.Reverse(env, []int64{int64(e.count("SELECT invoice_id FROM woo_order WHERE woo_id = ?", id))}, orm.Date{}, "")
			if err != nil {
				return err
			}
			first, err := orm.First[account.MoveLine](env, orm.And(orm.Leaf("move_id", "=", rest[0]), orm.Leaf("display_type", "=", "product")), "sequence, id")
			if err != nil {
				return err
			}
			if err := env.Model("account.move").Browse(rest[0]).Write(orm.Values{"invoice_line_ids": []orm.Command{orm.DeleteLine(first.ID)}}); err != nil {
				return err
			}
			return account.Post(env, rest[0])
		})
		e.idle()
		e.sendAll()
		e.takeOver(id)
		equal(t, "the order", e.said(id).Status+" "+e.facts(id).state+" "+e.facts(id).sale, "refunded imported sale")
		equal(t, "the invoice", e.owed(id), "posted 0.00")
		equal(t, "credit notes", e.creditNotes(id), 2)
		equal(t, "pieces", e.toDeliver(id), "0 out, 0 back")
	})
	t.Run("told by the store before its answer is known", func(t *testing.T) {
		id := e.paidOrder()
		e.postInvoice(id)
		end := posts(woosim.FaultCutAfter)
		note := e.creditHere(id, 2, "")
		e.idle()
		end()
		made := e.refundsInStore(id)
		equal(t, "what waits", e.text("SELECT state || ' ' || unsure FROM woo_outbox WHERE kind = 'refund' AND target = ?", fmt.Sprintf("order:%d", id)), "waiting true")
		e.takeOver(id)
		equal(t, "its state", state(note), fmt.Sprintf("erp sent %d", made[0]))
		e.sendAll()
		equal(t, "refunds", e.refundsInStore(id), made)
		equal(t, "the refund", e.given(id, made[0]), e.booked(note))
		equal(t, "credit notes", e.creditNotes(id), 1)
	})
	t.Run("refused by the store", func(t *testing.T) {
		id := e.paidOrder()
		e.postInvoice(id)
		if _, err := e.store.RefundOrder(id, "", ""); err != nil { // of which nothing is known here yet
			t.Fatal(err)
		}
		note := e.creditHere(id, 1, "")
		e.idle()
		e.sendAll()
		equal(t, "its state", state(note), "erp failed ")
		if got := e.text("SELECT state || ': ' || reason FROM woo_outbox WHERE target = ? AND kind = 'refund'", fmt.Sprintf("order:%d", id)); !strings.HasPrefix(got, "failed: ") || !strings.Contains(got, "Invalid refund amount") {
			t.Error(got)
		}
	})
	t.Run("made by hand for a refund that is held", func(t *testing.T) {
		id := e.paidOrder()
		e.postInvoice(id)
		r := e.refundLines(id, 1, false)
		r.Lines[0].Total = r.Lines[0].Total.Sub(decimal.New(1, 0))
		f := e.refundInStore(id, r)
		e.takeOver(id)
		equal(t, "the refund", e.credit(f), "held")
		note := e.creditHere(id, 1, "By hand")
		e.idle()
		e.sendAll()
		equal(t, "its state", state(note), fmt.Sprintf("store booked %d", f))
		equal(t, "refunds", e.refundsInStore(id), []int64{f})
		e.again(id)
		equal(t, "credit notes", e.creditNotes(id), 1)
		equal(t, "attention", e.facts(id).attention, "")
	})
	t.Run("set to draft before it is sent", func(t *testing.T) {
		id := e.paidOrder()
		e.postInvoice(id)
		e.set(orm.Values{"dry_run": true})
		note := e.creditHere(id, 2, "")
		equal(t, "its state", state(note), "erp waiting ")
		e.run(func(env *orm.Env) error {
			_, err := env.Model("account.move").Browse(note).Call("button_draft", orm.Args{})
			return err
		})
		equal(t, "refunds that wait", e.count("SELECT count(*) FROM woo_refund WHERE credit_note_id = ?", note), 0)
		e.set(orm.Values{"dry_run": false})
		e.idle()
		e.sendAll()
		equal(t, "refunds", len(e.refundsInStore(id)), 0)
		e.run(func(env *orm.Env) error { return account.Post(env, note) })
		e.idle()
		e.sendAll()
		made := e.refundsInStore(id)
		equal(t, "its state", state(note), fmt.Sprintf("erp sent %d", made[0]))
		equal(t, "the refund", e.given(id, made[0]), e.booked(note))
		e.run(func(env *orm.Env) error {
			_, err := env.Model("account.move").Browse(note).Call("button_draft", orm.Args{})
			return err
		})
		e.wants(t, id, "sale", "was set to draft here. The store has its refund already")
	})
	t.Run("an invoice made anew gives nothing back", func(t *testing.T) {
		id := e.paidOrder()
		e.postInvoice(id)
		e.run(func(env *orm.Env) error {
			invoice := int64(e.count("SELECT invoice_id FROM woo_order WHERE woo_id = ?", id))
			wizard, err := env.WithContext(map[string]any{"active_model": "account.move", "active_ids": []int64{invoice}}).Model("account.move.reversal").Create(orm.Values{"reason": "Address"})
			if err == nil {
				_, err = wizard.Call("modify_moves", orm.Args{})
			}
			return err
		})
		e.idle()
		e.sendAll()
		equal(t, "refunds", len(e.refundsInStore(id)), 0)
	})
}

func (e *erp) amountOf(note int64) decimal.Decimal {
	e.t.Helper()
	return decimal.RequireFromString(e.text("SELECT amount_total::text FROM account_move WHERE id = ?", note))
}
