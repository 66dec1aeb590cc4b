package woocommerce

import (
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// TestFetchMapsBySKUAndSuggestsByName matches the recorded shop with products
// that are there, and touches nothing when run again.
func TestFetchMapsBySKUAndSuggestsByName(t *testing.T) {
	t.Parallel()
	env := start(t)
	_, url := shop(t)
	inst := connect(t, env, url, nil)
	made := must(env.Model("product.product").Create(
		orm.Values{"name": "Tennis glides", "default_code": "ACC-TENNIS"},
		orm.Values{"name": "Long Shoe Horn - steel 24 inch"},
		orm.Values{"name": "Zebra"},
		orm.Values{"name": "Twin one", "default_code": "DLA-SOCK"}, orm.Values{"name": "Twin two", "default_code": "DLA-SOCK"}))(t)
	all := items(t, env, inst)
	sum := must(updateMapping(env, inst, all))(t)
	if sum.seen != 181 || sum.added != 181 || sum.mapped != 1 || sum.created != 0 || sum.changed != 0 {
		t.Errorf("%+v", sum)
	}
	get := func(woo int64) *ProductMap {
		return must(orm.First[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", woo)), ""))(t)
	}
	if m := get(49); m.State != ProductMapped || m.ProductID.ID != made.IDs[0] || m.Reason != "Same SKU ACC-TENNIS" {
		t.Errorf("%+v", m)
	}
	if m := get(117); m.State != ProductUnmapped || m.SuggestedID.ID != made.IDs[1] || m.Score < 0.75 {
		t.Errorf("%+v", m)
	}
	if m := get(116); m.State != ProductUnmapped || m.ProductID.IsSet() || m.Reason == "" {
		t.Errorf("a SKU of two products: %+v", m)
	}
	if m := get(155); m.State != ProductIgnored || m.Type != TypeVariable {
		t.Errorf("%+v", m)
	}
	if m := get(156); m.Type != TypeVariation || m.WooParentID != 155 || m.SKU != "HB-PULL-S-BAG" || m.Name != "Havrebleu Pull-On Underwear – Small, Bag" {
		t.Errorf("%+v", m)
	}
	// What a person decides stays, and what did not change costs nothing.
	must(orm.Invoke(env, AcceptSuggestion, []*ProductMap{get(117)}))(t)
	must(orm.Invoke(env, IgnoreProduct, []*ProductMap{get(99)}))(t)
	if m := get(117); m.State != ProductMapped || m.ProductID.ID != made.IDs[1] {
		t.Errorf("%+v", m)
	}
	ormtest.MaxQueries(t, env, 5, func() {
		if sum := must(updateMapping(env, inst, all))(t); sum.added+sum.changed+sum.mapped+sum.created != 0 {
			t.Errorf("the second time %+v", sum)
		}
	})
	if m := get(99); m.State != ProductIgnored {
		t.Errorf("%+v", m)
	}
}

// TestFetchCreatesWhatLacks makes products of the whole shop in one go.
func TestFetchCreatesWhatLacks(t *testing.T) {
	t.Parallel()
	env := start(t)
	_, url := shop(t)
	inst := connect(t, env, url, orm.Values{"missing_product": "create"})
	all := items(t, env, inst)
	before := env.Queries()
	sum := must(updateMapping(env, inst, all))(t)
	if sum.created != 166 || sum.added != 181 {
		t.Errorf("%+v", sum)
	}
	// About 13 statements a product are its own: template, variant, mapping.
	if n := env.Queries() - before; n > 25*sum.created {
		t.Errorf("%d queries for %d products", n, sum.created)
	}
	rows := must(ormtest.Texts(env, `SELECT t.name->>'en_US', t.list_price, t.type, t.is_storable, p.default_code FROM woo_product_map m JOIN product_product p ON p.id = m.product_id
		JOIN product_template t ON t.id = p.product_tmpl_id WHERE m.woo_id IN (49, 134, 143) ORDER BY m.woo_id`))(t)
	want := [][]string{{"Tennis-style Glides, 2/pk", "9.99", "consu", "t", "ACC-TENNIS"}, {"Gloves <Latex-Free> Trial Pack & Leaflet", "2.49", "consu", "t", "GLV-TRIAL"}, {"Free Exercise Sheet (PDF)", "0", "service", "f", "PDF-EXO"}}
	for i := range want {
		for k := range want[i] {
			if rows[i][k] != want[i][k] && !(k == 1 && decimalsEqual(rows[i][k], want[i][k])) {
				t.Errorf("%q, want %q", rows[i], want[i])
				break
			}
		}
	}
	if n := must(ormtest.Texts(env, "SELECT default_code FROM product_product WHERE default_code <> '' GROUP BY 1 HAVING count(*) > 1"))(t); len(n) > 0 {
		t.Errorf("internal references that exist twice: %v", n)
	}
	if sum := must(updateMapping(env, inst, all))(t); sum.created != 0 {
		t.Errorf("the second time %+v", sum)
	}
}
