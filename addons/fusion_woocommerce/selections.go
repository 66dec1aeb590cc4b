package woocommerce

// Values of Event.State.
const (
	EventReceived = "received"
	EventDone     = "done"
	EventSkipped  = "skipped"
	EventFailed   = "failed"
)

// Values of Instance.AuthMode.
const (
	AuthAuto  = "auto"  // Find out
	AuthOAuth = "oauth" // OAuth 1.0a
)

// Values of Instance.AutoInvoice.
const (
	InvoiceNone      = "none"      // No invoice
	InvoicePaid      = "paid"      // Posted when paid
	InvoiceDelivered = "delivered" // Posted when delivered
)

// Values of payment.WooMeans.
const (
	MeansGateway = "gateway"
	MeansVoucher = "voucher" // Gift card or store credit
)

// Values of Instance.MissingProduct.
const (
	MissingCreate = "create" // Create them
)

// Values of Instance.State.
const (
	StoreDraft     = "draft"
	StoreConnected = "connected"
	StoreError     = "error"
)

// Values of Instance.UnknownProduct.
const (
	UnknownHold   = "hold"   // Hold the order
	UnknownCreate = "create" // Create the product
)

// Values of Order.State.
const (
	OrderReceived  = "received" // Waiting
	OrderHeld      = "held"
	OrderImported  = "imported"
	OrderCancelled = "cancelled"
	OrderIgnored   = "ignored"
	OrderError     = "error"
)

// Values of ProductMap.State.
const (
	ProductUnmapped = "unmapped"
	ProductMapped   = "mapped"
	ProductConflict = "conflict"
	ProductError    = "error"
	ProductIgnored  = "ignored"
)

// Values of ProductMap.Type.
const (
	TypeSimple    = "simple"
	TypeOther     = "other"
	TypeExternal  = "external"
	TypeVariable  = "variable"
	TypeVariation = "variation"
)

// Values of Order.TotalsState.
const (
	TotalsEqual    = "equal"
	TotalsRounded  = "rounded"
	TotalsMismatch = "mismatch"
)

// Values of Outgoing.State.
const (
	OutgoingWaiting   = "waiting"
	OutgoingHeld      = "held"
	OutgoingSending   = "sending" // Being Sent
	OutgoingSent      = "sent"
	OutgoingFailed    = "failed"
	OutgoingCancelled = "cancelled"
)

// Values of Outgoing.Kind.
const (
	KindStock    = "stock"
	KindShipment = "shipment"
	KindStatus   = "status"
	KindPrice    = "price"
	KindCustomer = "customer"
	KindRefund   = "refund"
)

// Values of Instance.StockKind and Instance.StockUncounted.
const (
	StockForecast  = "forecast"
	StockOnHand    = "on_hand"
	UncountedCount = "count" // Let the store count them
)

// Values of ProductMap.ManageStock.
const (
	StockCounted   = "true"   // Counted
	StockUncounted = "false"  // Not counted
	StockByParent  = "parent" // By the parent
)

// Values of Shipment.State.
const (
	ShipmentWaiting   = "waiting"
	ShipmentSent      = "sent" // Told to the Store
	ShipmentFailed    = "failed"
	ShipmentWithdrawn = "withdrawn"
)

// Values of Shipment.Channel and Instance.ShipmentWay.
const (
	ChannelAuto        = "auto" // The best the store has
	ChannelFulfillment = "fulfillment"
	ChannelTracking    = "tracking" // Tracking Extension
	ChannelNote        = "note"     // Note to the Customer
)

// Values of Instance.PriceSync.
const (
	PriceToStore   = "odoo_to_woo"
	PriceFromStore = "woo_to_odoo"
	PriceBoth      = "both"
	PriceNone      = "none"
)

// Values of Conflict.Type.
const (
	ConflictPrice     = "price"
	ConflictSalePrice = "sale_price"
	ConflictCustomer  = "customer"
)

// Values of Conflict.State.
const (
	ConflictOpen     = "open"
	ConflictResolved = "resolved"
	ConflictIgnored  = "ignored"
)

// Values of Conflict.Resolution.
const (
	ResolvedOdoo   = "odoo"   // ERP
	ResolvedWoo    = "woo"    // Store
	ResolvedOwn    = "own"    // Another Value
	ResolvedAgreed = "agreed" // The Ends Agree Again
)

// Values of Check.Severity.
const (
	CheckOK      = "ok" // Right
	CheckWarning = "warning"
	CheckError   = "error" // In the Way
)

// Values of Log.State.
const (
	LogSuccess = "success"
	LogFailed  = "failed"
	LogWarning = "warning"
	LogSkipped = "skipped"
)

// Values of Refund.State.
const (
	RefundReceived = "received" // Waiting for the Invoice
	RefundHeld     = "held"
	RefundBooked   = "booked"
	RefundSettled  = "settled" // Order Cancelled Instead
	RefundWaiting  = "waiting" // To Be Sent
	RefundSent     = "sent"    // Sent to the Store
	RefundFailed   = "failed"  // Refused by the Store
	RefundUndone   = "undone"  // Deleted in the Store
)

// Values of Refund.Origin.
const (
	RefundOfStore = "store"
	RefundOfERP   = "erp"
)
