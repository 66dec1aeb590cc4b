package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/standard"
)

// manyProducts copies a product and its link to a store 100,000 times, with SKUs and
// names of their own.
const manyProducts = `DO $$
DECLARE
	copied text;
	first record;
BEGIN
	CREATE TEMP TABLE fresh AS SELECT n, nextval('product_template_id_seq') AS template, nextval('product_product_id_seq') AS product, 'SKU-' || lpad(n::text, 6, '0') AS sku,
		(ARRAY['Maple','Birch','Cedar','Walnut','Spruce','Larch','Alder'])[1 + n % 7] || ' ' || (ARRAY['table','chair','shelf','lamp','bench','drawer','bowl','frame','board','box','stool'])[1 + n % 11] || ' ' || md5(n::text) AS name
		FROM generate_series(1, 100000) n;
	SELECT p.id AS product, p.product_tmpl_id AS template, m.id AS map INTO first FROM woo_product_map m JOIN product_product p ON p.id = m.product_id;
	SELECT string_agg(quote_ident(attname), ', ') INTO copied FROM pg_attribute WHERE attrelid = 'product_template'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ('id', 'name', 'default_code');
	EXECUTE format('INSERT INTO product_template (id, name, default_code, %s) SELECT fresh.template, jsonb_build_object(''en_US'', fresh.name), fresh.sku, t.* FROM fresh, (SELECT %s FROM product_template WHERE id = %s) t', copied, copied, first.template);
	SELECT string_agg(quote_ident(attname), ', ') INTO copied FROM pg_attribute WHERE attrelid = 'product_product'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ('id', 'product_tmpl_id', 'default_code');
	EXECUTE format('INSERT INTO product_product (id, product_tmpl_id, default_code, %s) SELECT fresh.product, fresh.template, fresh.sku, t.* FROM fresh, (SELECT %s FROM product_product WHERE id = %s) t', copied, copied, first.product);
	SELECT string_agg(quote_ident(attname), ', ') INTO copied FROM pg_attribute WHERE attrelid = 'woo_product_map'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ('id', 'product_id', 'woo_id', 'woo_sku', 'woo_name');
	EXECUTE format('INSERT INTO woo_product_map (product_id, woo_id, woo_sku, woo_name, %s) SELECT fresh.product, 1000 + fresh.n, fresh.sku, fresh.name, t.* FROM fresh, (SELECT %s FROM woo_product_map WHERE id = %s) t', copied, copied, first.map);
END $$`

// BenchmarkSearch searches 100,000 products of the ERP and of a store, as somebody
// types. The goal is below 50 ms.
func BenchmarkSearch(b *testing.B) {
	db := ormtest.DB(b, standard.Program().Addons...)
	ctx := context.Background()
	var instance int64
	err := db.Run(ctx, orm.System(), func(env *orm.Env) error {
		inst, err := env.Model("woo.instance").Create(orm.Values{"name": "Shop", "url": "https://shop.example", "consumer_key": "ck", "consumer_secret": "cs"})
		if err != nil {
			return err
		}
		instance = inst.ID()
		p, err := env.Model("product.product").Create(orm.Values{"name": "Lamp", "default_code": "FIRST"})
		if err != nil {
			return err
		}
		_, err = env.Model("woo.product.map").Create(orm.Values{"instance_id": inst.ID(), "product_id": p.ID(), "woo_id": 1, "woo_sku": "FIRST", "woo_name": "Lamp", "state": "mapped"})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, sql := range []string{manyProducts, "ANALYZE"} {
		if _, err := db.ExecContext(ctx, sql); err != nil {
			b.Fatal(err)
		}
	}
	handlers := map[string]route.Handler{}
	for _, r := range woocommerce.Addon().Routes {
		if name, ok := strings.CutPrefix(r.Path, "/woo/search/"); ok {
			handlers[name] = r.Handler
		}
	}
	admin := orm.User{ID: 2}
	for _, address := range []string{"odoo_products", "woo_products", "mapped"} {
		for _, c := range []struct {
			what, query string
			least       int
		}{{"sku", "SKU-054321", 1}, {"sku-prefix", "sku-0543", 20}, {"name-prefix", "Walnut dra", 20}, {"word", "drawer", 20}, {"rare", "a87ff679a2f3e71d9181a67b7542122c", 1}, {"two-letters", "wa", 20}, {"one-letter", "x", 0}, {"nothing", "qqqqqq", 0}, {"empty", "", 20}} {
			b.Run(address+"/"+c.what, func(b *testing.B) {
				body, err := json.Marshal(map[string]any{"params": map[string]any{"instance_id": instance, "query": c.query}})
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					err := db.View(ctx, admin, func(env *orm.Env) error {
						out, err := handlers[address](env, &route.Request{Method: "POST", Body: body, Limit: func(string, int) bool { return true }})
						if err != nil {
							return err
						}
						var answer struct {
							Result struct {
								Products []json.RawMessage `json:"products"`
							} `json:"result"`
						}
						if err := json.Unmarshal(out.Body, &answer); err != nil || len(answer.Result.Products) < c.least {
							return fmt.Errorf("%d are found: %s: %w", len(answer.Result.Products), out.Body, err)
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/search")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
