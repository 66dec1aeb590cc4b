// Package structure tests the repository itself: which room may import which,
// where state may live, how long a file may be. It reads the sources with
// go/parser, so it needs nothing built, and imports nothing of ours. Each rule
// is a function from sources to faults; its own test feeds it sources that
// break the rule, a second one the repository.
package structure

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const moduleName = "fusionsoft.ca/fusion"

// file is one parsed Go file.
type file struct {
	path string // from the repository's root, with slashes
	ast  *ast.File
	test bool
}

// pkg is the folder of a package; path is "" for the root.
type pkg struct {
	path  string
	files []file
}

// imports lists the packages of ours that the non-test files import, by their
// path below the root.
func (p pkg) imports() []string {
	var out []string
	for _, f := range p.files {
		if f.test {
			continue
		}
		for _, i := range f.ast.Imports {
			if rest, ok := strings.CutPrefix(importPath(i), moduleName+"/"); ok && !slices.Contains(out, rest) {
				out = append(out, rest)
			}
		}
	}
	slices.Sort(out)
	return out
}

func importPath(i *ast.ImportSpec) string {
	s, _ := strconv.Unquote(i.Path.Value) // the parser checked it
	return s
}

// in tells whether a path is dir or below it.
func in(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

type sources struct {
	fset *token.FileSet
	pkgs []pkg
}

func (s *sources) at(pos token.Pos) string {
	p := s.fset.Position(pos)
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// parse reads sources given as path → content.
func parse(contents map[string]string) (*sources, error) {
	s := &sources{fset: token.NewFileSet()}
	byDir := map[string]*pkg{}
	for name, content := range contents {
		f, err := parser.ParseFile(s.fset, name, content, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		dir := path.Dir(name)
		if byDir[dir] == nil {
			byDir[dir] = &pkg{path: dir}
		}
		byDir[dir].files = append(byDir[dir].files, file{name, f, strings.HasSuffix(name, "_test.go")})
	}
	for _, p := range byDir {
		slices.SortFunc(p.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
		s.pkgs = append(s.pkgs, *p)
	}
	slices.SortFunc(s.pkgs, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	return s, nil
}

// given parses a broken example for the test of a rule.
func given(t *testing.T, contents map[string]string) *sources {
	t.Helper()
	s, err := parse(contents)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// repository walks from the root of the repository, which is two folders up.
// The tree is parsed once for all tests.
func repository(t *testing.T) *sources {
	t.Helper()
	s, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var parsed = sync.OnceValues(func() (*sources, error) {
	contents := map[string]string{}
	err := walk(func(name string, content func() ([]byte, error)) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		raw, err := content()
		contents[name] = string(raw)
		return err
	})
	if err != nil {
		return nil, err
	}
	return parse(contents)
})

const root = "../.."

// walk visits the files that people write: no output, no recorded data.
func walk(visit func(name string, content func() ([]byte, error)) error) error {
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if slices.Contains([]string{".git", "bin", "data", "artifacts"}, rel) || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return visit(rel, func() ([]byte, error) { return os.ReadFile(p) })
	})
}

// report fails the test once for every fault.
func report(t *testing.T, faults []string) {
	t.Helper()
	for _, f := range faults {
		t.Error(f)
	}
}

// expect compares the faults found in a broken example with what each must say.
func expect(t *testing.T, faults []string, want ...string) {
	t.Helper()
	if len(faults) != len(want) {
		t.Fatalf("%d faults, want %d:\n%s", len(faults), len(want), strings.Join(faults, "\n"))
	}
	for i, w := range want {
		if !strings.Contains(faults[i], w) {
			t.Errorf("fault %d is %q, want %q in it", i, faults[i], w)
		}
	}
}
