package account

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Company adds to a company how it keeps its books.
type Company struct {
	base.Company
	TaxRounding       string                `orm:"tax_calculation_rounding_method,default=round_per_line" selection:"round_per_line:Round per Line,round_globally:Round Globally" label:"Tax Calculation Rounding Method"`
	PriceInclude      string                `orm:"account_price_include,required,default=tax_excluded" selection:"tax_included:Tax Included,tax_excluded:Tax Excluded" label:"Default Sales Price Include"`
	SaleTaxID         orm.Ref[Tax]          `orm:"account_sale_tax_id" label:"Default Sale Tax"`
	PurchaseTaxID     orm.Ref[Tax]          `orm:"account_purchase_tax_id" label:"Default Purchase Tax"`
	FiscalLockDate    orm.Date              `orm:"fiscalyear_lock_date,tracking" label:"Global Lock Date" help:"Nobody can create or change entries up to this date."`
	TaxLockDate       orm.Date              `orm:"tax_lock_date,tracking" label:"Tax Return Lock Date" help:"Entries with taxes up to this date cannot be created or changed."`
	SaleLockDate      orm.Date              `orm:"sale_lock_date,tracking" label:"Sales Lock Date"`
	PurchaseLockDate  orm.Date              `orm:"purchase_lock_date,tracking" label:"Purchase Lock date"`
	HardLockDate      orm.Date              `orm:"hard_lock_date,tracking" label:"Hard Lock Date"`
	ReceivableID      orm.Ref[Account]      `orm:"account_default_receivable_id" label:"Default Receivable Account"`
	PayableID         orm.Ref[Account]      `orm:"account_default_payable_id" label:"Default Payable Account"`
	IncomeID          orm.Ref[Account]      `orm:"income_account_id" label:"Default Income Account"`
	ExpenseID         orm.Ref[Account]      `orm:"expense_account_id" label:"Default Expense Account"`
	TransferID        orm.Ref[Account]      `orm:"transfer_account_id" label:"Inter-Banks Transfer Account"`
	ExchangeJournalID orm.Ref[Journal]      `orm:"currency_exchange_journal_id" label:"Exchange Gain or Loss Journal"`
	ExchangeGainID    orm.Ref[Account]      `orm:"income_currency_exchange_account_id" label:"Gain Exchange Rate Account"`
	ExchangeLossID    orm.Ref[Account]      `orm:"expense_currency_exchange_account_id" label:"Loss Exchange Rate Account"`
	RoundingAccountID orm.Ref[Account]      `orm:"account_rounding_difference_id" label:"Rounding Difference Account"`
	ChartTemplate     string                `orm:"chart_template,readonly" label:"Chart of Accounts"`
	FiscalCountryID   orm.Ref[base.Country] `orm:"account_fiscal_country_id" label:"Fiscal Country"`
}

func defineCompany(r *orm.Registry) {
	d := orm.Extend[Company](r, "res.company")
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, vals []orm.Values) (orm.Records, error) {
			made, err := super(rs, vals)
			if err != nil {
				return made, err
			}
			return made, createCharts(rs.Env, made.IDs)
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if vals.Has("hard_lock_date") {
				if err := checkHardLock(rs, vals); err != nil {
					return err
				}
			}
			if vals["currency_id"] != nil {
				used, err := rs.Env.Sudo().Model("account.move.line").SearchCount(orm.And(orm.Leaf("company_id", "in", rs.IDs),
					orm.Leaf("company_id.currency_id", "!=", vals.ID("currency_id"))), 1)
				if err != nil {
					return err
				}
				if used > 0 {
					return orm.UserErrorf("You cannot change the currency of the company since some journal items already exist")
				}
			}
			defer invalidateCompanies(rs.Env, rs.IDs)
			if err := super(rs, vals); err != nil {
				return err
			}
			return setDefaultAccounts(rs, vals)
		}
	})
}

// setDefaultAccounts makes the receivable and payable accounts of companies those of
// the partners that have none of their own.
func setDefaultAccounts(rs orm.Records, vals orm.Values) error {
	for field, property := range map[string]string{"account_default_receivable_id": "property_account_receivable_id", "account_default_payable_id": "property_account_payable_id"} {
		if !vals.Has(field) {
			continue
		}
		for _, id := range rs.IDs {
			if err := base.SetDefault(rs.Env.Sudo(), "res.partner", property, vals.ID(field), false, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkHardLock refuses to take a hard lock back.
func checkHardLock(rs orm.Records, vals orm.Values) error {
	day := vals.Date("hard_lock_date")
	cs, err := orm.Read[Company](rs.Env.Sudo(), rs.IDs)
	if err != nil {
		return err
	}
	for _, c := range cs {
		if !c.HardLockDate.IsZero() && (day.IsZero() || day.Before(c.HardLockDate)) {
			return orm.UserErrorf("The Hard Lock Date cannot be decreased or removed.")
		}
	}
	return nil
}

// lockDate is the last day on which entries of a journal type are closed, zero
// when none is.
func (c *Company) lockDate(journalType string, taxed bool) orm.Date {
	days := []orm.Date{c.HardLockDate, c.FiscalLockDate}
	switch journalType {
	case "sale":
		days = append(days, c.SaleLockDate)
	case "purchase":
		days = append(days, c.PurchaseLockDate)
	}
	if taxed {
		days = append(days, c.TaxLockDate)
	}
	var last orm.Date
	for _, d := range days {
		if last.Before(d) {
			last = d
		}
	}
	return last
}
