package account

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// PartialReconcile says that part of a debit item is settled by a credit item.
// Amount is in the company's currency, the two others in the items' own.
type PartialReconcile struct {
	orm.Record      `orm:"account.partial.reconcile" label:"Partial Reconcile" order:"id"`
	DebitMoveID     orm.Ref[MoveLine]      `orm:"debit_move_id,required,index,ondelete=cascade" label:"Debit Move"`
	CreditMoveID    orm.Ref[MoveLine]      `orm:"credit_move_id,required,index,ondelete=cascade" label:"Credit Move"`
	FullReconcileID orm.Ref[FullReconcile] `orm:"full_reconcile_id,nocopy,index" label:"Full Reconcile"`
	ExchangeMoveID  orm.Ref[Move]          `orm:"exchange_move_id,index" label:"Exchange Difference"`
	Amount          decimal.Decimal        `orm:"amount,currency=company_currency_id" label:"Amount"`
	DebitAmount     decimal.Decimal        `orm:"debit_amount_currency,currency=debit_currency_id" label:"Debit Amount Currency"`
	CreditAmount    decimal.Decimal        `orm:"credit_amount_currency,currency=credit_currency_id" label:"Credit Amount Currency"`
	CompanyCurrency orm.Ref[base.Currency] `orm:"company_currency_id,related=company_id.currency_id,readonly" label:"Company Currency"`
	DebitCurrency   orm.Ref[base.Currency] `orm:"debit_currency_id,related=debit_move_id.currency_id,store" label:"Currency of the debit journal item."`
	CreditCurrency  orm.Ref[base.Currency] `orm:"credit_currency_id,related=credit_move_id.currency_id,store" label:"Currency of the credit journal item."`
	CompanyID       orm.Ref[base.Company]  `orm:"company_id,related=debit_move_id.company_id,store" label:"Company"`
	MaxDate         orm.Date               `orm:"max_date" label:"Max Date of Matched Lines"`
}

// FullReconcile groups items that settle each other without remainder.
type FullReconcile struct {
	orm.Record    `orm:"account.full.reconcile" label:"Full Reconcile" order:"id"`
	PartialIDs    orm.Many[PartialReconcile] `orm:"partial_reconcile_ids,inverse=full_reconcile_id" label:"Reconciliation Parts"`
	ReconciledIDs orm.Many[MoveLine]         `orm:"reconciled_line_ids,inverse=full_reconcile_id" label:"Matched Journal Items"`
}

func defineReconcile(r *orm.Registry) {
	p := orm.Define[PartialReconcile](r)
	p.Constrain("debit_move_id, credit_move_id", func(_ *orm.Env, ps []*PartialReconcile) error {
		for _, p := range ps {
			if p.DebitMoveID.ID == p.CreditMoveID.ID {
				return orm.ValidationErrorf("A journal item cannot be matched with itself.")
			}
		}
		return nil
	})
	orm.Define[FullReconcile](r)
}

// Reconcile matches open posted items of one account with each other, oldest
// first, as far as debits and credits reach.
func Reconcile(env *orm.Env, lines ...int64) error {
	ls, err := orm.Read[MoveLine](env.Sudo(), lines)
	if err != nil {
		return err
	}
	return reconcile(env.Sudo(), ls)
}

func reconcile(env *orm.Env, ls []*MoveLine) error {
	ls = slices.DeleteFunc(slices.Clone(ls), func(l *MoveLine) bool { return l.Reconciled })
	if len(ls) < 2 {
		return nil
	}
	account, err := orm.Get[Account](env, ls[0].AccountID.ID)
	if err != nil {
		return err
	}
	if !account.Reconcile && account.AccountType != AssetCash && account.AccountType != LiabilityCreditCard {
		return orm.UserErrorf("Account %s %s does not allow reconciliation. First change the configuration of this account to allow it.", account.Code, account.Name)
	}
	for _, l := range ls {
		switch {
		case l.AccountID.ID != account.ID:
			return orm.UserErrorf("Entries are not from the same account.")
		case l.ParentState != MovePosted:
			return orm.UserErrorf("You can only reconcile posted entries.")
		case l.CompanyID.ID != ls[0].CompanyID.ID:
			return orm.UserErrorf("Entries do not belong to the same company.")
		}
	}
	slices.SortStableFunc(ls, func(a, b *MoveLine) int {
		if d := int(a.maturity().Time().Sub(b.maturity().Time()).Hours()); d != 0 {
			return d
		}
		return int(a.ID - b.ID)
	})
	own, err := base.CompanyCurrency(env, ls[0].CompanyID.ID)
	if err != nil {
		return err
	}
	partials, err := matchLines(env, ls, own)
	if err != nil || len(partials) == 0 {
		return err
	}
	return mail.TrackAround(entriesOf(env, ls), func() error {
		if err := orm.Create(skipChecks(env), partials...); err != nil {
			return err
		}
		if err := bookExchange(env, ls, partials, own); err != nil {
			return err
		}
		return markMatching(env, ls)
	})
}

// entriesOf are the entries of items.
func entriesOf(env *orm.Env, ls []*MoveLine) orm.Records {
	ids := make([]int64, len(ls))
	for i, l := range ls {
		ids[i] = l.MoveID.ID
	}
	return env.Model("account.move").Browse(unique(ids)...)
}

func (l *MoveLine) maturity() orm.Date {
	if !l.DateMaturity.IsZero() {
		return l.DateMaturity
	}
	return l.Date
}

// matchLines matches debits with credits in order and lowers what is left of them.
func matchLines(env *orm.Env, ls []*MoveLine, own int64) ([]*PartialReconcile, error) {
	var debits, credits []*MoveLine
	for _, l := range ls {
		switch {
		case l.AmountResidual.IsPositive() || l.AmountResidual.IsZero() && l.ResidualCurrency.IsPositive():
			debits = append(debits, l)
		case l.AmountResidual.IsNegative() || l.ResidualCurrency.IsNegative():
			credits = append(credits, l)
		}
	}
	var out []*PartialReconcile
	for len(debits) > 0 && len(credits) > 0 {
		d, c := debits[0], credits[0]
		p, err := match(env, d, c, own)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
		d.AmountResidual, d.ResidualCurrency = d.AmountResidual.Sub(p.Amount), d.ResidualCurrency.Sub(p.DebitAmount)
		c.AmountResidual, c.ResidualCurrency = c.AmountResidual.Add(p.Amount), c.ResidualCurrency.Add(p.CreditAmount)
		before := len(debits) + len(credits)
		if fullyMatched(d, own) {
			debits = debits[1:]
		}
		if fullyMatched(c, own) {
			credits = credits[1:]
		}
		if len(debits)+len(credits) == before {
			return nil, fmt.Errorf("account: items %d and %d cannot be matched: neither is used up by %s", d.ID, c.ID, p.Amount)
		}
	}
	return out, nil
}

func fullyMatched(l *MoveLine, own int64) bool {
	if l.CurrencyID.ID == own {
		return l.AmountResidual.IsZero()
	}
	return l.ResidualCurrency.IsZero() || l.AmountResidual.IsZero()
}

// match settles as much of a debit by a credit as both allow. Items of one
// foreign currency are matched in it; others in the company's currency.
func match(env *orm.Env, d, c *MoveLine, own int64) (*PartialReconcile, error) {
	p := &PartialReconcile{DebitMoveID: orm.RefTo[MoveLine](d.ID), CreditMoveID: orm.RefTo[MoveLine](c.ID), MaxDate: d.Date}
	if p.MaxDate.Before(c.Date) {
		p.MaxDate = c.Date
	}
	if d.CurrencyID.ID == c.CurrencyID.ID && d.CurrencyID.ID != own {
		part := decimal.Min(d.ResidualCurrency, c.ResidualCurrency.Neg())
		p.DebitAmount, p.CreditAmount = part, part
		worth := func(l *MoveLine) (decimal.Decimal, error) {
			if l.ResidualCurrency.Abs().Equal(part) {
				return l.AmountResidual.Abs(), nil
			}
			return base.Round(env, l.AmountResidual.Abs().Mul(part).DivRound(l.ResidualCurrency.Abs(), 16), own)
		}
		debit, err := worth(d)
		if err != nil {
			return nil, err
		}
		credit, err := worth(c)
		if err != nil {
			return nil, err
		}
		p.Amount = decimal.Min(debit, credit)
		return p, nil
	}
	p.Amount = decimal.Min(d.AmountResidual, c.AmountResidual.Neg())
	share := func(l *MoveLine) (decimal.Decimal, error) {
		switch {
		case l.CurrencyID.ID == own:
			return p.Amount, nil
		case l.AmountResidual.Abs().Equal(p.Amount):
			return l.ResidualCurrency.Abs(), nil
		}
		return base.Round(env, l.ResidualCurrency.Abs().Mul(p.Amount).DivRound(l.AmountResidual.Abs(), 16), l.CurrencyID.ID)
	}
	var err error
	if p.DebitAmount, err = share(d); err != nil {
		return nil, err
	}
	p.CreditAmount, err = share(c)
	return p, err
}

// bookExchange books what a change of the exchange rate left on items settled
// in their own currency, as gain or loss, and matches it.
func bookExchange(env *orm.Env, ls []*MoveLine, partials []*PartialReconcile, own int64) error {
	for _, l := range ls {
		if l.CurrencyID.ID == own || !l.ResidualCurrency.IsZero() || l.AmountResidual.IsZero() {
			continue
		}
		c, err := booksCompany(env, l.CompanyID.ID)
		if err != nil {
			return err
		}
		other := c.ExchangeLossID
		if l.AmountResidual.IsNegative() {
			other = c.ExchangeGainID
		}
		if !other.IsSet() || !c.ExchangeJournalID.IsSet() {
			return orm.UserErrorf("The exchange rate changed between the two documents. Set the exchange journal and the gain and loss accounts of %s first.", c.Name)
		}
		day := partials[0].MaxDate
		for _, p := range partials {
			if (p.DebitMoveID.ID == l.ID || p.CreditMoveID.ID == l.ID) && day.Before(p.MaxDate) {
				day = p.MaxDate
			}
		}
		left := l.AmountResidual
		made, err := env.Model("account.move").Create(orm.Values{"move_type": "entry", "journal_id": c.ExchangeJournalID.ID, "company_id": l.CompanyID.ID, "date": day,
			"line_ids": []orm.Command{
				orm.CreateLine(orm.Values{"name": "Currency exchange rate difference", "account_id": l.AccountID.ID, "partner_id": l.PartnerID.ID, "currency_id": l.CurrencyID.ID, "balance": left.Neg(), "amount_currency": decimal.Zero, "sequence": 0}),
				orm.CreateLine(orm.Values{"name": "Currency exchange rate difference", "account_id": other.ID, "partner_id": l.PartnerID.ID, "currency_id": l.CurrencyID.ID, "balance": left, "amount_currency": decimal.Zero, "sequence": 1}),
			}})
		if err != nil {
			return err
		}
		if err := Post(env, made.ID()); err != nil {
			return err
		}
		mirror, err := orm.First[MoveLine](env, orm.And(orm.Leaf("move_id", "=", made.ID()), orm.Leaf("account_id", "=", l.AccountID.ID)), "id")
		if err != nil {
			return err
		}
		p := &PartialReconcile{Amount: left.Abs(), MaxDate: day, ExchangeMoveID: orm.RefTo[Move](made.ID()), DebitMoveID: orm.RefTo[MoveLine](l.ID), CreditMoveID: orm.RefTo[MoveLine](mirror.ID)}
		if left.IsNegative() {
			p.DebitMoveID, p.CreditMoveID = p.CreditMoveID, p.DebitMoveID
		}
		if err := orm.Create(skipChecks(env), p); err != nil {
			return err
		}
	}
	return nil
}

// markMatching groups items that settle each other fully, and numbers the
// groups of the others.
func markMatching(env *orm.Env, ls []*MoveLine) error {
	type item struct {
		ID         int64
		Reconciled bool
	}
	// SQL: recursive.
	rows, err := orm.Rows[item](env, orm.SQL(`WITH RECURSIVE net AS (
			SELECT unnest(?::bigint[]) AS id
			UNION SELECT CASE WHEN p.debit_move_id = net.id THEN p.credit_move_id ELSE p.debit_move_id END
			FROM net JOIN account_partial_reconcile p ON p.debit_move_id = net.id OR p.credit_move_id = net.id)
		SELECT l.id, COALESCE(l.reconciled, false) AS reconciled FROM net JOIN account_move_line l ON l.id = net.id`, orm.IDs(env, ls)).
		Reads("account.partial.reconcile").Reads("account.move.line", "reconciled"))
	if err != nil {
		return err
	}
	var ids []int64
	all := true
	for _, row := range rows {
		ids = append(ids, row.ID)
		all = all && row.Reconciled
	}
	ps, err := orm.Search[PartialReconcile](env, orm.Or(orm.Leaf("debit_move_id", "in", ids), orm.Leaf("credit_move_id", "in", ids)), orm.SearchOptions{Order: "id"})
	if err != nil || len(ps) == 0 {
		return err
	}
	items := skipChecks(env).Model("account.move.line").Browse(ids...)
	if !all {
		return items.Write(orm.Values{"matching_number": fmt.Sprintf("P%d", ps[0].ID)})
	}
	full := &FullReconcile{}
	if err := orm.Create(env, full); err != nil {
		return err
	}
	if err := orm.RecordsOf(env, ps...).Write(orm.Values{"full_reconcile_id": full.ID}); err != nil {
		return err
	}
	return items.Write(orm.Values{"full_reconcile_id": full.ID, "matching_number": fmt.Sprint(full.ID)})
}

// unreconcileMoves undoes the matching of all items of entries; exchange
// differences booked for it are reversed.
func unreconcileMoves(env *orm.Env, moves []int64) error {
	env = env.Sudo()
	ps, err := orm.Search[PartialReconcile](env, orm.Or(orm.Leaf("debit_move_id.move_id", "in", moves), orm.Leaf("credit_move_id.move_id", "in", moves)), orm.SearchOptions{})
	if err != nil || len(ps) == 0 {
		return err
	}
	return removePartials(env, ps)
}

func removePartials(env *orm.Env, ps []*PartialReconcile) error {
	var fulls, items, exchange []int64
	for _, p := range ps {
		items = append(items, p.DebitMoveID.ID, p.CreditMoveID.ID)
		if p.FullReconcileID.IsSet() && !slices.Contains(fulls, p.FullReconcileID.ID) {
			fulls = append(fulls, p.FullReconcileID.ID)
		}
		if p.ExchangeMoveID.IsSet() {
			exchange = append(exchange, p.ExchangeMoveID.ID)
		}
	}
	// An exchange difference belongs to the matching it was booked for.
	if len(fulls) > 0 {
		more, err := orm.Search[PartialReconcile](env, orm.And(orm.Leaf("full_reconcile_id", "in", fulls), orm.Leaf("exchange_move_id", "!=", false)), orm.SearchOptions{})
		if err != nil {
			return err
		}
		for _, p := range more {
			if !slices.ContainsFunc(ps, func(x *PartialReconcile) bool { return x.ID == p.ID }) {
				ps = append(ps, p)
				exchange = append(exchange, p.ExchangeMoveID.ID)
				items = append(items, p.DebitMoveID.ID, p.CreditMoveID.ID)
			}
		}
		grouped, err := env.Model("account.move.line").Search(orm.Leaf("full_reconcile_id", "in", fulls), orm.SearchOptions{})
		if err != nil {
			return err
		}
		items = append(items, grouped.IDs...)
	}
	items = unique(items)
	ls, err := orm.Read[MoveLine](env, items)
	if err != nil {
		return err
	}
	err = mail.TrackAround(entriesOf(env, ls), func() error {
		if err := orm.Delete(env, ps); err != nil {
			return err
		}
		return env.Flush() // what is due has changed, even if it is settled anew at once
	})
	if err != nil {
		return err
	}
	if err := skipChecks(env).Model("account.move.line").Browse(items...).Write(orm.Values{"full_reconcile_id": nil, "matching_number": nil}); err != nil {
		return err
	}
	if err := env.Model("account.full.reconcile").Browse(fulls...).Unlink(); err != nil {
		return err
	}
	if len(exchange) > 0 {
		ms, err := orm.Read[Move](env, exchange)
		if err != nil {
			return err
		}
		if _, err := reverseMoves(env, ms, reversal{date: env.Today(), post: true}); err != nil {
			return err
		}
	}
	return nil
}
