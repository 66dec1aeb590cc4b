package stock

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// assignMoves reserves what confirmed moves still need: from the stock on hand,
// the most urgent move first; without limit where products are not counted.
func assignMoves(env *orm.Env, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	moves, err := orm.Read[Move](env, ids, planPaths[:]...)
	if err != nil {
		return err
	}
	moves = slices.DeleteFunc(moves, func(m *Move) bool {
		return m.State != MoveConfirmed && m.State != MoveWaiting && m.State != MovePartiallyAvailable
	})
	held, err := waitingMoves(env, moves)
	if err != nil {
		return err
	}
	return reserve(env, moves, held, func(*Move) (bool, error) { return true, nil })
}

// reserve books what the wanted of moves need, and brings the states of all of
// them up to date. Moves that are held up get nothing.
func reserve(env *orm.Env, moves []*Move, held map[int64]bool, wanted func(*Move) (bool, error)) error {
	var now []*Move
	for _, m := range moves {
		ok, err := wanted(m)
		if err != nil {
			return err
		}
		if ok && !held[m.ID] {
			now = append(now, m)
		}
	}
	p := newReservationPlan(env, moves)
	if err := p.coverAll(now); err != nil {
		return err
	}
	if err := p.apply(); err != nil {
		return err
	}
	return setStates(env, moves, func(m *Move) string { return m.stateFor(p.booked[m], held[m.ID]) })
}

// coverAll books what moves still need, the most urgent one first.
func (p *reservationPlan) coverAll(moves []*Move) error {
	moves = slices.Clone(moves)
	slices.SortStableFunc(moves, func(a, b *Move) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.Date.Time().Compare(b.Date.Time()), cmp.Compare(a.ID, b.ID))
	})
	supplies, err := availableFor(p.env, moves)
	if err != nil {
		return err
	}
	for _, m := range moves {
		missing := m.ProductQty.Sub(p.booked[m])
		if m.reservable() {
			_, err = p.cover(m, supplies[m.ProductID.ID], missing)
		} else {
			err = p.book(m, m.LocationID.ID, false, missing)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reservesAtOnce reports whether a confirmed move need not wait for somebody to
// ask for its reservation: its kind of transfer reserves at confirmation, or it
// brings products from outside.
func reservesAtOnce(env *orm.Env, m *Move) (bool, error) {
	if !m.TypeID.IsSet() || !m.reservable() {
		return true, nil
	}
	t, err := pickingType(env, m.TypeID.ID)
	if err != nil {
		return false, err
	}
	return t.Reservation == ReserveAtConfirm, nil
}

func availableFor(env *orm.Env, moves []*Move) (map[int64][]*availableQuant, error) {
	var products, locations []int64
	for _, m := range moves {
		if m.reservable() {
			products, locations = append(products, m.ProductID.ID), append(locations, m.LocationID.ID)
		}
	}
	slices.Sort(products)
	slices.Sort(locations)
	return lockAvailable(env, slices.Compact(products), slices.Compact(locations))
}

// waitingMoves finds the moves that wait for others to bring their products.
func waitingMoves(env *orm.Env, moves []*Move) (map[int64]bool, error) {
	out := map[int64]bool{}
	var ids []int64
	for _, m := range moves {
		switch m.State {
		case MoveWaiting, MoveDraft:
			ids = append(ids, m.ID)
		}
	}
	if len(ids) == 0 {
		return out, nil
	}
	// SQL: what many moves wait for, in one statement.
	rows, err := orm.Rows[int64](env, orm.SQL(`SELECT m.id FROM stock_move m WHERE m.id = ANY(?) AND (
			EXISTS (SELECT 1 FROM stock_move_move_rel r JOIN stock_move o ON o.id = r.move_orig_id WHERE r.move_dest_id = m.id AND o.state NOT IN ('done', 'cancel'))
			OR m.procure_method = 'make_to_order' AND NOT EXISTS (SELECT 1 FROM stock_move_move_rel r WHERE r.move_dest_id = m.id))`, ids).Reads("stock.move", "state", "procure_method", "move_orig_ids"))
	for _, id := range rows {
		out[id] = true
	}
	return out, err
}

// stateFor is the state of an open move that has a quantity booked.
func (m *Move) stateFor(booked decimal.Decimal, held bool) string {
	switch {
	case booked.GreaterThanOrEqual(m.ProductQty):
		return "assigned"
	case booked.IsPositive():
		return "partially_available"
	case held:
		return "waiting"
	}
	return "confirmed"
}

// setStates writes the states of moves, equal ones together.
func setStates(env *orm.Env, moves []*Move, state func(*Move) string) error {
	var changed []*Move
	for _, m := range moves {
		if s := state(m); s != m.State {
			m.State = s
			changed = append(changed, m)
		}
	}
	return orm.Save(inBulk(env), changed, "state")
}

// refreshStates brings the states of open moves in line with their quantities.
func refreshStates(env *orm.Env, ids []int64) error {
	ids = distinct(ids)
	if len(ids) == 0 {
		return nil
	}
	moves, err := orm.Read[Move](env, ids, "product_id")
	if err != nil {
		return err
	}
	moves = slices.DeleteFunc(moves, func(m *Move) bool { return m.State == MoveDraft || m.State == MoveDone || m.State == MoveCancelled })
	held, err := waitingMoves(env, moves)
	if err != nil {
		return err
	}
	for _, m := range moves {
		booked, err := uom.Convert(env, m.Quantity, m.UoMID.ID, m.ProductID.Rec().UoMID.ID, uom.HalfUp)
		if err != nil {
			return err
		}
		if err := setStates(env, []*Move{m}, func(m *Move) string { return m.stateFor(booked, held[m.ID]) }); err != nil {
			return err
		}
	}
	return nil
}

func distinct(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(slices.DeleteFunc(ids, func(id int64) bool { return id == 0 }))
}

// unreserveMoves gives free what open moves have reserved, except for what has
// been picked already.
func unreserveMoves(env *orm.Env, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	moves, err := orm.Read[Move](env, ids, planPaths[:]...)
	if err != nil {
		return err
	}
	moves = slices.DeleteFunc(moves, func(m *Move) bool { return m.State == MoveDone || m.State == MoveCancelled })
	return releaseLines(env, moves, func(l *MoveLine) bool { return !l.Picked })
}

// releaseLines drops lines of open moves.
func releaseLines(env *orm.Env, moves []*Move, which func(*MoveLine) bool) error {
	p := newReservationPlan(env, moves)
	var touched []int64
	for _, m := range moves {
		for _, l := range m.MoveLineIDs.All() {
			if which(l) {
				if _, err := p.take(m, l, l.ProductQty); err != nil {
					return err
				}
				touched = append(touched, m.ID)
			}
		}
	}
	if err := p.apply(); err != nil {
		return err
	}
	return refreshStates(env, touched)
}

// setQuantities stores quantities that somebody enters for moves: what exceeds
// the reservation is taken from free stock, and from the location of the move
// when there is none; what falls short of it is given free.
func setQuantities(env *orm.Env, changed []*Move) error {
	wanted := map[int64]decimal.Decimal{}
	for _, m := range changed {
		if m.Quantity.IsNegative() {
			return orm.UserErrorf("The quantity of the move of “%s” cannot be negative.", m.productName(env))
		}
		wanted[m.ID] = m.Quantity
	}
	moves, err := orm.Read[Move](env.Sudo(), orm.IDs(env, changed), planPaths[:]...)
	if err != nil {
		return err
	}
	p := newReservationPlan(env.Sudo(), moves)
	supplies, err := availableFor(env, moves)
	if err != nil {
		return err
	}
	for _, m := range moves {
		q, err := uom.Convert(env, wanted[m.ID], m.UoMID.ID, m.ProductID.Rec().UoMID.ID, uom.HalfUp)
		if err != nil {
			return err
		}
		missing := q.Sub(p.booked[m])
		if m.reservable() {
			if missing, err = p.cover(m, supplies[m.ProductID.ID], missing); err != nil {
				return err
			}
		}
		if err := p.book(m, m.LocationID.ID, m.reservable(), missing); err != nil {
			return err
		}
		if err := p.shrink(m, missing.Neg()); err != nil {
			return err
		}
	}
	return p.apply()
}

// shrink gives some of what is booked for a move free, the last line first.
func (p *reservationPlan) shrink(m *Move, excess decimal.Decimal) error {
	lines := slices.Clone(m.MoveLineIDs.All())
	slices.Reverse(lines)
	for _, l := range lines {
		if !excess.IsPositive() {
			break
		}
		q, err := p.take(m, l, excess)
		if err != nil {
			return err
		}
		excess = excess.Sub(q)
	}
	return nil
}

// followDemand brings reservations in line with a changed demand: what is
// reserved beyond it is given free, and what is missing reserved.
func followDemand(env *orm.Env, ids []int64) error {
	moves, err := orm.Read[Move](env, ids, planPaths[:]...)
	if err != nil {
		return err
	}
	moves = slices.DeleteFunc(moves, func(m *Move) bool { return m.State == MoveDraft || m.State == MoveDone || m.State == MoveCancelled })
	p := newReservationPlan(env, moves)
	for _, m := range moves {
		if m.Picked {
			continue // somebody has said what is moved
		}
		if err := p.shrink(m, p.booked[m].Sub(m.ProductQty)); err != nil {
			return err
		}
	}
	if err := p.apply(); err != nil {
		return err
	}
	if err := orm.Reload(env, moves, planPaths[:]...); err != nil {
		return err
	}
	held, err := waitingMoves(env, moves)
	if err != nil {
		return err
	}
	return reserve(env, moves, held, func(m *Move) (bool, error) {
		if m.Picked {
			return false, nil
		}
		return reservesAtOnce(env, m)
	})
}

// releaseOthers takes reservations from other moves where less is left than they
// had been promised, from the least urgent one first.
func releaseOthers(env *orm.Env, left ledger, except []int64) error {
	for _, at := range left.sorted() {
		a := left[at]
		short := a.reserved.Sub(decimal.Max(a.quantity, decimal.Zero))
		if !short.IsPositive() {
			continue
		}
		type reserved struct{ ID, MoveID int64 }
		// SQL: whoever counts need not have a right to the transfers that lose.
		rows, err := orm.Rows[reserved](env, orm.SQL(`SELECT ml.id, ml.move_id FROM stock_move_line ml JOIN stock_move m ON m.id = ml.move_id JOIN stock_location l ON l.id = ml.location_id
			WHERE ml.product_id = ? AND ml.location_id = ? AND m.state NOT IN ('done', 'cancel') AND ml.picked IS NOT TRUE AND l.usage IN ('internal', 'transit') AND NOT m.id = ANY(?)
			ORDER BY m.priority, m.date DESC, ml.id DESC`, at.product, at.location, except).
			Reads("stock.move.line").Reads("stock.move", "state", "priority", "date").Reads("stock.location", "usage"))
		if err != nil || len(rows) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		var ids []int64
		for _, row := range rows {
			ids = append(ids, row.MoveID)
		}
		moves, err := orm.Read[Move](env, distinct(ids), planPaths[:]...)
		if err != nil {
			return err
		}
		p := newReservationPlan(env, moves)
		for _, row := range rows {
			for _, m := range moves {
				for _, l := range m.MoveLineIDs.All() {
					if l.ID == row.ID && short.IsPositive() {
						q, err := p.take(m, l, short)
						if err != nil {
							return err
						}
						short = short.Sub(q)
					}
				}
			}
		}
		if err := p.apply(); err != nil {
			return err
		}
		if err := refreshStates(env, ids); err != nil {
			return err
		}
	}
	return nil
}
