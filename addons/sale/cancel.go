package sale

import (
	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
)

// cancel cancels orders, unless they are locked.
func cancel(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
	for _, o := range os {
		if o.Locked {
			return nil, orm.UserErrorf("You cannot cancel a locked order. Please unlock it first.")
		}
	}
	return orm.Invoke(env, CancelOrder, os)
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
	return true, rs.Write(orm.Values{"state": OrderCancelled})
}
