package expr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// conversion is one place of a text that % fills: a key, flags, a width, a
// precision and what is to be written.
var conversion = regexp.MustCompile(`%(?:\((\w+)\))?([-+ 0#]*)(\d*)(?:\.(\d*))?([a-zA-Z%])`)

// maxWidth bounds what a width or a precision may ask for.
const maxWidth = 1000

// format is Python's `text % values`: values is one value, a tuple with one for
// each place, or a dictionary for places with keys.
func (r *run) format(text string, values starlark.Value) (starlark.Value, error) {
	if err := r.growth(strings.Count(text, "%"), values); err != nil {
		return nil, err
	}
	args, _ := values.(starlark.Tuple)
	if args == nil {
		args = starlark.Tuple{values}
	}
	dict, _ := values.(*starlark.Dict)
	var out strings.Builder
	used, at, keyed := 0, 0, false
	for at < len(text) {
		i := strings.IndexByte(text[at:], '%')
		if i < 0 {
			break
		}
		out.WriteString(text[at : at+i])
		at += i
		m := conversion.FindStringSubmatchIndex(text[at:])
		if m == nil || m[0] != 0 {
			return nil, fmt.Errorf("a conversion of the text is incomplete: write %%%% for a percent sign")
		}
		part := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return text[at+m[2*n] : at+m[2*n+1]]
		}
		key, flags, width, precision, verb := part(1), part(2), part(3), part(4), part(5)
		hasPrecision := m[8] >= 0
		at += m[1]
		if verb == "%" {
			out.WriteByte('%')
			continue
		}
		var v starlark.Value
		switch {
		case key != "":
			keyed = true
			if dict == nil {
				return nil, fmt.Errorf("the text names %%(%s)%s, so a dictionary is expected after %%", key, verb)
			}
			x, ok, err := dict.Get(starlark.String(key))
			if err != nil || !ok {
				return nil, fmt.Errorf("the dictionary has no %q", key)
			}
			v = x
		case used >= len(args):
			return nil, fmt.Errorf("the text has more places than values")
		default:
			v = args[used]
			used++
		}
		s, err := r.convert(v, verb, flags, width, precision, hasPrecision)
		if err != nil {
			return nil, err
		}
		out.WriteString(s)
		if out.Len() > maxSize {
			return nil, fmt.Errorf("value is too large: more than %d elements and characters", maxSize)
		}
	}
	if used < len(args) && !keyed && dict == nil {
		return nil, fmt.Errorf("the text has fewer places than values")
	}
	out.WriteString(text[at:])
	return starlark.String(out.String()), nil
}

// convert writes one value.
func (r *run) convert(v starlark.Value, verb, flags, width, precision string, hasPrecision bool) (string, error) {
	layout := "%" + flags
	for _, n := range []string{width, precision} {
		if w, err := strconv.Atoi(n); n != "" && (err != nil || w > maxWidth) {
			return "", fmt.Errorf("a width of %s is too large", n)
		}
	}
	layout += width
	if hasPrecision {
		layout += "." + precision
	}
	switch verb {
	case "s", "r", "a":
		text := v.String()
		if s, ok := starlark.AsString(v); ok && verb == "s" {
			text = s
		} else if ok && !strings.ContainsAny(s, "'\\\n\t") {
			text = "'" + s + "'" // as Python quotes
		}
		if o, ok := v.(opaque); ok {
			text = o.String()
		}
		return fmt.Sprintf("%"+strings.Trim(flags, "0+ #")+strings.TrimPrefix(layout, "%"+flags)+"s", text), nil
	case "d", "i", "u", "x", "X", "o":
		v = number(v, "+")
		n, ok := v.(starlark.Int)
		if f, isFloat := v.(starlark.Float); isFloat && strings.Contains("diu", verb) {
			var err error
			n, err = starlark.NumberToInt(f)
			ok = err == nil
		}
		if !ok {
			return "", fmt.Errorf("%%%s takes a whole number, not a value of type %s", verb, v.Type())
		}
		if strings.Contains("iu", verb) {
			verb = "d"
		}
		return fmt.Sprintf(layout+verb, n.BigInt()), nil
	case "f", "F", "e", "E", "g", "G":
		f, ok := starlark.AsFloat(number(v, "+"))
		if !ok {
			return "", fmt.Errorf("%%%s takes a number, not a value of type %s", verb, v.Type())
		}
		if !hasPrecision {
			layout += ".6"
		}
		return fmt.Sprintf(layout+verb, f), nil
	case "c":
		if s, ok := starlark.AsString(v); ok && len([]rune(s)) == 1 {
			return s, nil
		}
		return "", fmt.Errorf("%%c takes one character")
	}
	return "", fmt.Errorf("unknown conversion %%%s", verb)
}
