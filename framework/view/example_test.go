package view_test

import (
	"fmt"

	"fusionsoft.ca/fusion/framework/view"
)

// An extension changes the view of another addon by XPath, or by example. What
// it does not find is reported with file and line.
func ExampleApply() {
	base, err := view.Parse([]byte(`<form>
  <group name="main">
    <field name="partner_id"/>
    <field name="note"/>
  </group>
</form>`), view.Source{View: "sale.order_form", Model: "sale.order", File: "sale.xml"})
	if err != nil {
		fmt.Println(err)
		return
	}
	extension, err := view.Parse([]byte(`<data>
  <xpath expr="//field[@name='note']" position="after"><field name="woo_status" readonly="1"/></xpath>
  <field name="note" position="attributes">
    <attribute name="invisible">state == 'draft'</attribute>
  </field>
</data>`), view.Source{View: "shop.order_form", File: "shop.xml"})
	if err != nil {
		fmt.Println(err)
		return
	}
	whole, err := view.Apply(base, extension)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(whole.XML())

	wrong, err := view.Parse([]byte(`<field name="notes" position="after"/>`), view.Source{View: "shop.other", File: "shop.xml", Line: 40})
	if err == nil {
		_, err = view.Apply(base, wrong)
	}
	fmt.Println(err)
	// Output:
	// <form>
	//   <group name="main">
	//     <field name="partner_id"/>
	//     <field name="note" invisible="state == 'draft'"/><field name="woo_status" readonly="1"/>
	//   </group>
	// </form>
	// shop.xml:40: view shop.other: <field name="notes"> is not found in view sale.order_form (did you mean "note"?)
}

// Validate checks every name against what there is; a form is built first.
func ExampleValidate() {
	arch, err := view.Parse([]byte("<list>\n  <field name=\"partner_id\"/>\n  <field name=\"amount_totl\"/>\n</list>"), view.Source{View: "sale.order_list", Model: "sale.order", File: "sale.xml"})
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := view.Build(arch)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.Kind, v.FieldNames())
	fmt.Println(view.Validate(v, testSchema(), view.Options{})) // a registry's: module.NewSchema
	// Output:
	// list [partner_id amount_totl]
	// sale.xml:3: view sale.order_list: unknown field "amount_totl" of sale.order (did you mean "amount_total"?)
}
