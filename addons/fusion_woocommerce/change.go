package woocommerce

import (
	"fmt"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// again takes over a change of an order that is imported.
func (t *taking) again() error {
	o := &t.o
	switch o.Class {
	case ordermap.Cancelled, ordermap.Ignore:
		return t.withdraw(o.Why)
	case ordermap.Wait:
		if t.rec.Status != o.Status {
			t.attend(fmt.Sprintf("The store changed the order's status from %s to %s; the sale order stands.", t.rec.Status, o.Status))
		}
		return nil
	case ordermap.Refunded:
		if t.o.Totals.Refunded.Equal(t.rec.Refunded) && t.rec.Status != o.Status {
			t.attend("The order is refunded in full in the store; the sale order stands. Make the credit note by hand.")
		}
		t.log.Message = "Taken over: the store's status is " + o.Status + "."
		return nil
	}
	if t.rec.Digest == o.Digest() {
		t.log.Message = "Taken over: the store's status is " + o.Status + "."
		return nil
	}
	if o.State == ordermap.Mismatch {
		t.attend("The order was changed in the store, but the change cannot be taken over: " + strings.Join(o.Notes, " "))
		return nil
	}
	sold, err := orm.Get[sale.Order](t.env, t.rec.SaleID.ID, "order_line", "invoice_ids")
	if err != nil {
		return err
	}
	what, err := t.difference()
	if err != nil {
		return err
	}
	why, err := t.fixed(sold)
	if err != nil {
		return err
	}
	if why != "" {
		t.attend("The order was changed in the store, but " + why + ", so the change was not taken over: " + what)
		return nil
	}
	if _, err = t.attempt(t.amend); err != nil {
		reason, ok := reasonOf(err)
		if !ok {
			return err
		}
		t.attend("The order was changed in the store (" + what + "), but the change cannot be taken over: " + reason)
		return nil
	}
	t.vals["digest"] = o.Digest()
	t.log.Message = "The change in the store is taken over: " + what
	return nil
}

// fixed tells why an order can no longer be changed, "" when it can.
func (t *taking) fixed(order *sale.Order) (string, error) {
	if order.State == "cancel" {
		return "the sale order was cancelled here", nil
	}
	if order.Locked {
		return "the sale order is locked", nil
	}
	if !order.AmountTotal.Equal(t.rec.Total) {
		return "the sale order was changed here too", nil
	}
	for _, m := range order.InvoiceIDs.All() {
		if m.State == "posted" {
			return "its invoice " + m.Name + " is posted", nil
		}
	}
	for _, l := range order.Lines.All() {
		if !l.QtyDelivered.IsZero() {
			return "something of it is delivered", nil
		}
	}
	done, err := t.env.Model("stock.move").SearchCount(orm.And(orm.Leaf("sale_line_id.order_id", "=", order.ID), orm.Leaf("state", "=", "done")), 1)
	if err != nil || done == 0 {
		return "", err
	}
	return "something of it is delivered", nil
}

// withdraw cancels the documents of an order that is cancelled or deleted in
// the store, unless they went too far: then a person decides.
func (t *taking) withdraw(why string) error {
	order, err := orm.Get[sale.Order](t.env, t.rec.SaleID.ID, "order_line", "invoice_ids")
	if err != nil {
		return err
	}
	if order.State == "cancel" {
		t.end("cancelled", why, "success", why)
		return nil
	}
	fixed, err := t.fixed(order)
	if err != nil {
		return err
	}
	if fixed != "" {
		t.attend(why + " But " + fixed + ", so the sale order stands.")
		return nil
	}
	_, err = t.attempt(func() (string, error) {
		_, err := orm.Invoke(t.env, sale.ActionCancel, []*sale.Order{order})
		return "", err
	})
	if err != nil {
		reason, ok := reasonOf(err)
		if !ok {
			return err
		}
		t.attend(why + " The sale order cannot be cancelled: " + reason)
		return nil
	}
	t.end("cancelled", why, "success", why+" "+order.Name+" is cancelled too.")
	return nil
}

// amend brings the documents of an order to the store's present state: the
// order becomes a quotation, its lines are changed one by one, and it is
// confirmed and invoiced anew.
func (t *taking) amend() (string, error) {
	head, lines, err := t.prepare()
	if err != nil {
		return "", err
	}
	order, err := orm.Get[sale.Order](t.env, t.rec.SaleID.ID, "invoice_ids")
	if err != nil {
		return "", err
	}
	if err := dropDrafts(t.env, order); err != nil {
		return "", err
	}
	if _, err := orm.Invoke(t.env, sale.ActionCancel, []*sale.Order{order}); err != nil {
		return "", err
	}
	if order, err = t.rewrite(head, lines); err != nil {
		return "", err
	}
	return t.finish(order)
}

// rewrite makes a cancelled order a quotation with new values. Lines of the
// store keep their line here; those it no longer has are removed.
func (t *taking) rewrite(head orm.Values, lines []orm.Values) (*sale.Order, error) {
	order, err := orm.Get[sale.Order](t.env, t.rec.SaleID.ID, "order_line")
	if err != nil {
		return nil, err
	}
	t.had, t.bound = map[int64]bool{}, map[string]int64{}
	for _, l := range order.Lines.All() {
		t.had[l.ID] = true
	}
	if _, err := orm.Invoke(t.env, sale.ActionDraft, []*sale.Order{order}); err != nil {
		return nil, err
	}
	old, err := orm.Search[Bind](t.env, orm.Leaf("order_id", "=", t.rec.ID), orm.SearchOptions{})
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
		key := keyOf(t.o.Lines[i].Key, string(t.o.Lines[i].Kind))
		id, ok := gone[key]
		if !ok {
			cmds = append(cmds, orm.CreateLine(l))
			continue
		}
		delete(gone, key)
		t.bound[t.o.Lines[i].Key] = id
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
	if err := orm.RecordsOf(t.env, order).Write(head); err != nil {
		return nil, err
	}
	return order, orm.Reload(t.env, []*sale.Order{order})
}

// dropDrafts deletes the draft invoices of an order, of which new ones are made.
func dropDrafts(env *orm.Env, order *sale.Order) error {
	var ids []int64
	for _, m := range order.InvoiceIDs.All() {
		if m.State == "draft" {
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
func (t *taking) difference() (string, error) {
	old, err := orm.Search[Bind](t.env, orm.Leaf("order_id", "=", t.rec.ID), orm.SearchOptions{})
	if err != nil {
		return "", err
	}
	byKey := map[string]*Bind{}
	for _, b := range old {
		byKey[b.Key] = b
	}
	var parts []string
	for _, l := range t.o.Lines {
		if l.Kind == ordermap.Note {
			continue
		}
		b := byKey[l.Key]
		delete(byKey, l.Key)
		if b == nil {
			parts = append(parts, fmt.Sprintf("added %s × “%s” for %s", l.Quantity, l.Name, t.money(l.Total)))
			continue
		}
		if !b.Quantity.Equal(l.Quantity) {
			parts = append(parts, fmt.Sprintf("quantity of “%s” %s → %s", l.Name, b.Quantity, l.Quantity))
		}
		if !b.Total.Equal(l.Total) {
			parts = append(parts, fmt.Sprintf("“%s” %s → %s", l.Name, t.money(b.Total), t.money(l.Total)))
		}
	}
	for _, b := range old {
		if byKey[b.Key] != nil && b.Kind != string(ordermap.Note) {
			parts = append(parts, fmt.Sprintf("removed “%s” of %s", b.Name, t.money(b.Total)))
		}
	}
	changed := func(what string, before, now decimal.Decimal) {
		if !before.Equal(now) {
			parts = append(parts, fmt.Sprintf("%s %s → %s", what, t.money(before), t.money(now)))
		}
	}
	changed("tax", t.rec.TotalTax, t.o.Totals.Tax)
	changed("total", t.rec.Total, t.o.Totals.Total)
	if t.rec.CustomerNote != t.o.Remark {
		parts = append(parts, "another customer's note")
	}
	if len(parts) == 0 {
		parts = append(parts, "the customer or the addresses")
	}
	return strings.Join(parts, "; ") + ".", nil
}
