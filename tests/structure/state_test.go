package structure

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// stateAllowed are package-level variables that the rule would refuse, each
// with the reason why it does no harm: "folder.Name".
var stateAllowed = map[string]string{}

// mutableTypes are types whose values exist to be changed.
var mutableTypes = []string{"sync.", "atomic.", "bytes.Buffer", "strings.Builder", "rand.Rand", "prometheus."}

// harmlessCalls make something that only looks like a mutable type.
var harmlessCalls = []string{"sync.OnceValue", "sync.OnceValues", "prometheus.NewDesc"}

// stateFaults finds init functions and package-level variables that hold state.
// A variable passes when it has a value from the start that nothing in the
// repository assigns to, and its type is not one made for changing. Slots of
// the ORM (var Confirm orm.Action[…]) are declared empty by design.
func stateFaults(s *sources) []string {
	var faults []string
	foreign := foreignWrites(s)
	for _, p := range s.pkgs {
		written := ownWrites(p)
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, d := range f.ast.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if d.Recv == nil && d.Name.Name == "init" {
						faults = append(faults, s.at(d.Pos())+": func init: register explicitly instead")
					}
				case *ast.GenDecl:
					if d.Tok != token.VAR {
						continue
					}
					for _, spec := range d.Specs {
						v := spec.(*ast.ValueSpec)
						for i, name := range v.Names {
							key := p.path + "." + name.Name
							why := stateIn(d, v, i)
							switch {
							case name.Name == "_" || stateAllowed[key] != "":
								continue
							case why == "" && written[name.Name]:
								why = "is assigned to after its declaration"
							case why == "" && foreign[key]:
								why = "is assigned to by another package"
							}
							if why != "" {
								faults = append(faults, fmt.Sprintf("%s: package-level variable %s %s", s.at(name.Pos()), name.Name, why))
							}
						}
					}
				}
			}
		}
	}
	return faults
}

// stateIn judges a declaration by itself; "" means that it holds no state.
func stateIn(d *ast.GenDecl, v *ast.ValueSpec, i int) string {
	if embedded(d.Doc) || embedded(v.Doc) {
		return ""
	}
	typ := expr(v.Type)
	if strings.HasPrefix(typ, "orm.") {
		return ""
	}
	for _, m := range mutableTypes {
		if strings.HasPrefix(strings.TrimPrefix(typ, "*"), m) {
			return "has the type " + typ + ", which is made for changing"
		}
	}
	if len(v.Values) == 0 {
		return "has no value at its declaration, so somebody fills it later"
	}
	value := v.Values[min(i, len(v.Values)-1)]
	if u, ok := value.(*ast.UnaryExpr); ok {
		value = u.X
	}
	switch value := value.(type) {
	case *ast.CompositeLit:
		if _, isMap := value.Type.(*ast.MapType); isMap && len(value.Elts) == 0 {
			return "is an empty map, so somebody fills it later"
		}
		return stateType(expr(value.Type), value.Type != nil)
	case *ast.CallExpr:
		fun := expr(value.Fun)
		if fun == "make" || fun == "new" {
			return "is made empty, so somebody fills it later"
		}
		for _, h := range harmlessCalls {
			if fun == h {
				return ""
			}
		}
		return stateType(fun, true)
	}
	return ""
}

func stateType(name string, known bool) string {
	for _, m := range mutableTypes {
		if known && strings.HasPrefix(name, m) {
			return "is a " + name + ", which is made for changing"
		}
	}
	return ""
}

func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// expr writes the names in an expression: "pkg.Name", "*pkg.Name".
func expr(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return expr(e.X) + "." + e.Sel.Name
	case *ast.StarExpr:
		return "*" + expr(e.X)
	case *ast.IndexExpr:
		return expr(e.X)
	case *ast.IndexListExpr:
		return expr(e.X)
	case *ast.ChanType:
		return "sync.chan"
	}
	return ""
}

// writes calls found with the root of every expression that a file changes:
// x of x = …, x[i] = …, x.f++, delete(x, …), clear(x).
func writes(f *ast.File, found func(ast.Expr)) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, l := range n.Lhs {
					found(l)
				}
			}
		case *ast.IncDecStmt:
			found(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				found(n.Key)
				found(n.Value)
			}
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") && len(n.Args) > 0 {
				found(n.Args[0])
			}
		}
		return true
	})
}

// ownWrites names the package-level variables that the package itself changes.
func ownWrites(p pkg) map[string]bool {
	out := map[string]bool{}
	for _, f := range p.files {
		if f.test {
			continue
		}
		writes(f.ast, func(e ast.Expr) {
			for {
				switch x := e.(type) {
				case *ast.IndexExpr:
					e = x.X
				case *ast.SelectorExpr:
					e = x.X
				case *ast.StarExpr:
					e = x.X
				case *ast.ParenExpr:
					e = x.X
				case *ast.Ident:
					// The parser resolves what is declared in the same file;
					// a local variable is not in the file's scope.
					if x.Obj == nil || f.ast.Scope.Lookup(x.Name) == x.Obj {
						out[x.Name] = true
					}
					return
				default:
					return
				}
			}
		})
	}
	return out
}

// foreignWrites names the variables ("folder.Name") that other packages change.
func foreignWrites(s *sources) map[string]bool {
	out := map[string]bool{}
	for _, p := range s.pkgs {
		for _, f := range p.files {
			if f.test {
				continue
			}
			named := map[string]string{}
			for _, i := range f.ast.Imports {
				rest, ok := strings.CutPrefix(importPath(i), moduleName+"/")
				if !ok {
					continue
				}
				name := rest[strings.LastIndex(rest, "/")+1:]
				if i.Name != nil {
					name = i.Name.Name
				}
				named[name] = rest
			}
			writes(f.ast, func(e ast.Expr) {
				for {
					switch x := e.(type) {
					case *ast.IndexExpr:
						e = x.X
					case *ast.SelectorExpr:
						if id, ok := x.X.(*ast.Ident); ok {
							if folder := named[id.Name]; folder != "" && id.Obj == nil {
								out[folder+"."+x.Sel.Name] = true
							}
							return
						}
						e = x.X
					default:
						return
					}
				}
			})
		}
	}
	return out
}

func TestNoHiddenState(t *testing.T) {
	t.Parallel()
	s := repository(t)
	report(t, stateFaults(s))
	for key, reason := range stateAllowed {
		if reason == "" || !declared(s, key) {
			t.Errorf("stateAllowed names %s, which is not there or has no reason", key)
		}
	}
}

func declared(s *sources, key string) bool {
	for _, p := range s.pkgs {
		for _, f := range p.files {
			for _, d := range f.ast.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					for _, spec := range g.Specs {
						for _, n := range spec.(*ast.ValueSpec).Names {
							if p.path+"."+n.Name == key {
								return true
							}
						}
					}
				}
			}
		}
	}
	return false
}

func TestStateFaults(t *testing.T) {
	t.Parallel()
	expect(t, stateFaults(given(t, map[string]string{
		"framework/a/a.go": `package a
import ("embed"; "errors"; "regexp"; "sync"; "fusionsoft.ca/fusion/framework/orm"; "github.com/prometheus/client_golang/prometheus")
var ErrX = errors.New("x")
var re = regexp.MustCompile("x")
var names = map[string]int{"a": 1}
var _ error = (*T)(nil)
var Confirm orm.Action[T]
//go:embed x
var data embed.FS
var once = sync.OnceValue(func() int { return 1 })
type T struct{}
func use() { names := map[string]int{}; names["local"] = 2 }

func init() {}
var mu sync.Mutex
var cache = map[string]int{}
var queue = make(chan int)
var counter int
var list = []int{1}
var hits = prometheus.NewCounter(prometheus.CounterOpts{})
var Limit = 3
var mutable = &sync.Map{}
`,
		"framework/a/b.go": `package a; func grow() { list[0]++ }`,
		"framework/b/b.go": `package b; import "fusionsoft.ca/fusion/framework/a"; func set() { a.Limit = 4 }`,
	})),
		"func init", "mu has the type sync.Mutex", "cache is an empty map", "queue is made empty", "counter has no value",
		"list is assigned to after", "hits is a prometheus.NewCounter", "Limit is assigned to by another", "mutable is a sync.Map",
	)
}
