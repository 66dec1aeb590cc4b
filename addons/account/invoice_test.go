package account_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
)

func TestInvoice(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	tax := b.tax("HST 13%", "13")
	id := b.invoice(line("50", "2", tax), line("0.5", "1", tax))
	b.shows(id, "100.5 + 13.07 = 113.57, due 113.57 not_paid")
	want := []string{"payment_term 121000 113.57", "product 400000 -100", "product 400000 -0.5", "tax 400000 -13.07"}
	b.expect(id, want...)
	if m := b.move(id); m.State != account.MoveDraft || m.Name != "" {
		t.Errorf("a new invoice is %s, number %q", m.State, m.Name)
	}
	ok(t, account.Post(b.env, id))
	b.expect(id, want...)
	m := b.move(id)
	if m.State != account.MovePosted || m.Name != "INV/2026/00001" || m.PaymentReference != "INV/2026/00001" || m.DueDate.String() != "2026-03-15" {
		t.Errorf("posted: %s %q, reference %q, due %s", m.State, m.Name, m.PaymentReference, m.DueDate)
	}
	next := b.posted(line("10", "1"))
	if n := b.move(next).Name; n != "INV/2026/00002" {
		t.Errorf("the next number is %s", n)
	}
}

func TestLinesOfADraft(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.invoice(line("100", "1", b.tax15), line("10", "3"))
	b.shows(id, "130 + 15 = 145, due 145 not_paid")
	lines := b.env.Model("account.move.line")
	ls := b.lines(id)
	ok(t, lines.Browse(ls[1]).Write(orm.Values{"quantity": 2, "tax_ids": []orm.Command{orm.SetIDs(b.tax15)}}))
	b.shows(id, "120 + 18 = 138, due 138 not_paid")
	b.expect(id, "payment_term 121000 138", "product 400000 -100", "product 400000 -20", "tax 251000 -18")
}
