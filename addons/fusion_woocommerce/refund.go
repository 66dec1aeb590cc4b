package woocommerce

import (
	"crypto/rand"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// Refund is money given back on a store's order, with the credit note it is here.
//
//	of the store:  received ─▶ booked           the credit note is made
//	                   │ ▲ └──▶ settled          the order was cancelled as a whole instead
//	                   ▼ │
//	                  held                       a person must decide
//	of the ERP:    waiting ──▶ sent, or failed
//	of both:       ─▶ undone                     the store deleted it
type Refund struct {
	orm.Record `orm:"woo.refund" label:"WooCommerce Refund" order:"date desc, id desc" rec:"name" search:"name,reason"`
	OrderID    orm.Ref[Order]         `orm:"order_id,required,readonly,index,ondelete=cascade" label:"Order"`
	InstanceID orm.Ref[Instance]      `orm:"instance_id,related=order_id.instance_id,store" label:"Instance"`
	CompanyID  orm.Ref[base.Company]  `orm:"company_id,related=order_id.company_id,store" label:"Company"`
	CurrencyID orm.Ref[base.Currency] `orm:"currency_id,related=order_id.currency_id,store" label:"Currency"`
	RemoteID   int64                  `orm:"woo_id,readonly,nocopy" label:"Store Refund ID"`
	Name       string                 `orm:"name,required,readonly" label:"Refund"`
	Amount     decimal.Decimal        `orm:"amount,readonly,monetary" label:"Amount"`
	Tax        decimal.Decimal        `orm:"amount_tax,readonly,monetary" label:"Tax"`
	Reason     string                 `orm:"reason,text,readonly" label:"Reason"`
	Date       orm.Datetime           `orm:"date,readonly,index" label:"Date"`
	Origin     string                 `orm:"origin,required,readonly,default=store" selection:"store:Store,erp:ERP" label:"Made In"`
	ViaGateway bool                   `orm:"via_gateway,readonly" label:"Paid Back Through the Gateway"`
	Restock    bool                   `orm:"restock,readonly" label:"Goods Come Back"`
	NoteID     orm.Ref[account.Move]  `orm:"credit_note_id,readonly,nocopy,index,ondelete=set_null" label:"Credit Note"`
	ReversalID orm.Ref[account.Move]  `orm:"reversal_id,readonly,nocopy,ondelete=set_null" label:"Reversed By"`
	State      string                 `orm:"state,required,readonly,default=received,index" selection:"received:Waiting for the Invoice,held:Held,booked:Booked,settled:Order Cancelled Instead,waiting:To Be Sent,sent:Sent to the Store,failed:Refused by the Store,undone:Deleted in the Store" label:"Status"`
	HoldReason string                 `orm:"hold_reason,text,readonly" label:"Why"`
	Key        string                 `orm:"push_key,readonly,nocopy,index" label:"Key" help:"By which a refund that was made here is found in the store."`
	Lines      orm.Many[RefundLine]   `orm:"line_ids,inverse=refund_id" label:"Lines"`
}

// RefundLine is what a refund gives back of a line of the order.
type RefundLine struct {
	orm.Record `orm:"woo.refund.line" label:"WooCommerce Refund Line" order:"id" rec:"name"`
	RefundID   orm.Ref[Refund]        `orm:"refund_id,required,ondelete=cascade" label:"Refund"`
	CompanyID  orm.Ref[base.Company]  `orm:"company_id,related=refund_id.company_id,store" label:"Company"`
	CurrencyID orm.Ref[base.Currency] `orm:"currency_id,related=refund_id.currency_id,store" label:"Currency"`
	LineID     int64                  `orm:"woo_line_id" label:"Store Line ID"`
	Name       string                 `orm:"name" label:"Description"`
	Quantity   decimal.Decimal        `orm:"quantity" label:"Quantity"`
	Back       decimal.Decimal        `orm:"quantity_back" label:"Put Back on the Shelf"`
	Total      decimal.Decimal        `orm:"total,monetary" label:"Without Tax"`
	Tax        decimal.Decimal        `orm:"tax,monetary" label:"Tax"`
}

// The buttons of a refund.
var (
	BookRefund = orm.Method[Refund]{Name: "action_book"}
	OpenCredit = orm.Method[Refund]{Name: "action_view_credit_note"}
)

// keyCorrected is the context key under which an invoice is credited to be made anew:
// nothing is given back with that.
const keyCorrected = "woo_corrected"

func defineRefund(r *orm.Registry) {
	orm.Define[RefundLine](r)
	d := orm.Define[Refund](r)
	d.Unique("instance_remote", "instance_id, woo_id", "This refund of the store is recorded already.")
	d.Default("push_key", func(*orm.Env) (any, error) { return rand.Text(), nil })
	orm.Implement(d, BookRefund, func(env *orm.Env, list []*Refund, _ orm.Args) (any, error) {
		if err := orm.Load(env, list, "order_id"); err != nil {
			return nil, err
		}
		for _, f := range list {
			o := f.OrderID.Rec()
			if err := queueOrder(env, o.InstanceID.ID, o.RemoteID, "replay", 0, ""); err != nil {
				return nil, err
			}
		}
		return notify("success", "Refund", "The store is asked for the refund once more. Reload the page in a moment."), nil
	})
	orm.Implement(d, OpenCredit, func(_ *orm.Env, list []*Refund, _ orm.Args) (any, error) {
		return openRecord("account.move", "Credit Note", list[0].NoteID.ID)
	})
	orm.Override(r, account.ModifyMoves, func(super orm.Action[account.Reversal]) orm.Action[account.Reversal] {
		return func(env *orm.Env, list []*account.Reversal, args orm.Args) (any, error) {
			return super(env.WithContext(map[string]any{keyCorrected: true}), list, args)
		}
	})
	orm.Override(r, account.ButtonDraft, func(super orm.Action[account.Move]) orm.Action[account.Move] {
		return func(env *orm.Env, list []*account.Move, args orm.Args) (any, error) {
			answer, err := super(env, list, args)
			if err != nil || len(list) == 0 {
				return answer, err
			}
			return answer, creditsReset(env.Sudo(), orm.IDs(env, list))
		}
	})
	orm.Override(r, account.PostMoves, func(super orm.Action[account.Move]) orm.Action[account.Move] {
		return func(env *orm.Env, list []*account.Move, args orm.Args) (any, error) {
			answer, err := super(env, list, args)
			if err != nil {
				return answer, err
			}
			var invoices, notes []int64
			for _, m := range list {
				switch m.MoveType {
				case account.OutInvoice:
					invoices = append(invoices, m.ID)
				case account.OutRefund:
					notes = append(notes, m.ID)
				}
			}
			if !env.Flag(keyCorrected, false) {
				if err := creditsPosted(env.Sudo(), notes); err != nil {
					return nil, err
				}
			}
			return answer, invoicesPosted(env.Sudo(), invoices)
		}
	})
}

// ordersOfInvoices are the orders of stores that invoices were made of.
func ordersOfInvoices(env *orm.Env, ids []int64) ([]*Order, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return orm.Search[Order](env, orm.Or(orm.Leaf("invoice_id", "in", anyIDs(ids)), orm.Leaf("sale_order_id.invoice_ids", "in", anyIDs(ids))), orm.SearchOptions{Order: "id"})
}

// invoicesPosted registers what was paid of invoices that are posted now, posts the credit
// notes that wait for them, and has refunds booked that waited for an invoice to be made.
func invoicesPosted(env *orm.Env, ids []int64) error {
	orders, err := ordersOfInvoices(env, ids)
	if err != nil || len(orders) == 0 {
		return err
	}
	if err := settlePosted(env, orders); err != nil {
		return err
	}
	list, err := orm.Search[Refund](env, orm.And(orm.Leaf("order_id", "in", orm.IDs(env, orders)), orm.Leaf("state", "in", []any{RefundReceived, RefundBooked})), orm.SearchOptions{Order: "date, id"}, "credit_note_id", "order_id")
	if err != nil {
		return err
	}
	asked := map[int64]bool{}
	for _, f := range list {
		switch note := f.NoteID.Rec(); {
		case f.State == RefundReceived:
			if o := f.OrderID.Rec(); !asked[o.ID] {
				asked[o.ID] = true
				if err := queueOrder(env, o.InstanceID.ID, o.RemoteID, "mended", 0, ""); err != nil {
					return err
				}
			}
		case note != nil && note.State == account.MoveDraft:
			sold, err := orm.Get[sale.Order](env, f.OrderID.Rec().SaleID.ID, "invoice_ids")
			if err != nil {
				return err
			}
			if err := postCredit(env, f, note, invoiceOf(sold)); err != nil {
				return err
			}
		}
	}
	return nil
}

// invoiceOf is the invoice of a sale order that refunds are taken off: a posted one, if
// there is any. The invoices must be loaded.
func invoiceOf(sold *sale.Order) *account.Move {
	var found *account.Move
	for _, m := range sold.InvoiceIDs.All() {
		if m.MoveType != account.OutInvoice || m.State == account.MoveCancelled {
			continue
		}
		if found == nil || m.State == account.MovePosted && found.State != account.MovePosted {
			found = m
		}
	}
	return found
}

// postCredit posts a credit note whose invoice is posted, which settles as much of the
// invoice as is open. A credit note that cannot be posted stays a draft, with the reason.
func postCredit(env *orm.Env, f *Refund, note, invoice *account.Move) error {
	if invoice == nil || invoice.State != account.MovePosted {
		return nil
	}
	err := env.Savepoint(func(env *orm.Env) error {
		if note.ReversedEntryID.ID != invoice.ID {
			if err := orm.RecordsOf(env, note).Write(orm.Values{"reversed_entry_id": invoice.ID}); err != nil {
				return err
			}
		}
		return account.Post(env, note.ID)
	})
	why := any(nil)
	if reason, refused := reasonOf(err); refused {
		why, err = "The credit note is a draft still: "+reason, nil
	}
	if err != nil || why == nil && f.HoldReason == "" {
		return err
	}
	return orm.RecordsOf(env, f).Write(orm.Values{"hold_reason": why})
}
