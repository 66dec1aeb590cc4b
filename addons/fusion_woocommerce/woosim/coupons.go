package woosim

import (
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// sameCode compares coupon codes as WooCommerce does: as shown or as typed,
// without case.
func sameCode(stored, typed string) bool {
	return strings.EqualFold(html.UnescapeString(stored), html.UnescapeString(strings.TrimSpace(typed)))
}

func (s *Sim) couponByCode(code string) *Obj {
	for _, c := range s.st.coupons.rows {
		if c.Str("status") == "publish" && sameCode(c.Str("code"), code) {
			return c
		}
	}
	return nil
}

func badCoupon(message string) error { return fail(400, "woocommerce_rest_invalid_coupon", message) }

func (s *Sim) checkCoupon(c *Obj, code string, o *Obj) error {
	if c == nil {
		return badCoupon(fmt.Sprintf("Coupon \"%s\" does not exist!", code))
	}
	if e := c.Str("date_expires_gmt"); e != "" && e < gmt(s.now()) {
		return badCoupon("This coupon has expired.")
	}
	if n := c.Int("usage_limit"); n > 0 && c.Int("usage_count") >= n {
		return badCoupon("Coupon usage limit has been reached.")
	}
	goods := decimal.Zero
	for _, l := range o.objs("line_items") {
		goods = goods.Add(exact(l, "subtotal"))
	}
	if m := dec(c.Str("minimum_amount")); m.IsPositive() && goods.LessThan(m) {
		return badCoupon(fmt.Sprintf("The minimum spend for this coupon is %s.", s.priceTag(m)))
	}
	if m := dec(c.Str("maximum_amount")); m.IsPositive() && goods.GreaterThan(m) {
		return badCoupon(fmt.Sprintf("The maximum spend for this coupon is %s.", s.priceTag(m)))
	}
	return nil
}

// discounted is one line while coupons are worked out, in cents.
type discounted struct {
	line  *Obj
	price decimal.Decimal
	qty   int
	off   decimal.Decimal // by all coupons so far
	now   decimal.Decimal // by the present coupon
}

func (d *discounted) take(cents decimal.Decimal) decimal.Decimal {
	cents = decimal.Min(cents, d.price.Sub(d.off))
	d.off, d.now = d.off.Add(cents), d.now.Add(cents)
	return cents
}

// applyCoupons gives the order exactly the coupons of the list and computes its
// lines and totals again. An invalid one leaves the order without it.
func (s *Sim) applyCoupons(o *Obj, lines []any) error {
	var coupons []*Obj
	for _, v := range lines {
		in, _ := v.(*Obj)
		code := in.Str("code")
		if code == "" {
			return badCoupon("Coupon code is required.")
		}
		c := s.couponByCode(code)
		if err := s.checkCoupon(c, code, o); err != nil {
			return err
		}
		if !slices.Contains(coupons, c) {
			coupons = append(coupons, c)
		}
	}
	inclusive := o.Bool("prices_include_tax")
	at := s.taxPlace(o)
	var items []*discounted
	for _, l := range o.objs("line_items") {
		price := exact(l, "subtotal")
		if inclusive {
			price = price.Add(dec(l.Str("subtotal_tax")))
		}
		items = append(items, &discounted{line: l, price: price.Mul(hundred).Round(4), qty: l.Int("quantity")})
	}
	slices.SortStableFunc(items, func(a, b *discounted) int { return b.price.Cmp(a.price) })
	coupLines := []any{}
	net := map[*Obj]decimal.Decimal{}
	for _, c := range coupons {
		var fit []*discounted
		for _, d := range items {
			d.now = decimal.Zero
			if s.couponFits(c, d.line) {
				fit = append(fit, d)
			}
		}
		amount := dec(c.Str("amount"))
		switch c.Str("discount_type") {
		case "percent":
			percentOff(fit, amount)
		case "fixed_product":
			for _, d := range fit {
				d.take(amount.Mul(hundred).Mul(decimal.NewFromInt(int64(d.qty))))
			}
		default:
			fixedCart(fit, amount.Mul(hundred))
		}
		sum, tax := decimal.Zero, decimal.Zero
		for _, d := range items {
			off := d.now.Div(hundred)
			var rs []rate
			if s.lineTaxable(d.line) {
				rs = s.rates(d.line.Str("tax_class"), at)
			}
			if inclusive {
				off = withoutTax(off, rs).Round(6)
			}
			for _, t := range taxOn(off, rs) {
				tax = tax.Add(s.roundLine(t))
			}
			sum = sum.Add(off)
			net[d.line] = net[d.line].Add(off)
		}
		coupLines = append(coupLines, s.couponLine(c, sum, tax))
	}
	for _, l := range o.objs("line_items") {
		s.setAmount(l, "total", decimal.Max(decimal.Zero, exact(l, "subtotal").Sub(net[l])))
	}
	o.Set("coupon_lines", coupLines)
	s.recalculate(o)
	s.finishOrder(o)
	return nil
}

// countCoupons notes that an order used its coupons, and who did.
func (s *Sim) countCoupons(o *Obj) {
	who := o.Obj("billing").Str("email")
	if id := o.Int("customer_id"); id != 0 {
		who = itoa(id)
	}
	for _, l := range o.objs("coupon_lines") {
		if c := s.couponByCode(l.Str("code")); c != nil {
			c.Set("usage_count", c.Int("usage_count")+1)
			c.Set("used_by", append(c.List("used_by"), who))
		}
	}
}

func percentOff(fit []*discounted, percent decimal.Decimal) {
	cart, given := decimal.Zero, decimal.Zero
	for _, d := range fit {
		cart = cart.Add(d.price)
		given = given.Add(d.take(d.price.Mul(percent).Div(hundred).Floor()))
	}
	whole := roundHalfDown(cart.Mul(percent).Div(hundred))
	if given.LessThan(whole) {
		spreadCents(fit, whole.Sub(given))
	}
}

func roundHalfDown(d decimal.Decimal) decimal.Decimal {
	f := d.Floor()
	if d.Sub(f).GreaterThan(decimal.NewFromFloat(0.5)) {
		return f.Add(decimal.NewFromInt(1))
	}
	return f
}

// fixedCart spreads an amount evenly over the pieces, then cent by cent.
func fixedCart(fit []*discounted, cents decimal.Decimal) {
	for cents.IsPositive() {
		pieces := 0
		for _, d := range fit {
			if d.price.GreaterThan(d.off) {
				pieces += d.qty
			}
		}
		if pieces == 0 {
			return
		}
		each := cents.Div(decimal.NewFromInt(int64(pieces))).Floor()
		if !each.IsPositive() {
			spreadCents(fit, cents)
			return
		}
		given := decimal.Zero
		for _, d := range fit {
			given = given.Add(d.take(each.Mul(decimal.NewFromInt(int64(d.qty)))))
		}
		if given.IsZero() {
			return
		}
		cents = cents.Sub(given)
	}
}

func spreadCents(fit []*discounted, cents decimal.Decimal) {
	one := decimal.NewFromInt(1)
	for _, d := range fit {
		for i := 0; i < d.qty && cents.IsPositive(); i++ {
			cents = cents.Sub(d.take(decimal.Min(one, cents)))
		}
	}
}

func (s *Sim) couponFits(c, l *Obj) bool {
	has := func(key string, id int) bool {
		return id != 0 && slices.ContainsFunc(c.List(key), func(v any) bool { return toInt(v) == id })
	}
	p, v := l.Int("product_id"), l.Int("variation_id")
	if len(c.List("product_ids")) > 0 && !has("product_ids", p) && !has("product_ids", v) {
		return false
	}
	if has("excluded_product_ids", p) || has("excluded_product_ids", v) {
		return false
	}
	prod := s.st.products.get(p)
	in := func(key string) bool {
		return slices.ContainsFunc(prod.objs("categories"), func(cat *Obj) bool { return has(key, cat.Int("id")) })
	}
	if prod != nil {
		if len(c.List("product_categories")) > 0 && !in("product_categories") || in("excluded_product_categories") {
			return false
		}
	}
	if lp := s.lineProduct(l); lp != nil && c.Bool("exclude_sale_items") && lp.Bool("on_sale") {
		return false
	}
	return true
}

func (s *Sim) couponLine(c *Obj, sum, tax decimal.Decimal) *Obj {
	kind := any(c.Str("discount_type"))
	if kind == "fixed_cart" {
		kind = nil
	}
	nominal := json.Number(dec(c.Str("amount")).String())
	info := []any{num(c.Int("id")), html.UnescapeString(c.Str("code")), kind, nominal}
	if c.Bool("free_shipping") {
		info = append(info, true)
	}
	id := s.nextID("item")
	m := object("id", s.nextID("itemmeta"), "key", "coupon_info", "value", string(encode(info)))
	displayMeta(m)
	return object("id", id, "code", c.Str("code"), "discount", sum.String(), "discount_tax", tax.String(), "meta_data", []any{m},
		"discount_type", c.Str("discount_type"), "nominal_amount", nominal, "free_shipping", c.Bool("free_shipping"))
}

func couponWriteArgs() []arg {
	return []arg{
		{name: "discount_type", kind: "enum", enum: []string{"percent", "fixed_cart", "fixed_product"}},
		{name: "amount", kind: "string"}, {name: "individual_use", kind: "bool"},
	}
}

func (q *rq) createCoupon() (*response, error) {
	s := q.s
	if !q.body.Has("code") || q.body.Str("code") == "" {
		return nil, &apiError{code: "rest_missing_callback_param", message: "Missing parameter(s): code", status: 400, data: object("status", 400, "params", []any{"code"})}
	}
	if s.couponByCode(q.body.Str("code")) != nil {
		return nil, fail(400, "woocommerce_rest_coupon_code_already_exists", "The coupon code already exists")
	}
	id, now := s.nextID("post"), s.now()
	c := object("id", id, "code", "", "amount", "0.00", "status", "publish")
	s.stamp(c, "date_created", now)
	s.stamp(c, "date_modified", now)
	for _, kv := range [][2]any{{"discount_type", "fixed_cart"}, {"description", ""}, {"date_expires", nil}, {"date_expires_gmt", nil}, {"usage_count", 0},
		{"individual_use", false}, {"product_ids", []any{}}, {"excluded_product_ids", []any{}}, {"usage_limit", nil}, {"usage_limit_per_user", nil}, {"limit_usage_to_x_items", nil},
		{"free_shipping", false}, {"product_categories", []any{}}, {"excluded_product_categories", []any{}}, {"exclude_sale_items", false},
		{"minimum_amount", "0.00"}, {"maximum_amount", "0.00"}, {"email_restrictions", []any{}}, {"used_by", []any{}}, {"meta_data", []any{}}} {
		c.Set(kv[0].(string), kv[1])
	}
	base := s.st.origin + "/wp-json/wc/v3/coupons"
	c.Set("_links", object("self", hrefs(base+"/"+itoa(id)), "collection", hrefs(base)))
	if err := q.applyCoupon(c); err != nil {
		return nil, err
	}
	s.st.coupons.add(c)
	s.queueEvent("coupon.created", id)
	s.queueEvent("coupon.updated", id)
	return &response{status: 201, body: c.clone(), location: "/wc/v3/coupons/" + itoa(id), single: true}, nil
}

func (q *rq) applyCoupon(c *Obj) error {
	in := q.body
	kind := c.Str("discount_type")
	if in.Has("discount_type") {
		kind = in.Str("discount_type")
	}
	if a := dec(formatDecimal(in.Str("amount"))); in.Has("amount") {
		if kind == "percent" && a.GreaterThan(hundred) {
			a = dec(c.Str("amount")) // refused in silence
		}
		c.Set("amount", q.s.money(a))
	}
	c.Set("discount_type", kind)
	for i, k := range in.keys {
		v := in.vals[i]
		switch k {
		case "code":
			c.Set(k, strings.ReplaceAll(strings.ToLower(html.UnescapeString(text(v))), "&", "&amp;"))
		case "description":
			c.Set(k, text(v))
		case "status":
			c.Set(k, text(v))
		case "minimum_amount", "maximum_amount":
			c.Set(k, q.s.money(dec(formatDecimal(text(v)))))
		case "individual_use", "free_shipping", "exclude_sale_items":
			c.Set(k, truthy(v))
		case "product_ids", "excluded_product_ids", "product_categories", "excluded_product_categories", "email_restrictions":
			c.Set(k, v)
		case "usage_limit", "usage_limit_per_user", "limit_usage_to_x_items":
			if n := toInt(v); n > 0 {
				c.Set(k, n)
			} else {
				c.Set(k, nil)
			}
		case "date_expires", "date_expires_gmt":
			q.s.setDate(c, "date_expires", text(v), k == "date_expires_gmt")
		}
	}
	q.s.applyMeta(c, in.objs("meta_data"), "meta", nil)
	return nil
}

func (q *rq) updateCoupon() (*response, error) {
	c, err := q.coupon(400)
	if err != nil {
		return nil, err
	}
	if err := q.applyCoupon(c); err != nil {
		return nil, err
	}
	q.s.stamp(c, "date_modified", q.s.now())
	q.s.queueEvent("coupon.updated", c.Int("id"))
	return ok(c.clone()), nil
}

func (q *rq) deleteCoupon() (*response, error) {
	c, err := q.coupon(404)
	if err != nil {
		return nil, err
	}
	before := c.clone()
	if truthy(q.params.Get("force")) {
		q.s.st.coupons.remove(q.id)
		return ok(before), nil
	}
	if c.Str("status") == "trash" {
		return nil, fail(410, "woocommerce_rest_already_trashed", "The shop_coupon has already been deleted.")
	}
	for _, m := range [][2]string{{"_wp_trash_meta_status", c.Str("status")}, {"_wp_trash_meta_time", fmt.Sprint(q.s.now().Unix())}, {"_wp_desired_post_slug", slugify(c.Str("code"))}} {
		c.Set("meta_data", append(c.List("meta_data"), object("id", q.s.nextID("meta"), "key", m[0], "value", m[1])))
	}
	c.Set("status", "trash")
	q.s.stamp(c, "date_modified", q.s.now())
	q.s.queueEvent("coupon.deleted", q.id)
	q.s.queueEvent("product.deleted", q.id)
	return ok(before), nil
}
