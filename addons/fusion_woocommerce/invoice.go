package woocommerce

import (
	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"
)

// invoice makes the draft invoice of an order, if one is wanted, and refuses it when it
// does not equal the store. An order with products that are invoiced on delivery gets its
// invoice then.
func (imp *orderImport) invoice(order *sale.Order) error {
	imp.vals["invoice_id"] = nil
	if imp.inst.AutoInvoice == InvoiceNone && imp.o.Class != ordermap.Invoice {
		return nil
	}
	m, err := makeInvoice(imp.env, order)
	if err != nil || m == nil {
		return err
	}
	imp.vals["invoice_id"] = m.ID
	return imp.compare("invoice", m.AmountUntaxed, m.AmountTax, m.AmountTotal, m.CurrencyID.ID)
}

// makeInvoice makes the draft invoice of an order of which everything can be invoiced; of
// others it makes none.
func makeInvoice(env *orm.Env, order *sale.Order) (*account.Move, error) {
	goods := 0
	for _, l := range order.Lines.All() {
		switch {
		case l.DisplayType != "":
		case !l.QtyToInvoice.Equal(l.Quantity):
			return nil, nil
		default:
			goods++
		}
	}
	if goods == 0 {
		return nil, nil
	}
	made, err := sale.CreateInvoices(env, []*sale.Order{order}, false)
	if err != nil {
		return nil, err
	}
	if len(made) != 1 {
		return nil, holdf("The ERP would make %d invoices of the order, not one.", len(made))
	}
	return made[0], nil
}
