package orm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// Registry collects the declarations of a list of addons and, once frozen,
// holds the finished models. Several registries may live in one process.
type Registry struct {
	addon    string
	addons   map[string]bool // all that have declared something, or nothing
	frozen   bool
	errs     []error
	contribs map[string][]*contribution
	names    []string // models in order of definition
	facets   map[reflect.Type]*facet
	models   map[string]*Model
	computes []*compute // in the order in which they may be evaluated

	policy       Policy
	policyModels PolicyModels
}

// contribution is what one facet adds to one model.
type contribution struct {
	addon  string
	model  string
	parsed *parsedFacet
	ops    *typeOps
	mixin  bool
	define bool

	computes    []computeDecl
	inverses    map[string]func(*Env, any) error
	writeOnly   []string
	searches    map[string]func(*Env, string, any) (Domain, error)
	defaults    map[string]func(*Env) (any, error)
	options     map[string][]Option
	choices     map[string]func(*Env) ([]Option, error)
	constraints []constraintDecl
	onchanges   []onchangeDecl
	sql         []SQLConstraint
	methods     []methodDecl
	inherits    []string // mixins named rather than embedded
	query       string
	kept        bool
	postRight   Op
	hooks       hooks
}

type computeDecl struct {
	fields []string
	deps   []string
	call   func(*Env, any) error
}

type constraintDecl struct {
	fields []string
	call   func(*Env, any) error
}

type onchangeDecl struct {
	fields []string
	call   func(Records) error
}

// SQLConstraint is a constraint PostgreSQL enforces, with the message a user
// sees when it is broken.
type SQLConstraint struct {
	Name       string // full name in the database
	Definition string
	Message    string

	addon string // declares it
}

// typeOps makes batches of one facet type.
type typeOps struct {
	typ   reflect.Type
	alloc func(n int) (batch any, elems []reflect.Value)
}

func opsFor[T any]() *typeOps {
	return &typeOps{typ: reflect.TypeFor[T](), alloc: func(n int) (any, []reflect.Value) {
		block := make([]T, n)
		batch := make([]*T, n)
		elems := make([]reflect.Value, n)
		for i := range block {
			batch[i] = &block[i]
			elems[i] = reflect.ValueOf(batch[i]).Elem()
		}
		return batch, elems
	}}
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry {
	return &Registry{contribs: map[string][]*contribution{}, facets: map[reflect.Type]*facet{}, models: map[string]*Model{}, policy: OpenPolicy{}}
}

// Begin says that the declarations that follow are those of an addon. Addons
// declare in dependency order.
func (r *Registry) Begin(addon string) {
	r.addon = addon
	if r.addons == nil {
		r.addons = map[string]bool{}
	}
	r.addons[addon] = true
}

// made reports whether an external id is what it looks like: one in the name of
// an addon counts only when it is the system, loading the addon, that wrote it.
func (r *Registry) made(module string, creator int64) bool {
	return creator == SuperuserID || !r.addons[module]
}

func (r *Registry) errorf(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("addon "+r.addon+": "+format, args...))
}

// Def receives what the tags of facet T cannot say.
type Def[T any] struct {
	r *Registry
	c *contribution
}

// Define creates the model named by the tag of T's embedded Record.
func Define[T any](r *Registry) *Def[T] { return declare[T](r, "", true) }

// DefineMixin creates an abstract model from a struct that starts with Mixin.
func DefineMixin[T any](r *Registry) *Def[T] { return declare[T](r, "", true) }

// Extend adds the fields of T to the model of another facet, and makes T a
// facet of it. T may embed the facet it extends.
func Extend[T any](r *Registry, model string) *Def[T] { return declare[T](r, model, false) }

func declare[T any](r *Registry, model string, define bool) *Def[T] {
	t := reflect.TypeFor[T]()
	c := &contribution{addon: r.addon, model: model, define: define, ops: opsFor[T](),
		inverses: map[string]func(*Env, any) error{}, searches: map[string]func(*Env, string, any) (Domain, error){},
		defaults: map[string]func(*Env) (any, error){}, options: map[string][]Option{}, choices: map[string]func(*Env) ([]Option, error){}}
	d := &Def[T]{r, c}
	if r.frozen {
		r.errorf("%s is declared after Freeze", t)
		return d
	}
	parsed, errs := parseFacet(t, r.addon, func(e reflect.Type) bool { return r.facets[e] != nil })
	for _, err := range errs {
		r.errorf("%w", err)
	}
	c.parsed, c.mixin = parsed, parsed.isMix
	if define {
		tag, ok := parsed.record.Lookup("orm")
		if !ok {
			r.errorf("%s must start with orm.Record or orm.Mixin tagged `orm:\"model.name\"`", t)
			return d
		}
		c.model, _, _ = strings.Cut(tag, ",")
		if old := r.contribs[c.model]; len(old) > 0 {
			r.errorf("model %s is defined by %s and again by %s; use orm.Extend", c.model, old[0].parsed.facet.typ, t)
		} else if i := slices.IndexFunc(r.names, func(other string) bool { return tableName(other) == tableName(c.model) }); i >= 0 {
			r.errorf("model %s would have the table and the external id of %s; choose another name", c.model, r.names[i])
		}
		if !slices.Contains(r.names, c.model) {
			r.names = append(r.names, c.model)
		}
	} else if len(r.contribs[model]) == 0 {
		r.errorf("%s extends model %q, which no addon it depends on defines%s", t, model, expr.DidYouMean(model, r.names))
	}
	if r.facets[t] != nil {
		r.errorf("%s is declared twice", t)
	}
	parsed.facet.model = c.model
	r.facets[t] = parsed.facet
	r.contribs[c.model] = append(r.contribs[c.model], c)
	return d
}

// Inherit merges an abstract model by name, for mixins whose Go facet cannot
// be embedded. It also serves to extend a model whose facet has no such field.
func (d *Def[T]) Inherit(mixin string) *Def[T] {
	d.c.inherits = append(d.c.inherits, mixin)
	return d
}

// Kept says that values kept between units of work depend on the records of the
// model: see the function Kept.
func (d *Def[T]) Kept() { d.c.kept = true }

// PostRight sets the right on a record that lets somebody write about it: post
// messages and plan activities (_mail_post_access of Odoo). It is OpWrite unless
// an addon says that OpRead is enough.
func (d *Def[T]) PostRight(op Op) { d.c.postRight = op }

// Query makes the model a read-only view over a SELECT, which must give the
// columns of its stored fields and an id.
func (d *Def[T]) Query(sql string) *Def[T] {
	d.c.query = sql
	return d
}

// Compute gives the function of one or more computed fields (separated by
// commas) and the paths it reads. It gets the whole batch, paths loaded, and
// must set the fields on every record.
func (d *Def[T]) Compute(fields string, fn func(*Env, []*T) error, deps ...string) {
	d.c.computes = append(d.c.computes, computeDecl{splitList(fields), deps, func(e *Env, b any) error { return fn(e, b.([]*T)) }})
}

// Inverse gives the function that stores a value written to a computed field,
// as a rule by saving others. The batch carries the new value in the field.
func (d *Def[T]) Inverse(field string, fn func(*Env, []*T) error) {
	d.c.inverses[field] = func(e *Env, b any) error { return fn(e, b.([]*T)) }
}

// WriteOnly is Inverse for a text that is never given away again, such as a
// password: it reads as an empty text, which clients tell from no value.
func (d *Def[T]) WriteOnly(field string, fn func(*Env, []*T) error) {
	d.Compute(field, func(*Env, []*T) error { return nil })
	d.Inverse(field, fn)
	d.c.writeOnly = append(d.c.writeOnly, field)
}

// SearchBy gives the domain that stands for a leaf on a non-stored field.
func (d *Def[T]) SearchBy(field string, fn func(env *Env, op string, value any) (Domain, error)) {
	d.c.searches[field] = fn
}

// Default gives the function of a field's default, called when a record is made
// and nobody says what the field is.
func (d *Def[T]) Default(field string, fn func(*Env) (any, error)) { d.c.defaults[field] = fn }

// AddOptions extends the selection of a field.
func (d *Def[T]) AddOptions(field string, options ...Option) {
	d.c.options[field] = append(d.c.options[field], options...)
}

// OptionsBy gives the function that finds the values of a selection which has
// no list of its own, such as the installed languages.
func (d *Def[T]) OptionsBy(field string, fn func(*Env) ([]Option, error)) {
	d.c.choices[field] = fn
}

// Constrain registers a check that runs after a write of one of the fields
// (separated by commas), on the affected records, and at their creation. Its
// error, as a rule of [ValidationErrorf], undoes the write.
func (d *Def[T]) Constrain(fields string, fn func(*Env, []*T) error) {
	d.c.constraints = append(d.c.constraints, constraintDecl{splitList(fields), func(e *Env, b any) error { return fn(e, b.([]*T)) }})
}

// OnChange registers what a form does when somebody changes one of the fields
// (separated by commas) in it, beside what is computed: it gets the new record that
// the form shows, see [Records.New], and assigns to it. Nothing of it happens when
// records are written.
func (d *Def[T]) OnChange(fields string, fn func(Records) error) {
	d.c.onchanges = append(d.c.onchanges, onchangeDecl{splitList(fields), fn})
}

// Unique adds a unique constraint over columns, separated by commas. Whoever
// breaks it gets a ValidationError with the message. The name, with the table's
// in front, is that of the constraint in the database.
func (d *Def[T]) Unique(name, columns, message string) {
	d.c.sql = append(d.c.sql, SQLConstraint{Name: tableName(d.c.model) + "_" + name, Definition: "UNIQUE (" + columns + ")", Message: message})
}

// Check adds a check constraint over a SQL condition on the record's columns;
// name and message are as in Unique.
func (d *Def[T]) Check(name, condition, message string) {
	d.c.sql = append(d.c.sql, SQLConstraint{Name: tableName(d.c.model) + "_" + name, Definition: "CHECK (" + condition + ")", Message: message})
}

// Exclude adds an exclusion constraint, as "USING gist (room WITH =, during WITH
// &&)"; name and message are as in Unique.
func (d *Def[T]) Exclude(name, definition, message string) {
	d.c.sql = append(d.c.sql, SQLConstraint{Name: tableName(d.c.model) + "_" + name, Definition: "EXCLUDE " + definition, Message: message})
}

func splitList(s string) []string {
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func tableName(model string) string { return strings.ReplaceAll(model, ".", "_") }

// Model returns a model by name.
func (r *Registry) Model(name string) (*Model, bool) {
	m, ok := r.models[name]
	return m, ok
}

// Models lists all models by name.
func (r *Registry) Models() []*Model {
	list := make([]*Model, 0, len(r.models))
	for _, m := range r.models {
		list = append(list, m)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

// Freeze merges the declarations and checks every name in them. It reports all
// mistakes at once. The registry may be used only when it returns nil; after
// mistakes it serves to check what else names its models and fields.
func (r *Registry) Freeze() error {
	if r.frozen {
		return nil
	}
	r.frozen = true
	b := &builder{r: r, state: map[string]int{}, bare: map[*Field]bool{}, wrong: map[*Field]bool{}, partial: map[*Model]bool{}, undeferred: map[string]bool{}}
	for _, name := range r.names {
		b.build(name)
	}
	b.policySources()
	for _, name := range r.names {
		b.finish(r.models[name])
	}
	b.graph()
	for _, m := range r.models {
		m.seal()
	}
	return errors.Join(r.errs...)
}
