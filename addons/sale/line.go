package sale

import (
	"cmp"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

func defineLine(r *orm.Registry) {
	d := orm.Define[OrderLine](r)
	d.Compute("product_no_variant_attribute_value_ids", lineValues, "product_id")
	d.Compute("name", lineNames, "product_id")
	d.Compute("product_uom_id", func(env *orm.Env, ls []*OrderLine) error {
		if err := orm.Load(env, ls, "product_id"); err != nil {
			return err
		}
		for _, l := range ls {
			if p := l.ProductID.Rec(); p != nil {
				l.UoMID = orm.RefTo[uom.UoM](p.UoMID.ID)
			}
		}
		return nil
	}, "product_id")
	d.Compute("tax_ids", lineTaxes, "product_id", "company_id")
	d.Compute("price_unit, technical_price_unit", linePrices, "product_id", "product_uom_id", "product_uom_qty")
	d.Compute("price_subtotal, price_tax, price_total, price_reduce_taxexcl, price_reduce_taxinc", lineAmounts,
		"product_uom_qty", "discount", "price_unit", "tax_ids", "tax_override", "display_type", "currency_id", "order_id.tax_rounding_method")
	d.Compute("qty_delivered_method", func(_ *orm.Env, ls []*OrderLine) error {
		for _, l := range ls {
			l.DeliveredMethod = ""
			if l.DisplayType == "" {
				l.DeliveredMethod = DeliveredManual
			}
		}
		return nil
	}, "display_type", "product_id")
	d.Compute("qty_invoiced, untaxed_amount_invoiced", lineInvoiced, "invoice_lines.parent_state", "invoice_lines.quantity", "invoice_lines.product_uom_id",
		"invoice_lines.price_subtotal", "invoice_lines.move_id.move_type", "product_uom_id", "currency_id", "company_id")
	d.Compute("qty_invoiced_posted, amount_invoiced, amount_to_invoice", lineAmountsInvoiced, "price_total", "product_uom_qty", "qty_delivered", "product_id.invoice_policy", "product_uom_id",
		"invoice_lines.quantity", "invoice_lines.product_uom_id", "invoice_lines.price_total", "invoice_lines.parent_state", "invoice_lines.move_id.move_type", "currency_id", "company_id")
	d.Compute("qty_to_invoice, untaxed_amount_to_invoice, invoice_status", lineToInvoice, "state", "display_type", "is_downpayment", "price_subtotal", "price_unit", "discount",
		"product_uom_qty", "qty_delivered", "qty_invoiced", "untaxed_amount_invoiced", "product_id.invoice_policy")
	d.Compute("product_updatable", func(env *orm.Env, ls []*OrderLine) error {
		if err := orm.Load(env, ls, "order_id"); err != nil {
			return err
		}
		for _, l := range ls {
			l.ProductUpdatable.Set(l.updatable())
		}
		return nil
	}, "state", "qty_invoiced", "qty_delivered", "order_id.locked")
	d.Compute("display_name", func(env *orm.Env, ls []*OrderLine) error {
		if err := orm.Load(env.Sudo(), ls, "order_id", "product_id.name", "order_partner_id.commercial_partner_id"); err != nil {
			return err
		}
		for _, l := range ls {
			what, _, _ := strings.Cut(l.Name, "\n")
			if p := l.ProductID.Rec(); what == "" && p != nil {
				what = p.Name
			}
			l.DisplayName.Set(what)
			if l.OrderID.IsSet() {
				l.DisplayName.Set(l.OrderID.Rec().Name + " - " + what)
			}
			if p := l.OrderPartnerID.Rec(); p != nil && p.CommercialPartnerID.IsSet() {
				customer := p.CommercialPartnerID.Rec()
				l.DisplayName.Set(l.DisplayName.Get() + " (" + cmp.Or(customer.Ref, customer.Name) + ")")
			}
		}
		return nil
	}, "order_id.name", "name", "product_id.name", "order_partner_id.commercial_partner_id.ref", "order_partner_id.commercial_partner_id.name")
	d.Check("non_accountable_null_fields", "display_type IS NULL OR (product_id IS NULL AND price_unit = 0 AND product_uom_qty = 0 AND product_uom_id IS NULL AND customer_lead = 0)",
		"Sections and notes carry no product, price or quantity.")
	d.Constrain("name", func(_ *orm.Env, ls []*OrderLine) error {
		for _, l := range ls {
			if strings.TrimSpace(l.Name) == "" {
				return orm.ValidationErrorf("A line of an order needs a description (name), or a product that gives it one.")
			}
		}
		return nil
	})
	d.OnCreate(createLines)
	d.OnWrite(writeLines)
	d.OnUnlink(unlinkLines)
}

// updatable reports whether the product of the line may still be replaced. The
// order must be loaded.
func (l *OrderLine) updatable() bool {
	switch l.State {
	case OrderCancelled:
		return false
	case OrderSale:
		return !l.OrderID.Rec().Locked && !l.QtyInvoiced.IsPositive() && !l.QtyDelivered.IsPositive()
	}
	return true
}

// billable is the quantity the customer has to pay for by now: the ordered one,
// or with the delivery policy the delivered one. The product must be loaded.
func (l *OrderLine) billable() decimal.Decimal {
	if p := l.ProductID.Rec(); p != nil && p.InvoicePolicy == "order" {
		return l.Quantity
	}
	return l.QtyDelivered
}

// lineNames describes products in the language of the customer: the name with
// its reference, and the description for sales.
func lineNames(env *orm.Env, ls []*OrderLine) error {
	if err := orm.Load(env, ls, "order_id.partner_id", "product_id", "product_no_variant_attribute_value_ids.attribute_line_id"); err != nil {
		return err
	}
	byLang := map[string][]*OrderLine{}
	for _, l := range ls {
		if !l.ProductID.IsSet() {
			continue
		}
		lang := ""
		if p := l.OrderID.Rec().PartnerID.Rec(); p != nil {
			lang = p.Lang
		}
		byLang[lang] = append(byLang[lang], l)
	}
	for lang, ls := range byLang {
		in := env
		if lang != "" {
			in = env.WithContext(map[string]any{"lang": lang})
		}
		var ids []int64
		for _, l := range ls {
			ids = append(ids, l.ProductID.ID)
		}
		ps, err := orm.Read[Product](in, distinct(ids), "display_name")
		if err != nil {
			return err
		}
		names := map[int64]string{}
		for _, p := range ps {
			names[p.ID] = p.DisplayName.Get()
			if p.DescriptionSale != "" {
				names[p.ID] += "\n" + p.DescriptionSale
			}
		}
		for _, l := range ls {
			l.Name = names[l.ProductID.ID]
			chosen, err := l.chosenNames(in)
			if err != nil {
				return err
			}
			for _, v := range chosen {
				l.Name += "\n" + v
			}
		}
	}
	return nil
}

// chosenNames describe the values that make no variant, where there was a
// choice.
func (l *OrderLine) chosenNames(env *orm.Env) ([]string, error) {
	var ids []int64
	for _, v := range l.chosen() {
		if a := v.LineID.Rec(); a != nil && (a.ValueCount > 1 || v.DisplayType == "multi") {
			ids = append(ids, v.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	names, err := env.Model("product.template.attribute.value").Browse(ids...).DisplayNames()
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = names[id]
	}
	return out, err
}

// lineValues drops the values that the product of a line does not come in.
func lineValues(env *orm.Env, ls []*OrderLine) error {
	if err := orm.Load(env, ls, "product_id", "product_no_variant_attribute_value_ids"); err != nil {
		return err
	}
	for _, l := range ls {
		var ids []int64
		for _, v := range l.chosen() {
			ids = append(ids, v.ID)
		}
		l.NoVariantIDs.Set(ids...)
	}
	return nil
}

// chosen are the values that make no variant and that the product comes in.
// Both must be loaded.
func (l *OrderLine) chosen() []*product.TemplateAttributeValue {
	var out []*product.TemplateAttributeValue
	for _, v := range l.NoVariantIDs.All() {
		if p := l.ProductID.Rec(); p != nil && v.TemplateID.ID == p.TemplateID.ID && v.Active {
			out = append(out, v)
		}
	}
	return out
}

// lineTaxes are the sales taxes of the products, those of the order's company,
// mapped by its fiscal position.
func lineTaxes(env *orm.Env, ls []*OrderLine) error {
	if err := orm.Load(env, ls, "order_id", "product_id"); err != nil {
		return err
	}
	own, err := productTaxes(env, ls)
	if err != nil {
		return err
	}
	for _, l := range ls {
		l.TaxIDs.Set()
		if l.DisplayType != "" || !l.ProductID.IsSet() {
			continue
		}
		taxes, err := account.MapTaxes(env, l.OrderID.Rec().FiscalPositionID.ID, own[l.ID])
		if err != nil {
			return err
		}
		l.TaxIDs.Set(taxes...)
	}
	return nil
}

// productTaxes are the sales taxes of the lines' products in the orders'
// companies, before any fiscal position, by line. Orders and products must be
// loaded.
func productTaxes(env *orm.Env, ls []*OrderLine) (map[int64][]int64, error) {
	var ids []int64
	for _, l := range ls {
		if p := l.ProductID.Rec(); p != nil {
			ids = append(ids, p.TemplateID.ID)
		}
	}
	ts, err := orm.Read[account.Template](env.Sudo(), distinct(ids), "taxes_id")
	if err != nil {
		return nil, err
	}
	all := map[int64][]int64{}
	for _, t := range ts {
		all[t.ID] = t.TaxesID.IDs()
	}
	type key struct{ template, company int64 }
	kept := map[key][]int64{}
	out := map[int64][]int64{}
	for _, l := range ls {
		p := l.ProductID.Rec()
		if p == nil {
			continue
		}
		k := key{p.TemplateID.ID, l.OrderID.Rec().CompanyID.ID}
		if _, ok := kept[k]; !ok {
			if kept[k], err = account.TaxesOf(env, all[k.template], k.company, "sale"); err != nil {
				return nil, err
			}
		}
		out[l.ID] = kept[k]
	}
	return out, nil
}

// lineAmounts charges the taxes of lines.
func lineAmounts(env *orm.Env, ls []*OrderLine) error {
	if err := orm.Load(env, ls, "order_id"); err != nil {
		return err
	}
	docs := map[int64]*account.Document{}
	at := make([]int, len(ls))
	var all []*account.Document
	for i, l := range ls {
		o := l.OrderID.Rec()
		if o == nil { // a line by itself, in a form
			o = &Order{}
		}
		d := docs[o.ID]
		if d == nil {
			d = &account.Document{Company: o.CompanyID.ID, Currency: l.CurrencyID.ID, Rounding: o.TaxRounding}
			docs[o.ID] = d
			all = append(all, d)
		}
		at[i] = len(d.Lines)
		d.Lines = append(d.Lines, l.taxLine())
	}
	if err := account.ComputeDocuments(env, all...); err != nil {
		return err
	}
	for i, l := range ls {
		r := docs[l.OrderID.ID].Results[at[i]]
		l.PriceSubtotal, l.PriceTotal = r.Subtotal, r.Total
		l.PriceTax = r.Total.Sub(r.Subtotal)
		l.ReduceTaxExcl, l.ReduceTaxIncl = decimal.Zero, decimal.Zero
		if l.Quantity.IsZero() {
			continue
		}
		var err error
		if l.ReduceTaxExcl, err = base.Round(env, r.Subtotal.DivRound(l.Quantity, 16), l.CurrencyID.ID); err != nil {
			return err
		}
		if l.ReduceTaxIncl, err = base.Round(env, r.Total.DivRound(l.Quantity, 16), l.CurrencyID.ID); err != nil {
			return err
		}
	}
	return nil
}

// lineInvoiced sums what invoices that are not cancelled say of the quantity,
// and posted ones of the untaxed amount. Credit notes count negative.
func lineInvoiced(env *orm.Env, ls []*OrderLine) error {
	for _, l := range ls {
		l.QtyInvoiced, l.UntaxedInvoiced = decimal.Zero, decimal.Zero
		for _, i := range l.InvoiceLines.All() {
			sign := invoiceSign(i)
			if sign.IsZero() || i.ParentState == account.MoveCancelled {
				continue
			}
			qty, err := uom.Convert(env, i.Quantity, i.UoMID.ID, l.UoMID.ID, uom.HalfUp)
			if err != nil {
				return err
			}
			l.QtyInvoiced = l.QtyInvoiced.Add(qty.Mul(sign))
			if i.ParentState != account.MovePosted {
				continue
			}
			amount, err := inCurrencyOf(env, l, i, i.PriceSubtotal)
			if err != nil {
				return err
			}
			l.UntaxedInvoiced = l.UntaxedInvoiced.Add(amount.Mul(sign))
		}
	}
	return nil
}

// invoiceSign is 1 for the lines of customer invoices, -1 for those of credit
// notes, 0 for others. The entry must be loaded.
func invoiceSign(i *account.MoveLine) decimal.Decimal {
	switch i.MoveID.Rec().MoveType {
	case account.OutInvoice, account.OutReceipt:
		return decimal.NewFromInt(1)
	case account.OutRefund:
		return decimal.NewFromInt(-1)
	}
	return decimal.Zero
}

func inCurrencyOf(env *orm.Env, l *OrderLine, i *account.MoveLine, amount decimal.Decimal) (decimal.Decimal, error) {
	if i.CurrencyID.ID == l.CurrencyID.ID {
		return amount, nil
	}
	day := i.InvoiceDate
	if day.IsZero() {
		day = env.Today()
	}
	return base.Convert(env, amount, i.CurrencyID.ID, l.CurrencyID.ID, l.CompanyID.ID, day)
}

// lineAmountsInvoiced sums what posted invoices say of lines. What is left to be
// invoiced is counted by quantity, at the price with taxes that the line has now.
func lineAmountsInvoiced(env *orm.Env, ls []*OrderLine) error {
	for _, l := range ls {
		l.QtyPosted.Set(decimal.Zero)
		l.AmountInvoiced.Set(decimal.Zero)
		l.AmountToInvoice.Set(decimal.Zero)
		for _, i := range l.InvoiceLines.All() {
			if i.ParentState != account.MovePosted {
				continue
			}
			qty, err := uom.Convert(env, i.Quantity, i.UoMID.ID, l.UoMID.ID, uom.HalfUp)
			if err != nil {
				return err
			}
			amount, err := inCurrencyOf(env, l, i, i.PriceTotal)
			if err != nil {
				return err
			}
			l.QtyPosted.Set(l.QtyPosted.Get().Add(qty.Mul(invoiceSign(i))))
			l.AmountInvoiced.Set(l.AmountInvoiced.Get().Add(amount.Mul(invoiceSign(i))))
		}
		if l.Quantity.IsZero() {
			continue
		}
		wanted := l.Quantity
		if p := l.ProductID.Rec(); p != nil && p.InvoicePolicy == "delivery" {
			wanted = l.QtyDelivered
		}
		left, err := base.Round(env, l.PriceTotal.Mul(wanted.Sub(l.QtyPosted.Get())).DivRound(l.Quantity, 16), l.CurrencyID.ID)
		if err != nil {
			return err
		}
		l.AmountToInvoice.Set(left)
	}
	return nil
}

// lineToInvoice tells what of lines is still to be invoiced.
func lineToInvoice(env *orm.Env, ls []*OrderLine) error {
	for _, l := range ls {
		l.QtyToInvoice, l.UntaxedToInvoice = decimal.Zero, decimal.Zero
		if l.State == OrderSale && l.DisplayType == "" {
			l.QtyToInvoice = l.billable().Sub(l.QtyInvoiced)
			due, err := base.Round(env, l.billableAmount(), l.CurrencyID.ID)
			if err != nil {
				return err
			}
			l.UntaxedToInvoice = decimal.Max(due.Sub(l.UntaxedInvoiced), decimal.Zero)
		}
		l.InvoiceStatus = l.invoiceStatus()
	}
	return nil
}

// billableAmount is the untaxed amount of the billable quantity, not rounded.
func (l *OrderLine) billableAmount() decimal.Decimal {
	q := l.billable()
	switch {
	case q.Equal(l.Quantity):
		return l.PriceSubtotal
	case l.Quantity.IsZero():
		return l.PriceUnit.Mul(q).Mul(hundred.Sub(l.Discount)).Shift(-2)
	}
	return l.PriceSubtotal.Mul(q).DivRound(l.Quantity, 16)
}

func (l *OrderLine) invoiceStatus() string {
	p := l.ProductID.Rec()
	switch {
	case l.State != OrderSale:
		return "no"
	case l.IsDownpayment && l.UntaxedToInvoice.IsZero():
		return "invoiced"
	case !l.QtyToInvoice.IsZero():
		return "to invoice"
	case p != nil && p.InvoicePolicy == "order" && !l.Quantity.IsNegative() && l.QtyDelivered.GreaterThan(l.Quantity):
		return "upselling"
	case l.QtyInvoiced.GreaterThanOrEqual(l.Quantity):
		return "invoiced"
	}
	return "no"
}
