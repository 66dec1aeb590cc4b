package woosim

import (
	"github.com/shopspring/decimal"
)

// applyItem adds, changes or removes one line.
func (s *Sim) applyItem(o *Obj, kind string, in *Obj) error {
	nameKey := map[string]string{"line_items": "product_id", "shipping_lines": "method_id", "fee_lines": "name"}[kind]
	if id := in.Int("id"); id != 0 {
		for _, l := range o.objs(kind) {
			if l.Int("id") != id {
				continue
			}
			gone := in.Has(nameKey) && in.Get(nameKey) == nil
			if kind == "line_items" && in.Has("quantity") && in.Int("quantity") == 0 {
				gone = true
			}
			if gone {
				s.removeItem(o, kind, l)
				return nil
			}
			return s.fillItem(o, kind, l, in, false)
		}
		return fail(400, "woocommerce_rest_invalid_item_id", "Order item ID provided is not associated with order.")
	}
	l := &Obj{}
	if kind == "line_items" {
		l = object("id", 0, "name", "", "product_id", 0, "variation_id", 0, "quantity", 1, "tax_class", "", "subtotal", "0.00", "subtotal_tax", "0.00",
			"total", "0.00", "total_tax", "0.00", "taxes", []any{}, "meta_data", []any{}, "sku", nil, "price", num(0), "image", object("id", num(0), "src", ""), "parent_name", nil)
	} else if kind == "shipping_lines" {
		l = object("id", 0, "method_title", "", "method_id", "", "instance_id", "", "total", "0.00", "total_tax", "0.00", "taxes", []any{}, "meta_data", []any{})
	} else {
		l = object("id", 0, "name", "", "tax_class", "", "tax_status", "taxable", "amount", "", "total", "0.00", "total_tax", "0.00", "taxes", []any{}, "meta_data", []any{})
	}
	if err := s.fillItem(o, kind, l, in, true); err != nil {
		return err
	}
	if kind == "line_items" && l.Int("quantity") == 0 {
		return nil
	}
	l.Set("id", s.nextID("item"))
	o.Set(kind, append(o.List(kind), l))
	return nil
}

func (s *Sim) removeItem(o *Obj, kind string, l *Obj) {
	if kind == "line_items" {
		s.adjustLineStock(l, 0)
	}
	o.Set(kind, anyList(keep(o.objs(kind), func(x *Obj) bool { return x != l })))
}

func (s *Sim) fillItem(o *Obj, kind string, l, in *Obj, isNew bool) error {
	if kind == "shipping_lines" && isNew && in.Str("method_id") == "" {
		return fail(400, "woocommerce_rest_invalid_shipping_item", "Shipping method ID is required.")
	}
	if kind == "fee_lines" && isNew && in.Str("name") == "" {
		return fail(400, "woocommerce_rest_invalid_fee_item", "Fee name is required.")
	}
	if kind == "line_items" {
		if err := s.fillProduct(o, l, in, isNew); err != nil {
			return err
		}
	}
	for _, k := range []string{"name", "method_title", "method_id", "instance_id", "tax_class", "tax_status"} {
		if in.Get(k) != nil && l.Has(k) {
			l.Set(k, text(in.Get(k)))
		}
	}
	for _, k := range []string{"subtotal", "total"} {
		if in.Get(k) == nil || !l.Has(k) {
			continue
		}
		d := dec(formatDecimal(text(in.Get(k))))
		if kind == "line_items" {
			s.setAmount(l, k, d)
		} else {
			l.Set(k, s.money(d))
		}
	}
	if kind == "line_items" && isNew && in.Get("total") != nil && in.Get("subtotal") == nil && s.lineProduct(l) == nil {
		s.setAmount(l, "subtotal", exact(l, "total"))
	}
	s.applyMeta(l, in.objs("meta_data"), "itemmeta", displayMeta)
	if kind == "line_items" && !isNew && in.Has("quantity") {
		s.adjustLineStock(l, l.Int("quantity"))
	}
	return nil
}

func displayMeta(m *Obj) {
	m.Set("display_key", m.Str("key"))
	m.Set("display_value", m.Get("value"))
}

func (s *Sim) fillProduct(o, l, in *Obj, isNew bool) error {
	given := in.Has("product_id") || in.Has("variation_id") || in.Has("sku")
	var p *Obj
	if isNew || given {
		switch {
		case in.Str("sku") != "" && isNew:
			p = s.bySKU(in.Str("sku"))
		case in.Int("variation_id") != 0:
			p = s.st.variations.get(in.Int("variation_id"))
		case in.Int("product_id") != 0:
			p = s.st.products.get(in.Int("product_id"))
			if p == nil {
				p = s.st.variations.get(in.Int("product_id"))
			}
		case isNew:
			return fail(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
		}
	}
	if in.Has("quantity") {
		l.Set("quantity", in.Int("quantity"))
	}
	changed := p != nil && (isNew || p.Int("id") != l.Int("product_id") && p.Int("id") != l.Int("variation_id"))
	if changed {
		s.putProduct(l, p)
		qty := decimal.NewFromInt(int64(l.Int("quantity")))
		price := dec(p.Str("price"))
		if s.st.setting("tax", "woocommerce_prices_include_tax") == "yes" && s.lineTaxable(l) {
			price = withoutTax(price, s.rates(l.Str("tax_class"), s.taxPlace(o)))
		}
		total := price.Mul(qty)
		s.setAmount(l, "subtotal", total)
		s.setAmount(l, "total", total)
	}
	return nil
}

// putProduct copies what an order line keeps of its product.
func (s *Sim) putProduct(l, p *Obj) {
	img := p.Obj("image")
	parent := p
	if p.Str("type") == "variation" {
		parent = s.st.products.get(p.Int("parent_id"))
		l.Set("product_id", p.Int("parent_id"))
		l.Set("variation_id", p.Int("id"))
		name := parent.Str("name")
		if n := p.Str("name"); n != "" {
			name += " - " + n
		}
		l.Set("name", name)
		l.Set("parent_name", parent.Str("name"))
		l.Set("meta_data", s.variationMeta(p))
	} else {
		l.Set("product_id", p.Int("id"))
		l.Set("name", p.Str("name"))
	}
	l.Set("tax_class", p.Str("tax_class"))
	if p.Str("type") == "variation" && inheritsTax(p, parent) {
		l.Set("tax_class", parent.Str("tax_class"))
	}
	sku := s.ownSKU(p)
	if sku == "" && parent != p {
		sku = parent.Str("sku")
	}
	l.Set("sku", sku)
	if img == nil {
		for _, i := range parent.objs("images") {
			img = i
			break
		}
		if img != nil {
			l.Set("image", object("id", img.Str("id"), "src", img.Str("src")))
			return
		}
		l.Set("image", object("id", "", "src", ""))
		return
	}
	l.Set("image", object("id", img.Get("id"), "src", img.Str("src")))
}

func (s *Sim) variationMeta(v *Obj) []any {
	out := []any{}
	for _, a := range v.objs("attributes") {
		value, label := a.Str("option"), a.Str("name")
		if attr := s.st.attribute(a.Int("id")); attr != nil {
			label = attr.Obj("attribute").Str("name")
			for _, t := range attr.objs("terms") {
				if t.Str("name") == a.Str("option") {
					value = t.Str("slug")
				}
			}
		}
		out = append(out, object("id", s.nextID("itemmeta"), "key", a.Str("slug"), "value", value, "display_key", label, "display_value", a.Str("option")))
	}
	return out
}

func (s *Sim) bySKU(sku string) *Obj {
	for _, t := range []*table{s.st.products, s.st.variations} {
		for _, p := range t.rows {
			if own := s.ownSKU(p); own != "" && fold(own) == fold(sku) && p.Str("status") != "trash" {
				return p
			}
		}
	}
	return nil
}
