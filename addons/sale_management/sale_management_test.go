package sale_management_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sale_management"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func addons() []module.Addon {
	return []module.Addon{base.Addon(), mail.Addon(), uom.Addon(), product.Addon(), account.Addon(), sales_team.Addon(), sale.Addon(), sale_management.Addon()}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestEveryNameExists(t *testing.T) {
	t.Parallel()
	for _, p := range module.Check(addons()) {
		t.Error(p)
	}
}

// office has a template with a section, two products and an option.
func office(t *testing.T) (env *orm.Env, customer, template int64, products []int64) {
	env = ormtest.New(t, addons()...)
	customer = must[orm.Records](t)(env.Model("res.partner").Create(orm.Values{"name": "Azure Interior"})).ID()
	made := must[orm.Records](t)(env.Model("product.product").Create(
		orm.Values{"name": "Desk", "list_price": 250, "taxes_id": []orm.Command{}},
		orm.Values{"name": "Chair", "list_price": "75.5", "taxes_id": []orm.Command{}},
		orm.Values{"name": "Lamp", "list_price": "22.22", "description_sale": "With a bulb", "taxes_id": []orm.Command{}}))
	products = made.IDs
	template = must[orm.Records](t)(env.Model("sale.order.template").Create(orm.Values{"name": "Office", "number_of_days": 30, "note": "<p>Delivered free</p>",
		"sale_order_template_line_ids": []orm.Command{
			orm.CreateLine(orm.Values{"display_type": "line_section", "name": "Furniture"}),
			orm.CreateLine(orm.Values{"product_id": products[0]}),
			orm.CreateLine(orm.Values{"product_id": products[1], "product_uom_qty": 4, "name": "Chairs in grey"}),
		},
		"sale_order_template_option_ids": []orm.Command{orm.CreateLine(orm.Values{"product_id": products[2], "quantity": 2})},
	})).ID()
	return env, customer, template, products
}

func show(t *testing.T, env *orm.Env, order int64) string {
	t.Helper()
	o := must[*sale.Order](t)(orm.Get[sale.Order](env, order, "order_line"))
	var lines []string
	for _, l := range o.Lines.All() {
		lines = append(lines, fmt.Sprintf("%s %s×%s", l.Name, l.Quantity, l.PriceUnit))
	}
	return strings.Join(lines, " | ") + " = " + o.AmountTotal.String()
}

func TestATemplateFillsAQuotation(t *testing.T) {
	t.Parallel()
	env, customer, template, _ := office(t)
	order := must[orm.Records](t)(env.Model("sale.order").Create(orm.Values{"partner_id": customer, "sale_order_template_id": template, "order_line": []any{}}))
	want := "Furniture 0×0 | Desk 1×250 | Chairs in grey 4×75.5 = 552"
	if got := show(t, env, order.ID()); got != want {
		t.Errorf("created: %s, want %s", got, want)
	}
	o := must[*sale_management.Order](t)(orm.Get[sale_management.Order](env, order.ID(), "sale_order_option_ids"))
	if o.Note != "<p>Delivered free</p>" || o.ValidityDate.String() != env.Today().AddDays(30).String() {
		t.Errorf("note %q, valid until %s", o.Note, o.ValidityDate)
	}
	option := o.OptionIDs.All()[0]
	if option.Name != "Lamp\nWith a bulb" || !option.PriceUnit.Equal(decimal.RequireFromString("22.22")) {
		t.Errorf("option %q at %s", option.Name, option.PriceUnit)
	}
	for range 2 { // the second time it is there already
		if _, err := orm.Invoke(env, sale_management.AddOption, []*sale_management.Option{option}); err != nil {
			t.Fatal(err)
		}
	}
	if got := show(t, env, order.ID()); got != "Furniture 0×0 | Desk 1×250 | Chairs in grey 4×75.5 | Lamp\nWith a bulb 2×22.22 = 596.44" {
		t.Errorf("with the option: %s", got)
	}
	if _, err := orm.Invoke(env, sale.ActionConfirm, []*sale.Order{must[*sale.Order](t)(orm.Get[sale.Order](env, order.ID()))}); err != nil {
		t.Fatal(err)
	}
	if _, err := orm.Invoke(env, sale_management.AddOption, []*sale_management.Option{option}); orm.CodeOf(err) != orm.CodeUser {
		t.Errorf("an option was added to an order: %v", err)
	}
}

func TestAFormShowsWhatItsTemplateFillsIn(t *testing.T) {
	t.Parallel()
	env, customer, template, products := office(t)
	o := must[orm.Records](t)(env.Model("sale.order").New(orm.Values{"partner_id": customer, "sale_order_template_id": template}))
	if err := o.Changed("sale_order_template_id"); err != nil {
		t.Fatal(err)
	}
	if got, want := show(t, env, o.ID()), "Furniture 0×0 | Desk 1×250 | Chairs in grey 4×75.5 = 552"; got != want {
		t.Errorf("shown: %s, want %s", got, want)
	}
	own := must[orm.Records](t)(env.Model("sale.order").New(orm.Values{"partner_id": customer, "sale_order_template_id": template,
		"order_line": []orm.Command{orm.CreateLine(orm.Values{"product_id": products[2], "price_unit": 5})}}))
	if err := own.Changed("sale_order_template_id"); err != nil {
		t.Fatal(err)
	}
	if got, want := show(t, env, own.ID()), "Lamp\nWith a bulb 1×5 = 5"; got != want {
		t.Errorf("with a line of its own: %s, want %s", got, want)
	}
	if n := must[int](t)(env.Model("sale.order").SearchCount(nil, 0)); n != 0 {
		t.Errorf("%d orders are stored", n)
	}
}

func TestLinesOfItsOwnWinOverTheTemplate(t *testing.T) {
	t.Parallel()
	env, customer, template, products := office(t)
	order := must[orm.Records](t)(env.Model("sale.order").Create(orm.Values{"partner_id": customer, "sale_order_template_id": template, "note": "<p>Mine</p>",
		"order_line": []orm.Command{orm.CreateLine(orm.Values{"product_id": products[2], "price_unit": 5})}}))
	if got := show(t, env, order.ID()); got != "Lamp\nWith a bulb 1×5 = 5" {
		t.Error(got)
	}
	if note := must[any](t)(order.Value("note")); note != "<p>Mine</p>" {
		t.Errorf("note %v", note)
	}
	// The same template again changes nothing, another one starts anew.
	if err := order.Write(orm.Values{"sale_order_template_id": template}); err != nil {
		t.Fatal(err)
	}
	if got := show(t, env, order.ID()); got != "Lamp\nWith a bulb 1×5 = 5" {
		t.Error(got)
	}
	other := must[orm.Records](t)(env.Model("sale.order.template").Create(orm.Values{"name": "Desk only", "sale_order_template_line_ids": []orm.Command{orm.CreateLine(orm.Values{"product_id": products[0], "product_uom_qty": 2})}}))
	if err := order.Write(orm.Values{"sale_order_template_id": other.ID()}); err != nil {
		t.Fatal(err)
	}
	if got := show(t, env, order.ID()); got != "Desk 2×250 = 500" {
		t.Error(got)
	}
}
