package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

const (
	maxGroups = 200 // groups of one level
	maxOpen   = 30  // opened groups of a page: each costs a statement or two
)

// grouped lays out groups, closed but for those the address opens.
func (l *listing) grouped(out *listView, by []string) error {
	if len(l.q.Open) > maxOpen {
		l.q.Open = l.q.Open[:maxOpen]
		out.Problems = append(out.Problems, fmt.Sprintf("At most %d groups are open at a time.", maxOpen))
	}
	n, err := l.level(out, by, l.domain, nil)
	out.Total = n
	return err
}

// level adds the groups of one level, and below them what is open. It returns
// the number of records.
func (l *listing) level(out *listView, by []string, d orm.Domain, path []string) (int, error) {
	groups, err := l.rs.ReadGroup(d, by[:1], l.aggs, orm.GroupOptions{Limit: maxGroups + 1})
	if err != nil {
		return 0, err
	}
	total := 0
	name, gran, _ := strings.Cut(by[0], ":")
	f := l.fields[name]
	for i, g := range groups {
		if i == maxGroups {
			out.Rows = append(out.Rows, &listRow{Note: fmt.Sprintf("More than %d groups: filter to see the others.", maxGroups), Level: len(path)})
			break
		}
		total += g.Count
		key := keyText(g.Keys[0])
		here := append(slices.Clone(path), key)
		id := strings.Join(escapeAll(here), "/")
		row := &listRow{Group: true, Count: g.Count, Level: len(path), Totals: l.totals(g.Values), Open: slices.Contains(l.q.Open, id)}
		row.Name = l.keyName(f.Field, gran, g.Keys[0])
		q := l.q
		if row.Open {
			q.Open = slices.DeleteFunc(slices.Clone(q.Open), func(o string) bool { return o == id || strings.HasPrefix(o, id+"/") })
		} else {
			q.Open = append(slices.Clone(q.Open), id)
		}
		row.Toggle = l.link(q)
		out.Rows = append(out.Rows, row)
		if !row.Open {
			continue
		}
		if len(by) > 1 {
			if _, err := l.level(out, by[1:], g.Domain, here); err != nil {
				return 0, err
			}
			continue
		}
		found, err := l.rs.Search(g.Domain, orm.SearchOptions{Limit: l.act.Limit, Order: l.order})
		if err != nil {
			return 0, err
		}
		l.pending = append(l.pending, pendingRows{at: len(out.Rows), ids: found.IDs, level: len(here)})
		if g.Count > found.Len() {
			out.Rows = append(out.Rows, &listRow{Level: len(here), Note: fmt.Sprintf("%d of %d are shown.", found.Len(), g.Count), More: l.narrow(f.Field, g.Keys[0], by[0])})
		}
	}
	return total, nil
}

// narrow is the list of one group alone, where a search can say so.
func (l *listing) narrow(f *orm.Field, key any, by string) string {
	q := l.q.clone()
	q.Groups = slices.DeleteFunc(q.Groups, func(g string) bool { return g == by })
	switch v := key.(type) {
	case nil:
		q.Custom = append(q.Custom, customTerm{f.Name, "unset", ""})
	case int64:
		if !f.Relational() {
			return ""
		}
		q.Texts = append(q.Texts, textTerm{f.Name, fmt.Sprintf("=%d", v)})
	case string:
		q.Custom = append(q.Custom, customTerm{f.Name, "=", v})
	case bool:
		q.Custom = append(q.Custom, customTerm{f.Name, "=", map[bool]string{true: "yes", false: "no"}[v]})
	default:
		return ""
	}
	return l.link(q)
}

func escapeAll(parts []string) []string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = url.PathEscape(p)
	}
	return out
}

// keyText names a group in an address.
func keyText(key any) string {
	switch v := key.(type) {
	case nil:
		return "-"
	case []string:
		return v[0]
	case string:
		return "~" + v
	}
	return fmt.Sprint(key)
}

// keyName is what a group is called; names of records follow when they have
// been loaded, see groupName.
func (l *listing) keyName(f *orm.Field, gran string, key any) string {
	switch v := key.(type) {
	case nil:
		return "None"
	case []string:
		return l.periodName(v[0], gran, f.Kind)
	case int64:
		if f.Relational() {
			l.names.add(f.Comodel, v)
			return fmt.Sprintf("\x00%s\x00%d", f.Comodel, v)
		}
	}
	return l.b.loc.text(f, key, 0)
}

func (l *listing) groupName(s string) string {
	rest, ok := strings.CutPrefix(s, "\x00")
	if !ok {
		return s
	}
	model, id, _ := strings.Cut(rest, "\x00")
	return l.names.of(model, toID(id))
}

func (l *listing) periodName(start, gran string, kind orm.Kind) string {
	d, err := orm.ParseDatetime(start)
	if err != nil {
		return start
	}
	t := d.Time()
	if kind == orm.DatetimeKind {
		t = t.In(l.b.loc.zone)
	}
	switch gran {
	case "hour":
		return t.Format(l.b.loc.date + " " + l.b.loc.clock)
	case "day":
		return t.Format(l.b.loc.date)
	case "week":
		y, w := t.ISOWeek()
		return fmt.Sprintf("W%d %d", w, y)
	case "quarter":
		return fmt.Sprintf("Q%d %d", (int(t.Month())-1)/3+1, t.Year())
	case "year":
		return fmt.Sprint(t.Year())
	}
	return monthYear(t)
}

func monthYear(t time.Time) string { return t.Format("January 2006") }

// bar lays out the search of the list.
func (l *listing) bar(facets []facet) *searchBar {
	s := l.search
	out := &searchBar{Action: "/web/" + l.at.path, In: l.at.params.Get(inParam), HasSet: len(facets) > 0}
	keep := l.q.clone()
	keep.Sort = l.q.Sort
	params := keep.values(l.at.params)
	if len(l.at.up) > 0 {
		params[upParam] = l.at.up
	}
	out.Hidden = hiddenOf(params)
	for _, f := range s.view.Fields {
		if s.known(f.Name) && s.allowed(f.Node) {
			out.Fields = append(out.Fields, choice{f.Name, s.fieldLabel(f)})
		}
	}
	for _, f := range facets {
		joiner := " or "
		out.Facets = append(out.Facets, facetView{Kind: f.Kind, Label: f.Label, Text: strings.Join(f.Values, joiner), Remove: l.link(f.Remove)})
	}
	empty := query{Page: 1, Set: true, Sort: l.q.Sort}
	out.Clear = l.link(empty)
	out.Post = l.link(l.q)
	for _, f := range l.favs {
		out.Favs = append(out.Favs, favLink{toggle{f.name, l.link(f.query()), l.q.Fav == f.id}, f.id, f.mine})
	}
	group := -1
	for _, f := range s.view.Filters {
		if !s.allowed(f.Node) || f.Node.Attr("invisible") == "1" || f.Node.Attr("invisible") == "True" {
			continue
		}
		name := f.Label
		if name == "" {
			name = f.Node.InnerText()
		}
		if name == "" {
			name = f.Name
		}
		switch {
		case f.GroupBy != "":
			out.Groups = append(out.Groups, l.toggleGroup(name, f.GroupBy))
		case f.Date != "":
			df := dateFilter{Label: name}
			for _, per := range periods() {
				df.Periods = append(df.Periods, l.toggleFilter(per.Label, f.Name+"~"+per.Value))
			}
			out.Dates = append(out.Dates, df)
		default:
			if f.Group != group {
				out.Filters = append(out.Filters, nil)
				group = f.Group
			}
			last := len(out.Filters) - 1
			out.Filters[last] = append(out.Filters[last], l.toggleFilter(name, f.Name))
		}
	}
	l.freeFields(out)
	return out
}

// freeFields are the fields one may group by or compare beyond what the view
// offers.
func (l *listing) freeFields(out *searchBar) {
	for _, name := range l.rs.Model.FieldNames() {
		f, ok := l.fields[name]
		if !ok || name == "id" || name == "parent_path" || f.Kind == orm.BinaryKind || f.Kind == orm.SecretKind || f.Kind == orm.JSONKind || f.Kind == orm.HTML {
			continue
		}
		if f.Stored && f.Kind != orm.One2many && f.Kind != orm.Text && !numericOnly(f.Field) {
			out.GroupBy = append(out.GroupBy, choice{name, f.Label})
		}
		if f.Searchable() && (f.Stored || f.X2many()) {
			out.Custom = append(out.Custom, customField{name, f.Label, string(f.Kind)})
		}
	}
	slices.SortFunc(out.GroupBy, func(a, b choice) int { return strings.Compare(a.Label, b.Label) })
	slices.SortFunc(out.Custom, func(a, b customField) int { return strings.Compare(a.Label, b.Label) })
}

func numericOnly(f *orm.Field) bool { return f.Kind == orm.Float || f.Kind == orm.Monetary }

func (l *listing) toggleFilter(label, name string) toggle {
	q := l.q.clone()
	q.Sort = l.q.Sort
	on := slices.Contains(q.Filters, name)
	if on {
		q.Filters = slices.DeleteFunc(q.Filters, func(x string) bool { return x == name })
	} else {
		q.Filters = append(q.Filters, name)
	}
	return toggle{label, l.link(q), on}
}

func (l *listing) toggleGroup(label, by string) toggle {
	q := l.q.clone()
	q.Sort = l.q.Sort
	on := slices.Contains(q.Groups, by)
	if on {
		q.Groups = slices.DeleteFunc(q.Groups, func(x string) bool { return x == by })
	} else {
		q.Groups = append(q.Groups, by)
	}
	return toggle{label, l.link(q), on}
}

// hiddenOf writes parameters as hidden inputs, in a fixed order.
func hiddenOf(q url.Values) []hidden {
	names := make([]string, 0, len(q))
	for k := range q {
		names = append(names, k)
	}
	slices.Sort(names)
	var out []hidden
	for _, k := range names {
		for _, v := range q[k] {
			out = append(out, hidden{k, v})
		}
	}
	return out
}
