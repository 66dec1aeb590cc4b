package sale

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/framework/orm"
)

// Invoice is what selling adds to an entry of the books.
type Invoice struct {
	account.Move
	TeamID     orm.Ref[sales_team.Team] `orm:"team_id,index" label:"Sales Team"`
	OrderCount orm.Deferred[int]        `orm:"sale_order_count" label:"Sale Order Count"`
}

// InvoiceLine is what selling adds to an item of an entry.
type InvoiceLine struct {
	account.MoveLine
	SaleLines     orm.Many[OrderLine] `orm:"sale_line_ids,rel=sale_order_line_invoice_rel:invoice_line_id:order_line_id" label:"Sales Order Lines"`
	IsDownpayment bool                `orm:"is_downpayment" label:"Is Downpayment"`
}

// ActionViewSourceOrders opens the orders an invoice was made of.
var ActionViewSourceOrders = orm.Method[Invoice]{Name: "action_view_source_sale_orders"}

// keyLinked is the context key under which copies of invoices stay invoices of
// the same order lines, as the copy of a credited invoice does.
const keyLinked = "include_business_fields"

func defineInvoice(r *orm.Registry) {
	orm.Extend[InvoiceLine](r, "account.move.line")
	d := orm.Extend[Invoice](r, "account.move")
	d.Compute("sale_order_count", func(env *orm.Env, ms []*Invoice) error {
		orders, err := ordersOf(env, orm.IDs(env, ms))
		if err == nil {
			err = orm.KeepReadable(env, "sale.order", orders)
		}
		for _, m := range ms {
			m.OrderCount.Set(len(orders[m.ID]))
		}
		return err
	})
	d.OnCopy(func(super orm.CopyFunc) orm.CopyFunc {
		return func(rs orm.Records, overrides orm.Values) (orm.Records, error) {
			made, err := super(rs, overrides)
			if err != nil || rs.Env.Flag(keyLinked, false) {
				return made, err
			}
			linked, err := rs.Env.Sudo().Model("account.move.line").Search(orm.And(orm.Leaf("move_id", "in", made.IDs), orm.Leaf("sale_line_ids", "!=", false)), orm.SearchOptions{})
			if err != nil {
				return made, err
			}
			return made, linked.Write(orm.Values{"sale_line_ids": []orm.Command{{Op: orm.CmdClear}}})
		}
	})
	orm.Implement(d, ActionViewSourceOrders, func(env *orm.Env, ms []*Invoice, _ orm.Args) (any, error) {
		orders, err := ordersOf(env, orm.IDs(env, ms))
		if err != nil {
			return nil, err
		}
		var ids []int64
		for _, list := range orders {
			ids = append(ids, list...)
		}
		return openRecords("Sales Orders", "sale.order", distinct(ids)), nil
	})
	orm.Override(r, account.ModifyMoves, func(super orm.Action[account.Reversal]) orm.Action[account.Reversal] {
		return func(env *orm.Env, ws []*account.Reversal, args orm.Args) (any, error) {
			return super(env.WithContext(map[string]any{keyLinked: true}), ws, args)
		}
	})
}

// ordersOf finds the orders of invoices.
func ordersOf(env *orm.Env, invoices []int64) (map[int64][]int64, error) {
	// SQL: pairs over two relations.
	rows, err := orm.Rows[[2]int64](env, orm.SQL(`SELECT DISTINCT i.move_id, l.order_id FROM account_move_line i JOIN sale_order_line_invoice_rel r ON r.invoice_line_id = i.id
		JOIN sale_order_line l ON l.id = r.order_line_id WHERE i.move_id = ANY(?) ORDER BY 1, 2`, invoices).
		Reads("account.move.line", "move_id").Reads("sale.order.line", "order_id", "invoice_lines"))
	if err != nil {
		return nil, err
	}
	out := map[int64][]int64{}
	for _, row := range rows {
		out[row[0]] = append(out[row[0]], row[1])
	}
	return out, nil
}

// openRecords is the action that shows some records, one in its form.
func openRecords(name, model string, ids []int64) map[string]any {
	action := map[string]any{"type": "ir.actions.act_window", "name": name, "res_model": model, "view_mode": "list,form", "domain": []any{[]any{"id", "in", ids}}}
	if len(ids) == 1 {
		action["view_mode"], action["res_id"] = "form", ids[0]
	}
	return action
}

func viewInvoices(env *orm.Env, os []*Order) (any, error) {
	found, err := invoicesOf(env, orm.IDs(env, os))
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, list := range found {
		ids = append(ids, list...)
	}
	action := openRecords("Invoices", "account.move", distinct(ids))
	action["context"] = map[string]any{"default_move_type": "out_invoice"}
	if len(os) == 1 {
		action["context"] = map[string]any{"default_move_type": "out_invoice", "default_partner_id": os[0].PartnerID.ID, "default_invoice_origin": os[0].Name}
	}
	return action, nil
}

// CreateInvoices makes draft invoices of what orders have to invoice, one for
// the orders of a customer that agree in addresses, currency, fiscal position
// and rounding. With final set what was invoiced too much, down payments too,
// is deducted; an invoice that thereby falls below zero becomes a credit note.
// Without anything to invoice it is an error. The moves are read with all
// rights, as users who sell need not see the books.
func CreateInvoices(env *orm.Env, orders []*Order, final bool) ([]*account.Move, error) {
	return createInvoices(env, orders, final, false)
}

// createInvoices is CreateInvoices, with separate for one invoice an order.
func createInvoices(env *orm.Env, orders []*Order, final, separate bool) ([]*account.Move, error) {
	rs := orm.RecordsOf(env, orders...)
	if err := rs.CheckAccess(orm.OpWrite); err != nil {
		return nil, err
	}
	sudo := env.Sudo()
	os, err := orm.Read[Order](sudo, rs.IDs, "order_line.tax_ids")
	if err != nil {
		return nil, err
	}
	var bills []*invoiceDraft
	byKey := map[string]*invoiceDraft{}
	for _, o := range os {
		lines, err := o.invoiceable(final)
		if err != nil {
			return nil, err
		}
		if len(lines) == 0 {
			continue
		}
		key := o.invoiceGroupKey()
		if separate {
			key += fmt.Sprint("|", o.ID)
		}
		b := byKey[key]
		if b == nil {
			b = newInvoiceDraft(o)
			byKey[key] = b
			bills = append(bills, b)
		}
		if err := b.add(sudo, o, lines); err != nil {
			return nil, err
		}
	}
	if len(bills) == 0 {
		return nil, orm.UserErrorf("There is nothing to invoice. A product is invoiced by the quantity ordered or the quantity delivered, as its Invoicing Policy says: deliver what is invoiced by delivery, or change the policy of the product.")
	}
	return createInvoiceDrafts(sudo, bills, final)
}

// invoiceable are the lines that go on the next invoice: those with something
// to invoice under the sections they stand in, then the down payments.
func (o *Order) invoiceable(final bool) ([]*OrderLine, error) {
	var out, down []*OrderLine
	var section *OrderLine
	products := 0
	for _, l := range o.Lines.All() {
		if l.DisplayType == DisplayLineSection {
			section = l
			continue
		}
		if l.DisplayType == "" && (l.QtyToInvoice.IsZero() || l.QtyToInvoice.IsNegative() && !final) {
			continue
		}
		if l.DisplayType == "" {
			products++
		}
		if l.IsDownpayment {
			down = append(down, l)
			continue
		}
		if section != nil {
			out, section = append(out, section), nil
		}
		out = append(out, l)
	}
	if products == 0 {
		return nil, nil
	}
	return append(out, down...), nil
}

// invoiceGroupKey tells orders apart that cannot share an invoice.
func (o *Order) invoiceGroupKey() string {
	return fmt.Sprint(o.CompanyID.ID, o.InvoiceAddressID.ID, o.ShippingID.ID, o.CurrencyID.ID, o.FiscalPositionID.ID, o.JournalID.ID, o.TaxRounding)
}

// invoiceDraft collects the values of an invoice before it is created.
type invoiceDraft struct {
	vals          orm.Values
	origins, refs []string
	payment       []string
	lines         []orm.Values
	doc           *account.Document
	negative      bool // some line lowers the total
}

func newInvoiceDraft(o *Order) *invoiceDraft {
	return &invoiceDraft{doc: &account.Document{Company: o.CompanyID.ID, Currency: o.CurrencyID.ID, Rounding: o.TaxRounding},
		vals: orm.Values{"move_type": "out_invoice", "company_id": o.CompanyID.ID, "partner_id": o.InvoiceAddressID.ID, "partner_shipping_id": orNil(o.ShippingID.ID),
			"currency_id": o.CurrencyID.ID, "fiscal_position_id": orNil(o.FiscalPositionID.ID), "invoice_payment_term_id": orNil(o.PaymentTermID.ID),
			"invoice_user_id": orNil(o.UserID.ID), "team_id": orNil(o.TeamID.ID), "tax_rounding_method": o.TaxRounding, "narration": orNilText(o.Note)}}
}

func orNilText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orNil(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// name adds where the bill comes from.
func (b *invoiceDraft) name(o *Order) {
	b.origins = append(b.origins, o.Name)
	b.refs = append(b.refs, cmp.Or(o.ClientOrderRef, o.Name))
	if o.Reference != "" {
		b.payment = append(b.payment, o.Reference)
	}
	if o.JournalID.IsSet() {
		b.vals["journal_id"] = o.JournalID.ID
	}
}

// add puts lines of an order, with what they have to invoice, on the bill.
func (b *invoiceDraft) add(env *orm.Env, o *Order, lines []*OrderLine) error {
	b.name(o)
	overrides, err := overridesFor(env, o, lines)
	if err != nil {
		return err
	}
	accounts, err := downPaymentAccounts(env, o, lines)
	if err != nil {
		return err
	}
	headed := false
	for _, l := range lines {
		if l.IsDownpayment && !headed {
			headed = true
			b.lines = append(b.lines, orm.Values{"display_type": "line_section", "name": "Down Payments", "sequence": len(b.lines) + 1})
		}
		b.line(l, l.QtyToInvoice, overrides[l.ID], accounts[l.ID])
	}
	return nil
}

// line puts a quantity of one order line on the bill.
func (b *invoiceDraft) line(l *OrderLine, qty decimal.Decimal, override orm.JSON, accountID int64) {
	vals := orm.Values{"name": l.Name, "display_type": "product", "sequence": len(b.lines) + 1, "sale_line_ids": []orm.Command{orm.Link(l.ID)}}
	b.lines = append(b.lines, vals)
	if l.DisplayType != "" {
		vals["display_type"] = l.DisplayType
		return
	}
	vals["product_id"], vals["product_uom_id"], vals["quantity"] = orNil(l.ProductID.ID), orNil(l.UoMID.ID), qty
	vals["price_unit"], vals["discount"], vals["is_downpayment"] = l.PriceUnit, l.Discount, l.IsDownpayment
	vals["tax_ids"], vals["tax_override"] = []orm.Command{orm.SetIDs(l.TaxIDs.IDs()...)}, nil
	if len(override) > 0 {
		vals["tax_override"] = override
	}
	if accountID != 0 {
		vals["account_id"] = accountID
	}
	b.doc.Lines = append(b.doc.Lines, account.DocumentLine{Price: l.PriceUnit, Quantity: qty, Discount: l.Discount, Taxes: l.TaxIDs.IDs(), Override: override})
	b.negative = b.negative || l.PriceUnit.Mul(qty).IsNegative()
}

// downPaymentAccounts are the accounts on which the lines' down payments were
// booked; what is deducted from an invoice goes off the same.
func downPaymentAccounts(env *orm.Env, o *Order, lines []*OrderLine) (map[int64]int64, error) {
	var down []*OrderLine
	for _, l := range lines {
		if l.IsDownpayment && l.DisplayType == "" {
			down = append(down, l)
		}
	}
	out := map[int64]int64{}
	if err := orm.Load(env, down, "invoice_lines"); err != nil {
		return nil, err
	}
	for _, l := range down {
		for _, i := range l.InvoiceLines.All() {
			if out[l.ID] == 0 {
				out[l.ID] = i.AccountID.ID
			}
		}
	}
	return out, nil
}

// refund turns the bill round: what it owes the customer, as a credit note.
func (b *invoiceDraft) refund() error {
	b.vals["move_type"] = "out_refund"
	delete(b.vals, "invoice_payment_term_id")
	for _, vals := range b.lines {
		qty, ok := vals["quantity"].(decimal.Decimal)
		if !ok {
			continue
		}
		vals["quantity"] = qty.Neg()
		raw, _ := vals["tax_override"].(orm.JSON)
		amounts, err := account.ParseTaxOverride(raw)
		if err != nil {
			return err
		}
		for id, a := range amounts {
			amounts[id] = a.Neg()
		}
		if len(amounts) > 0 {
			vals["tax_override"] = account.NewTaxOverride(amounts)
		}
	}
	return nil
}

// createInvoiceDrafts makes draft entries of bills.
func createInvoiceDrafts(env *orm.Env, bills []*invoiceDraft, final bool) ([]*account.Move, error) {
	// Orders keep the digits they were given; so do their invoices.
	env = env.WithContext(map[string]any{account.KeyFullPrecision: true})
	list := make([]orm.Values, len(bills))
	for i, b := range bills {
		if final && b.negative {
			if err := b.doc.Compute(env); err != nil {
				return nil, err
			}
			if b.doc.Untaxed.Add(b.doc.Tax).IsNegative() {
				if err := b.refund(); err != nil {
					return nil, err
				}
			}
		}
		b.vals["invoice_origin"], b.vals["ref"] = strings.Join(b.origins, ", "), strings.Join(b.refs, ", ")
		if len(b.payment) == 1 {
			b.vals["payment_reference"] = b.payment[0]
		}
		cmds := make([]orm.Command, len(b.lines))
		for k, vals := range b.lines {
			cmds[k] = orm.CreateLine(vals)
		}
		b.vals["invoice_line_ids"] = cmds
		list[i] = b.vals
	}
	made, err := env.Model("account.move").Create(list...)
	if err != nil {
		return nil, err
	}
	return orm.Read[account.Move](env, made.IDs)
}
