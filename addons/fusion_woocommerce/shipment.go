package woocommerce

import (
	"crypto/rand"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// Shipment is a parcel of a store's order: a delivery that was carried out, with
// what is in it and where it can be followed.
type Shipment struct {
	orm.Record  `orm:"woo.shipment" label:"WooCommerce Shipment" order:"id desc" rec:"tracking_number" search:"tracking_number"`
	OrderID     orm.Ref[Order]         `orm:"order_id,required,readonly,index,ondelete=cascade" label:"Order"`
	InstanceID  orm.Ref[Instance]      `orm:"instance_id,related=order_id.instance_id,store" label:"Instance"`
	CompanyID   orm.Ref[base.Company]  `orm:"company_id,related=order_id.company_id,store" label:"Company"`
	PickingID   orm.Ref[stock.Picking] `orm:"picking_id,readonly,index,ondelete=set_null" label:"Transfer"`
	CarrierID   orm.Ref[Carrier]       `orm:"carrier_id,ondelete=restrict" label:"Carrier"`
	Tracking    string                 `orm:"tracking_number" label:"Tracking Number"`
	TrackingURL orm.Deferred[string]   `orm:"tracking_url" label:"Tracking Link"`
	ShippedOn   orm.Datetime           `orm:"shipped_date,readonly" label:"Shipped On"`
	IsBackorder bool                   `orm:"is_backorder,readonly" label:"Backorder" help:"Something of the order was sent before."`
	Lines       orm.Many[ShipmentLine] `orm:"line_ids,inverse=shipment_id" label:"Contents"`
	State       string                 `orm:"push_state,required,readonly,default=waiting" selection:"waiting:Waiting,sent:Told to the Store,failed:Failed,withdrawn:Withdrawn" label:"Status"`
	Channel     string                 `orm:"channel,readonly" selection:"fulfillment:Fulfillment,tracking:Tracking Extension,note:Note to the Customer" label:"Told As"`
	Key         string                 `orm:"push_key,readonly,nocopy" label:"Key" help:"By which the store's entry is found again."`
	RemoteKey   string                 `orm:"remote_key,readonly,nocopy" label:"Entry in the Store"`
	Told        string                 `orm:"told_tracking,readonly,nocopy" label:"Tracking Number Told" help:"The customer is written to when there is another one."`
}

// ShipmentLine is what of an order line is in a parcel.
type ShipmentLine struct {
	orm.Record `orm:"woo.shipment.line" label:"WooCommerce Shipment Line" order:"id" rec:"name"`
	ShipmentID orm.Ref[Shipment]     `orm:"shipment_id,required,ondelete=cascade" label:"Shipment"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,related=shipment_id.company_id,store" label:"Company"`
	LineID     int64                 `orm:"woo_line_id" label:"Store Line ID"`
	Name       string                `orm:"name" label:"Description"`
	Quantity   decimal.Decimal       `orm:"quantity" label:"Quantity"`
}

// picking is what the addon adds to transfers.
type picking struct {
	sale_stock.Picking
	WooCarrier  orm.Ref[Carrier]   `orm:"woo_carrier_id,nocopy" label:"Carrier" groups:"stock.group_stock_user,fusion_woocommerce.group_woo_user"`
	TrackingRef string             `orm:"carrier_tracking_ref,nocopy" label:"Tracking Number" groups:"stock.group_stock_user,fusion_woocommerce.group_woo_user"`
	FromStore   orm.Deferred[bool] `orm:"is_woo_delivery" label:"Of a Store's Order"`
	Shipments   orm.Many[Shipment] `orm:"woo_shipment_ids,inverse=picking_id" label:"WooCommerce Shipments" groups:"fusion_woocommerce.group_woo_user"`
	RefundID    orm.Ref[Refund]    `orm:"woo_refund_id,nocopy,readonly,index,ondelete=set_null" label:"WooCommerce Refund" groups:"fusion_woocommerce.group_woo_user"`
}

// The buttons of a shipment, and of an order about its shipments.
var (
	SendShipment     = orm.Method[Shipment]{Name: "action_push"}
	WithdrawShipment = orm.Method[Shipment]{Name: "action_withdraw", Groups: []string{"fusion_woocommerce.group_woo_manager"}}
	PushShipping     = orm.Method[Order]{Name: "action_push_shipping"}
	PushCompleted    = orm.Method[Order]{Name: "action_push_completed"}
)

func defineShipment(r *orm.Registry) {
	orm.Define[ShipmentLine](r)
	d := orm.Define[Shipment](r)
	d.Compute("tracking_url", func(_ *orm.Env, list []*Shipment) error {
		for _, s := range list {
			s.TrackingURL.Set(s.CarrierID.Rec().Link(s.Tracking))
		}
		return nil
	}, "carrier_id.tracking_url", "tracking_number")
	d.Default("push_key", func(*orm.Env) (any, error) { return rand.Text(), nil })
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, v orm.Values) error {
			if err := super(rs, v); err != nil || !v.Has("tracking_number") && !v.Has("carrier_id") {
				return err
			}
			return sendShipments(rs.Env, rs.IDs)
		}
	})
	orm.Implement(d, SendShipment, func(env *orm.Env, list []*Shipment, _ orm.Args) (any, error) {
		return true, sendShipments(env, orm.IDs(env, list))
	})
	orm.Implement(d, WithdrawShipment, func(env *orm.Env, list []*Shipment, _ orm.Args) (any, error) {
		if err := orm.RecordsOf(env, list...).Write(orm.Values{"push_state": ShipmentWithdrawn}); err != nil {
			return nil, err
		}
		return true, sendShipments(env, orm.IDs(env, list))
	})
	p := orm.Extend[picking](r, "stock.picking")
	p.Compute("is_woo_delivery", func(env *orm.Env, list []*picking) error {
		var sales []int64
		for _, p := range list {
			sales = append(sales, p.SaleID.ID)
		}
		known, err := storeOrdersOf(env.Sudo(), sales)
		for _, p := range list {
			p.FromStore.Set(known[p.SaleID.ID] != nil)
		}
		return err
	}, "sale_id")
	p.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, v orm.Values) error {
			if err := super(rs, v); err != nil || !v.Has("carrier_tracking_ref") && !v.Has("woo_carrier_id") {
				return err
			}
			return correctShipments(rs)
		}
	})
	orm.Override(r, stock.DonePickings, func(super orm.Action[stock.Picking]) orm.Action[stock.Picking] {
		return func(env *orm.Env, list []*stock.Picking, args orm.Args) (any, error) {
			answer, err := super(env, list, args)
			if err != nil || len(list) == 0 {
				return answer, err
			}
			return answer, shipped(env.Sudo(), orm.IDs(env, list))
		}
	})
}

// storeOrdersOf finds the orders of stores that sale orders came from.
func storeOrdersOf(env *orm.Env, sales []int64) (map[int64]*Order, error) {
	out := map[int64]*Order{}
	if len(sales) == 0 {
		return out, nil
	}
	list, err := orm.Search[Order](env, orm.Leaf("sale_order_id", "in", anyIDs(sales)), orm.SearchOptions{})
	for _, o := range list {
		out[o.SaleID.ID] = o
	}
	return out, err
}

// shipped records deliveries to customers of stores as shipments, and what is to
// be told to the stores.
func shipped(env *orm.Env, ids []int64) error {
	list, err := orm.Read[picking](env, ids, "move_ids.location_dest_id", "backorder_id", "woo_shipment_ids")
	if err != nil {
		return err
	}
	var sales []int64
	for _, p := range list {
		sales = append(sales, p.SaleID.ID)
	}
	orders, err := storeOrdersOf(env, sales)
	if err != nil || len(orders) == 0 {
		return err
	}
	var made []int64
	touched := map[int64]*Order{}
	for _, p := range list {
		o := orders[p.SaleID.ID]
		if o == nil || len(p.Shipments.IDs()) > 0 {
			continue
		}
		lines, err := contents(env, o, p)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			continue
		}
		rs, err := env.Model("woo.shipment").Create(orm.Values{"order_id": o.ID, "picking_id": p.ID, "carrier_id": p.WooCarrier, "tracking_number": p.TrackingRef,
			"shipped_date": orm.DatetimeOf(env.Now()), "is_backorder": p.BackorderID.IsSet(), "line_ids": lines})
		if err != nil {
			return err
		}
		made = append(made, rs.ID())
		touched[o.SaleID.ID] = o
	}
	if err := sendShipments(env, made); err != nil {
		return err
	}
	for _, o := range touched {
		if err := completeIfDelivered(env, o); err != nil {
			return err
		}
		inst, err := orm.Get[Instance](env, o.InstanceID.ID)
		if err != nil {
			return err
		}
		if err := settleOrder(importEnv(env, inst), inst, o.ID, false); err != nil {
			return err
		}
	}
	return nil
}

// contents are the lines of a shipment: what of each order line left for the
// customer.
func contents(env *orm.Env, o *Order, p *picking) ([]orm.Command, error) {
	moves, err := orm.Search[sale_stock.Move](env, orm.And(orm.Leaf("picking_id", "=", p.ID), orm.Leaf("state", "=", stock.MoveDone), orm.Leaf("location_dest_id.usage", "=", stock.UsageCustomer),
		orm.Leaf("sale_line_id", "!=", false)), orm.SearchOptions{Order: "id"}, "product_id.display_name")
	if err != nil || len(moves) == 0 {
		return nil, err
	}
	binds, err := orm.Search[Bind](env, orm.Leaf("order_id", "=", o.ID), orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	bySale := map[int64]*Bind{}
	for _, b := range binds {
		bySale[b.SaleLineID.ID] = b
	}
	var out []orm.Command
	for _, m := range moves {
		vals := orm.Values{"quantity": m.Quantity, "name": m.ProductID.Rec().DisplayName.Get()}
		if b := bySale[m.SaleLineID.ID]; b != nil {
			vals["woo_line_id"], vals["name"] = b.LineID, b.Name
		}
		out = append(out, orm.CreateLine(vals))
	}
	return out, nil
}

// correctShipments carries a tracking number or carrier that was changed on
// transfers to their shipments.
func correctShipments(rs orm.Records) error {
	env := rs.Env.Sudo()
	list, err := orm.Read[picking](env, rs.IDs, "woo_shipment_ids")
	if err != nil {
		return err
	}
	for _, p := range list {
		for _, s := range p.Shipments.All() {
			if s.Tracking == p.TrackingRef && s.CarrierID.ID == p.WooCarrier.ID {
				continue
			}
			if err := orm.RecordsOf(env, s).Write(orm.Values{"tracking_number": p.TrackingRef, "carrier_id": p.WooCarrier}); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendShipments asks for shipments to be told to their stores as they are now.
func sendShipments(env *orm.Env, ids []int64) error {
	env = env.Sudo()
	list, err := orm.Read[Shipment](env, ids, "line_ids", "carrier_id", "order_id.instance_id", "tracking_url")
	if err != nil {
		return err
	}
	for _, s := range list {
		o := s.OrderID.Rec()
		v := shipmentChange{Shipment: s.ID, Order: o.RemoteID, Key: s.Key, Remote: s.RemoteKey, Channel: s.Channel, Tracking: s.Tracking, Link: s.TrackingURL.Get(), Told: s.Told,
			Shipped: s.ShippedOn.Time(), Withdraw: s.State == ShipmentWithdrawn}
		if c := s.CarrierID.Rec(); c != nil {
			v.Carrier, v.CarrierName = c.Code, c.Name
		}
		for _, l := range s.Lines.All() {
			v.Items = append(v.Items, shipmentItem{l.LineID, l.Name, l.Quantity})
		}
		name := "Shipment of order " + o.Number
		if v.Withdraw {
			name = "Withdrawal of a shipment of order " + o.Number
		} else {
			if err := orm.RecordsOf(env, s).Write(orm.Values{"push_state": ShipmentWaiting}); err != nil {
				return err
			}
		}
		if err := put(env, o.InstanceID.Rec(), change{Kind: KindShipment, Target: "order:" + itoa(o.RemoteID), Part: itoa(s.ID), Name: name, Values: v, Record: orm.RecordsOf(env, s)}); err != nil {
			return err
		}
	}
	return nil
}

// completeIfDelivered asks for an order to be completed in the store once nothing
// of it remains to be delivered.
func completeIfDelivered(env *orm.Env, o *Order) error {
	sold, err := orm.Get[sale_stock.Order](env, o.SaleID.ID)
	if err != nil || sold.DeliveryStatus != sale_stock.DeliveryFull {
		return err
	}
	inst, err := orm.Get[Instance](env, o.InstanceID.ID, "status_map_ids")
	if err != nil || !inst.PushCompleted {
		return err
	}
	return pushStatus(env, inst, o, "completed", inst.completable())
}
