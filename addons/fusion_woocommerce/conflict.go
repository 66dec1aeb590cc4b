package woocommerce

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Conflict is a value that was changed at both ends since they last agreed, or
// that nobody ever decided on: a person does.
type Conflict struct {
	orm.Record `orm:"woo.conflict" label:"WooCommerce Conflict" order:"id desc" rec:"name" search:"name"`
	InstanceID orm.Ref[Instance]     `orm:"instance_id,required,readonly,ondelete=cascade" label:"Instance"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,required,readonly" label:"Company"`
	Type       string                `orm:"conflict_type,required,readonly,index" selection:"price:Price,sale_price:Sale Price,customer:Customer" label:"Type"`
	MapID      orm.Ref[ProductMap]   `orm:"map_id,readonly,index,ondelete=cascade" label:"Product"`
	CustomerID orm.Ref[Customer]     `orm:"customer_id,readonly,index,ondelete=cascade" label:"Customer"`
	OrderID    orm.Ref[Order]        `orm:"order_id,readonly,index,ondelete=cascade" label:"Order"`
	Name       string                `orm:"name,required,readonly" label:"What"`
	Field      string                `orm:"field,required,readonly" label:"Field"`
	Ours       string                `orm:"odoo_value,readonly" label:"ERP"`
	Base       string                `orm:"base_value,readonly" label:"Last Agreed"`
	Theirs     string                `orm:"woo_value,readonly" label:"Store"`
	OwnValue   string                `orm:"own_value" label:"Another Value" help:"What both ends are to have, with Use This Value."`
	Note       string                `orm:"note,text,readonly" label:"Why"`
	State      string                `orm:"state,required,readonly,default=open,index" selection:"open:Open,resolved:Resolved,ignored:Ignored" label:"Status"`
	Resolution string                `orm:"resolution,readonly" selection:"odoo:ERP,woo:Store,own:Another Value,agreed:The Ends Agree Again" label:"Resolved With"`
	ResolvedBy orm.Ref[base.User]    `orm:"resolved_by,readonly,ondelete=set_null" label:"Resolved By"`
	ResolvedOn orm.Datetime          `orm:"resolved_on,readonly" label:"Resolved On"`
	Slot       string                `orm:"slot,readonly,nocopy" label:"Slot" help:"Keeps a second conflict about the same thing from being opened."`
	Created    orm.Datetime          `orm:"create_date"`
}

// The buttons of a conflict.
var (
	UseOdoo        = orm.Method[Conflict]{Name: "action_use_odoo"}
	UseWoo         = orm.Method[Conflict]{Name: "action_use_woo"}
	UseOwn         = orm.Method[Conflict]{Name: "action_use_own"}
	IgnoreConflict = orm.Method[Conflict]{Name: "action_ignore"}
	ReopenConflict = orm.Method[Conflict]{Name: "action_reopen"}
)

func defineConflict(r *orm.Registry) {
	d := orm.Define[Conflict](r)
	d.Unique("instance_slot", "instance_id, slot", "There is an open conflict about this already.")
	resolve := func(with string) orm.Action[Conflict] {
		return func(env *orm.Env, list []*Conflict, _ orm.Args) (any, error) {
			for _, c := range list {
				if c.State != ConflictOpen {
					return nil, orm.UserErrorf("%s is not open any more.", c.Name)
				}
				if with == ResolvedOwn && c.OwnValue == "" {
					return nil, orm.UserErrorf("Enter the value both ends are to have of %s.", c.Name)
				}
			}
			var prices, people []*Conflict
			for _, c := range list {
				if c.Type == ConflictCustomer {
					people = append(people, c)
				} else {
					prices = append(prices, c)
				}
			}
			if err := resolvePrices(env.Sudo(), prices, with); err != nil {
				return nil, err
			}
			if err := resolveCustomers(env.Sudo(), people, with); err != nil {
				return nil, err
			}
			return true, closeConflicts(env, list, with)
		}
	}
	orm.Implement(d, UseOdoo, resolve(ResolvedOdoo))
	orm.Implement(d, UseWoo, resolve(ResolvedWoo))
	orm.Implement(d, UseOwn, resolve(ResolvedOwn))
	orm.Implement(d, IgnoreConflict, func(env *orm.Env, list []*Conflict, _ orm.Args) (any, error) {
		for _, c := range list {
			if c.State != ConflictOpen {
				return nil, orm.UserErrorf("%s is not open any more.", c.Name)
			}
		}
		// The slot stays taken: the same difference is not brought up again.
		return true, orm.RecordsOf(env.Sudo(), list...).Write(orm.Values{"state": ConflictIgnored, "resolved_by": env.UID(), "resolved_on": orm.DatetimeOf(env.Now())})
	})
	orm.Implement(d, ReopenConflict, func(env *orm.Env, list []*Conflict, _ orm.Args) (any, error) {
		for _, c := range list {
			if c.State != ConflictIgnored {
				return nil, orm.UserErrorf("%s is not ignored.", c.Name)
			}
		}
		return true, orm.RecordsOf(env.Sudo(), list...).Write(orm.Values{"state": ConflictOpen, "resolved_by": nil, "resolved_on": nil})
	})
}

// closeConflicts notes who resolved conflicts, when and how.
func closeConflicts(env *orm.Env, list []*Conflict, with string) error {
	return orm.RecordsOf(env.Sudo(), list...).Write(orm.Values{"state": ConflictResolved, "resolution": with, "slot": nil, "resolved_by": env.UID(), "resolved_on": orm.DatetimeOf(env.Now())})
}

// openConflict puts a difference to a person. One that is open already is brought
// up to date; one that was ignored stays so while the values are the same.
func openConflict(env *orm.Env, inst *Instance, c Conflict) error {
	slot := c.Type + ":" + itoa(c.MapID.ID) + ":" + itoa(c.CustomerID.ID) + ":" + itoa(c.OrderID.ID) + ":" + c.Field
	old, err := orm.First[Conflict](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("slot", "=", slot)), "")
	if err != nil {
		return err
	}
	vals := orm.Values{"odoo_value": c.Ours, "base_value": c.Base, "woo_value": c.Theirs, "note": c.Note}
	if old != nil {
		if old.Ours == c.Ours && old.Theirs == c.Theirs && old.Base == c.Base {
			return nil
		}
		vals["state"], vals["resolved_by"], vals["resolved_on"] = ConflictOpen, nil, nil
		return orm.RecordsOf(env, old).Write(vals)
	}
	for name, v := range map[string]any{"instance_id": inst.ID, "company_id": inst.CompanyID.ID, "conflict_type": c.Type, "name": c.Name, "field": c.Field, "slot": slot,
		"map_id": c.MapID, "customer_id": c.CustomerID, "order_id": c.OrderID} {
		vals[name] = v
	}
	made, err := env.Model("woo.conflict").Create(vals)
	if err != nil {
		return err
	}
	kind := "price"
	if c.Type == ConflictCustomer {
		kind = "customer"
	}
	return logTo(env, inst, logEntry{Type: kind, State: "warning", Ref: c.Name, Message: "Both ends differ: here " + c.Ours + ", in the store " + c.Theirs + ".", Record: made})
}

// agreed closes open conflicts about fields of products whose ends agree again.
func agreed(env *orm.Env, maps []int64, field string) error {
	if len(maps) == 0 {
		return nil
	}
	list, err := orm.Search[Conflict](env, orm.And(orm.Leaf("map_id", "in", anyIDs(maps)), orm.Leaf("field", "=", field), orm.Leaf("state", "in", []any{ConflictOpen, ConflictIgnored})), orm.SearchOptions{})
	if err != nil || len(list) == 0 {
		return err
	}
	return closeConflicts(env, list, ResolvedAgreed)
}
