package product

import (
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
)

func defineLine(r *orm.Registry) {
	l := orm.Define[AttributeLine](r)
	l.Compute("value_count", func(_ *orm.Env, ls []*AttributeLine) error {
		for _, l := range ls {
			l.ValueCount = len(l.ValueIDs.IDs())
		}
		return nil
	}, "value_ids")
	l.Constrain("active, value_ids, attribute_id", func(env *orm.Env, ls []*AttributeLine) error {
		if err := orm.Load(env, ls, "value_ids", "attribute_id", "product_tmpl_id"); err != nil {
			return err
		}
		for _, l := range ls {
			if l.Active && len(l.ValueIDs.IDs()) == 0 {
				return orm.ValidationErrorf("The attribute “%s” of “%s” needs at least one value.", l.AttributeID.Rec().Name, l.TemplateID.Rec().Name)
			}
			for _, v := range l.ValueIDs.All() {
				if v.AttributeID.ID != l.AttributeID.ID {
					return orm.ValidationErrorf("“%s” is no value of the attribute “%s” of “%s”.", v.Name, l.AttributeID.Rec().Name, l.TemplateID.Rec().Name)
				}
			}
		}
		return nil
	})
	l.OnCreate(createLines)
	l.OnWrite(writeLines)
	l.OnUnlink(unlinkLines)
}

// createLines takes back an archived line of the same attribute rather than
// adding one, so that archived variants made of its values come back too.
func createLines(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		quiet := env.WithContext(map[string]any{keyVariants: false})
		ids := make([]int64, len(list))
		var fresh []orm.Values
		var at []int
		for i, vals := range list {
			old, err := withArchived(quiet).Model(rs.Model.Name).Search(orm.And(orm.Leaf("active", "=", false),
				orm.Leaf("product_tmpl_id", "=", vals["product_tmpl_id"]), orm.Leaf("attribute_id", "=", vals["attribute_id"])), orm.SearchOptions{Limit: 1})
			if err != nil {
				return rs, err
			}
			if old.Len() == 0 || slices.Contains(ids, old.ID()) {
				fresh, at = append(fresh, vals), append(at, i)
				continue
			}
			again := vals.Clone()
			again["active"] = true
			delete(again, "product_tmpl_id")
			delete(again, "attribute_id")
			if err := old.Write(again); err != nil {
				return rs, err
			}
			ids[i] = old.ID()
		}
		if len(fresh) > 0 {
			made, err := super(rs.In(quiet), fresh)
			if err != nil {
				return rs, err
			}
			for k, i := range at {
				ids[i] = made.IDs[k]
			}
		}
		made := rs.Browse(ids...)
		return made, linesChanged(made)
	}
}

func writeLines(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		before, err := orm.Read[AttributeLine](env.Sudo(), rs.IDs, "attribute_id", "product_tmpl_id")
		if err != nil {
			return err
		}
		if vals.Has("active") && !vals.Bool("active") {
			vals["value_ids"] = []orm.Command{orm.SetIDs()}
		}
		if err := super(rs, vals); err != nil {
			return err
		}
		after, err := orm.Read[AttributeLine](env.Sudo(), rs.IDs)
		if err != nil {
			return err
		}
		for i, l := range after {
			old := before[i]
			if l.TemplateID.ID != old.TemplateID.ID {
				return orm.UserErrorf("The attribute “%s” of “%s” cannot move to another product. Add it there, and remove it here.", old.AttributeID.Rec().Name, old.TemplateID.Rec().Name)
			}
			if l.AttributeID.ID != old.AttributeID.ID {
				return orm.UserErrorf("The attribute “%s” of “%s” cannot become another one. Add the other, and remove this one.", old.AttributeID.Rec().Name, old.TemplateID.Rec().Name)
			}
		}
		_, values := vals["value_ids"]
		_, active := vals["active"]
		if !values && !active {
			return nil
		}
		return linesChanged(rs)
	}
}

func unlinkLines(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		env := withArchived(rs.Env)
		ls, err := orm.Read[AttributeLine](env.Sudo(), rs.IDs, "product_template_value_ids")
		if err != nil {
			return err
		}
		var active, templates []int64
		for _, l := range ls {
			templates = append(templates, l.TemplateID.ID)
			for _, v := range l.PTAVIDs.All() {
				if v.Active {
					active = append(active, v.ID)
				}
			}
		}
		ptavs := env.Model("product.template.attribute.value")
		if err := ptavs.Browse(active...).Unlink(); err != nil {
			return err
		}
		var gone []int64
		for _, id := range rs.IDs {
			left, err := ptavs.Search(orm.Leaf("attribute_line_id", "=", id), orm.SearchOptions{Limit: 1})
			if err != nil {
				return err
			}
			if left.Len() == 0 {
				gone = append(gone, id)
				continue
			}
			// Archived variants are made of its values.
			if err := rs.In(rs.Env.WithContext(map[string]any{keyVariants: false})).Browse(id).Write(orm.Values{"active": false}); err != nil {
				return err
			}
		}
		if len(gone) > 0 {
			if err := super(rs.Browse(gone...)); err != nil {
				return err
			}
		}
		if !rs.Env.Flag(keyVariants, true) {
			return nil
		}
		there, err := rs.Env.Model("product.template").Browse(templates...).Exists()
		if err != nil {
			return err
		}
		return createVariants(rs.Env, unique(there.IDs), nil)
	}
}

func unique(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// linesChanged brings the template's own values of lines in line with the
// attribute values chosen, and then the variants with them.
func linesChanged(lines orm.Records) error {
	env := withArchived(lines.Env)
	ls, err := orm.Read[AttributeLine](env.Sudo(), lines.IDs, "value_ids", "product_template_value_ids")
	if err != nil {
		return err
	}
	ptavs := env.Model("product.template.attribute.value")
	var gone, wake, templates []int64
	var fresh []orm.Values
	for _, l := range ls {
		templates = append(templates, l.TemplateID.ID)
		known := map[int64]bool{}
		for _, v := range l.PTAVIDs.All() {
			switch wanted := slices.Contains(l.ValueIDs.IDs(), v.ValueID.ID); {
			case wanted && !v.Active:
				wake = append(wake, v.ID)
			case !wanted && v.Active:
				gone = append(gone, v.ID)
			}
			known[v.ValueID.ID] = true
		}
		for _, v := range l.ValueIDs.All() {
			if known[v.ID] {
				continue
			}
			// A value of an earlier line of the attribute, archived with it.
			old, err := ptavs.Search(orm.And(orm.Leaf("ptav_active", "=", false), orm.Leaf("product_tmpl_id", "=", l.TemplateID.ID), orm.Leaf("product_attribute_value_id", "=", v.ID)), orm.SearchOptions{Limit: 1})
			if err != nil {
				return err
			}
			if old.Len() > 0 {
				if err := old.Write(orm.Values{"ptav_active": true, "attribute_line_id": l.ID}); err != nil {
					return err
				}
				continue
			}
			fresh = append(fresh, orm.Values{"product_attribute_value_id": v.ID, "attribute_line_id": l.ID, "price_extra": v.DefaultExtraPrice})
		}
	}
	if err := ptavs.Browse(wake...).Write(orm.Values{"ptav_active": true}); err != nil {
		return err
	}
	if len(fresh) > 0 {
		if _, err := ptavs.Create(fresh...); err != nil {
			return err
		}
	}
	if err := ptavs.Browse(gone...).Unlink(); err != nil {
		return err
	}
	if !lines.Env.Flag(keyVariants, true) {
		return nil
	}
	return createVariants(lines.Env, unique(templates), nil)
}

func definePTAV(r *orm.Registry) {
	v := orm.Define[TemplateAttributeValue](r)
	v.Compute("display_name", func(_ *orm.Env, vs []*TemplateAttributeValue) error {
		for _, v := range vs {
			v.DisplayName.Set(v.Name)
			if v.AttributeID.IsSet() {
				v.DisplayName.Set(v.AttributeID.Rec().Name + ": " + v.Name)
			}
		}
		return nil
	}, "name", "attribute_id.name")
	v.Unique("attribute_value_unique", "attribute_line_id, product_attribute_value_id", "The product has this attribute value already.")
	v.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if _, ok := vals["ptav_product_variant_ids"]; ok {
				return orm.UserErrorf("The variants of an attribute value are set on the variants, by their values.")
			}
			if _, ok := vals["product_attribute_value_id"]; ok {
				return orm.UserErrorf("The attribute value “%s” of a product cannot become another one. Choose the other on the attribute line, and remove this one.", nameOf(rs))
			}
			return super(rs, vals)
		}
	})
	v.OnUnlink(unlinkPTAVs)
}

// unlinkPTAVs deletes values of a template with the variants made of them. The
// value of a line that has no other is taken off the variants instead. A value
// of which an archived variant remains is archived.
func unlinkPTAVs(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		env := withArchived(rs.Env)
		vs, err := orm.Read[TemplateAttributeValue](env, rs.IDs, "attribute_line_id.product_template_value_ids", "ptav_product_variant_ids")
		if err != nil {
			return err
		}
		products := env.Model("product.product")
		var variants []int64
		for _, v := range vs {
			ids := v.ProductIDs.IDs()
			if len(v.LineID.Rec().PTAVIDs.IDs()) == 1 {
				if err := products.Browse(ids...).Write(orm.Values{"product_template_attribute_value_ids": []orm.Command{orm.Unlink(v.ID)}}); err != nil {
					return err
				}
				continue
			}
			variants = append(variants, ids...)
		}
		if err := unlinkOrArchive(products.Browse(unique(variants)...)); err != nil {
			return err
		}
		// SQL: which values variants are made of, archived ones of other companies among them.
		kept, err := orm.Rows[int64](env, orm.SQL("SELECT DISTINCT product_template_attribute_value_id FROM product_variant_combination WHERE product_template_attribute_value_id = ANY(?)", rs.IDs).
			Reads("product.product", "product_template_attribute_value_ids"))
		if err != nil {
			return err
		}
		if err := rs.Browse(kept...).Write(orm.Values{"ptav_active": false}); err != nil {
			return err
		}
		gone := slices.DeleteFunc(slices.Clone(rs.IDs), func(id int64) bool { return slices.Contains(kept, id) })
		if len(gone) == 0 {
			return nil
		}
		return super(rs.Browse(gone...))
	}
}
