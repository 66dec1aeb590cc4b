package account

import (
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// Account is one account of the books of one or more companies.
type Account struct {
	orm.Record `orm:"account.account" label:"Account" order:"code, id" search:"code,name"`
	mail.Thread
	Name           string                        `orm:"name,required,translate,tracking" label:"Account Name"`
	Code           string                        `orm:"code,required,size=64,index,tracking" label:"Code"`
	AccountType    string                        `orm:"account_type,required,index,tracking" selection:"asset_receivable:Receivable,asset_cash:Bank and Cash,asset_current:Current Assets,asset_non_current:Non-current Assets,asset_prepayments:Prepayments,asset_fixed:Fixed Assets,liability_payable:Payable,liability_credit_card:Credit Card,liability_current:Current Liabilities,liability_non_current:Non-current Liabilities,equity:Equity,equity_unaffected:Current Year Earnings,income:Income,income_other:Other Income,expense:Expenses,expense_depreciation:Depreciation,expense_direct_cost:Cost of Revenue,off_balance:Off-Balance Sheet" label:"Type"`
	InternalGroup  string                        `orm:"internal_group,store,readonly" selection:"equity:Equity,asset:Asset,liability:Liability,income:Income,expense:Expense,off:Off Balance" label:"Internal Group"`
	Reconcile      bool                          `orm:"reconcile,store,tracking" label:"Allow Reconciliation" help:"Items of this account can be matched with each other, as invoices are with payments."`
	Deprecated     bool                          `orm:"deprecated,tracking" label:"Deprecated"`
	Active         bool                          `orm:"active,default=true" label:"Active"`
	CurrencyID     orm.Ref[base.Currency]        `orm:"currency_id" label:"Account Currency" help:"Forces all journal items of this account to this currency."`
	CompanyIDs     orm.Many[base.Company]        `orm:"company_ids,rel=account_account_res_company_rel:account_account_id:res_company_id" label:"Companies"`
	TaxIDs         orm.Many[Tax]                 `orm:"tax_ids,rel=account_account_tax_default_rel:account_id:tax_id" label:"Default Taxes"`
	Note           string                        `orm:"note,text" label:"Internal Notes"`
	CurrentBalance orm.Deferred[decimal.Decimal] `orm:"current_balance,digits=2" label:"Current Balance"`
	DisplayName    orm.Deferred[string]          `orm:"display_name"`
}

func defineAccount(r *orm.Registry) {
	d := orm.Define[Account](r)
	d.Default("company_ids", func(env *orm.Env) (any, error) {
		id, err := booksCompanyID(env, env.Company())
		return []orm.Command{orm.SetIDs(id)}, err
	})
	d.Compute("internal_group", func(_ *orm.Env, as []*Account) error {
		for _, a := range as {
			a.InternalGroup, _, _ = strings.Cut(a.AccountType, "_")
		}
		return nil
	}, "account_type")
	d.Compute("reconcile", func(_ *orm.Env, as []*Account) error {
		for _, a := range as {
			switch a.AccountType {
			case AssetReceivable, LiabilityPayable:
				a.Reconcile = true
			case AssetCash, LiabilityCreditCard, OffBalance:
				a.Reconcile = false
			}
		}
		return nil
	}, "account_type")
	d.Compute("display_name", func(_ *orm.Env, as []*Account) error {
		for _, a := range as {
			a.DisplayName.Set(a.Code + " " + a.Name)
		}
		return nil
	}, "code", "name")
	// What is typed begins with the code, as the name that is shown does.
	d.SearchBy("display_name", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		if texts, _ := value.([]any); len(texts) > 0 && op == "in" {
			codes := make([]any, len(texts))
			for i, text := range texts {
				codes[i] = firstWord(text)
			}
			return orm.Or(orm.Leaf("code", "in", codes), orm.Leaf("name", "in", texts)), nil
		}
		text, _ := value.(string)
		code := firstWord(value)
		switch {
		case code == "":
			return orm.AnyOf(op, value, "code", "name"), nil
		case op == "=":
			return orm.Or(orm.Leaf("code", "=", code), orm.Leaf("name", "=", text)), nil
		case op == "!=":
			return orm.And(orm.Leaf("code", "!=", code), orm.Leaf("name", "!=", text)), nil
		case op == "not like" || op == "not ilike":
			return orm.And(orm.Not(orm.Leaf("code", "=like", code+"%")), orm.Leaf("name", op, text)), nil
		}
		return orm.Or(orm.Leaf("code", "=like", code+"%"), orm.Leaf("name", op, text)), nil
	})
	d.Compute("current_balance", func(env *orm.Env, as []*Account) error {
		sums := map[any]decimal.Decimal{}
		items := env.Model("account.move.line")
		if ok, err := items.HasAccess(orm.OpRead); err != nil {
			return err
		} else if ok {
			groups, err := items.ReadGroup(orm.And(orm.Leaf("account_id", "in", orm.IDs(env, as)), orm.Leaf("parent_state", "=", "posted"), orm.Leaf("company_id", "in", env.Companies())),
				[]string{"account_id"}, []string{"balance:sum"}, orm.GroupOptions{})
			if err != nil {
				return err
			}
			for _, g := range groups {
				sums[g.Keys[0]], _ = g.Values["balance:sum"].(decimal.Decimal)
			}
		}
		for _, a := range as {
			a.CurrentBalance.Set(sums[a.ID])
		}
		return nil
	})
	d.Constrain("code, company_ids", uniqueCodes)
	d.Constrain("reconcile, account_type", func(_ *orm.Env, as []*Account) error {
		for _, a := range as {
			if (a.AccountType == AssetReceivable || a.AccountType == LiabilityPayable) && !a.Reconcile {
				return orm.ValidationErrorf("You cannot have a receivable/payable account that is not reconcilable. (account code: %s)", a.Code)
			}
		}
		return nil
	})
	d.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			used, err := rs.Env.Sudo().Model("account.move.line").SearchCount(orm.Leaf("account_id", "in", rs.IDs), 1)
			if err != nil {
				return err
			}
			if used > 0 {
				return orm.UserErrorf("You cannot perform this action on an account that contains journal items.")
			}
			return super(rs)
		}
	})
}

// uniqueCodes refuses two accounts of one company with the same code.
func uniqueCodes(env *orm.Env, as []*Account) error {
	// SQL: joins accounts with each other, seen by the user or not.
	code, found, err := orm.MaybeRow[string](env, orm.SQL(`SELECT a.code FROM account_account a
		JOIN account_account_res_company_rel r ON r.account_account_id = a.id
		JOIN account_account_res_company_rel o ON o.res_company_id = r.res_company_id AND o.account_account_id <> a.id
		JOIN account_account b ON b.id = o.account_account_id AND b.code = a.code
		WHERE a.id = ANY(?) LIMIT 1`, orm.IDs(env, as)).Reads("account.account", "code", "company_ids"))
	if err != nil {
		return err
	}
	if found {
		return orm.ValidationErrorf("Account codes must be unique. You can't create accounts with these duplicate codes: %s", code)
	}
	return nil
}

func firstWord(v any) string {
	text, _ := v.(string)
	word, _, _ := strings.Cut(text, " ")
	return word
}
