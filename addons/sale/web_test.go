package sale_test

import (
	"fmt"
	"net/http"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
	"fusionsoft.ca/fusion/framework/web/webtest"
)

// From a quotation to its draft invoice in the back office, by its buttons.
func TestSellInTheBackOffice(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, addons()...)
	var id int64
	ok(t, db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		s := &shop{T: t, env: env}
		s.customer = s.create("res.partner", orm.Values{"name": "Azure Interior"})
		s.hst = s.tax("HST 13%", "13", nil)
		id = s.order(nil, orm.Values{"display_type": "line_section", "name": "Furniture"}, line(s.product("Desk", "250", nil), "2", "250", s.hst)).ID
		s.write("res.users", s.ref("base.user_admin"), orm.Values{"password": "long enough"})
		return nil
	}))
	site := webtest.Serve(t, db, server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Key: base.CheckAPIKey, Context: base.UserContext}, web.Options{Name: "Fusion", Panels: mail.Addon().Panels})
	v := site.Login(t, "admin", "long enough")
	shows := func(p *webtest.Page, texts ...string) {
		t.Helper()
		for _, s := range texts {
			if p.Status != http.StatusOK || !p.Contains(s) {
				t.Fatalf("%s (%d) does not show %q: %s", p.URL.Path, p.Status, s, p.Text())
			}
		}
	}
	p := v.Get(fmt.Sprintf("/web/model/sale.order/%d", id))
	shows(p, "Furniture", "Azure Interior", "$ 565.00", "Quotation Sent", "Other Info")
	p = p.Press("Confirm")
	shows(p, "Sales Order", "Create Invoice")
	wizard := p.Press("Create Invoice")
	shows(wizard, "Create Draft", "Regular invoice")
	invoice := wizard.Press("Create Draft")
	shows(invoice, "$ 565.00", "Desk")
	p = v.Get(fmt.Sprintf("/web/model/sale.order/%d", id))
	shows(p, "Invoices")
	shows(v.Get("/web/action/sales-orders"), "S00001", "Azure Interior", "Fully Invoiced")
	shows(v.Get("/web/action/quotations/new"), "Customer", "Order Lines")
}
