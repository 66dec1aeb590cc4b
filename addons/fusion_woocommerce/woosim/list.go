package woosim

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

func orderby(names ...string) arg { return arg{name: "orderby", kind: "enum", enum: names} }

// listArgs are the parameters every collection checks.
func listArgs(more ...arg) []arg {
	return append([]arg{
		{name: "context", kind: "enum", enum: []string{"view", "edit"}},
		{name: "page", kind: "int", min: 1},
		{name: "per_page", kind: "int", min: 1, max: 100},
		{name: "after", kind: "date"}, {name: "before", kind: "date"},
		{name: "modified_after", kind: "date"}, {name: "modified_before", kind: "date"},
		{name: "dates_are_gmt", kind: "bool"},
		{name: "exclude", kind: "ints"}, {name: "include", kind: "ints"},
		{name: "offset", kind: "int"},
		{name: "order", kind: "enum", enum: []string{"asc", "desc"}},
	}, more...)
}

func ints(v any) []int {
	var out []int
	for _, s := range listOf(v) {
		n, _ := strconv.Atoi(strings.TrimSpace(s))
		out = append(out, n)
	}
	return out
}

// pick keeps the rows that include and exclude let through.
func (q *rq) pick(rows []*Obj) []*Obj {
	if q.params.Has("include") {
		inc := ints(q.params.Get("include"))
		if len(inc) > 0 {
			rows = keep(rows, func(o *Obj) bool { return slices.Contains(inc, o.Int("id")) })
		}
	}
	if ex := ints(q.params.Get("exclude")); len(ex) > 0 {
		rows = keep(rows, func(o *Obj) bool { return !slices.Contains(ex, o.Int("id")) })
	}
	return rows
}

// between keeps the rows inside after/before and modified_after/modified_before,
// all exclusive and to the second.
func (q *rq) between(rows []*Obj) []*Obj {
	for _, b := range []struct {
		param, field string
		after        bool
	}{{"after", "date_created_gmt", true}, {"before", "date_created_gmt", false}, {"modified_after", "date_modified_gmt", true}, {"modified_before", "date_modified_gmt", false}} {
		if t, found := q.moment(b.param); found {
			border := t.UTC().Format(wpTime)
			rows = keep(rows, func(o *Obj) bool {
				v := o.Str(b.field)
				if !o.Has(b.field) {
					v, _ = o.Get(hidden + "modified").(string) // refunds do not show when they were changed
				}
				return v != "" && (b.after && v > border || !b.after && v < border)
			})
		}
	}
	return rows
}

func keep(rows []*Obj, f func(*Obj) bool) []*Obj {
	var out []*Obj
	for _, r := range rows {
		if f(r) {
			out = append(out, r)
		}
	}
	return out
}

// order sorts by a key function, then gives ties to tie.
func order[K cmp.Ordered](rows []*Obj, desc bool, key func(*Obj) K, tie func(a, b *Obj) int) {
	slices.SortStableFunc(rows, func(a, b *Obj) int {
		c := cmp.Compare(key(a), key(b))
		if desc {
			c = -c
		}
		if c == 0 && tie != nil {
			c = tie(a, b)
		}
		return c
	})
}

func byID(a, b *Obj) int { return cmp.Compare(a.Int("id"), b.Int("id")) }
func byIDDesc(a, b *Obj) int {
	return byID(b, a)
}

// unsettled orders rows that share a second differently from page to page, as
// the database does: a client that walks pages by such an order loses rows.
func (q *rq) unsettled() func(a, b *Obj) int {
	page := q.params.Str("page") + "/" + q.params.Str("per_page") + "/" + q.params.Str("offset")
	h := func(o *Obj) uint32 {
		f := fnv.New32a()
		_, _ = f.Write([]byte(page + ":" + o.Str("id")))
		return f.Sum32()
	}
	return func(a, b *Obj) int { return cmp.Compare(h(a), h(b)) }
}

func (q *rq) byInclude(rows []*Obj) {
	inc := ints(q.params.Get("include"))
	order(rows, false, func(o *Obj) int { return slices.Index(inc, o.Int("id")) }, nil)
}

func (q *rq) desc(def bool) bool {
	switch q.params.Str("order") {
	case "asc":
		return false
	case "desc":
		return true
	}
	return def
}

type pageOptions struct {
	link        *Obj // query of the links; nil is the request's
	emptyBeyond bool // totals are 0 past the last page (orders with HPOS)
}

// paginate cuts the page out and writes the paging headers.
func (q *rq) paginate(rows []*Obj, opt pageOptions) (*response, []*Obj) {
	per, page := 10, 1
	if q.params.Has("per_page") {
		per = max(1, q.params.Int("per_page"))
	}
	if q.params.Has("page") {
		page = max(1, q.params.Int("page"))
	}
	from := (page - 1) * per
	if q.params.Has("offset") {
		from = max(0, q.params.Int("offset"))
	}
	total := len(rows)
	var cut []*Obj
	if from < total {
		cut = rows[from:min(from+per, total)]
	} else if opt.emptyBeyond {
		total = 0
	}
	pages := (total + per - 1) / per
	res := &response{status: 200, headers: [][2]string{{"X-WP-Total", itoa(total)}, {"X-WP-TotalPages", itoa(pages)}}}
	link := opt.link
	if link == nil {
		link = q.linkQuery()
	}
	var links []string
	add := func(n int, rel string) {
		l := link.clone()
		l.Set("page", itoa(n))
		links = append(links, "<"+q.link(q.route)+"?"+buildQuery(l)+">; rel=\""+rel+"\"")
	}
	if page > 1 {
		add(min(page-1, pages), "prev")
	}
	if pages > page {
		add(page+1, "next")
	}
	res.links = strings.Join(links, ", ")
	return res, cut
}

// linkQuery is the query of paging links: as sent, with flags and lists in the
// form WordPress keeps them after checking.
func (q *rq) linkQuery() *Obj {
	out := &Obj{}
	for i, k := range q.query.keys {
		v := q.query.vals[i]
		switch k {
		case "dates_are_gmt", "hide_empty", "on_sale", "featured", "force":
			v = truthy(v)
		case "include", "exclude", "status", "parent", "category", "tag":
			if k != "status" || strings.HasSuffix(q.route, "/orders") {
				var l []any
				for _, s := range listOf(v) {
					l = append(l, s)
				}
				v = l
			}
		}
		out.Set(k, v)
	}
	return out
}

func parseGMT(s string) time.Time {
	t, _ := time.Parse(wpTime, s)
	return t
}
