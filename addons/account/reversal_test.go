package account_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
)

func (b *books) reversal(method string, vals orm.Values, docs ...int64) []int64 {
	b.Helper()
	w := must[orm.Records](b.T)(b.env.WithContext(map[string]any{"active_model": "account.move", "active_ids": docs}).Model("account.move.reversal").Create(vals))
	action := must[any](b.T)(w.Do(method, orm.Args{})).(map[string]any)
	if action["type"] != "ir.actions.act_window" || action["res_model"] != "account.move" {
		b.Errorf("the wizard answers %v", action)
	}
	return must[[]orm.Values](b.T)(w.Read("new_move_ids"))[0]["new_move_ids"].([]int64)
}

func TestCreditNote(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("33.33", "1", b.tax15), line("10", "2"))
	note := b.reversal("refund_moves", orm.Values{"reason": "Broken", "journal_id": b.journal("INV"), "date": "2026-04-02"}, id)[0]
	m := b.move(note)
	if m.MoveType != account.OutRefund || m.State != account.MoveDraft || m.Ref != "Reversal of: INV/2026/00001, Broken" || m.ReversedEntryID.ID != id || m.InvoiceDate.String() != "2026-04-02" {
		t.Errorf("the credit note is %s %s %q of %s", m.MoveType, m.State, m.Ref, m.InvoiceDate)
	}
	b.shows(id, "53.33 + 5 = 58.33, due 58.33 not_paid")
	ok(t, account.Post(b.env, note))
	b.expect(note, "payment_term 121000 -58.33", "product 400000 33.33", "product 400000 20", "tax 251000 5")
	b.shows(id, "53.33 + 5 = 58.33, due 0 reversed")
	b.shows(note, "53.33 + 5 = 58.33, due 0 paid")
	m = b.move(note)
	if m.Name != "RINV/2026/00001" || m.TotalSigned.String() != "-58.33" {
		t.Errorf("posted: %s, signed %s", m.Name, m.TotalSigned)
	}
}

func TestPartialCreditNote(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("100", "1", b.tax15), line("10", "5"))
	note := must[[]int64](t)(account.Reverse(b.env, []int64{id}, orm.NewDate(2026, 4, 2), ""))[0]
	ls := b.lines(note)
	ok(t, b.env.Model("account.move").Browse(note).Write(orm.Values{"invoice_line_ids": []orm.Command{orm.DeleteLine(ls[0]), orm.UpdateLine(ls[1], orm.Values{"quantity": 2})}}))
	b.shows(note, "20 + 0 = 20, due 20 not_paid")
	ok(t, account.Post(b.env, note))
	b.expect(note, "payment_term 121000 -20", "product 400000 20")
	b.shows(id, "150 + 15 = 165, due 145 partial")
	b.shows(note, "20 + 0 = 20, due 0 paid")
	b.pay(orm.Values{}, id)
	b.shows(id, "150 + 15 = 165, due 0 paid")
}

func TestCreditNoteOfAPaidInvoice(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("100", "1"))
	b.pay(orm.Values{}, id)
	note := must[[]int64](t)(account.Reverse(b.env, []int64{id}, orm.Date{}, "Returned"))[0]
	ok(t, account.Post(b.env, note))
	b.shows(id, "100 + 0 = 100, due 0 paid")
	b.shows(note, "100 + 0 = 100, due 100 not_paid")
	p := b.payment(b.pay(orm.Values{}, note))
	if p.PaymentType != account.PaymentOutbound || p.PartnerType != account.PartnerCustomer {
		t.Errorf("money goes %s to a %s", p.PaymentType, p.PartnerType)
	}
	b.shows(note, "100 + 0 = 100, due 0 paid")
}

func TestReverseAndInvoiceAgain(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("100", "1", b.tax15))
	fresh := b.reversal("modify_moves", orm.Values{"date": "2026-05-01"}, id)[0]
	b.shows(id, "100 + 15 = 115, due 0 reversed")
	m := b.move(fresh)
	if m.MoveType != account.OutInvoice || m.State != account.MoveDraft || m.Name != "" || !m.InvoiceDate.IsZero() || m.Date.String() != "2026-05-01" {
		t.Errorf("the new invoice is %s %s %q of %s, booked on %s", m.MoveType, m.State, m.Name, m.InvoiceDate, m.Date)
	}
	b.shows(fresh, "100 + 15 = 115, due 115 not_paid")
}

func TestReverseEntry(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.create("account.move", b.entry("2026-01-05", "101401", "10", "400000", "-10"))
	refused(t, func() error {
		_, err := b.env.WithContext(map[string]any{"active_model": "account.move", "active_ids": []int64{id}}).Model("account.move.reversal").Create(orm.Values{})
		return err
	}(), "only reverse posted")
	ok(t, account.Post(b.env, id))
	back := must[[]int64](t)(account.Reverse(b.env, []int64{id}, orm.NewDate(2026, 2, 1), ""))[0]
	b.expect(back, "product 101401 -10", "product 400000 10")
	ok(t, account.Post(b.env, back))
}

func TestCopyOfAnInvoice(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.document("out_invoice", orm.Values{"ref": "PO 1"}, charged("100", "1", map[int64]string{b.tax15: "14.99"}), orm.Values{"display_type": "line_note", "name": "Note"})
	ok(t, account.Post(b.env, id))
	made := must[orm.Records](t)(b.env.Model("account.move").Browse(id).Copy(nil))
	m := b.move(made.ID())
	if m.State != account.MoveDraft || m.Name != "" || m.Ref != "" || !m.InvoiceDate.IsZero() || m.PaymentReference != "" {
		t.Errorf("the copy is %s %q, reference %q, of %s", m.State, m.Name, m.Ref, m.InvoiceDate)
	}
	b.shows(made.ID(), "100 + 14.99 = 114.99, due 114.99 not_paid")
	full := b.env.WithContext(map[string]any{account.KeyFullPrecision: true})
	made = must[orm.Records](t)(full.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "partner_id": b.customer, "invoice_line_ids": []orm.Command{orm.CreateLine(line("3.333333", "3"))}}))
	ok(t, account.Post(b.env, made.ID()))
	note := must[[]int64](t)(account.Reverse(b.env, made.IDs, orm.Date{}, ""))[0]
	b.shows(note, "10 + 0 = 10, due 10 not_paid")
}
