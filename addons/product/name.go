package product

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

func defineNames(p *orm.Def[Product]) {
	p.Compute("display_name, partner_ref", func(env *orm.Env, ps []*Product) error {
		vendors, err := vendorNames(env, ps)
		if err != nil {
			return err
		}
		for _, p := range ps {
			name, code := p.Name, p.DefaultCode
			if v := vendors[p.ID]; v != nil {
				name, code = cmp.Or(v.ProductName, name), cmp.Or(v.ProductCode, code)
			}
			var values []string
			for _, v := range distinguishingValues(p) {
				values = append(values, v.Name)
			}
			if len(values) > 0 {
				name += " (" + strings.Join(values, ", ") + ")"
			}
			p.DisplayName.Set(withCode(env, name, code))
			p.PartnerRef.Set(p.DisplayName.Get())
		}
		return nil
	}, "name", "default_code", "product_template_attribute_value_ids.name", "product_template_attribute_value_ids.attribute_line_id.product_template_value_ids.ptav_active")
	p.Compute("code", func(_ *orm.Env, ps []*Product) error {
		for _, p := range ps {
			p.Code.Set(p.DefaultCode)
		}
		return nil
	}, "default_code")
	p.SearchBy("display_name", func(env *orm.Env, op string, value any) (orm.Domain, error) {
		d := orm.AnyOf(op, value, "name", "default_code")
		switch {
		case positive(op) == "=" || positive(op) == "in":
			d = orm.AnyOf(op, value, "name", "default_code", "barcode")
		case !isNegative(op) && strings.HasSuffix(op, "like"):
			d = orm.Or(d, orm.Leaf("barcode", "=", value))
		}
		if isNegative(op) {
			return d, nil
		}
		texts, _ := value.([]any)
		for _, text := range texts {
			if text, _ := text.(string); op == "in" && bracketed.MatchString(text) {
				d = orm.Or(d, orm.Leaf("default_code", "=", bracketed.FindStringSubmatch(text)[1]))
			}
		}
		words, err := byVendor(env, op, value)
		if words != nil {
			d = orm.Or(d, words)
		}
		return d, err
	})
	p.OnNameSearch(searchNames)
}

// byVendor finds products by what the vendor of the context calls them; it is nil
// without one, and for who may not read the lists of vendors.
func byVendor(env *orm.Env, op string, value any) (orm.Domain, error) {
	vendor := env.KeyID("partner_id")
	if vendor == 0 {
		return nil, nil
	}
	if ok, err := env.Model("product.supplierinfo").HasAccess(orm.OpRead); err != nil || !ok {
		return nil, err
	}
	return orm.Leaf("product_tmpl_id.seller_ids", "any",
		orm.And(orm.Leaf("partner_id", "=", vendor), orm.AnyOf(op, value, "product_code", "product_name"))), nil
}

// vendorNames finds what the vendor of the context calls the products: one entry of
// his list (seller_id), or those of a partner (partner_id) or his company. An entry
// for the variant comes before one for the template.
func vendorNames(env *orm.Env, ps []*Product) (map[int64]*SupplierInfo, error) {
	seller, partner := env.KeyID("seller_id"), env.KeyID("partner_id")
	if seller == 0 && partner == 0 {
		return nil, nil
	}
	templates := make([]int64, len(ps))
	for i, p := range ps {
		templates[i] = p.TemplateID.ID
	}
	env = env.Sudo() // not everybody who sees a product may see its vendors
	d := orm.And(orm.Leaf("product_tmpl_id", "in", templates), orm.Or(orm.Leaf("company_id", "=", false), orm.Leaf("company_id", "in", env.Companies())))
	if seller != 0 {
		d = orm.And(d, orm.Leaf("id", "=", seller))
	} else {
		who, err := env.Model("res.partner").Browse(partner).Exists()
		if err != nil || who.Len() == 0 {
			return nil, err
		}
		company, err := who.ValueID("commercial_partner_id")
		if err != nil {
			return nil, err
		}
		d = orm.And(d, orm.Leaf("partner_id", "in", []int64{partner, company}))
	}
	if company := env.KeyID("company_id"); company != 0 {
		d = orm.And(d, orm.Leaf("company_id", "in", []any{false, company}))
	}
	infos, err := orm.Search[SupplierInfo](env, d, orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	out := map[int64]*SupplierInfo{}
	for _, p := range ps {
		for _, s := range infos {
			switch {
			case seller != 0, s.ProductID.ID == p.ID && (out[p.ID] == nil || !out[p.ID].ProductID.IsSet()):
				out[p.ID] = s
			case out[p.ID] == nil && s.TemplateID.ID == p.TemplateID.ID && !s.ProductID.IsSet():
				out[p.ID] = s
			}
		}
	}
	return out, nil
}

// distinguishingValues are the values of a variant that tell it from others: those of
// lines with more than one value.
func distinguishingValues(p *Product) []*TemplateAttributeValue {
	all := p.PTAVIDs.All()
	archived := false
	for _, v := range all {
		archived = archived || !v.Active
	}
	var out []*TemplateAttributeValue
	for _, v := range all {
		n := 0
		for _, o := range v.LineID.Rec().PTAVIDs.All() {
			if o.Active || archived {
				n++
			}
		}
		if n > 1 {
			out = append(out, v)
		}
	}
	return out
}

var bracketed = regexp.MustCompile(`\[(.*?)\]`)

// searchNames finds products as people type them: the exact reference or
// barcode first; then references and names that contain the text; then the
// reference in brackets, as display names write it.
func searchNames(super orm.NameSearchFunc) orm.NameSearchFunc {
	return func(rs orm.Records, name string, d orm.Domain, op string, limit int) ([]orm.NamedID, error) {
		if strings.TrimSpace(name) == "" {
			return super(rs, name, d, op, limit)
		}
		find := func(left int, leaf orm.Domain) ([]int64, error) {
			found, err := rs.Search(orm.And(d, leaf), orm.SearchOptions{Limit: left})
			return found.IDs, err
		}
		var ids []int64
		var err error
		if isNegative(op) {
			ids, err = find(limit, orm.AnyOf(op, name, "name", "default_code"))
		} else {
			ids, err = findPositive(find, name, op, limit)
		}
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			words, err := byVendor(rs.Env, op, name)
			if err != nil {
				return nil, err
			}
			if words != nil {
				if ids, err = find(limit, words); err != nil {
					return nil, err
				}
			}
		}
		names, err := rs.In(rs.Env.Sudo()).Browse(ids...).DisplayNames()
		out := make([]orm.NamedID, len(ids))
		for i, id := range ids {
			out[i] = orm.NamedID{ID: id, Name: names[id]}
		}
		return out, err
	}
}

func findPositive(find func(int, orm.Domain) ([]int64, error), name, op string, limit int) ([]int64, error) {
	for _, field := range []string{"default_code", "barcode"} {
		if ids, err := find(limit, orm.Leaf(field, "=", name)); err != nil || len(ids) > 0 {
			return ids, err
		}
	}
	ids, err := find(limit, orm.Leaf("default_code", op, name))
	if err != nil {
		return nil, err
	}
	if left := limit - len(ids); limit <= 0 || left > 0 {
		more, err := find(max(left, 0), orm.And(orm.Leaf("id", "not in", ids), orm.Leaf("name", op, name)))
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	if m := bracketed.FindStringSubmatch(name); len(ids) == 0 && m != nil {
		return find(limit, orm.Leaf("default_code", "=", m[1]))
	}
	return ids, nil
}

// searchTemplates looks among names alone where the templates to look among are
// given; else what names a variant finds its template too.
func searchTemplates(super orm.NameSearchFunc) orm.NameSearchFunc {
	return func(rs orm.Records, name string, d orm.Domain, op string, limit int) ([]orm.NamedID, error) {
		if paths, err := d.Paths(); err == nil && slices.Contains(paths, "id") && rs.Env.Key("search_product_product") == nil {
			rs = rs.In(rs.Env.WithContext(map[string]any{"search_product_product": false}))
		}
		return super(rs, name, d, op, limit)
	}
}
