package sale_stock

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// delivery is what the transfers of one order have to become.
type delivery struct {
	order   *Order
	picking *stock.Picking // the open one that takes more, nil when a new one is needed
	more    []missingQuantity
}

// missingQuantity is how much of a line is not in any transfer yet, in the unit of the
// product.
type missingQuantity struct {
	line *OrderLine
	qty  decimal.Decimal
}

// deliver brings the transfers of confirmed orders in line with their lines,
// those named or all: goods that are in no transfer yet are added to the open
// one of the order, or to a new one, and what is no longer ordered is taken out
// of those that are open. Whoever may sell need not have a right to transfers.
func deliver(env *orm.Env, orders, lines []int64) error {
	env = env.Sudo()
	d := orm.And(orm.Leaf("order_id", "in", orders), orm.Leaf("qty_delivered_method", "=", "stock_move"))
	if lines != nil {
		d = orm.And(d, orm.Leaf("id", "in", lines))
	}
	ls, err := orm.Search[OrderLine](env, d, orm.SearchOptions{}, "product_id", "move_ids.location_dest_id")
	if err != nil || len(ls) == 0 {
		return err
	}
	plan, err := planDeliveries(env, ls)
	if err != nil || len(plan) == 0 {
		return err
	}
	if err := openDeliveries(env, plan); err != nil {
		return err
	}
	return fillDeliveries(env, plan)
}

// planDeliveries finds what is to be added, and takes out what is too much.
func planDeliveries(env *orm.Env, ls []*OrderLine) ([]*delivery, error) {
	byOrder := map[int64]*delivery{}
	var ids []int64
	for _, l := range ls {
		planned, err := l.moved(env, func(*Move) bool { return true })
		if err != nil {
			return nil, err
		}
		missing := l.Quantity.Sub(planned)
		if missing.IsNegative() {
			if err := l.reduce(env, missing.Neg()); err != nil {
				return nil, err
			}
		}
		if !missing.IsPositive() {
			continue
		}
		qty, err := uom.Convert(env, missing, l.UoMID.ID, l.ProductID.Rec().UoMID.ID, uom.HalfUp)
		if err != nil {
			return nil, err
		}
		if byOrder[l.OrderID.ID] == nil {
			byOrder[l.OrderID.ID] = &delivery{}
			ids = append(ids, l.OrderID.ID)
		}
		byOrder[l.OrderID.ID].more = append(byOrder[l.OrderID.ID].more, missingQuantity{l, qty})
	}
	if len(ids) == 0 {
		return nil, nil
	}
	orders, err := orm.Read[Order](env, ids, "warehouse_id.out_type_id")
	if err != nil {
		return nil, err
	}
	plan := make([]*delivery, len(orders))
	for i, o := range orders {
		plan[i] = byOrder[o.ID]
		plan[i].order = o
		if w := o.WarehouseID.Rec(); w == nil || !w.OutTypeID.IsSet() {
			return nil, orm.UserErrorf("The order %s has no warehouse to deliver from. Choose one on the order before confirming it.", o.Name)
		}
	}
	return plan, nil
}

// reduce takes a quantity, in the unit of the line, out of its open moves, the
// last one first.
func (l *OrderLine) reduce(env *orm.Env, excess decimal.Decimal) error {
	moves := slices.Clone(l.MoveIDs.All())
	slices.Reverse(moves)
	for _, m := range moves {
		if !excess.IsPositive() {
			return nil
		}
		if m.State == stock.MoveDone || m.State == stock.MoveCancelled || m.DestID.Rec().Usage != stock.UsageCustomer {
			continue
		}
		have, err := uom.Convert(env, m.ProductUomQty, m.UoMID.ID, l.UoMID.ID, uom.HalfUp)
		if err != nil {
			return err
		}
		cut := decimal.Min(have, excess)
		excess = excess.Sub(cut)
		left, err := uom.Convert(env, have.Sub(cut), l.UoMID.ID, m.UoMID.ID, uom.HalfUp)
		if err != nil {
			return err
		}
		rs := orm.RecordsOf(env, m)
		if left.IsPositive() {
			err = rs.Write(orm.Values{"product_uom_qty": left})
		} else {
			_, err = orm.Invoke(env, stock.MoveCancel, []*stock.Move{&m.Move})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openDeliveries finds the open transfer of each order, or makes one.
func openDeliveries(env *orm.Env, plan []*delivery) error {
	var known []int64
	for _, d := range plan {
		if d.order.DeliveryStatus != "" { // else none of its transfers is open
			known = append(known, d.order.ID)
		}
	}
	if len(known) > 0 {
		open, err := orm.Search[Picking](env, orm.And(orm.Leaf("sale_id", "in", known), orm.Leaf("state", "not in", []string{"done", "cancel"}), orm.Leaf("picking_type_code", "=", "outgoing")), orm.SearchOptions{Order: "id"})
		if err != nil {
			return err
		}
		for _, d := range plan {
			for _, p := range open {
				if d.picking == nil && p.SaleID.ID == d.order.ID && p.TypeID.ID == d.order.WarehouseID.Rec().OutTypeID.ID {
					d.picking = &p.Picking
				}
			}
		}
	}
	var fresh []*delivery
	var vals []orm.Values
	for _, d := range plan {
		if d.picking != nil {
			continue
		}
		o := d.order
		date := o.CommitmentDate
		if date.IsZero() {
			for _, n := range d.more {
				if day := o.dueDate(n.line); date.IsZero() || day.Time().Before(date.Time()) {
					date = day
				}
			}
		}
		fresh = append(fresh, d)
		vals = append(vals, orm.Values{"picking_type_id": o.WarehouseID.Rec().OutTypeID.ID, "partner_id": o.ShippingID.ID, "origin": o.Name, "sale_id": o.ID, "move_type": o.PickingPolicy,
			"scheduled_date": date, "date_deadline": date})
	}
	if len(fresh) == 0 {
		return nil
	}
	// Who sells does not thereby follow the deliveries, and where they come from
	// is written on them.
	made, err := env.WithContext(map[string]any{"mail_create_nosubscribe": true, "mail_create_nolog": true}).Model("stock.picking").Create(vals...)
	if err != nil {
		return err
	}
	// Read by field, since reading whole transfers would compute the state of
	// the orders, which the moves are about to change again.
	rows, err := made.Read("name", "company_id", "location_id", "location_dest_id")
	if err != nil {
		return err
	}
	for i, d := range fresh {
		o, row := d.order, rows[i]
		p := &stock.Picking{Name: row.Text("name"), Origin: o.Name, State: stock.PickingDraft, ScheduledDate: vals[i]["scheduled_date"].(orm.Datetime),
			TypeID: orm.RefTo[stock.PickingType](o.WarehouseID.Rec().OutTypeID.ID), CompanyID: orm.RefTo[base.Company](row.ID("company_id")), PartnerID: orm.RefTo[base.Partner](o.ShippingID.ID),
			LocationID: orm.RefTo[stock.Location](row.ID("location_id")), DestID: orm.RefTo[stock.Location](row.ID("location_dest_id"))}
		p.ID = made.IDs[i]
		d.picking = p
	}
	return nil
}

// dueDate is when a line is promised to be shipped.
func (o *Order) dueDate(l *OrderLine) orm.Datetime {
	if !o.CommitmentDate.IsZero() {
		return o.CommitmentDate
	}
	return orm.DatetimeOf(o.DateOrder.Time().Add(time.Duration(l.CustomerLead * 24 * float64(time.Hour))))
}

// fillDeliveries adds the missing goods to the transfers and hands them over to
// the warehouse. A line that has an open move there makes it larger.
func fillDeliveries(env *orm.Env, plan []*delivery) error {
	var vals []orm.Values
	var pickings []*stock.Picking
	for _, d := range plan {
		pickings = append(pickings, d.picking)
		for _, n := range d.more {
			grown, err := n.grow(env, d.picking.ID)
			if err != nil {
				return err
			}
			if grown {
				continue
			}
			due := d.order.dueDate(n.line)
			vals = append(vals, orm.Values{"picking_id": d.picking.ID, "sale_line_id": n.line.ID, "product_id": n.line.ProductID.ID,
				"product_uom_qty": n.qty, "product_qty": n.qty, "product_uom": n.line.ProductID.Rec().UoMID.ID, "sequence": n.line.Sequence, "date": due, "date_deadline": due, "warehouse_id": d.order.WarehouseID.ID})
		}
	}
	if len(vals) == 0 {
		return nil
	}
	return stock.AddMoves(env, pickings, vals)
}

// grow raises the demand of the open move a line has in a transfer.
func (n missingQuantity) grow(env *orm.Env, picking int64) (bool, error) {
	for _, m := range n.line.MoveIDs.All() {
		if m.PickingID.ID != picking || m.State == stock.MoveDone || m.State == stock.MoveCancelled || m.ProductID.ID != n.line.ProductID.ID {
			continue
		}
		q, err := uom.Convert(env, n.qty, n.line.ProductID.Rec().UoMID.ID, m.UoMID.ID, uom.HalfUp)
		if err != nil {
			return false, err
		}
		return true, orm.RecordsOf(env, m).Write(orm.Values{"product_uom_qty": m.ProductUomQty.Add(q)})
	}
	return false, nil
}
