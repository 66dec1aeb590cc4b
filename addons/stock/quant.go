package stock

import (
	"slices"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Quant is how much of a product is in a location, and how much of it open
// moves have reserved, in the unit of the product. There is one per product and
// location. Quantities change through moves and counts only.
type Quant struct {
	orm.Record    `orm:"stock.quant" label:"Quants" order:"product_id, location_id, id" rec:"product_id" search:"location_id"`
	ProductID     orm.Ref[Product]                 `orm:"product_id,required,index,ondelete=restrict" label:"Product" domain:"[('is_storable', '=', True)]"`
	CompanyID     orm.Ref[base.Company]            `orm:"company_id,related=location_id.company_id,store,readonly,index" label:"Company"`
	LocationID    orm.Ref[Location]                `orm:"location_id,required,index,ondelete=restrict" label:"Location" domain:"[('usage', 'in', ['internal', 'transit'])]"`
	WarehouseID   orm.Deferred[orm.Ref[Warehouse]] `orm:"warehouse_id,related=location_id.warehouse_id,readonly" label:"Warehouse"`
	LocationUsage string                           `orm:"location_usage,related=location_id.usage,readonly" label:"Location Type"`
	UoMID         orm.Ref[uom.UoM]                 `orm:"product_uom_id,related=product_id.uom_id,readonly" label:"Unit of Measure"`
	Quantity      decimal.Decimal                  `orm:"quantity,readonly,required,digits=6,default=0" label:"Quantity" help:"Quantity of products in this location, in the default unit of measure of the product."`
	Reserved      decimal.Decimal                  `orm:"reserved_quantity,readonly,required,digits=6,default=0" label:"Reserved Quantity" help:"Quantity that open transfers have reserved."`
	Available     orm.Deferred[decimal.Decimal]    `orm:"available_quantity" label:"Available Quantity" help:"On hand quantity which hasn't been reserved on a transfer."`
	InDate        orm.Datetime                     `orm:"in_date,readonly,required,default=now" label:"Incoming Date"`
	Counted       decimal.Decimal                  `orm:"inventory_quantity,digits=6" label:"Counted Quantity" help:"What was counted."`
	AutoApply     orm.Deferred[decimal.Decimal]    `orm:"inventory_quantity_auto_apply" label:"Inventoried Quantity"`
	Difference    orm.Deferred[decimal.Decimal]    `orm:"inventory_diff_quantity" label:"Difference" help:"How far the count is from the quantity on hand."`
	CountedSet    bool                             `orm:"inventory_quantity_set,readonly" label:"Inventory Quantity Set"`
	InventoryDate orm.Date                         `orm:"inventory_date" label:"Scheduled Date"`
	LastCountDate orm.Date                         `orm:"last_count_date,readonly" label:"Last Count Date"`
	UserID        orm.Ref[base.User]               `orm:"user_id" label:"Assigned To"`
	DisplayName   orm.Deferred[string]             `orm:"display_name"`
}

// QuantitiesChanged is called whenever quantities on hand or reserved have
// changed, with the ids of the products; addons that pass quantities on
// override it. It runs in the unit of work that changes them.
var QuantitiesChanged = orm.ModelMethod[Quant]{Name: "_quantities_changed"}

// quantKey is a product in a location, and thus names a quant.
type quantKey struct{ product, location int64 }

type amounts struct{ quantity, reserved decimal.Decimal }

// ledger collects changes of quantities on hand and reserved, in the units of
// the products, to be posted together.
type ledger map[quantKey]amounts

func (b ledger) add(product, location int64, quantity, reserved decimal.Decimal) {
	at := quantKey{product, location}
	a := b[at]
	b[at] = amounts{a.quantity.Add(quantity), a.reserved.Add(reserved)}
}

// post applies the changes in one statement, in a fixed order, so that two
// units of work at the same quants wait for each other instead of blocking each
// other; the later one is then tried again on what the earlier one left. It
// returns what is there now.
func (b ledger) post(env *orm.Env) (ledger, error) {
	var products, locations []int64
	var quantities, reserved []string
	seen := map[int64]bool{}
	var changed []int64
	for _, at := range b.sorted() {
		a := b[at]
		if a.quantity.IsZero() && a.reserved.IsZero() {
			continue
		}
		products, locations = append(products, at.product), append(locations, at.location)
		quantities, reserved = append(quantities, a.quantity.String()), append(reserved, a.reserved.String())
		if !seen[at.product] {
			seen[at.product] = true
			changed = append(changed, at.product)
		}
	}
	if len(products) == 0 {
		return nil, nil
	}
	now := orm.DatetimeOf(env.Now())
	type quant struct {
		ProductID, LocationID      int64
		Quantity, ReservedQuantity decimal.Decimal
	}
	// SQL: adds to what is there or makes it, in one statement that locks the rows.
	rows, err := orm.Rows[quant](env, orm.SQL(`INSERT INTO stock_quant (product_id, location_id, company_id, quantity, reserved_quantity, in_date, create_uid, create_date, write_uid, write_date)
		SELECT v.p, v.l, l.company_id, v.q, v.r, ?::timestamp, ?::bigint, ?::timestamp, ?::bigint, ?::timestamp
		FROM unnest(?::bigint[], ?::bigint[], ?::text[]::numeric[], ?::text[]::numeric[]) v(p, l, q, r) JOIN stock_location l ON l.id = v.l ORDER BY v.p, v.l
		ON CONFLICT (product_id, location_id) DO UPDATE SET quantity = stock_quant.quantity + EXCLUDED.quantity, reserved_quantity = stock_quant.reserved_quantity + EXCLUDED.reserved_quantity,
			in_date = CASE WHEN stock_quant.quantity <= 0 AND EXCLUDED.quantity > 0 THEN EXCLUDED.in_date ELSE stock_quant.in_date END, write_uid = EXCLUDED.write_uid, write_date = EXCLUDED.write_date
		RETURNING product_id, location_id, quantity, reserved_quantity`,
		now, env.UID(), now, env.UID(), now, products, locations, quantities, reserved).
		Reads("stock.location", "company_id").Writes("stock.quant", "product_id", "location_id", "quantity", "reserved_quantity", "in_date", "write_uid", "write_date"))
	if err != nil {
		return nil, err
	}
	left := ledger{}
	empty := false
	for _, row := range rows {
		a := amounts{row.Quantity, row.ReservedQuantity}
		left[quantKey{row.ProductID, row.LocationID}] = a
		empty = empty || a.quantity.IsZero() && a.reserved.IsZero()
		if a.reserved.IsNegative() {
			return nil, orm.UserErrorf("More of a product would be given free than is reserved (product %d in location %d). Unreserve the transfer and check its availability again.", row.ProductID, row.LocationID)
		}
	}
	if empty {
		// SQL: as above.
		if _, err := env.Exec(orm.SQL(`DELETE FROM stock_quant q USING unnest(?::bigint[], ?::bigint[]) v(p, l)
			WHERE q.product_id = v.p AND q.location_id = v.l AND q.quantity = 0 AND q.reserved_quantity = 0 AND q.inventory_quantity_set IS NOT TRUE`, products, locations).Writes("stock.quant")); err != nil {
			return nil, err
		}
	}
	_, err = orm.InvokeModel(env, QuantitiesChanged, changed)
	return left, err
}

func (b ledger) sorted() []quantKey {
	spots := make([]quantKey, 0, len(b))
	for at := range b {
		spots = append(spots, at)
	}
	slices.SortFunc(spots, func(x, y quantKey) int {
		if x.product != y.product {
			return int(x.product - y.product)
		}
		return int(x.location - y.location)
	})
	return spots
}

// availableQuant is what is free of a product in a location.
type availableQuant struct {
	ProductID, LocationID int64
	ParentPath            string // of the location
	Free                  decimal.Decimal
	InDate                orm.Datetime
}

// lockAvailable finds what is free of products in and below locations, oldest
// first, and locks it until the unit of work ends.
func lockAvailable(env *orm.Env, products, locations []int64) (map[int64][]*availableQuant, error) {
	out := map[int64][]*availableQuant{}
	if len(products) == 0 {
		return out, nil
	}
	// SQL: locks the rows.
	rows, err := orm.Rows[availableQuant](env, orm.SQL(`SELECT q.product_id, q.location_id, l.parent_path, q.quantity - q.reserved_quantity AS free, q.in_date
		FROM stock_quant q JOIN stock_location l ON l.id = q.location_id
		WHERE q.product_id = ANY(?::bigint[]) AND q.quantity > q.reserved_quantity AND l.usage IN ('internal', 'transit') AND l.scrap_location IS NOT TRUE
		AND EXISTS (SELECT 1 FROM stock_location top WHERE top.id = ANY(?::bigint[]) AND l.parent_path LIKE top.parent_path || '%')
		ORDER BY q.product_id, q.location_id FOR UPDATE OF q`, products, locations).
		Reads("stock.quant", "product_id", "location_id", "quantity", "reserved_quantity", "in_date").Reads("stock.location", "parent_path", "usage", "scrap_location"))
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b availableQuant) int { return a.InDate.Time().Compare(b.InDate.Time()) }) // the order above is that of locking
	for i, s := range rows {
		out[s.ProductID] = append(out[s.ProductID], &rows[i])
	}
	return out, nil
}
