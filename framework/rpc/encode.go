package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"

	"fusionsoft.ca/fusion/framework/orm"
)

// encode turns a result into JSON. A float has a decimal point or an exponent, whole
// or not: clients in typed languages tell it from an integer by that.
func encode(v any) ([]byte, error) {
	e := &encoder{}
	e.other = json.NewEncoder(&e.Buffer)
	e.other.SetEscapeHTML(false) // as Odoo's clients expect
	if err := e.value(v); err != nil {
		return nil, err
	}
	return e.Bytes(), nil
}

type encoder struct {
	bytes.Buffer
	other *json.Encoder // for what has no float of its own
}

func (e *encoder) value(v any) error {
	switch x := v.(type) {
	case float64:
		return e.float(x)
	case map[string]any:
		return object(e, x)
	case orm.Values:
		return object(e, x)
	case []any:
		return list(e, x)
	case nil, bool, string, int, int64, json.Number, json.RawMessage, []int64, []byte, json.Marshaler:
		return e.rest(v)
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Float32:
		return e.float(r.Float())
	case reflect.Pointer:
		if !r.IsNil() {
			return e.value(r.Elem().Interface())
		}
	case reflect.Map:
		if r.Type().Key().Kind() == reflect.String && !r.IsNil() {
			plain := make(map[string]any, r.Len())
			for k, elem := range r.Seq2() {
				plain[k.String()] = elem.Interface()
			}
			return object(e, plain)
		}
	case reflect.Slice:
		if !r.IsNil() {
			plain := make([]any, r.Len())
			for i := range plain {
				plain[i] = r.Index(i).Interface()
			}
			return list(e, plain)
		}
	}
	return e.rest(v)
}

func (e *encoder) rest(v any) error {
	if err := e.other.Encode(v); err != nil {
		return err
	}
	e.Truncate(e.Len() - 1) // the end of the line
	return nil
}

func object[M ~map[string]any](e *encoder, m M) error {
	if m == nil {
		return e.rest(nil)
	}
	e.WriteByte('{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			e.WriteByte(',')
		}
		if err := e.rest(k); err != nil {
			return err
		}
		e.WriteByte(':')
		if err := e.value(m[k]); err != nil {
			return err
		}
	}
	e.WriteByte('}')
	return nil
}

func list(e *encoder, elems []any) error {
	if elems == nil {
		return e.rest(nil)
	}
	e.WriteByte('[')
	for i, elem := range elems {
		if i > 0 {
			e.WriteByte(',')
		}
		if err := e.value(elem); err != nil {
			return err
		}
	}
	e.WriteByte(']')
	return nil
}

// float writes a float in Python's form: 10.0, 0.0001, 1e-05, 1e+16.
func (e *encoder) float(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("a result holds %v, which JSON cannot tell", f)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		format = 'e'
	}
	text := strconv.AppendFloat(e.AvailableBuffer(), f, format, -1, 64)
	e.Write(text)
	if !bytes.ContainsAny(text, ".e") {
		e.WriteString(".0")
	}
	return nil
}
