package base

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// Partner is a person or company one deals with, or an address of one.
type Partner struct {
	orm.Record            `orm:"res.partner" label:"Contact" order:"complete_name, id desc" search:"complete_name,email,ref,vat,company_registry"`
	Name                  string                         `orm:"name,index" label:"Name"`
	CompleteName          string                         `orm:"complete_name,store,readonly,index=btree+trigram" label:"Complete Name"`
	ParentID              orm.Ref[Partner]               `orm:"parent_id,index" label:"Related Company"`
	ParentName            string                         `orm:"parent_name,related=parent_id.name,readonly" label:"Parent name"`
	ChildIDs              orm.Many[Partner]              `orm:"child_ids,inverse=parent_id" label:"Contact" domain:"[('active', '=', True)]" context:"{'active_test': False}"`
	Ref                   string                         `orm:"ref,index=btree+trigram" label:"Reference"`
	Lang                  string                         `orm:"lang,selection" label:"Language" help:"All the emails and documents sent to this contact will be translated in this language."`
	ActiveLangCount       orm.Deferred[int]              `orm:"active_lang_count" label:"Active Lang Count"`
	TZ                    string                         `orm:"tz,selection" label:"Timezone"`
	TZOffset              orm.Deferred[string]           `orm:"tz_offset" label:"Timezone offset"`
	UserID                orm.Ref[User]                  `orm:"user_id" label:"Salesperson" help:"The internal user in charge of this contact."`
	VAT                   string                         `orm:"vat,index=btree+trigram" label:"Tax ID" help:"The Tax Identification Number."`
	CompanyRegistry       string                         `orm:"company_registry,nocopy,index=trigram" label:"Company ID" help:"The registry number of the company."`
	BankIDs               orm.Many[PartnerBank]          `orm:"bank_ids,inverse=partner_id" label:"Banks"`
	Website               string                         `orm:"website" label:"Website Link"`
	Comment               string                         `orm:"comment,html" label:"Notes"`
	CategoryID            orm.Many[PartnerCategory]      `orm:"category_id,rel=res_partner_res_partner_category_rel:partner_id:category_id" label:"Tags"`
	Active                bool                           `orm:"active,default=true" label:"Active"`
	Employee              bool                           `orm:"employee" label:"Employee" help:"Check this box if this contact is an Employee."`
	Function              string                         `orm:"function" label:"Job Position"`
	Type                  string                         `orm:"type,default=contact" selection:"contact:Contact,invoice:Invoice,delivery:Delivery,other:Other" label:"Address Type"`
	Street                string                         `orm:"street" label:"Street"`
	Street2               string                         `orm:"street2" label:"Street2"`
	Zip                   string                         `orm:"zip" label:"Zip"`
	City                  string                         `orm:"city" label:"City"`
	StateID               orm.Ref[CountryState]          `orm:"state_id,ondelete=restrict" label:"State" domain:"[('country_id', '=?', country_id)]"`
	CountryID             orm.Ref[Country]               `orm:"country_id,index,ondelete=restrict" label:"Country"`
	CountryCode           string                         `orm:"country_code,related=country_id.code,readonly" label:"Country Code"`
	Latitude              decimal.Decimal                `orm:"partner_latitude,digits=10:7" label:"Geo Latitude"`
	Longitude             decimal.Decimal                `orm:"partner_longitude,digits=10:7" label:"Geo Longitude"`
	Email                 string                         `orm:"email,index=trigram" label:"Email"`
	EmailNormalized       string                         `orm:"email_normalized,store,readonly,index" label:"Normalized Email" help:"The address alone, in lower case, by which contacts are found."`
	EmailFormatted        orm.Deferred[string]           `orm:"email_formatted" label:"Formatted Email"`
	Phone                 string                         `orm:"phone" label:"Phone"`
	Mobile                string                         `orm:"mobile" label:"Mobile"`
	IsCompany             bool                           `orm:"is_company,default=false" label:"Is a Company" help:"Check if the contact is a company, otherwise it is a person"`
	IsPublic              orm.Deferred[bool]             `orm:"is_public" label:"Is Public"`
	IndustryID            orm.Ref[PartnerIndustry]       `orm:"industry_id" label:"Industry"`
	CompanyType           orm.Deferred[string]           `orm:"company_type" selection:"person:Person,company:Company" label:"Company Type"`
	CompanyID             orm.Ref[Company]               `orm:"company_id,index" label:"Company"`
	Color                 int                            `orm:"color,default=0" label:"Color Index"`
	UserIDs               orm.Many[User]                 `orm:"user_ids,inverse=partner_id" label:"Users"`
	RefCompanyIDs         orm.Many[Company]              `orm:"ref_company_ids,inverse=partner_id" label:"Companies that refers to partner"`
	PartnerShare          bool                           `orm:"partner_share,store,readonly" label:"Share Partner" help:"Either customer (not a user), either shared user."`
	ContactAddress        orm.Deferred[string]           `orm:"contact_address" label:"Complete Address"`
	CommercialPartnerID   orm.Ref[Partner]               `orm:"commercial_partner_id,store,readonly,index" label:"Commercial Entity"`
	CommercialCompanyName string                         `orm:"commercial_company_name,store,readonly" label:"Company Name Entity"`
	CompanyName           string                         `orm:"company_name" label:"Company Name"`
	Barcode               string                         `orm:"barcode,nocopy,company_dependent" label:"Barcode" help:"Use a barcode to identify this contact."`
	SignupType            string                         `orm:"signup_type,nocopy" label:"Signup Token Type" groups:"base.group_erp_manager" help:"The kind of invitation the contact holds: signup for a new account, reset for a forgotten password. For programs that send such invitations."`
	Self                  orm.Deferred[orm.Ref[Partner]] `orm:"self" label:"Self"`
	Image                 orm.Deferred[orm.Binary]       `orm:"image_1920,image" label:"Image"`
	DisplayName           orm.Deferred[string]           `orm:"display_name"`
}

func definePartner(r *orm.Registry) {
	p := orm.Define[Partner](r)
	p.Compute("commercial_partner_id", commercialPartners, "is_company", "parent_id.commercial_partner_id")
	p.Compute("commercial_company_name", func(_ *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			p.CommercialCompanyName = p.CompanyName
			if c := p.CommercialPartnerID.Rec(); c != nil && c.IsCompany {
				p.CommercialCompanyName = c.Name
			}
		}
		return nil
	}, "company_name", "commercial_partner_id.is_company", "commercial_partner_id.name")
	p.Compute("complete_name", func(_ *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			p.CompleteName = completeName(p, false)
		}
		return nil
	}, "is_company", "name", "parent_id.name", "type", "company_name", "commercial_company_name")
	defineDisplayName(p)
	p.Compute("email_normalized", func(_ *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			p.EmailNormalized = NormalizeEmail(p.Email)
			if all, err := mail.ParseAddressList(p.Email); err == nil {
				p.EmailNormalized = strings.ToLower(all[0].Address)
			}
		}
		return nil
	}, "email")
	p.Compute("email_formatted", func(_ *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			p.EmailFormatted.Set(FormatEmail(p.Name, p.Email))
		}
		return nil
	}, "name", "email")
	p.Compute("company_type", func(_ *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			p.CompanyType.Set(CompanyTypePerson)
			if p.IsCompany {
				p.CompanyType.Set(CompanyTypeCompany)
			}
		}
		return nil
	}, "is_company")
	p.Inverse("company_type", func(env *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			p.IsCompany = p.CompanyType.Get() == CompanyTypeCompany
		}
		return orm.Save(env, ps, "is_company")
	})
	p.Compute("partner_share", func(_ *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			users := p.UserIDs.All()
			p.PartnerShare = true
			for _, u := range users {
				if !u.Share {
					p.PartnerShare = false
				}
			}
		}
		return nil
	}, "user_ids.share", "user_ids.active")
	p.Compute("contact_address", contactAddresses, "street", "street2", "zip", "city", "state_id.code", "state_id.name",
		"country_id.name", "country_id.code", "country_id.address_format", "company_name", "parent_id.name", "is_company")
	p.Compute("tz_offset", func(env *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			p.TZOffset.Set(offset(env, p.TZ))
		}
		return nil
	}, "tz")
	p.Compute("active_lang_count", func(env *orm.Env, ps []*Partner) error {
		n, err := env.Sudo().Model("res.lang").SearchCount(nil, 0)
		for _, p := range ps {
			p.ActiveLangCount.Set(int(n))
		}
		return err
	})
	p.Compute("is_public", func(env *orm.Env, ps []*Partner) error {
		public, ok, err := env.FindRef("base.public_partner")
		for _, p := range ps {
			p.IsPublic.Set(ok && p.ID == public.ID())
		}
		return err
	})
	p.Compute("self", func(_ *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			p.Self.Set(orm.RefTo[Partner](p.ID))
		}
		return nil
	})
	p.OptionsBy("lang", installedLangs)
	p.OptionsBy("tz", timeZones)
	p.Default("category_id", func(env *orm.Env) (any, error) {
		if id := env.KeyID("category_id"); id != 0 {
			return []int64{id}, nil
		}
		return []int64{}, nil
	})
	p.Default("tz", func(env *orm.Env) (any, error) { return env.KeyText("tz"), nil })
	p.Default("lang", func(*orm.Env) (any, error) { return baseLang, nil })
	p.OnDefaultGet(partnerDefaults)
	p.Check("check_name", "(type = 'contact' AND name IS NOT NULL) OR type <> 'contact'", "Contacts require a name")
	p.Constrain("parent_id", func(env *orm.Env, ps []*Partner) error {
		below := slices.DeleteFunc(slices.Clone(ps), func(p *Partner) bool { return !p.ParentID.IsSet() })
		ok, err := acyclic(env, "res.partner", "parent_id", orm.IDs(env, below))
		if err == nil && !ok {
			return orm.ValidationErrorf("You cannot create recursive Partner hierarchies.")
		}
		return err
	})
	p.Constrain("company_id", companyFitsUsers)
	p.Constrain("barcode", func(env *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			if p.Barcode == "" {
				continue
			}
			n, err := env.Model("res.partner").SearchCount(orm.Leaf("barcode", "=", p.Barcode), 0)
			if err != nil {
				return err
			}
			if n > 1 {
				return orm.ValidationErrorf("Another partner already has this barcode")
			}
		}
		return nil
	})
	p.Constrain("lang", func(env *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			if err := checkLang(env, "res.partner", p.Lang); err != nil {
				return err
			}
		}
		return nil
	})
	p.Constrain("tz", func(_ *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			if _, err := time.LoadLocation(p.TZ); err != nil {
				return orm.ValueErrorf("Wrong value for res.partner.tz: '%s'", p.TZ)
			}
		}
		return nil
	})
	p.OnCreate(createPartners)
	p.OnWrite(writePartners)
	p.OnUnlink(unlinkPartners)
	p.OnChange("parent_id,type", addressFromParent)
	p.OnCopyData(MarkCopies)
	p.OnNameCreate(partnerFromText)
	orm.ImplementModel(p, FindOrCreatePartner, findOrCreate)
	orm.Implement(p, AddressGet, addressGet)
}

// commercialPartners finds for each partner the nearest company above it, or
// the top of its tree. Parents in the same batch are followed in memory, since
// their own value is not stored yet.
func commercialPartners(_ *orm.Env, ps []*Partner) error {
	batch := make(map[int64]*Partner, len(ps))
	for _, p := range ps {
		batch[p.ID] = p
	}
	var of func(p *Partner, depth int) int64
	of = func(p *Partner, depth int) int64 {
		if p.IsCompany || !p.ParentID.IsSet() || depth > len(ps) {
			return p.ID
		}
		if up := batch[p.ParentID.ID]; up != nil {
			return of(up, depth+1)
		}
		parent := p.ParentID.Rec()
		if parent.CommercialPartnerID.IsSet() {
			return parent.CommercialPartnerID.ID
		}
		return parent.ID
	}
	for _, p := range ps {
		p.CommercialPartnerID = orm.RefTo[Partner](of(p, 0))
	}
	return nil
}

// NormalizeEmail is the lower-case address in a text that holds exactly one,
// "" otherwise.
func NormalizeEmail(text string) string {
	if text == "" {
		return ""
	}
	list, err := mail.ParseAddressList(text)
	if err != nil {
		plain := strings.ToLower(strings.TrimSpace(text))
		if one, err := mail.ParseAddress(plain); err == nil {
			return one.Address
		}
		return ""
	}
	if len(list) != 1 {
		return ""
	}
	return strings.ToLower(list[0].Address)
}

// FormatEmail joins a name and an address as mail headers write them for
// people: "Name" <address>.
func FormatEmail(name, email string) string {
	if email == "" {
		return ""
	}
	addresses := []string{email}
	if list, err := mail.ParseAddressList(email); err == nil {
		addresses = addresses[:0]
		for _, a := range list {
			addresses = append(addresses, strings.ToLower(a.Address))
		}
	}
	if name == "" {
		name = email
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
	return fmt.Sprintf(`"%s" <%s>`, quoted, strings.Join(addresses, ","))
}

func offset(env *orm.Env, tz string) string {
	if tz == "" {
		tz = "UTC"
	}
	loc, err := time.LoadLocation(tz)
	if err != nil {
		loc = time.UTC
	}
	return env.Now().In(loc).Format("-0700")
}
