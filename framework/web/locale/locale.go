// Package locale writes and reads dates, numbers and amounts as the language and the
// time zone of a user do. It knows no database.
package locale

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/convert"

	"github.com/shopspring/decimal"
)

// Locale is how the user writes dates and numbers.
type Locale struct {
	Code       string
	Dir        string
	DateLayout string // layouts of package time
	TimeLayout string
	Decimal    string
	Thousands  string
	Grouping   []int
	Zone       *time.Location
	Currencies map[int64]Currency
}

// Currency is how a currency writes amounts.
type Currency struct {
	Symbol string
	Before bool
	Places int32
}

// Default is how English (US) writes, in UTC.
func Default() *Locale {
	return &Locale{Code: orm.DefaultLang, Dir: "ltr", DateLayout: "01/02/2006", TimeLayout: "15:04", Decimal: ".", Thousands: ",", Grouping: []int{3, 0}, Zone: time.UTC, Currencies: map[int64]Currency{}}
}

// Layout turns a strftime format into a layout of package time.
func Layout(format string) string {
	return strings.NewReplacer("%d", "02", "%-d", "2", "%m", "01", "%-m", "1", "%Y", "2006", "%y", "06", "%b", "Jan", "%B", "January",
		"%a", "Mon", "%A", "Monday", "%H", "15", "%I", "03", "%M", "04", "%S", "05", "%p", "PM").Replace(format)
}

// Day writes a date.
func (l *Locale) Day(d orm.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.Time().Format(l.DateLayout)
}

// Moment writes a time, in the user's zone.
func (l *Locale) Moment(d orm.Datetime) string {
	if d.IsZero() {
		return ""
	}
	return d.Time().In(l.Zone).Format(l.DateLayout + " " + l.TimeLayout)
}

// Number writes a decimal text with the user's separators.
func (l *Locale) Number(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, frac, has := strings.Cut(text, ".")
	whole = l.group(whole)
	if has {
		whole += l.Decimal + frac
	}
	if strings.Trim(text, "0.") == "" {
		sign = "" // no minus before nothing
	}
	return sign + whole
}

// group puts the thousands separator where the language wants it: sizes from
// the right, 0 repeats the last one, a negative size ends the grouping.
func (l *Locale) group(digits string) string {
	if l.Thousands == "" || len(l.Grouping) == 0 {
		return digits
	}
	var parts []string
	size := 0
	for i := 0; digits != ""; i++ {
		if i < len(l.Grouping) && l.Grouping[i] != 0 {
			size = l.Grouping[i]
		}
		if size <= 0 || len(digits) <= size {
			break
		}
		parts = append([]string{digits[len(digits)-size:]}, parts...)
		digits = digits[:len(digits)-size]
	}
	return strings.Join(append([]string{digits}, parts...), l.Thousands)
}

// plain undoes number: the text a program reads.
func (l *Locale) plain(text string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "\u00a0", " ")), "")
	text = strings.ReplaceAll(text, "\u2212", "-")
	if l.Thousands != "" {
		text = strings.ReplaceAll(text, l.Thousands, "")
	}
	if l.Decimal != "" && l.Decimal != "." {
		text = strings.ReplaceAll(text, l.Decimal, ".")
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

// Digits writes the value of a number field as a plain decimal text.
func (l *Locale) Digits(f *orm.Field, v any, currency int64) string {
	switch x := v.(type) {
	case int64:
		return strconv.FormatInt(x, 10)
	case int:
		return strconv.Itoa(x)
	case float64:
		return l.Digits(f, decimal.NewFromFloat(x), currency)
	case json.Number:
		d, err := decimal.NewFromString(x.String())
		if err != nil {
			return x.String()
		}
		return l.Digits(f, d, currency)
	case decimal.Decimal:
		n := places(f)
		if m, ok := l.Currencies[currency]; ok && f.Kind == orm.Monetary {
			n = m.Places
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

// Text is a value as people read it; many2one names are not known here.
func (l *Locale) Text(f *orm.Field, v any, currency int64) string {
	switch x := v.(type) {
	case nil:
		switch f.Kind {
		case orm.Integer:
			return "0"
		case orm.Float, orm.Monetary:
			return l.Text(f, decimal.Zero, currency)
		}
		return ""
	case bool:
		if x {
			return "Yes"
		}
		return "No"
	case orm.Date:
		return l.Day(x)
	case orm.Datetime:
		return l.Moment(x)
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
		return FileSize(int64(len(x)))
	case json.RawMessage:
		return string(x)
	}
	switch f.Kind {
	case orm.Integer, orm.Float:
		return l.Number(l.Digits(f, v, 0))
	case orm.Monetary:
		s := l.Number(l.Digits(f, v, currency))
		m, ok := l.Currencies[currency]
		switch {
		case !ok || m.Symbol == "":
			return s
		case m.Before:
			return m.Symbol + "\u00a0" + s
		}
		return s + "\u00a0" + m.Symbol
	}
	return fmt.Sprint(v)
}

// Raw is a value as an input of a form carries it.
func (l *Locale) Raw(f *orm.Field, v any, currency int64) string {
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
		return x.Time().In(l.Zone).Format("2006-01-02T15:04")
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
		s := l.Digits(f, v, currency)
		if l.Decimal != "." && l.Decimal != "" {
			s = strings.ReplaceAll(s, ".", l.Decimal)
		}
		return s
	}
	return fmt.Sprint(v)
}

// Parse reads what a form posted for a plain field into the form JSON-RPC
// takes; the error is for the user.
func (l *Locale) Parse(f *orm.Field, raw string) (any, error) {
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
			return nil, orm.UserErrorf("“%s” is not a whole number.", convert.Shorten(trimmed, 40))
		}
		return n, nil
	case orm.Float, orm.Monetary:
		if trimmed == "" {
			return int64(0), nil
		}
		d, err := decimal.NewFromString(l.plain(trimmed))
		if err != nil || strings.ContainsAny(trimmed, "eExX") {
			return nil, orm.UserErrorf("“%s” is not a number.", convert.Shorten(trimmed, 40))
		}
		return d, nil
	case orm.DateKind:
		if trimmed == "" {
			return false, nil
		}
		d, err := l.ParseDay(trimmed)
		if err != nil {
			return nil, err
		}
		return d.String(), nil
	case orm.DatetimeKind:
		if trimmed == "" {
			return false, nil
		}
		for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05", l.DateLayout + " " + l.TimeLayout} {
			if t, err := time.ParseInLocation(form, trimmed, l.Zone); err == nil {
				return orm.DatetimeOf(t).String(), nil
			}
		}
		d, err := l.ParseDay(trimmed)
		if err != nil {
			return nil, orm.UserErrorf("“%s” is not a date and time. Write it as %s.", convert.Shorten(trimmed, 40), time.Date(2026, 5, 31, 14, 30, 0, 0, time.UTC).Format(l.DateLayout+" "+l.TimeLayout))
		}
		y, m, day := d.Time().Date()
		return orm.DatetimeOf(time.Date(y, m, day, 0, 0, 0, 0, l.Zone)).String(), nil
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

// ParseDay reads a date as the user or a program writes it; the error is for the user.
func (l *Locale) ParseDay(text string) (orm.Date, error) {
	if d, err := orm.ParseDate(text); err == nil {
		return d, nil
	}
	t, err := time.Parse(l.DateLayout, text)
	if err != nil {
		return orm.Date{}, orm.UserErrorf("“%s” is not a date. Write it as %s.", convert.Shorten(text, 40), time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC).Format(l.DateLayout))
	}
	return orm.DateOf(t), nil
}

// FileSize writes a number of bytes.
func FileSize(n int64) string {
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
