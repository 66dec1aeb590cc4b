package account

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"fusion/addons/base"
	"fusion/framework/orm"
)

// syncMoves derives what follows from the lines people entered on draft
// documents: amounts, tax items, due items. Then it refuses entries that do
// not balance.
func syncMoves(env *orm.Env, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	sudo := env.Sudo()
	ms, err := orm.Read[Move](sudo, ids, "line_ids.tax_ids", "invoice_payment_term_id.line_ids", "journal_id")
	if err != nil {
		return err
	}
	for _, m := range ms {
		if m.State != "draft" || !m.IsInvoice() {
			continue
		}
		s := &syncer{env: forced(sudo), m: m}
		if err := s.run(); err != nil {
			return err
		}
	}
	return checkBalanced(sudo, ids)
}

// checkBalanced refuses entries whose items do not sum to zero.
func checkBalanced(env *orm.Env, ids []int64) error {
	rows, err := env.Query("SELECT move_id FROM account_move_line WHERE move_id = ANY(?) GROUP BY move_id HAVING sum(balance) <> 0 LIMIT 1", ids)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
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
}

func (s *syncer) run() error {
	var err error
	m := s.m
	if s.own, err = base.CompanyCurrency(s.env, m.CompanyID.ID); err != nil {
		return err
	}
	if s.rate, err = base.ConversionRate(s.env, s.own, m.CurrencyID.ID, m.CompanyID.ID, m.rateDate(s.env)); err != nil {
		return err
	}
	if s.places, err = placesOf(s.env, m.CurrencyID.ID); err != nil {
		return err
	}
	if s.unit, err = step(s.env, m.CurrencyID.ID); err != nil {
		return err
	}
	s.sign = m.Sign()
	var other []*MoveLine
	for _, l := range m.LineIDs.All() {
		switch l.DisplayType {
		case "product":
			s.lines = append(s.lines, l)
		case "tax":
			s.tax = append(s.tax, l)
		case "payment_term":
			s.terms = append(s.terms, l)
		case "line_section", "line_note":
		default:
			other = append(other, l)
		}
	}
	if !m.CurrencyRate.Equal(s.rate.Round(12)) {
		m.CurrencyRate = s.rate.Round(12)
		if err := orm.Save(s.env, []*Move{m}, "invoice_currency_rate"); err != nil {
			return err
		}
	}
	doc := m.document()
	if err := doc.Compute(s.env); err != nil {
		return err
	}
	if err := s.bookLines(doc); err != nil {
		return err
	}
	if err := s.bookTaxes(doc); err != nil {
		return err
	}
	for _, l := range other {
		s.total, s.book = s.total.Add(l.AmountCurrency), s.book.Add(l.Balance)
	}
	return s.bookTerms()
}

func (s *syncer) inBooks(amount decimal.Decimal) (decimal.Decimal, error) {
	if s.m.CurrencyID.ID == s.own {
		return amount, nil
	}
	return base.Round(s.env, amount.DivRound(s.rate, 16), s.own)
}

// bookLines stores the amounts of the product lines.
func (s *syncer) bookLines(doc *Document) error {
	var changed []*MoveLine
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
			changed = append(changed, l)
		}
	}
	return s.save(changed, "price_subtotal", "price_total")
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

func (s *syncer) save(ls []*MoveLine, more ...string) error {
	if len(ls) == 0 {
		return nil
	}
	return orm.Save(s.env, ls, append([]string{"balance", "debit", "credit", "amount_currency", "currency_id", "partner_id"}, more...)...)
}

// taxItem is what one tax item stands for: a share of a tax on an account.
type taxItem struct{ share, account int64 }

// taxItems distributes the taxes over shares and accounts. Shares without an
// account of their own go where the taxed line is booked.
func (s *syncer) taxItems(doc *Document) (order []taxItem, amounts, bases map[taxItem]decimal.Decimal, names map[int64]string, err error) {
	shares, err := doc.shares(s.env)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	amounts, bases, names = map[taxItem]decimal.Decimal{}, map[taxItem]decimal.Decimal{}, map[int64]string{}
	for _, total := range doc.byTax {
		var items []taxItem
		for i, l := range s.lines {
			for _, t := range doc.Results[i].Taxes {
				if t.Tax != total.TaxID {
					continue
				}
				for _, sh := range shares[t.Tax] {
					k := taxItem{sh.line, sh.account}
					if k.account == 0 {
						k.account = l.AccountID.ID
					}
					if _, ok := amounts[k]; !ok {
						items = append(items, k)
					}
					amounts[k], bases[k] = amounts[k].Add(t.Amount.Mul(sh.factor)), bases[k].Add(t.Base)
					names[sh.line] = sh.name
				}
			}
		}
		whole := decimal.Zero
		for _, sh := range shares[total.TaxID] {
			whole = whole.Add(sh.factor)
		}
		parts := make([]decimal.Decimal, len(items))
		for i, k := range items {
			parts[i] = amounts[k]
		}
		round := func(d decimal.Decimal) decimal.Decimal { return base.RoundTo(d, s.unit) }
		spread(parts, round(total.Amount.Mul(whole)), round)
		for i, k := range items {
			amounts[k] = parts[i]
		}
		order = append(order, items...)
	}
	return order, amounts, bases, names, nil
}

// bookTaxes makes one item for each share of a tax and account.
func (s *syncer) bookTaxes(doc *Document) error {
	order, amounts, bases, names, err := s.taxItems(doc)
	if err != nil {
		return err
	}
	have := map[taxItem]*MoveLine{}
	var gone []int64
	for _, l := range s.tax {
		k := taxItem{l.TaxRepartitionID.ID, l.AccountID.ID}
		if _, wanted := amounts[k]; !wanted || have[k] != nil {
			gone = append(gone, l.ID)
			continue
		}
		have[k] = l
	}
	if err := s.env.Model("account.move.line").Browse(gone...).Unlink(); err != nil {
		return err
	}
	var changed []*MoveLine
	var fresh []orm.Values
	for _, k := range order {
		amount := s.sign.Mul(amounts[k])
		balance, err := s.inBooks(amount)
		if err != nil {
			return err
		}
		taxed, err := s.inBooks(bases[k])
		if err != nil {
			return err
		}
		s.total, s.book = s.total.Add(amount), s.book.Add(balance)
		l := have[k]
		if l == nil {
			fresh = append(fresh, orm.Values{"move_id": s.m.ID, "display_type": "tax", "name": names[k.share], "account_id": k.account, "tax_repartition_line_id": k.share,
				"tax_base_amount": taxed, "balance": balance, "amount_currency": amount, "currency_id": s.m.CurrencyID.ID, "partner_id": orNil(s.m.CommercialID.ID), "sequence": 1000})
			continue
		}
		if s.setAmounts(l, balance, amount) || !l.TaxBaseAmount.Equal(taxed) {
			l.TaxBaseAmount = taxed
			changed = append(changed, l)
		}
	}
	if err := s.save(changed, "tax_base_amount"); err != nil {
		return err
	}
	if len(fresh) > 0 {
		_, err := s.env.Model("account.move.line").Create(fresh...)
		return err
	}
	return nil
}

// bookTerms makes the items on which the partner owes the total, one for each
// day a part is due.
func (s *syncer) bookTerms() error {
	m := s.m
	var parts []installment
	due := m.DueDate
	day := m.InvoiceDate
	if day.IsZero() {
		day = s.env.Today()
	}
	if len(s.lines) > 0 {
		if t := m.PaymentTermID.Rec(); t != nil {
			parts = split(t.LineIDs.All(), s.total.Neg(), day, s.places)
			due = day
			for _, p := range parts {
				if due.Before(p.due) {
					due = p.due
				}
			}
		} else {
			if due.IsZero() || due.Before(day) {
				due = day
			}
			parts = []installment{{due, s.total.Neg()}}
		}
	}
	if (m.PaymentTermID.IsSet() || !m.InvoiceDate.IsZero()) && m.DueDate.String() != due.String() {
		m.DueDate = due
		if err := orm.Save(s.env, []*Move{m}, "invoice_date_due"); err != nil {
			return err
		}
	}
	account := int64(0)
	if len(s.terms) > 0 {
		account = s.terms[0].AccountID.ID
	}
	wanted, err := partnerAccount(s.env, m.CompanyID.ID, m.PartnerID.ID, m.IsPurchase())
	if err != nil {
		return err
	}
	if wanted, err = MapAccount(s.env, m.FiscalPositionID.ID, wanted); err != nil {
		return err
	}
	slices.SortFunc(s.terms, func(a, b *MoveLine) int { return int(a.ID - b.ID) })
	var gone []int64
	for _, l := range s.terms[min(len(parts), len(s.terms)):] {
		gone = append(gone, l.ID)
	}
	if err := s.env.Model("account.move.line").Browse(gone...).Unlink(); err != nil {
		return err
	}
	left := s.book.Neg()
	var changed []*MoveLine
	var fresh []orm.Values
	for i, p := range parts {
		balance := left
		if i < len(parts)-1 {
			if balance, err = s.inBooks(p.amount); err != nil {
				return err
			}
		}
		left = left.Sub(balance)
		if i < len(s.terms) {
			l := s.terms[i]
			moved := account != wanted || l.DateMaturity.String() != p.due.String()
			l.AccountID, l.DateMaturity = orm.RefTo[Account](wanted), p.due
			if s.setAmounts(l, balance, p.amount) || moved {
				changed = append(changed, l)
			}
			continue
		}
		vals := orm.Values{"move_id": m.ID, "display_type": "payment_term", "account_id": wanted, "balance": balance, "amount_currency": p.amount,
			"currency_id": m.CurrencyID.ID, "partner_id": orNil(m.CommercialID.ID), "date_maturity": p.due, "sequence": 2000 + i}
		if m.PaymentReference != "" {
			vals["name"] = m.PaymentReference
		}
		fresh = append(fresh, vals)
	}
	if err := s.save(changed, "account_id", "date_maturity"); err != nil {
		return err
	}
	if len(fresh) > 0 {
		if _, err := s.env.Model("account.move.line").Create(fresh...); err != nil {
			return fmt.Errorf("due items of entry %d: %w", m.ID, err)
		}
	}
	return nil
}
