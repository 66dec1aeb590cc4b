package module_test

import (
	"fmt"
	"testing/fstest"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

type bike struct {
	orm.Record `orm:"example.bike" label:"Bike"`
	Name       string         `orm:"name,required"`
	Gears      int            `orm:"gears,default=1"`
	PartIDs    orm.Many[bike] `orm:"part_ids,rel=example_bike_part:bike_id:part_id"`
}

const bikes = `<odoo>
    <record id="frame" model="example.bike">
        <field name="name">Frame</field>
    </record>
    <record id="tourer" model="example.bike">
        <field name="name">Tourer</field>
        <field name="gears" eval="3 * 7"/>
        <field name="part_ids" eval="[(4, ref('frame'))]"/>
    </record>
</odoo>`

// rental is an addon: what it is called and stands on, the models it declares,
// and the data that is loaded when it is installed.
func rental(data string) module.Addon {
	return module.Addon{
		Name: "rental", Title: "Rental", Version: "1.0.0", Depends: []string{"base"},
		FS:     fstest.MapFS{"bikes.xml": {Data: []byte(data)}}, // as a rule an embed.FS
		Data:   []string{"bikes.xml"},
		Define: func(r *orm.Registry) { orm.Define[bike](r) },
	}
}

// An addon's records are found by their external ids once it is installed.
func Example() {
	err := ormtest.Run(func(env *orm.Env) error {
		tourer, err := env.Ref("rental.tourer")
		if err != nil {
			return err
		}
		rows, err := tourer.Read("name", "gears")
		if err != nil {
			return err
		}
		fmt.Println(rows[0]["name"], rows[0]["gears"])
		return nil
	}, kernel.Addon(), rental(bikes))
	if err != nil {
		fmt.Println(err)
	}
	// Output: Tourer 21
}

// Check finds what is wrong without a database; fusion check prints the same.
func ExampleCheck() {
	wrong := `<odoo>
    <record id="tourer" model="example.bike">
        <field name="gear">21</field>
        <field name="part_ids" eval="[(4, ref('saddle'))]"/>
    </record>
</odoo>`
	for _, p := range module.Check([]module.Addon{kernel.Addon(), rental(wrong)}) {
		fmt.Println(p)
	}
	// Output:
	// rental/bikes.xml:3: record rental.tourer: example.bike has no field "gear"; did you mean "gears"?
	// rental/bikes.xml:4: record rental.tourer: external id "rental.saddle" does not exist (yet)
}
