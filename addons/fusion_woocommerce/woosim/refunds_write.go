package woosim

import (
	"slices"

	"github.com/shopspring/decimal"
)

// refundError is how WooCommerce 9.2 reports refund trouble: status 500 and a
// bare number as data.
func refundError(code, message string, data int) error {
	return &apiError{code: code, message: message, status: 500, data: num(data)}
}

func (q *rq) createRefund() (*response, error) {
	o := q.s.st.orders.get(toInt(q.vars["order"]))
	if o == nil {
		return nil, refundError("woocommerce_rest_invalid_order_id", "Invalid order ID.", 404)
	}
	r, err := q.s.makeRefund(o, q.body, q.user.id)
	if err != nil {
		return nil, err
	}
	return &response{status: 201, body: q.refundView(r, false), location: `/wc/v3/orders/(?P<order_id>[\d]+)/refunds/` + r.Str("id"), single: true}, nil
}

func (s *Sim) refundedSoFar(o *Obj) decimal.Decimal {
	sum := decimal.Zero
	for _, r := range s.st.refunds.rows {
		if r.Int("parent_id") == o.Int("id") {
			sum = sum.Add(dec(r.Str("amount")))
		}
	}
	return sum
}

// makeRefund writes a refund of an order from the body of a request.
func (s *Sim) makeRefund(o, body *Obj, by int) (*Obj, error) {
	amount := dec(body.Str("amount"))
	if amount.IsNegative() {
		return nil, refundError("woocommerce_rest_invalid_order_refund", "Refund amount must be greater than zero.", 400)
	}
	if !body.Has("amount") {
		for _, l := range body.objs("line_items") {
			amount = amount.Add(dec(l.Str("refund_total")))
			for _, t := range l.objs("refund_tax") {
				amount = amount.Add(dec(t.Str("refund_total")))
			}
		}
	}
	if amount.GreaterThan(dec(o.Str("total")).Sub(s.refundedSoFar(o))) {
		return nil, refundError("woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.", 500)
	}
	apiRefund, restock := true, true
	if body.Has("api_refund") {
		apiRefund = truthy(body.Get("api_refund"))
	}
	if body.Has("api_restock") {
		restock = truthy(body.Get("api_restock"))
	}
	if apiRefund && !s.gatewayRefunds(o) {
		s.nextID("post")
		return nil, refundError("woocommerce_rest_cannot_create_order_refund", "The payment gateway for this order does not support automatic refunds.", 500)
	}
	r := s.newRefund(o, amount, body.Str("reason"), by, apiRefund)
	s.applyMeta(r, body.objs("meta_data"), "ordermeta", nil)
	type move struct {
		line *Obj
		qty  int
	}
	var back []move
	tax, ship := map[int]decimal.Decimal{}, map[int]decimal.Decimal{}
	var rates []int
	for _, in := range body.objs("line_items") {
		kind, l := findItem(o, in.Int("id"))
		if l == nil {
			continue
		}
		qty := in.Int("quantity")
		ref := s.refundItem(kind, l, in, qty)
		into := tax
		if kind == "shipping_lines" {
			into = ship
		}
		for _, t := range ref.objs("taxes") {
			id := t.Int("id")
			into[id] = into[id].Add(s.roundLine(dec(t.Str("total"))))
			if !slices.Contains(rates, id) {
				rates = append(rates, id)
			}
		}
		r.Set(kind, append(r.List(kind), ref))
		if kind == "line_items" && qty > 0 {
			back = append(back, move{l, qty})
		}
	}
	lines := []any{}
	for _, id := range rates {
		for _, t := range o.objs("tax_lines") {
			if t.Int("rate_id") == id {
				c := t.clone()
				c.Set("id", s.nextID("item"))
				c.Set("tax_total", s.money(tax[id]))
				c.Set("shipping_tax_total", s.money(ship[id]))
				lines = append(lines, c)
			}
		}
	}
	r.Set("tax_lines", lines)
	if restock {
		for _, m := range back {
			s.restockLine(o, m.line, m.qty)
		}
	}
	s.keepRefund(o, r)
	if !dec(o.Str("total")).GreaterThan(s.refundedSoFar(o)) && o.Str("status") != "refunded" {
		s.setStatus(o, "refunded")
	}
	s.stamp(o, "date_modified", s.now())
	s.finishOrder(o)
	s.queueEvent("order.updated", o.Int("id"))
	s.queueAction("woocommerce_order_refunded", o.Int("id"))
	return r, nil
}

func (s *Sim) gatewayRefunds(o *Obj) bool {
	for _, g := range s.st.gateways {
		if g.Str("id") == o.Str("payment_method") {
			return slices.Contains(g.List("method_supports"), any("refunds"))
		}
	}
	return false
}

func (s *Sim) newRefund(o *Obj, amount decimal.Decimal, reason string, by int, paid bool) *Obj {
	id, now := s.nextID("post"), s.now()
	base := s.st.origin + "/wp-json/wc/v3/orders/" + o.Str("id")
	return object("id", id, "parent_id", o.Int("id"), "date_created", s.local(now), "date_created_gmt", gmt(now), "amount", s.money(amount), "reason", reason,
		"refunded_by", by, "refunded_payment", paid, "meta_data", []any{}, "line_items", []any{}, "shipping_lines", []any{}, "tax_lines", []any{}, "fee_lines", []any{},
		"_links", object("self", hrefs(base+"/refunds/"+itoa(id)), "collection", hrefs(base+"/refunds"), "up", hrefs(base)))
}

// keepRefund stores a refund and lists it on its order, newest first.
func (s *Sim) keepRefund(o, r *Obj) {
	s.st.refunds.add(r)
	s.listRefundsOn(o)
}

func (s *Sim) listRefundsOn(o *Obj) {
	rows := keep(s.st.refunds.rows, func(r *Obj) bool { return r.Int("parent_id") == o.Int("id") })
	order(rows, true, func(r *Obj) string { return r.Str("date_created_gmt") }, byID)
	out := []any{}
	for _, r := range rows {
		out = append(out, object("id", r.Int("id"), "reason", r.Str("reason"), "total", "-"+r.Str("amount")))
	}
	o.Set("refunds", out)
}

func findItem(o *Obj, id int) (string, *Obj) {
	for _, kind := range []string{"line_items", "shipping_lines", "fee_lines"} {
		for _, l := range o.objs(kind) {
			if l.Int("id") == id {
				return kind, l
			}
		}
	}
	return "", nil
}

func (s *Sim) refundItem(kind string, l, in *Obj, qty int) *Obj {
	ref := l.clone()
	ref.Set("id", s.nextID("item"))
	for _, k := range []string{"total", "subtotal"} {
		ref.del(hidden + k)
	}
	total := dec(in.Str("refund_total")).Neg()
	taxes, sum := []any{}, decimal.Zero
	for _, t := range in.objs("refund_tax") {
		v := dec(t.Str("refund_total")).Neg()
		sum = sum.Add(s.roundLine(v))
		sub := v.String()
		if kind != "line_items" {
			sub = ""
		}
		taxes = append(taxes, object("id", t.Int("id"), "total", v.String(), "subtotal", sub))
	}
	ref.Set("total", s.money(total))
	ref.Set("total_tax", s.money(sum))
	ref.Set("taxes", taxes)
	m := object("id", s.nextID("itemmeta"), "key", "_refunded_item_id", "value", l.Str("id"))
	displayMeta(m)
	ref.Set("meta_data", []any{m})
	if kind == "line_items" {
		ref.Set("quantity", -qty)
		s.setAmount(ref, "total", total)
		s.setAmount(ref, "subtotal", total)
		ref.Set("subtotal_tax", s.money(sum))
		ref.Set("price", s.priceOf(ref))
	}
	return ref
}

// restockLine puts refunded pieces back on the shelf.
func (s *Sim) restockLine(o, l *Obj, qty int) {
	m, had := reducedBy(l)
	p := s.stockHolder(l)
	if m == nil || p == nil {
		return
	}
	from, to := s.moveStock(p, qty)
	s.setReduced(l, had-qty) // goes below zero when more comes back than was sold
	done := 0
	for _, x := range l.objs("meta_data") {
		if x.Str("key") == "_restock_refunded_items" {
			done = x.Int("value")
		}
	}
	s.applyMeta(l, []*Obj{object("key", "_restock_refunded_items", "value", itoa(done+qty))}, "itemmeta", displayMeta)
	s.addNote(o.Int("id"), "Item #"+p.Str("id")+" stock increased from "+itoa(from)+" to "+itoa(to)+".", false, "WooCommerce")
}

// refundRest is the refund WooCommerce writes by itself when an order's status
// is set to refunded: of the rest, without lines and without restocking.
func (s *Sim) refundRest(o *Obj) {
	rest := dec(o.Str("total")).Sub(s.refundedSoFar(o))
	if !rest.IsPositive() {
		return
	}
	s.keepRefund(o, s.newRefund(o, rest, "Order fully refunded.", 1, false))
	s.queueAction("woocommerce_order_refunded", o.Int("id"))
}

func (q *rq) deleteRefund() (*response, error) {
	r, err := q.refund()
	if err != nil {
		return nil, err
	}
	before := q.refundView(r, false)
	q.s.st.refunds.remove(q.id)
	if o := q.s.st.orders.get(r.Int("parent_id")); o != nil {
		q.s.listRefundsOn(o)
	}
	return ok(before), nil
}
