package expr

import (
	"regexp"
	"strings"

	"go.starlark.net/syntax"
)

// Call is the code of a cron or a server action: model.method(arguments).
type Call struct {
	Method string
	Args   []any
	Kwargs map[string]any
}

// assignment is what server actions write before their call. The caller shows
// what the call answers in any case, and never calls without records.
var assignment = regexp.MustCompile(`^((?:\s*#[^\n]*\n)*\s*)(if\s+records?\s*:\s*)?(action\s*=(?:[^=]|$))?`)

// ParseCall reads code of the one form a cron or server action may have,
// `model.method(...)` with literal arguments. `records` and `record` may stand
// for model, and `action =` before it. Comments and blank lines around it are
// ignored.
func ParseCall(src string) (*Call, error) {
	const want = "write one call of the form model.method(), with literal arguments"
	text := src
	if m := assignment.FindStringSubmatchIndex(src); m != nil {
		end := m[3]
		if m[5] >= 0 {
			end = m[5]
		}
		if m[7] >= 0 {
			end = m[7] - 1 // the sign after "="
		}
		blank := func(r rune) rune {
			if r == '\n' {
				return r
			}
			return ' '
		}
		text = src[:m[3]] + strings.Map(blank, src[m[3]:end]) + src[end:] // positions stay
	}
	p, err := parse(text)
	if err != nil {
		return nil, err
	}
	c, ok := unparen(p.tree).(*syntax.CallExpr)
	if !ok {
		return nil, p.errorf(p.tree, "this code is not a call: %s", want)
	}
	fn, ok := c.Fn.(*syntax.DotExpr)
	if !ok {
		return nil, p.errorf(c, "this code calls no method: %s", want)
	}
	if recv, ok := fn.X.(*syntax.Ident); !ok || recv.Name != "model" && recv.Name != "records" && recv.Name != "record" {
		return nil, p.errorf(fn, "only methods of model can be called: %s", want)
	}
	out := &Call{Method: fn.Name.Name, Kwargs: map[string]any{}}
	for _, a := range c.Args {
		if b, ok := a.(*syntax.BinaryExpr); ok && b.Op == syntax.EQ {
			v, err := p.constant(b.Y)
			if err != nil {
				return nil, err
			}
			out.Kwargs[b.X.(*syntax.Ident).Name] = v
			continue
		}
		v, err := p.constant(a)
		if err != nil {
			return nil, err
		}
		out.Args = append(out.Args, v)
	}
	return out, nil
}

// constant gives the value of an argument that reads no names.
func (p *parsed) constant(e syntax.Expr) (any, error) {
	if v, ok := literalOf(e); ok {
		return v, nil
	}
	if d, ok := unparen(e).(*syntax.DictExpr); ok {
		out := map[string]any{}
		for _, x := range d.List {
			x := x.(*syntax.DictEntry)
			key, ok := textOf(x.Key)
			if !ok {
				return nil, p.errorf(x, "the keys of a dictionary argument must be literal texts")
			}
			v, err := p.constant(x.Value)
			if err != nil {
				return nil, err
			}
			out[key] = v
		}
		return out, nil
	}
	return nil, p.errorf(e, "an argument must be a literal")
}

// CheckCall reads src with ParseCall and checks that its method is among
// those that may be called.
func CheckCall(src string, methods []string) error {
	c, err := ParseCall(src)
	if err != nil {
		return err
	}
	for _, m := range methods {
		if m == c.Method {
			return nil
		}
	}
	e := errorAt(src, 0, "unknown method %q", c.Method)
	e.Suggestion = Suggest(c.Method, methods)
	return e
}
