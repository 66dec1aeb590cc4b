package product

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// maxVariants is how many variants a template may be given at once, unless the
// parameter product.dynamic_variant_limit says otherwise.
const maxVariants = 1000

// combination identifies a set of attribute values of a template.
func combination(ptavs []int64) string {
	ids := slices.Clone(ptavs)
	slices.Sort(ids)
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(text, ",")
}

// variantPlan is what a template's attribute lines ask for.
type variantPlan struct {
	lines   [][]int64 // active values of each line whose values make variants
	dynamic bool
}

// variantPlans reads the lines of templates.
func variantPlans(env *orm.Env, templates []int64) (map[int64]*variantPlan, error) {
	ls, err := orm.Search[AttributeLine](env.Sudo(), orm.And(orm.Leaf("product_tmpl_id", "in", templates), orm.Leaf("value_ids", "!=", false)), orm.SearchOptions{},
		"attribute_id", "product_template_value_ids")
	if err != nil {
		return nil, err
	}
	out := map[int64]*variantPlan{}
	for _, id := range templates {
		out[id] = &variantPlan{}
	}
	for _, l := range ls {
		if l.AttributeID.Rec().CreateVariant == NoVariant {
			continue
		}
		m := out[l.TemplateID.ID]
		var values []int64
		for _, v := range l.PTAVIDs.All() {
			if v.Active {
				values = append(values, v.ID)
			}
		}
		m.lines = append(m.lines, values)
		m.dynamic = m.dynamic || l.AttributeID.Rec().CreateVariant == Dynamic
	}
	return out, nil
}

// possible reports whether a combination has one active value of each line.
func (m *variantPlan) possible(ptavs []int64) bool {
	if len(ptavs) != len(m.lines) {
		return false
	}
	for _, values := range m.lines {
		if !slices.ContainsFunc(values, func(id int64) bool { return slices.Contains(ptavs, id) }) {
			return false
		}
	}
	return true
}

// combinations are all of them, the values of the last line changing fastest.
func (m *variantPlan) combinations(limit int) ([][]int64, bool) {
	total := 1
	for _, values := range m.lines {
		if total *= len(values); total > limit {
			return nil, false
		}
	}
	out := [][]int64{{}}
	for _, values := range m.lines {
		var next [][]int64
		for _, head := range out {
			for _, v := range values {
				next = append(next, append(slices.Clone(head), v))
			}
		}
		out = next
	}
	return out, true
}

// createVariants makes the variants of templates agree with their attribute
// lines: missing ones are created, archived ones that are wanted again are
// taken back, and the rest is deleted, or archived where it is in use. given are
// values, by template, for the variant of a template that gets its only one.
func createVariants(env *orm.Env, templates []int64, given map[int64]orm.Values) error {
	if len(templates) == 0 {
		return nil
	}
	env = withArchived(env)
	wanted, err := variantPlans(env, templates)
	if err != nil {
		return err
	}
	existing, err := orm.Search[Product](env, orm.Leaf("product_tmpl_id", "in", templates), orm.SearchOptions{Order: "active desc, id"}, "product_template_attribute_value_ids")
	if err != nil {
		return err
	}
	limit, err := variantLimit(env)
	if err != nil {
		return err
	}
	products := env.Model("product.product")
	var wake, gone []int64
	var fresh []orm.Values
	for _, id := range templates {
		m := wanted[id]
		mine := slices.DeleteFunc(slices.Clone(existing), func(v *Product) bool { return v.TemplateID.ID != id })
		have := map[string]*Product{}
		for _, v := range mine {
			ptavs := addSingleValues(m, v.PTAVIDs.IDs())
			if len(ptavs) != len(v.PTAVIDs.IDs()) {
				if err := products.Browse(v.ID).Write(orm.Values{"product_template_attribute_value_ids": []orm.Command{orm.SetIDs(ptavs...)}}); err != nil {
					return err
				}
				v.PTAVIDs.Set(ptavs...)
			}
			if key := combination(ptavs); have[key] == nil {
				have[key] = v
			}
		}
		kept := map[int64]bool{}
		if m.dynamic {
			for _, v := range mine {
				kept[v.ID] = m.possible(v.PTAVIDs.IDs())
			}
		} else {
			all, ok := m.combinations(limit)
			if !ok {
				return orm.UserErrorf("The attributes of “%s” make more than %d variants. Choose fewer values, or let the variants of an attribute be created dynamically or never.", nameOf(env.Model("product.template").Browse(id)), limit)
			}
			for _, ptavs := range all {
				if v := have[combination(ptavs)]; v != nil {
					kept[v.ID] = true
					continue
				}
				vals := orm.Values{"product_tmpl_id": id, "product_template_attribute_value_ids": []orm.Command{orm.SetIDs(ptavs...)}}
				if len(all) == 1 {
					maps.Copy(vals, given[id])
				}
				fresh = append(fresh, vals)
			}
		}
		for _, v := range mine {
			if !kept[v.ID] {
				gone = append(gone, v.ID)
			} else if !v.Active {
				wake = append(wake, v.ID)
			}
		}
	}
	active, err := activeTemplates(env, templates)
	if err != nil {
		return err
	}
	for _, vals := range fresh {
		vals["active"] = active[vals["product_tmpl_id"].(int64)]
	}
	if err := products.Browse(wake...).Write(orm.Values{"active": true}); err != nil {
		return err
	}
	if len(fresh) > 0 {
		if _, err := products.Create(fresh...); err != nil {
			return err
		}
	}
	return unlinkOrArchive(products.Browse(gone...))
}

func activeTemplates(env *orm.Env, ids []int64) (map[int64]bool, error) {
	active, err := env.Sudo().Model("product.template").Search(orm.And(orm.Leaf("id", "in", ids), orm.Leaf("active", "=", true)), orm.SearchOptions{})
	out := map[int64]bool{}
	for _, id := range active.IDs {
		out[id] = true
	}
	return out, err
}

// addSingleValues adds to a combination the values of lines that have only one: an
// attribute that makes no difference needs no new variants. A combination that
// would not be possible even so is left alone.
func addSingleValues(m *variantPlan, ptavs []int64) []int64 {
	full := slices.Clone(ptavs)
	for _, values := range m.lines {
		if len(values) == 1 && !slices.Contains(full, values[0]) {
			full = append(full, values[0])
		}
	}
	if len(full) == len(ptavs) || !m.possible(full) {
		return ptavs
	}
	return full
}

func variantLimit(env *orm.Env) (int, error) {
	text, ok, err := base.GetParam(env, "product.dynamic_variant_limit")
	if err != nil || !ok {
		return maxVariants, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 {
		return 0, orm.UserErrorf("The system parameter product.dynamic_variant_limit must be a number of variants; it is “%s”.", text)
	}
	return n, nil
}

// unlinkOrArchive deletes variants, and archives those that something needs.
// Their template stays.
func unlinkOrArchive(rs orm.Records) error {
	rs = rs.In(rs.Env.WithContext(map[string]any{keyKeepTemplate: internalMark{}}))
	if rs.Len() == 0 {
		return nil
	}
	err := rs.Env.Savepoint(func(env *orm.Env) error { return rs.In(env).Unlink() })
	if code := orm.CodeOf(err); code != orm.CodeUser && code != orm.CodeValidation {
		return err // deleted, or failed for a reason that archiving does not heal
	}
	if rs.Len() == 1 {
		return rs.Write(orm.Values{"active": false})
	}
	half := rs.Len() / 2
	if err := unlinkOrArchive(rs.Browse(rs.IDs[:half]...)); err != nil {
		return err
	}
	return unlinkOrArchive(rs.Browse(rs.IDs[half:]...))
}

// CreateVariant makes the variant of a combination of attribute values, given
// as the ids of the template's own values, or finds it. It returns its id.
var CreateVariant = orm.Method[Template]{Name: "create_product_variant"}

func createVariantByCall(env *orm.Env, ts []*Template, args orm.Args) (any, error) {
	if len(ts) != 1 {
		return nil, orm.UserErrorf("A variant is made of one product at a time; %d were given.", len(ts))
	}
	return VariantOf(env, ts[0].ID, args.IDs(0, "product_template_attribute_value_ids"))
}

// VariantOf finds the variant of a template that has exactly these of the
// template's attribute values, and makes it when the attributes are of the kind
// whose variants are created dynamically. Values of attributes that never make
// variants are ignored.
func VariantOf(env *orm.Env, template int64, ptavs []int64) (int64, error) {
	all := withArchived(env)
	wanted, err := variantPlans(all, []int64{template})
	if err != nil {
		return 0, err
	}
	m := wanted[template]
	var own []int64
	for _, values := range m.lines {
		for _, v := range values {
			if slices.Contains(ptavs, v) {
				own = append(own, v)
			}
		}
	}
	if !m.possible(own) {
		return 0, orm.UserErrorf("“%s” does not come in this combination of attribute values. Choose one value of each attribute.", nameOf(env.Model("product.template").Browse(template)))
	}
	vs, err := orm.Search[Product](all, orm.Leaf("product_tmpl_id", "=", template), orm.SearchOptions{Order: "active desc, id"}, "product_template_attribute_value_ids")
	if err != nil {
		return 0, err
	}
	for _, v := range vs {
		if combination(v.PTAVIDs.IDs()) != combination(own) {
			continue
		}
		if !v.Active {
			return v.ID, orm.RecordsOf(env, v).Write(orm.Values{"active": true})
		}
		return v.ID, nil
	}
	if !m.dynamic {
		return 0, orm.UserErrorf("The variant of “%s” with these attribute values was deleted. Save the attributes of the product again to have it back.", nameOf(env.Model("product.template").Browse(template)))
	}
	made, err := env.Model("product.product").Create(orm.Values{"product_tmpl_id": template, "product_template_attribute_value_ids": []orm.Command{orm.SetIDs(own...)}})
	if err != nil {
		return 0, fmt.Errorf("variant of product %d: %w", template, err)
	}
	return made.ID(), nil
}
