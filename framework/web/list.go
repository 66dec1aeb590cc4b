package web

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// listView is a list as the templates show it.
type listView struct {
	Search    *searchBar
	Columns   []*column
	Rows      []*listRow
	Grouped   bool
	Cards     []*cardColumn // a kanban in place of rows
	Kanban    bool
	Pager     *pager
	Total     int
	Create    string // address of a new record
	Edit      string // address of the list for typing
	Buttons   bool   // rows have buttons
	Help      template.HTML
	Post      string // where bulk actions go
	Actions   []choice
	Header    []*node
	SelectURL string // the same list with its rows selected
	Selected  bool
	Selecting bool
	Problems  []string
	Totals    bool
	Modes     []modeLink
	NotBuilt  string
	Hidden    []hidden
}

type modeLink struct {
	Kind, URL string
	Current   bool
}

type hidden struct{ Name, Value string }

// listRow is a record or a group of records.
type listRow struct {
	ID     int64
	URL    string
	Name   string
	Cells  []*cell
	Tone   string
	Level  int
	Group  bool
	Count  int
	Open   bool
	Toggle string
	Totals []string // of a group, by column
	Note   string   // in place of a record: what is left out
	More   string

	Buttons []rowButton
}

type pager struct {
	From, To, Total int
	Prev, Next      string
	Many            bool // Total is not known: there are more
}

// searchBar is the search of a list.
type searchBar struct {
	Action  string // address of the page itself
	Hidden  []hidden
	Fields  []choice
	In      string
	Facets  []facetView
	Filters [][]toggle
	Dates   []dateFilter
	Groups  []toggle
	GroupBy []choice // further fields to group by
	Custom  []customField
	Clear   string
	HasSet  bool
	Favs    []favLink
	Columns []option // those that can be shown or hidden
	Post    string
}

// favLink is a favourite as the search shows it.
type favLink struct {
	toggle
	ID   int64
	Mine bool
}

type facetView struct {
	Kind, Label, Text, Remove string
}

type toggle struct {
	Label string
	URL   string
	On    bool
}

type dateFilter struct {
	Label   string
	Periods []toggle
}

type customField struct {
	Field, Label string
	Kind         string
}

// listing is a list being made.
type listing struct {
	*actions
	at      place
	act     *action
	rs      orm.Records
	view    *view.View
	search  *searcher
	q       query
	domain  orm.Domain // of the action and the search
	b       *builder
	nodes   []*view.Node // shown columns
	fields  map[string]fieldInfo
	aggs    []string
	order   string
	pending []pendingRows
	favs    []favourite
	// optional are the columns one may show or hide.
	optional []option
}

// pendingRows are rows found, to be read all at once.
type pendingRows struct {
	at    int
	ids   []int64
	level int
}

// newListing prepares the list of an action: its views, what is searched for,
// and which columns are shown.
func newListing(as *actions, at place, act *action, kind string) (*listing, error) {
	l := &listing{actions: as, at: at, act: act, q: parseQuery(at.params)}
	var err error
	if l.rs, err = as.env.Lookup(act.Model); err != nil {
		return nil, err
	}
	if l.view, err = as.view(act.Model, kind, act.Views[kind]); err != nil {
		return nil, err
	}
	if l.fields, err = as.fieldsOf(act.Model); err != nil {
		return nil, err
	}
	if l.b, err = as.builder(); err != nil {
		return nil, err
	}
	if l.search, err = l.searcher(); err != nil {
		return nil, err
	}
	if l.favs, err = l.favourites(); err != nil {
		return nil, err
	}
	l.search.fav = l.favourite
	if i := slices.IndexFunc(l.favs, func(f favourite) bool { return f.isDefault }); i >= 0 && !l.q.Set && l.q.Fav == 0 {
		l.q = l.favs[i].query()
	}
	if !l.q.Set {
		d := l.search.defaults(as.env.Keys())
		l.q.Filters = append(d.Filters, l.q.Filters...)
		l.q.Groups = append(d.Groups, l.q.Groups...)
		l.q.Texts = append(d.Texts, l.q.Texts...)
		l.q.Set = len(d.Filters)+len(d.Groups)+len(d.Texts) > 0
	}
	l.wantFacetNames()
	return l, as.names.load()
}

func (l *listing) wantFacetNames() {
	for _, t := range l.q.Texts {
		if f := l.rs.Model.Fields[t.Field]; f != nil && f.Relational() && strings.HasPrefix(t.Text, "=") {
			l.names.ask(f.Comodel, toID(t.Text[1:]))
		}
	}
}

// searcher is the search of the list's action.
func (l *listing) searcher() (*searcher, error) {
	v, err := l.actions.view(l.act.Model, "search", l.act.SearchView)
	if err != nil {
		return nil, err
	}
	loc, err := l.locale()
	if err != nil {
		return nil, err
	}
	return &searcher{model: l.rs.Model, view: v.Search(), loc: loc, vars: l.vars(), now: l.env.Now().In(l.env.Location()), exprs: l.exprs,
		allowed: l.nodeAllowed, known: func(f string) bool { _, ok := l.fields[f]; return ok }, name: l.names.of}, nil
}

// recordURL is the address of any record, below the page.
func (p *page) recordURL(model string, id int64) string {
	if model == "ir.attachment" {
		return fmt.Sprintf("/web/content/%d", id)
	}
	return p.at.below(fmt.Sprintf("model/%s/%d", model, id), nil).URL()
}

// columns decides which columns are shown, and their totals.
func (l *listing) columns(out *listView) {
	for _, n := range l.view.Root.Elements("field") {
		f, ok := l.fields[n.Name()]
		if !ok || n.Attr("widget") == "handle" || l.b.columnHidden(n, nil) {
			continue
		}
		if opt := n.Attr("optional"); opt != "" {
			on := opt == "show"
			if l.q.ShowSet {
				on = slices.Contains(l.q.Show, f.Name)
			}
			l.optional = append(l.optional, option{Value: f.Name, Label: label(n, f), Selected: on})
			if !on {
				continue
			}
		}
		l.nodes = append(l.nodes, n)
		out.Columns = append(out.Columns, l.column(n, f))
		for _, fn := range []string{"sum", "avg"} {
			if n.Attr(fn) != "" && numeric(f.Field) && f.Stored {
				l.aggs = append(l.aggs, f.Name+":"+fn)
				if cur := l.rs.Model.Fields[f.Currency]; f.Kind == orm.Monetary && cur != nil && cur.Stored {
					l.aggs = append(l.aggs, f.Currency+":count_distinct", f.Currency+":max")
				}
				break
			}
		}
	}
	l.aggs = slices.Compact(l.aggs)
}

func (l *listing) column(n *view.Node, f fieldInfo) *column {
	c := &column{Field: f.Name, Label: label(n, f), Help: f.Help, Number: numeric(f.Field) && n.Attr("widget") != "progressbar"}
	if f.Stored && !f.X2many() && f.Kind != orm.BinaryKind && f.Kind != orm.JSONKind && f.Kind != orm.SecretKind || len(f.Related) > 0 && !f.X2many() {
		by, desc, _ := strings.Cut(l.q.Sort, " ")
		to := f.Name
		if by == f.Name {
			c.Sorted = "ascending"
			if desc == "desc" {
				c.Sorted = "descending"
			} else {
				to += " desc"
			}
		}
		q := l.q
		q.Sort, q.Page = to, 1
		c.Sort = l.link(q)
	}
	return c
}

// link is the address of the list with another query.
func (l *listing) link(q query) string {
	pl := place{path: l.at.path, params: q.values(l.at.params), up: l.at.up}
	return pl.URL()
}

// sorted is the order the list is in.
func (l *listing) sorted() error {
	l.order = l.view.Root.Attr("default_order")
	if l.q.Sort == "" {
		return nil
	}
	field, dir, _ := strings.Cut(l.q.Sort, " ")
	if _, ok := l.fields[field]; !ok || dir != "" && dir != "desc" && dir != "asc" {
		return orm.UserErrorf("The list cannot be sorted by “%s”.", shorten(l.q.Sort, 40))
	}
	l.order = strings.TrimSpace(field + " " + dir)
	return nil
}

// find compiles what is searched for.
func (l *listing) find(out *listView) {
	d, facets, problems := l.search.compile(l.q)
	l.domain = orm.And(l.act.Domain, d)
	out.Problems = append(out.Problems, problems...)
	out.Search = l.bar(facets)
	out.Search.Columns = l.optional
}

// build reads and lays out the list.
func (l *listing) build() (*listView, error) {
	out := &listView{}
	l.columns(out)
	if err := l.sorted(); err != nil {
		return nil, err
	}
	l.find(out)
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
func (l *listing) groupBys(out *listView) []string {
	var ok []string
	for _, g := range l.q.Groups {
		name, _, _ := strings.Cut(g, ":")
		f, known := l.fields[name]
		if !known || f.Kind == orm.One2many || !f.Stored && len(f.Related) == 0 {
			out.Problems = append(out.Problems, fmt.Sprintf("The list cannot be grouped by “%s”.", shorten(g, 40)))
			continue
		}
		ok = append(ok, g)
	}
	return ok
}

func (l *listing) flat(out *listView) error {
	o := orm.SearchOptions{Limit: l.act.Limit, Offset: (l.q.Page - 1) * l.act.Limit, Order: l.order}
	found, err := l.rs.Search(l.domain, o)
	if err != nil {
		return err
	}
	out.Total = o.Offset + found.Len()
	if found.Len() == o.Limit || found.Len() == 0 && o.Offset > 0 {
		if out.Total, err = l.rs.SearchCount(l.domain, 0); err != nil {
			return err
		}
	}
	if found.Len() == 0 && out.Total > 0 { // past the end: the last page
		l.q.Page = (out.Total + l.act.Limit - 1) / l.act.Limit
		if found, err = l.rs.Search(l.domain, orm.SearchOptions{Limit: l.act.Limit, Offset: (l.q.Page - 1) * l.act.Limit, Order: l.order}); err != nil {
			return err
		}
	}
	l.pending = append(l.pending, pendingRows{ids: found.IDs})
	out.Pager = l.pager(out.Total, found.Len())
	if len(l.aggs) > 0 && out.Total > 0 {
		groups, err := l.rs.ReadGroup(l.domain, nil, l.aggs, orm.GroupOptions{})
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

func (l *listing) pager(total, n int) *pager {
	if total == 0 {
		return nil
	}
	pg := &pager{From: (l.q.Page-1)*l.act.Limit + 1, Total: total}
	pg.To = pg.From + n - 1
	q := l.q
	if l.q.Page > 1 {
		q.Page = l.q.Page - 1
		pg.Prev = l.link(q)
	}
	if pg.To < total {
		q.Page = l.q.Page + 1
		pg.Next = l.link(q)
	}
	return pg
}

// totals are the aggregates of a group, by column.
func (l *listing) totals(vals map[string]any) []string {
	out := make([]string, len(l.nodes))
	for i, n := range l.nodes {
		f := l.fields[n.Name()]
		for _, fn := range []string{"sum", "avg"} {
			v, ok := vals[f.Name+":"+fn]
			if !ok {
				continue
			}
			currency := int64(0)
			if toID(vals[f.Currency+":count_distinct"]) == 1 {
				currency = toID(vals[f.Currency+":max"])
			}
			out[i] = l.b.loc.text(f.Field, v, currency)
		}
	}
	return out
}

// fill reads all rows found in one go and puts them into their places.
func (l *listing) fill(out *listView) error {
	var ids []int64
	for _, p := range l.pending {
		ids = append(ids, p.ids...)
	}
	recs, err := l.read(l.rs.Browse(ids...), l.view, "display_name")
	if err != nil {
		return err
	}
	if err := l.names.load(); err != nil {
		return err
	}
	made := 0
	var rows []*listRow
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
	out.Buttons = slices.ContainsFunc(rows, func(r *listRow) bool { return len(r.Buttons) > 0 })
	out.Selected = l.at.params.Get(selectParam) == "all"
	return nil
}

// row lays out one record.
func (l *listing) row(r *record, level, at int) *listRow {
	vars := r.scope(l.b.vars, nil)
	out := &listRow{ID: r.id, Name: str(r.vals["display_name"]), Level: level, Tone: l.b.tone(l.view.Root, vars)}
	params := url.Values{}
	if len(l.q.Groups) == 0 {
		params.Set(resParam, fmt.Sprint((l.q.Page-1)*l.act.Limit+at+1))
	}
	out.URL = l.recordPlace(fmt.Sprint(r.id), params).URL()
	out.Buttons = l.b.rowButtons(l.view.Root, vars, fmt.Sprintf("row:%d:", r.id))
	for _, n := range l.nodes {
		if l.b.hiddenCell(n, vars) {
			out.Cells = append(out.Cells, nil)
			continue
		}
		out.Cells = append(out.Cells, l.b.show(l.fields[n.Name()], n, r, vars))
	}
	return out
}

// recordPlace is the address of a record of the list, or of a new one.
func (l *listing) recordPlace(id string, params url.Values) place {
	path := strings.TrimSuffix(l.at.path, "/")
	for _, k := range []string{contextParam, viewsParam, nameParam, modesParam} {
		if v := l.at.params.Get(k); v != "" {
			if params == nil {
				params = url.Values{}
			}
			params.Set(k, v)
		}
	}
	return l.at.below(path+"/"+id, params)
}

// selected are the records chosen: those ticked, or all that are found.
func (l *listing) selected(form url.Values) ([]int64, error) {
	if form.Get("all") != "" {
		d, _, _ := l.search.compile(l.q)
		if err := l.sorted(); err != nil {
			return nil, err
		}
		found, err := l.rs.Search(orm.And(l.act.Domain, d), orm.SearchOptions{Limit: maxBulk + 1, Order: l.order})
		if err == nil && found.Len() > maxBulk {
			return nil, orm.UserErrorf("More than %d records are selected; filter the list.", maxBulk)
		}
		return found.IDs, err
	}
	var ids []int64
	seen := map[int64]bool{}
	for _, s := range form["id"] {
		if id := toID(s); id > 0 && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}
