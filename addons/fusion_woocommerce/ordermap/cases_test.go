package ordermap

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

func caseOrder(t testing.TB, name string) wcapi.Order {
	t.Helper()
	raw, err := os.ReadFile("testdata/cases/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(raw))
}

// Orders as extensions change them, and what they come to.
func TestCases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want string
		note string // "" for none
	}{
		"sku-as-number":              {"product 2×15=30; product 1.5×5=7.5; shipping 1×0=0; equal", ""},
		"tax-id-is-a-sentence":       {"product 2×100=200+26; equal", ""},
		"meta-data-as-object":        {"product 1×12=12; equal", ""},
		"lists-as-objects":           {"product 1×20=20; product 3×1=3; equal", ""},
		"subscription-product-types": {"product 1×5=5; equal", ""},
		"nul-characters":             {"product 1×18=18; equal", ""},
		"gift-card-part-payment":     {"product 1×20=20+4; equal", "paid 15.00 CAD of 24.00 CAD; 9.00 CAD are left for Credit card"},
		"gift-card-paid-in-full":     {"product 1×20=20+4; equal", "paid 24.00 CAD of 24.00 CAD; 0.00 CAD are left"},
		"store-credit-fee":           {"product 1×40=40+5.2; fee 1×8=8+1.04; fee 1×-5=-5+-0.65; equal", ""},
		"composite-kit":              {"product 1×2300=2300; product 1×0=0; product 1×0=0; product 1×0=0; equal", ""},
		"fractional-quantities":      {"product 1.375×20=27.5; equal", ""},
		"line-price-is-noise":        {"product 10×14.31=143.1; product 2×14.635=29.27; product 3×17.17=51.51; equal", ""},
		"refund-with-id-zero":        {"product 1×88=88; product 1×23.5=23.5; equal", "refund of 0.00 CAD without an id"},
		"refunded-before-first-sync": {"product 1×100=100+13; equal", ""},
		"draft-order-without-dates":  {"shipping 1×0=0; shipping 1×0=0; equal", ""},
		"entities-look-like-tags":    {"product 1×8=8; equal", ""},
		"ids-beyond-32-bit":          {"product 1×1=1; equal", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Map(Input{Order: caseOrder(t, name), Places: 2, Tolerance: 2})
			if s := short(got); s != c.want {
				t.Errorf("%s\nwant %s\n%v", s, c.want, got.Notes)
			}
			if notes := strings.Join(got.Notes, " "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			adds(t, got)
		})
	}
}

func TestCasesInDetail(t *testing.T) {
	t.Parallel()
	mapped := func(name string) Order { return Map(Input{Order: caseOrder(t, name), Places: 2, Tolerance: 2}) }

	o := mapped("sku-as-number")
	if o.Number != "5012" || o.Lines[0].SKU != "123" || o.Lines[1].SKU != "4455.5" || o.Customer.Billing.Zip != "90210" || o.Customer.Phone != "6135550142" || o.Payment.Transaction != "998877" {
		t.Errorf("%+v", o)
	}
	o = mapped("tax-id-is-a-sentence")
	if len(o.Rates) != 1 || o.Rates[0].Name != "HST (CA)" || o.Rates[0].Percent.String() != "13" || o.Totals.Total.String() != "226" {
		t.Errorf("%+v", o.Rates)
	}
	if o = mapped("meta-data-as-object"); fmt.Sprint(o.Lines[0].Details) != "[Size: A2]" {
		t.Errorf("%q", o.Lines[0].Details)
	}
	if o = mapped("nul-characters"); o.Lines[0].Name != "Teapot blue" || o.Remark != "ring twice" || o.Payment.Title != "Card" {
		t.Errorf("%+v", o)
	}

	// Vouchers pay; they change neither goods nor taxes.
	o = mapped("gift-card-part-payment")
	if fmt.Sprint(o.Vouchers) != "[{AAAA-BBBB 10} {CCCC-DDDD 5}]" || o.Totals.Total.String() != "24" || o.Totals.Tax.String() != "4" || o.Totals.Vouchers.String() != "15" {
		t.Errorf("%v, %+v", o.Vouchers, o.Totals)
	}
	if o = mapped("gift-card-paid-in-full"); o.Totals.Total.String() != "24" || !o.Totals.Total.Sub(o.Totals.Vouchers).IsZero() {
		t.Errorf("%v, %+v", o.Vouchers, o.Totals)
	}
	// Only the line whose product was deleted says that it has none.
	o = mapped("composite-kit")
	var gone []string
	for _, l := range o.Lines {
		if l.ProductID == 0 {
			gone = append(gone, l.Name+" "+l.Price.String())
		}
	}
	if fmt.Sprint(gone) != "[Card 0]" || o.Lines[1].SKU != "BODY" || o.Lines[2].SKU != "LENS" {
		t.Errorf("%v, %+v", gone, o.Lines)
	}
	// Refund 0 is none.
	if o = mapped("refund-with-id-zero"); len(o.Refunds) != 1 || o.Refunds[0].ID != 73 || o.Refunds[0].Amount.String() != "16" || o.Totals.Refunded.String() != "16" {
		t.Errorf("%+v, %s", o.Refunds, o.Totals.Refunded)
	}
	if o = mapped("refunded-before-first-sync"); o.Class != Refunded || len(o.Refunds) != 1 || o.Refunds[0].ID != 7601 || !o.Refunds[0].Amount.Equal(o.Totals.Total) || o.Paid.IsZero() || o.Completed.IsZero() {
		t.Errorf("%s, %+v", o.Class, o.Refunds)
	}
	if o = mapped("draft-order-without-dates"); o.Class != Ignore || !o.Created.IsZero() || !o.Modified.IsZero() || !strings.Contains(o.Why, "draft") {
		t.Errorf("%s: %s, %v", o.Class, o.Why, o.Created)
	}
	o = mapped("entities-look-like-tags")
	if l := o.Lines[0]; l.Name != "<Variable> Fun Pens! - Orange & Blue" || o.Remark != "I <3 you & bye" || fmt.Sprint(l.Details) != "[Note: 5 < 6 &amp; 7]" {
		t.Errorf("%q %q %q", l.Name, o.Remark, l.Details)
	}
	o = mapped("ids-beyond-32-bit")
	if l := o.Lines[0]; o.ID != 9007199254740993 || l.LineID != 9007199254740995 || l.ProductID != 5060147738939 || l.VariationID != 5060147738940 || l.Key != "9007199254740995" || o.Number != "9007199254740993" {
		t.Errorf("%+v", o)
	}
}

// Where orders tell what vouchers paid, and where they do not.
func TestVouchers(t *testing.T) {
	t.Parallel()
	const order = `{"currency":"CAD","total":"%s","total_tax":"4.00","line_items":[{"id":7,"quantity":1,"total":"20.00","taxes":[{"id":1,"total":"4"}]}],"tax_lines":[{"rate_id":1,"label":"VAT","rate_percent":20,"tax_total":"4.00"}]%s}`
	for name, c := range map[string]struct{ total, more, paid, state, note string }{
		"cards":                  {"9.00", `,"gift_cards":[{"code":"A","amount":"-10"},{"code":"B","amount":5}]`, "15", "equal", "paid 15.00"},
		"cards as an object":     {"9.00", `,"gift_cards":{"1":{"code":"A","amount":"15.00"}}`, "15", "equal", "paid 15.00"},
		"amount in meta data":    {"9.00", `,"meta_data":[{"id":1,"key":"_funds_used","value":"15.00"}]`, "15", "equal", "paid 15.00"},
		"amounts by code":        {"9.00", `,"meta_data":[{"id":1,"key":"_ywgc_applied_gift_cards","value":{"A":"10","B":5}}]`, "15", "equal", "paid 15.00"},
		"two places, both count": {"9.00", `,"gift_cards":[{"code":"A","amount":"10"}],"meta_data":[{"key":"_funds_used","value":"5"}]`, "15", "equal", "paid 15.00"},
		"two places, one purse":  {"9.00", `,"gift_cards":[{"code":"A","amount":"15"}],"meta_data":[{"key":"_gift_cards_used","value":"15"}]`, "15", "equal", "paid 15.00"},
		"credit as a coupon":     {"9.00", `,"coupon_lines":[{"id":3,"code":"credit","discount":"15.00","discount_tax":"0","discount_type":"smart_coupon"}]`, "15", "equal", "paid 15.00"},
		"a cent off":             {"9.01", `,"gift_cards":[{"code":"A","amount":"15"}]`, "15", "rounded", "paid 15.00"},
		"in the total already":   {"24.00", `,"gift_cards":[{"code":"A","amount":"15"}]`, "0", "equal", ""},
		"does not explain it":    {"9.00", `,"gift_cards":[{"code":"A","amount":"12.34"}]`, "0", "mismatch", "paid 12.34 CAD (A)"},
		"an amount that is none": {"9.00", `,"gift_cards":[{"code":"A","amount":"all"}]`, "0", "mismatch", "gift cards may have"},
		"ordinary coupon":        {"9.00", `,"coupon_lines":[{"id":3,"code":"sale","discount":"15.00","discount_type":"fixed_cart"}]`, "0", "mismatch", "15.00"},
		"nothing said":           {"9.00", ``, "0", "mismatch", "gift cards may have"},
		"more than the total":    {"34.00", `,"gift_cards":[{"code":"A","amount":"-10"}]`, "0", "mismatch", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := Map(Input{Order: parse(t, fmt.Sprintf(order, c.total, c.more)), Places: 2, Tolerance: 2})
			notes := strings.Join(o.Notes, " ")
			if o.Totals.Vouchers.String() != c.paid || string(o.State) != c.state || !strings.Contains(notes, c.note) || c.note == "" && c.state == "equal" && notes != "" {
				t.Errorf("paid %s, %s, %q", o.Totals.Vouchers, o.State, notes)
			}
			sum := decimal.Zero
			for _, v := range o.Vouchers {
				sum = sum.Add(v.Amount)
			}
			if !sum.Equal(o.Totals.Vouchers) {
				t.Errorf("%v are not %s", o.Vouchers, o.Totals.Vouchers)
			}
			adds(t, o)
		})
	}
}

// What is listed twice is one thing, unless the total says otherwise.
func TestThingsListedTwice(t *testing.T) {
	t.Parallel()
	const line = `{"id":7,"name":"Cup","product_id":3,"quantity":2,"total":"10.00","taxes":[{"id":1,"total":"1"}]}`
	const tax = `{"id":4,"rate_id":1,"label":"VAT","rate_percent":10,"tax_total":"1.00"}`
	const post, wrap = `{"id":8,"method_title":"Post","total":"5.00"}`, `{"id":9,"name":"Wrap","total":"3.00"}`
	for name, c := range map[string]struct{ order, want, note string }{
		"line and tax":            {`"total":"11.00","total_tax":"1.00","line_items":[` + line + `,` + line + `],"tax_lines":[` + tax + `,` + tax + `]`, "product 2×5=10+1; equal", "“Cup”. It counts once"},
		"numbers spelt otherwise": {`"total":"11.00","total_tax":"1.00","line_items":[` + line + `,{"id":"7","product_id":"3","quantity":"2.0","total":10,"taxes":[{"id":1,"total":1}]}],"tax_lines":[` + tax + `]`, "product 2×5=10+1; equal", "counts once"},
		"shipping and fee":        {`"total":"8.00","total_tax":"0","shipping_lines":[` + post + `,` + post + `],"fee_lines":[` + wrap + `,` + wrap + `]`, "shipping 1×5=5; fee 1×3=3; equal", "“Wrap”, “Post”"},
		"charged twice":           {`"total":"22.00","total_tax":"2.00","line_items":[` + line + `,` + line + `],"tax_lines":[{"id":4,"rate_id":1,"label":"VAT","rate_percent":10,"tax_total":"2.00"}]`, "product 2×5=10+1; product 2×5=10+1; equal", ""},
		"another line":            {`"total":"8","total_tax":"0","line_items":[{"id":1,"quantity":1,"total":"5"},{"id":1,"quantity":1,"total":"3"}]`, "product 1×5=5; product 1×3=3; equal", ""},
		"lines without ids":       {`"total":"10","total_tax":"0","line_items":[{"quantity":1,"total":"5","name":"A"},{"quantity":1,"total":"5","name":"A"}]`, "product 1×5=5; product 1×5=5; equal", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := Map(Input{Order: parse(t, `{"currency":"CAD",`+c.order+`}`), Places: 2, Tolerance: 2})
			if s, notes := short(o), strings.Join(o.Notes, " "); s != c.want || !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("%s\nwant %s\n%q", s, c.want, notes)
			}
			adds(t, o)
		})
	}
	o := Map(Input{Order: parse(t, `{"currency":"CAD","total":"0","total_tax":"0","refunds":[{"id":5,"total":"-3"},{"id":"5","total":"-3.00"},{"id":6,"total":"-3"}]}`), Places: 2})
	if len(o.Refunds) != 2 || o.Totals.Refunded.String() != "6" {
		t.Errorf("%+v", o.Refunds)
	}
}

func TestKits(t *testing.T) {
	t.Parallel()
	kit := func(total string, price, part int, link string) Order {
		return Map(Input{Order: parse(t, fmt.Sprintf(`{"currency":"CAD","total":"%s","total_tax":"0","line_items":[{"id":1,"name":"Kit","quantity":1,"total":"%d"},{"id":2,"name":"Body","quantity":1,"total":"%d",%s},{"id":3,"name":"Lens","quantity":2,"total":"0",%s}]}`,
			total, price, part, link, link)), Places: 2, Tolerance: 2})
	}
	for name, c := range map[string]struct {
		o    Order
		want string
	}{
		"price on the kit":      {kit("100", 100, 0, `"composite_parent":1`), "product 1×100=100; product 1×0=0; product 2×0=0; equal"},
		"price on the parts":    {kit("60", 0, 60, `"bundled_by":"1"`), "product 1×0=0; product 1×60=60; product 2×0=0; equal"},
		"prices on both, added": {kit("160", 100, 60, `"bundled_by":1`), "product 1×100=100; product 1×60=60; product 2×0=0; equal"},
		"listed on both":        {kit("100", 100, 60, `"composite_parent":1`), "product 1×100=100; product 1×0=0; product 2×0=0; equal"},
		"no kit":                {kit("100", 100, 60, `"composite_parent":""`), "product 1×100=100; product 1×60=60; product 2×0=0; mismatch"},
	} {
		if s := short(c.o); s != c.want {
			t.Errorf("%s: %s\nwant %s\n%v", name, s, c.want, c.o.Notes)
		}
		adds(t, c.o)
	}
}

// A tax service works the percentage out anew for each order. It is one tax
// all the same, whichever order is read first.
func TestRatesWorkedOutForEachOrder(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/cases/tax-rate-recomputed.json")
	if err != nil {
		t.Fatal(err)
	}
	var orders []wcapi.Order
	if err := json.Unmarshal(raw, &orders); err != nil {
		t.Fatal(err)
	}
	// learn keeps the rates that were seen, as the ERP does.
	learn := func(sequence []wcapi.Order) (percents map[string]bool, tax decimal.Decimal) {
		percents = map[string]bool{}
		var known []wcapi.Tax
		for _, o := range sequence {
			got := Map(Input{Order: o, Rates: known, Places: 2, Tolerance: 2})
			if got.State != Equal || len(got.Rates) != 1 {
				t.Errorf("order %d: %s %v", got.ID, got.State, got.Notes)
			}
			adds(t, got)
			tax = tax.Add(got.Totals.Tax)
			for _, r := range got.Rates {
				percents[r.Percent.String()] = true
				known = append([]wcapi.Tax{{ID: wcapi.ID(r.ID), Name: r.Name, Country: r.Country, State: r.State, Class: r.Class, Rate: wcapi.NewAmount(r.Percent)}}, known...)
			}
		}
		return percents, tax
	}
	if len(orders) != 4 {
		t.Fatalf("%d orders", len(orders))
	}
	for first := range orders {
		sequence := append(append([]wcapi.Order{}, orders[first:]...), orders[:first]...)
		if percents, tax := learn(sequence); len(percents) != 1 || tax.String() != "24.72" {
			t.Errorf("beginning with order %d: %v, tax %s", orders[first].ID, percents, tax)
		}
	}
	// A year of such orders makes no new tax either.
	var many []wcapi.Order
	for i := range 300 {
		net := decimal.New(int64(1999+i*137), -2)
		vat := net.Mul(decimal.New(86, -3)).Round(2)
		many = append(many, parse(t, fmt.Sprintf(`{"id":%d,"currency":"USD","total":"%s","total_tax":"%s","line_items":[{"id":1,"quantity":1,"total":"%s","taxes":[{"id":999999999,"total":"%s"}]}],"tax_lines":[{"rate_code":"US-WA-WA TAX-1","rate_id":999999999,"label":"WA Tax","tax_total":"%s","rate_percent":"%s"}]}`,
			i+1, net.Add(vat), vat, net, vat, vat, vat.Mul(hundred).DivRound(net, 4))))
	}
	if percents, _ := learn(many); len(percents) != 1 {
		t.Errorf("%v", percents)
	}
}

// What a shop sets itself stays apart, however near.
func TestRatesOfOneName(t *testing.T) {
	t.Parallel()
	known := []wcapi.Tax{{ID: 1, Name: "HST", Country: "CA", State: "ON", Rate: wcapi.NewAmount(decimal.New(13, 0)), Class: "standard"},
		{ID: 2, Name: "QST", Country: "CA", State: "QC", Rate: wcapi.NewAmount(decimal.New(9975, -3))}}
	of := func(id, label, code, percent, net, tax string) Rate {
		o := parse(t, fmt.Sprintf(`{"currency":"CAD","total":"%s","total_tax":"%s","line_items":[{"id":1,"quantity":1,"total":"%s","taxes":[{"id":%s,"total":"%s"}]}],"tax_lines":[{"rate_code":%q,"rate_id":%s,"label":%q,"tax_total":"%s","rate_percent":%s}]}`,
			decimal.RequireFromString(net).Add(decimal.RequireFromString(tax)), tax, net, id, tax, code, id, label, tax, percent))
		got := Map(Input{Order: o, Rates: known, Places: 2, Tolerance: 2})
		if got.State == Mismatch || len(got.Rates) != 1 {
			t.Fatalf("%+v", got)
		}
		return got.Rates[0]
	}
	for _, c := range []struct{ id, label, code, percent, net, tax, want, why string }{
		{"1", "HST", "CA-ON-HST-1", "13", "100.00", "13.00", "13", "the known rate"},
		{"1", "HST", "CA-ON-HST-1", "15", "100.00", "15.00", "15", "a rate that was raised"},
		{"1", "HST", "CA-ON-HST-1", "13.1", "100.00", "13.10", "13.1", "a rate that was raised by little"},
		{"8", "HST", "CA-ON-HST-1", "13.0087", "49.89", "6.49", "13", "a quotient under a new id"},
		{"8", "hst", "ca-on-HST-1", "13.0087", "49.89", "6.49", "13", "spelt otherwise"},
		{"8", "HST", "CA-NB-HST-1", "13.0087", "49.89", "6.49", "13.0087", "of another place"},
		{"8", "GST", "CA-ON-GST-1", "13.0087", "49.89", "6.49", "13.0087", "of another name"},
		{"8", "HST", "CA-ON-HST-1", "13.1234", "400.00", "52.49", "13.1234", "too far off"},
		{"8", "HST", "CA-ON-HST-1", "13.25", "0.83", "0.11", "13", "so small that rounding hides the rest"},
		{"2", "QST", "CA-QC-QST-1", "9.975", "100.00", "9.98", "9.975", "three digits are usual"},
		{"8", "QST", "CA-QC-QST-1", "null", "100.00", "9.98", "9.975", "without a percentage"},
		{"8", "QST", "CA-QC-QST-1", `"9.975 %"`, "100.00", "9.98", "9.975", "with a percentage nobody can read"},
		{"8", "New", "CA-QC-NEW-1", "0", "200.00", "14.00", "7", "without a percentage, of a new name"},
	} {
		if got := of(c.id, c.label, c.code, c.percent, c.net, c.tax); got.Percent.String() != c.want {
			t.Errorf("%s: %s, want %s", c.why, got.Percent, c.want)
		}
	}
}

// Taxes with no rate's id, or nothing but amounts by rate.
func TestTaxesInOtherShapes(t *testing.T) {
	t.Parallel()
	for _, taxes := range []string{`[{"id":"","total":"4"}]`, `[{"id":0,"total":4}]`, `{"1":"4"}`, `{"total":{"1":"4"},"subtotal":{"1":"4"}}`, `{"7":{"id":"1","total":"4.00"}}`, `[]`, `""`, `null`} {
		o := Map(Input{Order: parse(t, `{"currency":"CAD","total":"24","total_tax":"4","line_items":[{"id":7,"quantity":1,"total":"20","total_tax":"4","taxes":`+taxes+`}],"tax_lines":{"3":{"rate_id":"1","label":"VAT","rate_percent":"20","tax_total":4}}}`), Places: 2})
		if s := short(o); s != "product 1×20=20+4; equal" {
			t.Errorf("%s: %s %v", taxes, s, o.Notes)
		}
	}
}
