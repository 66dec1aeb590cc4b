package expr

import (
	"errors"
	"strings"
	"sync"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// resultName is the variable a compiled expression leaves its value in.
const resultName = "__result"

// Program is a compiled expression. It is immutable: one Program may be run by
// many goroutines at once.
type Program struct {
	src   string
	text  *rewritten
	prog  *starlark.Program
	names []string // names to be given by the caller, first use first
	paths []string // the same with the attributes read from them
	at    map[string]int
	used  []string // built-in names and guards
}

// parsed is an expression before it is compiled.
type parsed struct {
	src  string
	text *rewritten
	tree syntax.Expr
}

func (p *parsed) offset(pos syntax.Position) int {
	if pos.Line > 1 {
		return len(p.src)
	}
	return p.text.offset(int(pos.Col))
}

func (p *parsed) errorf(n syntax.Node, format string, args ...any) *Error {
	return errorAt(p.src, p.offset(syntax.Start(n)), format, args...)
}

func parse(src string) (*parsed, error) {
	toks, err := lex(src)
	if err == nil {
		toks, err = group(src, toks)
	}
	if err != nil {
		return nil, err
	}
	if len(toks) == 0 {
		return nil, errorAt(src, 0, "expression is empty")
	}
	p := &parsed{src: src, text: &rewritten{}}
	p.text.list(toks)
	p.tree, err = (&syntax.FileOptions{}).ParseExpr("expr", p.text.text.String(), 0)
	if err != nil {
		return nil, p.syntaxError(err)
	}
	return p, nil
}

func (p *parsed) syntaxError(err error) error {
	var se syntax.Error
	if !errors.As(err, &se) {
		return errorAt(p.src, 0, "%v", err)
	}
	msg := se.Msg
	if strings.HasPrefix(msg, "got newline") || strings.HasPrefix(msg, "got end of file") {
		msg = "expression ends too early"
	}
	return errorAt(p.src, p.offset(se.Pos), "syntax error: %s", msg)
}

// Compile parses an expression once so that it can be evaluated often.
func Compile(src string) (*Program, error) {
	p, err := parse(src)
	if err != nil {
		return nil, err
	}
	g := guarder{p: p, taken: map[string]bool{}}
	tree := g.expr(p.tree)
	if g.err != nil {
		return nil, g.err
	}
	names, paths, at := freeNames(p)
	pos := syntax.Start(tree)
	file := &syntax.File{
		Path:    "expr",
		Options: &syntax.FileOptions{},
		Stmts: []syntax.Stmt{&syntax.AssignStmt{
			OpPos: pos, Op: syntax.EQ,
			LHS: &syntax.Ident{NamePos: pos, Name: resultName}, RHS: tree,
		}},
	}
	prog, err := starlark.FileProgram(file, func(name string) bool { return name != resultName })
	if err != nil {
		var list resolve.ErrorList
		if errors.As(err, &list) && len(list) > 0 {
			return nil, errorAt(src, p.offset(list[0].Pos), "%s", list[0].Msg)
		}
		return nil, errorAt(src, 0, "%v", err)
	}
	return &Program{src: src, text: p.text, prog: prog, names: names, paths: paths, at: at, used: g.used}, nil
}

// Names lists what the expression reads from its caller, in order of first
// use: plain names, and paths as far as they are attributes ("parent.state",
// but "context" for context.get('x')). Built-in names, keywords and the loop
// variables of comprehensions are not listed.
func (p *Program) Names() []string { return append([]string(nil), p.paths...) }

// Eval runs the program over vars.
func (p *Program) Eval(vars map[string]any) (any, error) {
	r := &run{budget: maxWork}
	v, err := p.eval(r, vars)
	if err != nil {
		return nil, err
	}
	out, err := r.toGo(v, 0)
	if err != nil {
		return nil, errorAt(p.src, 0, "%v", err)
	}
	return out, nil
}

// Bool runs the program and tells whether Python holds its value for true.
func (p *Program) Bool(vars map[string]any) (bool, error) {
	v, err := p.eval(&run{budget: maxWork}, vars)
	if err != nil {
		return false, err
	}
	return bool(v.Truth()), nil
}

func (p *Program) eval(r *run, vars map[string]any) (starlark.Value, error) {
	env := make(starlark.StringDict, len(p.names)+8)
	for _, name := range p.names {
		v, ok := vars[name]
		if !ok {
			e := errorAt(p.src, p.at[name], "unknown name %q", name)
			e.Suggestion = Suggest(name, keys(vars))
			return nil, e
		}
		sv, err := r.toStarlark(v, 0)
		if err != nil {
			return nil, errorAt(p.src, p.at[name], "value of %q: %v", name, err)
		}
		env[name] = sv
	}
	// A field may have the name of a function, as sum or range.
	for _, name := range p.used {
		if v, ok := vars[name]; ok && !strings.HasPrefix(name, "__") {
			sv, err := r.toStarlark(v, 0)
			if err != nil {
				return nil, errorAt(p.src, 0, "value of %q: %v", name, err)
			}
			env[name] = sv
		}
	}
	r.builtins(env, p.used)
	thread := &starlark.Thread{Name: "expr"}
	thread.SetMaxExecutionSteps(maxSteps)
	out, err := p.prog.Init(thread, env)
	if err != nil {
		return nil, p.runError(thread, err)
	}
	v := out[resultName]
	if err := r.charge(v); err != nil {
		return nil, errorAt(p.src, 0, "%v", err)
	}
	return v, nil
}

func (p *Program) runError(thread *starlark.Thread, err error) error {
	off := 0
	var ee *starlark.EvalError
	if errors.As(err, &ee) {
		for i := range ee.CallStack {
			if pos := ee.CallStack.At(i).Pos; pos.Filename() == "expr" && pos.IsValid() {
				off = p.text.offset(int(pos.Col))
				break
			}
		}
	}
	msg := err.Error()
	if thread.ExecutionSteps() >= maxSteps {
		msg = "expression takes too many steps"
	}
	e := errorAt(p.src, off, "%s", msg)
	if ce := (*callerError)(nil); errors.As(err, &ce) {
		e.Msg, e.Err = ce.err.Error(), ce.err
	}
	if ne := (*nameError)(nil); errors.As(err, &ne) {
		e.Msg, e.Suggestion = ne.msg, ne.suggestion
	}
	return e
}

// callerError marks an error that a function of the caller returned.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }
func (e *callerError) Unwrap() error { return e.err }

// nameError is an unknown attribute with a suggestion.
type nameError struct{ msg, suggestion string }

func (e *nameError) Error() string { return e.msg }

// Cache keeps compiled expressions. The zero value is ready to use; it is safe
// for concurrent use and forgets everything when it outgrows its bound.
type Cache struct {
	mu sync.RWMutex
	m  map[string]*Program
}

const maxCached = 4096 // expressions

// Compile is Compile, remembered.
func (c *Cache) Compile(src string) (*Program, error) {
	c.mu.RLock()
	p := c.m[src]
	c.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	p, err := Compile(src)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxCached {
		c.m = make(map[string]*Program)
	}
	c.m[src] = p
	return p, nil
}

// Eval is Eval over the cache.
func (c *Cache) Eval(src string, vars map[string]any) (any, error) {
	p, err := c.Compile(src)
	if err != nil {
		return nil, err
	}
	return p.Eval(vars)
}

// Bool is Bool over the cache.
func (c *Cache) Bool(src string, vars map[string]any) (bool, error) {
	p, err := c.Compile(src)
	if err != nil {
		return false, err
	}
	return p.Bool(vars)
}

// Domain is Domain over the cache.
func (c *Cache) Domain(src string, vars map[string]any) ([]any, error) {
	p, err := c.Compile(src)
	if err != nil {
		return nil, err
	}
	return p.Domain(vars)
}

// Eval evaluates src, reading names from vars.
func Eval(src string, vars map[string]any) (any, error) { return new(Cache).Eval(src, vars) }

// Bool evaluates src and tells whether Python holds the value for true.
func Bool(src string, vars map[string]any) (bool, error) { return new(Cache).Bool(src, vars) }

// Domain evaluates src to a search domain; see Program.Domain.
func Domain(src string, vars map[string]any) ([]any, error) { return new(Cache).Domain(src, vars) }

// Names lists what src reads from its caller; see Program.Names.
func Names(src string) ([]string, error) {
	p, err := parse(src)
	if err != nil {
		return nil, err
	}
	_, paths, _ := freeNames(p)
	return paths, nil
}
