// Package expr evaluates the Python expressions that Odoo data files and
// views carry: eval= values, domains, contexts, the modifiers
// invisible/readonly/required, record rules and the one-line code of a cron.
//
// An expression is split into tokens, rewritten where Python and Starlark
// differ (see lex.go), parsed and run by go.starlark.net. Starlark bounds the
// number of steps but not the memory one step may take, so before it is
// compiled every operator, display, index, attribute and method call of the
// tree is routed through a guard (see guard.go) that knows the size of what it
// is about to build. Time and memory of an evaluation are therefore bounded
// whatever the source says, and an expression can reach only the names its
// caller handed it: no import, no assignment, no lambda, no mutation.
//
// Go values go in and come out: nil, bool, int64, float64, string, []any (for
// lists and tuples), map[string]any, Date, DateTime, Delta, Func and Object.
//
// The package is pure: it imports no other Fusion package, reads no clock and
// keeps no state outside the values its callers hold.
package expr
