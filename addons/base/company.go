package base

import (
	"cmp"

	"fusionsoft.ca/fusion/framework/orm"
)

// Company is a company that runs on this database. Its name and address are
// its partner's. A branch has a parent and shares its currency.
type Company struct {
	orm.Record     `orm:"res.company" label:"Companies" order:"sequence, name" search:"name"`
	Name           string                         `orm:"name,required" label:"Company Name"`
	Active         bool                           `orm:"active,default=true" label:"Active"`
	Sequence       int                            `orm:"sequence,default=10" label:"Sequence" help:"Used to order Companies in the company switcher"`
	ParentID       orm.Ref[Company]               `orm:"parent_id,index,ondelete=restrict" label:"Parent Company"`
	ChildIDs       orm.Many[Company]              `orm:"child_ids,inverse=parent_id" label:"Branches"`
	ParentPath     string                         `orm:"parent_path,index,nocopy" label:"Parent Path"`
	RootID         orm.Deferred[orm.Ref[Company]] `orm:"root_id" label:"Root"`
	PartnerID      orm.Ref[Partner]               `orm:"partner_id,required,index" label:"Partner"`
	ReportHeader   string                         `orm:"report_header,html,translate" label:"Company Tagline"`
	ReportFooter   string                         `orm:"report_footer,html,translate" label:"Report Footer"`
	CompanyDetails string                         `orm:"company_details,html,translate" label:"Company Details"`
	Logo           orm.Deferred[orm.Binary]       `orm:"logo,related=partner_id.image_1920" label:"Company Logo"`
	UsesLogo       bool                           `orm:"uses_default_logo,default=true" label:"Uses Default Logo"`
	CurrencyID     orm.Ref[Currency]              `orm:"currency_id,required" label:"Currency"`
	UserIDs        orm.Many[User]                 `orm:"user_ids,rel=res_company_users_rel:cid:user_id" label:"Accepted Users"`
	Street         string                         `orm:"street,related=partner_id.street" label:"Street"`
	Street2        string                         `orm:"street2,related=partner_id.street2" label:"Street2"`
	Zip            string                         `orm:"zip,related=partner_id.zip" label:"Zip"`
	City           string                         `orm:"city,related=partner_id.city" label:"City"`
	StateID        orm.Ref[CountryState]          `orm:"state_id,related=partner_id.state_id" label:"Fed. State"`
	CountryID      orm.Ref[Country]               `orm:"country_id,related=partner_id.country_id" label:"Country"`
	CountryCode    string                         `orm:"country_code,related=country_id.code,readonly" label:"Country Code"`
	BankIDs        orm.Many[PartnerBank]          `orm:"bank_ids,related=partner_id.bank_ids,readonly" label:"Banks"`
	Email          string                         `orm:"email,related=partner_id.email,store" label:"Email"`
	Phone          string                         `orm:"phone,related=partner_id.phone,store" label:"Phone"`
	Mobile         string                         `orm:"mobile,related=partner_id.mobile" label:"Mobile"`
	Website        string                         `orm:"website,related=partner_id.website" label:"Website Link"`
	VAT            string                         `orm:"vat,related=partner_id.vat" label:"Tax ID"`
	Registry       string                         `orm:"company_registry,related=partner_id.company_registry" label:"Company ID"`
	Color          int                            `orm:"color" label:"Color"`
	PrimaryColor   string                         `orm:"primary_color" label:"Primary Color"`
	SecondaryColor string                         `orm:"secondary_color" label:"Secondary Color"`
	Font           string                         `orm:"font,default=Lato" label:"Font"`
}

func defineCompany(r *orm.Registry) {
	c := orm.Define[Company](r)
	c.OnCopy(func(orm.CopyFunc) orm.CopyFunc {
		return func(rs orm.Records, _ orm.Values) (orm.Records, error) {
			return rs, orm.UserErrorf("Duplicating a company is not allowed. Please create a new company instead.")
		}
	})
	c.Default("currency_id", func(env *orm.Env) (any, error) {
		id, err := companyCurrency(env, env.Company())
		if err != nil || id == 0 {
			return nil, err
		}
		return id, nil
	})
	c.Compute("root_id", func(env *orm.Env, cs []*Company) error {
		for i, id := range orm.StoredIDs(env, cs) {
			c := cs[i]
			root, err := rootCompany(env, cmp.Or(id, c.ParentID.ID))
			if err != nil {
				return err
			}
			c.RootID.Set(orm.RefTo[Company](root))
		}
		return nil
	}, "parent_id")
	c.Unique("name_uniq", "name", "The company name must be unique!")
	c.Constrain("parent_id", func(env *orm.Env, cs []*Company) error {
		ok, err := acyclic(env, "res.company", "parent_id", orm.IDs(env, cs))
		if err == nil && !ok {
			return orm.ValidationErrorf("You cannot create recursive companies.")
		}
		return err
	})
	c.Constrain("active", func(env *orm.Env, cs []*Company) error {
		for _, c := range cs {
			if c.Active {
				continue
			}
			n, err := env.Sudo().Model("res.users").SearchCount(orm.And(orm.Leaf("company_id", "=", c.ID), orm.Leaf("active", "=", true)), 0)
			if err != nil {
				return err
			}
			if n > 0 {
				return orm.ValidationErrorf("The company %s cannot be archived because it is still used as the default company of %d users.", c.Name, n)
			}
		}
		return nil
	})
	c.Constrain("currency_id", func(env *orm.Env, cs []*Company) error {
		if err := orm.Load(env.Sudo(), cs, "parent_id"); err != nil {
			return err
		}
		for _, c := range cs {
			if p := c.ParentID.Rec(); p != nil && p.CurrencyID.ID != c.CurrencyID.ID {
				return orm.ValidationErrorf("The Currency of a subsidiary must be the same as it's root company.")
			}
		}
		return nil
	})
	c.OnCreate(createCompanies)
	c.OnWrite(writeCompanies)
}

// createCompanies makes the partner of each new company, lets its creator into
// it and switches its currency on.
func createCompanies(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			vals = vals.Clone()
			full[i] = vals
			if parent := vals.ID("parent_id"); parent != 0 && vals["currency_id"] == nil {
				id, err := companyCurrency(env, parent)
				if err != nil {
					return rs, err
				}
				vals["currency_id"] = id
			}
			if vals.Text("name") == "" || vals.ID("partner_id") != 0 {
				continue
			}
			pv := orm.Values{"name": vals["name"], "is_company": true}
			for _, f := range []string{"email", "phone", "mobile", "website", "vat", "country_id", "street", "street2", "zip", "city", "state_id", "company_registry"} {
				if v, ok := vals[f]; ok {
					pv[f] = v
					delete(vals, f)
				}
			}
			if logo, ok := vals["logo"]; ok {
				pv["image_1920"] = logo
				delete(vals, "logo")
			}
			partner, err := env.Model("res.partner").Create(pv)
			if err != nil {
				return rs, err
			}
			vals["partner_id"] = partner.ID()
		}
		made, err := super(rs, full)
		if err != nil {
			return made, err
		}
		invalidateCompanies(env, made.IDs)
		// The first company of a database is older than its first user.
		creator, err := env.Sudo().Model("res.users").Browse(env.UID()).Exists()
		if err != nil {
			return made, err
		}
		if err := creator.Write(orm.Values{"company_ids": linkAll(made.IDs)}); err != nil {
			return made, err
		}
		return made, activateCurrencies(env, made.IDs)
	}
}

func writeCompanies(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		if vals.Has("parent_id") {
			cs, err := orm.Read[Company](rs.Env.Sudo(), rs.IDs)
			if err != nil {
				return err
			}
			for _, c := range cs {
				if c.ParentID.ID != vals.ID("parent_id") {
					return orm.UserErrorf("The company hierarchy cannot be changed.")
				}
			}
		}
		if err := super(rs, vals); err != nil {
			return err
		}
		invalidateCompanies(rs.Env, rs.IDs)
		if name := vals.Text("name"); name != "" {
			cs, err := orm.Read[Company](rs.Env.Sudo(), rs.IDs, "partner_id")
			if err != nil {
				return err
			}
			for _, c := range cs {
				if p := c.PartnerID.Rec(); p != nil && p.Name != name {
					if err := rs.Env.Model("res.partner").Browse(p.ID).Write(orm.Values{"name": name}); err != nil {
						return err
					}
				}
			}
		}
		if vals["currency_id"] != nil {
			return activateCurrencies(rs.Env, rs.IDs)
		}
		return nil
	}
}

func linkAll(ids []int64) []orm.Command {
	cmds := make([]orm.Command, len(ids))
	for i, id := range ids {
		cmds[i] = orm.Link(id)
	}
	return cmds
}

func activateCurrencies(env *orm.Env, companies []int64) error {
	for _, id := range companies {
		currency, err := companyCurrency(env, id)
		if err != nil {
			return err
		}
		asleep, err := env.Sudo().Model("res.currency").Search(orm.And(orm.Leaf("id", "=", currency), orm.Leaf("active", "=", false)), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if err := asleep.Write(orm.Values{"active": true}); err != nil {
			return err
		}
	}
	return nil
}

type companyKey int64

type companyInfo struct{ root, currency int64 }

// companyInfoOf are the root and currency of a company, read once a unit of work.
func companyInfoOf(env *orm.Env, company int64) (companyInfo, error) {
	if company == 0 {
		return companyInfo{}, nil
	}
	return orm.Memo(env, companyKey(company), func() (companyInfo, error) {
		// SQL: recursive.
		f, there, err := orm.MaybeRow[[2]int64](env, orm.SQL(`WITH RECURSIVE up AS (
				SELECT id, parent_id, currency_id, 0 AS n FROM res_company WHERE id = ?
				UNION ALL SELECT c.id, c.parent_id, up.currency_id, n + 1 FROM res_company c JOIN up ON up.parent_id = c.id WHERE n < 100)
			SELECT id, COALESCE(currency_id, 0) FROM up ORDER BY n DESC LIMIT 1`, company).Reads("res.company", "parent_id", "currency_id"))
		if err == nil && !there {
			err = orm.MissingErrorf("Company %d does not exist.", company)
		}
		return companyInfo{root: f[0], currency: f[1]}, err
	})
}

func invalidateCompanies(env *orm.Env, ids []int64) {
	for _, id := range ids {
		env.Forget(companyKey(id))
	}
}

// rootCompany is the company at the top of a tree of branches.
func rootCompany(env *orm.Env, company int64) (int64, error) {
	f, err := companyInfoOf(env, company)
	return f.root, err
}

func companyCurrency(env *orm.Env, company int64) (int64, error) {
	f, err := companyInfoOf(env, company)
	return f.currency, err
}

// CompanyCurrency is the currency in which a company keeps its books.
func CompanyCurrency(env *orm.Env, company int64) (int64, error) {
	return companyCurrency(env, company)
}
