package account

import (
	"fmt"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// The methods of payments other addons may override.
var (
	ActionPostPayment   = orm.Method[Payment]{Name: "action_post"}
	ActionDraftPayment  = orm.Method[Payment]{Name: "action_draft"}
	ActionCancelPayment = orm.Method[Payment]{Name: "action_cancel"}
)

func definePayment(r *orm.Registry) {
	d := orm.Define[Payment](r)
	d.Default("journal_id", func(env *orm.Env) (any, error) {
		j, err := journalFor(env, env.Company(), "bank", "cash", "credit")
		if err != nil {
			return nil, err
		}
		return j.ID, nil
	})
	d.Compute("name", func(_ *orm.Env, ps []*Payment) error {
		for _, p := range ps {
			p.Name = ""
			if m := p.MoveID.Rec(); m != nil {
				p.Name = m.Name
			}
		}
		return nil
	}, "move_id.name")
	d.Compute("display_name", func(_ *orm.Env, ps []*Payment) error {
		for _, p := range ps {
			p.DisplayName.Set(p.Name)
			if p.Name == "" || p.Name == "/" {
				p.DisplayName.Set(fmt.Sprintf("Draft Payment (* %d)", p.ID))
			}
		}
		return nil
	}, "name")
	d.Compute("amount_signed", func(_ *orm.Env, ps []*Payment) error {
		for _, p := range ps {
			p.AmountSigned.Set(p.Amount)
			if p.PaymentType == PaymentOutbound {
				p.AmountSigned.Set(p.Amount.Neg())
			}
		}
		return nil
	}, "amount", "payment_type")
	d.Compute("is_reconciled", func(env *orm.Env, ps []*Payment) error {
		for _, p := range ps {
			open, err := env.Sudo().Model("account.move.line").SearchCount(orm.And(orm.Leaf("move_id", "=", p.MoveID.ID),
				orm.Leaf("account_id.account_type", "in", []string{"asset_receivable", "liability_payable"}), orm.Leaf("reconciled", "=", false)), 1)
			if err != nil {
				return err
			}
			p.IsReconciled.Set(p.MoveID.IsSet() && open == 0)
		}
		return nil
	}, "move_id")
	d.Check("check_amount_not_negative", "amount >= 0", "The payment amount cannot be negative.")
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			full := make([]orm.Values, len(list))
			for i, vals := range list {
				v, err := completePayment(rs.Env, vals.Clone())
				if err != nil {
					return rs, err
				}
				full[i] = v
			}
			return super(rs, full)
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if !marked(rs.Env, keyForce) && vals.Has("amount", "currency_id", "partner_id", "payment_type", "partner_type", "journal_id", "date", "destination_account_id") {
				ps, err := orm.Read[Payment](rs.Env, rs.IDs)
				if err != nil {
					return err
				}
				for _, p := range ps {
					if p.State != PaymentDraft {
						return orm.UserErrorf("Payment %s is posted. Reset it to draft before changing it.", p.Name)
					}
				}
			}
			return super(rs, vals)
		}
	})
	d.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			ps, err := orm.Read[Payment](rs.Env, rs.IDs)
			if err != nil {
				return err
			}
			for _, p := range ps {
				if p.State != PaymentDraft && p.State != PaymentCancelled {
					return orm.UserErrorf("You cannot delete payment %s because it is posted. Cancel it instead.", p.Name)
				}
			}
			return super(rs)
		}
	})
	orm.Implement(d, ActionPostPayment, postPayments)
	orm.Implement(d, ActionDraftPayment, draftPayments)
	orm.Implement(d, ActionCancelPayment, cancelPayments)
}

// completePayment fills company, currency and the account the money is owed on.
func completePayment(env *orm.Env, vals orm.Values) (orm.Values, error) {
	var j *Journal
	var err error
	if id := vals.ID("journal_id"); id != 0 {
		if j, err = orm.Get[Journal](env.Sudo(), id); err != nil {
			return nil, err
		}
		if vals.ID("company_id") == 0 {
			vals["company_id"] = j.CompanyID.ID
		}
	}
	company := vals.ID("company_id")
	if company == 0 {
		company = env.Company()
	}
	if j == nil {
		if j, err = journalFor(env, company, "bank", "cash", "credit"); err != nil {
			return nil, err
		}
		vals["journal_id"] = j.ID
	}
	if vals.ID("currency_id") == 0 {
		if vals["currency_id"], err = documentCurrency(env, j, company); err != nil {
			return nil, err
		}
	}
	if vals.ID("destination_account_id") == 0 {
		supplier := vals.Text("partner_type") == "supplier"
		if vals["destination_account_id"], err = partnerAccount(env, company, vals.ID("partner_id"), supplier); err != nil {
			return nil, err
		}
	}
	return vals, nil
}

func postPayments(env *orm.Env, ps []*Payment, _ orm.Args) (any, error) {
	if err := mayPost(env); err != nil {
		return nil, err
	}
	if err := orm.RecordsOf(env, ps...).CheckAccess(orm.OpWrite); err != nil {
		return nil, err
	}
	sudo := env.Sudo()
	if err := orm.Load(sudo, ps, "journal_id.default_account_id"); err != nil {
		return nil, err
	}
	for _, p := range ps {
		if p.State != PaymentDraft {
			return nil, orm.UserErrorf("Only draft payments can be posted; %s is not one.", p.Name)
		}
		if err := bookPayment(sudo, p); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// bookPayment makes and posts the entry of a payment: the money against what
// the partner owes.
func bookPayment(env *orm.Env, p *Payment) error {
	money := p.OutstandingID.ID
	if money == 0 {
		money = p.JournalID.Rec().DefaultAccountID.ID
	}
	if money == 0 {
		return orm.UserErrorf("Journal %s has no account for the money. Set its default account.", p.JournalID.Rec().Name)
	}
	own, err := base.CompanyCurrency(env, p.CompanyID.ID)
	if err != nil {
		return err
	}
	amount := p.Amount
	if p.PaymentType == PaymentOutbound {
		amount = amount.Neg()
	}
	balance, err := base.Convert(env, amount, p.CurrencyID.ID, own, p.CompanyID.ID, p.Date)
	if err != nil {
		return err
	}
	name := "Customer Payment"
	if p.PartnerType == PartnerSupplier {
		name = "Vendor Payment"
	}
	if p.Memo != "" {
		name = p.Memo
	}
	line := func(account int64, balance, inCurrency decimal.Decimal) orm.Command {
		return orm.CreateLine(orm.Values{"name": name, "account_id": account, "partner_id": p.PartnerID.ID, "currency_id": p.CurrencyID.ID,
			"balance": balance, "amount_currency": inCurrency, "date_maturity": p.Date})
	}
	vals := orm.Values{"move_type": "entry", "journal_id": p.JournalID.ID, "company_id": p.CompanyID.ID, "date": p.Date, "partner_id": p.PartnerID.ID,
		"currency_id": p.CurrencyID.ID, "ref": p.Memo, "origin_payment_id": p.ID,
		"line_ids": []orm.Command{line(money, balance, amount), line(p.DestinationID.ID, balance.Neg(), amount.Neg())}}
	entries := env.WithContext(map[string]any{"tracking_disable": true}) // the payment has the history
	if p.MoveID.IsSet() {                                                // posted before: the entry keeps its number
		old := entries.Model("account.move").Browse(p.MoveID.ID)
		if err := old.Write(orm.Values{"date": p.Date, "partner_id": p.PartnerID.ID, "currency_id": p.CurrencyID.ID, "ref": p.Memo, "journal_id": p.JournalID.ID,
			"line_ids": append([]orm.Command{{Op: orm.CmdClear}}, vals["line_ids"].([]orm.Command)...)}); err != nil {
			return err
		}
	} else {
		made, err := entries.Model("account.move").Create(vals)
		if err != nil {
			return err
		}
		p.MoveID = orm.RefTo[Move](made.ID())
	}
	if err := Post(entries, p.MoveID.ID); err != nil {
		return err
	}
	p.State = PaymentPaid
	if p.OutstandingID.IsSet() {
		p.State = PaymentInProcess
	}
	return orm.Save(skipChecks(env), []*Payment{p}, "move_id", "state")
}

func draftPayments(env *orm.Env, ps []*Payment, _ orm.Args) (any, error) {
	return nil, resetPayments(env, ps, ButtonDraft, "draft")
}

func cancelPayments(env *orm.Env, ps []*Payment, _ orm.Args) (any, error) {
	return nil, resetPayments(env, ps, ButtonCancel, "canceled")
}

func resetPayments(env *orm.Env, ps []*Payment, act orm.Method[Move], state string) error {
	if err := orm.RecordsOf(env, ps...).CheckAccess(orm.OpWrite); err != nil {
		return err
	}
	if err := orm.Load(env.Sudo(), ps, "move_id"); err != nil {
		return err
	}
	for _, p := range ps {
		m := p.MoveID.Rec()
		if m != nil && (m.State != MoveDraft || act.Name == ButtonCancel.Name) {
			if _, err := orm.Invoke(env.Sudo(), act, []*Move{m}); err != nil {
				return err
			}
		}
	}
	return orm.RecordsOf(skipChecks(env), ps...).Write(orm.Values{"state": state})
}
