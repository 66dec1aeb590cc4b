package expr

import (
	"fmt"
	"time"
)

// class is a Python class: called it makes a value, and it has attributes.
type class struct {
	call  Func
	attrs map[string]any
}

func (c class) Call(args []any, kwargs map[string]any) (any, error) { return c.call(args, kwargs) }
func (c class) AttrNames() []string                                 { return keys(c.attrs) }
func (c class) Attr(name string) (any, bool, error) {
	v, ok := c.attrs[name]
	return v, ok, nil
}

// TimeVars gives the names about time that Odoo hands to expressions, for a
// user whose clock shows now: context_today, current_date, today, now,
// datetime, time, relativedelta, timedelta. Merge it into the variables. now
// carries the user's zone; datetime.utcnow and `now` are in UTC, as stored.
func TimeVars(now time.Time) map[string]any {
	today := Date{now}
	give := func(v any) Func { return func([]any, map[string]any) (any, error) { return v, nil } }
	delta := Func(func(args []any, kw map[string]any) (any, error) {
		if len(args) > 1 {
			return nil, fmt.Errorf("a delta takes named arguments such as days=1")
		}
		if len(args) == 1 {
			kw["days"] = args[0]
		}
		return deltaFrom(kw)
	})
	makeDate := func(clock bool) Func {
		return func(args []any, kw map[string]any) (any, error) {
			t, err := dateFrom(args, kw, now.Location(), clock)
			if err != nil {
				return nil, err
			}
			if clock {
				return DateTime{t}, nil
			}
			return Date{t}, nil
		}
	}
	combine := Func(func(args []any, _ map[string]any) (any, error) {
		d, ok := Date{}, false
		if len(args) == 2 {
			d, ok = args[0].(Date)
		}
		clock, ok2 := Delta{}, false
		if ok {
			clock, ok2 = args[1].(Delta)
		}
		if !ok || !ok2 {
			return nil, fmt.Errorf("combine: a date and a time expected")
		}
		y, m, day := d.T.Date()
		return DateTime{time.Date(y, m, day, clock.HourTo, clock.MinuteTo, clock.SecondTo, 0, d.T.Location())}, nil
	})
	clock := Func(func(args []any, _ map[string]any) (any, error) {
		d := Delta{SetHour: true, SetMinute: true, SetSecond: true}
		for i, to := range []*int{&d.HourTo, &d.MinuteTo, &d.SecondTo} {
			if i < len(args) {
				n, err := smallInt("time", args[i])
				if err != nil {
					return nil, err
				}
				*to = n
			}
		}
		return d, nil
	})
	date := class{makeDate(false), map[string]any{"today": give(today)}}
	datetimeClass := class{makeDate(true), map[string]any{
		"now": give(DateTime{now}), "today": give(DateTime{now}), "utcnow": give(DateTime{now.UTC()}), "combine": combine,
	}}
	relative := class{delta, map[string]any{}}
	return map[string]any{
		"context_today": give(today),
		"current_date":  today.String(),
		"today":         today.String(),
		"now":           DateTime{now.UTC()}.String(),
		"relativedelta": relative,
		"timedelta":     delta,
		"dateutil":      map[string]any{"relativedelta": map[string]any{"relativedelta": relative}},
		// `datetime` is the module in data files and the class in some others.
		"datetime": class{makeDate(true), map[string]any{
			"datetime": datetimeClass, "date": date, "timedelta": delta, "time": clock,
			"now": give(DateTime{now}), "today": give(DateTime{now}), "utcnow": give(DateTime{now.UTC()}), "combine": combine,
		}},
		"time": map[string]any{
			"strftime": Func(func(args []any, _ map[string]any) (any, error) { return strftimeArg(now, args) }),
			"time":     give(float64(now.Unix())),
		},
	}
}

func smallInt(what string, v any) (int, error) {
	switch v := v.(type) {
	case int64:
		if v > -1e9 && v < 1e9 {
			return int(v), nil
		}
	case float64:
		if v > -1e9 && v < 1e9 && v == float64(int(v)) {
			return int(v), nil
		}
	}
	return 0, fmt.Errorf("%s must be a whole number of moderate size", what)
}

// deltaFrom makes a Delta of the arguments of timedelta or relativedelta.
func deltaFrom(kw map[string]any) (Delta, error) {
	var d Delta
	known := []string{"years", "months", "weeks", "days", "hours", "minutes", "seconds", "microseconds",
		"year", "month", "day", "hour", "minute", "second", "microsecond", "weekday"}
	for _, k := range keys(kw) {
		n, err := smallInt(k, kw[k])
		if err != nil {
			return d, err
		}
		switch k {
		case "years":
			d.Years += n
		case "months":
			d.Months += n
		case "weeks":
			d.Days += 7 * n
		case "days":
			d.Days += n
		case "hours":
			d.Seconds += 3600 * n
		case "minutes":
			d.Seconds += 60 * n
		case "seconds":
			d.Seconds += n
		case "microseconds", "microsecond": // below the second nothing is stored
		case "year":
			d.Year = n
		case "month":
			d.Month = n
		case "day":
			d.Day = n
		case "hour":
			d.HourTo, d.SetHour = n, true
		case "minute":
			d.MinuteTo, d.SetMinute = n, true
		case "second":
			d.SecondTo, d.SetSecond = n, true
		case "weekday":
			d.Weekday, d.HasWeekday = ((n%7)+7)%7, true
		default:
			return d, &nameError{fmt.Sprintf("unknown argument %q", k), Suggest(k, known)}
		}
	}
	return d, nil
}

func dateFrom(args []any, kw map[string]any, loc *time.Location, clock bool) (time.Time, error) {
	part := map[string]int{"year": 0, "month": 0, "day": 0, "hour": 0, "minute": 0, "second": 0}
	order := []string{"year", "month", "day", "hour", "minute", "second"}
	if !clock {
		order = order[:3]
	}
	if len(args) > len(order) {
		return time.Time{}, fmt.Errorf("too many parts of a date")
	}
	for i, a := range args {
		n, err := smallInt(order[i], a)
		if err != nil {
			return time.Time{}, err
		}
		part[order[i]] = n
	}
	for _, k := range keys(kw) {
		if _, ok := part[k]; !ok {
			return time.Time{}, fmt.Errorf("unknown argument %q", k)
		}
		n, err := smallInt(k, kw[k])
		if err != nil {
			return time.Time{}, err
		}
		part[k] = n
	}
	t := time.Date(part["year"], time.Month(part["month"]), part["day"], part["hour"], part["minute"], part["second"], 0, loc)
	if part["year"] < 1 || part["year"] > 9999 || int(t.Month()) != part["month"] || t.Day() != part["day"] || t.Hour() != part["hour"] {
		return time.Time{}, fmt.Errorf("there is no such date")
	}
	return t, nil
}

// commands is Odoo's Command: the tuples that change an x2many field.
type commands struct{}

func (commands) AttrNames() []string {
	return []string{"create", "update", "delete", "unlink", "link", "clear", "set"}
}

// Attr gives a function that makes the command of that name.
func (commands) Attr(name string) (any, bool, error) {
	make3 := func(want int, build func(args []any) []any) (any, bool, error) {
		return Func(func(args []any, kw map[string]any) (any, error) {
			if len(args) != want || len(kw) > 0 {
				return nil, fmt.Errorf("method %s of Command: %d argument(s) expected, not %d", name, want, len(args)+len(kw))
			}
			return build(args), nil
		}), true, nil
	}
	zero := int64(0)
	switch name {
	case "create":
		return make3(1, func(a []any) []any { return []any{zero, zero, a[0]} })
	case "update":
		return make3(2, func(a []any) []any { return []any{int64(1), a[0], a[1]} })
	case "delete":
		return make3(1, func(a []any) []any { return []any{int64(2), a[0], zero} })
	case "unlink":
		return make3(1, func(a []any) []any { return []any{int64(3), a[0], zero} })
	case "link":
		return make3(1, func(a []any) []any { return []any{int64(4), a[0], zero} })
	case "clear":
		return make3(0, func([]any) []any { return []any{int64(5), zero, zero} })
	case "set":
		return make3(1, func(a []any) []any { return []any{int64(6), zero, a[0]} })
	}
	return nil, false, nil
}
