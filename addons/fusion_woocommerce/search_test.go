package woocommerce

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/framework/orm"
)

// searched are the SKUs that a search finds, and whether there are more.
func searched(env *orm.Env, answer controllers.Answerer, params map[string]any) (skus []string, more bool, err error) {
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, false, err
	}
	result, err := answer(env, &controllers.Call{Params: raw})
	if err != nil {
		return nil, false, err
	}
	m := result.(map[string]any)
	switch list := m["products"].(type) {
	case []foundProduct:
		for _, p := range list {
			skus = append(skus, p.SKU)
		}
	case []foundMap:
		for _, p := range list {
			skus = append(skus, p.SKU)
		}
	}
	return skus, m["more"].(bool), nil
}

// TestSearch finds products by rank, a page at a time, for those who may.
func TestSearch(t *testing.T) {
	t.Parallel()
	env := start(t)
	inst := connect(t, env, "https://one.example", nil)
	other := connect(t, env, "https://two.example", orm.Values{"name": "Two"})
	for i, p := range []struct{ sku, name string }{
		{"Z-LAMP", "Contains in its SKU"}, {"LAMP-2", "Begins with its SKU"}, {"C1", "A lamp in its name"}, {"LAMP", "Is the SKU"}, {"N1", "Lamp first in its name"}, {"X_100%", "Odd signs"}, {"X9100", "No odd signs"},
	} {
		made := must(env.Model("product.product").Create(orm.Values{"name": p.name, "default_code": p.sku}))(t)
		state := ProductMapped
		if p.sku == "C1" {
			state = ProductUnmapped
		}
		vals := orm.Values{"instance_id": inst.ID, "woo_id": 10 + i, "woo_sku": p.sku, "woo_name": p.name, "state": state}
		if state == ProductMapped {
			vals["product_id"] = made.ID()
		}
		must(env.Model("woo.product.map").Create(vals))(t)
	}
	must(env.Model("woo.product.map").Create(orm.Values{"instance_id": other.ID, "woo_id": 1, "woo_sku": "LAMP", "woo_name": "Lamp of another store"}))(t)
	user := func(login string, groups ...string) *orm.Env {
		var links []orm.Command
		for _, g := range groups {
			links = append(links, orm.Link(must(env.Ref(g))(t).ID()))
		}
		return env.WithUser(must(env.Model("res.users").Create(orm.Values{"name": login, "login": login, "group_ids": links}))(t).ID())
	}
	reader, clerk := user("reader", "fusion_woocommerce.group_woo_user"), user("clerk", "base.group_user")

	ranked := []string{"LAMP", "LAMP-2", "N1", "Z-LAMP", "C1"}
	mapped := []string{"LAMP", "LAMP-2", "N1", "Z-LAMP"}
	for name, c := range map[string]struct {
		answer controllers.Answerer
		params map[string]any
		want   []string
		more   bool
	}{
		"products":               {searchProducts, map[string]any{"query": "lamp"}, ranked, false},
		"the SKU itself":         {searchProducts, map[string]any{"query": "LAMP", "limit": 1}, ranked[:1], true},
		"the second page":        {searchProducts, map[string]any{"query": "LAMP", "limit": 2, "offset": 2}, ranked[2:4], true},
		"two letters":            {searchProducts, map[string]any{"query": "la"}, []string{"LAMP-2", "LAMP", "N1"}, false},
		"signs of patterns":      {searchProducts, map[string]any{"query": "_100%"}, []string{"X_100%"}, false},
		"products of the store":  {searchStoreProducts, map[string]any{"query": "LAMP"}, ranked, false},
		"those not mapped":       {searchStoreProducts, map[string]any{"query": "LAMP", "unmatched": true}, []string{"C1"}, false},
		"those mapped":           {searchMapped, map[string]any{"query": "LAMP"}, mapped, false},
		"those mapped, the rest": {searchMapped, map[string]any{"query": "LAMP", "limit": 3, "offset": 1}, mapped[1:], false},
		"nothing":                {searchMapped, map[string]any{"query": "lantern"}, nil, false},
	} {
		c.params["instance_id"] = inst.ID
		got, more, err := searched(reader, c.answer, c.params)
		if err != nil || !slices.Equal(got, c.want) || more != c.more {
			t.Errorf("%s: %v, more: %v, %v; want %v, %v", name, got, more, err, c.want, c.more)
		}
	}
	if got, more, err := searched(reader, searchProducts, map[string]any{"instance_id": inst.ID}); err != nil || more || len(got) < 7 {
		t.Errorf("without a query: %v %v %v", got, more, err)
	}
	for _, answer := range []controllers.Answerer{searchProducts, searchStoreProducts, searchMapped} {
		if got, _, err := searched(clerk, answer, map[string]any{"instance_id": inst.ID, "query": "LAMP"}); !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("who is no user of WooCommerce finds %v: %v", got, err)
		}
		for _, wrong := range []map[string]any{{"limit": 101}, {"limit": -1}, {"offset": 1001}, {"query": 7}, {"query": fmt.Sprintf("%0201d", 1)}, {"instance_id": 999}} {
			if wrong["instance_id"] == nil {
				wrong["instance_id"] = inst.ID
			}
			if got, _, err := searched(reader, answer, wrong); err == nil {
				t.Errorf("a search for %v finds %v", wrong, got)
			}
		}
	}
}
