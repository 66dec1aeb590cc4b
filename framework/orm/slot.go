package orm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/shopspring/decimal"
)

// slot is one tagged field of a facet struct.
type slot struct {
	name     string
	index    []int
	typ      reflect.Type // of the value, within Deferred if it is
	origin   string       // Go type and field, for error messages
	ref      bool
	many     bool
	deferred bool
}

// notLoaded is the message of a panic: what of the field was read before it was
// loaded, and how to load it.
func (s *slot) notLoaded(what string, through bool) string {
	if s == nil {
		return "orm: " + what + " was read without being loaded, from a value that code has set or a facet that no read gave; read the record again, by a path that loads it"
	}
	path := strconv.Quote(s.name)
	if through {
		path += " or a longer path"
	}
	return fmt.Sprintf("orm: %s: %s was read without being loaded; name %s in Read, Get, Search or orm.Load, or in the dependencies of the compute or constraint that reads it", s.origin, what, path)
}

// undeferred is the type of the value in a Deferred, any other type itself.
func undeferred(t reflect.Type) (value reflect.Type, deferred bool) {
	if !reflect.PointerTo(t).Implements(typeDeferred) {
		return t, false
	}
	p, _ := reflect.New(t).Interface().(deferredSlot).deferred()
	return reflect.TypeOf(p).Elem(), true
}

// at is the value of the slot in a facet, within Deferred if it is one.
func (s *slot) at(v reflect.Value) reflect.Value {
	fv := v.FieldByIndex(s.index)
	if s.deferred {
		p, _ := fv.Addr().Interface().(deferredSlot).deferred()
		return reflect.ValueOf(p).Elem()
	}
	return fv
}

// state is whether a deferred slot is loaded; any other counts as loaded.
func (s *slot) state(v reflect.Value) deferredState {
	if !s.deferred {
		return loaded
	}
	_, state := v.FieldByIndex(s.index).Addr().Interface().(deferredSlot).deferred()
	return *state
}

// set stores a value as fetch returns it in a struct field.
func (s *slot) set(v reflect.Value, val any) {
	if s.deferred {
		_, state := v.FieldByIndex(s.index).Addr().Interface().(deferredSlot).deferred()
		*state = loaded
	}
	fv := s.at(v)
	if s.ref {
		id, _ := val.(int64)
		fv.Addr().Interface().(refSlot).setRefID(id)
		return
	}
	if s.many {
		ids, _ := val.([]int64)
		fv.Addr().Interface().(manySlot).setManyIDs(ids)
		return
	}
	if val == nil {
		fv.SetZero()
		return
	}
	switch x := val.(type) {
	case string:
		if fv.Kind() == reflect.String {
			fv.SetString(x)
		}
	case int64:
		if fv.CanInt() {
			fv.SetInt(x)
		}
	case float64:
		if fv.CanFloat() {
			fv.SetFloat(x)
		}
	case bool:
		fv.SetBool(x)
	case json.RawMessage:
		fv.SetBytes(x)
	case []byte:
		fv.SetBytes(x)
	default:
		fv.Set(reflect.ValueOf(val))
	}
}

// get is the value of a struct field in the form create and write take.
func (s *slot) get(v reflect.Value) any {
	fv := s.at(v)
	switch p := fv.Addr().Interface().(type) {
	case refSlot:
		return orNil(p.refID() == 0, p.refID())
	case manySlot:
		return p.commands()
	case *decimal.Decimal:
		return *p
	case *Date:
		return orNil(p.IsZero(), *p)
	case *Datetime:
		return orNil(p.IsZero(), *p)
	case *JSON:
		return orNil(len(*p) == 0, json.RawMessage(*p))
	case *Binary:
		return orNil(len(*p) == 0, []byte(*p))
	}
	switch fv.Kind() {
	case reflect.String:
		return orNil(fv.Len() == 0, fv.String())
	case reflect.Int, reflect.Int64:
		return fv.Int()
	case reflect.Float64:
		return fv.Float()
	case reflect.Bool:
		return fv.Bool()
	}
	return fv.Interface()
}

// empty reports whether a struct field is as nobody has touched it. A list is empty
// without commands, whatever it holds.
func (s *slot) empty(v reflect.Value) bool {
	if s.deferred {
		return s.state(v) == notLoaded
	}
	switch p := s.at(v).Addr().Interface().(type) {
	case refSlot:
		return p.refID() == 0
	case manySlot:
		return len(p.commands()) == 0
	}
	return s.at(v).IsZero()
}

// same reports whether a struct field holds the same in two facets, or has the same
// to be done.
func (s *slot) same(a, b reflect.Value) bool {
	switch x := s.at(a).Addr().Interface().(type) {
	case refSlot:
		return x.refID() == s.at(b).Addr().Interface().(refSlot).refID()
	case manySlot:
		return len(x.commands()) == 0
	case *decimal.Decimal:
		return x.Equal(*s.at(b).Addr().Interface().(*decimal.Decimal))
	case *Date:
		return x.t.Equal(s.at(b).Addr().Interface().(*Date).t)
	case *Datetime:
		return x.t.Equal(s.at(b).Addr().Interface().(*Datetime).t)
	}
	if s.at(a).Kind() == reflect.Slice {
		return bytes.Equal(s.at(a).Bytes(), s.at(b).Bytes())
	}
	return s.at(a).Equal(s.at(b))
}
