package structure

import (
	"bytes"
	"fmt"
	"go/ast"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// longest is how many lines a file may have and still be read in one sitting.
const longest = 700

func lengthFault(name string, content []byte) string {
	if !slices.Contains([]string{".go", ".js", ".css", ".php"}, path.Ext(name)) {
		return ""
	}
	if n := bytes.Count(content, []byte("\n")); n > longest {
		return fmt.Sprintf("%s has %d lines; at most %d: split it by what its parts are for", name, n, longest)
	}
	return ""
}

func TestFilesStayReadable(t *testing.T) {
	t.Parallel()
	err := walk(func(name string, content func() ([]byte, error)) error {
		raw, err := content()
		if err != nil {
			return err
		}
		if f := lengthFault(name, raw); f != "" {
			t.Error(f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lengthFault("a.css", bytes.Repeat([]byte("\n"), longest)) != "" || lengthFault("a.css", bytes.Repeat([]byte("\n"), longest+1)) == "" {
		t.Error("the limit is not at the limit")
	}
}

// mostMethods is how many methods a type of the back office may have, whose page had
// 112: what more there is to do belongs to a type of its own.
const mostMethods = 45

func methodFaults(s *sources) []string {
	var faults []string
	for _, p := range s.pkgs {
		if !in(p.path, "framework/web") {
			continue
		}
		count := map[string]int{}
		for _, f := range p.files {
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && !f.test {
					t := fn.Recv.List[0].Type
					if star, ok := t.(*ast.StarExpr); ok {
						t = star.X
					}
					if id, ok := t.(*ast.Ident); ok {
						count[id.Name]++
					}
				}
			}
		}
		for name, n := range count {
			if n > mostMethods {
				faults = append(faults, fmt.Sprintf("%s: %s has %d methods; at most %d", p.path, name, n, mostMethods))
			}
		}
	}
	return faults
}

func TestTypesStayGraspable(t *testing.T) {
	t.Parallel()
	report(t, methodFaults(repository(t)))
	many := "package web; type page struct{}; type small struct{}; func (small) m() {}"
	for i := range mostMethods + 1 {
		many += fmt.Sprintf("; func (p *page) m%d() {}", i)
	}
	expect(t, methodFaults(given(t, map[string]string{"framework/web/w.go": many, "framework/other/o.go": strings.Replace(many, "web", "other", 1)})),
		"framework/web: page has 46 methods")
}

func docFaults(s *sources) []string {
	var faults []string
	for _, p := range s.pkgs {
		if !slices.ContainsFunc(p.files, func(f file) bool { return f.ast.Doc != nil }) {
			faults = append(faults, p.path+": no file has a package comment saying what the package is for")
		}
	}
	return faults
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	report(t, docFaults(repository(t)))
	expect(t, docFaults(given(t, map[string]string{
		"a/a.go": "// Package a is for tests.\npackage a", "a/b.go": "package a",
		"b/b.go": "package b",
	})), "b: no file")
}

// foreignPlaces matches what holds on one machine only: a home or work folder,
// a sibling of the repository, the host of a package registry. The parts are
// joined so that this file does not match.
var foreignPlaces = regexp.MustCompile(strings.Join([]string{
	`(^|[^\w.])/(home|root|Users)` + `/[A-Za-z.]`, `/wo` + `rk/(main|shared)\b`,
	`\.\./sha` + `red\b`,
	`C:\\Us` + `ers`,
	`\b(proxy|sum)\.gol` + `ang\.org`, `\bregistry\.(npm|yarn)` + `(js|pkg)\.`, `\b(deb|security)\.deb` + `ian\.org`,
	`\bpypi\.` + `org`, `\bfiles\.python` + `hosted\.org`, `\brepo\.pack` + `agist\.org`,
}, "|"))

func TestNoPlaceOfOneMachine(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Skip("not a git checkout: nothing is tracked")
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		// Recordings say what was recorded.
		if strings.Contains("/"+name, "/testdata/") || name == "go.sum" {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || bytes.IndexByte(raw, 0) >= 0 {
			continue // deleted in the work tree, or binary
		}
		for i, line := range strings.Split(string(raw), "\n") {
			if m := foreignPlaces.FindString(line); m != "" {
				t.Errorf("%s:%d names %q, which is a place of one machine", name, i+1, m)
			}
		}
	}
	for _, bad := range []string{"see /ho" + "me/ann/notes", `"/wo` + `rk/main"`, "GOPROXY=https://proxy.go" + "lang.org", "../sha" + "red/x"} {
		if !foreignPlaces.MatchString(bad) {
			t.Errorf("%q passes", bad)
		}
	}
	for _, good := range []string{"/usr/lib/postgresql", "https://example.com/home/page", "below /root, say", "/web/home"} {
		if m := foreignPlaces.FindString(good); m != "" {
			t.Errorf("%q does not pass: %q", good, m)
		}
	}
}
