package account

import (
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
)

// The methods of entries other addons may override.
var (
	ActionPost    = orm.Method[Move]{Name: "action_post"}
	PostMoves     = orm.Method[Move]{Name: "_post"}
	ButtonDraft   = orm.Method[Move]{Name: "button_draft"}
	ButtonCancel  = orm.Method[Move]{Name: "button_cancel"}
	ActionReverse = orm.Method[Move]{Name: "action_reverse"}
	// ActionRegisterPayment opens the wizard that registers payments.
	ActionRegisterPayment = orm.Method[Move]{Name: "action_register_payment"}
)

func defineMoveActions(d *orm.Def[Move]) {
	orm.Implement(d, ActionPost, func(env *orm.Env, ms []*Move, _ orm.Args) (any, error) {
		return false, post(env, ms)
	})
	orm.Implement(d, PostMoves, func(env *orm.Env, ms []*Move, _ orm.Args) (any, error) {
		return orm.IDs(env, ms), postMoves(env, ms)
	})
	orm.Implement(d, ButtonDraft, buttonDraft)
	orm.Implement(d, ButtonCancel, buttonCancel)
	orm.Implement(d, ActionReverse, func(env *orm.Env, ms []*Move, _ orm.Args) (any, error) {
		return map[string]any{"type": "ir.actions.act_window", "name": "Reverse", "res_model": "account.move.reversal", "view_mode": "form", "target": "new",
			"context": map[string]any{"active_model": "account.move", "active_ids": orm.IDs(env, ms)}}, nil
	})
	orm.Implement(d, ActionRegisterPayment, func(env *orm.Env, ms []*Move, _ orm.Args) (any, error) {
		return map[string]any{"type": "ir.actions.act_window", "name": "Pay", "res_model": "account.payment.register", "view_mode": "form", "target": "new",
			"context": map[string]any{"active_model": "account.move", "active_ids": orm.IDs(env, ms)}}, nil
	})
}

// post posts entries with all overrides of _post.
func post(env *orm.Env, ms []*Move) error {
	_, err := orm.Invoke(env, PostMoves, ms)
	return err
}

// Post posts entries: it checks them, gives them numbers and makes them final.
func Post(env *orm.Env, ids ...int64) error {
	ms, err := orm.Read[Move](env, ids)
	if err != nil {
		return err
	}
	return post(env, ms)
}

func postMoves(env *orm.Env, ms []*Move) error {
	if err := orm.RecordsOf(env, ms...).CheckAccess(orm.OpWrite); err != nil {
		return err
	}
	if err := mayPost(env); err != nil {
		return err
	}
	sudo := env.Sudo()
	if err := orm.Load(sudo, ms, "line_ids", "journal_id"); err != nil {
		return err
	}
	var dated []int64
	for _, m := range ms {
		if err := checkPostable(m); err != nil {
			return err
		}
		if m.IsInvoice() && m.InvoiceDate.IsZero() {
			if m.IsPurchase() {
				return orm.UserErrorf("The Bill/Refund date is required to validate this document.")
			}
			dated = append(dated, m.ID)
		}
	}
	if len(dated) > 0 {
		today := env.Today()
		if err := sudo.WithContext(map[string]any{keySyncing: internalMark{}}).Model("account.move").Browse(dated...).Write(orm.Values{"invoice_date": today, "date": today}); err != nil {
			return err
		}
	}
	ids := orm.IDs(env, ms)
	if err := syncMoves(sudo, ids); err != nil {
		return err
	}
	if err := checkBilledTwice(sudo, ids); err != nil {
		return err
	}
	if err := checkLocked(env, ids); err != nil {
		return err
	}
	if err := checkAccounts(sudo, ids); err != nil {
		return err
	}
	slices.SortStableFunc(ms, func(a, b *Move) int { return int(a.Date.Time().Sub(b.Date.Time()).Hours()) })
	if err := orm.Reload(sudo, ms, "journal_id"); err != nil {
		return err
	}
	for _, m := range ms {
		if err := assignName(sudo, m.JournalID.Rec(), m); err != nil {
			return err
		}
		m.State, m.PostedBefore = MovePosted, true
		if m.PaymentReference == "" && (m.MoveType == OutInvoice || m.MoveType == OutReceipt || m.MoveType == OutRefund) {
			m.PaymentReference = m.Name
		}
		// One by one: the next number counts on this one being stored.
		if err := orm.Save(skipChecks(sudo), []*Move{m}, "name", "sequence_prefix", "sequence_number", "state", "posted_before", "payment_reference"); err != nil {
			return err
		}
	}
	if err := nameTermLines(sudo, ids); err != nil {
		return err
	}
	if err := updateRanks(sudo, ms); err != nil {
		return err
	}
	return settleReversals(sudo, ms)
}

// mayPost refuses to post on behalf of a user without an accounting group.
func mayPost(env *orm.Env) error {
	if env.Superuser() {
		return nil
	}
	ok, err := env.InAnyGroup("account.group_account_invoice")
	if err != nil {
		return err
	}
	if !ok {
		return orm.AccessErrorf("You don't have the access rights to post an invoice.")
	}
	return nil
}

func checkPostable(m *Move) error {
	labels := map[string]string{"out_invoice": "Customer Invoice", "out_refund": "Customer Credit Note", "out_receipt": "Sales Receipt", "in_invoice": "Vendor Bill", "in_refund": "Vendor Credit Note", "in_receipt": "Purchase Receipt"}
	if m.State != MoveDraft {
		return orm.UserErrorf("The entry %s (id %d) must be in draft.", m.Name, m.ID)
	}
	if !slices.ContainsFunc(m.LineIDs.All(), func(l *MoveLine) bool { return l.DisplayType != DisplayLineSection && l.DisplayType != DisplayLineNote }) {
		return orm.UserErrorf("You need to add a line before posting.")
	}
	if !m.JournalID.Rec().Active {
		return orm.UserErrorf("You cannot post an entry in an archived journal (%s)", m.JournalID.Rec().Name)
	}
	if !m.IsInvoice() {
		return nil
	}
	if !m.PartnerID.IsSet() {
		if m.IsSale() {
			return orm.UserErrorf("The field 'Customer' is required, please complete it to validate the %s.", labels[m.MoveType])
		}
		return orm.UserErrorf("The field 'Vendor' is required, please complete it to validate the %s.", labels[m.MoveType])
	}
	if m.AmountTotal.IsNegative() {
		return orm.UserErrorf("You cannot validate an invoice with a negative total amount. You should create a credit note instead. Use the action menu to transform it into a credit note or refund.")
	}
	return nil
}

// checkBilledTwice refuses bills that a posted one of the same vendor, day and
// reference exists of: they would be paid twice.
func checkBilledTwice(env *orm.Env, ids []int64) error {
	// SQL: joins bills with each other, seen by the user or not.
	twice, found, err := orm.MaybeRow[[2]string](env, orm.SQL(`SELECT a.ref, COALESCE(b.name, '') FROM account_move a JOIN account_move b ON b.id <> a.id AND b.move_type = a.move_type AND b.company_id = a.company_id
			AND b.commercial_partner_id = a.commercial_partner_id AND b.ref = a.ref AND b.invoice_date = a.invoice_date AND (b.state = 'posted' OR b.id = ANY(?))
		WHERE a.id = ANY(?) AND a.move_type IN ('in_invoice', 'in_refund') AND a.ref <> '' LIMIT 1`, ids, ids).Reads("account.move"))
	if err != nil {
		return err
	}
	if found {
		return orm.UserErrorf("The vendor reference %s is on the posted document %s of the same vendor and day already: it was probably entered twice.", twice[0], twice[1])
	}
	return nil
}

func checkAccounts(env *orm.Env, ids []int64) error {
	// SQL: a user may post to accounts that he may not read.
	account, found, err := orm.MaybeRow[[2]string](env, orm.SQL(`SELECT a.code, a.name->>'en_US' FROM account_move_line l JOIN account_account a ON a.id = l.account_id
		WHERE l.move_id = ANY(?) AND a.deprecated LIMIT 1`, ids).Reads("account.move.line", "move_id", "account_id").Reads("account.account"))
	if err != nil {
		return err
	}
	if found {
		return orm.UserErrorf("A line of this move is using a deprecated account (%s %s), you cannot post it.", account[0], account[1])
	}
	return nil
}

// checkLocked refuses entries dated in a closed period.
func checkLocked(env *orm.Env, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	if locked, err := anyLock(env); err != nil || !locked {
		return err
	}
	ms, err := orm.Read[Move](env.Sudo(), ids, "line_ids")
	if err != nil {
		return err
	}
	for _, m := range ms {
		c, err := companyOf(env, m.CompanyID.ID)
		if err != nil {
			return err
		}
		books, err := booksCompany(env, m.CompanyID.ID)
		if err != nil {
			return err
		}
		j, err := journalOf(env, m.JournalID.ID)
		if err != nil {
			return err
		}
		taxed := slices.ContainsFunc(m.LineIDs.All(), func(l *MoveLine) bool { return l.TaxLineID.IsSet() })
		for _, holder := range []*Company{c, books} {
			if lock := holder.lockDate(j.Type, taxed); !lock.IsZero() && !lock.Before(m.Date) {
				return orm.UserErrorf("You cannot add/modify entries prior to and inclusive of: %s. The lock date of %s forbids it; give the entry a later date.", lock, holder.Name)
			}
		}
	}
	return nil
}

// nameTermLines labels the due items of documents with the reference by which
// the partner pays.
func nameTermLines(env *orm.Env, ids []int64) error {
	ls, err := orm.Search[MoveLine](env, orm.And(orm.Leaf("move_id", "in", ids), orm.Leaf("display_type", "=", "payment_term")), orm.SearchOptions{Order: "move_id, date_maturity, id"}, "move_id")
	if err != nil {
		return err
	}
	at, of := map[int64]int{}, map[int64]int{}
	for _, l := range ls {
		of[l.MoveID.ID]++
	}
	for _, l := range ls {
		l.Name = termName(l.MoveID.Rec(), at[l.MoveID.ID], of[l.MoveID.ID])
		at[l.MoveID.ID]++
	}
	return orm.Save(skipChecks(env), ls, "name")
}

// updateRanks counts the documents of customers and vendors, by which lists of
// them are found.
func updateRanks(env *orm.Env, ms []*Move) error {
	for column, sale := range map[string]bool{"customer_rank": true, "supplier_rank": false} {
		var ids []int64
		for _, m := range ms {
			if m.PartnerID.IsSet() && (sale && m.IsSale() || !sale && m.IsPurchase()) {
				ids = append(ids, m.PartnerID.ID, m.CommercialID.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		// Only the step from none is stored: a counter raised by every invoice
		// would make concurrent invoices of one customer collide.
		// SQL: without a lock on, or a new date of, partners that have a rank.
		if _, err := env.Exec(orm.SQL("UPDATE res_partner SET ? = 1 WHERE id = ANY(?) AND COALESCE(?, 0) = 0", orm.Ident(column), ids, orm.Ident(column)).Writes("res.partner", column)); err != nil {
			return err
		}
	}
	return nil
}

// settleReversals matches posted credit notes with the documents they reverse.
func settleReversals(env *orm.Env, ms []*Move) error {
	for _, m := range ms {
		if !m.ReversedEntryID.IsSet() {
			continue
		}
		if err := settlePair(env, m.ID, m.ReversedEntryID.ID); err != nil {
			return err
		}
	}
	return nil
}

// settlePair matches the open items of two entries, account by account.
func settlePair(env *orm.Env, a, b int64) error {
	ls, err := orm.Search[MoveLine](env, orm.And(orm.Leaf("move_id", "in", []int64{a, b}), orm.Leaf("account_id.reconcile", "=", true),
		orm.Leaf("reconciled", "=", false), orm.Leaf("parent_state", "=", "posted")), orm.SearchOptions{Order: "id"})
	if err != nil {
		return err
	}
	type group struct{ account, partner int64 }
	groups := map[group][]*MoveLine{}
	var order []group
	for _, l := range ls {
		g := group{l.AccountID.ID, l.PartnerID.ID}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], l)
	}
	for _, g := range order {
		if len(groups[g]) > 1 {
			if err := reconcile(env, groups[g]); err != nil {
				return err
			}
		}
	}
	return nil
}

func buttonDraft(env *orm.Env, ms []*Move, _ orm.Args) (any, error) {
	ids := orm.IDs(env, ms)
	if err := orm.RecordsOf(env, ms...).CheckAccess(orm.OpWrite); err != nil {
		return nil, err
	}
	for _, m := range ms {
		if m.State != MovePosted && m.State != MoveCancelled {
			return nil, orm.UserErrorf("Only posted/cancelled journal entries can be reset to draft.")
		}
	}
	exchange, err := env.Sudo().Model("account.partial.reconcile").SearchCount(orm.Leaf("exchange_move_id", "in", ids), 1)
	if err != nil {
		return nil, err
	}
	if exchange > 0 {
		return nil, orm.UserErrorf("You cannot reset to draft an exchange difference journal entry.")
	}
	if err := checkLocked(env, ids); err != nil {
		return nil, err
	}
	if err := unreconcileMoves(env.Sudo(), ids); err != nil {
		return nil, err
	}
	return nil, skipChecks(env.Sudo()).Model("account.move").Browse(ids...).Write(orm.Values{"state": MoveDraft})
}

func buttonCancel(env *orm.Env, ms []*Move, _ orm.Args) (any, error) {
	var posted []*Move
	for _, m := range ms {
		if m.State == MovePosted {
			posted = append(posted, m)
		}
	}
	if _, err := orm.Invoke(env, ButtonDraft, posted); err != nil {
		return nil, err
	}
	if err := orm.Reload(env, ms); err != nil {
		return nil, err
	}
	for _, m := range ms {
		if m.State != MoveDraft {
			return nil, orm.UserErrorf("Only draft journal entries can be cancelled.")
		}
	}
	if err := checkLocked(env, orm.IDs(env, ms)); err != nil {
		return nil, err
	}
	if err := orm.RecordsOf(env, ms...).CheckAccess(orm.OpWrite); err != nil {
		return nil, err
	}
	return nil, orm.RecordsOf(skipChecks(env.Sudo()), ms...).Write(orm.Values{"state": MoveCancelled})
}
