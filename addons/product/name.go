package product

import (
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

func defineNames(p *orm.Def[Product]) {
	p.Compute("display_name, partner_ref", func(env *orm.Env, ps []*Product) error {
		for _, p := range ps {
			name := p.Name
			var values []string
			for _, v := range distinguishingValues(p) {
				values = append(values, v.Name)
			}
			if len(values) > 0 {
				name += " (" + strings.Join(values, ", ") + ")"
			}
			p.DisplayName = withCode(env, name, p.DefaultCode)
			p.PartnerRef = p.DisplayName
		}
		return nil
	}, "name", "default_code", "product_template_attribute_value_ids.name", "product_template_attribute_value_ids.attribute_line_id.product_template_value_ids.ptav_active")
	p.Compute("code", func(_ *orm.Env, ps []*Product) error {
		for _, p := range ps {
			p.Code = p.DefaultCode
		}
		return nil
	}, "default_code")
	p.SearchBy("display_name", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		leaves := []orm.Domain{orm.Leaf("name", op, value), orm.Leaf("default_code", op, value)}
		switch {
		case positive(op) == "=" || positive(op) == "in":
			leaves = append(leaves, orm.Leaf("barcode", op, value))
		case !isNegative(op) && strings.HasSuffix(op, "like"):
			leaves = append(leaves, orm.Leaf("barcode", "=", value))
		}
		if isNegative(op) {
			return orm.And(leaves...), nil
		}
		return orm.Or(leaves...), nil
	})
	p.OnNameSearch(searchNames)
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
			ids, err = find(limit, orm.And(orm.Leaf("name", op, name), orm.Leaf("default_code", op, name)))
		} else {
			ids, err = findPositive(find, name, op, limit)
		}
		if err != nil {
			return nil, err
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
