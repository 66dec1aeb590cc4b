// Package listing finds, groups and lays out the records of an action as a list or as
// cards, with their search, and stores lists that are typed in as a whole.
package listing

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/action"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/search"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

// List is a list being made.
type List struct {
	*viewdata.Reader
	at      address.Address
	Action  *action.Action
	Records orm.Records
	View    *view.View
	Search  *search.Searcher
	Query   search.Query
	domain  orm.Domain // of the action and the search
	Builder *render.Builder
	nodes   []*view.Node // shown columns
	Fields  map[string]render.Field
	aggs    []string
	Order   string
	pending []pendingRows
	favs    []search.Favourite
	// optional are the columns one may show or hide.
	optional []render.Option
}

// pendingRows are rows found, to be read all at once.
type pendingRows struct {
	at    int
	ids   []int64
	level int
}

// New prepares the list of an action: its views, what is searched for,
// and which columns are shown.
func New(rd *viewdata.Reader, at address.Address, act *action.Action, kind string) (*List, error) {
	l := &List{Reader: rd, at: at, Action: act, Query: search.ParseQuery(at.Params)}
	var err error
	if l.Records, err = rd.Env().Lookup(act.Model); err != nil {
		return nil, err
	}
	if l.View, err = rd.View(act.Model, kind, act.Views[kind]); err != nil {
		return nil, err
	}
	if l.Fields, err = rd.Fields(act.Model); err != nil {
		return nil, err
	}
	if l.Builder, err = rd.Builder(); err != nil {
		return nil, err
	}
	if l.Search, err = l.searcher(); err != nil {
		return nil, err
	}
	if l.favs, err = l.favourites(); err != nil {
		return nil, err
	}
	l.Search.Favourite = l.favourite
	if i := slices.IndexFunc(l.favs, func(f search.Favourite) bool { return f.IsDefault }); i >= 0 && !l.Query.Set && l.Query.Fav == 0 {
		l.Query = l.favs[i].Query()
	}
	if !l.Query.Set {
		d := l.Search.Defaults(rd.Env().Keys())
		l.Query.Filters = append(d.Filters, l.Query.Filters...)
		l.Query.Groups = append(d.Groups, l.Query.Groups...)
		l.Query.Texts = append(d.Texts, l.Query.Texts...)
		l.Query.Set = len(d.Filters)+len(d.Groups)+len(d.Texts) > 0
	}
	l.wantFacetNames()
	return l, rd.Names.Load()
}

func (l *List) wantFacetNames() {
	for _, t := range l.Query.Texts {
		if f := l.Records.Model.Fields[t.Field]; f != nil && f.Relational() && strings.HasPrefix(t.Text, "=") {
			l.Names.Ask(f.Comodel, convert.ID(t.Text[1:]))
		}
	}
}

// searcher is the search of the list's action.
func (l *List) searcher() (*search.Searcher, error) {
	v, err := l.Reader.View(l.Action.Model, "search", l.Action.SearchView)
	if err != nil {
		return nil, err
	}
	loc, err := l.Locale()
	if err != nil {
		return nil, err
	}
	return &search.Searcher{Model: l.Records.Model, View: v.Search(), Locale: loc, Vars: l.Vars(), Now: l.Env().Now().In(l.Env().Location()), Exprs: l.Exprs,
		Allowed: l.Allowed, Known: func(f string) bool { _, ok := l.Fields[f]; return ok }, Name: l.Names.Of}, nil
}

// columns decides which columns are shown, and their totals.
func (l *List) columns(out *render.ListView) {
	for _, n := range l.View.Root.Elements("field") {
		f, ok := l.Fields[n.Name()]
		if !ok || n.Attr("widget") == "handle" || l.Builder.ColumnHidden(n, nil) {
			continue
		}
		if opt := n.Attr("optional"); opt != "" {
			on := opt == "show"
			if l.Query.ShowSet {
				on = slices.Contains(l.Query.Show, f.Name)
			}
			l.optional = append(l.optional, render.Option{Value: f.Name, Label: render.Label(n, f), Selected: on})
			if !on {
				continue
			}
		}
		l.nodes = append(l.nodes, n)
		out.Columns = append(out.Columns, l.column(n, f))
		for _, fn := range []string{"sum", "avg"} {
			if n.Attr(fn) != "" && render.Numeric(f.Field) && f.Stored {
				l.aggs = append(l.aggs, f.Name+":"+fn)
				if cur := l.Records.Model.Fields[f.Currency]; f.Kind == orm.Monetary && cur != nil && cur.Stored {
					l.aggs = append(l.aggs, f.Currency+":count_distinct", f.Currency+":max")
				}
				break
			}
		}
	}
	l.aggs = slices.Compact(l.aggs)
}

func (l *List) column(n *view.Node, f render.Field) *render.Column {
	c := &render.Column{Field: f.Name, Label: render.Label(n, f), Help: f.Help, Number: render.Numeric(f.Field) && n.Attr("widget") != "progressbar"}
	if f.Stored && !f.X2many() && f.Kind != orm.BinaryKind && f.Kind != orm.JSONKind && f.Kind != orm.SecretKind || len(f.Related) > 0 && !f.X2many() {
		by, desc, _ := strings.Cut(l.Query.Sort, " ")
		to := f.Name
		if by == f.Name {
			c.Sorted = "ascending"
			if desc == "desc" {
				c.Sorted = "descending"
			} else {
				to += " desc"
			}
		}
		q := l.Query
		q.Sort, q.Page = to, 1
		c.Sort = l.link(q)
	}
	return c
}

// link is the address of the list with another query.
func (l *List) link(q search.Query) string {
	pl := address.Address{Path: l.at.Path, Params: q.Values(l.at.Params), Up: l.at.Up}
	return pl.URL()
}

// Sorted is the order the list is in.
func (l *List) Sorted() error {
	l.Order = l.View.Root.Attr("default_order")
	if l.Query.Sort == "" {
		return nil
	}
	field, dir, _ := strings.Cut(l.Query.Sort, " ")
	if _, ok := l.Fields[field]; !ok || dir != "" && dir != "desc" && dir != "asc" {
		return orm.UserErrorf("The list cannot be sorted by “%s”.", convert.Shorten(l.Query.Sort, 40))
	}
	l.Order = strings.TrimSpace(field + " " + dir)
	return nil
}

// Find compiles what is searched for.
func (l *List) Find(out *render.ListView) {
	d, facets, problems := l.Search.Compile(l.Query)
	l.domain = orm.And(l.Action.Domain, d)
	out.Problems = append(out.Problems, problems...)
	out.Search = l.bar(facets)
	out.Search.Columns = l.optional
}

// Build reads and lays out the list.
func (l *List) Build() (*render.ListView, error) {
	out := &render.ListView{}
	l.columns(out)
	if err := l.Sorted(); err != nil {
		return nil, err
	}
	l.Find(out)
	groups := l.groupBys(out)
	out.Grouped = len(groups) > 0
	if out.Grouped {
		if err := l.grouped(out, groups); err != nil {
			return nil, err
		}
	} else if err := l.flat(out); err != nil {
		return nil, err
	}
	return out, l.fill(out)
}

// groupBys are the group-bys of the query that the model allows.
func (l *List) groupBys(out *render.ListView) []string {
	var ok []string
	for _, g := range l.Query.Groups {
		name, _, _ := strings.Cut(g, ":")
		f, known := l.Fields[name]
		if !known || f.Kind == orm.One2many || !f.Stored && len(f.Related) == 0 {
			out.Problems = append(out.Problems, fmt.Sprintf("The list cannot be grouped by “%s”.", convert.Shorten(g, 40)))
			continue
		}
		ok = append(ok, g)
	}
	return ok
}

func (l *List) flat(out *render.ListView) error {
	o := orm.SearchOptions{Limit: l.Action.Limit, Offset: (l.Query.Page - 1) * l.Action.Limit, Order: l.Order}
	found, err := l.Records.Search(l.domain, o)
	if err != nil {
		return err
	}
	out.Total = o.Offset + found.Len()
	if found.Len() == o.Limit || found.Len() == 0 && o.Offset > 0 {
		if out.Total, err = l.Records.SearchCount(l.domain, 0); err != nil {
			return err
		}
	}
	if found.Len() == 0 && out.Total > 0 { // past the end: the last page
		l.Query.Page = (out.Total + l.Action.Limit - 1) / l.Action.Limit
		if found, err = l.Records.Search(l.domain, orm.SearchOptions{Limit: l.Action.Limit, Offset: (l.Query.Page - 1) * l.Action.Limit, Order: l.Order}); err != nil {
			return err
		}
	}
	l.pending = append(l.pending, pendingRows{ids: found.IDs})
	out.Pager = l.pager(out.Total, found.Len())
	if len(l.aggs) > 0 && out.Total > 0 {
		groups, err := l.Records.ReadGroup(l.domain, nil, l.aggs, orm.GroupOptions{})
		if err != nil {
			return err
		}
		if len(groups) == 1 {
			for i, t := range l.totals(groups[0].Values) {
				out.Columns[i].Total, out.Totals = t, out.Totals || t != ""
				out.Columns[i].TotalT = l.nodes[i].Attr("sum") + l.nodes[i].Attr("avg")
			}
		}
	}
	return nil
}

func (l *List) pager(total, n int) *render.Pager {
	if total == 0 {
		return nil
	}
	pg := &render.Pager{From: (l.Query.Page-1)*l.Action.Limit + 1, Total: total}
	pg.To = pg.From + n - 1
	q := l.Query
	if l.Query.Page > 1 {
		q.Page = l.Query.Page - 1
		pg.Prev = l.link(q)
	}
	if pg.To < total {
		q.Page = l.Query.Page + 1
		pg.Next = l.link(q)
	}
	return pg
}

// totals are the aggregates of a group, by column.
func (l *List) totals(vals map[string]any) []string {
	out := make([]string, len(l.nodes))
	for i, n := range l.nodes {
		f := l.Fields[n.Name()]
		for _, fn := range []string{"sum", "avg"} {
			v, ok := vals[f.Name+":"+fn]
			if !ok {
				continue
			}
			currency := int64(0)
			if convert.ID(vals[f.Currency+":count_distinct"]) == 1 {
				currency = convert.ID(vals[f.Currency+":max"])
			}
			out[i] = l.Builder.Locale.Text(f.Field, v, currency)
		}
	}
	return out
}

// fill reads all rows found in one go and puts them into their places.
func (l *List) fill(out *render.ListView) error {
	var ids []int64
	for _, p := range l.pending {
		ids = append(ids, p.ids...)
	}
	recs, err := l.Read(l.Records.Browse(ids...), l.View, "display_name")
	if err != nil {
		return err
	}
	if err := l.Names.Load(); err != nil {
		return err
	}
	made := 0
	var rows []*render.ListRow
	next := 0
	put := func(at int) {
		for next < len(l.pending) && l.pending[next].at == at {
			for k := range l.pending[next].ids {
				rows = append(rows, l.row(recs[made], l.pending[next].level, k))
				made++
			}
			next++
		}
	}
	for i, r := range out.Rows {
		put(i)
		rows = append(rows, r)
	}
	put(len(out.Rows))
	for _, r := range rows {
		if r.Group {
			r.Name = l.groupName(r.Name)
		}
	}
	out.Rows = rows
	out.Buttons = slices.ContainsFunc(rows, func(r *render.ListRow) bool { return len(r.Buttons) > 0 })
	out.Selected = l.at.Params.Get(search.SelectParam) == "all"
	return nil
}

// row lays out one record.
func (l *List) row(r *render.Record, level, at int) *render.ListRow {
	vars := r.Scope(l.Builder.Vars, nil)
	out := &render.ListRow{ID: r.ID, Name: convert.Text(r.Values["display_name"]), Level: level, Tone: l.Builder.Tone(l.View.Root, vars)}
	params := url.Values{}
	if len(l.Query.Groups) == 0 {
		params.Set(address.ResParam, fmt.Sprint((l.Query.Page-1)*l.Action.Limit+at+1))
	}
	out.URL = l.RecordAddress(fmt.Sprint(r.ID), params).URL()
	out.Buttons = l.Builder.RowButtons(l.View.Root, vars, fmt.Sprintf("row:%d:", r.ID))
	for _, n := range l.nodes {
		if l.Builder.HiddenCell(n, vars) {
			out.Cells = append(out.Cells, nil)
			continue
		}
		out.Cells = append(out.Cells, l.Builder.Show(l.Fields[n.Name()], n, r, vars))
	}
	return out
}

// RecordAddress is the address of a record of the list, or of a new one.
func (l *List) RecordAddress(id string, params url.Values) address.Address {
	path := strings.TrimSuffix(l.at.Path, "/")
	for _, k := range []string{address.ContextParam, address.ViewsParam, address.NameParam, address.ModesParam} {
		if v := l.at.Params.Get(k); v != "" {
			if params == nil {
				params = url.Values{}
			}
			params.Set(k, v)
		}
	}
	return l.at.Below(path+"/"+id, params)
}

// MaxSelected is how many records one bulk action takes.
const MaxSelected = 100000

// Selected are the records chosen: those ticked, or all that are found.
func (l *List) Selected(form url.Values) ([]int64, error) {
	if form.Get("all") != "" {
		d, _, _ := l.Search.Compile(l.Query)
		if err := l.Sorted(); err != nil {
			return nil, err
		}
		found, err := l.Records.Search(orm.And(l.Action.Domain, d), orm.SearchOptions{Limit: MaxSelected + 1, Order: l.Order})
		if err == nil && found.Len() > MaxSelected {
			return nil, orm.UserErrorf("More than %d records are selected; filter the list.", MaxSelected)
		}
		return found.IDs, err
	}
	var ids []int64
	seen := map[int64]bool{}
	for _, s := range form["id"] {
		if id := convert.ID(s); id > 0 && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}
