package stock

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Location is a place products move between: a shelf, a warehouse, or one of
// the virtual places they come from and go to (vendors, customers, losses).
type Location struct {
	orm.Record   `orm:"stock.location" label:"Inventory Locations" order:"complete_name, id" rec:"complete_name" search:"complete_name,barcode" parent:"location_id"`
	Name         string                           `orm:"name,required" label:"Location Name"`
	CompleteName string                           `orm:"complete_name,store,readonly,index" label:"Full Location Name"`
	Active       bool                             `orm:"active,default=true" label:"Active" help:"An archived location is kept, but no longer offered."`
	Usage        string                           `orm:"usage,required,index,default=internal" selection:"supplier:Vendor Location,view:View,internal:Internal Location,customer:Customer Location,inventory:Inventory Loss,production:Production,transit:Transit Location" label:"Location Type" help:"Products in internal and transit locations are the company's own and can be reserved."`
	LocationID   orm.Ref[Location]                `orm:"location_id,index,ondelete=restrict" label:"Parent Location"`
	ChildIDs     orm.Many[Location]               `orm:"child_ids,inverse=location_id" label:"Contains"`
	ParentPath   string                           `orm:"parent_path,index,nocopy" label:"Parent Path"`
	CompanyID    orm.Ref[base.Company]            `orm:"company_id,index,default=company" label:"Company" help:"Without a company the location is shared by all."`
	ScrapLoc     bool                             `orm:"scrap_location" label:"Is a Scrap Location?" help:"Damaged goods are put here."`
	Barcode      string                           `orm:"barcode,nocopy" label:"Barcode"`
	Comment      string                           `orm:"comment,html" label:"Additional Information"`
	QuantIDs     orm.Many[Quant]                  `orm:"quant_ids,inverse=location_id" label:"Quantities"`
	WarehouseID  orm.Deferred[orm.Ref[Warehouse]] `orm:"warehouse_id" label:"Warehouse"`
	DisplayName  orm.Deferred[string]             `orm:"display_name"`
}

// reservable reports whether stock in the location belongs to the company, so
// that moves out of it have to be covered by quantities on hand.
func (l *Location) reservable() bool {
	switch l.Usage {
	case UsageInternal:
		return !l.ScrapLoc
	case UsageTransit:
		return l.CompanyID.IsSet()
	}
	return false
}

func defineLocation(r *orm.Registry) {
	l := orm.Define[Location](r)
	l.Compute("complete_name", func(_ *orm.Env, ls []*Location) error {
		for _, l := range ls {
			l.CompleteName = l.Name
			if up := l.LocationID.Rec(); up != nil && l.Usage != UsageView {
				l.CompleteName = up.CompleteName + "/" + l.Name
			}
		}
		return nil
	}, "name", "usage", "location_id.complete_name")
	l.Compute("display_name", func(env *orm.Env, ls []*Location) error {
		formatted := env.Flag(base.FormattedName, false)
		for _, l := range ls {
			l.DisplayName.Set(l.CompleteName)
			if up := l.LocationID.Rec(); formatted && up != nil && l.Usage != UsageView {
				l.DisplayName.Set("--" + up.CompleteName + "/--" + l.Name)
			}
		}
		return nil
	}, "name", "usage", "complete_name", "location_id.complete_name")
	l.Compute("warehouse_id", locationWarehouses, "parent_path")
	l.SearchBy("warehouse_id", searchLocationWarehouse)
	l.Unique("barcode_company_uniq", "barcode, company_id", "The barcode of a location must be unique in a company.")
	l.OnCopyData(base.MarkCopies)
	l.OnWrite(writeLocations)
}

// locationWarehouses finds the warehouse each location lies in.
func locationWarehouses(env *orm.Env, ls []*Location) error {
	stored := orm.StoredIDs(env, ls)
	// SQL: joins locations with those above them.
	rows, err := orm.Rows[[2]int64](env, orm.SQL(`SELECT l.id, w.id FROM stock_location l
		JOIN stock_location v ON l.parent_path LIKE v.parent_path || '%'
		JOIN stock_warehouse w ON w.view_location_id = v.id WHERE l.id = ANY(?)`, stored).Reads("stock.location", "parent_path").Reads("stock.warehouse", "view_location_id"))
	if err != nil {
		return err
	}
	found := map[int64]int64{}
	for _, row := range rows {
		found[row[0]] = row[1]
	}
	for i, l := range ls {
		l.WarehouseID.Set(orm.RefTo[Warehouse](found[stored[i]]))
	}
	return nil
}

func searchLocationWarehouse(env *orm.Env, op string, value any) (orm.Domain, error) {
	if op != "=" && op != "in" {
		return nil, orm.UserErrorf("Locations can be searched by their warehouse with = and in only.")
	}
	ws, err := orm.Search[Warehouse](env.Sudo(), orm.Leaf("id", op, value), orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	views := make([]int64, len(ws))
	for i, w := range ws {
		views[i] = w.ViewLocationID.ID
	}
	return orm.Leaf("id", "child_of", views), nil
}

// writeLocations keeps locations that hold products from becoming places where
// nobody looks for them.
func writeLocations(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		hides := vals["active"] == false
		if usage, ok := vals["usage"]; hides || ok && usage != "internal" {
			// SQL: joins quants with the locations above them, seen by the user or not.
			name, holds, err := orm.MaybeRow[string](rs.Env, orm.SQL(`SELECT l.complete_name FROM stock_quant q JOIN stock_location l ON l.id = q.location_id
				JOIN stock_location top ON l.parent_path LIKE top.parent_path || '%'
				WHERE top.id = ANY(?) AND (? OR (l.id = top.id AND l.usage IS DISTINCT FROM ?)) AND (q.quantity <> 0 OR q.reserved_quantity <> 0) AND l.usage IN ('internal', 'transit') LIMIT 1`, rs.IDs, hides, vals.Text("usage")).
				Reads("stock.quant").Reads("stock.location"))
			if err != nil {
				return err
			}
			if holds {
				return orm.UserErrorf("The location “%s” still holds products. Move them elsewhere before you archive the location or change its type.", name)
			}
		}
		if hides {
			w, err := orm.First[Warehouse](rs.Env.Sudo(), orm.Or(orm.Leaf("lot_stock_id", "in", rs.IDs), orm.Leaf("view_location_id", "in", rs.IDs)), "")
			if err != nil {
				return err
			}
			if w != nil {
				return orm.UserErrorf("The location is in use by the warehouse “%s”. Archive the warehouse instead.", w.Name)
			}
		}
		return super(rs, vals)
	}
}
