package account

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// Payment is money received from a customer or sent to a vendor; posting it
// makes the entry that moves the money.
type Payment struct {
	orm.Record `orm:"account.payment" label:"Payments" order:"date desc, name desc, id desc" search:"name,memo"`
	mail.Thread
	mail.ActivityMixin
	Name          string                        `orm:"name,store,readonly,nocopy" label:"Number"`
	Date          orm.Date                      `orm:"date,required,tracking,default=today" label:"Date"`
	MoveID        orm.Ref[Move]                 `orm:"move_id,readonly,nocopy,index,ondelete=set_null" label:"Journal Entry"`
	JournalID     orm.Ref[Journal]              `orm:"journal_id,required,check_company" label:"Journal" domain:"[('type', 'in', ['bank', 'cash', 'credit'])]"`
	CompanyID     orm.Ref[base.Company]         `orm:"company_id,required,index,default=company" label:"Company"`
	State         string                        `orm:"state,required,readonly,nocopy,tracking,default=draft" selection:"draft:Draft,in_process:In Process,paid:Paid,canceled:Canceled,rejected:Rejected" label:"State"`
	IsReconciled  orm.Deferred[bool]            `orm:"is_reconciled" label:"Is Reconciled"`
	PaymentType   string                        `orm:"payment_type,required,tracking,default=inbound" selection:"outbound:Send,inbound:Receive" label:"Payment Type"`
	PartnerType   string                        `orm:"partner_type,required,tracking,default=customer" selection:"customer:Customer,supplier:Vendor" label:"Partner Type"`
	Amount        decimal.Decimal               `orm:"amount,monetary,tracking,default=0" label:"Amount"`
	CurrencyID    orm.Ref[base.Currency]        `orm:"currency_id,required" label:"Currency"`
	PartnerID     orm.Ref[base.Partner]         `orm:"partner_id,index,tracking,ondelete=restrict,check_company" label:"Customer/Vendor"`
	DestinationID orm.Ref[Account]              `orm:"destination_account_id,check_company" label:"Destination Account"`
	OutstandingID orm.Ref[Account]              `orm:"outstanding_account_id,check_company" label:"Outstanding Account" help:"The account of the money itself; the journal's own account when empty."`
	Memo          string                        `orm:"memo,tracking" label:"Memo"`
	Reference     string                        `orm:"payment_reference,nocopy,tracking" label:"Payment Reference"`
	InvoiceIDs    orm.Many[Move]                `orm:"invoice_ids,rel=account_move__account_payment:payment_id:invoice_id" label:"Invoices"`
	AmountSigned  orm.Deferred[decimal.Decimal] `orm:"amount_signed,monetary" label:"Amount Signed"`
	DisplayName   orm.Deferred[string]          `orm:"display_name"`
}
