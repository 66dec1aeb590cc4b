package woosim

import "strings"

// createTermIn adds a category, tag, shipping class or attribute term.
func (q *rq) createTermIn(rows []*Obj, route string, hierarchic bool, build func(id int, name, slug string) *Obj) (*response, error) {
	name := strings.ReplaceAll(stripTags(q.body.Str("name")), "&", "&amp;")
	name = strings.ReplaceAll(name, "&amp;amp;", "&amp;")
	if name == "" {
		return nil, &apiError{code: "rest_missing_callback_param", message: "Missing parameter(s): name", status: 400, data: object("status", 400, "params", []any{"name"})}
	}
	for _, t := range rows {
		if fold(t.Str("name")) == fold(name) && (!hierarchic || t.Int("parent") == q.body.Int("parent")) {
			msg := "A term with the name provided already exists in this taxonomy."
			if hierarchic {
				msg = "A term with the name provided already exists with this parent."
			}
			return nil, &apiError{code: "term_exists", message: msg, status: 400, data: object("status", 400, "resource_id", t.Int("id"))}
		}
	}
	slug := q.body.Str("slug")
	if slug == "" {
		slug = slugify(name)
	}
	id := q.s.nextID("term")
	t := build(id, name, slug)
	base := q.s.st.origin + "/wp-json/wc/v3" + route
	links := object("self", hrefs(base+"/"+itoa(id)), "collection", hrefs(base))
	if p := t.Int("parent"); p != 0 {
		links.Set("up", hrefs(base+"/"+itoa(p)))
	}
	t.Set("_links", links)
	return &response{status: 201, body: t, location: "/wc/v3" + route + "/" + itoa(id), single: true}, nil
}

func (q *rq) createCategory() (*response, error) {
	res, err := q.createTermIn(q.s.st.categories.rows, "/products/categories", true, func(id int, name, slug string) *Obj {
		return object("id", id, "name", name, "slug", slug, "parent", q.body.Int("parent"), "description", q.body.Str("description"), "display", "default", "image", nil, "menu_order", q.body.Int("menu_order"), "count", 0)
	})
	if err == nil {
		q.s.st.categories.add(res.body.(*Obj).clone())
	}
	return res, err
}

func (q *rq) simpleTerm(t *table, route string) (*response, error) {
	res, err := q.createTermIn(t.rows, route, false, func(id int, name, slug string) *Obj {
		return object("id", id, "name", name, "slug", slug, "description", q.body.Str("description"), "count", 0)
	})
	if err == nil {
		t.add(res.body.(*Obj).clone())
	}
	return res, err
}

func (q *rq) createTag() (*response, error) { return q.simpleTerm(q.s.st.tags, "/products/tags") }
func (q *rq) createShippingClass() (*response, error) {
	return q.simpleTerm(q.s.st.shippingClasses, "/products/shipping_classes")
}

func (q *rq) createAttribute() (*response, error) {
	name := q.body.Str("name")
	if name == "" {
		return nil, &apiError{code: "rest_missing_callback_param", message: "Missing parameter(s): name", status: 400, data: object("status", 400, "params", []any{"name"})}
	}
	id := 1
	for _, a := range q.s.st.attributes {
		id = max(id, a.Obj("attribute").Int("id")+1)
	}
	slug := q.body.Str("slug")
	if slug == "" {
		slug = slugify(name)
	}
	base := q.s.st.origin + "/wp-json/wc/v3/products/attributes"
	a := object("id", id, "name", name, "slug", "pa_"+strings.TrimPrefix(slug, "pa_"), "type", "select", "order_by", "menu_order", "has_archives", false,
		"_links", object("self", hrefs(base+"/"+itoa(id)), "collection", hrefs(base)))
	q.s.st.attributes = append(q.s.st.attributes, object("attribute", a, "terms", []any{}))
	return &response{status: 201, body: a.clone(), location: "/wc/v3/products/attributes/" + itoa(id), single: true}, nil
}

func (q *rq) createTerm() (*response, error) {
	a := q.s.st.attribute(toInt(q.vars["attribute"]))
	if a == nil {
		return nil, errTaxonomy
	}
	res, err := q.createTermIn(a.objs("terms"), "/products/attributes/"+q.vars["attribute"]+"/terms", false, func(id int, name, slug string) *Obj {
		return object("id", id, "name", name, "slug", slug, "description", q.body.Str("description"), "menu_order", q.body.Int("menu_order"), "count", 0)
	})
	if err == nil {
		a.Set("terms", append(a.List("terms"), res.body.(*Obj).clone()))
	}
	return res, err
}

func (q *rq) createTax() (*response, error) {
	id := q.s.nextID("tax")
	t := object("id", id, "country", "", "state", "", "postcode", "", "city", "", "rate", "0.0000", "name", "Tax", "priority", 1, "compound", false, "shipping", true, "order", 0, "class", "standard", "postcodes", []any{}, "cities", []any{})
	base := q.s.st.origin + "/wp-json/wc/v3/taxes"
	t.Set("_links", object("self", hrefs(base+"/"+itoa(id)), "collection", hrefs(base)))
	q.applyTax(t)
	q.s.st.taxes.add(t)
	return &response{status: 201, body: t.clone(), location: "/wc/v3/taxes/" + itoa(id), single: true}, nil
}

func (q *rq) applyTax(t *Obj) {
	for i, k := range q.body.keys {
		v := q.body.vals[i]
		switch k {
		case "country", "state", "name", "class":
			t.Set(k, text(v))
		case "rate":
			t.Set(k, dec(formatDecimal(text(v))).StringFixed(4))
		case "priority", "order":
			t.Set(k, toInt(v))
		case "compound", "shipping":
			t.Set(k, truthy(v))
		case "postcodes", "cities":
			out := []any{}
			for _, e := range listOf(v) {
				if k == "cities" {
					e = strings.ToUpper(e)
				}
				out = append(out, e)
			}
			t.Set(k, out)
			single := "city"
			if k == "postcodes" {
				single = "postcode"
			}
			t.Set(single, "")
			if len(out) > 0 {
				t.Set(single, out[len(out)-1])
			}
		}
	}
}

func (q *rq) updateTax() (*response, error) {
	t := q.s.st.taxes.get(q.id)
	if t == nil {
		return nil, invalidID(400)
	}
	q.applyTax(t)
	return ok(t.clone()), nil
}

func (q *rq) deleteTax() (*response, error) {
	t := q.s.st.taxes.get(q.id)
	if t == nil {
		return nil, invalidID(404)
	}
	if !truthy(q.params.Get("force")) {
		return nil, fail(501, "woocommerce_rest_trash_not_supported", "Taxes do not support trashing.")
	}
	q.s.st.taxes.remove(q.id)
	return ok(t.clone()), nil
}

func (q *rq) createTaxClass() (*response, error) {
	name := q.body.Str("name")
	slug := slugify(name)
	for _, c := range q.s.st.taxClasses {
		if c.Str("slug") == slug {
			return nil, fail(400, "woocommerce_rest_tax_class_exists", "Tax class already exists")
		}
	}
	links := object("collection", hrefs(q.s.st.origin+"/wp-json/wc/v3/taxes/classes"))
	q.s.st.taxClasses = append(q.s.st.taxClasses, object("slug", slug, "name", name, "_links", links.clone()))
	return &response{status: 201, body: object("name", name, "slug", slug, "_links", links), location: "/wc/v3/taxes/classes/" + slug, single: true}, nil
}

func (q *rq) deleteTaxClass() (*response, error) {
	for i, c := range q.s.st.taxClasses {
		if c.Str("slug") != q.vars["slug"] {
			continue
		}
		if !truthy(q.params.Get("force")) {
			return nil, fail(501, "woocommerce_rest_trash_not_supported", "Taxes do not support trashing.")
		}
		q.s.st.taxClasses = append(q.s.st.taxClasses[:i:i], q.s.st.taxClasses[i+1:]...)
		return ok(object("name", c.Str("name"), "slug", c.Str("slug"), "_links", c.Get("_links"))), nil
	}
	return nil, fail(404, "woocommerce_rest_tax_class_invalid_slug", "Invalid slug.")
}

func (q *rq) updateSetting() (*response, error) {
	o, err := q.setting()
	if err != nil {
		return nil, err
	}
	v := q.body.Get("value")
	if opts := o.Obj("options"); opts != nil && v != nil {
		if _, isText := v.(string); isText && !opts.Has(text(v)) {
			return nil, fail(400, "rest_setting_value_invalid", "An invalid setting value was passed.")
		}
	}
	if v != nil {
		o.Set("value", v)
	}
	return ok(q.settingView(o)), nil
}
