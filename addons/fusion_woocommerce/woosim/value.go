package woosim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// Obj is a JSON object that keeps the order of its keys and the exact
// spelling of its numbers (as json.Number). Keys beginning with hidden are
// never written out: they carry what WooCommerce stores but does not show.
type Obj struct {
	keys []string
	vals []any
}

const hidden = "\x00"

func object(pairs ...any) *Obj {
	o := &Obj{}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

func (o *Obj) index(key string) int {
	if o == nil {
		return -1
	}
	for i, k := range o.keys {
		if k == key {
			return i
		}
	}
	return -1
}

// Keys lists the visible keys in order.
func (o *Obj) Keys() []string {
	var out []string
	for _, k := range o.keys {
		if k[:min(1, len(k))] != hidden {
			out = append(out, k)
		}
	}
	return out
}

// Has tells whether the key is present, be it with null.
func (o *Obj) Has(key string) bool { return o.index(key) >= 0 }

// Get returns the value of a key: string, json.Number, bool, nil, *Obj or []any.
func (o *Obj) Get(key string) any {
	if i := o.index(key); i >= 0 {
		return o.vals[i]
	}
	return nil
}

// Set writes a key, keeping its place when it exists.
func (o *Obj) Set(key string, v any) {
	switch n := v.(type) {
	case int:
		v = json.Number(strconv.Itoa(n))
	case int64:
		v = json.Number(strconv.FormatInt(n, 10))
	}
	if i := o.index(key); i >= 0 {
		o.vals[i] = v
		return
	}
	o.keys = append(o.keys, key)
	o.vals = append(o.vals, v)
}

func (o *Obj) del(key string) {
	if i := o.index(key); i >= 0 {
		o.keys = append(o.keys[:i:i], o.keys[i+1:]...)
		o.vals = append(o.vals[:i:i], o.vals[i+1:]...)
	}
}

// Str returns a string value, or the digits of a number, or "".
func (o *Obj) Str(key string) string { return text(o.Get(key)) }

// Int returns a whole number, also from a string, or 0.
func (o *Obj) Int(key string) int { return toInt(o.Get(key)) }

// Bool tells whether the value is true.
func (o *Obj) Bool(key string) bool { b, _ := o.Get(key).(bool); return b }

// Obj returns a nested object or nil.
func (o *Obj) Obj(key string) *Obj { v, _ := o.Get(key).(*Obj); return v }

// List returns a list or nil.
func (o *Obj) List(key string) []any { v, _ := o.Get(key).([]any); return v }

func (o *Obj) objs(key string) []*Obj {
	var out []*Obj
	for _, v := range o.List(key) {
		if x, ok := v.(*Obj); ok {
			out = append(out, x)
		}
	}
	return out
}

func anyList(in []*Obj) []any {
	out := make([]any, len(in))
	for i, o := range in {
		out[i] = o
	}
	return out
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return string(x)
	case bool:
		if x {
			return "1"
		}
	}
	return ""
}

func toInt(v any) int {
	s := text(v)
	n, err := strconv.Atoi(s)
	if err != nil {
		f, _ := strconv.ParseFloat(s, 64)
		n = int(f)
	}
	return n
}

func clone(v any) any {
	switch x := v.(type) {
	case *Obj:
		return x.clone()
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = clone(x[i])
		}
		return out
	}
	return v
}

func (o *Obj) clone() *Obj {
	if o == nil {
		return nil
	}
	c := &Obj{keys: append([]string(nil), o.keys...), vals: make([]any, len(o.vals))}
	for i := range o.vals {
		c.vals[i] = clone(o.vals[i])
	}
	return c
}

// decode reads one JSON value, keeping key order and number spelling.
func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := decodeValue(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("data after the JSON value")
	}
	return v, nil
}

func decodeValue(dec *json.Decoder) (any, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	d, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if d == '{' {
		o := &Obj{}
		for dec.More() {
			k, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeValue(dec)
			if err != nil {
				return nil, err
			}
			o.Set(k.(string), v)
		}
		_, err := dec.Token()
		return o, err
	}
	list := []any{}
	for dec.More() {
		v, err := decodeValue(dec)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err = dec.Token()
	return list, err
}

// encode writes JSON as PHP does: slashes and everything beyond ASCII escaped.
func encode(v any) []byte {
	var b bytes.Buffer
	writeValue(&b, v, false)
	return b.Bytes()
}

// writeValue writes a value; all tells to write hidden keys too.
func writeValue(b *bytes.Buffer, v any, all bool) {
	switch x := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(x))
	case json.Number:
		b.WriteString(string(x))
	case int:
		b.WriteString(strconv.Itoa(x))
	case string:
		writeString(b, x)
	case []any:
		b.WriteByte('[')
		for i, e := range x {
			if i > 0 {
				b.WriteByte(',')
			}
			writeValue(b, e, all)
		}
		b.WriteByte(']')
	case []*Obj:
		writeValue(b, anyList(x), all)
	case *Obj:
		b.WriteByte('{')
		first := true
		for i, k := range x.keys {
			if !all && len(k) > 0 && k[0] == hidden[0] {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			writeString(b, k)
			b.WriteByte(':')
			writeValue(b, x.vals[i], all)
		}
		b.WriteByte('}')
	default:
		writeString(b, fmt.Sprint(x))
	}
}

func writeString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == '"', r == '\\', r == '/':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20 || r > 0x7e && r < 0x10000:
			if r == 0x7f {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(b, `\u%04x`, r)
			}
		case r >= 0x10000:
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
