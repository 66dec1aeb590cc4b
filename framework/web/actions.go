package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

// Parameters with which an address carries an action that has no record, or
// what a button changed about one that has.
const (
	nameParam    = "name"
	domainParam  = "domain"  // JSON
	contextParam = "ctx"     // JSON
	modesParam   = "modes"   // list,form
	viewsParam   = "views"   // kind:id, …
	limitParam   = "limit"   // rows a page
	dialogParam  = "dialog"  // 1: a page of its own to be finished or left
	searchParam  = "sview"   // id of the search view
	viewParam    = "view"    // kind shown
	resParam     = "at"      // position of a record in its search
	editParam    = "edit"    // 1: the form takes input
	confirmParam = "confirm" // 1: asked and answered
)

// action is what opens a page.
type action struct {
	ID         int64
	Type       string
	Name       string
	Model      string
	Domain     orm.Domain
	Context    map[string]any
	Modes      []string
	Views      map[string]int64
	SearchView int64
	Limit      int
	ResID      int64
	Dialog     bool
	Help       template.HTML
	Tag        string
	Params     map[string]any
	URL        string
	record     orm.Values // the stored action
	byModel    bool       // made from /web/model/…
}

// shows are the kinds of views that can be shown.
func shows() []string { return []string{"list", "kanban", "form"} }

// load finds the action of an address: of /web/action/ by id, path or external
// id, of /web/model/ by the name of the model.
func (p *page) loadAction(pl place) (*action, error) {
	kind, rest, _ := strings.Cut(pl.path, "/")
	key, _, _ := strings.Cut(rest, "/")
	var a *action
	var err error
	if kind == "model" {
		a, err = p.modelAction(key)
	} else {
		a, err = orm.Memo(p.env, actionKey(key), func() (*action, error) { return p.storedAction(key) })
	}
	if err != nil {
		return nil, err
	}
	c := *a
	return &c, p.adjust(&c, pl.params)
}

type actionKey string

func (p *page) modelAction(model string) (*action, error) {
	rs, err := p.env.Lookup(model)
	if err != nil {
		return nil, server.Errorf(404, "There are no records of the kind “%s”.", model)
	}
	if rs.Model.Abstract {
		return nil, server.Errorf(404, "%s has no records of its own.", rs.Model.Label)
	}
	return &action{Type: "ir.actions.act_window", Name: rs.Model.Label, Model: model, Modes: []string{"list", "form"}, byModel: true}, nil
}

// actionID finds the id and kind of an action by id, path or external id.
func (p *page) actionID(key string) (id int64, kind string, err error) {
	ref, err := orm.Memo(p.env, actionRef(key), func() (actionFound, error) {
		id, kind, err := p.findAction(key)
		return actionFound{id, kind}, err
	})
	return ref.id, ref.kind, err
}

type (
	actionRef   string
	actionFound struct {
		id   int64
		kind string
	}
)

func (p *page) findAction(key string) (id int64, kind string, err error) {
	sudo := p.env.Sudo()
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

func (p *page) storedAction(key string) (*action, error) {
	id, kind, err := p.actionID(key)
	if err != nil {
		return nil, err
	}
	rs, err := p.env.Sudo().Lookup(kind)
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
	if ok, err := p.forMe(r); err != nil || !ok {
		return nil, cmp.Or(err, orm.AccessErrorf("“%s” is reserved to certain groups. Ask an administrator if you need it.", str(r["name"])))
	}
	a := &action{ID: id, Type: kind, Name: str(r["name"]), Model: str(r["res_model"]), record: r, Tag: str(r["tag"]), URL: str(r["url"]),
		SearchView: toID(r["search_view_id"]), ResID: toID(r["res_id"]), Dialog: str(r["target"]) == "new",
		Help: template.HTML(orm.SanitizeHTML(str(r["help"]))), Views: map[string]int64{}}
	if n, ok := r["limit"].(int64); ok {
		a.Limit = int(n)
	}
	vars := p.vars()
	if a.Context, err = p.dict(str(r["context"]), vars); err != nil {
		return nil, orm.UserErrorf("The context of the action “%s” cannot be read: %v", a.Name, err)
	}
	if a.Domain, err = p.domain(str(r["domain"]), vars); err != nil {
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
		rows, err := p.env.Sudo().Model("ir.actions.act_window.view").Browse(list...).Read("view_mode", "view_id")
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
		rows, err := p.env.Sudo().Model("ir.ui.view").Browse(v).Read("type")
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

func splitModes(s string) []string {
	var out []string
	for _, m := range strings.Split(s, ",") {
		if m = strings.TrimSpace(m); m == "tree" {
			m = "list"
		}
		if m != "" && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// adjust applies what an address says about its action.
func (p *page) adjust(a *action, q url.Values) error {
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

// mayComeFromAddress keeps keys that switch off safeguards, or belong to the
// session, out of links.
func mayComeFromAddress(key string) bool {
	return !slices.Contains([]string{"uid", "lang", "tz", "allowed_company_ids", "tracking_disable", "mail_notrack", "mail_create_nolog",
		"mail_create_nosubscribe", "install_mode", "uninstall", "bin_size", "no_reset_password"}, key) &&
		!strings.HasPrefix(key, "_")
}

// activate makes the records an address is about those of the page, for the
// contexts and domains of actions that name them.
func (p *page) activate(q url.Values) {
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
	p.withContext(active)
}

// enter makes the action's context the page's.
func (p *page) enter(a *action) { p.withContext(a.Context) }

// kind is the first kind of view of the action that can be shown, or the one
// the address asks for.
func (a *action) kind(asked string) string {
	if slices.Contains(a.Modes, asked) {
		return asked
	}
	for _, m := range a.Modes {
		if slices.Contains(shows(), m) {
			return m
		}
	}
	if len(a.Modes) > 0 {
		return a.Modes[0]
	}
	return "list"
}

// slug is how the action is named in an address.
func (a *action) slug() string {
	if a.byModel || a.ID == 0 {
		return "model/" + a.Model
	}
	return fmt.Sprintf("action/%d", a.ID)
}

type actionLeads string

// leads reports whether the user may open an action, for the buttons that would:
// its groups hold him, and he may read its records or, where it opens an empty
// form, make one. What is wrong otherwise he is told when he presses.
func (p *page) leads(name string) bool {
	ok, err := orm.Memo(p.env, actionLeads(name), func() (bool, error) {
		a, err := p.storedAction(name)
		if orm.IsCode(err, orm.CodeAccess) {
			return false, nil
		}
		if err != nil || a.Type != "ir.actions.act_window" {
			return true, err
		}
		can, err := p.rights(a.Model)
		if len(a.Modes) > 0 && a.Modes[0] == "form" && a.ResID == 0 && len(a.Domain) == 0 {
			return can.Create, err
		}
		return can.Read, err
	})
	return ok || err != nil
}

// placeOfDict is the address that opens an action given as a dictionary, as a
// button returns it.
func (p *page) placeOfDict(d map[string]any) (place, error) {
	params := url.Values{}
	a := &action{ID: toID(d["id"]), Model: str(d["res_model"]), Type: str(d["type"])}
	vars := p.vars()
	if s := str(d["name"]); s != "" {
		params.Set(nameParam, s)
	}
	ctx, isMap := exprValue(d["context"]).(map[string]any)
	if s := str(d["context"]); s != "" {
		var err error
		if ctx, err = p.dict(s, vars); err != nil {
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
		dom, err = p.domain(s, vars)
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

func jsonText(v any) string {
	b, err := server.EncodeJSON(exprValue(v))
	if err != nil {
		return ""
	}
	return string(b)
}

func decodeJSON(s string, v any) error {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	return d.Decode(v)
}
