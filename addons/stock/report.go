package stock

import (
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/report"
)

// renderSlip is the method behind the report of delivery slips.
var renderSlip = orm.Method[Picking]{Name: report.MethodOf("stock.report_deliveryslip")}

// DeliverySlip is the document that goes with the products of transfers, each
// beginning on a page of its own. The user must be allowed to read them. Equal
// transfers have equal bytes.
func DeliverySlip(env *orm.Env, ids ...int64) ([]byte, error) {
	return report.Render(env.Model("stock.picking").Browse(ids...), "stock.report_deliveryslip")
}

func printSlips(env *orm.Env, ps []*Picking, _ orm.Args) (any, error) {
	env = env.Sudo()
	var names []string
	for _, p := range ps {
		names = append(names, p.Name)
	}
	c, err := orm.Get[base.Company](env, ps[0].CompanyID.ID)
	if err != nil {
		return nil, err
	}
	d := report.New(report.Options{Title: strings.Join(names, ", "), Author: c.Name, Created: ps[0].shown().Time()})
	for _, p := range ps {
		if err := printSlip(env, d, p.ID); err != nil {
			return nil, err
		}
	}
	return d.Bytes()
}

// shown is the date of a transfer: when it was done, else when it is planned.
func (p *Picking) shown() orm.Datetime {
	if p.State == PickingDone && !p.DateDone.IsZero() {
		return p.DateDone
	}
	return p.ScheduledDate
}

func printSlip(env *orm.Env, d *report.Document, id int64) error {
	p, err := orm.Get[Picking](env, id, "partner_id")
	if err != nil {
		return err
	}
	lang := ""
	if partner := p.PartnerID.Rec(); partner != nil {
		lang = partner.Lang
	}
	if lang != "" {
		env = env.WithContext(map[string]any{"lang": lang})
	}
	if err := orm.Load(env, []*Picking{p}, "backorder_id", "location_id", "move_ids.product_uom", "move_ids.description_picking"); err != nil {
		return err
	}
	format, err := base.FormatOf(env, lang)
	if err != nil {
		return err
	}
	head, err := base.Letterhead(env, p.CompanyID.ID)
	if err != nil {
		return err
	}
	d.Part(head)
	to, err := addressLines(env, p.PartnerID.ID)
	if err != nil {
		return err
	}
	kind, caption := "Delivery Slip", "Delivery Address"
	switch p.TypeCode {
	case "incoming":
		kind, caption = "Receipt", "From"
	case "internal":
		kind, caption = "Internal Transfer", "Contact"
	}
	d.Blocks(report.Block{Caption: caption, Lines: to})
	d.Title(kind + " " + p.Name)
	one := func(caption, value string) report.Block {
		return report.Block{Caption: caption, Lines: []string{value}}
	}
	origin := ""
	if b := p.BackorderID.Rec(); b != nil {
		origin = b.Name
	}
	d.Blocks(one("Order", p.Origin), one("Date", format.Day(orm.DateOf(p.shown().Time().In(env.Location())))), one("Backorder of", origin))
	d.Table([]report.Column{{Header: "Product", Share: 6}, {Header: "Ordered", Share: 1.8, Right: true}, {Header: slipQuantity(p), Share: 1.8, Right: true}}, slipRows(p, format))
	d.Text(report.Plain(p.Note))
	return remaining(env, d, p, format)
}

func addressLines(env *orm.Env, partner int64) ([]string, error) {
	if partner == 0 {
		return nil, nil
	}
	return base.AddressLines(env, partner)
}

func slipQuantity(p *Picking) string {
	if p.State == PickingDone {
		return "Delivered"
	}
	return "Reserved"
}

func slipRows(p *Picking, format *base.Format) []report.Row {
	var rows []report.Row
	for _, m := range p.MoveIDs.All() {
		if m.State == MoveCancelled {
			continue
		}
		unit := " " + m.UoMID.Rec().Name
		rows = append(rows, report.Row{Cells: []string{m.Description.Get(), format.Quantity(m.ProductUomQty) + unit, format.Quantity(m.Quantity) + unit}})
	}
	return rows
}

// remaining lists what open backorders of a done transfer still have to bring.
func remaining(env *orm.Env, d *report.Document, p *Picking, format *base.Format) error {
	if p.State != PickingDone {
		return nil
	}
	open, err := orm.Search[Move](env, orm.And(orm.Leaf("picking_id.backorder_id", "=", p.ID), orm.Leaf("state", "not in", []string{"done", "cancel"})), orm.SearchOptions{}, "product_uom", "description_picking")
	if err != nil || len(open) == 0 {
		return err
	}
	var rows []report.Row
	for _, m := range open {
		rows = append(rows, report.Row{Cells: []string{m.Description.Get(), format.Quantity(m.ProductUomQty) + " " + m.UoMID.Rec().Name}})
	}
	d.Text("To be delivered later:")
	d.Table([]report.Column{{Header: "Product", Share: 6}, {Header: "Quantity", Share: 1.8, Right: true}}, rows)
	return nil
}
