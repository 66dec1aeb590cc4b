package ormtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

func TestTemplatesOfTheCheckoutAreShared(t *testing.T) {
	t.Parallel()
	shared := originOf([]module.Addon{kernel.Addon()})
	// They are not where somebody has changed the sources since the test was compiled.
	if want := checkout().root != ""; strings.HasPrefix(shared.family, "s") != want || want && shared.version != checkout().version {
		t.Errorf("the kernel's templates are of %+v, the checkout is %+v", shared, checkout())
	}
	hooked := kernel.Addon()
	hooked.PostInit = func(*orm.Env) error { return nil }
	for what, a := range map[string]module.Addon{
		"models declared in a test": {Name: "here", Define: func(*orm.Registry) {}},
		"nothing but files":         {Name: "files"},
		"a hook of a test":          hooked,
	} {
		if got := originOf([]module.Addon{kernel.Addon(), a}); strings.HasPrefix(got.family, "s") {
			t.Errorf("%s: the templates are shared", what)
		}
	}
}

func TestVersionOfACheckout(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	old := time.Now().Add(-1000 * time.Hour)
	write := func(name, text string, at time.Time) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "addons/a/a.go", "addons/a/data/a.xml", "framework/f.go", "framework/f_test.go", "framework/testdata/x"} {
		write(name, "1", old)
	}
	before := readTree(root)
	if before.version == "" {
		t.Fatal("the checkout is not read")
	}
	for name, counts := range map[string]bool{"addons/a/a.go": true, "addons/a/data/a.xml": true, "go.sum": true, "framework/f_test.go": false, "framework/testdata/x": false} {
		write(name, "2", old)
		if changed := readTree(root).version != before.version; changed != counts {
			t.Errorf("%s changes the version: %v, want %v", name, changed, counts)
		}
		write(name, "1", old)
	}
	write("framework/f.go", "1", time.Now().Add(time.Hour))
	if got := readTree(root); got.root != "" {
		t.Errorf("a file that is newer than the program is in %+v", got)
	}
}
