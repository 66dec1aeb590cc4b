package expr

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// binary is the guarded form of every two-sided operator.
func (r *run) binary(op string, x, y starlark.Value) (starlark.Value, error) {
	if err := r.charge(x, y); err != nil {
		return nil, err
	}
	switch op {
	case "==", "!=":
		return starlark.Bool(equal(x, y) == (op == "==")), nil
	case "<", "<=", ">", ">=":
		c, err := order(x, y)
		if err != nil {
			return nil, fmt.Errorf("cannot compare %s %s %s", x.Type(), op, y.Type())
		}
		return starlark.Bool(op == "<" && c < 0 || op == "<=" && c <= 0 || op == ">" && c > 0 || op == ">=" && c >= 0), nil
	case "in", "not in":
		has, err := contains(x, y)
		return starlark.Bool(has == (op == "in")), err
	}
	if v, done, err := dateOp(op, x, y); done || err != nil {
		return v, err
	}
	x, y = number(x, op), number(y, op)
	if op == "*" {
		if err := r.repeats(x, y); err != nil {
			return nil, err
		}
		if err := r.repeats(y, x); err != nil {
			return nil, err
		}
	}
	if f, ok := x.(starlark.String); ok && op == "%" {
		v, err := r.format(string(f), y)
		if err != nil {
			return nil, err
		}
		return v, r.charge(v)
	}
	v, err := starlark.Binary(tokenOf(op), x, y)
	if err != nil {
		return nil, err
	}
	return v, r.charge(v)
}

// number makes an int of a bool, which arithmetic in Python takes for one.
func number(v starlark.Value, op string) starlark.Value {
	if b, ok := v.(starlark.Bool); ok && op != "|" && op != "&" && op != "^" {
		if b {
			return starlark.MakeInt(1)
		}
		return starlark.MakeInt(0)
	}
	return v
}

func tokenOf(op string) syntax.Token {
	for t := syntax.PLUS; t <= syntax.NOT_IN; t++ {
		if t.String() == op {
			return t
		}
	}
	return syntax.ILLEGAL
}

// repeats refuses a repetition whose result would be too large.
func (r *run) repeats(seq, times starlark.Value) error {
	n, ok := times.(starlark.Int)
	if !ok {
		return nil
	}
	switch seq.(type) {
	case starlark.String, *starlark.List, starlark.Tuple:
		count, ok := n.Int64()
		if !ok || count > maxSize {
			return fmt.Errorf("value is too large: more than %d elements and characters", maxSize)
		}
		return r.growth(int(count), seq)
	}
	return nil
}

// growth refuses to write v more often than a value may be large. The text of
// a value takes at most six times the bytes charge counts for it.
func (r *run) growth(times int, v ...starlark.Value) error {
	size := 0
	for _, x := range v {
		if err := r.measure(x, &size, 0); err != nil {
			return err
		}
	}
	if times > 0 && size > maxSize/times {
		return fmt.Errorf("value is too large: more than %d elements and characters", maxSize)
	}
	return nil
}

// equal is Python's ==: True is 1, a list is not a tuple, a date equals its
// own text (fields reach an expression as text when they come from the wire).
func equal(x, y starlark.Value) bool {
	if xo, ok := dateText(x, y); ok {
		return xo == 0
	}
	x, y = number(x, "=="), number(y, "==")
	switch a := x.(type) {
	case *starlark.List:
		b, ok := y.(*starlark.List)
		return ok && equalSeq(a, b)
	case starlark.Tuple:
		b, ok := y.(starlark.Tuple)
		return ok && equalSeq(a, b)
	case *starlark.Dict:
		b, ok := y.(*starlark.Dict)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for k, v := range a.Entries() {
			w, found, err := b.Get(k)
			if err != nil || !found || !equal(v, w) {
				return false
			}
		}
		return true
	case opaque:
		b, ok := y.(opaque)
		if !ok {
			return false
		}
		da, aok := a.v.(Delta)
		db, bok := b.v.(Delta)
		return aok && bok && da == db
	}
	switch y.(type) {
	case *starlark.List, starlark.Tuple, *starlark.Dict, opaque, opaqueFunc:
		return false
	}
	ok, err := starlark.Equal(x, y)
	return err == nil && ok
}

func equalSeq(a, b starlark.Indexable) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !equal(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

// order is Python's ordering, with one rule of the web client added: what is
// unset (None or False) comes before any text or date instead of failing.
func order(x, y starlark.Value) (int, error) {
	if c, ok := dateText(x, y); ok {
		return c, nil
	}
	if unset(x) != unset(y) {
		if unset(x) && !isNumber(y) {
			return -1, nil
		}
		if unset(y) && !isNumber(x) {
			return 1, nil
		}
	}
	x, y = number(x, "<"), number(y, "<")
	if x == starlark.None {
		x = starlark.MakeInt(0)
	}
	if y == starlark.None {
		y = starlark.MakeInt(0)
	}
	if a, ok := x.(starlark.Indexable); ok {
		if b, ok := y.(starlark.Indexable); ok && x.Type() == y.Type() && x.Type() != "string" {
			for i := range min(a.Len(), b.Len()) {
				if c, err := order(a.Index(i), b.Index(i)); c != 0 || err != nil {
					return c, err
				}
			}
			return a.Len() - b.Len(), nil
		}
	}
	less, err := starlark.Compare(syntax.LT, x, y)
	if err != nil {
		return 0, err
	}
	if less {
		return -1, nil
	}
	if eq, err := starlark.Equal(x, y); err == nil && eq {
		return 0, nil
	}
	return 1, nil
}

func unset(v starlark.Value) bool { return v == starlark.None || v == starlark.Bool(false) }

func isNumber(v starlark.Value) bool {
	switch v.(type) {
	case starlark.Int, starlark.Float, starlark.Bool, starlark.NoneType:
		return true
	}
	return false
}

func contains(x, y starlark.Value) (bool, error) {
	switch c := y.(type) {
	case starlark.String:
		s, ok := x.(starlark.String)
		if !ok {
			if unset(x) {
				return false, nil
			}
			return false, fmt.Errorf("'in' of a text needs a text on its left, not %s", x.Type())
		}
		return strings.Contains(string(c), string(s)), nil
	case *starlark.Dict:
		_, found, err := c.Get(x)
		return found, err
	case starlark.Indexable:
		for i := range c.Len() {
			if equal(x, c.Index(i)) {
				return true, nil
			}
		}
		return false, nil
	}
	if unset(y) {
		return false, nil
	}
	return false, fmt.Errorf("'in' needs a list, text or dictionary on its right, not %s", y.Type())
}
