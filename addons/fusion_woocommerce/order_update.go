package woocommerce

import (
	"fmt"
	"fusionsoft.ca/fusion/addons/account"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// update takes over a change of an order that is imported.
func (imp *orderImport) update() error {
	o := &imp.o
	switch o.Class {
	case ordermap.Cancelled, ordermap.Ignore:
		return imp.cancel(o.Why)
	case ordermap.Wait:
		if imp.rec.Status != o.Status {
			imp.needAttention(fmt.Sprintf("The store changed the order's status from %s to %s; the sale order stands.", imp.rec.Status, o.Status))
		}
		return nil
	case ordermap.Refunded:
		if imp.o.Totals.Refunded.Equal(imp.rec.Refunded) && imp.rec.Status != o.Status {
			imp.needAttention("The order is refunded in full in the store; the sale order stands. Make the credit note by hand.")
		}
		imp.log.Message = "Taken over: the store's status is " + o.Status + "."
		return nil
	}
	if imp.rec.Digest == o.Digest() {
		imp.log.Message = "Taken over: the store's status is " + o.Status + "."
		return nil
	}
	if o.State == ordermap.Mismatch {
		imp.needAttention("The order was changed in the store, but the change cannot be taken over: " + strings.Join(o.Notes, " "))
		return nil
	}
	sold, err := orm.Get[sale.Order](imp.env, imp.rec.SaleID.ID, "order_line", "invoice_ids")
	if err != nil {
		return err
	}
	what, err := imp.difference()
	if err != nil {
		return err
	}
	why, err := imp.lockedReason(sold)
	if err != nil {
		return err
	}
	if why != "" {
		imp.needAttention("The order was changed in the store, but " + why + ", so the change was not taken over: " + what)
		return nil
	}
	if _, err = imp.attempt(imp.updateDocuments); err != nil {
		reason, ok := reasonOf(err)
		if !ok {
			return err
		}
		imp.needAttention("The order was changed in the store (" + what + "), but the change cannot be taken over: " + reason)
		return nil
	}
	imp.vals["digest"] = o.Digest()
	imp.log.Message = "The change in the store is taken over: " + what
	return nil
}

// lockedReason tells why an order can no longer be changed, "" when it can.
func (imp *orderImport) lockedReason(order *sale.Order) (string, error) {
	if order.State == sale.OrderCancelled {
		return "the sale order was cancelled here", nil
	}
	if order.Locked {
		return "the sale order is locked", nil
	}
	if !order.AmountTotal.Equal(imp.rec.Total) {
		return "the sale order was changed here too", nil
	}
	for _, m := range order.InvoiceIDs.All() {
		if m.State == account.MovePosted {
			return "its invoice " + m.Name + " is posted", nil
		}
	}
	for _, l := range order.Lines.All() {
		if !l.QtyDelivered.IsZero() {
			return "something of it is delivered", nil
		}
	}
	done, err := imp.env.Model("stock.move").SearchCount(orm.And(orm.Leaf("sale_line_id.order_id", "=", order.ID), orm.Leaf("state", "=", "done")), 1)
	if err != nil || done == 0 {
		return "", err
	}
	return "something of it is delivered", nil
}

// cancel cancels the documents of an order that is cancelled or deleted in
// the store, unless they went too far: then a person decides.
func (imp *orderImport) cancel(why string) error {
	order, err := orm.Get[sale.Order](imp.env, imp.rec.SaleID.ID, "order_line", "invoice_ids")
	if err != nil {
		return err
	}
	if order.State == sale.OrderCancelled {
		imp.setOutcome(OrderCancelled, why, "success", why)
		return nil
	}
	fixed, err := imp.lockedReason(order)
	if err != nil {
		return err
	}
	if fixed != "" {
		imp.needAttention(why + " But " + fixed + ", so the sale order stands.")
		return nil
	}
	_, err = imp.attempt(func() (string, error) {
		_, err := orm.Invoke(imp.env, sale.ActionCancel, []*sale.Order{order})
		return "", err
	})
	if err != nil {
		reason, ok := reasonOf(err)
		if !ok {
			return err
		}
		imp.needAttention(why + " The sale order cannot be cancelled: " + reason)
		return nil
	}
	imp.setOutcome(OrderCancelled, why, "success", why+" "+order.Name+" is cancelled too.")
	return nil
}

// updateDocuments brings the documents of an order to the store's present state: the
// order becomes a quotation, its lines are changed one by one, and it is
// confirmed and invoiced anew.
func (imp *orderImport) updateDocuments() (string, error) {
	head, lines, err := imp.prepare()
	if err != nil {
		return "", err
	}
	order, err := orm.Get[sale.Order](imp.env, imp.rec.SaleID.ID, "invoice_ids")
	if err != nil {
		return "", err
	}
	if err := dropDrafts(imp.env, order); err != nil {
		return "", err
	}
	if _, err := orm.Invoke(imp.env, sale.ActionCancel, []*sale.Order{order}); err != nil {
		return "", err
	}
	if order, err = imp.rewriteOrder(head, lines); err != nil {
		return "", err
	}
	return imp.confirmAndInvoice(order)
}

// rewriteOrder makes a cancelled order a quotation with new values. Lines of the
// store keep their line here; those it no longer has are removed.
func (imp *orderImport) rewriteOrder(head orm.Values, lines []orm.Values) (*sale.Order, error) {
	order, err := orm.Get[sale.Order](imp.env, imp.rec.SaleID.ID, "order_line")
	if err != nil {
		return nil, err
	}
	imp.had, imp.bound = map[int64]bool{}, map[string]int64{}
	for _, l := range order.Lines.All() {
		imp.had[l.ID] = true
	}
	if _, err := orm.Invoke(imp.env, sale.ActionDraft, []*sale.Order{order}); err != nil {
		return nil, err
	}
	old, err := orm.Search[Bind](imp.env, orm.Leaf("order_id", "=", imp.rec.ID), orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	gone := map[string]int64{}
	for _, b := range old {
		if b.SaleLineID.IsSet() {
			gone[keyOf(b.Key, b.Kind)] = b.SaleLineID.ID
		}
	}
	var cmds []orm.Command
	for i, l := range lines {
		key := keyOf(imp.o.Lines[i].Key, string(imp.o.Lines[i].Kind))
		id, ok := gone[key]
		if !ok {
			cmds = append(cmds, orm.CreateLine(l))
			continue
		}
		delete(gone, key)
		imp.bound[imp.o.Lines[i].Key] = id
		delete(l, "display_type") // which cannot change
		cmds = append(cmds, orm.UpdateLine(id, l))
	}
	for _, id := range gone {
		cmds = append(cmds, orm.DeleteLine(id))
	}
	head["order_line"] = cmds
	if _, ok := head["note"]; !ok {
		head["note"] = nil
	}
	if err := orm.RecordsOf(imp.env, order).Write(head); err != nil {
		return nil, err
	}
	return order, orm.Reload(imp.env, []*sale.Order{order})
}

// dropDrafts deletes the draft invoices of an order, of which new ones are made.
func dropDrafts(env *orm.Env, order *sale.Order) error {
	var ids []int64
	for _, m := range order.InvoiceIDs.All() {
		if m.State == account.MoveDraft {
			ids = append(ids, m.ID)
		}
	}
	return env.Model("account.move").Browse(ids...).Unlink()
}

// keyOf tells a remark from a line with the same key that has a price: one
// cannot become the other.
func keyOf(key, kind string) string {
	if kind == string(ordermap.Note) {
		return "note:" + key
	}
	return key
}

// difference says in words what the store changed since the order was imported.
func (imp *orderImport) difference() (string, error) {
	old, err := orm.Search[Bind](imp.env, orm.Leaf("order_id", "=", imp.rec.ID), orm.SearchOptions{})
	if err != nil {
		return "", err
	}
	byKey := map[string]*Bind{}
	for _, b := range old {
		byKey[b.Key] = b
	}
	var parts []string
	for _, l := range imp.o.Lines {
		if l.Kind == ordermap.Note {
			continue
		}
		b := byKey[l.Key]
		delete(byKey, l.Key)
		if b == nil {
			parts = append(parts, fmt.Sprintf("added %s × “%s” for %s", l.Quantity, l.Name, imp.money(l.Total)))
			continue
		}
		if !b.Quantity.Equal(l.Quantity) {
			parts = append(parts, fmt.Sprintf("quantity of “%s” %s → %s", l.Name, b.Quantity, l.Quantity))
		}
		if !b.Total.Equal(l.Total) {
			parts = append(parts, fmt.Sprintf("“%s” %s → %s", l.Name, imp.money(b.Total), imp.money(l.Total)))
		}
	}
	for _, b := range old {
		if byKey[b.Key] != nil && b.Kind != string(ordermap.Note) {
			parts = append(parts, fmt.Sprintf("removed “%s” of %s", b.Name, imp.money(b.Total)))
		}
	}
	changed := func(what string, before, now decimal.Decimal) {
		if !before.Equal(now) {
			parts = append(parts, fmt.Sprintf("%s %s → %s", what, imp.money(before), imp.money(now)))
		}
	}
	changed("tax", imp.rec.TotalTax, imp.o.Totals.Tax)
	changed("total", imp.rec.Total, imp.o.Totals.Total)
	if imp.rec.CustomerNote != imp.o.Remark {
		parts = append(parts, "another customer's note")
	}
	if len(parts) == 0 {
		parts = append(parts, "the customer or the addresses")
	}
	return strings.Join(parts, "; ") + ".", nil
}
