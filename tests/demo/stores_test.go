package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/tests/program"
)

// write puts a value into a file of a store's folder.
func write(t *testing.T, dir, name string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func setting(id, value string) program.Row { return program.Row{"id": id, "value": value} }

// foreign is a shop unlike the recorded one.
type foreign struct {
	currency, places, country, zone string
	inclusive                       bool
	prices                          []string
	rates                           []program.Row
}

// folder makes a recorded store of a shop: its own simulator sells 16 times,
// 12 of them for good.
func (f foreign) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	inclusive := "no"
	if f.inclusive {
		inclusive = "yes"
	}
	write(t, dir, "settings_general.json", []program.Row{setting("woocommerce_currency", f.currency), setting("woocommerce_price_num_decimals", f.places),
		setting("woocommerce_default_country", f.country), setting("woocommerce_calc_taxes", "yes"), setting("woocommerce_store_city", "Elsewhere")})
	write(t, dir, "settings_tax.json", []program.Row{setting("woocommerce_prices_include_tax", inclusive), setting("woocommerce_tax_round_at_subtotal", "no"), setting("woocommerce_tax_based_on", "base")})
	write(t, dir, "tax_classes.json", []program.Row{{"slug": "standard", "name": "Standard rate"}, {"slug": "reduced-rate", "name": "Reduced rate"}})
	write(t, dir, "taxes.json", f.rates)
	zone, err := time.LoadLocation(f.zone)
	if err != nil {
		t.Fatal(err)
	}
	made := time.Date(2026, 3, 1, 22, 30, 0, 0, time.UTC)
	var products []program.Row
	for i, price := range f.prices {
		class := ""
		if i%2 == 1 {
			class = "reduced-rate"
		}
		products = append(products, program.Row{"id": 100 + i, "name": fmt.Sprintf("Ware %d 商品", i), "slug": fmt.Sprintf("ware-%d", i), "type": "simple", "status": "publish", "sku": fmt.Sprintf("W-%02d", i),
			"price": price, "regular_price": price, "sale_price": "", "tax_status": "taxable", "tax_class": class, "stock_status": "instock", "manage_stock": false, "purchasable": true, "virtual": false,
			"date_created": made.In(zone).Format("2006-01-02T15:04:05"), "date_created_gmt": made.Format("2006-01-02T15:04:05"),
			"date_modified": made.In(zone).Format("2006-01-02T15:04:05"), "date_modified_gmt": made.Format("2006-01-02T15:04:05"),
			"permalink": "https://elsewhere.example/ware", "attributes": []any{}, "images": []any{}, "meta_data": []any{}, "variations": []any{}, "categories": []any{}, "tags": []any{}})
	}
	write(t, dir, "products.json", products)
	address := program.Row{"first_name": "Aiko", "last_name": "Marchand", "company": "", "address_1": "1-2-3", "address_2": "", "city": "Elsewhere", "state": "", "postcode": "100-0001", "country": f.country[:2], "phone": "555-0100"}
	billing := program.Row{"email": "aiko@elsewhere.example"}
	for k, v := range address {
		billing[k] = v
	}
	write(t, dir, "customers.json", []program.Row{{"id": 7, "email": "aiko@elsewhere.example", "role": "customer", "username": "aiko", "first_name": "Aiko", "last_name": "Marchand",
		"billing": billing, "shipping": address, "meta_data": []any{}, "date_created_gmt": "2026-01-01T00:00:00", "date_created": "2026-01-01T00:00:00"}})
	write(t, dir, "orders.json", []program.Row{})
	st, err := woosim.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	opt := woosim.DefaultOptions()
	n := 0
	opt.Clock = func() time.Time { n++; return made.AddDate(0, 1, 0).Add(time.Duration(n) * time.Minute) }
	opt.Seed = 11
	sim := woosim.New(st, opt)
	var orders []json.RawMessage
	for i := range 16 {
		o := woosim.NewOrder{CustomerID: 7, Guest: i%3 == 0}
		switch {
		case i%4 == 3:
			o.Status = []string{"pending", "failed"}[i/4%2]
		case i%5 == 1:
			o.Status = "completed"
		}
		id, err := sim.PlaceOrder(o)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := sim.Order(id)
		if err != nil {
			t.Fatal(err)
		}
		orders = append(orders, raw)
	}
	write(t, dir, "orders.json", orders)
	return dir
}

// TestForeignStores imports shops with other currencies, decimals, zones and
// ways of pricing than the recorded one has.
func TestForeignStores(t *testing.T) {
	t.Parallel()
	rate := func(id int, percent, name, class, country string) program.Row {
		return program.Row{"id": id, "country": country, "state": "", "postcode": "", "city": "", "rate": percent, "name": name, "priority": 1, "compound": false, "shipping": true, "order": id, "class": class, "postcodes": []any{}, "cities": []any{}}
	}
	for name, f := range map[string]foreign{
		"yen": {currency: "JPY", places: "0", country: "JP:JP13", zone: "Asia/Tokyo", prices: []string{"1236", "777", "9801", "333"},
			rates: []program.Row{rate(1, "10.0000", "消費税", "standard", "JP"), rate(2, "8.0000", "軽減", "reduced-rate", "JP")}},
		"euro": {currency: "EUR", places: "2", country: "FR", zone: "Europe/Paris", inclusive: true, prices: []string{"19.99", "4.95", "100", "0.49"},
			rates: []program.Row{rate(1, "20.0000", "TVA", "standard", "FR"), rate(2, "5.5000", "TVA réduite", "reduced-rate", "FR")}},
		"dinar": {currency: "KWD", places: "3", country: "KW", zone: "UTC", prices: []string{"1.235", "0.450", "12.999", "7.001"},
			rates: []program.Row{rate(1, "5.0000", "VAT", "standard", "KW")}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			out := program.Finish(t, "demo", "--once", "--data-dir", dir, "--store", f.folder(t))
			got := figuresOf(t, out)
			if got.orders != 16 || got.imported != 12 || got.held != 0 || got.left != 4 || got.products != 4 || got.mapped != 4 {
				t.Errorf("%+v\n%s", got, out)
			}
		})
	}
}
