package stock

import (
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// PickingType is a kind of transfer of a warehouse, such as its deliveries,
// with its own numbers and default locations.
type PickingType struct {
	orm.Record      `orm:"stock.picking.type" label:"Picking Type" order:"sequence, id"`
	Name            string                 `orm:"name,required,translate" label:"Operation Type"`
	Active          bool                   `orm:"active,default=true" label:"Active"`
	Color           int                    `orm:"color" label:"Color"`
	Sequence        int                    `orm:"sequence" label:"Sequence"`
	SequenceID      orm.Ref[base.Sequence] `orm:"sequence_id,nocopy" label:"Reference Sequence"`
	SequenceCode    string                 `orm:"sequence_code,required" label:"Sequence Prefix"`
	SourceID        orm.Ref[Location]      `orm:"default_location_src_id" label:"Source Location"`
	DestID          orm.Ref[Location]      `orm:"default_location_dest_id" label:"Destination Location"`
	Code            string                 `orm:"code,required,default=incoming" selection:"incoming:Receipt,outgoing:Delivery,internal:Internal Transfer" label:"Type of Operation"`
	ReturnTypeID    orm.Ref[PickingType]   `orm:"return_picking_type_id" label:"Operation Type for Returns"`
	WarehouseID     orm.Ref[Warehouse]     `orm:"warehouse_id,index,ondelete=cascade" label:"Warehouse"`
	CompanyID       orm.Ref[base.Company]  `orm:"company_id,required,index,default=company" label:"Company"`
	Reservation     string                 `orm:"reservation_method,required,default=at_confirm" selection:"at_confirm:At Confirmation,manual:Manually" label:"Reservation Method" help:"When the products of a transfer are reserved: as soon as it is confirmed, or when somebody asks for it."`
	CreateBackorder string                 `orm:"create_backorder,required,default=ask" selection:"ask:Ask,always:Always,never:Never" label:"Create Backorder" help:"What happens to products that were not moved when a transfer is validated."`
	MoveType        string                 `orm:"move_type,required,default=direct" selection:"direct:As soon as possible,one:When all products are ready" label:"Shipping Policy"`
	Barcode         string                 `orm:"barcode,nocopy" label:"Barcode"`
	CountReady      orm.Deferred[int]      `orm:"count_picking_ready" label:"Ready"`
	CountWaiting    orm.Deferred[int]      `orm:"count_picking_waiting" label:"Waiting"`
	CountDraft      orm.Deferred[int]      `orm:"count_picking_draft" label:"Draft"`
	CountLate       orm.Deferred[int]      `orm:"count_picking_late" label:"Late"`
	CountBackorders orm.Deferred[int]      `orm:"count_picking_backorders" label:"Backorders"`
	DisplayName     orm.Deferred[string]   `orm:"display_name"`
}

func definePickingType(r *orm.Registry) {
	t := orm.Define[PickingType](r)
	t.Compute("display_name", func(_ *orm.Env, ts []*PickingType) error {
		for _, t := range ts {
			t.DisplayName.Set(t.Name)
			if w := t.WarehouseID.Rec(); w != nil {
				t.DisplayName.Set(w.Name + ": " + t.Name)
			}
		}
		return nil
	}, "name", "warehouse_id.name")
	t.SearchBy("display_name", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		d := orm.AnyOf(op, value, "name", "warehouse_id.name")
		// The whole name, as it is shown: the warehouse's and the kind's.
		text, _ := value.(string)
		if w, name, both := strings.Cut(text, ": "); both && (op == "ilike" || op == "=") {
			d = orm.Or(d, orm.And(orm.Leaf("warehouse_id.name", op, w), orm.Leaf("name", op, name)))
		}
		return d, nil
	})
	t.Compute("count_picking_ready, count_picking_waiting, count_picking_draft, count_picking_late, count_picking_backorders", countPickings)
	t.OnCreate(createPickingTypes)
	t.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			for _, id := range rs.IDs {
				rs.Env.Forget(typeKey(id))
			}
			if vals["warehouse_id"] == nil && vals["sequence_code"] == nil {
				return nil
			}
			return prefixNumbers(rs)
		}
	})
	orm.Implement(t, ActionReadyPickings, openPickings("assigned"))
	orm.Implement(t, ActionWaitingPickings, openPickings("confirmed", "waiting"))
}

// Methods of the kinds of transfers that open lists of them.
var (
	ActionReadyPickings   = orm.Method[PickingType]{Name: "get_action_picking_tree_ready"}
	ActionWaitingPickings = orm.Method[PickingType]{Name: "get_action_picking_tree_waiting"}
)

func countPickings(env *orm.Env, ts []*PickingType) error {
	open := orm.Leaf("state", "in", []any{"assigned", "confirmed", "waiting"})
	for _, c := range []struct {
		which orm.Domain
		set   func(*PickingType, int)
	}{
		{orm.Leaf("state", "=", "assigned"), func(t *PickingType, n int) { t.CountReady.Set(n) }},
		{orm.Leaf("state", "in", []any{"confirmed", "waiting"}), func(t *PickingType, n int) { t.CountWaiting.Set(n) }},
		{orm.Leaf("state", "=", "draft"), func(t *PickingType, n int) { t.CountDraft.Set(n) }},
		{orm.And(open, orm.Leaf("scheduled_date", "<", orm.DatetimeOf(env.Now()))), func(t *PickingType, n int) { t.CountLate.Set(n) }},
		{orm.And(open, orm.Leaf("backorder_id", "!=", false)), func(t *PickingType, n int) { t.CountBackorders.Set(n) }},
	} {
		n, err := env.Model("stock.picking").CountBy("picking_type_id", orm.And(orm.Leaf("picking_type_id", "in", orm.IDs(env, ts)), c.which))
		if err != nil {
			return err
		}
		for _, t := range ts {
			c.set(t, n[t.ID])
		}
	}
	return nil
}

// createPickingTypes gives each kind of transfer its numbers and the warehouse
// of its company.
func createPickingTypes(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env.Sudo()
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			vals = vals.Clone()
			full[i] = vals
			if vals.ID("sequence_id") != 0 {
				continue
			}
			company := vals.ID("company_id")
			if company == 0 {
				company = rs.Env.Company()
			}
			made, err := env.Model("ir.sequence").Create(orm.Values{"name": "Sequence " + vals.Text("sequence_code"), "prefix": vals.Text("sequence_code") + "/", "padding": 5, "company_id": orNil(company)})
			if err != nil {
				return rs, err
			}
			vals["sequence_id"] = made.ID()
		}
		made, err := super(rs, full)
		if err != nil {
			return made, err
		}
		return made, prefixNumbers(made)
	}
}

// prefixNumbers puts the short name of the warehouse before the numbers.
func prefixNumbers(rs orm.Records) error {
	env := rs.Env.Sudo()
	ts, err := orm.Read[PickingType](env, rs.IDs, "warehouse_id")
	if err != nil {
		return err
	}
	for _, t := range ts {
		prefix, name := t.SequenceCode+"/", t.Name
		if w := t.WarehouseID.Rec(); w != nil {
			prefix, name = w.Code+"/"+prefix, w.Name+" "+t.Name
		}
		if err := env.Model("ir.sequence").Browse(t.SequenceID.ID).Write(orm.Values{"prefix": prefix, "name": name}); err != nil {
			return err
		}
	}
	return nil
}

// openPickings is an action that lists the transfers in some states.
func openPickings(states ...any) orm.Action[PickingType] {
	return func(_ *orm.Env, ts []*PickingType, _ orm.Args) (any, error) {
		if len(ts) != 1 {
			return nil, orm.UserErrorf("Choose one operation type.")
		}
		return map[string]any{
			"type": "ir.actions.act_window", "name": ts[0].Name, "res_model": "stock.picking", "view_mode": "list,form", "views": []any{[]any{false, "list"}, []any{false, "form"}},
			"domain":  []any{[]any{"picking_type_id", "=", ts[0].ID}, []any{"state", "in", states}},
			"context": map[string]any{"default_picking_type_id": ts[0].ID},
		}, nil
	}
}
