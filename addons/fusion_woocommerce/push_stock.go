package woocommerce

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// stockChange is what the stock of a product of the store is to be.
type stockChange struct {
	Parent   int64           `json:"parent,omitempty"` // of a variation
	ID       int64           `json:"id"`
	Expected decimal.Decimal `json:"expected"` // what the store had when the change was computed
	Quantity decimal.Decimal `json:"quantity"`
	Count    bool            `json:"count,omitempty"` // the store is to begin counting it
}

// goods is what an order takes of one product of the store.
type goods struct {
	Product  int64           `json:"product"` // or variation
	Quantity decimal.Decimal `json:"quantity"`
}

// takesStock reports whether the store has taken the goods of an order off its
// stock: it does when the order is paid for or put on hold.
func takesStock(o *ordermap.Order) bool {
	return o.Class.Taken() || slices.Contains([]string{"processing", "completed", "on-hold"}, o.Status)
}

// goodsOf lists what an order takes from the stock.
func goodsOf(o *ordermap.Order) []goods {
	if !takesStock(o) {
		return nil
	}
	var out []goods
	for _, l := range o.Lines {
		if id := remoteID(l); id != 0 && l.Quantity.IsPositive() {
			out = append(out, goods{id, l.Quantity})
		}
	}
	return out
}

// openLines is what an order that is not imported takes from the stock, as its
// record keeps it; nil when it takes nothing.
func openLines(o *ordermap.Order) any {
	lines := goodsOf(o)
	if len(lines) == 0 {
		return nil
	}
	text, _ := json.Marshal(lines) // ids and decimals: it cannot fail
	return string(text)
}

// compareStock finds the products whose stock in the store is not what it is to
// be, and puts the changes into the outbox. Orders the store took since they were
// last read have lowered its stock, but not ours, so they are looked at first.
func (e *engine) compareStock(ctx context.Context, w *jobs.Work) error {
	inst, c, err := e.instanceOf(ctx, w)
	if err != nil {
		return err
	}
	recent := map[int64][]goods{}
	if inst.SyncOrders {
		if inst.OrderCursor.IsZero() { // the first poll will know them
			return w.Finish(ctx, func(*orm.Env) error { return nil })
		}
		_, err := c.OrdersModified(ctx, inst.OrderCursor.Time(), func(o *wcapi.Order) error {
			m := ordermap.Map(ordermap.Input{Order: *o, Places: 2, Tolerance: inst.Tolerance, Policy: inst.policy()})
			recent[int64(o.ID)] = goodsOf(&m)
			return nil
		}, func(error) error { return nil }) // the poll reports what cannot be read
		if err != nil {
			return storeFailed(ctx, w, inst, "inventory", inst.URL, fmt.Errorf("orders cannot be listed: %w", err))
		}
	}
	return w.Finish(ctx, func(env *orm.Env) error {
		env = importEnv(env, inst)
		changes, err := stockChanges(env, inst, recent)
		if err != nil {
			return err
		}
		return put(env, inst, changes...)
	})
}

// stockChanges compares what the store has with what it is to have.
func stockChanges(env *orm.Env, inst *Instance, recent map[int64][]goods) ([]change, error) {
	list, err := orm.Search[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "in", []any{ProductMapped, ProductConflict}), orm.Leaf("sync_inventory", "=", true),
		orm.Leaf("product_id", "!=", false), orm.Leaf("woo_product_type", "in", []any{TypeSimple, TypeVariation, TypeOther}), orm.Leaf("woo_status", "not in", []any{"deleted", "trash"})), orm.SearchOptions{Order: "id"})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	have, err := inst.offered(env, list)
	if err != nil {
		return nil, err
	}
	taken, err := goodsTaken(env, inst, recent)
	if err != nil {
		return nil, err
	}
	parents, err := countingParents(env, inst, list)
	if err != nil {
		return nil, err
	}
	var out []change
	add := func(m *ProductMap, quantity decimal.Decimal) {
		quantity = decimal.Max(quantity.Floor(), decimal.Zero)
		counted := m.ManageStock == StockCounted
		if counted && quantity.Equal(m.Stock) || !counted && inst.StockUncounted != UncountedCount {
			return
		}
		parent := int64(0)
		if m.IsVariation {
			parent = m.WooParentID
		}
		out = append(out, change{Kind: KindStock, Target: "product:" + itoa(m.RemoteID), Name: fmt.Sprintf("Stock of %s: %s", m.Name, quantity),
			Values: stockChange{parent, m.RemoteID, m.Stock, quantity, !counted}, Record: orm.RecordsOf(env, m)})
	}
	ofParents := map[int64]decimal.Decimal{}
	for _, m := range list {
		quantity, known := have[m.ProductID.ID]
		if !known {
			continue // its quantity is not counted here
		}
		quantity = quantity.Sub(inst.StockBuffer).Sub(taken[m.ProductID.ID])
		if p := parents[m.WooParentID]; p != nil && m.ManageStock == StockByParent {
			ofParents[p.ID] = ofParents[p.ID].Add(decimal.Max(quantity, decimal.Zero))
			continue
		}
		add(m, quantity)
	}
	for _, p := range parents {
		if sum, some := ofParents[p.ID]; some {
			add(p, sum)
		}
	}
	slices.SortStableFunc(out, func(a, b change) int { return strings.Compare(a.Target, b.Target) })
	return out, nil
}

// offered is the quantity of each product in the warehouses of the store; what is
// not counted here is missing.
func (i *Instance) offered(env *orm.Env, list []*ProductMap) (map[int64]decimal.Decimal, error) {
	var ids, warehouses []int64
	for _, m := range list {
		ids = append(ids, m.ProductID.ID)
	}
	slices.Sort(ids)
	if err := orm.Load(env, []*Instance{i}, "stock_warehouse_ids"); err != nil {
		return nil, err
	}
	if warehouses = i.StockFrom.IDs(); len(warehouses) == 0 && i.WarehouseID.IsSet() {
		warehouses = []int64{i.WarehouseID.ID}
	}
	if len(warehouses) > 0 {
		env = env.WithContext(map[string]any{"warehouse_id": anyIDs(warehouses)})
	}
	field := "free_qty"
	switch i.StockKind {
	case StockForecast:
		field = "virtual_available"
	case StockOnHand:
		field = "qty_available"
	}
	rows, err := env.Model("product.product").Browse(slices.Compact(ids)...).Read("is_storable", field)
	out := make(map[int64]decimal.Decimal, len(rows))
	for _, r := range rows {
		if r.Bool("is_storable") {
			out[r.ID("id")] = r.Decimal(field)
		}
	}
	return out, err
}

// goodsTaken is what stores have sold and this system does not know, has not
// imported, or has not reserved yet, by product of the ERP. recent are orders of
// this store as it has them now. Other stores may sell the same products.
func goodsTaken(env *orm.Env, inst *Instance, recent map[int64][]goods) (map[int64]decimal.Decimal, error) {
	out := map[int64]decimal.Decimal{}
	known, err := orm.Search[Order](env, orm.Or(orm.Leaf("open_lines", "!=", false),
		orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "in", anyIDs(slices.Sorted(maps.Keys(recent)))))), orm.SearchOptions{}, "sale_order_id")
	if err != nil {
		return nil, err
	}
	sold := map[int64][]goods{inst.ID: nil} // by instance
	settled := map[int64]bool{}
	for _, o := range known {
		own := o.InstanceID.ID == inst.ID
		_, again := recent[o.RemoteID]
		switch {
		case own && (o.State == OrderImported && !o.quotation() || o.State == OrderIgnored):
			settled[o.RemoteID] = true // its goods are reserved, or are none of ours
		case o.OpenLines != "" && (o.State != OrderImported || o.quotation()) && !(own && again):
			var lines []goods
			if err := json.Unmarshal([]byte(o.OpenLines), &lines); err != nil {
				return nil, fmt.Errorf("the goods of order %s cannot be read: %w", o.Number, err)
			}
			sold[o.InstanceID.ID] = append(sold[o.InstanceID.ID], lines...)
		}
	}
	for id, lines := range recent {
		if !settled[id] {
			sold[inst.ID] = append(sold[inst.ID], lines...)
		}
	}
	for _, instance := range slices.Sorted(maps.Keys(sold)) {
		if err := addSold(env, instance, sold[instance], out); err != nil {
			return nil, err
		}
	}
	if inst.StockKind == StockForecast {
		return out, nil // what is to leave is off the forecast already
	}
	type open struct {
		ProductID int64
		Quantity  decimal.Decimal
	}
	// SQL: what deliveries of store orders still wait for, summed by product.
	rows, err := orm.Rows[open](env, orm.SQL(`SELECT m.product_id, sum(m.product_qty - CASE WHEN m.product_uom_qty = 0 OR ? THEN 0 ELSE COALESCE(m.quantity, 0) * m.product_qty / m.product_uom_qty END) AS quantity
		FROM woo_order o JOIN sale_order_line l ON l.order_id = o.sale_order_id JOIN stock_move m ON m.sale_line_id = l.id JOIN stock_location d ON d.id = m.location_dest_id
		WHERE o.company_id = ? AND d.usage = 'customer' AND m.state IN ('waiting', 'confirmed', 'partially_available', 'assigned') GROUP BY 1`, inst.StockKind == StockOnHand, inst.CompanyID.ID).
		Reads("woo.order", "sale_order_id", "company_id").Reads("sale.order.line", "order_id").Reads("stock.move").Reads("stock.location", "usage"))
	for _, r := range rows {
		out[r.ProductID] = out[r.ProductID].Add(r.Quantity)
	}
	return out, err
}

// quotation reports whether the sale order of an order waits to be confirmed, and has
// not reserved its goods.
func (o *Order) quotation() bool {
	s := o.SaleID.Rec()
	return s != nil && (s.State == sale.OrderDraft || s.State == sale.OrderSent)
}

// addSold adds what orders of a store take to the products of the ERP they are.
func addSold(env *orm.Env, instance int64, lines []goods, out map[int64]decimal.Decimal) error {
	if len(lines) == 0 {
		return nil
	}
	ids := map[int64]bool{}
	for _, g := range lines {
		ids[g.Product] = true
	}
	mapped, err := orm.Search[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", instance), orm.Leaf("woo_id", "in", anyIDs(slices.Sorted(maps.Keys(ids))))), orm.SearchOptions{})
	if err != nil {
		return err
	}
	product := map[int64]int64{}
	for _, m := range mapped {
		product[m.RemoteID] = m.ProductID.ID
	}
	for _, g := range lines {
		if id := product[g.Product]; id != 0 {
			out[id] = out[id].Add(g.Quantity)
		}
	}
	return nil
}

// countingParents are the variable products that count the stock of their
// variations, by their id in the store.
func countingParents(env *orm.Env, inst *Instance, list []*ProductMap) (map[int64]*ProductMap, error) {
	ids := map[int64]bool{}
	for _, m := range list {
		if m.ManageStock == StockByParent {
			ids[m.WooParentID] = true
		}
	}
	out := map[int64]*ProductMap{}
	if len(ids) == 0 {
		return out, nil
	}
	parents, err := orm.Search[ProductMap](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("woo_id", "in", anyIDs(slices.Sorted(maps.Keys(ids)))), orm.Leaf("woo_manage_stock", "=", StockCounted),
		orm.Leaf("sync_inventory", "=", true)), orm.SearchOptions{})
	for _, p := range parents {
		out[p.RemoteID] = p
	}
	return out, err
}

// stockSender writes stock. It reads what the store has first: a stock that is
// not what the change was computed from was lowered by an order, or changed by a
// person, and is computed anew.
type stockSender struct{}

func (stockSender) logType() string { return "inventory" }

// stockNow is the stock the store has of a product.
type stockNow struct {
	Stock   decimal.Decimal `json:"stock"`
	Counted bool            `json:"counted"`
}

func (stockSender) send(ctx context.Context, st *sending, list []*Outgoing) []outcome {
	return sendProducts(ctx, st, list, "manage_stock,stock_quantity", func(payload []byte) (*productWrite, error) {
		c, err := payloadOf[stockChange](payload)
		if err != nil {
			return nil, err
		}
		return &productWrite{parent: c.Parent, id: c.ID, answer: stockNow{c.Quantity, true}, decide: func(has item) (map[string]any, outcome) {
			now := stockNow{has.stock.Decimal, string(has.manage) == StockCounted}
			switch {
			case now.Counted && now.Stock.Equal(c.Quantity):
				return nil, outcome{state: OutgoingSent, answer: now}
			case !now.Counted && !c.Count:
				return nil, outcome{state: OutgoingCancelled, reason: "The store does not count the stock of this product.", answer: now}
			case now.Counted && !now.Stock.Equal(c.Expected):
				return nil, outcome{state: OutgoingCancelled, reason: fmt.Sprintf("The store has %s by now, not %s: computed anew.", now.Stock, c.Expected), answer: now}
			}
			entry := map[string]any{"stock_quantity": c.Quantity.IntPart()}
			if c.Count {
				entry["manage_stock"] = true
			}
			return entry, outcome{}
		}}, nil
	})
}

// took notes what the store has now, and compares again what was out of date.
func (stockSender) took(env *orm.Env, inst *Instance, done []delivered) error {
	var ids []int64
	byMap := map[int64]delivered{}
	again := false
	for _, d := range done {
		if d.ResID != 0 {
			ids = append(ids, d.ResID)
			byMap[d.ResID] = d
		}
		again = again || d.state == OutgoingCancelled
	}
	list, err := orm.Search[ProductMap](env, orm.Leaf("id", "in", anyIDs(ids)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	stamp, err := databaseClock(env)
	if err != nil {
		return err
	}
	for _, m := range list {
		d := byMap[m.ID]
		now, ok := d.answer.(stockNow)
		if !ok {
			continue
		}
		m.Stock, m.ManageStock = now.Stock, StockUncounted
		if now.Counted {
			m.ManageStock = StockCounted
		}
		if d.state == OutgoingSent {
			m.PushedQty, m.PushedAt, m.WrittenStamp = now.Stock, orm.DatetimeOf(env.Now()), stamp
		}
	}
	if err := orm.Save(env, list); err != nil || !again {
		return err
	}
	return queueInstance(env, JobStock, "Compare the stock of "+inst.Name, inst.ID)
}
