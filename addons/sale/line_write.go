package sale

import (
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// fields of a line that a locked order keeps as they are.
var lockedFields = []string{"product_id", "name", "price_unit", "product_uom_id", "product_uom_qty", "tax_ids", "tax_override", "discount"}

// fields whose change makes a line's tax amounts given by hand stale.
var taxedFields = []string{"product_id", "product_uom_id", "product_uom_qty", "price_unit", "discount", "tax_ids"}

// proposed are the values of a line that follow from its product unless given.
var proposed = []string{"name", "product_uom_id", "price_unit", "tax_ids"}

// keySystem is the context key under which the system itself changes lines of
// locked orders.
const keySystem = "sale_system"

func createLines(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		full := make([]orm.Values, len(list))
		var orders []int64
		open := false
		for i, vals := range list {
			vals = vals.Clone()
			full[i] = vals
			kind := vals.Text("display_type")
			if kind == "" {
				kind = env.KeyText("default_display_type")
			}
			if kind != "" {
				vals["product_uom_qty"] = decimal.Zero // the default is 1
			}
			if vals.Text("name") == "" && kind == "" {
				delete(vals, "name") // no description is given
			}
			if err := roundToPrecision(env, vals); err != nil {
				return rs, err
			}
			// A price given with the line is taken for a proposed one.
			if price, ok := vals["price_unit"]; !ok {
				delete(vals, "technical_price_unit")
			} else if _, both := vals["technical_price_unit"]; !both {
				vals["technical_price_unit"] = price
			}
			orders = append(orders, vals.ID("order_id"))
			open = open || kind == "" && slices.ContainsFunc(proposed, func(f string) bool { return !vals.Has(f) })
		}
		confirmed, err := refuseLocked(env, distinct(orders), "Unlock it before adding lines.")
		if err != nil {
			return rs, err
		}
		if open {
			// Prices and taxes are proposed from the order's pricelist and fiscal
			// position, which may themselves wait to be computed.
			if err := env.Flush(); err != nil {
				return rs, err
			}
		}
		made := rs
		err = mail.TrackAround(env.Model("sale.order").Browse(distinct(orders)...), func() error {
			var err error
			if made, err = super(rs, full); err != nil {
				return err
			}
			if err := applyNoVariantValues(env, made, full); err != nil {
				return err
			}
			return postExtraLines(env, made, confirmed)
		})
		return made, err
	}
}

// applyNoVariantValues lets the values that make no variant name and price new lines made
// with some: what a line has of them is stored after the line itself.
func applyNoVariantValues(env *orm.Env, made orm.Records, list []orm.Values) error {
	open := map[string][]int64{}
	for i, vals := range list {
		if ids, _ := vals.IDs("product_no_variant_attribute_value_ids"); len(ids) == 0 {
			continue
		}
		for _, f := range []string{"name", "price_unit"} {
			if !vals.Has(f) {
				open[f] = append(open[f], made.IDs[i])
			}
		}
	}
	if len(open) == 0 {
		return nil
	}
	sudo := env.Sudo()
	if err := sudo.Flush(); err != nil {
		return err
	}
	again := func(ids []int64, compute func(*orm.Env, []*OrderLine) error, fields ...string) error {
		ls, err := orm.Read[OrderLine](sudo, ids)
		if err != nil || len(ls) == 0 {
			return err
		}
		if err := compute(sudo, ls); err != nil {
			return err
		}
		return orm.Save(sudo, ls, fields...)
	}
	if err := again(open["name"], lineNames, "name"); err != nil {
		return err
	}
	return again(open["price_unit"], proposePrices, "price_unit", "technical_price_unit")
}

// refuseLocked refuses a change of the lines of locked orders. It tells which
// orders are confirmed.
func refuseLocked(env *orm.Env, orders []int64, advice string) (map[int64]bool, error) {
	// These fields are not computed: reading them flushes nothing of a new order.
	rows, err := env.Sudo().Model("sale.order").Browse(orders...).Read("name", "locked", "state")
	if err != nil {
		return nil, err
	}
	confirmed := map[int64]bool{}
	for i, row := range rows {
		if row["locked"] == true && !env.Flag(keySystem, false) {
			return nil, orm.UserErrorf("The order %s is locked. %s", row["name"], advice)
		}
		confirmed[orders[i]] = row["state"] == OrderSale
	}
	return confirmed, nil
}

// postExtraLines notes on confirmed orders what was added to them.
func postExtraLines(env *orm.Env, made orm.Records, confirmed map[int64]bool) error {
	if !slices.Contains(slices.Collect(maps.Values(confirmed)), true) || env.Flag("tracking_disable", false) || env.Flag("mail_notrack", false) {
		return nil
	}
	ls, err := orm.Read[OrderLine](env.Sudo(), made.IDs)
	if err != nil {
		return err
	}
	notes := map[int64][]string{}
	var order []int64
	for _, l := range ls {
		if l.IsDownpayment || !l.ProductID.IsSet() || !confirmed[l.OrderID.ID] {
			continue
		}
		if notes[l.OrderID.ID] == nil {
			order = append(order, l.OrderID.ID)
		}
		first, _, _ := strings.Cut(l.Name, "\n")
		notes[l.OrderID.ID] = append(notes[l.OrderID.ID], "Extra line: "+first)
	}
	for _, id := range order {
		if err := note(env, id, strings.Join(notes[id], "\n")); err != nil {
			return err
		}
	}
	return nil
}

func note(env *orm.Env, order int64, text string) error {
	_, err := mail.Post(env.Sudo().Model("sale.order").Browse(order), mail.Posting{Text: text, Author: env.PartnerID()})
	return err
}

// roundToPrecision rounds discounts and quantities to the precision people work with;
// prices stay as given, and integrations keep all digits with account.KeyFullPrecision.
func roundToPrecision(env *orm.Env, vals orm.Values) error {
	if env.Flag(account.KeyFullPrecision, false) {
		return nil
	}
	for field, usage := range map[string]string{"discount": base.Discount, "product_uom_qty": base.ProductUnit, "qty_delivered": base.ProductUnit} {
		if vals[field] == nil {
			continue
		}
		v, err := base.RoundUsage(env, vals.Decimal(field), usage)
		if err != nil {
			return err
		}
		vals[field] = v
	}
	return nil
}

func writeLines(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		if !vals.Has(lockedFields...) && !vals.Has("display_type", "qty_delivered", "order_id") {
			return super(rs, vals)
		}
		// What waits is computed from the values of before, not from these.
		if err := env.Flush(); err != nil {
			return err
		}
		ls, err := orm.Read[OrderLine](env.Sudo(), rs.IDs, "order_id")
		if err != nil {
			return err
		}
		if err := mayChange(env, ls, vals); err != nil {
			return err
		}
		vals = vals.Clone()
		if err := roundToPrecision(env, vals); err != nil {
			return err
		}
		if !vals.Has("tax_override") && vals.Has(taxedFields...) {
			vals["tax_override"] = nil
		}
		change := func() error { return super(rs, vals) }
		if vals.Has(taxedFields...) {
			err = mail.TrackAround(lineOrders(env, ls), change)
		} else {
			err = change()
		}
		if err != nil {
			return err
		}
		if vals["product_uom_qty"] != nil {
			return postQuantityChanges(env, ls, vals.Decimal("product_uom_qty"))
		}
		return nil
	}
}

// mayChange refuses changes of lines that their state forbids.
func mayChange(env *orm.Env, ls []*OrderLine, vals orm.Values) error {
	hasKind, hasProduct := vals.Has("display_type"), vals.Has("product_id")
	var closed []string
	for _, f := range lockedFields {
		if _, ok := vals[f]; ok {
			closed = append(closed, f)
		}
	}
	for _, l := range ls {
		if hasKind && vals.Text("display_type") != l.DisplayType {
			return orm.UserErrorf("A line cannot become of another kind. Delete it and add a line of the wanted kind.")
		}
		if hasProduct && vals.ID("product_id") != l.ProductID.ID && !l.updatable() {
			return orm.UserErrorf("The product of this line of %s can no longer be replaced: the order is cancelled or locked, or something of the line is delivered or invoiced.", l.OrderID.Rec().Name)
		}
		if len(closed) > 0 && l.OrderID.Rec().Locked {
			labels := make([]string, len(closed))
			for i, f := range closed {
				labels[i] = env.Model("sale.order.line").Model.Fields[f].Label
			}
			return orm.UserErrorf("The order %s is locked; these fields of its lines cannot change: %s. Unlock it first.", l.OrderID.Rec().Name, strings.Join(labels, ", "))
		}
	}
	return nil
}

// postQuantityChanges notes on confirmed orders that a quantity changed.
func postQuantityChanges(env *orm.Env, ls []*OrderLine, qty decimal.Decimal) error {
	if env.Flag("tracking_disable", false) || env.Flag("mail_notrack", false) {
		return nil
	}
	for _, l := range ls {
		if l.State != OrderSale || l.Quantity.Equal(qty) {
			continue
		}
		first, _, _ := strings.Cut(l.Name, "\n")
		text := first + ": ordered quantity " + l.Quantity.String() + " → " + qty.String() +
			" (delivered " + l.QtyDelivered.String() + ", invoiced " + l.QtyInvoiced.String() + ")"
		if err := note(env, l.OrderID.ID, text); err != nil {
			return err
		}
	}
	return nil
}

// unlinkLines keeps the lines of confirmed orders, but for sections, notes and
// down payments that were not invoiced.
func unlinkLines(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		env := rs.Env
		ls, err := orm.Read[OrderLine](env.Sudo(), rs.IDs, "order_id", "invoice_lines")
		if err != nil {
			return err
		}
		for _, l := range ls {
			o := l.OrderID.Rec()
			if o.Locked {
				return orm.UserErrorf("The order %s is locked. Unlock it before removing lines.", o.Name)
			}
			if l.State == OrderSale && l.DisplayType == "" && (!l.IsDownpayment || len(l.InvoiceLines.IDs()) > 0) {
				return orm.UserErrorf("The lines of a confirmed order cannot be removed: what is delivered and invoiced of %s is kept on them. Set the quantity to 0 instead.", o.Name)
			}
		}
		return mail.TrackAround(lineOrders(env, ls), func() error { return super(rs) })
	}
}

// lineOrders are the orders of lines.
func lineOrders(env *orm.Env, ls []*OrderLine) orm.Records {
	ids := make([]int64, len(ls))
	for i, l := range ls {
		ids[i] = l.OrderID.ID
	}
	return env.Model("sale.order").Browse(distinct(ids)...)
}
