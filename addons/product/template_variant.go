package product

import (
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// ofVariant are the fields of a template that are those of its only variant.
var ofVariant = []string{"barcode", "default_code", "standard_price", "volume", "weight"}

func defineVariantFields(t *orm.Def[Template]) {
	t.Compute("default_code", func(env *orm.Env, ts []*Template) error {
		return fromVariant(env, ts, func(t *Template, v *Product) { t.DefaultCode = v.DefaultCode })
	}, "product_variant_ids.default_code", "product_variant_ids.active")
	t.Compute("barcode, standard_price, volume, weight", func(env *orm.Env, ts []*Template) error {
		return fromVariant(env, ts, func(t *Template, v *Product) {
			t.Barcode.Set(v.Barcode)
			t.StandardPrice.Set(v.StandardPrice)
			t.Volume.Set(v.Volume)
			t.Weight.Set(v.Weight)
		})
	}, "product_variant_ids.barcode", "product_variant_ids.standard_price", "product_variant_ids.volume", "product_variant_ids.weight", "product_variant_ids.active")
	for field, give := range map[string]func(*Product, *Template){
		"barcode":        func(v *Product, t *Template) { v.Barcode = t.Barcode.Get() },
		"default_code":   func(v *Product, t *Template) { v.DefaultCode = t.DefaultCode },
		"standard_price": func(v *Product, t *Template) { v.StandardPrice = t.StandardPrice.Get() },
		"volume":         func(v *Product, t *Template) { v.Volume = t.Volume.Get() },
		"weight":         func(v *Product, t *Template) { v.Weight = t.Weight.Get() },
	} {
		t.Inverse(field, func(env *orm.Env, ts []*Template) error {
			only, err := singleVariants(env, ts)
			if err != nil {
				return err
			}
			var vs []*Product
			for _, t := range ts {
				if v := only[t.ID]; v != nil { // of several, the value belongs to none
					give(v, t)
					vs = append(vs, v)
				}
			}
			return orm.Save(env, vs, field)
		})
		if field != "default_code" {
			t.SearchBy(field, byVariant(field))
		}
	}
}

// byVariant searches templates by a field of their variants.
func byVariant(field string) func(*orm.Env, string, any) (orm.Domain, error) {
	return func(env *orm.Env, op string, value any) (orm.Domain, error) {
		found, err := withArchived(env).Model("product.product").Search(orm.Leaf(field, op, value), orm.SearchOptions{})
		if err != nil {
			return nil, err
		}
		// SQL: in one statement; the domain is searched with the user's rights.
		templates, err := orm.Rows[int64](env, orm.SQL("SELECT DISTINCT product_tmpl_id FROM product_product WHERE id = ANY(?)", found.IDs).Reads("product.product", "product_tmpl_id"))
		return orm.Leaf("id", "in", templates), err
	}
}

// withArchived is an environment that sees archived variants too.
func withArchived(env *orm.Env) *orm.Env {
	return env.WithContext(map[string]any{"active_test": false})
}

// singleVariants finds the variant of each template that has exactly one: among
// its active ones, or among the archived ones when none is active.
func singleVariants(env *orm.Env, ts []*Template) (map[int64]*Product, error) {
	stored := orm.StoredIDs(env, ts)
	all, err := orm.Search[Product](withArchived(env).Sudo(), orm.Leaf("product_tmpl_id", "in", stored), orm.SearchOptions{Order: "id"})
	if err != nil {
		return nil, err
	}
	active, archived := map[int64][]*Product{}, map[int64][]*Product{}
	for _, v := range all {
		if v.Active {
			active[v.TemplateID.ID] = append(active[v.TemplateID.ID], v)
		} else {
			archived[v.TemplateID.ID] = append(archived[v.TemplateID.ID], v)
		}
	}
	out := map[int64]*Product{}
	for i, t := range ts {
		list := active[stored[i]]
		if len(list) == 0 {
			list = archived[stored[i]]
		}
		if len(list) == 1 {
			out[t.ID] = list[0]
		}
	}
	return out, nil
}

// fromVariant copies values of the only variant to each template; the templates
// with several variants, or none, have none.
func fromVariant(env *orm.Env, ts []*Template, set func(*Template, *Product)) error {
	only, err := singleVariants(env, ts)
	if err != nil {
		return err
	}
	var none Product
	for _, t := range ts {
		v := only[t.ID]
		if v == nil {
			v = &none
		}
		set(t, v)
	}
	return nil
}

// keyVariants is the context key that, when false, keeps templates and
// attribute lines from making variants: whoever set it does so afterwards.
const keyVariants = "create_product_product"

func createTemplates(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		if !rs.Env.Flag(keyVariants, true) {
			return super(rs, list)
		}
		made, err := super(rs.In(rs.Env.WithContext(map[string]any{keyVariants: false})), list)
		if err != nil {
			return made, err
		}
		made = made.In(rs.Env)
		given := map[int64]orm.Values{}
		for i, vals := range list {
			own := orm.Values{}
			for _, field := range ofVariant {
				if v, ok := vals[field]; ok {
					own[field] = v
				}
			}
			given[made.IDs[i]] = own
		}
		return made, createVariants(rs.Env, made.IDs, given)
	}
}

func writeTemplates(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		_, lines := vals["attribute_line_ids"]
		if err := super(rs.In(env.WithContext(map[string]any{keyVariants: !lines && env.Flag(keyVariants, true)})), vals); err != nil {
			return err
		}
		active, switched := vals["active"].(bool)
		if switched && !active {
			variants, err := env.Model("product.product").Search(orm.Leaf("product_tmpl_id", "in", rs.IDs), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := variants.Write(orm.Values{"active": false}); err != nil {
				return err
			}
		}
		if !env.Flag(keyVariants, true) {
			return nil
		}
		if lines {
			return createVariants(env, rs.IDs, nil)
		}
		if switched && active {
			// SQL: templates without an active variant, seen by the user or not.
			bare, err := orm.Rows[int64](env, orm.SQL(`SELECT t.id FROM product_template t WHERE t.id = ANY(?)
				AND NOT EXISTS (SELECT FROM product_product p WHERE p.product_tmpl_id = t.id AND p.active) ORDER BY t.id`, rs.IDs).
				Reads("product.template", "active").Reads("product.product", "product_tmpl_id", "active"))
			if err != nil {
				return err
			}
			return createVariants(env, bare, nil)
		}
		return nil
	}
}

// keyKeepTemplate is the context key that keeps a template when its last
// variant is deleted.
const keyKeepTemplate = "keep_product_template"

// internalMark is the value of context keys that no client can send.
type internalMark struct{}

func unlinkTemplates(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		env := withArchived(rs.Env).WithContext(map[string]any{keyKeepTemplate: internalMark{}})
		variants, err := env.Model("product.product").Search(orm.Leaf("product_tmpl_id", "in", rs.IDs), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if err := variants.Unlink(); err != nil {
			return err
		}
		return super(rs)
	}
}

// copyTemplates copies what the values of the attributes add to the price.
func copyTemplates(super orm.CopyFunc) orm.CopyFunc {
	return func(rs orm.Records, overrides orm.Values) (orm.Records, error) {
		made, err := super(rs, overrides)
		if err != nil {
			return rs, err
		}
		for i, id := range rs.IDs {
			if err := copyExtras(rs.Env, id, made.IDs[i]); err != nil {
				return rs, err
			}
		}
		return made, nil
	}
}

func copyExtras(env *orm.Env, from, to int64) error {
	type extra struct {
		ID    int64
		Price decimal.Decimal
	}
	// SQL: joins the values of a template with those of its copy.
	rows, err := orm.Rows[extra](env, orm.SQL(`SELECT new.id, old.price_extra AS price FROM product_template_attribute_value old
		JOIN product_template_attribute_value new USING (product_attribute_value_id, attribute_id)
		WHERE old.product_tmpl_id = ? AND new.product_tmpl_id = ? AND old.price_extra <> new.price_extra AND old.ptav_active`, from, to).
		Reads("product.template.attribute.value"))
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := env.Model("product.template.attribute.value").Browse(row.ID).Write(orm.Values{"price_extra": row.Price}); err != nil {
			return err
		}
	}
	return nil
}
