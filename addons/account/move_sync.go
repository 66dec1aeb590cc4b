package account

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// syncMoves derives what follows from the lines people entered on draft
// documents: amounts, tax items, due items. Then it refuses entries that do
// not balance.
func syncMoves(env *orm.Env, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	sudo := env.Sudo()
	ms, err := orm.Read[Move](sudo, ids, "line_ids.tax_ids")
	if err != nil {
		return err
	}
	for _, m := range ms {
		if m.State != MoveDraft || !m.IsInvoice() {
			continue
		}
		s := &syncer{env: skipTracking(sudo), m: m}
		if err := s.run(); err != nil {
			return err
		}
	}
	return checkBalanced(sudo, ids)
}

// checkBalanced refuses entries whose items do not sum to zero.
func checkBalanced(env *orm.Env, ids []int64) error {
	// SQL: sums of all items, seen by the user or not, in one statement.
	off, err := orm.Row[bool](env, orm.SQL("SELECT EXISTS (SELECT FROM account_move_line WHERE move_id = ANY(?) GROUP BY move_id HAVING sum(balance) <> 0)", ids).
		Reads("account.move.line", "move_id", "balance"))
	if err != nil {
		return err
	}
	if off {
		return orm.UserErrorf("The entry is not balanced.")
	}
	return nil
}

// syncer derives the items of one document.
type syncer struct {
	env    *orm.Env
	m      *Move
	own    int64 // the company's currency
	rate   decimal.Decimal
	places int32 // of the document's currency
	unit   decimal.Decimal
	sign   decimal.Decimal
	lines  []*MoveLine // product lines
	tax    []*MoveLine // tax items there are
	terms  []*MoveLine // due items there are
	total  decimal.Decimal
	book   decimal.Decimal // total in the company's currency

	changed []*MoveLine
	gone    []int64
	fresh   []orm.Values
}

// run brings the items of a stored document into line.
func (s *syncer) run() error {
	m := s.m
	if err := s.plan(m.LineIDs.All()); err != nil {
		return err
	}
	if err := orm.Save(s.env, []*Move{m}); err != nil {
		return err
	}
	if len(s.changed) > 0 {
		err := orm.Save(s.env, s.changed, "balance", "debit", "credit", "amount_currency", "currency_id", "partner_id", "price_subtotal", "price_total", "tax_base_amount", "account_id", "date_maturity")
		if err != nil {
			return err
		}
	}
	items := s.env.Model("account.move.line")
	if len(s.gone) > 0 {
		if err := items.Browse(s.gone...).Unlink(); err != nil {
			return err
		}
	}
	if len(s.fresh) == 0 {
		return nil
	}
	for _, vals := range s.fresh {
		vals["move_id"] = m.ID
	}
	_, err := items.Create(s.fresh...)
	return err
}

// plan computes what the items of a document must be: it sets the amounts of
// those there are, and tells which changed, which go, and which are new. It
// sets the rate and the due date of the document too.
func (s *syncer) plan(items []*MoveLine) error {
	var err error
	m := s.m
	if s.own, err = base.CompanyCurrency(s.env, m.CompanyID.ID); err != nil {
		return err
	}
	if s.rate, err = m.rateToBooks(s.env, s.own); err != nil {
		return err
	}
	if s.places, err = placesOf(s.env, m.CurrencyID.ID); err != nil {
		return err
	}
	if s.unit, err = currencyStep(s.env, m.CurrencyID.ID); err != nil {
		return err
	}
	s.sign, m.CurrencyRate = m.Sign(), s.rate.Round(12)
	for _, l := range items {
		switch l.DisplayType {
		case DisplayProduct:
			s.lines = append(s.lines, l)
		case DisplayTax:
			s.tax = append(s.tax, l)
		case DisplayPaymentTerm:
			s.terms = append(s.terms, l)
		case DisplayLineSection, DisplayLineNote:
		default:
			s.total, s.book = s.total.Add(l.AmountCurrency), s.book.Add(l.Balance)
		}
	}
	doc := m.document(items)
	if err := doc.Compute(s.env); err != nil {
		return err
	}
	if err := s.bookLines(doc); err != nil {
		return err
	}
	if err := s.bookTaxes(doc); err != nil {
		return err
	}
	m.DueDate, err = s.bookTerms()
	return err
}

func (s *syncer) inBooks(amount decimal.Decimal) (decimal.Decimal, error) {
	return inBooks(s.env, amount, s.rate, s.own)
}

// add plans a new item.
func (s *syncer) add(kind string, account int64, balance, amount decimal.Decimal, more orm.Values) {
	vals := orm.Values{"display_type": kind, "account_id": account, "amount_currency": amount,
		"currency_id": s.m.CurrencyID.ID, "partner_id": orNil(s.m.CommercialID.ID)}
	setBalance(vals, balance)
	for k, v := range more {
		vals[k] = v
	}
	s.fresh = append(s.fresh, vals)
}

// bookLines sets the amounts of the product lines.
func (s *syncer) bookLines(doc *Document) error {
	for i, l := range s.lines {
		r := doc.Results[i]
		amount := s.sign.Mul(r.Booked)
		balance, err := s.inBooks(amount)
		if err != nil {
			return err
		}
		s.total, s.book = s.total.Add(amount), s.book.Add(balance)
		if s.setAmounts(l, balance, amount) || !l.PriceSubtotal.Equal(r.Subtotal) || !l.PriceTotal.Equal(r.Total) {
			l.PriceSubtotal, l.PriceTotal = r.Subtotal, r.Total
			s.changed = append(s.changed, l)
		}
	}
	return nil
}

// setAmounts sets the amounts and the partner of an item and tells whether
// that changed it.
func (s *syncer) setAmounts(l *MoveLine, balance, amount decimal.Decimal) bool {
	if l.Balance.Equal(balance) && l.AmountCurrency.Equal(amount) && l.CurrencyID.ID == s.m.CurrencyID.ID && l.PartnerID.ID == s.m.CommercialID.ID && l.Debit.Sub(l.Credit).Equal(balance) {
		return false
	}
	l.Balance, l.AmountCurrency = balance, amount
	l.Debit, l.Credit = decimal.Max(balance, decimal.Zero), decimal.Max(balance.Neg(), decimal.Zero)
	l.CurrencyID, l.PartnerID = orm.RefTo[base.Currency](s.m.CurrencyID.ID), orm.RefTo[base.Partner](s.m.CommercialID.ID)
	return true
}

// taxItem is what one tax item stands for: a share of a tax on an account.
type taxItem struct{ share, account int64 }

// taxed is what a tax item books.
type taxed struct {
	taxItem
	tax          *Tax
	amount, base decimal.Decimal
}

// taxItems distributes the taxes over shares and accounts. Shares without an
// account of their own go where the taxed line is booked.
func (s *syncer) taxItems(doc *Document) ([]*taxed, error) {
	var out []*taxed
	for _, total := range doc.byTax {
		tax := doc.taxes[total.TaxID]
		shares := tax.shares(doc.Refund)
		if len(shares) == 0 {
			return nil, orm.UserErrorf("Tax %s has no distribution line on which its amount is booked. Add one.", tax.Name)
		}
		var items []*taxed
		found := map[taxItem]*taxed{}
		for i, l := range s.lines {
			for _, t := range doc.Results[i].Taxes {
				if t.Tax != total.TaxID {
					continue
				}
				for _, sh := range shares {
					k := taxItem{sh.line, sh.account}
					if k.account == 0 {
						k.account = l.AccountID.ID
					}
					if found[k] == nil {
						found[k] = &taxed{taxItem: k, tax: tax}
						items = append(items, found[k])
					}
					found[k].amount, found[k].base = found[k].amount.Add(t.Amount.Mul(sh.factor)), found[k].base.Add(t.Base)
				}
			}
		}
		parts := make([]decimal.Decimal, len(items))
		for i, it := range items {
			parts[i] = it.amount
		}
		spread(parts, total.Amount, func(d decimal.Decimal) decimal.Decimal { return base.RoundTo(d, s.unit) })
		for i, it := range items {
			it.amount = parts[i]
		}
		out = append(out, items...)
	}
	return out, nil
}

// bookTaxes makes one item for each share of a tax and account.
func (s *syncer) bookTaxes(doc *Document) error {
	items, err := s.taxItems(doc)
	if err != nil {
		return err
	}
	wanted := map[taxItem]bool{}
	for _, it := range items {
		wanted[it.taxItem] = true
	}
	have := map[taxItem]*MoveLine{}
	for _, l := range s.tax {
		k := taxItem{l.TaxRepartitionID.ID, l.AccountID.ID}
		if !wanted[k] || have[k] != nil {
			s.gone = append(s.gone, l.ID)
			continue
		}
		have[k] = l
	}
	for _, it := range items {
		amount := s.sign.Mul(it.amount)
		balance, err := s.inBooks(amount)
		if err != nil {
			return err
		}
		taxed, err := s.inBooks(it.base)
		if err != nil {
			return err
		}
		s.total, s.book = s.total.Add(amount), s.book.Add(balance)
		l := have[it.taxItem]
		if l == nil {
			s.add("tax", it.account, balance, amount, orm.Values{"name": it.tax.Name, "tax_repartition_line_id": it.share, "tax_line_id": it.tax.ID,
				"tax_group_id": orNil(it.tax.TaxGroupID.ID), "tax_base_amount": taxed, "sequence": 10000})
			continue
		}
		if s.setAmounts(l, balance, amount) || !l.TaxBaseAmount.Equal(taxed) {
			l.TaxBaseAmount = taxed
			s.changed = append(s.changed, l)
		}
	}
	return nil
}

// installments are the parts of the total by the day they are due.
func (s *syncer) installments() (parts []installment, due orm.Date, err error) {
	m := s.m
	day := m.InvoiceDate
	if day.IsZero() {
		day = s.env.Today()
	}
	if len(s.lines) > 0 && m.PaymentTermID.IsSet() {
		term, err := termOf(s.env, m.PaymentTermID.ID)
		if err != nil {
			return nil, due, err
		}
		due = day
		parts = split(term, s.total.Neg(), day, s.places)
		for _, p := range parts {
			if due.Before(p.due) {
				due = p.due
			}
		}
		return parts, due, nil
	}
	if due = m.DueDate; due.IsZero() || due.Before(day) {
		due = day
	}
	if len(s.lines) == 0 {
		return nil, due, nil
	}
	return []installment{{due, s.total.Neg()}}, due, nil
}

// bookTerms makes the items on which the partner owes the total, one for each
// day a part is due, and gives the last of these days.
func (s *syncer) bookTerms() (orm.Date, error) {
	m := s.m
	parts, due, err := s.installments()
	if err != nil {
		return due, err
	}
	account, err := s.partnerAccount()
	if err != nil {
		return due, err
	}
	slices.SortFunc(s.terms, func(a, b *MoveLine) int { return int(a.ID - b.ID) })
	for _, l := range s.terms[min(len(parts), len(s.terms)):] {
		s.gone = append(s.gone, l.ID)
	}
	left := s.book.Neg()
	for i, p := range parts {
		balance := left
		if i < len(parts)-1 {
			if balance, err = s.inBooks(p.amount); err != nil {
				return due, err
			}
		}
		left = left.Sub(balance)
		if i < len(s.terms) {
			l := s.terms[i]
			moved := l.AccountID.ID != account || l.DateMaturity.String() != p.due.String()
			l.AccountID, l.DateMaturity = orm.RefTo[Account](account), p.due
			if s.setAmounts(l, balance, p.amount) || moved {
				s.changed = append(s.changed, l)
			}
			continue
		}
		more := orm.Values{"date_maturity": p.due, "sequence": 12000}
		if name := termName(m, i, len(parts)); name != "" {
			more["name"] = name
		}
		s.add("payment_term", account, balance, p.amount, more)
	}
	return due, nil
}

// partnerAccount is the account on which the partner owes the total, or is owed it.
func (s *syncer) partnerAccount() (int64, error) {
	m := s.m
	account, err := partnerAccount(s.env, m.CompanyID.ID, m.PartnerID.ID, m.IsPurchase())
	if err != nil {
		return 0, err
	}
	return MapAccount(s.env, m.FiscalPositionID.ID, account)
}

// termName labels one of n due items of a document with the reference of the partner
// and the one by which it is paid.
func termName(m *Move, i, n int) string {
	reference := m.PaymentReference
	if m.Ref != "" && reference != "" && m.Ref != reference {
		reference = m.Ref + " - " + reference
	}
	if n < 2 {
		return reference
	}
	return strings.TrimSpace(fmt.Sprintf("%s installment #%d", reference, i+1))
}
