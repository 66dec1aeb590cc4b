// Package search evaluates the search of a list: the state that stands in an address
// becomes a domain, and the facets that show it.
package search

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/locale"
	"fusionsoft.ca/fusion/framework/web/render"

	"github.com/shopspring/decimal"
)

// Parameters of a search, all repeated, so that every state of a list is a
// link.
const (
	filterParam = "f"      // name of a filter, or name~period for dates
	textParam   = "s"      // field:text
	groupParam  = "g"      // field or field:granularity
	customParam = "c"      // field:operator:value
	openParam   = "open"   // path of an opened group
	sortParam   = "sort"   // field, or field desc
	PageParam   = "p"      // page, from 1
	setParam    = "set"    // 1: the defaults of the action no longer count
	showParam   = "show"   // optional columns shown
	InParam     = "in"     // field of the search box
	queryParam  = "q"      // text of the search box
	SelectParam = "select" // all: the rows of the page are selected
	favParam    = "fav"    // a kept search
)

// Query is the state of a search.
type Query struct {
	Filters []string
	Texts   []TextTerm
	Groups  []string
	Custom  []CustomTerm
	Open    []string
	Sort    string
	Page    int
	Set     bool
	Show    []string
	ShowSet bool
	Fav     int64
}

// TextTerm is a text that is searched for in a field.
type TextTerm struct{ Field, Text string }

// CustomTerm is a condition that the user has built.
type CustomTerm struct{ Field, Op, Value string }

// ParseQuery reads a search from an address.
func ParseQuery(q url.Values) Query {
	cut := url.Values{}
	for k, list := range q {
		cut[k] = address.Few(list)
	}
	q = cut
	s := Query{Filters: q[filterParam], Groups: q[groupParam], Open: q[openParam], Sort: q.Get(sortParam), Page: 1,
		Set: q.Get(setParam) != "", ShowSet: q.Has(showParam), Fav: convert.ID(q.Get(favParam))}
	for _, v := range q[showParam] {
		if v != "" {
			s.Show = append(s.Show, v)
		}
	}
	for _, v := range q[textParam] {
		if field, text, ok := strings.Cut(v, ":"); ok && text != "" {
			s.Texts = append(s.Texts, TextTerm{field, text})
		}
	}
	if text := strings.TrimSpace(q.Get(queryParam)); text != "" {
		t := TextTerm{q.Get(InParam), text}
		if !slices.Contains(s.Texts, t) {
			s.Texts = append(s.Texts, t)
		}
	}
	for _, v := range q[customParam] {
		if parts := strings.SplitN(v, ":", 3); len(parts) == 3 {
			s.Custom = append(s.Custom, CustomTerm{parts[0], parts[1], parts[2]})
		}
	}
	if f := q.Get("cf"); f != "" {
		s.Custom = append(s.Custom, CustomTerm{f, q.Get("co"), q.Get("cv")})
	}
	if g := q.Get("addg"); g != "" && !slices.Contains(s.Groups, g) {
		s.Groups = append(s.Groups, g)
	}
	if n, err := strconv.Atoi(q.Get(PageParam)); err == nil && n > 1 {
		s.Page = n
	}
	return s
}

// Values writes a search into an address; what was set of the page's own
// parameters in keep stays.
func (s Query) Values(keep url.Values) url.Values {
	out := url.Values{}
	for _, k := range []string{address.MenuParam, address.NameParam, address.DomainParam, address.ContextParam, address.ModesParam, address.ViewsParam, address.LimitParam, address.DialogParam, address.SearchParam, address.ViewParam} {
		if v := keep[k]; len(v) > 0 {
			out[k] = v
		}
	}
	set := func(k string, v []string) {
		if len(v) > 0 {
			out[k] = v
		}
	}
	set(filterParam, s.Filters)
	set(groupParam, s.Groups)
	set(openParam, s.Open)
	if s.ShowSet {
		out[showParam] = s.Show
		if len(s.Show) == 0 {
			out[showParam] = []string{""}
		}
	}
	for _, t := range s.Texts {
		out.Add(textParam, t.Field+":"+t.Text)
	}
	for _, c := range s.Custom {
		out.Add(customParam, c.Field+":"+c.Op+":"+c.Value)
	}
	if s.Fav != 0 {
		out.Set(favParam, convert.FormatID(s.Fav))
	}
	if s.Sort != "" {
		out.Set(sortParam, s.Sort)
	}
	if s.Page > 1 {
		out.Set(PageParam, strconv.Itoa(s.Page))
	}
	if s.Set {
		out.Set(setParam, "1")
	}
	return out
}

// Clone is a copy for a link that changes something: it counts as set by the
// user, starts at the first page and opens no group.
func (s Query) Clone() Query {
	s.Filters, s.Groups, s.Texts, s.Custom = slices.Clone(s.Filters), slices.Clone(s.Groups), slices.Clone(s.Texts), slices.Clone(s.Custom)
	s.Open, s.Page, s.Set = nil, 1, true
	return s
}

// Searcher evaluates a search view for a query.
type Searcher struct {
	Model     *orm.Model
	View      *view.Search
	Locale    *locale.Locale
	Vars      map[string]any
	Now       time.Time // in the user's zone
	Exprs     *expr.Cache
	Allowed   func(n *view.Node) bool
	Known     func(field string) bool
	Name      func(model string, id int64) string
	Favourite func(id int64) *Favourite
}

// Facet is one part of the search as the search bar shows it.
type Facet struct {
	Label  string
	Values []string
	Kind   string // filter, text, group, custom
	Remove Query
}

// Periods are those that a filter on a date offers.
func Periods() []render.Choice {
	return []render.Choice{{Value: "today", Label: "Today"}, {Value: "this_week", Label: "This Week"}, {Value: "this_month", Label: "This Month"}, {Value: "last_month", Label: "Last Month"},
		{Value: "this_quarter", Label: "This Quarter"}, {Value: "last_quarter", Label: "Last Quarter"}, {Value: "this_year", Label: "This Year"}, {Value: "last_year", Label: "Last Year"}}
}

// period gives the first day of a period and the first one after it.
func period(name string, now time.Time) (from, to time.Time, ok bool) {
	y, m, d := now.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	month := time.Date(y, m, 1, 0, 0, 0, 0, now.Location())
	quarter := time.Date(y, (m-1)/3*3+1, 1, 0, 0, 0, 0, now.Location())
	year := time.Date(y, 1, 1, 0, 0, 0, 0, now.Location())
	switch name {
	case "today":
		return day, day.AddDate(0, 0, 1), true
	case "this_week":
		monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		return monday, monday.AddDate(0, 0, 7), true
	case "this_month":
		return month, month.AddDate(0, 1, 0), true
	case "last_month":
		return month.AddDate(0, -1, 0), month, true
	case "this_quarter":
		return quarter, quarter.AddDate(0, 3, 0), true
	case "last_quarter":
		return quarter.AddDate(0, -3, 0), quarter, true
	case "this_year":
		return year, year.AddDate(1, 0, 0), true
	case "last_year":
		return year.AddDate(-1, 0, 0), year, true
	}
	return from, to, false
}

// Defaults are the parts of a search an action's context asks for.
func (s *Searcher) Defaults(context map[string]any) Query {
	q := Query{Page: 1}
	for _, f := range s.View.Filters {
		if v := context["search_default_"+f.Name]; convert.Truthy(v) && f.Name != "" && s.Allowed(f.Node) {
			switch {
			case f.GroupBy != "":
				if !slices.Contains(q.Groups, f.GroupBy) {
					q.Groups = append(q.Groups, f.GroupBy)
				}
			case f.Date != "" && f.Domain == "":
				q.Filters = append(q.Filters, f.Name+"~this_month")
			default:
				q.Filters = append(q.Filters, f.Name)
			}
		}
	}
	for _, f := range s.View.Fields {
		v := context["search_default_"+f.Name]
		named := func(x view.Filter) bool { return x.Name == f.Name }
		if !convert.Truthy(v) || !s.Known(f.Name) || slices.ContainsFunc(s.View.Filters, named) {
			continue
		}
		text := fmt.Sprint(v)
		if list, ok := v.([]any); ok && len(list) > 0 {
			v, text = list[0], fmt.Sprint(list[0])
		}
		if fld := s.Model.Fields[f.Name]; fld.Relational() {
			if id, ok := v.(int64); ok {
				text = fmt.Sprintf("=%d", id)
			}
		}
		q.Texts = append(q.Texts, TextTerm{f.Name, text})
	}
	if g := convert.Text(context["group_by"]); g != "" {
		q.Groups = append(q.Groups, g)
	}
	q.Groups = append(q.Groups, convert.Texts(context["group_by"])...)
	return q
}

// Compile turns a query into a domain and into the facets that show it. What
// cannot be searched for is told in problems and left out.
func (s *Searcher) Compile(q Query) (d orm.Domain, facets []Facet, problems []string) {
	type bucket struct {
		domains []orm.Domain
		facet   Facet
	}
	var order []string
	buckets := map[string]*bucket{}
	put := func(key, label, kind, value string, dom orm.Domain, remove func(Query) Query) {
		b := buckets[key]
		if b == nil {
			b = &bucket{facet: Facet{Label: label, Kind: kind, Remove: q.Clone()}}
			buckets[key] = b
			order = append(order, key)
		}
		b.domains = append(b.domains, dom)
		b.facet.Values = append(b.facet.Values, value)
		b.facet.Remove = remove(b.facet.Remove)
	}
	if q.Fav != 0 && s.Favourite != nil {
		dom, label, err := s.kept(q.Fav)
		if err != nil {
			problems = append(problems, err.Error())
		} else {
			put("fav", "", "fav", label, dom, func(c Query) Query {
				c.Fav = 0
				return c
			})
		}
	}
	for _, f := range q.Filters {
		name, per, _ := strings.Cut(f, "~")
		fi := slices.IndexFunc(s.View.Filters, func(x view.Filter) bool { return x.Name == name })
		if fi < 0 || !s.Allowed(s.View.Filters[fi].Node) {
			problems = append(problems, fmt.Sprintf("There is no filter “%s” here.", convert.Shorten(name, 40)))
			continue
		}
		flt := s.View.Filters[fi]
		dom, label, err := s.filter(flt, per)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		put(fmt.Sprintf("filter%d", flt.Group), "", "filter", label, dom, func(c Query) Query {
			c.Filters = slices.DeleteFunc(c.Filters, func(x string) bool { return x == f })
			return c
		})
	}
	for _, t := range q.Texts {
		sf, ok := s.field(t.Field)
		if !ok {
			problems = append(problems, fmt.Sprintf("“%s” cannot be searched here.", convert.Shorten(t.Field, 40)))
			continue
		}
		dom, shown, err := s.text(sf, t.Text)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		put("text"+sf.Name, s.FieldLabel(sf), "text", shown, dom, func(c Query) Query {
			c.Texts = slices.DeleteFunc(c.Texts, func(x TextTerm) bool { return x == t })
			return c
		})
	}
	for i, c := range q.Custom {
		dom, label, err := s.custom(c)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		put(fmt.Sprintf("custom%d", i), "", "custom", label, dom, func(x Query) Query {
			x.Custom = slices.DeleteFunc(x.Custom, func(y CustomTerm) bool { return y == c })
			return x
		})
	}
	var all []orm.Domain
	for _, k := range order {
		all = append(all, orm.Or(buckets[k].domains...))
		facets = append(facets, buckets[k].facet)
	}
	for _, g := range q.Groups {
		name, _, _ := strings.Cut(g, ":")
		if head, _, _ := strings.Cut(name, "."); !s.Known(head) {
			continue // groupBys tells
		}
		remove := q.Clone()
		remove.Groups = slices.DeleteFunc(remove.Groups, func(x string) bool { return x == g })
		facets = append(facets, Facet{Label: "", Values: []string{s.groupLabel(g)}, Kind: "group", Remove: remove})
	}
	return orm.And(all...), facets, problems
}

// kept is the domain of a favourite.
func (s *Searcher) kept(id int64) (orm.Domain, string, error) {
	f := s.Favourite(id)
	if f == nil {
		return nil, "", orm.UserErrorf("This favourite does not exist any more.")
	}
	d, err := s.Exprs.Domain(f.Domain, s.Vars)
	if err != nil {
		return nil, "", orm.UserErrorf("The favourite “%s” cannot be evaluated: %v", f.Name, err)
	}
	return orm.Domain(d), f.Name, nil
}

func (s *Searcher) filter(f view.Filter, per string) (orm.Domain, string, error) {
	label := f.Label
	if label == "" {
		label = f.Name
	}
	if f.Date != "" && per != "" {
		from, to, ok := period(per, s.Now)
		if !ok {
			return nil, "", orm.UserErrorf("There is no period “%s”.", convert.Shorten(per, 40))
		}
		head, _, _ := strings.Cut(f.Date, ".")
		kind := orm.DateKind
		if fld := s.Model.Fields[head]; fld != nil && head == f.Date {
			kind = fld.Kind
		}
		i := slices.IndexFunc(Periods(), func(c render.Choice) bool { return c.Value == per })
		return span(f.Date, kind, from, to), label + ": " + Periods()[i].Label, nil
	}
	d, err := s.Exprs.Domain(f.Domain, s.Vars)
	if err != nil {
		return nil, "", orm.UserErrorf("The filter “%s” cannot be evaluated: %v", label, err)
	}
	return orm.Domain(d), label, nil
}

// span is the condition that a date lies in [from, to).
func span(field string, kind orm.Kind, from, to time.Time) orm.Domain {
	if kind == orm.DatetimeKind {
		return orm.And(orm.Leaf(field, ">=", orm.DatetimeOf(from).String()), orm.Leaf(field, "<", orm.DatetimeOf(to).String()))
	}
	return orm.And(orm.Leaf(field, ">=", orm.DateOf(from).String()), orm.Leaf(field, "<", orm.DateOf(to).String()))
}

// field finds a field of the search view; "" is the first one.
func (s *Searcher) field(name string) (view.SearchField, bool) {
	for _, f := range s.View.Fields {
		if (f.Name == name || name == "") && s.Known(f.Name) && s.Allowed(f.Node) {
			return f, true
		}
	}
	if name == "" || s.Known(name) && s.Model.Fields[name].Searchable() {
		if name == "" {
			name = "display_name"
		}
		return view.SearchField{Name: name}, true
	}
	return view.SearchField{}, false
}

// FieldLabel is what a field of the search is called.
func (s *Searcher) FieldLabel(f view.SearchField) string {
	if f.Label != "" {
		return f.Label
	}
	if fld := s.Model.Fields[f.Name]; fld != nil {
		return fld.Label
	}
	return f.Name
}

// text is the domain for a text typed for a field. For relations "=12" means
// the record with that id.
func (s *Searcher) text(sf view.SearchField, text string) (orm.Domain, string, error) {
	f := s.Model.Fields[sf.Name]
	label := s.FieldLabel(sf)
	if f.Relational() && strings.HasPrefix(text, "=") {
		if id := convert.ID(text[1:]); id != 0 {
			op := sf.Operator
			if op == "" {
				op = "="
				if f.X2many() {
					op = "in"
				}
			}
			var v any = id
			if op == "in" {
				v = []any{id}
			}
			return orm.Leaf(f.Name, op, v), s.Name(f.Comodel, id), nil
		}
	}
	if sf.FilterDomain != "" {
		vars := make(map[string]any, len(s.Vars)+2)
		for k, v := range s.Vars {
			vars[k] = v
		}
		vars["self"], vars["raw_value"] = text, text
		d, err := s.Exprs.Domain(sf.FilterDomain, vars)
		if err != nil {
			return nil, "", orm.UserErrorf("%s cannot be searched: %v", label, err)
		}
		return orm.Domain(d), text, nil
	}
	op := sf.Operator
	or := func(def string) string {
		if op == "" {
			return def
		}
		return op
	}
	switch f.Kind {
	case orm.Integer, orm.Float, orm.Monetary, orm.Many2oneRef:
		v, err := s.Locale.Parse(f, text)
		if err != nil {
			return nil, "", orm.UserErrorf("%s is not searched: %v", label, err)
		}
		if d, ok := v.(decimal.Decimal); ok {
			v = d.InexactFloat64()
		}
		return orm.Leaf(f.Name, or("="), v), text, nil
	case orm.Boolean:
		yes := slices.Contains([]string{"1", "yes", "y", "true", "on"}, strings.ToLower(strings.TrimSpace(text)))
		return orm.Leaf(f.Name, "=", yes), s.Locale.Text(f, yes, 0), nil
	case orm.Selection:
		var hits []any
		for _, o := range f.Options {
			if strings.Contains(strings.ToLower(o.Label), strings.ToLower(text)) || o.Value == text {
				hits = append(hits, o.Value)
			}
		}
		if hits == nil {
			return nil, "", orm.UserErrorf("%s has no value “%s”.", label, convert.Shorten(text, 40))
		}
		return orm.Leaf(f.Name, "in", hits), text, nil
	case orm.DateKind, orm.DatetimeKind:
		day, err := s.Locale.ParseDay(strings.TrimSpace(text))
		if err != nil {
			return nil, "", orm.UserErrorf("%s is not searched: %v", label, err)
		}
		y, m, d := day.Time().Date()
		from := time.Date(y, m, d, 0, 0, 0, 0, s.Now.Location())
		return span(f.Name, f.Kind, from, from.AddDate(0, 0, 1)), s.Locale.Day(day), nil
	}
	return orm.Leaf(f.Name, or("ilike"), text), text, nil
}

// customOps are the conditions people may build, by the kind of the field.
func customOps(f *orm.Field) []render.Choice {
	switch f.Kind {
	case orm.Boolean:
		return []render.Choice{{Value: "=", Label: "is"}}
	case orm.Integer, orm.Float, orm.Monetary, orm.DateKind, orm.DatetimeKind:
		return []render.Choice{{Value: "=", Label: "is"}, {Value: "!=", Label: "is not"}, {Value: ">", Label: "greater than"}, {Value: "<", Label: "less than"}, {Value: ">=", Label: "at least"}, {Value: "<=", Label: "at most"}, {Value: "set", Label: "is set"}, {Value: "unset", Label: "is not set"}}
	case orm.Selection:
		return []render.Choice{{Value: "=", Label: "is"}, {Value: "!=", Label: "is not"}, {Value: "set", Label: "is set"}, {Value: "unset", Label: "is not set"}}
	}
	return []render.Choice{{Value: "ilike", Label: "contains"}, {Value: "not ilike", Label: "does not contain"}, {Value: "=", Label: "is"}, {Value: "!=", Label: "is not"}, {Value: "set", Label: "is set"}, {Value: "unset", Label: "is not set"}}
}

func (s *Searcher) custom(c CustomTerm) (orm.Domain, string, error) {
	if !s.Known(c.Field) || !s.Model.Fields[c.Field].Searchable() {
		return nil, "", orm.UserErrorf("“%s” cannot be searched here.", convert.Shorten(c.Field, 40))
	}
	f := s.Model.Fields[c.Field]
	all := []render.Choice{{Value: "ilike", Label: "contains"}, {Value: "not ilike", Label: "does not contain"}, {Value: "=", Label: "is"}, {Value: "!=", Label: "is not"}, {Value: ">", Label: "greater than"}, {Value: "<", Label: "less than"},
		{Value: ">=", Label: "at least"}, {Value: "<=", Label: "at most"}, {Value: "set", Label: "is set"}, {Value: "unset", Label: "is not set"}}
	i := slices.IndexFunc(all, func(o render.Choice) bool { return o.Value == c.Op })
	if i < 0 {
		return nil, "", orm.UserErrorf("There is no condition “%s”.", convert.Shorten(c.Op, 20))
	}
	label := f.Label + " " + all[i].Label
	switch c.Op {
	case "set":
		return orm.Leaf(f.Name, "!=", false), label, nil
	case "unset":
		return orm.Leaf(f.Name, "=", false), label, nil
	}
	if !slices.ContainsFunc(customOps(f), func(o render.Choice) bool { return o.Value == c.Op }) {
		return nil, "", orm.UserErrorf("%s cannot be compared with “%s”.", f.Label, all[i].Label)
	}
	label += " “" + c.Value + "”"
	switch f.Kind {
	case orm.Selection, orm.Boolean:
		d, _, err := s.text(view.SearchField{Name: f.Name}, c.Value)
		if err == nil && c.Op == "!=" {
			d = orm.Not(d)
		}
		return d, label, err
	case orm.Integer, orm.Float, orm.Monetary, orm.DateKind, orm.DatetimeKind:
		v, err := s.Locale.Parse(f, c.Value)
		if err != nil {
			return nil, "", orm.UserErrorf("%s is not searched: %v", f.Label, err)
		}
		if d, ok := v.(decimal.Decimal); ok {
			v = d.InexactFloat64()
		}
		return orm.Leaf(f.Name, c.Op, v), label, nil
	}
	return orm.Leaf(f.Name, c.Op, c.Value), label, nil
}

// groupLabel is how a group-by is called: the filter's name if one offers it.
func (s *Searcher) groupLabel(g string) string {
	for _, f := range s.View.Filters {
		if f.GroupBy == g && f.Label != "" {
			return f.Label
		}
	}
	name, gran, _ := strings.Cut(g, ":")
	if f := s.Model.Fields[name]; f != nil {
		if gran != "" {
			return f.Label + ": " + strings.ToUpper(gran[:1]) + gran[1:]
		}
		return f.Label
	}
	return g
}

// Favourite is a search somebody kept.
type Favourite struct {
	Id        int64
	Name      string
	Domain    string
	Groups    []string
	Sort      string
	IsDefault bool
	Mine      bool
}

// Query is the search a favourite stands for.
func (f Favourite) Query() Query {
	return Query{Fav: f.Id, Groups: slices.Clone(f.Groups), Sort: f.Sort, Page: 1, Set: true}
}
