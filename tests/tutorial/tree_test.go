// Package tutorial proves what newcomers meet first: that an addon written by
// fusion scaffold, and those that docs/tutorial.md leads to, compile, keep the
// rules of the repository, and do what is said of them. It imports the framework
// only.
package tutorial

import (
	"bytes"
	"cmp"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree is a copy of the repository made of links, to which a test adds addons.
type tree struct {
	t    *testing.T
	root string // of the repository
	dir  string // of the copy
	work string // the workspace that commands belong to; "" for none
}

func newTree(t *testing.T) *tree {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	l := &tree{t: t, root: root, dir: filepath.Join(t.TempDir(), "fusion")}
	for _, name := range []string{"framework", "static"} {
		l.link(name)
	}
	entries, err := os.ReadDir(filepath.Join(root, "addons"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		l.link("addons/" + e.Name())
	}
	sources, err := filepath.Glob(filepath.Join(root, "cmd/fusion/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	sources = append(sources, filepath.Join(root, "standard/standard.go"))
	for _, s := range append(sources, filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"), filepath.Join(root, "Makefile")) {
		raw, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		l.write(strings.TrimPrefix(filepath.ToSlash(s), filepath.ToSlash(root)+"/"), string(raw))
	}
	return l
}

func (l *tree) path(name string) string { return filepath.Join(l.dir, filepath.FromSlash(name)) }

func (l *tree) link(name string) {
	l.t.Helper()
	err := os.MkdirAll(filepath.Dir(l.path(name)), 0o700)
	if err == nil {
		err = os.Symlink(filepath.Join(l.root, filepath.FromSlash(name)), l.path(name))
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *tree) write(name, content string) {
	l.t.Helper()
	err := os.MkdirAll(filepath.Dir(l.path(name)), 0o700)
	if err == nil {
		err = os.WriteFile(l.path(name), []byte(content), 0o600)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// environment is that of commands. All that is needed is here. They compile as
// make build does it, so that what is compiled already is used: it does not
// matter then in which folder it is.
func (l *tree) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "DATABASE_URL=") || strings.HasPrefix(v, "FUSION_DATA_DIR=") || strings.HasPrefix(v, "MAKEFLAGS=") || strings.HasPrefix(v, "MAKELEVEL=")
	})
	return append(env, "GOPROXY=off", "CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOWORK="+cmp.Or(l.work, "off"))
}

// run runs a command in a folder and gives what it printed.
func (l *tree) run(dir, name string, args ...string) string {
	l.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, l.environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// test runs the tests of an addon, and wants the named ones to have passed.
func (l *tree) test(addon string, want ...string) {
	l.t.Helper()
	l.passes(l.run(l.dir, "go", "test", "-vet=off", "-count=1", "-v", "./addons/"+addon), want...)
}

func (l *tree) passes(out string, want ...string) {
	l.t.Helper()
	for _, name := range want {
		if !strings.Contains(out, "--- PASS: "+name+" ") {
			l.t.Errorf("%s did not pass:\n%s", name, out)
		}
	}
	if strings.Contains(out, "--- SKIP") || strings.Contains(out, "no tests to run") {
		l.t.Errorf("a test was skipped:\n%s", out)
	}
}

// keepsRules holds the addons against gofmt, vet and the rules of tests/structure.
func (l *tree) keepsRules() {
	l.t.Helper()
	err := filepath.WalkDir(l.path("addons"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || path.Ext(p) != ".go" {
			return err
		}
		raw, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if nice, err := format.Source(raw); err != nil || !bytes.Equal(nice, raw) {
			l.t.Errorf("%s is not as gofmt writes it (%v)", p, err)
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.run(l.dir, "go", "vet", "./addons/...") // which leaves links out
	// The tests look at the tree two folders above them.
	dir := l.path("tests/structure")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		l.t.Fatal(err)
	}
	binary := filepath.Join(l.t.TempDir(), "structure.test")
	l.run(l.root, "go", "test", "-c", "-o", binary, "./tests/structure")
	rules := []string{"TestImportsRunOneWay", "TestAddonsImportWhatTheyDependOn", "TestNoHiddenState", "TestFilesStayReadable", "TestPackagesSayWhatTheyAreFor"}
	l.passes(l.run(dir, binary, "-test.v", "-test.run", "^("+strings.Join(rules, "|")+")$"), rules...)
}
