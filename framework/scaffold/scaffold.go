// Package scaffold writes new addons: a model with fields, a computed one, a
// button, views, a menu, access rights, and tests that pass. The files are
// templates below template; they are compiled and tested by tests/tutorial. It
// imports nothing of ours.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed template
var templates embed.FS

// Addon is what was written.
type Addon struct {
	Name   string
	Title  string   // the name for people
	Import string   // the package's import path
	Dir    string   // the folder
	Files  []string // the files below Dir, with slashes, in alphabetical order
}

var (
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	moduleLine = regexp.MustCompile(`(?m)^module[ \t]+"?([^\s"]+)`)
	// taken are names that the files of an addon use for something else, or
	// that Go treats apart.
	taken = []string{"base", "decimal", "embed", "internal", "main", "module", "orm", "ormtest", "testdata", "testing", "vendor"}
)

// longestName keeps the names of tables and constraints, which begin with the
// addon's, within the 63 bytes of PostgreSQL.
const longestName = 32

// CheckName tells why an addon cannot be called so.
func CheckName(name string) error {
	switch {
	case !nameForm.MatchString(name):
		return fmt.Errorf("%q cannot be the name of an addon; use lower case letters, digits and single underscores between them, as in my_addon", name)
	case len(name) > longestName:
		return fmt.Errorf("%q has %d letters; the name of an addon may have %d", name, len(name), longestName)
	case token.IsKeyword(name) || slices.Contains(taken, name) || strings.HasSuffix(name, "_test"):
		return fmt.Errorf("%q cannot be the name of an addon: it has a meaning of its own in Go or in the addon's files", name)
	}
	return nil
}

// Write makes the folder name below dir, which must be in a Go module, and
// writes an addon into it. It fails, and changes nothing, when something of
// that name is there.
func Write(dir, name string) (Addon, error) {
	if err := CheckName(name); err != nil {
		return Addon{}, err
	}
	imports, err := importPath(dir)
	if err != nil {
		return Addon{}, err
	}
	a := Addon{Name: name, Title: title(name), Import: path.Join(imports, name), Dir: filepath.Join(dir, name)}
	contents, err := a.render()
	if err != nil {
		return Addon{}, err
	}
	if err := os.Mkdir(a.Dir, 0o755); errors.Is(err, fs.ErrExist) {
		return Addon{}, fmt.Errorf("%s is there already and is left as it is; choose another name", a.Dir)
	} else if err != nil {
		return Addon{}, err
	}
	for name, content := range contents {
		to := filepath.Join(a.Dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(to), 0o755)
		if err == nil {
			err = os.WriteFile(to, content, 0o644)
		}
		if err != nil {
			return Addon{}, errors.Join(err, os.RemoveAll(a.Dir)) // made above, so nobody else's
		}
		a.Files = append(a.Files, name)
	}
	slices.Sort(a.Files)
	return a, nil
}

// render gives the files by their names.
func (a Addon) render() (map[string][]byte, error) {
	out := map[string][]byte{}
	err := fs.WalkDir(templates, "template", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		t, err := template.New(path.Base(p)).Option("missingkey=error").ParseFS(templates, p)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, a); err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(p, "template/"), ".tmpl")
		if name == "security/groups.xml" {
			name = "security/" + a.Name + "_groups.xml"
		}
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

// importPath is the import path of a folder's packages: that of the module it
// is in, and the way from there.
func importPath(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return "", fmt.Errorf("%s is no folder; run the command where the program's sources are, or name the folder of the addons with --dir", dir)
	}
	for root := abs; ; root = filepath.Dir(root) {
		mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
		if err == nil {
			line := moduleLine.FindSubmatch(mod)
			if line == nil {
				return "", fmt.Errorf("%s does not name its module", filepath.Join(root, "go.mod"))
			}
			way, err := filepath.Rel(root, abs)
			return path.Join(string(line[1]), filepath.ToSlash(way)), err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if root == filepath.Dir(root) {
			return "", fmt.Errorf("%s is in no Go module: there is no go.mod in it or above it", dir)
		}
	}
}

// title writes my_addon as My Addon.
func title(name string) string {
	words := strings.Split(name, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
