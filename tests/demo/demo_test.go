// Package demo tests demonstrations from the outside: what is imported, that it
// equals what the store charged, and that nothing is lost or doubled when the
// program is stopped, killed and started again. It imports the simulated store,
// to know what there is to import.
package demo

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// figures are the numbers of a summary.
type figures struct{ products, mapped, orders, imported, equal, rounded, held, cancelled, left int }

func figuresOf(t *testing.T, out string) figures {
	t.Helper()
	n := func(pattern string) int {
		m := regexp.MustCompile(`(?m)` + pattern).FindStringSubmatch(out)
		if m == nil {
			return -1
		}
		v, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	f := figures{n(`^  products +(\d+) read`), n(`read: (\d+) mapped`), n(`^  orders +(\d+) in the store`), n(`^    imported +(\d+):`), n(`: (\d+) equal`),
		n(`, (\d+) rounded`), n(`^    held +(\d+)$`), max(0, n(`^    cancelled +(\d+),`)), n(`^    not imported (\d+)`)}
	if f.products < 0 || f.mapped < 0 || f.orders < 0 || f.imported < 0 || f.equal < 0 || f.rounded < 0 || f.held < 0 || f.left < 0 {
		t.Fatalf("the summary lacks a figure: %+v\n%s", f, out)
	}
	return f
}

// storeOrders counts the orders of the recorded store by status.
func storeOrders(t *testing.T) (total int, by map[string]int) {
	t.Helper()
	st, err := woosim.Load(woosim.DefaultStore)
	if err != nil {
		t.Fatal(err)
	}
	sim := woosim.New(st, woosim.DefaultOptions())
	by = map[string]int{}
	for _, id := range sim.OrderIDs("") {
		raw, err := sim.Order(id)
		if err != nil {
			t.Fatal(err)
		}
		var o struct{ Status string }
		if err := json.Unmarshal(raw, &o); err != nil {
			t.Fatal(err)
		}
		by[o.Status]++
		total++
	}
	return total, by
}

// TestDemo is the life of a demonstration: imported once, looked at through the
// server, living, killed, living again, stopped, and imported once more.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := program.Finish(t, "demo", "--once", "--data-dir", dir)
	t.Log("\n" + out)
	first := figuresOf(t, out)
	total, by := storeOrders(t)
	if first.orders != total {
		t.Errorf("%d orders in the store, the recording has %d", first.orders, total)
	}
	if sum := first.imported + first.held + first.cancelled + first.left; sum != total || first.equal+first.rounded != first.imported {
		t.Errorf("of %d orders %d are told of: %+v", total, sum, first)
	}
	paid := by["processing"] + by["on-hold"] + by["completed"]
	if first.imported+first.held < paid || first.imported < paid*9/10 {
		t.Errorf("%d orders are paid for, %d imported and %d held", paid, first.imported, first.held)
	}

	served := program.Start(t, "serve", "--data-dir", dir, "-d", "demo", "--http", "127.0.0.1:0")
	address := served.Wait(`serves the database demo at (http://\S+)`)[1]
	c := program.Login(t, address)
	checkImported(t, c, first)
	t.Run("OdooRPC", func(t *testing.T) { checkOdooRPC(t, address, first.imported) })
	served.Stop()

	living := program.Start(t, "demo", "--data-dir", dir, "--http", "127.0.0.1:0", "--every", "2s")
	address = living.Wait(`back office +(http://\S+)`)[1]
	living.Wait(`The store sells something`)
	c = program.Login(t, address)
	if n := c.Count("sale.order", []any{"woo_number", "!=", false}); n != first.imported {
		t.Errorf("%d sale orders after the second start, want %d", n, first.imported)
	}
	number := living.Wait(`order (\d+), [\d.]+ CAD → S\d+, (equal|rounded)`)[1]
	if n := c.Count("woo.event", []any{"topic", "=", "order.created"}); n == 0 {
		t.Error("a new order came, but no webhook")
	}
	if n := c.Count("woo.order", []any{"number", "=", number}, []any{"state", "=", "imported"}, []any{"sale_order_id.state", "=", "sale"}); n != 1 {
		t.Errorf("order %s is there %d times", number, n)
	}
	living.Kill()

	living = program.Start(t, "demo", "--data-dir", dir, "--http", "127.0.0.1:0", "--every", "2s")
	address = living.Wait(`back office +(http://\S+)`)[1]
	living.Wait(`The store sells something`)
	later := living.Wait(`order (\d+), [\d.]+ CAD → S\d+, (equal|rounded)`)[1]
	if len(later) < len(number) || len(later) == len(number) && later <= number {
		t.Errorf("order %s was placed after order %s: the store began anew", later, number)
	}
	c = program.Login(t, address)
	if n := c.Count("woo.order", []any{"number", "=", number}); n != 1 {
		t.Errorf("order %s is there %d times after the crash", number, n)
	}
	if n := c.Count("woo.instance"); n != 1 {
		t.Errorf("%d instances, want the one", n)
	}
	living.Stop()

	last := figuresOf(t, program.Finish(t, "demo", "--once", "--data-dir", dir))
	if last.orders <= first.orders+1 || last.imported-first.imported != last.orders-first.orders || last.held != first.held || last.left != first.left || last.products != first.products {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

// checkImported compares what was imported with what the store charged, order
// by order.
func checkImported(t *testing.T, c *program.Client, f figures) {
	t.Helper()
	sales := map[float64]program.Row{}
	for _, s := range c.Rows("sale.order", []any{[]any{"woo_number", "!=", false}}, "name", "state", "amount_total", "amount_tax", "currency_id", "woo_number", "invoice_ids", "picking_ids") {
		sales[s["id"].(float64)] = s
	}
	if len(sales) != f.imported {
		t.Errorf("%d sale orders of the store, %d imported", len(sales), f.imported)
	}
	imported := 0
	for _, o := range c.Rows("woo.order", []any{[]any{"state", "=", "imported"}}, "number", "total", "total_tax", "currency_id", "sale_order_id", "totals_state", "invoice_id") {
		imported++
		ref, ok := o["sale_order_id"].([]any)
		if !ok {
			t.Errorf("order %v is imported without a sale order", o["number"])
			continue
		}
		s := sales[ref[0].(float64)]
		if s == nil {
			t.Errorf("order %v: no sale order %v", o["number"], ref)
			continue
		}
		if s["amount_total"] != o["total"] || s["currency_id"].([]any)[1] != o["currency_id"].([]any)[1] {
			t.Errorf("order %v: the store charged %v %v, the sale order %v %v", o["number"], o["total"], o["currency_id"], s["amount_total"], s["currency_id"])
		}
		if o["totals_state"] == "equal" && s["amount_tax"] != o["total_tax"] {
			t.Errorf("order %v: the store's tax is %v, the sale order's %v", o["number"], o["total_tax"], s["amount_tax"])
		}
	}
	if imported != f.imported {
		t.Errorf("%d orders are imported, the summary says %d", imported, f.imported)
	}
	if n := c.Count("woo.order", []any{"state", "=", "held"}); n != f.held {
		t.Errorf("%d orders are held, the summary says %d", n, f.held)
	}
	if n := c.Count("woo.order", []any{"state", "=", "held"}, []any{"hold_reason", "=", false}); n != 0 {
		t.Errorf("%d orders are held without a reason", n)
	}
	if n := c.Count("woo.product.map", []any{"state", "=", "mapped"}); n != f.mapped {
		t.Errorf("%d products are mapped, the summary says %d", n, f.mapped)
	}
	company := c.Rows("res.company", []any{}, "name", "currency_id", "country_id")
	if len(company) != 1 || company[0]["currency_id"].([]any)[1] != "CAD" || company[0]["country_id"].([]any)[1] != "Canada" {
		t.Errorf("the company is %v", company)
	}
}

// checkOdooRPC logs in with a client that was written for Odoo.
func checkOdooRPC(t *testing.T, address string, imported int) {
	const python = "/usr/bin/python3" // Debian's own, for which the package is
	if err := exec.Command(python, "-c", "import odoorpc").Run(); err != nil {
		t.Fatal("/usr/bin/python3 has no odoorpc; .ci/setup installs it (Debian package python3-odoorpc)")
	}
	out, err := exec.Command(python, "testdata/odoo_client.py", address, "demo", "admin", "admin").CombinedOutput()
	if err != nil {
		t.Fatalf("odoorpc: %v\n%s", err, out)
	}
	var got struct{ Orders, Read int }
	if err := json.Unmarshal(out, &got); err != nil || got.Orders != imported || got.Read != min(imported, 5) {
		t.Errorf("odoorpc found %s, want %d orders (%v)", out, imported, err)
	}
}
