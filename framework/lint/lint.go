// Package lint checks Go code against the declarations of models, in the manner
// of go vet. The program fusionvet runs it together with go vet's analyzers and
// those of staticcheck.
package lint

import (
	"go/ast"
	"go/constant"
	"go/types"
	"maps"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"

	"fusionsoft.ca/fusion/framework/expr"
)

const (
	ormPath    = "fusionsoft.ca/fusion/framework/orm"
	modulePath = "fusionsoft.ca/fusion/framework/module"
)

// Names finds names of fields in Go code that no declaration of a model has. It
// knows the declarations of a package and of all that it imports, and is silent
// about a model of which it does not see the whole.
var Names = &analysis.Analyzer{
	Name:      "ormnames",
	Doc:       "find unknown names of fields in domains, values, paths and declarations of the ORM",
	Run:       run,
	FactTypes: []analysis.Fact{(*declarations)(nil)},
}

func run(pass *analysis.Pass) (any, error) {
	var sources, tests []*ast.File
	for _, f := range pass.Files {
		if strings.HasSuffix(pass.Fset.File(f.Pos()).Name(), "_test.go") {
			tests = append(tests, f)
		} else {
			sources = append(sources, f)
		}
	}
	// What only tests declare or import must not be held against the package.
	seen := collect(pass, sources, nil)
	check(pass, sources, seen)
	if len(tests) > 0 {
		seen = collect(pass, tests, seen)
		check(pass, tests, seen)
	}
	if len(seen.Models) > 0 {
		pass.ExportPackageFact(seen)
	}
	return nil, nil
}

// checker judges the names in some files.
type checker struct {
	*reader
	seen     *declarations
	values   map[types.Object][]ast.Expr       // what is assigned to a variable; nil: something unknown
	indexed  map[types.Object][]*ast.IndexExpr // vals["name"] = …
	done     map[ast.Node]bool                 // domains judged by a model
	hooked   map[types.Object]string           // values that hooks get, with the model
	fallback []named                           // judged by any model, unless by one already
}

// named is a name in a literal, and the expression that says of what model.
type named struct {
	at    ast.Node
	names []ast.Expr
}

func check(pass *analysis.Pass, files []*ast.File, seen *declarations) {
	if seen.Open || len(seen.Models) == 0 {
		return
	}
	c := &checker{reader: &reader{pass: pass, facets: seen.local, known: seen.Facets}, seen: seen, values: map[types.Object][]ast.Expr{},
		indexed: map[types.Object][]*ast.IndexExpr{}, done: map[ast.Node]bool{}, hooked: map[types.Object]string{}}
	for _, f := range files {
		ast.Inspect(f, c.assignments)
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				c.call(n)
			case *ast.RangeStmt:
				if list, v := c.object(n.X), c.object(n.Value); c.hooked[list] != "" && v != nil {
					c.hooked[v] = c.hooked[list]
				}
			case *ast.IndexExpr:
				if o := c.object(n.X); c.hooked[o] != "" && ormType(o.Type()) == "Values" {
					c.path(n.Index, c.hooked[o])
				}
			}
			return true
		})
	}
	if !seen.manifest {
		return // a package beside the addons may know models by name alone
	}
	for _, n := range c.fallback {
		if !c.done[n.at] {
			c.anywhere(n.names)
		}
	}
}

// assignments notes what variables get.
func (c *checker) assignments(n ast.Node) bool {
	note := func(left, right ast.Expr) {
		switch left := left.(type) {
		case *ast.Ident:
			if o := c.pass.TypesInfo.ObjectOf(left); o != nil {
				c.values[o] = append(c.values[o], right)
			}
		case *ast.IndexExpr:
			if id, ok := left.X.(*ast.Ident); ok {
				if o := c.pass.TypesInfo.ObjectOf(id); o != nil {
					c.indexed[o] = append(c.indexed[o], left)
				}
			}
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			switch {
			case len(n.Lhs) == len(n.Rhs):
				note(left, n.Rhs[i])
			case i == 0:
				note(left, n.Rhs[0])
			default:
				note(left, nil)
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) && len(n.Values) == len(n.Names) {
				note(name, n.Values[i])
			} else {
				note(name, nil)
			}
		}
	case *ast.RangeStmt:
		for _, left := range []ast.Expr{n.Key, n.Value} {
			if left != nil {
				note(left, nil)
			}
		}
	case *ast.UnaryExpr:
		if id, ok := n.X.(*ast.Ident); ok && n.Op.String() == "&" {
			note(id, nil)
		}
	}
	return true
}

// origin is the one expression a variable stands for, nil when there are several.
func (c *checker) origin(id *ast.Ident) ast.Expr {
	if all := c.values[c.pass.TypesInfo.ObjectOf(id)]; len(all) == 1 {
		return all[0]
	}
	return nil
}

func (c *checker) call(call *ast.CallExpr) {
	fn, ok := typeutil.Callee(c.pass.TypesInfo, call).(*types.Func)
	if !ok || fn.Pkg() == nil || fn.Pkg().Path() != ormPath {
		return
	}
	sig := fn.Type().(*types.Signature)
	arg := func(i int) []ast.Expr {
		if i < len(call.Args) {
			return call.Args[i : i+1]
		}
		return nil
	}
	rest := func(i int) []ast.Expr {
		if i < len(call.Args) && !call.Ellipsis.IsValid() {
			return call.Args[i:]
		}
		return nil
	}
	if sig.Recv() == nil {
		t := c.typeArg(call)
		switch name := fn.Name(); name {
		case "Leaf":
			c.fallback = append(c.fallback, named{call, call.Args[:1]})
		case "Save", "Read", "Get", "Reload", "Load":
			c.slots(t, rest(2))
		case "Search", "First":
			m := c.facetModel(t)
			c.domain(arg(1), m)
			if name == "First" {
				c.order(arg(2), m)
			} else {
				c.options(arg(2), m)
			}
			c.slots(t, rest(3))
		}
		return
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	recv := c.pass.TypesInfo.TypeOf(sel.X)
	switch ormType(recv) {
	case "Def":
		m := c.facetModel(namedArg(recv))
		switch fn.Name() {
		case "Compute":
			c.lists(arg(0), m)
			c.paths(rest(2), m)
		case "Constrain", "OnChange", "Inverse", "SearchBy", "Default", "AddOptions", "OptionsBy":
			c.lists(arg(0), m)
		case "OnCreate", "OnWrite", "OnCopy", "OnCopyData":
			c.hook(call.Args[0], m)
		}
	case "Values":
		if m := c.hooked[c.object(sel.X)]; m != "" {
			c.paths(rest(0), m)
		} else {
			c.fallback = append(c.fallback, named{call, rest(0)})
		}
	case "Statement":
		if fn.Name() == "Reads" || fn.Name() == "Writes" {
			if m, ok := c.text(call.Args[0]); ok {
				c.paths(rest(1), m)
			}
		}
	case "Records":
		m := c.records(sel.X, 0)
		switch fn.Name() {
		case "Search":
			c.domain(arg(0), m)
			c.options(arg(1), m)
		case "SearchCount", "Filter", "CheckDomain":
			c.domain(arg(0), m)
		case "NameSearch":
			c.domain(arg(1), m)
		case "ReadGroup":
			c.domain(arg(0), m)
			for _, a := range slices.Concat(arg(1), arg(2)) {
				if lit, ok := a.(*ast.CompositeLit); ok {
					c.paths(lit.Elts, m)
				}
			}
		case "CountBy":
			c.paths(arg(0), m)
			c.domain(arg(1), m)
		case "Read", "DefaultGet":
			c.paths(rest(0), m)
		case "Value", "Translate":
			c.paths(arg(0), m)
		case "Create":
			c.vals(rest(0), m)
		case "Write", "Copy", "CopyData":
			c.vals(arg(0), m)
		}
	}
}

// object is the variable that an expression names, nil when it is no variable.
func (c *checker) object(e ast.Expr) types.Object {
	if id, ok := e.(*ast.Ident); ok {
		return c.pass.TypesInfo.ObjectOf(id)
	}
	return nil
}

// hook notes which values a hook gets: those of the function that it is or
// gives, func(super orm.WriteFunc) orm.WriteFunc { return func(…, vals …) … }.
func (c *checker) hook(e ast.Expr, m string) {
	lit, ok := ast.Unparen(e).(*ast.FuncLit)
	if !ok || m == "" {
		return
	}
	for _, p := range lit.Type.Params.List {
		t := c.pass.TypesInfo.TypeOf(p.Type)
		if s, ok := t.(*types.Slice); ok {
			t = s.Elem()
		}
		for _, name := range p.Names {
			if o := c.pass.TypesInfo.ObjectOf(name); ormType(t) == "Values" {
				c.hooked[o] = m
			}
		}
	}
	for _, s := range lit.Body.List {
		if ret, ok := s.(*ast.ReturnStmt); ok && len(ret.Results) == 1 {
			c.hook(ret.Results[0], m)
		}
	}
}

// records is the model of an expression of type Records, "" when it is not
// written down.
func (c *checker) records(e ast.Expr, depth int) string {
	if depth > 20 {
		return ""
	}
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if from := c.origin(e); from != nil {
			return c.records(from, depth+1)
		}
	case *ast.CallExpr:
		fn, ok := typeutil.Callee(c.pass.TypesInfo, e).(*types.Func)
		if !ok || fn.Pkg() == nil || fn.Pkg().Path() != ormPath {
			return ""
		}
		if fn.Name() == "RecordsOf" {
			return c.facetModel(c.typeArg(e))
		}
		sel, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr)
		if !ok {
			return ""
		}
		switch ormType(c.pass.TypesInfo.TypeOf(sel.X)) {
		case "Env":
			if fn.Name() == "Model" || fn.Name() == "Lookup" {
				m, _ := c.text(e.Args[0])
				return m
			}
		case "Records":
			switch fn.Name() {
			case "Search", "Browse", "In", "Filter", "Exists", "Allowed", "Create", "Copy":
				return c.records(sel.X, depth+1)
			}
		}
	}
	return ""
}

// domain judges the conditions of a domain on a model.
func (c *checker) domain(exprs []ast.Expr, m string) {
	if m == "" {
		return
	}
	for _, e := range exprs {
		switch e := ast.Unparen(e).(type) {
		case *ast.Ident:
			if from := c.origin(e); from != nil && !c.done[from] {
				c.domain([]ast.Expr{from}, m)
			}
		case *ast.CompositeLit:
			if ormType(c.pass.TypesInfo.TypeOf(e)) != "Domain" && !isSlice(c.pass.TypesInfo.TypeOf(e)) {
				continue
			}
			c.domain(e.Elts, m)
		case *ast.CallExpr:
			fn, ok := typeutil.Callee(c.pass.TypesInfo, e).(*types.Func)
			if !ok || fn.Pkg() == nil || fn.Pkg().Path() != ormPath {
				continue
			}
			switch fn.Name() {
			case "And", "Or", "Not":
				c.domain(e.Args, m)
			case "Leaf":
				if c.done[e] || len(e.Args) != 3 {
					continue
				}
				c.done[e] = true
				co := c.path(e.Args[0], m)
				if op, ok := c.text(e.Args[1]); ok && (op == "any" || op == "not any") {
					c.domain(e.Args[2:], co)
				}
			}
		}
	}
}

// vals judges the keys of values for a model, also those of lines within.
func (c *checker) vals(exprs []ast.Expr, m string) {
	if m == "" {
		return
	}
	for _, e := range exprs {
		switch e := ast.Unparen(e).(type) {
		case *ast.Ident:
			from, ok := c.origin(e).(*ast.CompositeLit)
			if !ok || c.done[from] || ormType(c.pass.TypesInfo.TypeOf(from)) != "Values" {
				continue
			}
			c.vals([]ast.Expr{from}, m)
			for _, i := range c.indexed[c.pass.TypesInfo.ObjectOf(e)] {
				c.path(i.Index, m)
			}
		case *ast.CompositeLit:
			if ormType(c.pass.TypesInfo.TypeOf(e)) != "Values" || c.done[e] {
				continue
			}
			c.done[e] = true
			for _, elt := range e.Elts {
				kv := elt.(*ast.KeyValueExpr)
				if co := c.path(kv.Key, m); co != "" {
					c.lines(kv.Value, co)
				}
			}
		}
	}
}

// lines judges the values of lines that commands bring.
func (c *checker) lines(e ast.Expr, m string) {
	ast.Inspect(e, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			_, literal := n.(*ast.FuncLit)
			return !literal
		}
		fn, ok := typeutil.Callee(c.pass.TypesInfo, call).(*types.Func)
		if ok && fn.Pkg() != nil && fn.Pkg().Path() == ormPath && (fn.Name() == "CreateLine" || fn.Name() == "UpdateLine") {
			c.vals(call.Args[len(call.Args)-1:], m)
		}
		return false // what else is called may make records of other models
	})
}

// slots judges paths by the fields of facets, which must hold each step.
func (c *checker) slots(t types.Type, exprs []ast.Expr) {
	for _, e := range exprs {
		path, ok := c.text(e)
		at := t
		for _, name := range strings.Split(path, ".") {
			s := c.parse(at)
			if !ok || s == nil || name == "" {
				break
			}
			f, held := s.fields[name]
			if !held {
				if name != "id" {
					c.pass.Reportf(e.Pos(), "%s has no field for %q%s", types.TypeString(at, types.RelativeTo(c.pass.Pkg)), name, suggest(name, s.fields))
				}
				break
			}
			at = f.elem
		}
	}
}

func (c *checker) paths(exprs []ast.Expr, m string) {
	for _, e := range exprs {
		c.path(e, m)
	}
}

// lists judges names separated by commas in one string.
func (c *checker) lists(exprs []ast.Expr, m string) {
	for _, e := range exprs {
		text, _ := c.text(e)
		for _, name := range strings.Split(text, ",") {
			c.judge(e, strings.TrimSpace(name), m)
		}
	}
}

// order judges an order as in SQL.
func (c *checker) order(exprs []ast.Expr, m string) {
	for _, e := range exprs {
		text, _ := c.text(e)
		for _, term := range strings.Split(text, ",") {
			if words := strings.Fields(term); len(words) > 0 {
				c.judge(e, words[0], m)
			}
		}
	}
}

func (c *checker) options(exprs []ast.Expr, m string) {
	for _, e := range exprs {
		lit, ok := e.(*ast.CompositeLit)
		if !ok {
			continue
		}
		for _, elt := range lit.Elts {
			if kv, ok := elt.(*ast.KeyValueExpr); ok {
				if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Order" {
					c.order([]ast.Expr{kv.Value}, m)
				}
			}
		}
	}
}

// path judges a path in a literal; it gives the model it leads to, if any.
func (c *checker) path(e ast.Expr, m string) string {
	text, ok := c.text(e)
	if !ok {
		return ""
	}
	return c.judge(e, text, m)
}

func (c *checker) judge(at ast.Expr, path, m string) string {
	path, _, _ = strings.Cut(path, ":") // an aggregate or a granularity
	for _, name := range strings.Split(path, ".") {
		if m == "" || name == "" || strings.HasPrefix(name, "__") || strings.ContainsAny(name, "@ ()%") {
			return ""
		}
		all, whole := c.seen.fieldsOf(m)
		f, ok := all[name]
		switch {
		case !ok && !whole:
			return ""
		case !ok:
			c.pass.Reportf(at.Pos(), "%s has no field %q%s", m, name, suggest(name, all))
			return ""
		}
		m = f.Comodel
	}
	return m
}

// anywhere reports names that no model at all has.
func (c *checker) anywhere(exprs []ast.Expr) {
	if !c.seen.whole() {
		return
	}
	all := map[string]field{}
	for name := range c.seen.Models {
		fields, _ := c.seen.fieldsOf(name)
		maps.Copy(all, fields)
	}
	for _, e := range exprs {
		text, _ := c.text(e)
		name, _, _ := strings.Cut(text, ".")
		if _, known := all[name]; !known && name != "" && !strings.ContainsAny(name, "@ ()%:") {
			c.pass.Reportf(e.Pos(), "no model has a field %q%s", name, suggest(name, all))
		}
	}
}

// text is the value of a constant string.
func (r *reader) text(e ast.Expr) (string, bool) {
	v := r.pass.TypesInfo.Types[e].Value
	if v == nil || v.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(v), true
}

func suggest[T any](name string, known map[string]T) string {
	if best := expr.Suggest(name, slices.Sorted(maps.Keys(known))); best != "" {
		return "; did you mean \"" + best + "\"?"
	}
	return ""
}
