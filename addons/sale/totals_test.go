package sale_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

func TestTotals(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	gst := s.tax("GST 5%", "5", nil)
	qst := s.tax("QST 9.975%", "9.975", nil)
	eco := s.tax("Eco", "0.25", orm.Values{"amount_type": "fixed"})
	vat := s.tax("VAT 20%", "20", orm.Values{"price_include_override": "tax_included"})
	p := s.product("Desk", "10", nil)
	cents := []orm.Values{line(p, "1", "0.5", s.hst), line(p, "1", "1.5", s.hst), line(p, "1", "2.5", s.hst)}
	for name, tc := range map[string]struct {
		rounding string
		lines    []orm.Values
		want     string
	}{
		"per line":           {"round_per_line", cents, "4.5 + 0.6 = 5.1"},
		"globally":           {"round_globally", cents, "4.5 + 0.59 = 5.09"},
		"two taxes":          {"round_per_line", []orm.Values{line(p, "3", "9.99", gst, qst)}, "29.97 + 4.49 = 34.46"},
		"two taxes globally": {"round_globally", []orm.Values{line(p, "3", "9.99", gst, qst), line(p, "1", "0.33", gst, qst)}, "30.3 + 4.54 = 34.84"},
		"fixed":              {"round_per_line", []orm.Values{line(p, "4", "10", eco, s.hst)}, "40 + 6.2 = 46.2"},
		"included":           {"round_per_line", []orm.Values{line(p, "1", "120", vat), line(p, "3", "9.99", vat)}, "124.97 + 25 = 149.97"},
		"discount":           {"round_per_line", []orm.Values{with(line(p, "3", "19.99", s.hst), "discount", dec("33.33"))}, "39.98 + 5.2 = 45.18"},
		"negative line":      {"round_per_line", []orm.Values{line(p, "2", "10", s.hst), line(p, "1", "-5", s.hst)}, "15 + 1.95 = 16.95"},
		"free":               {"round_per_line", []orm.Values{line(p, "2", "0", s.hst)}, "0 + 0 = 0"},
		"section and note": {"round_per_line", []orm.Values{{"display_type": "line_section", "name": "Part 1"}, line(p, "1", "10", s.hst),
			{"display_type": "line_note", "name": "Fragile"}}, "10 + 1.3 = 11.3"},
		"nothing": {"round_per_line", nil, "0 + 0 = 0"},
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			s.totals(s.order(orm.Values{"tax_rounding_method": tc.rounding}, tc.lines...), tc.want)
		})
	}
	s.T = t
	o := s.order(nil, with(line(p, "3", "19.99", s.hst), "discount", dec("10")))
	l := o.Lines.All()[0]
	if got := fmt.Sprint(l.PriceSubtotal, l.PriceTax, l.PriceTotal, l.ReduceTaxExcl, l.ReduceTaxIncl); got != "53.97 7.02 60.99 17.99 20.33" {
		t.Errorf("amounts of the line: %s", got)
	}
}

func TestTotalsFollowTheLines(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	gst := s.tax("GST 5%", "5", nil)
	p := s.product("Desk", "10.05", nil)
	o := s.order(nil, line(p, "1", "10", s.hst), line(p, "1", "20", s.hst))
	first, second := o.Lines.IDs()[0], o.Lines.IDs()[1]
	s.write("sale.order.line", first, orm.Values{"price_unit": dec("15")})
	s.totals(o, "35 + 4.55 = 39.55")
	s.write("sale.order.line", first, orm.Values{"tax_ids": set(gst)})
	s.totals(o, "35 + 3.35 = 38.35")
	s.write("sale.order.line", second, orm.Values{"discount": dec("50")})
	s.totals(o, "25 + 2.05 = 27.05")
	ok(t, s.env.Model("sale.order.line").Browse(second).Unlink())
	s.totals(o, "15 + 0.75 = 15.75")
	s.write("sale.order", o.ID, orm.Values{"order_line": []orm.Command{orm.UpdateLine(first, orm.Values{"price_unit": dec("2")}), orm.CreateLine(line(p, "2", "1.5", s.hst))}})
	s.totals(o, "5 + 0.49 = 5.49")
	// A price set by hand stays when the quantity changes.
	s.write("sale.order.line", first, orm.Values{"product_uom_qty": 7})
	s.totals(o, "17 + 1.09 = 18.09")
	s.write("sale.order.line", first, orm.Values{"product_uom_qty": 8, "price_unit": dec("1")})
	s.totals(o, "11 + 0.79 = 11.79")
	cents := s.order(orm.Values{"tax_rounding_method": "round_globally"}, line(p, "1", "0.5", s.hst), line(p, "1", "1.5", s.hst), line(p, "1", "2.5", s.hst))
	s.totals(cents, "4.5 + 0.59 = 5.09")
	s.write("sale.order", cents.ID, orm.Values{"tax_rounding_method": "round_per_line"})
	s.totals(cents, "4.5 + 0.6 = 5.1")
}

// What a change of lines does to an order is told on it, once.
func TestTotalsAreTracked(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	o := s.order(nil, line(p, "1", "10", s.hst), line(p, "1", "20", s.hst))
	told := func(want string) {
		t.Helper()
		rs := must[orm.Records](t)(s.env.Model("mail.tracking.value").Search(orm.And(orm.Leaf("mail_message_id.model", "=", "sale.order"), orm.Leaf("mail_message_id.res_id", "=", o.ID),
			orm.Leaf("field_id.name", "=", "amount_total")), orm.SearchOptions{Order: "id"}))
		got := ""
		for _, row := range must[[]orm.Values](t)(rs.ReadWire([]string{"old_value_float", "new_value_float"}, true)) {
			got += fmt.Sprint(row["old_value_float"], "→", row["new_value_float"], " ")
		}
		if got != want {
			t.Errorf("told: %s, want %s", got, want)
		}
	}
	told("")
	s.write("sale.order.line", o.Lines.IDs()[0], orm.Values{"price_unit": 30})
	told("33.9→56.5 ")
	s.write("sale.order", o.ID, orm.Values{"order_line": []orm.Command{orm.UpdateLine(o.Lines.IDs()[0], orm.Values{"price_unit": 40}), orm.CreateLine(line(p, "1", "50", s.hst))}})
	told("33.9→56.5 56.5→124.3 ")
	ok(t, s.env.Model("sale.order.line").Browse(o.Lines.IDs()[1]).Unlink())
	s.create("sale.order.line", with(line(p, "1", "1", s.hst), "order_id", o.ID))
	told("33.9→56.5 56.5→124.3 124.3→101.7 101.7→102.83 ")
	s.write("sale.order.line", o.Lines.IDs()[0], orm.Values{"name": "Other words"})
	told("33.9→56.5 56.5→124.3 124.3→101.7 101.7→102.83 ")
}

// The amounts of a shop are kept, whatever its taxes would compute, until what
// they are for changes.
func TestAmountsOfAShop(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	gst := s.tax("GST 5%", "5", nil)
	p := s.product("Desk", "10", nil)
	override := func(pairs ...any) orm.JSON {
		amounts := map[int64]decimal.Decimal{}
		for i := 0; i < len(pairs); i += 2 {
			amounts[pairs[i].(int64)] = dec(pairs[i+1].(string))
		}
		return account.NewTaxOverride(amounts)
	}
	o := s.order(orm.Values{"tax_rounding_method": "round_per_line"},
		with(line(p, "3", "3.333333", s.hst, gst), "tax_override", override(s.hst, "1.31", gst, "0.49")),
		with(line(p, "1", "5", s.hst), "tax_override", override(s.hst, "0")),
		line(p, "1", "2", s.hst))
	s.totals(o, "17 + 2.06 = 19.06")
	exact := &shop{T: t, env: s.env.WithContext(map[string]any{account.KeyFullPrecision: true}), customer: s.customer}
	o = exact.order(orm.Values{"tax_rounding_method": "round_globally"},
		with(line(p, "3", "3.333333", s.hst), "tax_override", override(s.hst, "1.2987")),
		with(line(p, "2", "1.116667", s.hst), "tax_override", override(s.hst, "0.2879")))
	s.totals(o, "12.23 + 1.59 = 13.82")
	if l := o.Lines.All()[0]; l.PriceUnit.String() != "3.333333" || l.PriceTax.String() != "1.3" {
		t.Errorf("line of %s with tax %s", l.PriceUnit, l.PriceTax)
	}
	// What the amounts were for changes: the taxes compute again.
	s.write("sale.order.line", o.Lines.IDs()[0], orm.Values{"price_unit": dec("4"), "product_uom_qty": 3})
	s.totals(o, "14.23 + 1.85 = 16.08")
	s.write("sale.order.line", o.Lines.IDs()[0], orm.Values{"price_unit": dec("5"), "tax_override": override(s.hst, "2")})
	s.totals(o, "17.23 + 2.29 = 19.52")
	copied := s.get(must[orm.Records](t)(orm.RecordsOf(s.env, o).Copy(nil)).ID())
	s.totals(copied, "17.23 + 2.29 = 19.52")
	s.refused("tax_override", func() error {
		return s.env.Model("sale.order.line").Browse(o.Lines.IDs()[0]).Write(orm.Values{"tax_override": map[string]any{"x": "y"}})
	})
}

func TestTaxTotals(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	gst := s.tax("GST 5%", "5", nil)
	p := s.product("Desk", "10", nil)
	o := s.order(nil, line(p, "3", "9.99", s.hst), line(p, "1", "5", gst))
	ok(t, orm.Load(s.env, []*sale.Order{o}, "tax_totals"))
	var got struct {
		Base   json.Number `json:"base_amount"`
		Tax    json.Number `json:"tax_amount"`
		Total  json.Number `json:"total_amount"`
		Groups []struct {
			Groups []struct {
				Tax json.Number `json:"tax_amount"`
			} `json:"tax_groups"`
		} `json:"subtotals"`
	}
	ok(t, json.Unmarshal(o.TaxTotals.Get(), &got))
	if s := fmt.Sprintln(got.Base, got.Tax, got.Total, got.Groups[0].Groups[0].Tax, got.Groups[0].Groups[1].Tax); s != "34.97 4.15 39.12 3.9 0.25\n" {
		t.Errorf("tax totals %s of %s", s, o.TaxTotals.Get())
	}
}
