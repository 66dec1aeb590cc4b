package woosim

import "fmt"

// duplicateProduct copies a product as a draft. Its answer is not a product as
// elsewhere but WooCommerce's own data array.
func (q *rq) duplicateProduct() (*response, error) {
	s := q.s
	p := s.st.products.get(q.id)
	if p == nil {
		return nil, fail(404, "woocommerce_rest_product_invalid_id", "Invalid product ID.")
	}
	c := s.newProduct()
	id, links := c.Get("id"), c.Get("_links")
	now := s.now()
	sku := p.Str("sku")
	*c = *p.clone()
	c.Set("id", id)
	c.Set("_links", links)
	c.Set("name", p.Str("name")+" (Copy)")
	c.Set("status", "draft")
	c.Set("slug", "")
	c.Set("total_sales", 0)
	for n := 1; sku != ""; n++ {
		if s.bySKU(fmt.Sprintf("%s-%d", sku, n)) == nil {
			c.Set("sku", fmt.Sprintf("%s-%d", sku, n))
			break
		}
	}
	s.stamp(c, "date_created", now)
	s.stamp(c, "date_modified", now)
	s.settleProduct(c)
	s.st.products.add(c)
	s.queueEvent("product.created", c.Int("id"))
	phpDate := object("date", now.In(s.st.zone).Format("2006-01-02 15:04:05.000000"), "timezone_type", 3, "timezone", s.st.zone.String())
	e := q.editProduct(c)
	d := c.Obj("dimensions")
	ids := func(key string) []any {
		out := []any{}
		for _, x := range c.objs(key) {
			out = append(out, x.Get("id"))
		}
		return out
	}
	low := c.Get("low_stock_amount")
	if low == nil {
		low = ""
	}
	out := &Obj{}
	for _, k := range []string{"id", "name", "slug", "date_created", "date_modified", "status", "featured", "catalog_visibility", "description", "short_description", "sku", "global_unique_id", "price", "regular_price", "sale_price",
		"date_on_sale_from", "date_on_sale_to", "total_sales", "tax_status", "tax_class", "manage_stock", "stock_quantity", "stock_status", "backorders"} {
		out.Set(k, e.Get(k))
	}
	out.Set("date_created", phpDate)
	out.Set("date_modified", phpDate.clone())
	for _, kv := range [][2]any{{"low_stock_amount", low}, {"sold_individually", e.Get("sold_individually")}, {"weight", e.Get("weight")}, {"length", d.Get("length")}, {"width", d.Get("width")}, {"height", d.Get("height")},
		{"upsell_ids", e.Get("upsell_ids")}, {"cross_sell_ids", e.Get("cross_sell_ids")}, {"parent_id", e.Get("parent_id")}, {"reviews_allowed", e.Get("reviews_allowed")}, {"purchase_note", e.Get("purchase_note")},
		{"attributes", e.Get("attributes")}, {"default_attributes", e.Get("default_attributes")}, {"menu_order", e.Get("menu_order")}, {"post_password", ""}, {"virtual", e.Get("virtual")}, {"downloadable", e.Get("downloadable")},
		{"category_ids", ids("categories")}, {"tag_ids", ids("tags")}, {"shipping_class_id", e.Get("shipping_class_id")}, {"downloads", e.Get("downloads")}, {"image_id", ""}, {"gallery_image_ids", []any{}},
		{"download_limit", e.Get("download_limit")}, {"download_expiry", e.Get("download_expiry")}, {"rating_counts", []any{}}, {"average_rating", "0"}, {"review_count", 0}, {"meta_data", e.Get("meta_data")}} {
		out.Set(kv[0].(string), kv[1])
	}
	if imgs := ids("images"); len(imgs) > 0 {
		out.Set("image_id", text(imgs[0]))
		out.Set("gallery_image_ids", imgs[1:])
	}
	return ok(out), nil
}
