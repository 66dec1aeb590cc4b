package orm

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
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

// AnyOf is the condition of a search by name on several fields: that one of them
// meets it, all of them where the operator denies.
func AnyOf(op string, value any, paths ...string) Domain {
	ds := make([]Domain, len(paths))
	for i, path := range paths {
		ds[i] = Leaf(path, op, value)
	}
	if isNegative(op) {
		return And(ds...)
	}
	return Or(ds...)
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

// flat joins domains into one whose "&" all stand before their terms, without
// what always holds. Nothing, if nothing else is left, is [(1, '=', 1)].
func flat(ds ...Domain) (Domain, error) {
	all := &node{op: "&"}
	for _, d := range ds {
		n, err := parseDomain(d)
		if err != nil {
			return nil, err
		}
		if n != nil {
			all.kids = append(all.kids, n)
		}
	}
	return all.flat(), nil
}

func (n *node) flat() Domain {
	switch n.op {
	case "":
		if n.leaf.isNum {
			return Domain{[]any{b2i(n.leaf.value == true), "=", 1}}
		}
		value := n.leaf.value
		if value == nil {
			value = false
		}
		return Leaf(n.leaf.path, n.leaf.op, value)
	case "!":
		return append(Domain{"!"}, n.kids[0].flat()...)
	}
	neutral, zero := 1, 0
	if n.op == "|" {
		neutral, zero = 0, 1
	}
	var terms []Domain
	var gather func(*node) bool
	gather = func(n *node) bool {
		for _, k := range n.kids {
			if k.op == n.op {
				if gather(k) {
					return true
				}
				continue
			}
			t := k.flat()
			switch c, _ := t[0].([]any); {
			case len(t) == 1 && c[0] == zero:
				return true
			case len(t) == 1 && c[0] == neutral:
			default:
				terms = append(terms, t)
			}
		}
		return false
	}
	if gather(n) {
		return Domain{[]any{zero, "=", 1}}
	}
	if len(terms) == 0 {
		return Domain{[]any{neutral, "=", 1}}
	}
	out := Domain{}
	for range terms[1:] {
		out = append(out, n.op)
	}
	for _, t := range terms {
		out = append(out, t...)
	}
	return out
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
}

func (l leaf) String() string {
	value := l.value
	if value == nil {
		value = false
	}
	return fmt.Sprintf("('%s', '%s', %s)", l.path, l.op, expr.Repr(value))
}

var operators = []string{"=", "!=", "<=", "<", ">", ">=", "=?", "like", "not like", "ilike", "not ilike", "=like", "not =like", "=ilike", "not =ilike",
	"in", "not in", "child_of", "parent_of", "any", "not any"}

// spellings are those of operators that have another one.
var spellings = map[string]string{"<>": "!=", "==": "="}

// opposites are the operators whose negation is an operator again, whatever the
// field. That of an ordering depends on what an empty value counts as.
var opposites = map[string]string{"=": "!=", "!=": "=", "in": "not in", "not in": "in", "like": "not like", "not like": "like", "ilike": "not ilike", "not ilike": "ilike",
	"=like": "not =like", "not =like": "=like", "=ilike": "not =ilike", "not =ilike": "=ilike", "any": "not any", "not any": "any"}

// reversed are the opposites of orderings.
var reversed = map[string]string{"<": ">=", ">": "<=", "<=": ">", ">=": "<"}

const maxDomainTerms = 20000

// parseDomain reads prefix notation without recursion on its length.
func parseDomain(d Domain) (*node, error) {
	if len(d) == 0 {
		return nil, nil
	}
	if len(d) > maxDomainTerms {
		return nil, UserErrorf("The domain has %d terms; at most %d are accepted.", len(d), maxDomainTerms)
	}
	given := d
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
					return nil, malformed(given)
				}
				a.negated = !a.negated
				stack = append(stack, a)
			case "&", "|":
				a, b := pop(), pop()
				if a == nil || b == nil {
					return nil, malformed(given)
				}
				stack = append(stack, &term{op: t, kids: [2]*term{a, b}})
			default:
				return nil, noTerm(t)
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
		return nil, malformed(given)
	}
	return stack[0].flatten(false, 0)
}

func malformed(d Domain) error {
	return ValueErrorf("Domain() malformed domain %s", expr.Repr([]any(d)))
}

func noTerm(t any) error { return ValueErrorf("Domain() invalid item in domain: %s", expr.Repr(t)) }

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
// "some related record is so" is not "some related record is not"; so does an
// ordering, until the field is known.
func (n *node) negate() *node {
	l := n.leaf
	switch {
	case l.isNum:
		l.value = l.value != true
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
	}
	if len(parts) != 3 {
		return leaf{}, noTerm(t)
	}
	path, named := parts[0].(string)
	if !named {
		return constantLeaf(parts)
	}
	op, _ := parts[1].(string)
	l := leaf{path: path, op: strings.ToLower(op), value: parts[2]}
	if rs, ok := l.value.(Records); ok {
		l.value = rs.IDs
	}
	if l.path == "" {
		return leaf{}, &Error{Code: CodeType, Message: "Empty field name in condition " + l.String()}
	}
	if other := spellings[l.op]; other != "" {
		l.op = other
	}
	if !slices.Contains(operators, l.op) {
		return leaf{}, ValueErrorf("Invalid operator in condition %s", l)
	}
	if l.op == "=?" {
		if l.op = "="; !truthy(l.value) {
			return leaf{isNum: true, value: true}, nil
		}
	}
	return l, nil
}

// constantLeaf reads (1, '=', 1), which always holds, or (0, '=', 1), which never
// does. There are no others.
func constantLeaf(parts []any) (leaf, error) {
	left, err := toInt(parts[0])
	right, rightErr := toInt(parts[2])
	if err != nil || rightErr != nil || right != 1 || parts[1] != "=" || left != 0 && left != 1 {
		return leaf{}, &Error{Code: CodeType, Message: fmt.Sprintf("Domain() invalid arguments: (%s, %s, %s)", expr.Repr(parts[0]), expr.Repr(parts[1]), expr.Repr(parts[2]))}
	}
	return leaf{isNum: true, value: left == 1}, nil
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
	case n.leaf.op == "in" && !truthy(n.leaf.value):
		return -1
	case n.leaf.op == "not in" && !truthy(n.leaf.value):
		return 1
	}
	return 0
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
	return nil, noDomain(v)
}

func noDomain(v any) error {
	return &Error{Code: CodeType, Message: "Domain() invalid argument type for domain: " + expr.Repr(v)}
}

// subdomain is what the related records of a condition must meet. False, and
// nothing, are met by none.
func subdomain(v any) (Domain, error) {
	switch x := v.(type) {
	case Domain:
		return x, nil
	case []any:
		return x, nil
	case nil:
		return Not(nil), nil
	case bool:
		if x {
			return nil, nil
		}
		return Not(nil), nil
	}
	return nil, noDomain(v)
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
		sub, err := subdomain(n.leaf.value)
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
