package stock

import (
	"slices"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// Picking is a transfer: a delivery, a receipt or a move within the company.
// Its state follows from its moves.
type Picking struct {
	orm.Record `orm:"stock.picking" label:"Transfer" order:"priority desc, scheduled_date, id desc" search:"name,origin"`
	mail.Thread
	mail.ActivityMixin
	Name          string                `orm:"name,readonly,nocopy,index=trigram,default=/" label:"Reference"`
	Origin        string                `orm:"origin,index=trigram" label:"Source Document" help:"Reference of the document"`
	Note          string                `orm:"note,html" label:"Notes"`
	BackorderID   orm.Ref[Picking]      `orm:"backorder_id,nocopy,index" label:"Back Order of" help:"The transfer of which this one is the rest."`
	BackorderIDs  orm.Many[Picking]     `orm:"backorder_ids,inverse=backorder_id" label:"Back Orders"`
	ReturnID      orm.Ref[Picking]      `orm:"return_id,nocopy,index" label:"Return of" help:"The transfer whose products come back by this one."`
	ReturnIDs     orm.Many[Picking]     `orm:"return_ids,inverse=return_id" label:"Returns"`
	ReturnCount   orm.Deferred[int]     `orm:"return_count" label:"# Returns"`
	MoveType      string                `orm:"move_type,required,default=direct" selection:"direct:As soon as possible,one:When all products are ready" label:"Shipping Policy" help:"Whether the transfer may be ready with a part of its products."`
	State         string                `orm:"state,store,readonly,nocopy,index,default=draft" selection:"draft:Draft,waiting:Waiting Another Operation,confirmed:Waiting,assigned:Ready,done:Done,cancel:Cancelled" label:"Status"`
	Priority      string                `orm:"priority,default=0" selection:"0:Normal,1:Urgent" label:"Priority"`
	ScheduledDate orm.Datetime          `orm:"scheduled_date,required,index,default=now" label:"Scheduled Date"`
	DateDeadline  orm.Datetime          `orm:"date_deadline,nocopy" label:"Deadline"`
	DateDone      orm.Datetime          `orm:"date_done,nocopy" label:"Date of Transfer" help:"When the transfer was validated or cancelled."`
	LocationID    orm.Ref[Location]     `orm:"location_id,required,index" label:"Source Location"`
	DestID        orm.Ref[Location]     `orm:"location_dest_id,required,index" label:"Destination Location"`
	MoveIDs       orm.Many[Move]        `orm:"move_ids,inverse=picking_id,copy" label:"Stock Moves"`
	MoveLineIDs   orm.Many[MoveLine]    `orm:"move_line_ids,inverse=picking_id" label:"Operations"`
	TypeID        orm.Ref[PickingType]  `orm:"picking_type_id,required,index" label:"Operation Type"`
	TypeCode      string                `orm:"picking_type_code,related=picking_type_id.code,readonly" label:"Type of Operation"`
	WarehouseID   orm.Ref[Warehouse]    `orm:"warehouse_id,related=picking_type_id.warehouse_id,readonly" label:"Warehouse"`
	PartnerID     orm.Ref[base.Partner] `orm:"partner_id,index" label:"Contact"`
	CompanyID     orm.Ref[base.Company] `orm:"company_id,required,readonly,index" label:"Company"`
	UserID        orm.Ref[base.User]    `orm:"user_id,nocopy,tracking" label:"Responsible"`
	Done          orm.Deferred[bool]    `orm:"is_done" label:"Is Done"`
	CheckAvail    orm.Deferred[bool]    `orm:"show_check_availability" label:"Show Check Availability"`
}

// Methods of transfers that addons may override.
var (
	// ActionConfirm hands drafts over to the warehouse.
	ActionConfirm = orm.Method[Picking]{Name: "action_confirm"}
	// ActionAssign reserves what is available.
	ActionAssign = orm.Method[Picking]{Name: "action_assign"}
	// DoUnreserve gives reserved products free again.
	DoUnreserve = orm.Method[Picking]{Name: "do_unreserve"}
	// ButtonValidate carries transfers out. It answers true, or the action of
	// the wizard that asks what to do with what was not moved.
	ButtonValidate = orm.Method[Picking]{Name: "button_validate"}
	// DonePickings does what validating means when nothing is left to ask:
	// what has to happen whenever products moved belongs into an override of it.
	// With the context key cancel_backorder the rest is cancelled.
	DonePickings = orm.Method[Picking]{Name: "_action_done"}
	ActionCancel = orm.Method[Picking]{Name: "action_cancel"}
	ButtonScrap  = orm.Method[Picking]{Name: "button_scrap"}
	SeeReturns   = orm.Method[Picking]{Name: "action_see_returns"}
)

func definePicking(r *orm.Registry) {
	p := orm.Define[Picking](r)
	p.Compute("state", func(_ *orm.Env, ps []*Picking) error {
		for _, p := range ps {
			p.State = stateOf(p)
		}
		return nil
	}, "move_type", "location_id.usage", "move_ids.state", "move_ids.product_uom_qty", "move_ids.procure_method")
	p.Compute("return_count", func(env *orm.Env, ps []*Picking) error {
		n, err := env.Model("stock.picking").CountBy("return_id", orm.Leaf("return_id", "in", orm.IDs(env, ps)))
		for _, p := range ps {
			p.ReturnCount.Set(n[p.ID])
		}
		return err
	}, "return_ids")
	p.Compute("is_done, show_check_availability", func(_ *orm.Env, ps []*Picking) error {
		for _, p := range ps {
			p.Done.Set(p.State == PickingDone)
			p.CheckAvail.Set(false)
			for _, m := range p.MoveIDs.All() {
				p.CheckAvail.Set(p.CheckAvail.Get() || (m.State == MoveConfirmed || m.State == MoveWaiting || m.State == MovePartiallyAvailable) && m.ProductUomQty.IsPositive())
			}
		}
		return nil
	}, "state", "move_ids.state", "move_ids.product_uom_qty")
	p.Unique("name_uniq", "name, company_id", "The reference of a transfer must be unique per company!")
	p.OnCreate(createPickings)
	p.OnWrite(writePickings)
	p.OnUnlink(unlinkPickings)
	implementPicking(p)
}

// stateOf derives the state of a transfer from its moves.
func stateOf(p *Picking) string {
	var open []*Move
	cancelled := 0
	moves := p.MoveIDs.All()
	for _, m := range moves {
		switch m.State {
		case MoveDraft:
			return "draft"
		case MoveCancelled:
			cancelled++
		case MoveDone:
		default:
			open = append(open, m)
		}
	}
	switch {
	case len(moves) == 0:
		return "draft"
	case cancelled == len(moves):
		return "cancel"
	case len(open) == 0:
		return "done"
	}
	// What comes from outside is there when it comes.
	if src := p.LocationID.Rec(); src != nil && !src.reservable() && !slices.ContainsFunc(open, func(m *Move) bool { return m.ProcureMethod == ProcureMakeToOrder }) {
		return "assigned"
	}
	has := map[string]bool{}
	for _, m := range open {
		if m.State == MoveAssigned && m.ProductUomQty.IsZero() {
			continue // an addition without a demand holds nothing up
		}
		has[m.State] = true
	}
	if p.MoveType == ShipOne {
		switch {
		case has["confirmed"], has["partially_available"]:
			return "confirmed"
		case has["waiting"]:
			return "waiting"
		}
		return "assigned"
	}
	switch {
	case has["assigned"], has["partially_available"], len(has) == 0:
		return "assigned"
	case has["waiting"]:
		return "waiting"
	}
	return "confirmed"
}

// createPickings numbers new transfers and fills in what their type says.
func createPickings(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			vals = vals.Clone()
			full[i] = vals
			if err := pickingDefaults(rs, vals); err != nil {
				return rs, err
			}
		}
		return super(rs, full)
	}
}

func pickingDefaults(rs orm.Records, vals orm.Values) error {
	env := rs.Env
	kind := vals.ID("picking_type_id")
	if kind == 0 {
		kind = env.KeyID("default_picking_type_id")
	}
	if kind == 0 {
		return orm.ValidationErrorf("A transfer needs an operation type, such as Receipts or Delivery Orders.")
	}
	t, err := pickingType(env, kind)
	if err != nil {
		return err
	}
	vals["company_id"] = t.CompanyID.ID
	if vals["location_id"] == nil {
		if vals["location_id"], err = t.source(env); err != nil {
			return err
		}
	}
	if vals["location_dest_id"] == nil {
		if vals["location_dest_id"], err = t.destination(env); err != nil {
			return err
		}
	}
	if !vals.Has("move_type") {
		vals["move_type"] = t.MoveType
	}
	if name := vals.Text("name"); name == "" || name == "/" {
		if vals["name"], err = base.NextByID(env.Sudo(), t.SequenceID.ID); err != nil {
			return err
		}
	}
	// The moves and lines that come with the transfer take over where it goes.
	for list, fields := range map[string][]string{"move_ids": {"location_id", "location_dest_id", "picking_type_id", "company_id"}, "move_line_ids": {"location_id", "location_dest_id", "company_id"}} {
		addLocations(vals.Commands(list), vals, fields)
	}
	return nil
}

// addLocations adds fields of a transfer, such as its locations, to the lines that
// are created with it.
func addLocations(cmds []orm.Command, picking orm.Values, fields []string) {
	for _, c := range cmds {
		for _, f := range fields {
			if c.Op == orm.CmdCreate && !c.Values.Has(f) && picking[f] != nil {
				c.Values[f] = picking[f]
			}
		}
	}
}

type typeKey int64

// pickingType reads a kind of transfer, once a unit of work.
func pickingType(env *orm.Env, id int64) (*PickingType, error) {
	return orm.Memo(env, typeKey(id), func() (*PickingType, error) { return orm.Get[PickingType](env.Sudo(), id) })
}

// source is where transfers of the type start from.
func (t *PickingType) source(env *orm.Env) (int64, error) {
	if t.SourceID.IsSet() || t.Code != CodeIncoming {
		return t.SourceID.ID, nil
	}
	return partnerLocation(env, "stock.stock_location_suppliers", "supplier")
}

// destination is where transfers of the type go to.
func (t *PickingType) destination(env *orm.Env) (int64, error) {
	if t.DestID.IsSet() || t.Code != CodeOutgoing {
		return t.DestID.ID, nil
	}
	return partnerLocation(env, "stock.stock_location_customers", "customer")
}

type partnerLocationKey string

// partnerLocation is the place of all vendors or all customers.
func partnerLocation(env *orm.Env, xmlid, usage string) (int64, error) {
	return orm.Memo(env, partnerLocationKey(usage), func() (int64, error) {
		rs, ok, err := env.FindRef(xmlid)
		if err != nil || ok {
			return rs.ID(), err
		}
		l, err := orm.First[Location](env.Sudo(), orm.Leaf("usage", "=", usage), "id")
		if err != nil || l == nil {
			return 0, err
		}
		return l.ID, nil
	})
}

func writePickings(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		_, moves := vals["move_ids"]
		_, lines := vals["move_line_ids"]
		var follow orm.Values // what the open moves take over
		for from, to := range map[string]string{"scheduled_date": "date", "date_deadline": "date_deadline", "location_id": "location_id", "location_dest_id": "location_dest_id", "partner_id": "partner_id", "priority": "priority"} {
			if v, ok := vals[from]; ok {
				if follow == nil {
					follow = orm.Values{}
				}
				follow[to] = v
			}
		}
		if vals["picking_type_id"] != nil {
			others, err := env.Sudo().Model("stock.picking").SearchCount(orm.And(orm.Leaf("id", "in", rs.IDs), orm.Leaf("picking_type_id", "!=", vals.ID("picking_type_id"))), 1)
			if err != nil {
				return err
			}
			if others > 0 {
				return orm.UserErrorf("The operation type of a transfer cannot be changed, since its number and locations follow from it. Create a new transfer.")
			}
		}
		if !moves && !lines && follow == nil {
			return super(rs, vals)
		}
		var before []*Picking
		var err error
		if moves || lines {
			if before, err = orm.Read[Picking](env, rs.IDs); err != nil {
				return err
			}
		}
		if err := super(rs, vals); err != nil {
			return err
		}
		if follow != nil {
			open, err := env.Model("stock.move").Search(orm.And(orm.Leaf("picking_id", "in", rs.IDs), orm.Leaf("state", "not in", []string{"done", "cancel"})), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := open.Write(follow); err != nil {
				return err
			}
		}
		// What is added to a transfer under way is under way at once.
		var running []int64
		for _, p := range before {
			if p.State != PickingDraft {
				running = append(running, p.ID)
			}
		}
		if len(running) == 0 {
			return nil
		}
		fresh, err := env.Model("stock.move").Search(orm.And(orm.Leaf("picking_id", "in", running), orm.Leaf("state", "=", "draft")), orm.SearchOptions{})
		if err != nil {
			return err
		}
		return confirmMoves(env, fresh.IDs)
	}
}

// unlinkPickings cancels the moves first, which refuses when some are done.
func unlinkPickings(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		moves, err := rs.Env.Model("stock.move").Search(orm.Leaf("picking_id", "in", rs.IDs), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if err := cancelMoves(rs.Env, moves.IDs); err != nil {
			return err
		}
		if err := moves.Unlink(); err != nil {
			return err
		}
		return super(rs)
	}
}
