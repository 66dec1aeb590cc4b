package base_test

import (
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// The form of a contact shows the address of the company that is chosen for it.
func TestAContactShowsTheAddressOfItsCompany(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	firm := must[orm.Records](t)(env.Model("res.partner").Create(orm.Values{"name": "Firm", "is_company": true, "street": "Main 1", "city": "Paris"}))
	form := must[orm.Records](t)(env.Model("res.partner").New(orm.Values{"name": "Ann", "parent_id": firm.ID()}))
	if err := form.Changed("parent_id"); err != nil {
		t.Fatal(err)
	}
	row := must[[]orm.Values](t)(form.Read("street", "city", "commercial_partner_id", "display_name"))[0]
	if row["street"] != "Main 1" || row["city"] != "Paris" || row.ID("commercial_partner_id") != firm.ID() || row["display_name"] != "Firm, Ann" {
		t.Errorf("the form shows %v", row)
	}
}
