package woosim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

func productWriteArgs() []arg {
	return append(variationWriteArgs(),
		arg{name: "type", kind: "enum", enum: productTypes},
		arg{name: "name", kind: "string"}, arg{name: "short_description", kind: "string"})
}

func variationWriteArgs() []arg {
	return []arg{
		{name: "status", kind: "enum", enum: []string{"draft", "pending", "private", "publish", "future", "auto-draft", "trash"}},
		{name: "regular_price", kind: "string"}, {name: "sale_price", kind: "string"}, {name: "sku", kind: "string"},
		{name: "description", kind: "string"}, {name: "weight", kind: "string"}, {name: "tax_class", kind: "string"},
		{name: "stock_quantity", kind: "int"},
		{name: "stock_status", kind: "enum", enum: []string{"instock", "outofstock", "onbackorder"}},
		{name: "backorders", kind: "enum", enum: []string{"no", "notify", "yes"}},
		{name: "tax_status", kind: "enum", enum: []string{"taxable", "shipping", "none"}},
	}
}

func (s *Sim) newProduct() *Obj {
	id, now := s.nextID("post"), s.now()
	o := object("id", id, "name", "Product", "slug", "", "permalink", "")
	s.stamp(o, "date_created", now)
	s.stamp(o, "date_modified", now)
	for _, kv := range [][2]any{{"type", "simple"}, {"status", "publish"}, {"featured", false}, {"catalog_visibility", "visible"}, {"description", ""}, {"short_description", ""},
		{"sku", ""}, {"price", ""}, {"regular_price", ""}, {"sale_price", ""}, {"date_on_sale_from", nil}, {"date_on_sale_from_gmt", nil}, {"date_on_sale_to", nil}, {"date_on_sale_to_gmt", nil},
		{"on_sale", false}, {"purchasable", false}, {"total_sales", 0}, {"virtual", false}, {"downloadable", false}, {"downloads", []any{}}, {"download_limit", -1}, {"download_expiry", -1},
		{"external_url", ""}, {"button_text", ""}, {"tax_status", "taxable"}, {"tax_class", ""}, {"manage_stock", false}, {"stock_quantity", nil}, {"backorders", "no"}, {"backorders_allowed", false},
		{"backordered", false}, {"low_stock_amount", nil}, {"sold_individually", false}, {"weight", ""}, {"dimensions", object("length", "", "width", "", "height", "")},
		{"shipping_required", true}, {"shipping_taxable", true}, {"shipping_class", ""}, {"shipping_class_id", 0}, {"reviews_allowed", true}, {"average_rating", "0.00"}, {"rating_count", 0},
		{"upsell_ids", []any{}}, {"cross_sell_ids", []any{}}, {"parent_id", 0}, {"purchase_note", ""}, {"categories", []any{}}, {"tags", []any{}}, {"images", []any{}}, {"attributes", []any{}},
		{"default_attributes", []any{}}, {"variations", []any{}}, {"grouped_products", []any{}}, {"menu_order", 0}, {"price_html", ""}, {"related_ids", []any{}}, {"meta_data", []any{}},
		{"stock_status", "instock"}, {"has_options", false}, {"post_password", ""}, {"global_unique_id", ""}} {
		o.Set(kv[0].(string), kv[1])
	}
	base := s.st.origin + "/wp-json/wc/v3/products"
	o.Set("_links", object("self", hrefs(base+"/"+itoa(id)), "collection", hrefs(base)))
	return o
}

func (q *rq) createProduct() (*response, error) {
	s := q.s
	if q.body.Int("id") != 0 {
		return nil, fail(400, "woocommerce_rest_product_exists", "Cannot create existing product.")
	}
	p := s.newProduct()
	if err := q.applyProduct(p, true); err != nil {
		s.ids["post"]--
		return nil, err
	}
	if len(p.objs("categories")) == 0 {
		q.setTerms(p, "categories", s.st.categories, nil)
	}
	p.Set("slug", s.freeSlug(slugify(stripTags(p.Str("name"))), p.Int("id")))
	s.settleProduct(p)
	s.st.products.add(p)
	s.queueEvent("product.created", p.Int("id"))
	return &response{status: 201, body: q.editProduct(p), location: "/wc/v3/products/" + p.Str("id"), single: true}, nil
}

// freeSlug makes a permalink unique by counting up.
func (s *Sim) freeSlug(slug string, id int) string {
	taken := func(x string) bool {
		for _, p := range s.st.products.rows {
			if p.Int("id") != id && p.Str("slug") == x {
				return true
			}
		}
		return false
	}
	out := slug
	for n := 2; taken(out); n++ {
		out = fmt.Sprintf("%s-%d", slug, n)
	}
	return out
}

func (q *rq) updateProduct() (*response, error) {
	p := q.s.st.products.get(q.id)
	if p == nil {
		if q.s.st.variations.get(q.id) != nil {
			return nil, fail(404, "woocommerce_rest_invalid_product_id", "To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.")
		}
		return nil, fail(400, "woocommerce_rest_product_invalid_id", "Invalid ID.")
	}
	before := p.clone()
	if err := q.applyProduct(p, false); err != nil {
		*p = *before
		return nil, err
	}
	if before.Str("status") == "trash" && p.Str("status") != "trash" {
		q.s.untrashProduct(p)
	}
	q.s.stamp(p, "date_modified", q.s.now())
	q.s.settleProduct(p)
	q.s.queueEvent("product.updated", p.Int("id"))
	return ok(q.editProduct(p)), nil
}

var plainProductFields = []string{"catalog_visibility", "status", "type", "weight", "purchase_note", "external_url", "button_text", "post_password"}
var flagProductFields = []string{"featured", "virtual", "downloadable", "sold_individually", "reviews_allowed"}
var listProductFields = []string{"upsell_ids", "cross_sell_ids", "default_attributes", "grouped_products", "downloads"}

func (q *rq) applyProduct(p *Obj, isNew bool) error {
	s, in := q.s, q.body
	if err := q.applyCommon(p, isNew); err != nil {
		return err
	}
	for _, k := range plainProductFields {
		if v := in.Get(k); v != nil {
			p.Set(k, text(v))
		}
	}
	for _, k := range flagProductFields {
		if in.Has(k) {
			p.Set(k, truthy(in.Get(k)))
		}
	}
	for _, k := range listProductFields {
		if v, isList := in.Get(k).([]any); isList {
			p.Set(k, v)
		}
	}
	if in.Get("name") != nil {
		name := kses(in.Str("name"))
		p.Set("name", name)
	}
	for _, k := range []string{"description", "short_description"} {
		if in.Get(k) != nil {
			raw := kses(in.Str(k))
			p.Set(hidden+k, raw)
			p.Set(k, autop(raw))
		}
	}
	if in.Has("slug") && in.Str("slug") != "" {
		p.Set("slug", s.freeSlug(slugify(in.Str("slug")), p.Int("id")))
	}
	if in.Has("menu_order") {
		p.Set("menu_order", in.Int("menu_order"))
	}
	if in.Has("categories") {
		q.setTerms(p, "categories", s.st.categories, in.objs("categories"))
	}
	if in.Has("tags") {
		q.setTerms(p, "tags", s.st.tags, in.objs("tags"))
	}
	if in.Has("attributes") {
		p.Set("attributes", s.productAttributes(in.objs("attributes")))
	}
	if in.Has("images") {
		imgs := []any{}
		for _, i := range in.objs("images") {
			img, err := q.image(i)
			if err != nil {
				return err
			}
			imgs = append(imgs, img)
		}
		p.Set("images", imgs)
	}
	for _, d := range []string{"date_created"} {
		if v := in.Str(d); v != "" {
			// WooCommerce takes the site-local field for UTC here.
			old, _ := time.Parse(wpTime, p.Str(d))
			s.setDate(p, d, v, true)
			if !isNew && !strings.HasPrefix(p.Str(d), old.Format("2006-01-02")) {
				s.applyMeta(p, []*Obj{object("key", "_wp_old_date", "value", old.Format("2006-01-02"))}, "meta", nil)
			}
		} else if v := in.Str(d + "_gmt"); v != "" {
			s.setDate(p, d, v, true)
		}
	}
	return nil
}

// applyCommon writes what products and variations share.
func (q *rq) applyCommon(p *Obj, isNew bool) error {
	s, in := q.s, q.body
	for _, m := range in.objs("meta_data") {
		if m.Str("key") == "_sku" && !in.Has("sku") {
			in = in.clone()
			in.Set("sku", m.Str("value"))
		}
	}
	if in.Get("sku") != nil {
		if err := s.checkSKU(p, in.Str("sku"), isNew); err != nil {
			return err
		}
		sku := in.Str("sku")
		if r := []rune(sku); len(r) > 100 && isNew {
			sku = string(r)
		}
		p.Set("sku", sku)
		if p.Str("type") == "variation" {
			p.Set(hidden+"sku", sku)
		}
	}
	if g := in.Str("global_unique_id"); in.Has("global_unique_id") {
		for _, o := range append(slices.Clone(s.st.products.rows), s.st.variations.rows...) {
			if g != "" && o != p && o.Str("global_unique_id") == g {
				return &apiError{code: "product_invalid_global_unique_id", message: "Invalid or duplicated GTIN, UPC, EAN or ISBN.", status: 400, data: object("status", 400, "resource_id", o.Int("id"))}
			}
		}
		p.Set("global_unique_id", g)
	}
	for _, k := range []string{"regular_price", "sale_price"} {
		if in.Has(k) && in.Get(k) != nil {
			p.Set(k, formatDecimal(in.Str(k)))
		}
	}
	for _, k := range []string{"date_on_sale_from", "date_on_sale_to"} {
		if v, given := in.Get(k).(string); given {
			s.setDate(p, k, v, false)
		} else if v, given := in.Get(k + "_gmt").(string); given {
			s.setDate(p, k, v, true)
		}
	}
	if v := in.Get("tax_status"); v != nil {
		p.Set("tax_status", text(v))
	}
	if v := in.Get("tax_class"); v != nil {
		class := text(v)
		if class == "standard" {
			class = ""
		}
		known := class == "" || slices.Contains(s.classSlugs(), class)
		if p.Str("type") == "variation" && class == "parent" {
			p.Set(hidden+"tax_class", "parent")
		} else if known {
			p.Set("tax_class", class)
			p.Set(hidden+"tax_class", class)
		}
	}
	if d := in.Obj("dimensions"); d != nil {
		if p.Obj("dimensions") == nil {
			p.Set("dimensions", object("length", "", "width", "", "height", ""))
		}
		for i, k := range d.keys {
			p.Obj("dimensions").Set(k, text(d.vals[i]))
		}
	}
	if v := in.Get("shipping_class"); v != nil {
		slug := text(v)
		if slug == "" {
			p.Set("shipping_class", "")
			p.Set("shipping_class_id", 0)
		}
		for _, c := range s.st.shippingClasses.rows {
			if c.Str("slug") == slug {
				p.Set("shipping_class", slug)
				p.Set("shipping_class_id", c.Int("id"))
			}
		}
	}
	q.applyStock(p, in)
	rest := keep(in.objs("meta_data"), func(m *Obj) bool { return !ownMeta[m.Str("key")] })
	s.applyMeta(p, rest, "meta", nil)
	return nil
}

// ownMeta are the keys WooCommerce keeps for its own properties.
var ownMeta = map[string]bool{"_sku": true, "_price": true, "_regular_price": true, "_sale_price": true, "_stock": true, "_stock_status": true, "_manage_stock": true, "_weight": true, "_tax_class": true, "_tax_status": true}

func (q *rq) applyStock(p, in *Obj) {
	if in.Get("manage_stock") != nil {
		p.Set("manage_stock", truthy(in.Get("manage_stock")))
	}
	managed := p.Get("manage_stock") == true
	if v := in.Get("backorders"); v != nil && managed {
		p.Set("backorders", text(v))
	}
	if in.Has("stock_quantity") && managed {
		p.Set("stock_quantity", in.Int("stock_quantity"))
	}
	if v := in.Get("stock_status"); v != nil && !managed {
		p.Set("stock_status", text(v))
	}
	if in.Has("low_stock_amount") {
		p.Set("low_stock_amount", nil)
		if in.Get("low_stock_amount") != nil {
			p.Set("low_stock_amount", in.Int("low_stock_amount"))
		}
	}
}

func (s *Sim) checkSKU(p *Obj, sku string, isNew bool) error {
	if sku == "" {
		return nil
	}
	for _, o := range append(slices.Clone(s.st.products.rows), s.st.variations.rows...) {
		own := s.ownSKU(o)
		if o.Int("id") == p.Int("id") || own == "" || fold(own) != fold(sku) {
			continue
		}
		if o.Str("status") == "trash" {
			if isNew {
				s.ids["post"]++ // the row is written before the SKU is found taken
				return fail(400, "woocommerce_rest_product_not_created", "The SKU ("+sku+") you are trying to insert is already under processing")
			}
			continue
		}
		unique := sku
		for n := 1; ; n++ {
			unique = fmt.Sprintf("%s-%d", sku, n)
			if s.bySKU(unique) == nil {
				break
			}
		}
		return &apiError{code: "product_invalid_sku", message: "Invalid or duplicated SKU.", status: 400, data: object("status", 400, "resource_id", o.Int("id"), "unique_sku", unique)}
	}
	return nil
}

// setTerms gives a product its categories or tags, by name as the API lists them;
// a product without category gets the default one.
func (q *rq) setTerms(p *Obj, key string, t *table, in []*Obj) {
	var rows []*Obj
	for _, i := range in {
		if c := t.get(i.Int("id")); c != nil {
			rows = append(rows, c)
		}
	}
	if len(rows) == 0 && key == "categories" && len(t.rows) > 0 {
		def := t.rows[0]
		for _, c := range t.rows {
			if c.Str("slug") == "uncategorized" {
				def = c
			}
		}
		rows = append(rows, def)
	}
	order(rows, false, func(o *Obj) string { return fold(o.Str("name")) }, nil)
	out := []any{}
	for _, c := range rows {
		out = append(out, object("id", c.Int("id"), "name", c.Str("name"), "slug", c.Str("slug")))
	}
	p.Set(key, out)
}

func (s *Sim) productAttributes(in []*Obj) []any {
	out := []any{}
	for n, a := range in {
		name, slug := a.Str("name"), slugify(a.Str("name"))
		if attr := s.st.attribute(a.Int("id")); attr != nil {
			name, slug = attr.Obj("attribute").Str("name"), attr.Obj("attribute").Str("slug")
		}
		pos := n
		if a.Has("position") {
			pos = a.Int("position")
		}
		opts := a.List("options")
		if opts == nil {
			opts = []any{}
		}
		out = append(out, object("id", a.Int("id"), "name", name, "slug", slug, "position", pos, "visible", truthy(a.Get("visible")), "variation", truthy(a.Get("variation")), "options", opts))
	}
	return out
}

// setDate writes a pair of times from one of the two; "" clears both.
func (s *Sim) setDate(o *Obj, key, v string, isGMT bool) {
	if v == "" {
		o.Set(key, nil)
		o.Set(key+"_gmt", nil)
		return
	}
	t, zoned := s.parseTime(v)
	if t.IsZero() {
		return
	}
	if isGMT && !zoned {
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	}
	s.stamp(o, key, t)
}

// settleProduct derives price, sale, stock status, links and markup.
func (s *Sim) settleProduct(p *Obj) {
	if p.Str("type") == "variable" {
		s.settleStockOf(p)
		s.settleVariable(p)
	} else {
		if p.Str("type") != "grouped" {
			s.settlePrice(p)
		}
		s.settleStockOf(p)
		kind := p.Str("type")
		p.Set("purchasable", p.Str("price") != "" && kind != "external" && kind != "grouped")
		if kind != "grouped" {
			p.Set("price_html", s.priceHTML(p))
		}
	}
	ship := !p.Bool("virtual") && p.Str("type") != "external"
	if p.Str("type") != "external" {
		p.Set("shipping_required", ship)
	}
	p.Set("shipping_taxable", ship && p.Str("tax_status") == "taxable" || ship && p.Str("tax_status") == "shipping")
	id := p.Str("id")
	switch p.Str("status") {
	case "publish", "private":
		p.Set("permalink", s.st.origin+"/product/"+p.Str("slug")+"/")
	default:
		p.Set("permalink", s.st.origin+"/?post_type=product&p="+id)
	}
}

func (s *Sim) settleStockOf(p *Obj) {
	if p.Str("type") == "variable" && p.Get("manage_stock") != true {
		return
	}
	if p.Str("type") == "grouped" || p.Str("type") == "external" {
		return
	}
	s.settleStock(p)
}

// settleVariable gives a variable product its variations' prices and stock.
func (s *Sim) settleVariable(p *Obj) {
	rows := keep(s.st.variations.rows, func(o *Obj) bool { return o.Int("parent_id") == p.Int("id") && o.Str("status") != "trash" })
	ids := []any{}
	var prices []decimal.Decimal
	texts := map[string]string{}
	status, onSale := "outofstock", false
	order(rows, false, func(o *Obj) int { return o.Int("menu_order") }, byID)
	for _, v := range rows {
		ids = append(ids, num(v.Int("id")))
		if v.Str("status") != "publish" {
			continue
		}
		if v.Str("price") != "" {
			d := dec(v.Str("price"))
			prices = append(prices, d)
			texts[d.String()] = v.Str("price")
			onSale = onSale || v.Bool("on_sale")
		}
		switch {
		case v.Str("stock_status") == "instock":
			status = "instock"
		case v.Str("stock_status") == "onbackorder" && status == "outofstock":
			status = "onbackorder"
		}
	}
	p.Set("variations", ids)
	p.Set("on_sale", onSale)
	p.Set("regular_price", "")
	p.Set("sale_price", "")
	if p.Get("manage_stock") != true {
		p.Set("stock_quantity", nil)
		p.Set("stock_status", status)
	}
	if len(prices) == 0 {
		p.Set("price", "")
		p.Set("purchasable", false)
		p.Set("price_html", "")
		return
	}
	lo, hi := decimal.Min(prices[0], prices...), decimal.Max(prices[0], prices...)
	p.Set("price", texts[lo.String()])
	p.Set("purchasable", true)
	if lo.Equal(hi) {
		p.Set("price_html", s.priceTag(lo))
		return
	}
	p.Set("price_html", s.priceTag(lo)+" &ndash; "+s.priceTag(hi))
}

func (q *rq) deleteProduct() (*response, error) {
	s := q.s
	p := s.st.products.get(q.id)
	if p == nil {
		return nil, fail(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
	}
	before := q.renderProduct(p)
	if truthy(q.params.Get("force")) {
		s.st.products.remove(q.id)
		s.forgetProduct(q.id)
		for _, v := range keep(s.st.variations.rows, func(v *Obj) bool { return v.Int("parent_id") == q.id }) {
			s.st.variations.remove(v.Int("id"))
		}
		return ok(q.editProduct(before)), nil
	}
	if p.Str("status") == "trash" {
		return nil, fail(410, "woocommerce_rest_already_trashed", "The product has already been deleted.")
	}
	s.trashProduct(p)
	return ok(q.editProduct(before)), nil
}

// forgetProduct takes a product that is gone from the lines of orders: what is read of a
// line refuses an id that is no product's. The orders do not change by it.
func (s *Sim) forgetProduct(id int) {
	for _, o := range s.st.orders.rows {
		for _, l := range o.objs("line_items") {
			if l.Int("product_id") == id {
				l.Set("product_id", 0)
				l.Set("variation_id", 0)
				l.Set("sku", nil)
			}
		}
	}
}

func (s *Sim) trashProduct(p *Obj) {
	for _, m := range [][2]string{{"_wp_trash_meta_status", p.Str("status")}, {"_wp_trash_meta_time", fmt.Sprint(s.now().Unix())}, {"_wp_desired_post_slug", p.Str("slug")}} {
		p.Set("meta_data", append(p.List("meta_data"), object("id", s.nextID("meta"), "key", m[0], "value", m[1])))
	}
	p.Set("status", "trash")
	p.Set("slug", p.Str("slug")+"__trashed")
	s.stamp(p, "date_modified", s.now())
	s.settleProduct(p)
	s.queueEvent("coupon.deleted", p.Int("id"))
	s.queueEvent("product.deleted", p.Int("id"))
}

func (s *Sim) untrashProduct(p *Obj) {
	p.Set("slug", strings.TrimSuffix(p.Str("slug"), "__trashed"))
	// By REST only the slug comes back; the notes of the trash stay.
	p.Set("meta_data", anyList(keep(p.objs("meta_data"), func(m *Obj) bool { return m.Str("key") != "_wp_desired_post_slug" })))
}

func (q *rq) batchProducts() (*response, error) {
	return q.runBatch(batchOps{create: (*rq).createProduct, update: (*rq).updateProduct, remove: (*rq).deleteProduct})
}
