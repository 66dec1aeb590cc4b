package stock

import (
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
)

// BackorderConfirmation asks what to do with what transfers did not move.
type BackorderConfirmation struct {
	orm.Record `orm:"stock.backorder.confirmation,transient" label:"Backorder Confirmation"`
	PickIDs    orm.Many[Picking]       `orm:"pick_ids,rel=stock_picking_backorder_rel:stock_backorder_confirmation_id:stock_picking_id" label:"Transfers"`
	LineIDs    orm.Many[BackorderLine] `orm:"backorder_confirmation_line_ids,inverse=backorder_confirmation_id" label:"Backorder Confirmation Lines"`
}

// BackorderLine says for one of several transfers whether it gets a backorder.
type BackorderLine struct {
	orm.Record  `orm:"stock.backorder.confirmation.line,transient" label:"Backorder Confirmation Line"`
	WizardID    orm.Ref[BackorderConfirmation] `orm:"backorder_confirmation_id,index,ondelete=cascade" label:"Immediate Transfer"`
	PickingID   orm.Ref[Picking]               `orm:"picking_id,ondelete=cascade" label:"Transfer"`
	ToBackorder bool                           `orm:"to_backorder" label:"To Backorder"`
}

// Answers of the wizard.
var (
	BackorderProcess = orm.Method[BackorderConfirmation]{Name: "process"}
	BackorderCancel  = orm.Method[BackorderConfirmation]{Name: "process_cancel_backorder"}
)

func defineBackorder(r *orm.Registry) {
	b := orm.Define[BackorderConfirmation](r)
	orm.Define[BackorderLine](r)
	b.OnDefaultGet(func(super orm.DefaultFunc) orm.DefaultFunc {
		return func(rs orm.Records, fields []string) (orm.Values, error) {
			vals, err := super(rs, fields)
			if err != nil || !slices.Contains(fields, "backorder_confirmation_line_ids") {
				return vals, err
			}
			own := orm.Values{}
			if err := rs.AddDefaults(own, "pick_ids"); err != nil {
				return nil, err
			}
			lines := []orm.Command{}
			ids, _ := own.IDs("pick_ids")
			for _, id := range ids {
				lines = append(lines, orm.CreateLine(orm.Values{"picking_id": id, "to_backorder": true}))
			}
			vals["backorder_confirmation_line_ids"] = lines
			return vals, nil
		}
	})
	b.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			ws, err := orm.Read[BackorderConfirmation](rs.Env, made.IDs, "pick_ids", "backorder_confirmation_line_ids")
			if err != nil {
				return made, err
			}
			var lines []orm.Values
			for _, w := range ws {
				if len(w.LineIDs.IDs()) > 0 {
					continue
				}
				for _, id := range w.PickIDs.IDs() {
					lines = append(lines, orm.Values{"backorder_confirmation_id": w.ID, "picking_id": id, "to_backorder": true})
				}
			}
			_, err = rs.Env.Model("stock.backorder.confirmation.line").Create(lines...)
			return made, err
		}
	})
	orm.Implement(b, BackorderProcess, func(env *orm.Env, ws []*BackorderConfirmation, _ orm.Args) (any, error) {
		return answerBackorder(env, ws, func(l *BackorderLine) bool { return !l.ToBackorder })
	})
	orm.Implement(b, BackorderCancel, func(env *orm.Env, ws []*BackorderConfirmation, _ orm.Args) (any, error) {
		return answerBackorder(env, ws, func(*BackorderLine) bool { return true })
	})
}

// askBackorder is the action that opens the wizard. The whole set of transfers
// travels along in the context, for those that leave nothing are validated with
// the others.
func askBackorder(all, short []*Picking) (any, error) {
	ids := func(ps []*Picking) []any {
		out := make([]any, len(ps))
		for i, p := range ps {
			out[i] = p.ID
		}
		return out
	}
	var link []any
	for _, id := range ids(short) {
		link = append(link, []any{orm.CmdLink, id, 0})
	}
	return map[string]any{
		"name": "Create Backorder?", "type": "ir.actions.act_window", "res_model": "stock.backorder.confirmation", "view_mode": "form",
		"views": []any{[]any{false, "form"}}, "target": "new",
		"context": map[string]any{"default_pick_ids": link, "button_validate_picking_ids": ids(all)},
	}, nil
}

// answerBackorder validates the transfers without asking again.
func answerBackorder(env *orm.Env, ws []*BackorderConfirmation, drop func(*BackorderLine) bool) (any, error) {
	if err := orm.Load(env, ws, "pick_ids", "backorder_confirmation_line_ids.picking_id"); err != nil {
		return nil, err
	}
	var short, never []int64
	for _, w := range ws {
		short = append(short, w.PickIDs.IDs()...)
		for _, l := range w.LineIDs.All() {
			if drop(l) {
				never = append(never, l.PickingID.ID)
			}
		}
	}
	all := env.KeyIDs("button_validate_picking_ids")
	for _, id := range short {
		if !slices.Contains(all, id) {
			all = append(slices.Clone(all), id)
		}
	}
	ps, err := orm.Read[Picking](env, all)
	if err != nil {
		return nil, err
	}
	return orm.Invoke(env.WithContext(map[string]any{"skip_backorder": true, "picking_ids_not_to_backorder": never}), ButtonValidate, ps)
}
