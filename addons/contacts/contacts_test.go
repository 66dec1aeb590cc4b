package contacts_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/contacts"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func TestTheApplicationHasItsMenu(t *testing.T) {
	t.Parallel()
	env := ormtest.New(t, base.Addon(), mail.Addon(), contacts.Addon())
	menu, err := env.Ref("contacts.res_partner_menu_contacts")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := menu.Read("complete_name", "action")
	if err != nil {
		t.Fatal(err)
	}
	action, err := env.Ref("contacts.action_contacts")
	if err != nil {
		t.Fatal(err)
	}
	if rows[0]["complete_name"] != "Contacts/Contacts" || action.Model.Name != "ir.actions.act_window" || rows[0]["action"] == nil {
		t.Errorf("menu: %v", rows[0])
	}
}
