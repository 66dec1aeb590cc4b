package web

import (
	"fmt"
	"html/template"
	"regexp"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// cardColumn is a column of cards: a stage, or all records.
type cardColumn struct {
	Title string
	Count int
	Cards []*card
	More  string
	Sum   string
}

// card is one record of a kanban.
type card struct {
	URL   string
	Title string
	Image template.URL
	Lines []*cell
	Tone  string
}

const cardsPerColumn = 20

// kanban lays out cards by stage, read-only: each leads to its record.
func (l *listing) kanban() (*listView, error) {
	out := &listView{Kanban: true}
	l.find(out)
	if err := l.sorted(); err != nil {
		return nil, err
	}
	by := l.groupBys(out)
	if len(by) == 0 {
		if g := strings.TrimSpace(strings.Split(l.view.Root.Attr("default_group_by"), ",")[0]); g != "" {
			l.q.Groups = []string{g}
			by = l.groupBys(out)
			l.q.Groups = nil
		}
	}
	draw := l.cardTemplate()
	if len(by) == 0 {
		return out, l.plainCards(out, draw)
	}
	groups, err := l.rs.ReadGroup(l.domain, by[:1], nil, orm.GroupOptions{Limit: 30})
	if err != nil {
		return nil, err
	}
	name, gran, _ := strings.Cut(by[0], ":")
	f := l.fields[name]
	var ids []int64
	var sizes []int
	for _, g := range groups {
		found, err := l.rs.Search(g.Domain, orm.SearchOptions{Limit: cardsPerColumn, Order: l.order})
		if err != nil {
			return nil, err
		}
		ids = append(ids, found.IDs...)
		sizes = append(sizes, found.Len())
		out.Total += g.Count
		col := &cardColumn{Title: l.keyName(f.Field, gran, g.Keys[0]), Count: g.Count}
		if g.Count > found.Len() {
			col.More = l.narrow(f.Field, g.Keys[0], by[0])
		}
		out.Cards = append(out.Cards, col)
	}
	cards, err := l.cards(ids, draw)
	if err != nil {
		return nil, err
	}
	for i, col := range out.Cards {
		col.Title = l.groupName(col.Title)
		col.Cards, cards = cards[:sizes[i]], cards[sizes[i]:]
	}
	return out, nil
}

func (l *listing) plainCards(out *listView, draw *view.Node) error {
	o := orm.SearchOptions{Limit: l.act.Limit, Offset: (l.q.Page - 1) * l.act.Limit, Order: l.order}
	found, err := l.rs.Search(l.domain, o)
	if err != nil {
		return err
	}
	out.Total = o.Offset + found.Len()
	if found.Len() == o.Limit || o.Offset > 0 {
		if out.Total, err = l.rs.SearchCount(l.domain, 0); err != nil {
			return err
		}
	}
	out.Pager = l.pager(out.Total, found.Len())
	cards, err := l.cards(found.IDs, draw)
	if len(cards) > 0 {
		out.Cards = []*cardColumn{{Cards: cards}}
	}
	return err
}

// cardTemplate is the part of a kanban view that draws a card.
func (l *listing) cardTemplate() *view.Node {
	var out *view.Node
	l.view.Root.Walk(func(n *view.Node) bool {
		if name := n.Attr("t-name"); out == nil && (name == "card" || name == "kanban-card" || name == "kanban-box") {
			out = n
		}
		return out == nil
	})
	if out == nil {
		out = l.view.Root
	}
	return out
}

// cards reads records and draws their cards: the fields of the template in
// their order, the first text as the title.
func (l *listing) cards(ids []int64, draw *view.Node) ([]*card, error) {
	recs, err := l.read(l.rs.Browse(ids...), l.view, "display_name")
	if err != nil {
		return nil, err
	}
	if err := l.names.load(); err != nil {
		return nil, err
	}
	out := make([]*card, len(recs))
	for i, r := range recs {
		vars := r.scope(l.b.vars, nil)
		c := &card{URL: l.recordPlace(fmt.Sprint(r.id), nil).URL(), Tone: l.b.tone(draw, vars)}
		l.drawCard(c, draw, r, vars)
		if c.Title == "" {
			c.Title = str(r.vals["display_name"])
		}
		out[i] = c
	}
	return out, nil
}

func (l *listing) drawCard(c *card, n *view.Node, r *record, vars map[string]any) {
	for _, k := range n.Elements() {
		if !l.b.allowed(k) || l.b.truth(k.Attr("invisible"), vars) || !cardTest(k.Attr("t-if"), r) {
			continue
		}
		if k.Tag != "field" {
			l.drawCard(c, k, r, vars)
			continue
		}
		f, ok := l.fields[k.Name()]
		if !ok || k.Attr("widget") == "handle" {
			continue
		}
		s := l.b.show(f, k, r, vars)
		switch {
		case s.Show == "image":
			c.Image = s.URL
		case s.Empty:
		case c.Title == "" && s.Show != "badge" && s.Show != "tags" && s.Show != "bool" && !s.Number:
			c.Title = s.Text
		default:
			if s.Show == "link" && !strings.Contains(string(s.URL), ":") {
				s.Show = "text" // the card as a whole leads to the record
			}
			c.Lines = append(c.Lines, s)
		}
	}
}

// cardCondition is a t-if that asks whether a field has a value.
var cardCondition = regexp.MustCompile(`^\s*(!)?\s*record\.(\w+)(?:\.(?:raw_value|value))?\s*$`)

// cardTest evaluates the simple form of t-if; others hold.
func cardTest(src string, r *record) bool {
	m := cardCondition.FindStringSubmatch(src)
	if m == nil {
		return true
	}
	f := r.model.Fields[m[2]]
	if f == nil {
		return true
	}
	return truthy(fieldValue(f, r.vals[f.Name])) != (m[1] == "!")
}
