package structure

import (
	"fmt"
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sudoList says of every function that gets more rights than its caller has
// what it does with them, and why that is safe.
const sudoList = "tests/structure/testdata/sudo.txt"

// shortestReason is how many words a reason has at least.
const shortestReason = 6

// raisers are the methods of orm.Env that give more rights: without access
// checks, as another user, in a company that need not be the user's.
var raisers = []string{"Sudo", "WithUser", "WithCompany"}

// raised lists where each function gets more rights, by its name in sudo.txt.
func raised(s *sources) map[string][]ast.Node {
	found := map[string][]ast.Node{}
	for _, p := range s.pkgs {
		if !in(p.path, "addons") && !in(p.path, "framework") && !in(p.path, "cmd") {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			orm := ""
			if p.path != "framework/orm" {
				orm = "orm"
			}
			for _, d := range f.ast.Decls {
				if at := raisersIn(d, orm); len(at) > 0 {
					name := p.path + "." + declaredAs(d)
					found[name] = append(found[name], at...)
				}
			}
		}
	}
	return found
}

// raisersIn finds what gives more rights in a declaration. orm is what the
// record layer is called there, "" in itself.
func raisersIn(d ast.Decl, orm string) []ast.Node {
	var at []ast.Node
	ofORM := func(e ast.Expr, name string) bool {
		if orm == "" {
			id, ok := e.(*ast.Ident)
			return ok && id.Name == name
		}
		sel, ok := e.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == name && ofName(sel.X, orm)
	}
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr: // also when the method is not called but handed on
			if slices.Contains(raisers, n.Sel.Name) {
				at = append(at, n.Sel)
			}
		case *ast.CallExpr:
			if ofORM(n.Fun, "System") {
				at = append(at, n)
			}
		case *ast.CompositeLit:
			if len(n.Elts) > 0 && ofORM(n.Type, "User") {
				at = append(at, n)
			}
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				if sel, ok := l.(*ast.SelectorExpr); ok && orm == "" && sel.Sel.Name == "su" {
					at = append(at, l)
				}
			}
		}
		return true
	})
	return at
}

func ofName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// declaredAs names a declaration: Type.Method, Func, or the first name of the others.
func declaredAs(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return d.Name.Name
		}
		t := d.Recv.List[0].Type
		for {
			switch x := t.(type) {
			case *ast.StarExpr:
				t = x.X
			case *ast.IndexExpr:
				t = x.X
			case *ast.IndexListExpr:
				t = x.X
			default:
				return t.(*ast.Ident).Name + "." + d.Name.Name
			}
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				return spec.Names[0].Name
			case *ast.TypeSpec:
				return spec.Name.Name
			}
		}
	}
	return "?"
}

// asked is a line of sudo.txt.
type asked struct {
	line, calls int
	reason      string
}

// readSudoList reads lines of the form “package.function calls reason”. Empty
// lines and those that begin with # are for readers.
func readSudoList(text string) (map[string]asked, []string) {
	list := map[string]asked{}
	var faults []string
	last := ""
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		words := strings.Fields(line)
		n := 0
		if len(words) > 1 {
			n, _ = strconv.Atoi(words[1])
		}
		switch {
		case n < 1:
			faults = append(faults, fmt.Sprintf("%s:%d is not “package.function calls reason”", sudoList, i+1))
			continue
		case list[words[0]].line > 0:
			faults = append(faults, fmt.Sprintf("%s:%d: %s is listed twice", sudoList, i+1, words[0]))
		case words[0] < last:
			faults = append(faults, fmt.Sprintf("%s:%d: %s belongs before %s: the list is sorted", sudoList, i+1, words[0], last))
		case len(words)-2 < shortestReason:
			faults = append(faults, fmt.Sprintf("%s:%d: the reason of %s is too short: say what is done, and what was checked before or why it tells nothing", sudoList, i+1, words[0]))
		}
		last = words[0]
		list[words[0]] = asked{i + 1, n, strings.Join(words[2:], " ")}
	}
	return list, faults
}

// sudoFaults holds the functions that get more rights against the list.
func sudoFaults(s *sources, text string) []string {
	list, faults := readSudoList(text)
	found := raised(s)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		at, known := found[name], list[name]
		places := make([]string, len(at))
		for i, n := range at {
			places[i] = s.at(n.Pos())
		}
		switch {
		case known.line == 0:
			faults = append(faults, fmt.Sprintf("%s: %s gets more rights than its caller has. Check the caller's own rights first, or let it do without; then list it in %s with its number of calls (%d) and what makes it safe", strings.Join(places, ", "), name, sudoList, len(at)))
		case known.calls != len(at):
			faults = append(faults, fmt.Sprintf("%s: %s gets more rights %d times, and %s:%d says %d. Read all of them against the reason there, and mend it and the number", strings.Join(places, ", "), name, len(at), sudoList, known.line, known.calls))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if found[name] == nil {
			faults = append(faults, fmt.Sprintf("%s:%d: %s gets no more rights any more, or has another name. Remove the line", sudoList, list[name].line, name))
		}
	}
	return faults
}

// Whoever gets more rights has looked at them: sudo.txt lists every function
// that does, with the number of places and the reason.
func TestSudoIsAccountedFor(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "sudo.txt"))
	if err != nil {
		t.Fatal(err)
	}
	report(t, sudoFaults(repository(t), string(text)))

	broken := given(t, map[string]string{
		"addons/a/a.go":       "package a\nfunc f() { env.Sudo() }\nfunc (x *T[A]) g() { h(env.WithUser) }\nfunc two() { rs.Env.Sudo(); env.WithCompany(1) }",
		"addons/a/a_test.go":  "package a\nfunc inTest() { env.Sudo() }",
		"addons/b/b.go":       "package b\nvar _, x = 1, orm.System()\nfunc short() { env.Sudo() }\nfunc none() { a := orm.User{}; _ = a }",
		"framework/orm/o.go":  "package orm\nfunc e(c *Env) { c.su, x = true, 1; _ = User{ID: 1}; System() }",
		"tests/kit/kit.go":    "package kit\nfunc f() { env.Sudo() }",
		"framework/cli/c.go":  "package cli\nfunc (s *System) Close() { s.System() }",
		"framework/web/ok.go": "package web\nfunc known() { env.Sudo() }",
	})
	expect(t, sudoFaults(broken, strings.Join([]string{
		"# about",
		"addons/a.two 1 reads the names of what it has just written as the user",
		"addons/b.short 1 is needed",
		"addons/c.gone 1 reads what is there for everybody, such as currencies",
		"framework/web.known 1 reads the menu, which is filtered by the user's groups",
		"framework/web.known 1 reads the menu, which is filtered by the user's groups",
		"framework/orm.before 1 reads the menu, which is filtered by the user's groups",
		"nonsense",
	}, "\n")),
		"sudo.txt:3: the reason of addons/b.short is too short",
		"sudo.txt:6: framework/web.known is listed twice",
		"sudo.txt:7: framework/orm.before belongs before framework/web.known",
		"sudo.txt:8 is not",
		"addons/a/a.go:3: addons/a.T.g gets more rights",
		"addons/a/a.go:2: addons/a.f gets more rights",
		"addons/a/a.go:4, addons/a/a.go:4: addons/a.two gets more rights 2 times, and tests/structure/testdata/sudo.txt:2 says 1",
		"addons/b/b.go:2: addons/b._ gets more rights",
		"framework/orm/o.go:2, framework/orm/o.go:2, framework/orm/o.go:2: framework/orm.e gets more rights",
		"sudo.txt:4: addons/c.gone gets no more rights any more",
		"sudo.txt:7: framework/orm.before gets no more rights any more",
	)
}
