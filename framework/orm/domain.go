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
	out, size, n := Domain{}, 0, 0
	for _, d := range ds {
		size += len(d) + 1
		n += b2i(len(d) > 0)
	}
	if n == 0 {
		return out
	}
	out = slices.Grow(out, size)
	for range n - 1 {
		out = append(out, op)
	}
	for _, d := range ds {
		if len(d) > 0 {
			out = append(out, normalize(d)...)
		}
	}
	return out
}

// normalize makes the implicit "&" of adjacent terms explicit.
func normalize(d Domain) Domain {
	expected, joined := 1, 0
	for _, t := range d {
		if expected == 0 {
			joined++
			expected = 1
		}
		switch t {
		case any("&"), any("|"):
			expected++
		case any("!"):
		default:
			expected--
		}
	}
	out := make(Domain, joined, joined+len(d))
	for i := range out {
		out[i] = "&"
	}
	return append(out, d...)
}

// node is a parsed domain. Negations have been pushed down to the leaves.
type node struct {
	op   string // "&", "|", "!" (of one leaf), or "" for a leaf
	kids []*node
	leaf leaf
}

type leaf struct {
	path  string
	op    string
	value any
	isNum bool // a constant: value says whether it holds
	left  int64
}

func (l leaf) String() string {
	left := "'" + l.path + "'"
	if l.isNum {
		left = fmt.Sprint(l.left)
	}
	return fmt.Sprintf("(%s, '%s', %s)", left, l.op, pyRepr(l.value))
}

var operators = []string{"=", "!=", "<>", "<=", "<", ">", ">=", "=?", "=like", "=ilike", "like", "not like", "ilike", "not ilike", "in", "not in", "child_of", "parent_of", "any", "not any"}

// opposites are the operators whose negation is an operator again. What they
// say of a record without a value is their own business: neither "<" nor its
// opposite ">=" holds for it, while one of "=" and "!=" always does.
var opposites = map[string]string{"=": "!=", "!=": "=", "<": ">=", ">": "<=", "<=": ">", ">=": "<", "in": "not in", "not in": "in",
	"like": "not like", "not like": "like", "ilike": "not ilike", "not ilike": "ilike", "any": "not any", "not any": "any"}

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
	var stack []*term
	pop := func() *term {
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
					return nil, ValueErrorf("Domain %s is not well formed: '!' lacks its term", pyRepr([]any(d)))
				}
				a.negated = !a.negated
				stack = append(stack, a)
			case "&", "|":
				a, b := pop(), pop()
				if a == nil || b == nil {
					return nil, ValueErrorf("Domain %s is not well formed: %q lacks a term", pyRepr([]any(d)), t)
				}
				stack = append(stack, &term{op: t, kids: [2]*term{a, b}})
			default:
				return nil, ValueErrorf("Invalid domain term %s: neither an operator nor a condition", pyRepr(t))
			}
		default:
			l, err := parseLeaf(t)
			if err != nil {
				return nil, err
			}
			stack = append(stack, &term{leaf: l})
		}
	}
	if len(stack) != 1 {
		return nil, ValueErrorf("Domain %s is not well formed", pyRepr([]any(d)))
	}
	return stack[0].flatten(false, 0)
}

// term is a part of a domain as it is written: of two parts, or one leaf.
type term struct {
	op      string
	kids    [2]*term
	leaf    leaf
	negated bool
}

// maxNesting is how often "and" and "or" may alternate on the way to a leaf.
const maxNesting = 500

// flatten makes nodes of as many parts as an operator joins, and pushes negations
// down to the leaves, each term being looked at once.
func (t *term) flatten(negate bool, depth int) (*node, error) {
	negate = negate != t.negated
	if t.op == "" {
		n := &node{leaf: t.leaf}
		if negate {
			n = n.negate()
		}
		return n, nil
	}
	if depth > maxNesting {
		return nil, UserErrorf("The domain is nested too deeply (more than %d levels).", maxNesting)
	}
	out := &node{op: opOf(t.op, negate)}
	type part struct {
		*term
		negate bool
	}
	todo := []part{{t.kids[1], negate}, {t.kids[0], negate}}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if below := p.negate != p.negated; p.op != "" && opOf(p.op, below) == out.op {
			todo = append(todo, part{p.kids[1], below}, part{p.kids[0], below})
			continue
		}
		n, err := p.flatten(p.negate, depth+1)
		if err != nil {
			return nil, err
		}
		out.kids = append(out.kids, n)
	}
	return out, nil
}

// opOf is an operator, or that which its negation becomes.
func opOf(op string, negate bool) string {
	if !negate {
		return op
	}
	return map[string]string{"&": "|", "|": "&"}[op]
}

// negate is the opposite of a leaf. One on a path keeps its "!", as the opposite of
// "some related record is so" is not "some related record is not".
func (n *node) negate() *node {
	l := n.leaf
	switch {
	case l.isNum:
		l.value = l.value != true
		return &node{leaf: l}
	case l.op == "=?":
		if !truthy(l.value) {
			return &node{leaf: leaf{isNum: true, value: false}}
		}
		l.op = "!="
		return &node{leaf: l}
	case !strings.Contains(l.path, ".") && opposites[l.op] != "":
		l.op = opposites[l.op]
		return &node{leaf: l}
	}
	return &node{op: "!", kids: []*node{n}}
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
	if !ok {
		return leaf{}, ValueErrorf("Invalid leaf %s", l)
	}
	if l.op == "<>" {
		l.op = "!="
	}
	if l.isNum {
		// (1, '=', 1) always holds and (0, '=', 1) never; there are no others.
		n, err := toInt(l.value)
		if err != nil || n != 1 || l.op != "=" || l.left != 0 && l.left != 1 {
			return leaf{}, ValueErrorf("Invalid leaf %s", l)
		}
		l.value = l.left == 1
		return l, nil
	}
	if r, ok := l.value.(Records); ok {
		l.value = r.IDs
	}
	// A list with "=" means "in"; a boolean with "in" means "=".
	_, isBool := l.value.(bool)
	switch {
	case isList(l.value) && l.op == "=":
		l.op = "in"
	case isList(l.value) && l.op == "!=":
		l.op = "not in"
	case isBool && l.op == "in" && l.value == true:
		l.op = "="
	case isBool && l.op == "not in" && l.value == true:
		l.op = "!="
	}
	return l, nil
}

func isList(v any) bool {
	switch v.(type) {
	case []any, []int64, []string:
		return true
	}
	return false
}

// neverHolds reports whether the domain is false whatever the records, so that
// nothing needs to be searched. It knows constants and empty lists.
func (n *node) neverHolds() bool { return n != nil && n.verdict() < 0 }

// verdict is -1 for never, 1 for always, 0 for it depends.
func (n *node) verdict() int {
	switch n.op {
	case "!":
		return -n.kids[0].verdict()
	case "&", "|":
		v := n.kids[0].verdict()
		for _, k := range n.kids[1:] {
			if n.op == "&" {
				v = min(v, k.verdict())
			} else {
				v = max(v, k.verdict())
			}
		}
		return v
	}
	switch {
	case n.leaf.isNum && n.leaf.value == true:
		return 1
	case n.leaf.isNum:
		return -1
	case n.leaf.op == "in" && isNothing(n.leaf.value):
		return -1
	case n.leaf.op == "not in" && isNothing(n.leaf.value):
		return 1
	}
	return 0
}

func isNothing(v any) bool {
	switch x := v.(type) {
	case []any:
		return len(x) == 0
	case []int64:
		return len(x) == 0
	case []string:
		return len(x) == 0
	case string:
		return x == ""
	}
	return isEmpty(v)
}

// mentions reports whether a leaf of the domain is on the field itself.
func (n *node) mentions(field string) bool {
	return n.any(func(l leaf) bool { return l.path == field })
}

// any reports whether one of the leaves that are no constants is as wanted.
func (n *node) any(is func(leaf) bool) bool {
	if n == nil {
		return false
	}
	if n.op == "" {
		return !n.leaf.isNum && is(n.leaf)
	}
	return slices.ContainsFunc(n.kids, func(k *node) bool { return k.any(is) })
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

// Paths lists the field paths of a domain, those of nested domains included.
func (d Domain) Paths() ([]string, error) {
	n, err := parseDomain(d)
	if err != nil {
		return nil, err
	}
	var out []string
	var walk func(*node) error
	walk = func(n *node) error {
		if n == nil {
			return nil
		}
		for _, k := range n.kids {
			if err := walk(k); err != nil {
				return err
			}
		}
		if n.op != "" || n.leaf.isNum {
			return nil
		}
		out = append(out, n.leaf.path)
		if n.leaf.op != "any" && n.leaf.op != "not any" {
			return nil
		}
		sub, err := ToDomain(n.leaf.value)
		if err != nil {
			return err
		}
		below, err := sub.Paths()
		for _, p := range below {
			out = append(out, n.leaf.path+"."+p)
		}
		return err
	}
	return out, walk(n)
}
