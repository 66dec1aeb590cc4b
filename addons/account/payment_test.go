package account_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func (b *books) payment(id int64) *account.Payment {
	b.Helper()
	return must[*account.Payment](b.T)(orm.Get[account.Payment](b.env, id, "move_id", "is_reconciled", "invoice_ids"))
}

func TestPayInParts(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("100", "1", b.tax15))
	first := b.pay(orm.Values{"amount": 40, "payment_date": "2026-03-20"}, id)
	b.shows(id, "100 + 15 = 115, due 75 partial")
	p := b.payment(first)
	if p.State != account.PaymentPaid || p.PaymentType != account.PaymentInbound || p.PartnerType != account.PartnerCustomer || p.Memo != "INV/2026/00001" || p.Name != "PBNK1/2026/00001" || !p.IsReconciled.Get() || len(p.InvoiceIDs.IDs()) != 1 {
		t.Errorf("the payment is %s %s %s %q %s, reconciled %v", p.State, p.PaymentType, p.PartnerType, p.Memo, p.Name, p.IsReconciled.Get())
	}
	b.expect(p.MoveID.ID, "product 101401 40", "product 121000 -40")
	b.pay(orm.Values{}, id)
	b.shows(id, "100 + 15 = 115, due 0 paid")
	settled := must[[]orm.Values](t)(b.env.Model("account.move.line").Browse(b.receivables(id)...).ReadWire([]string{"full_reconcile_id", "matching_number"}, true))
	if full, _ := settled[0]["full_reconcile_id"].([]any); len(full) != 2 || fmt.Sprint(full[0]) != settled[0]["matching_number"] {
		t.Errorf("the receivable of the paid invoice is matched as %v", settled)
	}
	_, err := b.env.WithContext(map[string]any{"active_model": "account.move", "active_ids": []int64{id}}).Model("account.payment.register").Create(orm.Values{})
	refused(t, err, "nothing left to pay")

	_, err = b.env.Model("account.payment").Browse(first).Call("action_draft", orm.Args{})
	ok(t, err)
	b.shows(id, "100 + 15 = 115, due 40 partial")
	ok(t, b.env.Model("account.payment").Browse(first).Write(orm.Values{"amount": 30}))
	_, err = b.env.Model("account.payment").Browse(first).Call("action_post", orm.Args{})
	ok(t, err)
	p = b.payment(first)
	b.expect(p.MoveID.ID, "product 101401 30", "product 121000 -30")
	if p.Name != "PBNK1/2026/00001" || p.IsReconciled.Get() {
		t.Errorf("posted again, the payment is %s, reconciled %v", p.Name, p.IsReconciled.Get())
	}
	b.shows(id, "100 + 15 = 115, due 40 partial") // what is matched is a person's choice
	refused(t, b.env.Model("account.payment").Browse(first).Write(orm.Values{"amount": 31}), "Reset it to draft")
	refused(t, b.env.Model("account.payment").Browse(first).Unlink(), "cannot delete")
	_, err = b.env.Model("account.payment").Browse(first).Call("action_cancel", orm.Args{})
	ok(t, err)
	if p := b.payment(first); p.State != account.PaymentCancelled || p.MoveID.Rec().State != account.MoveCancelled {
		t.Errorf("cancelled, the payment is %s and its entry %s", p.State, p.MoveID.Rec().State)
	}
}

func TestPayTooMuch(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("100", "1"))
	p := b.payment(b.pay(orm.Values{"amount": "130.5"}, id))
	b.shows(id, "100 + 0 = 100, due 0 paid")
	if p.IsReconciled.Get() {
		t.Error("an overpayment counts as used up")
	}
	credit := func() string {
		return must[any](t)(b.env.Model("res.partner").Browse(b.customer).Value("credit")).(interface{ String() string }).String()
	}
	if c := credit(); c != "-30.5" {
		t.Errorf("the customer owes %s", c)
	}
	// The rest settles the next invoice.
	next := b.posted(line("20", "1"))
	ok(t, account.Reconcile(b.env, append(b.receivables(next), b.receivables(p.MoveID.ID)...)...))
	b.shows(next, "20 + 0 = 20, due 0 paid")
	if c := credit(); c != "-10.5" {
		t.Errorf("the customer owes %s", c)
	}
}

// Of an invoice due in parts the wizard asks what is overdue, else the next part.
func TestPayInstallments(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	term := b.create("account.payment.term", orm.Values{"name": "30/30/40", "line_ids": []orm.Command{orm.CreateLine(orm.Values{"value": "percent", "value_amount": 30}),
		orm.CreateLine(orm.Values{"value": "percent", "value_amount": 30, "nb_days": 30}), orm.CreateLine(orm.Values{"value": "percent", "value_amount": 40, "nb_days": 60})}})
	id := b.document("out_invoice", orm.Values{"invoice_date": "2026-01-01", "invoice_payment_term_id": term}, line("100", "1"))
	ok(t, account.Post(b.env, id))
	asks := func(day, want string, more ...orm.Values) {
		t.Helper()
		vals := orm.Values{"payment_date": day}
		for _, m := range more {
			vals = with(vals, m)
		}
		w := must[orm.Records](t)(b.env.WithContext(map[string]any{"active_model": "account.move", "active_ids": []int64{id}}).Model("account.payment.register").Create(vals))
		row := must[[]orm.Values](t)(w.ReadWire([]string{"amount", "installments_mode", "payment_difference", "source_amount", "group_payment", "can_edit_wizard", "can_group_payments"}, true))[0]
		if got := fmt.Sprint(row["amount"], " ", row["installments_mode"], " ", row["payment_difference"], " of ", row["source_amount"], " ", row["group_payment"], row["can_edit_wizard"], row["can_group_payments"]); got != want {
			t.Errorf("on %s it asks %s, not %s", day, got, want)
		}
	}
	asks("2025-12-31", "30.0 next 0.0 of 100.0 true true true")
	asks("2026-01-15", "30.0 overdue 0.0 of 100.0 true true true")
	asks("2026-02-15", "60.0 overdue 0.0 of 100.0 true true true")
	asks("2026-03-15", "100.0 full 0.0 of 100.0 true true true")
	asks("2026-01-15", "100.0 full 0.0 of 100.0 true true true", orm.Values{"installments_mode": "full"})
	b.pay(orm.Values{"payment_date": "2026-01-15"}, id)
	b.shows(id, "100 + 0 = 100, due 70 partial")
	asks("2026-01-15", "30.0 next 0.0 of 70.0 true true true")
	b.pay(orm.Values{"payment_date": "2026-02-15", "amount": 29, "payment_difference_handling": "reconcile", "writeoff_account_id": b.account("620000")}, id)
	b.shows(id, "100 + 0 = 100, due 40 partial")
	other := b.posted(line("5", "1"))
	b.pay(orm.Values{"payment_date": "2026-02-16"}, id, other)
	b.shows(id, "100 + 0 = 100, due 0 paid")
	b.shows(other, "5 + 0 = 5, due 0 paid")
}

func TestPaymentsAreTracked(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("100", "1"))
	b.pay(orm.Values{"amount": 40}, id)
	b.pay(orm.Values{}, id)
	rs := must[orm.Records](t)(b.env.Model("mail.tracking.value").Search(orm.And(orm.Leaf("mail_message_id.model", "=", "account.move"), orm.Leaf("mail_message_id.res_id", "=", id),
		orm.Leaf("field_id.name", "=", "payment_state")), orm.SearchOptions{Order: "id"}))
	got := ""
	for _, row := range must[[]orm.Values](t)(rs.ReadWire([]string{"old_value_char", "new_value_char"}, true)) {
		got += fmt.Sprint(row["old_value_char"], "→", row["new_value_char"], "; ")
	}
	if got != "Not Paid→Partially Paid; Partially Paid→Paid; " {
		t.Errorf("told: %s", got)
	}
	first := must[orm.Records](t)(b.env.Model("mail.message").Search(orm.And(orm.Leaf("model", "=", "account.move"), orm.Leaf("res_id", "=", id)), orm.SearchOptions{Order: "id", Limit: 1}))
	if body := must[any](t)(first.Value("body")); body != "<p>Invoice Created</p>" {
		t.Errorf("the first note says %v", body)
	}
}

// What settles an invoice is told with it, and matched and taken back by the
// methods that clients call.
func TestOutstandingCredits(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	paid := b.payment(b.pay(orm.Values{"amount": 150}, b.posted(line("100", "1"))))
	credit := b.receivables(paid.MoveID.ID)[0]
	id := b.posted(line("80", "1"))
	widget := func(field string) string {
		t.Helper()
		rows := must[[]orm.Values](t)(b.env.Model("account.move").Browse(id).Read(field))
		return string(rows[0].JSON(field))
	}
	call := func(model string, rec int64, method string, args ...any) error {
		_, err := b.env.Model(model).Browse(rec).Call(method, orm.Args{Pos: args})
		return err
	}
	if w := widget("invoice_outstanding_credits_debits_widget"); !strings.Contains(w, fmt.Sprintf(`"amount":50,"currency_id":%d,"date":"%s","id":%d`, b.usd, b.env.Today(), credit)) {
		t.Errorf("the open credit shows as %s", w)
	}
	ok(t, call("account.move", id, "js_assign_outstanding_line", credit))
	b.shows(id, "80 + 0 = 80, due 30 partial")
	if w := widget("invoice_outstanding_credits_debits_widget"); w != "" {
		t.Errorf("nothing is left, but there shows %s", w)
	}
	var shown struct {
		Content []struct {
			Amount  float64 `json:"amount"`
			Partial int64   `json:"partial_id"`
			Name    string  `json:"ref"`
		}
	}
	ok(t, json.Unmarshal([]byte(widget("invoice_payments_widget")), &shown))
	if len(shown.Content) != 1 || shown.Content[0].Amount != 50 || !strings.HasPrefix(shown.Content[0].Name, "PBNK1/2026/00001") {
		t.Fatalf("settled by %+v", shown)
	}
	other := b.posted(line("1", "1"))
	refused(t, call("account.move", other, "js_remove_outstanding_partial", shown.Content[0].Partial), "not of this document")
	ok(t, call("account.move", id, "js_remove_outstanding_partial", shown.Content[0].Partial))
	b.shows(id, "80 + 0 = 80, due 80 not_paid")
	both := b.env.Model("account.move.line").Browse(credit, b.receivables(id)[0])
	if _, err := both.Call("reconcile", orm.Args{}); err != nil {
		t.Fatal(err)
	}
	b.shows(id, "80 + 0 = 80, due 30 partial")
	ok(t, call("account.move.line", b.receivables(id)[0], "remove_move_reconcile"))
	b.shows(id, "80 + 0 = 80, due 80 not_paid")
}

// receivables are the items of an entry on receivable accounts.
func (b *books) receivables(id int64) []int64 {
	b.Helper()
	return must[orm.Records](b.T)(b.env.Model("account.move.line").Search(orm.And(orm.Leaf("move_id", "=", id), orm.Leaf("account_id.account_type", "=", "asset_receivable")), orm.SearchOptions{})).IDs
}

func TestPaySeveral(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	first, second := b.posted(line("100", "1")), b.posted(line("50", "1"))
	refund := b.document("out_refund", nil, line("30", "1"))
	ok(t, account.Post(b.env, refund))
	id := b.pay(orm.Values{"group_payment": true}, first, second, refund)
	p := b.payment(id)
	if !p.Amount.Equal(dec("120")) || p.Memo != "INV/2026/00001 INV/2026/00002 RINV/2026/00001" {
		t.Errorf("the payment is of %s for %q", p.Amount, p.Memo)
	}
	b.shows(first, "100 + 0 = 100, due 0 paid")
	b.shows(second, "50 + 0 = 50, due 0 paid")
	b.shows(refund, "30 + 0 = 30, due 0 paid")

	third, fourth := b.posted(line("10", "1")), b.posted(line("20", "1"))
	b.pay(orm.Values{}, third, fourth)
	n := must[int](t)(b.env.Model("account.payment").SearchCount(orm.Leaf("amount", "in", []any{10, 20}), 0))
	if n != 2 {
		t.Errorf("paid apart, two invoices took %d payments", n)
	}
	other := b.document("out_invoice", orm.Values{"partner_id": b.partner("Other")}, line("5", "1"))
	ok(t, account.Post(b.env, other))
	fifth := b.posted(line("7", "1"))
	b.pay(orm.Values{"group_payment": true}, fifth, other)
	if n := must[int](t)(b.env.Model("account.payment").SearchCount(orm.Leaf("amount", "in", []any{5, 7}), 0)); n != 2 {
		t.Errorf("two customers paid with %d payments", n)
	}
}

func TestWriteOff(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("100", "1"))
	b.pay(orm.Values{"amount": 98, "payment_difference_handling": "reconcile", "writeoff_account_id": b.account("620000"), "writeoff_label": "Fee"}, id)
	b.shows(id, "100 + 0 = 100, due 0 paid")
	rows := must[[][]string](t)(ormtest.Texts(b.env, "SELECT l.balance FROM account_move_line l JOIN account_account a ON a.id = l.account_id WHERE a.code = '620000'"))
	if len(rows) != 1 || rows[0][0] != "2" {
		t.Errorf("written off: %v", rows)
	}
	id = b.posted(line("100", "1"))
	w := must[orm.Records](t)(b.env.WithContext(map[string]any{"active_model": "account.move", "active_ids": []int64{id}}).Model("account.payment.register").Create(orm.Values{"amount": 98, "payment_difference_handling": "reconcile"}))
	_, err := w.Do("action_create_payments", orm.Args{})
	refused(t, err, "Choose the account")
}

func TestPayVendor(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.document("in_invoice", orm.Values{"ref": "B-1"}, line("20", "1"))
	ok(t, account.Post(b.env, id))
	b.expect(id, "product 600000 20", "payment_term 211000 -20")
	p := b.payment(b.pay(orm.Values{"journal_id": b.journal("CSH1")}, id))
	b.expect(p.MoveID.ID, "product 101501 -20", "product 211000 20")
	if p.PaymentType != account.PaymentOutbound || p.PartnerType != account.PartnerSupplier || !p.Amount.Equal(dec("20")) {
		t.Errorf("the payment is %s %s %s", p.PaymentType, p.PartnerType, p.Amount)
	}
	b.shows(id, "20 + 0 = 20, due 0 paid")
}

func TestPaymentAlone(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	p := must[orm.Records](t)(b.env.Model("account.payment").Create(orm.Values{"partner_id": b.customer, "amount": 25, "date": "2026-06-01", "memo": "Deposit"}))
	_, err := p.Call("action_post", orm.Args{})
	ok(t, err)
	b.expect(b.payment(p.ID()).MoveID.ID, "product 101401 25", "product 121000 -25")
	refused(t, b.env.Savepoint(func(env *orm.Env) error {
		_, err := env.Model("account.payment").Create(orm.Values{"partner_id": b.customer, "amount": -1})
		return err
	}), "cannot be negative")
	_, err = p.Call("action_post", orm.Args{})
	refused(t, err, "Only draft payments")
}

func TestExchangeDifferences(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		invoiced, paid float64 // euros for a dollar
		booked, gain   string
	}{
		"loss":      {0.8, 1, "125", "product 641000 25"},
		"gain":      {1, 0.8, "100", "product 441000 -25"},
		"no change": {0.8, 0.8, "125", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBooks(t)
			b.rate("2026-03-01", tc.invoiced)
			b.rate("2026-04-01", tc.paid)
			id := b.document("out_invoice", orm.Values{"currency_id": b.eur}, line("100", "1"))
			ok(t, account.Post(b.env, id))
			b.expect(id, "payment_term 121000 "+tc.booked+" (100 EUR)", "product 400000 -"+tc.booked+" (-100 EUR)")
			p := b.payment(b.pay(orm.Values{"payment_date": "2026-04-10"}, id))
			if p.CurrencyID.ID != b.eur || !p.Amount.Equal(dec("100")) {
				t.Errorf("paid %s in currency %d", p.Amount, p.CurrencyID.ID)
			}
			b.shows(id, "100 + 0 = 100, due 0 paid")
			rows := must[[][]string](t)(ormtest.Texts(b.env, "SELECT id FROM account_move WHERE journal_id = ?", b.journal("EXCH")))
			if tc.gain == "" {
				if len(rows) != 0 {
					t.Error("an exchange difference was booked")
				}
				return
			}
			if len(rows) != 1 {
				t.Fatalf("%d exchange entries", len(rows))
			}
			var entry int64
			for _, c := range rows[0][0] {
				entry = entry*10 + int64(c-'0')
			}
			other := map[string]string{"loss": "product 121000 -25 (0 EUR)", "gain": "product 121000 25 (0 EUR)"}[name]
			b.expect(entry, tc.gain+" (0 EUR)", other)
			// All receivables of the customer cancel out.
			if c := must[any](t)(b.env.Model("res.partner").Browse(b.customer).Value("credit")).(interface{ IsZero() bool }); !c.IsZero() {
				t.Errorf("the customer still owes %v", c)
			}
			_, err := b.env.Model("account.move").Browse(entry).Call("button_draft", orm.Args{})
			refused(t, err, "exchange difference")
			_, err = b.env.Model("account.payment").Browse(p.ID).Call("action_draft", orm.Args{})
			ok(t, err)
			b.shows(id, "100 + 0 = 100, due 100 not_paid")
			if rev := must[[][]string](t)(ormtest.Texts(b.env, "SELECT sum(balance) FROM account_move_line WHERE journal_id = ?", b.journal("EXCH"))); rev[0][0] != "0" && rev[0][0] != "0.00" {
				t.Errorf("the exchange difference was not taken back: %v", rev)
			}
		})
	}
}

func TestPayEurosInParts(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.rate("2026-03-01", 0.8)
	b.rate("2026-04-01", 1)
	id := b.document("out_invoice", orm.Values{"currency_id": b.eur}, line("100", "1"))
	ok(t, account.Post(b.env, id))
	b.pay(orm.Values{"amount": 40, "payment_date": "2026-04-10"}, id)
	b.shows(id, "100 + 0 = 100, due 60 partial")
	b.pay(orm.Values{"payment_date": "2026-04-11"}, id)
	b.shows(id, "100 + 0 = 100, due 0 paid")
	rows := must[[][]string](t)(ormtest.Texts(b.env, "SELECT sum(l.balance) FROM account_move_line l JOIN account_account a ON a.id = l.account_id WHERE a.code = '641000'"))
	if rows[0][0] != "25" && rows[0][0] != "25.00" {
		t.Errorf("the loss is %v", rows)
	}
	// Dollars for an invoice in euros.
	id = b.document("out_invoice", orm.Values{"currency_id": b.eur, "invoice_date": "2026-04-12"}, line("50", "1"))
	ok(t, account.Post(b.env, id))
	b.pay(orm.Values{"currency_id": b.usd, "payment_date": "2026-04-12"}, id)
	b.shows(id, "50 + 0 = 50, due 0 paid")
}

func TestReconcileRefusals(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	first, second := b.posted(line("10", "1")), b.invoice(line("10", "1"))
	refused(t, account.Reconcile(b.env, append(b.receivables(first), b.receivables(second)...)...), "only reconcile posted")
	refused(t, account.Reconcile(b.env, append(b.receivables(first), b.lines(first)...)...), "same account")
	third := b.posted(line("20", "1"))
	refused(t, account.Reconcile(b.env, append(b.lines(first), b.lines(third)...)...), "does not allow reconciliation")
}

func TestCreditNoteAtAnotherRate(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.rate("2026-03-01", 0.8)
	b.rate("2026-04-01", 1)
	id := b.document("out_invoice", orm.Values{"currency_id": b.eur}, line("100", "1"))
	ok(t, account.Post(b.env, id))
	note := must[[]int64](t)(account.Reverse(b.env, []int64{id}, orm.NewDate(2026, 4, 2), ""))[0]
	ok(t, account.Post(b.env, note))
	b.expect(note, "payment_term 121000 -100 (-100 EUR)", "product 400000 100 (100 EUR)")
	b.shows(id, "100 + 0 = 100, due 0 reversed")
	rows := must[[][]string](t)(ormtest.Texts(b.env, "SELECT sum(l.balance) FROM account_move_line l JOIN account_account a ON a.id = l.account_id WHERE a.code = '641000'"))
	if !dec(rows[0][0]).Equal(dec("25")) {
		t.Errorf("the loss is %v", rows)
	}
}

func TestFreeAndYen(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	free := b.posted(line("100", "1"), line("-100", "1"))
	b.shows(free, "0 + 0 = 0, due 0 paid")
	yen := b.ref("base.JPY")
	ok(t, b.env.Model("res.currency").Browse(yen).Write(orm.Values{"active": true}))
	tokyo := b.env.WithCompany(b.create("res.company", orm.Values{"name": "Tokyo", "currency_id": yen}))
	tax := must[orm.Records](t)(tokyo.Model("account.tax").Create(orm.Values{"name": "8%", "amount": 8, "type_tax_use": "sale"})).ID()
	made := must[orm.Records](t)(tokyo.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "partner_id": b.customer, "invoice_date": "2026-03-15",
		"invoice_line_ids": []orm.Command{orm.CreateLine(line("99", "1", tax)), orm.CreateLine(line("33.4", "3"))}}))
	ok(t, account.Post(tokyo, made.ID()))
	b.shows(made.ID(), "199 + 8 = 207, due 207 not_paid")
}

// Two payments of one invoice at a time: one is made, the other finds nothing
// left to pay.
func TestConcurrentPayments(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, addons()...)
	ctx := context.Background()
	var invoice int64
	ok(t, db.Run(ctx, orm.System(), func(env *orm.Env) error {
		p, err := env.Model("res.partner").Create(orm.Values{"name": "Azure"})
		if err != nil {
			return err
		}
		m, err := env.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "partner_id": p.ID(), "invoice_date": "2026-05-01",
			"invoice_line_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "x", "price_unit": 100, "tax_ids": []orm.Command{orm.SetIDs()}})}})
		if err != nil {
			return err
		}
		invoice = m.ID()
		return account.Post(env, invoice)
	}))
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() {
			errs[i] = db.Run(ctx, orm.System(), func(env *orm.Env) error {
				w, err := env.WithContext(map[string]any{"active_model": "account.move", "active_ids": []int64{invoice}}).Model("account.payment.register").Create(orm.Values{})
				if err != nil {
					return err
				}
				_, err = w.Do("action_create_payments", orm.Args{})
				return err
			})
		})
	}
	wg.Wait()
	failed := errs[0]
	if failed == nil {
		failed = errs[1]
	}
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("of two payments: %v and %v", errs[0], errs[1])
	}
	refused(t, failed, "nothing left to pay")
	ok(t, db.View(ctx, orm.System(), func(env *orm.Env) error {
		rows, err := ormtest.Texts(env, "SELECT count(*), sum(amount) FROM account_payment")
		if err == nil && (rows[0][0] != "1" || !dec(rows[0][1]).Equal(dec("100"))) {
			t.Errorf("payments: %v", rows)
		}
		return err
	}))
}
