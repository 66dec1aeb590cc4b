package expr

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"go.starlark.net/starlark"
)

const maxDepth = 64 // levels of lists and dictionaries in one value

// Func is a Go function an expression may call, such as ref or obj.
// Its error reaches the caller of Eval, wrapped in an Error with the position.
type Func func(args []any, kwargs map[string]any) (any, error)

// Object is a value with attributes that are looked up only when read, such
// as `user` in a record rule. A method is an attribute whose value is a Func.
type Object interface {
	// Attr gives an attribute; false when there is none of that name.
	Attr(name string) (any, bool, error)
	// AttrNames lists the attributes, for suggestions.
	AttrNames() []string
}

// callable is an Object that can also be called, as datetime.date can.
type callable interface {
	Object
	Call(args []any, kwargs map[string]any) (any, error)
}

// opaque carries a Go value through Starlark.
type opaque struct{ v any }

func (o opaque) String() string {
	if s, ok := o.v.(fmt.Stringer); ok {
		return s.String()
	}
	return "object"
}

func (o opaque) Type() string {
	switch o.v.(type) {
	case Date:
		return "date"
	case DateTime:
		return "datetime"
	case Delta:
		return "timedelta"
	}
	return "object"
}
func (o opaque) Freeze() {}
func (o opaque) Truth() starlark.Bool {
	d, ok := o.v.(Delta)
	return starlark.Bool(!ok || d != Delta{})
}

func (o opaque) Hash() (uint32, error) {
	switch o.v.(type) {
	case Date, DateTime:
		return starlark.String(o.String()).Hash()
	}
	return 0, fmt.Errorf("unhashable type: %s", o.Type())
}

// opaqueFunc is an opaque that Starlark may call by name.
type opaqueFunc struct {
	opaque
	r *run
}

func (o opaqueFunc) Name() string { return "function" }

func (o opaqueFunc) CallInternal(_ *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return o.r.callGo(o.v.(callable).Call, args, kwargs)
}

// callGo calls a Go function with Starlark arguments.
func (r *run) callGo(fn Func, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	ga := make([]any, len(args))
	for i, a := range args {
		v, err := r.toGo(a, 0)
		if err != nil {
			return nil, err
		}
		ga[i] = v
	}
	gk := make(map[string]any, len(kwargs))
	for _, kv := range kwargs {
		v, err := r.toGo(kv[1], 0)
		if err != nil {
			return nil, err
		}
		gk[string(kv[0].(starlark.String))] = v
	}
	out, err := fn(ga, gk)
	if err != nil {
		return nil, &callerError{err}
	}
	return r.toStarlark(out, 0)
}

// toStarlark converts a Go value of the caller.
func (r *run) toStarlark(v any, depth int) (starlark.Value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("value is nested too deep: at most %d levels", maxDepth)
	}
	if r.budget--; r.budget < 0 {
		return nil, fmt.Errorf("value is too large")
	}
	switch v := v.(type) {
	case nil:
		return starlark.None, nil
	case bool:
		return starlark.Bool(v), nil
	case int:
		return starlark.MakeInt(v), nil
	case int64:
		return starlark.MakeInt64(v), nil
	case float64:
		return starlark.Float(v), nil
	case string:
		r.budget -= len(v)
		return starlark.String(v), nil
	case Func:
		return r.builtin("function", func(args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			return r.callGo(v, args, kwargs)
		}), nil
	case callable:
		return opaqueFunc{opaque{v}, r}, nil
	case Object, Date, DateTime, Delta:
		return opaque{v}, nil
	case time.Time:
		return opaque{DateTime{v}}, nil
	case decimal.Decimal:
		// Exact for every amount that fits 15 digits; expressions only compare.
		return starlark.Float(v.InexactFloat64()), nil
	case map[string]any:
		d := starlark.NewDict(len(v))
		names := keys(v)
		for _, k := range names {
			x, err := r.toStarlark(v[k], depth+1)
			if err != nil {
				return nil, err
			}
			if err := d.SetKey(starlark.String(k), x); err != nil {
				return nil, err
			}
		}
		d.Freeze()
		return d, nil
	}
	return r.reflected(reflect.ValueOf(v), depth)
}

// reflected converts what is a named form of a plain type.
func (r *run) reflected(v reflect.Value, depth int) (starlark.Value, error) {
	switch v.Kind() {
	case reflect.Bool:
		return starlark.Bool(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return starlark.MakeInt64(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return starlark.MakeUint64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return starlark.Float(v.Float()), nil
	case reflect.String:
		return r.toStarlark(v.String(), depth)
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return starlark.None, nil
		}
		return r.toStarlark(v.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		elems := make([]starlark.Value, 0, min(v.Len(), 1024))
		for i := range v.Len() {
			x, err := r.toStarlark(v.Index(i).Interface(), depth+1)
			if err != nil {
				return nil, err
			}
			elems = append(elems, x)
		}
		l := starlark.NewList(elems)
		l.Freeze()
		return l, nil
	}
	return nil, fmt.Errorf("values of type %s are not supported", v.Type())
}

// toGo converts a value that charge has found to be of bounded size.
func (r *run) toGo(v starlark.Value, depth int) (any, error) {
	if depth == 0 {
		if err := r.charge(v); err != nil {
			return nil, err
		}
	}
	switch v := v.(type) {
	case nil, starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		return int64Of(v)
	case starlark.Float:
		if f := float64(v); !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f, nil
		}
		return nil, fmt.Errorf("result is not a finite number")
	case starlark.String:
		return string(v), nil
	case opaque:
		return v.v, nil
	case opaqueFunc:
		return v.v, nil
	case *starlark.Dict:
		out := make(map[string]any, v.Len())
		for k, x := range v.Entries() {
			ks, ok := k.(starlark.String)
			if !ok {
				return nil, fmt.Errorf("key %s of a dictionary is not a string", k)
			}
			gx, err := r.toGo(x, depth+1)
			if err != nil {
				return nil, err
			}
			out[string(ks)] = gx
		}
		return out, nil
	case starlark.Indexable: // list, tuple, range
		out := make([]any, v.Len())
		for i := range out {
			x, err := r.toGo(v.Index(i), depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	}
	return nil, fmt.Errorf("a value of type %s cannot leave an expression", v.Type())
}

func keys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
