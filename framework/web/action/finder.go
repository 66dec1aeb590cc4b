package action

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/sanitize"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

// Finder finds the actions of a database, as far as they are for the user, and
// runs those that are not pages: methods of buttons and server actions.
type Finder struct{ *viewdata.Reader }

// Load finds the action of an address: of /web/action/ by id, path or external
// id, of /web/model/ by the name of the model.
func (as *Finder) Load(pl address.Address) (*Action, error) {
	kind, rest, _ := strings.Cut(pl.Path, "/")
	key, _, _ := strings.Cut(rest, "/")
	var a *Action
	var err error
	if kind == "model" {
		a, err = as.modelAction(key)
	} else {
		a, err = orm.Memo(as.Env(), actionKey(key), func() (*Action, error) { return as.Stored(key) })
	}
	if err != nil {
		return nil, err
	}
	c := *a
	return &c, as.adjust(&c, pl.Params)
}

func (as *Finder) modelAction(model string) (*Action, error) {
	rs, err := as.Env().Lookup(model)
	if err != nil {
		return nil, route.Errorf(404, "There are no records of the kind “%s”.", model)
	}
	if rs.Model.Abstract {
		return nil, route.Errorf(404, "%s has no records of its own.", rs.Model.Label)
	}
	return &Action{Type: "ir.actions.act_window", Name: rs.Model.Label, Model: model, Modes: []string{"list", "form"}, ByModel: true}, nil
}

// IDOf finds the id and kind of an action by id, path or external id.
func (as *Finder) IDOf(key string) (id int64, kind string, err error) {
	ref, err := orm.Memo(as.Env(), actionRef(key), func() (actionFound, error) {
		id, kind, err := as.findAction(key)
		return actionFound{id, kind}, err
	})
	return ref.id, ref.kind, err
}

func (as *Finder) findAction(key string) (id int64, kind string, err error) {
	sudo := as.Env().Sudo()
	if n, err := strconv.ParseInt(key, 10, 64); err == nil {
		id = n
	} else if strings.Contains(key, ".") {
		rs, ok, err := sudo.FindRef(key)
		if err != nil {
			return 0, "", err
		}
		if ok && strings.HasPrefix(rs.Model.Name, "ir.actions.") {
			return rs.ID(), rs.Model.Name, nil
		}
	} else {
		found, err := sudo.Model("ir.actions.actions").Search(orm.Leaf("path", "=", key), orm.SearchOptions{Limit: 1})
		if err != nil {
			return 0, "", err
		}
		id = found.ID()
	}
	if id != 0 {
		found, err := sudo.Model("ir.actions.actions").Search(orm.Leaf("id", "=", id), orm.SearchOptions{Limit: 1})
		if err != nil {
			return 0, "", err
		}
		if found.Len() > 0 {
			rows, err := found.Read("type")
			if err != nil {
				return 0, "", err
			}
			return id, convert.Text(rows[0]["type"]), nil
		}
	}
	return 0, "", route.Errorf(404, "There is no action “%s”. It may belong to an addon that is not installed.", key)
}

// Stored reads an action that the user may open, by id, path or external id.
func (as *Finder) Stored(key string) (*Action, error) {
	id, kind, err := as.IDOf(key)
	if err != nil {
		return nil, err
	}
	rs, err := as.Env().Sudo().Lookup(kind)
	if err != nil {
		return nil, err
	}
	fields := []string{"name", "type", "help"}
	optional := []string{"group_ids", "res_model", "domain", "context", "view_mode", "view_id", "view_ids", "search_view_id", "limit", "res_id",
		"target", "tag", "params", "url", "report_name", "report_type", "model", "model_name", "code", "state", "child_ids"}
	for _, f := range optional {
		if rs.Model.Fields[f] != nil {
			fields = append(fields, f)
		}
	}
	rows, err := rs.Browse(id).Read(fields...)
	if err != nil {
		return nil, err
	}
	r := rows[0]
	if ok, err := as.forMe(r); err != nil || !ok {
		return nil, cmp.Or(err, orm.AccessErrorf("“%s” is reserved to certain groups. Ask an administrator if you need it.", convert.Text(r["name"])))
	}
	a := &Action{ID: id, Type: kind, Name: convert.Text(r["name"]), Model: convert.Text(r["res_model"]), record: r, Tag: convert.Text(r["tag"]), URL: convert.Text(r["url"]),
		SearchView: convert.ID(r["search_view_id"]), ResID: convert.ID(r["res_id"]), Dialog: convert.Text(r["target"]) == "new",
		Help: template.HTML(sanitize.HTML(convert.Text(r["help"]))), Views: map[string]int64{}}
	if n, ok := r["limit"].(int64); ok {
		a.Limit = int(n)
	}
	vars := as.Vars()
	if a.Context, err = as.Dict(convert.Text(r["context"]), vars); err != nil {
		return nil, orm.UserErrorf("The context of the action “%s” cannot be read: %v", a.Name, err)
	}
	if a.Domain, err = as.Domain(convert.Text(r["domain"]), vars); err != nil {
		return nil, orm.UserErrorf("The domain of the action “%s” cannot be read: %v", a.Name, err)
	}
	if raw, ok := r["params"].(json.RawMessage); ok {
		if err := json.Unmarshal(raw, &a.Params); err != nil {
			a.Params = nil
		}
	}
	if kind != "ir.actions.act_window" {
		return a, nil
	}
	a.Modes = SplitModes(convert.Text(r["view_mode"]))
	if list, _ := r["view_ids"].([]int64); len(list) > 0 {
		rows, err := as.Env().Sudo().Model("ir.actions.act_window.view").Browse(list...).Read("view_mode", "view_id")
		if err != nil {
			return nil, err
		}
		var first []string
		for _, v := range rows {
			kind := convert.Text(v["view_mode"])
			first = append(first, kind)
			a.Views[kind] = convert.ID(v["view_id"])
		}
		a.Modes = append(first, slices.DeleteFunc(a.Modes, func(m string) bool { return slices.Contains(first, m) })...)
	}
	if v := convert.ID(r["view_id"]); v != 0 {
		rows, err := as.Env().Sudo().Model("ir.ui.view").Browse(v).Read("type")
		if err != nil {
			return nil, err
		}
		kind := convert.Text(rows[0]["type"])
		a.Views[kind] = v
		if !slices.Contains(a.Modes, kind) {
			a.Modes = append([]string{kind}, a.Modes...)
		}
	}
	return a, nil
}

// adjust applies what an address says about its action.
func (as *Finder) adjust(a *Action, q url.Values) error {
	if s := q.Get(address.NameParam); s != "" {
		a.Name = convert.Shorten(s, 200)
	}
	if s := q.Get(address.DomainParam); s != "" {
		var v any
		if err := convert.DecodeJSON(s, &v); err != nil {
			return route.Errorf(400, "The domain in the address cannot be read.")
		}
		d, err := orm.ToDomain(convert.Expr(v))
		if err != nil {
			return route.Errorf(400, "The domain in the address cannot be read.")
		}
		a.Domain = d
	}
	if s := q.Get(address.ContextParam); s != "" {
		var keys map[string]any
		if err := convert.DecodeJSON(s, &keys); err != nil {
			return route.Errorf(400, "The context in the address cannot be read.")
		}
		merged := map[string]any{}
		for k, v := range a.Context {
			merged[k] = v
		}
		for k, v := range keys {
			if mayComeFromAddress(k) {
				merged[k] = convert.Expr(v)
			}
		}
		a.Context = merged
	}
	if s := q.Get(address.ModesParam); s != "" {
		a.Modes = SplitModes(s)
	}
	if s := q.Get(address.ViewsParam); s != "" {
		views := map[string]int64{}
		for k, v := range a.Views {
			views[k] = v
		}
		for _, part := range strings.Split(s, ",") {
			kind, id, _ := strings.Cut(part, ":")
			views[kind] = convert.ID(id)
		}
		a.Views = views
	}
	if n, err := strconv.Atoi(q.Get(address.LimitParam)); err == nil && n > 0 {
		a.Limit = n
	}
	if a.Limit <= 0 || a.Limit > 500 {
		a.Limit = 80
	}
	if id := convert.ID(q.Get(address.SearchParam)); id != 0 {
		a.SearchView = id
	}
	if q.Get(address.DialogParam) != "" {
		a.Dialog = q.Get(address.DialogParam) == "1"
	}
	return nil
}

// Opens reports whether the user may open an action, for the buttons that would:
// its groups hold him, and he may read its records or, where it opens an empty
// form, make one. What is wrong otherwise he is told when he presses.
func (as *Finder) Opens(name string) bool {
	ok, err := orm.Memo(as.Env(), actionLeads(name), func() (bool, error) {
		a, err := as.Stored(name)
		if orm.IsCode(err, orm.CodeAccess) {
			return false, nil
		}
		if err != nil || a.Type != "ir.actions.act_window" {
			return true, err
		}
		can, err := as.Rights(a.Model)
		if len(a.Modes) > 0 && a.Modes[0] == "form" && a.ResID == 0 && len(a.Domain) == 0 {
			return can.Create, err
		}
		return can.Read, err
	})
	return ok || err != nil
}

// AddressOf is the address that opens an action given as a dictionary, as a
// button returns it.
func (as *Finder) AddressOf(d map[string]any) (address.Address, error) {
	params := url.Values{}
	a := &Action{ID: convert.ID(d["id"]), Model: convert.Text(d["res_model"]), Type: convert.Text(d["type"])}
	vars := as.Vars()
	if s := convert.Text(d["name"]); s != "" {
		params.Set(address.NameParam, s)
	}
	ctx, isMap := convert.Expr(d["context"]).(map[string]any)
	if s := convert.Text(d["context"]); s != "" {
		var err error
		if ctx, err = as.Dict(s, vars); err != nil {
			return address.Address{}, fmt.Errorf("context of action %q: %w", d["name"], err)
		}
	} else if !isMap {
		ctx = nil
	}
	if len(ctx) > 0 {
		params.Set(address.ContextParam, convert.JSON(ctx))
	}
	var dom orm.Domain
	var err error
	if s := convert.Text(d["domain"]); s != "" {
		dom, err = as.Domain(s, vars)
	} else if d["domain"] != nil && d["domain"] != false {
		dom, err = orm.ToDomain(convert.Expr(d["domain"]))
	}
	if err != nil {
		return address.Address{}, fmt.Errorf("domain of action %q: %w", d["name"], err)
	}
	if len(dom) > 0 {
		params.Set(address.DomainParam, convert.JSON(dom))
	}
	modes := SplitModes(convert.Text(d["view_mode"]))
	if list, ok := convert.Expr(d["views"]).([]any); ok && len(list) > 0 {
		modes = nil
		var views []string
		for _, e := range list {
			pair, _ := e.([]any)
			if len(pair) != 2 {
				continue
			}
			kind := strings.Replace(convert.Text(pair[1]), "tree", "list", 1)
			modes = append(modes, kind)
			if id := convert.ID(pair[0]); id != 0 {
				views = append(views, fmt.Sprintf("%s:%d", kind, id))
			}
		}
		if len(views) > 0 {
			params.Set(address.ViewsParam, strings.Join(views, ","))
		}
	} else if id := convert.ID(convert.Expr(d["view_id"])); id != 0 && len(modes) > 0 {
		params.Set(address.ViewsParam, fmt.Sprintf("%s:%d", modes[0], id))
	}
	if len(modes) > 0 {
		params.Set(address.ModesParam, strings.Join(modes, ","))
	}
	if n := convert.ID(d["limit"]); n > 0 && n != 80 {
		params.Set(address.LimitParam, fmt.Sprint(n))
	}
	if id := convert.ID(convert.Expr(d["search_view_id"])); id != 0 {
		params.Set(address.SearchParam, fmt.Sprint(id))
	}
	if convert.Text(d["target"]) == "new" {
		params.Set(address.DialogParam, "1")
	}
	path := a.Slug()
	if len(modes) > 0 && modes[0] == "form" {
		if id := convert.ID(d["res_id"]); id != 0 {
			path += fmt.Sprintf("/%d", id)
			for _, k := range []string{address.DomainParam, address.ModesParam, address.LimitParam, address.SearchParam} { // a record needs no list
				params.Del(k)
			}
			if convert.Text(d["target"]) != "new" {
				params.Del(address.NameParam)
			}
		} else {
			path += "/new"
		}
	}
	return address.Address{Path: path, Params: params}, nil
}

// Activate makes the records an address is about those of the page, for the
// contexts and domains of actions that name them.
func (as *Finder) Activate(q url.Values) {
	var keys map[string]any
	if s := q.Get(address.ContextParam); s == "" || convert.DecodeJSON(s, &keys) != nil {
		return
	}
	active := map[string]any{}
	for _, k := range []string{"active_id", "active_ids", "active_model"} {
		if v, ok := keys[k]; ok {
			active[k] = convert.Expr(v)
		}
	}
	as.WithContext(active)
}

// Enter makes the action's context the page's.
func (as *Finder) Enter(a *Action) { as.WithContext(a.Context) }

// Only is the record of a form action with a domain, as the user's own
// preferences.
func (as *Finder) Only(act *Action) (int64, error) {
	if len(act.Domain) == 0 {
		return 0, nil
	}
	rs, err := as.Env().Lookup(act.Model)
	if err != nil {
		return 0, err
	}
	found, err := rs.Search(act.Domain, orm.SearchOptions{Limit: 1})
	return found.ID(), err
}

// Bound are the server actions and reports offered for records of a
// model.
func (as *Finder) Bound(model, kind string) ([]render.Choice, error) {
	var out []render.Choice
	for _, k := range []struct{ model, key string }{{"ir.actions.server", "server"}, {"ir.actions.report", "print"}, {"ir.actions.act_window", "window"}} {
		rs, err := as.Env().Sudo().Lookup(k.model)
		if err != nil {
			continue // a database without these actions
		}
		found, err := rs.Search(orm.Leaf("binding_model_id.model", "=", model), orm.SearchOptions{})
		if err != nil {
			return nil, err
		}
		rows, err := found.Read("name", "binding_view_types", "group_ids")
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if ok, err := as.forMe(r); err != nil {
				return nil, err
			} else if !ok {
				continue
			}
			if types := convert.Text(r["binding_view_types"]); types != "" && !slices.Contains(SplitModes(types), kind) {
				continue
			}
			if k.key == "window" && !as.Opens(fmt.Sprint(convert.ID(r["id"]))) {
				continue
			}
			label := convert.Text(r["name"])
			if k.key == "print" {
				label = "Print: " + label
			}
			out = append(out, render.Choice{Value: fmt.Sprintf("%s:%d", k.key, convert.ID(r["id"])), Label: label})
		}
	}
	return out, nil
}

// forMe reports whether the groups of an action, if any, hold the user.
func (as *Finder) forMe(r orm.Values) (bool, error) {
	groups, _ := r["group_ids"].([]int64)
	if len(groups) == 0 {
		return true, nil
	}
	mine, err := as.Env().Groups()
	return slices.ContainsFunc(groups, func(g int64) bool { return mine[g] }), err
}

// Report finds a report the user may print.
func (as *Finder) Report(d orm.Domain) (orm.Values, error) {
	found, err := as.Env().Sudo().Model("ir.actions.report").Search(d, orm.SearchOptions{Limit: 1})
	if err != nil {
		return nil, err
	}
	if found.Len() == 0 {
		return nil, route.Errorf(http.StatusNotFound, "There is no such report. It may belong to an addon that is not installed.")
	}
	rows, err := found.Read("name", "model", "report_name", "group_ids")
	if err != nil {
		return nil, err
	}
	if ok, err := as.forMe(rows[0]); err != nil || !ok {
		return nil, cmp.Or(err, orm.AccessErrorf("“%s” is reserved to certain groups.", convert.Text(rows[0]["name"])))
	}
	return rows[0], nil
}
