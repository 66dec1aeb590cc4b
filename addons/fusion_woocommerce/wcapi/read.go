package wcapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Everything a store sends is read here, and in the values of value.go.
//
// PHP and the plugins of a store change the shape of values and keep their
// meaning: numbers come as texts and texts as numbers, an array whose keys have
// gaps comes as an object, an empty object as [], nothing as "", null or false,
// an id as the object it stands for. All of that is read as what it means. What
// has no meaning where it stands is left out, as if it were missing.
//
// Where a guess would cost money or take one thing for another, nothing is
// guessed: amounts, quantities, the object's own id and what is marked
// wc:"strict" are read or the object is refused, with the field that is wrong.

// mode says how much is forgiven.
type mode string

const (
	usual  mode = ""       // strict for amounts, quantities and whose stock it is, loose for the rest
	strict mode = "strict" // unreadable is an error
	loose  mode = "loose"  // unreadable is missing, in all of what the field holds
	key    mode = "key"    // an id that may be a text, see keyOf
)

// fieldError says which field of an object cannot be read.
type fieldError struct{ field, reason string }

func (e *fieldError) Error() string {
	if e.field == "" {
		return e.reason
	}
	return fmt.Sprintf("field %q: %s", e.field, e.reason)
}

// within puts the name of the field that holds the value in front.
func within(field string, err error) error {
	if err == nil {
		return nil
	}
	inner := &fieldError{reason: err.Error()}
	if e, ok := errors.AsType[*fieldError](err); ok {
		inner = &fieldError{e.field, e.reason}
	}
	switch {
	case inner.field == "":
		inner.field = field
	case strings.HasPrefix(inner.field, "["):
		inner.field = field + inner.field
	default:
		inner.field = field + "." + inner.field
	}
	return inner
}

// readObject reads an object of the store into a struct. The field Raw, where
// the struct has one, keeps the object as it came.
func readObject(raw []byte, into any) error {
	if !json.Valid(raw) {
		return errors.New("this is no JSON")
	}
	return readStruct(raw, reflect.ValueOf(into).Elem(), strict)
}

// readValue reads one value into a field.
func readValue(raw []byte, v reflect.Value, m mode) error {
	careful := m == strict || m == usual
	var err error
	switch at := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*at = bytes.Clone(raw)
		return nil
	case *Amount:
		err = at.UnmarshalJSON(raw)
	case *Number:
		err = at.UnmarshalJSON(raw)
	case *StockMode:
		err = at.UnmarshalJSON(raw)
	case *ID:
		if careful = m == strict; m == key {
			*at = keyOf(raw)
			return nil
		}
		err = at.UnmarshalJSON(raw)
	case *Int:
		careful, err = m == strict, at.UnmarshalJSON(raw)
	case *Flag:
		careful, err = m == strict, at.UnmarshalJSON(raw)
	case *Time:
		careful, err = m == strict, at.UnmarshalJSON(raw)
	case *string:
		careful = m == strict
		*at, err = textOf(raw, careful)
	case *[]Meta:
		*at = readMeta(raw)
	case *[]LineTax:
		*at, err = readLineTaxes(raw)
	default:
		switch v.Kind() {
		case reflect.Struct:
			return readStruct(raw, v, m)
		case reflect.Pointer:
			return readPointer(raw, v, m)
		case reflect.Slice:
			return readSlice(raw, v, m)
		}
		return json.Unmarshal(raw, v.Addr().Interface())
	}
	if err != nil && !careful {
		v.SetZero()
		return nil
	}
	return err
}

// readStruct reads an object. Nothing, however it is written, is an empty one;
// a list is its first object. Where it is loose a number stands for the id and
// a text for the name or the address of the object.
func readStruct(raw []byte, v reflect.Value, m mode) error {
	raw = bytes.TrimSpace(raw)
	if isNothing(raw) {
		return nil
	}
	if raw[0] == '[' {
		list, _ := members(raw)
		for _, e := range list {
			if e.raw[0] == '{' {
				return readStruct(e.raw, v, m)
			}
		}
		if m == strict {
			return fmt.Errorf("an object was expected, not %s", clip(string(raw), 40))
		}
		return nil
	}
	if raw[0] != '{' {
		if m == strict {
			return fmt.Errorf("an object was expected, not %s", clip(string(raw), 40))
		}
		standIn(raw, v)
		return nil
	}
	list, _ := members(raw)
	next := 0 // where the next field is, when the store keeps our order
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			if keep, ok := v.Field(i).Addr().Interface().(*json.RawMessage); ok {
				*keep = bytes.Clone(raw)
			}
			continue
		}
		at := indexFrom(list, name, next)
		if at < 0 {
			continue
		}
		value := list[at].raw
		next = at + 1
		how := mode(f.Tag.Get("wc"))
		if how == usual && m == loose {
			how = loose
		}
		if err := readValue(value, v.Field(i), how); err != nil {
			return within(name, err)
		}
	}
	return nil
}

// indexFrom finds a member, beginning the search at a place; -1 for none.
func indexFrom(list []entry, name string, from int) int {
	for i := range list {
		if at := (from + i) % len(list); list[at].key == name {
			return at
		}
	}
	return -1
}

// standIn reads a number or text that stands for an object.
func standIn(raw []byte, v reflect.Value) {
	text, err := scalarText(raw)
	if err != nil {
		return
	}
	name := "Name"
	if _, err := wholeNumber(raw); err == nil {
		name = "ID"
	} else if strings.Contains(text, "://") {
		name = "Src"
	}
	if f := v.FieldByName(name); f.IsValid() {
		_ = readValue(raw, f, loose) // loose: it cannot fail
	}
}

func readPointer(raw []byte, v reflect.Value, m mode) error {
	v.SetZero()
	if isNothing(raw) {
		return nil
	}
	made := reflect.New(v.Type().Elem())
	if err := readStruct(raw, made.Elem(), m); err != nil || made.Elem().IsZero() {
		return err
	}
	v.Set(made)
	return nil
}

// readSlice reads a list. Entries that hold nothing are left out. Those of a
// loose list that cannot be read are too, else they are an error.
func readSlice(raw []byte, v reflect.Value, m mode) error {
	v.SetZero()
	t := v.Type().Elem()
	list, isObject := members(raw)
	if isObject && isOne(list, t) {
		list = []entry{{raw: raw}}
	}
	if len(list) == 0 && !isNothing(raw) && raw[0] != '[' && raw[0] != '{' {
		list = scalars(raw, t)
	}
	out := reflect.MakeSlice(v.Type(), 0, len(list))
	for i, e := range list {
		if isNothing(e.raw) && (t.Kind() != reflect.String || e.raw[0] != '"') {
			continue
		}
		made := reflect.New(t).Elem()
		how := m
		if how == usual && t.Kind() == reflect.Struct {
			how = strict
		}
		if err := readValue(e.raw, made, how); err != nil {
			if m == loose {
				continue
			}
			return within(fmt.Sprintf("[%d]", i), err)
		}
		if t.Kind() != reflect.String && made.IsZero() {
			continue
		}
		out = reflect.Append(out, made)
	}
	v.Set(out)
	return nil
}

// isOne reports whether an object stands where a list of such objects, or of
// their ids, belongs.
func isOne(list []entry, t reflect.Type) bool {
	for _, e := range list {
		if t == reflect.TypeFor[ID]() && e.key == "id" {
			return true
		}
		if t.Kind() != reflect.Struct {
			continue
		}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name == e.key {
				return true
			}
		}
	}
	return false
}

// scalars are the entries of a list that came as one value: itself, or ids in
// one text.
func scalars(raw []byte, t reflect.Type) []entry {
	text, err := scalarText(raw)
	if err != nil || t != reflect.TypeFor[ID]() || !strings.Contains(text, ",") {
		return []entry{{raw: raw}}
	}
	var out []entry
	for part := range strings.SplitSeq(text, ",") {
		out = append(out, entry{raw: strconv.AppendQuote(nil, strings.TrimSpace(part))})
	}
	return out
}

// readMeta reads meta data: entries, or an object of keys and values.
func readMeta(raw []byte) []Meta {
	list, isObject := members(raw)
	if isObject && isOne(list, reflect.TypeFor[Meta]()) {
		list = []entry{{raw: raw}}
	}
	out := []Meta{}
	for _, e := range list {
		var one Meta
		parts, ok := members(e.raw)
		switch {
		case ok && isOne(parts, reflect.TypeFor[Meta]()):
			_ = readStruct(e.raw, reflect.ValueOf(&one).Elem(), loose) // loose: it cannot fail
		case isObject && !isPosition(e.key):
			one = Meta{Key: clean(e.key), Value: bytes.Clone(e.raw)}
		}
		if one.Key != "" || one.ID != 0 {
			out = append(out, one)
		}
	}
	return out
}

// readLineTaxes reads the taxes of a line: entries; amounts by the id of their
// rate; or these under "total" and "subtotal", as the store keeps them.
func readLineTaxes(raw []byte) ([]LineTax, error) {
	list, isObject := members(raw)
	out := []LineTax{}
	if len(list) == 0 {
		return out, nil
	}
	if !isObject || isOne(list, reflect.TypeFor[LineTax]()) && !holdsAmounts(list) {
		if isObject {
			list = []entry{{raw: raw}}
		}
		return out, readTaxEntries(list, &out)
	}
	given := map[string]json.RawMessage{}
	for _, e := range list {
		given[e.key] = e.raw
	}
	if !holdsAmounts(list) {
		if !isScalar(list[0].raw) {
			return out, readTaxEntries(list, &out)
		}
		given = map[string]json.RawMessage{"total": raw}
	}
	for _, part := range []string{"total", "subtotal"} {
		amounts, _ := members(given[part])
		for _, e := range amounts {
			id := keyOf(strconv.AppendQuote(nil, e.key))
			var a Amount
			if err := a.UnmarshalJSON(e.raw); err != nil {
				return out, within(part, within(e.key, err))
			}
			at := -1
			for i := range out {
				if out[i].RateID == id {
					at = i
				}
			}
			if at < 0 {
				out, at = append(out, LineTax{RateID: id}), len(out)
			}
			if part == "total" {
				out[at].Total = a
			} else {
				out[at].Subtotal = a
			}
		}
	}
	return out, nil
}

// holdsAmounts reports whether an entry "total" holds amounts by rate.
func holdsAmounts(list []entry) bool {
	for _, e := range list {
		if e.key == "total" {
			return e.raw[0] == '{' || e.raw[0] == '['
		}
	}
	return false
}

func readTaxEntries(list []entry, into *[]LineTax) error {
	for i, e := range list {
		if isNothing(e.raw) {
			continue
		}
		var one LineTax
		if err := readStruct(e.raw, reflect.ValueOf(&one).Elem(), strict); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
		*into = append(*into, one)
	}
	return nil
}

// keyOf is an id that extensions choose as they like: a whole number is itself,
// any other text a number below 0 that is the same whenever the text is.
// Nothing is 0.
func keyOf(raw []byte) ID {
	var id ID
	if id.UnmarshalJSON(raw) == nil {
		return id
	}
	text, err := textOf(raw, true)
	if err != nil {
		text = string(raw)
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(strings.TrimSpace(text))) // a hash takes everything
	return ID(-int64(sum.Sum64()>>1) - 1)
}

// textOf is the text of a value: any scalar as it is written, nothing as "". Of
// an object it is the text that WordPress shows; other objects and lists have
// none, which is an error where it is strict.
func textOf(raw []byte, strictly bool) (string, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case isNothing(raw):
		if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '"' {
			break // spaces are kept
		}
		return "", nil
	case raw[0] == '[' || raw[0] == '{':
		list, isObject := members(raw)
		for _, e := range list {
			shown := !isObject && len(list) == 1 || isObject && (e.key == "rendered" || e.key == "raw")
			if shown && isScalar(e.raw) {
				return textOf(e.raw, strictly)
			}
		}
		if strictly {
			return "", fmt.Errorf("a text was expected, not %s", clip(string(raw), 40))
		}
		return "", nil
	}
	if raw[0] != '"' {
		return string(raw), nil
	}
	return clean(unquote(raw)), nil
}

// unquote is the text of a string of valid JSON.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // valid: it cannot fail
	return s
}

// clean drops what no database keeps and nobody sees: NUL, and bytes that are
// not UTF-8.
func clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	return strings.ReplaceAll(s, "\x00", "")
}

// isNothing reports whether a value says that there is none.
func isNothing(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return true
	}
	switch raw[0] {
	case 'n', 'f':
		return true // null, false
	case '[', '{':
		return len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
	case '"':
		return len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
	}
	return false
}

func isScalar(raw []byte) bool { return len(raw) > 0 && raw[0] != '{' && raw[0] != '[' }

// isPosition reports whether a key is a place in a list.
func isPosition(key string) bool {
	n, err := strconv.Atoi(key)
	return err == nil && n >= 0
}

// entry is an element of a list, or a member of an object.
type entry struct {
	key string
	raw json.RawMessage
}

// members splits valid JSON into its members, in their order, without copying.
// What is no list and no object has none.
func members(raw []byte) (list []entry, isObject bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) < 2 || raw[0] != '[' && raw[0] != '{' {
		return nil, false
	}
	isObject = raw[0] == '{'
	at := 1
	for {
		at = skipSpace(raw, at)
		if at >= len(raw) || raw[at] == ']' || raw[at] == '}' {
			return list, isObject
		}
		if raw[at] == ',' {
			at++
			continue
		}
		var e entry
		if isObject {
			end := skipValue(raw, at)
			e.key = unquote(raw[at:end])
			at = skipSpace(raw, end) + 1 // the colon
			at = skipSpace(raw, at)
		}
		end := skipValue(raw, at)
		e.raw = raw[at:end]
		list = append(list, e)
		at = end
	}
}

func skipSpace(raw []byte, at int) int {
	for at < len(raw) && (raw[at] == ' ' || raw[at] == '\n' || raw[at] == '\t' || raw[at] == '\r') {
		at++
	}
	return at
}

// skipValue is where the value that begins at a place ends.
func skipValue(raw []byte, at int) int {
	depth := 0
	for ; at < len(raw); at++ {
		switch raw[at] {
		case '"':
			for at++; at < len(raw) && raw[at] != '"'; at++ {
				if raw[at] == '\\' {
					at++
				}
			}
			if depth == 0 {
				return at + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at // of a number or word, in front of the end of its list
			}
			if depth--; depth == 0 {
				return at + 1
			}
		case ',', ' ', '\n', '\t', '\r', ':':
			if depth == 0 {
				return at
			}
		}
	}
	return at
}
