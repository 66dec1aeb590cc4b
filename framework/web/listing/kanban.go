package listing

import (
	"fmt"
	"regexp"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
)

const cardsPerColumn = 20

// Kanban lays out cards by stage, read-only: each leads to its record.
func (l *List) Kanban() (*render.ListView, error) {
	out := &render.ListView{Kanban: true}
	l.Find(out)
	if err := l.Sorted(); err != nil {
		return nil, err
	}
	by := l.groupBys(out)
	if len(by) == 0 {
		if g := strings.TrimSpace(strings.Split(l.View.Root.Attr("default_group_by"), ",")[0]); g != "" {
			l.Query.Groups = []string{g}
			by = l.groupBys(out)
			l.Query.Groups = nil
		}
	}
	draw := l.cardTemplate()
	if len(by) == 0 {
		return out, l.plainCards(out, draw)
	}
	groups, err := l.Records.ReadGroup(l.domain, by[:1], nil, orm.GroupOptions{Limit: 30})
	if err != nil {
		return nil, err
	}
	name, gran, _ := strings.Cut(by[0], ":")
	f := l.Fields[name]
	var ids []int64
	var sizes []int
	for _, g := range groups {
		found, err := l.Records.Search(g.Domain, orm.SearchOptions{Limit: cardsPerColumn, Order: l.Order})
		if err != nil {
			return nil, err
		}
		ids = append(ids, found.IDs...)
		sizes = append(sizes, found.Len())
		out.Total += g.Count
		col := &render.CardColumn{Title: l.keyName(f.Field, gran, g.Keys[0]), Count: g.Count}
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

func (l *List) plainCards(out *render.ListView, draw *view.Node) error {
	o := orm.SearchOptions{Limit: l.Action.Limit, Offset: (l.Query.Page - 1) * l.Action.Limit, Order: l.Order}
	found, err := l.Records.Search(l.domain, o)
	if err != nil {
		return err
	}
	out.Total = o.Offset + found.Len()
	if found.Len() == o.Limit || o.Offset > 0 {
		if out.Total, err = l.Records.SearchCount(l.domain, 0); err != nil {
			return err
		}
	}
	out.Pager = l.pager(out.Total, found.Len())
	cards, err := l.cards(found.IDs, draw)
	if len(cards) > 0 {
		out.Cards = []*render.CardColumn{{Cards: cards}}
	}
	return err
}

// cardTemplate is the part of a kanban view that draws a card.
func (l *List) cardTemplate() *view.Node {
	var out *view.Node
	l.View.Root.Walk(func(n *view.Node) bool {
		if name := n.Attr("t-name"); out == nil && (name == "card" || name == "kanban-card" || name == "kanban-box") {
			out = n
		}
		return out == nil
	})
	if out == nil {
		out = l.View.Root
	}
	return out
}

// cards reads records and draws their cards: the fields of the template in
// their order, the first text as the title.
func (l *List) cards(ids []int64, draw *view.Node) ([]*render.Card, error) {
	recs, err := l.Read(l.Records.Browse(ids...), l.View, "display_name")
	if err != nil {
		return nil, err
	}
	if err := l.Names.Load(); err != nil {
		return nil, err
	}
	out := make([]*render.Card, len(recs))
	for i, r := range recs {
		vars := r.Scope(l.Builder.Vars, nil)
		c := &render.Card{URL: l.RecordAddress(fmt.Sprint(r.ID), nil).URL(), Tone: l.Builder.Tone(draw, vars)}
		l.drawCard(c, draw, r, vars)
		if c.Title == "" {
			c.Title = convert.Text(r.Values["display_name"])
		}
		out[i] = c
	}
	return out, nil
}

func (l *List) drawCard(c *render.Card, n *view.Node, r *render.Record, vars map[string]any) {
	for _, k := range n.Elements() {
		if !l.Builder.Allowed(k) || l.Builder.Truth(k.Attr("invisible"), vars) || !cardTest(k.Attr("t-if"), r) {
			continue
		}
		if k.Tag != "field" {
			l.drawCard(c, k, r, vars)
			continue
		}
		f, ok := l.Fields[k.Name()]
		if !ok || k.Attr("widget") == "handle" {
			continue
		}
		s := l.Builder.Show(f, k, r, vars)
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
func cardTest(src string, r *render.Record) bool {
	m := cardCondition.FindStringSubmatch(src)
	if m == nil {
		return true
	}
	f := r.Model.Fields[m[2]]
	if f == nil {
		return true
	}
	return convert.Truthy(convert.Field(f, r.Values[f.Name])) != (m[1] == "!")
}
