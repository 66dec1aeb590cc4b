package sale

import (
	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
)

// CancelWizard asks whether an order the customer has seen is to be cancelled.
type CancelWizard struct {
	orm.Record   `orm:"sale.order.cancel,transient" label:"Sales Order Cancel" rec:"order_id"`
	OrderID      orm.Ref[Order] `orm:"order_id,required,ondelete=cascade" label:"Sale Order"`
	InvoiceAlert bool           `orm:"display_invoice_alert" label:"Invoice Alert"`
}

// ConfirmCancel cancels the order of the wizard.
var ConfirmCancel = orm.Method[CancelWizard]{Name: "action_cancel"}

func defineCancel(r *orm.Registry) {
	d := orm.Define[CancelWizard](r)
	d.Compute("display_invoice_alert", func(env *orm.Env, ws []*CancelWizard) error {
		for _, w := range ws {
			drafts, err := draftInvoices(env, w.OrderID.ID)
			if err != nil {
				return err
			}
			w.InvoiceAlert = len(drafts) > 0
		}
		return nil
	}, "order_id")
	orm.Implement(d, ConfirmCancel, func(env *orm.Env, ws []*CancelWizard, _ orm.Args) (any, error) {
		var ids []int64
		for _, w := range ws {
			ids = append(ids, w.OrderID.ID)
		}
		os, err := orm.Read[Order](env, ids)
		if err != nil {
			return nil, err
		}
		return true, Cancel(env, os)
	})
}

// draftInvoices are the invoices of orders that are not posted.
func draftInvoices(env *orm.Env, orders ...int64) ([]*account.Move, error) {
	all, err := invoicesOf(env, orders)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, list := range all {
		ids = append(ids, list...)
	}
	return orm.Search[account.Move](env.Sudo(), orm.And(orm.Leaf("id", "in", distinct(ids)), orm.Leaf("state", "=", "draft")), orm.SearchOptions{})
}

// cancelNow cancels orders and the draft invoices made of them.
func cancelNow(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
	rs := orm.RecordsOf(env, os...)
	if err := rs.CheckAccess(orm.OpWrite); err != nil {
		return nil, err
	}
	drafts, err := draftInvoices(env, rs.IDs...)
	if err != nil {
		return nil, err
	}
	if _, err := orm.Invoke(env.Sudo(), account.ButtonCancel, drafts); err != nil {
		return nil, err
	}
	return true, rs.Write(orm.Values{"state": "cancel"})
}
