package module

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/view"
)

// checkedView is a view of the data files, to be checked when all are known.
type checkedView struct {
	id, model string
	qweb      bool
	primary   bool // begins a tree of its own, even when it inherits
	inherit   string
	priority  int
	order     int
	arch      *view.Arch
	kids      []*checkedView
}

// view collects a record of ir.ui.view; a later record of the same id changes
// the earlier one.
func (c *dataChecker) view(r *record, given map[string]any) {
	if r.id == "" {
		return
	}
	v := c.viewByID[r.id]
	if v == nil {
		v = &checkedView{id: r.id, priority: 16, order: len(c.views), primary: true}
		c.viewByID[r.id] = v
		c.views = append(c.views, v)
	}
	for _, f := range r.fields {
		switch f.name {
		case "model":
			if v.model = strings.TrimSpace(f.text); v.model != "" && c.model(r.sub(f.line), v.model) == nil {
				v.model = ""
			}
		case "type":
			v.qweb = strings.TrimSpace(f.text) == "qweb"
		case "inherit_id":
			if k, ok := given["inherit_id"].(*knownID); ok {
				v.inherit, v.primary = k.full, false
			}
		case "priority":
			switch x := given["priority"].(type) {
			case string:
				v.priority, _ = strconv.Atoi(strings.TrimSpace(x))
			case int64:
				v.priority = int(x)
			}
		case "arch", "arch_db", "arch_base":
			text, ok := given[f.name].(string)
			if !ok {
				continue
			}
			line := f.base
			if line == 0 {
				line = f.line
			}
			arch, err := view.Parse([]byte(text), view.Source{View: r.id, Model: v.model, File: r.addon + "/" + r.file, Line: line})
			if err != nil {
				c.viewErr(r.place, err)
				continue
			}
			v.arch = arch
		}
	}
	for _, f := range r.fields {
		if f.name == "mode" {
			v.primary = strings.TrimSpace(f.text) == "primary" || v.inherit == ""
		}
	}
}

// storedView enters a view that only the database knows.
func (c *dataChecker) storedView(v *checkedView, arch string) {
	v.order = len(c.views)
	at := place{addon: strings.SplitN(v.id, ".", 2)[0], record: v.id}
	parsed, err := view.Parse([]byte(arch), view.Source{View: v.id, Model: v.model, File: at.addon + "/(database)"})
	if err != nil {
		c.viewErr(at, err)
		return
	}
	v.arch = parsed
	c.viewByID[v.id] = v
	c.views = append(c.views, v)
}

// viewErr reports the problems of a view where they are written.
func (c *dataChecker) viewErr(at place, err error) {
	var list view.Problems
	var one *view.Problem
	switch {
	case errors.As(err, &list):
	case errors.As(err, &one):
		list = view.Problems{one}
	default:
		c.fail(at, "%v", err)
		return
	}
	for _, p := range list {
		here := at
		if addon, file, ok := strings.Cut(p.File, "/"); ok {
			here = place{addon: addon, file: file, line: p.Line, record: p.View}
		}
		msg := p.Msg
		if p.Suggestion != "" {
			msg += "; did you mean \"" + p.Suggestion + "\"?"
		}
		problem := here.problem("%s", msg)
		if !slices.Contains(c.problems, problem) { // seen through several views
			c.problems = append(c.problems, problem)
		}
	}
}

// checkViews applies every extension and validates every tree.
func (c *dataChecker) checkViews() {
	for _, v := range c.views {
		if parent := c.viewByID[v.inherit]; parent != nil {
			parent.kids = append(parent.kids, v)
			if v.model == "" {
				v.model = parent.model
			}
			v.qweb = v.qweb || parent.qweb
		}
	}
	for _, v := range c.views {
		slices.SortStableFunc(v.kids, func(a, b *checkedView) int {
			return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.order, b.order))
		})
	}
	combined := map[*checkedView]*view.Arch{}
	for _, v := range c.views {
		if !v.primary || v.qweb {
			continue
		}
		arch := c.combine(v, combined, 0)
		if arch == nil {
			continue
		}
		arch.Model = v.model
		tree, err := view.Build(arch)
		if err == nil && v.model != "" {
			err = view.Validate(tree, c.schema, view.Options{})
		}
		if err != nil {
			c.viewErr(place{addon: strings.SplitN(v.id, ".", 2)[0], record: v.id}, err)
		}
	}
}

const maxViewDepth = 50

// combine gives the arch of a primary view with all extensions applied, nil
// when it cannot be told.
func (c *dataChecker) combine(v *checkedView, done map[*checkedView]*view.Arch, depth int) *view.Arch {
	if a, ok := done[v]; ok {
		return a
	}
	if v.arch == nil || depth > maxViewDepth {
		return nil
	}
	arch := v.arch
	if parent := c.viewByID[v.inherit]; parent != nil {
		for !parent.primary && c.viewByID[parent.inherit] != nil {
			parent = c.viewByID[parent.inherit]
		}
		base := c.combine(parent, done, depth+1)
		if base == nil {
			return nil
		}
		arch = c.apply(base, v)
	}
	var extend func(kids []*checkedView, depth int)
	extend = func(kids []*checkedView, depth int) {
		for _, kid := range kids {
			if kid.primary || kid.arch == nil || depth > maxViewDepth {
				continue
			}
			arch = c.apply(arch, kid)
			extend(kid.kids, depth+1)
		}
	}
	extend(v.kids, 0)
	done[v] = arch
	return arch
}

// apply is one extension; when it fails the view stays without it, so that
// other mistakes come to light too.
func (c *dataChecker) apply(base *view.Arch, v *checkedView) *view.Arch {
	out, err := view.Apply(base, v.arch)
	if err != nil {
		c.viewErr(place{addon: strings.SplitN(v.id, ".", 2)[0], record: v.id}, err)
		return base
	}
	return out
}
