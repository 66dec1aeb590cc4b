package woocommerce

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/account"
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
			imp.needAttention(fmt.Sprintf(statusChanged+" from %s to %s; the sale order stands.", imp.rec.Status, o.Status))
		}
		return nil
	case ordermap.Refunded:
		return imp.refundedInFull()
	}
	sold, err := orm.Get[sale.Order](imp.env, imp.rec.SaleID.ID, "order_line", "invoice_ids")
	if err != nil {
		return err
	}
	if o.Class == ordermap.Quotation && sold.State == sale.OrderSale && imp.rec.Status != o.Status && imp.rec.StateClass != string(o.Class) {
		imp.needAttention(fmt.Sprintf(statusChanged+" from %s to %s; the sale order stands.", imp.rec.Status, o.Status))
	}
	// A quotation of the store is confirmed with its status, one that a person made of
	// an order is that person's.
	confirm := o.Class.Confirmed() && (sold.State == sale.OrderDraft || sold.State == sale.OrderSent) && (imp.rec.StateClass == string(ordermap.Quotation) || imp.rec.ChangeRefused)
	same := imp.rec.Digest == o.Digest()
	if same && !confirm {
		imp.inStep()
		imp.log.Message = "Taken over: the store's status is " + o.Status + "."
		return nil
	}
	if o.State == ordermap.Mismatch {
		imp.refuse(", but the change cannot be taken over: " + strings.Join(o.Notes, " "))
		return nil
	}
	if imp.rec.Digest == "" && sold.AmountTotal.Equal(o.Totals.Total) && sold.AmountTax.Equal(o.Totals.Tax) {
		// taken over by an earlier version, which made other digests
		imp.vals["digest"] = o.Digest()
		imp.log.State = ""
		return nil
	}
	what := "the quotation is to be confirmed, as its status is " + o.Status + "."
	if !same {
		if what, err = imp.difference(sold); err != nil {
			return err
		}
	}
	why, err := imp.lockedReason(sold)
	if err != nil {
		return err
	}
	if why != "" {
		imp.refuse(", but " + why + ", so the change was not taken over: " + what)
		return nil
	}
	if _, err = imp.attempt(imp.updateDocuments); err != nil {
		reason, ok := reasonOf(err)
		if !ok {
			return err
		}
		imp.refuse(" (" + what + "), but the change cannot be taken over: " + reason)
		return nil
	}
	imp.vals["digest"] = o.Digest()
	imp.inStep()
	imp.log.Message = "The change in the store is taken over: " + what
	if same {
		imp.log.Message = "Confirmed: the store's status is " + o.Status + "."
	}
	return nil
}

// refuse leaves a change to a person. What the store says is recorded, and so that it
// was not taken over: once its cause is mended, the order can be imported again.
func (imp *orderImport) refuse(why string) {
	imp.vals["change_refused"] = true
	imp.needAttention(changeRefused + why)
}

// inStep notes that the documents are what the store says.
func (imp *orderImport) inStep() {
	imp.vals["change_refused"] = false
	imp.settled(changeRefused)
}

// lockedReason tells why an order can no longer be changed, "" when it can.
func (imp *orderImport) lockedReason(order *sale.Order) (string, error) {
	if order.State == sale.OrderCancelled {
		return "the sale order was cancelled here", nil
	}
	if order.Locked {
		return "the sale order is locked", nil
	}
	if !order.AmountTotal.Equal(imp.rec.TakenTotal) {
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
		imp.needAttention(cancelRefused + why + " But " + fixed + ".")
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
		imp.needAttention(cancelRefused + why + " It cannot be cancelled: " + reason)
		return nil
	}
	imp.inStep()
	imp.setOutcome(OrderCancelled, why, "success", why+" "+order.Name+" is cancelled too.")
	return nil
}

// updateDocuments brings the documents of an order to the store's present state: its
// lines are changed one by one, its delivery follows them, and it is invoiced anew.
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
	if order, err = imp.rewriteOrder(head, lines); err != nil {
		return "", err
	}
	return imp.confirmAndInvoice(order)
}

// rewriteOrder gives an order new values; a cancelled one becomes a quotation before.
// Lines of the store keep their line here, and those that are as they were are not
// touched. Those it no longer has are removed, or set to 0 where a confirmed order
// has to keep them.
func (imp *orderImport) rewriteOrder(head orm.Values, lines []orm.Values) (*sale.Order, error) {
	order, err := orm.Get[sale.Order](imp.env, imp.rec.SaleID.ID, "order_line.tax_ids")
	if err != nil {
		return nil, err
	}
	imp.had, imp.bound = map[int64]bool{}, map[string]int64{}
	there := map[int64]*sale.OrderLine{}
	for _, l := range order.Lines.All() {
		imp.had[l.ID], there[l.ID] = true, l
	}
	confirmed := order.State == sale.OrderSale
	if order.State == sale.OrderCancelled {
		if _, err := orm.Invoke(imp.env, sale.ActionDraft, []*sale.Order{order}); err != nil {
			return nil, err
		}
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
		old := there[gone[key]]
		if old == nil || confirmed && old.ProductID.ID != l.ID("product_id") {
			cmds = append(cmds, orm.CreateLine(l)) // a transfer keeps its product
			continue
		}
		delete(gone, key)
		imp.bound[imp.o.Lines[i].Key] = old.ID
		if sameLine(old, l) {
			continue
		}
		delete(l, "display_type") // which cannot change
		cmds = append(cmds, orm.UpdateLine(old.ID, l))
	}
	for _, id := range slices.Sorted(maps.Values(gone)) {
		if l := there[id]; confirmed && l != nil && l.DisplayType == "" {
			cmds = append(cmds, orm.UpdateLine(id, orm.Values{"product_uom_qty": decimal.Zero, "tax_override": nil}))
		} else if l != nil {
			cmds = append(cmds, orm.DeleteLine(id))
		}
	}
	head["order_line"] = cmds
	if _, ok := head["note"]; !ok {
		head["note"] = nil
	}
	if confirmed {
		keepHead(order, head)
	}
	if err := orm.RecordsOf(imp.env, order).Write(head); err != nil {
		return nil, err
	}
	return order, orm.Reload(imp.env, []*sale.Order{order})
}

// keepHead leaves out of the values of a confirmed order what it says already, and the
// warehouse it is delivered from, which cannot change any more.
func keepHead(order *sale.Order, head orm.Values) {
	delete(head, "warehouse_id")
	for field, id := range map[string]int64{"partner_id": order.PartnerID.ID, "partner_invoice_id": order.InvoiceAddressID.ID, "partner_shipping_id": order.ShippingID.ID,
		"pricelist_id": order.PricelistID.ID, "currency_id": order.CurrencyID.ID, "fiscal_position_id": order.FiscalPositionID.ID} {
		if head.Has(field) && head.ID(field) == id {
			delete(head, field)
		}
	}
}

// sameLine reports whether a line is as it is to be.
func sameLine(l *sale.OrderLine, vals orm.Values) bool {
	if l.Name != vals.Text("name") || l.Sequence != vals["sequence"] {
		return false
	}
	if l.DisplayType != "" {
		return true
	}
	taxes := l.TaxIDs.IDs()
	wanted := vals["tax_ids"].([]orm.Command)[0].IDs
	return l.ProductID.ID == vals.ID("product_id") && l.UoMID.ID == vals.ID("product_uom_id") && l.Quantity.Equal(vals.Decimal("product_uom_qty")) &&
		l.PriceUnit.Equal(vals.Decimal("price_unit")) && l.Discount.Equal(vals.Decimal("discount")) && len(taxes) == len(wanted) &&
		!slices.ContainsFunc(wanted, func(id int64) bool { return !slices.Contains(taxes, id) }) && sameOverride(l.TaxOverride, vals["tax_override"].(orm.JSON))
}

// sameOverride compares tax amounts by their meaning.
func sameOverride(have, want orm.JSON) bool {
	a, errA := account.ParseTaxOverride(have)
	b, errB := account.ParseTaxOverride(want)
	return errA == nil && errB == nil && maps.EqualFunc(a, b, decimal.Decimal.Equal)
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
func (imp *orderImport) difference(sold *sale.Order) (string, error) {
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
	changed("tax", sold.AmountTax, imp.o.Totals.Tax)
	changed("total", sold.AmountTotal, imp.o.Totals.Total)
	if imp.rec.CustomerNote != imp.o.Remark {
		parts = append(parts, "another customer's note")
	}
	if len(parts) == 0 {
		parts = append(parts, "the customer or the addresses")
	}
	return strings.Join(parts, "; ") + ".", nil
}
