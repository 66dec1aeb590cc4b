package view

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/antchfx/xmlquery"
)

const (
	maxArch  = 4 << 20 // bytes of one arch
	maxLevel = 100     // elements within elements
)

// Source says where an arch comes from and what it describes.
type Source struct {
	View  string // external id, as "sale.view_order_form"
	Model string // model the view shows
	File  string // file it was read from, for messages
	Line  int    // line of File the arch begins on, from 1; 0 is taken for 1
}

// origin is the place an element was written in, which inheritance keeps.
type origin struct{ view, file string }

// Arch is the XML of one view. Values are not changed once made.
type Arch struct {
	Source
	doc    *xmlquery.Node // document node above the root element
	origin map[*xmlquery.Node]origin
}

// Parse reads an arch. Several elements side by side, as extensions may have
// them, are put under one <data>. The error is a *Problem.
func Parse(src []byte, at Source) (*Arch, error) {
	if at.Line == 0 {
		at.Line = 1
	}
	a := &Arch{Source: at, doc: &xmlquery.Node{Type: xmlquery.DocumentNode}, origin: map[*xmlquery.Node]origin{}}
	if len(src) > maxArch {
		return nil, a.problem(at.Line, "the arch has %d bytes, at most %d are read", len(src), maxArch)
	}
	dec := xml.NewDecoder(bytes.NewReader(src))
	cur, level := a.doc, 0
	for {
		line, _ := dec.InputPos()
		line += at.Line - 1
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			msg := err.Error()
			var se *xml.SyntaxError
			if errors.As(err, &se) {
				line, msg = se.Line+at.Line-1, se.Msg
			}
			return nil, a.problem(line, "the XML is not well-formed: %s", msg)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if level++; level > maxLevel {
				return nil, a.problem(line, "elements are nested too deep: at most %d levels", maxLevel)
			}
			n := &xmlquery.Node{Type: xmlquery.ElementNode, Data: tok.Name.Local, LineNumber: line}
			seen := map[xml.Name]bool{}
			for _, at := range tok.Attr {
				if seen[at.Name] {
					return nil, a.problem(line, "attribute %q of <%s> is there twice", at.Name.Local, n.Data)
				}
				seen[at.Name] = true
				if name := at.Name.Local; at.Name.Space != "" && at.Name.Space != "xmlns" {
					n.Attr = append(n.Attr, xmlquery.Attr{Name: xml.Name{Space: at.Name.Space, Local: name}, Value: at.Value})
				} else if at.Name.Space == "" && name != "xmlns" {
					n.Attr = append(n.Attr, xmlquery.Attr{Name: at.Name, Value: at.Value})
				}
			}
			xmlquery.AddChild(cur, n)
			a.origin[n] = origin{at.View, at.File}
			cur = n
		case xml.EndElement:
			level--
			cur = cur.Parent
		case xml.CharData:
			if cur == a.doc {
				if strings.TrimSpace(string(tok)) != "" {
					return nil, a.problem(line, "text stands outside of any element")
				}
				continue
			}
			xmlquery.AddChild(cur, &xmlquery.Node{Type: xmlquery.TextNode, Data: string(tok), LineNumber: line})
		}
	}
	roots := elements(a.doc)
	switch len(roots) {
	case 0:
		return nil, a.problem(at.Line, "the arch is empty")
	case 1:
	default:
		data := &xmlquery.Node{Type: xmlquery.ElementNode, Data: "data", LineNumber: at.Line}
		a.origin[data] = origin{at.View, at.File}
		for _, n := range roots {
			xmlquery.RemoveFromTree(n)
			xmlquery.AddChild(data, n)
		}
		xmlquery.AddChild(a.doc, data)
	}
	return a, nil
}

func (a *Arch) root() *xmlquery.Node { return elements(a.doc)[0] }

// XML writes the arch out, comments left away.
func (a *Arch) XML() string {
	var b strings.Builder
	writeXML(&b, a.root())
	return b.String()
}

func writeXML(b *strings.Builder, n *xmlquery.Node) {
	if n.Type != xmlquery.ElementNode {
		b.WriteString(escape(n.Data, false))
		return
	}
	b.WriteString("<" + n.Data)
	for _, at := range n.Attr {
		b.WriteString(" " + attrName(at) + `="`)
		b.WriteString(escape(at.Value, true) + `"`)
	}
	if n.FirstChild == nil {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		writeXML(b, c)
	}
	b.WriteString("</" + n.Data + ">")
}

// escape quotes what XML reserves; line ends only where a reader would turn
// them into something else.
func escape(s string, inAttr bool) string {
	pairs := []string{"&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;"}
	if inAttr {
		pairs = append(pairs, `"`, "&quot;", "\n", "&#10;", "\t", "&#9;")
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

func attrName(at xmlquery.Attr) string {
	if at.Name.Space != "" {
		return at.Name.Space + ":" + at.Name.Local
	}
	return at.Name.Local
}

func elements(n *xmlquery.Node) []*xmlquery.Node {
	var out []*xmlquery.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == xmlquery.ElementNode {
			out = append(out, c)
		}
	}
	return out
}

func attr(n *xmlquery.Node, name string) (string, bool) {
	for _, at := range n.Attr {
		if attrName(at) == name {
			return at.Value, true
		}
	}
	return "", false
}

// clone copies the tree below n, its origins taken from another arch.
func (a *Arch) clone(n *xmlquery.Node, from *Arch) *xmlquery.Node {
	c := &xmlquery.Node{Type: n.Type, Data: n.Data, LineNumber: n.LineNumber, Attr: append([]xmlquery.Attr(nil), n.Attr...)}
	if o, ok := from.origin[n]; ok {
		a.origin[c] = o
	}
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		xmlquery.AddChild(c, a.clone(k, from))
	}
	return c
}

func (a *Arch) copy() *Arch {
	out := &Arch{Source: a.Source, origin: make(map[*xmlquery.Node]origin, len(a.origin))}
	out.doc = out.clone(a.doc, a)
	return out
}

// Problem is one mistake in a view.
type Problem struct {
	View       string // external id of the view it is written in
	File       string
	Line       int
	Msg        string
	Suggestion string // a known name near the unknown one, or ""
}

func (p *Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
	} else {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.View != "" {
		fmt.Fprintf(&b, "view %s: ", p.View)
	}
	b.WriteString(p.Msg)
	if p.Suggestion != "" {
		fmt.Fprintf(&b, " (did you mean %q?)", p.Suggestion)
	}
	return b.String()
}

// Problems are all mistakes found at once.
type Problems []*Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single problems to errors.As.
func (ps Problems) Unwrap() []error {
	out := make([]error, len(ps))
	for i, p := range ps {
		out[i] = p
	}
	return out
}

func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

func (a *Arch) problem(line int, format string, args ...any) *Problem {
	return &Problem{View: a.View, File: a.File, Line: line, Msg: fmt.Sprintf(format, args...)}
}
