package orm

import (
	"sort"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// Model is a finished model. Read-only after Freeze.
type Model struct {
	Name      string
	Table     string
	Label     string
	Order     string
	RecName   string // field that names a record
	Parent    string // many2one of the hierarchy, "" without one
	Addon     string // the addon that defines it
	Addons    []string
	Transient bool
	Abstract  bool
	Query     string // SQL of a view model
	Mixins    []string
	PostRight Op // see Def.PostRight
	Fields    map[string]*Field
	Delegates []*Field
	SQL       []SQLConstraint

	registry    *Registry
	searchNames []string // fields name_search looks in
	computes    []*compute
	constraints []*constraint
	onchanges   []onchangeDecl
	methods     map[string]*method
	triggers    map[string][]trigger
	ops         *crud
	searches    bool // wraps search
	guarded     bool // has an access of its own, apart from rules
	hooked      bool // something is wrapped around write
	order       []orderTerm
	base        *contribution
	stored      []*Field // those with a column, by Field.at
	fieldNames  []string
	precomputed []*compute // see insert
	secretsTo   []*Field   // the secrets that are sent to an address of the record
	kept        bool       // what Kept holds depends on its records
}

type constraint struct {
	fields map[string]bool
	ops    *typeOps
	facet  *facet
	deps   []string
	call   func(*Env, any) error

	onRecords func(Records) error // in place of call, for what the core checks
}

type orderTerm struct {
	field string
	desc  bool
	nulls string // "", "first", "last"
	byID  bool   // of a many2one: its id, not the order of what it points at
}

// seal notes what does not change any more.
func (m *Model) seal() {
	m.fieldNames = m.FieldNames()
	for _, name := range m.fieldNames {
		if f := m.Fields[name]; f.column() {
			f.at = len(m.stored)
			m.stored = append(m.stored, f)
		}
	}
	m.precomputed = m.findPrecomputed()
}

// FieldNames lists the names of all fields, sorted. It is not to be changed.
func (m *Model) FieldNames() []string {
	if m.fieldNames != nil {
		return m.fieldNames
	}
	names := make([]string, 0, len(m.Fields))
	for n := range m.Fields {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Methods lists the names of the methods that may be called by name.
func (m *Model) Methods() []string {
	var names []string
	for n := range m.methods {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// HasMethod reports whether the model has a method of that name.
func (m *Model) HasMethod(name string) bool { return m.methods[name] != nil }

// Path resolves a dotted path to the fields along it.
func (m *Model) Path(path string) ([]*Field, error) {
	cur := m
	var out []*Field
	for i, name := range strings.Split(path, ".") {
		if cur == nil {
			return nil, ValidationErrorf("Field path %q on %s goes through %q, which is no relation.", path, m.Name, out[i-1].Name)
		}
		f := cur.Fields[name]
		if f == nil {
			return nil, ValidationErrorf("Invalid field %s.%s in %q%s", cur.Name, name, path, expr.DidYouMean(name, cur.FieldNames()))
		}
		out = append(out, f)
		cur = m.registry.models[f.Comodel]
	}
	return out, nil
}

// Registry is what the model was declared in.
func (m *Model) Registry() *Registry { return m.registry }

func (m *Model) comodel(f *Field) *Model { return m.registry.models[f.Comodel] }

// Comodel is the model a relational field points at, nil for other fields.
func (f *Field) ComodelOf() *Model {
	if f.Model == nil || f.Comodel == "" {
		return nil
	}
	return f.Model.registry.models[f.Comodel]
}

// HasActive reports whether records of the model can be archived.
func (m *Model) HasActive() bool {
	f := m.Fields["active"]
	return f != nil && f.Kind == Boolean && (f.Stored || f.Inherited())
}
