package listing

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/search"
)

const (
	maxGroups = 200 // groups of one level
	maxOpen   = 30  // opened groups of a page: each costs a statement or two
)

// grouped lays out groups, closed but for those the address opens.
func (l *List) grouped(out *render.ListView, by []string) error {
	if len(l.Query.Open) > maxOpen {
		l.Query.Open = l.Query.Open[:maxOpen]
		out.Problems = append(out.Problems, fmt.Sprintf("At most %d groups are open at a time.", maxOpen))
	}
	n, err := l.level(out, by, l.domain, nil)
	out.Total = n
	return err
}

// level adds the groups of one level, and below them what is open. It returns
// the number of records.
func (l *List) level(out *render.ListView, by []string, d orm.Domain, path []string) (int, error) {
	groups, err := l.Records.ReadGroup(d, by[:1], l.aggs, orm.GroupOptions{Limit: maxGroups + 1})
	if err != nil {
		return 0, err
	}
	total := 0
	name, gran, _ := strings.Cut(by[0], ":")
	f := l.Fields[name]
	for i, g := range groups {
		if i == maxGroups {
			out.Rows = append(out.Rows, &render.ListRow{Note: fmt.Sprintf("More than %d groups: filter to see the others.", maxGroups), Level: len(path)})
			break
		}
		total += g.Count
		key := keyText(g.Keys[0])
		here := append(slices.Clone(path), key)
		id := strings.Join(escapeAll(here), "/")
		row := &render.ListRow{Group: true, Count: g.Count, Level: len(path), Totals: l.totals(g.Values), Open: slices.Contains(l.Query.Open, id)}
		row.Name = l.keyName(f.Field, gran, g.Keys[0])
		q := l.Query
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
		found, err := l.Records.Search(g.Domain, orm.SearchOptions{Limit: l.Action.Limit, Order: l.Order})
		if err != nil {
			return 0, err
		}
		l.pending = append(l.pending, pendingRows{at: len(out.Rows), ids: found.IDs, level: len(here)})
		if g.Count > found.Len() {
			out.Rows = append(out.Rows, &render.ListRow{Level: len(here), Note: fmt.Sprintf("%d of %d are shown.", found.Len(), g.Count), More: l.narrow(f.Field, g.Keys[0], by[0])})
		}
	}
	return total, nil
}

// narrow is the list of one group alone, where a search can say so.
func (l *List) narrow(f *orm.Field, key any, by string) string {
	q := l.Query.Clone()
	q.Groups = slices.DeleteFunc(q.Groups, func(g string) bool { return g == by })
	switch v := key.(type) {
	case nil:
		q.Custom = append(q.Custom, search.CustomTerm{Field: f.Name, Op: "unset", Value: ""})
	case int64:
		if !f.Relational() {
			return ""
		}
		q.Texts = append(q.Texts, search.TextTerm{Field: f.Name, Text: fmt.Sprintf("=%d", v)})
	case string:
		q.Custom = append(q.Custom, search.CustomTerm{Field: f.Name, Op: "=", Value: v})
	case bool:
		q.Custom = append(q.Custom, search.CustomTerm{Field: f.Name, Op: "=", Value: map[bool]string{true: "yes", false: "no"}[v]})
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
func (l *List) keyName(f *orm.Field, gran string, key any) string {
	switch v := key.(type) {
	case nil:
		return "None"
	case []string:
		return l.periodName(v[0], gran, f.Kind)
	case int64:
		if f.Relational() {
			l.Names.Add(f.Comodel, v)
			return fmt.Sprintf("\x00%s\x00%d", f.Comodel, v)
		}
	}
	return l.Builder.Locale.Text(f, key, 0)
}

func (l *List) groupName(s string) string {
	rest, ok := strings.CutPrefix(s, "\x00")
	if !ok {
		return s
	}
	model, id, _ := strings.Cut(rest, "\x00")
	return l.Names.Of(model, convert.ID(id))
}

func (l *List) periodName(start, gran string, kind orm.Kind) string {
	d, err := orm.ParseDatetime(start)
	if err != nil {
		return start
	}
	t := d.Time()
	if kind == orm.DatetimeKind {
		t = t.In(l.Builder.Locale.Zone)
	}
	switch gran {
	case "hour":
		return t.Format(l.Builder.Locale.DateLayout + " " + l.Builder.Locale.TimeLayout)
	case "day":
		return t.Format(l.Builder.Locale.DateLayout)
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
func (l *List) bar(facets []search.Facet) *render.SearchBar {
	s := l.Search
	out := &render.SearchBar{Action: "/web/" + l.at.Path, In: l.at.Params.Get(search.InParam), HasSet: len(facets) > 0}
	keep := l.Query.Clone()
	keep.Sort = l.Query.Sort
	params := keep.Values(l.at.Params)
	if len(l.at.Up) > 0 {
		params[address.UpParam] = l.at.Up
	}
	out.Hidden = render.HiddenInputs(params)
	for _, f := range s.View.Fields {
		if s.Known(f.Name) && s.Allowed(f.Node) {
			out.Fields = append(out.Fields, render.Choice{Value: f.Name, Label: s.FieldLabel(f)})
		}
	}
	for _, f := range facets {
		joiner := " or "
		out.Facets = append(out.Facets, render.FacetView{Kind: f.Kind, Label: f.Label, Text: strings.Join(f.Values, joiner), Remove: l.link(f.Remove)})
	}
	empty := search.Query{Page: 1, Set: true, Sort: l.Query.Sort}
	out.Clear = l.link(empty)
	out.Post = l.link(l.Query)
	for _, f := range l.favs {
		out.Favs = append(out.Favs, render.FavLink{Toggle: render.Toggle{Label: f.Name, URL: l.link(f.Query()), On: l.Query.Fav == f.Id}, ID: f.Id, Mine: f.Mine})
	}
	group := -1
	for _, f := range s.View.Filters {
		if !s.Allowed(f.Node) || f.Node.Attr("invisible") == "1" || f.Node.Attr("invisible") == "True" {
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
			df := render.DateFilter{Label: name}
			for _, per := range search.Periods() {
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
func (l *List) freeFields(out *render.SearchBar) {
	for _, name := range l.Records.Model.FieldNames() {
		f, ok := l.Fields[name]
		if !ok || name == "id" || name == "parent_path" || f.Kind == orm.BinaryKind || f.Kind == orm.SecretKind || f.Kind == orm.JSONKind || f.Kind == orm.HTML {
			continue
		}
		if f.Stored && f.Kind != orm.One2many && f.Kind != orm.Text && !numericOnly(f.Field) {
			out.GroupBy = append(out.GroupBy, render.Choice{Value: name, Label: f.Label})
		}
		if f.Searchable() && (f.Stored || f.X2many()) {
			out.Custom = append(out.Custom, render.CustomField{Field: name, Label: f.Label, Kind: string(f.Kind)})
		}
	}
	slices.SortFunc(out.GroupBy, func(a, b render.Choice) int { return strings.Compare(a.Label, b.Label) })
	slices.SortFunc(out.Custom, func(a, b render.CustomField) int { return strings.Compare(a.Label, b.Label) })
}

func numericOnly(f *orm.Field) bool { return f.Kind == orm.Float || f.Kind == orm.Monetary }

func (l *List) toggleFilter(label, name string) render.Toggle {
	q := l.Query.Clone()
	q.Sort = l.Query.Sort
	on := slices.Contains(q.Filters, name)
	if on {
		q.Filters = slices.DeleteFunc(q.Filters, func(x string) bool { return x == name })
	} else {
		q.Filters = append(q.Filters, name)
	}
	return render.Toggle{Label: label, URL: l.link(q), On: on}
}

func (l *List) toggleGroup(label, by string) render.Toggle {
	q := l.Query.Clone()
	q.Sort = l.Query.Sort
	on := slices.Contains(q.Groups, by)
	if on {
		q.Groups = slices.DeleteFunc(q.Groups, func(x string) bool { return x == by })
	} else {
		q.Groups = append(q.Groups, by)
	}
	return render.Toggle{Label: label, URL: l.link(q), On: on}
}
