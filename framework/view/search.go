package view

import (
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// Search is a search view in the order it is shown.
type Search struct {
	Fields  []SearchField
	Filters []Filter
}

// SearchField is a field one can type a text for.
type SearchField struct {
	Name         string
	Label        string // "" for the label of the field
	FilterDomain string // domain expression over `self`, or ""
	Operator     string // "" for the usual one of the field's type
	Node         *Node
}

// Filter is a condition or a grouping one can choose.
type Filter struct {
	Name    string
	Label   string
	Domain  string // domain expression, or ""
	Date    string // date field whose periods are offered, or ""
	GroupBy string // "field" or "field:granularity", or ""
	Context string // context expression, or ""
	Group   int    // filters of one group are alternatives, groups add up
	Node    *Node
}

// Search reads a search view; nil for views of another kind.
func (v *View) Search() *Search {
	if v.Kind != "search" {
		return nil
	}
	s, group := &Search{}, 0
	var read func(n *Node)
	read = func(n *Node) {
		for _, c := range n.Elements() {
			switch c.Tag {
			case "field":
				s.Fields = append(s.Fields, SearchField{Name: c.Name(), Label: c.Attr("string"),
					FilterDomain: c.Attr("filter_domain"), Operator: c.Attr("operator"), Node: c})
			case "filter":
				s.Filters = append(s.Filters, Filter{Name: c.Name(), Label: c.Attr("string"), Domain: c.Attr("domain"),
					Date: c.Attr("date"), GroupBy: groupBy(c.Attr("context")), Context: c.Attr("context"), Group: group, Node: c})
			case "separator":
				group++
			case "group":
				group++
				read(c)
				group++
			}
		}
	}
	read(v.Root)
	return s
}

// groupBy gives the group_by of a context, "" when there is none.
func groupBy(context string) string {
	if strings.TrimSpace(context) == "" {
		return ""
	}
	items, err := expr.Items(refsToNumbers(context))
	if err != nil {
		return ""
	}
	for _, it := range items {
		if s, ok := it.Value.(string); ok && it.Key == "group_by" {
			return s
		}
	}
	return ""
}
