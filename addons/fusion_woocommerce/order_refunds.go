package woocommerce

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// refundKeyName is the meta key by which a refund that was made here is found in the
// store.
const refundKeyName = "_fusion_refund"

// knownRefunds reads which refunds of the order are recorded.
func (imp *orderImport) knownRefunds() error {
	if imp.rec == nil {
		return nil
	}
	if imp.rec.State == OrderImported && imp.job.Source != "replay" {
		imp.before = strings.Fields(imp.rec.RefundKey)
	}
	var err error
	imp.refunds, err = orm.Search[Refund](imp.env, orm.Leaf("order_id", "=", imp.rec.ID), orm.SearchOptions{Order: "id"}, "credit_note_id", "line_ids")
	return err
}

// refund is the record of a refund of the store, nil when there is none.
func (imp *orderImport) refund(id int64) *Refund {
	if i := slices.IndexFunc(imp.refunds, func(f *Refund) bool { return f.RemoteID == id }); i >= 0 {
		return imp.refunds[i]
	}
	return nil
}

// toBook reports whether a refund that is recorded waits to be booked.
func (imp *orderImport) toBook(f *Refund) bool {
	switch f.State {
	case RefundReceived, RefundUndone: // deleted, and there again
		return true
	case RefundHeld:
		return imp.asked()
	case RefundSettled:
		return imp.o.Class.Confirmed()
	case RefundBooked:
		return !f.NoteID.IsSet() && f.Amount.IsPositive() // deleted here, as a draft
	}
	return false
}

// readCredits maps those refunds of the order that are to be booked. Their lines have to
// be read from the store first.
func (imp *orderImport) readCredits(got *fetchedOrder) error {
	imp.listed = true
	if !imp.o.Class.Confirmed() && (imp.rec == nil || imp.rec.State != OrderImported) {
		return nil // there are no documents
	}
	open := slices.ContainsFunc(imp.o.Refunds, func(r ordermap.Refund) bool {
		f := imp.refund(r.ID)
		return f == nil || imp.toBook(f)
	})
	switch {
	case !open:
		return nil
	case !got.refundsRead:
		return errRefundsUnread
	}
	in := ordermap.RefundInput{Order: *got.order, Mapped: imp.o, Refunds: got.refunds, Back: map[int64]decimal.Decimal{}, Known: map[int64]bool{}, Tolerance: imp.inst.Tolerance}
	for _, f := range imp.refunds {
		if !f.NoteID.IsSet() {
			continue
		}
		in.Known[f.RemoteID] = true
		for _, l := range f.Lines.All() {
			in.Back[l.LineID] = in.Back[l.LineID].Add(l.Back)
		}
	}
	imp.credits = ordermap.MapRefunds(in)
	return nil
}

// refundedInFull handles an order all of whose money was given back: nothing more is
// delivered. Before anything was delivered or posted it is cancelled as a whole; else
// its refunds become credit notes.
func (imp *orderImport) refundedInFull() error {
	sold, err := orm.Get[sale.Order](imp.env, imp.rec.SaleID.ID, "order_line", "invoice_ids")
	if err != nil {
		return err
	}
	fixed, err := imp.lockedReason(sold)
	if err != nil {
		return err
	}
	if fixed == "" || sold.State == sale.OrderCancelled {
		return imp.cancel(imp.o.Why)
	}
	imp.log.Message = "The order is refunded in full in the store, but " + fixed + ": its refunds become credit notes."
	if len(imp.o.Refunds) == 0 {
		imp.needAttention(refundedFully + ", which tells of no refund; the sale order stands, since " + fixed + ".")
		return nil
	}
	return stopDelivery(imp.env, sold.ID)
}

// takeRefunds makes the credit notes of the store's refunds, and undoes those of refunds
// that are gone. The order is stored by then.
func (imp *orderImport) takeRefunds() error {
	if imp.rec.SaleID.ID == 0 && len(imp.refunds) == 0 && len(imp.o.Refunds) == 0 {
		return nil
	}
	imp.vals = orm.Values{}
	if err := orm.Reload(imp.env, []*Order{imp.rec}); err != nil {
		return err
	}
	if imp.rec.State == OrderCancelled {
		if err := imp.settleRefunds(); err != nil {
			return err
		}
	}
	if imp.listed && imp.rec.SaleID.IsSet() && (imp.rec.State == OrderImported || imp.rec.State == OrderCancelled) {
		if err := imp.bookRefunds(); err != nil {
			return err
		}
		if err := imp.undoRefunds(); err != nil {
			return err
		}
	}
	if len(imp.vals) == 0 {
		return nil
	}
	return orm.RecordsOf(imp.env, imp.rec).Write(imp.vals)
}

// settleRefunds cancels draft credit notes of an order that is cancelled as a whole:
// there is no invoice that they could be taken off.
func (imp *orderImport) settleRefunds() error {
	for _, f := range imp.refunds {
		note := f.NoteID.Rec()
		if f.State != RefundBooked || note == nil || note.State != account.MoveDraft {
			continue
		}
		if _, err := orm.Invoke(imp.env, account.ButtonCancel, []*account.Move{note}); err != nil {
			return err
		}
		if err := imp.setRefund(f, RefundSettled, imp.rec.HoldReason); err != nil {
			return err
		}
	}
	return nil
}

// setRefund sets what became of a refund.
func (imp *orderImport) setRefund(f *Refund, state, why string) error {
	f.State, f.HoldReason = state, why
	return orm.Save(imp.env, []*Refund{f}, "state", "hold_reason")
}

// bookRefunds brings what is recorded of the store's refunds in step with it.
func (imp *orderImport) bookRefunds() error {
	if len(imp.o.Refunds) == 0 {
		imp.settled(refundMade)
		return nil
	}
	sold, err := orm.Get[sale.Order](imp.env, imp.rec.SaleID.ID, "invoice_ids", "order_line")
	if err != nil {
		return err
	}
	var held []string
	for _, told := range imp.o.Refunds {
		f, err := imp.bookRefund(sold, told)
		if err != nil {
			return err
		}
		if f.State == RefundHeld {
			held = append(held, fmt.Sprintf("%s (refund %d). No credit note was made: %s", imp.money(told.Amount), told.ID, f.HoldReason))
		}
	}
	if len(held) == 0 {
		imp.settled(refundMade)
		return nil
	}
	imp.needAttention(refundMade + strings.Join(held, " "))
	return nil
}

// bookRefund brings one refund in step.
func (imp *orderImport) bookRefund(sold *sale.Order, told ordermap.Refund) (*Refund, error) {
	f := imp.refund(told.ID)
	i := slices.IndexFunc(imp.credits, func(c ordermap.Credit) bool { return c.ID == told.ID })
	if f == nil && i >= 0 {
		f = imp.ownRefund(imp.credits[i])
	}
	switch {
	case f != nil && f.Origin == RefundOfERP:
		if f.RemoteID == told.ID && f.State == RefundSent {
			return f, nil
		}
		f.RemoteID, f.State, f.HoldReason = told.ID, RefundSent, ""
		return f, orm.Save(imp.env, []*Refund{f}, "woo_id", "state", "hold_reason")
	case f != nil && !imp.toBook(f):
		return f, imp.followInvoice(f, sold)
	}
	if f == nil {
		var err error
		if f, err = imp.recordRefund(told, i); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(imp.before, func(key string) bool { return strings.HasPrefix(key, itoa(told.ID)+"=") }) {
			return f, imp.setRefund(f, RefundHeld, "It was told of before refunds were booked by themselves. If there is no credit note of it, press Book Again.")
		}
	}
	if i < 0 && imp.rec.State != OrderCancelled {
		return f, imp.setRefund(f, RefundHeld, "The store lists the refund with the order, but does not tell what it is of. Look at it in the store, then press Book Again.")
	}
	var c ordermap.Credit
	if i >= 0 {
		c = imp.credits[i]
	}
	return f, imp.creditRefund(f, sold, c)
}

// ownRefund is the refund that was made here and has come back with the store's id.
func (imp *orderImport) ownRefund(c ordermap.Credit) *Refund {
	for _, f := range imp.refunds {
		if f.Origin == RefundOfERP && f.RemoteID == 0 && (f.Key == c.Meta[refundKeyName] || f.Reason == c.Reason && f.Amount.Equal(c.Amount)) {
			return f
		}
	}
	return nil
}

// recordRefund records a refund that is new, with its lines when they are known.
func (imp *orderImport) recordRefund(told ordermap.Refund, at int) (*Refund, error) {
	vals := orm.Values{"order_id": imp.rec.ID, "woo_id": told.ID, "name": fmt.Sprintf("Refund %d of order %s", told.ID, imp.rec.Number), "amount": told.Amount, "reason": orNothing(told.Reason),
		"date": orm.DatetimeOf(imp.env.Now())}
	if at >= 0 {
		c := imp.credits[at]
		vals["amount_tax"], vals["via_gateway"] = c.Tax, c.Paid
		if !c.Created.IsZero() {
			vals["date"] = orm.DatetimeOf(c.Created)
		}
		var lines []orm.Command
		for _, l := range c.Lines {
			tax := decimal.Zero
			for _, t := range l.Taxes {
				tax = tax.Add(t.Amount)
			}
			lines = append(lines, orm.CreateLine(orm.Values{"woo_line_id": l.LineID, "name": l.Name, "quantity": l.Pieces, "quantity_back": l.Back, "total": l.Total, "tax": tax}))
			if l.Back.IsPositive() {
				vals["restock"] = true
			}
		}
		vals["line_ids"] = lines
	}
	made, err := imp.env.Model("woo.refund").Create(vals)
	if err != nil {
		return nil, err
	}
	f, err := orm.Get[Refund](imp.env, made.ID(), "credit_note_id", "line_ids")
	if err == nil {
		imp.refunds = append(imp.refunds, f)
	}
	return f, err
}

func orNothing(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// creditRefund makes the credit note of a refund, or says why there is none.
func (imp *orderImport) creditRefund(f *Refund, sold *sale.Order, c ordermap.Credit) error {
	invoice := invoiceOf(sold)
	switch {
	case imp.rec.State == OrderCancelled:
		return imp.setRefund(f, RefundSettled, imp.rec.HoldReason)
	case c.State == ordermap.Mismatch:
		return imp.setRefund(f, RefundHeld, strings.Join(c.Notes, " "))
	case invoice == nil:
		return imp.setRefund(f, RefundReceived, "The order has no invoice yet from which it could be taken off.")
	}
	name := ""
	_, err := imp.attempt(func() (string, error) {
		if err := imp.goodsBack(f, sold, c); err != nil || c.Amount.IsZero() {
			return "", err
		}
		var err error
		name, err = imp.makeCredit(f, sold, invoice, c)
		return "", err
	})
	if why, refused := reasonOf(err); refused {
		f.NoteID = orm.Ref[account.Move]{}
		return imp.setRefund(f, RefundHeld, why)
	}
	if err != nil {
		return err
	}
	if err := imp.setRefund(f, RefundBooked, ""); err != nil {
		return err
	}
	if err := orm.Reload(imp.env, []*Refund{f}, "credit_note_id"); err != nil {
		return err
	}
	text := fmt.Sprintf("Booked as %s: %s, equal to the store.", orText(name, "goods that come back"), imp.money(c.Amount))
	if err := logTo(imp.env, imp.inst, logEntry{Type: "refund", State: LogSuccess, Ref: f.Name, Message: strings.TrimSpace(text + " " + strings.Join(c.Notes, " ")), Record: orm.RecordsOf(imp.env, f)}); err != nil {
		return err
	}
	return imp.followInvoice(f, sold)
}

// makeCredit makes the draft credit note of a refund, and refuses it when it does not
// equal what the store gave back.
func (imp *orderImport) makeCredit(f *Refund, sold *sale.Order, invoice *account.Move, c ordermap.Credit) (string, error) {
	if invoice.CurrencyID.ID != imp.cur.id {
		return "", holdf("The invoice %s is in another currency than the store's %s.", invoice.Name, imp.o.Currency)
	}
	lines, err := imp.creditLines(sold, c)
	if err != nil {
		return "", err
	}
	day := orm.DateOf(c.Created.In(imp.env.Location()))
	if c.Created.IsZero() {
		day = imp.env.Today()
	}
	ref := f.Name
	if c.Reason != "" {
		ref += ": " + c.Reason
	}
	vals := orm.Values{"move_type": account.OutRefund, "company_id": invoice.CompanyID.ID, "partner_id": invoice.PartnerID.ID, "journal_id": invoice.JournalID.ID, "currency_id": invoice.CurrencyID.ID,
		"tax_rounding_method": "round_per_line", "invoice_date": day, "date": day, "invoice_origin": sold.Name, "ref": ref, "reversed_entry_id": invoice.ID, "invoice_user_id": nil,
		"invoice_payment_term_id": nil, "invoice_line_ids": lines}
	if invoice.FiscalPositionID.IsSet() {
		vals["fiscal_position_id"] = invoice.FiscalPositionID.ID
	}
	if invoice.ShippingID.IsSet() {
		vals["partner_shipping_id"] = invoice.ShippingID.ID
	}
	made, err := imp.env.Model("account.move").Create(vals)
	if err != nil {
		return "", err
	}
	note, err := orm.Get[account.Move](imp.env, made.ID())
	if err != nil {
		return "", err
	}
	if !note.AmountUntaxed.Equal(c.Untaxed) || !note.AmountTax.Equal(c.Tax) || !note.AmountTotal.Equal(c.Amount) {
		return "", holdf("The credit note would come to %s without tax, %s of tax and %s in all, but the store gave back %s, %s and %s. Check the taxes that the store's rates are mapped to, then press Book Again.",
			imp.money(note.AmountUntaxed), imp.money(note.AmountTax), imp.money(note.AmountTotal), imp.money(c.Untaxed), imp.money(c.Tax), imp.money(c.Amount))
	}
	return "a credit note", orm.RecordsOf(imp.env, f).Write(orm.Values{"credit_note_id": note.ID})
}

// creditLines are the values of the lines of a credit note: products, accounts and taxes
// are those of the sale order. They are no invoice of its lines, since what was given back
// is not to be invoiced again.
func (imp *orderImport) creditLines(sold *sale.Order, c ordermap.Credit) ([]orm.Command, error) {
	lacks := &missingRecords{}
	taxes, err := imp.taxes(lacks)
	if err != nil {
		return nil, err
	}
	if lacks.rates {
		return nil, lacks
	}
	sales, err := imp.saleLines(sold)
	if err != nil {
		return nil, err
	}
	var out []orm.Command
	for i, l := range c.Lines {
		vals := imp.creditLine(l, taxes)
		vals["sequence"] = 10 + i
		of := sales[l.Key]
		switch {
		case of != nil && of.ProductID.IsSet():
			vals["product_id"], vals["product_uom_id"] = of.ProductID.ID, of.UoMID.ID
		case l.Kind == ordermap.Rounding:
			vals["product_id"], err = imp.specialProduct(imp.inst.RoundingID.ID, "Rounding Product")
		case l.Kind == ordermap.Shipping:
			vals["product_id"], err = imp.specialProduct(imp.inst.ShippingID.ID, "Shipping Product")
		default:
			vals["product_id"], err = imp.specialProduct(imp.inst.FeeID.ID, "Fee Product")
		}
		if err != nil {
			return nil, err
		}
		out = append(out, orm.CreateLine(vals))
	}
	return out, nil
}

func (imp *orderImport) creditLine(l ordermap.CreditLine, taxes map[int64]int64) orm.Values {
	override, ids := map[int64]decimal.Decimal{}, []int64{}
	for _, x := range l.Taxes {
		id := taxes[x.RateID]
		if _, ok := override[id]; !ok {
			ids = append(ids, id)
		}
		override[id] = override[id].Add(x.Amount)
	}
	return orm.Values{"name": strings.Join(append([]string{l.Name}, l.Details...), "\n"), "quantity": l.Quantity, "price_unit": l.Price, "discount": l.Discount,
		"tax_ids": []orm.Command{orm.SetIDs(ids...)}, "tax_override": account.NewTaxOverride(override)}
}

// saleLines are the lines of the sale order by the keys of the store's.
func (imp *orderImport) saleLines(sold *sale.Order) (map[string]*sale.OrderLine, error) {
	binds, err := orm.Search[Bind](imp.env, orm.Leaf("order_id", "=", imp.rec.ID), orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	out := map[string]*sale.OrderLine{}
	for _, b := range binds {
		for _, l := range sold.Lines.All() {
			if l.ID == b.SaleLineID.ID {
				out[b.Key] = l
			}
		}
	}
	return out, nil
}

// followInvoice ties a draft credit note to the order's present invoice, and posts it when
// that is posted.
func (imp *orderImport) followInvoice(f *Refund, sold *sale.Order) error {
	note, invoice := f.NoteID.Rec(), invoiceOf(sold)
	if f.State != RefundBooked || note == nil || invoice == nil || note.State != account.MoveDraft {
		return nil
	}
	if note.ReversedEntryID.ID != invoice.ID {
		if err := orm.RecordsOf(imp.env, note).Write(orm.Values{"reversed_entry_id": invoice.ID}); err != nil {
			return err
		}
		note.ReversedEntryID = orm.RefTo[account.Move](invoice.ID)
	}
	return postCredit(imp.env, f, note, invoice)
}

// undoRefunds undoes what was booked for refunds that the store no longer has: a draft is
// cancelled, a credit note that is posted is reversed.
func (imp *orderImport) undoRefunds() error {
	var told []string
	for _, f := range imp.refunds {
		there := slices.ContainsFunc(imp.o.Refunds, func(r ordermap.Refund) bool { return r.ID == f.RemoteID })
		if f.RemoteID == 0 || there || f.State == RefundUndone {
			continue
		}
		what, err := imp.undoRefund(f)
		if err != nil {
			return err
		}
		told = append(told, fmt.Sprintf("refund %d of %s%s", f.RemoteID, imp.money(f.Amount), what))
	}
	if len(told) > 0 {
		imp.needAttention(refundGone + strings.Join(told, "; ") + ".")
	}
	return nil
}

// undoRefund tells what became of the credit note.
func (imp *orderImport) undoRefund(f *Refund) (string, error) {
	note, what := f.NoteID.Rec(), ""
	switch {
	case note == nil || note.State == account.MoveCancelled:
	case f.Origin == RefundOfERP:
		what = ", whose credit note " + note.Name + " was made here and stands"
	case note.State == account.MoveDraft:
		if _, err := orm.Invoke(imp.env, account.ButtonCancel, []*account.Move{note}); err != nil {
			return "", err
		}
		what = ", whose draft credit note is cancelled"
	default:
		back, err := reverseCredit(imp.env, note)
		if why, refused := reasonOf(err); refused {
			what = ", whose credit note " + note.Name + " could not be reversed: " + why
			break
		}
		if err != nil {
			return "", err
		}
		f.ReversalID = orm.RefTo[account.Move](back.ID)
		what = ", whose credit note " + note.Name + " is reversed by " + back.Name
		if err := orm.Save(imp.env, []*Refund{f}, "reversal_id"); err != nil {
			return "", err
		}
	}
	if err := cancelReturns(imp.env, f); err != nil {
		return "", err
	}
	return what, imp.setRefund(f, RefundUndone, "The store deleted the refund.")
}

// reverseCredit reverses a posted credit note. What it had settled is open again, and the
// reversal settles the credit note.
func reverseCredit(env *orm.Env, note *account.Move) (back *account.Move, err error) {
	err = env.Savepoint(func(env *orm.Env) error {
		lines, err := orm.Search[account.MoveLine](env, orm.And(orm.Leaf("move_id", "=", note.ID), orm.Leaf("display_type", "=", "payment_term")), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if _, err := orm.Invoke(env, account.RemoveMoveReconcile, lines); err != nil {
			return err
		}
		ids, err := account.Reverse(env, []int64{note.ID}, env.Today(), "deleted in the store")
		if err != nil {
			return err
		}
		if err := account.Post(env, ids...); err != nil {
			return err
		}
		back, err = orm.Get[account.Move](env, ids[0])
		return err
	})
	return back, err
}
