package base_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

func TestFormats(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	euro := &base.Currency{Symbol: "€", Position: base.SymbolAfter, Rounding: decimal.RequireFromString("0.01")}
	yen := &base.Currency{Symbol: "¥", Position: base.SymbolBefore, Rounding: decimal.NewFromInt(1)}
	d := decimal.RequireFromString
	day := orm.NewDate(2026, 3, 5)
	for code, want := range map[string]string{
		"en_US": "03/05/2026 | 1,234,567.9 | -1,234.50 € | ¥ 1,235 | 0.00 € | 2.5 | 100",
		"de_DE": "05.03.2026 | 1.234.567,9 | -1.234,50 € | ¥ 1.235 | 0,00 € | 2,5 | 100",
		"":      "03/05/2026 | 1,234,567.9 | -1,234.50 € | ¥ 1,235 | 0.00 € | 2.5 | 100",
		"xx_XX": "03/05/2026 | 1,234,567.9 | -1,234.50 € | ¥ 1,235 | 0.00 € | 2.5 | 100",
	} {
		f := must[*base.Format](t)(base.FormatOf(env, code))
		got := strings.Join([]string{f.Day(day), f.Number(d("1234567.89"), 1), f.Money(d("-1234.5"), euro), f.Money(d("1234.5"), yen), f.Money(d("-0.001"), euro), f.Quantity(d("2.500")), f.Quantity(d("100"))}, " | ")
		if got = strings.ReplaceAll(got, "\u00a0", " "); got != want {
			t.Errorf("%q writes %s, want %s", code, got, want)
		}
	}
	other := must[orm.Records](t)(env.WithContext(map[string]any{"active_test": false}).Model("res.lang").Search(orm.Leaf("code", "=", "fr_FR"), orm.SearchOptions{}))
	if err := other.Write(orm.Values{"grouping": "[3,2,0]", "thousands_sep": ".", "date_format": "%A %e. %B %Y %% %-d"}); err != nil {
		t.Fatal(err)
	}
	f := must[*base.Format](t)(base.FormatOf(env, "fr_FR"))
	if got := f.Number(d("123456789"), 0) + " " + f.Day(day); got != "12.34.56.789 Thursday 5. March 2026 % 5" {
		t.Errorf("grouped by two, with the day of the week: %s", got)
	}
	if s := f.Day(orm.Date{}); s != "" {
		t.Errorf("no day is %q", s)
	}
}

func TestAddressLines(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	company := must[orm.Records](t)(env.Model("res.partner").Create(orm.Values{"name": "Azure Interior", "is_company": true, "street": "4557 De Silva St", "city": "Fremont", "zip": "94538"})).ID()
	person := must[orm.Records](t)(env.Model("res.partner").Create(orm.Values{"name": "Ann", "parent_id": company})).ID()
	for id, want := range map[int64]string{company: "Azure Interior/4557 De Silva St/Fremont  94538", person: "Azure Interior/Ann/4557 De Silva St/Fremont  94538", 0: ""} {
		if got := strings.Join(must[[]string](t)(base.AddressLines(env, id)), "/"); got != want {
			t.Errorf("partner %d: %q, want %q", id, got, want)
		}
	}
}
