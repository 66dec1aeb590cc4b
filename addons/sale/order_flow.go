package sale

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// KeepDateOrder is the context key under which action_confirm leaves the order
// date as it is, for orders that were placed elsewhere at a time of their own.
const KeepDateOrder = "keep_date_order"

func defineFlow(d *orm.Def[Order]) {
	orm.Implement(d, ActionConfirm, confirm)
	orm.Implement(d, ConfirmOrder, func(*orm.Env, []*Order, orm.Args) (any, error) { return true, nil })
	orm.Implement(d, ActionCancel, cancel)
	orm.Implement(d, CancelOrder, cancelNow)
	orm.Implement(d, ActionDraft, func(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
		var back []*Order
		for _, o := range os {
			if o.State == OrderCancelled || o.State == OrderSent {
				back = append(back, o)
			}
		}
		return true, setState(env, back, "draft")
	})
	orm.Implement(d, ActionQuotationSent, quotationSent)
	orm.Implement(d, ActionLock, func(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
		return nil, orm.RecordsOf(env, os...).Write(orm.Values{"locked": true})
	})
	orm.Implement(d, ActionUnlock, func(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
		return nil, orm.RecordsOf(env, os...).Write(orm.Values{"locked": false})
	})
	orm.Implement(d, ActionViewInvoice, func(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
		return viewInvoices(env, os)
	})
	orm.Implement(d, ActionUpdatePrices, updatePrices)
	orm.Implement(d, ActionUpdateTaxes, func(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
		return nil, recompute(env, os, lineTaxes, "tax_ids")
	})
	orm.Implement(d, orm.Method[Order]{Name: mail.TrackSubtype}, func(_ *orm.Env, os []*Order, args orm.Args) (any, error) {
		changed, _ := args.Get(0, "init_values").(map[string]any)
		if _, ok := changed["state"]; !ok || len(os) == 0 {
			return "", nil
		}
		return map[string]string{"sent": "sale.mt_order_sent", "sale": "sale.mt_order_confirmed"}[os[0].State], nil
	})
}

func setState(env *orm.Env, os []*Order, state string) error {
	if len(os) == 0 {
		return nil
	}
	return orm.RecordsOf(env, os...).Write(orm.Values{"state": state})
}

// confirm turns quotations into orders: it checks them, sets their state and
// date, lets the customer follow, and runs what addons do on confirmation.
func confirm(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
	if err := orm.Load(env, os, "order_line"); err != nil {
		return nil, err
	}
	for _, o := range os {
		if o.State != OrderDraft && o.State != OrderSent {
			return nil, orm.UserErrorf("Some orders are not in a state requiring confirmation.")
		}
		for _, l := range o.Lines.All() {
			if l.DisplayType == "" && !l.IsDownpayment && !l.ProductID.IsSet() {
				return nil, orm.UserErrorf("A line on these orders missing a product, you cannot confirm it.")
			}
		}
	}
	rs := orm.RecordsOf(env, os...)
	vals := orm.Values{"state": OrderSale}
	if !env.Flag(KeepDateOrder, false) {
		vals["date_order"] = env.Now()
	}
	// The state comes first: who confirms the same order at once waits here, and
	// is then told that it is confirmed.
	if err := rs.Write(vals); err != nil {
		return nil, err
	}
	if !env.Flag("tracking_disable", false) {
		if err := customersFollow(rs, os); err != nil {
			return nil, err
		}
	}
	if err := orm.Reload(env, os); err != nil {
		return nil, err
	}
	if _, err := orm.Invoke(env, ConfirmOrder, os); err != nil {
		return nil, err
	}
	lock, err := env.InAnyGroup("sale.group_auto_done_setting")
	if err != nil || !lock {
		return true, err
	}
	_, err = orm.Invoke(env, ActionLock, os)
	return true, err
}

func quotationSent(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
	for _, o := range os {
		if o.State != OrderDraft {
			return nil, orm.UserErrorf("Only draft orders can be marked as sent directly.")
		}
	}
	if err := setState(env, os, "sent"); err != nil {
		return nil, err
	}
	return nil, customersFollow(orm.RecordsOf(env, os...), os)
}

// customersFollow lets the customers of orders follow them.
func customersFollow(rs orm.Records, os []*Order) error {
	for _, o := range os {
		if err := mail.Subscribe(rs.Browse(o.ID), []int64{o.PartnerID.ID}); err != nil {
			return err
		}
	}
	return nil
}

// updatePrices takes the prices of all lines from the pricelist again, those
// set by hand too, and takes their discounts away.
func updatePrices(env *orm.Env, os []*Order, _ orm.Args) (any, error) {
	if err := orm.RecordsOf(env, os...).CheckAccess(orm.OpWrite); err != nil {
		return nil, err
	}
	anew := func(env *orm.Env, ls []*OrderLine) error {
		for _, l := range ls {
			l.Discount = decimal.Zero
		}
		return proposePrices(env, ls)
	}
	if err := recompute(env, os, anew, "price_unit", "technical_price_unit", "discount"); err != nil {
		return nil, err
	}
	for _, o := range os {
		text := "The prices of the products were computed anew."
		if o.PricelistID.IsSet() {
			list, err := env.Sudo().Model("product.pricelist").Browse(o.PricelistID.ID).DisplayNames()
			if err != nil {
				return nil, err
			}
			text = "The prices of the products were computed anew by the pricelist " + list[o.PricelistID.ID] + "."
		}
		if err := note(env, o.ID, text); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// recompute proposes values of all product lines of orders anew.
func recompute(env *orm.Env, os []*Order, compute func(*orm.Env, []*OrderLine) error, fields ...string) error {
	if err := env.Flush(); err != nil {
		return err
	}
	if err := orm.Load(env, os, "order_line"); err != nil {
		return err
	}
	var ls []*OrderLine
	for _, o := range os {
		for _, l := range o.Lines.All() {
			if l.DisplayType == "" && !l.IsDownpayment {
				ls = append(ls, l)
			}
		}
	}
	if err := compute(env, ls); err != nil {
		return err
	}
	return orm.Save(env, ls, fields...)
}

func createOrders(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			vals = vals.Clone()
			full[i] = vals
			company := vals.ID("company_id")
			if company == 0 {
				company = rs.Env.KeyID("default_company_id")
			}
			if company == 0 {
				company = rs.Env.Company()
			}
			if name := vals.Text("name"); name == "" || name == "New" {
				number, err := nextNumber(rs.Env.WithCompany(company), vals["date_order"])
				if err != nil {
					return rs, err
				}
				vals["name"] = number
			}
			_, given := vals["validity_date"]
			if !given && rs.Env.Key("default_validity_date") == nil {
				day, err := validUntil(rs.Env, company)
				if err != nil {
					return rs, err
				}
				vals["validity_date"] = day
			}
			if vals.Text("tax_rounding_method") == "" {
				method, err := taxRounding(rs.Env, company)
				if err != nil {
					return rs, err
				}
				vals["tax_rounding_method"] = method
			}
		}
		return super(rs, full)
	}
}

// validUntil is the day on which quotations of a company made now expire, nil
// where they do not.
func validUntil(env *orm.Env, company int64) (any, error) {
	c, err := orm.Get[Company](env.Sudo(), company)
	if err != nil || c.QuotationDays <= 0 {
		return nil, err
	}
	return env.Today().AddDays(c.QuotationDays), nil
}

// nextNumber draws the number of a new order of the current company.
func nextNumber(env *orm.Env, date any) (string, error) {
	day := env.Today()
	switch d := date.(type) {
	case orm.Datetime:
		day = orm.DateOf(d.Time().In(env.Location()))
	case string:
		if at, err := orm.ParseDatetime(d); err == nil {
			day = orm.DateOf(at.Time().In(env.Location()))
		}
	}
	name, err := base.NextByCodeAt(env, "sale.order", day)
	if err != nil {
		return "", err
	}
	if name == "" {
		return "", orm.UserErrorf("Orders have no numbers: there is no sequence with the code sale.order for this company. Add one under Settings / Technical / Sequences.")
	}
	return name, nil
}

func writeOrders(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		if vals.Has("pricelist_id") {
			os, err := orm.Read[Order](rs.Env.Sudo(), rs.IDs)
			if err != nil {
				return err
			}
			for _, o := range os {
				if o.State == OrderSale && vals.ID("pricelist_id") != o.PricelistID.ID {
					return orm.UserErrorf("The pricelist of the confirmed order %s cannot change. Set it to quotation first.", o.Name)
				}
			}
		}
		return super(rs, vals)
	}
}

func unlinkOrders(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		os, err := orm.Read[Order](rs.Env.Sudo(), rs.IDs)
		if err != nil {
			return err
		}
		for _, o := range os {
			if o.State != OrderDraft && o.State != OrderCancelled {
				return orm.UserErrorf("You can not delete a sent quotation or a confirmed sales order. You must first cancel it.")
			}
		}
		return super(rs)
	}
}

// copyOrders duplicates orders as quotations, without their down payments.
func copyOrders(super orm.CopyDataFunc) orm.CopyDataFunc {
	return func(rs orm.Records, vals orm.Values) (orm.Values, error) {
		if vals.Has("order_line") {
			return super(rs, vals)
		}
		o, err := orm.Get[Order](rs.Env, rs.ID(), "order_line")
		if err != nil {
			return nil, err
		}
		cmds := []orm.Command{}
		for _, l := range o.Lines.All() {
			if l.IsDownpayment {
				continue
			}
			data, err := orm.RecordsOf(rs.Env, l).CopyData(orm.Values{"order_id": nil})
			if err != nil {
				return nil, err
			}
			delete(data, "order_id")
			cmds = append(cmds, orm.CreateLine(data))
		}
		vals["order_line"] = cmds
		return super(rs, vals)
	}
}
