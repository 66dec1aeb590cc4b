package stock

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// Methods of quants that clients call.
var (
	ActionApplyInventory  = orm.Method[Quant]{Name: "action_apply_inventory", Groups: []string{"stock.group_stock_user"}}
	ActionClearInventory  = orm.Method[Quant]{Name: "action_clear_inventory_quantity", Groups: []string{"stock.group_stock_user"}}
	ActionCountAsExpected = orm.Method[Quant]{Name: "action_set_inventory_quantity", Groups: []string{"stock.group_stock_user"}}
)

func defineQuant(r *orm.Registry) {
	q := orm.Define[Quant](r)
	q.Unique("product_location_uniq", "product_id, location_id", "There is one quantity per product and location.")
	q.Compute("available_quantity", func(_ *orm.Env, qs []*Quant) error {
		for _, q := range qs {
			q.Available.Set(q.Quantity.Sub(q.Reserved))
		}
		return nil
	}, "quantity", "reserved_quantity")
	q.Compute("inventory_diff_quantity", func(_ *orm.Env, qs []*Quant) error {
		for _, q := range qs {
			q.Difference.Set(decimal.Zero)
			if q.CountedSet {
				q.Difference.Set(q.Counted.Sub(q.Quantity))
			}
		}
		return nil
	}, "inventory_quantity", "inventory_quantity_set", "quantity")
	q.Compute("inventory_quantity_auto_apply", func(_ *orm.Env, qs []*Quant) error {
		for _, q := range qs {
			q.AutoApply.Set(q.Quantity)
		}
		return nil
	}, "quantity")
	q.Inverse("inventory_quantity_auto_apply", func(env *orm.Env, qs []*Quant) error {
		for _, q := range qs {
			q.Counted, q.CountedSet = q.AutoApply.Get(), true
		}
		if err := orm.Save(inBulk(env.Sudo()), qs, "inventory_quantity", "inventory_quantity_set"); err != nil {
			return err
		}
		return applyCounts(env, orm.IDs(env, qs))
	})
	q.Compute("display_name", func(_ *orm.Env, qs []*Quant) error {
		for _, q := range qs {
			if q.ProductID.Rec() != nil && q.LocationID.Rec() != nil {
				q.DisplayName.Set(q.LocationID.Rec().CompleteName + " - " + q.ProductID.Rec().Name)
			}
		}
		return nil
	}, "product_id.name", "location_id.complete_name")
	q.OnCreate(createQuants)
	q.OnWrite(writeQuants)
	q.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			holds, err := rs.Env.Sudo().Model("stock.quant").SearchCount(orm.And(orm.Leaf("id", "in", rs.IDs), orm.Or(orm.Leaf("quantity", "!=", 0), orm.Leaf("reserved_quantity", "!=", 0))), 1)
			if err != nil {
				return err
			}
			if holds > 0 {
				return orm.UserErrorf("Quantities on hand cannot be deleted. Count the product as zero instead.")
			}
			return super(rs)
		}
	})
	orm.Implement(q, ActionApplyInventory, func(env *orm.Env, qs []*Quant, _ orm.Args) (any, error) {
		return true, applyCounts(env, orm.IDs(env, qs))
	})
	orm.Implement(q, ActionClearInventory, func(env *orm.Env, qs []*Quant, _ orm.Args) (any, error) {
		return true, orm.RecordsOf(inBulk(env), qs...).Write(orm.Values{"inventory_quantity": 0, "inventory_quantity_set": false})
	})
	orm.Implement(q, ActionCountAsExpected, func(env *orm.Env, qs []*Quant, _ orm.Args) (any, error) {
		for _, q := range qs {
			q.Counted, q.CountedSet = q.Quantity, true
		}
		return true, orm.Save(inBulk(env), qs, "inventory_quantity", "inventory_quantity_set")
	})
	orm.ImplementModel(q, QuantitiesChanged, func(*orm.Env, orm.Args) (any, error) { return nil, nil })
}

// checkMayCount refuses users who may not count.
func checkMayCount(env *orm.Env) error {
	if env.Superuser() {
		return nil
	}
	ok, err := env.InAnyGroup("stock.group_stock_user")
	if err == nil && !ok {
		err = orm.AccessErrorf("Counting products is reserved to users of the Inventory application.")
	}
	return err
}

// createQuants starts counts: the quant of a product in a location that is
// known already takes the count over.
func createQuants(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		if err := checkMayCount(env); err != nil {
			return rs, err
		}
		out := rs.Browse()
		for _, vals := range list {
			if err := onlyCounts(vals, "product_id", "location_id"); err != nil {
				return rs, err
			}
			vals = markCount(vals)
			old, err := orm.First[Quant](env, orm.And(orm.Leaf("product_id", "=", vals.ID("product_id")), orm.Leaf("location_id", "=", vals.ID("location_id"))), "")
			if err != nil {
				return rs, err
			}
			if old != nil {
				again := vals.Clone()
				delete(again, "product_id")
				delete(again, "location_id")
				if err := inBulk(env).Model("stock.quant").Browse(old.ID).Write(again); err != nil {
					return rs, err
				}
				out.IDs = append(out.IDs, old.ID)
				continue
			}
			if err := checkCountable(env, vals); err != nil {
				return rs, err
			}
			made, err := super(rs, []orm.Values{vals})
			if err != nil {
				return rs, err
			}
			out.IDs = append(out.IDs, made.IDs...)
		}
		return out, nil
	}
}

// checkCountable refuses counts of what has no quantity on hand.
func checkCountable(env *orm.Env, vals orm.Values) error {
	p, l := vals.ID("product_id"), vals.ID("location_id")
	if p == 0 || l == 0 {
		return nil // asked for by create
	}
	rec, err := orm.Get[Product](env.Sudo(), p)
	if err != nil {
		return err
	}
	if !rec.IsStorable {
		return orm.UserErrorf("The inventory of “%s” is not tracked. Switch on “Track Inventory” for the product to count it.", rec.Name)
	}
	loc, err := orm.Get[Location](env.Sudo(), l)
	if err != nil {
		return err
	}
	if loc.Usage != UsageInternal && loc.Usage != UsageTransit {
		return orm.UserErrorf("Products cannot be counted in “%s”. Choose an internal location.", loc.CompleteName)
	}
	return nil
}

// markCount marks values that carry a count as one.
func markCount(vals orm.Values) orm.Values {
	vals = vals.Clone()
	if q, ok := vals["inventory_quantity"]; ok {
		vals["inventory_quantity_set"] = q != nil
	}
	return vals
}

// onlyCounts refuses to set quantities on hand otherwise than by a count.
func onlyCounts(vals orm.Values, besides ...string) error {
	allowed := map[string]bool{"inventory_quantity": true, "inventory_quantity_auto_apply": true, "inventory_quantity_set": true, "inventory_date": true, "user_id": true}
	for _, f := range besides {
		allowed[f] = true
	}
	for f := range vals {
		if !allowed[f] {
			return orm.UserErrorf("Quantities on hand change through transfers and counts only: “%s” cannot be set. Enter the counted quantity instead.", f)
		}
	}
	return nil
}

func writeQuants(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		if bulk(rs.Env) {
			return super(rs, vals)
		}
		if err := checkMayCount(rs.Env); err != nil {
			return err
		}
		if err := onlyCounts(vals); err != nil {
			return err
		}
		return super(rs, markCount(vals))
	}
}

// applyCounts brings the quantities on hand in line with the counts, by moves
// from and to the place of losses.
func applyCounts(env *orm.Env, ids []int64) error {
	if err := checkMayCount(env); err != nil {
		return err
	}
	quants, err := orm.Read[Quant](env, ids, "location_id", "product_id")
	if err != nil {
		return err
	}
	// The moves are made by the system: who may count need not be able to move.
	env = inBulk(env.Sudo())
	var moves []orm.Values
	losses := map[int64]int64{}
	for _, q := range quants {
		if !q.CountedSet {
			continue
		}
		diff := q.Counted.Sub(q.Quantity)
		if diff.IsZero() {
			continue
		}
		company := q.LocationID.Rec().CompanyID.ID
		if company == 0 {
			company = env.Company()
		}
		if losses[company] == 0 {
			if losses[company], err = virtualLocation(env, company, "inventory", false); err != nil {
				return err
			}
		}
		from, to := losses[company], q.LocationID.ID
		if diff.IsNegative() {
			from, to = to, from
		}
		moves = append(moves, orm.Values{"inventory_name": "Product Quantity Updated", "product_id": q.ProductID.ID, "product_uom": q.ProductID.Rec().UoMID.ID, "product_uom_qty": diff.Abs(), "company_id": company,
			"location_id": from, "location_dest_id": to, "is_inventory": true, "picked": true, "state": MoveConfirmed, "origin": "Inventory"})
	}
	clean := orm.Values{"inventory_quantity": 0, "inventory_quantity_set": false, "inventory_date": nil, "user_id": nil, "last_count_date": env.Today()}
	if err := env.Model("stock.quant").Browse(ids...).Write(clean); err != nil || len(moves) == 0 {
		return err
	}
	made, err := env.Model("stock.move").Create(moves...)
	if err != nil {
		return err
	}
	return forceMoves(env, made.IDs)
}

// forceMoves moves the whole demand of moves, reserved or not.
func forceMoves(env *orm.Env, ids []int64) error {
	moves, err := orm.Read[Move](env, ids, planPaths[:]...)
	if err != nil {
		return err
	}
	p := newReservationPlan(env, moves)
	for _, m := range moves {
		m.Picked = true
		if err := p.book(m, m.LocationID.ID, m.reservable(), m.ProductQty); err != nil {
			return err
		}
	}
	if err := p.apply(); err != nil {
		return err
	}
	return doneMoves(env, ids, false)
}

// Count is how much of a product was found in a location, in the unit of the
// product.
type Count struct {
	Product, Location int64
	Quantity          decimal.Decimal
}

// ApplyCounts sets quantities on hand, as entering and applying counts does.
func ApplyCounts(env *orm.Env, counts ...Count) error {
	vals := make([]orm.Values, len(counts))
	for i, c := range counts {
		vals[i] = orm.Values{"product_id": c.Product, "location_id": c.Location, "inventory_quantity": c.Quantity}
	}
	made, err := env.Model("stock.quant").Create(vals...)
	if err != nil {
		return err
	}
	return applyCounts(env, made.IDs)
}
