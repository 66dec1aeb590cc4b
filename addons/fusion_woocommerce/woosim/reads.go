package woosim

import (
	"slices"
	"strings"
)

// invalidID answers for resources that WooCommerce keeps outside of posts.
func invalidID(status int) error {
	return fail(status, "woocommerce_rest_invalid_id", "Invalid resource ID.")
}

func (q *rq) page(rows []*Obj) (*response, error) {
	res, cut := q.paginate(rows, pageOptions{})
	out := []any{}
	for _, o := range cut {
		out = append(out, o.clone())
	}
	res.body = out
	return res, nil
}

// terms lists categories, tags or shipping classes.
func (q *rq) terms(rows []*Obj) (*response, error) {
	p := q.params
	rows, all := slices.Clone(rows), -1
	if truthy(p.Get("hide_empty")) {
		all = len(keep(rows, q.s.holdsProducts)) // the total leaves out parents that are shown for their children
		rows = keep(rows, func(o *Obj) bool { return o.Int("count") > 0 })
	}
	if s := fold(p.Str("search")); s != "" {
		rows = keep(rows, func(o *Obj) bool { return strings.Contains(fold(o.Str("name")+" "+o.Str("slug")), s) })
	}
	if s := p.Str("slug"); s != "" {
		rows = keep(rows, func(o *Obj) bool { return o.Str("slug") == s })
	}
	if p.Has("parent") {
		rows = keep(rows, func(o *Obj) bool { return o.Int("parent") == p.Int("parent") })
	}
	rows = q.pick(rows)
	desc := q.desc(false)
	switch p.Str("orderby") {
	case "id":
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
	case "count":
		order(rows, desc, func(o *Obj) int { return o.Int("count") }, byID)
	case "slug":
		order(rows, desc, func(o *Obj) string { return o.Str("slug") }, byID)
	default:
		order(rows, desc, func(o *Obj) string { return fold(o.Str("name")) }, byID)
	}
	res, err := q.page(rows)
	if per := max(1, q.params.Int("per_page")); err == nil && all >= 0 && q.params.Has("per_page") {
		res.headers = [][2]string{{"X-WP-Total", itoa(all)}, {"X-WP-TotalPages", itoa((all + per - 1) / per)}}
	}
	return res, err
}

// holdsProducts tells whether a term has products of its own; the count shown
// for a category takes in those of its children.
func (s *Sim) holdsProducts(term *Obj) bool {
	if !term.Has("display") {
		return term.Int("count") > 0
	}
	for _, p := range s.st.products.rows {
		if p.Str("status") != "publish" {
			continue
		}
		for _, c := range p.objs("categories") {
			if c.Int("id") == term.Int("id") {
				return true
			}
		}
	}
	return false
}

func (q *rq) term(t *table) (*response, error) {
	if o := t.get(q.id); o != nil {
		return ok(o.clone()), nil
	}
	return nil, fail(404, "woocommerce_rest_term_invalid", "Resource does not exist.")
}

var errTaxonomy = &apiError{code: "woocommerce_rest_taxonomy_invalid", message: "Resource does not exist.", status: 404, noAllow: true}

func (q *rq) listAttributes() (*response, error) {
	var rows []*Obj
	for _, a := range q.s.st.attributes {
		rows = append(rows, a.Obj("attribute").clone())
	}
	order(rows, false, func(o *Obj) string { return fold(o.Str("name")) }, byID)
	res := ok(anyList(rows))
	res.headers = [][2]string{{"X-WP-Total", itoa(len(rows))}, {"X-WP-TotalPages", "1"}}
	return res, nil
}

func (q *rq) getAttribute() (*response, error) {
	if a := q.s.st.attribute(q.id); a != nil {
		return ok(a.Obj("attribute").clone()), nil
	}
	return nil, errTaxonomy
}

func (q *rq) listTerms() (*response, error) {
	a := q.s.st.attribute(toInt(q.vars["attribute"]))
	if a == nil {
		return nil, errTaxonomy
	}
	return q.terms(a.objs("terms"))
}

func (q *rq) getTerm() (*response, error) {
	a := q.s.st.attribute(toInt(q.vars["attribute"]))
	if a == nil {
		return nil, errTaxonomy
	}
	return q.term(newTable(a.objs("terms")))
}

func (q *rq) listCoupons() (*response, error) {
	rows := keep(q.s.st.coupons.rows, func(o *Obj) bool { return o.Str("status") != "trash" })
	if c := q.params.Str("code"); c != "" {
		rows = keep(rows, func(o *Obj) bool { return sameCode(o.Str("code"), c) })
	}
	if s := fold(q.params.Str("search")); s != "" {
		rows = keep(rows, func(o *Obj) bool { return strings.Contains(fold(o.Str("code")+" "+o.Str("description")), s) })
	}
	rows = q.between(q.pick(rows))
	desc := q.desc(true)
	tie := byIDDesc
	if !desc {
		tie = byID
	}
	switch q.params.Str("orderby") {
	case "id":
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
	case "title", "slug":
		order(rows, desc, func(o *Obj) string { return fold(o.Str("code")) }, byID)
	case "include":
		q.byInclude(rows)
	default:
		order(rows, desc, func(o *Obj) string { return o.Str("date_created_gmt") }, tie)
	}
	return q.page(rows)
}

func (q *rq) coupon(status int) (*Obj, error) {
	if c := q.s.st.coupons.get(q.id); c != nil {
		return c, nil
	}
	return nil, fail(status, "woocommerce_rest_shop_coupon_invalid_id", "Invalid ID.")
}

func (q *rq) getCoupon() (*response, error) {
	c, err := q.coupon(404)
	if err != nil {
		return nil, err
	}
	return ok(c.clone()), nil
}

func (q *rq) listTaxes() (*response, error) {
	rows := slices.Clone(q.s.st.taxes.rows)
	if c := q.params.Str("class"); c != "" {
		rows = keep(rows, func(o *Obj) bool { return o.Str("class") == c })
	}
	desc := q.desc(false)
	switch q.params.Str("orderby") {
	case "id":
		order(rows, desc, func(o *Obj) int { return o.Int("id") }, nil)
	case "priority":
		order(rows, desc, func(o *Obj) int { return o.Int("priority") }, byID)
	default:
		order(rows, desc, func(o *Obj) int { return o.Int("order") }, byID)
	}
	return q.page(rows)
}

func (q *rq) getTax() (*response, error) {
	if o := q.s.st.taxes.get(q.id); o != nil {
		return ok(o.clone()), nil
	}
	return nil, invalidID(404)
}

func (q *rq) listTaxClasses() (*response, error) {
	return ok(anyList(cloneList(q.s.st.taxClasses))), nil
}

func (q *rq) getTaxClass() (*response, error) {
	for _, c := range q.s.st.taxClasses {
		if c.Str("slug") == q.vars["slug"] {
			return ok([]any{c.clone()}), nil
		}
	}
	return nil, fail(404, "woocommerce_rest_tax_class_invalid_slug", "Invalid slug.")
}

var settingGroups = [][4]string{
	{"wc_admin", "WooCommerce Admin", "Settings for WooCommerce admin reporting.", ""},
	{"general", "General", "", ""},
	{"products", "Products", "", ""},
	{"tax", "Tax", "", ""},
	{"shipping", "Shipping", "", ""},
	{"checkout", "Payments", "", ""},
	{"account", "Accounts &amp; Privacy", "", ""},
	{"email", "Emails", "", ""},
	{"integration", "Integration", "", ""},
	{"site-visibility", "Site visibility", "", ""},
	{"advanced", "Advanced", "", ""},
	{"email_new_order", "New order", "New order emails are sent to chosen recipient(s) when a new order is received.", "email"},
	{"email_cancelled_order", "Cancelled order", "Cancelled order emails are sent to chosen recipient(s) when orders have been marked cancelled (if they were previously processing or on-hold).", "email"},
	{"email_failed_order", "Failed order", "Failed order emails are sent to chosen recipient(s) when orders have been marked failed (if they were previously pending or on-hold).", "email"},
	{"email_customer_on_hold_order", "Order on-hold", "This is an order notification sent to customers containing order details after an order is placed on-hold from Pending, Cancelled or Failed order status.", "email"},
	{"email_customer_processing_order", "Processing order", "This is an order notification sent to customers containing order details after payment.", "email"},
	{"email_customer_completed_order", "Completed order", "Order complete emails are sent to customers when their orders are marked completed and usually indicate that their orders have been shipped.", "email"},
	{"email_customer_refunded_order", "Refunded order", "Order refunded emails are sent to customers when their orders are refunded.", "email"},
	{"email_customer_invoice", "Order details", "Order detail emails can be sent to customers containing their order information and payment links.", "email"},
	{"email_customer_note", "Customer note", "Customer note emails are sent when you add a note to an order.", "email"},
	{"email_customer_reset_password", "Reset password", "Customer \"reset password\" emails are sent when customers reset their passwords.", "email"},
	{"email_customer_new_account", "New account", "Customer \"new account\" emails are sent to the customer when a customer signs up via checkout or account pages.", "email"},
}

func (q *rq) listSettingGroups() (*response, error) {
	var out []any
	for _, g := range settingGroups {
		subs := []any{}
		for _, c := range settingGroups {
			if c[3] == g[0] {
				subs = append(subs, c[0])
			}
		}
		out = append(out, object("id", g[0], "label", g[1], "description", g[2], "parent_id", g[3], "sub_groups", subs,
			"_links", object("options", hrefs(q.s.st.origin+"/wp-json/wc/v3/settings/"+g[0]))))
	}
	return ok(out), nil
}

func (q *rq) settingGroup() ([]*Obj, error) {
	rows := q.s.st.settings[q.vars["group"]]
	if rows == nil {
		return nil, fail(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
	}
	return rows, nil
}

func (q *rq) listSettings() (*response, error) {
	rows, err := q.settingGroup()
	if err != nil {
		return nil, err
	}
	return ok(anyList(cloneList(rows))), nil
}

func (q *rq) setting() (*Obj, error) {
	rows, err := q.settingGroup()
	if err != nil {
		return nil, err
	}
	for _, o := range rows {
		if o.Str("id") == q.vars["setting"] {
			return o, nil
		}
	}
	return nil, fail(404, "rest_setting_setting_invalid", "Invalid setting.")
}

// settingView is one setting on its own: unlike in the list it names its group.
func (q *rq) settingView(o *Obj) *Obj {
	c := o.clone()
	links := c.Get("_links")
	c.del("_links")
	if !c.Has("group_id") {
		c.Set("group_id", q.vars["group"])
	}
	c.Set("_links", links)
	return c
}

func (q *rq) getSetting() (*response, error) {
	o, err := q.setting()
	if err != nil {
		return nil, err
	}
	return ok(q.settingView(o)), nil
}

var errZone = fail(404, "woocommerce_rest_shipping_zone_invalid", "Resource does not exist.")

func (q *rq) listZones() (*response, error) {
	var out []any
	for _, z := range q.s.st.zones {
		out = append(out, z.Obj("zone").clone())
	}
	return ok(append([]any{}, out...)), nil
}

func (q *rq) zone() *Obj {
	for _, z := range q.s.st.zones {
		if z.Obj("zone").Int("id") == q.id {
			return z
		}
	}
	return nil
}

func (q *rq) zonePart(part string) func(*rq) (*response, error) {
	return func(q *rq) (*response, error) {
		z := q.zone()
		if z == nil {
			return nil, errZone
		}
		return ok(clone(z.Get(part))), nil
	}
}

func (q *rq) listShippingMethods() (*response, error) {
	return ok([]any{
		object("id", "flat_rate", "title", "Flat rate", "description", "Lets you charge a fixed rate for shipping."),
		object("id", "free_shipping", "title", "Free shipping", "description", "Free shipping is a special method which can be triggered with coupons and minimum spends."),
		object("id", "local_pickup", "title", "Local pickup", "description", "Allow customers to pick up orders themselves. By default, when using local pickup store base taxes will apply regardless of customer address."),
		object("id", "pickup_location", "title", "Local pickup", "description", "Allow customers to choose a local pickup location during checkout."),
	}), nil
}

func (q *rq) listGateways() (*response, error) { return ok(anyList(cloneList(q.s.st.gateways))), nil }

func (q *rq) getGateway() (*response, error) {
	for _, g := range q.s.st.gateways {
		if g.Str("id") == q.vars["gateway"] {
			return ok(g.clone()), nil
		}
	}
	return nil, fail(404, "woocommerce_rest_payment_gateway_invalid", "Resource does not exist.")
}

func (q *rq) listCurrencies() (*response, error) {
	return ok(anyList(cloneList(q.s.st.currencies))), nil
}

func (q *rq) getCurrency() (*response, error) {
	code := strings.ToUpper(q.vars["code"])
	if code == "CURRENT" {
		code = q.s.st.setting("general", "woocommerce_currency")
	}
	for _, c := range q.s.st.currencies {
		if c.Str("code") == code {
			return ok(c.clone()), nil
		}
	}
	return nil, fail(404, "woocommerce_rest_data_invalid_currency", "There are no currencies matching these parameters.")
}

func (q *rq) getStatus() (*response, error) {
	return &response{status: 200, body: q.s.st.status.clone()}, nil
}

func (q *rq) orderTotals() (*response, error) {
	names := map[string]string{"pending": "Pending payment", "on-hold": "On hold", "checkout-draft": "Draft", "ready-pickup": "Ready for pick-up"}
	var out []any
	for _, st := range q.s.st.orderStatuses() {
		n := 0
		for _, o := range q.s.st.orders.rows {
			if o.Str("status") == st {
				n++
			}
		}
		name := names[st]
		if name == "" {
			name = title(strings.ReplaceAll(st, "-", " "))
		}
		out = append(out, object("slug", st, "name", name, "total", n))
	}
	return ok(out), nil
}

func (q *rq) productTotals() (*response, error) {
	var out []any
	for _, t := range [][2]string{{"external", "External/Affiliate product"}, {"grouped", "Grouped product"}, {"simple", "Simple product"}, {"variable", "Variable product"}} {
		n := 0
		for _, p := range q.s.st.products.rows {
			if p.Str("type") == t[0] && p.Str("status") == "publish" {
				n++
			}
		}
		out = append(out, object("slug", t[0], "name", t[1], "total", n))
	}
	return ok(out), nil
}

func (q *rq) customerTotals() (*response, error) {
	paying, all := 0, 0
	for _, c := range q.s.st.customers.rows {
		if r := c.Str("role"); r == "administrator" {
			continue
		}
		all++
		if c.Bool("is_paying_customer") && c.Str("role") != "shop_manager" {
			paying++
		}
	}
	return ok([]any{object("slug", "paying", "name", "Paying customer", "total", paying),
		object("slug", "non_paying", "name", "Non-paying customer", "total", all-paying)}), nil
}

func (q *rq) siteIndex() (*response, error) {
	_, offset := q.s.now().In(q.s.st.zone).Zone()
	var ns []any
	for _, n := range []string{"oembed/1.0", "wc/v3", "jetpack/v4", "wc-admin", "wc-analytics", "wc/store", "wc/store/v1", "wc/private", "wc/v1", "wc/v2", "wc-telemetry", "wccom-site/v3", "wp/v2", "wp-site-health/v1", "wp-block-editor/v1"} {
		ns = append(ns, n)
	}
	host := strings.TrimPrefix(strings.TrimPrefix(q.s.st.origin, "https"), "http")
	return &response{status: 200, body: object("name", q.s.opt.SiteName, "description", q.s.opt.Tagline, "url", "http"+host, "home", q.s.st.origin,
		"gmt_offset", offset/3600, "timezone_string", q.s.st.zone.String(), "namespaces", ns,
		"authentication", object("application-passwords", object("endpoints", object("authorization", q.s.st.origin+"/wp-admin/authorize-application.php"))))}, nil
}

func (q *rq) namespaceIndex() (*response, error) {
	return ok(object("namespace", "wc/v3", "routes", &Obj{}, "_links", object("up", hrefs(q.s.st.origin+"/wp-json/")))), nil
}
