package product_test

import (
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"
)

// line is the attribute line of a new attribute with values.
func (s *shop) line(attribute string, values ...string) orm.Command {
	s.Helper()
	return s.lineOf(s.create("product.attribute", orm.Values{"name": attribute}).ID(), values...)
}

func (s *shop) lineOf(attribute int64, values ...string) orm.Command {
	s.Helper()
	var ids []int64
	for i, v := range values {
		ids = append(ids, s.create("product.attribute.value", orm.Values{"name": v, "attribute_id": attribute, "sequence": i}).ID())
	}
	return orm.CreateLine(orm.Values{"attribute_id": attribute, "value_ids": []orm.Command{orm.SetIDs(ids...)}})
}

func (s *shop) template(lines ...orm.Command) *product.Template {
	s.Helper()
	made := s.create("product.template", orm.Values{"name": "Shirt", "list_price": 20, "attribute_line_ids": lines})
	return s.reload(made.ID())
}

func (s *shop) reload(id int64) *product.Template {
	s.Helper()
	return ok[*product.Template](s)(orm.Get[product.Template](s.env, id, "attribute_line_ids.value_ids", "attribute_line_ids.product_template_value_ids", "product_variant_count"))
}

// ptav is a template's own value by name.
func (s *shop) ptav(t *product.Template, name string) orm.Records {
	s.Helper()
	found := ok[orm.Records](s)(s.env.Model("product.template.attribute.value").Search(orm.And(orm.Leaf("product_tmpl_id", "=", t.ID), orm.Leaf("name", "=", name)), orm.SearchOptions{}))
	if found.Len() != 1 {
		s.Fatalf("%d values are called %s", found.Len(), name)
	}
	return found
}

func TestAttributesMultiply(t *testing.T) {
	s := newShop(t)
	shirt := s.template(s.line("Size", "S", "M", "L"), s.line("Colour", "Red", "Blue"))
	s.equal("names", s.names(shirt.ID), []string{"Shirt (S, Red)", "Shirt (S, Blue)", "Shirt (M, Red)", "Shirt (M, Blue)", "Shirt (L, Red)", "Shirt (L, Blue)"})
	s.equal("count", shirt.VariantCount.Get(), 6)
	s.do(s.ptav(shirt, "L").Write(orm.Values{"price_extra": 3}))
	s.do(s.ptav(shirt, "Blue").Write(orm.Values{"price_extra": 1.5}))
	want := []string{"20", "21.5", "20", "21.5", "23", "24.5"}
	for i, v := range s.variants(shirt.ID, false) {
		s.equal("price of "+v.DisplayName.Get(), v.LstPrice.Get(), want[i])
	}
	last := orm.RecordsOf(s.env, s.variants(shirt.ID, false)[5])
	s.do(last.Write(orm.Values{"lst_price": 30}))
	s.equal("sales price from the variant's", s.reload(shirt.ID).ListPrice, "25.5")
	s.equal("name of a value", s.value(s.ptav(shirt, "Blue"), "display_name"), "Colour: Blue")

	copied := ok[orm.Records](s)(orm.RecordsOf(s.env, shirt).Copy(nil))
	s.equal("variants of the copy", len(s.variants(copied.ID(), false)), 6)
	s.equal("extra price of the copy", s.variants(copied.ID(), false)[5].LstPrice.Get(), "30")

	s.refuses("the same variant twice", orm.CodeValidation, func(env *orm.Env) error {
		_, err := env.Model("product.product").Create(orm.Values{"product_tmpl_id": shirt.ID, "product_template_attribute_value_ids": []orm.Command{orm.SetIDs(s.ptav(shirt, "S").ID(), s.ptav(shirt, "Red").ID())}})
		return err
	})
	s.refuses("values of a variant from the value's side", orm.CodeUser, func(env *orm.Env) error {
		return s.ptav(shirt, "S").In(env).Write(orm.Values{"ptav_product_variant_ids": []orm.Command{orm.SetIDs()}})
	})
}

func TestValuesComeAndGo(t *testing.T) {
	s := newShop(t)
	size := s.create("product.attribute", orm.Values{"name": "Size"}).ID()
	shirt := s.template(s.lineOf(size, "S", "M"))
	row := shirt.LineIDs.All()[0]
	small, medium := row.ValueIDs.IDs()[0], row.ValueIDs.IDs()[1]
	before := s.variants(shirt.ID, false)
	s.equal("names", s.names(shirt.ID), []string{"Shirt (S)", "Shirt (M)"})
	large := s.create("product.attribute.value", orm.Values{"name": "L", "attribute_id": size, "sequence": 9, "default_extra_price": 2}).ID()
	write := func(cmds ...orm.Command) {
		s.Helper()
		s.do(orm.RecordsOf(s.env, shirt).Write(orm.Values{"attribute_line_ids": []orm.Command{orm.UpdateLine(row.ID, orm.Values{"value_ids": cmds})}}))
	}
	write(orm.Link(large))
	s.equal("one more", s.names(shirt.ID), []string{"Shirt (S)", "Shirt (M)", "Shirt (L)"})
	s.equal("its extra price is the value's", s.variants(shirt.ID, false)[2].LstPrice.Get(), "22")
	write(orm.Unlink(large), orm.Unlink(medium))
	s.equal("one left", s.names(shirt.ID), []string{"Shirt"}) // with no other, its value tells nothing
	s.equal("the same variant", s.variants(shirt.ID, false)[0].ID, before[0].ID)
	s.equal("nothing archived", len(s.variants(shirt.ID, true)), 1)
	s.refuses("no value left", orm.CodeValidation, func(env *orm.Env) error {
		return env.Model("product.template.attribute.line").Browse(row.ID).Write(orm.Values{"value_ids": []orm.Command{orm.Unlink(small)}})
	})
	s.refuses("a value in use", orm.CodeUser, func(env *orm.Env) error { return env.Model("product.attribute.value").Browse(small).Unlink() })
	s.refuses("an attribute in use", orm.CodeUser, func(env *orm.Env) error { return env.Model("product.attribute").Browse(size).Unlink() })
	s.refuses("another way to make variants", orm.CodeUser, func(env *orm.Env) error {
		return env.Model("product.attribute").Browse(size).Write(orm.Values{"create_variant": "dynamic"})
	})
	s.refuses("a value of another attribute", orm.CodeValidation, func(env *orm.Env) error {
		red := s.create("product.attribute.value", orm.Values{"name": "Red", "attribute_id": s.create("product.attribute", orm.Values{"name": "Colour"}).ID()})
		return env.Model("product.template.attribute.line").Browse(row.ID).Write(orm.Values{"value_ids": []orm.Command{orm.Link(red.ID())}})
	})
	s.do(env(s, "product.attribute.value", large).Unlink())
}

func env(s *shop, model string, id int64) orm.Records { return s.env.Model(model).Browse(id) }

func TestAnAttributeWithOneValueKeepsTheVariants(t *testing.T) {
	s := newShop(t)
	p := s.create("product.product", orm.Values{"name": "Shirt", "default_code": "SH"})
	template := s.env.Model("product.template").Browse(s.value(p, "product_tmpl_id").(int64))
	s.do(template.Write(orm.Values{"attribute_line_ids": []orm.Command{s.line("Material", "Cotton")}}))
	s.equal("the same variant", s.variants(template.ID(), true)[0].ID, p.ID())
	s.equal("its values", len(s.value(p, "product_template_attribute_value_ids").([]int64)), 1)
	s.equal("name", s.names(template.ID()), []string{"[SH] Shirt"})
	s.do(template.Write(orm.Values{"attribute_line_ids": []orm.Command{s.line("Size", "S", "M")}}))
	s.equal("new variants", s.names(template.ID()), []string{"Shirt (S)", "Shirt (M)"})
	s.equal("reference of several", s.value(template, "default_code"), nil)
	// Without the sizes there is one variant again.
	rows := s.reload(template.ID()).LineIDs.All()
	s.do(template.Write(orm.Values{"attribute_line_ids": []orm.Command{orm.DeleteLine(rows[len(rows)-1].ID)}}))
	s.equal("one again", s.names(template.ID()), []string{"Shirt"})
	s.equal("none archived", len(s.variants(template.ID(), true)), 1)
}

// inUse makes a variant impossible to delete, as an order line would: a combo
// contains it.
func (s *shop) inUse(p *product.Product) {
	s.Helper()
	s.create("product.combo", orm.Values{"name": "Choice", "combo_item_ids": []orm.Command{orm.CreateLine(orm.Values{"product_id": p.ID})}})
}

func TestAVariantInUseIsArchivedAndComesBack(t *testing.T) {
	s := newShop(t)
	shirt := s.template(s.line("Size", "S", "M", "L"), s.line("Colour", "Red", "Blue"))
	all := s.variants(shirt.ID, false)
	s.inUse(all[4]) // L, Red
	row := shirt.LineIDs.All()[0]
	large := row.ValueIDs.IDs()[2]
	value := func(cmd orm.Command) {
		s.Helper()
		s.do(orm.RecordsOf(s.env, shirt).Write(orm.Values{"attribute_line_ids": []orm.Command{orm.UpdateLine(row.ID, orm.Values{"value_ids": []orm.Command{cmd}})}}))
	}
	value(orm.Unlink(large))
	s.equal("active", len(s.variants(shirt.ID, false)), 4)
	left := s.variants(shirt.ID, true)
	s.equal("left", len(left), 5)
	s.equal("archived", left[4].ID, all[4].ID)
	s.equal("its name stays", left[4].DisplayName.Get(), "Shirt (L, Red)")
	value(orm.Link(large))
	back := s.variants(shirt.ID, false)
	s.equal("all back", len(back), 6)
	s.equal("the same one", back[4].ID, all[4].ID)

	// The whole line goes, and is added again.
	s.do(orm.RecordsOf(s.env, shirt).Write(orm.Values{"attribute_line_ids": []orm.Command{orm.DeleteLine(row.ID)}}))
	s.equal("by colour", s.names(shirt.ID), []string{"Shirt (Red)", "Shirt (Blue)"})
	s.equal("the used one is kept", len(s.variants(shirt.ID, true)), 3)
	s.do(orm.RecordsOf(s.env, shirt).Write(orm.Values{"attribute_line_ids": []orm.Command{orm.CreateLine(orm.Values{"attribute_id": row.AttributeID.ID, "value_ids": []orm.Command{orm.SetIDs(row.ValueIDs.IDs()...)}})}}))
	s.equal("six again", len(s.variants(shirt.ID, false)), 6)
	s.equal("the used one among them", s.value(env(s, "product.product", all[4].ID), "active"), true)
	s.equal("one line of each attribute", len(s.reload(shirt.ID).LineIDs.All()), 2)
}

func TestDynamicAndNever(t *testing.T) {
	s := newShop(t)
	engrave := s.create("product.attribute", orm.Values{"name": "Engraving", "create_variant": "no_variant"}).ID()
	ring := s.template(s.line("Metal", "Gold", "Silver"), s.lineOf(engrave, "None", "Name"))
	s.equal("never", s.names(ring.ID), []string{"Shirt (Gold)", "Shirt (Silver)"})

	made := s.create("product.attribute", orm.Values{"name": "Length", "create_variant": "dynamic"}).ID()
	rope := s.template(s.line("Colour", "White", "Black"), s.lineOf(made, "1 m", "2 m"))
	s.equal("dynamic: none yet", len(s.variants(rope.ID, false)), 0)
	white, two := s.ptav(rope, "White").ID(), s.ptav(rope, "2 m").ID()
	first := ok[int64](s)(product.VariantOf(s.env, rope.ID, []int64{two, white}))
	again := ok[any](s)(orm.Invoke(s.env, product.CreateVariant, []*product.Template{rope}, []int64{white, two}))
	s.equal("made once", again, first)
	s.equal("name", s.names(rope.ID), []string{"Shirt (2 m, White)"})
	s.do(orm.RecordsOf(s.env, rope).Write(orm.Values{"name": "Rope", "attribute_line_ids": []orm.Command{s.line("Fibre", "Hemp")}}))
	s.equal("a single value more", s.names(rope.ID), []string{"Rope (2 m, White)"})
	s.refuses("half a combination", orm.CodeUser, func(env *orm.Env) error {
		_, err := product.VariantOf(env, rope.ID, []int64{white})
		return err
	})
	s.do(env(s, "product.product", first).Unlink())
	s.equal("the template stays without variants", ok[orm.Records](s)(orm.RecordsOf(s.env, rope).Exists()).Len(), 1)
	s.refuses("check boxes that make variants", orm.CodeValidation, func(env *orm.Env) error {
		_, err := env.Model("product.attribute").Create(orm.Values{"name": "Toppings", "display_type": "multi"})
		return err
	})
}

func TestArchivingVariantsArchivesTheTemplate(t *testing.T) {
	s := newShop(t)
	shirt := s.template(s.line("Size", "S", "M"))
	template := orm.RecordsOf(s.env, shirt)
	vs := s.variants(shirt.ID, false)
	call := func(method string, ps ...*product.Product) {
		s.Helper()
		ok[any](s)(orm.RecordsOf(s.env, ps...).Call(method, orm.Args{}))
	}
	call("action_archive", vs[0])
	s.equal("with one left", s.value(template, "active"), true)
	call("action_archive", vs[1])
	s.equal("with none left", s.value(template, "active"), false)
	call("action_unarchive", vs[0])
	s.equal("with one back", s.value(template, "active"), true)
	s.equal("only that one", len(s.variants(shirt.ID, false)), 1)
	call("toggle_active", s.variants(shirt.ID, true)...)
	got := s.variants(shirt.ID, false)
	s.equal("toggled", len(got) == 1 && got[0].ID == vs[1].ID, true)
}

func TestTooManyVariants(t *testing.T) {
	s := newShop(t)
	values := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprint("v", i)
		}
		return out
	}
	s.create("ir.config_parameter", orm.Values{"key": "product.dynamic_variant_limit", "value": "30"})
	s.refuses("36 variants of 30", orm.CodeUser, func(*orm.Env) error {
		_, err := s.env.Model("product.template").Create(orm.Values{"name": "Many", "attribute_line_ids": []orm.Command{s.line("A", values(6)...), s.line("B", values(6)...)}})
		return err
	})
	s.equal("30 variants", len(s.variants(s.template(s.line("A", values(6)...), s.line("B", values(5)...)).ID, false)), 30)
}
