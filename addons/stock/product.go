package stock

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"
)

// Template adds to a product whether its quantities are counted, and what they
// are. The quantities are those of all variants, in the unit of the product, in
// the warehouses of the companies one works for, or in those the context names
// (see Product).
type Template struct {
	product.Template
	IsStorable       bool                          `orm:"is_storable,store" label:"Track Inventory" help:"Quantities of the product on hand are counted."`
	QtyAvailable     orm.Deferred[decimal.Decimal] `orm:"qty_available" label:"Quantity On Hand"`
	VirtualAvailable orm.Deferred[decimal.Decimal] `orm:"virtual_available" label:"Forecasted Quantity"`
	FreeQty          orm.Deferred[decimal.Decimal] `orm:"free_qty" label:"Free To Use Quantity"`
	IncomingQty      orm.Deferred[decimal.Decimal] `orm:"incoming_qty" label:"Incoming"`
	OutgoingQty      orm.Deferred[decimal.Decimal] `orm:"outgoing_qty" label:"Outgoing"`
}

// Product adds to a variant how much there is of it. The context keys location
// (ids, or a name) and warehouse_id narrow down where; without them it is in
// the warehouses of the companies one works for.
//
// On hand is what lies there, free what of it is not reserved, and the forecast
// what will be there once all open transfers are done.
type Product struct {
	product.Product
	IsStorable       bool                          `orm:"is_storable"`
	QuantIDs         orm.Many[Quant]               `orm:"stock_quant_ids,inverse=product_id" label:"Stock Quant"`
	MoveIDs          orm.Many[Move]                `orm:"stock_move_ids,inverse=product_id" label:"Stock Move"`
	QtyAvailable     orm.Deferred[decimal.Decimal] `orm:"qty_available" label:"Quantity On Hand" help:"What is in the locations of the warehouses, reserved or not."`
	VirtualAvailable orm.Deferred[decimal.Decimal] `orm:"virtual_available" label:"Forecasted Quantity" help:"On hand, less what is to go out, plus what is to come in."`
	FreeQty          orm.Deferred[decimal.Decimal] `orm:"free_qty" label:"Free To Use Quantity" help:"On hand, less what is reserved."`
	IncomingQty      orm.Deferred[decimal.Decimal] `orm:"incoming_qty" label:"Incoming" help:"What open transfers are to bring."`
	OutgoingQty      orm.Deferred[decimal.Decimal] `orm:"outgoing_qty" label:"Outgoing" help:"What open transfers are to take away."`
}

// Methods of products that open what the quantities are made of.
var (
	ProductQuants  = orm.Method[Product]{Name: "action_open_quants"}
	ProductMoves   = orm.Method[Product]{Name: "action_view_stock_move_lines"}
	TemplateQuants = orm.Method[Template]{Name: "action_open_quants"}
	TemplateMoves  = orm.Method[Template]{Name: "action_view_stock_move_lines"}
)

const quantityFields = "qty_available, virtual_available, free_qty, incoming_qty, outgoing_qty"

func defineProduct(r *orm.Registry) {
	t := orm.Extend[Template](r, "product.template")
	t.Compute("is_storable", func(_ *orm.Env, ts []*Template) error {
		for _, t := range ts {
			t.IsStorable = t.IsStorable && t.Type == product.Goods
		}
		return nil
	}, "type")
	t.Compute(quantityFields, func(env *orm.Env, ts []*Template) error {
		found, err := quantities(env, "product_tmpl_id", orm.IDs(env, ts))
		for _, t := range ts {
			q := found[t.ID]
			t.QtyAvailable.Set(q.onHand)
			t.FreeQty.Set(q.free())
			t.IncomingQty.Set(q.incoming)
			t.OutgoingQty.Set(q.outgoing)
			t.VirtualAvailable.Set(q.forecast())
		}
		return err
	})
	t.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for _, vals := range list {
				if kind := vals.Text("type"); vals["is_storable"] == true && kind != "" && kind != product.Goods {
					return rs, notStorable(vals.Text("name"))
				}
			}
			return super(rs, list)
		}
	})
	t.OnWrite(forbidTrackingChange)
	t.OnWrite(forbidUnitChange)
	p := orm.Extend[Product](r, "product.product")
	p.Compute(quantityFields, func(env *orm.Env, ps []*Product) error {
		found, err := quantities(env, "id", orm.IDs(env, ps))
		for _, p := range ps {
			q := found[p.ID]
			p.QtyAvailable.Set(q.onHand)
			p.FreeQty.Set(q.free())
			p.IncomingQty.Set(q.incoming)
			p.OutgoingQty.Set(q.outgoing)
			p.VirtualAvailable.Set(q.forecast())
		}
		return err
	})
	for name, pick := range map[string]func(quantity) decimal.Decimal{
		"qty_available": func(q quantity) decimal.Decimal { return q.onHand }, "free_qty": quantity.free, "virtual_available": quantity.forecast,
		"incoming_qty": func(q quantity) decimal.Decimal { return q.incoming }, "outgoing_qty": func(q quantity) decimal.Decimal { return q.outgoing },
	} {
		p.SearchBy(name, searchQuantity(name, "id", pick))
		t.SearchBy(name, searchQuantity(name, "product_tmpl_id", pick))
	}
	orm.Implement(p, ProductQuants, func(env *orm.Env, ps []*Product, _ orm.Args) (any, error) {
		return openStock("stock.quant", "Locations", "product_id", orm.IDs(env, ps)), nil
	})
	orm.Implement(p, ProductMoves, func(env *orm.Env, ps []*Product, _ orm.Args) (any, error) {
		return openStock("stock.move.line", "Moves History", "product_id", orm.IDs(env, ps)), nil
	})
	orm.Implement(t, TemplateQuants, func(env *orm.Env, ts []*Template, _ orm.Args) (any, error) {
		return openStock("stock.quant", "Locations", "product_id.product_tmpl_id", orm.IDs(env, ts)), nil
	})
	orm.Implement(t, TemplateMoves, func(env *orm.Env, ts []*Template, _ orm.Args) (any, error) {
		return openStock("stock.move.line", "Moves History", "product_id.product_tmpl_id", orm.IDs(env, ts)), nil
	})
}

func openStock(model, title, path string, ids []int64) any {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = id
	}
	return map[string]any{"type": "ir.actions.act_window", "name": title, "res_model": model, "view_mode": "list,form", "views": []any{[]any{false, "list"}, []any{false, "form"}},
		"domain": []any{[]any{path, "in", list}}, "context": map[string]any{"inventory_mode": true}}
}

func notStorable(name string) error {
	return orm.UserErrorf("“%s” is no goods: only goods have an inventory that can be tracked.", name)
}

// forbidTrackingChange refuses to change whether products that were moved, or are
// about to be, are counted.
func forbidTrackingChange(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		storable, tracks, turns := vals.Bool("is_storable"), vals.Has("is_storable"), vals.Has("type")
		if !tracks && !turns {
			return super(rs, vals)
		}
		ts, err := orm.Read[Template](rs.Env.Sudo(), rs.IDs)
		if err != nil {
			return err
		}
		var changed []int64
		for _, t := range ts {
			if turns && !storable && vals.Text("type") != product.Goods {
				tracks = true
			} else if storable && (turns && vals.Text("type") != product.Goods || !turns && t.Type != product.Goods) {
				return notStorable(t.Name)
			}
			if tracks && storable != t.IsStorable || turns && vals.Text("type") != t.Type {
				changed = append(changed, t.ID)
			}
		}
		if len(changed) == 0 {
			return super(rs, vals)
		}
		// SQL: moves of all companies, those that are done first.
		state, moved, err := orm.MaybeRow[string](rs.Env, orm.SQL(`SELECT m.state FROM stock_move m JOIN product_product p ON p.id = m.product_id
			WHERE p.product_tmpl_id = ANY(?) AND (m.state = 'done' OR m.quantity <> 0) AND m.state <> 'cancel' ORDER BY m.state <> 'done' LIMIT 1`, changed).
			Reads("stock.move", "state", "quantity", "product_id").Reads("product.product", "product_tmpl_id"))
		if err != nil {
			return err
		}
		switch {
		case !moved:
		case state == MoveDone:
			if turns {
				return orm.UserErrorf("You can not change the type of a product that was already used.")
			}
		default:
			return orm.UserErrorf("The inventory tracking of a product cannot change while a transfer has reserved it. Unreserve the transfer first.")
		}
		return super(rs, vals)
	}
}

// forbidUnitChange refuses another unit for products that were moved: their quantities
// would mean something else.
func forbidUnitChange(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		if !vals.Has("uom_id") {
			return super(rs, vals)
		}
		// SQL: moves of all companies.
		name, moved, err := orm.MaybeRow[string](rs.Env, orm.SQL(`SELECT t.name->>'en_US' FROM stock_move m JOIN product_product p ON p.id = m.product_id JOIN product_template t ON t.id = p.product_tmpl_id
			WHERE t.id = ANY(?) AND t.uom_id <> ? AND m.state <> 'cancel' LIMIT 1`, rs.IDs, vals.ID("uom_id")).
			Reads("stock.move", "state", "product_id").Reads("product.product", "product_tmpl_id").Reads("product.template", "name", "uom_id"))
		if err != nil {
			return err
		}
		if moved {
			return orm.UserErrorf("You cannot change the unit of measure of “%s”: there are already stock moves for this product. Archive it and create a new product instead.", name)
		}
		return super(rs, vals)
	}
}
