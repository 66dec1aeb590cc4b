package scaffold

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// Fusion is the path of the framework's own Go module.
const Fusion = "fusionsoft.ca/fusion"

// goVersion is the one in Fusion's go.mod, for modules that are written without a
// checkout of it.
const goVersion = "1.26.0"

// direct are the modules that the files of an addon import beside Fusion.
var direct = []string{"github.com/shopspring/decimal"}

// Program is a Go module to be written: a program with the standard addons and a
// new one.
type Program struct {
	Name  string // of the addon
	Model string // of the addon; "" is item
	Way   string // from the module to the folder of addons; "" is addons

	Module  string // the path of the module; "" is example.com/ and the addon's name
	Version string // of Fusion; "" leaves it to go mod tidy
	// Checkout is the folder of a checkout of Fusion that is used in place of a
	// published version, absolute or from the module's folder; "" for none.
	Checkout string
}

var (
	modulePath  = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9_-][A-Za-z0-9._~-]*)*$`)
	goLine      = regexp.MustCompile(`(?m)^go (\S+)`)
	requireLine = regexp.MustCompile(`(?m)^(?:require |\t)(\S+) (v\S+)(?: // indirect)?$`)
	plainPath   = regexp.MustCompile(`^[A-Za-z0-9_./~+@-]+$`)
)

// WriteProgram writes a module of its own into dir, which must be empty but for
// .git: go.mod, main.go, an addon as [Write] makes it, Makefile, CI script. With a
// checkout go.mod and go.sum take their content from there, so that the module
// builds at once; else go mod tidy finds Fusion and what it needs. It fails, and
// changes nothing, when something is there.
func WriteProgram(dir string, p Program) (Addon, error) {
	p.Model, p.Way, p.Module = cmp.Or(p.Model, "item"), cmp.Or(p.Way, "addons"), cmp.Or(p.Module, "example.com/"+p.Name)
	if err := errors.Join(CheckName(p.Name), checkModel(p.Name, p.Model)); err != nil {
		return Addon{}, err
	}
	if !modulePath.MatchString(p.Module) || p.Module == Fusion {
		return Addon{}, fmt.Errorf("%q cannot be the path of a module; it begins with a domain, as in example.com/%s", p.Module, p.Name)
	}
	if !filepath.IsLocal(p.Way) {
		return Addon{}, fmt.Errorf("the folder of the addons, %s, is not in the new module", p.Way)
	}
	if err := empty(dir); err != nil {
		return Addon{}, err
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return Addon{}, err
	}
	a := newAddon(p.Name, p.Model)
	a.Root, a.Module = root, p.Module
	a.Way = path.Join(filepath.ToSlash(p.Way), p.Name)
	a.Import, a.Dir, a.List = path.Join(p.Module, a.Way), filepath.Join(dir, filepath.FromSlash(a.Way)), "main.go"
	m, sums, err := p.goMod(root)
	if err != nil {
		return Addon{}, err
	}
	m.Addon = a
	contents, err := render("template/program", m, func(name string) string {
		switch name {
		case "ci_run":
			return ".ci/run"
		case "gitignore":
			return ".gitignore"
		}
		return name
	})
	if err != nil {
		return Addon{}, err
	}
	if sums != nil {
		contents["go.sum"] = sums
	}
	own, err := a.render()
	if err != nil {
		return Addon{}, err
	}
	for name, content := range own {
		contents[path.Join(a.Way, name)] = content
	}
	if a.Files, err = writeAll(dir, contents); err != nil {
		for _, name := range a.Files { // the folder was empty, so they are nobody else's
			first, _, _ := strings.Cut(name, "/")
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, first)))
		}
		return Addon{}, err
	}
	return a, nil
}

// goMod is what the templates of a program are filled with.
type goMod struct {
	Addon
	Go, Version, Replace string
	Direct, Indirect     []string
}

// goMod takes the requirements of a checkout, if there is one, and its go.sum.
func (p Program) goMod(root string) (goMod, []byte, error) {
	m := goMod{Go: goVersion, Version: p.Version}
	if p.Checkout == "" {
		return m, nil, nil
	}
	folder := filepath.Clean(p.Checkout)
	there := folder
	if !filepath.IsAbs(folder) {
		there = filepath.Join(root, folder)
	}
	mod, err := os.ReadFile(filepath.Join(there, "go.mod"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, nil, err
	}
	if line := moduleLine.FindSubmatch(mod); line == nil || string(line[1]) != Fusion {
		return m, nil, fmt.Errorf("%s is no checkout of Fusion: there is no go.mod of %s in it", there, Fusion)
	}
	sums, err := os.ReadFile(filepath.Join(there, "go.sum"))
	if err != nil {
		return m, nil, err
	}
	m.Version = "v0.0.0" // any will do beside a replace
	if line := goLine.FindSubmatch(mod); line != nil {
		m.Go = string(line[1])
	}
	m.Replace = filepath.ToSlash(folder)
	if !filepath.IsAbs(folder) && !strings.HasPrefix(m.Replace, "../") && m.Replace != ".." {
		m.Replace = "./" + m.Replace
	}
	if !plainPath.MatchString(m.Replace) {
		m.Replace = strconv.Quote(m.Replace)
	}
	for _, line := range requireLine.FindAllSubmatch(mod, -1) {
		if need := string(line[1]) + " " + string(line[2]); slices.Contains(direct, string(line[1])) {
			m.Direct = append(m.Direct, need)
		} else {
			m.Indirect = append(m.Indirect, need)
		}
	}
	slices.Sort(m.Indirect)
	return m, sums, nil
}

// empty refuses folders in which there is something.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != ".git" {
			return fmt.Errorf("%s is in no Go module and is not empty (%s): run the command in an empty folder, for a module of its own, or in a module, for an addon in there", dir, e.Name())
		}
	}
	return nil
}

// InModule tells whether a folder, which need not be there, is in a Go module.
func InModule(dir string) (bool, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	root, _, err := above(abs)
	return root != "", err
}

// above looks for go.mod in a folder and above it; root is "" when there is none.
func above(abs string) (root string, mod []byte, err error) {
	for root = abs; ; root = filepath.Dir(root) {
		if mod, err = os.ReadFile(filepath.Join(root, "go.mod")); err == nil {
			return root, mod, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, err
		}
		if root == filepath.Dir(root) {
			return "", nil, nil
		}
	}
}

// render fills the templates below a folder, and gives them by the names of files.
func render(folder string, data any, rename func(string) string) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := fs.WalkDir(templates, folder, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		t, err := template.New(path.Base(p)).Option("missingkey=error").Funcs(template.FuncMap{"lower": strings.ToLower}).ParseFS(templates, p)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return err
		}
		name := rename(strings.TrimSuffix(strings.TrimPrefix(p, folder+"/"), ".tmpl"))
		content := b.Bytes()
		if path.Ext(name) == ".go" {
			// The order of imports depends on the name.
			if content, err = format.Source(content); err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
		}
		out[name] = content
		return nil
	})
	return out, err
}

// writeAll writes files below dir, and gives their names in alphabetical order,
// also those of a failed attempt.
func writeAll(dir string, contents map[string][]byte) ([]string, error) {
	var names []string
	for name, content := range contents {
		names = append(names, name)
		to, mode := filepath.Join(dir, filepath.FromSlash(name)), os.FileMode(0o644)
		if bytes.HasPrefix(content, []byte("#!")) {
			mode = 0o755
		}
		err := os.MkdirAll(filepath.Dir(to), 0o755)
		if err == nil {
			err = os.WriteFile(to, content, mode)
		}
		if err != nil {
			return names, err
		}
	}
	slices.Sort(names)
	return names, nil
}
