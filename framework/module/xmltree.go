package module

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
)

// element is one XML element with its place in the source, so that errors can
// name lines and arch fields can keep their XML as it was written.
type element struct {
	name  string
	attrs map[string]string
	line  int
	kids  []*element
	text  string // character data outside of child elements
	inner string // source between the tags
	// innerLine is the line on which inner begins.
	innerLine int
}

func (e *element) attr(name string) string { return e.attrs[name] }

func (e *element) has(name string) bool {
	_, ok := e.attrs[name]
	return ok
}

type xmlError struct {
	line int
	msg  string
}

func (e *xmlError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.msg) }

// parseXML reads a document into its root element.
func parseXML(src []byte) (*element, error) {
	src, err := xmlText(src)
	if err != nil {
		return nil, err
	}
	var starts []int // offsets at which lines begin
	starts = append(starts, 0)
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	lineAt := func(off int64) int {
		return sort.Search(len(starts), func(i int) bool { return int64(starts[i]) > off })
	}
	dec := xml.NewDecoder(bytes.NewReader(src))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	type open struct {
		el    *element
		text  strings.Builder
		inner int64
	}
	var stack []*open
	var root *element
	for {
		before := dec.InputOffset()
		tok, err := dec.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			line := lineAt(dec.InputOffset())
			msg := err.Error()
			if se := (*xml.SyntaxError)(nil); errors.As(err, &se) {
				line, msg = se.Line, se.Msg
			}
			return nil, &xmlError{line, "not well-formed XML: " + msg}
		}
		switch t := tok.(type) {
		case xml.StartElement:
			el := &element{name: rawName(t.Name), line: lineAt(before), attrs: make(map[string]string, len(t.Attr))}
			for _, a := range t.Attr {
				name := rawName(a.Name)
				if el.has(name) {
					return nil, &xmlError{el.line, fmt.Sprintf("attribute %q is given twice on <%s>", name, el.name)}
				}
				el.attrs[name] = a.Value
			}
			el.innerLine = lineAt(dec.InputOffset())
			if len(stack) > 0 {
				top := stack[len(stack)-1].el
				top.kids = append(top.kids, el)
			} else if root != nil {
				return nil, &xmlError{el.line, "a second root element <" + el.name + ">; a document has one"}
			} else {
				root = el
			}
			stack = append(stack, &open{el: el, inner: dec.InputOffset()})
		case xml.EndElement:
			if len(stack) == 0 || stack[len(stack)-1].el.name != rawName(t.Name) {
				msg := fmt.Sprintf("</%s> closes nothing", rawName(t.Name))
				if len(stack) > 0 {
					top := stack[len(stack)-1].el
					msg = fmt.Sprintf("</%s> where <%s> of line %d has to be closed", rawName(t.Name), top.name, top.line)
				}
				return nil, &xmlError{lineAt(before), msg}
			}
			o := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			o.el.text = o.text.String()
			if before > o.inner {
				o.el.inner = string(src[o.inner:before])
			}
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text.Write(t)
			} else if len(bytes.TrimSpace(t)) > 0 {
				return nil, &xmlError{lineAt(before), "text outside of the root element"}
			}
		}
	}
	if len(stack) > 0 {
		top := stack[len(stack)-1].el
		return nil, &xmlError{top.line, fmt.Sprintf("<%s> is not closed", top.name)}
	}
	if root == nil {
		return nil, &xmlError{1, "the document is empty; write <odoo>…</odoo>"}
	}
	return root, nil
}

func rawName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}
