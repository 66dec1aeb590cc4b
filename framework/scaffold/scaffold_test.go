package scaffold_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/scaffold"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", "library", "my_addon", "l10n_ca", "shop2", strings.Repeat("a", 32)} {
		if err := scaffold.CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, why := range map[string]string{
		"": "lower case", "My_addon": "lower case", "2shop": "lower case", "_a": "lower case", "a_": "lower case", "a__b": "lower case",
		"my_addon_": "as in my_addon", "My Addon": "as in my_addon", "MyAddon": "as in my_addon", "très": "as in my_addon", "my-addon": "as in my_addon", "...": "as in my_addon",
		"../a": "lower case", "a/b": "lower case", "é": "lower case", "a\n": "lower case",
		"type": `try "type_addon"`, "string": "meaning of its own", "nil": "meaning of its own", "recs": "meaning of its own", "addons": "meaning of its own", "cli": "meaning of its own", "base": "meaning of its own", "orm": "meaning of its own", "my_test": "meaning of its own",
		strings.Repeat("a", 33): "33 letters",
	} {
		if err := scaffold.CheckName(bad); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", bad, err, why)
		}
	}
}

// module makes a folder that is the module example.com/shop.
func module(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("// ours\nmodule example.com/shop // here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "src/addons"), 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "src/addons")
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := module(t)
	a, err := scaffold.Write(dir, "my_addon", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"addon.go", "addon_test.go", "item.go", "security/ir.model.access.csv", "security/my_addon_groups.xml", "views/item_views.xml"}
	if a.Import != "example.com/shop/src/addons/my_addon" || a.Title != "My Addon" || !slices.Equal(a.Files, want) {
		t.Errorf("%+v", a)
	}
	for _, name := range want {
		raw, err := os.ReadFile(filepath.Join(a.Dir, name))
		if err != nil || strings.Contains(string(raw), "{{"+".") || len(raw) == 0 {
			t.Errorf("%s: %v\n%s", name, err, raw)
		}
	}
	raw, err := os.ReadFile(filepath.Join(a.Dir, "addon_test.go"))
	if err != nil || !strings.Contains(string(raw), `"example.com/shop/src/addons/my_addon"`) {
		t.Errorf("the test does not import the addon: %v", err)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	dir := module(t)
	for name, want := range map[string]scaffold.Model{
		"":             {"item", "Item", "Item", "Items", "item"},
		"book_copy":    {"book_copy", "BookCopy", "Book Copy", "Book Copies", "bookcopy"},
		"key":          {"key", "Key", "Key", "Keys", "key"},
		"box":          {"box", "Box", "Box", "Boxes", "box"},
		"pane_windows": {"pane_windows", "PaneWindows", "Pane Windows", "Pane Windows", "panewindows"},
	} {
		a, err := scaffold.Write(dir, "library"+strings.ReplaceAll(name, "_", ""), name)
		if err != nil || a.Model != want {
			t.Errorf("%q: %+v, %v, want %+v", name, a.Model, err, want)
		}
		if !slices.Contains(a.Files, want.File+".go") || !slices.Contains(a.Files, "views/"+want.Name+"_views.xml") {
			t.Errorf("%q: files %q", name, a.Files)
		}
	}
	for name, why := range map[string]string{
		"Book": "as in book", "library.book": "as in library_book", "addon": "something else", "finish": "something else", "b_test": "something else",
		strings.Repeat("a", 40): "45 letters together",
	} {
		if _, err := scaffold.Write(dir, "other", name); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", name, err, why)
		}
	}
}

// TestNamesOfTheProgram: what the program's sources use a name for, they cannot
// import an addon as.
func TestNamesOfTheProgram(t *testing.T) {
	t.Parallel()
	dir := module(t)
	source := "package main\n\nimport (\n\tstore \"example.com/a/b\"\n\t\"example.com/web\"\n)\n\nvar stock, total = 1, 2\n\ntype sale struct{}\n\nfunc main() {}\n\nfunc shop() {}\n"
	if err := os.WriteFile(filepath.Join(dir, "../../main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"web": "web_addon", "store": "store_addon", "total": "total_addon", "sale": "sale_addon", "shop": "shop_addon", "library": "library"} {
		if a, err := scaffold.Write(dir, name, ""); err != nil || a.Package != want || a.List != "main.go" {
			t.Errorf("%s is imported as %s in %q, %v, want %s", name, a.Package, a.List, err, want)
		}
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	t.Parallel()
	dir := module(t)
	own := filepath.Join(dir, "shop", "")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := scaffold.Write(dir, "shop", ""); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a folder: %v", err)
	}
	if left, err := os.ReadDir(own); err != nil || len(left) != 0 {
		t.Errorf("the folder has got %v, %v", left, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "note", ""), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := scaffold.Write(dir, "note", ""); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a file: %v", err)
	}
}

func TestWhereAddonsMayBe(t *testing.T) {
	t.Parallel()
	if _, err := scaffold.Write(t.TempDir(), "shop", ""); err == nil || !strings.Contains(err.Error(), "no Go module") {
		t.Errorf("outside of a module: %v", err)
	}
	dir := module(t)
	if _, err := scaffold.Write(filepath.Join(dir, "none"), "shop", ""); err == nil || !strings.Contains(err.Error(), "--dir") {
		t.Errorf("no folder: %v", err)
	}
}
