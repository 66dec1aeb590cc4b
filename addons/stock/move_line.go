package stock

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// MoveLine is a part of a move: a quantity taken from one location. While its
// move is open the quantity is reserved there; once it is done, it was moved.
type MoveLine struct {
	orm.Record  `orm:"stock.move.line" label:"Product Moves (Stock Move Line)" order:"id" rec:"product_id"`
	PickingID   orm.Ref[Picking]      `orm:"picking_id,index,ondelete=cascade" label:"Transfer"`
	MoveID      orm.Ref[Move]         `orm:"move_id,index,ondelete=cascade" label:"Stock Operation"`
	CompanyID   orm.Ref[base.Company] `orm:"company_id,required,index" label:"Company"`
	ProductID   orm.Ref[Product]      `orm:"product_id,required,index,ondelete=restrict" label:"Product"`
	UoMID       orm.Ref[uom.UoM]      `orm:"product_uom_id,required,ondelete=restrict" label:"Unit of Measure"`
	Quantity    decimal.Decimal       `orm:"quantity,required,digits=6,default=0" label:"Quantity"`
	ProductQty  decimal.Decimal       `orm:"quantity_product_uom,store,readonly,nocopy,digits=6" label:"Quantity in Product UoM"`
	Picked      bool                  `orm:"picked,nocopy" label:"Picked"`
	Date        orm.Datetime          `orm:"date,required,default=now" label:"Date"`
	LocationID  orm.Ref[Location]     `orm:"location_id,required,index" label:"From"`
	DestID      orm.Ref[Location]     `orm:"location_dest_id,required,index" label:"To"`
	SourceUsage string                `orm:"location_usage,related=location_id.usage,readonly" label:"Source Location Type"`
	DestUsage   string                `orm:"location_dest_usage,related=location_dest_id.usage,readonly" label:"Destination Location Type"`
	State       string                `orm:"state,related=move_id.state,readonly" label:"Status"`
	Reference   string                `orm:"reference,related=move_id.reference,readonly" label:"Reference"`
	Origin      string                `orm:"origin,related=move_id.origin,readonly" label:"Source"`
	IsInventory bool                  `orm:"is_inventory,related=move_id.is_inventory,readonly" label:"Inventory"`
	TypeCode    string                `orm:"picking_code,related=picking_id.picking_type_code,readonly" label:"Type of Operation"`
	PartnerID   orm.Ref[base.Partner] `orm:"picking_partner_id,related=picking_id.partner_id,readonly" label:"Contact"`
}

func defineMoveLine(r *orm.Registry) {
	l := orm.Define[MoveLine](r)
	l.Compute("quantity_product_uom", func(env *orm.Env, ls []*MoveLine) error {
		err := orm.Load(env, ls, "product_id")
		if err != nil {
			return err
		}
		for _, l := range ls {
			if !l.ProductID.IsSet() {
				l.ProductQty = l.Quantity
				continue
			}
			if l.ProductQty, err = uom.Convert(env, l.Quantity, l.UoMID.ID, l.ProductID.Rec().UoMID.ID, uom.HalfUp); err != nil {
				return err
			}
		}
		return nil
	}, "quantity", "product_uom_id", "product_id")
	l.Check("quantity_positive", "quantity >= 0", "The quantity of an operation cannot be negative.")
	l.OnCreate(createLines)
	l.OnWrite(writeLines)
	l.OnUnlink(unlinkLines)
}

// bulkKey marks changes of moves and lines by this package itself, which keeps
// reservations and states on its own. Its value cannot come from a client.
const bulkKey = "stock_bulk"

type bulkToken struct{}

func inBulk(env *orm.Env) *orm.Env { return env.WithContext(map[string]any{bulkKey: bulkToken{}}) }

func bulk(env *orm.Env) bool {
	_, ok := env.Key(bulkKey).(bulkToken)
	return ok
}

// createLines fills in what move and transfer say, finds or makes the move, and
// reserves the quantity.
func createLines(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		if bulk(env) {
			return super(rs, list)
		}
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			full[i] = vals.Clone()
			if err := completeLine(env, full[i]); err != nil {
				return rs, err
			}
		}
		made, err := super(rs, full)
		if err != nil {
			return made, err
		}
		return made, bookLines(env, made.IDs, 1)
	}
}

// completeLine fills in a line that somebody adds by hand.
func completeLine(env *orm.Env, vals orm.Values) error {
	m, err := moveFor(env, vals)
	if err != nil {
		return err
	}
	if m.State == MoveDone || m.State == MoveCancelled {
		return orm.UserErrorf("The move of “%s” is closed: nothing can be added to it.", m.productName(env))
	}
	if p := vals.ID("product_id"); p != 0 && p != m.ProductID.ID {
		return orm.UserErrorf("The product of an operation must be the one of its move, “%s”.", m.productName(env))
	}
	for field, v := range map[string]any{"move_id": m.ID, "picking_id": orNil(m.PickingID.ID), "company_id": m.CompanyID.ID, "product_id": m.ProductID.ID, "product_uom_id": m.UoMID.ID,
		"location_id": m.LocationID.ID, "location_dest_id": m.DestID.ID, "picked": m.Picked, "date": m.Date} {
		if vals[field] == nil && v != nil {
			vals[field] = v
		}
	}
	return nil
}

// moveFor is the move a new line belongs to: the one it names, one of the same
// product in the transfer, or a new one without a demand.
func moveFor(env *orm.Env, vals orm.Values) (*Move, error) {
	if id := vals.ID("move_id"); id != 0 {
		return orm.Get[Move](env, id)
	}
	picking, prod := vals.ID("picking_id"), vals.ID("product_id")
	if picking == 0 || prod == 0 {
		return nil, orm.ValidationErrorf("An operation needs a product and either a move or a transfer it belongs to.")
	}
	m, err := orm.First[Move](env, orm.And(orm.Leaf("picking_id", "=", picking), orm.Leaf("product_id", "=", prod), orm.Leaf("state", "not in", []string{"done", "cancel"})), "id")
	if err != nil || m != nil {
		return m, err
	}
	mv := orm.Values{"picking_id": picking, "product_id": prod}
	for from, to := range map[string]string{"location_id": "location_id", "location_dest_id": "location_dest_id", "product_uom_id": "product_uom"} {
		if vals[from] != nil {
			mv[to] = vals[from]
		}
	}
	p, err := orm.Get[Picking](env, picking)
	if err != nil {
		return nil, err
	}
	made, err := env.Model("stock.move").Create(mv)
	if err != nil {
		return nil, err
	}
	if p.State != PickingDraft {
		if err := confirmMoves(env, made.IDs); err != nil {
			return nil, err
		}
	}
	return orm.Get[Move](env, made.ID())
}

// bookLines enters lines in the reservations, or takes them out with sign -1,
// and brings the states of their moves up to date.
func bookLines(env *orm.Env, ids []int64, sign int64) error {
	lines, err := orm.Read[MoveLine](env.Sudo(), ids, "product_id", "location_id")
	if err != nil {
		return err
	}
	book := ledger{}
	var moves []int64
	for _, l := range lines {
		if l.State == MoveDone || l.State == MoveCancelled {
			return orm.UserErrorf("The move of “%s” is closed: its operations cannot be changed. Create a return to reverse it.", l.ProductID.Rec().Name)
		}
		if l.reserves() {
			book.add(l.ProductID.ID, l.LocationID.ID, decimal.Zero, l.ProductQty.Mul(decimal.NewFromInt(sign)))
		}
		moves = append(moves, l.MoveID.ID)
	}
	if _, err := book.post(env); err != nil {
		return err
	}
	if sign < 0 {
		return nil
	}
	return refreshStates(env, moves)
}

// reserves reports whether the open line holds a quantity on hand back from
// others. Product and location must have been loaded.
func (l *MoveLine) reserves() bool {
	return l.ProductID.Rec().IsStorable && l.LocationID.Rec().reservable()
}

func writeLines(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		if bulk(env) {
			return super(rs, vals)
		}
		moves := false
		for _, f := range []string{"quantity", "product_uom_id", "location_id", "product_id", "move_id"} {
			if vals.Has(f) {
				moves = true
			}
		}
		if moves {
			if err := bookLines(env, rs.IDs, -1); err != nil {
				return err
			}
		}
		if err := super(rs, vals); err != nil {
			return err
		}
		if moves {
			if err := bookLines(env, rs.IDs, 1); err != nil {
				return err
			}
		}
		if picked, ok := vals["picked"]; ok {
			d := orm.And(orm.Leaf("move_line_ids", "in", rs.IDs), orm.Leaf("picked", "!=", picked))
			if picked != true {
				d = orm.And(d, orm.Not(orm.Leaf("move_line_ids.picked", "=", true)))
			}
			owners, err := env.Model("stock.move").Search(d, orm.SearchOptions{})
			if err != nil {
				return err
			}
			// SQL: writing the field would write the lines again.
			_, err = env.Exec(orm.SQL("UPDATE stock_move SET picked = ? WHERE id = ANY(?)", picked == true, owners.IDs).Writes("stock.move", "picked"))
			return err
		}
		return nil
	}
}

func unlinkLines(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		env := rs.Env
		if bulk(env) {
			return super(rs)
		}
		lines, err := orm.Read[MoveLine](env, rs.IDs)
		if err != nil {
			return err
		}
		var moves []int64
		for _, l := range lines {
			moves = append(moves, l.MoveID.ID)
		}
		if err := bookLines(env, rs.IDs, -1); err != nil {
			return err
		}
		if err := super(rs); err != nil {
			return err
		}
		return refreshStates(env, moves)
	}
}
