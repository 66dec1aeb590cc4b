package account

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// Journal groups entries of one kind and numbers them.
type Journal struct {
	orm.Record `orm:"account.journal" label:"Journal" order:"sequence, type, code" search:"name,code"`
	mail.Thread
	Name              string                 `orm:"name,required,translate" label:"Journal Name"`
	Code              string                 `orm:"code,required,size=5" label:"Short Code" help:"Shorter name used for display, and the prefix of the numbers of this journal's entries."`
	Active            bool                   `orm:"active,default=true" label:"Active"`
	Type              string                 `orm:"type,required,index" selection:"sale:Sales,purchase:Purchase,cash:Cash,bank:Bank,credit:Credit Card,general:Miscellaneous" label:"Type"`
	DefaultAccountID  orm.Ref[Account]       `orm:"default_account_id,ondelete=restrict,check_company" label:"Default Account"`
	SuspenseAccountID orm.Ref[Account]       `orm:"suspense_account_id,ondelete=restrict,check_company" label:"Suspense Account"`
	ProfitAccountID   orm.Ref[Account]       `orm:"profit_account_id,check_company" label:"Profit Account"`
	LossAccountID     orm.Ref[Account]       `orm:"loss_account_id,check_company" label:"Loss Account"`
	RefundSequence    bool                   `orm:"refund_sequence,store" label:"Dedicated Credit Note Sequence" help:"Number credit notes apart from invoices, with an R before the code."`
	PaymentSequence   bool                   `orm:"payment_sequence,store" label:"Dedicated Payment Sequence" help:"Number payments apart from bank transactions, with a P before the code."`
	Sequence          int                    `orm:"sequence,default=10" label:"Sequence"`
	CurrencyID        orm.Ref[base.Currency] `orm:"currency_id" label:"Currency"`
	CompanyID         orm.Ref[base.Company]  `orm:"company_id,required,readonly,index" label:"Company"`
	Color             int                    `orm:"color" label:"Color Index"`
	ShowOnDashboard   bool                   `orm:"show_on_dashboard,default=true" label:"Show journal on dashboard"`
	NumberTurn        int                    `orm:"number_turn,nocopy" label:"Number Turn" help:"Raised by every numbering, so that two entries posted at once cannot take one number."`
	DisplayName       orm.Deferred[string]   `orm:"display_name"`
}

func defineJournal(r *orm.Registry) {
	d := orm.Define[Journal](r)
	d.Default("company_id", func(env *orm.Env) (any, error) { return booksCompanyID(env, env.Company()) })
	d.Compute("refund_sequence", func(_ *orm.Env, js []*Journal) error {
		for _, j := range js {
			j.RefundSequence = j.Type == JournalSale || j.Type == JournalPurchase
		}
		return nil
	}, "type")
	d.Compute("payment_sequence", func(_ *orm.Env, js []*Journal) error {
		for _, j := range js {
			j.PaymentSequence = j.Type == JournalBank || j.Type == JournalCash || j.Type == JournalCredit
		}
		return nil
	}, "type")
	d.Compute("display_name", func(_ *orm.Env, js []*Journal) error {
		for _, j := range js {
			j.DisplayName.Set(j.Name)
			if c := j.CurrencyID.Rec(); c != nil {
				j.DisplayName.Set(j.DisplayName.Get() + " (" + c.Name + ")")
			}
		}
		return nil
	}, "name", "currency_id.name")
	d.Unique("code_company_uniq", "company_id, code", "Journal codes must be unique per company.")
	invalidateOnChange(d, journalsKey{})
	d.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			used, err := rs.Env.Sudo().Model("account.move").SearchCount(orm.Leaf("journal_id", "in", rs.IDs), 1)
			if err != nil {
				return err
			}
			if used > 0 {
				return orm.UserErrorf("You cannot delete a journal that has entries. Archive it instead.")
			}
			return super(rs)
		}
	})
}
