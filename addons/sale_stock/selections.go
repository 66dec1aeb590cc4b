package sale_stock

// Values of Order.DeliveryStatus.
const (
	DeliveryPending = "pending" // Not Delivered
	DeliveryStarted = "started"
	DeliveryPartial = "partial" // Partially Delivered
	DeliveryFull    = "full"    // Fully Delivered
)

// Values of Order.PickingPolicy.
const (
	ShipDirect = "direct" // As soon as possible
	ShipOne    = "one"    // When all products are ready
)

// Values of OrderLine.DeliveredMethod.
const (
	DeliveredStockMove = "stock_move" // Stock Moves
)
