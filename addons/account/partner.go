package account

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Partner adds to a partner what accounting knows of it. The property fields
// hold a value for each company; documents take those of the commercial entity
// and of the company that keeps the books.
type Partner struct {
	base.Partner
	ReceivableID     orm.Ref[Account]                     `orm:"property_account_receivable_id,company_dependent" label:"Account Receivable" domain:"[('account_type', '=', 'asset_receivable')]"`
	PayableID        orm.Ref[Account]                     `orm:"property_account_payable_id,company_dependent" label:"Account Payable" domain:"[('account_type', '=', 'liability_payable')]"`
	PositionID       orm.Ref[FiscalPosition]              `orm:"property_account_position_id,company_dependent" label:"Fiscal Position"`
	PaymentTermID    orm.Ref[PaymentTerm]                 `orm:"property_payment_term_id,company_dependent" label:"Customer Payment Terms"`
	SupplierTermID   orm.Ref[PaymentTerm]                 `orm:"property_supplier_payment_term_id,company_dependent" label:"Vendor Payment Terms"`
	Credit           orm.Deferred[decimal.Decimal]        `orm:"credit,digits=2" label:"Total Receivable" groups:"account.group_account_invoice,account.group_account_readonly" help:"Total amount this customer owes you."`
	Debit            orm.Deferred[decimal.Decimal]        `orm:"debit,digits=2" label:"Total Payable" groups:"account.group_account_invoice,account.group_account_readonly" help:"Total amount you have to pay to this vendor."`
	TotalInvoiced    orm.Deferred[decimal.Decimal]        `orm:"total_invoiced,digits=2" label:"Total Invoiced" groups:"account.group_account_invoice,account.group_account_readonly"`
	CustomerRank     int                                  `orm:"customer_rank,nocopy,default=0" label:"Customer Rank"`
	SupplierRank     int                                  `orm:"supplier_rank,nocopy,default=0" label:"Supplier Rank"`
	InvoiceIDs       orm.Many[Move]                       `orm:"invoice_ids,inverse=partner_id" label:"Invoices"`
	AccountCompanyID orm.Deferred[orm.Ref[base.Currency]] `orm:"currency_id" label:"Currency"`
}

func definePartner(r *orm.Registry) {
	d := orm.Extend[Partner](r, "res.partner")
	d.Compute("credit, debit", partnerBalances)
	d.Compute("total_invoiced", partnerInvoiced)
	d.Compute("currency_id", func(env *orm.Env, ps []*Partner) error {
		id, err := base.CompanyCurrency(env, env.Company())
		for _, p := range ps {
			p.AccountCompanyID.Set(orm.RefTo[base.Currency](id))
		}
		return err
	})
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			for i, id := range made.IDs {
				if err := shareProperties(made.Browse(id), list[i]); err != nil {
					return made, err
				}
			}
			return made, nil
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			return shareProperties(rs, vals)
		}
	})
}

// commercialProperties are those of the commercial entity, and copied to all its
// contacts.
var commercialProperties = []string{"property_account_receivable_id", "property_account_payable_id", "property_account_position_id", "property_payment_term_id", "property_supplier_payment_term_id"}

// shareProperties brings commercial properties into line after vals were given
// to partners: those of an entity reach its contacts, and a contact takes them
// from the entity it comes under.
func shareProperties(rs orm.Records, vals orm.Values) error {
	shared := orm.Values{}
	for _, f := range commercialProperties {
		if v, ok := vals[f]; ok {
			shared[f] = v
		}
	}
	moved := vals.ID("parent_id") != 0
	if len(shared) == 0 && !moved || rs.Env.Flag("_partners_skip_fields_sync", false) {
		return nil
	}
	env := rs.Env.Sudo().WithContext(map[string]any{"_partners_skip_fields_sync": true, "active_test": false})
	ps, err := orm.Read[Partner](env, rs.IDs)
	if err != nil {
		return err
	}
	for _, p := range ps {
		if entity := p.CommercialPartnerID.ID; entity != p.ID {
			if !moved {
				continue
			}
			rows, err := env.Model("res.partner").Browse(p.ID, entity).Read(commercialProperties...)
			if err != nil {
				return err
			}
			next := orm.Values{}
			for _, f := range commercialProperties {
				if rows[0][f] != rows[1][f] {
					next[f] = rows[1][f]
				}
			}
			if len(next) > 0 {
				if err := env.Model("res.partner").Browse(p.ID).Write(next); err != nil {
					return err
				}
			}
			continue
		}
		if len(shared) == 0 {
			continue
		}
		below, err := env.Model("res.partner").Search(orm.And(orm.Leaf("commercial_partner_id", "=", p.ID), orm.Leaf("id", "!=", p.ID)), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if err := below.Write(shared); err != nil {
			return err
		}
	}
	return nil
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

// partnersWithProperties reads partners and their commercial entities, by id, with their
// properties for the company that keeps the books of a company.
func partnersWithProperties(env *orm.Env, company int64, ids ...int64) (map[int64]*Partner, error) {
	books, err := booksCompanyID(env, company)
	if err != nil {
		return nil, err
	}
	env = env.Sudo().WithCompany(books)
	out := map[int64]*Partner{}
	for range 2 {
		var unread []int64
		for _, id := range ids {
			if id != 0 && out[id] == nil {
				unread = append(unread, id)
			}
		}
		if len(unread) == 0 {
			break
		}
		ps, err := orm.Read[Partner](env, unique(unread))
		if err != nil {
			return nil, err
		}
		for _, p := range ps {
			out[p.ID] = p
		}
		ids = commercialIDs(ps)
	}
	return out, nil
}

// PartnerProperty is a property of a partner for a company: that of its
// commercial entity, 0 when it has none.
func PartnerProperty(env *orm.Env, company, partner int64, field string) (int64, error) {
	if partner == 0 {
		return 0, nil
	}
	parties, err := partnersWithProperties(env, company, partner)
	if err != nil {
		return 0, err
	}
	p := parties[commercialID(parties[partner])]
	switch field {
	case "property_account_receivable_id":
		return p.ReceivableID.ID, nil
	case "property_account_payable_id":
		return p.PayableID.ID, nil
	case "property_account_position_id":
		return p.PositionID.ID, nil
	case "property_payment_term_id":
		return p.PaymentTermID.ID, nil
	case "property_supplier_payment_term_id":
		return p.SupplierTermID.ID, nil
	}
	return 0, orm.ValueErrorf("%s is no accounting property of partners.", field)
}

// partnerAccount is the account on which a partner owes, or is owed when payable is set.
func partnerAccount(env *orm.Env, company, partner int64, payable bool) (int64, error) {
	field := "property_account_receivable_id"
	if payable {
		field = "property_account_payable_id"
	}
	id, err := PartnerProperty(env, company, partner, field)
	if err != nil || id != 0 {
		return id, err
	}
	c, err := booksCompany(env, company)
	if err != nil {
		return 0, err
	}
	id = c.ReceivableID.ID
	if payable {
		id = c.PayableID.ID
	}
	if id == 0 {
		return 0, orm.UserErrorf("Company %s has no default receivable or payable account. Set one in its accounting configuration.", c.Name)
	}
	return id, nil
}

// partnerBalances sums the open items of partners with their whole entity.
func partnerBalances(env *orm.Env, ps []*Partner) error {
	type balance struct {
		Partner int64
		Type    string
		Sum     decimal.Decimal
	}
	// SQL: sums over the entities of many partners, for a field that has groups.
	rows, err := orm.Rows[balance](env, orm.SQL(`SELECT p.commercial_partner_id AS partner, a.account_type AS type, COALESCE(sum(l.amount_residual), 0) AS sum
		FROM account_move_line l JOIN account_account a ON a.id = l.account_id JOIN res_partner p ON p.id = l.partner_id
		WHERE p.commercial_partner_id = ANY(?) AND l.company_id = ANY(?) AND l.parent_state = 'posted' AND NOT COALESCE(l.reconciled, false)
		AND a.account_type IN ('asset_receivable', 'liability_payable') GROUP BY 1, 2`, commercialIDs(ps), env.Companies()).
		Reads("account.move.line").Reads("account.account", "account_type").Reads("res.partner", "commercial_partner_id"))
	if err != nil {
		return err
	}
	credit, debit := map[int64]decimal.Decimal{}, map[int64]decimal.Decimal{}
	for _, row := range rows {
		if row.Type == "asset_receivable" {
			credit[row.Partner] = row.Sum
		} else {
			debit[row.Partner] = row.Sum.Neg()
		}
	}
	for _, p := range ps {
		p.Credit.Set(credit[commercialID(p)])
		p.Debit.Set(debit[commercialID(p)])
	}
	return nil
}

func partnerInvoiced(env *orm.Env, ps []*Partner) error {
	type invoiced struct {
		Partner int64
		Sum     decimal.Decimal
	}
	// SQL: sums over the entities of many partners, for a field that has groups.
	rows, err := orm.Rows[invoiced](env, orm.SQL(`SELECT commercial_partner_id AS partner, COALESCE(sum(amount_untaxed_signed), 0) AS sum FROM account_move
		WHERE commercial_partner_id = ANY(?) AND company_id = ANY(?) AND state = 'posted' AND move_type IN ('out_invoice', 'out_refund') GROUP BY 1`, commercialIDs(ps), env.Companies()).Reads("account.move"))
	if err != nil {
		return err
	}
	sums := map[int64]decimal.Decimal{}
	for _, row := range rows {
		sums[row.Partner] = row.Sum
	}
	for _, p := range ps {
		p.TotalInvoiced.Set(sums[commercialID(p)])
	}
	return nil
}
