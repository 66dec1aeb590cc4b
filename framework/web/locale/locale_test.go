package locale_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/internal/ships"
	"fusionsoft.ca/fusion/framework/web/locale"
)

func TestNumbersAndDates(t *testing.T) {
	t.Parallel()
	m := ships.ModelOf(t, ships.Registry(t), "t.ship")
	french := locale.Default()
	french.Decimal, french.Thousands, french.DateLayout, french.TimeLayout, french.Zone = ",", "\u202f", "02/01/2006", "15:04", time.FixedZone("cest", 2*3600)
	french.Currencies[1] = locale.Currency{"€", false, 2}
	indian := locale.Default()
	indian.Grouping, indian.Currencies[1] = []int{3, 2, 0}, locale.Currency{"₹", true, 0}
	for _, c := range []struct {
		l           *locale.Locale
		field, text string // typed
		wire        string // what it stands for
		shown       string
	}{
		{french, "length", "1\u202f234,5", "1234.5", "1\u202f234,50"},
		{french, "length", "1234,5678", "1234.5678", "1\u202f234,568"},
		{french, "length", "-0,0001", "-0.0001", "0,00"},
		{french, "value", "\u2212 12 345,1", "-12345.1", "-12\u202f345,10\u00a0€"},
		{french, "crew", "1 000", "1000", "1\u202f000"},
		{french, "built", "31/12/1999", "1999-12-31", "31/12/1999"},
		{french, "seen_at", "2026-07-01T12:30", "2026-07-01 10:30:00", "01/07/2026 12:30"},
		{french, "seen_at", "01/07/2026 12:30", "2026-07-01 10:30:00", "01/07/2026 12:30"},
		{indian, "value", "12,34,567.5", "1234567.5", "₹\u00a012,34,568"},
		{indian, "length", "123456789", "123456789", "12,34,56,789.00"},
	} {
		f := m.Fields[c.field]
		v, err := c.l.Parse(f, c.text)
		if err != nil {
			t.Errorf("%s %q: %v", c.field, c.text, err)
			continue
		}
		if got := fmt.Sprint(v); got != c.wire {
			t.Errorf("%s %q stands for %s, want %s", c.field, c.text, got, c.wire)
		}
		if got := c.l.Text(f, convert.FromWire(f, exprWire(v)), 1); got != c.shown {
			t.Errorf("%s %q is shown as %q, want %q", c.field, c.text, got, c.shown)
		}
		back, err := c.l.Parse(f, c.l.Raw(f, convert.FromWire(f, exprWire(v)), 0))
		if err != nil || c.l.Raw(f, convert.FromWire(f, exprWire(back)), 0) != c.l.Raw(f, convert.FromWire(f, exprWire(v)), 0) {
			t.Errorf("%s %q does not come back: %v %v", c.field, c.text, back, err)
		}
	}
	for _, bad := range [][2]string{{"length", "1.2.3"}, {"length", "1e9"}, {"length", "NaN"}, {"crew", "1.5"}, {"crew", "x"}, {"built", "2026-02-30"}, {"seen_at", "noon"}} {
		if v, err := locale.Default().Parse(m.Fields[bad[0]], bad[1]); err == nil {
			t.Errorf("%s takes %q as %v", bad[0], bad[1], v)
		}
	}
}

// exprWire is a parsed value as a default would carry it.
func exprWire(v any) any {
	if d, ok := v.(decimal.Decimal); ok {
		return d.String()
	}
	return v
}
