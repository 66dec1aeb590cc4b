package expr

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/syntax"
)

// Operators lists the operators a leaf of a domain may have.
func Operators() []string {
	return []string{"=", "!=", "<", "<=", ">", ">=", "=?", "in", "not in", "like", "not like", "ilike", "not ilike",
		"=like", "not =like", "=ilike", "not =ilike", "child_of", "parent_of", "any", "not any", "any!", "not any!"}
}

// Domain runs the program and gives a well-formed search domain: "&", "|" and
// "!" in prefix order, leaves as []any{path, operator, value}, nested domains
// under "any", dates as the text they have on the wire. False and None are the
// empty domain.
func (p *Program) Domain(vars map[string]any) ([]any, error) {
	v, err := p.Eval(vars)
	if err != nil {
		return nil, err
	}
	if v == nil || v == false {
		return []any{}, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errorAt(p.src, 0, "a domain must be a list, not %s", typeName(v))
	}
	out, err := checkDomain(list)
	if err != nil {
		return nil, errorAt(p.src, 0, "%v", err)
	}
	return out, nil
}

func checkDomain(list []any) ([]any, error) {
	out := make([]any, 0, len(list))
	open := 0 // operands the operators so far still need
	for i, el := range list {
		switch el := el.(type) {
		case string:
			switch el {
			case "&", "|":
				open = max(open, 1) + 1
			case "!":
				open = max(open, 1)
			default:
				return nil, fmt.Errorf("element %d of the domain, %q, is neither a condition nor an operator (&, |, !)", i+1, el)
			}
			out = append(out, el)
		case []any:
			leaf, err := checkLeaf(el)
			if err != nil {
				return nil, fmt.Errorf("element %d of the domain: %w", i+1, err)
			}
			out = append(out, leaf)
			open = max(open-1, 0)
		default:
			return nil, fmt.Errorf("element %d of the domain must be a condition (field, operator, value), not %s", i+1, typeName(el))
		}
	}
	if open > 0 {
		return nil, fmt.Errorf("the domain ends too early: its operators need %d more condition(s)", open)
	}
	return out, nil
}

func checkLeaf(el []any) ([]any, error) {
	if len(el) != 3 {
		return nil, fmt.Errorf("a condition has three parts (field, operator, value), this one has %d", len(el))
	}
	op, ok := el[1].(string)
	if !ok {
		return nil, fmt.Errorf("the operator of a condition must be a text, not %s", typeName(el[1]))
	}
	op = normalOperator(op)
	if !slices.Contains(Operators(), op) {
		return nil, &nameError{fmt.Sprintf("unknown operator %q", el[1]), Suggest(op, Operators())}
	}
	switch left := el[0].(type) {
	case string:
		if left == "" {
			return nil, fmt.Errorf("the field of a condition is empty")
		}
	case int64:
		if left != 0 && left != 1 || op != "=" && op != "!=" {
			return nil, fmt.Errorf("the field of a condition must be a text, not %d", left)
		}
	default:
		return nil, fmt.Errorf("the field of a condition must be a text, not %s", typeName(el[0]))
	}
	value := wire(el[2])
	if sub, ok := value.([]any); ok && strings.Contains(op, "any") {
		var err error
		if value, err = checkDomain(sub); err != nil {
			return nil, err
		}
	}
	return []any{el[0], op, value}, nil
}

// normalOperator gives the one spelling of an operator that has several.
func normalOperator(op string) string {
	op = strings.ToLower(strings.Join(strings.Fields(op), " "))
	switch op {
	case "==":
		return "="
	case "<>":
		return "!="
	}
	return op
}

// wire turns dates, also within lists, into the text they have on the wire.
func wire(v any) any {
	switch v := v.(type) {
	case Date:
		return v.String()
	case DateTime:
		return v.String()
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = wire(x)
		}
		return out
	}
	return v
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "a dictionary"
	}
	return "an object"
}

// Leaf is one condition as it is written in a domain expression.
type Leaf struct {
	Path     string // field path on the left
	Operator string // normalised
	Value    any    // the value when it is a literal, else nil
	Literal  bool   // whether Value is one
	Sub      []Leaf // conditions of the domain under any / not any
	Line     int    // within the expression, from 1
}

// Leaves lists the conditions written in src without evaluating it, so that a
// checker can look at the left sides although the right sides need values it
// has not. Conditions of nested domains stand in Sub of their parent.
func Leaves(src string) ([]Leaf, error) {
	p, err := parse(src)
	if err != nil {
		return nil, err
	}
	var leaves func(e syntax.Expr) ([]Leaf, error)
	leaf := func(parts []syntax.Expr, at syntax.Node) (*Leaf, error) {
		path, ok1 := textOf(parts[0])
		op, ok2 := textOf(parts[1])
		if !ok1 || !ok2 {
			return nil, nil // computed, or the TRUE leaf (1, '=', 1)
		}
		l := &Leaf{Path: path, Operator: normalOperator(op), Line: strings.Count(p.src[:p.offset(syntax.Start(at))], "\n") + 1}
		if !slices.Contains(Operators(), l.Operator) {
			e := p.errorf(parts[1], "unknown operator %q", op)
			e.Suggestion = Suggest(l.Operator, Operators())
			return nil, e
		}
		if strings.Contains(l.Operator, "any") {
			sub, err := leaves(parts[2])
			l.Sub = sub
			return l, err
		}
		l.Value, l.Literal = literalOf(parts[2])
		return l, nil
	}
	leaves = func(e syntax.Expr) ([]Leaf, error) {
		var out []Leaf
		switch e := unparen(e).(type) {
		case *syntax.BinaryExpr:
			for _, side := range []syntax.Expr{e.X, e.Y} {
				sub, err := leaves(side)
				if err != nil {
					return nil, err
				}
				out = append(out, sub...)
			}
		case *syntax.CondExpr:
			for _, side := range []syntax.Expr{e.True, e.False} {
				sub, err := leaves(side)
				if err != nil {
					return nil, err
				}
				out = append(out, sub...)
			}
		case *syntax.ListExpr:
			for _, el := range e.List {
				parts := partsOf(el)
				if _, isText := textOf(el); isText || parts == nil {
					continue
				}
				if len(parts) != 3 {
					return nil, p.errorf(el, "a condition has three parts (field, operator, value), this one has %d", len(parts))
				}
				l, err := leaf(parts, el)
				if err != nil {
					return nil, err
				}
				if l != nil {
					out = append(out, *l)
				}
			}
		}
		return out, nil
	}
	return leaves(p.tree)
}

func partsOf(e syntax.Expr) []syntax.Expr {
	switch e := unparen(e).(type) {
	case *syntax.TupleExpr:
		return e.List
	case *syntax.ListExpr:
		return e.List
	}
	return nil
}

func textOf(e syntax.Expr) (string, bool) {
	l, ok := unparen(e).(*syntax.Literal)
	if !ok {
		return "", false
	}
	s, ok := l.Value.(string)
	return s, ok
}

// literalOf gives the value of a literal text, number, True, False or None,
// or of a list of them.
func literalOf(e syntax.Expr) (any, bool) {
	switch e := unparen(e).(type) {
	case *syntax.Literal:
		switch v := e.Value.(type) {
		case string, int64, float64:
			return v, true
		}
	case *syntax.Ident:
		switch strings.ToLower(e.Name) {
		case "true", "false":
			return strings.EqualFold(e.Name, "true"), true
		case "none", "null":
			return nil, true
		}
	case *syntax.UnaryExpr:
		if v, ok := literalOf(e.X); ok && e.Op == syntax.MINUS {
			switch v := v.(type) {
			case int64:
				return -v, true
			case float64:
				return -v, true
			}
		}
	case *syntax.ListExpr, *syntax.TupleExpr:
		out := []any{}
		for _, x := range partsOf(e) {
			v, ok := literalOf(x)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	}
	return nil, false
}

// Item is one entry of a dictionary as it is written, such as a context.
type Item struct {
	Key     string
	Value   any  // when it is a literal, else nil
	Literal bool // whether Value is one
}

// Items lists the entries of the dictionary src writes, without evaluating it;
// entries whose key is computed are left out.
func Items(src string) ([]Item, error) {
	p, err := parse(src)
	if err != nil {
		return nil, err
	}
	d, ok := unparen(p.tree).(*syntax.DictExpr)
	if !ok {
		return nil, p.errorf(p.tree, "a dictionary is expected")
	}
	var out []Item
	for _, e := range d.List {
		e := e.(*syntax.DictEntry)
		if key, ok := textOf(e.Key); ok {
			v, lit := literalOf(e.Value)
			out = append(out, Item{Key: key, Value: v, Literal: lit})
		}
	}
	return out, nil
}
