package rpc

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"fusionsoft.ca/fusion/framework/server"
)

// encode turns a result into JSON. A float has a decimal point or an exponent, whole
// or not: clients in typed languages tell it from an integer by that.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := encodeTo(&b, reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func encodeTo(b *bytes.Buffer, v reflect.Value) error {
	if !v.IsValid() {
		b.WriteString("null")
		return nil
	}
	if _, ok := v.Interface().(json.Marshaler); ok {
		return encodeOther(b, v)
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return encodeTo(b, v.Elem())
	case reflect.Float32, reflect.Float64:
		return encodeFloat(b, v.Float())
	case reflect.Map:
		return encodeMap(b, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return encodeOther(b, v)
		}
		if v.IsNil() {
			b.WriteString("null")
			return nil
		}
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := encodeTo(b, v.Index(i)); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	return encodeOther(b, v)
}

func encodeOther(b *bytes.Buffer, v reflect.Value) error {
	raw, err := server.EncodeJSON(v.Interface())
	b.Write(raw)
	return err
}

func encodeMap(b *bytes.Buffer, v reflect.Value) error {
	if v.Type().Key().Kind() != reflect.String {
		return encodeOther(b, v)
	}
	if v.IsNil() {
		b.WriteString("null")
		return nil
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encodeOther(b, k); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := encodeTo(b, v.MapIndex(k)); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// encodeFloat writes a float in Python's form: 10.0, 0.0001, 1e-05, 1e+16.
func encodeFloat(b *bytes.Buffer, f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("a result holds %v, which JSON cannot tell", f)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		format = 'e'
	}
	text := strconv.AppendFloat(nil, f, format, -1, 64)
	b.Write(text)
	if !bytes.ContainsAny(text, ".e") {
		b.WriteString(".0")
	}
	return nil
}
