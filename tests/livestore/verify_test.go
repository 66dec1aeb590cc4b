package livestore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// result counts what became of the store's orders.
type result struct {
	orders                int
	equal, rounded        int
	held                  map[string][]int64 // by reason
	not                   map[string]int     // not imported, by the store's status
	sales, invoices, lost int
}

func (r result) String() string {
	var held []string
	for _, why := range slices.Sorted(maps.Keys(r.held)) {
		held = append(held, fmt.Sprintf("%d for “%s” %v", len(r.held[why]), why, r.held[why]))
	}
	return fmt.Sprintf("%d orders: %d equal, %d rounded, %d held %v, not imported by status %v; %d sale orders, %d invoices",
		r.orders, r.equal, r.rounded, len(held), held, r.not, r.sales, r.invoices)
}

// verify compares every order of the store with what became of it here. The
// figures of the documents are read with SQL, so that nothing of the import
// has a say in them.
func (e *erp) verify() result {
	e.t.Helper()
	r := result{held: map[string][]int64{}, not: map[string]int{}}
	rows, err := e.db.QueryContext(context.Background(), `SELECT o.woo_id, o.state, COALESCE(o.totals_state, ''), COALESCE(o.hold_reason, ''), COALESCE(s.state, ''),
			COALESCE(s.amount_total, 0), COALESCE(s.amount_tax, 0), COALESCE(sc.name, ''), COALESCE(s.client_order_ref, ''), COALESCE(p.email_normalized, ''),
			COALESCE((SELECT sum(l.price_subtotal) FROM woo_order_bind b JOIN sale_order_line l ON l.id = b.sale_line_id WHERE b.order_id = o.id AND b.kind = 'shipping'), 0),
			COALESCE((SELECT sum(l.product_uom_qty) FROM woo_order_bind b JOIN sale_order_line l ON l.id = b.sale_line_id WHERE b.order_id = o.id AND b.kind = 'product'), 0),
			COALESCE(m.state, ''), COALESCE(m.amount_total, 0), COALESCE(m.amount_tax, 0), COALESCE(mc.name, ''), s.date_order IS NOT DISTINCT FROM o.date_created
		FROM woo_order o LEFT JOIN sale_order s ON s.id = o.sale_order_id LEFT JOIN res_currency sc ON sc.id = s.currency_id LEFT JOIN res_partner p ON p.id = s.partner_id
			LEFT JOIN account_move m ON m.id = o.invoice_id LEFT JOIN res_currency mc ON mc.id = m.currency_id WHERE o.instance_id = ?`, e.instance)
	if err != nil {
		e.t.Fatal(err)
	}
	defer rows.Close()
	seen := map[int64]bool{}
	for rows.Next() {
		var id int64
		var state, totals, why, saleState, currency, ref, email, invoiceState, invoiceCurrency string
		var total, tax, shipping, pieces, invoiced, invoicedTax decimal.Decimal
		var dated bool
		if err := rows.Scan(&id, &state, &totals, &why, &saleState, &total, &tax, &currency, &ref, &email, &shipping, &pieces, &invoiceState, &invoiced, &invoicedTax, &invoiceCurrency, &dated); err != nil {
			e.t.Fatal(err)
		}
		if seen[id] {
			e.t.Errorf("order %d is recorded twice", id)
		}
		seen[id] = true
		r.orders++
		want := e.said(int(id))
		switch state {
		case "imported":
		case "held":
			r.held[why] = append(r.held[why], id)
			continue
		default:
			r.not[want.Status+" → "+state]++
			if why == "" || saleState != "" {
				e.t.Errorf("order %d is %s without a reason, or has a sale order (%s)", id, state, saleState)
			}
			continue
		}
		switch totals {
		case "equal":
			r.equal++
		case "rounded":
			r.rounded++
		}
		d := func(s string) decimal.Decimal { return decimal.RequireFromString(s) }
		if saleState != "sale" || !total.Equal(d(want.Total)) || !tax.Equal(d(want.TotalTax)) || !shipping.Equal(d(want.Shipping)) || currency != want.Currency || ref != want.Number || !dated {
			e.t.Errorf("order %d: the sale order is %s over %s with %s tax, %s shipping, in %s, ref %s, its date equal: %t; the store says %+v", id, saleState, total, tax, shipping, currency, ref, dated, want)
		}
		if invoiceState != "draft" || !invoiced.Equal(total) || !invoicedTax.Equal(tax) || invoiceCurrency != currency {
			e.t.Errorf("order %d: the invoice is %q over %s with %s tax in %s; the sale order %s with %s in %s", id, invoiceState, invoiced, invoicedTax, invoiceCurrency, total, tax, currency)
		}
		sum := decimal.Zero
		for _, l := range want.Lines {
			sum = sum.Add(d(l.Quantity.String()))
		}
		if !pieces.Equal(sum) {
			e.t.Errorf("order %d: %s pieces are sold, the store says %s", id, pieces, sum)
		}
		if mail := strings.ToLower(want.Billing.Email); mail != email && want.Customer == 0 {
			e.t.Errorf("order %d: the customer's mail is %s, the store says %s", id, email, want.Billing.Email)
		}
	}
	if err := rows.Err(); err != nil {
		e.t.Fatal(err)
	}
	for _, id := range e.store.OrderIDs("") {
		if !seen[int64(id)] {
			r.lost++
			e.t.Errorf("order %d is missing", id)
		}
	}
	r.sales = e.count("SELECT count(*) FROM sale_order WHERE woo_number IS NOT NULL")
	r.invoices = e.count("SELECT count(*) FROM account_move WHERE move_type = 'out_invoice'")
	if n := r.equal + r.rounded; r.sales != n || r.invoices != n {
		e.t.Errorf("%d orders are imported, but there are %d sale orders and %d invoices", n, r.sales, r.invoices)
	}
	if twice := e.text(`SELECT string_agg(email_normalized, ', ') FROM (SELECT email_normalized FROM res_partner WHERE type = 'contact' AND parent_id IS NULL AND email_normalized <> '' GROUP BY 1 HAVING count(*) > 1) x`); twice != "" {
		e.t.Errorf("customers that exist twice: %s", twice)
	}
	if left := e.count("SELECT count(*) FROM woo_event WHERE state = 'received'"); left != 0 {
		e.t.Errorf("%d webhooks were stored and nothing became of them", left)
	}
	return r
}
