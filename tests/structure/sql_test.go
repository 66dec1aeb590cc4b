package structure

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// reach is how many lines a comment may stand above the SQL that it explains.
const reach = 8

// sqlFaults finds SQL of addons that does not say why it is no read or write of
// records, and statements that go past the unit of work's memory.
func sqlFaults(s *sources) []string {
	var faults []string
	for _, p := range s.pkgs {
		for _, f := range p.files {
			if in(p.path, "addons") && !f.test {
				faults = append(faults, unexplainedSQL(s, f)...)
			}
			if in(p.path, "framework/jobs") {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 0 && calls(call, "", "Tx") {
					faults = append(faults, s.at(call.Pos())+": Env.Tx is for enqueuing jobs only; the unit of work forgets nothing after it")
				}
				return true
			})
		}
	}
	return faults
}

// unexplainedSQL finds calls of orm.SQL and orm.Script without a comment "SQL: why"
// shortly above them, or above their function.
func unexplainedSQL(s *sources, f file) []string {
	line := func(pos token.Pos) int { return s.fset.Position(pos).Line }
	why := func(c *ast.CommentGroup) bool { return c != nil && strings.Contains(c.Text(), "SQL:") }
	var faults []string
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if ok && why(fn.Doc) {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !calls(call, "orm", "SQL") && !calls(call, "orm", "Script") {
				return true
			}
			at := line(call.Pos())
			if !slices.ContainsFunc(f.ast.Comments, func(c *ast.CommentGroup) bool { return why(c) && line(c.Pos()) <= at && line(c.End()) >= at-reach }) {
				faults = append(faults, s.at(call.Pos())+": say why this is no read of records, in a comment that begins with SQL:")
			}
			return true
		})
	}
	return faults
}

// calls reports whether a call is of x.name, of any x when it is "".
func calls(call *ast.CallExpr, x, name string) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return x == "" || ok && id.Name == x
}

func TestSQLSaysWhyAndWhatItTouches(t *testing.T) {
	t.Parallel()
	report(t, sqlFaults(repository(t)))
	expect(t, sqlFaults(given(t, map[string]string{
		"addons/a/a.go": `package a
func bare() { orm.Rows[int](env, orm.SQL("SELECT 1")) }

// told counts. SQL: in one statement.
func told() { orm.Rows[int](env, orm.SQL("SELECT 2")) }

func inside() {
	// SQL: a lock.
	env.Exec(orm.Script("LOCK"))
	_ = 1
	_ = 2
	_ = 3
	_ = 4
	_ = 5
	_ = 6
	_ = 7
	_ = 8
	env.Exec(orm.Script("LOCK"))
}
`,
		"addons/a/a_test.go":     `package a; func f() { env.Exec(orm.SQL("SELECT 3")); c.Env.Tx() }`,
		"framework/jobs/jobs.go": `package jobs; func f() { env.Tx() }`,
		"framework/web/web.go":   `package web; func f() { env.Exec(orm.SQL("SELECT 4")); env.Tx().Query("SELECT 5") }`,
	})), "addons/a/a.go:2: say why", "addons/a/a.go:18: say why", "addons/a/a_test.go:1: Env.Tx", "framework/web/web.go:1: Env.Tx")
}
