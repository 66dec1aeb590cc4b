package account_test

import (
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

func TestDefaultsFromProduct(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	income := b.create("account.account", orm.Values{"code": "400100", "name": "Services", "account_type": "income"})
	tax := b.tax("VAT", "20")
	p := b.product("Advice", "80", orm.Values{"default_code": "ADV", "description_sale": "By the hour", "taxes_id": []orm.Command{orm.SetIDs(tax)}, "property_account_income_id": income})
	plain := b.product("Pen", "2")
	id := b.invoice(orm.Values{"product_id": p, "quantity": 2}, orm.Values{"product_id": plain})
	b.shows(id, "162 + 32.3 = 194.3, due 194.3 not_paid")
	b.expect(id, "product 400100 -160", "product 400000 -2", "tax 400100 -32", "tax 251000 -0.3", "payment_term 121000 194.3")
	m := b.move(id)
	if l := m.LineIDs.All()[0]; l.Name != "[ADV] Advice\nBy the hour" || l.UoMID.ID != b.ref("uom.product_uom_unit") {
		t.Errorf("the line says %q, unit %d", l.Name, l.UoMID.ID)
	}
	category := b.create("product.category", orm.Values{"name": "Pens", "property_account_income_categ_id": income})
	third := b.product("Quill", "5", orm.Values{"categ_id": category})
	b.expect(b.invoice(orm.Values{"product_id": third, "tax_ids": []orm.Command{orm.SetIDs()}}), "product 400100 -5", "payment_term 121000 5")
	lines := b.env.Model("account.move.line").Browse(b.lines(id)[1])
	ok(t, lines.Write(orm.Values{"product_id": p}))
	b.shows(id, "240 + 48 = 288, due 288 not_paid")
}

func TestDefaultTaxesOfAccounts(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	rent := b.create("account.account", orm.Values{"code": "400200", "name": "Rent", "account_type": "income", "tax_ids": []orm.Command{orm.SetIDs(b.tax15, b.tax("Levy", "1"))}})
	id := b.invoice(orm.Values{"name": "Room", "price_unit": 100, "account_id": rent}, orm.Values{"name": "Key", "price_unit": 10, "account_id": rent, "tax_ids": []orm.Command{}}, orm.Values{"name": "Bag", "price_unit": 1})
	b.shows(id, "111 + 16 = 127, due 127 not_paid")
}
