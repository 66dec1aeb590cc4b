package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"fusion/addons/fusion_woocommerce/matching"
	"fusion/addons/fusion_woocommerce/wcapi"
	"fusion/addons/product"
	"fusion/framework/jobs"
	"fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// threshold is how alike two names must be for a suggestion.
const threshold = 0.75

// fetchProducts queues the fetch of a store's products.
func fetchProducts(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	for _, inst := range recs {
		if inst.State != "connected" {
			return nil, orm.UserErrorf("%s is not connected. Test the connection first.", inst.Name)
		}
		if _, err := queueInstance(env, JobProducts, "Fetch products of "+inst.Name, inst.ID); err != nil {
			return nil, err
		}
	}
	return notify("success", "Products", "The store's products are being fetched. Reload the page in a moment."), nil
}

// item is a product or variation of a store, as the mapping keeps it.
type item struct {
	id, parent int64
	variation  bool
	kind       string
	name, sku  string
	regular    wcapi.Amount
	sale       wcapi.Amount
	from, to   wcapi.Time
	manage     wcapi.StockMode
	stock      wcapi.Amount
	taxClass   string
	virtual    bool
	status     string
	link       string
	modified   wcapi.Time
	weight     wcapi.Amount
}

func itemOf(p *wcapi.Product) item {
	kind := p.Type
	switch kind {
	case "simple", "variable", "variation", "grouped", "external":
	default:
		kind = "other"
	}
	return item{id: int64(p.ID), parent: int64(p.ParentID), kind: kind, variation: p.IsVariation(), name: wcapi.Unescape(p.Name), sku: p.SKU, regular: p.RegularPrice, sale: p.SalePrice,
		from: p.SaleFrom, to: p.SaleTo, manage: p.ManageStock, stock: p.StockQuantity, taxClass: p.TaxClass, virtual: bool(p.Virtual) || bool(p.Downloadable),
		status: p.Status, link: p.Permalink, modified: p.Modified, weight: p.Weight}
}

// itemOfVariation names a variation after its parent and its attributes. The
// SKU the store shows may be the parent's; then it is not its own.
func itemOfVariation(parent *wcapi.Product, v *wcapi.Variation) item {
	var options []string
	for _, a := range v.Attributes {
		if a.Option != "" {
			options = append(options, wcapi.Unescape(a.Option))
		}
	}
	name := wcapi.Unescape(parent.Name)
	if len(options) > 0 {
		name += " – " + strings.Join(options, ", ")
	}
	it := item{id: int64(v.ID), parent: int64(parent.ID), kind: "variation", variation: true, name: name, sku: v.SKU, regular: v.RegularPrice, sale: v.SalePrice,
		from: v.SaleFrom, to: v.SaleTo, manage: v.ManageStock, stock: v.StockQuantity, taxClass: v.TaxClass, virtual: bool(v.Virtual) || bool(v.Downloadable),
		status: v.Status, link: v.Permalink, modified: v.Modified, weight: v.Weight}
	if it.sku == parent.SKU {
		it.sku = ""
	}
	if it.taxClass == "parent" {
		it.taxClass = parent.TaxClass
	}
	return it
}

// readItems walks all products of a store and the variations of the variable
// ones. What cannot be read is told and passed over.
func readItems(ctx context.Context, c *wcapi.Client) (items []item, unreadable []string, err error) {
	for p, err := range c.Products(ctx, nil) {
		if err != nil {
			if !errors.Is(err, wcapi.ErrDecode) {
				return nil, nil, err
			}
			unreadable = append(unreadable, explain(err))
			continue
		}
		items = append(items, itemOf(&p))
		if p.Type != "variable" {
			continue
		}
		for v, err := range c.Variations(ctx, int64(p.ID), nil) {
			if err != nil {
				return nil, nil, fmt.Errorf("variations of product %d: %w", p.ID, err)
			}
			items = append(items, itemOfVariation(&p, &v))
		}
	}
	return items, unreadable, nil
}

// productsJob fetches all products of a store.
func productsJob(ctx context.Context, w *jobs.Work) error {
	var id int64
	if err := json.Unmarshal(w.Payload, &id); err != nil {
		return jobs.Cancel(err)
	}
	inst, err := loadInstance(ctx, w.DB, id)
	if orm.IsCode(err, orm.CodeMissing) {
		return jobs.Cancel(errors.New("the instance has been deleted"))
	}
	if err != nil {
		return err
	}
	began := time.Now()
	c, err := inst.client()
	if err != nil {
		return jobs.Cancel(errors.New(explain(err)))
	}
	items, unreadable, err := readItems(ctx, c)
	if err != nil {
		return instanceFailed(ctx, w, inst, "product", fmt.Errorf("products cannot be listed: %w", err))
	}
	return w.FinishExclusive(ctx, fmt.Sprintf("woo.products:%d", inst.ID), func(env *orm.Env) error {
		env = env.WithCompany(inst.CompanyID.ID)
		sum, err := takeItems(env, inst, items)
		if err != nil {
			return err
		}
		for _, text := range unreadable {
			if err := logTo(env, inst, entry{Type: "product", State: "failed", Message: "A product of the store cannot be read: " + text}); err != nil {
				return err
			}
		}
		if err := env.Model("woo.instance").Browse(inst.ID).Write(orm.Values{"last_sync": orm.DatetimeOf(env.Now())}); err != nil {
			return err
		}
		return logTo(env, inst, entry{Type: "product", State: "success", Since: began, Message: sum.String()})
	})
}

// productJob takes one product over after a webhook. Its variations come with it.
func productJob(ctx context.Context, w *jobs.Work) error {
	var p orderJob
	if err := json.Unmarshal(w.Payload, &p); err != nil {
		return jobs.Cancel(err)
	}
	inst, err := loadInstance(ctx, w.DB, p.Instance)
	if err != nil {
		return err
	}
	c, err := inst.client()
	if err != nil {
		return jobs.Cancel(errors.New(explain(err)))
	}
	var items []item
	gone := false
	pr, err := c.Product(ctx, p.Order)
	switch {
	case errors.Is(err, wcapi.ErrNotFound):
		gone = true
	case err != nil:
		return instanceFailed(ctx, w, inst, "product", fmt.Errorf("product %d cannot be read: %w", p.Order, err))
	case pr.IsVariation() && pr.ParentID != 0:
		parent, err := c.Product(ctx, int64(pr.ParentID))
		if err != nil {
			return instanceFailed(ctx, w, inst, "product", err)
		}
		v, err := c.Variation(ctx, int64(pr.ParentID), p.Order)
		if err != nil {
			return instanceFailed(ctx, w, inst, "product", err)
		}
		items = []item{itemOf(parent), itemOfVariation(parent, v)}
	default:
		items = []item{itemOf(pr)}
	}
	return w.FinishExclusive(ctx, fmt.Sprintf("woo.products:%d", inst.ID), func(env *orm.Env) error {
		env = env.WithCompany(inst.CompanyID.ID)
		if gone {
			maps, err := env.Model("woo.product.map").Search(orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", p.Order)), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := maps.Write(orm.Values{"woo_status": "deleted"}); err != nil {
				return err
			}
		} else if _, err := takeItems(env, inst, items); err != nil {
			return err
		}
		return settleEvent(env, p.Event, "done", "")
	})
}

// summary of a fetch.
type summary struct{ seen, added, changed, mapped, created, suggested int }

func (s summary) String() string {
	return fmt.Sprintf("%d products and variations read: %d new, %d changed, %d matched by SKU, %d created here, %d suggestions.", s.seen, s.added, s.changed, s.mapped, s.created, s.suggested)
}

// takeItems brings the mapping up to date with the store. What a person
// decided (mapped, ignored, a product chosen) stays; only new and unmapped
// entries are matched.
func takeItems(env *orm.Env, inst *Instance, items []item) (summary, error) {
	sum := summary{seen: len(items)}
	old, err := orm.Search[ProductMap](env, orm.Leaf("instance_id", "=", inst.ID), orm.SearchOptions{})
	if err != nil {
		return sum, err
	}
	byID := map[int64]*ProductMap{}
	for _, m := range old {
		byID[m.RemoteID] = m
	}
	var fresh []orm.Values
	for _, it := range items {
		vals := it.values()
		m := byID[it.id]
		if m == nil {
			vals["instance_id"], vals["company_id"] = inst.ID, inst.CompanyID.ID
			fresh = append(fresh, vals)
			sum.added++
			continue
		}
		if !m.same(it) {
			if err := orm.RecordsOf(env, m).Write(vals); err != nil {
				return sum, err
			}
			sum.changed++
		}
	}
	if len(fresh) > 0 {
		if _, err := env.Model("woo.product.map").Create(fresh...); err != nil {
			return sum, err
		}
	}
	byItem := map[int64]item{}
	for _, it := range items {
		byItem[it.id] = it
	}
	return sum, match(env, inst, byItem, &sum)
}

func (it item) values() orm.Values {
	v := orm.Values{"woo_id": it.id, "woo_product_type": it.kind, "is_variation": it.variation, "woo_name": it.name, "woo_sku": it.sku,
		"woo_regular_price": it.regular.Decimal, "woo_has_price": it.regular.Set, "woo_sale_price": it.sale.Decimal, "woo_on_sale": it.sale.Set,
		"woo_sale_from": orm.DatetimeOf(it.from.Time), "woo_sale_to": orm.DatetimeOf(it.to.Time), "woo_manage_stock": string(it.manage), "woo_stock": it.stock.Decimal,
		"woo_tax_class": it.taxClass, "woo_virtual": it.virtual, "woo_status": it.status, "permalink": it.link, "woo_modified": orm.DatetimeOf(it.modified.Time)}
	if it.variation {
		v["woo_product_id"], v["woo_parent_id"], v["woo_variation_id"] = it.parent, it.parent, it.id
	} else {
		v["woo_product_id"] = it.id
	}
	if it.manage == "" {
		v["woo_manage_stock"] = "false"
	}
	return v
}

// same reports whether the mapping already says what the store says.
func (m *ProductMap) same(it item) bool {
	return m.Name == it.name && m.SKU == it.sku && m.HasRegular == it.regular.Set && m.Regular.Equal(it.regular.Decimal) && m.HasSale == it.sale.Set &&
		m.Sale.Equal(it.sale.Decimal) && m.Status == it.status && m.Stock.Equal(it.stock.Decimal) && m.Type == it.kind && m.TaxClass == it.taxClass &&
		m.Virtual == it.virtual && m.Modified.Time().Equal(it.modified.Time)
}

// match finds products for the unmapped entries: by SKU, else it makes a
// suggestion by name or, when the policy says so, creates the product.
func match(env *orm.Env, inst *Instance, items map[int64]item, sum *summary) error {
	open, err := orm.Search[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "=", "unmapped")), orm.SearchOptions{Order: "woo_parent_id, woo_id"})
	if err != nil || len(open) == 0 {
		return err
	}
	products, err := orm.Search[product.Product](env, nil, orm.SearchOptions{})
	if err != nil {
		return err
	}
	candidates := make([]matching.Candidate, len(products))
	for i, p := range products {
		candidates[i] = matching.Candidate{ID: p.ID, SKU: p.DefaultCode, Name: p.Name}
	}
	index := matching.NewIndex(candidates)
	taken, err := takenSKUs(env, inst.ID)
	if err != nil {
		return err
	}
	for _, m := range open {
		// A variable product is a folder of its variations; a grouped or
		// external one is never on an order line.
		if m.Type == "variable" || m.Type == "grouped" {
			if err := orm.RecordsOf(env, m).Write(orm.Values{"state": "ignored", "suggestion_reason": "Sold through its parts only."}); err != nil {
				return err
			}
			continue
		}
		hit, ok, skuErr := index.SKU(m.SKU)
		if ok && hit.Reason == matching.SameSKU && skuErr == nil {
			if err := orm.RecordsOf(env, m).Write(orm.Values{"product_id": hit.ID, "state": "mapped", "suggestion_reason": hit.Explain()}); err != nil {
				return err
			}
			sum.mapped++
			continue
		}
		if inst.MissingProduct == "create" && skuErr == nil && !ok {
			id, err := createProduct(env, m, items[m.RemoteID], taken)
			if err != nil {
				return fmt.Errorf("product for “%s” (store id %d): %w", m.Name, m.RemoteID, err)
			}
			if err := orm.RecordsOf(env, m).Write(orm.Values{"product_id": id, "state": "mapped", "suggestion_reason": "Created from the store."}); err != nil {
				return err
			}
			sum.created++
			continue
		}
		vals := orm.Values{"suggestion_reason": "No product is alike."}
		if skuErr != nil {
			vals["suggestion_reason"] = skuErr.Error()
		} else if !ok {
			hit, ok = index.Best(m.Name, threshold)
		}
		if ok {
			vals = orm.Values{"suggested_product_id": hit.ID, "suggestion_score": hit.Score, "suggestion_reason": hit.Explain()}
			sum.suggested++
		}
		if err := orm.RecordsOf(env, m).Write(vals); err != nil {
			return err
		}
	}
	return nil
}

// takenSKUs are the internal references given to products of the store so far.
func takenSKUs(env *orm.Env, instance int64) (map[string]bool, error) {
	rows, err := env.Query("SELECT DISTINCT default_code FROM product_product WHERE default_code IS NOT NULL")
	out := map[string]bool{}
	for _, r := range rows {
		out[r[0]] = true
	}
	return out, err
}

// createProduct makes a product of a store's item. Its internal reference is
// the SKU, unless another product has that already.
func createProduct(env *orm.Env, m *ProductMap, it item, taken map[string]bool) (int64, error) {
	vals := orm.Values{"name": m.Name, "list_price": m.Regular, "type": "consu", "sale_ok": true, "invoice_policy": "order", "taxes_id": []orm.Command{orm.SetIDs()}}
	if vals["name"] == "" {
		vals["name"] = fmt.Sprintf("Store product %d", m.RemoteID)
	}
	if m.SKU != "" && !taken[m.SKU] {
		vals["default_code"] = m.SKU
		taken[m.SKU] = true
	}
	if m.Virtual {
		vals["type"] = "service"
	} else if m.ManageStock != "false" {
		vals["is_storable"] = true
	}
	if it.weight.Set && it.weight.Decimal.GreaterThan(decimal.Zero) {
		vals["weight"] = it.weight.Decimal.InexactFloat64()
	}
	made, err := env.Model("product.product").Create(vals)
	return made.ID(), err
}
