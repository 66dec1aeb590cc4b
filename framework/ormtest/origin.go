package ormtest

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"

	"fusionsoft.ca/fusion/framework/module"
)

// origin is what decides whether templates can be shared. Addons that stand in the
// checkout, as a rule all of the program, make the same database in every test
// program: their family is the checkout, and their version what its files say. Those
// that a test declares are the test program's own.
type origin struct{ family, version string }

func originOf(addons []module.Addon) origin {
	if c := checkout(); c.root != "" {
		shared := true
		for _, a := range addons {
			shared = shared && c.declares(a)
		}
		if shared {
			return origin{"s" + digest(c.root, 3) + "_", c.version}
		}
	}
	path, _ := os.Getwd() // go test runs a program in its package's folder
	return origin{digest(path, 5) + "_", digest(buildID(), 5)}
}

func digest(text string, bytes int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:bytes])
}

// contentOf identifies what an installation depends on: the manifests, their
// files, and the code that declares the models.
func contentOf(o origin, addons []module.Addon) string {
	h := sha256.New()
	io.WriteString(h, o.family+o.version)
	for _, a := range addons {
		fmt.Fprintf(h, "\x00%q\x00%q\x00%q\x00%q\x00%v\x00%v", []string{a.Name, a.Title, a.Version, a.Category, a.Summary, a.Author, a.License}, a.Depends, a.Data, a.Demo, a.Application, a.AutoInstall)
		if a.FS == nil {
			continue
		}
		for _, name := range a.Data {
			if b, err := fs.ReadFile(a.FS, name); err == nil {
				fmt.Fprintf(h, "\x00%s\x00%d\x00%s", name, len(b), b)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:10])
}

// sources are the folders of the module in which addons and all they stand on are.
var sources = []string{"addons", "framework", "go.mod", "go.sum"}

const modulePath = "fusionsoft.ca/fusion"

// tree is the checkout that a test program was compiled from.
type tree struct {
	root    string // "" when there is none, or it has changed since
	version string // changes with the files that are compiled or loaded
}

var checkout = sync.OnceValue(func() tree {
	dir, err := os.Getwd()
	for err == nil {
		if b, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			if line, _, _ := strings.Cut(string(b), "\n"); strings.TrimSpace(line) != "module "+modulePath {
				return tree{}
			}
			return readTree(dir)
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return tree{}
})

// readTree reads a checkout, which must be older than the program: what was written
// later is not in it.
func readTree(root string) tree {
	program, err := os.Executable()
	if err != nil {
		return tree{}
	}
	built, err := os.Stat(program)
	if err != nil {
		return tree{}
	}
	h := sha256.New()
	io.WriteString(h, runtime.Version())
	for _, top := range sources {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "testdata":
				return fs.SkipDir
			case !d.Type().IsRegular() || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if info.ModTime().After(built.ModTime()) {
				return fmt.Errorf("%s is newer than the program", path)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "\x00%s\x00%d\x00", strings.TrimPrefix(path, root), len(b))
			_, err = h.Write(b)
			return err
		})
		if err != nil {
			return tree{}
		}
	}
	return tree{root: root, version: hex.EncodeToString(h.Sum(nil)[:5])}
}

// declares reports whether all code of an addon that an installation runs is in the
// files that the version counts.
func (t tree) declares(a module.Addon) bool {
	return a.Define != nil && t.holds(a.Define) && (a.PreInit == nil || t.holds(a.PreInit)) && (a.PostInit == nil || t.holds(a.PostInit))
}

func (t tree) holds(fn any) bool {
	f := runtime.FuncForPC(reflect.ValueOf(fn).Pointer())
	if f == nil {
		return false
	}
	file, _ := f.FileLine(f.Entry())
	below, ok := strings.CutPrefix(file, modulePath+"/") // compiled with -trimpath
	if !ok {
		below, ok = strings.CutPrefix(filepath.ToSlash(file), filepath.ToSlash(t.root)+"/")
	}
	return ok && !strings.HasSuffix(below, "_test.go") && (strings.HasPrefix(below, "addons/") || strings.HasPrefix(below, "framework/"))
}

// buildID changes with the test program. Without one, as on systems that do
// not run ELF files, the process stands for it: nothing is kept between runs.
func buildID() string {
	unknown := fmt.Sprint("pid ", os.Getpid())
	path, err := os.Executable()
	if err != nil {
		return unknown
	}
	f, err := elf.Open(path)
	if err != nil {
		return unknown
	}
	defer f.Close()
	s := f.Section(".note.go.buildid")
	if s == nil {
		return unknown
	}
	id, err := s.Data()
	if err != nil {
		return unknown
	}
	return string(id)
}
