package account_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func TestPostedEntriesAreFinal(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("100", "1", b.tax15))
	moves, lines := b.env.Model("account.move"), b.env.Model("account.move.line")
	inv, items := moves.Browse(id), b.lines(id)
	other := b.partner("Other")
	refused(t, inv.Write(orm.Values{"partner_id": other}), "readonly fields on a posted move: partner_id")
	refused(t, inv.Write(orm.Values{"invoice_line_ids": []orm.Command{orm.CreateLine(line("1", "1"))}}), "readonly fields")
	refused(t, inv.Write(orm.Values{"state": "draft", "currency_id": b.eur}), "readonly fields")
	refused(t, lines.Browse(items[0]).Write(orm.Values{"price_unit": 90}), "posted journal entry")
	refused(t, lines.Browse(items[0]).Write(orm.Values{"account_id": b.account("450000")}), "posted journal entry")
	refused(t, lines.Browse(items[0]).Unlink(), "posted journal item")
	refused(t, inv.Unlink(), "can't delete a posted")
	_, err := lines.Create(with(line("1", "1"), orm.Values{"move_id": id}))
	refused(t, err, "posted journal entry")
	// A client cannot speak as the addon does to its own hooks.
	forged := inv.In(b.env.WithContext(map[string]any{"account_force": true, "account_syncing": true}))
	refused(t, forged.Write(orm.Values{"partner_id": other}), "readonly fields")
	refused(t, forged.Unlink(), "can't delete a posted")

	ok(t, inv.Write(orm.Values{"ref": "PO 7", "partner_id": b.customer, "narration": "<p>Thanks</p>"}))
	b.shows(id, "100 + 15 = 115, due 115 not_paid")
}

func TestDraftAgainAndCancelled(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("100", "1", b.tax15))
	do := func(method string, id int64) error {
		_, err := b.env.Model("account.move").Browse(id).Call(method, orm.Args{})
		return err
	}
	state := func() string { m := b.move(id); return m.State + " " + m.Name }
	b.pay(orm.Values{}, id)
	b.shows(id, "100 + 15 = 115, due 0 paid")
	ok(t, do("button_draft", id))
	b.shows(id, "100 + 15 = 115, due 115 not_paid")
	ok(t, b.env.Model("account.move.line").Browse(b.lines(id)[0]).Write(orm.Values{"price_unit": 200}))
	if s := state(); s != "draft INV/2026/00001" {
		t.Error(s)
	}
	ok(t, do("action_post", id))
	b.shows(id, "200 + 30 = 230, due 230 not_paid")
	b.expect(id, "payment_term 121000 230", "product 400000 -200", "tax 251000 -30")
	if s := state(); s != "posted INV/2026/00001" {
		t.Error(s)
	}
	refused(t, do("action_post", id), "must be in draft")
	ok(t, do("button_cancel", id))
	if s := state(); s != "cancel INV/2026/00001" {
		t.Error(s)
	}
	refused(t, do("button_cancel", id), "Only draft")
	refused(t, do("action_post", id), "must be in draft")
	ok(t, do("button_draft", id))
	later := b.posted(line("1", "1"))
	if n := b.move(later).Name; n != "INV/2026/00002" {
		t.Errorf("a number in use was given again: %s", n)
	}
	refused(t, b.env.Model("account.move").Browse(id).Unlink(), "already consumed a sequence number")
	ok(t, do("button_draft", later))
	ok(t, b.env.Model("account.move").Browse(later).Unlink())
	if n := b.move(b.posted(line("1", "1"))).Name; n != "INV/2026/00002" {
		t.Errorf("the number of a deleted last draft is not used again: %s", n)
	}
}

func TestWhatCannotBePosted(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	post := func(id int64) error { return account.Post(b.env, id) }
	refused(t, post(b.invoice()), "add a line")
	refused(t, post(b.invoice(orm.Values{"display_type": "line_note", "name": "Note"})), "add a line")
	refused(t, post(b.document("out_invoice", orm.Values{"partner_id": nil}, line("10", "1"))), "'Customer' is required")
	refused(t, post(b.document("in_invoice", orm.Values{"partner_id": nil}, line("10", "1"))), "'Vendor' is required")
	refused(t, post(b.document("in_invoice", orm.Values{"invoice_date": nil}, line("10", "1"))), "Bill/Refund date is required")
	refused(t, post(b.invoice(line("-10", "1"))), "negative total")
	old := b.create("account.account", orm.Values{"code": "499", "name": "Old", "account_type": "income", "deprecated": true})
	refused(t, post(b.invoice(with(line("1", "1"), orm.Values{"account_id": old}))), "deprecated account (499 Old)")
	id := b.invoice(line("1", "1"))
	journal := b.move(id).JournalID.ID
	ok(t, b.env.Model("account.journal").Browse(journal).Write(orm.Values{"active": false}))
	refused(t, post(id), "archived journal")
	_, err := b.env.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "journal_id": b.journal("BNK1")})
	refused(t, err, "cannot hold documents of this type")
}

// journal is the id of a journal of the main company by its code.
func (b *books) journal(code string) int64 {
	b.Helper()
	rs := must[orm.Records](b.T)(b.env.WithContext(map[string]any{"active_test": false}).Model("account.journal").Search(orm.And(orm.Leaf("code", "=", code), orm.Leaf("company_id", "=", b.ref("base.main_company"))), orm.SearchOptions{}))
	ok(b.T, rs.One())
	return rs.ID()
}

func (b *books) entry(day string, debits ...any) orm.Values {
	var cmds []orm.Command
	for i := 0; i < len(debits); i += 2 {
		d := dec(debits[i+1].(string))
		vals := orm.Values{"name": "x", "account_id": b.account(debits[i].(string))}
		if d.IsNegative() {
			vals["credit"] = d.Neg()
		} else {
			vals["debit"] = d
		}
		cmds = append(cmds, orm.CreateLine(vals))
	}
	return orm.Values{"move_type": "entry", "date": day, "line_ids": cmds}
}

func TestUnbalancedEntries(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	moves := b.env.Model("account.move")
	_, err := moves.Create(b.entry("2026-01-05", "101401", "10", "400000", "-9"))
	refused(t, err, "not balanced")
	id := b.create("account.move", b.entry("2026-01-05", "101401", "10", "400000", "-10"))
	b.expect(id, "product 101401 10", "product 400000 -10")
	ls := b.lines(id)
	lines := b.env.Model("account.move.line")
	refused(t, b.env.Savepoint(func(env *orm.Env) error { return lines.In(env).Browse(ls[0]).Write(orm.Values{"debit": 11}) }), "not balanced")
	refused(t, b.env.Savepoint(func(env *orm.Env) error { return lines.In(env).Browse(ls[0]).Unlink() }), "not balanced")
	refused(t, b.env.Savepoint(func(env *orm.Env) error {
		_, err := lines.In(env).Create(orm.Values{"move_id": id, "account_id": b.account("400000"), "credit": 1})
		return err
	}), "not balanced")
	ok(t, moves.Browse(id).Write(orm.Values{"line_ids": []orm.Command{orm.UpdateLine(ls[0], orm.Values{"debit": 12}), orm.UpdateLine(ls[1], orm.Values{"credit": 12})}}))
	b.expect(id, "product 101401 12", "product 400000 -12")
	ok(t, account.Post(b.env, id))
	if n := b.move(id).Name; n != "MISC/2026/01/0001" {
		t.Error(n)
	}
	_, err = b.env.Exec(orm.SQL("SET CONSTRAINTS ALL IMMEDIATE"))
	ok(t, err)
	err = b.env.Savepoint(func(env *orm.Env) error {
		_, err := env.Exec(orm.SQL("UPDATE account_move_line SET balance = balance + 0.01 WHERE id = ?", ls[0]))
		return err
	})
	refused(t, err, "not balanced")
	err = b.env.Savepoint(func(env *orm.Env) error {
		_, err := env.Exec(orm.SQL("DELETE FROM account_move_line WHERE id = ?", ls[0]))
		return err
	})
	refused(t, err, "not balanced")
	second := b.create("account.move", b.entry("2026-01-05", "101401", "10", "400000", "-10"))
	err = b.env.Savepoint(func(env *orm.Env) error {
		_, err := env.Exec(orm.SQL("UPDATE account_move SET name = 'MISC/2026/01/0001', state = 'posted' WHERE id = ?", second))
		return err
	})
	refused(t, err, "account_move_unique_name")
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	name := func(kind string, vals orm.Values) string {
		t.Helper()
		id := b.document(kind, vals, line("10", "1"))
		ok(t, account.Post(b.env, id))
		return b.move(id).Name
	}
	for _, tc := range []struct {
		kind string
		vals orm.Values
		want string
	}{
		{"out_invoice", nil, "INV/2026/00001"},
		{"out_invoice", orm.Values{"invoice_date": "2025-12-31"}, "INV/2025/00001"},
		{"out_invoice", nil, "INV/2026/00002"},
		{"out_refund", nil, "RINV/2026/00001"},
		{"in_invoice", nil, "BILL/2026/03/0001"},
		{"in_invoice", orm.Values{"invoice_date": "2026-04-01", "date": "2026-04-01"}, "BILL/2026/04/0001"},
		{"in_refund", nil, "RBILL/2026/03/0001"},
		{"out_invoice", orm.Values{"name": "INV/2026/00010"}, "INV/2026/00010"},
		{"out_invoice", nil, "INV/2026/00011"},
		{"out_invoice", orm.Values{"name": "SHOP-77"}, "SHOP-77"},
		{"out_invoice", nil, "INV/2026/00012"},
	} {
		if got := name(tc.kind, tc.vals); got != tc.want {
			t.Errorf("%s %v got the number %s, want %s", tc.kind, tc.vals, got, tc.want)
		}
	}
	late := b.invoice(line("1", "1"))
	early := b.document("out_invoice", orm.Values{"invoice_date": "2026-02-01"}, line("1", "1"))
	ok(t, account.Post(b.env, late, early))
	if b.move(early).Name != "INV/2026/00013" || b.move(late).Name != "INV/2026/00014" {
		t.Errorf("posted together, the earlier got %s and the later %s", b.move(early).Name, b.move(late).Name)
	}
	again := b.document("out_invoice", orm.Values{"name": "INV/2026/00010"}, line("1", "1"))
	refused(t, account.Post(b.env, again), "has the number INV/2026/00010 already")
}

// Two posters at a time never take one number and leave no gap.
func TestNumbersOfConcurrentPosters(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, addons()...)
	ctx := context.Background()
	const each = 6
	var customer int64
	ok(t, db.Run(ctx, orm.System(), func(env *orm.Env) error {
		p, err := env.Model("res.partner").Create(orm.Values{"name": "Azure"})
		customer = p.ID()
		return err
	}))
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for worker := range errs {
		wg.Go(func() {
			for range each {
				errs[worker] = db.Run(ctx, orm.System(), func(env *orm.Env) error {
					made, err := env.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "partner_id": customer, "invoice_date": "2026-05-01",
						"invoice_line_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "x", "price_unit": 10})}})
					if err != nil {
						return err
					}
					return account.Post(env, made.ID())
				})
				if errs[worker] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		ok(t, err)
	}
	ok(t, db.View(ctx, orm.System(), func(env *orm.Env) error {
		rows, err := ormtest.Texts(env, "SELECT name FROM account_move WHERE move_type = 'out_invoice' ORDER BY name")
		var got, want []string
		for i, row := range rows {
			got, want = append(got, row[0]), append(want, fmt.Sprintf("INV/2026/%05d", i+1))
		}
		if len(rows) != 2*each || !slices.Equal(got, want) {
			t.Errorf("numbers are %s", strings.Join(got, " "))
		}
		return err
	}))
}

func TestLockDates(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	company := b.env.Model("res.company").Browse(b.ref("base.main_company"))
	lock := func(field, day string) {
		t.Helper()
		vals := orm.Values{"fiscalyear_lock_date": nil, "sale_lock_date": nil, "purchase_lock_date": nil, "tax_lock_date": nil}
		if field != "" {
			vals[field] = day
		}
		ok(t, company.Write(vals))
	}
	posted := b.posted(line("10", "1", b.tax15))
	try := func(fn func(env *orm.Env) error) error { return b.env.Savepoint(fn) }
	create := func(kind, day string, taxes ...int64) error {
		return try(func(env *orm.Env) error {
			_, err := env.Model("account.move").Create(orm.Values{"move_type": kind, "partner_id": b.customer, "invoice_date": day, "date": day,
				"invoice_line_ids": []orm.Command{orm.CreateLine(line("10", "1", taxes...))}})
			return err
		})
	}
	for _, tc := range []struct {
		field     string
		closed    []func() error
		stillOpen []func() error
	}{
		{"fiscalyear_lock_date", []func() error{
			func() error { return create("out_invoice", "2026-03-31") },
			func() error { return create("in_invoice", "2026-03-01") },
			func() error {
				return try(func(env *orm.Env) error {
					_, err := env.Model("account.move").Browse(posted).Call("button_draft", orm.Args{})
					return err
				})
			},
			func() error {
				return try(func(env *orm.Env) error {
					_, err := env.Model("account.move").Create(b.entry("2026-03-02", "101401", "1", "400000", "-1"))
					return err
				})
			},
		}, []func() error{func() error { return create("out_invoice", "2026-04-01") }}},
		{"sale_lock_date", []func() error{func() error { return create("out_invoice", "2026-03-31") }}, []func() error{func() error { return create("in_invoice", "2026-03-31") }}},
		{"purchase_lock_date", []func() error{func() error { return create("in_invoice", "2026-03-31") }}, []func() error{func() error { return create("out_invoice", "2026-03-31") }}},
		{"tax_lock_date", []func() error{func() error { return create("out_invoice", "2026-03-31", b.tax15) }}, []func() error{func() error { return create("out_invoice", "2026-03-31") }}},
	} {
		lock(tc.field, "2026-03-31")
		for i, do := range tc.closed {
			err := do()
			if err == nil || !strings.Contains(err.Error(), "2026-03-31") {
				t.Errorf("%s, case %d: %v", tc.field, i, err)
			}
		}
		for i, do := range tc.stillOpen {
			if err := do(); err != nil {
				t.Errorf("%s, open case %d: %v", tc.field, i, err)
			}
		}
	}
	lock("fiscalyear_lock_date", "2026-03-31")
	// Paying needs no change of the closed entry.
	b.pay(orm.Values{"payment_date": "2026-04-02"}, posted)
	b.shows(posted, "10 + 1.5 = 11.5, due 0 paid")
	draft := b.document("out_invoice", orm.Values{"invoice_date": "2026-04-05"}, line("1", "1"))
	refused(t, try(func(env *orm.Env) error {
		return env.Model("account.move").Browse(draft).Write(orm.Values{"invoice_date": "2026-03-05"})
	}), "2026-03-31")
	lock("", "")
	ok(t, create("out_invoice", "2026-03-31"))
	ok(t, company.Write(orm.Values{"hard_lock_date": "2026-01-31"}))
	refused(t, create("out_invoice", "2026-01-31"), "2026-01-31")
	refused(t, company.Write(orm.Values{"hard_lock_date": "2026-01-30"}), "cannot be decreased")
	refused(t, company.Write(orm.Values{"hard_lock_date": false}), "cannot be decreased")
	ok(t, company.Write(orm.Values{"hard_lock_date": "2026-02-28"}))
}

func TestSectionsAndNotes(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.invoice(orm.Values{"display_type": "line_section", "name": "Goods", "price_unit": 5, "account_id": b.account("400000")}, line("10", "1", b.tax15), orm.Values{"display_type": "line_note", "name": "Fragile"})
	b.shows(id, "10 + 1.5 = 11.5, due 11.5 not_paid")
	ok(t, account.Post(b.env, id))
	n := must[int](t)(b.env.Model("account.move.line").SearchCount(orm.And(orm.Leaf("move_id", "=", id), orm.Leaf("account_id", "=", false)), 0))
	if n != 2 {
		t.Errorf("%d items without account", n)
	}
}

func TestHistoryOfAnInvoice(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("10", "1"))
	rows := must[[][]string](t)(ormtest.Texts(b.env, `SELECT m.message_type, COALESCE(v.old_value_char, '') || ' → ' || COALESCE(v.new_value_char, '') FROM mail_message m
		LEFT JOIN mail_tracking_value v ON v.mail_message_id = m.id LEFT JOIN ir_model_fields f ON f.id = v.field_id
		WHERE m.model = 'account.move' AND m.res_id = ? AND (f.name = 'state' OR v.id IS NULL) ORDER BY m.id`, id))
	if got := fmt.Sprint(rows); got != "[[notification  → ] [notification Draft → Posted]]" {
		t.Errorf("the history is %s", got)
	}
	n, err := b.env.Model("account.move").Browse(id).Call("message_post", orm.Args{Kw: map[string]any{"body": "Please pay"}})
	if err != nil || n == nil {
		t.Errorf("a message could not be posted: %v", err)
	}
}

func TestBillsEnteredTwice(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	bill := func(vals orm.Values) error {
		return account.Post(b.env, b.document("in_invoice", with(orm.Values{"ref": "B-7"}, vals), line("10", "1")))
	}
	ok(t, bill(nil))
	refused(t, bill(nil), "entered twice")
	for _, other := range []orm.Values{{"ref": "B-8"}, {"ref": ""}, {"ref": ""}, {"invoice_date": "2026-03-16"}, {"partner_id": b.partner("Other")}} {
		ok(t, bill(other))
	}
}
