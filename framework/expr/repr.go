package expr

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Repr spells a value as Python's repr does, and with it Odoo's messages.
func Repr(v any) string {
	var b strings.Builder
	writeRepr(&b, v)
	return b.String()
}

// Str spells a value as Python's str does: a text as it is, anything else as Repr.
func Str(v any) string {
	if s, ok := stringOf(v); ok {
		return s
	}
	return Repr(v)
}

// stringOf reads any Go type whose underlying type is string, a number as JSON spells
// it among them.
func stringOf(v any) (string, bool) {
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.String {
		return rv.String(), true
	}
	return "", false
}

func writeRepr(b *strings.Builder, v any) {
	switch x := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		b.WriteString(map[bool]string{false: "False", true: "True"}[x])
	case json.Number:
		f, err := x.Float64()
		if err != nil || !strings.ContainsAny(x.String(), ".eE") {
			b.WriteString(x.String())
			return
		}
		writeRepr(b, f)
	case float64:
		if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
			b.WriteString(strconv.FormatFloat(x, 'e', -1, 64))
			return
		}
		s := strconv.FormatFloat(x, 'f', -1, 64)
		b.WriteString(s)
		if !strings.Contains(s, ".") {
			b.WriteString(".0")
		}
	case string:
		if strings.Contains(x, "'") && !strings.Contains(x, `"`) {
			b.WriteString(`"` + x + `"`)
			return
		}
		b.WriteString("'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(x) + "'")
	case []any:
		for i, e := range x {
			b.WriteString(map[bool]string{true: "[", false: ", "}[i == 0])
			writeRepr(b, e)
		}
		b.WriteString(map[bool]string{true: "[]", false: "]"}[len(x) == 0])
	case map[string]any:
		for i, k := range slices.Sorted(maps.Keys(x)) {
			b.WriteString(map[bool]string{true: "{", false: ", "}[i == 0])
			writeRepr(b, k)
			b.WriteString(": ")
			writeRepr(b, x[k])
		}
		b.WriteString(map[bool]string{true: "{}", false: "}"}[len(x) == 0])
	default:
		if s, ok := stringOf(v); ok {
			writeRepr(b, s)
			return
		}
		b.WriteString(fmt.Sprint(v))
	}
}
