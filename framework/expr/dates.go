package expr

import (
	"fmt"
	"strings"
	"time"

	"go.starlark.net/starlark"
)

// Date is a calendar day; the clock of T is not looked at.
type Date struct{ T time.Time }

// DateTime is a moment, to the second, in the zone of T.
type DateTime struct{ T time.Time }

// String gives YYYY-MM-DD, as on the wire.
func (d Date) String() string { return d.T.Format(time.DateOnly) }

// String gives YYYY-MM-DD HH:MM:SS, as on the wire. The zone is not converted.
func (d DateTime) String() string { return d.T.Format(time.DateTime) }

// Delta is a span of time as timedelta and relativedelta write it. Set fields
// replace a part of a date, the others are added to it; replacing goes first.
type Delta struct {
	Years, Months, Days           int
	Seconds                       int
	Year, Month, Day              int // to set, 0 leaves them
	SetHour, SetMinute, SetSecond bool
	HourTo, MinuteTo, SecondTo    int
	HasWeekday                    bool
	Weekday                       int // 0 is Monday: move on to the next such day
}

func (d Delta) String() string {
	return fmt.Sprintf("delta(years=%d, months=%d, days=%d, seconds=%d)", d.Years, d.Months, d.Days, d.Seconds)
}

func (d Delta) scale(n int) Delta {
	d.Years, d.Months, d.Days, d.Seconds = d.Years*n, d.Months*n, d.Days*n, d.Seconds*n
	return d
}

func (d Delta) plus(o Delta) Delta {
	out := o
	out.Years, out.Months, out.Days, out.Seconds = d.Years+o.Years, d.Months+o.Months, d.Days+o.Days, d.Seconds+o.Seconds
	return out
}

// addTo applies the delta. A day past the end of its month becomes its last.
func (d Delta) addTo(t time.Time) (time.Time, error) {
	const bound = 4_000_000 // days: beyond any date PostgreSQL or Go could print
	for _, n := range []int{d.Years * 366, d.Months * 31, d.Days, d.Seconds / 86400} {
		if n > bound || n < -bound {
			return t, fmt.Errorf("date is out of range")
		}
	}
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	set := func(to int, v *int) {
		if to != 0 {
			*v = to
		}
	}
	set(d.Year, &year)
	m := int(month)
	set(d.Month, &m)
	set(d.Day, &day)
	if d.SetHour {
		hour = d.HourTo
	}
	if d.SetMinute {
		minute = d.MinuteTo
	}
	if d.SetSecond {
		second = d.SecondTo
	}
	first := time.Date(year+d.Years, time.Month(m+d.Months), 1, hour, minute, second, 0, t.Location())
	last := first.AddDate(0, 1, -1).Day()
	out := first.AddDate(0, 0, min(day, last)-1).AddDate(0, 0, d.Days).Add(time.Duration(d.Seconds) * time.Second)
	if d.HasWeekday {
		out = out.AddDate(0, 0, (d.Weekday-weekday(out)+7)%7)
	}
	if out.Year() < 1 || out.Year() > 9999 {
		return t, fmt.Errorf("date is out of range")
	}
	return out, nil
}

func weekday(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }

// Attr gives the attributes and methods of a Python date.
func (d Date) Attr(name string) (any, bool, error) { return timeAttr(d.T, name, false) }

// AttrNames lists the attributes of Attr.
func (d Date) AttrNames() []string {
	return []string{"year", "month", "day", "strftime", "isoformat", "weekday", "isoweekday", "replace"}
}

// Attr gives the attributes and methods of a Python datetime.
func (d DateTime) Attr(name string) (any, bool, error) { return timeAttr(d.T, name, true) }

// AttrNames lists the attributes of Attr.
func (d DateTime) AttrNames() []string {
	return append(Date{}.AttrNames(), "hour", "minute", "second", "date", "to_utc", "timestamp")
}

// Attr gives days and seconds, as of a Python timedelta.
func (d Delta) Attr(name string) (any, bool, error) {
	switch name {
	case "days":
		return int64(d.Days), true, nil
	case "seconds":
		return int64(d.Seconds), true, nil
	case "months":
		return int64(d.Months), true, nil
	case "years":
		return int64(d.Years), true, nil
	}
	return nil, false, nil
}

// AttrNames lists the attributes of Attr.
func (d Delta) AttrNames() []string { return []string{"days", "seconds", "months", "years"} }

func timeAttr(t time.Time, name string, clock bool) (any, bool, error) {
	same := func(t time.Time) any {
		if clock {
			return DateTime{t}
		}
		return Date{t}
	}
	num := func(n int) (any, bool, error) { return int64(n), true, nil }
	fn := func(f func(args []any, kw map[string]any) (any, error)) (any, bool, error) { return Func(f), true, nil }
	switch name {
	case "year":
		return num(t.Year())
	case "month":
		return num(int(t.Month()))
	case "day":
		return num(t.Day())
	case "weekday":
		return fn(func([]any, map[string]any) (any, error) { return int64(weekday(t)), nil })
	case "isoweekday":
		return fn(func([]any, map[string]any) (any, error) { return int64(weekday(t) + 1), nil })
	case "isoformat":
		return fn(func([]any, map[string]any) (any, error) {
			if clock {
				return t.Format("2006-01-02T15:04:05"), nil
			}
			return t.Format(time.DateOnly), nil
		})
	case "strftime":
		return fn(func(args []any, _ map[string]any) (any, error) { return strftimeArg(t, args) })
	case "replace":
		return fn(func(_ []any, kw map[string]any) (any, error) {
			d, err := deltaFrom(kw)
			if err != nil {
				return nil, err
			}
			out, err := d.addTo(t)
			return same(out), err
		})
	}
	if !clock {
		return nil, false, nil
	}
	switch name {
	case "hour":
		return num(t.Hour())
	case "minute":
		return num(t.Minute())
	case "second":
		return num(t.Second())
	case "date":
		return fn(func([]any, map[string]any) (any, error) { return Date{t}, nil })
	case "to_utc":
		return fn(func([]any, map[string]any) (any, error) { return DateTime{t.UTC()}, nil })
	case "timestamp":
		return fn(func([]any, map[string]any) (any, error) { return float64(t.Unix()), nil })
	}
	return nil, false, nil
}

func strftimeArg(t time.Time, args []any) (any, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("strftime: one format expected")
	}
	format, ok := args[0].(string)
	if !ok || len(format) > 200 {
		return nil, fmt.Errorf("strftime: the format must be a short text")
	}
	return strftime(t, format)
}

func strftime(t time.Time, format string) (string, error) {
	layouts := map[byte]string{'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05",
		'p': "PM", 'B': "January", 'b': "Jan", 'A': "Monday", 'a': "Mon", 'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05"}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		if i++; i == len(format) {
			return "", fmt.Errorf("strftime: the format ends with a lone %%")
		}
		switch c := format[i]; {
		case layouts[c] != "":
			b.WriteString(t.Format(layouts[c]))
		case c == '%':
			b.WriteByte('%')
		case c == 'j':
			fmt.Fprintf(&b, "%03d", t.YearDay())
		case c == 'w':
			fmt.Fprintf(&b, "%d", int(t.Weekday()))
		case c == 'f':
			fmt.Fprintf(&b, "%06d", t.Nanosecond()/1000)
		case c == 'V' || c == 'W':
			_, week := t.ISOWeek()
			fmt.Fprintf(&b, "%02d", week)
		default:
			return "", fmt.Errorf("strftime: %%%c is not supported", c)
		}
	}
	return b.String(), nil
}

// dateText orders two dates, or a date and its text on the wire.
func dateText(x, y starlark.Value) (int, bool) {
	xs, xd := dateString(x)
	ys, yd := dateString(y)
	if !xd && !yd || xs == "" || ys == "" {
		return 0, false
	}
	if xd && yd && len(xs) != len(ys) { // a date is the first moment of its day
		xs, ys = (xs + " 00:00:00")[:len(time.DateTime)], (ys + " 00:00:00")[:len(time.DateTime)]
	}
	return strings.Compare(xs, ys), true
}

func dateString(v starlark.Value) (string, bool) {
	switch v := v.(type) {
	case starlark.String:
		return string(v), false
	case opaque:
		switch t := v.v.(type) {
		case Date:
			return t.String(), true
		case DateTime:
			return t.String(), true
		}
	}
	return "", false
}

// dateOp adds and subtracts dates and deltas; done says it was its business.
func dateOp(op string, x, y starlark.Value) (v starlark.Value, done bool, err error) {
	xo, xok := x.(opaque)
	yo, yok := y.(opaque)
	if !xok && !yok {
		return nil, false, nil
	}
	shift := func(d any, delta Delta) (starlark.Value, bool, error) {
		switch d := d.(type) {
		case Date:
			t, err := delta.addTo(d.T)
			return opaque{Date{t}}, true, err
		case DateTime:
			t, err := delta.addTo(d.T)
			return opaque{DateTime{t}}, true, err
		case Delta:
			return opaque{d.plus(delta)}, true, nil
		}
		return nil, false, nil
	}
	dx, xdelta := xo.v.(Delta)
	dy, ydelta := yo.v.(Delta)
	switch {
	case op == "+" && ydelta && xok:
		return shift(xo.v, dy)
	case op == "+" && xdelta && yok:
		return shift(yo.v, dx)
	case op == "-" && ydelta && xok:
		return shift(xo.v, dy.scale(-1))
	case op == "*" && xdelta:
		if n, ok := y.(starlark.Int); ok {
			if i, ok := n.Int64(); ok && i > -1e6 && i < 1e6 {
				return opaque{dx.scale(int(i))}, true, nil
			}
		}
	case op == "-" && xok && yok:
		a, aok := instant(xo.v)
		b, bok := instant(yo.v)
		if aok && bok {
			secs := int(a.Sub(b) / time.Second)
			days := secs / 86400
			if secs%86400 < 0 {
				days--
			}
			return opaque{Delta{Days: days, Seconds: secs - days*86400}}, true, nil
		}
	}
	return nil, true, fmt.Errorf("unsupported operation: %s %s %s", x.Type(), op, y.Type())
}

func instant(v any) (time.Time, bool) {
	switch v := v.(type) {
	case Date:
		y, m, d := v.T.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC), true
	case DateTime:
		return v.T, true
	}
	return time.Time{}, false
}
