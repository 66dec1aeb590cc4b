package woocommerce

import (
	"maps"
	"slices"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// goodsBack brings back the goods that the store has put on the shelf again with a refund:
// what is not delivered yet leaves the delivery, for the rest a return is made, which a
// person validates when the goods are there. The quantities of the sale order stay, as
// those of the store's order do.
func (imp *orderImport) goodsBack(f *Refund, sold *sale.Order, c ordermap.Credit) error {
	lines, err := imp.saleLines(sold)
	if err != nil {
		return err
	}
	returns := map[int64][]stock.ReturnItem{}
	for _, l := range c.Lines {
		of := lines[l.Key]
		if of == nil || !l.Back.IsPositive() {
			continue
		}
		read, err := orm.Read[sale_stock.OrderLine](imp.env, []int64{of.ID}, "move_ids.location_dest_id")
		if err != nil {
			return err
		}
		left, err := leaveDelivery(imp.env, read[0], l.Back)
		if err != nil {
			return err
		}
		if err := comeBack(imp.env, read[0], left, returns); err != nil {
			return err
		}
	}
	for _, picking := range slices.Sorted(maps.Keys(returns)) {
		made, err := stock.CreateReturn(imp.env, picking, returns[picking])
		if err != nil {
			return err
		}
		if err := orm.RecordsOf(imp.env, made).Write(orm.Values{"woo_refund_id": f.ID}); err != nil {
			return err
		}
	}
	return nil
}

// leaveDelivery takes a quantity, in the unit of the line, out of its open moves, and
// returns what of it is delivered already.
func leaveDelivery(env *orm.Env, line *sale_stock.OrderLine, quantity decimal.Decimal) (decimal.Decimal, error) {
	moves := slices.Clone(line.MoveIDs.All())
	slices.Reverse(moves)
	for _, m := range moves {
		if !quantity.IsPositive() || m.State == stock.MoveDone || m.State == stock.MoveCancelled || m.DestID.Rec().Usage != stock.UsageCustomer {
			continue
		}
		have, err := uom.Convert(env, m.ProductUomQty, m.UoMID.ID, line.UoMID.ID, uom.HalfUp)
		if err != nil {
			return quantity, err
		}
		cut := decimal.Min(have, quantity)
		quantity = quantity.Sub(cut)
		keep, err := uom.Convert(env, have.Sub(cut), line.UoMID.ID, m.UoMID.ID, uom.HalfUp)
		if err != nil {
			return quantity, err
		}
		if keep.IsPositive() {
			err = orm.RecordsOf(env, m).Write(orm.Values{"product_uom_qty": keep})
		} else {
			_, err = orm.Invoke(env, stock.MoveCancel, []*stock.Move{&m.Move})
		}
		if err != nil {
			return quantity, err
		}
	}
	return quantity, nil
}

// comeBack finds the deliveries from which a quantity of a line comes back.
func comeBack(env *orm.Env, line *sale_stock.OrderLine, quantity decimal.Decimal, returns map[int64][]stock.ReturnItem) error {
	returned := map[int64]decimal.Decimal{}
	for _, m := range line.MoveIDs.All() {
		if m.OriginReturned.IsSet() && m.State != stock.MoveCancelled {
			returned[m.OriginReturned.ID] = returned[m.OriginReturned.ID].Add(m.ProductUomQty)
		}
	}
	for _, m := range line.MoveIDs.All() {
		if !quantity.IsPositive() || m.State != stock.MoveDone || m.OriginReturned.IsSet() || m.DestID.Rec().Usage != stock.UsageCustomer {
			continue
		}
		wanted, err := uom.Convert(env, quantity, line.UoMID.ID, m.UoMID.ID, uom.HalfUp)
		if err != nil {
			return err
		}
		take := decimal.Min(wanted, m.Quantity.Sub(returned[m.ID]))
		if !take.IsPositive() {
			continue
		}
		returns[m.PickingID.ID] = append(returns[m.PickingID.ID], stock.ReturnItem{Move: m.ID, Quantity: take, Keep: true})
		taken, err := uom.Convert(env, take, m.UoMID.ID, line.UoMID.ID, uom.HalfUp)
		if err != nil {
			return err
		}
		quantity = quantity.Sub(taken)
	}
	return nil
}

// cancelReturns cancels the returns of a refund that was deleted, unless the goods are
// back already.
func cancelReturns(env *orm.Env, f *Refund) error {
	return cancelPickings(env, orm.Leaf("woo_refund_id", "=", f.ID))
}

// stopDelivery cancels what of a sale order is not delivered yet.
func stopDelivery(env *orm.Env, order int64) error {
	return cancelPickings(env, orm.And(orm.Leaf("sale_id", "=", order), orm.Leaf("picking_type_code", "=", "outgoing")))
}

func cancelPickings(env *orm.Env, which orm.Domain) error {
	open, err := orm.Search[stock.Picking](env, orm.And(which, orm.Leaf("state", "not in", []any{stock.PickingDone, stock.PickingCancelled})), orm.SearchOptions{})
	if err != nil || len(open) == 0 {
		return err
	}
	_, err = orm.Invoke(env, stock.ActionCancel, open)
	return err
}
