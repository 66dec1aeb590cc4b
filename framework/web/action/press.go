package action

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
)

// Press calls the method or opens the action of a button on records.
func (as *Finder) Press(n *view.Node, rs orm.Records, vars map[string]any) (any, error) {
	b, err := as.Builder()
	if err != nil {
		return nil, err
	}
	if vars == nil {
		vars = b.Vars
	}
	keys := map[string]any{"active_model": rs.Model.Name, "active_ids": rs.IDs}
	if rs.Len() > 0 {
		keys["active_id"] = rs.ID()
	}
	ctx := b.Dict(n.Attr("context"), vars)
	name := n.Name()
	switch n.Attr("type") {
	case "object":
		env := as.Env().WithContext(ctx)
		if as.Env().Key("active_id") == nil {
			env = env.WithContext(keys)
		}
		return callMethod(rs.In(env), name)
	case "action":
		for k, v := range ctx {
			keys[k] = v
		}
		as.WithContext(keys)
		id, kind, err := as.IDOf(name)
		if err != nil {
			return nil, orm.UserErrorf("%s", err.Error())
		}
		return as.pressAction(id, kind, keys, rs)
	case "url":
		return map[string]any{"type": "ir.actions.act_url", "url": n.Attr("url")}, nil
	}
	return nil, nil
}

func (as *Finder) pressAction(id int64, kind string, keys map[string]any, rs orm.Records) (any, error) {
	switch kind {
	case "ir.actions.server":
		return as.RunServer(id, rs.Model.Name, rs.IDs)
	case "ir.actions.report":
		rows, err := as.Env().Sudo().Model(kind).Browse(id).Read("report_name")
		if err != nil {
			return nil, err
		}
		return map[string]any{"type": kind, "report_name": rows[0]["report_name"], "docids": rs.IDs}, nil
	}
	act, err := as.Stored(strconv.FormatInt(id, 10))
	if err != nil {
		return nil, err
	}
	d := map[string]any{"type": kind, "id": id, "res_model": act.Model, "context": keys, "tag": act.Tag, "url": act.URL}
	if act.Dialog {
		d["target"] = "new"
	}
	if len(act.Modes) > 0 && act.Modes[0] == "form" {
		d["view_mode"] = strings.Join(act.Modes, ",")
		if act.ResID != 0 {
			d["res_id"] = act.ResID
		}
	}
	return d, nil
}

// PressLine presses a button that stands in a list on one of its records.
func (as *Finder) PressLine(n *view.Node, rs orm.Records, v *view.View) (any, error) {
	if !as.Allowed(n) {
		return nil, orm.AccessErrorf("This button is reserved to certain groups.")
	}
	recs, err := as.Read(rs, v)
	if err != nil {
		return nil, err
	}
	return as.Press(n, rs, recs[0].Scope(as.Vars(), nil))
}

// RunServer runs a server action: its method on the records, or on the model
// when it takes none.
func (as *Finder) RunServer(id int64, model string, ids []int64) (any, error) {
	rows, err := as.Env().Sudo().Model("ir.actions.server").Browse(id).Read("name", "state", "code", "model_name", "group_ids", "child_ids")
	if err != nil {
		return nil, err
	}
	r := rows[0]
	if ok, err := as.forMe(r); err != nil || !ok {
		return nil, cmp.Or(err, orm.AccessErrorf("“%s” is reserved to certain groups.", convert.Text(r["name"])))
	}
	switch convert.Text(r["state"]) {
	case "multi":
		var last any
		children, _ := r["child_ids"].([]int64)
		for _, c := range children {
			out, err := as.RunServer(c, model, ids)
			if err != nil {
				return nil, err
			}
			if out != nil {
				last = out
			}
		}
		return last, nil
	case "code":
	default:
		return nil, orm.UserErrorf("The server action “%s” is of a kind that is not built: %s.", convert.Text(r["name"]), convert.Text(r["state"]))
	}
	call, err := expr.ParseCall(convert.Text(r["code"]))
	if err != nil {
		return nil, orm.UserErrorf("The code of the server action “%s” cannot be read: %v", convert.Text(r["name"]), err)
	}
	if model == "" || convert.Text(r["model_name"]) != model {
		model, ids = convert.Text(r["model_name"]), nil
	}
	keys := map[string]any{"active_model": model, "active_ids": ids}
	if len(ids) > 0 {
		keys["active_id"] = ids[0]
	}
	rs, err := as.Env().WithContext(keys).Lookup(model)
	if err != nil {
		return nil, err
	}
	if !rs.Model.OnModel(call.Method) {
		rs = rs.Browse(ids...)
	}
	return rs.Call(call.Method, orm.Args{Pos: call.Args, Kw: call.Kwargs})
}

// BoundWindow opens a window action for selected records, a wizard mostly.
func (as *Finder) BoundWindow(id int64, model string, ids []int64) (any, error) {
	as.WithContext(map[string]any{"active_model": model, "active_ids": ids, "active_id": ids[0]})
	act, err := as.Stored(fmt.Sprint(id))
	if err != nil {
		return nil, err
	}
	ctx := map[string]any{"active_model": model, "active_ids": ids, "active_id": ids[0]}
	for k, v := range act.Context {
		ctx[k] = v
	}
	d := map[string]any{"type": act.Type, "id": act.ID, "res_model": act.Model, "context": ctx, "view_mode": strings.Join(act.Modes, ",")}
	if act.Dialog {
		d["target"] = "new"
	}
	return d, nil
}

// callMethod calls a method by name as a client would. What every record can
// do needs no method of the model.
func callMethod(rs orm.Records, name string) (any, error) {
	if !rs.Model.HasMethod(name) {
		switch name {
		case "action_archive":
			return nil, rs.Write(orm.Values{"active": false})
		case "action_unarchive":
			return nil, rs.Write(orm.Values{"active": true})
		case "unlink":
			return nil, rs.Unlink()
		}
	}
	return rs.Call(name, orm.Args{})
}
