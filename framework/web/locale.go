package web

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// locale is how the user writes dates and numbers.
type locale struct {
	code      string
	dir       string
	date      string // layouts of package time
	clock     string
	decimal   string
	thousands string
	grouping  []int
	zone      *time.Location
	money     map[int64]money
}

// money is how a currency writes amounts.
type money struct {
	symbol string
	before bool
	places int32
}

func plainLocale() *locale {
	return &locale{code: orm.DefaultLang, dir: "ltr", date: "01/02/2006", clock: "15:04", decimal: ".", thousands: ",", grouping: []int{3, 0}, zone: time.UTC, money: map[int64]money{}}
}

// layout turns a strftime format into a layout of package time.
func layout(format string) string {
	return strings.NewReplacer("%d", "02", "%-d", "2", "%m", "01", "%-m", "1", "%Y", "2006", "%y", "06", "%b", "Jan", "%B", "January",
		"%a", "Mon", "%A", "Monday", "%H", "15", "%I", "03", "%M", "04", "%S", "05", "%p", "PM").Replace(format)
}

func (l *locale) day(d orm.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.Time().Format(l.date)
}

func (l *locale) moment(d orm.Datetime) string {
	if d.IsZero() {
		return ""
	}
	return d.Time().In(l.zone).Format(l.date + " " + l.clock)
}

// number writes a decimal text with the user's separators.
func (l *locale) number(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, frac, has := strings.Cut(text, ".")
	whole = l.group(whole)
	if has {
		whole += l.decimal + frac
	}
	if strings.Trim(text, "0.") == "" {
		sign = "" // no minus before nothing
	}
	return sign + whole
}

// group puts the thousands separator where the language wants it: sizes from
// the right, 0 repeats the last one, a negative size ends the grouping.
func (l *locale) group(digits string) string {
	if l.thousands == "" || len(l.grouping) == 0 {
		return digits
	}
	var parts []string
	size := 0
	for i := 0; digits != ""; i++ {
		if i < len(l.grouping) && l.grouping[i] != 0 {
			size = l.grouping[i]
		}
		if size <= 0 || len(digits) <= size {
			break
		}
		parts = append([]string{digits[len(digits)-size:]}, parts...)
		digits = digits[:len(digits)-size]
	}
	return strings.Join(append([]string{digits}, parts...), l.thousands)
}

// plain undoes number: the text a program reads.
func (l *locale) plain(text string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "\u00a0", " ")), "")
	text = strings.ReplaceAll(text, "\u2212", "-")
	if l.thousands != "" {
		text = strings.ReplaceAll(text, l.thousands, "")
	}
	if l.decimal != "" && l.decimal != "." {
		text = strings.ReplaceAll(text, l.decimal, ".")
	}
	return text
}

// places is how many decimals a number field shows at most.
func places(f *orm.Field) int32 {
	switch {
	case f.Digits >= 0:
		return int32(f.Digits)
	case f.MinDigits > 0:
		return 6
	}
	return 2
}

// digits writes the value of a number field as a plain decimal text.
func (l *locale) digits(f *orm.Field, v any, currency int64) string {
	switch x := v.(type) {
	case int64:
		return strconv.FormatInt(x, 10)
	case int:
		return strconv.Itoa(x)
	case float64:
		return l.digits(f, decimal.NewFromFloat(x), currency)
	case json.Number:
		d, err := decimal.NewFromString(x.String())
		if err != nil {
			return x.String()
		}
		return l.digits(f, d, currency)
	case decimal.Decimal:
		n := places(f)
		if m, ok := l.money[currency]; ok && f.Kind == orm.Monetary {
			n = m.places
		}
		if f.Kind == orm.Integer {
			n = 0
		}
		return cutZeros(x.StringFixed(n))
	}
	return ""
}

// cutZeros leaves two decimals where those behind are noughts: prices kept
// with six decimals mostly have two.
func cutZeros(s string) string {
	dot := strings.IndexByte(s, '.')
	if dot < 0 || len(s) <= dot+3 {
		return s
	}
	return s[:dot+3] + strings.TrimRight(s[dot+3:], "0")
}

// text is a value as people read it; many2one names are not known here.
func (l *locale) text(f *orm.Field, v any, currency int64) string {
	switch x := v.(type) {
	case nil:
		switch f.Kind {
		case orm.Integer:
			return "0"
		case orm.Float, orm.Monetary:
			return l.text(f, decimal.Zero, currency)
		}
		return ""
	case bool:
		if x {
			return "Yes"
		}
		return "No"
	case orm.Date:
		return l.day(x)
	case orm.Datetime:
		return l.moment(x)
	case orm.Secret:
		return x.String()
	case string:
		switch f.Kind {
		case orm.Selection:
			return f.OptionLabel(x)
		case orm.SecretKind:
			return orm.Secret(x).String()
		}
		return x
	case []byte:
		return size(int64(len(x)))
	case json.RawMessage:
		return string(x)
	}
	switch f.Kind {
	case orm.Integer, orm.Float:
		return l.number(l.digits(f, v, 0))
	case orm.Monetary:
		s := l.number(l.digits(f, v, currency))
		m, ok := l.money[currency]
		switch {
		case !ok || m.symbol == "":
			return s
		case m.before:
			return m.symbol + "\u00a0" + s
		}
		return s + "\u00a0" + m.symbol
	}
	return fmt.Sprint(v)
}

// raw is a value as an input of a form carries it.
func (l *locale) raw(f *orm.Field, v any, currency int64) string {
	switch x := v.(type) {
	case nil:
		return ""
	case bool:
		if x {
			return "1"
		}
		return ""
	case orm.Date:
		return x.String()
	case orm.Datetime:
		if x.IsZero() {
			return ""
		}
		return x.Time().In(l.zone).Format("2006-01-02T15:04")
	case string:
		if f.Kind == orm.SecretKind {
			return ""
		}
		return x
	case []byte, orm.Secret:
		return ""
	case json.RawMessage:
		return string(x)
	}
	switch f.Kind {
	case orm.Integer, orm.Float, orm.Monetary:
		s := l.digits(f, v, currency)
		if l.decimal != "." && l.decimal != "" {
			s = strings.ReplaceAll(s, ".", l.decimal)
		}
		return s
	}
	return fmt.Sprint(v)
}

// parse reads what a form posted for a plain field into the form JSON-RPC
// takes; the error is for the user.
func (l *locale) parse(f *orm.Field, raw string) (any, error) {
	trimmed := strings.TrimSpace(raw)
	switch f.Kind {
	case orm.Boolean:
		return trimmed != "", nil
	case orm.Integer, orm.Many2oneRef:
		if trimmed == "" {
			return int64(0), nil
		}
		n, err := strconv.ParseInt(l.plain(trimmed), 10, 64)
		if err != nil {
			return nil, orm.UserErrorf("“%s” is not a whole number.", shorten(trimmed, 40))
		}
		return n, nil
	case orm.Float, orm.Monetary:
		if trimmed == "" {
			return int64(0), nil
		}
		d, err := decimal.NewFromString(l.plain(trimmed))
		if err != nil || strings.ContainsAny(trimmed, "eExX") {
			return nil, orm.UserErrorf("“%s” is not a number.", shorten(trimmed, 40))
		}
		return d, nil
	case orm.DateKind:
		if trimmed == "" {
			return false, nil
		}
		d, err := l.parseDay(trimmed)
		if err != nil {
			return nil, err
		}
		return d.String(), nil
	case orm.DatetimeKind:
		if trimmed == "" {
			return false, nil
		}
		for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05", l.date + " " + l.clock} {
			if t, err := time.ParseInLocation(form, trimmed, l.zone); err == nil {
				return orm.DatetimeOf(t).String(), nil
			}
		}
		d, err := l.parseDay(trimmed)
		if err != nil {
			return nil, orm.UserErrorf("“%s” is not a date and time. Write it as %s.", shorten(trimmed, 40), time.Date(2026, 5, 31, 14, 30, 0, 0, time.UTC).Format(l.date+" "+l.clock))
		}
		y, m, day := d.Time().Date()
		return orm.DatetimeOf(time.Date(y, m, day, 0, 0, 0, 0, l.zone)).String(), nil
	case orm.JSONKind:
		if trimmed == "" {
			return false, nil
		}
		if !json.Valid([]byte(trimmed)) {
			return nil, orm.UserErrorf("This is not valid JSON.")
		}
		return json.RawMessage(trimmed), nil
	case orm.Text, orm.HTML:
		if trimmed == "" {
			return false, nil
		}
		return strings.ReplaceAll(raw, "\r\n", "\n"), nil
	}
	if trimmed == "" {
		return false, nil
	}
	return trimmed, nil
}

func (l *locale) parseDay(text string) (orm.Date, error) {
	if d, err := orm.ParseDate(text); err == nil {
		return d, nil
	}
	t, err := time.Parse(l.date, text)
	if err != nil {
		return orm.Date{}, orm.UserErrorf("“%s” is not a date. Write it as %s.", shorten(text, 40), time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC).Format(l.date))
	}
	return orm.DateOf(t), nil
}

func size(n int64) string {
	v, units := float64(n), []string{"B", "kB", "MB", "GB"}
	i := 0
	for ; v >= 1000 && i < len(units)-1; i++ {
		v /= 1000
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
