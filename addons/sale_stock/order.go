package sale_stock

import (
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
)

// Order adds to a sales order where it is delivered from, its transfers and
// how far they are.
type Order struct {
	sale.Order
	Lines          orm.Many[OrderLine]      `orm:"order_line"`
	WarehouseID    orm.Ref[stock.Warehouse] `orm:"warehouse_id,store,index" label:"Warehouse"`
	PickingPolicy  string                   `orm:"picking_policy,required,default=direct" selection:"direct:As soon as possible,one:When all products are ready" label:"Shipping Policy" help:"Whether the products are delivered as they become available, or all together."`
	PickingIDs     orm.Many[Picking]        `orm:"picking_ids,inverse=sale_id" label:"Transfers"`
	DeliveryCount  orm.Deferred[int]        `orm:"delivery_count" label:"Delivery Orders"`
	DeliveryStatus string                   `orm:"delivery_status,store,readonly,nocopy" selection:"pending:Not Delivered,started:Started,partial:Partially Delivered,full:Fully Delivered" label:"Delivery Status"`
	EffectiveDate  orm.Datetime             `orm:"effective_date,store,readonly,nocopy" label:"Effective Date" help:"When the first delivery was completed."`
}

// ActionViewDelivery opens the transfers of an order.
var ActionViewDelivery = orm.Method[Order]{Name: "action_view_delivery"}

func defineOrder(r *orm.Registry) {
	d := orm.Extend[Order](r, "sale.order")
	d.Compute("warehouse_id", func(env *orm.Env, os []*Order) error {
		first := map[int64]int64{}
		for _, o := range os {
			company := o.CompanyID.ID
			if _, known := first[company]; !known {
				w, err := orm.First[stock.Warehouse](env.Sudo().WithContext(map[string]any{"active_test": true}), orm.Leaf("company_id", "=", company), "sequence, id")
				if err != nil {
					return err
				}
				first[company] = 0
				if w != nil {
					first[company] = w.ID
				}
			}
			o.WarehouseID = orm.RefTo[stock.Warehouse](first[company])
		}
		return nil
	}, "company_id")
	d.Compute("delivery_count", func(env *orm.Env, os []*Order) error {
		n, err := env.Model("stock.picking").CountBy("sale_id", orm.Leaf("sale_id", "in", orm.IDs(env, os)))
		for _, o := range os {
			o.DeliveryCount.Set(n[o.ID])
		}
		return err
	}, "picking_ids")
	d.Compute("delivery_status, effective_date", deliveryStatus, "picking_ids.state", "picking_ids.date_done", "picking_ids.location_dest_id.usage", "order_line.qty_delivered")
	d.Compute("expected_date", func(env *orm.Env, os []*Order) error {
		for _, o := range os {
			o.ExpectedDate.Set(orm.Datetime{})
			together := o.PickingPolicy == ShipOne // waits for the last product
			var ls []*sale.OrderLine
			for _, l := range o.Lines.All() {
				ls = append(ls, &l.OrderLine)
			}
			for _, day := range o.ExpectedDates(env, ls) {
				if o.ExpectedDate.Get().IsZero() || day.Time().Before(o.ExpectedDate.Get().Time()) != together {
					o.ExpectedDate.Set(day)
				}
			}
		}
		return nil
	}, "picking_policy", "state", "date_order", "order_line.customer_lead", "order_line.display_type")
	d.OnWrite(writeOrders)
	orm.Override(r, sale.ConfirmOrder, func(super orm.Action[sale.Order]) orm.Action[sale.Order] {
		return func(env *orm.Env, os []*sale.Order, args orm.Args) (any, error) {
			answer, err := super(env, os, args)
			if err != nil {
				return nil, err
			}
			return answer, deliver(env, orm.IDs(env, os), nil)
		}
	})
	orm.Override(r, sale.CancelOrder, func(super orm.Action[sale.Order]) orm.Action[sale.Order] {
		return func(env *orm.Env, os []*sale.Order, args orm.Args) (any, error) {
			if err := orm.RecordsOf(env, os...).CheckAccess(orm.OpWrite); err != nil {
				return nil, err
			}
			open, err := openPickings(env, orm.IDs(env, os))
			if err != nil {
				return nil, err
			}
			if _, err := orm.Invoke(env.Sudo(), stock.ActionCancel, open); err != nil {
				return nil, err
			}
			return super(env, os, args)
		}
	})
	orm.Implement(d, ActionViewDelivery, func(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
		if err := orm.Load(env, os, "picking_ids"); err != nil {
			return nil, err
		}
		ids := []any{}
		for _, o := range os {
			for _, id := range o.PickingIDs.IDs() {
				ids = append(ids, id)
			}
		}
		action := map[string]any{"type": "ir.actions.act_window", "name": "Deliveries", "res_model": "stock.picking", "view_mode": "list,form",
			"views": []any{[]any{false, "list"}, []any{false, "form"}}, "domain": []any{[]any{"id", "in", ids}}, "context": map[string]any{"create": false}}
		if len(ids) == 1 {
			action["view_mode"], action["views"], action["res_id"] = "form", []any{[]any{false, "form"}}, ids[0]
		}
		return action, nil
	})
}

// openPickings are the transfers of orders that are neither done nor cancelled.
func openPickings(env *orm.Env, orders []int64) ([]*stock.Picking, error) {
	return orm.Search[stock.Picking](env.Sudo(), orm.And(orm.Leaf("sale_id", "in", orders), orm.Leaf("state", "not in", []string{"done", "cancel"})), orm.SearchOptions{Order: "id"})
}

// deliveryStatus tells how far the transfers of orders are, and when the first
// one reached the customer.
func deliveryStatus(_ *orm.Env, os []*Order) error {
	for _, o := range os {
		done, live := 0, 0
		o.DeliveryStatus, o.EffectiveDate = "", orm.Datetime{}
		for _, p := range o.PickingIDs.All() {
			if p.State == stock.PickingCancelled {
				continue
			}
			live++
			if p.State != stock.PickingDone {
				continue
			}
			done++
			if p.DestID.Rec().Usage == stock.UsageCustomer && !p.DateDone.IsZero() && (o.EffectiveDate.IsZero() || p.DateDone.Time().Before(o.EffectiveDate.Time())) {
				o.EffectiveDate = p.DateDone
			}
		}
		delivered := false
		for _, l := range o.Lines.All() {
			delivered = delivered || l.QtyDelivered.IsPositive()
		}
		switch {
		case live == 0:
		case done == live:
			o.DeliveryStatus = DeliveryFull
		case done > 0 && delivered:
			o.DeliveryStatus = DeliveryPartial
		case done > 0:
			o.DeliveryStatus = DeliveryStarted
		default:
			o.DeliveryStatus = DeliveryPending
		}
	}
	return nil
}

// writeOrders lets open transfers follow the order.
func writeOrders(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		if vals.Has("warehouse_id") {
			os, err := orm.Read[Order](env.Sudo(), rs.IDs)
			if err != nil {
				return err
			}
			for _, o := range os {
				if o.State == sale.OrderSale && o.WarehouseID.ID != vals.ID("warehouse_id") {
					return orm.UserErrorf("The order %s is confirmed: the warehouse it is delivered from cannot change any more. Cancel it and set it to quotation first.", o.Name)
				}
			}
		}
		if err := super(rs, vals); err != nil {
			return err
		}
		follow := orm.Values{}
		if p, ok := vals["partner_shipping_id"]; ok {
			follow["partner_id"] = p
		}
		if d, ok := vals["commitment_date"]; ok && d != nil && d != false {
			follow["scheduled_date"], follow["date_deadline"] = d, d
		}
		if len(follow) == 0 {
			return nil
		}
		open, err := openPickings(env, rs.IDs)
		if err != nil || len(open) == 0 {
			return err
		}
		return orm.RecordsOf(env.Sudo(), open...).Write(follow)
	}
}

// Picking adds to a transfer the order it serves.
type Picking struct {
	stock.Picking
	ReturnID orm.Ref[Picking] `orm:"return_id"`
	SaleID   orm.Ref[Order]   `orm:"sale_id,store,copy,index" label:"Sales Order"`
}

// Move adds to a move the line it serves.
type Move struct {
	stock.Move
	SaleLineID orm.Ref[OrderLine] `orm:"sale_line_id,index" label:"Sale Line"`
}

func defineStock(r *orm.Registry) {
	p := orm.Extend[Picking](r, "stock.picking")
	p.Compute("sale_id", func(_ *orm.Env, ps []*Picking) error {
		for _, p := range ps {
			if of := p.ReturnID.Rec(); of != nil && !p.SaleID.IsSet() {
				p.SaleID = of.SaleID
			}
		}
		return nil
	}, "return_id.sale_id")
	m := orm.Extend[Move](r, "stock.move")
	m.Compute("description_picking", func(_ *orm.Env, ms []*Move) error {
		for _, m := range ms {
			switch l := m.SaleLineID.Rec(); {
			case m.OwnDescription != "":
				m.Description.Set(m.OwnDescription)
			case l != nil:
				m.Description.Set(l.Name)
			case m.ProductID.IsSet():
				m.Description.Set(m.ProductID.Rec().DisplayName.Get())
			default:
				m.Description.Set("")
			}
		}
		return nil
	}, "description_picking_manual", "product_id.display_name", "sale_line_id.name")
}
