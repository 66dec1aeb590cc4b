package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/standard"
)

// What clients of Odoo expect of calls that most servers never get asked, as Odoo 19
// answers them.

// client calls methods as the administrator does over JSON-RPC.
type client struct {
	t   *testing.T
	env *orm.Env
}

func newClient(t *testing.T, addons ...module.Addon) *client {
	t.Helper()
	return &client{t, ormtest.New(t, addons...).WithUser(2).NoSudo()}
}

// call gives the answer as JSON. kw is an object of named arguments, "" for none.
func (c *client) call(model, method, kw string, args ...any) string {
	c.t.Helper()
	var named map[string]any
	if kw != "" {
		d := json.NewDecoder(bytes.NewBufferString(kw))
		d.UseNumber()
		if err := d.Decode(&named); err != nil {
			c.t.Fatal(err)
		}
	}
	out, err := rpc.Call(c.env, model, method, args, named)
	if err != nil {
		c.t.Fatalf("%s.%s: %v", model, method, err)
	}
	return asJSON(out)
}

func asJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

func (c *client) create(model string, vals orm.Values) int64 {
	c.t.Helper()
	made, err := c.env.Model(model).Create(vals)
	if err != nil {
		c.t.Fatal(err)
	}
	return made.ID()
}

func (c *client) ref(xmlid string) int64 {
	c.t.Helper()
	rs, err := c.env.Sudo().Ref(xmlid)
	if err != nil {
		c.t.Fatal(err)
	}
	return rs.ID()
}

func (c *client) same(what, got, want string) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

// named compares the display name of a record under a context.
func (c *client) named(model string, id int64, context, want string) {
	c.t.Helper()
	got := c.call(model, "read", `{"context": `+context+`}`, []any{id}, []any{"display_name"})
	c.same(model+" under "+context, got, asJSON([]orm.Values{{"display_name": want, "id": id}}))
}

func TestReadOfIDsThatAreGone(t *testing.T) {
	t.Parallel()
	c := newClient(t, base.Addon())
	c.same("id only", c.call("res.partner", "read", "", []any{3, 999999}, []any{"id"}), `[{"id":3},{"id":999999}]`)
	c.same("id only, all gone", c.call("res.partner", "read", "", []any{999999}, []any{"id"}), `[{"id":999999}]`)
	c.same("a field", c.call("res.partner", "read", "", []any{3, 999999}, []any{"id", "color"}), `[{"color":0,"id":3}]`)
	c.same("web_read", c.call("res.partner", "web_read", `{"specification": {"id": {}}}`, []any{999999}), `[{"id":999999}]`)

	// Records that are there are checked nevertheless.
	user := c.create("res.users", orm.Values{"name": "Guest", "login": "guest", "group_ids": []int64{c.ref("base.group_portal")}})
	hidden := c.create("res.partner", orm.Values{"name": "Hidden"})
	_, err := rpc.Call(c.env.WithUser(user), "res.partner", "read", []any{[]any{hidden, 999999}, []any{"id"}}, nil)
	if !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("the id of a hidden record is read: %v", err)
	}
}

func TestPasswordsReadAsEmptyTexts(t *testing.T) {
	t.Parallel()
	c := newClient(t, base.Addon())
	user := c.create("res.users", orm.Values{"name": "Ada", "login": "ada", "password": "a long password"})
	want := fmt.Sprintf(`[{"id":%d,"new_password":"","password":""}]`, user)
	fields := []any{"password", "new_password"}
	c.same("read", c.call("res.users", "read", "", []any{user}, fields), want)
	c.same("search_read", c.call("res.users", "search_read", "", []any{[]any{"id", "=", user}}, fields), want)
	c.same("web_read", c.call("res.users", "web_read", `{"specification": {"password": {}, "new_password": {}}}`, []any{user}), want)
	c.same("export", c.call("res.users", "export_data", "", []any{user}, []any{"login", "password"}), `{"datas":[["ada",""]]}`)
}

func TestNameSearchByOtherFields(t *testing.T) {
	t.Parallel()
	c := newClient(t, standard.Program().Addons...)
	find := func(model, kw, name string) string {
		c.t.Helper()
		return c.call(model, "name_search", kw, name)
	}
	pair := func(id int64, name string) string {
		return asJSON([][]any{{id, name}})
	}
	ca := c.ref("base.ca")
	c.same("the country of a code comes first", find("res.country", `{"limit": 1}`, "ca"), pair(ca, "Canada"))
	c.same("and those whose name holds it follow, without it", find("res.country", fmt.Sprintf(`{"domain": [["id", "in", [%d, %d]]]}`, ca, c.ref("base.jm")), "CA"), fmt.Sprintf(`[[%d,"Canada"],[%d,"Jamaica"]]`, ca, c.ref("base.jm")))
	c.same("a denying operator", find("res.country", fmt.Sprintf(`{"domain": [["id", "=", %d]], "operator": "not ilike"}`, ca), "CA"), `[]`)
	c.same("a currency by its long name", find("res.currency", "", "US Dollar"), pair(c.ref("base.USD"), "USD"))

	bank := c.create("res.bank", orm.Values{"name": "First Bank", "bic": "ABCDCA22"})
	c.same("a bank by the beginning of its BIC", find("res.bank", "", "abcd"), pair(bank, "First Bank - ABCDCA22"))
	c.same("not by its end", find("res.bank", "", "CA22"), `[]`)

	usd := c.ref("base.USD")
	list := c.create("product.pricelist", orm.Values{"name": "Retail", "currency_id": usd})
	c.same("a pricelist by currency", find("product.pricelist", fmt.Sprintf(`{"domain": [["id", "=", %d]]}`, list), "USD"), pair(list, "Retail (USD)"))

	account := c.create("account.account", orm.Values{"code": "987600", "name": "Boats sold", "account_type": "income"})
	for _, typed := range []string{"9876", "987600 Boats sold", "boats"} {
		c.same("an account by "+typed, find("account.account", "", typed), pair(account, "987600 Boats sold"))
	}
	c.same("the middle of a code is none", find("account.account", fmt.Sprintf(`{"domain": [["id", "=", %d]]}`, account), "7600"), `[]`)
	c.same("one of several", find("account.account", fmt.Sprintf(`{"domain": [["display_name", "in", ["987600 Boats sold", "none"]], ["id", "=", %d]]}`, account), ""), pair(account, "987600 Boats sold"))

	group := c.create("account.tax.group", orm.Values{"name": "VAT", "company_id": 1})
	tax := c.create("account.tax", orm.Values{"name": "VAT 21% EU M", "tax_group_id": group, "description": "<p>Machines</p>"})
	for _, typed := range []string{"21M", `21" EU "M`, "Machines", "vat 21"} {
		c.same("a tax by "+typed, find("account.tax", "", typed), pair(tax, "VAT 21% EU M"))
	}
	c.same("not by other letters", find("account.tax", "", "21X"), `[]`)

	partner := c.create("res.partner", orm.Values{"name": "Azure Interior", "ref": "AZ1"})
	move := c.create("account.move", orm.Values{"move_type": "out_invoice", "partner_id": partner, "ref": "PO-77"})
	for _, typed := range []string{"azure", "PO-77"} {
		c.same("an invoice by "+typed, find("account.move", "", typed), pair(move, fmt.Sprintf("Draft Invoice (* %d)", move)))
	}

	product := c.create("product.product", orm.Values{"name": "Boat", "default_code": "B1", "barcode": "2900000000999"})
	order := c.create("sale.order", orm.Values{"partner_id": partner, "order_line": []any{[]any{0, 0, map[string]any{"product_id": product, "name": "A boat\nin red"}}}})
	rs := c.env.Model("sale.order").Browse(order)
	number, err := rs.Value("name")
	if err != nil {
		t.Fatal(err)
	}
	c.same("an order by customer", find("sale.order", "", "Azure"), `[]`)
	c.same("when asked for", find("sale.order", `{"context": {"sale_show_partner_name": true}}`, "Azure"), pair(order, fmt.Sprint(number, " - Azure Interior")))
	lines, err := rs.Value("order_line")
	if err != nil {
		t.Fatal(err)
	}
	c.same("a line by order", find("sale.order.line", "", fmt.Sprint(number)), pair(lines.([]int64)[0], fmt.Sprint(number, " - A boat (AZ1)")))

	c.create("product.supplierinfo", orm.Values{"partner_id": partner, "product_tmpl_id": c.template(product), "product_code": "VB-9", "product_name": "Vessel"})
	asVendor := fmt.Sprintf(`{"context": {"partner_id": %d}}`, partner)
	c.same("a product by what a vendor calls it", find("product.product", asVendor, "Vessel"), pair(product, "[VB-9] Vessel"))
	c.same("another's words", find("product.product", "", "Vessel"), `[]`)
}

func (c *client) template(product int64) int64 {
	c.t.Helper()
	id, err := c.env.Model("product.product").Browse(product).ValueID("product_tmpl_id")
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

func TestDisplayNamesUnderContexts(t *testing.T) {
	t.Parallel()
	c := newClient(t, standard.Program().Addons...)
	company := c.create("res.partner", orm.Values{"name": "Azure", "is_company": true, "email": "info@azure.example", "vat": "CA-1", "street": "1 King St", "city": "Toronto", "country_id": c.ref("base.ca")})
	c.named("res.partner", company, `{"show_email": true, "show_address": true, "show_vat": true}`, "Azure <info@azure.example>\n1 King St\nToronto\nCanada\n CA-1")
	c.named("res.partner", company, `{"show_vat": true, "partner_show_db_id": true}`, fmt.Sprintf("Azure (%d) - CA-1", company))
	c.named("res.partner", company, `{"formatted_display_name": true}`, "Azure")
	ann := c.create("res.partner", orm.Values{"name": "Ann", "parent_id": company, "email": "ann@azure.example"})
	c.named("res.partner", ann, `{"formatted_display_name": true}`, "Azure \t --Ann--")
	c.named("res.partner", ann, `{"formatted_display_name": true, "show_email": true}`, "Azure \t --Ann-- \t --ann@azure.example--")
	c.named("res.partner", ann, `{"formatted_display_name": true, "partner_show_db_id": true}`, fmt.Sprintf("Azure \t --Ann-- \t --%d--", ann))
	dock := c.create("res.partner", orm.Values{"parent_id": company, "type": "delivery"})
	c.named("res.partner", dock, `{"formatted_display_name": true}`, "Azure \t --Delivery--")

	state := c.create("res.country.state", orm.Values{"name": "Nowhere", "code": "NW9", "country_id": c.ref("base.ca")})
	c.named("res.country.state", state, `{}`, "Nowhere (CA)")
	c.named("res.country.state", state, `{"formatted_display_name": true}`, "Nowhere \t --CA--")
	c.named("uom.uom", c.ref("uom.product_uom_dozen"), `{"formatted_display_name": true}`, "Dozens\t--12.0 Units--")
	c.named("uom.uom", c.ref("uom.product_uom_unit"), `{"formatted_display_name": true}`, "Units")

	product := c.create("product.product", orm.Values{"name": "Boat", "default_code": "B1"})
	for model, id := range map[string]int64{"product.product": product, "product.template": c.template(product)} {
		c.named(model, id, `{}`, "[B1] Boat")
		c.named(model, id, `{"formatted_display_name": true}`, "Boat\t--B1--")
		c.named(model, id, `{"display_default_code": false}`, "Boat")
	}
	vendor := c.create("res.partner", orm.Values{"name": "Yard"})
	seller := c.create("product.supplierinfo", orm.Values{"partner_id": vendor, "product_tmpl_id": c.template(product), "product_name": "Vessel"})
	c.named("product.product", product, fmt.Sprintf(`{"partner_id": %d}`, vendor), "[B1] Vessel")
	c.named("product.product", product, fmt.Sprintf(`{"seller_id": %d}`, seller), "[B1] Vessel")
	c.create("product.supplierinfo", orm.Values{"partner_id": vendor, "product_tmpl_id": c.template(product), "product_id": product, "product_code": "Y-1"})
	c.named("product.product", product, fmt.Sprintf(`{"partner_id": %d}`, vendor), "[Y-1] Boat")
	c.named("product.product", product, fmt.Sprintf(`{"partner_id": %d}`, company), "[B1] Boat")

	shelf := c.create("stock.location", orm.Values{"name": "Shelf", "location_id": c.ref("stock.stock_location_stock")})
	c.named("stock.location", shelf, `{}`, "WH/Stock/Shelf")
	c.named("stock.location", shelf, `{"formatted_display_name": true}`, "--WH/Stock/--Shelf")

	tax := c.create("account.tax", orm.Values{"name": "GST", "tax_group_id": c.create("account.tax.group", orm.Values{"name": "GST", "company_id": 1}), "tax_scope": "consu"})
	c.named("account.tax", tax, `{"append_fields": ["type_tax_use"]}`, "GST (Sales)")
	c.named("account.tax", tax, `{"append_fields": ["type_tax_use"], "formatted_display_name": true}`, "GST\t--Sales--\t--Goods--")

	field, err := c.env.Model("ir.model.fields").Search(orm.And(orm.Leaf("model", "=", "res.country"), orm.Leaf("name", "=", "phone_code")), orm.SearchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.named("ir.model.fields", field.ID(), `{"hide_model": true}`, "Country Calling Code")
}

func TestDefaultGet(t *testing.T) {
	t.Parallel()
	c := newClient(t, standard.Program().Addons...)
	get := func(model, kw string, fields ...any) string {
		c.t.Helper()
		return c.call(model, "default_get", kw, fields)
	}
	c.same("no, nothing and zero are defaults", get("res.partner", "", "is_company", "tz", "color", "city", "id", "display_name"), `{"color":0,"is_company":false,"tz":false}`)
	c.same("of the record that is delegated to", get("res.users", "", "is_company", "tz", "city"), `{"is_company":false,"tz":false}`)
	c.same("from the context", get("res.partner", `{"context": {"tz": "Europe/Paris"}}`, "tz"), `{"tz":"Europe/Paris"}`)
	tag := c.create("res.partner.category", orm.Values{"name": "Tag"})
	for _, given := range []string{`[%d]`, `[[4, %d]]`, `[[4, %d, 0]]`, `[[6, 0, [%d]]]`} {
		c.same("a list given as "+given, get("res.partner", fmt.Sprintf(`{"context": {"default_category_id": `+given+`}}`, tag), "category_id"), fmt.Sprintf(`{"category_id":[[6,0,[%d]]]}`, tag))
	}
	c.same("lines of a list", get("account.payment.term", "", "line_ids"), `{"line_ids":[[6,0,[]],[0,0,{"nb_days":0,"value":"percent","value_amount":100.0}]]}`)
	c.same("an empty list", get("sale.advance.payment.inv", "", "sale_order_ids"), `{"sale_order_ids":[[6,0,[]]]}`)
}
