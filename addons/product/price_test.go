package product_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func (s *shop) price(list int64, ask product.PriceRequest) product.Price {
	s.Helper()
	return ok[[]product.Price](s)(product.Prices(s.env, list, 0, time.Time{}, []product.PriceRequest{ask}))[0]
}

func (s *shop) pricelist(rules ...orm.Values) int64 {
	s.Helper()
	lines := make([]orm.Command, len(rules))
	for i, r := range rules {
		lines[i] = orm.CreateLine(r)
	}
	return s.create("product.pricelist", orm.Values{"name": "List", "item_ids": lines}).ID()
}

func TestEachKindOfRule(t *testing.T) {
	s := newShop(t)
	p := s.create("product.product", orm.Values{"name": "Desk", "list_price": 33.33, "standard_price": 20}).ID()
	promo := s.pricelist(orm.Values{"compute_price": "percentage", "percent_price": 50})
	for name, c := range map[string]struct {
		rule orm.Values
		want string
	}{
		"fixed":                  {orm.Values{"compute_price": "fixed", "fixed_price": 9.5}, "9.5"},
		"fixed at nothing":       {orm.Values{"compute_price": "fixed"}, "0"},
		"percentage":             {orm.Values{"compute_price": "percentage", "percent_price": 10}, "29.997"},
		"percentage of the cost": {orm.Values{"compute_price": "percentage", "percent_price": 10, "base": "standard_price"}, "18"},
		"percentage of a list":   {orm.Values{"compute_price": "percentage", "percent_price": 10, "base": "pricelist", "base_pricelist_id": promo}, "14.9985"},
		"discount":               {orm.Values{"compute_price": "formula", "price_discount": 20}, "26.664"},
		"discount and fee":       {orm.Values{"compute_price": "formula", "price_discount": 20, "price_surcharge": 1}, "27.664"},
		"rounded before the fee": {orm.Values{"compute_price": "formula", "price_discount": 20, "price_round": 0.05, "price_surcharge": 1}, "27.65"},
		"rounded to 10, less 1":  {orm.Values{"compute_price": "formula", "price_round": 10, "price_surcharge": -0.01}, "29.99"},
		"markup on the cost":     {orm.Values{"compute_price": "formula", "base": "standard_price", "price_markup": 25}, "25"},
		"negative discount":      {orm.Values{"compute_price": "formula", "base": "standard_price", "price_discount": -25}, "25"},
		"least margin":           {orm.Values{"compute_price": "formula", "base": "standard_price", "price_markup": 5, "price_min_margin": 3}, "23"},
		"greatest margin":        {orm.Values{"compute_price": "formula", "base": "standard_price", "price_markup": 80, "price_max_margin": 10}, "30"},
		"margins that hold":      {orm.Values{"compute_price": "formula", "base": "standard_price", "price_markup": 25, "price_min_margin": 3, "price_max_margin": 10}, "25"},
	} {
		got := s.price(s.pricelist(c.rule), product.PriceRequest{ProductID: p, Quantity: dec("1")})
		s.equal(name, got.Price, c.want)
	}
	none := s.price(s.pricelist(), product.PriceRequest{ProductID: p, Quantity: dec("1")})
	s.equal("without a rule", none.Price, "33.33")
	s.equal("rule of that", none.RuleID, int64(0))
	s.equal("without a pricelist", s.price(0, product.PriceRequest{ProductID: p, Quantity: dec("1")}).Price, "33.33")
	half := s.price(promo, product.PriceRequest{ProductID: p, Quantity: dec("1")})
	s.equal("base of a percentage", half.Base, "33.33")
	s.equal("the percentage", half.Discount, "50")
}

func TestTheMostParticularRuleWins(t *testing.T) {
	s := newShop(t)
	top := s.create("product.category", orm.Values{"name": "Top"}).ID()
	low := s.create("product.category", orm.Values{"name": "Low", "parent_id": top}).ID()
	shirt := s.create("product.template", orm.Values{"name": "Shirt", "list_price": 20, "categ_id": low, "attribute_line_ids": []orm.Command{s.line("Size", "S", "M")}})
	vs := s.variants(shirt.ID(), false)
	small, medium := vs[0].ID, vs[1].ID
	hat := s.create("product.product", orm.Values{"name": "Hat", "list_price": 8, "categ_id": top}).ID()
	mug := s.create("product.product", orm.Values{"name": "Mug", "list_price": 5}).ID()
	fixed := func(price float64, more orm.Values) orm.Values {
		more["compute_price"], more["fixed_price"] = "fixed", price
		return more
	}
	list := s.pricelist(
		fixed(1, orm.Values{}),
		fixed(2, orm.Values{"categ_id": top}),
		fixed(3, orm.Values{"categ_id": low, "min_quantity": 3}),
		fixed(4, orm.Values{"product_tmpl_id": shirt.ID()}),
		fixed(5, orm.Values{"product_tmpl_id": shirt.ID(), "min_quantity": 10}),
		fixed(6, orm.Values{"product_id": small, "min_quantity": 5}),
		fixed(7, orm.Values{"product_id": small, "min_quantity": 50}),
	)
	for _, c := range []struct {
		name    string
		product int64
		qty     string
		want    string
	}{
		{"everything", mug, "1", "1"},
		{"category", hat, "1", "2"},
		{"template, few", medium, "9.99", "4"},
		{"template, many", medium, "10", "5"},
		{"variant, too few", small, "4.99", "4"},
		{"variant, enough", small, "5", "6"},
		{"variant before the template's better fit", small, "10", "6"},
		{"variant, very many", small, "50", "7"},
	} {
		s.equal(c.name, s.price(list, product.PriceRequest{ProductID: c.product, Quantity: dec(c.qty)}).Price, c.want)
	}
	rows := ok[[]orm.Values](s)(ok[orm.Records](s)(s.env.Model("product.pricelist.item").Search(orm.Leaf("pricelist_id", "=", list), orm.SearchOptions{})).Read("applied_on", "name", "price"))
	got := []string{}
	for _, r := range rows {
		got = append(got, r["applied_on"].(string)+" | "+r["name"].(string)+" | "+r["price"].(string))
	}
	s.equal("order and description of the rules", got, []string{
		"0_product_variant | Variant: Shirt (S) | 7.00 USD", "0_product_variant | Variant: Shirt (S) | 6.00 USD",
		"1_product | Product: Shirt | 5.00 USD", "1_product | Product: Shirt | 4.00 USD",
		"2_product_category | Category: Top / Low | 3.00 USD", "2_product_category | Category: Top | 2.00 USD", "3_global | All Products | 1.00 USD"})
	s.equal("rules of the template", s.value(shirt, "pricelist_item_count"), int64(2))
}

func TestDatesOfRules(t *testing.T) {
	s := newShop(t)
	p := s.create("product.product", orm.Values{"name": "Desk", "list_price": 100}).ID()
	list := s.pricelist(orm.Values{"compute_price": "fixed", "fixed_price": 80, "date_start": "2024-03-31 01:30:00", "date_end": "2024-10-27 01:30:00"})
	for date, want := range map[string]string{"2024-03-31 01:29:59": "100", "2024-03-31 01:30:00": "80", "2024-10-27 01:30:00": "80", "2024-10-27 01:30:01": "100"} {
		at := ok[orm.Datetime](s)(orm.ParseDatetime(date))
		s.equal("price at "+date, ok[decimal.Decimal](s)(product.PriceOf(s.env, list, p, dec("1"), 0, 0, at)), want)
	}
}

func TestUnitsAndCurrenciesOfPrices(t *testing.T) {
	s := newShop(t)
	eur := ok[orm.Records](s)(s.env.WithContext(map[string]any{"active_test": false}).Model("res.currency").Search(orm.Leaf("name", "=", "EUR"), orm.SearchOptions{}))
	s.do(eur.Write(orm.Values{"active": true}))
	s.create("res.currency.rate", orm.Values{"currency_id": eur.ID(), "name": "2024-01-01", "rate": 0.8})
	s.create("res.currency.rate", orm.Values{"currency_id": eur.ID(), "name": "2024-06-01", "rate": 0.5})
	dozen := s.ref("uom.product_uom_dozen")
	p := s.create("product.product", orm.Values{"name": "Egg", "list_price": 10, "standard_price": 4}).ID()
	other := s.pricelist(orm.Values{"compute_price": "percentage", "percent_price": 50})
	list := func(rule orm.Values) int64 {
		return s.create("product.pricelist", orm.Values{"name": "Euro", "currency_id": eur.ID(), "item_ids": []orm.Command{orm.CreateLine(rule)}}).ID()
	}
	usd := s.ref("base.USD")
	january, july := time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC), time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		rule     orm.Values
		date     time.Time
		currency int64
		unit     int64
		want     string
	}{
		"list price in January":     {orm.Values{"compute_price": "percentage", "percent_price": 10}, january, 0, 0, "7.2"},
		"list price in July":        {orm.Values{"compute_price": "percentage", "percent_price": 10}, july, 0, 0, "4.5"},
		"cost":                      {orm.Values{"compute_price": "formula", "base": "standard_price", "price_surcharge": 1}, january, 0, 0, "4.2"},
		"another list":              {orm.Values{"compute_price": "percentage", "base": "pricelist", "base_pricelist_id": other}, january, 0, 0, "4"},
		"fixed is in the list's":    {orm.Values{"compute_price": "fixed", "fixed_price": 7}, january, 0, 0, "7"},
		"fixed asked for in USD":    {orm.Values{"compute_price": "fixed", "fixed_price": 8}, january, usd, 0, "10"},
		"fixed for a dozen":         {orm.Values{"compute_price": "fixed", "fixed_price": 7}, january, 0, dozen, "84"},
		"formula for a dozen":       {orm.Values{"compute_price": "formula", "price_discount": 50, "price_surcharge": 1}, january, 0, dozen, "60"},
		"12 units are the quantity": {orm.Values{"compute_price": "fixed", "fixed_price": 1, "min_quantity": 12}, january, 0, dozen, "12"},
		"and not 13":                {orm.Values{"compute_price": "fixed", "fixed_price": 1, "min_quantity": 12.5}, january, 0, dozen, "96"},
	} {
		got := ok[[]product.Price](s)(product.Prices(s.env, list(c.rule), c.currency, c.date, []product.PriceRequest{{ProductID: p, Quantity: dec("1"), UoMID: c.unit}}))
		s.equal(name, got[0].Price, c.want)
	}
}

func TestPricesOfVariantsIncludeTheirExtra(t *testing.T) {
	s := newShop(t)
	shirt := s.template(s.line("Size", "S", "XL"))
	s.do(s.ptav(shirt, "XL").Write(orm.Values{"price_extra": 5}))
	large := s.variants(shirt.ID, false)[1].ID
	s.equal("half", s.price(s.pricelist(orm.Values{"compute_price": "percentage", "percent_price": 50}), product.PriceRequest{ProductID: large, Quantity: dec("1")}).Price, "12.5")
}

func TestManyPricesTakeFewStatements(t *testing.T) {
	s := newShop(t)
	cheap := s.pricelist(orm.Values{"compute_price": "percentage", "percent_price": 20})
	list := s.pricelist(orm.Values{"compute_price": "formula", "base": "pricelist", "base_pricelist_id": cheap, "price_surcharge": 1}, orm.Values{"categ_id": s.ref("product.product_category_goods"), "compute_price": "fixed", "fixed_price": 3, "min_quantity": 50})
	var asks []product.PriceRequest
	for i := range 60 {
		p := s.create("product.product", orm.Values{"name": "P", "list_price": 10 + i, "categ_id": s.ref("product.product_category_goods")})
		asks = append(asks, product.PriceRequest{ProductID: p.ID(), Quantity: decimal.NewFromInt(int64(i))})
	}
	s.do(s.env.Flush())
	ormtest.MaxQueries(t, s.env, 20, func() {
		got := ok[[]product.Price](s)(product.Prices(s.env, list, 0, time.Time{}, asks))
		s.equal("the first", got[0].Price, "9")
		s.equal("the 50th", got[49].Price, "48.2")
		s.equal("the 51st", got[50].Price, "3")
	})
}

func TestRulesThatMakeNoSense(t *testing.T) {
	s := newShop(t)
	list := s.pricelist()
	above := s.pricelist(orm.Values{"compute_price": "percentage", "base": "pricelist", "base_pricelist_id": list})
	for name, rule := range map[string]orm.Values{
		"on itself":          {"compute_price": "percentage", "base": "pricelist", "base_pricelist_id": list},
		"in a circle":        {"compute_price": "formula", "base": "pricelist", "base_pricelist_id": above},
		"on an unnamed list": {"compute_price": "formula", "base": "pricelist"},
		"ends first":         {"date_start": "2024-02-01 00:00:00", "date_end": "2024-01-01 00:00:00"},
		"margins crossed":    {"compute_price": "formula", "price_min_margin": 5, "price_max_margin": 4},
		"which product":      {"applied_on": "1_product"},
		"which variant":      {"applied_on": "0_product_variant"},
		"which category":     {"applied_on": "2_product_category"},
	} {
		s.refuses(name, orm.CodeValidation, func(env *orm.Env) error {
			rule["pricelist_id"] = list
			_, err := env.Model("product.pricelist.item").Create(rule)
			return err
		})
	}
	s.refuses("deleting a base", orm.CodeUser, func(env *orm.Env) error { return env.Model("product.pricelist").Browse(list).Unlink() })
	s.do(s.env.Model("product.pricelist").Browse(list, above).Unlink())
}

func TestPricelistOfAPartner(t *testing.T) {
	s := newShop(t)
	us, fr := s.ref("base.us"), s.ref("base.fr")
	group := s.create("res.country.group", orm.Values{"name": "France", "country_ids": []orm.Command{orm.SetIDs(fr)}}).ID()
	s.do(ok[orm.Records](s)(s.env.Model("product.pricelist").Search(nil, orm.SearchOptions{})).Unlink())
	make := func(name string, seq int, vals orm.Values) int64 {
		vals["name"], vals["sequence"] = name, seq
		return s.create("product.pricelist", vals).ID()
	}
	french := make("French", 1, orm.Values{"country_group_ids": []orm.Command{orm.SetIDs(group)}})
	public := make("Public", 2, orm.Values{})
	special := make("Special", 3, orm.Values{})
	other := s.create("res.company", orm.Values{"name": "Other"}).ID()
	foreign := make("Foreign", 0, orm.Values{"company_id": other})
	acme := s.create("res.partner", orm.Values{"name": "Acme", "is_company": true, "country_id": us})
	bob := s.create("res.partner", orm.Values{"name": "Bob", "parent_id": acme.ID(), "country_id": us})
	marie := s.create("res.partner", orm.Values{"name": "Marie", "country_id": fr})
	of := func(env *orm.Env, p orm.Records) int64 { return ok[int64](s)(product.PricelistOf(env, p.ID())) }
	s.equal("while the feature is off", of(s.env, acme), int64(0))
	s.do(s.env.Model("res.groups").Browse(s.ref("base.group_user")).Write(orm.Values{"implied_ids": []orm.Command{orm.Link(s.ref("product.group_product_pricelist"))}}))
	s.equal("by country", of(s.env, marie), french)
	s.equal("of no country in particular", of(s.env, acme), public)
	s.do(acme.Write(orm.Values{"property_product_pricelist": special}))
	s.equal("its own", of(s.env, acme), special)
	s.equal("that of the commercial entity", of(s.env, bob), special)
	s.equal("in another company", of(s.env.WithCompany(other), acme), foreign)
	s.do(s.env.Model("product.pricelist").Browse(special).Write(orm.Values{"active": false}))
	s.equal("its own is archived", of(s.env, acme), public)
	s.equal("nobody's", ok[int64](s)(product.PricelistOf(s.env, 0)), int64(0))
}
