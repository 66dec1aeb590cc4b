package sale

import (
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sales_team"
	"fusionsoft.ca/fusion/framework/orm"
)

func defineOrder(r *orm.Registry) {
	d := orm.Define[Order](r)
	d.Compute("partner_invoice_id, partner_shipping_id", orderAddresses, "partner_id")
	d.Compute("fiscal_position_id", func(env *orm.Env, os []*Order) error {
		for _, o := range os {
			id, err := account.FiscalPositionFor(env, o.CompanyID.ID, o.PartnerID.ID, o.ShippingID.ID)
			if err != nil {
				return err
			}
			o.FiscalPositionID = orm.RefTo[account.FiscalPosition](id)
		}
		return nil
	}, "partner_id", "partner_shipping_id", "company_id")
	d.Compute("payment_term_id", func(env *orm.Env, os []*Order) error {
		for _, o := range os {
			id, err := account.PartnerProperty(env, o.CompanyID.ID, o.PartnerID.ID, "property_payment_term_id")
			if err != nil {
				return err
			}
			o.PaymentTermID = orm.RefTo[account.PaymentTerm](id)
		}
		return nil
	}, "partner_id", "company_id")
	d.Compute("pricelist_id", orderPricelists, "partner_id", "company_id")
	d.Compute("currency_id", orderCurrencies, "pricelist_id.currency_id", "company_id")
	d.Compute("currency_rate", func(env *orm.Env, os []*Order) error {
		for _, o := range os {
			own, err := base.CompanyCurrency(env, o.CompanyID.ID)
			if err != nil {
				return err
			}
			if o.CurrencyRate, err = base.ConversionRate(env, own, o.CurrencyID.ID, o.CompanyID.ID, orm.DateOf(o.DateOrder.Time())); err != nil {
				return err
			}
		}
		return nil
	}, "currency_id", "date_order", "company_id")
	d.Compute("user_id", orderSalespeople, "partner_id")
	d.Compute("team_id", func(env *orm.Env, os []*Order) error {
		for _, o := range os {
			id, err := sales_team.TeamOf(env, o.UserID.ID, o.CompanyID.ID)
			if err != nil {
				return err
			}
			o.TeamID = orm.RefTo[sales_team.Team](id)
		}
		return nil
	}, "user_id", "company_id")
	d.Compute("amount_untaxed, amount_tax, amount_total", orderAmounts, "order_line.price_subtotal", "order_line.price_tax", "order_line.price_total",
		"order_line.price_unit", "order_line.product_uom_qty", "order_line.discount", "order_line.tax_ids", "order_line.tax_override", "order_line.display_type", "tax_rounding_method", "currency_id")
	d.Compute("tax_totals", orderTaxTotals, "order_line.tax_ids", "order_line.price_subtotal", "amount_total")
	d.Compute("invoice_ids, invoice_count", orderInvoices, "order_line.invoice_lines")
	d.Compute("invoice_status", orderInvoiceStatus, "state", "order_line.invoice_status", "order_line.is_downpayment", "order_line.display_type")
	d.Compute("amount_to_invoice, amount_invoiced", orderInvoiced, "order_line.amount_to_invoice", "order_line.amount_invoiced")
	d.Compute("amount_undiscounted", undiscounted, "order_line.price_subtotal", "order_line.discount", "order_line.price_unit", "order_line.product_uom_qty")
	d.Compute("type_name", func(_ *orm.Env, os []*Order) error {
		for _, o := range os {
			o.TypeName.Set("Sales Order")
			if o.State == OrderDraft || o.State == OrderSent || o.State == OrderCancelled {
				o.TypeName.Set("Quotation")
			}
		}
		return nil
	}, "state")
	d.Compute("display_name", func(env *orm.Env, os []*Order) error {
		with := env.Flag(partnerInName, false)
		if with {
			if err := orm.Load(env.Sudo(), os, "partner_id"); err != nil {
				return err
			}
		}
		for _, o := range os {
			o.DisplayName.Set(o.Name)
			if !with {
				continue
			}
			if p := o.PartnerID.Rec(); p != nil && p.Name != "" {
				o.DisplayName.Set(o.DisplayName.Get() + " - " + p.Name)
			}
		}
		return nil
	}, "name")
	d.SearchBy("display_name", func(env *orm.Env, op string, value any) (orm.Domain, error) {
		if env.Flag(partnerInName, false) {
			return orm.AnyOf(op, value, "name", "partner_id.name"), nil
		}
		return orm.Leaf("name", op, value), nil
	})
	d.Compute("expected_date", func(env *orm.Env, os []*Order) error {
		for _, o := range os {
			o.ExpectedDate.Set(orm.Datetime{})
			for _, day := range o.ExpectedDates(env, o.Lines.All()) {
				if o.ExpectedDate.Get().IsZero() || day.Time().Before(o.ExpectedDate.Get().Time()) {
					o.ExpectedDate.Set(day)
				}
			}
		}
		return nil
	}, "state", "date_order", "order_line.customer_lead", "order_line.display_type")
	d.Compute("is_expired", func(env *orm.Env, os []*Order) error {
		for _, o := range os {
			o.IsExpired.Set((o.State == OrderDraft || o.State == OrderSent) && !o.ValidityDate.IsZero() && o.ValidityDate.Before(env.Today()))
		}
		return nil
	}, "state", "validity_date")
	d.SearchBy("invoice_ids", searchOrderInvoices)
	d.Check("date_order_conditional_required", "state <> 'sale' OR date_order IS NOT NULL", "A confirmed sales order requires a confirmation date.")
	d.OnCreate(createOrders)
	d.OnWrite(writeOrders)
	d.OnUnlink(unlinkOrders)
	d.OnCopyData(copyOrders)
	d.OnCopy(account.CopyExactly)
	defineFlow(d)
}

// taxRounding is how a company rounds the taxes of new orders: as the company
// at the top does, whose books it uses.
func taxRounding(env *orm.Env, company int64) (string, error) {
	// SQL: branches use the books of a company that the user may not read.
	how, _, err := orm.MaybeRow[string](env, orm.SQL(`SELECT COALESCE(top.tax_calculation_rounding_method, '') FROM res_company c JOIN res_company top ON top.id = split_part(c.parent_path, '/', 1)::bigint WHERE c.id = ?`, company).
		Reads("res.company", "parent_path", "tax_calculation_rounding_method"))
	return how, err
}

func orderAddresses(env *orm.Env, os []*Order) error {
	for _, o := range os {
		invoice, err := account.AddressOf(env, o.PartnerID.ID, "invoice")
		if err != nil {
			return err
		}
		delivery, err := account.AddressOf(env, o.PartnerID.ID, "delivery")
		if err != nil {
			return err
		}
		o.InvoiceAddressID, o.ShippingID = orm.RefTo[base.Partner](invoice), orm.RefTo[base.Partner](delivery)
	}
	return nil
}

// orderSalespeople proposes who cares for the customer, else the user.
func orderSalespeople(env *orm.Env, os []*Order) error {
	if err := orm.Load(env, os, "partner_id.commercial_partner_id"); err != nil {
		return err
	}
	for _, o := range os {
		p := o.PartnerID.Rec()
		if p == nil || o.UserID.IsSet() {
			continue
		}
		c := p.CommercialPartnerID.Rec()
		sells, err := env.InAnyGroup("sales_team.group_sale_salesman")
		switch {
		case err != nil:
			return err
		case p.UserID.IsSet():
			o.UserID = p.UserID
		case c != nil && c.UserID.IsSet():
			o.UserID = c.UserID
		case sells:
			o.UserID = orm.RefTo[base.User](env.UID())
		}
	}
	return nil
}

// orderPricelists are the pricelists the customers buy at.
func orderPricelists(env *orm.Env, os []*Order) error {
	for _, o := range os {
		if o.State != OrderDraft {
			continue
		}
		id, err := product.PricelistOf(env.WithCompany(o.CompanyID.ID), o.PartnerID.ID)
		if err != nil {
			return err
		}
		o.PricelistID = orm.RefTo[product.Pricelist](id)
	}
	return nil
}

func orderCurrencies(env *orm.Env, os []*Order) error {
	for _, o := range os {
		if p := o.PricelistID.Rec(); p != nil {
			o.CurrencyID = orm.RefTo[base.Currency](p.CurrencyID.ID)
			continue
		}
		own, err := base.CompanyCurrency(env, o.CompanyID.ID)
		if err != nil {
			return err
		}
		o.CurrencyID = orm.RefTo[base.Currency](own)
	}
	return nil
}

// ExpectedDates are when the products on the lines of an order can be with the
// customer, by their lead times: counted from the order date once it is
// confirmed, else from now.
func (o *Order) ExpectedDates(env *orm.Env, ls []*OrderLine) []orm.Datetime {
	if o.State == OrderCancelled {
		return nil
	}
	from := env.Now()
	if o.State == OrderSale && !o.DateOrder.IsZero() {
		from = o.DateOrder.Time()
	}
	var out []orm.Datetime
	for _, l := range ls {
		if l.DisplayType != "" {
			continue
		}
		out = append(out, orm.DatetimeOf(from.Add(time.Duration(l.CustomerLead*24*float64(time.Hour)))))
	}
	return out
}

// document is an order as the tax computation sees it. Its lines are the
// order's without sections and notes, in order. They must be loaded with their
// taxes.
func (o *Order) document() *account.Document {
	doc := &account.Document{Company: o.CompanyID.ID, Currency: o.CurrencyID.ID, Rounding: o.TaxRounding, Date: orm.DateOf(o.DateOrder.Time())}
	for _, l := range o.priced() {
		doc.Lines = append(doc.Lines, l.taxLine())
	}
	return doc
}

// priced are the order's lines without sections and notes.
func (o *Order) priced() []*OrderLine {
	var out []*OrderLine
	for _, l := range o.Lines.All() {
		if l.DisplayType == "" {
			out = append(out, l)
		}
	}
	return out
}

func (l *OrderLine) taxLine() account.DocumentLine {
	line := account.DocumentLine{Price: l.PriceUnit, Quantity: l.Quantity, Discount: l.Discount, Taxes: l.TaxIDs.IDs()}
	if !l.Quantity.IsZero() { // a down payment has amounts for its invoice only
		line.Override = l.TaxOverride
	}
	return line
}

func orderAmounts(env *orm.Env, os []*Order) error {
	docs := make([]*account.Document, len(os))
	for i, o := range os {
		docs[i] = o.document()
	}
	if err := account.ComputeDocuments(env, docs...); err != nil {
		return err
	}
	for i, o := range os {
		o.AmountUntaxed, o.AmountTax = docs[i].Untaxed, docs[i].Tax
		o.AmountTotal = o.AmountUntaxed.Add(o.AmountTax)
	}
	return nil
}

func orderTaxTotals(env *orm.Env, os []*Order) error {
	if err := orm.Load(env, os, "order_line.tax_ids"); err != nil {
		return err
	}
	for _, o := range os {
		doc := o.document()
		if err := doc.Compute(env); err != nil {
			return err
		}
		totals, err := doc.Totals(env)
		if err != nil {
			return err
		}
		o.TaxTotals.Set(totals)
	}
	return nil
}

func orderInvoices(env *orm.Env, os []*Order) error {
	invoices, err := invoicesOf(env, orm.IDs(env, os))
	if err != nil {
		return err
	}
	for _, o := range os {
		o.InvoiceIDs.Set(invoices[o.ID]...)
	}
	err = orm.KeepReadable(env, "account.move", invoices)
	for _, o := range os {
		o.InvoiceCount.Set(len(invoices[o.ID]))
	}
	return err
}

// invoicesOf finds the invoices and credit notes of orders.
func invoicesOf(env *orm.Env, orders []int64) (map[int64][]int64, error) {
	// SQL: pairs over two relations.
	rows, err := orm.Rows[[2]int64](env, orm.SQL(`SELECT DISTINCT l.order_id, m.id FROM sale_order_line l JOIN sale_order_line_invoice_rel r ON r.order_line_id = l.id
		JOIN account_move_line i ON i.id = r.invoice_line_id JOIN account_move m ON m.id = i.move_id
		WHERE l.order_id = ANY(?) AND m.move_type IN ('out_invoice', 'out_refund') ORDER BY 1, 2`, orders).
		Reads("account.move.line", "move_id").Reads("account.move", "move_type").Reads("sale.order.line", "order_id", "invoice_lines"))
	if err != nil {
		return nil, err
	}
	out := map[int64][]int64{}
	for _, row := range rows {
		out[row[0]] = append(out[row[0]], row[1])
	}
	return out, nil
}

func searchOrderInvoices(env *orm.Env, op string, value any) (orm.Domain, error) {
	switch op {
	case "=", "in":
	default:
		return nil, orm.UserErrorf("Orders can be searched by their invoices with = and in only.")
	}
	return orm.Leaf("order_line.invoice_lines.move_id", op, value), nil
}

func orderInvoiceStatus(_ *orm.Env, os []*Order) error {
	for _, o := range os {
		o.InvoiceStatus = InvoiceNo
		if o.State != OrderSale {
			continue
		}
		seen := map[string]int{}
		n := 0
		for _, l := range o.Lines.All() {
			if l.IsDownpayment || l.DisplayType != "" {
				continue
			}
			seen[l.InvoiceStatus]++
			n++
		}
		switch {
		case seen["to invoice"] > 0:
			o.InvoiceStatus = InvoiceToInvoice
		case n > 0 && seen["invoiced"] == n:
			o.InvoiceStatus = InvoiceInvoiced
		case n > 0 && seen["invoiced"]+seen["upselling"] == n:
			o.InvoiceStatus = InvoiceUpselling
		}
	}
	return nil
}

// orderInvoiced sums what posted invoices took of orders, and what is left.
func orderInvoiced(_ *orm.Env, os []*Order) error {
	for _, o := range os {
		o.AmountInvoiced.Set(decimal.Zero)
		o.AmountToInvoice.Set(decimal.Zero)
		for _, l := range o.Lines.All() {
			o.AmountInvoiced.Set(o.AmountInvoiced.Get().Add(l.AmountInvoiced.Get()))
			o.AmountToInvoice.Set(o.AmountToInvoice.Get().Add(l.AmountToInvoice.Get()))
		}
	}
	return nil
}

// undiscounted is what orders cost before the discounts of their lines. What is
// free by its discount counts at its price.
func undiscounted(_ *orm.Env, os []*Order) error {
	for _, o := range os {
		o.Undiscounted.Set(decimal.Zero)
		for _, l := range o.Lines.All() {
			if l.Discount.Equal(hundred) {
				o.Undiscounted.Set(o.Undiscounted.Get().Add(l.PriceUnit.Mul(l.Quantity)))
				continue
			}
			o.Undiscounted.Set(o.Undiscounted.Get().Add(l.PriceSubtotal.Mul(hundred).DivRound(hundred.Sub(l.Discount), 16)))
		}
	}
	return nil
}
