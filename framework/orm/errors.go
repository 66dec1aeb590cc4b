package orm

import (
	"errors"
	"fmt"
)

// Code classifies an [Error]; the names are those Odoo's clients know.
type Code string

// The codes of errors that may be shown to users. Anything else is internal.
const (
	CodeUser       Code = "UserError"
	CodeValidation Code = "ValidationError"
	CodeAccess     Code = "AccessError"
	CodeDenied     Code = "AccessDenied"
	CodeMissing    Code = "MissingError"
	CodeRedirect   Code = "RedirectWarning"
	CodeValue      Code = "ValueError"     // a name or value that does not exist
	CodeKey        Code = "KeyError"       // a field to write that does not exist
	CodeType       Code = "TypeError"      // a value of a kind that can never fit
	CodeAssertion  Code = "AssertionError" // a request whose shape makes no sense
)

// Error is a failure whose message is safe to show to a user. Err keeps the
// cause for the log; it never reaches a page or an RPC answer.
type Error struct {
	Code    Code
	Message string
	// Fields names the fields at fault, so that a form can point at them.
	Fields []string
	// Action and Button belong to a RedirectWarning: where to go, and the
	// caption of the way there.
	Action any
	Button string
	Err    error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// UserErrorf reports something the user has to do differently.
func UserErrorf(format string, args ...any) error {
	return &Error{Code: CodeUser, Message: fmt.Sprintf(format, args...)}
}

// ValidationErrorf reports data that may not be stored.
func ValidationErrorf(format string, args ...any) error {
	return &Error{Code: CodeValidation, Message: fmt.Sprintf(format, args...)}
}

// AccessErrorf reports a missing right.
func AccessErrorf(format string, args ...any) error {
	return &Error{Code: CodeAccess, Message: fmt.Sprintf(format, args...)}
}

// MissingErrorf reports records that do not exist (any more).
func MissingErrorf(format string, args ...any) error {
	return &Error{Code: CodeMissing, Message: fmt.Sprintf(format, args...)}
}

// ValueErrorf reports a field, operator or value that does not exist.
func ValueErrorf(format string, args ...any) error {
	return &Error{Code: CodeValue, Message: fmt.Sprintf(format, args...)}
}

// AccessDenied reports failed authentication.
func AccessDenied() error { return &Error{Code: CodeDenied, Message: "Access Denied"} }

// ErrThrottled is the cause of an AccessDenied that was answered unseen, since
// too many attempts before it had failed.
var ErrThrottled = errors.New("too many failed attempts")

// Throttled reports authentication that was not tried, after too many failures.
func Throttled() error {
	return &Error{Code: CodeDenied, Message: "Too many wrong tries. Wait a minute, then try again.", Err: ErrThrottled}
}

// CodeOf returns the code of err, or "" for an internal error.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// IsCode reports whether err carries the code.
func IsCode(err error, code Code) bool { return CodeOf(err) == code }

func fieldError(f *Field, format string, args ...any) error {
	return &Error{Code: CodeValidation, Message: fmt.Sprintf(format, args...), Fields: []string{f.Name}}
}
