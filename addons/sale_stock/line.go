package sale_stock

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// OrderLine adds to a line of an order the moves that deliver it.
type OrderLine struct {
	sale.OrderLine
	OrderID         orm.Ref[Order]                `orm:"order_id"`
	ProductID       orm.Ref[stock.Product]        `orm:"product_id"`
	DeliveredMethod string                        `orm:"qty_delivered_method,store" selection:"stock_move:Stock Moves"`
	QtyDelivered    decimal.Decimal               `orm:"qty_delivered,store"`
	MoveIDs         orm.Many[Move]                `orm:"move_ids,inverse=sale_line_id" label:"Stock Moves"`
	WarehouseID     orm.Ref[stock.Warehouse]      `orm:"warehouse_id,related=order_id.warehouse_id,readonly" label:"Warehouse"`
	QtyToDeliver    orm.Deferred[decimal.Decimal] `orm:"qty_to_deliver" label:"Qty To Deliver"`
}

func defineLine(r *orm.Registry) {
	d := orm.Extend[OrderLine](r, "sale.order.line")
	d.Compute("qty_delivered_method", func(env *orm.Env, ls []*OrderLine) error {
		if err := orm.Load(env, ls, "product_id"); err != nil {
			return err
		}
		for _, l := range ls {
			switch p := l.ProductID.Rec(); {
			case l.DisplayType != "":
				l.DeliveredMethod = ""
			case p != nil && p.Type == product.Goods && !l.IsDownpayment:
				l.DeliveredMethod = DeliveredStockMove
			default:
				l.DeliveredMethod = "manual"
			}
		}
		return nil
	}, "display_type", "is_downpayment", "product_id")
	d.Compute("qty_delivered", func(env *orm.Env, ls []*OrderLine) error {
		for _, l := range ls {
			if l.DeliveredMethod != DeliveredStockMove {
				continue // said by hand
			}
			var err error
			if l.QtyDelivered, err = l.moved(env, func(m *Move) bool { return m.State == stock.MoveDone }); err != nil {
				return err
			}
		}
		return nil
	}, "qty_delivered_method", "product_uom_id", "move_ids.state", "move_ids.to_refund", "move_ids.location_dest_id.usage")
	d.Compute("qty_to_deliver", func(_ *orm.Env, ls []*OrderLine) error {
		for _, l := range ls {
			l.QtyToDeliver.Set(l.Quantity.Sub(l.QtyDelivered))
		}
		return nil
	}, "product_uom_qty", "qty_delivered")
	d.Compute("product_updatable", func(_ *orm.Env, ls []*OrderLine) error {
		for _, l := range ls {
			l.ProductUpdatable.Set(l.State != sale.OrderCancelled && !l.inTransfer())
			if l.State == sale.OrderSale {
				l.ProductUpdatable.Set(l.ProductUpdatable.Get() && !l.OrderID.Rec().Locked && !l.QtyInvoiced.IsPositive() && !l.QtyDelivered.IsPositive())
			}
		}
		return nil
	}, "state", "qty_invoiced", "qty_delivered", "order_id.locked", "move_ids.state")
	d.OnCreate(createLines)
	d.OnWrite(writeLines)
}

// moved sums what moves bring to the customer, less what comes back and is
// refunded, in the unit of the line. The moves and where they go must be
// loaded.
func (l *OrderLine) moved(env *orm.Env, which func(*Move) bool) (decimal.Decimal, error) {
	sum := decimal.Zero
	for _, m := range l.MoveIDs.All() {
		if m.State == stock.MoveCancelled || m.ScrapID.IsSet() || m.ProductID.ID != l.ProductID.ID || !which(m) {
			continue
		}
		q := m.ProductUomQty
		if m.State == stock.MoveDone {
			q = m.Quantity
		}
		q, err := uom.Convert(env, q, m.UoMID.ID, l.UoMID.ID, uom.HalfUp)
		if err != nil {
			return sum, err
		}
		switch toCustomer := m.DestID.Rec().Usage == stock.UsageCustomer; {
		case toCustomer && (!m.OriginReturned.IsSet() || m.ToRefund):
			sum = sum.Add(q)
		case !toCustomer && m.ToRefund:
			sum = sum.Sub(q)
		}
	}
	return sum, nil
}

// inTransfer reports whether a transfer has a part of the line. The moves must be
// loaded.
func (l *OrderLine) inTransfer() bool {
	return slices.ContainsFunc(l.MoveIDs.All(), func(m *Move) bool { return m.State != stock.MoveCancelled })
}

// createLines delivers lines that are added to confirmed orders.
func createLines(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		var orders []int64
		for _, vals := range list {
			orders = append(orders, vals.ID("order_id"))
		}
		confirmed, err := rs.Env.Sudo().Model("sale.order").SearchCount(orm.And(orm.Leaf("id", "in", orders), orm.Leaf("state", "=", "sale")), 1)
		if err != nil {
			return rs, err
		}
		made, err := super(rs, list)
		if err != nil || confirmed == 0 {
			return made, err
		}
		return made, deliver(rs.Env, orders, made.IDs)
	}
}

// writeLines lets the transfers of confirmed orders follow their quantities.
func writeLines(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		if vals.Has("product_id") {
			ls, err := orm.Read[OrderLine](rs.Env.Sudo(), rs.IDs, "move_ids")
			if err != nil {
				return err
			}
			for _, l := range ls {
				if l.ProductID.ID != vals.ID("product_id") && l.inTransfer() {
					first, _, _ := strings.Cut(l.Name, "\n")
					return orm.UserErrorf("The product of “%s” cannot be replaced, since a transfer has it. Set the quantity to 0 and add a line.", first)
				}
			}
		}
		_, quantity := vals["product_uom_qty"]
		_, unit := vals["product_uom_id"]
		if !quantity && !unit {
			return super(rs, vals)
		}
		if err := super(rs, vals); err != nil {
			return err
		}
		ls, err := orm.Read[OrderLine](rs.Env.Sudo(), rs.IDs)
		if err != nil {
			return err
		}
		var orders, lines []int64
		for _, l := range ls {
			if l.State != sale.OrderSale || l.DeliveredMethod != DeliveredStockMove {
				continue
			}
			if l.Quantity.LessThan(l.QtyDelivered) {
				first, _, _ := strings.Cut(l.Name, "\n")
				return orm.UserErrorf("%s of “%s” are delivered already: the ordered quantity cannot be less. Create a return of the delivery first.", l.QtyDelivered, first)
			}
			orders, lines = append(orders, l.OrderID.ID), append(lines, l.ID)
		}
		if len(lines) == 0 {
			return nil
		}
		return deliver(rs.Env, orders, lines)
	}
}
