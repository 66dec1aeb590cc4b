package account

// Values of Account.AccountType.
const (
	AssetReceivable     = "asset_receivable"      // Receivable
	AssetCash           = "asset_cash"            // Bank and Cash
	LiabilityPayable    = "liability_payable"     // Payable
	LiabilityCreditCard = "liability_credit_card" // Credit Card
	OffBalance          = "off_balance"           // Off-Balance Sheet
)

// Values of Journal.Type.
const (
	JournalSale     = "sale" // Sales
	JournalPurchase = "purchase"
	JournalCash     = "cash"
	JournalBank     = "bank"
	JournalCredit   = "credit" // Credit Card
)

// Values of Move.MoveType.
const (
	Entry      = "entry"       // Journal Entry
	OutInvoice = "out_invoice" // Customer Invoice
	OutRefund  = "out_refund"  // Customer Credit Note
	InInvoice  = "in_invoice"  // Vendor Bill
	InRefund   = "in_refund"   // Vendor Credit Note
	OutReceipt = "out_receipt" // Sales Receipt
	InReceipt  = "in_receipt"  // Purchase Receipt
)

// Values of Move.PaymentState.
const (
	InvoiceNotPaid   = "not_paid"
	InvoiceInPayment = "in_payment"
	InvoicePaid      = "paid"
	InvoicePartial   = "partial" // Partially Paid
	InvoiceReversed  = "reversed"
	InvoiceBlocked   = "blocked"
)

// Values of Move.State.
const (
	MoveDraft     = "draft"
	MovePosted    = "posted"
	MoveCancelled = "cancel" // Cancelled
)

// Values of Move.TaxRounding.
const (
	RoundPerLine  = "round_per_line"
	RoundGlobally = "round_globally"
)

// Values of MoveLine.DisplayType.
const (
	DisplayProduct     = "product"
	DisplayTax         = "tax"
	DisplayPaymentTerm = "payment_term"
	DisplayLineSection = "line_section" // Section
	DisplayLineNote    = "line_note"    // Note
)

// Values of Payment.PartnerType.
const (
	PartnerCustomer = "customer"
	PartnerSupplier = "supplier" // Vendor
)

// Values of Payment.PaymentType.
const (
	PaymentOutbound = "outbound" // Send
	PaymentInbound  = "inbound"  // Receive
)

// Values of Payment.State.
const (
	PaymentDraft     = "draft"
	PaymentInProcess = "in_process"
	PaymentPaid      = "paid"
	PaymentCancelled = "canceled"
	PaymentRejected  = "rejected"
)

// Values of PaymentRegister.Handling.
const (
	DifferenceReconcile = "reconcile" // Mark as fully paid
)

// Values of PaymentRegister.Mode.
const (
	InstallmentsFull = "full" // Full Amount
)

// Values of PaymentTermLine.DelayType.
const (
	DaysAfterEndOfMonth     = "days_after_end_of_month"
	DaysAfterEndOfNextMonth = "days_after_end_of_next_month"
	DaysEndOfMonthOnThe     = "days_end_of_month_on_the"
)

// Values of PaymentTermLine.Value.
const (
	TermPercent = "percent"
)

// Values of Tax.AmountType.
const (
	AmountTypeGroup   = "group" // Group of Taxes
	AmountTypeFixed   = "fixed"
	AmountTypePercent = "percent" // Percentage of Price
)

// Values of Tax.PriceIncludeOverride.
const (
	PriceTaxIncluded = "tax_included"
	PriceTaxExcluded = "tax_excluded"
)

// Values of Tax.TypeTaxUse.
const (
	TaxUseNone = "none"
)

// Values of TaxRepartition.DocumentType.
const (
	RepartitionInvoice = "invoice"
	RepartitionRefund  = "refund"
)

// Values of TaxRepartition.RepartitionType.
const (
	RepartitionOfTax = "tax" // of tax
)
