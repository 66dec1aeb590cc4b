// Package browser clicks through the whole program in a real browser: a shop
// that was just imported, from its instance to an order, its delivery and its
// invoice, and back. With -update it renews the picture in the README.
package browser

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/web/webtest"
	"fusionsoft.ca/fusion/tests/program"
)

var update = flag.Bool("update", false, "renew docs/orders.png")

func TestMain(m *testing.M) { program.Main(m) }

// amount finds the number behind a caption in the text of a page.
func amount(t *testing.T, text, caption string) string {
	t.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(caption) + `:? *(?:\$ ?)?([\d,]+\.\d\d)`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no amount after %q in: %s", caption, text)
	}
	return strings.ReplaceAll(m[1], ",", "")
}

// TestShop follows one order through the screens a shop keeper sees.
func TestShop(t *testing.T) {
	t.Parallel()
	shop := program.Start(t, "demo", "--data-dir", t.TempDir(), "--http", "127.0.0.1:0", "--every", "1h")
	address := shop.Wait(`back office +(http://\S+)`)[1]
	shop.Wait(`The store sells something`)

	b := webtest.NewBrowser(t, address, webtest.Look{})
	b.Login("admin", "admin")
	b.Open("/web?apps=1")
	b.Shot("shop-01-home")

	// Instances → the instance → its orders
	b.Follow("WooCommerce")
	b.Follow("Boreal Home Care")
	b.Shot("shop-02-instance")
	if text := b.Text("main"); !strings.Contains(text, "Connected") || !strings.Contains(text, "9.2.5") {
		t.Errorf("the instance is not connected: %s", text)
	}
	b.FitsWidth()
	b.Go(`button[value$=":action_view_orders"]`)
	b.Shot("shop-03-orders")
	b.FitsWidth()
	if *update {
		low := webtest.NewBrowser(t, address, webtest.Look{Width: 1280, Height: 580})
		low.Login("admin", "admin")
		low.Open("/web/action/woo-orders?q=34&in=number")
		low.Shot("orders")
		picture(t, "orders.png")
	}
	b.Open("/web/action/woo-orders?q=288&in=number")
	b.Go("tbody a.row-link")
	b.Shot("shop-04-order")
	text := b.Text("main")
	total := amount(t, text, "Total")
	if !strings.Contains(text, "Imported") || !strings.Contains(text, "Equal") {
		t.Errorf("order 288: %s", text)
	}

	// → its sale order
	b.Go(`button[value$=":action_view_sale"]`)
	b.Shot("shop-05-sale")
	b.FitsWidth()
	sale := b.Location()
	if text := b.Text("main"); !strings.Contains(strings.ReplaceAll(text, ",", ""), total) {
		t.Errorf("the sale order does not say %s: %s", total, text)
	}

	// → its delivery, which is carried out
	b.Go(`button[value$=":action_view_delivery"]`)
	b.Shot("shop-06-delivery")
	b.Go(`button[value$=":button_validate"]`)
	b.Shot("shop-07-delivered")
	if text := b.Text("main"); !strings.Contains(text, "Done") {
		t.Errorf("the delivery is not done: %s", text)
	}

	// → its invoice, which is posted
	b.Open(strings.TrimPrefix(sale, address))
	b.Go(`button[value$=":action_view_invoice"]`)
	b.Shot("shop-08-invoice")
	b.Go(`button[value$=":action_post"]`)
	b.Shot("shop-09-posted")
	if text := strings.ReplaceAll(b.Text("main"), ",", ""); !strings.Contains(text, "INV/") || !strings.Contains(text, total) {
		t.Errorf("the invoice is not posted over %s: %s", total, text)
	}

	// and back
	b.Open(strings.TrimPrefix(sale, address))
	b.Shot("shop-10-sale-again")
	b.Back()
	b.Wait("main")

	b.Open("/web/action/woo-orders?f=held")
	b.Shot("shop-11-held")
	if n := b.Count("tbody a.row-link"); n != 2 {
		t.Errorf("%d orders are held, want those of products deleted in the store", n)
	}

	phone := webtest.NewBrowser(t, address, webtest.Look{Width: 390, Height: 800, Dark: true})
	phone.Login("admin", "admin")
	phone.Open("/web/action/woo-orders")
	phone.Shot("shop-12-phone-orders")
	phone.FitsWidth()
	phone.Go("tbody a.row-link")
	phone.Shot("shop-13-phone-order")
	phone.FitsWidth()
}

// picture copies a screenshot into the documentation.
func picture(t *testing.T, name string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(os.Getenv("FUSION_ARTIFACTS"), name))
	if err == nil {
		err = os.WriteFile("../../docs/"+name, content, 0o644)
	}
	if err != nil {
		t.Fatalf("set FUSION_ARTIFACTS to a folder for the screenshots: %v", err)
	}
}
