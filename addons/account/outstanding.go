package account

import (
	"encoding/json"
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// The methods that match items and undo it.
var (
	ReconcileLines       = orm.Method[MoveLine]{Name: "reconcile"}
	RemoveMoveReconcile  = orm.Method[MoveLine]{Name: "remove_move_reconcile"}
	AssignOutstanding    = orm.Method[Move]{Name: "js_assign_outstanding_line"}
	RemoveOutstandingOne = orm.Method[Move]{Name: "js_remove_outstanding_partial"}
)

func defineLineMatching(l *orm.Def[MoveLine]) {
	orm.Implement(l, ReconcileLines, func(env *orm.Env, ls []*MoveLine, _ orm.Args) (any, error) {
		if err := orm.RecordsOf(env, ls...).CheckAccess(orm.OpWrite); err != nil {
			return nil, err
		}
		return nil, Reconcile(env, orm.IDs(env, ls)...)
	})
	orm.Implement(l, RemoveMoveReconcile, func(env *orm.Env, ls []*MoveLine, _ orm.Args) (any, error) {
		rs := orm.RecordsOf(env, ls...)
		if err := rs.CheckAccess(orm.OpWrite); err != nil {
			return nil, err
		}
		ps, err := orm.Search[PartialReconcile](env.Sudo(), orm.Or(orm.Leaf("debit_move_id", "in", rs.IDs), orm.Leaf("credit_move_id", "in", rs.IDs)), orm.SearchOptions{})
		if err != nil || len(ps) == 0 {
			return nil, err
		}
		return nil, removePartials(env.Sudo(), ps)
	})
}

func defineMoveMatching(m *orm.Def[Move]) {
	orm.Implement(m, AssignOutstanding, assignOutstanding)
	orm.Implement(m, RemoveOutstandingOne, func(env *orm.Env, ms []*Move, args orm.Args) (any, error) {
		if err := orm.RecordsOf(env, ms...).CheckAccess(orm.OpWrite); err != nil {
			return nil, err
		}
		ps, err := orm.Read[PartialReconcile](env.Sudo(), []int64{args.Int(0, "partial_id")}, "debit_move_id", "credit_move_id")
		if err != nil {
			return nil, err
		}
		for _, mv := range ms {
			if mv.ID == ps[0].DebitMoveID.Rec().MoveID.ID || mv.ID == ps[0].CreditMoveID.Rec().MoveID.ID {
				return nil, removePartials(env.Sudo(), ps)
			}
		}
		return nil, orm.UserErrorf("The matching %d is not of this document.", ps[0].ID)
	})
	m.Compute("invoice_outstanding_credits_debits_widget, invoice_has_outstanding", outstanding, "state", "payment_state", "amount_residual")
	m.Compute("invoice_payments_widget", settledBy, "state", "payment_state", "amount_residual")
}

// assignOutstanding settles a document by an open item of its partner: a
// payment, a credit note.
func assignOutstanding(env *orm.Env, ms []*Move, args orm.Args) (any, error) {
	rs := orm.RecordsOf(env, ms...)
	if err := rs.One(); err != nil {
		return nil, err
	}
	if err := rs.CheckAccess(orm.OpWrite); err != nil {
		return nil, err
	}
	given, err := orm.Get[MoveLine](env, args.Int(0, "line_id"))
	if err != nil {
		return nil, err
	}
	own, err := orm.Search[MoveLine](env.Sudo(), orm.And(orm.Leaf("move_id", "=", rs.ID()), orm.Leaf("account_id", "=", given.AccountID.ID), orm.Leaf("reconciled", "=", false)), orm.SearchOptions{Order: "id"})
	if err != nil {
		return nil, err
	}
	return nil, Reconcile(env, append([]int64{given.ID}, orm.IDs(env, own)...)...)
}

// outstanding lists the open items of the partner by which a posted document
// could be settled.
func outstanding(env *orm.Env, ms []*Move) error {
	sudo := env.Sudo()
	if err := orm.Load(sudo, ms, "line_ids"); err != nil {
		return err
	}
	for _, m := range ms {
		m.Outstanding.Set(nil)
		m.HasOutstanding.Set(false)
		if m.State != MovePosted || !m.IsInvoice() || m.PaymentState != InvoiceNotPaid && m.PaymentState != InvoicePartial {
			continue
		}
		var accounts []int64
		for _, l := range m.LineIDs.All() {
			if l.AccountType == "asset_receivable" || l.AccountType == "liability_payable" {
				accounts = append(accounts, l.AccountID.ID)
			}
		}
		credits := m.Sign().IsNegative() // the customer owes; credits settle it
		side, title := ">", "Outstanding debits"
		if credits {
			side, title = "<", "Outstanding credits"
		}
		ls, err := orm.Search[MoveLine](sudo, orm.And(orm.Leaf("account_id", "in", accounts), orm.Leaf("parent_state", "=", "posted"), orm.Leaf("partner_id", "=", m.CommercialID.ID),
			orm.Leaf("reconciled", "=", false), orm.Or(orm.Leaf("amount_residual", "!=", 0), orm.Leaf("amount_residual_currency", "!=", 0)), orm.Leaf("balance", side, 0)), orm.SearchOptions{})
		if err != nil {
			return err
		}
		seen, err := env.Model("account.move.line").Browse(orm.IDs(sudo, ls)...).Allowed(orm.OpRead)
		if err != nil {
			return err
		}
		ls = slices.DeleteFunc(ls, func(l *MoveLine) bool { return !slices.Contains(seen.IDs, l.ID) })
		content := []any{}
		for _, l := range ls {
			amount, err := l.openIn(sudo, m)
			if err != nil {
				return err
			}
			if amount.IsZero() {
				continue
			}
			name := l.Ref
			if name == "" {
				name = l.MoveName
			}
			content = append(content, map[string]any{"journal_name": name, "amount": json.Number(amount.String()), "currency_id": m.CurrencyID.ID, "id": l.ID, "move_id": l.MoveID.ID,
				"date": l.Date.String(), "account_payment_id": idOrFalse(l.PaymentID.ID)})
		}
		if len(content) == 0 {
			continue
		}
		widget, err := json.Marshal(map[string]any{"outstanding": true, "content": content, "move_id": orm.StoredIDs(env, []*Move{m})[0], "title": title})
		if err != nil {
			return err
		}
		m.Outstanding.Set(widget)
		m.HasOutstanding.Set(true)
	}
	return nil
}

// openIn is what is left of an item, without sign, in a document's currency.
func (l *MoveLine) openIn(env *orm.Env, m *Move) (decimal.Decimal, error) {
	if l.CurrencyID.ID == m.CurrencyID.ID {
		return l.ResidualCurrency.Abs(), nil
	}
	own, err := base.CompanyCurrency(env, m.CompanyID.ID)
	if err != nil {
		return decimal.Zero, err
	}
	return base.Convert(env, l.AmountResidual.Abs(), own, m.CurrencyID.ID, m.CompanyID.ID, l.Date)
}

// settledBy lists what settled posted documents, in part or in full.
func settledBy(env *orm.Env, ms []*Move) error {
	sudo := env.Sudo()
	ids := orm.StoredIDs(env, ms)
	ps, err := orm.Search[PartialReconcile](sudo, orm.Or(orm.Leaf("debit_move_id.move_id", "in", ids), orm.Leaf("credit_move_id.move_id", "in", ids)), orm.SearchOptions{Order: "id"},
		"debit_move_id.move_id.journal_id", "credit_move_id.move_id.journal_id")
	if err != nil {
		return err
	}
	var by []int64
	for _, p := range ps {
		by = append(by, p.DebitMoveID.ID, p.CreditMoveID.ID)
	}
	seen, err := env.Model("account.move.line").Browse(by...).Allowed(orm.OpRead)
	if err != nil {
		return err
	}
	for i, m := range ms {
		m.PaymentsWidget.Set(nil)
		if m.State != MovePosted || !m.IsInvoice() {
			continue
		}
		content := []any{}
		for _, p := range ps {
			own, other, paid, foreign := p.DebitMoveID.Rec(), p.CreditMoveID.Rec(), p.DebitAmount, p.CreditAmount
			if own.MoveID.ID != ids[i] {
				own, other, paid, foreign = other, own, foreign, paid
			}
			if own.MoveID.ID != ids[i] || own.AccountType != "asset_receivable" && own.AccountType != "liability_payable" {
				continue
			}
			if !slices.Contains(seen.IDs, other.ID) {
				continue
			}
			by := other.MoveID.Rec()
			if other.CurrencyID.ID == m.CurrencyID.ID {
				paid = foreign
			}
			ref := by.Name
			if by.Ref != "" {
				ref += " (" + by.Ref + ")"
			}
			content = append(content, map[string]any{"name": textOrFalse(other.Name), "journal_name": by.JournalID.Rec().Name, "amount": json.Number(paid.String()), "currency_id": m.CurrencyID.ID,
				"date": other.Date.String(), "partial_id": p.ID, "account_payment_id": idOrFalse(other.PaymentID.ID), "move_id": by.ID, "ref": ref,
				"is_refund": by.IsRefund(), "is_exchange": p.ExchangeMoveID.IsSet() && p.ExchangeMoveID.ID == by.ID})
		}
		if len(content) == 0 {
			continue
		}
		widget, err := json.Marshal(map[string]any{"title": "Less Payment", "outstanding": false, "content": content})
		if err != nil {
			return err
		}
		m.PaymentsWidget.Set(widget)
	}
	return nil
}

func idOrFalse(id int64) any {
	if id == 0 {
		return false
	}
	return id
}

func textOrFalse(s string) any {
	if s == "" {
		return false
	}
	return s
}
