package account

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// PartialReconcile says that part of a debit item is settled by a credit item.
// Amount is in the company's currency, the two others in the items' own.
type PartialReconcile struct {
	orm.Record      `orm:"account.partial.reconcile" label:"Partial Reconcile" order:"id"`
	DebitMoveID     orm.Ref[MoveLine]      `orm:"debit_move_id,required,index,ondelete=cascade" label:"Debit Move"`
	CreditMoveID    orm.Ref[MoveLine]      `orm:"credit_move_id,required,index,ondelete=cascade" label:"Credit Move"`
	FullReconcileID orm.Ref[FullReconcile] `orm:"full_reconcile_id,nocopy,index" label:"Full Reconcile"`
	ExchangeMoveID  orm.Ref[Move]          `orm:"exchange_move_id,index" label:"Exchange Difference"`
	Amount          decimal.Decimal        `orm:"amount,currency=company_currency_id" label:"Amount"`
	DebitAmount     decimal.Decimal        `orm:"debit_amount_currency,currency=debit_currency_id" label:"Debit Amount Currency"`
	CreditAmount    decimal.Decimal        `orm:"credit_amount_currency,currency=credit_currency_id" label:"Credit Amount Currency"`
	CompanyCurrency orm.Ref[base.Currency] `orm:"company_currency_id,related=company_id.currency_id,readonly" label:"Company Currency"`
	DebitCurrency   orm.Ref[base.Currency] `orm:"debit_currency_id,related=debit_move_id.currency_id,store" label:"Currency of the debit journal item."`
	CreditCurrency  orm.Ref[base.Currency] `orm:"credit_currency_id,related=credit_move_id.currency_id,store" label:"Currency of the credit journal item."`
	CompanyID       orm.Ref[base.Company]  `orm:"company_id,related=debit_move_id.company_id,store" label:"Company"`
	MaxDate         orm.Date               `orm:"max_date" label:"Max Date of Matched Lines"`
}

// FullReconcile groups items that settle each other without remainder.
type FullReconcile struct {
	orm.Record    `orm:"account.full.reconcile" label:"Full Reconcile" order:"id"`
	PartialIDs    orm.Many[PartialReconcile] `orm:"partial_reconcile_ids,inverse=full_reconcile_id" label:"Reconciliation Parts"`
	ReconciledIDs orm.Many[MoveLine]         `orm:"reconciled_line_ids,inverse=full_reconcile_id" label:"Matched Journal Items"`
}
