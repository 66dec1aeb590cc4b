package sale

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// The ways of the wizard to invoice orders.
const (
	advanceDelivered  = "delivered"
	advancePercentage = "percentage"
	advanceFixed      = "fixed"
)

// Advance is the wizard that invoices orders, or asks a part in advance.
type Advance struct {
	orm.Record       `orm:"sale.advance.payment.inv,transient" label:"Sales Advance Payment Invoice" rec:"advance_payment_method"`
	Method           string                               `orm:"advance_payment_method,required,default=delivered" selection:"delivered:Regular invoice,percentage:Down payment (percentage),fixed:Down payment (fixed amount)" label:"Create Invoice"`
	OrderIDs         orm.Many[Order]                      `orm:"sale_order_ids,rel=sale_advance_payment_inv_sale_order_rel:wizard_id:order_id" label:"Sale Orders"`
	Count            orm.Deferred[int]                    `orm:"count" label:"Order Count"`
	HasDownPayments  orm.Deferred[bool]                   `orm:"has_down_payments" label:"Has down payments"`
	Deduct           bool                                 `orm:"deduct_down_payments,default=true" label:"Deduct down payments"`
	Amount           decimal.Decimal                      `orm:"amount,digits=6" label:"Down Payment" help:"The percentage of the amount to be invoiced in advance."`
	FixedAmount      decimal.Decimal                      `orm:"fixed_amount,monetary" label:"Down Payment Amount (Fixed)" help:"The fixed amount to be invoiced in advance, with taxes."`
	CurrencyID       orm.Deferred[orm.Ref[base.Currency]] `orm:"currency_id" label:"Currency"`
	CompanyID        orm.Deferred[orm.Ref[base.Company]]  `orm:"company_id" label:"Company"`
	AmountInvoiced   orm.Deferred[decimal.Decimal]        `orm:"amount_invoiced,monetary" label:"Already invoiced" help:"Only confirmed down payments are considered."`
	Consolidated     bool                                 `orm:"consolidated_billing,default=true" label:"Consolidated Billing" help:"Create one invoice for all orders of the same customer and the same invoicing address."`
	DraftWarning     orm.Deferred[bool]                   `orm:"display_draft_invoice_warning" label:"Display Draft Invoice Warning"`
	InvoicingWarning orm.Deferred[bool]                   `orm:"display_invoice_amount_warning" label:"Display Invoice Amount Warning"`
}

// The methods of the invoicing wizard.
var (
	WizardInvoices      = orm.Method[Advance]{Name: "create_invoices"}
	WizardDraftInvoices = orm.Method[Advance]{Name: "view_draft_invoices"}
)

func defineAdvance(r *orm.Registry) {
	d := orm.Define[Advance](r)
	d.Default("sale_order_ids", func(env *orm.Env) (any, error) {
		if env.KeyText("active_model") != "sale.order" {
			return nil, nil
		}
		ids := env.KeyIDs("active_ids")
		if len(ids) == 0 {
			ids = env.KeyIDs("active_id")
		}
		return []orm.Command{orm.SetIDs(ids...)}, nil
	})
	d.Compute("count, has_down_payments, currency_id, company_id, amount_invoiced, display_draft_invoice_warning, display_invoice_amount_warning", advanceAmounts,
		"sale_order_ids.order_line.is_downpayment", "advance_payment_method", "amount", "fixed_amount")
	orm.Implement(d, WizardInvoices, func(env *orm.Env, ws []*Advance, _ orm.Args) (any, error) {
		if err := orm.RecordsOf(env, ws...).One(); err != nil {
			return nil, err
		}
		os, err := ws[0].saleOrders(env)
		if err != nil {
			return nil, err
		}
		if err := ws[0].invoice(env, os); err != nil {
			return nil, err
		}
		return viewInvoices(env, os)
	})
	orm.Implement(d, WizardDraftInvoices, func(env *orm.Env, ws []*Advance, _ orm.Args) (any, error) {
		if err := orm.RecordsOf(env, ws...).One(); err != nil {
			return nil, err
		}
		os, err := ws[0].saleOrders(env)
		if err != nil {
			return nil, err
		}
		drafts, err := draftInvoices(env, orm.IDs(env, os)...)
		if err != nil {
			return nil, err
		}
		return openRecords("Draft Invoices", "account.move", orm.IDs(env, drafts)), nil
	})
}

func (w *Advance) saleOrders(env *orm.Env) ([]*Order, error) {
	if err := orm.Load(env, []*Advance{w}, "sale_order_ids"); err != nil {
		return nil, err
	}
	return w.OrderIDs.All(), nil
}

func advanceAmounts(env *orm.Env, ws []*Advance) error {
	if err := orm.Load(env, ws, "sale_order_ids.amount_invoiced", "sale_order_ids.order_line"); err != nil {
		return err
	}
	for _, w := range ws {
		os := w.OrderIDs.All()
		w.Count.Set(len(os))
		total := decimal.Zero
		for i, o := range os {
			if i == 0 {
				w.CurrencyID.Set(o.CurrencyID)
				w.CompanyID.Set(o.CompanyID)
			}
			w.AmountInvoiced.Set(w.AmountInvoiced.Get().Add(o.AmountInvoiced.Get()))
			total = total.Add(o.AmountTotal)
			for _, l := range o.Lines.All() {
				w.HasDownPayments.Set(w.HasDownPayments.Get() || l.IsDownpayment)
			}
		}
		drafts, err := draftInvoices(env, orm.IDs(env, os)...)
		if err != nil {
			return err
		}
		w.DraftWarning.Set(len(drafts) > 0)
		asked := w.FixedAmount
		if w.Method == advancePercentage {
			asked = total.Mul(w.Amount).Shift(-2)
		}
		w.InvoicingWarning.Set(w.Method != advanceDelivered && asked.Add(w.AmountInvoiced.Get()).GreaterThan(total))
	}
	return nil
}

// invoice makes the invoices the wizard is set to.
func (w *Advance) invoice(env *orm.Env, os []*Order) error {
	asked := map[string]decimal.Decimal{advancePercentage: w.Amount, advanceFixed: w.FixedAmount}
	if amount, advance := asked[w.Method]; advance && !amount.IsPositive() {
		return orm.UserErrorf("The value of the down payment amount must be positive.")
	}
	if w.Method == advanceDelivered {
		_, err := createInvoices(env, os, w.Deduct, !w.Consolidated)
		return err
	}
	if len(os) != 1 {
		return orm.UserErrorf("A down payment is asked for one order at a time; %d are selected.", len(os))
	}
	_, err := InvoiceDownPayment(env, os[0], w.Method == advancePercentage, asked[w.Method])
	return err
}

// InvoiceDownPayment makes a draft invoice that asks a part of an order in
// advance: a percentage, or an amount with taxes in the order's currency. The
// order gets a line for it, and later invoices deduct it.
func InvoiceDownPayment(env *orm.Env, order *Order, percentage bool, amount decimal.Decimal) (*account.Move, error) {
	rs := orm.RecordsOf(env, order)
	if err := rs.CheckAccess(orm.OpWrite); err != nil {
		return nil, err
	}
	sudo := env.Sudo().WithContext(map[string]any{account.KeyFullPrecision: true, keySystem: true})
	o, err := orm.Get[Order](sudo, order.ID, "order_line.tax_ids")
	if err != nil {
		return nil, err
	}
	label := "Down payment"
	if percentage {
		label = "Down payment of " + amount.String() + "%"
	}
	list, err := o.downPayment(sudo, percentage, amount)
	if err != nil {
		return nil, err
	}
	last, headed := 0, false
	for _, l := range o.Lines.All() {
		last, headed = max(last, l.Sequence), headed || l.IsDownpayment && l.DisplayType == DisplayLineSection
	}
	if !headed {
		last++
		list = append([]orm.Values{{"display_type": "line_section", "name": "Down Payments"}}, list...)
	}
	for i, vals := range list {
		vals["order_id"], vals["is_downpayment"], vals["sequence"] = o.ID, true, last+i
		if vals["display_type"] == nil {
			vals["name"], vals["product_uom_qty"], vals["product_uom_id"] = label, decimal.Zero, nil
		}
	}
	made, err := sudo.Model("sale.order.line").Create(list...)
	if err != nil {
		return nil, err
	}
	ls, err := orm.Read[OrderLine](sudo, made.IDs, "tax_ids")
	if err != nil {
		return nil, err
	}
	b := newInvoiceDraft(o)
	b.name(o)
	for _, l := range ls {
		if l.DisplayType == "" {
			b.line(l, decimal.NewFromInt(1), l.TaxOverride, 0)
		}
	}
	moves, err := createInvoiceDrafts(sudo, []*invoiceDraft{b}, false)
	if err != nil {
		return nil, err
	}
	return moves[0], nil
}
