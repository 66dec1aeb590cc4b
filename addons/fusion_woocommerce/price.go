package woocommerce

import (
	"fmt"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// Prices are compared with what both ends had when they last agreed: what one end
// changed is taken over by the other, and what both changed is a conflict. Each
// part of a price, the regular one and the sale with its dates, is compared for
// itself, as a text:
//
//	regular   "12.5", or "none": without a price a product cannot be bought, 0 is free
//	sale      "9.99", "9.99 from 2026-12-01 00:00:00 to 2026-12-31 23:59:59", or "none"
const (
	partRegular = "regular"
	partSale    = "sale"
	noPrice     = "none"
)

// storePrice is what the store has of a part.
func (m *ProductMap) storePrice(part string) string {
	if part == partSale {
		return saleText(m.HasSale, m.Sale, m.SaleFrom.Time(), m.SaleTo.Time())
	}
	if !m.HasRegular {
		return noPrice
	}
	return m.Regular.String()
}

func saleText(set bool, price decimal.Decimal, from, to time.Time) string {
	if !set {
		return noPrice
	}
	text := price.String()
	if !from.IsZero() {
		text += " from " + stamp(from)
	}
	if !to.IsZero() {
		text += " to " + stamp(to)
	}
	return text
}

// parseSale takes apart what saleText wrote.
func parseSale(text string) (price string, from, to time.Time, err error) {
	if text == noPrice {
		return "", from, to, nil
	}
	price, rest, _ := strings.Cut(text, " ")
	if _, err := decimal.NewFromString(price); err != nil {
		return "", from, to, orm.UserErrorf("“%s” is not a price.", price)
	}
	for rest != "" {
		var word, day, hour string
		if n, _ := fmt.Sscan(rest, &word, &day, &hour); n != 3 || word != "from" && word != "to" {
			return "", from, to, orm.UserErrorf("“%s” is not a sale price. Write it such as: 9.99 from 2026-12-01 00:00:00 to 2026-12-31 23:59:59", text)
		}
		at, err := time.Parse(time.DateTime, day+" "+hour)
		if err != nil {
			return "", from, to, orm.UserErrorf("“%s %s” is not a date and time.", day, hour)
		}
		if word == "from" {
			from = at
		} else {
			to = at
		}
		_, rest, _ = strings.Cut(rest, hour)
		rest = strings.TrimSpace(rest)
	}
	return price, from, to, nil
}

// priceBlock says why no prices are exchanged with a store, "" when they are.
func priceBlock(env *orm.Env, inst *Instance) (string, error) {
	rows, err := env.Sudo().Model("res.company").Browse(inst.CompanyID.ID).Read("currency_id", "account_price_include")
	if err != nil {
		return "", err
	}
	currency, err := env.Sudo().Model("res.currency").Browse(rows[0].ID("currency_id")).Value("name")
	if err != nil {
		return "", err
	}
	switch included := rows[0].Text("account_price_include") == account.PriceTaxIncluded; {
	case inst.StoreCurrency == "":
		return "Test the connection: the currency of the store is not known yet.", nil
	case inst.StoreCurrency != currency:
		return fmt.Sprintf("The store sells in %s and the company keeps prices in %s.", inst.StoreCurrency, currency), nil
	case inst.PricesWithTax && !included:
		return "Prices are entered with tax in the store and without tax here.", nil
	case !inst.PricesWithTax && included:
		return "Prices are entered without tax in the store and with tax here.", nil
	}
	return "", nil
}

// comparePrices compares the prices of mapped products, as the mapping knows the
// store's, and asks for what follows.
func comparePrices(env *orm.Env, inst *Instance, which orm.Domain) error {
	if inst.PriceSync == PriceNone || !inst.Live {
		return nil
	}
	why, err := priceBlock(env, inst)
	if err != nil {
		return err
	}
	if why != inst.PriceBlock {
		inst.PriceBlock = why
		if err := orm.RecordsOf(env.Sudo(), inst).Write(orm.Values{"price_block": why}); err != nil {
			return err
		}
	}
	if why != "" {
		return nil
	}
	list, err := orm.Search[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "in", []any{ProductMapped, ProductConflict}), orm.Leaf("sync_price", "=", true), orm.Leaf("product_id", "!=", false),
		orm.Leaf("woo_product_type", "in", []any{TypeSimple, TypeVariation, TypeOther, TypeExternal}), orm.Leaf("woo_status", "not in", []any{"deleted", "trash"}), which), orm.SearchOptions{Order: "id"},
		"product_id.lst_price", "product_id.product_tmpl_id.product_variant_count")
	if err != nil || len(list) == 0 {
		return err
	}
	c := &priceComparison{env: env, inst: inst}
	for _, m := range list {
		if err := c.compare(m, partRegular, ourPrice(m), &m.BaseRegular); err != nil {
			return err
		}
	}
	if inst.SaleList.IsSet() && inst.PriceSync != PriceFromStore {
		sales, err := salePrices(env, inst, list)
		if err != nil {
			return err
		}
		for i, m := range list {
			if err := c.compare(m, partSale, sales[i], &m.BaseSale); err != nil {
				return err
			}
		}
	}
	return c.finish()
}

// salePrices are the sale prices of products: those of the pricelist that are below
// the sales price, with the dates of their rule.
func salePrices(env *orm.Env, inst *Instance, list []*ProductMap) ([]string, error) {
	asks := make([]product.PriceRequest, len(list))
	for i, m := range list {
		asks[i] = product.PriceRequest{ProductID: m.ProductID.ID, Quantity: decimal.NewFromInt(1)}
	}
	found, err := product.Prices(env, inst.SaleList.ID, 0, env.Now(), asks)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, p := range found {
		ids = append(ids, p.RuleID)
	}
	rules, err := orm.Search[product.PricelistItem](env.Sudo(), orm.Leaf("id", "in", anyIDs(ids)), orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	byID := map[int64]*product.PricelistItem{}
	for _, r := range rules {
		byID[r.ID] = r
	}
	out := make([]string, len(list))
	for i, p := range found {
		price := p.Price.Round(pricePlaces)
		out[i] = noPrice
		if rule := byID[p.RuleID]; rule != nil && price.LessThan(list[i].ProductID.Rec().LstPrice.Get()) {
			out[i] = saleText(true, price, rule.DateStart.Time(), rule.DateEnd.Time())
		}
	}
	return out, nil
}

// pricePlaces is to how many decimals prices are compared: a store keeps them as they
// are typed, whatever it shows.
const pricePlaces = 4

// ourPrice is the regular price here.
func ourPrice(m *ProductMap) string {
	return m.ProductID.Rec().LstPrice.Get().Round(pricePlaces).String()
}

// priceComparison gathers what comparing asks for.
type priceComparison struct {
	env     *orm.Env
	inst    *Instance
	changes []change
	settled []*ProductMap
	agreed  map[string][]int64 // products whose ends agree, by part
}

// compare decides what follows for one part of a price.
func (c *priceComparison) compare(m *ProductMap, part, ours string, base *string) error {
	theirs := m.storePrice(part)
	if ours == theirs {
		if *base != ours {
			*base = ours
			c.settled = append(c.settled, m)
		}
		if c.agreed == nil {
			c.agreed = map[string][]int64{}
		}
		c.agreed[part] = append(c.agreed[part], m.ID)
		return nil
	}
	switch how := c.inst.PriceSync; {
	case how == PriceToStore, how == PriceBoth && *base != "" && theirs == *base, part == partSale && *base == "" && theirs == noPrice:
		c.push(m, part, ours, theirs)
		return nil
	case how == PriceFromStore, how == PriceBoth && *base != "" && ours == *base && part == partRegular:
		done, err := c.pull(m, theirs)
		if err != nil || done {
			*base = theirs
			c.settled = append(c.settled, m)
			return err
		}
		return c.conflict(m, part, ours, theirs, *base, "The product has several variants with one price here. Change the price of the product or of its variants by hand.")
	case *base == "":
		return c.conflict(m, part, ours, theirs, "", "The ends never agreed on it.")
	}
	return c.conflict(m, part, ours, theirs, *base, "Both ends changed it.")
}

// push asks for the store's price to be changed. A drop beyond what the instance
// allows waits for a person.
func (c *priceComparison) push(m *ProductMap, part, ours, theirs string) {
	c.changes = append(c.changes, priceChangeOf(c.env, c.inst, m, part, ours, theirs))
}

func priceChangeOf(env *orm.Env, inst *Instance, m *ProductMap, part, ours, theirs string) change {
	v := priceChange{ID: m.RemoteID, Part: part, Value: ours, Expected: theirs}
	if m.IsVariation {
		v.Parent = m.WooParentID
	}
	return change{Kind: KindPrice, Target: "product:" + itoa(m.RemoteID), Part: part, Name: fmt.Sprintf("%s price of %s: %s → %s", strings.ToUpper(part[:1])+part[1:], m.Name, theirs, ours),
		Values: v, Record: orm.RecordsOf(env, m), Hold: guard(inst, part, ours, theirs)}
}

// guard is why a change of a price waits for a person, "" when it does not.
func guard(inst *Instance, part, ours, theirs string) string {
	after, err1 := decimal.NewFromString(ours)
	before, err2 := decimal.NewFromString(theirs)
	if part != partRegular || inst.PriceGuard <= 0 || err1 != nil || err2 != nil || !before.IsPositive() {
		return ""
	}
	drop := before.Sub(after).Div(before).Mul(decimal.NewFromInt(100))
	if drop.LessThanOrEqual(decimal.NewFromInt(int64(inst.PriceGuard))) {
		return ""
	}
	return fmt.Sprintf("The price would drop by %s %%, more than the %d %% that go through by themselves. Send it if it is right.", drop.Round(0), inst.PriceGuard)
}

// pull takes the store's regular price over. A price all variants of a product
// share cannot follow one of them.
func (c *priceComparison) pull(m *ProductMap, theirs string) (bool, error) {
	if m.ProductID.Rec().TemplateID.Rec().VariantCount.Get() > 1 || theirs == noPrice {
		return false, nil
	}
	if err := c.env.Model("product.product").Browse(m.ProductID.ID).Write(orm.Values{"lst_price": theirs}); err != nil {
		return false, err
	}
	return true, logTo(c.env, c.inst, logEntry{Type: "price", State: "success", Ref: m.SKU, Message: fmt.Sprintf("The price of %s is taken over from the store: %s.", m.Name, theirs), Record: orm.RecordsOf(c.env, m)})
}

func (c *priceComparison) conflict(m *ProductMap, part, ours, theirs, base, note string) error {
	kind := ConflictPrice
	if part == partSale {
		kind = ConflictSalePrice
	}
	if err := orm.RecordsOf(c.env, m).Write(orm.Values{"state": ProductConflict}); err != nil {
		return err
	}
	return openConflict(c.env, c.inst, Conflict{Type: kind, MapID: orm.RefTo[ProductMap](m.ID), Name: "Price of " + m.Name, Field: part, Ours: ours, Theirs: theirs, Base: base, Note: note})
}

func (c *priceComparison) finish() error {
	if err := orm.Save(c.env, c.settled, "base_regular", "base_sale"); err != nil {
		return err
	}
	for _, part := range []string{partRegular, partSale} {
		if err := agreed(c.env, c.agreed[part], part); err != nil {
			return err
		}
	}
	if err := settleMaps(c.env, c.inst); err != nil {
		return err
	}
	return put(c.env, c.inst, c.changes...)
}

// settleMaps takes the mark of a conflict off products that have none any more.
func settleMaps(env *orm.Env, inst *Instance) error {
	marked, err := env.Model("woo.product.map").Search(orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "=", ProductConflict)), orm.SearchOptions{})
	if err != nil || marked.Len() == 0 {
		return err
	}
	open, err := env.Model("woo.conflict").CountBy("map_id", orm.And(orm.Leaf("map_id", "in", anyIDs(marked.IDs)), orm.Leaf("state", "=", ConflictOpen)))
	if err != nil {
		return err
	}
	var clear []int64
	for _, id := range marked.IDs {
		if open[id] == 0 {
			clear = append(clear, id)
		}
	}
	return env.Model("woo.product.map").Browse(clear...).Write(orm.Values{"state": ProductMapped})
}

// resolvePrices carries out what a person decided about prices. Decisions on
// values that are out of date are refused.
func resolvePrices(env *orm.Env, list []*Conflict, with string) error {
	if err := orm.Load(env, list, "map_id.product_id.lst_price", "map_id.product_id.product_tmpl_id.product_variant_count", "instance_id"); err != nil {
		return err
	}
	for _, c := range list {
		m, inst := c.MapID.Rec(), c.InstanceID.Rec()
		if m == nil {
			return orm.UserErrorf("The product of %s is gone.", c.Name)
		}
		ours := ourPrice(m)
		if c.Field == partSale {
			sales, err := salePrices(env, inst, []*ProductMap{m})
			if err != nil {
				return err
			}
			ours = sales[0]
		}
		if theirs := m.storePrice(c.Field); ours != c.Ours || theirs != c.Theirs {
			return orm.UserErrorf("%s was changed meanwhile: here %s, in the store %s. Fetch the products again, then decide.", c.Name, ours, theirs)
		}
		if err := resolvePrice(env, inst, m, c, with); err != nil {
			return err
		}
		base := "base_regular"
		if c.Field == partSale {
			base = "base_sale"
		}
		// Until it is sent, what goes to the store is a change on this side alone.
		if err := orm.RecordsOf(env, m).Write(orm.Values{base: c.Theirs, "state": ProductMapped}); err != nil {
			return err
		}
	}
	return nil
}

func resolvePrice(env *orm.Env, inst *Instance, m *ProductMap, c *Conflict, with string) error {
	value := map[string]string{ResolvedOdoo: c.Ours, ResolvedWoo: c.Theirs, ResolvedOwn: c.OwnValue}[with]
	if with != ResolvedOdoo {
		if c.Field == partSale {
			return orm.UserErrorf("Sale prices come from the pricelist of the instance. Change it there, or use the ERP's value.")
		}
		price, err := decimal.NewFromString(value)
		if err != nil || price.IsNegative() {
			return orm.UserErrorf("“%s” is not a price that a product can have here.", value)
		}
		if err := env.Model("product.product").Browse(m.ProductID.ID).Write(orm.Values{"lst_price": price}); err != nil {
			return err
		}
	}
	if with == ResolvedWoo {
		return nil
	}
	ch := priceChangeOf(env, inst, m, c.Field, value, c.Theirs)
	ch.Hold = "" // a person has decided
	return put(env, inst, ch)
}
