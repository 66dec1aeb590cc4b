package base

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// The facets of this file are computed fields that are not stored: labels, warnings
// and the like, for screens and programs to show.
type (
	partnerDisplay struct {
		orm.Record
		ParentID         orm.Ref[Partner]               `orm:"parent_id"`
		CompanyID        orm.Ref[Company]               `orm:"company_id"`
		VAT              string                         `orm:"vat"`
		Registry         string                         `orm:"company_registry"`
		Type             string                         `orm:"type"`
		VATLabel         orm.Deferred[string]           `orm:"vat_label" label:"Tax ID Label"`
		TypeAddressLabel orm.Deferred[string]           `orm:"type_address_label" label:"Address Type Description"`
		SameVAT          orm.Deferred[orm.Ref[Partner]] `orm:"same_vat_partner_id" label:"Partner with same Tax ID"`
		SameRegistry     orm.Deferred[orm.Ref[Partner]] `orm:"same_company_registry_partner_id" label:"Partner with same Company Registry"`
	}
	userDisplay struct {
		orm.Record
		LogIDs        orm.Many[UserLog]    `orm:"log_ids"`
		ActivePartner bool                 `orm:"active_partner,related=partner_id.active,readonly" label:"Partner is Active"`
		State         orm.Deferred[string] `orm:"state" selection:"new:Never Connected,active:Confirmed" label:"Status"`
	}
	companyDisplay struct {
		orm.Record
		Path             string             `orm:"parent_path"`
		CompanyDetails   string             `orm:"company_details"`
		ParentIDs        orm.Many[Company]  `orm:"parent_ids" label:"Parent Companies"`
		AllChildIDs      orm.Many[Company]  `orm:"all_child_ids,inverse=parent_id" context:"{'active_test': False}" label:"All Branches"`
		DetailsEmpty     orm.Deferred[bool] `orm:"is_company_details_empty" label:"Is Company Details Empty"`
		LayoutBackground string             `orm:"layout_background,required,default=Blank" selection:"Blank:Blank,Demo logo:Demo logo,Custom:Custom" label:"Layout Background"`
	}
	countryDisplay struct {
		orm.Record
		Code     string               `orm:"code"`
		ImageURL orm.Deferred[string] `orm:"image_url" label:"Flag" help:"Url of static flag image"`
	}
	modelDisplay struct {
		orm.Record
		Model     string            `orm:"model"`
		Inherited orm.Many[IrModel] `orm:"inherited_model_ids" label:"Inherited models" help:"The list of models that extends the current model."`
	}
	fieldDisplay struct {
		orm.Record
		Name             string               `orm:"name"`
		Model            string               `orm:"model"`
		CompanyDependent orm.Deferred[bool]   `orm:"company_dependent" label:"Company Dependent" help:"Whether the value is of each company its own"`
		CurrencyField    orm.Deferred[string] `orm:"currency_field" label:"Currency field" help:"Name of the field that holds the currency of the amount."`
		Selection        orm.Deferred[string] `orm:"selection" label:"Selection Options"`
	}
)

func defineDisplayFields(r *orm.Registry) {
	p := orm.Extend[partnerDisplay](r, "res.partner")
	p.Compute("vat_label", func(env *orm.Env, ps []*partnerDisplay) error {
		label := "Tax ID"
		if company := env.Company(); company != 0 {
			v, err := env.Sudo().Model("res.company").Browse(company).Value("country_id")
			if err != nil {
				return err
			}
			if country, _ := v.(int64); country != 0 {
				c, err := orm.Get[Country](env.Sudo(), country)
				if err != nil {
					return err
				}
				if c.VATLabel != "" {
					label = c.VATLabel
				}
			}
		}
		for _, p := range ps {
			p.VATLabel.Set(label)
		}
		return nil
	})
	p.Compute("type_address_label", func(_ *orm.Env, ps []*partnerDisplay) error {
		for _, p := range ps {
			p.TypeAddressLabel.Set("Address")
			switch {
			case p.Type == "invoice":
				p.TypeAddressLabel.Set("Invoice Address")
			case p.Type == "delivery":
				p.TypeAddressLabel.Set("Delivery Address")
			case p.Type == "contact" && p.ParentID.IsSet():
				p.TypeAddressLabel.Set("Company Address")
			}
		}
		return nil
	}, "type", "parent_id")
	p.Compute("same_vat_partner_id, same_company_registry_partner_id", samePartners, "vat", "company_registry", "company_id", "parent_id")

	u := orm.Extend[userDisplay](r, "res.users")
	u.Compute("state", func(env *orm.Env, us []*userDisplay) error {
		// Whether somebody was ever here is for all who may read the user, when is not.
		n, err := env.Sudo().Model("res.users.log").CountBy("create_uid", orm.Leaf("create_uid", "in", orm.IDs(env, us)))
		for _, u := range us {
			u.State.Set(userNew)
			if n[u.ID] > 0 {
				u.State.Set(userActive)
			}
		}
		return err
	}, "log_ids")
	u.SearchBy("state", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		wanted, ok := value.([]any)
		if !ok {
			wanted = []any{value}
		}
		known, fresh := slices.Contains(wanted, any("active")), slices.Contains(wanted, any("new"))
		if op == "!=" || op == "not in" {
			known, fresh = !known, !fresh
		}
		switch {
		case known && fresh:
			return nil, nil
		case known:
			return orm.Leaf("log_ids", "!=", false), nil
		case fresh:
			return orm.Leaf("log_ids", "=", false), nil
		}
		return orm.Leaf("id", "=", false), nil
	})

	c := orm.Extend[companyDisplay](r, "res.company")
	c.Compute("parent_ids", func(_ *orm.Env, cs []*companyDisplay) error {
		for _, c := range cs {
			var ids []int64
			for part := range strings.SplitSeq(c.Path, "/") {
				if id, err := strconv.ParseInt(part, 10, 64); err == nil {
					ids = append(ids, id)
				}
			}
			c.ParentIDs.Set(ids...)
		}
		return nil
	}, "parent_path")
	c.Compute("is_company_details_empty", func(_ *orm.Env, cs []*companyDisplay) error {
		for _, c := range cs {
			c.DetailsEmpty.Set(strings.TrimSpace(htmlTag.ReplaceAllString(c.CompanyDetails, "")) == "")
		}
		return nil
	}, "company_details")

	orm.Extend[countryDisplay](r, "res.country").Compute("image_url", func(_ *orm.Env, cs []*countryDisplay) error {
		for _, c := range cs {
			c.ImageURL.Set("")
			if c.Code != "" && c.Code != "AQ" && c.Code != "SJ" { // which have no flag
				code := strings.ToLower(c.Code)
				if as := flagsOfOthers[code]; as != "" {
					code = as
				}
				c.ImageURL.Set("/base/static/img/country_flags/" + code + ".png")
			}
		}
		return nil
	}, "code")

	orm.Extend[modelDisplay](r, "ir.model").Compute("inherited_model_ids", func(env *orm.Env, ms []*modelDisplay) error {
		for _, m := range ms {
			var names []string
			if model, ok := env.Registry().Model(m.Model); ok {
				for _, d := range model.Delegates {
					names = append(names, d.Comodel)
				}
			}
			found, err := env.Model("ir.model").Search(orm.Leaf("model", "in", names), orm.SearchOptions{})
			if err != nil {
				return err
			}
			m.Inherited.Set(found.IDs...)
		}
		return nil
	}, "model")
	orm.Extend[fieldDisplay](r, "ir.model.fields").Compute("company_dependent, currency_field, selection", func(env *orm.Env, fs []*fieldDisplay) error {
		for _, f := range fs {
			f.CompanyDependent.Set(false)
			f.CurrencyField.Set("")
			f.Selection.Set("")
			model, ok := env.Registry().Model(f.Model)
			if !ok || model.Fields[f.Name] == nil {
				continue
			}
			field := model.Fields[f.Name]
			f.CompanyDependent.Set(field.CompanyDependent)
			f.CurrencyField.Set(field.Currency)
			if field.Kind == orm.Selection || field.Kind == orm.Reference {
				var parts []string
				for _, o := range field.Options {
					parts = append(parts, fmt.Sprintf("('%s', '%s')", o.Value, o.Label))
				}
				f.Selection.Set("[" + strings.Join(parts, ", ") + "]")
			}
		}
		return nil
	}, "model", "name")
}

var htmlTag = regexp.MustCompile(`<[^>]*>`)

// flagsOfOthers are countries that show the flag of another.
var flagsOfOthers = map[string]string{"gf": "fr", "bv": "no", "bq": "nl", "gp": "fr", "hm": "au", "yt": "fr", "re": "fr", "mf": "fr", "um": "us"}

// samePartners finds contacts that seem to be entered twice: another one,
// outside of its own company, with the same tax id or registry number. One that
// the user may not read is not told of.
func samePartners(env *orm.Env, ps []*partnerDisplay) error {
	all := env.WithContext(map[string]any{"active_test": false}).Model("res.partner")
	find := func(p *partnerDisplay, stored int64, field, value string) (orm.Ref[Partner], error) {
		if value == "" || p.ParentID.IsSet() {
			return orm.Ref[Partner]{}, nil
		}
		d := orm.And(orm.Leaf(field, "=", value), orm.Domain{"!", []any{"id", "child_of", stored}})
		if p.CompanyID.IsSet() {
			d = orm.And(d, orm.Leaf("company_id", "in", []any{false, p.CompanyID.ID}))
		}
		found, err := all.Search(d, orm.SearchOptions{Limit: 1})
		if err != nil || found.Len() == 0 {
			return orm.Ref[Partner]{}, err
		}
		return orm.RefTo[Partner](found.ID()), nil
	}
	for i, id := range orm.StoredIDs(env, ps) {
		p := ps[i]
		p.SameVAT.Set(orm.Ref[Partner]{})
		if len(p.VAT) > 1 { // a single sign says that there is none
			same, err := find(p, id, "vat", p.VAT)
			if err != nil {
				return err
			}
			p.SameVAT.Set(same)
		}
		same, err := find(p, id, "company_registry", p.Registry)
		if err != nil {
			return err
		}
		p.SameRegistry.Set(same)
	}
	return nil
}
