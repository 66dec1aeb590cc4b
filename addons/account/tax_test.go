package account_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
)

func TestTaxesOfInvoices(t *testing.T) {
	t.Parallel()
	included := orm.Values{"price_include_override": "tax_included"}
	for name, tc := range map[string]struct {
		lines  func(b *books) []orm.Values
		global bool
		totals string
		items  []string
	}{
		"rounded on each line": {func(b *books) []orm.Values {
			tax := b.tax("A", "13")
			return []orm.Values{line("0.05", "1", tax), line("0.05", "1", tax), line("0.05", "1", tax)}
		}, false, "0.15 + 0.03 = 0.18", []string{"tax 400000 -0.03"}},
		"rounded once": {func(b *books) []orm.Values {
			tax := b.tax("A", "13")
			return []orm.Values{line("0.05", "1", tax), line("0.05", "1", tax), line("0.05", "1", tax)}
		}, true, "0.15 + 0.02 = 0.17", []string{"tax 400000 -0.02"}},
		"two taxes of one line": {func(b *books) []orm.Values {
			return []orm.Values{line("9.99", "3", b.tax("GST", "5"), b.tax("QST", "9.975"))}
		}, false, "29.97 + 4.49 = 34.46", []string{"tax 400000 -1.5", "tax 400000 -2.99"}},
		"one tax on the other": {func(b *books) []orm.Values {
			first := b.tax("First", "10", orm.Values{"sequence": 1, "include_base_amount": true})
			second := b.tax("Second", "20", orm.Values{"sequence": 2})
			return []orm.Values{line("100", "1", second, first)}
		}, false, "100 + 32 = 132", []string{"tax 400000 -10", "tax 400000 -22"}},
		"one beside the other": {func(b *books) []orm.Values {
			first := b.tax("First", "10", orm.Values{"sequence": 1, "include_base_amount": true})
			second := b.tax("Second", "20", orm.Values{"sequence": 2, "is_base_affected": false})
			return []orm.Values{line("100", "1", first, second)}
		}, false, "100 + 30 = 130", []string{"tax 400000 -10", "tax 400000 -20"}},
		"in the price": {func(b *books) []orm.Values {
			return []orm.Values{line("9.99", "3", b.tax("VAT", "20", included)), line("120", "1", b.tax("VAT 2", "20", included))}
		}, false, "124.97 + 25 = 149.97", []string{"tax 400000 -5", "tax 400000 -20"}},
		"in the price, rounded once": {func(b *books) []orm.Values {
			tax := b.tax("VAT", "21", included)
			return []orm.Values{line("0.10", "1", tax), line("0.10", "1", tax), line("0.10", "1", tax)}
		}, true, "0.25 + 0.05 = 0.3", []string{"tax 400000 -0.05"}},
		"an amount by quantity": {func(b *books) []orm.Values {
			return []orm.Values{line("10", "4", b.tax("Eco fee", "0.25", orm.Values{"amount_type": "fixed"}))}
		}, false, "40 + 1 = 41", []string{"tax 400000 -1"}},
		"a share of the price with tax": {func(b *books) []orm.Values {
			return []orm.Values{line("90", "1", b.tax("Share", "10", orm.Values{"amount_type": "division"}))}
		}, false, "90 + 10 = 100", []string{"tax 400000 -10"}},
		"a group": {func(b *books) []orm.Values {
			children := []orm.Command{orm.SetIDs(b.tax("GST", "5"), b.tax("PST", "7"))}
			return []orm.Values{line("100", "1", b.tax("Both", "0", orm.Values{"amount_type": "group", "children_tax_ids": children}))}
		}, false, "100 + 12 = 112", []string{"tax 400000 -5", "tax 400000 -7"}},
		"divided over two accounts": {func(b *books) []orm.Values {
			share := func(percent int, account string) orm.Command {
				return orm.CreateLine(orm.Values{"repartition_type": "tax", "factor_percent": percent, "account_id": b.account(account)})
			}
			lines := []orm.Command{orm.CreateLine(orm.Values{"repartition_type": "base"}), share(50, "251000"), share(50, "252000")}
			return []orm.Values{line("0.50", "1", b.tax("Halves", "10", orm.Values{"invoice_repartition_line_ids": lines, "refund_repartition_line_ids": lines}))}
		}, false, "0.5 + 0.05 = 0.55", []string{"tax 251000 -0.02", "tax 252000 -0.03"}},
		"reverse charge": {func(b *books) []orm.Values {
			share := func(percent int, account string) orm.Command {
				return orm.CreateLine(orm.Values{"repartition_type": "tax", "factor_percent": percent, "account_id": b.account(account)})
			}
			lines := []orm.Command{orm.CreateLine(orm.Values{"repartition_type": "base"}), share(100, "251000"), share(-100, "131000")}
			return []orm.Values{line("100", "1", b.tax("Reverse", "21", orm.Values{"invoice_repartition_line_ids": lines, "refund_repartition_line_ids": lines}))}
		}, false, "100 + 0 = 100", []string{"tax 251000 -21", "tax 131000 21"}},
		"a discount": {func(b *books) []orm.Values {
			l := line("33.33", "3", b.tax("A", "20"))
			l["discount"] = dec("10")
			return []orm.Values{l}
		}, false, "89.99 + 18 = 107.99", []string{"tax 400000 -18"}},
		"a negative line": {func(b *books) []orm.Values {
			tax := b.tax("A", "13")
			return []orm.Values{line("100", "1", tax), line("-10.05", "1", tax)}
		}, false, "89.95 + 11.69 = 101.64", []string{"tax 400000 -11.69"}},
		"none": {func(*books) []orm.Values { return []orm.Values{line("100", "1")} }, false, "100 + 0 = 100", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBooks(t)
			vals := orm.Values{}
			if tc.global {
				vals["tax_rounding_method"] = "round_globally"
			}
			id := b.document("out_invoice", vals, tc.lines(b)...)
			m := b.move(id)
			if got := fmt.Sprintf("%s + %s = %s", m.AmountUntaxed, m.AmountTax, m.AmountTotal); got != tc.totals {
				t.Errorf("totals %s, want %s", got, tc.totals)
			}
			var taxes []string
			for _, l := range m.LineIDs.All() {
				if l.DisplayType == account.DisplayTax {
					taxes = append(taxes, fmt.Sprintf("tax %s %s", l.AccountID.Rec().Code, l.Balance))
				}
			}
			if !sameSet(taxes, tc.items) {
				t.Errorf("tax items %v, want %v", taxes, tc.items)
			}
			ok(t, account.Post(b.env, id))
			if got := b.items(id); len(got) == 0 || got[len(got)-1] == '!' {
				t.Error(got)
			}
			sameAsDocument(b, id)
		})
	}
}

// sameAsDocument checks that what an order would compute is what was booked.
func sameAsDocument(b *books, id int64) {
	b.Helper()
	m := must[*account.Move](b.T)(orm.Get[account.Move](b.env, id, "line_ids.tax_ids"))
	doc := &account.Document{Company: m.CompanyID.ID, Currency: m.CurrencyID.ID, Date: m.InvoiceDate, Rounding: m.TaxRounding, Refund: m.IsRefund()}
	var lines []*account.MoveLine
	for _, l := range m.LineIDs.All() {
		if l.DisplayType == account.DisplayProduct {
			lines = append(lines, l)
			doc.Lines = append(doc.Lines, account.DocumentLine{Price: l.PriceUnit, Quantity: l.Quantity, Discount: l.Discount, Taxes: l.TaxIDs.IDs(), Override: l.TaxOverride})
		}
	}
	ok(b.T, doc.Compute(b.env))
	if !doc.Untaxed.Equal(m.AmountUntaxed) || !doc.Tax.Equal(m.AmountTax) {
		b.Errorf("an order would say %s + %s", doc.Untaxed, doc.Tax)
	}
	for i, l := range lines {
		if r := doc.Results[i]; !r.Subtotal.Equal(l.PriceSubtotal) || !r.Total.Equal(l.PriceTotal) {
			b.Errorf("line %d shows %s and %s, an order would %s and %s", i, l.PriceSubtotal, l.PriceTotal, r.Subtotal, r.Total)
		}
	}
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	count := map[string]int{}
	for i := range a {
		count[a[i]]++
		count[b[i]]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestTotalsByTaxGroup(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	company := b.ref("base.main_company")
	gst := b.create("account.tax.group", orm.Values{"name": "GST", "company_id": company, "sequence": 1})
	hst := b.create("account.tax.group", orm.Values{"name": "HST", "company_id": company, "sequence": 2})
	id := b.invoice(line("29.97", "1", b.tax("HST 13%", "13", orm.Values{"tax_group_id": hst})), line("5", "1", b.tax("GST 5%", "5", orm.Values{"tax_group_id": gst})))
	raw := must[any](t)(b.env.Model("account.move").Browse(id).Value("tax_totals"))
	var got struct {
		Base  json.Number `json:"base_amount"`
		Tax   json.Number `json:"tax_amount"`
		Total json.Number `json:"total_amount"`
		Same  bool        `json:"same_tax_base"`
		Sub   []struct {
			Groups []struct {
				Name string      `json:"group_name"`
				Tax  json.Number `json:"tax_amount"`
				Base json.Number `json:"base_amount"`
			} `json:"tax_groups"`
		} `json:"subtotals"`
	}
	ok(t, json.Unmarshal([]byte(fmt.Sprintf("%s", raw)), &got))
	want := "{34.97 4.15 39.12 false [{[{GST 0.25 5} {HST 3.9 29.97}]}]}"
	if s := fmt.Sprint(got); s != want {
		t.Errorf("totals %s, want %s", s, want)
	}
}

func TestTaxRules(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	used := b.tax("Used", "5")
	b.invoice(line("1", "1", used))
	refused(t, b.env.Model("account.tax").Browse(used).Unlink(), "Archive it")
	_, err := b.env.Model("account.tax").Create(orm.Values{"name": "Used", "amount": 7, "type_tax_use": "sale"})
	refused(t, err, "unique")
	group := b.tax("Group", "0", orm.Values{"amount_type": "group"})
	_, err = b.env.Model("account.tax").Create(orm.Values{"name": "Groups", "amount_type": "group", "children_tax_ids": []orm.Command{orm.SetIDs(group)}})
	refused(t, err, "Recursion")
	purchase := must[orm.Records](t)(b.env.Model("account.tax").Create(orm.Values{"name": "Purchase", "amount": 7, "type_tax_use": "purchase"})).ID()
	refused(t, b.env.Model("account.tax").Browse(group).Write(orm.Values{"children_tax_ids": []orm.Command{orm.SetIDs(purchase)}}), "scope")
	ok(t, b.env.Model("res.company").Browse(b.ref("base.main_company")).Write(orm.Values{"account_price_include": "tax_included"}))
	id := b.invoice(line("105", "1", used))
	b.shows(id, "100 + 5 = 105, due 105 not_paid")
	found := must[orm.Records](t)(b.env.Model("account.tax").Search(orm.And(orm.Leaf("price_include", "=", true), orm.Leaf("id", "=", used)), orm.SearchOptions{}))
	if found.Len() != 1 {
		t.Error("a tax included by the company's choice is not found as such")
	}
}
