package web

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
	"fusionsoft.ca/fusion/framework/server"
)

// actions finds the actions of a database, as far as they are for the user, and
// runs those that are not pages: methods of buttons and server actions.
type actions struct{ *reader }

// load finds the action of an address: of /web/action/ by id, path or external
// id, of /web/model/ by the name of the model.
func (as *actions) loadAction(pl place) (*action, error) {
	kind, rest, _ := strings.Cut(pl.path, "/")
	key, _, _ := strings.Cut(rest, "/")
	var a *action
	var err error
	if kind == "model" {
		a, err = as.modelAction(key)
	} else {
		a, err = orm.Memo(as.env, actionKey(key), func() (*action, error) { return as.storedAction(key) })
	}
	if err != nil {
		return nil, err
	}
	c := *a
	return &c, as.adjust(&c, pl.params)
}

func (as *actions) modelAction(model string) (*action, error) {
	rs, err := as.env.Lookup(model)
	if err != nil {
		return nil, server.Errorf(404, "There are no records of the kind “%s”.", model)
	}
	if rs.Model.Abstract {
		return nil, server.Errorf(404, "%s has no records of its own.", rs.Model.Label)
	}
	return &action{Type: "ir.actions.act_window", Name: rs.Model.Label, Model: model, Modes: []string{"list", "form"}, byModel: true}, nil
}

// actionID finds the id and kind of an action by id, path or external id.
func (as *actions) actionID(key string) (id int64, kind string, err error) {
	ref, err := orm.Memo(as.env, actionRef(key), func() (actionFound, error) {
		id, kind, err := as.findAction(key)
		return actionFound{id, kind}, err
	})
	return ref.id, ref.kind, err
}

func (as *actions) findAction(key string) (id int64, kind string, err error) {
	sudo := as.env.Sudo()
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
			return id, str(rows[0]["type"]), nil
		}
	}
	return 0, "", server.Errorf(404, "There is no action “%s”. It may belong to an addon that is not installed.", key)
}

func (as *actions) storedAction(key string) (*action, error) {
	id, kind, err := as.actionID(key)
	if err != nil {
		return nil, err
	}
	rs, err := as.env.Sudo().Lookup(kind)
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
		return nil, cmp.Or(err, orm.AccessErrorf("“%s” is reserved to certain groups. Ask an administrator if you need it.", str(r["name"])))
	}
	a := &action{ID: id, Type: kind, Name: str(r["name"]), Model: str(r["res_model"]), record: r, Tag: str(r["tag"]), URL: str(r["url"]),
		SearchView: toID(r["search_view_id"]), ResID: toID(r["res_id"]), Dialog: str(r["target"]) == "new",
		Help: template.HTML(orm.SanitizeHTML(str(r["help"]))), Views: map[string]int64{}}
	if n, ok := r["limit"].(int64); ok {
		a.Limit = int(n)
	}
	vars := as.vars()
	if a.Context, err = as.dict(str(r["context"]), vars); err != nil {
		return nil, orm.UserErrorf("The context of the action “%s” cannot be read: %v", a.Name, err)
	}
	if a.Domain, err = as.domain(str(r["domain"]), vars); err != nil {
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
	a.Modes = splitModes(str(r["view_mode"]))
	if list, _ := r["view_ids"].([]int64); len(list) > 0 {
		rows, err := as.env.Sudo().Model("ir.actions.act_window.view").Browse(list...).Read("view_mode", "view_id")
		if err != nil {
			return nil, err
		}
		var first []string
		for _, v := range rows {
			kind := str(v["view_mode"])
			first = append(first, kind)
			a.Views[kind] = toID(v["view_id"])
		}
		a.Modes = append(first, slices.DeleteFunc(a.Modes, func(m string) bool { return slices.Contains(first, m) })...)
	}
	if v := toID(r["view_id"]); v != 0 {
		rows, err := as.env.Sudo().Model("ir.ui.view").Browse(v).Read("type")
		if err != nil {
			return nil, err
		}
		kind := str(rows[0]["type"])
		a.Views[kind] = v
		if !slices.Contains(a.Modes, kind) {
			a.Modes = append([]string{kind}, a.Modes...)
		}
	}
	return a, nil
}

// adjust applies what an address says about its action.
func (as *actions) adjust(a *action, q url.Values) error {
	if s := q.Get(nameParam); s != "" {
		a.Name = shorten(s, 200)
	}
	if s := q.Get(domainParam); s != "" {
		var v any
		if err := decodeJSON(s, &v); err != nil {
			return server.Errorf(400, "The domain in the address cannot be read.")
		}
		d, err := orm.ToDomain(exprValue(v))
		if err != nil {
			return server.Errorf(400, "The domain in the address cannot be read.")
		}
		a.Domain = d
	}
	if s := q.Get(contextParam); s != "" {
		var keys map[string]any
		if err := decodeJSON(s, &keys); err != nil {
			return server.Errorf(400, "The context in the address cannot be read.")
		}
		merged := map[string]any{}
		for k, v := range a.Context {
			merged[k] = v
		}
		for k, v := range keys {
			if mayComeFromAddress(k) {
				merged[k] = exprValue(v)
			}
		}
		a.Context = merged
	}
	if s := q.Get(modesParam); s != "" {
		a.Modes = splitModes(s)
	}
	if s := q.Get(viewsParam); s != "" {
		views := map[string]int64{}
		for k, v := range a.Views {
			views[k] = v
		}
		for _, part := range strings.Split(s, ",") {
			kind, id, _ := strings.Cut(part, ":")
			views[kind] = toID(id)
		}
		a.Views = views
	}
	if n, err := strconv.Atoi(q.Get(limitParam)); err == nil && n > 0 {
		a.Limit = n
	}
	if a.Limit <= 0 || a.Limit > 500 {
		a.Limit = 80
	}
	if id := toID(q.Get(searchParam)); id != 0 {
		a.SearchView = id
	}
	if q.Get(dialogParam) != "" {
		a.Dialog = q.Get(dialogParam) == "1"
	}
	return nil
}

// leads reports whether the user may open an action, for the buttons that would:
// its groups hold him, and he may read its records or, where it opens an empty
// form, make one. What is wrong otherwise he is told when he presses.
func (as *actions) leads(name string) bool {
	ok, err := orm.Memo(as.env, actionLeads(name), func() (bool, error) {
		a, err := as.storedAction(name)
		if orm.IsCode(err, orm.CodeAccess) {
			return false, nil
		}
		if err != nil || a.Type != "ir.actions.act_window" {
			return true, err
		}
		can, err := as.rights(a.Model)
		if len(a.Modes) > 0 && a.Modes[0] == "form" && a.ResID == 0 && len(a.Domain) == 0 {
			return can.Create, err
		}
		return can.Read, err
	})
	return ok || err != nil
}

// placeOfDict is the address that opens an action given as a dictionary, as a
// button returns it.
func (as *actions) placeOfDict(d map[string]any) (place, error) {
	params := url.Values{}
	a := &action{ID: toID(d["id"]), Model: str(d["res_model"]), Type: str(d["type"])}
	vars := as.vars()
	if s := str(d["name"]); s != "" {
		params.Set(nameParam, s)
	}
	ctx, isMap := exprValue(d["context"]).(map[string]any)
	if s := str(d["context"]); s != "" {
		var err error
		if ctx, err = as.dict(s, vars); err != nil {
			return place{}, fmt.Errorf("context of action %q: %w", d["name"], err)
		}
	} else if !isMap {
		ctx = nil
	}
	if len(ctx) > 0 {
		params.Set(contextParam, jsonText(ctx))
	}
	var dom orm.Domain
	var err error
	if s := str(d["domain"]); s != "" {
		dom, err = as.domain(s, vars)
	} else if d["domain"] != nil && d["domain"] != false {
		dom, err = orm.ToDomain(exprValue(d["domain"]))
	}
	if err != nil {
		return place{}, fmt.Errorf("domain of action %q: %w", d["name"], err)
	}
	if len(dom) > 0 {
		params.Set(domainParam, jsonText(dom))
	}
	modes := splitModes(str(d["view_mode"]))
	if list, ok := exprValue(d["views"]).([]any); ok && len(list) > 0 {
		modes = nil
		var views []string
		for _, e := range list {
			pair, _ := e.([]any)
			if len(pair) != 2 {
				continue
			}
			kind := strings.Replace(str(pair[1]), "tree", "list", 1)
			modes = append(modes, kind)
			if id := toID(pair[0]); id != 0 {
				views = append(views, fmt.Sprintf("%s:%d", kind, id))
			}
		}
		if len(views) > 0 {
			params.Set(viewsParam, strings.Join(views, ","))
		}
	} else if id := toID(exprValue(d["view_id"])); id != 0 && len(modes) > 0 {
		params.Set(viewsParam, fmt.Sprintf("%s:%d", modes[0], id))
	}
	if len(modes) > 0 {
		params.Set(modesParam, strings.Join(modes, ","))
	}
	if n := toID(d["limit"]); n > 0 && n != 80 {
		params.Set(limitParam, fmt.Sprint(n))
	}
	if id := toID(exprValue(d["search_view_id"])); id != 0 {
		params.Set(searchParam, fmt.Sprint(id))
	}
	if str(d["target"]) == "new" {
		params.Set(dialogParam, "1")
	}
	path := a.slug()
	if len(modes) > 0 && modes[0] == "form" {
		if id := toID(d["res_id"]); id != 0 {
			path += fmt.Sprintf("/%d", id)
			for _, k := range []string{domainParam, modesParam, limitParam, searchParam} { // a record needs no list
				params.Del(k)
			}
			if str(d["target"]) != "new" {
				params.Del(nameParam)
			}
		} else {
			path += "/new"
		}
	}
	return place{path: path, params: params}, nil
}

// activate makes the records an address is about those of the page, for the
// contexts and domains of actions that name them.
func (as *actions) activate(q url.Values) {
	var keys map[string]any
	if s := q.Get(contextParam); s == "" || decodeJSON(s, &keys) != nil {
		return
	}
	active := map[string]any{}
	for _, k := range []string{"active_id", "active_ids", "active_model"} {
		if v, ok := keys[k]; ok {
			active[k] = exprValue(v)
		}
	}
	as.withContext(active)
}

// enter makes the action's context the page's.
func (as *actions) enter(a *action) { as.withContext(a.Context) }

// only is the record of a form action with a domain, as the user's own
// preferences.
func (as *actions) only(act *action) (int64, error) {
	if len(act.Domain) == 0 {
		return 0, nil
	}
	rs, err := as.env.Lookup(act.Model)
	if err != nil {
		return 0, err
	}
	found, err := rs.Search(act.Domain, orm.SearchOptions{Limit: 1})
	return found.ID(), err
}

// boundActions are the server actions and reports offered for records of a
// model.
func (as *actions) boundActions(model, kind string) ([]choice, error) {
	var out []choice
	for _, k := range []struct{ model, key string }{{"ir.actions.server", "server"}, {"ir.actions.report", "print"}, {"ir.actions.act_window", "window"}} {
		rs, err := as.env.Sudo().Lookup(k.model)
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
			if types := str(r["binding_view_types"]); types != "" && !slices.Contains(splitModes(types), kind) {
				continue
			}
			if k.key == "window" && !as.leads(fmt.Sprint(toID(r["id"]))) {
				continue
			}
			label := str(r["name"])
			if k.key == "print" {
				label = "Print: " + label
			}
			out = append(out, choice{fmt.Sprintf("%s:%d", k.key, toID(r["id"])), label})
		}
	}
	return out, nil
}

// forMe reports whether the groups of an action, if any, hold the user.
func (as *actions) forMe(r orm.Values) (bool, error) {
	groups, _ := r["group_ids"].([]int64)
	if len(groups) == 0 {
		return true, nil
	}
	mine, err := as.env.Groups()
	return slices.ContainsFunc(groups, func(g int64) bool { return mine[g] }), err
}

// reportAction finds a report the user may print.
func (as *actions) reportAction(d orm.Domain) (orm.Values, error) {
	found, err := as.env.Sudo().Model("ir.actions.report").Search(d, orm.SearchOptions{Limit: 1})
	if err != nil {
		return nil, err
	}
	if found.Len() == 0 {
		return nil, server.Errorf(http.StatusNotFound, "There is no such report. It may belong to an addon that is not installed.")
	}
	rows, err := found.Read("name", "model", "report_name", "group_ids")
	if err != nil {
		return nil, err
	}
	if ok, err := as.forMe(rows[0]); err != nil || !ok {
		return nil, cmp.Or(err, orm.AccessErrorf("“%s” is reserved to certain groups.", str(rows[0]["name"])))
	}
	return rows[0], nil
}
