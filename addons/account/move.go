package account

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Move is a journal entry; invoices, bills and credit notes are entries too.
// Amounts without suffix are in the currency of the document and positive for
// a usual document; *_signed are in the company's currency, negative for
// credit notes and bills.
type Move struct {
	orm.Record `orm:"account.move" label:"Journal Entry" order:"date desc, name desc, invoice_date desc, id desc" search:"name,partner_id.name,ref"`
	mail.Thread
	mail.ActivityMixin
	Name             string                  `orm:"name,nocopy,index=trigram,tracking" label:"Number"`
	Ref              string                  `orm:"ref,nocopy,index,tracking" label:"Reference"`
	Date             orm.Date                `orm:"date,required,index,nocopy,tracking,default=today" label:"Date"`
	State            string                  `orm:"state,required,readonly,nocopy,tracking,default=draft" selection:"draft:Draft,posted:Posted,cancel:Cancelled" label:"Status"`
	MoveType         string                  `orm:"move_type,required,readonly,index,default=entry" selection:"entry:Journal Entry,out_invoice:Customer Invoice,out_refund:Customer Credit Note,in_invoice:Vendor Bill,in_refund:Vendor Credit Note,out_receipt:Sales Receipt,in_receipt:Purchase Receipt" label:"Type"`
	JournalID        orm.Ref[Journal]        `orm:"journal_id,required,index,check_company" label:"Journal"`
	CompanyID        orm.Ref[base.Company]   `orm:"company_id,required,index,default=company" label:"Company"`
	CompanyCurrency  orm.Ref[base.Currency]  `orm:"company_currency_id,related=company_id.currency_id,readonly" label:"Company Currency"`
	CurrencyID       orm.Ref[base.Currency]  `orm:"currency_id,required,tracking" label:"Currency"`
	CurrencyRate     decimal.Decimal         `orm:"invoice_currency_rate,digits=12,nocopy" label:"Currency Rate" help:"Units of the document's currency for one unit of the company's."`
	LineIDs          orm.Many[MoveLine]      `orm:"line_ids,inverse=move_id,copy" label:"Journal Items"`
	InvoiceLineIDs   orm.Many[MoveLine]      `orm:"invoice_line_ids,inverse=move_id" label:"Invoice lines" domain:"[('display_type', 'in', ['product', 'line_section', 'line_note'])]"`
	PartnerID        orm.Ref[base.Partner]   `orm:"partner_id,index,tracking,ondelete=restrict,check_company" label:"Partner"`
	CommercialID     orm.Ref[base.Partner]   `orm:"commercial_partner_id,related=partner_id.commercial_partner_id,store" label:"Commercial Entity"`
	ShippingID       orm.Ref[base.Partner]   `orm:"partner_shipping_id,check_company" label:"Delivery Address"`
	FiscalPositionID orm.Ref[FiscalPosition] `orm:"fiscal_position_id,ondelete=restrict,check_company" label:"Fiscal Position"`
	UserID           orm.Ref[base.User]      `orm:"invoice_user_id,index,tracking,default=uid" label:"Salesperson"`
	InvoiceDate      orm.Date                `orm:"invoice_date,index,nocopy" label:"Invoice/Bill Date"`
	DueDate          orm.Date                `orm:"invoice_date_due,index,nocopy" label:"Due Date"`
	DeliveryDate     orm.Date                `orm:"delivery_date,nocopy" label:"Delivery Date"`
	Origin           string                  `orm:"invoice_origin,tracking" label:"Origin"`
	PaymentTermID    orm.Ref[PaymentTerm]    `orm:"invoice_payment_term_id,check_company" label:"Payment Terms"`
	PaymentReference string                  `orm:"payment_reference,index,nocopy,tracking" label:"Payment Reference"`
	Narration        string                  `orm:"narration,html" label:"Terms and Conditions"`
	TaxRounding      string                  `orm:"tax_rounding_method" selection:"round_per_line:Round per Line,round_globally:Round Globally" label:"Tax Rounding" help:"How the taxes of this document are rounded; new documents take the company's method."`
	AmountUntaxed    decimal.Decimal         `orm:"amount_untaxed,store,readonly,monetary,tracking" label:"Untaxed Amount"`
	AmountTax        decimal.Decimal         `orm:"amount_tax,store,readonly,monetary" label:"Tax"`
	AmountTotal      decimal.Decimal         `orm:"amount_total,store,readonly,monetary" label:"Total"`
	AmountResidual   decimal.Decimal         `orm:"amount_residual,store,readonly,monetary" label:"Amount Due"`
	UntaxedSigned    decimal.Decimal         `orm:"amount_untaxed_signed,store,readonly,currency=company_currency_id" label:"Untaxed Amount Signed"`
	TaxSigned        decimal.Decimal         `orm:"amount_tax_signed,store,readonly,currency=company_currency_id" label:"Tax Signed"`
	TotalSigned      decimal.Decimal         `orm:"amount_total_signed,store,readonly,currency=company_currency_id" label:"Total Signed"`
	TotalInCurrency  decimal.Decimal         `orm:"amount_total_in_currency_signed,store,readonly,monetary" label:"Total in Currency Signed"`
	ResidualSigned   decimal.Decimal         `orm:"amount_residual_signed,store,readonly,currency=company_currency_id" label:"Amount Due Signed"`
	TaxTotals        orm.Deferred[orm.JSON]  `orm:"tax_totals" label:"Invoice Totals"`
	PaymentState     string                  `orm:"payment_state,store,readonly,nocopy,tracking" selection:"not_paid:Not Paid,in_payment:In Payment,paid:Paid,partial:Partially Paid,reversed:Reversed,blocked:Blocked,invoicing_legacy:Invoicing App Legacy" label:"Payment Status"`
	ReversedEntryID  orm.Ref[Move]           `orm:"reversed_entry_id,readonly,nocopy,index" label:"Reversal of"`
	ReversalIDs      orm.Many[Move]          `orm:"reversal_move_ids,inverse=reversed_entry_id" label:"Reversals"`
	OriginPaymentID  orm.Ref[Payment]        `orm:"origin_payment_id,nocopy,index" label:"Payment"`
	PaymentIDs       orm.Many[Payment]       `orm:"matched_payment_ids,rel=account_move__account_payment:invoice_id:payment_id,nocopy" label:"Matched Payments"`
	Outstanding      orm.Deferred[orm.JSON]  `orm:"invoice_outstanding_credits_debits_widget" label:"Invoice Outstanding Credits Debits Widget" groups:"account.group_account_invoice,account.group_account_readonly"`
	HasOutstanding   orm.Deferred[bool]      `orm:"invoice_has_outstanding" label:"Has Outstanding" groups:"account.group_account_invoice,account.group_account_readonly"`
	PaymentsWidget   orm.Deferred[orm.JSON]  `orm:"invoice_payments_widget" label:"Invoice Payments Widget" groups:"account.group_account_invoice,account.group_account_readonly"`
	TypeName         orm.Deferred[string]    `orm:"type_name" label:"Type Name"`
	PostedBefore     bool                    `orm:"posted_before,nocopy" label:"Posted Before"`
	IsMoveSent       bool                    `orm:"is_move_sent,readonly,nocopy,tracking" label:"Is the Invoice Sent"`
	SequencePrefix   string                  `orm:"sequence_prefix,readonly,nocopy" label:"Sequence Prefix"`
	SequenceNumber   int                     `orm:"sequence_number,readonly,nocopy" label:"Sequence Number"`
	ShowResetToDraft orm.Deferred[bool]      `orm:"show_reset_to_draft_button" label:"Show Reset To Draft Button"`
	HasReconciled    orm.Deferred[bool]      `orm:"has_reconciled_entries" label:"Has Reconciled Entries"`
	DirectionSign    orm.Deferred[int]       `orm:"direction_sign" label:"Direction Sign"`
	DisplayName      orm.Deferred[string]    `orm:"display_name"`
}

// MoveLine is one item of an entry: an amount on one account. Balance is debit
// less credit in the company's currency, AmountCurrency the same in CurrencyID.
type MoveLine struct {
	orm.Record       `orm:"account.move.line" label:"Journal Item" order:"date desc, move_name desc, id" search:"name,move_id,product_id" rec:"name"`
	MoveID           orm.Ref[Move]              `orm:"move_id,required,index,ondelete=cascade" label:"Journal Entry"`
	JournalID        orm.Ref[Journal]           `orm:"journal_id,related=move_id.journal_id,store,index" label:"Journal"`
	CompanyID        orm.Ref[base.Company]      `orm:"company_id,related=move_id.company_id,store,index" label:"Company"`
	CompanyCurrency  orm.Ref[base.Currency]     `orm:"company_currency_id,related=company_id.currency_id,readonly" label:"Company Currency"`
	MoveName         string                     `orm:"move_name,related=move_id.name,store,index" label:"Number"`
	ParentState      string                     `orm:"parent_state,related=move_id.state,store" label:"Status"`
	Date             orm.Date                   `orm:"date,related=move_id.date,store,index,nocopy" label:"Date"`
	InvoiceDate      orm.Date                   `orm:"invoice_date,related=move_id.invoice_date,store,nocopy" label:"Invoice/Bill Date"`
	MoveType         string                     `orm:"move_type,related=move_id.move_type,readonly" label:"Type"`
	Ref              string                     `orm:"ref,related=move_id.ref,store" label:"Reference"`
	Sequence         int                        `orm:"sequence,default=100" label:"Sequence"`
	AccountID        orm.Ref[Account]           `orm:"account_id,index,ondelete=restrict,check_company" label:"Account"`
	AccountType      string                     `orm:"account_type,related=account_id.account_type,readonly" label:"Internal Type"`
	Name             string                     `orm:"name,text" label:"Label"`
	Debit            decimal.Decimal            `orm:"debit,currency=company_currency_id,default=0" label:"Debit"`
	Credit           decimal.Decimal            `orm:"credit,currency=company_currency_id,default=0" label:"Credit"`
	Balance          decimal.Decimal            `orm:"balance,currency=company_currency_id,default=0" label:"Balance"`
	CurrencyID       orm.Ref[base.Currency]     `orm:"currency_id,required" label:"Currency"`
	AmountCurrency   decimal.Decimal            `orm:"amount_currency,monetary,default=0" label:"Amount in Currency"`
	CurrencyRate     decimal.Decimal            `orm:"currency_rate,related=move_id.invoice_currency_rate,readonly" label:"Currency Rate"`
	PartnerID        orm.Ref[base.Partner]      `orm:"partner_id,index,ondelete=restrict" label:"Partner"`
	ProductID        orm.Ref[product.Product]   `orm:"product_id,index,ondelete=restrict,check_company" label:"Product"`
	UoMID            orm.Ref[uom.UoM]           `orm:"product_uom_id,ondelete=restrict" label:"Unit of Measure"`
	Quantity         decimal.Decimal            `orm:"quantity,digits=6" label:"Quantity"`
	PriceUnit        decimal.Decimal            `orm:"price_unit,min_digits=Product Price:2" label:"Unit Price"`
	Discount         decimal.Decimal            `orm:"discount,digits=6,default=0" label:"Discount (%)"`
	PriceSubtotal    decimal.Decimal            `orm:"price_subtotal,readonly,monetary" label:"Subtotal"`
	PriceTotal       decimal.Decimal            `orm:"price_total,readonly,monetary" label:"Total"`
	TaxIDs           orm.Many[Tax]              `orm:"tax_ids,rel=account_move_line_account_tax_rel:account_move_line_id:account_tax_id,check_company" label:"Taxes"`
	TaxOverride      orm.JSON                   `orm:"tax_override" label:"Tax Amounts" help:"Amounts by tax id, in the document's currency, that replace what those taxes would compute."`
	TaxRepartitionID orm.Ref[TaxRepartition]    `orm:"tax_repartition_line_id,index,ondelete=restrict" label:"Originator Tax Distribution Line"`
	DisplayName      orm.Deferred[string]       `orm:"display_name"`
	TaxLineID        orm.Ref[Tax]               `orm:"tax_line_id,related=tax_repartition_line_id.tax_id,store,index" label:"Originator Tax"`
	TaxGroupID       orm.Ref[TaxGroup]          `orm:"tax_group_id,related=tax_line_id.tax_group_id,store" label:"Originator tax group"`
	TaxBaseAmount    decimal.Decimal            `orm:"tax_base_amount,readonly,currency=company_currency_id" label:"Base Amount"`
	DisplayType      string                     `orm:"display_type,required,default=product" selection:"product:Product,cogs:Cost of Goods Sold,tax:Tax,discount:Discount,rounding:Rounding,payment_term:Payment Term,line_section:Section,line_note:Note,epd:Early Payment Discount" label:"Display Type"`
	DateMaturity     orm.Date                   `orm:"date_maturity,index" label:"Due Date"`
	AmountResidual   decimal.Decimal            `orm:"amount_residual,store,readonly,currency=company_currency_id" label:"Residual Amount"`
	ResidualCurrency decimal.Decimal            `orm:"amount_residual_currency,store,readonly,monetary" label:"Residual Amount in Currency"`
	Reconciled       bool                       `orm:"reconciled,store,readonly" label:"Reconciled"`
	MatchedDebit     orm.Many[PartialReconcile] `orm:"matched_debit_ids,inverse=credit_move_id" label:"Matched Debits"`
	MatchedCredit    orm.Many[PartialReconcile] `orm:"matched_credit_ids,inverse=debit_move_id" label:"Matched Credits"`
	FullReconcileID  orm.Ref[FullReconcile]     `orm:"full_reconcile_id,nocopy,index" label:"Matching"`
	MatchingNumber   string                     `orm:"matching_number,nocopy,index" label:"Matching #"`
	PaymentID        orm.Ref[Payment]           `orm:"payment_id,related=move_id.origin_payment_id,store,index" label:"Originator Payment"`
}
