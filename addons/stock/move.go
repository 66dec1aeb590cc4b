package stock

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Move is a quantity of one product to go from one location to another.
// ProductUomQty is what is demanded and Quantity what is reserved, or was moved
// in the end, both in the unit of the move; ProductQty is the demand in the
// unit of the product.
type Move struct {
	orm.Record      `orm:"stock.move" label:"Stock Move" order:"sequence, id" rec:"reference" search:"reference,origin"`
	Sequence        int                       `orm:"sequence,default=10" label:"Sequence"`
	Priority        string                    `orm:"priority,default=0" selection:"0:Normal,1:Urgent" label:"Priority"`
	Date            orm.Datetime              `orm:"date,required,index,default=now" label:"Date Scheduled" help:"When the move is planned, and once it is done, when it was."`
	DateDeadline    orm.Datetime              `orm:"date_deadline,nocopy" label:"Deadline"`
	CompanyID       orm.Ref[base.Company]     `orm:"company_id,required,index" label:"Company"`
	ProductID       orm.Ref[Product]          `orm:"product_id,required,index,ondelete=restrict" label:"Product" domain:"[('type', '=', 'consu')]"`
	TemplateID      orm.Ref[product.Template] `orm:"product_tmpl_id,related=product_id.product_tmpl_id,readonly" label:"Product Template"`
	CategoryID      orm.Ref[product.Category] `orm:"product_category_id,related=product_id.categ_id,readonly" label:"Product Category"`
	IsStorable      bool                      `orm:"is_storable,related=product_id.is_storable,readonly" label:"Track Inventory"`
	Description     orm.Deferred[string]      `orm:"description_picking,text" label:"Description of Picking" help:"What the product of the move is called on transfers."`
	OwnDescription  string                    `orm:"description_picking_manual,text" label:"Manual Description"`
	ProductQty      decimal.Decimal           `orm:"product_qty,store,readonly,digits=6" label:"Real Quantity" help:"The demand in the unit of the product."`
	ProductUomQty   decimal.Decimal           `orm:"product_uom_qty,required,digits=6,default=0" label:"Demand" help:"The quantity that is to be moved."`
	UoMID           orm.Ref[uom.UoM]          `orm:"product_uom,required,ondelete=restrict" label:"UoM"`
	Quantity        decimal.Decimal           `orm:"quantity,store,nocopy,digits=6" label:"Quantity" help:"What is reserved for the move, or was moved in the end."`
	Picked          bool                      `orm:"picked,nocopy" label:"Picked" help:"The quantity has been taken in hand: validating the transfer moves it."`
	LocationID      orm.Ref[Location]         `orm:"location_id,required,index" label:"Source Location"`
	DestID          orm.Ref[Location]         `orm:"location_dest_id,required,index" label:"Intermediate Location"`
	SourceUsage     string                    `orm:"location_usage,related=location_id.usage,readonly" label:"Source Location Type"`
	DestUsage       string                    `orm:"location_dest_usage,related=location_dest_id.usage,readonly" label:"Destination Location Type"`
	PartnerID       orm.Ref[base.Partner]     `orm:"partner_id" label:"Destination Address"`
	OriginIDs       orm.Many[Move]            `orm:"move_orig_ids,nocopy,rel=stock_move_move_rel:move_dest_id:move_orig_id" label:"Original Move" help:"The moves this one waits for."`
	DestIDs         orm.Many[Move]            `orm:"move_dest_ids,nocopy,rel=stock_move_move_rel:move_orig_id:move_dest_id" label:"Destination Moves"`
	PickingID       orm.Ref[Picking]          `orm:"picking_id,index,ondelete=cascade" label:"Transfer"`
	State           string                    `orm:"state,readonly,nocopy,index,default=draft" selection:"draft:New,waiting:Waiting Another Move,confirmed:Waiting Availability,partially_available:Partially Available,assigned:Available,done:Done,cancel:Cancelled" label:"Status"`
	ProcureMethod   string                    `orm:"procure_method,required,default=make_to_stock" selection:"make_to_stock:Default: Take From Stock,make_to_order:Advanced: Apply Procurement Rules" label:"Supply Method"`
	TypeID          orm.Ref[PickingType]      `orm:"picking_type_id,index" label:"Operation Type"`
	TypeCode        string                    `orm:"picking_code,related=picking_type_id.code,readonly" label:"Type of Operation"`
	WarehouseID     orm.Ref[Warehouse]        `orm:"warehouse_id" label:"Warehouse"`
	MoveLineIDs     orm.Many[MoveLine]        `orm:"move_line_ids,inverse=move_id" label:"Operations"`
	Origin          string                    `orm:"origin" label:"Source Document"`
	OriginReturned  orm.Ref[Move]             `orm:"origin_returned_move_id,nocopy,index" label:"Origin return move" help:"The move whose products come back by this one."`
	ReturnedIDs     orm.Many[Move]            `orm:"returned_move_ids,inverse=origin_returned_move_id" label:"All returned moves"`
	ToRefund        bool                      `orm:"to_refund" label:"Update quantities on SO/PO" help:"The return lowers the delivered quantity of the order."`
	Reference       string                    `orm:"reference,nocopy,index" label:"Reference"`
	IsInventory     bool                      `orm:"is_inventory" label:"Inventory"`
	InventoryName   string                    `orm:"inventory_name" label:"Inventory Name" help:"Why the quantity on hand was corrected."`
	ScrapID         orm.Ref[Scrap]            `orm:"scrap_id,nocopy,index" label:"Scrap operation"`
	PropagateCancel bool                      `orm:"propagate_cancel,default=true" label:"Propagate cancel and split"`
	DisplayName     orm.Deferred[string]      `orm:"display_name"`
}

// MoveCancel gives moves up, with what they have reserved.
var MoveCancel = orm.Method[Move]{Name: "_action_cancel"}

func defineMove(r *orm.Registry) {
	m := orm.Define[Move](r)
	orm.Implement(m, MoveCancel, func(env *orm.Env, ms []*Move, _ orm.Args) (any, error) {
		return true, cancelMoves(env, orm.IDs(env, ms))
	})
	m.Compute("product_qty", func(env *orm.Env, ms []*Move) error {
		err := orm.Load(env, ms, "product_id")
		if err != nil {
			return err
		}
		for _, m := range ms {
			p := m.ProductID.Rec()
			if p == nil { // not chosen yet
				m.ProductQty = m.ProductUomQty
				continue
			}
			if m.ProductQty, err = uom.Convert(env, m.ProductUomQty, m.UoMID.ID, p.UoMID.ID, uom.HalfUp); err != nil {
				return err
			}
		}
		return nil
	}, "product_uom_qty", "product_uom", "product_id")
	m.Compute("quantity", func(env *orm.Env, ms []*Move) error {
		for _, m := range ms {
			m.Quantity = decimal.Zero
			for _, l := range m.MoveLineIDs.All() {
				q, err := uom.Convert(env, l.Quantity, l.UoMID.ID, m.UoMID.ID, uom.HalfUp)
				if err != nil {
					return err
				}
				m.Quantity = m.Quantity.Add(q)
			}
		}
		return nil
	}, "product_uom", "move_line_ids.quantity", "move_line_ids.product_uom_id")
	m.Inverse("quantity", setQuantities)
	m.Compute("description_picking", func(_ *orm.Env, ms []*Move) error {
		for _, m := range ms {
			m.Description.Set(m.OwnDescription)
			if p := m.ProductID.Rec(); p != nil && m.Description.Get() == "" {
				m.Description.Set(p.DisplayName.Get())
			}
		}
		return nil
	}, "description_picking_manual", "product_id.display_name")
	m.Inverse("description_picking", func(env *orm.Env, ms []*Move) error {
		for _, m := range ms {
			m.OwnDescription = m.Description.Get()
		}
		return orm.Save(env, ms, "description_picking_manual")
	})
	m.Compute("display_name", func(_ *orm.Env, ms []*Move) error {
		for _, m := range ms {
			m.DisplayName.Set("")
			if src, dest := m.LocationID.Rec(), m.DestID.Rec(); src != nil && dest != nil {
				m.DisplayName.Set(src.Name + ">" + dest.Name)
			}
			if p := m.ProductID.Rec(); p != nil && p.DefaultCode != "" {
				m.DisplayName.Set(p.DefaultCode + ": " + m.DisplayName.Get())
			}
			if m.Origin != "" {
				m.DisplayName.Set(m.Origin + "/ " + m.DisplayName.Get())
			}
		}
		return nil
	}, "product_id.default_code", "origin", "location_id.name", "location_dest_id.name")
	m.Inverse("picked", func(env *orm.Env, ms []*Move) error {
		for _, picked := range []bool{true, false} {
			var ids []int64
			for _, m := range ms {
				if m.Picked == picked {
					ids = append(ids, m.ID)
				}
			}
			lines, err := env.Model("stock.move.line").Search(orm.And(orm.Leaf("move_id", "in", ids), orm.Leaf("picked", "!=", picked)), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := lines.In(inBulk(env)).Write(orm.Values{"picked": picked}); err != nil {
				return err
			}
		}
		return nil
	})
	implementScheduler(m)
	m.OnCreate(createMoves)
	m.OnWrite(writeMoves)
	m.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			live, err := orm.First[Move](rs.Env.Sudo(), orm.And(orm.Leaf("id", "in", rs.IDs), orm.Leaf("state", "not in", []string{"draft", "cancel"})), "id", "product_id.display_name")
			if err != nil {
				return err
			}
			if live != nil {
				return orm.UserErrorf("The move of “%s” has been confirmed and cannot be deleted. Cancel it first.", live.ProductID.Rec().DisplayName.Get())
			}
			return super(rs)
		}
	})
}

// productName names the product of a move in messages.
func (m *Move) productName(env *orm.Env) string {
	names, err := env.Model("product.product").Browse(m.ProductID.ID).NamesForUser()
	if err != nil {
		return m.Reference
	}
	return names[m.ProductID.ID]
}

// locationName names a location in messages.
func locationName(env *orm.Env, l *Location) string {
	names, err := orm.RecordsOf(env, l).NamesForUser()
	if err != nil {
		return l.CompleteName
	}
	return names[l.ID]
}

// checkStored is checkMoves for moves that are stored.
func checkStored(env *orm.Env, ids []int64) error {
	ms, err := orm.Read[Move](env.Sudo(), ids)
	if err != nil {
		return err
	}
	return checkMoves(env.Sudo(), ms)
}

// checkMoves keeps the moves of a company within its own locations, and in
// units its products can be counted in.
func checkMoves(env *orm.Env, ms []*Move) error {
	if err := orm.Load(env, ms, "location_id", "location_dest_id", "product_id"); err != nil {
		return err
	}
	for _, m := range ms {
		for _, l := range []*Location{m.LocationID.Rec(), m.DestID.Rec()} {
			if l == nil { // not chosen yet
				continue
			}
			if l.CompanyID.IsSet() && l.CompanyID.ID != m.CompanyID.ID {
				return orm.UserErrorf("The location “%s” belongs to another company than the move of “%s”. Choose a location of the same company.", locationName(env, l), m.productName(env))
			}
			if l.Usage == UsageView {
				return orm.UserErrorf("“%s” is a view and cannot hold products. Choose a location below it.", locationName(env, l))
			}
		}
		p := m.ProductID.Rec()
		if p == nil {
			continue
		}
		if c := p.CompanyID.ID; c != 0 && c != m.CompanyID.ID {
			return orm.UserErrorf("The product “%s” belongs to another company than its move.", m.productName(env))
		}
		if p.Type == product.Service {
			return orm.UserErrorf("“%s” is a service: there is nothing to move.", m.productName(env))
		}
		if _, err := uom.Convert(env, decimal.NewFromInt(1), m.UoMID.ID, p.UoMID.ID, uom.HalfUp); err != nil {
			return err
		}
	}
	return nil
}

// createMoves fills in what the transfer and the product say.
func createMoves(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		full := make([]orm.Values, len(list))
		var pickings, products []int64
		for i, vals := range list {
			full[i] = vals.Clone()
			if s, ok := vals["state"]; ok && s != MoveDraft && !bulk(rs.Env) {
				return rs, orm.UserErrorf("New stock moves are drafts; their state follows from what is done with them.")
			}
			for k, field := range map[string]string{"default_picking_id": "picking_id", "default_product_id": "product_id"} {
				if v := rs.Env.Key(k); v != nil && full[i][field] == nil {
					full[i][field] = v
				}
			}
			if id := full[i].ID("picking_id"); id != 0 && !bulk(rs.Env) {
				pickings = append(pickings, id)
			}
			if id := full[i].ID("product_id"); id != 0 && full[i]["product_uom"] == nil {
				products = append(products, id)
			}
		}
		byPicking, err := readByID[Picking](rs.Env, pickings)
		if err != nil {
			return rs, err
		}
		byProduct, err := readByID[Product](rs.Env.Sudo(), products)
		if err != nil {
			return rs, err
		}
		for _, vals := range full {
			if p := byPicking[vals.ID("picking_id")]; p != nil {
				if err := p.fillMove(vals); err != nil {
					return rs, err
				}
			}
			if p := byProduct[vals.ID("product_id")]; p != nil && vals["product_uom"] == nil {
				vals["product_uom"] = p.UoMID.ID
			}
			if vals["company_id"] == nil {
				vals["company_id"] = orNil(rs.Env.Company())
			}
			if vals["reference"] == nil {
				vals["reference"] = vals["inventory_name"]
			}
		}
		made, err := super(rs, full)
		if err != nil || bulk(rs.Env) {
			return made, err
		}
		return made, checkStored(rs.Env, made.IDs)
	}
}

// fillMove gives the values of a new move what its transfer says.
func (p *Picking) fillMove(vals orm.Values) error {
	if p.State == PickingDone || p.State == PickingCancelled {
		return orm.UserErrorf("The transfer %s is closed: nothing can be added to it.", p.Name)
	}
	for field, v := range map[string]any{"company_id": p.CompanyID.ID, "picking_type_id": p.TypeID.ID, "location_id": p.LocationID.ID, "location_dest_id": p.DestID.ID,
		"partner_id": orNil(p.PartnerID.ID), "date": p.ScheduledDate, "priority": p.Priority, "reference": p.Name} {
		if !vals.Has(field) && v != nil {
			vals[field] = v
		}
	}
	if p.Origin != "" && vals["origin"] == nil {
		vals["origin"] = p.Origin
	}
	return nil
}

// readByID reads records of ids that may repeat, by id.
func readByID[T any](env *orm.Env, ids []int64, paths ...string) (map[int64]*T, error) {
	out := map[int64]*T{}
	var distinct []int64
	for _, id := range ids {
		if _, seen := out[id]; !seen {
			out[id] = nil
			distinct = append(distinct, id)
		}
	}
	if len(distinct) == 0 {
		return out, nil
	}
	recs, err := orm.Read[T](env, distinct, paths...)
	for i, r := range recs {
		out[distinct[i]] = r
	}
	return out, err
}

func writeMoves(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		if bulk(env) {
			return super(rs, vals)
		}
		_, demand := vals["product_uom_qty"]
		_, source := vals["location_id"]
		_, dest := vals["location_dest_id"]
		_, moved := vals["quantity"]
		for _, fixed := range []string{"product_id", "product_uom", "product_uom_qty", "location_id", "location_dest_id", "quantity", "state", "move_line_ids"} {
			if !vals.Has(fixed) {
				continue
			}
			done, err := orm.First[Move](env.Sudo(), orm.And(orm.Leaf("id", "in", rs.IDs), orm.Leaf("state", "=", "done")), "id", "product_id.display_name")
			if err != nil {
				return err
			}
			if done != nil {
				return orm.UserErrorf("The move of “%s” is done and cannot be changed. Create a return to reverse it.", done.ProductID.Rec().DisplayName.Get())
			}
			break
		}
		if vals.Has("state") {
			return orm.UserErrorf("The state of a stock move follows from what is done with it; it cannot be set by hand.")
		}
		if source || vals["product_id"] != nil {
			// What is reserved elsewhere, or of something else, is not what is needed now.
			if err := unreserveMoves(env, rs.IDs); err != nil {
				return err
			}
		}
		if err := super(rs, vals); err != nil {
			return err
		}
		for _, f := range []string{"company_id", "location_id", "location_dest_id", "product_id", "product_uom"} {
			if vals.Has(f) {
				if err := checkStored(env, rs.IDs); err != nil {
					return err
				}
				break
			}
		}
		if dest {
			lines, err := env.Model("stock.move.line").Search(orm.Leaf("move_id", "in", rs.IDs), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := lines.In(inBulk(env)).Write(orm.Values{"location_dest_id": vals["location_dest_id"]}); err != nil {
				return err
			}
		}
		if demand {
			return followDemand(env, rs.IDs)
		}
		if moved || source {
			return refreshStates(env, rs.IDs)
		}
		return nil
	}
}
