package taxcalc

import (
	"testing"

	"github.com/shopspring/decimal"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func pct(id int64, amount string) Tax {
	return Tax{ID: id, Kind: Percent, Amount: dec(amount), Affected: true, Sequence: int(id)}
}

func incl(t Tax) Tax { t.Included = true; return t }
func base(t Tax) Tax { t.AddsBase = true; return t }

func TestLines(t *testing.T) {
	for name, tc := range map[string]struct {
		line     Line
		excluded string
		taxes    []string
		included string
	}{
		"one":                        {Line{Price: dec("100"), Quantity: dec("1"), Taxes: []Tax{pct(1, "15")}}, "100", []string{"15"}, "115"},
		"quebec":                     {Line{Price: dec("9.99"), Quantity: dec("3"), Taxes: []Tax{pct(1, "5"), pct(2, "9.975")}}, "29.97", []string{"1.5", "2.99"}, "34.46"},
		"compound":                   {Line{Price: dec("100"), Quantity: dec("1"), Taxes: []Tax{base(pct(1, "5")), pct(2, "10")}}, "100", []string{"5", "10.5"}, "115.5"},
		"included":                   {Line{Price: dec("113"), Quantity: dec("1"), Taxes: []Tax{incl(pct(1, "13"))}}, "100", []string{"13"}, "113"},
		"two included":               {Line{Price: dec("114.98"), Quantity: dec("1"), Taxes: []Tax{incl(pct(1, "5")), incl(pct(2, "9.975"))}}, "100", []string{"5", "9.98"}, "114.98"},
		"discount":                   {Line{Price: dec("33.33"), Quantity: dec("3"), Discount: dec("10"), Taxes: []Tax{pct(1, "20")}}, "89.99", []string{"18"}, "107.99"},
		"negative":                   {Line{Price: dec("-10"), Quantity: dec("1"), Taxes: []Tax{pct(1, "13")}}, "-10", []string{"-1.3"}, "-11.3"},
		"fixed":                      {Line{Price: dec("10"), Quantity: dec("3"), Taxes: []Tax{{ID: 1, Kind: Fixed, Amount: dec("0.5")}}}, "30", []string{"1.5"}, "31.5"},
		"division":                   {Line{Price: dec("90"), Quantity: dec("1"), Taxes: []Tax{{ID: 1, Kind: Division, Amount: dec("10")}}}, "90", []string{"10"}, "100"},
		"division included":          {Line{Price: dec("100"), Quantity: dec("1"), Taxes: []Tax{incl(Tax{ID: 1, Kind: Division, Amount: dec("10")})}}, "90", []string{"10"}, "100"},
		"group":                      {Line{Price: dec("100"), Quantity: dec("1"), Taxes: []Tax{{ID: 9, Kind: Group, Children: []Tax{pct(1, "5"), pct(2, "7")}}}}, "100", []string{"5", "7"}, "112"},
		"override":                   {Line{Price: dec("100"), Quantity: dec("1"), Taxes: []Tax{pct(1, "15")}, Override: map[int64]decimal.Decimal{1: dec("14.99")}}, "100", []string{"14.99"}, "114.99"},
		"override negative":          {Line{Price: dec("-100"), Quantity: dec("1"), Taxes: []Tax{pct(1, "15")}, Override: map[int64]decimal.Decimal{1: dec("-14.99")}}, "-100", []string{"-14.99"}, "-114.99"},
		"included override":          {Line{Price: dec("113"), Quantity: dec("1"), Taxes: []Tax{incl(pct(1, "13"))}, Override: map[int64]decimal.Decimal{1: dec("12.99")}}, "100.01", []string{"12.99"}, "113"},
		"included, first overridden": {Line{Price: dec("114.98"), Quantity: dec("1"), Taxes: []Tax{incl(pct(1, "5")), incl(pct(2, "9.975"))}, Override: map[int64]decimal.Decimal{1: dec("4.99")}}, "100.01", []string{"4.99", "9.98"}, "114.98"},
		"included, last overridden":  {Line{Price: dec("114.98"), Quantity: dec("1"), Taxes: []Tax{incl(pct(1, "5")), incl(pct(2, "9.975"))}, Override: map[int64]decimal.Decimal{2: dec("9.97")}}, "100.01", []string{"5", "9.97"}, "114.98"},
		"compound overridden":        {Line{Price: dec("100"), Quantity: dec("1"), Taxes: []Tax{base(pct(1, "5")), pct(2, "10")}, Override: map[int64]decimal.Decimal{1: dec("4")}}, "100", []string{"4", "10.4"}, "114.4"},
		"included compound":          {Line{Price: dec("115.5"), Quantity: dec("1"), Taxes: []Tax{incl(base(pct(1, "5"))), incl(pct(2, "10"))}}, "100", []string{"5", "10.5"}, "115.5"},
		"included and added":         {Line{Price: dec("113"), Quantity: dec("2"), Taxes: []Tax{incl(base(pct(1, "13"))), pct(2, "10")}}, "200", []string{"26", "22.6"}, "248.6"},
		"net of the included":        {Line{Price: dec("113"), Quantity: dec("2"), Taxes: []Tax{incl(pct(1, "13")), pct(2, "10")}}, "200", []string{"26", "20"}, "246"},
		"included beside it":         {Line{Price: dec("113"), Quantity: dec("1"), Taxes: []Tax{incl(base(pct(1, "13"))), {ID: 2, Kind: Percent, Amount: dec("10"), Sequence: 2}}}, "100", []string{"13", "10"}, "123"},
		"fixed under an included":    {Line{Price: dec("120"), Quantity: dec("1"), Taxes: []Tax{base(Tax{ID: 1, Kind: Fixed, Amount: dec("1"), Sequence: 1}), incl(pct(2, "10"))}}, "109", []string{"1", "11"}, "121"},
		"tax first, then base":       {Line{Price: dec("9.99"), Quantity: dec("3"), Taxes: []Tax{incl(pct(1, "20"))}}, "24.97", []string{"5"}, "29.97"},
		"two divisions":              {Line{Price: dec("80"), Quantity: dec("1"), Taxes: []Tax{{ID: 1, Kind: Division, Amount: dec("10")}, {ID: 2, Kind: Division, Amount: dec("10")}}}, "80", []string{"10", "10"}, "100"},
		"negative fixed":             {Line{Price: dec("-10"), Quantity: dec("3"), Taxes: []Tax{{ID: 1, Kind: Fixed, Amount: dec("0.5")}}}, "-30", []string{"-1.5"}, "-31.5"},
		"nothing left to divide":     {Line{Price: dec("80"), Quantity: dec("1"), Taxes: []Tax{{ID: 1, Kind: Division, Amount: dec("100")}}}, "80", []string{"80"}, "160"},
		"fixed in the price":         {Line{Price: dec("11.5"), Quantity: dec("3"), Taxes: []Tax{incl(Tax{ID: 1, Kind: Fixed, Amount: dec("0.5"), Sequence: 1}), incl(pct(2, "10"))}}, "30", []string{"1.5", "3"}, "34.5"},
		"refund of an override":      {Line{Price: dec("50"), Quantity: dec("-2"), Taxes: []Tax{incl(pct(1, "13"))}, Override: map[int64]decimal.Decimal{1: dec("-11.51")}}, "-88.49", []string{"-11.51"}, "-100"},
		"only tax":                   {Line{Quantity: dec("1"), Taxes: []Tax{pct(1, "13")}, Override: map[int64]decimal.Decimal{1: dec("1.3")}}, "0", []string{"1.3"}, "1.3"},
		"zero quantity":              {Line{Price: dec("10"), Taxes: []Tax{pct(1, "15")}}, "0", []string{"0"}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Compute(tc.line, Rounding{})
			if !r.Excluded.Equal(dec(tc.excluded)) || !r.Included.Equal(dec(tc.included)) || len(r.Taxes) != len(tc.taxes) {
				t.Fatalf("%s → %s, taxes %v", r.Excluded, r.Included, r.Taxes)
			}
			for i, want := range tc.taxes {
				if !r.Taxes[i].Amount.Equal(dec(want)) {
					t.Errorf("tax %d is %s, want %s", i, r.Taxes[i].Amount, want)
				}
			}
		})
	}
}

func TestPerLineAndGlobally(t *testing.T) {
	lines := make([]Line, 3)
	for i := range lines {
		lines[i] = Line{Price: dec("0.05"), Quantity: dec("1"), Taxes: []Tax{pct(1, "10")}}
	}
	line, doc := Document(lines, Rounding{}), Document(lines, Rounding{Globally: true})
	if !line.Tax.Equal(dec("0.03")) || !doc.Tax.Equal(dec("0.02")) || !doc.Total.Equal(dec("0.17")) {
		t.Fatalf("per line %s, globally %s, total %s", line.Tax, doc.Tax, doc.Total)
	}
	yen := Document([]Line{{Price: dec("99"), Quantity: dec("1"), Taxes: []Tax{pct(1, "8")}}}, Rounding{Unit: dec("1")})
	if !yen.Total.Equal(dec("107")) {
		t.Fatal(yen.Total)
	}
}
