package stock

import (
	"maps"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Scrap takes damaged products out of the stock.
type Scrap struct {
	orm.Record `orm:"stock.scrap" label:"Scrap" order:"id desc"`
	mail.Thread
	Name       string                `orm:"name,required,readonly,nocopy,default=New" label:"Reference"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,required,index,default=company" label:"Company"`
	Origin     string                `orm:"origin" label:"Source Document"`
	ProductID  orm.Ref[Product]      `orm:"product_id,required,index" label:"Product" domain:"[('type', '=', 'consu')]"`
	UoMID      orm.Ref[uom.UoM]      `orm:"product_uom_id,required" label:"Unit of Measure"`
	Quantity   decimal.Decimal       `orm:"scrap_qty,required,digits=6,default=1" label:"Quantity"`
	LocationID orm.Ref[Location]     `orm:"location_id,required" label:"Source Location" domain:"[('usage', '=', 'internal')]"`
	ScrapLocID orm.Ref[Location]     `orm:"scrap_location_id,required" label:"Scrap Location" domain:"[('scrap_location', '=', True)]"`
	PickingID  orm.Ref[Picking]      `orm:"picking_id,index" label:"Picking"`
	MoveIDs    orm.Many[Move]        `orm:"move_ids,inverse=scrap_id" label:"Moves"`
	State      string                `orm:"state,readonly,nocopy,default=draft,tracking" selection:"draft:Draft,done:Done" label:"Status"`
	DateDone   orm.Datetime          `orm:"date_done,readonly,nocopy" label:"Date"`
}

// Methods of scrap orders.
var (
	// ScrapValidate scraps when enough is there, and refuses otherwise.
	ScrapValidate = orm.Method[Scrap]{Name: "action_validate"}
	// DoScrap scraps whatever the quantity on hand.
	DoScrap = orm.Method[Scrap]{Name: "do_scrap"}
)

func defineScrap(r *orm.Registry) {
	s := orm.Define[Scrap](r)
	s.Check("positive_qty", "scrap_qty >= 0", "The quantity to scrap must be more than zero.")
	s.OnCreate(createScraps)
	s.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if !bulk(rs.Env) {
				if vals.Has("state") {
					return orm.UserErrorf("The state of a scrap order cannot be set by hand. Validate it.")
				}
				if err := checkScrapsOpen(rs); err != nil {
					return err
				}
			}
			return super(rs, vals)
		}
	})
	s.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			if err := checkScrapsOpen(rs); err != nil {
				return err
			}
			return super(rs)
		}
	})
	orm.Implement(s, ScrapValidate, validateScraps)
	orm.Implement(s, DoScrap, doScrap)
}

// validateScraps scraps what there is enough of, and asks about the rest.
func validateScraps(env *orm.Env, ss []*Scrap, _ orm.Args) (any, error) {
	if err := orm.Load(env, ss, "product_id", "location_id"); err != nil {
		return nil, err
	}
	for _, s := range ss {
		if !s.Quantity.IsPositive() {
			return nil, orm.UserErrorf("You can only enter positive quantities.")
		}
		if !s.ProductID.Rec().IsStorable {
			continue
		}
		need, err := uom.Convert(env, s.Quantity, s.UoMID.ID, s.ProductID.Rec().UoMID.ID, uom.HalfUp)
		if err != nil {
			return nil, err
		}
		q, err := orm.First[Quant](env.Sudo(), orm.And(orm.Leaf("product_id", "=", s.ProductID.ID), orm.Leaf("location_id", "=", s.LocationID.ID)), "")
		if err != nil {
			return nil, err
		}
		if q != nil && !q.Quantity.LessThan(need) {
			continue
		}
		if err := orm.RecordsOf(env, ss...).One(); err != nil {
			return nil, err
		}
		names, err := env.Model("product.product").Browse(s.ProductID.ID).DisplayNames()
		if err != nil {
			return nil, err
		}
		return map[string]any{"type": "ir.actions.act_window", "name": names[s.ProductID.ID] + ": Insufficient Quantity To Scrap", "res_model": "stock.warn.insufficient.qty.scrap",
			"view_mode": "form", "views": []any{[]any{false, "form"}}, "target": "new",
			"context": map[string]any{"default_product_id": s.ProductID.ID, "default_location_id": s.LocationID.ID, "default_scrap_id": s.ID, "default_quantity": need.InexactFloat64()}}, nil
	}
	return orm.Invoke(env, DoScrap, ss)
}

// ScrapWarning asks whether to scrap more of a product than a location holds.
type ScrapWarning struct {
	orm.Record `orm:"stock.warn.insufficient.qty.scrap,transient" label:"Warn Insufficient Scrap Quantity" rec:"product_id"`
	ProductID  orm.Ref[Product]  `orm:"product_id,required" label:"Product"`
	LocationID orm.Ref[Location] `orm:"location_id,required" label:"Location"`
	ScrapID    orm.Ref[Scrap]    `orm:"scrap_id,ondelete=cascade" label:"Scrap"`
	Quantity   decimal.Decimal   `orm:"quantity,required,digits=6" label:"Quantity"`
	UoMName    string            `orm:"product_uom_name,related=product_id.uom_id.name,readonly" label:"Unit of Measure"`
}

// ScrapAnyway is the answer that scraps in spite of the warning.
var ScrapAnyway = orm.Method[ScrapWarning]{Name: "action_done"}

func defineScrapWarning(r *orm.Registry) {
	orm.Implement(orm.Define[ScrapWarning](r), ScrapAnyway, func(env *orm.Env, ws []*ScrapWarning, _ orm.Args) (any, error) {
		if err := orm.Load(env, ws, "scrap_id"); err != nil {
			return nil, err
		}
		var ss []*Scrap
		for _, w := range ws {
			if s := w.ScrapID.Rec(); s != nil {
				ss = append(ss, s)
			}
		}
		// What the wizard was opened with is no default of the moves.
		keys := env.Keys()
		maps.DeleteFunc(keys, func(k string, _ any) bool { return strings.HasPrefix(k, "default_") })
		return orm.Invoke(env.WithOnlyContext(keys), DoScrap, ss)
	})
}

// checkScrapsOpen refuses changes of scrap orders that are done.
func checkScrapsOpen(rs orm.Records) error {
	done, err := orm.First[Scrap](rs.Env.Sudo(), orm.And(orm.Leaf("id", "in", rs.IDs), orm.Leaf("state", "=", "done")), "")
	if err == nil && done != nil {
		err = orm.UserErrorf("The scrap order %s is done and can neither be changed nor deleted.", done.Name)
	}
	return err
}

func createScraps(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			vals = vals.Clone()
			full[i] = vals
			if s, ok := vals["state"]; ok && s != ScrapDraft {
				return rs, orm.UserErrorf("A scrap order begins as a draft. Validate it to scrap the products.")
			}
			company := vals.ID("company_id")
			if company == 0 {
				company = env.Company()
			}
			if n := vals.Text("name"); n == "" || n == "New" {
				number, err := base.NextByCode(env.Sudo().WithCompany(company), "stock.scrap")
				if err != nil {
					return rs, err
				}
				if number != "" {
					vals["name"] = number
				}
			}
			if id := vals.ID("product_id"); id != 0 && vals["product_uom_id"] == nil {
				p, err := orm.Get[Product](env.Sudo(), id)
				if err != nil {
					return rs, err
				}
				vals["product_uom_id"] = p.UoMID.ID
			}
			if vals["scrap_location_id"] == nil {
				id, err := virtualLocation(env, company, "inventory", true)
				if err != nil {
					return rs, err
				}
				vals["scrap_location_id"] = id
			}
			if vals["location_id"] == nil {
				w, err := orm.First[Warehouse](env.Sudo(), orm.Leaf("company_id", "=", company), "sequence, id")
				if err != nil {
					return rs, err
				}
				if w != nil {
					vals["location_id"] = w.LotStockID.ID
				}
			}
		}
		return super(rs, full)
	}
}

func doScrap(env *orm.Env, ss []*Scrap, _ orm.Args) (any, error) {
	if err := orm.RecordsOf(env, ss...).CheckAccess(orm.OpWrite); err != nil {
		return nil, err
	}
	if err := orm.Load(env, ss, "product_id"); err != nil {
		return nil, err
	}
	quick := inBulk(env)
	vals := make([]orm.Values, len(ss))
	for i, s := range ss {
		if s.State == ScrapDone {
			return nil, orm.UserErrorf("The scrap order %s is done already.", s.Name)
		}
		vals[i] = orm.Values{"reference": s.Name, "origin": s.Origin, "company_id": s.CompanyID.ID, "product_id": s.ProductID.ID, "product_uom": s.UoMID.ID, "product_uom_qty": s.Quantity,
			"location_id": s.LocationID.ID, "location_dest_id": s.ScrapLocID.ID, "scrap_id": s.ID, "picked": true, "state": MoveConfirmed}
	}
	made, err := quick.Model("stock.move").Create(vals...)
	if err != nil {
		return nil, err
	}
	if err := forceMoves(quick, made.IDs); err != nil {
		return nil, err
	}
	return true, orm.RecordsOf(quick, ss...).Write(orm.Values{"state": ScrapDone, "date_done": orm.DatetimeOf(env.Now())})
}
