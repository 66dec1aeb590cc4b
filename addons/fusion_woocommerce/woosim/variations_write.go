package woosim

import (
	"net/url"
	"strings"
)

func (q *rq) createVariation() (*response, error) {
	s := q.s
	parent := s.st.products.get(toInt(q.vars["product"]))
	if parent == nil {
		return nil, fail(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
	}
	ids := s.ids["post"]
	id, now := s.nextID("post"), s.now()
	v := object("id", id, "type", "variation")
	s.stamp(v, "date_created", now)
	s.stamp(v, "date_modified", now)
	for _, kv := range [][2]any{{"description", ""}, {"permalink", ""}, {"sku", ""}, {"global_unique_id", ""}, {"price", ""}, {"regular_price", ""}, {"sale_price", ""},
		{"date_on_sale_from", nil}, {"date_on_sale_from_gmt", nil}, {"date_on_sale_to", nil}, {"date_on_sale_to_gmt", nil}, {"on_sale", false}, {"status", "publish"}, {"purchasable", false},
		{"virtual", false}, {"downloadable", false}, {"downloads", []any{}}, {"download_limit", -1}, {"download_expiry", -1}, {"tax_status", "taxable"}, {"tax_class", ""},
		{"manage_stock", false}, {"stock_quantity", nil}, {"stock_status", "instock"}, {"backorders", "no"}, {"backorders_allowed", false}, {"backordered", false}, {"low_stock_amount", nil},
		{"weight", ""}, {"dimensions", object("length", "", "width", "", "height", "")}, {"shipping_class", ""}, {"shipping_class_id", 0}, {"image", nil}, {"attributes", []any{}},
		{"menu_order", 0}, {"meta_data", []any{}}, {"name", ""}, {"parent_id", parent.Int("id")}} {
		v.Set(kv[0].(string), kv[1])
	}
	v.Set(hidden+"sku", "")
	v.Set(hidden+"tax_class", "parent")
	base := s.st.origin + "/wp-json/wc/v3/products/" + parent.Str("id")
	v.Set("_links", object("self", hrefs(base+"/variations/"+itoa(id)), "collection", hrefs(base+"/variations"), "up", hrefs(base)))
	if err := q.applyVariation(v, parent, true); err != nil {
		s.ids["post"] = ids
		return nil, err
	}
	s.st.variations.add(v)
	q.touchParent(parent)
	s.queueEvent("product.created", id)
	return &response{status: 201, body: q.editVariation(v), location: `/wc/v3/products/(?P<product_id>[\d]+)/variations/` + itoa(id), single: true}, nil
}

// editVariation is the form of a variation in answers to writes.
func (q *rq) editVariation(v *Obj) *Obj {
	had := q.params.Get("context")
	q.params.Set("context", "edit")
	o := q.renderVariation(v)
	q.params.Set("context", had)
	if v.Get("manage_stock") != true {
		o.Set("manage_stock", v.Get("manage_stock") == "parent")
		if o.Get("manage_stock") == true {
			o.Set("manage_stock", "parent")
		}
	}
	return o
}

func (q *rq) touchParent(parent *Obj) {
	q.s.stamp(parent, "date_modified", q.s.now())
	q.s.settleVariable(parent)
}

func (q *rq) applyVariation(v, parent *Obj, isNew bool) error {
	s, in := q.s, q.body
	if err := q.applyCommon(v, isNew); err != nil {
		return err
	}
	for _, k := range []string{"status", "weight"} {
		if x := in.Get(k); x != nil {
			v.Set(k, text(x))
		}
	}
	for _, k := range []string{"virtual", "downloadable"} {
		if in.Has(k) {
			v.Set(k, truthy(in.Get(k)))
		}
	}
	if in.Get("description") != nil {
		raw := kses(in.Str("description"))
		v.Set(hidden+"description", raw)
		v.Set("description", autop(raw))
	}
	if in.Has("menu_order") {
		v.Set("menu_order", in.Int("menu_order"))
	}
	if i := in.Obj("image"); i != nil {
		img, err := q.image(i)
		if err != nil {
			return err
		}
		v.Set("image", img)
		v.Set(hidden+"image", true)
	}
	if in.Has("attributes") {
		v.Set("attributes", s.variationAttributes(parent, in.objs("attributes")))
	}
	s.settlePrice(v)
	s.settleStock(v)
	v.Set("purchasable", v.Str("price") != "" && v.Str("status") == "publish")
	var names, query []string
	for _, a := range v.objs("attributes") {
		names = append(names, a.Str("option"))
		value := a.Str("option")
		if attr := s.st.attribute(a.Int("id")); attr != nil {
			value = slugify(value)
			for _, t := range attr.objs("terms") {
				if t.Str("name") == a.Str("option") {
					value = t.Str("slug")
				}
			}
		}
		query = append(query, "attribute_"+a.Str("slug")+"="+url.QueryEscape(value))
	}
	v.Set("name", strings.Join(names, ", "))
	link := s.st.origin + "/product/" + parent.Str("slug") + "/"
	if query != nil {
		link += "?" + strings.Join(query, "&")
	}
	v.Set("permalink", link)
	return nil
}

// variationAttributes keeps the parent's order; an option the shop does not
// know is taken as lower-case text.
func (s *Sim) variationAttributes(parent *Obj, in []*Obj) []any {
	out := []any{}
	for _, pa := range parent.objs("attributes") {
		for _, a := range in {
			if a.Int("id") != 0 && a.Int("id") != pa.Int("id") || a.Int("id") == 0 && !strings.EqualFold(a.Str("name"), pa.Str("name")) || a.Str("option") == "" {
				continue
			}
			option := a.Str("option")
			if attr := s.st.attribute(pa.Int("id")); attr != nil {
				known := false
				for _, t := range attr.objs("terms") {
					if strings.EqualFold(t.Str("name"), option) || t.Str("slug") == option {
						option, known = t.Str("name"), true
						break
					}
				}
				if !known {
					option = slugify(option)
				}
			}
			slug := pa.Str("slug")
			if slug == "" || pa.Int("id") == 0 {
				slug = slugify(pa.Str("name"))
			}
			out = append(out, object("id", pa.Int("id"), "name", pa.Str("name"), "slug", slug, "option", option))
		}
	}
	return out
}

func (q *rq) updateVariation() (*response, error) {
	v, err := q.variationToWrite()
	if err != nil {
		return nil, err
	}
	parent := q.s.st.products.get(v.Int("parent_id"))
	before := v.clone()
	if err := q.applyVariation(v, parent, false); err != nil {
		*v = *before
		return nil, err
	}
	q.s.stamp(v, "date_modified", q.s.now())
	q.touchParent(parent)
	q.s.queueEvent("product.updated", v.Int("id"))
	return ok(q.editVariation(v)), nil
}

func (q *rq) variationToWrite() (*Obj, error) {
	v := q.s.st.variations.get(q.id)
	if v == nil {
		return nil, fail(400, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
	}
	if v.Int("parent_id") != toInt(q.vars["product"]) {
		if q.batch && q.s.st.products.get(toInt(q.vars["product"])) != nil { // a batch moves the variation to the product of its address
			v.Set("parent_id", toInt(q.vars["product"]))
			v.Set("attributes", []any{})
			to := q.s.st.products.get(v.Int("parent_id"))
			v.Set("shipping_class", to.Get("shipping_class"))
			v.Set("shipping_class_id", to.Get("shipping_class_id"))
			base := q.s.st.origin + "/wp-json/wc/v3/products/" + q.vars["product"]
			v.Set("_links", object("self", hrefs(base+"/variations/"+v.Str("id")), "collection", hrefs(base+"/variations"), "up", hrefs(base)))
			return v, nil
		}
		return nil, &apiError{code: "woocommerce_rest_product_variation_invalid_id", message: "Invalid ID.", status: 404, noAllow: true}
	}
	return v, nil
}

func (q *rq) deleteVariation() (*response, error) {
	v, err := q.variation()
	if err != nil {
		return nil, err
	}
	before := q.editVariation(v)
	parent := q.s.st.products.get(v.Int("parent_id"))
	if truthy(q.params.Get("force")) {
		q.s.st.variations.remove(q.id)
	} else {
		if v.Str("status") == "trash" {
			return nil, fail(410, "woocommerce_rest_already_trashed", "The variation has already been deleted.")
		}
		v.Set("status", "trash")
	}
	q.touchParent(parent)
	res := ok(before)
	res.noAllow = truthy(q.params.Get("force"))
	return res, nil
}

func (q *rq) batchVariations() (*response, error) {
	return q.runBatch(batchOps{create: (*rq).createVariation, update: (*rq).updateVariation, remove: (*rq).deleteVariation})
}
