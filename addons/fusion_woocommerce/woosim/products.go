package woosim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

var productStatuses = []string{"any", "future", "trash", "draft", "pending", "private", "publish"}
var productTypes = []string{"simple", "grouped", "external", "variable"}

func productListArgs() []arg {
	return listArgs(orderby("date", "id", "include", "title", "slug", "modified", "popularity", "rating", "popularity", "rating", "menu_order", "price", "popularity", "rating"),
		arg{name: "status", kind: "enum", enum: productStatuses},
		arg{name: "type", kind: "enum", enum: productTypes},
		arg{name: "stock_status", kind: "enum", enum: []string{"instock", "outofstock", "onbackorder"}},
		arg{name: "featured", kind: "bool"}, arg{name: "on_sale", kind: "bool"})
}

// fold compares as the database does: without case, accents and outer spaces.
func fold(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	return strings.Map(func(r rune) rune {
		if i := strings.IndexRune(accented, r); i >= 0 {
			return []rune(plain)[len([]rune(accented[:i]))]
		}
		return r
	}, s)
}

const (
	accented = "àáâãäåçèéêëìíîïñòóôõöùúûüýÿœ"
	plain    = "aaaaaaceeeeiiiinooooouuuuyyo"
)

func (q *rq) listProducts() (*response, error) {
	p := q.params
	rows := slices.Clone(q.s.st.products.rows)
	status := p.Str("status")
	if skus := strings.Split(p.Str("sku"), ","); p.Str("sku") != "" {
		for i := range skus {
			skus[i] = fold(skus[i])
		}
		rows = append(rows, q.s.st.variations.rows...)
		rows = keep(rows, func(o *Obj) bool {
			own := q.s.ownSKU(o)
			return own != "" && slices.Contains(skus, fold(own))
		})
	} else if part := p.Str("search_sku"); part != "" {
		rows = append(rows, q.s.st.variations.rows...)
		rows = keep(rows, func(o *Obj) bool { return strings.Contains(fold(q.s.ownSKU(o)), fold(part)) })
	}
	rows = keep(rows, func(o *Obj) bool {
		st := o.Str("status")
		if status == "" || status == "any" {
			return st != "trash" && st != "auto-draft"
		}
		return st == status
	})
	if words := strings.Fields(p.Str("search")); len(words) > 0 {
		rows = keep(rows, func(o *Obj) bool {
			hay := fold(o.Str("name") + "\n" + stripTags(o.Str("short_description")+"\n"+o.Str("description")))
			for _, w := range words {
				if !strings.Contains(hay, fold(w)) {
					return false
				}
			}
			return true
		})
	}
	equal := func(param, field string) {
		if v := p.Str(param); v != "" {
			rows = keep(rows, func(o *Obj) bool { return o.Str(field) == v })
		}
	}
	equal("type", "type")
	equal("slug", "slug")
	equal("stock_status", "stock_status")
	if p.Has("tax_class") {
		want := p.Str("tax_class")
		if want == "standard" {
			want = ""
		}
		rows = keep(rows, func(o *Obj) bool { return o.Str("tax_class") == want })
	}
	for _, b := range []string{"featured", "on_sale"} {
		if p.Has(b) {
			rows = keep(rows, func(o *Obj) bool { return o.Bool(b) == truthy(p.Get(b)) })
		}
	}
	for param, field := range map[string]string{"category": "categories", "tag": "tags"} {
		if v := p.Str(param); v != "" {
			ids := q.withChildren(field, ints(v))
			rows = keep(rows, func(o *Obj) bool {
				return slices.ContainsFunc(o.objs(field), func(c *Obj) bool { return slices.Contains(ids, c.Int("id")) })
			})
		}
	}
	if v := p.Str("shipping_class"); v != "" {
		rows = keep(rows, func(o *Obj) bool { return o.Str("shipping_class_id") == v })
	}
	if p.Has("parent") {
		want := ints(p.Get("parent"))
		rows = keep(rows, func(o *Obj) bool { return slices.Contains(want, o.Int("parent_id")) })
	}
	if lo := p.Str("min_price"); lo != "" {
		rows = keep(rows, func(o *Obj) bool { return o.Str("price") != "" && !q.s.priceRange(o)[1].LessThan(dec(lo)) })
	}
	if hi := p.Str("max_price"); hi != "" {
		rows = keep(rows, func(o *Obj) bool { return o.Str("price") != "" && !q.s.priceRange(o)[0].GreaterThan(dec(hi)) })
	}
	rows = q.between(q.pick(rows))
	q.orderProducts(rows)
	res, cut := q.paginate(rows, pageOptions{})
	out := []any{}
	for _, o := range cut {
		out = append(out, q.renderProduct(o))
	}
	res.body = out
	return res, nil
}

// withChildren adds the categories below the given ones.
func (q *rq) withChildren(field string, ids []int) []int {
	for grown := field == "categories"; grown; {
		grown = false
		for _, c := range q.s.st.categories.rows {
			if slices.Contains(ids, c.Int("parent")) && !slices.Contains(ids, c.Int("id")) {
				ids, grown = append(ids, c.Int("id")), true
			}
		}
	}
	return ids
}

// priceRange is a product's lowest and highest price.
func (s *Sim) priceRange(p *Obj) [2]decimal.Decimal {
	out := [2]decimal.Decimal{dec(p.Str("price")), dec(p.Str("price"))}
	if p.Str("type") == "grouped" {
		for _, id := range p.List("grouped_products") {
			if c := s.st.products.get(toInt(id)); c != nil {
				out[1] = decimal.Max(out[1], dec(c.Str("price")))
			}
		}
	}
	if p.Str("type") != "variable" {
		return out
	}
	for _, v := range s.st.variations.rows {
		if v.Int("parent_id") == p.Int("id") && v.Str("price") != "" && v.Str("status") == "publish" {
			out[1] = decimal.Max(out[1], dec(v.Str("price")))
		}
	}
	return out
}

func (q *rq) orderProducts(rows []*Obj) {
	desc := q.desc(true)
	tie := q.unsettled()
	if q.params.Int("page") < 2 {
		tie = byIDDesc
		if !desc {
			tie = byID
		}
	}
	for _, p := range []string{"stock_status", "sku", "search_sku", "category", "tag", "min_price", "max_price"} {
		if q.params.Has(p) {
			tie = byID
		}
	}
	side := 0
	if desc {
		side = 1
	}
	switch q.params.Str("orderby") {
	case "id":
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
	case "include":
		q.byInclude(rows)
	case "title":
		order(rows, desc, func(o *Obj) string { return fold(o.Str("name")) }, byID)
	case "slug":
		order(rows, desc, func(o *Obj) string { return o.Str("slug") }, byID)
	case "modified":
		order(rows, desc, func(o *Obj) string { return o.Str("date_modified_gmt") }, tie)
	case "menu_order":
		order(rows, desc, func(o *Obj) int { return o.Int("menu_order") }, func(a, b *Obj) int {
			return cmp.Compare(fold(a.Str("name")), fold(b.Str("name")))
		})
	case "price":
		order(rows, desc, func(o *Obj) float64 { f, _ := q.s.priceRange(o)[side].Float64(); return f }, byIDDesc)
	case "popularity":
		order(rows, true, func(o *Obj) int { return o.Int("total_sales") }, byIDDesc)
	case "rating":
		order(rows, true, func(o *Obj) string { return o.Str("average_rating") }, byIDDesc)
	default:
		order(rows, desc, func(o *Obj) string { return o.Str("date_created_gmt") }, tie)
	}
}

func (q *rq) getProduct() (*response, error) {
	if p := q.s.st.products.get(q.id); p != nil {
		return ok(q.renderProduct(p)), nil
	}
	if v := q.s.st.variations.get(q.id); v != nil {
		return ok(q.renderProduct(v)), nil
	}
	return nil, fail(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
}

// renderProduct shows a product, or a variation in the dress of a product.
func (q *rq) renderProduct(p *Obj) *Obj {
	if p.Str("type") == "variation" {
		return q.variationAsProduct(p)
	}
	o := p.clone()
	if q.params.Str("context") == "edit" {
		return q.editProduct(o)
	}
	return o
}

// editProduct is the form of a product in context edit and in answers to writes.
func (q *rq) editProduct(o *Obj) *Obj {
	o = o.clone()
	for _, k := range []string{"description", "short_description"} {
		o.Set(k, rawText(o, k))
	}
	if o.Str("average_rating") == "0.00" {
		o.Set("average_rating", "0")
	}
	links := o.Get("_links")
	o.del("_links")
	o.Set("permalink_template", q.s.st.origin+"/product/%pagename%/")
	o.Set("generated_slug", q.s.freeSlug(slugify(stripTags(o.Str("name"))), o.Int("id")))
	o.Set("_links", links)
	return o
}

// rawText is a text as it was typed. A shop read from its API shows only the
// formatted form: a lone paragraph of a short description is taken as typed
// without its tags, a description as typed with them.
func rawText(o *Obj, key string) string {
	if v, typed := o.Get(hidden + key).(string); typed {
		return v
	}
	s := strings.TrimSuffix(o.Str(key), "\n")
	if key == "short_description" && strings.Count(s, "<") == 2 && strings.HasPrefix(s, "<p>") && strings.HasSuffix(s, "</p>") {
		return s[3 : len(s)-4]
	}
	return s
}

func (s *Sim) ownSKU(o *Obj) string {
	if v, found := o.Get(hidden + "sku").(string); found {
		return v
	}
	sku := o.Str("sku")
	if o.Str("type") == "variation" {
		if p := s.st.products.get(o.Int("parent_id")); p != nil && p.Str("sku") == sku {
			return ""
		}
	}
	return sku
}

func (q *rq) variationAsProduct(v *Obj) *Obj {
	parent := q.s.st.products.get(v.Int("parent_id"))
	r := q.renderVariation(v)
	o := &Obj{}
	id := v.Int("id")
	name := v.Str("name")
	full := parent.Str("name")
	if name != "" {
		full += " - " + name
	}
	var images []any
	if img := r.Obj("image"); img != nil {
		images = []any{img}
	} else {
		images = []any{}
	}
	hasAttr := []any{}
	hasAttr = append(hasAttr, r.List("attributes")...)
	link := q.s.st.origin + "/wp-json/wc/v3/products"
	set := func(keys ...string) {
		for _, k := range keys {
			o.Set(k, r.Get(k))
		}
	}
	o.Set("id", id)
	o.Set("name", full)
	o.Set("slug", slugify(full))
	set("permalink", "date_created", "date_created_gmt", "date_modified", "date_modified_gmt", "type", "status")
	o.Set("featured", false)
	o.Set("catalog_visibility", "visible")
	set("description")
	o.Set("short_description", "")
	set("sku", "price", "regular_price", "sale_price", "date_on_sale_from", "date_on_sale_from_gmt", "date_on_sale_to", "date_on_sale_to_gmt", "on_sale", "purchasable")
	o.Set("total_sales", "0")
	set("virtual", "downloadable", "downloads", "download_limit", "download_expiry")
	o.Set("external_url", "")
	o.Set("button_text", "")
	set("tax_status", "tax_class", "manage_stock", "stock_quantity", "backorders", "backorders_allowed", "backordered", "low_stock_amount")
	o.Set("sold_individually", false)
	set("weight", "dimensions")
	ship := !r.Bool("virtual")
	o.Set("shipping_required", ship)
	o.Set("shipping_taxable", ship && r.Str("tax_status") == "taxable")
	set("shipping_class", "shipping_class_id")
	o.Set("reviews_allowed", false)
	o.Set("average_rating", "0.00")
	o.Set("rating_count", 0)
	o.Set("upsell_ids", []any{})
	o.Set("cross_sell_ids", []any{})
	o.Set("parent_id", v.Int("parent_id"))
	o.Set("purchase_note", "")
	o.Set("categories", []any{})
	o.Set("tags", []any{})
	o.Set("images", images)
	o.Set("attributes", hasAttr)
	o.Set("default_attributes", []any{})
	o.Set("variations", []any{})
	o.Set("grouped_products", []any{})
	set("menu_order")
	o.Set("price_html", q.s.priceHTML(r))
	o.Set("related_ids", []any{})
	set("meta_data", "stock_status")
	o.Set("has_options", false)
	o.Set("post_password", "")
	set("global_unique_id")
	o.Set("_links", object(
		"self", hrefs(link+"/"+itoa(id)), "collection", hrefs(link), "up", hrefs(link+"/"+itoa(v.Int("parent_id")))))
	return o
}

func hrefs(urls ...string) []any {
	var out []any
	for _, u := range urls {
		out = append(out, object("href", u))
	}
	return out
}

func (q *rq) renderVariation(v *Obj) *Obj {
	o := v.clone()
	parent := q.s.st.products.get(v.Int("parent_id"))
	if parent == nil {
		return o
	}
	if q.s.ownSKU(v) == "" {
		o.Set("sku", parent.Str("sku"))
	}
	edit := q.params.Str("context") == "edit"
	if inheritsTax(v, parent) {
		o.Set("tax_class", parent.Str("tax_class"))
		if edit {
			o.Set("tax_class", "parent")
		}
	}
	own := v.Get("manage_stock")
	if own != true {
		o.Set("manage_stock", false)
		if own == "parent" {
			o.Set("stock_quantity", nil)
		}
		if parent.Bool("manage_stock") {
			o.Set("manage_stock", "parent")
			for _, k := range []string{"stock_quantity", "backorders", "backorders_allowed", "backordered", "stock_status"} {
				o.Set(k, parent.Get(k))
			}
		}
	}
	if edit {
		if imgs := parent.objs("images"); len(imgs) > 0 && !v.Has(hidden+"image") && o.Obj("image").Int("id") == imgs[0].Int("id") {
			o.Set("image", nil)
		}
		o.Set("description", rawText(o, "description"))
	}
	return o
}

func inheritsTax(v, parent *Obj) bool {
	if t, found := v.Get(hidden + "tax_class").(string); found {
		return t == "parent"
	}
	return v.Str("tax_class") == parent.Str("tax_class")
}

func (q *rq) listVariations() (*response, error) {
	parent := toInt(q.vars["product"])
	p := q.params
	rows := keep(q.s.st.variations.rows, func(o *Obj) bool { return o.Int("parent_id") == parent })
	status := p.Str("status")
	rows = keep(rows, func(o *Obj) bool {
		if status == "" || status == "any" {
			return o.Str("status") != "trash"
		}
		return o.Str("status") == status
	})
	if v := p.Str("sku"); v != "" {
		rows = keep(rows, func(o *Obj) bool { return fold(q.s.ownSKU(o)) == fold(v) })
	}
	if v := p.Str("stock_status"); v != "" {
		rows = keep(rows, func(o *Obj) bool { return o.Str("stock_status") == v })
	}
	rows = q.between(q.pick(rows))
	desc := q.desc(true)
	switch p.Str("orderby") {
	case "id":
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
	case "include":
		q.byInclude(rows)
	case "modified":
		order(rows, desc, func(o *Obj) string { return o.Str("date_modified_gmt") }, byIDDesc)
	case "menu_order":
		order(rows, desc, func(o *Obj) int { return o.Int("menu_order") }, byID)
	default:
		order(rows, desc, func(o *Obj) string { return o.Str("date_created_gmt") }, byIDDesc)
	}
	res, cut := q.paginate(rows, pageOptions{})
	out := []any{}
	for _, o := range cut {
		out = append(out, q.renderVariation(o))
	}
	res.body = out
	return res, nil
}

// variation finds the variation of the route under its product.
func (q *rq) variation() (*Obj, error) {
	v := q.s.st.variations.get(q.id)
	if v == nil {
		return nil, &apiError{code: "woocommerce_rest_product_variation_invalid_id", message: "Invalid ID.", status: 404, noAllow: true}
	}
	if v.Int("parent_id") != toInt(q.vars["product"]) {
		return nil, &apiError{code: "woocommerce_rest_product_variation_invalid_id", message: "Invalid ID.", status: 404, noAllow: true}
	}
	return v, nil
}

func (q *rq) getVariation() (*response, error) {
	v, err := q.variation()
	if err != nil {
		return nil, err
	}
	return ok(q.renderVariation(v)), nil
}

// dec reads an amount; what is no number is zero.
func dec(s string) decimal.Decimal {
	if strings.ContainsAny(s, "eE") { // an exponent could name a number of any length
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return decimal.Zero
		}
		return decimal.NewFromFloat(f)
	}
	d, err := decimal.NewFromString(strings.TrimSpace(s))
	if err != nil {
		return decimal.Zero
	}
	return d
}
