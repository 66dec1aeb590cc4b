package woosim

import (
	"encoding/json"
	"slices"

	"github.com/shopspring/decimal"
)

func (s *Sim) roundAtSubtotal() bool {
	return s.st.setting("tax", "woocommerce_tax_round_at_subtotal") == "yes"
}

// setAmount stores an item's amount with all decimals and shows it in cents.
func (s *Sim) setAmount(l *Obj, key string, d decimal.Decimal) {
	l.Set(key, s.money(d))
	l.Set(hidden+key, d.String())
}

// setTaxes writes an item's taxes and their sums; the sums are of rounded taxes
// unless the shop rounds at the subtotal.
func (s *Sim) setTaxes(l *Obj, rates []rate, total, subtotal map[int]decimal.Decimal) {
	list := []any{}
	sum := func(m map[int]decimal.Decimal) decimal.Decimal {
		t := decimal.Zero
		for _, r := range rates {
			t = t.Add(s.roundLine(m[r.id]))
		}
		return t
	}
	for _, r := range rates {
		sub := ""
		if subtotal != nil {
			sub = subtotal[r.id].String()
		}
		list = append(list, object("id", r.id, "total", total[r.id].String(), "subtotal", sub))
	}
	l.Set("taxes", list)
	l.Set("total_tax", s.money(sum(total)))
	if subtotal != nil {
		l.Set("subtotal_tax", s.money(sum(subtotal)))
	}
}

func (s *Sim) roundLine(d decimal.Decimal) decimal.Decimal {
	if s.roundAtSubtotal() {
		return d
	}
	return d.Round(s.places())
}

// priceOf is the unit price after discount, as the JSON number PHP would show.
func (s *Sim) priceOf(l *Obj) json.Number {
	qty := l.Int("quantity")
	if qty == 0 {
		return "0"
	}
	f, _ := exact(l, "total").Float64()
	return phpNumber(f / float64(qty))
}

// recalculate works the order's taxes and totals out again, as WooCommerce does
// after every write that touches addresses or lines.
func (s *Sim) recalculate(o *Obj) {
	at := s.taxPlace(o)
	exempt := false
	for _, m := range o.objs("meta_data") {
		exempt = exempt || m.Str("key") == "is_vat_exempt" && m.Str("value") == "yes"
	}
	ratesFor := func(class string) []rate {
		if exempt {
			return nil
		}
		return s.rates(class, at)
	}
	used := map[int]*Obj{}
	note := func(rs []rate) []rate {
		for _, r := range rs {
			used[r.id] = r.row
		}
		return rs
	}
	var usedOrder []int
	remember := func(rs []rate) {
		for _, r := range rs {
			if !slices.Contains(usedOrder, r.id) {
				usedOrder = append(usedOrder, r.id)
			}
		}
	}
	cart, shipTax := map[int]decimal.Decimal{}, map[int]decimal.Decimal{}
	add := func(into map[int]decimal.Decimal, m map[int]decimal.Decimal) {
		for id, t := range m {
			into[id] = into[id].Add(s.roundLine(t))
		}
	}
	goods, subtotal, subTax, totTax := decimal.Zero, decimal.Zero, decimal.Zero, decimal.Zero
	classes := map[string]decimal.Decimal{}
	var classSeen []string
	for _, l := range o.objs("line_items") {
		total, sub := exact(l, "total"), exact(l, "subtotal")
		goods, subtotal = goods.Add(total), subtotal.Add(sub)
		var rs []rate
		if s.lineTaxable(l) {
			rs = note(ratesFor(l.Str("tax_class")))
			classSeen = append(classSeen, l.Str("tax_class"))
			if !total.IsNegative() {
				classes[l.Str("tax_class")] = classes[l.Str("tax_class")].Add(total)
			}
		} else if !total.IsNegative() {
			classes["non-taxable"] = classes["non-taxable"].Add(total)
		}
		remember(rs)
		tt, st := taxOn(total, rs), taxOn(sub, rs)
		s.setTaxes(l, rs, tt, st)
		add(cart, tt)
		subTax, totTax = subTax.Add(dec(l.Str("subtotal_tax"))), totTax.Add(dec(l.Str("total_tax")))
		l.Set("price", s.priceOf(l))
	}
	shipClass, shipping := s.shippingClassFor(classSeen), decimal.Zero
	for _, l := range o.objs("shipping_lines") {
		total := dec(l.Str("total"))
		shipping = shipping.Add(total)
		var rs []rate
		for _, r := range ratesFor(shipClass) {
			if r.shipping {
				rs = append(rs, r)
			}
		}
		note(rs)
		remember(rs)
		t := taxOn(total, rs)
		s.setTaxes(l, rs, t, nil)
		add(shipTax, t)
		classes[shipClass] = classes[shipClass].Add(total)
	}
	fees := decimal.Zero
	for _, l := range o.objs("fee_lines") {
		total := dec(l.Str("total"))
		if total.IsNegative() {
			if most := goods.Add(fees).Add(shipping).Round(s.places()).Neg(); most.IsNegative() && total.LessThan(most) {
				total = most
				l.Set("total", s.money(total))
			}
		}
		fees = fees.Add(total)
		var rs []rate
		t := map[int]decimal.Decimal{}
		switch {
		case l.Str("tax_status") != "taxable":
		case total.IsNegative():
			sum := decimal.Zero
			for _, c := range classes {
				sum = sum.Add(c)
			}
			for _, class := range append([]string{""}, s.classSlugs()...) {
				cost, found := classes[class]
				if !found || sum.IsZero() {
					continue
				}
				cr := ratesFor(class)
				for id, v := range taxOn(total.Mul(cost).DivRound(sum, 12), cr) {
					t[id] = t[id].Add(v)
				}
				rs = append(rs, cr...)
			}
		default:
			rs = ratesFor(l.Str("tax_class"))
			t = taxOn(total, rs)
			classes[l.Str("tax_class")] = classes[l.Str("tax_class")].Add(total)
		}
		note(rs)
		remember(rs)
		s.setTaxes(l, rs, t, nil)
		add(cart, t)
	}
	s.writeTaxLines(o, used, usedOrder, cart, shipTax)
	cartTax, shipTotal := sumOf(cart), sumOf(shipTax)
	o.Set("discount_total", s.money(subtotal.Sub(goods)))
	o.Set("discount_tax", s.money(subTax.Sub(totTax)))
	o.Set("shipping_total", s.money(shipping))
	o.Set("shipping_tax", s.money(shipTotal))
	o.Set("cart_tax", s.money(cartTax))
	o.Set("total_tax", s.money(cartTax.Add(shipTotal)))
	o.Set("total", s.money(goods.Add(fees).Add(shipping).Add(cartTax).Add(shipTotal)))
}

func sumOf(m map[int]decimal.Decimal) decimal.Decimal {
	t := decimal.Zero
	for _, v := range m {
		t = t.Add(v)
	}
	return t
}

func (s *Sim) writeTaxLines(o *Obj, used map[int]*Obj, order []int, cart, ship map[int]decimal.Decimal) {
	lines := []any{}
	have := map[int]bool{}
	write := func(l *Obj, id int) {
		l.Set("tax_total", s.money(cart[id]))
		l.Set("shipping_tax_total", s.money(ship[id]))
		lines = append(lines, l)
		have[id] = true
	}
	for _, l := range o.objs("tax_lines") {
		if id := l.Int("rate_id"); used[id] != nil {
			write(l, id)
		}
	}
	for _, id := range order {
		if have[id] {
			continue
		}
		r := used[id]
		f, _ := dec(r.Str("rate")).Float64()
		write(object("id", s.nextID("item"), "rate_code", rateCode(r), "rate_id", id, "label", r.Str("name"), "compound", r.Bool("compound"),
			"tax_total", s.money(decimal.Zero), "shipping_tax_total", s.money(decimal.Zero), "rate_percent", phpNumber(f), "meta_data", []any{}), id)
	}
	o.Set("tax_lines", lines)
}

// lineTaxable tells whether the line's product takes tax; a line without a
// product does.
func (s *Sim) lineTaxable(l *Obj) bool {
	p := s.lineProduct(l)
	return p == nil || p.Str("tax_status") == "taxable" || p.Str("tax_status") == ""
}

func (s *Sim) lineProduct(l *Obj) *Obj {
	if v := s.st.variations.get(l.Int("variation_id")); v != nil {
		return v
	}
	return s.st.products.get(l.Int("product_id"))
}

func (s *Sim) classSlugs() []string {
	var out []string
	for _, c := range s.st.taxClasses {
		if c.Str("slug") != "standard" {
			out = append(out, c.Str("slug"))
		}
	}
	return out
}

// shippingClassFor is the tax class of shipping: the one set, or the first of
// the shop's classes found among the goods.
func (s *Sim) shippingClassFor(seen []string) string {
	if c := s.st.setting("tax", "woocommerce_shipping_tax_class"); c != "inherit" {
		return c
	}
	for _, c := range append([]string{""}, s.classSlugs()...) {
		if slices.Contains(seen, c) {
			return c
		}
	}
	return ""
}
