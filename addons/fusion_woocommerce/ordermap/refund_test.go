package ordermap

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

// refunded is an order of 3 lamps, shipping and a discount as a fee, taxed at 13 %; the
// refunds of a test are added to it.
func refunded(t *testing.T, restocked string, refunds ...string) []Credit {
	t.Helper()
	var o wcapi.Order
	raw := `{"id":7,"number":"7","status":"completed","currency":"CAD","total":"109.61","total_tax":"12.61","shipping_total":"10.00",
		"line_items":[{"id":1,"name":"Lamp","product_id":9,"quantity":3,"subtotal":"90.00","total":"90.00","total_tax":"11.70","taxes":[{"id":4,"total":"11.7"}],"meta_data":[{"id":1,"key":"_restock_refunded_items","value":"` + restocked + `"}]}],
		"shipping_lines":[{"id":2,"method_title":"Post","total":"10.00","total_tax":"1.30","taxes":[{"id":4,"total":"1.3"}]}],
		"fee_lines":[{"id":3,"name":"Loyal","total":"-3.00","total_tax":"-0.39","taxes":[{"id":4,"total":"-0.39"}]}],
		"tax_lines":[{"id":5,"rate_id":4,"rate_code":"CA-ON-HST-1","label":"HST","tax_total":"11.31","shipping_tax_total":"1.30","rate_percent":13}]}`
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		t.Fatal(err)
	}
	in := RefundInput{Order: o, Mapped: Map(Input{Order: o, Places: 2, Tolerance: 2}), Tolerance: 2}
	if in.Mapped.State != Equal {
		t.Fatal(in.Mapped.Notes)
	}
	for _, r := range refunds {
		var x wcapi.Refund
		if err := json.Unmarshal([]byte(r), &x); err != nil {
			t.Fatal(err)
		}
		in.Refunds = append(in.Refunds, x)
	}
	return MapRefunds(in)
}

func lampBack(id, pieces int, total, tax, amount string) string {
	return fmt.Sprintf(`{"id":%d,"amount":"%s","line_items":[{"id":%d,"name":"Lamp","quantity":-%d,"total":"-%s","total_tax":"-%s","taxes":[{"id":4,"total":"-%s"}],"meta_data":[{"id":1,"key":"_refunded_item_id","value":"1"}]}]}`,
		id, amount, 100+id, pieces, total, tax, tax)
}

// TestRefunds maps refunds of every kind and adds their lines up.
func TestRefunds(t *testing.T) {
	t.Parallel()
	const rest = `{"id":30,"amount":"109.61","reason":"Order fully refunded."}`
	for name, c := range map[string]struct {
		refunds []string
		want    []string // of each refund: state, untaxed, tax, and its lines
	}{
		"by line":              {[]string{lampBack(20, 1, "30.00", "3.90", "33.90")}, []string{"equal 30 3.9: Lamp 1×30 of line 1"}},
		"more decimals":        {[]string{lampBack(20, 1, "30.004", "3.9039", "33.90")}, []string{"equal 30 3.9: Lamp 1×30 of line 1"}},
		"only money of a line": {[]string{lampBack(20, 0, "5.00", "0.65", "5.65")}, []string{"equal 5 0.65: Lamp 1×5 of line 1"}},
		"only a tax":           {[]string{lampBack(20, 3, "0.00", "0.01", "0.01")}, []string{"equal 0 0.01: Lamp 3×0 of line 1"}},
		"an amount":            {[]string{`{"id":20,"amount":"5.00","reason":"Sorry"}`}, []string{"equal 5 0: Sorry 1×5 of line 0"}},
		"only shipping": {[]string{`{"id":20,"amount":"11.30","shipping_lines":[{"id":120,"method_title":"Post","total":"-10.00","total_tax":"-1.30","taxes":[{"id":4,"total":"-1.3"}],"meta_data":[{"key":"_refunded_item_id","value":2}]}]}`},
			[]string{"equal 10 1.3: Post 1×10 of line 2"}},
		"all at once":           {[]string{rest}, []string{"equal 97 12.61: Lamp 3×30 of line 1; Post 1×10 of line 2; Loyal 1×-3 of line 3"}},
		"all that is left":      {[]string{lampBack(20, 1, "30.00", "3.90", "33.90"), strings.Replace(rest, "109.61", "75.71", 1)}, []string{"equal 30 3.9: Lamp 1×30 of line 1", "equal 67 8.71: Lamp 2×30 of line 1; Post 1×10 of line 2; Loyal 1×-3 of line 3"}},
		"the rest of an amount": {[]string{`{"id":20,"amount":"9.61"}`, strings.Replace(rest, "109.61", "100.00", 1)}, []string{"equal 9.61 0: Refund 1×9.61 of line 0", "equal 100 0: Order fully refunded. 1×100 of line 0"}},
		"a cent off":            {[]string{lampBack(20, 1, "30.00", "3.90", "33.91")}, []string{"rounded 30 3.91: Lamp 1×30 of line 1"}},
		"lines and more":        {[]string{lampBack(20, 1, "30.00", "3.90", "40.00")}, []string{"mismatch 30 3.9: Lamp 1×30 of line 1"}},
		"not in their order":    {[]string{`{"id":21,"amount":"2.00"}`, `{"id":20,"amount":"1.00"}`, `{"id":21,"amount":"2.00"}`}, []string{"equal 1 0: Refund 1×1 of line 0", "equal 2 0: Refund 1×2 of line 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, r := range refunded(t, "0", c.refunds...) {
				var lines []string
				sum := decimal.Zero
				for _, l := range r.Lines {
					lines = append(lines, fmt.Sprintf("%s %s×%s of line %d", l.Name, l.Quantity, l.Price, l.LineID))
					sum = sum.Add(amount(l.Price, l.Quantity, l.Discount, 2))
					for _, x := range l.Taxes {
						sum = sum.Add(x.Amount)
					}
				}
				if r.State != Mismatch && !sum.Equal(r.Amount) {
					t.Errorf("the lines come to %s, the refund to %s", sum, r.Amount)
				}
				got = append(got, fmt.Sprintf("%s %s %s: %s", r.State, r.Untaxed, r.Tax, strings.Join(lines, "; ")))
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestRestockedPieces gives back goods only as far as the store put them on the shelf.
func TestRestockedPieces(t *testing.T) {
	t.Parallel()
	got := refunded(t, "2", lampBack(20, 1, "30.00", "3.90", "33.90"), lampBack(21, 2, "60.00", "7.80", "67.80"))
	if a, b := got[0].Lines[0].Back, got[1].Lines[0].Back; !a.Equal(decimal.New(1, 0)) || !b.Equal(decimal.New(1, 0)) {
		t.Errorf("%s and %s pieces came back, want 1 and 1", a, b)
	}
	if got := refunded(t, "", lampBack(20, 1, "30.00", "3.90", "33.90")); !got[0].Lines[0].Back.IsZero() {
		t.Errorf("%s pieces came back, and the store says of none", got[0].Lines[0].Back)
	}
}
