package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

type goFunc func(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error)

// builtin wraps fn so that what goes in and what comes out is measured.
func (r *run) builtin(name string, fn goFunc) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := r.charge(args...); err != nil {
			return nil, err
		}
		for _, kv := range kwargs {
			if err := r.charge(kv[1]); err != nil {
				return nil, err
			}
		}
		v, err := fn(args, kwargs)
		if err != nil {
			return nil, err
		}
		return v, r.charge(v)
	})
}

// Starlark's own functions that are let through, arguments measured.
func starlarkFuncs() []string {
	return []string{"abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "len", "list",
		"max", "min", "reversed", "sorted", "str", "tuple", "zip"}
}

func isBuiltin(name string) bool {
	switch name {
	case "True", "False", "None", "true", "false", "none", "null", "range", "sum", "round", "set", "Command":
		return true
	}
	return slices.Contains(starlarkFuncs(), name)
}

// builtins adds those of the names that every expression may use. Names the
// caller gave stay.
func (r *run) builtins(env starlark.StringDict, names []string) {
	for _, name := range names {
		if _, taken := env[name]; !taken {
			env[name] = r.named(name)
		}
	}
}

// named gives the built-in value of a name for which isBuiltin holds, or of a
// guard.
func (r *run) named(name string) starlark.Value {
	switch name {
	case "True", "true":
		return starlark.True
	case "False", "false":
		return starlark.False
	case "None", "none", "null":
		return starlark.None
	case "range":
		return r.builtin(name, rangeOf)
	case "sum":
		return r.builtin(name, r.sum)
	case "round":
		return r.builtin(name, round)
	case "set":
		return r.builtin(name, set)
	case "Command":
		return opaque{commands{}}
	case "__check":
		return r.builtin("value", func(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return args[0], nil
		})
	case "__op":
		return r.raw(func(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return r.binary(string(args[0].(starlark.String)), args[1], args[2])
		})
	case "__unary":
		return r.raw(unary)
	case "__chain":
		return r.raw(r.chain)
	case "__attr":
		return r.raw(func(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return r.attr(args[0], string(args[1].(starlark.String)))
		})
	case "__index":
		return r.raw(func(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return r.index(args[0], args[1])
		})
	case "__method":
		return starlark.NewBuiltin("method", func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			v, err := r.method(th, args[0], string(args[1].(starlark.String)), args[2:], kwargs)
			if err != nil {
				return nil, err
			}
			return v, r.charge(v)
		})
	}
	inner := starlark.Universe[name]
	return starlark.NewBuiltin(name, func(th *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		outer := r.builtin(name, func(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if name == "int" && len(args) > 0 {
				if s, ok := args[0].(starlark.String); ok && len(s) > 64 {
					return nil, fmt.Errorf("int: text is too long")
				}
			}
			return starlark.Call(th, inner, args, kwargs)
		})
		return outer.CallInternal(th, args, kwargs)
	})
}

func unary(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	op := string(args[0].(starlark.String))
	if d, ok := args[1].(opaque); ok {
		if delta, ok := d.v.(Delta); ok && op == "-" {
			return opaque{delta.scale(-1)}, nil
		}
	}
	return starlark.Unary(tokenOf(op), number(args[1], op))
}

// raw is a builtin that measures for itself.
func (r *run) raw(fn goFunc) *starlark.Builtin {
	return starlark.NewBuiltin("operator", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return fn(args, kwargs)
	})
}

func (r *run) chain(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	for i := 0; i+2 < len(args); i += 2 {
		v, err := r.binary(string(args[i+1].(starlark.String)), args[i], args[i+2])
		if err != nil || !bool(v.Truth()) {
			return v, err
		}
	}
	return starlark.True, nil
}

func rangeOf(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v, err := starlark.Call(&starlark.Thread{}, starlark.Universe["range"], args, kwargs)
	if err != nil {
		return nil, err
	}
	if n := starlark.Len(v); n > maxSize/10 {
		return nil, fmt.Errorf("range: %d elements are too many", n)
	}
	return v, nil
}

func (r *run) sum(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("sum: one argument expected")
	}
	it, ok := args[0].(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("sum: %s is not a list", args[0].Type())
	}
	var total starlark.Value = starlark.MakeInt(0)
	for v := range starlark.Elements(it) {
		if !isNumber(v) {
			return nil, fmt.Errorf("sum: %s is not a number", v.Type())
		}
		var err error
		if total, err = starlark.Binary(syntax.PLUS, total, number(v, "+")); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// set drops duplicates; sets have no use in an expression but that.
func set(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	d, out := starlark.NewDict(8), []starlark.Value{}
	if len(args) > 1 {
		return nil, fmt.Errorf("set: at most one argument expected")
	}
	if len(args) == 1 {
		it, ok := args[0].(starlark.Iterable)
		if !ok {
			return nil, fmt.Errorf("set: %s is not a list", args[0].Type())
		}
		for v := range starlark.Elements(it) {
			if _, dup, err := d.Get(v); err != nil {
				return nil, err
			} else if !dup {
				if err := d.SetKey(v, starlark.None); err != nil {
					return nil, err
				}
				out = append(out, v)
			}
		}
	}
	return starlark.NewList(out), nil
}

// attr reads x.name. A dictionary gives its keys as attributes, so that the
// caller can hand in `parent` or `user` as a plain map.
func (r *run) attr(x starlark.Value, name string) (starlark.Value, error) {
	switch x := x.(type) {
	case opaque:
		return r.objectAttr(x.v, name)
	case opaqueFunc:
		return r.objectAttr(x.v, name)
	case *starlark.Dict:
		if v, ok, err := x.Get(starlark.String(name)); ok || err != nil {
			return v, err
		}
		var known []string
		for _, k := range x.Keys() {
			if s, ok := k.(starlark.String); ok {
				known = append(known, string(s))
			}
		}
		return nil, &nameError{fmt.Sprintf("unknown name %q", name), Suggest(name, known)}
	}
	return nil, &nameError{fmt.Sprintf("a value of type %s has no attribute %q", x.Type(), name), ""}
}

func (r *run) objectAttr(v any, name string) (starlark.Value, error) {
	obj, ok := v.(Object)
	if !ok {
		return nil, &nameError{fmt.Sprintf("this value has no attribute %q", name), ""}
	}
	out, ok, err := obj.Attr(name)
	if err != nil {
		return nil, &callerError{err}
	}
	if !ok {
		return nil, &nameError{fmt.Sprintf("unknown attribute %q", name), Suggest(name, obj.AttrNames())}
	}
	return r.toStarlark(out, 0)
}

func (r *run) index(x, k starlark.Value) (starlark.Value, error) {
	if err := r.charge(k); err != nil {
		return nil, err
	}
	switch c := x.(type) {
	case *starlark.Dict:
		v, ok, err := c.Get(k)
		if err == nil && !ok {
			err = fmt.Errorf("key %s is not in the dictionary", k)
		}
		return v, err
	case starlark.Indexable:
		i, ok := number(k, "+").(starlark.Int)
		if !ok {
			return nil, fmt.Errorf("index must be an integer, not %s", k.Type())
		}
		n, err := int64Of(i)
		if err != nil {
			return nil, err
		}
		if n < 0 {
			n += int64(c.Len())
		}
		if n < 0 || n >= int64(c.Len()) {
			return nil, fmt.Errorf("index %s is out of range: %d elements", k, c.Len())
		}
		return c.Index(int(n)), nil
	}
	return nil, fmt.Errorf("a value of type %s has no elements", x.Type())
}

// method calls x.name(args). Only methods that change nothing are there.
func (r *run) method(th *starlark.Thread, x starlark.Value, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := r.charge(append(slices.Clone(args), x)...); err != nil {
		return nil, err
	}
	var allowed []string
	switch recv := x.(type) {
	case starlark.String:
		allowed = []string{"capitalize", "count", "endswith", "find", "format", "index", "isalnum", "isalpha", "isdigit",
			"islower", "isspace", "istitle", "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
			"replace", "rfind", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"}
		if err := r.methodGrowth(recv, name, args, kwargs); err != nil {
			return nil, err
		}
	case *starlark.List:
		allowed = []string{"index"}
	case *starlark.Dict:
		allowed = []string{"get", "items", "keys", "values"}
		if !slices.Contains(allowed, name) {
			fn, err := r.attr(x, name)
			if err != nil {
				return nil, err
			}
			return starlark.Call(th, fn, args, kwargs)
		}
	case opaque, opaqueFunc:
		fn, err := r.attr(x, name)
		if err != nil {
			return nil, err
		}
		return starlark.Call(th, fn, args, kwargs)
	}
	if !slices.Contains(allowed, name) {
		return nil, &nameError{fmt.Sprintf("a value of type %s has no method %q that may be called here", x.Type(), name), Suggest(name, allowed)}
	}
	fn, err := x.(starlark.HasAttrs).Attr(name)
	if err != nil {
		return nil, err
	}
	return starlark.Call(th, fn, args, kwargs)
}

// methodGrowth refuses the text methods whose result could be far larger than
// what goes in.
func (r *run) methodGrowth(recv starlark.String, name string, args starlark.Tuple, kwargs []starlark.Tuple) error {
	switch {
	case name == "replace" && len(args) >= 2:
		if old, ok := args[0].(starlark.String); ok {
			return r.growth(strings.Count(string(recv), string(old)), args[1])
		}
	case name == "format":
		vals := slices.Clone(args)
		for _, kv := range kwargs {
			vals = append(vals, kv[1])
		}
		return r.growth(strings.Count(string(recv), "{"), vals...)
	case name == "join" && len(args) == 1:
		return r.growth(max(0, starlark.Len(args[0])), recv)
	}
	return nil
}

// round is Python's: half to even, to digits after the point.
func round(args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 || len(args) > 2 || !isNumber(args[0]) {
		return nil, fmt.Errorf("round: a number and a number of digits expected")
	}
	f, ok := starlark.AsFloat(number(args[0], "+"))
	if !ok {
		return nil, fmt.Errorf("round: a number expected")
	}
	digits := 0
	if len(args) == 2 {
		if err := starlark.AsInt(args[1], &digits); err != nil || digits < 0 || digits > 15 {
			return nil, fmt.Errorf("round: digits must be from 0 to 15")
		}
	}
	out, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', digits, 64), 64)
	if err != nil {
		return nil, fmt.Errorf("round: %v", err)
	}
	if len(args) == 1 {
		return starlark.NumberToInt(starlark.Float(out))
	}
	return starlark.Float(out), nil
}
