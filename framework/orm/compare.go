package orm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// compare compiles a leaf on a value that is in SQL.
func (s *selection) compare(f *Field, col frag, l leaf) (frag, error) {
	if f.Kind == Many2one {
		return s.compareRef(f, col, l)
	}
	switch l.op {
	case "child_of", "parent_of":
		return s.compareScalar(f, col, leaf{path: l.path, op: "in", value: l.value})
	case "any", "not any":
		return frag{}, ValueErrorf("Invalid leaf %s", l)
	case "=?":
		if isEmpty(l.value) {
			return sqlTrue, nil
		}
		l.op = "="
	}
	if strings.HasSuffix(l.op, "like") {
		if !f.Textual() {
			col = sqlf("?::text", col)
		}
		return s.compareText(col, f, l)
	}
	return s.compareScalar(f, col, l)
}

func (s *selection) compareText(col frag, f *Field, l leaf) (frag, error) {
	neg := strings.HasPrefix(l.op, "not ")
	text, _ := l.value.(string)
	if isEmpty(l.value) {
		text = ""
	} else if _, ok := l.value.(string); !ok {
		if _, isList := l.value.([]any); isList {
			return frag{}, ValueErrorf("Invalid domain term %s", l)
		}
		text = fmt.Sprint(l.value)
	}
	exact := strings.HasPrefix(l.op, "=")
	if !exact {
		if text == "" {
			if neg {
				return sqlf("? IS NULL", col), nil
			}
			return sqlf("(? IS NOT NULL OR TRUE)", col), nil
		}
		text = "%" + text + "%"
	}
	op := "LIKE"
	if strings.HasSuffix(l.op, "ilike") {
		op = "ILIKE"
	}
	if neg {
		return sqlf("(? NOT "+op+" ? OR ? IS NULL)", col, text, col), nil
	}
	return sqlf("? "+op+" ?", col, text), nil
}

func (s *selection) compareScalar(f *Field, col frag, l leaf) (frag, error) {
	if f.Kind == Boolean {
		return s.compareBool(col, l)
	}
	neg := isNegative(l.op)
	list, isList := l.value.([]any)
	if ids, ok := l.value.([]int64); ok {
		isList = true
		for _, id := range ids {
			list = append(list, id)
		}
	} else if ss, ok := l.value.([]string); ok {
		isList = true
		for _, x := range ss {
			list = append(list, x)
		}
	}
	switch l.op {
	case "in", "not in":
		if _, ok := l.value.(bool); ok || l.value == nil {
			return s.compareScalar(f, col, leaf{path: l.path, op: map[string]string{"in": "=", "not in": "!="}[l.op], value: l.value})
		}
		if !isList {
			return frag{}, ValueErrorf("Invalid domain term %s", l)
		}
		return s.compareList(f, col, list, neg)
	case "=", "!=":
		if isList {
			return s.compareList(f, col, list, neg)
		}
		if isEmpty(l.value) {
			return nullTest(f, col, !neg), nil
		}
		v, err := s.operand(f, l)
		if err != nil {
			return frag{}, err
		}
		if v == nil {
			return nullTest(f, col, !neg), nil
		}
		if zeroOf(v) && f.Kind != Many2oneRef && f.Name != "id" {
			// an unset number reads as 0 and is found as 0
			if neg {
				return sqlf("(? != ? AND ? IS NOT NULL)", col, v, col), nil
			}
			return sqlf("(? = ? OR ? IS NULL)", col, v, col), nil
		}
		if neg {
			return sqlf("(? != ? OR ? IS NULL)", col, v, col), nil
		}
		return sqlf("? = ?", col, v), nil
	case "<", ">", "<=", ">=":
		if isEmpty(l.value) {
			return sqlFalse, nil
		}
		v, err := s.operand(f, l)
		if err != nil {
			return frag{}, err
		}
		return sqlf("? "+l.op+" ?", col, v), nil
	}
	return frag{}, ValueErrorf("Invalid leaf %s", l)
}

func zeroOf(v any) bool {
	switch x := v.(type) {
	case int64:
		return x == 0
	case float64:
		return x == 0
	case decimal.Decimal:
		return x.IsZero()
	}
	return false
}

func nullTest(f *Field, col frag, isNull bool) frag {
	if !isNull {
		return sqlf("? IS NOT NULL", col)
	}
	return sqlf("? IS NULL", col)
}

func (s *selection) compareList(f *Field, col frag, list []any, neg bool) (frag, error) {
	vals := make([]any, 0, len(list))
	empty := false
	for _, x := range list {
		if isEmpty(x) {
			empty = true
			continue
		}
		v, err := s.operand(f, leaf{path: f.Name, op: "in", value: x})
		if err != nil {
			return frag{}, err
		}
		if v == nil {
			empty = true
			continue
		}
		vals = append(vals, v)
	}
	in := sqlFalse
	if len(vals) > 0 {
		in = sqlf("? = ANY(?)", col, typedList(f, vals))
	}
	switch {
	case !neg && empty:
		return sqlf("(? OR ? IS NULL)", in, col), nil
	case !neg:
		return in, nil
	case empty:
		return sqlf("(NOT (?) AND ? IS NOT NULL)", in, col), nil
	}
	return sqlf("((?) IS NOT TRUE)", in), nil
}

// typedList turns values into a Go slice pgx can send as an array.
func typedList(f *Field, vals []any) any {
	switch vals[0].(type) {
	case int64:
		out := make([]int64, len(vals))
		for i, v := range vals {
			out[i], _ = v.(int64)
		}
		return out
	case float64:
		out := make([]float64, len(vals))
		for i, v := range vals {
			out[i], _ = v.(float64)
		}
		return out
	}
	out := make([]string, len(vals))
	for i, v := range vals {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// operand reads the right side of a comparison as the field's type.
func (s *selection) operand(f *Field, l leaf) (any, error) {
	if f.Kind == DatetimeKind {
		if text, ok := l.value.(string); ok && len(text) == 10 && (l.op == "<=" || l.op == ">") {
			l.value = text + " 23:59:59.999999"
		}
	}
	if f.Kind == Selection || f.Kind == Char {
		if str, ok := textOf(l.value); ok {
			return str, nil
		}
		return fmt.Sprint(l.value), nil
	}
	free := *f
	free.Size, free.BigInt = 0, true
	if free.Digits >= 0 {
		free.Digits = -1
	}
	v, err := free.parse(l.value)
	if err != nil {
		return nil, ValueErrorf("Invalid value in domain term %s: %s expects %s", l, f.Name, f.Kind)
	}
	if d, ok := v.(decimal.Decimal); ok && f.Digits >= 0 {
		v = d.Round(int32(f.Digits))
	}
	return v, nil
}

func (s *selection) compareBool(col frag, l leaf) (frag, error) {
	want := func(v any) bool {
		switch x := v.(type) {
		case nil:
			return false
		case bool:
			return x
		case string:
			return x != "" && x != "False" && x != "false" && x != "0"
		}
		n, err := toInt(v)
		return err != nil || n != 0
	}
	yes, no := sqlf("? IS TRUE", col), sqlf("? IS NOT TRUE", col)
	switch l.op {
	case "=", "!=", "=?":
		if l.op == "=?" && isEmpty(l.value) {
			return sqlTrue, nil
		}
		if want(l.value) != (l.op == "!=") {
			return yes, nil
		}
		return no, nil
	case "in", "not in":
		list, ok := l.value.([]any)
		if !ok {
			return s.compareBool(col, leaf{op: map[string]string{"in": "=", "not in": "!="}[l.op], value: l.value})
		}
		t := slices.ContainsFunc(list, func(v any) bool { return want(v) })
		f := slices.ContainsFunc(list, func(v any) bool { return !want(v) })
		if l.op == "not in" {
			t, f = !t, !f
		}
		switch {
		case t && f:
			return sqlTrue, nil
		case t:
			return yes, nil
		case f:
			return no, nil
		}
		return sqlFalse, nil
	}
	return frag{}, ValueErrorf("Invalid leaf %s", l)
}

// compareRef compiles a leaf on a many2one itself.
func (s *selection) compareRef(f *Field, col frag, l leaf) (frag, error) {
	co := s.model.registry.models[f.Comodel]
	neg := isNegative(l.op)
	switch l.op {
	case "child_of", "parent_of":
		ids, err := s.hierarchy(co, l)
		if err != nil {
			return frag{}, err
		}
		return sqlf("? IN (?)", col, ids), nil
	case "any", "not any":
		d, err := ToDomain(l.value)
		if err != nil {
			return frag{}, err
		}
		return s.through(f, d, neg)
	case "=?":
		if isEmpty(l.value) {
			return sqlTrue, nil
		}
		l.op = "="
	}
	if r, ok := l.value.(Records); ok {
		l.value = r.IDs
		if l.op == "=" {
			l.op = "in"
		} else if l.op == "!=" {
			l.op = "not in"
		}
	}
	if _, ok := l.value.(string); ok {
		op := strings.TrimPrefix(l.op, "not ")
		if op == "!=" || op == "in" {
			op = "="
		}
		return s.named(f, col, op, l.value, neg)
	}
	if strings.Contains(l.op, "like") {
		return s.named(f, col, strings.TrimPrefix(l.op, "not "), l.value, neg)
	}
	if list, ok := l.value.([]any); ok && (l.op == "in" || l.op == "not in" || l.op == "=" || l.op == "!=") {
		_, names, empty, err := splitRefs(list)
		if err != nil {
			return frag{}, ValueErrorf("Invalid domain term %s", l)
		}
		if len(names) > 0 {
			var ds []frag
			for _, n := range names {
				c, err := s.named(f, col, "=", n, false)
				if err != nil {
					return frag{}, err
				}
				ds = append(ds, c)
			}
			rest := slices.DeleteFunc(slices.Clone(list), func(x any) bool { _, ok := x.(string); return ok })
			c, err := s.compareList(f, col, rest, false)
			if err != nil {
				return frag{}, err
			}
			all := join(append(ds, c), " OR ")
			if neg {
				return sqlf("(?) IS NOT TRUE", all), nil
			}
			return sqlf("(?)", all), nil
		}
		_ = empty
	}
	if _, ok := l.value.(bool); ok && l.value == true {
		return frag{}, ValueErrorf("Invalid domain term %s", l)
	}
	return s.compareScalar(f, col, l)
}

func (s *selection) named(f *Field, col frag, op string, value any, neg bool) (frag, error) {
	c, err := s.through(f, Leaf("display_name", op, value), false)
	if err != nil {
		return frag{}, err
	}
	if neg {
		return sqlf("(?) IS NOT TRUE", c), nil
	}
	return c, nil
}
