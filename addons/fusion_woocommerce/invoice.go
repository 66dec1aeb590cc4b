package woocommerce

import "fusionsoft.ca/fusion/addons/sale"

// invoice makes the draft invoice of an order, if the instance wants one, and
// refuses it when it does not equal the store. An order with products that are
// invoiced on delivery gets its invoice then, by the usual way.
func (imp *orderImport) invoice(order *sale.Order) error {
	imp.vals["invoice_id"] = nil
	if imp.inst.AutoInvoice != InvoiceDraft {
		return nil
	}
	goods := 0
	for _, l := range order.Lines.All() {
		switch {
		case l.DisplayType != "":
		case !l.QtyToInvoice.Equal(l.Quantity):
			return nil
		default:
			goods++
		}
	}
	if goods == 0 {
		return nil
	}
	made, err := sale.CreateInvoices(imp.env, []*sale.Order{order}, false)
	if err != nil {
		return err
	}
	if len(made) != 1 {
		return holdf("The ERP would make %d invoices of the order, not one.", len(made))
	}
	m := made[0]
	imp.vals["invoice_id"] = m.ID
	return imp.compare("invoice", m.AmountUntaxed, m.AmountTax, m.AmountTotal, m.CurrencyID.ID)
}
