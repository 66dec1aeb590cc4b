package orm

import (
	"fmt"
	"maps"
	"strings"
)

// SystemAccess says what of a field is left to the system: to the superuser, and to
// code under Env.Sudo. It is for the columns in which the program keeps its own
// accounts, such as where a file lies, hashes and tokens. No group, not even
// that of administrators, gets round it; a tag asks for it as `system` or
// `system=write`.
type SystemAccess int

// Who writes and reads a field beside its groups.
const (
	SystemNone   SystemAccess = iota // whoever has the rights
	SystemWrites                     // the system writes, others read
	SystemOnly                       // the system writes and reads
)

// checkGiven refuses values for fields that the user may not set.
func (rs Records) checkGiven(vals Values, op Op) error {
	for name := range vals {
		if f := rs.Model.Fields[name]; f != nil {
			if err := rs.Env.checkField(rs.Model, f, op); err != nil {
				return err
			}
		}
	}
	return nil
}

// settable reports whether the user may set the field.
func (e *Env) settable(f *Field) (bool, error) {
	if !e.su && f.System != SystemNone {
		return false, nil
	}
	return e.FieldAllowed(f)
}

// contextDefault is what the context says of a new record's field. What a
// client has put there goes as far as the client's own rights, also where the
// program creates the record under Sudo: into fields the user may set, of models
// of which the user may create records.
func (rs Records) contextDefault(f *Field) (value any, given bool, err error) {
	e, key := rs.Env, "default_"+f.Name
	v, given := e.keys[key]
	if !given {
		return nil, false, nil
	}
	if !e.su || e.uid == SuperuserID || e.trusted[key] {
		ok, err := e.settable(f)
		return v, ok, err
	}
	user := rs.In(e.NoSudo())
	if ok, err := user.HasAccess(OpCreate); err != nil || !ok {
		return nil, false, err
	}
	ok, err := user.Env.settable(f)
	return v, ok, err
}

// trust notes that the program itself, under Sudo, has put keys into the context.
func (e *Env) trust(keys map[string]any) {
	trusted := maps.Clone(e.trusted)
	for k := range keys {
		if strings.HasPrefix(k, "default_") {
			if trusted == nil {
				trusted = map[string]bool{}
			}
			trusted[k] = true
		}
	}
	e.trusted = trusted
}

// WithoutDefaults is the same environment without the default values of the
// context. They are meant for the record that is asked for, not for those the
// program creates along with it.
func (e *Env) WithoutDefaults() *Env {
	return e.with(func(c *Env) {
		c.keys = maps.Clone(e.keys)
		maps.DeleteFunc(c.keys, func(k string, _ any) bool { return strings.HasPrefix(k, "default_") })
		c.trusted = nil
	})
}

func systemError(m *Model, f *Field) error {
	return &Error{Code: CodeAccess, Fields: []string{f.Name}, Message: fmt.Sprintf("The field %q of %s (%s) is kept by the system; leave it out.", f.Name, m.Label, m.Name)}
}
