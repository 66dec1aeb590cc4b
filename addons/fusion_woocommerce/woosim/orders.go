package woosim

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

var itemKinds = []string{"line_items", "tax_lines", "shipping_lines", "fee_lines", "coupon_lines"}

func orderListArgs() []arg {
	return listArgs(orderby("date", "id", "include", "title", "slug", "modified"),
		arg{name: "status", kind: "enums", dynEnum: func(q *rq) []string {
			return append([]string{"any", "trash", "auto-draft"}, q.s.st.orderStatuses()...)
		}},
		arg{name: "customer", kind: "int"}, arg{name: "product", kind: "int"}, arg{name: "dp", kind: "int"})
}

func (q *rq) listOrders() (*response, error) {
	p := q.params
	rows := slices.Clone(q.s.st.orders.rows)
	statuses := listOf(p.Get("status"))
	if len(statuses) == 0 {
		statuses = []string{"any"}
	}
	anyStatus := slices.Contains(statuses, "any")
	rows = keep(rows, func(o *Obj) bool {
		st := o.Str("status")
		if anyStatus {
			return st != "trash" && st != "auto-draft"
		}
		if !q.s.opt.HPOS && slices.Contains(statuses, "auto-draft") {
			return st != "trash"
		}
		return slices.Contains(statuses, st)
	})
	if p.Has("customer") {
		id := p.Int("customer")
		rows = keep(rows, func(o *Obj) bool { return o.Int("customer_id") == id })
	}
	if p.Has("product") {
		id := p.Int("product")
		rows = keep(rows, func(o *Obj) bool {
			return slices.ContainsFunc(o.objs("line_items"), func(l *Obj) bool { return l.Int("product_id") == id })
		})
	}
	if s := p.Str("search"); s != "" {
		rows = keep(rows, func(o *Obj) bool { return orderMatches(o, fold(s)) })
	}
	if p.Has("parent") {
		want := ints(p.Get("parent"))
		rows = keep(rows, func(o *Obj) bool { return slices.Contains(want, o.Int("parent_id")) })
	}
	rows = q.between(q.pick(rows))
	desc := q.desc(true)
	tie := byIDDesc
	if !desc {
		tie = byID
	}
	switch p.Str("orderby") {
	case "id":
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
	case "include":
		q.byInclude(rows)
	case "modified":
		if p.Int("page") > 1 {
			tie = q.unsettled()
		}
		order(rows, desc, func(o *Obj) string { return o.Str("date_modified_gmt") }, tie)
	case "title", "slug":
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
	default:
		order(rows, desc, func(o *Obj) string { return o.Str("date_created_gmt") }, tie)
	}
	link := q.linkQuery()
	var l []any
	for _, s := range statuses {
		l = append(l, s)
	}
	q.orderLinkDefaults(link, l)
	res, cut := q.paginate(rows, pageOptions{link: link, emptyBeyond: q.s.opt.HPOS})
	if len(cut) == 0 {
		link = q.linkQuery()
		link.del("status")
		link.Set("status", l)
		res, cut = q.paginate(rows, pageOptions{link: link, emptyBeyond: q.s.opt.HPOS})
	}
	out := []any{}
	for _, o := range cut {
		out = append(out, q.renderOrder(o))
	}
	res.body = out
	return res, nil
}

// orderLinkDefaults adds the parameters that preparing an order leaves in the
// request, and so in the paging links.
func (q *rq) orderLinkDefaults(link *Obj, statuses []any) {
	if statuses != nil {
		link.del("status")
		link.Set("status", statuses)
	}
	if !link.Has("dp") {
		link.Set("dp", itoa(int(q.s.places())))
	}
	if !link.Has("context") && statuses != nil {
		link.Set("context", "view")
	}
}

func orderMatches(o *Obj, s string) bool {
	if strings.Contains(o.Str("id"), s) {
		return true
	}
	for _, a := range []string{"billing", "shipping"} {
		adr := o.Obj(a)
		if adr == nil {
			continue
		}
		var all []string
		for i := range adr.keys {
			all = append(all, fold(text(adr.vals[i])))
		}
		if strings.Contains(strings.Join(all, " "), s) {
			return true
		}
	}
	for _, l := range o.objs("line_items") {
		if strings.Contains(fold(l.Str("name")), s) {
			return true
		}
	}
	return false
}

func (q *rq) order() (*Obj, error) {
	return q.findOrder(q.id, 404)
}

func (q *rq) findOrder(id, status int) (*Obj, error) {
	if o := q.s.st.orders.get(id); o != nil {
		return o, nil
	}
	return nil, fail(status, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
}

func (q *rq) getOrder() (*response, error) {
	o, err := q.order()
	if err != nil {
		return nil, err
	}
	return ok(q.renderOrder(o)), nil
}

var orderAmounts = []string{"discount_total", "discount_tax", "shipping_total", "shipping_tax", "cart_tax", "total", "total_tax"}
var itemAmounts = []string{"subtotal", "subtotal_tax", "total", "total_tax", "tax_total", "shipping_tax_total"}

// renderOrder shows an order, its amounts rounded to dp places.
func (q *rq) renderOrder(o *Obj) *Obj {
	c := o.clone()
	if q.s.opt.HPOS && q.params.Int("per_page") < 50 {
		// The database reads few orders' entries by key, many orders' by number.
		rows := c.objs("meta_data")
		order(rows, false, func(m *Obj) string { return strings.ToLower(m.Str("key")) }, nil)
		c.Set("meta_data", anyList(rows))
	}
	dp := q.s.places()
	if q.params.Has("dp") {
		dp = decimals(q.params.Int("dp"))
	} else if !hasExact(c) {
		return c
	}
	formatAmounts(c, orderAmounts, dp)
	formatItems(c, dp)
	for _, r := range c.objs("refunds") {
		r.Set("total", "-"+money(dec(r.Str("total")).Abs(), dp))
	}
	return c
}

// decimals keeps the places to show within reason.
func decimals(n int) int32 { return int32(min(max(n, 0), 12)) }

func hasExact(o *Obj) bool {
	for _, l := range o.objs("line_items") {
		if l.Has(hidden+"total") || l.Has(hidden+"subtotal") {
			return true
		}
	}
	return false
}

func formatItems(c *Obj, dp int32) {
	for _, kind := range itemKinds[:4] {
		for _, l := range c.objs(kind) {
			if kind == "line_items" {
				for _, k := range []string{"subtotal", "total"} {
					l.Set(k, exact(l, k).String())
				}
			}
			formatAmounts(l, itemAmounts, dp)
		}
	}
}

func formatAmounts(o *Obj, keys []string, dp int32) {
	for _, k := range keys {
		if o.Has(k) {
			o.Set(k, money(dec(o.Str(k)), dp))
		}
	}
}

// places is the number of decimals the shop shows money with, and computes
// orders in.
func (s *Sim) places() int32 {
	if v := s.st.setting("general", "woocommerce_price_num_decimals"); v != "" {
		return decimals(toInt(v))
	}
	return 2
}

func (s *Sim) money(d decimal.Decimal) string { return money(d, s.places()) }

func money(d decimal.Decimal, dp int32) string { return roundHalfUp(d, dp).StringFixed(dp) }

// roundHalfUp rounds away from zero at the half, as PHP's round does.
func roundHalfUp(d decimal.Decimal, dp int32) decimal.Decimal { return d.Round(dp) }

// exact is an item's stored amount with all its decimals. An order read from
// the API shows cents only; the rest is in the price, or in the tax.
func exact(l *Obj, key string) decimal.Decimal {
	if v, found := l.Get(hidden + key).(string); found {
		return dec(v)
	}
	shown := dec(l.Str(key))
	if qty := l.Int("quantity"); key == "total" && qty != 0 {
		d := dec(string(numberText(l.Get("price")))).Mul(decimal.NewFromInt(int64(qty))).Round(6)
		if d.Round(2).Equal(shown) {
			return d
		}
	}
	if key == "subtotal" {
		if exact(l, "total").Round(2).Equal(shown) && sameTaxes(l) {
			return exact(l, "total")
		}
		for _, t := range l.objs("taxes") {
			sub, tot := dec(t.Str("subtotal")), dec(t.Str("total"))
			if tot.IsZero() || sub.IsZero() {
				continue
			}
			d := exact(l, "total").Mul(sub).Div(tot).Round(4)
			if d.Round(2).Equal(shown) {
				return d
			}
		}
	}
	return shown
}

func sameTaxes(l *Obj) bool {
	for _, t := range l.objs("taxes") {
		if t.Str("subtotal") != t.Str("total") {
			return false
		}
	}
	return true
}

func numberText(v any) json.Number { return json.Number(text(v)) }

func (q *rq) listNotes() (*response, error) {
	if q.s.st.orders.get(toInt(q.vars["order"])) == nil {
		return nil, fail(404, "woocommerce_rest_shop_order_invalid_id", "Invalid order ID.")
	}
	out := []any{}
	rows := q.s.st.orderNotes(toInt(q.vars["order"]))
	order(rows, true, func(o *Obj) string { return o.Str("date_created_gmt") }, byID)
	for _, n := range rows {
		switch q.params.Str("type") {
		case "customer":
			if !n.Bool("customer_note") {
				continue
			}
		case "internal":
			if n.Bool("customer_note") {
				continue
			}
		}
		out = append(out, n.clone())
	}
	return ok(out), nil
}

func (q *rq) note() (*Obj, error) {
	for _, n := range q.s.st.orderNotes(toInt(q.vars["order"])) {
		if n.Int("id") == q.id {
			return n, nil
		}
	}
	if q.s.st.orders.get(toInt(q.vars["order"])) == nil {
		return nil, fail(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
	}
	return nil, fail(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
}

func (q *rq) getNote() (*response, error) {
	n, err := q.note()
	if err != nil {
		return nil, err
	}
	return ok(n.clone()), nil
}
