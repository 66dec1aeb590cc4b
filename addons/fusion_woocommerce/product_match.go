package woocommerce

import (
	"fmt"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/matching"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// threshold is how alike two names must be for a suggestion.
const threshold = 0.75

// matcher finds, suggests or makes the products of a store's unmapped items.
type matcher struct {
	env   *orm.Env
	inst  *Instance
	index *matching.Index
	taken map[string]bool // internal references in use
	sum   *summary
	// products to make, and where their ids go
	fresh []orm.Values
	into  []orm.Values
}

// newMatcher reads the products an instance's items may be: the active ones of
// its company. Only what is compared is read, in one statement.
func newMatcher(env *orm.Env, inst *Instance, sum *summary) (*matcher, error) {
	type product struct {
		ID        int64
		SKU, Name string
		Active    bool
	}
	// SQL: only what is compared of all products.
	rows, err := orm.Rows[product](env, orm.SQL(`SELECT p.id, COALESCE(p.default_code, '') AS sku, COALESCE(t.name->>'en_US', '') AS name, COALESCE(p.active, false) AS active FROM product_product p JOIN product_template t ON t.id = p.product_tmpl_id
		WHERE t.company_id IS NULL OR t.company_id = ?`, inst.CompanyID.ID).
		Reads("product.product", "product_tmpl_id", "default_code", "active").Reads("product.template", "name", "company_id"))
	if err != nil {
		return nil, err
	}
	m := &matcher{env: env, inst: inst, taken: map[string]bool{}, sum: sum}
	var all []matching.Candidate
	for _, r := range rows {
		m.taken[r.SKU] = true
		if r.Active {
			all = append(all, matching.Candidate{ID: r.ID, SKU: r.SKU, Name: r.Name})
		}
	}
	m.index = matching.NewIndex(all)
	return m, nil
}

// decide adds to the values of an unmapped item what its product is. Those to
// be made get theirs from create.
func (m *matcher) decide(it item, vals orm.Values) {
	if it.kind == "variable" || it.kind == "grouped" {
		// A folder of its variations or members, never on an order line itself.
		vals["state"], vals["suggestion_reason"] = "ignored", "Sold through its parts only."
		return
	}
	hit, ok, err := m.index.SKU(it.sku)
	switch {
	case err != nil:
		vals["suggestion_reason"] = err.Error()
	case ok && hit.Reason == matching.SameSKU:
		vals["product_id"], vals["state"], vals["suggestion_reason"] = hit.ID, "mapped", hit.Explain()
		m.sum.mapped++
		return
	case !ok && m.inst.MissingProduct == MissingCreate:
		m.make(it, vals)
		return
	case !ok:
		hit, ok = m.index.Best(it.name, threshold)
	}
	if !ok {
		if vals["suggestion_reason"] == nil {
			vals["suggestion_reason"] = "No product is alike."
		}
		return
	}
	vals["suggested_product_id"], vals["suggestion_score"], vals["suggestion_reason"] = hit.ID, hit.Score, hit.Explain()
	m.sum.suggested++
}

// make plans a product for an item. Its internal reference is the SKU, unless
// another product has that already.
func (m *matcher) make(it item, vals orm.Values) {
	p := orm.Values{"name": it.name, "list_price": it.regular.Decimal, "type": "consu", "sale_ok": true, "invoice_policy": "order", "taxes_id": []orm.Command{orm.SetIDs()}}
	if it.name == "" {
		p["name"] = fmt.Sprintf("Store product %d", it.id)
	}
	// A SKU is not the reference of two products.
	if sku := matching.NormaliseSKU(it.sku); sku != "" && !m.taken[sku] {
		p["default_code"] = sku
		m.taken[sku] = true
	}
	if it.virtual {
		p["type"] = "service"
	} else if it.manage != "false" && it.manage != "" {
		p["is_storable"] = true
	}
	if it.weight.Set && it.weight.Decimal.GreaterThan(decimal.Zero) {
		p["weight"] = it.weight.Decimal
	}
	m.fresh, m.into = append(m.fresh, p), append(m.into, vals)
}

// create makes the planned products and maps their items to them.
func (m *matcher) create() error {
	if len(m.fresh) == 0 {
		return nil
	}
	// All templates at once, each of which brings its one variant.
	made, err := m.env.Model("product.template").Create(m.fresh...)
	if err != nil {
		return fmt.Errorf("products of the store cannot be created: %w", err)
	}
	// SQL: two columns of many new products.
	rows, err := orm.Rows[[2]int64](m.env, orm.SQL("SELECT product_tmpl_id, id FROM product_product WHERE product_tmpl_id = ANY(?)", made.IDs).Reads("product.product", "product_tmpl_id"))
	if err != nil {
		return err
	}
	variants := map[int64]int64{}
	for _, r := range rows {
		variants[r[0]] = r[1]
	}
	for i, vals := range m.into {
		vals["product_id"], vals["state"], vals["suggestion_reason"] = variants[made.IDs[i]], "mapped", "Created from the store."
	}
	m.sum.created += len(made.IDs)
	return nil
}

// createUnmapped makes products for those of some items that are not mapped,
// as the policy for unknown products on orders says.
func createUnmapped(env *orm.Env, inst *Instance, items []item) error {
	var sum summary
	m, err := newMatcher(env, inst, &sum)
	if err != nil {
		return err
	}
	open, err := orm.Search[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("product_id", "=", false), orm.Leaf("state", "=", "unmapped"),
		orm.Leaf("woo_id", "in", anyIDs(itemIDs(items)))), orm.SearchOptions{})
	if err != nil {
		return err
	}
	byID := map[int64]item{}
	for _, it := range items {
		byID[it.id] = it
	}
	vals := make([]orm.Values, len(open))
	for i, o := range open {
		vals[i] = orm.Values{}
		m.make(byID[o.RemoteID], vals[i])
	}
	if err := m.create(); err != nil {
		return err
	}
	for i, o := range open {
		if err := orm.RecordsOf(env, o).Write(vals[i]); err != nil {
			return err
		}
	}
	return nil
}

func itemIDs(items []item) []int64 {
	out := make([]int64, len(items))
	for i, it := range items {
		out[i] = it.id
	}
	return out
}
