package account

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// FiscalPosition replaces taxes and accounts for some customers.
type FiscalPosition struct {
	orm.Record     `orm:"account.fiscal.position" label:"Fiscal Position" order:"sequence, id"`
	Sequence       int                             `orm:"sequence" label:"Sequence"`
	Name           string                          `orm:"name,required,translate" label:"Fiscal Position"`
	Active         bool                            `orm:"active,default=true" label:"Active"`
	CompanyID      orm.Ref[base.Company]           `orm:"company_id,required,readonly,index" label:"Company"`
	AccountIDs     orm.Many[FiscalPositionAccount] `orm:"account_ids,inverse=position_id,copy" label:"Account Mapping"`
	TaxIDs         orm.Many[FiscalPositionTax]     `orm:"tax_ids,inverse=position_id,copy" label:"Tax Mapping"`
	Note           string                          `orm:"note,html,translate" label:"Notes"`
	AutoApply      bool                            `orm:"auto_apply" label:"Detect Automatically" help:"Apply this fiscal position to customers who match the criteria below."`
	VATRequired    bool                            `orm:"vat_required" label:"VAT required"`
	CountryID      orm.Ref[base.Country]           `orm:"country_id" label:"Country"`
	CountryGroupID orm.Ref[base.CountryGroup]      `orm:"country_group_id" label:"Country Group"`
	StateIDs       orm.Many[base.CountryState]     `orm:"state_ids,rel=account_fiscal_position_res_country_state_rel:account_fiscal_position_id:res_country_state_id" label:"Federal States"`
	ZipFrom        string                          `orm:"zip_from" label:"Zip Range From"`
	ZipTo          string                          `orm:"zip_to" label:"Zip Range To"`
}

// FiscalPositionTax replaces one tax by another, or by none.
type FiscalPositionTax struct {
	orm.Record `orm:"account.fiscal.position.tax" label:"Tax Mapping of Fiscal Position" order:"id" rec:"position_id"`
	PositionID orm.Ref[FiscalPosition] `orm:"position_id,required,index,ondelete=cascade" label:"Fiscal Position"`
	SrcID      orm.Ref[Tax]            `orm:"tax_src_id,required,check_company" label:"Tax on Product"`
	DestID     orm.Ref[Tax]            `orm:"tax_dest_id,check_company" label:"Tax to Apply"`
	CompanyID  orm.Ref[base.Company]   `orm:"company_id,related=position_id.company_id,store" label:"Company"`
}

// FiscalPositionAccount replaces one account by another.
type FiscalPositionAccount struct {
	orm.Record `orm:"account.fiscal.position.account" label:"Accounts Mapping of Fiscal Position" order:"id" rec:"position_id"`
	PositionID orm.Ref[FiscalPosition] `orm:"position_id,required,index,ondelete=cascade" label:"Fiscal Position"`
	SrcID      orm.Ref[Account]        `orm:"account_src_id,required,check_company" label:"Account on Product"`
	DestID     orm.Ref[Account]        `orm:"account_dest_id,required,check_company" label:"Account to Use Instead"`
	CompanyID  orm.Ref[base.Company]   `orm:"company_id,related=position_id.company_id,store" label:"Company"`
}

func defineFiscalPosition(r *orm.Registry) {
	d := orm.Define[FiscalPosition](r)
	d.Default("company_id", func(env *orm.Env) (any, error) { return booksCompanyID(env, env.Company()) })
	invalidateOnChange(d, positionsKey{})
	taxes := orm.Define[FiscalPositionTax](r)
	invalidateOnChange(taxes, positionsKey{})
	taxes.Unique("tax_src_dest_uniq", "position_id, tax_src_id, tax_dest_id", "A tax fiscal position could be defined only one time on same taxes.")
	accounts := orm.Define[FiscalPositionAccount](r)
	invalidateOnChange(accounts, positionsKey{})
	accounts.Unique("account_src_dest_uniq", "position_id, account_src_id, account_dest_id", "An account fiscal position could be defined only one time on same accounts.")
}

// MapTaxes replaces taxes as a fiscal position says; position 0 changes nothing.
func MapTaxes(env *orm.Env, position int64, taxes []int64) ([]int64, error) {
	if position == 0 || len(taxes) == 0 {
		return taxes, nil
	}
	p, err := positionOf(env, position)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, t := range taxes {
		mapped := false
		for _, m := range p.TaxIDs.All() {
			if m.SrcID.ID != t {
				continue
			}
			mapped = true
			if m.DestID.IsSet() && !slices.Contains(out, m.DestID.ID) {
				out = append(out, m.DestID.ID)
			}
		}
		if !mapped && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out, nil
}

// MapAccount replaces an account as a fiscal position says.
func MapAccount(env *orm.Env, position, account int64) (int64, error) {
	if position == 0 || account == 0 {
		return account, nil
	}
	p, err := positionOf(env, position)
	if err != nil {
		return account, err
	}
	for _, m := range p.AccountIDs.All() {
		if m.SrcID.ID == account {
			return m.DestID.ID, nil
		}
	}
	return account, nil
}

// FiscalPositionFor finds the position of a customer: the one set on the
// partner, else the first automatic one whose conditions the delivery address
// meets, narrower conditions first. 0 means none.
func FiscalPositionFor(env *orm.Env, company, partner, delivery int64) (int64, error) {
	if partner == 0 {
		return 0, nil
	}
	if delivery == 0 {
		delivery = partner
	}
	parties, err := partnersWithProperties(env, company, partner, delivery)
	if err != nil {
		return 0, err
	}
	return positionFor(env, company, parties, partner, delivery)
}

// positionFor is FiscalPositionFor with the partners read.
func positionFor(env *orm.Env, company int64, parties map[int64]*Partner, partner, delivery int64) (int64, error) {
	for _, id := range []int64{delivery, partner} {
		if set := parties[commercialID(parties[id])].PositionID.ID; set != 0 {
			return set, nil
		}
	}
	env = env.Sudo()
	books, err := booksCompanyID(env, company)
	if err != nil {
		return 0, err
	}
	to := &parties[delivery].Partner
	all, err := orm.Search[FiscalPosition](env, orm.And(orm.Leaf("auto_apply", "=", true), orm.Leaf("company_id", "=", books)), orm.SearchOptions{}, "state_ids", "country_group_id.country_ids")
	if err != nil {
		return 0, err
	}
	best, score := int64(0), -1
	for _, p := range all {
		if s, ok := p.matches(to); ok && s > score {
			best, score = p.ID, s
		}
	}
	return best, nil
}

// matches scores how narrowly a position fits an address.
func (p *FiscalPosition) matches(to *base.Partner) (score int, ok bool) {
	if p.VATRequired {
		if to.VAT == "" {
			return 0, false
		}
		score += 16
	}
	if p.ZipFrom != "" && p.ZipTo != "" {
		if width := max(len(to.Zip), len(p.ZipFrom), len(p.ZipTo)); to.Zip == "" || padded(to.Zip, width) < padded(p.ZipFrom, width) || padded(to.Zip, width) > padded(p.ZipTo, width) {
			return 0, false
		}
		score += 8
	}
	if states := p.StateIDs.IDs(); len(states) > 0 {
		if !slices.Contains(states, to.StateID.ID) {
			return 0, false
		}
		score += 4
	}
	switch {
	case p.CountryID.IsSet():
		if p.CountryID.ID != to.CountryID.ID {
			return 0, false
		}
		score += 2
	case p.CountryGroupID.IsSet():
		if !slices.Contains(p.CountryGroupID.Rec().CountryIDs.IDs(), to.CountryID.ID) {
			return 0, false
		}
		score++
	}
	return score, true
}

// padded fills a postal code of digits with zeros in front, so that such codes
// sort as numbers.
func padded(zip string, width int) string {
	if strings.Trim(zip, "0123456789") != "" {
		return zip
	}
	return strings.Repeat("0", width-len(zip)) + zip
}
