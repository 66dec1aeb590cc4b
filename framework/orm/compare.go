package orm

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Comparisons of one column. The empty value of a text is '', that of a number
// 0, that of anything else NULL; a column that is NULL counts as empty.

// compareRef compiles a leaf on a many2one itself.
func (s *selection) compareRef(f *Field, col frag, l leaf) (frag, error) {
	co := s.model.registry.models[f.Comodel]
	switch l.op {
	case "child_of", "parent_of":
		if co == s.model {
			ids, err := s.hierarchy(s.env.related(f).Env, co, l, f.Name)
			return sqlf("?.id IN (?)", frag{sql: s.alias}, ids), err
		}
		ids, err := s.hierarchy(s.env.related(f).Env, co, l, "")
		return sqlf("? IN (?)", col, ids), err
	}
	value := l.value
	if list, ok := value.([]any); ok && len(list) > 0 && !slices.ContainsFunc(list, func(x any) bool { _, ok := x.(string); return !ok }) {
		names := make([]string, len(list))
		for i, x := range list {
			names[i] = x.(string)
		}
		value = names
	}
	op := l.op
	switch v := value.(type) {
	case string:
		if v == "" && op == "=?" {
			return sqlTrue, nil
		}
		switch op {
		case "in", "<", ">", "<=", ">=", "=?":
			op = "="
		case "not in":
			op = "!="
		}
	case []string:
		if len(v) == 0 {
			return s.compare(f, col, l)
		}
	default:
		return s.compare(f, col, l)
	}
	neg := isNegative(op)
	if neg {
		op = opposites[op]
	}
	sub, where, err := s.related(f, Leaf("display_name", op, value))
	if err != nil {
		return frag{}, err
	}
	return inRef(col, sqlf("SELECT ?.id FROM ? WHERE ?", frag{sql: sub.alias}, sub.from(), where), neg), nil
}

// compare compiles a leaf on a value that is in SQL.
func (s *selection) compare(f *Field, col frag, l leaf) (frag, error) {
	if l.op == "=?" {
		if isEmpty(l.value) {
			return sqlTrue, nil
		}
		l.op = "="
	}
	if f.Kind == DatetimeKind {
		l.value = wholeDay(l)
	}
	switch l.op {
	case "in", "not in":
		return s.compareList(f, col, l)
	case "=", "!=", "<", ">", "<=", ">=":
		return s.compareValue(f, col, l)
	case "like", "ilike", "not like", "not ilike", "=like", "=ilike":
		return s.compareText(f, col, l)
	}
	return frag{}, ValueErrorf("Invalid domain term %s", l)
}

// wholeDay completes a bare day compared with an instant: "up to" and "after" a
// day count to its end.
func wholeDay(l leaf) any {
	text, ok := l.value.(string)
	if !ok {
		d, isDate := l.value.(Date)
		if !isDate || d.IsZero() {
			return l.value
		}
		text = d.String()
	}
	if len(text) != len(dateLayout) {
		return l.value
	}
	if l.op == "<=" || l.op == ">" {
		return text + " 23:59:59"
	}
	return text + " 00:00:00"
}

func (f *Field) numeric() bool {
	return (f.Kind == Integer || f.Kind == Float || f.Kind == Monetary) && f.Name != "id"
}

// wordy are the kinds whose empty value is a text.
func (f *Field) wordy() bool { return f.Kind == Char || f.Kind == Text || f.Kind == HTML }

// emptyOperand is what an empty value is compared as, nil for NULL.
func (f *Field) emptyOperand() any {
	switch {
	case f.numeric():
		return f.zero()
	case f.wordy():
		return ""
	}
	return nil
}

func (f *Field) zero() any {
	switch {
	case f.Kind == Integer:
		return int64(0)
	case f.Decimal:
		return decimal.Zero
	}
	return 0.0
}

func (s *selection) compareValue(f *Field, col frag, l leaf) (frag, error) {
	equality := l.op == "=" || l.op == "!="
	if b, ok := l.value.(bool); ok && f.Kind == Boolean && equality {
		if b != (l.op == "!=") {
			return sqlf("? IS TRUE", col), nil
		}
		return sqlf("? IS NOT TRUE", col), nil
	}
	value := l.value
	if (f.Relational() || f.Name == "id") && equality && !truthy(value) {
		value = nil
	}
	if equality && isEmpty(value) {
		if value = f.emptyOperand(); value == nil {
			if l.op == "=" {
				return sqlf("? IS NULL", col), nil
			}
			return sqlf("? IS NOT NULL", col), nil
		}
	}
	v, err := s.operand(f, value, l)
	if err != nil {
		return frag{}, err
	}
	if v == nil {
		if l.op == "=" || f.numeric() {
			v = f.emptyOperand()
		}
		if v == nil {
			return sqlFalse, nil
		}
	}
	c := sqlf("? "+l.op+" "+f.param(""), col, v)
	orNull := false
	switch {
	case equality:
		orNull = truthy(value) == (l.op == "!=")
	case f.numeric():
		n := sign(v)
		orNull = l.op == ">=" && n <= 0 || l.op == "<=" && n >= 0 || l.op == "<" && n > 0 || l.op == ">" && n < 0
	}
	if orNull {
		return sqlf("(? OR ? IS NULL)", c, col), nil
	}
	return c, nil
}

// param is the placeholder of a value (or, with [], of values) to compare a
// field with: integers may be larger than their column holds.
func (f *Field) param(list string) string {
	if f.Kind == Integer {
		return "?::bigint" + list
	}
	return "?"
}

func sign(v any) int {
	switch x := v.(type) {
	case int64:
		return int(min(max(x, -1), 1))
	case float64:
		return int(min(max(x, -1), 1)) - b2i(x > -1 && x < 0) + b2i(x > 0 && x < 1)
	case decimal.Decimal:
		return x.Sign()
	}
	return 0
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *selection) compareText(f *Field, col frag, l leaf) (frag, error) {
	neg := strings.HasPrefix(l.op, "not ")
	exact := strings.HasPrefix(l.op, "=")
	op := "LIKE"
	if strings.HasSuffix(l.op, "ilike") {
		op = "ILIKE"
	}
	left := col
	if !f.wordy() {
		left = sqlf("(?)::text", col)
	}
	if !exact {
		if !truthy(l.value) {
			if neg {
				return sqlFalse, nil
			}
			return sqlTrue, nil
		}
		pattern := "%" + plainText(l.value) + "%"
		if err := s.patterned(pattern); err != nil {
			return frag{}, err
		}
		if neg {
			return sqlf("(? NOT "+op+" ? OR ? IS NULL)", left, pattern, col), nil
		}
		return sqlf("? "+op+" ?", left, pattern), nil
	}
	if isEmpty(l.value) {
		return sqlf("? IS NULL", col), nil
	}
	pattern := plainText(l.value)
	if err := s.patterned(pattern); err != nil {
		return frag{}, err
	}
	c := sqlf("? "+op+" ?", left, pattern)
	if !truthy(l.value) {
		return sqlf("(? OR ? IS NULL)", c, col), nil
	}
	return c, nil
}

// maxPattern bounds the texts that each row is compared with, in bytes: the work of a
// search is their length times the number of rows.
const maxPattern = 32 << 10

// patterned counts a pattern of the statement.
func (s *selection) patterned(pattern string) error {
	if s.seen.pattern += len(pattern); s.seen.pattern > maxPattern {
		return UserErrorf("The text to search for is too long; search for a shorter part of it.")
	}
	return nil
}

// plainText spells a value as Odoo spells it inside a pattern.
func plainText(v any) string {
	if s, ok := textOf(v); ok {
		return s
	}
	return pyRepr(v)
}

func (s *selection) compareList(f *Field, col frag, l leaf) (frag, error) {
	neg := l.op == "not in"
	if _, ok := l.value.(bool); ok {
		return s.compareValue(f, col, leaf{path: l.path, op: map[bool]string{false: "=", true: "!="}[neg], value: l.value})
	}
	list, ok := listOf(l.value)
	if !ok {
		return frag{}, ValueErrorf("Invalid domain term %s", l)
	}
	vals := make([]any, 0, len(list)+1)
	null := false
	for _, x := range list {
		if isEmpty(x) {
			null = true
			continue
		}
		v, err := s.operand(f, x, l)
		if err != nil {
			return frag{}, err
		}
		if v != nil {
			vals = append(vals, v)
		}
	}
	if f.Kind == Boolean {
		vals = slices.DeleteFunc(vals, func(v any) bool { return v != true })
		if null {
			vals = append(vals, false)
		}
	} else if empty := f.emptyOperand(); empty != nil {
		has := slices.ContainsFunc(vals, func(v any) bool { return !truthy(v) })
		if null && !has {
			vals = append(vals, empty)
		}
		null = null || has
	}
	c := sqlFalse
	if len(vals) > 0 {
		c = sqlf("? = ANY("+f.param("[]")+")", col, typedList(vals))
	}
	switch {
	case !neg && null:
		return sqlf("(? OR ? IS NULL)", c, col), nil
	case !neg:
		return c, nil
	case null:
		return sqlf("(NOT (?) AND ? IS NOT NULL)", c, col), nil
	}
	return sqlf("((?) IS NOT TRUE)", c), nil
}

func listOf(v any) ([]any, bool) {
	switch x := v.(type) {
	case []any:
		return x, true
	case []int64:
		out := make([]any, len(x))
		for i, n := range x {
			out[i] = n
		}
		return out, true
	case []string:
		out := make([]any, len(x))
		for i, t := range x {
			out[i] = t
		}
		return out, true
	}
	return nil, false
}

// typedList turns values into a Go slice pgx can send as an array.
func typedList(vals []any) any {
	switch vals[0].(type) {
	case int64:
		return slice[int64](vals)
	case float64:
		return slice[float64](vals)
	case bool:
		return slice[bool](vals)
	}
	out := make([]string, len(vals))
	for i, v := range vals {
		out[i] = fmt.Sprint(v)
	}
	return out
}

func slice[T any](vals []any) []T {
	out := make([]T, len(vals))
	for i, v := range vals {
		out[i], _ = v.(T)
	}
	return out
}

// operand reads the right side of a comparison as the field's type.
func (s *selection) operand(f *Field, value any, l leaf) (any, error) {
	bad := func() error {
		return ValueErrorf("Invalid value in domain term %s: %s expects %s", l, f.Name, f.Kind)
	}
	if isList(value) {
		return nil, bad()
	}
	switch f.Kind {
	case Boolean:
		return truthy(value), nil
	case Char, Text, HTML, Selection, Reference, SecretKind:
		if isEmpty(value) {
			return nil, nil
		}
		return plainText(value), nil
	case Many2one:
		if value == true {
			return nil, bad()
		}
	}
	if text, ok := value.(string); ok && (f.Kind == DateKind || f.Kind == DatetimeKind) {
		if value, ok = looseInstant(text); !ok {
			return nil, bad()
		}
	}
	free := *f
	free.Size, free.BigInt, free.Validate = 0, true, ""
	if b, ok := value.(bool); ok && b && f.numeric() {
		value = 1
	}
	v, err := free.parse(value)
	if err != nil {
		return nil, bad()
	}
	return v, nil
}

// instants are the spellings of days and instants that PostgreSQL reads, which
// is what Odoo leaves the right side of a condition to.
var instants = regexp.MustCompile(`^(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2}))(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?)? ?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)?$`)

// looseInstant reads a day or an instant; columns have no time zone, so that
// one is left out of account.
func looseInstant(text string) (time.Time, bool) {
	m := instants.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return time.Time{}, false
	}
	n := make([]int, len(m))
	for i, digits := range m {
		n[i], _ = strconv.Atoi(digits)
	}
	month, day := n[2]+n[4]+n[6], n[3]+n[5]+n[7]
	fraction, _ := strconv.ParseFloat("0"+m[11], 64)
	t := time.Date(n[1], time.Month(month), day, n[8], n[9], n[10], int(fraction*1e9), time.UTC)
	return t, n[1] > 0 && int(t.Month()) == month && t.Day() == day && n[8] < 24 && n[9] < 60 && n[10] < 60
}

// truthy is Python's idea of a value that counts as true.
func truthy(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case json.Number:
		n, err := x.Float64()
		return err != nil || n != 0
	case decimal.Decimal:
		return !x.IsZero()
	case Date:
		return !x.IsZero()
	case Datetime:
		return !x.IsZero()
	case time.Time:
		return !x.IsZero()
	case Records:
		return len(x.IDs) > 0
	}
	switch rv := reflect.ValueOf(v); rv.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return rv.Len() > 0
	case reflect.Int, reflect.Int64, reflect.Int32:
		return rv.Int() != 0
	case reflect.Float64:
		return rv.Float() != 0
	}
	return true
}

var dateParts = map[string]string{"year_number": "year", "quarter_number": "quarter", "month_number": "month", "iso_week_number": "week", "day_of_year": "doy", "day_of_month": "day", "day_of_week": "dow", "hour_number": "hour", "minute_number": "minute", "second_number": "second"}

// datePart compares a part of a date, in the time zone of the context.
func (s *selection) datePart(f *Field, part string, l leaf) (frag, error) {
	if dateParts[part] == "" {
		return frag{}, ValueErrorf("The part %q of %s.%s is not supported; supported are %s", part, s.model.Name, f.Name, strings.Join(sortedKeys(dateParts), ", "))
	}
	col, ok := s.column(s.alias, s.model, f)
	if !ok {
		return frag{}, ValueErrorf("Cannot convert %s.%s to SQL because it is not stored", s.model.Name, f.Name)
	}
	expr, err := s.env.datePart(f, part, col)
	if err != nil {
		return frag{}, err
	}
	number := Field{Name: l.path, Kind: Integer, Label: f.Label, Model: f.Model}
	switch l.op {
	case "=", "!=", "<", ">", "<=", ">=":
		v, err := s.operand(&number, l.value, l)
		if err != nil || v == nil {
			return sqlFalse, err
		}
		return sqlf("? "+l.op+" ?", expr, v), nil
	case "in", "not in":
		return s.compareList(&number, expr, l)
	}
	return frag{}, ValueErrorf("Invalid domain term %s", l)
}

// datePart is the SQL of a part of a date. The days of a week count from 0, the
// first day of the week in the user's language.
func (e *Env) datePart(f *Field, part string, col frag) (frag, error) {
	col = e.local(f, col)
	if part == "day_of_week" {
		first, err := e.WeekStart()
		return sqlf("mod(7 - ?::int + date_part('dow', ?)::int, 7)", int64(first), col), err
	}
	return sqlf("date_part('"+dateParts[part]+"', ?)::int", col), nil
}

// local moves a datetime column to the time zone of the context. The user's own
// time zone does not count: clients put it into the context.
func (e *Env) local(f *Field, col frag) frag {
	if name := e.zone(); f.Kind == DatetimeKind && name != "" {
		return sqlf("timezone(?, timezone('UTC', ?))", name, col)
	}
	return col
}

// zone is the context's time zone, "" for none or an unknown one.
func (e *Env) zone() string {
	name, _ := e.keys["tz"].(string)
	if name == "" {
		return ""
	}
	if _, err := time.LoadLocation(name); err != nil {
		return ""
	}
	return name
}

// ContextLocation is the time zone of the context, UTC without one. Clients put
// the user's zone there; what has none is counted in UTC.
func (e *Env) ContextLocation() *time.Location {
	if name := e.zone(); name != "" {
		if loc, err := time.LoadLocation(name); err == nil {
			return loc
		}
	}
	return time.UTC
}

// WeekStart is the first day of the week in the language of the context: 1 for
// Monday to 7 for Sunday.
func (e *Env) WeekStart() (int, error) {
	return Memo(e, "week start "+e.Lang(), func() (int, error) {
		if e.u.db.Registry.models["res.lang"] == nil {
			return 7, nil
		}
		days, err := e.queryIDs(sqlf("SELECT week_start FROM res_lang WHERE code = ? AND active", e.Lang()))
		if err != nil || len(days) == 0 {
			return 7, err
		}
		return int(days[0]), nil
	})
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
