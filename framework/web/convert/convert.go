// Package convert brings values from one form into another: values of fields, of
// expressions in views, of JSON-RPC, and the texts of addresses and inputs.
package convert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// Text is a text, "" for any other value.
func Text(v any) string {
	s, _ := v.(string)
	return s
}

// ID reads a record id from a value, a text or [id, name]; 0 is none.
func ID(v any) int64 {
	switch x := v.(type) {
	case int64:
		return x
	case int:
		return int64(x)
	case float64:
		return int64(x)
	case json.Number:
		n, _ := x.Int64()
		return n
	case string:
		n, err := strconv.ParseInt(x, 10, 64)
		if err != nil {
			return 0
		}
		return n
	case []any:
		if len(x) > 0 {
			return ID(x[0])
		}
	}
	return 0
}

// IDs reads a list of record ids.
func IDs(v any) []int64 {
	switch x := v.(type) {
	case []int64:
		return x
	case []any:
		var out []int64
		for _, e := range x {
			if id := ID(e); id > 0 {
				out = append(out, id)
			}
		}
		return out
	}
	if id := ID(v); id > 0 {
		return []int64{id}
	}
	return nil
}

// Expr brings a value to what expressions know: plain numbers, texts,
// lists and maps.
func Expr(v any) any {
	switch x := v.(type) {
	case nil:
		return false
	case int:
		return int64(x)
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64()
		return f
	case float64:
		if x == float64(int64(x)) {
			return int64(x)
		}
		return x
	case decimal.Decimal:
		return x.InexactFloat64()
	case orm.Date:
		if x.IsZero() {
			return false
		}
		return x.String()
	case orm.Datetime:
		if x.IsZero() {
			return false
		}
		return x.String()
	case orm.Secret:
		return x != ""
	case []byte:
		return len(x) > 0
	case json.RawMessage:
		var out any
		if json.Unmarshal(x, &out) != nil {
			return false
		}
		return Expr(out)
	case []int64:
		out := make([]any, len(x))
		for i, id := range x {
			out[i] = id
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = Expr(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = Expr(e)
		}
		return out
	case orm.Values:
		return Expr(map[string]any(x))
	case []string:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = e
		}
		return out
	case orm.Domain:
		return Expr([]any(x))
	case orm.Command:
		return []any{int64(x.Op), x.ID, Expr(cmdArg(x))}
	case []orm.Command:
		out := make([]any, len(x))
		for i, c := range x {
			out[i] = Expr(c)
		}
		return out
	case bool, int64, string:
		return v
	}
	// Whatever else a Go caller built: lists of lists, named types.
	var out any
	if b, err := json.Marshal(v); err == nil && DecodeJSON(string(b), &out) == nil && out != nil {
		switch out.(type) {
		case []any, map[string]any, json.Number:
			return Expr(out)
		case bool, string:
			return out
		}
	}
	return fmt.Sprint(v)
}

// cmdArg is the third part of an x2many command on the wire.
func cmdArg(c orm.Command) any {
	switch c.Op {
	case orm.CmdCreate, orm.CmdUpdate:
		return c.Values
	case orm.CmdSet:
		return c.IDs
	}
	return int64(0)
}

// Field is a field's value as expressions see it: False when empty.
func Field(f *orm.Field, v any) any {
	if v == nil {
		switch {
		case f.X2many():
			return []any{}
		case f.Kind == orm.Integer || f.Kind == orm.Float || f.Kind == orm.Monetary:
			return int64(0)
		}
		return false
	}
	if s, ok := v.(string); ok && s == "" {
		return false
	}
	if id, ok := v.(int64); ok && id == 0 && f.Kind == orm.Many2one {
		return false
	}
	return Expr(v)
}

// FromWire turns a value of JSON-RPC, such as a default, into the form
// Records.Read returns. Commands of x2many fields are not its business.
func FromWire(f *orm.Field, v any) any {
	if v == nil || v == false && f.Kind != orm.Boolean {
		return nil
	}
	switch f.Kind {
	case orm.Boolean:
		return v == true || v == int64(1)
	case orm.Integer, orm.Many2one, orm.Many2oneRef:
		return ID(v)
	case orm.Float, orm.Monetary:
		d, err := decimal.NewFromString(fmt.Sprint(v))
		if err != nil {
			return nil
		}
		return d
	case orm.DateKind:
		if d, err := orm.ParseDate(fmt.Sprint(v)); err == nil {
			return d
		}
		return nil
	case orm.DatetimeKind:
		if d, err := orm.ParseDatetime(fmt.Sprint(v)); err == nil {
			return d
		}
		return nil
	case orm.Many2many, orm.One2many:
		return IDs(v)
	case orm.JSONKind:
		b, err := json.Marshal(v)
		if err != nil {
			return nil
		}
		return json.RawMessage(b)
	}
	return v
}

// JSON is a value as JSON, "" for what cannot be written so.
func JSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(Expr(v)) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// DecodeJSON reads JSON and keeps numbers exact.
func DecodeJSON(s string, v any) error {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	return d.Decode(v)
}

// Texts are the texts of a list.
func Texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		if s := Text(e); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Truthy reports whether Python takes a value for true.
func Truthy(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case int64:
		return x != 0
	case float64:
		return x != 0
	case string:
		return x != ""
	case []any:
		return len(x) > 0
	}
	return true
}

// List is a list of texts as one of values.
func List(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// Python writes a value as Python does, which is how domains and contexts are
// kept in the database.
func Python(v any) string {
	switch x := Expr(v).(type) {
	case bool:
		if x {
			return "True"
		}
		return "False"
	case string:
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(x) + "'"
	case []any:
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = Python(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			keys[i] = Python(k) + ": " + Python(x[k])
		}
		return "{" + strings.Join(keys, ", ") + "}"
	default:
		return fmt.Sprint(x)
	}
}

// FormatID is an id as text, "" for none.
func FormatID(id int64) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprint(id)
}

// Shorten cuts a text off after n characters.
func Shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// Reference takes a reference "model,id" apart.
func Reference(s string) (model string, id int64) {
	for i := range s {
		if s[i] == ',' {
			return s[:i], ID(s[i+1:])
		}
	}
	return "", 0
}

// Count says how many there are of something.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// DefaultValue reads the commands of an x2many default as ids.
func DefaultValue(f *orm.Field, v any) any {
	if !f.X2many() {
		return Expr(v)
	}
	var ids []any
	list, _ := Expr(v).([]any)
	for _, e := range list {
		cmd, ok := e.([]any)
		if !ok {
			ids = append(ids, e)
			continue
		}
		if len(cmd) < 2 {
			continue
		}
		switch ID(cmd[0]) {
		case orm.CmdLink:
			ids = append(ids, cmd[1])
		case orm.CmdSet:
			if len(cmd) > 2 {
				more, _ := Expr(cmd[2]).([]any)
				ids = append(ids, more...)
			}
		}
	}
	return ids
}
