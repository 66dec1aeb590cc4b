package sale

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Order is a quotation and, once confirmed, a sales order. Amounts are in the
// currency of the order.
type Order struct {
	orm.Record `orm:"sale.order" label:"Sales Order" order:"date_order desc, id desc"`
	mail.Thread
	mail.ActivityMixin
	Name             string                          `orm:"name,required,nocopy,index=trigram,default=New" label:"Order Reference"`
	CompanyID        orm.Ref[base.Company]           `orm:"company_id,required,index,default=company" label:"Company"`
	PartnerID        orm.Ref[base.Partner]           `orm:"partner_id,required,index,tracking,check_company" label:"Customer"`
	State            string                          `orm:"state,readonly,nocopy,index,tracking,default=draft" selection:"draft:Quotation,sent:Quotation Sent,sale:Sales Order,cancel:Cancelled" label:"Status"`
	Locked           bool                            `orm:"locked,nocopy,tracking,default=false" label:"Locked" help:"Locked orders cannot be modified."`
	ClientOrderRef   string                          `orm:"client_order_ref,nocopy" label:"Customer Reference"`
	Origin           string                          `orm:"origin,nocopy" label:"Source Document"`
	Reference        string                          `orm:"reference,nocopy" label:"Payment Ref."`
	ExpectedDate     orm.Deferred[orm.Datetime]      `orm:"expected_date" label:"Expected Date" help:"When the first product of the order can be with the customer, by the lead times."`
	CommitmentDate   orm.Datetime                    `orm:"commitment_date,nocopy" label:"Delivery Date"`
	DateOrder        orm.Datetime                    `orm:"date_order,required,nocopy,default=now" label:"Order Date"`
	ValidityDate     orm.Date                        `orm:"validity_date,nocopy" label:"Expiration"`
	IsExpired        orm.Deferred[bool]              `orm:"is_expired" label:"Is Expired"`
	Note             string                          `orm:"note,html" label:"Terms and conditions"`
	InvoiceAddressID orm.Ref[base.Partner]           `orm:"partner_invoice_id,store,required,index,check_company" label:"Invoice Address"`
	ShippingID       orm.Ref[base.Partner]           `orm:"partner_shipping_id,store,required,index,check_company" label:"Delivery Address"`
	FiscalPositionID orm.Ref[account.FiscalPosition] `orm:"fiscal_position_id,store,check_company" label:"Fiscal Position"`
	PaymentTermID    orm.Ref[account.PaymentTerm]    `orm:"payment_term_id,store,check_company" label:"Payment Terms"`
	JournalID        orm.Ref[account.Journal]        `orm:"journal_id,check_company" label:"Invoicing Journal" domain:"[('type', '=', 'sale')]"`
	PricelistID      orm.Ref[product.Pricelist]      `orm:"pricelist_id,store,tracking,check_company" label:"Pricelist"`
	CurrencyID       orm.Ref[base.Currency]          `orm:"currency_id,store,readonly" label:"Currency"`
	CurrencyRate     decimal.Decimal                 `orm:"currency_rate,store,readonly,digits=12,nocopy" label:"Currency Rate" help:"Units of the order's currency for one unit of the company's, at the order date."`
	UserID           orm.Ref[base.User]              `orm:"user_id,store,index,tracking,check_company" label:"Salesperson"`
	TeamID           orm.Ref[sales_team.Team]        `orm:"team_id,store,tracking,check_company" label:"Sales Team"`
	TaxRounding      string                          `orm:"tax_rounding_method" selection:"round_per_line:Round per Line,round_globally:Round Globally" label:"Tax Rounding" help:"How the taxes of this order are rounded; new orders take the company's method."`
	Lines            orm.Many[OrderLine]             `orm:"order_line,inverse=order_id,copy" label:"Order Lines"`
	AmountUntaxed    decimal.Decimal                 `orm:"amount_untaxed,store,readonly,monetary,tracking" label:"Untaxed Amount"`
	AmountTax        decimal.Decimal                 `orm:"amount_tax,store,readonly,monetary" label:"Taxes"`
	AmountTotal      decimal.Decimal                 `orm:"amount_total,store,readonly,monetary,tracking" label:"Total"`
	Undiscounted     orm.Deferred[decimal.Decimal]   `orm:"amount_undiscounted,monetary" label:"Amount Before Discount" help:"What the lines cost without taxes and without their discounts."`
	AmountToInvoice  orm.Deferred[decimal.Decimal]   `orm:"amount_to_invoice,monetary" label:"Un-invoiced Balance"`
	AmountInvoiced   orm.Deferred[decimal.Decimal]   `orm:"amount_invoiced,monetary" label:"Already invoiced"`
	TaxTotals        orm.Deferred[orm.JSON]          `orm:"tax_totals" label:"Tax Totals"`
	InvoiceIDs       orm.Many[account.Move]          `orm:"invoice_ids" label:"Invoices"`
	InvoiceCount     orm.Deferred[int]               `orm:"invoice_count" label:"Invoice Count"`
	InvoiceStatus    string                          `orm:"invoice_status,store,readonly" selection:"upselling:Upselling Opportunity,invoiced:Fully Invoiced,to invoice:To Invoice,no:Nothing to Invoice" label:"Invoice Status"`
	TagIDs           orm.Many[sales_team.Tag]        `orm:"tag_ids,rel=sale_order_tag_rel:order_id:tag_id" label:"Tags"`
	TypeName         orm.Deferred[string]            `orm:"type_name" label:"Type Name"`
	DisplayName      orm.Deferred[string]            `orm:"display_name"`
}

// partnerInName is the key of the context under which the customer is part of the
// name of an order.
const partnerInName = "sale_show_partner_name"

// OrderLine is one line of an order: a product, a section, a note or a down
// payment. Quantities are in the unit of the line.
type OrderLine struct {
	orm.Record       `orm:"sale.order.line" label:"Sales Order Line" order:"order_id, sequence, id" rec:"name" search:"name,order_id.name"`
	OrderID          orm.Ref[Order]                           `orm:"order_id,required,index,ondelete=cascade" label:"Order Reference"`
	Sequence         int                                      `orm:"sequence,default=10" label:"Sequence"`
	CompanyID        orm.Ref[base.Company]                    `orm:"company_id,related=order_id.company_id,store,index,readonly" label:"Company"`
	CurrencyID       orm.Ref[base.Currency]                   `orm:"currency_id,related=order_id.currency_id,store,readonly" label:"Currency"`
	OrderPartnerID   orm.Ref[base.Partner]                    `orm:"order_partner_id,related=order_id.partner_id,store,index,readonly" label:"Customer"`
	SalesmanID       orm.Ref[base.User]                       `orm:"salesman_id,related=order_id.user_id,store,readonly" label:"Salesperson"`
	State            string                                   `orm:"state,related=order_id.state,store,readonly" label:"Order Status"`
	DisplayType      string                                   `orm:"display_type" selection:"line_section:Section,line_note:Note" label:"Display Type"`
	IsDownpayment    bool                                     `orm:"is_downpayment" label:"Is a down payment"`
	ProductID        orm.Ref[Product]                         `orm:"product_id,index,ondelete=restrict,check_company" label:"Product" domain:"[('sale_ok', '=', True)]"`
	TemplateID       orm.Ref[product.Template]                `orm:"product_template_id,related=product_id.product_tmpl_id" label:"Product Template"`
	NoVariantIDs     orm.Many[product.TemplateAttributeValue] `orm:"product_no_variant_attribute_value_ids,store,rel=product_template_attribute_value_sale_order_line_rel:sale_order_line_id:product_template_attribute_value_id" label:"Extra Values" help:"Values of attributes that make no variants, as the customer chose them."`
	Name             string                                   `orm:"name,text,store,required" label:"Description"`
	Quantity         decimal.Decimal                          `orm:"product_uom_qty,required,digits=6,default=1" label:"Quantity"`
	UoMID            orm.Ref[uom.UoM]                         `orm:"product_uom_id,store,ondelete=restrict" label:"Unit of Measure"`
	TaxIDs           orm.Many[account.Tax]                    `orm:"tax_ids,store,check_company,rel=account_tax_sale_order_line_rel:sale_order_line_id:account_tax_id" label:"Taxes"`
	TaxOverride      orm.JSON                                 `orm:"tax_override" label:"Tax Amounts" help:"Amounts by tax id, in the order's currency, that replace what those taxes would compute. An integration that must keep the amounts of a shop sets it."`
	PriceUnit        decimal.Decimal                          `orm:"price_unit,store,required,min_digits=Product Price:2" label:"Unit Price"`
	ProposedPrice    decimal.Decimal                          `orm:"technical_price_unit,store,digits=6" label:"Proposed Unit Price" help:"The unit price as it was proposed, or given when the line was made. A unit price that differs was set by hand and is not proposed anew."`
	Discount         decimal.Decimal                          `orm:"discount,digits=6,default=0" label:"Discount (%)"`
	PriceSubtotal    decimal.Decimal                          `orm:"price_subtotal,store,readonly,monetary" label:"Subtotal"`
	PriceTax         decimal.Decimal                          `orm:"price_tax,store,readonly,monetary" label:"Total Tax"`
	PriceTotal       decimal.Decimal                          `orm:"price_total,store,readonly,monetary" label:"Total"`
	ReduceTaxExcl    decimal.Decimal                          `orm:"price_reduce_taxexcl,store,readonly,monetary" label:"Price Reduce Tax excl"`
	ReduceTaxIncl    decimal.Decimal                          `orm:"price_reduce_taxinc,store,readonly,monetary" label:"Price Reduce Tax incl"`
	CustomerLead     float64                                  `orm:"customer_lead,required,default=0" label:"Lead Time" help:"Days between the confirmation of the order and the shipment."`
	DeliveredMethod  string                                   `orm:"qty_delivered_method,store,readonly" selection:"manual:Manual,analytic:Analytic From Expenses" label:"Method to update delivered qty"`
	QtyDelivered     decimal.Decimal                          `orm:"qty_delivered,nocopy,digits=6,default=0" label:"Delivery Quantity"`
	QtyInvoiced      decimal.Decimal                          `orm:"qty_invoiced,store,readonly,digits=6" label:"Invoiced Quantity"`
	QtyPosted        orm.Deferred[decimal.Decimal]            `orm:"qty_invoiced_posted,digits=6" label:"Invoiced Quantity (posted)"`
	QtyToInvoice     decimal.Decimal                          `orm:"qty_to_invoice,store,readonly,digits=6" label:"Quantity To Invoice"`
	InvoiceLines     orm.Many[account.MoveLine]               `orm:"invoice_lines,nocopy,rel=sale_order_line_invoice_rel:order_line_id:invoice_line_id" label:"Invoice Lines"`
	InvoiceStatus    string                                   `orm:"invoice_status,store,readonly" selection:"upselling:Upselling Opportunity,invoiced:Fully Invoiced,to invoice:To Invoice,no:Nothing to Invoice" label:"Invoice Status"`
	UntaxedInvoiced  decimal.Decimal                          `orm:"untaxed_amount_invoiced,store,readonly,monetary" label:"Untaxed Invoiced Amount"`
	UntaxedToInvoice decimal.Decimal                          `orm:"untaxed_amount_to_invoice,store,readonly,monetary" label:"Untaxed Amount To Invoice"`
	AmountInvoiced   orm.Deferred[decimal.Decimal]            `orm:"amount_invoiced,monetary" label:"Invoiced Amount"`
	AmountToInvoice  orm.Deferred[decimal.Decimal]            `orm:"amount_to_invoice,monetary" label:"Un-invoiced Balance"`
	ProductType      string                                   `orm:"product_type,related=product_id.type,readonly" label:"Product Type"`
	ProductUpdatable orm.Deferred[bool]                       `orm:"product_updatable" label:"Can Edit Product"`
	DisplayName      orm.Deferred[string]                     `orm:"display_name"`
}

// The methods of orders other addons may override.
var (
	ActionConfirm       = orm.Method[Order]{Name: "action_confirm"}
	ActionCancel        = orm.Method[Order]{Name: "action_cancel"}
	ActionDraft         = orm.Method[Order]{Name: "action_draft"}
	ActionQuotationSent = orm.Method[Order]{Name: "action_quotation_sent"}
	ActionLock          = orm.Method[Order]{Name: "action_lock"}
	ActionUnlock        = orm.Method[Order]{Name: "action_unlock"}
	ActionViewInvoice   = orm.Method[Order]{Name: "action_view_invoice"}
	// ConfirmOrder does what confirming means beyond the state, for orders
	// that action_confirm accepted; addons that deliver override it.
	ConfirmOrder = orm.Method[Order]{Name: "_action_confirm"}
	// CancelOrder does what cancelling means, without asking.
	CancelOrder = orm.Method[Order]{Name: "_action_cancel"}
	// ActionUpdatePrices computes the prices of all lines anew, and
	// ActionUpdateTaxes their taxes.
	ActionUpdatePrices = orm.Method[Order]{Name: "action_update_prices"}
	ActionUpdateTaxes  = orm.Method[Order]{Name: "action_update_taxes"}
)
