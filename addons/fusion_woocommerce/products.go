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

// catalogueOverlap is how far before the newest change it has seen the next walk begins:
// a change becomes visible a moment after the time it bears.
const catalogueOverlap = 2 * time.Minute

// fetchProducts queues the fetch of all of a store's products.
func fetchProducts(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	for _, inst := range recs {
		if inst.State != StoreConnected {
			return nil, orm.UserErrorf("%s is not connected. Test the connection first.", inst.Name)
		}
		if err := orm.RecordsOf(env, inst).Write(orm.Values{"product_compare_at": nil}); err != nil {
			return nil, err
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
	asked      int64 // when the store was asked, by the clock of the database; 0: not known
	weight     wcapi.Amount
}

func itemOf(p *wcapi.Product) item {
	kind := p.Type
	switch {
	case p.HasVariations():
		kind = TypeVariable
	case p.IsVariation():
		kind = TypeVariation
	}
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

// catalogue is what a store sells, as far as it was asked and could be read.
type catalogue struct {
	items      []item
	unreadable []string
	seen       map[int64]bool // ids it has, readable or not
	partly     map[int64]bool // products not all of whose variations could be listed
	newest     time.Time      // change
}

func (k *catalogue) add(it item) {
	k.items, k.seen[it.id] = append(k.items, it), true
	if it.modified.After(k.newest) {
		k.newest = it.modified.Time
	}
}

// failed tells what cannot be read; reading goes on.
func (k *catalogue) failed(text string, err error) {
	k.unreadable = append(k.unreadable, text+explain(err))
	k.seen[wcapi.ObjectOf(err)] = true
}

// readItems walks the products of a store that changed since then, or all, and their
// variations. What cannot be read is told and passed over.
func readItems(ctx context.Context, c *wcapi.Client, since time.Time) (*catalogue, error) {
	k := &catalogue{seen: map[int64]bool{}, partly: map[int64]bool{}}
	var q wcapi.Query
	if !since.IsZero() {
		q = wcapi.Query{"dates_are_gmt": "true", "modified_after": since.UTC().Format("2006-01-02T15:04:05")}
	}
	for p, err := range c.Products(ctx, q) {
		if err != nil {
			if !errors.Is(err, wcapi.ErrDecode) {
				return nil, err
			}
			k.failed("", err)
			continue
		}
		k.add(itemOf(&p))
		if !p.HasVariations() {
			continue
		}
		for v, err := range c.Variations(ctx, int64(p.ID), nil) {
			if err == nil {
				k.add(itemOfVariation(&p, &v))
				continue
			}
			// Whatever keeps the variations of one product from being listed, the
			// others are there, unless the store itself does not answer.
			if we, ok := errors.AsType[*wcapi.Error](err); !ok || we.Temporary() && we.Kind != wcapi.ErrServer {
				return nil, fmt.Errorf("variations of product %d: %w", p.ID, err)
			}
			k.failed(fmt.Sprintf("Of the variations of product %d: ", p.ID), err)
			if !errors.Is(err, wcapi.ErrDecode) || wcapi.ObjectOf(err) == 0 {
				k.partly[int64(p.ID)] = true
			}
		}
	}
	return k, nil
}

// productsFrom is since when changed products are read, and whether all of them are,
// which finds what was deleted.
func (i *Instance) productsFrom(now time.Time) (since time.Time, whole bool) {
	since = i.ProductCursor.Time()
	if since.IsZero() || now.Sub(i.ProductCompareAt.Time()) > compareEvery {
		return time.Time{}, true
	}
	return since.Add(-catalogueOverlap), false
}

// fetchAll fetches the products of a store that changed, and once a day all.
func (e *engine) fetchAll(ctx context.Context, w *jobs.Work) error {
	inst, c, err := e.instanceOf(ctx, w)
	if err != nil {
		return err
	}
	began := time.Now()
	since, whole := inst.productsFrom(began)
	asked, err := clockOf(ctx, w.DB)
	if err != nil {
		return err
	}
	k, err := readItems(ctx, c, since)
	if err != nil {
		return storeFailed(ctx, w, inst, "product", inst.URL, fmt.Errorf("products cannot be listed: %w", err))
	}
	return w.FinishExclusive(ctx, fmt.Sprintf("woo.products:%d", inst.ID), func(env *orm.Env) error {
		env = importEnv(env, inst)
		sum, err := updateMapping(env, inst, askedAt(k.items, asked))
		if err != nil {
			return err
		}
		vals := orm.Values{"last_sync": orm.DatetimeOf(env.Now())}
		if k.newest.After(inst.ProductCursor.Time()) {
			vals["product_cursor"] = orm.DatetimeOf(k.newest)
		}
		if whole {
			vals["product_compare_at"] = orm.DatetimeOf(env.Now())
			if sum.missing, err = queueMissingProducts(env, inst, k); err != nil {
				return err
			}
		}
		for _, text := range k.unreadable {
			if err := logTo(env, inst, logEntry{Type: "product", State: "failed", Message: "A product of the store cannot be read: " + text}); err != nil {
				return err
			}
		}
		if err := comparePrices(env, inst, nil); err != nil {
			return err
		}
		if err := env.Model("woo.instance").Browse(inst.ID).Write(vals); err != nil || !whole && len(sum.touched)+sum.refused+len(k.unreadable) == 0 {
			return err
		}
		return logTo(env, inst, logEntry{Type: "product", State: "success", Since: began, Message: sum.String()})
	})
}

// queueMissingProducts asks for the products that are in the mapping, and that a walk of
// the whole catalogue did not find.
func queueMissingProducts(env *orm.Env, inst *Instance, k *catalogue) (int, error) {
	// SQL: the ids of all products ever seen, which a comparison looks for.
	rows, err := orm.Rows[[2]int64](env, orm.SQL(`SELECT woo_id, COALESCE(woo_parent_id, 0) FROM woo_product_map
		WHERE instance_id = ? AND (woo_status IS NULL OR woo_status NOT IN (?, 'trash')) ORDER BY woo_id`, inst.ID, statusDeleted).
		Reads("woo.product.map", "instance_id", "woo_id", "woo_parent_id", "woo_status"))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, r := range rows {
		id, parent := r[0], r[1]
		if k.seen[id] || k.partly[parent] || n == mostMissing {
			continue
		}
		if err := queueProduct(env, inst.ID, id, "compare"); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
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
	asked, err := clockOf(ctx, w.DB)
	if err != nil {
		return err
	}
	items, err := readItem(ctx, c, job.ID)
	gone, broken := errors.Is(err, wcapi.ErrNotFound), errors.Is(err, wcapi.ErrDecode)
	if err != nil && !gone && !broken {
		return storeFailed(ctx, w, inst, "product", itoa(job.ID), fmt.Errorf("product %d cannot be read: %w", job.ID, err))
	}
	return w.FinishExclusive(ctx, fmt.Sprintf("woo.products:%d", inst.ID), func(env *orm.Env) error {
		env = importEnv(env, inst)
		if broken {
			if err := setItemAside(env, inst, item{id: job.ID, kind: "other"}, "It cannot be read: "+explain(err)); err != nil {
				return err
			}
			return settleEvent(env, job.Event, EventFailed, explain(err))
		}
		if gone {
			if err := productDeleted(env, inst, job.ID); err != nil {
				return err
			}
		} else if _, err := updateMapping(env, inst, askedAt(items, asked)); err != nil {
			return err
		} else if err := comparePrices(env, inst, orm.Leaf("woo_id", "in", anyIDs(itemIDs(items)))); err != nil {
			return err
		}
		return settleEvent(env, job.Event, EventDone, "")
	})
}

// productDeleted notes that the store no longer has a product. What is mapped stays so:
// orders of it may still come in.
func productDeleted(env *orm.Env, inst *Instance, id int64) error {
	m, err := orm.First[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", id)), "")
	if err != nil || m == nil || m.Status == statusDeleted {
		return err
	}
	m.Status = statusDeleted
	if err := orm.Save(env, []*ProductMap{m}, "woo_status"); err != nil {
		return err
	}
	return logTo(env, inst, logEntry{Type: "product", State: "warning", Ref: itoa(id), Message: fmt.Sprintf("“%s” was deleted in the store.", m.Name), Record: orm.RecordsOf(env, m)})
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
		if errors.Is(err, wcapi.ErrNotFound) || errors.Is(err, wcapi.ErrDecode) {
			continue // the order is dealt with as the policy for unknown products says
		}
		if err != nil {
			return nil, fmt.Errorf("product %d cannot be read: %w", id, err)
		}
		out = append(out, items...)
	}
	return out, nil
}

// askedAt notes when the store was asked for items.
func askedAt(items []item, asked int64) []item {
	for i := range items {
		items[i].asked = asked
	}
	return items
}

// remoteID is the id under which the mapping knows the product of a line.
func remoteID(l ordermap.Line) int64 {
	if l.VariationID != 0 {
		return l.VariationID
	}
	return l.ProductID
}

// summary of a fetch.
type summary struct {
	seen, added, changed, mapped, created, suggested, refused, missing int
	touched                                                            []int64 // what is new or changed
}

func (s summary) String() string {
	text := fmt.Sprintf("%d products and variations read: %d new, %d changed, %d matched by SKU, %d created here, %d suggestions.", s.seen, s.added, s.changed, s.mapped, s.created, s.suggested)
	if s.refused > 0 {
		text += fmt.Sprintf(" %d cannot be taken over, see their entries.", s.refused)
	}
	if s.missing > 0 {
		text += fmt.Sprintf(" %d are no longer in the store's list and are looked for one by one.", s.missing)
	}
	return text
}

func (s *summary) plus(o summary) {
	s.seen, s.added, s.changed, s.mapped, s.created = s.seen+o.seen, s.added+o.added, s.changed+o.changed, s.mapped+o.mapped, s.created+o.created
	s.suggested, s.refused = s.suggested+o.suggested, s.refused+o.refused
	s.touched = append(s.touched, o.touched...)
}

// updateMapping brings the mapping up to date with the store. An item that cannot be
// stored is set aside with its reason, and takes none of the others with it.
func updateMapping(env *orm.Env, inst *Instance, items []item) (sum summary, err error) {
	err = env.Savepoint(func(env *orm.Env) error {
		sum, err = mapItems(env, inst, items)
		return err
	})
	why, refused := reasonOf(err)
	if !refused {
		return sum, err
	}
	if len(items) == 1 {
		return summary{seen: 1, refused: 1}, setItemAside(env, inst, items[0], why)
	}
	sum, err = updateMapping(env, inst, items[:len(items)/2])
	if err != nil {
		return sum, err
	}
	rest, err := updateMapping(env, inst, items[len(items)/2:])
	sum.plus(rest)
	return sum, err
}

// setItemAside records that an item cannot be read or stored, and why. What it is mapped
// to stays.
func setItemAside(env *orm.Env, inst *Instance, it item, why string) error {
	m, err := orm.First[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "=", it.id)), "")
	if err != nil || m != nil && m.Reason == why {
		return err // told already
	}
	if m == nil {
		if m, err = orm.New[ProductMap](env); err != nil {
			return err
		}
		m.InstanceID, m.CompanyID, m.RemoteID, m.WooProductID, m.Type, m.IsVariation = orm.RefTo[Instance](inst.ID), inst.CompanyID, it.id, it.id, it.kind, it.variation
		m.Name, m.State, m.Reason = fmt.Sprintf("Store product %d", it.id), ProductError, why
		if it.variation {
			m.WooProductID, m.WooParentID, m.WooVariationID = it.parent, it.parent, it.id
		}
		err = orm.Create(env, m)
	} else {
		m.Reason = why
		if !m.ProductID.IsSet() {
			m.State = ProductError
		}
		err = orm.Save(env, []*ProductMap{m}, "suggestion_reason", "state")
	}
	if err != nil {
		return err
	}
	return logTo(env, inst, logEntry{Type: "product", State: "failed", Ref: itoa(it.id), Message: fmt.Sprintf("“%s” (store id %d, SKU %s) cannot be taken over: %s", m.Name, it.id, orNone(it.sku), why),
		Record: orm.RecordsOf(env, m)})
}

// mapItems brings the mapping up to date with the store. What a person
// decided (mapped, ignored, a product chosen) stays; only new and unmapped
// entries are matched. What did not change costs nothing.
func mapItems(env *orm.Env, inst *Instance, items []item) (summary, error) {
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
		if m != nil && it.asked != 0 && m.WrittenStamp >= it.asked {
			continue // it was written to after the store was asked, and is read again
		}
		vals := orm.Values{}
		if m == nil || !m.same(it) {
			vals = it.values()
		}
		if m == nil || !m.ProductID.IsSet() && (m.State == ProductUnmapped || m.State == ProductError) {
			match.decide(it, vals)
			if m != nil && m.State == ProductError && vals["state"] == nil {
				vals["state"] = ProductUnmapped // it can be taken over again
			}
		}
		switch {
		case m == nil:
			vals["instance_id"], vals["company_id"] = inst.ID, inst.CompanyID.ID
			fresh = append(fresh, vals)
			sum.added++
			sum.touched = append(sum.touched, it.id)
		case len(vals) > 0:
			if !m.same(it) {
				sum.changed++
				sum.touched = append(sum.touched, it.id)
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
