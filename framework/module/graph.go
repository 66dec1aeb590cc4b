package module

import (
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
)

var addonName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Graph puts addons in the order in which they are defined and installed:
// after what they depend on, ties by name. All that is wrong with the
// manifests is reported at once, as [Problems].
func Graph(addons []Addon) ([]Addon, error) {
	byName := map[string]Addon{}
	var names []string
	var problems Problems
	fail := func(addon, format string, args ...any) {
		problems = append(problems, place{addon: addon}.problem(format, args...))
	}
	for _, a := range addons {
		if !addonName.MatchString(a.Name) {
			fail(a.Name, "an addon's name is made of small letters, digits and underscores")
		}
		if _, twice := byName[a.Name]; twice {
			fail(a.Name, "two addons have this name")
			continue
		}
		if _, err := parseVersion(a.Version); err != nil {
			fail(a.Name, "%v", err)
		}
		_, wrong := migrations(a)
		problems = append(problems, wrong...)
		byName[a.Name] = a
		names = append(names, a.Name)
	}
	slices.Sort(names)
	for _, name := range names {
		for i, d := range byName[name].Depends {
			switch {
			case d == name:
				fail(name, "depends on itself")
			case byName[d].Name == "":
				fail(name, "depends on %q, which is not among the addons%s", d, expr.DidYouMean(d, names))
			case slices.Contains(byName[name].Depends[:i], d):
				fail(name, "names the dependency %q twice", d)
			}
		}
	}
	// Kahn's way: of those whose dependencies are placed, the first by name.
	var ordered []Addon
	placed := map[string]bool{}
	ready := func(name string) bool {
		return !placed[name] && !slices.ContainsFunc(byName[name].Depends, func(d string) bool {
			return d != name && byName[d].Name != "" && !placed[d]
		})
	}
	for len(ordered) < len(names) {
		i := slices.IndexFunc(names, ready)
		if i < 0 {
			fail(circle(byName, names, placed))
			break
		}
		placed[names[i]] = true
		ordered = append(ordered, byName[names[i]])
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	return ordered, nil
}

// circle describes one circle among the addons that cannot be placed.
func circle(byName map[string]Addon, names []string, placed map[string]bool) (addon, message string) {
	start := names[slices.IndexFunc(names, func(n string) bool { return !placed[n] })]
	var path []string
	for cur := start; ; {
		if i := slices.Index(path, cur); i >= 0 {
			path = append(path[i:], cur)
			break
		}
		path = append(path, cur)
		deps := byName[cur].Depends
		cur = deps[slices.IndexFunc(deps, func(d string) bool { return d != cur && byName[d].Name != "" && !placed[d] })]
	}
	return path[0], "dependencies go in a circle: " + strings.Join(path, " → ")
}

// BuildRegistry lets addons declare their models, in dependency order, and
// freezes the registry.
func BuildRegistry(addons []Addon) (*orm.Registry, error) {
	ordered, err := Graph(addons)
	if err != nil {
		return nil, err
	}
	return buildOrdered(ordered)
}

func buildOrdered(ordered []Addon) (*orm.Registry, error) {
	r := declare(ordered)
	if err := r.Freeze(); err != nil {
		return nil, err
	}
	return r, nil
}

// declare is the registry of addons in dependency order, before Freeze.
func declare(ordered []Addon) *orm.Registry {
	r := orm.NewRegistry()
	for _, a := range ordered {
		r.Begin(a.Name)
		if a.Define != nil {
			a.Define(r)
		}
	}
	return r
}

// Closure lists what has to be installed for names: the addons they depend
// on, and those that install themselves when the last of what they depend on
// comes. installed is what is there already: an addon that could have
// installed itself with that and is not there was uninstalled. The result is in dependency order and
// includes installed.
func Closure(addons []Addon, installed, names []string) ([]Addon, error) {
	ordered, err := Graph(addons)
	if err != nil {
		return nil, err
	}
	byName := map[string]Addon{}
	var known []string
	for _, a := range ordered {
		byName[a.Name] = a
		known = append(known, a.Name)
	}
	want := map[string]bool{}
	var problems Problems
	var add func(name string)
	add = func(name string) {
		if want[name] {
			return
		}
		want[name] = true
		for _, d := range byName[name].Depends {
			add(d)
		}
	}
	for _, name := range installed {
		if byName[name].Name == "" {
			problems = append(problems, place{addon: name}.problem("is installed in the database but not part of this program; add it to the program, or uninstall it with the program it came from"))
			continue
		}
		add(name)
	}
	for _, name := range names {
		if byName[name].Name == "" {
			problems = append(problems, place{addon: name}.problem("there is no such addon%s", expr.DidYouMean(name, known)))
			continue
		}
		add(name)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	for _, a := range ordered { // in this order one pass is enough
		if a.AutoInstall && slices.ContainsFunc(a.Depends, func(d string) bool { return !slices.Contains(installed, d) }) &&
			!slices.ContainsFunc(a.Depends, func(d string) bool { return !want[d] }) {
			want[a.Name] = true
		}
	}
	return slices.DeleteFunc(ordered, func(a Addon) bool { return !want[a.Name] }), nil
}
