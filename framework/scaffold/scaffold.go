// Package scaffold writes new addons: a model with fields, a computed one, a
// button, views, a menu, access rights, and tests that pass; into a module that is
// there ([Write]), or with a module of their own ([WriteProgram]). The files are
// templates below template; they are compiled and tested by tests/tutorial. It
// imports nothing of ours.
package scaffold

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed template
var templates embed.FS

// Addon is what was written.
type Addon struct {
	Name   string
	Title  string // the name for people
	Import string // the package's import path
	Dir    string // the folder
	Module string // the path of the Go module it is in
	Root   string // the folder of that module, absolute
	Way    string // from there to Dir, with slashes
	// List is the file, from Root, in which the module's program lists its addons;
	// "" when it has none.
	List string
	// UsesFusion tells whether the module requires Fusion, or is Fusion itself.
	UsesFusion bool

	// Package is what the program should call the package: its name, unless
	// the program's own sources use that for something else.
	Package string
	// Files are the files below Dir, or for a program below its folder, with
	// slashes, in alphabetical order.
	Files []string

	Model Model
}

// Model is the model of the addon, by its names.
type Model struct {
	Name   string // within the addon, as book or book_copy
	Type   string // the Go type, as BookCopy
	Label  string // for people, as Book Copy
	Plural string // for people, as Book Copies
	File   string // the Go file, without its ending
}

var (
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	wordStart  = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	separators = regexp.MustCompile(`[ ./_-]+`)
	moduleLine = regexp.MustCompile(`(?m)^module[ \t]+"?([^\s"]+)`)
	fusionLine = regexp.MustCompile(`(?m)^(?:require |\t)fusionsoft\.ca/fusion v`)
	// taken are names that the files of an addon or of a program use for something else, or
	// that Go treats apart.
	taken = []string{"addons", "base", "cli", "decimal", "embed", "env", "err", "internal", "main", "module", "one", "orm", "ormtest", "recs", "standard", "t", "testdata", "testing", "vendor", "want"}
	// takenModels are those whose type or file another one would be in the way of.
	takenModels = []string{"addon", "finish"}
)

const (
	// longestName keeps the names of menus and packages readable.
	longestName = 32
	// longestNames keeps the names of constraints, which begin with those of
	// the addon and of the model, within the 63 bytes of PostgreSQL.
	longestNames = 44
)

// CheckName tells why an addon cannot be called so.
func CheckName(name string) error {
	switch {
	case !nameForm.MatchString(name):
		return wrongForm(name, "an addon", "my_addon")
	case len(name) > longestName:
		return fmt.Errorf("%q has %d letters; the name of an addon may have %d", name, len(name), longestName)
	case token.IsKeyword(name) || types.Universe.Lookup(name) != nil || slices.Contains(taken, name) || strings.HasSuffix(name, "_test"):
		return fmt.Errorf("%q cannot be the name of an addon: it has a meaning of its own in Go or in the addon's files; try %q", name, name+"_addon")
	}
	return nil
}

// checkModel tells why the model of an addon cannot be called so.
func checkModel(addon, name string) error {
	switch {
	case !nameForm.MatchString(name):
		return wrongForm(name, "a model", "book_copy")
	case len(addon)+len(name) > longestNames:
		return fmt.Errorf("%q and %q have %d letters together; the names of an addon and of its model may have %d", addon, name, len(addon)+len(name), longestNames)
	case slices.Contains(takenModels, name) || strings.HasSuffix(name, "_test"):
		return fmt.Errorf("%q cannot be the name of a model: the addon's files use it for something else", name)
	}
	return nil
}

// wrongForm refuses a name, and offers the nearest one there could be.
func wrongForm(name, what, example string) error {
	nearest := wordStart.ReplaceAllString(name, "${1}_${2}")
	nearest = strings.ToLower(strings.Trim(separators.ReplaceAllString(nearest, "_"), "_"))
	if nameForm.MatchString(nearest) {
		example = nearest
	}
	return fmt.Errorf("%q cannot be the name of %s; use lower case letters, digits and single underscores between them, as in %s", name, what, example)
}

// Write makes the folder name below dir, which must be in a Go module, and
// writes an addon with one model into it; "" is a model called item. It fails,
// and changes nothing, when something of that name is there.
func Write(dir, name, model string) (Addon, error) {
	if err := CheckName(name); err != nil {
		return Addon{}, err
	}
	model = cmp.Or(model, "item")
	if err := checkModel(name, model); err != nil {
		return Addon{}, err
	}
	a := newAddon(name, model)
	a.Dir = filepath.Join(dir, name)
	if err := a.join(dir); err != nil {
		return Addon{}, err
	}
	used, err := programNames(filepath.Join(a.Root, filepath.Dir(filepath.FromSlash(a.List))))
	if err != nil {
		return Addon{}, err
	}
	if slices.Contains(used, name) {
		a.Package = name + "_addon"
	}
	contents, err := a.render()
	if err != nil {
		return Addon{}, err
	}
	if err := os.Mkdir(a.Dir, 0o755); errors.Is(err, fs.ErrExist) {
		return Addon{}, fmt.Errorf("%s is there already and is left as it is; choose another name", a.Dir)
	} else if err != nil {
		return Addon{}, err
	}
	if a.Files, err = writeAll(a.Dir, contents); err != nil {
		return Addon{}, errors.Join(err, os.RemoveAll(a.Dir)) // made above, so nobody else's
	}
	return a, nil
}

// newAddon is an addon by its names.
func newAddon(name, model string) Addon {
	return Addon{Name: name, Title: title(name), Package: name,
		Model: Model{Name: model, Type: strings.ReplaceAll(title(model), " ", ""), Label: title(model), Plural: plural(title(model)),
			File: strings.ReplaceAll(model, "_", "")}} // book_windows.go would be for Windows only
}

// render gives the files by their names.
func (a Addon) render() (map[string][]byte, error) {
	return render("template/addon", a, func(name string) string {
		switch name {
		case "security/groups.xml":
			return "security/" + a.Name + "_groups.xml"
		case "model.go":
			return a.Model.File + ".go"
		case "views/model_views.xml":
			return "views/" + a.Model.Name + "_views.xml"
		}
		return name
	})
}

// join finds the module that the folder of addons, dir, is in, and its program.
func (a *Addon) join(dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is no folder; run the command where the program's sources are, or name the folder of the addons with --dir", dir)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	root, mod, err := above(abs)
	if err != nil {
		return err
	}
	if root == "" {
		return fmt.Errorf("%s is in no Go module: there is no go.mod in it or above it", dir)
	}
	line := moduleLine.FindSubmatch(mod)
	if line == nil {
		return fmt.Errorf("%s does not name its module", filepath.Join(root, "go.mod"))
	}
	way, err := filepath.Rel(root, abs)
	if err != nil {
		return err
	}
	a.Root, a.Module, a.Way = root, string(line[1]), path.Join(filepath.ToSlash(way), a.Name)
	a.Import = path.Join(a.Module, a.Way)
	a.UsesFusion = a.Module == Fusion || fusionLine.Match(mod)
	list := "main.go"
	if a.Module == Fusion {
		list = "standard/standard.go"
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(list))); err == nil {
		a.List = list
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// programNames are the names that the sources in a folder, a program's, use for other
// things than addons: an addon called so must be imported under another name.
func programNames(dir string) ([]string, error) {
	sources, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, source := range sources {
		f, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, i := range f.Imports {
			names = append(names, path.Base(strings.Trim(i.Path.Value, `"`)))
			if i.Name != nil {
				names = append(names, i.Name.Name)
			}
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names = append(names, d.Name.Name)
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						names = append(names, s.Name.Name)
					case *ast.ValueSpec:
						for _, n := range s.Names {
							names = append(names, n.Name)
						}
					}
				}
			}
		}
	}
	return names, nil
}

// title writes my_addon as My Addon.
func title(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

// plural is the English plural of most words.
func plural(word string) string {
	stem := strings.TrimSuffix(word, "y")
	switch {
	case stem != word && stem != "" && !strings.ContainsAny(stem[len(stem)-1:], "aeiouAEIOU "):
		return stem + "ies"
	case slices.ContainsFunc([]string{"ss", "x", "z", "ch", "sh"}, func(end string) bool { return strings.HasSuffix(word, end) }):
		return word + "es"
	}
	return strings.TrimSuffix(word, "s") + "s"
}
