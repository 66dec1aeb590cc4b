package wcapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Amount is a decimal the store may leave open: a price, a stock level, a
// limit. The zero value is "not set", which is something else than zero: a
// product with price "" is not for sale, one with price "0" is free.
//
// It reads JSON strings and numbers alike, exactly as written (never through a
// float); "" and null read as not set. It writes a string, "" when not set.
type Amount struct {
	Decimal decimal.Decimal
	Set     bool
}

// NewAmount returns an Amount that is set to d.
func NewAmount(d decimal.Decimal) Amount { return Amount{Decimal: d, Set: true} }

// ParseAmount reads a decimal as WooCommerce writes it; "" is not set.
func ParseAmount(s string) (Amount, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Amount{}, nil
	}
	d, err := decimal.NewFromString(s)
	if err != nil || !sane(d) {
		return Amount{}, fmt.Errorf("%q is not a decimal number", clip(s, 40))
	}
	return NewAmount(d), nil
}

// sane refuses what is no amount but a way to fill the memory, such as 1e999999.
func sane(d decimal.Decimal) bool {
	return d.Exponent() <= 20 && d.Exponent() >= -60 && d.NumDigits() <= 60
}

// Number is a decimal that is always there: a quantity, a percentage. It reads
// what [Amount] reads; nothing is zero.
type Number struct{ decimal.Decimal }

// UnmarshalJSON reads a number, a string or null, exactly as written.
func (n *Number) UnmarshalJSON(b []byte) error {
	var a Amount
	err := a.UnmarshalJSON(b)
	n.Decimal = a.Decimal
	return err
}

// Or returns the decimal, or fallback when none is set.
func (a Amount) Or(fallback decimal.Decimal) decimal.Decimal {
	if a.Set {
		return a.Decimal
	}
	return fallback
}

// Equal reports whether both are unset, or both set to the same value.
func (a Amount) Equal(b Amount) bool {
	return a.Set == b.Set && (!a.Set || a.Decimal.Equal(b.Decimal))
}

// String is the plain decimal notation, "" when not set.
func (a Amount) String() string {
	if !a.Set {
		return ""
	}
	return a.Decimal.String()
}

// MarshalJSON writes the decimal as a string.
func (a Amount) MarshalJSON() ([]byte, error) { return json.Marshal(a.String()) }

// UnmarshalJSON reads a string, a number, or nothing.
func (a *Amount) UnmarshalJSON(b []byte) error {
	s, err := scalarText(b)
	if err != nil {
		return err
	}
	*a, err = ParseAmount(s)
	return err
}

// ID is an identifier of the store. Extensions and older fields give it as a
// number, as digits in a string, as the object it stands for, or as nothing,
// which reads as 0.
type ID int64

// UnmarshalJSON reads a number, a string of digits, an object with an id, or nothing.
func (id *ID) UnmarshalJSON(b []byte) error {
	list, isObject := members(b)
	for _, e := range list {
		if isScalar(e.raw) && (isObject && (e.key == "id" || e.key == "ID" || e.key == "term_id") || !isObject && len(list) == 1) {
			b = e.raw
			break
		}
	}
	n, err := wholeNumber(b)
	*id = ID(n)
	return err
}

// Int is a count some versions and extensions write as a string.
type Int int64

// UnmarshalJSON reads a number, a string of digits, "", null or false.
func (i *Int) UnmarshalJSON(b []byte) error {
	n, err := wholeNumber(b)
	*i = Int(n)
	return err
}

// Flag is a boolean that extensions also write as "yes"/"no", 1/0 or "".
type Flag bool

// UnmarshalJSON reads true/false, "yes"/"no", "1"/"0", 1/0, "" and null.
func (f *Flag) UnmarshalJSON(b []byte) error {
	s, err := scalarText(b)
	if err != nil {
		return err
	}
	switch strings.ToLower(s) {
	case "true", "yes", "on", "y", "t":
		*f = true
	case "", "false", "null", "no", "off", "n", "f":
		*f = false
	default:
		d, err := decimal.NewFromString(s)
		if err != nil || !sane(d) {
			return fmt.Errorf("%q is neither true nor false", clip(s, 40))
		}
		*f = Flag(!d.IsZero())
	}
	return nil
}

// timeLayout is how the API writes an instant: no zone, no fraction.
const timeLayout = "2006-01-02T15:04:05"

// Time is an instant from a *_gmt field (the local twins repeat an hour when
// summer time ends and are not read). The zero value is null.
type Time struct{ time.Time }

// At returns t in UTC, cut to the second the API keeps.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Second)} }

// MarshalJSON writes UTC digits without zone, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.UTC().Format(timeLayout))
}

// UnmarshalJSON reads UTC digits without zone, an RFC 3339 time, seconds since
// 1970, a date as PHP writes the object of one, or nothing.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	zone := time.UTC
	list, _ := members(b)
	for _, e := range list {
		switch e.key {
		case "date":
			b = e.raw
		case "timezone":
			if name, _ := scalarText(e.raw); name != "" {
				zone = zoneOf(name)
			}
		}
	}
	s, err := scalarText(b)
	if err != nil {
		return err
	}
	if s == "" || s == "false" || strings.HasPrefix(s, "0000-00-00") || strings.HasPrefix(s, "-0001-11-30") {
		return nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n > 0 {
			t.Time = time.Unix(n, 0).UTC()
		}
		return nil
	}
	for _, layout := range []string{timeLayout, time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05-07:00", time.DateOnly} {
		if p, err := time.ParseInLocation(layout, s, zone); err == nil {
			t.Time = p.UTC()
			return nil
		}
	}
	return fmt.Errorf("%q is not a date of the WooCommerce API", clip(s, 40))
}

// zoneOf is the time zone of a name or offset as PHP writes it, UTC for unknown ones.
func zoneOf(name string) *time.Location {
	if p, err := time.Parse("-07:00", name); err == nil {
		return p.Location()
	}
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}

// StockMode says whose stock a product or variation counts.
type StockMode string

// The three answers of manage_stock.
const (
	StockUnmanaged StockMode = "false"
	StockManaged   StockMode = "true"
	// StockOfParent is a variation's: its quantity is the parent's, and is
	// changed through the parent.
	StockOfParent StockMode = "parent"
)

// MarshalJSON writes true, false or "parent".
func (m StockMode) MarshalJSON() ([]byte, error) {
	switch m {
	case StockManaged:
		return []byte("true"), nil
	case StockOfParent:
		return []byte(`"parent"`), nil
	}
	return []byte("false"), nil
}

// UnmarshalJSON reads true, false, "parent" and what [Flag] reads.
func (m *StockMode) UnmarshalJSON(b []byte) error {
	if s, err := scalarText(b); err == nil && s == string(StockOfParent) {
		*m = StockOfParent
		return nil
	}
	var f Flag
	if err := f.UnmarshalJSON(b); err != nil {
		return err
	}
	*m = StockUnmanaged
	if f {
		*m = StockManaged
	}
	return nil
}

// Unescape turns the entities WooCommerce leaves in names ("&amp;", "&#8211;")
// into the characters they stand for. Call it once, when showing or comparing.
func Unescape(s string) string { return html.UnescapeString(s) }

// scalarText is the text of a JSON string, number or boolean, without spaces
// around; "" for nothing, however it is written.
func scalarText(b []byte) (string, error) {
	b = bytes.TrimSpace(b)
	switch {
	case isNothing(b):
		return "", nil
	case b[0] == '"':
		return strings.TrimSpace(clean(unquote(b))), nil
	case b[0] == '{' || b[0] == '[':
		return "", fmt.Errorf("a single value was expected, not %s", clip(string(b), 40))
	}
	return string(b), nil
}

func wholeNumber(b []byte) (int64, error) {
	s, err := scalarText(b)
	if err != nil || s == "" || s == "false" || s == "null" {
		return 0, err
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	// A float that happens to be whole, such as 12.0 or 1.2e1.
	if d, err := decimal.NewFromString(s); err == nil && sane(d) && d.IsInteger() && d.BigInt().IsInt64() {
		return d.IntPart(), nil
	}
	return 0, fmt.Errorf("%q is not a whole number", clip(s, 40))
}

// clip shortens foreign text to n runes for a message.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
