package woosim

import "slices"

// refundView is a refund as its order's route shows it: without parent_id.
func (q *rq) refundView(r *Obj, withParent bool) *Obj {
	c := r.clone()
	if !withParent {
		c.del("parent_id")
	}
	if q.params.Has("dp") {
		dp := decimals(q.params.Int("dp"))
		formatAmounts(c, []string{"amount"}, dp)
		formatItems(c, dp)
	}
	return c
}

func (q *rq) orderRefunds(order int) []*Obj {
	rows := keep(q.s.st.refunds.rows, func(o *Obj) bool { return o.Int("parent_id") == order })
	slices.SortStableFunc(rows, byIDDesc)
	return rows
}

func (q *rq) listRefunds() (*response, error) {
	rows := q.between(q.pick(q.orderRefunds(toInt(q.vars["order"]))))
	return q.refundPage(rows, false)
}

func (q *rq) listAllRefunds() (*response, error) {
	rows := slices.Clone(q.s.st.refunds.rows)
	for i, r := range rows {
		rows[i] = r.clone()
		rows[i].Set(hidden+"modified", r.Str("date_created_gmt"))
	}
	rows = q.between(q.pick(rows))
	desc := q.desc(true)
	tie := byIDDesc
	if !desc {
		tie = byID
	}
	if q.params.Str("orderby") == "id" {
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
		return q.refundPage(rows, true)
	}
	order(rows, desc, func(o *Obj) string { return o.Str("date_created_gmt") }, tie)
	return q.refundPage(rows, true)
}

func (q *rq) refundPage(rows []*Obj, all bool) (*response, error) {
	link := q.linkQuery()
	if len(rows) > 0 {
		q.orderLinkDefaults(link, nil)
	}
	res, cut := q.paginate(rows, pageOptions{link: link, emptyBeyond: q.s.opt.HPOS})
	out := []any{}
	for _, r := range cut {
		out = append(out, q.refundView(r, all))
	}
	res.body = out
	return res, nil
}

func (q *rq) refund() (*Obj, error) {
	r := q.s.st.refunds.get(q.id)
	if r == nil {
		return nil, fail(404, "woocommerce_rest_shop_order_refund_invalid_id", "Invalid ID.")
	}
	if r.Int("parent_id") != toInt(q.vars["order"]) {
		return nil, &apiError{code: "woocommerce_rest_invalid_order_refund_id", message: "Invalid order refund ID.", status: 500, data: num(404)}
	}
	return r, nil
}

func (q *rq) getRefund() (*response, error) {
	r, err := q.refund()
	if err != nil {
		return nil, err
	}
	return ok(q.refundView(r, false)), nil
}
