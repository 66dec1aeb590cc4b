package conformance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"sort"
	"strings"
)

func show(v any) string {
	b, _ := json.Marshal(v)
	if len(b) > 300 {
		return string(b[:300]) + "…"
	}
	return string(b)
}

// number is the value of a JSON number; booleans are none.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case int64:
		return float64(n), true
	}
	return 0, false
}

// integer is the value of a number written without fraction or exponent.
func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case json.Number:
		i, err := n.Int64()
		return i, err == nil && !strings.ContainsAny(n.String(), ".eE")
	case int64:
		return n, true
	}
	return 0, false
}

func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= max(1e-9*max(math.Abs(a), math.Abs(b)), 1e-6)
}

// compare lists the differences between an expectation and an answer.
func (s *scope) compare(want, got any, path string) []string {
	bad := func() []string {
		return []string{fmt.Sprintf("%s: want %s, got %s", path, show(want), show(got))}
	}
	switch w := want.(type) {
	case string:
		return s.compareText(w, got, path)
	case nil, bool:
		if want != got {
			return bad()
		}
		return nil
	case json.Number:
		a, _ := number(w)
		if b, ok := number(got); !ok || !near(a, b) {
			return bad()
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			expanded, _ := s.expand(want)
			return []string{fmt.Sprintf("%s: want %s, got %s", path, show(expanded), show(got))}
		}
		var out []string
		for i := range w {
			out = append(out, s.compare(w[i], g[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return out
	case map[string]any:
		if len(w) == 1 {
			for k, arg := range w {
				if strings.HasPrefix(k, "$") && !strings.HasPrefix(k, "$$") {
					return s.compareSpecial(k, arg, got, path)
				}
			}
		}
		g, ok := got.(map[string]any)
		if !ok {
			return bad()
		}
		out := s.subset(w, g, path)
		for k := range g {
			if _, ok := w[k]; !ok {
				out = append(out, fmt.Sprintf("%s: unexpected %q = %s", path, k, show(g[k])))
			}
		}
		return out
	}
	return bad()
}

func (s *scope) subset(want, got map[string]any, path string) []string {
	var out []string
	keys := make([]string, 0, len(want))
	for k := range want {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		v, ok := got[k]
		if !ok {
			out = append(out, fmt.Sprintf("%s: %q is missing", path, k))
			continue
		}
		out = append(out, s.compare(want[k], v, path+"."+k)...)
	}
	return out
}

var (
	datePattern     = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	datetimePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$`)
	lastNumber      = regexp.MustCompile(`\d+$`)
)

func (s *scope) compareText(want string, got any, path string) []string {
	check := func(ok bool, what any) []string {
		if ok {
			return nil
		}
		return []string{fmt.Sprintf("%s: want %v, got %s", path, what, show(got))}
	}
	text, isText := got.(string)
	if !strings.HasPrefix(want, "$") || strings.HasPrefix(want, "$run") || strings.HasPrefix(want, "$$") {
		exact, _ := s.expandText(want)
		return check(isText && text == exact, show(exact))
	}
	head, tail, _ := strings.Cut(want, ":")
	n, isInt := integer(got)
	switch head {
	case "$ref", "$uid", "$var", "$group", "$db", "$login":
		v, err := s.expandText(want)
		if err != nil {
			return check(false, err)
		}
		if id, ok := v.(int64); ok {
			return check(isInt && n == id, fmt.Sprintf("%s (%d)", want, id))
		}
		return s.compare(plain(v), got, path)
	case "$next":
		v, _ := s.vars[tail].(string)
		digits := lastNumber.FindString(v)
		var num int64
		fmt.Sscan(strings.TrimLeft(digits, "0"), &num)
		next := v[:len(v)-len(digits)] + fmt.Sprintf("%0*d", len(digits), num+1)
		return check(isText && text == next, "the number after "+v)
	case "$any":
		return nil
	case "$int":
		return check(isInt, "an integer")
	case "$id":
		return check(isInt && n > 0, "a record id")
	case "$ids":
		list, ok := got.([]any)
		for _, e := range list {
			_, isID := integer(e)
			ok = ok && isID
		}
		return check(ok, "a list of ids")
	case "$number":
		_, ok := number(got)
		return check(ok, "a number")
	case "$str":
		return check(isText, "a text")
	case "$bool":
		_, ok := got.(bool)
		return check(ok, "a boolean")
	case "$list":
		_, ok := got.([]any)
		return check(ok, "a list")
	case "$object":
		_, ok := got.(map[string]any)
		return check(ok, "an object")
	case "$date":
		return check(datePattern.MatchString(text), "a date")
	case "$datetime":
		return check(datetimePattern.MatchString(text), "a datetime")
	case "$base64":
		_, err := base64.StdEncoding.DecodeString(text)
		return check(isText && err == nil, "base64")
	case "$re":
		re, err := regexp.Compile(`^(?s:` + strings.ReplaceAll(unescape(tail), "$run", s.token) + `)$`)
		return check(err == nil && isText && re.MatchString(text), "text matching "+tail)
	}
	return check(false, "something by the unknown matcher "+want)
}

// unescape rewrites what Python's expressions write and Go's do not.
func unescape(pattern string) string {
	return strings.NewReplacer(`\ `, ` `, "\\\n", "\n", `\'`, `'`, `\"`, `"`, `\,`, `,`, `\:`, `:`, `\=`, `=`, `\#`, `#`, `\&`, `&`, `\~`, `~`, `\%`, `%`, `\@`, `@`, `\!`, `!`, `\;`, `;`, `\<`, `<`, `\>`, `>`, "\\`", "`", `\/`, `/`).Replace(pattern)
}

// plain turns Go numbers into those of decoded JSON.
func plain(v any) any {
	b, _ := json.Marshal(v)
	var out any
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	_ = d.Decode(&out)
	return out
}

func (s *scope) compareSpecial(kind string, arg, got any, path string) []string {
	fail := func(format string, args ...any) []string {
		return []string{path + ": " + fmt.Sprintf(format, args...)}
	}
	object, isObject := got.(map[string]any)
	list, isList := got.([]any)
	args, _ := arg.([]any)
	switch kind {
	case "$subset":
		if !isObject {
			return fail("want an object, got %s", show(got))
		}
		return s.subset(arg.(map[string]any), object, path)
	case "$keys", "$nokeys":
		if !isObject {
			return fail("want an object, got %s", show(got))
		}
		for _, k := range args {
			if _, ok := object[k.(string)]; ok != (kind == "$keys") {
				return fail("%s: %v", kind, k)
			}
		}
		return nil
	case "$unordered":
		if !isList || len(list) != len(args) {
			expanded, _ := s.expand(arg)
			return fail("want in any order %s, got %s", show(expanded), show(got))
		}
		left := append([]any{}, list...)
	items:
		for _, want := range args {
			for i, g := range left {
				if len(s.compare(want, g, path)) == 0 {
					left = append(left[:i], left[i+1:]...)
					continue items
				}
			}
			return fail("no item matches %s among %s", show(want), show(left))
		}
		return nil
	case "$contains":
		text, isText := got.(string)
		if parts, ok := arg.([]any); !ok {
			args = []any{arg}
		} else {
			args = parts
		}
		for _, want := range args {
			found := false
			if isText {
				part, _ := s.expand(want)
				found = strings.Contains(text, fmt.Sprint(part))
			}
			for _, g := range list {
				found = found || len(s.compare(want, g, path)) == 0
			}
			if !found {
				return fail("lacks %s: %s", show(want), show(got))
			}
		}
		return nil
	case "$excludes":
		for _, want := range args {
			for _, g := range list {
				if len(s.compare(want, g, path)) == 0 {
					return fail("must not hold %s", show(want))
				}
			}
		}
		return nil
	case "$approx":
		v, _ := number(args[0])
		d, _ := number(args[1])
		if n, ok := number(got); !ok || math.Abs(n-v) > d {
			return fail("want %v ± %v, got %s", v, d, show(got))
		}
		return nil
	case "$len":
		n, _ := integer(arg)
		rv := reflect.ValueOf(got)
		if k := rv.Kind(); k != reflect.Slice && k != reflect.Map && k != reflect.String || int64(rv.Len()) != n {
			return fail("want length %d, got %s", n, show(got))
		}
		return nil
	case "$oneof":
		for _, want := range args {
			if len(s.compare(want, got, path)) == 0 {
				return nil
			}
		}
		return fail("want one of %s, got %s", show(arg), show(got))
	case "$not":
		if len(s.compare(arg, got, path)) == 0 {
			return fail("must not be %s", show(arg))
		}
		return nil
	case "$all":
		var out []string
		for _, want := range args {
			out = append(out, s.compare(want, got, path)...)
		}
		return out
	}
	return fail("unknown matcher %s", kind)
}
