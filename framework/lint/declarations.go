package lint

import (
	"encoding/json"
	"go/ast"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"
)

// declarations are the models that a package and all it imports declare. It is
// the fact of a package.
type declarations struct {
	Models map[string]*model
	Facets map[string]string // facets that extend a model, by type
	Addons map[string]bool   // those whose manifests are seen
	Open   bool              // something is declared in a way that is not understood

	local    map[*types.TypeName]string // facets of the package at hand
	manifest bool                       // the package at hand is an addon
	missing  bool                       // it depends on addons that it does not import
}

// model is what is known of a model.
type model struct {
	Defined bool // not only extended
	Mixin   bool // its functions may use what the models have that take it
	Fields  map[string]field
	Takes   []string // mixins, and the models it delegates to
}

type field struct {
	Comodel string `json:",omitempty"`
}

// AFact marks the type as a fact.
func (*declarations) AFact() {}

func (d *declarations) String() string {
	return "models " + strings.Join(slices.Sorted(maps.Keys(d.Models)), ", ")
}

// GobEncode writes the fact the same way every time, as the build cache wants.
func (d *declarations) GobEncode() ([]byte, error) {
	type plain declarations
	return json.Marshal((*plain)(d))
}

// GobDecode reads what GobEncode has written.
func (d *declarations) GobDecode(data []byte) error {
	type plain declarations
	return json.Unmarshal(data, (*plain)(d))
}

func (d *declarations) model(name string) *model {
	if d.Models[name] == nil {
		d.Models[name] = &model{Fields: map[string]field{}}
	}
	return d.Models[name]
}

func (d *declarations) merge(o *declarations) {
	for name, m := range o.Models {
		own := d.model(name)
		own.Defined, own.Mixin = own.Defined || m.Defined, own.Mixin || m.Mixin
		for n, f := range m.Fields {
			own.add(n, f)
		}
		for _, t := range m.Takes {
			own.take(t)
		}
	}
	maps.Copy(d.Facets, o.Facets)
	maps.Copy(d.Addons, o.Addons)
	d.Open = d.Open || o.Open
}

func (m *model) add(name string, f field) {
	if old, ok := m.Fields[name]; !ok || old.Comodel == "" {
		m.Fields[name] = f
	}
}

func (m *model) take(name string) {
	if !slices.Contains(m.Takes, name) {
		m.Takes = append(m.Takes, name)
	}
}

// whole reports whether everything that the package depends on is seen.
func (d *declarations) whole() bool { return !d.Open && !d.missing }

// fieldsOf gives the fields of a model, and whether they are all.
func (d *declarations) fieldsOf(name string) (all map[string]field, whole bool) {
	all, whole = map[string]field{}, d.whole()
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		m := d.Models[name]
		if m == nil || !m.Defined {
			whole = false
			return
		}
		for n, f := range m.Fields {
			if old, ok := all[n]; !ok || old.Comodel == "" {
				all[n] = f
			}
		}
		for _, t := range m.Takes {
			visit(t)
		}
	}
	visit(name)
	if m := d.Models[name]; m != nil && m.Mixin {
		whole = false
	}
	for _, n := range []string{"id", "display_name", "create_uid", "create_date", "write_uid", "write_date"} {
		if _, ok := all[n]; !ok {
			all[n] = field{}
		}
	}
	return all, whole
}

// reader reads declarations from the sources of one package.
type reader struct {
	pass   *analysis.Pass
	facets map[*types.TypeName]string
	known  map[string]string // facets of other packages that extend a model
}

// collect adds what some files import and declare to what is seen already.
func collect(pass *analysis.Pass, files []*ast.File, before *declarations) *declarations {
	d := &declarations{Models: map[string]*model{}, Facets: map[string]string{}, Addons: map[string]bool{}, local: map[*types.TypeName]string{}}
	if before != nil {
		d.merge(before)
		maps.Copy(d.local, before.local)
		d.manifest, d.missing = before.manifest, before.missing
	}
	imported := map[string]bool{}
	for _, f := range files {
		for _, i := range f.Imports {
			imported[strings.Trim(i.Path.Value, `"`)] = true
		}
	}
	for _, p := range pass.Pkg.Imports() {
		var fact declarations
		if imported[p.Path()] && pass.ImportPackageFact(p, &fact) {
			d.merge(&fact)
		}
	}
	r := &reader{pass: pass, facets: d.local, known: d.Facets}
	var calls []*ast.CallExpr
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				calls = append(calls, n)
				r.extension(n, d)
			case *ast.CompositeLit:
				r.manifest(n, d)
			}
			return true
		})
	}
	for _, c := range calls {
		r.declaration(c, d)
	}
	return d
}

// extension notes which model a facet extends.
func (r *reader) extension(call *ast.CallExpr, d *declarations) {
	fn, ok := typeutil.Callee(r.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil || fn.Pkg().Path() != ormPath || fn.Name() != "Extend" || len(call.Args) != 2 {
		return
	}
	name, ok := r.text(call.Args[1])
	named, isNamed := types.Unalias(orNil(r.typeArg(call))).(*types.Named)
	if !ok || !isNamed {
		d.Open = d.Open || r.pass.Pkg.Path() != ormPath
		return
	}
	d.local[named.Obj()] = name
	if named.Obj().Parent() == r.pass.Pkg.Scope() {
		d.Facets[types.TypeString(named, nil)] = name
	}
}

// declaration adds the fields of a facet to its model, and mixins by name.
func (r *reader) declaration(call *ast.CallExpr, d *declarations) {
	fn, ok := typeutil.Callee(r.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil || fn.Pkg().Path() != ormPath {
		return
	}
	switch fn.Name() {
	case "Define", "DefineMixin", "Extend":
		if fn.Signature().Recv() != nil {
			return
		}
		t := r.typeArg(call)
		s, name := r.parse(t), r.facetModel(t)
		if s == nil || name == "" {
			d.Open = d.Open || r.pass.Pkg.Path() != ormPath
			return
		}
		m := d.model(name)
		m.Defined, m.Mixin = m.Defined || fn.Name() != "Extend", m.Mixin || fn.Name() == "DefineMixin"
		for n, f := range s.fields {
			co := f.comodel
			if f.elem != nil {
				co = r.facetModel(f.elem)
			}
			m.add(n, field{co})
			if f.delegate {
				m.take(co)
			}
		}
		for _, mixin := range s.mixins {
			m.take(mixin)
		}
	case "Inherit":
		sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		if !ok || ormType(r.pass.TypesInfo.TypeOf(sel.X)) != "Def" {
			return
		}
		name := r.facetModel(namedArg(r.pass.TypesInfo.TypeOf(sel.X)))
		mixin, constant := r.text(call.Args[0])
		if name == "" || !constant {
			d.Open = true
			return
		}
		d.model(name).take(mixin)
	}
}

// manifest notes an addon and whether all it depends on is seen.
func (r *reader) manifest(lit *ast.CompositeLit, d *declarations) {
	named, ok := types.Unalias(r.pass.TypesInfo.TypeOf(lit)).(*types.Named)
	if !ok || named.Obj().Name() != "Addon" || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != modulePath {
		return
	}
	for _, elt := range lit.Elts {
		kv, ok := elt.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch key, _ := kv.Key.(*ast.Ident); key.Name {
		case "Name":
			name, ok := r.text(kv.Value)
			d.Addons[name], d.manifest, d.missing = true, true, d.missing || !ok
		case "Depends":
			list, ok := kv.Value.(*ast.CompositeLit)
			d.missing = d.missing || !ok
			if !ok {
				continue
			}
			for _, e := range list.Elts {
				name, _ := r.text(e)
				d.missing = d.missing || !d.Addons[name]
			}
		}
	}
}

// layout is what the struct of a facet says.
type layout struct {
	record string // the tag of the embedded Record or Mixin names the model
	fields map[string]slot
	mixins []string
}

type slot struct {
	comodel  string
	elem     types.Type // the facet in Ref or Many
	delegate bool
}

// parse reads a facet, nil when the type is no struct or not known.
func (r *reader) parse(t types.Type) *layout {
	if t == nil {
		return nil
	}
	st, ok := t.Underlying().(*types.Struct)
	if _, param := types.Unalias(t).(*types.TypeParam); !ok || param {
		return nil
	}
	l := &layout{fields: map[string]slot{}}
	var walk func(st *types.Struct)
	walk = func(st *types.Struct) {
		for i := range st.NumFields() {
			f, tag := st.Field(i), reflect.StructTag(st.Tag(i))
			name, options, _ := strings.Cut(tag.Get("orm"), ",")
			switch kind := ormType(f.Type()); {
			case f.Embedded() && (kind == "Record" || kind == "Mixin"):
				if l.record == "" {
					l.record = name
				}
			case f.Embedded():
				inner, ok := f.Type().Underlying().(*types.Struct)
				if !ok {
					continue
				}
				if inner.NumFields() > 0 && ormType(inner.Field(0).Type()) == "Mixin" {
					mixin, _, _ := strings.Cut(reflect.StructTag(inner.Tag(0)).Get("orm"), ",")
					l.mixins = append(l.mixins, mixin)
					record := l.record
					walk(inner)
					l.record = record
					continue
				}
				walk(inner)
			case name != "":
				if _, hidden := l.fields[name]; !hidden {
					l.fields[name] = slotOf(f.Type(), options)
				}
			}
		}
	}
	walk(st)
	return l
}

func slotOf(t types.Type, options string) slot {
	var s slot
	if ormType(t) == "Deferred" {
		t = namedArg(t)
	}
	if kind := ormType(t); kind == "Ref" || kind == "Many" {
		s.elem = namedArg(t)
	}
	for _, o := range strings.Split(options, ",") {
		switch key, val, _ := strings.Cut(o, "="); key {
		case "many2one", "many2many", "one2many":
			s.comodel = val
		case "delegate":
			s.delegate = true
		}
	}
	return s
}

// facetModel is the model whose facet a type is, "" when it cannot be told.
func (r *reader) facetModel(t types.Type) string {
	named, ok := types.Unalias(orNil(t)).(*types.Named)
	if !ok {
		return ""
	}
	if m := r.facets[named.Obj()]; m != "" {
		return m
	}
	if m := r.known[types.TypeString(named, nil)]; m != "" {
		return m
	}
	if s := r.parse(named); s != nil {
		return s.record
	}
	return ""
}

// typeArg is the first type argument of a call of a generic function.
func (r *reader) typeArg(call *ast.CallExpr) types.Type {
	fun := ast.Unparen(call.Fun)
	switch f := fun.(type) {
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	}
	var id *ast.Ident
	switch f := fun.(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return nil
	}
	if args := r.pass.TypesInfo.Instances[id].TypeArgs; args.Len() > 0 {
		return args.At(0)
	}
	return nil
}

// ormType is the name of a type of the package orm, "" for others.
func ormType(t types.Type) string {
	if p, ok := types.Unalias(orNil(t)).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := types.Unalias(orNil(t)).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != ormPath {
		return ""
	}
	return named.Obj().Name()
}

// namedArg is the first type argument of a generic type.
func namedArg(t types.Type) types.Type {
	if p, ok := types.Unalias(orNil(t)).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := types.Unalias(orNil(t)).(*types.Named)
	if !ok || named.TypeArgs().Len() == 0 {
		return nil
	}
	return named.TypeArgs().At(0)
}

func isSlice(t types.Type) bool {
	_, ok := orNil(t).Underlying().(*types.Slice)
	return ok
}

// orNil is a type that is nothing in place of none.
func orNil(t types.Type) types.Type {
	if t == nil {
		return types.Typ[types.UntypedNil]
	}
	return t
}
