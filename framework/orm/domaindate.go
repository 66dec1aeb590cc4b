package orm

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
)

// Days and instants in conditions: a value is written as ISO 8601 says, or
// relative to now ("today -1w", "=monday +8H"). A bare day begins at midnight in
// the time zone of the context or, without one, of the user.

// moment is a day or an instant of a condition.
type moment struct {
	at  time.Time // of a day, its midnight in UTC
	day bool
}

// instant is when a moment begins.
func (m moment) instant(e *Env) time.Time {
	if !m.day {
		return m.at.UTC()
	}
	return time.Date(m.at.Year(), m.at.Month(), m.at.Day(), 0, 0, 0, 0, e.Location()).UTC()
}

// date is the day of a moment, that of an instant in UTC.
func (m moment) date() Date { return DateOf(m.at.UTC()) }

// moment reads the value of a condition on a day or an instant.
func (e *Env) moment(v any) (moment, error) {
	switch x := v.(type) {
	case Date:
		return moment{x.Time(), true}, nil
	case Datetime:
		return moment{x.Time(), false}, nil
	case time.Time:
		return moment{x.UTC(), false}, nil
	case string:
		m, err := isoMoment(x)
		if err != nil && !dated.MatchString(x) {
			m, err = e.relative(x)
		}
		return m, err
	}
	return moment{}, ValueErrorf("Failed to cast %s into a date", expr.Repr(v))
}

var (
	dated    = regexp.MustCompile(`^\d+-`)
	isoDay   = regexp.MustCompile(`^(\d{4})(?:-(\d{2})-(\d{2})|(\d{2})(\d{2}))$`)
	isoClock = regexp.MustCompile(`^(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?$`)
)

// isoMoment reads a day of up to ten characters, or an instant without time zone.
func isoMoment(text string) (moment, error) {
	bad := func() (moment, error) { return moment{}, ValueErrorf("Invalid isoformat string: %s", expr.Repr(text)) }
	day, clock := text, ""
	if len(text) > len(dateLayout) {
		cut := len(dateLayout)
		if !strings.Contains(text[:cut], "-") {
			cut -= 2
		}
		day, clock = text[:cut], text[cut+1:]
	}
	d := isoDay.FindStringSubmatch(day)
	c := isoClock.FindStringSubmatch(clock)
	if d == nil || len(text) > len(dateLayout) && c == nil {
		return bad()
	}
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	year, month, on := number(d[1]), number(d[2]+d[4]), number(d[3]+d[5])
	at := time.Date(year, time.Month(month), on, 0, 0, 0, 0, time.UTC)
	switch {
	case year < 1:
		return moment{}, ValueErrorf("year %d is out of range", year)
	case month < 1 || month > 12:
		return moment{}, ValueErrorf("month must be in 1..12")
	case at.Day() != on:
		return moment{}, ValueErrorf("day is out of range for month")
	case c == nil:
		return moment{at, true}, nil
	case c[5] != "":
		return moment{}, ValueErrorf("expecting only datetimes with no timezone: %s", expr.Repr(text))
	}
	hour, minute, second := number(c[1]), number(c[2]), number(c[3])
	if hour > 23 || minute > 59 || second > 59 {
		return bad()
	}
	fraction, _ := strconv.ParseFloat("0."+c[4]+"0", 64)
	return moment{at.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(fraction*1e9)), false}, nil
}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

var offset = regexp.MustCompile(`^([+-]|=)(\d+)([dwmyHMS])$`)

// relative reads "today" or "now", which may be left out, and what is added to
// it: "+3d", "-1m", "=1d" for the first day of the month, "=3H" for three o'clock,
// "=monday", "+friday", "=week_start".
func (e *Env) relative(text string) (moment, error) {
	terms := strings.Fields(text)
	if len(terms) == 0 {
		return moment{}, ValueErrorf("Empty date value")
	}
	m := moment{at: e.Now().In(e.Location())}
	if terms[0] == "today" {
		m = moment{e.Today().Time(), true}
	}
	if terms[0] == "today" || terms[0] == "now" {
		terms = terms[1:]
	}
	for _, term := range terms {
		var err error
		if m, err = e.shift(m, term, text); err != nil {
			return moment{}, err
		}
		if m.at.Year() < 1 || m.at.Year() > 9999 {
			return moment{}, ValueErrorf("Invalid term %s in expression date: %s", expr.Repr(term), expr.Repr(text))
		}
	}
	return m, nil
}

// shift applies one term of a relative date.
func (e *Env) shift(m moment, term, text string) (moment, error) {
	year, month, day := m.at.Date()
	midnight := time.Date(year, month, day, 0, 0, 0, 0, m.at.Location())
	if name := term[1:]; strings.Contains("+-=", term[:1]) && (name == "week_start" || slices.Contains(weekdays, name)) {
		first, err := e.WeekStart()
		if err != nil {
			return m, err
		}
		first-- // counted from Monday
		want := first
		if name != "week_start" {
			want = slices.Index(weekdays, name)
		}
		today := (int(m.at.Weekday()) + 6) % 7
		days := (want-first+7)%7 - (today-first+7)%7
		switch {
		case term[0] == '+' && days < 0:
			days += 7
		case term[0] == '-' && days > 0:
			days -= 7
		case term[0] == '=':
			m.at = midnight
		}
		m.at = m.at.AddDate(0, 0, days)
		return m, nil
	}
	bad := func() (moment, error) {
		return m, ValueErrorf("Invalid term %s in expression date: %s", expr.Repr(term), expr.Repr(text))
	}
	p := offset.FindStringSubmatch(term)
	if p == nil {
		return bad()
	}
	n, err := strconv.Atoi(p[2])
	if err != nil || n > 1_000_000 || m.day && strings.Contains("HMS", p[3]) {
		return bad()
	}
	if p[1] == "=" {
		return m.set(n, p[3], midnight, bad)
	}
	if p[1] == "-" {
		n = -n
	}
	switch p[3] {
	case "d":
		m.at = m.at.AddDate(0, 0, n)
	case "w":
		m.at = m.at.AddDate(0, 0, 7*n)
	case "m":
		m.at = addMonths(m.at, n)
	case "y":
		m.at = addMonths(m.at, 12*n)
	case "H":
		m.at = m.at.Add(time.Duration(n) * time.Hour)
	case "M":
		m.at = m.at.Add(time.Duration(n) * time.Minute)
	default:
		m.at = m.at.Add(time.Duration(n) * time.Second)
	}
	return m, nil
}

// set gives one part of a moment a value and takes what is smaller than a day, or
// than that part, away.
func (m moment) set(n int, unit string, midnight time.Time, bad func() (moment, error)) (moment, error) {
	year, month, day := m.at.Date()
	loc := m.at.Location()
	last := func(year int, month time.Month) int {
		return min(day, time.Date(year, month+1, 0, 0, 0, 0, 0, loc).Day())
	}
	most := map[string]int{"y": 9999, "m": 12, "d": 31, "H": 23, "M": 59, "S": 59}[unit]
	if n > most || n < 1 && strings.Contains("ymd", unit) {
		return bad()
	}
	switch unit {
	case "y":
		m.at = time.Date(n, month, last(n, month), 0, 0, 0, 0, loc)
	case "m":
		m.at = time.Date(year, time.Month(n), last(year, time.Month(n)), 0, 0, 0, 0, loc)
	case "d":
		day = n
		m.at = time.Date(year, month, last(year, month), 0, 0, 0, 0, loc)
	case "H":
		m.at = midnight.Add(time.Duration(n) * time.Hour)
	case "M":
		m.at = time.Date(year, month, day, m.at.Hour(), n, 0, 0, loc)
	case "S":
		m.at = time.Date(year, month, day, m.at.Hour(), m.at.Minute(), n, 0, loc)
	}
	return m, nil
}

// addMonths keeps the day of the month, or takes the last one there is.
func addMonths(t time.Time, n int) time.Time {
	year, month, day := t.Date()
	first := time.Date(year, month+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	return first.AddDate(0, 0, min(day, first.AddDate(0, 1, -1).Day())-1)
}

// compareMoment compiles an ordering of days or instants. Up to a day, or after
// it, means to its end.
func (s *selection) compareMoment(f *Field, col frag, l leaf) (frag, error) {
	if isEmpty(l.value) {
		return sqlFalse, nil
	}
	m, err := s.env.moment(l.value)
	if err != nil {
		return frag{}, err
	}
	if f.Kind == DateKind {
		return sqlf("? "+l.op+" ?", col, m.date()), nil
	}
	op, at := l.op, m.instant(s.env).Truncate(time.Second)
	if op == ">" || op == "<=" {
		if op = ">="; l.op == "<=" {
			op = "<"
		}
		if m.day {
			at = at.AddDate(0, 0, 1)
		} else {
			at = at.Add(time.Second)
		}
	}
	return sqlf("? "+op+" ?", col, DatetimeOf(at)), nil
}

// compareInstants compiles whether a datetime falls into one of some seconds.
func (s *selection) compareInstants(col frag, l leaf, neg bool, list []any) (frag, error) {
	null := false
	var parts []frag
	for _, v := range list {
		if isEmpty(v) {
			null = true
			continue
		}
		m, err := s.env.moment(v)
		if err != nil {
			return frag{}, err
		}
		at := m.instant(s.env).Truncate(time.Second)
		parts = append(parts, sqlf("(? >= ? AND ? < ?)", col, DatetimeOf(at), col, DatetimeOf(at.Add(time.Second))))
	}
	c := sqlFalse
	if len(parts) > 0 {
		c = sqlf("(?)", join(parts, " OR "))
	}
	switch {
	case !neg && null:
		return sqlf("(? OR ? IS NULL)", c, col), nil
	case !neg:
		return c, nil
	case null:
		return sqlf("(NOT ? AND ? IS NOT NULL)", c, col), nil
	}
	return sqlf("(? IS NOT TRUE)", c), nil
}

var dateParts = map[string]string{"year_number": "year", "quarter_number": "quarter", "month_number": "month", "iso_week_number": "week", "day_of_year": "doy", "day_of_month": "day", "day_of_week": "dow", "hour_number": "hour", "minute_number": "minute", "second_number": "second"}

// numberParts are the parts of a date, in the order they are told in.
var numberParts = []string{"year_number", "quarter_number", "month_number", "iso_week_number", "day_of_year", "day_of_month", "day_of_week", "hour_number", "minute_number", "second_number"}

// datePart compares a part of a date, in the time zone of the context.
func (s *selection) datePart(f *Field, part string, l leaf) (frag, error) {
	if dateParts[part] == "" {
		return frag{}, ValueErrorf("Error when processing the granularity %s is not supported. Only %s are supported", part, strings.Join(numberParts, ", "))
	}
	col, ok := s.column(s.alias, s.model, f)
	if !ok {
		return frag{}, s.notInSQL(f)
	}
	expr, err := s.env.datePart(f, part, col)
	if err != nil {
		return frag{}, err
	}
	number := Field{Name: l.path, Kind: Integer, Label: f.Label, Model: f.Model}
	switch l.op {
	case "=", "!=", "in", "not in":
		list, ok := listOf(l.value)
		if !ok {
			list = []any{l.value}
		}
		var vals []any
		null := false
		for _, v := range list {
			if isEmpty(v) {
				null = true
				continue
			}
			n, err := s.operand(&number, v, l)
			if err != nil {
				return frag{}, err
			}
			vals = append(vals, n)
		}
		return oneOf(expr, number.param("[]"), isNegative(l.op), vals, null, false), nil
	case "<", ">", "<=", ">=":
		v, err := s.operand(&number, l.value, l)
		if err != nil || v == nil {
			return sqlFalse, err
		}
		return sqlf("? "+l.op+" ?::bigint", expr, v), nil
	case "child_of", "parent_of", "any", "not any":
		return frag{}, ValueErrorf("Invalid operator in condition %s", l)
	}
	return s.matchText(sqlf("(?)::text", expr), expr, l)
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
		day, err := e.u.db.Registry.policy.WeekStart(e, e.Lang())
		if err != nil || day == 0 {
			return 7, err
		}
		return day, nil
	})
}
