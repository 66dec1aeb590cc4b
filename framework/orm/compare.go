package orm

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/expr"
)

// Comparisons of one column. The empty value of a text is '', that of a number
// 0, that of anything else NULL; a column that is NULL counts as empty.

// compareRef compiles a leaf on a many2one itself.
func (s *selection) compareRef(f *Field, col frag, l leaf) (frag, error) {
	co := s.model.registry.models[f.Comodel]
	switch l.op {
	case "child_of", "parent_of":
		if co == s.model {
			ids, err := s.hierarchy(s.env.related(f).Env, co, l, f.Name, false)
			return sqlf("?.id IN (?)", frag{sql: s.alias}, ids), err
		}
		ids, err := s.hierarchy(s.env.related(f).Env, co, l, "", false)
		return sqlf("? IN (?)", col, ids), err
	case "<", ">", "<=", ">=":
		if _, isText := l.value.(string); !isText {
			return s.compare(f, col, l)
		}
	}
	named, ids, none, err := s.targets(f, l)
	if err != nil || named.sql != "" && len(ids) == 0 && !none {
		return named, err
	}
	if none {
		ids = append(ids, false)
	}
	neg := isNegative(l.op)
	c, err := s.compareList(f, col, l, neg, ids)
	switch {
	case err != nil || named.sql == "":
		return c, err
	case neg:
		return sqlf("(? AND ?)", named, c), nil
	}
	return sqlf("(? OR ?)", named, c), nil
}

// compare compiles a leaf on a value that is in SQL.
func (s *selection) compare(f *Field, col frag, l leaf) (frag, error) {
	switch l.op {
	case "in", "not in", "=", "!=":
		list, ok := listOf(l.value)
		if !ok {
			list = []any{l.value}
		}
		return s.compareList(f, col, l, isNegative(l.op), list)
	case "<", ">", "<=", ">=":
		return s.compareOrder(f, col, l)
	}
	if f.Kind == Boolean {
		return frag{}, noTruth(l)
	}
	left := col
	if !f.wordy() {
		left = sqlf("(?)::text", col)
	}
	return s.matchText(left, col, l)
}

func noTruth(l leaf) error {
	return ValueErrorf("Cannot compare '%s' to %s which is not a collection of length 1 in condition %s", l.path, expr.Repr(l.value), l)
}

// matchText compiles a comparison with a pattern.
func (s *selection) matchText(left, col frag, l leaf) (frag, error) {
	pattern, _ := l.value.(string)
	if !strings.Contains(l.op, "=") {
		pattern = "%" + pattern + "%"
	}
	op := "LIKE"
	if strings.HasSuffix(l.op, "ilike") {
		op = "ILIKE"
	}
	if err := s.patterned(pattern); err != nil {
		return frag{}, err
	}
	if isNegative(l.op) {
		return sqlf("(? NOT "+op+" ? OR ? IS NULL)", left, pattern, col), nil
	}
	return sqlf("? "+op+" ?", left, pattern), nil
}

func (f *Field) numeric() bool {
	return (f.Kind == Integer || f.Kind == Float || f.Kind == Monetary || f.Kind == Many2oneRef) && f.Name != "id"
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
	case f.Kind == Integer || f.Kind == Many2oneRef:
		return int64(0)
	case f.Decimal:
		return decimal.Zero
	}
	return 0.0
}

// compareOrder compiles an ordering. What has no value counts as its empty value
// when that can be ordered, and is left out otherwise.
func (s *selection) compareOrder(f *Field, col frag, l leaf) (frag, error) {
	switch f.Kind {
	case Boolean:
		return frag{}, noTruth(l)
	case DateKind, DatetimeKind:
		return s.compareMoment(f, col, l)
	}
	if isList(l.value) {
		return frag{}, ValueErrorf("Invalid value in condition %s: %s expects %s", l, f.Name, f.Kind)
	}
	v, err := s.operand(f, l.value, l)
	if err != nil {
		return frag{}, err
	}
	empty := f.emptyOperand()
	if v == nil {
		v = empty
	}
	if v == nil {
		return sqlFalse, nil
	}
	c := sqlf("? "+l.op+" "+f.param(""), col, v)
	if empty == nil {
		return c, nil
	}
	at := sign(v) // of the value, as seen from the empty one
	if text, ok := v.(string); ok {
		at = b2i(text != "")
	}
	if l.op == "<" && at > 0 || l.op == ">" && at < 0 || l.op == "<=" && at >= 0 || l.op == ">=" && at <= 0 {
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

// compareList compiles whether the value is one of a list, in which an empty one
// stands for no value.
func (s *selection) compareList(f *Field, col frag, l leaf, neg bool, list []any) (frag, error) {
	switch f.Kind {
	case Boolean:
		return compareTruth(col, neg, list), nil
	case DatetimeKind:
		return s.compareInstants(col, l, neg, list)
	}
	vals := make([]any, 0, len(list)+1)
	null, nothing := false, false
	for _, x := range list {
		if isEmpty(x) {
			null = true
			continue
		}
		v, err := s.operand(f, x, l)
		switch {
		case err != nil:
			return frag{}, err
		case v == nil, f.Kind == Many2one && v == any(int64(0)):
			nothing = true // equal to no value, nor to none
		default:
			vals = append(vals, v)
		}
	}
	if empty := f.emptyOperand(); empty != nil {
		has := slices.ContainsFunc(vals, func(v any) bool { return !truthy(v) })
		if null && !has {
			vals = append(vals, empty)
		}
		null = null || has
	}
	return oneOf(col, f.param("[]"), neg, vals, null, nothing), nil
}

// oneOf compiles whether a column is one of some values or, with null, none.
// nothing says that there was a value to which nothing is equal.
func oneOf(col frag, param string, neg bool, vals []any, null, nothing bool) frag {
	c := sqlFalse
	if len(vals) > 0 {
		c = sqlf("? = ANY("+param+")", col, typedList(vals))
	}
	switch {
	case !neg && null && len(vals) == 0, neg && !null && nothing:
		return sqlf("? IS NULL", col)
	case !neg && null:
		return sqlf("(? OR ? IS NULL)", c, col)
	case !neg:
		return c
	case null && nothing:
		return sqlFalse
	case null && len(vals) == 0:
		return sqlf("? IS NOT NULL", col)
	case null:
		return sqlf("(NOT (?) AND ? IS NOT NULL)", c, col)
	}
	return sqlf("((?) IS NOT TRUE)", c)
}

// compareTruth compiles whether a boolean is one of a list; no value is False.
func compareTruth(col frag, neg bool, list []any) frag {
	var yes, no bool
	for _, x := range list {
		if text, ok := x.(string); ok {
			x = slices.Contains([]string{"y", "yes", "1", "true", "t", "on"}, strings.ToLower(text))
		}
		if truthy(x) {
			yes = true
		} else {
			no = true
		}
	}
	switch {
	case yes && no && neg:
		return sqlFalse
	case yes && no:
		return sqlTrue
	case yes != neg:
		return sqlf("? IS TRUE", col)
	}
	return sqlf("? IS NOT TRUE", col)
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
		return expr.Str(value), nil
	case Many2one:
		if value == true {
			return nil, bad()
		}
	}
	if f.Kind == DateKind {
		m, err := s.env.moment(value)
		if err != nil {
			return nil, err
		}
		return m.date(), nil
	}
	free := *f
	free.Size, free.BigInt, free.Validate = 0, true, ""
	if b, ok := value.(bool); ok && b && f.numeric() {
		value = 1
	}
	v, err := free.Parse(value)
	if err != nil {
		return nil, bad()
	}
	return v, nil
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

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
