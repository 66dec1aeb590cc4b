package ordermap

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
)

// Family says how an order hangs together with another one of its store. It
// follows from the order alone.
type Family struct {
	Tie    Tie
	Parent int64 // the order it is tied to, 0 when Tie is Alone
	// Split is set where the order says of itself that others repeat its lines.
	// Not every marketplace says so: orders that name this one as their parent
	// are the proof.
	Split bool
}

// Tie is what an order is to the one it names as its parent.
type Tie string

// The ties.
const (
	Alone Tie = "" // it names none
	// Part is the share of one vendor of a marketplace: its lines are among
	// those of the parent, and both are paid with one payment.
	Part Tie = "part"
	// Balance asks for what a deposit on the parent left open.
	Balance Tie = "balance"
	// Successor is a sale of its own that another brought about, such as the
	// renewal of a subscription.
	Successor Tie = "successor"
)

// familyOf reads the ties of an order. WooCommerce itself never gives an order
// a parent, so whatever is not known to be something else is a part: of the
// ways to be wrong, this one books nothing twice.
func familyOf(o *wcapi.Order) Family {
	f := Family{Parent: int64(o.ParentID)}
	has := func(keys ...string) bool {
		return slices.ContainsFunc(o.MetaData, func(m wcapi.Meta) bool {
			return slices.Contains(keys, m.Key) && !slices.Contains([]string{"", "0", "no", "false"}, strings.ToLower(m.Text()))
		})
	}
	f.Split = has("has_sub_order", "_has_sub_order", "has_mvx_sub_order", "has_wcmp_sub_order", "_has_suborder", "_has_suborders")
	via := strings.ToLower(o.CreatedVia)
	switch {
	case f.Parent == 0 || f.Parent == int64(o.ID):
		f.Parent, f.Tie = 0, Alone
	case strings.Contains(via, "deposit"), has("_original_order_id", "_wc_deposits_payment_type", "_awcdp_deposits_payment_type"):
		f.Tie = Balance
	case strings.Contains(via, "subscription"), has("_subscription_renewal", "_subscription_switch", "_subscription_resubscribe"):
		f.Tie = Successor
	default:
		f.Tie = Part
	}
	return f
}

// Marketplace says which orders of a marketplace become documents: the whole
// that the customer paid, or the share of each vendor.
type Marketplace string

// The policies.
const (
	HoldParts      Marketplace = "hold" // parts are left to a person; also the zero value
	ImportParents  Marketplace = "parent"
	ImportChildren Marketplace = "children"
)

// Kin is what is known of the orders that an order is tied to.
type Kin struct {
	// Parts are the orders that name this one as their parent.
	Parts []int64
	// ParentBooked is set when the parent of this order has documents.
	ParentBooked bool
	// PartsBooked is set when one of Parts has documents.
	PartsBooked bool
}

// Decide says what is done with an order that is to be imported, in view of
// those it is tied to, and why: [Import] it, let it [Wait] (it is recorded and
// stays visible, its goods and money are in another order), or [Hold] it for a
// person. Whoever calls it in a transaction that books the order, after a lock
// on [Family.Root], books goods and money once, in whichever sequence parent
// and parts arrive.
func (p Marketplace) Decide(f Family, kin Kin) (Class, string) {
	whole := f.Split || len(kin.Parts) > 0
	switch {
	case f.Tie == Balance:
		return Hold, fmt.Sprintf("The order asks for the balance of a deposit on order %d. Its goods belong to that order; register the payment there.", f.Parent)
	case f.Tie == Part && p == ImportChildren && kin.ParentBooked:
		return Hold, fmt.Sprintf("The order is part of order %d, which is imported as a whole already. Cancel the sale order of that one, then import this one again.", f.Parent)
	case f.Tie == Part && p == ImportChildren:
		return Import, ""
	case f.Tie == Part && p == ImportParents:
		return Wait, fmt.Sprintf("The order is part of order %d, which is imported as a whole.", f.Parent)
	case f.Tie == Part:
		return Hold, fmt.Sprintf("The order is part of order %d, whose lines it repeats. Choose on the instance whether the whole orders of the marketplace are imported or the parts of its vendors.", f.Parent)
	case whole && p == ImportChildren:
		return Wait, "The order is split into parts for the vendors of the marketplace, which are imported in its place."
	case whole && kin.PartsBooked:
		return Hold, "Parts of the order are imported on their own already. Cancel their sale orders, then import this one again."
	}
	return Import, ""
}

// Root is the order under which all of a family are found: the parent, or the
// order itself where it has none.
func (f Family) Root(own int64) int64 {
	if f.Parent != 0 {
		return f.Parent
	}
	return own
}
