package stock

import (
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// ReturnPicking is the wizard that brings products of a done transfer back.
type ReturnPicking struct {
	orm.Record `orm:"stock.return.picking,transient" label:"Return Picking"`
	PickingID  orm.Ref[Picking]      `orm:"picking_id,required,ondelete=cascade" label:"Transfer"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,related=picking_id.company_id,readonly" label:"Company"`
	Lines      orm.Many[ReturnLine]  `orm:"product_return_moves,inverse=wizard_id" label:"Moves"`
}

// ReturnLine is how much of one move is to come back, in the unit of the move.
type ReturnLine struct {
	orm.Record `orm:"stock.return.picking.line,transient" label:"Return Picking Line" rec:"product_id"`
	WizardID   orm.Ref[ReturnPicking] `orm:"wizard_id,index,ondelete=cascade" label:"Wizard"`
	ProductID  orm.Ref[Product]       `orm:"product_id,required,ondelete=cascade" label:"Product"`
	MoveID     orm.Ref[Move]          `orm:"move_id,ondelete=cascade" label:"Move"`
	MoveQty    decimal.Decimal        `orm:"move_quantity,related=move_id.quantity,readonly" label:"Move Quantity"`
	Quantity   decimal.Decimal        `orm:"quantity,required,digits=6,default=0" label:"Quantity"`
	UoMID      orm.Ref[uom.UoM]       `orm:"uom_id,related=product_id.uom_id,readonly" label:"Unit of Measure"`
	ToRefund   bool                   `orm:"to_refund,default=true" label:"Update quantities on SO/PO" help:"The return lowers the delivered quantity of the order."`
}

// Methods of the wizard.
var (
	CreateReturns    = orm.Method[ReturnPicking]{Name: "action_create_returns"}
	CreateReturnsAll = orm.Method[ReturnPicking]{Name: "action_create_returns_all"}
)

func defineReturn(r *orm.Registry) {
	w := orm.Define[ReturnPicking](r)
	orm.Define[ReturnLine](r)
	w.OnDefaultGet(returnDefaults)
	w.OnCreate(createReturnWizards)
	orm.Implement(w, CreateReturns, func(env *orm.Env, ws []*ReturnPicking, _ orm.Args) (any, error) { return runReturn(env, ws, false) })
	orm.Implement(w, CreateReturnsAll, func(env *orm.Env, ws []*ReturnPicking, _ orm.Args) (any, error) { return runReturn(env, ws, true) })
}

// returnDefaults lists, in a wizard that opens on a transfer, its moves.
func returnDefaults(super orm.DefaultFunc) orm.DefaultFunc {
	return func(rs orm.Records, fields []string) (orm.Values, error) {
		vals, err := super(rs, fields)
		if err != nil {
			return nil, err
		}
		picking := rs.Env.KeyID("default_picking_id")
		if picking == 0 && rs.Env.Key("active_model") == "stock.picking" {
			picking = rs.Env.KeyID("active_id")
		}
		if picking == 0 {
			return vals, nil
		}
		if slices.Contains(fields, "picking_id") {
			vals["picking_id"] = picking
		}
		if slices.Contains(fields, "product_return_moves") {
			vals["product_return_moves"], err = returnLines(rs.Env, picking)
		}
		return vals, err
	}
}

// createReturnWizards lists the moves of the transfer where nobody did.
func createReturnWizards(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			full[i] = vals.Clone()
			if full[i]["picking_id"] == nil && env.Key("active_model") == "stock.picking" {
				full[i]["picking_id"] = env.Key("active_id")
			}
			picking := full[i].ID("picking_id")
			if picking == 0 || full[i]["product_return_moves"] != nil {
				continue
			}
			var err error
			if full[i]["product_return_moves"], err = returnLines(env, picking); err != nil {
				return rs, err
			}
		}
		return super(rs, full)
	}
}

// returnLines lists the moves of a done transfer, with nothing to come back yet.
func returnLines(env *orm.Env, picking int64) ([]orm.Command, error) {
	moves, err := doneOf(env, picking)
	if err != nil {
		return nil, err
	}
	var lines []orm.Command
	for _, m := range moves {
		lines = append(lines, orm.CreateLine(orm.Values{"move_id": m.ID, "product_id": m.ProductID.ID, "quantity": decimal.Zero, "to_refund": true}))
	}
	return lines, nil
}

// doneOf are the moves of a transfer that can be reversed.
func doneOf(env *orm.Env, picking int64) ([]*Move, error) {
	p, err := orm.Get[Picking](env, picking)
	if err != nil {
		return nil, err
	}
	if p.State != PickingDone {
		return nil, orm.UserErrorf("The transfer %s is not done yet: there is nothing to return. Cancel it instead.", p.Name)
	}
	return orm.Search[Move](env, orm.And(orm.Leaf("picking_id", "=", picking), orm.Leaf("state", "=", "done")), orm.SearchOptions{})
}

func runReturn(env *orm.Env, ws []*ReturnPicking, all bool) (any, error) {
	if len(ws) != 1 {
		return nil, orm.UserErrorf("Return one transfer at a time.")
	}
	if err := orm.Load(env, ws, "product_return_moves"); err != nil {
		return nil, err
	}
	var items []ReturnItem
	for _, l := range ws[0].Lines.All() {
		items = append(items, ReturnItem{Move: l.MoveID.ID, Quantity: l.Quantity, Keep: !l.ToRefund})
	}
	if all {
		left, err := returnable(env, ws[0].PickingID.ID)
		if err != nil {
			return nil, err
		}
		for i := range items {
			items[i].Quantity = left[items[i].Move]
		}
	}
	p, err := CreateReturn(env, ws[0].PickingID.ID, items)
	if err != nil {
		return nil, err
	}
	return map[string]any{"name": "Returned Picking", "type": "ir.actions.act_window", "res_model": "stock.picking", "res_id": p.ID, "view_mode": "form", "views": []any{[]any{false, "form"}},
		"context": map[string]any{}}, nil
}

// ReturnItem is how much of a done move is to come back, in the unit of the
// move. Keep leaves the delivered quantity of the order as it is.
type ReturnItem struct {
	Move     int64
	Quantity decimal.Decimal
	Keep     bool
}

// returnable is what may still come back of each done move of a transfer.
func returnable(env *orm.Env, picking int64) (map[int64]decimal.Decimal, error) {
	moves, err := doneOf(env, picking)
	if err != nil {
		return nil, err
	}
	left := map[int64]decimal.Decimal{}
	for _, m := range moves {
		left[m.ID] = m.Quantity
	}
	back, err := orm.Search[Move](env, orm.And(orm.Leaf("origin_returned_move_id", "in", orm.IDs(env, moves)), orm.Leaf("state", "!=", "cancel")), orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	for _, m := range back {
		q := m.ProductUomQty
		if m.State == MoveDone {
			q = m.Quantity
		}
		left[m.OriginReturned.ID] = decimal.Max(decimal.Zero, left[m.OriginReturned.ID].Sub(q))
	}
	return left, nil
}

// CreateReturn makes the transfer that brings products of a done one back, and
// reserves it. Items of no quantity are left out.
func CreateReturn(env *orm.Env, picking int64, items []ReturnItem) (*Picking, error) {
	left, err := returnable(env, picking)
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(slices.Clone(items), func(i ReturnItem) bool { return i.Quantity.IsZero() })
	if len(items) == 0 {
		return nil, orm.UserErrorf("Enter the quantity that comes back of at least one product.")
	}
	old, err := orm.Get[Picking](env, picking, "picking_type_id", "location_id")
	if err != nil {
		return nil, err
	}
	kind, err := returnType(env, old)
	if err != nil {
		return nil, err
	}
	dest := old.LocationID.ID
	made, err := env.Model("stock.picking").Create(orm.Values{
		"picking_type_id": kind, "location_id": old.DestID.ID, "location_dest_id": dest, "partner_id": orNil(old.PartnerID.ID), "origin": "Return of " + old.Name,
		"return_id": old.ID,
	})
	if err != nil {
		return nil, err
	}
	p, err := orm.Get[Picking](env, made.ID())
	if err != nil {
		return nil, err
	}
	vals := make([]orm.Values, len(items))
	for i, item := range items {
		m, err := orm.Get[Move](env, item.Move, "product_id")
		if err != nil {
			return nil, err
		}
		if item.Quantity.IsNegative() || item.Quantity.GreaterThan(left[m.ID]) {
			return nil, orm.UserErrorf("%s of “%s” cannot come back: %s are left to be returned.", item.Quantity, m.ProductID.Rec().Name, left[m.ID])
		}
		left[m.ID] = left[m.ID].Sub(item.Quantity)
		vals[i], err = orm.RecordsOf(env, m).CopyData(orm.Values{
			"product_uom_qty": item.Quantity, "picking_id": p.ID, "picking_type_id": kind, "location_id": m.DestID.ID, "location_dest_id": dest, "date": p.ScheduledDate,
			"origin_returned_move_id": m.ID, "to_refund": !item.Keep, "procure_method": "make_to_stock", "origin": p.Origin, "reference": p.Name,
		})
		if err != nil {
			return nil, err
		}
	}
	moves, err := env.Model("stock.move").Create(vals...)
	if err != nil {
		return nil, err
	}
	if err := confirmMoves(env, moves.IDs); err != nil {
		return nil, err
	}
	// Somebody asked for it, so it is reserved whatever the kind of transfer says.
	if err := assignMoves(env, moves.IDs); err != nil {
		return nil, err
	}
	if _, err := mail.Post(made.In(env.Sudo()), mail.Posting{Type: "notification", Text: "Made as the return of " + old.Name + "."}); err != nil {
		return nil, err
	}
	return p, orm.Reload(env, []*Picking{p})
}

func returnType(env *orm.Env, p *Picking) (int64, error) {
	t, err := pickingType(env, p.TypeID.ID)
	if err != nil {
		return 0, err
	}
	if t.ReturnTypeID.IsSet() {
		return t.ReturnTypeID.ID, nil
	}
	return t.ID, nil
}
