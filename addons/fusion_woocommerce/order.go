package woocommerce

import (
	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// Order is one order of a store: what the store says of it, what became of it
// here, and why.
type Order struct {
	orm.Record    `orm:"woo.order" label:"WooCommerce Order" order:"date_created desc, woo_id desc" rec:"number" search:"number,billing_email"`
	InstanceID    orm.Ref[Instance]      `orm:"instance_id,required,ondelete=cascade" label:"Instance"`
	CompanyID     orm.Ref[base.Company]  `orm:"company_id,required" label:"Company"`
	RemoteID      int64                  `orm:"woo_id,required" label:"Store Order ID"`
	Number        string                 `orm:"number,index" label:"Number"`
	Status        string                 `orm:"woo_status,index" label:"Store Status"`
	CreatedVia    string                 `orm:"created_via" label:"Placed Through"`
	DateCreated   orm.Datetime           `orm:"date_created" label:"Placed On"`
	DateModified  orm.Datetime           `orm:"date_modified" label:"Changed On"`
	DatePaid      orm.Datetime           `orm:"date_paid" label:"Paid On"`
	DateCompleted orm.Datetime           `orm:"date_completed" label:"Completed On"`
	CurrencyCode  string                 `orm:"currency" label:"Currency Code"`
	CurrencyID    orm.Ref[base.Currency] `orm:"currency_id" label:"Currency"`
	Total         decimal.Decimal        `orm:"total,monetary" label:"Total"`
	TotalTax      decimal.Decimal        `orm:"total_tax,monetary" label:"Tax"`
	Shipping      decimal.Decimal        `orm:"shipping_total,monetary" label:"Shipping"`
	Discount      decimal.Decimal        `orm:"discount_total,monetary" label:"Discount"`
	Refunded      decimal.Decimal        `orm:"refunded_total,monetary" label:"Refunded"`
	PaymentMethod string                 `orm:"payment_method" label:"Payment Method"`
	PaymentTitle  string                 `orm:"payment_method_title" label:"Payment"`
	TransactionID string                 `orm:"transaction_id" label:"Transaction"`
	Vouchers      decimal.Decimal        `orm:"voucher_total,monetary" label:"Paid by Gift Cards" help:"What gift cards and store credit paid of the total."`
	VoucherCodes  string                 `orm:"voucher_codes" label:"Gift Cards"`
	Payments      orm.Many[payment]      `orm:"payment_ids,inverse=woo_order_id" label:"Payments"`
	CustomerNote  string                 `orm:"customer_note,text" label:"Customer's Note"`
	Email         string                 `orm:"billing_email,index" label:"E-mail"`
	PartnerID     orm.Ref[base.Partner]  `orm:"partner_id,index" label:"Customer"`
	SaleID        orm.Ref[sale.Order]    `orm:"sale_order_id,index,ondelete=set_null" label:"Sale Order"`
	InvoiceID     orm.Ref[account.Move]  `orm:"invoice_id,ondelete=set_null" label:"Invoice"`
	InvoiceSynced bool                   `orm:"invoice_synced" label:"Invoice Sent to Store"`
	Shipments     orm.Many[Shipment]     `orm:"shipment_ids,inverse=order_id" label:"Shipments"`
	Refunds       orm.Many[Refund]       `orm:"refund_ids,inverse=order_id" label:"Refunds"`
	Lines         orm.Many[Bind]         `orm:"bind_ids,inverse=order_id" label:"Lines"`
	TakenTotal    decimal.Decimal        `orm:"taken_total,monetary,nocopy" label:"Total Taken Over" help:"What the documents came to when they were last brought in step with the store."`
	ChangeRefused bool                   `orm:"change_refused,index,nocopy" label:"A Change Waits" help:"The store says something else than what was taken over last."`
	PartsState    string                 `orm:"parts_state,nocopy" selection:"equal:Equal,rounded:Rounded,mismatch:Mismatch" label:"Totals and Their Parts" help:"Whether the store's totals are the sum of their own parts."`
	TotalsState   string                 `orm:"totals_state,store,readonly,index" selection:"equal:Equal,rounded:Rounded,mismatch:Mismatch" label:"Totals" help:"Compares the sale order with the totals of the store. An order without one is not compared."`
	TotalsNote    string                 `orm:"totals_note,text" label:"Explanation of Totals"`
	State         string                 `orm:"state,required,default=received,index" selection:"received:Waiting,held:Held,imported:Imported,cancelled:Cancelled,ignored:Ignored,error:Error" label:"Status"`
	HoldReason    string                 `orm:"hold_reason,text" label:"Why It Waits"`
	Attention     string                 `orm:"attention,text" label:"Needs Attention" help:"What changed in the store after the order was imported and was not taken over."`
	ParentID      int64                  `orm:"woo_parent_id,index" label:"Part of Store Order" help:"The order of a marketplace that this one is a vendor's share of."`
	RefundKey     string                 `orm:"refund_key,nocopy" label:"Refunds Last Read"`
	Digest        string                 `orm:"digest,nocopy" label:"Digest of What Was Imported"`
	SeenDigest    string                 `orm:"seen_digest,nocopy" label:"Digest of What Was Last Read"`
	StateClass    string                 `orm:"state_class,nocopy" label:"What Its Status Asks For"`
	ReadStamp     int64                  `orm:"read_stamp,nocopy" label:"Last Read" help:"When the order was last read, in microseconds."`
	LastMessageID int64                  `orm:"last_message_id" label:"Last Message Sent"`
	LastStatus    string                 `orm:"last_status_pushed" label:"Last Status Sent"`
	OpenLines     string                 `orm:"open_lines,nocopy,readonly" label:"Goods It Will Take" help:"What an order that is not imported yet takes from the stock of the store."`
	ImportedOn    orm.Datetime           `orm:"imported_on" label:"Imported On"`
}

// Bind ties a line of a store's order to a line of the sale order.
type Bind struct {
	orm.Record `orm:"woo.order.bind" label:"WooCommerce Order Line" order:"id"`
	OrderID    orm.Ref[Order]          `orm:"order_id,required,ondelete=cascade" label:"Order"`
	CompanyID  orm.Ref[base.Company]   `orm:"company_id,related=order_id.company_id,store" label:"Company"`
	Key        string                  `orm:"line_key" label:"Key" help:"Stays the same for a line from one reading of the order to the next."`
	LineID     int64                   `orm:"woo_line_id" label:"Store Line ID"`
	Kind       string                  `orm:"kind" selection:"product:Product,shipping:Shipping,fee:Fee,rounding:Rounding,note:Note" label:"Kind"`
	ProductID  int64                   `orm:"woo_product_id" label:"Store Product ID" help:"Kept when the store deletes the product, whose id the line then loses."`
	VariantID  int64                   `orm:"woo_variation_id" label:"Store Variation ID"`
	Name       string                  `orm:"name" label:"Description"`
	Quantity   decimal.Decimal         `orm:"quantity" label:"Quantity"`
	Total      decimal.Decimal         `orm:"total" label:"Total"`
	SaleLineID orm.Ref[sale.OrderLine] `orm:"sale_line_id,ondelete=set_null" label:"Sale Order Line"`
}

// The buttons of an order.
var (
	ImportAgain = orm.Method[Order]{Name: "action_import"}
	OpenSale    = orm.Method[Order]{Name: "action_view_sale"}
	OpenInvoice = orm.Method[Order]{Name: "action_view_invoice"}
	Resolved    = orm.Method[Order]{Name: "action_resolve"}
)

func defineOrder(r *orm.Registry) {
	orm.Define[Bind](r)
	d := orm.Define[Order](r)
	d.Unique("instance_remote", "instance_id, woo_id", "This order of the store is recorded already.")
	d.Compute("totals_state", compareTotals, "total", "total_tax", "currency_id", "parts_state",
		"sale_order_id.state", "sale_order_id.amount_total", "sale_order_id.amount_tax", "sale_order_id.currency_id")
	orm.Implement(d, ImportAgain, func(env *orm.Env, recs []*Order, _ orm.Args) (any, error) {
		for _, o := range recs {
			if err := queueOrder(env, o.InstanceID.ID, o.RemoteID, "replay", 0, ""); err != nil {
				return nil, err
			}
		}
		return notify("success", "Import", "The store is asked for the current state of the order. Reload the page in a moment."), nil
	})
	orm.Implement(d, OpenSale, func(_ *orm.Env, recs []*Order, _ orm.Args) (any, error) {
		return openRecord("sale.order", "Sale Order", recs[0].SaleID.ID)
	})
	orm.Implement(d, OpenInvoice, func(_ *orm.Env, recs []*Order, _ orm.Args) (any, error) {
		return openRecord("account.move", "Invoice", recs[0].InvoiceID.ID)
	})
	orm.Implement(d, PushShipping, func(env *orm.Env, recs []*Order, _ orm.Args) (any, error) {
		if err := orm.Load(env, recs, "shipment_ids"); err != nil {
			return nil, err
		}
		for _, o := range recs {
			if len(o.Shipments.IDs()) == 0 {
				return nil, orm.UserErrorf("Nothing of order %s has been delivered yet.", o.Number)
			}
			if err := sendShipments(env, o.Shipments.IDs()); err != nil {
				return nil, err
			}
		}
		return true, nil
	})
	orm.Implement(d, PushCompleted, func(env *orm.Env, recs []*Order, _ orm.Args) (any, error) {
		if err := orm.Load(env, recs, "instance_id.status_map_ids"); err != nil {
			return nil, err
		}
		for _, o := range recs {
			inst := o.InstanceID.Rec()
			if err := pushStatus(env, inst, o, "completed", inst.completable()); err != nil {
				return nil, err
			}
		}
		return true, nil
	})
	orm.Implement(d, Resolved, func(env *orm.Env, recs []*Order, _ orm.Args) (any, error) {
		if err := mayResolve(env, recs); err != nil {
			return nil, err
		}
		return true, orm.RecordsOf(env.Sudo(), recs...).Write(orm.Values{"attention": nil})
	})
}

// compareTotals compares the sale order with the totals of the store. A cancelled one
// is none.
func compareTotals(_ *orm.Env, recs []*Order) error {
	for _, o := range recs {
		s := o.SaleID.Rec()
		switch {
		case s == nil || s.State == sale.OrderCancelled:
			o.TotalsState = ""
		case s.CurrencyID.ID != o.CurrencyID.ID || !s.AmountTotal.Equal(o.Total) || !s.AmountTax.Equal(o.TotalTax):
			o.TotalsState = TotalsMismatch
		case o.PartsState == TotalsRounded:
			o.TotalsState = TotalsRounded
		default:
			o.TotalsState = TotalsEqual
		}
	}
	return nil
}

// mayResolve lets those say that an order needs no attention any more who may
// change it, and those who may change what became of it here: what is resolved is
// resolved there.
func mayResolve(env *orm.Env, recs []*Order) error {
	rs := orm.RecordsOf(env, recs...)
	err := rs.CheckAccess(orm.OpWrite)
	if !orm.IsCode(err, orm.CodeAccess) {
		return err
	}
	var sales []int64
	for _, o := range recs {
		if !o.SaleID.IsSet() {
			return err
		}
		sales = append(sales, o.SaleID.ID)
	}
	return env.Model("sale.order").Browse(sales...).CheckAccess(orm.OpWrite)
}

func openRecord(model, name string, id int64) (any, error) {
	if id == 0 {
		return nil, orm.UserErrorf("There is no %s yet.", name)
	}
	return map[string]any{"type": "ir.actions.act_window", "name": name, "res_model": model, "res_id": id, "view_mode": "form"}, nil
}

// TaxMap says which tax of the ERP a rate of the store is.
type TaxMap struct {
	orm.Record `orm:"woo.tax.map" label:"WooCommerce Tax" order:"country, state, woo_priority, id" rec:"name" search:"name"`
	InstanceID orm.Ref[Instance]     `orm:"instance_id,required,ondelete=cascade" label:"Instance"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,required" label:"Company"`
	RateID     int64                 `orm:"woo_rate_id,required" label:"Store Rate ID"`
	Name       string                `orm:"name" label:"Store Name"`
	Class      string                `orm:"woo_tax_class" label:"Tax Class"`
	Country    string                `orm:"country" label:"Country"`
	State      string                `orm:"state" label:"State"`
	Rate       decimal.Decimal       `orm:"rate,digits=4" label:"Rate (%)"`
	Compound   bool                  `orm:"compound" label:"Compound"`
	Shipping   bool                  `orm:"on_shipping" label:"On Shipping"`
	Priority   int                   `orm:"woo_priority" label:"Priority"`
	TaxID      orm.Ref[account.Tax]  `orm:"tax_id,ondelete=restrict" label:"Tax"`
}

func defineTaxMap(r *orm.Registry) {
	d := orm.Define[TaxMap](r)
	d.Unique("instance_rate", "instance_id, woo_rate_id, rate", "This rate of the store is listed already.")
}

// Event is a webhook as it came in: a hint that something changed. It is kept
// with what became of it.
type Event struct {
	orm.Record `orm:"woo.event" label:"WooCommerce Webhook" order:"id desc" rec:"topic"`
	InstanceID orm.Ref[Instance]     `orm:"instance_id,required,ondelete=cascade" label:"Instance"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,required" label:"Company"`
	Topic      string                `orm:"topic,index" label:"Topic"`
	Resource   string                `orm:"resource,index" label:"Resource"`
	RemoteID   int64                 `orm:"woo_id,index" label:"Store ID"`
	Body       string                `orm:"body,text" label:"Body" groups:"fusion_woocommerce.group_woo_manager"`
	Digest     string                `orm:"digest" label:"Digest"`
	WebhookID  string                `orm:"webhook" label:"Webhook"`
	DeliveryID string                `orm:"delivery" label:"Delivery"`
	State      string                `orm:"state,required,default=received,index" selection:"received:Received,done:Done,skipped:Skipped,failed:Failed" label:"Status"`
	Note       string                `orm:"note,text" label:"Note"`
	Received   orm.Datetime          `orm:"create_date"`
}

func defineEvent(r *orm.Registry) { orm.Define[Event](r) }

// saleOrder is what the addon adds to sale orders.
type saleOrder struct {
	sale.Order
	WooOrders  orm.Many[Order] `orm:"woo_order_ids,inverse=sale_order_id" label:"WooCommerce Order" groups:"fusion_woocommerce.group_woo_user"`
	WooNumber  string          `orm:"woo_number,nocopy,readonly" label:"Store Order" groups:"fusion_woocommerce.group_woo_user"`
	WooPayment string          `orm:"woo_payment,nocopy,readonly" label:"Store Payment" groups:"fusion_woocommerce.group_woo_user"`
}

func defineExtensions(r *orm.Registry) {
	orm.Extend[saleOrder](r, "sale.order")
	definePartner(r)
}
