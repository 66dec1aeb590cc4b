package ordermap

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

// shop places random orders as WooCommerce computes them.
type shop struct {
	r          *rand.Rand
	places     int32
	included   bool // prices include tax
	atSubtotal bool // tax is rounded once
	rates      []wcapi.TaxLine
}

func (s *shop) round(d decimal.Decimal) decimal.Decimal {
	if s.included {
		return halfDown(d, s.places)
	}
	return halfUp(d, s.places)
}

// taxed is the raw tax of an amount without tax.
func (s *shop) taxed(net decimal.Decimal) []wcapi.LineTax {
	var out []wcapi.LineTax
	on := net
	for _, r := range s.rates {
		base := net
		if r.Compound {
			base = on
		}
		t := base.Mul(r.RatePercent.Decimal).DivRound(hundred, 6)
		on = on.Add(t)
		out = append(out, wcapi.LineTax{RateID: r.RateID, Total: wcapi.NewAmount(t)})
	}
	return out
}

func (s *shop) order(id int) wcapi.Order {
	o := wcapi.Order{ID: wcapi.ID(id), Status: "processing", Currency: "CAD", PricesIncludeTax: wcapi.Flag(s.included)}
	show := func(d decimal.Decimal) wcapi.Amount { return wcapi.NewAmount(d.Round(s.places)) }
	whole := decimal.Zero
	exact, each := map[wcapi.ID]decimal.Decimal{}, map[wcapi.ID]decimal.Decimal{}
	lineTax := func(taxes []wcapi.LineTax) wcapi.Amount {
		sum := decimal.Zero
		for _, t := range taxes {
			exact[t.RateID] = exact[t.RateID].Add(t.Total.Decimal)
			each[t.RateID] = each[t.RateID].Add(s.round(t.Total.Decimal))
			sum = sum.Add(s.round(t.Total.Decimal))
		}
		return show(sum)
	}
	add := func(net decimal.Decimal) {
		if s.atSubtotal {
			whole = whole.Add(net)
		} else {
			whole = whole.Add(net.Round(s.places))
		}
	}
	for i := range s.r.IntN(9) {
		qty := decimal.New(int64(1+s.r.IntN(150)), 0)
		if s.r.IntN(8) == 0 {
			qty = decimal.New(int64(1+s.r.IntN(5000)), -3)
		}
		sub := decimal.New(int64(s.r.IntN(30000)), -s.places).Mul(qty).Round(s.places + 4)
		if s.included {
			sub = sub.DivRound(decimal.New(int64(100+s.r.IntN(20)), -2), 6)
		}
		net := sub
		if s.r.IntN(3) == 0 {
			net = sub.Mul(decimal.New(int64(s.r.IntN(1001)), -3)).Round(6)
		}
		add(net)
		taxes := s.taxed(net)
		o.Lines = append(o.Lines, wcapi.LineItem{ID: wcapi.ID(10 + i), Name: "Thing", ProductID: 5, Quantity: wcapi.Number{Decimal: qty},
			Subtotal: show(sub), Total: show(net), Taxes: taxes, TotalTax: lineTax(taxes)})
	}
	for i := range s.r.IntN(3) {
		net := decimal.New(int64(s.r.IntN(5000)), -s.places)
		add(net)
		taxes := s.taxed(net)
		o.ShippingLines = append(o.ShippingLines, wcapi.ShippingLine{ID: wcapi.ID(50 + i), MethodTitle: "Post", Total: show(net), Taxes: taxes, TotalTax: lineTax(taxes)})
	}
	for i := range s.r.IntN(3) {
		net := decimal.New(int64(s.r.IntN(4000)-2000), -s.places)
		add(net)
		var taxes []wcapi.LineTax
		if s.r.IntN(2) == 0 {
			taxes = s.taxed(net)
		}
		o.FeeLines = append(o.FeeLines, wcapi.FeeLine{ID: wcapi.ID(70 + i), Name: "Fee", Total: show(net), Taxes: taxes, TotalTax: lineTax(taxes)})
	}
	tax := decimal.Zero
	for _, r := range s.rates {
		t := each[r.RateID]
		if s.atSubtotal {
			t = s.round(exact[r.RateID])
		}
		tax = tax.Add(t)
		r.TaxTotal = show(t)
		o.TaxLines = append(o.TaxLines, r)
	}
	o.TotalTax, o.Total = show(tax), show(whole.Round(s.places).Add(tax))
	return o
}

// TestAnyOrderOfAStoreMatches maps thousands of made-up orders, computed the
// ways a store computes them, in currencies of 0, 2 and 3 decimals.
func TestAnyOrderOfAStoreMatches(t *testing.T) {
	t.Parallel()
	states := map[string]int{}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		s := &shop{r: r, places: []int32{2, 2, 2, 0, 3}[r.IntN(5)], included: r.IntN(2) == 0, atSubtotal: r.IntN(2) == 0}
		for i := range r.IntN(4) {
			s.rates = append(s.rates, wcapi.TaxLine{RateID: wcapi.ID(1 + i), Label: fmt.Sprint("Tax ", i), Compound: wcapi.Flag(i > 0 && r.IntN(3) == 0),
				RatePercent: wcapi.Number{Decimal: decimal.New(int64(r.IntN(20000)), -3)}})
		}
		o := s.order(int(seed) + 1)
		got := Map(Input{Order: o, Places: s.places, Tolerance: 2})
		adds(t, got)
		if got.State == Mismatch {
			t.Errorf("seed %d (places %d, included %t, at subtotal %t): %v", seed, s.places, s.included, s.atSubtotal, got.Notes)
		}
		if got.State != Equal && !s.atSubtotal {
			t.Errorf("seed %d is %s though each line was rounded: %v", seed, got.State, got.Notes)
		}
		states[fmt.Sprintf("%t %s", s.atSubtotal, got.State)]++
	}
	if states["true rounded"] < 200 || states["true equal"] < 200 || states["false equal"] < 1000 {
		t.Errorf("the orders do not show what they should: %v", states)
	}
}

// TestAnythingElseIsHeld changes one amount of such orders: whatever comes out
// adds up to the store's totals, or is a mismatch.
func TestAnythingElseIsHeld(t *testing.T) {
	t.Parallel()
	held := 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 8))
		s := &shop{r: r, places: 2, rates: []wcapi.TaxLine{{RateID: 1, Label: "One", RatePercent: wcapi.Number{Decimal: decimal.New(5, 0)}}, {RateID: 2, Label: "Two", RatePercent: wcapi.Number{Decimal: decimal.New(7, 0)}}}}
		o := s.order(int(seed) + 1)
		by := func(a *wcapi.Amount) {
			*a = wcapi.NewAmount(a.Decimal.Add(decimal.New(int64(20+r.IntN(5000)), -2)))
		}
		switch k := r.IntN(4); {
		case k == 0:
			by(&o.Total)
		case k == 1:
			by(&o.TotalTax)
		case k == 2 && len(o.Lines) > 0:
			by(&o.Lines[0].Total)
		case k == 3 && len(o.Lines) > 0 && len(o.Lines[0].Taxes) > 0:
			by(&o.Lines[0].Taxes[0].Total)
		default:
			continue
		}
		got := Map(Input{Order: o, Places: 2, Tolerance: 2})
		adds(t, got)
		if got.State != Mismatch {
			t.Errorf("seed %d is %s: %v", seed, got.State, got.Notes)
		}
		held++
	}
	if held < 1000 {
		t.Errorf("only %d orders were changed", held)
	}
}

// FuzzMap reads any JSON as an order.
func FuzzMap(f *testing.F) {
	orders, rates := recorded(f)
	for _, o := range orders[:20] {
		b, err := json.Marshal(o)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 2, 2)
	}
	f.Add([]byte(`{"id":"7","status":"processing","currency":"JPY","total":100.5,"total_tax":"","line_items":[{"id":1,"quantity":"0.333","total":"1e3","taxes":[{"id":9,"total":"x"}]}]}`), 0, 0)
	f.Add([]byte(`{"currency":"EUR","total":"30","line_items":[{"total":"10"},{"total":"10","quantity":1},{"total":"10","quantity":2}]}`), 2, 2)
	f.Fuzz(func(t *testing.T, raw []byte, places, tolerance int) {
		var o wcapi.Order
		if json.Unmarshal(raw, &o) != nil {
			return
		}
		adds(t, Map(Input{Order: o, Rates: rates, Places: int32(max(0, min(4, places))), Tolerance: max(0, min(5, tolerance))}))
	})
}
