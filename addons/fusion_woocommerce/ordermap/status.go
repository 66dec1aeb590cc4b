package ordermap

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
)

// Class says what is done with an order of some status.
type Class string

// The classes.
const (
	Import    Class = "import"    // becomes a confirmed order
	Invoice   Class = "invoice"   // becomes a confirmed order with a posted invoice
	Quotation Class = "quotation" // becomes an order that a person confirms
	Wait      Class = "wait"      // is not paid, or not known to be; nothing is done yet
	Cancelled Class = "cancelled" // must not be delivered
	Refunded  Class = "refunded"  // was given back in full
	Ignore    Class = "ignore"    // is no order, or not one any more
	Hold      Class = "hold"      // a person must decide; only Marketplace.Decide says so
)

// Taken reports whether an order becomes a document here.
func (c Class) Taken() bool { return c.Confirmed() || c == Quotation }

// Confirmed reports whether an order becomes a confirmed one.
func (c Class) Confirmed() bool { return c == Import || c == Invoice }

// Action is what a shop wants done with the orders of a status.
type Action string

// The actions.
const (
	ActIgnore    Action = "ignore"
	ActWait      Action = "wait"
	ActQuotation Action = "quotation"
	ActConfirm   Action = "confirm"
	ActInvoice   Action = "invoice" // confirm and invoice
	ActCancel    Action = "cancel"
)

// Policy is what a shop decided about statuses; those it does not name have the action
// of [ActionOf].
type Policy map[string]Action

// Statuses are those every store has.
var Statuses = []string{"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft"}

// StatusOf is a status as it is compared.
func StatusOf(text string) string {
	return strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "wc-")
}

// ActionOf is what is done with the orders of a status as long as nobody decided.
func ActionOf(status string) Action {
	switch status {
	case "processing", "completed", "on-hold":
		return ActConfirm
	case "cancelled", "refunded":
		return ActCancel
	case "auto-draft", "draft", "new", "checkout-draft", "trash":
		return ActIgnore
	}
	return ActWait
}

// classify says what is done with an order, and why when it does not become one here.
func (p Policy) classify(o *wcapi.Order) (Class, string) {
	status := StatusOf(o.Status)
	action, decided := p[status]
	if !decided {
		action = ActionOf(status)
	}
	switch action {
	case ActConfirm:
		return Import, ""
	case ActInvoice:
		return Invoice, ""
	case ActQuotation:
		return Quotation, ""
	case ActCancel:
		switch status {
		case "refunded":
			return Refunded, "The order is refunded in full in the store: there is nothing to deliver."
		case "cancelled":
			return Cancelled, "The order is cancelled in the store."
		}
		return Cancelled, fmt.Sprintf("The order is “%s” in the store, and such orders are cancelled here.", status)
	case ActIgnore:
		switch status {
		case "auto-draft", "draft", "new":
			return Ignore, "A draft that somebody began in the store's administration, not an order yet."
		case "checkout-draft":
			return Ignore, "A basket that was left at the checkout, not an order."
		case "trash":
			return Ignore, "The order is in the store's trash."
		}
		return Ignore, fmt.Sprintf("Orders of the status “%s” are ignored here.", status)
	}
	switch status {
	case "on-hold":
		return Wait, "The order is on hold in the store. It is imported once it is paid."
	case "pending":
		return Wait, "The order is not paid yet. It is imported once it is."
	case "failed":
		return Wait, "The payment failed. The order is imported if the customer pays after all."
	case "":
		return Wait, "The store gives the order no status."
	}
	if slices.Contains(Statuses, status) {
		return Wait, fmt.Sprintf("Orders of the status “%s” wait here for another one.", status)
	}
	return Wait, fmt.Sprintf("The status “%s” is one of an extension of the store. Choose under Configuration, Order Statuses, what is done with such orders.", status)
}
