package base

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// FindOrCreatePartner returns the partner of an e-mail address, made from it
// when there is none.
var FindOrCreatePartner = orm.ModelMethod[Partner]{Name: "find_or_create"}

var addressKinds = map[string]string{"invoice": "Invoice", "delivery": "Delivery", "other": "Other"}

// completeName puts the company before the name of a contact; an address
// without name is called by its kind.
func completeName(p *Partner, hideCompany bool) string {
	name := p.Name
	if p.CompanyName != "" || p.ParentID.IsSet() {
		if name == "" {
			name = addressKinds[p.Type]
		}
		if !p.IsCompany && !hideCompany {
			company := p.CommercialCompanyName
			if company == "" && p.ParentID.IsSet() {
				company = p.ParentID.Rec().Name
			}
			name = company + ", " + name
		}
	}
	return strings.TrimSpace(name)
}

// FormattedName is the key of the context under which display names carry what sets
// them apart between dashes, --like this--, for clients that print it smaller.
const FormattedName = "formatted_display_name"

// defineDisplayName makes the display name the complete name, with the address,
// e-mail or tax id when the context asks for them.
func defineDisplayName(d *orm.Def[Partner]) {
	d.Compute("display_name", func(env *orm.Env, ps []*Partner) error {
		name := displayName
		if env.Flag(FormattedName, false) {
			name = formattedName
		}
		for _, p := range ps {
			text, err := name(env, p)
			if err != nil {
				return err
			}
			p.DisplayName.Set(strings.TrimSpace(spaceAtEnd.ReplaceAllString(text, "\n")))
		}
		return nil
	}, "complete_name", "name", "is_company", "type", "company_name", "commercial_company_name", "parent_id.name", "email", "vat",
		"street", "street2", "zip", "city", "state_id.code", "state_id.name", "country_id.name", "country_id.code", "country_id.address_format")
}

func displayName(env *orm.Env, p *Partner) (string, error) {
	name := completeName(p, env.Flag("partner_display_name_hide_company", false))
	if env.Flag("partner_show_db_id", false) {
		name += " (" + itoa(p.ID) + ")"
	}
	if env.Flag("show_email", false) && p.Email != "" {
		name += " <" + p.Email + ">"
	}
	between := " - "
	if env.Flag("show_address", false) {
		if err := contactAddresses(env.WithContext(map[string]any{"without_company": true}), []*Partner{p}); err != nil {
			return "", err
		}
		name += "\n" + p.ContactAddress.Get()
		between = " \n "
	}
	if env.Flag("address_inline", false) {
		lines := slices.DeleteFunc(strings.Split(name, "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
		name = strings.Join(lines, ", ")
	}
	if env.Flag("show_vat", false) && p.VAT != "" {
		name += between + p.VAT
	}
	return name, nil
}

func formattedName(env *orm.Env, p *Partner) (string, error) {
	name := p.Name
	company := p.CompanyName
	if company == "" && p.ParentID.IsSet() {
		company = p.ParentID.Rec().Name
	}
	if company != "" {
		if name == "" {
			name = addressKinds[p.Type]
		}
		name = company + " \t --" + name + "--"
	}
	if env.Flag("show_email", false) && p.Email != "" {
		name += " \t --" + p.Email + "--"
	} else if env.Flag("partner_show_db_id", false) {
		name += " \t --" + itoa(p.ID) + "--"
	}
	return name, nil
}

var addressPart = regexp.MustCompile(`%\((\w+)\)s`)

const defaultAddressFormat = "%(street)s\n%(street2)s\n%(city)s %(state_code)s %(zip)s\n%(country_name)s"

var spaceAtEnd = regexp.MustCompile(`\s+\n`)

var blankLines = regexp.MustCompile(`\n[\s]*\n+`)

// contactAddresses writes addresses as their country does.
func contactAddresses(env *orm.Env, ps []*Partner) error {
	for _, p := range ps {
		format := defaultAddressFormat
		parts := map[string]string{"street": p.Street, "street2": p.Street2, "zip": p.Zip, "city": p.City}
		if s := p.StateID.Rec(); s != nil {
			parts["state_code"], parts["state_name"] = s.Code, s.Name
		}
		if c := p.CountryID.Rec(); c != nil {
			parts["country_code"], parts["country_name"] = c.Code, c.Name
			if c.AddressFormat != "" {
				format = c.AddressFormat
			}
		}
		company := p.CommercialCompanyName
		if !env.Flag("without_company", false) && company != "" {
			format = "%(company_name)s\n" + format
			parts["company_name"] = company
		}
		p.ContactAddress.Set(addressPart.ReplaceAllStringFunc(format, func(m string) string {
			return parts[addressPart.FindStringSubmatch(m)[1]]
		}))
		if env.Flag("without_company", false) {
			p.ContactAddress.Set(strings.TrimSpace(blankLines.ReplaceAllString(p.ContactAddress.Get(), "\n")))
		}
	}
	return nil
}

// splitContact takes `Name <address>` apart, the first of several.
func splitContact(text string) (name, email string) {
	if all, err := mail.ParseAddressList(text); err == nil {
		return all[0].Name, strings.ToLower(all[0].Address)
	}
	if i := strings.IndexByte(text, '<'); i >= 0 && strings.HasSuffix(text, ">") && strings.Contains(text[i:], "@") {
		return strings.TrimSpace(text[:i]), strings.ToLower(strings.TrimSpace(text[i+1 : len(text)-1]))
	}
	if strings.Contains(text, "@") && !strings.Contains(text, " ") {
		return "", strings.ToLower(text)
	}
	return text, ""
}

// partnerFromText creates a contact from `Name <address>`.
func partnerFromText(super orm.NameCreateFunc) orm.NameCreateFunc {
	return func(rs orm.Records, text string) (orm.NamedID, error) {
		name, email := splitContact(text)
		if rs.Env.Flag("force_email", false) && email == "" {
			return orm.NamedID{}, orm.ValidationErrorf("Couldn't create contact without email address!")
		}
		if name == "" {
			name = email
		}
		vals := orm.Values{"name": name}
		if email != "" {
			vals["email"] = email
		}
		made, err := rs.Create(vals)
		if err != nil {
			return orm.NamedID{}, err
		}
		names, err := made.DisplayNames()
		return orm.NamedID{ID: made.ID(), Name: names[made.ID()]}, err
	}
}

func findOrCreate(env *orm.Env, args orm.Args) (any, error) {
	text := strings.TrimSpace(args.String(0, "email"))
	if text == "" {
		return nil, orm.ValueErrorf("An email is required for find_or_create to work")
	}
	name, email := splitContact(text)
	if email == "" && asBool(args.Get(1, "assert_valid_email")) {
		return nil, orm.ValueErrorf("A valid email is required for find_or_create to work properly.")
	}
	found, err := env.Model("res.partner").Search(orm.Leaf("email_normalized", "=", NormalizeEmail(text)), orm.SearchOptions{Limit: 1})
	if err != nil || found.Len() > 0 && email != "" {
		return found.IDs, err
	}
	if name == "" {
		name = email
	}
	vals := orm.Values{"name": name}
	if email != "" {
		vals["email"] = email
	}
	made, err := env.Model("res.partner").Create(vals)
	return made.IDs, err
}

// MarkCopies makes the name of a copy "… (copy)" unless it is given one.
func MarkCopies(super orm.CopyDataFunc) orm.CopyDataFunc {
	return func(rs orm.Records, vals orm.Values) (orm.Values, error) {
		if !vals.Has("name") {
			name, err := rs.ValueText("name")
			if err != nil {
				return nil, err
			}
			if name != "" {
				vals["name"] = name + " (copy)"
			}
		}
		return super(rs, vals)
	}
}
