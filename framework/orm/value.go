package orm

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/expr"
)

// Parse brings a Go value or a JSON-RPC value to the field's one form:
//
//	text kinds  string        integer   int64          float  float64
//	NUMERIC     decimal       boolean   bool           date   Date / Datetime
//	many2one    int64 (>0)    x2many    []Command      binary []byte
//
// nil is the empty value (NULL) of every kind but boolean and x2many.
func (f *Field) Parse(v any) (any, error) {
	if v == nil || v == false && f.Kind != JSONKind {
		return f.empty(), nil
	}
	switch f.Kind {
	case Char, Text, HTML, Selection, Reference, SecretKind:
		return f.parseText(v)
	case Integer, Many2oneRef:
		return f.parseInt(v)
	case Float, Monetary:
		return f.parseFloat(v)
	case Boolean:
		return truthy(v), nil
	case DateKind:
		switch x := v.(type) {
		case Date:
			return orNil(x.IsZero(), x), nil
		case Datetime:
			return orNil(x.IsZero(), DateOf(x.t)), nil
		case time.Time:
			return orNil(x.IsZero(), DateOf(x)), nil
		case string:
			if x == "" {
				return nil, nil
			}
			d, err := ParseDate(x)
			if err != nil {
				return nil, f.bad(v, "a date YYYY-MM-DD")
			}
			return d, nil
		}
	case DatetimeKind:
		switch x := v.(type) {
		case Datetime:
			return orNil(x.IsZero(), x), nil
		case Date:
			return orNil(x.IsZero(), DatetimeOf(x.t)), nil
		case time.Time:
			return orNil(x.IsZero(), DatetimeOf(x)), nil
		case string:
			if x == "" {
				return nil, nil
			}
			for _, layout := range wireLayouts {
				if t, err := time.Parse(layout, x); err == nil {
					return Datetime{t}, nil
				}
			}
			return nil, f.bad(v, "a datetime YYYY-MM-DD HH:MM:SS in UTC")
		}
	case Many2one:
		return f.parseRef(v)
	case One2many, Many2many:
		return f.parseCommands(v)
	case BinaryKind:
		switch x := v.(type) {
		case []byte:
			return orNil(len(x) == 0, []byte(x)), nil
		case Binary:
			return orNil(len(x) == 0, []byte(x)), nil
		case string:
			if f.Plain {
				return orNil(x == "", []byte(x)), nil
			}
			b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(x), ""))
			if err != nil {
				return nil, f.bad("…", "base64 content")
			}
			return orNil(len(b) == 0, b), nil
		}
	case JSONKind:
		switch x := v.(type) {
		case JSON:
			return orNil(len(x) == 0, json.RawMessage(x)), nil
		case json.RawMessage:
			return orNil(len(x) == 0, x), nil
		}
		b, err := json.Marshal(v)
		if err != nil {
			return nil, f.bad(v, "a JSON value")
		}
		return json.RawMessage(b), nil
	}
	return nil, f.badKind(v, string(f.Kind))
}

// wireLayouts are the spellings of an instant in values: the wire format, whole
// or cut off at a minute, an hour or a day.
var wireLayouts = []string{datetimeLayout, "2006-01-02 15:04", "2006-01-02 15", dateLayout}

func orNil[T any](empty bool, v T) any {
	if empty {
		return nil
	}
	return v
}

func (f *Field) empty() any {
	switch {
	case f.Kind == Boolean:
		return false
	case f.X2many():
		return []Command{{Op: CmdClear}}
	}
	return nil
}

// badKind is bad for a value of a type that no value of the field can have.
func (f *Field) badKind(v any, want string) error {
	err := f.bad(v, want)
	err.Code = CodeType
	return err
}

func (f *Field) bad(v any, want string) *Error {
	shown := fmt.Sprint(v)
	if f.Kind == SecretKind {
		shown = "********"
	}
	if len(shown) > 80 {
		shown = shown[:80] + "…"
	}
	return &Error{Code: CodeValue, Fields: []string{f.Name}, Message: fmt.Sprintf("Wrong value for %s (%s): %q is not %s.", f.Label, f.Name, shown, want)}
}

func (f *Field) parseText(v any) (any, error) {
	var s string
	switch x := v.(type) {
	case string:
		s = x
	case Secret:
		s = string(x)
		if s == "" {
			return nil, nil
		}
	case decimal.Decimal:
		s = x.String()
	case json.Number, int, int64, float64, bool, []any, map[string]any:
		if f.Kind == Selection && truthy(v) && !f.open() {
			return nil, f.wrong(v)
		}
		if f.Kind == Selection && !truthy(v) {
			return nil, nil
		}
		s = expr.Str(v)
	case fmt.Stringer:
		s = x.String()
	default:
		rs, ok := textOf(v)
		if !ok {
			return nil, f.bad(v, "a text")
		}
		s = rs
	}
	if strings.IndexByte(s, 0) >= 0 {
		return nil, f.bad(strings.ReplaceAll(s, "\x00", "\\0"), "a text without NUL characters")
	}
	switch f.Kind {
	case Selection:
		if s == "" {
			return nil, nil
		}
		if !f.hasOption(s) && !f.open() {
			return nil, f.wrong(v)
		}
	case Char:
		if f.Size > 0 {
			if r := []rune(s); len(r) > f.Size {
				s = string(r[:f.Size])
			}
		}
	case Reference:
		if s == "" {
			return nil, nil
		}
	}
	return s, nil
}

// open reports whether a selection has no list of its own: its values are those
// of other records.
func (f *Field) open() bool { return len(f.Options) == 0 }

// wrong refuses a value that a selection does not offer.
func (f *Field) wrong(v any) error {
	model := ""
	if f.Model != nil {
		model = f.Model.Name
	}
	return &Error{Code: CodeValue, Fields: []string{f.Name}, Message: fmt.Sprintf("Wrong value for %s.%s: %s", model, f.Name, expr.Repr(v))}
}

func (f *Field) parseInt(v any) (any, error) {
	var n int64
	switch x := v.(type) {
	case int:
		n = int64(x)
	case int32:
		n = int64(x)
	case int64:
		n = x
	case float64:
		if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			return int64(x), nil
		}
		n = int64(x)
	case json.Number:
		i, err := x.Int64()
		if err != nil {
			fl, err := x.Float64()
			if err != nil || math.Abs(fl) > 1<<62 {
				return nil, f.bad(v, "an integer")
			}
			i = int64(fl)
		}
		n = i
	case decimal.Decimal:
		n = x.IntPart()
	case bool:
		return int64(b2i(x)), nil
	case string:
		if x == "" {
			return int64(0), nil
		}
		i, err := strconv.ParseInt(strings.TrimSpace(x), 10, 64)
		if err != nil {
			return nil, f.bad(v, "an integer")
		}
		n = i
	default:
		return nil, f.badKind(v, "an integer")
	}
	if !f.BigInt && f.Kind == Integer && f.Name != "id" && (n > math.MaxInt32 || n < math.MinInt32) {
		return nil, f.bad(v, "an integer of 32 bits")
	}
	return n, nil
}

func (f *Field) parseFloat(v any) (any, error) {
	var text string
	switch x := v.(type) {
	case decimal.Decimal:
		if !f.Decimal {
			return x.InexactFloat64(), nil
		}
		return f.fit(x), nil
	case int:
		text = strconv.Itoa(x)
	case int64:
		text = strconv.FormatInt(x, 10)
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, f.bad(v, "a finite number")
		}
		if !f.Decimal {
			return x, nil
		}
		return f.fit(decimal.NewFromFloat(x)), nil
	case json.Number:
		text = x.String()
	case bool:
		text = strconv.Itoa(b2i(x))
	case string:
		text = strings.TrimSpace(x)
		if text == "" {
			text = "0"
		}
	default:
		return nil, f.badKind(v, "a number")
	}
	if f.Decimal {
		d, err := decimal.NewFromString(text)
		if err != nil {
			return nil, f.bad(v, "a number")
		}
		return f.fit(d), nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, f.bad(v, "a number")
	}
	return n, nil
}

// fit rounds to the field's fixed decimals, half away from zero.
func (f *Field) fit(d decimal.Decimal) decimal.Decimal {
	if f.Digits >= 0 {
		return d.Round(int32(f.Digits))
	}
	return d
}

func (f *Field) parseRef(v any) (any, error) {
	switch x := v.(type) {
	case bool:
		return nil, f.bad(v, "a record id")
	case float64:
		if x != math.Trunc(x) {
			return nil, f.bad(v, "a record id")
		}
	case Records:
		if len(x.IDs) == 0 {
			return nil, nil
		}
		return x.IDs[0], nil
	}
	if s, ok := v.(refIDer); ok {
		return orNil(s.refIDValue() == 0, s.refIDValue()), nil
	}
	n, err := f.parseInt(v)
	if err != nil {
		return nil, f.bad(v, "a record id")
	}
	return orNil(n == int64(0), n), nil
}

type refIDer interface{ refIDValue() int64 }

func (r Ref[T]) refIDValue() int64 { return r.ID }

func (f *Field) parseCommands(v any) (any, error) {
	switch x := v.(type) {
	case []Command:
		return x, nil
	case Command:
		return []Command{x}, nil
	case []int64:
		return []Command{{Op: CmdSet, IDs: x}}, nil
	case Records:
		return []Command{{Op: CmdSet, IDs: x.IDs}}, nil
	case []any:
		if len(x) == 0 {
			return []Command(nil), nil
		}
		if _, isList := x[0].([]any); !isList {
			if _, isCmd := x[0].(Command); !isCmd {
				ids, err := parseIDs(x)
				if err != nil {
					return nil, f.bad(v, "a list of ids or commands")
				}
				return []Command{{Op: CmdSet, IDs: ids}}, nil
			}
		}
		cmds := make([]Command, 0, len(x))
		for _, e := range x {
			c, err := f.parseCommand(e)
			if err != nil {
				return nil, err
			}
			cmds = append(cmds, c)
		}
		return cmds, nil
	}
	return nil, f.bad(v, "a list of x2many commands")
}

func (f *Field) parseCommand(e any) (Command, error) {
	if c, ok := e.(Command); ok {
		return c, nil
	}
	bad := fieldError(f, "Wrong command for %s (%s): %v. Commands are [0,0,values] create, [1,id,values] update, [2,id,0] delete, [3,id,0] unlink, [4,id,0] link, [5,0,0] clear, [6,0,ids] set.", f.Label, f.Name, e)
	l, ok := e.([]any)
	if !ok || len(l) == 0 || len(l) > 3 {
		return Command{}, bad
	}
	op, err := toInt(l[0])
	if err != nil || op < 0 || op > 6 {
		return Command{}, bad
	}
	c := Command{Op: int(op)}
	if len(l) > 1 && op != CmdCreate && op != CmdClear && op != CmdSet {
		if c.ID, err = toInt(l[1]); err != nil || c.ID <= 0 {
			return Command{}, bad
		}
	} else if op >= 1 && op <= 4 {
		return Command{}, bad
	}
	switch op {
	case CmdCreate, CmdUpdate:
		if len(l) < 3 {
			return Command{}, bad
		}
		switch m := l[2].(type) {
		case map[string]any:
			c.Values = m
		case Values:
			c.Values = m
		default:
			return Command{}, bad
		}
	case CmdSet:
		if len(l) < 3 {
			return Command{}, bad
		}
		if c.IDs, err = parseIDs(l[2]); err != nil {
			return Command{}, bad
		}
	}
	return c, nil
}

// textOf reads any Go type whose underlying type is string.
func textOf(v any) (string, bool) {
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.String {
		return rv.String(), true
	}
	return "", false
}

// Plain turns the numbers of decoded JSON into int64 and float64, so that code
// which looks at values given by clients meets no json.Number. An integer
// beyond 64 bits stays as it is.
func Plain(v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		if f, err := x.Float64(); err == nil && strings.ContainsAny(x.String(), ".eE") {
			return f
		}
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = Plain(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = Plain(e)
		}
		return out
	}
	return v
}

// toInt reads an integer from any JSON or Go number.
func toInt(v any) (int64, error) {
	switch x := v.(type) {
	case int:
		return int64(x), nil
	case int64:
		return x, nil
	case float64:
		if x == math.Trunc(x) {
			return int64(x), nil
		}
	case json.Number:
		return x.Int64()
	case bool:
		if !x {
			return 0, nil
		}
	case nil:
		return 0, nil
	}
	return 0, fmt.Errorf("%v is not an integer", v)
}

// parseIDs reads a list of record ids.
func parseIDs(v any) ([]int64, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case []int64:
		return x, nil
	case []any:
		ids := make([]int64, 0, len(x))
		for _, e := range x {
			n, err := toInt(e)
			if err != nil || n <= 0 {
				return nil, fmt.Errorf("%v is not a record id", e)
			}
			ids = append(ids, n)
		}
		return ids, nil
	case bool:
		if !x {
			return nil, nil
		}
	}
	n, err := toInt(v)
	if err != nil {
		return nil, err
	}
	return []int64{n}, nil
}

// decode reads the text form PostgreSQL sends for a column; raw nil is NULL.
func (f *Field) decode(raw []byte) (any, error) {
	if raw == nil {
		return f.empty(), nil
	}
	switch f.Kind {
	case Many2one, Integer, Many2oneRef:
		return strconv.ParseInt(string(raw), 10, 64)
	case Float, Monetary:
		if f.Decimal {
			return decimal.NewFromString(string(raw))
		}
		return strconv.ParseFloat(string(raw), 64)
	case Boolean:
		return len(raw) > 0 && raw[0] == 't', nil
	case DateKind, DatetimeKind:
		if f.Kind == DateKind {
			return ParseDate(string(raw))
		}
		t, err := time.Parse("2006-01-02 15:04:05.999999", string(raw))
		return Datetime{t}, err
	case JSONKind:
		return json.RawMessage(append([]byte(nil), raw...)), nil
	}
	return string(raw), nil
}

// Wire turns a value as Read returns it into what JSON-RPC answers: false for
// the empty value, texts for dates, base64 for files, masks for secrets. A
// many2one stays an id; ReadWire pairs it with its name.
func (f *Field) Wire(v any) any {
	switch x := v.(type) {
	case nil:
		switch f.Kind {
		case Integer, Many2oneRef:
			return 0
		case Float, Monetary:
			return 0.0
		case One2many, Many2many:
			return []int64{}
		}
		if f.writeOnly {
			return ""
		}
		return false
	case []int64:
		if x == nil {
			return []int64{}
		}
		return x
	case decimal.Decimal:
		if f.Digits >= 0 {
			x = x.Round(int32(f.Digits))
		}
		return floatNumber(x.String())
	case Date:
		return orFalse(x.IsZero(), x.String())
	case Datetime:
		return orFalse(x.IsZero(), x.String())
	case []byte:
		if f.Plain && utf8.Valid(x) {
			return string(x)
		}
		return base64.StdEncoding.EncodeToString(x)
	case int64:
		if x == 0 && f.Kind == Many2one {
			return false
		}
	case Secret:
		return orFalse(x == "", x.String())
	case string:
		if f.Kind == SecretKind {
			return orFalse(x == "", Secret(x).String())
		}
	}
	return v
}

// floatNumber is a number that clients take for a float, whole or not: with a point.
func floatNumber(digits string) json.Number {
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	return json.Number(digits)
}

func orFalse(empty bool, s string) any {
	if empty {
		return false
	}
	return s
}
