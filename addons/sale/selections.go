package sale

// Values of Order.InvoiceStatus.
const (
	InvoiceUpselling = "upselling" // Upselling Opportunity
	InvoiceInvoiced  = "invoiced"  // Fully Invoiced
	InvoiceToInvoice = "to invoice"
	InvoiceNo        = "no" // Nothing to Invoice
)

// Values of Order.State.
const (
	OrderDraft     = "draft"  // Quotation
	OrderSent      = "sent"   // Quotation Sent
	OrderSale      = "sale"   // Sales Order
	OrderCancelled = "cancel" // Cancelled
)

// Values of Order.TaxRounding.
const (
	RoundPerLine  = "round_per_line"
	RoundGlobally = "round_globally"
)

// Values of OrderLine.DeliveredMethod.
const (
	DeliveredManual = "manual"
)

// Values of OrderLine.DisplayType.
const (
	DisplayLineSection = "line_section" // Section
)
