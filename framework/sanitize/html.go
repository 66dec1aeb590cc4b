// Package sanitize makes HTML that somebody else has written safe to store and to
// show.
package sanitize

import (
	"slices"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

var htmlPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.RequireNoFollowOnLinks(false)
	p.AllowAttrs("class", "role", "aria-label", "data-oe-model", "data-oe-id", "data-oe-field", "data-oe-type").Globally()
	p.AllowAttrs("target", "rel", "name").OnElements("a")
	p.AllowAttrs("color", "size", "face").OnElements("font")
	p.AllowElements("font", "center", "u", "s", "strike", "big", "small", "tt", "main", "nav", "header", "footer", "address")
	p.AllowStyles("color", "background-color", "text-align", "vertical-align", "font-size", "font-family", "font-weight", "font-style",
		"text-decoration", "text-transform", "line-height", "letter-spacing", "white-space", "display", "float", "opacity",
		"width", "max-width", "min-width", "height", "min-height", "padding", "padding-top", "padding-left", "padding-bottom", "padding-right",
		"margin", "margin-top", "margin-left", "margin-bottom", "margin-right", "border", "border-color", "border-radius", "border-style",
		"border-width", "border-top", "border-bottom", "border-left", "border-right", "border-collapse", "border-spacing").Globally()
	p.AllowDataURIImages()
	return p
})

// HTML removes from a text everything that could run or phone home, and
// gives it the form rich texts are stored in: a bare text becomes a paragraph.
func HTML(s string) string {
	if s == "" {
		return ""
	}
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	clean := htmlPolicy().Sanitize(s)
	nodes, err := html.ParseFragment(strings.NewReader(clean), body)
	if err != nil {
		return ""
	}
	bare := !strings.Contains(clean, "<tbody") // the parser adds one to every table
	nodes = slices.DeleteFunc(nodes, func(n *html.Node) bool { return n.Type != html.ElementNode && n.Type != html.TextNode })
	var b strings.Builder
	switch {
	case len(nodes) == 0 || !slices.ContainsFunc(nodes, func(n *html.Node) bool { return n.Type == html.ElementNode || !blank(n) }):
		return ""
	case nodes[0].Type == html.TextNode && !blank(nodes[0]):
		// The text and what is on its line make a paragraph.
		end := slices.IndexFunc(nodes, isBlock)
		if end < 0 {
			end = len(nodes)
		}
		b.WriteString("<p>")
		renderHTML(&b, nodes[:end], bare)
		b.WriteString("</p>")
		renderHTML(&b, nodes[end:], bare)
	case len(nodes) > 1 && !slices.ContainsFunc(nodes, isBlock):
		b.WriteString("<span>")
		renderHTML(&b, nodes, bare)
		b.WriteString("</span>")
	default:
		renderHTML(&b, nodes, bare)
	}
	return b.String()
}

func blank(n *html.Node) bool { return strings.TrimSpace(n.Data) == "" }

var inlineTags = []atom.Atom{atom.A, atom.Abbr, atom.Acronym, atom.B, atom.Bdi, atom.Bdo, atom.Big, atom.Br, atom.Cite, atom.Code, atom.Del, atom.Dfn, atom.Em,
	atom.Font, atom.I, atom.Img, atom.Ins, atom.Kbd, atom.Mark, atom.Q, atom.S, atom.Samp, atom.Small, atom.Span, atom.Strike, atom.Strong,
	atom.Sub, atom.Sup, atom.Time, atom.Tt, atom.U, atom.Var, atom.Wbr}

func isBlock(n *html.Node) bool {
	return n.Type == html.ElementNode && !slices.Contains(inlineTags, n.DataAtom)
}

var (
	textEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\u00a0", "&nbsp;")
	attrEscape = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "\u00a0", "&nbsp;")
	voidTags   = []atom.Atom{atom.Area, atom.Br, atom.Col, atom.Hr, atom.Img, atom.Wbr}
)

// renderHTML writes nodes with no more escapes than are needed, and without
// table bodies when bare.
func renderHTML(b *strings.Builder, nodes []*html.Node, bare bool) {
	for _, n := range nodes {
		switch n.Type {
		case html.TextNode:
			b.WriteString(textEscape.Replace(n.Data))
		case html.ElementNode:
			if bare && n.DataAtom == atom.Tbody {
				renderHTML(b, slices.Collect(n.ChildNodes()), bare)
				continue
			}
			b.WriteString("<" + n.Data)
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key + `="` + attrEscape.Replace(a.Val) + `"`)
			}
			b.WriteByte('>')
			if slices.Contains(voidTags, n.DataAtom) {
				continue
			}
			renderHTML(b, slices.Collect(n.ChildNodes()), bare)
			b.WriteString("</" + n.Data + ">")
		}
	}
}
