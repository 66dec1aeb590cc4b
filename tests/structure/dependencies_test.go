package structure

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	requireLine = regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.]+\.[a-z]+/\S+) v\S+$`)
	codeSpan    = regexp.MustCompile("`([^`]+)`")
)

// unexplained lists the modules that go.mod requires directly and the table of
// dependencies does not name. A row names a module's own parts with it.
func unexplained(goMod, table string) []string {
	var names []string
	for _, m := range codeSpan.FindAllStringSubmatch(table, -1) {
		names = append(names, m[1])
	}
	var faults []string
	for _, m := range requireLine.FindAllStringSubmatch(goMod, -1) {
		found := false
		for _, n := range names {
			found = found || m[1] == n || strings.HasPrefix(m[1], n+"/") || strings.Contains(n, "/") && strings.HasSuffix(m[1], "/"+n)
		}
		if !found {
			faults = append(faults, m[1]+": in go.mod but not in docs/dependencies.md")
		}
	}
	return faults
}

func TestDependenciesAreExplained(t *testing.T) {
	t.Parallel()
	goMod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(root + "/docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	report(t, unexplained(string(goMod), string(table)))
	expect(t, unexplained("require (\n\tgithub.com/a/b v1.0.0\n\tgithub.com/c/d v1.0.0\n\tgithub.com/c/d/driver v1.0.0\n\tgithub.com/e/f/g v1.0.0\n\tgolang.org/x/y v0.1.0 // indirect\n)\n",
		"| `github.com/c/d` with `f/g` | x |"), "github.com/a/b")
}
