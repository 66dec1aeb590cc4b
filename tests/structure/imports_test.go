package structure

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// upper are the framework's rooms that stand on the others. What is below them
// must not know them.
var upper = []string{"framework/web", "framework/rpc", "framework/server", "framework/cron", "framework/cli", "framework/ormtest"}

// pure are packages that import nothing of ours but what is listed.
var pure = map[string][]string{
	"framework/pglocal":                  {},
	"framework/schema":                   {},
	"framework/web/address":              {},
	"framework/pglocal/pgtest":           {"framework/pglocal"},
	"addons/fusion_woocommerce/wcapi":    {},
	"addons/fusion_woocommerce/matching": {},
	"addons/fusion_woocommerce/ordermap": {"addons/fusion_woocommerce/wcapi", "addons/account/taxcalc"},
	"addons/account/taxcalc":             {},
	"addons/fusion_woocommerce/woosim":   {},
}

// backOffice are the packages below framework/web, which is the shell on them, with what
// of each other they may import: the shell stands on forms and lists, these on what
// reads, and all on what renders.
var backOffice = map[string][]string{
	"address":  {},
	"convert":  {},
	"locale":   {"convert"},
	"render":   {"convert", "locale"},
	"viewdata": {"convert", "locale", "render"},
	"action":   {"address", "convert", "render", "viewdata"},
	"search":   {"address", "convert", "locale", "render"},
	"forms":    {"action", "convert", "render", "viewdata"},
	"listing":  {"action", "address", "convert", "forms", "render", "search", "viewdata"},
}

// backOfficeFault is what is wrong with an import of a package below framework/web.
func backOfficeFault(path, imported string) string {
	name, below := strings.CutPrefix(path, "framework/web/")
	if !below || in(name, "internal") || name == "webtest" {
		return ""
	}
	may, known := backOffice[name]
	if !known {
		return "say in backOffice where in the back office this package stands"
	}
	switch other, sibling := strings.CutPrefix(imported, "framework/web/"); {
	case sibling && !slices.Contains(may, other):
		return fmt.Sprintf("%s stands on %v of the back office only", name, may)
	case imported == "framework/web", in(imported, "framework/server"):
		return "only the shell of the back office knows requests and pages"
	}
	return ""
}

// importFaults checks the direction of imports: cmd → standard → addons → framework,
// and the rooms of the framework among themselves. Test files are free.
func importFaults(s *sources) []string {
	var faults []string
	fault := func(p pkg, imported, why string) {
		faults = append(faults, fmt.Sprintf("%s imports %s: %s", p.path, imported, why))
	}
	isUpper := func(p string) bool {
		return slices.ContainsFunc(upper, func(u string) bool { return in(p, u) })
	}
	for _, p := range s.pkgs {
		only, isPure := pure[p.path]
		for _, i := range p.imports() {
			switch {
			case in(i, "cmd"), in(i, "tests") && !in(p.path, "tests"):
				fault(p, i, "nothing imports cmd or tests")
			case in(i, "standard") && !in(p.path, "cmd") && !in(p.path, "tests"):
				fault(p, i, "only programs and tests know the list of addons")
			case in(i, "addons") && !in(p.path, "addons") && !in(p.path, "standard") && !in(p.path, "cmd") && !in(p.path, "tests"):
				fault(p, i, "the framework does not know any addon")
			case isPure && !slices.Contains(only, i):
				fault(p, i, fmt.Sprintf("this package is pure; of ours it may import only %v", only))
			case in(i, "framework/ormtest") && !in(p.path, "framework/ormtest") && !in(p.path, "tests"):
				fault(p, i, "ormtest is for tests")
			case backOfficeFault(p.path, i) != "":
				fault(p, i, backOfficeFault(p.path, i))
			case in(p.path, "framework") && !isUpper(p.path) && isUpper(i):
				fault(p, i, "the upper rooms stand on this one, not the reverse")
			}
		}
		if in(p.path, "framework/orm") {
			for _, f := range p.files {
				for _, i := range f.ast.Imports {
					if !f.test && importPath(i) == "net/http" {
						fault(p, "net/http", "nothing in orm knows HTTP")
					}
				}
			}
		}
	}
	return faults
}

// manifest is what the rules need of a module.Addon{…} literal.
type manifest struct {
	folder  string
	name    string
	depends []string
}

// manifests finds the manifest of every folder below addons.
func manifests(s *sources) (byFolder map[string]manifest, faults []string) {
	byFolder = map[string]manifest{}
	for _, p := range s.pkgs {
		folder, ok := strings.CutPrefix(p.path, "addons/")
		if !ok || strings.Contains(folder, "/") {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				lit, ok := n.(*ast.CompositeLit)
				if !ok || !isAddonType(lit.Type) {
					return true
				}
				m := manifest{folder: folder}
				for _, e := range lit.Elts {
					kv, ok := e.(*ast.KeyValueExpr)
					if !ok {
						continue
					}
					switch key, _ := kv.Key.(*ast.Ident); {
					case key != nil && key.Name == "Name":
						m.name = text(kv.Value)
					case key != nil && key.Name == "Depends":
						list, ok := kv.Value.(*ast.CompositeLit)
						if !ok {
							faults = append(faults, s.at(kv.Pos())+": write Depends as a plain list of strings")
							continue
						}
						for _, d := range list.Elts {
							m.depends = append(m.depends, text(d))
						}
					}
				}
				byFolder[folder] = m
				return false
			})
		}
		m, found := byFolder[folder]
		switch {
		case !found:
			faults = append(faults, p.path+" has no module.Addon{…}")
		case m.name != folder:
			faults = append(faults, fmt.Sprintf("%s: the manifest's Name is %q; it must be the folder's", p.path, m.name))
		}
	}
	return byFolder, faults
}

func isAddonType(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Addon" {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "module"
}

// text is the value of a string literal, or "".
func text(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value)
	return s
}

// dependFaults checks that an addon imports only addons that its manifest
// names, or that those name in turn.
func dependFaults(s *sources) []string {
	byFolder, faults := manifests(s)
	reach := func(folder string) []string {
		seen := []string{folder}
		for i := 0; i < len(seen); i++ {
			for _, d := range byFolder[seen[i]].depends {
				if !slices.Contains(seen, d) {
					seen = append(seen, d)
				}
			}
		}
		return seen
	}
	for _, p := range s.pkgs {
		rest, ok := strings.CutPrefix(p.path, "addons/")
		if !ok {
			continue
		}
		own, _, _ := strings.Cut(rest, "/")
		for _, i := range p.imports() {
			if other, ok := strings.CutPrefix(i, "addons/"); ok {
				other, _, _ = strings.Cut(other, "/")
				if !slices.Contains(reach(own), other) {
					faults = append(faults, fmt.Sprintf("%s imports %s, but the manifest of %s does not depend on %s", p.path, i, own, other))
				}
			}
		}
	}
	return faults
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	report(t, importFaults(repository(t)))
}

func TestAddonsImportWhatTheyDependOn(t *testing.T) {
	t.Parallel()
	report(t, dependFaults(repository(t)))
}

func TestImportFaults(t *testing.T) {
	t.Parallel()
	expect(t, importFaults(given(t, map[string]string{
		"addons/a/a.go": `package a; import _ "fusionsoft.ca/fusion/cmd/fusion"`,
		"addons/fusion_woocommerce/ordermap/o.go": `package ordermap; import (_ "fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"; _ "fusionsoft.ca/fusion/framework/orm")`,
		"addons/z/z.go":              `package z; import (_ "fusionsoft.ca/fusion/framework/web"; _ "fusionsoft.ca/fusion/framework/ormtest")`,
		"cmd/fusion/main.go":         `package main; import (_ "fusionsoft.ca/fusion/addons/a"; _ "fusionsoft.ca/fusion/framework/cli"; _ "fusionsoft.ca/fusion/standard")`,
		"framework/cli/c.go":         `package cli; import (_ "fusionsoft.ca/fusion/framework/web"; _ "fusionsoft.ca/fusion/standard")`,
		"framework/module/m.go":      `package module; import _ "fusionsoft.ca/fusion/addons/base"`,
		"framework/module/m_test.go": `package module; import _ "fusionsoft.ca/fusion/framework/ormtest"`,
		"framework/orm/o.go":         `package orm; import (_ "fusionsoft.ca/fusion/framework/web/form"; _ "net/http")`,
		"framework/web/forms/f.go":   `package forms; import (_ "fusionsoft.ca/fusion/framework/web/listing"; _ "fusionsoft.ca/fusion/framework/web/render")`,
		"framework/web/other/o.go":   `package other; import _ "fusionsoft.ca/fusion/framework/orm"`,
		"framework/web/render/r.go":  `package render; import (_ "fusionsoft.ca/fusion/framework/server"; _ "fusionsoft.ca/fusion/framework/web/viewdata")`,
		"framework/web/search/s.go":  `package search; import _ "fusionsoft.ca/fusion/framework/web"`,
		"framework/web/w.go":         `package web; import (_ "fusionsoft.ca/fusion/framework/server"; _ "fusionsoft.ca/fusion/framework/web/forms")`,
		"standard/s.go":              `package standard; import (_ "fusionsoft.ca/fusion/addons/a"; _ "fusionsoft.ca/fusion/framework/cli")`,
	})),
		"addons/a imports cmd/fusion",
		"ordermap imports framework/orm: this package is pure",
		"ormtest is for tests",
		"framework/cli imports standard",
		"framework/module imports addons/base",
		"framework/orm imports framework/web/form",
		"framework/orm imports net/http",
		"framework/web/forms imports framework/web/listing: forms stands on",
		"framework/web/other imports framework/orm: say in backOffice",
		"framework/web/render imports framework/server: only the shell",
		"framework/web/render imports framework/web/viewdata: render stands on",
		"framework/web/search imports framework/web: only the shell",
	)
}

func TestDependFaults(t *testing.T) {
	t.Parallel()
	expect(t, dependFaults(given(t, map[string]string{
		"addons/base/b.go":       `package base; import "fusionsoft.ca/fusion/framework/module"; var Addon = module.Addon{Name: "base"}`,
		"addons/sale/s.go":       `package sale; import ("fusionsoft.ca/fusion/framework/module"; _ "fusionsoft.ca/fusion/addons/base"); func Addon() *module.Addon { return &module.Addon{Name: "sale", Depends: []string{"mail"}} }`,
		"addons/mail/m.go":       `package mail; import "fusionsoft.ca/fusion/framework/module"; var Addon = module.Addon{Name: "mail", Depends: []string{"base"}}`,
		"addons/mail/inner/i.go": `package inner; import (_ "fusionsoft.ca/fusion/addons/base"; _ "fusionsoft.ca/fusion/addons/sale")`,
		"addons/nameless/n.go":   `package nameless`,
		"addons/other/o.go":      `package other; import "fusionsoft.ca/fusion/framework/module"; var Addon = module.Addon{Name: "others"}`,
	})),
		"addons/nameless has no module.Addon",
		`addons/other: the manifest's Name is "others"`,
		"addons/mail/inner imports addons/sale, but the manifest of mail",
	)
}
