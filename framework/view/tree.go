package view

import (
	"slices"
	"strings"

	"github.com/antchfx/xmlquery"

	"fusionsoft.ca/fusion/framework/expr"
)

// View is the typed tree of a view, inheritance applied.
type View struct {
	ID    string // external id
	Model string
	Kind  string // list, form, search, kanban, ...
	Root  *Node
}

// Attr is an attribute of a node.
type Attr struct{ Name, Value string }

// Node is an element of a view, or a piece of text when Tag is "".
// <tree> is called list; attributes nobody knows are kept.
type Node struct {
	Tag      string
	Attrs    []Attr // in the order written
	Children []*Node
	Text     string // of a text node
	File     string // where it is written
	Line     int
	View     string // external id of the view it was written in
}

// Kinds lists the kinds of views, each the tag of a root element.
func Kinds() []string {
	return []string{"list", "form", "search", "kanban", "pivot", "graph", "calendar", "activity"}
}

// Build makes the tree of an arch. The error is a *Problem.
func Build(a *Arch) (*View, error) {
	root := a.node(a.root())
	if !slices.Contains(Kinds(), root.Tag) {
		p := a.problem(root.Line, "a view cannot begin with <%s>", root.Tag)
		p.Suggestion = expr.Suggest(root.Tag, Kinds())
		return nil, p
	}
	return &View{ID: a.View, Model: a.Model, Kind: root.Tag, Root: root}, nil
}

func (a *Arch) node(x *xmlquery.Node) *Node {
	o := a.origin[x]
	n := &Node{Tag: x.Data, File: o.file, Line: x.LineNumber, View: o.view}
	if n.Tag == "tree" {
		n.Tag = "list"
	}
	for _, at := range x.Attr {
		n.Attrs = append(n.Attrs, Attr{attrName(at), at.Value})
	}
	for c := x.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == xmlquery.ElementNode {
			n.Children = append(n.Children, a.node(c))
		} else if s := strings.Join(strings.Fields(c.Data), " "); s != "" {
			n.Children = append(n.Children, &Node{Text: s, File: n.File, Line: c.LineNumber, View: n.View})
		}
	}
	return n
}

// Attr gives the value of an attribute, "" when it is not there.
func (n *Node) Attr(name string) string {
	v, _ := n.Lookup(name)
	return v
}

// Lookup gives the value of an attribute and whether it is there.
func (n *Node) Lookup(name string) (string, bool) {
	for _, at := range n.Attrs {
		if at.Name == name {
			return at.Value, true
		}
	}
	return "", false
}

// Name is the attribute name.
func (n *Node) Name() string { return n.Attr("name") }

// Flag reads an attribute that is 1 or 0, true or false; def when it is not
// there or an expression.
func (n *Node) Flag(name string, def bool) bool {
	switch strings.ToLower(strings.TrimSpace(n.Attr(name))) {
	case "1", "true":
		return true
	case "0", "false":
		return false
	}
	return def
}

// HasClass says whether the element has a CSS class.
func (n *Node) HasClass(class string) bool {
	return slices.Contains(strings.Fields(n.Attr("class")), class)
}

// InnerText joins the text below the element with single spaces.
func (n *Node) InnerText() string {
	if n.Tag == "" {
		return n.Text
	}
	var parts []string
	for _, c := range n.Children {
		if s := c.InnerText(); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

// Elements gives the children of those tags, all elements when none is named.
func (n *Node) Elements(tags ...string) []*Node {
	var out []*Node
	for _, c := range n.Children {
		if c.Tag != "" && (len(tags) == 0 || slices.Contains(tags, c.Tag)) {
			out = append(out, c)
		}
	}
	return out
}

// Walk visits n and what is below it in document order; it does not go below
// a node for which visit gives false.
func (n *Node) Walk(visit func(*Node) bool) {
	if !visit(n) {
		return
	}
	for _, c := range n.Children {
		c.Walk(visit)
	}
}

// Find gives the elements of that tag, those of sub views left out.
func (n *Node) Find(tag string) []*Node {
	var out []*Node
	n.Walk(func(c *Node) bool {
		if c != n && c.Tag == tag {
			out = append(out, c)
		}
		return c == n || c.Tag != "field"
	})
	return out
}

// SubViews gives the views written inside an x2many field, by their kind.
func (n *Node) SubViews() map[string]*Node {
	if n.Tag != "field" {
		return nil
	}
	out := map[string]*Node{}
	for _, c := range n.Elements(Kinds()...) {
		if out[c.Tag] == nil {
			out[c.Tag] = c
		}
	}
	return out
}

// Fields gives the field elements of the view itself in document order, those
// of sub views left out. A field shown twice is there twice.
func (v *View) Fields() []*Node { return v.Root.Find("field") }

// FieldNames lists the fields the view reads from its own model: those shown
// and those its modifiers look at, each once.
func (v *View) FieldNames() []string {
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	inSub := map[*Node]bool{} // they read of this record only parent.x
	v.Root.Walk(func(n *Node) bool {
		if n.Tag == "field" && !inSub[n] {
			add(n.Name())
		}
		for _, c := range n.Children {
			inSub[c] = inSub[n] || n.Tag == "field" && slices.Contains(Kinds(), c.Tag)
		}
		for _, at := range n.Attrs {
			if !isExpression(at.Name) && at.Name != "domain" && at.Name != "context" || strings.HasPrefix(at.Name, "t-") {
				continue
			}
			names, err := expr.Names(refsToNumbers(at.Value))
			if err != nil {
				continue
			}
			for _, name := range names {
				head, rest, _ := strings.Cut(name, ".")
				switch {
				case inSub[n] && head == "parent":
					head, _, _ = strings.Cut(rest, ".")
					add(head)
				case !inSub[n] && !slices.Contains(clientNames(), head):
					add(head)
				}
			}
		}
		return true
	})
	return out
}
