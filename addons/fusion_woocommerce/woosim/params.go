package woosim

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// arg describes one parameter of a route, as far as WordPress checks it.
type arg struct {
	name     string
	kind     string   // int, number, string, bool, date, email, enum, enums, ints, object, list, line_items, billing
	enum     []string // for enum and enums
	dynEnum  func(*rq) []string
	min, max int // int bounds; 0 is none
	required bool
}

type badParam struct{ code, msg, param string }

// check validates the parameters and reports every bad one, as WordPress does.
func (q *rq) check(args []arg) error {
	var missing []string
	for _, a := range args {
		if a.required && q.params.Get(a.name) == nil {
			missing = append(missing, a.name)
		}
	}
	if missing != nil {
		var list []any
		for _, m := range missing {
			list = append(list, m)
		}
		return &apiError{code: "rest_missing_callback_param", message: "Missing parameter(s): " + strings.Join(missing, ", "), status: 400,
			data: object("status", 400, "params", list)}
	}
	params, details := &Obj{}, &Obj{}
	for _, a := range args {
		if !q.params.Has(a.name) {
			continue
		}
		if b := q.checkOne(a, q.params.Get(a.name)); b != nil {
			params.Set(a.name, b.msg)
			detail := object("code", b.code, "message", b.msg, "data", nil)
			if b.param != "" {
				detail.Set("data", object("param", b.param))
			}
			details.Set(a.name, detail)
		}
	}
	if len(params.keys) == 0 {
		return nil
	}
	return &apiError{code: "rest_invalid_param", message: "Invalid parameter(s): " + strings.Join(params.keys, ", "), status: 400,
		data: object("status", 400, "params", params, "details", details)}
}

var wholeNumber = regexp.MustCompile(`^\s*[+-]?\d+(\.0*)?\s*$`)
var rfc3339 = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}(:\d{2})?)?$`)

func typeError(path, kind string) *badParam {
	return &badParam{"rest_invalid_type", path + " is not of type " + kind + ".", path}
}

func (q *rq) checkOne(a arg, v any) *badParam {
	switch a.kind {
	case "int":
		if v == nil {
			return nil
		}
		if !isInt(v) {
			return typeError(a.name, "integer")
		}
		return bounds(a, toInt(v))
	case "string":
		if _, isString := v.(string); !isString && v != nil {
			return typeError(a.name, "string")
		}
	case "bool":
		switch x := v.(type) {
		case bool, nil:
		case json.Number:
			if x != "0" && x != "1" {
				return typeError(a.name, "boolean")
			}
		case string:
			switch strings.ToLower(x) {
			case "0", "1", "true", "false", "":
			default:
				return typeError(a.name, "boolean")
			}
		default:
			return typeError(a.name, "boolean")
		}
	case "date":
		if s, isString := v.(string); !isString || !rfc3339.MatchString(s) {
			return &badParam{code: "rest_invalid_date", msg: "Invalid date."}
		}
	case "email":
		if !validEmail(text(v)) {
			return &badParam{code: "rest_invalid_email", msg: "Invalid email address."}
		}
	case "enum":
		return inEnum(a.name, text(v), a.values(q))
	case "enums":
		for i, e := range listOf(v) {
			if b := inEnum(fmt.Sprintf("%s[%d]", a.name, i), e, a.values(q)); b != nil {
				return b
			}
		}
	case "ints":
		for i, e := range listOf(v) {
			if !isInt(e) {
				return typeError(fmt.Sprintf("%s[%d]", a.name, i), "integer")
			}
		}
	case "line_items":
		l, _ := v.([]any)
		for i, e := range l {
			o, _ := e.(*Obj)
			for _, k := range []string{"product_id", "variation_id", "quantity"} {
				if o.Has(k) && o.Get(k) != nil && !isInt(o.Get(k)) {
					return typeError(fmt.Sprintf("%s[%d][%s]", a.name, i, k), "integer")
				}
			}
		}
	case "billing":
		o, _ := v.(*Obj)
		if e, isString := o.Get("email").(string); isString && !validEmail(e) {
			return &badParam{code: "rest_invalid_email", msg: "Invalid email address."}
		}
	}
	return nil
}

func (a arg) values(q *rq) []string {
	if a.dynEnum != nil {
		return a.dynEnum(q)
	}
	return a.enum
}

func isInt(v any) bool {
	switch x := v.(type) {
	case json.Number:
		return wholeNumber.MatchString(string(x))
	case string:
		return wholeNumber.MatchString(x)
	}
	return false
}

func bounds(a arg, n int) *badParam {
	oob := func(f string, args ...any) *badParam {
		return &badParam{code: "rest_out_of_bounds", msg: fmt.Sprintf(a.name+" must be "+f, args...)}
	}
	switch {
	case a.min != 0 && a.max != 0 && (n < a.min || n > a.max):
		return oob("between %d (inclusive) and %d (inclusive)", a.min, a.max)
	case a.min != 0 && a.max == 0 && n < a.min:
		return oob("greater than or equal to %d", a.min)
	}
	return nil
}

func inEnum(name, v string, enum []string) *badParam {
	for _, e := range enum {
		if e == v {
			return nil
		}
	}
	return &badParam{code: "rest_not_in_enum", msg: name + " is not one of " + enumText(enum) + "."}
}

func enumText(enum []string) string {
	switch len(enum) {
	case 0:
		return ""
	case 1:
		return enum[0]
	case 2:
		return enum[0] + " and " + enum[1]
	}
	return strings.Join(enum[:len(enum)-1], ", ") + ", and " + enum[len(enum)-1]
}

func validEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return false
	}
	at := strings.LastIndex(s, "@")
	return strings.Contains(s[at:], ".")
}

func truthy(v any) bool {
	switch x := v.(type) {
	case bool:
		return x
	case string:
		x = strings.ToLower(x)
		return x == "1" || x == "true" || x == "yes" || x == "on"
	case json.Number:
		return x != "0"
	}
	return false
}

// moment reads a date parameter. A value without zone is the site's time; with
// dates_are_gmt its digits, moved to the site's zone if it names one, are then
// taken for UTC, as WooCommerce does.
func (q *rq) moment(name string) (time.Time, bool) {
	s := q.params.Str(name)
	if s == "" {
		return time.Time{}, false
	}
	t, zoned := q.s.parseTime(s)
	if t.IsZero() {
		return t, false
	}
	if truthy(q.params.Get("dates_are_gmt")) {
		l := t
		if zoned {
			l = t.In(q.s.st.zone)
		}
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC), true
	}
	return t.Truncate(time.Second), true
}

// parseTime reads a time; without a zone it is the site's.
func (s *Sim) parseTime(v string) (t time.Time, zoned bool) {
	v = strings.Replace(strings.ToUpper(v), " ", "T", 1)
	for _, f := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z07"} {
		if t, err := time.Parse(f, v); err == nil {
			return t, true
		}
	}
	for _, f := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.ParseInLocation(f, v, s.st.zone); err == nil {
			return t, false
		}
	}
	return time.Time{}, false
}

func cloneURL(u *url.URL, path string) *url.URL {
	c := *u
	c.Path, c.RawPath = path, ""
	return &c
}

func itoa(n int) string { return strconv.Itoa(n) }
