package base

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"fusionsoft.ca/fusion/framework/orm"
)

// Country is a country of ISO 3166-1.
type Country struct {
	orm.Record    `orm:"res.country" label:"Country" order:"name, id" search:"name,code"`
	Name          string                 `orm:"name,required,translate" label:"Country Name"`
	Code          string                 `orm:"code,required,size=2" label:"Country Code" help:"The ISO country code in two chars."`
	AddressFormat string                 `orm:"address_format,text" label:"Layout in Reports" help:"How addresses of this country are written, with the fields of the address as %(street)s."`
	CurrencyID    orm.Ref[Currency]      `orm:"currency_id" label:"Currency"`
	PhoneCode     int                    `orm:"phone_code" label:"Country Calling Code"`
	GroupIDs      orm.Many[CountryGroup] `orm:"country_group_ids,rel=res_country_res_country_group_rel:res_country_id:res_country_group_id" label:"Country Groups"`
	StateIDs      orm.Many[CountryState] `orm:"state_ids,inverse=country_id" label:"States"`
	NamePosition  string                 `orm:"name_position,default=before" selection:"before:Before Address,after:After Address" label:"Customer Name Position"`
	VATLabel      string                 `orm:"vat_label,translate" label:"Vat Label"`
	StateRequired bool                   `orm:"state_required,default=false" label:"State Required"`
	ZipRequired   bool                   `orm:"zip_required,default=true" label:"Zip Required"`
}

// CountryState is a part of a country that addresses name.
type CountryState struct {
	orm.Record  `orm:"res.country.state" label:"Country state" order:"code, id" search:"name,code"`
	CountryID   orm.Ref[Country]     `orm:"country_id,required,index" label:"Country"`
	Name        string               `orm:"name,required" label:"State Name"`
	Code        string               `orm:"code,required" label:"State Code" help:"The state code."`
	DisplayName orm.Deferred[string] `orm:"display_name"`
}

// CountryGroup is a set of countries treated alike.
type CountryGroup struct {
	orm.Record `orm:"res.country.group" label:"Country Group" order:"name, id"`
	Name       string            `orm:"name,required,translate" label:"Name"`
	Code       string            `orm:"code" label:"Code"`
	CountryIDs orm.Many[Country] `orm:"country_ids,rel=res_country_res_country_group_rel:res_country_group_id:res_country_id" label:"Countries"`
}

func defineCountry(r *orm.Registry) {
	c := orm.Define[Country](r)
	c.Unique("name_uniq", "name", "The name of the country must be unique!")
	c.Unique("code_uniq", "code", "The code of the country must be unique!")
	c.Default("address_format", func(*orm.Env) (any, error) { return defaultAddressFormat, nil })
	c.Constrain("address_format", func(_ *orm.Env, cs []*Country) error {
		known := map[string]bool{"street": true, "street2": true, "zip": true, "city": true, "state_code": true, "state_name": true, "country_code": true, "country_name": true, "company_name": true}
		for _, c := range cs {
			for _, m := range addressPart.FindAllStringSubmatch(c.AddressFormat, -1) {
				if !known[m[1]] {
					return orm.UserErrorf("The layout contains an invalid format key")
				}
			}
		}
		return nil
	})
	upper := func(vals orm.Values) orm.Values {
		if code := vals.Text("code"); code != "" {
			vals = vals.Clone()
			vals["code"] = strings.ToUpper(code)
		}
		return vals
	}
	c.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for i := range list {
				list[i] = upper(list[i])
			}
			return super(rs, list)
		}
	})
	c.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error { return super(rs, upper(vals)) }
	})
	c.OnNameSearch(codeFirst("ilike", func(code string) bool { return utf8.RuneCountInString(code) == 2 }))
	s := orm.Define[CountryState](r)
	s.Unique("name_code_uniq", "country_id, code", "The code of the state must be unique by country!")
	s.Compute("display_name", func(env *orm.Env, ss []*CountryState) error {
		format := " (%s)"
		if env.Flag(FormattedName, false) {
			format = " \t --%s--"
		}
		for _, s := range ss {
			s.DisplayName.Set(s.Name)
			if c := s.CountryID.Rec(); c != nil {
				s.DisplayName.Set(s.DisplayName.Get() + fmt.Sprintf(format, c.Code))
			}
		}
		return nil
	}, "name", "country_id.code")
	s.SearchBy("display_name", searchStates)
	s.OnNameSearch(codeFirst("=like", func(string) bool { return true }))
	orm.Define[CountryGroup](r)
}

var stateOfCountry = regexp.MustCompile(`^(.+)\((.+)\)$`)

// searchStates finds states by name, by code and as they are displayed, those
// of the country of the context when it names one.
func searchStates(env *orm.Env, op string, value any) (orm.Domain, error) {
	d := orm.AnyOf(op, value, "name", "code")
	if strings.HasSuffix(op, "like") && !strings.HasPrefix(op, "=") && (value == "" || value == nil || value == false) {
		d = nil
		if strings.HasPrefix(op, "not ") {
			d = orm.Not(nil)
		}
	}
	text, _ := value.(string)
	if m := stateOfCountry.FindStringSubmatch(text); m != nil && (op == "ilike" || op == "=") {
		country := strings.TrimSpace(m[2])
		d = orm.Or(d, orm.And(orm.Leaf("name", op, strings.TrimSpace(m[1])),
			orm.Or(orm.Leaf("country_id.name", "ilike", country), orm.Leaf("country_id.code", "=", country))))
	}
	if country := env.KeyID("country_id"); country != 0 {
		d = orm.And(d, orm.Leaf("country_id", "=", country))
	}
	return d, nil
}

// codeFirst finds what has the name for its code, where the name may be one, before
// what is found otherwise.
func codeFirst(compare string, mayBeCode func(string) bool) func(orm.NameSearchFunc) orm.NameSearchFunc {
	return func(super orm.NameSearchFunc) orm.NameSearchFunc {
		return func(rs orm.Records, name string, d orm.Domain, op string, limit int) ([]orm.NamedID, error) {
			if name == "" || !mayBeCode(name) || op == "!=" || strings.HasPrefix(op, "not ") {
				return super(rs, name, d, op, limit)
			}
			first, err := rs.Search(orm.And(d, orm.Leaf("code", compare, name)), orm.SearchOptions{Limit: limit})
			if err != nil {
				return nil, err
			}
			named, err := first.DisplayNames()
			if err != nil {
				return nil, err
			}
			out := make([]orm.NamedID, len(first.IDs))
			for i, id := range first.IDs {
				out[i] = orm.NamedID{ID: id, Name: named[id]}
			}
			left := limit - len(out)
			if limit > 0 && left <= 0 {
				return out, nil
			}
			rest, err := super(rs, name, orm.And(d, orm.Leaf("id", "not in", first.IDs)), op, max(left, 0))
			return append(out, rest...), err
		}
	}
}
