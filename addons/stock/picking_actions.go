package stock

import (
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

func implementPicking(p *orm.Def[Picking]) {
	orm.Implement(p, ActionConfirm, func(env *orm.Env, ps []*Picking, _ orm.Args) (any, error) {
		moves, err := movesOf(env, ps, "draft")
		if err != nil {
			return nil, err
		}
		return true, confirmMoves(env, moves)
	})
	orm.Implement(p, ActionAssign, func(env *orm.Env, ps []*Picking, _ orm.Args) (any, error) {
		drafts, err := movesOf(env, ps, "draft")
		if err != nil {
			return nil, err
		}
		if err := confirmMoves(env, drafts); err != nil {
			return nil, err
		}
		moves, err := movesOf(env, ps, "waiting", "confirmed", "partially_available", "assigned")
		if err != nil {
			return nil, err
		}
		if len(moves) == 0 {
			return nil, orm.UserErrorf("The transfer has no open moves: there is nothing to check the availability of.")
		}
		return true, assignMoves(env, moves)
	})
	orm.Implement(p, DoUnreserve, func(env *orm.Env, ps []*Picking, _ orm.Args) (any, error) {
		moves, err := movesOf(env, ps, "partially_available", "assigned")
		if err != nil {
			return nil, err
		}
		return true, unreserveMoves(env, moves)
	})
	orm.Implement(p, ActionCancel, func(env *orm.Env, ps []*Picking, _ orm.Args) (any, error) {
		moves, err := movesOf(env, ps)
		if err != nil {
			return nil, err
		}
		if err := cancelMoves(env, moves); err != nil {
			return nil, err
		}
		return true, orm.RecordsOf(env, ps...).Write(orm.Values{"date_done": orm.DatetimeOf(env.Now())})
	})
	orm.Implement(p, ButtonValidate, validate)
	orm.Implement(p, DonePickings, donePickings)
	orm.Implement(p, renderSlip, printSlips)
	orm.Implement(p, ButtonScrap, func(env *orm.Env, ps []*Picking, _ orm.Args) (any, error) {
		if len(ps) != 1 {
			return nil, orm.UserErrorf("Choose one transfer to scrap products of.")
		}
		return map[string]any{"type": "ir.actions.act_window", "name": "Scrap", "res_model": "stock.scrap", "view_mode": "form", "views": []any{[]any{false, "form"}}, "target": "new",
			"context": map[string]any{"default_picking_id": ps[0].ID, "default_company_id": ps[0].CompanyID.ID}}, nil
	})
	orm.Implement(p, SeeReturns, func(_ *orm.Env, ps []*Picking, _ orm.Args) (any, error) {
		if len(ps) != 1 {
			return nil, orm.UserErrorf("Choose one transfer to see the returns of.")
		}
		return map[string]any{"type": "ir.actions.act_window", "name": "Returns", "res_model": "stock.picking", "view_mode": "list,form", "views": []any{[]any{false, "list"}, []any{false, "form"}},
			"domain": []any{[]any{"return_id", "=", ps[0].ID}}}, nil
	})
}

// movesOf finds the moves of transfers in some states, none meaning all.
func movesOf(env *orm.Env, ps []*Picking, states ...string) ([]int64, error) {
	if len(ps) == 0 {
		return nil, nil
	}
	d := orm.Leaf("picking_id", "in", orm.IDs(env, ps))
	if len(states) > 0 {
		d = orm.And(d, orm.Leaf("state", "in", states))
	}
	found, err := env.Model("stock.move").Search(d, orm.SearchOptions{})
	return found.IDs, err
}

// validate carries transfers out, or asks about what is left over.
func validate(env *orm.Env, all []*Picking, args orm.Args) (any, error) {
	ps := slices.DeleteFunc(slices.Clone(all), func(p *Picking) bool { return p.State == PickingDone })
	if len(ps) == 0 {
		return true, nil
	}
	for _, p := range ps {
		if p.State == PickingCancelled {
			return nil, orm.UserErrorf("The transfer %s is cancelled and cannot be validated.", p.Name)
		}
	}
	if err := confirmImmediate(env, ps); err != nil {
		return nil, err
	}
	moves, err := openMoves(env, ps)
	if err != nil {
		return nil, err
	}
	if err := checkNotEmpty(ps, moves); err != nil {
		return nil, err
	}
	if err := pickAll(env, ps, moves); err != nil {
		return nil, err
	}
	if !env.Flag("skip_backorder", false) {
		short, err := shortPickings(env, ps, moves)
		if err != nil {
			return nil, err
		}
		if len(short) > 0 {
			return askBackorder(ps, short)
		}
	}
	never := env.KeyIDs("picking_ids_not_to_backorder")
	var keep, drop []*Picking
	for _, p := range ps {
		t, err := pickingType(env, p.TypeID.ID)
		if err != nil {
			return nil, err
		}
		if t.CreateBackorder == BackorderNever || slices.Contains(never, p.ID) {
			drop = append(drop, p)
		} else {
			keep = append(keep, p)
		}
	}
	if _, err := orm.Invoke(env.WithContext(map[string]any{"cancel_backorder": true}), DonePickings, drop); err != nil {
		return nil, err
	}
	if _, err := orm.Invoke(env.WithContext(map[string]any{"cancel_backorder": false}), DonePickings, keep); err != nil {
		return nil, err
	}
	return true, nil
}

// confirmImmediate confirms drafts that are validated at once; what was demanded
// counts as moved where nothing else was said.
func confirmImmediate(env *orm.Env, ps []*Picking) error {
	drafts := slices.DeleteFunc(slices.Clone(ps), func(p *Picking) bool { return p.State != PickingDraft })
	if len(drafts) == 0 {
		return nil
	}
	if _, err := orm.Invoke(env, ActionConfirm, drafts); err != nil {
		return err
	}
	moves, err := openMoves(env, drafts)
	if err != nil {
		return err
	}
	var bare []*Move
	for _, m := range moves {
		if m.Quantity.IsZero() && !m.ProductUomQty.IsZero() {
			m.Quantity = m.ProductUomQty
			bare = append(bare, m)
		}
	}
	if err := orm.Save(env, bare, "quantity"); err != nil {
		return err
	}
	return orm.Reload(env, ps)
}

func openMoves(env *orm.Env, ps []*Picking) ([]*Move, error) {
	return orm.Search[Move](env, orm.And(orm.Leaf("picking_id", "in", orm.IDs(env, ps)), orm.Leaf("state", "not in", []string{"done", "cancel"})), orm.SearchOptions{})
}

// checkNotEmpty refuses transfers that would move nothing.
func checkNotEmpty(ps []*Picking, moves []*Move) error {
	for _, p := range ps {
		n, moved := 0, decimal.Zero
		for _, m := range moves {
			if m.PickingID.ID == p.ID {
				n++
				moved = moved.Add(m.Quantity.Abs())
			}
		}
		if n == 0 {
			return orm.UserErrorf("The transfer %s is empty. Add the products that were moved, then validate it.", p.Name)
		}
		if moved.IsZero() {
			return orm.UserErrorf("Nothing is reserved for the transfer %s. Enter the quantities that were moved to validate it all the same.", p.Name)
		}
	}
	return nil
}

// pickAll takes what is reserved as moved in transfers where nobody said what
// was.
func pickAll(env *orm.Env, ps []*Picking, moves []*Move) error {
	var pick []*Move
	for _, p := range ps {
		own := slices.DeleteFunc(slices.Clone(moves), func(m *Move) bool { return m.PickingID.ID != p.ID })
		if !slices.ContainsFunc(own, func(m *Move) bool { return m.Picked }) {
			pick = append(pick, own...)
		}
	}
	for _, m := range pick {
		m.Picked = true
	}
	return orm.Save(env, pick, "picked")
}

// shortPickings are the transfers that move less than they should and whose
// type says to ask about it.
func shortPickings(env *orm.Env, ps []*Picking, moves []*Move) ([]*Picking, error) {
	var short []*Picking
	for _, p := range ps {
		t, err := pickingType(env, p.TypeID.ID)
		if err != nil {
			return nil, err
		}
		if t.CreateBackorder == BackorderAsk && slices.ContainsFunc(moves, func(m *Move) bool {
			return m.PickingID.ID == p.ID && m.ProductUomQty.IsPositive() && (!m.Picked || m.Quantity.LessThan(m.ProductUomQty))
		}) {
			short = append(short, p)
		}
	}
	return short, nil
}

// donePickings moves the products, leaves the rest to backorders and reserves
// for others what has come in.
func donePickings(env *orm.Env, ps []*Picking, _ orm.Args) (any, error) {
	moves, err := openMoves(env, ps)
	if err != nil {
		return nil, err
	}
	if err := doneMoves(env, orm.IDs(env, moves), env.Flag("cancel_backorder", false)); err != nil {
		return nil, err
	}
	return true, orm.RecordsOf(env, ps...).Write(orm.Values{"date_done": orm.DatetimeOf(env.Now()), "priority": "0"})
}
