package ordermap

import (
	"encoding/json"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

// vouchers finds the gift cards and the store credit that paid a part of the
// order. Extensions take their amount off the order's total and leave goods and
// taxes alone, so that the total lacks exactly what they paid; they tell it in
// various places. What the order says of vouchers is believed where it explains
// what the total lacks, and is put to a person where it does not.
func (m *mapper) vouchers() {
	o := &m.in.Order
	lines := decimal.Zero
	for _, l := range m.out.Lines {
		lines = lines.Add(l.Total)
	}
	lacks := lines.Sub(m.out.Totals.Untaxed)
	if lacks.IsZero() || !o.Total.Set {
		return
	}
	sources := m.voucherSources()
	var all []Voucher
	for _, s := range sources {
		all = append(all, s...)
	}
	for _, found := range append(sources, all) {
		paid := decimal.Zero
		for _, v := range found {
			paid = paid.Add(v.Amount)
		}
		if paid.IsPositive() && m.tolerated(lacks.Sub(paid)) {
			m.out.Vouchers = found
			t := &m.out.Totals
			t.Vouchers, t.Total, t.Untaxed = paid, t.Total.Add(paid), t.Untaxed.Add(paid)
			m.note("Gift cards or store credit paid %s of %s; %s are left for %s.", m.money(paid), m.money(t.Total), m.money(t.Total.Sub(paid)), named(m.out.Payment.Title, "other payments"))
			return
		}
	}
	for _, v := range all {
		m.note("The order says that gift cards or store credit paid %s%s.", m.money(v.Amount), withCode(v.Code))
	}
}

func withCode(code string) string {
	if code == "" {
		return ""
	}
	return " (" + code + ")"
}

// creditMeta are keys of an order's meta data under which extensions keep what
// store credit or gift cards paid: an amount, or amounts by code.
var creditMeta = []string{"_ywgc_applied_gift_cards", "_store_credit_used", "_wc_store_credit_used", "smart_coupons_contribution", "_funds_used", "_gift_cards_used", "_pw_gift_card_amount", "_wallet_amount_used"}

// voucherSources are the places where an order tells of vouchers, each with
// what it tells.
func (m *mapper) voucherSources() [][]Voucher {
	o := &m.in.Order
	var out [][]Voucher
	add := func(found []Voucher) {
		found = slices.DeleteFunc(found, func(v Voucher) bool { return v.Amount.IsZero() })
		if len(found) > 0 {
			out = append(out, found)
		}
	}
	voucher := func(code string, a wcapi.Amount) Voucher {
		return Voucher{clean(code), halfUp(a.Or(decimal.Zero).Abs(), m.in.Places)}
	}
	var cards []Voucher
	for _, g := range o.GiftCards {
		cards = append(cards, voucher(g.Code, g.Amount))
	}
	add(cards)
	for _, e := range o.MetaData {
		if !slices.Contains(creditMeta, e.Key) {
			continue
		}
		var found []Voucher
		var one wcapi.Amount
		byCode := map[string]wcapi.Amount{}
		switch {
		case json.Unmarshal(e.Value, &one) == nil:
			found = append(found, voucher("", one))
		case json.Unmarshal(e.Value, &byCode) == nil:
			for code, a := range byCode {
				found = append(found, voucher(code, a))
			}
			slices.SortFunc(found, func(a, b Voucher) int { return strings.Compare(a.Code, b.Code) })
		}
		add(found)
	}
	// Coupons of extensions may be credit: then no line is less by them.
	var credit []Voucher
	for _, c := range o.CouponLines {
		if !slices.Contains([]string{"", "percent", "fixed_cart", "fixed_product"}, c.DiscountType) {
			credit = append(credit, voucher(c.Code, wcapi.NewAmount(c.Discount.Or(decimal.Zero).Add(c.DiscountTax.Or(decimal.Zero)))))
		}
	}
	add(credit)
	return out
}
