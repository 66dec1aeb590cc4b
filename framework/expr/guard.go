package expr

import (
	"fmt"
	"math/big"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

const (
	maxSteps = 200_000   // Starlark steps of one evaluation
	maxSize  = 200_000   // nodes plus text bytes of any one value
	maxWork  = 2_000_000 // nodes plus text bytes looked at in one evaluation
)

// run is the state of one evaluation.
type run struct{ budget int }

// charge measures v as a tree, so that a value shared a thousand times counts
// a thousand times, and takes the measure off the budget.
func (r *run) charge(vs ...starlark.Value) error {
	size := 0
	for _, v := range vs {
		if err := r.measure(v, &size, 0); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) spend(n int, size *int) error {
	*size += n
	r.budget -= n
	if *size > maxSize {
		return fmt.Errorf("value is too large: more than %d elements and characters", maxSize)
	}
	if r.budget < 0 {
		return fmt.Errorf("expression takes too much work")
	}
	return nil
}

func (r *run) measure(v starlark.Value, size *int, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("value is nested too deep: at most %d levels", maxDepth)
	}
	n := 1
	switch v := v.(type) {
	case starlark.String:
		n += len(v)
	case *starlark.List, starlark.Tuple, *starlark.Dict: // element by element below
	case starlark.Sequence: // a range: small, but listing it is work
		n += starlark.Len(v)
	case starlark.Int:
		n += v.BigInt().BitLen() / 64
		if v.BigInt().BitLen() > 1024 {
			return fmt.Errorf("integer is too large")
		}
	}
	if err := r.spend(n, size); err != nil {
		return err
	}
	switch v := v.(type) {
	case *starlark.List:
		for i := range v.Len() {
			if err := r.measure(v.Index(i), size, depth+1); err != nil {
				return err
			}
		}
	case starlark.Tuple:
		for _, x := range v {
			if err := r.measure(x, size, depth+1); err != nil {
				return err
			}
		}
	case *starlark.Dict:
		for k, x := range v.Entries() {
			if err := r.measure(k, size, depth+1); err != nil {
				return err
			}
			if err := r.measure(x, size, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// guarder rewrites a syntax tree so that whatever builds, compares or looks
// into values goes through the functions of this package.
type guarder struct {
	p     *parsed
	err   error
	used  []string // built-in names and guards
	taken map[string]bool
}

func (g *guarder) use(name string) {
	if !g.taken[name] && (strings.HasPrefix(name, "__") || isBuiltin(name)) {
		g.taken[name] = true
		g.used = append(g.used, name)
	}
}

func (g *guarder) fail(n syntax.Node, format string, args ...any) {
	if g.err == nil {
		g.err = g.p.errorf(n, format, args...)
	}
}

func (g *guarder) guard(fn string, pos syntax.Position, args ...syntax.Expr) syntax.Expr {
	g.use(fn)
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: pos, Name: fn}, Lparen: pos, Args: args, Rparen: pos}
}

func text(s string, pos syntax.Position) syntax.Expr {
	return &syntax.Literal{Token: syntax.STRING, TokenPos: pos, Raw: syntax.Quote(s, false), Value: s}
}

func unparen(e syntax.Expr) syntax.Expr {
	for {
		p, ok := e.(*syntax.ParenExpr)
		if !ok {
			return e
		}
		e = p.X
	}
}

func (g *guarder) exprs(list []syntax.Expr) []syntax.Expr {
	out := make([]syntax.Expr, len(list))
	for i, e := range list {
		out[i] = g.expr(e)
	}
	return out
}

func (g *guarder) opt(e syntax.Expr) syntax.Expr {
	if e == nil {
		return nil
	}
	return g.expr(e)
}

func (g *guarder) expr(e syntax.Expr) syntax.Expr {
	switch e := e.(type) {
	case *syntax.Ident:
		g.use(e.Name)
		return e
	case *syntax.Literal:
		if e.Token == syntax.BYTES {
			g.fail(e, "bytes are not supported")
		}
		return e
	case *syntax.ParenExpr:
		return &syntax.ParenExpr{Lparen: e.Lparen, X: g.expr(e.X), Rparen: e.Rparen}
	case *syntax.UnaryExpr:
		if e.Op == syntax.NOT {
			return &syntax.UnaryExpr{OpPos: e.OpPos, Op: e.Op, X: g.expr(e.X)}
		}
		return g.guard("__unary", e.OpPos, text(e.Op.String(), e.OpPos), g.expr(e.X))
	case *syntax.BinaryExpr:
		x, y := g.expr(e.X), g.expr(e.Y)
		if e.Op == syntax.AND || e.Op == syntax.OR {
			return &syntax.BinaryExpr{X: x, OpPos: e.OpPos, Op: e.Op, Y: y}
		}
		return g.guard("__op", e.OpPos, text(e.Op.String(), e.OpPos), x, y)
	case *syntax.CondExpr:
		return &syntax.CondExpr{If: e.If, Cond: g.expr(e.Cond), True: g.expr(e.True), ElsePos: e.ElsePos, False: g.expr(e.False)}
	case *syntax.DotExpr:
		return g.guard("__attr", e.Name.NamePos, g.expr(e.X), text(e.Name.Name, e.Name.NamePos))
	case *syntax.IndexExpr:
		return g.guard("__index", e.Lbrack, g.expr(e.X), g.expr(e.Y))
	case *syntax.SliceExpr:
		return g.guard("__check", e.Lbrack, &syntax.SliceExpr{X: g.expr(e.X), Lbrack: e.Lbrack,
			Lo: g.opt(e.Lo), Hi: g.opt(e.Hi), Step: g.opt(e.Step), Rbrack: e.Rbrack})
	case *syntax.ListExpr:
		return g.guard("__check", e.Lbrack, &syntax.ListExpr{Lbrack: e.Lbrack, List: g.exprs(e.List), Rbrack: e.Rbrack})
	case *syntax.TupleExpr:
		return g.guard("__check", syntax.Start(e), &syntax.TupleExpr{Lparen: syntax.Start(e), List: g.exprs(e.List), Rparen: e.Rparen})
	case *syntax.DictExpr:
		list := make([]syntax.Expr, len(e.List))
		for i, d := range e.List {
			list[i] = g.entry(d.(*syntax.DictEntry))
		}
		return g.guard("__check", e.Lbrace, &syntax.DictExpr{Lbrace: e.Lbrace, List: list, Rbrace: e.Rbrace})
	case *syntax.Comprehension:
		return g.comprehension(e)
	case *syntax.CallExpr:
		return g.call(e)
	}
	g.fail(e, "this is not allowed in an expression")
	return e
}

// entry checks a key before it is hashed: hashing walks all of it.
func (g *guarder) entry(d *syntax.DictEntry) *syntax.DictEntry {
	return &syntax.DictEntry{Key: g.guard("__check", syntax.Start(d.Key), g.expr(d.Key)), Colon: d.Colon, Value: g.expr(d.Value)}
}

func (g *guarder) comprehension(e *syntax.Comprehension) syntax.Expr {
	c := &syntax.Comprehension{Curly: e.Curly, Lbrack: e.Lbrack, Rbrack: e.Rbrack}
	for _, cl := range e.Clauses {
		switch cl := cl.(type) {
		case *syntax.ForClause:
			c.Clauses = append(c.Clauses, &syntax.ForClause{For: cl.For, Vars: g.loopVars(cl.Vars), In: cl.In, X: g.expr(cl.X)})
		case *syntax.IfClause:
			c.Clauses = append(c.Clauses, &syntax.IfClause{If: cl.If, Cond: g.expr(cl.Cond)})
		}
	}
	if d, ok := e.Body.(*syntax.DictEntry); ok {
		c.Body = g.entry(d)
	} else {
		c.Body = g.expr(e.Body)
	}
	return g.guard("__check", e.Lbrack, c)
}

func (g *guarder) loopVars(e syntax.Expr) syntax.Expr {
	switch e := unparen(e).(type) {
	case *syntax.Ident:
		return e
	case *syntax.TupleExpr:
		for _, x := range e.List {
			g.loopVars(x)
		}
		return e
	case *syntax.ListExpr:
		for _, x := range e.List {
			g.loopVars(x)
		}
		return e
	}
	g.fail(e, "the variable of a comprehension must be a name")
	return e
}

func (g *guarder) call(e *syntax.CallExpr) syntax.Expr {
	args := make([]syntax.Expr, 0, len(e.Args)+2)
	for _, a := range e.Args {
		switch b := a.(type) {
		case *syntax.BinaryExpr:
			if b.Op == syntax.EQ {
				a = &syntax.BinaryExpr{X: b.X, OpPos: b.OpPos, Op: b.Op, Y: g.expr(b.Y)}
			} else {
				a = g.expr(a)
			}
		case *syntax.UnaryExpr:
			if b.Op == syntax.STAR || b.Op == syntax.STARSTAR {
				a = &syntax.UnaryExpr{OpPos: b.OpPos, Op: b.Op, X: g.opt(b.X)}
			} else {
				a = g.expr(a)
			}
		default:
			a = g.expr(a)
		}
		args = append(args, a)
	}
	switch fn := unparen(e.Fn).(type) {
	case *syntax.Ident:
		g.use(fn.Name)
		return &syntax.CallExpr{Fn: fn, Lparen: fn.NamePos, Args: args, Rparen: e.Rparen}
	case *syntax.DotExpr:
		head := []syntax.Expr{g.expr(fn.X), text(fn.Name.Name, fn.Name.NamePos)}
		return g.guard("__method", fn.Name.NamePos, append(head, args...)...)
	default:
		g.fail(e, "only a name or a method can be called")
		return e
	}
}

// int64Of gives v as an int64.
func int64Of(v starlark.Int) (int64, error) {
	n, ok := v.Int64()
	if !ok {
		return 0, fmt.Errorf("integer %s is too large", shortInt(v.BigInt()))
	}
	return n, nil
}

func shortInt(n *big.Int) string {
	if n.BitLen() > 128 {
		return fmt.Sprintf("of %d bits", n.BitLen())
	}
	return n.String()
}
