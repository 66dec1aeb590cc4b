package product_test

import (
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// shop is a database with products, and what tests ask of it.
type shop struct {
	*testing.T
	env *orm.Env
}

func newShop(t *testing.T) *shop {
	t.Helper()
	t.Parallel()
	return &shop{t, ormtest.New(t, base.Addon(), mail.Addon(), uom.Addon(), product.Addon())}
}

func (s *shop) as(env *orm.Env) *shop { return &shop{s.T, env} }

func ok[V any](s *shop) func(V, error) V {
	return func(v V, err error) V {
		s.Helper()
		if err != nil {
			s.Fatal(err)
		}
		return v
	}
}

func (s *shop) do(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// refuses makes sure that do fails with an error of a code, and undoes it.
func (s *shop) refuses(what string, code orm.Code, do func(env *orm.Env) error) {
	s.Helper()
	if err := s.env.Savepoint(do); !orm.IsCode(err, code) {
		s.Errorf("%s: %v, want a %s", what, err, code)
	}
}

func (s *shop) create(model string, vals orm.Values) orm.Records {
	s.Helper()
	return ok[orm.Records](s)(s.env.Model(model).Create(vals))
}

func (s *shop) ref(xmlid string) int64 {
	s.Helper()
	return ok[orm.Records](s)(s.env.Ref(xmlid)).ID()
}

func (s *shop) value(rs orm.Records, field string) any {
	s.Helper()
	return ok[any](s)(rs.Value(field))
}

// variants are those of a template, archived ones too on demand, in the order
// they were made.
func (s *shop) variants(template int64, archived bool) []*product.Product {
	s.Helper()
	env := s.env.WithContext(map[string]any{"active_test": !archived})
	return ok[[]*product.Product](s)(orm.Search[product.Product](env, orm.Leaf("product_tmpl_id", "=", template), orm.SearchOptions{Order: "id"}, "display_name", "lst_price"))
}

func (s *shop) names(template int64) []string {
	s.Helper()
	var out []string
	for _, v := range s.variants(template, false) {
		out = append(out, v.DisplayName.Get())
	}
	return out
}

func (s *shop) user(login string, groups ...string) *orm.Env {
	s.Helper()
	ids := []int64{s.ref("base.group_user")}
	for _, g := range groups {
		ids = append(ids, s.ref(g))
	}
	u := s.create("res.users", orm.Values{"name": login, "login": login, "group_ids": []orm.Command{orm.SetIDs(ids...)}})
	return s.env.WithUser(u.ID())
}

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func (s *shop) equal(what string, got, want any) {
	s.Helper()
	switch w := want.(type) {
	case string:
		if d, isNumber := got.(decimal.Decimal); isNumber {
			if !d.Equal(dec(w)) {
				s.Errorf("%s: %s, want %s", what, d, w)
			}
			return
		}
	case []string:
		if g, isList := got.([]string); isList && slices.Equal(g, w) {
			return
		}
		s.Errorf("%s: %q, want %q", what, got, want)
		return
	case []int64:
		if g, isList := got.([]int64); isList && slices.Equal(g, w) {
			return
		}
		s.Errorf("%s: %v, want %v", what, got, want)
		return
	}
	if got != want {
		s.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestAProductBringsItsTemplate(t *testing.T) {
	s := newShop(t)
	p := s.create("product.product", orm.Values{"name": "Mug", "list_price": 12.345, "default_code": "MUG", "standard_price": 4.5, "weight": 0.333})
	row := ok[[]orm.Values](s)(p.Read("display_name", "list_price", "lst_price", "type", "sale_ok", "purchase_ok", "active", "uom_id", "uom_ids", "categ_id", "standard_price", "weight", "product_variant_count", "is_product_variant", "weight_uom_name", "currency_id"))[0]
	for field, want := range map[string]any{"display_name": "[MUG] Mug", "list_price": "12.345", "lst_price": "12.345", "type": "consu", "sale_ok": true, "purchase_ok": true, "active": true,
		"uom_id": s.ref("uom.product_uom_unit"), "categ_id": nil, "standard_price": "4.5", "weight": "0.33",
		"product_variant_count": int64(1), "is_product_variant": true, "weight_uom_name": "kg"} {
		s.equal(field, row[field], want)
	}
	template := s.env.Model("product.template").Browse(s.value(p, "product_tmpl_id").(int64))
	row = ok[[]orm.Values](s)(template.Read("display_name", "default_code", "standard_price", "weight", "product_variant_id", "product_variant_ids", "is_product_variant"))[0]
	for field, want := range map[string]any{"display_name": "[MUG] Mug", "default_code": "MUG", "standard_price": "4.5", "weight": "0.33", "product_variant_id": p.ID(), "is_product_variant": false} {
		s.equal("template's "+field, row[field], want)
	}
	// Written on the template, values of the variant reach it, and the reverse.
	s.do(template.Write(orm.Values{"default_code": "MUG2", "standard_price": 4.444, "barcode": "4006381333931", "volume": 0.5}))
	row = ok[[]orm.Values](s)(p.Read("default_code", "standard_price", "barcode", "volume"))[0]
	for field, want := range map[string]any{"default_code": "MUG2", "standard_price": "4.444", "barcode": "4006381333931", "volume": "0.5"} {
		s.equal("variant's "+field, row[field], want)
	}
	s.do(p.Write(orm.Values{"name": "Cup", "list_price": 9, "default_code": nil}))
	s.equal("display name", s.value(template, "display_name"), "Cup")
	s.equal("price", s.value(template, "list_price"), "9")
	s.do(p.Write(orm.Values{"lst_price": 10}))
	s.equal("price written on the variant", s.value(template, "list_price"), "10")
	// Archived, it still shows what it was.
	s.do(p.Write(orm.Values{"default_code": "OLD", "active": false}))
	s.equal("reference of an archived variant", s.value(template, "default_code"), "OLD")
	found := ok[orm.Records](s)(s.env.Model("product.template").Search(orm.Leaf("barcode", "=", "4006381333931"), orm.SearchOptions{}))
	s.equal("found by barcode", found.IDs, template.IDs)
	s.do(p.Unlink())
	s.equal("templates left", ok[orm.Records](s)(template.Exists()).Len(), 0)
}

func TestATemplateBringsItsVariant(t *testing.T) {
	s := newShop(t)
	made := s.create("product.template", orm.Values{"name": "Tea", "default_code": "TEA", "barcode": "2900000000018", "standard_price": 2.5, "weight": 0.1,
		"uom_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "Box", "relative_factor": 20, "relative_uom_id": s.ref("uom.product_uom_unit")})}})
	vs := s.variants(made.ID(), false)
	if len(vs) != 1 || vs[0].DefaultCode != "TEA" || vs[0].Barcode != "2900000000018" || !vs[0].StandardPrice.Equal(dec("2.5")) || !vs[0].Weight.Equal(dec("0.1")) {
		t.Fatalf("variants: %+v", vs)
	}
	boxes := s.value(orm.RecordsOf(s.env, vs[0]), "uom_ids").([]int64)
	s.equal("packagings", len(boxes), 1)
	s.create("product.uom", orm.Values{"product_id": vs[0].ID, "uom_id": boxes[0], "barcode": "2900000000025"})
	s.do(made.Write(orm.Values{"active": false}))
	s.equal("active variants of an archived template", len(s.variants(made.ID(), false)), 0)
	s.do(made.Write(orm.Values{"active": true}))
	s.equal("the same variant comes back", s.variants(made.ID(), false)[0].ID, vs[0].ID)
	s.do(made.Unlink())
	s.equal("variants left", len(s.variants(made.ID(), true)), 0)
}

func TestCopies(t *testing.T) {
	s := newShop(t)
	p := s.create("product.product", orm.Values{"name": "Lamp", "list_price": 22.22, "default_code": "L1", "barcode": "2900000000018"})
	made := ok[orm.Records](s)(p.Copy(nil))
	row := ok[[]orm.Values](s)(made.Read("name", "list_price", "default_code", "barcode", "product_tmpl_id"))[0]
	if row["name"] != "Lamp (copy)" || row["default_code"] != nil || row["barcode"] != nil || row["product_tmpl_id"] == s.value(p, "product_tmpl_id") {
		t.Errorf("copy of a variant: %v", row)
	}
	s.equal("price", row["list_price"], "22.22")
}

func TestBarcodesAreUnique(t *testing.T) {
	s := newShop(t)
	branch := s.create("res.company", orm.Values{"name": "Branch"}).ID()
	other := s.create("res.company", orm.Values{"name": "Other"}).ID()
	p := s.create("product.product", orm.Values{"name": "A", "barcode": "1", "company_id": branch})
	s.create("product.product", orm.Values{"name": "B", "barcode": "1", "company_id": other})
	again := func(vals orm.Values) func(*orm.Env) error {
		return func(env *orm.Env) error {
			vals["name"], vals["barcode"] = "C", "1"
			_, err := env.Model("product.product").Create(vals)
			return err
		}
	}
	s.refuses("same company", orm.CodeValidation, again(orm.Values{"company_id": branch}))
	s.refuses("shared product", orm.CodeValidation, again(orm.Values{}))
	s.do(p.Write(orm.Values{"active": false}))
	if err := s.env.Savepoint(again(orm.Values{"company_id": branch})); err != nil {
		t.Errorf("an archived product lets its barcode go: %v", err)
	}
	dozen := s.ref("uom.product_uom_dozen")
	s.create("product.uom", orm.Values{"product_id": p.ID(), "uom_id": dozen, "barcode": "77", "company_id": branch})
	s.refuses("barcode of a packaging", orm.CodeValidation, func(env *orm.Env) error {
		_, err := env.Model("product.product").Create(orm.Values{"name": "D", "barcode": "77"})
		return err
	})
	s.refuses("barcode of a product for a packaging", orm.CodeValidation, func(env *orm.Env) error {
		_, err := env.Model("product.uom").Create(orm.Values{"product_id": p.ID(), "uom_id": dozen, "barcode": "1"})
		return err
	})
}

func TestNameSearch(t *testing.T) {
	s := newShop(t)
	make := func(name, code, barcode string) int64 {
		return s.create("product.product", orm.Values{"name": name, "default_code": code, "barcode": barcode}).ID()
	}
	widget := make("Widget", "W-01", "2900000000018")
	cable1 := make("Cable 1m", "C-01", "")
	cable2 := make("Cable 2m", "C-02", "")
	named := make("About W-01 things", "", "")
	find := func(text, op string, limit int) []int64 {
		found := ok[[]orm.NamedID](s)(s.env.Model("product.product").NameSearch(text, nil, op, limit))
		var ids []int64
		for _, f := range found {
			ids = append(ids, f.ID)
		}
		return ids
	}
	for _, c := range []struct {
		text string
		want []int64
	}{
		{"W-01", []int64{widget}}, // the exact reference, and not who mentions it
		{"2900000000018", []int64{widget}},
		{"C-0", []int64{cable1, cable2}},
		{"cable", []int64{cable1, cable2}},
		{"[C-02] Cable 2m", []int64{cable2}},
		{"w-0", []int64{widget, named}},
		{"nothing of the kind", nil},
		{"29000000000", nil},
	} {
		s.equal("search "+c.text, find(c.text, "ilike", 100), c.want)
	}
	s.equal("limited", find("w-0", "ilike", 1), []int64{widget})
	s.equal("everything but", slices.Contains(find("cable", "not ilike", 100), cable1), false)
	s.equal("everything but, the rest", slices.Contains(find("cable", "not ilike", 100), widget), true)
	byTemplate := ok[[]orm.NamedID](s)(s.env.Model("product.template").NameSearch("C-01", nil, "ilike", 10))
	if len(byTemplate) != 1 || byTemplate[0].Name != "[C-01] Cable 1m" {
		t.Errorf("templates by reference: %v", byTemplate)
	}
	plain := ok[map[int64]string](s)(s.env.WithContext(map[string]any{"display_default_code": false}).Model("product.product").Browse(widget).DisplayNames())
	s.equal("without reference", plain[widget], "Widget")
}

func TestCategories(t *testing.T) {
	s := newShop(t)
	top := s.create("product.category", orm.Values{"name": "Hardware"})
	mid := s.create("product.category", orm.Values{"name": "Cables", "parent_id": top.ID()})
	low := s.create("product.category", orm.Values{"name": "Short", "parent_id": mid.ID()})
	for _, c := range []orm.Records{top, mid, low, low} {
		s.create("product.product", orm.Values{"name": "Thing", "categ_id": c.ID()})
	}
	s.equal("complete name", s.value(low, "complete_name"), "Hardware / Cables / Short")
	s.equal("products below", s.value(top, "product_count"), int64(4))
	s.equal("products of its own", s.value(low, "product_count"), int64(2))
	s.do(top.Write(orm.Values{"name": "Iron"}))
	s.equal("renamed above", s.value(low, "display_name"), "Iron / Cables / Short")
	s.do(mid.Write(orm.Values{"parent_id": nil}))
	s.equal("moved above", s.value(low, "complete_name"), "Cables / Short")
	s.refuses("a circle", orm.CodeUser, func(env *orm.Env) error { return mid.In(env).Write(orm.Values{"parent_id": low.ID()}) })
	s.refuses("the first category", orm.CodeUser, func(env *orm.Env) error {
		return env.Model("product.category").Browse(s.ref("product.product_category_goods")).Unlink()
	})
	kept := ok[orm.Records](s)(s.env.Model("product.template").Search(orm.Leaf("categ_id", "=", low.ID()), orm.SearchOptions{}))
	s.do(low.Unlink())
	s.equal("a category leaves its products without one", ok[orm.Records](s)(kept.Search(orm.And(orm.Leaf("id", "in", kept.IDs), orm.Leaf("categ_id", "=", false)), orm.SearchOptions{})).Len(), 2)
}

func TestCostIsKeptPerCompany(t *testing.T) {
	s := newShop(t)
	other := s.create("res.company", orm.Values{"name": "Other"}).ID()
	p := s.create("product.product", orm.Values{"name": "Widget", "standard_price": 6.1})
	there := p.In(s.env.WithCompany(other))
	s.equal("not yet in the other company", s.value(there, "standard_price"), "0")
	s.do(there.Write(orm.Values{"standard_price": 99.5}))
	s.equal("here", s.value(p, "standard_price"), "6.1")
	s.equal("there", s.value(there, "standard_price"), "99.5")
	found := ok[orm.Records](s)(s.env.WithCompany(other).Model("product.template").Search(orm.Leaf("standard_price", ">", 50), orm.SearchOptions{}))
	s.equal("templates by the cost there", found.Len(), 1)
}

func TestUnits(t *testing.T) {
	s := newShop(t)
	kg, gram, dozen := s.ref("uom.product_uom_kgm"), s.ref("uom.product_uom_gram"), s.ref("uom.product_uom_dozen")
	p := s.create("product.product", orm.Values{"name": "Flour", "uom_id": kg, "list_price": 2})
	s.refuses("dozens of kilograms", orm.CodeValidation, func(env *orm.Env) error {
		return p.In(env).Write(orm.Values{"uom_ids": []orm.Command{orm.Link(dozen)}})
	})
	bought := s.create("product.supplierinfo", orm.Values{"partner_id": s.create("res.partner", orm.Values{"name": "Mill"}).ID(), "product_id": p.ID(), "price": 1.5})
	s.equal("bought by", s.value(bought, "product_uom_id"), kg)
	s.do(bought.Write(orm.Values{"product_uom_id": gram}))
	s.do(p.Write(orm.Values{"name": "White flour"}))
	s.equal("bought by what was said", s.value(bought, "product_uom_id"), gram)
	s.equal("price of a gram", s.value(p.In(s.env.WithContext(map[string]any{"uom": gram})), "lst_price"), "0.002")
}

func TestACombosNeedsChoices(t *testing.T) {
	s := newShop(t)
	s.refuses("no choice", orm.CodeValidation, func(env *orm.Env) error {
		_, err := env.Model("product.template").Create(orm.Values{"name": "Menu", "type": "combo"})
		return err
	})
	drink := s.create("product.product", orm.Values{"name": "Water"})
	choice := s.create("product.combo", orm.Values{"name": "Drinks", "combo_item_ids": []orm.Command{orm.CreateLine(orm.Values{"product_id": drink.ID(), "extra_price": 0.5})}})
	menu := s.create("product.template", orm.Values{"name": "Menu", "type": "combo", "combo_ids": []orm.Command{orm.SetIDs(choice.ID())}})
	s.equal("type", s.value(menu, "type"), "combo")
}

func TestTags(t *testing.T) {
	s := newShop(t)
	fresh, sale := s.create("product.tag", orm.Values{"name": "New"}).ID(), s.create("product.tag", orm.Values{"name": "Sale"}).ID()
	p := s.create("product.product", orm.Values{"name": "A", "product_tag_ids": []orm.Command{orm.SetIDs(fresh)}, "additional_product_tag_ids": []orm.Command{orm.SetIDs(sale, fresh)}})
	q := s.create("product.product", orm.Values{"name": "B"})
	s.equal("all tags", s.value(p, "all_product_tag_ids"), []int64{fresh, sale})
	both := orm.Leaf("id", "in", []int64{p.ID(), q.ID()})
	for op, want := range map[string]int64{"in": p.ID(), "not in": q.ID()} {
		found := ok[orm.Records](s)(s.env.Model("product.product").Search(orm.And(both, orm.Leaf("all_product_tag_ids", op, []int64{sale})), orm.SearchOptions{}))
		s.equal("tags "+op, found.IDs, []int64{want})
	}
	groups := ok[[]orm.Group](s)(s.env.Model("product.product").ReadGroup(both, []string{"product_tag_ids"}, nil, orm.GroupOptions{}))
	for _, g := range groups {
		n := ok[int](s)(s.env.Model("product.product").SearchCount(g.Domain, 0))
		s.equal("records of a group's domain", n, g.Count)
	}
	s.equal("groups", len(groups), 2)
}

func TestRights(t *testing.T) {
	s := newShop(t)
	other := s.create("res.company", orm.Values{"name": "Other"}).ID()
	shared := s.create("product.product", orm.Values{"name": "Shared"})
	theirs := s.create("product.product", orm.Values{"name": "Theirs", "company_id": other})
	lists := []orm.Records{s.create("product.pricelist", orm.Values{"name": "Mine"}), s.create("product.pricelist", orm.Values{"name": "Theirs", "company_id": other})}
	plain := s.user("plain")
	s.equal("a user reads", s.value(shared.In(plain), "name"), "Shared")
	if _, err := theirs.In(plain).Value("name"); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("a product of another company: %v", err)
	}
	seen := ok[orm.Records](s)(plain.Model("product.pricelist").Search(orm.Leaf("id", "in", []int64{lists[0].ID(), lists[1].ID()}), orm.SearchOptions{}))
	s.equal("pricelists of the company", seen.IDs, []int64{lists[0].ID()})
	s.refuses("a user creates", orm.CodeAccess, func(env *orm.Env) error {
		_, err := env.WithUser(plain.UID()).NoSudo().Model("product.product").Create(orm.Values{"name": "X"})
		return err
	})
	s.refuses("a user changes", orm.CodeAccess, func(env *orm.Env) error {
		return shared.In(env.WithUser(plain.UID())).Write(orm.Values{"list_price": 1})
	})
	manager := s.as(s.user("manager", "product.group_product_manager"))
	shirt := manager.create("product.template", orm.Values{"name": "Shirt", "attribute_line_ids": []orm.Command{manager.line("Size", "S", "M")}})
	s.equal("variants a product manager makes", len(manager.variants(shirt.ID(), false)), 2)
	s.do(shirt.Unlink())
}
