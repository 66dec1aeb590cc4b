package account

import (
	"fmt"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// The generic chart: what a company needs to invoice, pay and close, with the
// codes and names of Odoo's generic chart of accounts.
var chartAccounts = []struct{ key, code, name, kind string }{
	{"current_assets", "101000", "Current Assets", "asset_current"},
	{"suspense", "101402", "Bank Suspense Account", "asset_current"},
	{"cash", "101501", "Cash", "asset_cash"},
	{"bank", "101401", "Bank", "asset_cash"},
	{"transfer", "101701", "Liquidity Transfer", "asset_current"},
	{"stock_valuation", "110100", "Stock Valuation", "asset_current"},
	{"receivable", "121000", "Account Receivable", "asset_receivable"},
	{"to_receive", "121100", "Products to receive", "asset_current"},
	{"tax_paid", "131000", "Tax Paid", "asset_current"},
	{"tax_receivable", "132000", "Tax Receivable", "asset_current"},
	{"prepayments", "141000", "Prepayments", "asset_prepayments"},
	{"fixed", "151000", "Fixed Asset", "asset_fixed"},
	{"non_current", "191000", "Non-current assets", "asset_non_current"},
	{"current_liabilities", "201000", "Current Liabilities", "liability_current"},
	{"payable", "211000", "Account Payable", "liability_payable"},
	{"tax_received", "251000", "Tax Received", "liability_current"},
	{"tax_payable", "252000", "Tax Payable", "liability_current"},
	{"non_current_liabilities", "291000", "Non-current Liabilities", "liability_non_current"},
	{"capital", "301000", "Capital", "equity"},
	{"dividends", "302000", "Dividends", "equity"},
	{"income", "400000", "Product Sales", "income"},
	{"exchange_gain", "441000", "Foreign Exchange Gain", "income"},
	{"cash_gain", "442000", "Cash Difference Gain", "income"},
	{"other_income", "450000", "Other Income", "income_other"},
	{"cogs", "500000", "Cost of Goods Sold", "expense_direct_cost"},
	{"expense", "600000", "Expenses", "expense"},
	{"bank_fees", "620000", "Bank Fees", "expense"},
	{"salary", "630000", "Salary Expenses", "expense"},
	{"exchange_loss", "641000", "Foreign Exchange Loss", "expense"},
	{"cash_loss", "642000", "Cash Difference Loss", "expense"},
	{"rounding", "643000", "Rounding Difference", "expense"},
	{"undistributed", "999999", "Undistributed Profits/Losses", "equity_unaffected"},
}

var chartJournals = []struct{ key, code, name, kind, account string }{
	{"sale", "INV", "Customer Invoices", "sale", "income"},
	{"purchase", "BILL", "Vendor Bills", "purchase", "expense"},
	{"general", "MISC", "Miscellaneous Operations", "general", ""},
	{"exch", "EXCH", "Exchange Difference", "general", ""},
	{"bank", "BNK1", "Bank", "bank", "bank"},
	{"cash", "CSH1", "Cash", "cash", "cash"},
}

// createCharts gives companies that keep their own books accounts, journals
// and default taxes; those that have a chart, and branches, are left alone.
func createCharts(env *orm.Env, companies []int64) error {
	env = env.Sudo()
	for _, id := range companies {
		c, err := orm.Get[Company](env, id)
		if err != nil {
			return err
		}
		if c.ParentID.IsSet() || c.ChartTemplate != "" {
			continue
		}
		if err := createChart(env, c); err != nil {
			return fmt.Errorf("chart of accounts of %s: %w", c.Name, err)
		}
	}
	return nil
}

func createChart(env *orm.Env, c *Company) error {
	accounts := map[string]int64{}
	vals := make([]orm.Values, len(chartAccounts))
	for i, a := range chartAccounts {
		vals[i] = orm.Values{"code": a.code, "name": a.name, "account_type": a.kind, "company_ids": []orm.Command{orm.SetIDs(c.ID)}}
	}
	made, err := env.Model("account.account").Create(vals...)
	if err != nil {
		return err
	}
	for i, a := range chartAccounts {
		accounts[a.key] = made.IDs[i]
	}
	journals := map[string]int64{}
	for i, j := range chartJournals {
		v := orm.Values{"name": j.name, "code": j.code, "type": j.kind, "company_id": c.ID, "sequence": 5 + i}
		if j.account != "" {
			v["default_account_id"] = accounts[j.account]
		}
		if j.kind == "bank" || j.kind == "cash" {
			v["suspense_account_id"] = accounts["suspense"]
			v["profit_account_id"], v["loss_account_id"] = accounts["cash_gain"], accounts["cash_loss"]
		}
		j2, err := env.Model("account.journal").Create(v)
		if err != nil {
			return err
		}
		journals[j.key] = j2.ID()
	}
	sale, purchase, err := chartTaxes(env, c, accounts)
	if err != nil {
		return err
	}
	country, err := companyCountry(env, c.ID)
	if err != nil {
		return err
	}
	// Writing them also makes them the defaults of partners.
	return env.Model("res.company").Browse(c.ID).Write(orm.Values{
		"chart_template": "generic_coa", "account_sale_tax_id": sale, "account_purchase_tax_id": purchase, "account_fiscal_country_id": orNil(country),
		"account_default_receivable_id": accounts["receivable"], "account_default_payable_id": accounts["payable"],
		"income_account_id": accounts["income"], "expense_account_id": accounts["expense"], "transfer_account_id": accounts["transfer"],
		"currency_exchange_journal_id": journals["exch"], "income_currency_exchange_account_id": accounts["exchange_gain"], "expense_currency_exchange_account_id": accounts["exchange_loss"],
		"account_rounding_difference_id": accounts["rounding"],
	})
}

func orNil(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// chartTaxes makes the default taxes: 15 % on sales and on purchases.
func chartTaxes(env *orm.Env, c *Company, accounts map[string]int64) (sale, purchase int64, err error) {
	group, err := orm.New[TaxGroup](env)
	if err != nil {
		return 0, 0, err
	}
	group.Name, group.CompanyID = "Tax 15%", orm.RefTo[base.Company](c.ID)
	if err := orm.Create(env, group); err != nil {
		return 0, 0, err
	}
	for use, account := range map[string]int64{"sale": accounts["tax_received"], "purchase": accounts["tax_paid"]} {
		lines := []orm.Command{orm.CreateLine(orm.Values{"repartition_type": "base"}), orm.CreateLine(orm.Values{"repartition_type": "tax", "account_id": account})}
		made, err := env.Model("account.tax").Create(orm.Values{"name": "15%", "amount": 15, "amount_type": "percent", "type_tax_use": use, "company_id": c.ID,
			"tax_group_id": group.ID, "invoice_label": "15%", "invoice_repartition_line_ids": lines, "refund_repartition_line_ids": lines})
		if err != nil {
			return 0, 0, err
		}
		if use == "sale" {
			sale = made.ID()
		} else {
			purchase = made.ID()
		}
	}
	return sale, purchase, nil
}

// postInit gives the companies that exist at installation their charts, and
// the database the two guarantees SQL constraints of one row cannot give.
func postInit(env *orm.Env) error {
	companies, err := env.Sudo().Model("res.company").Search(orm.Leaf("active", "in", []any{true, false}), orm.SearchOptions{})
	if err != nil {
		return err
	}
	if err := createCharts(env, companies.IDs); err != nil {
		return err
	}
	for _, sql := range guarantees {
		// SQL: triggers and indexes.
		if _, err := env.Exec(orm.Script(sql)); err != nil {
			return err
		}
	}
	return nil
}

// guarantees hold for every writer of the database: an entry whose items do not
// sum to zero cannot be committed, and a number is taken once in a journal.
var guarantees = []string{
	`CREATE OR REPLACE FUNCTION account_move_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE entry bigint;
	BEGIN
		FOREACH entry IN ARRAY ARRAY[CASE WHEN TG_OP <> 'INSERT' THEN OLD.move_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.move_id END] LOOP
			IF entry IS NOT NULL AND (SELECT COALESCE(sum(balance), 0) FROM account_move_line WHERE move_id = entry) <> 0 THEN
				RAISE EXCEPTION 'The entry is not balanced.' USING ERRCODE = 'check_violation', CONSTRAINT = 'account_move_balanced', TABLE = 'account_move_line';
			END IF;
		END LOOP;
		RETURN NULL;
	END $$`,
	`DROP TRIGGER IF EXISTS account_move_balanced ON account_move_line`,
	`CREATE CONSTRAINT TRIGGER account_move_balanced AFTER INSERT OR UPDATE OF balance, move_id OR DELETE ON account_move_line
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION account_move_balanced()`,
	`CREATE UNIQUE INDEX IF NOT EXISTS account_move_unique_name ON account_move (journal_id, name) WHERE state = 'posted' AND name <> '/'`,
}
