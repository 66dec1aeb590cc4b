package lint

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Selections finds bare strings that code compares a selection field with. A
// constant says what the value means, is found by name, and cannot be misspelled
// in one of many places. Tests are left alone: they say what is stored.
var Selections = &analysis.Analyzer{
	Name:      "selections",
	Doc:       "find bare strings compared with a field that has a selection",
	Run:       checkSelections,
	FactTypes: []analysis.Fact{(*hasSelection)(nil)},
}

// hasSelection marks the field of a struct whose tag lists its values.
type hasSelection struct{}

func (*hasSelection) AFact()         {}
func (*hasSelection) String() string { return "selection" }

func checkSelections(pass *analysis.Pass) (any, error) {
	var sources []*ast.File
	for _, f := range pass.Files {
		if !strings.HasSuffix(pass.Fset.File(f.Pos()).Name(), "_test.go") {
			sources = append(sources, f)
		}
	}
	for _, f := range sources {
		ast.Inspect(f, func(n ast.Node) bool {
			if fields, ok := n.(*ast.StructType); ok {
				markSelections(pass, fields)
			}
			return true
		})
	}
	for _, f := range sources {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op == token.EQL || n.Op == token.NEQ {
					comparedWith(pass, n.X, n.Y)
					comparedWith(pass, n.Y, n.X)
				}
			case *ast.SwitchStmt:
				for _, clause := range n.Body.List {
					comparedWith(pass, n.Tag, clause.(*ast.CaseClause).List...)
				}
			}
			return true
		})
	}
	return nil, nil
}

func markSelections(pass *analysis.Pass, fields *ast.StructType) {
	for _, field := range fields.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(field.Tag.Value)
		if err != nil || reflect.StructTag(tag).Get("selection") == "" {
			continue
		}
		for _, name := range field.Names {
			if v := pass.TypesInfo.Defs[name]; v != nil {
				pass.ExportObjectFact(v, &hasSelection{})
			}
		}
	}
}

// comparedWith reports the bare strings among others when e is a selection field.
func comparedWith(pass *analysis.Pass, e ast.Expr, others ...ast.Expr) {
	e = ast.Unparen(e)
	if call, ok := e.(*ast.CallExpr); ok { // what a deferred field holds
		if get, ok := call.Fun.(*ast.SelectorExpr); ok && get.Sel.Name == "Get" && len(call.Args) == 0 {
			e = get.X
		}
	}
	field, ok := e.(*ast.SelectorExpr)
	if !ok {
		return
	}
	v, ok := pass.TypesInfo.Uses[field.Sel].(*types.Var)
	if !ok || !v.IsField() || !pass.ImportObjectFact(v.Origin(), &hasSelection{}) {
		return
	}
	for _, o := range others {
		if text, ok := ast.Unparen(o).(*ast.BasicLit); ok && text.Kind == token.STRING && text.Value != `""` {
			pass.Reportf(text.Pos(), "%s is a selection: compare it with a constant instead of %s", field.Sel.Name, text.Value)
		}
	}
}
