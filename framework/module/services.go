package module

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkServices looks for mistakes in what manifests bring beside models and
// data: addresses, pages and jobs that two addons claim, or that do nothing.
func checkServices(addons []Addon) Problems {
	var problems Problems
	owner := map[string]string{}
	claim := func(a Addon, what string) {
		if by, taken := owner[what]; taken {
			problems = append(problems, Problem{Addon: a.Name, Message: fmt.Sprintf("%s is %s's already", what, by)})
			return
		}
		owner[what] = a.Name
	}
	users := ""
	for _, a := range addons {
		wrong := func(format string, args ...any) {
			problems = append(problems, Problem{Addon: a.Name, Message: fmt.Sprintf(format, args...)})
		}
		for _, r := range a.Routes {
			switch {
			case !strings.HasPrefix(r.Path, "/"):
				wrong("the path of a route begins with a slash: %q", r.Path)
			case r.Handler == nil:
				wrong("the route %s has no handler", r.Path)
			}
			methods := r.Methods
			if len(methods) == 0 {
				methods = []string{"every method"}
			}
			for _, m := range methods {
				claim(a, "the route "+m+" "+r.Path)
			}
		}
		for _, tag := range slices.Sorted(maps.Keys(a.Pages)) {
			claim(a, "the page "+tag)
		}
		for _, name := range slices.Sorted(maps.Keys(a.Panels)) {
			claim(a, "the panel "+name)
			if a.Panels[name].Show == nil {
				wrong("the panel %s shows nothing", name)
			}
			for _, post := range slices.Sorted(maps.Keys(a.Panels[name].Posts)) {
				claim(a, "what panels post to "+post)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(a.Jobs)) {
			claim(a, "the job "+name)
		}
		if a.Auth != nil && users != "" {
			wrong("it recognises users, which %s does already", users)
		}
		if a.Auth != nil {
			users = a.Name
		}
	}
	return problems
}
