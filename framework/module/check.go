package module

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
)

// Check looks for mistakes in addons without a database: in the manifests, the
// models, and in every name and expression of their data and demonstration
// files. All are reported at once, in order of addon, file and line: data files
// and views are checked against what is known of the models when those have
// mistakes too.
func Check(addons []Addon) []Problem {
	ordered, err := Graph(addons)
	if err != nil {
		return toProblems(err, place{})
	}
	reg := declare(ordered)
	problems := registryProblems(reg.Freeze())
	files := map[string][]*dataFile{}
	for _, a := range ordered {
		parsed, ps := parseAll(a, true)
		files[a.Name], problems = parsed, append(problems, ps...)
	}
	problems = append(problems, checkServices(ordered)...)
	c := newChecker(reg, ordered)
	problems = append(problems, c.run(ordered, files, ordered)...)
	return problems.tidy()
}

var namedAddon = regexp.MustCompile(`^addon (\w+): `)

// registryProblems takes the mistakes of Freeze apart.
func registryProblems(err error) Problems {
	if err == nil {
		return nil
	}
	ps := toProblems(err, place{})
	for i, p := range ps {
		if m := namedAddon.FindStringSubmatch(p.Message); m != nil {
			ps[i].Addon, ps[i].Message = m[1], strings.TrimPrefix(p.Message, m[0])
		}
	}
	return ps
}

// knownID is an external id the files define, as far as a checker knows it.
type knownID struct {
	full, model, addon string
	fake               int64  // stands for the record's id in expressions
	target             string // model that a record of ir.model describes
	name               bool   // the record has a name
	at                 place
}

// dataChecker walks the operations of all addons in the order of loading.
type dataChecker struct {
	reg      *orm.Registry
	schema   *viewSchema
	pos      map[string]int
	needs    map[string]map[string]bool // addon → itself and all it depends on
	ids      map[string]*knownID
	fakes    map[int64]*knownID
	models   []string
	views    []*checkedView
	viewByID map[string]*checkedView
	problems Problems
	addon    Addon
}

func newChecker(reg *orm.Registry, ordered []Addon) *dataChecker {
	c := &dataChecker{reg: reg, schema: NewSchema(reg, nil, nil).(*viewSchema), pos: positions(ordered), needs: map[string]map[string]bool{},
		ids: map[string]*knownID{}, fakes: map[int64]*knownID{}, models: modelNames(reg), viewByID: map[string]*checkedView{}}
	for _, a := range ordered {
		c.needs[a.Name] = map[string]bool{a.Name: true}
		for _, d := range a.Depends {
			maps.Copy(c.needs[a.Name], c.needs[d])
		}
	}
	return c
}

// run checks the files of addons; what those that are only declared (already
// installed) contain counts as known.
func (c *dataChecker) run(ordered []Addon, files map[string][]*dataFile, report []Addon) Problems {
	for _, a := range ordered {
		if full := "base.module_" + a.Name; c.ids[full] == nil {
			c.define(full, "ir.module.module", place{addon: "base"})
		}
	}
	for _, a := range ordered {
		c.reflect(a)
		c.files(a, files[a.Name])
	}
	return c.findings(report)
}

// files checks data files of an addon, in the order of loading.
func (c *dataChecker) files(a Addon, files []*dataFile) {
	c.addon = a
	for _, f := range files {
		for _, op := range f.ops {
			switch op := op.(type) {
			case *record:
				c.record(op)
			case *deletion:
				c.deletion(op)
			case *call:
				c.call(op)
			}
		}
	}
}

// findings checks the views, when all are known, and gives the problems of
// some addons.
func (c *dataChecker) findings(report []Addon) Problems {
	c.checkViews()
	return slices.DeleteFunc(c.problems, func(p Problem) bool {
		return !slices.ContainsFunc(report, func(a Addon) bool { return a.Name == p.Addon })
	})
}

func (c *dataChecker) fail(at place, format string, args ...any) {
	c.problems = append(c.problems, at.problem(format, args...))
}

func (c *dataChecker) failErr(at place, err error) {
	var de *dataError
	if errors.As(err, &de) {
		c.problems = append(c.problems, de.problem)
		return
	}
	c.fail(at, "%v", err)
}

func (c *dataChecker) define(full, model string, at place) *knownID {
	k := &knownID{full: full, model: model, addon: at.addon, fake: int64(len(c.fakes) + 1), at: at}
	c.ids[full], c.fakes[k.fake] = k, k
	switch {
	case model == c.reg.PolicyModels().Groups:
		c.schema.groups[full] = true
	case strings.HasPrefix(model, "ir.actions."):
		c.schema.actions[full] = true
	}
	return k
}

// reflect defines the external ids that models and fields get.
func (c *dataChecker) reflect(a Addon) {
	for _, m := range c.reg.Models() {
		if slices.Contains(modelOwners(m, c.pos), a.Name) {
			c.define(a.Name+"."+modelID(m.Name), "ir.model", place{addon: a.Name}).target = m.Name
		}
		for name, f := range m.Fields {
			if fieldOwner(f, c.pos) == a.Name {
				c.define(a.Name+"."+fieldID(m.Name, name), "ir.model.fields", place{addon: a.Name})
			}
		}
	}
}

// visible reports a name that comes from an addon this one does not depend on.
func (c *dataChecker) visible(at place, owner, what string) bool {
	if owner == "" || c.needs[at.addon] == nil || c.needs[at.addon][owner] {
		return true
	}
	c.fail(at, "%s belongs to addon %s, which %s does not depend on; add it to Depends", what, owner, at.addon)
	return false
}

func (c *dataChecker) model(at place, name string) *orm.Model {
	m, ok := c.reg.Model(name)
	if !ok {
		c.fail(at, "model %q does not exist%s", name, expr.DidYouMean(name, c.models))
		return nil
	}
	if !c.visible(at, m.Addon, "model "+name) {
		return nil
	}
	return m
}

// ref looks up an external id that must be defined before this place.
func (c *dataChecker) ref(at place, full string) *knownID {
	k := c.ids[full]
	if k == nil {
		c.fail(at, "external id %q does not exist (yet)%s", full, suggestID(full, slices.Sorted(maps.Keys(c.ids))))
		return nil
	}
	if module, _, _ := strings.Cut(full, "."); module != "base" && !c.visible(at, module, "external id "+full) {
		return nil
	}
	return k
}

func (c *dataChecker) record(r *record) {
	if r.id != "" {
		if strings.Count(r.id, ".") > 1 {
			c.fail(r.place, "an external id has one dot, between addon and name")
		}
		if owner, _, _ := strings.Cut(r.id, "."); c.needs[owner] == nil {
			c.fail(r.place, "the external id names addon %q, which does not exist%s", owner, expr.DidYouMean(owner, slices.Sorted(maps.Keys(c.needs))))
		} else {
			c.visible(r.place, owner, "external id "+r.id)
		}
	}
	if r.model == "" && r.parent != nil {
		if pm, ok := c.reg.Model(r.parent.model); ok {
			f, err := fieldOf(r.place, pm, r.inverse)
			if err != nil {
				c.failErr(r.place, err)
				return
			}
			r.model = f.Comodel
		}
	}
	m := c.model(r.place, r.model)
	c.scope(r.place, r.scope)
	known := c.ids[r.id]
	if known != nil && known.model != r.model {
		c.fail(r.place, "the external id belongs to %s, not to %s", known.model, r.model)
	}
	given := map[string]any{}
	if m != nil {
		for _, v := range r.fields {
			at := r.sub(v.line)
			f, err := fieldOf(at, m, v.name)
			if err != nil {
				c.failErr(at, err)
				continue
			}
			if _, twice := given[f.Name]; twice && v.lang == "" {
				c.fail(at, "field %s is given twice", f.Name)
			}
			if !c.visible(at, fieldOwner(f, c.pos), "field "+m.Name+"."+f.Name) {
				continue
			}
			given[f.Name] = c.value(at, r, m, f, v)
		}
		if r.parent != nil {
			c.parent(r)
		}
	}
	// Defined in any case, so that one mistake is not reported at every ref.
	if r.id != "" && known == nil {
		known = c.define(r.id, r.model, r.place)
		if m != nil {
			for _, f := range m.Delegates {
				if co := f.ComodelOf(); co != nil && c.ids[r.id+"_"+co.Table] == nil {
					c.define(r.id+"_"+co.Table, f.Comodel, r.place)
				}
			}
		}
	}
	if m != nil {
		if known != nil {
			known.name = known.name || given["name"] != nil
		}
		c.special(r, m, given)
	}
}

func (c *dataChecker) parent(r *record) {
	m, ok := c.reg.Model(r.parent.model)
	if !ok {
		return
	}
	f := m.Fields[r.inverse]
	switch {
	case f == nil:
		c.fail(r.place, "%s has no field %q%s", m.Name, r.inverse, expr.DidYouMean(r.inverse, m.FieldNames()))
	case f.Kind != orm.One2many:
		c.fail(r.place, "records can be written only inside a one2many field; %s.%s is a %s", m.Name, f.Name, f.Kind)
	case f.Comodel != r.model:
		c.fail(r.place, "field %s.%s holds records of %s, not of %s", m.Name, f.Name, f.Comodel, r.model)
	}
}

func (c *dataChecker) deletion(d *deletion) {
	m := c.model(d.place, d.model)
	if m != nil && d.search != "" {
		c.domain(d.place, m.Name, d.search)
	}
}

func (c *dataChecker) call(k *call) {
	m := c.model(k.place, k.model)
	c.scope(k.place, k.scope)
	if m != nil && !m.HasMethod(k.method) && !slices.Contains(commonMethods(), k.method) {
		c.fail(k.place, "%s has no method %q%s", m.Name, k.method, expr.DidYouMean(k.method, m.Methods()))
	}
	if k.eval != "" {
		if v, ok := c.eval(k.place, k.eval, m); ok {
			if _, list := v.([]any); !list {
				c.fail(k.place, "eval= of a function must be a list of its arguments")
			}
		}
	}
	for _, a := range k.args {
		c.arg(a, m)
	}
}

// scope checks the contexts and the user of an operation.
func (c *dataChecker) scope(at place, sc scope) {
	for _, src := range sc.contexts {
		if v, ok := c.eval(at, src, nil); ok {
			if _, dict := v.(map[string]any); !dict {
				c.fail(at, "context= must be a dictionary")
			}
		}
	}
	if sc.user == "" {
		return
	}
	if k := c.ref(at, sc.user); k != nil && k.model != c.reg.PolicyModels().Users {
		c.fail(at, "uid= names %s, which is a %s and not a user", k.full, k.model)
	}
}

// arg checks a <value>.
func (c *dataChecker) arg(a callArg, m *orm.Model) {
	switch {
	case a.call != nil:
		c.call(a.call)
	case a.search != "":
		on := m
		if a.model != "" || m == nil {
			on = c.model(a.place, a.model)
		}
		if on == nil {
			return
		}
		c.domain(a.place, on.Name, a.search)
		if a.use != "" && on.Fields[a.use] == nil {
			c.fail(a.place, "use=%q: %s has no such field%s", a.use, on.Name, expr.DidYouMean(a.use, on.FieldNames()))
		}
	case a.hasEval:
		c.eval(a.place, a.eval, m)
	case a.file != "":
		c.file(a.place, a.file)
	case a.typ == "xml" || a.typ == "html":
		c.markup(a.place, a.text)
	case a.typ == "file":
		c.file(a.place, a.text)
	default:
		if _, err := (&loader{}).typed(a.place, "(value)", a.typ, a.text); a.typ != "list" && a.typ != "tuple" && err != nil {
			c.failErr(a.place, err)
		}
	}
}
