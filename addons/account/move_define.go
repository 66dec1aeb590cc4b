package account

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// IsInvoice reports whether the entry is an invoice, bill, credit note or receipt.
func (m *Move) IsInvoice() bool { return m.MoveType != Entry }

// IsSale reports whether the document is addressed to a customer.
func (m *Move) IsSale() bool {
	return m.MoveType == OutInvoice || m.MoveType == OutRefund || m.MoveType == OutReceipt
}

// IsPurchase reports whether the document comes from a vendor.
func (m *Move) IsPurchase() bool {
	return m.MoveType == InInvoice || m.MoveType == InRefund || m.MoveType == InReceipt
}

// IsRefund reports whether the document is a credit note.
func (m *Move) IsRefund() bool { return m.MoveType == OutRefund || m.MoveType == InRefund }

// Sign is the sign that the product lines of a document have as balances:
// -1 for customer invoices and vendor credit notes, whose lines are credits.
func (m *Move) Sign() decimal.Decimal {
	switch m.MoveType {
	case OutInvoice, InRefund, OutReceipt:
		return decimal.NewFromInt(-1)
	}
	return decimal.NewFromInt(1)
}

func defineMove(r *orm.Registry) {
	d := orm.Define[Move](r)
	d.PostRight(orm.OpRead) // a salesperson asks the bookkeepers about an invoice
	d.Compute("amount_untaxed, amount_tax, amount_total, amount_residual, amount_untaxed_signed, amount_tax_signed, amount_total_signed, amount_total_in_currency_signed, amount_residual_signed",
		moveAmounts, "move_type", "line_ids.balance", "line_ids.amount_currency", "line_ids.amount_residual", "line_ids.amount_residual_currency", "line_ids.display_type", "line_ids.tax_line_id", "line_ids.account_id")
	// Whatever settles or unsettles a document changes what is due on it.
	d.Compute("payment_state", paymentStates, "state", "move_type", "amount_residual", "amount_total")
	d.Compute("tax_totals", moveTaxTotals, "move_type", "currency_id", "invoice_currency_rate", "tax_rounding_method", "line_ids.tax_ids", "line_ids.price_unit")
	d.Compute("display_name", moveNames, "name", "move_type", "state", "ref")
	d.Compute("type_name", func(_ *orm.Env, ms []*Move) error {
		names := map[string]string{"entry": "Journal Entry", "out_invoice": "Invoice", "out_refund": "Credit Note", "in_invoice": "Vendor Bill",
			"in_refund": "Vendor Credit Note", "out_receipt": "Sales Receipt", "in_receipt": "Purchase Receipt"}
		for _, m := range ms {
			m.TypeName.Set(names[m.MoveType])
		}
		return nil
	}, "move_type")
	d.Compute("direction_sign", func(_ *orm.Env, ms []*Move) error {
		for _, m := range ms {
			m.DirectionSign.Set(int(m.Sign().IntPart()))
		}
		return nil
	}, "move_type")
	d.Compute("show_reset_to_draft_button", func(_ *orm.Env, ms []*Move) error {
		for _, m := range ms {
			m.ShowResetToDraft.Set(m.State == MovePosted || m.State == MoveCancelled)
		}
		return nil
	}, "state")
	d.Compute("has_reconciled_entries", func(_ *orm.Env, ms []*Move) error {
		for _, m := range ms {
			for _, l := range m.LineIDs.All() {
				m.HasReconciled.Set(m.HasReconciled.Get() || len(l.MatchedDebit.IDs())+len(l.MatchedCredit.IDs()) > 0)
			}
		}
		return nil
	}, "line_ids.matched_debit_ids", "line_ids.matched_credit_ids")
	orm.Implement(d, orm.Method[Move]{Name: mail.CreationMessage}, creationNotes)
	d.OnCreate(createMoves)
	d.OnWrite(writeMoves)
	d.OnUnlink(unlinkMoves)
	d.OnCopyData(copyMoves)
	d.OnCopy(CopyExactly)
	defineMoveActions(d)
	defineMoveMatching(d)
	defineReports(d)
}

func moveNames(_ *orm.Env, ms []*Move) error {
	drafts := map[string]string{"out_invoice": "Draft Invoice", "out_refund": "Draft Credit Note", "in_invoice": "Draft Bill",
		"in_refund": "Draft Vendor Credit Note", "out_receipt": "Draft Sales Receipt", "in_receipt": "Draft Purchase Receipt", "entry": "Draft Entry"}
	for _, m := range ms {
		switch {
		case m.Name != "" && m.Name != "/":
			m.DisplayName.Set(m.Name)
		default:
			m.DisplayName.Set(fmt.Sprintf("%s (* %d)", drafts[m.MoveType], m.ID))
		}
		if m.Ref != "" && m.State != MoveDraft {
			m.DisplayName.Set(m.DisplayName.Get() + " (" + m.Ref + ")")
		}
	}
	return nil
}

// lineNames say of journal items which entry they are of, its reference, and what
// they are for.
func lineNames(_ *orm.Env, ls []*MoveLine) error {
	for _, l := range ls {
		var parts []string
		what := l.Name
		if p := l.ProductID.Rec(); what == "" && p != nil {
			what = p.DisplayName.Get()
		}
		if l.MoveName != "" && l.MoveName != "/" {
			parts = append(parts, l.MoveName)
		}
		if l.Ref != "" && l.Ref != "/" {
			parts = append(parts, "("+l.Ref+")")
		}
		if what != "" && what != l.MoveName && what != "/" {
			parts = append(parts, what)
		}
		l.DisplayName.Set(cmp.Or(strings.Join(parts, " "), "/"))
	}
	return nil
}

// creationNotes word the notes of creation by the type of the entries.
func creationNotes(_ *orm.Env, ms []*Move, _ orm.Args) (any, error) {
	words := map[string]string{"out_invoice": "Invoice Created", "out_refund": "Credit Note Created", "in_invoice": "Vendor Bill Created",
		"in_refund": "Refund Created", "out_receipt": "Sales Receipt Created", "in_receipt": "Purchase Receipt Created"}
	texts := make([]string, len(ms))
	for i, m := range ms {
		texts[i] = words[m.MoveType]
	}
	return texts, nil
}

// moveAmounts adds up the items of an entry: what the partner owes are the
// items on due dates, tax the tax items, and the rest is the untaxed amount.
func moveAmounts(env *orm.Env, ms []*Move) error {
	for _, m := range ms {
		var untaxed, tax, total, residual, untaxedC, taxC, totalC, residualC decimal.Decimal
		invoice := m.IsInvoice()
		for _, l := range m.LineIDs.All() {
			switch {
			case invoice && l.DisplayType == DisplayPaymentTerm:
				residualC, residual = residualC.Add(l.AmountResidual), residual.Add(l.ResidualCurrency)
			case invoice && (l.DisplayType == DisplayTax || l.TaxLineID.IsSet()):
				tax, taxC = tax.Add(l.AmountCurrency), taxC.Add(l.Balance)
				total, totalC = total.Add(l.AmountCurrency), totalC.Add(l.Balance)
			case invoice:
				untaxed, untaxedC = untaxed.Add(l.AmountCurrency), untaxedC.Add(l.Balance)
				total, totalC = total.Add(l.AmountCurrency), totalC.Add(l.Balance)
			case l.Debit.IsPositive():
				total, totalC = total.Add(l.AmountCurrency), totalC.Add(l.Balance)
			}
		}
		if !invoice {
			m.AmountUntaxed, m.AmountTax, m.UntaxedSigned, m.TaxSigned = decimal.Zero, decimal.Zero, decimal.Zero, decimal.Zero
			m.AmountTotal, m.TotalSigned, m.TotalInCurrency = total, totalC.Abs(), total
			m.AmountResidual, m.ResidualSigned = decimal.Zero, decimal.Zero
			continue
		}
		sign := m.Sign()
		m.AmountUntaxed, m.AmountTax, m.AmountTotal = sign.Mul(untaxed), sign.Mul(tax), sign.Mul(total)
		m.AmountResidual, m.ResidualSigned = sign.Neg().Mul(residual), residualC
		m.UntaxedSigned, m.TaxSigned, m.TotalSigned, m.TotalInCurrency = untaxedC.Neg(), taxC.Neg(), totalC.Neg(), total.Neg()
	}
	return nil
}

// paymentStates tells how far posted documents are settled, and by what.
func paymentStates(env *orm.Env, ms []*Move) error {
	stored := orm.StoredIDs(env, ms)
	type settled struct {
		MoveID int64
		By     string
	}
	// SQL: joins items over what settles them, for many documents.
	rows, err := orm.Rows[settled](env, orm.SQL(`SELECT DISTINCT own.move_id, m.move_type AS by
		FROM account_move_line own
		JOIN account_partial_reconcile p ON p.debit_move_id = own.id OR p.credit_move_id = own.id
		JOIN account_move_line other ON other.id = CASE WHEN p.debit_move_id = own.id THEN p.credit_move_id ELSE p.debit_move_id END
		JOIN account_move m ON m.id = other.move_id
		JOIN account_account a ON a.id = own.account_id
		WHERE own.move_id = ANY(?) AND a.account_type IN ('asset_receivable', 'liability_payable')
		AND p.exchange_move_id IS DISTINCT FROM m.id AND m.id NOT IN (SELECT exchange_move_id FROM account_partial_reconcile WHERE exchange_move_id IS NOT NULL)`, stored).
		Reads("account.move.line", "move_id", "account_id").Reads("account.partial.reconcile").Reads("account.move", "move_type").Reads("account.account", "account_type"))
	if err != nil {
		return err
	}
	settledBy := map[int64]map[string]bool{}
	for _, row := range rows {
		if settledBy[row.MoveID] == nil {
			settledBy[row.MoveID] = map[string]bool{}
		}
		settledBy[row.MoveID][row.By] = true
	}
	for i, m := range ms {
		by := settledBy[stored[i]]
		switch {
		case !m.IsInvoice() || m.State != MovePosted:
			m.PaymentState = InvoiceNotPaid
		case m.AmountResidual.IsZero() && len(by) > 0:
			m.PaymentState = InvoicePaid
			if onlyReversed(m.MoveType, by) {
				m.PaymentState = InvoiceReversed
			}
		case m.AmountResidual.IsZero() && m.AmountTotal.IsZero():
			m.PaymentState = InvoicePaid
		case len(by) > 0:
			m.PaymentState = InvoicePartial
		default:
			m.PaymentState = InvoiceNotPaid
		}
	}
	return nil
}

// onlyReversed reports whether a document was settled by credit notes (and
// plain entries) alone.
func onlyReversed(moveType string, by map[string]bool) bool {
	refund := map[string]string{"out_invoice": "out_refund", "in_invoice": "in_refund", "out_receipt": "out_refund", "in_receipt": "in_refund"}[moveType]
	if refund == "" || !by[refund] {
		return false
	}
	for t := range by {
		if t != refund {
			return false
		}
	}
	return true
}

func defineMoveLine(r *orm.Registry) {
	d := orm.Define[MoveLine](r)
	d.Compute("display_name", lineNames, "move_name", "ref", "name", "product_id.display_name")
	d.Compute("amount_residual, amount_residual_currency, reconciled", residuals, "balance", "amount_currency", "account_id.reconcile", "account_id.account_type",
		"matched_debit_ids.amount", "matched_credit_ids.amount", "matched_debit_ids.credit_amount_currency", "matched_credit_ids.debit_amount_currency")
	d.Check("check_credit_debit", "display_type IN ('line_section', 'line_note') OR credit * debit = 0", "Wrong credit or debit value in accounting entry!")
	d.Check("check_accountable_required_fields", "display_type IN ('line_section', 'line_note') OR account_id IS NOT NULL", "Missing required account on accountable line.")
	d.Check("check_non_accountable_fields_null", "display_type NOT IN ('line_section', 'line_note') OR (amount_currency = 0 AND debit = 0 AND credit = 0 AND account_id IS NULL)", "Forbidden balance or account on non-accountable line")
	defineLineMatching(d)
	d.OnCreate(createLines)
	d.OnWrite(writeLines)
	d.OnUnlink(unlinkLines)
}

// residuals are what matching has left of items that can be matched.
func residuals(env *orm.Env, ls []*MoveLine) error {
	for _, l := range ls {
		a := l.AccountID.Rec()
		if a == nil || !(a.Reconcile || a.AccountType == AssetCash || a.AccountType == LiabilityCreditCard) {
			l.AmountResidual, l.ResidualCurrency, l.Reconciled = decimal.Zero, decimal.Zero, false
			continue
		}
		left, leftC := l.Balance, l.AmountCurrency
		for _, p := range l.MatchedDebit.All() { // this item is the credit
			left, leftC = left.Add(p.Amount), leftC.Add(p.CreditAmount)
		}
		for _, p := range l.MatchedCredit.All() {
			left, leftC = left.Sub(p.Amount), leftC.Sub(p.DebitAmount)
		}
		l.AmountResidual, l.ResidualCurrency = left, leftC
		l.Reconciled = left.IsZero() && leftC.IsZero() && a.Reconcile && len(l.MatchedDebit.All())+len(l.MatchedCredit.All()) > 0
	}
	return nil
}

// documentCurrency is the currency a new document is made in.
func documentCurrency(env *orm.Env, j *Journal, company int64) (int64, error) {
	if j != nil && j.CurrencyID.IsSet() {
		return j.CurrencyID.ID, nil
	}
	return base.CompanyCurrency(env, company)
}
