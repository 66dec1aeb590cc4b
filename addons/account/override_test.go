package account_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
)

// charged is a line with the tax amounts a shop charged.
func charged(price, quantity string, amounts map[int64]string) orm.Values {
	var taxes []int64
	override := map[int64]decimal.Decimal{}
	for id, a := range amounts {
		taxes = append(taxes, id)
		override[id] = dec(a)
	}
	l := line(price, quantity, taxes...)
	l["tax_override"] = account.NewTaxOverride(override)
	return l
}

func TestAmountsOfAShop(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	gst, qst := b.tax("GST", "5"), b.tax("QST", "9.975")
	// Computed, these taxes would be 3.5 and 6.96; the shop rounded the sum of
	// each rate once.
	lines := []orm.Values{
		charged("9.99", "3", map[int64]string{gst: "1.5", qst: "2.99"}),
		charged("3.33", "7", map[int64]string{gst: "1.17", qst: "2.33"}),
		charged("6.66", "1", map[int64]string{gst: "0.33", qst: "0.66"}),
		charged("9.95", "1", map[int64]string{gst: "0.49", qst: "0.99"}),
	}
	id := b.invoice(lines...)
	want := []string{"payment_term 121000 80.35", "product 400000 -23.31", "product 400000 -29.97", "product 400000 -6.66", "product 400000 -9.95", "tax 400000 -3.49", "tax 400000 -6.97"}
	b.shows(id, "69.89 + 10.46 = 80.35, due 80.35 not_paid")
	b.expect(id, want...)
	sameAsDocument(b, id)
	ok(t, account.Post(b.env, id))
	b.expect(id, want...)

	back := must[[]int64](t)(account.Reverse(b.env, []int64{id}, must[orm.Date](t)(orm.ParseDate("2026-04-01")), "Returned"))[0]
	b.shows(back, "69.89 + 10.46 = 80.35, due 80.35 not_paid")
	sameAsDocument(b, back)
	ok(t, account.Post(b.env, back))
	b.expect(back, "payment_term 121000 -80.35", "product 400000 23.31", "product 400000 29.97", "product 400000 6.66", "product 400000 9.95", "tax 400000 3.49", "tax 400000 6.97")
	b.shows(id, "69.89 + 10.46 = 80.35, due 0 reversed")
	b.shows(back, "69.89 + 10.46 = 80.35, due 0 paid")
}

func TestAmountsOfAShopInEuros(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	b.rate("2026-01-01", 0.8)
	tax, other := b.tax("VAT", "20"), b.tax("Reduced", "5.5")
	vals := orm.Values{"currency_id": b.eur}
	lines := []orm.Values{
		charged("33.33", "1", map[int64]string{tax: "6.66"}),
		charged("33.33", "2", map[int64]string{tax: "13.34"}),
		charged("10.01", "1", map[int64]string{other: "0.56"}),
		line("5", "1", other),
	}
	for kind, sign := range map[string]string{"out_invoice": "", "out_refund": "-"} {
		id := b.document(kind, vals, lines...)
		b.shows(id, "115 + 20.84 = 135.84, due 135.84 not_paid")
		sameAsDocument(b, id)
		neg := map[string]string{"": "-", "-": ""}[sign]
		b.expect(id, "payment_term 121000 "+sign+"169.8 ("+sign+"135.84 EUR)",
			"product 400000 "+neg+"41.66 ("+neg+"33.33 EUR)", "product 400000 "+neg+"83.33 ("+neg+"66.66 EUR)", "product 400000 "+neg+"12.51 ("+neg+"10.01 EUR)", "product 400000 "+neg+"6.25 ("+neg+"5 EUR)",
			"tax 400000 "+neg+"25 ("+neg+"20 EUR)", "tax 400000 "+neg+"1.05 ("+neg+"0.84 EUR)")
		ok(t, account.Post(b.env, id))
		b.shows(id, "115 + 20.84 = 135.84, due 135.84 not_paid")
	}
}

func TestFinerAmountsOfAShop(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	tax := b.tax("VAT", "20")
	// Three taxes of 0.333 are one of 1.00, not three of 0.33.
	id := b.invoice(charged("1.665", "1", map[int64]string{tax: "0.333"}), charged("1.67", "1", map[int64]string{tax: "0.333"}), charged("1.66", "1", map[int64]string{tax: "0.333"}))
	if m := b.move(id); !m.AmountTax.Equal(dec("1")) || !m.AmountTotal.Equal(m.AmountUntaxed.Add(dec("1"))) {
		t.Errorf("tax %s of %s", m.AmountTax, m.AmountTotal)
	}
}

func TestOverridesOfALine(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	tax, second := b.tax("VAT", "20"), b.tax("Levy", "1")
	id := b.invoice(charged("100", "1", map[int64]string{tax: "19.5"}))
	lines := b.env.Model("account.move.line").Browse(b.lines(id)[0])
	for _, step := range []struct {
		name string
		vals orm.Values
		want string
	}{
		{"a label keeps it", orm.Values{"name": "Other"}, "100 + 19.5 = 119.5"},
		{"a price drops it", orm.Values{"price_unit": 110}, "110 + 22 = 132"},
		{"it may come with a price", orm.Values{"price_unit": 120, "tax_override": map[string]any{itoa(tax): "23.99"}}, "120 + 23.99 = 143.99"},
		{"a second tax is computed beside it", orm.Values{"tax_ids": []any{[]any{6, 0, []any{tax, second}}}, "tax_override": map[string]any{itoa(tax): 23.98}}, "120 + 25.18 = 145.18"},
		{"it ends", orm.Values{"tax_override": false}, "120 + 25.2 = 145.2"},
		{"zero is an amount", orm.Values{"tax_override": map[string]any{itoa(tax): 0, itoa(second): "0"}}, "120 + 0 = 120"},
	} {
		ok(t, lines.Write(step.vals))
		m := b.move(id)
		if got := m.AmountUntaxed.String() + " + " + m.AmountTax.String() + " = " + m.AmountTotal.String(); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
	refused(t, lines.Write(orm.Values{"tax_override": "twelve"}), "tax_override")
}
