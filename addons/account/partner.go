package account

import (
	"github.com/shopspring/decimal"

	"fusion/addons/base"
	"fusion/framework/orm"
)

// Partner adds to a partner what accounting knows of it. The property fields
// hold a value per company, and belong to the commercial entity.
type Partner struct {
	base.Partner
	Properties       orm.JSON                `orm:"account_properties" groups:"base.group_system" label:"Accounting Properties"`
	ReceivableID     orm.Ref[Account]        `orm:"property_account_receivable_id" label:"Account Receivable" domain:"[('account_type', '=', 'asset_receivable')]"`
	PayableID        orm.Ref[Account]        `orm:"property_account_payable_id" label:"Account Payable" domain:"[('account_type', '=', 'liability_payable')]"`
	PositionID       orm.Ref[FiscalPosition] `orm:"property_account_position_id" label:"Fiscal Position"`
	PaymentTermID    orm.Ref[PaymentTerm]    `orm:"property_payment_term_id" label:"Customer Payment Terms"`
	SupplierTermID   orm.Ref[PaymentTerm]    `orm:"property_supplier_payment_term_id" label:"Vendor Payment Terms"`
	Credit           decimal.Decimal         `orm:"credit,digits=2" label:"Total Receivable" help:"Total amount this customer owes you."`
	Debit            decimal.Decimal         `orm:"debit,digits=2" label:"Total Payable" help:"Total amount you have to pay to this vendor."`
	TotalInvoiced    decimal.Decimal         `orm:"total_invoiced,digits=2" label:"Total Invoiced"`
	CustomerRank     int                     `orm:"customer_rank,nocopy,default=0" label:"Customer Rank"`
	SupplierRank     int                     `orm:"supplier_rank,nocopy,default=0" label:"Supplier Rank"`
	InvoiceIDs       orm.Many[Move]          `orm:"invoice_ids,inverse=partner_id" label:"Invoices"`
	AccountCompanyID orm.Ref[base.Currency]  `orm:"currency_id" label:"Currency"`
}

func definePartner(r *orm.Registry) {
	d := orm.Extend[Partner](r, "res.partner")
	property := func(field string, ref func(*Partner) *int64, fallback func(*Company) int64) {
		byDefault := func(env *orm.Env) (int64, error) {
			c, err := bookkeeper(env, env.Company())
			if err != nil {
				return 0, err
			}
			return fallback(c), nil
		}
		d.Compute(field, func(env *orm.Env, ps []*Partner) error {
			if env.Company() == 0 {
				return nil
			}
			c, err := bookkeeper(env, env.Company())
			if err != nil {
				return err
			}
			own, err := readProperty(env, "res_partner", commercialIDs(ps), field, c.ID)
			if err != nil {
				return err
			}
			for _, p := range ps {
				*ref(p) = own[commercialID(p)]
				if *ref(p) == 0 {
					*ref(p) = fallback(c)
				}
			}
			return nil
		}, "commercial_partner_id", "account_properties")
		d.Inverse(field, func(env *orm.Env, ps []*Partner) error {
			books, err := booksOf(env, env.Company())
			if err != nil {
				return err
			}
			for _, p := range ps {
				if err := storeProperty(env, "res_partner", []int64{p.ID}, field, books, *ref(p)); err != nil {
					return err
				}
			}
			return nil
		})
		d.SearchBy(field, searchProperty("res_partner", field, byDefault))
	}
	none := func(*Company) int64 { return 0 }
	property("property_account_receivable_id", func(p *Partner) *int64 { return &p.ReceivableID.ID }, func(c *Company) int64 { return c.ReceivableID.ID })
	property("property_account_payable_id", func(p *Partner) *int64 { return &p.PayableID.ID }, func(c *Company) int64 { return c.PayableID.ID })
	property("property_account_position_id", func(p *Partner) *int64 { return &p.PositionID.ID }, none)
	property("property_payment_term_id", func(p *Partner) *int64 { return &p.PaymentTermID.ID }, none)
	property("property_supplier_payment_term_id", func(p *Partner) *int64 { return &p.SupplierTermID.ID }, none)
	d.Compute("credit, debit", partnerBalances)
	d.Compute("total_invoiced", partnerInvoiced)
	d.Compute("currency_id", func(env *orm.Env, ps []*Partner) error {
		id, err := base.CompanyCurrency(env, env.Company())
		for _, p := range ps {
			p.AccountCompanyID = orm.RefTo[base.Currency](id)
		}
		return err
	})
}

func commercialID(p *Partner) int64 {
	if p.CommercialPartnerID.IsSet() {
		return p.CommercialPartnerID.ID
	}
	return p.ID
}

func commercialIDs(ps []*Partner) []int64 {
	ids := make([]int64, len(ps))
	for i, p := range ps {
		ids[i] = commercialID(p)
	}
	return ids
}

// PartnerProperty is a property of a partner for a company: its own value or
// that of its commercial entity, 0 when neither has one.
func PartnerProperty(env *orm.Env, company, partner int64, field string) (int64, error) {
	if partner == 0 {
		return 0, nil
	}
	books, err := booksOf(env, company)
	if err != nil {
		return 0, err
	}
	p, err := orm.Get[Partner](env.Sudo(), partner)
	if err != nil {
		return 0, err
	}
	own, err := readProperty(env, "res_partner", []int64{p.ID, commercialID(p)}, field, books)
	if err != nil {
		return 0, err
	}
	if own[p.ID] != 0 {
		return own[p.ID], nil
	}
	return own[commercialID(p)], nil
}

// partnerBalances sums the open items of partners with their whole entity.
func partnerBalances(env *orm.Env, ps []*Partner) error {
	rows, err := env.Query(`SELECT p.commercial_partner_id, a.account_type, sum(l.amount_residual)
		FROM account_move_line l JOIN account_account a ON a.id = l.account_id JOIN res_partner p ON p.id = l.partner_id
		WHERE p.commercial_partner_id = ANY(?) AND l.company_id = ANY(?) AND l.parent_state = 'posted' AND NOT COALESCE(l.reconciled, false)
		AND a.account_type IN ('asset_receivable', 'liability_payable') GROUP BY 1, 2`, commercialIDs(ps), env.Companies())
	if err != nil {
		return err
	}
	credit, debit := map[int64]decimal.Decimal{}, map[int64]decimal.Decimal{}
	for _, row := range rows {
		if row[1] == "asset_receivable" {
			credit[atoi(row[0])] = dec(row[2])
		} else {
			debit[atoi(row[0])] = dec(row[2]).Neg()
		}
	}
	for _, p := range ps {
		p.Credit, p.Debit = credit[commercialID(p)], debit[commercialID(p)]
	}
	return nil
}

func partnerInvoiced(env *orm.Env, ps []*Partner) error {
	rows, err := env.Query(`SELECT commercial_partner_id, sum(amount_untaxed_signed) FROM account_move
		WHERE commercial_partner_id = ANY(?) AND company_id = ANY(?) AND state = 'posted' AND move_type IN ('out_invoice', 'out_refund') GROUP BY 1`, commercialIDs(ps), env.Companies())
	if err != nil {
		return err
	}
	sums := map[int64]decimal.Decimal{}
	for _, row := range rows {
		sums[atoi(row[0])] = dec(row[1])
	}
	for _, p := range ps {
		p.TotalInvoiced = sums[commercialID(p)]
	}
	return nil
}
