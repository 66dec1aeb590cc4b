package ordermap

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/account/taxcalc"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/ormtest"

	"github.com/shopspring/decimal"
)

// recorded are the orders of a real store, and its tax table.
func recorded(t testing.TB) (orders []wcapi.Order, rates []wcapi.Tax) {
	t.Helper()
	f, err := os.Open("testdata/orders.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o wcapi.Order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatal(err)
		}
		orders = append(orders, o)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/taxes.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &rates); err != nil {
		t.Fatal(err)
	}
	return orders, rates
}

// TestRecordedOrdersToTheCent maps every order of the recorded store and
// compares, amount by amount, with what the store says.
func TestRecordedOrdersToTheCent(t *testing.T) {
	t.Parallel()
	orders, rates := recorded(t)
	states, classes := map[State]int{}, map[Class]int{}
	odd := map[int64]string{}
	for _, o := range orders {
		got := Map(Input{Order: o, Rates: rates, Places: 2, Tolerance: 2})
		states[got.State]++
		classes[got.Class]++
		if got.State != Equal {
			odd[got.ID] = fmt.Sprint(got.State)
		}
		adds(t, got)
		if bare := Map(Input{Order: o, Places: 2, Tolerance: 2}); bare.Digest() != got.Digest() {
			t.Errorf("order %d: the digest depends on the store's tax table of today", got.ID)
		}
		total, tax := o.Total.Decimal, o.TotalTax.Decimal
		if !got.Totals.Total.Equal(total) || !got.Totals.Tax.Equal(tax) || !got.Totals.Untaxed.Equal(total.Sub(tax)) {
			t.Errorf("order %d: totals %+v, the store says %s with %s tax", got.ID, got.Totals, total, tax)
		}
		// Each line, and each tax of the summary, as the store says.
		sums := map[int64]decimal.Decimal{}
		for _, l := range got.Lines {
			for _, x := range l.Taxes {
				sums[x.RateID] = sums[x.RateID].Add(x.Amount)
			}
		}
		for _, x := range o.TaxLines {
			if want := x.TaxTotal.Decimal.Add(x.ShippingTaxTotal.Decimal); got.State == Equal && !sums[int64(x.RateID)].Equal(want) {
				t.Errorf("order %d: %s is %s, the store says %s", got.ID, x.Label, sums[int64(x.RateID)], want)
			}
		}
		for _, it := range o.Lines {
			if n := find(got, int64(it.ID)); n == nil || !n.Total.Equal(it.Total.Decimal) || !n.Quantity.Equal(it.Quantity.Decimal) {
				t.Errorf("order %d line %d: %+v, the store says %s pieces for %s", got.ID, it.ID, n, it.Quantity, it.Total)
			}
		}
	}
	if len(orders) != 154 || states[Equal] != 152 || states[Rounded] != 2 || states[Mismatch] != 0 {
		t.Errorf("%d orders: %v", len(orders), states)
	}
	if fmt.Sprint(odd) != "map[346:rounded 353:rounded]" {
		t.Errorf("not equal: %v", odd)
	}
	if fmt.Sprint(classes) != "map[cancelled:6 ignore:6 import:121 refunded:5 wait:16]" {
		t.Errorf("%v", classes)
	}
}

func find(o Order, id int64) *Line {
	for i := range o.Lines {
		if o.Lines[i].LineID == id {
			return &o.Lines[i]
		}
	}
	return nil
}

// adds checks what an order that is not a mismatch promises, with arithmetic
// of its own.
func adds(t testing.TB, o Order) {
	t.Helper()
	if o.State == Mismatch {
		if len(o.Notes) == 0 {
			t.Errorf("order %d does not match and does not say why", o.ID)
		}
		return
	}
	unit := decimal.New(1, -o.Places)
	untaxed, tax := decimal.Zero, decimal.Zero
	keys := map[string]bool{}
	for _, l := range o.Lines {
		if keys[l.Key] {
			t.Errorf("order %d has two lines %s", o.ID, l.Key)
		}
		keys[l.Key] = true
		res := taxcalc.Compute(taxcalc.Line{Price: l.Price, Quantity: l.Quantity, Discount: l.Discount}, taxcalc.Rounding{Unit: unit})
		if !res.Excluded.Equal(l.Total) || !l.Total.Equal(l.Total.Round(o.Places)) {
			t.Errorf("order %d line %s: %s × %s − %s%% is %s, not %s", o.ID, l.Key, l.Quantity, l.Price, l.Discount, res.Excluded, l.Total)
		}
		if l.Price.Exponent() < -digits || l.Discount.Exponent() < -digits || l.Discount.IsNegative() || l.Discount.GreaterThan(hundred) {
			t.Errorf("order %d line %s: price %s, discount %s", o.ID, l.Key, l.Price, l.Discount)
		}
		untaxed = untaxed.Add(l.Total)
		for _, x := range l.Taxes {
			if !x.Amount.Equal(x.Amount.Round(o.Places)) {
				t.Errorf("order %d line %s: tax %s is not rounded", o.ID, l.Key, x.Amount)
			}
			tax = tax.Add(x.Amount)
		}
	}
	if !untaxed.Equal(o.Totals.Untaxed) || !tax.Equal(o.Totals.Tax) || !untaxed.Add(tax).Equal(o.Totals.Total) {
		t.Errorf("order %d (%s): lines %s + tax %s, totals %s + %s = %s; %v", o.ID, o.State, untaxed, tax, o.Totals.Untaxed, o.Totals.Tax, o.Totals.Total, o.Notes)
	}
	if o.State == Equal && len(o.Notes) > 0 && strings.Contains(o.Notes[0], "adjusted") || o.State == Rounded && len(o.Notes) == 0 {
		t.Errorf("order %d is %s: %v", o.ID, o.State, o.Notes)
	}
}

// kinds of orders that are worth reading: a golden file each.
var kinds = []struct {
	id   int64
	name string
}{
	{288, "two taxes on 3x9.99"}, {289, "fee of a cent"}, {290, "coupon percent"}, {291, "two coupons"}, {292, "coupon on products"},
	{293, "coupon larger than the goods"}, {294, "free by coupon"}, {295, "coupon name with entities"}, {296, "two shipping lines"},
	{297, "refunded in full"}, {298, "local pickup"}, {299, "no shipping"}, {300, "negative fee with tax"}, {301, "negative fee of store credit"},
	{302, "fees of two tax classes"}, {303, "three tax classes and a refund"}, {304, "compound tax"}, {305, "quantity 12 two refunds"},
	{306, "tax exempt"}, {307, "dollars"}, {309, "euros"}, {311, "guest with a registered mail"}, {312, "mail in capitals"}, {315, "company only"},
	{316, "address without state"}, {319, "only a mail"}, {320, "no mail"}, {322, "chinese name"}, {323, "another delivery address"},
	{324, "emoji"}, {325, "very long name"}, {326, "delivery in another province"}, {327, "line details and price overridden"},
	{328, "line totals of four decimals"}, {329, "quantity 144"}, {331, "deposit without tax"}, {332, "only shipping is taxed"},
	{334, "free product"}, {335, "variations"}, {336, "variation with a free attribute"}, {337, "one product on two lines"},
	{338, "one product deleted"}, {339, "only product deleted"}, {342, "no lines"}, {343, "status of an extension"}, {344, "only a fee"},
	{345, "tax rounded at subtotal"}, {346, "tax rounded at subtotal with coupon"}, {347, "prices with tax"}, {348, "prices with two taxes"},
	{349, "prices with two taxes and coupon"}, {350, "prices with compound tax"}, {351, "block checkout prices with tax"},
	{353, "summary of a tax nobody charged"}, {382, "checkout draft"},
}

func TestGolden(t *testing.T) {
	t.Parallel()
	orders, rates := recorded(t)
	by := map[int64]wcapi.Order{}
	for _, o := range orders {
		by[int64(o.ID)] = o
	}
	for _, k := range kinds {
		o, ok := by[k.id]
		if !ok {
			t.Fatalf("order %d is not recorded", k.id)
		}
		got := Map(Input{Order: o, Rates: rates, Places: 2, Tolerance: 2})
		ormtest.Golden(t, fmt.Sprintf("mapped/%d-%s.txt", k.id, strings.ReplaceAll(k.name, " ", "-")), render(got))
	}
}

// render writes an order for people.
func render(o Order) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("order %s (id %d), status %s: %s", o.Number, o.ID, o.Status, o.Class)
	if o.Why != "" {
		p("why: %s", o.Why)
	}
	p("placed %s through %s, paid %s, completed %s", when(o.Created), o.Via, when(o.Paid), when(o.Completed))
	p("payment %s %q %s", o.Payment.Method, o.Payment.Title, o.Payment.Transaction)
	c := o.Customer
	p("customer %d %q key %q company %q (is one: %t) phone %q", c.ID, c.Name, c.Key, c.Company, c.IsCompany, c.Phone)
	p("billing  %s", line(c.Billing))
	if c.Elsewhere {
		p("shipping %s", line(c.Shipping))
	}
	if o.Remark != "" {
		p("remark %q", o.Remark)
	}
	for _, l := range o.Lines {
		p("line %s %s product %d/%d sku %q", l.Key, l.Kind, l.ProductID, l.VariationID, l.SKU)
		p("     %q %q", l.Name, l.Details)
		if l.Kind == Note {
			continue
		}
		taxes := ""
		for _, x := range l.Taxes {
			taxes += fmt.Sprintf(" + %s of rate %d", x.Amount, x.RateID)
		}
		p("     %s × %s − %s%% = %s%s", l.Quantity, l.Price, l.Discount, l.Total, taxes)
	}
	for _, r := range o.Rates {
		p("rate %d %q %s%% compound %t at %s-%s class %q priority %d", r.ID, r.Name, r.Percent, r.Compound, r.Country, r.State, r.Class, r.Priority)
	}
	for _, r := range o.Refunds {
		p("refund %d of %s: %q", r.ID, r.Amount, r.Reason)
	}
	t := o.Totals
	p("totals %s + %s = %s %s; shipping %s + %s, discount %s, refunded %s", t.Untaxed, t.Tax, t.Total, o.Currency, t.Shipping, t.ShippingTax, t.Discount, t.Refunded)
	p("state %s", o.State)
	for _, n := range o.Notes {
		p("note %s", n)
	}
	keys := make([]string, 0, len(o.Meta))
	for k := range o.Meta {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		p("meta %s = %q", k, o.Meta[k])
	}
	return b.String()
}

func line(a Address) string {
	return fmt.Sprintf("%q %q | %q %q | %q %q %q %q | %q", a.Name, a.Company, a.Street, a.Street2, a.City, a.State, a.Zip, a.Country, a.Phone)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.RFC3339)
}
