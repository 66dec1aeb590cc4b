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
	Wait      Class = "wait"      // is not paid, or not known to be; nothing is done yet
	Cancelled Class = "cancelled" // must not be delivered
	Refunded  Class = "refunded"  // was given back in full
	Ignore    Class = "ignore"    // is no order, or not one any more
	Hold      Class = "hold"      // a person must decide; only Marketplace.Decide says so
)

// Policy is what a shop decided about statuses.
type Policy struct {
	// WaitOnHold leaves orders that wait for a transfer or a cheque alone.
	WaitOnHold bool
	// Further are statuses of extensions whose orders are imported.
	Further []string
}

// classify says what is done with an order, and why when it is not imported.
func (p Policy) classify(o *wcapi.Order) (Class, string) {
	status := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(o.Status)), "wc-")
	if slices.Contains(p.Further, status) {
		return Import, ""
	}
	switch status {
	case "processing", "completed":
		return Import, ""
	case "on-hold":
		if !p.WaitOnHold {
			return Import, ""
		}
		return Wait, "The order is on hold in the store. It is imported once it is paid."
	case "pending":
		return Wait, "The order is not paid yet. It is imported once it is."
	case "failed":
		return Wait, "The payment failed. The order is imported if the customer pays after all."
	case "cancelled":
		return Cancelled, "The order is cancelled in the store."
	case "refunded":
		return Refunded, "The order is refunded in full in the store: there is nothing to deliver."
	case "auto-draft", "draft", "new":
		return Ignore, "A draft that somebody began in the store's administration, not an order yet."
	case "checkout-draft":
		return Ignore, "A basket that was left at the checkout, not an order."
	case "trash":
		return Ignore, "The order is in the store's trash."
	case "":
		return Wait, "The store gives the order no status."
	}
	return Wait, fmt.Sprintf("The status “%s” is one of an extension of the store. Add it to the instance's further statuses if such orders are to be imported.", status)
}
