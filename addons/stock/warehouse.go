package stock

import (
	"fmt"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Warehouse is a building with stock. It brings its own locations (a view with
// the stock below it) and its own kinds of transfers.
type Warehouse struct {
	orm.Record     `orm:"stock.warehouse" label:"Warehouse" order:"sequence, id" search:"name,code"`
	Name           string                `orm:"name,required" label:"Warehouse"`
	Active         bool                  `orm:"active,default=true" label:"Active"`
	CompanyID      orm.Ref[base.Company] `orm:"company_id,required,index,default=company" label:"Company"`
	PartnerID      orm.Ref[base.Partner] `orm:"partner_id" label:"Address"`
	Code           string                `orm:"code,required,size=5" label:"Short Name" help:"Short name used to identify the warehouse in the numbers of its transfers."`
	Sequence       int                   `orm:"sequence,default=10" label:"Sequence"`
	ViewLocationID orm.Ref[Location]     `orm:"view_location_id,required,index,nocopy" label:"View Location"`
	LotStockID     orm.Ref[Location]     `orm:"lot_stock_id,required,index,nocopy" label:"Location Stock"`
	InTypeID       orm.Ref[PickingType]  `orm:"in_type_id,nocopy" label:"In Type"`
	OutTypeID      orm.Ref[PickingType]  `orm:"out_type_id,nocopy" label:"Out Type"`
	IntTypeID      orm.Ref[PickingType]  `orm:"int_type_id,nocopy" label:"Internal Type"`
}

func defineWarehouse(r *orm.Registry) {
	w := orm.Define[Warehouse](r)
	w.Unique("warehouse_name_uniq", "name, company_id", "The name of the warehouse must be unique per company!")
	w.Unique("warehouse_code_uniq", "code, company_id", "The short name of the warehouse must be unique per company!")
	w.OnCreate(createWarehouses)
	w.OnWrite(writeWarehouses)
}

// createWarehouses adds the locations and the kinds of transfers that are not
// given.
func createWarehouses(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env.Sudo()
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			vals = vals.Clone()
			full[i] = vals
			company := vals.ID("company_id")
			if company == 0 {
				company = rs.Env.Company()
				vals["company_id"] = orNil(company)
			}
			if company == 0 {
				continue // the company is required, and asked for by create
			}
			if err := warehouseDefaults(env, company, vals); err != nil {
				return rs, err
			}
		}
		made, err := super(rs, full)
		if err != nil {
			return made, err
		}
		ws, err := orm.Read[Warehouse](env, made.IDs)
		if err != nil {
			return made, err
		}
		for _, w := range ws {
			if err := setupWarehouse(env, w); err != nil {
				return made, fmt.Errorf("operations of warehouse %s: %w", w.Name, err)
			}
		}
		return made, nil
	}
}

// warehouseDefaults names a new warehouse after its company and makes its
// locations.
func warehouseDefaults(env *orm.Env, company int64, vals orm.Values) error {
	if vals["name"] == nil || vals["code"] == nil || vals["partner_id"] == nil {
		c, err := orm.Get[base.Company](env, company)
		if err != nil {
			return err
		}
		if vals["name"] == nil {
			vals["name"] = c.Name
		}
		if !vals.Has("partner_id") {
			vals["partner_id"] = c.PartnerID.ID
		}
		if vals["code"] == nil {
			code := []rune(c.Name)
			vals["code"] = string(code[:min(5, len(code))])
		}
	}
	location := func(field string, v orm.Values) error {
		if vals.ID(field) != 0 {
			return nil
		}
		v["company_id"] = company
		made, err := env.Model("stock.location").Create(v)
		vals[field] = made.ID()
		return err
	}
	root, _, err := env.FindRef("stock.stock_location_locations")
	if err != nil {
		return err
	}
	if err := location("view_location_id", orm.Values{"name": vals["code"], "usage": "view", "location_id": orNil(root.ID())}); err != nil {
		return err
	}
	return location("lot_stock_id", orm.Values{"name": "Stock", "usage": "internal", "location_id": vals["view_location_id"]})
}

// setupWarehouse makes the kinds of transfers a warehouse lacks, and ties those
// it was given to it.
func setupWarehouse(env *orm.Env, w *Warehouse) error {
	have := map[string]int64{"in_type_id": w.InTypeID.ID, "out_type_id": w.OutTypeID.ID, "int_type_id": w.IntTypeID.ID}
	wanted := []struct {
		field string
		vals  orm.Values
	}{
		{"in_type_id", orm.Values{"name": "Receipts", "code": "incoming", "sequence_code": "IN", "sequence": 1, "default_location_dest_id": w.LotStockID.ID}},
		{"out_type_id", orm.Values{"name": "Delivery Orders", "code": "outgoing", "sequence_code": "OUT", "sequence": 5, "default_location_src_id": w.LotStockID.ID}},
		{"int_type_id", orm.Values{"name": "Internal Transfers", "code": "internal", "sequence_code": "INT", "sequence": 6, "default_location_src_id": w.LotStockID.ID, "default_location_dest_id": w.LotStockID.ID}},
	}
	types := env.Model("stock.picking.type")
	own := orm.Values{}
	for _, t := range wanted {
		if id := have[t.field]; id != 0 {
			if err := types.Browse(id).Write(orm.Values{"warehouse_id": w.ID, "company_id": w.CompanyID.ID}); err != nil {
				return err
			}
			continue
		}
		t.vals["warehouse_id"], t.vals["company_id"] = w.ID, w.CompanyID.ID
		made, err := types.Create(t.vals)
		if err != nil {
			return err
		}
		own[t.field], have[t.field] = made.ID(), made.ID()
	}
	if err := env.Model("stock.warehouse").Browse(w.ID).Write(own); err != nil {
		return err
	}
	// What goes out comes back as a receipt, and the other way round.
	if err := types.Browse(have["out_type_id"]).Write(orm.Values{"return_picking_type_id": have["in_type_id"]}); err != nil {
		return err
	}
	return types.Browse(have["in_type_id"]).Write(orm.Values{"return_picking_type_id": have["out_type_id"]})
}

func writeWarehouses(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env.Sudo()
		ws, err := orm.Read[Warehouse](env, rs.IDs)
		if err != nil {
			return err
		}
		for _, w := range ws {
			if vals.Has("company_id") && vals.ID("company_id") != w.CompanyID.ID {
				return orm.UserErrorf("The company of the warehouse “%s” cannot be changed, since its locations and transfers belong to it. Archive the warehouse and create one in the other company.", w.Name)
			}
		}
		if vals["active"] == false {
			open, err := orm.First[Move](env.Sudo(), orm.And(orm.Leaf("picking_type_id.warehouse_id", "in", rs.IDs), orm.Leaf("state", "not in", []string{"done", "cancel"})), "",
				"picking_type_id.warehouse_id.name")
			if err != nil {
				return err
			}
			if open != nil {
				return orm.UserErrorf("The warehouse “%s” has open transfers. Finish or cancel them before you archive it.", open.TypeID.Rec().WarehouseID.Rec().Name)
			}
		}
		if err := super(rs, vals); err != nil {
			return err
		}
		if active, ok := vals["active"]; ok {
			types, err := env.WithContext(map[string]any{"active_test": false}).Model("stock.picking.type").Search(orm.Leaf("warehouse_id", "in", rs.IDs), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := types.Write(orm.Values{"active": active}); err != nil {
				return err
			}
		}
		if code := vals.Text("code"); code != "" {
			return renameWarehouse(env, ws, code)
		}
		return nil
	}
}

// renameWarehouse brings a new short name into the view location and the numbers of
// the transfers to come.
func renameWarehouse(env *orm.Env, ws []*Warehouse, code string) error {
	for _, w := range ws {
		if err := env.Model("stock.location").Browse(w.ViewLocationID.ID).Write(orm.Values{"name": code}); err != nil {
			return err
		}
		types, err := orm.Search[PickingType](env, orm.Leaf("warehouse_id", "=", w.ID), orm.SearchOptions{})
		if err != nil {
			return err
		}
		for _, t := range types {
			if err := env.Model("ir.sequence").Browse(t.SequenceID.ID).Write(orm.Values{"prefix": code + "/" + t.SequenceCode + "/"}); err != nil {
				return err
			}
		}
	}
	return nil
}
