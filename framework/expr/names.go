package expr

import (
	"go.starlark.net/syntax"
)

// freeNames finds what p reads from its caller: names, the dotted paths read
// from them, and where each name first stands in the source.
func freeNames(p *parsed) (names, paths []string, at map[string]int) {
	at = map[string]int{}
	seen := map[string]bool{}
	path := func(id *syntax.Ident, path string, bound map[string]int) {
		if bound[id.Name] > 0 || isBuiltin(id.Name) || id.Name == "__chain" {
			return
		}
		if _, ok := at[id.Name]; !ok {
			at[id.Name] = p.offset(id.NamePos)
			names = append(names, id.Name)
		}
		if !seen[path] {
			seen[path] = true
			paths = append(paths, path)
		}
	}
	bound := map[string]int{}
	var walk func(n syntax.Node, suffix string)
	list := func(es []syntax.Expr) {
		for _, e := range es {
			walk(e, "")
		}
	}
	walk = func(n syntax.Node, suffix string) {
		switch n := n.(type) {
		case nil:
		case *syntax.Ident:
			path(n, n.Name+suffix, bound)
		case *syntax.DotExpr:
			walk(n.X, "."+n.Name.Name+suffix)
		case *syntax.ParenExpr:
			walk(n.X, suffix)
		case *syntax.UnaryExpr:
			if n.X != nil {
				walk(n.X, "")
			}
		case *syntax.BinaryExpr:
			walk(n.X, "")
			walk(n.Y, "")
		case *syntax.CondExpr:
			list([]syntax.Expr{n.Cond, n.True, n.False})
		case *syntax.IndexExpr:
			list([]syntax.Expr{n.X, n.Y})
		case *syntax.SliceExpr:
			for _, e := range []syntax.Expr{n.X, n.Lo, n.Hi, n.Step} {
				if e != nil {
					walk(e, "")
				}
			}
		case *syntax.ListExpr:
			list(n.List)
		case *syntax.TupleExpr:
			list(n.List)
		case *syntax.DictExpr:
			list(n.List)
		case *syntax.DictEntry:
			list([]syntax.Expr{n.Key, n.Value})
		case *syntax.CallExpr:
			if d, ok := unparen(n.Fn).(*syntax.DotExpr); ok {
				walk(d.X, "") // the method itself is no field
			} else {
				walk(n.Fn, "")
			}
			for _, a := range n.Args {
				if b, ok := a.(*syntax.BinaryExpr); ok && b.Op == syntax.EQ {
					a = b.Y
				}
				walk(a, "")
			}
		case *syntax.Comprehension:
			var vars []string
			for _, c := range n.Clauses {
				switch c := c.(type) {
				case *syntax.ForClause:
					walk(c.X, "")
					for _, v := range identsOf(c.Vars) {
						bound[v]++
						vars = append(vars, v)
					}
				case *syntax.IfClause:
					walk(c.Cond, "")
				}
			}
			walk(n.Body, "")
			for _, v := range vars {
				bound[v]--
			}
		}
	}
	walk(p.tree, "")
	return names, paths, at
}

func identsOf(e syntax.Expr) []string {
	switch e := unparen(e).(type) {
	case *syntax.Ident:
		return []string{e.Name}
	case *syntax.TupleExpr:
		var out []string
		for _, x := range e.List {
			out = append(out, identsOf(x)...)
		}
		return out
	case *syntax.ListExpr:
		var out []string
		for _, x := range e.List {
			out = append(out, identsOf(x)...)
		}
		return out
	}
	return nil
}
