package stock

import (
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// confirmMoves hands draft moves over to the warehouse and reserves at once
// where the kind of transfer says so.
func confirmMoves(env *orm.Env, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	moves, err := orm.Read[Move](env, ids, planPaths[:]...)
	if err != nil {
		return err
	}
	moves = slices.DeleteFunc(moves, func(m *Move) bool { return m.State != MoveDraft })
	held, err := waitingMoves(env, moves)
	if err != nil {
		return err
	}
	return reserve(env, moves, held, func(m *Move) (bool, error) { return reservesAtOnce(env, m) })
}

// AddMoves adds moves to open transfers, confirmed and reserved where their
// kind says so, in a number of statements that does not depend on how many there
// are. Each move names its transfer (picking_id), one of those given, its
// product, unit, demand (a decimal) and description.
func AddMoves(env *orm.Env, ps []*Picking, list []orm.Values) error {
	if err := orm.RecordsOf(env, ps...).CheckAccess(orm.OpWrite); err != nil {
		return err
	}
	full := make([]orm.Values, len(list))
	moves := make([]*Move, len(list))
	for i, vals := range list {
		vals = vals.Clone()
		full[i] = vals
		for _, p := range ps {
			if p.ID != vals.ID("picking_id") {
				continue
			}
			if err := p.fillMove(vals); err != nil {
				return err
			}
		}
		demand, _ := vals["product_uom_qty"].(decimal.Decimal)
		m := &Move{PickingID: orm.RefTo[Picking](vals.ID("picking_id")), TypeID: orm.RefTo[PickingType](vals.ID("picking_type_id")),
			CompanyID: orm.RefTo[base.Company](vals.ID("company_id")), ProductID: orm.RefTo[Product](vals.ID("product_id")), UoMID: orm.RefTo[uom.UoM](vals.ID("product_uom")),
			LocationID: orm.RefTo[Location](vals.ID("location_id")), DestID: orm.RefTo[Location](vals.ID("location_dest_id")), ProductUomQty: demand, Priority: vals.Text("priority")}
		m.Date, _ = vals["date"].(orm.Datetime)
		moves[i] = m
	}
	if err := checkMoves(env, moves); err != nil {
		return err
	}
	var now []*Move
	for i, m := range moves {
		var err error
		if m.ProductQty, err = uom.Convert(env, m.ProductUomQty, m.UoMID.ID, m.ProductID.Rec().UoMID.ID, uom.HalfUp); err != nil {
			return err
		}
		full[i]["product_qty"] = m.ProductQty
		ok, err := reservesAtOnce(env, m)
		if err != nil {
			return err
		}
		if ok {
			now = append(now, m)
		}
	}
	p := newReservationPlan(env, moves)
	if err := p.coverAll(now); err != nil {
		return err
	}
	for i, m := range moves {
		full[i]["state"] = m.stateFor(p.booked[m], false)
	}
	made, err := inBulk(env).Model("stock.move").Create(full...)
	if err != nil {
		return err
	}
	for i, m := range moves {
		m.ID = made.IDs[i]
		for _, at := range p.made[m] {
			p.create[at]["move_id"] = m.ID
		}
	}
	return p.apply()
}

// cancelMoves gives up moves and what they have reserved. Moves that wait for
// nothing else go with them.
func cancelMoves(env *orm.Env, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	moves, err := orm.Read[Move](env, ids, planPaths[:]...)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(moves, func(m *Move) bool { return m.State == MoveDone }) {
		return orm.UserErrorf("You cannot cancel a stock move that has been set to 'Done'. Create a return in order to reverse the moves which took place.")
	}
	moves = slices.DeleteFunc(moves, func(m *Move) bool { return m.State == MoveCancelled })
	if len(moves) == 0 {
		return nil
	}
	if err := releaseLines(env, moves, func(*MoveLine) bool { return true }); err != nil {
		return err
	}
	if err := orm.RecordsOf(inBulk(env), moves...).Write(orm.Values{"state": MoveCancelled, "picked": false}); err != nil {
		return err
	}
	// SQL: the moves that nothing is brought for any more, seen by the user or not.
	next, err := orm.Rows[int64](env, orm.SQL(`SELECT DISTINCT r.move_dest_id FROM stock_move_move_rel r JOIN stock_move o ON o.id = r.move_orig_id JOIN stock_move d ON d.id = r.move_dest_id
		WHERE o.id = ANY(?) AND o.propagate_cancel AND d.state NOT IN ('done', 'cancel')
		AND NOT EXISTS (SELECT 1 FROM stock_move_move_rel r2 JOIN stock_move o2 ON o2.id = r2.move_orig_id WHERE r2.move_dest_id = d.id AND o2.state <> 'cancel')`, orm.IDs(env, moves)).
		Reads("stock.move", "state", "propagate_cancel", "move_dest_ids"))
	if err != nil {
		return err
	}
	return cancelMoves(env, next)
}

// doneMoves moves the products of open moves that are picked, and leaves the
// rest to backorders, or cancels it.
func doneMoves(env *orm.Env, ids []int64, cancelRest bool) error {
	if len(ids) == 0 {
		return nil
	}
	if err := confirmDrafts(env, ids); err != nil {
		return err
	}
	moves, err := orm.Read[Move](env, ids, planPaths[:]...)
	if err != nil {
		return err
	}
	moves = slices.DeleteFunc(moves, func(m *Move) bool { return m.State == MoveDone || m.State == MoveCancelled })
	// Of a move that is picked in part, the lines that are not stay behind.
	picked := slices.DeleteFunc(slices.Clone(moves), func(m *Move) bool { return !m.Picked })
	if err := releaseLines(env, picked, func(l *MoveLine) bool { return !l.Picked }); err != nil {
		return err
	}
	if err := orm.Reload(env, moves, append(planPaths[:], "picking_id")...); err != nil {
		return err
	}
	var todo []*Move
	var rest, give []int64
	var split []orm.Values
	for _, m := range moves {
		switch {
		case !m.Picked || !m.Quantity.IsPositive():
			if m.ProductUomQty.IsZero() || cancelRest {
				give = append(give, m.ID)
			} else {
				rest = append(rest, m.ID)
			}
		case m.Quantity.LessThan(m.ProductUomQty):
			vals, err := m.splitOff(env, m.ProductUomQty.Sub(m.Quantity), cancelRest)
			if err != nil {
				return err
			}
			split = append(split, vals)
			m.ProductUomQty = m.Quantity
			todo = append(todo, m)
		default:
			todo = append(todo, m)
		}
	}
	if err := cancelMoves(env, give); err != nil {
		return err
	}
	quick := inBulk(env)
	if len(split) > 0 {
		if err := orm.Save(quick, todo, "product_uom_qty"); err != nil {
			return err
		}
		made, err := quick.Model("stock.move").Create(split...)
		if err != nil {
			return err
		}
		if !cancelRest {
			rest = append(rest, made.IDs...)
		}
	}
	if err := updateQuantities(env, todo); err != nil {
		return err
	}
	if err := createBackorders(env, todo, rest); err != nil {
		return err
	}
	if err := confirmMoves(env, rest); err != nil {
		return err
	}
	return assignWaiting(env, todo)
}

func confirmDrafts(env *orm.Env, ids []int64) error {
	drafts, err := env.Model("stock.move").Search(orm.And(orm.Leaf("id", "in", ids), orm.Leaf("state", "=", "draft")), orm.SearchOptions{})
	if err != nil {
		return err
	}
	return confirmMoves(env, drafts.IDs)
}

// splitOff are the values of the move that takes over a part of the demand.
func (m *Move) splitOff(env *orm.Env, qty decimal.Decimal, cancel bool) (orm.Values, error) {
	own := orm.RecordsOf(env, m)
	vals, err := own.CopyData(orm.Values{"product_uom_qty": qty, "reference": m.Reference, "origin_returned_move_id": orNil(m.OriginReturned.ID), "date_deadline": m.DateDeadline})
	if err != nil {
		return nil, err
	}
	if cancel {
		vals["state"] = "cancel"
	}
	// The rest goes on waiting, and being waited for, as the whole did.
	rows, err := own.Read("move_orig_ids", "move_dest_ids")
	if err != nil {
		return nil, err
	}
	for _, f := range []string{"move_orig_ids", "move_dest_ids"} {
		if ids, _ := rows[0][f].([]int64); len(ids) > 0 {
			vals[f] = []orm.Command{orm.SetIDs(ids...)}
		}
	}
	return vals, nil
}

// updateQuantities changes the quantities on hand by what moves carry and closes
// them.
func updateQuantities(env *orm.Env, moves []*Move) error {
	if len(moves) == 0 {
		return nil
	}
	book := ledger{}
	for _, m := range moves {
		if !m.ProductID.Rec().IsStorable {
			continue
		}
		for _, l := range m.MoveLineIDs.All() {
			reserved := decimal.Zero
			if l.reserves() {
				reserved = l.ProductQty
			}
			book.add(l.ProductID.ID, l.LocationID.ID, l.ProductQty.Neg(), reserved.Neg())
			book.add(l.ProductID.ID, l.DestID.ID, l.ProductQty, decimal.Zero)
		}
	}
	left, err := book.post(env)
	if err != nil {
		return err
	}
	now := orm.DatetimeOf(env.Now())
	quick := inBulk(env)
	var lines []*MoveLine
	for _, m := range moves {
		lines = append(lines, m.MoveLineIDs.All()...)
	}
	if err := orm.RecordsOf(quick, lines...).Write(orm.Values{"date": now, "picked": true}); err != nil {
		return err
	}
	if err := orm.RecordsOf(quick, moves...).Write(orm.Values{"state": MoveDone, "date": now}); err != nil {
		return err
	}
	return releaseOthers(env, left, orm.IDs(env, moves))
}

// createBackorders moves what is still open of transfers to new ones.
func createBackorders(env *orm.Env, done []*Move, rest []int64) error {
	if len(rest) == 0 {
		return nil
	}
	open, err := orm.Read[Move](env, rest)
	if err != nil {
		return err
	}
	touched := map[int64]bool{}
	for _, m := range done {
		touched[m.PickingID.ID] = m.PickingID.IsSet()
	}
	byPicking := map[int64][]int64{}
	var order []int64
	for _, m := range open {
		if p := m.PickingID.ID; touched[p] {
			if byPicking[p] == nil {
				order = append(order, p)
			}
			byPicking[p] = append(byPicking[p], m.ID)
		}
	}
	for _, id := range order {
		old := env.Model("stock.picking").Browse(id)
		vals, err := old.CopyData(orm.Values{"move_ids": nil, "backorder_id": id, "name": "/", "return_id": nil})
		if err != nil {
			return err
		}
		delete(vals, "move_ids")
		made, err := env.Model("stock.picking").Create(vals)
		if err != nil {
			return err
		}
		p, err := orm.Get[Picking](env, made.ID())
		if err != nil {
			return err
		}
		if err := inBulk(env).Model("stock.move").Browse(byPicking[id]...).Write(orm.Values{"picking_id": p.ID, "reference": p.Name}); err != nil {
			return err
		}
		lines, err := inBulk(env).Model("stock.move.line").Search(orm.Leaf("move_id", "in", byPicking[id]), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if err := lines.Write(orm.Values{"picking_id": p.ID}); err != nil {
			return err
		}
		if _, err := mail.Post(old.In(env.Sudo()), mail.Posting{Type: "notification", Text: "What was not moved is left to the backorder " + p.Name + "."}); err != nil {
			return err
		}
	}
	return nil
}

// assignWaiting reserves for moves that waited for the ones that are done, or for
// their products to be in stock.
func assignWaiting(env *orm.Env, done []*Move) error {
	if len(done) == 0 {
		return nil
	}
	var products, places []int64
	for _, m := range done {
		if m.ProductID.Rec().IsStorable {
			products = append(products, m.ProductID.ID)
			for _, l := range m.MoveLineIDs.All() {
				places = append(places, l.DestID.ID)
			}
		}
	}
	// SQL: the moves that wait for products in any of many locations.
	next, err := orm.Rows[int64](env, orm.SQL(`SELECT DISTINCT r.move_dest_id FROM stock_move_move_rel r JOIN stock_move d ON d.id = r.move_dest_id WHERE r.move_orig_id = ANY(?) AND d.state IN ('waiting', 'confirmed', 'partially_available')
		UNION SELECT m.id FROM stock_move m JOIN stock_location src ON src.id = m.location_id LEFT JOIN stock_picking_type t ON t.id = m.picking_type_id
		WHERE m.product_id = ANY(?) AND m.state IN ('confirmed', 'partially_available') AND (t.id IS NULL OR t.reservation_method = 'at_confirm') AND src.usage IN ('internal', 'transit')
		AND EXISTS (SELECT 1 FROM stock_location place WHERE place.id = ANY(?) AND place.usage IN ('internal', 'transit') AND place.parent_path LIKE src.parent_path || '%')`,
		orm.IDs(env, done), distinct(products), distinct(places)).
		Reads("stock.move", "state", "product_id", "location_id", "picking_type_id", "move_dest_ids").Reads("stock.location", "usage", "parent_path").Reads("stock.picking.type", "reservation_method"))
	if err != nil {
		return err
	}
	// Whoever brings goods in need not have a right to the transfers that wait for them.
	return assignMoves(env.Sudo(), next)
}
