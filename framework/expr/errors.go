package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a mistake in an expression, or one met while evaluating it.
// Line and Col count from 1 within the expression; Col counts characters.
type Error struct {
	Msg        string // what is wrong
	Line, Col  int    // where, within the expression
	Source     string // the line of the expression it is on
	Suggestion string // a known name close to the unknown one, or ""
	Err        error  // what a function of the caller returned, or nil
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Msg)
	if e.Suggestion != "" {
		fmt.Fprintf(&b, " (did you mean %q?)", e.Suggestion)
	}
	fmt.Fprintf(&b, ", at line %d column %d of %s", e.Line, e.Col, quoteShort(e.Source))
	return b.String()
}

// Unwrap gives the error of the caller's own function, if it was one.
func (e *Error) Unwrap() error { return e.Err }

func quoteShort(s string) string {
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > 120 {
		s = string([]rune(s)[:117]) + "..."
	}
	return fmt.Sprintf("%q", s)
}

// errorAt makes an Error for the byte offset off of src.
func errorAt(src string, off int, format string, args ...any) *Error {
	off = max(0, min(off, len(src)))
	start := strings.LastIndexByte(src[:off], '\n') + 1
	end := len(src)
	if i := strings.IndexByte(src[off:], '\n'); i >= 0 {
		end = off + i
	}
	return &Error{
		Msg:    fmt.Sprintf(format, args...),
		Line:   strings.Count(src[:off], "\n") + 1,
		Col:    utf8.RuneCountInString(src[start:off]) + 1,
		Source: src[start:end],
	}
}
