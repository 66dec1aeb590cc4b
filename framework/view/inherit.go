package view

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"

	"fusionsoft.ca/fusion/framework/expr"
)

// Apply gives base with the extensions applied in order. All specs of all
// extensions are tried; the error is a Problems with every one that failed.
func Apply(base *Arch, exts ...*Arch) (*Arch, error) {
	m := &merger{Arch: base.copy()}
	for _, ext := range exts {
		m.ext = ext
		root := ext.root()
		if root.Data != "data" {
			m.spec(root)
			continue
		}
		m.specs(root)
	}
	if err := m.problems.err(); err != nil {
		return nil, err
	}
	return m.Arch, nil
}

type merger struct {
	*Arch
	ext      *Arch
	problems Problems
}

func (m *merger) fail(spec *xmlquery.Node, format string, args ...any) *Problem {
	p := m.ext.problem(spec.LineNumber, format, args...)
	m.problems = append(m.problems, p)
	return p
}

// specs applies the children of a <data>, which may be nested.
func (m *merger) specs(data *xmlquery.Node) {
	for _, spec := range elements(data) {
		if spec.Data == "data" {
			m.specs(spec)
			continue
		}
		m.spec(spec)
	}
}

func (m *merger) spec(spec *xmlquery.Node) {
	target := m.locate(spec)
	if target == nil {
		return
	}
	position, ok := attr(spec, "position")
	if !ok {
		position = "inside"
	}
	isRoot := target.Parent == m.doc
	switch position {
	case "inside":
		m.insert(spec, func(n *xmlquery.Node) { xmlquery.AddChild(target, n) })
	case "before":
		if isRoot {
			m.fail(spec, "nothing can stand before the root element of view %s", m.View)
			return
		}
		m.insert(spec, func(n *xmlquery.Node) { insertBefore(target, n) })
	case "after":
		if isRoot {
			m.fail(spec, "nothing can stand after the root element of view %s", m.View)
			return
		}
		last := target
		m.insert(spec, func(n *xmlquery.Node) {
			xmlquery.AddImmediateSibling(last, n)
			last = n
		})
	case "replace":
		m.replace(spec, target, isRoot)
	case "attributes":
		m.attributes(spec, target)
	case "move":
		m.fail(spec, `position="move" is for an element within another spec`)
	default:
		p := m.fail(spec, "unknown position %q", position)
		p.Suggestion = expr.Suggest(position, []string{"inside", "before", "after", "replace", "attributes", "move"})
	}
}

// insert hands the content of spec to put, copied. Where the content holds an
// element with position="move", at any depth, what that element points to is
// taken out of its place and put there.
func (m *merger) insert(spec *xmlquery.Node, put func(*xmlquery.Node)) {
	for c := spec.FirstChild; c != nil; c = c.NextSibling {
		n := m.clone(c, m.ext)
		// Targets are looked up before the copy is part of the tree, so that a
		// move cannot find itself.
		type move struct{ marker, target *xmlquery.Node }
		var moves []move
		walkXML(n, func(k *xmlquery.Node) bool {
			if pos, _ := attr(k, "position"); pos != "move" {
				return true
			}
			if len(elements(k)) > 0 {
				m.fail(k, `an element with position="move" has no content of its own`)
			} else if target := m.locate(k); target != nil {
				moves = append(moves, move{k, target})
			}
			return true
		})
		put(n)
		for _, mv := range moves {
			switch {
			case mv.target.Parent == m.doc:
				m.fail(mv.marker, "the root element of view %s cannot be moved", m.View)
			case within(mv.marker, mv.target):
				m.fail(mv.marker, "an element cannot be moved into itself")
			case mv.marker.Parent != nil:
				xmlquery.RemoveFromTree(mv.target)
				mv.marker.Type = xmlquery.TextNode // an empty text now
				mv.marker.Data, mv.marker.Attr = "", nil
				insertBefore(mv.marker, mv.target)
			}
		}
	}
}

func within(n, above *xmlquery.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == above {
			return true
		}
	}
	return false
}

func insertBefore(ref, n *xmlquery.Node) {
	n.Parent, n.PrevSibling, n.NextSibling = ref.Parent, ref.PrevSibling, ref
	if ref.PrevSibling != nil {
		ref.PrevSibling.NextSibling = n
	} else {
		ref.Parent.FirstChild = n
	}
	ref.PrevSibling = n
}

func (m *merger) replace(spec, target *xmlquery.Node, isRoot bool) {
	mode, _ := attr(spec, "mode")
	switch mode {
	case "", "outer":
	case "inner":
		end := &xmlquery.Node{Type: xmlquery.TextNode} // of the old content
		xmlquery.AddChild(target, end)
		m.insert(spec, func(n *xmlquery.Node) { xmlquery.AddChild(target, n) })
		for old := true; old; {
			old = target.FirstChild != end
			xmlquery.RemoveFromTree(target.FirstChild)
		}
		return
	default:
		p := m.fail(spec, "unknown mode %q of a replacement", mode)
		p.Suggestion = expr.Suggest(mode, []string{"outer", "inner"})
		return
	}
	if isRoot && len(elements(spec)) != 1 {
		m.fail(spec, "the root element of view %s can only be replaced by one element, not %d", m.View, len(elements(spec)))
		return
	}
	mark := &xmlquery.Node{Type: xmlquery.TextNode}
	insertBefore(target, mark)
	last := mark
	var added []*xmlquery.Node
	m.insert(spec, func(n *xmlquery.Node) {
		if isRoot && n.Type != xmlquery.ElementNode {
			return
		}
		xmlquery.AddImmediateSibling(last, n)
		last = n
		added = append(added, n)
	})
	for _, n := range added {
		m.wrap(n, target)
	}
	xmlquery.RemoveFromTree(mark)
	// The new content may have moved the replaced element into itself.
	kept := slices.ContainsFunc(added, func(n *xmlquery.Node) bool { return within(target, n) })
	if !kept && (!isRoot || len(added) > 0) {
		xmlquery.RemoveFromTree(target)
	}
}

// wrap puts a copy of the replaced element where the new content says $0.
func (m *merger) wrap(n, replaced *xmlquery.Node) {
	for _, c := range n.ChildNodes() {
		if c.Type == xmlquery.TextNode && strings.TrimSpace(c.Data) == "$0" {
			insertBefore(c, m.clone(replaced, m.Arch))
			xmlquery.RemoveFromTree(c)
			continue
		}
		m.wrap(c, replaced)
	}
}

// isExpression says whether an attribute holds a Python expression, which is
// extended with `and` or `or`, not with a separator of a list.
func isExpression(name string) bool {
	switch name {
	case "readonly", "required", "invisible", "column_invisible", "t-if", "t-elif":
		return true
	}
	return strings.HasPrefix(name, "decoration-")
}

func (m *merger) attributes(spec, target *xmlquery.Node) {
	for _, c := range elements(spec) {
		name, _ := attr(c, "name")
		if c.Data != "attribute" || name == "" {
			m.fail(c, `only <attribute name="..."> may stand in a spec with position="attributes", not <%s>`, c.Data)
			continue
		}
		value := strings.TrimSpace(c.InnerText())
		add, hasAdd := attr(c, "add")
		remove, hasRemove := attr(c, "remove")
		if hasAdd || hasRemove {
			if value != "" {
				m.fail(c, "attribute %q is given both as a text and by add or remove", name)
				continue
			}
			old, _ := attr(target, name)
			sep, hasSep := attr(c, "separator")
			if isExpression(name) {
				sep = strings.TrimSpace(sep)
				if sep != "and" && sep != "or" {
					m.fail(c, `attribute %q is an expression: its separator must be " and " or " or "`, name)
					continue
				}
				value = joinExpression(old, add, remove, sep)
			} else {
				if !hasSep {
					sep = ","
				}
				value = joinList(old, add, remove, sep)
			}
		}
		if value == "" {
			target.RemoveAttr(name)
		} else {
			target.SetAttr(name, value)
		}
		m.origin[target] = m.ext.origin[c] // the latest writer answers for it
		target.LineNumber = c.LineNumber
	}
}

func joinExpression(value, add, remove, op string) string {
	if remove != "" {
		if strings.Trim(value, "()") == strings.Trim(remove, "()") {
			value = ""
		} else {
			for _, pattern := range []string{"(" + remove + ") " + op + " ", " " + op + " (" + remove + ")", remove + " " + op + " ", " " + op + " " + remove} {
				if i := strings.Index(value, pattern); i >= 0 {
					value = value[:i] + value[i+len(pattern):]
					break
				}
			}
		}
	}
	switch {
	case add == "":
		return value
	case value == "":
		return add
	}
	return "(" + value + ") " + op + " (" + add + ")"
}

func joinList(value, add, remove, sep string) string {
	split := func(s string) []string {
		var out []string
		parts := strings.Fields(s)
		if strings.TrimSpace(sep) != "" {
			parts = strings.Split(s, sep)
		}
		for _, p := range parts {
			if p = strings.TrimSpace(p); p != "" {
				out = append(out, p)
			}
		}
		return out
	}
	drop := split(remove)
	values := slices.DeleteFunc(split(value), func(s string) bool { return slices.Contains(drop, s) })
	for _, a := range split(add) {
		if !slices.Contains(values, a) {
			values = append(values, a)
		}
	}
	if strings.TrimSpace(sep) == "" {
		sep = " "
	}
	return strings.Join(values, sep)
}

// locate finds the element a spec points at, or reports that there is none.
func (m *merger) locate(spec *xmlquery.Node) *xmlquery.Node {
	if spec.Data == "xpath" {
		return m.locateXPath(spec)
	}
	var want []xmlquery.Attr
	for _, at := range spec.Attr {
		name := attrName(at)
		if name == "position" || name == "mode" || spec.Data == "field" && name != "name" {
			continue
		}
		want = append(want, at)
	}
	var found *xmlquery.Node
	walkXML(m.root(), func(n *xmlquery.Node) bool {
		if sameTag(n.Data, spec.Data) && found == nil {
			ok := true
			for _, at := range want {
				v, has := attr(n, attrName(at))
				ok = ok && has && v == at.Value
			}
			if ok {
				found = n
			}
		}
		return found == nil
	})
	if found == nil {
		shown := "<" + spec.Data
		for _, at := range want {
			shown += fmt.Sprintf(" %s=%q", attrName(at), at.Value)
		}
		p := m.fail(spec, "%s> is not found in view %s", shown, m.View)
		if name, ok := attr(spec, "name"); ok {
			p.Suggestion = expr.Suggest(name, m.values(spec.Data, "name"))
		}
	}
	return found
}

func sameTag(a, b string) bool {
	return a == b || a == "tree" && b == "list" || a == "list" && b == "tree"
}

func walkXML(n *xmlquery.Node, visit func(*xmlquery.Node) bool) bool {
	if n.Type == xmlquery.ElementNode && !visit(n) {
		return false
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if !walkXML(c, visit) {
			return false
		}
	}
	return true
}

// values lists what attribute name of the elements with that tag holds.
func (m *merger) values(tag, name string) []string {
	var out []string
	walkXML(m.root(), func(n *xmlquery.Node) bool {
		if v, ok := attr(n, name); ok && (tag == "*" || tag == "" || sameTag(n.Data, tag)) && !slices.Contains(out, v) {
			out = append(out, v)
		}
		return true
	})
	return out
}

var (
	hasClass  = regexp.MustCompile(`hasclass\(([^()]*)\)`)
	quoted    = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	attrTest  = regexp.MustCompile(`([\w*]*)\s*\[\s*@([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')`)
	rootTree  = regexp.MustCompile(`(^|/|::)tree\b`)
	errNoText = errors.New("hasclass takes quoted class names")
)

// compileXPath compiles an expression in which hasclass('a', 'b') may be used.
func compileXPath(src string) (e *xpath.Expr, err error) {
	out := hasClass.ReplaceAllStringFunc(src, func(s string) string {
		names := quoted.FindAllString(s, -1)
		if len(names) == 0 {
			err = errNoText
		}
		tests := make([]string, len(names))
		for i, n := range names {
			tests[i] = "contains(concat(' ', normalize-space(@class), ' '), ' " + n[1:len(n)-1] + " ')"
		}
		return "(" + strings.Join(tests, " and ") + ")"
	})
	if err != nil {
		return nil, err
	}
	// The compiler panics on some malformed expressions.
	defer func() {
		if r := recover(); r != nil {
			e, err = nil, fmt.Errorf("malformed expression")
		}
	}()
	return xpath.Compile(out)
}

// selectFirst evaluates e over the document; it recovers because functions of
// the library panic on arguments of the wrong kind.
func selectFirst(doc *xmlquery.Node, e *xpath.Expr) (n *xmlquery.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = nil, fmt.Errorf("it cannot be evaluated")
		}
	}()
	return xmlquery.QuerySelector(doc, e), nil
}

func (m *merger) locateXPath(spec *xmlquery.Node) *xmlquery.Node {
	src, ok := attr(spec, "expr")
	if !ok || strings.TrimSpace(src) == "" {
		m.fail(spec, "<xpath> has no expr")
		return nil
	}
	if len(src) > 2000 {
		m.fail(spec, "the expr of <xpath> is too long")
		return nil
	}
	tries := []string{src}
	if rootTree.MatchString(src) { // <tree> is the former name of <list>
		tries = append(tries, rootTree.ReplaceAllString(src, "${1}list"))
	}
	for _, try := range tries {
		e, err := compileXPath(try)
		var n *xmlquery.Node
		if err == nil {
			n, err = selectFirst(m.doc, e)
		}
		if err != nil {
			m.fail(spec, "xpath %q: %v", src, err)
			return nil
		}
		if n != nil {
			if n.Type != xmlquery.ElementNode {
				m.fail(spec, "xpath %q points at something that is no element", src)
				return nil
			}
			return n
		}
	}
	p := m.fail(spec, "xpath %q is not found in view %s", src, m.View)
	// Of several tests the first whose value occurs nowhere is the wrong one.
	for _, t := range attrTest.FindAllStringSubmatch(src, -1) {
		value := t[3] + t[4]
		known := m.values(t[1], t[2])
		if slices.Contains(known, value) {
			continue
		}
		p.Suggestion = expr.Suggest(value, known)
		break
	}
	return nil
}
