package scaffold_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/scaffold"
)

// read gives a file of a folder.
func read(t *testing.T, dir, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// checkout makes a folder that looks like one of Fusion.
func checkout(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{"go.mod": "module fusionsoft.ca/fusion\n\ngo 1.26.0\n\nrequire github.com/shopspring/decimal v1.6.0\n", "go.sum": "sums\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWriteProgram(t *testing.T) {
	t.Parallel()
	dir, fusion := t.TempDir(), checkout(t, "fusion 2")
	a, err := scaffold.WriteProgram(dir, scaffold.Program{Name: "library", Model: "book", Way: "src/addons", Checkout: fusion})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".ci/run", ".gitignore", "Makefile", "README.md", "go.mod", "go.sum", "main.go",
		"src/addons/library/addon.go", "src/addons/library/addon_test.go", "src/addons/library/book.go",
		"src/addons/library/security/ir.model.access.csv", "src/addons/library/security/library_groups.xml", "src/addons/library/views/book_views.xml"}
	if a.Import != "example.com/library/src/addons/library" || !slices.Equal(a.Files, want) {
		t.Errorf("%+v", a)
	}
	for _, name := range want {
		if content := read(t, dir, name); content == "" || strings.Contains(content, "{{") {
			t.Errorf("%s:\n%s", name, content)
		}
	}
	if mod := read(t, dir, "go.mod"); !strings.Contains(mod, "\nreplace fusionsoft.ca/fusion => \""+fusion+"\"\n") || !strings.Contains(mod, "\tfusionsoft.ca/fusion v0.0.0\n\tgithub.com/shopspring/decimal v1.6.0\n)") {
		t.Errorf("go.mod:\n%s", mod)
	}
	if !strings.Contains(read(t, dir, "src/addons/library/addon_test.go"), `"example.com/library/src/addons/library"`) {
		t.Error("the test does not import the addon")
	}
	if second, err := scaffold.Write(filepath.Join(dir, "src/addons"), "more", ""); err != nil || !second.UsesFusion || second.List != "main.go" {
		t.Errorf("a second addon: %+v, %v", second, err)
	}
}

// TestVersionOfFusion: a program that is of a published version asks for that one.
func TestVersionOfFusion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := scaffold.WriteProgram(dir, scaffold.Program{Name: "library", Version: "v1.2.3"}); err != nil {
		t.Fatal(err)
	}
	mod := read(t, dir, "go.mod")
	if !strings.Contains(mod, "\tfusionsoft.ca/fusion v1.2.3\n") || strings.Contains(mod, "replace") {
		t.Errorf("go.mod:\n%s", mod)
	}
	// The version of Go is that of Fusion.
	for line := range strings.Lines(read(t, "../..", "go.mod")) {
		if strings.HasPrefix(line, "go ") && !strings.Contains(mod, "\n"+line) {
			t.Errorf("go.mod is not of %q:\n%s", line, mod)
		}
	}
}

func TestProgramsThatCannotBe(t *testing.T) {
	t.Parallel()
	fusion := checkout(t, "fusion")
	if err := os.Remove(filepath.Join(fusion, "go.sum")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		p   scaffold.Program
		why string
	}{
		"name":        {scaffold.Program{Name: "Library"}, "as in library"},
		"model":       {scaffold.Program{Name: "library", Model: "Book"}, "as in book"},
		"no domain":   {scaffold.Program{Name: "library", Module: "library"}, "begins with a domain"},
		"blank":       {scaffold.Program{Name: "library", Module: "example.com/a b"}, "begins with a domain"},
		"Fusion":      {scaffold.Program{Name: "library", Module: scaffold.Fusion}, "begins with a domain"},
		"way":         {scaffold.Program{Name: "library", Way: "../addons"}, "not in the new module"},
		"checkout":    {scaffold.Program{Name: "library", Checkout: "nowhere"}, "no checkout of Fusion"},
		"half of one": {scaffold.Program{Name: "library", Checkout: fusion}, "go.sum"},
	} {
		dir := t.TempDir()
		if _, err := scaffold.WriteProgram(dir, c.p); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: the folder has got %v, %v", name, left, err)
		}
	}
}
