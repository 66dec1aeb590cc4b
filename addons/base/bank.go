package base

import (
	"strings"
	"unicode"

	"fusionsoft.ca/fusion/framework/orm"
)

// Bank is where an account is kept.
type Bank struct {
	orm.Record  `orm:"res.bank" label:"Bank" order:"name" search:"name,bic"`
	Name        string                `orm:"name,required" label:"Name"`
	Street      string                `orm:"street" label:"Street"`
	Street2     string                `orm:"street2" label:"Street2"`
	Zip         string                `orm:"zip" label:"Zip"`
	City        string                `orm:"city" label:"City"`
	State       orm.Ref[CountryState] `orm:"state" label:"Fed. State"`
	Country     orm.Ref[Country]      `orm:"country" label:"Country"`
	Email       string                `orm:"email" label:"Email"`
	Phone       string                `orm:"phone" label:"Phone"`
	Active      bool                  `orm:"active,default=true" label:"Active"`
	BIC         string                `orm:"bic,index" label:"Bank Identifier Code" help:"Sometimes called BIC or Swift."`
	DisplayName orm.Deferred[string]  `orm:"display_name"`
}

// PartnerBank is an account number of a partner.
type PartnerBank struct {
	orm.Record  `orm:"res.partner.bank" label:"Bank Accounts" order:"sequence, id" rec:"acc_number"`
	Active      bool                 `orm:"active,default=true" label:"Active"`
	AccType     orm.Deferred[string] `orm:"acc_type" selection:"bank:Normal,iban:IBAN" label:"Type"`
	AccNumber   string               `orm:"acc_number,required" label:"Account Number"`
	Sanitized   string               `orm:"sanitized_acc_number,store,readonly" label:"Sanitized Account Number"`
	HolderName  string               `orm:"acc_holder_name" label:"Account Holder Name"`
	PartnerID   orm.Ref[Partner]     `orm:"partner_id,required,index,ondelete=cascade" label:"Account Holder"`
	AllowOut    bool                 `orm:"allow_out_payment,nocopy" label:"Send Money"`
	BankID      orm.Ref[Bank]        `orm:"bank_id" label:"Bank"`
	BankName    string               `orm:"bank_name,related=bank_id.name,readonly" label:"Bank Name"`
	BankBIC     string               `orm:"bank_bic,related=bank_id.bic,readonly" label:"BIC"`
	Sequence    int                  `orm:"sequence,default=10" label:"Sequence"`
	CurrencyID  orm.Ref[Currency]    `orm:"currency_id" label:"Currency"`
	CompanyID   orm.Ref[Company]     `orm:"company_id,related=partner_id.company_id,store,readonly" label:"Company"`
	CountryCode string               `orm:"country_code,related=partner_id.country_code,readonly" label:"Country Code"`
	DisplayName orm.Deferred[string] `orm:"display_name"`
}

func defineBanks(r *orm.Registry) {
	b := orm.Define[Bank](r)
	b.Compute("display_name", func(_ *orm.Env, bs []*Bank) error {
		for _, b := range bs {
			b.DisplayName.Set(b.Name)
			if b.BIC != "" {
				b.DisplayName.Set(b.DisplayName.Get() + " - " + b.BIC)
			}
		}
		return nil
	}, "name", "bic")
	b.SearchBy("display_name", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		text, _ := value.(string)
		if text == "" || op != "ilike" && op != "not ilike" {
			return orm.AnyOf(op, value, "name", "bic"), nil
		}
		found := orm.Or(orm.Leaf("bic", "=ilike", text+"%"), orm.Leaf("name", "ilike", text))
		if op == "not ilike" {
			return orm.Not(found), nil
		}
		return found, nil
	})
	a := orm.Define[PartnerBank](r)
	a.Compute("sanitized_acc_number", func(_ *orm.Env, as []*PartnerBank) error {
		for _, a := range as {
			a.Sanitized = sanitizeAccount(a.AccNumber)
		}
		return nil
	}, "acc_number")
	a.Compute("acc_type", func(_ *orm.Env, as []*PartnerBank) error {
		for _, a := range as {
			a.AccType.Set(AccountBank)
			if IsIBAN(a.AccNumber) {
				a.AccType.Set(AccountIBAN)
			}
		}
		return nil
	}, "acc_number")
	a.Compute("display_name", func(_ *orm.Env, as []*PartnerBank) error {
		for _, a := range as {
			a.DisplayName.Set(a.AccNumber)
			if b := a.BankID.Rec(); b != nil {
				a.DisplayName.Set(a.DisplayName.Get() + " - " + b.Name)
			}
		}
		return nil
	}, "acc_number", "bank_id.name")
	a.OnSearch(searchAccounts)
	a.Unique("unique_number", "sanitized_acc_number, partner_id", "The combination Account Number/Partner must be unique.")
}

// sanitizeAccount keeps the letters and digits of an account number, in upper
// case.
func sanitizeAccount(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, s)
}

// searchAccounts lets an account be found however its number is written.
func searchAccounts(super orm.SearchFunc) orm.SearchFunc {
	return func(rs orm.Records, d orm.Domain, o orm.SearchOptions) ([]int64, error) {
		out := make(orm.Domain, len(d))
		copy(out, d)
		for i, term := range out {
			leaf, ok := term.([]any)
			if !ok || len(leaf) != 3 || leaf[0] != "acc_number" {
				continue
			}
			value := leaf[2]
			switch v := value.(type) {
			case string:
				op, _ := leaf[1].(string)
				value = sanitizePattern(v, op)
			case []any:
				list := make([]any, len(v))
				for k, x := range v {
					list[k] = x
					if s, ok := x.(string); ok {
						list[k] = sanitizeAccount(s)
					}
				}
				value = list
			}
			out[i] = []any{"sanitized_acc_number", leaf[1], value}
		}
		return super(rs, out, o)
	}
}

// sanitizePattern keeps the wildcards of =like and =ilike.
func sanitizePattern(s, op string) string {
	if op != "=like" && op != "=ilike" {
		return sanitizeAccount(s)
	}
	parts := strings.Split(s, "%")
	for i := range parts {
		parts[i] = sanitizeAccount(parts[i])
	}
	return strings.Join(parts, "%")
}

// IsIBAN reports whether an account number is an IBAN with a right checksum.
func IsIBAN(number string) bool {
	s := sanitizeAccount(number)
	if len(s) < 15 || len(s) > 34 || s[0] < 'A' || s[1] < 'A' || s[2] > '9' || s[3] > '9' {
		return false
	}
	rest := 0
	for _, r := range s[4:] + s[:4] {
		switch {
		case r >= '0' && r <= '9':
			rest = (rest*10 + int(r-'0')) % 97
		case r >= 'A' && r <= 'Z':
			rest = (rest*100 + int(r-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}
