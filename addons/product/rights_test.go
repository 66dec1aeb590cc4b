package product_test

import (
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// Who deletes or changes what is used elsewhere is told where, but by name only of
// what he may read: not of the products and pricelists of another company.
func TestRefusalsDoNotNameHiddenRecords(t *testing.T) {
	s := newShop(t)
	other := s.create("res.company", orm.Values{"name": "Elsewhere"}).ID()
	keeper := s.user("keeper", "product.group_product_manager", "product.group_product_pricelist")
	attribute := s.create("product.attribute", orm.Values{"name": "Size", "value_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "Small"})}})
	value := s.value(attribute, "value_ids").([]int64)[0]
	second := s.create("product.attribute", orm.Values{"name": "Height"}).ID()
	use := func(name string, company any) int64 {
		return s.create("product.template", orm.Values{"name": name, "company_id": company, "attribute_line_ids": []orm.Command{
			orm.CreateLine(orm.Values{"attribute_id": attribute.ID(), "value_ids": []orm.Command{orm.SetIDs(value)}})}}).ID()
	}
	use("Secret Goods", other)
	use("Shared Goods", nil)
	shared := s.create("product.pricelist", orm.Values{"name": "Shared List", "company_id": nil})
	s.create("product.pricelist", orm.Values{"name": "Secret List", "company_id": other, "item_ids": []orm.Command{
		orm.CreateLine(orm.Values{"compute_price": "formula", "base": "pricelist", "base_pricelist_id": shared.ID()})}})
	s.create("product.product", orm.Values{"name": "Secret Ware", "company_id": other, "barcode": "4711"})
	for what, tc := range map[string]struct {
		do    func(env *orm.Env) error
		shown string
	}{
		"an attribute is deleted": {func(env *orm.Env) error { return env.Model("product.attribute").Browse(attribute.ID()).Unlink() }, "Shared Goods"},
		"an attribute is changed": {func(env *orm.Env) error {
			return env.Model("product.attribute").Browse(attribute.ID()).Write(orm.Values{"create_variant": "no_variant"})
		}, "Shared Goods"},
		"a value is deleted": {func(env *orm.Env) error { return env.Model("product.attribute.value").Browse(value).Unlink() }, "Shared Goods"},
		"a value moves": {func(env *orm.Env) error {
			return env.Model("product.attribute.value").Browse(value).Write(orm.Values{"attribute_id": second})
		}, "Shared Goods"},
		"a pricelist is deleted": {func(env *orm.Env) error { return env.Model("product.pricelist").Browse(shared.ID()).Unlink() }, "Shared List"},
		"a barcode is used elsewhere": {func(env *orm.Env) error {
			_, err := env.Model("product.product").Create(orm.Values{"name": "Open Ware", "barcode": "4711"})
			return err
		}, "4711"},
	} {
		err := s.env.Savepoint(func(env *orm.Env) error { return tc.do(keeper) })
		if err == nil || !strings.Contains(err.Error(), tc.shown) || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%s: %v", what, err)
		}
		if err := s.env.Savepoint(tc.do); err == nil || !strings.Contains(err.Error(), "Secret") {
			t.Errorf("%s by the system: %v", what, err)
		}
	}
}
