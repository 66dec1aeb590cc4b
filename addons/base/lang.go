package base

import (
	_ "embed"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// zones are the time zones of the IANA database, one a line.
//
//go:embed data/timezones.txt
var zones string

// baseLang is the language of the database: that of terms and, until they are
// given another, of contacts.
const baseLang = "en_US"

// Lang is a language and how it writes dates and numbers.
type Lang struct {
	orm.Record   `orm:"res.lang" label:"Languages" order:"active desc, name" search:"name,code"`
	Name         string `orm:"name,required" label:"Name"`
	Code         string `orm:"code,required" label:"Locale Code"`
	ISOCode      string `orm:"iso_code" label:"ISO code"`
	URLCode      string `orm:"url_code,required" label:"URL Code"`
	Active       bool   `orm:"active" label:"Active"`
	Direction    string `orm:"direction,required,default=ltr" selection:"ltr:Left-to-Right,rtl:Right-to-Left" label:"Direction"`
	DateFormat   string `orm:"date_format,required" label:"Date Format"`
	TimeFormat   string `orm:"time_format,required" label:"Time Format"`
	ShortTime    string `orm:"short_time_format,required" label:"Short Time Format"`
	WeekStart    string `orm:"week_start,required,default=7" selection:"1:Monday,2:Tuesday,3:Wednesday,4:Thursday,5:Friday,6:Saturday,7:Sunday" label:"First Day of Week"`
	Grouping     string `orm:"grouping,required" label:"Separator Format"`
	DecimalPoint string `orm:"decimal_point,required,default=." label:"Decimal Separator"`
	ThousandsSep string `orm:"thousands_sep" label:"Thousands Separator"`
}

// LangsInstalled lists the active languages for clients: code and name.
var LangsInstalled = orm.ModelMethod[Lang]{Name: "get_installed"}

func defineLang(r *orm.Registry) {
	l := orm.Define[Lang](r)
	constant := func(field, value string) {
		l.Default(field, func(*orm.Env) (any, error) { return value, nil })
	}
	constant("date_format", "%m/%d/%Y")
	constant("time_format", "%H:%M:%S")
	constant("short_time_format", "%H:%M")
	constant("grouping", "[3,0]")
	constant("thousands_sep", ",")
	l.Unique("name_uniq", "name", "The name of the language must be unique!")
	l.Unique("code_uniq", "code", "The code of the language must be unique!")
	l.Unique("url_code_uniq", "url_code", "The URL code of the language must be unique!")
	l.Constrain("active", func(env *orm.Env, _ []*Lang) error {
		n, err := env.Sudo().Model("res.lang").SearchCount(orm.Leaf("active", "=", true), 0)
		if err == nil && n == 0 {
			return orm.ValidationErrorf("At least one language must be active.")
		}
		return err
	})
	l.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if active, ok := vals["active"]; ok && !asBool(active) {
				if err := checkLangUnused(rs); err != nil {
					return err
				}
			}
			return super(rs, vals)
		}
	})
	l.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			ls, err := orm.Read[Lang](rs.Env, rs.IDs)
			if err != nil {
				return err
			}
			for _, l := range ls {
				if l.Code == orm.DefaultLang {
					return orm.UserErrorf("Base Language 'en_US' can not be deleted.")
				}
				if l.Active {
					return orm.UserErrorf("You cannot delete the language which is Active!\nPlease de-activate the language first.")
				}
			}
			return super(rs)
		}
	})
	orm.ImplementModel(l, LangsInstalled, func(env *orm.Env, args orm.Args) (any, error) {
		if err := args.Check("get_installed", 0); err != nil {
			return nil, err
		}
		langs, err := installedLangs(env)
		out := make([][]any, len(langs))
		for i, l := range langs {
			out[i] = []any{l.Value, l.Label}
		}
		return out, err
	})
}

// checkLangUnused refuses to switch off a language that users or contacts have.
func checkLangUnused(rs orm.Records) error {
	ls, err := orm.Read[Lang](rs.Env, rs.IDs)
	if err != nil {
		return err
	}
	env := rs.Env.Sudo()
	for _, l := range ls {
		for _, model := range []string{"res.users", "res.partner"} {
			n, err := env.Model(model).SearchCount(orm.Leaf("lang", "=", l.Code), 0)
			if err != nil {
				return err
			}
			if n > 0 && model == "res.users" {
				return orm.UserErrorf("Cannot deactivate a language that is currently used by users.")
			}
			if n > 0 {
				return orm.UserErrorf("Cannot deactivate a language that is currently used by contacts.")
			}
		}
	}
	return nil
}

// installedLangs are the languages people may choose.
func installedLangs(env *orm.Env) ([]orm.Option, error) {
	ls, err := orm.Search[Lang](env.Sudo(), nil, orm.SearchOptions{Order: "name"})
	out := make([]orm.Option, len(ls))
	for i, l := range ls {
		out[i] = orm.Option{Value: l.Code, Label: l.Name}
	}
	return out, err
}

// timeZones are the time zones people may choose.
func timeZones(*orm.Env) ([]orm.Option, error) {
	var out []orm.Option
	for name := range strings.Lines(zones) {
		name = strings.TrimSpace(name)
		out = append(out, orm.Option{Value: name, Label: name})
	}
	return out, nil
}

// checkLang refuses the code of a language that is not switched on.
func checkLang(env *orm.Env, model, code string) error {
	if code == "" || code == orm.DefaultLang {
		return nil
	}
	n, err := env.Sudo().Model("res.lang").SearchCount(orm.Leaf("code", "=", code), 0)
	if err == nil && n == 0 {
		return orm.ValueErrorf("Wrong value for %s.lang: '%s'", model, code)
	}
	return err
}
