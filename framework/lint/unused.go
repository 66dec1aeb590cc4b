package lint

import (
	"fmt"
	"go/token"
	"path/filepath"

	"golang.org/x/tools/go/analysis"
	"honnef.co/go/tools/unused"
)

// Unused reports what nothing in a package and its tests uses, as staticcheck does
// under U1000. go vet looks at a package together with its tests, and what is
// exported counts as used; so a package at a time is enough.
var Unused = &analysis.Analyzer{
	Name:     "unused",
	Doc:      "find constants, variables, types, fields and functions that nothing uses",
	Run:      reportUnused,
	Requires: []*analysis.Analyzer{unused.Analyzer.Analyzer},
}

// object tells objects apart by where they are declared: an instance of a generic
// type has the fields of the type itself.
type object struct {
	file string
	line int
	name string
}

func objectOf(o unused.Object) object {
	return object{filepath.Base(o.Position.Filename), o.Position.Line, o.Name}
}

func reportUnused(pass *analysis.Pass) (any, error) {
	found, ok := pass.ResultOf[unused.Analyzer.Analyzer].(unused.Result)
	if !ok {
		return nil, fmt.Errorf("unused: the result is a %T", pass.ResultOf[unused.Analyzer.Analyzer])
	}
	used := map[object]bool{}
	for _, o := range found.Used {
		used[objectOf(o)] = true
	}
	for _, o := range found.Unused {
		if !used[objectOf(o)] {
			pass.Report(analysis.Diagnostic{Pos: positionIn(pass, o.Position), Category: "U1000", Message: fmt.Sprintf("%s %s is unused", o.Kind, o.Name)})
		}
	}
	return nil, nil
}

// positionIn finds a place that is told by file, line and column.
func positionIn(pass *analysis.Pass, at token.Position) token.Pos {
	for _, f := range pass.Files {
		file := pass.Fset.File(f.Pos())
		if file.Name() == at.Filename && at.Line <= file.LineCount() {
			return file.LineStart(at.Line) + token.Pos(at.Column-1)
		}
	}
	return token.NoPos
}
