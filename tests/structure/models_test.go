package structure

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// modelList says which models of addons the framework names, and why.
const modelList = "tests/structure/testdata/models.txt"

var (
	wordOfName  = regexp.MustCompile(`[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*`)
	relationTag = regexp.MustCompile(`(?:^|,)rel=(\w+)`)
)

// addonModels are the models that addons define, by their names, the names of their
// tables, and those of the tables of their lists.
func addonModels(s *sources) map[string]string {
	models := map[string]string{}
	for _, p := range s.pkgs {
		if !in(p.path, "addons") {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				if t, ok := n.(*ast.StructType); ok {
					addModel(models, t)
				}
				return true
			})
		}
	}
	return models
}

func addModel(models map[string]string, t *ast.StructType) {
	model := ""
	for i, field := range t.Fields.List {
		if field.Tag == nil {
			continue
		}
		raw, _ := strconv.Unquote(field.Tag.Value)
		tag := reflect.StructTag(raw).Get("orm")
		if sel, ok := field.Type.(*ast.SelectorExpr); ok && i == 0 && (sel.Sel.Name == "Record" || sel.Sel.Name == "Mixin") {
			model, _, _ = strings.Cut(tag, ",")
			models[model], models[strings.ReplaceAll(model, ".", "_")] = model, model
		}
		if rel := relationTag.FindStringSubmatch(tag); rel != nil && model != "" {
			models[rel[1]] = model
		}
	}
}

// namedModels finds models of addons in the texts of framework packages: where each
// stands, by package and model.
func namedModels(s *sources) map[string][]string {
	models, found := addonModels(s), map[string][]string{}
	for _, p := range s.pkgs {
		if !in(p.path, "framework") || in(p.path, "framework/ormtest") {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				value, _ := strconv.Unquote(lit.Value)
				for _, word := range wordOfName.FindAllString(value, -1) {
					if model := models[word]; model != "" {
						key := p.path + " " + model
						found[key] = append(found[key], s.at(lit.Pos()))
					}
				}
				return true
			})
		}
	}
	return found
}

// modelFaults holds what the framework names against the list, whose lines are
// “package model reason”.
func modelFaults(s *sources, text string) []string {
	found, listed := namedModels(s), map[string]bool{}
	var faults []string
	last := ""
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		at := fmt.Sprintf("%s:%d", modelList, i+1)
		words := strings.Fields(line)
		if len(words) < 2+shortestReason {
			faults = append(faults, at+" is not “package model reason”, with a reason that says something")
			continue
		}
		key := words[0] + " " + words[1]
		if key <= last {
			faults = append(faults, at+": the list is sorted, and names nothing twice")
		}
		last, listed[key] = key, true
		if found[key] == nil {
			faults = append(faults, at+": "+words[0]+" does not name "+words[1]+" any more. Remove the line")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if !listed[key] {
			faults = append(faults, strings.Join(found[key], ", ")+": "+key+": the framework does not know its addons. Let the addon bring this, or list it in "+modelList+" with the reason")
		}
	}
	return faults
}

// The framework names no models and tables of addons but those of the list.
func TestFrameworkNamesNoModels(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "models.txt"))
	if err != nil {
		t.Fatal(err)
	}
	report(t, modelFaults(repository(t), string(text)))
	broken := given(t, map[string]string{
		"addons/base/users.go":   "package base\ntype User struct {\n orm.Record `orm:\"res.users\"`\n G orm.Many[Group] `orm:\"group_ids,rel=res_groups_users_rel:uid:gid\"`\n}",
		"addons/base/ir.go":      "package base\ntype D struct { orm.Record `orm:\"ir.model.data,transient\"` }\ntype M struct { orm.Mixin `orm:\"mail.thread\"` }",
		"framework/orm/a.go":     "package orm\nfunc f() { q(`SELECT gid FROM res_groups_users_rel`); q(\"res.users.log\"); q(\"DELETE FROM ir_model_data\") }",
		"framework/web/a.go":     "package web\nvar a, b = \"res_users\", \"mail.thread\"",
		"framework/a_test.go":    "package framework\nvar a = \"res.users\"",
		"framework/ormtest/o.go": "package ormtest\nvar a = \"res.users\"",
	})
	expect(t, modelFaults(broken, "# comment\nframework/orm ir.model.data external ids are the loader's, wherever it keeps them\nframework/web mail.thread short\nframework/web res.users is not where it was once, for a reason\nframework/rpc res.users is named here by nobody any more\n"),
		"models.txt:3 is not", "models.txt:5: the list is sorted", "models.txt:5: framework/rpc does not name res.users", "framework/orm/a.go:2: framework/orm res.users", "framework/web/a.go:2: framework/web mail.thread")
}
