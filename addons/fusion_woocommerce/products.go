package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
)

// fetchProducts queues the fetch of a store's products.
func fetchProducts(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	for _, inst := range recs {
		if inst.State != StoreConnected {
			return nil, orm.UserErrorf("%s is not connected. Test the connection first.", inst.Name)
		}
		if err := queueInstance(env, JobProducts, "Fetch products of "+inst.Name, inst.ID); err != nil {
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

// fetchAll fetches all products of a store.
func (e *engine) fetchAll(ctx context.Context, w *jobs.Work) error {
	var id int64
	if err := json.Unmarshal(w.Payload, &id); err != nil {
		return jobs.Cancel(err)
	}
	inst, c, err := e.instance(ctx, w.DB, id)
	if err != nil {
		return err
	}
	began := time.Now()
	items, unreadable, err := readItems(ctx, c)
	if err != nil {
		return storeFailed(ctx, w, inst, "product", inst.URL, fmt.Errorf("products cannot be listed: %w", err))
	}
	return w.FinishExclusive(ctx, fmt.Sprintf("woo.products:%d", inst.ID), func(env *orm.Env) error {
		env = importEnv(env, inst)
		sum, err := updateMapping(env, inst, items)
		if err != nil {
			return err
		}
		for _, text := range unreadable {
			if err := logTo(env, inst, logEntry{Type: "product", State: "failed", Message: "A product of the store cannot be read: " + text}); err != nil {
				return err
			}
		}
		if err := env.Model("woo.instance").Browse(inst.ID).Write(orm.Values{"last_sync": orm.DatetimeOf(env.Now())}); err != nil {
			return err
		}
		return logTo(env, inst, logEntry{Type: "product", State: "success", Since: began, Message: sum.String()})
	})
}

// fetchOne takes one product over after a webhook, with its parent if it is a
// variation.
func (e *engine) fetchOne(ctx context.Context, w *jobs.Work) error {
	var job remoteJob
	if err := json.Unmarshal(w.Payload, &job); err != nil {
		return jobs.Cancel(err)
	}
	inst, c, err := e.instance(ctx, w.DB, job.Instance)
	if err != nil {
		return err
	}
	items, err := readItem(ctx, c, job.ID)
	gone := errors.Is(err, wcapi.ErrNotFound)
	if err != nil && !gone {
		return storeFailed(ctx, w, inst, "product", itoa(job.ID), fmt.Errorf("product %d cannot be read: %w", job.ID, err))
	}
	return w.FinishExclusive(ctx, fmt.Sprintf("woo.products:%d", inst.ID), func(env *orm.Env) error {
		env = importEnv(env, inst)
		if gone {
			maps, err := env.Model("woo.product.map").Search(orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", job.ID)), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := maps.Write(orm.Values{"woo_status": "deleted"}); err != nil {
				return err
			}
		} else if _, err := updateMapping(env, inst, items); err != nil {
			return err
		}
		return settleEvent(env, job.Event, "done", "")
	})
}

// readItem reads a product or variation, the latter with its parent.
func readItem(ctx context.Context, c *wcapi.Client, id int64) ([]item, error) {
	p, err := c.Product(ctx, id)
	if err != nil {
		return nil, err
	}
	if !p.IsVariation() || p.ParentID == 0 {
		return []item{itemOf(p)}, nil
	}
	parent, err := c.Product(ctx, int64(p.ParentID))
	if err != nil {
		return nil, err
	}
	v, err := c.Variation(ctx, int64(p.ParentID), id)
	if err != nil {
		return nil, err
	}
	return []item{itemOf(parent), itemOfVariation(parent, v)}, nil
}

// readItemsOf reads the products of order lines. Those the store no longer has
// are left out.
func readItemsOf(ctx context.Context, c *wcapi.Client, lines []ordermap.Line) ([]item, error) {
	var out []item
	seen := map[int64]bool{}
	for _, l := range lines {
		id := remoteID(l)
		if id == 0 || seen[id] {
			continue
		}
		seen[id] = true
		items, err := readItem(ctx, c, id)
		if errors.Is(err, wcapi.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("product %d cannot be read: %w", id, err)
		}
		out = append(out, items...)
	}
	return out, nil
}

// remoteID is the id under which the mapping knows the product of a line.
func remoteID(l ordermap.Line) int64 {
	if l.VariationID != 0 {
		return l.VariationID
	}
	return l.ProductID
}

// summary of a fetch.
type summary struct{ seen, added, changed, mapped, created, suggested int }

func (s summary) String() string {
	return fmt.Sprintf("%d products and variations read: %d new, %d changed, %d matched by SKU, %d created here, %d suggestions.", s.seen, s.added, s.changed, s.mapped, s.created, s.suggested)
}

// updateMapping brings the mapping up to date with the store. What a person
// decided (mapped, ignored, a product chosen) stays; only new and unmapped
// entries are matched. What did not change costs nothing.
func updateMapping(env *orm.Env, inst *Instance, items []item) (summary, error) {
	sum := summary{seen: len(items)}
	old, err := orm.Search[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "in", anyIDs(itemIDs(items)))), orm.SearchOptions{})
	if err != nil {
		return sum, err
	}
	byID := map[int64]*ProductMap{}
	for _, m := range old {
		byID[m.RemoteID] = m
	}
	match, err := newMatcher(env, inst, &sum)
	if err != nil {
		return sum, err
	}
	var fresh, changes []orm.Values
	var changed []*ProductMap
	listed := map[int64]bool{}
	for _, it := range items {
		if listed[it.id] {
			continue
		}
		listed[it.id] = true
		m := byID[it.id]
		vals := orm.Values{}
		if m == nil || !m.same(it) {
			vals = it.values()
		}
		if m == nil || m.State == ProductUnmapped && !m.ProductID.IsSet() {
			match.decide(it, vals)
		}
		switch {
		case m == nil:
			vals["instance_id"], vals["company_id"] = inst.ID, inst.CompanyID.ID
			fresh = append(fresh, vals)
			sum.added++
		case len(vals) > 0:
			if !m.same(it) {
				sum.changed++
			}
			changed, changes = append(changed, m), append(changes, vals)
		}
	}
	if err := match.create(); err != nil {
		return sum, err
	}
	if len(fresh) > 0 {
		if _, err := env.Model("woo.product.map").Create(fresh...); err != nil {
			return sum, err
		}
	}
	for i, m := range changed {
		if vals := m.differing(changes[i]); len(vals) > 0 {
			if err := orm.RecordsOf(env, m).Write(vals); err != nil {
				return sum, err
			}
		}
	}
	return sum, nil
}

// differing leaves out a suggestion that was made before.
func (m *ProductMap) differing(vals orm.Values) orm.Values {
	if len(vals) > 3 || vals["state"] != nil || vals["suggestion_reason"] != m.Reason {
		return vals
	}
	if id, ok := vals["suggested_product_id"].(int64); ok && id != m.SuggestedID.ID {
		return vals
	}
	return nil
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
