package orm

import (
	"fmt"
	"slices"
	"strings"
)

// Domain is a condition in Odoo's prefix notation: leaves [field, op, value]
// and the operators "&", "|" and "!". Adjacent terms are joined by "&". The
// empty domain holds for every record.
type Domain []any

// Leaf is a domain of one condition.
func Leaf(field, op string, value any) Domain { return Domain{[]any{field, op, value}} }

// And joins domains; empty ones do not restrict.
func And(ds ...Domain) Domain { return combine("&", ds) }

// Or joins domains; an empty one makes the whole hold for every record.
func Or(ds ...Domain) Domain {
	for _, d := range ds {
		if len(d) == 0 {
			return Domain{}
		}
	}
	return combine("|", ds)
}

// Not negates a domain.
func Not(d Domain) Domain {
	if len(d) == 0 {
		return Domain{[]any{0, "=", 1}}
	}
	return append(Domain{"!"}, normalize(d)...)
}

func combine(op string, ds []Domain) Domain {
	var out Domain
	n := 0
	for _, d := range ds {
		if len(d) == 0 {
			continue
		}
		if n > 0 {
			out = append(Domain{op}, out...)
		}
		out = append(out, normalize(d)...)
		n++
	}
	if out == nil {
		return Domain{}
	}
	return out
}

// normalize makes the implicit "&" of adjacent terms explicit.
func normalize(d Domain) Domain {
	expected, out := 1, Domain{}
	for _, t := range d {
		if expected == 0 {
			out = append(Domain{"&"}, out...)
			expected = 1
		}
		switch t {
		case any("&"), any("|"):
			expected++
		case any("!"):
		default:
			expected--
		}
		out = append(out, t)
	}
	return out
}

// node is a parsed domain.
type node struct {
	op   string // "&", "|", "!", or "" for a leaf
	kids []*node
	leaf leaf
}

type leaf struct {
	path  string
	op    string
	value any
	isNum bool // the left side is the number 0 or 1: a constant
	left  int64
}

func (l leaf) String() string {
	left := "'" + l.path + "'"
	if l.isNum {
		left = fmt.Sprint(l.left)
	}
	return fmt.Sprintf("(%s, '%s', %s)", left, l.op, pyRepr(l.value))
}

var operators = []string{"=", "!=", "<>", "==", "<=", "<", ">", ">=", "=?", "=like", "=ilike", "like", "not like", "ilike", "not ilike", "in", "not in", "child_of", "parent_of", "any", "not any"}

const maxDomainTerms = 20000

// parseDomain reads prefix notation without recursion on its length.
func parseDomain(d Domain) (*node, error) {
	if len(d) == 0 {
		return nil, nil
	}
	if len(d) > maxDomainTerms {
		return nil, UserErrorf("The domain has %d terms; at most %d are accepted.", len(d), maxDomainTerms)
	}
	d = normalize(d)
	var stack []*node
	pop := func() *node {
		if len(stack) == 0 {
			return nil
		}
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		return n
	}
	for i := len(d) - 1; i >= 0; i-- {
		switch t := d[i].(type) {
		case string:
			switch t {
			case "!":
				a := pop()
				if a == nil {
					return nil, ValueErrorf("Domain() invalid item in domain: '!' lacks its term in %s", pyRepr([]any(d)))
				}
				stack = append(stack, &node{op: "!", kids: []*node{a}})
			case "&", "|":
				a, b := pop(), pop()
				if a == nil || b == nil {
					return nil, ValueErrorf("Domain is not well formed: %q lacks a term in %s", t, pyRepr([]any(d)))
				}
				n := &node{op: t}
				for _, k := range []*node{a, b} {
					if k.op == t {
						n.kids = append(n.kids, k.kids...)
					} else {
						n.kids = append(n.kids, k)
					}
				}
				stack = append(stack, n)
			default:
				return nil, ValueErrorf("Invalid domain term %s: neither an operator nor a condition", pyRepr(t))
			}
		default:
			l, err := parseLeaf(t)
			if err != nil {
				return nil, err
			}
			stack = append(stack, &node{leaf: l})
		}
	}
	if len(stack) != 1 {
		return nil, ValueErrorf("Domain is not well formed: %s", pyRepr([]any(d)))
	}
	return stack[0], nil
}

func parseLeaf(t any) (leaf, error) {
	var parts []any
	switch x := t.(type) {
	case []any:
		parts = x
	case Domain:
		parts = x
	default:
		return leaf{}, ValueErrorf("Invalid domain term %s: a condition is [field, operator, value]", pyRepr(t))
	}
	if len(parts) != 3 {
		return leaf{}, ValueErrorf("Invalid domain term %s: a condition is [field, operator, value]", pyRepr(parts))
	}
	op, ok := parts[1].(string)
	l := leaf{op: op, value: parts[2]}
	switch left := parts[0].(type) {
	case string:
		l.path = left
	default:
		n, err := toInt(left)
		if err != nil {
			return leaf{}, ValueErrorf("Invalid leaf %s", pyRepr(parts))
		}
		l.isNum, l.left = true, n
	}
	if !ok || !slices.Contains(operators, op) {
		return leaf{}, ValueErrorf("Invalid leaf %s", l)
	}
	switch op {
	case "<>":
		l.op = "!="
	case "==":
		return leaf{}, ValueErrorf("Invalid leaf %s", l)
	}
	if l.isNum {
		n, err := toInt(l.value)
		if err != nil || l.op != "=" && l.op != "!=" {
			return leaf{}, ValueErrorf("Invalid leaf %s", l)
		}
		l.isNum = true
		l.value = (n == l.left) == (l.op == "=")
	}
	return l, nil
}

// mentions reports whether a leaf of the domain is on the field itself.
func (n *node) mentions(field string) bool {
	if n == nil {
		return false
	}
	if n.op == "" {
		return !n.leaf.isNum && n.leaf.path == field
	}
	return slices.ContainsFunc(n.kids, func(k *node) bool { return k.mentions(field) })
}

// Paths lists the field paths of a domain, for checks without a database.
func (d Domain) Paths() ([]string, error) {
	n, err := parseDomain(d)
	if err != nil {
		return nil, err
	}
	var out []string
	var walk func(*node)
	walk = func(n *node) {
		if n == nil {
			return
		}
		if n.op == "" && !n.leaf.isNum {
			out = append(out, n.leaf.path)
		}
		for _, k := range n.kids {
			walk(k)
		}
	}
	walk(n)
	return out, nil
}

// ToDomain reads a domain from a client: a list, or a false value for none.
func ToDomain(v any) (Domain, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case Domain:
		return x, nil
	case []any:
		return x, nil
	case bool:
		if !x {
			return nil, nil
		}
	case string:
		if strings.TrimSpace(x) == "" {
			return nil, nil
		}
	}
	return nil, ValueErrorf("Invalid domain %s: a list is expected", pyRepr(v))
}
