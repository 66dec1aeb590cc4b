package woosim

import (
	"slices"
	"strings"
)

func customerListArgs() []arg {
	return listArgs(orderby("id", "include", "name", "registered_date"),
		arg{name: "email", kind: "email"},
		arg{name: "role", kind: "enum", dynEnum: func(q *rq) []string {
			out := []string{"all", "administrator", "editor", "author", "contributor", "subscriber", "customer", "shop_manager"}
			for _, c := range q.s.st.customers.rows {
				if r := c.Str("role"); r != "" && !slices.Contains(out, r) {
					out = append(out, r)
				}
			}
			return out
		}})
}

func (q *rq) listCustomers() (*response, error) {
	p := q.params
	rows := slices.Clone(q.s.st.customers.rows)
	role := p.Str("role")
	if role == "" {
		role = "customer"
	}
	if role != "all" {
		rows = keep(rows, func(o *Obj) bool { return o.Str("role") == role })
	}
	if e := p.Str("email"); e != "" {
		rows = keep(rows, func(o *Obj) bool { return strings.EqualFold(o.Str("email"), e) })
	}
	if s := fold(p.Str("search")); s != "" {
		rows = keep(rows, func(o *Obj) bool {
			return strings.Contains(fold(o.Str("username")+" "+o.Str("email")+" "+displayName(o)), s)
		})
	}
	rows = q.pick(rows)
	desc := q.desc(false)
	by := p.Str("orderby")
	if by == "include" && !p.Has("include") {
		by = ""
	}
	switch by {
	case "id":
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
	case "include":
		q.byInclude(rows)
	case "registered_date":
		order(rows, desc, func(o *Obj) string { return o.Str("date_created_gmt") }, byID)
	default:
		order(rows, desc, func(o *Obj) string { return fold(displayName(o)) }, byID)
	}
	res, cut := q.paginate(rows, pageOptions{})
	out := []any{}
	for _, o := range cut {
		out = append(out, o.clone())
	}
	res.body = out
	return res, nil
}

// displayName is what WordPress calls the user: accounts made by the shop have
// their login, those made in WordPress their names.
func displayName(o *Obj) string {
	n := strings.TrimSpace(o.Str("first_name") + " " + o.Str("last_name"))
	if o.Str("role") == "customer" || n == "" {
		return o.Str("username")
	}
	return n
}

func (q *rq) customer(status int) (*Obj, error) {
	if c := q.s.st.customers.get(q.id); c != nil {
		return c, nil
	}
	return nil, fail(status, "woocommerce_rest_invalid_id", "Invalid resource ID.")
}

func (q *rq) getCustomer() (*response, error) {
	c, err := q.customer(404)
	if err != nil {
		return nil, err
	}
	return ok(c.clone()), nil
}
