package base

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// Format writes dates and numbers as a language does, for documents and mails.
type Format struct{ lang *Lang }

type formatKey string

// FormatOf is the format of a language by its code, that of English (US) when
// the code is empty or unknown.
func FormatOf(env *orm.Env, code string) (*Format, error) {
	return orm.Memo(env, formatKey(code), func() (*Format, error) {
		all := env.Sudo().WithContext(map[string]any{"active_test": false})
		for _, c := range []string{code, orm.DefaultLang} {
			l, err := orm.First[Lang](all, orm.Leaf("code", "=", c), "")
			if err != nil || l != nil {
				return &Format{l}, err
			}
		}
		return &Format{&Lang{DateFormat: "%m/%d/%Y", Grouping: "[3,0]", DecimalPoint: ".", ThousandsSep: ","}}, nil
	})
}

// Day is a date, "" when it is empty.
func (f *Format) Day(d orm.Date) string {
	if d.IsZero() {
		return ""
	}
	t := d.Time()
	var b strings.Builder
	percent, bare := false, false
	for _, c := range f.lang.DateFormat {
		switch {
		case !percent && c == '%':
			percent, bare = true, false
			continue
		case !percent:
			b.WriteRune(c)
			continue
		case c == '-': // without a zero in front, as %-d
			bare = true
			continue
		}
		percent = false
		layout, known := map[rune]string{'d': "02", 'm': "01", 'Y': "2006", 'y': "06", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'e': "2"}[c]
		text := string(c)
		if known {
			text = t.Format(layout)
		}
		if bare {
			text = strings.TrimPrefix(text, "0")
		}
		b.WriteString(text)
	}
	return b.String()
}

// Number is a number with as many decimals as given.
func (f *Format) Number(d decimal.Decimal, places int32) string {
	sign := ""
	if d.Round(places).IsNegative() {
		sign = "-"
	}
	whole, fraction, _ := strings.Cut(d.Abs().StringFixed(places), ".")
	out := sign + f.group(whole)
	if fraction != "" {
		out += f.lang.DecimalPoint + fraction
	}
	return out
}

// Quantity is a number with the decimals it has, at most six.
func (f *Format) Quantity(d decimal.Decimal) string {
	d = d.Round(6)
	places := int32(0)
	for !d.Equal(d.Round(places)) {
		places++
	}
	return f.Number(d, places)
}

// Money is an amount with the sign and decimals of its currency.
func (f *Format) Money(d decimal.Decimal, c *Currency) string {
	n := f.Number(d, int32(places(c.Rounding)))
	if c.Position == SymbolBefore {
		return c.Symbol + "\u00a0" + n
	}
	return n + "\u00a0" + c.Symbol
}

// group puts separators between digits: "[3,0]" every three, "[3,2,0]" three,
// then every two.
func (f *Format) group(digits string) string {
	var sizes []int
	if err := json.Unmarshal([]byte(f.lang.Grouping), &sizes); err != nil || f.lang.ThousandsSep == "" {
		return digits
	}
	var parts []string
	size := 0
	for i := 0; ; i++ {
		if i < len(sizes) && sizes[i] != 0 {
			size = sizes[i]
		}
		if size <= 0 || len(digits) <= size || i < len(sizes) && sizes[i] < 0 {
			break
		}
		parts = append([]string{digits[len(digits)-size:]}, parts...)
		digits = digits[:len(digits)-size]
	}
	return strings.Join(append([]string{digits}, parts...), f.lang.ThousandsSep)
}

// AddressLines are the names and the address of a partner, as they stand on an
// envelope.
func AddressLines(env *orm.Env, partner int64) ([]string, error) {
	if partner == 0 {
		return nil, nil
	}
	env = env.Sudo().WithContext(map[string]any{"without_company": true})
	p, err := orm.Get[Partner](env, partner, "contact_address")
	if err != nil {
		return nil, fmt.Errorf("the address of partner %d: %w", partner, err)
	}
	var out []string
	if p.CommercialCompanyName != "" && p.CommercialCompanyName != p.Name {
		out = append(out, p.CommercialCompanyName)
	}
	if p.Name != "" {
		out = append(out, p.Name)
	}
	for line := range strings.Lines(p.ContactAddress.Get()) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out, nil
}
