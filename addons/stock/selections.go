package stock

// Values of Location.Usage.
const (
	UsageView      = "view"
	UsageInternal  = "internal"  // Internal Location
	UsageCustomer  = "customer"  // Customer Location
	UsageInventory = "inventory" // Inventory Loss
	UsageTransit   = "transit"   // Transit Location
)

// Values of Move.ProcureMethod.
const (
	ProcureMakeToOrder = "make_to_order" // Advanced: Apply Procurement Rules
)

// Values of Move.State.
const (
	MoveDraft              = "draft"     // New
	MoveWaiting            = "waiting"   // Waiting Another Move
	MoveConfirmed          = "confirmed" // Waiting Availability
	MovePartiallyAvailable = "partially_available"
	MoveAssigned           = "assigned" // Available
	MoveDone               = "done"
	MoveCancelled          = "cancel" // Cancelled
)

// Values of Picking.MoveType.
const (
	ShipOne = "one" // When all products are ready
)

// Values of Picking.State.
const (
	PickingDraft     = "draft"
	PickingWaiting   = "waiting"   // Waiting Another Operation
	PickingConfirmed = "confirmed" // Waiting
	PickingAssigned  = "assigned"  // Ready
	PickingDone      = "done"
	PickingCancelled = "cancel" // Cancelled
)

// Values of PickingType.Code.
const (
	CodeIncoming = "incoming" // Receipt
	CodeOutgoing = "outgoing" // Delivery
)

// Values of PickingType.CreateBackorder.
const (
	BackorderAsk   = "ask"
	BackorderNever = "never"
)

// Values of PickingType.Reservation.
const (
	ReserveAtConfirm = "at_confirm" // At Confirmation
)

// Values of Scrap.State.
const (
	ScrapDraft = "draft"
	ScrapDone  = "done"
)
