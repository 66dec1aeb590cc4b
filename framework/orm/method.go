package orm

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// Args are the arguments of a call by name, positional and named.
type Args struct {
	Pos []any
	Kw  map[string]any
}

// Get returns the argument at a position or of a name, nil when it is absent.
func (a Args) Get(i int, name string) any {
	if i >= 0 && i < len(a.Pos) {
		return a.Pos[i]
	}
	return a.Kw[name]
}

// String is like Get for a text, "" when absent or of another type.
func (a Args) String(i int, name string) string {
	s, _ := a.Get(i, name).(string)
	return s
}

// Int is like Get for a number, 0 when absent or of another type.
func (a Args) Int(i int, name string) int64 {
	n, _ := toInt(a.Get(i, name))
	return n
}

// IDs is like Get for a list of record ids.
func (a Args) IDs(i int, name string) []int64 {
	ids, _ := parseIDs(a.Get(i, name))
	return ids
}

// Check refuses a call whose arguments do not fit the named ones, of which the
// first need ones have to be there. A model's own method calls it first.
func (a Args) Check(method string, need int, names ...string) error {
	if len(a.Pos) > len(names) {
		return &Error{Code: CodeType, Message: fmt.Sprintf("%s() takes %d arguments but %d were given", method, len(names), len(a.Pos))}
	}
	for name := range a.Kw {
		if i := slices.Index(names, name); i < 0 || i < len(a.Pos) {
			return &Error{Code: CodeType, Message: fmt.Sprintf("%s() got an unexpected argument '%s'", method, name)}
		}
	}
	for _, name := range names[min(len(a.Pos), need):need] {
		if _, ok := a.Kw[name]; !ok {
			return &Error{Code: CodeType, Message: fmt.Sprintf("%s() lacks the argument '%s'", method, name)}
		}
	}
	return nil
}

// Action is the body of a method on records of facet T.
type Action[T any] func(env *Env, recs []*T, args Args) (any, error)

// Method names a method on records. Declare it as a package variable without a
// body and give the body in Define, so that bodies may call each other.
type Method[T any] struct {
	Name   string
	Groups []string // groups that may call it by name; empty: everybody with access
	// Waiting is what people are told while it is under way, when that takes long
	// because it calls out, as "Asking the store".
	Waiting string
}

// Function is the body of a method on the model itself, without records.
type Function func(env *Env, args Args) (any, error)

// ModelMethod names a method on the model itself, such as a cron's entry.
type ModelMethod[T any] struct {
	Name   string
	Groups []string
}

type methodBody func(rs Records, args Args) (any, error)

type method struct {
	name    string
	groups  []string
	waiting string
	onModel bool
	call    methodBody
}

type methodDecl struct {
	name    string
	groups  []string
	waiting string
	onModel bool
	wrap    func(next methodBody) methodBody
	base    bool
}

// Implement gives a record method its body. Names with a leading underscore
// cannot be called from outside.
func Implement[T any](d *Def[T], slot Method[T], body Action[T]) {
	d.c.methods = append(d.c.methods, methodDecl{name: slot.Name, groups: slot.Groups, waiting: slot.Waiting, base: true,
		wrap: func(methodBody) methodBody { return untyped(body) }})
}

// ImplementModel gives a model method its body.
func ImplementModel[T any](d *Def[T], slot ModelMethod[T], body Function) {
	d.c.methods = append(d.c.methods, methodDecl{name: slot.Name, groups: slot.Groups, base: true, onModel: true,
		wrap: func(methodBody) methodBody { return func(rs Records, a Args) (any, error) { return body(rs.Env, a) } }})
}

// Override wraps a record method of facet T's model; super is what the addons
// before this one made of it.
func Override[T any](r *Registry, slot Method[T], wrap func(super Action[T]) Action[T]) {
	c := r.overrider(opsFor[T](), slot.Name)
	if c == nil {
		return
	}
	c.methods = append(c.methods, methodDecl{name: slot.Name, wrap: func(next methodBody) methodBody {
		return untyped(wrap(typed[T](next)))
	}})
}

// OverrideModel wraps a model method.
func OverrideModel[T any](r *Registry, slot ModelMethod[T], wrap func(super Function) Function) {
	c := r.overrider(opsFor[T](), slot.Name)
	if c == nil {
		return
	}
	c.methods = append(c.methods, methodDecl{name: slot.Name, onModel: true, wrap: func(next methodBody) methodBody {
		f := wrap(func(env *Env, a Args) (any, error) { return next(env.Model(c.model), a) })
		return func(rs Records, a Args) (any, error) { return f(rs.Env, a) }
	}})
}

// overrider adds an empty contribution of the current addon to T's model.
func (r *Registry) overrider(ops *typeOps, name string) *contribution {
	f := r.facets[ops.typ]
	if f == nil {
		r.errorf("Override of %s on %s, which is no declared facet", name, ops.typ)
		return nil
	}
	c := &contribution{addon: r.addon, model: f.model, ops: ops, parsed: &parsedFacet{facet: f}}
	r.contribs[f.model] = append(r.contribs[f.model], c)
	return c
}

// untyped reads the facets of the ids and hands them to a typed body.
func untyped[T any](body Action[T]) methodBody {
	return func(rs Records, a Args) (any, error) {
		recs, err := readFacets[T](rs.Env, rs.Model, rs.IDs, nil)
		if err != nil {
			return nil, err
		}
		return body(rs.Env, recs, a)
	}
}

func typed[T any](next methodBody) Action[T] {
	return func(env *Env, recs []*T, a Args) (any, error) {
		if len(recs) == 0 {
			return nil, nil
		}
		m, ids := identify(env, recs)
		return next(Records{Env: env, Model: m, IDs: ids}, a)
	}
}

// Invoke calls a record method with all its overrides.
func Invoke[T any](env *Env, slot Method[T], recs []*T, args ...any) (any, error) {
	if len(recs) == 0 {
		return nil, nil
	}
	m, ids := identify(env, recs)
	return Records{Env: env, Model: m, IDs: ids}.Do(slot.Name, Args{Pos: args})
}

// InvokeModel calls a model method with all its overrides.
func InvokeModel[T any](env *Env, slot ModelMethod[T], args ...any) (any, error) {
	m, err := modelOf[T](env)
	if err != nil {
		return nil, err
	}
	return Records{Env: env, Model: m}.Do(slot.Name, Args{Pos: args})
}

// Do runs a method by name for code of the program itself: private names are
// allowed and no groups are checked.
func (rs Records) Do(name string, a Args) (any, error) {
	mt := rs.Model.methods[name]
	if mt == nil {
		return nil, fmt.Errorf("orm: model %s has no method %s", rs.Model.Name, name)
	}
	return mt.call(rs, a)
}

// Call runs a method by name on behalf of a client or a data file. It refuses
// private names and callers without the method's groups.
func (rs Records) Call(name string, a Args) (any, error) {
	if strings.HasPrefix(name, "_") {
		return nil, AccessErrorf("Private methods (such as '%s.%s') cannot be called remotely.", rs.Model.Name, name)
	}
	mt := rs.Model.methods[name]
	if mt == nil {
		return nil, &Error{Code: CodeUser, Message: fmt.Sprintf("The method '%s.%s' does not exist%s", rs.Model.Name, name, expr.DidYouMean(name, rs.Model.Methods()))}
	}
	if len(mt.groups) > 0 && !rs.Env.Superuser() {
		ok, err := rs.Env.InAnyGroup(mt.groups...)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, AccessErrorf("You are not allowed to call '%s' on %s. It is reserved to: %s.", name, rs.Model.Label, strings.Join(mt.groups, ", "))
		}
	}
	return mt.call(rs, a)
}

// Waiting is what people are told while a method is under way, "" when it takes no
// time.
func (m *Model) Waiting(name string) string {
	if mt := m.methods[name]; mt != nil {
		return mt.waiting
	}
	return ""
}

// OnModel reports whether a method takes no records.
func (m *Model) OnModel(name string) bool {
	mt := m.methods[name]
	return mt != nil && mt.onModel
}

// The signatures of the operations a model may wrap. Records carry the user's
// Env and the concrete model, also in the hooks of a mixin.
type (
	CreateFunc     func(rs Records, vals []Values) (Records, error)
	WriteFunc      func(rs Records, vals Values) error
	UnlinkFunc     func(rs Records) error
	CopyFunc       func(rs Records, overrides Values) (Records, error)
	CopyDataFunc   func(rs Records, overrides Values) (Values, error)
	DefaultFunc    func(rs Records, fields []string) (Values, error)
	SearchFunc     func(rs Records, d Domain, o SearchOptions) ([]int64, error)
	NameSearchFunc func(rs Records, name string, d Domain, op string, limit int) ([]NamedID, error)
	NameCreateFunc func(rs Records, name string) (NamedID, error)
	AccessFunc     func(rs Records, op Op) (Domain, error)
)

// NamedID pairs a record with its display name.
type NamedID struct {
	ID   int64
	Name string
}

type crud struct {
	create     CreateFunc
	write      WriteFunc
	unlink     UnlinkFunc
	copy       CopyFunc
	copyData   CopyDataFunc
	defaults   DefaultFunc
	search     SearchFunc
	nameSearch NameSearchFunc
	nameCreate NameCreateFunc
	access     AccessFunc
}

type hooks struct {
	create     []func(CreateFunc) CreateFunc
	write      []func(WriteFunc) WriteFunc
	unlink     []func(UnlinkFunc) UnlinkFunc
	copy       []func(CopyFunc) CopyFunc
	copyData   []func(CopyDataFunc) CopyDataFunc
	defaults   []func(DefaultFunc) DefaultFunc
	search     []func(SearchFunc) SearchFunc
	nameSearch []func(NameSearchFunc) NameSearchFunc
	nameCreate []func(NameCreateFunc) NameCreateFunc
	access     []func(AccessFunc) AccessFunc
}

// OnCreate wraps create. As with all such wraps the last addon's is called
// first, and what it does not hand on to super does not happen. Values are in the
// form that [Values] tells, and the hook's own: it may change them.
func (d *Def[T]) OnCreate(h func(super CreateFunc) CreateFunc) {
	d.c.hooks.create = append(d.c.hooks.create, h)
}

// OnWrite wraps write, on all the records at once; of values see OnCreate.
func (d *Def[T]) OnWrite(h func(super WriteFunc) WriteFunc) {
	d.c.hooks.write = append(d.c.hooks.write, h)
}

// OnUnlink wraps unlink. Records that the database deletes along, by
// ondelete=cascade, go through it too.
func (d *Def[T]) OnUnlink(h func(super UnlinkFunc) UnlinkFunc) {
	d.c.hooks.unlink = append(d.c.hooks.unlink, h)
}

// OnCopyData wraps the making of the values that a copy of one record is created
// with. Overrides take the place of the record's own; super adds the others.
func (d *Def[T]) OnCopyData(h func(super CopyDataFunc) CopyDataFunc) {
	d.c.hooks.copyData = append(d.c.hooks.copyData, h)
}

// OnCopy wraps copy, for what is to happen beside. What the copy is created with is
// for OnCopyData to say.
func (d *Def[T]) OnCopy(h func(super CopyFunc) CopyFunc) {
	d.c.hooks.copy = append(d.c.hooks.copy, h)
}

// OnDefaultGet wraps default_get.
func (d *Def[T]) OnDefaultGet(h func(super DefaultFunc) DefaultFunc) {
	d.c.hooks.defaults = append(d.c.hooks.defaults, h)
}

// OnSearch wraps search. Counts and groups look for their records through it, too.
func (d *Def[T]) OnSearch(h func(super SearchFunc) SearchFunc) {
	d.c.hooks.search = append(d.c.hooks.search, h)
}

// OnNameSearch wraps name_search.
func (d *Def[T]) OnNameSearch(h func(super NameSearchFunc) NameSearchFunc) {
	d.c.hooks.nameSearch = append(d.c.hooks.nameSearch, h)
}

// OnNameCreate wraps name_create.
func (d *Def[T]) OnNameCreate(h func(super NameCreateFunc) NameCreateFunc) {
	d.c.hooks.nameCreate = append(d.c.hooks.nameCreate, h)
}

// OnAccess wraps the answer to which records of the model a user may read,
// write, create or unlink: a domain, nil for all of them. super is what record
// rules say. Whatever reads or changes records asks it, by whatever way it
// comes to them: by id, search, path, list, delegation, count, group or export.
// Models whose records belong to documents answer with [Document].
//
// The function gets the model without records and the user's Env; all rights
// go without asking. Its answer may depend on the user, his companies and the
// access data, and on nothing else. The domain is evaluated with all rights,
// like that of a rule. New records are asked about when they are stored, and
// changed ones again, as if they were new, when what it depends on changes.
func (d *Def[T]) OnAccess(h func(super AccessFunc) AccessFunc) {
	d.c.hooks.access = append(d.c.hooks.access, h)
}
